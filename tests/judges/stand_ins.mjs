// stand_ins.mjs PROGRAM FOLDER: the vendors' own libraries as the service behind `simulate twilio` and `simulate openai`. npm twilio
// judges each request of the one and writes the TwiML that it plays; npm openai and npm standardwebhooks judge each delivery of the
// other, and npm openai's client decides about the calls.

import {spawn} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {once} from 'node:events';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {createInterface} from 'node:readline';

const [program, folder] = process.argv.slice(2);
const require = createRequire(join(folder, 'package.json'));
const OpenAI = require('openai').default;
const {buildRealtimeURL} = require('openai/realtime/internal-base');
const express = require('express');
const {Webhook} = require('standardwebhooks');
const twilio = require('twilio');

const TOKEN = '00112233445566778899aabbccddeeff';
const SECRET = 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=';
const OTHER_SECRET = 'whsec_HxAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg=';
const KEY = 'sk-made-up-0123456789';
const PROJECT = 'proj_0000000000000000000000ab';
const CALLER_ID = '+12145551869';
const TALK = '3';  // seconds, in which a busy machine greets as well
const SECONDS = 60;  // for the whole run: far more than it takes
const ENVIRONMENT = {PATH: process.env.PATH, TWILIO_AUTH_TOKEN: TOKEN, OPENAI_API_KEY: KEY, OPENAI_WEBHOOK_SECRET: SECRET, OPENAI_PROJECT_ID: PROJECT};

let passed = 0;
const problems = [];
function expect(name, actual, expected) {
    if (JSON.stringify(actual) === JSON.stringify(expected)) passed += 1;
    else problems.push(`${name}: got ${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`);
}
function expectMatch(name, actual, pattern) {
    if (pattern.test(actual)) passed += 1;
    else problems.push(`${name}: ${JSON.stringify(actual)} is not ${pattern}`);
}

// ---- the stand-ins, as processes ----

const run = mkdtempSync(join(tmpdir(), 'stand-ins-judge-'));
const children = [];

class StandIn {
    constructor(kind, ...args) {
        this.kind = kind;
        this.documents = [];
        this.errors = '';
        this.process = spawn(program, ['simulate', kind, '--json', '--authority', join(run, 'authority'), ...args],
                             {env: ENVIRONMENT, stdio: ['ignore', 'pipe', 'pipe']});
        this.exit = once(this.process, 'exit').then(([code, signal]) => code ?? signal);
        this.process.stderr.on('data', (chunk) => { this.errors += chunk; });
        this.ready = new Promise((resolve, reject) => {
            const lines = createInterface({input: this.process.stdout});
            lines.on('line', (line) => {
                const document = JSON.parse(line);
                this.documents.push(document);
                if (document.type === 'ready') resolve(document);
            });
            this.read = once(lines, 'close').then(() => reject(new Error(`${kind} ended: ${this.errors}`)));
        });
        this.ready.catch(() => {});
        children.push(this);
    }

    /** How many calls were good, and how many were not. */
    counts() {
        const calls = this.documents.filter((document) => document.type === 'call');
        return [true, false].map((good) => calls.filter((call) => call.good === good).length);
    }

    async ended(code) {
        expect(`${this.kind}: exit code`, await this.exit, code);
        await this.read;
        expect(`${this.kind}: stderr`, this.errors, '');
    }
}

async function start(kind, ...args) {
    const one = new StandIn(kind, ...args);
    await one.ready;
    return one;
}

// ---- the service: what Twilio asks ----

const asked = [];      // every request of Twilio's: {scheme, path, method, parameters}
const delivered = [];  // every delivery of OpenAI's: {plan, event, headers}
// What Twilio knows of the service: the URL that it was given for it.
const SCHEMES = {
    plain: (request) => `http://${request.headers.host}`,
    domain: (request) => `http://${request.headers.host}`,
    proxied: () => 'https://bridge.example.com',
    prefixed: () => 'https://other.example.com:8443/prefix',
};

