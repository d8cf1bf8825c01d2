/// IPv4 addresses in their dotted form.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace callchain {

using Ipv4 = std::array<std::uint8_t, 4>;

/// Reads `192.0.2.1` and nothing else: four decimal numbers of at most three digits, none above 255.
/// Source: RFC 3986 section 3.2.2, IPv4address, but for leading zeros, which some writers have.
[[nodiscard]] std::optional<Ipv4> parse_ipv4(std::string_view text);

/// True for an address that nobody outside reaches: private, shared, loopback, link-local, "this network",
/// multicast and reserved ones. The networks of documentation (192.0.2.0/24 and others) do not count.
/// Source: RFC 6890 section 2.2.2, RFC 5771 (multicast).
[[nodiscard]] bool is_special_ipv4(const Ipv4& address);

}  // namespace callchain
