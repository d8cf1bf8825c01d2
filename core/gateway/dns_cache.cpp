#include "gateway/dns_cache.hpp"

#include <algorithm>

namespace callchain::gateway {

using Status = sip::DnsAnswer::Status;

sip::DnsAnswer DnsCache::keep(const sip::DnsQuery& query, sip::DnsAnswer answer, sip::SteadyTime now) {
    if (answer.status == Status::failed) return answer;
    answer.time_to_live = answer.status == Status::none
                              ? limits_.none
                              : std::max(limits_.least, std::min(limits_.most, answer.time_to_live));
    if (limits_.most_questions == 0) return answer;
    Key key(query.type, query.name);
    kept_.erase(key);
    if (kept_.size() >= limits_.most_questions) make_room();
    kept_.emplace(std::move(key), Kept{answer, now + answer.time_to_live});
    return answer;
}

std::optional<sip::DnsAnswer> DnsCache::find(const sip::DnsQuery& query, sip::SteadyTime now) const {
    const auto found = kept_.find({query.type, query.name});
    if (found == kept_.end() || found->second.end <= now) return std::nullopt;
    auto answer = found->second.answer;
    answer.time_to_live = std::chrono::floor<std::chrono::seconds>(found->second.end - now);
    return answer;
}

void DnsCache::make_room() {
    kept_.erase(std::min_element(kept_.begin(), kept_.end(),
                                 [](const auto& a, const auto& b) { return a.second.end < b.second.end; }));
}

}  // namespace callchain::gateway
