/// Addresses in configuration: where to listen, and which networks are meant.
#pragma once

#include "base/result.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::config {

/// A network in CIDR form; an address alone is a network of its own. IPv4 as IPv4-mapped IPv6.
struct Network {
    std::array<std::uint8_t, 16> address{};
    unsigned prefix = 128;  ///< bits, of the 128

    [[nodiscard]] bool operator==(const Network&) const = default;
};

/// Errors: usage, naming what is wrong: no address, a prefix out of range, or bits set behind the prefix
/// (then the hint has the network that was meant). Source: RFC 4632 section 3.1, RFC 4291 section 2.3.
[[nodiscard]] Result<Network> parse_network(std::string_view text);
/// The items of a list divided by commas and blanks. Errors: usage, with every faulty item.
[[nodiscard]] Result<std::vector<Network>> parse_networks(std::string_view list);

/// Whether `address`, in numeric form (IPv4, IPv6, IPv4-mapped), belongs to one of them. False for what is no
/// address.
[[nodiscard]] bool contains(const std::vector<Network>& networks, std::string_view address);
/// Whether all of it is IPv4.
[[nodiscard]] bool is_ipv4(const Network& network);

/// 0 to 65535. Errors: usage.
[[nodiscard]] Result<std::uint16_t> parse_port(std::string_view text);
/// "host:port", "[v6]:port", ":port" (all addresses) or "port": written as "host:port" with an IPv6 address
/// in brackets. Errors: usage.
[[nodiscard]] Result<std::string> parse_listen_address(std::string_view text);

}  // namespace callchain::config
