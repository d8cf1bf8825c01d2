"""No secret in any output: every command at every verbosity, with secrets planted wherever one can be configured.

Where a command needs a network it is pointed at stand-ins and at nobody. What is searched: both streams, and every file that
a command made but those that are asked to hold a secret (endpoints rotate --to-file, the files of a simulated run).
"""

import base64
import os
import re
import signal
import socket
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import serve_process
from conftest import Program, stop
from openai_standin import Endpoint, OpenAiStandin
from replay_runs import ROOT, closed_port
from twilio_standin import ACCOUNT, TwilioStandin

KEY_BYTES = bytes(range(7, 39))
# Variable -> what is planted in it. Each is unlike the others, and unlike anything that is printed.
PLANTED = {
    "OPENAI_API_KEY": "sk-proj-PlantedApiKey0Q1w2E3r4T5y6U7i8O9p",
    "OPENAI_WEBHOOK_SECRET": "whsec_" + base64.b64encode(KEY_BYTES).decode(),
    "TWILIO_AUTH_TOKEN": "9f8e7d6c5b4a39281706f5e4d3c2b1a0",
    "TWILIO_TOKEN": "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
    "TWILIO_API_SECRET": "PlantedApiSecretZxCvBnM123456789",
    "TWILIO_SIP_PASSWORD": "Planted-Domain-Password-7531",
    "META_SIP_PASSWORD": "Planted-Meta-Password-8642",
    "CALLCHAIN_OUTWARD_PASSWORD": "Planted-Outward-Password-9753",
}
IN_URLS = {"https_proxy": "http://user:Planted-Proxy-Password@127.0.0.1:9"}
REST = {
    "OPENAI_PROJECT_ID": "proj_planted0123456789", "CALLCHAIN_PUBLIC_URL": "https://bridge.example.com", "TWILIO_ACCOUNT_SID": ACCOUNT,
    "TWILIO_SIP_DOMAIN": "example.sip.twilio.com", "TWILIO_SIP_USERNAME": "gateway", "META_SIP_USERNAME": "556133334444",
    "CALLCHAIN_OUTWARD_USERNAME": "outward", "USE_TLS": "false", "PUBLIC_IP": "127.0.0.1", "CALLCHAIN_META_DOMAIN": "127.0.0.1:9", "WHATSAPP_CALL_FROM": "+556133334444",
    "TWILIO_CALL_TWIML_URL": "https://bridge.example.com/twilio/voice",
}
SHORTEST_RUN = 12


def needles() -> dict[str, set[str]]:
    """Variable: runs that must be nowhere, of all forms in which a secret could show up. Masks show ends, so the middle is taken."""
    found = {}
    for name, secret in {**PLANTED, **IN_URLS}.items():
        secret = re.sub(r".*:(.*)@.*", r"\1", secret) if name in IN_URLS else secret
        forms = {secret, secret.removeprefix("whsec_"), urllib.parse.quote(secret, safe=""), base64.b64encode(secret.encode()).decode()}
        if secret.startswith("whsec_"):
            forms |= {KEY_BYTES.hex(), base64.urlsafe_b64encode(KEY_BYTES).decode()}
        # Basic credentials, whatever the user is: three alignments of base64.
        forms |= {base64.b64encode(pad + secret.encode()).decode()[4:-4] for pad in (b"abc", b"abcd", b"abcde")}
        # Of a short one nothing is ever shown, so that any part of it counts.
        first, behind = (10, 6) if len(secret) >= 40 else (7, 2)
        found[name] = {form[at:at + SHORTEST_RUN] for form in forms for at in range(first, len(form) - behind - SHORTEST_RUN + 1)}
    return found


NEEDLES = needles()


def planted_in(data: bytes) -> list[str]:
    text = data.decode("utf-8", "replace")
    return [name for name, runs in NEEDLES.items() if any(run in text for run in runs)]


