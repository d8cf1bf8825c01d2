#include "twiml/lint.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <set>

namespace callchain::twiml {
namespace {

using Codes = std::vector<std::string>;

constexpr const char* kProlog = R"(<?xml version="1.0" encoding="UTF-8"?>)";

std::string repeated(std::string_view text, std::size_t times) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i) out += text;
    return out;
}

std::string response(const std::string& verbs) { return "<Response>" + verbs + "</Response>"; }

/// A <Dial> without fault, but for what is put in: more attributes, and what stands behind the URI.
std::string dial(const std::string& attributes, const std::string& nouns) {
    return response("<Dial callerId=\"+556136863636\" action=\"https://a.example/d\"" + attributes + ">" +
                    nouns + "</Dial>");
}
std::string sip(const std::string& uri) { return dial("", "<Sip>" + uri + "</Sip>"); }
const std::string kGoodSip = "<Sip>sip:proj_a@sip.api.openai.com;transport=tls</Sip>";
std::string openai(const std::string& behind) {
    return sip("sip:proj_a@sip.api.openai.com;transport=tls" + behind);
}

/// A <Dial> to a SIP side that is not OpenAI's, with that caller id.
std::string from(const std::string& caller_id, const std::string& noun = "<Sip>sip:a@sip.example.com</Sip>") {
    return response("<Dial callerId=\"" + caller_id + "\">" + noun + "</Dial>");
}

Codes codes_of(const std::string& text, Chain chain = Chain::whatsapp) {
    Codes codes;
    for (const auto& finding : lint_twiml(text, chain).findings) codes.emplace_back(finding.code);
    return codes;
}

struct Row {
    std::string name;
    std::string text;
    Codes codes;
};

std::vector<Row> rows_about_documents() {
    const std::string nested = repeated("<Say>", 300) + "x" + repeated("</Say>", 300);
    return {
        {"empty response", response(""), {}},
        {"bare ampersand",
         response("<Redirect>https://a.example/?a=1&b=2</Redirect>"),
         {"twiml_not_well_formed"}},
        {"XML 1.1", "<?xml version='1.1'?>" + response(""), {"twiml_xml_version"}},
        {"XML 1.0", "<?xml version='1.0'?>" + response(""), {}},
        {"document type", "<!DOCTYPE Response>" + response(""), {"twiml_doctype"}},
        {"two documents", response("") + response(""), {"twiml_second_response"}},
        {"a response within", response(response("")), {"twiml_second_response"}},
        {"too deep", nested, {"twiml_too_deep"}},
        {"64 kB", response("<!--" + std::string((64U << 10U) - 28, 'x') + "-->"), {}},
        {"a byte more", response("<!--" + std::string((64U << 10U) - 27, 'x') + "-->"), {"twiml_too_large"}},
        {"verb as root", "<Dial>" + kGoodSip + "</Dial>", {"twiml_root_not_response"}},
        {"HTML that is XML", "<html><body/></html>", {"twiml_root_not_response"}},
        {"small root", "<response><Hangup/></response>", {"twiml_letter_case"}},
    };
}

std::vector<Row> rows_about_names() {
    return {
        {"unknown verb", response("<Foo><Bar/></Foo>"), {"twiml_verb_unknown"}},
        {"verb of messages", response("<Message>x</Message>"), {"twiml_verb_unknown"}},
        {"small verb", response("<hangup/>"), {"twiml_letter_case"}},
        {"capital noun",
         dial("", "<SIP>sip:proj_a@sip.api.openai.com;transport=tls</SIP>"),
         {"twiml_letter_case"}},
        {"unknown noun", dial("", kGoodSip + "<Phone>1</Phone>"), {"twiml_noun_unknown"}},
        {"noun as verb", response(kGoodSip), {"twiml_element_misplaced"}},
        {"verb in <Dial>", dial("", kGoodSip + "<Hangup/>"), {"twiml_element_misplaced"}},
        {"<Dial> in <Gather>", response("<Gather><Dial/></Gather>"), {"twiml_element_misplaced"}},
        {"vendor's speech mark-up", response("<Say><amazon:effect name='x'>a</amazon:effect>b</Say>"), {}},
        {"speech mark-up", response("<Say><prosody rate='slow'>a<break time='1s'/></prosody></Say>"), {}},
        {"unknown mark-up", response("<Say>a<mark name='x'/>b</Say>"), {"twiml_speech_unknown"}},
        {"unknown mark-up within", response("<Say><p>a<blink>b</blink></p></Say>"), {"twiml_speech_unknown"}},
        {"stop of a recording", response("<Stop><Recording name='call'/></Stop>"), {}},
        {"start of a recording", response("<Start><Recording name='call'/></Start>"), {}},
        {"assistant", response("<Connect><Assistant id='x' newer='y'/></Connect>"), {}},
        {"relay with what is documented",
         response(
             "<Connect><ConversationRelay url='wss://a.example/' deepgramSmartFormat='true' "
             "speechTimeout='1' ignoreBackchannel='true' backgroundNoiseReduction='true' eotThreshold='0.5' "
             "turnDetection='x' newer='y'/></Connect>"),
         {}},
        {"schema",
         "<Response xmlns:xsi='urn:x' xsi:noNamespaceSchemaLocation='x.xsd'><Hangup/></Response>",
         {}},
        {"unknown attribute", response("<Hangup now='1'/>"), {"twiml_attribute_unknown"}},
        {"attributes of XML", "<Response xmlns='urn:x' xml:lang='pt'><Hangup/></Response>", {}},
        {"small attribute", dial(" answeronbridge='true'", kGoodSip), {"twiml_attribute_letter_case"}},
        {"callback on <Dial>",
         dial(" statusCallback='https://a.example/s'", kGoodSip),
         {"twiml_attribute_misplaced"}},
        {"caller id on <Sip>",
         dial("", "<Sip callerId='+556136863636'>sip:proj_a@sip.api.openai.com;transport=tls</Sip>"),
         {"twiml_attribute_misplaced"}},
        {"codec policy", dial(" codecPolicy='PCMU'", kGoodSip), {"twiml_attribute_codec"}},
        {"codecs on <Sip>",
         dial("", "<Sip codecs='PCMU'>sip:proj_a@sip.api.openai.com;transport=tls</Sip>"),
         {"twiml_attribute_codec"}},
        {"secure on <Dial>", dial(" secure='true'", kGoodSip), {"twiml_attribute_codec"}},
        {"text in <Response>", response("Hello"), {"twiml_text_unexpected"}},
        {"text beside a noun", dial("", "+556136863636" + kGoodSip), {"twiml_text_unexpected"}},
        {"streams",
         response(
             "<Connect><Stream url='wss://a.example/s'><Parameter name='a' value='b'/></Stream></Connect>"),
         {}},
    };
}

