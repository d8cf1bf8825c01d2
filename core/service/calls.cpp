#include "service/calls.hpp"

#include "base/redact.hpp"
#include "base/text.hpp"
#include "diagnosis/catalogue.hpp"
#include "encoding/json_text.hpp"
#include "openai/session_body.hpp"
#include "twiml/caller_id.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace callchain::service {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

double seconds_between(SteadyTime from, SteadyTime to) {
    return std::chrono::duration<double>(to - from).count();
}

// What makes a call a failure for whoever reads the log; anything else that ends one is ordinary.
bool is_bad_end(std::string_view reason) {
    return reason == "dead_session" || reason == "session_error" || reason == "abandoned";
}

// The finding code that explains a failure; empty where there is none for it.
std::string code_of(const std::string& reason) {
    const auto code = reason.starts_with("call_") ? reason : "call_" + reason;
    return diagnosis::find_entry(code) == nullptr ? std::string{} : code;
}

// So many calls may be under way, or as many as the API has answered in this time at its present pace: a call
// has ten seconds, and one that is taken up behind more than that would be lost.
constexpr std::size_t kLeastUnderWay = 1'024;
constexpr double kPaceSeconds = 3;

openai::RetryPolicy hang_up_policy() {
    openai::RetryPolicy policy;
    policy.deadline = milliseconds{5'000};
    policy.most_attempts = 3;
    policy.oldest_event_for_404 = std::chrono::seconds{0};  // a call that is not there needs no hang-up
    return policy;
}

}  // namespace

struct Calls::Session {
    Delivery delivery;
    CallLinks links;
    std::unique_ptr<AcceptDriver> accept;
    std::unique_ptr<SidebandDriver> sideband;
    std::unique_ptr<AcceptDriver> hang_up;
    std::string outcome;  ///< of the accept; empty: undecided
    int attempts = 0;
    bool settled = false;  ///< accepted, and attached or given up
    std::optional<SteadyTime> sent, accepted, attached, first_audio;
};

Calls::Calls(CallsContext context) : context_(std::move(context)) {
    for (const auto dialect : {openai::Dialect::realtime, openai::Dialect::live})
        accept_bodies_[static_cast<std::size_t>(dialect)] =
            openai::write_accept_body(session_for(context_.config, dialect));
    context_.registry.allow_undecided(kLeastUnderWay);
}

Calls::~Calls() = default;

observe::LogFields Calls::ids_of(const Session& session) const {
    const auto& event = session.delivery.event;
    observe::LogFields fields{{"callchain_id", session.links.callchain_id},
                              {"call_id", event.call_id},
                              {"webhook_id", session.delivery.webhook_id}};
    if (!session.links.call_sid.empty()) fields.push_back({"call_sid", session.links.call_sid});
    return fields;
}

void Calls::take(Delivery delivery, http::Responder responder) {
    auto session = std::make_unique<Session>();
    session->delivery = std::move(delivery);
    const auto& event = session->delivery.event;
    const auto key = session->delivery.key;
    const auto planted = event.header(kCallchainIdHeader);
    const auto sid = event.header(kCallSidHeader);
    auto& links = session->links;
    links.call_id = event.call_id;
    if (sid && is_call_sid(*sid)) links.call_sid = std::string(*sid);
    if (planted && is_callchain_id(*planted)) links.callchain_id = std::string(*planted);
    if (links.callchain_id.empty() && !links.call_sid.empty())
        links.callchain_id =
            context_.journal.id_of_call_sid(links.call_sid, make_callchain_id(context_.random()));
    if (links.callchain_id.empty()) links.callchain_id = make_callchain_id(context_.random());
    context_.journal.link(links);

    wait_for(key, session->delivery.received, std::move(responder));
    auto& taken = *sessions_.emplace(key, std::move(session)).first->second;
    context_.metrics.active_calls.set(static_cast<double>(sessions_.size()));
    start_accept(taken);
}

void Calls::join(const CallKey& key, SteadyTime received, http::Responder responder) {
    // Decided between the claim and now, perhaps ended as well. Where it is neither, the first delivery may
    // still be on its way here.
    if (context_.registry.is_decided(key)) return responder.send(webhook_response(200, "duplicate"));
    wait_for(key, received, std::move(responder));
}

void Calls::wait_for(const CallKey& key, SteadyTime received, http::Responder responder) {
    auto& list = waiting_[key];
    list.push_back({std::move(responder), received, {}});
    const auto place = std::prev(list.end());
    const auto passed = duration_cast<milliseconds>(steady_clock::now() - received);
    const auto rest = std::max(milliseconds{0}, context_.answer_after - passed);
    place->timer = context_.loop.after(rest, [this, key, place] {
        answer(*place, "pending");
        auto& all = waiting_[key];
        all.erase(place);
        if (all.empty()) waiting_.erase(key);
    });
}

void Calls::answer(Waiting& waiting, const std::string& outcome) const {
    waiting.responder.send(webhook_response(200, outcome));
    context_.metrics.answer_seconds.observe(seconds_between(waiting.received, steady_clock::now()));
}

