"""accept-call, reject-call, refer-call, hangup-call, place-call and tail against stand-ins of their other sides."""

import json
import re
import signal
import socket

import pytest

import twilio_standin
from conftest import stop, wait_until
from openai_standin import DECIDED, NOT_FOUND, OpenAiStandin, Script, Sideband, error
from standin import Answer, Turns

NUMBER, SENDER = "+5561999998888", "+556133334444"


@pytest.fixture
def call(callchain, openai):
    """Runs a command against the stand-in, and sees to it that the key is never printed."""

    def run(command: str, call_id: str, *args: str, **variables: str):
        variables = {"OPENAI_API_KEY": openai.key, "OPENAI_BASE_URL": openai.base_url, **variables}
        done = callchain.run(command, call_id, *args, **variables)
        assert openai.key not in done.out + done.err
        return done

    return run


# accept-call


def test_accept_sends_the_body_of_its_flags(call, openai):
    done = call("accept-call", "rtc_1", "--voice", "marin", "--instructions", "Fale português.")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("accepted rtc_1 (realtime), ")
    [request] = openai.actions("rtc_1", "accept")
    assert request.json() == {"type": "realtime", "model": "gpt-realtime", "instructions": "Fale português.",
                              "audio": {"output": {"voice": "marin"}}}
    assert request.headers["content-type"] == "application/json"
    assert request.headers["authorization"] == f"Bearer {openai.key}"
    assert request.headers["user-agent"].startswith("callchain/")
    assert not openai.sidebands


def test_accept_of_live_wraps_the_session_and_says_so(call, openai):
    done = call("accept-call", "live_1", OPENAI_REALTIME_MODEL="gpt-realtime-2", OPENAI_REALTIME_VOICE="cedar")
    assert done.code == 0, done.err
    assert "Live" in done.err
    [request] = openai.actions("live_1", "accept")
    assert request.path == "/v1/live/sessions/live_1/accept"
    assert request.json() == {"session": {"type": "live", "model": "gpt-live-1"}}


def test_accept_sends_a_session_file_byte_for_byte(call, callchain, openai):
    body = b'{ "type" : "realtime",  "model":"gpt-realtime" }\n'
    (callchain.folder / "session.json").write_bytes(body)
    assert call("accept-call", "rtc_1", "--session", "session.json").code == 0
    assert openai.actions("rtc_1")[0].body == body


def test_accept_takes_the_variables_of_the_service(call, callchain, openai):
    (callchain.folder / "prompt.txt").write_text("Do arquivo.", encoding="utf-8")
    call("accept-call", "rtc_1", OPENAI_REALTIME_MODEL="gpt-realtime-mini", OPENAI_REALTIME_VOICE="cedar",
         OPENAI_PROMPT_PATH="prompt.txt", OPENAI_REALTIME_INSTRUCTIONS="Da variável.")
    body = openai.actions("rtc_1")[0].json()
    assert body["model"] == "gpt-realtime-mini"
    assert body["audio"]["output"]["voice"] == "cedar"
    assert body["instructions"] == "Do arquivo."


def test_a_body_that_kills_sessions_is_not_sent(call, callchain, openai):
    (callchain.folder / "beta.json").write_text('{"type":"realtime","model":"gpt-realtime","voice":"marin"}')
    done = call("accept-call", "rtc_1", "--session", "beta.json")
    assert done.code == 1
    assert "call_accept_body_" in done.err and "voice" in done.err and "fix: " in done.err
    assert not openai.requests


