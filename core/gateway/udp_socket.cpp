#include "gateway/udp_socket.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <span>
#include <sys/socket.h>
#include <system_error>
#include <utility>

namespace callchain::gateway {
namespace {

constexpr int kMostReadsPerTurn = 8;  // then the connections have their turn
constexpr std::size_t kMostPerRead = 8;
constexpr std::size_t kMostPerSend = 16;
constexpr std::size_t kMostDatagramBytes = std::size_t{64} << 10U;
constexpr int kMostErrorsPerTurn = 64;
constexpr int kMostTries = 8;  // of a datagram, where each reports what became of others
constexpr std::size_t kControlBytes = 256;

/// The address and the control data of one datagram: with room for what the kernel adds.
struct Envelope {
    system::SocketAddress peer;
    iovec vector{};
    alignas(cmsghdr) std::array<char, kControlBytes> control{};

    /// A header that points here.
    msghdr header_for(char* bytes, std::size_t size) {
        vector = {bytes, size};
        msghdr header{};
        header.msg_name = &peer.storage;
        header.msg_namelen = sizeof peer.storage;
        header.msg_iov = &vector;
        header.msg_iovlen = 1;
        header.msg_control = control.data();
        header.msg_controllen = control.size();
        return header;
    }
};

template <class T>
T read_control(const cmsghdr* message) {
    T value{};
    std::memcpy(&value, CMSG_DATA(message), sizeof value);
    return value;
}

template <class Address>
system::SocketAddress with_address(int family, const Address& address) {
    system::SocketAddress out;
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

/// Where a datagram came to, without the port; no family where the kernel did not say.
system::SocketAddress destination_in(msghdr& header) {
    for (auto* message = CMSG_FIRSTHDR(&header); message != nullptr;
         message = CMSG_NXTHDR(&header, message)) {
        if (message->cmsg_level == IPPROTO_IP && message->cmsg_type == IP_PKTINFO)
            return with_address(AF_INET, read_control<in_pktinfo>(message).ipi_addr);
        if (message->cmsg_level == IPPROTO_IPV6 && message->cmsg_type == IPV6_PKTINFO)
            return with_address(AF_INET6, read_control<in6_pktinfo>(message).ipi6_addr);
    }
    return {};
}

template <class Info>
void add_control(msghdr& header, int level, int type, const Info& info) {
    auto* message = CMSG_FIRSTHDR(&header);
    message->cmsg_level = level;
    message->cmsg_type = type;
    message->cmsg_len = CMSG_LEN(sizeof info);
    std::memcpy(CMSG_DATA(message), &info, sizeof info);
    header.msg_controllen = CMSG_SPACE(sizeof info);
}

void set_source(msghdr& header, int family, const Endpoint& source) {
    const auto address = socket_address_of(source);
    if (!address || is_unspecified(*address)) {
        header.msg_controllen = 0;
        return;
    }
    if (family == AF_INET) {
        sockaddr_in typed{};
        std::memcpy(&typed, &address->storage, sizeof typed);
        in_pktinfo info{};
        info.ipi_spec_dst = typed.sin_addr;
        return add_control(header, IPPROTO_IP, IP_PKTINFO, info);
    }
    const auto mapped = as_ipv6(*address);
    sockaddr_in6 typed{};
    std::memcpy(&typed, &mapped.storage, sizeof typed);
    in6_pktinfo info{};
    info.ipi6_addr = typed.sin6_addr;
    add_control(header, IPPROTO_IPV6, IPV6_PKTINFO, info);
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

/// Nothing that a datagram meets as it is sent: an answer to one that was.
bool tells_of_others(int error) { return error == ECONNREFUSED; }

}  // namespace

/// Room for what one call reads. Of the bytes only those become resident that a datagram was written to.
struct UdpSocket::Inbox {
    Inbox() : bytes(new char[kMostPerRead * kMostDatagramBytes]) {
        for (std::size_t i = 0; i < kMostPerRead; ++i) prepare(i);
    }
    void prepare(std::size_t i) {
        headers[i].msg_hdr = envelopes[i].header_for(&bytes[i * kMostDatagramBytes], kMostDatagramBytes);
    }

    std::unique_ptr<char[]> bytes;  // not filled, which a vector would be
    std::array<Envelope, kMostPerRead> envelopes{};
    std::array<mmsghdr, kMostPerRead> headers{};
};

/// What waits to be sent with one call.
struct UdpSocket::Outbox {
    std::size_t size = 0;
    std::array<std::string, kMostPerSend> bytes{};
    std::array<Envelope, kMostPerSend> envelopes{};
    std::array<mmsghdr, kMostPerSend> headers{};
};

UdpSocket::UdpSocket(Loop& loop, system::Descriptor socket, Handlers handlers)
    : handlers_(std::move(handlers)),
      inbox_(std::make_unique<Inbox>()),
      outbox_(std::make_unique<Outbox>()),
      socket_(loop, std::move(socket), {[this] { on_readable(); }, {}}) {
    if (!socket_.is_open()) return;
    const auto bound = bound_address(socket_.number());
    local_ = endpoint_of(bound);
    family_ = bound.family();
    is_bound_to_all_ = is_unspecified(bound);
}

// What was sent shortly before, such as the last answer of a program that ends, still leaves.
UdpSocket::~UdpSocket() {
    handlers_ = {};
    flush();
}

bool UdpSocket::reaches(int family) const {
    if (family == family_) return true;
    return family == AF_INET && family_ == AF_INET6 && is_bound_to_all_;
}

void UdpSocket::on_readable() {
    for (int i = 0; i < kMostReadsPerTurn; ++i)
        if (!receive_some()) break;
    socket_.await_readable();
}

bool UdpSocket::receive_some() {
    const int count = ::recvmmsg(socket_.number(), inbox_->headers.data(), kMostPerRead, 0, nullptr);
    if (count < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK) return false;
        // An ICMP error shows itself here once; whose it is stands in the queue of errors.
        report_errors();
        return true;
    }
    const auto received = static_cast<std::size_t>(count);
    for (std::size_t i = 0; i < received; ++i) {
        auto& [header, size] = inbox_->headers[i];
        auto& peer = inbox_->envelopes[i].peer;
        peer.size = header.msg_namelen;
        handlers_.on_datagram(peer, destination_of(header),
                              {&inbox_->bytes[i * kMostDatagramBytes], size});
        inbox_->prepare(i);
    }
    return received == kMostPerRead;
}

/// The socket's own address where the kernel did not say.
const Endpoint& UdpSocket::destination_of(msghdr& header) {
    if (!is_bound_to_all_) return local_;
    const auto address = destination_in(header);
    if (address.family() == 0) return local_;
    if (!is_same_host(address, last_destination_address_)) {
        last_destination_address_ = address;
        last_destination_ = {endpoint_of(address).address, local_.port};
    }
    return last_destination_;
}

bool UdpSocket::report_errors() {
    std::array<char, 1> unused{};  // the datagram that did not arrive comes back here, and is not wanted
    for (int i = 0; i < kMostErrorsPerTurn; ++i) {
        Envelope envelope;
        auto header = envelope.header_for(unused.data(), unused.size());
        if (::recvmsg(socket_.number(), &header, MSG_ERRQUEUE) < 0) return i > 0;
        envelope.peer.size = header.msg_namelen;
        for (auto* message = CMSG_FIRSTHDR(&header); message != nullptr;
             message = CMSG_NXTHDR(&header, message)) {
            const bool is_error = (message->cmsg_level == IPPROTO_IP && message->cmsg_type == IP_RECVERR) ||
                                  (message->cmsg_level == IPPROTO_IPV6 && message->cmsg_type == IPV6_RECVERR);
            if (!is_error) continue;
            const auto error = read_control<sock_extended_err>(message);
            // The kernel has learned a smaller size for that way, and cuts what follows to it.
            if (error.ee_errno == EMSGSIZE) continue;
            tell_unreachable(envelope.peer, words_of(error));
        }
    }
    return true;
}

void UdpSocket::tell_unreachable(const system::SocketAddress& peer, const std::string& why) {
    if (handlers_.on_unreachable) handlers_.on_unreachable(peer, why);
}

void UdpSocket::send(const system::SocketAddress& peer, const Endpoint& local, std::string bytes) {
    const auto i = outbox_->size++;
    outbox_->bytes[i] = std::move(bytes);
    auto& envelope = outbox_->envelopes[i];
    envelope.peer = family_ == AF_INET6 ? as_ipv6(peer) : peer;
    auto& header = outbox_->headers[i].msg_hdr;
    header = envelope.header_for(outbox_->bytes[i].data(), outbox_->bytes[i].size());
    header.msg_namelen = envelope.peer.size;
    if (is_bound_to_all_)
        set_source(header, family_, local);
    else
        header.msg_controllen = 0;
    if (outbox_->size == kMostPerSend) flush();
}

void UdpSocket::flush() {
    int tries = 0;
    for (std::size_t i = 0; i < outbox_->size;) {
        const auto rest = static_cast<unsigned>(outbox_->size - i);
        const int sent = ::sendmmsg(socket_.number(), &outbox_->headers[i], rest, MSG_NOSIGNAL);
        const int error = errno;
        if (sent > 0) {
            i += static_cast<std::size_t>(sent);
            tries = 0;
            // Of an error that ended it the kernel says no more than that; it may be one of the queue's.
            if (static_cast<unsigned>(sent) < rest) report_errors();
            continue;
        }
        // What became of other datagrams is reported by the next one, one error at a time.
        if (!is_lost_on_the_way(error)) {
            if (report_errors() && ++tries < kMostTries) continue;
            if (!tells_of_others(error))
                tell_unreachable(outbox_->envelopes[i].peer, std::generic_category().message(error));
        }
        tries = 0;
        ++i;
    }
    for (auto& bytes : std::span(outbox_->bytes).first(outbox_->size)) std::string().swap(bytes);
    outbox_->size = 0;
}

Endpoint UdpSocket::source_for(const system::SocketAddress& peer) const {
    if (!is_bound_to_all_) return local_;
    const system::Descriptor probe(::socket(peer.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!probe || ::connect(probe.number(), peer.generic(), peer.size) != 0) return local_;
    return {endpoint_of(bound_address(probe.number())).address, local_.port};
}

}  // namespace callchain::gateway
