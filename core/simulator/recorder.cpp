#include "simulator/chain_parts.hpp"
#include "timeline/from_log.hpp"

#include <algorithm>
#include <utility>

namespace callchain::simulator {
namespace {

using timeline::Party;

// A side that learned of the end so soon behind the other's BYE has hung up itself, or was told by the
// gateway.
constexpr std::chrono::seconds kAtOnce{1};

template <class Call>
std::optional<Call> find_call(const timeline::Timeline& of, const char* name, const std::vector<Call>& calls,
                              std::string Call::*member) {
    const auto id = of.ids.find(name);
    if (id == of.ids.end()) return std::nullopt;
    const auto found = std::find_if(calls.begin(), calls.end(),
                                    [&](const Call& call) { return call.*member == id->second; });
    return found == calls.end() ? std::nullopt : std::optional(*found);
}

// The first BYE between that side and the gateway, whoever sent it.
const timeline::Event* find_bye(const timeline::Timeline& call, Party side) {
    const auto is_of_side = [side](const timeline::Event& event) {
        return event.medium == timeline::Medium::sip && event.label == "BYE" &&
               ((event.from == side && event.to == Party::gateway) ||
                (event.from == Party::gateway && event.to == side));
    };
    const auto found = std::find_if(call.events.begin(), call.events.end(), is_of_side);
    return found == call.events.end() ? nullptr : &*found;
}

// How long `other` went on behind the BYE of `side`, which was answered so.
std::optional<Untold> judge_bye(const timeline::Timeline& call, int status, Party side, Party other) {
    constexpr int kNoSuchCall = 481;
    const auto* said = find_bye(call, side);
    const bool is_unanswered = status == 0 && said != nullptr && said->from == side;
    if (status != kNoSuchCall && !is_unanswered) return std::nullopt;
    const auto* heard = find_bye(call, other);
    if (said == nullptr || heard == nullptr) return Untold{other, status};
    if (heard->at <= said->at + kAtOnce) return std::nullopt;
    return Untold{other, status, std::chrono::duration_cast<std::chrono::milliseconds>(heard->at - said->at)};
}

}  // namespace

void Recorder::add(timeline::Event event) {
    {
        const std::lock_guard lock(mutex_);
        if (event.from == Party::twilio && event.label == "bridged") ++bridged_;
        events_.push_back(std::move(event));
    }
    changed_.notify_all();
}

void Recorder::add(MetaCall call) {
    {
        const std::lock_guard lock(mutex_);
        meta_.push_back(std::move(call));
    }
    changed_.notify_all();
}

void Recorder::add(TwilioCall call) {
    {
        const std::lock_guard lock(mutex_);
        twilio_.push_back(std::move(call));
    }
    changed_.notify_all();
}

void Recorder::add(OpenAiCall call) {
    {
        const std::lock_guard lock(mutex_);
        openai_.push_back(std::move(call));
    }
    changed_.notify_all();
}

void Recorder::add_line(Party party, const std::string& log, const std::string& line) {
    {
        const std::lock_guard lock(mutex_);
        logs_[log].push_back(line);
    }
    if (auto event = timeline::event_of_line(party, line, wall_now())) add(*std::move(event));
}

Recorder::Counts Recorder::counts() const {
    const std::lock_guard lock(mutex_);
    return {events_.size(), meta_.size(), twilio_.size(), openai_.size(), bridged_};
}

void Recorder::wait(std::chrono::milliseconds most) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, most);
}

std::vector<std::string> Recorder::log_of(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = logs_.find(name);
    return found == logs_.end() ? std::vector<std::string>{} : found->second;
}

// Those of which not a message was sent: the gateway could not be reached.
void Recorder::add_silent_calls(std::vector<CallResult>& results) const {
    for (const auto& call : meta_) {
        const bool is_there = std::any_of(results.begin(), results.end(), [&call](const CallResult& result) {
            return result.meta && result.meta->call_id == call.call_id;
        });
        if (is_there) continue;
        CallResult result;
        result.meta = call;
        result.timeline.ids = {{"call_id_meta", call.call_id}, {"wacid", call.wacid}};
        results.push_back(std::move(result));
    }
}

std::vector<CallResult> Recorder::take(std::vector<timeline::Event>& others) {
    const std::lock_guard lock(mutex_);
    std::vector<CallResult> results;
    for (auto& timeline : timeline::join_calls(std::move(events_))) {
        CallResult result;
        result.meta = find_call(timeline, "call_id_meta", meta_, &MetaCall::call_id);
        result.twilio = find_call(timeline, "call_sid", twilio_, &TwilioCall::call_sid);
        result.openai = find_call(timeline, "openai_call_id", openai_, &OpenAiCall::call_id);
        result.timeline = std::move(timeline);
        if (result.meta || result.twilio || result.openai)
            results.push_back(std::move(result));
        else
            std::move(result.timeline.events.begin(), result.timeline.events.end(),
                      std::back_inserter(others));
    }
    events_.clear();
    add_silent_calls(results);
    return results;
}

bool CallResult::bridged() const {
    const bool caller_is = !meta || meta->answered.has_value();
    return caller_is && twilio && twilio->bridged;
}

bool CallResult::greeted() const { return openai && openai->greeted; }

bool CallResult::ended_cleanly() const {
    using End = MetaCall::End;
    const bool caller_is = !meta || meta->end == End::hung_up || meta->end == End::ended_by_peer;
    const bool model_is = openai && (openai->ended_by == "caller" || openai->ended_by == "model" ||
                                     openai->ended_by == "hangup");
    return caller_is && model_is && !untold();
}

std::optional<Untold> CallResult::untold() const {
    auto found =
        twilio ? judge_bye(timeline, twilio->bye_status, Party::twilio, Party::whatsapp) : std::nullopt;
    if (!found && meta) found = judge_bye(timeline, meta->bye_status, Party::whatsapp, Party::twilio);
    return found;
}

}  // namespace callchain::simulator
