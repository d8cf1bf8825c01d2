/// DNS answers for as long as they hold. Pure: the caller has the clock.
#pragma once

#include "sip/resolve.hpp"
#include "sip/timer_queue.hpp"

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace callchain::gateway {

/// Bounded in its number of questions: beyond it the answer that would end soonest makes room.
class DnsCache {
  public:
    struct Limits {
        std::chrono::seconds least{5};  ///< records are kept no shorter and no longer, whatever they say
        std::chrono::seconds most{300};
        std::chrono::seconds none{5};  ///< how long it is kept that there is nothing
        std::size_t most_questions = 1'000;
    };
    explicit DnsCache(Limits limits) : limits_(limits) {}

    /// Keeps the answer unless it is `failed`; gives it back with the life that it has here.
    sip::DnsAnswer keep(const sip::DnsQuery& query, sip::DnsAnswer answer, sip::SteadyTime now);
    /// nullopt: nothing that still holds at `now`. Units: its life is what is left, rounded down.
    [[nodiscard]] std::optional<sip::DnsAnswer> find(const sip::DnsQuery& query, sip::SteadyTime now) const;
    [[nodiscard]] std::size_t size() const { return kept_.size(); }

  private:
    using Key = std::pair<sip::DnsQuery::Type, std::string>;
    struct Kept {
        sip::DnsAnswer answer;
        sip::SteadyTime end;
    };
    void make_room();

    Limits limits_;
    std::map<Key, Kept> kept_;
};

}  // namespace callchain::gateway
