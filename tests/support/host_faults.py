"""What a host may do to a service: a full disk, a clock that is stepped, no names, little memory.

Used by the fault tests of tests/e2e and tests/scenarios. What needs root and cannot be had here skips the test, and says so.
"""

import contextlib
import glob
import os
import resource
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

def is_sanitized() -> bool:
    """Whether the program under test was built with AddressSanitizer or ThreadSanitizer."""
    program = Path(os.environ.get("CALLCHAIN", "/dev/null")).read_bytes()
    return b"__asan_init" in program or b"__tsan_init" in program


# Their runtimes reserve terabytes, want to be the first library of the process, and need descriptors themselves.
not_under_a_sanitizer = pytest.mark.skipif(is_sanitized(), reason="the runtime of a sanitizer has needs of its own")


# A full disk


@contextlib.contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    """A file system of that size at `folder`, which is made."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    folder.mkdir()
    options = f"size={kilobytes}k,mode=700"
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False).returncode != 0:
        pytest.skip("this host mounts nothing")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path) -> Path:
    """Takes what is left of the disk; the file that has it."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 512)
    return filler


# A clock that is stepped


class Clock:
    """The wall clock of one process, by Debian's libfaketime; the monotonic one stays true, as it does when an operator sets the clock."""

    def __init__(self, folder: Path):
        self._file = folder / "clock"
        self.step(0)
        library, = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1") or [""]
        if not library:
            pytest.skip("Debian's package faketime is not installed")
        self.variables = {"LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": str(self._file), "FAKETIME_NO_CACHE": "1",
                          "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}

    def step(self, seconds: int) -> None:
        """From now on it is that far ahead of the true time."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n")
        new.replace(self._file)  # read at any moment


# No names


def resolved_by(folder: Path, address: str) -> list[str]:
    """The beginning of a command whose process asks the name server at that address of loopback, and no other."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a process a resolv.conf of its own")
    configuration = folder / f"resolv-{address}.conf"
    configuration.write_text(f"nameserver {address}\n")
    return ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', str(configuration)]


class NameServer:
    """On port 53, or another one, of an address of loopback: answers each question with a code of RFC 1035 section 4.1.1, or not at all.

    With port 0 it is one that is free for TCP as well, and it is held: a name server that takes its place wants both.
    """

    SERVFAIL = 2

    def __init__(self, address: str, code: int | None, port: int = 53):
        self.code, self.asked = code, 0
        self._tcp = None
        while True:
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.bind((address, port))
            self.port = self._socket.getsockname()[1]
            if port != 0 or self._hold_for_tcp(address):
                break
            self._socket.close()
        threading.Thread(target=self._serve, daemon=True).start()

    def _hold_for_tcp(self, address: str) -> bool:
        self._tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            self._tcp.bind((address, self.port))
        except OSError:
            self._tcp.close()
            return False
        return True

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                question, peer = self._socket.recvfrom(4096)
                self.asked += 1
                if self.code is not None and len(question) > 12:
                    # The question itself, as it came, marked as an answer without records.
                    name_ends = question.index(b"\0", 12) + 5
                    self._socket.sendto(question[:2] + struct.pack(">HHHHH", 0x8180 | self.code, 1, 0, 0, 0) + question[12:name_ends], peer)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        if self._tcp is not None:
            self._tcp.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


# Little memory


class MemoryLimit:
    """Holds a process to so many MiB: by a control group (version 2) where root can make one, else by RLIMIT_DATA.

    RLIMIT_DATA counts what a process may write, touched or not, and so the whole stack of each thread: they get 256 KiB each.
    """

    def __init__(self, name: str, mebibytes: int):
        self.bytes = mebibytes << 20
        self._group = Path(f"/sys/fs/cgroup/callchain-{name}-{os.getpid()}")
        self.by = "memory.max" if self._make_group() else "RLIMIT_DATA"

    def _make_group(self) -> bool:
        root = Path("/sys/fs/cgroup")
        try:
            if "memory" not in (root / "cgroup.subtree_control").read_text().split():
                return False
            self._group.mkdir()
            (self._group / "memory.max").write_text(str(self.bytes))
            swap = self._group / "memory.swap.max"
            if swap.exists():
                swap.write_text("0")
        except OSError:
            return False
        return True

    def enter(self) -> None:
        """In the process itself, before the program begins."""
        if self.by == "memory.max":
            (self._group / "cgroup.procs").write_text("0")
        else:
            resource.setrlimit(resource.RLIMIT_STACK, (256 << 10, 256 << 10))
            resource.setrlimit(resource.RLIMIT_DATA, (self.bytes, self.bytes))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self._group.rmdir()


# What a process takes


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    return next(int(line.split()[1]) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")) / 1024


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def limited_to(count: int):
    """For a process's beginning: so many descriptors and no more."""
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))
