#!/usr/bin/env python3
"""Signed webhooks as OpenAI sends them, and a program that sends many of them over a few kept connections.

    deliveries.py --port PORT --count N [--first K] [--type TYPE] [--connections N] [--rate PER_SECOND]
                  [--times FILE]

Delivery K announces the call call_id_of(K). Each is signed just before it is sent. Prints one JSON object: the
answers by status, what went wrong, and the seconds that it took. --times writes `CALL_ID SECONDS` for every delivery, when
it was sent by the monotonic clock.
"""

import argparse
import asyncio
import base64
import collections
import functools
import hashlib
import hmac
import json
import re
import time
from pathlib import Path
from typing import NamedTuple

BODY_BYTES = 1_680  # the size of a call event that was seen in production
KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
INCOMING = "realtime.call.incoming"
NO_CALL = "response.completed"  # verified, and of no interest to a service that takes calls


def call_event(created_at: int, kind: str = INCOMING, event_id: str = "evt_test_0001", call_id: str = "rtc_u1_test0001") -> bytes:
    """An event of BODY_BYTES bytes, written as the sender writes it."""
    headers = [{"name": "From", "value": "\"José & Co\" <sip:+15550100@sip.example.com>;tag=1"},
               {"name": "To", "value": "sip:proj_test@sip.api.openai.com;transport=tls"}]
    headers += [{"name": f"X-Twilio-{index}", "value": f"value {index} of the INVITE"} for index in range(18)]
    event = {"id": event_id, "object": "event", "created_at": created_at, "type": kind,
             "data": {"call_id": call_id, "sip_headers": headers + [{"name": "X-Fill", "value": ""}]}}
    headers_of = event["data"]["sip_headers"]
    missing = BODY_BYTES - len(json.dumps(event))
    headers_of[-1]["value"] = ("0123456789" * (missing // 10 + 1))[:missing]
    body = json.dumps(event).encode()
    assert len(body) == BODY_BYTES, len(body)
    return body


def signature(key: bytes, webhook_id: str, timestamp: int, body: bytes) -> str:
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def call_id_of(index: int) -> str:
    return f"rtc_u1_{index:09d}"


MARK = "#########"  # where the number of a delivery goes


@functools.lru_cache(maxsize=8)
def template(kind: str, created_at: int) -> bytes:
    return call_event(created_at, kind, f"evt_test_{MARK}", f"rtc_u1_{MARK}")


class Writer:
    """Writes deliveries."""

    def __init__(self, kind: str):
        self._kind = kind

    def request(self, index: int) -> bytes:
        now = int(time.time())
        body = template(self._kind, now).replace(MARK.encode(), f"{index:09d}".encode())
        webhook_id = f"wh_{index:032d}"
        head = ("POST /openai/webhook HTTP/1.1\r\nhost: bridge.example.com\r\ncontent-type: application/json\r\n"
                f"webhook-id: {webhook_id}\r\nwebhook-timestamp: {now}\r\n"
                f"webhook-signature: {signature(KEY, webhook_id, now, body)}\r\ncontent-length: {len(body)}\r\n\r\n")
        return head.encode() + body


class Load(NamedTuple):
    port: int
    count: int
    first: int = 0
    kind: str = INCOMING
    connections: int = 8
    rate: float = 0.0  # deliveries a second; 0: each connection sends on as soon as it has its answer


class Sending:
    """What the connections share."""

    def __init__(self, load: Load):
        self.load = load
        self.left = iter(range(load.first, load.first + load.count))
        self.writer = Writer(load.kind)
        self.sent: list[tuple[int, float]] = []
        self.statuses: collections.Counter[str] = collections.Counter()
        self.faults: collections.Counter[str] = collections.Counter()
        self.started = time.monotonic()

    def due(self) -> float:
        """When the next delivery may go, by the monotonic clock."""
        return self.started + len(self.sent) / self.load.rate if self.load.rate else 0.0


class Connection(asyncio.Protocol):
    """Sends, waits for the answer, sends again, until nothing is left."""

    def __init__(self, sending: Sending, done: asyncio.Future):
        self._sending, self._done = sending, done
        self._transport: asyncio.Transport | None = None
        self._received = b""

    def connection_made(self, transport):
        self._transport = transport
        self._send()

    def _send(self):
        index = next(self._sending.left, None)
        if index is None:
            return self._finish()
        due = self._sending.due()
        self._sending.sent.append((index, due))
        if due > time.monotonic():
            asyncio.get_running_loop().call_at(due, self._write, index, len(self._sending.sent) - 1)
        else:
            self._write(index, len(self._sending.sent) - 1)

    def _write(self, index: int, place: int):
        request = self._sending.writer.request(index)
        self._sending.sent[place] = (index, time.monotonic())
        self._transport.write(request)

    def data_received(self, data):
        self._received += data
        head, blank, body = self._received.partition(b"\r\n\r\n")
        if not blank:
            return
        length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
        if not length:
            return self._fail("an answer without Content-Length")
        if len(body) < int(length[1]):
            return
        self._sending.statuses[head[9:12].decode("latin-1")] += 1
        self._received = body[int(length[1]):]
        self._send()

    def connection_lost(self, exc):
        if not self._done.done():
            self._fail(f"the connection ended before the answer: {exc or 'closed by the server'}")

    def _fail(self, what: str):
        self._sending.faults[what] += 1
        self._finish()

    def _finish(self):
        self._done.set_result(None)
        self._transport.close()


async def send_all(load: Load) -> Sending:
    loop = asyncio.get_running_loop()
    sending = Sending(load)
    ends = [loop.create_future() for _ in range(load.connections)]
    for end in ends:
        await loop.create_connection(lambda end=end: Connection(sending, end), "127.0.0.1", load.port)
    await asyncio.gather(*ends)
    return sending


def main() -> None:
    parser = argparse.ArgumentParser(description="Sends signed webhooks to a service on this machine.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--type", default=INCOMING)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--times", type=Path)
    options = parser.parse_args()
    load = Load(options.port, options.count, options.first, options.type, options.connections, options.rate)
    sending = asyncio.run(send_all(load))
    if options.times:
        options.times.write_text("".join(f"{call_id_of(index)} {at:.6f}\n" for index, at in sending.sent), encoding="utf-8")
    print(json.dumps({"statuses": sending.statuses, "faults": sending.faults, "sent": len(sending.sent),
                      "seconds": round(time.monotonic() - sending.started, 3)}))


if __name__ == "__main__":
    main()
