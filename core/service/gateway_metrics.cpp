#include "service/gateway_metrics.hpp"

#include <vector>

namespace callchain::service {
namespace {

const std::vector<double> kSetup{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                 0.25,  0.5,    1.0,   2.5,  5.0,   10.0, 30.0};
const std::vector<double> kTalk{1, 5, 10, 19, 22, 29, 33, 60, 120, 300, 600, 1800, 3600};

double seconds_of(std::chrono::milliseconds time) { return std::chrono::duration<double>(time).count(); }

void add_growth(const observe::Counter& counter, std::uint64_t now, std::uint64_t told) {
    if (now > told) counter.add(static_cast<double>(now - told));
}

}  // namespace

GatewayMetrics::GatewayMetrics(observe::Metrics& metrics)
    : calls_(metrics, "callchain_gateway_calls_total", "Calls that were let in, by how they ended.", "end",
             b2bua::call_end_names()),
      admissions_(
          metrics, "callchain_gateway_admissions_total",
          "INVITEs that would begin a call, by what became of them; not_allowed counts any request of "
          "an address that is on no list.",
          "what",
          {"admitted", "challenged", "stale", "refused", "not_allowed", "draining", "full", "too_fast",
           "limited"}),
      answers_(metrics, "callchain_gateway_answers_total", "Answers to requests outside of calls, by status.",
               "status",
               {"200", "400", "403", "405", "407", "416", "420", "481", "482", "483", "503", "505"}),
      requests_(metrics, "callchain_gateway_requests_total",
                "Requests outside of calls that were answered, by method.", "method",
                {"INVITE", "CANCEL", "BYE", "OPTIONS", "INFO"}),
      twilio_errors_(metrics, "callchain_gateway_twilio_errors_total",
                     "Calls that Twilio refused with an error of its own, by code.", "code",
                     {"32002", "32013", "32106", "32201", "32202", "32204", "32207", "32208", "32209"}),
      reloads_(metrics, "callchain_gateway_certificate_reloads_total",
               "Readings of the certificate, by result.", "result", {"done", "failed"}),
      silent_calls_(
          metrics.counter("callchain_gateway_silent_calls_total",
                          "Calls that Meta ended 20 or 30 s after the answer, as it does without media.")),
      active_(metrics.gauge("callchain_gateway_calls_active", "Calls that are up or being set up.")),
      remembered_(metrics.gauge("callchain_gateway_calls_remembered",
                                "Calls in memory, with those that are over and wait for repetitions.")),
      transactions_(metrics.gauge("callchain_gateway_transactions", "Running SIP transactions.")),
      timers_(metrics.gauge("callchain_gateway_timers", "Running timers.")),
      connections_(metrics.gauge("callchain_gateway_connections", "Open connections, in either direction.")),
      handshakes_(metrics.gauge("callchain_gateway_handshakes", "TLS handshakes under way.")),
      certificate_left_(metrics.gauge("callchain_gateway_certificate_left_seconds",
                                      "Time until the certificate ends; 0 without TLS.")),
      log_dropped_(metrics.gauge("callchain_gateway_log_lines_dropped", "Log lines that were dropped.")),
      accepted_(metrics.counter("callchain_gateway_connections_total", "Inbound connections.")),
      refused_(metrics.counter("callchain_gateway_connections_refused_total",
                               "Inbound connections that a limit refused.")),
      accept_pauses_(metrics.counter("callchain_gateway_accept_pauses_total",
                                     "Times that no connection was accepted for a moment: no descriptor.")),
      handshake_failures_(
          metrics.counter("callchain_gateway_handshake_failures_total", "TLS handshakes that failed.")),
      messages_in_(metrics.counter("callchain_gateway_messages_received_total", "SIP messages received.")),
      messages_out_(metrics.counter("callchain_gateway_messages_sent_total", "SIP messages sent.")),
      bytes_in_(metrics.counter("callchain_gateway_bytes_received_total", "Bytes of SIP received.")),
      bytes_out_(metrics.counter("callchain_gateway_bytes_sent_total", "Bytes of SIP sent.")),
      dialled_seconds_(metrics.histogram("callchain_gateway_dialled_seconds",
                                         "INVITE received to the last INVITE sent, behind a challenge.",
                                         kSetup)),
      rang_seconds_(
          metrics.histogram("callchain_gateway_rang_seconds", "INVITE received to the first 1xx.", kSetup)),
      answered_seconds_(
          metrics.histogram("callchain_gateway_answered_seconds", "INVITE received to 200.", kSetup)),
      talked_seconds_(metrics.histogram("callchain_gateway_talked_seconds", "Answer to end.", kTalk)) {}

void GatewayMetrics::count_call(const b2bua::CallRecord& record) const {
    calls_.add(b2bua::name_of(record.end));
    if (record.twilio_error != 0) twilio_errors_.add(std::to_string(record.twilio_error));
    if (b2bua::silence_pattern(record) != b2bua::SilencePattern::none) silent_calls_.add();
    if (record.dialled) dialled_seconds_.observe(seconds_of(*record.dialled));
    if (record.rang) rang_seconds_.observe(seconds_of(*record.rang));
    if (!record.answered_after) return;
    answered_seconds_.observe(seconds_of(*record.answered_after));
    if (record.ended) talked_seconds_.observe(seconds_of(*record.ended - *record.answered_after));
}

void GatewayMetrics::count_answer(std::string_view method, int status) const {
    requests_.add(method);
    answers_.add(std::to_string(status));
}

void GatewayMetrics::show(const gateway::DriverCounts& counts,
                          std::optional<std::chrono::seconds> certificate_left,
                          std::uint64_t log_lines_dropped) {
    active_.set(static_cast<double>(counts.calls));
    remembered_.set(static_cast<double>(counts.remembered));
    transactions_.set(static_cast<double>(counts.transactions));
    timers_.set(static_cast<double>(counts.timers));
    const auto& now = counts.transports;
    connections_.set(static_cast<double>(now.connections));
    handshakes_.set(static_cast<double>(now.handshakes));
    certificate_left_.set(certificate_left ? static_cast<double>(certificate_left->count()) : 0);
    log_dropped_.set(static_cast<double>(log_lines_dropped));
    add_growth(accepted_, now.accepted, told_.accepted);
    add_growth(refused_, now.refused, told_.refused);
    add_growth(accept_pauses_, now.accept_pauses, told_.accept_pauses);
    add_growth(handshake_failures_, now.handshake_failures, told_.handshake_failures);
    add_growth(messages_in_, now.messages_in, told_.messages_in);
    add_growth(messages_out_, now.messages_out, told_.messages_out);
    add_growth(bytes_in_, now.bytes_in, told_.bytes_in);
    add_growth(bytes_out_, now.bytes_out, told_.bytes_out);
    told_ = now;
}

}  // namespace callchain::service
