// unwrap.mjs FOLDER CAPTURE SECRET_FILE NOW: what callchain is measured against: the openai package of FOLDER verifies
// one capture and parses its event. Exit code 0 where it accepts.

import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';

const [folder, capture, secretFile, now] = process.argv.slice(2);
const OpenAI = createRequire(join(folder, 'package.json'))('openai').default;
Date.now = () => Number(now) * 1000;

const text = readFileSync(capture, 'utf8');
const end = text.indexOf('\r\n\r\n');
const headers = Object.fromEntries(text.slice(0, end).split('\r\n').slice(1).map((line) => line.split(/: (.*)/s, 2)));
const client = new OpenAI({apiKey: 'unused', webhookSecret: readFileSync(secretFile, 'utf8')});
try {
    await client.webhooks.unwrap(text.slice(end + 4), headers);
} catch {
    process.exitCode = 1;
}
