// sdp.mjs PROGRAM FOLDER: what `callchain sdp-filter` makes of session descriptions, read by the npm package sdp-transform.
// The judge decides on its own, from what sdp-transform parsed, which payload types may stay; then it holds the output
// against that, over every sample of tests/data/sdp and over generated descriptions.

import {execFile} from 'node:child_process';
import {mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {availableParallelism, tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

const [program, folder] = process.argv.slice(2);
const require = createRequire(join(folder, 'package.json'));
const sdpTransform = require('sdp-transform');

// sdp-transform 3.0.0 takes the number of ports (`m=video 51372/2 …`) for a part of the protocol.
const parse = (text) => sdpTransform.parse(text.replace(/^(m=\S+ \d+)\/\d+/gm, '$1'));

const SAMPLES = join(dirname(fileURLToPath(import.meta.url)), '../data/sdp');
const SEED = 8866;
const GENERATED = 400;
const MOST_PROBLEMS_SHOWN = 20;

// --- what may stay, decided without looking at callchain ---

const STATIC = {0: {codec: 'PCMU', rate: 8000}, 8: {codec: 'PCMA', rate: 8000}};

/** The payload types of one parsed m= line that a next hop of PCMU, PCMA and telephone-event may see, in order. */
function payloadsToKeep(media) {
    if (media.type !== 'audio' || media.port === 0 || !/(^|\/)RTP\//.test(media.protocol)) return null;
    const payloads = String(media.payloads).split(' ').filter(Boolean);
    const meanings = (payload) => {
        const mapped = media.rtp.filter((each) => String(each.payload) === payload);
        return mapped.length > 0 ? mapped : payload in STATIC ? [STATIC[payload]] : [];
    };
    const is = (meaning, name) => String(meaning.codec).toLowerCase() === name;
    const isVoice = (meaning) => (is(meaning, 'pcmu') || is(meaning, 'pcma')) && meaning.rate === 8000 &&
        (meaning.encoding === undefined || Number(meaning.encoding) === 1);
    const voice = payloads.filter((payload) => meanings(payload).some(isVoice));
    if (voice.length === 0) return [];
    const isEvent = (meaning) => is(meaning, 'telephone-event') && meaning.rate === 8000 &&
        (meaning.encoding === undefined || Number(meaning.encoding) === 1);
    return [...new Set(payloads.filter((payload) => meanings(payload).some((each) => isVoice(each) || isEvent(each))))];
}

function problemsOf(input, output) {
    const before = parse(input);
    const after = parse(output);
    const problems = [];
    const expect = (holds, what) => holds || problems.push(what);
    expect(before.media.length === after.media.length, `${before.media.length} m= lines became ${after.media.length}`);
    expect(JSON.stringify(before.origin) === JSON.stringify(after.origin), 'the o= line changed');
    before.media.forEach((from, index) => {
        const to = after.media[index];
        if (to === undefined) return;
        const where = `m= line ${index}: `;
        expect(from.type === to.type && from.protocol === to.protocol, `${where}type or protocol changed`);
        if (from.port === 0 && from.bundleOnly === undefined) {
            expect(JSON.stringify(from) === JSON.stringify(to), `${where}was at port 0 and changed`);
            return;
        }
        const wanted = payloadsToKeep(from);
        if (wanted === null || wanted.length === 0) {
            expect(to.port === 0, `${where}port ${to.port} instead of 0`);
            expect(String(to.payloads) === String(from.payloads).split(' ')[0], `${where}formats "${to.payloads}" instead of the first one`);
            return;
        }
        expect(to.port === from.port, `${where}port ${from.port} became ${to.port}`);
        expect(String(to.payloads) === wanted.join(' '), `${where}formats "${to.payloads}" instead of "${wanted.join(' ')}"`);
        for (const [name, list] of [['rtpmap', to.rtp], ['fmtp', to.fmtp], ['rtcp-fb', to.rtcpFb ?? []]]) {
            for (const each of list)
                expect(each.payload === '*' || wanted.includes(String(each.payload)), `${where}${name} of ${each.payload} is left`);
        }
        for (const name of ['crypto', 'direction', 'ptime', 'maxptime', 'mid', 'ssrcs', 'candidates', 'fingerprint', 'iceUfrag', 'rtcp', 'rtcpMux', 'connection', 'bandwidth'])
            expect(JSON.stringify(from[name]) === JSON.stringify(to[name]), `${where}${name} changed`);
    });
    const live = new Set(after.media.filter((each) => each.port !== 0).map((each) => String(each.mid)));
    const refused = new Set(after.media.filter((each) => each.port === 0).map((each) => String(each.mid)));
    for (const group of after.groups ?? []) {
        for (const mid of String(group.mids).split(' '))
            expect(!refused.has(mid) || live.has(mid), `the group ${group.type} names the refused stream ${mid}`);
    }
    return problems;
}

// --- descriptions to judge ---

function randomNumbers(seed) {  // mulberry32
    let state = seed;
    return () => {
        state = (state + 0x6d2b79f5) | 0;
        let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
        mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
        return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    };
}

function generate(random) {
    const pick = (...choices) => choices[Math.floor(random() * choices.length)];
    const times = (most, make) => Array.from({length: Math.floor(random() * (most + 1))}, (_, index) => make(index));
    const lines = ['v=0', 'o=- 1 1 IN IP4 192.0.2.1', 's=-', 'c=IN IP4 192.0.2.1', 't=0 0'];
    if (random() < 0.5) lines.push(`a=group:BUNDLE ${pick('0', '0 1', '1 0 2', '0 1 2')}`);
    for (let index = 0; index < pick(1, 1, 2, 3); ++index) {
        const payloads = [...new Set([pick('0', '8', '111', '96'), ...times(5, () => pick('0', '8', '9', '13', '18', '96', '97', '101', '111', '126'))])];
        lines.push(`m=${pick('audio', 'audio', 'audio', 'video')} ${pick(4000, 5004, 0)} ${pick('RTP/AVP', 'RTP/SAVP', 'UDP/TLS/RTP/SAVPF')} ${payloads.join(' ')}`);
        for (const payload of payloads) {
            if (Number(payload) < 96 && random() < 0.5) continue;
            lines.push(`a=rtpmap:${payload} ${pick('PCMU/8000', 'pcma/8000', 'opus/48000/2', 'telephone-event/8000', 'Telephone-Event/48000', 'PCMU/16000', 'PCMA/8000/2', 'G722/8000', 'CN/8000')}`);
            if (random() < 0.3) lines.push(`a=fmtp:${payload} 0-15`);
            if (random() < 0.3) lines.push(`a=rtcp-fb:${payload} nack`);
        }
        if (random() < 0.2) lines.push('a=rtcp-fb:* nack');
        lines.push(`a=mid:${index}`, pick('a=sendrecv', 'a=recvonly', 'a=ptime:20'));
        if (random() < 0.3) lines.push('a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw');
        if (random() < 0.1) lines.push('a=bundle-only');
    }
    return lines.join('\r\n') + '\r\n';
}

function textsToJudge() {
    const random = randomNumbers(SEED);
    const samples = readdirSync(SAMPLES).filter((name) => name.endsWith('.sdp')).sort()
        .map((name) => ({name, text: readFileSync(join(SAMPLES, name))}));
    const generated = Array.from({length: GENERATED}, (_, index) => ({name: `generated ${index}`, text: Buffer.from(generate(random))}));
    return [...samples, ...generated];
}

// --- the runs ---

const scratch = mkdtempSync(join(tmpdir(), 'callchain-judges-sdp-'));

function run(file) {
    return new Promise((resolve) => {
        execFile(program, ['sdp-filter', file], {encoding: 'latin1', env: {}}, (error, stdout) => resolve({code: error ? error.code : 0, stdout}));
    });
}

async function judge({name, text}, index) {
    const file = join(scratch, `${index}.sdp`);
    writeFileSync(file, text);
    const {code, stdout} = await run(file);
    if (code === 2) return {name, refused: true, problems: name.startsWith('generated') ? ['refused'] : []};
    const input = text.toString('latin1');
    const problems = problemsOf(input, stdout);
    const voice = parse(input).media.some((media) => (payloadsToKeep(media) ?? []).length > 0);
    if (code !== (voice ? 0 : 1)) problems.push(`exit code ${code}, though a voice codec is ${voice ? '' : 'not '}left`);
    return {name, refused: false, problems};
}

const texts = textsToJudge();
const results = new Array(texts.length);
let next = 0;
await Promise.all(Array.from({length: availableParallelism()}, async () => {
    while (next < texts.length) {
        const index = next++;
        results[index] = await judge(texts[index], index);
    }
}));
rmSync(scratch, {recursive: true});

const problems = results.flatMap(({name, problems}) => problems.map((problem) => `${name}: ${problem}`));
console.log(problems.slice(0, MOST_PROBLEMS_SHOWN).join('\n') ||
    `sdp-transform agrees on ${results.filter(({refused}) => !refused).length} descriptions; ${results.filter(({refused}) => refused).length} were refused as malformed`);
process.exitCode = problems.length > 0 ? 1 : 0;
