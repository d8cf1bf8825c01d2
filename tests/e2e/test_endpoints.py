"""`callchain endpoints list`, `test`, `rotate` against a stand-in of OpenAI's API for webhook endpoints."""

import base64
import json
import os
import pty
import re
import signal
import stat
import subprocess

import pytest

from conftest import TIMEOUT_SECONDS, Outcome, stop, wait_until
from openai_standin import HALF, Endpoint, OpenAiStandin, error
from replay_runs import ROOT, assert_printable, closed_port
from standin import Answer, Turns

import schema_check

SCHEMAS = schema_check.Schemas(ROOT / "docs/schemas")
PROD, LAB, OLD = ("whsec_" + base64.b64encode(bytes(range(start, start + 32))).decode() for start in (0, 64, 128))
HERE = "https://prod.example"


def endpoint(number: int, secret: str = PROD, host: str = "prod.example", **members) -> Endpoint:
    return Endpoint(f"whe_{number}", f"https://{host}/openai/webhook", secret, **members)


def hold(openai, *texts: str) -> None:
    """No secret of anybody, not even a good part, the key, or what steers a terminal."""
    for text in texts:
        assert openai.key not in text
        assert_printable(text)
        for secret in [PROD, LAB, OLD, *(one.secret for one in openai.endpoints)]:
            middle = secret[10:-6]
            assert not any(middle[at:at + 12] in text for at in range(len(middle) - 11)), "a secret was printed"


@pytest.fixture
def endpoints(callchain, openai):
    """Runs a command against the stand-in and holds what it says."""

    def run(command: str, *args: str, **variables: str) -> Outcome:
        variables = {"OPENAI_API_KEY": openai.key, "OPENAI_BASE_URL": openai.base_url, **variables}
        done = callchain.run("endpoints", command, *args, **variables)
        hold(openai, done.out, done.err)
        if "--json" in args:
            problems = SCHEMAS.check_output(done.out.encode(), done.err.encode())
            assert not problems, problems
        return done

    return run


def codes(done: Outcome) -> list[str]:
    return [finding["code"] for finding in done.json()["findings"]]


# list


def test_list_shows_each_endpoint_and_whose_secret_is_ours(endpoints, openai):
    openai.endpoints = [endpoint(2, LAB, "batch.example", name="batches", event_types=["batch.completed", "batch.failed"]),
                        endpoint(1, name="bridge", created_at=1750287018, updated_at=1750373418)]
    done = endpoints("list", OPENAI_WEBHOOK_SECRET=PROD, CALLCHAIN_PUBLIC_URL=HERE)
    assert (done.code, done.err) == (0, "")
    assert done.out == f"""\
whe_2  batches
  url       https://batch.example/openai/webhook
  events    batch.completed, batch.failed
  created   2025-10-09T08:53:20Z
  updated   2025-10-09T08:53:20Z
  hint      whsec_…{LAB[-4:]}
  secret    "OPENAI_WEBHOOK_SECRET" does not fit (compared: whsec_ and the last 4 characters)

whe_1  bridge
  url       https://prod.example/openai/webhook  (this server)
  events    realtime.call.incoming
  created   2025-06-18T22:50:18Z
  updated   2025-06-19T22:50:18Z
  hint      whsec_…{PROD[-4:]}
  secret    "OPENAI_WEBHOOK_SECRET" fits (compared: whsec_ and the last 4 characters)

2 endpoints, 1 subscribed to call events
"""
    [request] = openai.requests
    assert (request.method, request.path, request.body) == ("GET", "/v1/webhook_endpoints?limit=100", b"")
    assert request.headers["authorization"] == f"Bearer {openai.key}"
    assert "content-type" not in request.headers


def test_list_without_a_secret_and_without_a_known_server(endpoints, openai):
    openai.endpoints = [endpoint(1, mask="")]
    done = endpoints("list", "--json")
    assert done.code == 0, done.err
    [one] = done.json()["endpoints"]
    assert (one["secret_hint"], one["is_this_server"], one["secrets"]) == (None, None, [])
    assert codes(done) == []
    text = endpoints("list").out
    assert "hint      none" in text and "secret    none was given to compare" in text


