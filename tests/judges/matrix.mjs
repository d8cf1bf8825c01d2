// matrix.mjs PROGRAM FOLDER: receivers as their users write them, with Express and the vendors' own libraries, are put through
// `callchain replay-webhook --matrix=full`. Those that check the bytes which they received pass, case by case; the commonest
// faults are named.

import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {createRequire} from 'node:module';
import {join} from 'node:path';

const [program, folder] = process.argv.slice(2);
const require = createRequire(join(folder, 'package.json'));
const express = require('express');
const OpenAI = require('openai').default;
const {Webhook} = require('standardwebhooks');

const SECRET = 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=';
const FEWEST_CASES = 100;
const client = new OpenAI({apiKey: 'sk-none', webhookSecret: SECRET});

let passed = 0;
const problems = [];
function expect(name, actual, expected) {
    if (JSON.stringify(actual) === JSON.stringify(expected)) passed += 1;
    else problems.push(`${name}: got ${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`);
}

/** An application with one route; `check(request)` is awaited and throws for what it refuses. */
function application(parser, check, statusOfRefusal = 400) {
    const app = express();
    app.post('/openai/webhook', parser, async (request, response) => {
        try {
            await check(request);
            response.status(200).end();
        } catch (error) {
            response.status(statusOfRefusal).send(String(error.message));
        }
    });
    // Express would show its stack, which nobody wants to read here.
    app.use((error, request, response, next) => response.status(error.status ?? 500).send(error.type ?? 'error'));
    return app;
}

const raw = (limit) => express.raw({type: '*/*', limit});
const text = (request) => (Buffer.isBuffer(request.body) ? request.body.toString('utf8') : '');
const byOpenAi = (request) => client.webhooks.unwrap(text(request), request.headers, SECRET);
const byStandard = (request) => new Webhook(SECRET).verify(text(request), request.headers);
const byWritingAgain = (request) => client.webhooks.unwrap(JSON.stringify(request.body), request.headers, SECRET);

/** What `callchain replay-webhook --matrix=full` says of a receiver, and with which exit code. */
async function putThrough(app) {
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${server.address().port}/openai/webhook`;
    const run = spawn(program, ['replay-webhook', '--matrix=full', '--to', url, '--json'],
        {env: {OPENAI_WEBHOOK_SECRET: SECRET}, stdio: ['ignore', 'pipe', 'pipe']});
    let out = '';
    let err = '';
    run.stdout.on('data', (chunk) => { out += chunk; });
    run.stderr.on('data', (chunk) => { err += chunk; });
    const [code] = await once(run, 'close');
    server.close();
    server.closeAllConnections();
    if (code !== 0 && code !== 1) throw new Error(`exit ${code}: ${err}`);
    return {code, document: JSON.parse(out)};
}

const named = (document, outcome) => document.cases.filter((one) => one.outcome === outcome).map((one) => one.name);
const codes = (document) => new Set([...document.findings, ...document.cases.map((one) => one.finding)].filter(Boolean).map((one) => one.code));

/** Receivers that are right: which cases are tolerated and not right. */
const RIGHT = [
    ['npm openai', application(raw('2mb'), byOpenAi), []],
    // Express reads 100 kB unless it is told otherwise, and answers 413 to more.
    ['npm openai, the usual limit', application(raw(), byOpenAi), ['large_body']],
    ['npm standardwebhooks', application(raw('2mb'), byStandard), ['bare_signature', 'empty_body']],
];
for (const [name, app, tolerated] of RIGHT) {
    const {code, document} = await putThrough(app);
    expect(`${name}: exit code`, code, 0);
    expect(`${name}: passed`, document.passed, true);
    expect(`${name}: many cases`, document.cases.length > FEWEST_CASES, true);
    expect(`${name}: findings`, [...codes(document)], []);
    for (const one of document.cases) {
        const answered = `${String(one.status)[0]}xx`;
        expect(`${name}: ${one.name}`, one.outcome, tolerated.includes(one.name) ? 'tolerated' : 'right');
        expect(`${name}: ${one.name}, class`, answered === one.right, !tolerated.includes(one.name));
    }
}

/** Receivers with a fault: the codes that must be among what is found, and the cases that must be right all the same. */
const WRONG = [
    ['express.json and JSON.stringify', application(express.json({type: '*/*', limit: '2mb'}), byWritingAgain),
        ['receiver_reserializes_body', 'receiver_refuses_valid'], ['tampered_body', 'unsigned', 'wrong_secret', 'stale']],
    ['200 for what it refuses', application(raw('2mb'), byOpenAi, 200),
        ['receiver_accepts_everything', 'receiver_accepts_wrong_secret', 'receiver_accepts_stale'], ['valid', 'duplicate', 'utf8_body']],
    ['no parser, so no body', application((request, response, next) => next(), byOpenAi),
        ['receiver_refuses_everything', 'receiver_refuses_valid'], ['unsigned']],
    ['JSON alone is parsed', application(express.json({limit: '2mb'}), () => {}),
        ['receiver_accepts_wrong_secret', 'receiver_accepts_tampered_body', 'receiver_accepts_missing_header'], ['valid', 'not_json']],
];
for (const [name, app, found, right] of WRONG) {
    const {code, document} = await putThrough(app);
    expect(`${name}: exit code`, code, 1);
    expect(`${name}: passed`, document.passed, false);
    for (const one of found) expect(`${name}: ${one}`, codes(document).has(one), true);
    for (const one of right) expect(`${name}: ${one}`, named(document, 'right').includes(one), true);
}

for (const problem of problems) console.error(`matrix judge: ${problem}`);
const version = require(join(folder, 'node_modules', 'express', 'package.json')).version;
console.log(`matrix: express ${version}, ${passed} passed, ${problems.length} failed`);
process.exit(problems.length > 0 ? 1 : 0);
