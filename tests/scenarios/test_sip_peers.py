"""Calls between our SIP stack and peers that others wrote: SIPp as caller and callee, Kamailio in between and as challenger.

The agent is named by the variable SIP_AGENT (tests/gateway/sip_agent.cpp). Both ends must count the same calls.
"""

import signal
import subprocess

import pytest

from peers import LISTEN, TRANSPORTS, Child, certificates, free_port, kamailio, scenario, sipp, stunnel, wait_for_port

CALLS = 10


def caller(tmp_path, started, name: str, transport: str, port: int, *more: str, **values: str) -> Child:
    """SIPp calls what listens at `port` with that transport, and has ended with its own verdict."""
    target = port
    if transport == "TLS":
        target = free_port()
        started(stunnel(tmp_path, "outward", target, port, client=True))
    child = started(sipp(tmp_path, "caller", scenario(tmp_path, name, transport, **values), transport, free_port(), f"127.0.0.1:{target}", "-s",
                         "callee", "-m", str(CALLS), "-r", "20", "-cid_str", "outgoing:wacid.%u-%p=@%s", *more))
    assert child.wait() == 0, child.output()[-3000:] + errors(tmp_path, "caller")
    return child


def errors(tmp_path, name: str) -> str:
    path = tmp_path / f"{name}-errors.log"
    return path.read_text(errors="replace")[-3000:] if path.exists() else ""


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_sipp_calls_us(tmp_path, started, agent, transport):
    answering = agent("answer", *LISTEN)
    caller(tmp_path, started, "uac.xml", transport, answering.port(transport))
    answering.wait_for("bye", CALLS)
    assert [answering.count(event) for event in ("invite", "up", "bye", "stray_ack")] == [CALLS, CALLS, CALLS, 0]
    assert answering.end()["requests"] == 0


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_sipp_gives_up_while_it_rings(tmp_path, started, agent, transport):
    answering = agent("answer", *LISTEN, "--ring-ms", "5000")
    caller(tmp_path, started, "uac-cancel.xml", transport, answering.port(transport))
    assert answering.wait_for("cancelled", CALLS)
    assert answering.count("up") == 0
    answering.end()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_sipp_answers_our_challenge(tmp_path, started, agent, transport):
    answering = agent("answer", *LISTEN, "--digest", "12145551869:secret-of-meta")
    # SIPp would hash the address that it sends to, without the user.
    caller(tmp_path, started, "uac-digest.xml", transport, answering.port(transport), "-auth_uri", "callee@127.0.0.1", user="12145551869",
           password="secret-of-meta")
    answering.wait_for("bye", CALLS)
    assert answering.count("refused") == 0
    answering.end()


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(("password", "why"), [("Str0ngPassw0rd12", "bye answered"), ("wrong", "refused 403")])
def test_we_call_sipp_which_challenges(tmp_path, started, agent, transport, password, why):
    port = free_port()
    callee = started(sipp(tmp_path, "callee", scenario(tmp_path, "uas.xml", transport, user="gateway01", password="Str0ngPassw0rd12"), transport,
                          port, "-m", "1"))
    target = port
    if transport == "TLS":
        target = free_port()
        started(stunnel(tmp_path, "inward", target, port, client=False))
    calling = agent("call", f"sip:bridge@127.0.0.1:{target}", "--transport", transport, *LISTEN, "--user", "gateway01", "--password", password)
    assert calling.wait_for("ended")["why"].startswith(why), calling.events
    statuses = [one["status"] for one in calling.events if one["event"] == "response"]
    assert statuses[0] == 401 and (200 in statuses) == (why == "bye answered")
    calling.end()
    if why == "bye answered":
        assert callee.wait() == 0, callee.output()[-2000:] + errors(tmp_path, "callee")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_sipp_calls_us_through_kamailio(tmp_path, started, agent, transport):
    answering = agent("answer", *LISTEN)
    child, port, tls_port = kamailio(tmp_path, f"sip:127.0.0.1:{answering.port(transport)};transport={transport.lower()}", tls=True)
    started(child)
    caller(tmp_path, started, "uac.xml", transport, tls_port if transport == "TLS" else port)
    answering.wait_for("bye", CALLS)
    assert [answering.count(event) for event in ("invite", "up", "bye")] == [CALLS, CALLS, CALLS]
    answering.end()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_we_call_through_kamailio_which_challenges_with_sha_256(tmp_path, started, agent, transport):
    answering = agent("answer", *LISTEN)
    child, port, tls_port = kamailio(tmp_path, f"sip:127.0.0.1:{answering.port('UDP')};transport=udp", challenge_password="kamailios-own", tls=True)
    started(child)
    route = f"sip:127.0.0.1:{tls_port if transport == 'TLS' else port};transport={transport.lower()};lr"
    calling = agent("call", "sip:callee@127.0.0.1", "--route", route, "--transport", transport, *LISTEN, "--user", "gateway01", "--password",
                    "kamailios-own")
    assert calling.wait_for("ended")["why"] == "bye answered", calling.events
    assert [one["status"] for one in calling.events if one["event"] == "response"][0] == 407
    answering.wait_for("bye")
    calling.end()
    answering.end()


def test_a_call_that_nobody_answers_fails_at_once(agent):
    calling = agent("call", f"sip:nobody@127.0.0.1:{free_port()}", "--transport", "tcp", *LISTEN)
    assert "refused" in calling.wait_for("ended")["why"].lower()
    calling.end()


def test_a_certificate_of_somebody_else_ends_the_call_at_once(tmp_path, started, agent):
    other = tmp_path / "other"
    other.mkdir()
    certificates(other)
    port = free_port()
    wait_for_port(port, started(Child(tmp_path, "server", "openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert",
                                      str(other / "server.pem"), "-key", str(other / "server.key"), "-quiet")))
    calling = agent("call", f"sip:nobody@127.0.0.1:{port}", "--transport", "tls", *LISTEN)
    assert "certificate" in calling.wait_for("ended")["why"].lower()
    calling.end()


def s_client(port: int, *args: str) -> subprocess.CompletedProcess:
    return subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *args], input="", capture_output=True, text=True, timeout=20)


def test_tls_as_openssl_sees_it(tmp_path, agent):
    answering = agent("answer", *LISTEN)
    port = answering.port("TLS")
    good = s_client(port, "-CAfile", str(tmp_path / "ca.pem"), "-verify_return_error", "-verify_ip", "127.0.0.1", "-alpn", "sip")
    assert "Verify return code: 0 (ok)" in good.stdout and "No ALPN negotiated" in good.stdout, good.stdout
    assert "Protocol  : TLSv1.2" in s_client(port, "-tls1_2").stdout
    assert s_client(port, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0").returncode != 0
    answering.end()


def test_a_new_certificate_is_used_behind_sighup(tmp_path, started, agent):
    answering = agent("answer", *LISTEN)
    port = answering.port("TLS")
    before = s_client(port, "-showcerts").stdout
    certificates(tmp_path)
    answering.process.send_signal(signal.SIGHUP)
    assert answering.wait_for("reload")["ok"] is True
    after = s_client(port, "-showcerts", "-CAfile", str(tmp_path / "ca.pem")).stdout
    assert before.split("-----BEGIN")[1] != after.split("-----BEGIN")[1] and "Verify return code: 0" in after
    caller(tmp_path, started, "uac.xml", "TLS", port)
    answering.end()
