"""`simulate twilio|meta|openai` with SIPp on their SIP side. What they send is held against RFC 3261 and against the vendors' pages.

The program is named by the variable CALLCHAIN.
"""

import json
import re
import subprocess
import threading
import time
from hashlib import md5

import pytest

from gateway import DTLS, OPUS_ONLY, PLAIN, PLAIN_ANSWER, SDES, SDES_ANSWER
from peers import TRANSPORTS
from stand_in import Message, Service, SippSide, StandIn, called, caller, crypto_of, decide, session, twilio_signature, webhook_signature

TOKEN = "0123456789abcdef0123456789abcdef"
USER, PASSWORD = "gateway01", "Str0ngPassw0rd12"
TWILIO = {"TWILIO_AUTH_TOKEN": TOKEN}
DIGEST = {"TWILIO_SIP_USERNAME": USER, "TWILIO_SIP_PASSWORD": PASSWORD}
NUMBER, META_PASSWORD = "12145551869", "secret-of-meta"
META = {"META_SIP_USERNAME": NUMBER, "META_SIP_PASSWORD": META_PASSWORD}
SECRET, KEY, PROJECT = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "sk-of-a-test", "proj_0000000000000000000000ab"
OPENAI = {"OPENAI_API_KEY": KEY, "OPENAI_WEBHOOK_SECRET": SECRET, "OPENAI_PROJECT_ID": PROJECT}
SPOKEN = '<Response><Say>Hello.</Say><Pause length="60"/></Response>'


@pytest.fixture
def service():
    """service(path=answer): ended behind the test."""
    made: list[Service] = []

    def make(**answers) -> Service:
        made.append(Service(**answers))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def stand_in(tmp_path):
    """stand_in(kind, ...): ended behind the test."""
    running: list[StandIn] = []

    def start(kind: str, *arguments: str, **environment: str) -> StandIn:
        running.append(StandIn(tmp_path, kind, *arguments, **environment))
        return running[-1]

    yield start
    for one in running:
        one.kill()


@pytest.fixture
def twilio(stand_in, service):
    """twilio(transport, document): the SIP Domain, with Secure Media where it is TLS; and the service that gives the document."""
    def make(transport: str, document=SPOKEN, *arguments: str, secure: bool | None = None, **environment) -> tuple[StandIn, Service]:
        voice = service(voice=document, action="<Response/>", status="")
        media = "on" if (transport == "TLS" if secure is None else secure) else "off"
        one = stand_in("twilio", "--voice-url", f"{voice.url}/voice", "--transport", transport.lower(), "--secure-media", media, *arguments,
                       **TWILIO, **environment)
        return one, voice
    return make


def check_ack_of_refusal(invite: Message, refusal: Message, ack: Message) -> None:
    """Source: RFC 3261, section 17.1.1.3."""
    assert ack.all("Via") == invite.all("Via")[:1] and ack.start.split()[1] == invite.start.split()[1] and ack.cseq[0] == invite.cseq[0]
    assert (ack.one("From"), ack.one("To"), ack.one("Call-ID")) == (invite.one("From"), refusal.one("To"), invite.one("Call-ID"))


def offer_for(transport: str) -> list[str]:
    return SDES if transport == "TLS" else PLAIN


# ---- Twilio ----


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_twilio_challenges_rings_answers_and_takes_the_bye(tmp_path, started, twilio, transport):
    one, voice = twilio(transport, **DIGEST)
    gateway = caller(tmp_path, started, "stand_in_uac_digest.xml", transport, one.port, "bridge", "-auth_uri",
                     f"bridge@example.sip.twilio.com;transport={transport.lower()}", sdp=offer_for(transport), user=USER, password=PASSWORD)
    gateway.done()
    challenge, = gateway.received("407 INVITE")
    asked = challenge.one("Proxy-Authenticate")
    # Source: Twilio, "SIP interface": the realm; MD5 is what a challenge without an algorithm means as well.
    assert asked.startswith("Digest ") and 'realm="sip.twilio.com"' in asked and re.search(r'qop="auth"', asked)
    assert re.search(r"algorithm=(\w+)", asked + ",algorithm=MD5")[1] == "MD5"
    ringing, = gateway.received("180 INVITE")
    answer, = gateway.received("200 INVITE")
    assert ringing.tag("To") == answer.tag("To") != challenge.tag("To")
    sid = answer.one("X-Twilio-CallSid")
    assert re.fullmatch(r"CA[0-9a-f]{32}", sid) and answer.one("Server").startswith("Twilio")
    media = session(answer)
    assert media["m"][0].split()[2:] == ["RTP/SAVP" if transport == "TLS" else "RTP/AVP", "0", "126"]
    assert {"rtpmap:0 PCMU/8000", "rtpmap:126 telephone-event/8000"} <= set(media["a"])
    voiced, = voice.of("/voice")
    assert (voiced.field("CallSid"), voiced.field("SipUsername")) == (sid, USER)
    assert one.call()["ended_by"] == "caller"
    one.stop()


