#include "service/gateway_metrics.hpp"

#include <gtest/gtest.h>
#include <sstream>

namespace callchain::service {
namespace {

using namespace std::chrono_literals;

std::string value_of(observe::Metrics& metrics, const std::string& name) {
    std::istringstream lines(metrics.text());
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with(name + " ")) return line.substr(name.size() + 1);
    return "missing";
}

TEST(GatewayMetrics, CountsEachEndUnderItsName) {
    observe::Metrics registry;
    const GatewayMetrics metrics(registry);
    for (const auto name : b2bua::call_end_names()) {
        SCOPED_TRACE(name);
        EXPECT_EQ(value_of(registry, "callchain_gateway_calls_total{end=\"" + std::string(name) + "\"}"),
                  "0");
    }
    b2bua::CallRecord record;
    record.end = b2bua::CallEnd::cancelled;
    metrics.count_call(record);
    EXPECT_EQ(value_of(registry, "callchain_gateway_calls_total{end=\"cancelled\"}"), "1");
    EXPECT_EQ(value_of(registry, "callchain_gateway_dialled_seconds_count"), "0") << "it never was";
}

// CallDriver counts every request of a stranger under one of the words, and of the others INVITEs alone.
TEST(GatewayMetrics, SaysWhatIsCountedAsAdmission) {
    observe::Metrics registry;
    const GatewayMetrics metrics(registry);
    const auto text = registry.text();
    const auto at = text.find("# HELP callchain_gateway_admissions_total ");
    ASSERT_NE(at, std::string::npos);
    const auto help = text.substr(at, text.find('\n', at) - at);
    EXPECT_NE(help.find("INVITEs"), std::string::npos) << help;
    EXPECT_NE(help.find("not_allowed counts any request"), std::string::npos) << help;
}

TEST(GatewayMetrics, KeepsItsLabelsToAClosedSet) {
    observe::Metrics registry;
    const GatewayMetrics metrics(registry);
    b2bua::CallRecord record;
    record.end = b2bua::CallEnd::refused;
    for (const int code : {32201, 32201, 99999, 12345}) {
        record.twilio_error = code;
        metrics.count_call(record);
    }
    EXPECT_EQ(value_of(registry, "callchain_gateway_twilio_errors_total{code=\"32201\"}"), "2");
    EXPECT_EQ(value_of(registry, "callchain_gateway_twilio_errors_total{code=\"other\"}"), "2");
    metrics.count_answer("CALLCHAIN", 299);
    EXPECT_EQ(value_of(registry, "callchain_gateway_requests_total{method=\"other\"}"), "1");
    EXPECT_EQ(value_of(registry, "callchain_gateway_answers_total{status=\"other\"}"), "1");
}

// Meta hangs up 20 s after the answer where no media reached it, 30 s where it stopped. Source: Meta, "SIP
// troubleshooting".
TEST(GatewayMetrics, CountsCallsThatMetaEndedForSilence) {
    observe::Metrics registry;
    const GatewayMetrics metrics(registry);
    b2bua::CallRecord record;
    record.end = b2bua::CallEnd::hung_up_by_a;
    record.answered_after = 500ms;
    for (const auto talked : {20'300ms, 30'500ms, 25'000ms, 60'000ms}) {
        record.ended = *record.answered_after + talked;
        metrics.count_call(record);
    }
    EXPECT_EQ(value_of(registry, "callchain_gateway_silent_calls_total"), "2");
    EXPECT_EQ(value_of(registry, "callchain_gateway_talked_seconds_count"), "4");
}

TEST(GatewayMetrics, TellsTotalsOfBelowByTheirGrowth) {
    observe::Metrics registry;
    GatewayMetrics metrics(registry);
    gateway::DriverCounts counts;
    counts.calls = 3;
    counts.transports.accepted = 10;
    metrics.show(counts, 3600s, 0);
    metrics.show(counts, 3600s, 0);
    counts.calls = 1;
    counts.transports.accepted = 12;
    metrics.show(counts, std::nullopt, 4);
    EXPECT_EQ(value_of(registry, "callchain_gateway_calls_active"), "1");
    EXPECT_EQ(value_of(registry, "callchain_gateway_connections_total"), "12");
    EXPECT_EQ(value_of(registry, "callchain_gateway_certificate_left_seconds"), "0");
    EXPECT_EQ(value_of(registry, "callchain_gateway_log_lines_dropped"), "4");
}

}  // namespace
}  // namespace callchain::service
