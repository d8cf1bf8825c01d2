"""`callchain bundle`: the archive is opened by Python's zipfile, and searched for everything that must not be in it."""

import base64
import gzip
import hashlib
import hmac
import io
import json
import os
import re
import stat
import subprocess
import xml.dom.minidom
import zipfile
from urllib.parse import quote

import pytest

from conftest import Outcome
from replay_runs import ROOT, assert_printable
from twilio_rest_standin import ACCOUNT, CALL, LEG, TOKEN, TwilioRestStandin, event, notification

import schema_check

SCHEMAS = schema_check.Schemas(ROOT / "docs/schemas")
WEBHOOK = "whsec_" + base64.b64encode(bytes(range(7, 39))).decode()
API_KEY = "sk-proj-bundle0123456789abcdefghij"
PASSWORD = "correct/horse+battery"
VARIABLES = {"OPENAI_WEBHOOK_SECRET": WEBHOOK, "OPENAI_API_KEY": API_KEY, "TWILIO_AUTH_TOKEN": TOKEN, "META_SIP_PASSWORD": PASSWORD}
CC, RTC, WH = "cc_e628441e20bcf33b574be410", "rtc_u1_8a6b4c2d0e1f3a5b", "wh_1b3d5f7a9c0e2a4c"
OTHER = "cc_000000000000000000000000"
# Every number ends in four digits of its own; none of the first ones may be found.
NUMBERS = ["5561999994321", "5511988887777", "12145551869", "4915112345670"]
AT = 1795888029


def body(call_id: str = RTC, cc: str = CC) -> bytes:
    headers = [{"name": "From", "value": f'"José Silva" <sip:+{NUMBERS[0]}@sip.example.com>;tag=1'},
               {"name": "To", "value": "<sip:proj_1@sip.api.openai.com>"}, {"name": "X-Callchain-Id", "value": cc},
               {"name": "X-Twilio-CallSid", "value": CALL if cc == CC else "CA" + "9" * 32}]
    return json.dumps({"id": "evt_1", "type": "realtime.call.incoming", "data": {"call_id": call_id, "sip_headers": headers}}).encode()


def capture(data: bytes, wh: str = WH, secret: str = WEBHOOK, more: str = "") -> bytes:
    signed = base64.b64encode(hmac.digest(base64.b64decode(secret[6:]), f"{wh}.{AT}.".encode() + data, "sha256")).decode()
    return (f"POST /openai/webhook HTTP/1.1\r\nHost: bridge.example.com\r\nwebhook-id: {wh}\r\nwebhook-timestamp: {AT}\r\n"
            f"webhook-signature: v1,{signed}\r\nAuthorization: Bearer {API_KEY}\r\nCookie: session=abcdefgh\r\n{more}"
            f"Content-Length: {len(data)}\r\n\r\n").encode() + data


def log_lines() -> list[dict]:
    record = {"message": "callchain webhook record", "schema": "callchain.webhook-record/1", "verdict": "signature_mismatch",
              "reason": "the configured secret does not yield this signature", "webhook_id": WH, "received_at": "2026-11-28T17:47:09.000Z",
              "body_length": len(body()), "body_sha256": hashlib.sha256(body()).hexdigest(),
              "secrets": "OPENAI_WEBHOOK_SECRET:50:6904fed1:whsec_o+ZP...6cwXI=", "body_base64": base64.b64encode(body()).decode()}
    return [{"time": "2026-11-28T17:47:08.534Z", "level": "info", "message": "call", "callchain_id": "cc_bc293d9283202fc1dd8e35bc",
             "direction": "meta-to-twilio", "sip_call_id": "outgoing:wacid.abc", "wacid": "wacid.abc", "account": NUMBERS[2]},
            {"time": "2026-11-28T17:47:08.539Z", "level": "info", "message": "call from Twilio: dialling OpenAI", "callchain_id": CC,
             "call_sid": CALL, "from": f"sip:+{NUMBERS[0]}@127.0.0.1", "gateway_id": "cc_bc293d9283202fc1dd8e35bc"},
            record,
            {"time": "2026-11-28T17:47:10.000Z", "level": "warn", "message": f"token {TOKEN} and {quote(PASSWORD, safe='')}", "callchain_id": CC,
             "why": f"Authorization: Basic {base64.b64encode(f'{ACCOUNT}:{TOKEN}'.encode()).decode()}", "password": "unconfigured-secret-1",
             "wa": f"whatsapp:+{NUMBERS[1][:2]} ({NUMBERS[1][2:4]}) {NUMBERS[1][4:9]}-{NUMBERS[1][9:]}", "plain": NUMBERS[0],
             "mail": "jose.silva@mail.example.com", "proxy": "http://user:unconfigured-secret-2@proxy.example.com/"},
            {"time": "2026-11-28T17:49:00.000Z", "level": "info", "message": "call from Twilio: dialling OpenAI", "callchain_id": OTHER,
             "call_sid": "CA" + "9" * 32, "from": f"+{NUMBERS[3]}"}]