void Calls::answer_all(const CallKey& key, const std::string& outcome) {
    const auto found = waiting_.find(key);
    if (found == waiting_.end()) return;
    for (auto& waiting : found->second) answer(waiting, outcome);
    waiting_.erase(found);
}

void Calls::start_accept(Session& session) {
    const auto& event = session.delivery.event;
    const auto url =
        openai::call_url(context_.config.base_url, event.dialect, event.call_id, openai::CallAction::accept);
    AcceptSettings settings;
    settings.elapsed = duration_cast<milliseconds>(steady_clock::now() - session.delivery.received);
    if (event.created_at)
        settings.event_age =
            duration_cast<std::chrono::seconds>(session.delivery.received_at - *event.created_at);
    // The base was checked at the start and the id when the event was read.
    auto request = call_request(url ? *url : std::string{}, context_.config.api_key,
                                accept_bodies_[static_cast<std::size_t>(event.dialect)]);
    session.accept = std::make_unique<AcceptDriver>(
        context_.loop, context_.send, std::move(request), std::move(settings),
        [this, &session](AcceptResult result) { on_accepted(session, std::move(result)); });
    session.sent = steady_clock::now();
    context_.metrics.added_seconds.observe(seconds_between(session.delivery.received, *session.sent));
    session.accept->start();
}

// Only answers count: what expires says nothing of how much can be done.
void Calls::note_pace() {
    ++answered_;
    const auto now = steady_clock::now();
    const auto passed = seconds_between(pace_since_, now);
    if (passed < 1) return;
    const auto under_way = static_cast<std::size_t>(static_cast<double>(answered_) / passed * kPaceSeconds);
    context_.registry.allow_undecided(std::max(kLeastUnderWay, under_way));
    answered_ = 0;
    pace_since_ = now;
}

void Calls::on_accepted(Session& session, AcceptResult result) {
    using openai::Outcome;
    const auto name = std::string(openai::name_of(result.outcome));
    session.attempts = result.attempts;
    session.outcome = name == "done" ? "accepted" : name;
    auto& metrics = context_.metrics;
    metrics.calls.add(name);
    metrics.api_attempts.add(result.attempts);
    metrics.accept_seconds.observe(seconds_between(session.delivery.received, steady_clock::now()));
    context_.registry.decided(session.delivery.key);
    if (result.answer.status != 0) note_pace();
    answer_all(session.delivery.key, session.outcome);

    auto fields = ids_of(session);
    fields.push_back({"outcome", session.outcome});
    fields.push_back({"attempts", std::int64_t{result.attempts}});
    fields.push_back({"duration_ms", static_cast<std::int64_t>(result.duration.count())});
    if (!result.request_id.empty()) fields.push_back({"request_id", result.request_id});
    if (result.outcome == Outcome::done) {
        session.accepted = steady_clock::now();
        context_.log.info("call accepted", fields);
        return attach(session);
    }
    if (result.answer.status != 0) fields.push_back({"status", std::int64_t{result.answer.status}});
    if (!result.answer.error_code.empty()) fields.push_back({"error_code", result.answer.error_code});
    if (!result.answer.error_message.empty()) fields.push_back({"error", result.answer.error_message});
    if (!result.failure.empty()) fields.push_back({"error", result.failure});
    fields.push_back({"meaning", std::string(openai::meaning_of(result.outcome))});
    // An attempt without an answer may have been the one that decided: only the sideband can tell.
    if (result.perhaps_ours && context_.config.sideband) {
        context_.log.warn("call decided already, perhaps by an earlier attempt of ours whose answer was lost",
                          fields);
        return attach(session);
    }
    context_.log.error("call not accepted", fields);
    end(session, session.outcome, {});
}

void Calls::attach(Session& session) {
    const auto& config = context_.config;
    const auto& event = session.delivery.event;
    if (!config.sideband) return end(session, "accepted", "no sideband: CALLCHAIN_SIDEBAND=off");
    const auto url = openai::sideband_url(config.base_url, event.dialect, event.call_id);
    openai::SidebandSettings settings;
    settings.dialect = event.dialect;
    settings.greeting = config.greeting;
    settings.farewell = config.farewell;
    settings.max_call = config.max_call;
    SidebandCallbacks callbacks;
    callbacks.on_note = [this, &session](const SidebandNote& note) { on_note(session, note); };
    callbacks.on_finished = [this, &session](const SidebandFinish& finish) {
        end(session, finish.name, finish.detail);
    };
    callbacks.hang_up = [this, &session](std::function<void(openai::SidebandHungUp)> done) {
        hang_up(session, std::move(done));
    };
    session.sideband =
        std::make_unique<SidebandDriver>(context_.loop, std::move(settings),
                                         context_.opener(url ? *url : std::string{}), std::move(callbacks));
    session.sideband->start();
    if (draining_) session.sideband->drain();
}

