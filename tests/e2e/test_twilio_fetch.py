"""`callchain twilio fetch` against a stand-in of what Twilio keeps of a call."""

import base64
import json
import signal
import stat
import time
from email.utils import formatdate
from urllib.parse import urlencode

import pytest

from conftest import Outcome, stop
from replay_runs import ROOT, assert_printable, closed_port
from standin import Answer, Turns
from twilio_rest_standin import (ACCOUNT, CALL, CALLED, CALLER, KEY, KEY_SECRET, LEG, TOKEN, TwilioRestStandin, alert, call, error, event,
                                 leg, notification)

import schema_check

SCHEMAS = schema_check.Schemas(ROOT / "docs/schemas")
NUMBERS = ("5561999994321", "556133331869")
DIAL = {"DialCallStatus": "failed", "DialBridged": "false", "DialSipResponseCode": "400", "DialCallSid": LEG,
        "DialSipCallId": "7cb2411e97f0d977d7e25d2942d35096@0.0.0.0", "From": CALLER, "To": CALLED,
        "SipHeader_X-Callchain-Id": "cc_e628441e20bcf33b574be410"}
LOG = [{"time": "2026-11-28T17:47:08.539Z", "level": "info", "message": "call from Twilio: dialling OpenAI",
        "callchain_id": "cc_e628441e20bcf33b574be410", "call_sid": CALL, "from": "+…4321"},
       {"time": "2026-11-28T17:47:18.544Z", "level": "warn", "message": "dial ended", "callchain_id": "cc_e628441e20bcf33b574be410",
        "call_sid": CALL, "dial_call_sid": LEG, "happened": "OpenAI answered 400: nobody accepted the call in time."},
       {"time": "2026-11-28T17:48:00.000Z", "level": "warn", "message": "dial ended", "callchain_id": "cc_000000000000000000000000",
        "call_sid": "CA" + "9" * 32}]


@pytest.fixture
def rest():
    with TwilioRestStandin() as standin:
        standin.notifications[CALL] = [notification(1, 13224, "Dial: Invalid phone number format")]
        standin.details[f"NO{1:032x}"] = {"request_variables": urlencode(DIAL), "response_headers": "Date: x",
                                          "response_body": "<Response><Hangup/></Response>"}
        standin.events[CALL] = [event("/twilio/voice", {"CallStatus": "ringing", "From": CALLER, "To": CALLED}),
                                event("/twilio/dial-action", DIAL, date_created="Sat, 28 Nov 2026 17:47:18 +0000")]
        yield standin


@pytest.fixture
def fetch(callchain, rest):
    """Runs the command against the stand-in; no secret and no whole number may be in what it says."""

    def run(*args: str, sid: str = CALL, **variables: str) -> Outcome:
        given = {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN, "CALLCHAIN_TWILIO_API_URL": rest.origin, **variables}
        done = callchain.run("twilio", "fetch", sid, *args, **{name: value for name, value in given.items() if value})
        hold(done)
        if "--json" in args:
            problems = SCHEMAS.check_output(done.out.encode(), done.err.encode())
            assert not problems, problems
        return done

    return run


def hold(done: Outcome) -> None:
    for text in (done.out, done.err):
        assert_printable(text)
        for secret in (TOKEN, KEY_SECRET, *NUMBERS):
            assert secret not in text


def missing(done: Outcome) -> list[tuple]:
    return [(part["what"], part["code"], part["status"]) for part in done.json()["missing"]]


