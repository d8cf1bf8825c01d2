"""`callchain simulate meta|twilio|openai`: each stand-in alone, and all of them with `gateway run` and `serve` between, put together by hand."""

import http.server
import json
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "cli"))
import schema_check  # noqa: E402  (its folder is known only now)

SCHEMAS = schema_check.Schemas(ROOT / "docs" / "schemas")
SECONDS = 60
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
TWILIO = {"TWILIO_AUTH_TOKEN": "0123456789abcdef0123456789abcdef", "TWILIO_SIP_USERNAME": "gateway", "TWILIO_SIP_PASSWORD": "Aa1-not-to-be-guessed"}
OPENAI = {"OPENAI_API_KEY": "sk-of-a-test", "OPENAI_WEBHOOK_SECRET": SECRET, "OPENAI_PROJECT_ID": "proj_0000000000000000000000ab"}
META = {"META_SIP_USERNAME": "12145551869", "META_SIP_PASSWORD": "of-meta"}
SECRETS = [SECRET, *(value for name, value in {**TWILIO, **OPENAI, **META}.items() if name.endswith(("TOKEN", "PASSWORD", "KEY")))]

ENVIRONMENT = {name: value for name, value in os.environ.items() if name in ("PATH", "TMPDIR") or name.endswith("SAN_OPTIONS")}


