#include "b2bua/rate_limit.hpp"

#include <algorithm>
#include <chrono>

namespace callchain::b2bua {

RateLimit::RateLimit(double per_second) : per_second_(per_second), left_(std::max(1.0, per_second)) {}

bool RateLimit::take(sip::SteadyTime now) {
    if (!began_) filled_ = now;
    if (now > filled_) {
        const std::chrono::duration<double> passed = now - filled_;
        left_ = std::min(std::max(1.0, per_second_), left_ + passed.count() * per_second_);
        filled_ = now;
    }
    began_ = true;
    if (left_ < 1) return false;
    left_ -= 1;
    return true;
}

RateLimits::RateLimits(double per_second, std::size_t most_keys)
    : per_second_(per_second), most_keys_(std::max<std::size_t>(1, most_keys)) {}

bool RateLimits::take(std::string_view key, sip::SteadyTime now) {
    if (const auto found = by_key_.find(key); found != by_key_.end()) {
        entries_.splice(entries_.begin(), entries_, found->second);
    } else {
        if (by_key_.size() == most_keys_) {
            by_key_.erase(entries_.back().key);
            entries_.pop_back();
        }
        entries_.push_front({std::string(key), RateLimit(per_second_)});
        by_key_.emplace(entries_.front().key, entries_.begin());
    }
    return entries_.front().limit.take(now);
}

}  // namespace callchain::b2bua
