#!/usr/bin/env python3
"""Many calls through `gateway run` between two SIPps: none may be lost, and memory must not grow from the middle to the end.

    soak_gateway.py PROGRAM [--long N] [--short N] [--rate R]

First the calls of 20 s, over TLS on both sides, then the short ones over UDP. The side of Twilio challenges every call. Not in the default run
of the tests.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scenarios"))
from gateway import IPV6_KEYS, PLAIN, PLAIN_ANSWER, SDES, SDES_ANSWER, Gateway, scenario
from peers import Child, certificates, free_port, stunnel

GROWTH_KB = 8 * 1024  # of resident memory from the middle of a run to its end
SETTLE_SECONDS = 70  # nothing of a call is left 64 s after its last event
LEFT = ("calls_active", "calls_remembered", "transactions")


def sipp(folder: Path, name: str, file: str, transport: str, port: int, *more: str) -> Child:
    # Without the time limit that the scenarios have, and with a quiet screen.
    return Child(folder, name, "sipp", *more, "-sf", file, "-i", "127.0.0.1", "-p", str(port), "-t", "u1" if transport == "UDP" else "t1", "-nostdin",
                 "-trace_err", "-error_file", str(folder / f"{name}-errors.log"))


def resident_kb(pid: int) -> int:
    return next(int(line.split()[1]) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))


def run(transport: str, calls: int, rate: int, talk_ms: int) -> list[str]:
    """What was wrong with that many calls."""
    folder = Path(tempfile.mkdtemp(prefix="soak-gateway-"))
    certificates(folder)
    tls = transport == "TLS"
    children: list[Child] = []
    port = free_port()
    most = str(rate * (talk_ms // 1000 + 5))
    offer, answer = (SDES, SDES_ANSWER) if tls else (PLAIN, PLAIN_ANSWER)
    callee = sipp(folder, "twilio", scenario(folder, "gateway_uas.xml", transport, sdp=answer), transport, port, "-m", str(calls), "-l", most)
    children.append(callee)
    twilio_port = port
    if tls:
        twilio_port = free_port()
        children.append(stunnel(folder, "inward", twilio_port, port, client=False))
    gateway = Gateway(folder, transport, twilio_port, CALLCHAIN_TRACE="", CALLCHAIN_CALLS_PER_SECOND=str(rate * 4), CALLCHAIN_MAX_CALLS="100000")
    gateway_port = gateway.port
    if tls:
        gateway_port = free_port()
        children.append(stunnel(folder, "outward", gateway_port, gateway.port, client=True))
    caller = sipp(folder, "meta", scenario(folder, "gateway_uac.xml", transport, sdp=offer, talk=str(talk_ms)), transport, free_port(),
                  f"127.0.0.1:{gateway_port}", "-s", "+12145551869", "-m", str(calls), "-r", str(rate), "-l", most, *IPV6_KEYS)
    children.append(caller)
    samples: list[tuple[int, int]] = []
    try:
        while caller.process.poll() is None:
            time.sleep(1)
            metrics = gateway.metrics()
            samples.append((gateway.count("call summary"), resident_kb(gateway.process.pid)))
            if len(samples) % 30 == 0:
                print(f"{samples[-1][0]} calls, {samples[-1][1]} kB, {metrics['callchain_gateway_calls_active']:.0f} up", flush=True)
        return faults(calls, samples, caller, callee, gateway)
    finally:
        for child in children:
            child.end()
        if gateway.process.poll() is None:
            gateway.process.kill()
            gateway.process.wait()


def faults(calls: int, samples: list[tuple[int, int]], caller: Child, callee: Child, gateway: Gateway) -> list[str]:
    found = [f"{name} ended with {code}" for name, code in (("the caller", caller.wait()), ("the callee", callee.wait())) if code != 0]
    time.sleep(SETTLE_SECONDS)
    metrics = gateway.metrics()
    ended = metrics['callchain_gateway_calls_total{end="hung_up_by_a"}']
    if ended != calls:
        found.append(f"{calls} calls, but {ended:.0f} that the caller ended")
    found += [f"{name} is {metrics[f'callchain_gateway_{name}']:.0f} behind the run" for name in LEFT if metrics[f"callchain_gateway_{name}"]]
    middle = [kb for done, kb in samples if done >= calls // 2]
    if middle and (growth := samples[-1][1] - middle[0]) > GROWTH_KB:
        found.append(f"grew by {growth} kB from the middle of the run to its end")
    print(f"{calls} calls, {ended:.0f} ended by the caller: {samples[-1][1] if samples else 0} kB at the end, {middle[0] if middle else 0} kB in "
          "the middle", flush=True)
    gateway.stop()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="soak of the gateway")
    parser.add_argument("program")
    parser.add_argument("--long", type=int, default=10_000, help="calls of 20 s")
    parser.add_argument("--short", type=int, default=100_000, help="calls of 0.1 s")
    parser.add_argument("--rate", type=int, default=50, help="calls a second")
    options = parser.parse_args()
    os.environ["CALLCHAIN"] = str(Path(options.program).resolve())
    found = [fault for transport, calls, talk in (("TLS", options.long, 20_000), ("UDP", options.short, 100)) if calls
             for fault in run(transport, calls, options.rate, talk)]
    for fault in found:
        print(f"soak_gateway: {fault}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
