"""deploy/github-action: its steps run here as a runner of GitHub's runs them, against receivers of every kind.

Source: GitHub, "Metadata syntax" (composite actions), "Workflow commands", and the runner's problem matchers.
"""

import hashlib
import json
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from receivers import Receiver, always, checks
from replay_runs import ROOT, no_secret_in
from serve_process import SECRET

FOLDER = ROOT / "deploy/github-action"
ACTION = yaml.safe_load((FOLDER / "action.yml").read_text(encoding="utf-8"))
EXPRESSION = re.compile(r"\$\{\{\s*(.+?)\s*\}\}")
GOOD = '<?xml version="1.0" encoding="UTF-8"?>\n<Response><Reject/></Response>\n'


@dataclass
class Job:
    """What a job saw of the action."""

    codes: dict[str, int] = field(default_factory=dict)  # of each step that ran, by its name
    log: str = ""
    summary: str = ""
    outputs: dict[str, str] = field(default_factory=dict)


class Runner:
    """As much of GitHub's runner as the action uses; what it does not know makes a test fail."""

    def __init__(self, callchain, folder: Path):
        self.folder = folder
        (folder / "bin").mkdir()
        (folder / "bin/callchain").symlink_to(callchain.path)
        self.environment = {**callchain.environment, "PATH": f"{folder}/bin:/usr/sbin:/usr/bin:/sbin:/bin", "GITHUB_ACTIONS": "true",
                            "GITHUB_ACTION_PATH": str(FOLDER), "CI": "true"}

    def wants(self, condition: str, inputs: dict[str, str], failed: bool) -> bool:
        """GitHub adds success() where no function of that kind stands in a condition."""
        text = EXPRESSION.fullmatch(condition)[1]
        if "cancelled()" not in text and failed:
            return False
        parts = [part.strip() for part in text.replace("!cancelled()", "'x' != ''").split("&&")]
        for part in parts:
            left, right = re.fullmatch(r"(\S+) != (\S+)", part).groups()
            value = inputs[left.removeprefix("inputs.")] if left.startswith("inputs.") else left.strip("'")
            if value == right.strip("'"):
                return False
        return True

    def __call__(self, environment: dict[str, str] | None = None, **given: str) -> Job:
        inputs = {name: about.get("default", "") for name, about in ACTION["inputs"].items()}
        given = {name.replace("_", "-"): value for name, value in given.items()}
        assert set(given) <= set(inputs)
        inputs |= given
        job, steps = Job(), {}
        for step in ACTION["runs"]["steps"]:
            if not self.wants(step["if"], inputs, any(job.codes.values())):
                continue
            output, summary = self.folder / f"output{len(job.codes)}", self.folder / f"summary{len(job.codes)}"
            output.touch()
            summary.touch()
            variables = {name: EXPRESSION.sub(lambda found: inputs[found[1].removeprefix("inputs.")], value) for name, value in step["env"].items()}
            assert step["shell"] == "bash" and not EXPRESSION.search(step["run"])
            done = subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]], cwd=self.folder, capture_output=True, text=True,
                                  timeout=120, check=False, stdin=subprocess.DEVNULL,
                                  env={**self.environment, **variables, "GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary), **(environment or {})})
            job.codes[step["name"]] = done.returncode
            job.log += done.stdout + done.stderr
            job.summary += summary.read_text(encoding="utf-8")
            steps[step.get("id", "")] = dict(line.split("=", 1) for line in output.read_text(encoding="utf-8").splitlines())
        for name, about in ACTION["outputs"].items():
            _, step, _, key = EXPRESSION.fullmatch(about["value"])[1].split(".")
            job.outputs[name] = steps.get(step, {}).get(key, "")
        no_secret_in(job.log + job.summary + str(job.outputs))
        return job


@pytest.fixture
def run(callchain, tmp_path):
    (tmp_path / "good.twiml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "seed.twiml").write_bytes((ROOT / "samples/seed.twiml").read_bytes())
    return Runner(callchain, tmp_path)


def test_its_metadata_is_that_of_a_composite_action():
    assert set(ACTION) == {"name", "description", "inputs", "outputs", "runs"}
    assert ACTION["runs"]["using"] == "composite"
    for about in [*ACTION["inputs"].values(), *ACTION["outputs"].values()]:
        assert set(about) <= {"description", "default", "value", "required"} and about["description"]
    for step in ACTION["runs"]["steps"]:
        assert set(step) <= {"name", "id", "if", "shell", "env", "run"}, "no other action is used, and nothing is cached"
    assert not any(re.search("secret|token|key", name) for name in ACTION["inputs"] if name != "secret-env")


def test_its_script_is_one_that_shellcheck_takes():
    done = subprocess.run(["shellcheck", FOLDER / "steps.sh", ROOT / "deploy/image-files.sh", *(ROOT / "deploy/debian").glob("p[or]*")], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_an_honest_receiver_passes(run):
    with Receiver(checks()) as receiver:
        job = run({"OPENAI_WEBHOOK_SECRET": SECRET}, to_url=receiver.url)
    assert job.codes == {"Test the receiver": 0}, job.log
    assert job.outputs == {"receiver": "passed", "junit": "webhook-receiver.xml", "twiml": ""}
    assert "<testsuites" in (run.folder / "webhook-receiver.xml").read_text(encoding="utf-8")
    assert "tampered" in job.summary


def test_a_faulty_receiver_fails_with_annotations_and_the_documents_are_judged_all_the_same(run):
    with Receiver(always(200)) as receiver:
        job = run({"MY_SECRET": SECRET}, to_url=receiver.url, secret_env="MY_SECRET", junit="other.xml", matrix="full", twiml="good.twiml\n")
    assert job.codes == {"Test the receiver": 1, "Lint TwiML": 0}, job.log
    assert job.outputs == {"receiver": "failed", "junit": "other.xml", "twiml": "passed"}
    assert "::error " in job.log and "receiver_accepts_everything" in job.log
    assert "<failure" in (run.folder / "other.xml").read_text(encoding="utf-8")


def test_a_capture_is_what_the_deliveries_are_made_of(run):
    (run.folder / "mine.http").write_bytes((ROOT / "samples/valid-openai.http").read_bytes())
    with Receiver(checks()) as receiver:
        job = run({"OPENAI_WEBHOOK_SECRET": SECRET}, to_url=receiver.url, capture="mine.http")
        body = (run.folder / "mine.http").read_bytes().partition(b"\r\n\r\n")[2]
        assert any(request.body == body for request in receiver.requests)
    assert job.codes == {"Test the receiver": 0}, job.log


def test_each_finding_in_a_document_is_an_annotation_at_its_line(run):
    job = run(twiml="good.twiml\n\nseed.twiml\nnot-there.twiml")
    assert job.codes == {"Lint TwiML": 2} and job.outputs["twiml"] == "failed"
    assert "not-there.twiml" in job.log and "NOT OK: 1 error" in job.summary
    assert f"::add-matcher::{FOLDER}/twiml-matcher.json\n" in job.log
    (matcher,) = json.loads((FOLDER / "twiml-matcher.json").read_text(encoding="utf-8"))["problemMatcher"]
    (pattern,) = matcher["pattern"]
    found = [re.match(pattern["regexp"], line) for line in job.log.splitlines()]
    rows = [(match[pattern["file"]], int(match[pattern["line"]]), match[pattern["severity"]], match[pattern["code"]]) for match in found if match]
    assert rows[0] == ("seed.twiml", 3, "error", "twiml_caller_id_missing")
    assert [row[2] for row in rows] == ["error"] + ["warning"] * 5


def test_what_stands_in_a_document_is_no_command(run):
    (run.folder / "evil.twiml").write_text("<Response>\n::error::mine\n::set-output name=x::y\n<Nothing/></Response>\n", encoding="utf-8")
    job = run(twiml="evil.twiml")
    fence = re.search(r"^::stop-commands::(\w{32})$", job.log, re.MULTILINE)[1]
    before, _, rest = job.log.partition(f"::stop-commands::{fence}\n")
    _, _, after = rest.partition(f"::{fence}::\n")
    assert "mine" not in before + after and after == "::remove-matcher owner=callchain-twiml::\n"
    assert all(line.startswith(("    ", "## ")) or not line for line in job.summary.splitlines())


@pytest.mark.parametrize("given, variables, says", [
    ({"secret_env": SECRET}, {}, "the input secret-env is no name of a variable"),
    ({}, {}, "the variable OPENAI_WEBHOOK_SECRET is not set"),
    ({"junit": "a\nresult=passed"}, {"OPENAI_WEBHOOK_SECRET": SECRET}, "the input junit is no path"),
    ({}, {"OPENAI_WEBHOOK_SECRET": SECRET, "PATH": "/usr/bin:/bin"}, "there is no program callchain"),
])
def test_what_is_wrong_with_the_inputs_is_said(run, given, variables, says):
    job = run(variables, to_url="http://127.0.0.1:9/", **given)
    assert job.codes == {"Test the receiver": 2}
    assert f"::error title=callchain::{says}" in job.log and "\nhint: " in job.log
    assert job.outputs["receiver"] == ""


def test_a_package_is_installed_where_its_sum_is_right(run):
    """apt-get is a stand-in here; tests/fresh installs the real one."""
    apt = run.folder / "bin/apt-get"
    apt.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >>"{run.folder}/apt.log"\n', encoding="ascii")
    apt.chmod(0o755)
    sudo = run.folder / "bin/sudo"
    sudo.write_text('#!/bin/sh\nexec "$@"\n', encoding="ascii")
    sudo.chmod(0o755)
    (run.folder / "callchain.deb").write_bytes(b"a package")
    right = hashlib.sha256(b"a package").hexdigest()
    assert run(deb="callchain.deb", sha256=right).codes == {"Install callchain": 0}
    assert (run.folder / "apt.log").read_text(encoding="utf-8").splitlines()[-1].endswith(f" {run.folder}/callchain.deb")
    (run.folder / "apt.log").unlink()
    wrong = run(deb="callchain.deb", sha256=right[::-1], to_url="http://127.0.0.1:9/")
    assert wrong.codes == {"Install callchain": 2} and "another SHA-256" in wrong.log
    assert run(deb="nowhere.deb").codes == {"Install callchain": 2}
    assert not (run.folder / "apt.log").exists()
