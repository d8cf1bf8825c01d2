/// A socket for datagrams.
#pragma once

#include "gateway/loop_wait.hpp"
#include "gateway/socket_address.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace callchain::gateway {

/// Receives from and sends to any peer. A socket of IPv6 that serves IPv4 shows IPv4 addresses as such. The
/// loop's thread; must not be destroyed by its own handlers.
class UdpSocket {
  public:
    struct Handlers {
        /// `local` is the address at which it came, also where the socket is bound to all.
        std::function<void(const system::SocketAddress& peer, const Endpoint& local, std::string_view bytes)>
            on_datagram;
        /// What was sent there did not arrive (an ICMP error), or cannot be sent.
        std::function<void(const system::SocketAddress& peer, const std::string& why)> on_unreachable;
    };
    /// Takes a bound socket, as open_listening_socket() makes it.
    UdpSocket(Loop& loop, system::Descriptor socket, Handlers handlers);
    ~UdpSocket();

    [[nodiscard]] bool is_open() const { return socket_.is_open(); }
    [[nodiscard]] const Endpoint& local() const { return local_; }
    /// Whether it can send to that family: a socket of IPv6 bound to all reaches IPv4, too.
    [[nodiscard]] bool reaches(int family) const;
    void start() { socket_.await_readable(); }

    /// What fits into one datagram of IPv4, behind its header and UDP's.
    static constexpr std::size_t kMostBytes = 65'507;
    /// From `local` where the socket is bound to all addresses, and with the next flush(): what is sent
    /// together costs one call of the system and wakes its receiver once. No more than kMostBytes.
    void send(const system::SocketAddress& peer, const Endpoint& local, std::string bytes);
    /// What the system has no room for at this moment is lost, as on the way. What it never can send,
    /// Handlers::on_unreachable hears of.
    void flush();
    /// The address that datagrams to that peer leave from.
    [[nodiscard]] Endpoint source_for(const system::SocketAddress& peer) const;

  private:
    struct Inbox;
    struct Outbox;
    void on_readable();
    /// False: nothing is left to read.
    bool receive_some();
    const Endpoint& destination_of(msghdr& header);
    /// False: there was none.
    bool report_errors();
    void tell_unreachable(const system::SocketAddress& peer, const std::string& why);

    Handlers handlers_;
    std::unique_ptr<Inbox> inbox_;
    std::unique_ptr<Outbox> outbox_;
    Watched socket_;
    Endpoint local_;
    int family_ = 0;
    bool is_bound_to_all_ = false;
    system::SocketAddress last_destination_address_;  ///< whose text is not made again for each datagram
    Endpoint last_destination_;
};

}  // namespace callchain::gateway
