/// A host and a port of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace callchain {

/// A numeric address (IPv4-mapped IPv6 as IPv4), or where it says so a name, and a port.
struct Endpoint {
    std::string address;  ///< IPv6 without brackets
    std::uint16_t port = 0;
    friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// "192.0.2.1:5060", "[2001:db8::1]:5061".
[[nodiscard]] std::string text_of(const Endpoint& endpoint);
/// What text_of() writes; a name may stand for the address, which is not looked at further. nullopt: no
/// address, no port of 0 to 65535, or IPv6 without brackets ("::1:8000" could mean two things).
[[nodiscard]] std::optional<Endpoint> parse_endpoint(std::string_view text);

/// As a host stands in URLs and SIP URIs: IPv6 in brackets. Source: RFC 3986 section 3.2.2.
[[nodiscard]] std::string bracketed(std::string_view address);
/// The other way; others stay. Borrows.
[[nodiscard]] std::string_view without_brackets(std::string_view host);

/// 127.0.0.0/8, ::1, either as IPv4-mapped IPv6: what only this machine reaches. Numeric, IPv6 without
/// brackets; false for names. Source: RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3.
[[nodiscard]] bool is_loopback(std::string_view address);
/// 0.0.0.0 or ::, at which what listens takes what comes to any address of its host.
[[nodiscard]] bool is_unspecified(std::string_view address);
/// Where a process of the same host reaches what listens there. What listens at :: here takes IPv4 as well.
[[nodiscard]] Endpoint seen_from_its_host(Endpoint listening);

/// Whether a host, as it stands in a URL, can be reached only on the machine or in the network that it is
/// written in. Source: RFC 1918, 3927, 4193, 4291, 6598, 6761, 6762.
[[nodiscard]] bool is_private_host(std::string_view host);

}  // namespace callchain
