#!/usr/bin/env python3
"""Many calls through `gateway run` between two SIPps, Twilio in trouble with a tenth of them: none may be lost, and nothing may grow.

    soak_gateway.py PROGRAM [--long N] [--short N] [--long-rate R] [--rate R] [--fail SHARE] [--write]

First the calls of 20 s, over TLS on both sides, then the short ones over UDP. The side of Twilio challenges every call. A tenth (SHARE) it
answers with 486 or 503, rings without end, or does not answer at all; it writes down which. Then, by both SIPps and the metrics:

- every call succeeded at the caller's side, or was refused there; and the gateway has each with the end that it must have had:
  hung_up_by_a, refused, no_answer, unreachable;
- memory did not grow from a third of the calls to the last; calls, transactions, timers and descriptors are what they were.

Exit code 0 where all of this holds, else 1. The figures of a run of full size, or with --write, go into docs/reliability.md.
"""

import argparse
import collections
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scenarios"))
from gateway import IPV6_KEYS, PLAIN, PLAIN_ANSWER, SDES, SDES_ANSWER, Gateway, scenario
from page import heading, write_result
from peers import Child, certificates, free_port, stunnel

GROWTH_KB = 8 * 1024  # of resident memory from a third of a run to its end
SETTLE_SECONDS = 70  # nothing of a call is left 64 s after its last event
LEFT = ("calls_active", "calls_remembered", "transactions")
KB_PER_CALL = 20  # that is remembered behind its end, so that a run that is shorter than that time may grow by it
RING_SECONDS = 25  # a Twilio that says nothing is given up sooner: 10 s on the connection of its challenge, 10 s on another
END_OF = {"busy": "refused", "unavailable": "refused", "rings": "no_answer", "silent": "unreachable"}  # by what Twilio does


class Load(NamedTuple):
    transport: str
    calls: int
    rate: int
    talk_ms: int
    fail: float


class Levels(NamedTuple):
    """Of the gateway at one moment."""
    resident_kb: int
    descriptors: int
    timers: int
    remembered: int  # calls


class Outcome(NamedTuple):
    load: Load
    seconds: float
    fates: dict[str, int]  # what Twilio did, but for the calls that it took
    ends: dict[str, int]
    most_up: int
    start: Levels
    third: Levels
    last: Levels
    settled: Levels
    faults: list[str]


def sipp(folder: Path, name: str, file: str, transport: str, port: int, *more: str) -> Child:
    # Without the time limit that the scenarios have, and with a quiet screen.
    return Child(folder, name, "sipp", *more, "-sf", file, "-i", "127.0.0.1", "-p", str(port), "-t", "u1" if transport == "UDP" else "t1", "-nostdin",
                 "-trace_err", "-error_file", str(folder / f"{name}-errors.log"))


def levels(gateway: Gateway) -> Levels:
    process = Path(f"/proc/{gateway.process.pid}")
    resident = next(int(line.split()[1]) for line in (process / "status").read_text().splitlines() if line.startswith("VmRSS"))
    metrics = gateway.metrics()
    timers, remembered = (int(metrics[f"callchain_gateway_{name}"]) for name in ("timers", "calls_remembered"))
    return Levels(resident, len(os.listdir(process / "fd")), timers, remembered)


def ends_of(gateway: Gateway) -> dict[str, int]:
    return {name.split('"')[1]: int(value) for name, value in gateway.metrics().items()
            if name.startswith("callchain_gateway_calls_total{") and value}


