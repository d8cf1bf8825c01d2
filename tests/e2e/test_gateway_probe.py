"""`gateway probe` against a small SIP server that is written in Python: what it says, and with which exit code it ends."""

import socket
import ssl

import pytest

from conftest import wait_until
from sip_responder import PASSWORD, SipResponder, answer, asks_for_digest, header, method_of


@pytest.fixture
def probe(callchain):
    """probe(TARGET, *OPTIONS, password=…): with credentials where there is a password, which must be in no output."""

    def run(target, *options, password=PASSWORD):
        given = ("--username", "gateway01", "--password-env", "PROBE_PASSWORD") if password else ()
        done = callchain.run("gateway", "probe", target, *given, *options, **({"PROBE_PASSWORD": password} if password else {}))
        assert not password or password not in done.out + done.err
        return done

    return run


def ok(request):
    return [answer(request, 200, "OK")] if method_of(request) != "ACK" else []


def silent(_):
    return []


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_an_answer_is_shown_with_the_exchange(probe, transport):
    with SipResponder(ok, transport) as server:
        done = probe(server.target, password="")
        assert done.code == 0, done.out + done.err
        assert f"accepted: 200 OK from 127.0.0.1:{server.port}" in done.out
        assert "> OPTIONS sip:bridge@127.0.0.1" in done.out and "< SIP/2.0 200 OK" in done.out
        assert "nobody asked for credentials" in done.out
        assert server.methods == ["OPTIONS"]


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("status", [401, 407])
@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_the_right_password_is_taken(probe, transport, status, algorithm):
    with SipResponder(asks_for_digest(status, 200, "OK", algorithm=algorithm), transport) as server:
        done = probe(server.target, "--json")
        assert done.code == 0, done.out + done.err
        document = done.json()
        assert (document["verdict"], document["status"], document["authenticated"]) == ("accepted", 200, True)
        assert [one["direction"] for one in document["exchange"]] == ["sent", "received", "sent", "received"]


@pytest.mark.parametrize("status", [401, 407])
def test_a_wrong_password_is_exit_4_and_is_tried_once(probe, status):
    with SipResponder(asks_for_digest(status, 200, "OK")) as server:
        done = probe(server.target, "--json", password="made-up-another-one")
        assert done.code == 4, done.out + done.err
        assert done.json()["verdict"] == "credentials_refused" and done.json()["why"]
        assert server.methods == ["OPTIONS", "OPTIONS"]


def test_a_challenge_without_a_password_is_exit_4(probe):
    with SipResponder(asks_for_digest(407, 200, "OK")) as server:
        done = probe(server.target, "-q", password="")
        assert done.code == 4 and done.out.startswith("challenged: 407 ")


def test_another_answer_is_exit_5_and_explained(probe):
    error = "X-Twilio-Error: 32201 Authentication failure - source IP Address not in ACL"
    with SipResponder(lambda request: [answer(request, 404, "Not Found", error)]) as server:
        done = probe(server.target, "--json", password="")
        assert done.code == 5, done.out + done.err
        assert (done.json()["verdict"], done.json()["status"]) == ("refused", 404)


@pytest.mark.parametrize(("transport", "handler"), [
    ("tcp", silent), ("udp", silent), ("udp", lambda _: [b"no SIP at all"]), ("tcp", lambda _: [b"\x00\xffno SIP\r\n\r\n"])])
def test_silence_and_garbage_are_exit_6(probe, transport, handler):
    with SipResponder(handler, transport) as server:
        done = probe(server.target, "--timeout", "0.5", "--json", password="")
        assert done.code == 6, done.out + done.err
        assert (done.json()["verdict"], done.json()["status"]) == ("unreachable", 0)
        assert done.json()["why"]


def test_a_closed_port_is_named_in_a_sentence(probe):
    with socket.socket() as taken:  # bound, and not listened on: nobody else gets it meanwhile
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        done = probe(f"sip:bridge@127.0.0.1:{port};transport=tcp", "-q", password="")
        assert done.code == 6
        assert done.out.splitlines()[1] == f"no TCP connection to 127.0.0.1:{port}: Connection refused"


def test_an_invite_that_is_let_in_is_refused_for_its_option(probe):
    with SipResponder(asks_for_digest(407, 420, "Bad Extension", "Unsupported: callchain-probe")) as server:
        done = probe(server.target, "--invite", "-q")
        assert done.code == 0 and "our credentials were taken" in done.out, done.out + done.err
        invites = [message for message in server.seen if method_of(message) == "INVITE"]
        assert [header(message, "Require") for message in invites] == ["callchain-probe"] * 2
        assert wait_until(lambda: server.methods == ["INVITE", "ACK", "INVITE", "ACK"]), server.methods


def test_a_call_that_rings_is_cancelled(probe):
    invites = []

    def rings(request):
        if method_of(request) == "INVITE":
            invites.append(request)
            return [answer(request, 100, "Trying"), answer(request, 180, "Ringing")]
        if method_of(request) == "CANCEL":
            return [answer(request, 200, "OK"), answer(invites[0], 487, "Request Terminated")]
        return []

    with SipResponder(rings) as server:
        done = probe(server.target, "--invite", "--json", password="")
        assert done.code == 1 and done.json()["verdict"] == "call_began", done.out + done.err
        assert wait_until(lambda: server.methods == ["INVITE", "CANCEL", "ACK"]), server.methods


def test_a_call_that_is_answered_is_ended(probe):
    def answers(request):
        contact = "Contact: <sip:someone@127.0.0.1:%d;transport=tcp>" % server.port
        return [answer(request, 200, "OK", contact)] if method_of(request) != "ACK" else []

    with SipResponder(answers) as server:
        done = probe(server.target, "--invite", "-q", password="")
        assert done.code == 1 and "ended with BYE" in done.out, done.out + done.err
        assert server.methods == ["INVITE", "ACK", "BYE"]


def test_a_certificate_for_another_name_is_exit_6(probe, own_certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    for names, code in (("DNS:sip.example.com", 6), ("IP:127.0.0.1", 0)):
        certificate, key = own_certificate(names)
        context.load_cert_chain(certificate, key)
        with SipResponder(ok, "tls", context) as server:
            done = probe(server.target, "--ca-file", str(certificate), "--json", password="")
            assert done.code == code, done.out + done.err
            assert server.methods == ([] if code else ["OPTIONS"])


@pytest.mark.parametrize("seconds", ["nan", "-nan", "inf", "-1", "0", "121", "5s", ""])
def test_a_time_that_is_none_is_a_usage_error(callchain, seconds):
    done = callchain.run("gateway", "probe", "sip:bridge@127.0.0.1:9;transport=tcp", f"--timeout={seconds}")
    assert done.code == 2 and "--timeout" in done.err, done.out + done.err
