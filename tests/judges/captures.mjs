// Captures to be judged: made up from a seed, so that every run has the same ones. Each belongs to a class, which is
// what the table of disagreements speaks of.

import {createHash, createHmac} from 'node:crypto';

/** A generator of numbers below `n` (mulberry32): small, and the same everywhere. */
function makeRandom(seed) {
    let state = seed;
    const next = () => {
        state = (state + 0x6d2b79f5) | 0;
        let t = Math.imul(state ^ (state >>> 15), 1 | state);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return (t ^ (t >>> 14)) >>> 0;
    };
    return {
        below: (n) => next() % n,
        pick: (items) => items[next() % items.length],
        bytes: (n) => Buffer.from(Array.from({length: n}, () => next() & 0xff)),
        hex: (n) => Array.from({length: n}, () => (next() & 0xf).toString(16)).join(''),
    };
}

/** JSON as the sender writes it: one blank behind each comma and colon, non-ASCII escaped. */
function senderJson(value) {
    if (Array.isArray(value)) return `[${value.map(senderJson).join(', ')}]`;
    if (value !== null && typeof value === 'object') {
        return `{${Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${senderJson(item)}`).join(', ')}}`;
    }
    return JSON.stringify(value).replace(/[\u0080-\uffff]/g,
        (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const NAMES = ['Ana', 'José & Co', 'Łukasz', '李雷', '\u{1f4de} desk', 'O\'Neil', 'a/b', '"quoted"'];

function callEvent(random, now) {
    const headers = Array.from({length: 2 + random.below(9)}, (_, index) => ({
        name: `X-Header-${index}`, value: `"${random.pick(NAMES)}" <sip:+1555${random.hex(4)}@sip.example.com>`}));
    return {id: `evt_${random.hex(32)}`, object: 'event', created_at: now - random.below(60),
            type: 'realtime.call.incoming', data: {call_id: `rtc_u1_${random.hex(32)}`, sip_headers: headers}};
}

const sign = (key, ...parts) => createHmac('sha256', key).update(Buffer.concat(parts.map((part) => Buffer.from(part))))
    .digest('base64');

/** One delivery with everything right; the classes below spoil it. */
function delivery(random) {
    const now = 1_700_000_000 + random.below(100_000_000);
    const d = {
        now, key: random.bytes(32), id: `wh_${random.hex(32)}`, timestamp: String(now - 200 + random.below(400)),
        body: Buffer.from(senderJson(callEvent(random, now))),
    };
    d.secret = `whsec_${d.key.toString('base64')}`;
    d.signature = () => `v1,${d.mac()}`;
    d.mac = (over = {}) => sign(over.key ?? d.key, over.id ?? d.id, '.', over.timestamp ?? d.timestamp, '.', over.body ?? d.body);
    return d;
}

const withLastCharacter = (text, change) => {
    const end = text.search(/=*$/);
    return text.slice(0, end - 1) + change(text[end - 1]) + text.slice(end);
};
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
/** The next character of the alphabet: another value of the last sextet, whose low bits mean nothing. */
const nonCanonical = (text) => withLastCharacter(text, (c) => ALPHABET[ALPHABET.indexOf(c) + 1]);
/** A key whose base64 has characters that the two alphabets write differently. */
const keyWithSpecials = (random) => Buffer.concat([Buffer.from([0xfb, 0xff, 0xbf]), random.bytes(29)]);
const keyed = (d, key) => Object.assign(d, {key, secret: `whsec_${key.toString('base64')}`});

// Class -> how many, and what it changes. A changer may set `sent`: parts of the request that differ from what was signed.
const STANDARD = {
    'valid': [30, () => ({})],
    'valid, key of 24 to 64 bytes': [8, (d, r) => { keyed(d, r.bytes(24 + r.below(41))); return {}; }],
    'valid, short key': [4, (d, r) => { keyed(d, r.bytes(1 + r.below(23))); return {}; }],
    'valid, header names in another case': [4, () => ({headerCase: (name) => name.toUpperCase()})],

    // The body, altered after signing.
    'body: one bit flipped': [8, (d, r) => {
        const body = Buffer.from(d.body);
        body[r.below(body.length)] ^= 1;
        return {body};
    }],
    'body: line end added': [4, (d, r) => ({body: Buffer.concat([d.body, Buffer.from(r.pick(['\n', '\r\n']))])})],
    'body: last byte lost': [4, (d) => ({body: d.body.subarray(0, -1)})],
    'body: written anew without blanks': [6, (d) => ({body: Buffer.from(JSON.stringify(JSON.parse(d.body)))})],
    'body: indented': [4, (d) => ({body: Buffer.from(JSON.stringify(JSON.parse(d.body), null, 2))})],
    'body: byte-order mark added': [3, (d) => ({body: Buffer.concat([Buffer.from('\ufeff'), d.body])})],
    'body: emptied': [3, () => ({body: Buffer.alloc(0)})],

    // The body, odd from the start.
    'odd body: UTF-8': [6, (d, r) => { d.body = Buffer.from(JSON.stringify({city: 'Zürich', who: r.pick(NAMES)})); return {}; }],
    'odd body: byte-order mark': [3, (d) => { d.body = Buffer.concat([Buffer.from('\ufeff'), d.body]); return {}; }],
    'odd body: empty': [3, (d) => { d.body = Buffer.alloc(0); return {}; }],
    'odd body: NUL bytes': [3, (d, r) => { d.body = Buffer.from(`{"a": "\0${r.hex(8)}\0"}`); return {}; }],
    'odd body: CRLF inside': [3, (d) => { d.body = Buffer.from(d.body.toString().replaceAll(', ', ',\r\n')); return {}; }],
    'odd body: 100,000 bytes': [2, (d, r) => { d.body = Buffer.from(senderJson({text: r.hex(100_000)})); return {}; }],
    'odd body: not UTF-8': [4, (d, r) => { d.body = Buffer.concat([Buffer.from([0xff, 0xfe, 0xc0]), r.bytes(40)]); return {}; }],
    'odd body: not JSON': [3, (d, r) => { d.body = Buffer.from(`a=1&b=${r.hex(6)}`); return {}; }],

    // What else was signed.
    'signed with another key': [8, (d, r) => ({signature: `v1,${d.mac({key: r.bytes(32)})}`})],
    'signed with another id': [4, (d, r) => ({signature: `v1,${d.mac({id: `evt_${r.hex(32)}`})}`})],
    'signed with another timestamp': [4, (d) => ({signature: `v1,${d.mac({timestamp: String(Number(d.timestamp) - 1)})}`})],
    'signed: body alone': [3, (d) => ({signature: `v1,${sign(d.key, d.body)}`})],
    'signed: timestamp and body': [3, (d) => ({signature: `v1,${sign(d.key, d.timestamp, '.', d.body)}`})],
    'signed with the text of the secret': [3, (d) => ({signature: `v1,${d.mac({key: d.secret})}`})],
    'signed with the undecoded base64': [3, (d) => ({signature: `v1,${d.mac({key: d.secret.slice(6)})}`})],
    'signed with SHA-512': [2, (d) => ({signature: `v1,${createHmac('sha512', d.key).update(`${d.id}.${d.timestamp}.`).update(d.body).digest('base64')}`})],

    // The text of the signature.
    'signature: hex': [3, (d) => ({signature: `v1,${Buffer.from(d.mac(), 'base64').toString('hex')}`})],
    'signature: bare': [4, (d) => ({signature: d.mac()})],
    'signature: v2': [3, (d) => ({signature: `v2,${d.mac()}`})],
    'signature: V1': [3, (d) => ({signature: `V1,${d.mac()}`})],
    'signature: v1a': [3, (d) => ({signature: `v1a,${d.mac()}`})],
    'signature: v1= instead of v1,': [3, (d) => ({signature: `v1=${d.mac()}`})],
    'signature: v1 twice': [3, (d) => ({signature: `v1,v1,${d.mac()}`})],
    'signature: padding lost': [4, (d) => ({signature: `v1,${d.mac().replace(/=+$/, '')}`})],
    'signature: URL-safe alphabet': [6, (d, r) => {
        while (!/[+/]/.test(d.mac())) d.id = `wh_${r.hex(32)}`;
        return {signature: `v1,${d.mac().replaceAll('+', '-').replaceAll('/', '_')}`};
    }],
    'signature: not canonical': [4, (d) => ({signature: `v1,${nonCanonical(d.mac())}`})],
    'signature: cut short': [3, (d, r) => ({signature: `v1,${d.mac().slice(0, 8 + r.below(30))}`})],
    'signature: empty value': [2, () => ({signature: 'v1,'})],
    'signature: in quotes': [3, (d) => ({signature: `"v1,${d.mac()}"`})],
    'signature: + became a blank': [3, (d, r) => {
        while (!d.mac().includes('+')) d.id = `wh_${r.hex(32)}`;
        return {signature: `v1,${d.mac().replaceAll('+', ' ')}`};
    }],

    // Several signatures.
    'several: wrong, right': [5, (d, r) => ({signature: `v1,${r.bytes(32).toString('base64')} v1,${d.mac()}`})],
    'several: right, wrong': [5, (d, r) => ({signature: `v1,${d.mac()} v1,${r.bytes(32).toString('base64')}`})],
    'several: v1a, right': [3, (d, r) => ({signature: `v1a,${r.bytes(64).toString('base64')} v1,${d.mac()}`})],
    'several: all wrong': [3, (d, r) => ({signature: Array.from({length: 3}, () => `v1,${r.bytes(32).toString('base64')}`).join(' ')})],
    'several: two blanks between': [3, (d, r) => ({signature: `v1,${r.bytes(32).toString('base64')}  v1,${d.mac()}`})],
    'several: a comma between': [3, (d, r) => ({signature: `v1,${r.bytes(32).toString('base64')},v1,${d.mac()}`})],
    'several: a TAB between': [3, (d, r) => ({signature: `v1,${r.bytes(32).toString('base64')}\tv1,${d.mac()}`})],
    'several: right one is the 32nd': [2, (d, r) => ({signature: [...Array.from({length: 31}, () => `v1,${r.bytes(32).toString('base64')}`), d.signature()].join(' ')})],
    'several: right one is the 40th': [2, (d, r) => ({signature: [...Array.from({length: 39}, () => `v1,${r.bytes(32).toString('base64')}`), d.signature()].join(' ')})],

    // Time.
    'time: 300 s old': [3, (d) => { d.timestamp = String(d.now - 300); return {}; }],
    'time: 301 s old': [3, (d) => { d.timestamp = String(d.now - 301); return {}; }],
    'time: 300 s early': [3, (d) => { d.timestamp = String(d.now + 300); return {}; }],
    'time: 301 s early': [3, (d) => { d.timestamp = String(d.now + 301); return {}; }],
    'time: an hour or more off': [4, (d, r) => { d.timestamp = String(d.now + r.pick([-1, 1]) * (3600 + r.below(1_000_000))); return {}; }],
    'time: milliseconds': [3, (d) => { d.timestamp = `${d.now}000`; return {}; }],
    'time: leading zero': [3, (d) => { d.timestamp = `0${d.now}`; return {}; }],
    'time: plus sign': [3, (d) => { d.timestamp = `+${d.now}`; return {}; }],
    'time: minus sign': [2, (d) => { d.timestamp = `-${d.now}`; return {}; }],
    'time: fraction': [3, (d) => { d.timestamp = `${d.now}.75`; return {}; }],
    'time: letters behind': [3, (d) => { d.timestamp = `${d.now}s`; return {}; }],
    'time: letters behind, integer signed': [3, (d) => ({signature: d.signature(), timestamp: `${d.timestamp}s`})],
    'time: a word': [2, (d) => { d.timestamp = 'now'; return {}; }],
    'time: a date': [2, (d) => { d.timestamp = new Date(d.now * 1000).toISOString(); return {}; }],
    'time: empty': [2, (d) => { d.timestamp = ''; return {}; }],
    'time: 30 digits': [2, (d) => { d.timestamp = '1'.repeat(30); return {}; }],

    // Headers.
    'header missing: id': [2, () => ({without: 'webhook-id'})],
    'header missing: timestamp': [2, () => ({without: 'webhook-timestamp'})],
    'header missing: signature': [2, () => ({without: 'webhook-signature'})],
    'id: empty, signed with the dot': [2, (d) => { d.id = ''; return {}; }],
    'id: empty, signed without the dot': [2, (d) => { d.id = ''; return {signature: `v1,${sign(d.key, d.timestamp, '.', d.body)}`}; }],
    'id: not ASCII-only letters': [3, (d, r) => { d.id = `wh:${r.hex(4)}/%20?&.${r.hex(4)}`; return {}; }],

    // The secret, as a person may have stored it. Everything was signed with the right key.
    'secret: prefix lost': [4, (d) => ({secret: d.secret.slice(6)})],
    'secret: padding lost': [4, (d) => ({secret: d.secret.replace(/=+$/, '')})],
    'secret: too much padding': [3, (d) => ({secret: `${d.secret}==`})],
    'secret: not canonical': [4, (d) => ({secret: nonCanonical(d.secret)})],
    'secret: URL-safe alphabet': [4, (d, r) => { keyed(d, keyWithSpecials(r)); return {secret: d.secret.replaceAll('+', '-').replaceAll('/', '_')}; }],
    'secret: + became a blank': [3, (d, r) => { keyed(d, keyWithSpecials(r)); d.key[0] = 0xf8; keyed(d, d.key); return {secret: d.secret.replaceAll('+', ' ')}; }],
    'secret: blank in front': [3, (d) => ({secret: ` ${d.secret}`})],
    'secret: blank behind': [3, (d) => ({secret: `${d.secret} `})],
    'secret: blank inside': [3, (d) => ({secret: `${d.secret.slice(0, 20)} ${d.secret.slice(20)}`})],
    'secret: in quotes': [3, (d, r) => { const q = r.pick(['"', "'"]); return {secret: q + d.secret + q}; }],
    'secret: quote behind': [3, (d) => ({secret: `${d.secret}"`})],
    'secret: byte-order mark': [3, (d) => ({secret: `\ufeff${d.secret}`})],
    'secret: no-break space in front': [2, (d) => ({secret: `\u00a0${d.secret}`})],
    'secret: prefix in capitals': [3, (d) => ({secret: d.secret.replace('whsec_', 'WHSEC_')})],
    'secret: prefix twice': [3, (d) => ({secret: `whsec_${d.secret}`})],
    'secret: last character lost': [3, (d) => ({secret: d.secret.slice(0, -2)})],
    'secret: of another endpoint': [4, (d, r) => ({secret: `whsec_${r.bytes(32).toString('base64')}`})],
    'secret: nothing behind the prefix': [2, () => ({secret: 'whsec_'})],
    'secret: foreign characters behind the prefix': [3, (d) => ({secret: `whsec_${'*'.repeat(10)}!`})],

    // A secret that is raw text by the sender's own choice.
    'raw secret: text': [4, (d, r) => { d.key = Buffer.from(`my-webhook-password-${r.hex(12)}`); d.secret = d.key.toString(); return {}; }],
    'raw secret: not ASCII': [3, (d, r) => { d.key = Buffer.from(`sëcret-✓-${r.hex(6)}`); d.secret = d.key.toString(); return {}; }],
};

