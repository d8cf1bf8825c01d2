"""The services that are compared: started on 127.0.0.1, loaded, looked at in /proc, and ended by their ids."""

import contextlib
import ctypes
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import AbstractContextManager
from pathlib import Path

HERE = Path(__file__).resolve().parent
API_KEY = "sk-made-up-0123456789"
START_SECONDS = 30
STOP_SECONDS = 15
LOAD_SECONDS = 120

libc = ctypes.CDLL(None, use_errno=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu_seconds_of(pid: int) -> float:
    """User and system time of a process with all its threads, ended ones too: the sum that /proc/PID/stat rounds to 10 ms."""
    clock = ctypes.c_int()
    if libc.clock_getcpuclockid(pid, ctypes.byref(clock)) != 0:
        raise ProcessLookupError(pid)
    return time.clock_gettime(clock.value)


def children_of(pid: int) -> list[int]:
    return [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]


class Service(AbstractContextManager):
    """A running program; its output goes to `name`.log in the folder. `ready` is looked for there, and its group is the port."""

    def __init__(self, name: str, command: list, folder: Path, variables: dict[str, str], ready: str, port: int = 0, output=None):
        """`output`: a pipe whose reader writes the log."""
        self.name = name
        self.log = folder / f"{name}.log"
        folder.mkdir(parents=True, exist_ok=True)
        environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", **variables}
        with contextlib.nullcontext(output) if output else self.log.open("wb") as log:
            self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=folder, env=environment)
        try:
            self.port = port or int(self.wait_for(ready)[1])
            if port:
                self._wait_for_port()
        except BaseException:
            self.stop()
            raise

    def output(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def _wait(self, found):
        end = time.monotonic() + START_SECONDS
        while not (result := found()):
            if self.process.poll() is not None or time.monotonic() > end:
                sys.exit(f"bench: {self.name} does not start: {self.output()[-2000:]}\nhint: its log is {self.log}")
            time.sleep(0.02)
        return result

    def wait_for(self, pattern: str) -> re.Match:
        return self._wait(lambda: re.search(pattern, self.output()))

    def _wait_for_port(self) -> None:
        def answers() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0
        self._wait(answers)

    def pids(self) -> list[int]:
        found = [self.process.pid]
        for pid in found:
            found += children_of(pid)
        return found

    def cpu_seconds(self) -> float:
        return sum(map(cpu_seconds_of, self.pids()))

    def resident_mib(self) -> float:
        sizes = (re.search(r"^VmRSS:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE) for pid in self.pids())
        return sum(int(size[1]) for size in sizes if size) / 1024

    def descriptors(self) -> int:
        return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in self.pids())

    def stop(self, seconds: float = STOP_SECONDS) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode

    def __exit__(self, *_) -> None:
        self.stop()


# The contestants


def write_secret(folder: Path, secret: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "webhook-secret"
    path.write_text(secret, encoding="utf-8")
    return path


def start_callchain(program: Path, folder: Path, secret: Path, api_port: int, name: str = "callchain", output=None) -> Service:
    """`serve` with default settings, but for the addresses and for CALLCHAIN_SIDEBAND=off: no peer opens a WebSocket either."""
    folder = folder / name  # of its own: nothing is read from an .env there
    variables = {"OPENAI_API_KEY": API_KEY, "OPENAI_PROJECT_ID": "proj_bench", "OPENAI_BASE_URL": f"http://127.0.0.1:{api_port}/v1",
                 "CALLCHAIN_PUBLIC_URL": "https://bridge.example.com", "CALLCHAIN_LISTEN": "127.0.0.1:0",
                 "CALLCHAIN_ADMIN_LISTEN": "127.0.0.1:0", "CALLCHAIN_SIDEBAND": "off", "CALLCHAIN_LOG": "json"}
    return Service(name, [program, "serve", "--secret-file", secret], folder, variables, r'"listen":"http://127\.0\.0\.1:(\d+)"', output=output)


def metrics_of(callchain: Service) -> str:
    admin = callchain.wait_for(r'"admin":"(http:[^"]+)"')[1]
    no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with no_proxy.open(f"{admin}/metrics", timeout=10) as answer:
        return answer.read().decode()


def metric(callchain: Service, name: str) -> float:
    """Of a counter or gauge; the labels belong to the name."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", metrics_of(callchain), re.MULTILINE)
    return float(found[1]) if found else 0.0


def start_standin(folder: Path, calls: Path) -> Service:
    """The API as api_standin.py has it."""
    command = [sys.executable, "-B", HERE / "api_standin.py", "--calls", calls]
    return Service("standin", command, folder, {}, r"ready (\d+)")


def start_express(node: str, packages: Path, folder: Path, secret: Path, api_port: int, name: str = "express") -> Service:
    variables = {"OPENAI_API_KEY": API_KEY, "OPENAI_BASE_URL": f"http://127.0.0.1:{api_port}/v1", "NODE_ENV": "production"}
    return Service(name, [node, HERE / "peers/express.mjs", packages, secret], folder, variables, r"ready (\d+)")


def start_flask(folder: Path, secret: Path, api_port: int) -> Service:
    """gunicorn's threaded workers: the sync ones keep no connection, and its manual advises others where a request waits on an API."""
    variables = {"OPENAI_API_KEY": API_KEY, "OPENAI_BASE_URL": f"http://127.0.0.1:{api_port}/v1",
                 "WEBHOOK_SECRET_FILE": str(secret), "PYTHONDONTWRITEBYTECODE": "1"}
    command = ["/usr/bin/gunicorn", "--bind", "127.0.0.1:0", "--workers", "2", "--worker-class", "gthread", "--threads", "4",
               "--keep-alive", "600", "--pythonpath", HERE / "peers", "flask_app:app"]
    service = Service("flask", command, folder, variables, r"Listening at: http://127\.0\.0\.1:(\d+)")
    service.wait_for(r"(?s)Booting worker.*Booting worker")
    return service


def start_nginx(name: str, folder: Path, log_format: str = "") -> Service:
    """One worker that answers every request with an empty 200. `log_format`: what of each goes into `name`.access."""
    log = f"log_format each '{log_format}'; access_log {folder}/{name}.access each;" if log_format else "access_log off;"
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    places = "".join(f"{each}_temp_path {folder}/{name}.tmp; " for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;" if os.geteuid() == 0 else ""
    configuration = folder / f"{name}.conf"
    configuration.write_text(f"""daemon off; {user} worker_processes 1; pid {folder}/{name}.pid; error_log stderr;
events {{ worker_connections 1024; }}
http {{
    {places}
    {log}
    keepalive_timeout 600s; keepalive_requests 1000000;
    server {{ listen 127.0.0.1:{port}; location / {{ return 200; }} }}
}}
""", encoding="utf-8")
    return Service(name, ["/usr/sbin/nginx", "-e", "stderr", "-p", folder, "-c", configuration], folder, {}, "", port)


# Load


def deliver(service: Service, count: int, *arguments: str) -> dict:
    """Sends `count` deliveries by a process of its own; every answer must be 200."""
    command = [sys.executable, "-B", HERE / "deliveries.py", "--port", str(service.port), "--count", str(count), *arguments]
    try:
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=LOAD_SECONDS)
    except subprocess.TimeoutExpired:
        sys.exit(f"bench: {service.name} did not answer {count:,} deliveries within {LOAD_SECONDS} s\nhint: its log is {service.log}")
    report = json.loads(done.stdout)
    if report["faults"] or report["statuses"] != {"200": report["sent"]}:
        sys.exit(f"bench: {service.name}: not every delivery was answered with 200: {done.stdout.strip()}\nhint: its log is {service.log}")
    return report