def test_the_verdict_comes_first_then_the_timeline(fetch, rest):
    done = fetch()
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0].startswith("failed: OpenAI answered 400: nobody accepted the call in time.")
    assert "  more: callchain explain failed:400" in lines
    assert f"\n{CALL}\n" in done.out
    text = done.out[done.out.index(CALL):]
    order = [text.index(part) for part in ("call, inbound", "POST /twilio/voice", "call, outbound-dial", "13224", "leg over: failed",
                                           "POST /twilio/dial-action", "call over: completed", "\nids\n", "\nfindings\n")]
    assert order == sorted(order)
    words = " ".join(text.split())
    assert "from whatsapp:+…4321 to whatsapp:+…1869" in words and "Dial: Invalid phone number format" in words
    assert "not to be had" not in done.out
    paths = [request.path for request in rest.requests]
    base = f"/2010-04-01/Accounts/{ACCOUNT}/Calls"
    assert paths == [f"{base}/{CALL}.json", f"{base}.json?ParentCallSid={CALL}&PageSize=100",
                     f"{base}/{CALL}/Notifications.json?PageSize=100", f"{base}/{CALL}/Notifications/NO{1:032x}.json",
                     f"{base}/{LEG}/Notifications.json?PageSize=100", f"{base}/{CALL}/Events.json?PageSize=100",
                     f"{base}/{LEG}/Events.json?PageSize=100",
                     "/v1/Alerts?StartDate=2026-11-28T17:42:08Z&EndDate=2026-11-28T17:52:19Z&PageSize=100"]
    assert {request.method for request in rest.requests} == {"GET"}


def test_every_finding_is_a_page_of_explain(fetch, callchain):
    done = fetch("--json")
    found = [(one["kind"], one["explain"], one["level"]) for one in done.json()["findings"]]
    assert found == [("dial", "failed:400", "error"), ("twilio_error", "13224", "error")]
    for _, page, _ in found:
        words = ("dial", page) if ":" in page else (page,)
        assert callchain.run("explain", *words).code == 0


def test_json_has_all_of_it_with_masked_numbers(fetch):
    document = fetch("--json").json()
    assert (document["outcome"], document["numbers"], document["verdict"]["fate"]) == ("done", "masked", "failed")
    assert document["call"]["from"] == "whatsapp:+…4321" and document["call"]["duration_s"] == 11
    assert [one["sid"] for one in document["legs"]] == [LEG]
    assert document["webhooks"][0]["duration_ms"] == 35 and document["webhooks"][0]["at"] == "2026-11-28T17:47:08Z"
    assert document["notices"][0]["text"] == "Dial: Invalid phone number format"
    assert document["missing"] == [] and document["requests"] == 8
    [one] = document["timeline"]["calls"]
    assert one["ids"]["callchain_id"] == "cc_e628441e20bcf33b574be410" and one["ids"]["leg_call_sid"] == LEG
    assert "resources" not in document


@pytest.mark.parametrize("form", ["plain", "railway"])
def test_our_log_is_joined(fetch, callchain, form):
    lines = LOG
    if form == "railway":
        lines = [{"message": line["message"], "severity": "info", "timestamp": line["time"],
                  "attributes": [{"key": key, "value": json.dumps(value)} for key, value in line.items() if key not in ("message", "time")]}
                 for line in LOG]
    (callchain.folder / "serve.log").write_text("not JSON\n" + "".join(json.dumps(line) + "\n" for line in lines))
    done = fetch("--log", "serve.log")
    assert done.code == 0
    assert "call from Twilio: dialling OpenAI" in done.out and done.out.count("dial ended") == 1
    assert "the logs have 1 other call, which is left out" in done.err


def test_a_refused_delivery_in_the_log_is_joined(fetch, callchain):
    """The body in its record has the ids of the call."""
    body = {"data": {"call_id": "rtc_1", "sip_headers": [{"name": "X-Callchain-Id", "value": "cc_e628441e20bcf33b574be410"}]}}
    record = {"message": "callchain webhook record", "schema": "callchain.webhook-record/1", "verdict": "signature_mismatch",
              "reason": "the configured secret does not yield this signature", "webhook_id": "wh_1",
              "received_at": "2026-11-28T17:47:09.000Z", "body_base64": base64.b64encode(json.dumps(body).encode()).decode()}
    (callchain.folder / "serve.log").write_text(json.dumps(record) + "\n")
    done = fetch("--log", "serve.log")
    assert "delivery refused" in done.out and "rtc_1" in done.out and "signature_mismatch" in done.out


