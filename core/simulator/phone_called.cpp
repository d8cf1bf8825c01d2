// Phone::State: calls that come in.
#include "base/text.hpp"
#include "simulator/phone_state.hpp"
#include "simulator/randomness.hpp"
#include "sip/response.hpp"

#include <utility>

namespace callchain::simulator {
namespace {

constexpr int kRoundTripsToAck = 64;  // RFC 3261 section 13.3.1.4

}  // namespace

void Phone::State::outside(const IncomingRequest& in) {
    if (const auto refusal = sip::check_request(in.request, {})) {
        auto response = response_to(in.request, refusal->status, refusal->reason, random_word());
        response.headers.insert(response.headers.end(), refusal->headers.begin(), refusal->headers.end());
        return static_cast<void>(stack.respond_statelessly(in, response));
    }
    if (in.merged_with) return respond_statelessly(in, 482);
    const auto& method = in.request.message.method;
    if (method == "INVITE") return invited(in);
    if (method == "OPTIONS") return respond_statelessly(in, 200);
    respond_statelessly(in, method == "BYE" ? 481 : 405);
}

void Phone::State::invited(const IncomingRequest& in) {
    if (auto answer = events.on_screen ? events.on_screen(in.request, in.flow) : std::nullopt) {
        if (const auto sent = stack.respond_statelessly(in, *answer); !sent)
            remark("an answer that cannot be written", sent.error().message);
        return;
    }
    const auto tag = random_word();
    auto dialog = sip::Dialog::from_request(in.request, tag);
    if (!dialog) return respond_statelessly(in, 400, "An INVITE needs one Contact");
    if (!events.on_invite) return respond_statelessly(in, 480);
    const auto accepted = stack.accept(in);
    if (!accepted) return remark("an INVITE that cannot be taken", accepted.error().message);
    auto& call = add_call();
    call.call_id = in.request.call_id;
    call.local_tag = tag;
    call.contact = own_contact();
    call.remote_sdp = in.request.message.body;
    call.invited = in.request;
    call.transaction = *accepted;
    call.dialog = *std::move(dialog);
    note_flow(call, in.flow);
    by_tag[tag] = call.number.value;
    by_invite[*accepted] = call.number.value;
    respond(*accepted, response_to(in.request, 100, {}, {}));
    events.on_invite(call.number, in.request, in.flow);
}

void Phone::State::within(const IncomingRequest& in, Call& call) {
    const auto accepted = stack.accept(in);
    if (!accepted) return;
    const auto id = sip::dialog_of_request(in.request);
    auto* dialog = id ? call.find(*id) : nullptr;
    const auto judged = dialog == nullptr ? sip::InDialog::no_such_dialog : dialog->receive(in.request);
    if (judged == sip::InDialog::no_such_dialog)
        return respond(*accepted, response_to(in.request, 481, {}, {}));
    if (judged != sip::InDialog::proceed) return respond(*accepted, response_to(in.request, 500, {}, {}));
    note_flow(call, in.flow);
    if (in.request.message.method != "BYE") return answer_within(in, call, *accepted);
    respond(*accepted, response_to(in.request, 200, {}, {}));
    if (call.ending) return;  // the two have crossed: what counts is the answer to ours
    if (!call.ours && !call.up)
        respond(call.transaction, response_to(*call.invited, 487, {}, call.local_tag));
    ended_by_peer(call, in.request);
}

void Phone::State::answer_within(const IncomingRequest& in, Call& call, TransactionId transaction) {
    const auto& method = in.request.message.method;
    const bool offers = method == "INVITE" || method == "UPDATE";
    const auto number = call.number.value;
    const int status = events.on_request_within ? events.on_request_within(call.number, in.request)
                       : method == "OPTIONS"    ? 200
                       : offers                 ? 488
                                                : 405;
    auto response = response_to(in.request, status, {}, {});
    response.add("Allow", std::string(kAllowOfPhone));
    auto* after = find(number);  // the user may have ended it
    if (after == nullptr || status >= 300 || !offers) return respond(transaction, response);
    if (!in.request.message.body.empty()) after->remote_sdp = in.request.message.body;
    after->find(*sip::dialog_of_request(in.request))->accepted(in.request);
    response.add("Contact", after->contact);
    add_body(response, after->local_sdp);
    if (method == "INVITE") return repeat_until_ack(*after, transaction, std::move(response));
    respond(transaction, response);
}

void Phone::State::ended_by_peer(Call& call, const sip::Received& request) {
    const auto number = call.number;
    erase(call);
    if (events.on_ended) events.on_ended(number, request);
}

void Phone::State::answer(Call& call, std::string sdp, Headers headers) {
    if (call.ours || call.up) return;
    auto response = sip::make_response(*call.invited, 200, {}, call.local_tag);
    for (auto& field : headers) response.headers.push_back(std::move(field));
    add_missing(response, "Contact", call.contact);
    add_missing(response, "Allow", std::string(kAllowOfPhone));
    add_missing(response, "Server", settings.user_agent);
    call.local_sdp = sdp;
    add_body(response, std::move(sdp));
    call.up = true;
    call.dialog->confirm();
    repeat_until_ack(call, call.transaction, std::move(response));
}

void Phone::State::refuse(Call& call, int status, std::string reason, Headers headers) {
    if (call.ours || call.up) return;
    auto response = response_to(*call.invited, status, reason, call.local_tag);
    for (auto& field : headers) response.headers.push_back(std::move(field));
    const auto transaction = call.transaction;
    erase(call);
    respond(transaction, response);
}

// By the call, over any transport: only the ACK proves that it came. Source: RFC 3261 section 13.3.1.4.
void Phone::State::repeat_until_ack(Call& call, TransactionId transaction, Message response) {
    const auto t1 = settings.stack.timers.t1;
    respond(transaction, response);
    call.waiting = Unacknowledged{transaction, std::move(response), t1, Loop::now() + t1 * kRoundTripsToAck};
    stack.set_timer({call.number.value, 0}, Loop::now() + t1);
}

void Phone::State::respond(TransactionId transaction, const Message& response) {
    if (const auto sent = stack.respond(transaction, response); !sent)
        remark("an answer that cannot be sent", sent.error().message);
}

void Phone::State::respond_statelessly(const IncomingRequest& in, int status, const std::string& reason) {
    auto response = response_to(in.request, status, reason, random_word());
    if (status == 200 || status == 405) response.add("Allow", std::string(kAllowOfPhone));
    static_cast<void>(stack.respond_statelessly(in, response));
}

}  // namespace callchain::simulator