@pytest.mark.parametrize(("name", "answers", "code", "finding", "attempts"), [
    ("missing at first", [NOT_FOUND, NOT_FOUND, Answer()], 0, None, 3),
    ("gone", [NOT_FOUND], 1, "call_gone", 4),
    ("decided", [DECIDED], 1, "call_decided_elsewhere", 1),
    ("wrong key", [error(401, "invalid_api_key")], 4, "call_credential_refused", 1),
    ("limited for a moment", [error(429, "rate_limit_exceeded", retry_after="0.1"), Answer()], 0, None, 2),
    ("limited for long", [error(429, "rate_limit_exceeded", retry_after="3600")], 5, "call_rate_limited", 1),
    ("broken for a moment", [error(500, "server_error"), Answer()], 0, None, 2),
    ("refused", [error(400, "invalid_value", "Invalid voice")], 5, "call_request_refused", 1),
    ("another server", [Answer(302, headers={"Location": "https://login.example.com/"})], 5, "call_unexpected_answer", 1),
])
def test_accept_judges_each_answer(call, openai, name, answers, code, finding, attempts):
    openai.scripts["rtc_1"] = Script(accept=answers)
    done = call("accept-call", "rtc_1", "--json")
    assert done.code == code, name
    document = done.json()
    assert (document["code"], document["attempts"]) == (finding, attempts)
    assert len(openai.actions("rtc_1", "accept")) == attempts
    if code in (4, 5):
        assert json.loads(done.err)["code"] == ("credential_refused" if code == 4 else "peer_error")
    else:
        assert done.err == ""


def test_accept_explains_a_failure_in_text(call, openai, callchain):
    openai.scripts["rtc_1"] = Script(accept=[error(400, "invalid_value", "Invalid \x1b[2Jvoice")])
    done = call("accept-call", "rtc_1")
    assert done.out == ""
    assert done.err.startswith("callchain: accept-call: call_request_refused: ")
    assert r"400 invalid_value: Invalid \x1b[2Jvoice" in done.err
    assert "\nhint: " in done.err and "callchain explain call_request_refused" in done.err
    assert callchain.run("explain", "call_request_refused").code == 0


@pytest.mark.parametrize("fault", ["hang", "reset"])
def test_accept_ends_in_time_where_no_answer_comes(call, openai, fault):
    openai.scripts["rtc_1"] = Script(accept=[Answer(fault=fault)])
    done = call("accept-call", "rtc_1", "--timeout", "1", "--json")
    assert done.code == 6
    assert done.json()["outcome"] in ("network_failure", "deadline_passed")
    told = json.loads(done.err)
    assert told["code"] == "network" and "it may have been carried out" in told["message"]


def test_accept_says_that_nobody_listens(call):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        done = call("accept-call", "rtc_1", "--timeout", "1", OPENAI_BASE_URL=f"http://127.0.0.1:{unused.getsockname()[1]}/v1")
    assert done.code == 6
    assert "call_network_failure" in done.err or "call_deadline_passed" in done.err
    assert "carried out" not in done.err


# The first attempt worked, and its answer was lost: the refusal of the second is of our own making.
def test_accept_lets_the_sideband_judge_where_its_answer_was_lost(call, openai):
    openai.scripts["rtc_1"] = Script(accept=[Answer(fault="reset", carried_out=True), DECIDED])
    done = call("accept-call", "rtc_1", "--confirm", "--json")
    document = done.json()
    assert (document["outcome"], document["perhaps_ours"]) == ("decided_elsewhere", True)
    assert document["life"]["verdict"] == "alive"
    assert done.code == 0


# --confirm


@pytest.mark.parametrize("call_id", ["rtc_1", "live_1"])
def test_confirm_tells_each_milestone_and_leaves_the_call_alone(call, openai, call_id):
    done = call("accept-call", call_id, "--confirm", "-q")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0].startswith("accepted ")
    assert re.fullmatch(r"  attached +[\d,]+ ms", lines[1])
    assert re.fullmatch(r"  first_event +[\d,]+ ms  session.created", lines[2])
    assert lines[3] == "alive"
    [sideband] = openai.sidebands
    assert sideband.headers["authorization"] == f"Bearer {openai.key}"
    assert openai.wait_for(lambda: sideband.close_code == 1000)
    assert sideband.received == []
    assert not openai.actions(call_id, "hangup")


