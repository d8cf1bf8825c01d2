"""What `callchain serve` answers Twilio: the document that dials OpenAI, and what is said of a dial that ended."""

import re
import xml.etree.ElementTree as ElementTree
from urllib.parse import urlencode

import pytest

from openai_standin import Script, Sideband
from serve_process import PROJECT, PUBLIC_URL, delivery_of, new_call_sid, request, twilio_signature, voice_form

ID = re.compile(r"cc_[0-9a-f]{24}")
VOICE, DIAL_ACTION = "/twilio/voice", "/twilio/dial-action"
FORM = [("Content-Type", "application/x-www-form-urlencoded")]

# Own vectors, confirmed with twilio-node 6.2.0; token 12345.
O1_FORM = ("AccountSid=AC00000000000000000000000000000001&ApiVersion=2010-04-01&CallSid=CA00000000000000000000000000000001"
           "&CallStatus=ringing&Called=whatsapp%3A%2B5511988887777&Caller=whatsapp%3A%2B5511999998888&Direction=inbound"
           "&From=whatsapp%3A%2B5511999998888&To=whatsapp%3A%2B5511988887777")
O4_FORM = ("AccountSid=AC00000000000000000000000000000001&CallSid=CA00000000000000000000000000000001&CallStatus=in-progress"
           "&DialBridged=false&DialCallSid=CA00000000000000000000000000000002&DialCallStatus=failed"
           "&DialSipCallId=abc123%400.0.0.0&DialSipResponseCode=404&DialSipHeader_X-Note=")
VECTORS = {
    "O1": ("https://bridge.example.com/twilio/voice", O1_FORM, "BU4D3IXad1kh7BEe4R8PFTfRq9Q="),
    "O2": ("https://bridge.example.com:443/twilio/voice", O1_FORM, "PHPu+1dVmqjBL8rUaws9BvCqkl4="),
    "O3": ("https://bridge.example.com:8443/twilio/voice", O1_FORM, "m/icKSeG52HoTxymiwERIvioHcY="),
    "O4": ("https://bridge.example.com/twilio/dial-action?trace=t-1&n=2", O4_FORM, "sSBkjOu1GjTvO3HKU0h8wYKHenM="),
    "O5": ("https://bridge.example.com/twilio/voice", "CallerName=Jos%C3%A9+%26+%C3%87%C3%A3o&From=%2B5511999998888",
           "jemrwwjIOv22wgkkfgb3g5Q/vek="),
    "O6": ("https://bridge.example.com/twilio/voice?CallSid=CA1&From=%2B5511999998888", "", "208Qlkuilqh8nayXLbYGROJwzOc="),
    "O7": ("https://bridge.example.com/twilio/voice", "a=1&B=2&A=3&_x=4&b=5", "PQfR08XzanAgTYnDYTKpKvZ0GQo="),
    "O8": ("https://bridge.example.com/twilio/voice", "D=9&D=10&D=9", "6kcVO/4GX8Oeq75PncCO/lHas5k="),
}


def dial_of(reply) -> tuple[ElementTree.Element, ElementTree.Element]:
    """(<Dial>, <Sip>) of the only document that puts a call through."""
    assert (reply.status, reply.headers["content-type"].split(";")[0]) == (200, "text/xml")
    response = ElementTree.fromstring(reply.body)
    [dial] = response
    [sip] = dial
    assert (response.tag, dial.tag, sip.tag) == ("Response", "Dial", "Sip")
    return dial, sip


def id_in(reply) -> str:
    return ID.search(dial_of(reply)[1].text)[0]


# Signatures


@pytest.mark.parametrize("name", VECTORS)
def test_the_signer_of_these_tests_yields_the_published_vectors(name):
    url, form, wanted = VECTORS[name]
    assert twilio_signature(url, form, token="12345") == wanted


@pytest.mark.parametrize("name", VECTORS)
def test_the_vectors_pass_at_the_service(serve, name):
    url, form, signature = VECTORS[name]
    origin = re.match(r"https://[^/]+", url)[0]
    public_url = origin if name == "O3" else PUBLIC_URL  # another port is another URL; 443 is that of https
    running = serve(TWILIO_AUTH_TOKEN="12345", CALLCHAIN_PUBLIC_URL=public_url, TWILIO_SIP_CALLER_ID="+5511988887777")
    headers = [("X-Twilio-Signature", signature), *(FORM if form else [])]
    assert running.exchange(request("POST" if form else "GET", url[len(origin):], headers, form.encode())).status == 200


