"""Calls between our SIP stack and baresip, as caller and as callee. Both ends must tell the same call.

Two things cannot be had from Debian's baresip 1.0.0 with libre 1.1.0. It answers no challenge of SHA-256 but gives the call up
("Function not implemented"); SIPp and Kamailio are the peers for digest there. And it loads sip_cafile but does not refuse a
certificate from another CA, so that its TLS says nothing about our certificate; test_sip_peers.py asks openssl.
"""

import pytest

from peers import LISTEN, TRANSPORTS, Baresip


@pytest.fixture
def baresip(tmp_path, started):
    def make(transport: str, *parameters: str) -> Baresip:
        one = started(Baresip(tmp_path, transport, *parameters))
        one.connect()
        return one
    return make


def call_us(calling: Baresip, answering, transport: str) -> None:
    """The whole call that baresip makes and ends, with both in agreement that it was this one, and only this one."""
    calling.command("dial", f"sip:callee@127.0.0.1:{answering.port(transport)}")
    established = calling.wait_for("CALL_ESTABLISHED")
    assert answering.wait_for("up")["call_id"] == established["id"]
    assert answering.wait_for("invite")["transport"] == transport
    calling.command("hangup")
    assert answering.wait_for("bye")["call_id"] == calling.wait_for("CALL_CLOSED")["id"] == established["id"]
    calling.quit()
    assert [calling.count(event) for event in ("CALL_ESTABLISHED", "CALL_CLOSED")] == [1, 1]
    assert [answering.count(event) for event in ("invite", "up", "bye", "stray_ack", "refused")] == [1, 1, 1, 0, 0]
    assert calling.transports() == {transport}


CALL = ["INVITE", "100 INVITE", "180 INVITE", "200 INVITE", "ACK", "BYE", "200 BYE"]
CHALLENGED = ["INVITE", "407 INVITE", "ACK"]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_baresip_calls_us(agent, baresip, transport):
    answering = agent("answer", *LISTEN)
    calling = baresip(transport)
    call_us(calling, answering, transport)
    assert calling.trace() == CALL
    assert answering.end()["requests"] == 0


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_baresip_answers_our_challenge(agent, baresip, transport):
    answering = agent("answer", *LISTEN, "--digest", "12145551869:secret-of-meta")
    calling = baresip(transport, "auth_user=12145551869", "auth_pass=secret-of-meta")
    call_us(calling, answering, transport)
    assert calling.trace() == CHALLENGED + CALL
    assert answering.end()["requests"] == 0


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_baresip_has_the_wrong_password(agent, baresip, transport):
    answering = agent("answer", *LISTEN, "--digest", "12145551869:secret-of-meta")
    calling = baresip(transport, "auth_user=12145551869", "auth_pass=wrong")
    calling.command("dial", f"sip:callee@127.0.0.1:{answering.port(transport)}")
    assert calling.wait_for("CALL_CLOSED")["param"] == "403 Forbidden"
    assert answering.wait_for("refused")["why"] == "the password is wrong"
    calling.quit()
    assert calling.trace() == CHALLENGED + ["INVITE", "403 INVITE", "ACK"]
    assert calling.count("CALL_ESTABLISHED") == answering.count("invite") == 0
    answering.end()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_we_call_baresip(agent, baresip, transport):
    answering = baresip(transport)
    calling = agent("call", f"sip:baresip@127.0.0.1:{answering.port}", "--transport", transport, *LISTEN, "--talk-ms", "200")
    assert calling.wait_for("ended")["why"] == "bye answered", calling.events
    call_id = calling.wait_for("up")["call_id"]
    # libre tells that a call which it answered is established when its ACK has come.
    established, closed = answering.wait_for("CALL_ESTABLISHED"), answering.wait_for("CALL_CLOSED")
    assert established["direction"] == "incoming" and established["id"] == closed["id"] == call_id
    assert closed["param"] == "Connection reset by peer"
    answering.quit()
    assert [answering.count(event) for event in ("CALL_ESTABLISHED", "CALL_CLOSED")] == [1, 1]
    assert [(one["status"], one["method"]) for one in calling.events if one["event"] == "response"] == [
        (180, "INVITE"), (200, "INVITE"), (200, "BYE")]
    assert answering.trace() == ["INVITE", "180 INVITE", "200 INVITE", "ACK", "BYE", "200 BYE"]
    assert answering.transports() == {transport}
    assert calling.end()["requests"] == 0
