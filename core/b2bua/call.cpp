#include "b2bua/call.hpp"

#include "b2bua/call_step.hpp"
#include "b2bua/crossing.hpp"
#include "base/text.hpp"
#include "sip/response.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

namespace callchain::b2bua {
namespace {

// 128 bits: never the same twice, and not to be guessed, since a BYE is taken from whoever knows it.
std::string random_token(const Moment& moment) {
    std::array<char, 33> text{};
    std::snprintf(text.data(), text.size(), "%016llx%016llx",
                  static_cast<unsigned long long>(moment.fresh_bits()),
                  static_cast<unsigned long long>(moment.fresh_bits()));
    return text.data();
}

// Of an INVITE that was sent: its dialogs and its ACK are made of no more, and it is kept as long as the
// call.
sip::Message what_dialogs_need(const sip::Message& invite) {
    sip::Message kept;
    kept.method = invite.method;
    kept.uri = invite.uri;
    constexpr std::size_t kUsual = 5;
    kept.headers.reserve(kUsual);
    for (const auto& field : invite.headers)
        for (const std::string_view name :
             {"From", "To", "Call-ID", "CSeq", "Authorization", "Proxy-Authorization"})
            if (equal_ignoring_case(field.name, name)) kept.headers.push_back(field);
    return kept;
}

}  // namespace

// The shell

Call::Call(const CallSettings& settings, sip::DigestClient& digest, std::string id, sip::Received invite,
           sip::TransactionId transaction, const Moment& moment)
    : state_(std::make_unique<State>(settings, digest)) {
    auto& s = *state_;
    s.began = moment.now;
    s.invite_transaction = transaction;
    s.invite_cseq = invite.cseq.number;
    s.a.local_tag = random_token(moment);
    s.b.local_tag = random_token(moment);
    auto& record = s.record;
    record.id = std::move(id);
    record.direction = settings.direction;
    record.call_id_a = invite.call_id;
    record.call_id_b = random_token(moment);
    record.wacid = wacid_of(invite);
    record.caller = invite.from.uri.user;
    record.called = std::string(split(invite.message.uri.user, ';').front());
    record.began = moment.wall;
    s.invite = std::make_unique<sip::Received>(std::move(invite));
}

Call::~Call() = default;

CallActions Call::start(const Moment& moment) {
    CallStep step(*state_, moment);
    step.start();
    return step.finish();
}

CallActions Call::on_request(Leg leg, const sip::Received& request, sip::TransactionId transaction,
                             const Moment& moment) {
    CallStep step(*state_, moment);
    step.on_request(leg, request, transaction);
    return step.finish();
}

CallActions Call::on_ack(Leg leg, const sip::Received& ack, const Moment& moment) {
    CallStep step(*state_, moment);
    step.on_ack(leg, ack);
    return step.finish();
}

CallActions Call::on_cancel(Leg leg, const sip::Received& cancel, sip::TransactionId transaction,
                            sip::TransactionId cancelled, const Moment& moment) {
    CallStep step(*state_, moment);
    step.on_cancel(leg, cancel, transaction, cancelled);
    return step.finish();
}

CallActions Call::on_response(RequestNumber number, const sip::Received& response, const Moment& moment) {
    CallStep step(*state_, moment);
    step.on_response(number, response);
    return step.finish();
}

CallActions Call::on_failure(RequestNumber number, RequestFault fault, const std::string& why,
                             const Moment& moment) {
    CallStep step(*state_, moment);
    step.on_failure(number, fault, why);
    return step.finish();
}

CallActions Call::on_late_answer(const sip::Received& response, const Moment& moment) {
    CallStep step(*state_, moment);
    if (response.cseq.method == "INVITE" && response.message.status / 100 == 2 && state_->dialogs_b) {
        // Another address was tried meanwhile: it must not ring on for a call that is up elsewhere.
        step.cancel_pending();
        step.on_invite_success(response);
    }
    return step.finish();
}

CallActions Call::on_not_acknowledged(sip::TransactionId, const Moment& moment) {
    CallStep step(*state_, moment);
    step.remark(Remark::Level::info, "a final answer was never acknowledged");
    return step.finish();
}

CallActions Call::on_timer(CallTimer timer, const Moment& moment) {
    CallStep step(*state_, moment);
    step.on_timer(timer);
    return step.finish();
}

CallActions Call::hang_up(CallEnd why, const Moment& moment) {
    CallStep step(*state_, moment);
    step.hang_up(why);
    return step.finish();
}

CallState Call::state() const {
    if (state_->over) return CallState::over;
    if (state_->record.end != CallEnd::none) return CallState::ending;
    if (!state_->answered) return CallState::dialling;
    const auto& waiting = state_->a.unacknowledged;
    return waiting && waiting->cseq == state_->invite_cseq ? CallState::answered : CallState::up;
}

const std::string& Call::id() const { return state_->record.id; }
const std::string& Call::local_tag(Leg leg) const { return state_->leg(leg).local_tag; }
const std::string& Call::call_id(Leg leg) const {
    return leg == Leg::a ? state_->record.call_id_a : state_->record.call_id_b;
}

bool Call::is_of_call(Leg leg, const sip::Received& message) const {
    const auto id = message.message.is_request() ? sip::dialog_of_request(message)
                                                 : std::optional(sip::dialog_of_response(message));
    if (!id) return false;
    auto& s = *state_;
    if (leg == Leg::a) return s.dialog_a && s.dialog_a->id() == *id;
    if (!s.dialogs_b) return false;
    const auto& dialogs = s.dialogs_b->dialogs();
    if (s.answered) return s.call_b < dialogs.size() && dialogs[s.call_b].id() == *id;
    // A challenge or a refusal begins no dialog, and is the answer to a request of ours all the same.
    if (!message.message.is_request()) return true;
    return std::any_of(dialogs.begin(), dialogs.end(), [&id](const auto& one) { return one.id() == *id; });
}

const CallRecord& Call::record() const { return state_->record; }

// What every step uses

std::chrono::milliseconds CallStep::since_start() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(moment_.now - s_.began);
}

