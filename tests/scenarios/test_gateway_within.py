"""One call at a time through `gateway run`, message by message: the password, the answers, what is asked within the call, both ways.

The program is named by the variable CALLCHAIN.
"""

import hashlib
import re

import pytest

from gateway import DTLS, NUMBER, OPUS_ONLY, PASSWORD, PLAIN, PLAIN_ANSWER, SDES, SDES_ANSWER, TWILIO_PASSWORD, TWILIO_USER
from peers import Baresip, free_port, kamailio
from raw_calls import ANSWER, OFFER, OUTWARD, SECURE_ANSWER, SECURE_OFFER, WHATSAPP_USER, call_out, hang_up, take, up
from raw_sip import Dialog, Message, called, invite, reply, session, until

# The password toward Twilio, judged by others.

@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_kamailio_takes_the_password(tmp_path, started, gateway, phone, algorithm):
    callee, caller = phone("UDP"), phone("UDP")
    _, port, _ = started_proxy(started, tmp_path, callee, TWILIO_PASSWORD, algorithm=algorithm)
    running = gateway("UDP", port)
    ours, other, request = up(caller, callee, running)
    hang_up(ours, other)
    # The proxy takes off what it has judged, and passes on no INVITE without it.
    assert not request.get("Proxy-Authorization") and callee.count("INVITE") == 1
    assert running.summaries()[0]["end"] == "hung_up_by_a"
    running.stop()


def started_proxy(started, folder, callee, password: str, **more):
    proxy = kamailio(folder, f"sip:127.0.0.1:{callee.port};transport=udp", password, **more)
    started(proxy[0])
    return proxy


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_kamailio_refuses_another_password(tmp_path, started, gateway, phone, algorithm):
    callee, caller = phone("UDP"), phone("UDP")
    _, port, _ = started_proxy(started, tmp_path, callee, "another password", algorithm=algorithm)
    running = gateway("UDP", port)
    invite(caller, running.port, OFFER)
    caller.expect("503 INVITE")
    summary, = running.summaries()
    assert (summary["end"], summary["twilio_error"]) == ("credentials_refused", "32202") and not callee.heard
    running.stop()


def test_baresip_calls_through_kamailio_over_tls(tmp_path, started, gateway, phone):
    callee = phone("UDP")
    _, _, port = started_proxy(started, tmp_path, callee, TWILIO_PASSWORD, tls=True)
    # baresip acknowledges at the Contact that it is told.
    own = free_port()
    running = gateway("TLS", port, CALLCHAIN_LISTEN=f"127.0.0.1:{own}", CALLCHAIN_ADVERTISE=f"127.0.0.1:{own}")
    baresip = started(Baresip(tmp_path, "TLS", "mediaenc=srtp-mand"))
    baresip.connect()
    baresip.command("dial", f"sip:+12145551869@127.0.0.1:{running.port}")
    request = callee.expect("INVITE")
    assert " RTP/SAVP " in request.body
    key = re.search(r"a=crypto:(\d+) AES_CM_128_HMAC_SHA1_80 inline:\S+", request.body)
    formats = re.search(r"m=audio \d+ RTP/SAVP (.*)", request.body)[1].split()
    assert set(formats) <= {"0", "8", "101"} and "0" in formats
    other = called(callee, request)
    lines = ["m=audio 50000 RTP/SAVP 0", "a=rtpmap:0 PCMU/8000",
             f"a=crypto:{key[1]} AES_CM_128_HMAC_SHA1_80 inline:ZUJDZGVmZ2hpSktMbU5PUHFSc1R1VndYeVphYmNk"]
    reply(request, "200 OK", other.contact, body=session(lines), tag="twilio")
    callee.expect("ACK")
    baresip.wait_for("CALL_ESTABLISHED")
    baresip.command("hangup")
    reply(callee.expect("BYE"), "200 OK")
    baresip.wait_for("CALL_CLOSED")
    assert running.summaries()[0]["end"] == "hung_up_by_a"
    running.stop()


