"""`gateway run` among scanners, on a network that loses messages, and with peers of which one address is down.

The program is named by the variable CALLCHAIN.
"""

import contextlib
import random
import socket
import subprocess
import threading
import time
from collections.abc import Callable

import pytest

from gateway import DIGEST, SDES_ANSWER
from peers import DOMAIN, free_port, name_server
from raw_calls import ANSWER, OFFER, SECURE_OFFER, hang_up, take, up
from raw_sip import Dialog, Line, Message, Phone, called, invite, reply, session, until

# Scanners: none of it costs a good call, and none is dialled.


def test_an_invite_without_a_contact_is_400(tmp_path, started, gateway, phone):
    callee, caller = phone("UDP"), phone("UDP")
    running = gateway("UDP", callee.port)
    invite(caller, running.port, OFFER, contact=False)
    caller.expect("400 INVITE")
    invite(caller, running.port, OFFER, "Contact: <sip:a@127.0.0.1>, <sip:b@127.0.0.1>", contact=False)
    caller.expect("400 INVITE")
    callee.quiet(0.1)
    running.stop()


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_a_register_is_405(tmp_path, started, gateway, phone, transport):
    caller = phone(transport)
    running = gateway(transport, free_port(), **DIGEST)
    for count, method in enumerate(("REGISTER", "SUBSCRIBE", "MESSAGE", "PUBLISH")):
        one = Dialog(caller, caller.line(running.port), f"scan-{count}", "<sip:100@1.1.1.1>;tag=1", "<sip:100@1.1.1.1>", "sip:100@127.0.0.1")
        one.request(method, "Contact: <sip:100@1.1.1.1>", "Expires: 3600")
        assert "INVITE" in caller.expect(f"405 {method}").get("Allow")
    running.stop()


@pytest.mark.parametrize("headers", [[f"X-{count}: {'a' * 56}" for count in range(1000)], [f"X: {'a' * 65_000}"]], ids=["many", "one"])
def test_65_kb_of_headers_are_refused(tmp_path, started, gateway, phone, headers):
    callee, caller = phone("TCP"), phone("TCP")
    running = gateway("TCP", callee.port)
    invite(caller, running.port, OFFER, *headers)
    until(lambda: caller.lines[0].gone.is_set() or caller.heard, 10)
    assert {one.what for one in caller.heard} <= {"400 INVITE", "413 INVITE", "513 INVITE"}
    assert not callee.heard
    hang_up(*up(phone("TCP"), callee, running)[:2])
    running.stop()