@pytest.mark.parametrize(("call_id", "message"), [("rtc_1", "response.create"), ("live_1", "session.instructions.append")])
def test_confirm_with_a_greeting_waits_for_its_audio(call, openai, call_id, message):
    done = call("accept-call", call_id, "--confirm", "--greeting", "Olá! Em que posso ajudar?", "--json", "-q")
    assert done.code == 0, done.err
    names = [milestone["name"] for milestone in done.json()["life"]["milestones"]]
    assert {"attached", "greeted", "first_audio"} <= set(names)
    [sideband] = openai.sidebands
    assert sideband.received_types() == [message]
    assert "Olá! Em que posso ajudar?" in json.dumps(sideband.received[0], ensure_ascii=False)


@pytest.mark.parametrize(("name", "stage", "finding"), [
    ("dead", "attached", "call_dead_session"),
    ("dead_by_error", "first_event", "call_session_error"),
])
def test_confirm_says_at_which_stage_the_session_died(call, name, stage, finding):
    done = call("accept-call", f"rtc_x-{name}", "--confirm")
    assert done.code == 1
    assert done.out.startswith("accepted ")
    assert f"{finding}: no proof of life, {stage} did not come" in done.err
    life = call("accept-call", f"rtc_y-{name}", "--confirm", "--json").json()["life"]
    assert (life["verdict"], life["stage"], life["code"]) == ("dead", stage, finding)


def test_confirm_waits_for_a_session_that_is_late(call, openai):
    done = call("accept-call", "rtc_x-late_sideband", "--confirm", "--json")
    assert done.code == 0, done.err
    assert [sideband.status for sideband in openai.sidebands] == [404, 101]


def test_confirm_tells_a_refused_sideband_from_a_dead_session(call, openai):
    openai.scripts["rtc_1"] = Script(sideband=Sideband(refuse_always=403))
    done = call("accept-call", "rtc_1", "--confirm")
    assert done.code == 1
    assert "call_sideband_refused" in done.err


def test_confirm_takes_an_open_and_silent_session_for_alive(call):
    done = call("accept-call", "rtc_x-silent", "--confirm", "--confirm-seconds", "1")
    assert done.code == 0
    assert done.out.splitlines()[-1] == "quiet"
    assert "--greeting" in done.err


def test_confirm_does_not_take_silence_behind_a_greeting_for_alive(call):
    done = call("accept-call", "rtc_x-mute", "--confirm", "--confirm-seconds", "1", "--greeting", "Olá")
    assert done.code == 1
    assert "first_audio did not come (no_proof_in_time)" in done.err


def test_confirm_needs_no_time_when_the_caller_has_left(call, openai):
    openai.scripts["rtc_1"] = Script(sideband=Sideband(silent=True, lose=True))
    done = call("accept-call", "rtc_1", "--confirm", "--json")
    assert done.code == 1
    assert done.json()["life"]["verdict"] == "dead"


# TLS


def test_accept_and_sideband_over_tls(callchain, certificate):
    with OpenAiStandin(certificate=certificate) as openai:
        variables = {"OPENAI_API_KEY": openai.key, "OPENAI_BASE_URL": openai.base_url}
        done = callchain.run("accept-call", "rtc_1", "--confirm", "--ca-file", str(certificate[0]), **variables)
        assert done.code == 0, done.err
        assert done.out.endswith("alive\n")


def test_a_certificate_that_nobody_vouches_for_is_not_taken(callchain, certificate):
    with OpenAiStandin(certificate=certificate) as openai:
        variables = {"OPENAI_API_KEY": openai.key, "OPENAI_BASE_URL": openai.base_url}
        done = callchain.run("accept-call", "rtc_1", "--timeout", "1", **variables)
        assert done.code == 6
        assert "certificate" in done.err
        assert not openai.requests


# reject-call, refer-call, hangup-call