@pytest.mark.parametrize("variables", [{"TWILIO_API_KEY": KEY, "TWILIO_API_SECRET": KEY_SECRET, "TWILIO_AUTH_TOKEN": ""}, {}])
def test_a_key_does_as_well_as_a_token(fetch, variables):
    assert fetch(**variables).code == 0


def test_a_named_token_is_meant_whatever_key_is_set(fetch):
    assert fetch("--auth-token-env", "TWILIO_AUTH_TOKEN", TWILIO_API_KEY=KEY, TWILIO_API_SECRET="wrong" * 6).code == 0


@pytest.mark.parametrize(("answer", "code", "finding"), [
    (error(401, 20003, "Authenticate"), 4, "twilio_credential_refused"),
    (error(403, 20403, "Forbidden"), 4, "twilio_permission_missing"),
    (error(404, 20404, "not found"), 5, "twilio_call_not_found"),
    (error(429, 20429, "Too Many Requests"), 5, "twilio_rate_limited"),
    (error(400, 20001, "bad"), 5, "twilio_request_refused"),
    (error(500, 20500, "Internal"), 5, "twilio_server_error"),
    (Answer(302, b"", {"Location": "http://127.0.0.1:1/"}), 5, "twilio_unexpected_answer"),
    (Answer(200, b"<html>login</html>"), 5, "twilio_unexpected_answer"),
    (Answer(200, b'{"sid": "CA3"}'), 5, "twilio_unexpected_answer"),
    (Answer(200, json.dumps(call(LEG)).encode()), 5, "twilio_unexpected_answer"),
    (Answer(200, b"[" * 100_000), 5, "twilio_unexpected_answer"),
    (Answer(fault="reset"), 6, "twilio_network_failure"),
])
def test_a_call_that_cannot_be_had(fetch, callchain, rest, answer, code, finding):
    rest.faults[f"/{CALL}.json"] = Turns(answer)
    done = fetch()
    assert (done.code, done.out) == (code, ""), done.err
    assert f"callchain: twilio fetch: {finding}: " in done.err and "hint: " in done.err
    assert len(rest.requests) == 1
    assert callchain.run("explain", finding).code == 0
    document = fetch("--json").json()
    assert (document["code"], document["sent"]) == (finding, True)


def test_credentials_that_are_brought_back_are_withheld(fetch, rest, tmp_path):
    """By an error, by resources, and in the form in which they went over the wire."""
    basic = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
    rest.faults["/v1/Alerts"] = Turns(error(403, 20403, f"bad credentials {TOKEN} Basic {basic}"))
    rest.notifications[CALL] = [notification(1, 13224, f"token {TOKEN} Basic {basic}")]
    for args in ([], ["-v", "-v"], ["--json"], ["--save", str(tmp_path / "saved.json")]):
        done = fetch(*args)
        assert done.code == 0
        for text in (done.out, done.err, (tmp_path / "saved.json").read_text() if "--save" in args else ""):
            assert TOKEN[:12] not in text and basic[40:60] not in text
    rest.faults[f"/{CALL}.json"] = Turns(error(401, 20003, f"bad credentials {ACCOUNT}:{TOKEN} Basic {basic}"))
    done = fetch()
    assert done.code == 4 and "bad credentials" in done.err and TOKEN[:12] not in done.err and basic[40:60] not in done.err


def test_what_could_not_be_had_is_not_taken_for_nothing(fetch, rest):
    """No errors in the lists, and no lists: two different things."""
    rest.calls = {CALL: call(status="completed", duration="10")}
    for part in ("/Calls.json", "/Notifications", "/Events", "/v1/Alerts"):
        rest.faults[part] = Turns(error(500, 20500, "Internal"))
    done = fetch()
    assert done.code == 0 and "Twilio shows no error" not in done.out
    assert "whether with an error is not known" in done.out


