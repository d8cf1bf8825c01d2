"""The sideband of the calls that `callchain serve` accepts: proof of life, greeting, farewell, end; the summary of a call."""

import json
import time

import pytest

from conftest import wait_until
from openai_standin import Script, Sideband, end_call
from serve_process import NUMBER, delivery_of, new_call_sid, voice_form

FAREWELL = "Até logo e obrigado"


def spoken(record) -> list[str]:
    """What the sideband was asked to have spoken, in order."""
    return [message["response"]["instructions"] for message in record.received if message["type"] == "response.create"]


def take(running, call_id: str, **how):
    reply = running.deliver(delivery_of(call_id, **how))
    assert reply.outcome() == (200, "accepted")


# Greeting


@pytest.mark.parametrize("configured", ["Diga exatamente: 'Olá, tudo bem?'", 'Say exactly "Olá, tudo bem?"', "Olá, tudo bem?"])
def test_the_greeting_is_spoken_once_and_is_the_phrase_alone(serve, openai, configured):
    running = serve(OPENAI_REALTIME_GREETING=configured)
    take(running, "rtc_1")
    running.logged("sideband: first_audio")
    [record] = openai.sidebands
    assert record.headers["authorization"] == f"Bearer {openai.key}"
    [instructions] = spoken(record)
    assert "Olá, tudo bem?" in instructions
    assert "Diga exatamente" not in instructions and "Say exactly" not in instructions
    assert [len(running.log(f"sideband: {name}")) for name in ("attached", "greeted", "first_event", "first_audio")] == [1] * 4


def test_without_a_greeting_nothing_is_sent(serve, openai):
    running = serve()
    take(running, "rtc_1")
    running.logged("sideband: first_event")
    assert openai.sidebands[0].received == []


def test_the_greeting_of_live_is_no_response(serve, openai):
    running = serve(OPENAI_REALTIME_GREETING="Olá")
    take(running, "live_1", kind="live.transport.incoming")
    running.logged("sideband: first_audio")
    [record] = openai.sidebands
    assert (record.dialect, record.received_types()) == ("live", ["session.instructions.append"])


def test_the_greeting_is_not_repeated_where_the_connection_is_lost(serve, openai):
    openai.scripts["rtc_1"] = Script(sideband=Sideband(silent=True, lose_on_response=True))
    running = serve(OPENAI_REALTIME_GREETING="Olá")
    take(running, "rtc_1")
    assert openai.wait_for(lambda: len(openai.sidebands) >= 2)
    time.sleep(0.2)
    assert sum(len(spoken(record)) for record in openai.sidebands) == 1


# Attaching


def test_a_sideband_that_is_not_there_yet_is_tried_again(serve, openai):
    running = serve(OPENAI_REALTIME_GREETING="Olá")
    take(running, "rtc_x-late_sideband")
    running.logged("sideband: first_audio")
    assert [record.status for record in openai.sidebands] == [404, 101]
    assert running.log("sideband: retry")


@pytest.mark.parametrize("call_id, word", [("rtc_x-dead", "404"), ("rtc_x-dead_by_error", "cannot start")])
def test_a_session_that_never_lived_is_named_in_the_summary(serve, call_id, word):
    running = serve()
    take(running, call_id)
    summary = running.summary(call_id)
    assert (summary["accept"], summary["reason"], summary["level"]) == ("accepted", "dead_session", "warn")
    assert word in json.dumps(running.log(), ensure_ascii=False)
    assert "first_audio_ms" not in summary
    assert summary["explain"] == "callchain explain call_dead_session"
    assert running.metric("callchain_call_ends_total", reason="dead_session") == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_sideband_that_is_refused_is_told(serve, openai, status):
    openai.scripts["rtc_1"] = Script(sideband=Sideband(refuse_always=status))
    running = serve()
    take(running, "rtc_1")
    assert running.summary("rtc_1")["level"] == "warn"
    assert running.log("sideband: credential_refused")
    assert not openai.actions("rtc_1", "hangup")