def test_twilio_answers_srtp_by_the_offered_line(tmp_path, started, twilio):
    one, _ = twilio("TLS")
    weak = "a=crypto:1 AES_256_CM_HMAC_SHA1_80 inline:" + "QUJD" * 15 + "QQ=="
    short = "a=crypto:7 AES_CM_128_HMAC_SHA1_32 inline:YUJDZGVmZ2hpSktMbU5PUHFSc1R1VndYeVphYmNk"
    gateway = caller(tmp_path, started, "stand_in_uac.xml", "TLS", one.port, "bridge", sdp=[*SDES[:-1], weak, short])
    gateway.done()
    line, = crypto_of(gateway.received("200 INVITE")[0])
    # The tag and the suite of the one that was chosen, with a key of its own. Source: RFC 4568, section 5.1.2.
    tag, suite, key = line.split()
    assert (tag, suite) == ("7", "AES_CM_128_HMAC_SHA1_32") and re.fullmatch(r"inline:[A-Za-z0-9+/]{40}", key) and key not in short
    one.stop()


def test_the_wrong_password_is_403(tmp_path, started, twilio):
    one, voice = twilio("UDP", **DIGEST)
    gateway = caller(tmp_path, started, "stand_in_uac_wrong.xml", "UDP", one.port, "bridge", sdp=PLAIN, user=USER, password="wrong",
                     expect="X-Twilio-Error: 32202 ")
    gateway.done()
    assert not voice.asked and (one.call()["refused_with"], one.call()["twilio_error"]) == (403, 32202)
    one.stop()


# Source: Twilio, error dictionary, 32102, 32103, 32207 to 32209, and "Secure Media": what the offer is, over what, Secure Media.
MEDIA = {
    "plain where it is on": (PLAIN, "TLS", True, 32208),
    "srtp where it is off": (SDES, "TCP", False, 32207),
    "dtls where it is on": (DTLS, "TLS", True, 32208),
    "not by TLS where it is on": (PLAIN, "UDP", True, 32209),
    "srtp, but not by TLS": (SDES, "TCP", True, 32209),
}


@pytest.mark.parametrize("name", MEDIA)
def test_twilio_refuses_media_that_it_does_not_take(tmp_path, started, twilio, name):
    offer, transport, secure, code = MEDIA[name]
    one, voice = twilio(transport, secure=secure)
    gateway = caller(tmp_path, started, "stand_in_uac_refused.xml", transport, one.port, "bridge", sdp=offer, status="488", expect=f"X-Twilio-Error: {code} ")
    gateway.done()
    assert not voice.asked and not gateway.received("180 INVITE")
    one.stop()


def test_twilio_refuses_opus_alone(tmp_path, started, twilio):
    one, _ = twilio("TLS")
    caller(tmp_path, started, "stand_in_uac_refused.xml", "TLS", one.port, "bridge", sdp=OPUS_ONLY, status="488", expect="SIP").done()
    one.stop()


# Source: Twilio, "SIP and TwiML": what these verbs are on a SIP leg.
@pytest.mark.parametrize(("document", "status"), [('<Response><Reject reason="busy"/></Response>', 486), ("<Response><Reject/></Response>", 404)])
def test_reject_is_a_status(tmp_path, started, twilio, document, status):
    one, _ = twilio("TCP", document)
    caller(tmp_path, started, "stand_in_uac_refused.xml", "TCP", one.port, "bridge", sdp=PLAIN, status=str(status), expect="SIP").done()
    one.stop()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_twilio_hangs_up_behind_the_last_verb(tmp_path, started, twilio, transport):
    one, _ = twilio(transport, "<Response><Say>Bye.</Say></Response>")
    gateway = caller(tmp_path, started, "stand_in_uac_waits.xml", transport, one.port, "bridge", sdp=offer_for(transport))
    gateway.done()
    invite, = gateway.sent("INVITE")
    answer, = gateway.received("200 INVITE")
    bye, = gateway.received("BYE")
    # Source: RFC 3261, section 12.2.1.1.
    assert bye.start == f"BYE {re.search('<(.*)>', invite.one('Contact'))[1]} SIP/2.0"
    assert (bye.one("From"), bye.one("To"), bye.one("Call-ID")) == (answer.one("To"), invite.one("From"), invite.one("Call-ID"))
    assert one.call()["ended_by"] == "twilio"
    one.stop()


# At 0, 0.5 and 1.5 s. Over UDP SIPp takes what comes again for a retransmission and does not count it.
AGAIN = {"UDP": '<pause milliseconds="2400"/>', "TCP": '<recv response="200"/> <recv response="200"/>'}


def test_twilio_repeats_its_200_until_the_ack(tmp_path, started, twilio):
    one, _ = twilio("UDP")
    gateway = caller(tmp_path, started, "stand_in_uac_late_ack.xml", "UDP", one.port, "bridge", sdp=PLAIN, again=AGAIN["UDP"])
    gateway.done()
    answers = gateway.received("200 INVITE")
    assert len(answers) == 3 and answers[0] == answers[1] == answers[2]
    one.stop()


