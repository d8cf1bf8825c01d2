/// Counters, gauges and histograms, written in Prometheus' text format.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace callchain::observe {

using MetricLabels = std::map<std::string, std::string>;

/// Handles borrow from the Metrics that made them. Any thread.
class Counter {
  public:
    void add(double amount = 1) const;
    [[nodiscard]] double value() const;

  private:
    friend class Metrics;
    explicit Counter(void* of) : of_(of) {}
    void* of_;
};
class Gauge {
  public:
    void set(double value) const;
    void add(double amount) const;
    [[nodiscard]] double value() const;

  private:
    friend class Metrics;
    explicit Gauge(void* of) : of_(of) {}
    void* of_;
};
class Histogram {
  public:
    void observe(double value) const;

  private:
    friend class Metrics;
    explicit Histogram(void* of) : of_(of) {}
    void* of_;
};

/// Names are those of Prometheus: `callchain_webhooks_total`, units in the name. The same name and labels
/// give the same metric again. Label values come from closed sets of ours, never from requests: a stranger
/// must not be able to make new time series. A name that Prometheus does not allow, or that another kind of
/// metric has, is a mistake of ours: its handle counts nothing and does no harm. Asking for a handle looks it
/// up among all: ask once and keep it. Any thread.
class Metrics {
  public:
    Metrics();
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;
    ~Metrics();
    [[nodiscard]] Counter counter(const std::string& name, const std::string& help,
                                  const MetricLabels& labels = {});
    [[nodiscard]] Gauge gauge(const std::string& name, const std::string& help,
                              const MetricLabels& labels = {});
    /// Units: `bounds` are the upper ends of the buckets, ascending.
    [[nodiscard]] Histogram histogram(const std::string& name, const std::string& help,
                                      const std::vector<double>& bounds, const MetricLabels& labels = {});
    /// The page that a scraper gets. Content type: kMetricsContentType.
    [[nodiscard]] std::string text() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

inline constexpr const char* kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace callchain::observe
