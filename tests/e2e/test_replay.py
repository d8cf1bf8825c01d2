"""replay-webhook: what is sent, under which signature, where to, how often, and what never goes along."""

import json
import re
import stat
import subprocess
import time

import pytest

from conftest import wait_until
from receivers import SIGNED_HEADERS, Receiver, always, checks, slow
from replay_runs import BODY, RECORDED_AT, ROOT, Replay, only, recorded
from serve_process import OTHER_SECRET, SECRET, call_event, delivery_of


@pytest.fixture
def replay(callchain):
    return Replay(callchain)


@pytest.fixture
def receiver():
    """An honest one."""
    with Receiver(checks()) as running:
        yield running


# Signed afresh


def test_a_delivery_is_signed_afresh(replay, receiver):
    begin = int(time.time())
    done = replay(replay.capture(), "--to", receiver.url)
    assert done.code == 0, done.out + done.err
    request = only(receiver)
    assert request.line == "POST /openai/webhook HTTP/1.1"
    assert request.body == BODY
    assert re.fullmatch(r"wh_[0-9a-f]{32}", request.header("webhook-id"))
    assert begin <= int(request.header("webhook-timestamp")) <= time.time()
    assert request.is_signed_with(SECRET)
    for name in ("content-type", "user-agent"):
        assert request.values(name) == [value for written, value in recorded().all_headers() if written.lower() == name]
    assert sorted(set(request.names()) - {"accept"}) == sorted(["content-length", "content-type", "host", "user-agent", *SIGNED_HEADERS])
    assert request.header("host") == f"127.0.0.1:{receiver.port}"
    assert "200 OK" in done.out


def test_every_run_has_an_id_of_its_own(replay, receiver):
    for _ in range(2):
        assert replay(replay.capture(), "--to", receiver.url).code == 0
    assert len({request.header("webhook-id") for request in receiver.requests}) == 2


def test_keep_id_is_as_a_retry(replay, receiver):
    assert replay(replay.capture(), "--to", receiver.url, "--keep-id").code == 0
    request = only(receiver)
    assert request.header("webhook-id") == "wh_recorded"
    assert int(request.header("webhook-timestamp")) > RECORDED_AT
    assert request.is_signed_with(SECRET)


def test_several_secrets_sign_as_during_a_rotation(replay):
    with Receiver(checks(secrets=(OTHER_SECRET,))) as receiver:
        done = replay(replay.capture(), "--to", receiver.url, "--secret-env", "old=OPENAI_WEBHOOK_SECRET", "--secret-env", "new=NEW",
                      NEW=OTHER_SECRET)
    assert done.code == 0, done.out + done.err
    request = only(receiver)
    assert request.is_signed_with(SECRET) and request.is_signed_with(OTHER_SECRET)
    assert len(request.header("webhook-signature").split(" ")) == 2
    assert '"old"' in done.out and '"new"' in done.out


def test_a_secret_file_and_a_descriptor_sign_as_well(replay, receiver):
    (replay.folder / "a.secret").write_text(SECRET + "\n")
    assert replay(replay.capture(), "--to", receiver.url, "--secret-file", "a.secret", OPENAI_WEBHOOK_SECRET="").code == 0
    assert only(receiver).is_signed_with(SECRET)


def test_a_capture_of_svix_is_sent_with_the_standards_names(replay, receiver):
    capture = recorded().request().replace(b"webhook-", b"svix-").replace(b"/openai/svix-webhook", b"/openai/webhook")
    assert replay(replay.capture(data=capture), "--to", receiver.url).code == 0
    request = only(receiver)
    assert request.is_signed_with(SECRET) and not [name for name in request.names() if name.startswith("svix-")]


# As it is


