"""replay-webhook --matrix: serve passes it, each faulty receiver is found with its own code, and CI scripts do what they say."""

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree
from pathlib import Path

import pytest

from receivers import GARBAGE, HALF_AN_ANSWER, NOTHING, Receiver, always, checks, hangs, hostile, in_turn, says
from replay_runs import ROOT, Replay, no_secret_in, recorded
from serve_process import OTHER_SECRET, SECRET, signature

CASES = 27  # of the basic matrix
TOLERATED_OF_AN_HONEST_ONE = {"bare_signature", "large_body", "empty_body", "not_json"}


@pytest.fixture
def replay(callchain):
    return Replay(callchain)


def matrix(replay, behaviour, *args: str, **variables: str) -> dict:
    """The document of a matrix for a receiver of that behaviour."""
    with Receiver(behaviour) as receiver:
        done = replay("--matrix", "--to", receiver.url, "--json", *args, **variables)
    assert done.code in (0, 1), done.err
    document = done.json()
    assert document["passed"] == (done.code == 0)
    return document


def codes(document: dict) -> set[str]:
    """Of all that is found, about single cases and the whole."""
    single = {case["finding"]["code"] for case in document["cases"] if case["finding"]}
    return single | {finding["code"] for finding in document["findings"]}


def outcomes(document: dict, *kinds: str) -> dict[str, str]:
    return {case["name"]: case["outcome"] for case in document["cases"] if case["outcome"] in kinds}


# What is sent


def test_the_deliveries_are_what_their_names_say(replay):
    with Receiver(always(200)) as receiver:
        document = replay("--matrix", "--to", receiver.url, "--json").json()
    sent = dict(zip((case["name"] for case in document["cases"]), receiver.requests, strict=True))
    assert len(sent) == CASES
    base = sent["valid"]
    for name in ("valid", "duplicate", "two_signatures_right_first", "two_signatures_right_last", "header_letter_case", "utf8_body",
                 "unknown_event_type", "large_body", "stale", "from_the_future", "empty_body", "not_json"):
        assert sent[name].is_signed_with(SECRET), name
    for name in ("tampered_body", "reserialized_body", "wrong_id", "wrong_timestamp", "wrong_secret"):
        assert not sent[name].is_signed_with(SECRET) and all(sent[name].header(header) for header in ("webhook-id", "webhook-signature"))
    assert sent["duplicate"].raw == base.raw
    assert len({request.header("webhook-id") for request in receiver.requests}) >= CASES - 4  # all but the duplicate and those without
    stale, early, now = (int(sent[name].header("webhook-timestamp")) for name in ("stale", "from_the_future", "valid"))
    assert (now - stale, early - now) == (600, 600)
    assert json.loads(sent["reserialized_body"].body) == json.loads(base.body) and sent["reserialized_body"].body != base.body
    assert json.loads(sent["tampered_body"].body) != json.loads(base.body) and len(sent["tampered_body"].body) == len(base.body)
    assert len(sent["large_body"].body) == 1_048_576 and json.loads(sent["large_body"].body)
    assert any(byte > 127 for byte in sent["utf8_body"].body) and sent["utf8_body"].body.decode()
    assert sent["empty_body"].body == b"" and sent["empty_body"].header("content-length") == "0"
    assert sent["empty_signature"].header("webhook-signature") == ""
    assert "WEBHOOK-SIGNATURE" in dict(sent["header_letter_case"].headers)
    assert [name for name in sent["unsigned"].names() if name.startswith("webhook-")] == []
    mac = signature(base.body, *(sent["bare_signature"].header(name) for name in ("webhook-id", "webhook-timestamp")))
    assert sent["bare_signature"].header("webhook-signature") == mac.removeprefix("v1,")


