#include "simulator/openai_calls.hpp"

#include "base/callchain_id.hpp"
#include "base/text.hpp"
#include "signature/secret.hpp"
#include "signature/standard_webhooks.hpp"
#include "simulator/openai_messages.hpp"
#include "simulator/randomness.hpp"
#include "simulator/twilio_sdp.hpp"
#include "sip/response.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace callchain::simulator {
namespace {

using std::chrono::milliseconds;
using timeline::Medium;
using timeline::Party;

constexpr std::uint16_t kMediaPort = 40'000;  // no sound comes out of it
constexpr std::size_t kMediaKeyBytes = 30;

std::string hex_word(std::size_t bytes) { return encoding::to_hex(random_bytes(bytes)); }

// With the signature over the original: whoever writes it anew stands between.
http::ClientRequest webhook_request(const std::string& url, const std::string& secret, const std::string& id,
                                    const std::string& body, const OpenAiSettings& settings) {
    const auto now = std::chrono::system_clock::now() + settings.clock_skew;
    const auto timestamp =
        std::to_string(std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count());
    const auto key = signature::read_secret(secret);
    const crypto::HmacKey mac(crypto::HashAlgorithm::sha256, key ? key->bytes : std::string());
    return {.url = url,
            .headers = {{"content-type", "application/json"},
                        {"user-agent", "OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)"},
                        {"webhook-id", id},
                        {"webhook-timestamp", timestamp},
                        {"webhook-signature", signature::sign_webhook(mac, id, timestamp, body)}},
            .body = settings.body_reserialised ? compact_json(body) : body,
            .total_time = settings.webhook_time};
}

}  // namespace

OpenAiCalls::OpenAiCalls(gateway::Loop& loop, http::Client& http, OpenAiSettings settings, EventSink sink,
                         std::function<void(OpenAiCall)> on_call)
    : loop_(loop),
      http_(http),
      settings_(std::move(settings)),
      sink_(std::move(sink)),
      on_call_(std::move(on_call)),
      not_found_left_(settings_.not_found_first),
      phone_(loop, phone_settings(), phone_events()) {}

PhoneSettings OpenAiCalls::phone_settings() const {
    PhoneSettings phone;
    auto& transports = phone.stack.transports;
    transports.listeners = {{sip::Transport::tls, settings_.sip_listen}};
    transports.tls_server = gateway::TlsServerSettings{.certificate = {.path = settings_.certificate},
                                                       .key = {.path = settings_.key}};
    transports.limits.connections_per_address = 0;  // whoever calls has one address here
    phone.contact_user = "OAI";
    phone.user_agent = "OpenAI";
    return phone;
}

PhoneEvents OpenAiCalls::phone_events() {
    PhoneEvents events;
    events.on_screen = [this](const sip::Received& invite, const gateway::FlowInfo&) {
        return screen(invite);
    };
    events.on_invite = [this](CallNumber number, const sip::Received& invite, const gateway::FlowInfo&) {
        begin(number, invite);
    };
    events.on_ended = [this](CallNumber number, const sip::Received& request) {
        auto* call = find(number);
        if (call == nullptr) return;
        const bool was_up = call->told.accepted;
        end(*call, "caller", was_up ? 200 : 487, request.message.method);
    };
    events.on_hung_up = [](CallNumber, int) {};  // it is over since the BYE went out
    return events;
}

// The project is the user of the URI, and all that routes a call.
std::optional<sip::Message> OpenAiCalls::screen(const sip::Received& invite) const {
    if (split(invite.message.uri.user, ';').front() == settings_.project_id) return std::nullopt;
    return sip::make_response(invite, 404, {}, "openai");
}

void OpenAiCalls::begin(CallNumber number, const sip::Received& invite) {
    const auto call_id = "rtc_" + hex_word(12);
    auto& call = calls_[call_id];
    call.leg = number;
    call.began = std::chrono::steady_clock::now();
    call.offer = invite.message.body;
    call.headers = invite.message.headers;
    call.told.call_id = call_id;
    call.told.sip_call_id = invite.call_id;
    call.told.callchain_id = std::string(trim(invite.message.find(kCallchainIdHeader).value_or("")));
    by_leg_[number.value] = call_id;
    phone_.after(settings_.dispatch_delay, [this, call_id] { announce(call_id); });
    phone_.after(settings_.accept_time, [this, call_id] { give_up(call_id); });
}

// ---- webhooks ----

void OpenAiCalls::announce(const std::string& call_id) {
    const auto* call = find(call_id);
    // A call that has ended is announced all the same where the dispatch was late.
    const std::vector<sip::HeaderField> headers =
        call == nullptr ? std::vector<sip::HeaderField>{} : call->headers;
    const auto created = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
    const auto body = incoming_call_event("evt_" + hex_word(16), created, call_id, headers);
    for (const auto& endpoint : settings_.endpoints) {
        const auto delivery =
            std::make_shared<Delivery>(Delivery{call_id, endpoint, "wh_" + hex_word(16), body});
        deliver(delivery, true);
        for (int more = 0; more < settings_.redeliveries; ++more) deliver(delivery, false);
    }
}