function standardCapture(name, random, change) {
    const d = delivery(random);
    const sent = {...change(d, random)};
    const headerCase = sent.headerCase ?? ((header) => header);
    const headers = [
        ['content-type', 'application/json'],
        ['webhook-id', d.id],
        ['webhook-timestamp', sent.timestamp ?? d.timestamp],
        ['webhook-signature', sent.signature ?? d.signature()],
    ].filter(([header]) => header !== sent.without).map(([header, value]) => [headerCase(header), value]);
    return {class: name, scheme: 'standard', now: d.now, method: 'POST', target: '/openai/webhook', headers,
            body: sent.body ?? d.body, secret: sent.secret ?? d.secret};
}

// Twilio

const formOf = (fields) => Buffer.from(fields.map(([name, value]) =>
    `${encodeURIComponent(name)}=${encodeURIComponent(value).replaceAll('%20', '+')}`).join('&'));

/** Source: Twilio, "Validating Signatures from Twilio": URL, then sorted names and distinct sorted values; HMAC-SHA-1. */
function twilioSignature(token, url, fields) {
    const names = [...new Set(fields.map(([name]) => name))].sort();
    const text = names.map((name) => [...new Set(fields.filter(([n]) => n === name).map(([, value]) => value))].sort()
        .map((value) => name + value).join('')).join('');
    return createHmac('sha1', token).update(url + text).digest('base64');
}