def test_a_capture_may_be_the_base(replay):
    capture = replay.capture(data=recorded(b'{"a":1,  "type":"mine"}', headers=[("X-Mine", "1"), ("Authorization", "Bearer x")]).request())
    with Receiver(checks()) as receiver:
        done = replay(capture, "--matrix", "--to", receiver.origin, "--set", "a=2", "--json")
    assert done.code == 0, done.out
    assert receiver.requests[0].body == b'{"a":2,  "type":"mine"}' and receiver.requests[0].target == "/openai/webhook"
    assert receiver.requests[0].header("x-mine") == "1"
    assert not any("authorization" in request.names() for request in receiver.requests)


# Receivers that are right


@pytest.mark.parametrize("how", ["--matrix", "--matrix=full"])
def test_serve_passes(replay, serve, openai, how):
    running = serve(CALLCHAIN_SIDEBAND="off")
    url = f"http://127.0.0.1:{running.port}/openai/webhook"
    done = replay(how, "--to", url, "--json")
    assert done.code == 0, [case for case in done.json()["cases"] if case["outcome"] == "wrong"]
    document = done.json()
    assert document["passed"] and codes(document) == set()
    assert set(outcomes(document, "tolerated")) <= TOLERATED_OF_AN_HONEST_ONE
    assert document["summary"]["cases"] == len(document["cases"]) > (CASES if how.endswith("full") else CASES - 1)
    # What it must refuse accepts no call.
    assert len(openai.requests) == len({request.path for request in openai.requests}) <= 9
    assert replay(how, "--to", url).out.rstrip().splitlines()[-1].startswith("PASSED: ")


def test_serve_passes_for_live_calls(replay, serve):
    running = serve(CALLCHAIN_SIDEBAND="off")
    done = replay("--event", "live.transport.incoming", "--matrix=full", "--to", f"http://127.0.0.1:{running.port}/openai/webhook")
    assert done.code == 0, done.out


@pytest.mark.parametrize("behaviour", [checks(), checks(bad=400), checks(good=204, bad=403), checks("takes a bare signature"),
                                       checks("reads 100 kB"), checks(secrets=(OTHER_SECRET, SECRET))],
                         ids=["401", "400", "204", "bare", "413", "two secrets"])
def test_an_honest_receiver_passes(replay, behaviour):
    document = matrix(replay, behaviour, "--matrix=full")
    assert document["passed"] and codes(document) == set()
    assert set(outcomes(document, "tolerated")) <= TOLERATED_OF_AN_HONEST_ONE
    assert document["summary"]["wrong"] == document["summary"]["unanswered"] == 0
    assert len(document["cases"]) > 100


# Receivers that are not

FAULTS = [
    ("ignores the time", {"receiver_accepts_stale", "receiver_accepts_future", "receiver_accepts_bad_timestamp"}),
    ("takes the future", {"receiver_accepts_future"}),
    ("takes any timestamp", {"receiver_accepts_bad_timestamp"}),
    ("ignores the version", {"receiver_accepts_other_version"}),
    ("compares the beginning", {"receiver_accepts_cut_signature"}),
    ("checks only what is signed", {"receiver_accepts_missing_header"}),
    ("reads one signature", {"receiver_refuses_rotation"}),
    ("wants names in lower case", {"receiver_refuses_header_case"}),
    ("refuses unknown types", {"receiver_refuses_unknown_type"}),
    ("refuses duplicates", {"receiver_refuses_duplicate"}),
    ("reads ASCII", {"receiver_refuses_compact_body", "receiver_refuses_utf8_body"}),
    ("reads 100 kB and answers 400", {"receiver_refuses_large_body"}),
    ("writes the body again", {"receiver_refuses_compact_body", "receiver_accepts_reserialized_body", "receiver_refuses_utf8_body"}),
]


@pytest.mark.parametrize(("fault", "expected"), FAULTS, ids=[row[0] for row in FAULTS])
def test_a_single_fault_is_found_and_no_other(replay, fault, expected):
    document = matrix(replay, checks(fault))
    assert codes(document) == expected
    assert not document["passed"] and document["summary"]["wrong"] >= len(expected)