std::vector<Row> rows_about_values() {
    const auto number = [](const std::string& timeout) {
        return dial(" timeout='" + timeout + "'", "<Sip>sip:a@b.example.com</Sip>");
    };
    const auto action = [](const std::string& url) {
        return response("<Dial callerId='+556136863636' action='" + url + "'>" + kGoodSip + "</Dial>");
    };
    const auto callback = [](const std::string& more) {
        return dial("", "<Sip " + more + ">sip:proj_a@sip.api.openai.com;transport=tls</Sip>");
    };
    return {
        {"timeout 4", number("4"), {"twiml_number_out_of_range"}},
        {"timeout 5", number("5"), {}},
        {"timeout 600", number("600"), {}},
        {"timeout 601", number("601"), {"twiml_number_out_of_range"}},
        {"timeout with a unit", number("30s"), {"twiml_number_out_of_range"}},
        {"timeout below 0", number("-1"), {"twiml_number_out_of_range"}},
        {"timeLimit 0", dial(" timeLimit='0'", kGoodSip), {"twiml_number_out_of_range"}},
        {"timeLimit of a day", dial(" timeLimit='86400'", kGoodSip), {"twiml_time_limit_long"}},
        {"timeLimit of 4 hours", dial(" timeLimit='14400'", kGoodSip), {}},
        {"timeLimit of 4 hours and a second",
         dial(" timeLimit='14401'", kGoodSip),
         {"twiml_time_limit_long"}},
        {"timeLimit of more than a day", dial(" timeLimit='86401'", kGoodSip), {"twiml_number_out_of_range"}},
        {"unset in a path", action("https://a.example/undefined/a"), {"twiml_url_malformed"}},
        {"nullable in a path", action("https://a.example/nullable/a"), {}},
        {"escaped twice", action("https://a.example/?x=1&amp;amp;y=2"), {"twiml_url_escaped_twice"}},
        {"stream without url", response("<Connect><Stream/></Connect>"), {"twiml_url_missing"}},
        {"stop of a stream", response("<Stop><Stream name='a'/></Stop>"), {}},
        {"relay without url", response("<Connect><ConversationRelay/></Connect>"), {"twiml_url_missing"}},
        {"input while the agent speaks",
         response("<Connect><ConversationRelay url='wss://a.example/' "
                  "reportInputDuringAgentSpeech='speech'/></Connect>"),
         {}},
        {"input at another time",
         response("<Connect><ConversationRelay url='wss://a.example/' "
                  "reportInputDuringAgentSpeech='never'/></Connect>"),
         {"twiml_value_unknown"}},
        {"14 s for OpenAI", dial(" timeout='14'", kGoodSip), {"twiml_timeout_short"}},
        {"15 s for OpenAI", dial(" timeout='15'", kGoodSip), {}},
        {"method", dial(" method='PUT'", kGoodSip), {"twiml_method_invalid"}},
        {"small method", dial(" method='post'", kGoodSip), {"twiml_method_invalid"}},
        {"capital method", dial(" method='GET'", kGoodSip), {}},
        {"Python's True", dial(" answerOnBridge='True'", kGoodSip), {"twiml_boolean_invalid"}},
        {"unknown word", dial(" record='always'", kGoodSip), {"twiml_value_unknown"}},
        {"known word", dial(" record='record-from-answer-dual'", kGoodSip), {}},
        {"reason", response("<Reject reason='away'/>"), {"twiml_value_unknown"}},
        {"events",
         callback("statusCallback='https://a.example/s' statusCallbackEvent='initiated completed'"),
         {}},
        {"events with commas",
         callback("statusCallback='https://a.example/s' statusCallbackEvent='initiated,completed'"),
         {"twiml_status_event_unknown"}},
        {"a status for an event",
         callback("statusCallback='https://a.example/s' statusCallbackEvent='no-answer'"),
         {"twiml_status_event_unknown"}},
        {"events for nobody", callback("statusCallbackEvent='completed'"), {"twiml_status_event_alone"}},
        {"user name alone", callback("username='u'"), {"twiml_sip_credentials_partial"}},
        {"user name and password", callback("username='u' password='p'"), {}},
        {"underscore in a callback",
         callback("statusCallback='https://a_b.example/s'"),
         {"twiml_url_underscore"}},
        {"underscore elsewhere", action("https://a_b.example/s"), {}},
        {"path", action("/twilio/dial-action"), {"twiml_action_relative"}},
        {"script", action("action.php?x=1"), {"twiml_action_relative"}},
        {"empty action", action(""), {"twiml_action_relative"}},
        {"http", action("http://a.example/x"), {"twiml_url_http"}},
        {"upper-case scheme", action("HTTPS://a.example/x"), {}},
        {"fragment of overrides", action("https://a.example/x#rc=2&amp;rp=all"), {}},
        {"host without scheme", action("bridge.example.com/x"), {"twiml_url_malformed"}},
        {"host and port without scheme", action("bridge.example.com:8443/x"), {"twiml_url_malformed"}},
        {"scheme twice", action("https://https://a.example/x"), {"twiml_url_malformed"}},
        {"no host", action("https:///x"), {"twiml_url_malformed"}},
        {"unset host", action("https://undefined/x"), {"twiml_url_malformed"}},
        {"unset base", action("undefined/x"), {"twiml_url_malformed"}},
        {"template", action("https://${HOST}/x"), {"twiml_url_malformed"}},
        {"blank in it", action("https://a.example/a b"), {"twiml_url_malformed"}},
        {"blank around it", action(" https://a.example/x"), {"twiml_url_malformed"}},
        {"another scheme", action("mailto:a@b.example"), {"twiml_url_malformed"}},
        {"port 65535", action("https://a.example:65535/x"), {}},
        {"port 65536", action("https://a.example:65536/x"), {"twiml_url_malformed"}},
        {"localhost", action("http://localhost:3000/x"), {"twiml_url_private"}},
        {"private address", action("https://172.31.0.1/x"), {"twiml_url_private"}},
        {"public neighbour", action("https://172.32.0.1/x"), {}},
        {"relative redirect", response("<Redirect>/x</Redirect>"), {"twiml_url_relative"}},
        {"https for a stream",
         response("<Connect><Stream url='https://a.example/s'/></Connect>"),
         {"twiml_url_malformed"}},
        {"nothing to say", response("<Say> </Say>"), {"twiml_say_empty"}},
        {"4,096 characters", response("<Say>" + repeated("é", 4096) + "</Say>"), {}},
        {"4,097 characters", response("<Say>" + repeated("é", 4097) + "</Say>"), {"twiml_say_too_long"}},
        {"4,097 in mark-up",
         response("<Say><p>" + repeated("é", 4000) + "</p>" + repeated("é", 97) + "</Say>"),
         {"twiml_say_too_long"}},
    };
}

