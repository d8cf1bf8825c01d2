"""`gateway run` on a host in trouble: each fault has an outcome with a name, in docs/reliability.md too ("Faults").

killed at random moments; disk full for the trace and for the log; names gone; Twilio's certificate wrong; clock stepped; 64 MiB; 256 descriptors.
The program is named by the variable CALLCHAIN.
"""

import contextlib
import json
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateway import DIGEST, NUMBER, PASSWORD
from peers import DOMAIN, certificates, free_port, name_server
from raw_calls import OFFER, SECURE_OFFER, hang_up, take, up
from raw_sip import Phone, credentials, invite, reply, until

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from host_faults import (Clock, MemoryLimit, NameServer, cpu_seconds, descriptors, fill, limited_to, not_under_a_sanitizer, resident_mib,
                         small_disk)

UNREACHABLE = "the called side could not be reached"


def calls_ended(running) -> dict[str, int]:
    """How many calls ended in which way, by the metrics."""
    return {name.split('"')[1]: int(value) for name, value in running.metrics().items()
            if name.startswith("callchain_gateway_calls_total") and value}


# Killed


def test_killed_at_random_moments_what_was_up_is_481_and_what_was_being_set_up_is_set_up_when_it_comes_again(tmp_path, started, gateway, phone):
    """Outcome: `a request of a call that is not here`, answered 481, for what was up; an INVITE that Meta repeats is a new call."""
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    dice = random.Random(seed)
    port = free_port()
    running = None
    for life in range(4):
        callee, caller = phone("UDP"), phone("UDP")
        running = gateway("UDP", callee.port, CALLCHAIN_LISTEN=f"127.0.0.1:{port}")
        talking = [up(caller, callee, running)[:2] for _ in range(dice.randint(1, 3))]
        coming = []
        for _ in range(dice.randint(1, 3)):
            ours = invite(caller, running.port, OFFER)
            coming.append((ours, ours.branch))
        time.sleep(dice.choice([0.0, 0.002, 0.01, 0.05]))
        running.process.kill()
        assert running.process.wait(10) == -signal.SIGKILL

        again = gateway("UDP", callee.port, CALLCHAIN_LISTEN=f"127.0.0.1:{port}")
        for ours, other in talking:
            ours.request("BYE")
            until(lambda one=ours: any(m.what == "481 BYE" and m.get("Call-ID") == one.call_id for m in caller.heard))
            other.request("BYE")
            until(lambda one=other: any(m.what == "481 BYE" and m.get("Call-ID") == one.call_id for m in callee.heard))
        assert again.wait_for("a request of a call that is not here")["answered"].startswith("481"), (seed, life)
        # Meta repeats what was not answered; the side of Twilio has got some INVITEs of the process that is gone, and hears no more of them.
        until(lambda: time.sleep(0.05) is None)
        lost = {one.get("Call-ID") for one in callee.heard if one.what == "INVITE"}
        for ours, branch in coming:
            ours.request("INVITE", ours.contact, body=OFFER, cseq=1, branch=branch)
        new = []
        for _ in coming:
            until(lambda: any(m.what == "INVITE" and m.get("Call-ID") not in lost for m in callee.heard))
            request = next(m for m in callee.heard if m.what == "INVITE" and m.get("Call-ID") not in lost)
            lost.add(request.get("Call-ID"))
            reply(request, "486 Busy Here", tag="twilio")
            new.append(request)
        for ours, _ in coming:
            until(lambda one=ours: any(m.what == "486 INVITE" and m.get("Call-ID") == one.call_id for m in caller.heard))
            ours.request("ACK", branch=ours.branch)
        assert [one["end"] for one in again.summaries(len(coming))] == ["refused"] * len(coming), (seed, life)
        again.stop()


# Disk full


