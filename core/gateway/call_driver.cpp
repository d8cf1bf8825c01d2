#include "gateway/call_driver.hpp"

#include "b2bua/crossing.hpp"
#include "b2bua/rate_limit.hpp"
#include "base/callchain_id.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "sip/raw_reader.hpp"
#include "sip/response.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace callchain::gateway {
namespace {

using b2bua::Leg;
using sip::IdHash;
using sip::TransactionId;

constexpr std::string_view kStatelessTag = "callchain";
constexpr std::size_t kIdBytes = 12;
constexpr std::size_t kKeyBytes = 32;
constexpr double kMostRefusalRemarks = 10;  // a second
constexpr std::string_view kOwnMethods[] = {"INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "INFO"};

// What the driver has of one call.
struct Entry {
    std::uint64_t number = 0;
    const b2bua::CallSettings* settings = nullptr;
    std::unique_ptr<b2bua::Call> call;
    std::optional<sip::FlowId> flow_a;  // by which the leg last spoke
    std::optional<sip::FlowId> flow_b;
    std::vector<std::pair<b2bua::RequestNumber, RequestId>> requests;
    std::vector<TransactionId> invites;  // server transactions that a CANCEL may mean
    bool over = false;

    std::optional<sip::FlowId>& flow(Leg leg) { return leg == Leg::a ? flow_a : flow_b; }
    [[nodiscard]] Transport transport(Leg leg) const {
        return leg == Leg::a ? settings->transport_a : settings->transport_b;
    }
    /// Of a new connection to that leg. A balancer ends TLS for those that come in, not for those of ours.
    [[nodiscard]] Transport transport_out(Leg leg) const {
        return leg == Leg::a ? settings->advertised_transport.value_or(settings->transport_a)
                             : settings->transport_b;
    }
};

struct Place {
    std::uint64_t call = 0;
    Leg leg = Leg::a;
};
struct Asked {
    std::uint64_t call = 0;
    b2bua::RequestNumber number;
    Leg leg = Leg::b;
};

std::string_view own_method(std::string_view method) {
    for (const auto own : kOwnMethods)
        if (own == method) return own;
    return "other";
}

}  // namespace

struct CallDriver::State : std::enable_shared_from_this<CallDriver::State> {
    State(Loop& of_loop, DriverSettings given, DriverEvents of_user,
          std::function<std::string(std::size_t)> random_bytes)
        : loop(of_loop),
          settings(std::move(given)),
          events(std::move(of_user)),
          random(std::move(random_bytes)),
          random_number([this] {
              std::uint64_t value = 0;
              const auto bytes = random(sizeof value);
              std::memcpy(&value, bytes.data(), sizeof value);
              return value;
          }),
          admission(settings.admission, crypto::HmacKey(crypto::HashAlgorithm::sha256, random(kKeyBytes))),
          twilio(settings.twilio),
          stack(of_loop, stack_settings(), stack_events(), random) {
        for (const auto& account : settings.meta)
            meta.push_back({account.username, std::make_unique<sip::DigestClient>(account)});
        if (meta.empty())
            meta.emplace_back(std::string(), std::make_unique<sip::DigestClient>(sip::DigestAccount{}));
    }

    StackSettings stack_settings();
    StackEvents stack_events();

    // From the stack.
    void on_request(IncomingRequest in);
    void on_ack(const sip::AckReceived& received, const FlowInfo& flow);
    void on_cancel(const IncomingRequest& in, std::optional<TransactionId> cancelled);
    void on_response(RequestId id, const sip::Received& response, const FlowInfo& flow);
    void on_failure(RequestId id, const RequestFailure& failure);
    void on_late_answer(const sip::Received& response, const FlowInfo& flow);
    void on_timer(UserTimer timer);
    void on_trace(const TracedMessage& message) const;

    // Requests outside of dialogs.
    void outside(const IncomingRequest& in);
    void invited(const IncomingRequest& in);
    void begin(const IncomingRequest& in, const b2bua::Admission& admitted);
    void within(const IncomingRequest& in, Place place);
    void answer(const IncomingRequest& in, sip::Message response);
    void answer(const IncomingRequest& in, int status, std::vector<sip::HeaderField> headers = {});
    void ignore(const FlowInfo& flow, const std::string& why);
    [[nodiscard]] std::optional<Place> place_of(const sip::Received& request) const;
    /// Whom we called ourselves is known, list or not: other calls share that connection, and nothing that
    /// comes on it may end them.
    [[nodiscard]] bool is_known(const FlowInfo& flow) const {
        return flow.outbound || dialog_flows.contains(flow.id) || admission.knows(flow.peer.address);
    }
    void remark_refusal(const IncomingRequest& in, const std::string& why);
    sip::DigestClient& client_for(const b2bua::CallSettings& of, const sip::Received& invite);
    const b2bua::CallSettings& settings_for(bool inward, Transport transport);