def test_a_call_is_given_up_while_it_rings(tmp_path, started, twilio):
    over = threading.Event()
    one, _ = twilio("UDP", lambda _: SPOKEN if over.wait(20) else "")
    gateway = caller(tmp_path, started, "stand_in_uac_cancel.xml", "UDP", one.port, "bridge", sdp=PLAIN, other="100", provisional="180")
    gateway.done()
    over.set()
    # Source: RFC 3261, section 9.2.
    assert gateway.received("200 CANCEL")[0].tag("To") == gateway.received("487 INVITE")[0].tag("To") == gateway.received("180 INVITE")[0].tag("To")
    assert not one.call()["bridged"]
    one.stop()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_what_is_of_no_call(tmp_path, started, twilio, transport):
    one, voice = twilio(transport)
    gateway = caller(tmp_path, started, "stand_in_uac_outside.xml", transport, one.port, "bridge", sdp=offer_for(transport), expect="Unsupported: made-up")
    gateway.done()
    assert not voice.asked
    assert {"INVITE", "ACK", "BYE", "CANCEL"} <= set(gateway.received("200 OPTIONS")[0].one("Allow").replace(" ", "").split(","))
    one.stop()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_what_is_asked_within_a_call(tmp_path, started, twilio, transport):
    one, _ = twilio(transport)
    caller(tmp_path, started, "stand_in_uac_within.xml", transport, one.port, "bridge", sdp=offer_for(transport)).done()
    assert one.call()["ended_by"] == "caller"
    one.stop()


def test_the_voice_webhook_tells_of_the_invite(tmp_path, started, twilio):
    one, voice = twilio("TCP")
    gateway = caller(tmp_path, started, "stand_in_uac.xml", "TCP", one.port, "bridge", sdp=PLAIN,
                     headers="X-Note: b + c=d\nX-Note: Olá & tchau\nX-Note: b + c=d\nUser-to-User: 0123;encoding=hex\nSubject: not told\n")
    gateway.done()
    invite, = gateway.sent("INVITE")
    told, = voice.of("/voice")
    assert told.headers["content-type"].startswith("application/x-www-form-urlencoded")
    assert told.headers["x-twilio-signature"] == twilio_signature(TOKEN, f"{voice.url}/voice", told.fields())
    # Source: Twilio, "SIP and TwiML" and "TwiML for Programmable Voice", the parameters of a request.
    wanted = {"CallStatus": "ringing", "Direction": "inbound", "ApiVersion": "2010-04-01", "SipDomain": "example.sip.twilio.com", "SipSourceIp": "127.0.0.1",
              "SipCallId": invite.one("Call-ID"), "From": "sip:+12195550714@127.0.0.1", "To": "sip:bridge@example.sip.twilio.com",
              "SipHeader_User-to-User": "0123;encoding=hex"}
    assert {name: told.field(name) for name in wanted} == wanted
    assert (told.field("Caller"), told.field("Called")) == (told.field("From"), told.field("To"))
    assert set(told.fields()["SipHeader_X-Note"]) == {"b + c=d", "Olá & tchau"}
    assert re.fullmatch(r"AC[0-9a-f]{32}", told.field("AccountSid")) and re.fullmatch(r"SD[0-9a-f]{32}", told.field("SipDomainSid"))
    assert not [name for name in told.fields() if "Subject" in name]
    one.stop()


def test_a_url_with_credentials_is_signed(stand_in, service):
    """Source: the vectors in the tests of npm twilio and PyPI twilio."""
    voice = service(voice="<Response/>")
    known = "https://user:pass@other.example.com:8443/prefix/voice"
    one = stand_in("twilio", "--voice-url", f"{voice.url}/voice", "--public-url", known, "--place", "1", **TWILIO)
    one.ended(1)
    told, = voice.of("/voice")
    assert told.headers["x-twilio-signature"] == twilio_signature(TOKEN, known, told.fields())


def dialled(service_url: str, on_bridge: str, uri: str, noun: str = "") -> str:
    return (f'<Response><Dial callerId="+12145551869" answerOnBridge="{on_bridge}" action="{service_url}/action">'
            f'<Sip {noun}>{uri.replace("&", "&amp;")}</Sip></Dial></Response>')


