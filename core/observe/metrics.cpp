#include "observe/metrics.hpp"

#include "base/text.hpp"

#include <exception>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <sstream>

namespace callchain::observe {
namespace {

// Prometheus' text format wants these two escaped in a HELP line; prometheus-cpp 1.0 leaves that to us.
std::string escape_help(const std::string& help) {
    return replace_all(replace_all(help, "\\", "\\\\"), "\n", "\\n");
}

// The metric of that name and labels, made where there is none. nullptr where the library refuses.
template <class Builder, class... Arguments>
void* find_or_make(Builder builder, prometheus::Registry& registry, const std::string& name,
                   const std::string& help, const MetricLabels& labels, const Arguments&... arguments) {
    try {
        return &builder.Name(name).Help(escape_help(help)).Register(registry).Add(labels, arguments...);
    } catch (const std::exception&) {
        return nullptr;
    }
}

}  // namespace

void Counter::add(double amount) const {
    if (of_ != nullptr) static_cast<prometheus::Counter*>(of_)->Increment(amount);
}
double Counter::value() const { return of_ != nullptr ? static_cast<prometheus::Counter*>(of_)->Value() : 0; }

void Gauge::set(double value) const {
    if (of_ != nullptr) static_cast<prometheus::Gauge*>(of_)->Set(value);
}
void Gauge::add(double amount) const {
    if (of_ != nullptr) static_cast<prometheus::Gauge*>(of_)->Increment(amount);
}
double Gauge::value() const { return of_ != nullptr ? static_cast<prometheus::Gauge*>(of_)->Value() : 0; }

void Histogram::observe(double value) const {
    if (of_ != nullptr) static_cast<prometheus::Histogram*>(of_)->Observe(value);
}

struct Metrics::State {
    prometheus::Registry registry{prometheus::Registry::InsertBehavior::Merge};
};

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

Counter Metrics::counter(const std::string& name, const std::string& help, const MetricLabels& labels) {
    return Counter(find_or_make(prometheus::BuildCounter(), state_->registry, name, help, labels));
}

Gauge Metrics::gauge(const std::string& name, const std::string& help, const MetricLabels& labels) {
    return Gauge(find_or_make(prometheus::BuildGauge(), state_->registry, name, help, labels));
}

Histogram Metrics::histogram(const std::string& name, const std::string& help,
                             const std::vector<double>& bounds, const MetricLabels& labels) {
    return Histogram(
        find_or_make(prometheus::BuildHistogram(), state_->registry, name, help, labels, bounds));
}

std::string Metrics::text() const {
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, state_->registry.Collect());
    return out.str();
}

}  // namespace callchain::observe
