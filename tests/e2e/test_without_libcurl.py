"""libcurl is loaded at the first request. Where a system has none, what needs none works as ever, and the rest says what is missing.

The system's own stays where it is: a file of that name, which is no library, is found before it.
"""

import json
import zipfile

import pytest

from replay_runs import ROOT

SECRET = ("--secret-file", str(ROOT / "samples/secrets/railway.secret"))
MISSING = "libcurl cannot be loaded: "
HINT = "apt-get install libcurl4"
LISTEN = {"CALLCHAIN_LISTEN": "127.0.0.1:0", "CALLCHAIN_ADMIN_LISTEN": "127.0.0.1:0"}


@pytest.fixture
def without_libcurl(callchain, tmp_path):
    """run(*ARGS, **VARIABLES)"""
    folder = tmp_path / "libraries"
    folder.mkdir()
    (folder / "libcurl.so.4").write_bytes(b"")
    return lambda *args, **variables: callchain.run(*args, LD_LIBRARY_PATH=str(folder), **variables)


def test_a_signature_is_verified(without_libcurl):
    done = without_libcurl("verify-sig", *SECRET, "--request", str(ROOT / "samples/valid-openai.http"), "--now", "1767801601")
    assert (done.code, done.err) == (0, ""), done


def test_a_command_that_asks_says_what_is_missing(without_libcurl):
    done = without_libcurl("health", "http://127.0.0.1:9/readyz")
    assert done.code == 2 and MISSING in done.err and HINT in done.err, done


def test_serve_does_not_start(without_libcurl):
    done = without_libcurl("serve", "--env-file", str(ROOT / "samples/serve.env"), **LISTEN)
    assert done.code == 2 and MISSING in done.err and HINT in done.err, done
    assert '"ready"' not in done.out


def test_a_bundle_says_that_there_was_none(without_libcurl, tmp_path):
    done = without_libcurl("bundle", "--log", str(ROOT / "samples/record-line/railway.jsonl"), "--out", "bundle.zip")
    assert done.code == 0, done
    with zipfile.ZipFile(tmp_path / "bundle.zip") as archive:
        manifest = next(name for name in archive.namelist() if name.endswith("manifest.json"))
        assert json.loads(archive.read(manifest))["libraries"]["curl"] == "none"
