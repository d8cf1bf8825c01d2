/// `gateway check`: everything that can be known of a gateway without a call.
#pragma once

#include "gateway/tls_certificate.hpp"
#include "service/gateway_config.hpp"
#include "service/gateway_probe.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::service {

struct Check {
    enum class Result { pass, warn, fail, skipped } result = Result::pass;
    std::string name;           ///< "certificate-name"; stable
    std::string sentence = {};  ///< what was found
    std::string remedy = {};
};
[[nodiscard]] std::string_view name_of(Check::Result result);

/// Problems and warnings of the configuration, or one pass.
[[nodiscard]] std::vector<Check> check_configuration(const GatewayConfigResult& result);
/// Chain, name, dates and key, as Meta will see them. `facts` is an error where the files cannot be read.
[[nodiscard]] std::vector<Check> check_certificate(const Result<gateway::CertificateFacts>& facts,
                                                   std::string_view advertised_host,
                                                   std::chrono::sys_seconds now);
/// Who may call, and in which directions.
[[nodiscard]] std::vector<Check> check_callers(const GatewayConfig& config);
/// Whether the port can be bound at this moment. I/O.
[[nodiscard]] Check check_port(const GatewayConfig& config);
/// What an OPTIONS or INVITE to the SIP Domain came to: its name, reachability, TLS, credentials, clock.
[[nodiscard]] std::vector<Check> check_twilio(const Result<ProbeResult>& probe, bool invite,
                                              std::chrono::sys_seconds now);

/// The probe of the SIP Domain that a configuration means.
[[nodiscard]] ProbeSettings twilio_probe(const GatewayConfig& config, bool invite);

/// The worst of them; skipped counts for nothing.
[[nodiscard]] Check::Result worst_of(const std::vector<Check>& checks);

}  // namespace callchain::service
