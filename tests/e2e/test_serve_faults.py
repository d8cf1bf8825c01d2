"""`callchain serve` on a host in trouble: each fault has an outcome with a name, in docs/reliability.md too ("Faults").

killed at random moments; disk full for captures and for the log; names gone; the API's certificate wrong; clock stepped; 64 MiB; 256 descriptors.
"""

import contextlib
import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from conftest import Program, wait_until
from openai_standin import OpenAiStandin, Script
from serve_process import Connection, Delivery, Host, ServeStarter, call_event, delivery_of, new_call_sid, request, signature, voice_form
from standin import Answer

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from host_faults import (Clock, MemoryLimit, NameServer, descriptors, fill, limited_to, not_under_a_sanitizer, resident_mib, resolved_by,
                         small_disk)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def again(delivery: Delivery, webhook_id: str = "") -> Delivery:
    """As the sender repeats it: time and signature are those of the attempt."""
    return Delivery(delivery.body, webhook_id=webhook_id or delivery.webhook_id)


def forged(size: int = 0) -> Delivery:
    delivery = Delivery(call_event("rtc_forged", X_Fill="x" * size))
    delivery.signature = signature(b"other bytes", delivery.webhook_id, delivery.timestamp)
    return delivery


# Killed


class ByRun(OpenAiStandin):
    """Takes a key of its own from each process, and so knows who asked. An accept takes a while: a kill hits some of them."""

    DELAYS = itertools.cycle([0.0, 0.02, 0.1])

    def _is_authorized(self, request) -> bool:
        return request.headers.get("Authorization", "").startswith(f"Bearer {self.key}")

    async def answer(self, request, answer):
        answer.delay = next(self.DELAYS)
        return await super().answer(request, answer)

    def accepts(self, call_id: str, run: str) -> int:
        return sum(one.headers["authorization"].endswith(run) for one in self.actions(call_id, "accept"))


