// Leg B's answers to the INVITE, and leg A's ACK.
#include "b2bua/call_step.hpp"
#include "b2bua/crossing.hpp"
#include "base/text.hpp"
#include "sip/response.hpp"

#include <utility>

namespace callchain::b2bua {
namespace {

sip::Message with_contact(sip::Message response, Leg leg, const CallSettings& settings) {
    response.headers.push_back(contact_toward(leg, settings));
    response.add("Allow", std::string(kAllow));
    response.add("Server", settings.user_agent);
    return response;
}

void put_sdp(sip::Message& message, std::string sdp) {
    message.add("Content-Type", "application/sdp");
    message.body = std::move(sdp);
}

}  // namespace

void CallStep::on_invite_response(Pending& pending, const sip::Received& response) {
    const int status = response.message.status;
    if (status < 200) {
        const auto outcome = s_.dialogs_b->on_response(response);
        if (!s_.given_up) ring(response, outcome.index);
        return;
    }
    if (status < 300) {
        on_invite_success(response);
        return;
    }
    static_cast<void>(s_.dialogs_b->on_response(response));
    s_.record.leg_b_status = status;
    if (sip::is_challenge(status) && !s_.given_up) {
        challenged(pending, response);
        return;
    }
    drop(pending.number);
    if (!s_.given_up) failed(response);
}

// 101 to 199 of leg B.
void CallStep::ring(const sip::Received& response, std::size_t dialog) {
    if (!s_.record.rang) {
        s_.record.rang = since_start();
        set_timer(CallTimer::ring, s_.settings.ring);
    }
    auto relayed = with_contact(
        sip::make_response(*s_.invite, response.message.status, response.message.reason, s_.a.local_tag),
        Leg::a, s_.settings);
    // An offer in a 18x would want PRACK, which nobody here has.
    if (!response.message.body.empty() && !s_.offerless) {
        auto decision = decide_answer(s_.b.sent, response.message.body, response.message.find("Content-Type"),
                                      s_.settings);
        if (decision.sdp) {
            s_.early_sdp = response.message.body;
            s_.early_b = dialog;
            put_sdp(relayed, *std::move(decision.sdp));
        } else {
            remark(Remark::Level::warn, "early media left out: its answer does not fit the offer",
                   {{"code", decision.refusal->code}, {"detail", decision.refusal->detail}});
        }
    }
    respond(Leg::a, s_.invite_transaction, std::move(relayed));
}

void CallStep::challenged(Pending& pending, const sip::Received& response) {
    const auto verdict = s_.digest.on_challenge(pending.attempt, response.message, moment_.fresh_bits());
    using Kind = sip::ChallengeVerdict::Kind;
    if (verdict.kind == Kind::retry) {
        ++s_.cseq_b;
        dial();
        return;
    }
    drop(pending.number);
    const bool to_twilio = s_.settings.direction == sdp::Direction::meta_to_twilio;
    const std::string remedy =
        to_twilio
            ? "check TWILIO_SIP_USERNAME and TWILIO_SIP_PASSWORD against the credential list of the SIP "
              "Domain (callchain explain 32202)"
            : "check META_SIP_USERNAME and META_SIP_PASSWORD: the digits of the business number, and the "
              "password of this number and this app";
    remark(Remark::Level::warn,
           to_twilio ? "Twilio refused our credentials (its error 32202)" : "Meta refused our credentials",
           {{"why", verdict.why}, {"remedy", remedy}});
    if (to_twilio && verdict.kind == Kind::wrong_password) s_.record.twilio_error = 32202;
    s_.record.remedy = remedy;
    refuse_a(503, {}, {});
    end(CallEnd::credentials_refused, verdict.why);
}

// 300 to 699 of leg B, none of them about credentials.
void CallStep::failed(const sip::Received& response) {
    const auto answer = map_failure(response, s_.settings.direction);
    const auto explanation = explain_failure(response, s_.settings.direction);
    const auto error = s_.settings.direction == sdp::Direction::meta_to_twilio ? twilio_error_of(response)
                                                                               : std::optional<TwilioError>();
    std::vector<std::pair<std::string_view, std::string>> fields{
        {"status", std::to_string(response.message.status)}, {"reason", response.message.reason}};
    if (error) {
        s_.record.twilio_error = error->code;
        fields.emplace_back("twilio_error", std::to_string(error->code) + " " + error->text);
    }
    for (const std::string_view name : {"Warning", "Reason"})
        if (const auto value = response.message.find(name))
            fields.emplace_back(name == "Warning" ? "warning" : "sip_reason", std::string(*value));
    if (!explanation.empty()) fields.emplace_back("meaning", explanation);
    remark(Remark::Level::warn,
           s_.settings.direction == sdp::Direction::meta_to_twilio ? "Twilio refused the call"
                                                                   : "Meta refused the call",
           std::move(fields));
    s_.record.remedy = explanation;
    refuse_a(answer.status, answer.reason, answer.headers);
    end(CallEnd::refused, "answered with " + std::to_string(response.message.status) + " " +
                              visible_excerpt(response.message.reason, 200));
}

// A 2xx: the first, one of them again, or one of another branch. Also when its transaction is long gone.
void CallStep::on_invite_success(const sip::Received& response) {
    const auto outcome = s_.dialogs_b->on_response(response);
    using What = sip::DialogSet::What;
    switch (outcome.what) {
        case What::confirmed:
            s_.record.leg_b_status = response.message.status;
            s_.call_b = outcome.index;
            std::erase_if(s_.pending, [](const Pending& one) { return one.kind == Pending::Kind::invite; });
            s_.pending.shrink_to_fit();  // for as long as the call is up there is rarely another
            note_answer(response);
            if (s_.given_up || s_.record.end != CallEnd::none) {
                acknowledge_b(outcome.index, {});
                bye(Leg::b, outcome.index, {});
            } else {
                answered(response);
            }
            return;
        case What::again:
            if (!s_.ack_owed) acknowledge_b(outcome.index, s_.answer_of_ack);
            return;
        case What::extra:
            remark(Remark::Level::warn, "a second answer of a forked INVITE was ended");
            acknowledge_b(outcome.index, {});
            bye(Leg::b, outcome.index, {});
            return;
        case What::extra_again:
            acknowledge_b(outcome.index, {});
            return;
        case What::nothing:
        case What::early:
        case What::failed:
            return;
    }
}

void CallStep::note_answer(const sip::Received& response) {
    const auto sid = response.message.find("X-Twilio-CallSid");
    if (sid && s_.settings.direction == sdp::Direction::meta_to_twilio)
        s_.record.twilio_call_sid = visible_excerpt(*sid, 64);
}

void CallStep::answered(const sip::Received& response) {
    s_.record.answered_after = since_start();
    stop_timer(CallTimer::ring);
    const auto type = response.message.find("Content-Type");
    // A body that stood in a 18x of this dialog and is left out of the 2xx still counts.
    const bool from_early = response.message.body.empty() && !s_.early_sdp.empty() && s_.early_b == s_.call_b;
    const auto& body = from_early ? s_.early_sdp : response.message.body;
    auto decision = s_.offerless
                        ? decide_offer(body, type, Leg::b, s_.settings)
                        : decide_answer(s_.b.sent, body, from_early ? std::nullopt : type, s_.settings);
    if (decision.refusal) {
        auto refusal = *std::move(decision.refusal);
        refusal.status = 488;  // whatever is wrong with it, leg A's request was not
        remark(Remark::Level::warn, "the answer of the called side cannot work: the call is ended",
               {{"code", refusal.code}, {"detail", refusal.detail}, {"remedy", refusal.remedy}});
        acknowledge_b(s_.call_b, {});
        bye(Leg::b, s_.call_b, {});
        refuse_media(refusal);
        end(CallEnd::answer_refused, refusal.detail);
        return;
    }
    if (!s_.early_sdp.empty() && !from_early && !same_session(s_.early_sdp, body))
        remark(Remark::Level::info, "the answer differs from that of the 18x: the answer counts");
    (s_.offerless ? s_.record.offered : s_.record.answered) = std::move(decision.codecs);
    std::string().swap(s_.early_sdp);  // clear() would keep its memory as long as the call
    s_.b.received = body;
    s_.answered = true;
    if (s_.offerless)
        s_.ack_owed = true;
    else
        acknowledge_b(s_.call_b, {});
    answer_a(*decision.sdp);
    if (s_.settings.most_length.count() != 0) set_timer(CallTimer::length, s_.settings.most_length);
    if (s_.settings.keep_alive.count() != 0) set_timer(CallTimer::keep_alive, s_.settings.keep_alive);
}

void CallStep::answer_a(const std::string& sdp) {
    auto response =
        with_contact(sip::make_response(*s_.invite, 200, {}, s_.a.local_tag), Leg::a, s_.settings);
    put_sdp(response, sdp);
    s_.a.sent = sdp;
    s_.dialog_a->confirm();
    s_.final_sent = true;
    s_.record.final_status = 200;
    s_.invite.reset();
    respond(Leg::a, s_.invite_transaction, response);
    repeat_until_acknowledged(Leg::a, s_.invite_transaction, response, s_.invite_cseq, s_.offerless);
}

void CallStep::acknowledge_b(std::size_t index, std::string_view sdp) {
    const auto* dialog = dialog_of(Leg::b, index);
    if (dialog == nullptr) return;
    auto ack = dialog->ack(s_.dialogs_b->invite());
    ack.message.headers.push_back(contact_toward(Leg::b, s_.settings));
    if (!sdp.empty()) put_sdp(ack.message, std::string(sdp));
    actions_.emplace_back(SendAck{Leg::b, std::move(ack.message), std::move(ack.next_hop)});
}

// The ACK to our 200: the call is up. Where the 200 had leg B's offer it brings the answer.
void CallStep::on_ack_of_a(const sip::Received& ack) {
    s_.a.unacknowledged.reset();
    set_answer_timers();
    if (s_.ack_owed) {
        s_.ack_owed = false;
        auto decision =
            ack.message.body.empty()
                ? MediaDecision{.refusal =
                                    MediaRefusal{.status = 488,
                                                 .code = "sdp_answer_missing",
                                                 .detail = "the ACK has no answer to the offer of the 200",
                                                 .remedy = {}}}
                : decide_answer(s_.a.sent, ack.message.body, ack.message.find("Content-Type"), s_.settings);
        if (decision.refusal) {
            acknowledge_b(s_.call_b, {});
            s_.record.code = decision.refusal->code;
            bye_both(CallEnd::answer_refused, decision.refusal->detail);
            return;
        }
        s_.a.received = ack.message.body;
        s_.b.sent = *std::move(decision.sdp);
        s_.answer_of_ack = s_.b.sent;
        s_.record.answered = std::move(decision.codecs);
        acknowledge_b(s_.call_b, s_.answer_of_ack);
    }
    if (s_.bye_a_owed) bye_a(std::move(s_.bye_a_headers));
}

}  // namespace callchain::b2bua