@pytest.mark.parametrize(("secure", "on_bridge"), [(True, "true"), (False, "false")])
def test_twilio_dials(tmp_path, started, stand_in, service, secure, on_bridge):
    uri = f"sip:{PROJECT}@sip.api.openai.com;transport=tls;edge=sao-paulo{';secure=true' if secure else ''}?X-Note=a%3Bb%3D1&X-Twilio-Mine=no&X-Two=2"
    voice = service(voice=lambda _: dialled(voice.url, on_bridge, uri), action="<Response/>")
    early = stand_in("twilio", "--voice-url", f"{voice.url}/voice", **TWILIO)  # makes the authority of the peer's certificate
    early.stop()
    openai, port = called(tmp_path, started, "stand_in_uas.xml", "TLS", sdp=SDES_ANSWER if secure else PLAIN_ANSWER)
    one = stand_in("twilio", "--voice-url", f"{voice.url}/voice", "--openai", f"127.0.0.1:{port}", **TWILIO)
    gateway = caller(tmp_path, started, "stand_in_uac.xml", "TLS", one.port, "bridge", sdp=SDES, talk="300")
    gateway.done()
    openai.done()
    invite, = openai.received("INVITE")
    # Source: Twilio, "TwiML: Sip".
    target = invite.start.split()[1]
    assert target.startswith(f"sip:{PROJECT}@sip.api.openai.com") and ";transport=tls" in target and "?" not in target
    assert (invite.one("X-Note"), invite.one("X-Two"), invite.all("X-Twilio-Mine")) == ("a;b=1", "2", [])
    assert re.fullmatch(r"AC[0-9a-f]{32}", invite.one("X-Twilio-AccountSid")) and re.fullmatch(r"CA[0-9a-f]{32}", invite.one("X-Twilio-CallSid"))
    assert "<sip:+12145551869@" in invite.one("From") and "SIP/2.0/TLS" in invite.all("Via")[0]
    media = session(invite)
    assert media["m"][0].split()[2] == ("RTP/SAVP" if secure else "RTP/AVP") and "0" in media["m"][0].split()[3:] and "rtpmap:0 PCMU/8000" in media["a"]
    lines = crypto_of(invite)
    assert len(lines) == secure and all(re.fullmatch(r"1 AES_CM_128_HMAC_SHA1_80 inline:[A-Za-z0-9+/]{40}", line) for line in lines)
    # Within the other's dialog: RFC 3261, sections 12.2.1.1 and 13.2.2.4.
    answer, = openai.sent("200 INVITE")
    ack, = openai.received("ACK")
    bye, = openai.received("BYE")
    contact = re.search("<(.*)>", answer.one("Contact"))[1]
    assert (ack.start, bye.start) == (f"ACK {contact} SIP/2.0", f"BYE {contact} SIP/2.0")
    assert (ack.cseq[0], bye.cseq[0]) == (invite.cseq[0], invite.cseq[0] + 1) and len({one.branch() for one in (invite, ack, bye)}) == 3
    action, = voice.of("/action")
    wanted = {"DialCallStatus": "completed", "DialBridged": "true", "DialSipResponseCode": "200", "DialSipCallId": invite.one("Call-ID")}
    assert {name: action.field(name) for name in wanted} == wanted
    assert action.field("CallSid") == gateway.received("200 INVITE")[0].one("X-Twilio-CallSid")
    one.stop()


# Source: Twilio, "TwiML: Dial", DialCallStatus.
@pytest.mark.parametrize(("line", "status"), [("486 Busy Here", "busy"), ("603 Decline", "busy"), ("503 Service Unavailable", "failed")])
def test_a_dialled_leg_that_is_refused(tmp_path, started, stand_in, service, line, status):
    voice = service(voice=lambda _: dialled(voice.url, "true", "sip:a@example.com;transport=tls"), action='<Response><Reject reason="busy"/></Response>')
    stand_in("twilio", "--voice-url", f"{voice.url}/voice", **TWILIO).stop()
    openai, port = called(tmp_path, started, "stand_in_uas_refuses.xml", "TLS", line=line, header="X-Why: made up\nSubject: not told\n")
    one = stand_in("twilio", "--voice-url", f"{voice.url}/voice", "--openai", f"127.0.0.1:{port}", **TWILIO)
    gateway = caller(tmp_path, started, "stand_in_uac_refused.xml", "TLS", one.port, "bridge", sdp=SDES, status="486", expect="SIP")
    gateway.done()
    openai.done()
    invite, = openai.received("INVITE")
    check_ack_of_refusal(invite, openai.sent(f"{line[:3]} INVITE")[0], *openai.received("ACK"))
    action, = voice.of("/action")
    wanted = {"DialCallStatus": status, "DialBridged": "false", "DialSipResponseCode": line[:3], "DialSipHeader_X-Why": "made up"}
    assert {name: action.field(name) for name in wanted} == wanted and not [name for name in action.fields() if "Subject" in name]
    one.stop()


# ---- Meta ----


