#include "simulator/phone.hpp"

#include "base/text.hpp"
#include "simulator/phone_state.hpp"
#include "simulator/randomness.hpp"
#include "sip/response.hpp"
#include "system/random.hpp"

#include <algorithm>
#include <utility>

namespace callchain::simulator {
namespace {

using gateway::Loop;
using sip::HeaderField;
using sip::Message;

constexpr std::uint32_t kFirstCseqBelow = 32'768;
// Timers of calls have their number for an owner; those of after() are told apart by this bit.
constexpr std::uint64_t kOfAfter = std::uint64_t{1} << 61U;

// Record-Routes of proxies that we play stand before us, not behind the peer: they come back in its answer
// and are no route of ours.
sip::Received without_own_routes(sip::Received response, const Message& invite) {
    const auto own = invite.values("Record-Route").size();
    auto& all = response.record_route;
    if (own <= all.size()) all.resize(all.size() - own);
    return response;
}

}  // namespace

Phone::State::State(Loop& of_loop, PhoneSettings given, PhoneEvents of_user)
    : loop(of_loop),
      settings(std::move(given)),
      events(std::move(of_user)),
      stack(of_loop, settings.stack, stack_events(), &system::random_bytes) {}

sip::Message Phone::State::response_to(const sip::Received& request, int status, const std::string& reason,
                                       std::string_view tag) const {
    auto response = sip::make_response(request, status, reason, tag);
    response.add("Server", settings.user_agent);
    return response;
}

gateway::StackEvents Phone::State::stack_events() {
    gateway::StackEvents up;
    up.on_request = [this](const IncomingRequest& in) { on_request(in); };
    up.on_ack = [this](const sip::Received& ack, const FlowInfo& flow) { on_ack(ack, flow); };
    up.on_cancel = [this](const IncomingRequest& in, std::optional<TransactionId> cancelled) {
        on_cancel(in, cancelled);
    };
    up.on_response = [this](RequestId id, const sip::Received& response, const FlowInfo& flow) {
        on_response(id, response, flow);
    };
    up.on_failure = [this](RequestId id, const gateway::RequestFailure& failure) { on_failure(id, failure); };
    up.on_late_answer = [this](const sip::Received& response, const FlowInfo& flow) {
        auto* call = find_by_tag(response.from.tag());
        if (call == nullptr || !call->ours || !call->set)
            return remark("a late answer to no call", response.call_id);
        note_flow(*call, flow);
        on_success(*call, response);
    };
    up.on_timer = [this](UserTimer timer) { on_timer(timer); };
    up.on_remark = [this](const std::string& what, const std::string& detail) { remark(what, detail); };
    up.on_trace = events.on_trace;
    return up;
}

// ---- from the stack ----

void Phone::State::on_request(const IncomingRequest& in) {
    if (!in.request.to.tag()) return outside(in);
    if (auto* call = find_by_tag(in.request.to.tag())) return within(in, *call);
    respond_statelessly(in, 481);
}

void Phone::State::on_ack(const sip::Received& ack, const FlowInfo& flow) {
    auto* call = find_by_tag(ack.to.tag());
    const auto id = sip::dialog_of_request(ack);
    auto* dialog = call != nullptr && id ? call->find(*id) : nullptr;
    if (dialog == nullptr || dialog->receive(ack) != sip::InDialog::ack) return;
    note_flow(*call, flow);
    if (!call->waiting) return;  // a repetition
    call->waiting.reset();
    stack.stop_timer({call->number.value, 0});
    if (!ack.message.body.empty()) call->remote_sdp = ack.message.body;
    const auto number = call->number;
    if (!call->ours && !std::exchange(call->acknowledged, true) && events.on_acknowledged)
        events.on_acknowledged(number, ack);
    call = find(number.value);
    if (call == nullptr || !call->hangs_up_later) return;
    send_bye(*call, *std::exchange(call->hangs_up_later, std::nullopt));
}

void Phone::State::on_cancel(const IncomingRequest& in, std::optional<TransactionId> cancelled) {
    if (!cancelled) return respond_statelessly(in, 481);
    const auto found = by_invite.find(*cancelled);
    auto* call = found == by_invite.end() ? nullptr : find(found->second);
    const auto accepted = stack.accept(in);
    if (!accepted) return;
    respond(*accepted, response_to(in.request, 200, {}, call == nullptr ? random_word() : call->local_tag));
    if (call == nullptr || call->up || call->transaction != *cancelled) return;  // too late
    respond(call->transaction, response_to(*call->invited, 487, {}, call->local_tag));
    ended_by_peer(*call, in.request);
}

void Phone::State::on_response(RequestId id, const sip::Received& response, const FlowInfo& flow) {
    const auto found = by_request.find(id);
    auto* call = found == by_request.end() ? nullptr : find(found->second.call);
    if (call == nullptr) return;
    note_flow(*call, flow);
    const auto within = found->second.within;
    if (within) return on_within_response(*call, within, response);
    on_invite_response(*call, id, response);
}

void Phone::State::on_failure(RequestId id, const gateway::RequestFailure& failure) {
    const auto found = by_request.find(id);
    if (found == by_request.end()) return;
    const auto asked = found->second;
    by_request.erase(found);
    auto* call = find(asked.call);
    if (call == nullptr) return;
    std::erase(call->requests, id);
    if (asked.within) {
        if (asked.within->done) asked.within->done(0);
        return;
    }
    if (call->inviting != id) return;
    const bool timeout = failure.kind == gateway::RequestFailure::Kind::timeout;
    failed(*call, timeout ? 408 : 503, nullptr, failure.why);
}

void Phone::State::on_timer(UserTimer timer) {
    if ((timer.owner & kOfAfter) != 0) {
        const auto node = later.extract(timer.owner);
        if (!node.empty()) node.mapped()();
        return;
    }
    auto* call = find(timer.owner);
    if (call == nullptr || !call->waiting) return;
    auto& waiting = *call->waiting;
    if (Loop::now() >= waiting.give_up) {
        remark("no ACK came", call->call_id);
        call->waiting.reset();
        return send_bye(*call, std::exchange(call->hangs_up_later, std::nullopt).value_or(Headers{}));
    }
    respond(waiting.transaction, waiting.response);
    waiting.interval = std::min(waiting.interval * 2, settings.stack.timers.t2);
    stack.set_timer(timer, Loop::now() + waiting.interval);
}

// ---- calls of ours ----

Result<void> Phone::State::invite(Call& call) {
    auto message = call.invite;
    message.add("CSeq", std::to_string(call.cseq) + " INVITE");
    const auto& uri = call.given.digest_uri;
    if (call.client) {
        for (auto& field : call.client->credentials(call.attempt, "INVITE",
                                                    uri.empty() ? sip::write_uri(message.uri) : uri))
            message.headers.push_back(std::move(field));
    }
    const auto id = CALLCHAIN_TRY(
        stack.send({.message = message, .flow = call.flow, .destination = call.given.destination}));
    call.set.emplace(std::move(message));
    call.inviting = id;
    call.requests.push_back(id);
    by_request[id] = {call.number.value, nullptr};
    return {};
}

void Phone::State::on_invite_response(Call& call, RequestId id, const sip::Received& response) {
    const int status = response.message.status;
    if (call.inviting != id) return;  // of an INVITE before the challenge
    if (status >= 200 && status < 300) return on_success(call, response);
    if (status >= 300) {
        std::string why;
        if (answers_challenge(call, response, why)) return;
        return failed(call, status, &response, why.empty() ? response.message.reason : why);
    }
    static_cast<void>(call.set->on_response(without_own_routes(response, call.invite)));
    if (!response.message.body.empty()) call.remote_sdp = response.message.body;
    if (events.on_ringing) events.on_ringing(call.number, response);
}

// Each 2xx is acknowledged, each dialog but the first ended. Source: RFC 3261 section 13.2.2.4.
void Phone::State::on_success(Call& call, const sip::Received& response) {
    using What = sip::DialogSet::What;
    const auto outcome = call.set->on_response(without_own_routes(response, call.invite));
    if (outcome.what == What::nothing || outcome.what == What::early || outcome.what == What::failed) return;
    const auto& dialog = call.set->dialogs()[outcome.index];
    send_ack(call, dialog, call.set->invite(),
             call.given.sdp.empty() ? call.given.answer_in_ack : std::string());
    if (outcome.what == What::extra)
        return send_within(call, std::make_shared<Within>(Within{"BYE", {}, {}, {}, dialog.id()}));
    if (outcome.what != What::confirmed) return;
    call.up = true;
    if (!response.message.body.empty()) call.remote_sdp = response.message.body;
    if (call.cancelled) return send_bye(call, {});  // the two have crossed
    if (events.on_answered) events.on_answered(call.number, response);
}

bool Phone::State::answers_challenge(Call& call, const sip::Received& response, std::string& why) {
    if (!sip::is_challenge(response.message.status) || !call.client || call.cancelled) return false;
    const auto verdict = call.client->on_challenge(call.attempt, response.message, system::random_number());
    if (verdict.kind != sip::ChallengeVerdict::Kind::retry) {
        why = verdict.why;
        return false;
    }
    ++call.cseq;
    const auto sent = invite(call);
    if (!sent) why = sent.error().message;
    return sent.has_value();
}

void Phone::State::failed(Call& call, int status, const sip::Received* response, const std::string& why) {
    const auto number = call.number;
    erase(call);
    if (events.on_failed) events.on_failed(number, status, response, why);
}

void Phone::State::send_ack(Call& call, const sip::Dialog& dialog, const Message& of_invite,
                            std::string body) {
    auto ack = dialog.ack(of_invite);
    add_missing(ack.message, "User-Agent", settings.user_agent);
    add_body(ack.message, std::move(body));
    stack.send_ack(routed(call, std::move(ack)));
}

// ---- within calls ----

void Phone::State::hang_up(Call& call, Headers headers) {
    if (call.ending) return;
    if (!call.up && !call.ours) return refuse(call, 603, {}, std::move(headers));
    if (!call.up) {
        call.cancelled = true;
        return stack.cancel(*call.inviting);
    }
    if (call.waiting && !call.ours && !call.acknowledged) {
        call.hangs_up_later = std::move(headers);
        return;
    }
    send_bye(call, std::move(headers));
}

void Phone::State::send_bye(Call& call, Headers headers) {
    call.ending = true;
    const auto number = call.number;
    auto bye = std::make_shared<Within>(Within{"BYE", std::move(headers), {}, {}, call.confirmed()->id()});
    bye->done = [this, number](int status) {
        if (auto* ended = find(number.value)) erase(*ended);
        if (events.on_hung_up) events.on_hung_up(number, status);
    };
    send_within(call, std::move(bye));
}

void Phone::State::send_within(Call& call, std::shared_ptr<Within> request) {
    auto sent = try_within(call, request);
    if (sent) return;
    remark("a " + request->method + " that cannot be sent", sent.error().message);
    // Never from within.
    loop.post([weak = weak_from_this(), request = std::move(request)] {
        if (const auto self = weak.lock(); self && request->done) request->done(0);
    });
}

Result<void> Phone::State::try_within(Call& call, const std::shared_ptr<Within>& request) {
    auto* dialog = call.find(request->dialog);
    if (dialog == nullptr) return fail(ErrorCode::internal, "the call has no such dialog");
    const auto& method = request->method;
    auto made = CALLCHAIN_TRY(dialog->request(method));
    auto& message = made.message;
    message.headers.insert(message.headers.begin(), request->headers.begin(), request->headers.end());
    add_missing(message, "User-Agent", settings.user_agent);
    if (method == "INVITE" || method == "UPDATE") add_missing(message, "Contact", call.contact);
    add_body(message, request->body);
    if (request->challenged) {
        const auto uri = sip::write_uri(message.uri);
        for (auto& field : call.client->credentials(request->attempt, method, uri))
            message.headers.push_back(std::move(field));
    }
    if (method == "BYE") dialog->terminate();
    request->sent = message;
    const auto id = CALLCHAIN_TRY(stack.send(routed(call, std::move(made))));
    call.requests.push_back(id);
    by_request[id] = {call.number.value, request};
    return {};
}

void Phone::State::on_within_response(Call& call, const std::shared_ptr<Within>& request,
                                      const sip::Received& response) {
    const int status = response.message.status;
    if (status < 200) return;
    if (sip::is_challenge(status) && call.client) {
        const auto verdict =
            call.client->on_challenge(request->attempt, response.message, system::random_number());
        request->challenged = true;
        if (verdict.kind == sip::ChallengeVerdict::Kind::retry) return send_within(call, request);
    }
    if (auto* dialog = call.find(request->dialog)) {
        dialog->on_response(response);
        if (request->method == "INVITE" && status < 300) send_ack(call, *dialog, request->sent, {});
    }
    // A 2xx to a re-INVITE may come again, and wants its ACK again.
    const auto done = std::exchange(request->done, {});
    if (!done) return;
    if (!response.message.body.empty() && status < 300) call.remote_sdp = response.message.body;
    if (!request->body.empty() && status < 300) call.local_sdp = request->body;
    done(status);
}

Phone::State::Call& Phone::State::add_call() {
    const CallNumber number{++last_number};
    auto& call = calls[number.value];
    call.number = number;
    return call;
}

// Whoever still waits for an answer within the call is told that none came.
void Phone::State::erase(Call& call) {
    for (const auto id : call.requests) {
        const auto node = by_request.extract(id);
        if (node.empty() || !node.mapped().within || !node.mapped().within->done) continue;
        loop.post([weak = weak_from_this(), within = node.mapped().within] {
            if (const auto self = weak.lock()) within->done(0);
        });
    }
    stack.stop_timer({call.number.value, 0});
    by_tag.erase(call.local_tag);
    by_invite.erase(call.transaction);
    calls.erase(call.number.value);
}

gateway::OutgoingRequest Phone::State::routed(const Call& call, sip::DialogRequest request) {
    auto destination = sip::destination_of(request.next_hop, call.transport);
    if (!destination) remark("a URI that leads nowhere", destination.error().message);
    // Over UDP there is no connection that could be worth more than the address.
    const bool by_flow = call.transport != sip::Transport::udp && !call.forgets_connection;
    return {.message = std::move(request.message),
            .flow = by_flow ? call.flow : std::nullopt,
            .destination = std::move(destination).value_or(sip::Destination{})};
}

std::string Phone::State::own_contact() const {
    const auto first =
        bound.empty() ? gateway::BoundAddress{sip::Transport::tls, {"127.0.0.1", 0}} : bound[0];
    auto place = text_of(first.endpoint);
    if (!settings.contact_host.empty())
        place = settings.contact_host + ":" + std::to_string(first.endpoint.port);
    const auto user = settings.contact_user.empty() ? "" : settings.contact_user + "@";
    return "<sip:" + user + place + ";transport=" + ascii_lower(name_of(first.transport)) + ">";
}

// ---- the public side ----

Phone::Phone(Loop& loop, PhoneSettings settings, PhoneEvents events)
    : state_(std::make_shared<State>(loop, std::move(settings), std::move(events))) {}
Phone::~Phone() = default;

Result<std::vector<gateway::BoundAddress>> Phone::listen() {
    state_->bound = CALLCHAIN_TRY(state_->stack.listen());
    return state_->bound;
}

Result<CallNumber> Phone::call(OutgoingCall given) {
    auto& call = state_->add_call();
    call.ours = true;
    call.call_id = given.call_id.empty() ? random_word() : given.call_id;
    call.local_tag = random_word();
    call.contact = given.contact ? *given.contact : state_->own_contact();
    call.local_sdp = given.sdp;
    call.transport = given.destination.transport;
    call.cseq = static_cast<std::uint32_t>(system::random_number() % kFirstCseqBelow) + 1;
    if (given.account) call.client = std::make_unique<sip::DigestClient>(*given.account);
    auto from = given.from;
    from.parameters.set("tag", call.local_tag);
    auto& invite = call.invite;
    invite.method = "INVITE";
    invite.uri = given.target;
    invite.headers = std::move(given.headers);
    add_missing(invite, "Max-Forwards", "70");
    invite.add("From", sip::write_name_address(from));
    invite.add("To", sip::write_name_address(given.to ? *given.to : sip::NameAddress{{}, given.target}));
    invite.add("Call-ID", call.call_id);
    invite.add("Contact", call.contact);
    add_missing(invite, "Allow", std::string(kAllowOfPhone));
    add_missing(invite, "User-Agent", state_->settings.user_agent);
    add_body(invite, given.sdp);
    call.given = std::move(given);
    state_->by_tag[call.local_tag] = call.number.value;
    const auto number = call.number;
    if (auto sent = state_->invite(call); !sent) {
        state_->erase(call);
        return tl::unexpected(std::move(sent).error());
    }
    return number;
}

void Phone::ring(CallNumber number, int status, std::vector<HeaderField> headers) {
    auto* call = state_->find(number.value);
    if (call == nullptr || call->ours || call->up) return;
    auto response = state_->response_to(*call->invited, status, {}, call->local_tag);
    for (auto& field : headers) response.headers.push_back(std::move(field));
    add_missing(response, "Contact", call->contact);
    state_->respond(call->transaction, response);
}

void Phone::answer(CallNumber number, std::string sdp, std::vector<HeaderField> headers) {
    if (auto* call = state_->find(number.value)) state_->answer(*call, std::move(sdp), std::move(headers));
}

void Phone::refuse(CallNumber number, int status, std::string reason, std::vector<HeaderField> headers) {
    if (auto* call = state_->find(number.value))
        state_->refuse(*call, status, std::move(reason), std::move(headers));
}

void Phone::hang_up(CallNumber number, std::vector<HeaderField> headers) {
    if (auto* call = state_->find(number.value)) state_->hang_up(*call, std::move(headers));
}

void Phone::send_within(CallNumber number, std::string method, std::vector<HeaderField> headers,
                        std::string body, std::function<void(int)> done) {
    auto* call = state_->find(number.value);
    if (call == nullptr || !call->up || call->ending) return;
    state_->send_within(*call, std::make_shared<State::Within>(
                                   State::Within{std::move(method), std::move(headers), std::move(body),
                                                 std::move(done), call->confirmed()->id()}));
}

std::string Phone::remote_sdp(CallNumber number) const {
    const auto* call = state_->find(number.value);
    return call == nullptr ? std::string() : call->remote_sdp;
}

std::string Phone::call_id(CallNumber number) const {
    const auto* call = state_->find(number.value);
    return call == nullptr ? std::string() : call->call_id;
}

void Phone::drop_connection(CallNumber number) {
    const auto* call = state_->find(number.value);
    if (call != nullptr && call->flow) state_->stack.transports().close(*call->flow, "dropped");
}

void Phone::forget_connection(CallNumber number) {
    auto* call = state_->find(number.value);
    if (call == nullptr) return;
    call->forgets_connection = true;
    call->flow.reset();
}

std::size_t Phone::calls() const { return state_->calls.size(); }

void Phone::after(std::chrono::milliseconds delay, std::function<void()> work) {
    const auto owner = kOfAfter | ++state_->last_later;
    state_->later[owner] = std::move(work);
    state_->stack.set_timer({owner, 0}, Loop::now() + delay);
}

}  // namespace callchain::simulator
