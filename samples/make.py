#!/usr/bin/env python3
"""Writes the samples beside this file again: python3 samples/make.py. Every key in them is made up.

Signatures come from Python's own hmac, so that the samples check callchain and not the other way round. The
output is the same on every run; the tests do not need this script.
"""

import base64
import hashlib
import hmac
import json
from pathlib import Path
from urllib.parse import urlencode

HERE = Path(__file__).resolve().parent

RAILWAY = bytes(range(0x00, 0x20))
LOCAL = bytes(range(0x40, 0x60))
TWILIO_TOKEN = "00112233445566778899aabbccddeeff"

ID = "wh_0000000000000000000000000000000{}"
SENT_AT = 1767801600  # 2026-01-07 16:00:00 UTC
USER_AGENT = "OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)"


def secret_text(key):
    return "whsec_" + base64.b64encode(key).decode()


def mask(text):
    return f"{text[:10]}…{text[-6:]}"


def incoming_call(call):
    """An event as OpenAI writes it: the defaults of Python's json.dumps. Names and numbers are made up."""
    trace = hashlib.sha256(b"call %d" % call).hexdigest()
    headers = [
        ("Record-Route", "<sip:203.0.113.6:5061;transport=tls;r2=on;lr;ftag=1c4f0a2b>"),
        ("Record-Route", "<sip:198.51.100.21;r2=on;lr;ftag=1c4f0a2b>"),
        ("Via", f"SIP/2.0/TLS 203.0.113.7:5061;branch=z9hG4bK{trace[:24]};rport"),
        ("Via", f"SIP/2.0/UDP 198.51.100.30:5060;rport=5060;branch=z9hG4bK{trace[24:40]}"),
        ("From", '"José & Co" <sip:+5561900000000@sip.example.com>;tag=1c4f0a2b'),
        ("To", "<sip:proj_0000000000000000@sip.api.openai.com;transport=tls>"),
        ("Call-ID", f"{trace[24:56]}@203.0.113.7"),
        ("CSeq", "1 INVITE"),
        ("Contact", "<sip:+5561900000000@203.0.113.7:5061;transport=tls>"),
        ("Max-Forwards", "69"),
        ("Allow", "INVITE, ACK, CANCEL, BYE, REFER, NOTIFY, OPTIONS"),
        ("User-Agent", "Twilio Gateway"),
        ("Content-Type", "application/sdp"),
        ("X-Twilio-AccountSid", "AC" + "0" * 31 + "1"),
        ("X-Twilio-CallSid", f"CA{call:032x}"),
        ("Content-Length", "412"),
        ("Supported", "100rel, timer, replaces"),
        ("Diversion", "<sip:+5561911111111@twilio.com>;reason=unconditional"),
        ("P-Asserted-Identity", "<sip:+5561900000000@sip.example.com>"),
        ("X-Callchain-Id", trace[:25]),
    ]
    return {
        "id": f"evt_{call:032x}",
        "object": "event",
        "created_at": SENT_AT - 1,
        "type": "realtime.call.incoming",
        "data": {
            "call_id": f"rtc_u1_sample{call:04d}",
            "sip_headers": [{"name": name, "value": value} for name, value in headers],
        },
    }