def meta_call(tmp_path, started, stand_in, name, transport, *arguments, talk="0.3", offer="", values=None, **environment) -> tuple[SippSide, StandIn, int]:
    """SIPp as the gateway that Meta calls, that stand-in, and the gateway's port."""
    if transport == "TLS":
        stand_in("openai", "--webhook", "http://127.0.0.1:9/", **OPENAI).stop()  # makes the authority of the peer's certificate
    gateway, port = called(tmp_path, started, name, transport, **{"sdp": SDES_ANSWER if transport == "TLS" else PLAIN_ANSWER, **(values or {})})
    one = stand_in("meta", f"127.0.0.1:{port}", "--transport", transport.lower(), "--talk", talk,
                   "--offer", offer or ("sdes-g711" if transport == "TLS" else "plain-g711"), *arguments, **environment)
    return gateway, one, port


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_meta_calls_and_hangs_up(tmp_path, started, stand_in, transport):
    gateway, one, port = meta_call(tmp_path, started, stand_in, "stand_in_uas.xml", transport, talk="1")
    one.ended(0)
    gateway.done()
    invite, = gateway.received("INVITE")
    # Source: Meta, "SIP Configuration Guide", the INVITE of a call of a user.
    assert re.fullmatch(rf"sip:\+{NUMBER}@127\.0\.0\.1(:{port})?(;transport={transport.lower()})?", invite.start.split()[1])
    assert (";transport=tls" in invite.start) == (transport == "TLS")
    vias = invite.all("Via")
    assert len(vias) == 3 and all(f"SIP/2.0/{transport} [" in via and ";branch=z9hG4bK" in via for via in vias) and ";rport" in vias[0]
    routes = invite.all("Record-Route")
    assert len(routes) == 2 and routes[1].startswith("<sip:onevc-sip-proxy.fbinfra.net:8191") and all(route.endswith(";lr>") for route in routes)
    names = [name.lower() for name, _ in invite.headers]
    assert names.index("via") < names.index("record-route")
    assert re.fullmatch(r'"12195550714" <sip:\+12195550714@wa\.meta\.vc>;tag=\S+', invite.one("From"))
    assert invite.one("To").startswith(f"<sip:+{NUMBER}@127.0.0.1")
    assert re.fullmatch(r"<sip:\+12195550714@wa\.meta\.vc(;transport=\w+)?;ob>;isfocus", invite.one("Contact"))
    wacid = re.fullmatch(r"outgoing:(wacid\.\S+)", invite.one("Call-ID"))[1]
    wanted = {"X-FB-External-Domain": "wa.meta.vc", "Allow": "INVITE, ACK, BYE, CANCEL, NOTIFY, OPTIONS", "User-Agent": "Facebook SipGateway",
              "Max-Forwards": "69", "x-wa-meta-wacid": wacid}
    assert {name: invite.one(name) for name in wanted} == wanted
    assert not invite.all("Supported") and not invite.all("Require") and not invite.all("Session-Expires")
    bye, = gateway.received("BYE")
    sent = gateway.sent("200 INVITE")[0]
    assert bye.start == f"BYE {re.search('<(.*)>', sent.one('Contact'))[1]} SIP/2.0" and bye.cseq[0] > invite.cseq[0]
    assert (bye.one("From"), bye.one("To")) == (invite.one("From"), sent.one("To"))
    assert len(bye.all("Via")) == 3 and len(bye.all("Record-Route")) == 2 and bye.one("x-wa-meta-wacid") == wacid
    assert re.fullmatch(r"[12]", bye.one("x-wa-meta-call-duration"))
    # Record-Routes of its own proxies are no routes of its own requests.
    ack, = gateway.received("ACK")
    assert not ack.all("Route") and not bye.all("Route") and ack.cseq[0] == invite.cseq[0] and ack.branch() != invite.branch()


# Source: Meta, "SIP Configuration Guide" and "Call settings": the profile, the formats, lines that are there, and that are not.
ONE_KEY, OF_DTLS = r"^a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:[A-Za-z0-9+/]{40}$", r"^a=(ice-|candidate|fingerprint|setup|rtcp-fb)"
OFFERS = {
    "sdes-g711": ("RTP/SAVP", {"111", "0", "8", "126"}, ONE_KEY, OF_DTLS),
    "sdes-opus": ("RTP/SAVP", {"111", "126"}, ONE_KEY, OF_DTLS),
    "dtls-opus": ("UDP/TLS/RTP/SAVPF", {"111", "126"}, r"^a=fingerprint:sha-256 [0-9A-F]{2}(:[0-9A-F]{2}){31}$", r"^a=crypto"),
}


@pytest.mark.parametrize("offer", OFFERS)
def test_meta_offers(tmp_path, started, stand_in, offer):
    profile, formats, there, absent = OFFERS[offer]
    gateway, one, _ = meta_call(tmp_path, started, stand_in, "stand_in_uas_refuses.xml", "UDP", offer=offer,
                                values={"line": "488 Not Acceptable Here", "header": 'Warning: 305 gateway "made up"\n'})
    one.ended(1)
    gateway.done()
    invite, = gateway.received("INVITE")
    media = session(invite)
    audio, = media["m"]
    assert (audio.split()[2], set(audio.split()[3:])) == (profile, formats)
    assert {"rtpmap:111 opus/48000/2", "rtpmap:126 telephone-event/8000", "rtcp-mux", "ptime:20", "maxptime:20"} <= set(media["a"])
    lines = "\n".join(invite.body.splitlines())
    assert len(re.findall(there, lines, re.MULTILINE)) == 1 and not re.search(absent, lines, re.MULTILINE)
    if there == ONE_KEY:
        assert invite.body.index("a=crypto") < invite.body.index("a=rtpmap")
    else:
        assert {"ice-lite", "setup:actpass"} <= set(media["a"])
    check_ack_of_refusal(invite, gateway.sent("488 INVITE")[0], *gateway.received("ACK"))
    call = one.call()
    assert (call["status"], call["warning"]) == (488, '305 gateway "made up"')


def digest_parameters(header: str) -> dict[str, str]:
    assert header.startswith("Digest ")
    return {name: value.strip('"') for name, value in re.findall(r'(\w+)=("[^"]*"|[^",\s]+)', header)}


def expected_response(given: dict[str, str], password: str, method: str) -> str:
    """Source: RFC 7616, section 3.4.1, for MD5 and qop=auth."""
    def hashed(*parts: str) -> str:
        return md5(":".join(parts).encode()).hexdigest()
    secret = hashed(given["username"], given["realm"], password)
    return hashed(secret, given["nonce"], given["nc"], given["cnonce"], given["qop"], hashed(method, given["uri"]))


