/// A small HTTP/1.1 server that also upgrades to WebSocket: for stand-ins on loopback. What faces the network
/// is server.hpp.
#pragma once

#include "base/result.hpp"
#include "http/message.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace callchain::http {

/// One WebSocket that was upgraded. Functions from any thread; once it has ended they do nothing.
class UpgradedSocket {
  public:
    struct Channel;
    explicit UpgradedSocket(std::shared_ptr<Channel> channel);
    void send(std::string text);
    void close(int code = 1000, std::string reason = {});
    /// Without a close frame, as OpenAI does when the caller hangs up.
    void drop();

  private:
    std::shared_ptr<Channel> channel_;
};

/// What becomes of an upgrade: events of the socket, or a plain response that refuses it.
struct SocketEvents {
    std::function<void(UpgradedSocket)> on_open;
    std::function<void(std::string)> on_text = {};
    std::function<void(int close_code)> on_end = {};  ///< once, last; 0: without a close frame
};

struct UpgradingHandlers {
    /// May be answered later, from any thread, by calling `answer` once.
    std::function<void(Request, std::function<void(Response)> answer)> on_request;
    /// Either events or a refusal is filled.
    std::function<void(const Request&, std::optional<SocketEvents>&, std::optional<Response>&)> on_upgrade;
};

/// One thread. Bodies up to 1 MiB, keep-alive, no TLS.
class UpgradingServer {
  public:
    /// Errors: usage for an address that cannot be bound, io where descriptors or threads have run out.
    [[nodiscard]] static Result<std::unique_ptr<UpgradingServer>> start(const std::string& listen,
                                                                        UpgradingHandlers handlers);
    UpgradingServer(const UpgradingServer&) = delete;
    UpgradingServer& operator=(const UpgradingServer&) = delete;
    ~UpgradingServer();  ///< drops what is open and joins the thread; not from a handler
    [[nodiscard]] std::string address() const;  ///< "127.0.0.1:40124"

  private:
    struct State;
    explicit UpgradingServer(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace callchain::http
