"""How `gateway run` is operated: what it tells a balancer, its limits, draining, certificates, a proxy in front, and its trace.

The program is named by the variable CALLCHAIN.
"""

import contextlib
import json
import re
import signal
import socket
import struct

import pytest

from gateway import NUMBER, PASSWORD, SDES, SDES_ANSWER, TWILIO_PASSWORD, shown
from peers import certificates, free_port
from raw_calls import OFFER, OUTWARD, SECURE_OFFER, call_out, hang_up, take, up
from raw_sip import Dialog, credentials, invite, reply, session, until


def options(phone, port: int, what: str = "200"):
    asking = Dialog(phone, phone.line(port), "asked-by-a-balancer", "<sip:balancer@127.0.0.1>;tag=1", "<sip:127.0.0.1>", "sip:127.0.0.1")
    asking.request("OPTIONS")
    return phone.expect(f"{what} OPTIONS")


def test_options_tell_how_many_calls_there_are(tmp_path, started, gateway, phone):
    callee, caller, asking = phone("UDP"), phone("UDP"), phone("UDP")
    running = gateway("UDP", callee.port, CALLCHAIN_MAX_CALLS="7")
    assert options(asking, running.port).get("X-Callchain-Calls") == "0/7"
    ours, other, _ = up(caller, callee, running)
    assert options(asking, running.port).get("X-Callchain-Calls") == "1/7"
    running.process.send_signal(signal.SIGTERM)
    running.wait_for("draining: no new calls are taken")
    assert options(asking, running.port, "503").get("Retry-After") == "10"
    hang_up(ours, other)
    running.ended(0)


def test_calls_come_no_faster_than_set(tmp_path, started, gateway, phone):
    callee, caller = phone("UDP"), phone("UDP")
    running = gateway("UDP", callee.port, CALLCHAIN_CALLS_PER_SECOND="1")
    first = invite(caller, running.port, OFFER)
    second = invite(caller, running.port, OFFER)
    other, _ = take(callee)
    answers = [caller.inbox.get(timeout=5) for _ in range(3)]
    refused, = (one for one in answers if one.get("Call-ID") == second.call_id)
    assert refused.what == "503 INVITE" and refused.get("Retry-After")
    first.established(next(one for one in answers if one.what == "200 INVITE"))
    first.request("ACK")
    hang_up(first, other)
    assert running.metrics()['callchain_gateway_admissions_total{what="too_fast"}'] == 1
    running.stop()


def test_a_call_that_comes_back_is_a_loop(tmp_path, started, gateway, phone):
    callee, caller = phone("UDP"), phone("UDP")
    running = gateway("UDP", callee.port)
    ours, other, request = up(caller, callee, running)
    again = invite(callee, running.port, OFFER, f"X-Callchain-Id: {request.get('X-Callchain-Id')}")
    assert callee.expect("482 INVITE").get("Call-ID") == again.call_id
    assert "TwiML" in running.wait_for("a call came back to the gateway that it left: a loop")["remedy"]
    hang_up(ours, other)
    assert len(running.summaries()) == 1
    running.stop()


def test_one_request_by_two_ways_is_merged(tmp_path, started, gateway, phone):
    callee, caller = phone("UDP"), phone("UDP")
    running = gateway("UDP", callee.port)
    ours = invite(caller, running.port, OFFER)
    other, _ = take(callee)
    ours.established(caller.expect("200 INVITE"))
    target, remote, ours.target, ours.remote = ours.target, ours.remote, f"sip:+{NUMBER}@127.0.0.1:{running.port}", f"<sip:+{NUMBER}@127.0.0.1>"
    ours.request("INVITE", ours.contact, body=OFFER, cseq=1)
    caller.expect("482 INVITE")
    ours.target, ours.remote = target, remote
    ours.request("ACK")
    hang_up(ours, other)
    running.stop()


