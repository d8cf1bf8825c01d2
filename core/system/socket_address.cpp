#include "system/socket_address.hpp"

#include <cerrno>

namespace callchain::system {

std::string hint_on_listening(int error, SocketKind kind, std::uint16_t port) {
    switch (error) {
        case EADDRINUSE:
            return std::string("another process listens there: `ss -") +
                   (kind == SocketKind::datagram ? "lunp" : "ltnp") + " sport = :" + std::to_string(port) +
                   "` names it; stop it or choose another port";
        case EACCES:
            return port < 1024
                       ? "ports below 1024 need CAP_NET_BIND_SERVICE; choose one above, or let systemd "
                         "grant it (AmbientCapabilities=)"
                       : "a policy of the system (SELinux, AppArmor) forbids it";
        case EADDRNOTAVAIL:
            return "no interface of this host has that address; `ip -br address` lists them";
        case EAFNOSUPPORT:
            return "this host has no IPv6; listen on 0.0.0.0:" + std::to_string(port);
        case EMFILE:
        case ENFILE:
            return "descriptors have run out; raise the limit (`ulimit -n`, LimitNOFILE=)";
        default:
            return {};
    }
}

}  // namespace callchain::system
