// TwilioSwitch: the leg that <Dial><Sip> makes.
#include "base/callchain_id.hpp"
#include "base/text.hpp"
#include "encoding/text_codings.hpp"
#include "simulator/twilio_sdp.hpp"
#include "simulator/twilio_switch.hpp"
#include "system/random.hpp"

#include <algorithm>

namespace callchain::simulator {
namespace {

// Twilio adds about so much to the timeout of <Dial>.
constexpr std::chrono::seconds kTimeoutMargin{5};
constexpr std::string_view kDomains = ".sip.twilio.com";

std::chrono::seconds rounded_up(std::chrono::steady_clock::duration duration) {
    return std::chrono::ceil<std::chrono::seconds>(duration);
}

}  // namespace

void TwilioSwitch::run(Call& call, const DialStep& step) {
    call.dial.emplace();
    call.dial->step = step;
    auto problem = step.fault;
    if (!problem) problem = check_caller_id(step, call.facts.from);
    if (problem) {
        call.dial->leg.problem = problem;
        return dial_over(call);
    }
    if (!step.answer_on_bridge) answer_caller(call);
    dial_noun(call);
}

std::optional<TwilioProblem> TwilioSwitch::check_noun(const Call& call, const Dial& dial) const {
    const auto& uri = dial.sip().uri;
    const auto host = ascii_lower(uri.host);
    if (host.ends_with(kDomains) ||
        (!call.facts.sip_domain.empty() && host == ascii_lower(call.facts.sip_domain)))
        return TwilioProblem{
            13255, "The SIP URI leads to a SIP Domain of Twilio's: " + visible_excerpt(host, 60) + "."};
    if (settings_.openai.port == 0)
        return TwilioProblem{13254,
                             "The host of the SIP URI is not known: " + visible_excerpt(host, 60) + "."};
    if (!equal_ignoring_case(uri.parameters.find("transport").value_or("udp"), "tls"))
        return TwilioProblem{
            32011, "Nobody answered: the SIP URI has no ;transport=tls, and OpenAI takes TLS alone."};
    return std::nullopt;
}

OutgoingCall TwilioSwitch::invite_of(const Call& call, const Dial& dial) const {
    const auto& sip = dial.sip();
    OutgoingCall out;
    out.target = sip.uri;
    out.from.uri = {
        .scheme = "sip", .user = shown_caller_id(dial.step, call.facts.from), .host = "sip.twilio.com"};
    out.call_id = dial.leg.call_id;
    out.headers = {{"X-Twilio-AccountSid", settings_.account_sid},
                   {"X-Twilio-ApiVersion", "2010-04-01"},
                   {"X-Twilio-CallSid", call.told.call_sid}};
    out.headers.insert(out.headers.end(), sip.headers.begin(), sip.headers.end());
    out.destination = {.host = settings_.openai.address,
                       .numeric = true,
                       .port = settings_.openai.port,
                       .transport = sip::Transport::tls};
    if (!sip.username.empty()) out.account = sip::DigestAccount{sip.username, sip.password};
    return out;
}

void TwilioSwitch::dial_noun(Call& call) {
    auto& dial = *call.dial;
    const auto& sip = dial.sip();
    dial.serial = ++last_dial_;
    dial.number.reset();
    dial.rang = false;
    dial.sequence = 0;
    auto& leg = dial.leg;
    leg = {.call_sid = "CA" + encoding::to_hex(system::random_bytes(16)),
           .from = shown_caller_id(dial.step, call.facts.from),
           .to = sip::write_uri(sip.uri),
           .call_id = encoding::to_hex(system::random_bytes(16)) + "@0.0.0.0"};
    for (const auto& header : sip.headers)
        if (equal_ignoring_case(header.name, kCallchainIdHeader) && is_callchain_id(header.value))
            call.told.callchain_id = header.value;
    if (const auto problem = check_noun(call, dial)) {
        leg.call_id.clear();
        if (problem->code == 32011)
            leg.sip_status = 503;
        else
            leg.call_sid.clear();
        leg.problem = problem;
        return dial_over(call);
    }
    auto out = invite_of(call, dial);
    out.sdp = write_offer({"127.0.0.1", next_port(), system::random_bytes(30)},
                          sip.secure ? MediaSecurity::srtp : MediaSecurity::none);
    call.told.dial_call_id = leg.call_id;
    by_call_id_[leg.call_id] = call.key;
    const auto number = phone_.call(std::move(out));
    if (!number) {
        leg.problem = TwilioProblem{13243, "The INVITE cannot be written: " + number.error().message + "."};
        by_call_id_.erase(std::exchange(leg.call_id, {}));
        return dial_over(call);
    }
    dial.number = *number;
    dialled_[*number] = call.key;
    keep_leg(call, "ringing");
    tell_status(call, "initiated", "initiated");
    const auto limit =
        std::min<std::chrono::milliseconds>(dial.step.timeout + kTimeoutMargin, call.conduct->dial_timeout);
    phone_.after(limit, [this, key = call.key, serial = dial.serial] {
        auto* again = find(key);
        if (again != nullptr && again->dial && again->dial->serial == serial && !again->dial->answered)
            end_dial(*again, DialEnd::timed_out);
    });
}

void TwilioSwitch::on_dial_answered(Call& call) {
    auto& dial = *call.dial;
    if (dial.end != DialEnd::by_itself) return phone_.hang_up(*dial.number);
    dial.answered = gateway::Loop::now();
    dial.leg.sip_status = 200;
    keep_leg(call, "in-progress");
    tell_status(call, "answered", "in-progress");
    answer_caller(call);
    dial.leg.bridged = true;
    call.told.bridged = true;
    if (!call.told.bridged_after) call.told.bridged_after = since(call);
    note(call, "bridged", "the caller hears the far end");
    const auto key = call.key;
    const auto serial = dial.serial;
    if (dial.step.time_limit) {
        phone_.after(*dial.step.time_limit, [this, key, serial] {
            auto* again = find(key);
            if (again != nullptr && again->dial && again->dial->serial == serial)
                end_dial(*again, DialEnd::timed_out);
        });
    }
    if (!call.talk) return;
    phone_.after(*call.talk, [this, key, serial] {
        auto* again = find(key);
        if (again == nullptr || !again->caller_is_there || !again->dial || again->dial->serial != serial)
            return;
        note(*again, "the WhatsApp user hangs up", {});
        on_caller_left(*again);
    });
}

void TwilioSwitch::end_dial(Call& call, DialEnd how) {
    auto& dial = *call.dial;
    dial.end = how;
    if (dial.number)
        phone_.hang_up(*dial.number);
    else
        dial_over(call);
}

void TwilioSwitch::on_dial_failed(Call& call, int status, const sip::Received* response,
                                  const std::string& why) {
    auto& dial = *call.dial;
    auto& leg = dial.leg;
    leg.sip_status = status;
    if (response != nullptr) leg.sip_headers = passed_headers(response->message);
    dialled_.erase(*dial.number);
    dial.number.reset();
    const auto outcome = status_of(dial);
    if (outcome == "failed") {
        // Source: Twilio, error dictionary, 32011 and 13224, of which the second is what a refusal by OpenAI
        // has been filed under.
        const bool answered = response != nullptr;
        leg.problem = {
            answered && status == 400 ? 13224 : 32011,
            answered ? "The far end answered " + std::to_string(status) + " " + visible_excerpt(why, 60) + "."
                     : "Nobody answered: " + why + "."};
    }
    if (dial.end == DialEnd::by_itself && call.caller_is_there && dial.noun + 1 < dial.step.sips.size()) {
        keep_leg(call, outcome);
        if (leg.problem) note_problem(call, *leg.problem);
        tell_status(call, "completed", outcome);
        by_call_id_.erase(leg.call_id);
        ++dial.noun;
        return dial_noun(call);
    }
    dial_over(call);
}

void TwilioSwitch::on_dial_hung_up(Call& call, const sip::Received* bye) {
    auto& dial = *call.dial;
    dialled_.erase(*dial.number);
    dial.number.reset();
    if (bye != nullptr) {
        if (call.told.ended_by.empty()) call.told.ended_by = "openai";
        dial.leg.sip_headers = passed_headers(bye->message);
    }
    dial_over(call);
}

std::string TwilioSwitch::status_of(const Dial& dial) {
    if (dial.answered) return "completed";
    if (dial.end == DialEnd::timed_out) return "no-answer";
    if (dial.end == DialEnd::by_caller) return "canceled";
    const int status = dial.leg.sip_status;
    return status == 486 || status == 600 || status == 603 ? "busy" : "failed";
}

void TwilioSwitch::dial_over(Call& call) {
    const auto outcome = status_of(*call.dial);
    keep_leg(call, outcome);
    auto dial = *std::exchange(call.dial, std::nullopt);
    auto& leg = dial.leg;
    leg.status = outcome;
    if (dial.answered) leg.duration = rounded_up(gateway::Loop::now() - *dial.answered);
    if (!dial.answered && !leg.call_sid.empty()) leg.duration = std::chrono::seconds(0);
    auto& told = call.told;
    told.dial_status = leg.status;
    told.dial_sip_status = leg.sip_status;
    if (leg.problem) {
        if (told.twilio_error == 0) {
            told.twilio_error = leg.problem->code;
            told.why = leg.problem->why;
        }
        note_problem(call, *leg.problem);
    }
    call.dial.emplace(std::move(dial));  // for the status callback, which tells of it
    if (!call.dial->leg.call_id.empty()) tell_status(call, "completed", call.dial->leg.status);
    const auto over = *std::exchange(call.dial, std::nullopt);
    by_call_id_.erase(over.leg.call_id);
    note(call, "dial " + over.leg.status,
         over.leg.sip_status == 0 ? "no INVITE left" : "SIP " + std::to_string(over.leg.sip_status));
    if (over.step.action.empty()) {
        if (call.caller_is_there) return run_next(call);
        return finish_if_over(call);
    }
    const auto url = callback_url(call.document_url, over.step.action);
    if (!url) return fail(call, {11100, "The action of <Dial> is no URL."});
    fetch(call, over.step.method, *url, action_fields(account_, call.facts, over.leg));
}

void TwilioSwitch::tell_status(Call& call, std::string_view event, const std::string& status) {
    auto& dial = *call.dial;
    const auto& sip = dial.sip();
    const auto& wanted = sip.status_callback_events;
    if (sip.status_callback.empty() || std::find(wanted.begin(), wanted.end(), event) == wanted.end()) return;
    const auto url = callback_url(call.document_url, sip.status_callback);
    if (!url) return note_problem(call, {11100, "The statusCallback of <Sip> is no URL."});
    auto leg = dial.leg;
    leg.status = status;
    if (event != "completed") {
        leg.sip_status = 0;
        leg.duration.reset();
    }
    const auto fields =
        status_fields(account_, call.facts, leg, dial.sequence++,
                      std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
    const auto key = call.key;
    send_webhook(
        call, sip.status_callback_method, *url, fields, [this, key](const http::ClientResult& result) {
            auto* again = find(key);
            if (again == nullptr) return;
            const auto* answer = std::get_if<http::ClientResponse>(&result);
            if (answer == nullptr || answer->status >= 400)
                note_problem(*again, {15003, answer == nullptr ? "A status callback got no answer."
                                                               : "A status callback was answered " +
                                                                     std::to_string(answer->status) + "."});
            finish_if_over(*again);
        });
}

}  // namespace callchain::simulator
