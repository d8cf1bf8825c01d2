#include "twiml/voice_response.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace callchain::twiml {
namespace {

using namespace std::chrono_literals;

VoiceResponse plain() {
    VoiceResponse response;
    response.project_id = "proj_abc";
    response.caller_id = "+15551230000";
    return response;
}

template <class Change>
VoiceResponse with(Change change) {
    auto response = plain();
    change(response);
    return response;
}

const std::string kDial =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Dial callerId=\"+15551230000\" "
    "answerOnBridge=\"true\"";
const std::string kSip = "<Sip>sip:proj_abc@sip.api.openai.com;transport=tls</Sip></Dial></Response>";

bool has(const std::vector<VoiceRemark>& remarks, std::string_view option, std::string_view message) {
    return std::any_of(remarks.begin(), remarks.end(), [&](const VoiceRemark& remark) {
        return remark.option == option && text_of(remark).find(message) != std::string::npos;
    });
}

std::string all(const std::vector<VoiceRemark>& remarks) {
    std::string out;
    for (const auto& remark : remarks) out += text_of(remark) + "\n";
    return out;
}

TEST(WriteVoiceResponse, PrintsOnlyWhatWasAskedFor) {
    const auto got = write_voice_response(plain());
    ASSERT_TRUE(got.has_value()) << got.error().message;
    EXPECT_EQ(*got, kDial + ">" + kSip);
}

// Bytes of npm twilio 6.2.0, run on its own, for a call with these attributes.
TEST(WriteVoiceResponse, WritesTheBytesOfTwiliosOwnLibrary) {
    const auto got = write_voice_response(with([](auto& response) {
        response.action = "https://ex.com/twilio/dial-action?a=1&b=2";
        response.method = "POST";
        response.timeout = 30s;
        response.region = "br1";
    }));
    ASSERT_TRUE(got.has_value()) << got.error().message;
    EXPECT_EQ(
        *got,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Dial callerId=\"+15551230000\" "
        "action=\"https://ex.com/twilio/dial-action?a=1&amp;b=2\" method=\"POST\" answerOnBridge=\"true\" "
        "timeout=\"30\"><Sip>sip:proj_abc@sip.api.openai.com;transport=tls;region=br1</Sip></Dial></"
        "Response>");
}

TEST(WriteVoiceResponse, PutsEachAttributeWhereTwilioReadsIt) {
    struct Row {
        const char* name;
        VoiceResponse response;
        std::string want;
    };
    const std::string end = "</Dial></Response>", uri = "sip:proj_abc@sip.api.openai.com;transport=tls";
    const std::vector<Row> rows{
        {"no answerOnBridge", with([](auto& r) { r.answer_on_bridge = false; }),
         "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Dial callerId=\"+15551230000\">" + kSip},
        {"times", with([](auto& r) { r.timeout = 5s, r.time_limit = 86400s; }),
         kDial + " timeout=\"5\" timeLimit=\"86400\">" + kSip},
        {"recording", with([](auto& r) {
             r.record = "record-from-answer-dual";
             r.recording_status_callback = "https://e/r";
             r.recording_status_callback_method = "GET";
             r.recording_status_callback_events = {"in-progress", "completed", "absent"};
         }),
         kDial +
             " record=\"record-from-answer-dual\" recordingStatusCallback=\"https://e/r\" "
             "recordingStatusCallbackEvent=\"in-progress completed absent\" "
             "recordingStatusCallbackMethod=\"GET\">" +
             kSip},
        {"REFER", with([](auto& r) { r.refer_url = "https://e/f", r.refer_method = "GET"; }),
         kDial + " referUrl=\"https://e/f\" referMethod=\"GET\">" + kSip},
        {"status callback, on <Sip>", with([](auto& r) {
             r.status_callback = "https://e/s";
             r.status_callback_method = "POST";
             r.status_callback_events = {"initiated", "completed"};
         }),
         kDial +
             "><Sip statusCallback=\"https://e/s\" statusCallbackEvent=\"initiated completed\" "
             "statusCallbackMethod=\"POST\">" +
             uri + "</Sip>" + end},
        {"edge and SRTP", with([](auto& r) { r.edge = "sao-paulo", r.secure = true; }),
         kDial + "><Sip>" + uri + ";edge=sao-paulo;secure=true</Sip>" + end},
        {"EU host", with([](auto& r) { r.host = "sip-eu.api.openai.com"; }),
         kDial + "><Sip>sip:proj_abc@sip-eu.api.openai.com;transport=tls</Sip>" + end},
        {"host and port", with([](auto& r) { r.host = "[::1]:5061"; }),
         kDial + "><Sip>sip:proj_abc@[::1]:5061;transport=tls</Sip>" + end},
        {"headers, percent-encoded first and then escaped", with([](auto& r) {
             r.headers = {{"X-A", "a&b <c>;d=e,f@g"}, {"User-to-User", "00;encoding=hex"}};
         }),
         kDial + "><Sip>" + uri +
             "?X-A=a%26b%20%3Cc%3E%3Bd%3De%2Cf%40g&amp;User-to-User=00%3Bencoding%3Dhex</Sip>" + end},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        const auto got = write_voice_response(row.response);
        ASSERT_TRUE(got.has_value()) << got.error().message;
        EXPECT_EQ(*got, row.want);
    }
}

TEST(WriteVoiceResponse, HasNoDocumentWithoutAnE164CallerId) {
    for (const char* caller_id :
         {"", "whatsapp:+15551230000", "15551230000", "+0551230000", "anonymous", "+155512"}) {
        const auto response = with([&](auto& r) { r.caller_id = caller_id; });
        EXPECT_FALSE(write_voice_response(response).has_value()) << caller_id;
        EXPECT_TRUE(has(check_voice_response(response).problems, "--caller-id", "")) << caller_id;
    }
}

TEST(CheckVoiceResponse, TakesTheProjectIdAlone) {
    struct Row {
        const char* id;
        const char* says;  // nullptr: it is one
    };
    for (const auto& row : {
             Row{"proj_a", nullptr},
             Row{"proj_AbC-09_x", nullptr},
             Row{"", "OPENAI_PROJECT_ID is not set"},
             Row{"proj_", "not a project id"},
             Row{"Proj_abc", "not a project id"},
             Row{"org-abc", "not a project id"},
             Row{"proj_abc ", "give the id alone: proj_abc"},
             Row{"\"proj_abc\"", "give the id alone: proj_abc"},
             Row{"OPENAI_PROJECT_ID=proj_abc", "give the id alone: proj_abc"},
             Row{"proj_abc;transport=tls", "give the id alone: proj_abc"},
             Row{"sip:proj_abc@sip.api.openai.com;transport=tls", "a whole SIP address is given"},
             Row{"SIPS:proj_abc@sip.api.openai.com", "give the id alone: proj_abc"},
             Row{"proj_abc@sip.api.openai.com", "a whole SIP address is given"},
             Row{"sip:alice@example.com", "copy it from OpenAI's settings"},
             Row{"proj_ãbc", "not a project id"},
         }) {
        SCOPED_TRACE(row.id);
        const auto remarks = check_voice_response(with([&](auto& r) { r.project_id = row.id; }));
        if (row.says == nullptr)
            EXPECT_TRUE(remarks.problems.empty()) << all(remarks.problems);
        else
            EXPECT_TRUE(has(remarks.problems, "--project-id", row.says)) << all(remarks.problems);
    }
}

TEST(CheckVoiceResponse, NeverShowsASecretGivenAsProjectId) {
    const std::string key = "sk-proj-0123456789abcdef0123456789abcdef";
    const auto error = error_of(check_voice_response(with([&](auto& r) { r.project_id = key; })).problems);
    EXPECT_EQ(error.message.find("0123456789"), std::string::npos) << error.message;
    EXPECT_EQ(error.hint.find("0123456789"), std::string::npos) << error.hint;
}

TEST(CheckVoiceResponse, KnowsTheHostsOfOpenAI) {
    for (const char* host :
         {"sip.api.openai.com", "SIP.API.OpenAI.com", "sip-eu.api.openai.com", "sip-in.api.openai.com",
          "swedencentral.sip.ai.azure.com", "sip.api.openai.com:5061"}) {
        const auto remarks = check_voice_response(with([&](auto& r) { r.host = host; }));
        EXPECT_TRUE(remarks.problems.empty() && remarks.warnings.empty()) << host;
    }
    for (const char* host : {"api.openai.com", "127.0.0.1:5061", "sip.ai.azure.com", "xsip.ai.azure.com"}) {
        const auto remarks = check_voice_response(with([&](auto& r) { r.host = host; }));
        EXPECT_TRUE(remarks.problems.empty()) << host;
        EXPECT_TRUE(has(remarks.warnings, "--host", "no SIP host of OpenAI's")) << host;
    }
    for (const char* host :
         {"", "a_b.example", "a@b.example", "h;transport=udp", "h?X-A=b", "h:0x", "https://h", "a b"}) {
        const auto remarks = check_voice_response(with([&](auto& r) { r.host = host; }));
        EXPECT_TRUE(has(remarks.problems, "--host", "not a host name")) << host;
    }
}

TEST(CheckVoiceResponse, LetsUnknownRegionsPassWithAWarning) {
    // Source: Twilio, "TwiML Voice: <Sip>": the tables of regions and edges.
    for (const char* region : {"us1", "us2", "ie1", "de1", "sg1", "jp1", "br1", "au1"}) {
        const auto remarks = check_voice_response(with([&](auto& r) { r.region = region; }));
        EXPECT_TRUE(remarks.problems.empty() && remarks.warnings.empty()) << region;
    }
    for (const char* edge :
         {"ashburn", "umatilla", "dublin", "frankfurt", "singapore", "tokyo", "sao-paulo", "sydney"}) {
        const auto remarks = check_voice_response(with([&](auto& r) { r.edge = edge; }));
        EXPECT_TRUE(remarks.problems.empty() && remarks.warnings.empty()) << edge;
    }
    const auto later = with([](auto& r) { r.region = "in1"; });
    EXPECT_TRUE(has(check_voice_response(later).warnings, "--region", "us1, us2, ie1"));
    EXPECT_TRUE(write_voice_response(later).has_value());
    EXPECT_TRUE(has(check_voice_response(with([](auto& r) { r.region = "sao-paulo"; })).warnings, "--region",
                    "a name for --edge"));
    EXPECT_TRUE(has(check_voice_response(with([](auto& r) { r.edge = "br1"; })).warnings, "--edge",
                    "a name for --region"));
    EXPECT_TRUE(
        has(check_voice_response(with([](auto& r) { r.region = "BR1"; })).problems, "--region", "write br1"));
    for (const char* region : {"br1;transport=udp", "br1 x", "são-paulo", "br_1", "br1?X-A=b"})
        EXPECT_TRUE(
            has(check_voice_response(with([&](auto& r) { r.region = region; })).problems, "--region", ""))
            << region;
    EXPECT_TRUE(
        has(check_voice_response(with([](auto& r) { r.region = "br1", r.edge = "sao-paulo"; })).problems,
            "--region", "a region and an edge"));
}

// Source: Twilio, "TwiML Voice: <Sip>", "Passing custom headers".
TEST(CheckVoiceResponse, TakesOnlyHeadersThatTwilioPassesOn) {
    for (const char* name : {"X-A", "x-trace-id", "User-to-User", "Remote-Party-ID", "P-Preferred-Identity",
                             "p-called-party-id", "X-Callchain-Id", "X-Twili"}) {
        const auto remarks = check_voice_response(with([&](auto& r) { r.headers = {{name, "v"}}; }));
        EXPECT_TRUE(remarks.problems.empty()) << name << all(remarks.problems);
    }
    for (const char* name : {"", "X-", "X", "Via", "Subject", "P-Asserted-Identity", "X-Twilio-CallSid",
                             "x-twilio", "X-Twilio", "X A", "X-A:", "X-é", "X-A\r\nVia", "X-A=b"}) {
        const auto remarks = check_voice_response(with([&](auto& r) { r.headers = {{name, "v"}}; }));
        EXPECT_TRUE(has(remarks.problems, "--header", "")) << name;
    }
    for (const std::string value : {"a\r\nVia: b", "a\tb", "\x7F", "\xFF"}) {
        const auto remarks = check_voice_response(with([&](auto& r) { r.headers = {{"X-A", value}}; }));
        EXPECT_TRUE(has(remarks.problems, "--header", "\"X-A\"")) << all(remarks.problems);
    }
    const auto repeated = check_voice_response(with([](auto& r) {
        r.headers = {{"X-A", "1"}, {"X-B", "1"}, {"x-a", "2"}, {"X-A", "3"}};
    }));
    EXPECT_TRUE(repeated.problems.empty());
    EXPECT_EQ(repeated.warnings.size(), 1U);
}

// Source: Twilio, "TwiML Voice: <Sip>": URI below 255 characters, headers below 1024.
TEST(CheckVoiceResponse, HoldsBothLimitsOfTheUri) {
    const std::string around = "sip:@sip.api.openai.com;transport=tls";
    const auto of_length = [&](std::size_t length) {
        return with([&](auto& r) { r.project_id = "proj_" + std::string(length - around.size() - 5, 'a'); });
    };
    ASSERT_TRUE(write_voice_uri(of_length(254)).has_value());
    EXPECT_EQ(write_voice_uri(of_length(254))->size(), 254U);
    EXPECT_TRUE(has(check_voice_response(of_length(255)).problems, "--project-id", "255 characters"));

    const auto with_headers = [&](std::size_t length) {  // "?X-A=" and %20 for each third byte
        return with([&](auto& r) {
            r.headers = {{"X-A", std::string((length - 5) / 3, ' ') + std::string((length - 5) % 3, 'a')}};
        });
    };
    const auto front = write_voice_uri(plain())->size();
    ASSERT_TRUE(write_voice_uri(with_headers(1023)).has_value());
    EXPECT_EQ(write_voice_uri(with_headers(1023))->size(), front + 1023);
    EXPECT_TRUE(has(check_voice_response(with_headers(1024)).problems, "--header", "1,024 characters"));
    // The headers do not count for the other limit.
    EXPECT_TRUE(check_voice_response(with_headers(600)).problems.empty());
}

TEST(CheckVoiceResponse, HoldsTheRangesOfTimes) {
    struct Row {
        std::chrono::seconds value;
        bool timeout;
        bool limit;
    };
    for (const auto& row : {Row{0s, false, false}, Row{1s, false, true}, Row{4s, false, true},
                            Row{5s, true, true}, Row{600s, true, true}, Row{601s, false, true},
                            Row{86400s, false, true}, Row{86401s, false, false}, Row{-5s, false, false}}) {
        SCOPED_TRACE(row.value.count());
        const auto timeout = check_voice_response(with([&](auto& r) { r.timeout = row.value; }));
        EXPECT_EQ(!has(timeout.problems, "--timeout", "5 to 600"), row.timeout);
        const auto limit = check_voice_response(with([&](auto& r) { r.time_limit = row.value; }));
        EXPECT_EQ(!has(limit.problems, "--time-limit", "1 to 86400"), row.limit);
        EXPECT_EQ(has(limit.warnings, "--time-limit", "4 hours"), row.limit && row.value > 14400s);
    }
    EXPECT_TRUE(check_voice_response(with([](auto& r) { r.time_limit = 14400s; })).warnings.empty());
}

// Words as in the typings of npm twilio 6.2.0.
TEST(CheckVoiceResponse, KnowsTwiliosWords) {
    for (const char* mode : {"do-not-record", "record-from-answer", "record-from-ringing",
                             "record-from-answer-dual", "record-from-ringing-dual"})
        EXPECT_TRUE(check_voice_response(with([&](auto& r) { r.record = mode; })).problems.empty()) << mode;
    for (const char* mode : {"true", "Record-from-answer", "record"})
        EXPECT_TRUE(
            has(check_voice_response(with([&](auto& r) { r.record = mode; })).problems, "--record", mode));
    for (const char* event : {"initiated", "ringing", "answered", "completed"})
        EXPECT_TRUE(check_voice_response(with([&](auto& r) {
                        r.status_callback = "https://e/s", r.status_callback_events = {event};
                    })).problems.empty());
    for (const char* event : {"Completed", "busy", "", "initiated ringing"})
        EXPECT_TRUE(
            has(check_voice_response(with([&](auto& r) { r.status_callback_events = {event}; })).problems,
                "--status-callback-event", "no such event"));
    EXPECT_TRUE(has(check_voice_response(with([](auto& r) {
                        r.recording_status_callback_events = {"ringing"};
                    })).problems,
                    "--recording-status-callback-event", "in-progress, completed, absent"));
    for (const char* method : {"get", "PUT", "POST "})
        EXPECT_TRUE(has(check_voice_response(with([&](auto& r) { r.method = method; })).problems, "--method",
                        "POST"));
}

TEST(CheckVoiceResponse, WarnsOfWhatHasNoEffect) {
    const auto remarks = check_voice_response(with([](auto& r) {
        r.method = "GET", r.status_callback_method = "GET", r.refer_method = "GET";
        r.recording_status_callback_method = "GET";
        r.status_callback_events = {"ringing"}, r.recording_status_callback_events = {"absent"};
    }));
    EXPECT_TRUE(remarks.problems.empty()) << all(remarks.problems);
    EXPECT_EQ(remarks.warnings.size(), 6U) << all(remarks.warnings);
    const auto unrecorded = [](const char* mode) {
        return check_voice_response(
                   with([&](auto& r) { r.recording_status_callback = "https://e/r", r.record = mode; }))
            .warnings.size();
    };
    EXPECT_EQ(unrecorded(""), 1U);
    EXPECT_EQ(unrecorded("do-not-record"), 1U);
    EXPECT_EQ(unrecorded("record-from-answer"), 0U);
}

TEST(CheckVoiceResponse, JudgesUrlsAndLetsThemPass) {
    struct Row {
        const char* url;
        const char* warns;  // nullptr: about nothing
    };
    for (const auto& row : {
             Row{"https://example.com/twilio/dial-action?a=1&b=2#c", nullptr},
             Row{"HTTPS://user:pass@example.com:8443", nullptr},
             Row{"https://[2001:db8::1]/x", nullptr},
             Row{"https://a_b.example/x", nullptr},
             Row{"http://example.com/x", "plain http"},
             Row{"/twilio/dial-action", "not absolute"},
             Row{"example.com/x", "https:// in front"},
             Row{"?a=b", "not absolute"},
             Row{"ftp://example.com/x", "neither http nor https"},
             Row{"javascript:alert(1)", "neither http nor https"},
             Row{"https:///x", "no host"},
             Row{"https://", "no host"},
             Row{"https://example.com/a b", "percent-encode"},
             Row{"https://example.com/<a>", "percent-encode"},
             Row{"https://example.com/ação", "outside ASCII"},
             Row{"https://localhost/x", "cannot reach"},
             Row{"https://127.0.0.1:3000/x", "cannot reach"},
             Row{"https://[::1]/x", "cannot reach"},
             Row{"https://127.example.com/x", nullptr},
         }) {
        SCOPED_TRACE(row.url);
        const auto response = with([&](auto& r) { r.action = row.url; });
        const auto remarks = check_voice_response(response);
        EXPECT_TRUE(remarks.problems.empty()) << all(remarks.problems);
        EXPECT_TRUE(row.warns == nullptr ? remarks.warnings.empty()
                                         : has(remarks.warnings, "--action", row.warns))
            << all(remarks.warnings);
        EXPECT_TRUE(write_voice_response(response).has_value());
    }
    const auto underscore = with([](auto& r) { r.status_callback = "https://u_r:p@my_app.example:1/x_y"; });
    EXPECT_TRUE(has(check_voice_response(underscore).warnings, "--status-callback",
                    "underscore here: \"my_app.example\""));
    const auto elsewhere = with([](auto& r) { r.status_callback = "https://u_r:p@my-app.example:1/x_y"; });
    EXPECT_TRUE(check_voice_response(elsewhere).warnings.empty());
}

TEST(CheckVoiceResponse, NeverShowsThePasswordOfAUrl) {
    for (const char* url : {"http://bob:hunter2@example.com/ã", "https://bob:hunter2@/x y",
                            "ftp://bob:hunter2@e/", "//bob:hunter2@e/x", "https://bob:hunter2@e/\n",
                            "https://bob:hunter2@e/\xFF", "https://bob:hun@ter2@localhost"}) {
        const auto remarks = check_voice_response(with([&](auto& r) { r.action = url; }));
        const auto said = all(remarks.problems) + all(remarks.warnings);
        EXPECT_FALSE(said.empty()) << url;
        EXPECT_EQ(said.find("ter2"), std::string::npos) << said;
    }
}

TEST(CheckVoiceResponse, RefusesOnlyWhatXmlCannotCarryAndControlCharacters) {
    struct Row {
        const char* option;
        std::string VoiceResponse::*member;
    };
    for (const auto& row : {
             Row{"--action", &VoiceResponse::action},
             Row{"--status-callback", &VoiceResponse::status_callback},
             Row{"--recording-status-callback", &VoiceResponse::recording_status_callback},
             Row{"--refer-url", &VoiceResponse::refer_url},
         }) {
        for (const std::string bad :
             {"https://e/\n", "https://e/\t", "\x01", "https://e/\x7F", "https://e/\xC2\x80",
              "https://e/\xC2\x9F", "https://e/\xFF", "https://e/\xEF\xBF\xBF"}) {
            const auto response = with([&](auto& r) { r.*row.member = bad; });
            EXPECT_TRUE(has(check_voice_response(response).problems, row.option, "")) << row.option << bad;
            EXPECT_FALSE(write_voice_response(response).has_value());
        }
        for (const std::string odd : {"&<>\"'", " ", "{{url}}", "💬", "\xC2\xA0"}) {
            const auto response = with([&](auto& r) { r.*row.member = odd; });
            EXPECT_TRUE(write_voice_response(response).has_value()) << row.option << odd;
        }
    }
}

TEST(WriteVoiceResponse, NamesAllProblemsAtOnce) {
    auto response = plain();
    response.project_id = "x";
    response.region = "BR1";
    response.timeout = 1s;
    response.record = "yes";
    response.headers = {{"Via", "a"}};
    const auto got = write_voice_response(response);
    ASSERT_FALSE(got.has_value());
    EXPECT_EQ(got.error().code, ErrorCode::usage);
    for (const char* option : {"--project-id", "--region", "--timeout", "--record", "--header"})
        EXPECT_NE(got.error().message.find(option), std::string::npos) << got.error().message;
    const auto one = write_voice_response(with([](auto& r) { r.region = "BR1"; }));
    EXPECT_EQ(one.error().hint, "write br1");
}

TEST(WriteVoiceResponse, WritesWhateverTheCheckLetsPass) {
    const bool held = rc::check("no problem, then a document and a URI that parses", [] {
        const auto text =
            rc::gen::container<std::string>(rc::gen::elementOf(std::string("aA0_-.:/?&=;,@<>\"' %\xC3\xA9")));
        VoiceResponse response = plain();
        response.project_id = "proj_" + *text;
        response.region = *text;
        response.action = *text;
        response.status_callback = *text;
        if (*rc::gen::arbitrary<bool>()) response.project_id = "proj_a", response.region = "br1";
        response.headers = {{"X-A", *text}};
        const auto remarks = check_voice_response(response);
        const auto document = write_voice_response(response);
        RC_ASSERT(document.has_value() == remarks.problems.empty());
        if (!document) return;
        const auto uri = parse_sip_uri(*write_voice_uri(response));
        RC_ASSERT(uri.has_value());
        RC_ASSERT(uri->user == response.project_id);
        RC_ASSERT(uri->headers == response.headers);
    });
    ASSERT_TRUE(held);
}

TEST(WriteVoiceResponse, WritesEachEventOnce) {
    const auto got = write_voice_response(with([](auto& r) {
        r.status_callback = "https://e/s", r.status_callback_events = {"answered", "completed", "answered"};
    }));
    ASSERT_TRUE(got.has_value());
    EXPECT_NE(got->find("statusCallbackEvent=\"answered completed\""), std::string::npos) << *got;
}

TEST(JudgeDocument, SaysWhatTheCheckDoesNotSayAndNothingTwice) {
    struct Row {
        const char* action;
        std::size_t checked;
        std::size_t judged;
    };
    for (const auto& row : {Row{"https://e.example/a", 0, 0}, Row{"https://10.0.0.1/a", 0, 1},
                            Row{"https://bridge:99999/a", 0, 1}, Row{"https://https://e.example/a", 0, 1},
                            Row{"https://undefined/a", 0, 1}, Row{"http://e.example/a", 1, 0},
                            Row{"https://localhost/a", 1, 0}, Row{"/a", 1, 0}, Row{"e.example/a", 1, 0},
                            Row{"ftp://e.example/a", 1, 0}, Row{"http://10.0.0.1/a", 1, 1}}) {
        SCOPED_TRACE(row.action);
        const auto response = with([&](auto& r) { r.action = row.action; });
        const auto known = check_voice_response(response).warnings;
        EXPECT_EQ(known.size(), row.checked) << all(known);
        const auto judged = judge_document(*write_voice_response(response), known);
        EXPECT_EQ(judged.size(), row.judged) << all(judged);
        for (const auto& remark : judged) EXPECT_EQ(remark.option, "--action");
    }
}

}  // namespace
}  // namespace callchain::twiml
