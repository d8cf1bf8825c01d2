// serve.mjs PROGRAM FOLDER: the vendors' own libraries as callers of `callchain serve`. npm twilio signs voice requests that it must
// take, npm standardwebhooks signs deliveries, and what it then sends to accept a call is held against what the npm openai
// client sends for the same.

import {spawn} from 'node:child_process';
import {createServer} from 'node:http';
import {createRequire} from 'node:module';
import {once} from 'node:events';
import {createInterface} from 'node:readline';
import {join} from 'node:path';

const [program, folder] = process.argv.slice(2);
const require = createRequire(join(folder, 'package.json'));
const OpenAI = require('openai').default;
const {Webhook} = require('standardwebhooks');
const twilio = require('twilio');

const TOKEN = '00112233445566778899aabbccddeeff';
const SECRET = 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=';
const KEY = 'sk-made-up-0123456789';
const PUBLIC = ['https://bridge.example.com', 'https://user:pass@other.example.com:8443/prefix'];

let passed = 0;
const problems = [];
function expect(name, actual, expected) {
    if (JSON.stringify(actual) === JSON.stringify(expected)) passed += 1;
    else problems.push(`${name}: got ${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`);
}

// The API: remembers what it was asked.
const asked = [];
const api = createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
        asked.push({method: request.method, url: request.url, headers: request.headers, body: Buffer.concat(chunks).toString()});
        response.writeHead(200).end();
    });
}).listen(0, '127.0.0.1');
await once(api, 'listening');
const base = `http://127.0.0.1:${api.address().port}/v1`;

const service = spawn(program, ['serve'], {env: {
    PORT: '0', CALLCHAIN_ADMIN_LISTEN: 'off', CALLCHAIN_SIDEBAND: 'off', CALLCHAIN_LOG: 'json', CALLCHAIN_DRAIN_SECONDS: '2',
    OPENAI_API_KEY: KEY, OPENAI_WEBHOOK_SECRET: SECRET, OPENAI_PROJECT_ID: 'proj_abc123', OPENAI_BASE_URL: base,
    TWILIO_AUTH_TOKEN: TOKEN, CALLCHAIN_PUBLIC_URL: PUBLIC.join(','), TWILIO_SIP_CALLER_ID: '+5561999998888',
}, stdio: ['ignore', 'pipe', 'inherit']});
const log = [];
const ready = new Promise((resolve, reject) => {
    createInterface({input: service.stdout}).on('line', (line) => {
        log.push(line);
        const entry = JSON.parse(line);
        if (entry.message === 'ready') resolve(new URL(entry.listen.replace('[::]', '127.0.0.1').replace('0.0.0.0', '127.0.0.1')).origin);
    }).on('close', () => reject(new Error(`serve ended: ${log.join('\n')}`)));
});
const origin = await ready;

async function ask(method, path, headers, body) {
    const response = await fetch(origin + path, {method, headers, body, redirect: 'manual'});
    return {status: response.status, text: await response.text()};
}

// Twilio's requests, over URLs and parameters that its library signs in its own way.
const PARAMETERS = [
    {CallSid: `CA${'0'.repeat(32)}`, From: 'whatsapp:+5511999998888', To: 'whatsapp:+5561999998888', CallStatus: 'ringing'},
    {CallerName: 'José & Ção', From: '+5511999998888', Empty: '', _x: '4', B: '2', a: '1'},
    {D: ['9', '10', '9'], Long: 'x'.repeat(3_000)},
];
for (const base_url of PUBLIC) {
    for (const [index, parameters] of PARAMETERS.entries()) {
        for (const query of ['', '?trace=t-1&n=2', "?Body=It%27s+amazing"]) {
            const form = new URLSearchParams();
            for (const [name, values] of Object.entries(parameters)) for (const value of [values].flat()) form.append(name, value);
            const signature = twilio.getExpectedTwilioSignature(TOKEN, `${base_url}/twilio/voice${query}`, parameters);
            const headers = {'content-type': 'application/x-www-form-urlencoded', 'x-twilio-signature': signature};
            const name = `twilio ${base_url} ${index} ${query}`;
            const good = await ask('POST', `/twilio/voice${query}`, headers, form.toString());
            expect(`${name}: status`, good.status, 200);
            expect(`${name}: dials`, /<Sip[^>]*>sip:proj_abc123@sip\.api\.openai\.com;transport=tls\?X-Callchain-Id=cc_[0-9a-f]{24}<\/Sip>/.test(good.text), true);
            form.append('Added', '1');
            expect(`${name}: a parameter more`, (await ask('POST', `/twilio/voice${query}`, headers, form.toString())).status, 403);
        }
    }
}

// A delivery signed by the reference library is taken; the accept is the one that the openai client sends.
const call_id = 'rtc_u1_judge+0123';
const body = JSON.stringify({id: 'evt_1', object: 'event', created_at: Math.floor(Date.now() / 1000), type: 'realtime.call.incoming',
                             data: {call_id, sip_headers: [{name: 'From', value: '"José" <sip:+5511999998888@example.com>'}]}});
const sent_at = new Date();
const delivery = {'content-type': 'application/json', 'webhook-id': 'wh_judge', 'webhook-timestamp': `${Math.floor(sent_at / 1000)}`,
                  'webhook-signature': new Webhook(SECRET).sign('wh_judge', sent_at, body)};
expect('standardwebhooks: a forged one', (await ask('POST', '/openai/webhook', {...delivery, 'webhook-id': 'wh_other'}, body)).status, 401);
expect('standardwebhooks: delivery', (await ask('POST', '/openai/webhook', delivery, body)).status, 200);
expect('accepts sent', asked.length, 1);
const ours = asked[0];
const client = new OpenAI({apiKey: KEY, baseURL: base, maxRetries: 0});
await client.realtime.calls.accept(call_id, JSON.parse(ours.body));
const theirs = asked[1];
expect('accept: method', ours.method, theirs.method);
// The client leaves a '+' in a path, which says the same.
expect('accept: URL', decodeURIComponent(ours.url), decodeURIComponent(theirs.url));
for (const name of ['authorization', 'content-type']) expect(`accept: ${name}`, ours.headers[name], theirs.headers[name]);
expect('accept: body', JSON.parse(ours.body), JSON.parse(theirs.body));

// And the other way round: what our signer writes, the client unwraps.
const unwrapped = await client.webhooks.unwrap(body, delivery, SECRET);
expect('openai: unwrap', unwrapped.data.call_id, call_id);

service.kill('SIGTERM');
const [code] = await once(service, 'exit');
expect('exit code', code, 0);
api.close();
api.closeAllConnections();

for (const problem of problems) console.error(`serve judge: ${problem}`);
if (problems.length > 0) console.error(log.slice(-10).join('\n'));
console.log(`serve: ${passed} passed, ${problems.length} failed`);
process.exit(problems.length > 0 ? 1 : 0);