std::vector<Row> rows_about_callers() {
    const std::string client = "<Client>bob</Client>";
    const std::string whatsapp = "<WhatsApp>+5511999999999</WhatsApp>";
    return {
        {"none for <Sip>",
         response("<Dial><Sip>sip:a@sip.example.com</Sip></Dial>"),
         {"twiml_caller_id_missing"}},
        {"none for <Client>", response("<Dial>" + client + "</Dial>"), {"twiml_caller_id_missing"}},
        {"none for <Conference>", response("<Dial><Conference>a</Conference></Dial>"), {}},
        {"none for <WhatsApp>", response("<Dial>" + whatsapp + "</Dial>"), {"twiml_caller_id_inherited"}},
        {"E.164", from("+556136863636"), {}},
        {"shortest E.164 for <Client>", from("+1234567", client), {}},
        {"shorter than E.164 for <Client>", from("+123456", client), {"twiml_caller_id_invalid"}},
        {"longest E.164 for <Client>", from("+123456789012345", client), {}},
        {"longer than E.164 for <Client>", from("+1234567890123456", client), {"twiml_caller_id_invalid"}},
        {"words for <Sip>", from("front-desk_1.a"), {}},
        {"words for <Client>", from("front-desk", client), {"twiml_caller_id_invalid"}},
        {"client: for <Client>", from("client:front-desk", client), {}},
        {"client: for <Sip>", from("client:front-desk"), {"twiml_caller_id_invalid"}},
        {"blank", from("+55 6136863636"), {"twiml_caller_id_invalid"}},
        {"prefix", from("whatsapp:+556136863636"), {"twiml_caller_id_whatsapp"}},
        {"prefix for <Client>", from("whatsapp:+556136863636", client), {"twiml_caller_id_whatsapp"}},
        {"empty", from(""), {"twiml_caller_id_empty"}},
        {"unset", from("undefined"), {"twiml_caller_id_empty"}},
        {"template", from("{{caller}}"), {"twiml_caller_id_empty"}},
        {"unset behind a +", from("+undefined"), {"twiml_caller_id_empty"}},
        {"None behind a +", from("+None"), {"twiml_caller_id_empty"}},
        {"unset behind a prefix", from("whatsapp:undefined"), {"twiml_caller_id_empty"}},
        {"no + in front", from("556136863636"), {"twiml_caller_id_not_e164"}},
        {"15 digits for <Sip>", from("+123456789012345"), {}},
        {"16 digits for <Sip>", from("+1234567890123456"), {"twiml_caller_id_not_e164"}},
        {"32 characters for <Sip>", from(std::string(32, 'a')), {}},
        {"33 characters for <Sip>", from(std::string(33, 'a')), {"twiml_caller_id_not_e164"}},
        // Sample of Meta, "Business-scoped user IDs".
        {"user id", from("BR.1502576394655843"), {"twiml_caller_id_bsuid"}},
        {"two letters and a dot", from("BR.desk"), {}},
        {"sender for <WhatsApp>", from("whatsapp:+556136863636", whatsapp), {}},
        {"number for <WhatsApp>", from("+556136863636", whatsapp), {"twiml_caller_id_not_whatsapp"}},
        {"prefix within <WhatsApp>",
         from("whatsapp:+556136863636", "<WhatsApp>whatsapp:+5511999999999</WhatsApp>"),
         {"twiml_phone_number_invalid"}},
        {"nobody", response("<Dial/>"), {"twiml_dial_empty"}},
        {"number as text", response("<Dial>+556136863636</Dial>"), {"twiml_pstn_on_whatsapp"}},
        {"<Number>", dial("", "<Number>+556136863636</Number>"), {"twiml_pstn_on_whatsapp"}},
        {"<Number> beside <Sip>",
         dial("", kGoodSip + "<Number>+556136863636</Number>"),
         {"twiml_pstn_on_whatsapp"}},
        {"no number", response("<Dial>client:bob</Dial>"), {"twiml_phone_number_invalid"}},
        {"URI as text", response("<Dial>sip:a@b.example.com</Dial>"), {"twiml_sip_uri_as_text"}},
        {"URI in <Number>", dial("", "<Number>sip:a@b.example.com</Number>"), {"twiml_sip_uri_as_text"}},
        {"ten nouns", dial("", repeated(kGoodSip, 10)), {}},
        {"eleven nouns", dial("", repeated(kGoodSip, 11)), {"twiml_nouns_too_many"}},
        {"no action",
         response("<Dial callerId='+556136863636'>" + kGoodSip + "</Dial>"),
         {"twiml_dial_without_action"}},
    };
}

