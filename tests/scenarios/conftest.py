"""Fixtures of the calls with peers: whatever a test starts is ended behind it."""

import os

import pytest

from gateway import Gateway
from peers import Agent, Child, certificates
from raw_sip import Phone


@pytest.fixture
def started(tmp_path):
    """started(child): ended behind the test, whatever comes."""
    children: list[Child | Agent] = []

    def start(child):
        children.append(child)
        return child

    certificates(tmp_path)
    yield start
    for child in reversed(children):
        if isinstance(child, Child):
            child.end()
        elif child.process.poll() is None:
            child.process.kill()
            child.process.wait(5)


@pytest.fixture
def agent(tmp_path, started):
    def make(*args: str) -> Agent:
        program = os.environ.get("SIP_AGENT")
        assert program, "the variable SIP_AGENT must name the agent"
        return started(Agent(program, *args, "--ca", str(tmp_path / "ca.pem"), "--cert", str(tmp_path / "server.pem"), "--key",
                             str(tmp_path / "server.key")))
    return make


@pytest.fixture
def gateway(tmp_path):
    """gateway(transport, port of Twilio): ended behind the test."""
    running: list[Gateway] = []

    def start(transport: str, port: int, **settings: str) -> Gateway:
        running.append(Gateway(tmp_path, transport, port, **settings))
        return running[-1]

    yield start
    for one in running:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait(5)


@pytest.fixture
def phone(tmp_path, started):
    """phone(transport): a raw speaker, whose sockets are closed behind the test. It wants the certificates of `started`."""
    opened: list[Phone] = []

    def make(kind: str, **more) -> Phone:
        opened.append(Phone(kind, tmp_path, **more))
        return opened[-1]

    yield make
    for one in opened:
        one.close()
