// TwilioSwitch: what it keeps for the REST API.
#include "encoding/text_codings.hpp"
#include "simulator/twilio_switch.hpp"
#include "system/random.hpp"
#include "twilio/error_codes.hpp"

namespace callchain::simulator {
namespace {

constexpr int kStatusCallbackFailed = 15003;
// Twilio's errors of a webhook and of its document; above them those of a leg.
constexpr int kFirstOfLegs = 13'000;

std::chrono::sys_seconds now_in_seconds() {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

bool is_live(std::string_view status) { return status == "ringing" || status == "in-progress"; }

std::string sid_of_call(const encoding::FormFields& fields) {
    for (const auto& [name, value] : fields)
        if (name == "CallSid") return value;
    return {};
}

}  // namespace

// A call that the SIP Domain refused has no sid that anybody knows.
void TwilioSwitch::keep(const Call& call) const {
    if (ledger_ == nullptr || call.told.refused_with != 0) return;
    const auto now = now_in_seconds();
    KeptCall kept{.sid = call.told.call_sid,
                  .from = call.facts.from,
                  .to = call.facts.to,
                  .status = call.facts.status,
                  .created = now};
    if (call.is_over) {
        const bool has_failed = !call.answered && call.told.twilio_error != 0;
        const bool has_left = !call.answered && call.told.ended_by == "caller";
        kept.status = call.answered ? "completed" : has_failed ? "failed" : has_left ? "no-answer" : "busy";
        kept.ended = now;
        kept.duration = std::chrono::ceil<std::chrono::seconds>(call.answered ? call.told.ended
                                                                              : std::chrono::milliseconds(0));
    }
    ledger_->set(std::move(kept));
}

void TwilioSwitch::keep_leg(const Call& call, std::string_view status) const {
    if (ledger_ == nullptr || !call.dial || call.dial->leg.call_sid.empty()) return;
    const auto& dial = *call.dial;
    const auto now = now_in_seconds();
    KeptCall kept{.sid = dial.leg.call_sid,
                  .parent_sid = call.told.call_sid,
                  .from = dial.leg.from,
                  .to = dial.leg.to,
                  .status = std::string(status),
                  .created = now};
    if (!is_live(status)) {
        kept.ended = now;
        const auto talked = dial.answered ? gateway::Loop::now() - *dial.answered : std::chrono::seconds(0);
        kept.duration = std::chrono::ceil<std::chrono::seconds>(talked);
    }
    ledger_->set(std::move(kept));
}

// Of a status callback the call is the leg that it tells of.
void TwilioSwitch::keep_exchange(const Call& call, const http::ClientRequest& request,
                                 const encoding::FormFields& fields, const http::ClientResult& result,
                                 sip::SteadyTime sent) const {
    if (ledger_ == nullptr) return;
    const auto named = sid_of_call(fields);
    KeptExchange kept{
        .call_sid = named.empty() ? call.told.call_sid : named,
        .method = request.method,
        .url = request.url,
        .parameters = fields,
        .duration = std::chrono::duration_cast<std::chrono::milliseconds>(gateway::Loop::now() - sent),
        .at = now_in_seconds()};
    if (const auto* answer = std::get_if<http::ClientResponse>(&result)) {
        kept.status = answer->status;
        kept.content_type = std::string(answer->headers.find("Content-Type").value_or(""));
        kept.response_body = answer->body;
        encoding::FormFields headers;
        for (const auto& header : answer->headers.fields) headers.emplace_back(header.name, header.value);
        kept.response_headers = encoding::write_form(headers);
    }
    ledger_->add(std::move(kept));
}

void TwilioSwitch::keep_problem(const Call& call, const TwilioProblem& problem) const {
    if (ledger_ == nullptr || problem.code == 0) return;
    const bool is_refused = call.told.refused_with != 0;
    const auto family = problem.code == kStatusCallbackFailed ? TwilioLedger::Family::with_children
                                                              : TwilioLedger::Family::alone;
    const auto* exchange = is_refused ? nullptr : ledger_->last_exchange_of(call.told.call_sid, family);
    const auto* page = twilio::find_error(problem.code);
    const auto level =
        page == nullptr || page->level == twilio::Level::unknown ? twilio::Level::error : page->level;
    const bool is_of_leg = problem.code >= kFirstOfLegs && problem.code != kStatusCallbackFailed;
    const int sip_status = is_refused ? call.told.refused_with : is_of_leg ? call.told.dial_sip_status : 0;
    KeptNotice kept{.sid = "NO" + encoding::to_hex(system::random_bytes(16)),
                    .call_sid = is_refused ? std::string() : call.told.call_sid,
                    .code = problem.code,
                    .level = level,
                    .text = write_notice_text(problem.code, level, message_of(problem),
                                              is_of_leg ? nullptr : exchange, sip_status),
                    .at = now_in_seconds()};
    if (exchange != nullptr) kept.exchange = *exchange;
    ledger_->add(std::move(kept));
}

}  // namespace callchain::simulator
