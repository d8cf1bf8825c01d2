"""replay-webhook: what a receiver answers, or does not, and what is made of it: exit codes, reports, comparison, progress."""

import os
import pty
import re
import select
import signal
import subprocess
import time
import xml.etree.ElementTree

import pytest

from conftest import TIMEOUT_SECONDS, stop
from receivers import (GARBAGE, HALF_A_HEAD, HALF_AN_ANSWER, NOTHING, Receiver, always, checks, endless, hangs, hostile, in_turn,
                       make_certificates, says, slow)
from replay_runs import BODY, Replay, assert_printable, closed_port, no_secret_in
from serve_process import OTHER_SECRET, SECRET


@pytest.fixture
def replay(callchain):
    return Replay(callchain)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("tls"))


def answered(replay, behaviour, *args: str, **variables: str):
    """The outcome of one delivery to a receiver of that behaviour."""
    with Receiver(behaviour) as receiver:
        return replay(replay.capture(), "--to", receiver.url, *args, **variables)


# The answer


def test_status_time_and_answer_are_shown(replay):
    done = answered(replay, always(202, "Olá\nsecond line\n".encode(), content_type="text/plain; charset=utf-8"))
    assert done.code == 0
    assert re.search(r"^  202 Accepted, [\d,]+ ms, text/plain; charset=utf-8, 17 bytes$", done.out, re.MULTILINE)
    assert "  | Olá\n  | second line\n" in done.out


def test_an_answer_is_shown_up_to_a_limit(replay):
    body = b"".join(b"%05d" % number for number in range(1_000))
    for args, count in (([], 500), (["--show-bytes", "0"], 0), (["--show-bytes", "5"], 5), (["--show-bytes", "4999"], 4_999),
                        (["--show-bytes", "5000"], 5_000)):
        done = answered(replay, always(200, body), *args)
        assert "5,000 bytes" in done.out
        shown = "".join(line[4:] for line in done.out.splitlines() if line.startswith("  | ") and "…" not in line)
        assert shown == body[:count].decode(), args
        assert ("the rest is not shown" in done.out) == (0 < count < 5_000)
        [delivery] = answered(replay, always(200, body), *args, "--json").json()["deliveries"]
        assert delivery["answer"] == {"length": 5_000, "cut": count < 5_000, "text": body[:count].decode()}


def test_control_characters_of_an_answer_are_visible(replay):
    done = answered(replay, hostile(400))
    assert done.code == 1  # and what Replay checks of any output
    for shown in (r"\x1b[2J", r"\x1b[31mred", r"\x00\x08\x7f", r"\xff"):
        assert shown.lower() in done.out.lower(), shown
    assert "::error::x" in done.out  # as text, behind a bar
    assert not [line for line in done.out.splitlines() if line.lstrip().startswith(("::", "##["))]
    document = answered(replay, hostile(400), "--json").json()
    assert "::error::x" in document["deliveries"][0]["answer"]["text"]


@pytest.mark.parametrize("place", [0, 480, 495, 499, 500, 501])
def test_a_secret_in_an_answer_is_withheld_wherever_it_stands(replay, place):
    for secret in (SECRET, OTHER_SECRET):
        done = answered(replay, always(200, b"." * place + secret.encode() + b"..."))
        assert secret[:20] not in done.out


@pytest.mark.parametrize("secret", ["correct horse battery staple", SECRET.removeprefix("whsec_"), f'"{SECRET}"'],
                         ids=["a text", "base64 alone", "in quotes"])
def test_a_secret_of_another_form_is_withheld_as_well(replay, secret):
    done = answered(replay, always(200, f"<{secret}>".encode()), OPENAI_WEBHOOK_SECRET=secret)
    assert done.code in (0, 2) and secret not in done.out + done.err


def test_the_key_without_its_prefix_is_withheld_as_well(replay):
    done = answered(replay, always(200, SECRET.removeprefix("whsec_").encode()))
    assert done.code == 0  # and what Replay checks of any output


@pytest.mark.parametrize("how", [[], ["--json"], ["--report", "junit=report.xml"], ["--report", "github"], ["--matrix"], ["--matrix", "--json"],
                                 ["--compare"], ["--compare", "--json"]], ids=" ".join)
