#include "webhook/made_up.hpp"

#include "crypto/hash.hpp"
#include "webhook/event.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <set>

namespace callchain::webhook {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::sys_seconds kNow{1767801600s};

// Python: hashlib.sha256(b"0." + b"seed").hexdigest(), and so on with b"1.".
TEST(MadeUpIds, AreHashesOfSeedAndCounter) {
    MadeUpIds ids("seed");
    EXPECT_EQ(ids.webhook_id(), "wh_78353bc8afe2852290c9dabd3652357f");
    EXPECT_EQ(ids.hex(64), "fa2d9de90d4712140b3345954d827b268ed630c149d7057e74bc2668ceae10ab");
}

TEST(MadeUpIds, HaveTheFormsThatWereSeen) {
    MadeUpIds ids("seed");
    struct Row {
        std::string id;
        std::string prefix;
    };
    for (const auto& row : {Row{ids.webhook_id(), "wh_"}, Row{ids.event_id(), "evt_"},
                            Row{ids.call_id(), "rtc_"}, Row{ids.session_id(), "live_"}}) {
        SCOPED_TRACE(row.id);
        EXPECT_TRUE(row.id.starts_with(row.prefix));
        const auto digits = row.id.substr(row.prefix.size());
        EXPECT_EQ(digits.size(), 32U);
        EXPECT_EQ(digits.find_first_not_of("0123456789abcdef"), std::string::npos);
    }
}

TEST(MadeUpIds, AreEqualForEqualSeedsAndNeverTwiceTheSame) {
    MadeUpIds a("seed");
    MadeUpIds b("seed");
    MadeUpIds other("seed2");
    std::set<std::string> seen;
    for (int i = 0; i < 100; ++i) {
        const auto id = a.webhook_id();
        EXPECT_EQ(id, b.webhook_id());
        EXPECT_TRUE(seen.insert(id).second);
        EXPECT_TRUE(seen.insert(other.webhook_id()).second);
    }
}

TEST(MadeUpIds, TakeAnySeedAndGiveNoMoreBytesThanAHashHas) {
    MadeUpIds ids(std::string("\0\xFF", 2));
    EXPECT_EQ(ids.bytes(32).size(), 32U);
    EXPECT_EQ(ids.bytes(100).size(), 32U);
    EXPECT_EQ(ids.hex(100).size(), 64U);
    EXPECT_EQ(ids.bytes(0), "");
}

TEST(ParseMadeUpEvent, KnowsTheTwoTypes) {
    EXPECT_EQ(parse_made_up_event("realtime.call.incoming"), MadeUpEvent::realtime_call_incoming);
    EXPECT_EQ(parse_made_up_event("live.transport.incoming"), MadeUpEvent::live_transport_incoming);
    for (const auto* other :
         {"", "live.call.incoming", "Realtime.call.incoming", "realtime.call.incoming "}) {
        EXPECT_EQ(parse_made_up_event(other), std::nullopt) << other;
    }
}

struct EventRow {
    MadeUpEvent event;
    std::size_t length;
    const char* sha256;
};

// The same members put through Python's json.dumps, with ids from its hashlib.
TEST(MadeUpEvent, IsWhatPythonWrites) {
    for (const auto& row : {EventRow{MadeUpEvent::realtime_call_incoming, 1638,
                                     "a4e996ef5f06d52702c2e266b5c41573faed9312fe69b34cb503c6ab1c252341"},
                            EventRow{MadeUpEvent::live_transport_incoming, 1688,
                                     "613b215a5c9c8ba49b5c9f903d91dd478fc0fbec02553d0a5a4d9b58962cb9ad"}}) {
        MadeUpIds ids("seed");
        const auto body = made_up_event(row.event, ids, kNow);
        SCOPED_TRACE(body);
        EXPECT_EQ(body.size(), row.length);
        EXPECT_EQ(crypto::sha256_hex(body), row.sha256);
    }
}

// What serve's reader of call events needs: type, id and, for Live, data.type "sip".
TEST(MadeUpEvent, HasWhatAReaderOfCallEventsNeeds) {
    MadeUpIds ids("seed");
    const auto realtime =
        nlohmann::json::parse(made_up_event(MadeUpEvent::realtime_call_incoming, ids, kNow));
    EXPECT_EQ(realtime["object"], "event");
    EXPECT_EQ(realtime["type"], "realtime.call.incoming");
    EXPECT_EQ(realtime["created_at"], 1767801600);
    EXPECT_TRUE(realtime["data"]["call_id"].get<std::string>().starts_with("rtc_"));
    EXPECT_FALSE(realtime["data"].contains("session_id"));

    const auto text = made_up_event(MadeUpEvent::live_transport_incoming, ids, kNow);
    const auto live = nlohmann::json::parse(text);
    EXPECT_EQ(live["type"], "live.transport.incoming");
    EXPECT_EQ(live["data"]["type"], "sip");
    EXPECT_EQ(live["data"]["sip_media_security"], "srtp");
    EXPECT_TRUE(read_event_identity(text).session_id.value_or("").starts_with("live_"));
    EXPECT_NE(live["id"], realtime["id"]);
}

TEST(MadeUpEvent, NamesNobody) {
    MadeUpIds ids("seed");
    const auto event = nlohmann::json::parse(made_up_event(MadeUpEvent::realtime_call_incoming, ids, kNow));
    std::multiset<std::string> names;
    for (const auto& header : event["data"]["sip_headers"]) {
        const auto value = header["value"].get<std::string>();
        SCOPED_TRACE(value);
        names.insert(header["name"].get<std::string>());
        for (auto at = value.find("+1"); at != std::string::npos; at = value.find("+1", at + 1)) {
            EXPECT_EQ(value.substr(at, 10), "+120255501");  // reserved for fiction and documentation
        }
        // RFC 5737: the only addresses are those of documentation.
        for (const auto* mark : {"UDP ", "TLS ", "@2", "@1", "sip:2", "sip:1"}) {
            const auto at = value.find(mark);
            if (at == std::string::npos) continue;
            const auto address = value.substr(at + std::string(mark).find_last_not_of("12") + 1);
            EXPECT_TRUE(address.starts_with("203.0.113.") || address.starts_with("198.51.100.") ||
                        address.starts_with("192.0.2."));
        }
        const auto at = value.find('@');
        const bool has_domain = at != std::string::npos && value[at + 1] >= 'a';
        EXPECT_TRUE(!has_domain || value.substr(at + 1).starts_with("sip.example.com") ||
                    value.find("<sip:proj_000000000000000000000000@sip.api.openai.com;") == 0);
    }
    EXPECT_EQ(names.count("Via"), 2U);
    EXPECT_EQ(names.count("Record-Route"), 2U);
    EXPECT_EQ(names.count("X-Twilio-CallSid"), 1U);
}

}  // namespace
}  // namespace callchain::webhook
