#include "http/listener.hpp"

#include "base/endpoint.hpp"
#include "base/text.hpp"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <system_error>

namespace callchain::http {
namespace {

constexpr int kBacklog = 4096;  // the kernel cuts it to net.core.somaxconn

enum class Sharing { none, port };

std::uint16_t port_of(const system::SocketAddress& address) {
    if (address.family() == AF_INET6) return ntohs(address.as<sockaddr_in6>().sin6_port);
    return ntohs(address.as<sockaddr_in>().sin_port);
}

system::SocketAddress with_port(system::SocketAddress address, std::uint16_t port) {
    if (address.family() == AF_INET6) {
        auto typed = address.as<sockaddr_in6>();
        typed.sin6_port = htons(port);
        return system::SocketAddress::from(typed);
    }
    auto typed = address.as<sockaddr_in>();
    typed.sin_port = htons(port);
    return system::SocketAddress::from(typed);
}

bool is_any_ipv6(const system::SocketAddress& address) {
    if (address.family() != AF_INET6) return false;
    const auto typed = address.as<sockaddr_in6>();
    return IN6_IS_ADDR_UNSPECIFIED(&typed.sin6_addr);
}

system::SocketAddress any_ipv4(std::uint16_t port) {
    sockaddr_in typed{};
    typed.sin_family = AF_INET;
    typed.sin_port = htons(port);
    return system::SocketAddress::from(typed);
}

Result<system::SocketAddress> resolve(std::string_view text) {
    const auto shown = visible_excerpt(text, 80);
    const auto parts = parse_endpoint(text);
    if (!parts) {
        return fail(ErrorCode::usage, "cannot listen on \"" + shown + "\": this is not host:port",
                    "write 127.0.0.1:8000 for this host alone, or [::]:8000 for every address");
    }
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    addrinfo* found = nullptr;
    const int status = ::getaddrinfo(parts->address.c_str(), nullptr, &hints, &found);
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
    if (status != 0 || found == nullptr) {
        return fail(ErrorCode::usage, "cannot listen on \"" + shown + "\": " + ::gai_strerror(status),
                    "give a numeric address of this host");
    }
    system::SocketAddress address;
    std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
    address.size = found->ai_addrlen;
    return with_port(address, parts->port);
}

/// A socket that listens, or none and errno.
system::Descriptor listen_on(const system::SocketAddress& address, Sharing sharing) {
    const int family = address.family();
    system::Descriptor socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket) return {};
    const int on = 1;
    const int off = 0;
    const int number = socket.number();
    bool ok = ::setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0;
    if (sharing == Sharing::port)
        ok = ok && ::setsockopt(number, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0;
    if (family == AF_INET6) ok = ok && ::setsockopt(number, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0;
    // Accepted sockets inherit it, which saves a call for each.
    ok = ok && ::setsockopt(number, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0;
    ok = ok && ::bind(number, address.generic(), address.size) == 0;
    ok = ok && ::listen(number, kBacklog) == 0;
    if (ok) return socket;
    const int error = errno;
    socket.close();
    errno = error;
    return {};
}

system::SocketAddress bound_address(const system::Descriptor& socket) {
    system::SocketAddress address;
    ::getsockname(socket.number(), address.generic(), &address.size);
    return address;
}

tl::unexpected<Error> cannot_listen(const system::SocketAddress& address, int error) {
    return fail(ErrorCode::usage,
                "cannot listen on " + endpoint_text(address) + ": " + std::generic_category().message(error),
                system::hint_on_listening(error, system::SocketKind::stream, port_of(address)));
}

bool lacks_ipv6(int error) { return error == EAFNOSUPPORT || error == EADDRNOTAVAIL; }

}  // namespace

std::string host_text(const system::SocketAddress& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (address.family() == AF_INET6) {
        const auto typed = address.as<sockaddr_in6>();
        const auto& bytes = typed.sin6_addr.s6_addr;
        if (IN6_IS_ADDR_V4MAPPED(&typed.sin6_addr)) {
            ::inet_ntop(AF_INET, &bytes[12], text.data(), text.size());
        } else {
            ::inet_ntop(AF_INET6, &bytes[0], text.data(), text.size());
        }
    } else {
        const auto typed = address.as<sockaddr_in>();
        ::inet_ntop(AF_INET, &typed.sin_addr, text.data(), text.size());
    }
    return text.data();
}

std::string endpoint_text(const system::SocketAddress& address) {
    return text_of({host_text(address), port_of(address)});
}

std::string bound_endpoint(const system::Descriptor& socket) { return endpoint_text(bound_address(socket)); }

Result<std::vector<system::Descriptor>> open_listeners(const ListenRequest& request) {
    auto address = CALLCHAIN_TRY(resolve(request.address));
    // SO_REUSEPORT would let a second process of the same user bind as well and take half of the connections
    // without a word, so a port that was named is first asked for alone.
    const bool shared = request.sockets > 1;
    const bool named = port_of(address) != 0;
    const auto first_sharing = shared && !named ? Sharing::port : Sharing::none;
    auto first = listen_on(address, first_sharing);
    if (!first && request.fall_back_to_ipv4 && is_any_ipv6(address) && lacks_ipv6(errno)) {
        address = any_ipv4(port_of(address));
        first = listen_on(address, first_sharing);
    }
    if (!first) return cannot_listen(address, errno);
    address = bound_address(first);
    std::vector<system::Descriptor> sockets;
    if (shared && named) {
        first.close();
    } else {
        sockets.push_back(std::move(first));
    }
    while (sockets.size() < request.sockets) {
        auto socket = listen_on(address, Sharing::port);
        if (!socket) return cannot_listen(address, errno);
        sockets.push_back(std::move(socket));
    }
    return sockets;
}

}  // namespace callchain::http
