"""`callchain serve` as the tests see it: a process with its log, what OpenAI and Twilio send it, a plain HTTP client.

Signatures are made here with hmac, from the published descriptions, independent of the program under test.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

PROJECT = "proj_e2e0123456789"
PUBLIC_URL = "https://bridge.example.com"
TOKEN = "fedcba9876543210fedcba9876543210"
SECRET = "whsec_" + base64.b64encode(bytes(range(100, 132))).decode()
OTHER_SECRET = "whsec_" + base64.b64encode(bytes(range(150, 182))).decode()
NUMBER = "+5561999998888"

START_SECONDS = 60  # a sanitizer on a busy machine, not what a start should take
ANSWER_SECONDS = 30


# What OpenAI sends


def call_event(call_id: str, kind: str = "realtime.call.incoming", created_at: int | None = None, **sip_headers: str) -> bytes:
    """An event as OpenAI writes it: JSON with a blank behind ':' and ','. `X_Name="v"` becomes the header X-Name."""
    headers = [{"name": "From", "value": f'"Ana" <sip:{NUMBER}@sip.example.com>;tag=1'},
               {"name": "Call-ID", "value": "1@0.0.0.0"}]
    headers += [{"name": name.replace("_", "-"), "value": value} for name, value in sip_headers.items()]
    ids = {"call_id": call_id} if kind == "realtime.call.incoming" else {"session_id": call_id}
    data = {**({"type": "sip"} if kind == "live.transport.incoming" else {}), **ids, "sip_headers": headers}
    return json.dumps({"id": "evt_" + uuid.uuid4().hex, "object": "event", "type": kind,
                       "created_at": created_at or int(time.time()), "data": data}).encode()


def signature(body: bytes, webhook_id: str, timestamp: str, secret: str = SECRET) -> str:
    """Source: Standard Webhooks, "Signature scheme"."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = webhook_id.encode() + b"." + timestamp.encode() + b"." + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


@dataclass
class Delivery:
    """One webhook request, signed now unless said otherwise. Changing its body afterwards breaks the signature."""

    body: bytes
    webhook_id: str = ""
    timestamp: str = ""
    signature: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)  # further ones

    def __post_init__(self):
        self.webhook_id = self.webhook_id or "wh_" + uuid.uuid4().hex
        self.timestamp = self.timestamp or str(int(time.time()))
        self.signature = self.signature or signature(self.body, self.webhook_id, self.timestamp)

    def all_headers(self) -> list[tuple[str, str]]:
        return [("Content-Type", "application/json"), ("User-Agent", "OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)"),
                ("webhook-id", self.webhook_id), ("webhook-timestamp", self.timestamp), ("webhook-signature", self.signature),
                *self.headers]

    def request(self) -> bytes:
        return request("POST", "/openai/webhook", self.all_headers(), self.body)


def delivery_of(call_id: str, **event) -> Delivery:
    return Delivery(call_event(call_id, **event))


# What Twilio sends


def twilio_signature(url: str, form: str = "", token: str = TOKEN) -> str:
    """Source: Twilio, "Webhooks security": the URL, then each distinct name and value in order; HMAC-SHA1."""
    pairs = sorted({pair for pair in parse_qsl(form, keep_blank_values=True)}, key=lambda pair: [part.encode() for part in pair])
    text = url + "".join(name + value for name, value in pairs)
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def voice_form(call_sid: str, **changes: str) -> str:
    """The parameters of a voice request for an incoming WhatsApp call; an empty value leaves one out."""
    fields = {"AccountSid": "AC" + "0" * 32, "ApiVersion": "2010-04-01", "CallSid": call_sid, "CallStatus": "ringing",
              "Called": "whatsapp:+556133334444", "Caller": f"whatsapp:{NUMBER}", "Direction": "inbound",
              "From": f"whatsapp:{NUMBER}", "To": "whatsapp:+556133334444", **changes}
    return urlencode({name: value for name, value in fields.items() if value})


def new_call_sid() -> str:
    return "CA" + uuid.uuid4().hex


# HTTP


