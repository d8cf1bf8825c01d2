#include "timeline/timeline.hpp"

#include <algorithm>
#include <numeric>
#include <unordered_map>
#include <utility>

namespace callchain::timeline {
namespace {

// Sets of numbers that grow together; each is known by one of its members.
class Sets {
  public:
    explicit Sets(std::size_t count) : parent_(count) { std::iota(parent_.begin(), parent_.end(), 0U); }

    std::size_t find(std::size_t one) {
        while (parent_[one] != one) {
            parent_[one] = parent_[parent_[one]];
            one = parent_[one];
        }
        return one;
    }
    /// The smaller one stands for both: the call that began first.
    void join(std::size_t a, std::size_t b) {
        a = find(a);
        b = find(b);
        parent_[std::max(a, b)] = std::min(a, b);
    }

  private:
    std::vector<std::size_t> parent_;
};

std::string key_of(const Id& id) { return id.first + '\0' + id.second; }

}  // namespace

std::vector<Timeline> join_calls(std::vector<Event> events) {
    std::stable_sort(events.begin(), events.end(),
                     [](const Event& a, const Event& b) { return a.at < b.at; });
    // A name without a value is nobody's: it would join calls that have nothing in common.
    for (auto& event : events) std::erase_if(event.ids, [](const Id& id) { return id.second.empty(); });
    Sets sets(events.size());
    std::unordered_map<std::string, std::size_t> first_with;
    for (std::size_t at = 0; at < events.size(); ++at) {
        for (const auto& id : events[at].ids) {
            const auto [found, is_new] = first_with.try_emplace(key_of(id), at);
            if (!is_new) sets.join(at, found->second);
        }
    }
    std::vector<Timeline> calls;
    Timeline nobodys;
    std::unordered_map<std::size_t, std::size_t> call_of;  // by the member that stands for a set
    for (std::size_t at = 0; at < events.size(); ++at) {
        auto& event = events[at];
        if (event.ids.empty()) {
            nobodys.events.push_back(std::move(event));
            continue;
        }
        const auto [found, is_new] = call_of.try_emplace(sets.find(at), calls.size());
        if (is_new) calls.emplace_back();
        auto& call = calls[found->second];
        for (const auto& [name, value] : event.ids) call.ids.try_emplace(name, value);
        call.events.push_back(std::move(event));
    }
    if (!nobodys.events.empty()) calls.push_back(std::move(nobodys));
    return calls;
}

}  // namespace callchain::timeline