@pytest.mark.parametrize("body", [
    BODY, b"\xff\xfe\x00 no text\r\n", b'{"a":1}\n', b'\xef\xbb\xbf{"a" : 1 }  ', bytes(range(256)) * 40, b"x" * 300_000,
], ids=["event", "binary", "line end", "BOM and blanks", "every byte", "large"])
def test_as_is_sends_the_same_bytes(replay, body):
    delivery = recorded(body, headers=[("X-Odd-Case", "kept  as it is"), ("X-Twice", "2"), ("X-Twice", "1"), ("X-Empty", "")])
    with Receiver(always(200)) as receiver:
        done = replay(replay.capture(data=delivery.request()), "--to", receiver.url, "--as-is", OPENAI_WEBHOOK_SECRET="")
    assert done.code == 0, done.err
    request = only(receiver)
    assert request.body == body
    for name, value in delivery.all_headers():
        assert (name, value) in request.headers
    assert request.values("X-Twice") == ["2", "1"]


def test_as_is_says_how_stale_it_is(replay, receiver):
    done = replay(replay.capture(), "--to", receiver.url, "--as-is", "--json")
    assert done.code == 1
    assert re.search(r"was signed \d+ days.* ago; an honest receiver allows 300 seconds", done.err)
    [delivery] = done.json()["deliveries"]
    assert abs(delivery["age_seconds"] - (time.time() - RECORDED_AT)) < 60
    assert (delivery["status"], delivery["signed"]) == (401, False)
    assert "older than 300 seconds" in replay(replay.capture(), "--to", receiver.url, "--as-is").err


def test_as_is_is_quiet_about_a_fresh_one(replay, receiver):
    done = replay(replay.capture(data=delivery_of("rtc_1").request()), "--to", receiver.url, "--as-is")
    assert (done.code, done.err) == (0, "")


def test_as_is_sends_a_request_of_twilio(replay):
    capture = (ROOT / "samples/twilio-behind-proxy.http").read_bytes()
    with Receiver(always(200)) as receiver:
        assert replay(replay.capture(data=capture), "--to", receiver.origin, "--as-is").code == 0
        assert replay(replay.capture(data=capture), "--to", receiver.origin).code == 2  # no secret of ours could sign it
    request = only(receiver)
    assert request.body == capture.partition(b"\r\n\r\n")[2]
    assert request.header("x-twilio-signature") and "x-forwarded-proto" not in request.names()


# Edits


@pytest.mark.parametrize(("edit", "old", "new"), [
    ("data.call_id=rtc_other", b'"rtc_u1_recorded"', b'"rtc_other"'),
    ("/data/call_id=rtc_other", b'"rtc_u1_recorded"', b'"rtc_other"'),
    ("data.call_id=a=b", b'"rtc_u1_recorded"', b'"a=b"'),
    ("created_at=7", b"1767801599", b"7"),
    ("created_at:=null", b"1767801599", b"null"),
    ("data.sip_headers.1.value=2", b'"1.0\\/2"', b'"2"'),
    ("/data/sip_headers/0/name=To", b'"From"', b'"To"'),
    ('data:={"a": [1,  2]}', BODY[BODY.index(b'{"call_id"'):-1], b'{"a": [1,  2]}'),
], ids=lambda value: value if isinstance(value, str) else "")
def test_an_edit_changes_one_value_and_no_other_byte(replay, receiver, edit, old, new):
    assert replay(replay.capture(), "--to", receiver.url, "--set", edit).code == 0
    request = only(receiver)
    assert BODY.count(old) == 1 and request.body == BODY.replace(old, new)
    assert request.is_signed_with(SECRET)


def test_several_edits_and_a_new_member(replay, receiver):
    assert replay(replay.capture(), "--to", receiver.url, "--set", "id=evt_2", "--set", "data.call_id=rtc_ação",
                  "--set", "data.note:=true").code == 0
    got, was = json.loads(only(receiver).body), json.loads(BODY)
    was["id"], was["data"]["call_id"], was["data"]["note"] = "evt_2", "rtc_ação", True
    assert got == was and list(got["data"])[-1] == "note"


@pytest.mark.parametrize(("edit", "word"), [
    ("data.call_id", "="), ("=x", "path"), ("data..x=1", "empty step"), ("/a~2=1", "~"), ("a:={", "no JSON"),
])
def test_an_edit_that_cannot_be_read_is_usage(replay, receiver, edit, word):
    done = replay(replay.capture(), "--to", receiver.url, "--set", edit)
    assert done.code == 2 and word in done.err and "hint:" in done.err
    assert not receiver.requests


