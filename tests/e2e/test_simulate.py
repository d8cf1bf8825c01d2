"""`callchain simulate call`: the chain on one desk, and each fault with the diagnosis that the run's own files give.

What is wrong is known from the name of the fault; what must be said of it is written here.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
import xml.dom.minidom
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "cli"))
import console  # noqa: E402  (its folder is known only now)
import schema_check  # noqa: E402

SCHEMAS = schema_check.Schemas(ROOT / "docs" / "schemas")
SECONDS = 120


def simulate(*arguments: str, seconds: float = SECONDS, **environment: str) -> subprocess.CompletedProcess:
    run = subprocess.run([os.environ["CALLCHAIN"], "simulate", "call", *arguments], capture_output=True, text=True, timeout=seconds,
                         env={"PATH": os.environ["PATH"], **environment})
    if "--json" in arguments:
        assert not (problems := SCHEMAS.check_output(run.stdout.encode(), run.stderr.encode())), problems
    return run


def is_free(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return False
    except ProcessLookupError:
        return True


def children(pid: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True)
    return [int(line) for line in found.stdout.split()]


def read(folder: Path, name: str) -> str:
    return (folder / name).read_text()


# A call that works


def test_a_call_is_bridged_greeted_and_ended(tmp_path):
    folder = tmp_path / "run"
    run = simulate("--talk", "0.5", "--json", "--out", str(folder))
    assert run.returncode == 0, run.stderr + run.stdout
    document = json.loads(run.stdout)
    assert document["result"] == "good" and document["good"] == document["placed"] == 1
    assert document["conclusion"] is None and document["borne"] == [] and document["remarks"] == []
    ids = document["calls"][0]["ids"]
    assert {"call_id_meta", "call_id_twilio", "call_id_openai_leg", "call_sid", "callchain_id", "openai_call_id", "wacid", "webhook_id"} <= set(ids)
    # Each side wrote that id down by itself.
    assert ids["callchain_id"] in read(folder, "gateway.log") and ids["callchain_id"] in read(folder, "serve.log")
    assert not SCHEMAS.check_output(read(folder, "timeline.json").encode(), b"")
    timeline = json.loads(read(folder, "timeline.json"))
    seen = {(event["from"], event["to"], event["medium"]) for event in timeline["calls"][0]["events"]}
    for step in [("whatsapp", "gateway", "sip"), ("gateway", "twilio", "sip"), ("twilio", "serve", "http"), ("twilio", "openai", "sip"),
                 ("openai", "serve", "http"), ("serve", "openai", "http"), ("serve", "openai", "websocket")]:
        assert step in seen, step
    assert xml.dom.minidom.parse(str(folder / "call.svg")).documentElement.tagName == "svg"
    assert read(folder, "call.mmd").startswith("sequenceDiagram\n")


def test_a_chain_may_begin_at_twilio(tmp_path):
    run = simulate("--talk", "0.3", "--without", "gateway", "--json", "--out", str(tmp_path / "run"))
    document = json.loads(run.stdout)
    assert (run.returncode, document["result"]) == (0, "good"), run.stdout
    assert "call_id_meta" not in document["calls"][0]["ids"]
    assert not (tmp_path / "run" / "gateway.log").exists()


def test_a_thousand_calls_are_all_bridged_and_joined(tmp_path):
    run = simulate("--calls", "1000", "--rate", "50", "--talk", "1", "--json", "--out", str(tmp_path / "run"), seconds=300)
    document = json.loads(run.stdout)
    assert run.returncode == 0, {key: document[key] for key in ("good", "placed", "conclusion", "remarks")}
    assert document["good"] == document["placed"] == len(document["calls"]) == 1000
    for name in ("call_id_meta", "call_id_twilio", "call_sid", "callchain_id", "openai_call_id"):
        assert len({call["ids"][name] for call in document["calls"]}) == 1000, name


def test_nothing_is_kept_of_a_run_that_went_well(tmp_path):
    run = simulate("--talk", "0.1", TMPDIR=str(tmp_path))
    assert run.returncode == 0 and run.stdout.startswith("good: ")
    assert list(tmp_path.iterdir()) == []


# Faults. What was wrong, and what must be found: component, code, whether a signature proves it.

FAILED = {
    "expired-certificate": ("gateway, certificate", "certificate-dates", False),
    "wrong-meta-password": ("gateway, who may call", "sip 403", False),
    "dtls-offer": ("gateway, the offer", "sdp_dtls_offer", False),
    "opus-offer": ("gateway, the offer", "sdp_no_common_codec", False),
    "secure-media-off": ("gateway, the offer", "sdp_secure_media_off", False),
    "secure-media-mismatch": ("Twilio, the SIP Domain", "twilio 32207", False),
    "wrong-sip-password": ("Twilio, the SIP Domain", "twilio 32202", False),
    "second-replica": ("gateway, a second replica", "sip 481", False),
    "no-media": ("the media", "silence", False),
    "missing-caller-id": ("the voice URL's TwiML", "twiml_caller_id_missing", False),
    "wrong-auth-token": ("serve, POST /twilio/voice", "twilio 11200", False),
    "slow-voice-webhook": ("serve, POST /twilio/voice", "twilio 11205", False),
    "wrong-project": ("OpenAI, SIP 404", "not_found", False),
    "wrong-secret": ("serve, POST /openai/webhook", "secret_other_label", True),
    "body-reserialised": ("serve, POST /openai/webhook", "body_json_reserialized", True),
    "clock-skew": ("serve, POST /openai/webhook", "timestamp_too_old", True),
    "slow-webhook": ("OpenAI, the webhook", "call_gone", False),
    "two-endpoints": ("serve, the accept", "call_decided_elsewhere", False),
    "wrong-api-key": ("serve, the accept", "call_credential_refused", False),
    "dead-accept": ("serve, the accept", "call_dead_session", False),
    "api-down": ("serve, the accept", "call_server_error", False),
    "silent-model": ("OpenAI, the session", "", False),
}
BORNE = {
    "dropped-connection": ("gateway, Meta's connection", "connection"),
    "bye-on-new-connection": ("gateway, Twilio's connections", "connection"),
    "quoted-secret": ("serve, webhook secret", "secret_quoted"),
    "redelivery-storm": ("OpenAI, the webhook", "duplicate"),
    "accept-race": ("OpenAI, the accept", "call_gone"),
    "killed-service": ("serve, its end", "exit 137"),
}


def test_every_fault_has_a_row_here():
    faults = json.loads(simulate("--list-faults", "--json").stdout)["faults"]
    assert {fault["name"] for fault in faults} == set(FAILED) | set(BORNE)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Every fault once, some at a time: they wait more than they work."""
    root = tmp_path_factory.mktemp("runs")  # here: its maker is not for several threads

    def run(name: str):
        folder = root / name
        return simulate("--fault", name, "--talk", "0.5" if name in FAILED else "1.5", "--json", "--out", str(folder)), folder
    names = sorted(FAILED | BORNE, key=lambda name: name != "no-media")  # the longest first
    with ThreadPoolExecutor(5) as pool:
        return dict(zip(names, pool.map(run, names)))