void OpenAiCalls::deliver(const std::shared_ptr<Delivery>& delivery, bool repeats) {
    if (auto* call = find(delivery->call_id); call != nullptr) {
        if (!call->told.webhook_after) call->told.webhook_after = since(*call);
        if (repeats && delivery->attempt == 0) call->told.webhook_ids.push_back(delivery->webhook_id);
        const auto which = delivery->attempt == 0 ? std::string()
                                                  : "again, attempt " + std::to_string(delivery->attempt + 1);
        tell(*call, Party::openai, Medium::http, "POST /openai/webhook", which, false, delivery->webhook_id);
    }
    http_.send(webhook_request(delivery->endpoint.url, delivery->endpoint.secret, delivery->webhook_id,
                               delivery->body, settings_),
               [this, delivery, repeats](http::ClientResult result) {
                   loop_.post([this, delivery, repeats, result = std::move(result)] {
                       delivered(delivery, repeats, result);
                   });
               });
}

void OpenAiCalls::delivered(const std::shared_ptr<Delivery>& delivery, bool repeats,
                            const http::ClientResult& result) {
    const auto* response = std::get_if<http::ClientResponse>(&result);
    const int status = response == nullptr ? 0 : response->status;
    const bool taken = status >= 200 && status < 300;
    auto* call = find(delivery->call_id);
    if (call != nullptr) {
        call->told.webhook_statuses.push_back(status);
        const auto label = status == 0
                               ? std::string("no answer")
                               : std::to_string(status) + " " + std::string(http::reason_phrase(status));
        tell(*call, Party::serve, Medium::http, label, "to the webhook", !taken, delivery->webhook_id);
    }
    if (taken || !repeats || call == nullptr || delivery->attempt >= settings_.retries.size()) return;
    phone_.after(settings_.retries[delivery->attempt++], [this, delivery] {
        if (find(delivery->call_id) != nullptr) deliver(delivery, true);
    });
}

// Source: OpenAI, developer community: too late is SIP 400, whatever the reason was.
void OpenAiCalls::give_up(const std::string& call_id) {
    auto* call = find(call_id);
    if (call == nullptr || call->phase != Phase::ringing) return;
    tell(*call, Party::openai, Medium::note, "nobody accepted the call", "SIP 400", true);
    phone_.refuse(call->leg, 400);
    end(*call, "deadline", 400, "nobody accepted the call in time");
}

// ---- the API ----

void OpenAiCalls::on_api(const std::string& call_id, const std::string& verb, const std::string& body,
                         const Answer& answer) {
    auto* call = find(call_id);
    if (call == nullptr) return answer(api_error(404, "call_id_not_found", "No call found with that id."));
    tell(*call, Party::serve, Medium::http, "POST " + verb);
    const bool fails =
        settings_.fails_percent > 0 && ++answers_ % std::max(1, 100 / settings_.fails_percent) == 0;
    auto response =
        fails ? api_error(500, "server_error", "The server had an error while processing your request.")
              : act(*call, verb, body);
    // Looked up again: what was done may have ended it.
    if (call = find(call_id); call != nullptr)
        tell(*call, Party::openai, Medium::http,
             std::to_string(response.status) + " " + std::string(http::reason_phrase(response.status)),
             "to " + verb, response.status >= 300);
    answer(std::move(response));
}

http::Response OpenAiCalls::act(Call& call, const std::string& verb, const std::string& body) {
    if (verb == "accept") return accept(call, body);
    if (verb == "reject") return reject(call, body);
    if (verb == "refer") return {};
    if (verb != "hangup") return api_error(404, "unknown_url", "Unknown request URL.");
    phone_.hang_up(call.leg);
    end(call, "hangup", 200, "by the API");
    return {};
}

http::Response OpenAiCalls::accept(Call& call, const std::string& body) {
    const auto refused = [&call](http::Response response) {
        ++call.told.accept_refusals;
        return response;
    };
    if (not_found_left_ > 0) {
        --not_found_left_;
        return refused(api_error(404, "call_id_not_found", "No call found with that id."));
    }
    if (call.phase != Phase::ringing)
        return refused(api_error(409, "decision_already_made", "The call was accepted or rejected already."));
    const auto session = nlohmann::json::parse(body, nullptr, false);
    if (!session.is_object()) return refused(api_error(400, "invalid_json", "The body is no JSON object."));
    const bool is_live = session.contains("session");
    if (!is_live && session.value("type", std::string()) != "realtime")
        return refused(api_error(400, "missing_required_parameter", "Missing required parameter: 'type'."));
    ++call.told.accepts;
    call.told.accepted = true;
    call.told.accepted_after = since(call);
    begin_session(call);
    return {};
}