def commands_of(here: dict[str, str]) -> list[list[str]]:
    """At least one call of every command; `here` has the addresses of the stand-ins."""
    openai, twilio, nobody = here["openai"], here["twilio"], here["nobody"]
    capture, log = "samples/valid-openai.http", "samples/other-endpoint/railway.log"
    call = ["rtc_u1_0123"]
    return [
        ["verify-sig", "--request", capture], ["verify-sig", "--log", log, "--body", "samples/other-endpoint/body.json"],
        ["verify-sig", "--request", "samples/twilio-behind-proxy.http", "--url", "https://bridge.example.com/twilio/voice"],
        ["verify-sig", "--request", capture, "--secret-env", "x=NOT_SET"],
        ["sign-webhook", "samples/event.json"], ["sign-webhook", "--event", "realtime.call.incoming"],
        ["replay-webhook", capture, "--to", f"{nobody}/openai/webhook"], ["replay-webhook", capture, "--to", f"{nobody}/x", "--dry-run"],
        ["replay-webhook", capture, "--to", f"{openai}/openai/webhook", "--print-curl"], ["replay-webhook", "--matrix", "--to", f"{openai}/x"],
        ["diff-webhook", "samples/two-hops/ngrok.http", "samples/two-hops/railway.http"],
        ["sdp-filter", "samples/sdp/meta-default.sdp"], ["twiml"], ["twiml", "lint", "samples/seed.twiml"], ["twiml", "fallback"],
        ["twiml", "dial-action", "--dial-call-status", "failed"],
        *([verb, *call, "--timeout", "1", "--base-url", f"{base}/v1", *more] for verb in ("accept-call", "hangup-call", "reject-call")
          for base, more in ((openai, []), (nobody, []), (openai, ["--dry-run"]), (openai, ["--print-curl"]))),
        ["refer-call", *call, "--target-uri", "tel:+14155550123", "--base-url", f"{openai}/v1"],
        ["refer-call", *call, "--target-uri", "tel:+14155550123", "--base-url", "http://user:x@example.com/v1"],
        *(["place-call", "--to", "+5561999998888", "--base-url", base, *more] for base in (twilio, nobody) for more in ([], ["--dry-run"], ["--print-curl"])),
        *(["endpoints", "list", "--base-url", f"{base}/v1", *more] for base in (openai, nobody) for more in ([], ["--dry-run"], ["--print-curl"])),
        ["endpoints", "test", "whe_1", "--yes", "--base-url", f"{openai}/v1"], ["endpoints", "test", "whe_1", "--base-url", f"{openai}/v1"],
        ["endpoints", "rotate", "whe_1", "--dry-run", "--to-file", "new.secret", "--base-url", f"{openai}/v1"],
        ["serve", "--check"], ["serve", "--print-config"], ["serve", "--listen", "192.0.2.1:1"], ["serve", "--check", "--base-url", "http://a.example/v1"],
        ["gateway", "run", "--check"], ["gateway", "run", "--print-config"], ["gateway", "check"], ["gateway", "run", "--listen", "192.0.2.1:1"],
        ["gateway", "probe", f"sip:x@127.0.0.1:{here['closed']}", "--transport", "tcp", "--username", "u", "--password-env", "TWILIO_SIP_PASSWORD"],
        ["health", f"{nobody}/healthz"], ["health", f"{openai}/healthz"],
        ["doctor"], ["doctor", "--online", "--timeout", "1", "--skip", "sip,twilio-domain,public-url"], ["doctor", "--list"],
        ["twilio", "fetch", "CA" + "0" * 32, "--base-url", twilio], ["twilio", "fetch", "CA" + "0" * 32, "--base-url", nobody],
        ["twilio", "fetch", "CA" + "0" * 32, "--dry-run"], ["twilio", "fetch", "CA" + "0" * 32, "--print-curl"],
        ["show", capture], ["tail", "captures", "--no-follow"], ["explain", "13224"], ["explain", "--list"], ["completion", "bash"],
        ["help", "environment"], ["help", "serve"], ["--version"], [], ["no-such-command"], ["listen", "--listen", "192.0.2.1:1", "--to", "captures"],
        ["simulate", "call", "--list-faults"], ["simulate", "meta"], ["simulate", "twilio"], ["simulate", "openai"],
    ]


