#include "gateway/udp_socket.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>
#include <system_error>
#include <utility>

namespace callchain::gateway {
namespace {

constexpr int kMostPerTurn = 64;  // then the connections have their turn
constexpr std::size_t kControlBytes = 256;

/// One call's message with room for what the kernel adds.
struct Envelope {
    SocketAddress peer;
    iovec vector{};
    msghdr header{};
    alignas(cmsghdr) std::array<char, kControlBytes> control{};

    Envelope(char* bytes, std::size_t size) {
        vector = {bytes, size};
        header.msg_name = &peer.storage;
        header.msg_namelen = sizeof peer.storage;
        header.msg_iov = &vector;
        header.msg_iovlen = 1;
        header.msg_control = control.data();
        header.msg_controllen = control.size();
    }
    Envelope(const Envelope&) = delete;
    Envelope& operator=(const Envelope&) = delete;
};

template <class T>
T read_control(const cmsghdr* message) {
    T value{};
    std::memcpy(&value, CMSG_DATA(message), sizeof value);
    return value;
}

template <class Address>
SocketAddress with_address(int family, const Address& address) {
    SocketAddress out;
    if (family == AF_INET) {
        sockaddr_in typed{};
        typed.sin_family = AF_INET;
        std::memcpy(&typed.sin_addr, &address, sizeof typed.sin_addr);
        std::memcpy(&out.storage, &typed, sizeof typed);
    } else {
        sockaddr_in6 typed{};
        typed.sin6_family = AF_INET6;
        std::memcpy(&typed.sin6_addr, &address, std::min(sizeof address, sizeof typed.sin6_addr));
        std::memcpy(&out.storage, &typed, sizeof typed);
    }
    return out;
}

/// Where a datagram came to; the socket's own address where the kernel did not say.
Endpoint destination_of(msghdr& header, const Endpoint& bound) {
    for (auto* message = CMSG_FIRSTHDR(&header); message != nullptr;
         message = CMSG_NXTHDR(&header, message)) {
        if (message->cmsg_level == IPPROTO_IP && message->cmsg_type == IP_PKTINFO) {
            const auto info = read_control<in_pktinfo>(message);
            return {endpoint_of(with_address(AF_INET, info.ipi_addr)).address, bound.port};
        }
        if (message->cmsg_level == IPPROTO_IPV6 && message->cmsg_type == IPV6_PKTINFO) {
            const auto info = read_control<in6_pktinfo>(message);
            return {endpoint_of(with_address(AF_INET6, info.ipi6_addr)).address, bound.port};
        }
    }
    return bound;
}

template <class Info>
void add_control(Envelope& envelope, int level, int type, const Info& info) {
    auto* message = CMSG_FIRSTHDR(&envelope.header);
    message->cmsg_level = level;
    message->cmsg_type = type;
    message->cmsg_len = CMSG_LEN(sizeof info);
    std::memcpy(CMSG_DATA(message), &info, sizeof info);
    envelope.header.msg_controllen = CMSG_SPACE(sizeof info);
}

void set_source(Envelope& envelope, int family, const Endpoint& source) {
    const auto address = socket_address_of(source);
    if (!address || is_unspecified(*address)) {
        envelope.header.msg_controllen = 0;
        return;
    }
    if (family == AF_INET) {
        sockaddr_in typed{};
        std::memcpy(&typed, &address->storage, sizeof typed);
        in_pktinfo info{};
        info.ipi_spec_dst = typed.sin_addr;
        return add_control(envelope, IPPROTO_IP, IP_PKTINFO, info);
    }
    const auto mapped = as_ipv6(*address);
    sockaddr_in6 typed{};
    std::memcpy(&typed, &mapped.storage, sizeof typed);
    in6_pktinfo info{};
    info.ipi6_addr = typed.sin6_addr;
    add_control(envelope, IPPROTO_IPV6, IPV6_PKTINFO, info);
}

std::string words_of(const sock_extended_err& error) {
    auto words = std::generic_category().message(static_cast<int>(error.ee_errno));
    const bool from_network = error.ee_origin == SO_EE_ORIGIN_ICMP || error.ee_origin == SO_EE_ORIGIN_ICMP6;
    if (from_network && error.ee_errno == ECONNREFUSED) return words + " (ICMP port unreachable)";
    return from_network ? words + " (ICMP)" : words;
}

bool is_lost_on_the_way(int error) {
    return error == EAGAIN || error == ENOBUFS || error == ENOMEM || error == EINTR;
}

}  // namespace

UdpSocket::UdpSocket(Loop& loop, Descriptor socket, Handlers handlers)
    : handlers_(std::move(handlers)), socket_(loop, std::move(socket), {[this] { on_readable(); }, {}}) {
    if (!socket_.is_open()) return;
    const auto bound = bound_address(socket_.number());
    local_ = endpoint_of(bound);
    family_ = bound.family();
    is_bound_to_all_ = is_unspecified(bound);
}

bool UdpSocket::reaches(int family) const {
    if (family == family_) return true;
    return family == AF_INET && family_ == AF_INET6 && is_bound_to_all_;
}

void UdpSocket::on_readable() {
    report_errors();
    for (int i = 0; i < kMostPerTurn; ++i) {
        if (receive_one() == Received::nothing) break;
    }
    socket_.await_readable();
}

UdpSocket::Received UdpSocket::receive_one() {
    const auto buffer = handlers_.read_buffer();
    Envelope envelope(buffer.data(), buffer.size());
    const auto size = ::recvmsg(socket_.number(), &envelope.header, 0);
    if (size < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK) return Received::nothing;
        // An ICMP error shows itself here once; whose it is stands in the queue of errors.
        report_errors();
        return Received::datagram;
    }
    envelope.peer.size = envelope.header.msg_namelen;
    handlers_.on_datagram(envelope.peer, destination_of(envelope.header, local_),
                          {buffer.data(), static_cast<std::size_t>(size)});
    return Received::datagram;
}