@pytest.mark.parametrize(("mask", "result"), [("{prefix}…{last4}", "fits"), ("****{last4}", "fits"), ("{last4}", "fits"),
                                              ("{prefix}****", "too_little"), ("", "no_hint")])
def test_list_reads_other_masks(endpoints, openai, mask, result):
    openai.endpoints = [endpoint(1, mask=mask)]
    [one] = endpoints("list", "--json", OPENAI_WEBHOOK_SECRET=PROD).json()["endpoints"]
    assert one["secrets"][0]["result"] == result


def test_list_says_at_once_what_was_searched_for_weeks(endpoints, openai):
    """Two endpoints take the same event, and one secret was copied to both hosts."""
    openai.endpoints = [endpoint(2, name="tunnel", host="lab.example", secret=LAB), endpoint(1, name="bridge")]
    done = endpoints("list", OPENAI_WEBHOOK_SECRET=LAB, RAILWAY_PUBLIC_DOMAIN="prod.example")
    assert done.code == 0
    warnings = [line for line in done.out.splitlines() if line.startswith("warning: ")]
    assert warnings == [
        'warning: endpoint_several_subscribed: whe_2 "tunnel" https://lab.example/openai/webhook: fits "OPENAI_WEBHOOK_SECRET"; '
        'whe_1 "bridge" https://prod.example/openai/webhook (this server): fits none of ours',
        'warning: endpoint_secret_of_other: "OPENAI_WEBHOOK_SECRET" fits whe_2 "tunnel" https://lab.example/openai/webhook; '
        "this server is prod.example."]
    assert done.out.count("\n  fix: ") == 2 and "more: callchain explain endpoint_several_subscribed" in done.out


@pytest.mark.parametrize(("name", "which", "variables", "found"), [
    ("none", [], {}, ["endpoint_none_subscribed"]),
    ("other events", [endpoint(1, event_types=["batch.completed"])], {}, ["endpoint_none_subscribed"]),
    ("a secret of before", [endpoint(1)], {"OPENAI_WEBHOOK_SECRET": OLD}, ["endpoint_secret_unknown"]),
    ("a list of both", [endpoint(1)], {"OPENAI_WEBHOOK_SECRET": f"{PROD},{OLD}"}, []),
    ("another host", [endpoint(1)], {"CALLCHAIN_PUBLIC_URL": "https://a.example, https://b.example/"}, ["endpoint_url_elsewhere"]),
    ("one of the hosts", [endpoint(1)], {"CALLCHAIN_PUBLIC_URL": "https://a.example,https://PROD.example:443/"}, []),
    ("live alone", [endpoint(1, event_types=["live.transport.incoming"])], {}, []),
    ("both APIs", [endpoint(1, event_types=["live.call.incoming"]), endpoint(2, LAB)], {}, ["endpoint_several_subscribed"]),
])
def test_list_finds(endpoints, callchain, openai, name, which, variables, found):
    openai.endpoints = which
    done = endpoints("list", "--json", **variables)
    assert (done.code, codes(done)) == (0, found), name
    for code in found:
        assert callchain.run("explain", code).code == 0
        assert endpoints("list", "--json", "--fail-on", f"endpoint_test_failed,{code}", **variables).code == 1
        failed = endpoints("list", "--fail-on", code, **variables)
        assert failed.code == 1 and f"exit code 1 because of --fail-on {code}" in failed.err


def test_list_compares_labelled_secrets(endpoints, callchain, openai):
    openai.endpoints = [endpoint(2, LAB, "lab.example"), endpoint(1)]
    (callchain.folder / "lab.secret").write_text(LAB + "\n")
    done = endpoints("list", "--json", "--secret-env", "railway=R", "--secret-file", "laptop=lab.secret", R=PROD)
    fits = {one["id"]: {secret["label"]: secret["result"] for secret in one["secrets"]} for one in done.json()["endpoints"]}
    assert fits == {"whe_1": {"railway": "fits", "laptop": "differs"}, "whe_2": {"railway": "differs", "laptop": "fits"}}
    assert [secret["label"] for secret in done.json()["secrets"]] == ["railway", "laptop"]