def sign(key, delivery, timestamp, body):
    signed = f"{delivery}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def capture(target, headers, body):
    lines = [f"POST {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    lines.append(f"Content-Length: {len(body)}")
    return "".join(line + "\r\n" for line in lines).encode() + b"\r\n" + body


def openai_capture(key, delivery, timestamp, body, received=None, host="bridge.example.com", extra=()):
    """`body` is what was signed; `received` is what came in, where the two differ."""
    headers = [
        ("Host", host),
        ("User-Agent", USER_AGENT),
        ("Content-Type", "application/json"),
        *extra,
        ("webhook-id", delivery),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", sign(key, delivery, timestamp, body)),
    ]
    return capture("/openai/webhook", headers, body if received is None else received)


def json_stringify(event):
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()


def go_encoding_json(event):
    """Go's encoding/json over a map: members sorted, no blanks, and <, > and & as escapes."""
    text = json.dumps(event, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode()


def twilio_capture():
    parameters = {
        "AccountSid": "AC" + "0" * 31 + "1",
        "ApiVersion": "2010-04-01",
        "CallSid": "CA" + "0" * 31 + "6",
        "CallStatus": "ringing",
        "Called": "whatsapp:+5561911111111",
        "Caller": "whatsapp:+5561900000000",
        "CallerName": "José & Co",
        "Direction": "inbound",
        "From": "whatsapp:+5561900000000",
        "To": "whatsapp:+5561911111111",
    }
    signed = "https://bridge.example.com/twilio/voice" + "".join(name + parameters[name] for name in sorted(parameters))
    signature = base64.b64encode(hmac.new(TWILIO_TOKEN.encode(), signed.encode(), hashlib.sha1).digest()).decode()
    headers = [
        ("Host", "bridge.railway.internal:8080"),
        ("User-Agent", "TwilioProxy/1.1"),
        ("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "bridge.example.com"),
        ("X-Twilio-Signature", signature),
    ]
    return capture("/twilio/voice", headers, urlencode(parameters).encode())


def seed_service_log(delivery, body):
    """What the service printed: the mask of what it loaded, the SDK's sentence, the headers."""
    return f"""\
openai webhook secrets loaded (1): {mask(secret_text(RAILWAY))}
signature validation failed: The given webhook signature does not match the expected signature
webhook headers: id={delivery} ts={SENT_AT} sig={sign(LOCAL, delivery, SENT_AT, body)} ua=OpenAI/1.0 \
content_type=application/json body_len={len(body)}
""".encode()


def record_log(event, body):
    """A record line (docs/webhook-record.md) as `railway logs --json` gives it back: members sorted."""
    delivery = ID.format(5)
    received = go_encoding_json(event)
    record = {
        "message": "callchain webhook record",
        "schema": "callchain.webhook-record/1",
        "verdict": "signature_mismatch",
        "reason": "no configured secret yields this signature",
        "webhook_id": delivery,
        "webhook_timestamp": f"text:{SENT_AT}",
        "webhook_signature": sign(RAILWAY, delivery, SENT_AT, body),
        "user_agent": "callflow-relay/2.3",
        "content_type": "application/json",
        "received_at": "2026-01-07T16:00:01.250Z",
        "secrets": f"railway:{len(secret_text(RAILWAY))}:{hashlib.sha256(RAILWAY).hexdigest()[:8]}:"
        + mask(secret_text(RAILWAY)).replace("…", "..."),
        "body_length": len(received),
        "body_sha256": hashlib.sha256(received).hexdigest(),
        "body_base64": base64.b64encode(received).decode(),
        "timestamp": "2026-01-07T16:00:01.251000000Z",
        "level": "info",
    }
    started = {"message": "ready on [::]:8080", "timestamp": "2026-01-07T15:58:40.002000000Z", "level": "info"}
    return b"".join(json.dumps(line, sort_keys=True).encode() + b"\n" for line in (started, record))


def files():
    event = {number: incoming_call(number) for number in range(1, 6)}
    body = {number: json.dumps(event[number]).encode() for number in event}
    day_before = SENT_AT - 86_400

    yield "secrets/railway.secret", secret_text(RAILWAY).encode() + b"\n"
    yield "secrets/local.secret", secret_text(LOCAL).encode() + b"\n"
    yield "secrets/quoted.secret", f'"{secret_text(RAILWAY)}"\n'.encode()
    yield "secrets/twilio.token", TWILIO_TOKEN.encode() + b"\n"

    yield "valid-openai.http", openai_capture(RAILWAY, ID.format(1), SENT_AT, body[1])
    yield "event.json", body[1]
    yield "other-endpoint/body.json", body[2]
    yield "other-endpoint/railway.log", seed_service_log(ID.format(2), body[2])
    yield "reserialized-body.http", openai_capture(
        RAILWAY, ID.format(3), SENT_AT, body[3], received=json_stringify(event[3])
    )
    yield "stale-replay.http", openai_capture(RAILWAY, ID.format(4), day_before, body[4])
    yield "twilio-behind-proxy.http", twilio_capture()
    yield "two-hops/ngrok.http", openai_capture(
        RAILWAY, ID.format(1), SENT_AT, body[1], host="sample.ngrok.app", extra=[("X-Forwarded-Proto", "https")]
    )
    yield "two-hops/railway.http", openai_capture(
        RAILWAY,
        ID.format(1),
        SENT_AT,
        body[1],
        received=json_stringify(event[1]),
        extra=[("X-Forwarded-Proto", "https"), ("X-Railway-Edge", "railway/us-east4-eqdc4a")],
    )
    yield "masked-log/railway.log", (
        "openai webhook secrets loaded (1): whsec_16sl…076DY=\n"
        "signature validation failed: The given webhook signature does not match the expected signature\n"
        "webhook headers: id=wh_... ts=... sig=v1,... ua=OpenAI/1.0 ... content_type=application/json body_len=1680\n"
    ).encode()
    yield "record-line/railway.jsonl", record_log(event[5], body[5])


def main():
    for name, content in files():
        path = HERE / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    key_of_whole_text = secret_text(RAILWAY).encode()
    printed = sign(key_of_whole_text, ID.format(1), SENT_AT, (HERE / "event.json").read_bytes())
    print("for --computed with valid-openai.http:", printed)


if __name__ == "__main__":
    main()
