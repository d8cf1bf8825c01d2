"""What reaches the gateway beside good calls: rubbish, torture, half-open handshakes, other certificates. Good calls pass meanwhile."""

import contextlib
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from gateway import AUTH_URI, DIGEST, PASSWORD, meta, shown, twilio, wait_until_up
from peers import certificates, free_port

TORTURE = sorted(path for path in (Path(__file__).resolve().parent.parent / "data" / "rfc4475").rglob("*") if path.suffix in (".dat", ".sip", ".txt"))
RUBBISH = [b"\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", bytes(range(256)) * 4, b"INVITE sip:a@b SIP/2.0\r\n\r\n", b"SIP/2.0 200 OK\r\n\r\n",
           b"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\n"
           b"CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
           b"OPTIONS sip:a@b SIP/2.0\r\nX: " + b"a" * 60_000]


@pytest.mark.parametrize("transport", ["UDP", "TCP", "TLS"])
def test_rubbish_and_torture_hurt_nobody(tmp_path, started, gateway, transport):
    assert TORTURE, "the messages of RFC 4475 are there"
    callee, port = twilio(tmp_path, started, "gateway_uas.xml", transport, 10)
    # With digest, since some messages of RFC 4475 are good INVITEs, and would be dialled.
    running = gateway(transport, port, **DIGEST)
    caller = meta(tmp_path, started, "gateway_uac_digest.xml", running, 10, rate=10, more=AUTH_URI, password=PASSWORD)
    kind = socket.SOCK_DGRAM if transport == "UDP" else socket.SOCK_STREAM
    for message in RUBBISH + [path.read_bytes() for path in TORTURE]:
        with socket.socket(socket.AF_INET, kind) as one, contextlib.suppress(ConnectionError):
            one.connect(("127.0.0.1", running.port))
            one.send(message)
    caller.done()
    callee.done()
    assert [one["end"] for one in running.summaries(10)] == ["hung_up_by_a"] * 10
    running.stop()


def test_half_open_handshakes_hold_up_nobody(tmp_path, started, gateway):
    callee, port = twilio(tmp_path, started, "gateway_uas.xml", "TLS", 5)
    running = gateway("TLS", port)
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            # From another address: the limit by address is not asked here.
            stack.enter_context(socket.create_connection(("127.0.0.1", running.port), 5, ("127.0.0.2", 0)))
        meta(tmp_path, started, "gateway_uac.xml", running, 5).done()
    callee.done()
    assert {one["end"] for one in running.summaries(5)} == {"hung_up_by_a"}
    running.stop()


def test_a_new_certificate_in_mid_call(tmp_path, started, gateway):
    callee, port = twilio(tmp_path, started, "gateway_uas.xml", "TLS")
    running = gateway("TLS", port)
    caller = meta(tmp_path, started, "gateway_uac.xml", running, talk="1500")
    wait_until_up(running)
    before = shown(running.port)
    certificates(tmp_path)
    running.process.send_signal(signal.SIGHUP)
    running.wait_for("certificate read again")
    assert shown(running.port) != before
    caller.done()
    callee.done()
    assert [one["end"] for one in running.summaries()] == ["hung_up_by_a"]
    running.stop()


def test_a_silent_twilio_is_504(tmp_path, started, gateway):
    port = free_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", port))
        running = gateway("UDP", port)
        meta(tmp_path, started, "gateway_uac_refused.xml", running, status="504", expect="SIP", invite_at="5").done()
    assert [one["end"] for one in running.summaries()] == ["unreachable"]
    running.stop()


@pytest.mark.parametrize("transport", ["UDP", "TCP", "TLS"])
def test_what_twilio_asks_for_in_the_call_never_reaches_meta(tmp_path, started, gateway, transport):
    # SIPp as the caller fails on any request that it does not expect.
    callee, port = twilio(tmp_path, started, "gateway_uas_within.xml", transport)
    running = gateway(transport, port)
    meta(tmp_path, started, "gateway_uac.xml", running, talk="2500").done()
    callee.done()
    assert [one["end"] for one in running.summaries()] == ["hung_up_by_a"]
    running.stop()


def test_an_expired_certificate_is_told_at_the_start(tmp_path, started, gateway):
    subprocess.run(["openssl", "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "server.pem",
                    "-days", "-1", "-extfile", "names.cnf"], cwd=tmp_path, check=True, capture_output=True)
    running = gateway("TLS", free_port())
    told = running.wait_for("the certificate has expired")
    assert told["level"] == "warn" and told["expired"] is True and "renew" in told["remedy"]
    running.stop()
