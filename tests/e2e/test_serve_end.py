"""How `callchain serve` ends: what is under way is finished, calls go on; and what its metrics say meanwhile."""

import signal
import time

import pytest

from conftest import wait_until
from openai_standin import NOT_FOUND, Script, Sideband
from serve_process import delivery_of, new_call_sid, request, voice_form
from standin import Answer

DRAINING = "draining: no new calls are taken"


def deliver_and_leave_open(running, call_id: str):
    """A connection on which a call's webhook was sent and whose answer is still to be read."""
    connection = running.connect()
    connection.send(delivery_of(call_id).request())
    return connection


def hang(openai, call_id: str) -> None:
    openai.scripts[call_id] = Script(accept=[Answer(fault="hang")])


# Draining


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_idle_it_ends_at_once(serve, number):
    running = serve()
    kept = running.connect()
    kept.send(request("GET", "/healthz"))
    assert kept.read().status == 200
    begin = time.monotonic()
    running.signal(number)
    assert running.wait() == 0
    assert time.monotonic() - begin < 2
    assert kept.is_closed()
    assert running.logged("stopped")["how"] == "drained"


def test_without_tls_a_hangup_signal_reads_nothing_again(serve):
    running = serve()
    running.signal(signal.SIGHUP)
    assert running.logged("no TLS here: there is no certificate to read again")
    assert not running.log("certificate read again")
    running.signal(signal.SIGTERM)
    assert running.wait() == 0


def test_a_request_that_never_ends_delays_the_end_by_the_drain_alone(serve):
    running = serve(CALLCHAIN_DRAIN_SECONDS="1")
    silent, half = running.connect(), running.connect()
    half.send(b"POST /openai/webhook HTTP/1.1\r\n")
    begin = time.monotonic()
    running.signal(signal.SIGTERM)
    assert running.wait() == 0
    assert time.monotonic() - begin < 6
    assert silent.is_closed() and half.is_closed()


def test_an_accept_under_way_is_finished_answered_and_logged(serve, openai):
    openai.scripts["rtc_1"] = Script(accept=[Answer(delay=1.5)])
    running = serve()
    with deliver_and_leave_open(running, "rtc_1") as webhook:
        assert openai.wait_for(lambda: openai.actions("rtc_1", "accept"))
        running.signal(signal.SIGTERM)
        reply = webhook.read()
        assert reply.outcome() == (200, "pending")
        assert reply.headers["connection"] == "close"
    assert running.wait() == 0
    assert running.log("call accepted", call_id="rtc_1")
    summary = running.summary("rtc_1")
    assert (summary["accept"], summary["reason"]) == ("accepted", "drained")
    assert openai.sidebands[0].close_code == 1000
    assert not openai.actions("rtc_1", "hangup")
    assert len(openai.actions("rtc_1", "accept")) == 1


def test_a_retry_under_way_is_finished_as_well(serve, openai):
    openai.scripts["rtc_1"] = Script(accept=[NOT_FOUND, NOT_FOUND, Answer()])
    running = serve(CALLCHAIN_SIDEBAND="off")
    with deliver_and_leave_open(running, "rtc_1") as webhook:
        assert openai.wait_for(lambda: openai.actions("rtc_1", "accept"))
        running.signal(signal.SIGTERM)
        assert webhook.read().status == 200
    assert running.wait() == 0
    assert running.summary("rtc_1")["accept"] == "accepted"


def test_a_greeting_that_is_due_is_spoken_before_the_end(serve, openai):
    openai.scripts["rtc_1"] = Script(sideband=Sideband(refuse=[404, 404]))
    running = serve(OPENAI_REALTIME_GREETING="Olá")
    assert running.deliver(delivery_of("rtc_1")).status == 200
    assert openai.wait_for(lambda: openai.sidebands)
    running.signal(signal.SIGTERM)
    assert running.wait() == 0
    assert openai.sidebands[-1].received_types() == ["response.create"]
    assert running.summary("rtc_1")["reason"] == "drained"


def test_calls_go_on_without_their_sidebands(serve, openai):
    running = serve()
    calls = [f"rtc_{number}" for number in range(5)]
    running.deliver_all([delivery_of(call) for call in calls])
    assert wait_until(lambda: len(running.log("sideband: first_event")) == len(calls))
    begin = time.monotonic()
    running.signal(signal.SIGTERM)
    assert running.wait() == 0
    assert time.monotonic() - begin < 5
    assert [record.close_code for record in openai.sidebands] == [1000] * len(calls)
    for call in calls:
        assert running.summary(call)["reason"] == "drained"
        assert not openai.actions(call, "hangup")
    assert running.log(DRAINING)[0]["calls"] == len(calls)


