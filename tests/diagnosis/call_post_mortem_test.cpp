#include "diagnosis/call_post_mortem.hpp"

#include <gtest/gtest.h>

namespace callchain::diagnosis {
namespace {

twilio::CallResource call(const std::string& status) {
    twilio::CallResource made;
    made.sid = "CA" + std::string(32, '1');
    made.status = status;
    made.direction = "inbound";
    return made;
}

twilio::CallNotice notice(int code, twilio::Level level = twilio::Level::error) {
    twilio::CallNotice made;
    made.code = code;
    made.level = level;
    return made;
}

twilio::WebhookExchange dial(const std::string& status, const std::string& sip) {
    twilio::WebhookExchange made;
    made.parameters = {{"DialCallStatus", status},
                       {"DialBridged", status == "completed" ? "true" : "false"},
                       {"DialSipResponseCode", sip}};
    return made;
}

// Source of the readings: the table of Twilio's dial action, DialCallStatus with DialSipResponseCode.
TEST(JudgeCall, ReadsTheDialFromTheWebhookThatToldOfIt) {
    const auto got = judge_call({call("completed"), {}, {notice(13224)}, {dial("failed", "400")}});
    EXPECT_EQ(got.fate, CallFate::failed);
    EXPECT_NE(got.sentence.find("400"), std::string::npos) << got.sentence;
    EXPECT_NE(got.sentence.find("13224"), std::string::npos) << got.sentence;
    EXPECT_EQ(got.explain, "failed:400");
    ASSERT_EQ(got.codes.size(), 2U);
    EXPECT_EQ(got.codes[1].explain, "13224");
}

TEST(JudgeCall, CallsACallConnectedOnlyWhereTheDialWas) {
    EXPECT_EQ(judge_call({call("completed"), {}, {}, {dial("completed", "200")}}).fate, CallFate::connected);
    EXPECT_EQ(
        judge_call(
            {call("completed"), {}, {notice(15003, twilio::Level::warning)}, {dial("completed", "200")}})
            .fate,
        CallFate::connected);
    EXPECT_EQ(judge_call({call("completed"), {}, {}, {}}).fate, CallFate::unknown);
    EXPECT_EQ(judge_call({call("completed"), {}, {}, {dial("no-answer", "487")}}).fate,
              CallFate::not_connected);
}

twilio::CallResource leg(const std::string& status, std::optional<std::chrono::seconds> duration = {}) {
    auto made = call(status);
    made.direction = "outbound-dial";
    made.duration = duration;
    return made;
}

TEST(JudgeCall, ReadsTheLegWhereNoWebhookToldOfTheDial) {
    const auto talked = judge_call({call("completed"), {leg("completed", std::chrono::seconds(72))}, {}, {}});
    EXPECT_EQ(talked.fate, CallFate::connected);
    EXPECT_EQ(talked.explain, "completed");
    EXPECT_NE(talked.sentence.find("The leg lasted"), std::string::npos) << talked.sentence;
    const auto silent = judge_call({call("completed"), {leg("completed", std::chrono::seconds(0))}, {}, {}});
    EXPECT_EQ(silent.fate, CallFate::unknown);  // answered, but for no second
    EXPECT_EQ(judge_call({call("completed"), {leg("busy")}, {}, {}}).fate, CallFate::not_connected);
}

// The request to the dial's action, as a notice of it keeps it; the latest one tells.
TEST(JudgeCall, ReadsTheDialFromANoticeOfItsWebhook) {
    auto told = notice(11200);
    told.request_variables = dial("failed", "404").parameters;
    const auto got = judge_call({call("completed"), {}, {told, notice(13224)}, {}});
    EXPECT_EQ(got.fate, CallFate::failed);
    EXPECT_EQ(got.explain, "failed:404");
}

TEST(JudgeCall, SaysHowLongACallWasThatNothingElseIsKnownOf) {
    auto over = call("completed");
    over.duration = std::chrono::seconds(72);
    auto got = judge_call({over, {}, {}, {}});
    EXPECT_EQ(got.fate, CallFate::unknown);
    EXPECT_TRUE(
        got.sentence.starts_with("The call is over (completed, 72 seconds), and Twilio shows no error"))
        << got.sentence;
    twilio::CallFile part{over, {}, {}, {}};
    part.is_whole = false;
    got = judge_call(part);
    EXPECT_EQ(got.fate, CallFate::unknown);
    EXPECT_NE(got.sentence.find("not all of it could be had"), std::string::npos) << got.sentence;
    EXPECT_EQ(got.fix, "Ask again; what is missing is listed.");
}

TEST(JudgeCall, CannotTellFromAStatusThatIsUnknownButNamesTheError) {
    const auto got = judge_call({call("completed"), {}, {notice(13224)}, {dial("vanished", "")}});
    EXPECT_EQ(got.fate, CallFate::unknown);
    EXPECT_NE(got.sentence.find("(Twilio's 13224"), std::string::npos) << got.sentence;
    EXPECT_EQ(got.explain, "13224");  // `explain` knows no "vanished"
}

TEST(JudgeCall, DoesNotDenyALegThatWasMade) {
    const auto got = judge_call({call("completed"), {leg("in-progress")}, {notice(11200)}, {}});
    EXPECT_EQ(got.fate, CallFate::failed);
    EXPECT_TRUE(got.sentence.starts_with("The call failed: Twilio's 11200")) << got.sentence;
    const auto without = judge_call({call("completed"), {}, {notice(11200)}, {}});
    EXPECT_NE(without.sentence.find("no leg to OpenAI was made"), std::string::npos) << without.sentence;
}

TEST(JudgeCall, TellsACallThatEndedBeforeItsDialFromAFailedOne) {
    for (const char* status : {"canceled", "no-answer", "busy"}) {
        SCOPED_TRACE(status);
        const auto got = judge_call({call(status), {}, {}, {}});
        EXPECT_EQ(got.fate, CallFate::not_connected);
        EXPECT_NE(got.sentence.find(status), std::string::npos) << got.sentence;
    }
    EXPECT_EQ(judge_call({call("failed"), {}, {}, {}}).fate, CallFate::failed);
}

TEST(JudgeCall, NamesTheErrorWhereNoLegWasMade) {
    const auto got = judge_call({call("completed"), {}, {notice(11200), notice(11200)}, {}});
    EXPECT_EQ(got.fate, CallFate::failed);
    EXPECT_EQ(got.explain, "11200");
    EXPECT_FALSE(got.fix.empty());
    ASSERT_EQ(got.codes.size(), 1U);
    EXPECT_EQ(got.codes[0].times, 2U);
}

TEST(JudgeCall, KnowsACodeThatIsInNoTable) {
    const auto got = judge_call({call("failed"), {}, {notice(99'999)}, {}});
    EXPECT_EQ(got.fate, CallFate::failed);
    EXPECT_NE(got.sentence.find("Twilio's 99999."), std::string::npos) << got.sentence;
}

TEST(JudgeCall, SaysThatACallGoesOn) {
    EXPECT_EQ(judge_call({call("in-progress"), {}, {notice(13224)}, {}}).fate, CallFate::not_over);
    const auto unsaid = judge_call({call(""), {}, {}, {}});
    EXPECT_EQ(unsaid.fate, CallFate::not_over);
    EXPECT_EQ(unsaid.sentence, "The call is not over: Twilio shows it as nothing at all.");
}

TEST(JudgeCall, ShowsTheUrlOfANoticeWithoutAMessage) {
    auto told = notice(11200);
    told.request_method = "POST";
    told.request_url = "https://bridge.example.com/voice?x=y";
    const auto got = judge_call({call("completed"), {}, {told}, {}});
    ASSERT_EQ(got.codes.size(), 1U);
    EXPECT_EQ(got.codes[0].detail, "POST https://bridge.example.com/voice");
}

TEST(NameOf, NamesFates) {
    EXPECT_EQ(name_of(CallFate::connected), "connected");
    EXPECT_EQ(name_of(CallFate::failed), "failed");
    EXPECT_EQ(name_of(CallFate::not_connected), "not_connected");
    EXPECT_EQ(name_of(CallFate::not_over), "not_over");
    EXPECT_EQ(name_of(CallFate::unknown), "unknown");
}

TEST(JudgeCall, ShowsNoNumberAndNoPassword) {
    auto told = notice(11200);
    told.message = {{"Msg", "Got HTTP 502 from +5561999994321 \x1b[31m"}};
    told.request_method = "POST";
    told.request_url = "https://user:hunter2@bridge.example.com/voice?x=y";
    const auto got = judge_call({call("completed"), {}, {told}, {}});
    ASSERT_EQ(got.codes.size(), 1U);
    EXPECT_NE(got.codes[0].detail.find("+…4321 \\x1b[31m"), std::string::npos) << got.codes[0].detail;
    EXPECT_EQ(got.codes[0].detail.find("hunter2"), std::string::npos) << got.codes[0].detail;
}

}  // namespace
}  // namespace callchain::diagnosis