function judgeRequest(request) {
    const {scheme} = request.params;
    const url = SCHEMES[scheme](request) + request.originalUrl;
    const signature = request.headers['x-twilio-signature'];
    const parameters = request.body ?? {};
    const name = `${request.method} ${url}`;
    const judge = (token, at, given) => twilio.validateRequest(token, signature, at, given);
    expect(`${name}: signature`, judge(TOKEN, url, parameters), true);
    expect(`${name}: as the middleware has it`, twilio.validateExpressRequest(request, TOKEN, {url}), true);
    expect(`${name}: another token`, judge(TOKEN.replace('0', '1'), url, parameters), false);
    expect(`${name}: another host`, judge(TOKEN, url.replace(/127\.0\.0\.1|example\.com/, 'example.org'), parameters), false);
    expect(`${name}: another path`, judge(TOKEN, url.replace(`/${scheme}/`, `/${scheme}//`), parameters), false);
    expect(`${name}: a parameter more`, judge(TOKEN, url, {...parameters, Added: '1'}), false);
    const first = Object.keys(parameters)[0];
    if (first) expect(`${name}: a changed parameter`, judge(TOKEN, url, {...parameters, [first]: `${parameters[first]}x`}), false);
    if (request.method === 'GET') {
        expect(`${name}: a changed query`, judge(TOKEN, url.replace(/CallSid=CA./, 'CallSid=CAx'), {}), false);
        expect(`${name}: body`, parameters, {});
    }
}

// How each call goes, in the order of their webhooks: what the TwiML has and what becomes of the call at OpenAI.
const PLANS = {
    plain: [
        {plan: 'talk', method: 'POST', events: ['initiated', 'ringing', 'answered', 'completed']},
        {plan: 'talk', method: 'GET', events: ['completed']},
        {plan: 'reject', method: 'POST', events: ['initiated', 'completed'], status: 486},
        {plan: 'reject', method: 'GET', events: ['completed']},
        {plan: 'hangup', method: 'POST', events: ['answered', 'completed']},
        {plan: 'talk', method: 'POST', events: ['completed'], redirected: true},
    ],
    proxied: [{plan: 'talk', method: 'POST', events: ['initiated', 'answered', 'completed']}, {plan: 'hangup', method: 'GET', events: ['completed']}],
    prefixed: [{plan: 'talk', method: 'GET', events: ['initiated', 'completed']}],
    domain: [{plan: 'talk', method: 'POST', events: ['completed'], from: 'sip:+12195550714@wa.meta.vc'}],  // by SIP, of `simulate meta`
};
const plan_of = new Map();  // by CallSid

function respond(response, twiml) {
    response.type('text/xml').send(twiml.toString());
}

function dial(request, response) {
    const {scheme} = request.params;
    const parameters = {...request.query, ...request.body};
    const {plan, method, events, status} = plan_of.get(parameters.CallSid);
    const twiml = new twilio.twiml.VoiceResponse();
    const dialled = twiml.dial({callerId: CALLER_ID, answerOnBridge: true, timeout: 20, method,
                                action: `action?trace=t-1&who=a+b%2Bc&city=S%C3%A3o&city=Rio&quote=It%27s&plan=${plan}`});
    const callback = `${SCHEMES[scheme](request)}/${scheme}/status?to=%2B12145551869&word=Ol%C3%A1+%26+tchau&n=2&n=1`;
    dialled.sip({statusCallback: callback, statusCallbackMethod: method, statusCallbackEvent: events},
                `sip:${PROJECT}@sip.api.openai.com;transport=tls?X-Plan=${plan}&X-Status=${status ?? ''}&X-Note=a%3Bb%3D1`);
    respond(response, twiml);
}

const ANSWERS = {
    voice(request, response) {
        const {scheme} = request.params;
        const {CallSid: call_sid} = request.body;
        const plan = PLANS[scheme][[...plan_of.values()].filter((one) => one.scheme === scheme).length];
        plan_of.set(call_sid, {...plan, scheme});
        if (!plan.redirected) return dial(request, response);
        const twiml = new twilio.twiml.VoiceResponse();
        twiml.redirect({method: 'GET'}, `again?from=${encodeURIComponent(call_sid)}`);
        respond(response, twiml);
    },
    again: dial,
    status(request, response) { response.status(204).end(); },
    action(request, response) { respond(response, new twilio.twiml.VoiceResponse()); },
};