class Between:
    """A gateway between the two sides, and what stands in front of them where the transport is TLS."""

    def __init__(self, folder: Path, load: Load):
        self.folder, self.load, self.children = folder, load, []
        certificates(folder)
        tls, transport = load.transport == "TLS", load.transport
        offer, answer = (SDES, SDES_ANSWER) if tls else (PLAIN, PLAIN_ANSWER)
        # Each of the four comes with that chance behind the ones before it.
        chance = 1 - (1 - load.fail) ** (1 / len(END_OF))
        self.fates_file = folder / "fates.log"
        self.most = str(load.rate * (load.talk_ms // 1000 + RING_SECONDS + 5))
        port = free_port()
        answers = scenario(folder, "soak_uas.xml", transport, sdp=answer, chance=f"{chance:.6f}")
        self.callee = self._start(sipp(folder, "twilio", answers, transport, port, "-m", str(load.calls), "-l", self.most, "-trace_logs", "-log_file", str(self.fates_file)))
        twilio_port = port
        if tls:
            twilio_port = free_port()
            self._start(stunnel(folder, "inward", twilio_port, port, client=False))
        self.gateway = Gateway(folder, transport, twilio_port, CALLCHAIN_TRACE="", CALLCHAIN_CALLS_PER_SECOND=str(load.rate * 4),
                               CALLCHAIN_MAX_CALLS="100000", CALLCHAIN_RING_SECONDS=str(RING_SECONDS))
        self.target = self.gateway.port
        if tls:
            self.target = free_port()
            self._start(stunnel(folder, "outward", self.target, self.gateway.port, client=True))
        self._calls = scenario(folder, "soak_uac.xml", transport, sdp=offer, talk=str(load.talk_ms))

    def call(self) -> Child:
        load = self.load
        return self._start(sipp(self.folder, "meta", self._calls, load.transport, free_port(), f"127.0.0.1:{self.target}", "-s", "+12145551869",
                                "-m", str(load.calls), "-r", str(load.rate), "-l", self.most, *IPV6_KEYS))

    def _start(self, child: Child) -> Child:
        self.children.append(child)
        return child

    def end_peers(self) -> None:
        for child in self.children:
            child.end()

    def fates(self) -> dict[str, int]:
        text = self.fates_file.read_text(errors="replace") if self.fates_file.exists() else ""
        counted = collections.Counter(word for line in text.splitlines() for word in END_OF if line.strip().endswith(word))
        return dict(counted)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end_peers()
        if self.gateway.process.poll() is None:
            self.gateway.process.kill()
            self.gateway.process.wait()


def run(load: Load) -> Outcome:
    with Between(Path(tempfile.mkdtemp(prefix="soak-gateway-")), load) as between:
        gateway, start, began = between.gateway, levels(between.gateway), time.monotonic()
        caller, third, most_up, most_remembered, turn = between.call(), None, 0, 0, 0
        while caller.process.poll() is None:
            time.sleep(1)
            turn += 1
            up, now = int(gateway.metrics()["callchain_gateway_calls_active"]), levels(gateway)
            most_up, most_remembered, done = max(most_up, up), max(most_remembered, now.remembered), sum(ends_of(gateway).values())
            if third is None and done * 3 >= load.calls:
                third = now
            if turn % 30 == 0:
                print(f"soak: {done:,} calls, {now.resident_kb:,} kB, {up:,} up", flush=True)
        last, seconds = levels(gateway), time.monotonic() - began
        faults = [f"{name} ended with {code}" for name, code in (("the caller", caller.wait()), ("the callee", between.callee.wait())) if code != 0]
        between.end_peers()
        time.sleep(SETTLE_SECONDS)
        settled, ends, fates = levels(gateway), ends_of(gateway), between.fates()
        bound = GROWTH_KB + KB_PER_CALL * max(0, most_remembered - (third or last).remembered)
        faults += faults_of(load, fates, ends, (start, third or last, last, settled), bound)
        metrics = gateway.metrics()
        faults += [f"{name} is {metrics[f'callchain_gateway_{name}']:.0f} behind the run" for name in LEFT if metrics[f"callchain_gateway_{name}"]]
        if dropped := metrics["callchain_gateway_log_lines_dropped"]:
            faults.append(f"{dropped:.0f} log lines were dropped")
        gateway.stop()
        return Outcome(load, seconds, fates, ends, most_up, start, third or last, last, settled, faults)


def faults_of(load: Load, fates: dict[str, int], ends: dict[str, int], at: tuple[Levels, Levels, Levels, Levels],
              most_growth_kb: int) -> list[str]:
    start, third, last, settled = at
    expected = collections.Counter({"hung_up_by_a": load.calls - sum(fates.values())})
    for what, count in fates.items():
        expected[END_OF[what]] += count
    found = []
    if ends != dict(expected):
        found.append(f"the calls ended as {ends}, and by what Twilio did it should be {dict(expected)}")
    if (growth := last.resident_kb - third.resident_kb) > most_growth_kb:
        found.append(f"grew by {growth} kB from a third of the run to its end, and {most_growth_kb} are allowed")
    if settled.timers > start.timers:
        found.append(f"{settled.timers} timers are left, and there were {start.timers}")
    if settled.descriptors > start.descriptors:
        found.append(f"{settled.descriptors} descriptors are left, and there were {start.descriptors}")
    return found


def section(outcomes: list[Outcome], options: argparse.Namespace) -> str:
    names = [f"{one.load.transport}, {one.load.talk_ms / 1000:g} s" for one in outcomes]
    rows = [("calls", lambda one: f"{one.load.calls:,} at {one.load.rate} a second in {one.seconds:,.0f} s, {one.most_up:,} up at the most"),
            ("what Twilio did to a tenth", lambda one: ", ".join(f"{count:,} {what}" for what, count in sorted(one.fates.items())) or "nothing"),
            ("how they ended", lambda one: ", ".join(f"{count:,} {end}" for end, count in sorted(one.ends.items()))),
            ("resident memory at a third; at the end; 70 s later",
             lambda one: "; ".join(f"{at.resident_kb / 1024:.1f} MiB" for at in (one.third, one.last, one.settled))),
            ("calls remembered at a third; at the end; 70 s later",
             lambda one: "; ".join(f"{at.remembered:,}" for at in (one.third, one.last, one.settled))),
            ("descriptors at the start; at the end; 70 s later",
             lambda one: "; ".join(str(at.descriptors) for at in (one.start, one.last, one.settled))),
            ("timers at the start; at the end; 70 s later", lambda one: "; ".join(f"{at.timers:,}" for at in (one.start, one.last, one.settled)))]
    command = (f"./dev soak gateway --long {options.long} --short {options.short} --long-rate {options.long_rate} --rate {options.rate}"
               f" --fail {options.fail:g}")
    return "\n".join([f"{heading()}: `{command}`.", "", f"| | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|",
                      *(f"| {what} | {' | '.join(figure(one) for one in outcomes)} |" for what, figure in rows)])


def main() -> int:
    parser = argparse.ArgumentParser(description="Many calls through the gateway while Twilio is in trouble.")
    parser.add_argument("program")
    parser.add_argument("--long", type=int, default=10_000, help="calls of 20 s (default: %(default)s)")
    parser.add_argument("--short", type=int, default=100_000, help="calls of 0.1 s (default: %(default)s)")
    parser.add_argument("--long-rate", type=int, default=40, help="long calls a second (default: %(default)s)")
    parser.add_argument("--rate", type=int, default=200, help="short calls a second (default: %(default)s)")
    parser.add_argument("--fail", type=float, default=0.1, help="share of calls that Twilio is in trouble with (default: %(default)s)")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/reliability.md whatever the sizes")
    options = parser.parse_args()
    os.environ["CALLCHAIN"] = str(Path(options.program).resolve())
    loads = [Load("TLS", options.long, options.long_rate, 20_000, options.fail), Load("UDP", options.short, options.rate, 100, options.fail)]
    outcomes = [run(load) for load in loads if load.calls]
    text = section(outcomes, options)
    print(text)
    found = [f"{one.load.transport}: {fault}" for one in outcomes for fault in one.faults]
    for fault in found:
        print(f"soak: FAULT: {fault}")
    if not found and (options.write or options == parser.parse_args([options.program])):
        write_result("soak-gateway", text)
    print(f"soak: {'failed' if found else 'passed'}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
