#include "webhook/event.hpp"

#include <gtest/gtest.h>

namespace callchain::webhook {
namespace {

bool is_empty(const EventIdentity& identity) {
    return !identity.id && !identity.type && !identity.created_at && !identity.call_id &&
           !identity.session_id;
}

TEST(ReadEventIdentity, ReadsARealtimeCall) {
    const auto identity = read_event_identity(
        R"({"id": "evt_1", "object": "event", "created_at": 1750287018, "type": "realtime.call.incoming",)"
        R"( "data": {"call_id": "rtc_u1_x", "sip_headers": [{"name": "call_id", "value": "no"}]}})");
    EXPECT_EQ(identity.id, "evt_1");
    EXPECT_EQ(identity.type, "realtime.call.incoming");
    EXPECT_EQ(identity.created_at, "1750287018");
    EXPECT_EQ(identity.call_id, "rtc_u1_x");
    EXPECT_EQ(identity.session_id, std::nullopt);
}

TEST(ReadEventIdentity, ReadsALiveSessionInAnyOrder) {
    const auto identity = read_event_identity(
        R"({"data":{"x":{"call_id":"no"},"session_id":"live_1"},"call_id":"no","id":"evt_2","created_at":1.5e9})");
    EXPECT_EQ(identity.id, "evt_2");
    EXPECT_EQ(identity.session_id, "live_1");
    EXPECT_EQ(identity.call_id, std::nullopt);
    EXPECT_EQ(identity.created_at, "1.5e9");  // the token, not a number
}

TEST(ReadEventIdentity, LeavesOutMembersOfAnotherType) {
    EXPECT_TRUE(is_empty(read_event_identity(
        R"({"id": 7, "type": null, "created_at": "1750287018", "data": ["call_id", "rtc"], "call_id": "x"})")));
}

TEST(ReadEventIdentity, LooksIntoDataAndNoOtherMember) {
    EXPECT_TRUE(
        is_empty(read_event_identity(R"({"other": {"call_id": "no", "session_id": "no", "id": "no"}})")));
    const auto both = read_event_identity(R"({"data": {"call_id": "rtc"}, "later": {"call_id": "no"}})");
    EXPECT_EQ(both.call_id, "rtc");
}

TEST(EventIdentity, SaysWhichCallItIsOf) {
    EXPECT_EQ(read_event_identity(R"({"data": {"call_id": "rtc_1"}})").call(), "rtc_1");
    EXPECT_EQ(read_event_identity(R"({"data": {"session_id": "live_1"}})").call(), "live_1");
    EXPECT_EQ(read_event_identity(R"({"data": {"session_id": "live_1", "call_id": "rtc_1"}})").call(),
              "rtc_1");
    EXPECT_EQ(read_event_identity("{}").call(), std::nullopt);
}

TEST(ReadEventIdentity, IsEmptyForWhatIsNoJsonObject) {
    for (const auto* body :
         {"", "null", "\"id\"", "[{\"id\": \"evt_1\"}]", "{\"id\": \"evt_1\"", "{\"id\": \"evt_1\"} x"}) {
        SCOPED_TRACE(body);
        EXPECT_TRUE(is_empty(read_event_identity(body)));
    }
}

TEST(ReadEventIdentity, SurvivesDeepNesting) {
    std::string deep = R"({"id": "evt_1", "data": )";
    deep.append(100'000, '[');
    EXPECT_TRUE(is_empty(read_event_identity(deep)));
    deep.append(100'000, ']');
    EXPECT_TRUE(is_empty(read_event_identity(deep + "}")));
}

}  // namespace
}  // namespace callchain::webhook
