/// Where time comes from: passed in, so that nothing below the edge asks the system.
#pragma once

#include <chrono>

namespace callchain {

/// Wall-clock time. Implementations may be called from any thread.
class Clock {
  public:
    Clock() = default;
    Clock(const Clock&) = delete;
    Clock& operator=(const Clock&) = delete;
    virtual ~Clock() = default;
    [[nodiscard]] virtual std::chrono::sys_time<std::chrono::milliseconds> now() const = 0;
};

}  // namespace callchain
