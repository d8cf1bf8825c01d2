#!/usr/bin/env python3
"""Measures callchain against its budgets and its peers and writes docs/benchmarks.md.

    run.py --build BUILD [verify-sig] [diagnosis] [sdp-filter] [sip] [serve] [gateway] [--rounds N]

Whatever is compared runs in turn (A B C A B C …) in the same run, because machines are noisy; medians are quoted,
with the tenth and ninetieth of a hundred beside them. A missed budget is written down as missed; it is no failure.
"""

import argparse
import base64
import datetime
import json
import os
import platform
import re
import statistics
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import gateway
import serve
from deliveries import BODY_BYTES, call_event, signature
from page import commit
from serve import verdict

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/benchmarks.md"
NOW = 1_750_287_100
WEBHOOK_ID = "wh_00000000000000000000000000000002"


class Budget(NamedTuple):
    wall_ms: float
    peak_mib: float


class Subject(NamedTuple):
    """One program in one situation."""
    name: str
    command: list[str]
    exit_code: int
    budget: Budget | None = None


class Runs(NamedTuple):
    wall_ms: list[float]
    cpu_ms: list[float]
    peak_mib: list[float]


# Inputs


def capture(sent: bytes, mac: str) -> bytes:
    head = ["POST /openai/webhook HTTP/1.1", "host: bridge.example.com", "content-type: application/json",
            f"webhook-id: {WEBHOOK_ID}", f"webhook-timestamp: {NOW}", f"webhook-signature: {mac}",
            f"content-length: {len(sent)}"]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + sent


def write_inputs(folder: Path) -> None:
    """The captures: valid; one fault; two faults; signed with a key that nobody has."""
    folder.mkdir(parents=True, exist_ok=True)
    key, other = bytes(range(32)), bytes(range(100, 132))
    secret = "whsec_" + base64.b64encode(key).decode()
    body = call_event(NOW - 30)

    def signed(with_key: bytes) -> str:
        return signature(with_key, WEBHOOK_ID, NOW, body)

    compact = json.dumps(json.loads(body), separators=(",", ":"), ensure_ascii=False).encode()
    inputs = {
        "secret": secret.encode(),
        "valid.http": capture(body, signed(key)),
        "one-fault.http": capture(compact, signed(key)),
        "two-faults.http": capture(compact, signed(secret.encode())),
        "unprovable.http": capture(body, signed(other)),
    }
    for name, content in inputs.items():
        (folder / name).write_bytes(content)


# Measuring


def measure(build: Path, subjects: list[Subject], rounds: int) -> list[Runs]:
    command = [str(build / "measure_processes"), str(rounds)]
    for subject in subjects:
        command += ["--", *subject.command]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    results = [Runs([], [], []) for _ in subjects]
    for line in lines[len(subjects):]:  # the first round warms the caches
        index, exit_code, wall_us, cpu_us, peak_kib = map(int, line.split())
        if exit_code != subjects[index].exit_code:
            sys.exit(f"bench: {subjects[index].name}: exit code {exit_code}, expected {subjects[index].exit_code}\n"
                     f"hint: run it by hand: {' '.join(subjects[index].command)}")
        results[index].wall_ms.append(wall_us / 1000)
        results[index].cpu_ms.append(cpu_us / 1000)
        results[index].peak_mib.append(peak_kib / 1024)
    return results


def shown(values: list[float]) -> str:
    deciles = statistics.quantiles(values, n=10)
    return f"{statistics.median(values):.1f} ({deciles[0]:.1f}–{deciles[-1]:.1f})"


def judged(runs: Runs, budget: Budget | None) -> str:
    if budget is None:
        return "–"
    wall = verdict(statistics.median(runs.wall_ms), budget.wall_ms)
    peak = verdict(statistics.median(runs.peak_mib), budget.peak_mib)
    return f"{budget.wall_ms:g} ms {wall}, {budget.peak_mib:g} MiB {peak}"