sip::Dialog* CallStep::dialog_of(Leg leg, std::size_t index) {
    if (leg == Leg::a) return s_.dialog_a ? &*s_.dialog_a : nullptr;
    if (!s_.dialogs_b || index >= s_.dialogs_b->dialogs().size()) return nullptr;
    return &s_.dialogs_b->dialogs()[index];
}

sip::Dialog* CallStep::dialog_of(Leg leg, const sip::Received& request) {
    const auto id = sip::dialog_of_request(request);
    if (!id) return nullptr;
    if (leg == Leg::a) return s_.dialog_a && s_.dialog_a->id() == *id ? &*s_.dialog_a : nullptr;
    if (!s_.dialogs_b) return nullptr;
    for (auto& dialog : s_.dialogs_b->dialogs())
        if (dialog.id() == *id) return &dialog;
    return nullptr;
}

void CallStep::respond(Leg leg, sip::TransactionId transaction, sip::Message response) {
    actions_.emplace_back(Respond{leg, transaction, std::move(response)});
}

void CallStep::refuse_a(int status, std::string_view reason, const std::vector<sip::HeaderField>& headers) {
    if (s_.final_sent || !s_.invite) return;
    auto response = sip::make_response(*s_.invite, status, reason, s_.a.local_tag);
    response.add("Server", s_.settings.user_agent);
    response.headers.insert(response.headers.end(), headers.begin(), headers.end());
    if (status == 415) response.add("Accept", "application/sdp");
    respond(Leg::a, s_.invite_transaction, std::move(response));
    s_.final_sent = true;
    s_.record.final_status = status;
    s_.invite.reset();
    if (s_.dialog_a) s_.dialog_a->terminate();
}

void CallStep::refuse_media(const MediaRefusal& refusal) {
    s_.record.code = refusal.code;
    s_.record.remedy = refusal.remedy;
    std::vector<sip::HeaderField> headers;
    if (!refusal.warning.empty()) headers.push_back({"Warning", refusal.warning});
    refuse_a(refusal.status, {}, headers);
}

void CallStep::end(CallEnd why, std::string text) {
    if (s_.record.end != CallEnd::none) return;
    s_.record.end = why;
    s_.record.ended = since_start();
    if (s_.record.why.empty()) s_.record.why = std::move(text);
    for (const auto timer : {CallTimer::ring, CallTimer::length, CallTimer::keep_alive}) stop_timer(timer);
    std::erase_if(s_.pending, [](const Pending& one) { return one.kind == Pending::Kind::options; });
    // Whatever happens from here on, this is the last that is waited for.
    set_timer(CallTimer::forget, 128 * s_.settings.timers.t1);
}

void CallStep::set_timer(CallTimer timer, std::chrono::milliseconds after) {
    actions_.emplace_back(SetCallTimer{timer, moment_.now + after});
}