@pytest.mark.parametrize("secret", [SECRET, "correct-horse-battery-staple"], ids=["whsec", "without prefix"])
def test_a_secret_in_a_header_of_an_answer_is_withheld_as_well(replay, how, secret):
    behaviour = always(302, secret.encode(), location=f"http://192.0.2.1/?secret={secret}", content_type=secret)
    with Receiver(behaviour) as receiver, Receiver(behaviour) as other:
        args = [part for word in how for part in ([word, other.url] if word == "--compare" else [word])]
        done = replay(*([] if "--matrix" in how else [replay.capture()]), "--to", receiver.url, *args, OPENAI_WEBHOOK_SECRET=secret)
    report = replay.folder / "report.xml"
    assert secret not in done.out + done.err + (report.read_text() if report.exists() else "")


@pytest.mark.parametrize(("status", "expect", "code"), [
    (200, None, 0), (204, None, 0), (299, None, 0), (400, None, 1), (500, None, 1), (302, None, 1), (200, "200", 0), (201, "200", 1),
    (401, "4xx", 0), (401, "4XX", 0), (401, "400,401", 0), (403, "400,401", 1), (503, "5xx", 0), (302, "3xx", 0), (200, "4xx", 1),
    (599, "5xx", 0),
])
def test_expected_statuses(replay, status, expect, code):
    done = answered(replay, always(status), *(["--expect", expect] if expect else []), "--json")
    assert done.code == code
    assert (done.json()["deliveries"][0]["status"], done.json()["deliveries"][0]["expected"]) == (status, code == 0)
    assert done.json()["expect"] == (expect or "2xx")


@pytest.mark.parametrize(("status", "word"), [
    (301, "OpenAI does not follow it"), (307, "OpenAI does not follow it"), (404, "no such path"), (405, "POST"), (429, "--rate"),
    (500, "72 hours"), (401, "another secret"),
])
def test_what_an_answer_means_is_said(replay, status, word):
    done = answered(replay, always(status))
    assert done.code == 1 and "hint: " in done.err and word in done.err


def test_a_redirect_is_named_and_not_followed(replay):
    with Receiver(always(200)) as elsewhere:
        done = answered(replay, always(308, location=elsewhere.url))
        assert not elsewhere.connections
        assert done.code == 1
        assert "308 Permanent Redirect" in done.out and f"to {elsewhere.url} (not followed)" in done.out
        [delivery] = answered(replay, always(308, location=elsewhere.url), "--json").json()["deliveries"]
        assert delivery["location"] == elsewhere.url


def test_an_endless_answer_is_not_waited_for(replay):
    begin = time.monotonic()
    done = answered(replay, endless, "--json")
    assert done.code == 0 and time.monotonic() - begin < 30
    answer = done.json()["deliveries"][0]["answer"]
    assert answer["cut"] and len(answer["text"]) == 500 and answer["length"] <= 1 << 20
    assert "more than" in answered(replay, endless).out


def test_an_odd_status_is_an_answer(replay):
    done = answered(replay, says(b"HTTP/1.1 799 Odd\r\nContent-Length: 0\r\n\r\n"))
    assert done.code == 1 and "799" in done.out


# No answer


def failure_of(done) -> dict:
    assert done.code == 6, done.out + done.err
    [delivery] = done.json()["deliveries"]
    assert delivery["status"] is None
    return delivery["failure"]


