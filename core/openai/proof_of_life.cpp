#include "openai/proof_of_life.hpp"

#include <algorithm>
#include <utility>

namespace callchain::openai {

using Life = LifeVerdict::Life;

void ProofOfLife::note(Milestone milestone) { milestones_.push_back(std::move(milestone)); }

void ProofOfLife::end(std::string_view reason, std::string_view detail) {
    ended_ = true;
    reason_ = reason;
    detail_ = detail;
}

bool ProofOfLife::has(std::string_view name) const {
    return std::any_of(milestones_.begin(), milestones_.end(),
                       [&](const Milestone& milestone) { return milestone.name == name; });
}

std::string_view ProofOfLife::missing_stage() const {
    if (!has("attached")) return "attached";
    if (wanted_ == Wanted::audio) return has("first_audio") ? "" : "first_audio";
    return has("first_event") ? "" : "first_event";
}

std::string ProofOfLife::last_error() const {
    for (auto at = milestones_.rbegin(); at != milestones_.rend(); ++at) {
        if (at->name == "error_event") return at->detail;
    }
    return {};
}

// By what was noted on the way: the reason of an end alone does not tell a refused key from a dead session.
LifeVerdict ProofOfLife::dead(std::string reason, std::string detail) const {
    const auto error = last_error();
    LifeVerdict verdict{Life::dead, missing_stage(), "call_dead_session", std::move(reason),
                        error.empty() ? std::move(detail) : error};
    if (verdict.reason == "caller_hung_up") verdict.code = "call_gone";
    if (verdict.reason == "session_expired") verdict.code = "call_session_expired";
    if (!error.empty()) verdict.code = "call_session_error";
    if (verdict.stage == "attached" && !has("session_refused")) verdict.code = "call_sideband_refused";
    return verdict;
}

LifeVerdict ProofOfLife::verdict() const {
    if (missing_stage().empty()) return {Life::alive};
    return ended_ ? dead(reason_, detail_) : LifeVerdict{};
}

LifeVerdict ProofOfLife::verdict_in_the_end() const {
    auto so_far = verdict();
    if (so_far.life != Life::pending) return so_far;
    const auto stage = missing_stage();
    if (stage == "first_event" && last_error().empty())
        return {Life::quiet, stage, {}, {}, "the session holds the connection and has sent no event"};
    return dead("no_proof_in_time", stage == "attached"
                                        ? "the sideband could not be opened in time"
                                        : "the greeting was sent, and no audio of it came in time");
}

}  // namespace callchain::openai