BOMBS = {
    "many streams": session(["m=audio 9 RTP/AVP 0"] * 2900),
    "many formats": session(["m=audio 9 RTP/AVP " + " ".join(str(number % 128) for number in range(15_000))]),
    "many attributes": session(["m=audio 9 RTP/AVP 0", *["a=rtpmap:0 PCMU/8000"] * 2500]),
    "one long line": session(["m=audio 9 RTP/AVP 0", "a=" + "x" * 58_000]),
    "no end of lines": "v=0\r" * 14_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_of_sdp_is_judged_soon(tmp_path, started, gateway, phone, name):
    callee, caller, good = phone("TCP"), phone("TCP"), phone("TCP")
    running = gateway("TCP", callee.port)
    began = time.monotonic()
    for _ in range(5):
        invite(caller, running.port, BOMBS[name])
        # Refused, or as good as any offer that has what is kept.
        until(lambda: not caller.inbox.empty() and caller.inbox.queue[-1].what != "100 INVITE" or not callee.inbox.empty(), 5)
        if not callee.inbox.empty():
            reply(callee.expect("INVITE"), "488 Not Acceptable Here", tag="twilio")
            callee.expect("ACK")
        assert caller.expect(f"{400 if name in ('no end of lines', 'many streams') else 488} INVITE")
    assert time.monotonic() - began < 10
    hang_up(*up(good, callee, running)[:2])
    assert len(running.summaries(6)) == 6
    running.stop()


@pytest.mark.parametrize("transport", ["UDP", "TCP", "TLS"])
def test_who_is_on_no_list_hears_nothing(tmp_path, started, gateway, phone, transport):
    callee, stranger, caller = phone(transport), phone(transport, host="127.0.0.2"), phone(transport)
    running = gateway(transport, callee.port, CALLCHAIN_ALLOW="127.0.0.1/32", **DIGEST)
    line = stranger.line(running.port)
    sent = ["INVITE", "OPTIONS", "REGISTER", "CANCEL", "BYE", "ACK", "rubbish"]
    for method in sent:
        if transport != "UDP":
            line = stranger.line(running.port)
        if method == "rubbish":
            line.send("INVITE sip:a@b SIP/2.0\r\nVia: x\r\nContent-Length: 0\r\n\r\n")
        else:
            one = Dialog(stranger, line, f"stranger-{method}", "<sip:100@1.1.1.1>;tag=1", "<sip:100@1.1.1.1>;tag=2" if method in ("BYE", "ACK") else
                         "<sip:100@1.1.1.1>", "sip:100@127.0.0.1")
            one.cseq = 1
            one.request(method, one.contact, cseq=1)
        if transport != "UDP":
            assert line.gone.wait(10), method
    stranger.quiet(0.3)
    assert not stranger.heard and not callee.heard
    assert running.metrics()['callchain_gateway_admissions_total{what="not_allowed"}'] >= 6
    # Who is on it is asked for the password.
    invite(caller, running.port, OFFER)
    caller.expect("407 INVITE")
    running.stop()


# Two addresses of Twilio.

@pytest.mark.parametrize("transport", ["UDP", "TCP", "TLS"])
@pytest.mark.parametrize("first", ["503", "refused"])
def test_the_second_address_is_called_where_the_first_does_not_take_it(tmp_path, started, gateway, phone, transport, first):
    # A certificate is for the domain, whatever the name of the server (RFC 3263 section 8).
    (tmp_path / "names.cnf").write_text(f"subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:{DOMAIN}\n")
    subprocess.run(["openssl", "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "server.pem",
                    "-days", "2", "-extfile", "names.cnf"], cwd=tmp_path, check=True, capture_output=True)
    busy, callee, caller = phone(transport), phone(transport), phone(transport)
    server, port = name_server(tmp_path, transport, free_port() if first == "refused" else busy.port, callee.port)
    started(server)
    running = gateway(transport, 0, TWILIO_SIP_DOMAIN=DOMAIN, CALLCHAIN_DNS_SERVERS=f"127.0.0.1:{port}")
    if first == "503":
        refusing = threading.Thread(target=lambda: reply(busy.expect("INVITE"), "503 Service Unavailable", tag="busy"))
        refusing.start()
    ours, other, request = up(caller, callee, running)
    if first == "503":
        refusing.join(5)
        busy.expect("ACK")
        assert busy.heard[0].get("Call-ID") == request.get("Call-ID") and busy.heard[0].get("Via") != request.get("Via")
    assert request.uri == f"sip:bridge@{DOMAIN}" + (";transport=tls" if transport == "TLS" else "")
    hang_up(ours, other)
    assert [one["end"] for one in running.summaries()] == ["hung_up_by_a"]
    running.stop()


def test_a_name_that_is_not_there_is_504(tmp_path, started, gateway, phone):
    caller = phone("UDP")
    server, port = name_server(tmp_path, "UDP", free_port())
    started(server)
    running = gateway("UDP", 0, TWILIO_SIP_DOMAIN="nobody.example.test", CALLCHAIN_DNS_SERVERS=f"127.0.0.1:{port}")
    invite(caller, running.port, OFFER)
    caller.expect("504 INVITE", 5)
    assert "nobody.example.test" in running.wait_for("the called side could not be reached")["why"]
    assert running.summaries()[0]["end"] == "unreachable"
    running.stop()


@pytest.mark.parametrize("transport", ["TCP", "TLS"])
def test_a_twilio_that_drops_the_connection_before_it_answers_is_504(tmp_path, started, gateway, phone, transport):
    callee, caller = phone(transport), phone(transport)
    running = gateway(transport, callee.port)
    invite(caller, running.port, SECURE_OFFER if transport == "TLS" else OFFER)
    callee.expect("INVITE").line.close()
    caller.expect("504 INVITE", 10)
    assert running.summaries()[0]["end"] == "unreachable"
    running.stop()


@pytest.mark.parametrize("transport", ["TCP", "TLS"])
def test_messages_come_in_pieces_and_together(tmp_path, started, gateway, phone, transport):
    callee, caller = phone(transport), phone(transport)
    running = gateway(transport, callee.port)
    line = caller.line(running.port)
    pieces: list[str] = []

    class Collected:
        kind, send = line.kind, staticmethod(pieces.append)
    ours = invite(caller, running.port, SECURE_OFFER if transport == "TLS" else OFFER, line=Collected)
    for byte in pieces.pop():
        line.send(byte)
    other, _ = take(callee, session(SDES_ANSWER, port=50000) if transport == "TLS" else ANSWER)
    ours.established(caller.expect("200 INVITE"))
    ours.request("ACK")
    ours.request("BYE")
    line.send("\r\n\r\n" + pieces[0] + pieces[1] + "\r\n")
    caller.expect("200 BYE")
    reply(callee.expect("BYE"), "200 OK")
    assert running.summaries()[0]["end"] == "hung_up_by_a"
    running.stop()


# A bad network.

class LossyRelay:
    """UDP from whoever sends to it on to one port, and back: of ten datagrams one is lost, one is doubled, one comes later."""

    def __init__(self, target: int, seed: int):
        self.target, self.random = target, random.Random(seed)
        self.front = self.opened()
        self.port = self.front.getsockname()[1]
        self.behind: dict[tuple, socket.socket] = {}
        self.harmed = 0
        threading.Thread(target=self.forward, daemon=True).start()

    def opened(self) -> socket.socket:
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.bind(("127.0.0.1", 0))
        return one

    def forward(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                data, source = self.front.recvfrom(65536)
                if source not in self.behind:
                    self.behind[source] = self.opened()
                    threading.Thread(target=self.back, args=(self.behind[source], source), daemon=True).start()
                self.pass_on(self.behind[source], data, ("127.0.0.1", self.target))

    def back(self, way: socket.socket, source: tuple) -> None:
        with contextlib.suppress(OSError):
            while True:
                self.pass_on(self.front, way.recv(65536), source)

    def pass_on(self, way: socket.socket, data: bytes, to: tuple) -> None:
        fate = self.random.random()
        self.harmed += fate < 0.3
        if 0.2 <= fate < 0.3:
            threading.Timer(0.06, self.send, (way, data, to)).start()
        elif fate >= 0.1:
            for _ in range(1 if fate >= 0.3 else 2):
                self.send(way, data, to)

    def send(self, way: socket.socket, data: bytes, to: tuple) -> None:
        with contextlib.suppress(OSError):
            way.sendto(data, to)

    def close(self) -> None:
        for one in [self.front, *self.behind.values()]:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


class Patient:
    """One side of many calls over UDP, as RFC 3261 sections 13 and 17 want it: what has no answer is repeated, what comes again is answered."""

    def __init__(self, side: Phone, hangs_up: bool):
        self.side, self.hangs_up = side, hangs_up
        self.calls: dict[str, Dialog] = {}
        self.over: dict[str, str] = {}
        self.due: dict[tuple[str, str], tuple[float, float, Callable[[], None]]] = {}
        self.asked: set[str] = set()

    def call(self, port: int) -> None:
        ours = invite(self.side, port, OFFER)
        self.calls[ours.call_id] = ours
        branch = ours.branch
        self.repeat(ours.call_id, "INVITE", lambda: ours.request("INVITE", ours.contact, body=OFFER, cseq=1, branch=branch))

    def repeat(self, call: str, what: str, send: Callable[[], None], interval: float = 0.5) -> None:
        self.due[call, what] = (time.monotonic() + interval, min(2 * interval, 4), send)

    def run(self, finished: threading.Event) -> None:
        read = 0
        while not finished.is_set():
            for message in self.side.heard[read:]:
                read += 1
                self.hear(message, message.get("Call-ID"))
            for (call, what), (at, interval, send) in list(self.due.items()):
                if time.monotonic() >= at:
                    send()
                    self.repeat(call, what, send, interval)
            time.sleep(0.002)

    def hear(self, message: Message, call: str) -> None:
        what = message.what
        if what == "INVITE" and call not in self.calls:
            other = self.calls[call] = called(self.side, message)
            self.repeat(call, "200", lambda: reply(message, "200 OK", other.contact, body=ANSWER, tag="twilio"), 0)
        elif what == "ACK" and self.due.pop((call, "200"), None):
            self.bye(call)
        elif what.endswith(" INVITE"):
            self.due.pop((call, "INVITE"), None)
            if what == "200 INVITE":
                self.calls[call].established(message)
                self.calls[call].request("ACK", cseq=1)
                self.bye(call)
            elif what[0] > "2":
                self.over[call] = what
        elif what == "BYE":
            self.due.pop((call, "200"), None)
            reply(message, "200 OK")
            self.over.setdefault(call, what)
        elif what.endswith(" BYE"):
            self.due.pop((call, "BYE"), None)
            self.over[call] = what

    def bye(self, call: str) -> None:
        if self.hangs_up and call not in self.asked:
            self.asked.add(call)
            one = self.calls[call]
            self.repeat(call, "BYE", lambda: one.request("BYE", cseq=7, branch=f"z9hG4bKbye-{call}"), 0)


@pytest.mark.parametrize("ended_by", ["meta", "twilio"])
def test_a_network_that_loses_doubles_and_mixes(tmp_path, started, gateway, phone, ended_by):
    calls = 30
    callee, caller = phone("UDP"), phone("UDP")
    toward_callee, toward_caller = LossyRelay(callee.port, 1), LossyRelay(caller.port, 2)
    callee.contact_port, caller.contact_port = toward_callee.port, toward_caller.port
    running = gateway("UDP", toward_callee.port)
    toward_gateway = LossyRelay(running.port, 3)
    meta, twilio = Patient(caller, ended_by == "meta"), Patient(callee, ended_by == "twilio")
    finished = threading.Event()
    workers = [threading.Thread(target=side.run, args=(finished,), daemon=True) for side in (meta, twilio)]
    try:
        for _ in range(calls):
            meta.call(toward_gateway.port)
        for worker in workers:
            worker.start()
        # The last answer to a BYE may be lost as well: they listen until nothing is left at the gateway.
        until(lambda: len(meta.over) == len(twilio.over) == running.count("call summary") == calls, 40)
        ends = {"meta": ({"200 BYE"}, {"BYE"}, "hung_up_by_a"), "twilio": ({"BYE"}, {"200 BYE"}, "hung_up_by_b")}[ended_by]
        assert (set(meta.over.values()), set(twilio.over.values())) == ends[:2]
        assert {one["end"] for one in running.summaries(calls)} == {ends[2]}
        assert min(relay.harmed for relay in (toward_callee, toward_gateway)) > 10
        running.stop()
    finally:
        finished.set()
        for worker in workers:
            worker.join(5)
        for relay in (toward_callee, toward_caller, toward_gateway):
            relay.close()


# Peers of which nobody knows what they do next.

WHAT_TWILIO_DOES = [["100 Trying"], ["180 Ringing"], ["200 OK"], ["180 Ringing", "200 OK"], ["180 Ringing", "200 OK"], ["200 OK", "200 OK"],
                    ["486 Busy Here"], ["503 Service Unavailable"], ["302 Moved Temporarily"], ["bad"], ["fork"], ["gone"]]
WHAT_THEY_ASK = [["BYE"], ["BYE", "BYE"], ["INVITE", "BYE"], ["UPDATE"], ["OPTIONS", "BYE"], ["REFER"], [], ["gone"], ["gone", "BYE"]]


class Erratic:
    """One side of many calls. What it does with each message is a matter of its dice; only answers to BYE and CANCEL, and its ACKs, come."""

    def __init__(self, side: Phone, port: int, seed: int):
        self.side, self.port, self.dice = side, port, random.Random(seed)
        self.calls: dict[str, Dialog] = {}
        self.invites: dict[str, Message] = {}
        self.finals: set[str] = set()
        self.branches: dict[str, str] = {}
        self.current: Line | None = None

    def line(self) -> Line:
        if self.current is None or self.current.gone.is_set():
            self.current = self.side.line(self.port)
        return self.current

    def run(self, finished: threading.Event, calls: int) -> None:
        read = begun = 0
        while not finished.is_set():
            if begun < calls and self.dice.random() < 0.3:
                begun += 1
                ours = invite(self.side, self.port, OFFER, line=self.line())
                self.calls[ours.call_id] = ours
                self.branches[ours.call_id] = ours.branch
                if self.dice.random() < 0.2:
                    self.ask(ours, "CANCEL", branch=ours.branch)
            for message in self.side.heard[read:]:
                read += 1
                with contextlib.suppress(OSError):
                    self.hear(message, message.get("Call-ID"))
            time.sleep(0.005)

    def ask(self, one: Dialog, method: str, *headers: str, **more) -> None:
        if one.line.gone.is_set():
            one.line = self.line()
        with contextlib.suppress(OSError):
            one.request(method, *headers, **more)

    def hang_up_line(self, line: Line) -> None:
        line.close()
        # An INVITE whose answer may be lost with it is repeated: without an ACK a call stands 32 s.
        for call, branch in self.branches.items():
            if self.calls[call].line is line and call not in self.finals:
                self.ask(self.calls[call], "INVITE", self.calls[call].contact, body=OFFER, branch=branch, cseq=1)

    def hear(self, message: Message, call: str) -> None:
        what = message.what
        if what == "INVITE":
            self.called(message, call)
        elif what == "ACK":
            self.up(self.calls[call])
        elif what == "BYE":
            if self.dice.random() < 0.1:
                return self.hang_up_line(message.line)
            reply(message, self.dice.choice(["200 OK", "200 OK", "481 Call/Transaction Does Not Exist"]))
        elif what == "CANCEL":
            reply(message, "200 OK", tag="twilio")
            end = self.dice.choice(["487 Request Terminated", "200 OK"])
            reply(self.invites[call], end, self.calls[call].contact, body=ANSWER if end == "200 OK" else "", tag="twilio")
        elif what == "OPTIONS":
            reply(message, "200 OK")
        elif what.endswith(" INVITE") and what[0] > "1":
            self.answered(message, call)

    def called(self, message: Message, call: str) -> None:
        other = self.calls[call] = called(self.side, message)
        self.invites[call] = message
        for status in self.dice.choice(WHAT_TWILIO_DOES):
            if status == "gone":
                return self.hang_up_line(message.line)
            body = {"200 OK": ANSWER, "bad": session(SDES_ANSWER), "fork": ANSWER}.get(status, "")
            for tag in ("twilio", "other") if status == "fork" else ("twilio",):
                reply(message, status if status[0].isdigit() else "200 OK", other.contact, body=body, tag=tag)

    def answered(self, message: Message, call: str) -> None:
        one = self.calls[call]
        self.finals.add(call)
        if message.what == "200 INVITE":
            one.established(message)
            self.ask(one, "ACK", cseq=int(message.get("CSeq").split()[0]))
            self.up(one)

    def up(self, one: Dialog) -> None:
        for method in self.dice.choice(WHAT_THEY_ASK):
            one.cseq = max(one.cseq, 10)
            if method == "gone":
                self.hang_up_line(one.line)
            elif one.cseq < 20:
                self.ask(one, method, one.contact, body=self.dice.choice([OFFER, ANSWER, ""]) if method in ("INVITE", "UPDATE") else "")


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_they_do_every_call_ends(tmp_path, started, gateway, phone, seed):
    calls = 100
    callee, caller = phone("TCP"), phone("TCP")
    running = gateway("TCP", callee.port, CALLCHAIN_RING_SECONDS="1", CALLCHAIN_MAX_CALL_SECONDS="2")
    asking = phone("TCP", host="127.0.0.3")
    finished = threading.Event()
    sides = [Erratic(caller, running.port, seed), Erratic(callee, running.port, seed + 100)]
    workers = [threading.Thread(target=side.run, args=(finished, count), daemon=True) for side, count in zip(sides, (calls, 0), strict=True)]
    try:
        for worker in workers:
            worker.start()
        until(lambda: len(sides[0].calls) == calls, 30)
        until(lambda: running.metrics()["callchain_gateway_calls_active"] == 0, 45)
    finally:
        finished.set()
        for worker in workers:
            worker.join(5)
    assert set(sides[0].calls) == sides[0].finals
    ends = {one["end"] for one in running.events if one["message"] == "call summary"}
    assert len(ends) >= 4 and "fault" not in ends
    one = Dialog(asking, asking.line(running.port), "still-there", "<sip:a@b>;tag=1", "<sip:a@b>", "sip:a@b")
    one.request("OPTIONS")
    asking.expect("200 OPTIONS")
    running.stop()
