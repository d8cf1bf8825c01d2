"""Calls through `gateway run` between SIPp as Meta and SIPp as Twilio: both ends and the log must count the same calls.

The program is named by the variable CALLCHAIN.
"""

import json
import signal
import time

import pytest

from gateway import AUTH_URI, DIGEST, DTLS, OPUS_ONLY, PASSWORD, PLAIN, meta, twilio, wait_until_up
from peers import TRANSPORTS, free_port


def dialled(tmp_path) -> int:
    """How many INVITEs the gateway sent to Twilio, by its trace."""
    lines = [json.loads(line) for line in (tmp_path / "trace.jsonl").read_text().splitlines()]
    return sum("INVITE sip:bridge@" in json.dumps(line) for line in lines)


@pytest.mark.parametrize(("transport", "calls"), [("TLS", 300), ("UDP", 60), ("TCP", 60)])
@pytest.mark.parametrize("ended_by", ["meta", "twilio"])
def test_calls_pass(tmp_path, started, gateway, transport, calls, ended_by):
    calls = calls if ended_by == "meta" else 60
    by_meta = ended_by == "meta"
    callee, port = twilio(tmp_path, started, "gateway_uas.xml" if by_meta else "gateway_uas_hangs_up.xml", transport, calls, talk="2000")
    running = gateway(transport, port)
    caller = meta(tmp_path, started, "gateway_uac.xml" if by_meta else "gateway_uac_waits.xml", running, calls, talk="2000")
    caller.done()
    callee.done()
    summaries = running.summaries(calls)
    assert len(summaries) == calls
    assert {one["end"] for one in summaries} == {"hung_up_by_a" if by_meta else "hung_up_by_b"}
    assert {one["ended_by"] for one in summaries} == {ended_by.capitalize()}
    assert {one["call_sid"] for one in summaries} == {"CA0123456789abcdef0123456789abcdef"}
    assert len({one["call_id_meta"] for one in summaries}) == len({one["call_id_twilio"] for one in summaries}) == calls
    assert running.metrics()[f'callchain_gateway_calls_total{{end="{summaries[0]["end"]}"}}'] == calls
    running.stop()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_meta_answers_the_challenge(tmp_path, started, gateway, transport):
    callee, port = twilio(tmp_path, started, "gateway_uas.xml", transport, 5)
    running = gateway(transport, port, **DIGEST)
    meta(tmp_path, started, "gateway_uac_digest.xml", running, 5, more=AUTH_URI, password=PASSWORD).done()
    callee.done()
    assert {one["end"] for one in running.summaries(5)} == {"hung_up_by_a"}
    assert running.metrics()['callchain_gateway_admissions_total{what="challenged"}'] == 5
    running.stop()


def test_the_wrong_password_is_403_and_ends_there(tmp_path, started, gateway):
    running = gateway("UDP", free_port(), **DIGEST)
    meta(tmp_path, started, "gateway_uac_wrong.xml", running, more=AUTH_URI, password="wrong").done()
    metrics = running.metrics()
    assert metrics['callchain_gateway_admissions_total{what="refused"}'] == 1
    assert dialled(tmp_path) == running.count("call summary") == 0
    running.stop()


# The status of Twilio, its error, what the caller gets, how the call ended.
REFUSALS = [
    ("403 Forbidden", 32201, 503, "refused"), ("403 Forbidden", 32204, 503, "refused"), ("404 Not Found", 0, 404, "refused"),
    ("480 Temporarily Unavailable", 0, 480, "refused"), ("486 Busy Here", 0, 486, "refused"), ("487 Request Terminated", 0, 487, "refused"),
    ("488 Not Acceptable Here", 32209, 488, "refused"), ("500 Server Internal Error", 0, 503, "refused"),
    ("503 Service Unavailable", 0, 503, "refused"), ("603 Decline", 0, 603, "refused"), ("302 Moved Temporarily", 0, 503, "refused"),
]


@pytest.mark.parametrize(("line", "error", "status", "end"), REFUSALS)
def test_twilio_refuses(tmp_path, started, gateway, line, error, status, end):
    header = f"X-Twilio-Error: {error} made up for the test\n" if error else ""
    callee, port = twilio(tmp_path, started, "gateway_uas_refuses.xml", "UDP", line=line, header=header)
    running = gateway("UDP", port)
    meta(tmp_path, started, "gateway_uac_refused.xml", running, status=str(status), expect="SIP", invite_at="5").done()
    callee.done()
    summary, = running.summaries()
    assert (summary["end"], summary["status"], summary["callee_status"]) == (end, str(status), line[:3])
    assert summary.get("twilio_error", "0") == str(error)
    running.stop()