    // What a call decides.
    void perform(std::uint64_t number, b2bua::CallActions actions);
    void perform(Entry& entry, b2bua::Respond action);
    void perform(Entry& entry, b2bua::SendRequest action);
    void perform(Entry& entry, const b2bua::CancelRequest& action);
    void perform(Entry& entry, b2bua::SendAck action);
    void perform(Entry& entry, const b2bua::SetCallTimer& action);
    void perform(Entry& entry, const b2bua::StopCallTimer& action);
    void perform(Entry& entry, b2bua::Remark action);
    void perform(Entry& entry, const b2bua::CallOver& action);
    void perform(Entry& entry, const b2bua::Forget& action);

    [[nodiscard]] b2bua::Moment moment() const {
        return {Loop::now(),
                std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now()),
                random_number};
    }
    Entry* find(std::uint64_t number) {
        const auto found = calls.find(number);
        return found == calls.end() ? nullptr : &found->second;
    }
    /// On the connection by which the leg last spoke; over UDP there is none.
    [[nodiscard]] std::optional<sip::FlowId> way_to(Entry& entry, Leg leg) {
        return entry.transport(leg) == Transport::udp ? std::nullopt : entry.flow(leg);
    }
    void note_flow(Entry& entry, Leg leg, const FlowInfo& flow) {
        entry.flow(leg) = flow.id;
        if (flow.transport != Transport::udp && !flow.outbound) dialog_flows.insert(flow.id);
    }
    /// What the step sends to that leg goes by the connection of the message that led to it; so does what
    /// comes later, where the message proves to be of the call.
    template <class Step>
    void step_by(Entry& entry, Leg leg, const FlowInfo& flow, const sip::Received& message, Step step) {
        const auto number = entry.number;
        const auto before = std::exchange(entry.flow(leg), flow.id);
        perform(number, step(*entry.call));
        auto* after = find(number);
        if (after == nullptr) return;
        if (after->call->is_of_call(leg, message)) return note_flow(*after, leg, flow);
        after->flow(leg) = before;
    }
    /// A peer may ask for the session again and again, for as long as the call is up.
    void forget_done_invites(Entry& entry) {
        std::erase_if(entry.invites,
                      [this](TransactionId id) { return !stack.state_of(id) && by_invite.erase(id) != 0; });
    }
    void fill_in_address(const std::vector<BoundAddress>& bound);
    void tell_drained();
    void remark(DriverEvents::Level level, std::string_view what,
                std::vector<std::pair<std::string_view, std::string>> fields) const {
        if (events.on_remark) events.on_remark(level, what, fields);
    }

    Loop& loop;
    DriverSettings settings;
    const DriverEvents events;
    const std::function<std::string(std::size_t)> random;
    const std::function<std::uint64_t()> random_number;
    b2bua::AdmissionControl admission;
    sip::DigestClient twilio;
    std::vector<std::pair<std::string, std::unique_ptr<sip::DigestClient>>> meta;

    std::array<std::array<std::optional<b2bua::CallSettings>, 3>, 2> by_transport;  // inward, outward
    std::unordered_map<std::uint64_t, Entry> calls;
    std::unordered_map<std::string, Place> by_tag;              // ours, of either leg
    std::unordered_map<std::string, std::uint64_t> by_call_id;  // of leg B
    std::unordered_map<TransactionId, Place, IdHash> by_invite;
    std::unordered_map<RequestId, Asked, IdHash> by_request;
    std::unordered_set<std::string> ids;                   // X-Callchain-Id of what is remembered
    std::unordered_set<sip::FlowId, IdHash> dialog_flows;  // inbound, on which a dialog's message came
    std::uint64_t last_number = 0;
    std::size_t active = 0;
    bool draining = false;
    bool told_drained = false;
    bool trace = false;
    b2bua::RateLimit refusal_remarks{kMostRefusalRemarks};
    std::size_t refusals_left_out = 0;
    SipStack stack;  // the last: its events need all of the above
};