std::vector<Row> rows_about_uris() {
    const auto padded = [](std::size_t length) {
        const std::string rest = "sip:@b.example.com";
        return sip("sip:" + std::string(length - rest.size(), 'a') + "@b.example.com");
    };
    return {
        {"OpenAI", openai(""), {}},
        {"OpenAI in Europe", sip("sip:proj_a@sip-eu.api.openai.com;transport=tls"), {}},
        {"with headers", openai("?X-Trace-Id=t-1&amp;User-to-User=1"), {}},
        {"254 characters", padded(254), {}},
        {"255 characters", padded(255), {"twiml_sip_uri_too_long"}},
        {"1,023 characters of headers", openai("?X-A=" + std::string(1018, 'a')), {}},
        {"1,024 characters of headers",
         openai("?X-A=" + std::string(1019, 'a')),
         {"twiml_sip_headers_too_long"}},
        {"empty", sip(""), {"twiml_sip_uri_malformed"}},
        {"blank within", sip("sip:a b@c.example.com"), {"twiml_sip_uri_malformed"}},
        {"no scheme", sip("proj_a@sip.api.openai.com"), {"twiml_sip_uri_malformed"}},
        {"line ends around",
         sip("\n  sip:proj_a@sip.api.openai.com;transport=tls\n"),
         {"twiml_sip_uri_blanks"}},
        {"sips", sip("sips:a@b.example.com"), {"twiml_sip_uri_sips"}},
        {"no user", sip("sip:b.example.com"), {"twiml_sip_user_missing"}},
        {"no project", sip("sip:sip.api.openai.com;transport=tls"), {"twiml_sip_project_missing"}},
        {"key for a project",
         sip("sip:sk-a@sip.api.openai.com;transport=tls"),
         {"twiml_sip_project_missing"}},
        {"placeholder", sip("sip:proj_...@sip.api.openai.com;transport=tls"), {"twiml_sip_project_missing"}},
        {"prefix alone", sip("sip:proj_@sip.api.openai.com;transport=tls"), {"twiml_sip_project_missing"}},
        {"host of the REST API", sip("sip:proj_a@api.openai.com;transport=tls"), {"twiml_sip_host_openai"}},
        {"UDP by default", sip("sip:proj_a@sip.api.openai.com"), {"twiml_sip_transport_not_tls"}},
        {"TCP", sip("sip:proj_a@sip.api.openai.com;transport=tcp"), {"twiml_sip_transport_not_tls"}},
        {"capitals", sip("sip:proj_a@SIP.API.OPENAI.COM;Transport=TLS"), {}},
        {"UDP elsewhere", sip("sip:a@b.example.com;transport=udp"), {}},
        {"TLS twice", openai(";transport=tls"), {"twiml_sip_transport_repeated"}},
        {"TLS and UDP", openai(";transport=udp"), {"twiml_sip_transport_repeated"}},
        {"unknown transport", sip("sip:a@b.example.com;transport=ws"), {"twiml_sip_transport_unknown"}},
        {"secure", openai(";secure=true"), {}},
        {"secure yes", openai(";secure=yes"), {"twiml_sip_secure_invalid"}},
        {"region", openai(";region=br1"), {}},
        {"region of another cloud", openai(";region=sa-east-1"), {"twiml_sip_region_unknown"}},
        {"edge", openai(";edge=sao-paulo"), {}},
        {"unknown edge", openai(";edge=brasilia"), {"twiml_sip_edge_unknown"}},
        {"region and edge", openai(";region=br1;edge=sao-paulo"), {"twiml_sip_region_and_edge"}},
        {"header of our own", openai("?Subject=a"), {"twiml_sip_header_not_allowed"}},
        {"header of Twilio's", openai("?X-Twilio-CallSid=a"), {"twiml_sip_header_not_allowed"}},
        {"equals sign in a header", openai("?X-Ref=a=b"), {"twiml_sip_header_malformed"}},
        {"@ in a header", openai("?X-Email=me@ex.com"), {"twiml_sip_header_malformed"}},
        {"header without value", openai("?X-Ref"), {"twiml_sip_header_malformed"}},
        {"bare ?", openai("?"), {"twiml_sip_header_malformed"}},
        {"blank in a header's name", openai("?X Ref=a"), {"twiml_sip_header_malformed"}},
        {"Azure", sip("sip:proj_a@swedencentral.sip.ai.azure.com;transport=tls"), {}},
        {"Azure by UDP", sip("sip:proj_a@swedencentral.sip.ai.azure.com"), {"twiml_sip_transport_not_tls"}},
        {"Azure misspelt", sip("sip:proj_a@swedencentral.sip.ai.azur.com"), {"twiml_sip_host_misspelt"}},
        {"OpenAI in India", sip("sip:proj_a@sip-in.api.openai.com;transport=tls"), {}},
        {"another host of OpenAI's", sip("sip:proj_a@sip-xx.api.openai.com"), {"twiml_sip_host_openai"}},
        {"one letter off", sip("sip:proj_a@sip.api.openal.com;transport=tls"), {"twiml_sip_host_misspelt"}},
        {"two letters off", sip("sip:proj_a@sipapi.openal.com;transport=tls"), {"twiml_sip_host_misspelt"}},
        {"three letters off", sip("sip:proj_a@siapi.openal.com;transport=tls"), {}},
        {"port 5061", sip("sip:proj_a@sip.api.openai.com:5061;transport=tls"), {}},
        {"port 5060", sip("sip:proj_a@sip.api.openai.com:5060;transport=tls"), {"twiml_sip_port_openai"}},
        {"unset project",
         sip("sip:proj_undefined@sip.api.openai.com;transport=tls"),
         {"twiml_sip_project_missing"}},
        {"trunk", sip("sip:+556136863636@t.pstn.twilio.com"), {"twiml_pstn_on_whatsapp"}},
        {"trunk at an edge", sip("sip:+556136863636@t.pstn.dublin.twilio.com"), {"twiml_pstn_on_whatsapp"}},
        {"number at a PBX", sip("sip:+556136863636@pbx.example.com"), {"twiml_sip_uri_phone"}},
        {"user=phone", sip("sip:100@pbx.example.com;user=phone"), {"twiml_sip_uri_phone"}},
        {"extension", sip("sip:100@pbx.example.com"), {}},
        {"region twice", openai(";region=br1;region=us1"), {"twiml_sip_parameter_repeated"}},
        {"unknown parameter", openai(";trasnport=tls"), {"twiml_sip_parameter_unknown"}},
        {"private host", sip("sip:a@10.0.0.1"), {"twiml_sip_host_private"}},
        {"loopback", sip("sip:a@127.0.0.1:5060"), {"twiml_sip_host_private"}},
        {"loopback of IPv6", sip("sip:a@[::1]"), {"twiml_sip_host_private"}},
        {"public host", sip("sip:a@11.0.0.1"), {}},
        {"Twilio's own", sip("sip:a@b.sip.twilio.com"), {"twiml_sip_host_twilio"}},
        {"Twilio's own at an edge", sip("sip:a@b.sip.sao-paulo.twilio.com"), {"twiml_sip_host_twilio"}},
        {"<Uri> within", dial("", "<Sip><Uri>sip:a@10.0.0.1</Uri></Sip>"), {"twiml_sip_host_private"}},
    };
}