@pytest.mark.parametrize("name", sorted(FAILED))
def test_a_fault_is_found_from_what_the_run_left(runs, name):
    component, code, proved = FAILED[name]
    run, folder = runs[name]
    assert run.returncode == 1, run.stdout + run.stderr
    found = json.loads(run.stdout)["conclusion"]
    assert found["component"].startswith(component), found
    assert (found["code"], found["proved"]) == (code, proved), found
    assert found["caller"].startswith("the caller ") and found["cause"] and found["fix"]
    # The command that is named gives that answer where the run left its files; that of the gateway needs its environment.
    if found["command"].startswith("callchain ") and name != "expired-certificate":
        words = found["command"].split()[1:]
        again = subprocess.run([os.environ["CALLCHAIN"], *words], cwd=folder, capture_output=True, text=True, timeout=60)
        assert again.returncode == found["exit_code"], again.stderr
        assert found["code"].split()[-1] in again.stdout or found["code"] == "not_found"


@pytest.mark.parametrize("name", sorted(BORNE))
def test_a_fault_that_is_borne_is_told(runs, name):
    component, code = BORNE[name]
    run, _ = runs[name]
    assert run.returncode == 0, run.stdout + run.stderr
    document = json.loads(run.stdout)
    assert document["conclusion"] is None
    assert (component, code) in [(one["component"], one["code"]) for one in document["borne"]], document["borne"]


def test_the_caller_hears_nothing_where_a_second_replica_took_the_bye(runs):
    run, folder = runs["second-replica"]
    found = json.loads(run.stdout)["conclusion"]
    assert re.search(r"talked for [\d.]+ m?s, and then heard nothing for [\d.]+ s until they hung up$", found["caller"]), found["caller"]
    assert re.search(r"^Twilio's BYE was answered 481 by .* \(gateway-2\.log\), and WhatsApp's side was not told for [\d.]+ s$", found["cause"]), found
    shown = subprocess.run(["bash", "-c", found["command"]], cwd=folder, capture_output=True, text=True, timeout=60)
    line = json.loads(shown.stdout)
    call = json.loads(run.stdout)["calls"][0]["ids"]
    assert (line["level"], line["method"], line["sip_call_id"]) == ("warn", "BYE", call["call_id_twilio"])
    assert line["peer"].startswith("127.0.0.1:") and line["answered"] == "481" and "exactly one replica" in line["remedy"]
    # The first has the call and heard of its end by the caller alone; the second never had one.
    assert '"message":"call summary"' in read(folder, "gateway.log") and "not here" not in read(folder, "gateway.log")
    assert '"message":"call summary"' not in read(folder, "gateway-2.log")


