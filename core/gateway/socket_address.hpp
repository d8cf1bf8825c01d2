/// Socket addresses as the system has them, to Endpoint and back.
#pragma once

#include "gateway/flow.hpp"

#include <optional>
#include <sys/socket.h>

namespace callchain::gateway {

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = sizeof(sockaddr_storage);

    [[nodiscard]] int family() const { return storage.ss_family; }
    /// As the system's calls want it, whatever the address is.
    [[nodiscard]] sockaddr* generic() { return reinterpret_cast<sockaddr*>(&storage); }
    [[nodiscard]] const sockaddr* generic() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

/// nullopt: the address is not a numeric one.
[[nodiscard]] std::optional<SocketAddress> socket_address_of(const Endpoint& endpoint);
/// IPv4-mapped IPv6 comes out as IPv4.
[[nodiscard]] Endpoint endpoint_of(const SocketAddress& address);
/// An IPv4 address as a socket of IPv6 wants it; others stay.
[[nodiscard]] SocketAddress as_ipv6(const SocketAddress& address);
/// Whatever their ports.
[[nodiscard]] bool is_same_host(const SocketAddress& one, const SocketAddress& other);
/// 0.0.0.0 or ::, also mapped.
[[nodiscard]] bool is_unspecified(const SocketAddress& address);
[[nodiscard]] SocketAddress bound_address(int socket);

}  // namespace callchain::gateway