@pytest.mark.parametrize(("args", "path", "body"), [
    (["reject-call", "rtc_1"], "/v1/realtime/calls/rtc_1/reject", {}),
    (["reject-call", "rtc_1", "--status", "486"], "/v1/realtime/calls/rtc_1/reject", {"status_code": 486}),
    (["reject-call", "live_1", "--status", "603"], "/v1/live/sessions/live_1/reject", {"status_code": 603}),
    (["reject-call", "rtc_1", "--status", "486", "--api", "live"], "/v1/live/sessions/rtc_1/reject", {"status_code": 486}),
])
def test_reject(call, openai, args, path, body):
    assert call(*args).code == 0
    [request] = openai.requests
    assert (request.path, request.json()) == (path, body)


def test_refer_and_hangup_of_a_call_that_is_up(call, openai):
    assert call("accept-call", "rtc_1").code == 0
    done = call("refer-call", "rtc_1", "--target-uri", f"tel:{NUMBER}")
    assert done.code == 0 and done.out.startswith("transfer asked for: rtc_1")
    assert openai.actions("rtc_1", "refer")[0].json() == {"target_uri": f"tel:{NUMBER}"}
    assert call("hangup-call", "rtc_1").code == 0
    [hangup] = openai.actions("rtc_1", "hangup")
    assert hangup.body == b"" and hangup.headers["content-length"] == "0" and "content-type" not in hangup.headers
    done = call("hangup-call", "rtc_1", "--json")
    assert (done.code, done.json()["code"]) == (1, "call_gone")


def test_other_actions_are_asked_once(call, openai):
    openai.scripts["rtc_1"] = Script(reject=[error(500, "server_error")])
    done = call("reject-call", "rtc_1")
    assert done.code == 5 and "call_server_error" in done.err
    assert len(openai.requests) == 1


def test_a_wrong_key_is_exit_4(call, openai):
    done = call("hangup-call", "rtc_1", OPENAI_API_KEY="sk-wrong")
    assert done.code == 4 and "call_credential_refused" in done.err


def test_an_interrupt_ends_a_command_that_waits(callchain, openai):
    openai.scripts["rtc_1"] = Script(hangup=[Answer(fault="hang")])
    process = callchain.start("hangup-call", "rtc_1", OPENAI_API_KEY=openai.key, OPENAI_BASE_URL=openai.base_url)
    assert openai.wait_for(lambda: openai.requests)
    done = stop(process, signal.SIGINT)
    assert done.code == 130
    assert "interrupted" in done.err


# place-call


@pytest.fixture
def place(callchain, twilio):
    def run(*args: str, **variables: str):
        variables = {"TWILIO_ACCOUNT_SID": twilio.account, "TWILIO_AUTH_TOKEN": twilio.token, "WHATSAPP_CALL_FROM": SENDER,
                     **variables}
        done = callchain.run("place-call", "--to", NUMBER, "--base-url", twilio.base_url, *args, **variables)
        assert twilio.token not in done.out + done.err
        return done

    return run


def test_place_call_sends_twilios_form(place, twilio):
    done = place("--twiml-url", "https://bridge.example.com/twilio/voice", "--timeout-ring", "30")
    assert done.code == 0, done.err
    assert re.match(r"calling whatsapp:.*…8888: CA[0-9a-f]{32} \(queued\), ", done.out)
    [request] = twilio.requests
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert b"To=whatsapp%3A%2B5561999998888&From=whatsapp%3A%2B556133334444&Url=https%3A%2F%2F" in request.body
    assert request.body.endswith(b"&Timeout=30")
    assert twilio.calls[0]["to"] == f"whatsapp:{NUMBER}"


def test_place_call_with_a_message_and_the_older_variables(callchain, twilio):
    done = callchain.run("place-call", "--to", f"whatsapp:{NUMBER}", "--from", SENDER, "--message", "Bom dia & até já.",
                         "--base-url", twilio.base_url, "--json", TWILIO_SID=twilio.account, TWILIO_TOKEN=twilio.token)
    assert done.code == 0, done.err
    assert done.json()["sid"] == twilio.calls[0]["sid"]
    assert b"%3CSay+language%3D%22pt-BR%22%3EBom+dia+%26amp%3B+at%C3%A9" in twilio.requests[0].body