def test_a_full_disk_for_the_trace_is_told_once_and_costs_no_call(tmp_path, started, gateway, phone):
    """Outcome: one line `the trace cannot be written: lines are lost`; with room again the trace goes on with a line of its own."""
    callee, caller = phone("UDP"), phone("UDP")
    with small_disk(tmp_path / "small", 64) as disk:
        trace = disk / "trace.jsonl"
        running = gateway("UDP", callee.port, CALLCHAIN_TRACE=str(trace))
        hang_up(*up(caller, callee, running)[:2])
        filler = fill(disk)  # but for the rest of a page, which is room for half a line
        for _ in range(2):
            hang_up(*up(caller, callee, running)[:2])
        told = running.wait_for("the trace cannot be written: lines are lost")
        assert told["level"] == "warn" and told["file"] == str(trace)
        filler.unlink()
        ours, other, request = up(caller, callee, running)
        hang_up(ours, other)
        assert len(running.summaries(4)) == 4 and running.count(told["message"]) == 1
        whole = []
        for line in trace.read_text().splitlines():
            assert line.count('"time":"20') == 1, f"two in one line: {line}"
            with contextlib.suppress(ValueError):
                whole.append(json.loads(line))
        of_the_last = [one["message"].splitlines()[0].split()[0] for one in whole if one["call_id"] == ours.call_id and one["direction"] == "received"]
        assert of_the_last == ["INVITE", "ACK", "BYE"], of_the_last
        # Weeks later it is news again.
        fill(disk)
        hang_up(*up(caller, callee, running)[:2])
        until(lambda: running.count(told["message"]) == 2)
        running.stop()


def test_a_full_disk_for_the_log_drops_lines_and_no_call(tmp_path, started, gateway, phone):
    """Outcome: `callchain_gateway_log_lines_dropped`, and once there is room the log says how many."""
    callee, caller = phone("UDP"), phone("UDP")
    with small_disk(tmp_path / "small", 64) as disk:
        running = gateway("UDP", callee.port, log=disk / "gateway.log", CALLCHAIN_TRACE="")
        filler = fill(disk)
        for _ in range(8):
            hang_up(*up(caller, callee, running)[:2])
        until(lambda: running.metrics()["callchain_gateway_log_lines_dropped"] >= 8)
        until(lambda: calls_ended(running) == {"hung_up_by_a": 8})
        filler.unlink()
        hang_up(*up(caller, callee, running)[:2])
        told = running.wait_for("lines of this log were dropped: its reader is too slow, or failed")
        # Counted here and not above, where lines of the calls may still have been on their way to the disk.
        assert told["dropped"] == running.metrics()["callchain_gateway_log_lines_dropped"] >= 8
        running.stop()


# Names gone


@pytest.mark.parametrize("code", [None, NameServer.SERVFAIL], ids=["silent", "servfail"])
def test_names_that_cannot_be_looked_up_are_504_and_the_next_call_finds_them(tmp_path, started, gateway, phone, code):
    """Outcome: 504 to Meta, `end=unreachable`, and `the called side could not be reached` says of what name, and why."""
    callee, caller = phone("UDP"), phone("UDP")
    with NameServer("127.0.0.1", code, port=0) as broken:
        running = gateway("UDP", 0, TWILIO_SIP_DOMAIN=DOMAIN, CALLCHAIN_DNS_SERVERS=f"127.0.0.1:{broken.port}")
        ours = invite(caller, running.port, OFFER)
        caller.expect("504 INVITE")
        ours.request("ACK", branch=ours.branch)
        assert broken.asked
    why = running.wait_for(UNREACHABLE)["why"]
    assert f"the DNS gives no answer for {DOMAIN}" in why and ("refuses or fails" if code else "no DNS server answers") in why, why
    assert running.summaries()[0]["end"] == "unreachable"
    # A failure of the server is not remembered as an answer. On a busy machine the new one may be slow once or twice.
    server, _ = name_server(tmp_path, "UDP", callee.port, at=broken.port)
    started(server)
    for _ in range(3):
        ours = invite(caller, running.port, OFFER)
        until(lambda one=ours: not callee.inbox.empty() or any(m.what == "504 INVITE" and m.get("Call-ID") == one.call_id for m in caller.heard))
        if not callee.inbox.empty():
            break
        caller.expect("504 INVITE")
        ours.request("ACK", branch=ours.branch)
    other, _ = take(callee)
    ours.established(caller.expect("200 INVITE"))
    ours.request("ACK")
    hang_up(ours, other)
    until(lambda: calls_ended(running).get("hung_up_by_a") == 1)
    running.stop()


