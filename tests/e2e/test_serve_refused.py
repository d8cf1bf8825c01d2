"""What stays of a delivery that `callchain serve` refuses: a record that proves the cause, a diagnosis, a capture."""

import base64
import hashlib
import json
import os
import re
import stat
import time

import pytest

from conftest import wait_until
from serve_process import OTHER_SECRET, SECRET, Delivery, call_event, delivery_of, request, signature

RECORD = "callchain webhook record"
FORGED = "v1," + "A" * 43 + "="


def reserialized(call_id: str = "rtc_1") -> Delivery:
    """Signed as OpenAI wrote it, and then parsed and written again on its way."""
    delivery = delivery_of(call_id)
    delivery.body = json.dumps(json.loads(delivery.body), separators=(",", ":")).encode()
    return delivery


def by_another_secret() -> Delivery:
    delivery = delivery_of("rtc_1")
    delivery.signature = signature(delivery.body, delivery.webhook_id, delivery.timestamp, secret=OTHER_SECRET)
    return delivery


def proved(done) -> list[str]:
    return [finding["code"] for finding in done.json()["findings"] if finding["proved"]]


# The record


def test_the_record_has_what_was_received(serve):
    running = serve()
    delivery = by_another_secret()
    running.deliver(delivery)
    record = running.logged(RECORD)
    assert record["schema"] == "callchain.webhook-record/1"
    # Sealed with "text:", so that no log pipeline makes a number of it.
    assert (record["webhook_id"], record["webhook_timestamp"].removeprefix("text:")) == (delivery.webhook_id, delivery.timestamp)
    assert record["webhook_signature"] == delivery.signature
    assert (record["body_length"], record["body_sha256"]) == (len(delivery.body), hashlib.sha256(delivery.body).hexdigest())
    assert record["verdict"] == "signature_mismatch" and record["reason"]
    assert "body_base64" not in record
    assert record["user_agent"].startswith("OpenAI/1.0")


def test_the_record_has_the_body_where_it_was_asked_for(serve):
    running = serve(CALLCHAIN_RECORD="full")
    delivery = reserialized()
    running.deliver(delivery)
    assert base64.b64decode(running.logged(RECORD)["body_base64"]) == delivery.body
    assert "incidents" in running.log()[0]["record"]


@pytest.mark.parametrize("delivery", [
    Delivery(b"x" * 20_000, signature=FORGED), Delivery(call_event("rtc_1"), timestamp=str(int(time.time()) - 86_400)),
    Delivery(call_event("rtc_1"), timestamp="yesterday"),
    Delivery(call_event("rtc_1"), webhook_id="wh_" + "0" * 5_000, signature=FORGED),
], ids=["large", "old", "no time", "long id"])
def test_strangers_do_not_write_bodies_into_the_log(serve, delivery):
    running = serve(CALLCHAIN_RECORD="full")
    running.deliver(delivery)
    record = running.logged(RECORD)
    assert "body_base64" not in record and record["body_left_out"]


def test_the_record_survives_what_a_stranger_sends(serve):
    running = serve()
    delivery = delivery_of("rtc_1")
    delivery.webhook_id = 'wh_"}\\{"level":"error","message":"ready\u2028'
    reply = running.deliver(delivery)
    assert reply.status == 401
    record = running.logged(RECORD)  # each line of the log is one document still
    assert len(running.out().split("\n")) - 1 == len(running.log())
    assert "\u2028" not in running.out() and record["verdict"] == "signature_mismatch"


@pytest.mark.parametrize("log", ["json", "text"])
def test_the_services_own_log_proves_that_the_body_was_written_again(serve, callchain, log):
    running = serve(CALLCHAIN_RECORD="full", CALLCHAIN_LOG=log)
    running.deliver(reserialized())
    assert wait_until(lambda: RECORD in running.out())
    done = callchain.run("verify-sig", "--log", running.log_path.name, "--json", OPENAI_WEBHOOK_SECRET=SECRET)
    assert (done.code, proved(done)) == (1, ["body_json_reserialized"]), done.out


def test_the_services_own_log_proves_that_another_endpoints_secret_signed(serve, callchain):
    running = serve("--secret-env", "railway=OPENAI_WEBHOOK_SECRET", CALLCHAIN_RECORD="full")
    running.deliver(by_another_secret())
    running.logged(RECORD)
    done = callchain.run("verify-sig", "--log", running.log_path.name, "--json", "--secret-env", "railway=OPENAI_WEBHOOK_SECRET",
                         "--secret-env", "local=LOCAL_SECRET", OPENAI_WEBHOOK_SECRET=SECRET, LOCAL_SECRET=OTHER_SECRET)
    assert (done.code, proved(done)) == (1, ["secret_other_label"]), done.out
    assert "local" in json.dumps(done.json()["findings"])


def test_without_the_body_the_log_proves_nothing_and_with_it_all(serve, callchain):
    running = serve()
    delivery = reserialized()
    running.deliver(delivery)
    running.logged(RECORD)
    done = callchain.run("verify-sig", "--log", running.log_path.name, "--json", OPENAI_WEBHOOK_SECRET=SECRET)
    assert (done.code, proved(done)) == (3, []), done.out
    (callchain.folder / "body.json").write_bytes(delivery.body)
    done = callchain.run("verify-sig", "--log", running.log_path.name, "--body", "body.json", "--json",
                         OPENAI_WEBHOOK_SECRET=SECRET)
    assert (done.code, proved(done)) == (1, ["body_json_reserialized"]), done.out


# The diagnosis


