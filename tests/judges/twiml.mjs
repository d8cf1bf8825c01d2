// twiml.mjs PROGRAM FOLDER: Twilio's own library, installed in FOLDER, builds the documents that `callchain twiml` and
// `callchain twiml fallback` print. Each must say the same when read as XML, and be the same byte for byte. What the
// library refuses, or writes although it is no XML (a control character in an attribute), the program must refuse.

import {execFile} from 'node:child_process';
import {createHash} from 'node:crypto';
import {createRequire} from 'node:module';
import {availableParallelism} from 'node:os';
import {join} from 'node:path';
import {isDeepStrictEqual} from 'node:util';

const [program, folder] = process.argv.slice(2);
const require = createRequire(join(folder, 'package.json'));
const {VoiceResponse} = require('twilio').twiml;

const SEED = 20_260_417;
const RANDOM_TEXTS = 60;
const FEWEST_CASES = 500;
const MOST_PROBLEMS_SHOWN = 20;
const USAGE = 2;

/** Option -> where it stands in the document. `values` are what is tried. */
const DIAL = [  // in the order in which the program writes them
    ['--caller-id', 'callerId', ['+5561999998888']],
    ['--action', 'action', ['https://e.example/dial-action?a=1&b=2', '/relative', "https://e.example/it's"]],
    ['--method', 'method', ['POST', 'GET']],
    ['--no-answer-on-bridge', 'answerOnBridge', [true]],
    ['--timeout', 'timeout', [5, 30, 600]],
    ['--time-limit', 'timeLimit', [1, 86_400]],
    ['--record', 'record', ['do-not-record', 'record-from-answer', 'record-from-ringing', 'record-from-answer-dual',
                            'record-from-ringing-dual']],
    ['--recording-status-callback', 'recordingStatusCallback', ['https://e.example/r?x=<&>']],
    ['--recording-status-callback-event', 'recordingStatusCallbackEvent', [['absent'], ['in-progress', 'completed']]],
    ['--recording-status-callback-method', 'recordingStatusCallbackMethod', ['GET', 'POST']],
    ['--refer-url', 'referUrl', ['https://e.example/refer?"quoted"']],
    ['--refer-method', 'referMethod', ['GET', 'POST']],
];
const SIP = [
    ['--status-callback', 'statusCallback', ['https://e.example/status?a&b', 'http://a_b.example/']],
    ['--status-callback-event', 'statusCallbackEvent', [['initiated'], ['initiated', 'ringing', 'answered', 'completed']]],
    ['--status-callback-method', 'statusCallbackMethod', ['GET', 'POST']],
];
const URI = [
    ['--project-id', 'project', ['proj_A-b_9']],
    ['--host', 'host', ['sip-eu.api.openai.com', 'sip.example.net:5061', '[2001:db8::1]']],
    ['--region', 'region', ['br1', 'us2']],
    ['--edge', 'edge', ['sao-paulo', 'tokyo']],
    ['--secure', 'secure', [true]],
    ['--header', 'headers', [[['X-Trace-Id', 'a']], [['X-A', 'a;b=c,d@e f&g'], ['User-to-User', '00;encoding=hex']],
                             [['X-Empty', '']], [['X-All', `!"#$%&'()*+,-./:;<=>?@[\\]^_\`{|}~`]]]],
];
const OPTIONS = [...DIAL, ...SIP, ...URI];
const TEXT_OPTIONS = ['--action', '--recording-status-callback', '--refer-url', '--status-callback'];
const FLAGS = ['--no-answer-on-bridge', '--secure'];

const HOSTILE = [
    '&', '<', '>', '"', "'", '&amp;', '&#10;', '&lt;b&gt;', ']]>', '<!-- -->', '<![CDATA[x]]>', '<?xml?>', '</Say>', 'a&b<c>d"e\'f',
    ' leading', 'trailing ', ' ', 'two  blanks', '%26', '%', '{{Body}}', '\\', 'ação', 'Größe', '日本語', 'שלום', '\u202eabc', '💬',
    '👩‍👩‍👧', '\u007f', '\u0085', '\u2028', '\ufeffx', '\ufffd', '\ud7ff', '\ue000', '\u{10000}', '\u{1fffe}', '\u{10ffff}', 'a\u0301',
];
// Only what is said may hold these.
const LINES = ['\t', 'a\nb', 'a\rb', 'a\r\nb', '\n'];
const ILLEGAL = ['\u0001', 'a\u0008', '\u000b', '\u000c', '\u000e', '\u001f', 'x\ufffe', '\uffff'];

/** One case: the program's arguments, and the document as Twilio's library writes it. */
const cases = [];
let random = SEED;
const below = (limit) => {  // Park and Miller's generator: the same cases in every run
    random = random * 48_271 % 2_147_483_647;
    return random % limit;
};
const randomText = () => Array.from({length: 1 + below(12)}, () => {
    const kind = below(4);
    if (kind < 2) return '&<>"\';= ?%/]['[below(13)];
    if (kind === 2) return String.fromCodePoint(0x20 + below(0x60));
    const point = 0xa0 + below(0x10f000);
    return point >= 0xd800 && point < 0xe000 || (point & 0xfffe) === 0xfffe ? 'é' : String.fromCodePoint(point);
}).join('');

