/// `gateway check`: everything that can be known of a gateway without a call.
#pragma once

#include "gateway/tls_certificate.hpp"
#include "service/check.hpp"
#include "service/gateway_config.hpp"
#include "service/gateway_probe.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::service {

/// Problems and warnings of the configuration, or one pass.
[[nodiscard]] std::vector<Check> check_configuration(const GatewayConfigResult& result);

/// The certificate of the gateway as Meta judges it: by the authorities of the system, since
/// CALLCHAIN_CA_FILE is for the other direction.
struct CertificateReport {
    Result<gateway::CertificateFacts> facts;            ///< an error where the files cannot be read
    std::vector<gateway::CertificateFacts> above = {};  ///< the rest of the chain, as it stands in the file
    bool known_to_ca_file = false;                      ///< that of CALLCHAIN_CA_FILE, and to nobody else
};
/// I/O.
[[nodiscard]] CertificateReport inspect_own_certificate(const PemPair& pem, const std::string& ca_file,
                                                        std::chrono::sys_seconds now);
/// Chain, name, dates and key.
[[nodiscard]] std::vector<Check> check_certificate(const CertificateReport& report,
                                                   std::string_view advertised_host,
                                                   std::chrono::sys_seconds now);
/// Where others will look for us, and which setting says so.
[[nodiscard]] Check check_advertised(const GatewayConfig& config);
/// Who may call, and in which directions.
[[nodiscard]] std::vector<Check> check_callers(const GatewayConfig& config);
/// Whether the port can be bound at this moment. I/O.
[[nodiscard]] Check check_port(const GatewayConfig& config);
/// Whether an address could not be bound because another process has it, or because it is not one of this
/// host (yet): what may pass by itself, unlike a setting that is wrong.
[[nodiscard]] bool is_address_fault(const Error& error);
/// What the question to the SIP Domain came to: its name, reachability, TLS, credentials, clock.
[[nodiscard]] std::vector<Check> check_twilio(const ProbeSettings& asked, const Result<ProbeResult>& probe,
                                              std::chrono::sys_seconds now);

/// The probe of the SIP Domain that a configuration means.
[[nodiscard]] ProbeSettings twilio_probe(const GatewayConfig& config, bool invite);

}  // namespace callchain::service
