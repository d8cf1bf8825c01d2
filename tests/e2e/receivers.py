"""Stand-ins for receivers of webhooks, honest and faulty, as replay-webhook meets them.

A receiver is a socket on 127.0.0.1 and nothing above it: it records each request byte for byte as it came, and sends
what its behaviour says, whether that is HTTP or not. Signatures are judged with hmac, from the published description.

    with Receiver(checks()) as receiver:        # honest: 200 or 401
        program.run("replay-webhook", "capture.http", "--to", receiver.url)
        [request] = receiver.requests
"""

import base64
import hmac
import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from serve_process import SECRET, signature

TOLERANCE_SECONDS = 300
SIGNED_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")


@dataclass
class RawRequest:
    """One request as it came in."""

    raw: bytes  # all of it
    line: str
    headers: list[tuple[str, str]]  # in order, names as written
    body: bytes
    at: float  # time.monotonic()

    @property
    def method(self) -> str:
        return self.line.split(" ")[0]

    @property
    def target(self) -> str:
        return self.line.split(" ")[1]

    def values(self, name: str) -> list[str]:
        return [value for written, value in self.headers if written.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        return next(iter(self.values(name)), None)

    def names(self) -> list[str]:
        return [name.lower() for name, _ in self.headers]

    def is_signed_with(self, secret: str) -> bool:
        """Whether one of its signatures is the one by that secret; the time is no part of it."""
        webhook_id, timestamp, given = (self.header(name) or "" for name in SIGNED_HEADERS)
        return signature(self.body, webhook_id, timestamp, secret) in given.split(" ")


@dataclass
class Said:
    """What goes out on the connection, piece by piece; then it is closed, or kept for the next request."""

    parts: Iterable[bytes]
    then_close: bool = False


Behaviour = Callable[["Receiver", RawRequest], Said]


def reply(status: int, body: bytes = b"", content_type: str = "text/plain", **headers: str) -> bytes:
    """`retry_after="1"` becomes the header Retry-After."""
    reason = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Odd"
    named = [(name.replace("_", "-").title(), value) for name, value in headers.items()]
    lines = [f"HTTP/1.1 {status} {reason}", f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in named), "", ""]).encode() + body


# Behaviours that do not look at the delivery


def always(status: int, body: bytes = b"", **headers: str) -> Behaviour:
    return lambda receiver, request: Said([reply(status, body, **headers)])


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """One after the other; the last one again and again."""
    return lambda receiver, request: behaviours[min(len(receiver.requests), len(behaviours)) - 1](receiver, request)


def says(*parts: bytes) -> Behaviour:
    """These bytes, whatever they are, and the end of the connection."""
    return lambda receiver, request: Said(parts, then_close=True)


def hangs(receiver: "Receiver", request: RawRequest) -> Said:
    def wait():
        receiver.stopping.wait()
        yield b""

    return Said(wait(), then_close=True)


def slow(seconds: float) -> Behaviour:
    def wait(receiver: "Receiver"):
        receiver.stopping.wait(seconds)
        yield reply(200)

    return lambda receiver, request: Said(wait(receiver))


def endless(receiver: "Receiver", request: RawRequest) -> Said:
    """200 and a body that has no end."""

    def pour():
        yield b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"
        while not receiver.stopping.is_set():
            yield b"x" * 65_536

    return Said(pour(), then_close=True)