class Running:
    """A long-running command; what it prints is read as it comes."""

    def __init__(self, *arguments: str, program: str | None = None, **environment: str):
        self.process = subprocess.Popen([program or os.environ["CALLCHAIN"], *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env={**ENVIRONMENT, **environment})
        self.lines: queue.Queue[str | None] = queue.Queue()
        self.seen: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def next(self) -> str | None:
        line = self.lines.get(timeout=SECONDS)
        if line is not None:
            self.seen.append(line)
        return line

    def next_document(self, wanted: str) -> dict:
        while (line := self.next()) is not None:
            document = json.loads(line)
            if wanted in (document.get("type"), document.get("message")):
                return document
        raise AssertionError(f"no {wanted}: {self.seen} {self.process.stderr.read()}")

    def end(self) -> tuple[int, str]:
        while self.next() is not None:
            pass
        return self.process.wait(SECONDS), self.process.stderr.read()


@pytest.fixture
def start():
    running: list[Running] = []

    def begin(*arguments: str, **others: str) -> Running:
        running.append(Running(*arguments, **others))
        return running[-1]

    yield begin
    for one in reversed(running):
        if one.process.poll() is None:
            one.process.terminate()
            try:
                one.process.wait(20)
            except subprocess.TimeoutExpired:
                one.process.kill()
                one.process.wait(10)


def stand_in(start, kind: str, folder: Path, *arguments: str, **environment: str) -> tuple[Running, dict]:
    one = start("simulate", kind, "--json", "--authority", str(folder / "authority"), *arguments, **environment)
    return one, one.next_document("ready")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def serve(start, openai: dict, port: int, **environment: str) -> Running:
    one = start("serve", "--listen", f"127.0.0.1:{port}", OPENAI_BASE_URL=openai["api"], CALLCHAIN_PUBLIC_URL=f"http://127.0.0.1:{port}", CALLCHAIN_ADMIN_LISTEN="off",
                OPENAI_REALTIME_GREETING="Hello.", TWILIO_SIP_CALLER_ID="+12145551869", CALLCHAIN_LOG="json", **OPENAI, **TWILIO, **environment)
    one.next_document("ready")
    return one


class Service(http.server.ThreadingHTTPServer):
    """Somebody's webhook: what it is asked, and one answer for all."""

    def __init__(self, body: str = "", status: int = 200):
        requests = self.requests = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                requests.append((self.path, dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(status)
                self.send_header("Content-Type", "text/xml")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


# The whole chain, by hand, as docs/stand-ins.md has it


def test_all_of_them_make_a_chain(start, tmp_path):
    port = free_port()
    openai, of_openai = stand_in(start, "openai", tmp_path, "--webhook", f"http://127.0.0.1:{port}/openai/webhook", **OPENAI)
    twilio, of_twilio = stand_in(start, "twilio", tmp_path, "--voice-url", f"http://127.0.0.1:{port}/twilio/voice", "--openai", of_openai["sip"], **TWILIO)
    service = serve(start, of_openai, port)
    authority = tmp_path / "authority"
    gateway = start("gateway", "run", CALLCHAIN_LISTEN="127.0.0.1:0", CALLCHAIN_ADVERTISE="127.0.0.1:5061", CALLCHAIN_ADMIN_LISTEN="off", CALLCHAIN_LOG="json",
                    CALLCHAIN_ALLOW="127.0.0.0/8", CALLCHAIN_CA_FILE=str(authority / "ca.pem"), TLS_CERT_PATH=str(authority / "service.pem"),
                    TLS_KEY_PATH=str(authority / "service.key"), TWILIO_SIP_DOMAIN=of_twilio["sip"], TWILIO_DESTINATION="bridge", **META,
                    **{name: value for name, value in TWILIO.items() if "SIP" in name})
    listens = re.search(r":(\d+)$", gateway.next_document("ready")["listen"]).group(1)
    meta, _ = stand_in(start, "meta", tmp_path, f"127.0.0.1:{listens}", "--calls", "2", "--rate", "50", "--talk", "0.3", **META)
    calls = [meta.next_document("call") for _ in range(2)]
    assert meta.end() == (0, "")
    assert [call["end"] for call in calls] == ["hung_up"] * 2 and all(call["good"] and call["status"] == 200 for call in calls), calls
    bridged = [twilio.next_document("call") for _ in range(2)]
    greeted = [openai.next_document("call") for _ in range(2)]
    assert all(call["good"] and call["dial_status"] == "completed" for call in bridged), bridged
    assert all(call["good"] and call["accepts"] == 1 and call["ended_by"] == "caller" for call in greeted), greeted
    # One id through all of it.
    assert {call["callchain_id"] for call in bridged} == {call["callchain_id"] for call in greeted} and len({call["callchain_id"] for call in bridged}) == 2
    for one in (twilio, openai, gateway, service):
        one.process.terminate()
        assert one.end()[0] == 0
    for one in (meta, twilio, openai):
        printed = "\n".join(one.seen)
        assert not SCHEMAS.check_output(printed.encode() + b"\n", b"")
        assert not [secret for secret in SECRETS if secret in printed]


def blocks_of_the_page(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "docs" / "stand-ins.md").read_text(encoding="utf-8"), re.DOTALL)


def test_the_page_on_stand_ins_runs_as_it_stands(start, tmp_path):
    variables, commands = blocks_of_the_page("sh")
    (tmp_path / "chain.env").write_text(variables)
    for port in ("7061", "7080", "8000"):
        assert port in commands
        commands = commands.replace(port, str(free_port()))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "callchain").symlink_to(os.environ["CALLCHAIN"])
    running = []
    for line in commands.splitlines():
        running.append(start("-c", f"cd {tmp_path}; {line}", program="/bin/bash", PATH=f"{tmp_path / 'bin'}:/usr/bin:/bin", CALLCHAIN_ADMIN_LISTEN="off"))
        while "ready" not in running[-1].next():
            pass
    assert len(running) == 3
    call = running[-1]
    assert call.end() == (0, "") and re.fullmatch(r"call CA[0-9a-f]{32} good: bridged after \d+ ms, ended by caller after \d+ ms", call.seen[-1]), call.seen


def test_the_scenario_of_the_page_is_one(start, tmp_path):
    (scenario,) = blocks_of_the_page("json")
    (tmp_path / "scenario.json").write_text(scenario)
    one, _ = stand_in(start, "openai", tmp_path, "--webhook", "http://127.0.0.1:9/", "--scenario", str(tmp_path / "scenario.json"), **OPENAI)
    one.process.terminate()
    assert one.end() == (0, "")


# Scenarios


def test_a_scenario_says_what_becomes_of_each_call(start, tmp_path):
    scenario = tmp_path / "scenario.json"
    scenario.write_text(json.dumps({"accept_time": 3, "calls": [{"not_found_first": 2}, {"dead_accepts": True, "dead_after": 0.3}, {"silent": True}]}))
    port = free_port()
    openai, of_openai = stand_in(start, "openai", tmp_path, "--webhook", f"http://127.0.0.1:{port}/openai/webhook", "--scenario", str(scenario), "--calls", "4", **OPENAI)
    serve(start, of_openai, port)
    calls = []
    for _ in range(4):
        twilio, _ = stand_in(start, "twilio", tmp_path, "--voice-url", f"http://127.0.0.1:{port}/twilio/voice", "--openai", of_openai["sip"], "--place", "1", "--talk", "1",
                             "--from", "whatsapp:+4915100000001", **TWILIO)
        assert twilio.end() == (0, "")
        calls.append(openai.next_document("call"))
    assert [(call["accept_refusals"], call["ended_by"], call["greeted"], call["good"]) for call in calls] == [
        (2, "caller", True, True), (0, "dead", False, False), (0, "caller", False, False), (0, "caller", True, True)], calls
    assert openai.end() == (1, "")


def test_an_unsigned_or_mistaken_world_is_told(start, tmp_path):
    """What a person sees without --json."""
    with Service("<Response><Dial/></Response>") as service:
        one = start("simulate", "twilio", "--voice-url", service.url + "/voice", "--place", "1", **TWILIO)
        code, errors = one.end()
    assert (code, errors) == (1, "")
    assert one.seen[0].startswith("ready sip=127.0.0.1:") and "ca_file=" in one.seen[0]
    assert re.match(r"20\d\d-\d\d-\d\dT[0-9:.]+Z  Twilio   ⇢ serve       POST /voice ", one.seen[2]), one.seen
    assert re.fullmatch(r"call CA[0-9a-f]{32} failed: not bridged; .+", one.seen[-1]), one.seen[-1]
    assert [path for path, _, _ in service.requests] == ["/voice"] and "X-Twilio-Signature" in service.requests[0][1]
    # The authority of that run is gone.
    assert not Path(re.search(r"ca_file=(\S+)", one.seen[0]).group(1)).exists()


def test_a_webhook_is_repeated_with_its_id(start, tmp_path):
    with Service(status=503) as service:
        openai, of_openai = stand_in(start, "openai", tmp_path, "--webhook", service.url + "/hook", "--retries", "0.1,0.1", "--accept-time", "1", "--calls", "1", **OPENAI)
        with Service("<Response><Dial><Sip>sip:proj_0000000000000000000000ab@sip.api.openai.com;transport=tls</Sip></Dial></Response>") as voice:
            twilio, _ = stand_in(start, "twilio", tmp_path, "--voice-url", voice.url, "--openai", of_openai["sip"], "--place", "1", "--from", "+12195550714", **TWILIO)
            told = twilio.next_document("call")
            assert twilio.end()[0] == 1
        call = openai.next_document("call")
        assert openai.end()[0] == 1
    assert call["webhook_statuses"] == [503] * 3 and len({headers["webhook-id"] for _, headers, _ in service.requests}) == 1
    assert (call["ended_by"], call["final_status"]) == ("deadline", 400)
    assert (told["twilio_error"], told["dial_sip_status"]) == (13224, 400), told


# Bad input, and ends that come from outside


@pytest.mark.parametrize("kind", ["meta", "twilio", "openai"])
def test_an_address_that_is_taken_is_told(start, tmp_path, kind):
    arguments = {"meta": ["127.0.0.1:9"], "twilio": ["--voice-url", "http://127.0.0.1:9/"], "openai": ["--webhook", "http://127.0.0.1:9/"]}[kind]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        one = start("simulate", kind, *arguments, "--listen", f"127.0.0.1:{taken.getsockname()[1]}", **TWILIO, **OPENAI)
        code, errors = one.end()
        assert code == 6 and f":{taken.getsockname()[1]}" in errors and one.seen == [], errors
        if kind == "openai":
            code, errors = start("simulate", kind, *arguments, "--api-listen", f"127.0.0.1:{taken.getsockname()[1]}", **OPENAI).end()
            assert code == 6, errors


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
@pytest.mark.parametrize("kind", ["twilio", "openai"])
def test_a_signal_ends_it(start, tmp_path, kind, number, code):
    arguments = {"twilio": ["--voice-url", "http://127.0.0.1:9/"], "openai": ["--webhook", "http://127.0.0.1:9/"]}[kind]
    one = start("simulate", kind, *arguments, TMPDIR=str(tmp_path), **TWILIO, **OPENAI)
    port = int(re.search(r"sip=127\.0\.0\.1:(\d+)", one.next()).group(1))
    assert len(list(tmp_path.iterdir())) == 1
    one.process.send_signal(number)
    assert one.end() == (code, "")
    assert list(tmp_path.iterdir()) == []
    with socket.create_server(("127.0.0.1", port)):
        pass  # it is free


def test_a_call_in_progress_ends_with_it(start, tmp_path):
    with Service('<Response><Say>Hello.</Say><Pause length="120"/></Response>') as service:
        twilio, of_twilio = stand_in(start, "twilio", tmp_path, "--voice-url", service.url, "--transport", "tcp", "--secure-media", "off", TWILIO_AUTH_TOKEN="any")
        meta, _ = stand_in(start, "meta", tmp_path, of_twilio["sip"], "--transport", "tcp", "--offer", "plain-g711", "--talk", "60")
        while meta.next_document("event")["label"] != "ACK":
            pass
        meta.process.send_signal(signal.SIGINT)
        assert meta.end()[0] == 130


def test_whoever_reads_the_first_line_alone_has_seen_enough(tmp_path):
    command = f'"{os.environ["CALLCHAIN"]}" simulate meta 127.0.0.1:9 --transport tcp --calls 200 --rate 500 | head -n 1'
    run = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=SECONDS)
    assert run.stdout.startswith("ready ") and run.stderr == ""
