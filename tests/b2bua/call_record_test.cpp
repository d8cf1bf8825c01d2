#include "b2bua/call_record.hpp"

#include <chrono>
#include <gtest/gtest.h>
#include <set>
#include <string>
#include <string_view>
#include <vector>

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
             // Both ends of both spans, to the millisecond.
             Row{CallEnd::hung_up_by_a, 18'999ms, meta_to_twilio, SilencePattern::none},
             Row{CallEnd::hung_up_by_a, 19'000ms, meta_to_twilio, SilencePattern::never_began},
             Row{CallEnd::hung_up_by_a, 22'000ms, meta_to_twilio, SilencePattern::never_began},
             Row{CallEnd::hung_up_by_a, 22'001ms, meta_to_twilio, SilencePattern::none},
             Row{CallEnd::hung_up_by_a, 28'999ms, meta_to_twilio, SilencePattern::none},
             Row{CallEnd::hung_up_by_a, 29'000ms, meta_to_twilio, SilencePattern::stopped},
             Row{CallEnd::hung_up_by_a, 33'000ms, meta_to_twilio, SilencePattern::stopped},
             Row{CallEnd::hung_up_by_a, 33'001ms, meta_to_twilio, SilencePattern::none},
             Row{CallEnd::hung_up_by_b, 30'200ms, twilio_to_meta, SilencePattern::stopped},
             Row{CallEnd::lost, 20'100ms, meta_to_twilio, SilencePattern::none},
             Row{CallEnd::stopped, 30'200ms, meta_to_twilio, SilencePattern::none},
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

TEST(SummaryFields, StandInOneOrderAndLeaveOutWhatIsEmpty) {
    auto record = answered(CallEnd::hung_up_by_a, 20'500ms, sdp::Direction::meta_to_twilio);
    record.id = record.call_id_a = record.call_id_b = record.twilio_call_sid = record.wacid = "x";
    record.caller = record.called = record.why = record.remedy = record.code = "x";
    record.offered = record.answered = {"PCMU/8000"};
    record.dialled = 1ms;
    record.rang = 2ms;
    record.final_status = record.leg_b_status = 200;
    record.twilio_error = 32'201;
    record.whatsapp_duration = 0;
    std::vector<std::string_view> names;
    for (const auto& [name, text] : summary_fields(record)) names.push_back(name);
    EXPECT_EQ(names, (std::vector<std::string_view>{"callchain_id",   "direction",     "end",
                                                    "ended_by",       "status",        "why",
                                                    "remedy",         "code",          "call_id_meta",
                                                    "call_id_twilio", "call_sid",      "wacid",
                                                    "caller",         "called",        "offered",
                                                    "answered",       "callee_status", "twilio_error",
                                                    "dialled_ms",     "rang_ms",       "answered_ms",
                                                    "ended_ms",       "talked_ms",     "whatsapp_duration_s",
                                                    "silence"}));
    CallRecord going_on;
    going_on.id = "cc_0123456789abcdef01234567";
    names.clear();
    for (const auto& [name, text] : summary_fields(going_on)) names.push_back(name);
    EXPECT_EQ(names, (std::vector<std::string_view>{"callchain_id", "direction", "end"}));
}

TEST(SummaryFields, TellWhoEndedTheCall) {
    using enum CallEnd;
    struct Row {
        CallEnd end;
        const char* from_meta;
        const char* from_twilio;
    };
    for (const auto& row : {
             Row{offer_refused, "gateway", "gateway"},
             Row{cancelled, "Meta", "Twilio"},
             Row{refused, "Twilio", "Meta"},
             Row{credentials_refused, "Twilio", "Meta"},
             Row{unreachable, "gateway", "gateway"},
             Row{no_answer, "gateway", "gateway"},
             Row{answer_refused, "gateway", "gateway"},
             Row{not_acknowledged, "gateway", "gateway"},
             Row{hung_up_by_a, "Meta", "Twilio"},
             Row{hung_up_by_b, "Twilio", "Meta"},
             Row{too_long, "gateway", "gateway"},
             Row{lost, "gateway", "gateway"},
             Row{stopped, "gateway", "gateway"},
             Row{fault, "gateway", "gateway"},
         }) {
        for (const auto direction : {sdp::Direction::meta_to_twilio, sdp::Direction::twilio_to_meta}) {
            const std::string want =
                direction == sdp::Direction::meta_to_twilio ? row.from_meta : row.from_twilio;
            for (const auto& [name, text] : summary_fields(answered(row.end, 1s, direction)))
                if (name == "ended_by") {
                    EXPECT_EQ(text, want) << name_of(row.end);
                }
        }
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
