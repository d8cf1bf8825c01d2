"""POST /openai/webhook: which deliveries are taken, and what is made of each."""

import gzip
import json
import time

import pytest

from serve_process import OTHER_SECRET, SECRET, Delivery, call_event, delivery_of, request, signature


@pytest.fixture
def running(serve):
    return serve(CALLCHAIN_SIDEBAND="off")


def aged(seconds: int, call_id: str = "rtc_1") -> Delivery:
    return Delivery(call_event(call_id), timestamp=str(int(time.time()) - seconds))


# Taken


def test_a_call_is_accepted_once_with_what_is_configured(serve, openai):
    running = serve(OPENAI_REALTIME_MODEL="gpt-realtime-2", OPENAI_REALTIME_INSTRUCTIONS="Fale português.",
                    OPENAI_REALTIME_VOICE="marin")
    reply = running.deliver(delivery_of("rtc_u1_0123"))
    assert reply.outcome() == (200, "accepted")
    assert reply.headers["content-type"] == "application/json"
    [accept] = openai.actions("rtc_u1_0123")
    assert accept.path == "/v1/realtime/calls/rtc_u1_0123/accept"
    body = accept.json()
    assert (body["type"], body["model"], body["instructions"]) == ("realtime", "gpt-realtime-2", "Fale português.")
    assert body["audio"] == {"output": {"voice": "marin"}}
    assert [tool["name"] for tool in body["tools"]] == ["end_call"]
    assert accept.headers["authorization"] == f"Bearer {openai.key}"
    assert accept.headers["content-type"] == "application/json"


@pytest.mark.parametrize("kind", ["live.transport.incoming", "live.call.incoming"])
def test_a_live_call_goes_to_the_api_of_live(serve, openai, kind):
    running = serve(OPENAI_LIVE_MODEL="gpt-live-1-mini", OPENAI_REALTIME_VOICE="cedar", CALLCHAIN_SIDEBAND="off")
    # The type decides, not how the id begins: both ids of one call once were the same.
    assert running.deliver(delivery_of("rtc_1", kind=kind)).outcome() == (200, "accepted")
    [accept] = openai.requests
    assert accept.path == "/v1/live/sessions/rtc_1/accept"
    session = accept.json()["session"]
    assert (session["type"], session["model"], session["audio"]) == ("live", "gpt-live-1-mini", {"output": {"voice": "cedar"}})


@pytest.mark.parametrize("kind", ["response.completed", "batch.failed", "something.new"])
def test_any_other_event_is_acknowledged_and_ignored(running, openai, kind):
    body = json.dumps({"id": "evt_1", "object": "event", "type": kind, "created_at": 1, "data": {"id": "resp_1"}}).encode()
    assert running.deliver(Delivery(body)).outcome() == (200, "ignored")
    assert not openai.requests


@pytest.mark.parametrize("between", [" ", "   ", "\t", " \t "])
@pytest.mark.parametrize("place", [0, 1])
def test_one_of_two_signatures_is_enough(running, openai, between, place):
    delivery = delivery_of("rtc_1")
    both = [signature(delivery.body, delivery.webhook_id, delivery.timestamp, secret=OTHER_SECRET)]
    both.insert(place, delivery.signature)
    delivery.signature = between.join(both)
    assert running.deliver(delivery).outcome() == (200, "accepted")
    assert len(openai.actions("rtc_1", "accept")) == 1


@pytest.mark.parametrize("configured", [
    f"{SECRET},{OTHER_SECRET}", f"{SECRET}\n{OTHER_SECRET}\n", f'"{SECRET}","{OTHER_SECRET}"', f'"{SECRET}, {OTHER_SECRET}"',
    f"'{SECRET}' , '{OTHER_SECRET}'", f"\ufeff{SECRET},“{OTHER_SECRET}”",
], ids=["comma", "lines", "each quoted", "all quoted", "blanks", "byte-order mark"])
def test_each_secret_of_a_list_may_have_signed(serve, openai, configured):
    running = serve(OPENAI_WEBHOOK_SECRET=configured, CALLCHAIN_SIDEBAND="off")
    for secret, call_id in ((SECRET, "rtc_1"), (OTHER_SECRET, "rtc_2")):
        delivery = delivery_of(call_id)
        delivery.signature = signature(delivery.body, delivery.webhook_id, delivery.timestamp, secret=secret)
        assert running.deliver(delivery).outcome() == (200, "accepted")
    assert len(openai.requests) == 2


