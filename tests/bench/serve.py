#!/usr/bin/env python3
"""The section "serve" of docs/benchmarks.md: `callchain serve` beside services that do the same work.

    serve.py --build BUILD [--rounds N] [--deliveries N]      prints the section; run.py writes it into the page
"""

import argparse
import json
import re
import resource
import signal
import socket
import statistics
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from deliveries import BODY_BYTES, NO_CALL, SECRET
from services import (HERE, Service, deliver, metric, metrics_of, start_callchain, start_express, start_flask, start_nginx,
                      start_standin, write_secret)

ROOT = HERE.parents[1]
DELIVERIES = 10_000
WHOLE_SECONDS = 360  # for everything below
OPEN_SOCKETS = 10_000
MODERATE_RATE = 200  # deliveries a second

VERIFIED_RATIO = 1 / 20  # of Express
ACCEPTED_RATIO = 1 / 10
ADDED_MS = {0.5: 1.0, 0.99: 5.0}
IDLE_MIB, OPEN_MIB = 20, 150

CALLCHAIN, EXPRESS, FLASK, NGINX = range(4)
NAMES = ["`callchain serve`", "Express with the openai package", "Flask under gunicorn", "nginx, an empty 200 and nothing else"]


class Sizes(NamedTuple):
    rounds: int = 5
    deliveries: int = DELIVERIES


class Place(NamedTuple):
    """Where things are."""
    program: Path
    node: str
    packages: Path
    folder: Path
    secret: Path


# CPU


class Calls:
    """Numbers of deliveries: no call is announced twice in one run."""

    def __init__(self):
        self._next = 0

    def take(self, count: int) -> int:
        self._next += count
        return self._next - count


def load_in_turn(services: list[Service], sizes: Sizes, calls: Calls, *arguments: str) -> list[list[float]]:
    """CPU seconds per 10,000 deliveries of each service in each round; a first round, which warms up, does not count."""
    seconds: list[list[float]] = [[] for _ in services]
    for round_number in range(sizes.rounds + 1):
        for service, results in zip(services, seconds):
            first = calls.take(sizes.deliveries)
            before = service.cpu_seconds()
            deliver(service, sizes.deliveries, "--first", str(first), *arguments)
            if round_number > 0:
                results.append((service.cpu_seconds() - before) * DELIVERIES / sizes.deliveries)
    return seconds


def accepts_of(log: Path) -> list[str]:
    """The calls that the stand-in saw accepts for."""
    found = re.findall(r"^POST /v1/realtime/calls/(\w+)/accept 200$", log.read_text(encoding="utf-8"), re.MULTILINE)
    log.write_text("", encoding="utf-8")
    return found


def load_with_accepts(services: list[Service], api_log: Path, sizes: Sizes, calls: Calls) -> list[list[float]]:
    accepts_of(api_log)
    seconds = load_in_turn(services, sizes, calls)
    accepted = accepts_of(api_log)
    expected = len(services) * (sizes.rounds + 1) * sizes.deliveries
    if len(accepted) != expected or len(set(accepted)) != expected:
        sys.exit(f"bench: the API stand-in saw {len(accepted):,} accepts for {len(set(accepted)):,} calls, and {expected:,} were announced\n"
                 f"hint: look into the logs in {api_log.parent}")
    return seconds


# The time that we add


def histogram(page: str, name: str) -> list[tuple[float, float]]:
    """(upper bound, how many up to it), ascending."""
    buckets = re.findall(rf'^{name}_bucket{{le="([^"]+)"}} (\S+)$', page, re.MULTILINE)
    return [(float(bound.replace("+Inf", "inf")), float(count)) for bound, count in buckets]


def quantile(buckets: list[tuple[float, float]], share: float) -> float:
    """Within a bucket the values are taken to be spread evenly, as Prometheus does it."""
    wanted = share * buckets[-1][1]
    lower, below = 0.0, 0.0
    for bound, count in buckets:
        if count >= wanted:
            return lower if bound == float("inf") else lower + (bound - lower) * (wanted - below) / max(count - below, 1)
        lower, below = bound, count
    return lower


class Added(NamedTuple):
    """Milliseconds, by quantile."""
    inside: dict[float, float]
    outside: dict[float, float]
    count: int


def times_of(path: Path) -> dict[str, float]:
    """The first and the last word of every line."""
    return {words[0]: float(words[-1]) for line in path.read_text(encoding="utf-8").splitlines() if (words := line.split())}