function twilioRequest(random) {
    const t = {
        token: random.hex(32), url: `https://bridge.example.com/twilio/voice?room=${random.hex(6)}&lang=pt`,
        fields: [['AccountSid', `AC${random.hex(32)}`], ['CallSid', `CA${random.hex(32)}`], ['CallStatus', 'ringing'],
                 ['From', `whatsapp:+5511${random.below(1e9)}`], ['To', 'whatsapp:+5511988887777'],
                 ['CallerName', random.pick(NAMES)], ['Empty', '']],
    };
    t.signature = (url = t.url) => twilioSignature(t.token, url, t.fields);
    return t;
}
const jsonRequest = (t, random) => {
    t.json = Buffer.from(JSON.stringify({event: random.hex(8), who: random.pick(NAMES)}));
    t.url += `&bodySHA256=${createHash('sha256').update(t.json).digest('hex')}`;
    t.fields = [];
};

// As STANDARD; `url` and the like say what reaches the verifier, t.signature(x) what Twilio signed.
const TWILIO = {
    'twilio: valid': [12, () => ({})],
    'twilio: parameters in another order': [4, (t) => ({body: formOf([...t.fields].reverse())})],
    'twilio: a name twice, two values': [3, (t, r) => { t.fields.push(['Digits', '9'], ['Digits', '10'], ['Digits', r.hex(2)]); return {}; }],
    'twilio: a name twice, one value': [3, (t) => { t.fields.push(['Digits', '1234'], ['Digits', '1234']); return {}; }],
    'twilio: names that differ in case': [3, (t) => { t.fields.push(['_x', '1'], ['a', '2'], ['A', '3'], ['b', '4']); return {}; }],
    'twilio: GET': [3, (t) => { t.fields = []; return {method: 'GET', body: Buffer.alloc(0)}; }],
    'twilio: signed without port, seen with :443': [3, (t) => ({url: t.url.replace('.com/', '.com:443/')})],
    'twilio: signed with :443, seen without port': [3, (t) => ({signature: t.signature(t.url.replace('.com/', '.com:443/'))})],
    'twilio: signed without port, seen with :8443': [3, (t) => ({url: t.url.replace('.com/', '.com:8443/')})],
    'twilio: signed with :8443, seen without port': [3, (t) => ({signature: t.signature(t.url.replace('.com/', '.com:8443/'))})],
    'twilio: signed with :8443, seen with it': [3, (t) => { t.url = t.url.replace('.com/', '.com:8443/'); return {}; }],
    'twilio: http with :80': [2, (t) => { t.url = t.url.replace('https', 'http'); return {signature: t.signature(t.url.replace('.com/', '.com:80/'))}; }],
    'twilio: userinfo': [3, (t) => { t.url = t.url.replace('//', '//user:pass@'); return {}; }],
    'twilio: userinfo and :443': [3, (t) => { t.url = t.url.replace('//', '//user:pass@'); return {signature: t.signature(t.url.replace('.com/', '.com:443/'))}; }],
    'twilio: userinfo lost on the way': [3, (t) => ({signature: t.signature(t.url.replace('//', '//user:pass@'))})],
    'twilio: IPv6 host': [2, (t) => { t.url = t.url.replace('bridge.example.com', '[2001:db8::1]:8443'); return {signature: t.signature(t.url.replace(':8443', ''))}; }],
    'twilio: apostrophe in the query': [3, (t) => { t.url += '&text=It\'s'; return {}; }],
    'twilio: apostrophe signed as %27': [3, (t) => { const url = t.url + '&text=It\'s'; return {url, signature: t.signature(t.url + '&text=It%27s')}; }],
    'twilio: %27 signed as apostrophe': [3, (t) => { const url = t.url + '&text=It%27s'; return {url, signature: t.signature(t.url + '&text=It\'s')}; }],
    'twilio: + in the query signed as %20': [3, (t) => { const url = t.url + '&text=a+b'; return {url, signature: t.signature(t.url + '&text=a%20b')}; }],
    'twilio: query in another order': [3, (t) => ({url: t.url.replace(/\?(.*)&(.*)$/, '?$2&$1')})],
    'twilio: query decoded': [3, (t) => { const url = t.url + '&text=a b'; return {url, signature: t.signature(t.url + '&text=a%2520b')}; }],
    'twilio: query lost': [3, (t) => ({url: t.url.split('?')[0]})],
    'twilio: fragment kept': [2, (t) => ({url: `${t.url}#rc=2`})],
    'twilio: slash added': [3, (t) => ({url: t.url.replace('/voice?', '/voice/?')})],
    'twilio: scheme changed behind a proxy': [4, (t) => ({url: t.url.replace('https', 'http')})],
    'twilio: host changed behind a proxy': [4, (t) => ({url: t.url.replace('bridge.example.com', '10.0.0.7:8080')})],
    'twilio: prefix removed by a proxy': [3, (t) => ({url: t.url.replace('/twilio/voice', '/voice')})],
    'twilio: host in capitals': [3, (t) => ({url: t.url.replace('bridge.example', 'Bridge.Example')})],
    'twilio: path in capitals': [3, (t) => ({url: t.url.replace('/voice', '/Voice')})],
    'twilio: a parameter lost': [4, (t) => ({body: formOf(t.fields.slice(1))})],
    'twilio: a parameter added': [4, (t) => ({body: formOf([...t.fields, ['Extra', '1']])})],
    'twilio: empty parameter lost': [3, (t) => ({body: formOf(t.fields.filter(([, value]) => value !== ''))})],
    'twilio: value trimmed': [3, (t) => { t.fields.push(['SpeechResult', ' yes ']); return {body: formOf(t.fields.map(([n, v]) => [n, v.trim()]))}; }],
    'twilio: wrong token': [4, (t, r) => ({token: r.hex(32)})],
    'twilio: signature altered': [3, (t) => ({signature: nonCanonical(t.signature()).toLowerCase()})],
    'twilio: signature padding lost': [3, (t) => ({signature: t.signature().replace(/=+$/, '')})],
    'twilio: signature of SHA-256': [2, (t) => ({signature: createHmac('sha256', t.token).update(t.url).digest('base64')})],
    'twilio: JSON': [6, (t, r) => { jsonRequest(t, r); return {}; }],
    'twilio: JSON with :443': [3, (t, r) => { jsonRequest(t, r); return {signature: t.signature(t.url.replace('.com/', '.com:443/'))}; }],
    'twilio: JSON body altered': [4, (t, r) => { jsonRequest(t, r); return {body: Buffer.concat([t.json, Buffer.from('\n')])}; }],
    'twilio: JSON hash in capitals': [3, (t, r) => { jsonRequest(t, r); t.url = t.url.replace(/[0-9a-f]{64}/, (hash) => hash.toUpperCase()); return {}; }],
    'twilio: JSON hash lost': [3, (t, r) => { jsonRequest(t, r); return {url: t.url.replace(/&bodySHA256=.*/, '')}; }],
};

