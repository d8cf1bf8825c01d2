"""What the stand-ins of this folder share: an HTTP server on a thread of its own, its record, and scripted faults.

A stand-in is an independent peer: Debian's aiohttp, none of our code. It listens on 127.0.0.1 (port 0: a free one),
records every request before it answers, and answers each as its script says.
"""

import asyncio
import json
import socket
import ssl
import struct
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web


@dataclass
class Recorded:
    """One request as it came in."""

    method: str
    path: str  # with the query, as sent
    headers: dict[str, str]  # names in lower case
    body: bytes
    at: float  # time.monotonic()

    def json(self):
        return json.loads(self.body)


@dataclass
class Answer:
    """One answer of an endpoint. With a fault there is none: `hang` never answers, `reset` cuts the connection."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0  # seconds before it
    fault: str = ""  # "", "hang", "reset"
    carried_out: bool = False  # with a fault: the request had its effect, only the answer is lost


class Turns:
    """Answers in turn; the last one is given again and again."""

    def __init__(self, *answers: Answer):
        self._left = list(answers) or [Answer()]

    def next(self) -> Answer:
        return self._left.pop(0) if len(self._left) > 1 else self._left[0]


def cut(request: web.Request) -> None:
    """Ends the connection as a crash does: RST, no close frame, no answer."""
    if request.transport is None:
        return
    plain = request.transport.get_extra_info("socket")
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.transport.abort()


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """(certificate, key): self-signed, for localhost and 127.0.0.1."""
    certificate, key = folder / "standin.crt", folder / "standin.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate],
                   check=True, capture_output=True)
    return certificate, key


class Standin:
    """A server that runs from start() to stop(); `with` does both. Fields are safe to read from the test's thread."""

    def __init__(self, certificate: tuple[Path, Path] | None = None, port: int = 0):
        self.requests: list[Recorded] = []
        self.port = port
        self._certificate = certificate
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._ready = threading.Event()
        self._stopping: asyncio.Event | None = None
        self._failure: BaseException | None = None

    # For the stand-in of one vendor

    def routes(self) -> list[web.RouteDef]:
        raise NotImplementedError

    async def answer(self, request: web.Request, answer: Answer) -> web.StreamResponse:
        """Carries out one answer with its delay or fault."""
        if answer.delay:
            await asyncio.sleep(answer.delay)
        if answer.fault == "hang":
            await self._stopping.wait()
        if answer.fault:
            cut(request)
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)

    # For tests

    @property
    def origin(self) -> str:
        return f"{'https' if self._certificate else 'http'}://127.0.0.1:{self.port}"

    def start(self) -> "Standin":
        self._thread.start()
        self._ready.wait(30)
        if self._failure:
            raise self._failure
        return self

    def stop(self) -> None:
        if self._thread.is_alive() and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(30)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def requests_to(self, part: str) -> list[Recorded]:
        return [request for request in self.requests if part in request.path]

    def wait_for(self, condition, seconds: float = 20.0) -> bool:
        """Whether `condition()` came true in time; for what a program does after its answer."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                return False
            time.sleep(0.01)
        return True

    # Its own thread

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._run())
        except BaseException as failure:  # told to the test's thread, which waits in start()
            self._failure = failure
            self._ready.set()

    async def _run(self) -> None:
        self._stopping = asyncio.Event()
        app = web.Application(middlewares=[self._record], client_max_size=1 << 24)
        app.add_routes(self.routes())
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        context = None
        if self._certificate:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(*self._certificate)
        site = web.TCPSite(runner, "127.0.0.1", self.port, ssl_context=context, shutdown_timeout=0.1)
        await site.start()
        self.port = runner.addresses[0][1]
        self._ready.set()
        await self._stopping.wait()
        await runner.cleanup()

    @web.middleware
    async def _record(self, request: web.Request, handler):
        headers = {name.lower(): value for name, value in request.headers.items()}
        recorded = Recorded(request.method, request.raw_path, headers, await request.read(), time.monotonic())
        self.requests.append(recorded)
        self.on_request(recorded)
        return await handler(request)

    def on_request(self, recorded: Recorded) -> None:
        """Called for each request, on the stand-in's thread."""


def run_as_program(standin: Standin, address: str) -> None:
    """Prints `ready ADDRESS`, then one JSON line a request, until it is interrupted. Keys are never printed."""

    def show(recorded: Recorded) -> None:
        print(json.dumps({"method": recorded.method, "path": recorded.path,
                          "body": recorded.body.decode("utf-8", "replace")}), flush=True)

    standin.on_request = show
    with standin:
        print(f"ready {standin.origin}{address}", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass
