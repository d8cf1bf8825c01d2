#!/usr/bin/env python3
"""The section "gateway" of docs/benchmarks.md: `callchain gateway run` beside Kamailio, which does the same as a proxy.

    gateway.py --build BUILD [--rounds N] [--calls N] [--quiet-calls N]      prints the section; run.py writes it into the page

SIPp calls and SIPp answers; over TLS stunnel stands in front of each. CPU is what the kernel accounts to the processes that are
compared; SIPp and stunnel share the machine, so the highest rates say how both end up together.
"""

import argparse
import csv
import itertools
import re
import socket
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from serve import verdict
from services import HERE, Service, metric

sys.path.insert(0, str(HERE.parent / "scenarios"))
from peers import Child, certificates, free_port, stunnel  # noqa: E402

TRANSPORTS = ["UDP", "TCP", "TLS"]
CPU_RATIO = {"UDP": 0.50, "TCP": 0.45, "TLS": 0.60}  # budgets, of Kamailio, set at 1,000 calls a second
RATE, QUIET_RATE = 1_000, 100  # calls a second
TALK_MS = 200
RATES = [250, 500, 1000, 1500, 2000]
RATE_SECONDS = 5
CALLS_UP = 10_000
UP_KB, AFTER_KB, UP_MIB = 8, 20, 100  # budgets of memory
USERNAME, PASSWORD = "gateway01", "Str0ngPassw0rd12"  # of documentation


class Sizes(NamedTuple):
    rounds: int = 3
    calls: int = 5_000
    quiet_calls: int = 2_000  # at QUIET_RATE
    calls_up: int = CALLS_UP
    rates: bool = True  # look for the highest as well, some minutes


class Lab(NamedTuple):
    """Where the ends of one arrangement are."""
    folder: Path
    transport: str
    caller_port: int  # of SIPp
    caller_contact: int  # what stands in its Contact: of TLS the port of stunnel
    callee_port: int
    callee_contact: int


def words(lab: Lab, gateway_port: int, talk: int) -> dict[str, str]:
    secure = lab.transport == "TLS"
    return {"TRANSPORT": lab.transport, "transport": lab.transport.lower(), "profile": "RTP/SAVP" if secure else "RTP/AVP",
            "gateway_port": str(gateway_port), "talk": str(talk)}


def crypto(lab: Lab, key: str) -> str:
    """An a=crypto line of SDES over TLS; each side has a key of its own."""
    return f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{key * 40}\n" if lab.transport == "TLS" else ""


def fill(source: str, target: Path, values: dict[str, str]) -> Path:
    text = (HERE / "sip" / source).read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    target.write_text(text, encoding="utf-8")
    return target


def make_lab(folder: Path, transport: str, running: ExitStack) -> Lab:
    """Free ports, and over TLS a stunnel that takes what comes for either end."""
    caller, callee = free_port(), free_port()
    if transport != "TLS":
        return Lab(folder, transport, caller, caller, callee, callee)
    inward = {}
    for name, port in (("to-caller", caller), ("to-callee", callee)):
        inward[name] = free_port()
        running.callback(stunnel(folder, name, inward[name], port, client=False).end)
    return Lab(folder, transport, caller, inward["to-caller"], callee, inward["to-callee"])


# The contestants


def start_gateway(program: Path, lab: Lab) -> Service:
    folder = lab.folder / "callchain"
    secure = lab.transport == "TLS"
    port = free_port()
    variables = {"PORT": str(port), "CALLCHAIN_LISTEN": f"127.0.0.1:{port}", "USE_TLS": "true" if secure else "false",
                 "TWILIO_SIP_DOMAIN": f"127.0.0.1:{lab.callee_contact}", "TWILIO_SIP_USERNAME": USERNAME, "TWILIO_SIP_PASSWORD": PASSWORD,
                 "TWILIO_DESTINATION": "bridge", "CALLCHAIN_TWILIO_TRANSPORT": lab.transport.lower(),
                 "CALLCHAIN_TWILIO_SECURE_MEDIA": "on" if secure else "off", "CALLCHAIN_ALLOW": "127.0.0.0/8",
                 "CALLCHAIN_ADMIN_LISTEN": "127.0.0.1:0", "CALLCHAIN_LOG": "json", "CALLCHAIN_CALLS_PER_SECOND": "100000",
                 "CALLCHAIN_MAX_CALLS": "100000", "CALLCHAIN_ADVERTISE": f"127.0.0.1:{port};transport={lab.transport.lower()}"}
    if secure:
        variables |= {"TLS_CERT_PATH": str(lab.folder / "server.pem"), "TLS_KEY_PATH": str(lab.folder / "server.key"),
                      "CALLCHAIN_CA_FILE": str(lab.folder / "ca.pem")}
    service = Service("callchain", [program, "gateway", "run"], folder, variables, r'"ready".*?:(\d+)')
    service.port = port
    return service


