#include "gateway/socket_address.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstring>
#include <iterator>
#include <netinet/in.h>

namespace callchain::gateway {
namespace {

std::string text_from(int family, const void* bytes) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(family, bytes, text.data(), text.size());
    return text.data();
}

}  // namespace

std::optional<system::SocketAddress> socket_address_of(const Endpoint& endpoint) {
    sockaddr_in v4{};
    if (::inet_pton(AF_INET, endpoint.address.c_str(), &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        v4.sin_port = htons(endpoint.port);
        return system::SocketAddress::from(v4);
    }
    sockaddr_in6 v6{};
    if (::inet_pton(AF_INET6, endpoint.address.c_str(), &v6.sin6_addr) != 1) return std::nullopt;
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    return system::SocketAddress::from(v6);
}

Endpoint endpoint_of(const system::SocketAddress& address) {
    if (address.family() == AF_INET6) {
        const auto typed = address.as<sockaddr_in6>();
        const auto& bytes = typed.sin6_addr.s6_addr;
        const auto text = IN6_IS_ADDR_V4MAPPED(&typed.sin6_addr) ? text_from(AF_INET, &bytes[12])
                                                                 : text_from(AF_INET6, &bytes[0]);
        return {text, ntohs(typed.sin6_port)};
    }
    if (address.family() != AF_INET) return {};
    const auto typed = address.as<sockaddr_in>();
    return {text_from(AF_INET, &typed.sin_addr), ntohs(typed.sin_port)};
}

system::SocketAddress as_ipv6(const system::SocketAddress& address) {
    if (address.family() != AF_INET) return address;
    const auto v4 = address.as<sockaddr_in>();
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = v4.sin_port;
    v6.sin6_addr.s6_addr[10] = v6.sin6_addr.s6_addr[11] = 0xFF;  // RFC 4291 section 2.5.5.2
    std::memcpy(&v6.sin6_addr.s6_addr[12], &v4.sin_addr, sizeof v4.sin_addr);
    return system::SocketAddress::from(v6);
}

bool is_same_host(const system::SocketAddress& one, const system::SocketAddress& other) {
    if (one.family() != other.family()) return false;
    if (one.family() == AF_INET)
        return one.as<sockaddr_in>().sin_addr.s_addr == other.as<sockaddr_in>().sin_addr.s_addr;
    const auto first = one.as<sockaddr_in6>();
    const auto second = other.as<sockaddr_in6>();
    return std::equal(std::begin(first.sin6_addr.s6_addr), std::end(first.sin6_addr.s6_addr),
                      std::begin(second.sin6_addr.s6_addr));
}

bool is_unspecified(const system::SocketAddress& address) {
    return is_unspecified(endpoint_of(address).address);
}

system::SocketAddress bound_address(int socket) {
    system::SocketAddress address;
    ::getsockname(socket, address.generic(), &address.size);
    return address;
}

}  // namespace callchain::gateway