def bench_verify_sig(build: Path, rounds: int) -> str:
    inputs = build / "bench-inputs"
    write_inputs(inputs)
    judges = build / "judges"
    node = subprocess.run([ROOT / "tests/judges/install.sh", judges], check=True, capture_output=True, text=True).stdout.strip()

    def callchain(name: str) -> list[str]:
        return [str(build / "callchain"), "verify-sig", "--request", str(inputs / f"{name}.http"),
                "--secret-file", str(inputs / "secret"), "--now", str(NOW)]

    subjects = [
        Subject("`callchain verify-sig`, valid", callchain("valid"), 0, Budget(15, 16)),
        Subject("`openssl version`", ["/usr/bin/openssl", "version"], 0),
        Subject("Node.js and the openai package, `unwrap`, valid",
                [node, str(ROOT / "tests/bench/unwrap.mjs"), str(judges), str(inputs / "valid.http"), str(inputs / "secret"), str(NOW)], 0),
        Subject("`callchain verify-sig`, body re-serialised: one fault, proved", callchain("one-fault"), 1),
        Subject("`callchain verify-sig`, and wrong key form: two faults, proved", callchain("two-faults"), 1),
        Subject("`callchain verify-sig`, foreign key: all tried, nothing proved", callchain("unprovable"), 1),
    ]
    results = measure(build, subjects, rounds + 1)
    rows = [f"| {subject.name} | {shown(runs.wall_ms)} | {shown(runs.cpu_ms)} | {shown(runs.peak_mib)} | {judged(runs, subject.budget)} |"
            for subject, runs in zip(subjects, results)]
    ratio = statistics.median(results[2].wall_ms) / statistics.median(results[0].wall_ms)
    versions = [f"Node.js {first_line([node, '--version'])}", f"openai {package_version(judges, 'openai')}", first_line(["/usr/bin/openssl", "version"]).split(" (")[0]]
    return "\n".join([
        "## One capture, whole process", "",
        f"`./dev bench verify-sig`: from start to exit, {rounds} runs of each in turn, after one that does not count. A body of"
        f" {BODY_BYTES:,} bytes. Medians, in brackets the tenth and the ninetieth of a hundred.", "",
        "| program and capture | wall, ms | CPU, ms | peak memory, MiB | budget |", "|---|---|---|---|---|", *rows, "",
        f"Node.js with the openai package takes {ratio:.0f} times as long for the same yes. Compared with: {', '.join(versions)}.",
    ])


# The search itself, without a process around it. Budget in milliseconds by a part of the benchmark's name.
DIAGNOSIS_BUDGETS = {"single": 5.0, "pair": 250.0}


def bench_diagnosis(build: Path, rounds: int) -> str:
    program = build / "diagnosis_bench"
    if not program.exists():
        sys.exit("bench: there is no diagnosis_bench in the build\nhint: tests/bench/diagnosis_bench.cpp is what it is made of")
    command = [program, "--benchmark_format=json", f"--benchmark_repetitions={max(5, rounds // 5)}",
               "--benchmark_enable_random_interleaving=true", "--benchmark_min_time=0.2"]
    report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    runs: dict[str, list[float]] = {}
    for run in report["benchmarks"]:
        if run.get("run_type") == "iteration":
            scale = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3}[run["time_unit"]]
            runs.setdefault(run["run_name"], []).append(run["cpu_time"] * scale)
    rows = []
    for name, milliseconds in runs.items():
        budget = next((limit for part, limit in DIAGNOSIS_BUDGETS.items() if part in name.lower()), None)
        median, deciles = statistics.median(milliseconds), statistics.quantiles(milliseconds, n=10)
        judgement = "–" if budget is None else f"{budget:g} ms {verdict(median, budget)}"
        rows.append(f"| {name} | {median:.3f} ({deciles[0]:.3f}–{deciles[-1]:.3f}) | {judgement} |")
    return "\n".join([
        "## Diagnosis, the search alone", "",
        "`./dev bench diagnosis`: Google Benchmark, CPU time of one search on one core, repetitions interleaved at random.", "",
        "| search | CPU, ms | budget |", "|---|---|---|", *rows,
    ])


# The codec filter. Budget in descriptions a second and core, of the function on Meta's offers.
SDP_BUDGET = 300_000
SDP_ROUNDS = 7
SDP_SAMPLES = {"meta_sdes_g711": "Meta's SDES offer with G.711: Opus goes", "meta_default": "Meta's default offer: nothing is left"}


