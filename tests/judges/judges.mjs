// judges.mjs PROGRAM FOLDER: compares callchain's yes or no with that of independent implementations, capture by capture.
// Where they may differ stands, with the reason, in disagreements.json. A disagreement without a row fails, and so does a
// row that no capture bears out any more.

import {execFile} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {availableParallelism, tmpdir} from 'node:os';
import {join} from 'node:path';

import {captureBytes, makeCaptures} from './captures.mjs';

const [program, folder] = process.argv.slice(2);
const require = createRequire(join(folder, 'package.json'));
const OpenAI = require('openai').default;
const {Webhook} = require('standardwebhooks');
const twilio = require('twilio');

const SEED = 20_250_618;
const MOST_PROBLEMS_SHOWN = 50;
const MEANING = {0: 'valid', 1: 'invalid', 3: 'cannot_tell'};

// The judges read the clock themselves; for each capture it stands at the capture's own time.
let now = 0;
Date.now = () => now * 1000;

const openai = new OpenAI({apiKey: 'unused'});
// HTTP header values reach an application as text.
const headerObject = (capture) => Object.fromEntries(capture.headers.map(([name, value]) => [name.toLowerCase(), value]));

/** Judge -> does it accept? A judge refuses by throwing, or by answering false. */
const JUDGES = {
    openai: {scheme: 'standard', accepts: async (capture) => {
        await openai.webhooks.verifySignature(capture.body.toString('utf8'), headerObject(capture), capture.secret);
        return true;
    }},
    standardwebhooks: {scheme: 'standard', accepts: async (capture) => {
        new Webhook(capture.secret).verify(capture.body, headerObject(capture), {jsonParse: false});
        return true;
    }},
    twilio: {scheme: 'twilio', accepts: async (capture) => {
        const signature = headerObject(capture)['x-twilio-signature'];
        if (capture.json) return twilio.validateRequestWithBody(capture.token, signature, capture.url, capture.body.toString('utf8'));
        return twilio.validateRequest(capture.token, signature, capture.url, formParameters(capture.body));
    }},
};

/** Name -> value, or values where the name came several times: what Express's form parser hands on. */
function formParameters(body) {
    const parameters = {};
    for (const [name, value] of new URLSearchParams(body.toString('utf8'))) {
        parameters[name] = name in parameters ? [parameters[name], value].flat() : value;
    }
    return parameters;
}

async function judgeAccepts(judge, capture) {
    now = capture.now;
    try {
        return await judge.accepts(capture);
    } catch {
        return false;
    }
}

/** Runs verify-sig; {accepts, fault}, where a fault is an answer that contradicts itself or is none. */
function askProgram(capture, place) {
    const request = `${place}.http`, secret = `${place}.secret`;
    writeFileSync(request, captureBytes(capture));
    writeFileSync(secret, capture.secret ?? capture.token);
    const args = ['verify-sig', '--request', request, '--now', String(capture.now), '--json',
                  ...(capture.scheme === 'twilio'
                      ? ['--scheme', 'twilio', '--url', capture.url, '--auth-token-file', secret]
                      : ['--scheme', 'standard', '--secret-file', secret])];
    return new Promise((resolve) => {
        execFile(program, args, {env: {}, timeout: 60_000}, (error, stdout, stderr) => {
            resolve(readAnswer(error ? (error.code ?? error.signal) : 0, stdout, stderr));
        });
    });
}

function readAnswer(exit, stdout, stderr) {
    const fault = (what) => ({accepts: exit === 0, fault: `${what} (exit ${exit})\n${stdout}${stderr}`});
    try {
        if (exit === 2) {
            return typeof JSON.parse(stderr).message === 'string' ? {accepts: false} : fault('an error without a message');
        }
        if (!(exit in MEANING)) return fault('no answer');
        const {verdict} = JSON.parse(stdout);
        return verdict === MEANING[exit] ? {accepts: exit === 0} : fault(`verdict ${verdict} contradicts the exit code`);
    } catch (error) {
        return fault(`not the JSON that was asked for: ${error.message}`);
    }
}

/** Results in the order of `items`, as many at once as there are cores. */
async function inParallel(items, work) {
    const results = [];
    let next = 0;
    await Promise.all(Array.from({length: availableParallelism()}, async () => {
        for (let index = next++; index < items.length; index = next++) results[index] = await work(items[index], index);
    }));
    return results;
}

const yesNo = (accepts) => (accepts ? 'accepts' : 'refuses');
const rowKey = (row) => `${row.class} | ${row.judge} | callchain ${row.callchain}, ${row.judge} ${row.judge_says}`;

async function main() {
    const captures = makeCaptures(SEED);
    const place = mkdtempSync(join(tmpdir(), 'callchain-judges-'));
    const answers = await inParallel(captures, (capture, index) => askProgram(capture, join(place, String(index))));

    const table = JSON.parse(readFileSync(new URL('disagreements.json', import.meta.url)));
    const seen = new Map(table.map((row) => [rowKey(row), 0]));
    const problems = [];
    let agreed = 0;
    for (const [index, capture] of captures.entries()) {
        const answer = answers[index];
        if (answer.fault) {
            problems.push(`capture ${index}, ${capture.class}: ${answer.fault}`);
            continue;
        }
        for (const [name, judge] of Object.entries(JUDGES).filter(([, judge]) => judge.scheme === capture.scheme)) {
            const verdict = await judgeAccepts(judge, capture);
            const key = rowKey({class: capture.class, judge: name, callchain: yesNo(answer.accepts), judge_says: yesNo(verdict)});
            if (verdict === answer.accepts) agreed += 1;
            else if (seen.has(key)) seen.set(key, seen.get(key) + 1);
            else problems.push(`capture ${index}, not in disagreements.json: ${key}`);
        }
    }
    for (const row of table) {
        if (seen.get(rowKey(row)) === 0) problems.push(`disagreements.json has a row that no capture bears out: ${rowKey(row)}`);
        if (!row.reason) problems.push(`disagreements.json gives no reason: ${rowKey(row)}`);
    }

    for (const problem of problems.slice(0, MOST_PROBLEMS_SHOWN)) console.log(problem);
    if (problems.length > MOST_PROBLEMS_SHOWN) console.log(`… and ${problems.length - MOST_PROBLEMS_SHOWN} more`);
    const versions = ['openai', 'standardwebhooks', 'twilio'].map((name) => `${name} ${require(join(folder, 'node_modules', name, 'package.json')).version}`);
    console.log(`judges: ${versions.join(', ')}, on Node.js ${process.version}`);
    const known = [...seen.values()].reduce((sum, count) => sum + count, 0);
    console.log(`${captures.length} captures: ${agreed} verdicts agree, ${known} differ for ${table.length} known reasons, ${problems.length} problems`);
    if (problems.length > 0) console.log(`the captures are in ${place}, by number: N.http with N.secret`);
    else rmSync(place, {recursive: true});
    process.exitCode = problems.length === 0 ? 0 : 1;
}

await main();