SWEEPING_FAULTS = [
    ("ignores the id", checks("ignores the id"), {"receiver_accepts_wrong_id", "receiver_accepts_wrong_secret"},
     {"receiver_accepts_tampered_body", "receiver_accepts_wrong_timestamp", "receiver_accepts_everything"}),
    ("ignores id and time", checks("ignores id and time"), {"receiver_accepts_wrong_id", "receiver_accepts_wrong_timestamp"},
     {"receiver_accepts_tampered_body", "receiver_accepts_everything"}),
    ("never verifies", checks("never verifies"), {"receiver_accepts_wrong_secret", "receiver_accepts_tampered_body"},
     {"receiver_accepts_everything", "receiver_accepts_stale"}),
    ("always 200", always(200), {"receiver_accepts_everything", "receiver_accepts_wrong_secret", "receiver_accepts_missing_header"},
     {"receiver_refuses_everything"}),
    ("always 401", always(401), {"receiver_refuses_everything", "receiver_refuses_valid"}, {"receiver_accepts_everything"}),
    ("another secret", checks(secrets=(OTHER_SECRET,)), {"receiver_refuses_everything", "receiver_refuses_valid"}, set()),
    ("redirects", always(302, location="http://192.0.2.1/"), {"receiver_redirects"}, {"receiver_refuses_everything"}),
    ("fails", always(500), {"receiver_fails"}, {"receiver_refuses_everything"}),
    ("fails when refused", checks(bad=500), {"receiver_fails"}, {"receiver_refuses_everything", "receiver_refuses_valid"}),
    ("limits", always(429), {"receiver_rate_limited"}, {"receiver_refuses_everything"}),
    ("odd status", says(b"HTTP/1.1 799 Odd\r\nContent-Length: 0\r\n\r\n"), {"receiver_garbled"}, {"receiver_refuses_everything"}),
    ("garbage", GARBAGE, {"receiver_silent"}, {"receiver_refuses_everything"}),
    ("half an answer", HALF_AN_ANSWER, {"receiver_silent"}, {"receiver_accepts_everything"}),
    ("nothing", NOTHING, {"receiver_silent"}, {"receiver_accepts_everything"}),
    ("hostile", hostile(401), {"receiver_refuses_everything"}, {"receiver_accepts_everything"}),
]


@pytest.mark.parametrize(("behaviour", "expected", "absent"), [row[1:] for row in SWEEPING_FAULTS], ids=[row[0] for row in SWEEPING_FAULTS])
def test_a_fault_that_shows_in_many_cases_is_found(replay, behaviour, expected, absent):
    with Receiver(behaviour) as receiver:
        done = replay("--matrix=full", "--to", receiver.url, "--json", "--timeout", "5")
    assert done.code == 1, done.err
    document = done.json()
    assert expected <= codes(document) and not absent & codes(document), codes(document)
    for case in document["cases"]:
        assert (case["finding"] is None) == (case["outcome"] in ("right", "tolerated")), case


# The commonest fault: JSON.stringify(req.body) in place of the bytes.
def test_a_receiver_that_writes_the_body_again_compact_is_named(replay):
    document = matrix(replay, checks("writes the body again, compact"))
    assert not document["passed"]
    assert {"receiver_reserializes_body"} <= codes(document), codes(document)


def test_a_receiver_that_hangs_is_told_from_one_that_is_not_there(replay):
    with Receiver(hangs) as receiver:
        done = replay("--matrix", "--to", receiver.url, "--timeout", "1", "--max-time", "2", "--json")
    assert done.code == 6
    document = done.json()
    assert "receiver_silent" in codes(document) and document["summary"]["not_sent"] > 0 and not document["passed"]
    done = replay("--matrix", "--to", "http://receiver.invalid/")
    assert done.code == 6 and "receiver.invalid" in done.err and "hint:" in done.err
    assert json.loads(replay("--matrix", "--to", "http://receiver.invalid/", "--json").err)["code"] == "network"


