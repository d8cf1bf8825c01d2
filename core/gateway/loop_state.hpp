/// What a Loop is made of, for the sources of core/gateway that wait on it.
#pragma once

#include "gateway/due_timers.hpp"

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <vector>

namespace callchain::gateway {

struct LoopState {
    /// Runs the handler of an event, and behind it what it has posted: a round trip through the system's
    /// queue for each of these would cost more than the work itself.
    template <class Handler>
    void turn(Handler handler) {
        in_turn = true;
        handler();
        run_posted();
        in_turn = false;
    }
    void run_posted();

    boost::asio::io_context io{1};  // one thread runs it
    std::unique_ptr<DueTimers> timers;
    // The loop's thread alone.
    bool in_turn = false;
    std::vector<std::function<void()>> posted;
};

}  // namespace callchain::gateway
