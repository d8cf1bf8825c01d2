"""A stand-in of the program as a process, the service that it tells of calls, and what SIPp saw of it, held against RFC 3261."""

import base64
import dataclasses
import hashlib
import hmac
import http.server
import json
import os
import re
import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from gateway import Side, scenario
from peers import WAIT_SECONDS, Child, Events, free_port, sipp, stunnel

SANITIZERS = {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}


class StandIn(Events):
    """`simulate KIND`; its documents as they come, under the key `type`. Its authority is that of the folder."""

    def __init__(self, folder: Path, kind: str, *arguments: str, **environment: str):
        super().__init__("type")
        program = os.environ.get("CALLCHAIN")
        assert program, "the variable CALLCHAIN must name the program"
        self.process = subprocess.Popen([program, "simulate", kind, "--json", "--authority", str(folder / "authority"), *arguments],
                                        env={"PATH": os.environ["PATH"], **SANITIZERS, **environment}, cwd=folder, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        end = time.monotonic() + WAIT_SECONDS
        while not self.events and self._reader.is_alive() and time.monotonic() < end:
            time.sleep(0.01)
        if not self.events:
            self.kill()
            raise AssertionError(f"no ready line: {self.process.stderr.read()}")
        self.ready = self.wait_for("ready")
        self.port = int(self.ready["sip"].rpartition(":")[2])

    def _read(self) -> None:
        for line in self.process.stdout:
            self.tell(json.loads(line))

    def call(self, count: int = 1) -> dict:
        return self.wait_for("call", count)

    def stop(self) -> None:
        self.process.terminate()
        self.ended(0)

    def ended(self, code: int) -> None:
        """It ends by itself with that code, and had nothing to say on stderr."""
        assert self.process.wait(WAIT_SECONDS) == code, self.events[-5:]
        self._reader.join(WAIT_SECONDS)
        assert not (errors := self.process.stderr.read()), errors

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(5)


@dataclasses.dataclass
class Asked:
    path: str
    headers: dict[str, str]
    body: bytes

    def fields(self) -> dict[str, list[str]]:
        return urllib.parse.parse_qs(self.body.decode(), keep_blank_values=True, strict_parsing=True)

    def field(self, name: str) -> str:
        value, = self.fields()[name]
        return value


class Service(http.server.ThreadingHTTPServer):
    """Somebody's webhooks: what they were asked; each path is answered by the text, or the function, of its name."""

    daemon_threads = True  # a connection that is kept open does not hold up the end

    def __init__(self, **answers):
        asked = self.asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                one = Asked(self.path, {name.lower(): value for name, value in self.headers.items()}, self.rfile.read(int(self.headers["Content-Length"])))
                asked.append(one)
                answer = answers[self.path.split("?")[0].strip("/")]
                body = ((answer(one) if callable(answer) else answer) or "").encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/xml")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def of(self, path: str) -> list[Asked]:
        return [one for one in self.asked if one.path.split("?")[0] == path]

    def close(self) -> None:
        self.shutdown()
        self.server_close()


def twilio_signature(token: str, url: str, fields: dict[str, list[str]]) -> str:
    """Each name once, with its distinct values, all in order. Source: Twilio, "Webhook security"."""
    text = url + "".join(name + value for name in sorted(fields) for value in sorted(set(fields[name])))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def webhook_signature(secret: str, asked: Asked) -> str:
    """Source: Standard Webhooks, "Signature scheme"."""
    content = b".".join([asked.headers["webhook-id"].encode(), asked.headers["webhook-timestamp"].encode(), asked.body])
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def decide(api: str, key: str, call_id: str, action: str, body: dict | None = None) -> tuple[int, bytes]:
    """A call of OpenAI's API for calls."""
    request = urllib.request.Request(f"{api}/realtime/calls/{call_id}/{action}", b"" if body is None else json.dumps(body).encode(), method="POST",
                                     headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=WAIT_SECONDS) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


# ---- what SIPp saw ----


@dataclasses.dataclass
class Message:
    sent: bool  # by SIPp
    start: str
    headers: list[tuple[str, str]]
    body: str  # as long as Content-Length has it
    rest: str  # what stood behind it

    @property
    def status(self) -> int:
        return int(self.start.split()[1]) if self.start.startswith("SIP/2.0 ") else 0

    @property
    def method(self) -> str:
        return self.cseq[1]

    @property
    def cseq(self) -> tuple[int, str]:
        number, method = self.one("CSeq").split()
        return int(number), method

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def one(self, name: str) -> str:
        value, = self.all(name)
        return value

    def tag(self, name: str) -> str:
        found = re.search(r">.*;tag=([^;]+)", self.one(name))
        return found[1] if found else ""

    def branch(self) -> str:
        return re.search(r";branch=([^;,]+)", self.all("Via")[0])[1]


def read_trace(path: Path) -> list[Message]:
    """A message file of SIPp."""
    found = []
    for part in re.split(rb"^-{20,}[^\n]*\n", path.read_bytes(), flags=re.MULTILINE)[1:]:
        what, _, message = part.partition(b"\n\n")
        head, _, body = message.partition(b"\r\n\r\n")
        start, *lines = head.decode().split("\r\n")
        headers = [(line.partition(":")[0], line.partition(":")[2].strip()) for line in lines]
        length = int(dict(headers)["Content-Length"])
        found.append(Message(b"message sent" in what, start, headers, body[:length].decode(), body[length:].decode()))
    return found


class SippSide(Side):
    """SIPp on the SIP side of a stand-in, with the messages that it saw."""

    def messages(self) -> list[Message]:
        """Whole once it has ended; what came was checked."""
        found = read_trace(self.folder / f"{self.name}-messages.log")
        for message in found:
            if not message.sent:
                check_response(message, found) if message.status else check_request(message)
        return found

    def received(self, what: str) -> list[Message]:
        """Requests of that method, or responses "200 INVITE"."""
        return [one for one in self.messages() if not one.sent and what == (f"{one.status} {one.method}" if one.status else one.method)]

    def sent(self, what: str) -> list[Message]:
        return [one for one in self.messages() if one.sent and what == (f"{one.status} {one.method}" if one.status else one.method)]


def check_request(request: Message) -> None:
    """Source: RFC 3261, section 8.1.1."""
    method, _, version = request.start.split()
    assert version == "SIP/2.0" and request.method == method
    assert request.branch().startswith("z9hG4bK") and int(request.one("Max-Forwards")) > 0
    assert request.tag("From") and request.one("To") and request.one("Call-ID")
    if method == "INVITE":
        assert len(request.all("Contact")) == 1
    if method in ("ACK", "BYE"):
        assert request.tag("To")
    check_body(request)


def check_response(response: Message, all_messages: list[Message]) -> None:
    """Source: RFC 3261, section 8.2.6; of the topmost Via: RFC 3581, section 4."""
    request = next(one for one in all_messages if one.sent and not one.status and one.cseq == response.cseq and one.branch() == response.branch())
    for name in ("From", "Call-ID", "CSeq"):
        assert response.one(name) == request.one(name)
    vias, asked = response.all("Via"), request.all("Via")
    assert vias[1:] == asked[1:]
    port = re.search(r":(\d+)", asked[0])[1]
    parameters = vias[0].split(";")[1:]
    assert vias[0].split(";")[0] == asked[0].split(";")[0] and "received=127.0.0.1" in parameters
    # Behind stunnel the peer has another port than it thinks.
    rport = next(one for one in parameters if one.startswith("rport="))
    assert rport == f"rport={port}" or "/TLS" in vias[0], (rport, asked)
    if request.tag("To"):
        assert response.one("To") == request.one("To")
    elif response.status > 100:
        assert response.one("To").partition(";tag=")[0] == request.one("To") and response.tag("To")
    if response.method == "INVITE" and 200 <= response.status < 300:
        assert len(response.all("Contact")) == 1 and response.all("Record-Route") == request.all("Record-Route")
    if response.status in (405, 420):
        assert response.one("Allow" if response.status == 405 else "Unsupported")
    check_body(response)


def check_body(message: Message) -> None:
    assert len(message.body.encode()) == int(message.one("Content-Length")) and not message.rest.strip("\n"), message
    assert bool(message.body) == bool(message.all("Content-Type")) and (not message.body or message.body.endswith("\r\n"))


def session(message: Message) -> dict[str, list[str]]:
    """The lines of an SDP by their letter."""
    lines: dict[str, list[str]] = {}
    for line in message.body.splitlines():
        lines.setdefault(line[0], []).append(line[2:])
    assert lines["v"] == ["0"] and len(lines["o"]) == len(lines["s"]) == len(lines["t"]) == 1
    return lines


def crypto_of(message: Message) -> list[str]:
    return [line.removeprefix("crypto:") for line in session(message)["a"] if line.startswith("crypto:")]


# ---- SIPp before a stand-in, and behind one ----


def own_folder(folder: Path, name: str) -> Path:
    """With the files that stunnel wants, of the stand-ins' authority."""
    own = folder / name
    own.mkdir(exist_ok=True)
    for theirs, here in (("ca.pem", "ca.pem"), ("service.pem", "server.pem"), ("service.key", "server.key")):
        shutil.copy(folder / "authority" / theirs, own / here)
    return own


def traced(folder: Path, label: str) -> tuple[str, ...]:
    return ("-trace_msg", "-message_file", str(folder / f"{label}-messages.log"))


def caller(folder: Path, started, name: str, transport: str, port: int, whom: str, *more: str, label: str = "caller", **values) -> SippSide:
    """SIPp calls the stand-in at that port, by stunnel where it is TLS."""
    target = port
    if transport == "TLS":
        target = free_port()
        started(stunnel(own_folder(folder, "outward"), f"outward-{label}", target, port, client=True))
    file = scenario(folder, name, transport, **{"headers": "", "host": "example.sip.twilio.com", **values})
    child = started(sipp(folder, label, file, transport, free_port(), f"127.0.0.1:{target}", "-s", whom, "-m", "1", "-r", "1000",
                         *traced(folder, label), *more))
    return SippSide(folder, label, child, 1)


def wait_until_bound(port: int, transport: str, child: Child) -> None:
    """Without a connection, which SIPp would count."""
    table = Path("/proc/net/udp" if transport == "UDP" else "/proc/net/tcp")
    end = time.monotonic() + WAIT_SECONDS
    while not any(line.split()[1].endswith(f":{port:04X}") for line in table.read_text().splitlines()[1:]):
        assert child.process.poll() is None and time.monotonic() < end, child.output()
        time.sleep(0.01)


def called(folder: Path, started, name: str, transport: str, label: str = "callee", **values) -> tuple[SippSide, int]:
    """SIPp is called, and the port at which it is found. A stand-in has been started in that folder where it is TLS."""
    port = free_port()
    child = started(sipp(folder, label, scenario(folder, name, transport, **values), transport, port, "-m", "1", *traced(folder, label)))
    wait_until_bound(port, transport, child)
    if transport != "TLS":
        return SippSide(folder, label, child, 1), port
    inward = free_port()
    started(stunnel(own_folder(folder, "inward"), f"inward-{label}", inward, port, client=False))
    return SippSide(folder, label, child, 1), inward
