/// How an answer of another thread reaches the server thread of its request.
#pragma once

#include "http/server.hpp"
#include "http/server_io.hpp"

#include <memory>
#include <mutex>
#include <optional>

namespace callchain::http {

class Mailbox;
class Session;

/// Joins one Responder to one request of a session. The session may be gone long before the responder, and
/// the server thread before both. All but `mailbox` is touched by the server thread alone.
struct Responder::Channel {
    std::shared_ptr<Mailbox> mailbox;
    Session* session = nullptr;  ///< null when it needs no answer any more
    std::optional<Response> answer = {};
};

/// Shared by the server thread and every responder of its requests, whichever lives longest.
class Mailbox {
  public:
    explicit Mailbox(asio::io_context& io) : io_(&io) {}

    /// Any thread.
    void post(std::shared_ptr<Responder::Channel> channel, Response response);
    /// What is posted from now on is dropped: the io_context may go.
    void close();

  private:
    std::mutex mutex_;
    asio::io_context* io_;  ///< null once closed
};

/// While one lives, an answer to this channel that is sent on this thread stays in the channel.
class CallingHandler {
  public:
    explicit CallingHandler(const Responder::Channel& channel);
    CallingHandler(const CallingHandler&) = delete;
    CallingHandler& operator=(const CallingHandler&) = delete;
    ~CallingHandler();
};

}  // namespace callchain::http