def test_the_time_for_draining_ends_calls_on_both_sides(tmp_path, started, gateway, phone):
    callee, caller = phone("TCP"), phone("TCP")
    running = gateway("TCP", callee.port, CALLCHAIN_DRAIN_SECONDS="1")
    up(caller, callee, running)
    running.process.send_signal(signal.SIGTERM)
    for side in (caller, callee):
        reply(side.expect("BYE", 10), "200 OK")
    assert running.summaries()[0]["end"] == "stopped"
    running.ended(1)


def test_without_tls_there_is_nothing_to_read_again(tmp_path, started, gateway):
    running = gateway("UDP", free_port())
    running.process.send_signal(signal.SIGHUP)
    running.wait_for("no TLS here: there is no certificate to read again")
    assert running.count("certificate read again") == 0
    assert running.metrics()['callchain_gateway_certificate_reloads_total{result="done"}'] == 0
    running.stop()


def test_certificate_files_are_watched(tmp_path, started, gateway, phone):
    callee, caller = phone("TLS"), phone("TLS")
    running = gateway("TLS", callee.port)
    ours, other, _ = up(caller, callee, running)
    before = shown(running.port)
    (tmp_path / "server.pem").write_text("no certificate\n")
    running.process.send_signal(signal.SIGHUP)
    running.wait_for("the certificate could not be read again; the old one stays in use")
    assert shown(running.port) == before
    certificates(tmp_path)
    # Nobody says so: the files are looked at every 10 s.
    until(lambda: running.count("certificate read again"), 12)
    assert shown(running.port) != before
    metrics = running.metrics()
    assert [metrics[f'callchain_gateway_certificate_reloads_total{{result="{one}"}}'] for one in ("failed", "done")] == [1, 1]
    hang_up(ours, other)
    running.stop()


# A proxy in front.

def told_v1(address: str) -> bytes:
    return f"PROXY TCP4 {address} 127.0.0.1 40000 5060\r\n".encode()


def told_v2(address: str) -> bytes:
    # Signature; version 2 and PROXY; TCP over IPv4; twelve bytes: both addresses and ports.
    addresses = socket.inet_aton(address) + socket.inet_aton("127.0.0.1")
    return b"\r\n\r\n\0\r\nQUIT\n" + bytes([0x21, 0x11]) + struct.pack("!H8sHH", 12, addresses, 40000, 5060)


@pytest.mark.parametrize("told", [told_v1, told_v2], ids=["v1", "v2"])
def test_the_list_is_held_against_the_address_that_the_proxy_tells(tmp_path, started, gateway, phone, told):
    callee, caller = phone("TCP"), phone("TCP")
    running = gateway("TCP", callee.port, CALLCHAIN_PROXY_PROTOCOL_FROM="127.0.0.0/8", CALLCHAIN_ALLOW="192.0.2.0/24")
    line = caller.line(running.port)
    line.send(told("192.0.2.7"))
    ours = invite(caller, running.port, OFFER, line=line)
    other, _ = take(callee)
    ours.established(caller.expect("200 INVITE"))
    ours.request("ACK")
    hang_up(ours, other)
    stranger = caller.line(running.port)
    stranger.send(told("198.51.100.7"))
    invite(caller, running.port, OFFER, line=stranger)
    assert stranger.gone.wait(5)
    caller.quiet(0.1)
    # And what should have a header has one.
    headless = caller.line(running.port)
    invite(caller, running.port, OFFER, line=headless)
    assert headless.gone.wait(5)
    assert running.metrics()['callchain_gateway_admissions_total{what="not_allowed"}'] == 1
    running.stop()


# Settings of who calls as whom.