@pytest.mark.parametrize(("kind", "transport"), [("407", "UDP"), ("407", "TLS"), ("401", "TCP")])
def test_meta_answers_a_challenge(tmp_path, started, stand_in, transport, kind):
    line, header, answered = {"407": ("407 Proxy Authentication Required", "Proxy-Authenticate", "Proxy-Authorization"),
                              "401": ("401 Unauthorized", "WWW-Authenticate", "Authorization")}[kind]
    challenge = f'{header}: Digest realm="sip.twilio.com",nonce="abcdef0123456789",opaque="0123",qop="auth"'
    gateway, one, port = meta_call(tmp_path, started, stand_in, "stand_in_uas_challenges.xml", transport, values={"line": line, "challenge": challenge}, **META)
    one.ended(0)
    gateway.done()
    first, second = gateway.received("INVITE")
    given = digest_parameters(second.one(answered))
    # Source: Meta, "SIP Configuration Guide": the number without a plus, and a uri without the transport.
    assert re.fullmatch(rf"sip:\+{NUMBER}@127\.0\.0\.1(:{port})?", given["uri"])
    wanted = {"username": NUMBER, "realm": "sip.twilio.com", "nonce": "abcdef0123456789", "opaque": "0123", "qop": "auth", "nc": "00000001"}
    assert {name: given[name] for name in wanted} == wanted and "algorithm" not in given
    assert given["response"] == expected_response(given, META_PASSWORD, "INVITE")
    assert f'uri="{given["uri"]}"' in second.one(answered) and f"nc={given['nc']}" in second.one(answered) and "qop=auth" in second.one(answered)
    # The same call again. Source: RFC 3261, section 22.2; of the SDP, Meta.
    assert (second.one("Call-ID"), second.one("From"), second.cseq[0], second.body) == (first.one("Call-ID"), first.one("From"), first.cseq[0] + 1, first.body)
    assert second.one("To") == first.one("To") and second.branch() != first.branch() and not first.all(answered)
    check_ack_of_refusal(first, gateway.sent(f"{kind} INVITE")[0], gateway.received("ACK")[0])


def test_sipp_verifies_the_credentials_of_meta(tmp_path, started, stand_in):
    gateway, one, _ = meta_call(tmp_path, started, stand_in, "stand_in_uas_verifies.xml", "TCP", values={"user": NUMBER, "password": META_PASSWORD}, **META)
    one.ended(0)
    gateway.done()


def test_meta_does_not_ask_for_ever(tmp_path, started, stand_in):
    challenge = 'Proxy-Authenticate: Digest realm="sip.twilio.com",nonce="abcdef0123456789",qop="auth"'
    gateway, one, _ = meta_call(tmp_path, started, stand_in, "stand_in_uas_refuses.xml", "UDP",
                                values={"line": "407 Proxy Authentication Required", "header": challenge + "\n"})
    one.ended(1)
    gateway.done()
    assert (one.call()["status"], len(gateway.received("INVITE"))) == (407, 1)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_meta_gives_up_while_it_rings(tmp_path, started, stand_in, transport):
    gateway, one, _ = meta_call(tmp_path, started, stand_in, "stand_in_uas_cancelled.xml", transport, "--ring", "0.3")
    gateway.done()
    invite, = gateway.received("INVITE")
    cancel, = gateway.received("CANCEL")
    # Source: RFC 3261, section 9.1.
    assert cancel.start.split()[1] == invite.start.split()[1] and cancel.cseq == (invite.cseq[0], "CANCEL")
    assert [cancel.one(name) for name in ("From", "To", "Call-ID")] == [invite.one(name) for name in ("From", "To", "Call-ID")]
    assert cancel.all("Via") == invite.all("Via")[:1]
    assert one.call()["end"] == "cancelled"
    one.ended(1)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_gateway_hangs_up(tmp_path, started, stand_in, transport):
    gateway, one, _ = meta_call(tmp_path, started, stand_in, "stand_in_uas_hangs_up.xml", transport, "--waits", values={"talk": "200"})
    gateway.done()
    # It went by the route set: Meta's Contact is no address of this machine.
    bye, = gateway.sent("BYE")
    assert bye.start.startswith("BYE sip:+12195550714@wa.meta.vc") and "onevc-sip-proxy" in ",".join(bye.all("Route"))
    assert one.call()["end"] == "ended_by_peer"
    one.ended(0)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_meta_changes_no_call(tmp_path, started, stand_in, transport):
    """Source: Meta, "Calling API FAQ": a re-INVITE is answered 500. INFO is not in its Allow."""
    gateway, one, _ = meta_call(tmp_path, started, stand_in, "stand_in_uas_within.xml", transport, talk="0.6")
    one.ended(0)
    gateway.done()
    assert one.call()["end"] == "hung_up"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_two_answer_and_meta_keeps_one(tmp_path, started, stand_in, transport):
    gateway, one, _ = meta_call(tmp_path, started, stand_in, "stand_in_uas_forks.xml", transport, talk="0.6")
    one.ended(0)
    gateway.done()
    first, second = gateway.sent("200 INVITE")
    assert [ack.one("To") for ack in gateway.received("ACK")] == [first.one("To"), second.one("To")]
    assert [bye.one("To") for bye in gateway.received("BYE")] == [second.one("To"), first.one("To")]
    assert ["sip:other@" in bye.start for bye in gateway.received("BYE")] == [True, False]