def test_list_follows_the_pages(endpoints, openai):
    openai.endpoints = [endpoint(number, event_types=["batch.failed"]) for number in range(7)]
    openai.most_on_a_page = 3
    done = endpoints("list", "--json")
    document = done.json()
    assert [one["id"] for one in document["endpoints"]] == [f"whe_{number}" for number in range(7)]
    assert (document["pages"], document["complete"]) == (3, True)
    assert [request.path.partition("after=")[2] for request in openai.requests] == ["", "whe_2", "whe_5"]


def test_list_ends_behind_twenty_pages_and_says_so(endpoints, openai):
    openai.endpoints = [endpoint(number, event_types=["batch.failed"]) for number in range(30)]
    openai.most_on_a_page = 1
    done = endpoints("list", "--json")
    assert (done.code, done.json()["pages"], done.json()["complete"]) == (0, 20, False)
    assert codes(done) == []  # that none is subscribed cannot be said
    assert "more than 20 endpoints" in endpoints("list").err
    assert len(openai.requests) == 40


def page(*ids: str, more: bool = True) -> Answer:
    data = [{"id": one, "event_types": []} for one in ids]
    return Answer(body=json.dumps({"object": "list", "data": data, "has_more": more}).encode())


@pytest.mark.parametrize(("name", "answers", "requests"), [
    ("the same page again", [page("a", "b")], 2),
    ("an endpoint of before", [page("a", "b"), page("c", "a")], 2),
    ("the same endpoint twice", [page("a", "a")], 1),
    ("an empty page and more", [page("a"), Answer(body=b'{"data":[],"has_more":true,"last_id":"b"}')], 2),
    ("garbage", [Answer(body=b"<html>Sign in</html>")], 1),
    ("nothing", [Answer(204)], 1),
    ("an array", [Answer(body=b"[]")], 1),
    ("garbage behind a page", [page("a"), Answer(body=b"{")], 2),
    ("no id", [Answer(body=b'{"data":[{"name":"\\u001b[2J"}]}')], 1),
    ("a redirect", [Answer(302, headers={"Location": "https://login.example/"})], 1),
])
def test_list_is_no_list_where_the_answers_are_none(endpoints, openai, name, answers, requests):
    openai.endpoint_answers["list"] = Turns(*answers)
    done = endpoints("list", "--json")
    assert (done.code, done.json()["code"]) == (5, "endpoint_unexpected_answer"), name
    assert done.json()["endpoints"] == [] and done.json()["findings"] == []
    assert json.loads(done.err)["code"] == "peer_error"
    assert len(openai.requests) == requests
    assert endpoints("list").out == ""


@pytest.mark.parametrize(("answer", "code", "finding", "words"), [
    (error(401, "invalid_api_key", "Incorrect API key provided: sk-proj-0123456789abcdefghij"), 4, "endpoint_credential_refused",
     "sk-[withheld]"),
    (error(403, "insufficient_permissions", "Missing scopes: api.webhooks.read"), 4, "endpoint_credential_refused", "Missing scopes"),
    (error(404, "", "Invalid URL (GET /v1/webhook_endpoints)"), 5, "endpoint_api_missing", "has no API for webhook endpoints"),
    (Answer(404, b"<html>nginx</html>"), 5, "endpoint_api_missing", "has no API for webhook endpoints"),
    (error(429, "rate_limit_exceeded"), 5, "endpoint_rate_limited", "429 rate_limit_exceeded"),
    (error(500, "server_error", "The \x1b[2J server\r\nhad an error"), 5, "endpoint_server_error", r"The \x1b[2J server\r\nhad"),
    (error(400, "invalid_value", "x" * 5000), 5, "endpoint_request_refused", "x…"),
])
def test_list_says_why_there_is_none(endpoints, openai, answer, code, finding, words):
    openai.endpoint_answers["list"] = Turns(answer)
    done = endpoints("list")
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith(f"callchain: endpoints list: {finding}: ") and words in done.err and "\nhint: " in done.err
    assert ("request id req_standin" in done.err) == ("X-Request-Id" in answer.headers)
    assert len(done.err) < 1500
    document = endpoints("list", "--json").json()
    assert (document["code"], document["status"]) == (finding, answer.status)
    assert len(openai.requests) == 2  # asked once each time


def test_list_takes_no_wrong_key(endpoints, openai):
    done = endpoints("list", OPENAI_API_KEY="sk-proj-another-one-0123456789")
    assert done.code == 4
    assert "another-one" not in done.err


