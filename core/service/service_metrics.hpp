/// The metrics of `serve`, made once so that the request path only counts.
#pragma once

#include "observe/metrics.hpp"

#include <string_view>
#include <utility>
#include <vector>

namespace callchain::service {

/// One counter for each value of one label, from a closed set.
class LabelledCounter {
  public:
    LabelledCounter(observe::Metrics& metrics, const std::string& name, const std::string& help,
                    const std::string& label, const std::vector<std::string_view>& values);
    /// Counts under `value`, or under "other" where that is none of the set.
    void add(std::string_view value) const;

  private:
    std::vector<std::pair<std::string_view, observe::Counter>> counters_;  ///< "other" is the last
};

struct ServiceMetrics {
    explicit ServiceMetrics(observe::Metrics& metrics);

    LabelledCounter webhooks;      ///< result
    LabelledCounter refusals;      ///< code
    LabelledCounter calls;         ///< outcome of the accept
    LabelledCounter call_ends;     ///< reason
    LabelledCounter twilio;        ///< result
    LabelledCounter dials;         ///< reading
    LabelledCounter http_refused;  ///< status, before a handler
    LabelledCounter captures;      ///< outcome
    observe::Counter api_attempts;
    observe::Counter records_suppressed;
    observe::Counter diagnoses;
    observe::Counter diagnoses_skipped;
    observe::Counter descriptors_short;
    observe::Gauge connections;
    observe::Gauge active_calls;
    observe::Gauge registry_size;
    observe::Gauge log_dropped;
    observe::Histogram answer_seconds;       ///< webhook received to answered
    observe::Histogram accept_seconds;       ///< webhook received to accept answered
    observe::Histogram added_seconds;        ///< webhook received to accept sent: what we add
    observe::Histogram attach_seconds;       ///< accepted to sideband open
    observe::Histogram first_audio_seconds;  ///< webhook received to first audio
};

}  // namespace callchain::service