def test_with_the_sideband_off_the_call_is_accepted_and_left_alone(serve, openai):
    running = serve(CALLCHAIN_SIDEBAND="off", OPENAI_REALTIME_GREETING="Olá")
    take(running, "rtc_1")
    assert running.summary("rtc_1")["reason"] == "accepted"
    assert any("CALLCHAIN_SIDEBAND=off" in line["warning"] for line in running.log("configuration"))
    [accept] = openai.requests
    assert "tools" not in accept.json()
    assert not openai.sidebands


# End


def assert_farewell_then_hangup(openai, call_id: str) -> None:
    [record] = openai.sidebands
    [hangup] = openai.actions(call_id, "hangup")
    assert FAREWELL in spoken(record)[-1] and len([text for text in spoken(record) if FAREWELL in text]) == 1
    said_at = [at for at, message in zip(record.received_at, record.received) if message["type"] == "response.create"][-1]
    assert said_at < hangup.at
    assert hangup.body == b""


def test_the_model_ends_the_call_with_a_farewell(serve, openai):
    running = serve(OPENAI_REALTIME_GREETING="Olá", OPENAI_REALTIME_FAREWELL=f"Diga exatamente: '{FAREWELL}'")
    take(running, "rtc_x-end_call")
    summary = running.summary("rtc_x-end_call")
    assert (summary["reason"], summary["level"]) == ("end_call", "info")
    assert_farewell_then_hangup(openai, "rtc_x-end_call")
    [result] = [message for message in openai.sidebands[0].received if message["type"] == "conversation.item.create"]
    assert (result["item"]["type"], result["item"]["call_id"]) == ("function_call_output", "call_end")
    assert running.log("hang-up answered", outcome="done")


def test_the_model_ends_the_call_without_a_farewell(serve, openai):
    running = serve()
    take(running, "rtc_x-end_call")
    assert running.summary("rtc_x-end_call")["reason"] == "end_call"
    assert len(openai.actions("rtc_x-end_call", "hangup")) == 1
    assert not spoken(openai.sidebands[0])


def test_a_model_that_asks_twice_is_hung_up_once(serve, openai):
    openai.scripts["rtc_1"] = Script(sideband=Sideband(events=[*end_call(), *end_call(), *end_call("call_other")]))
    running = serve(OPENAI_REALTIME_FAREWELL=FAREWELL)
    take(running, "rtc_1")
    running.summary("rtc_1")
    assert_farewell_then_hangup(openai, "rtc_1")


def test_the_longest_call_ends_with_a_farewell(serve, openai):
    running = serve(OPENAI_REALTIME_MAX_CALL_SECONDS="2", OPENAI_REALTIME_FAREWELL=FAREWELL)
    take(running, "rtc_1")
    summary = running.summary("rtc_1")
    assert summary["reason"] == "max_call_seconds"
    assert summary["ended_ms"] >= 2_000
    assert_farewell_then_hangup(openai, "rtc_1")


def test_a_session_that_does_not_say_its_farewell_is_hung_up_all_the_same(serve, openai):
    openai.scripts["rtc_1"] = Script(sideband=Sideband(events=end_call(), answers_responses=False))
    running = serve(OPENAI_REALTIME_FAREWELL=FAREWELL)
    take(running, "rtc_1")
    assert running.summary("rtc_1", seconds=40)["reason"] == "end_call"
    assert len(openai.actions("rtc_1", "hangup")) == 1


@pytest.mark.parametrize("end", [{"lose": True}, {"close_code": 1000}], ids=["cut", "closed"])
def test_a_caller_who_hangs_up_is_told_as_that(serve, openai, end):
    openai.scripts["rtc_1"] = Script(sideband=Sideband(events=[{"wait": 0.1}], **end))
    running = serve(OPENAI_REALTIME_FAREWELL=FAREWELL)
    take(running, "rtc_1")
    summary = running.summary("rtc_1")
    assert (summary["reason"], summary["level"]) == ("caller_hung_up", "info")
    assert not openai.actions("rtc_1", "hangup")
    assert not spoken(openai.sidebands[0])
    assert running.metric("callchain_call_ends_total", reason="caller_hung_up") == 1
    assert wait_until(lambda: running.metric("callchain_active_calls") == 0)


