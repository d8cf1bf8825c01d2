#include "simulator/twilio_switch.hpp"

#include "base/callchain_id.hpp"
#include "base/text.hpp"
#include "encoding/text_codings.hpp"
#include "simulator/twilio_sdp.hpp"
#include "sip/response.hpp"
#include "system/random.hpp"
#include "twilio/error_codes.hpp"

#include <algorithm>

namespace callchain::simulator {
namespace {

// Source: Twilio, "SIP interface": what its challenges have.
constexpr const char* kRealm = "sip.twilio.com";
constexpr int kMostRedirects = 10;
constexpr std::chrono::milliseconds kPerCharacter{15};
constexpr std::chrono::milliseconds kLongestSpeech{3'000};
constexpr std::size_t kKeyBytes = 32;
// Twilio documents none for a call that ends before it was answered.
constexpr int kHungUpUnanswered = 603;
// Nor for one whose voice URL gave no document.
constexpr int kNoDocument = 500;

std::string address_of(const sip::Uri& uri) { return "sip:" + uri.user + "@" + uri.host; }

std::vector<sip::HeaderField> error_header(const TwilioProblem& problem) {
    if (problem.code == 0) return {};
    const auto* page = twilio::find_error(problem.code);
    return {{"X-Twilio-Error", std::to_string(problem.code) + " " +
                                   (page == nullptr ? problem.why : std::string(page->title))}};
}

}  // namespace

TwilioSwitch::TwilioSwitch(gateway::Loop& loop, http::Client& http, TwilioLedger* ledger,
                           TwilioSettings settings, EventSink sink, std::function<void(TwilioCall)> on_call)
    : loop_(loop),
      http_(http),
      ledger_(ledger),
      settings_(std::move(settings)),
      account_{.account_sid = settings_.account_sid,
               .auth_token = settings_.auth_token,
               .voice_url = settings_.voice_url,
               .public_url = settings_.public_url},
      sink_(std::move(sink)),
      on_call_(std::move(on_call)),
      digest_({.realm = kRealm},
              crypto::HmacKey(crypto::HashAlgorithm::sha256, system::random_bytes(kKeyBytes))),
      phone_(loop, phone_settings(), phone_events()) {}

PhoneSettings TwilioSwitch::phone_settings() const {
    PhoneSettings phone;
    auto& transports = phone.stack.transports;
    transports.listeners = {{settings_.transport, settings_.listen}};
    if (settings_.transport == sip::Transport::tls)
        transports.tls_server = gateway::TlsServerSettings{.certificate = {.path = settings_.certificate},
                                                           .key = {.path = settings_.key}};
    transports.tls_ca_file = settings_.ca_file;
    transports.limits.connections_per_address = 0;  // whoever calls has one address here
    phone.user_agent = "Twilio Gateway";
    return phone;
}

PhoneEvents TwilioSwitch::phone_events() {
    PhoneEvents events;
    events.on_screen = [this](const sip::Received& invite, const gateway::FlowInfo&) {
        return screen(invite);
    };
    events.on_invite = [this](CallNumber number, const sip::Received& invite, const gateway::FlowInfo& flow) {
        on_invite(number, invite, flow);
    };
    events.on_ringing = [this](CallNumber number, const sip::Received&) {
        auto* call = find_dialled(number);
        if (call == nullptr || std::exchange(call->dial->rang, true)) return;
        tell_status(*call, "ringing", "ringing");
    };
    events.on_answered = [this](CallNumber number, const sip::Received&) {
        if (auto* call = find_dialled(number)) on_dial_answered(*call);
    };
    events.on_failed = [this](CallNumber number, int status, const sip::Received* response,
                              const std::string& why) {
        if (auto* call = find_dialled(number)) on_dial_failed(*call, status, response, why);
    };
    events.on_ended = [this](CallNumber number, const sip::Received& request) {
        if (auto* call = find_dialled(number)) return on_dial_hung_up(*call, &request);
        auto* call = find_leg(number);
        if (call == nullptr) return;
        legs_.erase(number);
        call->leg.reset();
        on_caller_left(*call);
    };
    events.on_hung_up = [this](CallNumber number, int status) {
        if (auto* call = find_dialled(number)) return on_dial_hung_up(*call, nullptr);
        auto* call = find_leg(number);
        if (call == nullptr) return;
        legs_.erase(number);
        call->leg.reset();
        call->told.bye_status = status;
        if (!call->caller_is_there) return finish_if_over(*call);
        // By the phone itself: no ACK came for the 200.
        call->told.ended_by = "twilio";
        note_problem(*call, {32022, "No ACK came for the 200 OK."});
        on_caller_left(*call);
    };
    events.on_trace = [this](const gateway::TracedMessage& message) { trace(message); };
    return events;
}

// ---- calls that come in ----

std::optional<sip::Message> TwilioSwitch::screen(const sip::Received& invite) {
    screened_ = {invite.call_id, {.kind = sip::DigestVerdict::Kind::accepted}};
    if (!settings_.account) return std::nullopt;
    const auto now = gateway::Loop::now();
    const auto verdict = digest_.judge(
        invite,
        [this](std::string_view username) {
            return username == settings_.account->username ? std::optional(settings_.account->password)
                                                           : std::nullopt;
        },
        now);
    using Kind = sip::DigestVerdict::Kind;
    if (verdict.kind == Kind::no_credentials || verdict.kind == Kind::stale)
        return digest_.refusal(invite, now, system::random_number(),
                               verdict.kind == Kind::stale ? sip::Stale::yes : sip::Stale::no);
    screened_.second = verdict;
    return std::nullopt;
}

TwilioSwitch::Call& TwilioSwitch::add_call() {
    auto made = std::make_unique<Call>();
    const auto place = static_cast<std::size_t>(last_key_);
    made->conduct = place < settings_.script.size() ? &settings_.script[place] : &settings_;
    made->key = ++last_key_;
    made->began = gateway::Loop::now();
    made->told.call_sid = "CA" + encoding::to_hex(system::random_bytes(16));
    made->facts.call_sid = made->told.call_sid;
    auto& call = *made;
    calls_[call.key] = std::move(made);
    return call;
}

void TwilioSwitch::on_invite(CallNumber number, const sip::Received& invite, const gateway::FlowInfo& flow) {
    auto& call = add_call();
    call.leg = number;
    legs_[number] = call.key;
    call.offer = invite.message.body;
    call.told.call_id = invite.call_id;
    by_call_id_[invite.call_id] = call.key;
    if (const auto id = invite.message.find(kCallchainIdHeader); id && is_callchain_id(*id))
        call.told.callchain_id = std::string(*id);
    call.facts.from = address_of(invite.from.uri);
    call.facts.to = address_of(invite.message.uri);
    call.facts.sip_call_id = invite.call_id;
    call.facts.sip_domain = invite.message.uri.host;
    call.facts.sip_source = flow.peer.address;
    call.facts.sip_headers = passed_headers(invite.message);
    const auto verdict = screened_.first == invite.call_id ? screened_.second : sip::DigestVerdict{};
    call.facts.sip_username = verdict.username;
    if (verdict.kind == sip::DigestVerdict::Kind::malformed) return refuse(call, 400, 0, verdict.why);
    if (verdict.kind != sip::DigestVerdict::Kind::accepted) return refuse(call, 403, 32202, verdict.why);
    if (const auto refusal = check_media(call.offer, flow.transport, call.conduct->secure_media))
        return refuse(call, 488, refusal->code, refusal->why);
    phone_.ring(number, 180, {{"X-Twilio-CallSid", call.told.call_sid}});
    fetch_voice(call);
}

void TwilioSwitch::refuse(Call& call, int status, int code, const std::string& why) {
    const TwilioProblem problem{code, why};
    call.told.refused_with = status;
    call.told.twilio_error = code;
    call.told.why = why;
    note_problem(call, problem);
    call.caller_is_there = false;
    call.told.ended_by = "twilio";
    if (const auto leg = std::exchange(call.leg, std::nullopt)) {
        legs_.erase(*leg);
        phone_.refuse(*leg, status, {}, error_header(problem));
    }
    finish_if_over(call);
}

void TwilioSwitch::place_call(std::chrono::milliseconds talk) {
    auto& call = add_call();
    call.talk = talk;
    call.facts.from = call.conduct->from;
    call.facts.to = call.conduct->to;
    note(call, "a WhatsApp call comes", {});
    fetch_voice(call);
}

// ---- documents and their steps ----

void TwilioSwitch::fetch_voice(Call& call) {
    keep(call);
    const auto url = callback_url({}, known_voice_url(account_));
    if (!url) return fail(call, {11100, "The voice URL is none."});
    fetch(call, "POST", *url, voice_fields(account_, call.facts));
}

void TwilioSwitch::fetch(Call& call, const std::string& method, const std::string& url,
                         const encoding::FormFields& fields) {
    const bool is_voice = call.told.webhook_status == 0 && call.document_url.empty();
    const auto key = call.key;
    send_webhook(call, method, url, fields, [this, key, url, is_voice](const http::ClientResult& result) {
        on_document(key, judge_webhook(result), url, is_voice);
    });
}

void TwilioSwitch::on_document(Key key, const WebhookReply& reply, const std::string& url, bool is_voice) {
    auto* call = find(key);
    if (call == nullptr) return;
    if (is_voice) call->told.webhook_status = reply.status;
    if (!call->caller_is_there) return finish_if_over(*call);
    if (reply.problem) return fail(*call, *reply.problem);
    call->document_url = url;
    call->script = read_script(reply.document);
    call->next_step = 0;
    if (call->script.failure) return fail(*call, *call->script.failure);
    for (const auto& warning : call->script.warnings) note_problem(*call, warning);
    run_next(*call);
}

void TwilioSwitch::run_next(Call& call) {
    if (!call.caller_is_there || call.dial) return;
    if (call.next_step >= call.script.steps.size()) return run(call, HangUpStep{});
    // A copy: a step may bring another script.
    const auto step = call.script.steps[call.next_step++];
    std::visit([this, &call](const auto& one) { run(call, one); }, step);
}

void TwilioSwitch::run(Call& call, const SayStep& say) {
    answer_caller(call);
    const auto length = std::min(kLongestSpeech, kPerCharacter * static_cast<int>(say.text.size()));
    note(call, "<Say>", visible_excerpt(say.text, 60));
    phone_.after(length, [this, key = call.key] {
        if (auto* again = find(key)) run_next(*again);
    });
}

void TwilioSwitch::run(Call& call, const PauseStep& pause) {
    phone_.after(pause.length, [this, key = call.key] {
        if (auto* again = find(key)) run_next(*again);
    });
}

void TwilioSwitch::run(Call& call, const RejectStep& reject) { hang_up_caller(call, reject.status); }

void TwilioSwitch::run(Call& call, const HangUpStep&) { hang_up_caller(call, kHungUpUnanswered); }

void TwilioSwitch::run(Call& call, const RedirectStep& redirect) {
    const auto url = callback_url(call.document_url, redirect.url);
    if (!url) return fail(call, {11100, "The URL of <Redirect> is none."});
    if (++call.redirects > kMostRedirects)
        return fail(call, {11215, "<Redirect> follows <Redirect>, for ever."});
    fetch(call, redirect.method, *url, voice_fields(account_, call.facts));
}

void TwilioSwitch::answer_caller(Call& call) {
    if (call.answered) return;
    call.answered = true;
    call.facts.status = "in-progress";
    keep(call);
    if (!call.leg) return;
    auto answer = write_answer(call.offer, {"127.0.0.1", next_port(), system::random_bytes(30)});
    phone_.answer(*call.leg, std::move(answer).value_or(""), {{"X-Twilio-CallSid", call.told.call_sid}});
}

void TwilioSwitch::fail(Call& call, const TwilioProblem& problem) {
    note_problem(call, problem);
    if (call.told.twilio_error == 0) {
        call.told.twilio_error = problem.code;
        call.told.why = problem.why;
    }
    const auto headers = error_header(problem);
    if (call.leg && !call.answered) {
        const auto leg = *std::exchange(call.leg, std::nullopt);
        legs_.erase(leg);
        phone_.refuse(leg, kNoDocument, {}, headers);
    }
    hang_up_caller(call, kNoDocument);
}

void TwilioSwitch::hang_up_caller(Call& call, int status) {
    if (call.told.ended_by.empty()) call.told.ended_by = "twilio";
    if (std::exchange(call.caller_is_there, false)) call.told.ended = since(call);
    if (!call.leg) return finish_if_over(call);
    const auto leg = *call.leg;
    if (!call.answered) {
        call.leg.reset();
        legs_.erase(leg);
        phone_.refuse(leg, status);
        return finish_if_over(call);
    }
    if (call.conduct->bye_on_new_connection) {
        phone_.forget_connection(leg);
        note(call, "BYE by a new connection", "as another of Twilio's proxies sends it");
    }
    phone_.hang_up(leg);
}

void TwilioSwitch::on_caller_left(Call& call) {
    if (call.told.ended_by.empty()) call.told.ended_by = "caller";
    if (std::exchange(call.caller_is_there, false)) call.told.ended = since(call);
    call.facts.status = "completed";
    if (call.dial) return end_dial(call, DialEnd::by_caller);
    finish_if_over(call);
}

void TwilioSwitch::finish_if_over(Call& call) {
    if (call.caller_is_there || call.leg || call.dial || call.webhooks != 0) return;
    if (std::exchange(call.is_over, true)) return;
    // Not here: whoever called this may still have the call in hand.
    loop_.post([this, key = call.key] {
        const auto node = calls_.extract(key);
        if (node.empty()) return;
        auto& over = *node.mapped();
        by_call_id_.erase(over.told.call_id);
        if (over.told.ended == std::chrono::milliseconds{0}) over.told.ended = since(over);
        keep(over);
        if (on_call_) on_call_(std::move(over.told));
    });
}

TwilioSwitch::Call* TwilioSwitch::find(Key key) {
    const auto found = calls_.find(key);
    return found == calls_.end() ? nullptr : found->second.get();
}
TwilioSwitch::Call* TwilioSwitch::find_leg(CallNumber number) {
    const auto found = legs_.find(number);
    return found == legs_.end() ? nullptr : find(found->second);
}
TwilioSwitch::Call* TwilioSwitch::find_dialled(CallNumber number) {
    const auto found = dialled_.find(number);
    auto* call = found == dialled_.end() ? nullptr : find(found->second);
    return call != nullptr && call->dial && call->dial->number == number ? call : nullptr;
}

// Nothing is ever sent there.
std::uint16_t TwilioSwitch::next_port() {
    constexpr std::uint16_t kFirst = 10'000;
    constexpr std::uint16_t kCount = 50'000;
    last_port_ = static_cast<std::uint16_t>((last_port_ + 2) % kCount);
    return static_cast<std::uint16_t>(kFirst + last_port_);
}

}  // namespace callchain::simulator