def test_a_second_replica_that_takes_twilio_for_a_stranger_is_found_as_well(tmp_path):
    folder = tmp_path / "run"
    run = simulate("--fault", "second-replica", "--fault", "bye-on-new-connection", "--json", "--out", str(folder))
    found = json.loads(run.stdout)["conclusion"]
    assert (run.returncode, found["component"]) == (1, "gateway, a second replica"), found
    assert found["cause"].startswith("Twilio's BYE was not answered by a gateway that does not have the call (gateway-2.log), and WhatsApp's side")
    shown = subprocess.run(["bash", "-c", found["command"]], cwd=folder, capture_output=True, text=True, timeout=60)
    line = json.loads(shown.stdout)
    assert (line["peer"].split(":")[0], line["answered"]) == ("54.172.60.1", "nothing")


def test_the_bye_of_twilio_passes_whoever_may_call(runs):
    _, folder = runs["bye-on-new-connection"]
    trace = [json.loads(line) for line in read(folder, "gateway-trace.jsonl").splitlines()]
    came = {(message["peer"].split(":")[0], message["message"].split()[0]) for message in trace if message["direction"] == "received"}
    assert {("157.240.0.1", "INVITE"), ("54.172.60.1", "BYE")} <= came
    assert ("54.172.60.1", "INVITE") not in came


def test_a_frozen_serve_costs_the_call_what_twilio_waits(runs):
    run, folder = runs["slow-voice-webhook"]
    found = json.loads(run.stdout)["conclusion"]
    assert re.fullmatch(r"the caller heard ringing for [2-9]\.\d s, then the call failed \(SIP 503 after \d+\.\d s\)", found["caller"]), found["caller"]
    # It was thawed again, and left in order.
    assert '"message":"stopped"' in read(folder, "serve.log"), read(folder, "serve.log")


def words_as_kept() -> dict[str, str]:
    text = (ROOT / "tests" / "e2e" / "simulate_words.txt").read_text(encoding="utf-8")
    sections = re.split(r"^=== (\S+)\n", text, flags=re.MULTILINE)
    return dict(zip(sections[1::2], sections[2::2]))


@pytest.mark.parametrize("name", sorted(FAILED | BORNE))
def test_the_first_five_lines_say_it_all(runs, name):
    """What the caller heard, which part, the cause, the fix, and what shows it. Kept as a person reads it: who changes a word sees it here."""
    run, folder = runs[name]
    lines = read(folder, "verdict.txt").splitlines()[:5]
    assert [line.split(":")[0] for line in lines] == ["failed" if name in FAILED else "good", "where", "cause", "fix", "shown"]
    kept = words_as_kept()
    assert console.without_measures("\n".join(lines)) + "\n" == kept[name].rstrip("\n") + "\n"
    assert set(kept) == set(FAILED) | set(BORNE)


def test_the_verdict_that_is_kept_is_what_is_printed(tmp_path):
    run = simulate("--fault", "wrong-secret", "--out", str(tmp_path / "run"))
    assert run.returncode == 1 and run.stdout == read(tmp_path / "run", "verdict.txt")


@pytest.mark.parametrize("name", sorted(FAILED | BORNE))
def test_every_picture_can_be_read(runs, name):
    _, folder = runs[name]
    assert xml.dom.minidom.parse(str(folder / "call.svg")).documentElement.tagName == "svg"
    assert read(folder, "call.mmd").startswith("sequenceDiagram\n")
    assert not SCHEMAS.check_output(read(folder, "timeline.json").encode(), b"")


def test_the_readme_opens_with_what_it_prints(runs):
    (step,) = console.steps_of(console.blocks_of((ROOT / "README.md").read_text(encoding="utf-8"), "console")[0].splitlines())
    assert step.command == "callchain simulate call --fault wrong-secret"
    _, folder = runs["wrong-secret"]
    assert console.is_shown_by(step.output, read(folder, "verdict.txt")), read(folder, "verdict.txt")
    picture = (ROOT / "docs" / "pictures" / "wrong-secret.svg").read_text()
    shape = re.compile(r">[^<>]*</text>")
    assert {text for text in shape.findall(picture) if " s<" not in text} <= {text for text in shape.findall(read(folder, "call.svg"))} | {
        text for text in shape.findall(picture) if "127.0.0.1" in text}


def test_a_chain_that_begins_at_twilio_is_broken_as_well(tmp_path):
    run = simulate("--without", "gateway", "--fault", "killed-service", "--talk", "1.5", "--json", "--out", str(tmp_path / "run"))
    assert run.returncode == 0, run.stdout
    assert [one["code"] for one in json.loads(run.stdout)["borne"]] == ["exit 137"]