def test_a_digit_that_the_caller_presses_is_told_without_the_digit(serve, openai):
    openai.scripts["rtc_1"] = Script(sideband=Sideband(events=[
        {"type": "input_audio_buffer.dtmf_event_received", "event": "7", "received_at": 1}, {"wait": 0.1}], lose=True))
    running = serve()
    take(running, "rtc_1")
    running.summary("rtc_1")
    [line] = running.log("sideband: dtmf")
    assert "7" not in line.get("detail", "")


def test_events_of_no_known_form_harm_nothing(serve, openai):
    strange = [{"type": "no.such.event"}, {"type": 7}, {"type": None, "deep": [[[[[[{}]]]]]]}, {"type": "error"},
               {"type": "response.done", "response": None}, {"type": "response.output_audio.delta", "delta": "A" * 200_000}]
    openai.scripts["rtc_1"] = Script(sideband=Sideband(events=[*strange, {"wait": 0.1}], lose=True))
    running = serve()
    take(running, "rtc_1")
    assert running.summary("rtc_1")["reason"] == "caller_hung_up"


# The summary


def test_the_summary_has_all_ids_and_times_of_the_call(serve, openai):
    running = serve(OPENAI_REALTIME_GREETING="Olá")
    call_sid = new_call_sid()
    document = running.twilio("/twilio/voice", voice_form(call_sid)).body.decode()
    planted = document.partition("X-Callchain-Id=")[2][:27]
    openai.scripts["rtc_1"] = Script(sideband=Sideband(events=[{"wait": 0.3}], lose=True))
    delivery = delivery_of("rtc_1", X_Callchain_Id=planted, X_Twilio_CallSid=call_sid)
    running.deliver(delivery)
    summary = running.summary("rtc_1")
    assert summary["callchain_id"] == planted
    assert summary["call_sid"] == call_sid
    assert summary["call_id"] == "rtc_1"
    assert summary["webhook_id"] == delivery.webhook_id
    assert summary["event_id"] == json.loads(delivery.body)["id"]
    assert summary["api"] == "realtime"
    assert NUMBER not in running.out() and NUMBER[-4:] in summary["from"]
    stages = ("delivered", "verified", "accept_sent", "accepted", "attached", "first_audio", "ended")
    times = [summary[f"{stage}_ms"] for stage in stages]
    assert times == sorted(times) and times[0] == 0
    assert -5_000 < summary["created_ms"] <= 0 and -5_000 < summary["sent_ms"] <= 0
    voice = running.logged("call from Twilio: dialling OpenAI")
    assert (voice["callchain_id"], voice["call_sid"]) == (planted, call_sid)
    for line in running.log(call_id="rtc_1"):
        assert line["callchain_id"] == planted, line


def test_calls_are_joined_by_twilios_id_where_ours_was_lost(serve, openai):
    running = serve(CALLCHAIN_SIDEBAND="off")
    call_sid = new_call_sid()
    planted = running.twilio("/twilio/voice", voice_form(call_sid)).body.decode().partition("X-Callchain-Id=")[2][:27]
    running.deliver(delivery_of("rtc_1", X_Twilio_CallSid=call_sid))
    assert running.summary("rtc_1")["callchain_id"] == planted


@pytest.mark.parametrize("written", ["cc_" + "g" * 24, "' OR 1=1", "cc_0123"])
def test_an_id_that_is_none_of_ours_is_not_taken(serve, written):
    running = serve(CALLCHAIN_SIDEBAND="off")
    running.deliver(delivery_of("rtc_1", X_Callchain_Id=written, X_Twilio_CallSid="CA1"))
    summary = running.summary("rtc_1")
    assert summary["callchain_id"].startswith("cc_") and summary["callchain_id"] != written
    assert "call_sid" not in summary
