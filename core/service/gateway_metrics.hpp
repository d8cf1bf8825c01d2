/// The metrics of `gateway run`, made once so that the call path only counts.
#pragma once

#include "b2bua/call_record.hpp"
#include "gateway/call_driver.hpp"
#include "observe/metrics.hpp"
#include "service/service_metrics.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace callchain::service {

class GatewayMetrics {
  public:
    explicit GatewayMetrics(observe::Metrics& metrics);

    void count_call(const b2bua::CallRecord& record) const;
    void count_admission(std::string_view what) const { admissions_.add(what); }
    void count_answer(std::string_view method, int status) const;
    void count_reload(bool good) const { reloads_.add(good ? "done" : "failed"); }
    /// What is a level and not an event; called now and then.
    void show(const gateway::DriverCounts& counts, std::optional<std::chrono::seconds> certificate_left,
              std::uint64_t log_lines_dropped);

  private:
    LabelledCounter calls_;          ///< end
    LabelledCounter admissions_;     ///< what
    LabelledCounter answers_;        ///< status
    LabelledCounter requests_;       ///< method
    LabelledCounter twilio_errors_;  ///< code
    LabelledCounter reloads_;        ///< result
    observe::Counter silent_calls_;
    observe::Gauge active_;
    observe::Gauge remembered_;
    observe::Gauge transactions_;
    observe::Gauge timers_;
    observe::Gauge connections_;
    observe::Gauge handshakes_;
    observe::Gauge certificate_left_;
    observe::Gauge log_dropped_;
    // Counted below, told as totals.
    observe::Counter accepted_;
    observe::Counter refused_;
    observe::Counter accept_pauses_;
    observe::Counter handshake_failures_;
    observe::Counter messages_in_;
    observe::Counter messages_out_;
    observe::Counter bytes_in_;
    observe::Counter bytes_out_;
    observe::Histogram dialled_seconds_;
    observe::Histogram rang_seconds_;
    observe::Histogram answered_seconds_;
    observe::Histogram talked_seconds_;
    gateway::TransportCounts told_;
};

}  // namespace callchain::service
