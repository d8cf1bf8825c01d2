"""`callchain listen`: what it records, judges, answers and passes on, and how it ends."""

import json
import os
import queue
import re
import signal
import socket
import stat
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conftest import wait_until
from receivers import HALF_AN_ANSWER, NOTHING, Receiver, Said, always, endless, hangs, make_certificates, slow
from replay_runs import ROOT, assert_printable, no_secret_in
from serve_process import (NUMBER, OTHER_SECRET, SECRET, TOKEN, Connection, Delivery, Reply, delivery_of, request, signature,
                           twilio_signature, voice_form)

import schema_check

SECONDS = 60  # a sanitizer on a busy machine
SCHEMAS = schema_check.Schemas(ROOT / "docs/schemas")
LINE = re.compile(r"(?P<time>\S+Z)  (?P<request>\S+ \S+)  (?P<length>[\d,]+ bytes?)  (?P<type>\S+)  (?P<verdict>.+?)  "
                  r"(?P<answer>(answered|passed on) .+)  [\d,]+ ms  (?P<file>\S+\.http|not recorded: .+)")


class Listen:
    """A running one. What it says is read as it comes and held: no secret in it, no control character, JSON as its schema says."""

    def __init__(self, program, *args: str, **variables: str):
        self.folder: Path = program.folder
        self.program = program
        self.is_json = "--json" in args
        if not {"--listen", "-h"} & set(args):
            args = ("--listen", "127.0.0.1:0", *args)
        self.process = subprocess.Popen([program.path, "listen", *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, cwd=program.folder, env={**program.environment, **variables})
        self.out: list[str] = []
        self.errors: list[str] = []
        self.lines: queue.Queue[str | None] = queue.Queue()
        self._threads = [threading.Thread(target=self._read_out, daemon=True), threading.Thread(target=self._read_err, daemon=True)]
        for thread in self._threads:
            thread.start()

    def _read_out(self) -> None:
        for line in self.process.stdout:
            self.out.append(line.decode().rstrip("\n"))
            self.lines.put(self.out[-1])
        self.lines.put(None)

    def _read_err(self) -> None:
        for line in self.process.stderr:
            self.errors.append(line.decode().rstrip("\n"))

    def ready(self) -> "Listen":
        line = self.next()
        assert line, self.err()
        url = json.loads(line)["listen"] if self.is_json else re.match(r"ready listen=(\S+) captures=\S+", line)[1]
        self.port = int(url.rpartition(":")[2])
        self.url = url
        return self

    def next(self) -> str | None:
        return self.lines.get(timeout=SECONDS)

    def line(self) -> dict[str, str]:
        """The next line of text, in parts."""
        line = self.next()
        assert line, self.err()
        found = LINE.fullmatch(line)
        assert found, line
        return found.groupdict()

    def document(self) -> dict:
        line = self.next()
        assert line, self.err()
        return json.loads(line)

    def err(self) -> str:
        return "\n".join(self.errors)

    def said(self, text: str) -> bool:
        """Whether that comes on stderr."""
        return wait_until(lambda: text in self.err())

    def end(self, with_signal: int | None = signal.SIGTERM) -> int:
        if with_signal is not None and self.process.poll() is None:
            self.process.send_signal(with_signal)
        code = self.process.wait(SECONDS)
        for thread in self._threads:
            thread.join(SECONDS)
        return code

    def check_output(self) -> None:
        text = "\n".join(self.out) + self.err()
        no_secret_in(text)
        assert TOKEN not in text and NUMBER.lstrip("+") not in text
        assert_printable("\n".join(self.out))
        assert_printable(self.err())
        if self.is_json:
            for line in self.out:
                problems = SCHEMAS.check_output(line.encode() + b"\n", b"")
                assert not problems, problems

    # Requests

    def connect(self) -> Connection:
        return Connection(("127.0.0.1", self.port))

    def exchange(self, data: bytes) -> Reply:
        with self.connect() as connection:
            connection.send(data)
            return connection.read()

    def deliver(self, delivery: Delivery) -> Reply:
        return self.exchange(delivery.request())

    # Captures

    def captures(self, folder: str = "callchain-captures") -> list[Path]:
        return sorted((self.folder / folder).glob("*.http"))

    def told(self, deliveries: int) -> bool:
        """Whether so many are told of, and thus recorded; that is done behind the answer."""
        return wait_until(lambda: len(self.out) > deliveries)

    def capture(self) -> bytes:
        assert self.told(1)
        [path] = self.captures()
        return path.read_bytes()


@pytest.fixture
def listen(callchain):
    """listen(*ARGS, **VARIABLES): one that is ready, with SECRET as OPENAI_WEBHOOK_SECRET unless that is given or empty."""
    running: list[Listen] = []

    def begin(*args: str, wait: bool = True, **variables: str) -> Listen:
        variables = {"OPENAI_WEBHOOK_SECRET": SECRET, **variables}
        running.append(Listen(callchain, *args, **{name: value for name, value in variables.items() if value}))
        return running[-1].ready() if wait else running[-1]

    yield begin
    for one in running:
        if one.process.poll() is None:
            one.process.kill()
        one.end(None)
        one.check_output()


@pytest.fixture
def upstream():
    with Receiver(always(200, b"taken", x_answer="yes")) as running:
        yield running


def dechunked_request(delivery: Delivery, *chunks: bytes) -> bytes:
    """The same delivery with these chunks for a body, and a trailer."""
    head = request("POST", "/openai/webhook", [("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum"), *delivery.all_headers()], b"").rstrip()
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return head + b"\r\n\r\n" + body + b"0\r\nX-Sum: 1\r\n\r\n"


# Recording and judging


def test_a_delivery_is_recorded_byte_for_byte(listen):
    running = listen()
    headers = [("X-Odd-Case", "kept  as it is"), ("X-Twice", "2"), ("X-Twice", "1"), ("X-Empty", ""), ("Authorization", "Basic eDp5"), ("Cookie", "a=1")]
    sent = Delivery(b'{"type": "x",\r\n "text": "Jos\xc3\xa9 \\u00e9 1.0"}\n', headers=headers).request()
    assert running.exchange(sent).status == 200
    line = running.line()
    assert (line["request"], line["type"], line["verdict"], line["answer"]) == ("POST /openai/webhook", "x", "valid (OPENAI_WEBHOOK_SECRET)", "answered 200")
    assert running.capture() == sent
    folder, [capture] = running.folder / "callchain-captures", running.captures()
    assert line["file"] == capture.name
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700 and stat.S_IMODE(capture.stat().st_mode) == 0o600
    assert running.said("telephone numbers, signatures and credentials")


@pytest.mark.parametrize("body", [bytes(range(256)) * 40, b"\xff\xfe\x00 no text\r\n", b"x" * (1 << 20), b""],
                         ids=["every byte", "binary", "one MiB", "empty"])
def test_every_body_is_kept(listen, body):
    running = listen()
    assert running.deliver(Delivery(body)).status == 200
    assert running.line()["verdict"].startswith("valid")
    assert running.capture().partition(b"\r\n\r\n")[2] == body


@pytest.mark.parametrize("method, target", [("POST", "/"), ("PUT", "/any/path?a=1&b=%2f"), ("GET", "/twilio/voice?CallSid=CA1"), ("DELETE", "//a/../b"),
                                            ("OPTIONS", "*"), ("PURGE", "/x")])
def test_any_method_and_path_is_taken(listen, method, target):
    running = listen("--json", OPENAI_WEBHOOK_SECRET="")
    assert running.exchange(request(method, target, body=b"" if method in ("POST", "PUT") else None)).status == 200
    document = running.document()
    assert (document["method"], document["target"], document["verdict"], document["scheme"]) == (method, target, "no_signature", None)
    assert running.capture().startswith(f"{method} {target} HTTP/1.1\r\n".encode())


def test_the_others_read_what_was_recorded(listen, callchain, upstream):
    running = listen("--to", "evidence", "--count", "1")
    delivery = delivery_of("rtc_listen")
    running.deliver(delivery)
    assert running.end(None) == 0
    [path] = running.captures("evidence")
    variables = {"OPENAI_WEBHOOK_SECRET": SECRET}
    shown = callchain.run("show", "evidence", "--json").json()
    assert (shown["webhook_id"], shown["event"]["call_id"], shown["remarks"]) == (delivery.webhook_id, "rtc_listen", [])
    assert "rtc_listen" in callchain.run("tail", "evidence", "--no-follow").out
    assert callchain.run("verify-sig", "--request", str(path), **variables).code == 0
    assert callchain.run("replay-webhook", str(path), "--to", upstream.url, **variables).code == 0
    assert upstream.requests[0].body == delivery.body


def test_what_replay_sends_is_valid(listen, callchain):
    running = listen("--count", "2")
    (callchain.folder / "body.json").write_bytes(delivery_of("rtc_1").body)
    made = callchain.run("sign-webhook", "body.json", OPENAI_WEBHOOK_SECRET=SECRET)
    assert made.code == 0, made.err
    (callchain.folder / "signed.http").write_text(made.out)
    for how in (["--as-is"], []):
        done = callchain.run("replay-webhook", "signed.http", "--to", running.url, *how, OPENAI_WEBHOOK_SECRET=SECRET)
        assert done.code == 0, done.out + done.err
        assert running.line()["verdict"] == "valid (OPENAI_WEBHOOK_SECRET)"
    assert running.end(None) == 0


def test_the_secret_that_fits_is_named(listen):
    running = listen("--secret-env", "railway=FIRST", "--secret-env", "local=SECOND", FIRST=OTHER_SECRET, SECOND=SECRET)
    running.deliver(delivery_of("rtc_1"))
    assert running.line()["verdict"] == "valid (local)"


def changed(delivery: Delivery, body: bytes) -> Delivery:
    delivery.body = body
    return delivery


# Each: a delivery, the codes, whether that is proved.
REFUSED = {
    "stale": (lambda: Delivery(b"{}", timestamp=str(int(time.time()) - 400)), ["timestamp_too_old"], True),
    "early": (lambda: Delivery(b"{}", timestamp=str(int(time.time()) + 400)), ["timestamp_too_new"], True),
    "no number": (lambda: Delivery(b"{}", timestamp="17x"), ["timestamp_malformed"], False),
    "another secret": (lambda: Delivery(b"{}", "wh_1", "", signature(b"{}", "wh_1", str(int(time.time())), OTHER_SECRET)), ["signature_mismatch"], False),
    "body written again": (lambda: changed(Delivery(b'{"a": 1, "b": "x"}'), b'{"a":1,"b":"x"}'), None, True),
    "line end behind the body": (lambda: changed(Delivery(b'{"a": 1}'), b'{"a": 1}\n'), None, True),
    "header twice": (lambda: Delivery(b"{}", headers=[("webhook-id", "wh_2")]), ["header_duplicated"], False),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_invalid_is_answered_401_with_its_cause(listen, callchain, name):
    make, codes, proved = REFUSED[name]
    running = listen("--json", "--count", "1")
    assert running.deliver(make()).status == 401
    document = running.document()
    assert (document["verdict"], document["status"], document["proved"]) == ("invalid", 401, proved)
    assert document["codes"] == codes if codes else document["codes"][0].startswith("body_")
    for code in document["codes"]:
        assert callchain.run("explain", code).code == 0
    assert document["secret"] == ("OPENAI_WEBHOOK_SECRET" if proved else None)
    assert document["file"] and running.captures()
    assert running.end(None) == 1


def test_without_a_secret_nothing_is_checked_and_that_is_said(listen):
    running = listen("--count", "1", OPENAI_WEBHOOK_SECRET="")
    assert running.deliver(delivery_of("rtc_1")).status == 200
    assert running.line()["verdict"] == "no secret given"
    assert running.said("signatures are not checked")
    assert running.end(None) == 1  # it was not valid: nobody knows


def test_a_secret_that_is_none_is_refused_at_the_start(listen):
    running = listen(wait=False, OPENAI_WEBHOOK_SECRET="whsec_!!!!")
    assert running.end(None) == 2
    assert 'secret "OPENAI_WEBHOOK_SECRET"' in running.err() and running.out == []


def test_a_status_of_ones_own_is_answered_to_all(listen):
    running = listen("--status", "503", "--json")
    for delivery, verdict in ((delivery_of("rtc_1"), "valid"), (Delivery(b"{}", timestamp="1"), "invalid")):
        assert running.deliver(delivery).status == 503
        document = running.document()
        assert (document["status"], document["verdict"]) == (503, verdict)


# Twilio


def twilio_request(target: str, form: str, url: str, token: str = TOKEN) -> bytes:
    headers = [("Content-Type", "application/x-www-form-urlencoded"), ("X-Twilio-Signature", twilio_signature(url, form, token))]
    return request("POST", target, headers, form.encode())


@pytest.mark.parametrize("public, signed", [("https://t.example.com", "https://t.example.com/twilio/voice?a=1"),
                                            ("https://t.example.com/x/", "https://t.example.com/x/twilio/voice?a=1"),
                                            ("https://t.example.com/hook", "https://t.example.com/hook?a=1"), (None, "http://127.0.0.1/twilio/voice?a=1")])
def test_twilio_is_judged_by_the_public_url(listen, public, signed):
    running = listen("--json", *(["--public-url", public] if public else []), TWILIO_AUTH_TOKEN=TOKEN, OPENAI_WEBHOOK_SECRET="")
    form = voice_form("CA" + "1" * 32)
    assert running.exchange(twilio_request("/twilio/voice?a=1", form, signed)).status == 200
    document = running.document()
    assert (document["verdict"], document["scheme"], document["secret"]) == ("valid", "twilio", "TWILIO_AUTH_TOKEN")
    running.end()
    assert ("--public-url" in running.err()) == (public is None)


def test_a_twilio_url_that_differs_is_proved(listen):
    running = listen("--json", TWILIO_AUTH_TOKEN=TOKEN)
    form = voice_form("CA" + "1" * 32)
    assert running.exchange(twilio_request("/twilio/voice", form, "https://127.0.0.1/twilio/voice")).status == 401
    document = running.document()
    assert (document["verdict"], document["proved"]) == ("invalid", True)
    assert document["codes"][0].startswith("url_"), document


def test_twilio_without_a_token_is_not_checked(listen):
    running = listen("--json")
    assert running.exchange(twilio_request("/v", "a=1", "http://127.0.0.1/v")).status == 401
    assert running.document()["verdict"] == "no_secret"


# Passing on


def test_what_is_verified_is_passed_on_byte_for_byte(listen, upstream):
    running = listen("--forward-to", upstream.origin)
    headers = [("x-odd-Case", "kept  as it is"), ("X-Twice", "2"), ("X-Twice", "1"), ("X-Empty", ""), ("Authorization", "Basic eDp5"), ("Cookie", "a=1"),
               ("Connection", "X-Mine, keep-alive"), ("X-Mine", "1"), ("Keep-Alive", "timeout=5"), ("TE", "trailers"), ("Upgrade", "h2c"), ("X-Last", "z")]
    delivery = Delivery(bytes(range(256)) + b"\r\n", headers=headers)
    reply_to_sender = running.deliver(delivery)
    assert (reply_to_sender.status, reply_to_sender.body, reply_to_sender.headers["x-answer"]) == (200, b"taken", "yes")
    [got] = upstream.requests
    assert got.line == "POST /openai/webhook HTTP/1.1" and got.body == delivery.body
    gone = {"connection", "x-mine", "keep-alive", "te", "upgrade"}
    expected = [(name, value) for name, value in delivery.all_headers() if name.lower() not in gone]
    assert [pair for pair in got.headers if pair[0] not in ("Host", "Content-Length")] == expected
    assert got.values("Host") == [f"127.0.0.1:{upstream.port}"] and got.values("Content-Length") == [str(len(delivery.body))]
    assert running.line()["answer"] == "passed on 200"
    assert f"forward_to={upstream.origin}" in running.out[0]


@pytest.mark.parametrize("path, target, expected", [("", "/a/b?c=%2fd", "/a/b?c=%2fd"), ("/", "//a/./../b?x='\"|", "//a/./../b?x='\"|"), ("/base/", "/a?b", "/base/a?b"),
                                                    ("/hook", "/a?b=1", "/hook?b=1"), ("/hook?k=1", "/a?b=1", "/hook?k=1&b=1"), ("/hook", "/", "/hook")])
def test_the_path_of_the_url_is_a_base_or_the_whole(listen, upstream, path, target, expected):
    running = listen("--forward-to", upstream.origin + path)
    delivery = delivery_of("rtc_1")
    assert running.exchange(request("POST", target, delivery.all_headers(), delivery.body)).status == 200
    assert upstream.requests[0].line == f"POST {expected} HTTP/1.1"


def test_the_host_can_be_kept(listen, upstream):
    running = listen("--forward-to", upstream.url, "--keep-host")
    running.deliver(delivery_of("rtc_1"))
    assert upstream.requests[0].values("Host") == ["127.0.0.1"]


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "PURGE"])
def test_methods_are_passed_on(listen, upstream, method):
    running = listen("--forward-to", upstream.origin)
    delivery = Delivery(b"" if method == "GET" else b"x")
    assert running.exchange(request(method, "/a", delivery.all_headers(), None if method == "GET" else b"x")).status == 200
    assert (upstream.requests[0].method, upstream.requests[0].body) == (method, delivery.body)