# Answers to the INVITE, and none.

def test_an_offerless_call_takes_its_answer_from_the_ack(tmp_path, started, gateway, phone):
    callee, caller = phone("TLS"), phone("TLS")
    running = gateway("TLS", callee.port)
    # Twilio's side offers, and Meta's ACK answers.
    ours = invite(caller, running.port)
    request = callee.expect("INVITE")
    assert not request.body
    other = called(callee, request)
    reply(request, "200 OK", other.contact, body=SECURE_OFFER, tag="twilio")
    answered = caller.expect("200 INVITE")
    assert "m=audio 40000" in answered.body and "opus" not in answered.body
    callee.quiet(0.2)
    ours.established(answered)
    ours.request("ACK", body=SECURE_ANSWER)
    assert "m=audio 50000" in callee.expect("ACK").body
    hang_up(ours, other)
    assert running.summaries()[0]["end"] == "hung_up_by_a"
    running.stop()


def test_an_offerless_call_whose_offer_is_plain_is_refused_on_both_sides(tmp_path, started, gateway, phone):
    callee, caller = phone("UDP"), phone("UDP")
    running = gateway("UDP", callee.port)
    ours = invite(caller, running.port)
    other, _ = take(callee, OFFER)
    refused = caller.expect("488 INVITE")
    assert refused.get("Warning").startswith("30")
    ours.remote = refused.get("To")
    ours.request("ACK", branch=ours.branch)
    reply(callee.expect("BYE"), "200 OK")
    assert running.summaries()[0]["end"] == "answer_refused"
    running.stop()


def test_silence_behind_the_100_is_480(tmp_path, started, gateway, phone):
    callee, caller = phone("UDP"), phone("UDP")
    running = gateway("UDP", callee.port, CALLCHAIN_RING_SECONDS="1")
    invite(caller, running.port, OFFER)
    request = callee.expect("INVITE")
    reply(request, "100 Trying")
    caller.expect("480 INVITE", 10)
    cancel = callee.expect("CANCEL")
    reply(cancel, "200 OK", tag="twilio")
    reply(request, "487 Request Terminated", tag="twilio")
    callee.expect("ACK")
    assert running.summaries()[0]["end"] == "no_answer"
    running.stop()


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_each_repeat_of_the_200_is_acknowledged(tmp_path, started, gateway, phone, transport):
    callee, caller = phone(transport), phone(transport)
    running = gateway(transport, callee.port)
    ours = invite(caller, running.port, OFFER)
    request = callee.expect("INVITE")
    other = called(callee, request)
    for _ in range(3):
        reply(request, "200 OK", other.contact, body=ANSWER, tag="twilio")
        callee.expect("ACK")
    ours.established(caller.expect("200 INVITE"))
    ours.request("ACK")
    hang_up(ours, other)
    assert len(running.summaries()) == 1
    running.stop()


def test_the_second_answer_of_a_fork_is_ended(tmp_path, started, gateway, phone):
    callee, caller = phone("UDP"), phone("UDP")
    running = gateway("UDP", callee.port)
    ours = invite(caller, running.port, OFFER)
    request = callee.expect("INVITE")
    other = called(callee, request, "one")
    reply(request, "200 OK", other.contact, body=ANSWER, tag="one")
    assert ";tag=one" in callee.expect("ACK").get("To")
    reply(request, "200 OK", other.contact, body=ANSWER, tag="two")
    assert ";tag=two" in callee.expect("ACK").get("To")
    bye = callee.expect("BYE")
    assert ";tag=two" in bye.get("To")
    reply(bye, "200 OK")
    ours.established(caller.expect("200 INVITE"))
    ours.request("ACK")
    assert ";tag=one" in hang_up(ours, other).get("To")
    assert [one["end"] for one in running.summaries()] == ["hung_up_by_a"]
    running.stop()


