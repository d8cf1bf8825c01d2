// Requests within the dialogs. Meta answers a re-INVITE with 500: none of leg B's ever gets there, and what
// asks for no change is answered here.
#include "b2bua/call_step.hpp"
#include "b2bua/crossing.hpp"
#include "base/text.hpp"
#include "sdp/facts.hpp"
#include "sip/response.hpp"

#include <algorithm>
#include <utility>

namespace callchain::b2bua {
namespace {

constexpr std::uint64_t kMostRetryAfter = 10;  // seconds; RFC 3261 section 14.2

// Whether an answer leaves the stream where it is: address, port, key and direction. It may well name fewer
// formats than what stands, which may have been an offer.
bool same_stream(std::string_view standing, std::string_view answer) {
    const auto before = sdp::parse_document(standing);
    const auto after = sdp::parse_document(answer);
    if (!before || !after) return false;
    const auto old = sdp::audio_facts(*before);
    const auto now = sdp::audio_facts(*after);
    if (!old || !now) return !old && !now;
    return old->address == now->address && old->port_text == now->port_text &&
           old->protocol == now->protocol && old->direction == now->direction &&
           std::all_of(now->crypto.begin(), now->crypto.end(), [&old](const sdp::CryptoLine& line) {
               return std::any_of(old->crypto.begin(), old->crypto.end(),
                                  [&line](const sdp::CryptoLine& one) { return one.keys == line.keys; });
           });
}

}  // namespace

void CallStep::answer(Leg leg, const sip::Received& request, sip::TransactionId transaction, int status,
                      std::vector<sip::HeaderField> headers) {
    auto response = sip::make_response(request, status, {}, s_.leg(leg).local_tag);
    response.add("Server", s_.settings.user_agent);
    response.headers.insert(response.headers.end(), std::make_move_iterator(headers.begin()),
                            std::make_move_iterator(headers.end()));
    respond(leg, transaction, std::move(response));
}

void CallStep::on_request(Leg leg, const sip::Received& request, sip::TransactionId transaction) {
    const sip::HeaderField allow{"Allow", std::string(kAllow)};
    auto* dialog = dialog_of(leg, request);
    if (dialog == nullptr) return answer(leg, request, transaction, 481);
    if (auto refusal = sip::check_request(request, {})) {
        auto response = sip::make_response(request, refusal->status, refusal->reason, {});
        response.headers.insert(response.headers.end(), refusal->headers.begin(), refusal->headers.end());
        return respond(leg, transaction, std::move(response));
    }
    switch (dialog->receive(request)) {
        case sip::InDialog::old_cseq:
            return answer(leg, request, transaction, 500);
        case sip::InDialog::no_such_dialog:
            return answer(leg, request, transaction, 481);
        default:
            break;
    }
    const auto& method = request.message.method;
    if (method == "BYE") return on_bye(leg, request, transaction);
    if (method == "INVITE" || method == "UPDATE") return re_offer(leg, request, transaction, *dialog);
    if (method == "OPTIONS")
        return answer(leg, request, transaction, 200, {allow, {"Accept", "application/sdp"}});
    if (method == "REFER") return answer(leg, request, transaction, 603);
    if (method == "INFO") {
        if (request.message.body.empty()) return answer(leg, request, transaction, 200);
        remark(Remark::Level::info, "an INFO with a body was refused",
               {{"from", std::string(name_of(leg, s_.settings.direction))},
                {"content_type", std::string(request.message.find("Content-Type").value_or("none"))}});
        return answer(leg, request, transaction, 415, {{"Accept", "application/sdp"}});
    }
    answer(leg, request, transaction, 405, {allow});
}

void CallStep::on_bye(Leg leg, const sip::Received& request, sip::TransactionId transaction) {
    answer(leg, request, transaction, 200);
    auto* dialog = dialog_of(leg, request);
    dialog->terminate();
    // Of a fork that is being ended anyway. While none has answered each may be the one whose 2xx this
    // overtakes.
    const bool dialling = !s_.answered && s_.record.end == CallEnd::none;
    if (leg == Leg::b && !dialling && dialog != dialog_of(Leg::b, s_.call_b)) return;
    std::erase_if(s_.retries, [leg, this](const Retry& one) {
        return one.leg == leg && (leg == Leg::a || one.dialog == s_.call_b);
    });
    if (const auto seconds = call_duration_of(request)) s_.record.whatsapp_duration = seconds;
    s_.leg(leg).unacknowledged.reset();
    set_answer_timers();
    const auto reason = request.message.find("Reason");
    const auto why = reason ? visible_excerpt(*reason, 200) : std::string("BYE");
    if (leg == Leg::a && !s_.final_sent) {
        // Of an early dialog: as good as a CANCEL.
        refuse_a(487, {}, {});
        give_up_b();
        return end(CallEnd::cancelled, why);
    }
    if (leg == Leg::a) s_.bye_a_owed = false;
    if (s_.record.end != CallEnd::none) return;
    if (!s_.answered) {
        // Before its 2xx has come: a BYE may overtake it. Of a leg B that still rings it would be a mistake.
        refuse_a(480, {}, {});
        give_up_b();
        return end(CallEnd::hung_up_by_b, why);
    }
    end(leg == Leg::a ? CallEnd::hung_up_by_a : CallEnd::hung_up_by_b, why);
    tell_other(leg, headers_of_bye(request, s_.settings));
}

void CallStep::re_offer(Leg leg, const sip::Received& request, sip::TransactionId transaction,
                        sip::Dialog& dialog) {
    auto& state = s_.leg(leg);
    const auto& message = request.message;
    // Ours is open there: RFC 3261 section 14.2. Leg B waits for the ACK to its offer as well.
    if (leg == Leg::b && (invite_is_open() || s_.ack_owed || !s_.answered))
        return answer(leg, request, transaction, 491);
    // Theirs is open.
    if (state.unacknowledged || !s_.answered)
        return answer(leg, request, transaction, 500,
                      {{"Retry-After", std::to_string(moment_.fresh_bits() % (kMostRetryAfter + 1))}});
    if (message.body.empty())
        return accept_again(leg, request, transaction, dialog, message.method == "INVITE");
    if (!is_sdp(message.find("Content-Type")))
        return answer(leg, request, transaction, 415, {{"Accept", "application/sdp"}});
    if (same_session(state.received, message.body))
        return accept_again(leg, request, transaction, dialog, true);
    remark(Remark::Level::warn, "a change of the session was refused: the other side takes none",
           {{"from", std::string(name_of(leg, s_.settings.direction))}, {"method", message.method}});
    const auto host = s_.settings.advertised_host.empty() ? "callchain" : s_.settings.advertised_host;
    answer(leg, request, transaction, 488,
           {{"Warning", "399 " + host + " \"the session cannot change: WhatsApp takes no re-INVITE\""}});
}

void CallStep::accept_again(Leg leg, const sip::Received& request, sip::TransactionId transaction,
                            sip::Dialog& dialog, bool with_sdp) {
    dialog.accepted(request);
    auto response = sip::make_response(request, 200, {}, s_.leg(leg).local_tag);
    response.headers.push_back(contact_toward(leg, s_.settings));
    response.add("Allow", std::string(kAllow));
    response.add("Server", s_.settings.user_agent);
    if (with_sdp) {
        // Byte for byte what stands, with the same o=: nothing has changed.
        response.add("Content-Type", "application/sdp");
        response.body = s_.leg(leg).sent;
    }
    const bool offers = request.message.body.empty();
    respond(leg, transaction, response);
    if (request.message.method == "INVITE")
        repeat_until_acknowledged(leg, transaction, response, request.cseq.number, offers);
}

void CallStep::on_ack(Leg leg, const sip::Received& ack) {
    // Not Dialog::receive(), which knows the last INVITE only: a re-INVITE that was refused may have
    // overtaken.
    if (dialog_of(leg, ack) == nullptr) return;
    auto& state = s_.leg(leg);
    if (!state.unacknowledged || state.unacknowledged->cseq != ack.cseq.number) return;
    if (leg == Leg::a && ack.cseq.number == s_.invite_cseq) return on_ack_of_a(ack);
    const bool offered = state.unacknowledged->offers;
    state.unacknowledged.reset();
    set_answer_timers();
    if (!offered) return;
    if (ack.message.body.empty()) {
        remark(Remark::Level::info, "the ACK to an offer of ours has no answer: what stands goes on");
    } else if (!same_stream(state.received, ack.message.body)) {
        // It sends and listens elsewhere from now on, and the other side cannot be told.
        bye_both(CallEnd::answer_refused, "the answer to a repeated offer changes the session");
    }
}

// A 2xx of ours, again and again until its ACK

void CallStep::repeat_until_acknowledged(Leg leg, sip::TransactionId transaction,
                                         const sip::Message& response, std::uint32_t cseq, bool offers) {
    const auto t1 = s_.settings.timers.t1;
    s_.leg(leg).unacknowledged =
        std::make_unique<Unacknowledged>(Unacknowledged{.transaction = transaction,
                                                        .response = response,
                                                        .cseq = cseq,
                                                        .interval = t1,
                                                        .repeat_at = moment_.now + t1,
                                                        .give_up_at = moment_.now + 64 * t1,
                                                        .offers = offers});
    set_answer_timers();
}

void CallStep::set_answer_timers() {
    std::optional<sip::SteadyTime> repeat;
    std::optional<sip::SteadyTime> give_up;
    for (const auto* leg : {&s_.a, &s_.b}) {
        if (!leg->unacknowledged) continue;
        repeat = std::min(repeat.value_or(leg->unacknowledged->repeat_at), leg->unacknowledged->repeat_at);
        give_up =
            std::min(give_up.value_or(leg->unacknowledged->give_up_at), leg->unacknowledged->give_up_at);
    }
    if (repeat) {
        actions_.emplace_back(SetCallTimer{CallTimer::repeat_answer, *repeat});
        actions_.emplace_back(SetCallTimer{CallTimer::acknowledge, *give_up});
    } else {
        stop_timer(CallTimer::repeat_answer);
        stop_timer(CallTimer::acknowledge);
    }
}

void CallStep::repeat_answers() {
    for (const auto which : {Leg::a, Leg::b}) {
        auto& waiting = s_.leg(which).unacknowledged;
        if (!waiting || waiting->repeat_at > moment_.now) continue;
        respond(which, waiting->transaction, waiting->response);
        waiting->interval = std::min(2 * waiting->interval, s_.settings.timers.t2);
        waiting->repeat_at = moment_.now + waiting->interval;
    }
    set_answer_timers();
}

void CallStep::give_up_acknowledgements() {
    bool ours = false;
    for (const auto which : {Leg::a, Leg::b}) {
        auto& waiting = s_.leg(which).unacknowledged;
        if (!waiting || waiting->give_up_at > moment_.now) continue;
        waiting.reset();
        ours = true;
    }
    set_answer_timers();
    if (!ours) return;
    if (s_.bye_a_owed) return bye_a(std::move(s_.bye_a_headers));
    bye_both(CallEnd::not_acknowledged, "the answer was never acknowledged");
}

}  // namespace callchain::b2bua
