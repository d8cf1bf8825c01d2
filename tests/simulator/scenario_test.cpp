#include "simulator/scenario.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>

namespace callchain::simulator {
namespace {

using namespace std::chrono_literals;

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

template <class Conduct>
Result<Script<Conduct>> script_of(std::string_view json, const Assignments& flags = {}) {
    const auto scenario = CALLCHAIN_TRY(read_scenario(json));
    return make_script<Conduct>(scenario, flags, Conduct{});
}

TEST(ReadScenario, KeepsWhatIsWritten) {
    const auto scenario = read_scenario(
        R"({"accept_time": 2.50, "silent": true, "retries": [1, 4], "calls": [{}, {"x": "y"}]})");
    ASSERT_TRUE(scenario.has_value()) << scenario.error().message;
    const Assignments all{{"accept_time", "2.50"}, {"silent", "true"}, {"retries", "1,4"}};
    EXPECT_EQ(scenario->all, all);
    ASSERT_EQ(scenario->calls.size(), 2U);
    EXPECT_TRUE(scenario->calls[0].empty());
    EXPECT_EQ(scenario->calls[1], (Assignments{{"x", "y"}}));
    const auto empty = read_scenario("{}");
    ASSERT_TRUE(empty.has_value());
    EXPECT_TRUE(empty->all.empty() && empty->calls.empty());
}

TEST(ReadScenario, RefusesWhatCouldBeMeantInTwoWays) {
    struct Row {
        const char* json;
        const char* words;
    };
    for (const auto& row : {
             Row{"", "not JSON"},
             Row{"{", "not JSON"},
             Row{"3", "no JSON object"},
             Row{R"({"a": 1, "a": 2})", "a is there twice"},
             Row{R"({"calls": [], "calls": []})", "calls is there twice"},
             Row{R"({"calls": {}})", "calls is no list"},
             Row{R"({"calls": [1]})", "calls[0] is no object"},
             Row{R"({"calls": [{}, {"a": 1, "a": 1}]})", "calls[1].a is there twice"},
             Row{R"({"calls": [{"calls": []}, {"b": {}}]})", "calls[1].b is neither"},
             Row{R"({"a": null})", "a is neither"},
             Row{R"({"a": [[1]]})", "a is a list of something else"},
         }) {
        SCOPED_TRACE(row.json);
        const auto scenario = read_scenario(row.json);
        ASSERT_FALSE(scenario.has_value());
        EXPECT_EQ(scenario.error().code, ErrorCode::bad_input);
        EXPECT_TRUE(has(scenario.error().message, row.words)) << scenario.error().message;
    }
}

TEST(MakeScript, SetsEveryMember) {
    const auto meta = script_of<MetaConduct>(
        R"({"caller": "US.1349", "called": "+4930123", "offer": "dtls-opus", "ring": 1, "talk": 0.25, "waits": true,
            "patience": 3, "deaf": true, "silence": 4, "drops_connection": 5})");
    ASSERT_TRUE(meta.has_value()) << meta.error().message;
    EXPECT_EQ(meta->rest.caller, "US.1349");
    EXPECT_EQ(meta->rest.called, "+4930123");
    EXPECT_EQ(meta->rest.offer, Offer::dtls_opus);
    EXPECT_EQ(meta->rest.ring, 1s);
    EXPECT_EQ(meta->rest.talk, 250ms);
    EXPECT_FALSE(meta->rest.hangs_up);
    EXPECT_EQ(meta->rest.patience, 3s);
    EXPECT_FALSE(meta->rest.hears);
    EXPECT_EQ(meta->rest.silence, 4s);
    EXPECT_EQ(meta->rest.drops_connection, 5s);
    const auto twilio = script_of<TwilioConduct>(
        R"({"secure_media": "off", "webhook_time": 1, "dial_timeout": 2, "bye_on_new_connection": true,
            "from": "whatsapp:+1", "to": "whatsapp:+2"})");
    ASSERT_TRUE(twilio.has_value()) << twilio.error().message;
    EXPECT_EQ(twilio->rest.secure_media, TwilioConduct::SecureMedia::off);
    EXPECT_EQ(twilio->rest.webhook_time, 1s);
    EXPECT_EQ(twilio->rest.dial_timeout, 2s);
    EXPECT_TRUE(twilio->rest.bye_on_new_connection);
    EXPECT_EQ(twilio->rest.from, "whatsapp:+1");
    EXPECT_EQ(twilio->rest.to, "whatsapp:+2");
    const auto openai = script_of<OpenAiConduct>(
        R"({"dispatch_delay": 1, "webhook_time": 2, "retries": "0.5, 3", "redeliveries": 4, "between_endpoints": 5,
            "clock_skew": -600, "body_reserialised": true, "accept_time": 6, "not_found_first": 7,
            "dead_accepts": true, "dead_after": 8, "silent": true, "model_hangs_up": 9})");
    ASSERT_TRUE(openai.has_value()) << openai.error().message;
    EXPECT_EQ(openai->rest.dispatch_delay, 1s);
    EXPECT_EQ(openai->rest.webhook_time, 2s);
    EXPECT_EQ(openai->rest.retries, (std::vector<std::chrono::milliseconds>{500ms, 3s}));
    EXPECT_EQ(openai->rest.redeliveries, 4);
    EXPECT_EQ(openai->rest.between_endpoints, 5s);
    EXPECT_EQ(openai->rest.clock_skew, -10min);
    EXPECT_TRUE(openai->rest.body_reserialised);
    EXPECT_EQ(openai->rest.accept_time, 6s);
    EXPECT_EQ(openai->rest.not_found_first, 7);
    EXPECT_TRUE(openai->rest.dead_accepts);
    EXPECT_EQ(openai->rest.dead_after, 8s);
    EXPECT_FALSE(openai->rest.greets);
    EXPECT_EQ(openai->rest.model_hangs_up, 9s);
}