def start_kamailio(lab: Lab, children: int) -> Service:
    folder = lab.folder / "kamailio"
    folder.mkdir(exist_ok=True)
    port = free_port()
    secure = lab.transport == "TLS"
    (folder / "tls.cfg").write_text(
        f"[server:default]\nmethod = TLSv1.2+\nverify_certificate = no\nprivate_key = {lab.folder}/server.key\n"
        f"certificate = {lab.folder}/server.pem\n[client:default]\nmethod = TLSv1.2+\nverify_certificate = yes\nca_list = {lab.folder}/ca.pem\n",
        encoding="utf-8")
    listen = [f"listen={each}:127.0.0.1:{port}" for each in (("tls",) if secure else ("udp", "tcp"))]
    fill("kamailio.cfg", folder / "kamailio.cfg", {
        "children": str(children), "tls": "yes" if secure else "no", "transport": lab.transport.lower(), "listen": "\n".join(listen),
        "callee_port": str(lab.callee_contact),
        "load_tls": f'loadmodule "tls.so"\nmodparam("tls", "config", "{folder}/tls.cfg")' if secure else ""})
    command = ["/usr/sbin/kamailio", "-f", folder / "kamailio.cfg", "-DD", "-E", "-Y", folder, "-m", "512", "-M", "16"]
    return Service("kamailio", command, folder, {}, "", port)


# Load


class Load(NamedTuple):
    """One run of calls through one contestant."""
    completed: bool  # every call, on both ends
    cpu: float  # seconds
    ringing_ms: list[float]  # from INVITE to 180, of each call, ascending


def run_calls(lab: Lab, service: Service, calls: int, rate: int, talk: int, during=None) -> Load:
    """Calls from SIPp to SIPp. `during` is called once all of them must be up."""
    folder = lab.folder / f"load-{service.name}"
    folder.mkdir(exist_ok=True)
    if not (folder / "ca.pem").exists():
        (folder / "ca.pem").symlink_to(lab.folder / "ca.pem")
    for old in folder.glob("*_rtt.csv"):
        old.unlink()
    values = words(lab, service.port, talk)
    callee = fill("callee.xml", folder / "callee.xml", {**values, "contact_port": str(lab.callee_contact), "crypto": crypto(lab, "B")})
    caller = fill("caller.xml", folder / "caller.xml", {**values, "contact_port": str(lab.caller_contact), "crypto": crypto(lab, "A")})
    mode = "u1" if lab.transport == "UDP" else "t1"
    seconds = calls / rate + talk / 1000 + 40
    common = ["-i", "127.0.0.1", "-t", mode, "-nostdin", "-m", str(calls), "-timeout", f"{seconds:.0f}s", "-timeout_error"]
    with ExitStack() as running:
        target = service.port
        if lab.transport == "TLS":
            target = free_port()
            running.callback(stunnel(folder, "from-caller", target, service.port, client=True).end)
        answering = Child(folder, "callee", "sipp", "-sf", str(callee), "-p", str(lab.callee_port), *common)
        running.callback(answering.end)
        time.sleep(0.3)
        before = service.cpu_seconds()
        calling = Child(folder, "caller", "sipp", f"127.0.0.1:{target}", "-sf", str(caller), "-p", str(lab.caller_port), "-r", str(rate),
                        "-l", "100000", "-trace_rtt", "-rtt_freq", "1", *common)
        running.callback(calling.end)
        if during:
            time.sleep(calls / rate + 2)
            during()
        completed = wait(calling, seconds + 10) == 0 and wait(answering, 10) == 0
        return Load(completed, service.cpu_seconds() - before, rtts(folder))


def wait(child: Child, seconds: float) -> int:
    try:
        return child.process.wait(seconds)
    except subprocess.TimeoutExpired:
        return -1


def rtts(folder: Path) -> list[float]:
    found: list[float] = []
    for path in folder.glob("*_rtt.csv"):
        with path.open(encoding="utf-8") as file:
            found += [float(row[1]) for row in csv.reader(file, delimiter=";") if len(row) >= 3 and re.fullmatch(r"[\d.]+", row[1])]
    return sorted(found)


# What is measured


@dataclass
class Cpu:
    """Milliseconds a call of both contestants, in the rounds in which Kamailio lost no call."""
    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)
    lost: int = 0  # rounds that do not count, since it did


