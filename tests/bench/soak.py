#!/usr/bin/env python3
"""Many calls through `callchain serve` while the API fails, webhooks come twice, and nothing may be lost or grow.

    soak.py --build BUILD [serve] [--calls N] [--fail SHARE]

Every call is announced by a signed webhook, one in ten of them twice. The stand-in for the API fails one accept request in
ten (SHARE): with 503, or by a reset before or behind the effect. Then, by the stand-in's own book and the service's log:

- every webhook was answered with 200, every second one was taken as a duplicate, and every call was asked for at the API;
- every call was accepted once, with no request for it behind that, and the log has it as accepted; or the log has one
  named outcome for its failure;
- no log line was dropped, memory grew by no more than what is remembered of each call, and no descriptor was kept.

Exit code 0 where all of this holds, else 1. The log and the book are kept where it does not.
"""

import argparse
import collections
import json
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from deliveries import SECRET, call_id_of
from services import Service, deliver, metric, start_callchain, start_standin, write_secret

CALLS = 100_000
FAIL = 0.1
WARM_UP_SHARE = 0.1  # of the calls go first: what is built once does not count as growth
CONNECTIONS = 64  # many, since the answer to a failed accept waits for the next try
# The registry of duplicates keeps every call up to its bound, the journal the last 20,000, log lines and sessions come and go.
MOST_BYTES_PER_CALL = 150
MOST_FIXED_GROWTH_MIB = 12
MOST_DESCRIPTORS_KEPT = 64  # since the start: as many connections to the API stay open for the next calls
NAMED_FAILURES = {"call_gone", "decided_elsewhere", "conflict", "request_refused", "credential_refused", "rate_limited", "server_error",
                  "network_failure", "deadline_passed", "unexpected_answer"}


class Book(NamedTuple):
    """What the stand-in has of one call."""
    requests: int
    answered: int
    lost: int
    late: int


class State(NamedTuple):
    memory_mib: float
    descriptors: int


def read_book(path: Path) -> dict[str, Book]:
    lines = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
    return {words[0]: Book(*map(int, words[1:5])) for words in lines}


def read_outcomes(log: Path) -> dict[str, list[str]]:
    """What the service's log says of each call: the outcomes of its accept, by the summary at its end."""
    outcomes = collections.defaultdict(list)
    with log.open(encoding="utf-8") as lines:
        for line in lines:
            if '"call summary"' in line:
                entry = json.loads(line)
                outcomes[entry["call_id"]].append(entry["accept"])
    return outcomes


def state_when_quiet(service: Service, calls: int) -> State:
    """When every call has ended and the senders are gone; at most 15 seconds later."""
    end = time.monotonic() + 15
    while time.monotonic() < end and (metric(service, "callchain_active_calls") > 0 or metric(service, "callchain_connections") > 0):
        time.sleep(0.1)
    print(f"soak: after {calls:,} calls: {service.resident_mib():.1f} MiB, {service.descriptors()} descriptors", flush=True)
    return State(service.resident_mib(), service.descriptors())


def verdict_on(call_id: str, book: dict[str, Book], outcomes: dict[str, list[str]]) -> str:
    """What became of one call; begins with "BAD" where it must not be."""
    entry, said = book.get(call_id), outcomes.get(call_id, [])
    if entry is None:
        return "BAD: never asked for at the API"
    if len(said) != 1:
        return f"BAD: {len(said)} summaries in the log"
    if entry.late or entry.answered + entry.lost > 1:
        return "BAD: asked for again behind an accept that was answered"
    if said[0] == "accepted":
        return "accepted once" if entry.answered == 1 else "BAD: logged as accepted, and the API answered no accept"
    if said[0] not in NAMED_FAILURES:
        return f"BAD: logged with the outcome {said[0]}"
    if entry.answered:
        return f"BAD: accepted, and logged as {said[0]}"
    return f"logged as {said[0]}" + (", the answer to its accept was lost" if entry.lost else "")