const app = express();
app.set('query parser', 'simple');
app.all('/:scheme/:what', express.urlencoded({extended: false}), (request, response) => {
    const {scheme, what} = request.params;
    judgeRequest(request);
    asked.push({scheme, what, method: request.method, parameters: request.method === 'GET' ? {...request.query} : {...request.body}});
    ANSWERS[what](request, response);
});

// ---- the service: what OpenAI tells ----

const JUDGES = {
    openai: async (body, headers, secret) => client.webhooks.unwrap(body, headers, secret),
    standardwebhooks: async (body, headers, secret) => new Webhook(secret).verify(body, headers),
};

async function judgeDelivery(body, headers) {
    for (const [judge, verify] of Object.entries(JUDGES)) {
        for (const [label, wanted, ...given] of [
            ['as it came', true, body, headers, SECRET], ['another secret', false, body, headers, OTHER_SECRET],
            ['another body', false, `${body} `, headers, SECRET], ['another id', false, body, {...headers, 'webhook-id': 'wh_0'}, SECRET],
        ]) {
            const event = await verify(...given).catch(() => null);
            expect(`${judge}: ${label}`, event !== null, wanted);
            if (event) expect(`${judge}: type`, event.type, 'realtime.call.incoming');
        }
    }
    expectMatch('openai: content-type', headers['content-type'], /^application\/json/);
    expectMatch('openai: user-agent', headers['user-agent'], /^OpenAI\/1\.0 /);
}

// The error's status and code as npm openai reads them; null where there was none.
async function failure(promise) {
    return promise.then(() => null, (error) => ({type: error.constructor.name, code: error.code}));
}
const SESSION = {type: 'realtime', model: 'gpt-realtime', instructions: 'Say good day.', audio: {output: {voice: 'marin'}}};
const NOT_FOUND = {type: 'NotFoundError', code: 'call_id_not_found'};
const DECIDED = 'decision_already_made';

// Greets as the guide says, and waits for the end of the socket. npm openai's own helpers want npm ws, or a key in the name of a
// subprotocol; this one has its URL from there, and its WebSocket from Node.js.
async function sideband(call_id, greeted) {
    const url = buildRealtimeURL(client, {callID: call_id});
    url.protocol = 'ws:';
    const types = [];
    const socket = new WebSocket(url, {headers: {Authorization: `Bearer ${KEY}`}});
    socket.addEventListener('message', ({data}) => {
        const event = JSON.parse(data);
        expectMatch('sideband: event_id', event.event_id, /^event_./);
        types.push(event.type);
        if (event.type === 'session.created') socket.send(JSON.stringify({type: 'response.create', response: {instructions: 'Say: hello.'}}));
        if (event.type === 'response.done') greeted(event.response.status);
    });
    await once(socket, 'close');
    expect('sideband: events', types.filter((type) => ['session.created', 'response.created', 'response.done'].includes(type)),
           ['session.created', 'response.created', 'response.done']);
}

const DECISIONS = {
    async talk(call_id) {
        await client.realtime.calls.accept(call_id, SESSION);
        expect('a second accept', (await failure(client.realtime.calls.accept(call_id, SESSION)))?.code, DECIDED);
        await sideband(call_id, (status) => expect('talk: greeted', status, 'completed'));
        expect('an accept behind the end', await failure(client.realtime.calls.accept(call_id, SESSION)), NOT_FOUND);
    },
    async reject(call_id, status) {
        await client.realtime.calls.reject(call_id, status === '' ? {} : {status_code: Number(status)});
        expect('an accept behind the reject', (await failure(client.realtime.calls.accept(call_id, SESSION))) !== null, true);
    },
    async hangup(call_id) {
        expect('another key', await failure(stranger.realtime.calls.accept(call_id, SESSION)), {type: 'AuthenticationError', code: 'invalid_api_key'});
        expect('another call', await failure(client.realtime.calls.accept('rtc_u1_none', SESSION)), NOT_FOUND);
        await client.realtime.calls.accept(call_id, SESSION);
        await sideband(call_id, () => client.realtime.calls.hangup(call_id).catch((error) => problems.push(`hangup: ${error}`)));
        expect('a hangup behind the end', await failure(client.realtime.calls.hangup(call_id)), NOT_FOUND);
    },
};

