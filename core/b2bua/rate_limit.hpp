/// Token buckets: one, and one for each of many keys in bounded memory.
#pragma once

#include "sip/timer_queue.hpp"

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

namespace callchain::b2bua {

/// So many a second on the average, and as many at once. Units: `per_second` above 0.
class RateLimit {
  public:
    explicit RateLimit(double per_second);
    /// Takes one; false: none is left.
    [[nodiscard]] bool take(sip::SteadyTime now);

  private:
    double per_second_;
    double left_;
    sip::SteadyTime filled_{};
    bool began_ = false;
};

/// A RateLimit for each key; of more than `most_keys` the one that was idle for longest is forgotten.
class RateLimits {
  public:
    RateLimits(double per_second, std::size_t most_keys);
    [[nodiscard]] bool take(std::string_view key, sip::SteadyTime now);
    [[nodiscard]] std::size_t size() const { return by_key_.size(); }

  private:
    struct Entry {
        std::string key;
        RateLimit limit;
    };
    double per_second_;
    std::size_t most_keys_;
    std::list<Entry> entries_;  // the last used first
    std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key_;
};

}  // namespace callchain::b2bua