GARBAGE = says(b"\x16\x03\x01\x00\xff SSH-2.0-garbage\r\n\x00\x01\x02\r\n\r\n")
HALF_AN_ANSWER = says(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nonly the beginning")
HALF_A_HEAD = says(b"HTTP/1.1 200 OK\r\nContent-Ty")
NOTHING = says()


# What a terminal, a CI system or a reader of XML could fall for, and a secret that is given away
HOSTILE_TEXT = (
    "\x1b]0;title\x07\x1b[2J\x1b[31mred\x1b[0m\r\n"
    "::error::x\n"
    "::error title=a,b::x%0Ay\n"
    "##[add-mask]x\n"
    "::add-mask::x\n"
    "::set-output name=a::b\n"
    "<script>alert(1)</script> ]]> &amp; | a | b |\n"
    "[link](https://example.com) @everyone `code` \x00\x08\x7f \u202e \ufffe\n"
)


def hostile(status: int, secret: str = SECRET) -> Behaviour:
    body = HOSTILE_TEXT.encode() + f"the secret is {secret}\n".encode() + b"\xff\xfe not UTF-8\n"
    return always(status, body, location="http://192.0.2.1/\x1b[31m")


# Behaviours that judge the delivery


def checks(*faults: str, secrets: tuple[str, ...] = (SECRET,), good: int = 200, bad: int = 401) -> Behaviour:
    """An honest receiver, or one with these faults; what each is stands at the place where it matters in Check."""
    check = Check(frozenset(faults), secrets)

    def answer(receiver: "Receiver", request: RawRequest) -> Said:
        refusal = check.refusal(request)
        if isinstance(refusal, int):
            return Said([reply(refusal)])
        return Said([reply(bad if refusal else good, refusal.encode())])

    return answer


@dataclass
class Check:
    """How one receiver judges deliveries."""

    faults: frozenset[str]
    secrets: tuple[str, ...]
    seen: set = field(default_factory=set)

    def has(self, fault: str) -> bool:
        return fault in self.faults

    def refusal(self, request: RawRequest) -> str | int:
        """Why it is refused; "" for taken; a number: with that status."""
        if self.has("reads 100 kB and answers 400") and len(request.body) > 100_000:
            return 400
        if self.has("reads 100 kB") and len(request.body) > 100_000:
            return 413
        headers = self.signed_headers(request)
        if self.has("checks only what is signed") and not all(headers):
            return ""
        if not all(headers):
            return "a header is missing"
        return self.late(headers[1]) or self.unsigned(request.body, *headers) or self.unwelcome(request, headers)

    def signed_headers(self, request: RawRequest) -> list[str | None]:
        if self.has("wants names in lower case"):
            return [dict(request.headers).get(name) for name in SIGNED_HEADERS]
        return [request.header(name) for name in SIGNED_HEADERS]

    def late(self, timestamp: str) -> str:
        if self.has("ignores the time"):
            return ""
        try:
            age = time.time() - int(timestamp)
        except ValueError:
            return "" if self.has("takes any timestamp") else "no timestamp"
        if age < -TOLERANCE_SECONDS and self.has("takes the future"):
            return ""
        return "" if abs(age) <= TOLERANCE_SECONDS else "too old or too new"

    def unsigned(self, body: bytes, webhook_id: str, timestamp: str, given: str) -> str:
        if self.has("never verifies"):
            return ""
        # Caches of what was verified once; each leaves out something that belongs into its key.
        remembered = {"ignores the id": (timestamp, body), "ignores id and time": (body,)}
        keys = [key for fault, key in remembered.items() if self.has(fault)]
        if any(key in self.seen for key in keys):
            return ""
        try:
            body = self.as_it_reads(body)
        except ValueError:
            return "no JSON"
        values = given.split(" ")[:1] if self.has("reads one signature") else given.split(" ")
        right = [signature(body, webhook_id, timestamp, secret) for secret in self.secrets]
        if not any(self.is_equal(value, one) for value in values for one in right):
            return "the signature does not match"
        self.seen.update(keys)
        return ""

    def as_it_reads(self, body: bytes) -> bytes:
        """What of the body goes into the check. Errors: ValueError."""
        if self.has("writes the body again"):
            return json.dumps(json.loads(body)).encode()
        if self.has("writes the body again, compact"):
            return json.dumps(json.loads(body), separators=(",", ":"), ensure_ascii=False).encode()
        if self.has("reads ASCII"):
            return body.decode("ascii", "replace").encode()
        return body

    def is_equal(self, value: str, right: str) -> bool:
        version, _, mac = value.rpartition(",")
        if self.has("ignores the version"):
            return hmac.compare_digest(mac, right.removeprefix("v1,"))
        if self.has("compares the beginning"):
            return mac != "" and version == "v1" and right.startswith(value)
        if self.has("takes a bare signature") and not version:
            return hmac.compare_digest(mac, right.removeprefix("v1,"))
        return hmac.compare_digest(value.encode(), right.encode())

    def unwelcome(self, request: RawRequest, headers: list[str]) -> str | int:
        if self.has("refuses duplicates"):
            if ("id", headers[0]) in self.seen:
                return 409
            self.seen.add(("id", headers[0]))
        if self.has("refuses unknown types") and b"realtime.call.incoming" not in request.body:
            return 422
        return ""


# The server


class Receiver:
    """Runs from start() to stop(); `with` does both. One thread for each connection; fields may be read from any."""

    def __init__(self, behaviour: Behaviour, tls: tuple[Path, Path] | None = None):
        self.behaviour = behaviour
        self.requests: list[RawRequest] = []
        self.connections = 0
        self.stopping = threading.Event()
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.scheme = "https" if tls else "http"
        self._context = None
        if tls:
            self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self._context.load_cert_chain(*tls)
        self._open: set[socket.socket] = set()

    @property
    def origin(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.origin}/openai/webhook"

    def __enter__(self) -> "Receiver":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for connection in list(self._open):
            connection.close()

    def wait_for(self, count: int, seconds: float = 20.0) -> bool:
        """Whether so many requests came in time."""
        end = time.monotonic() + seconds
        while len(self.requests) < count:
            if time.monotonic() > end:
                return False
            time.sleep(0.005)
        return True

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        self._open.add(connection)
        try:
            connection.settimeout(60)
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            with connection, connection.makefile("rb") as stream:
                self._converse(connection, stream)
        except (OSError, ValueError):  # the peer left, or this side is ending
            pass

    def _converse(self, connection: socket.socket, stream) -> None:
        try:
            while (request := read_request(stream)) is not None and self._answer(connection, request):
                pass
        except ValueError:
            connection.sendall(reply(400))

    def _answer(self, connection: socket.socket, request: RawRequest) -> bool:
        """Whether the connection stays."""
        with self._lock:
            self.requests.append(request)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            said = self.behaviour(self, request)
        try:
            for part in said.parts:
                connection.sendall(part)
        finally:
            with self._lock:
                self._at_once -= 1
        return not said.then_close


def read_request(stream) -> RawRequest | None:
    """The next request of a connection; None where it ends first. A body has a Content-Length, or is none.
    Errors: ValueError for what is no HTTP."""
    first = stream.peek(1)[:1]
    if first and not b"A" <= first <= b"Z":
        raise ValueError("no method")
    raw = bytearray()
    while not raw.endswith(b"\r\n\r\n"):
        line = stream.readline()
        if not line:
            return None
        raw += line
    line, *fields = raw.decode("latin-1").split("\r\n")[:-2]
    headers = [(name, value.strip()) for name, _, value in (one.partition(":") for one in fields)]
    lengths = {value for name, value in headers if name.lower() == "content-length"}
    assert len(lengths) <= 1 and "transfer-encoding" not in {name.lower() for name, _ in headers}, headers
    body = stream.read(int(lengths.pop())) if lengths else b""
    return RawRequest(bytes(raw) + body, line, headers, body, time.monotonic())


# TLS


def make_certificates(folder: Path) -> dict[str, tuple[Path, Path]]:
    """(certificate, key) by what is wrong: `right`, `expired`, `wrong_name`, and `unknown_issuer` with `authority`."""
    made = {}
    for name, days, names in (("right", 2, "IP:127.0.0.1"), ("expired", -1, "IP:127.0.0.1"),
                              ("wrong_name", 2, "DNS:receiver.example.com"), ("authority", 2, "DNS:authority.example.com")):
        key, request, certificate = (folder / f"{name}.{kind}" for kind in ("key", "csr", "crt"))
        is_authority = "TRUE" if name == "authority" else "FALSE"
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-addext", f"subjectAltName={names}",
                "-addext", f"basicConstraints=critical,CA:{is_authority}", "-keyout", key, "-out", request)
        openssl("x509", "-req", "-in", request, "-signkey", key, "-days", str(days), "-copy_extensions", "copy",
                "-out", certificate)
        made[name] = certificate, key
    authority, authority_key = made["authority"]
    certificate, key = folder / "unknown_issuer.crt", folder / "unknown_issuer.key"
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=leaf", "-addext",
            "subjectAltName=IP:127.0.0.1", "-CA", authority, "-CAkey", authority_key, "-keyout", key, "-out", certificate)
    made["unknown_issuer"] = certificate, key
    return made