def test_each_code_has_a_page_and_stands_in_the_text(replay, callchain):
    with Receiver(checks("ignores the time")) as receiver:
        done = replay("--matrix", "--to", receiver.url)
    assert done.code == 1
    assert re.search(r"^  wrong +200 +stale +wants 4xx: rightly signed", done.out, re.MULTILINE)
    for code in ("receiver_accepts_stale", "receiver_accepts_future"):
        assert f"\n{code}: " in done.out and callchain.run("explain", code).code == 0
    assert done.out.rstrip().splitlines()[-1].startswith("FAILED: ")


def test_the_rate_of_the_matrix_is_bounded(replay):
    with Receiver(checks()) as receiver:
        assert replay("--matrix", "--to", receiver.url, "--rate", "50").code == 0
    times = [request.at for request in receiver.requests]
    assert max(times) - min(times) >= (CASES - 1) / 50 * 0.9 and receiver.most_at_once == 1


def test_reports_of_the_matrix(replay):
    summary = replay.folder / "summary.md"
    with Receiver(in_turn(checks("ignores the time"))) as receiver:
        done = replay("--matrix", "--to", receiver.url, "--report", "junit=matrix.xml", "--report", "github", GITHUB_ACTIONS="true",
                      GITHUB_STEP_SUMMARY=str(summary))
    assert done.code == 1
    root = xml.etree.ElementTree.parse(replay.folder / "matrix.xml").getroot()
    failed = {case.get("name") for case in root.iter("testcase") if case.find("failure") is not None}
    assert failed == {"stale", "from_the_future", "timestamp_not_a_number"}
    assert len(list(root.iter("testcase"))) == CASES
    errors = [line for line in done.out.splitlines() if line.startswith("::error ")]
    assert len(errors) == 3 and "receiver_accepts_stale" in "".join(errors)
    assert "stale" in summary.read_text()
    no_secret_in(summary.read_text() + (replay.folder / "matrix.xml").read_text())


# Another framework, written by other people


@pytest.fixture
def seed(callchain):
    """seed(*ARGS, **VARIABLES): the URL of a Flask application as the field writes them."""
    running = []

    def start(*args: str, **variables: str) -> str:
        process = subprocess.Popen([sys.executable, "-B", str(Path(__file__).with_name("seed_app.py")), *args], stdout=subprocess.PIPE,
                                   env={**callchain.environment, "OPENAI_WEBHOOK_SECRET": SECRET, **variables}, text=True)
        running.append(process)
        word, url = process.stdout.readline().split()
        assert word == "ready"
        return url

    yield start
    for process in running:
        process.terminate()
        process.wait(30)
        process.stdout.close()


@pytest.mark.parametrize("how", ["--matrix", "--matrix=full"])
def test_a_flask_application_that_answers_200_to_a_bad_signature_is_named(replay, seed, how):
    url = seed()
    done = replay(how, "--to", url)
    assert done.code == 1
    assert "receiver_accepts_everything" in done.out
    assert "answers 2xx all the same" in " ".join(done.out.split())
    document = replay(how, "--to", url, "--json").json()
    assert {"receiver_accepts_everything", "receiver_accepts_wrong_secret", "receiver_accepts_tampered_body",
            "receiver_accepts_missing_header", "receiver_accepts_stale"} <= codes(document)
    assert not [case for case in document["cases"] if case["right"] == "2xx" and case["outcome"] != "right"]


@pytest.mark.parametrize("secret", [SECRET, f'"{SECRET}"', f"{OTHER_SECRET}, '{SECRET}'"], ids=["one", "in quotes", "the second"])
def test_the_same_application_passes_once_it_answers_400(replay, seed, secret):
    done = replay("--matrix=full", "--to", seed("honest", OPENAI_WEBHOOK_SECRET=secret))
    assert done.code == 0, done.out


# The script and the workflow for CI


SCRIPT = ROOT / "samples/ci/test-receiver.sh"
WORKFLOW = ROOT / "samples/ci/webhook-receiver.yml"