def test_a_user_without_a_number_calls(tmp_path, started, stand_in):
    """Source: Meta, "Business-scoped user ID"."""
    user = "US.13491208655302741918"
    gateway, one, _ = meta_call(tmp_path, started, stand_in, "stand_in_uas.xml", "TCP", "--caller", user)
    one.ended(0)
    gateway.done()
    invite, = gateway.received("INVITE")
    assert f"<sip:{user}@wa.meta.vc>" in invite.one("From") and invite.one("Contact").startswith(f"<sip:{user}@wa.meta.vc")
    assert invite.one("x-wa-meta-user-id") == gateway.received("BYE")[0].one("x-wa-meta-user-id") == user


# ---- OpenAI ----


SESSION = {"type": "realtime", "model": "gpt-realtime", "instructions": "Say hello."}
OF_TWILIO = "X-Twilio-CallSid: CA0123456789abcdef0123456789abcdef\nX-Note: Olá\nX-Note: two\n"


class Webhook:
    """The service of the project: `decision` is what it asks of the API, once it is told of a call."""

    def __init__(self, stand_in, service, decision: tuple, *arguments: str):
        self.answers: list[int] = []
        self.service = service(webhook=lambda asked: self.decide(asked, *decision) if decision else "")
        self.openai = stand_in("openai", "--webhook", f"{self.service.url}/webhook", *arguments, **OPENAI)

    def decide(self, asked, action: str, body: dict | None = None) -> str:
        call_id = json.loads(asked.body)["data"]["call_id"]
        self.answers.append(decide(self.openai.ready["api"], KEY, call_id, action, body)[0])
        return ""

    def wait_for_the_answer(self) -> None:
        end = time.monotonic() + 20
        while not self.answers:
            assert time.monotonic() < end
            time.sleep(0.02)

    def api(self, action: str, body: dict | None = None) -> tuple[int, bytes]:
        return decide(self.openai.ready["api"], KEY, self.event()["data"]["call_id"], action, body)

    def event(self) -> dict:
        return json.loads(self.service.asked[0].body)


@pytest.fixture
def webhook(stand_in, service):
    def make(*decision, arguments: tuple[str, ...] = ()) -> Webhook:
        return Webhook(stand_in, service, decision, *arguments)
    return make


def calls_openai(tmp_path, started, name: str, port: int, whom: str = PROJECT, **values) -> SippSide:
    return caller(tmp_path, started, name, "TLS", port, whom, **{"sdp": PLAIN, "host": "sip.api.openai.com", "headers": OF_TWILIO, **values})


@pytest.mark.parametrize("offer", [PLAIN, SDES], ids=["rtp", "srtp"])
def test_openai_is_accepted_and_called_off(tmp_path, started, webhook, offer):
    told = webhook("accept", SESSION)
    twilio = calls_openai(tmp_path, started, "stand_in_uac.xml", told.openai.port, sdp=offer)
    twilio.done()
    assert told.answers == [200]
    answer, = twilio.received("200 INVITE")
    # Source: an answer of OpenAI's that was captured.
    assert answer.one("Content-Type") == "application/sdp" and answer.one("Contact").startswith("<sip:OAI@")
    media = session(answer)
    assert media["m"][0].split()[2:] == ["RTP/SAVP" if offer is SDES else "RTP/AVP", "0", "126"] and media["s"] == ["OAI"]
    assert {"rtpmap:0 PCMU/8000", "rtpmap:126 telephone-event/8000", "fmtp:126 0-16"} <= set(media["a"])
    assert [line.split()[:2] for line in crypto_of(answer)] == ([["1", "AES_CM_128_HMAC_SHA1_80"]] if offer is SDES else [])
    assert told.openai.call()["ended_by"] == "caller"
    assert told.api("accept", SESSION)[0] == 404
    told.openai.stop()


def test_the_webhook_has_the_invite(tmp_path, started, webhook):
    told = webhook("accept", SESSION)
    twilio = calls_openai(tmp_path, started, "stand_in_uac.xml", told.openai.port, headers=OF_TWILIO + "Authorization: Digest made-up\n")
    twilio.done()
    asked, = told.service.asked
    assert asked.headers["webhook-signature"] == webhook_signature(SECRET, asked)
    assert abs(int(asked.headers["webhook-timestamp"]) - time.time()) < 60
    assert asked.headers["content-type"].startswith("application/json") and asked.headers["user-agent"].startswith("OpenAI/1.0 ")
    # As Python writes JSON, which is how OpenAI's come. Source: the test vectors of its SDKs.
    event = told.event()
    assert json.dumps(event) == asked.body.decode()
    assert list(event) == ["id", "object", "created_at", "type", "data"] and (event["object"], event["type"]) == ("event", "realtime.call.incoming")
    assert re.fullmatch(r"evt_[0-9a-f]{32}", event["id"]) and re.fullmatch(r"wh_[0-9a-f]{32}", asked.headers["webhook-id"])
    assert re.fullmatch(r"rtc_\w+", event["data"]["call_id"])
    # In their order, with repeats, and without credentials.
    invite, = twilio.sent("INVITE")
    assert [(one["name"], one["value"]) for one in event["data"]["sip_headers"]] == [one for one in invite.headers if one[0] != "Authorization"]
    told.openai.stop()


