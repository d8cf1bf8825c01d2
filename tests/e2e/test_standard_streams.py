"""Standard streams that whoever started the program has closed: no file, socket or folder of ours may get their numbers."""

import contextlib
import subprocess
from pathlib import Path

import pytest

from conftest import wait_until

NUMBERS = (0, 1, 2)


def opened_by(process):
    """number -> what it leads to"""
    found = {}
    for path in Path(f"/proc/{process.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            found[int(path.name)] = str(path.readlink())
    return found


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1), (0, 1, 2)], ids=lambda numbers: "".join(map(str, numbers)))
def test_what_is_closed_is_held(callchain, tmp_path, closed):
    """Else what is printed would land in whatever was opened next: a trace, a capture, a secret, somebody's connection."""
    (tmp_path / "captures").mkdir()
    command = 'exec "$0" tail captures ' + " ".join(f"{number}{'<' if number == 0 else '>'}&-" for number in closed)
    process = subprocess.Popen(["bash", "-c", command, callchain.path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               cwd=tmp_path, env=callchain.environment)
    try:
        # Once it looks at the folder, all that it opens is open.
        assert wait_until(lambda: any(name.endswith("captures") or "inotify" in name for name in opened_by(process).values())), opened_by(process)
        assert {number: opened_by(process)[number] for number in closed} == dict.fromkeys(closed, "/dev/null")
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("closed", NUMBERS)
def test_what_is_closed_can_be_used_no_more_than_before(callchain, tmp_path, closed):
    (tmp_path / "body.json").write_text('{"a":1}')
    reads = "-" if closed == 0 else "body.json"
    redirection = f"{closed}{'<' if closed == 0 else '>'}&-"
    done = subprocess.run(["bash", "-c", f'"$0" verify-sig --body {reads} --hash {redirection}', callchain.path], cwd=tmp_path, check=False,
                          capture_output=True, env=callchain.environment, timeout=30)
    assert done.returncode == (0 if closed == 2 else 2), done
    assert b"standard " in done.stderr or closed == 2
