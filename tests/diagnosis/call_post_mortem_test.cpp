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