def measure_added(place: Place, count: int, calls: Calls) -> Added:
    sent_file, calls_file = place.folder / "sent", place.folder / "accepts"
    with ExitStack() as running:
        api = running.enter_context(start_standin(place.folder, calls_file))
        service = running.enter_context(start_callchain(place.program, place.folder, place.secret, api.port, "callchain-added"))
        first = calls.take(count)
        deliver(service, count, "--first", str(first), "--rate", str(MODERATE_RATE), "--times", str(sent_file))
        buckets = histogram(metrics_of(service), "callchain_added_seconds")
    sent, arrived = times_of(sent_file), times_of(calls_file)
    if not buckets or buckets[-1][1] != count or len(arrived) != count:
        sys.exit(f"bench: of {count:,} calls the stand-in saw {len(arrived):,}, and the metrics have {buckets[-1:]}\n"
                 f"hint: look into the logs in {place.folder}")
    delays = sorted(1000 * (arrived[call_id] - at) for call_id, at in sent.items())
    return Added({share: 1000 * quantile(buckets, share) for share in ADDED_MS},
                 {share: delays[min(int(share * count), count - 1)] for share in ADDED_MS}, count)


# Memory


def exchange(connection: socket.socket) -> None:
    """One request and its whole answer, which fits one read of a kept connection."""
    connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: bridge.example.com\r\n\r\n")
    if not connection.recv(4096).startswith(b"HTTP/1.1 200"):
        sys.exit("bench: /healthz was not answered with 200")