@pytest.mark.parametrize("name", ["stale", "another secret"])
def test_what_is_not_verified_is_not_passed_on(listen, upstream, name):
    running = listen("--forward-to", upstream.url)
    assert running.deliver(REFUSED[name][0]()).status == 401
    assert running.line()["answer"] == "answered 401"
    assert upstream.requests == []


def test_unverified_ones_are_passed_on_only_with_a_warning(listen, upstream):
    running = listen("--forward-to", upstream.url, "--forward-unverified", "-q")
    assert running.deliver(Delivery(b"{}", timestamp="1")).status == 200
    line = running.line()
    assert line["verdict"].startswith("invalid: timestamp_too_old") and line["answer"] == "passed on UNVERIFIED 200"
    assert running.said("WARNING") and running.said("ANYBODY")
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("args, words", [(["--forward-to", "http://127.0.0.1:9"], "no secret is given"), (["--forward-to", "ftp://x"], "no http or https URL"),
                                         (["--keep-host"], "no use without --forward-to"), (["--forward-unverified"], "no use without --forward-to"),
                                         (["--forward-to", "http://h", "--status", "200"], "--status answers by itself")])
def test_options_that_do_not_fit_are_refused(listen, args, words):
    running = listen(*args, wait=False, OPENAI_WEBHOOK_SECRET="")
    assert running.end(None) == 2
    assert words in running.err() and not running.captures()