def test_a_call_that_is_up_needs_no_names(tmp_path, started, gateway, phone):
    """Outcome: none: a dialog keeps its flow, and the next calls have what is remembered of the name."""
    callee, caller = phone("TCP"), phone("TCP")
    server, port = name_server(tmp_path, "TCP", callee.port)
    started(server)
    running = gateway("TCP", 0, TWILIO_SIP_DOMAIN=DOMAIN, CALLCHAIN_DNS_SERVERS=f"127.0.0.1:{port}")
    ours, other, _ = up(caller, callee, running)
    server.end()
    hang_up(ours, other)
    hang_up(*up(caller, callee, running)[:2])
    assert [one["end"] for one in running.summaries(2)] == ["hung_up_by_a"] * 2
    running.stop()


# Twilio's certificate is wrong


def certificate_of_twilio(folder: Path, ours: Path, what: str) -> None:
    """The files that Twilio's side shows, with that fault; by our authority unless that is the fault."""
    folder.mkdir()
    certificates(folder)
    if what == "of another authority":
        return
    for name in ("ca.pem", "ca.key"):
        shutil.copy(ours / name, folder / name)
    if what == "for another name":
        (folder / "names.cnf").write_text("subjectAltName=DNS:other.example.test\n")
    days = "-1" if what == "expired" else "2"
    subprocess.run(["openssl", "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "server.pem",
                    "-days", days, "-extfile", "names.cnf"], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize(("what", "words"), [("of another authority", "unable to get local issuer certificate"),
                                             ("for another name", "its certificate is not for 127.0.0.1"), ("expired", "certificate has expired")])
def test_a_wrong_certificate_of_twilio_is_504_and_nothing_is_said_to_it(tmp_path, started, gateway, phone, what, words):
    """Outcome: 504 to Meta, `end=unreachable`, the fault of the certificate in `why`; no SIP leaves, credentials least of all."""
    certificate_of_twilio(tmp_path / "twilio", tmp_path, what)
    callee, caller = Phone("TLS", tmp_path / "twilio"), phone("TLS")
    running = gateway("TLS", callee.port)
    invite(caller, running.port, SECURE_OFFER)
    caller.expect("504 INVITE", 10)
    assert words in running.wait_for(UNREACHABLE)["why"]
    assert running.summaries()[0]["end"] == "unreachable"
    assert not callee.heard
    callee.close()
    running.stop()


# The clock is stepped


@not_under_a_sanitizer
def test_a_clock_that_is_stepped_ends_no_call_and_no_challenge(tmp_path, started, gateway, phone):
    """Outcome: none: nonces, timers and the longest call go by the monotonic clock. Only what the log says of the time is wrong."""
    clock = Clock(tmp_path)
    callee, caller = phone("UDP"), phone("UDP")
    running = gateway("UDP", callee.port, CALLCHAIN_MAX_CALL_SECONDS="60", **DIGEST, **clock.variables)
    talking = []
    for step in (7_200, -7_200):
        ours = invite(caller, running.port, OFFER)
        challenge = caller.expect("407 INVITE")
        clock.step(step)
        ours.request("INVITE", ours.contact, credentials(challenge, "INVITE", ours.target, f"+{NUMBER}"[1:], PASSWORD), body=OFFER)
        other, _ = take(callee)
        ours.established(caller.expect("200 INVITE"))
        ours.request("ACK", cseq=2)
        talking.append((ours, other))
    time.sleep(0.3)
    assert running.metrics()["callchain_gateway_calls_active"] == 2
    clock.step(0)
    for ours, other in talking:
        hang_up(ours, other)
    assert [one["end"] for one in running.summaries(2)] == ["hung_up_by_a"] * 2
    assert running.metrics()['callchain_gateway_admissions_total{what="stale"}'] == 0
    running.stop()


@not_under_a_sanitizer
def test_a_clock_far_behind_makes_twilios_certificate_not_yet_valid_and_that_is_said(tmp_path, started, gateway, phone):
    """Outcome: 504, `end=unreachable`, `certificate is not yet valid` in `why`; calls pass as soon as the clock is right."""
    clock = Clock(tmp_path)
    callee, caller = phone("TLS"), phone("TLS")
    running = gateway("TLS", callee.port, **clock.variables)
    clock.step(-30 * 86_400)
    invite(caller, running.port, SECURE_OFFER)
    caller.expect("504 INVITE", 10)
    assert "certificate is not yet valid" in running.wait_for(UNREACHABLE)["why"]
    clock.step(0)
    hang_up(*up(caller, callee, running)[:2])
    assert [one["end"] for one in running.summaries(2)] == ["unreachable", "hung_up_by_a"]
    running.stop()


# Little memory, few descriptors

MOST_OF_ONE_ADDRESS = 64


def strangers(stack: contextlib.ExitStack, port: int, count: int) -> list[socket.socket]:
    """So many connections, from as many addresses of loopback as the limit for one address wants."""
    return [stack.enter_context(socket.create_connection(("127.0.0.1", port), 10, (f"127.0.0.{10 + number // MOST_OF_ONE_ADDRESS}", 0)))
            for number in range(count)]


@not_under_a_sanitizer
def test_within_64_mib_calls_pass_while_strangers_send_messages_without_end(tmp_path, started, gateway, phone):
    """Outcome: connections that hold more than their part are closed (`too much is being received at once`); every call passes."""
    callee, caller = phone("UDP"), phone("UDP")
    with MemoryLimit("gateway", 64) as limit, contextlib.ExitStack() as stack:
        print(f"by {limit.by}")
        running = gateway("UDP", callee.port, begin=limit.enter, CALLCHAIN_TRACE="", CALLCHAIN_CALLS_PER_SECOND="1000")
        head = "MESSAGE sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK1\r\nContent-Length: 63000\r\n\r\n"
        tcp = int(re.search(r"tcp:\S+:(\d+)", running.ready["listen"])[1])
        for stranger in strangers(stack, tcp, 1_000):
            with contextlib.suppress(OSError):
                stranger.sendall(head.encode() + b"x" * 62_000)
        assert "too much is being received at once" in running.wait_for("connection refused")["detail"]
        talking = [up(caller, callee, running)[:2] for _ in range(60)]
        assert running.process.poll() is None and resident_mib(running.process.pid) < 64
        for ours, other in talking:
            hang_up(ours, other)
        until(lambda: calls_ended(running) == {"hung_up_by_a": 60})
        running.stop()


@not_under_a_sanitizer
def test_with_256_descriptors_and_400_connections_calls_still_find_one_for_twilio(tmp_path, started, gateway, phone):
    """Outcome: a quarter is kept for our own; beyond it `connection refused`, `callchain_gateway_connections_refused_total`; nothing spins."""
    callee, caller = phone("TCP"), phone("TCP")
    running = gateway("TCP", callee.port, begin=limited_to(256))
    line = caller.line(running.port)
    with contextlib.ExitStack() as stack:
        strangers(stack, running.port, 400)
        until(lambda: running.metrics()["callchain_gateway_connections_refused_total"] >= 200)
        assert "connections" in running.wait_for("connection refused")["detail"]
        assert descriptors(running.process.pid) <= 256
        before, lines = cpu_seconds(running.process.pid), len(running.events)
        time.sleep(1)
        assert cpu_seconds(running.process.pid) - before < 0.3
        assert len(running.events) - lines < 5
        ours = invite(caller, running.port, OFFER, line=line)
        other, _ = take(callee)
        ours.established(caller.expect("200 INVITE"))
        ours.request("ACK")
        hang_up(ours, other)
    until(lambda: running.metrics()["callchain_gateway_connections"] < 10)
    hang_up(*up(phone("TCP"), callee, running)[:2])
    assert [one["end"] for one in running.summaries(2)] == ["hung_up_by_a"] * 2
    running.stop()