def request(method: str, target: str, headers: list[tuple[str, str]] = (), body: bytes | None = None) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers)]
    if body is not None and not any(name.lower() == "transfer-encoding" for name, _ in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


@dataclass
class Reply:
    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes
    seconds: float = 0.0

    def json(self):
        return json.loads(self.body)

    def outcome(self) -> tuple[int, str]:
        """Of the answer to a delivery."""
        return self.status, self.json()["outcome"]


class Connection:
    """One connection, on which requests are sent as bytes and answers read one by one."""

    def __init__(self, address: tuple[str, int], tls: ssl.SSLContext | None = None):
        self.socket = socket.create_connection(address, ANSWER_SECONDS)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self._file = self.socket.makefile("rb")

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read(self, has_body: bool = True) -> Reply:
        """Errors: EOFError where the connection ends instead."""
        line = self._file.readline()
        if not line:
            raise EOFError("the connection was closed")
        status = int(line.split()[1])
        headers = {}
        while (line := self._file.readline().strip()):
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length", 0)) if has_body and status >= 200 else 0
        return Reply(status, headers, self._file.read(length))

    def is_closed(self) -> bool:
        """Whether the other side ends it within the time of an answer."""
        try:
            return self._file.read(1) == b""
        except ConnectionError:
            return True

    def close(self) -> None:
        self._file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


# The process


def is_secret(variable: str, value: str) -> bool:
    """The short token of the published vectors is none that could be searched for."""
    return variable in ("OPENAI_API_KEY", "OPENAI_WEBHOOK_SECRET", "TWILIO_AUTH_TOKEN") and len(value) >= 16


def forms_of(secret: str) -> list[str]:
    """How a secret could show up: as configured, without its prefix, decoded and as hex."""
    payload = secret.removeprefix("whsec_")
    return [payload] + ([base64.b64decode(payload).hex()] if payload != secret else [])


class Host(NamedTuple):
    """What is unusual about where it runs."""

    begin: Callable[[], None] | None = None  # called in the process, before the program begins
    under: list[str] = []  # the beginning of the command
    log: Path | None = None  # its stdout


class Serve:
    """A running `callchain serve`. Its stdout is the file `log_path`, which verify-sig --log may read."""

    def __init__(self, program, openai_key: str, *args: str, host: Host = Host(), **variables: str):
        self.folder: Path = program.folder
        # One file for each process of a test.
        own_log = next(path for path in (self.folder / f"serve-{number}.log" for number in range(99)) if not path.exists())
        self.log_path = host.log or own_log
        own_log.touch()
        self.error_path = own_log.with_suffix(".err")
        self.replies: list[Reply] = []
        self.secrets = {openai_key, *(value for name, value in variables.items() if is_secret(name, value))}

        with open(self.log_path, "ab") as out, open(self.error_path, "wb") as err:
            self.process = subprocess.Popen([*host.under, program.path, "serve", *args], stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                            cwd=self.folder, env={**program.environment, **variables}, preexec_fn=host.begin)

    # Its output

    def out(self) -> str:
        return self.log_path.read_text(encoding="utf-8", errors="surrogateescape")

    def err(self) -> str:
        return self.error_path.read_text(encoding="utf-8", errors="surrogateescape")

    def log(self, message: str = "", **fields) -> list[dict]:
        """The lines of its log, or those with that message and those fields."""
        lines = [json.loads(line) for line in self.out().split("\n")[:-1]]
        return [line for line in lines if (not message or line.get("message") == message)
                and all(line.get(name) == value for name, value in fields.items())]

    def logged(self, message: str, seconds: float = 20.0, **fields) -> dict:
        """The first such line, which may still be to come."""
        end = time.monotonic() + seconds
        while not (found := self.log(message, **fields)):
            assert time.monotonic() < end, f"no line {message!r} {fields} in:\n{self.out()}{self.err()}"
            time.sleep(0.01)
        return found[0]

    def summary(self, call_id: str, **how) -> dict:
        return self.logged("call summary", call_id=call_id, **how)

    def wait_until_ready(self) -> "Serve":
        end = time.monotonic() + START_SECONDS
        pattern = re.compile(r'listen"?[=:]"?(https?://\S+:\d+)"?[ ,]"?admin"?[=:]"?(off|http://[^\s"]+)')
        while not (found := pattern.search(self.out())):
            assert self.process.poll() is None and time.monotonic() < end, f"no line ready:\n{self.out()}{self.err()}"
            time.sleep(0.005)
        self.port = int(found[1].rpartition(":")[2])
        self.admin_port = None if found[2] == "off" else int(found[2].rpartition(":")[2])
        return self

    def check_secrets(self) -> None:
        """No secret of its environment stands in anything that it said."""
        said = self.out() + self.err() + "".join(reply.body.decode("latin-1") + str(reply.headers) for reply in self.replies)
        for secret in self.secrets:
            for part in re.split(r"[,\s\"']+", secret):
                for form in forms_of(part) if part else []:
                    assert form not in said, f"a secret stands in the output, {form[:4]}…"

    # Requests

    def connect(self, admin: bool = False, tls: ssl.SSLContext | None = None) -> Connection:
        return Connection(("127.0.0.1", self.admin_port if admin else self.port), tls)

    def exchange(self, data: bytes, admin: bool = False, has_body: bool = True) -> Reply:
        with self.connect(admin) as connection:
            begin = time.monotonic()
            connection.send(data)
            reply = connection.read(has_body)
        reply.seconds = time.monotonic() - begin
        self.replies.append(reply)
        return reply

    def get(self, target: str, admin: bool = False) -> Reply:
        return self.exchange(request("GET", target), admin)

    def deliver(self, delivery: Delivery) -> Reply:
        return self.exchange(delivery.request())

    def deliver_all(self, deliveries: list[Delivery]) -> list[Reply]:
        """All at once."""
        with ThreadPoolExecutor(len(deliveries)) as threads:
            return list(threads.map(self.deliver, deliveries))

    def twilio(self, path: str, form: str, method: str = "POST", base: str = PUBLIC_URL, token: str = TOKEN,
               headers: list[tuple[str, str]] = ()) -> Reply:
        """A request signed for the URL at `base`."""
        target = path + (f"?{form}" if method == "GET" else "")
        body = form if method == "POST" else ""
        signed = [("X-Twilio-Signature", twilio_signature(base + target, body, token)), *headers]
        if method == "GET":
            return self.exchange(request("GET", target, signed))
        form_type = ("Content-Type", "application/x-www-form-urlencoded")
        return self.exchange(request("POST", target, [form_type, *signed], body.encode()))

    def metric(self, name: str, **labels: str) -> float:
        """The value of one sample; 0 where there is none."""
        with_labels = "{" + ",".join(f'{label}="{value}"' for label, value in labels.items()) + "}" if labels else ""
        for line in self.get("/metrics", admin=True).body.decode().splitlines():
            sample, _, value = line.rpartition(" ")
            if sample == name + with_labels:
                return float(value)
        return 0.0

    def cpu_seconds(self) -> float:
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    # Its end

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def wait(self, seconds: float = 30.0) -> int:
        return self.process.wait(seconds)

    def end(self) -> None:
        """As an operator in a hurry: a second signal where the first does not end it soon."""
        for _ in range(2):
            if self.process.poll() is None:
                self.signal(signal.SIGTERM)
                try:
                    self.wait(3)
                except subprocess.TimeoutExpired:
                    continue
        try:
            code = self.wait(30)
        finally:
            self.process.kill()
        self.check_secrets()
        assert code in (0, 1, 2, 6, 130), f"ended with {code}:\n{self.out()[-4000:]}{self.err()[-4000:]}"


class ServeStarter:
    """Starts services for one test, with what they need and port 0, and ends them."""

    def __init__(self, program, openai):
        self.program, self.openai = program, openai
        self.running: list[Serve] = []

    def __call__(self, *args: str, **variables: str) -> Serve:
        return self.start(*args, **variables).wait_until_ready()

    def start(self, *args: str, host: Host = Host(), **variables: str) -> Serve:
        """Without waiting. A variable that is empty is not set."""
        needed = {"OPENAI_API_KEY": self.openai.key, "OPENAI_WEBHOOK_SECRET": SECRET, "OPENAI_PROJECT_ID": PROJECT,
                  "TWILIO_AUTH_TOKEN": TOKEN, "CALLCHAIN_PUBLIC_URL": PUBLIC_URL, "OPENAI_BASE_URL": self.openai.base_url,
                  "CALLCHAIN_LISTEN": "127.0.0.1:0", "CALLCHAIN_ADMIN_LISTEN": "127.0.0.1:0", "CALLCHAIN_LOG": "json"}
        chosen = {name: value for name, value in {**needed, **variables}.items() if value}
        serve = Serve(self.program, self.openai.key, *args, host=host, **chosen)
        self.running.append(serve)
        return serve

    def end(self) -> None:
        failures = []
        for serve in self.running:
            try:
                serve.end()
            except AssertionError as failure:
                failures.append(str(failure))
        assert not failures, "\n".join(failures)
