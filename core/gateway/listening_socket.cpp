#include "gateway/listening_socket.hpp"

#include "config/network.hpp"
#include "gateway/socket_address.hpp"

#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <system_error>

namespace callchain::gateway {
namespace {

constexpr int kQueue = 4096;  // the kernel cuts it to net.core.somaxconn
// A burst of datagrams waits in the socket while one message is worked on; the kernel cuts it to
// net.core.rmem_max.
constexpr int kDatagramBufferBytes = 4 << 20;

bool set(int socket, int level, int option, int value) {
    return ::setsockopt(socket, level, option, &value, sizeof value) == 0;
}

bool set_up_datagrams(int socket, int family) {
    set(socket, SOL_SOCKET, SO_RCVBUF, kDatagramBufferBytes);
    // A socket of IPv6 that serves IPv4 takes the options of both.
    const bool ok4 = set(socket, IPPROTO_IP, IP_RECVERR, 1) && set(socket, IPPROTO_IP, IP_PKTINFO, 1);
    if (family == AF_INET) return ok4;
    return set(socket, IPPROTO_IPV6, IPV6_RECVERR, 1) && set(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
}

/// The socket, or none and errno.
system::Descriptor open_on(Transport transport, const system::SocketAddress& address) {
    const bool datagrams = transport == Transport::udp;
    const int type = (datagrams ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
    system::Descriptor socket(::socket(address.family(), type, 0));
    if (!socket) return {};
    const int number = socket.number();
    bool ok = address.family() == AF_INET || set(number, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    // Not for datagrams: there it would let a second process take half of them without a word. Of streams the
    // accepted sockets inherit the second option.
    if (datagrams)
        ok = ok && set_up_datagrams(number, address.family());
    else
        ok = ok && set(number, SOL_SOCKET, SO_REUSEADDR, 1) && set(number, IPPROTO_TCP, TCP_NODELAY, 1);
    ok = ok && ::bind(number, address.generic(), address.size) == 0;
    if (!datagrams) ok = ok && ::listen(number, kQueue) == 0;
    if (ok) return socket;
    const int error = errno;
    socket.close();
    errno = error;
    return {};
}

}  // namespace

Result<system::Descriptor> open_listening_socket(Transport transport, const std::string& address) {
    const auto whole = CALLCHAIN_TRY(config::parse_listen_address(address));
    const auto endpoint = parse_endpoint(whole).value_or(Endpoint{});
    auto bound = socket_address_of(endpoint);
    if (!bound) return fail(ErrorCode::usage, "cannot listen on " + whole + ": this is no numeric address");
    auto socket = open_on(transport, *bound);
    if (!socket && endpoint.address == "::" && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
        bound = socket_address_of({"0.0.0.0", endpoint.port});
        socket = open_on(transport, *bound);
    }
    if (socket) return socket;
    const int error = errno;
    return fail(
        ErrorCode::usage,
        "cannot listen on " + whole + " (" + std::string(name_of(transport)) +
            "): " + std::generic_category().message(error),
        system::hint_on_listening(
            error, transport == Transport::udp ? system::SocketKind::datagram : system::SocketKind::stream,
            endpoint.port));
}

}  // namespace callchain::gateway