def open_sockets(port: int, count: int, running: ExitStack) -> int:
    """Opens kept connections from several loopback addresses, a request on each; returns how many."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(count, hard - 200)
    for index in range(count):
        connection = running.enter_context(socket.socket())
        connection.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT: the port is chosen with the peer known
        connection.bind((f"127.0.0.{2 + index % 8}", 0))
        connection.settimeout(10)
        connection.connect(("127.0.0.1", port))
        exchange(connection)
    return count


class Memory(NamedTuple):
    """MiB of resident memory."""
    idle: float
    after_one: float
    opened: float  # with `sockets` kept connections
    sockets: int
    express: float
    express_after_one: float


def measure_memory(place: Place, calls: Calls) -> Memory:
    with ExitStack() as running:
        service = running.enter_context(start_callchain(place.program, place.folder, place.secret, 9, "callchain-memory"))
        express = running.enter_context(start_express(place.node, place.packages, place.folder, place.secret, 9, "express-memory"))
        idle, express_idle = service.resident_mib(), express.resident_mib()
        for each in (service, express):
            deliver(each, 1, "--first", str(calls.take(1)), "--type", NO_CALL, "--connections", "1")
        after_one, express_after = service.resident_mib(), express.resident_mib()
        sockets = open_sockets(service.port, OPEN_SOCKETS, running)
        opened = service.resident_mib()
        if (still_open := metric(service, "callchain_connections")) < sockets:
            sys.exit(f"bench: of {sockets:,} sockets {still_open:,.0f} are open\nhint: its log is {service.log}")
        return Memory(idle, after_one, opened, sockets, express_idle, express_after)


# The section


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.3f} ({min(values):.3f}–{max(values):.3f})"


def verdict(measured: float, budget: float) -> str:
    return "met" if measured <= budget else f"**missed** by {100 * (measured / budget - 1):.0f} %"


def cpu_rows(verified: list[list[float]], accepted: list[list[float]]) -> list[str]:
    rows = []
    for index, name in enumerate(NAMES):
        cells = [spread(values[index]) if index < len(values) else "–" for values in (verified, accepted)]
        rows.append(f"| {name} | {cells[0]} | {cells[1]} |")
    budgets = [ratio * statistics.median(values[EXPRESS]) for ratio, values in ((VERIFIED_RATIO, verified), (ACCEPTED_RATIO, accepted))]
    judged = [f"{budget:.3f}, {share} of Express: {verdict(statistics.median(values[CALLCHAIN]), budget)}"
              for budget, share, values in zip(budgets, ("a twentieth", "a tenth"), (verified, accepted))]
    ratios = [f"1/{statistics.median(values[EXPRESS]) / statistics.median(values[CALLCHAIN]):.1f}" for values in (verified, accepted)]
    return [*rows, f"| `callchain serve` to Express | {ratios[0]} | {ratios[1]} |", f"| budget of `callchain serve` | {judged[0]} | {judged[1]} |"]


def added_rows(added: Added) -> list[str]:
    return [f"| {'median' if share == 0.5 else 'p99'} | {added.inside[share]:.2f} | {added.outside[share]:.2f} |"
            f" {budget:g} ms {verdict(added.inside[share], budget)} |" for share, budget in ADDED_MS.items()]


def memory_rows(memory: Memory) -> list[str]:
    return [f"| `callchain serve`, idle after its start | {memory.idle:.1f} | {IDLE_MIB} MiB {verdict(memory.idle, IDLE_MIB)} |",
            f"| `callchain serve`, after one delivery | {memory.after_one:.1f} | – |",
            f"| `callchain serve`, {memory.sockets:,} kept connections, each after a request | {memory.opened:.1f} |"
            f" {OPEN_MIB} MiB {verdict(memory.opened, OPEN_MIB)} |",
            f"| Express, idle after its start; after one delivery | {memory.express:.1f}; {memory.express_after_one:.1f} | – |"]


def versions(place: Place) -> str:
    def package(name: str) -> str:
        return json.loads((place.packages / "node_modules" / name / "package.json").read_text(encoding="utf-8"))["version"]

    def says(*command: str) -> str:
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return (done.stdout + done.stderr).split()[-1].strip("()")

    def debian(name: str) -> str:
        return subprocess.run(["dpkg-query", "-W", "-f=${Version}", name], check=True, capture_output=True, text=True).stdout

    return (f"Node.js {says(place.node, '--version')}, express {package('express')}, openai {package('openai')};"
            f" Flask {debian('python3-flask')}, gunicorn {debian('gunicorn')}, httpx {debian('python3-httpx')};"
            f" nginx {says('/usr/sbin/nginx', '-v').removeprefix('nginx/')}")


def section(place: Place, sizes: Sizes, verified: list[list[float]], accepted: list[list[float]], added: Added, memory: Memory) -> str:
    return "\n".join([
        "## The service", "",
        f"`./dev bench serve`: {sizes.rounds} rounds, each service in turn, after one that does not count. In a round each gets"
        f" {sizes.deliveries:,} signed deliveries of {BODY_BYTES:,} bytes over 8 kept connections from a sender of its own, and all are answered"
        f" with 200. CPU is user and system time of all processes of the service, in seconds per {DELIVERIES:,} deliveries. Medians, in brackets the"
        " lowest and the highest.", "",
        "| service | verified, of no interest | verified and accepted |", "|---|---|---|", *cpu_rows(verified, accepted), "",
        "Accepted means: one POST to a stand-in for the API (nginx) before the answer, which was counted there for every call. `callchain serve`"
        " has its default settings, threads and log included, but `CALLCHAIN_SIDEBAND=off`: the peers open no WebSocket either. Express is one"
        " process, with `webhooks.unwrap` and `realtime.calls.accept` of the openai package. Flask runs under two `gthread` workers of four"
        " threads (the sync ones keep no connection, and gunicorn's manual advises others where a request waits on an API); Debian has no openai"
        " package for Python, so it checks the signature with Python's `hmac` in the same way, and accepts with httpx, which that package uses."
        f" {versions(place)}.", "",
        f"What `callchain serve` adds between webhook in and accept out, {added.count:,} calls at {MODERATE_RATE} a second. Inside is its own histogram"
        " `callchain_added_seconds`, interpolated within buckets; outside, from the sender's write to the stand-in's read, has both Python"
        " programs and the loopback in it.", "",
        "| | inside, ms | outside, ms | budget |", "|---|---|---|---|", *added_rows(added), "",
        "| resident memory | MiB | budget |", "|---|---|---|", *memory_rows(memory),
    ])


def measure_cpu(place: Place, sizes: Sizes, calls: Calls) -> tuple[list[list[float]], list[list[float]]]:
    with ExitStack() as running:
        api = running.enter_context(start_nginx("api", place.folder, "$request_method $request_uri $status"))
        services = [running.enter_context(start) for start in (
            start_callchain(place.program, place.folder, place.secret, api.port),
            start_express(place.node, place.packages, place.folder, place.secret, api.port),
            start_flask(place.folder, place.secret, api.port),
            start_nginx("nginx", place.folder))]
        verified = load_in_turn(services, sizes, calls, "--type", NO_CALL)
        return verified, load_with_accepts(services[:NGINX], place.folder / "api.access", sizes, calls)


def bench_serve(build: Path, sizes: Sizes) -> str:
    packages, folder = build / "peers", build / "bench-serve"
    node = subprocess.run([ROOT / "tests/judges/install.sh", packages, HERE / "peers"], check=True, capture_output=True,
                          text=True).stdout.strip()
    place = Place(build / "callchain", node, packages, folder, write_secret(folder, SECRET))

    def give_up(number: int, _) -> None:
        sys.exit("bench: ended by a signal" if number == signal.SIGTERM else
                 f"bench: serve was not measured within {WHOLE_SECONDS} s\nhint: something else keeps the machine busy, or try fewer --rounds")

    for number in (signal.SIGTERM, signal.SIGALRM):  # so that what was started is ended
        signal.signal(number, give_up)
    signal.alarm(WHOLE_SECONDS)
    calls = Calls()
    verified, accepted = measure_cpu(place, sizes, calls)
    added = measure_added(place, min(2_000, sizes.deliveries), calls)
    memory = measure_memory(place, calls)
    signal.alarm(0)
    return section(place, sizes, verified, accepted, added, memory)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures callchain serve and its peers; prints the section of docs/benchmarks.md.")
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=Sizes().rounds)
    parser.add_argument("--deliveries", type=int, default=Sizes().deliveries, help="a round and service")
    options = parser.parse_args()
    print(bench_serve(options.build.resolve(), Sizes(options.rounds, options.deliveries)))


if __name__ == "__main__":
    main()
