#!/usr/bin/env python3
"""Load on `callchain serve` for ten minutes while the API fails and webhooks come again: nothing may be lost, nothing may grow.

    soak.py --build BUILD [serve] [--seconds N] [--rate R] [--sockets N] [--fail SHARE] [--write]

soak_peers (tests/bench/soak_peers.cpp) is all that the service talks to: it keeps SOCKETS connections open and announces R calls a
second over them, each in its turn; every ten seconds 2,000 recent calls come again, half of them under another webhook-id, and one
call comes 200 times at once. The API is in trouble with a tenth of the calls (SHARE). Then, by its own book of every single call, by
the log of the service and by its metrics:

- every delivery was answered with 200, on a connection that stayed open; each repeated one was taken as such;
- every call was asked for at the API, was accepted once with no request for it behind that, and the log has it as accepted; or the
  log has one named outcome for its failure: sent = verified = accepted + named failures;
- no log line was dropped; memory grew from a third of the time to its end by no more than what is remembered of calls; once the
  sockets are closed the descriptors are what they were.

Exit code 0 where all of this holds, else 1. The figures of a run of full size, or with --write, go into docs/reliability.md.
"""

import argparse
import json
import re
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from deliveries import SECRET
from page import heading, write_result
from services import Service, metric, metrics_of, start_callchain, write_secret

MOST_BYTES_PER_CALL = 150  # that the registry of duplicates remembers, up to its bound
MOST_FIXED_GROWTH_MIB = 12  # the journal's last 20,000 calls, log lines and sessions come and go
MOST_DESCRIPTORS_KEPT = 64  # since the start: as many connections to the API stay open for the next calls
LEAST_OF_RATE = 0.95
NAMED_FAILURES = ("call_gone", "decided_elsewhere", "conflict", "request_refused", "credential_refused", "rate_limited", "server_error",
                  "network_failure", "deadline_passed", "unexpected_answer")


class Sizes(NamedTuple):
    seconds: int = 600
    rate: int = 5_000
    sockets: int = 10_000
    fail: float = 0.1


class State(NamedTuple):
    memory_mib: float
    descriptors: int
    remembered: int  # calls


class Run(NamedTuple):
    """What one run came to."""
    report: dict  # of soak_peers
    metrics: str
    start: State
    third: State
    end: State  # with all sockets open
    closed: State
    cpu: float
    code: int


class Peers:
    """soak_peers as a process; the service writes its log into `log`."""

    def __init__(self, program: Path, sizes: Sizes, rest: Path):
        rest.parent.mkdir(parents=True, exist_ok=True)
        command = [program, "--seconds", sizes.seconds, "--rate", sizes.rate, "--sockets", sizes.sockets, "--fail", sizes.fail, "--rest", rest]
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.log = self.process.stdin

    def line(self, word: str) -> str:
        """The next one, which begins with that word."""
        line = self.process.stdout.readline().strip()
        if not line.startswith(word):
            sys.exit(f"soak: soak_peers said {line!r} in place of {word!r}, and ended with {self.process.poll()}")
        return line

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def state_of(service: Service, what: str) -> State:
    state = State(service.resident_mib(), service.descriptors(), int(metric(service, "callchain_registry_calls")))
    print(f"soak: {what}: {state.memory_mib:.1f} MiB, {state.descriptors:,} descriptors, {state.remembered:,} calls remembered", flush=True)
    return state


def wait_until_quiet(service: Service) -> None:
    """Until every call has ended and the senders are gone; at most 20 seconds."""
    end = time.monotonic() + 20
    while time.monotonic() < end and (metric(service, "callchain_active_calls") > 0 or metric(service, "callchain_connections") > 0):
        time.sleep(0.1)


def run_load(build: Path, folder: Path, sizes: Sizes) -> Run:
    with ExitStack() as running:
        peers = running.enter_context(Peers(build / "soak_peers", sizes, folder / "callchain/callchain.log"))
        api_port = int(peers.line("ready").split()[1])
        service = running.enter_context(start_callchain(build / "callchain", folder, write_secret(folder, SECRET), api_port, output=peers.log))
        peers.log.close()  # the service has the other end
        start = state_of(service, "at the start")
        peers.process.send_signal(signal.SIGUSR1)
        print(f"soak: {peers.line('open').split()[1]} sockets are open; {sizes.rate:,} calls a second for {sizes.seconds:,} s", flush=True)
        peers.line("third")
        third = state_of(service, "at a third")
        peers.line("sent")
        end = state_of(service, "at the end")
        cpu = service.cpu_seconds()
        peers.process.send_signal(signal.SIGUSR1)
        peers.line("closed")
        wait_until_quiet(service)
        closed = state_of(service, "with the sockets closed")
        metrics = metrics_of(service)
        code = service.stop()
        return Run(json.loads(peers.line("{")), metrics, start, third, end, closed, cpu, code)


def sample(metrics: str, name: str) -> int:
    found = re.search(rf"^{re.escape(name)} (\S+)$", metrics, re.MULTILINE)
    return int(float(found[1])) if found else 0


def labelled(metrics: str, name: str) -> dict[str, int]:
    """The samples of a counter with one label, but for those that are 0."""
    pairs = re.findall(rf'^{name}{{\w+="(\w+)"}} (\S+)$', metrics, re.MULTILINE)
    return {label: int(float(value)) for label, value in pairs if float(value)}