@pytest.mark.parametrize("answer", [Answer(fault="hang"), Answer(fault="reset"), Answer(body=b"{}", delay=30),
                                    Answer(body=json.dumps({"data": [{"id": "whe_1"}]}).encode(), fault=HALF)])
def test_list_ends_in_time_where_no_whole_answer_comes(endpoints, openai, answer):
    openai.endpoint_answers["list"] = Turns(answer)
    done = endpoints("list", "--timeout", "1", "--json")
    assert (done.code, done.json()["code"], done.json()["status"]) == (6, "endpoint_network_failure", None)
    assert json.loads(done.err)["code"] == "network"


def test_list_says_that_nobody_listens(endpoints):
    done = endpoints("list", "--json", OPENAI_BASE_URL=f"http://127.0.0.1:{closed_port()}/v1")
    assert (done.code, done.json()["sent"]) == (6, False)


def test_list_over_tls(callchain, certificate):
    with OpenAiStandin(certificate=certificate) as openai:
        openai.endpoints = [endpoint(1)]
        variables = {"OPENAI_API_KEY": openai.key, "OPENAI_BASE_URL": openai.base_url}
        assert callchain.run("endpoints", "list", "--ca-file", str(certificate[0]), **variables).code == 0
        done = callchain.run("endpoints", "list", **variables)
        assert done.code == 6 and "certificate" in done.err


def test_list_makes_what_comes_from_outside_visible(endpoints, openai):
    openai.endpoints = [endpoint(1, host="user:pass-word@prod.example", name="\x1b[31mred\u202e\r\n" + "n" * 5000,
                                 event_types=["a\x1b[2J", "realtime.call.incoming"]),
                        endpoint(2, LAB, name=PROD)]
    openai.endpoints[1].id = "whe_\x07"
    for args in ((), ("--json",)):
        done = endpoints("list", *args, OPENAI_WEBHOOK_SECRET=LAB)
        assert done.code == 0
        assert "pass-word" not in done.out
        assert len(done.out) < 6000


def test_list_shows_no_hint_that_is_the_secret(endpoints, openai):
    openai.endpoints = [endpoint(1, mask=PROD), endpoint(2, LAB, mask=LAB[6:], event_types=[])]
    done = endpoints("list", OPENAI_WEBHOOK_SECRET=PROD)
    assert done.out.count("not shown: too much of a secret") == 2


# test


@pytest.mark.parametrize(("status", "code", "advice"), [
    (200, 0, None), (204, 0, None), (401, 1, "verify-sig"), (403, 1, "endpoints list"), (404, 1, "path"), (301, 1, "redirects"),
    (500, 1, "log"), (502, 1, "proxy"), (0, 1, "reached from outside"), (None, 1, "reached from outside"),
])
def test_test_tells_what_our_server_answered(endpoints, openai, status, code, advice):
    openai.endpoints = [endpoint(1, test_status=status)]
    done = endpoints("test", "whe_1", "--yes")
    assert done.code == code
    assert done.out.startswith("the server of whe_1 " + (f"answered {status} to " if status else "is not said to have answered to "))
    if advice:
        assert "endpoint_test_failed" in done.err and advice in done.err
    else:
        assert done.err == ""
    document = endpoints("test", "whe_1", "--yes", "--json").json()
    assert document["delivery"]["status"] == (status or None) and document["delivery"]["delivered"] == (code == 0)
    assert document["code"] == ("endpoint_test_failed" if advice else None)
    request = openai.requests[0]
    assert (request.method, request.path) == ("POST", "/v1/webhook_endpoints/whe_1/test")
    assert request.json() == {"event_type": "realtime.call.incoming"}
    assert request.headers["authorization"] == f"Bearer {openai.key}" and request.headers["content-type"] == "application/json"


def test_test_sends_another_event(endpoints, openai):
    openai.endpoints = [endpoint(1)]
    assert endpoints("test", "whe_1", "--yes", "--event-type", "batch.completed").code == 0
    assert openai.requests[0].json() == {"event_type": "batch.completed"}


