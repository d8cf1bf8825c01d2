/// One connection of a server, from the first byte to the last.
#pragma once

#include "http/head_rules.hpp"
#include "http/server.hpp"
#include "http/server_io.hpp"
#include "http/server_mailbox.hpp"
#include "http/server_thread.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace callchain::http {

class RequestParser;

/// A coroutine over a socket. While a connection is idle it holds no buffer and no parser. All of it belongs
/// to its ServerThread.
///
///     idle ─ first byte ─▶ receiving ─ last byte ─▶ answering ─ response ─▶ writing ─▶ idle
///                              └─ refused, too late ─▶ writing ─▶ lingering ─▶ closed
class Session {
  public:
    /// Throws what OpenSSL gives as a reason where it cannot set up one more connection.
    Session(ServerThread& thread, Socket socket, std::string peer);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session();

    /// From the handshake to the end of the connection.
    [[nodiscard]] Task<void> serve();

    // Between two steps of serve(), which goes on at once:
    void wake();  ///< an answer is in the channel
    /// Acts if the deadline of the present phase is over.
    void check_deadline(SteadyTime now);
    /// Closes if idle. A request whose bytes are in the socket already is still answered.
    void drain();
    void close();

    std::size_t place = 0;  ///< in the thread's list

  private:
    enum class Phase { handshaking, idle, receiving, answering, writing, lingering };
    enum class Received { nothing, part, request, refused };
    struct Progress {
        Received received;
        std::size_t used;
    };
    struct Tls;

    void enter(Phase phase, std::chrono::milliseconds most);
    [[nodiscard]] Task<bool> shake_hands();
    [[nodiscard]] Task<Received> receive();
    [[nodiscard]] Received take(std::string_view bytes);
    [[nodiscard]] Received take_unread();
    [[nodiscard]] Progress consume(std::string_view bytes);
    void begin_request();
    [[nodiscard]] bool hold(std::size_t bytes);
    [[nodiscard]] std::optional<Response> dispatch();
    void call_handler(Request request);
    [[nodiscard]] Task<std::optional<Response>> wait_for_answer();
    [[nodiscard]] Response take_answer();
    [[nodiscard]] Response refuse(Refusal refusal);
    void write(std::string& bytes, const Response& response);
    [[nodiscard]] std::size_t write_at_once(std::string_view bytes, error_code& error);
    [[nodiscard]] Task<bool> write_all(std::string_view bytes);
    [[nodiscard]] Task<void> linger();
    void forget_request();
    [[nodiscard]] std::size_t read_some(error_code& error);
    void shut_down_tls();

    ServerThread& thread_;
    Socket socket_;
    std::unique_ptr<Tls> tls_;  ///< null: plain
    std::string peer_;
    std::string unread_;  ///< received and not yet used: a part, or requests behind the present one
    std::unique_ptr<RequestParser> parser_;  ///< while receiving
    std::shared_ptr<Responder::Channel> channel_;
    std::size_t held_ = 0;  ///< of the bytes that the server counts as unfinished
    SteadyTime started_;    ///< first byte of the present request
    SteadyTime deadline_;
    Refusal refusal_;
    Phase phase_ = Phase::idle;
    bool overdue_ = false;        ///< of the present phase, and serve() has been woken for it
    bool asks_for_body_ = false;  ///< the client waits for "100 Continue"
    bool look_only_ = false;      ///< draining: no waiting for a next request
    bool closing_ = false;        ///< the present answer is the last one
    bool http_1_1_ = true;        ///< the present request
    bool body_left_off_ = false;
};

}  // namespace callchain::http
