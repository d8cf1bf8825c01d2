/// A WebSocket client connection, over TLS or plain.
#pragma once

#include "http/loop.hpp"
#include "http/message.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace callchain::http {

struct WebSocketOptions {
    std::string url;  ///< wss://host[:port]/path?query, or ws://
    std::vector<Header> headers = {};
    std::string ca_file = {};                       ///< PEM; empty: the system's
    std::chrono::milliseconds connect_time{5'000};  ///< from connect() to the upgrade's answer
    std::chrono::milliseconds ping_time{20'000};    ///< a ping after so much silence, the end after two
    std::size_t most_message_bytes = std::size_t{4} << 20U;
    std::size_t most_queued_bytes = std::size_t{4} << 20U;  ///< not yet sent; above: the connection ends
    std::string user_agent = {};                            ///< unless it is among the headers
};

/// How a connection ended, or why it never opened.
struct WebSocketEnd {
    enum class Kind {
        closed,  ///< by close(), answered or not
        closed_by_peer,
        lost,     ///< without a close frame, or ended by us: a message too long, a queue too full
        refused,  ///< the upgrade was answered with another status than 101
        failed,   ///< not resolved, connected or secured; certificate
        timeout,  ///< not open in time, or silent for too long
    };
    Kind kind = Kind::lost;
    int http_status = 0;            ///< of a refused upgrade
    std::string http_body = {};     ///< its first 4 KiB
    int close_code = 0;             ///< of a close frame; 0: there was none
    std::string close_reason = {};  ///< as received
    std::string message = {};       ///< for a person; no header, no query of the URL
};

/// Called on the loop's thread. on_end is called exactly once, last; never from within connect().
struct WebSocketEvents {
    std::function<void()> on_open;
    std::function<void(std::string)> on_text;
    std::function<void(WebSocketEnd)> on_end;
};

/// One connection, without compression. All functions on the thread of the loop; destroying it, which may be
/// done from an event, drops the connection without any further event. It must not outlive its loop.
/// Certificates and host names are always verified. Proxy variables of the environment (https_proxy …) are
/// not looked at: the host must be reachable directly. Binary messages are passed over.
class WebSocket {
  public:
    [[nodiscard]] static std::unique_ptr<WebSocket> connect(Loop& loop, WebSocketOptions options,
                                                            WebSocketEvents events);
    WebSocket(const WebSocket&) = delete;
    WebSocket& operator=(const WebSocket&) = delete;
    ~WebSocket();
    /// Queues a text message; in order. Before on_open it waits for that.
    void send(std::string text);
    /// Sends a close frame behind what is queued; on_end comes when it is answered, or 2 s after this call.
    /// Messages that arrive behind the close frame are passed over.
    void close(int code = 1000);

  private:
    struct State;
    explicit WebSocket(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
};

}  // namespace callchain::http