function addDial(settings) {
    const all = {'--project-id': 'proj_abc', '--caller-id': '+15551230000', ...settings};
    const args = ['twiml'];
    for (const [option, value] of Object.entries(all)) {
        if (FLAGS.includes(option)) args.push(option);
        else if (option === '--header') for (const [name, text] of value) args.push(option, `${name}: ${text}`);
        else for (const each of [value].flat()) args.push(option, String(each));
    }
    cases.push({args, build: () => buildDial(all)});
}

function buildDial(all) {
    const dialAttributes = {};
    for (const [option, name] of DIAL) {
        if (name === 'answerOnBridge') {
            if (!(option in all)) dialAttributes[name] = true;
        } else if (option in all) {
            dialAttributes[name] = all[option];
        }
    }
    const sipAttributes = {};
    for (const [option, name] of SIP) if (option in all) sipAttributes[name] = all[option];
    const response = new VoiceResponse();
    response.dial(dialAttributes).sip(sipAttributes, sipUri(all));
    return response;
}

function sipUri(all) {
    const parameters = [['transport', 'tls']];
    if ('--region' in all) parameters.push(['region', all['--region']]);
    if ('--edge' in all) parameters.push(['edge', all['--edge']]);
    if ('--secure' in all) parameters.push(['secure', 'true']);
    const headers = (all['--header'] ?? []).map(([name, value]) => `${name}=${headerValue(value)}`).join('&');
    return `sip:${all['--project-id']}@${all['--host'] ?? 'sip.api.openai.com'}` +
        parameters.map(([name, value]) => `;${name}=${value}`).join('') + (headers && `?${headers}`);
}

// RFC 3261 section 25.1: a header's value may hold these seven, which encodeURIComponent encodes.
const headerValue = (text) => encodeURIComponent(text).replace(/%(5B|5D|2F|3F|3A|2B|24)/g, decodeURIComponent);

function addFallback(args, build) {
    cases.push({args: ['twiml', 'fallback', ...args], build: () => {
        const response = new VoiceResponse();
        build(response);
        return response;
    }});
}

function addSay(text, attributes = {}) {
    const options = Object.entries(attributes).flatMap(([name, value]) => [`--${name}`, value]);
    addFallback(['--say', text, ...options], (response) => {
        response.say(attributes, text);
        response.hangup();
    });
}

function makeCases() {
    addDial({});
    for (const [option, , values] of OPTIONS) for (const value of values) addDial({[option]: value});
    for (const [i, [first, , firstValues]] of OPTIONS.entries()) {
        for (const [second, , secondValues] of OPTIONS.slice(i + 1)) {
            if (first === '--region' && second === '--edge') continue;  // refused together
            for (const a of firstValues.slice(0, 2)) for (const b of secondValues.slice(-1)) addDial({[first]: a, [second]: b});
        }
    }
    addDial(Object.fromEntries(OPTIONS.filter(([option]) => option !== '--edge').map(([option, , values]) => [option, values.at(-1)])));

    const texts = [...HOSTILE, ...Array.from({length: RANDOM_TEXTS}, randomText)];
    for (const [i, text] of texts.entries()) {
        const option = TEXT_OPTIONS[i % TEXT_OPTIONS.length];
        addSay(text.trim() === '' ? `a${text}` : text, {voice: text, language: texts.at(-1 - i)});
        if (/[\u007f-\u009f]/.test(text)) continue;  // a control character in a URL is refused, although XML can say it
        addDial({[option]: text});
        addDial({'--action': `https://e.example/?${text}`, '--header': [['X-Text', text.trim()]]});
        addFallback(['--redirect', `https://e.example/${text}`], (response) => response.redirect({}, `https://e.example/${text}`));
    }
    for (const text of LINES) addSay(`a${text}b`, {voice: `v${text}w`});

    addFallback([], (response) => response.hangup());
    for (const reason of ['rejected', 'busy']) addFallback(['--reject', reason], (response) => response.reject({reason}));
    for (const method of ['GET', 'POST']) {
        addFallback(['--redirect', 'https://e.example/x', '--method', method],
            (response) => response.redirect({method}, 'https://e.example/x'));
    }
    addSay('ã'.repeat(4096));
    for (const text of ILLEGAL) {
        addSay(text);
        addSay('a', {voice: text});
        addDial({'--action': text});
    }
}