def test_of_two_answers_the_last_counts(tmp_path, started, gateway, phone):
    callee, caller = phone("UDP"), phone("UDP")
    running = gateway("UDP", callee.port)
    ours = invite(caller, running.port, OFFER)
    request = callee.expect("INVITE")
    other = called(callee, request)
    reply(request, "183 Session Progress", other.contact, body=session(PLAIN_ANSWER, port=50002), tag="twilio")
    assert "m=audio 50002" in caller.expect("183 INVITE").body
    reply(request, "200 OK", other.contact, body=ANSWER, tag="twilio")
    callee.expect("ACK")
    answered = caller.expect("200 INVITE")
    assert "m=audio 50000" in answered.body
    ours.established(answered)
    ours.request("ACK")
    hang_up(ours, other)
    until(lambda: running.count("the answer differs from that of the 18x: the answer counts") == 1)
    running.stop()


def test_a_cancel_before_any_answer_waits_for_one(tmp_path, started, gateway, phone):
    callee, caller = phone("TCP"), phone("TCP")
    running = gateway("TCP", callee.port)
    ours = invite(caller, running.port, OFFER)
    request = callee.expect("INVITE")
    ours.request("CANCEL", branch=ours.branch)
    assert {caller.inbox.get(timeout=5).what for _ in range(3)} == {"100 INVITE", "200 CANCEL", "487 INVITE"}
    callee.quiet(0.3)
    reply(request, "180 Ringing", tag="twilio")
    reply(callee.expect("CANCEL"), "200 OK", tag="twilio")
    reply(request, "487 Request Terminated", tag="twilio")
    callee.expect("ACK")
    assert running.summaries()[0]["end"] == "cancelled"
    running.stop()


def test_an_answer_that_crosses_the_cancel_is_ended(tmp_path, started, gateway, phone):
    callee, caller = phone("TCP"), phone("TCP")
    running = gateway("TCP", callee.port)
    ours = invite(caller, running.port, OFFER)
    request = callee.expect("INVITE")
    other = called(callee, request)
    ours.request("CANCEL", branch=ours.branch)
    assert {caller.inbox.get(timeout=5).what for _ in range(3)} == {"100 INVITE", "200 CANCEL", "487 INVITE"}
    reply(request, "200 OK", other.contact, body=ANSWER, tag="twilio")
    callee.expect("ACK")
    reply(callee.expect("BYE"), "200 OK")
    caller.quiet(0.2)
    assert running.summaries()[0]["end"] == "cancelled"
    running.stop()


def test_a_challenge_without_end_ends(tmp_path, started, gateway, phone):
    callee, caller = phone("UDP"), phone("UDP")
    running = gateway("UDP", callee.port)
    invite(caller, running.port, OFFER)
    for count in range(2):
        request = callee.expect("INVITE")
        reply(request, "401 Unauthorized", f'WWW-Authenticate: Digest realm="sip.twilio.com", nonce="n{count}", qop="auth", algorithm=MD5',
              tag=f"c{count}")
        callee.expect("ACK")
    assert request.get("Authorization") and f'username="{TWILIO_USER}"' in request.get("Authorization")
    caller.expect("503 INVITE")
    callee.quiet(0.3)
    assert running.summaries()[0]["end"] == "credentials_refused"
    running.stop()


# Within the call.

def from_twilio(other: Dialog, method: str, what: str, body: str = "", *headers: str) -> Message:
    """What the gateway answers to a request of Twilio's in the call."""
    other.request(method, *headers, body=body)
    answer = other.phone.expect(f"{what} {method}")
    if method == "INVITE":
        other.request("ACK", branch=other.branch if what != "200" else "")
    return answer


