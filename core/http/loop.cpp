#include "http/loop.hpp"

#include "http/loop_state.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

namespace callchain::http {

struct Timer::State {
    explicit State(boost::asio::io_context& io) : timer(io) {}
    boost::asio::steady_timer timer;
    bool set = true;
};

Timer::Timer() = default;
Timer::Timer(Timer&&) noexcept = default;
Timer& Timer::operator=(Timer&& other) noexcept {
    if (this != &other) {
        cancel();
        state_ = std::move(other.state_);
    }
    return *this;
}
Timer::~Timer() { cancel(); }

void Timer::cancel() {
    if (!state_) return;
    // The flag as well: a handler that is queued already would run in spite of the timer's cancel().
    state_->set = false;
    state_->timer.cancel();
    state_.reset();
}

Loop::Loop() : state_(std::make_unique<LoopState>()) {}
Loop::~Loop() = default;

void Loop::run() {
    const auto guard = boost::asio::make_work_guard(state_->io);
    state_->io.run();
}

void Loop::stop() { state_->io.stop(); }

void Loop::post(std::function<void()> work) { boost::asio::post(state_->io, std::move(work)); }

Timer Loop::after(std::chrono::milliseconds delay, std::function<void()> work) {
    Timer timer;
    timer.state_ = std::make_shared<Timer::State>(state_->io);
    timer.state_->timer.expires_after(delay);
    timer.state_->timer.async_wait([held = timer.state_, work = std::move(work)](const auto& error) {
        if (error || !std::exchange(held->set, false)) return;
        work();
    });
    return timer;
}

void Loop::on_signals(const std::vector<int>& signals, std::function<void(int)> work) {
    auto set = std::make_shared<boost::asio::signal_set>(state_->io);
    for (const int signal : signals) set->add(signal);
    // Waits again behind each signal; the set lives as long as its own wait does.
    struct Waiter {
        static void wait(std::shared_ptr<boost::asio::signal_set> signals_of,
                         std::shared_ptr<std::function<void(int)>> call) {
            auto& set_of = *signals_of;
            set_of.async_wait(
                [signals_of = std::move(signals_of), call = std::move(call)](const auto& error, int signal) {
                    if (error) return;
                    (*call)(signal);
                    wait(signals_of, call);
                });
        }
    };
    Waiter::wait(std::move(set), std::make_shared<std::function<void(int)>>(std::move(work)));
}

}  // namespace callchain::http