SIP = "\r\n".join([f"INVITE sip:+{NUMBERS[2]}@example.sip.twilio.com SIP/2.0", f'From: "Jose Silva" <sip:{NUMBERS[0]}@wa.meta.vc>;tag=1',
                   "Call-ID: outgoing:wacid.abc",
                   f'Authorization: Digest username="{NUMBERS[2]}", realm="x", nonce="unconfigured-secret-3", '
                   'response="0f1e2d3c4b5a69788796a5b4c3d2e1f0", cnonce="unconfigured-secret-4"',
                   "Content-Type: application/sdp", "", "v=0", "o=- 1 1 IN IP4 198.51.100.7",
                   "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:dW5jb25maWd1cmVkLXNlY3JldC01", "a=ice-pwd:unconfigured-secret-6",
                   "a=candidate:1 1 UDP 2130706431 10.11.12.13 50000 typ host", ""])
SECRETS = [WEBHOOK, WEBHOOK[6:], API_KEY, TOKEN, PASSWORD, quote(PASSWORD, safe=""), *(f"unconfigured-secret-{n}" for n in range(1, 7)),
           "dW5jb25maWd1cmVkLXNlY3JldC01", "0f1e2d3c4b5a69788796a5b4c3d2e1f0", "abcdefgh\r\n"]
PERSONS = ["José", "Jos\\u00e9", "Silva", "jose.silva", "10.11.12.13"]


def assert_clean(text: str, numbers: list[str] = NUMBERS, persons: list[str] = PERSONS) -> None:
    for word in [*SECRETS, *persons]:
        assert word not in text, f"{word} stands in it"
    for number in numbers:
        national = number[-8:]
        assert national not in text and national not in re.sub(r"(?<=\d)[ ().+-]{1,2}(?=\d)", "", text), f"{number} stands in it"
    for secret in (TOKEN, API_KEY, PASSWORD):
        assert secret[4:20] not in text
    for run in re.findall(r"[A-Za-z0-9+/]{24,}={0,2}", text):
        try:
            inner = base64.b64decode(run + "=" * (-len(run) % 4), validate=True).decode()
        except (ValueError, UnicodeDecodeError):
            continue
        for word in [*SECRETS, *persons, *(number[-8:] for number in numbers)]:
            assert word not in inner, f"{word} stands in base64"


@pytest.fixture
def folder(callchain):
    """Inputs with secrets and persons of every kind in them."""
    here = callchain.folder
    (here / "serve.log").write_text("".join(json.dumps(line) + "\n" for line in log_lines()))
    (here / "trace.jsonl").write_text(json.dumps({"time": "2026-11-28T17:47:08.533Z", "call_id": "outgoing:wacid.abc", "message": SIP}) + "\n" +
                                      json.dumps({"time": "2026-11-28T17:50:00.000Z", "call_id": "other", "message": "OPTIONS"}) + "\n")
    (here / "sip.txt").write_bytes(SIP.encode())
    captures = here / "captures"
    captures.mkdir(mode=0o700)
    (captures / "20261128T174709.000Z-000000.http").write_bytes(capture(body()))
    (captures / "20261128T174901.000Z-000001.http").write_bytes(capture(body("rtc_other", OTHER), "wh_other_delivery"))
    form = f"CallSid={CALL}&From=whatsapp%3A%2B{NUMBERS[0]}&To=whatsapp%3A%2B{NUMBERS[1]}&CallerName=Jose+Silva"
    (captures / "20261128T174708.000Z-000002.http").write_bytes(
        f"POST /twilio/voice?To=%2B{NUMBERS[1]} HTTP/1.1\r\nHost: b.example\r\nX-Twilio-Signature: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n"
        f"Content-Length: {len(form)}\r\n\r\n{form}".encode())
    return here