@pytest.mark.parametrize("behaviour, status, words", [(always(500, b"broken"), 500, ""), (always(307, location="/other"), 307, ""), (always(204), 204, ""),
                                                      (HALF_AN_ANSWER, 502, "127.0.0.1"), (NOTHING, 502, "127.0.0.1"), (endless, 502, "longer than 1,048,576 bytes"),
                                                      (hangs, 504, "1000 ms")],
                         ids=["500", "redirect", "204", "half", "nothing", "endless", "hangs"])
def test_the_upstreams_answer_goes_back_or_what_became_of_it(listen, behaviour, status, words):
    with Receiver(behaviour) as upstream:
        running = listen("--forward-to", upstream.url, "--timeout", "1", "--json")
        answered = running.deliver(delivery_of("rtc_1"))
        assert answered.status == status and len(upstream.requests) == 1
        if status == 307:
            assert answered.headers["location"] == "/other"
        document = running.document()
    assert (document["status"], document["verdict"], document["passed_on"]) == (status, "valid", True)
    if words:
        assert words in document["upstream_failure"] and words in answered.body.decode()
    else:
        assert (document["upstream_failure"], document["upstream_status"]) == (None, status)


def test_an_upstream_that_is_down_is_told(listen):
    with socket.socket() as unused:  # bound and not listening
        unused.bind(("127.0.0.1", 0))
        running = listen("--forward-to", f"http://127.0.0.1:{unused.getsockname()[1]}/")
        assert running.deliver(delivery_of("rtc_1")).status == 502
        assert re.match(r"passed on 502 \(.*127\.0\.0\.1", running.line()["answer"])


