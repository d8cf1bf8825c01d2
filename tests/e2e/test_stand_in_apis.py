"""The management APIs of the stand-ins, asked with our own commands; and `simulate call --stay`, which keeps them up."""

import base64
import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from test_stand_ins import ENVIRONMENT, OPENAI, SCHEMAS, SECONDS, SECRET, TWILIO, Service, free_port, stand_in, start  # noqa: F401

OTHER = "whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXowMTIzNDU="


def ask(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    run = subprocess.run([os.environ["CALLCHAIN"], *arguments], capture_output=True, text=True, timeout=SECONDS, env={**ENVIRONMENT, **environment})
    if "--json" in arguments:
        assert not (problems := SCHEMAS.check_output(run.stdout.encode(), run.stderr.encode())), problems
    return run


def endpoints(api: dict, command: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return ask("endpoints", command, *arguments, OPENAI_BASE_URL=api["api"], **{**OPENAI, **environment})


def listed(api: dict, **environment: str) -> dict:
    run = endpoints(api, "list", "--json", **environment)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


# OpenAI's webhook endpoints


def test_the_endpoints_are_listed_newest_first_with_whose_secret_is_whose(start, tmp_path):  # noqa: F811
    (tmp_path / "other").write_text(OTHER)
    _, api = stand_in(start, "openai", tmp_path, "--webhook", "http://127.0.0.1:9/one", "--webhook", "http://127.0.0.1:9/two",
                      "--secret-env", "first=OPENAI_WEBHOOK_SECRET", "--secret-file", f"second={tmp_path / 'other'}", **OPENAI)
    document = listed(api, OPENAI_WEBHOOK_SECRET=OTHER)
    assert [one["url"] for one in document["endpoints"]] == ["http://127.0.0.1:9/two", "http://127.0.0.1:9/one"]
    assert [one["secrets"][0]["result"] for one in document["endpoints"]] == ["fits", "differs"]
    assert all(re.fullmatch(r"whe_[0-9a-f]{32}", one["id"]) and one["announces_calls"] for one in document["endpoints"])
    assert "endpoint_several_subscribed" in [finding["code"] for finding in document["findings"]]
    assert endpoints(api, "list", OPENAI_API_KEY="sk-of-somebody").returncode == 4
    assert endpoints(api, "test", "whe_none", "--yes").returncode == 5


def test_the_endpoints_fail_with_the_rest_of_the_api(start, tmp_path):  # noqa: F811
    _, api = stand_in(start, "openai", tmp_path, "--webhook", "http://127.0.0.1:9/", "--fails-percent", "50", **OPENAI)
    assert [endpoints(api, "list").returncode for _ in range(4)] == [0, 5, 0, 5]


def test_a_test_is_a_signed_delivery_and_says_what_it_was_answered(start, tmp_path):  # noqa: F811
    with Service(status=418) as service:
        _, api = stand_in(start, "openai", tmp_path, "--webhook", service.url + "/hook", **OPENAI)
        (endpoint,) = listed(api)["endpoints"]
        run = endpoints(api, "test", endpoint["id"], "--yes", "--json")
        told = json.loads(run.stdout)
        assert (run.returncode, told["delivery"]["status"]) == (1, 418), told
        ((path, headers, body),) = service.requests
    assert path == "/hook" and json.loads(body)["type"] == "realtime.call.incoming"
    (tmp_path / "body").write_bytes(body)
    checked = ask("verify-sig", "--body", str(tmp_path / "body"), "--id", headers["webhook-id"], "--timestamp", headers["webhook-timestamp"],
                  "--signature", headers["webhook-signature"], **OPENAI)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("keeps", [True, False])
def test_behind_a_rotation_a_call_is_delivered_with_the_new_secret(start, tmp_path, keeps):  # noqa: F811
    port = free_port()
    openai, api = stand_in(start, "openai", tmp_path, "--webhook", f"http://127.0.0.1:{port}/openai/webhook", "--calls", "2", "--accept-time", "2", "--retries", "", **OPENAI)
    (endpoint,) = listed(api)["endpoints"]
    run = endpoints(api, "rotate", endpoint["id"], "--to-file", str(tmp_path / "new"), "--yes", *([] if keeps else ["--no-keep-old-24h"]))
    assert run.returncode == 0, run.stderr
    new = (tmp_path / "new").read_text().strip()
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", new) and new != SECRET
    assert listed(api, OPENAI_WEBHOOK_SECRET=new)["endpoints"][0]["secrets"][0]["result"] == "fits"
    calls = []
    for secret in (SECRET, new):  # the service has the old one yet, then the new one
        service = start("serve", "--listen", f"127.0.0.1:{port}", OPENAI_BASE_URL=api["api"], CALLCHAIN_PUBLIC_URL=f"http://127.0.0.1:{port}", CALLCHAIN_ADMIN_LISTEN="off",
                        OPENAI_REALTIME_GREETING="Hello.", TWILIO_SIP_CALLER_ID="+12145551869", CALLCHAIN_LOG="json", **{**OPENAI, **TWILIO, "OPENAI_WEBHOOK_SECRET": secret})
        service.next_document("ready")
        twilio, _ = stand_in(start, "twilio", tmp_path, "--voice-url", f"http://127.0.0.1:{port}/twilio/voice", "--openai", api["sip"], "--place", "1", "--talk", "0.3", **TWILIO)
        twilio.end()
        calls.append(openai.next_document("call"))
        service.process.terminate()
        service.end()
    assert [call["accepted"] for call in calls] == [keeps, True], calls
    assert calls[0]["webhook_statuses"] == ([200] if keeps else [401])
    assert new not in "\n".join(openai.seen)


def request(api: dict, method: str, path: str, body: str = "") -> tuple[int, dict]:
    asked = urllib.request.Request(api["api"] + path, method=method, data=body.encode() if method == "POST" else None,
                                   headers={"Authorization": f"Bearer {OPENAI['OPENAI_API_KEY']}", "Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(asked, timeout=SECONDS) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)["error"]


@pytest.mark.parametrize(("method", "path", "body", "status", "code"), [
    ("GET", "/webhook_endpoints?limit=0", "", 400, "invalid_value"),
    ("GET", "/webhook_endpoints?limit=101", "", 400, "invalid_value"),
    ("GET", "/webhook_endpoints?after=whe_none", "", 404, "not_found"),
    ("GET", "/webhook_endpoints/whe_none", "", 404, "not_found"),
    ("DELETE", "/webhook_endpoints/whe_none", "", 404, "not_found"),
    ("DELETE", "/webhook_endpoints", "", 404, "unknown_url"),
    ("GET", "/webhooks", "", 404, "unknown_url"),
    ("POST", "/webhook_endpoints", "{", 400, "invalid_json"),
    ("POST", "/webhook_endpoints", "[]", 400, "invalid_json"),
    ("POST", "/webhook_endpoints", '{"name": "n", "url": "https://a.example/"}', 400, "missing_required_parameter"),
    ("POST", "/webhook_endpoints", '{"name": "n", "url": "ftp://a.example/", "event_types": ["batch.failed"]}', 400, "invalid_value"),
    ("POST", "/webhook_endpoints", '{"name": "n", "url": "https://a.example/", "event_types": []}', 400, "invalid_value"),
    ("POST", "/webhook_endpoints", '{"name": "n", "url": "https://a.example/", "event_types": ["calls"]}', 400, "invalid_value"),
    ("POST", "/webhook_endpoints/ID/test", "{}", 400, "missing_required_parameter"),
    ("POST", "/webhook_endpoints/ID/test", '{"event_type": 7}', 400, "invalid_value"),
    ("POST", "/webhook_endpoints/ID/rotate_secret", '{"keep_old_secret_active_for_24_hours": "yes"}', 400, "invalid_value"),
])
def test_what_the_api_refuses(start, tmp_path, method, path, body, status, code):  # noqa: F811
    _, api = stand_in(start, "openai", tmp_path, "--webhook", "http://127.0.0.1:9/", **OPENAI)
    _, page = request(api, "GET", "/webhook_endpoints")
    got, error = request(api, method, path.replace("ID", page["data"][0]["id"]), body)
    assert (got, error["code"], error["type"]) == (status, code, "invalid_request_error")


# `simulate call --stay`


class Staying:
    """A run behind its verdict."""

    def __init__(self, start, folder: Path, *arguments: str):
        self.folder = folder
        self.running = start("simulate", "call", "--stay", "--json", "--out", str(folder), *arguments)
        lines = []
        while (line := self.running.next()) is not None and line != "}":
            lines.append(line)
        self.printed = "\n".join([*lines, "}\n"])
        assert not (problems := SCHEMAS.check_output(self.printed.encode(), b"")), problems
        self.document = json.loads(self.printed)

    def ask(self, *arguments: str) -> subprocess.CompletedProcess:
        return ask(*arguments, "--env-file", str(self.folder / "environment"))

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        self.running.process.send_signal(number)
        return self.running.end()


def test_a_second_endpoint_is_named_while_everything_is_up(start, tmp_path):  # noqa: F811
    run = Staying(start, tmp_path / "run", "--fault", "two-endpoints", "--talk", "0.3")
    assert (run.folder / "environment").stat().st_mode & 0o777 == 0o600
    assert run.document["stay"]["environment"] == str(run.folder / "environment")
    assert f"callchain endpoints list --env-file {run.folder}/environment" in run.document["stay"]["commands"]
    found = run.document["conclusion"]
    assert (found["code"], found["command"]) == ("endpoint_several_subscribed", "callchain endpoints list --env-file environment"), found
    listed = run.ask("endpoints", "list", "--json")
    assert listed.returncode == 0 == found["exit_code"], listed.stderr
    document = json.loads(listed.stdout)
    assert [(one["url"], one["is_this_server"], one["secrets"][0]["result"]) for one in document["endpoints"]] == [
        ("https://serve.example.com/openai/webhook", True, "fits"), ("https://other.example.com/openai/webhook", False, "differs")]
    assert "endpoint_several_subscribed" in [finding["code"] for finding in document["findings"]]
    for one in document["endpoints"]:
        assert one["id"] in found["cause"]
    # The doctor has the cause in one line, and nothing else against this place.
    command = next(command for command in run.document["stay"]["commands"] if command.startswith("callchain doctor --online"))
    examined = ask(*command.split()[1:])
    assert examined.returncode == 0, examined.stdout + examined.stderr
    (warning,) = [line for line in examined.stdout.splitlines() if line.startswith(("warn ", "fail ")) and " endpoints: " in line]
    assert warning.startswith("warn     endpoints: Several webhook endpoints are subscribed to call events: ")
    assert all(one["id"] in warning for one in document["endpoints"])
    assert "pass     twilio-account: the account is active" in examined.stdout
    secrets = [line.partition("=")[2] for line in (run.folder / "environment").read_text().splitlines() if re.match(r"\w+_(SECRET|KEY|TOKEN|PASSWORD)=", line)]
    assert len(secrets) == 4 and not [secret for secret in secrets if secret in run.printed + (run.folder / "verdict.txt").read_text()]
    assert run.end() == (1, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_stays_works_on_and_ends_with_the_exit_code_of_the_verdict(start, tmp_path, number):  # noqa: F811
    run = Staying(start, tmp_path / "run", "--talk", "0.3")
    assert run.document["conclusion"] is None and run.document["result"] == "good"
    (endpoint,) = json.loads(run.ask("endpoints", "list", "--json").stdout)["endpoints"]
    tested = run.ask("endpoints", "test", endpoint["id"], "--yes", "--json")
    assert (tested.returncode, json.loads(tested.stdout)["delivery"]["status"]) == (0, 200), tested.stdout  # serve takes it
    at = dict(line.split("=", 1) for line in (run.folder / "environment").read_text().splitlines())
    probed = run.ask("gateway", "probe", f"sip:bridge@{at['TWILIO_SIP_DOMAIN']}", "--invite", "--username", at["TWILIO_SIP_USERNAME"],
                     "--password-env", "TWILIO_SIP_PASSWORD", "--ca-file", at["CALLCHAIN_CA_FILE"])
    assert probed.returncode == 0, probed.stdout + probed.stderr
    rotated = run.ask("endpoints", "rotate", endpoint["id"], "--to-file", str(tmp_path / "new"), "--no-keep-old-24h", "--yes")
    assert rotated.returncode == 0, rotated.stderr
    refused = run.ask("endpoints", "test", endpoint["id"], "--yes", "--json")
    assert (refused.returncode, json.loads(refused.stdout)["delivery"]["status"]) == (1, 401), refused.stdout  # it has the old secret
    children = subprocess.run(["pgrep", "-P", str(run.running.process.pid)], capture_output=True, text=True).stdout.split()
    assert len(children) == 2, "gateway run and serve"
    assert run.end(number) == (0, "")
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]


def test_what_is_set_in_the_shell_is_named(start, tmp_path):  # noqa: F811
    run = start("simulate", "call", "--stay", "--without", "gateway", "--talk", "0.2", "--out", str(tmp_path / "run"), OPENAI_API_KEY="sk-of-the-shell")
    while (line := run.next()) is not None and not line.startswith("stays:"):
        pass
    run.process.terminate()
    assert run.end() == (0, "callchain: simulate call: OPENAI_API_KEY is set in this shell and would win over the file: unset it where you run the commands\n")


def test_a_person_is_told_what_can_be_asked(start, tmp_path):  # noqa: F811
    run = start("simulate", "call", "--stay", "--without", "gateway", "--fault", "quoted-secret", "--talk", "0.3", TMPDIR=str(tmp_path))
    while (line := run.next()) != "stays:  everything is up until Ctrl-C or SIGTERM; ask it now":
        assert line is not None, run.process.stderr.read()
    command = run.next().split()
    assert command[:3] == ["callchain", "endpoints", "list"]
    listed = ask(*command[1:])
    assert listed.returncode == 0 and '"OPENAI_WEBHOOK_SECRET" fits' in listed.stdout, listed.stdout + listed.stderr  # quotes and all
    run.process.terminate()
    assert run.end() == (0, "")
    assert "stays:  everything is up" in Path(command[-1]).with_name("verdict.txt").read_text()


def test_an_interrupt_before_the_verdict_is_one(start, tmp_path):  # noqa: F811
    run = start("simulate", "call", "--stay", "--talk", "60", "--out", str(tmp_path / "run"))
    end = time.monotonic() + SECONDS
    log = tmp_path / "run" / "gateway.log"
    while not log.exists() or '"message":"call"' not in log.read_text():
        assert time.monotonic() < end and run.process.poll() is None
        time.sleep(0.05)
    run.process.send_signal(signal.SIGINT)
    code, errors = run.end()
    assert code == 130 and "interrupted" in errors
    assert not (tmp_path / "run" / "environment").exists()


# Twilio's REST API


def twilio_asked(url: str, user: str, password: str) -> tuple[int, dict]:
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Authorization": f"Basic {token}"}), timeout=SECONDS) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


ACCOUNT = "AC" + "0" * 31 + "1"
KEY = {"TWILIO_API_KEY": "SK" + "0" * 31 + "1", "TWILIO_API_SECRET": "of-the-key"}


def test_what_stays_tells_of_the_call_as_twilio_does(start, tmp_path):  # noqa: F811
    """The 13224 of a secret that is not the endpoint's: what Twilio shows of it, at the address of the environment file."""
    run = Staying(start, tmp_path / "run", "--fault", "wrong-secret", "--talk", "0.3")
    at = dict(line.split("=", 1) for line in (run.folder / "environment").read_text().splitlines())
    who = (at["TWILIO_ACCOUNT_SID"], at["TWILIO_AUTH_TOKEN"])
    calls = f"{at['CALLCHAIN_TWILIO_API_URL']}/2010-04-01/Accounts/{who[0]}/Calls"
    sid = run.document["calls"][0]["ids"]["call_sid"]
    status, parent = twilio_asked(f"{calls}/{sid}.json", *who)
    assert (status, parent["status"], parent["direction"]) == (200, "failed", "inbound"), parent
    (leg,) = twilio_asked(f"{calls}.json?ParentCallSid={sid}", *who)[1]["calls"]
    assert leg["status"] == "failed" and leg["to"].startswith("sip:proj_00000000000000000000000a@sip.api.openai.com")
    (row,) = twilio_asked(f"{calls}/{sid}/Notifications.json?Log=0", *who)[1]["notifications"]
    text = urllib.parse.parse_qs(row["message_text"])
    assert (row["error_code"], text["ErrorCode"], text["sipResponse"], text["Msg"]) == ("13224", ["13224"], ["400"], ["Dial: Invalid phone number format"])
    events = twilio_asked(f"{calls}/{sid}/Events.json", *who)[1]["events"]
    voice, action = (event["request"] for event in events)
    assert voice["url"] == "https://serve.example.com/twilio/voice" and action["parameters"]["DialSipResponseCode"] == "400"
    assert "<Sip" in events[0]["response"]["response_body"]
    callbacks = twilio_asked(f"{calls}/{leg['sid']}/Events.json", *who)[1]["events"]
    assert [event["request"]["parameters"]["CallStatus"] for event in callbacks] == ["initiated", "failed"]
    (alert,) = twilio_asked(f"{at['CALLCHAIN_TWILIO_MONITOR_URL']}/v1/Alerts?LogLevel=error", *who)[1]["alerts"]
    assert (alert["resource_sid"], alert["sid"]) == (sid, row["sid"])
    # Our own post-mortem reads the same, and joins it with the log of serve.
    command = next(command for command in run.document["stay"]["commands"] if command.startswith("callchain twilio fetch"))
    fetched = ask(*command.split()[1:], "--json")
    assert fetched.returncode == 0, fetched.stderr
    assert not (problems := SCHEMAS.check_output(fetched.stdout.encode(), fetched.stderr.encode())), problems
    assert "13224" in fetched.stdout and run.document["calls"][0]["ids"]["callchain_id"] in fetched.stdout
    assert at["TWILIO_AUTH_TOKEN"] not in fetched.stdout + fetched.stderr
    assert run.end() == (1, "")


def test_what_the_sip_domain_refuses_is_an_alert_of_no_call(start, tmp_path):  # noqa: F811
    with Service("<Response/>") as service:
        twilio, of_twilio = stand_in(start, "twilio", tmp_path, "--voice-url", service.url, "--api-listen", "127.0.0.1:0", **TWILIO, **KEY)
        meta, _ = stand_in(start, "meta", tmp_path, of_twilio["sip"], META_SIP_USERNAME="gateway", META_SIP_PASSWORD="another")
        twilio.next_document("call")
        for who in ((ACCOUNT, TWILIO["TWILIO_AUTH_TOKEN"]), tuple(KEY.values())):
            assert twilio_asked(f"{of_twilio['api']}/2010-04-01/Accounts/{ACCOUNT}/Calls.json", *who)[1]["calls"] == []
            (alert,) = twilio_asked(f"{of_twilio['api']}/v1/Alerts", *who)[1]["alerts"]
            assert alert["error_code"] == "32202" and alert["resource_sid"].startswith("SD")
        assert twilio_asked(f"{of_twilio['api']}/v1/Alerts", ACCOUNT, "another")[0] == 401
    printed = "\n".join(twilio.seen)
    assert TWILIO["TWILIO_AUTH_TOKEN"] not in printed and KEY["TWILIO_API_SECRET"] not in printed


def test_the_faults_of_the_rest_api(start, tmp_path):  # noqa: F811
    with Service(status=500) as service:
        twilio, of_twilio = stand_in(start, "twilio", tmp_path, "--voice-url", service.url, "--place", "1", "--calls", "2", "--api-listen", "127.0.0.1:0",
                                     "--rest-forgets", "--fails-percent", "50", **TWILIO)
        sid = twilio.next_document("call")["call_sid"]
    who = (ACCOUNT, TWILIO["TWILIO_AUTH_TOKEN"])
    answers = [twilio_asked(f"{of_twilio['api']}/2010-04-01/Accounts/{ACCOUNT}/Calls/{sid}.json", *who) for _ in range(4)]
    assert [(status, body["code"]) for status, body in answers] == [(404, 20404), (500, 20500)] * 2
    (alert,) = twilio_asked(f"{of_twilio['api']}/v1/Alerts", *who)[1]["alerts"]
    assert (alert["error_code"], alert["resource_sid"]) == ("11200", sid)


def test_an_address_of_the_rest_api_that_is_taken_is_told(start, tmp_path):  # noqa: F811
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        one = start("simulate", "twilio", "--voice-url", "http://127.0.0.1:9/", "--api-listen", address, **TWILIO)
        code, errors = one.end()
    assert code == 6 and address in errors and one.seen == [], errors
