// How calls end: CANCEL, BYE and its retries, timers, and what came of our requests.
#include "b2bua/call_step.hpp"
#include "b2bua/crossing.hpp"
#include "base/text.hpp"
#include "sip/response.hpp"

#include <algorithm>
#include <utility>

namespace callchain::b2bua {
namespace {

constexpr int kMostTries = 3;  // of a BYE that could not be delivered
constexpr std::chrono::milliseconds kRetryAfter{1'000};

}  // namespace

void CallStep::on_cancel(Leg leg, const sip::Received& cancel, sip::TransactionId transaction,
                         sip::TransactionId cancelled) {
    answer(leg, cancel, transaction, 200);
    // A final answer was sent: the CANCEL changes nothing (RFC 3261 section 9.2).
    if (leg != Leg::a || cancelled != s_.invite_transaction || s_.final_sent) return;
    refuse_a(487, {}, {});
    give_up_b();
    const auto reason = cancel.message.find("Reason");
    end(CallEnd::cancelled, reason ? visible_excerpt(*reason, 200) : std::string("CANCEL"));
}

// Leg B's answer is not wanted any more.
void CallStep::give_up_b() {
    s_.given_up = true;
    cancel_pending();
}

void CallStep::cancel_pending() {
    for (const auto& pending : s_.pending)
        if (pending.kind == Pending::Kind::invite) actions_.emplace_back(CancelRequest{pending.number});
}

void CallStep::send(Pending pending, sip::DialogRequest request) {
    if (pending.leg == Leg::b) {
        for (auto& field : s_.digest.credentials(pending.attempt, request.message.method,
                                                 sip::write_uri(request.message.uri)))
            request.message.headers.push_back(std::move(field));
    }
    request.message.add("User-Agent", s_.settings.user_agent);
    // A BYE to a 2xx that came late: its answer is worth waiting for, it may be a challenge.
    if (s_.over) set_timer(CallTimer::forget, 64 * s_.settings.timers.t1);
    pending.number = next_number();
    actions_.emplace_back(
        SendRequest{pending.leg, pending.number, std::move(request.message), std::move(request.next_hop)});
    s_.pending.push_back(std::move(pending));
}

void CallStep::bye(Leg leg, std::size_t index, std::vector<sip::HeaderField> headers, int tries,
                   sip::DigestAttempt attempt) {
    auto* dialog = dialog_of(leg, index);
    if (dialog == nullptr) return;
    auto request = dialog->request("BYE");
    dialog->terminate();
    if (!request) return;
    for (const auto& field : headers) request->message.headers.push_back(field);
    // The end of another branch of a fork says nothing of the call.
    if ((leg == Leg::a || index == s_.call_b) && s_.leg(leg).unacknowledged) {
        s_.leg(leg).unacknowledged.reset();
        set_answer_timers();
    }
    send({.kind = Pending::Kind::bye,
          .number = {},
          .leg = leg,
          .dialog = index,
          .attempt = std::move(attempt),
          .headers = std::move(headers),
          .tries = tries},
         *std::move(request));
}

// The 2xx of leg B gets its ACK in any case, even if it is without the answer that is owed to its offer.
void CallStep::settle_ack_of_b() {
    if (std::exchange(s_.ack_owed, false)) acknowledge_b(s_.call_b, {});
}

void CallStep::tell_other(Leg ended, std::vector<sip::HeaderField> headers) {
    settle_ack_of_b();
    if (ended == Leg::b) return bye_a(std::move(headers));
    bye(Leg::b, s_.call_b, std::move(headers));
}

void CallStep::bye_a(std::vector<sip::HeaderField> headers) {
    s_.bye_a_owed = false;
    // The side that was called must not hang up before the ACK (RFC 3261 section 15).
    if (s_.a.unacknowledged && s_.a.unacknowledged->cseq == s_.invite_cseq) {
        s_.bye_a_owed = true;
        s_.bye_a_headers = std::move(headers);
        return;
    }
    bye(Leg::a, 0, std::move(headers));
}

// Of a call that was answered.
void CallStep::bye_both(CallEnd why, const std::string& text) {
    if (s_.record.end != CallEnd::none) return;
    end(why, text);
    settle_ack_of_b();
    bye_a({});
    bye(Leg::b, s_.call_b, {});
}

void CallStep::hang_up(CallEnd why) {
    if (s_.record.end != CallEnd::none) return;
    if (s_.answered) return bye_both(why, "the gateway ended the call");
    refuse_a(503, {}, {{"Retry-After", "10"}});
    give_up_b();
    end(why, "the gateway ended the call");
}

// What came of our requests

void CallStep::on_response(RequestNumber number, const sip::Received& response) {
    auto* pending = find(number);
    if (pending == nullptr) {
        // A 2xx again, of an INVITE that has had its final answer.
        if (response.cseq.method == "INVITE" && response.message.status / 100 == 2 && s_.dialogs_b)
            on_invite_success(response);
        return;
    }
    if (pending->kind == Pending::Kind::invite) return on_invite_response(*pending, response);
    if (response.message.status < 200) return;
    const auto done = *pending;
    drop(number);
    auto* dialog = dialog_of(done.leg, done.dialog);
    if (done.leg == Leg::b && sip::is_challenge(response.message.status))
        return challenged_within(done, response);
    const int status = response.message.status;
    if (done.kind != Pending::Kind::options) {
        if (dialog != nullptr) dialog->on_response(response);
        return;
    }
    // Whatever else a careless peer has against OPTIONS, its call goes on.
    if (status == 481 || status == 408)
        bye_both(CallEnd::lost, "a request within the call was answered with " + std::to_string(status));
}

void CallStep::challenged_within(const Pending& done, const sip::Received& response) {
    auto next = done;
    const auto verdict = s_.digest.on_challenge(next.attempt, response.message, moment_.fresh_bits());
    if (verdict.kind != sip::ChallengeVerdict::Kind::retry) {
        remark(Remark::Level::warn, "a request within the call was challenged, and our credentials do not do",
               {{"why", verdict.why}});
        return;
    }
    if (done.kind == Pending::Kind::bye)
        return bye(done.leg, done.dialog, done.headers, done.tries, std::move(next.attempt));
    auto* dialog = dialog_of(done.leg, done.dialog);
    if (dialog == nullptr || s_.record.end != CallEnd::none) return;
    if (auto request = dialog->request("OPTIONS")) send(std::move(next), *std::move(request));
}

void CallStep::on_failure(RequestNumber number, RequestFault fault, const std::string& why) {
    const auto* pending = find(number);
    if (pending == nullptr) return;
    auto done = *pending;
    drop(number);
    const bool timeout = fault == RequestFault::timeout;
    switch (done.kind) {
        case Pending::Kind::invite:
            if (s_.given_up) return;
            remark(Remark::Level::warn, "the called side could not be reached",
                   {{"leg", std::string(name_of(Leg::b, s_.settings.direction))}, {"why", why}});
            refuse_a(504, {}, {});
            return end(CallEnd::unreachable, why);
        case Pending::Kind::bye:
            // Who does not answer is gone; who could not be reached may be in a moment.
            if (!timeout && done.tries < kMostTries) {
                s_.retries.push_back({done.leg, done.dialog, std::move(done.headers), done.tries + 1});
                return set_timer(CallTimer::again, kRetryAfter);
            }
            return remark(Remark::Level::warn, "a BYE could not be delivered",
                          {{"leg", std::string(name_of(done.leg, s_.settings.direction))}, {"why", why}});
        case Pending::Kind::options:
            if (!timeout) return;
            // A BYE all the same: the peer may be there by another way, and count on (RFC 3261
            // section 12.2.1.2).
            return bye_both(CallEnd::lost, "a request within the call was not answered");
    }
}

// Time

void CallStep::on_timer(CallTimer timer) {
    switch (timer) {
        case CallTimer::repeat_answer:
            return repeat_answers();
        case CallTimer::acknowledge:
            return give_up_acknowledgements();
        case CallTimer::ring:
            if (s_.final_sent || s_.given_up) return;
            refuse_a(480, {}, {});
            give_up_b();
            return end(CallEnd::no_answer, "no answer within " + std::to_string(s_.settings.ring.count()) +
                                               (s_.record.rang ? " s of ringing" : " s, and no ringing"));
        case CallTimer::length:
            return bye_both(CallEnd::too_long,
                            "longer than " + std::to_string(s_.settings.most_length.count()) + " s");
        case CallTimer::keep_alive:
            return keep_alive();
        case CallTimer::again: {
            const auto retries = std::exchange(s_.retries, {});
            for (const auto& retry : retries) bye(retry.leg, retry.dialog, retry.headers, retry.tries);
            return;
        }
        case CallTimer::forget:
            if (s_.forgotten) return;
            s_.forgotten = true;
            if (!s_.over) {
                s_.over = true;
                actions_.emplace_back(CallOver{});
            }
            actions_.emplace_back(Forget{});
            return;
    }
}

Leg CallStep::twilio_leg() const {
    return s_.settings.direction == sdp::Direction::meta_to_twilio ? Leg::b : Leg::a;
}

void CallStep::keep_alive() {
    if (s_.record.end != CallEnd::none || !s_.answered) return;
    set_timer(CallTimer::keep_alive, s_.settings.keep_alive);
    const auto leg = twilio_leg();
    const bool waiting = std::any_of(s_.pending.begin(), s_.pending.end(),
                                     [](const Pending& one) { return one.kind == Pending::Kind::options; });
    const auto index = leg == Leg::b ? s_.call_b : 0;
    auto* dialog = dialog_of(leg, index);
    if (waiting || dialog == nullptr || s_.leg(leg).unacknowledged) return;
    auto request = dialog->request("OPTIONS");
    if (!request) return;
    request->message.headers.push_back(contact_toward(leg, s_.settings));
    request->message.add("Accept", "application/sdp");
    send({.kind = Pending::Kind::options, .number = {}, .leg = leg, .dialog = index}, *std::move(request));
}

}  // namespace callchain::b2bua