def bench_sdp_filter(build: Path, rounds: int) -> str:
    judges = build / "judges"
    node = subprocess.run([ROOT / "tests/judges/install.sh", judges], check=True, capture_output=True, text=True).stdout.strip()
    peer = [node, str(ROOT / "tests/bench/sdp_transform.mjs"), str(judges),
            str(ROOT / "tests/data/sdp/synthetic-meta-sdes-opus-pcma-pcmu.sdp"), "1"]
    ours: dict[str, list[float]] = {name: [] for name in SDP_SAMPLES}
    theirs: list[float] = []
    for _ in range(SDP_ROUNDS):  # in turns: what disturbs one disturbs the other
        report = json.loads(subprocess.run([build / "sdp_bench", "--benchmark_format=json", "--benchmark_filter=^filter/meta"],
                                           check=True, capture_output=True, text=True).stdout)
        for run in report["benchmarks"]:
            ours[run["name"].removeprefix("filter/")].append(1e9 / run["cpu_time"])
        theirs.append(float(subprocess.run(peer, check=True, capture_output=True, text=True).stdout))

    def row(name: str, rates: list[float], judgement: str) -> str:
        return f"| {name} | {statistics.median(rates):,.0f} ({min(rates):,.0f}–{max(rates):,.0f}) | {judgement} |"

    rows = [row(f"`filter_offer`, {what}", ours[name],
                f"{SDP_BUDGET:,} " + ("met" if statistics.median(ours[name]) >= SDP_BUDGET else "**missed**"))
            for name, what in SDP_SAMPLES.items()]
    rows.append(row("Node.js and sdp-transform: parse, filter, write; the first of these offers", theirs, "–"))
    ratio = statistics.median(ours["meta_sdes_g711"]) / statistics.median(theirs)
    return "\n".join([
        "## The codec filter", "",
        f"`./dev bench sdp-filter`: descriptions per second of CPU on one core, {SDP_ROUNDS} runs of each in turn. Medians, in brackets the lowest"
        " and the highest.", "",
        "| function and description | per second | budget |", "|---|---|---|", *rows, "",
        f"The filter does {ratio:.0f} times the work of sdp-transform {package_version(judges, 'sdp-transform')} on Node.js"
        f" {first_line([node, '--version'])}, which keeps neither bytes nor line ends and gives no reasons.",
    ])


# SIP without a socket. Budget in bytes of a transaction in the 32 s behind its call (of the gateway's 20 KB for a whole call).
SIP_TIMES = {
    "parse": "`parse_message`, an INVITE of Meta's form, 1,399 bytes: sofia-sip and our own reading", "write": "`write_message`, the same",
    "raw": "`read_raw`: what a reply to an unreadable request needs", "frame": "`Framer`, one message of a stream",
    "serve_an_invite": "`TransactionLayer`: INVITE, 100, 200 and the end, 10,000 others running",
    "timer_set_and_stop": "`TimerQueue`: set and stop, 100,000 running", "timer_set_and_stop_in_a_multimap": "the same in a sorted map with an index",
    "timer_set_and_pop": "`TimerQueue`: set, and pop when due",
}
SIP_MEMORY = {
    "keep/invite_server_accepted_reliable/iterations:1": "INVITE server, 2xx sent (TCP, TLS)",
    "keep/invite_client_accepted_reliable/iterations:1": "INVITE client, 2xx received (TCP, TLS)",
    "keep/invite_server_completed_unreliable/iterations:1": "INVITE server, refused (UDP)",
    "keep/invite_client_completed_unreliable/iterations:1": "INVITE client, refused (UDP)",
    "keep/server_completed_unreliable/iterations:1": "BYE server (UDP)", "keep/client_completed_unreliable/iterations:1": "BYE client (UDP)",
    "keep/invite_client_proceeding_reliable/iterations:1": "INVITE client, ringing (TCP, TLS)",
}