def test_a_secret_without_its_prefix_is_the_key_itself_as_in_the_sdks(serve):
    running = serve(OPENAI_WEBHOOK_SECRET=SECRET.removeprefix("whsec_"), CALLCHAIN_SIDEBAND="off")
    assert running.deliver(delivery_of("rtc_1")).status == 401
    assert "secret_prefix_missing" in running.logged("webhook secret")["remarks"]


@pytest.mark.parametrize("age", [290, -290])
def test_five_minutes_are_allowed_both_ways(running, age):
    assert running.deliver(aged(age)).outcome() == (200, "accepted")


def test_header_names_are_taken_in_any_case(running):
    delivery = delivery_of("rtc_1")
    names = [(name.upper(), value) for name, value in delivery.all_headers()]
    assert running.exchange(request("POST", "/openai/webhook", names, delivery.body)).outcome() == (200, "accepted")


@pytest.mark.parametrize("target", ["/openai/webhook/", "/openai/webhook?source=openai"])
def test_a_slash_or_a_query_behind_the_path_is_no_hindrance(running, target):
    delivery = delivery_of("rtc_1")
    assert running.exchange(request("POST", target, delivery.all_headers(), delivery.body)).outcome() == (200, "accepted")


def test_the_id_goes_into_the_path_escaped(running, openai):
    assert running.deliver(delivery_of("rtc_1&x=+;:@")).outcome() == (200, "accepted")
    [accept] = openai.requests
    assert accept.path == "/v1/realtime/calls/rtc_1%26x%3D%2B%3B%3A%40/accept"


# Refused


def refused(running, delivery: Delivery, code: str) -> None:
    reply = running.deliver(delivery)
    assert (reply.status, reply.json()["detail"]) == (401, code)
    record = running.logged("callchain webhook record", verdict=code)
    assert record["webhook_id"] == delivery.webhook_id
    assert not running.log("call accepted") and not running.log("call summary")


@pytest.mark.parametrize("age, code", [(310, "timestamp_too_old"), (-310, "timestamp_too_new"), (86_400, "timestamp_too_old")])
def test_a_delivery_out_of_time_is_refused(running, openai, age, code):
    refused(running, aged(age), code)
    assert not openai.requests


def test_a_forged_delivery_that_is_stale_as_well_is_told_as_forged(running):
    delivery = aged(1_000)
    delivery.signature = signature(delivery.body, delivery.webhook_id, delivery.timestamp, secret=OTHER_SECRET)
    refused(running, delivery, "signature_mismatch")


@pytest.mark.parametrize("change", ["secret", "body", "id", "timestamp", "version", "empty", "garbage", "truncated", "many"])
def test_a_bad_signature_is_refused(running, openai, change):
    delivery = delivery_of("rtc_1")
    now = delivery.timestamp
    if change == "secret":
        delivery.signature = signature(delivery.body, delivery.webhook_id, now, secret=OTHER_SECRET)
    elif change == "body":
        delivery.body = delivery.body + b"\n"
    elif change == "id":
        delivery.webhook_id += "0"
    elif change == "timestamp":
        delivery.timestamp = str(int(now) + 1)
    elif change == "version":
        delivery.signature = delivery.signature.replace("v1,", "v1a,")
    elif change == "garbage":
        delivery.signature = "v1,\xff\xfe" + "A" * 60
    elif change == "truncated":
        delivery.signature = delivery.signature[:-8]
    elif change == "many":
        delivery.signature = " ".join(["v1," + "A" * 43 + "="] * 400)
    else:
        delivery.signature = "v1,"
    data = request("POST", "/openai/webhook", [], None)[:-2]
    data += b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in delivery.all_headers())
    reply = running.exchange(data + b"Content-Length: %d\r\n\r\n" % len(delivery.body) + delivery.body)
    assert reply.outcome() == (401, "refused")
    assert not openai.requests


