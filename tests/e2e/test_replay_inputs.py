"""replay-webhook: what it reads. Captures, archives, ngrok's inspector, logs, made-up events, and what of each cannot be sent."""

import json
import os
import re
import resource
import time

import pytest

from receivers import SIGNED_HEADERS, Receiver, always, checks, inspector
from replay_runs import BODY, ROOT, Replay, closed_port, har, har_entry, in_base64, only, recorded
from serve_process import SECRET, Delivery, call_event, delivery_of


@pytest.fixture
def replay(callchain):
    return Replay(callchain)


@pytest.fixture
def receiver():
    """An honest one."""
    with Receiver(checks()) as running:
        yield running


def test_standard_input(replay, receiver):
    assert replay("-", "--to", receiver.url, stdin=recorded().request()).code == 0
    assert only(receiver).body == BODY


def test_one_delivery_of_an_archive(replay, receiver):
    other = recorded(call_event("rtc_b"), "wh_b")
    archive = har(har_entry(recorded()), har_entry(other, in_base64(other.body)))
    name = replay.capture("deliveries.har", archive)
    done = replay(name, "--to", receiver.url)
    assert done.code == 2 and "--pick" in done.err and "wh_b" in done.err
    assert replay(name, "--to", receiver.url, "--pick", "2").code == 0
    assert replay(name, "--to", receiver.url, "--pick", "last").code == 0
    assert replay(name, "--to", receiver.url, "--pick", "all").code == 0
    assert [request.body for request in receiver.requests] == [other.body, other.body, BODY, other.body]
    assert replay(name, "--to", receiver.url, "--pick", "3").code == 2
    assert len(receiver.requests) == 4


def test_an_archive_says_where_its_body_may_not_be_what_was_sent(replay, receiver):
    done = replay(replay.capture("one.har", har(har_entry(recorded(), {"text": "{}"}))), "--to", receiver.url)
    assert done.code == 0 and "body" in done.err


def test_an_archive_without_deliveries_is_an_error(replay, receiver):
    entry = har_entry(recorded())
    entry["request"]["headers"] = [{"name": "Accept", "value": "*/*"}]
    done = replay(replay.capture("page.har", har(entry)), "--to", receiver.url)
    assert done.code == 2 and "1 request" in done.err and "hint:" in done.err


def test_the_inspector_of_ngrok(replay, receiver):
    other = recorded(b'{"a":1, "b" : "\xc3\xa9"}\n', "wh_b")
    with Receiver(inspector(recorded().request(), b"GET /favicon.ico HTTP/1.1\r\nHost: a\r\n\r\n", other.request())) as ngrok:
        done = replay("--from-ngrok", ngrok.origin, "--to", receiver.url)
        assert done.code == 2 and "--pick" in done.err
        assert replay("--from-ngrok", ngrok.origin, "--to", receiver.url, "--pick", "last").code == 0
        assert only(receiver).body == other.body
        assert replay("--from-ngrok", ngrok.origin + "/inspect/http", "--to", receiver.url, "--pick", "1", "--as-is").code == 1
        assert {request.method for request in ngrok.requests} == {"GET"}
        assert not [name for request in ngrok.requests for name in request.names() if name in ("authorization", "cookie")]
    assert receiver.requests[1].body == BODY
    assert receiver.requests[1].header("webhook-signature") == recorded().signature


@pytest.mark.parametrize(("behaviour", "word"), [
    (always(404), "404"), (always(200, b"<html>a tunnel</html>"), "ngrok"), (always(200, b'{"requests": []}'), "none"),
    (always(302, location="http://192.0.2.1/"), "302"),
])
def test_what_is_no_inspector_is_named(replay, behaviour, word):
    with Receiver(behaviour) as ngrok:
        done = replay("--from-ngrok", ngrok.origin, "--to", "http://127.0.0.1:1/")
    assert done.code == 2 and word in done.err and "hint:" in done.err
    assert len(ngrok.requests) == 1


def test_no_inspector_at_all(replay):
    done = replay("--from-ngrok", f"http://127.0.0.1:{closed_port()}", "--to", "http://127.0.0.1:1/")
    assert done.code in (2, 6) and "ngrok" in done.err and "running" in done.err


def test_the_record_line_of_a_log(replay, receiver):
    log = (ROOT / "samples/record-line/railway.jsonl").read_bytes()
    assert replay("--log", replay.capture("railway.jsonl", log), "--to", receiver.origin).code == 0
    request = only(receiver)
    assert request.target == "/openai/webhook" and json.loads(request.body)["type"] == "realtime.call.incoming"


