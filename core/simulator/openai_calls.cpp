// OpenAiCalls: the SIP leg and the webhooks.
#include "simulator/openai_calls.hpp"

#include "base/callchain_id.hpp"
#include "http/url.hpp"
#include "simulator/randomness.hpp"
#include "sip/response.hpp"
#include "system/random.hpp"

#include <utility>

namespace callchain::simulator {
namespace {

using std::chrono::milliseconds;
using timeline::Medium;
using timeline::Party;

std::string random_hex() { return encoding::to_hex(system::random_bytes(16)); }

std::string path_of(const std::string& url) {
    const auto parts = http::read_url(url);
    return parts ? parts->target.substr(0, parts->target.find('?')) : std::string("?");
}

std::string status_line(int status) {
    const auto reason = http::reason_phrase(status);
    return std::to_string(status) + (reason.empty() ? "" : " " + std::string(reason));
}

}  // namespace

OpenAiCalls::OpenAiCalls(gateway::Loop& loop, http::Client& http, OpenAiEndpoints& endpoints, ApiGate& gate,
                         OpenAiSettings settings, EventSink sink, std::function<void(OpenAiCall)> on_call)
    : loop_(loop),
      http_(http),
      endpoints_(endpoints),
      gate_(gate),
      settings_(std::move(settings)),
      sink_(std::move(sink)),
      on_call_(std::move(on_call)),
      phone_(loop, phone_settings(), phone_events()) {}

PhoneSettings OpenAiCalls::phone_settings() const {
    PhoneSettings phone;
    auto& transports = phone.stack.transports;
    transports.listeners = {{sip::Transport::tls, settings_.sip_listen}};
    transports.tls_server = gateway::TlsServerSettings{.certificate = {.path = settings_.certificate},
                                                       .key = {.path = settings_.key}};
    phone.contact_user = "OAI";
    phone.user_agent = "OAI";
    return phone;
}

PhoneEvents OpenAiCalls::phone_events() {
    PhoneEvents events;
    events.on_screen = [this](const sip::Received& invite,
                              const gateway::FlowInfo&) -> std::optional<sip::Message> {
        if (invite.message.uri.user == settings_.project_id) return std::nullopt;
        return sip::make_response(invite, 404, {}, random_word());
    };
    events.on_invite = [this](CallNumber number, const sip::Received& invite, const gateway::FlowInfo&) {
        on_invite(number, invite);
    };
    events.on_ended = [this](CallNumber number, const sip::Received&) { on_leg_over(number, "caller"); };
    events.on_hung_up = [this](CallNumber number, int) {
        // Only for want of an ACK does the phone hang up by itself.
        if (auto* call = find(number); call != nullptr && call->told.ended_by.empty())
            call->told.why = "the caller's side did not acknowledge the answer";
        on_leg_over(number, "hangup");
    };
    return events;
}

void OpenAiCalls::on_invite(CallNumber number, const sip::Received& invite) {
    const auto id = "rtc_u1_" + random_hex();
    auto& call = *calls_.emplace(id, std::make_unique<Call>()).first->second;
    legs_[number] = id;
    call.told.call_id = id;
    call.told.sip_call_id = invite.call_id;
    if (const auto own = invite.message.find(kCallchainIdHeader); own && is_callchain_id(*own))
        call.told.callchain_id = *own;
    call.leg = number;
    call.began = gateway::Loop::now();
    call.offer = invite.message.body;
    const auto& conduct = announced_ < settings_.script.size() ? settings_.script[announced_] : settings_;
    ++announced_;
    call.conduct = &conduct;
    call.not_found_left = conduct.not_found_first;
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    call.event = write_incoming_event("evt_" + random_hex(), id, invite.message, now);
    after(conduct.accept_time, id, [this, id](Call&) { on_deadline(id); });
    if (conduct.dispatch_delay.count() == 0) return dispatch(id);
    phone_.after(conduct.dispatch_delay, [this, id] { dispatch(id); });
}

// The caller has left, or our BYE has its answer.
void OpenAiCalls::on_leg_over(CallNumber number, const char* by) {
    auto* call = find(number);
    if (call == nullptr) return;
    if (call->told.ended_by.empty()) call->told.ended_by = by;
    if (call->told.final_status == 0) call->told.final_status = 487;
    drop_sockets(*call);
    end_leg(*call);
    finish_if_over(*call);
}

// ---- webhooks ----

// A call that is over is announced all the same where the dispatch was late; nobody can accept it.
void OpenAiCalls::dispatch(const std::string& call_id) {
    auto* call = find(call_id);
    if (call == nullptr) return;
    call->told.webhook_after = since(*call);
    std::chrono::milliseconds delay{0};
    for (const auto& endpoint : endpoints_.subscribed_to("realtime.call.incoming")) {
        const Post one{endpoint, "wh_" + random_hex()};
        call->told.webhook_ids.push_back(one.webhook_id);
        ++call->posts;
        if (delay.count() == 0)
            deliver(call_id, one);
        else
            phone_.after(delay, [this, call_id, one] { deliver(call_id, one); });
        delay += call->conduct->between_endpoints;
    }
    --call->posts;
    finish_if_over(*call);
}

// With its redeliveries; until then it has counted as one that is under way.
void OpenAiCalls::deliver(const std::string& call_id, Post one) {
    auto* call = find(call_id);
    if (call == nullptr) return;
    post(*call, one);
    one.counts = false;
    for (int i = 0; i < call->conduct->redeliveries; ++i) post(*call, one);
    --call->posts;
    finish_if_over(*call);
}

void OpenAiCalls::post(Call& call, const Post& one) {
    ++call.posts;
    const auto now = std::chrono::system_clock::now() + call.conduct->clock_skew;
    Delivery delivery{.url = one.endpoint->target,
                      .webhook_id = one.webhook_id,
                      .body = call.conduct->body_reserialised ? without_blanks(call.event) : call.event,
                      .signed_body = call.event,
                      .timestamp = std::chrono::floor<std::chrono::seconds>(now),
                      .time = call.conduct->webhook_time};
    tell(call, Party::openai, Party::serve, Medium::http, "POST " + path_of(one.endpoint->target),
         one.counts ? "attempt " + std::to_string(one.attempt + 1) : "redelivered", false, one.webhook_id);
    // With the secret of now, which may be another one than that of the attempt before. The answer comes on
    // the client's thread.
    const auto keys =
        one.endpoint->keys(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
    http_.send(
        make_delivery(delivery, keys), [this, call_id = call.told.call_id, one](http::ClientResult result) {
            loop_.post([this, call_id, one, result = std::move(result)] { on_posted(call_id, one, result); });
        });
}

void OpenAiCalls::on_posted(const std::string& call_id, const Post& one, const http::ClientResult& result) {
    auto* call = find(call_id);
    if (call == nullptr) return;
    --call->posts;
    const auto* response = std::get_if<http::ClientResponse>(&result);
    const int status = response == nullptr ? 0 : response->status;
    const bool taken = status >= 200 && status < 300;
    call->told.webhook_statuses.push_back(status);
    const auto detail = one.counts ? "attempt " + std::to_string(one.attempt + 1) : "redelivered";
    if (response != nullptr)
        tell(*call, Party::serve, Party::openai, Medium::http, status_line(status), detail, !taken,
             one.webhook_id);
    else
        tell(*call, Party::openai, Party::openai, Medium::note, "no answer to the webhook",
             detail + ": " + std::get<http::ClientFailure>(result).message, true, one.webhook_id);
    if (!taken && one.counts && one.attempt < call->conduct->retries.size() && !call->leg_over) {
        auto next = one;
        ++next.attempt;
        after(call->conduct->retries[one.attempt], call_id, [this, next](Call& again) {
            if (!again.leg_over) post(again, next);
        });
    }
    finish_if_over(*call);
}

void OpenAiCalls::on_deadline(const std::string& call_id) {
    auto* call = find(call_id);
    if (call == nullptr || call->decided || call->leg_over) return;
    call->decided = true;
    end_leg(*call);
    call->told.final_status = 400;
    call->told.ended_by = "deadline";
    call->told.why = "not accepted in time";
    tell(*call, Party::openai, Party::openai, Medium::note, "not accepted in time",
         "no accept within " + std::to_string(call->conduct->accept_time.count()) + " ms", true);
    phone_.refuse(call->leg, 400);
    finish_if_over(*call);
}

// ---- all of them ----

void OpenAiCalls::drop_sockets(Call& call) {
    for (auto& socket : std::exchange(call.sockets, {})) socket.drop();
}

void OpenAiCalls::end_leg(Call& call) {
    if (std::exchange(call.leg_over, true)) return;
    call.told.ended = since(call);
}

void OpenAiCalls::finish_if_over(Call& call) {
    if (!call.leg_over || call.posts > 0) return;
    legs_.erase(call.leg);
    const auto node = calls_.extract(call.told.call_id);
    if (on_call_) on_call_(std::move(node.mapped()->told));
}

OpenAiCalls::Call* OpenAiCalls::find(const std::string& call_id) {
    const auto found = calls_.find(call_id);
    return found == calls_.end() ? nullptr : found->second.get();
}
OpenAiCalls::Call* OpenAiCalls::find(CallNumber number) {
    const auto found = legs_.find(number);
    return found == legs_.end() ? nullptr : find(found->second);
}

void OpenAiCalls::after(milliseconds delay, const std::string& call_id, std::function<void(Call&)> work) {
    phone_.after(delay, [this, call_id, work = std::move(work)] {
        if (auto* call = find(call_id); call != nullptr && !call->leg_over) work(*call);
    });
}

void OpenAiCalls::tell(const Call& call, Party from, Party to, Medium medium, std::string label,
                       std::string detail, bool trouble, const std::string& webhook_id) const {
    if (!sink_) return;
    timeline::Event event{wall_now(), from, to, medium, std::move(label), std::move(detail), {}, trouble};
    event.ids = {{"openai_call_id", call.told.call_id}, {"call_id_openai_leg", call.told.sip_call_id}};
    if (!call.told.callchain_id.empty()) event.ids.emplace_back("callchain_id", call.told.callchain_id);
    if (!webhook_id.empty()) event.ids.emplace_back("webhook_id", webhook_id);
    sink_(std::move(event));
}

milliseconds OpenAiCalls::since(const Call& call) {
    return std::chrono::duration_cast<milliseconds>(gateway::Loop::now() - call.began);
}

}  // namespace callchain::simulator