void Calls::on_note(Session& session, const SidebandNote& note) {
    const auto now = steady_clock::now();
    auto fields = ids_of(session);
    fields.push_back({"at_ms", static_cast<std::int64_t>(note.at.count())});
    if (!note.detail.empty()) fields.push_back({"detail", note.detail});
    if (note.name == "attached") {
        session.attached = now;
        session.settled = true;
        if (session.accepted)
            context_.metrics.attach_seconds.observe(seconds_between(*session.accepted, now));
    } else if (note.name == "first_audio") {
        session.first_audio = now;
        context_.metrics.first_audio_seconds.observe(seconds_between(session.delivery.received, now));
    }
    const bool remarkable =
        note.name == "error_event" || note.name == "session_refused" || note.name == "retry";
    context_.log.write(remarkable ? observe::Level::warn : observe::Level::info, "sideband: " + note.name,
                       fields);
}

void Calls::hang_up(Session& session, std::function<void(openai::SidebandHungUp)> done) {
    const auto& event = session.delivery.event;
    const auto url =
        openai::call_url(context_.config.base_url, event.dialect, event.call_id, openai::CallAction::hangup);
    AcceptSettings settings;
    settings.policy = hang_up_policy();
    settings.event_age = std::chrono::seconds{1};
    session.hang_up = std::make_unique<AcceptDriver>(
        context_.loop, context_.send, call_request(url ? *url : std::string{}, context_.config.api_key, ""),
        std::move(settings), [this, &session, done = std::move(done)](const AcceptResult& result) {
            const auto name = std::string(openai::name_of(result.outcome));
            auto fields = ids_of(session);
            fields.push_back({"outcome", name});
            context_.log.info("hang-up answered", fields);
            done({result.outcome == openai::Outcome::done, name});
        });
    session.hang_up->start();
}

void Calls::end(Session& session, const std::string& reason, const std::string& detail) {
    if (session.sideband) context_.metrics.call_ends.add(reason);
    summarise(session, reason, detail);
    // Out of the callback of a driver that the session owns: it may be destroyed, and is, with the session.
    const auto key = session.delivery.key;
    sessions_.erase(key);
    context_.metrics.active_calls.set(static_cast<double>(sessions_.size()));
}

void Calls::summarise(const Session& session, const std::string& reason, const std::string& detail) {
    const auto& delivery = session.delivery;
    auto fields = ids_of(session);
    fields.push_back({"event_id", delivery.event.event_id});
    fields.push_back({"api", std::string(openai::name_of(delivery.event.dialect))});
    if (const auto from = delivery.event.header("From"))
        fields.push_back({"from", show_number(visible_excerpt(*from, 120))});
    fields.push_back({"accept", session.outcome});
    fields.push_back({"reason", reason});
    if (!detail.empty()) fields.push_back({"detail", detail});
    if (!delivery.event.media_security.empty())
        fields.push_back({"media_security", visible_excerpt(delivery.event.media_security, 40)});
    const auto since = [&](const char* name, const std::optional<SteadyTime>& time) {
        if (time)
            fields.push_back({name, static_cast<std::int64_t>(
                                        duration_cast<milliseconds>(*time - delivery.received).count())});
    };
    // All in milliseconds since the delivery was here; the first is the sender's clock against ours.
    if (delivery.event.created_at)
        fields.push_back(
            {"created_ms",
             static_cast<std::int64_t>(
                 duration_cast<milliseconds>(*delivery.event.created_at - delivery.received_at).count())});
    fields.push_back(
        {"sent_ms", static_cast<std::int64_t>(
                        duration_cast<milliseconds>(delivery.sent_at - delivery.received_at).count())});
    fields.push_back({"delivered_ms", std::int64_t{0}});
    since("verified_ms", delivery.verified);
    since("accept_sent_ms", session.sent);
    since("accepted_ms", session.accepted);
    since("attached_ms", session.attached);
    since("first_audio_ms", session.first_audio);
    since("ended_ms", steady_clock::now());
    const bool failed = session.outcome != "accepted" || is_bad_end(reason);
    if (const auto code = failed ? code_of(reason) : ""; !code.empty())
        fields.push_back({"explain", "callchain explain " + code});
    context_.log.write(failed ? observe::Level::warn : observe::Level::info, "call summary", fields);
}

bool Calls::is_settled() const {
    return waiting_.empty() && std::all_of(sessions_.begin(), sessions_.end(),
                                           [](const auto& entry) { return entry.second->settled; });
}

void Calls::drain() {
    draining_ = true;
    std::vector<SidebandDriver*> open;
    for (const auto& [key, session] : sessions_) {
        if (session->sideband) open.push_back(session->sideband.get());
    }
    for (auto* sideband : open) sideband->drain();
}

void Calls::stop() {
    while (!sessions_.empty()) {
        auto& session = *sessions_.begin()->second;
        end(session, "abandoned",
            session.outcome.empty() ? "the process stopped before the accept was answered"
                                    : "the process stopped; the call goes on");
    }
    waiting_.clear();
}

http::Response webhook_response(int status, std::string_view outcome, std::string_view detail) {
    http::Response response{status, "application/json", {}, {}};
    response.body = "{\"outcome\":" + encoding::quote_json(outcome);
    if (!detail.empty()) response.body += ",\"detail\":" + encoding::quote_json(detail);
    response.body += "}\n";
    return response;
}

}  // namespace callchain::service
