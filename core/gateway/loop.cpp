#include "gateway/loop.hpp"

#include "gateway/loop_state.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <utility>

namespace callchain::gateway {
namespace {

// Waits again behind each signal. Nobody owns it but the wait that is under way.
struct SignalWaiter {
    SignalWaiter(boost::asio::io_context& io, std::function<void(int)> work_of)
        : signals(io), work(std::move(work_of)) {}

    boost::asio::signal_set signals;
    std::function<void(int)> work;

    static void wait(std::shared_ptr<SignalWaiter> waiter) {
        auto& signals = waiter->signals;
        signals.async_wait([waiter = std::move(waiter)](const auto& error, int signal) mutable {
            if (error) return;
            waiter->work(signal);
            wait(std::move(waiter));
        });
    }
};

}  // namespace

Loop::Loop() : state_(std::make_unique<LoopState>()) {
    state_->timers = std::make_unique<DueTimers>(*this, [](sip::TimerId) {});
}

Loop::~Loop() = default;

void Loop::run() {
    {
        const auto guard = boost::asio::make_work_guard(state_->io);
        state_->io.run();
    }
    // It may be run again. Only now: without work the end of the guard has stopped it once more.
    state_->io.restart();
}

void Loop::stop() { state_->io.stop(); }

// Work that posts work, and so on, does not keep the sockets waiting.
void LoopState::run_posted() {
    constexpr int kMostRounds = 8;
    for (int round = 0; round < kMostRounds && !posted.empty(); ++round)
        for (const auto& work : std::exchange(posted, {})) work();
    for (auto& work : std::exchange(posted, {})) boost::asio::post(io, std::move(work));
}

void Loop::post(std::function<void()> work) {
    if (state_->io.get_executor().running_in_this_thread() && state_->in_turn)
        state_->posted.push_back(std::move(work));
    else
        boost::asio::post(state_->io, [state = state_.get(), work = std::move(work)] { state->turn(work); });
}

void Loop::on_signals(const std::vector<int>& signals, std::function<void(int)> work) {
    auto waiter = std::make_shared<SignalWaiter>(state_->io, std::move(work));
    for (const int signal : signals) waiter->signals.add(signal);
    SignalWaiter::wait(std::move(waiter));
}

void Loop::on_timer(std::function<void(sip::TimerId)> on_due) { state_->timers->on_due(std::move(on_due)); }

void Loop::set_timer(sip::TimerId id, sip::SteadyTime due) { state_->timers->set(id, due); }

void Loop::stop_timer(sip::TimerId id) { state_->timers->stop(id); }

std::size_t Loop::timers() const { return state_->timers->size(); }

}  // namespace callchain::gateway
