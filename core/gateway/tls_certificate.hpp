/// What a peer will think of our certificate, without a connection.
#pragma once

#include "base/result.hpp"
#include "gateway/transports.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::gateway {

struct CertificateFacts {
    std::string subject;  ///< RFC 2253
    std::string issuer;
    std::vector<std::string> names;      ///< DNS names of subjectAltName, as written; of its absence the CN
    std::vector<std::string> addresses;  ///< IP addresses of subjectAltName
    std::chrono::sys_seconds begins{};
    std::chrono::sys_seconds ends{};
    std::size_t chain = 1;  ///< certificates in the file
    bool self_signed = false;
    bool key_fits = false;
    std::string key_kind;      ///< "RSA 2048", "EC prime256v1"
    std::string verification;  ///< empty: the chain leads to an authority; else OpenSSL's words for why not
};
/// Reads certificate and key, and verifies the chain as a client does that knows `ca_file` (empty: the
/// system's authorities) at the time `now`. Errors: usage for what cannot be read or is no PEM.
[[nodiscard]] Result<CertificateFacts> inspect_certificate(const PemSource& certificate, const PemSource& key,
                                                           const std::string& ca_file,
                                                           std::chrono::sys_seconds now);
/// Whether a name of a certificate covers the host, a wildcard in its left-most label included.
[[nodiscard]] bool name_covers(std::string_view name, std::string_view host);
/// Whether one of the names or addresses does.
[[nodiscard]] bool certificate_covers(const CertificateFacts& facts, std::string_view host);

}  // namespace callchain::gateway
