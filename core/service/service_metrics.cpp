#include "service/service_metrics.hpp"

#include "openai/call_outcome.hpp"
#include "twiml/dial_action.hpp"

#include <algorithm>

namespace callchain::service {
namespace {

const std::vector<double> kShort{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
                                 0.025,  0.05,    0.1,    0.25,  0.5,    0.8,   1.0};
const std::vector<double> kLong{0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 30.0};

std::vector<std::string_view> outcome_names() {
    using enum openai::Outcome;
    std::vector<std::string_view> names;
    for (const auto outcome :
         {done, call_gone, decided_elsewhere, conflict, request_refused, credential_refused, rate_limited,
          server_error, network_failure, deadline_passed, unexpected_answer})
        names.push_back(openai::name_of(outcome));
    return names;
}

std::vector<std::string_view> reading_names() {
    std::vector<std::string_view> names;
    for (const auto& reading : twiml::dial_readings()) names.push_back(reading.name);
    return names;
}

}  // namespace

LabelledCounter::LabelledCounter(observe::Metrics& metrics, const std::string& name, const std::string& help,
                                 const std::string& label, const std::vector<std::string_view>& values) {
    for (const auto value : values)
        counters_.emplace_back(value, metrics.counter(name, help, {{label, std::string(value)}}));
    counters_.emplace_back("other", metrics.counter(name, help, {{label, "other"}}));
}

void LabelledCounter::add(std::string_view value) const {
    const auto found = std::find_if(counters_.begin(), counters_.end() - 1,
                                    [&](const auto& counter) { return counter.first == value; });
    found->second.add();
}

ServiceMetrics::ServiceMetrics(observe::Metrics& metrics)
    : webhooks(
          metrics, "callchain_webhooks_total", "Deliveries to /openai/webhook, by what became of them.",
          "result",
          {"call", "ignored", "duplicate", "forgotten", "bad_event", "refused", "draining", "registry_full"}),
      refusals(metrics, "callchain_webhook_refusals_total", "Deliveries answered 401, by finding code.",
               "code",
               {"signature_mismatch", "timestamp_too_old", "timestamp_too_new", "timestamp_malformed",
                "header_missing", "header_duplicated"}),
      calls(metrics, "callchain_accepts_total", "Calls by the outcome of their accept.", "outcome",
            outcome_names()),
      call_ends(metrics, "callchain_call_ends_total", "Accepted calls by the reason of their end.", "reason",
                {"caller_hung_up", "end_call", "max_call_seconds", "dead_session", "session_expired",
                 "session_error", "drained", "abandoned"}),
      twilio(metrics, "callchain_twilio_requests_total", "Requests of Twilio by what became of them.",
             "result", {"voice_dialled", "voice_refused", "dial_action", "dial_status", "signature_refused"}),
      dials(metrics, "callchain_dials_total", "Ended dials by their reading (callchain explain dial).",
            "reading", reading_names()),
      http_refused(metrics, "callchain_http_refused_total", "Requests that never were whole, by status.",
                   "status", {"400", "408", "413", "417", "431", "500", "503", "505"}),
      captures(metrics, "callchain_captures_total", "Captures of refused deliveries, by outcome.", "outcome",
               {"written", "rate_limited", "failed"}),
      api_attempts(
          metrics.counter("callchain_accept_attempts_total", "Accept requests sent, retries included.")),
      records_suppressed(metrics.counter("callchain_records_suppressed_total",
                                         "Refusals that were left out of the log for their rate.")),
      diagnoses(metrics.counter("callchain_diagnoses_total", "Refused deliveries that were diagnosed.")),
      diagnoses_skipped(
          metrics.counter("callchain_diagnoses_skipped_total",
                          "Refused deliveries that were not diagnosed for their rate or size.")),
      descriptors_short(metrics.counter("callchain_accept_pauses_total",
                                        "Times that accepting paused because descriptors had run out.")),
      connections(metrics.gauge("callchain_connections", "Open connections of the service.")),
      active_calls(metrics.gauge("callchain_active_calls", "Calls under way, from webhook to end.")),
      registry_size(metrics.gauge("callchain_registry_calls", "Calls in the registry of duplicates.")),
      log_dropped(
          metrics.gauge("callchain_log_lines_dropped", "Log lines dropped because their reader was slow.")),
      answer_seconds(metrics.histogram("callchain_webhook_answer_seconds",
                                       "From the receipt of a call's webhook to its answer.", kShort)),
      accept_seconds(metrics.histogram("callchain_accept_seconds",
                                       "From the receipt of a call's webhook to the outcome of the accept.",
                                       kLong)),
      added_seconds(metrics.histogram("callchain_added_seconds",
                                      "From the receipt of a call's webhook to the accept being sent.",
                                      kShort)),
      attach_seconds(
          metrics.histogram("callchain_attach_seconds", "From the accept to the open sideband.", kLong)),
      first_audio_seconds(metrics.histogram("callchain_first_audio_seconds",
                                            "From the receipt of a call's webhook to the first audio.",
                                            kLong)) {}

}  // namespace callchain::service