@pytest.mark.parametrize("transport", ["UDP", "TCP", "TLS"])
def test_what_stands_is_answered_to_the_byte(tmp_path, started, gateway, phone, transport):
    callee, caller = phone(transport), phone(transport)
    running = gateway(transport, callee.port)
    ours, other, request = up(caller, callee, running)
    again = session(SDES_ANSWER if transport == "TLS" else PLAIN_ANSWER, version=2, port=50000)
    for method in ("INVITE", "UPDATE", "INVITE"):
        assert from_twilio(other, method, "200", again, other.contact).body == request.body
    # Without an offer it is asked what stands.
    other.request("INVITE", other.contact)
    assert callee.expect("200 INVITE").body == request.body
    other.request("ACK", body=again)
    moved = session(SDES_ANSWER if transport == "TLS" else PLAIN_ANSWER, version=3, port=50010)
    for method in ("UPDATE", "INVITE"):
        assert from_twilio(other, method, "488", moved, other.contact).get("Warning")
    assert from_twilio(other, "INFO", "415", "Signal=1")
    from_twilio(other, "MESSAGE", "405")
    caller.quiet(0.2)
    hang_up(ours, other)
    assert [one["end"] for one in running.summaries()] == ["hung_up_by_a"]
    running.stop()


def test_an_answer_that_moves_the_stream_ends_the_call(tmp_path, started, gateway, phone):
    callee, caller = phone("UDP"), phone("UDP")
    running = gateway("UDP", callee.port)
    _, other, _ = up(caller, callee, running)
    other.request("INVITE", other.contact)
    callee.expect("200 INVITE")
    other.request("ACK", body=session(PLAIN_ANSWER, version=2, port=50010))
    for side in (callee, caller):
        reply(side.expect("BYE"), "200 OK")
    assert running.summaries()[0]["end"] == "answer_refused"
    running.stop()


@pytest.mark.parametrize("transport", ["TCP", "TLS"])
def test_twilio_hangs_up_on_a_new_connection(tmp_path, started, gateway, phone, transport):
    callee, caller = phone(transport), phone(transport)
    # Twilio's address is on no list, and its BYE belongs to a call.
    running = gateway(transport, callee.port, CALLCHAIN_ALLOW="127.0.0.1/32")
    _, other, _ = up(caller, callee, running)
    other.line = callee.line(running.port, source="127.0.0.2")
    other.request("BYE", "x-wa-meta-call-duration: 7")
    bye = callee.expect("200 BYE")
    assert bye.line is other.line
    reply(caller.expect("BYE"), "200 OK")
    assert running.summaries()[0]["end"] == "hung_up_by_b"
    running.stop()


@pytest.mark.parametrize("transport", ["TCP", "TLS"])
@pytest.mark.parametrize("routed", [True, False], ids=["record-route", "contact"])
def test_meta_is_called_back_where_its_connection_is_gone(tmp_path, started, gateway, phone, transport, routed):
    callee, caller, proxy = phone(transport), phone(transport), phone(transport)
    running = gateway(transport, callee.port)
    route = f"<sip:127.0.0.1:{proxy.port};transport={transport.lower()};lr>"
    routes = [f"Record-Route: {route}", "Record-Route: <sip:[2001:db8::1];transport=tcp;lr>"]
    ours, other, _ = up(caller, callee, running, *(routes if routed else []))
    ours.line.close()
    other.request("BYE")
    callee.expect("200 BYE")
    bye = (proxy if routed else caller).expect("BYE")
    assert bye.uri == ours.contact.split("<")[1].rstrip(">")
    assert bye.get("From") == ours.remote and bye.get("To") == ours.local and bye.get("Call-ID") == ours.call_id
    if routed:
        assert bye.all("Route")[0].startswith(route)
    reply(bye, "200 OK")
    assert running.summaries()[0]["end"] == "hung_up_by_b"
    running.stop()


@pytest.mark.parametrize("transport", ["TCP", "TLS"])
def test_twilio_is_called_back_where_its_connection_is_gone(tmp_path, started, gateway, phone, transport):
    callee, caller = phone(transport), phone(transport)
    running = gateway(transport, callee.port)
    ours, other, _ = up(caller, callee, running)
    other.line.close()
    bye = hang_up(ours, other)
    assert bye.line is not other.line and bye.get("To") == other.local
    assert running.summaries()[0]["end"] == "hung_up_by_a"
    running.stop()


