// OpenAiCalls: the calls API and the sideband.
#include "base/text.hpp"
#include "encoding/json_text.hpp"
#include "openai/session_body.hpp"
#include "simulator/openai_calls.hpp"
#include "simulator/randomness.hpp"
#include "system/random.hpp"

#include <algorithm>
#include <utility>

namespace callchain::simulator {
namespace {

using openai::CallAction;
using timeline::Medium;
using timeline::Party;

// Source: OpenAI API reference, "Reject call": 603 where nothing is said.
constexpr int kDecline = 603;

http::Response not_found() { return api_error(404, "call_id_not_found", "No call with that id was found."); }

const char* text_member(const encoding::JsonValue& value, std::string_view name) {
    const auto* member = value.find(name);
    return member == nullptr ? "" : member->text.c_str();
}

}  // namespace

http::Response OpenAiCalls::answer(const http::Request& request) {
    const auto target = read_api_target(request.method, request.path());
    if (!target) return api_error(404, "unknown_url", "Unknown request URL.");
    auto* call = find(target->call_id);
    const std::string label = "POST " + std::string(openai::name_of(target->action));
    if (call != nullptr) tell(*call, Party::serve, Party::openai, Medium::http, label);
    // The call may be over behind it; what is told of the answer needs a copy.
    const auto before = call == nullptr ? std::nullopt : std::optional(call->told);
    auto response = act(*target, request);
    if (target->action == CallAction::accept && (call = find(target->call_id)) != nullptr)
        ++(response.status == 200 ? call->told.accepts : call->told.accept_refusals);
    if (before) {
        Call copy;
        copy.told = *before;
        const auto reason = http::reason_phrase(response.status);
        tell(copy, Party::openai, Party::serve, Medium::http,
             std::to_string(response.status) + (reason.empty() ? "" : " " + std::string(reason)), label,
             response.status >= 400);
    }
    return response;
}

http::Response OpenAiCalls::act(const ApiTarget& target, const http::Request& request) {
    if (auto refusal = gate_.refuse(request)) return *std::move(refusal);
    auto* call = find(target.call_id);
    // Also where the BYE of ours has no answer yet.
    if (call == nullptr || call->leg_over || !call->told.ended_by.empty()) return not_found();
    if (target.action == CallAction::accept) {
        if (call->not_found_left > 0) {
            --call->not_found_left;
            return not_found();
        }
        return accept(*call, target, request.body);
    }
    if (target.action == CallAction::reject) return reject(*call, request.body);
    if (!call->told.accepted) return not_found();
    if (target.action == CallAction::hangup) hang_up(*call, "hangup");
    return {};
}

http::Response OpenAiCalls::accept(Call& call, const ApiTarget& target, const std::string& body) {
    if (call.decided)
        return api_error(409, "decision_already_made", "The call was accepted or rejected already.");
    for (const auto& remark : openai::check_accept_body(target.dialect, body)) {
        if (remark.severity != openai::BodySeverity::error) continue;
        return api_error(400, "invalid_value", remark.path + ": " + remark.detail);
    }
    call.decided = true;
    call.told.accepted = true;
    call.told.accepted_after = since(call);
    answer_leg(call);
    return {};
}

void OpenAiCalls::answer_leg(Call& call) {
    auto sdp = write_openai_answer(call.offer, system::random_bytes(30));
    if (!sdp) {
        call.told.final_status = 488;
        call.told.ended_by = "rejected";
        call.told.why = "the offer has no PCMU";
        phone_.refuse(call.leg, 488);
        end_leg(call);
        // Not at once: whoever has the call here uses it yet.
        return loop_.post([this, id = call.told.call_id] {
            if (auto* over = find(id)) finish_if_over(*over);
        });
    }
    phone_.ring(call.leg);
    phone_.answer(call.leg, *std::move(sdp));
    call.told.final_status = 200;
    if (!call.conduct->dead_accepts) return;
    after(call.conduct->dead_after, call.told.call_id, [this](Call& dead) {
        dead.told.why = "the session never began";
        hang_up(dead, "dead");
    });
}

http::Response OpenAiCalls::reject(Call& call, const std::string& body) {
    if (call.decided)
        return api_error(409, "decision_already_made", "The call was accepted or rejected already.");
    int status = kDecline;
    if (!trim(body).empty()) {
        const auto value = encoding::parse_json_text(body);
        if (!value) return api_error(400, "invalid_json", "The body is no JSON.");
        if (value->find("status_code") != nullptr)
            status = static_cast<int>(std::clamp<std::int64_t>(
                parse_decimal(text_member(*value, "status_code")).value_or(0), 0, 1'000));
        if (status < 300 || status > 699)
            return api_error(400, "invalid_value", "status_code must be 300 to 699.");
    }
    call.decided = true;
    end_leg(call);
    call.told.final_status = status;
    call.told.ended_by = "rejected";
    phone_.refuse(call.leg, status);
    finish_if_over(call);
    return {};
}

void OpenAiCalls::hang_up(Call& call, const char* by) {
    if (!call.told.ended_by.empty()) return;
    call.told.ended_by = by;
    drop_sockets(call);
    phone_.hang_up(call.leg);  // on_hung_up follows
}

// ---- the sideband ----

std::optional<http::Response> OpenAiCalls::judge_upgrade(const http::Request& request) {
    const auto call_id = read_sideband_target(request.path(), request.query());
    if (!call_id) return api_error(404, "unknown_url", "Unknown request URL.");
    if (!gate_.is_authorized(request)) return wrong_key();
    const auto* call = find(*call_id);
    const bool there = call != nullptr && !call->leg_over && call->told.accepted;
    if (there && call->told.ended_by.empty() && !call->conduct->dead_accepts) return std::nullopt;
    if (call != nullptr)
        tell(*call, Party::openai, Party::serve, Medium::websocket, "404 Not Found", "call_id_not_found",
             true);
    return not_found();
}

void OpenAiCalls::on_open(const std::string& call_id, http::UpgradedSocket socket) {
    auto* call = find(call_id);
    if (call == nullptr || call->leg_over || !call->told.ended_by.empty()) return socket.drop();
    call->told.sideband = true;
    call->sockets.push_back(std::move(socket));
    send(*call, session_event("session.created", call_id, ++call->events), "session.created");
}

void OpenAiCalls::on_text(const std::string& call_id, const std::string& text) {
    auto* call = find(call_id);
    if (call == nullptr || call->leg_over) return;
    const auto message = encoding::parse_json_text(text);
    const std::string type = message ? text_member(*message, "type") : "";
    if (type == "session.update")
        return send(*call, session_event("session.updated", call_id, ++call->events));
    if (type != "response.create" && type != "session.instructions.append") return;
    tell(*call, Party::serve, Party::openai, Medium::websocket, type);
    if (call->conduct->greets) speak(*call);
}

void OpenAiCalls::speak(Call& call) {
    for (const std::string_view type :
         {"response.created", "output_audio_buffer.started", "response.output_audio_transcript.done",
          "response.done", "output_audio_buffer.stopped"})
        send(call, response_event(type, ++call.events), type == "response.done" ? type : std::string_view());
    if (std::exchange(call.told.greeted, true)) return;
    call.told.greeted_after = since(call);
    if (!call.conduct->model_hangs_up) return;
    after(*call.conduct->model_hangs_up, call.told.call_id,
          [this](Call& speaking) { hang_up(speaking, "model"); });
}

void OpenAiCalls::send(Call& call, std::string text, std::string_view label) {
    if (call.sockets.empty()) return;
    if (!label.empty()) tell(call, Party::openai, Party::serve, Medium::websocket, std::string(label));
    for (auto& socket : call.sockets) socket.send(text);
}

void OpenAiCalls::on_end(const std::string& call_id, int close_code) {
    auto* call = find(call_id);
    if (call == nullptr) return;
    tell(*call, Party::serve, Party::openai, Medium::websocket, "close",
         close_code == 0 ? "without a close frame" : "code " + std::to_string(close_code));
}

}  // namespace callchain::simulator