Pending* CallStep::find(RequestNumber number) {
    const auto found = std::find_if(s_.pending.begin(), s_.pending.end(),
                                    [number](const Pending& one) { return one.number == number; });
    return found == s_.pending.end() ? nullptr : &*found;
}

void CallStep::drop(RequestNumber number) {
    std::erase_if(s_.pending, [number](const Pending& one) { return one.number == number; });
}

bool CallStep::invite_is_open() const {
    return std::any_of(s_.pending.begin(), s_.pending.end(),
                       [](const Pending& one) { return one.kind == Pending::Kind::invite; });
}

void CallStep::remark(Remark::Level level, std::string_view what,
                      std::vector<std::pair<std::string_view, std::string>> fields) {
    actions_.emplace_back(Remark{level, what, std::move(fields)});
}

CallActions CallStep::finish() {
    if (s_.over || s_.record.end == CallEnd::none) return std::move(actions_);
    const bool waits = !s_.pending.empty() || !s_.retries.empty() || s_.bye_a_owed || s_.ack_owed;
    if (!waits) {
        s_.over = true;
        release_session();
        actions_.emplace_back(CallOver{});
        // A 2xx of leg B is repeated for 64*T1, and each time wants its ACK.
        set_timer(CallTimer::forget, 64 * s_.settings.timers.t1);
    }
    return std::move(actions_);
}

// Repetitions are answered without them, but for the ACK to an offer of leg B, whose answer is kept. Many
// calls may wait for theirs: this is a quarter of what each of them kept.
void CallStep::release_session() {
    for (auto* const leg : {&s_.a, &s_.b}) {
        std::string().swap(leg->sent);
        std::string().swap(leg->received);
    }
    std::string().swap(s_.early_sdp);
}

// Before leg B knows of it

void CallStep::start() {
    const auto& invite = *s_.invite;
    respond(Leg::a, s_.invite_transaction, sip::make_response(invite, 100, {}, {}));
    auto dialog = sip::Dialog::from_request(invite, s_.a.local_tag);
    if (!dialog) {
        refuse_a(400, "Contact is missing or not usable", {});
        end(CallEnd::fault, "the INVITE began no dialog: " + dialog.error().message);
        return;
    }
    s_.dialog_a = *std::move(dialog);
    if (const auto coding = invite.message.find("Content-Encoding");
        coding && !invite.message.body.empty() && !equal_ignoring_case(trim(*coding), "identity")) {
        s_.record.code = "sdp_encoded";
        refuse_a(415, {}, {{"Accept-Encoding", "identity"}});
        end(CallEnd::offer_refused, "the offer has a Content-Encoding");
        return;
    }
    s_.offerless = invite.message.body.empty();
    if (!s_.offerless) {
        auto decision =
            decide_offer(invite.message.body, invite.message.find("Content-Type"), Leg::a, s_.settings);
        for (auto& text : decision.remarks)
            remark(Remark::Level::info, "the offer works on a condition", {{"condition", std::move(text)}});
        if (decision.refusal) {
            const auto refusal = *std::move(decision.refusal);
            refuse_media(refusal);
            end(CallEnd::offer_refused, refusal.detail);
            return;
        }
        s_.record.offered = std::move(decision.codecs);
        s_.a.received = invite.message.body;
        s_.b.sent = *std::move(decision.sdp);
    }
    s_.pending.push_back({.kind = Pending::Kind::invite, .number = {}, .leg = Leg::b});
    dial();
    set_timer(CallTimer::ring, s_.settings.ring);
}

void CallStep::dial() {
    auto& pending = *std::find_if(s_.pending.begin(), s_.pending.end(),
                                  [](const Pending& one) { return one.kind == Pending::Kind::invite; });
    auto message =
        make_leg_b_invite(*s_.invite, s_.settings,
                          {.call_id = s_.record.call_id_b, .local_tag = s_.b.local_tag, .cseq = s_.cseq_b},
                          s_.record.id, s_.b.sent);
    const auto uri = message.uri;
    for (auto& field : s_.digest.credentials(pending.attempt, "INVITE", sip::write_uri(uri)))
        message.headers.push_back(std::move(field));
    // An INVITE that answers a challenge begins anew: no dialog of the one before it is left.
    s_.dialogs_b.emplace(what_dialogs_need(message));
    s_.record.dialled = since_start();
    pending.number = next_number();
    actions_.emplace_back(SendRequest{Leg::b, pending.number, std::move(message), uri});
}

}  // namespace callchain::b2bua