@pytest.mark.parametrize(("body", "edit", "word"), [
    (BODY, "data.sip_headers.9.value=x", "9"), (BODY, "nowhere.call_id=x", "nowhere"), (b"no JSON", "a=1", "JSON"),
], ids=["index", "name", "no JSON"])
def test_an_edit_that_leads_nowhere_names_the_step(replay, receiver, body, edit, word):
    done = replay(replay.capture(data=recorded(body).request()), "--to", receiver.url, "--set", edit)
    assert done.code == 2 and word in done.err
    assert not receiver.requests


# What never goes along


PRIVATE = [("Authorization", "Bearer made-up-token"), ("Cookie", "session=made-up"), ("cookie", "b=2"), ("Proxy-Authorization", "Basic eA=="),
           ("X-Api-Key", "made-up-key"), ("Connection", "keep-alive, X-Hop"), ("X-Hop", "1"), ("Keep-Alive", "timeout=5"), ("TE", "trailers"),
           ("Trailer", "Expires"), ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABk"), ("Proxy-Connection", "keep-alive"),
           ("Expect", "100-continue"), ("Accept-Encoding", "gzip"), ("Forwarded", "for=192.0.2.1"), ("X-Forwarded-For", "192.0.2.1"),
           ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "old.example"), ("X-Real-Ip", "192.0.2.1"), ("Via", "1.1 old"),
           ("Cf-Ray", "1"), ("X-Railway-Edge", "railway/us"), ("Traceparent", "00-1-1-01")]


@pytest.mark.parametrize("how", [[], ["--as-is"], ["--keep-id"]])
def test_nothing_private_or_of_the_connection_arrives(replay, how):
    capture = recorded(headers=[*PRIVATE, ("X-Kept", "yes")]).request()
    with Receiver(always(200)) as receiver:
        done = replay(replay.capture(data=capture), "--to", receiver.url, *how, "-v", "--json")
    assert done.code == 0, done.err
    request = only(receiver)
    assert request.header("x-kept") == "yes"
    for name, value in PRIVATE:
        assert value not in request.values(name), name
    assert request.header("host") == f"127.0.0.1:{receiver.port}"
    left_out = {name.lower() for name in done.json()["deliveries"][0]["left_out"]}
    assert {name.lower() for name, _ in PRIVATE} <= left_out
    assert "made-up" not in done.out + done.err