def openssl(*args) -> None:
    subprocess.run(["openssl", *args], check=True, capture_output=True)


# ngrok's inspector


def inspector(*requests: bytes, newest_first: bool = True) -> Behaviour:
    """The agent's answer to GET /api/requests/http: the requests that it passed on, given oldest first."""
    listed = [{"uri": request.split(b" ")[1].decode(), "id": f"airt_{number}", "tunnel_name": "command_line",
               "start": f"2026-11-27T22:56:{number:02}Z", "duration": 1_000_000,
               "request": {"method": request.split(b" ")[0].decode(), "proto": "HTTP/1.1", "headers": {},
                           "uri": request.split(b" ")[1].decode(), "raw": base64.b64encode(request).decode()},
               "response": {"status": "401 UNAUTHORIZED", "status_code": 401, "proto": "HTTP/1.1", "headers": {},
                            "raw": base64.b64encode(b"HTTP/1.1 401 UNAUTHORIZED\r\n\r\n").decode()}}
              for number, request in enumerate(requests, 1)]
    document = {"uri": "/api/requests/http", "requests": listed[::-1] if newest_first else listed}

    def answer(receiver: Receiver, request: RawRequest) -> Said:
        if request.method != "GET" or request.target.partition("?")[0] != "/api/requests/http":
            return Said([reply(404, b'{"error_code":100,"status_code":404,"msg":"Resource not found"}', "application/json")])
        return Said([reply(200, json.dumps(document).encode(), "application/json")])

    return answer