def test_a_dash_is_no_name_of_a_file(fetch, callchain, rest):
    done = fetch("--save", "-")
    assert done.code == 2 and rest.requests == [] and not (callchain.folder / "-").exists()


def test_nobody_there_and_no_answer_in_time(fetch, rest):
    assert fetch(CALLCHAIN_TWILIO_API_URL=f"http://127.0.0.1:{closed_port()}").code == 6
    rest.faults[f"/{CALL}.json"] = Turns(Answer(fault="hang"))
    done = fetch("--timeout", "1")
    assert done.code == 6 and "twilio_network_failure" in done.err


@pytest.mark.parametrize(("path", "answer", "part"), [
    ("/v1/Alerts", error(403, 20403, "Forbidden"), ("alerts", "twilio_permission_missing", 403)),
    ("/Events.json", error(500, 20500, "Internal"), ("events", "twilio_server_error", 500)),
    ("/Calls.json", Answer(200, b"null"), ("legs", "twilio_unexpected_answer", None)),
    ("/Notifications.json", Answer(200, b'{"notifications": [{"sid": 7}]}'), ("notifications", "twilio_unexpected_answer", None)),
    ("/Notifications/NO", error(404, 20404, "no"), ("notification", "twilio_call_not_found", 404)),
])
def test_half_an_answer_is_shown_with_what_is_missing(fetch, rest, path, answer, part):
    rest.faults[path] = Turns(answer)
    done = fetch("--json")
    assert done.code == 0 and part in missing(done)
    assert done.json()["call"]["sid"] == CALL
    text = fetch().out
    assert "\nnot to be had\n" in text and part[1] in text


def test_after_a_limit_nothing_more_is_asked_for(fetch, rest):
    rest.faults["/Notifications.json"] = Turns(error(429, 20429, "Too Many Requests"))
    done = fetch("--json")
    assert done.code == 0 and len(rest.requests) == 3
    assert [part["why"] for part in done.json()["missing"]][1:] == ["not asked for, after what was answered before"] * 4


def test_pages_are_followed(fetch, rest):
    rest.page_size = 2
    rest.notifications[CALL] = [notification(number, 13224, "again") for number in range(1, 6)]
    rest.alerts = [alert(number + 100, 11200, CALL if number == 4 else "CA" + "7" * 32) for number in range(5)]
    done = fetch("--json")
    assert done.json()["missing"] == []
    assert [one["error_code"] for one in done.json()["notices"]] == [13224] * 5 + [11200]
    assert done.json()["findings"][1]["times"] == 5
    assert len(rest.requests_to("/Notifications.json")) == 4 and len(rest.requests_to("/v1/Alerts?")) == 3


def test_endless_pages_end(fetch, rest):
    rest.next_page = lambda path, page: f"{path}?Page={page + 1}"
    done = fetch("--json")
    assert done.code == 0
    assert {part["why"] for part in done.json()["missing"]} == {"the list has more than 20 pages; the rest was not asked for"}
    rest.next_page = lambda path, page: f"{path}?PageSize=7"
    assert {part["why"] for part in fetch("--json").json()["missing"]} == {"the pages of the list repeat"}


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/x", "https://twilio.com.example/x", "//127.0.0.1:1/x", "http://a@127.0.0.1/x",
                                     "/a\\b", "ftp"])
def test_a_page_elsewhere_does_not_get_the_credential(fetch, rest, address):
    rest.next_page = lambda path, page: address
    done = fetch("--json")
    assert done.code == 0 and ("legs", "twilio_unexpected_answer", None) in missing(done)
    assert len(done.json()["legs"]) == 1, "what came before is kept"