ALL = ["--log", "serve.log", "--captures", "captures", "--sip-trace", "trace.jsonl", "--sip-trace", "sip.txt"]


@pytest.fixture
def bundle(callchain, folder):
    def run(*args: str, out: str = "out.zip", **variables: str) -> Outcome:
        place = ["--out", out] if out else []
        done = callchain.run("bundle", *place, *args, **(VARIABLES | variables))
        assert_printable(done.out)
        assert_printable(done.err)
        for secret in SECRETS:
            assert secret not in done.out + done.err
        if "--json" in args:
            problems = SCHEMAS.check_output(done.out.encode(), done.err.encode())
            assert not problems, problems
        return done

    return run


def members(path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_nothing_secret_and_nobody_is_in_it(bundle, folder):
    done = bundle(*ALL)
    assert done.code == 0, done.err
    assert_clean((folder / "out.zip").read_bytes().decode("latin-1"))
    files = members(folder / "out.zip")
    assert not SCHEMAS.check(json.loads(files["timeline.json"]), "timeline")
    assert sorted(files) == ["README.txt", "captures/20261128T174708.000Z-000002.http", "captures/20261128T174709.000Z-000000.http",
                             "captures/20261128T174901.000Z-000001.http", "logs/serve.log", "manifest.json", "sip/sip.txt", "sip/trace.jsonl",
                             "timeline.json", "timeline.txt", "verdicts.json"]
    for name, data in files.items():
        assert_clean(data.decode())
        if name.endswith(".json"):
            json.loads(data)
    for name in ("logs/serve.log", "sip/trace.jsonl"):
        assert [json.loads(line) for line in files[name].decode().splitlines()]
    assert stat.S_IMODE((folder / "out.zip").stat().st_mode) == 0o600


def test_what_support_needs_is_left(bundle, folder):
    assert bundle(*ALL).code == 0
    files = {name: data.decode() for name, data in members(folder / "out.zip").items()}
    for word in (CC, CALL, "wacid.abc", "whsec_o+ZP...6cwXI=", "6904fed1"):
        assert word in files["logs/serve.log"]
    assert "…4321" in files["logs/serve.log"] and "…1869" in files["logs/serve.log"]
    assert "IN IP4 198.51.100.7" in files["sip/sip.txt"] and 'realm="x"' in files["sip/sip.txt"]
    assert "webhook-signature: v1," in files["captures/20261128T174709.000Z-000000.http"]
    assert "%2B…4321" in files["captures/20261128T174708.000Z-000002.http"]
    assert RTC in files["README.txt"] and "OPENAI_API_KEY" not in files["README.txt"]
    inner = base64.b64decode(json.loads(files["logs/serve.log"].splitlines()[2])["body_base64"]).decode()
    assert json.loads(inner)["data"]["call_id"] == RTC and "…4321" in inner


def test_the_manifest_is_right_about_every_file(bundle, folder):
    done = bundle(*ALL, "--json")
    files = members(folder / "out.zip")
    manifest = json.loads(files["manifest.json"])
    assert not SCHEMAS.check(manifest, "bundle")
    assert {one["name"]: (one["size"], one["sha256"]) for one in manifest["files"]} == {
        name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in files.items() if name != "manifest.json"}
    told = done.json()
    assert told["archive"] == {"path": "out.zip", "size": (folder / "out.zip").stat().st_size,
                               "sha256": hashlib.sha256((folder / "out.zip").read_bytes()).hexdigest()}
    [source] = [one for one in manifest["sources"] if one["file"].endswith("000000.http")]
    assert (source["body_length"], source["body_sha256"]) == (len(body()), hashlib.sha256(body()).hexdigest())
    kinds = {(one["file"], one["kind"]) for one in manifest["masked"]}
    assert {("logs/serve.log", "numbers"), ("logs/serve.log", "secrets"), ("logs/serve.log", "mail"), ("sip/sip.txt", "addresses"),
            ("sip/sip.txt", "names")} <= kinds
    assert manifest["revealed"] == [] and manifest["tool_version"] and "libzip" in manifest["libraries"]


def test_the_same_input_makes_the_same_bytes(bundle, folder):
    first = bundle(*ALL, out="a.zip", TZ="America/Sao_Paulo")
    os.utime(folder / "captures/20261128T174709.000Z-000000.http", (1, 1))
    second = bundle(*ALL, out="b.zip", TZ="Asia/Tokyo", LANG="pt_BR.UTF-8")
    assert (first.code, second.code) == (0, 0)
    assert (folder / "a.zip").read_bytes() == (folder / "b.zip").read_bytes()
    with zipfile.ZipFile(folder / "a.zip") as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.namelist() == sorted(archive.namelist())


def test_verdicts_are_those_of_the_bytes_that_were_received(bundle, folder):
    other = "whsec_" + base64.b64encode(bytes(32)).decode()
    (folder / "captures/20261128T174709.000Z-000000.http").write_bytes(capture(body() + b"\n"))
    (folder / "captures/20261128T174901.000Z-000001.http").write_bytes(capture(body(), secret=other))
    assert bundle(*ALL, "--public-url", "https://b.example").code == 0
    document = json.loads(members(folder / "out.zip")["verdicts.json"])
    assert not SCHEMAS.check(document, "verdicts")
    verdicts = document["captures"]
    assert [(one["scheme"], one["verdict"]) for one in verdicts] == [("twilio", "invalid"), ("standard", "valid"), ("standard", "invalid")]
    assert verdicts[1]["label"] == "OPENAI_WEBHOOK_SECRET"


def test_no_secret_no_verdict(callchain, folder):
    done = callchain.run("bundle", "--out", "x.zip", "--captures", "captures")
    assert done.code == 0 and "verdicts.json" not in members(folder / "x.zip")


@pytest.mark.parametrize("call", [CC, CALL, RTC, WH, "wacid.abc", "cc_bc293d9283202fc1dd8e35bc"])
def test_any_id_of_a_call_chooses_what_belongs_to_it(bundle, folder, call):
    done = bundle(*ALL, "--call", call)
    assert done.code == 0, done.err
    files = members(folder / "out.zip")
    assert "captures/20261128T174901.000Z-000001.http" not in files
    assert "captures/20261128T174709.000Z-000000.http" in files and "captures/20261128T174708.000Z-000002.http" in files
    log = files["logs/serve.log"].decode()
    assert OTHER not in log and len(log.splitlines()) == 4
    assert len(files["sip/trace.jsonl"].decode().splitlines()) == 1
    assert json.loads(files["manifest.json"])["call"] == call and json.loads(files["manifest.json"])["calls"] == 1
    xml.dom.minidom.parseString(files["timeline.svg"])
    assert files["timeline.mmd"].startswith(b"sequenceDiagram")


def test_nothing_of_that_call(bundle, folder):
    done = bundle(*ALL, "--call", "rtc_of_nobody")
    assert (done.code, done.out) == (1, "") and "nothing in the input belongs to rtc_of_nobody" in done.err and "hint: " in done.err
    assert not (folder / "out.zip").exists()
    assert bundle(*ALL, "--call", "rtc_of_nobody", "--json").code == 1


@pytest.mark.parametrize(("vendor", "captures", "others"), [
    ("openai", ["174709.000Z-000000", "174901.000Z-000001"], ["logs/serve.log"]),
    ("twilio", ["174708.000Z-000002"], ["logs/serve.log", "sip/sip.txt", "sip/trace.jsonl"]),
    ("meta", [], ["logs/serve.log", "sip/sip.txt", "sip/trace.jsonl"])])
def test_each_vendor_gets_what_it_needs(bundle, folder, vendor, captures, others):
    assert bundle(*ALL, "--for", vendor).code == 0
    files = members(folder / "out.zip")
    assert [name for name in files if "/" in name] == sorted([f"captures/20261128T{one}.http" for one in captures] + others)
    log = files["logs/serve.log"].decode()
    assert ("wacid.abc" in log) == (vendor != "openai") and (WH in log) == (vendor != "meta")


@pytest.mark.parametrize(("kind", "shown"), [("numbers", NUMBERS[0]), ("names", "Silva"), ("mail", "jose.silva@"), ("addresses", "10.11.12.13")])
def test_reveal_names_single_kinds(bundle, folder, kind, shown):
    assert bundle(*ALL, "--reveal", kind).code == 0
    files = members(folder / "out.zip")
    text = b"".join(files.values()).decode()
    assert shown in text and json.loads(files["manifest.json"])["revealed"] == [kind]
    assert f"Not masked on purpose: {kind}" in files["README.txt"].decode()
    for secret in SECRETS:
        assert secret not in text


def test_revealed_bodies_still_have_no_secrets(bundle, folder):
    data = body()[:-1] + b', "leak": "' + API_KEY.encode() + b'"}'
    (folder / "captures/20261128T174709.000Z-000000.http").write_bytes(capture(data))
    assert bundle(*ALL, "--reveal", "bodies").code == 0
    files = members(folder / "out.zip")
    shown = files["captures/20261128T174709.000Z-000000.http"].decode()
    assert NUMBERS[0] in shown and API_KEY not in shown and "Bearer" not in shown
    assert json.loads(files["logs/serve.log"].decode().splitlines()[2])["body_base64"] == base64.b64encode(body()).decode()


@pytest.mark.parametrize("value", ["secrets", "all", ""])
def test_secrets_cannot_be_revealed(bundle, folder, value):
    done = bundle(*ALL, "--reveal", value)
    assert done.code == 2 and not (folder / "out.zip").exists()


def test_a_body_that_is_no_text_is_left_out(bundle, folder):
    packed = gzip.compress(body(), mtime=0)
    (folder / "captures/20261128T174709.000Z-000000.http").write_bytes(capture(packed, more="Content-Encoding: gzip\r\n"))
    assert bundle(*ALL).code == 0
    files = members(folder / "out.zip")
    assert f"[a body of {len(packed)} bytes that is no text was left out]".encode() in files["captures/20261128T174709.000Z-000000.http"]
    assert packed not in (folder / "out.zip").read_bytes()
    [source] = [one for one in json.loads(files["manifest.json"])["sources"] if one["file"].endswith("000000.http")]
    assert source["body_sha256"] == hashlib.sha256(packed).hexdigest()


def test_a_log_in_utf_16_is_masked_too(bundle, folder):
    (folder / "serve.log").write_bytes((folder / "serve.log").read_text().encode("utf-16"))
    assert bundle(*ALL).code == 0
    assert_clean(members(folder / "out.zip")["logs/serve.log"].decode())


def test_what_twilio_fetch_saved(bundle, callchain, folder):
    with TwilioRestStandin() as rest:
        rest.calls[CALL]["from"], rest.calls[CALL]["to"] = f"whatsapp:+{NUMBERS[0]}", f"whatsapp:+{NUMBERS[1]}"
        rest.notifications[CALL] = [notification(1, 13224, f"Invalid +{NUMBERS[0]}")]
        rest.details[f"NO{1:032x}"] = {"request_variables": f"From=%2B{NUMBERS[0]}&SipHeader_X-Callchain-Id={CC}", "response_body": "<x/>"}
        rest.events[CALL] = [event("/twilio/voice", {"From": f"whatsapp:+{NUMBERS[0]}", "CallerName": "Jose Silva"})]
        saved = callchain.run("twilio", "fetch", CALL, "--save", "call.json", TWILIO_ACCOUNT_SID=ACCOUNT, CALLCHAIN_TWILIO_API_URL=rest.origin,
                              **VARIABLES)
    assert saved.code == 0, saved.err
    assert NUMBERS[0] in (folder / "call.json").read_text()
    assert bundle(*ALL, "--twilio", "call.json", "--call", LEG).code == 0
    files = members(folder / "out.zip")
    for data in files.values():
        assert_clean(data.decode())
    assert json.loads(files["twilio/call.json"])["call"]["sid"] == CALL
    assert b"13224" in files["timeline.txt"] and b"dialling OpenAI" in files["timeline.txt"]


def test_list_writes_nothing(bundle, folder):
    before = sorted(os.listdir(folder))
    done = bundle(*ALL, "--list", out="")
    assert done.code == 0 and "logs/serve.log  " in done.out and "  masked  secrets " in done.out
    assert bundle(*ALL, "--list", "--json", out="").json()["archive"] is None
    assert sorted(os.listdir(folder)) == before


def test_a_file_that_is_there_is_not_written_over(bundle, folder):
    (folder / "out.zip").write_text("mine")
    done = bundle(*ALL)
    assert done.code == 2 and "File exists" in done.err and (folder / "out.zip").read_text() == "mine"
    (folder / "link.zip").symlink_to("target.zip")
    assert bundle(*ALL, out="link.zip").code == 2 and not (folder / "target.zip").exists()


def test_two_inputs_of_one_name(bundle, folder):
    (folder / "captures/serve.log").write_text("another\n")
    assert bundle("--log", "serve.log", "--log", "captures/serve.log").code == 0
    assert members(folder / "out.zip")["logs/serve-2.log"] == b"another\n"


def test_names_lead_nowhere(bundle, folder):
    (folder / "..%2f\x1b[31m.log").write_text("x\n")
    assert bundle("--log", "..%2f\x1b[31m.log").code == 0
    for name in members(folder / "out.zip"):
        assert re.fullmatch(r"([a-z]+/)?[A-Za-z0-9_][A-Za-z0-9._-]*", name), name


@pytest.mark.parametrize(("args", "told"), [
    (["--log", "missing.log"], "missing.log"),
    (["--captures", "missing"], "missing"),
    (["--captures", "serve.log"], "serve.log"),
    (["--twilio", "serve.log"], "serve.log"),
    (["--twilio", "list.json"], "not what twilio fetch --save keeps"),
    (["--log", "binary.log"], "not text"),
    (["--sip-trace", "big.log"], "is larger than 67,108,864 bytes"),
    ([], "nothing to put in"),
    (["--log", "serve.log", "--for", "vonage"], "is not one of"),
    (["--log", "serve.log", "--list"], "goes without --out"),
    (["--log", "-", "--sip-trace", "-"], "standard input"),
    (["--captures", "captures", "--secret-env", "NOT_SET"], "NOT_SET"),
])
def test_what_cannot_be_used_leaves_nothing_behind(bundle, folder, args, told):
    (folder / "binary.log").write_bytes(b"\0\1\2")
    (folder / "list.json").write_text('{"schema": "callchain.twilio-fetch/1"}')
    with open(folder / "big.log", "wb") as big:
        big.truncate((64 << 20) + 1)
    done = bundle(*args)
    assert (done.code, done.out) == (2, "") and told in done.err, done.err
    assert not (folder / "out.zip").exists()


def test_a_folder_of_another_user(bundle, folder):
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    os.chown(folder / "captures", 65534, 65534)
    done = bundle(*ALL)
    assert done.code == 2 and "belongs to user 65534" in done.err and not (folder / "out.zip").exists()


def test_a_full_disk_leaves_nothing_behind(bundle, folder):
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    small = folder / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k,mode=700", "tmpfs", small], capture_output=True, check=False).returncode != 0:
        pytest.skip("this host mounts nothing")
    try:
        done = bundle(*ALL, out="small/out.zip")
        assert done.code == 2 and "No space left" in done.err and "hint: " in done.err
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", small], check=True)


def test_masking_a_big_log_is_linear(bundle, folder):
    """A quadratic rule would take hours of this; the limit of a run is two minutes."""
    line = json.dumps({"time": "2026-11-28T17:47:08.539Z", "level": "info", "message": "x", "callchain_id": CC, "from": f"+{NUMBERS[0]}"})
    out = io.StringIO()
    for shape in (line + "\n", "a" * 2_000_000 + "\n", '"' * 200_000 + "\n", "\\" * 200_000 + "\n", "@" * 200_000 + "\n", "eyJ." * 50_000 + "\n", "eyJ" * 100_000 + "\n", "cookie=[" * 50_000 + "\n",
                  "(" * 200_000 + "\n", "token=" * 50_000 + "\n", "k=" * 100_000 + "\n", "<sip:" * 50_000 + "\n", "+1" * 100_000 + "\n", "1 " * 200_000 + "\n"):
        out.write(shape)
    out.write((line + "\n") * 20_000)
    (folder / "serve.log").write_text(out.getvalue())
    assert bundle("--log", "serve.log").code == 0