# Source: OpenAI, "Reject call": the status that was asked for, or 603.
@pytest.mark.parametrize(("body", "status"), [({"status_code": 486}, 486), ({"status_code": 302}, 302), ({}, 603), (None, 603)])
def test_openai_rejects(tmp_path, started, webhook, body, status):
    told = webhook("reject", body)
    calls_openai(tmp_path, started, "stand_in_uac_refused.xml", told.openai.port, status=str(status), expect="SIP").done()
    told.wait_for_the_answer()  # of the API: the call ends before it
    assert told.answers == [200] and told.openai.call()["final_status"] == status
    told.openai.stop()


def test_nobody_accepts(tmp_path, started, webhook):
    told = webhook(arguments=("--accept-time", "1"))
    began = time.monotonic()
    calls_openai(tmp_path, started, "stand_in_uac_refused.xml", told.openai.port, status="400", expect="SIP").done()
    assert time.monotonic() - began >= 1 and told.openai.call()["ended_by"] == "deadline"
    status, body = told.api("accept", SESSION)
    assert (status, json.loads(body)["error"]["code"]) == (404, "call_id_not_found")
    told.openai.stop()


def test_another_project_is_404(tmp_path, started, webhook):
    told = webhook("accept", SESSION)
    calls_openai(tmp_path, started, "stand_in_uac_refused.xml", told.openai.port, whom="proj_0000000000000000000000ac", status="404", expect="SIP").done()
    assert not told.service.asked
    told.openai.stop()


def test_an_offer_without_g711_is_488(tmp_path, started, webhook):
    told = webhook("accept", SESSION)
    calls_openai(tmp_path, started, "stand_in_uac_refused.xml", told.openai.port, sdp=OPUS_ONLY, status="488", expect="SIP").done()
    told.openai.stop()


def test_openai_hangs_up(tmp_path, started, webhook):
    told = webhook("accept", SESSION)
    twilio = calls_openai(tmp_path, started, "stand_in_uac_waits.xml", told.openai.port)
    told.wait_for_the_answer()
    assert told.api("hangup")[0] == 200
    twilio.done()
    bye, = twilio.received("BYE")
    answer, = twilio.received("200 INVITE")
    invite, = twilio.sent("INVITE")
    assert (bye.one("From"), bye.one("To")) == (answer.one("To"), invite.one("From")) and bye.start.split()[1] == re.search("<(.*)>", invite.one("Contact"))[1]
    told.openai.stop()


def test_a_caller_that_does_not_wait_for_the_accept(tmp_path, started, webhook):
    told = webhook()
    twilio = calls_openai(tmp_path, started, "stand_in_uac_cancel.xml", told.openai.port, other="180", provisional="100")
    twilio.done()
    assert twilio.received("200 CANCEL")[0].tag("To") == twilio.received("487 INVITE")[0].tag("To")
    assert told.openai.call()["final_status"] == 487 and told.api("accept", SESSION)[0] == 404
    told.openai.stop()


def test_openai_repeats_its_200_until_the_ack(tmp_path, started, webhook):
    told = webhook("accept", SESSION)
    twilio = calls_openai(tmp_path, started, "stand_in_uac_late_ack.xml", told.openai.port, again=AGAIN["TCP"])
    twilio.done()
    assert len(twilio.received("200 INVITE")) == 3
    told.openai.stop()


def test_what_openai_is_asked_outside_and_within_calls(tmp_path, started, webhook):
    told = webhook("accept", SESSION)
    calls_openai(tmp_path, started, "stand_in_uac_outside.xml", told.openai.port, expect="Unsupported: made-up").done()
    assert not told.service.asked
    calls_openai(tmp_path, started, "stand_in_uac_within.xml", told.openai.port, label="within").done()
    told.openai.stop()


# ---- all of them ----


@pytest.mark.parametrize(("kind", "arguments", "name"), [("twilio", ("--voice-url", "http://127.0.0.1:9/"), "example.sip.twilio.com"),
                                                         ("openai", ("--webhook", "http://127.0.0.1:9/"), "sip.api.openai.com")])
def test_openssl_takes_the_certificate(tmp_path, stand_in, kind, arguments, name):
    one = stand_in(kind, *arguments, **TWILIO, **OPENAI)

    def verified(*checked: str) -> bool:
        result = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{one.port}", "-CAfile", one.ready["ca_file"], "-verify_return_error", *checked],
                                input="", capture_output=True, text=True, timeout=20)
        return result.returncode == 0 and "Verify return code: 0 (ok)" in result.stdout

    for version in ("-tls1_2", "-tls1_3"):
        assert verified(version, "-verify_ip", "127.0.0.1") and verified(version, "-verify_hostname", name)
    assert not verified("-verify_hostname", "example.com")
    one.stop()