def test_alerts_are_kept_where_they_are_of_this_call(fetch, rest):
    rest.notifications = {}
    rest.events = {}
    rest.alerts = [alert(1, 11200, LEG), alert(2, 32011, "CA" + "8" * 32)]
    rest.details[f"NO{1:032x}"] = {"request_variables": urlencode(DIAL), "response_body": "x"}
    document = fetch("--json").json()
    assert [(one["from"], one["error_code"]) for one in document["notices"]] == [("alerts", 11200)]
    assert document["findings"][0]["explain"] == "failed:400", "the alert's request tells of the dial"


def test_a_call_that_went_well(fetch, rest):
    rest.calls[LEG] = leg(status="completed", duration="34")
    rest.notifications = {}
    rest.events[CALL][1] = event("/twilio/dial-action", DIAL | {"DialCallStatus": "completed", "DialBridged": "true",
                                                                "DialSipResponseCode": "200", "DialCallDuration": "34"})
    done = fetch()
    assert done.code == 0 and done.out.startswith("connected: ") and "The leg lasted 34 seconds." in " ".join(done.out.split())


def test_a_call_without_a_leg(fetch, rest):
    del rest.calls[LEG]
    rest.events = {}
    rest.notifications[CALL] = [notification(3, 11200, "Got HTTP 502 response")]
    rest.details = {}
    done = fetch()
    assert done.out.startswith("failed: The call failed, and no leg to OpenAI was made: Twilio's 11200")
    assert "more: callchain explain 11200" in done.out


def test_a_call_that_goes_on(fetch, rest):
    rest.calls = {CALL: call(status="in-progress", end_time=None, duration=None)}
    rest.notifications = rest.events = {}
    assert fetch().out.startswith("not over: The call is not over: Twilio shows it as in-progress.")


def test_wait_asks_again_for_a_call_that_just_ended(fetch, rest):
    now = formatdate(time.time() - 5)
    rest.calls = {CALL: call(date_created=now, start_time=now, end_time=now)}
    empty = Answer(200, b'{"notifications": [], "next_page_uri": null}')
    rest.faults["/Notifications.json"] = Turns(empty, Answer(100))
    done = fetch("--wait", "--json")
    assert done.json()["tries"] == 2 and len(done.json()["notices"]) == 1
    assert "no notification yet; asking again in 5 seconds" in done.err


def test_wait_does_not_wait_for_an_old_call(fetch, rest):
    rest.notifications = {}
    assert fetch("--wait", "--json").json()["tries"] == 1


def test_save_keeps_all_but_credentials(fetch, callchain, rest):
    rest.details[f"NO{1:032x}"]["response_body"] = f"Authorization: {TOKEN} sk-proj-abcdefghijklmnopqrst"
    done = fetch("--save", "call.json")
    assert done.code == 0 and "saved call.json (mode 0600)" in done.err
    path = callchain.folder / "call.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    assert TOKEN not in text and "abcdefghijklmnop" not in text
    document = json.loads(text)
    assert not SCHEMAS.check(document, "twilio-fetch")
    assert document["numbers"] == "whole" and document["call"]["from"] == CALLER
    assert [one["what"] for one in document["resources"]][:3] == ["call", "legs", "notifications"]
    assert document["resources"][0]["body"]["from"] == CALLER

    before = len(rest.requests)
    again = fetch("--save", "call.json")
    assert again.code == 2 and "File exists" in again.err and len(rest.requests) == before
    assert path.read_text() == text


def test_a_save_without_a_call_leaves_no_file(fetch, callchain, rest):
    rest.calls = {}
    assert fetch("--save", "call.json").code == 5
    assert not (callchain.folder / "call.json").exists()
    assert fetch("--save", "nowhere/call.json").code == 2


