// sdp.mjs PROGRAM FOLDER: what `callchain sdp-filter` makes of session descriptions, read by the npm package sdp-transform.
// The judge decides on its own, from what sdp-transform parsed, which payload types may stay, and which lines with them; the
// output must be that text byte for byte, over every sample of tests/data/sdp and over generated descriptions.

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

/** The one of several rtpmaps of a number that counts: the first voice codec that may stay, else the first event. */
function countingRtpmap(media, payload) {
    const mapped = media.rtp.filter((each) => String(each.payload) === payload);
    const alone = mapped.findIndex((each) => payloadsToKeep({...media, payloads: payload, rtp: [each]}).length > 0);
    if (alone !== -1) return alone;
    const voice = {payload: 120, codec: 'PCMU', rate: 8000};
    return mapped.findIndex((each) => payloadsToKeep({...media, payloads: `${payload} 120`, rtp: [each, voice]}).includes(payload));
}

const lineEnd = (line) => line.match(/\r?\n?$/)[0];
const numberOf = (line) => line.match(/^a=[a-z-]+:\s*(\S*)/)[1];

/** What must stay of the lines of one m= section, byte for byte. */
function expectedSection(lines, media) {
    const [first, ...rest] = lines;
    if (media.port === 0 && media.bundleOnly === undefined) return lines;
    const [, head, formats] = first.match(/^(m=\S+ +\S+ +\S+) +(.*?) *\r?\n?$/);
    const [type, , protocol] = head.slice(2).split(/ +/);
    const wanted = payloadsToKeep(media) ?? [];
    if (wanted.length === 0)
        return [`m=${type} 0 ${protocol} ${formats.split(/ +/)[0]}${lineEnd(first)}`, ...rest.filter((line) => /^([icb]=|a=mid:)/.test(line))];
    const seen = new Map();
    const stays = (line) => {
        if (!/^a=(rtpmap|fmtp|rtcp-fb):/.test(line)) return true;
        const number = numberOf(line);
        if (number === '*' || !line.startsWith('a=rtpmap:')) return number === '*' || wanted.includes(number);
        const index = seen.get(number) ?? 0;
        seen.set(number, index + 1);
        return wanted.includes(number) && index === countingRtpmap(media, number);
    };
    const changed = formats.split(/ +/).join(' ') !== wanted.join(' ');
    return [changed ? `${head.split(/ +/).join(' ')} ${wanted.join(' ')}${lineEnd(first)}` : first, ...rest.filter(stays)];
}

/** The whole text as it must come out. */
function expectedText(input) {
    const lines = input.match(/[^\n]*\n|[^\n]+$/g).filter(Boolean);
    while (/^\r?\n$/.test(lines.at(-1))) lines.pop();
    const starts = lines.flatMap((line, index) => (line.startsWith('m=') ? [index] : []));
    const {media} = parse(input);
    const sections = starts.map((start, index) => expectedSection(lines.slice(start, starts[index + 1]), media[index]));
    const isLive = sections.map(([first]) => !/^m=\S+ +0 /.test(first));
    const live = new Set(media.filter((_, index) => isLive[index]).map(({mid}) => String(mid)));
    const session = lines.slice(0, starts[0]).flatMap((line) => {
        if (!line.startsWith('a=group:') || isLive.every(Boolean)) return [line];
        const [name, ...mids] = line.trimEnd().split(/ +/);
        const left = mids.filter((mid) => live.has(mid));
        if (left.length === mids.length) return [line];
        return left.length < 2 ? [] : [`${[name, ...left].join(' ')}${lineEnd(line)}`];
    });
    return [...session, ...sections.flat()].join('');
}

function problemsOf(input, output) {
    const expected = expectedText(input);
    if (expected === output) return [];
    const [wanted, got] = [expected.split('\n'), output.split('\n')];
    const at = wanted.findIndex((line, index) => line !== got[index]);
    return [`line ${at + 1} is ${JSON.stringify(got[at])} instead of ${JSON.stringify(wanted[at])}`];
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
            if (random() < 0.05) lines.push(`a=rtpmap:${payload} ${pick('PCMU/8000', 'opus/48000/2', 'telephone-event/8000')}`);
            lines.push(`a=rtpmap:${payload} ${pick('telephone-event/8000/2', 'PCMU/8000', 'pcma/8000', 'opus/48000/2', 'telephone-event/8000', 'Telephone-Event/48000', 'PCMU/16000', 'PCMA/8000/2', 'G722/8000', 'CN/8000')}`);
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
