/// What a Loop is made of, for the sources of core/gateway that wait on it.
#pragma once

#include "gateway/due_timers.hpp"

#include <boost/asio/io_context.hpp>
#include <memory>

namespace callchain::gateway {

struct LoopState {
    boost::asio::io_context io{1};  // one thread runs it
    std::unique_ptr<DueTimers> timers;
};

}  // namespace callchain::gateway