def test_the_environments_proxies_are_not_used(replay):
    with Receiver(always(200)) as proxy:
        variables = {name: proxy.origin for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")}
        for url in ("http://receiver.invalid/", "https://receiver.invalid/"):
            done = replay(replay.capture(), "--to", url, "--json", **variables)
            assert (done.code, done.json()["deliveries"][0]["failure"]["kind"]) == (6, "resolve")
        assert not proxy.requests and not proxy.connections


def test_netrc_is_not_read(replay, receiver):
    (replay.folder / ".netrc").write_text("machine 127.0.0.1 login somebody password made-up\n")
    assert replay(replay.capture(), "--to", receiver.url, HOME=str(replay.folder)).code == 0
    assert "authorization" not in only(receiver).names()


# Where to


@pytest.mark.parametrize(("to", "target"), [("", "/recorded/path"), ("/", "/"), ("/other?x=1", "/other?x=1"), ("?x=1", "/?x=1")])
def test_the_recorded_path_is_taken_where_the_url_has_none(replay, to, target):
    capture = recorded().request().replace(b"/openai/webhook", b"/recorded/path?a=1&b=%20")
    with Receiver(always(200)) as receiver:
        assert replay(replay.capture(data=capture), "--to", receiver.origin + to).code == 0
    assert only(receiver).target == target


def test_of_an_absolute_url_in_the_request_line_only_the_path_counts(replay, receiver):
    capture = recorded().request().replace(b"/openai/webhook", b"http://elsewhere.example:81/openai/webhook")
    assert replay(replay.capture(data=capture), "--to", receiver.origin).code == 0
    assert only(receiver).target == "/openai/webhook"


def test_dry_run_prints_the_address_and_sends_nothing(replay, receiver):
    done = replay(replay.capture(), "--to", f"http://localhost:{receiver.port}/openai/webhook", "--dry-run")
    assert done.code == 0, done.err
    assert re.search(r"^connects to http://localhost:\d+/openai/webhook at .*127\.0\.0\.1", done.out)
    assert BODY[:40].decode() in done.out
    document = replay(replay.capture(), "--to", receiver.url, "--dry-run", "--json").json()
    assert (document["mode"], document["sent"]) == ("dry_run", False)
    assert document["addresses"] == [{"url": receiver.url, "addresses": ["127.0.0.1"], "error": None}]
    assert not receiver.requests and not receiver.connections


def test_dry_run_tells_of_a_host_without_address(replay):
    done = replay(replay.capture(), "--to", "http://receiver.invalid/", "--dry-run")
    assert done.code == 0 and "no address" in done.out


def test_the_printed_curl_command_sends_the_same(replay, receiver):
    done = replay(replay.capture(), "--to", receiver.url, "--print-curl")
    assert done.code == 0 and not receiver.requests
    subprocess.run(["bash", "-c", done.out], env={"PATH": "/usr/bin:/bin"}, check=True, capture_output=True)
    request = only(receiver)
    assert request.body == BODY and request.is_signed_with(SECRET)
    assert replay(replay.capture(), "--to", receiver.url, "--matrix", "--print-curl").out.count("curl ") > 20


# Several, and many


def test_several_captures_and_a_folder(replay, receiver):
    for number in range(3):
        replay.capture(f"folder/{number}.http", recorded(call_event(f"rtc_{number}")).request())
    replay.capture("folder/note.txt", b"no capture")
    done = replay(replay.capture(), "folder", "--to", receiver.url, "--json")
    assert done.code == 0, done.err
    assert [json.loads(request.body)["data"]["call_id"] for request in receiver.requests] == ["rtc_u1_recorded", "rtc_0", "rtc_1", "rtc_2"]
    assert len({request.header("webhook-id") for request in receiver.requests}) == 4
    assert [delivery["source"] for delivery in done.json()["deliveries"]] == ["capture.http", *(f"folder/{n}.http" for n in range(3))]


def test_a_folder_without_captures_is_an_error(replay, receiver):
    (replay.folder / "empty").mkdir()
    done = replay("empty", "--to", receiver.url)
    assert done.code == 2 and "no capture" in done.err


def test_a_folder_that_serve_wrote(replay, serve, receiver):
    running = serve(CALLCHAIN_CAPTURE_DIR="captures", CALLCHAIN_SIDEBAND="off")
    refused = [recorded(call_event(f"rtc_{number}")) for number in range(2)]
    assert {running.deliver(delivery).status for delivery in refused} == {401}
    assert wait_until(lambda: len(list((replay.folder / "captures").glob("*.http"))) == 2)
    done = replay("captures", "--to", receiver.url)
    assert done.code == 0, done.out + done.err
    assert {request.body for request in receiver.requests} == {delivery.body for delivery in refused}


def test_repeat_gives_each_an_id_of_its_own(replay, receiver):
    done = replay(replay.capture(), "--to", receiver.url, "--repeat", "50", "--json")
    assert done.code == 0, done.err
    assert len({request.header("webhook-id") for request in receiver.requests}) == 50
    assert all(request.is_signed_with(SECRET) for request in receiver.requests)
    summary = done.json()["summary"]
    assert (summary["deliveries"], summary["answered"], summary["expected"], summary["statuses"]) == (50, 50, 50, {"200": 50})
    assert summary["duration_ms"]["shortest"] <= summary["duration_ms"]["median"] <= summary["duration_ms"]["longest"]


def test_repeat_with_keep_id_is_one_delivery_again_and_again(replay, receiver):
    assert replay(replay.capture(), "--to", receiver.url, "--repeat", "5", "--keep-id").code == 0
    assert {request.header("webhook-id") for request in receiver.requests} == {"wh_recorded"}


def test_one_at_a_time_unless_asked(replay):
    with Receiver(slow(0.02)) as receiver:
        assert replay(replay.capture(), "--to", receiver.url, "--repeat", "10").code == 0
        assert receiver.most_at_once == 1


def test_concurrency_is_bounded_and_used(replay):
    with Receiver(slow(0.2)) as receiver:
        assert replay(replay.capture(), "--to", receiver.url, "--repeat", "12", "--concurrency", "4").code == 0
        assert len(receiver.requests) == 12 and 1 < receiver.most_at_once <= 4


def test_the_rate_is_bounded(replay, receiver):
    assert replay(replay.capture(), "--to", receiver.url, "--repeat", "9", "--concurrency", "4", "--rate", "20").code == 0
    times = [request.at for request in receiver.requests]
    assert len(times) == 9 and max(times) - min(times) >= 8 / 20 * 0.7


def test_the_time_is_bounded(replay):
    with Receiver(slow(0.3)) as receiver:
        begin = time.monotonic()
        done = replay(replay.capture(), "--to", receiver.url, "--repeat", "1000", "--max-time", "1", "--json")
        assert time.monotonic() - begin < 30
    assert done.code == 6
    summary = done.json()["summary"]
    assert summary["ended_early"] == "max_time" and 0 < summary["answered"] == len(receiver.requests) < 10
    with Receiver(slow(0.3)) as receiver:
        assert "--max-time was up" in replay(replay.capture(), "--to", receiver.url, "--repeat", "1000", "--max-time", "1").out


def test_load_on_another_machine_must_be_asked_for(replay):
    far = ["--to", "http://192.0.2.1/", "--dry-run"]
    done = replay(replay.capture(), *far, "--repeat", "11")
    assert done.code == 2 and "--yes-load" in done.err
    assert replay(replay.capture(), *far, "--repeat", "11", "--yes-load").code == 0
    assert replay(replay.capture(), *far, "--repeat", "10").code == 0
    for here in ("http://127.0.0.1:1/", "http://127.8.9.1:1/", "http://localhost:1/", "http://[::1]:1/"):
        assert replay(replay.capture(), "--to", here, "--dry-run", "--repeat", "11").code == 0
    for elsewhere in ("http://localhost.example/", "http://127.0.0.1.example/", "http://[2001:db8::1]/", "http://0.0.0.0/"):
        assert replay(replay.capture(), "--to", elsewhere, "--dry-run", "--repeat", "11").code == 2, elsewhere


# --save


def test_save_writes_a_capture_and_sends_nothing(replay, callchain):
    done = replay(replay.capture(), "--set", "data.call_id=rtc_saved", "--save", "saved.http")
    assert done.code == 0, done.err
    saved = replay.folder / "saved.http"
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    verified = callchain.run("verify-sig", "--request", "saved.http", "--json", OPENAI_WEBHOOK_SECRET=SECRET)
    assert (verified.code, verified.json()["verdict"]) == (0, "valid")
    assert b"rtc_saved" in saved.read_bytes()
    again = replay(replay.capture(), "--save", "saved.http")
    assert again.code == 2 and "not written over" in again.err and b"rtc_saved" in saved.read_bytes()


def test_save_with_json_prints_a_document(replay):
    done = replay(replay.capture(), "--save", "saved.http", "--json")
    assert done.code == 0 and done.json()["sent"] is False


def test_what_is_saved_is_what_is_sent(replay, receiver):
    assert replay(replay.capture(), "--to", receiver.url, "--save", "saved.http").code == 0
    head, _, body = (replay.folder / "saved.http").read_bytes().partition(b"\r\n\r\n")
    request = only(receiver)
    assert body == request.body
    for name in SIGNED_HEADERS:
        assert f"{name}: {request.header(name)}".encode() in head, name


# Usage


@pytest.mark.parametrize(("args", "words"), [
    ([], ["nothing to replay", "--to is missing"]),
    (["capture.http"], ["--to is missing"]),
    (["--to", "http://127.0.0.1:1/"], ["nothing to replay"]),
    (["capture.http", "--to", "127.0.0.1:8080"], ["http or https URL", "scheme"]),
    (["capture.http", "--to", "ftp://127.0.0.1/"], ["http or https URL"]),
    (["capture.http", "--to", "ws://127.0.0.1/"], ["http or https URL"]),
    (["capture.http", "--to", "http://user:made-up@127.0.0.1/"], ["http or https URL"]),
    (["capture.http", "--to", "http://127.0.0.1/#x"], ["http or https URL"]),
    (["capture.http", "--to", "http://127.1/"], ["http or https URL"]),
    (["capture.http", "--to", "http://127.0.0.1:1/", "--event", "realtime.call.incoming"], ["different sources"]),
    (["capture.http", "--to", "http://127.0.0.1:1/", "--body", "x"], ["--body belongs to --log"]),
    (["capture.http", "--to", "http://127.0.0.1:1/", "--pick", "first"], ["--pick takes"]),
    (["capture.http", "--to", "http://127.0.0.1:1/", "--as-is", "--keep-id"], ["--keep-id"]),
    (["capture.http", "--to", "http://127.0.0.1:1/", "--as-is", "--set", "a=1"], ["--set"]),
    (["capture.http", "--to", "http://127.0.0.1:1/", "--as-is", "--matrix"], ["--matrix"]),
    (["capture.http", "--to", "http://127.0.0.1:1/", "--compare", "http://127.0.0.1:2/", "--matrix"], ["--compare"]),
    (["capture.http", "--to", "http://127.0.0.1:1/", "--matrix", "--repeat", "2"], ["--repeat"]),
    (["capture.http", "--to", "http://127.0.0.1:1/", "--matrix", "--expect", "2xx"], ["--expect"]),
    (["capture.http", "--to", "http://127.0.0.1:1/", "--expect", "ok"], ["--expect"]),
    (["capture.http", "--to", "http://127.0.0.1:1/", "--expect", "600"], ["--expect"]),
    (["capture.http", "--to", "http://127.0.0.1:1/", "--report", "xml"], ["--report"]),
    (["capture.http", "--to", "http://127.0.0.1:1/", "--report", "junit="], ["--report"]),
    (["capture.http", "--to", "http://127.0.0.1:1/", "--repeat", "0"], ["--repeat"]),
    (["capture.http", "--to", "http://127.0.0.1:1/", "--repeat", "100001"], ["--repeat"]),
    (["capture.http", "--to", "http://127.0.0.1:1/", "--matrix=some"], ["basic, full"]),
    (["missing.http", "--to", "http://127.0.0.1:1/"], ["missing.http"]),
    (["--event", "batch.completed", "--to", "http://127.0.0.1:1/"], ["--event"]),
    (["--to", "x", "--compare", "y", "--expect", "z", "--as-is", "--keep-id"],
     ["nothing to replay", '"x"', '"y"', "--expect", "--keep-id"]),
])
def test_bad_usage_is_told_all_at_once(replay, args, words):
    replay.capture()
    done = replay(*args)
    assert done.code == 2 and done.out == "" and "hint:" in done.err
    for word in words:
        assert word in done.err, done.err
    assert "made-up" not in done.err


def test_no_secret_and_a_broken_one_are_usage(replay):
    done = replay(replay.capture(), "--to", "http://127.0.0.1:1/", OPENAI_WEBHOOK_SECRET="")
    assert done.code == 2 and "OPENAI_WEBHOOK_SECRET is not set" in done.err
    done = replay(replay.capture(), "--to", "http://127.0.0.1:1/", OPENAI_WEBHOOK_SECRET="whsec_not*base64*at*all")
    assert done.code == 2 and "secret" in done.err and "not*base64" not in done.err


def test_an_error_is_an_object_with_json(replay):
    done = replay("missing.http", "--to", "http://127.0.0.1:1/", "--json")
    assert done.code == 2 and done.out == ""
    assert {"code", "message", "hint"} == set(json.loads(done.err))