/** A strict reader of what these documents may be made of: no comment, no CDATA, no doctype. Throws where it is not XML. */
function readXml(text) {
    const prolog = '<?xml version="1.0" encoding="UTF-8"?>';
    if (!text.startsWith(prolog)) throw new Error('no prolog');
    // XML 1.0 section 2.2, Char.
    if (/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.test(text)) throw new Error('a character that XML cannot carry');
    let at = prolog.length;
    const take = (pattern, what) => {
        pattern.lastIndex = at;
        const found = pattern.exec(text);
        if (!found) throw new Error(`${what} expected at ${at}: ${text.slice(at, at + 20)}`);
        at = pattern.lastIndex;
        return found;
    };
    // XML 1.0 sections 2.11 and 3.3.3: what a reader makes of line ends, and of blanks in an attribute.
    const decode = (raw, blank) => raw.replace(/\r\n?/g, '\n').replace(blank ? /[\t\n]/g : /$^/g, ' ').replace(/&([^;]*);?/g, (all, name) => {
        const named = {amp: '&', lt: '<', gt: '>', quot: '"', apos: "'"}[name];
        if (named) return named;
        const number = /^#x([0-9A-Fa-f]+)$/.exec(name);
        if (!number || !all.endsWith(';')) throw new Error(`a bare ampersand: ${all}`);
        return String.fromCodePoint(parseInt(number[1], 16));
    });
    const element = () => {
        const node = {name: take(/<([A-Za-z]+)/y, 'element')[1], attributes: [], text: '', children: []};
        while (text[at] === ' ') {
            const [, name, value] = take(/ ([A-Za-z]+)="([^"<]*)"/y, 'attribute');
            if (node.attributes.some(([other]) => other === name)) throw new Error(`${name} twice`);
            node.attributes.push([name, decode(value, true)]);
        }
        if (take(/\/?>/y, 'end of the tag')[0] === '/>') return node;
        while (!text.startsWith('</', at)) {
            if (text[at] === '<') node.children.push(element());
            else node.text += decode(take(/(?:(?!\]\]>)[^<])+/y, 'text')[0], false);
        }
        if (take(/<\/([A-Za-z]+)>/y, 'end tag')[1] !== node.name) throw new Error('another end tag');
        return node;
    };
    const root = element();
    if (at !== text.length) throw new Error('something behind the root');
    return root;
}

function run(args) {
    return new Promise((resolve) => {
        execFile(program, args, {env: {}, timeout: 60_000, encoding: 'buffer', maxBuffer: 1 << 24}, (error, stdout, stderr) => {
            resolve({code: error ? (error.code ?? error.signal) : 0, stdout, stderr: stderr.toString('utf8')});
        });
    });
}

const tally = {same: 0, equal: 0, refused: 0};

async function judge({args, build}, index) {
    let wanted = null, wantedTree;
    try {
        wanted = build().toString();
        wantedTree = readXml(wanted);
    } catch {
        wanted = null;  // the library refuses it, or what it writes is no XML
    }
    const got = await run(args);
    if (wanted === null) {
        if (got.code !== USAGE || got.stdout.length !== 0) return `no XML can say it, and the program does not refuse it (exit ${got.code})`;
        tally.refused++;
        return null;
    }
    if (got.code !== 0) return `exit ${got.code}: ${got.stderr}`;
    const text = got.stdout.toString('utf8');
    try {
        if (!isDeepStrictEqual(readXml(text), wantedTree)) return `says something else:\n    ours   ${text}\n    theirs ${wanted}`;
    } catch (error) {
        return `not XML: ${error.message}\n    ours   ${text}\n    theirs ${wanted}`;
    }
    tally.same++;
    if (!got.stdout.equals(Buffer.from(wanted, 'utf8'))) return `other bytes:\n    ours   ${text}\n    theirs ${wanted}`;
    tally.equal++;
    return index % 8 === 0 ? judgeOtherForms(args, wanted) : null;
}

/** --hash and --json speak of the same bytes. */
async function judgeOtherForms(args, wanted) {
    const sha256 = createHash('sha256').update(wanted, 'utf8').digest('hex');
    const hash = await run([...args, '--hash']);
    if (hash.stdout.toString() !== `${sha256}  -\n`) return `--hash says ${hash.stdout}`;
    const json = JSON.parse((await run([...args, '--json'])).stdout.toString('utf8'));
    if (json.twiml !== wanted || json.sha256 !== sha256 || json.length !== Buffer.byteLength(wanted)) return '--json says something else';
    return null;
}

makeCases();
const problems = [];
let next = 0;
await Promise.all(Array.from({length: availableParallelism()}, async () => {
    while (next < cases.length) {
        const index = next++;
        const problem = await judge(cases[index], index);
        if (problem) problems.push(`${JSON.stringify(cases[index].args)}: ${problem}`);
    }
}));
for (const problem of problems.slice(0, MOST_PROBLEMS_SHOWN)) console.error(problem);
console.log(`twiml: ${cases.length} documents by twilio ${require('twilio/package.json').version}: ${tally.same} say the same, ` +
    `${tally.equal} byte for byte; ${tally.refused} that no XML can say are refused; ${problems.length} differ`);
if (cases.length < FEWEST_CASES) console.error(`twiml: only ${cases.length} cases were made`);
process.exitCode = problems.length > 0 || cases.length < FEWEST_CASES ? 1 : 0;
