#include "observe/metrics.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <thread>

namespace callchain::observe {
namespace {

// The lines that the page must have come from Prometheus, "Exposition formats", text-based format.
bool has_line(const Metrics& metrics, const std::string& line) {
    const auto page = metrics.text();
    const auto lines = split(page, '\n');
    return std::find(lines.begin(), lines.end(), line) != lines.end();
}

TEST(Metrics, WritesACounterWithHelpAndType) {
    Metrics metrics;
    const auto counter =
        metrics.counter("callchain_webhooks_total", "Deliveries received", {{"verdict", "verified"}});
    counter.add();
    counter.add(2);
    EXPECT_EQ(counter.value(), 3);
    EXPECT_TRUE(has_line(metrics, "# HELP callchain_webhooks_total Deliveries received"));
    EXPECT_TRUE(has_line(metrics, "# TYPE callchain_webhooks_total counter"));
    EXPECT_TRUE(has_line(metrics, R"(callchain_webhooks_total{verdict="verified"} 3)")) << metrics.text();
}

TEST(Metrics, WritesAGauge) {
    Metrics metrics;
    const auto gauge = metrics.gauge("callchain_calls", "Calls that are up");
    gauge.set(7);
    gauge.add(-2);
    EXPECT_EQ(gauge.value(), 5);
    EXPECT_TRUE(has_line(metrics, "# TYPE callchain_calls gauge"));
    EXPECT_TRUE(has_line(metrics, "callchain_calls 5")) << metrics.text();
}

TEST(Metrics, WritesAHistogramWithCumulativeBuckets) {
    Metrics metrics;
    const auto histogram = metrics.histogram("callchain_accept_seconds", "Webhook in to accept out",
                                             {0.1, 0.5}, {{"to", "openai"}});
    for (const double value : {0.05, 0.1, 0.25, 4.0}) histogram.observe(value);
    EXPECT_TRUE(has_line(metrics, "# TYPE callchain_accept_seconds histogram"));
    EXPECT_TRUE(has_line(metrics, R"(callchain_accept_seconds_bucket{to="openai",le="0.1"} 2)"));
    EXPECT_TRUE(has_line(metrics, R"(callchain_accept_seconds_bucket{to="openai",le="0.5"} 3)"));
    EXPECT_TRUE(has_line(metrics, R"(callchain_accept_seconds_bucket{to="openai",le="+Inf"} 4)"));
    EXPECT_TRUE(has_line(metrics, R"(callchain_accept_seconds_count{to="openai"} 4)"));
    EXPECT_TRUE(has_line(metrics, R"(callchain_accept_seconds_sum{to="openai"} 4.4)")) << metrics.text();
}

TEST(Metrics, EscapesLabelsAndHelp) {
    Metrics metrics;
    metrics.counter("callchain_x_total", "one\\two\nthree", {{"why", "a \"b\" \\c\nd"}}).add();
    EXPECT_TRUE(has_line(metrics, R"(# HELP callchain_x_total one\\two\nthree)")) << metrics.text();
    EXPECT_TRUE(has_line(metrics, R"(callchain_x_total{why="a \"b\" \\c\nd"} 1)")) << metrics.text();
}

TEST(Metrics, GivesTheSameMetricForTheSameNameAndLabels) {
    Metrics metrics;
    const auto first = metrics.counter("callchain_x_total", "Help", {{"a", "1"}, {"b", "2"}});
    metrics.counter("callchain_x_total", "Help", {{"b", "2"}, {"a", "1"}}).add();
    metrics.counter("callchain_x_total", "Help", {{"a", "1"}, {"b", "3"}}).add(10);
    EXPECT_EQ(first.value(), 1);
    metrics.histogram("callchain_h", "Help", {1}).observe(0.5);
    metrics.histogram("callchain_h", "Help", {1}).observe(0.5);
    EXPECT_TRUE(has_line(metrics, "callchain_h_count 2")) << metrics.text();
    const auto page = metrics.text();
    EXPECT_EQ(page.find("# TYPE callchain_x_total"), page.rfind("# TYPE callchain_x_total"));
}

TEST(Metrics, KeepsRegistriesApart) {
    Metrics one;
    Metrics other;
    one.counter("callchain_x_total", "Help").add();
    EXPECT_EQ(other.counter("callchain_x_total", "Help").value(), 0);
}

TEST(Metrics, CountsNothingUnderANameThatIsNotAllowed) {
    Metrics metrics;
    metrics.counter("callchain_x_total", "Help").add();
    const auto page = metrics.text();
    for (const auto& counter : {metrics.counter("no blanks", "Help"), metrics.counter("", "Help"),
                                metrics.counter("callchain_x_total", "Help", {{"no-dash", "1"}})}) {
        counter.add();
        EXPECT_EQ(counter.value(), 0);
    }
    const auto gauge = metrics.gauge("callchain_x_total", "A gauge of the counter's name");
    gauge.set(5);
    gauge.add(5);
    EXPECT_EQ(gauge.value(), 0);
    metrics.histogram("callchain_x_total", "Likewise", {1}).observe(1);
    EXPECT_EQ(metrics.text(), page);
}

TEST(Metrics, DoesNotCountBackwards) {
    Metrics metrics;
    const auto counter = metrics.counter("callchain_x_total", "Help");
    counter.add(5);
    counter.add(-3);
    EXPECT_EQ(counter.value(), 5);
}

TEST(Metrics, CountsFromManyThreads) {
    Metrics metrics;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&metrics] {
            for (int i = 0; i < 1000; ++i) {
                metrics.counter("callchain_x_total", "Help").add();
                if (i % 100 == 0) static_cast<void>(metrics.text());
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_TRUE(has_line(metrics, "callchain_x_total 4000")) << metrics.text();
}

TEST(Metrics, NamesThePageOfTheTextFormat) {
    EXPECT_STREQ(kMetricsContentType, "text/plain; version=0.0.4; charset=utf-8");
    EXPECT_EQ(Metrics().text(), "");
}

}  // namespace
}  // namespace callchain::observe
