// express.mjs FOLDER SECRET_FILE: OpenAI's own client behind Express, from the npm packages of FOLDER, as its README shows
// the two together: unwrap() of the raw body; a call is accepted before the answer. Prints `ready PORT`.
// The API key and the base URL are the client's own variables, OPENAI_API_KEY and OPENAI_BASE_URL.
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';

const [folder, secretFile] = process.argv.slice(2);
const require = createRequire(join(folder, 'package.json'));
const express = require('express');
const OpenAI = require('openai').default;

const client = new OpenAI({webhookSecret: readFileSync(secretFile, 'utf8')});
const app = express();

app.post('/openai/webhook', express.raw({type: 'application/json'}), async (request, response) => {
    let event;
    try {
        event = await client.webhooks.unwrap(request.body.toString('utf8'), request.headers);
    } catch {
        return response.sendStatus(401);
    }
    if (event.type === 'realtime.call.incoming')
        await client.realtime.calls.accept(event.data.call_id, {type: 'realtime', model: 'gpt-realtime'});
    response.sendStatus(200);
});

const server = app.listen(0, '127.0.0.1', () => console.log(`ready ${server.address().port}`));
server.keepAliveTimeout = 600_000;  // the connections outlast the turns of the others