function twilioCapture(name, random, change) {
    const t = twilioRequest(random);
    const sent = {...change(t, random)};
    const url = sent.url ?? t.url;
    const method = sent.method ?? 'POST';
    const body = sent.body ?? t.json ?? formOf(t.fields);
    const type = t.json ? 'application/json' : 'application/x-www-form-urlencoded';
    const headers = [
        ['host', url.replace(/^https?:\/\/(?:[^@/]*@)?/, '').split('/')[0]],
        ...(method === 'POST' ? [['content-type', type]] : []),
        ['x-twilio-signature', sent.signature ?? t.signature()],
    ];
    return {class: name, scheme: 'twilio', now: 1_750_000_000, method, target: url.replace(/^https?:\/\/[^/]*/, '').split('#')[0],
            headers, body, url, token: sent.token ?? t.token, json: Boolean(t.json)};
}

/** All captures, in the order of the tables; the same for the same seed. */
export function makeCaptures(seed) {
    const random = makeRandom(seed);
    const all = (table, make) => Object.entries(table).flatMap(([name, [count, change]]) =>
        Array.from({length: count}, () => make(name, random, change)));
    return [...all(STANDARD, standardCapture), ...all(TWILIO, twilioCapture)];
}

/** The capture as a file: a raw HTTP request. */
export function captureBytes(capture) {
    const head = [`${capture.method} ${capture.target} HTTP/1.1`, ...capture.headers.map(([name, value]) => `${name}: ${value}`),
                  `content-length: ${capture.body.length}`];
    return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), capture.body]);
}