const decisions = [];
app.post('/webhook', express.text({type: '*/*'}), async (request, response) => {
    response.status(200).end();
    await judgeDelivery(request.body, request.headers);
    const event = JSON.parse(request.body);
    const header = (name) => event.data.sip_headers.find((one) => one.name.toLowerCase() === name.toLowerCase())?.value;
    delivered.push({plan: header('X-Plan'), event, header, id: request.headers['webhook-id']});
    const decision = DECISIONS[header('X-Plan')](event.data.call_id, header('X-Status'));
    decisions.push(decision.catch((error) => problems.push(`${header('X-Plan')}: ${error}`)));
});

// ---- the endpoints, as npm openai reads them ----

// What the stand-in lists, tests, changes and rotates; it begins and ends with the one endpoint of the run, whose secret is another one then.
async function judgeEndpoints(origin) {
    const EVENT = 'realtime.call.incoming';
    const all = async (query) => { const list = []; for await (const one of client.webhooks.list(query)) list.push(one); return list; };
    const [endpoint] = await all();
    expect('endpoints: the first', [endpoint.object, endpoint.url, endpoint.event_types, endpoint.signing_secret], ['webhook_endpoint', `${origin}/tested`, [EVENT], undefined]);
    expect('endpoints: hint', [endpoint.signing_secret_hint.slice(-4), endpoint.signing_secret_hint.includes(SECRET.slice(12, -6))], [SECRET.slice(-4), false]);
    expect('endpoints: retrieved', await client.webhooks.retrieve(endpoint.id), endpoint);
    const made = [];
    for (const name of ['two', 'three', 'four']) made.push(await client.webhooks.create({name, url: `${origin}/none`, event_types: ['batch.completed']}));
    for (const one of made) expectMatch('endpoints: made', one.signing_secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
    const ids = [...made.map((one) => one.id).reverse(), endpoint.id];
    expect('endpoints: newest first', (await all()).map((one) => one.id), ids);
    expect('endpoints: page by page', (await all({limit: 1})).map((one) => one.id), ids);
    const page = await client.webhooks.list({limit: 3});
    expect('endpoints: a page', [page.data.length, page.has_more], [3, true]);
    const changed = await client.webhooks.update(made[0].id, {name: 'renamed', event_types: ['batch.failed']});
    expect('endpoints: changed', [changed.name, changed.event_types, changed.signing_secret], ['renamed', ['batch.failed'], undefined]);
    for (const {id} of made) expect('endpoints: deleted', await client.webhooks.delete(id), {id, object: 'webhook_endpoint.deleted', deleted: true});
    expect('endpoints: a deleted one', await failure(client.webhooks.retrieve(made[0].id)), {type: 'NotFoundError', code: 'not_found'});
    expect('endpoints: another key', (await failure(stranger.webhooks.list()))?.type, 'AuthenticationError');

    const tested = async (event_type, secrets) => {
        const told = await client.webhooks.test(endpoint.id, {event_type});
        expect('endpoints: tested', told, {object: 'webhook_endpoint.test', event_type, status_code: 202, success: true, webhook_endpoint_id: endpoint.id});
        const {body, headers} = tests.pop();
        for (const [secret, wanted] of secrets)
            for (const [judge, verify] of Object.entries(JUDGES))
                expect(`endpoints: ${judge} on ${event_type}`, (await verify(body, headers, secret).catch(() => null))?.type, wanted ? event_type : undefined);
        expect('endpoints: signatures', headers['webhook-signature'].split(' ').length, secrets.filter(([, wanted]) => wanted).length);
    };
    await tested(EVENT, [[SECRET, true], [OTHER_SECRET, false]]);
    await tested('batch.completed', [[SECRET, true]]);
    const kept = await client.webhooks.rotateSecret(endpoint.id, {keep_old_secret_active_for_24_hours: true});
    await tested(EVENT, [[SECRET, true], [kept.signing_secret, true]]);
    const dropped = await client.webhooks.rotateSecret(endpoint.id);
    expect('endpoints: three secrets', new Set([SECRET, kept.signing_secret, dropped.signing_secret]).size, 3);
    expect('endpoints: the new hint', dropped.signing_secret_hint.slice(-4), dropped.signing_secret.slice(-4));
    await tested('response.failed', [[SECRET, false], [kept.signing_secret, false], [dropped.signing_secret, true]]);
}

const tests = [];  // deliveries of tests: {body, headers}
app.post('/tested', express.text({type: '*/*'}), (request, response) => {
    tests.push({body: request.body, headers: request.headers});
    response.status(202).end();
});

// ---- what Twilio's REST API tells of them, as npm twilio reads it ----

// The calls of one run, asked for while it is up: `api` of its ready line is the API 2010-04-01 and monitor's.
async function judgeRest(api, call_sids) {
    const {ACCOUNT} = REST;
    const rest = twilio(ACCOUNT, TOKEN, {accountSid: ACCOUNT});
    rest.api.baseUrl = rest.monitor.baseUrl = api;
    const strangers = twilio(ACCOUNT, TOKEN.replace('0', '1'));
    strangers.api.baseUrl = api;
    const refused = (promise) => promise.then(() => null, ({status, code}) => [status, code]);
    expect('rest: another token', await refused(strangers.calls.list()), [401, 20003]);
    expect('rest: another call', await refused(rest.calls(`CA${'9'.repeat(32)}`).fetch()), [404, 20404]);
    const all = await rest.calls.list({pageSize: 2});
    expect('rest: page by page', all.map((one) => one.sid), (await rest.calls.list()).map((one) => one.sid));
    expect('rest: parents', all.filter((one) => !one.parentCallSid).map((one) => one.sid).sort(), [...call_sids].sort());
    for (const sid of call_sids) {
        const {plan, method, events} = plan_of.get(sid);
        const name = `rest: ${plan} ${method}`;
        const call = await rest.calls(sid).fetch();
        expect(name, [call.sid, call.accountSid, call.direction, call.from, call.startTime instanceof Date && !Number.isNaN(call.startTime.getTime())],
               [sid, ACCOUNT, 'inbound', FROM, true]);
        const legs = await rest.calls.list({parentCallSid: sid});
        expect(`${name}: legs`, legs.map((one) => [one.direction, one.parentCallSid, one.status]), [['outbound-dial', sid, plan === 'reject' ? 'busy' : 'completed']]);
        expectMatch(`${name}: to`, legs[0].to, new RegExp(`^sip:${PROJECT}@sip\\.api\\.openai\\.com`));
        // Each webhook that the service was asked, and with the same parameters.
        for (const [of, asks] of [[sid, asked.filter((one) => one.parameters.CallSid === sid)], [legs[0].sid, asked.filter((one) => one.parameters.CallSid === legs[0].sid)]]) {
            const ledger = await rest.calls(of).events.list();
            expect(`${name}: webhooks`, ledger.map((one) => one.request.parameters.CallStatus).sort(), asks.map((one) => one.parameters.CallStatus).sort());
            expect(`${name}: answers`, ledger.every((one) => [200, 204].includes(one.response.response_code)), true);
        }
        expect(`${name}: states`, (await rest.calls(legs[0].sid).events.list()).length, plan === 'reject' ? events.filter((one) => one !== 'answered').length : events.length);
        expect(`${name}: notifications`, (await rest.calls(sid).notifications.list()).length, 0);
    }
    expect('rest: alerts', (await rest.monitor.v1.alerts.list({startDate: new Date(0)})).length, 0);
}

// Of a call whose webhook fails: the error, with what was sent and what came.
async function judgeFailure(origin) {
    const one = await start('twilio', '--voice-url', `${origin}/broken`, '--from', FROM, '--place', '1', '--calls', '2', '--api-listen', '127.0.0.1:0');
    const rest = twilio(REST.ACCOUNT, TOKEN);
    rest.api.baseUrl = rest.monitor.baseUrl = (await one.ready).api;
    while (!one.documents.some((document) => document.type === 'call')) await new Promise((resolve) => { setTimeout(resolve, 20); });
    const [call] = await rest.calls.list();
    const [row] = await rest.calls(call.sid).notifications.list({log: 0});
    const whole = await rest.calls(call.sid).notifications(row.sid).fetch();
    const told = new URLSearchParams(whole.messageText);
    expect('rest: failure', [call.status, whole.errorCode, whole.log, told.get('ErrorCode'), told.get('httpResponse'), told.get('url')],
           ['failed', '11200', '0', '11200', '502', `${origin}/broken`]);
    expect('rest: sent and answered', [whole.requestUrl, whole.requestMethod, new URLSearchParams(whole.requestVariables).get('CallSid'), whole.responseBody],
           [`${origin}/broken`, 'POST', call.sid, 'gone away']);
    const alerts = await rest.monitor.v1.alerts.list({logLevel: 'error', startDate: new Date(Date.now() - 60_000), endDate: new Date(Date.now() + 60_000)});
    expect('rest: alerts of it', alerts.map((alert) => [alert.sid, alert.resourceSid, alert.errorCode]), [[row.sid, call.sid, '11200']]);
    const alert = await rest.monitor.v1.alerts(row.sid).fetch();
    expect('rest: alert', [alert.responseBody, alert.alertText], ['gone away', whole.messageText]);
    expectMatch('rest: date', alert.dateGenerated.toISOString(), /^20\d\d-/);
    one.process.kill('SIGTERM');
    await one.ended(0);
}
const REST = {ACCOUNT: `AC${'0'.repeat(31)}1`};
app.post('/broken', (request, response) => { response.status(502).type('text/plain').send('gone away'); });

// ---- what the calls must have left ----

function checkCalls() {
    for (const [call_sid, {scheme, plan, events, method, status, from = FROM}] of plan_of) {
        const name = `${scheme} ${plan} ${method}`;
        const of_parent = asked.filter((one) => one.parameters.CallSid === call_sid);
        const [voice] = of_parent;
        expect(`${name}: voice`, [voice.what, voice.method, voice.parameters.CallStatus, voice.parameters.Direction], ['voice', 'POST', 'ringing', 'inbound']);
        expect(`${name}: From, twice`, [voice.parameters.From, voice.parameters.Caller], [from, from]);
        // Base64: a form must quote its '=' and '+'.
        if (scheme === 'domain') expectMatch(`${name}: SipHeader_`, voice.parameters['SipHeader_x-wa-meta-wacid'], /^wacid\..*=$/);
        const action = of_parent.find((one) => one.what === 'action');
        expect(`${name}: action`, action?.method, method);
        if (!action) continue;
        const told = action.parameters;
        // Source: Twilio, "TwiML: Dial", DialCallStatus; "TwiML: Sip", the action's parameters.
        const outcome = plan === 'reject' ? ['busy', 'false', `${status ?? 603}`] : ['completed', 'true', '200'];
        expect(`${name}: outcome`, [told.DialCallStatus, told.DialBridged, told.DialSipResponseCode], outcome);
        const states = asked.filter((one) => one.what === 'status' && one.parameters.ParentCallSid === call_sid)
            .map(({parameters}) => parameters).sort((a, b) => a.SequenceNumber - b.SequenceNumber);
        const wanted = plan === 'reject' ? events.filter((event) => event !== 'answered') : events;
        const CALL_STATUS = {initiated: 'initiated', ringing: 'ringing', answered: 'in-progress', completed: outcome[0]};
        expect(`${name}: states`, states.map((one) => one.CallStatus), wanted.map((event) => CALL_STATUS[event]));
        expect(`${name}: numbers`, states.map((one) => one.SequenceNumber), wanted.map((_, index) => `${index}`));
        for (const one of states) {
            expect(`${name}: child`, [one.CallSid === told.DialCallSid, one.CallSid === call_sid, one.CallbackSource], [true, false, 'call-progress-events']);
            expectMatch(`${name}: Timestamp`, one.Timestamp, /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} 20\d\d \d\d:\d\d:\d\d \+0000$/);
        }
        const delivery = delivered.find((one) => one.header('Call-ID') === told.DialSipCallId);
        expect(`${name}: delivery of that Call-ID`, delivery?.plan, plan);
        if (!delivery) continue;
        // Which of the two, Twilio does not say.
        expect(`${name}: X-Twilio-CallSid`, [call_sid, told.DialCallSid].includes(delivery.header('X-Twilio-CallSid')), true);
        expect(`${name}: X-Twilio-AccountSid`, delivery.header('X-Twilio-AccountSid'), voice.parameters.AccountSid);
        expect(`${name}: X-Note`, delivery.header('X-Note'), 'a;b=1');
        expectMatch(`${name}: From`, delivery.header('From'), /<sip:\+12145551869@/);
        expectMatch(`${name}: call_id`, delivery.event.data.call_id, /^rtc_/);
        expect(`${name}: event`, [delivery.event.object, delivery.event.id === delivery.id], ['event', false]);
    }
    for (const [scheme, plans] of Object.entries(PLANS))
        expect(`${scheme}: calls`, [...plan_of.values()].filter((one) => one.scheme === scheme).length, plans.length);
    expect('deliveries', new Set(delivered.map((one) => one.id)).size, plan_of.size);
}