# Run for as long as they are not told to stop, or made of commands above.
TRIED_BELOW = {"gateway", "simulate", "endpoints", "twilio", "completion", "help"}


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """(program, its environment, commands)"""
    folder = tmp_path_factory.mktemp("planted")
    (folder / "samples").symlink_to(ROOT / "samples")
    (folder / "captures").mkdir(mode=0o700)
    program = Program(os.environ["CALLCHAIN"], folder)
    program.environment |= {**PLANTED, **IN_URLS, **REST}
    with OpenAiStandin(key=PLANTED["OPENAI_API_KEY"]) as openai, TwilioStandin(token=PLANTED["TWILIO_AUTH_TOKEN"]) as twilio:
        openai.endpoints = [Endpoint("whe_1", "https://bridge.example.com/openai/webhook", PLANTED["OPENAI_WEBHOOK_SECRET"])]
        closed = closed_port()
        here = {"openai": openai.origin, "twilio": twilio.origin, "nobody": f"http://127.0.0.1:{closed}", "closed": str(closed)}
        program.environment |= {"OPENAI_BASE_URL": openai.base_url, "CALLCHAIN_TWILIO_API_URL": twilio.origin, "CALLCHAIN_TWILIO_MONITOR_URL": twilio.origin}
        yield program, commands_of(here)


def test_the_search_would_find_one():
    for name, secret in {**PLANTED, **IN_URLS}.items():
        assert planted_in(f"x {secret} y".encode()) == [name]
    token = PLANTED["TWILIO_AUTH_TOKEN"]
    basic = base64.b64encode(f"{ACCOUNT}:{token}".encode())
    assert planted_in(b"Authorization: Basic " + basic) == ["TWILIO_AUTH_TOKEN"]
    assert planted_in(KEY_BYTES.hex().encode()) == ["OPENAI_WEBHOOK_SECRET"]


def test_every_command_is_tried(desk):
    program, commands = desk
    done = subprocess.run([program.path, "--help"], capture_output=True, text=True, check=True)
    named = re.findall(r"^  ([a-z][a-z-]+) {2,}", done.stdout.partition("Subcommands:")[2], flags=re.MULTILINE)
    assert len(named) > 20
    tried = {command[0] for command in commands if command}
    assert set(named) - tried <= {"bundle"}  # its archives are searched by test_bundle.py


@pytest.mark.parametrize("verbosity", [[], ["--verbose"], ["-v", "-v", "-v"], ["--json"], ["--json", "-v"], ["--quiet"]], ids=" ".join)
def test_nothing_is_printed(desk, verbosity):
    program, commands = desk

    def found(command: list[str]) -> list[str]:
        words = command[:2] if command and command[0] in TRIED_BELOW else command[:1]
        done = subprocess.run([program.path, *command[:len(words)], *verbosity, *command[len(words):]], input=b"", capture_output=True,
                              cwd=program.folder, env=program.environment, check=False, timeout=60)
        assert done.returncode != 70, (command, done.stderr)
        return [f"{name} in {' '.join(command)}" for name in planted_in(done.stdout + done.stderr)]

    with ThreadPoolExecutor(4) as pool:
        assert [one for many in pool.map(found, commands) for one in many] == []


def test_nothing_is_in_the_files_that_were_made(desk):
    program, _ = desk
    made = [path for path in program.folder.rglob("*") if path.is_file() and not path.is_symlink() and "samples" not in path.parts]
    assert not [(path, names) for path in made if (names := planted_in(path.read_bytes() + str(path.relative_to(program.folder)).encode()))]