// A member that the test above forgets would not be noticed there.
TEST(MakeScript, HasNoOtherMembers) {
    EXPECT_EQ(scenario_members<MetaConduct>().size(), 10U);
    EXPECT_EQ(scenario_members<TwilioConduct>().size(), 6U);
    EXPECT_EQ(scenario_members<OpenAiConduct>().size(), 13U);
}

TEST(MakeScript, PutsFlagsOverTheScenarioAndSingleCallsOverBoth) {
    const auto script = script_of<OpenAiConduct>(
        R"({"accept_time": 1, "dead_after": 1, "calls": [{"accept_time": 3}, {}, {"silent": true}]})",
        {{"accept_time", "2"}});
    ASSERT_TRUE(script.has_value()) << script.error().message;
    EXPECT_EQ(script->rest.accept_time, 2s);
    EXPECT_EQ(script->rest.dead_after, 1s);
    ASSERT_EQ(script->calls.size(), 3U);
    EXPECT_EQ(script->calls[0].accept_time, 3s);
    EXPECT_EQ(script->calls[0].dead_after, 1s);
    EXPECT_EQ(script->calls[1].accept_time, 2s);
    EXPECT_TRUE(script->calls[1].greets);
    EXPECT_FALSE(script->calls[2].greets);
    EXPECT_TRUE(script->rest.greets);
}

TEST(MakeScript, NamesWhatDoesNotFit) {
    struct Row {
        const char* json;
        Assignments flags;
        ErrorCode code;
        const char* message;
        const char* hint;
    };
    for (const auto& row : {
             Row{R"({"accept_tiem": 1})",
                 {},
                 ErrorCode::bad_input,
                 "accept_tiem is no member",
                 "accept_time?"},
             Row{R"({"calls": [{}, {"slient": true}]})",
                 {},
                 ErrorCode::bad_input,
                 "calls[1].slient",
                 "silent?"},
             Row{R"({"calls": [{"calls": [1]}]})",
                 {},
                 ErrorCode::bad_input,
                 "calls[0].calls is no member",
                 "_"},
             Row{R"({"talk": 1})", {}, ErrorCode::bad_input, "talk is no member", "options"},
             Row{R"({"accept_time": -1})", {}, ErrorCode::bad_input, "accept_time: \"-1\" is no number", ""},
             Row{R"({"accept_time": 86401})", {}, ErrorCode::bad_input, "from 0 to 86400", ""},
             Row{R"({"accept_time": "1s"})", {}, ErrorCode::bad_input, "\"1s\" is no number", ""},
             Row{R"({"accept_time": ""})", {}, ErrorCode::bad_input, "\"\" is no number", ""},
             Row{R"({"accept_time": "inf"})", {}, ErrorCode::bad_input, "\"inf\" is no number", ""},
             Row{R"({"redeliveries": 1001})", {}, ErrorCode::bad_input, "from 0 to 1000", ""},
             Row{R"({"redeliveries": 1.5})", {}, ErrorCode::bad_input, "redeliveries: \"1.5\"", ""},
             Row{R"({"silent": 1})", {}, ErrorCode::bad_input, "neither true nor false", ""},
             Row{R"({"retries": [1, -1]})", {}, ErrorCode::bad_input, "retries: \"1,-1\"", ""},
             Row{"{}", {{"accept_time", "nan"}}, ErrorCode::usage, "--accept-time: \"nan\" is no number", ""},
         }) {
        SCOPED_TRACE(row.json);
        const auto script = script_of<OpenAiConduct>(row.json, row.flags);
        ASSERT_FALSE(script.has_value());
        EXPECT_EQ(script.error().code, row.code);
        EXPECT_TRUE(has(script.error().message, row.message)) << script.error().message;
        EXPECT_TRUE(has(script.error().hint, row.hint)) << script.error().hint;
    }
}

// They become parts of URIs.
TEST(MakeScript, TakesNoUserThatIsMoreThanAUser) {
    for (const char* user : {"", "1@evil.example.com", "1;user=phone", "1 2", "<1>", "1%0d%0a", "1?x"}) {
        SCOPED_TRACE(user);
        EXPECT_FALSE(make_script<MetaConduct>({}, {{"caller", user}}, {}).has_value());
        EXPECT_FALSE(make_script<TwilioConduct>({}, {{"to", user}}, {}).has_value());
    }
}

TEST(ScenarioMembers, AreNamedAsFlagsCanBe) {
    std::set<std::string> flags;
    for (const auto& member : scenario_members<OpenAiConduct>()) {
        SCOPED_TRACE(member.name);
        EXPECT_TRUE(std::all_of(member.name.begin(), member.name.end(),
                                [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; }));
        EXPECT_TRUE(flags.insert(flag_of(member.name)).second);
    }
    EXPECT_TRUE(flags.contains("--accept-time"));
}

}  // namespace
}  // namespace callchain::simulator