def test_a_signature_of_another_port_does_not_pass(serve):
    running = serve(TWILIO_AUTH_TOKEN="12345")
    headers = [("X-Twilio-Signature", VECTORS["O3"][2]), *FORM]
    assert running.exchange(request("POST", VOICE, headers, O1_FORM.encode())).status == 403


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_voice_passes_signed_by_either_method(serve, method):
    assert dial_of(serve().twilio(VOICE, voice_form(new_call_sid()), method))


@pytest.mark.parametrize("path", [VOICE, DIAL_ACTION, "/twilio/dial-status"])
@pytest.mark.parametrize("headers, code", [
    ([], "header_missing"), ([("X-Twilio-Signature", "")], "header_missing"),
    ([("X-Twilio-Signature", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=")], "signature_mismatch"),
], ids=["missing", "empty", "wrong"])
def test_without_the_right_signature_nothing_passes(serve, path, headers, code):
    running = serve()
    reply = running.exchange(request("POST", path, [*FORM, *headers], voice_form(new_call_sid()).encode()))
    assert reply.status == 403 and b"<" not in reply.body
    line = running.logged("request of Twilio refused")
    assert (line["code"], line["path"]) == (code, path)
    assert line["expected_urls"] == PUBLIC_URL + path
    assert running.metric("callchain_twilio_requests_total", result="signature_refused") == 1


def test_a_repeated_signature_does_not_pass(serve):
    form = voice_form(new_call_sid())
    right = twilio_signature(PUBLIC_URL + VOICE, form)
    for headers in ([("X-Twilio-Signature", right)] * 2, [("X-Twilio-Signature", "AAAA"), ("X-Twilio-Signature", right)]):
        assert serve().exchange(request("POST", VOICE, [*FORM, *headers], form.encode())).status == 403


def test_a_changed_parameter_does_not_pass(serve):
    form = voice_form(new_call_sid())
    headers = [*FORM, ("X-Twilio-Signature", twilio_signature(PUBLIC_URL + VOICE, form))]
    assert serve().exchange(request("POST", VOICE, headers, form.encode() + b"&x=1")).status == 403


@pytest.mark.parametrize("base", ["https://bridge.example.com", "https://bridge.example.com:443",
                                  "https://other.example.com/prefix", "https://other.example.com:443/prefix"])
def test_each_of_the_public_urls_may_have_been_signed(serve, base):
    running = serve(CALLCHAIN_PUBLIC_URL="https://bridge.example.com, https://other.example.com/prefix/")
    dial, _ = dial_of(running.twilio(VOICE, voice_form(new_call_sid()), base=base))
    assert dial.get("action") == base.replace(":443", "") + DIAL_ACTION


@pytest.mark.parametrize("base", ["http://bridge.example.com", "https://evil.example.com", "https://bridge.example.com/prefix"])
def test_no_other_url_may_have_been_signed(serve, base):
    running = serve()
    forwarded = [("X-Forwarded-Proto", base.partition(":")[0]), ("X-Forwarded-Host", base.split("/")[2])]
    assert running.twilio(VOICE, voice_form(new_call_sid()), base=base).status == 403
    assert running.twilio(VOICE, voice_form(new_call_sid()), base=base, headers=forwarded).status == 403


def test_the_cause_of_a_refusal_behind_a_proxy_is_logged(serve):
    running = serve()
    headers = [("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "new.example.com")]
    assert running.twilio(VOICE, voice_form(new_call_sid()), base="https://new.example.com", headers=headers).status == 403
    line = running.logged("refused request of Twilio diagnosed")
    assert line["proved"] == "url_host" and line["signed_url"] == "https://new.example.com" + VOICE
    assert line["fix"]


def test_a_scheme_that_was_lost_behind_a_proxy_is_proved(serve):
    running = serve(CALLCHAIN_PUBLIC_URL="http://bridge.example.com")
    assert running.twilio(VOICE, voice_form(new_call_sid())).status == 403
    line = running.logged("refused request of Twilio diagnosed")
    assert (line["proved"], line["signed_url"]) == ("url_scheme", PUBLIC_URL + VOICE)
    assert line["cause"] and line["fix"]


@pytest.mark.parametrize("networks, status", [("127.0.0.0/8", 200), ("10.0.0.0/8,::1/128", 403), ("", 403)])
def test_forwarded_headers_count_from_trusted_proxies_alone(serve, networks, status):
    running = serve(CALLCHAIN_PUBLIC_URL="", CALLCHAIN_TRUSTED_PROXIES=networks)
    headers = [("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "proxy.example.com, inner.example.com")]
    reply = running.twilio(VOICE, voice_form(new_call_sid()), base="https://proxy.example.com", headers=headers)
    assert reply.status == status
    if status == 200:
        assert dial_of(reply)[0].get("action") == "https://proxy.example.com" + DIAL_ACTION


@pytest.mark.parametrize("token", ["fedcba9876543210fedcba9876543210", "0123456789abcdef0123456789abcdef"])
def test_each_of_several_tokens_may_have_signed(callchain, serve, token):
    (callchain.folder / "other").write_text("0123456789abcdef0123456789abcdef\n")
    running = serve("--auth-token-env", "TWILIO_AUTH_TOKEN", "--auth-token-file", "sub=other")
    assert dial_of(running.twilio(VOICE, voice_form(new_call_sid()), token=token))


def test_without_a_token_requests_pass_and_that_is_told(serve):
    running = serve(TWILIO_AUTH_TOKEN="")
    assert any("TWILIO_AUTH_TOKEN" in line["warning"] for line in running.log("configuration", level="warn"))
    readiness = running.get("/readyz")
    assert readiness.status == 200 and "TWILIO_AUTH_TOKEN" in readiness.json()["warnings"][0]
    assert dial_of(running.exchange(request("POST", VOICE, FORM, voice_form(new_call_sid()).encode())))


# The document


def test_the_document_dials_openai(serve):
    dial, sip = dial_of(serve(OPENAI_SIP_REGION="br1").twilio(VOICE, voice_form(new_call_sid())))
    assert dial.attrib == {"answerOnBridge": "true", "callerId": "+556133334444", "action": PUBLIC_URL + DIAL_ACTION,
                           "method": "POST"}
    assert re.fullmatch(rf"sip:{PROJECT}@sip\.api\.openai\.com;transport=tls;region=br1\?X-Callchain-Id={ID.pattern}", sip.text)
    assert sip.get("statusCallback") == PUBLIC_URL + "/twilio/dial-status"
    assert sip.get("statusCallbackEvent") == "initiated ringing answered completed"


def test_host_and_encryption_of_the_uri_are_configured(serve):
    running = serve(CALLCHAIN_SIP_HOST="sip-eu.api.openai.com", CALLCHAIN_SIP_SECURE="on")
    _, sip = dial_of(running.twilio(VOICE, voice_form(new_call_sid())))
    assert sip.text.startswith(f"sip:{PROJECT}@sip-eu.api.openai.com;transport=tls;secure=true?X-Callchain-Id=cc_")


@pytest.mark.parametrize("variables, to, wanted", [
    ({}, "whatsapp:+556133334444", "+556133334444"),
    ({}, "sip:+556133334444@bridge.sip.twilio.com", "+556133334444"),
    ({}, "sip:+556133334444@bridge.sip.twilio.com;transport=tls", "+556133334444"),
    ({}, "+556133334444", "+556133334444"),
    ({"TWILIO_SIP_CALLER_ID": "whatsapp:+55 61 3333-5555"}, "whatsapp:+556133334444", "+556133335555"),
    ({"WHATSAPP_CALL_FROM": "whatsapp:+556133336666"}, "whatsapp:BR.1502576394655843", "+556133336666"),
    ({"TWILIO_SIP_CALLER_ID": "+556133335555", "WHATSAPP_CALL_FROM": "+556133336666"}, "", "+556133335555"),
])
def test_the_caller_id_is_the_number_of_the_business(serve, variables, to, wanted):
    dial, _ = dial_of(serve(**variables).twilio(VOICE, voice_form(new_call_sid(), To=to, Called=to)))
    assert dial.get("callerId") == wanted


@pytest.mark.parametrize("to", ["whatsapp:BR.1502576394655843", "sip:bridge@bridge.sip.twilio.com", "whatsapp:", "client:ana",
                                "anonymous"])
def test_a_call_without_a_caller_id_is_rejected_and_the_variable_named(serve, to):
    running = serve()
    reply = running.twilio(VOICE, voice_form(new_call_sid(), To=to, Called=to))
    assert reply.status == 200
    [reject] = ElementTree.fromstring(reply.body)
    assert reject.tag == "Reject"
    line = running.logged("call refused: no caller id that Twilio and OpenAI would take (13224)")
    assert line["level"] == "error" and "TWILIO_SIP_CALLER_ID" in line["error"]
    assert running.metric("callchain_twilio_requests_total", result="voice_refused") == 1


def test_a_call_keeps_its_id_when_twilio_asks_again(serve):
    running = serve()
    sids = [new_call_sid(), new_call_sid()]
    first, other = (id_in(running.twilio(VOICE, voice_form(sid))) for sid in sids)
    assert id_in(running.twilio(VOICE, voice_form(sids[0]), "GET")) == first
    assert first != other


def test_numbers_and_control_characters_do_not_reach_the_log(serve):
    running = serve()
    running.twilio(VOICE, voice_form("CA\x1b[2J\n" + "x" * 500, From="whatsapp:+5561999998888"))
    line = running.logged("call from Twilio: dialling OpenAI")
    assert line["from"].endswith("…8888") and "5561999998888" not in running.out()
    assert "\x1b" not in running.out() and len(line["call_sid"]) < 200


# What became of the dial


def dial_form(call_sid: str, **parameters: str) -> str:
    return voice_form(call_sid, CallStatus="in-progress", **parameters)


def verbs(reply) -> list[str]:
    assert reply.status == 200 and reply.headers["content-type"].startswith("text/xml")
    return [verb.tag for verb in ElementTree.fromstring(reply.body)]


def take_a_call(serve, openai, **variables):
    """(service, CallSid, our id): a call that Twilio has dialled and OpenAI has announced as rtc_1."""
    openai.scripts["rtc_1"] = Script(sideband=Sideband(silent=True))
    running, call_sid = serve(**variables), new_call_sid()
    planted = id_in(running.twilio(VOICE, voice_form(call_sid)))
    running.deliver(delivery_of("rtc_1", X_Callchain_Id=planted, X_Twilio_CallSid=call_sid))
    return running, call_sid, planted


@pytest.mark.parametrize("error", [{}, {"ErrorCode": "13224", "ErrorMessage": "invalid phone number"}],
                         ids=["without a code", "13224"])
def test_a_failed_dial_is_read_with_all_ids_of_the_call(serve, openai, error):
    running, call_sid, planted = take_a_call(serve, openai)
    form = dial_form(call_sid, DialCallStatus="failed", DialBridged="false", DialSipResponseCode="400",
                     DialCallSid="CA" + "2" * 32, DialSipCallId="abc@0.0.0.0", **{"DialSipHeader_X-Note": "n"}, **error)
    assert verbs(running.twilio(DIAL_ACTION, form)) == ["Hangup"]
    line = running.logged("dial ended")
    assert (line["callchain_id"], line["call_sid"], line["call_id"]) == (planted, call_sid, "rtc_1")
    assert (line["dial_call_status"], line["sip_response_code"]) == ("failed", 400)
    assert (line["reading"], line["level"]) == ("not_accepted", "warn")
    assert line["explain"] == "callchain explain 13224"
    assert line["happened"] and line["next"]
    assert running.metric("callchain_dials_total", reading="not_accepted") == 1


def test_a_failed_dial_may_be_followed_by_words(serve, openai):
    running, call_sid, _ = take_a_call(serve, openai, CALLCHAIN_FALLBACK_SAY="Não foi possível & tente já.",
                                       CALLCHAIN_FALLBACK_LANGUAGE="pt-BR")
    reply = running.twilio(DIAL_ACTION, dial_form(call_sid, DialCallStatus="failed", DialSipResponseCode="400"))
    assert verbs(reply) == ["Say", "Hangup"]
    say = ElementTree.fromstring(reply.body)[0]
    assert (say.text, say.get("language")) == ("Não foi possível & tente já.", "pt-BR")


def test_a_dial_that_went_well_is_followed_by_no_words(serve):
    running = serve(CALLCHAIN_FALLBACK_SAY="Tente já.")
    form = dial_form(new_call_sid(), DialCallStatus="completed", DialBridged="true", DialSipResponseCode="200",
                     DialCallDuration="65")
    assert "Say" not in verbs(running.twilio(DIAL_ACTION, form))
    line = running.logged("dial ended")
    assert (line["reading"], line["level"], line["duration_s"], line["dial_bridged"]) == ("bridged", "info", 65, True)


@pytest.mark.parametrize("form", [
    "", "DialCallStatus=failed&DialSipResponseCode=four&DialBridged=perhaps", "DialCallStatus=%00%1b", "=&&=&%",
    "DialCallStatus=failed&" * 3,
])
def test_a_dial_action_of_any_form_gets_a_document(serve, form):
    assert verbs(serve().twilio(DIAL_ACTION, form))


def test_the_progress_of_the_leg_is_logged_with_the_ids_of_the_call(serve, openai):
    running, call_sid, planted = take_a_call(serve, openai)
    form = urlencode({"CallSid": "CA" + "3" * 32, "ParentCallSid": call_sid, "CallStatus": "completed", "SipResponseCode": "200",
                      "SequenceNumber": "3", "CallDuration": "29"})
    reply = running.twilio("/twilio/dial-status", form)
    assert (reply.status, reply.body) == (204, b"")
    line = running.logged("leg to OpenAI")
    assert (line["callchain_id"], line["call_sid"], line["call_id"]) == (planted, call_sid, "rtc_1")
    progress = (line["leg_status"], line["sip_response_code"], line["sequence"], line["duration_s"])
    assert progress == ("completed", "200", "3", "29")
