/// A listening socket of one server thread.
#pragma once

#include "http/server_io.hpp"
#include "system/descriptor.hpp"

namespace callchain::http {

class ServerThread;

/// Accepts until nothing waits. Where descriptors or memory have run out it pauses: the socket would stay
/// readable and the thread would spin.
class Acceptor {
  public:
    /// Takes a socket that listens. Throws what Asio throws where descriptors or memory have run out.
    Acceptor(ServerThread& thread, system::Descriptor socket);

    /// Accepts until close().
    [[nodiscard]] Task<void> run();
    /// Takes the connections that wait already, then accepts no more.
    void close_behind_the_last();
    void close();

  private:
    enum class Round { all_accepted, more, paused };

    Round accept_some();
    Round accept_one();
    Round pause(int error);

    ServerThread& thread_;
    ListeningSocket socket_;
    SteadyTimer pause_timer_;
};

}  // namespace callchain::http
