#include "gateway/due_timers.hpp"

#include "gateway/loop.hpp"

#include <utility>

namespace callchain::gateway {

DueTimers::DueTimers(Loop& loop, std::function<void(sip::TimerId)> on_due)
    : alarm_(loop, [this] { call_due(); }), on_due_(std::move(on_due)) {}

void DueTimers::set(sip::TimerId id, sip::SteadyTime due) {
    queue_.set(id, due);
    set_alarm();
}

// A stopped timer leaves its alarm behind: one that rings for nothing costs less than one that is moved each
// time.
void DueTimers::set_alarm() {
    const auto next = queue_.next_due();
    if (!next || (alarm_due_ && *alarm_due_ <= *next)) return;
    alarm_due_ = next;
    alarm_.set(*next);
}

void DueTimers::call_due() {
    alarm_due_.reset();
    // Of one moment: what becomes due meanwhile has its turn behind what else waits on the loop.
    const auto now = Loop::now();
    while (const auto id = queue_.pop_due(now)) on_due_(*id);
    set_alarm();
}

}  // namespace callchain::gateway
