#include "b2bua/call_record.hpp"

#include <chrono>
#include <gtest/gtest.h>
#include <set>

namespace callchain::b2bua {
namespace {

using namespace std::chrono_literals;

CallRecord answered(CallEnd end, std::chrono::milliseconds talked, sdp::Direction direction) {
    CallRecord record;
    record.direction = direction;
    record.end = end;
    record.answered_after = 1'500ms;
    record.ended = 1'500ms + talked;
    return record;
}

TEST(CallEndNames, AreAllDifferentAndLeaveOutNone) {
    const auto names = call_end_names();
    EXPECT_EQ(std::set(names.begin(), names.end()).size(), names.size());
    for (const auto name : names) EXPECT_NE(name, "none");
    EXPECT_EQ(names.size(), 14U);
}

TEST(SilencePattern, IsThatOfMetaWithoutMedia) {
    using enum sdp::Direction;
    struct Row {
        CallEnd end;
        std::chrono::milliseconds talked;
        sdp::Direction direction;
        SilencePattern want;
    };
    // Meta, "SIP troubleshooting": 20 s without a packet at the start, 30 s where they stopped.
    for (const auto& row : {
             Row{CallEnd::hung_up_by_a, 20'100ms, meta_to_twilio, SilencePattern::never_began},
             Row{CallEnd::hung_up_by_a, 30'200ms, meta_to_twilio, SilencePattern::stopped},
             Row{CallEnd::hung_up_by_b, 20'100ms, twilio_to_meta, SilencePattern::never_began},
             Row{CallEnd::hung_up_by_b, 20'100ms, meta_to_twilio, SilencePattern::none},
             Row{CallEnd::hung_up_by_a, 20'100ms, twilio_to_meta, SilencePattern::none},
             Row{CallEnd::hung_up_by_a, 18'900ms, meta_to_twilio, SilencePattern::none},
             Row{CallEnd::hung_up_by_a, 25'000ms, meta_to_twilio, SilencePattern::none},
             Row{CallEnd::hung_up_by_a, 34'000ms, meta_to_twilio, SilencePattern::none},
             Row{CallEnd::too_long, 20'100ms, meta_to_twilio, SilencePattern::none},
         }) {
        SCOPED_TRACE(std::string(name_of(row.end)) + " " + std::to_string(row.talked.count()));
        EXPECT_EQ(silence_pattern(answered(row.end, row.talked, row.direction)), row.want);
    }
    CallRecord unanswered;
    unanswered.end = CallEnd::hung_up_by_a;
    unanswered.ended = 20'000ms;
    EXPECT_EQ(silence_pattern(unanswered), SilencePattern::none);
}

TEST(SummaryFields, NameWhoEndedTheCallAndMaskNumbers) {
    auto record = answered(CallEnd::hung_up_by_a, 20'500ms, sdp::Direction::meta_to_twilio);
    record.id = "cc_0123456789abcdef01234567";
    record.call_id_a = "outgoing:wacid.HBgLMTIx";
    record.call_id_b = "0123";
    record.wacid = "wacid.HBgLMTIx";
    record.caller = "+12195550714";
    record.called = "+12145551869";
    record.offered = {"PCMU/8000", "telephone-event/8000"};
    record.answered = {"PCMU/8000"};
    record.final_status = 200;
    record.whatsapp_duration = 20;
    const auto fields = summary_fields(record);
    const auto value = [&](std::string_view name) -> std::string {
        for (const auto& [key, text] : fields)
            if (key == name) return text;
        return "(none)";
    };
    EXPECT_EQ(fields.front().first, "callchain_id");
    EXPECT_EQ(value("end"), "hung_up_by_a");
    EXPECT_EQ(value("ended_by"), "Meta");
    EXPECT_EQ(value("call_id_meta"), record.call_id_a);
    EXPECT_EQ(value("call_id_twilio"), "0123");
    EXPECT_EQ(value("caller"), "+…0714");
    EXPECT_EQ(value("called"), "+…1869");
    EXPECT_EQ(value("offered"), "PCMU/8000 telephone-event/8000");
    EXPECT_EQ(value("answered_ms"), "1500");
    EXPECT_EQ(value("talked_ms"), "20500");
    EXPECT_EQ(value("whatsapp_duration_s"), "20");
    EXPECT_NE(value("silence").find("20 s after the answer"), std::string::npos);
    EXPECT_EQ(value("twilio_error"), "(none)");
    for (const auto& [key, text] : fields) {
        EXPECT_EQ(text.find("2195550714"), std::string::npos) << key;
        EXPECT_FALSE(text.empty()) << key;
    }
}

TEST(SummaryFields, SwapTheIdsOfCallsToWhatsApp) {
    auto record = answered(CallEnd::hung_up_by_a, 1s, sdp::Direction::twilio_to_meta);
    record.call_id_a = "of-twilio";
    record.call_id_b = "of-meta";
    for (const auto& [key, text] : summary_fields(record)) {
        if (key == "call_id_meta") {
            EXPECT_EQ(text, "of-meta");
        }
        if (key == "call_id_twilio") {
            EXPECT_EQ(text, "of-twilio");
        }
        if (key == "ended_by") {
            EXPECT_EQ(text, "Twilio");
        }
    }
}

}  // namespace
}  // namespace callchain::b2bua