std::vector<Row> rows_about_order() {
    const std::string bridged =
        "<Dial answerOnBridge='true' callerId='+556136863636' action='https://a.example/d'>" + kGoodSip +
        "</Dial>";
    return {
        {"bridged first", response(bridged), {}},
        {"bridged second", response("<Pause/>" + bridged), {"twiml_answer_on_bridge_late"}},
        {"behind a <Dial> with action",
         response(bridged + "<Say>x</Say><Hangup/>"),
         {"twiml_verb_unreachable"}},
        {"behind a <Dial> without", response("<Dial><Conference>a</Conference></Dial><Say>x</Say>"), {}},
        {"behind <Hangup>", response("<Hangup/><Say>x</Say>"), {"twiml_verb_unreachable"}},
        {"behind <Redirect>",
         response("<Redirect>https://a.example/x</Redirect><Say>x</Say>"),
         {"twiml_verb_unreachable"}},
        {"<Reject> first", response("<Reject/>"), {}},
        {"<Reject> second", response("<Say>x</Say><Reject/>"), {"twiml_reject_not_first"}},
        {"<Reject> behind a pause", response("<Pause/><Reject/>"), {}},
        {"<Reject> behind speech and a pause",
         response("<Say>x</Say><Pause/><Reject/>"),
         {"twiml_reject_not_first"}},
    };
}

std::vector<Row> all_rows() {
    std::vector<Row> rows;
    for (auto&& some : {rows_about_documents(), rows_about_names(), rows_about_values(), rows_about_callers(),
                        rows_about_uris(), rows_about_order()})
        rows.insert(rows.end(), some.begin(), some.end());
    return rows;
}

TEST(LintTwiml, FindsEachFaultAndNothingElse) {
    for (const auto& row : all_rows()) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(codes_of(row.text), row.codes);
    }
}

TEST(LintTwiml, HasADocumentForEveryRule) {
    std::set<std::string> found;
    for (const auto& row : all_rows()) found.insert(row.codes.begin(), row.codes.end());
    for (const auto& rule : lint_rules()) EXPECT_TRUE(found.contains(std::string(rule.code))) << rule.code;
}

TEST(LintRules, AreInOrderOfTheirCodes) {
    const auto rules = lint_rules();
    EXPECT_TRUE(std::is_sorted(rules.begin(), rules.end(),
                               [](const auto& a, const auto& b) { return a.code < b.code; }));
}

// Bytes of npm twilio 6.2.0 with xmlbuilder 13.0.2, as run on 2026-11-23.
TEST(LintTwiml, HasNoErrorForWhatTwiliosLibraryWrites) {
    struct Sample {
        const char* name;
        std::string text;
        Codes codes;
    };
    const std::string prolog = kProlog;
    for (const auto& sample :
         {Sample{"empty", prolog + "<Response/>", {}},
          Sample{
              "dial and sip",
              prolog +
                  "<Response><Dial callerId=\"+15551230000\" "
                  "action=\"https://ex.com/twilio/dial-action?a=1&amp;b=2\" method=\"POST\" "
                  "answerOnBridge=\"true\" timeout=\"30\"><Sip>sip:proj_abc@sip.api.openai.com;transport=tls;"
                  "region=br1</Sip></Dial></Response>",
              {}},
          Sample{"say and hangup",
                 prolog + "<Response><Say voice=\"Polly.Camila\" language=\"pt-BR\">Olá &amp; \"tchau\" "
                          "&lt;b&gt;</Say><Hangup/></Response>",
                 {}},
          Sample{"reject", prolog + "<Response><Reject reason=\"busy\"/></Response>", {}},
          Sample{"redirect",
                 prolog + "<Response><Redirect method=\"POST\">/x?a=1&amp;b=2</Redirect></Response>",
                 {"twiml_url_relative"}},
          Sample{
              "whatsapp",
              prolog +
                  "<Response><Dial><WhatsApp url=\"https://x\">+5511999999999</WhatsApp></Dial></Response>",
              {"twiml_caller_id_inherited"}}}) {
        SCOPED_TRACE(sample.name);
        const auto report = lint_twiml(sample.text);
        EXPECT_TRUE(report.ok());
        EXPECT_EQ(codes_of(sample.text), sample.codes);
    }
}

