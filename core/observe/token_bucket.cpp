#include "observe/token_bucket.hpp"

#include <algorithm>

namespace callchain::observe {

bool TokenBucket::take(Time now) {
    // Threads come a little out of order. A clock that was set back by more than that starts anew from there:
    // else nothing would be filled until the time comes again that it once showed.
    constexpr double kOutOfOrderSeconds = 5;
    const double passed = std::chrono::duration<double>(now - last_).count();
    if (passed > 0) tokens_ = std::min(burst_, tokens_ + passed * per_second_);
    if (passed > 0 || passed < -kOutOfOrderSeconds) last_ = now;
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
}

}  // namespace callchain::observe