StackSettings CallDriver::State::stack_settings() {
    auto of_stack = settings.stack;
    of_stack.answers_unreadable = [this](const FlowInfo& flow) { return is_known(flow); };
    return of_stack;
}

StackEvents CallDriver::State::stack_events() {
    StackEvents up;
    up.on_request = [this](IncomingRequest in) { on_request(std::move(in)); };
    up.on_ack = [this](const sip::AckReceived& received, const FlowInfo& flow) { on_ack(received, flow); };
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
    const auto found = by_tag.find(std::string(*tag));
    return found == by_tag.end() ? std::nullopt : std::optional(found->second);
}

void CallDriver::State::on_request(IncomingRequest in) {
    if (!in.request.to.tag()) return outside(in);
    if (const auto place = place_of(in.request)) return within(in, *place);
    if (!is_known(in.flow)) return ignore(in.flow, "a stranger's request belongs to no call");
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

void CallDriver::State::on_ack(const sip::AckReceived& received, const FlowInfo& flow) {
    const auto place = place_of(received.ack);
    if (!place) {
        // The ACK to a refusal without a transaction, or to nothing: neither is answered.
        if (!is_known(flow)) ignore(flow, "a stranger's ACK belongs to no call");
        return;
    }
    auto* entry = find(place->call);
    if (entry == nullptr) return;
    step_by(*entry, place->leg, flow, received.ack,
            [&](b2bua::Call& call) { return call.on_ack(place->leg, received.ack, moment()); });
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

// ---- requests outside of dialogs ----

void CallDriver::State::answer(const IncomingRequest& in, sip::Message response) {
    const int status = response.status;
    if (response.find("Server") == std::nullopt) response.add("Server", settings.user_agent);
    if (auto sent = stack.respond_statelessly(in, response); !sent)
        return remark(DriverEvents::Level::warn, "an answer that cannot be written",
                      {{"detail", sent.error().message}});
    if (events.on_answer) events.on_answer(own_method(in.request.message.method), status);
}

void CallDriver::State::answer(const IncomingRequest& in, int status, std::vector<sip::HeaderField> headers) {
    auto response = sip::make_response(in.request, status, {}, kStatelessTag);
    response.headers.insert(response.headers.end(), std::make_move_iterator(headers.begin()),
                            std::make_move_iterator(headers.end()));
    answer(in, std::move(response));
}

// Nothing is said; and who has no business here keeps no connection.
void CallDriver::State::ignore(const FlowInfo& flow, const std::string& why) {
    if (events.on_admission) events.on_admission("not_allowed");
    if (flow.transport != Transport::udp && !dialog_flows.contains(flow.id)) {
        loop.post([weak = weak_from_this(), id = flow.id, why] {
            if (const auto self = weak.lock()) self->stack.transports().close(id, why);
        });
    }
}

void CallDriver::State::outside(const IncomingRequest& in) {
    if (!is_known(in.flow)) {
        if (in.request.message.method == "INVITE") remark_refusal(in, "the address is on no list");
        return ignore(in.flow, "the address is on no list");
    }
    if (auto refusal = sip::check_request(in.request, {})) {
        auto response = sip::make_response(in.request, refusal->status, refusal->reason, kStatelessTag);
        response.headers.insert(response.headers.end(), refusal->headers.begin(), refusal->headers.end());
        return answer(in, std::move(response));
    }
    if (in.merged_with) return answer(in, 482);
    const auto& method = in.request.message.method;
    if (method == "INVITE") return invited(in);
    const sip::HeaderField allow{"Allow", std::string(b2bua::kAllow)};
    if (method == "OPTIONS") {
        if (draining) return answer(in, 503, {{"Retry-After", "10"}});
        std::vector<sip::HeaderField> headers{allow, {"Accept", "application/sdp"}};
        // How busy we are is no business of whoever finds the port.
        if (admission.is_listed(in.flow.peer.address) || config::is_loopback(in.flow.peer.address))
            headers.push_back({"X-Callchain-Calls",
                               std::to_string(active) + "/" + std::to_string(settings.admission.most_calls)});
        return answer(in, 200, std::move(headers));
    }
    if (method == "BYE" || method == "UPDATE" || method == "INFO" || method == "PRACK")
        return answer(in, 481);
    answer(in, 405, {allow});
}

void CallDriver::State::invited(const IncomingRequest& in) {
    if (in.request.contact.size() != 1 || in.request.contact_star) {
        auto response = sip::make_response(in.request, 400, "An INVITE needs one Contact", kStatelessTag);
        return answer(in, std::move(response));
    }
    if (const auto id = in.request.message.find(kCallchainIdHeader);
        id && ids.contains(std::string(trim(*id)))) {
        remark(DriverEvents::Level::warn, "a call came back to the gateway that it left: a loop",
               {{"callchain_id", std::string(trim(*id))},
                {"remedy", "the TwiML of the SIP Domain must not dial this gateway"}});
        return answer(in, 482);
    }
    const b2bua::Presence presence{in.flow.peer.address, active, draining};
    auto admitted = admission.judge(in.request, presence, Loop::now(), random_number());
    if (events.on_admission) events.on_admission(admitted.what);
    if (!admitted.why.empty()) remark_refusal(in, admitted.why);
    switch (admitted.kind) {
        case b2bua::Admission::Kind::admitted:
            return begin(in, admitted);
        case b2bua::Admission::Kind::answer:
            return answer(in, *std::move(admitted.response));
        case b2bua::Admission::Kind::drop:
            return;  // of an address that is on a list, or of which there is none: it may try again
    }
}

// A flood must not fill the log: the metrics count them all.
void CallDriver::State::remark_refusal(const IncomingRequest& in, const std::string& why) {
    if (!refusal_remarks.take(Loop::now())) {
        ++refusals_left_out;
        return;
    }
    const auto left_out = std::exchange(refusals_left_out, 0);
    remark(DriverEvents::Level::warn, "a call was not let in",
           {{"why", why},
            {"peer", text_of(in.flow.peer)},
            {"call_id", in.request.call_id},
            {"left_out", left_out == 0 ? std::string() : std::to_string(left_out)}});
}

sip::DigestClient& CallDriver::State::client_for(const b2bua::CallSettings& of, const sip::Received& invite) {
    if (of.direction == sdp::Direction::meta_to_twilio) return twilio;
    const auto& user = of.from_user == b2bua::FromUser::caller ? invite.from.uri.user : of.from_name;
    for (const auto& [name, client] : meta)
        if (!name.empty() && user.ends_with(name)) return *client;
    return *meta.front().second;
}

// As configured, but that leg A is spoken to by the transport it came by.
const b2bua::CallSettings& CallDriver::State::settings_for(bool inward, Transport transport) {
    auto& of = by_transport.at(inward ? 0 : 1).at(static_cast<std::size_t>(transport));
    if (!of) {
        of = inward ? settings.inward : *settings.outward;
        of->transport_a = transport;
    }
    return *of;
}

void CallDriver::State::begin(const IncomingRequest& in, const b2bua::Admission& admitted) {
    auto accepted = stack.accept(in);
    if (!accepted) return;
    const bool inward = admitted.direction == sdp::Direction::meta_to_twilio;
    const auto& of = settings_for(inward, in.flow.transport);
    // Of a call that Twilio sends the id may be there already.
    const auto given = in.request.message.find(kCallchainIdHeader);
    auto id = !inward && given && is_callchain_id(trim(*given)) ? std::string(trim(*given))
                                                                : make_callchain_id(random(kIdBytes));
    const auto number = ++last_number;
    auto& entry = calls[number];
    entry.number = number;
    entry.settings = &of;
    entry.call = std::make_unique<b2bua::Call>(of, client_for(of, in.request), std::move(id), in.request,
                                               *accepted, moment());
    entry.invites.push_back(*accepted);
    note_flow(entry, Leg::a, in.flow);
    const auto& call = *entry.call;
    by_invite[*accepted] = {number, Leg::a};
    by_tag[call.local_tag(Leg::a)] = {number, Leg::a};
    by_tag[call.local_tag(Leg::b)] = {number, Leg::b};
    by_call_id[call.call_id(Leg::b)] = number;
    ids.insert(call.id());
    ++active;
    const auto& record = call.record();
    remark(DriverEvents::Level::info, "call",
           {{"callchain_id", call.id()},
            {"direction", std::string(sdp::word_of(of.direction))},
            {"call_id", record.call_id_a},
            {"wacid", record.wacid},
            {"account", admitted.account},
            {"peer", text_of(in.flow.peer)},
            {"client_certificate", in.flow.client_name}});
    perform(number, entry.call->start(moment()));
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
                      late->call->on_failure(request, b2bua::RequestFault::timeout, why, self->moment()));
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
        const bool ipv6 = first.address.find(':') != std::string::npos;
        of->advertised_host = ipv6 ? "[" + first.address + "]" : first.address;
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