def growth_faults(start: State, before: State, after: State, calls: int) -> list[str]:
    """`start`: of the service without a call; `before`: with the first of them behind it."""
    grown = after.memory_mib - before.memory_mib
    bound = MOST_FIXED_GROWTH_MIB + calls * MOST_BYTES_PER_CALL / (1 << 20)
    kept = after.descriptors - start.descriptors
    print(f"soak: memory grew by {grown:.1f} MiB ({grown * (1 << 20) / calls:.0f} bytes a call), {bound:.1f} are allowed;"
          f" descriptors since the start by {kept}, {MOST_DESCRIPTORS_KEPT} are allowed")
    return (["memory grew beyond its bound"] if grown > bound else []) + (["descriptors were kept"] if kept > MOST_DESCRIPTORS_KEPT else [])


def soak_serve(build: Path, calls: int, fail: float) -> list[str]:
    """The faults that were found."""
    folder = build / "soak-serve"
    book_file = folder / "book"
    secret = write_secret(folder, SECRET)
    warm_up = max(1, int(calls * WARM_UP_SHARE))
    faults = []
    with ExitStack() as running:
        api = running.enter_context(start_standin(folder, book_file, fail))
        service = running.enter_context(start_callchain(build / "callchain", folder, secret, api.port))
        start, states, sent = time.monotonic(), [state_when_quiet(service, 0)], 0
        for first, count in ((0, warm_up), (warm_up, calls - warm_up)):
            report = deliver(service, count, "--first", str(first), "--connections", str(CONNECTIONS), "--again", seconds=600)
            print(f"soak: {report['sent']:,} webhooks for {count:,} calls answered with 200 in {report['seconds']} s", flush=True)
            states.append(state_when_quiet(service, first + count))
            sent += report["sent"]
        faults += growth_faults(*states, calls - warm_up)
        if (duplicates := metric(service, 'callchain_webhooks_total{result="duplicate"}')) != sent - calls:
            faults.append(f"{sent - calls:,} webhooks were duplicates, and {duplicates:,.0f} were taken as such")
        if dropped := metric(service, "callchain_log_lines_dropped"):
            faults.append(f"{dropped:.0f} log lines were dropped")
        if (code := service.stop()) != 0:
            faults.append(f"exit code {code} after SIGTERM")
        print(f"soak: {time.monotonic() - start:.0f} s in all", flush=True)
    book, outcomes = read_book(book_file), read_outcomes(service.log)
    verdicts = collections.Counter(verdict_on(call_id_of(index), book, outcomes) for index in range(calls))
    print(f"soak: {sum(entry.requests for entry in book.values()):,} accept requests for {len(book):,} calls")
    for verdict, count in verdicts.most_common():
        print(f"soak: {count:>9,} {verdict}")
    faults += [f"{count:,} calls: {verdict}" for verdict, count in verdicts.items() if verdict.startswith("BAD")]
    if len(book) != calls:
        faults.append(f"the API was asked for {len(book):,} calls")
    if not faults:  # hundreds of megabytes
        service.log.unlink()
        book_file.unlink()
    return faults


SOAKS = {"serve": soak_serve}


def main() -> int:
    parser = argparse.ArgumentParser(description="Many calls through callchain while the API fails.")
    parser.add_argument("what", nargs="*", metavar="WHAT", help=f"any of: {', '.join(SOAKS)}; all unless named")
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--fail", type=float, default=FAIL, help="share of the API's answers that fail (default: %(default)s)")
    options = parser.parse_args()
    if unknown := [what for what in options.what if what not in SOAKS]:
        sys.exit(f"soak: nothing to soak by the name of {unknown[0]}\nhint: one of {', '.join(SOAKS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("soak: ended by a signal"))  # so that what was started is ended
    build, faults = options.build.resolve(), []
    for what in options.what or SOAKS:
        faults += SOAKS[what](build, options.calls, options.fail)
    for fault in faults:
        print(f"soak: FAULT: {fault}")
    print(f"soak: {'failed; logs are kept in ' + str(build) if faults else 'passed'}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