@pytest.mark.parametrize("transport", ["TCP", "TLS"])
def test_meta_gives_up_by_a_new_connection(tmp_path, started, gateway, phone, transport):
    # Its Via has a port that was good for the connection which is gone: there is no calling it back before it has a dialog.
    callee, caller = phone(transport), phone(transport)
    running = gateway(transport, callee.port)
    ours = invite(caller, running.port, SECURE_OFFER if transport == "TLS" else OFFER)
    request = callee.expect("INVITE")
    reply(request, "180 Ringing", tag="twilio")
    caller.expect("180 INVITE")
    ours.line.close()
    ours.line = caller.line(running.port)
    ours.request("CANCEL", branch=ours.branch)
    caller.expect("200 CANCEL")
    reply(callee.expect("CANCEL"), "200 OK", tag="twilio")
    reply(request, "487 Request Terminated", tag="twilio")
    callee.expect("ACK")
    assert running.summaries()[0]["end"] == "cancelled"
    running.stop()


@pytest.mark.parametrize("transport", ["TCP", "TLS"])
def test_the_answer_goes_where_the_invite_was_repeated(tmp_path, started, gateway, phone, transport):
    callee, caller = phone(transport), phone(transport)
    running = gateway(transport, callee.port)
    body = SECURE_OFFER if transport == "TLS" else OFFER
    ours = invite(caller, running.port, body)
    request = callee.expect("INVITE")
    other = called(callee, request)
    reply(request, "180 Ringing", tag="twilio")
    caller.expect("180 INVITE")
    ours.line.close()
    ours.line = caller.line(running.port)
    ours.request("INVITE", ours.contact, body=body, branch=ours.branch, cseq=1)
    until(lambda: caller.count("180 INVITE") == 2)
    reply(request, "200 OK", other.contact, body=SECURE_ANSWER if transport == "TLS" else ANSWER, tag="twilio")
    callee.expect("ACK")
    ours.established(caller.expect("200 INVITE", 5))
    ours.request("ACK")
    hang_up(ours, other)
    assert running.summaries()[0]["end"] == "hung_up_by_a"
    running.stop()


def test_a_bye_that_is_challenged_is_sent_again(tmp_path, started, gateway, phone):
    callee, caller = phone("UDP"), phone("UDP")
    running = gateway("UDP", callee.port)
    ours, _, _ = up(caller, callee, running)
    ours.request("BYE")
    caller.expect("200 BYE")
    bye = callee.expect("BYE")
    assert not bye.get("Proxy-Authorization")
    reply(bye, "407 Proxy Authentication Required", 'Proxy-Authenticate: Digest realm="sip.twilio.com", nonce="b", qop="auth", algorithm=MD5')
    again = callee.expect("BYE")
    assert f'uri="{again.uri}"' in again.get("Proxy-Authorization") and int(again.get("CSeq").split()[0]) > int(bye.get("CSeq").split()[0])
    reply(again, "200 OK")
    assert running.summaries()[0]["end"] == "hung_up_by_a"
    running.stop()


def test_the_nonce_is_good_for_the_next_call(tmp_path, started, gateway, phone):
    callee, caller = phone("UDP"), phone("UDP")
    running = gateway("UDP", callee.port)
    # Between the two calls stands the BYE, which has them too.
    for count, nonce in ((1, "first"), (3, "first"), (1, "second")):
        ours = invite(caller, running.port, OFFER)
        if count == 1:
            # The first call is challenged; and the third, whose nonce has grown old.
            challenge = f'Proxy-Authenticate: Digest realm="sip.twilio.com", nonce="{nonce}", qop="auth", algorithm=MD5'
            reply(callee.expect("INVITE"), "407 Proxy Authentication Required", challenge + ("" if nonce == "first" else ", stale=true"), tag="c")
            callee.expect("ACK")
        other, request = take(callee)
        told = request.get("Proxy-Authorization")
        assert f'nonce="{nonce}"' in told and f"nc={count:08}" in told
        ours.established(caller.expect("200 INVITE"))
        ours.request("ACK")
        hang_up(ours, other)
    assert {one["end"] for one in running.summaries(3)} == {"hung_up_by_a"}
    running.stop()


