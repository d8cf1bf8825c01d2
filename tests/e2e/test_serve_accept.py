"""What `callchain serve` makes of a call's webhook: one accept, whatever happens, and an answer in time."""

import asyncio
import socket
import time

import pytest

from conftest import wait_until
from openai_standin import DECIDED, NOT_FOUND, Script, error
from serve_process import Delivery, call_event, delivery_of
from standin import Answer

# Each is tried by a few calls at once: a busy machine delays one of them now and then, a fault all of them.
TRIES = 3


@pytest.fixture
def running(serve):
    return serve(CALLCHAIN_SIDEBAND="off", CALLCHAIN_DRAIN_SECONDS="1")


def again(delivery: Delivery, age: int = 0, **changes) -> Delivery:
    """The delivery as a sender repeats it: time and signature are those of the attempt."""
    return Delivery(delivery.body, timestamp=str(int(time.time()) - age), **{"webhook_id": delivery.webhook_id, **changes})


# Faults of the API


@pytest.mark.parametrize("name, answers, outcome, attempts, answered", [
    ("hanging", [Answer(fault="hang")], None, 1, "pending"),
    ("slow", [Answer(delay=1.2)], "accepted", 1, "pending"),
    ("slow, and gone", [Answer(404, NOT_FOUND.body, NOT_FOUND.headers, delay=1.2), Answer()], "accepted", 2, "pending"),
    ("reset, then back", [Answer(fault="reset"), Answer()], "accepted", 2, "accepted"),
    ("wrong key", [error(401, "invalid_api_key")], "credential_refused", 1, "credential_refused"),
    ("not there yet", [NOT_FOUND, NOT_FOUND, Answer()], "accepted", 3, "pending"),
    ("gone", [NOT_FOUND], "call_gone", 4, "pending"),
    ("decided", [DECIDED], "decided_elsewhere", 1, "decided_elsewhere"),
    ("limited for a moment", [error(429, "rate_limit_exceeded", retry_after="0.1"), Answer()], "accepted", 2, "accepted"),
    ("limited for long", [error(429, "rate_limit_exceeded", retry_after="3600")], "rate_limited", 1, "rate_limited"),
    ("limited within the time", [error(429, "rate_limit_exceeded", retry_after="1"), Answer()], "accepted", 2, "pending"),
    ("broken for a moment", [error(500, "server_error"), Answer()], "accepted", 2, "accepted"),
    ("bad body", [error(400, "invalid_value", "Invalid voice")], "request_refused", 1, "request_refused"),
    ("another server", [Answer(302, headers={"Location": "https://login.example.com/"})], "unexpected_answer", 1,
     "unexpected_answer"),
])
def test_whatever_the_api_does_the_webhook_is_answered_within_a_second(running, openai, name, answers, outcome, attempts,
                                                                       answered):
    calls = [f"rtc_{number}" for number in range(TRIES)]
    openai.scripts |= {call: Script(accept=list(answers)) for call in calls}
    replies = running.deliver_all([delivery_of(call) for call in calls])
    assert min(reply.seconds for reply in replies) < 1.0, name
    for reply in replies:
        assert reply.status == 200
        assert reply.json()["outcome"] in (answered, "pending")
    assert answered in [reply.json()["outcome"] for reply in replies]
    for call in calls if outcome else []:
        summary = running.summary(call)
        assert summary["accept"] == outcome
        assert len(openai.actions(call, "accept")) == attempts
        assert summary["level"] == ("info" if outcome == "accepted" else "warn")


def test_an_api_that_is_down_or_hangs_is_given_up_ten_seconds_after_the_webhook(serve, openai, running):
    openai.scripts["rtc_hangs"] = Script(accept=[Answer(fault="hang")])
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        without_api = serve(OPENAI_BASE_URL=f"http://127.0.0.1:{unused.getsockname()[1]}/v1", CALLCHAIN_SIDEBAND="off")
        replies = without_api.deliver_all([delivery_of(f"rtc_{number}") for number in range(TRIES)])
        assert min(reply.seconds for reply in replies) < 1.0
        assert {reply.outcome() for reply in replies} == {(200, "pending")}
        running.deliver(delivery_of("rtc_hangs"))
        for service, call in ((without_api, "rtc_0"), (running, "rtc_hangs")):
            summary = service.summary(call, seconds=30)
            assert summary["accept"] in ("network_failure", "deadline_passed")
            # The longest wait between two attempts is 3 s: before 7 s the next one still fits.
            assert 7_000 <= summary["ended_ms"] < 15_000
            assert service.metric("callchain_accepts_total", outcome=summary["accept"]) >= 1
            failure = service.logged("call not accepted", call_id=call)
            assert failure["level"] == "error" and failure["error"] and failure["meaning"]


