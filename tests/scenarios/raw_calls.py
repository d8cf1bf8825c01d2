"""Calls through the gateway between two raw speakers, one as Meta and one as Twilio."""

from gateway import NUMBER, PASSWORD, PLAIN, PLAIN_ANSWER, SDES, SDES_ANSWER
from raw_sip import Dialog, Message, called, credentials, invite, reply, session

OFFER, ANSWER = session(PLAIN, port=40000), session(PLAIN_ANSWER, port=50000)
SECURE_OFFER, SECURE_ANSWER = session(SDES, port=40000), session(SDES_ANSWER, port=50000)


def take(callee, body: str = ANSWER, tag: str = "twilio") -> tuple[Dialog, Message]:
    """The call at Twilio's side, answered and acknowledged, and its INVITE."""
    request = callee.expect("INVITE")
    other = called(callee, request, tag)
    reply(request, "200 OK", other.contact, body=body, tag=tag)
    callee.expect("ACK")
    return other, request


def up(caller, callee, running, *headers: str, answer: str = "") -> tuple[Dialog, Dialog, Message]:
    """A call between the two: Meta's side, Twilio's, and Twilio's INVITE."""
    secure = caller.kind == "TLS"
    ours = invite(caller, running.port, SECURE_OFFER if secure else OFFER, *headers)
    other, request = take(callee, answer or (SECURE_ANSWER if secure else ANSWER))
    ours.established(caller.expect("200 INVITE"))
    ours.request("ACK")
    return ours, other, request


def hang_up(ours: Dialog, other: Dialog) -> Message:
    """Meta does, and both sides are done. What Twilio got."""
    ours.request("BYE")
    ours.phone.expect("200 BYE")
    bye = other.phone.expect("BYE")
    reply(bye, "200 OK")
    return bye


# From Twilio to WhatsApp.

OUTWARD = {"CALLCHAIN_OUTWARD_USERNAME": "bridge", "CALLCHAIN_OUTWARD_PASSWORD": "0utward-Passw0rd", "META_SIP_USERNAME": NUMBER,
           "META_SIP_PASSWORD": PASSWORD}
WHATSAPP_USER = "+5521912345678"


def call_out(twilio, running, body: str) -> Dialog:
    """Twilio calls, and answers the challenge as <Sip username password> makes it."""
    ours = invite(twilio, running.port, body, number=WHATSAPP_USER, caller=f"<sip:+{NUMBER}@sip.twilio.com>")
    challenge = twilio.expect("407 INVITE")
    tag = ours.remote
    ours.remote = challenge.get("To")
    ours.request("ACK", branch=ours.branch)
    ours.remote = tag
    ours.request("INVITE", ours.contact, credentials(challenge, "INVITE", ours.target, "bridge", OUTWARD["CALLCHAIN_OUTWARD_PASSWORD"]), body=body)
    return ours