def test_a_bye_of_twilio_waits_for_the_ack_of_meta(tmp_path, started, gateway, phone):
    # RFC 3261 section 15: who was called sends no BYE before the ACK.
    callee, caller = phone("UDP"), phone("UDP")
    running = gateway("UDP", callee.port)
    ours = invite(caller, running.port, OFFER)
    other, _ = take(callee)
    ours.established(caller.expect("200 INVITE"))
    other.request("BYE")
    callee.expect("200 BYE")
    caller.quiet(0.2)
    ours.request("ACK")
    reply(caller.expect("BYE"), "200 OK")
    assert running.summaries()[0]["end"] == "hung_up_by_b"
    running.stop()


def test_twilio_is_asked_whether_the_call_stands(tmp_path, started, gateway, phone):
    callee, caller = phone("UDP"), phone("UDP")
    running = gateway("UDP", callee.port, CALLCHAIN_KEEPALIVE_SECONDS="1")
    up(caller, callee, running)
    reply(callee.expect("OPTIONS", 5), "200 OK")
    caller.quiet(0.2)
    reply(callee.expect("OPTIONS", 5), "481 Call/Transaction Does Not Exist")
    reply(caller.expect("BYE"), "200 OK")
    reply(callee.expect("BYE"), "481 Call/Transaction Does Not Exist")
    assert running.summaries()[0]["end"] == "lost"
    running.stop()


def test_a_call_ends_after_its_time(tmp_path, started, gateway, phone):
    callee, caller = phone("TCP"), phone("TCP")
    running = gateway("TCP", callee.port, CALLCHAIN_MAX_CALL_SECONDS="1")
    up(caller, callee, running)
    for side in (caller, callee):
        reply(side.expect("BYE", 5), "200 OK")
    assert running.summaries()[0]["end"] == "too_long"
    running.stop()


# What is refused, and what crosses.

# The codes: RFC 3261 section 20.43. 302: the transport protocol does not fit; 305: the formats.
@pytest.mark.parametrize(("lines", "code", "says"), [
    (DTLS, "302", "srtp_key_exchange_protocol"), (OPUS_ONLY, "305", "PCMU"), (PLAIN, "302", "Secure Media")], ids=["dtls", "opus", "plain"])
def test_the_warning_of_a_488_names_the_setting(tmp_path, started, gateway, phone, lines, code, says):
    callee, caller = phone("TLS"), phone("TLS")
    running = gateway("TLS", callee.port)
    invite(caller, running.port, session(lines))
    warning = caller.expect("488 INVITE").get("Warning")
    assert warning.startswith(code) and says.lower() in warning.lower(), warning
    callee.quiet(0.1)
    running.stop()


def test_secure_media_off_is_named_to_who_offers_keys(tmp_path, started, gateway, phone):
    callee, caller = phone("UDP"), phone("UDP")
    running = gateway("UDP", callee.port)
    invite(caller, running.port, SECURE_OFFER)
    warning = caller.expect("488 INVITE").get("Warning")
    assert warning.startswith("3") and "Secure Media" in warning, warning
    running.stop()


