#!/usr/bin/env python3
"""A small and quick stand-in for the accept of OpenAI's API, for loads; tests/e2e/openai_standin.py has all of the API.

    api_standin.py --calls FILE

Prints `ready PORT`. As at OpenAI, a call that is accepted is not accepted again: 409 decision_already_made. SIGTERM ends it; then
FILE has a line for each call: `CALL_ID REQUESTS SECONDS`: requests for it, and when the first came by the monotonic clock.
"""

import argparse
import asyncio
import re
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

DONE = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
REQUEST = re.compile(rb"POST /v1/realtime/calls/([\w-]+)/accept HTTP/1\.1\r\n")


def error(status: bytes, code: bytes) -> bytes:
    body = b'{"error":{"message":"stand-in","type":"error","code":"%s","param":null}}' % code
    return b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


DECIDED = error(b"409 Conflict", b"decision_already_made")
UNKNOWN = error(b"404 Not Found", b"unknown_url")


@dataclass
class Call:
    requests: int = 0
    first: float = field(default_factory=time.monotonic)


class Api:
    """The calls."""

    def __init__(self):
        self.calls: dict[bytes, Call] = {}

    def answer(self, call_id: bytes) -> bytes:
        call = self.calls.setdefault(call_id, Call())
        call.requests += 1
        return DONE if call.requests == 1 else DECIDED


class Connection(asyncio.Protocol):
    def __init__(self, api: Api):
        self._api = api
        self._received = b""

    def connection_made(self, transport):
        self._transport = transport

    def data_received(self, data):
        self._received += data
        head, blank, body = self._received.partition(b"\r\n\r\n")
        length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
        if not blank or len(body) < (needed := int(length[1]) if length else 0):
            return
        self._received = body[needed:]
        request = REQUEST.match(head)
        self._transport.write(self._api.answer(request[1]) if request else UNKNOWN)


async def serve(api: Api) -> None:
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stopping.set)
    server = await loop.create_server(lambda: Connection(api), "127.0.0.1", 0, backlog=1024)
    print(f"ready {server.sockets[0].getsockname()[1]}", flush=True)
    await stopping.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="A stand-in for the accept of OpenAI's API.")
    parser.add_argument("--calls", type=Path, required=True)
    options = parser.parse_args()
    api = Api()
    asyncio.run(serve(api))
    lines = (f"{call_id.decode()} {call.requests} {call.first:.6f}\n" for call_id, call in api.calls.items())
    options.calls.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
