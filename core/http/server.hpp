/// The HTTP/1.1 server: sockets, limits and deadlines. What is answered is the handler's.
#pragma once

#include "base/result.hpp"
#include "http/message.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace callchain::http {

/// Bounds of one connection, and of all together. Deadlines are absolute: progress does not extend them.
struct ServerLimits {
    /// Beyond it accepting pauses, as where descriptors run out; 0: no bound.
    std::size_t connections = 0;
    std::size_t header_bytes = std::size_t{32} << 10U;  ///< request line and headers; above: 431
    std::size_t body_bytes = std::size_t{1} << 20U;     ///< above: 413
    /// Of all requests together that are not whole yet. Beyond it a request of more than 16 KiB gets 503:
    /// small ones, as webhooks are, still pass.
    std::size_t unfinished_bytes = std::size_t{16} << 20U;
    std::chrono::milliseconds header_time{10'000};   ///< from the first byte of a request; above: 408
    std::chrono::milliseconds request_time{30'000};  ///< from its first byte to its last; above: 408
    std::chrono::milliseconds idle_time{75'000};     ///< with no byte of a next request: closed
    std::chrono::milliseconds answer_time{30'000};   ///< of the handler, above: 503; and for writing it
};

/// Certificate chain and key, each a path of a PEM file.
struct TlsFiles {
    std::string certificate;
    std::string key;
};

struct ServerOptions {
    std::vector<std::string> listen = {};  ///< "host:port"; "[::]:8000" takes IPv4 as well; port 0: any
    unsigned threads = 1;                  ///< each with its own acceptors (SO_REUSEPORT)
    ServerLimits limits = {};
    std::optional<TlsFiles> tls = {};
    bool fall_back_to_ipv4 = false;  ///< "[::]:P" becomes "0.0.0.0:P" where the host has no IPv6
};

/// Takes the answer to one request; move-only. send() may be called from any thread, at most once; later
/// calls are ignored. One that is destroyed without it answers 500, so no request stays without an answer.
class Responder {
  public:
    struct Channel;
    explicit Responder(std::shared_ptr<Channel> channel);
    Responder(Responder&&) noexcept;
    Responder& operator=(Responder&&) noexcept;
    Responder(const Responder&) = delete;
    Responder& operator=(const Responder&) = delete;
    ~Responder();
    void send(Response response);

  private:
    std::shared_ptr<Channel> channel_;
};

/// Called on a server thread for each complete request; must not block. It may answer at once or keep the
/// responder. One request of a connection at a time: a pipelined one waits for the answer to the first.
using Handler = std::function<void(Request request, Responder responder)>;

/// What happened on connections, for metrics; each function may be empty, is called on server threads and
/// must not block.
struct ServerEvents {
    std::function<void()> on_connection = {};
    std::function<void()> on_connection_closed = {};
    /// The server itself refused: 400, 408, 413, 417, 431 or 505 before the handler saw anything, 503 where
    /// the handler's answer took too long.
    std::function<void(int status, const std::string& peer)> on_refused = {};
    /// Accepting pauses: descriptors have run out. Called once for each pause.
    std::function<void(const std::string& why)> on_accept_paused = {};
};

/// Threads, acceptors and connections. All functions may be called from any thread, but not from a handler.
class Server {
  public:
    /// Binds and starts its threads. Errors: usage for an address that is none or cannot be bound (the
    /// message names it and the reason, the hint what to do), io for certificate files.
    [[nodiscard]] static Result<std::unique_ptr<Server>> start(ServerOptions options, Handler handler,
                                                               ServerEvents events = {});
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    /// As stop().
    ~Server();

    /// The bound addresses as "host:port", in the order of ServerOptions::listen.
    [[nodiscard]] std::vector<std::string> addresses() const;
    [[nodiscard]] std::size_t connections() const;
    /// Reads the certificate files again; connections that are open keep the old ones. Errors: io; the old
    /// ones stay in use then.
    [[nodiscard]] Result<void> reload_tls();
    /// Accepts no more, closes idle connections, answers the requests that are under way with
    /// `Connection: close`. Returns at once.
    void drain();
    /// Waits until no connection is left, at most that long. True where none is.
    [[nodiscard]] bool wait_until_idle(std::chrono::milliseconds most);
    /// Closes everything and joins the threads. A responder that is used later does nothing.
    void stop();

  private:
    struct State;
    explicit Server(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

/// Raises the soft limit of open descriptors to the hard one. Units: descriptors, after the call.
[[nodiscard]] std::size_t raise_descriptor_limit();

/// How many of the descriptors clients may take: three quarters, or all but 1,024. The rest is for
/// connections of our own and for files: a call that comes in must find one. Raises the soft limit as well.
[[nodiscard]] std::size_t descriptors_for_clients();

}  // namespace callchain::http