def bench_sip(build: Path, rounds: int) -> str:
    times: dict[str, list[float]] = {}
    bytes_kept: dict[str, float] = {}
    for _ in range(SDP_ROUNDS):
        for program in ("sip_bench", "transaction_bench"):
            report = json.loads(subprocess.run([build / program, "--benchmark_format=json"], check=True, capture_output=True, text=True).stdout)
            for run in report["benchmarks"]:
                times.setdefault(run["name"], []).append(run["cpu_time"] * {"ns": 1e-3, "us": 1.0, "ms": 1e3}[run["time_unit"]])
                if "bytes" in run:
                    bytes_kept[run["name"]] = run["bytes"]
    rows = [f"| {what} | {statistics.median(times[name]):.2f} ({min(times[name]):.2f}–{max(times[name]):.2f}) |" for name, what in SIP_TIMES.items()]
    memory = [f"| {what} | {bytes_kept[name]:,.0f} |" for name, what in SIP_MEMORY.items()]
    return "\n".join([
        "## SIP without a socket", "",
        f"`./dev bench sip`: CPU time on one core, {SDP_ROUNDS} runs in turn. Medians, in brackets the lowest and the highest.", "",
        "| function | µs |", "|---|---|", *rows, "",
        "What a transaction keeps while it waits for late messages (32 s): bytes of the heap, over 10,000 of them. The gateway's budget there is"
        " 20 KB for a whole call.", "",
        "| transaction | bytes |", "|---|---|", *memory,
    ])


def bench_serve(build: Path, rounds: int) -> str:
    # A round is ten thousand requests to each of the services: five, where the others have their sixty.
    return serve.bench_serve(build, serve.Sizes(rounds=max(1, rounds // 12)))


def bench_gateway(build: Path, rounds: int) -> str:
    # A round is seven thousand calls through each of both, over each transport.
    return gateway.bench_gateway(build, gateway.Sizes(rounds=max(1, rounds // 12)))


# The page


def first_line(command: list[str]) -> str:
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return (output.splitlines() or [""])[0].strip()


def package_version(folder: Path, name: str) -> str:
    return json.loads((folder / "node_modules" / name / "package.json").read_text(encoding="utf-8"))["version"]


def machine(build: Path) -> str:
    level = re.search(r"^CMAKE_CXX_FLAGS_RELEASE:\w+=.*?(-O\w+)", (build / "CMakeCache.txt").read_text(encoding="utf-8"), re.MULTILINE)
    model = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    debian = Path("/etc/debian_version").read_text(encoding="utf-8").strip() if Path("/etc/debian_version").exists() else platform.system()
    compiler = first_line(["g++", "-dumpfullversion"])
    return (f"{datetime.date.today().isoformat()}, {commit()}; Debian {debian}, {os.cpu_count()} cores"
            f" ({model.group(1) if model else platform.machine()}), g++ {compiler} {level.group(1) if level else ''}".rstrip())


PAGE_HEAD = """# Benchmarks

What callchain costs, measured beside its peers in the same run, and held against its budgets. Written by `./dev bench`;
a section is rewritten when that part is measured again. Ratios carry over to other machines better than the figures.
"""
SECTIONS = {"verify-sig": bench_verify_sig, "diagnosis": bench_diagnosis, "sdp-filter": bench_sdp_filter, "sip": bench_sip, "serve": bench_serve,
            "gateway": bench_gateway}


def write_section(name: str, text: str, measured: str) -> None:
    """Replaces the section of that name in the page, or adds it."""
    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else PAGE_HEAD
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    section = f"{begin}\n{text}\n\nMeasured {measured}.\n{end}\n"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}\n", re.DOTALL)
    page = pattern.sub(lambda _: section, page) if pattern.search(page) else f"{page.rstrip()}\n\n{section}"
    PAGE.write_text(page, encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description="Measures callchain against its budgets.")
    parser.add_argument("what", nargs="*", metavar="WHAT", help=f"any of: {', '.join(SECTIONS)}; all unless named")
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=60, help="runs of each program; at least 40 for figures to keep")
    options = parser.parse_args()
    if unknown := [what for what in options.what if what not in SECTIONS]:
        sys.exit(f"bench: nothing to measure by the name of {unknown[0]}\nhint: one of {', '.join(SECTIONS)}")
    if os.getloadavg()[0] > 0.5:
        print(f"bench: the load is {os.getloadavg()[0]:.1f}: other work is running, and wall times will tell of it", file=sys.stderr)
    for name in options.what or SECTIONS:
        text = SECTIONS[name](options.build.resolve(), options.rounds)
        write_section(name, text, machine(options.build))
        print(text, end="\n\n")
    print(f"written to {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
