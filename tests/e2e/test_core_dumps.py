"""A crash leaves no secret behind: neither in a core dump nor in what is printed. Whoever needs a core dump can get one.

The process is ended by the signals of a crash. Where the system's core_pattern is a plain file name, the dump that is allowed
on purpose proves that the others would have been seen.
"""

import re
import resource
import signal
import subprocess
from pathlib import Path

import pytest

from conftest import wait_until
from replay_runs import ROOT

SECRETS = {"OPENAI_API_KEY": "sk-proj-PlantedApiKey0Q1w2E3r4T5y6U7i8O9p", "TWILIO_AUTH_TOKEN": "9f8e7d6c5b4a39281706f5e4d3c2b1a0",
           "META_SIP_PASSWORD": "Planted-Meta-Password-8642"}
NOBODY = {"CALLCHAIN_LISTEN": "127.0.0.1:0", "CALLCHAIN_ADMIN_LISTEN": "127.0.0.1:0"}
COMMANDS = {
    "serve": (["serve", "--env-file", str(ROOT / "samples/serve.env")], "ready"),
    "gateway": (["gateway", "run", "--env-file", str(ROOT / "samples/gateway.env")], "ready"),
    # A command that ends by itself, held up by an input that does not come.
    "verify-sig": (["verify-sig", "-v", "--request", "-"], ""),
}
CORE_PATTERN = Path("/proc/sys/kernel/core_pattern").read_text(encoding="ascii").strip()


def core_limits(pid: int) -> tuple[str, str]:
    """(soft, hard), as the kernel writes them."""
    limits = Path(f"/proc/{pid}/limits").read_text(encoding="ascii")
    return re.search(r"^Max core file size +(\S+) +(\S+)", limits, re.MULTILINE).groups()


def expected_limits() -> tuple[tuple[str, str], ...]:
    """(soft, hard): too low for a dump, and as high as it was given, so that it can be raised. A sanitizer takes both away before main."""
    given = resource.getrlimit(resource.RLIMIT_CORE)[1]
    kept = "unlimited" if given == resource.RLIM_INFINITY else str(given)
    return ("0" if given == 0 else "1", kept), ("0", "0")


def allow_core_dumps() -> None:
    """As a shell after `ulimit -c unlimited`."""
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


@pytest.fixture(params=COMMANDS)
def running(request, callchain):
    """The process, in a folder of its own, under way and holding its secrets."""
    words, ready = COMMANDS[request.param]
    process = subprocess.Popen([callchain.path, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               cwd=callchain.folder, env={**callchain.environment, **NOBODY, **SECRETS}, preexec_fn=allow_core_dumps)
    try:
        while ready and ready not in (line := process.stdout.readline()):
            assert line, process.stderr.read()
        assert wait_until(lambda: core_limits(process.pid) in expected_limits())
        yield process
    finally:
        process.kill()
        process.communicate()


def test_the_limit_is_low_and_can_be_raised(running):
    assert core_limits(running.pid) in expected_limits()


@pytest.mark.parametrize("crash", [signal.SIGSEGV, signal.SIGABRT, signal.SIGQUIT], ids=lambda one: one.name)
def test_a_crash_leaves_nothing(running, callchain, crash):
    before = set(callchain.folder.rglob("*"))
    running.send_signal(crash)
    out, err = running.communicate(timeout=60)
    assert running.returncode != 0
    assert not [name for name, secret in SECRETS.items() if secret in out + err]
    assert set(callchain.folder.rglob("*")) == before


def test_a_dump_that_was_allowed_has_all_of_it(running, callchain):
    """What prlimit(1) does to a service that is about to crash again; and why it is not the default."""
    hard = core_limits(running.pid)[1]
    if hard == "0" or not re.fullmatch(r"[\w.-]+", CORE_PATTERN):
        return  # nothing can be written, or it goes elsewhere than here
    limit = resource.prlimit(running.pid, resource.RLIMIT_CORE)[1]
    resource.prlimit(running.pid, resource.RLIMIT_CORE, (limit, limit))
    running.send_signal(signal.SIGABRT)
    running.communicate(timeout=60)
    dumps = [path for path in callchain.folder.iterdir() if path.name.startswith(CORE_PATTERN)]
    assert len(dumps) == 1
    assert SECRETS["OPENAI_API_KEY"].encode() in dumps[0].read_bytes()