def test_the_log_of_serve(replay, serve, receiver):
    running = serve(CALLCHAIN_RECORD="full", CALLCHAIN_SIDEBAND="off")
    deliveries = [delivery_of(f"rtc_{number}") for number in range(2)]
    for delivery in deliveries:
        delivery.signature = "v1," + "A" * 43 + "="
        assert running.deliver(delivery).status == 401
    running.logged("callchain webhook record", webhook_id=deliveries[1].webhook_id)
    log = running.log_path.name
    done = replay("--log", log, "--to", receiver.url)
    assert done.code == 2 and deliveries[0].webhook_id in done.err
    assert replay("--log", log, "--pick", "2", "--to", receiver.url, "--keep-id").code == 0
    assert only(receiver).body == deliveries[1].body
    assert only(receiver).header("webhook-id") == deliveries[1].webhook_id


def test_a_log_without_bodies_takes_the_body_by_itself(replay, serve, receiver):
    running = serve(CALLCHAIN_SIDEBAND="off")
    delivery = delivery_of("rtc_1")
    delivery.signature = "v1," + "A" * 43 + "="
    running.deliver(delivery)
    running.logged("refused delivery diagnosed")  # a second line about the same delivery
    done = replay("--log", running.log_path.name, "--to", receiver.url)
    assert done.code == 2 and "body" in done.err and "CALLCHAIN_RECORD=full" in done.err
    replay.capture("body.json", delivery.body)
    assert replay("--log", running.log_path.name, "--body", "body.json", "--to", receiver.url).code == 0
    assert only(receiver).body == delivery.body


@pytest.mark.parametrize("event", ["realtime.call.incoming", "live.transport.incoming"])
def test_a_made_up_event_is_well_formed(replay, callchain, receiver, event):
    signed = callchain.run("sign-webhook", "--event", event, OPENAI_WEBHOOK_SECRET=SECRET)
    assert signed.code == 0, signed.err
    assert replay("-", "--to", receiver.url, "--as-is", stdin=signed.out.encode()).code == 0
    assert replay("--event", event, "--to", receiver.url).code == 0
    for request in receiver.requests:
        document = json.loads(request.body)
        assert (document["type"], document["object"]) == (event, "event")
        assert abs(document["created_at"] - time.time()) < 60
        assert re.fullmatch(r"evt_\w+", document["id"]) and re.fullmatch(r"wh_[0-9a-f]{32}", request.header("webhook-id"))
        data = document["data"]
        assert re.fullmatch(r"rtc_\w+", data["call_id"]) if event.startswith("realtime") else re.fullmatch(r"live_\w+", data["session_id"])
        assert (data.get("type") == "sip") == event.startswith("live")
        names = [header["name"] for header in data["sip_headers"]]
        assert {"From", "To", "Call-ID", "Via"} <= set(names)
        assert request.body == json.dumps(document).encode()  # blanks as OpenAI writes them
    assert receiver.requests[0].body != receiver.requests[1].body


# Captures that cannot be sent


CHUNKED = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
CAPTURES = [
    ("empty", b"", "empty"),
    ("a body alone", BODY, "HTTP archive"),
    ("an answer", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "response"),
    ("no body", recorded(b"").request(), "no body"),
    ("no header", b"POST /openai/webhook HTTP/1.1\r\n\r\n", "no body"),
    ("a short body", recorded().request()[:-10], "Content-Length"),
    ("a long body", recorded().request() + b"more", "Content-Length says"),
    ("two requests", recorded().request() * 2, "second request"),
    ("a chunked body that breaks off in its first chunk", CHUNKED + b"9\r\nhello", "chunked"),
    ("a chunked body that breaks off in a later chunk", CHUNKED + b"5\r\nhello\r\n5\r\nwo", "chunked"),
    ("a chunked body that breaks off between chunks", CHUNKED + b"5\r\nhello\r\n", "chunked"),
    ("no colon", b"POST / HTTP/1.1\r\nno colon here\r\n\r\n{}", "colon"),
    ("two lengths", b"POST / HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", "Content-Length"),
    ("CONNECT", b"CONNECT a:443 HTTP/1.1\r\n\r\n{}", "CONNECT"),
    ("a control character", b"POST / HTTP/1.1\r\nX-A: b\x01c\r\nContent-Length: 2\r\n\r\n{}", "control character"),
    ("binary", bytes(range(256)), "capture"),
]


@pytest.mark.parametrize(("data", "word"), [row[1:] for row in CAPTURES], ids=[row[0] for row in CAPTURES])
def test_a_capture_that_is_no_whole_request_is_not_sent(replay, receiver, data, word):
    done = replay(replay.capture(data=data), "--to", receiver.url)
    assert done.code == 2 and not receiver.requests
    assert word in done.err and done.err.startswith("callchain: replay-webhook: capture.http") and "hint:" in done.err, done.err


