#include "gateway/call_driver.hpp"

#include "base/text.hpp"
#include "gateway/call_driver_state.hpp"
#include "sip/raw_reader.hpp"

#include <utility>

namespace callchain::gateway {

StackSettings CallDriver::State::stack_settings() {
    auto of_stack = settings.stack;
    of_stack.answers_unreadable = [this](const FlowInfo& flow) { return is_known(flow); };
    return of_stack;
}

StackEvents CallDriver::State::stack_events() {
    StackEvents up;
    up.on_request = [this](const IncomingRequest& in) { on_request(in); };
    up.on_ack = [this](const sip::Received& ack, const FlowInfo& flow) { on_ack(ack, flow); };
    up.on_cancel = [this](const IncomingRequest& in, std::optional<TransactionId> cancelled) {
        on_cancel(in, cancelled);
    };
    up.on_response = [this](RequestId id, const sip::Received& response, const FlowInfo& flow) {
        on_response(id, response, flow);
    };
    up.on_failure = [this](RequestId id, const RequestFailure& failure) { on_failure(id, failure); };
    up.on_late_answer = [this](const sip::Received& response, const FlowInfo& flow) {
        on_late_answer(response, flow);
    };
    up.on_not_acknowledged = [this](TransactionId id) {
        if (const auto found = by_invite.find(id); found != by_invite.end())
            if (auto* entry = find(found->second.call))
                perform(entry->number, entry->call->on_not_acknowledged(id, moment()));
    };
    up.on_timer = [this](UserTimer timer) { on_timer(timer); };
    up.on_flow_closed = [this](const FlowInfo& flow, const std::string&) { dialog_flows.erase(flow.id); };
    up.on_remark = [this](const std::string& what, const std::string& detail) {
        remark(DriverEvents::Level::warn, what, {{"detail", detail}});
    };
    up.on_trace = [this](const TracedMessage& message) {
        if (trace) on_trace(message);
    };
    return up;
}

// ---- from the stack ----

std::optional<Place> CallDriver::State::place_of(const sip::Received& request) const {
    const auto tag = request.to.tag();
    if (!tag) return std::nullopt;
    const auto found = by_tag.find(*tag);
    return found == by_tag.end() ? std::nullopt : std::optional(found->second);
}

void CallDriver::State::on_request(const IncomingRequest& in) {
    if (!in.request.to.tag()) return outside(in);
    if (const auto place = place_of(in.request)) return within(in, *place);
    if (!is_known(in.flow)) {
        remark_not_here(in, not_here_for_strangers, "nothing");
        return ignore(in.flow, "a stranger's request belongs to no call");
    }
    remark_not_here(in, not_here, "481");
    answer(in, 481);
}

void CallDriver::State::within(const IncomingRequest& in, Place place) {
    auto* entry = find(place.call);
    auto accepted = stack.accept(in);
    if (entry == nullptr || !accepted) return;
    if (in.request.message.method == "INVITE") {
        forget_done_invites(*entry);
        by_invite[*accepted] = place;
        entry->invites.push_back(*accepted);
    }
    step_by(*entry, place.leg, in.flow, in.request,
            [&](b2bua::Call& call) { return call.on_request(place.leg, in.request, *accepted, moment()); });
}

void CallDriver::State::on_ack(const sip::Received& ack, const FlowInfo& flow) {
    const auto place = place_of(ack);
    if (!place) {
        // The ACK to a refusal without a transaction, or to nothing: neither is answered.
        if (!is_known(flow)) ignore(flow, "a stranger's ACK belongs to no call");
        return;
    }
    auto* entry = find(place->call);
    if (entry == nullptr) return;
    step_by(*entry, place->leg, flow, ack,
            [&](b2bua::Call& call) { return call.on_ack(place->leg, ack, moment()); });
}

void CallDriver::State::on_cancel(const IncomingRequest& in, std::optional<TransactionId> cancelled) {
    const auto found = cancelled ? by_invite.find(*cancelled) : by_invite.end();
    auto* entry = found == by_invite.end() ? nullptr : find(found->second.call);
    if (entry == nullptr) {
        if (!is_known(in.flow)) return ignore(in.flow, "a stranger's CANCEL means no call");
        return answer(in, 481);
    }
    const auto place = found->second;
    auto accepted = stack.accept(in);
    if (!accepted) return;
    perform(place.call, entry->call->on_cancel(place.leg, in.request, *accepted, *cancelled, moment()));
}

void CallDriver::State::on_response(RequestId id, const sip::Received& response, const FlowInfo& flow) {
    const auto found = by_request.find(id);
    if (found == by_request.end()) return;
    const auto asked = found->second;
    auto* entry = find(asked.call);
    if (entry == nullptr) return;
    // Of an INVITE more may come behind its final answer.
    if (response.message.status >= 200 && response.cseq.method != "INVITE") {
        by_request.erase(found);
        std::erase_if(entry->requests, [id](const auto& one) { return one.second == id; });
    }
    step_by(*entry, asked.leg, flow, response,
            [&](b2bua::Call& call) { return call.on_response(asked.number, response, moment()); });
}

void CallDriver::State::on_failure(RequestId id, const RequestFailure& failure) {
    const auto found = by_request.find(id);
    if (found == by_request.end()) return;
    const auto asked = found->second;
    by_request.erase(found);
    auto* entry = find(asked.call);
    if (entry == nullptr) return;
    const auto fault = failure.kind == RequestFailure::Kind::timeout ? b2bua::RequestFault::timeout
                                                                     : b2bua::RequestFault::transport;
    perform(asked.call, entry->call->on_failure(asked.number, fault, failure.why, moment()));
}

void CallDriver::State::on_late_answer(const sip::Received& response, const FlowInfo& flow) {
    const auto found = by_call_id.find(response.call_id);
    if (found == by_call_id.end()) return;
    auto* entry = find(found->second);
    if (entry == nullptr) return;
    step_by(*entry, Leg::b, flow, response,
            [&](b2bua::Call& call) { return call.on_late_answer(response, moment()); });
}

void CallDriver::State::on_timer(UserTimer timer) {
    if (auto* entry = find(timer.owner))
        perform(entry->number, entry->call->on_timer(static_cast<b2bua::CallTimer>(timer.which), moment()));
}

void CallDriver::State::on_trace(const TracedMessage& message) const {
    if (!events.on_trace) return;
    if (!settings.trace_call.empty()) {
        const auto raw = sip::read_raw(message.bytes);
        const auto has = [this](const std::string& text) {
            return text.find(settings.trace_call) != std::string::npos;
        };
        if (!raw || (!has(raw->call_id) && !has(raw->from) && !has(raw->to))) return;
    }
    events.on_trace(message);
}

// ---- what a call decides ----

void CallDriver::State::perform(std::uint64_t number, b2bua::CallActions actions) {
    for (auto& action : actions) {
        // Looked up each time: what is performed may lead to the end of it.
        auto* entry = find(number);
        if (entry == nullptr) return;
        std::visit([this, entry](auto& one) { perform(*entry, std::move(one)); }, action);
    }
}

void CallDriver::State::perform(Entry& entry, b2bua::Respond action) {
    if (auto sent = stack.respond(action.transaction, action.response); !sent)
        remark(DriverEvents::Level::warn, "an answer that cannot be written",
               {{"callchain_id", entry.call->id()}, {"detail", sent.error().message}});
}

void CallDriver::State::perform(Entry& entry, b2bua::SendRequest action) {
    std::string why;
    if (auto destination = sip::destination_of(action.next_hop, entry.transport_out(action.leg))) {
        auto sent = stack.send({.message = std::move(action.message),
                                .flow = way_to(entry, action.leg),
                                .destination = *std::move(destination)});
        if (sent) {
            by_request[*sent] = {entry.number, action.number, action.leg};
            entry.requests.emplace_back(action.number, *sent);
            return;
        }
        why = sent.error().message;
    } else {
        why = destination.error().message;
    }
    // Never from within.
    loop.post([weak = weak_from_this(), number = entry.number, request = action.number, why] {
        const auto self = weak.lock();
        auto* late = self ? self->find(number) : nullptr;
        if (late == nullptr) return;
        self->perform(number,
                      late->call->on_failure(request, b2bua::RequestFault::transport, why, self->moment()));
    });
}

void CallDriver::State::perform(Entry& entry, const b2bua::CancelRequest& action) {
    for (const auto& [number, id] : entry.requests)
        if (number == action.number) return stack.cancel(id);
}

void CallDriver::State::perform(Entry& entry, b2bua::SendAck action) {
    auto destination = sip::destination_of(action.next_hop, entry.transport_out(action.leg));
    if (!destination)
        return remark(DriverEvents::Level::warn, "an ACK has no address",
                      {{"callchain_id", entry.call->id()}, {"detail", destination.error().message}});
    stack.send_ack({.message = std::move(action.message),
                    .flow = way_to(entry, action.leg),
                    .destination = *std::move(destination)});
}

void CallDriver::State::perform(Entry& entry, const b2bua::SetCallTimer& action) {
    stack.set_timer({entry.number, static_cast<std::uint32_t>(action.timer)}, action.due);
}

void CallDriver::State::perform(Entry& entry, const b2bua::StopCallTimer& action) {
    stack.stop_timer({entry.number, static_cast<std::uint32_t>(action.timer)});
}

void CallDriver::State::perform(Entry& entry, b2bua::Remark action) {
    action.fields.insert(action.fields.begin(), {"callchain_id", entry.call->id()});
    remark(action.level == b2bua::Remark::Level::warn ? DriverEvents::Level::warn : DriverEvents::Level::info,
           action.what, std::move(action.fields));
}

void CallDriver::State::perform(Entry& entry, const b2bua::CallOver&) {
    entry.over = true;
    --active;
    if (events.on_call) events.on_call(entry.call->record());
    if (draining && active == 0) tell_drained();
}

void CallDriver::State::perform(Entry& entry, const b2bua::Forget&) {
    const auto& call = *entry.call;
    for (const auto& invite : entry.invites) by_invite.erase(invite);
    for (const auto& [number, id] : entry.requests) by_request.erase(id);
    by_tag.erase(call.local_tag(Leg::a));
    by_tag.erase(call.local_tag(Leg::b));
    by_call_id.erase(call.call_id(Leg::b));
    ids.erase(call.id());
    for (std::uint32_t timer = 0; timer <= static_cast<std::uint32_t>(b2bua::CallTimer::forget); ++timer)
        stack.stop_timer({entry.number, timer});
    calls.erase(entry.number);
}

void CallDriver::State::tell_drained() {
    if (std::exchange(told_drained, true)) return;
    loop.post([weak = weak_from_this()] {
        const auto self = weak.lock();
        if (self && self->events.on_drained) self->events.on_drained();
    });
}

// Where nobody said how we can be reached: as we are bound, which is right on loopback.
void CallDriver::State::fill_in_address(const std::vector<BoundAddress>& bound) {
    if (bound.empty()) return;
    const auto& first = bound.front().endpoint;
    for (auto* of : {&settings.inward, settings.outward ? &*settings.outward : nullptr}) {
        if (of == nullptr || !of->advertised_host.empty()) continue;
        of->advertised_host = bracketed(first.address);
        of->advertised_port = first.port;
    }
}

// ---- the public side ----

CallDriver::CallDriver(Loop& loop, DriverSettings settings, DriverEvents events,
                       std::function<std::string(std::size_t)> random)
    : state_(std::make_shared<State>(loop, std::move(settings), std::move(events), std::move(random))) {}
CallDriver::~CallDriver() = default;

Result<std::vector<BoundAddress>> CallDriver::listen() {
    auto bound = CALLCHAIN_TRY(state_->stack.listen());
    state_->fill_in_address(bound);
    return bound;
}

void CallDriver::drain() {
    state_->draining = true;
    if (state_->active == 0) state_->tell_drained();
}

void CallDriver::hang_up_all() {
    state_->draining = true;
    std::vector<std::uint64_t> numbers;
    for (const auto& [number, entry] : state_->calls)
        if (!entry.over) numbers.push_back(number);
    for (const auto number : numbers)
        if (auto* entry = state_->find(number))
            state_->perform(number, entry->call->hang_up(b2bua::CallEnd::stopped, state_->moment()));
    if (state_->active == 0) state_->tell_drained();
}

Result<void> CallDriver::reload_tls() { return state_->stack.transports().reload_tls(); }
bool CallDriver::tls_files_changed() const { return state_->stack.transports().tls_files_changed(); }
std::optional<std::chrono::sys_seconds> CallDriver::certificate_ends() const {
    return state_->stack.transports().certificate_ends();
}
void CallDriver::set_trace(bool on) { state_->trace = on; }

DriverCounts CallDriver::counts() const {
    return {.calls = state_->active,
            .remembered = state_->calls.size(),
            .transactions = state_->stack.transactions(),
            .timers = state_->loop.timers(),
            .total = state_->last_number,
            .transports = state_->stack.transports().counts()};
}

}  // namespace callchain::gateway