def test_place_call_with_an_api_key(place, twilio):
    key, secret = "SK" + "0" * 31 + "7", "fedcba9876543210" * 2
    twilio.secrets = {key: secret}
    assert place("--message", "Oi").code == 4  # the auth token alone
    done = place("--message", "Oi", TWILIO_API_KEY=key, TWILIO_API_SECRET=secret)
    assert done.code == 0, done.err
    assert len(twilio.calls) == 1 and secret not in done.out + done.err
    # A token that is named is meant, whatever key is set.
    assert place("--message", "Oi", "--auth-token-env", "TWILIO_AUTH_TOKEN", TWILIO_API_KEY=key, TWILIO_API_SECRET=secret).code == 4


@pytest.mark.parametrize(("answer", "code", "word"), [
    (twilio_standin.error(400, 37000, "No permission"), 5, "37000"),
    (twilio_standin.error(401, 20003, "Authenticate"), 4, "20003"),
    (twilio_standin.error(429, 20429, "Too many requests"), 5, "20429"),
    (Answer(503), 5, "may have placed"),
    (Answer(200, b"<html>login</html>"), 5, "none of Twilio's"),
])
def test_place_call_explains_what_twilio_says(place, twilio, answer, code, word):
    twilio.answers = Turns(answer)
    done = place("--message", "Oi")
    assert done.code == code
    assert word in done.err
    assert len(twilio.requests) == 1


def test_place_call_is_never_sent_twice(place, twilio):
    twilio.answers = Turns(Answer(fault="reset"))
    done = place("--message", "Oi", "--json")
    assert done.code == 6
    document = done.json()
    assert (document["outcome"], document["may_ring"]) == ("unknown_fate", True)
    assert "Calls.json" in document["look"] and twilio.token not in document["look"]
    assert len(twilio.requests) == 1


def test_place_call_says_that_a_telephone_may_ring_after_a_timeout(place, twilio):
    twilio.answers = Turns(Answer(fault="hang"))
    done = place("--message", "Oi", "--timeout", "1")
    assert done.code == 6
    assert "the telephone may ring" in done.err
    assert "curl -G" in done.err and "To=whatsapp:" in done.err


def test_the_curl_command_of_place_call_places_the_same_call(place, callchain, twilio):
    import subprocess

    command = place("--message", "Não, obrigado.", "--print-curl").out
    assert not twilio.requests
    subprocess.run(["bash", "-c", command], env={"PATH": "/usr/bin:/bin", "TWILIO_AUTH_TOKEN": twilio.token}, check=True,
                   capture_output=True)
    place("--message", "Não, obrigado.")
    by_curl, by_us = twilio.requests
    assert by_curl.body == by_us.body
    assert by_curl.headers["authorization"] == by_us.headers["authorization"]


# tail


def test_tail_shows_captures_as_they_come(callchain):
    folder = callchain.folder / "captures"
    folder.mkdir()
    capture = b"POST /openai/webhook HTTP/1.1\r\nwebhook-id: wh_%d\r\nContent-Length: 2\r\n\r\n{}"
    (folder / "20261127T225600.123Z-000001.http").write_bytes(capture % 1)
    process = callchain.start("tail", "captures", "--json")
    first = json.loads(process.stdout.readline())
    assert (first["webhook_id"], first["time"]) == ("wh_1", "2026-11-27T22:56:00.123Z")
    (folder / "note.txt").write_bytes(b"no capture")
    (folder / "20261127T225601.000Z-000002.http").write_bytes(capture % 2)
    assert json.loads(process.stdout.readline())["webhook_id"] == "wh_2"
    assert stop(process).code == 0


def test_tail_ends_with_130_by_ctrl_c(callchain):
    (callchain.folder / "captures").mkdir()
    process = callchain.start("tail", "captures", "-v")
    assert wait_until(lambda: blocks_signals(process.pid))
    assert stop(process, signal.SIGINT).code == 130


def blocks_signals(pid: int) -> bool:
    """Whether it has come to the point where SIGINT is its own to handle."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        caught = next(line for line in status if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) & (1 << (signal.SIGINT - 1)))