@pytest.mark.parametrize(("answer", "code", "finding"), [
    (error(404, "not_found", "No webhook endpoint found"), 5, "endpoint_not_found"),
    (Answer(404, b"404 page not found"), 5, "endpoint_api_missing"),
    (error(400, "invalid_value", "event_type is not supported"), 5, "endpoint_request_refused"),
    (error(403, "insufficient_permissions"), 4, "endpoint_credential_refused"),
    (error(429, "rate_limit_exceeded"), 5, "endpoint_rate_limited"),
    (error(503, "server_error"), 5, "endpoint_server_error"),
    (Answer(body=b"OK"), 5, "endpoint_unexpected_answer"),
    (Answer(fault="reset"), 6, "endpoint_network_failure"),
])
def test_test_is_sent_once_and_tells_what_openai_says(endpoints, openai, answer, code, finding):
    openai.endpoint_answers["test"] = Turns(answer)
    done = endpoints("test", "whe_1", "--yes", "--json")
    assert (done.code, done.json()["code"], done.json()["delivery"]) == (code, finding, None)
    assert len(openai.requests) == 1


@pytest.mark.parametrize("command", [["test", "whe_1"], ["rotate", "whe_1", "--to-file", "new.secret"]])
def test_nothing_is_done_without_yes(endpoints, callchain, openai, command):
    openai.endpoints = [endpoint(1)]
    done = endpoints(*command)
    assert (done.code, done.out) == (2, "")
    assert "nothing was done: without --yes this only says that it would " in done.err and "whe_1" in done.err
    for way in ("--dry-run", "--print-curl"):
        assert endpoints(*command, way).code == 0
    assert not openai.requests and not list(callchain.folder.iterdir())


def test_the_curl_command_asks_for_the_same(endpoints, openai):
    openai.endpoints = [endpoint(1)]
    for command in (["list"], ["test", "whe_1"]):
        printed = endpoints(*command, "--print-curl").out
        subprocess.run(["bash", "-c", printed], env={"PATH": "/usr/bin:/bin", "OPENAI_API_KEY": openai.key}, check=True,
                       capture_output=True)
        endpoints(*command, *(["--yes"] if command[0] == "test" else []))
        by_curl, by_us = openai.requests[-2:]
        assert (by_curl.method, by_curl.path, by_curl.body) == (by_us.method, by_us.path, by_us.body)
        assert by_curl.headers["authorization"] == by_us.headers["authorization"]


# rotate


def test_rotate_keeps_the_new_secret_in_a_file_of_ours(endpoints, callchain, openai):
    openai.endpoints = [endpoint(1)]
    done = endpoints("rotate", "whe_1", "--to-file", "new.secret", "--yes")
    assert (done.code, done.err) == (0, "")
    file = callchain.folder / "new.secret"
    assert file.read_text() == openai.endpoints[0].secret + "\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    secret = openai.endpoints[0].secret
    assert f"{secret[:10]}…{secret[-6:]}, fingerprint " in done.out
    assert "new.secret (mode 0600)" in done.out and '"NEW,OLD"' in done.out and "endpoints test whe_1 --yes" in done.out
    [request] = openai.requests
    assert (request.method, request.path) == ("POST", "/v1/webhook_endpoints/whe_1/rotate_secret")
    assert request.json() == {"keep_old_secret_active_for_24_hours": True}
    # It is what the other commands read, and the list knows it.
    [one] = endpoints("list", "--json", "--secret-file", "new.secret").json()["endpoints"]
    assert one["secrets"][0]["result"] == "fits"


def test_rotate_ends_the_old_secret_only_where_that_is_asked_for(endpoints, callchain, openai):
    openai.endpoints = [endpoint(1)]
    done = endpoints("rotate", "whe_1", "--to-file", "new.secret", "--yes", "--no-keep-old-24h", "--json")
    document = done.json()
    assert openai.requests[0].json() == {"keep_old_secret_active_for_24_hours": False}
    assert (done.code, document["fate"], document["old_secret_kept_24h"]) == (0, "saved", False)
    assert document["secret"]["length"] == 50 and "the old one is dead" in document["next_steps"][0]