@pytest.mark.parametrize("timestamp", ["17x", "1.5", "-1", "0x10", "99999999999999999999", "１７６", "1 2"])
def test_a_timestamp_that_is_no_number_is_refused(running, openai, timestamp):
    delivery = Delivery(call_event("rtc_1"), timestamp=timestamp)
    reply = running.deliver(delivery)
    assert (reply.status, reply.json()["detail"]) == (401, "timestamp_malformed")
    assert not openai.requests


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize("times, code", [(0, "header_missing"), (2, "header_duplicated")])
def test_a_header_that_is_missing_or_repeated_is_refused(running, openai, name, times, code):
    delivery = delivery_of("rtc_1")
    headers = [header for header in delivery.all_headers() for _ in range(times if header[0] == name else 1)]
    reply = running.exchange(request("POST", "/openai/webhook", headers, delivery.body))
    assert (reply.status, reply.json()["detail"]) == (401, code)
    assert name in running.logged("callchain webhook record")["reason"]
    assert not openai.requests


def test_an_empty_webhook_id_is_refused(running):
    delivery = delivery_of("rtc_1")
    delivery.signature = signature(delivery.body, "", delivery.timestamp)
    delivery.webhook_id = ""
    assert running.deliver(delivery).outcome() == (401, "refused")


# Verified, and no use


@pytest.mark.parametrize("body", [
    b"", b"not json", b"[]", b'"text"', b'{"type": 7}', b'{"object": "event"}', b"{" * 100_000,
    b'{"type": "realtime.call.incoming"}',
    b'{"type": "realtime.call.incoming", "data": {"call_id": ""}}', b'{"type": "realtime.call.incoming", "data": {"call_id": 7}}',
    b'{"type": "live.transport.incoming", "data": {"type": "sip"}}',
    call_event("rtc_1/../rtc_2"), call_event("rtc%2F1"), call_event("../1"), call_event("rtc 1"), call_event("rtc_1?x"),
    call_event("rtc_é"),
], ids=["empty", "no JSON", "array", "string", "type is a number", "no type", "deep", "no data", "empty id", "id is a number",
        "no session id",
        "id with /", "id with %", "id is a path", "id with a blank", "id with ?", "id is not ASCII"])
def test_a_verified_delivery_that_is_no_usable_event_is_a_bad_request(running, openai, body):
    reply = running.deliver(Delivery(body))
    assert reply.outcome() == (400, "bad_event")
    assert running.logged("verified delivery is no usable event")["error"]
    assert not openai.requests


# The body is what was sent


def test_a_compressed_body_is_verified_as_it_was_sent(running):
    encoded = [("Content-Encoding", "gzip")]
    packed = gzip.compress(call_event("rtc_1"))
    assert running.deliver(Delivery(packed, headers=encoded)).outcome() == (400, "bad_event")
    of_plain = Delivery(call_event("rtc_1"), headers=encoded)
    of_plain.body = packed
    assert running.deliver(of_plain).outcome() == (401, "refused")


def test_a_content_coding_that_was_not_applied_changes_nothing(running):
    assert running.deliver(Delivery(call_event("rtc_1"), headers=[("Content-Encoding", "gzip")])).outcome() == (200, "accepted")


@pytest.mark.parametrize("body", [b"\xef\xbb\xbf", b"\r\n", b"\x00"])
def test_bytes_around_the_document_are_part_of_what_is_signed(running, body):
    delivery = delivery_of("rtc_1")
    delivery.body = body + delivery.body
    assert running.deliver(delivery).status == 401
