"""A search that frees what each attempt took does not pay for the same pages again and again.

The kernel counts the pages that a process was given. With memory kept without a limit, which the C library does where
MALLOC_TRIM_THRESHOLD_ says so, they cannot be fewer.
"""

import os
import subprocess

from replay_runs import ROOT

CAPTURE = ROOT / "samples/valid-openai.http"
PAGES_OF_THE_START = 100  # by how much two runs of the same may differ


def pages_of(callchain, **variables: str) -> int:
    """Those of a search that tries everything and proves nothing."""
    words = [callchain.path, "verify-sig", "--request", str(CAPTURE), "--secret-env", "FOREIGN", "--now", "1760000000"]
    environment = {**callchain.environment, "FOREIGN": "whsec_" + "A" * 43 + "=", **variables}
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=callchain.folder, env=environment) as process:
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 1, said
    return usage.ru_minflt


def test_a_search_is_given_each_page_once(callchain):
    least = pages_of(callchain, MALLOC_TRIM_THRESHOLD_=str(1 << 30))
    assert pages_of(callchain) < least * 1.25 + PAGES_OF_THE_START