def measure_cpu(program: Path, folder: Path, transport: str, sizes: Sizes) -> dict[int, Cpu]:
    """At each of both rates, after one round that does not count. A call that the gateway loses ends it all."""
    found = {RATE: Cpu(), QUIET_RATE: Cpu()}
    with ExitStack() as running:
        lab = make_lab(folder, transport, running)
        services = [running.enter_context(start_gateway(program, lab)), running.enter_context(start_kamailio(lab, 2))]
        for number, (rate, cpu) in itertools.product(range(sizes.rounds + 1), found.items()):
            calls = sizes.calls if rate == RATE else sizes.quiet_calls
            ours, theirs = (run_calls(lab, service, calls, rate, TALK_MS) for service in services)
            if not ours.completed:
                sys.exit(f"bench: callchain over {transport} at {rate} calls a second: not every call was completed on both ends\n"
                         f"hint: look into the logs in {lab.folder}")
            if not number:
                continue
            if not theirs.completed:
                cpu.lost += 1
                continue
            cpu.ours.append(1000 * ours.cpu / calls)
            cpu.theirs.append(1000 * theirs.cpu / calls)
    for rate, cpu in found.items():
        if not cpu.theirs:
            sys.exit(f"bench: kamailio over {transport} at {rate} calls a second: in no round was every call completed on both ends\n"
                     f"hint: look into the logs in {lab.folder}")
    return found


def measure_floor(program: Path, folder: Path, sizes: Sizes) -> list[float]:
    """Milliseconds a call of a process that reads its datagrams and sends as many, and does nothing else."""
    found = []
    sizes_of_call = [1400, 550, 450, 500, 900, 500, 600, 450]  # as they come to the gateway, in their order
    with Service("floor", [program], folder, {}, r"ready :(\d+)") as service, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect(("127.0.0.1", service.port))
        sender.settimeout(5)
        for number in range(sizes.rounds + 1):
            calls = sizes.quiet_calls if number else max(100, sizes.quiet_calls // 10)
            before, begin = service.cpu_seconds(), time.monotonic()
            for call in range(calls):
                time.sleep(max(0.0, begin + call / QUIET_RATE - time.monotonic()))
                for index, size in enumerate(sizes_of_call):
                    sender.send(bytes(size))
                    for _ in range(2 if index == len(sizes_of_call) - 1 else 1):
                        sender.recv(2048)
            if number:
                found.append(1000 * (service.cpu_seconds() - before) / calls)
    return found


class Rate(NamedTuple):
    highest: int  # without a failure; 0: none
    p99_ms: float  # INVITE to 180 at that rate


def measure_rates(program: Path, folder: Path, transport: str) -> list[Rate]:
    found = []
    for start in (lambda lab: start_gateway(program, lab), lambda lab: start_kamailio(lab, 2)):
        best = Rate(0, 0.0)
        for rate in RATES:
            with ExitStack() as running:
                lab = make_lab(folder, transport, running)
                service = running.enter_context(start(lab))
                load = run_calls(lab, service, rate * RATE_SECONDS, rate, TALK_MS)
            if not load.completed or not load.ringing_ms:
                break
            best = Rate(rate, load.ringing_ms[min(int(0.99 * len(load.ringing_ms)), len(load.ringing_ms) - 1)])
        found.append(best)
    return found


class Memory(NamedTuple):
    """Resident, MiB; and by call, KB."""
    idle: float
    up: float
    up_each: float
    after_each: float
    calls: int


def measure_memory(program: Path, folder: Path, calls: int) -> Memory:
    with ExitStack() as running:
        lab = make_lab(folder, "TCP", running)
        service = running.enter_context(start_gateway(program, lab))
        run_calls(lab, service, 100, QUIET_RATE, TALK_MS)
        idle, up = service.resident_mib(), []
        load = run_calls(lab, service, calls, 500, int(1000 * calls / 500) + 15_000, lambda: up.append(
            (service.resident_mib(), metric(service, "callchain_gateway_calls_active"))))
        after = service.resident_mib()
        if not load.completed or up[0][1] < calls:
            sys.exit(f"bench: of {calls:,} calls {up[0][1]:,.0f} were up\nhint: look into the logs in {lab.folder}")
        return Memory(idle, up[0][0], 1024 * (up[0][0] - idle) / calls, 1024 * (after - idle) / calls, calls)


# The section


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.3f} ({min(values):.3f}–{max(values):.3f})"


def cpu_rows(found: dict[str, dict[int, Cpu]], rate: int) -> list[str]:
    rows = ["| transport | `callchain gateway run` | Kamailio | ratio | budget |", "|---|---|---|---|---|"]
    for transport, at_rates in found.items():
        cpu, budget = at_rates[rate], CPU_RATIO[transport]
        ratio = statistics.median(cpu.ours) / statistics.median(cpu.theirs)
        rows.append(f"| {transport} | {spread(cpu.ours)} | {spread(cpu.theirs)} | {ratio:.2f} | {budget:.2f} {verdict(ratio, budget)} |")
    return rows


