/// Many timers on one timer of the kernel.
#pragma once

#include "gateway/loop_wait.hpp"
#include "sip/timer_queue.hpp"

#include <functional>
#include <optional>
#include <utility>

namespace callchain::gateway {

/// A TimerQueue that a Loop drives. The loop's thread.
class DueTimers {
  public:
    DueTimers(Loop& loop, std::function<void(sip::TimerId)> on_due);

    void on_due(std::function<void(sip::TimerId)> on_due) { on_due_ = std::move(on_due); }
    void set(sip::TimerId id, sip::SteadyTime due);
    void stop(sip::TimerId id) { queue_.stop(id); }
    [[nodiscard]] std::size_t size() const { return queue_.size(); }

  private:
    void call_due();
    void set_alarm();

    sip::TimerQueue queue_;
    Alarm alarm_;
    std::function<void(sip::TimerId)> on_due_;
    std::optional<sip::SteadyTime> alarm_due_;  // no later than the next timer is
};

}  // namespace callchain::gateway