def run_script(callchain, url: str, *args: str, **variables: str) -> subprocess.CompletedProcess:
    environment = {**callchain.environment, "CALLCHAIN": callchain.path, "RECEIVER_URL": url, "OPENAI_WEBHOOK_SECRET": SECRET, **variables}
    return subprocess.run(["sh", str(SCRIPT), *args], cwd=callchain.folder, env={name: value for name, value in environment.items() if value},
                          capture_output=True, text=True, timeout=120, check=False)


def test_the_page_has_script_and_workflow_word_for_word():
    page = (ROOT / "docs/ci.md").read_text(encoding="utf-8")
    for path in (SCRIPT, WORKFLOW):
        assert path.read_text(encoding="utf-8") in page, path.name
    assert os.access(SCRIPT, os.X_OK)


def test_the_script_passes_serve(callchain, serve):
    running = serve(CALLCHAIN_SIDEBAND="off")
    done = run_script(callchain, f"http://127.0.0.1:{running.port}/openai/webhook")
    assert done.returncode == 0, done.stdout + done.stderr
    root = xml.etree.ElementTree.parse(callchain.folder / "webhook-receiver.xml").getroot()
    assert len(list(root.iter("testcase"))) == CASES and not list(root.iter("failure"))
    no_secret_in(done.stdout + done.stderr)


def test_the_script_takes_an_event_that_the_receiver_ignores(callchain, serve, openai):
    running = serve(CALLCHAIN_SIDEBAND="off")
    body = b'{"id": "evt_ci", "object": "event", "created_at": 1, "type": "response.completed", "data": {"id": "resp_ci"}}'
    (callchain.folder / "delivery.http").write_bytes(recorded(body).request())
    done = run_script(callchain, f"http://127.0.0.1:{running.port}/openai/webhook", "delivery.http", MATRIX="full")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not openai.requests


def test_the_script_fails_a_faulty_receiver_and_annotates(callchain, replay):
    summary = callchain.folder / "summary.md"
    with Receiver(always(200)) as receiver:
        done = run_script(callchain, receiver.url, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary), JUNIT_FILE="other.xml")
    assert done.returncode == 1
    assert "::error " in done.stdout and "receiver_accepts_everything" in done.stdout
    assert (callchain.folder / "other.xml").exists() and "wrong_secret" in summary.read_text()
    no_secret_in(done.stdout + done.stderr + summary.read_text())


def test_the_script_waits_for_the_receiver(callchain):
    ready = callchain.folder / "ready"
    late = subprocess.Popen([sys.executable, "-c", LATE, str(Path(__file__).parent), str(ready), SECRET], stdout=subprocess.PIPE, text=True)
    try:
        url = late.stdout.readline().strip()
        done = run_script(callchain, url)
    finally:
        late.kill()
        late.wait()
        late.stdout.close()
    assert done.returncode == 0, done.stdout + done.stderr


# Names its port, and listens there a second and a half later.
LATE = """
import sys, time
sys.path.insert(0, sys.argv[1])
from receivers import Receiver, checks
receiver = Receiver(checks())
address = receiver._socket.getsockname()
receiver._socket.close()
print(receiver.url, flush=True)
time.sleep(1.5)
import socket
receiver._socket = socket.create_server(address)
with receiver:
    time.sleep(600)
"""


@pytest.mark.parametrize(("variables", "word"), [
    ({"RECEIVER_URL": ""}, "RECEIVER_URL"), ({"OPENAI_WEBHOOK_SECRET": ""}, "OPENAI_WEBHOOK_SECRET"),
    ({"CALLCHAIN": "/nowhere/callchain"}, "callchain"), ({"RECEIVER_URL": "127.0.0.1:8080"}, "scheme"),
])
def test_the_script_says_what_it_lacks(callchain, variables, word):
    done = run_script(callchain, **{"url": "http://receiver.invalid/", **variables})
    assert done.returncode == 2 and word in done.stderr and "hint:" in done.stderr


def test_the_script_does_not_wait_for_ever(callchain):
    done = run_script(callchain, "http://receiver.invalid/", WAIT_SECONDS="1")
    assert done.returncode == 6 and "within 1 s" in done.stderr and "receiver.invalid" in done.stderr
