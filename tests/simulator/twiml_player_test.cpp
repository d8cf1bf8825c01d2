#include "simulator/twiml_player.hpp"

#include "twiml/fallback.hpp"
#include "twiml/voice_response.hpp"

#include <gtest/gtest.h>

namespace callchain::simulator {
namespace {

using namespace std::chrono_literals;

const DialStep& dial_of(const Script& script) { return std::get<DialStep>(script.steps.at(0)); }

std::vector<int> codes_of(const Script& script) {
    std::vector<int> codes;
    for (const auto& warning : script.warnings) codes.push_back(warning.code);
    return codes;
}

std::string response(const std::string& inner) { return "<Response>" + inner + "</Response>"; }
std::string dial_sip(const std::string& uri, const std::string& attributes = {}) {
    return response("<Dial callerId=\"+12145551869\"" + attributes + "><Sip>" + uri + "</Sip></Dial>");
}

// The document that answers a voice request, as this program writes it.
TEST(ReadScript, ReadsTheDocumentOfTheService) {
    twiml::VoiceResponse answer;
    answer.project_id = "proj_00000000000000000000000a";
    answer.region = "br1";
    answer.headers = {{"X-Callchain-Id", "cc_0123456789abcdef01234567"}};
    answer.caller_id = "+12145551869";
    answer.action = "https://bridge.example.com/twilio/dial-action";
    answer.method = "POST";
    answer.timeout = 20s;
    answer.status_callback = "https://bridge.example.com/twilio/dial-status";
    answer.status_callback_events = {"initiated", "completed"};
    const auto document = twiml::write_voice_response(answer);
    ASSERT_TRUE(document.has_value()) << document.error().message;

    const auto script = read_script(*document);
    EXPECT_FALSE(script.failure);
    EXPECT_TRUE(script.warnings.empty());
    ASSERT_EQ(script.steps.size(), 1U);
    const auto& dial = dial_of(script);
    EXPECT_FALSE(dial.fault);
    EXPECT_EQ(dial.caller_id, "+12145551869");
    EXPECT_EQ(dial.action, "https://bridge.example.com/twilio/dial-action");
    EXPECT_EQ(dial.method, "POST");
    EXPECT_EQ(dial.timeout, 20s);
    EXPECT_TRUE(dial.answer_on_bridge);
    ASSERT_EQ(dial.sips.size(), 1U);
    const auto& sip = dial.sips[0];
    EXPECT_EQ(sip::write_uri(sip.uri), "sip:proj_00000000000000000000000a@sip.api.openai.com;transport=tls");
    EXPECT_EQ(sip.headers,
              (std::vector<sip::HeaderField>{{"X-Callchain-Id", "cc_0123456789abcdef01234567"}}));
    EXPECT_FALSE(sip.secure);
    EXPECT_EQ(sip.status_callback, "https://bridge.example.com/twilio/dial-status");
    EXPECT_EQ(sip.status_callback_method, "POST");
    EXPECT_EQ(sip.status_callback_events, (std::vector<std::string>{"initiated", "completed"}));
    EXPECT_EQ(summary_of(script), "<Dial callerId=+…1869 answerOnBridge><Sip>");
}

// Source: Twilio, "TwiML Voice: <Reject>" and "Receiving SIP": busy is 486, rejected 404 on a SIP leg.
TEST(ReadScript, ReadsTheOtherVerbsOfTheService) {
    struct Row {
        const char* name;
        std::string document;
        const char* summary;
    };
    using twiml::Fallback;
    for (const auto& row :
         {Row{"hang up", twiml::write_fallback({}).value_or(""), "<Hangup>"},
          Row{"say", twiml::write_fallback({.verb = Fallback::Verb::say, .text = "Bye"}).value_or(""),
              "<Say><Hangup>"},
          Row{"reject", twiml::write_fallback({.verb = Fallback::Verb::reject}).value_or(""), "<Reject>"},
          Row{"busy",
              twiml::write_fallback({.verb = Fallback::Verb::reject, .reason = Fallback::Reason::busy})
                  .value_or(""),
              "<Reject reason=busy>"},
          Row{"redirect",
              twiml::write_fallback({.verb = Fallback::Verb::redirect, .url = "https://e.example/x?a=1&b=2"})
                  .value_or(""),
              "<Redirect>"},
          Row{"pause", response("<Pause length=\"2\"/>"), "<Pause>"},
          Row{"nothing", "<Response/>", "<Response/>"}}) {
        SCOPED_TRACE(row.name);
        const auto script = read_script(row.document);
        EXPECT_FALSE(script.failure);
        EXPECT_EQ(codes_of(script), std::vector<int>{});
        EXPECT_EQ(summary_of(script), row.summary);
    }
    const auto busy = read_script(response("<Reject reason=\"busy\"/>"));
    EXPECT_EQ(std::get<RejectStep>(busy.steps.at(0)).status, 486);
    EXPECT_EQ(std::get<RejectStep>(read_script(response("<Reject/>")).steps.at(0)).status, 404);
    const auto redirect = read_script(response("<Redirect method=\"GET\"> /x?a=1&amp;b=2\n</Redirect>"));
    EXPECT_EQ(std::get<RedirectStep>(redirect.steps.at(0)).url, "/x?a=1&b=2");
    EXPECT_EQ(std::get<RedirectStep>(redirect.steps.at(0)).method, "GET");
    EXPECT_EQ(std::get<PauseStep>(read_script(response("<Pause/>")).steps.at(0)).length, 1s);
}

// Source: Twilio, error and warning dictionary, 12100 and 11750.
TEST(ReadScript, FailsForWhatIsNoDocument) {
    struct Row {
        const char* name;
        std::string document;
        int code;
    };
    for (const auto& row :
         {Row{"JSON", "{\"ok\":true}", 12100}, Row{"nothing", "", 12100},
          Row{"an ampersand of a URL as it is", dial_sip("sip:a@b.example?X-A=1&X-B=2"), 12100},
          Row{"cut off", "<Response><Hangup/>", 12100},
          Row{"blanks in front of the declaration", "\n<?xml version=\"1.0\"?><Response/>", 12100},
          Row{"too long", "<Response><!--" + std::string(65'536, ' ') + "--></Response>", 11750}}) {
        SCOPED_TRACE(row.name);
        const auto script = read_script(row.document);
        ASSERT_TRUE(script.failure);
        EXPECT_EQ(script.failure->code, row.code);
        EXPECT_TRUE(script.steps.empty());
        EXPECT_EQ(summary_of(script), "not TwiML");
    }
}

// Source: Twilio, error and warning dictionary, 12200: what does not fit the schema is passed over.
TEST(ReadScript, SkipsWhatItDoesNotKnow) {
    struct Row {
        const char* name;
        std::string document;
        std::vector<int> codes;
        const char* summary;
    };
    for (const auto& row :
         {Row{"small letters", response("<dial/><Hangup/>"), {12200}, "<Hangup>"},
          Row{"a verb that is not run", response("<Gather/><Hangup/>"), {12200}, "<Hangup>"},
          Row{"another root", "<response><Hangup/></response>", {12200}, "<Response/>"},
          Row{"codecs",
              dial_sip("sip:a@b.example", " codecs=\"PCMU\""),
              {12200},
              "<Dial callerId=+…1869><Sip>"},
          Row{"a bad method",
              dial_sip("sip:a@b.example", " method=\"PUT\""),
              {13210},
              "<Dial callerId=+…1869><Sip>"},
          Row{"a short timeout",
              dial_sip("sip:a@b.example", " timeout=\"4\""),
              {13212},
              "<Dial callerId=+…1869><Sip>"},
          Row{"no time limit",
              dial_sip("sip:a@b.example", " timeLimit=\"x\""),
              {13216},
              "<Dial callerId=+…1869><Sip>"},
          Row{"answerOnBridge=yes",
              dial_sip("sip:a@b.example", " answerOnBridge=\"yes\""),
              {13219},
              "<Dial callerId=+…1869><Sip>"},
          Row{"a second noun that is not dialled",
              response(
                  "<Dial "
                  "callerId=\"+12145551869\"><Sip>sip:a@b.example</Sip><Number>+12145550000</Number></Dial>"),
              {12200},
              "<Dial callerId=+…1869><Sip>"}}) {
        SCOPED_TRACE(row.name);
        const auto script = read_script(row.document);
        EXPECT_FALSE(script.failure);
        EXPECT_EQ(codes_of(script), row.codes);
        EXPECT_EQ(summary_of(script), row.summary);
    }
    EXPECT_EQ(dial_of(read_script(dial_sip("sip:a@b.example", " timeout=\"4\""))).timeout, 30s);
}

// Source: Twilio, "TwiML Voice: <Dial>": answerOnBridge counts where <Dial> is the first verb.
TEST(ReadScript, AnswersOnBridgeOnlyInTheFirstVerb) {
    EXPECT_TRUE(
        dial_of(read_script(dial_sip("sip:a@b.example", " answerOnBridge=\"true\""))).answer_on_bridge);
    EXPECT_FALSE(dial_of(read_script(dial_sip("sip:a@b.example"))).answer_on_bridge);
    const auto late =
        read_script(response("<Say>Hello</Say><Dial callerId=\"+12145551869\" "
                             "answerOnBridge=\"true\"><Sip>sip:a@b.example</Sip></Dial>"));
    EXPECT_FALSE(std::get<DialStep>(late.steps.at(1)).answer_on_bridge);
}

// Source: Twilio, "TwiML Voice: <Sip>" and its error and warning dictionary.
TEST(ReadScript, ReadsSipUris) {
    struct Row {
        const char* name;
        std::string uri;
        const char* request_uri;
        std::vector<sip::HeaderField> headers = {};
        std::vector<int> codes = {};
        bool secure = false;
    };
    for (const auto& row :
         {Row{"blanks around", "\n  sip:a@b.example \n", "sip:a@b.example"},
          Row{"two headers",
              "sip:a@b.example?X-A=1%3B2&amp;User-to-User=u",
              "sip:a@b.example",
              {{"X-A", "1;2"}, {"User-to-User", "u"}}},
          Row{"sips", "sips:a@b.example", "sip:a@b.example;transport=tls"},
          Row{"secure", "sip:a@b.example;secure=true", "sip:a@b.example;transport=tls", {}, {}, true},
          Row{"secure=1", "sip:a@b.example;secure=1", "sip:a@b.example", {}, {32114}},
          Row{"edge and region", "sip:a@b.example:5061;edge=sao-paulo;transport=tls;region=br1",
              "sip:a@b.example:5061;transport=tls"},
          Row{"a header of Twilio's",
              "sip:a@b.example?X-Twilio-CallSid=x&amp;X-B=2",
              "sip:a@b.example",
              {{"X-B", "2"}},
              {32113}},
          Row{"another header", "sip:a@b.example?Subject=x", "sip:a@b.example", {}, {13252}},
          Row{"malformed headers", "sip:a@b.example?X-A=%0D%0AX-B:1", "sip:a@b.example", {}, {32110}}}) {
        SCOPED_TRACE(row.name);
        const auto script = read_script(dial_sip(row.uri));
        EXPECT_EQ(codes_of(script), row.codes);
        ASSERT_EQ(dial_of(script).sips.size(), 1U);
        const auto& noun = dial_of(script).sips[0];
        EXPECT_EQ(sip::write_uri(noun.uri), row.request_uri);
        EXPECT_EQ(noun.headers, row.headers);
        EXPECT_EQ(noun.secure, row.secure);
    }
}

// Source: Twilio, error and warning dictionary.
TEST(ReadScript, SaysWhyNobodyCanBeDialled) {
    struct Row {
        const char* name;
        std::string document;
        int code;
    };
    std::string eleven;
    for (int i = 0; i < 11; ++i) eleven += "<Sip>sip:a@b.example</Sip>";
    for (const auto& row :
         {Row{"a URI as text", response("<Dial>sip:a@b.example</Dial>"), 13223},
          Row{"nothing", response("<Dial/>"), 13223}, Row{"no URI", dial_sip("proj_1 at openai"), 13243},
          Row{"another scheme", dial_sip("tel:+12145551869"), 13243},
          Row{"a URI of 255 characters", dial_sip("sip:" + std::string(241, 'a') + "@b.example"), 13243},
          Row{"headers of 1,024 characters", dial_sip("sip:a@b.example?X-A=" + std::string(1020, 'a')),
              13253},
          Row{"eleven nouns", response("<Dial>" + eleven + "</Dial>"), 13250},
          Row{"only a number", response("<Dial><Number>+12145550000</Number></Dial>"), 13223}}) {
        SCOPED_TRACE(row.name);
        const auto script = read_script(row.document);
        ASSERT_TRUE(dial_of(script).fault);
        EXPECT_EQ(dial_of(script).fault->code, row.code);
        EXPECT_TRUE(dial_of(script).sips.empty());
    }
}

// Source: Twilio, "TwiML Voice: <Dial>", callerId: any alphanumeric string with + - _ . for a SIP endpoint;
// error and warning dictionary, 13214 ("must be provided for Client and SIP calls"), 13224, 13247.
TEST(CheckCallerId, JudgesWhatIsWrittenOrInherited) {
    struct Row {
        const char* name;
        const char* written;
        const char* caller;
        int code;
    };
    for (const auto& row :
         {Row{"E.164", "+12145551869", "whatsapp:+12195550714", 0},
          Row{"a name", "my_bridge-1.a", "whatsapp:+12195550714", 0},
          Row{"inherited from a phone", "", "+12195550714", 0},
          Row{"inherited from WhatsApp", "", "whatsapp:+12195550714", 13224},
          Row{"inherited from a client", "", "client:alice", 13224},
          Row{"inherited from SIP", "", "sip:+12195550714@gateway.example", 13214},
          Row{"with the prefix", "whatsapp:+12145551869", "sip:a@b", 13224},
          Row{"with blanks", "+1 214 555 1869", "sip:a@b", 13247}, Row{"nobody", "", "", 13214}}) {
        SCOPED_TRACE(row.name);
        DialStep dial;
        dial.caller_id = row.written;
        const auto problem = check_caller_id(dial, row.caller);
        EXPECT_EQ(problem ? problem->code : 0, row.code);
        if (problem) {
            EXPECT_EQ(problem->why.find("5550714"), std::string::npos) << problem->why;
        }
    }
}

}  // namespace
}  // namespace callchain::simulator