def growth_faults(run: Run) -> list[str]:
    grown = run.end.memory_mib - run.third.memory_mib
    bound = MOST_FIXED_GROWTH_MIB + max(0, run.end.remembered - run.third.remembered) * MOST_BYTES_PER_CALL / (1 << 20)
    kept = run.closed.descriptors - run.start.descriptors
    print(f"soak: memory grew by {grown:.1f} MiB from a third to the end, {bound:.1f} are allowed; of the descriptors {kept} more than at the start"
          f" are left, {MOST_DESCRIPTORS_KEPT} are allowed")
    return (["memory grew beyond its bound"] if grown > bound else []) + (["descriptors were kept"] if kept > MOST_DESCRIPTORS_KEPT else [])


def faults_of(run: Run, sizes: Sizes) -> list[str]:
    report, faults = run.report, []

    def expect(what: str, found, wanted) -> None:
        if found != wanted:
            faults.append(f"{what}: {found}, and not {wanted}")

    calls, accepts = report["calls"], labelled(run.metrics, "callchain_accepts_total")
    webhooks = labelled(run.metrics, "callchain_webhooks_total")
    expect("calls", calls, sizes.seconds * sizes.rate)
    expect("answers by status", report["statuses"], {"200": report["sent"]})
    expect("sockets that the service closed", report["closed_by_service"], 0)
    expect("webhooks that were taken as first of a call", webhooks.get("call", 0), calls)
    expect("webhooks that were taken as repeated", webhooks.get("duplicate", 0) + webhooks.get("forgotten", 0), report["repeated"])
    expect("webhooks in all", sum(webhooks.values()), report["sent"])
    expect("outcomes in all", sum(accepts.values()), calls)
    expect("accepted, by metrics and book", accepts.get("done", 0), report["verdicts"].get("accepted once", 0))
    faults += [f"outcome without a name: {name}" for name in accepts if name not in (*NAMED_FAILURES, "done")]
    expect("log lines that were dropped", sample(run.metrics, "callchain_log_lines_dropped"), 0)
    faults += [f"{count:,} calls: {verdict}" for verdict, count in report["verdicts"].items() if verdict.startswith("BAD")]
    expect("exit code behind SIGTERM", run.code, 0)
    if (reached := calls / report["seconds"]) < LEAST_OF_RATE * sizes.rate:
        faults.append(f"only {reached:,.0f} calls a second were reached: the machine or the service is too slow")
    return faults + growth_faults(run)


def section(run: Run, sizes: Sizes) -> str:
    report = run.report
    rows = [("webhooks sent, all answered with 200", f"{report['sent']:,}, of which {report['repeated']:,} repeated ones in storms"),
            ("calls a second", f"{report['calls'] / report['seconds']:,.0f} for {report['seconds']:,.0f} s over {sizes.sockets:,} kept sockets"),
            ("calls that the API was in trouble with", ", ".join(f"{count:,} {fate}" for fate, count in report["fates"].items() if fate != "taken"))]
    rows += [(verdict, f"{count:,}") for verdict, count in sorted(report["verdicts"].items(), key=lambda pair: -pair[1])]
    rows += [("resident memory at a third; at the end; with the sockets closed",
              "; ".join(f"{state.memory_mib:.1f} MiB" for state in (run.third, run.end, run.closed))),
             ("descriptors at the start; at the end; with the sockets closed",
              "; ".join(f"{state.descriptors:,}" for state in (run.start, run.end, run.closed))),
             ("calls remembered at a third; at the end", f"{run.third.remembered:,}; {run.end.remembered:,}"),
             ("CPU of the service", f"{run.cpu:,.0f} s, {run.cpu * 10_000 / report['sent']:.2f} per 10,000 webhooks")]
    return "\n".join([f"{heading()}: `./dev soak --seconds {sizes.seconds} --rate {sizes.rate} --sockets {sizes.sockets} --fail {sizes.fail:g}`.", "",
                      "| | |", "|---|---|", *(f"| {what} | {figure} |" for what, figure in rows)])


def main() -> int:
    parser = argparse.ArgumentParser(description="Load on callchain serve while the API fails and webhooks come again.")
    parser.add_argument("what", nargs="?", choices=["serve"], default="serve")
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--seconds", type=int, default=Sizes().seconds)
    parser.add_argument("--rate", type=int, default=Sizes().rate, help="calls a second (default: %(default)s)")
    parser.add_argument("--sockets", type=int, default=Sizes().sockets, help="connections that stay open (default: %(default)s)")
    parser.add_argument("--fail", type=float, default=Sizes().fail, help="share of calls that the API is in trouble with (default: %(default)s)")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/reliability.md whatever the sizes")
    options = parser.parse_args()
    sizes = Sizes(options.seconds, options.rate, options.sockets, options.fail)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("soak: ended by a signal"))  # so that what was started is ended
    folder = options.build.resolve() / "soak-serve"
    run = run_load(options.build.resolve(), folder, sizes)
    text = section(run, sizes)
    print(text)
    faults = faults_of(run, sizes)
    for fault in faults:
        print(f"soak: FAULT: {fault}")
    if faults:
        print(f"soak: failed; the log is {folder}/callchain/callchain.log\nsoak: {json.dumps(run.report)}")
        return 1
    if options.write or sizes == Sizes():
        write_result("soak-serve", text)
    print("soak: passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