def test_each_number_has_a_password_of_its_own(tmp_path, started, gateway, phone):
    callee, caller = phone("UDP"), phone("UDP")
    running = gateway("UDP", callee.port, META_SIP_USERNAME="12145551869,4930123456", META_SIP_PASSWORD="first-Passw0rd,second-Passw0rd")
    for number, user, password, what in (
            ("+12145551869", "12145551869", "first-Passw0rd", "200"), ("+4930123456", "4930123456", "second-Passw0rd", "200"),
            ("+4930123456", "4930123456", "first-Passw0rd", "403"), ("+4930123456", "12145551869", "first-Passw0rd", "403")):
        ours = invite(caller, running.port, OFFER, number=number)
        told = credentials(caller.expect("407 INVITE"), "INVITE", ours.target, user, password)
        ours.request("INVITE", ours.contact, told, body=OFFER)
        if what == "200":
            other, _ = take(callee)
            ours.established(caller.expect("200 INVITE"))
            ours.request("ACK")
            hang_up(ours, other)
        else:
            caller.expect(f"{what} INVITE")
    assert len(running.summaries(2)) == 2
    running.stop()


@pytest.mark.parametrize(("settings", "expected"), [
    ({}, ["sip:bridge@", 'From: "12195550714" <sip:+12195550714@', "X-Callchain-Caller: +12195550714", "RTP/AVP 0 8 126\r\n"]),
    ({"CALLCHAIN_TWILIO_FROM": "username"}, ["From: <sip:gateway01@", "X-Callchain-Caller: +12195550714"]),
    ({"CALLCHAIN_TWILIO_FROM": "+4930123456"}, ["From: <sip:+4930123456@"]),
    ({"CALLCHAIN_PASS_CALLER": "off"}, ['From: "12195550714" <sip:+12195550714@', "!X-Callchain-Caller"]),
    ({"TWILIO_DESTINATION": ""}, [f"INVITE sip:+{NUMBER}@"]),
    ({"CALLCHAIN_KEEP_CODECS": "PCMU"}, ["RTP/AVP 0\r\n", "!PCMA", "!telephone-event"]),
], ids=lambda one: " ".join(one) if isinstance(one, dict) else "")
def test_what_twilio_is_told(tmp_path, started, gateway, phone, settings, expected):
    callee, caller = phone("UDP"), phone("UDP")
    running = gateway("UDP", callee.port, **settings)
    ours, other, request = up(caller, callee, running, answer=session(["m=audio 50000 RTP/AVP 0"]))
    text = request.data.decode()
    for one in expected:
        assert (one.lstrip("!") in text) is not one.startswith("!"), text
    hang_up(ours, other)
    running.stop()


def test_strict_mode_wants_a_certificate_of_the_caller(tmp_path, started, gateway, phone):
    callee, caller, stranger = phone("TLS"), phone("TLS", shows_certificate=True), phone("TLS")
    running = gateway("TLS", callee.port, CALLCHAIN_CLIENT_CA_FILE=str(tmp_path / "ca.pem"))
    with contextlib.suppress(OSError):
        invite(stranger, running.port, SECURE_OFFER)
    until(lambda: stranger.lines[0].gone.is_set())
    assert not stranger.heard
    ours, other, _ = up(caller, callee, running)
    hang_up(ours, other)
    assert running.wait_for("call")["client_certificate"] == "CN=server"
    running.stop()
    # Without the authority of its own the same certificate is nobody's.
    running = gateway("TLS", callee.port)
    ours, other, _ = up(caller, callee, running)
    hang_up(ours, other)
    assert running.wait_for("call")["client_certificate"] == "CN=server (not verified)"
    running.stop()


# The trace, and what stands nowhere.