class Sender(threading.Thread):
    """Delivers calls as OpenAI does: each until it is answered with 200, some by a second endpoint as well."""

    def __init__(self, port: int, numbers, until: threading.Event):
        super().__init__(daemon=True)
        self.port, self.numbers, self.until = port, numbers, until
        self.answers: dict[str, list[str]] = {}

    def run(self) -> None:
        while not self.until.is_set():
            number = next(self.numbers)
            call = f"rtc_killed_{number}"
            delivery = delivery_of(call)
            self.answers[call] = [self.until_taken(delivery)]
            if number % 5 == 0:
                self.answers[call].append(self.until_taken(again(delivery, f"wh_second_{number}")))
            time.sleep(0.01)

    def until_taken(self, delivery: Delivery) -> str:
        """What the 200 said."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            reply = self.exchange(again(delivery).request())
            if reply is not None and reply.status == 200:
                return reply.json()["outcome"]
            time.sleep(0.03)
        return "never taken"

    def exchange(self, data: bytes):
        try:
            with Connection(("127.0.0.1", self.port)) as connection:
                connection.send(data)
                return connection.read()
        except (OSError, EOFError, ValueError, IndexError):  # it was killed in the middle
            return None


KILLS = 6


def test_killed_at_random_moments_no_call_is_accepted_twice_by_one_process_and_none_is_lost_that_came_again(callchain):
    """Outcome: what was not answered comes again, and is `accepted`, or `decided_elsewhere` where the killed process had accepted it.

    An answer of `pending` ends the sender's tries (docs/reliability.md, "A crash"): such a call may be lost with the process.
    """
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    dice = random.Random(seed)
    port, finished, numbers = free_port(), threading.Event(), itertools.count()
    with ByRun() as openai:
        starter = ServeStarter(callchain, openai)
        senders = [Sender(port, numbers, finished) for _ in range(6)]
        runs = []
        for life in range(KILLS + 1):
            run = f"-run{life}"
            running = starter(OPENAI_API_KEY=openai.key + run, CALLCHAIN_LISTEN=f"127.0.0.1:{port}", CALLCHAIN_SIDEBAND="off")
            runs.append((run, running))
            if life == 0:
                for sender in senders:
                    sender.start()
            time.sleep(dice.uniform(0.05, 0.6))
            if life < KILLS:
                running.signal(signal.SIGKILL)
                assert running.wait() == -signal.SIGKILL
                running.check_secrets()
                starter.running.remove(running)
        finished.set()
        for sender in senders:
            sender.join(60)
        last = runs[-1][1]
        assert wait_until(lambda: last.metric("callchain_active_calls") == 0)
        starter.end()

        answers = {call: outcomes for sender in senders for call, outcomes in sender.answers.items()}
        assert len(answers) > KILLS, seed
        twice = [(call, run) for call in answers for run, _ in runs if openai.accepts(call, run) > 1]
        assert not twice, (seed, twice)
        lost = {call: outcomes for call, outcomes in answers.items()
                if "pending" not in outcomes and not (call in openai.calls and openai.calls[call].decision == "accept")}
        assert not lost, (seed, lost)
        said = {outcome for outcomes in answers.values() for outcome in outcomes}
        assert said <= {"accepted", "duplicate", "decided_elsewhere", "pending"}, (seed, said)
        # Each process says once of each call what became of it, and no process of two calls the same.
        for _, running in runs:
            summaries = [line["call_id"] for line in running.log("call summary")]
            assert len(summaries) == len(set(summaries)), seed


# Disk full


@pytest.fixture
def disk(callchain):
    """A folder with 128 KiB. It has to be asked for before `serve`, which looks at its log behind the test."""
    with small_disk(callchain.folder / "small", 128) as folder:
        yield folder


def test_a_full_disk_for_captures_is_captures_failed_and_told_once(disk, serve):
    """Outcome: `callchain_captures_total{outcome="failed"}`, one line `captures cannot be written`; answers and calls as ever."""
    running = serve(CALLCHAIN_CAPTURE_DIR="small", CALLCHAIN_SIDEBAND="off")
    filler = fill(disk)
    for _ in range(3):
        assert running.deliver(forged(20_000)).outcome() == (401, "refused")
    assert wait_until(lambda: running.metric("callchain_captures_total", outcome="failed") == 3)
    [told] = running.log("captures cannot be written")
    assert "No space left on device" in told["why"]
    assert list(disk.iterdir()) == [filler], "half a capture is none"
    assert running.deliver(delivery_of("rtc_1")).outcome() == (200, "accepted")
    filler.unlink()
    running.deliver(forged(20_000))
    assert wait_until(lambda: running.metric("callchain_captures_total", outcome="written") == 1)
    assert len(list(disk.glob("*.http"))) == 1
    # Weeks later it is news again.
    fill(disk)
    running.deliver(forged(20_000))
    assert wait_until(lambda: len(running.log("captures cannot be written")) == 2)


def test_a_full_disk_for_the_log_drops_lines_and_no_call(disk, serve):
    """Outcome: `callchain_log_lines_dropped`, and once there is room the log says how many; each line is whole or closed."""
    running = serve.start(host=Host(log=disk / "serve.log"), CALLCHAIN_SIDEBAND="off").wait_until_ready()
    filler = fill(disk)
    calls = [f"rtc_{number}" for number in range(50)]
    assert [running.deliver(delivery_of(call)).outcome() for call in calls] == [(200, "accepted")] * len(calls)
    assert wait_until(lambda: running.metric("callchain_log_lines_dropped") > 50)
    filler.unlink()
    running.deliver(delivery_of("rtc_later"))
    assert wait_until(lambda: any(line["message"] == "call summary" and line["call_id"] == "rtc_later" for line in lines_of(running)))
    # Counted here and not above, where lines of the fifty calls may still have been on their way to the disk.
    dropped = running.metric("callchain_log_lines_dropped")
    assert dropped > 50
    assert wait_until(lambda: [line["dropped"] for line in lines_of(running)
                               if line["message"].startswith("lines of this log were dropped")] == [dropped])


def lines_of(running) -> list[dict]:
    """All that can be read; what a full disk cut short is passed over."""
    found = []
    for line in running.out().split("\n"):
        with contextlib.suppress(ValueError):
            found.append(json.loads(line))
    return found


def test_a_log_that_was_never_writable_costs_no_call(serve, openai):
    """Outcome: as above, from the first line on; SIGTERM ends it in good order."""
    port, admin = free_port(), free_port()
    running = serve.start(host=Host(log=Path("/dev/full")), CALLCHAIN_SIDEBAND="off", CALLCHAIN_LISTEN=f"127.0.0.1:{port}",
                          CALLCHAIN_ADMIN_LISTEN=f"127.0.0.1:{admin}")
    running.log_path = running.error_path.with_suffix(".log")  # which is empty
    running.port, running.admin_port = port, admin

    def is_up() -> bool:
        with contextlib.suppress(OSError):
            return running.get("/readyz", admin=True).status == 200
        return False
    assert wait_until(is_up)
    for number in range(20):
        assert running.deliver(delivery_of(f"rtc_{number}")).outcome() == (200, "accepted")
    assert wait_until(lambda: running.metric("callchain_log_lines_dropped") >= 40)
    running.signal(signal.SIGTERM)
    assert running.wait() == 0


# The API cannot be reached: names, certificates
#
# An accept is tried for ten seconds: all of these services wait side by side, and each test looks at one.

UNREACHABLE = ["self-signed", "another name", "expired", "not yet valid", "no name server", "silent name server", "name server that fails"]
CERTIFICATE_SAYS = {"self-signed": "self-signed certificate", "another name": "no alternative certificate subject name matches",
                    "expired": "certificate has expired", "not yet valid": "certificate is not yet valid"}


def certificate_in(folder: Path, what: str) -> tuple[Path, Path]:
    """(certificate, key): signed by itself, and with the fault of that name."""
    name = "other.example.com" if what == "another name" else "localhost"
    begin, end = {"expired": ("20200101000000Z", "20210101000000Z"), "not yet valid": ("20900101000000Z", "20910101000000Z")}.get(
        what, ("20200101000000Z", "20490101000000Z"))
    own = folder / what.replace(" ", "-")
    own.mkdir()
    (own / "index").touch()
    (own / "ca.conf").write_text("[ca]\ndefault_ca = own\n[own]\ndatabase = index\nnew_certs_dir = .\nrand_serial = yes\ndefault_md = sha256\n"
                                 f"policy = any\nx509_extensions = names\n[any]\ncommonName = supplied\n[names]\nsubjectAltName = DNS:{name}\n")
    # Only the command for authorities can set both ends.
    for command in (["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key.pem", "-out", "request.pem",
                     "-subj", f"/CN={name}"],
                    ["ca", "-batch", "-selfsign", "-config", "ca.conf", "-keyfile", "key.pem", "-in", "request.pem", "-out", "cert.pem", "-notext",
                     "-startdate", begin, "-enddate", end]):
        subprocess.run(["openssl", *command], cwd=own, check=True, capture_output=True)
    return own / "cert.pem", own / "key.pem"


@pytest.fixture(scope="module")
def unreachable(tmp_path_factory):
    """name: (service, stand-in or name server), each with a call `rtc_1` that was delivered and answered."""
    folder = tmp_path_factory.mktemp("unreachable")
    program = Program(os.environ["CALLCHAIN"], folder)
    with contextlib.ExitStack() as running:
        made, waiting = {}, []
        for number, what in enumerate(UNREACHABLE):
            if what in CERTIFICATE_SAYS:
                certificate, key = certificate_in(folder, what)
                peer = running.enter_context(OpenAiStandin(certificate=(certificate, key)))
                trusted = {"CALLCHAIN_CA_FILE": "" if what == "self-signed" else str(certificate)}
                host, variables = Host(), {"OPENAI_BASE_URL": f"https://localhost:{peer.port}/v1", **trusted}
            elif os.geteuid() != 0:
                continue
            else:
                address = f"127.0.53.{number + 1}"
                code = NameServer.SERVFAIL if what == "name server that fails" else None
                peer = None if what == "no name server" else running.enter_context(NameServer(address, code))
                host, variables = Host(under=resolved_by(folder, address)), {"OPENAI_BASE_URL": "https://api.example.test/v1"}
            starter = ServeStarter(program, OpenAiStandin())
            running.callback(starter.end)
            service = starter.start(host=host, CALLCHAIN_SIDEBAND="off", **variables)
            made[what] = service, peer
        for service, _ in made.values():
            service.wait_until_ready()
            thread = threading.Thread(target=lambda one=service: setattr(one, "first", one.deliver(delivery_of("rtc_1"))))
            thread.start()
            waiting.append(thread)
        for thread in waiting:
            thread.join(30)
        yield made


@pytest.mark.parametrize("what", UNREACHABLE)
def test_an_api_that_is_not_reached_is_network_failure_with_the_reason_and_the_webhook_is_answered_in_time(unreachable, what):
    """Outcome: `network_failure`, ten seconds after the delivery, with the resolver's or the certificate's fault; no request left."""
    if what not in unreachable:
        pytest.skip("only root can give a process a resolv.conf of its own")
    running, peer = unreachable[what]
    assert running.first.outcome() == (200, "pending")
    failure = running.logged("call not accepted", call_id="rtc_1", seconds=30)
    assert failure["outcome"] in ("network_failure", "deadline_passed") and failure["level"] == "error"
    assert "certificates of this host" in failure["meaning"] or failure["outcome"] == "deadline_passed"
    if what in CERTIFICATE_SAYS:
        assert "no secure connection to localhost" in failure["error"] and CERTIFICATE_SAYS[what] in failure["error"], failure
        assert not peer.requests, "the key must not leave"
    else:
        assert "api.example.test" in failure["error"], failure
    if what.endswith("name server") and peer:
        assert peer.asked
    assert running.summary("rtc_1")["explain"].startswith("callchain explain call_")
    # It goes on: health, metrics, and the answers that need no API.
    assert running.get("/healthz").status == 200
    assert running.deliver(forged()).outcome() == (401, "refused")
    assert running.twilio("/twilio/voice", voice_form(new_call_sid())).status == 200
    assert running.metric("callchain_active_calls") == 0


# The clock is stepped


@not_under_a_sanitizer
def test_a_clock_that_is_stepped_refuses_by_name_while_it_is_wrong_and_costs_no_call_under_way(serve, openai, callchain):
    """Outcome: `timestamp_too_old` or `timestamp_too_new` (401, so that the sender tries again) while it is wrong; then as before.

    Deadlines, waits and the limits of log and captures go by the monotonic clock, or bear it.
    """
    clock = Clock(callchain.folder)
    openai.scripts["rtc_across"] = Script(accept=[Answer(delay=1.2)])
    running = serve(CALLCHAIN_SIDEBAND="off", **clock.variables)
    assert running.deliver(delivery_of("rtc_before")).outcome() == (200, "accepted")
    with running.connect() as across:
        across.send(delivery_of("rtc_across").request())
        assert openai.wait_for(lambda: openai.actions("rtc_across"))
        for step, code in ((3_600, "timestamp_too_old"), (-3_600, "timestamp_too_new"), (7_200, "timestamp_too_old")):
            clock.step(step)
            came = delivery_of(f"rtc_{step}")
            reply = running.deliver(came)
            assert (reply.outcome(), reply.json()["detail"]) == ((401, "refused"), code)
            assert running.metric("callchain_webhook_refusals_total", code=code) >= 1
            clock.step(0)
            assert running.deliver(again(came)).outcome() == (200, "accepted")
        assert across.read().outcome() == (200, "pending")
    summary = running.summary("rtc_across")
    assert summary["accept"] == "accepted" and 1_000 <= summary["ended_ms"] < 8_000
    assert len(openai.actions("rtc_across")) == 1
    # The log of refusals was filled by a clock that is behind now: it must not stay silent until that time comes.
    before = running.metric("callchain_records_suppressed_total")
    for _ in range(15):
        running.deliver(forged())
    assert running.metric("callchain_records_suppressed_total") > before
    time.sleep(1.2)
    running.deliver(forged())
    running.logged("refusals were left out of the log for their rate")


# Little memory

BIG = 1_000_000  # below the limit of one body


@not_under_a_sanitizer
def test_within_64_mib_it_takes_calls_while_strangers_send_a_hundred_megabytes_of_bodies(serve):
    """Outcome: bodies beyond what the service holds at once are 503 (`callchain_http_refused_total{status="503"}`); calls are accepted."""
    with MemoryLimit("serve", 64) as limit, contextlib.ExitStack() as stack:
        print(f"by {limit.by}")
        running = serve.start(host=Host(begin=limit.enter), CALLCHAIN_SIDEBAND="off").wait_until_ready()
        kept = [stack.enter_context(running.connect()) for _ in range(300)]
        strangers = [stack.enter_context(running.connect()) for _ in range(100)]
        head = request("POST", "/openai/webhook", [("Content-Length", str(BIG + 1))])
        for stranger in strangers:  # all but the last byte: each body stays, up to its time of 30 s
            with contextlib.suppress(OSError):
                stranger.send(head + b"x" * BIG)
        calls = [f"rtc_{number}" for number in range(1_000)]
        for number, call in enumerate(calls):
            connection = kept[number % len(kept)]
            connection.send(delivery_of(call).request())
            assert connection.read().outcome() == (200, "accepted")
        refused = running.metric("callchain_http_refused_total", status="503")
        assert refused > 0
        assert running.metric("callchain_accepts_total", outcome="done") == len(calls)
        assert running.process.poll() is None and resident_mib(running.process.pid) < 64
        running.end()


# Few descriptors

LIMIT, CLIENTS = 256, 400


@pytest.fixture
def out_of_descriptors(serve):
    """(service, its connections, the line that says so): more clients than it has descriptors."""
    running = serve.start(host=Host(begin=limited_to(LIMIT)), CALLCHAIN_SIDEBAND="off").wait_until_ready()
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(running.connect()) for _ in range(CLIENTS)]
        yield running, connections, running.logged("accepting connections pauses: no descriptor is left")


@not_under_a_sanitizer
def test_with_256_descriptors_and_400_connections_those_that_are_in_are_served_and_the_others_wait(out_of_descriptors):
    """Outcome: one warning with a hint each ten seconds, `callchain_accept_pauses_total`; nothing spins."""
    running, connections, paused = out_of_descriptors
    assert paused["level"] == "warn" and "ulimit" in paused["hint"]
    assert descriptors(running.process.pid) <= LIMIT
    before = running.cpu_seconds()
    time.sleep(1)
    assert running.cpu_seconds() - before < 0.3
    assert len(running.log(paused["message"])) == 1
    connections[0].send(request("GET", "/healthz"))
    assert connections[0].read().status == 200
    connections[-1].send(request("GET", "/healthz"))  # waits in the queue of the kernel
    for connection in connections[:-1]:
        connection.close()
    assert connections[-1].read().status == 200
    assert running.deliver(delivery_of("rtc_1")).outcome() == (200, "accepted")
    assert running.metric("callchain_accept_pauses_total") >= 1


@not_under_a_sanitizer
def test_a_call_finds_a_descriptor_for_the_api_whoever_holds_the_others(out_of_descriptors, openai):
    """Outcome: `accepted`: a quarter of the descriptors is not for clients."""
    running, connections, _ = out_of_descriptors
    for number in range(20):
        connections[number].send(delivery_of(f"rtc_{number}").request())
    for number in range(20):
        assert connections[number].read().outcome() == (200, "accepted")
        assert len(openai.actions(f"rtc_{number}")) == 1
