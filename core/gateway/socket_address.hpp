/// Socket addresses as the system has them, to Endpoint and back.
#pragma once

#include "gateway/flow.hpp"
#include "system/socket_address.hpp"

#include <optional>

namespace callchain::gateway {

/// nullopt: the address is not a numeric one.
[[nodiscard]] std::optional<system::SocketAddress> socket_address_of(const Endpoint& endpoint);
/// IPv4-mapped IPv6 comes out as IPv4.
[[nodiscard]] Endpoint endpoint_of(const system::SocketAddress& address);
/// An IPv4 address as a socket of IPv6 wants it; others stay.
[[nodiscard]] system::SocketAddress as_ipv6(const system::SocketAddress& address);
/// Whatever their ports.
[[nodiscard]] bool is_same_host(const system::SocketAddress& one, const system::SocketAddress& other);
using callchain::is_unspecified;  // of text
/// 0.0.0.0 or ::, also mapped.
[[nodiscard]] bool is_unspecified(const system::SocketAddress& address);
[[nodiscard]] system::SocketAddress bound_address(int socket);

}  // namespace callchain::gateway