def test_hop_by_hop_headers_of_the_answer_stay_behind(listen):
    said = b"HTTP/1.1 201 Created\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\nTransfer-Encoding: chunked\r\nKeep-Alive: 5\r\nX-B: 1\r\nX-A: 2\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    with Receiver(lambda receiver, got: Said([said], then_close=True)) as upstream:
        running = listen("--forward-to", upstream.url)
        answered = running.deliver(delivery_of("rtc_1"))
    assert (answered.status, answered.body) == (201, b"abc")
    assert not {"x-mine", "keep-alive", "transfer-encoding"} & set(answered.headers)
    assert [name for name in answered.headers if name.startswith("x-")] == ["x-b", "x-a"]


def test_several_are_passed_on_at_once(listen):
    with Receiver(slow(1)) as upstream:
        running = listen("--forward-to", upstream.url)
        with ThreadPoolExecutor(4) as threads:
            assert {answered.status for answered in threads.map(running.deliver, [delivery_of(f"rtc_{number}") for number in range(4)])} == {200}
        assert upstream.most_at_once > 1
    assert running.told(4) and len(running.captures()) == 4


def test_the_upstream_may_speak_tls(listen, tmp_path):
    certificates = make_certificates(tmp_path)
    with Receiver(always(200), tls=certificates["right"]) as upstream:
        running = listen("--forward-to", upstream.url, "--ca-file", str(certificates["right"][0]))
        assert running.deliver(delivery_of("rtc_1")).status == 200
        running.end()
        running = listen("--forward-to", upstream.url)
        assert running.deliver(delivery_of("rtc_1")).status == 502
        assert "certificate" in running.line()["answer"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_passing_on_to_itself_is_refused(listen, host):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = listen("--listen", f"127.0.0.1:{port}", "--forward-to", f"http://{host}:{port}/x", wait=False)
    assert running.end(None) == 2
    assert "come back for ever" in running.err() and running.out == []


# What HTTP brings along


def test_more_than_a_mebibyte_is_refused(listen):
    running = listen()
    assert running.exchange(request("POST", "/", [("Content-Length", str((1 << 20) + 1))])).status == 413
    assert running.said("refused with 413")
    assert running.captures() == []


def test_garbage_is_refused_and_the_rest_goes_on(listen):
    running = listen()
    assert running.exchange(b"\x16\x03\x01\x00\xff\x1b[31m garbage\r\n\r\n").status == 400
    assert running.said("refused with 400")
    assert running.deliver(delivery_of("rtc_1")).status == 200


def test_a_tunnel_is_not_opened(listen):
    running = listen()
    assert running.exchange(b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n").status in (400, 405)
    assert running.captures() == []


def test_http_1_0_is_taken(listen, upstream):
    running = listen("--forward-to", upstream.url)
    with running.connect() as connection:
        connection.send(delivery_of("rtc_1").request().replace(b"HTTP/1.1", b"HTTP/1.0"))
        assert connection.read().status == 200
        assert connection.is_closed()
    assert b" HTTP/1.0\r\n" in running.capture() and upstream.requests[0].line.endswith("HTTP/1.1")


def test_a_chunked_body_is_put_together(listen, upstream):
    running = listen("--forward-to", upstream.url)
    delivery = delivery_of("rtc_1")
    assert running.exchange(dechunked_request(delivery, delivery.body[:10], delivery.body[10:])).status == 200
    assert running.line()["verdict"].startswith("valid")
    [got] = upstream.requests
    assert got.body == delivery.body and got.values("Content-Length") == [str(len(delivery.body))]
    assert not {"transfer-encoding", "trailer", "x-sum"} & set(got.names())
    assert running.capture().partition(b"\r\n\r\n")[2] == delivery.body


def test_a_sender_that_waits_for_100_gets_it(listen, upstream):
    running = listen("--forward-to", upstream.url)
    delivery = Delivery(b"x" * 5_000, headers=[("Expect", "100-continue")])
    head, _, body = delivery.request().partition(b"\r\n\r\n")
    with running.connect() as connection:
        connection.send(head + b"\r\n\r\n")
        assert connection.read().status == 100
        connection.send(body)
        assert connection.read().status == 200
    assert upstream.requests[0].body == body and "expect" not in upstream.requests[0].names()


def test_control_characters_do_not_reach_the_terminal(listen):
    running = listen()
    body = json.dumps({"type": "\x1b[31m\u202ered", "id": f"whsec_{SECRET.removeprefix('whsec_')}"}).encode()
    assert running.exchange(request("POST", "/" + SECRET.removeprefix("whsec_") + "?to=%2B5561999998888", Delivery(body).all_headers(), body)).status == 200
    assert running.line()["verdict"].startswith("valid")  # the fixture looks at what was said


# The folder


def test_a_folder_that_is_open_to_others_is_refused(listen, callchain):
    folder = callchain.folder / "open"
    folder.mkdir()
    folder.chmod(0o777)
    running = listen("--to", "open", wait=False)
    assert running.end(None) == 2
    assert "chmod 700 open" in running.err() and running.out == []


def test_a_folder_of_another_user_is_refused(listen, callchain):
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    folder = callchain.folder / "theirs"
    folder.mkdir(mode=0o700)
    os.chown(folder, 65534, 65534)
    running = listen("--to", "theirs", wait=False)
    assert running.end(None) == 2
    assert "belongs to user 65534" in running.err()


def test_a_full_disk_is_told_and_deliveries_go_on(listen, callchain, upstream):
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    folder = callchain.folder / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", folder], capture_output=True, check=False).returncode != 0:
        pytest.skip("this host mounts nothing")
    try:
        running = listen("--to", "small", "--forward-to", upstream.url)
        assert running.deliver(Delivery(b"x" * 300_000)).status == 200
        line = running.line()
        assert line["file"].startswith("not recorded: ") and "No space left" in line["file"] and line["answer"] == "passed on 200"
        assert running.said("deliveries are not recorded")
        assert list(folder.iterdir()) == []
        assert running.deliver(Delivery(b"small")).status == 200
        assert running.line()["file"].endswith(".http")
        running.end()
    finally:
        subprocess.run(["umount", folder], check=True)


def test_the_oldest_captures_go(listen, callchain):
    folder = callchain.folder / "callchain-captures"
    folder.mkdir(mode=0o700)
    (folder / "notes.txt").write_text("kept")
    running = listen("--most-captures", "2", "--count", "5")
    for number in range(5):
        running.deliver(delivery_of(f"rtc_{number}"))
    assert running.end(None) == 0
    assert [b"rtc_3" in path.read_bytes() or b"rtc_4" in path.read_bytes() for path in running.captures()] == [True, True]
    assert (folder / "notes.txt").exists()


# Its end


@pytest.mark.parametrize("sent, code", [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_it(listen, sent, code):
    running = listen()
    running.deliver(delivery_of("rtc_1"))
    assert running.end(sent) == code  # what was answered is told of first
    assert len(running.out) == 2


def test_what_is_under_way_is_finished(listen):
    with Receiver(slow(1)) as upstream:
        running = listen("--forward-to", upstream.url)
        with ThreadPoolExecutor(1) as threads:
            answered = threads.submit(running.deliver, delivery_of("rtc_1"))
            assert upstream.wait_for(1)
            assert running.end() == 0
            assert answered.result().status == 200
    assert len(running.out) == 2 and "passed on 200" in running.out[1]


def test_a_second_signal_ends_it_at_once(listen):
    with Receiver(hangs) as upstream:
        running = listen("--forward-to", upstream.url, "--timeout", "60")
        with running.connect() as connection:
            connection.send(delivery_of("rtc_1").request())
            assert upstream.wait_for(1)
            running.process.send_signal(signal.SIGTERM)
            assert wait_until(lambda: not can_connect(running.port))
            assert running.end() == 130


def can_connect(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_count_ends_it_and_takes_no_more(listen):
    running = listen("--count", "2")
    running.deliver(delivery_of("rtc_1"))
    running.deliver(Delivery(b"{}", timestamp="1"))
    assert running.end(None) == 1
    assert len(running.out) == 3 and len(running.captures()) == 2


def test_a_port_that_is_taken(listen):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        running = listen("--listen", f"127.0.0.1:{taken.getsockname()[1]}", wait=False)
        assert running.end(None) == 6
        assert "hint:" in running.err()


def test_a_reader_that_goes_away_ends_it_without_a_word(callchain):
    program = callchain.start("listen", "--listen", "127.0.0.1:0", "-q")
    port = int(re.search(r":(\d+) captures", program.stdout.readline())[1])
    program.stdout.close()
    with Connection(("127.0.0.1", port)) as connection:
        connection.send(delivery_of("rtc_1").request())
        assert connection.read().status == 200
    assert program.wait(SECONDS) == -signal.SIGPIPE  # as any filter in front of `head`
    assert program.stderr.read() == ""
    program.stderr.close()


def test_a_reader_that_stands_still_does_not_keep_it(callchain):
    program = callchain.start("listen", "--listen", "127.0.0.1:0", "--json")
    port = json.loads(program.stdout.readline())["listen"].rpartition(":")[2]
    statuses = set()
    target = "/" + "x" * 150
    with Connection(("127.0.0.1", int(port))) as connection:
        for _ in range(2_000):  # more than a pipe holds, and than may wait
            connection.send(request("POST", target, body=b"{}"))
            statuses.add(connection.read().status)
    assert statuses == {200, 503}
    program.send_signal(signal.SIGTERM)
    assert program.wait(SECONDS) == 0
    program.stdout.close()
    program.stderr.close()


def test_other_addresses_than_loopback_are_told_of(listen):
    running = listen("--listen", "0.0.0.0:0")
    assert running.said("no loopback address")


def test_json_says_the_same(listen, upstream):
    running = listen("--json", "--forward-to", upstream.url)
    delivery = delivery_of("rtc_json")
    running.deliver(delivery)
    ready, document = json.loads(running.out[0]), running.document()
    assert (ready["type"], ready["captures"], ready["forward_to"]) == ("ready", "callchain-captures", upstream.url)
    assert (document["type"], document["webhook_id"], document["event"]["call_id"]) == ("delivery", delivery.webhook_id, "rtc_json")
    assert (document["status"], document["passed_on"], document["upstream_status"], document["upstream_failure"]) == (200, True, 200, None)
    assert document["body"]["length"] == len(delivery.body) and document["file"] == running.captures()[0].name
