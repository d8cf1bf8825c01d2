/// Socket addresses as the system has them.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <sys/socket.h>

namespace callchain::system {

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = sizeof(sockaddr_storage);

    [[nodiscard]] int family() const { return storage.ss_family; }
    /// As the system's calls want it, whatever the address is.
    [[nodiscard]] sockaddr* generic() { return reinterpret_cast<sockaddr*>(&storage); }
    [[nodiscard]] const sockaddr* generic() const { return reinterpret_cast<const sockaddr*>(&storage); }

    /// As a sockaddr_in or sockaddr_in6, which family() has told. A copy in place of a cast: sockaddr_storage
    /// is not one of these types.
    template <class Typed>
    [[nodiscard]] Typed as() const {
        Typed typed{};
        std::memcpy(&typed, &storage, sizeof(typed));
        return typed;
    }
    template <class Typed>
    [[nodiscard]] static SocketAddress from(const Typed& typed) {
        SocketAddress address;
        std::memcpy(&address.storage, &typed, sizeof(typed));
        address.size = sizeof(typed);
        return address;
    }
};

enum class SocketKind { stream, datagram };

/// What to do about a socket that could not be bound or listened on; empty: nothing that we know.
/// Units: `error` is the errno, `port` the one that was asked for.
[[nodiscard]] std::string hint_on_listening(int error, SocketKind kind, std::uint16_t port);

}  // namespace callchain::system
