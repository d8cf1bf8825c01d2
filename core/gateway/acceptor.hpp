/// A listening socket of TCP or TLS.
#pragma once

#include "gateway/loop_wait.hpp"
#include "gateway/socket_address.hpp"

#include <functional>
#include <memory>

namespace callchain::gateway {

/// Accepts until nothing waits. Where descriptors or memory have run out it pauses: the socket would stay
/// readable and the loop would spin. The loop's thread.
class Acceptor {
  public:
    struct Handlers {
        std::function<void(system::Descriptor, const system::SocketAddress& peer)> on_accepted;
        std::function<void(const std::string& why)> on_paused;  ///< once for each pause of 100 ms
    };
    /// Takes a socket that listens and does not block.
    Acceptor(Loop& loop, system::Descriptor socket, Handlers handlers);

    [[nodiscard]] bool is_open() const { return socket_.is_open(); }
    [[nodiscard]] int number() const { return socket_.number(); }
    void start() { socket_.await_readable(); }
    /// Accepts no more; may be called from its own handlers.
    void close() { socket_.close(); }

  private:
    enum class Round { all_accepted, more, paused };
    void accept_some();
    Round accept_one();

    Handlers handlers_;
    Alarm resume_;
    Watched socket_;
};

}  // namespace callchain::gateway