def test_twilio_that_challenges_again_is_asked_no_third_time(tmp_path, started, gateway):
    callee, port = twilio(tmp_path, started, "gateway_uas_challenges.xml", "UDP")
    running = gateway("UDP", port)
    meta(tmp_path, started, "gateway_uac_refused.xml", running, status="503", expect="SIP", invite_at="5").done()
    callee.done()
    summary, = running.summaries()
    assert summary["end"] == "credentials_refused" and "32202" in json.dumps(summary)
    assert dialled(tmp_path) == 2
    running.stop()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_meta_gives_up_while_it_rings(tmp_path, started, gateway, transport):
    callee, port = twilio(tmp_path, started, "gateway_uas_cancelled.xml", transport, 5)
    running = gateway(transport, port)
    meta(tmp_path, started, "gateway_uac_cancel.xml", running, 5).done()
    callee.done()
    assert {one["end"] for one in running.summaries(5)} == {"cancelled"}
    running.stop()


def test_twilio_rings_too_long(tmp_path, started, gateway):
    callee, port = twilio(tmp_path, started, "gateway_uas_cancelled.xml", "UDP")
    running = gateway("UDP", port, CALLCHAIN_RING_SECONDS="1")
    meta(tmp_path, started, "gateway_uac_refused.xml", running, status="480", expect="SIP", invite_at="5").done()
    callee.done()
    assert [one["end"] for one in running.summaries()] == ["no_answer"]
    running.stop()


@pytest.mark.parametrize(("sdp", "setting"), [(DTLS, "sdes"), (OPUS_ONLY, ""), (PLAIN, "")], ids=["dtls", "opus", "plain"])
def test_an_offer_that_twilio_cannot_take_is_refused_before_dialling(tmp_path, started, gateway, sdp, setting):
    running = gateway("TLS", free_port())
    meta(tmp_path, started, "gateway_uac_refused.xml", running, sdp=sdp, status="488", expect="Warning: 3", invite_at="5").done()
    summary, = running.summaries()
    assert summary["end"] == "offer_refused" and setting in json.dumps(summary).lower()
    assert dialled(tmp_path) == 0
    running.stop()


def test_nobody_is_there(tmp_path, started, gateway):
    running = gateway("TCP", free_port())
    meta(tmp_path, started, "gateway_uac_refused.xml", running, status="504", expect="SIP", invite_at="5").done()
    assert [one["end"] for one in running.summaries()] == ["unreachable"]
    running.stop()


def test_the_second_call_of_one_is_503(tmp_path, started, gateway):
    callee, port = twilio(tmp_path, started, "gateway_uas.xml", "UDP", talk="1500")
    running = gateway("UDP", port, CALLCHAIN_MAX_CALLS="1")
    first = meta(tmp_path, started, "gateway_uac.xml", running, talk="1500")
    wait_until_up(running)
    meta(tmp_path, started, "gateway_uac_refused.xml", running, label="second", status="503", expect="Retry-After", invite_at="5").done()
    first.done()
    callee.done()
    assert running.metrics()['callchain_gateway_admissions_total{what="full"}'] == 1
    running.stop()


def test_sigterm_lets_the_call_finish_and_takes_no_other(tmp_path, started, gateway):
    callee, port = twilio(tmp_path, started, "gateway_uas.xml", "UDP")
    running = gateway("UDP", port)
    first = meta(tmp_path, started, "gateway_uac.xml", running, talk="3000")
    wait_until_up(running)
    running.process.send_signal(signal.SIGTERM)
    running.wait_for("draining: no new calls are taken")
    meta(tmp_path, started, "gateway_uac_refused.xml", running, label="second", status="503", expect="Retry-After", invite_at="5").done()
    first.done()
    callee.done()
    assert [one["end"] for one in running.summaries()] == ["hung_up_by_a"]
    running.ended(0)


def test_a_second_sigterm_hangs_up_on_both_sides(tmp_path, started, gateway):
    callee, port = twilio(tmp_path, started, "gateway_uas.xml", "UDP")
    running = gateway("UDP", port)
    caller = meta(tmp_path, started, "gateway_uac_waits.xml", running)
    wait_until_up(running)
    time.sleep(0.5)  # until the ACK has passed: before that the call ends otherwise
    running.process.send_signal(signal.SIGTERM)
    running.wait_for("draining: no new calls are taken")
    running.process.send_signal(signal.SIGTERM)
    caller.done()
    callee.done()
    assert [one["end"] for one in running.summaries()] == ["stopped"]
    running.ended(130)