def test_whoever_reads_its_first_line_alone_hears_no_complaint(tmp_path):
    command = f'"{os.environ["CALLCHAIN"]}" simulate call --calls 2 --talk 0.1 --json --out "{tmp_path / "run"}" | head -n 1'
    run = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=SECONDS)
    assert (run.stdout, run.stderr) == ("{\n", "")


def test_two_faults_can_be_asked_for(tmp_path):
    run = simulate("--fault", "quoted-secret", "--fault", "dtls-offer", "--json", "--out", str(tmp_path / "run"))
    document = json.loads(run.stdout)
    assert (run.returncode, document["conclusion"]["code"]) == (1, "sdp_dtls_offer")


def test_no_secret_of_the_run_is_printed(tmp_path):
    folder = tmp_path / "run"
    run = simulate("--fault", "wrong-secret", "--talk", "0.2", "-v", "--out", str(folder))
    printed = run.stdout + run.stderr + "".join(read(folder, name) for name in ("serve.log", "gateway.log", "timeline.json", "call.mmd", "call.svg"))
    for name in ("serve.secret", "endpoint.secret"):
        secret = read(folder, name).strip()
        assert len(secret) == 50 and secret not in printed and secret.removeprefix("whsec_") not in printed
        assert (folder / name).stat().st_mode & 0o077 == 0


# Bad input, and ends that come from outside


@pytest.mark.parametrize(("arguments", "hint"), [
    (["--fault", "wrong-secert"], "did you mean wrong-secret?"),
    (["--fault", "please help"], "--list-faults"),
    (["--fault", "dtls-offer", "--without", "gateway"], "leave --without gateway out"),
    (["--without", "twilio"], ""),
    (["--calls", "0"], ""),
    (["--rate", "nan"], ""),
    (["--talk", "-1"], ""),
])
def test_what_cannot_be_done_is_refused_before_anything_starts(tmp_path, arguments, hint):
    run = simulate(*arguments, "--out", str(tmp_path / "run"))
    assert run.returncode == 2 and hint in run.stderr, run.stderr
    assert not (tmp_path / "run").exists() and not run.stdout


def test_a_folder_with_files_in_it_is_left_alone(tmp_path):
    (tmp_path / "mine").write_text("x")
    run = simulate("--out", str(tmp_path))
    assert run.returncode == 2 and "is not empty" in run.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    run = simulate("--out", str(tmp_path / "file" / "run"))
    assert run.returncode == 2 and "cannot make" in run.stderr


@pytest.fixture
def small_disk(tmp_path):
    """128 KiB, as a file system of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(folder)], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"only who may mount can make a small disk: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_without_room_is_told_and_costs_neither_the_verdict_nor_a_process(small_disk):
    folder = small_disk / "run"
    before = set(children(os.getpid()))
    run = simulate("--calls", "20", "--fault", "wrong-secret", "--out", str(folder))
    assert run.returncode == 2, run.stdout + run.stderr
    assert run.stdout.startswith("failed: 20 of 20 calls, such as this: the caller heard ringing for ") and "\ncause:  " in run.stdout
    assert "is there room on that disk?" in run.stderr
    assert set(children(os.getpid())) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_everything(tmp_path, number):
    process = subprocess.Popen([os.environ["CALLCHAIN"], "simulate", "call", "--talk", "60", "--out", str(tmp_path / "run")],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 60
    while "call" not in (read(tmp_path / "run", "gateway.log") if (tmp_path / "run" / "gateway.log").exists() else ""):
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.05)
    left = children(process.pid)
    assert len(left) == 2, "gateway run and serve"
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and "interrupted" in errors
    assert all(is_free(pid) for pid in left)


def test_an_interrupt_ends_what_is_frozen_and_a_second_replica(tmp_path):
    faults = ["--fault", "slow-voice-webhook", "--fault", "second-replica"]
    process = subprocess.Popen([os.environ["CALLCHAIN"], "simulate", "call", *faults, "--out", str(tmp_path / "run")],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 60
    while '"message":"call"' not in (read(tmp_path / "run", "gateway.log") if (tmp_path / "run" / "gateway.log").exists() else ""):
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.05)
    left = children(process.pid)
    assert len(left) == 3, "two of gateway run, and serve"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and "interrupted" in errors
    assert all(is_free(pid) for pid in left)


def test_its_processes_do_not_outlive_it(tmp_path):
    process = subprocess.Popen([os.environ["CALLCHAIN"], "simulate", "call", "--talk", "60", "--out", str(tmp_path / "run")],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while len(left := children(process.pid)) < 2:
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait(10)
    while not all(is_free(pid) for pid in left):
        assert time.monotonic() < end, left
        time.sleep(0.05)