def lines_of(path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_trace_of_one_call_and_its_switch(tmp_path, started, gateway, phone):
    callee, caller = phone("UDP"), phone("UDP")
    running = gateway("UDP", callee.port, CALLCHAIN_TRACE_CALL="+491701234567")
    trace = tmp_path / "trace.jsonl"
    hang_up(*up(caller, callee, running)[:2])
    assert not lines_of(trace)
    traced = "<sip:+491701234567@wa.meta.vc>"

    def call() -> Dialog:
        ours = invite(caller, running.port, OFFER, caller=traced)
        other, _ = take(callee)
        ours.established(caller.expect("200 INVITE"))
        ours.request("ACK")
        hang_up(ours, other)
        return ours
    ours = call()
    until(lambda: any("BYE" in one["message"].splitlines()[0] and one["direction"] == "sent" for one in lines_of(trace)))
    whole = lines_of(trace)
    assert {one["direction"] for one in whole} == {"received", "sent"} and {one["transport"] for one in whole} == {"UDP"}
    assert {one["call_id"] for one in whole} >= {ours.call_id} and len({one["call_id"] for one in whole}) == 2
    for count, word in ((1, "trace off"), (2, "trace on")):
        running.process.send_signal(signal.SIGUSR1)
        running.wait_for(word, count)
        before = len(lines_of(trace))
        call()
        assert (len(lines_of(trace)) > before) is (word == "trace on")
    running.stop()


def test_no_secret_stands_anywhere(tmp_path, started, gateway, phone):
    meta, twilio = phone("TLS"), phone("TLS")
    running = gateway("TLS", twilio.port, CALLCHAIN_LOG_LEVEL="debug", CALLCHAIN_META_DOMAIN=f"127.0.0.1:{meta.port}", **OUTWARD)
    responses = []

    def challenged(side, request) -> None:
        challenge = 'Proxy-Authenticate: Digest realm="made.up", nonce="n", qop="auth", algorithm=MD5'
        reply(request, "407 Proxy Authentication Required", challenge, tag="c")
        side.expect("ACK")

    # Meta calls, challenged here, and Twilio challenges us.
    ours = invite(meta, running.port, SECURE_OFFER)
    asked = meta.expect("407 INVITE")
    told = credentials(asked, "INVITE", ours.target, NUMBER, PASSWORD)
    ours.request("INVITE", ours.contact, told, body=SECURE_OFFER)
    challenged(twilio, twilio.expect("INVITE"))
    other, request = take(twilio, session(SDES_ANSWER, port=50000))
    ours.established(meta.expect("200 INVITE"))
    ours.request("ACK")
    moved = session(SDES_ANSWER, version=2, port=50010)
    other.request("INVITE", other.contact, body=moved)
    twilio.expect("488 INVITE")
    hang_up(ours, other)
    responses += [told, request.get("Proxy-Authorization")]
    # A wrong password, and a call the other way.
    wrong = invite(meta, running.port, SECURE_OFFER)
    told = credentials(meta.expect("407 INVITE"), "INVITE", wrong.target, NUMBER, "a-wrong-Passw0rd")
    wrong.request("INVITE", wrong.contact, told, body=SECURE_OFFER)
    meta.expect("403 INVITE")
    out = call_out(twilio, running, SECURE_OFFER)
    challenged(meta, meta.expect("INVITE"))
    far, request = take(meta, session(SDES_ANSWER, port=50000))
    out.established(twilio.expect("200 INVITE"))
    out.request("ACK")
    hang_up(out, far)
    responses += [told, request.get("Proxy-Authorization")]
    running.summaries(2)
    trace = (tmp_path / "trace.jsonl").read_text()
    everything = trace + json.dumps(running.events) + json.dumps(list(running.metrics()))
    assert trace.count("a=crypto:1 AES_CM_128_HMAC_SHA1_80") >= 4 and trace.count("Digest username") >= 4
    secrets = [TWILIO_PASSWORD, PASSWORD, OUTWARD["CALLCHAIN_OUTWARD_PASSWORD"], "a-wrong-Passw0rd"]
    secrets += [re.search(r"inline:(\S+)", lines[-1])[1] for lines in (SDES, SDES_ANSWER)]
    secrets += [re.search(r'response="(\w{32})"', one)[1] for one in responses]
    assert len(secrets) == 10
    for one in secrets:
        assert one not in everything
    running.stop()
