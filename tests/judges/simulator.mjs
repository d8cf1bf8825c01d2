// simulator.mjs PROGRAM FOLDER: is what OpenAI's stand-in signs what OpenAI would sign? A run of `callchain simulate call` with the wrong
// secret leaves its refused deliveries byte for byte, and the secret of the endpoint: npm openai and npm standardwebhooks must
// take each with that one, and refuse it with the other.

import {execFileSync} from 'node:child_process';
import {mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

const [program, folder] = process.argv.slice(2);
const require = createRequire(join(folder, 'package.json'));
const OpenAI = require('openai').default;
const {Webhook} = require('standardwebhooks');

const run = mkdtempSync(join(tmpdir(), 'simulator-judge-'));
const openai = new OpenAI({apiKey: 'unused'});
const JUDGES = {
    openai: async (body, headers, secret) => openai.webhooks.unwrap(body, headers, secret),
    standardwebhooks: async (body, headers, secret) => new Webhook(secret).verify(body, headers),
};

function read(path) {
    const [head, body] = readFileSync(path, 'latin1').split(/\r\n\r\n(.*)/s);
    const fields = head.split('\r\n').slice(1).map((line) => line.split(/:\s*(.*)/s));
    return {headers: Object.fromEntries(fields.map(([name, value]) => [name.toLowerCase(), value])), body: Buffer.from(body, 'latin1').toString('utf8')};
}

const problems = [];
let passed = 0;
try {
    try {
        execFileSync(program, ['simulate', 'call', '--fault', 'wrong-secret', '--out', join(run, 'files')], {stdio: 'pipe'});
        problems.push('the run with the wrong secret went well');
    } catch (error) {
        if (error.status !== 1) throw error;
    }
    const files = join(run, 'files');
    const secret = (name) => readFileSync(join(files, `${name}.secret`), 'utf8').trim();
    const captures = readdirSync(join(files, 'captures')).filter((name) => name.endsWith('.http'));
    if (captures.length < 2) problems.push(`${captures.length} deliveries are not a first one and its repetition`);
    const ids = new Set();
    for (const name of captures) {
        const {headers, body} = read(join(files, 'captures', name));
        ids.add(headers['webhook-id']);
        for (const [judge, verify] of Object.entries(JUDGES)) {
            for (const [label, wanted] of [['endpoint', true], ['serve', false]]) {
                const event = await verify(body, headers, secret(label)).catch(() => null);
                if ((event !== null) !== wanted) problems.push(`${judge}, ${name}, secret of ${label}: ${event ? 'taken' : 'refused'}`);
                else if (event && event.type !== 'realtime.call.incoming') problems.push(`${judge}, ${name}: the type is ${event.type}`);
                else passed += 1;
            }
        }
    }
    if (ids.size !== 1) problems.push(`repetitions have ${ids.size} ids, not one`);
} finally {
    rmSync(run, {recursive: true, force: true});
}

for (const problem of problems) console.log(problem);
console.log(`simulator: ${passed} verdicts as expected, ${problems.length} not`);
process.exit(problems.length === 0 ? 0 : 1);