@pytest.mark.parametrize("umask", [0o000, 0o777])
def test_rotate_makes_the_file_private_whatever_the_umask(callchain, openai, umask):
    openai.endpoints = [endpoint(1)]
    subprocess.run([callchain.path, "endpoints", "rotate", "whe_1", "--to-file", "new.secret", "--yes"], cwd=callchain.folder,
                   env={**callchain.environment, "OPENAI_API_KEY": openai.key, "OPENAI_BASE_URL": openai.base_url}, umask=umask,
                   check=True, capture_output=True)
    assert stat.S_IMODE((callchain.folder / "new.secret").stat().st_mode) == 0o600


def test_rotate_writes_over_nothing(endpoints, callchain, openai):
    openai.endpoints = [endpoint(1)]
    (callchain.folder / "old.secret").write_text("precious")
    (callchain.folder / "link").symlink_to("nowhere")
    for place in ("old.secret", "link", "/dev/full", "no/such/folder", "."):
        done = endpoints("rotate", "whe_1", "--to-file", place, "--yes")
        assert done.code == 2 and "nothing was sent" in done.err, place
    assert (callchain.folder / "old.secret").read_text() == "precious"
    assert not (callchain.folder / "nowhere").exists()
    assert not openai.requests


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_rotate_sends_nothing_where_the_folder_cannot_be_written(endpoints, callchain, openai):
    (callchain.folder / "locked").mkdir(mode=0o500)
    done = endpoints("rotate", "whe_1", "--to-file", "locked/new.secret", "--yes")
    assert done.code == 2 and "Permission denied" in done.err and not openai.requests


def test_rotate_sends_nothing_where_the_folder_is_of_a_file_system_that_is_not_written(endpoints, openai):
    done = endpoints("rotate", "whe_1", "--to-file", "/proc/new.secret", "--yes")
    assert done.code == 2 and "nothing was sent" in done.err and not openai.requests


@pytest.mark.parametrize(("answer", "code", "finding"), [
    (error(404, "not_found", "No webhook endpoint found"), 5, "endpoint_not_found"),
    (Answer(404), 5, "endpoint_api_missing"),
    (error(401, "invalid_api_key"), 4, "endpoint_credential_refused"),
    (error(400, "invalid_value"), 5, "endpoint_request_refused"),
    (error(429, "rate_limit_exceeded"), 5, "endpoint_rate_limited"),
])
def test_rotate_leaves_no_file_where_nothing_happened(endpoints, callchain, openai, answer, code, finding):
    openai.endpoint_answers["rotate_secret"] = Turns(answer)
    done = endpoints("rotate", "whe_1", "--to-file", "new.secret", "--yes", "--json")
    assert (done.code, done.json()["code"], done.json()["fate"]) == (code, finding, "unchanged")
    assert not list(callchain.folder.iterdir())


@pytest.mark.parametrize(("answer", "code"), [
    (Answer(fault="reset", carried_out=True), 6), (Answer(fault="hang", carried_out=True), 6),
    (Answer(fault=HALF, carried_out=True), 6), (error(500, "server_error"), 5), (Answer(302), 5),
])
def test_rotate_says_plainly_that_the_secret_may_have_changed(endpoints, callchain, openai, answer, code):
    openai.endpoints = [endpoint(1)]
    openai.endpoint_answers["rotate_secret"] = Turns(answer)
    done = endpoints("rotate", "whe_1", "--to-file", "new.secret", "--yes", "--timeout", "1")
    assert done.code == code
    assert "endpoint_rotation_unknown: the secret of whe_1 may have been changed" in done.err
    assert "callchain endpoints list" in done.err and "updated_at" in done.err
    assert not (callchain.folder / "new.secret").exists()
    document = endpoints("rotate", "whe_1", "--to-file", "new.secret", "--yes", "--timeout", "1", "--json").json()
    assert (document["fate"], document["code"]) == ("unknown", "endpoint_rotation_unknown")
    assert len(openai.requests) == 2  # never twice


def test_rotate_is_sure_where_nobody_listens(endpoints, callchain):
    done = endpoints("rotate", "whe_1", "--to-file", "new.secret", "--yes", "--json",
                     OPENAI_BASE_URL=f"http://127.0.0.1:{closed_port()}/v1")
    assert (done.code, done.json()["fate"], done.json()["sent"]) == (6, "unchanged", False)
    assert not list(callchain.folder.iterdir())


