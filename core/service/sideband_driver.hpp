/// Performs what openai::Sideband decides: one call's sideband connection, its timers and its hang-up.
#pragma once

#include "http/loop.hpp"
#include "http/web_socket.hpp"
#include "openai/sideband.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace callchain::service {

/// One connection as the driver uses it; http::WebSocket but for tests.
class SidebandConnection {
  public:
    SidebandConnection() = default;
    SidebandConnection(const SidebandConnection&) = delete;
    SidebandConnection& operator=(const SidebandConnection&) = delete;
    virtual ~SidebandConnection() = default;  ///< drops the connection without any further event
    virtual void send(std::string text) = 0;
    virtual void close() = 0;
};
/// Opens a connection whose events come from the loop, never from within this call.
using OpenSideband = std::function<std::unique_ptr<SidebandConnection>(http::WebSocketEvents)>;

struct SidebandOptions {
    std::string url;  ///< of openai::sideband_url()
    std::string api_key;
    std::string ca_file = {};
    std::string user_agent = {};
    std::chrono::milliseconds connect_time{5'000};
};
/// Opens http::WebSockets with these options, the key as bearer.
[[nodiscard]] OpenSideband web_socket_opener(http::Loop& loop, SidebandOptions options);

/// A milestone or remark of openai::Sideband.
struct SidebandNote {
    std::string name;                ///< "attached", "first_event", "error_event", …
    std::string detail;              ///< in words
    std::chrono::milliseconds at{};  ///< since start()
};

/// Why it ended; `name` is a reason of openai::Sideband: "caller_hung_up", "dead_session", …
using SidebandFinish = SidebandNote;

struct SidebandCallbacks {
    /// Called from within start(), drain() and the loop; must not destroy the driver.
    std::function<void(const SidebandNote&)> on_note;
    /// Called once, last, from the loop; may destroy the driver.
    std::function<void(SidebandFinish)> on_finished;
    /// Asks for the hang-up of the call, once. What it is given is called with the result, once, on any
    /// thread, while the loop is there. Empty: the hang-up counts as failed.
    std::function<void(std::function<void(openai::SidebandHungUp)>)> hang_up;
};

/// The sideband of one call. All functions on the thread of the loop, or before it runs. Destroying the
/// driver drops the connection; the call goes on.
class SidebandDriver {
  public:
    SidebandDriver(http::Loop& loop, openai::SidebandSettings settings, OpenSideband open,
                   SidebandCallbacks callbacks);
    /// As above with web_socket_opener().
    SidebandDriver(http::Loop& loop, openai::SidebandSettings settings, SidebandOptions options,
                   SidebandCallbacks callbacks);
    SidebandDriver(const SidebandDriver&) = delete;
    SidebandDriver& operator=(const SidebandDriver&) = delete;
    ~SidebandDriver();

    void start();
    /// Leaves the call alone and closes the connection; on_finished follows, within about 2 s but for a
    /// greeting or farewell that is due. A second drain() waits for nothing.
    void drain();
    [[nodiscard]] bool is_attached() const;
    [[nodiscard]] bool is_finished() const;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace callchain::service
