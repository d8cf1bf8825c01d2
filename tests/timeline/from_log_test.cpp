#include "timeline/from_log.hpp"

#include "timeline/timeline.hpp"

#include <gtest/gtest.h>

namespace callchain::timeline {
namespace {

std::string ids_of(const Event& event) {
    std::string text;
    for (const auto& [name, value] : event.ids) text += name + "=" + value + " ";
    return text;
}

// Lines as `serve` writes them, and as Railway hands them on.
TEST(EventsOfLog, ReadsLinesOfServeInEachForm) {
    for (
        const char* line :
        {R"({"time":"2026-11-28T17:47:08.539Z","level":"warn","message":"dial ended","call_sid":"CA1","dial_call_sid":"CA2"})",
         R"({"message":"dial ended","level":"warn","call_sid":"CA1","dial_call_sid":"CA2","timestamp":"2026-11-28T17:47:08.539123456Z"})",
         R"({"message":"dial ended","severity":"warn","timestamp":"2026-11-28T17:47:08.539Z","attributes":[{"key":"level","value":"\"warn\""},{"key":"call_sid","value":"\"CA1\""},{"key":"dial_call_sid","value":"\"CA2\""}]})",
         R"(serve | {"time":"2026-11-28T17:47:08.539Z","level":"warn","message":"dial ended","call_sid":"CA1","dial_call_sid":"CA2"})"}) {
        SCOPED_TRACE(line);
        const auto log = events_of_log(line);
        ASSERT_EQ(log.events.size(), 1U);
        const auto& event = log.events[0];
        EXPECT_EQ(event.from, Party::serve);
        EXPECT_EQ(event.label, "dial ended");
        EXPECT_TRUE(event.trouble);
        EXPECT_EQ(ids_of(event), "call_sid=CA1 leg_call_sid=CA2 ");
        EXPECT_EQ(event.at.time_since_epoch() / std::chrono::milliseconds{1}, 1795888028539);
    }
}

TEST(EventsOfLog, TellsTheGatewaysLinesByWhatOnlyItWrites) {
    const auto log = events_of_log(
        R"({"time":"2026-11-28T17:47:08.534Z","level":"info","message":"call","callchain_id":"cc_a","sip_call_id":"outgoing:1","wacid":"w1"}
{"time":"2026-11-28T17:47:08.535Z","level":"warn","message":"Twilio refused the call","callchain_id":"cc_a","status":"603"}
{"time":"2026-11-28T17:47:08.536Z","level":"info","message":"accepted","callchain_id":"cc_b","call_id":"rtc_1"})");
    ASSERT_EQ(log.events.size(), 3U);
    EXPECT_EQ(log.events[0].from, Party::gateway);
    EXPECT_EQ(ids_of(log.events[0]), "callchain_id=cc_a call_id_meta=outgoing:1 wacid=w1 ");
    EXPECT_EQ(log.events[1].from, Party::gateway);
    EXPECT_EQ(log.events[2].from, Party::serve);
    EXPECT_EQ(ids_of(log.events[2]), "callchain_id=cc_b openai_call_id=rtc_1 ");
}

TEST(EventsOfLog, JoinsBothProcessesByTheIdThatTheInviteBrought) {
    const auto log = events_of_log(
        R"({"time":"2026-11-28T17:47:08.534Z","level":"info","message":"call","callchain_id":"cc_bc293d9283202fc1dd8e35bc","wacid":"w1"}
{"time":"2026-11-28T17:47:08.539Z","level":"info","message":"call from Twilio","callchain_id":"cc_e628441e20bcf33b574be410","gateway_id":"cc_bc293d9283202fc1dd8e35bc"})");
    EXPECT_EQ(join_calls(log.events).size(), 1U);
}

TEST(EventsOfLog, CountsLinesWithoutATimeAndPassesOverTheRest) {
    const auto log =
        events_of_log("no JSON\n\n{\"a\":1}\n{\"message\":\"x\",\"call_sid\":\"CA1\"}\n{\"mess\n");
    EXPECT_EQ(log.lines, 4U);
    EXPECT_EQ(log.without_time, 1U);
    EXPECT_TRUE(log.events.empty());
}

TEST(EventsOfLog, CutsNumbersAndMakesControlsVisible) {
    const auto log = events_of_log(
        R"({"time":"2026-11-28T17:47:08.539Z","level":"warn","message":"m\u001b[31m","why":"from +5561999994321"})");
    ASSERT_EQ(log.events.size(), 1U);
    EXPECT_EQ(log.events[0].label, "m\\x1b[31m");
    EXPECT_EQ(log.events[0].detail, "from +…4321");
}

TEST(EventOfCapture, TakesTheIdsOfHeadersAndBody) {
    webhook::Capture openai{"POST", "/openai/webhook", "HTTP/1.1", {}, {}, {}};
    openai.headers.fields = {{"webhook-id", "wh_1"}};
    openai.body =
        R"({"data":{"call_id":"rtc_1","sip_headers":[{"name":"x-callchain-id","value":"cc_e628441e20bcf33b574be410"},{"name":"X-Callchain-Id","value":"forged"}]}})";
    const auto event = event_of_capture(openai, {});
    EXPECT_EQ(event.from, Party::openai);
    EXPECT_EQ(ids_of(event),
              "webhook_id=wh_1 openai_call_id=rtc_1 callchain_id=cc_e628441e20bcf33b574be410 ");

    webhook::Capture twilio{"POST", "/twilio/dial-action", "HTTP/1.1", {}, "CallSid=CA1&DialCallSid=CA2", {}};
    twilio.headers.fields = {{"X-Twilio-Signature", "x"}};
    EXPECT_EQ(ids_of(event_of_capture(twilio, {})), "call_sid=CA1 leg_call_sid=CA2 ");
}

}  // namespace
}  // namespace callchain::timeline