def test_both_sides_get_what_is_left_of_a_session(tmp_path, started, gateway, phone):
    callee, caller = phone("TLS"), phone("TLS")
    running = gateway("TLS", callee.port)
    offer = session(SDES)
    ours = invite(caller, running.port, offer)
    request = callee.expect("INVITE")
    assert "m=audio 40000 RTP/SAVP 0 8 126\r\n" in request.body and "opus" not in request.body
    other = called(callee, request)
    reply(request, "200 OK", other.contact, body=SECURE_ANSWER + "a=x-of-twilio:1\r\n", tag="twilio")
    callee.expect("ACK")
    answered = caller.expect("200 INVITE")
    # The key crosses as it is, or nobody hears anybody.
    for line in ("m=audio 50000 RTP/SAVP 0 126\r\n", SDES_ANSWER[-1] + "\r\n", "a=rtpmap:0 PCMU/8000\r\n"):
        assert line in answered.body
    assert answered.get("Content-Type") == "application/sdp" and "o=- 7 1 IN IP4 127.0.0.1\r\n" in answered.body
    ours.established(answered)
    ours.request("ACK")
    hang_up(ours, other)
    running.stop()


WRONG_ANSWERS = {
    "a codec that was not offered": session(["m=audio 50000 RTP/SAVP 18", "a=rtpmap:18 G729/8000", SDES_ANSWER[-1]]),
    "no key": session([line for line in SDES_ANSWER if "crypto" not in line]),
    "a key of another tag": session([*SDES_ANSWER[:-1], SDES_ANSWER[-1].replace("crypto:1", "crypto:2")]),
    "another profile": session(PLAIN_ANSWER),
    "two streams": session([*SDES_ANSWER, "m=video 50002 RTP/SAVP 96"]),
    "nothing": "",
}


@pytest.mark.parametrize("name", WRONG_ANSWERS)
def test_an_answer_that_does_not_fit_ends_the_call_on_both_sides(tmp_path, started, gateway, phone, name):
    callee, caller = phone("TLS"), phone("TLS")
    running = gateway("TLS", callee.port)
    invite(caller, running.port, SECURE_OFFER)
    take(callee, WRONG_ANSWERS[name])
    reply(callee.expect("BYE"), "200 OK")
    assert caller.expect("488 INVITE").get("Warning").startswith("399")
    assert running.summaries()[0]["end"] == "answer_refused"
    running.stop()


SCOPED_USER = "US.13491208655302741918"
OF_WHATSAPP = ["x-wa-meta-wacid: wacid.made-up", "X-Wa-Meta-Cta_Payload: made-up", "X-FB-External-Domain: wa.meta.vc", "Privacy: id",
               "P-Asserted-Identity: <sip:+12195550714@wa.meta.vc>", "Diversion: <sip:1@wa.meta.vc>", "Supported: 100rel, timer"]


@pytest.mark.parametrize("passed", ["off", "on"])
def test_what_crosses_to_twilio(tmp_path, started, gateway, phone, passed):
    callee, caller = phone("UDP"), phone("UDP")
    running = gateway("UDP", callee.port, CALLCHAIN_PASS_WHATSAPP_HEADERS=passed)
    ours = invite(caller, running.port, OFFER, *OF_WHATSAPP, caller=f"<sip:{SCOPED_USER}@wa.meta.vc>")
    other, request = take(callee)
    ours.established(caller.expect("200 INVITE"))
    ours.request("ACK")
    assert request.get("From").startswith(f"<sip:{SCOPED_USER}@127.0.0.1") and request.get("X-Callchain-Caller") == SCOPED_USER
    crossed = {name.lower(): value for name, value in request.headers if name.lower().startswith("x-wa-")}
    assert crossed == ({"x-wa-meta-wacid": "wacid.made-up", "x-wa-meta-cta-payload": "made-up"} if passed == "on" else {})
    names = {name.lower() for name, _ in request.headers}
    assert not names & {"x-fb-external-domain", "privacy", "p-asserted-identity", "diversion", "supported", "record-route"}
    assert len(request.all("Via")) == 1 and request.get("Max-Forwards") == "69"
    hang_up(ours, other)
    running.stop()


# From Twilio to WhatsApp.