// ---- the run ----

const FROM = 'whatsapp:+12195550714';
let client;
let stranger;
const watchdog = setTimeout(() => {
    for (const {process: child} of children) child.kill('SIGKILL');
    problems.push(`nothing ended within ${SECONDS} s`);
    finish();
}, SECONDS * 1_000);

function finish() {
    rmSync(run, {recursive: true, force: true});
    for (const problem of problems) console.error(`stand-ins judge: ${problem}`);
    console.log(`stand-ins: ${passed} passed, ${problems.length} failed`);
    process.exit(problems.length > 0 ? 1 : 0);
}

try {
    const service = app.listen(0, '127.0.0.1');
    await once(service, 'listening');
    const origin = `http://127.0.0.1:${service.address().port}`;
    const openai = await start('openai', '--webhook', `${origin}/webhook`);
    const {api, sip} = await openai.ready;
    client = new OpenAI({apiKey: KEY, baseURL: api, maxRetries: 0});
    stranger = new OpenAI({apiKey: `${KEY}0`, baseURL: api, maxRetries: 0});
    const place = (scheme, query, ...args) =>
        start('twilio', '--voice-url', `${origin}/${scheme}/voice${query}`, '--openai', sip, '--from', FROM, '--talk', TALK, '--place',
              `${PLANS[scheme].length}`, ...args);
    const count = (one) => one.counts().reduce((sum, number) => sum + number);
    // One behind the other: a certificate of one that starts is not mixed with the key of another.
    const callers = {
        // One call more than it places, so that its API is there behind them.
        plain: await place('plain', '?tenant=S%C3%A3o+Paulo&a=2&a=1&quote=It%27s', '--calls', `${PLANS.plain.length + 1}`, '--api-listen', '127.0.0.1:0'),
        proxied: await place('proxied', '', '--public-url', SCHEMES.proxied()),
        prefixed: await place('prefixed', '', '--public-url', `${SCHEMES.prefixed()}/prefixed/voice`),
        domain: await start('twilio', '--voice-url', `${origin}/domain/voice`, '--openai', sip, '--calls', '1'),
    };
    const meta = await start('meta', (await callers.domain.ready).sip, '--talk', TALK);
    await meta.ended(0);
    while (count(callers.plain) < PLANS.plain.length) await new Promise((resolve) => { setTimeout(resolve, 20); });
    await judgeRest((await callers.plain.ready).api, [...plan_of].filter(([, {scheme}]) => scheme === 'plain').map(([sid]) => sid));
    await judgeFailure(origin);
    callers.plain.process.kill('SIGTERM');
    for (const [scheme, caller] of Object.entries(callers)) {
        const rejected = PLANS[scheme].filter((one) => one.plan === 'reject').length;
        await caller.ended(rejected > 0 && scheme !== 'plain' ? 1 : 0);
        expect(`${scheme}: good calls, and others`, caller.counts(), [PLANS[scheme].length - rejected, rejected]);
    }
    await Promise.all(decisions);
    openai.process.kill('SIGTERM');
    await openai.ended(0);
    const managed = await start('openai', '--webhook', `${origin}/tested`);
    const {api: apiOfEndpoints} = await managed.ready;
    [client, stranger] = [KEY, `${KEY}0`].map((apiKey) => new OpenAI({apiKey, baseURL: apiOfEndpoints, maxRetries: 0}));
    await judgeEndpoints(origin);
    managed.process.kill('SIGTERM');
    await managed.ended(0);
    checkCalls();
} catch (error) {
    problems.push(error.stack);
} finally {
    clearTimeout(watchdog);
    for (const {process: child} of children) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
}
finish();