void OpenAiCalls::begin_session(Call& call) {
    call.phase = Phase::decided;
    call.told.final_status = 200;
    phone_.ring(call.leg);
    const auto sdp = write_answer(call.offer, {.port = kMediaPort, .key = random_bytes(kMediaKeyBytes)});
    phone_.answer(call.leg, sdp.value_or(std::string()));
    if (!settings_.dead_accepts) return attachable_.add(call.told.call_id);
    phone_.after(settings_.dead_after, [this, call_id = call.told.call_id] {
        auto* dead = find(call_id);
        if (dead == nullptr) return;
        phone_.hang_up(dead->leg);
        end(*dead, "dead", 200, "the session never began");
    });
}

http::Response OpenAiCalls::reject(Call& call, const std::string& body) {
    if (call.phase != Phase::ringing)
        return api_error(409, "decision_already_made", "The call was accepted or rejected already.");
    constexpr int kDecline = 603;
    const auto json = nlohmann::json::parse(body, nullptr, false);
    const int status = json.is_object() ? json.value("status_code", kDecline) : kDecline;
    if (status < 300 || status > 699)
        return api_error(400, "invalid_value", "status_code must be between 300 and 699.");
    phone_.refuse(call.leg, status);
    end(call, "rejected", status, "by the API");
    return {};
}

// ---- the sideband ----

void OpenAiCalls::on_attached(const std::string& call_id, http::UpgradedSocket socket) {
    auto* call = find(call_id);
    if (call == nullptr) return socket.close();
    call->told.sideband = true;
    call->socket = socket;
    socket.send(session_event("session.created", call_id));
    tell(*call, Party::openai, Medium::websocket, "session.created");
}

void OpenAiCalls::on_text(const std::string& call_id, const std::string& text) {
    auto* call = find(call_id);
    const auto message = nlohmann::json::parse(text, nullptr, false);
    if (call == nullptr || !message.is_object()) return;
    const auto type = message.value("type", std::string());
    tell(*call, Party::serve, Medium::websocket, visible_excerpt(type, 60));
    if (type == "session.update" && call->socket)
        call->socket->send(session_event("session.updated", call_id));
    if ((type == "response.create" || type == "session.instructions.append") && settings_.greets)
        speak(*call);
}

void OpenAiCalls::speak(Call& call) {
    if (!call.socket) return;
    for (auto& event : spoken_response("resp_" + std::to_string(++call.responses)))
        call.socket->send(std::move(event));
    tell(call, Party::openai, Medium::websocket, "response.done", "the model has spoken");
    if (std::exchange(call.told.greeted, true)) return;
    call.told.greeted_after = since(call);
    if (!settings_.model_hangs_up) return;
    phone_.after(*settings_.model_hangs_up, [this, call_id = call.told.call_id] {
        auto* up = find(call_id);
        if (up == nullptr) return;
        phone_.hang_up(up->leg);
        end(*up, "model", 200);
    });
}

void OpenAiCalls::on_detached(const std::string& call_id) {
    auto* call = find(call_id);
    if (call == nullptr) return;
    call->socket.reset();
    tell(*call, Party::serve, Medium::websocket, "closed");
}

// ---- the end, and what all use ----

// Source: OpenAI, developer community: the socket goes with the call, without a close frame.
void OpenAiCalls::end(Call& call, const std::string& by, int final_status, const std::string& why) {
    if (call.socket) {
        call.socket->drop();
        tell(call, Party::openai, Medium::websocket, "dropped", "the call is over");
    }
    call.told.ended = since(call);
    call.told.ended_by = by;
    call.told.final_status = final_status;
    call.told.why = why;
    attachable_.remove(call.told.call_id);
    by_leg_.erase(call.leg.value);
    const auto node = calls_.extract(call.told.call_id);
    if (on_call_) on_call_(node.mapped().told);
}

OpenAiCalls::Call* OpenAiCalls::find(const std::string& call_id) {
    const auto found = calls_.find(call_id);
    return found == calls_.end() ? nullptr : &found->second;
}

OpenAiCalls::Call* OpenAiCalls::find(CallNumber number) {
    const auto found = by_leg_.find(number.value);
    return found == by_leg_.end() ? nullptr : find(found->second);
}

milliseconds OpenAiCalls::since(const Call& call) const {
    return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - call.began);
}

void OpenAiCalls::tell(const Call& call, Party from, Medium medium, std::string label, std::string detail,
                       bool trouble, const std::string& webhook_id) {
    if (!sink_) return;
    const auto to = medium == Medium::note ? from : from == Party::serve ? Party::openai : Party::serve;
    std::vector<timeline::Id> ids{{"openai_call_id", call.told.call_id},
                                  {"call_id_openai_leg", call.told.sip_call_id}};
    if (!call.told.callchain_id.empty()) ids.emplace_back("callchain_id", call.told.callchain_id);
    if (!webhook_id.empty()) ids.emplace_back("webhook_id", webhook_id);
    sink_({.at = wall_now(),
           .from = from,
           .to = to,
           .medium = medium,
           .label = std::move(label),
           .detail = std::move(detail),
           .ids = std::move(ids),
           .trouble = trouble});
}

}  // namespace callchain::simulator