def ask(address: str, target: str, data: bytes | None = None, **headers: str) -> bytes:
    request = urllib.request.Request(f"{address}{target}", data, {name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(answer.headers).encode() + answer.read()
    except urllib.error.HTTPError as error:
        return str(error.headers).encode() + error.read()


def ready(process: subprocess.Popen) -> tuple[str, dict[str, str]]:
    said = ""
    while True:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        said += line
        if line.startswith("ready "):
            return said, dict(re.findall(r"(\w+)=http://(\S+)", line))


def test_nothing_is_in_what_serve_says_and_keeps(desk):
    """Requests that bring the secrets themselves, in every place where a careless log would show them."""
    program, _ = desk
    secret, token, key = (PLANTED[name] for name in ("OPENAI_WEBHOOK_SECRET", "TWILIO_AUTH_TOKEN", "OPENAI_API_KEY"))
    process = program.start("serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--log", "text", "--log-level", "debug", "--record", "full",
                            "--capture-dir", str(program.folder / "kept"))
    try:
        said, at = ready(process)
        here = f"http://{at['listen']}"
        answers = b""
        body = serve_process.call_event("rtc_u1_planted")
        signed = serve_process.signature(body, "wh_1", "1767801600", secret)
        answers += ask(here, "/openai/webhook", body, webhook_id="wh_1", webhook_timestamp="1767801600", webhook_signature=signed)
        answers += ask(here, "/openai/webhook", body, webhook_id=secret, webhook_timestamp="1", webhook_signature="v1," + secret)
        answers += ask(here, f"/openai/webhook?key={key}", body, Authorization=f"Bearer {key}", Cookie=f"a={token}")
        answers += ask(here, "/twilio/voice", f"From={token}&To={secret}&CallSid={key}".encode(), X_Twilio_Signature=token)
        answers += ask(here, f"/{secret}/{token}", None, Authorization=f"Basic {token}")
        for target in ("/healthz", "/readyz", "/metrics", "/"):
            answers += ask(here, target) + ask(f"http://{at['admin']}", target)
    finally:
        done = stop(process)
    assert planted_in((said + done.out + done.err).encode()) == []
    assert planted_in(answers) == []
    # What was recorded has what was sent, but for names of files, which are listed everywhere.
    kept = [path.name for path in (program.folder / "kept").iterdir()]
    assert kept and planted_in("\n".join(kept).encode()) == []


def test_nothing_is_in_what_the_gateway_says(desk):
    program, _ = desk
    process = program.start("gateway", "run", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--log", "text", "--log-level", "debug",
                            "--trace", "gateway-trace.jsonl")
    try:
        said, at = ready(process)
        port = re.search(r"tcp:127\.0\.0\.1:(\d+)", said)[1]
        password = PLANTED["META_SIP_PASSWORD"]
        message = (f"INVITE sip:{password}@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:a@b.example>;tag=1\r\n"
                   f"To: <sip:c@d.example>\r\nCall-ID: planted\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContact: <sip:a@127.0.0.1>\r\n"
                   f"Proxy-Authorization: Digest username=\"556133334444\", realm=\"x\", nonce=\"y\", uri=\"sip:c\", response=\"{password}\"\r\n"
                   "Content-Length: 0\r\n\r\n")
        with socket.create_connection(("127.0.0.1", int(port)), 10) as connection:
            connection.sendall(message.encode())
            connection.settimeout(5)
            assert connection.recv(65536).startswith(b"SIP/2.0 ")
        answers = ask(f"http://{at['admin']}", "/metrics") + ask(f"http://{at['admin']}", "/readyz")
    finally:
        done = stop(process, signal.SIGTERM)
    assert planted_in((said + done.out + done.err).encode()) == []
    assert planted_in(answers) == []
    trace = (program.folder / "gateway-trace.jsonl").read_bytes()
    assert b"planted" in trace  # the message is there, and its digest is not
    assert re.search(rb'response=\\?"[^"\\]*Planted', trace) is None