@pytest.mark.parametrize("name, code", [("reserialized", "body_json_reserialized"), ("newline", "body_trailing_newline_added")])
def test_the_cause_is_found_in_the_background(serve, name, code):
    running = serve()
    delivery = reserialized() if name == "reserialized" else delivery_of("rtc_1")
    delivery.body += b"" if name == "reserialized" else b"\n"
    running.deliver(delivery)
    line = running.logged("refused delivery diagnosed")
    assert (line["webhook_id"], line["proved"]) == (delivery.webhook_id, code)
    assert line["cause"] and line["fix"]
    assert wait_until(lambda: running.metric("callchain_diagnoses_total") == 1)


def test_a_cause_that_cannot_be_proved_is_not_named(serve):
    running = serve()
    running.deliver(by_another_secret())
    line = running.logged("refused delivery diagnosed")
    assert line["proved"] == "none" and line["tried"] > 100 and line["next"]
    assert "cause" not in line


def test_a_flood_of_forgeries_fills_no_log(serve):
    running = serve(CALLCHAIN_RECORD="full")
    begin = time.monotonic()
    with running.connect() as connection:
        for number in range(200):
            forged = delivery_of(f"rtc_{number}")
            forged.signature = FORGED
            connection.send(forged.request())
            assert connection.read().outcome() == (401, "refused")
    assert wait_until(lambda: running.metric("callchain_records_suppressed_total") + len(running.log(RECORD)) == 200)
    records = len(running.log(RECORD))
    assert 10 <= records <= 11 + (time.monotonic() - begin)  # ten in a row, then one a second
    assert running.metric("callchain_webhooks_total", result="refused") == 200
    assert running.metric("callchain_webhook_refusals_total", code="signature_mismatch") == 200
    assert running.metric("callchain_records_suppressed_total") == 200 - records
    assert running.metric("callchain_diagnoses_skipped_total") > 100
    assert running.deliver(delivery_of("rtc_real")).outcome() == (200, "accepted")
    time.sleep(1.1)  # the next line says what was left out
    running.deliver(by_another_secret())
    line = running.logged("refusals were left out of the log for their rate")
    assert line["refusals"] == running.metric("callchain_records_suppressed_total")


# The capture


def captures_of(folder) -> list[str]:
    return sorted(name for name in os.listdir(folder) if name.endswith(".http")) if folder.exists() else []


def test_a_refused_delivery_is_captured_byte_for_byte(serve, callchain):
    folder = callchain.folder / "captures"
    running = serve(CALLCHAIN_CAPTURE_DIR="captures")
    delivery = reserialized()
    delivery.headers = [("X-Odd-Case", "kept  as it is")]
    running.deliver(delivery)
    line = running.logged("refused delivery captured")
    [name] = captures_of(folder)
    assert line["capture"] == name and re.fullmatch(r"\d{8}T\d{6}\.\d{3}Z-\d+\.http", name)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    head, _, body = (folder / name).read_bytes().partition(b"\r\n\r\n")
    assert body == delivery.body
    assert head.split(b"\r\n")[0] == b"POST /openai/webhook HTTP/1.1"
    for header, value in delivery.all_headers():
        assert f"{header}: {value}".encode() in head.split(b"\r\n")
    done = callchain.run("verify-sig", "--request", f"captures/{name}", "--json", OPENAI_WEBHOOK_SECRET=SECRET)
    assert (done.code, proved(done)) == (1, ["body_json_reserialized"]), done.out


def test_refused_requests_of_twilio_and_unusable_events_are_captured_as_well(serve, callchain):
    running = serve(CALLCHAIN_CAPTURE_DIR="captures")
    running.exchange(request("POST", "/twilio/voice", [("X-Twilio-Signature", "AAAA")], b"CallSid=CA1"))
    running.deliver(Delivery(b"no JSON"))
    assert running.deliver(delivery_of("rtc_1")).status == 200  # what is taken is not
    folder = callchain.folder / "captures"
    assert wait_until(lambda: len(captures_of(folder)) == 2)
    assert running.metric("callchain_captures_total", outcome="written") == 2


def test_a_flood_of_forgeries_fills_no_disk(serve, callchain):
    running = serve(CALLCHAIN_CAPTURE_DIR="captures")
    with running.connect() as connection:
        for _ in range(100):
            connection.send(by_another_secret().request())
            assert connection.read().status == 401
    assert wait_until(lambda: running.metric("callchain_captures_total", outcome="written")
                      + running.metric("callchain_captures_total", outcome="rate_limited") == 100)
    assert len(captures_of(callchain.folder / "captures")) < 40


@pytest.mark.parametrize("what", ["open to others", "a link", "a file"])
def test_a_folder_that_is_not_ours_alone_is_exit_2(serve, callchain, what):
    path = callchain.folder / "captures"
    if what == "a file":
        path.write_text("")
    elif what == "a link":
        (callchain.folder / "real").mkdir(mode=0o700)
        path.symlink_to("real")
    else:
        path.mkdir()
        path.chmod(0o755)
    stopped = serve.start(CALLCHAIN_CAPTURE_DIR="captures")
    assert stopped.wait() == 2
    assert "captures" in stopped.err() and "hint: " in stopped.err()
    assert not stopped.log("ready")


def test_a_folder_that_cannot_be_written_costs_no_answer(serve, callchain):
    running = serve(CALLCHAIN_CAPTURE_DIR="captures")
    (callchain.folder / "captures").rmdir()
    for _ in range(3):
        assert running.deliver(by_another_secret()).status == 401
    assert wait_until(lambda: running.metric("callchain_captures_total", outcome="failed") == 3)
    running.logged("captures cannot be written")
    assert len(running.log("captures cannot be written")) == 1
    assert running.deliver(delivery_of("rtc_1")).outcome() == (200, "accepted")