def challenged_by_meta(meta) -> tuple[Message, Message]:
    """The INVITE as it first came to Meta's side, and with its answer to the challenge."""
    first = meta.expect("INVITE")
    reply(first, "407 Proxy Authentication Required", 'Proxy-Authenticate: Digest realm="wa.meta.vc", nonce="m", qop="auth", algorithm=MD5', tag="c")
    meta.expect("ACK")
    return first, meta.expect("INVITE")


@pytest.mark.parametrize("transport", ["UDP", "TLS"])
def test_twilio_calls_a_whatsapp_user(tmp_path, started, gateway, phone, transport):
    meta, twilio = phone(transport), phone(transport)
    running = gateway(transport, free_port(), CALLCHAIN_META_DOMAIN=f"127.0.0.1:{meta.port}", **OUTWARD)
    ours = call_out(twilio, running, SECURE_OFFER)
    first, request = challenged_by_meta(meta)
    assert not first.get("Proxy-Authorization")
    told = request.get("Proxy-Authorization")
    assert f'username="{NUMBER}"' in told and f'uri="{request.uri}"' in told
    secret, method = (hashlib.md5(text.encode()).hexdigest() for text in (f"{NUMBER}:wa.meta.vc:{PASSWORD}", f"INVITE:{request.uri}"))
    nonce_count, cnonce = re.search(r"nc=(\w+)", told)[1], re.search(r'cnonce="([^"]+)"', told)[1]
    assert hashlib.md5(f"{secret}:m:{nonce_count}:{cnonce}:auth:{method}".encode()).hexdigest() in told
    assert request.uri == f"sip:{WHATSAPP_USER}@127.0.0.1:{meta.port}" + (";transport=tls" if transport == "TLS" else "")
    assert request.get("From").startswith(f"<sip:+{NUMBER}@{'localhost' if transport == 'TLS' else '127.0.0.1'}>;")
    if transport == "TLS":
        assert request.line.way.selected_alpn_protocol() is None
    other = called(meta, request, "whatsapp")
    reply(request, "180 Ringing", tag="whatsapp")
    reply(request, "200 OK", other.contact, body=SECURE_ANSWER, tag="whatsapp")
    meta.expect("ACK")
    twilio.expect("180 INVITE")
    ours.established(twilio.expect("200 INVITE"))
    ours.request("ACK")
    hang_up(ours, other)
    summary, = running.summaries()
    assert summary["end"] == "hung_up_by_a" and summary["direction"] == "twilio-to-meta"
    running.stop()


def test_a_403_of_meta_is_passed_on_and_explained(tmp_path, started, gateway, phone):
    meta, twilio = phone("UDP"), phone("UDP")
    running = gateway("UDP", free_port(), CALLCHAIN_META_DOMAIN=f"127.0.0.1:{meta.port}", **OUTWARD)
    call_out(twilio, running, SECURE_OFFER)
    _, request = challenged_by_meta(meta)
    text = "No approved call permission from the recipient"
    reply(request, f"403 {text}", f'Warning: 399 wa.meta.vc "{text}"', tag="whatsapp")
    refused = twilio.expect("403 INVITE")
    assert text in refused.start and text in refused.get("Warning")
    told = running.wait_for("Meta refused the call")
    assert told["status"] == "403" and text in told["warning"] and "Meta says" in told["meaning"]
    assert running.summaries()[0]["status"] == "403"
    running.stop()


def test_there_are_no_calls_to_whatsapp_unless_they_are_set(tmp_path, started, gateway, phone):
    meta, twilio, other = phone("UDP"), phone("UDP"), phone("UDP")
    running = gateway("UDP", other.port, CALLCHAIN_META_DOMAIN=f"127.0.0.1:{meta.port}", META_SIP_USERNAME=NUMBER, META_SIP_PASSWORD=PASSWORD)
    call_out(twilio, running, SECURE_OFFER)
    twilio.expect("403 INVITE")
    for side in (meta, other):
        side.quiet(0.1)
    running.stop()
