#include "timeline/from_twilio.hpp"

#include "timeline/timeline.hpp"

#include <algorithm>
#include <gtest/gtest.h>

namespace callchain::timeline {
namespace {

const std::string kCall = "CA" + std::string(32, '1');
const std::string kLeg = "CA" + std::string(32, '2');
constexpr const char* kId = "cc_e628441e20bcf33b574be410";

InternetTime at(const char* text) { return *parse_rfc2822(text); }

twilio::CallFile file() {
    twilio::CallFile made;
    made.call.sid = kCall;
    made.call.status = "completed";
    made.call.direction = "inbound";
    made.call.from = "whatsapp:+5561999994321";
    made.call.to = "whatsapp:+556133331869";
    made.call.started_at = at("Sat, 28 Nov 2026 17:47:08 +0000");
    made.call.ended_at = at("Sat, 28 Nov 2026 17:47:19 +0000");
    return made;
}

bool has(const Event& event, const char* name, const std::string& value) {
    return std::find(event.ids.begin(), event.ids.end(), Id{name, value}) != event.ids.end();
}

TEST(EventsOfCall, BeginWithTheCallAndEndWithIt) {
    const auto events = events_of_call(file());
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[0].from, Party::whatsapp);
    EXPECT_EQ(events[0].to, Party::twilio);
    EXPECT_EQ(events[0].detail, "from whatsapp:+…4321 to whatsapp:+…1869");
    EXPECT_EQ(events[1].label, "call over: completed");
    EXPECT_FALSE(events[1].trouble);
    for (const auto& event : events) EXPECT_TRUE(has(event, "call_sid", kCall));
}

TEST(EventsOfCall, TakeACallFromASipDomainAsTheGateways) {
    auto call = file();
    call.call.from = "sip:5561999994321@gateway.example.com";
    EXPECT_EQ(events_of_call(call)[0].from, Party::gateway);
}

TEST(EventsOfCall, JoinTheLegByTheIdInItsUriAndTheWebhookByItsParameter) {
    auto call = file();
    auto leg = call.call;
    leg.sid = kLeg;
    leg.direction = "outbound-dial";
    leg.status = "failed";
    leg.to = "sip:proj_1@sip.api.openai.com?X-Callchain-Id=cc_e628441e20bcf33b574be410&X-B=c";
    call.legs.push_back(leg);
    twilio::WebhookExchange told;
    told.call_sid = kCall;
    told.method = "POST";
    told.url = "https://user:hunter2@bridge.example.com/twilio/dial-action?x=+5561999994321";
    told.status = 502;
    told.parameters = {
        {"DialCallStatus", "failed"}, {"DialCallSid", kLeg}, {"SipHeader_X-Callchain-Id", kId}};
    call.exchanges.push_back(told);
    const auto events = events_of_call(call);
    ASSERT_EQ(events.size(), 5U);
    EXPECT_EQ(events[1].to, Party::openai);
    EXPECT_TRUE(has(events[1], "leg_call_sid", kLeg) && has(events[1], "callchain_id", kId));
    const auto& webhook = events[3];
    EXPECT_EQ(webhook.label, "POST /twilio/dial-action") << "neither password nor number";
    EXPECT_TRUE(webhook.trouble) << "it was answered 502";
    EXPECT_TRUE(has(webhook, "leg_call_sid", kLeg) && has(webhook, "callchain_id", kId));
    EXPECT_EQ(events[2].label, "leg over: failed");
    EXPECT_EQ(join_calls(events).size(), 1U);
}

TEST(EventsOfCall, TakeNoIdThatWeDoNotMake) {
    auto call = file();
    twilio::WebhookExchange told;
    told.parameters = {{"SipHeader_X-Callchain-Id", "cc_forged\x1b[31m"}};
    call.exchanges.push_back(told);
    for (const auto& event : events_of_call(call))
        EXPECT_FALSE(has(event, "callchain_id", "cc_forged\x1b[31m"));
}

TEST(EventsOfCall, AreNoneOfACallWithoutATime) {
    auto call = file();
    call.call.started_at.reset();
    EXPECT_TRUE(events_of_call(call).empty());
}

}  // namespace
}  // namespace callchain::timeline