def lost_calls(found: dict[str, dict[int, Cpu]]) -> str:
    """Of the rounds that do not count, in one sentence; empty where all of them do."""
    told = [f"{cpu.lost} over {transport} at {rate:,} a second" for transport, at_rates in found.items()
            for rate, cpu in at_rates.items() if cpu.lost]
    return f" Rounds in which Kamailio lost a call do not count: {', '.join(told)}." if told else ""


def section(sizes: Sizes, cpu: dict[str, dict[int, Cpu]], floor: list[float], rates: dict[str, list[Rate]], memory: Memory) -> str:
    rate_part = [] if not rates else ["", f"The highest of {', '.join(f'{rate:,}' for rate in RATES)} calls a second, each for {RATE_SECONDS} s, without a"
        " failed call; and the 99th percentile from INVITE to 180 there. SIPp, and stunnel over TLS, share the two cores:", "",
        "| transport | `callchain gateway run` | Kamailio |", "|---|---|---|"]
    rate_rows = [f"| {transport} | {ours.highest:,}; {ours.p99_ms:.0f} ms | {theirs.highest:,}; {theirs.p99_ms:.0f} ms |"
                 for transport, (ours, theirs) in rates.items()]
    version = subprocess.run(["dpkg-query", "-W", "-f=${Version}", "kamailio"], check=True, capture_output=True, text=True).stdout
    return "\n".join([
        "## The gateway", "",
        f"`./dev bench gateway`: {sizes.rounds} rounds, both in turn, after one that does not count; {sizes.calls:,} calls a round at {RATE:,} a"
        " second, the rate at which the budgets were set. A call is INVITE, 407, INVITE with credentials, 100, 180, 30 ms, 200, ACK, BYE,"
        " 200; its offer has Meta's form with G.711"
        " (SDES over TLS, plain RTP over UDP and TCP); the answer, PCMU and telephone-event. CPU is user and system time of all processes of the"
        " contestant, in milliseconds a call; SIPp calls and answers, and both ends must count the same calls. Medians, in brackets the lowest"
        f" and the highest.{lost_calls(cpu)}", "",
        *cpu_rows(cpu, RATE), "",
        f"The same with {sizes.quiet_calls:,} calls a round at {QUIET_RATE} a second, where each message wakes a sleeping process, whose caches"
        " others have filled since:", "",
        *cpu_rows(cpu, QUIET_RATE), "",
        f"Kamailio {version} with `sdp_keep_codecs_by_name`, `uac_auth` and `record_route`, two worker processes of each kind: a proxy, which"
        " keeps no dialog. `callchain gateway run` is one process with one thread, both dialogs, its log and its metrics on."
        f" A process that reads the 8 datagrams of a call one by one, sends 9, and does nothing else takes {spread(floor)} at {QUIET_RATE}"
        " a second. Where the rest goes: [docs/design/gateway.md](design/gateway.md#what-a-call-costs).",
*rate_part, *rate_rows, "",
        "| resident memory of the gateway, TCP | | budget |", "|---|---|---|",
        f"| after 100 calls | {memory.idle:.1f} MiB | – |",
        f"| {memory.calls:,} calls up | {memory.up:.1f} MiB | {UP_MIB} MiB {verdict(memory.up, UP_MIB)} |",
        f"| for each call that is up | {memory.up_each:.1f} KB | {UP_KB} KB {verdict(memory.up_each, UP_KB)} |",
        f"| for each, right after all have ended | {memory.after_each:.1f} KB | {AFTER_KB} KB {verdict(memory.after_each, AFTER_KB)} |",
    ])


def bench_gateway(build: Path, sizes: Sizes) -> str:
    program, folder = build / "callchain", build / "bench-gateway"
    folder.mkdir(parents=True, exist_ok=True)
    certificates(folder)
    cpu = {transport: measure_cpu(program, folder, transport, sizes) for transport in TRANSPORTS}
    rates = {transport: measure_rates(program, folder, transport) for transport in TRANSPORTS} if sizes.rates else {}
    floor = measure_floor(build / "datagram_floor", folder, sizes)
    return section(sizes, cpu, floor, rates, measure_memory(program, folder, sizes.calls_up))


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures callchain gateway run and Kamailio; prints the section of docs/benchmarks.md.")
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=Sizes().rounds)
    parser.add_argument("--calls", type=int, default=Sizes().calls, help="a round and contestant")
    parser.add_argument("--quiet-calls", type=int, default=Sizes().quiet_calls, help=f"the same, at {QUIET_RATE} a second")
    parser.add_argument("--calls-up", type=int, default=Sizes().calls_up, help="at once, for the memory")
    parser.add_argument("--without-rates", action="store_true", help="leave out the search for the highest rates")
    options = parser.parse_args()
    sizes = Sizes(options.rounds, options.calls, options.quiet_calls, options.calls_up, not options.without_rates)
    print(bench_gateway(options.build.resolve(), sizes))


if __name__ == "__main__":
    main()
