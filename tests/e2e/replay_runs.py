"""Runs of `callchain replay-webhook` as the tests see them, and the captures that they send."""

import base64
import json
import socket
import sys
from pathlib import Path

from conftest import Outcome, Program
from serve_process import OTHER_SECRET, SECRET, Delivery, forms_of

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/cli"))

import schema_check  # noqa: E402  (its folder is known only now)

# A delivery of the past: its signature was right then.
RECORDED_AT = 1767801600
BODY = (b'{"id": "evt_1", "object": "event", "created_at": 1767801599, "type": "realtime.call.incoming", '
        b'"data": {"call_id": "rtc_u1_recorded", "sip_headers": [{"name": "From", "value": "\\"Jos\\u00e9\\" <sip:+15550100@x.example>"}, '
        b'{"name": "X-Ratio",  "value": "1.0\\/2"}]}}')


class Replay:
    """replay("capture.http", "--to", URL): what came of it. No secret may be in what was said, and JSON fits its schema."""

    def __init__(self, program: Program):
        self.program = program
        self.folder = program.folder
        self.schemas = schema_check.Schemas(ROOT / "docs/schemas")

    def __call__(self, *args: str, stdin: bytes = b"", **variables: str) -> Outcome:
        """A variable that is empty is not set."""
        variables = {"OPENAI_WEBHOOK_SECRET": SECRET, **variables}
        done = self.program.run("replay-webhook", *args, stdin=stdin,
                                **{name: value for name, value in variables.items() if value})
        assert done.code != 70, done.err
        no_secret_in(done.out + done.err)
        assert_printable(done.out)
        assert_printable(done.err)
        if "--json" in args:
            problems = self.schemas.check_output(done.out.encode(), done.err.encode())
            assert not problems, problems
        return done

    def capture(self, name: str = "capture.http", data: bytes | None = None) -> str:
        """Writes a capture, a recorded delivery unless said otherwise, and returns its name."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(recorded().request() if data is None else data)
        return name


def no_secret_in(text: str) -> None:
    for value in (SECRET, OTHER_SECRET):
        for form in forms_of(value):
            assert form not in text, f"a secret stands in the output, {form[:4]}…"


def assert_printable(text: str) -> None:
    """No control character, nor anything else that steers a terminal, but line ends."""
    odd = {character for character in text if (ord(character) < 32 and character != "\n") or 0x7F <= ord(character) < 0xA0
           or 0x202A <= ord(character) <= 0x202E}
    assert not odd, f"{odd} in {text!r}"


def recorded(body: bytes = BODY, webhook_id: str = "wh_recorded", timestamp: int = RECORDED_AT,
             headers: list[tuple[str, str]] = ()) -> Delivery:
    return Delivery(body, webhook_id, str(timestamp), headers=list(headers))


def only(receiver):
    """The one request that came."""
    [request] = receiver.requests
    return request


def closed_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]


# HTTP archives


def har_entry(delivery: Delivery, body: dict | None = None, url: str = "https://bridge.example.com/openai/webhook") -> dict:
    """`body` replaces the members of postData."""
    headers = [{"name": name, "value": value} for name, value in delivery.all_headers()]
    post = {"mimeType": "application/json", "text": delivery.body.decode(), **(body or {})}
    return {"startedDateTime": "2026-01-07T16:00:00.000Z", "time": 3, "cache": {}, "timings": {},
            "request": {"method": "POST", "url": url, "httpVersion": "HTTP/1.1", "headers": headers, "cookies": [],
                        "queryString": [], "postData": post, "headersSize": -1, "bodySize": len(delivery.body)},
            "response": {"status": 401, "statusText": "Unauthorized", "httpVersion": "HTTP/1.1", "headers": [], "cookies": [],
                         "content": {"size": 2, "mimeType": "text/plain", "text": "no"}, "redirectURL": "", "headersSize": -1,
                         "bodySize": 2}}


def har(*entries: dict) -> bytes:
    return json.dumps({"log": {"version": "1.2", "creator": {"name": "test", "version": "1"}, "entries": list(entries)}}).encode()


def in_base64(body: bytes) -> dict:
    return {"text": base64.b64encode(body).decode(), "encoding": "base64"}