def test_a_whole_chunked_body_is_sent_with_a_length(replay, receiver):
    head = recorded().request().partition(b"\r\n\r\n")[0].rpartition(b"\r\nContent-Length")[0]
    capture = head + b"\r\nTransfer-Encoding: chunked\r\n\r\n" + b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
    assert replay(replay.capture(data=capture), "--to", receiver.url, "--as-is").code == 1  # stale, else whole
    assert only(receiver).body == BODY


@pytest.mark.parametrize("missing", SIGNED_HEADERS)
def test_as_is_needs_all_three_headers(replay, receiver, missing):
    capture = b"\r\n".join(line for line in recorded().request().split(b"\r\n") if not line.startswith(missing.encode() + b":"))
    done = replay(replay.capture(data=capture), "--to", receiver.url, "--as-is")
    assert done.code == 2 and missing in done.err and not receiver.requests
    assert replay(replay.capture(data=capture), "--to", receiver.url).code == 0
    if missing == "webhook-id":
        done = replay(replay.capture(data=capture), "--to", receiver.url, "--keep-id")
        assert done.code == 2 and "no webhook-id to keep" in done.err


# A large archive


HAR_BYTES = 200 << 20
HAR_SECONDS = 20  # the bound of the test, on a busy machine; a run takes about one


def write_large_har(path, delivery: Delivery) -> None:
    """200 MB as a browser would export them: almost all of it is answers."""
    answer = json.dumps("x" * (1 << 20))
    padding = har_entry(Delivery(b"{}"))
    padding["request"]["headers"] = []
    with open(path, "w", encoding="ascii") as file:
        file.write('{"log": {"version": "1.2", "entries": [')
        while file.tell() < HAR_BYTES:
            padding["response"]["content"]["text"] = "@"
            file.write(json.dumps(padding).replace('"@"', answer) + ",\n")
        file.write(json.dumps(har_entry(delivery)) + "]}}")


def test_an_archive_of_200_mb(replay, receiver):
    write_large_har(replay.folder / "large.har", recorded())
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    begin = time.monotonic()
    done = replay("large.har", "--to", receiver.url)
    seconds = time.monotonic() - begin
    peak_kb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    os.unlink(replay.folder / "large.har")
    assert done.code == 0, done.err
    assert only(receiver).body == BODY
    assert seconds < HAR_SECONDS
    # The input and little else. A sanitizer's shadow memory is no measure of that.
    if not any(name in os.environ for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS")):
        assert peak_kb == before or peak_kb < 2 * HAR_BYTES // 1024, f"{peak_kb} kB"


def test_an_archive_with_very_many_deliveries_is_bounded(replay, receiver):
    entries = [har_entry(recorded(b"{}", f"wh_{number}")) for number in range(1_010)]
    done = replay(replay.capture("many.har", har(*entries)), "--to", receiver.url, "--pick", "7")
    assert done.code == 0 and "10 deliveries beyond the bounds were left out" in done.err
    assert only(receiver).body == b"{}"


@pytest.mark.parametrize("data", [
    b'{"log": {"_x": ' + b"[" * 200_000 + b"]" * 200_000 + b', "entries": []}}',
    b'{"log": {"entries": [' + b"{" * 100_000, b'{"log": {"entries": {}}}', b'{"log": 1}', b"{}",
    b'{"log": {"entries": [1, null, "x", {"request": []}, {"request": {"headers": 1, "postData": 7}}]}}',
    b'{"log": {"entries": [{"request": {"method": 1, "headers": [{"name": "webhook-id", "value": "x"}], "postData": {"text": "{}"}}}]}}',
], ids=["nested", "open", "no list", "no log", "empty", "odd entries", "no method"])
def test_an_archive_of_odd_shape_is_an_error(replay, receiver, data):
    done = replay(replay.capture("odd.har", data), "--to", receiver.url)
    assert done.code == 2 and "hint:" in done.err and not receiver.requests, done.out + done.err


def test_a_large_archive_that_was_cut_says_so(replay, receiver):
    data = har(har_entry(recorded()))[:-40]
    done = replay(replay.capture("cut.har", data), "--to", receiver.url)
    assert done.code == 2 and "ends early" in done.err and not receiver.requests


def test_pick_chooses_among_captures(replay, receiver):
    for number in (1, 2, 3):
        replay.capture(f"caps/{number}.http")
    assert "2.http" in replay("caps", "--pick", "02", "--as-is", "--to", receiver.url).out
    assert len(receiver.requests) == 1
    refused = replay("caps", "--pick", "4", "--as-is", "--to", receiver.url)
    assert refused.code == 2 and len(receiver.requests) == 1
