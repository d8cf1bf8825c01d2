"""Fixtures of the end-to-end tests: the program under test and the stand-ins that it talks to.

The program is named by the variable CALLCHAIN. Debian's python3-pytest, python3-aiohttp and python3-flask are needed.
"""

import itertools
import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from openai_standin import OpenAiStandin
from serve_process import ServeStarter
from standin import make_certificate
from twilio_standin import TwilioStandin

TIMEOUT_SECONDS = 120  # a sanitizer on a busy machine, not what a run should take
SANITIZER_VARIABLES = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS", "GCOV_PREFIX", "GCOV_PREFIX_STRIP")


@dataclass
class Outcome:
    code: int
    out: str
    err: str

    def json(self):
        return json.loads(self.out)


class Program:
    """callchain, with an environment that has nothing of the machine in it but what a test gives."""

    def __init__(self, path: str, folder: Path):
        self.path, self.folder = path, folder
        self.environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
        self.environment |= {name: os.environ[name] for name in SANITIZER_VARIABLES if name in os.environ}

    def run(self, *args: str, stdin: bytes = b"", **variables: str) -> Outcome:
        done = subprocess.run([self.path, *args], input=stdin, capture_output=True, cwd=self.folder, check=False,
                              env={**self.environment, **variables}, timeout=TIMEOUT_SECONDS)
        return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())

    def start(self, *args: str, **variables: str) -> subprocess.Popen:
        return subprocess.Popen([self.path, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.folder,
                                env={**self.environment, **variables}, text=True)


def stop(process: subprocess.Popen, with_signal: int = signal.SIGTERM) -> Outcome:
    """Ends a program that was started, and returns what it said since."""
    process.send_signal(with_signal)
    out, err = process.communicate(timeout=TIMEOUT_SECONDS)
    return Outcome(process.returncode, out, err)


def wait_until(condition, seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


@pytest.fixture
def callchain(tmp_path) -> Program:
    path = os.environ.get("CALLCHAIN")
    if not path:
        pytest.fail("the variable CALLCHAIN must name the program under test")
    return Program(path, tmp_path)


@pytest.fixture
def openai():
    with OpenAiStandin() as standin:
        yield standin


@pytest.fixture
def twilio():
    with TwilioStandin() as standin:
        yield standin


@pytest.fixture
def serve(callchain, openai):
    """serve(*ARGS, **VARIABLES): a running `callchain serve`. None of its secrets may be in what any of them said."""
    starter = ServeStarter(callchain, openai)
    try:
        yield starter
    finally:
        starter.end()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory) -> tuple[Path, Path]:
    """(certificate, key) for stand-ins that speak TLS."""
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def own_certificate(tmp_path):
    """own_certificate(NAMES): (certificate, key), self-signed and for these subjectAltNames."""
    made = itertools.count()

    def make(names: str) -> tuple[Path, Path]:
        number = next(made)
        certificate, key = tmp_path / f"own{number}.pem", tmp_path / f"own{number}.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
                        "-subj", "/CN=own", "-addext", f"subjectAltName={names}", "-keyout", key, "-out", certificate],
                       check=True, capture_output=True)
        return certificate, key

    return make