@pytest.mark.parametrize("body", [b"{}", b"OK", b'{"signing_secret":""}', b'{"signing_secret":"whsec_\\u001b[2Jsecretsecretsecret"}'])
def test_rotate_claims_nothing_of_an_answer_without_a_secret(endpoints, callchain, openai, body):
    openai.endpoint_answers["rotate_secret"] = Turns(Answer(body=body))
    done = endpoints("rotate", "whe_1", "--to-file", "new.secret", "--yes")
    assert done.code == 5 and "secretsecret" not in done.err
    assert "endpoint_rotation_unknown: the secret of whe_1 may have been changed" in done.err
    assert not list(callchain.folder.iterdir())


# --to-fd


@pytest.fixture
def rotate_to_fd(callchain, openai):
    """Rotates with descriptors of a shell; `redirections` as `3>out`."""
    openai.endpoints = [endpoint(1)]

    def run(number: str, redirections: str, *args: str) -> Outcome:
        command = f'exec "$0" endpoints rotate whe_1 --yes --to-fd {number} "$@" {redirections}'
        done = subprocess.run(["bash", "-c", command, callchain.path, *args], cwd=callchain.folder, capture_output=True, text=True,
                              env={**callchain.environment, "OPENAI_API_KEY": openai.key, "OPENAI_BASE_URL": openai.base_url},
                              timeout=TIMEOUT_SECONDS, check=False)
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run


def test_rotate_to_a_descriptor(rotate_to_fd, callchain, openai):
    done = rotate_to_fd("3", "3>out")
    assert done.code == 0, done.err
    assert (callchain.folder / "out").read_text() == openai.endpoints[0].secret + "\n"
    assert "the new secret is in descriptor 3" in done.out
    hold(openai, done.out, done.err)


def test_rotate_to_a_pipe_gives_the_secret_alone(rotate_to_fd, openai):
    done = rotate_to_fd("1", "")
    assert done.code == 0
    assert done.out == openai.endpoints[0].secret + "\n"
    assert done.err.startswith("rotated whe_1, ")
    hold(openai, done.err)


@pytest.mark.parametrize(("number", "redirections", "args", "words"), [
    ("7", "", [], "descriptor 7 is not open"), ("3", "3</dev/null", [], "for reading only"),
    ("3", "3>/dev/full", [], "No space left on device"), ("1", ">/dev/full", [], "No space left on device"),
    ("2", "", [], "descriptor 2 has the error messages"), ("1", "", ["--json"], "--json needs descriptor 1"),
    ("3", "3>out", ["--to-file", "new.secret"], "two places"), ("0", "", [], "--to-fd"),
    ("3", "3> >(exec <&-; exec sleep 0)", ["-q"], ""),
])
def test_rotate_sends_nothing_where_the_descriptor_takes_nothing(rotate_to_fd, openai, number, redirections, args, words):
    done = rotate_to_fd(number, redirections, *args)
    if words:
        assert done.code == 2 and words in done.err, done.err
        assert not openai.requests
    else:  # the reader of the pipe goes whenever it likes: before, or while the answer is waited for
        assert done.code in (0, 1, 2)


def test_rotate_tells_where_the_place_fails_behind_the_answer(callchain, openai):
    """The reader goes away while the answer is on its way."""
    openai.endpoints = [endpoint(1)]
    openai.endpoint_answers["rotate_secret"] = Turns(Answer(carried_out=True, delay=1))
    reading, writing = os.pipe()
    process = subprocess.Popen([callchain.path, "endpoints", "rotate", "whe_1", "--yes", "--to-fd", str(writing)], pass_fds=[writing],
                               cwd=callchain.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env={**callchain.environment, "OPENAI_API_KEY": openai.key, "OPENAI_BASE_URL": openai.base_url})
    os.close(writing)
    assert wait_until(lambda: openai.requests)
    os.close(reading)
    out, err = process.communicate(timeout=TIMEOUT_SECONDS)
    assert (process.returncode, out) == (1, "")
    assert "endpoint_secret_lost: the secret of whe_1 was changed and the new one is lost" in err and "Broken pipe" in err
    assert "Rotate again" in err
    hold(openai, err)


