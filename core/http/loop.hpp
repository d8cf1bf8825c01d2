/// An event loop: one thread that runs what is posted to it, timers, and signals.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

namespace callchain::http {

struct LoopState;  ///< of Boost.Asio; known to core/http alone

/// A timer of one Loop. It fires once, on the loop's thread, unless it is destroyed or cancelled before.
/// Move-only; only the loop's thread may touch it, except after the loop has ended.
class Timer {
  public:
    Timer();
    Timer(Timer&&) noexcept;
    Timer& operator=(Timer&&) noexcept;
    ~Timer();
    void cancel();

  private:
    friend class Loop;
    struct State;
    std::shared_ptr<State> state_;
};

/// Everything given to a Loop runs on the one thread that calls run(). post(), stop() may be called from any
/// thread, all else from the loop's thread or before it runs.
class Loop {
  public:
    Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    ~Loop();

    /// Runs until stop(), even while there is nothing to do.
    void run();
    /// Makes run() return as soon as what runs now has ended. What was posted and did not run is dropped.
    void stop();
    void post(std::function<void()> work);
    [[nodiscard]] Timer after(std::chrono::milliseconds delay, std::function<void()> work);
    /// Calls `work` with the number of each of these signals, again and again, in place of their default.
    void on_signals(const std::vector<int>& signals, std::function<void(int)> work);

    [[nodiscard]] LoopState& state() { return *state_; }

  private:
    std::unique_ptr<LoopState> state_;
};

}  // namespace callchain::http
