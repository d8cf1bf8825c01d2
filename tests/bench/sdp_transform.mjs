// sdp_transform.mjs FOLDER FILE SECONDS: how many times a second the npm package sdp-transform reads FILE, keeps PCMU, PCMA
// and telephone-event of the first m= line, and writes it again: what a gateway in Node.js would do. Prints the rate.
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';

const [folder, file, seconds] = process.argv.slice(2);
const {parse, write} = createRequire(join(folder, 'package.json'))('sdp-transform');
const text = readFileSync(file, 'latin1');
const KEEP = new Set(['pcmu', 'pcma', 'telephone-event']);

function filter() {
    const session = parse(text);
    const media = session.media[0];
    media.rtp = media.rtp.filter((each) => KEEP.has(String(each.codec).toLowerCase()));
    const left = new Set(media.rtp.map((each) => each.payload));
    media.fmtp = media.fmtp.filter((each) => left.has(each.payload));
    media.rtcpFb = media.rtcpFb?.filter((each) => left.has(each.payload));
    media.payloads = String(media.payloads).split(' ').filter((each) => left.has(Number(each))).join(' ');
    return write(session).length;
}

function rate(milliseconds) {
    const start = process.cpuUsage();
    const end = performance.now() + milliseconds;
    let runs = 0;
    let bytes = 0;
    while (performance.now() < end) {
        for (let index = 0; index < 100; ++index) bytes += filter();
        runs += 100;
    }
    const {user, system} = process.cpuUsage(start);
    return bytes > 0 ? runs / ((user + system) / 1e6) : 0;
}

rate(300);  // the compiler of the engine has its turn
console.log(Math.round(rate(Number(seconds) * 1000)));