@pytest.mark.parametrize("args", [("--to-file", "new.secret"), ("--to-file", "new.secret", "--json")])
def test_rotate_leaves_no_half_secret_where_the_file_cannot_be_written(callchain, openai, args):
    openai.endpoints = [endpoint(1)]
    command = 'ulimit -f 0; exec "$0" endpoints rotate whe_1 --yes "$@" 2>&1 | cat'
    done = subprocess.run(["bash", "-c", "set -o pipefail; " + command, callchain.path, *args], cwd=callchain.folder, check=False,
                          env={**callchain.environment, "OPENAI_API_KEY": openai.key, "OPENAI_BASE_URL": openai.base_url},
                          capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    assert done.returncode == 1
    assert "endpoint_secret_lost" in done.stdout and "File too large" in done.stdout
    if "--json" in args:
        document = json.loads(done.stdout)
        assert (document["outcome"], document["fate"], document["secret"]) == ("done", "lost", None)
        assert not SCHEMAS.check_output(done.stdout.encode(), b"")
    hold(openai, done.stdout)
    assert not list(callchain.folder.iterdir())


def test_rotate_shows_a_secret_on_a_terminal_only_where_that_is_asked_for(callchain, openai):
    openai.endpoints = [endpoint(1)]
    ours, theirs = pty.openpty()
    variables = {**callchain.environment, "OPENAI_API_KEY": openai.key, "OPENAI_BASE_URL": openai.base_url}
    command = [callchain.path, "endpoints", "rotate", "whe_1", "--yes", "--to-fd", "1"]
    try:
        refused = subprocess.run(command, env=variables, cwd=callchain.folder, stdout=theirs, stderr=subprocess.PIPE, text=True,
                                 timeout=TIMEOUT_SECONDS, check=False)
        assert refused.returncode == 2 and "is a terminal" in refused.stderr and not openai.requests
        shown = subprocess.run([*command, "--show"], env=variables, cwd=callchain.folder, stdout=theirs, stderr=subprocess.PIPE,
                               text=True, timeout=TIMEOUT_SECONDS, check=False)
        assert shown.returncode == 0, shown.stderr
        assert os.read(ours, 4096).decode().strip() == openai.endpoints[0].secret
    finally:
        os.close(ours)
        os.close(theirs)


# Interrupts


def test_an_interrupt_ends_a_list_and_a_test(callchain, openai):
    for command in (["list"], ["test", "whe_1", "--yes"]):
        openai.requests.clear()
        openai.endpoint_answers[command[0]] = Turns(Answer(fault="hang"))
        process = callchain.start("endpoints", *command, OPENAI_API_KEY=openai.key, OPENAI_BASE_URL=openai.base_url)
        assert openai.wait_for(lambda: openai.requests)
        done = stop(process, signal.SIGINT)
        assert done.code == 130 and "interrupted" in done.err


def start_rotation(callchain, openai, answer: Answer, *args: str):
    openai.endpoints = [endpoint(1)]
    openai.endpoint_answers["rotate_secret"] = Turns(answer)
    process = callchain.start("endpoints", "rotate", "whe_1", "--to-file", "new.secret", "--yes", "--timeout", "60", *args,
                              OPENAI_API_KEY=openai.key, OPENAI_BASE_URL=openai.base_url)
    assert openai.wait_for(lambda: openai.requests)
    process.send_signal(signal.SIGHUP)  # the terminal has gone: nothing to say, and nobody to say it to
    process.send_signal(signal.SIGINT)
    assert "waiting for its answer, at most 60 seconds" in process.stderr.readline()
    return process


@pytest.mark.parametrize("args", [(), ("-q",)])
def test_one_interrupt_does_not_lose_the_secret(callchain, openai, args):
    process = start_rotation(callchain, openai, Answer(carried_out=True, delay=1), *args)
    out, _ = process.communicate(timeout=TIMEOUT_SECONDS)
    assert process.returncode == 0 and out.startswith("rotated whe_1")
    assert (callchain.folder / "new.secret").read_text() == openai.endpoints[0].secret + "\n"


def test_a_second_interrupt_gives_it_up_and_says_what_that_means(callchain, openai):
    process = start_rotation(callchain, openai, Answer(fault="hang", carried_out=True), "-q")
    done = stop(process, signal.SIGINT)
    assert done.code == 130
    assert "endpoint_rotation_unknown" in done.err and re.search(r"hint: .*updated_at", done.err)
    assert not (callchain.folder / "new.secret").exists()
