/// The HTTP client without a thread of its own: libcurl on the descriptors and timers of a Loop.
#pragma once

#include "http/client.hpp"
#include "http/loop.hpp"

#include <chrono>
#include <functional>
#include <memory>

namespace callchain::http {

/// As Client in all that it promises, for whoever sends from a loop and wants the answer there: no thread has
/// to be woken for either. Only the loop's thread may touch it, or any while the loop does not run; delay()
/// may be called from everywhere.
class ClientOnLoop {
  public:
    /// `loop` outlives it.
    ClientOnLoop(Loop& loop, ClientOptions options);
    ClientOnLoop(const ClientOnLoop&) = delete;
    ClientOnLoop& operator=(const ClientOnLoop&) = delete;
    /// As stop().
    ~ClientOnLoop();

    /// `done` is called once, on the loop's thread, never within send() but after stop(); what it throws is
    /// lost.
    void send(ClientRequest request, std::function<void(ClientResult)> done);
    /// As Client::delay().
    [[nodiscard]] std::chrono::milliseconds delay() const;
    /// Ends what is under way as ClientFailure::closed. Not from `done`.
    void stop();

  private:
    struct State;
    std::shared_ptr<State> state_;  // what was posted holds it weakly
};

}  // namespace callchain::http