void UdpSocket::report_errors() {
    std::array<char, 1> unused{};  // the datagram that did not arrive comes back here, and is not wanted
    for (int i = 0; i < kMostPerTurn; ++i) {
        Envelope envelope(unused.data(), unused.size());
        if (::recvmsg(socket_.number(), &envelope.header, MSG_ERRQUEUE) < 0) return;
        envelope.peer.size = envelope.header.msg_namelen;
        auto& header = envelope.header;
        for (auto* message = CMSG_FIRSTHDR(&header); message != nullptr;
             message = CMSG_NXTHDR(&header, message)) {
            const bool is_error = (message->cmsg_level == IPPROTO_IP && message->cmsg_type == IP_RECVERR) ||
                                  (message->cmsg_level == IPPROTO_IPV6 && message->cmsg_type == IPV6_RECVERR);
            if (!is_error) continue;
            const auto error = read_control<sock_extended_err>(message);
            // The kernel has learned a smaller size for that way, and cuts what follows to it.
            if (error.ee_errno == EMSGSIZE) continue;
            handlers_.on_unreachable(envelope.peer, words_of(error));
        }
    }
}

std::string UdpSocket::send(const SocketAddress& peer, const Endpoint& local, std::string_view bytes) {
    // The call does not write to them, but its type says that it might.
    Envelope envelope(const_cast<char*>(bytes.data()), bytes.size());
    envelope.peer = family_ == AF_INET6 ? as_ipv6(peer) : peer;
    envelope.header.msg_namelen = envelope.peer.size;
    if (is_bound_to_all_)
        set_source(envelope, family_, local);
    else
        envelope.header.msg_controllen = 0;
    // The first try may only report what became of another datagram.
    for (int tries = 0; tries < 2; ++tries) {
        if (::sendmsg(socket_.number(), &envelope.header, MSG_NOSIGNAL) >= 0) return {};
        if (is_lost_on_the_way(errno)) return {};
        const int error = errno;
        report_errors();
        errno = error;
    }
    return std::generic_category().message(errno);
}

Endpoint UdpSocket::source_for(const SocketAddress& peer) const {
    if (!is_bound_to_all_) return local_;
    const Descriptor probe(::socket(peer.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!probe || ::connect(probe.number(), peer.generic(), peer.size) != 0) return local_;
    return {endpoint_of(bound_address(probe.number())).address, local_.port};
}

}  // namespace callchain::gateway