def test_the_404_of_an_old_event_is_final(running, openai):
    openai.scripts["rtc_1"] = Script(accept=[NOT_FOUND])
    reply = running.deliver(Delivery(call_event("rtc_1", created_at=int(time.time()) - 60)))
    assert reply.outcome() == (200, "call_gone")
    assert len(openai.actions("rtc_1", "accept")) == 1
    assert "call_gone" in running.summary("rtc_1")["explain"]


def test_a_refusal_is_logged_with_its_meaning_and_no_secret(running, openai):
    openai.scripts["rtc_1"] = Script(accept=[error(401, "invalid_api_key", f"Incorrect API key provided: {openai.key}\x1b[2J")])
    running.deliver(delivery_of("rtc_1"))
    line = running.logged("call not accepted")
    assert (line["status"], line["error_code"], line["request_id"]) == (401, "invalid_api_key", "req_standin")
    assert "\x1b" not in line["error"] and "API key" in line["meaning"]


# Once


@pytest.mark.parametrize("delay", [0.0, 0.4, 1.2])
def test_fifty_deliveries_of_one_call_are_one_accept(running, openai, delay):
    openai.scripts["rtc_1"] = Script(accept=[Answer(delay=delay)])
    first = delivery_of("rtc_1")
    others = [again(first, age=number % 3) for number in range(25)]
    others += [again(first, webhook_id=f"wh_other_{number}") for number in range(24)]  # a second endpoint
    replies = running.deliver_all([first, *others])
    assert {reply.status for reply in replies} == {200}
    assert {reply.json()["outcome"] for reply in replies} <= {"accepted", "duplicate", "pending"}
    running.summary("rtc_1")
    assert running.deliver(again(first)).outcome() == (200, "duplicate")
    assert len(openai.actions("rtc_1")) == 1
    assert running.metric("callchain_webhooks_total", result="call") == 1
    assert running.metric("callchain_webhooks_total", result="duplicate") == 50
    assert len(running.log("call summary")) == 1
    running.logged("duplicate delivery of a call: a retry", webhook_id=first.webhook_id)
    running.logged("duplicate delivery of a call under another webhook-id: a second endpoint delivers here")


def test_a_duplicate_of_a_call_that_was_not_accepted_is_not_tried_again(running, openai):
    openai.scripts["rtc_1"] = Script(accept=[error(400, "invalid_value"), Answer()])
    first = delivery_of("rtc_1")
    assert running.deliver(first).outcome() == (200, "request_refused")
    assert running.deliver(again(first)).outcome() == (200, "duplicate")
    assert len(openai.actions("rtc_1")) == 1


def test_the_same_id_at_both_apis_is_two_calls(running, openai):
    for kind, outcome in (("realtime.call.incoming", "accepted"), ("live.transport.incoming", "decided_elsewhere")):
        assert running.deliver(delivery_of("rtc_1", kind=kind)).outcome() == (200, outcome)
    assert len(openai.requests) == 2


def test_a_forged_delivery_takes_no_calls_place(running, openai):
    real = delivery_of("rtc_1")
    forged = again(real)
    forged.signature = "v1," + "A" * 43 + "="
    assert running.deliver(forged).outcome() == (401, "refused")
    assert running.deliver(real).outcome() == (200, "accepted")
    assert len(openai.actions("rtc_1")) == 1


# Load

CALLS, PER_SECOND, CONNECTIONS = 3_000, 300, 16


async def deliver_at_a_rate(port: int) -> list[int]:
    """Distinct calls over connections that are kept open, each sent when its time has come."""
    due = asyncio.Queue()
    statuses = []

    async def sender() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (number := await due.get()) is not None:
            writer.write(delivery_of(f"rtc_load_{number}").request())
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.split(b":")[1]))
            statuses.append(int(head.split(maxsplit=2)[1]))
        writer.close()

    senders = [asyncio.create_task(sender()) for _ in range(CONNECTIONS)]
    begin = time.monotonic()
    for number in range(CALLS):
        await asyncio.sleep(max(0.0, begin + number / PER_SECOND - time.monotonic()))
        due.put_nowait(number)
    for _ in senders:
        due.put_nowait(None)
    await asyncio.gather(*senders)
    return statuses


def test_no_call_of_three_thousand_is_lost(running, openai):
    statuses = asyncio.run(asyncio.wait_for(deliver_at_a_rate(running.port), 100))
    assert statuses == [200] * CALLS
    assert openai.wait_for(lambda: len(openai.requests) >= CALLS)
    accepted = [accept.path.split("/")[4] for accept in openai.requests]
    assert len(accepted) == CALLS and set(accepted) == {f"rtc_load_{number}" for number in range(CALLS)}
    assert wait_until(lambda: running.metric("callchain_active_calls") == 0)
    assert running.metric("callchain_accepts_total", outcome="done") == CALLS
    assert running.metric("callchain_log_lines_dropped") == 0
