/// The gateway's event loop: one thread, its timers and its signals.
#pragma once

#include "sip/timer_queue.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

namespace callchain::gateway {

struct LoopState;  ///< of Boost.Asio; known to core/gateway's sources alone

/// Everything runs on the thread that calls run(). post() and stop() may be called from any thread, all else
/// from the loop's thread or before it runs.
class Loop {
  public:
    Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    ~Loop();

    /// Runs until stop(), even while there is nothing to do. May be called again afterwards.
    void run();
    void stop();
    void post(std::function<void()> work);
    /// Calls `work` with the number of each of these signals, again and again, in place of their default.
    void on_signals(const std::vector<int>& signals, std::function<void(int)> work);

    [[nodiscard]] static sip::SteadyTime now() { return std::chrono::steady_clock::now(); }

    /// The timers of all transactions and calls hang on one timer of the kernel: `on_due` is called for each
    /// that is due, in order. Set before run().
    void on_timer(std::function<void(sip::TimerId)> on_due);
    void set_timer(sip::TimerId id, sip::SteadyTime due);
    void stop_timer(sip::TimerId id);
    [[nodiscard]] std::size_t timers() const;

    [[nodiscard]] LoopState& state() { return *state_; }

  private:
    std::unique_ptr<LoopState> state_;
};

}  // namespace callchain::gateway
