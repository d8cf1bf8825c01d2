#include "gateway/loop_wait.hpp"

#include "gateway/loop.hpp"
#include "gateway/loop_state.hpp"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <chrono>
#include <utility>

namespace callchain::gateway {

namespace asio = boost::asio;
using boost::system::error_code;
// Their executor is io_context's own: nothing is erased, nothing is counted.
using Executor = asio::io_context::executor_type;
using WatchedDescriptor = asio::posix::basic_stream_descriptor<Executor>;
using Clock = std::chrono::steady_clock;
using ClockTimer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;

struct Watched::State {
    State(LoopState& loop_of, Handlers handlers_of)
        : loop(loop_of), descriptor(loop_of.io), handlers(std::move(handlers_of)) {}

    LoopState& loop;
    WatchedDescriptor descriptor;
    Handlers handlers;
    bool awaits_readable = false;
    bool awaits_writable = false;
    bool hears_writable = false;  // Asio once asked the kernel for it, and does not take that back

    /// Who has waited once for room to write would be woken at each wait from then on, since there nearly
    /// always is: registered anew, the descriptor tells of what can be read alone.
    void forget_writable() {
        if (!hears_writable || awaits_readable || awaits_writable) return;
        error_code error;
        system::Descriptor same(descriptor.release());
        descriptor.assign(same.number(), error);
        if (error) return;  // and it is closed
        same.release();
        hears_writable = false;
    }
};

Watched::Watched(Loop& loop, system::Descriptor descriptor, Handlers handlers)
    : state_(std::make_shared<State>(loop.state(), std::move(handlers))) {
    error_code error;
    state_->descriptor.assign(descriptor.number(), error);
    if (!error) descriptor.release();
}

Watched::~Watched() { close(); }

bool Watched::is_open() const { return state_->descriptor.is_open(); }

int Watched::number() const { return state_->descriptor.native_handle(); }

void Watched::await_readable() {
    if (!is_open()) return;
    state_->forget_writable();
    if (!is_open() || std::exchange(state_->awaits_readable, true)) return;
    state_->descriptor.async_wait(WatchedDescriptor::wait_read, [state = state_](const error_code& error) {
        state->awaits_readable = false;
        if (!error && state->descriptor.is_open()) state->loop.turn([&] { state->handlers.readable(); });
    });
}

void Watched::await_writable() {
    if (!is_open() || std::exchange(state_->awaits_writable, true)) return;
    state_->hears_writable = true;
    state_->descriptor.async_wait(WatchedDescriptor::wait_write, [state = state_](const error_code& error) {
        state->awaits_writable = false;
        if (!error && state->descriptor.is_open()) state->loop.turn([&] { state->handlers.writable(); });
    });
}

void Watched::close() {
    error_code ignored;
    state_->descriptor.close(ignored);
}

struct Alarm::State {
    State(LoopState& loop_of, std::function<void()> handler_of)
        : loop(loop_of), timer(loop_of.io), handler(std::move(handler_of)) {}

    LoopState& loop;
    ClockTimer timer;
    std::function<void()> handler;
    std::uint64_t settings = 0;  // a ring that was queued already when it was set again is not heard
};

Alarm::Alarm(Loop& loop, std::function<void()> handler)
    : state_(std::make_shared<State>(loop.state(), std::move(handler))) {}

Alarm::~Alarm() {
    ++state_->settings;
    state_->timer.cancel();
}

void Alarm::set(sip::SteadyTime due) {
    const auto setting = ++state_->settings;
    state_->timer.expires_at(due);
    state_->timer.async_wait([state = state_, setting](const error_code& error) {
        if (!error && state->settings == setting) state->loop.turn([&] { state->handler(); });
    });
}

}  // namespace callchain::gateway