std::string sample(const std::string& name) {
    std::ifstream file(SAMPLES_DIR "/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

TEST(LintTwiml, JudgesTheSamples) {
    EXPECT_EQ(codes_of(sample("good.twiml")), Codes{});
    EXPECT_EQ(codes_of(sample("seed.twiml")),
              (Codes{"twiml_caller_id_missing", "twiml_action_relative", "twiml_attribute_misplaced",
                     "twiml_attribute_misplaced", "twiml_attribute_misplaced", "twiml_verb_unreachable"}));
}

TEST(LintTwiml, LetsPhoneCallsDialPhones) {
    EXPECT_EQ(codes_of(response("<Dial>+556136863636</Dial>"), Chain::phone), Codes{});
    EXPECT_EQ(codes_of(response("<Dial>(415) 123-4567</Dial>"), Chain::phone), Codes{});
    EXPECT_EQ(codes_of(response("<Dial><Sip>sip:a@b.example.com</Sip></Dial>"), Chain::phone), Codes{});
    EXPECT_EQ(codes_of(from("+5561", "<Number>+556136863636</Number>"), Chain::phone),
              Codes{"twiml_caller_id_invalid"});
    EXPECT_EQ(codes_of(response("<Dial>nobody</Dial>"), Chain::phone), Codes{"twiml_phone_number_invalid"});
}

TEST(LintTwiml, PutsEachFindingWhereItsCauseStands) {
    const std::string text =
        "<Response>\n  <Dial callerId='+55 61' action='https://a.example/d'\n    codecs='x'>\n    <Sip>\n    "
        "  "
        "sip:a@10.0.0.1</Sip>\n  </Dial>\n</Response>";
    struct Want {
        std::string_view code;
        std::size_t line;
        std::size_t column;
        std::string_view element;
        std::string_view attribute;
    };
    const Want wanted[] = {{"twiml_caller_id_invalid", 2, 9, "Dial", "callerId"},
                           {"twiml_attribute_codec", 3, 5, "Dial", "codecs"},
                           {"twiml_sip_uri_blanks", 5, 7, "Sip", ""},
                           {"twiml_sip_host_private", 5, 7, "Sip", ""}};
    const auto findings = lint_twiml(text).findings;
    ASSERT_EQ(findings.size(), std::size(wanted));
    for (std::size_t i = 0; i < findings.size(); ++i) {
        SCOPED_TRACE(wanted[i].code);
        EXPECT_EQ(findings[i].code, wanted[i].code);
        EXPECT_EQ(findings[i].place.line, wanted[i].line);
        EXPECT_EQ(findings[i].place.column, wanted[i].column);
        EXPECT_EQ(findings[i].element, wanted[i].element);
        EXPECT_EQ(findings[i].attribute, wanted[i].attribute);
    }
}

// Codes of Twilio's error dictionary.
TEST(LintTwiml, NamesTheErrorThatTwilioWouldReport) {
    struct Want {
        const char* name;
        std::string text;
        int code;
    };
    for (const auto& row : {Want{"timeout", dial(" timeout='1'", kGoodSip), 13212},
                            Want{"timeLimit", dial(" timeLimit='0'", kGoodSip), 13216},
                            Want{"method", dial(" method='PUT'", kGoodSip), 13210},
                            Want{"method of <Redirect>",
                                 response("<Redirect method='PUT'>https://a.example/</Redirect>"), 13710},
                            Want{"sequential", dial(" sequential='yes'", kGoodSip), 13218},
                            Want{"answerOnBridge", dial(" answerOnBridge='yes'", kGoodSip), 13219},
                            Want{"element in <Dial>", dial("", kGoodSip + "<Say>x</Say>"), 13215},
                            Want{"element elsewhere", response("<Sip>sip:a@b.example.com</Sip>"), 12200},
                            Want{"parse failure", "<Response>", 12100}}) {
        SCOPED_TRACE(row.name);
        const auto report = lint_twiml(row.text);
        ASSERT_EQ(report.findings.size(), 1U);
        EXPECT_EQ(report.findings[0].twilio_code, row.code);
    }
}

TEST(LintTwiml, NamesTheLikelyCauseOfAParseFailure) {
    struct Want {
        const char* name;
        std::string text;
        std::string_view part;
    };
    for (const auto& row :
         {Want{"ampersand", "<a b='x?a=1&b=2'/>", "bare & stands"},
          Want{"ampersand at the end", "<a>x&</a>", "bare & stands"},
          Want{"ampersand and blank", "<a>x & y</a>", "bare & stands"},
          Want{"HTML's entity", "<a>&nbsp;</a>", "no entity &nbsp;"},
          Want{"line in front", std::string("\n").append(kProlog) + "<a/>",
               "1 blank or line end stands in front"},
          Want{"warning in front", std::string("Warning: x\n").append(kProlog) + "<a/>", "\"Warning: x"},
          Want{"HTML", "<!doctype html><html><br></html>", "HTML page"},
          Want{"HTML in capitals", "<!DOCTYPE HTML><html><br></html>", "HTML page"},
          Want{"JSON", "{\"twiml\": \"<Response/>\"}", "This is JSON"},
          Want{"JSON string", "\"<Response/>\"", "JSON string"},
          Want{"plain text", "Internal Server Error", "plain text"},
          Want{"open element", "<Response>\n<Dial></Response>", "<Dial> of line 2"},
          Want{"cut", "<Response>\n<Dial>", "<Dial> of line 2 is still open: it was cut"},
          Want{"letter case", "<Say>x</say>", "another letter case"},
          Want{"Latin-1", "<Say>Ol\xE1</Say>", "\\xe1 is not UTF-8"},
          Want{"Latin-1 at the end of a value", "<Say a='\xE1'/>", "\\xe1 is not UTF-8"},
          Want{"control character", "<Say>\x02</Say>", "\\x02 cannot stand"},
          Want{"no quotes", "<Say loop=2/>", "without quotes"},
          Want{"typographic quotes", "<Say loop=“2”/>", "typographic quotes"},
          Want{"less than", "<Say>1 < 2</Say>", "bare < stands"},
          Want{"text behind", "<Response/>\nOK", "\"OK\" stands behind"},
          Want{"encoding", "<?xml version='1.0' encoding='utf8'?><a/>", "declares"}}) {
        SCOPED_TRACE(row.name);
        const auto report = lint_twiml(row.text);
        ASSERT_EQ(report.findings.size(), 1U);
        EXPECT_NE(report.findings[0].detail.find(row.part), std::string::npos) << report.findings[0].detail;
        EXPECT_FALSE(report.ok());
    }
}

// Each must name what to do about this very fault, and not about a bare &.
TEST(LintTwiml, SaysWhatToDoAboutEachParseFailure) {
    struct Want {
        const char* name;
        std::string text;
        std::string_view part;
    };
    for (const auto& row :
         {Want{"missing end tag", "<Response><Dial>", "Write </Dial>"},
          Want{"wrong end tag", "<Response><Dial></Response>", "Write </Dial>"},
          Want{"Latin-1", "<Say>Ol\xE1</Say>", "as UTF-8"},
          Want{"double attribute", "<Say a='1' a='2'/>", "Remove one"},
          Want{"control character", "<Say>\x02</Say>", "Take the character out"},
          Want{"forbidden reference", "<Say>&#0;</Say>", "Take the character out"},
          Want{"Markdown", "```xml\n<Response/>\n```", "fences"},
          Want{"response with headers", "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n<Response/>",
               "body alone"},
          Want{"response with headers and prolog",
               std::string("HTTP/1.1 200 OK\r\n\r\n").append(kProlog) + "<Response/>", "body alone"},
          Want{"ampersand", "<Say>a & b</Say>", "&amp;"}}) {
        SCOPED_TRACE(row.name);
        const auto report = lint_twiml(row.text);
        ASSERT_EQ(report.findings.size(), 1U);
        EXPECT_EQ(report.findings[0].code, "twiml_not_well_formed");
        EXPECT_NE(report.findings[0].fix.find(row.part), std::string::npos) << report.findings[0].fix;
    }
    EXPECT_NE(lint_twiml("<a>&#0;</a>").findings.at(0).detail.find("cannot stand in XML"), std::string::npos);
}

// Source: Twilio, errors 32110 to 32113.
TEST(LintTwiml, PointsAtTheHeaderThatIsWrong) {
    struct Want {
        std::string behind;
        std::string_view at;  // what stands at the place
        int code;
        Severity severity = Severity::warning;
    };
    for (const auto& row :
         {Want{"?X-A=1&amp;X-Ref=a=b", "=b<", 32112}, Want{"?X-Email=me@ex.com", "@ex", 32112},
          Want{"?X-A=1&amp;X-Ref", "X-Ref<", 32110}, Want{"?", "<", 32110}, Want{"?X Ref=a", " Ref", 32111},
          Want{"?=a", "=a<", 32111}, Want{"?X-A=1&amp;X-Twilio-A=a", "X-Twilio", 32113},
          Want{"?Via=a", "Via", 13252}}) {
        SCOPED_TRACE(row.behind);
        const auto text = openai(row.behind);
        const auto report = lint_twiml(text);
        ASSERT_EQ(report.findings.size(), 1U);
        const auto& finding = report.findings[0];
        EXPECT_EQ(finding.twilio_code, row.code) << finding.detail;
        EXPECT_EQ(finding.severity, row.severity);
        EXPECT_TRUE(text.substr(finding.place.offset).starts_with(row.at))
            << text.substr(finding.place.offset);
        EXPECT_EQ(finding.place.column, finding.place.offset + 1);
    }
}

TEST(LintTwiml, ShowsOfPhoneNumbersTheLastFourDigits) {
    const std::string number = "+5561" + std::string("36863636");
    for (const auto& text :
         {from("whatsapp:" + number), response("<Dial>" + number + "</Dial>"), from("+55 (61) 3686-3636"),
          response("<Dial>client:" + number + "</Dial>"),
          from(number, "<WhatsApp>+55 61 3686 3636</WhatsApp>"), sip("sip:" + number + "@10.0.0.1"),
          sip("sip:%2B" + number.substr(1) + "@10.0.0.1"), sip("sip:&#43;" + number.substr(1) + "@10.0.0.1"),
          dial(" referUrl='http://a.example/?from=%2b" + number.substr(1) + "'", kGoodSip), number,
          response("<Say>" + number + " & more</Say>"),
          std::string("OK ") + number + "\n" + kProlog + "<a/>"}) {
        SCOPED_TRACE(text);
        const auto report = lint_twiml(text);
        ASSERT_FALSE(report.findings.empty());
        const SourceLines lines(text);
        for (const auto& finding : report.findings) {
            const auto line = lines.at(finding.place, 200);
            for (const auto& shown : {finding.detail, finding.fix, line.text}) {
                EXPECT_EQ(shown.find("6863"), std::string::npos) << shown;
                EXPECT_EQ(shown.find("3686"), std::string::npos) << shown;
            }
        }
    }
    const std::string text = "<Dial callerId='" + number + "' x='1'/>";
    PlaceFinder places(text);
    const auto line = source_line(text, places.at(text.find("x=")), 120);
    EXPECT_EQ(line.text, "<Dial callerId='+…3636' x='1'/>");
    EXPECT_EQ(line.caret, 24U);
    // No numbers to call: addresses, ids, what is too short.
    for (const std::string other : {"172.31.100.1", "proj_1234567890", "CA1234567", "123456"})
        EXPECT_EQ(shown_value(other, 80), other);
}

// As a hostile review wrote them.
TEST(ShownValue, NeverShowsAPassword) {
    for (const std::string value : {"sip:bob:pa'Secret@localhost",
                                    "sip&#58;bob:Secret@localhost",
                                    "sip&#x3a;bob&#x3A;Secret@localhost",
                                    "SIP:bob:pa?ss/Secret@a.example",
                                    "sips:bob:a@Secret@a.example",
                                    "sip:bob@ex.com:Secret@a.example",
                                    "sip:bob:5060/Secret@x:Secret@a.example",
                                    "https://user:Secr%2Fet/Secret@localhost/x",
                                    "https://user:Se'Secret@localhost/x",
                                    "https://user:a?Secret#Secret@localhost/x",
                                    "https://Secret@localhost/x",
                                    "https:user:Secret@x",
                                    "user:Secret@a.example/x",
                                    "https://u:p@Secret@h/x",
                                    "https://a/?jwt=Secret",
                                    "https://a/?pwd=Secret",
                                    "sip:a@b?X-Auth=Secret",
                                    "sip:a@b?X-Api-Key=Secret&X-B=1",
                                    "https://a/?sig=Secret",
                                    "pass=Secret",
                                    "Bearer Secret123456",
                                    "bearer%20Secret123456",
                                    "<Parameter name=\"jwt\" value=\"Secret\"/>",
                                    "<Parameter name='bearer' value='Secret'/>",
                                    "<Parameter value='Secret' name='auth'/>",
                                    "<Parameter name='x' value='eyJhbGciOiJIUzI1NiJ9.Secret'/>"}) {
        EXPECT_EQ(shown_value(value, 200).find("Secr"), std::string::npos) << shown_value(value, 200);
    }
    for (const std::string value :
         {"https://a.example:8443/x?y=me@ex.com", "sip:bob@a.example:5061;transport=tls", "finishOnKey=\"#\"",
          "passports=\"a\"", "sip:bob@a.example:5061?X-A=me@ex.com", "https://a.example/users/@me"})
        EXPECT_EQ(shown_value(value, 200), value);
}

TEST(LintTwiml, SuggestsWhatWasMeant) {
    EXPECT_NE(lint_twiml(response("<Hangupp/>")).findings.at(0).detail.find("Did you mean <Hangup>?"),
              std::string::npos);
    EXPECT_NE(
        lint_twiml(dial(" caller_id='1'", kGoodSip)).findings.at(0).detail.find("Did you mean callerId?"),
        std::string::npos);
    EXPECT_NE(lint_twiml(dial(" statusCallback='https://a.example/'", "<Client>a</Client>"))
                  .findings.at(0)
                  .detail.find("belongs on <Client>"),
              std::string::npos);
}

TEST(LintTwiml, CountsWhatItDoesNotTell) {
    const auto report = lint_twiml(response(repeated("<Foo/>", kMostFindings + 5) + "<Dial timeout='1'/>"));
    EXPECT_EQ(report.findings.size(), kMostFindings);
    EXPECT_EQ(report.left_off, 7U);
    EXPECT_EQ(report.errors, kMostFindings + 6);
    EXPECT_EQ(report.warnings, 1U);
    EXPECT_TRUE(report.codes.contains("twiml_number_out_of_range"));
}

TEST(LintTwiml, IsQuickWithTheWorstDocuments) {
    const auto filled = [](const std::string& front, const std::string& piece, const std::string& end) {
        return front + repeated(piece, (kMostTextBytes - front.size() - end.size()) / piece.size()) + end;
    };
    const std::string quotes = "\"";
    for (const auto& text :
         {repeated("<Dial>", 10'000) + repeated("</Dial>", 10'000),
          filled("<Response>", "<Foo/>", "</Response>"), filled("<Response>", "<Hangup/>", "</Response>"),
          filled("<Response>", "<Dial/>", "</Response>"),
          filled("<Response><Dial callerId=\"+556136863636\"><Sip>sip:", "a", "</Sip></Dial></Response>"),
          filled("<Response><Dial callerId=\"+556136863636\"><Sip>sip:a@b", ";a", "</Sip></Dial></Response>"),
          filled("<Response><Say>", "<p>x</p>", "</Say></Response>"),
          filled("<Response><Dial callerId=\"", "a ", "\"><Sip>sip:a@b.example</Sip></Dial></Response>"),
          filled("<Response><Dial statusCallback=\"x\">", "<Sip/>", "</Dial></Response>"),
          filled("<Response>", "token=", "</Response>"), filled("<Response>", ":", "</Response>"),
          filled("<Response>", "sip:a@b:1;", "</Response>"), filled("<Response>", "1 ", "</Response>"),
          filled("<Response>", "bearer", "</Response>"), filled("<Response>", "&#58;", "</Response>"),
          filled("<Response>", "://a@", "</Response>"),
          filled("<Response><Dial callerId=\"+556136863636\"><Sip>sip:a@b?", "&amp;",
                 "</Sip></Dial></Response>"),
          filled("<Response>", "://", "</Response>")}) {
        SCOPED_TRACE(text.substr(0, 40));
        const auto start = std::chrono::steady_clock::now();
        const auto report = lint_twiml(text);
        const SourceLines lines(text);
        for (const auto& finding : report.findings)
            EXPECT_LT(lines.at(finding.place, 100).text.size(), 1000U);
        EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
    }
}

TEST(CheckIsText, RefusesWhatIsNone) {
    struct Want {
        const char* name;
        std::string bytes;
        std::string_view part;
    };
    for (const auto& row :
         {Want{"nothing", "", "0 bytes"}, Want{"blanks", " \n", "blanks"},
          Want{"UTF-16, little", std::string("\xFF\xFE<\0a\0", 6), "UTF-16"},
          Want{"UTF-16, big", std::string("\xFE\xFF\0<", 4), "UTF-16"},
          Want{"UTF-16 without a mark", std::string("<\0?\0", 4), "UTF-16"},
          Want{"NUL", std::string("<a/>\0", 5), "byte 4 is NUL"}, Want{"gzip", "\x1F\x8B\x08", "gzip"},
          Want{"a byte more than 1 MiB", std::string(kMostTextBytes + 1, 'a'), "1,048,577 bytes"}}) {
        SCOPED_TRACE(row.name);
        const auto result = check_is_text(row.bytes);
        ASSERT_FALSE(result.has_value());
        EXPECT_NE(result.error().message.find(row.part), std::string::npos) << result.error().message;
        EXPECT_FALSE(result.error().hint.empty());
    }
    EXPECT_TRUE(check_is_text("x").has_value());
    EXPECT_TRUE(check_is_text(std::string(kMostTextBytes, 'a')).has_value());
}

TEST(SourceLine, ShowsTheLineWithAMarkUnderThePlace) {
    const std::string text = "<a>\r\n  <ção x='1'/>\r\n</a>";
    PlaceFinder places(text);
    const auto line = source_line(text, places.at(text.find("x=")), 80);
    EXPECT_EQ(line.text, "  <ção x='1'/>");
    EXPECT_EQ(line.caret, 7U);
    EXPECT_EQ(source_line(text, places.at(text.size()), 80).text, "</a>");
    EXPECT_EQ(source_line("", Place{}, 80).text, "");
}

TEST(SourceLine, ShowsAWindowOfALongLine) {
    const std::string text = repeated("word ", 100) + "here " + repeated("word ", 100);
    PlaceFinder places(text);
    const auto line = source_line(text, places.at(500), 60);
    EXPECT_LT(line.text.size(), 80U);
    EXPECT_TRUE(line.text.starts_with("…"));
    EXPECT_TRUE(line.text.ends_with("…"));
    // The ellipsis has three bytes and is one character.
    EXPECT_EQ(line.text.substr(line.caret + 2, 4), "here");
}

TEST(SourceLine, NeverShowsCredentials) {
    // Assembled, so that no scanner takes them for true ones.
    const std::string secret = "hunter" + std::string("2-opensesame");
    const std::string key = "whsec_" + std::string("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
    for (const auto& text : {"<Sip username=\"" + secret + "\" password='x" + secret + "'>sip:a@b</Sip>",
                             "<Sip password = \"" + secret, "<Sip Password=" + secret + " x='1'>",
                             "<Redirect>https://u:" + secret + "@a.example/</Redirect>",
                             "<Redirect>https://" + secret + "@a.example/</Redirect>",
                             "<Sip>sip:a:" + secret + "@b.example</Sip>",
                             "<Parameter name=\"api_key\" value=\"" + secret + "\"/>",
                             "<Parameter value='" + secret + "' name='auth-token'/>",
                             "<Redirect>https://a/?token=" + secret + "&amp;b</Redirect>",
                             "<Sip password=\"" + secret + "&quot;" + secret + "\"/>"}) {
        SCOPED_TRACE(text.substr(0, 20));
        for (std::size_t offset = 0; offset <= text.size(); ++offset) {
            PlaceFinder places(text);
            for (const std::size_t most : {20U, 40U, 200U}) {
                const auto line = source_line(text, places.at(offset), most);
                EXPECT_EQ(line.text.find("hunter"), std::string::npos) << line.text;
                EXPECT_EQ(line.text.find("opensesame"), std::string::npos) << line.text;
            }
        }
    }
    const std::string with_key = "<Say x='" + key + "'>a</Say>";
    for (std::size_t offset = 0; offset <= with_key.size(); ++offset) {
        PlaceFinder places(with_key);
        const auto line = source_line(with_key, places.at(offset), 60);
        EXPECT_EQ(line.text.find("BgcICQoL"), std::string::npos) << offset << " " << line.text;
    }
}

TEST(LintTwiml, NeverTellsCredentialsInADetail) {
    const std::string secret = "hunter" + std::string("2-opensesame");
    for (const auto& text :
         {sip("sip:proj_a:" + secret + "@sip.api.openai.com"), sip("sip:a:" + secret + "@10.0.0.1"),
          dial(" password='" + secret + "'", kGoodSip),
          response("<Dial action='http://u:" + secret + "@a.example/'>x</Dial>"),
          response("<Redirect>http://u:" + secret + "@a.example/</Redirect>"),
          response("<Redirect>ftp://" + secret + "@a.example/</Redirect>"),
          response("<Sip username='" + secret + "'/>")}) {
        SCOPED_TRACE(text.substr(0, 40));
        const auto report = lint_twiml(text);
        EXPECT_FALSE(report.findings.empty());
        for (const auto& finding : report.findings)
            EXPECT_EQ(finding.detail.find("opensesame"), std::string::npos) << finding.detail;
    }
}

}  // namespace
}  // namespace callchain::twiml