def test_an_accept_that_takes_longer_than_the_drain_is_told(serve, openai):
    hang(openai, "rtc_1")
    running = serve(CALLCHAIN_DRAIN_SECONDS="1")
    running.deliver(delivery_of("rtc_1"))
    begin = time.monotonic()
    running.signal(signal.SIGTERM)
    assert running.wait() == 1
    assert 1 <= time.monotonic() - begin < 6
    assert running.summary("rtc_1")["reason"] == "abandoned"
    assert running.logged("stopped")["how"].startswith("cut short")


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_leaves_at_once(serve, openai, second):
    hang(openai, "rtc_1")
    running = serve()
    running.deliver(delivery_of("rtc_1"))
    running.signal(signal.SIGINT)
    running.logged(DRAINING)
    begin = time.monotonic()
    running.signal(second)
    assert running.wait() == 130
    assert time.monotonic() - begin < 2
    assert running.logged("stopped")["how"] == "interrupted"
    assert running.summary("rtc_1")["reason"] == "abandoned"


def test_a_signal_behind_the_last_word_changes_nothing(serve):
    """Whoever sends one more while the process ends must not be told that it was killed."""
    for _ in range(5):
        running = serve()
        running.signal(signal.SIGTERM)
        while '"stopped"' not in running.out() + running.err():
            pass  # it is there for milliseconds
        while running.process.poll() is None:
            running.signal(signal.SIGTERM)
        assert running.wait() == 0


def test_while_it_drains_no_call_is_taken_and_readiness_says_so(serve, openai):
    hang(openai, "rtc_1")
    running = serve()
    running.deliver(delivery_of("rtc_1"))
    head, _, body = delivery_of("rtc_2").request().partition(b"\r\n\r\n")
    with running.connect() as kept:
        kept.send(request("GET", "/healthz"))
        assert kept.read().status == 200
        kept.send(head + b"\r\n")  # a request has begun: this connection is not idle
        assert wait_until(lambda: running.metric("callchain_connections") >= 1)
        time.sleep(0.1)
        running.signal(signal.SIGTERM)
        running.logged(DRAINING)
        readiness = running.get("/readyz", admin=True)
        assert (readiness.status, readiness.json()["status"]) == (503, "draining")
        assert running.get("/healthz", admin=True).status == 200
        kept.send(b"\r\n" + body)
        reply = kept.read()
        assert reply.outcome() == (503, "draining")
        assert reply.headers["connection"] == "close" and reply.headers["retry-after"] == "1"
    assert running.metric("callchain_webhooks_total", result="draining") == 1
    with pytest.raises(ConnectionError):
        running.connect()
    assert not openai.actions("rtc_2")


# Metrics


def test_metrics_are_on_the_admin_address_alone(serve):
    running = serve()
    assert running.get("/metrics").status == 404
    page = running.get("/metrics", admin=True)
    assert page.status == 200 and page.headers["content-type"].startswith("text/plain; version=0.0.4")
    for path in ("/openai/webhook", "/twilio/voice"):
        assert running.exchange(request("POST", path, [], b""), admin=True).status == 404


def test_each_metric_has_a_help_and_a_type(serve):
    lines = serve().get("/metrics", admin=True).body.decode().splitlines()
    names = {line.split("{")[0].split()[0] for line in lines if line and not line.startswith("#")}
    families = {line.split()[2] for line in lines if line.startswith("# TYPE ")}
    assert families == {line.split()[2] for line in lines if line.startswith("# HELP ")}
    for name in names:
        family = name if name in families else name.rpartition("_")[0]
        assert family in families, name


def test_counters_move_with_what_happens(serve, openai):
    openai.scripts["rtc_gone"] = Script(accept=[NOT_FOUND])
    running = serve(OPENAI_REALTIME_GREETING="Olá")
    first = delivery_of("rtc_1")
    forged = delivery_of("rtc_2")
    forged.signature = "v1,AAAA"
    for delivery in (first, first, forged, delivery_of("rtc_gone", created_at=int(time.time()) - 60),
                     delivery_of("evt", kind="batch.completed")):
        running.deliver(delivery)
    running.twilio("/twilio/voice", voice_form(new_call_sid()))
    running.logged("sideband: first_audio")
    for result, count in {"call": 2, "duplicate": 1, "refused": 1, "ignored": 1, "bad_event": 0}.items():
        assert running.metric("callchain_webhooks_total", result=result) == count, result
    assert running.metric("callchain_webhook_refusals_total", code="signature_mismatch") == 1
    assert running.metric("callchain_accepts_total", outcome="done") == 1
    assert running.metric("callchain_accepts_total", outcome="call_gone") == 1
    assert running.metric("callchain_accept_attempts_total") == 2
    assert running.metric("callchain_twilio_requests_total", result="voice_dialled") == 1
    assert running.metric("callchain_active_calls") == 1
    assert running.metric("callchain_registry_calls") == 2
    for histogram, count in {"webhook_answer": 2, "accept": 2, "added": 2, "attach": 1, "first_audio": 1}.items():
        assert running.metric(f"callchain_{histogram}_seconds_count") == count, histogram