@pytest.mark.parametrize(("behaviour", "kind"), [
    (hangs, "timeout"), (GARBAGE, "broken"), (HALF_AN_ANSWER, "broken"), (HALF_A_HEAD, "broken"), (NOTHING, "broken"),
    (says(b"\x00" * 1_000), "broken"), (says(b"220 mail.example.com ESMTP\r\n"), "broken"), (says(b"ok"), "broken"),
    (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nok"), "broken"),
    (says(b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 100_000 + b"\r\n"), "broken"),
    (says(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n"), "broken"),
], ids=["hangs", "garbage", "half an answer", "half a head", "nothing", "NULs", "another protocol", "HTTP/0.9", "half a chunk",
        "many headers", "a long header"])
def test_a_receiver_that_does_not_answer(replay, behaviour, kind):
    failure = failure_of(answered(replay, behaviour, "--timeout", "1", "--json"))
    assert failure["kind"] == kind
    done = answered(replay, behaviour, "--timeout", "1")
    assert done.code == 6 and "no answer: " in done.out and "hint:" in done.err
    assert "127.0.0.1" in done.out and "memory" not in done.out


def test_a_closed_port(replay):
    url = f"http://127.0.0.1:{closed_port()}/"
    assert failure_of(replay(replay.capture(), "--to", url, "--json"))["kind"] == "connect"
    assert "running" in replay(replay.capture(), "--to", url).err


def test_a_host_that_does_not_resolve(replay):
    assert failure_of(replay(replay.capture(), "--to", "http://receiver.invalid/", "--json"))["kind"] == "resolve"
    done = replay(replay.capture(), "--to", "http://receiver.invalid/")
    assert "receiver.invalid" in done.out and "spelling" in done.err


@pytest.mark.parametrize(("name", "trusted", "cause", "word"), [
    ("expired", "expired", "expired", "expired"),
    ("right", None, "self_signed", "--ca-file"),
    ("wrong_name", "wrong_name", "host_name", "names"),
    ("unknown_issuer", None, "unknown_issuer", "chain"),
])
def test_an_error_of_tls_is_named_by_its_cause(replay, certificates, name, trusted, cause, word):
    trust = ["--ca-file", str(certificates[trusted][0])] if trusted else []
    with Receiver(always(200), tls=certificates[name]) as receiver:
        failure = failure_of(replay(replay.capture(), "--to", receiver.url, *trust, "--json"))
        assert (failure["kind"], failure["tls_cause"]) == ("tls", cause)
        done = replay(replay.capture(), "--to", receiver.url, *trust)
        assert done.code == 6 and word in done.err
        assert not receiver.requests


def test_plain_http_on_an_https_url_is_named(replay):
    with Receiver(always(200)) as receiver:
        url = receiver.url.replace("http:", "https:")
        failure = failure_of(replay(replay.capture(), "--to", url, "--json"))
        assert (failure["kind"], failure["tls_cause"]) == ("tls", "not_tls")
        assert "http://" in replay(replay.capture(), "--to", url).err


def test_tls_behind_an_http_url_is_no_answer(replay, certificates):
    with Receiver(always(200), tls=certificates["right"]) as receiver:
        done = replay(replay.capture(), "--to", receiver.url.replace("https:", "http:"))
    assert done.code == 6 and "no answer" in done.out


def test_tls_with_a_certificate_that_is_trusted(replay, certificates):
    with Receiver(checks(), tls=certificates["right"]) as receiver:
        assert replay(replay.capture(), "--to", receiver.url, "--ca-file", str(certificates["right"][0])).code == 0
        assert receiver.requests[0].body == BODY
    with Receiver(checks(), tls=certificates["unknown_issuer"]) as receiver:
        assert replay(replay.capture(), "--to", receiver.url, "--ca-file", str(certificates["authority"][0])).code == 0


def test_a_failure_among_many_is_told(replay):
    with Receiver(in_turn(always(200), always(500), says(), always(200))) as receiver:
        done = replay(replay.capture(), "--to", receiver.url, "--repeat", "30")
    assert done.code == 6
    assert "28 times 200, 1 times 500, 1 times no answer" in done.out
    assert done.out.count("expected 2xx") == 2  # what went right is not shown one by one


# The end


def test_ctrl_c_ends_it_with_what_is_known(replay, callchain):
    name = replay.capture()
    with Receiver(slow(0.05)) as receiver:
        process = callchain.start("replay-webhook", name, "--to", receiver.url, "--repeat", "10000", "--json", OPENAI_WEBHOOK_SECRET=SECRET)
        assert receiver.wait_for(3)
        done = stop(process, signal.SIGINT)
    assert done.code == 130
    assert done.json()["summary"]["ended_early"] == "interrupted"
    assert done.json()["summary"]["answered"] >= 2


@pytest.mark.parametrize("mode", [[], ["--matrix"], ["--compare", "http://127.0.0.1:1/"]], ids=["one", "matrix", "compare"])
def test_ctrl_c_while_a_receiver_hangs(replay, callchain, mode):
    name = replay.capture()
    with Receiver(hangs) as receiver:
        process = callchain.start("replay-webhook", name, "--to", receiver.url, "--timeout", "600", *mode, OPENAI_WEBHOOK_SECRET=SECRET)
        assert receiver.wait_for(1)
        begin = time.monotonic()
        assert stop(process, signal.SIGINT).code == 130
        assert time.monotonic() - begin < 30


# --compare


@pytest.mark.parametrize(("a", "b", "code", "words"), [
    (checks(), checks(bad=400), 0, ["SAME", "they hold the same secret"]),
    (checks(), checks(secrets=(OTHER_SECRET,)), 1, ["DIFFERENT", "B does not hold this secret", "receiver_refuses_everything"]),
    (checks(secrets=(OTHER_SECRET,)), checks(secrets=(OTHER_SECRET,)), 0, ["SAME", "neither holds this secret"]),
    (checks(), always(200), 1, ["DIFFERENT", "receiver_accepts_wrong_secret", "a secret that nobody has"]),
    (checks(), always(302, location="http://192.0.2.1/"), 1, ["receiver_redirects"]),
    (checks(), always(500), 1, ["receiver_fails"]),
    (checks(), GARBAGE, 6, ["receiver_silent"]),
], ids=["same", "other secret", "neither", "accepts all", "redirects", "fails", "silent"])
def test_two_receivers_side_by_side(replay, a, b, code, words):
    with Receiver(a) as first, Receiver(b) as second:
        done = replay(replay.capture(), "--to", first.url, "--compare", second.url)
        document = replay(replay.capture(), "--to", first.url, "--compare", second.url, "--json").json()
    assert done.code == code, done.out + done.err
    for word in words:
        assert word in " ".join(done.out.split()), done.out
    assert document["same"] == (code == 0) and document["sentences"]
    for one, other in zip(first.requests, second.requests):
        assert (one.body, one.header("webhook-id"), one.header("webhook-signature")) == (
            other.body, other.header("webhook-id"), other.header("webhook-signature"))


def test_compare_finds_out_who_holds_which_secret(replay):
    with Receiver(checks()) as first, Receiver(checks(secrets=(OTHER_SECRET,))) as second:
        done = replay(replay.capture(), "--to", first.url, "--compare", second.url, "--secret-env", "railway=A", "--secret-env", "local=B",
                      A=SECRET, B=OTHER_SECRET)
    assert done.code == 1
    assert "receiver_secrets_differ" in done.out
    assert 'A accepts what "railway" signed and refuses "local"; B the other way round' in " ".join(done.out.split())


def test_compare_shows_where_the_answers_part(replay):
    with Receiver(always(401, b"no: bad signature")) as first, Receiver(always(401, b"no: too old")) as second:
        done = replay(replay.capture(), "--to", first.url, "--compare", second.url, "--as-is", OPENAI_WEBHOOK_SECRET="")
    assert "part at byte 4" in done.out
    assert "no: bad signature" in done.out and "no: too old" in done.out
    assert [len(receiver.requests) for receiver in (first, second)] == [2, 2]


# Reports


def runner_commands(text: str) -> list[str]:
    """The workflow commands that GitHub's runner would carry out of a log.
    Source: actions/runner, ActionCommand.cs and ActionCommandManager.cs: `::name` at the start of a line, `##[name]` anywhere."""
    known = {"error", "warning", "notice", "add-mask", "set-output", "set-env", "add-path", "debug", "group", "endgroup", "stop-commands",
             "save-state", "add-matcher", "echo"}
    found, stopped = [], ""
    for line in re.split(r"\r\n|\r|\n", text):
        match = re.match(r"\s*::([^:\s]+)(?: [^:]*)?::", line) or re.search(r"##\[([^\] ]+)[^\]]*\]", line)
        name = match and match[1].lower()
        if stopped:
            stopped = "" if name == stopped else stopped
        elif name == "stop-commands":
            stopped = line.partition("::stop-commands::")[2].strip().lower()
        elif name in known:
            found.append(line)
    assert not stopped, "commands stay stopped for the steps to come"
    return found


def test_junit(replay):
    with Receiver(in_turn(always(200), hostile(403), GARBAGE)) as receiver:
        done = replay(replay.capture(), "--to", receiver.url, "--repeat", "3", "--report", "junit=report.xml")
    assert done.code == 6
    data = (replay.folder / "report.xml").read_bytes()
    no_secret_in(data.decode())
    assert_printable(data.decode())
    root = xml.etree.ElementTree.fromstring(data)
    [suite] = root.iter("testsuite")
    assert (suite.get("tests"), suite.get("failures")) == ("3", "2")
    cases = list(suite.iter("testcase"))
    assert [case.find("failure") is not None for case in cases] == [False, True, True]
    assert all(float(case.get("time")) >= 0 for case in cases)
    assert "::error::x" in cases[1].find("failure").text and "<script>" in cases[1].find("failure").text


def test_junit_where_it_cannot_be_written(replay):
    with Receiver(always(200)) as receiver:
        done = replay(replay.capture(), "--to", receiver.url, "--report", "junit=nowhere/report.xml")
    assert done.code == 2 and "nowhere/report.xml" in done.err and receiver.requests == []


def test_junit_of_a_receiver_that_is_not_there(replay):
    (replay.folder / "report.xml").write_text("of yesterday, and green")
    assert replay("--matrix", "--to", "http://127.0.0.1:1/", "--report", "junit=report.xml").code == 6
    suites = xml.etree.ElementTree.fromstring((replay.folder / "report.xml").read_text())
    assert int(suites.get("failures")) == 1


SLASHED = "whsec_" + "ab/c+dEFgh12IJkl34MNop56/QRst78+UVwx90YZabcd"


@pytest.mark.parametrize("written", [
    SLASHED.replace("/", "\\/"), SLASHED.replace("/", "%2F").replace("+", "%2b"), SLASHED.replace("/", "&#x2F;"),
    SLASHED.replace("/", "_").replace("+", "-"), SLASHED[6:], SLASHED[6:30], SLASHED[6:] * 16])
@pytest.mark.parametrize("how", [[], ["--as-is"]])
def test_a_secret_in_an_answer_is_withheld_however_it_is_written(replay, written, how):
    with Receiver(always(200, f'{{"secret":"{written}"}}'.encode())) as receiver:
        for more in ([], ["--json"]):
            done = replay(replay.capture(), "--to", receiver.url, *how, *more, OPENAI_WEBHOOK_SECRET=SLASHED)
            assert done.code == 0 and "[withheld]" in done.out
            assert not any(written[at:at + 12] in done.out for at in range(len(written) - 11)), done.out


def test_compare_says_so_when_not_all_was_sent(replay):
    with Receiver(slow(0.6)) as a, Receiver(slow(0.6)) as b:
        done = replay(replay.capture(), "--to", a.url, "--compare", b.url, "--max-time", "1")
    assert done.code == 6 and "NOT ALL WAS SENT" in done.out and "same secret" not in done.out


def test_compare_reports_what_it_decides(replay):
    with Receiver(always(500)) as a, Receiver(always(500)) as b:
        done = replay(replay.capture(), "--to", a.url, "--compare", b.url, "--report", "junit=report.xml")
    assert done.code == 1 and "NOT DECIDED" in done.out
    assert int(xml.etree.ElementTree.fromstring((replay.folder / "report.xml").read_text()).get("failures")) == 2


def test_bodies_that_differ_behind_what_is_shown_are_told_apart(replay):
    with Receiver(always(200, b"A" * 900 + b"X")) as a, Receiver(always(200, b"A" * 900 + b"Y")) as b:
        done = replay(replay.capture(), "--to", a.url, "--compare", b.url, "--show-bytes", "20")
    assert "differ behind what is shown" in done.out and "the same answer body" not in done.out


def github(replay, behaviour, *args: str):
    summary = replay.folder / "summary.md"
    summary.write_text("# of an earlier step\n")
    done = answered(replay, behaviour, "--report", "github", *args, GITHUB_STEP_SUMMARY=str(summary), GITHUB_ACTIONS="true")
    return done, summary.read_text()


def test_github_annotations_and_summary(replay):
    done, summary = github(replay, always(401, b"no"))
    assert done.code == 1
    [command] = runner_commands(done.out + done.err)
    assert re.match(r"::error title=[^:,]*::", command) and "401" in command
    assert summary.startswith("# of an earlier step\n") and "401" in summary and "|" in summary
    done, summary = github(replay, always(200))
    assert done.code == 0 and runner_commands(done.out + done.err) == []
    assert "200" in summary


@pytest.mark.parametrize("json_asked", [[], ["--json"]])
def test_what_a_receiver_answers_is_no_command_to_github(replay, json_asked):
    done, summary = github(replay, hostile(403), *json_asked)
    assert done.code == 1
    [command] = runner_commands(done.out + done.err)
    assert command.startswith("::error ") and "403" in command
    no_secret_in(summary)
    assert_printable(summary)
    for markup in ("<script", "[link](https", "@everyone"):
        assert markup not in summary.replace("\\", ""), markup


def test_a_log_of_github_is_fenced_without_a_report_as_well(replay):
    done = answered(replay, hostile(403), GITHUB_ACTIONS="true")
    assert runner_commands(done.out + done.err) == []


def test_no_summary_is_said(replay):
    done = answered(replay, always(200), "--report", "github")
    assert done.code == 0 and "GITHUB_STEP_SUMMARY" in done.err


def test_annotations_are_bounded(replay):
    with Receiver(always(500)) as receiver:
        done = replay(replay.capture(), "--to", receiver.url, "--repeat", "40", "--report", "github")
    assert 1 < len(runner_commands(done.out)) <= 11


def test_several_reports_at_once(replay):
    done, summary = github(replay, always(200), "--report", "junit=a.xml", "--report", "junit=b.xml")
    assert done.code == 0 and summary
    assert (replay.folder / "a.xml").read_bytes() and (replay.folder / "b.xml").read_bytes()


# Progress


def run_on_terminal(program, *args: str, **variables: str) -> tuple[int, str, str]:
    """(exit code, stdout, what the terminal got): stderr is a terminal, stdout a pipe."""
    master, slave = pty.openpty()
    environment = {**program.environment, "OPENAI_WEBHOOK_SECRET": SECRET, "TERM": "xterm", **variables}
    process = subprocess.Popen([program.path, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=slave, cwd=program.folder,
                               env=environment)
    os.close(slave)
    seen = b""
    try:
        while select.select([master], [], [], TIMEOUT_SECONDS)[0]:
            try:
                piece = os.read(master, 65_536)
            except OSError:  # the other end is closed
                break
            seen += piece
    finally:
        os.close(master)
    out, _ = process.communicate(timeout=TIMEOUT_SECONDS)
    return process.returncode, out.decode(), seen.decode()


LONG = ["--repeat", "15"]  # to a receiver that takes 0.1 s for each


def test_progress_shows_on_a_terminal(replay, callchain):
    name = replay.capture()
    with Receiver(slow(0.1)) as receiver:
        code, out, seen = run_on_terminal(callchain, "replay-webhook", name, "--to", receiver.url, *LONG)
    assert code == 0
    assert re.search(r"\d+ of 15 answered", seen)
    assert seen.endswith("\r\x1b[K"), repr(seen[-80:])  # nothing of it stays
    assert "answered" not in out and "\x1b" not in out
    no_secret_in(seen)


@pytest.mark.parametrize("how", [["TERM=dumb"], ["-q"]])
def test_progress_is_silent_where_it_would_disturb(replay, callchain, how):
    variables = dict(word.split("=") for word in how if "=" in word)
    name = replay.capture()
    with Receiver(slow(0.1)) as receiver:
        code, _, seen = run_on_terminal(callchain, "replay-webhook", name, "--to", receiver.url, *LONG,
                                        *(word for word in how if "=" not in word), **variables)
    assert code == 0 and "answered" not in seen and "\x1b" not in seen


def test_a_short_run_has_no_progress_line(replay, callchain):
    name = replay.capture()
    with Receiver(always(200)) as receiver:
        assert run_on_terminal(callchain, "replay-webhook", name, "--to", receiver.url)[2] == ""


def test_progress_of_the_matrix(replay, callchain):
    with Receiver(slow(0.1)) as receiver:
        code, _, seen = run_on_terminal(callchain, "replay-webhook", "--matrix", "--to", receiver.url)
    assert code == 1 and re.search(r"\d+ of \d+ answered", seen)


def test_colour_is_for_terminals(replay, callchain):
    done = answered(replay, always(200))
    assert "\x1b" not in done.out
    with Receiver(always(200)) as receiver:
        done = callchain.run("replay-webhook", replay.capture(), "--to", receiver.url, "--color", "always", OPENAI_WEBHOOK_SECRET=SECRET)
    assert "\x1b[" in done.out