@pytest.mark.parametrize(("args", "variables", "told"), [
    (["--account-sid", "AC7"], {}, "an account is AC and 32 hex digits"),
    ([], {"TWILIO_ACCOUNT_SID": ""}, "no account given"),
    ([], {"TWILIO_AUTH_TOKEN": ""}, "no auth token given"),
    (["--api-key-sid", "SK7"], {}, "an API key is SK and 32 hex digits"),
    (["--api-key-sid", KEY], {}, "no secret of the API key given"),
    (["--api-key-sid", KEY, "--auth-token-env", "TWILIO_AUTH_TOKEN"], {}, "at once"),
    (["--region", "ie1"], {}, "a base URL and a region or edge were given at once"),
    (["--region", "ie1.evil"], {"CALLCHAIN_TWILIO_API_URL": ""}, "is no name"),
    (["--base-url", "http://api.twilio.com"], {}, "only over https"),
    (["--base-url", "https://u:p@api.twilio.com"], {}, "is not the base of an API"),
    (["--monitor-url", "https://monitor.twilio.com/v1"], {}, "is not the base of an API"),
    (["--log", "missing.log"], {}, "missing.log"),
    (["--timeout", "0"], {}, "--timeout"),
])
def test_what_cannot_be_used_is_told_before_anything_is_sent(fetch, rest, args, variables, told):
    done = fetch(*args, **variables)
    assert done.code == 2 and told in done.err and "hint: " in done.err and rest.requests == []
    assert "p@" not in done.err


@pytest.mark.parametrize("sid", ["CA1", "CA" + "G" * 32, "", TOKEN, "CA" + "1" * 31 + "\x1b"])
def test_a_wrong_sid_is_told(fetch, rest, sid):
    done = fetch(sid=sid)
    assert done.code == 2 and rest.requests == []


def test_regions_have_hosts_of_their_own(fetch):
    shown = fetch("--dry-run", "--region", "br1", "--edge", "sao-paulo", CALLCHAIN_TWILIO_API_URL="", TWILIO_AUTH_TOKEN="")
    assert shown.out.startswith(f"GET https://api.sao-paulo.br1.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Calls/{CALL}.json\n")
    assert fetch("--dry-run", CALLCHAIN_TWILIO_API_URL="", TWILIO_EDGE="dublin").out.startswith("GET https://api.dublin.us1.twilio.com/")
    curl = fetch("--print-curl", CALLCHAIN_TWILIO_API_URL="").out
    assert curl.startswith("curl ") and f'-u "{ACCOUNT}:$TWILIO_AUTH_TOKEN"' in curl


def test_alerts_of_another_host(fetch, rest):
    with TwilioRestStandin() as monitor:
        monitor.alerts = [alert(9, 11200)]
        done = fetch("--json", "--monitor-url", monitor.origin)
        assert [one["from"] for one in done.json()["notices"]] == ["notifications", "alerts"]
        assert rest.requests_to("/v1/Alerts") == [] and len(monitor.requests) == 2


def test_texts_from_outside_cannot_steer_the_terminal(fetch, rest):
    rest.notifications[CALL] = [notification(1, 13224, "red \x1b[31m ‮ +5561999994321")]
    rest.calls[CALL]["from"] = "whatsapp:+5561999994321\x1b[2J"
    rest.events[CALL][0]["request"]["url"] = "https://user:hunter2hunter2@bridge.example.com/\x07"
    done = fetch()
    assert done.code == 0 and "hunter2" not in done.out
    fetch("--json")


def test_interrupted(callchain, rest):
    rest.faults["/Events.json"] = Turns(Answer(fault="hang"))
    process = callchain.start("twilio", "fetch", CALL, TWILIO_ACCOUNT_SID=ACCOUNT, TWILIO_AUTH_TOKEN=TOKEN,
                              CALLCHAIN_TWILIO_API_URL=rest.origin)
    assert rest.wait_for(lambda: rest.requests_to("/Events.json"))
    done = stop(process, signal.SIGINT)
    assert (done.code, done.out) == (130, "") and "interrupted" in done.err
