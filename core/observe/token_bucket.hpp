/// A rate by the wall clock, for what is told or kept.
#pragma once

#include <chrono>

namespace callchain::observe {

/// So many in a row, and then so many a second, by the time that it is told. One thread at a time.
class TokenBucket {
  public:
    using Time = std::chrono::sys_time<std::chrono::milliseconds>;
    TokenBucket(double burst, double per_second) : burst_(burst), per_second_(per_second), tokens_(burst) {}
    /// True where one was left. A clock that goes backwards takes nothing away.
    [[nodiscard]] bool take(Time now);

  private:
    double burst_;
    double per_second_;
    double tokens_;
    Time last_{};
};

}  // namespace callchain::observe
