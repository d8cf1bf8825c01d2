#include "gateway/sip_stack.hpp"

#include "base/text.hpp"
#include "encoding/text_codings.hpp"
#include "sip/raw_reader.hpp"
#include "sip/transaction_messages.hpp"

#include <map>
#include <unordered_map>
#include <utility>

namespace callchain::gateway {
namespace {

using sip::TransactionId;

constexpr std::string_view kCookie = "z9hG4bK";
constexpr std::size_t kBranchBytes = 16;
// Timers of transactions, of requests of ours and of the user share one queue; the top bits tell them apart.
constexpr std::uint64_t kOfRequest = std::uint64_t{1} << 63U;
constexpr std::uint64_t kOfUser = std::uint64_t{1} << 62U;

struct IdHash {
    std::size_t operator()(TransactionId id) const { return static_cast<std::size_t>(id.value); }
    std::size_t operator()(RequestId id) const { return static_cast<std::size_t>(id.value); }
};

// A request of ours until its final answer.
struct Pending {
    OutgoingRequest request;
    sip::Failover failover{{}};
    bool resolved = false;  // the destination's addresses are in `failover`
    std::optional<TransactionId> transaction;
    bool answered = false;  // a 1xx has come: no other address is tried any more
    bool cancelled = false;
    bool on_flow = false;  // this attempt goes by request.flow
    std::string last_trouble;
};

SendTarget send_target(const sip::Target& target) {
    return {target.transport, {target.address, target.port}, target.identity};
}

bool is_invite(const sip::Message& message) { return message.method == "INVITE"; }

}  // namespace

struct SipStack::State : std::enable_shared_from_this<SipStack::State> {
    State(Loop& of_loop, StackSettings of_stack, StackEvents of_user,
          std::function<std::string(std::size_t)> random_bytes)
        : loop(of_loop),
          settings(std::move(of_stack)),
          events(std::move(of_user)),
          random(std::move(random_bytes)),
          layer(settings.timers),
          resolver(of_loop, settings.dns),
          transports(of_loop, settings.transports, transport_events()) {
        loop.on_timer([this](sip::TimerId id) { timer_due(id); });
    }

    TransportEvents transport_events();

    // From below.
    void receive(const FlowInfo& flow, sip::Received message);
    void refuse_unreadable(const FlowInfo& flow, const sip::Unreadable& fault, std::string_view bytes);
    void flow_closed(const FlowInfo& flow, const std::string& why);
    void timer_due(sip::TimerId id);
    void remark(const std::string& what, const std::string& detail) const {
        if (events.on_remark) events.on_remark(what, detail);
    }

    // What the layer wants done.
    void perform(sip::LayerActions actions);
    void perform(sip::SendBytes send);
    void perform(const sip::SetTimer& set) {
        loop.set_timer({set.transaction.value, static_cast<std::uint32_t>(set.timer)}, set.due);
    }
    void perform(const sip::StopTimer& stop) {
        loop.stop_timer({stop.transaction.value, static_cast<std::uint32_t>(stop.timer)});
    }
    void perform(sip::RequestReceived received);
    void perform(sip::AckReceived received);
    void perform(sip::CancelReceived received);
    void perform(sip::ResponseReceived received);
    void perform(sip::StrayResponse stray);
    void perform(const sip::TimedOut& out);
    void perform(const sip::TransportFailed& failed);
    void perform(const sip::NotAcknowledged& none) const {
        if (events.on_not_acknowledged) events.on_not_acknowledged(none.transaction);
    }
    void perform(const sip::NotDelivered&) const {}  // the peer repeats what it misses
    void perform(const sip::UnexpectedEvent& event) const {
        remark("impossible event in a transaction", std::string(sip::name_of(event.machine)) + ", " +
                                                        std::string(sip::name_of(event.state)) + ", " +
                                                        std::string(sip::name_of(event.event)));
    }
    void perform(const sip::TransactionEnded& ended) { clients.erase(ended.transaction); }

    // Requests of ours.
    void attempt(RequestId id);
    void attempt_on(RequestId id, const FlowInfo& flow);
    void open(RequestId id);
    void attempt_failed(RequestId id, sip::TargetFailure failure, const std::string& why);
    void give_up(RequestId id, RequestFailure::Kind kind);
    Pending* find(RequestId id) {
        const auto found = pending.find(id);
        return found == pending.end() ? nullptr : &found->second;
    }
    std::optional<RequestId> owner_of(TransactionId id) const {
        const auto found = clients.find(id);
        return found == clients.end() ? std::nullopt : std::optional(found->second);
    }
    void forget(RequestId id);

    [[nodiscard]] sip::Via our_via(const FlowInfo& flow) const;
    void send_ack_on(const FlowInfo& flow, sip::Message ack);
    void stop_first_answer(RequestId id) { loop.stop_timer({kOfRequest | id.value, 0}); }

    Loop& loop;
    const StackSettings settings;
    const StackEvents events;
    const std::function<std::string(std::size_t)> random;
    sip::TransactionLayer layer;
    Resolver resolver;
    Transports transports;
    std::unordered_map<RequestId, Pending, IdHash> pending;
    std::unordered_map<TransactionId, RequestId, IdHash> clients;  // of attempts that run
    std::uint64_t last_request = 0;
};

TransportEvents SipStack::State::transport_events() {
    TransportEvents up;
    up.on_message = [this](const FlowInfo& flow, sip::Received message) {
        receive(flow, std::move(message));
    };
    up.on_unreadable = [this](const FlowInfo& flow, const sip::Unreadable& fault, std::string_view bytes) {
        refuse_unreadable(flow, fault, bytes);
    };
    up.on_closed = [this](const FlowInfo& flow, const std::string& why) { flow_closed(flow, why); };
    up.on_refused = [this](Transport transport, const Endpoint& peer, const std::string& why) {
        remark("connection refused", std::string(name_of(transport)) + " from " + text_of(peer) + ": " + why);
    };
    up.on_trace = events.on_trace;
    return up;
}

// ---- from below ----

void SipStack::State::receive(const FlowInfo& flow, sip::Received message) {
    if (message.message.is_request()) sip::note_source(message, flow.peer.address, flow.peer.port);
    perform(layer.receive(std::move(message), flow.flow(), Loop::now()));
}

// Answered from the bytes, since nothing else could be read of it. Source: RFC 3261 section 8.2.6.
void SipStack::State::refuse_unreadable(const FlowInfo& flow, const sip::Unreadable& fault,
                                        std::string_view bytes) {
    remark("message that cannot be read", "from " + text_of(flow.peer) + ": " + fault.why);
    if (!fault.answer) return;
    const auto raw = sip::read_raw(bytes);
    if (!raw) return;
    const auto response =
        sip::raw_response(*raw, *fault.answer, fault.reason, encoding::to_hex(random(kBranchBytes)));
    if (!response) return;
    auto send = sip::TransactionLayer::answer_statelessly(*response, flow.flow());
    if (send) perform(*std::move(send));
}

void SipStack::State::flow_closed(const FlowInfo& flow, const std::string& why) {
    perform(layer.flow_failed(flow.id, Loop::now()));
    if (events.on_flow_closed) events.on_flow_closed(flow, why);
}

void SipStack::State::timer_due(sip::TimerId id) {
    if ((id.owner & kOfRequest) != 0) {
        const RequestId request{id.owner & ~kOfRequest};
        // It may still be answered: then it is cancelled, or its 2xx is a late one.
        const auto* one = find(request);
        if (one != nullptr && one->transaction) perform(layer.cancel(*one->transaction, Loop::now()));
        return attempt_failed(request, sip::TargetFailure::timeout, "no answer");
    }
    if ((id.owner & kOfUser) != 0) {
        if (events.on_timer) events.on_timer({id.owner & ~kOfUser, id.which});
        return;
    }
    perform(layer.timer_due({id.owner}, static_cast<sip::TransactionTimer>(id.which), Loop::now()));
}

// ---- what the layer wants done ----

void SipStack::State::perform(sip::LayerActions actions) {
    for (auto& action : actions) std::visit([this](auto& one) { perform(std::move(one)); }, action);
}

void SipStack::State::perform(sip::SendBytes send) {
    if (send.flow && transports.send(*send.flow, std::move(send.bytes))) return;
    if (send.transaction) perform(layer.send_failed(*send.transaction, Loop::now()));
}

void SipStack::State::perform(sip::RequestReceived received) {
    const auto flow = transports.find(received.flow.id);
    if (!flow) return;
    events.on_request({std::move(received.request), *flow, received.merged_with});
}

void SipStack::State::perform(sip::AckReceived received) {
    const auto flow = transports.find(received.flow.id);
    if (flow && events.on_ack) events.on_ack(std::move(received), *flow);
}

void SipStack::State::perform(sip::CancelReceived received) {
    const auto flow = transports.find(received.flow.id);
    if (flow && events.on_cancel) events.on_cancel({std::move(received.cancel), *flow}, received.cancelled);
}

void SipStack::State::perform(sip::ResponseReceived received) {
    const auto flow = transports.find(received.flow.id);
    if (!flow) return;
    const auto id = owner_of(received.transaction);
    const int status = received.response.message.status;
    auto* one = id ? find(*id) : nullptr;
    // Of an attempt that was given up, or another 2xx behind the first.
    if (one == nullptr || one->transaction != received.transaction) {
        if (status < 200 || status >= 300 || received.response.cseq.method != "INVITE") return;
        if (id && one == nullptr && events.on_response)
            return events.on_response(*id, std::move(received.response), *flow);
        if (events.on_late_answer) events.on_late_answer(std::move(received.response), *flow);
        return;
    }
    stop_first_answer(*id);
    one->answered = true;
    if (status == 503 && !one->cancelled && one->failover.current() != nullptr && !one->on_flow) {
        one->answered = false;
        const auto* next = one->failover.next(sip::TargetFailure::unavailable);
        if (next != nullptr) {
            clients.erase(received.transaction);
            one->transaction.reset();
            return open(*id);
        }
    }
    if (status >= 200) pending.erase(*id);
    if (status != 100) events.on_response(*id, std::move(received.response), *flow);
}

void SipStack::State::perform(sip::StrayResponse stray) {
    const auto flow = transports.find(stray.flow.id);
    const int status = stray.response.message.status;
    const bool is_call = stray.response.cseq.method == "INVITE" && status >= 200 && status < 300;
    if (flow && is_call && events.on_late_answer) events.on_late_answer(std::move(stray.response), *flow);
}

void SipStack::State::perform(const sip::TimedOut& out) {
    const auto id = owner_of(out.transaction);
    if (auto* one = id ? find(*id) : nullptr; one != nullptr && one->transaction == out.transaction)
        attempt_failed(*id, sip::TargetFailure::timeout, "no answer");
}

void SipStack::State::perform(const sip::TransportFailed& failed) {
    const auto id = owner_of(failed.transaction);
    if (auto* one = id ? find(*id) : nullptr; one != nullptr && one->transaction == failed.transaction)
        attempt_failed(*id, sip::TargetFailure::connect, "the connection broke");
}

// ---- requests of ours ----

sip::Via SipStack::State::our_via(const FlowInfo& flow) const {
    sip::Via via;
    via.transport = std::string(name_of(flow.transport));
    via.host = settings.sent_by;
    if (via.host.empty()) {
        const bool ipv6 = flow.local.address.find(':') != std::string::npos;
        via.host = ipv6 ? "[" + flow.local.address + "]" : flow.local.address;
        via.port = flow.local.port;
    }
    via.parameters.set("branch", std::string(kCookie) + encoding::to_hex(random(kBranchBytes)));
    via.parameters.set("rport", std::nullopt);
    return via;
}

// The next thing to try: the flow that was given, else the addresses in their order.
void SipStack::State::attempt(RequestId id) {
    auto* one = find(id);
    if (one == nullptr) return;
    if (one->request.flow) {
        const auto flow = transports.find(*std::exchange(one->request.flow, std::nullopt));
        if (flow) {
            one->on_flow = true;
            return attempt_on(id, *flow);
        }
    }
    one->on_flow = false;
    if (one->resolved) return open(id);
    resolver.resolve(one->request.destination,
                     [weak = weak_from_this(), id](Result<std::vector<sip::Target>> targets) {
                         const auto self = weak.lock();
                         auto* waiting = self ? self->find(id) : nullptr;
                         if (waiting == nullptr) return;
                         waiting->resolved = true;
                         if (targets)
                             waiting->failover = sip::Failover(*std::move(targets));
                         else
                             waiting->last_trouble = targets.error().message;
                         self->open(id);
                     });
}

void SipStack::State::open(RequestId id) {
    auto* one = find(id);
    if (one == nullptr) return;
    const auto* target = one->failover.current();
    if (target == nullptr || one->cancelled) return give_up(id, RequestFailure::Kind::transport);
    transports.open(send_target(*target), [weak = weak_from_this(), id](Result<FlowInfo> flow) {
        const auto self = weak.lock();
        if (!self || self->find(id) == nullptr) return;
        if (flow) return self->attempt_on(id, *flow);
        self->attempt_failed(id, sip::TargetFailure::connect, flow.error().message);
    });
}

void SipStack::State::attempt_on(RequestId id, const FlowInfo& flow) {
    auto& one = *find(id);
    if (one.cancelled) return give_up(id, RequestFailure::Kind::transport);
    auto created = layer.create_client({one.request.message, our_via(flow), flow.id, flow.flow().reliability},
                                       Loop::now());
    if (!created) {  // send() has proved that it can be written
        one.last_trouble = created.error().message;
        return give_up(id, RequestFailure::Kind::transport);
    }
    one.transaction = created->id;
    clients[created->id] = id;
    if (is_invite(one.request.message))
        loop.set_timer({kOfRequest | id.value, 0}, Loop::now() + settings.first_answer);
    perform(std::move(created->actions));
}

void SipStack::State::attempt_failed(RequestId id, sip::TargetFailure failure, const std::string& why) {
    auto* one = find(id);
    if (one == nullptr) return;
    stop_first_answer(id);
    one->last_trouble = why;
    const auto kind = failure == sip::TargetFailure::timeout ? RequestFailure::Kind::timeout
                                                             : RequestFailure::Kind::transport;
    // What was answered once is not sent to somebody else as well.
    if (one->answered || one->cancelled) return give_up(id, kind);
    one->transaction.reset();
    if (one->on_flow) return attempt(id);
    if (one->failover.next(failure) == nullptr) return give_up(id, kind);
    open(id);
}

void SipStack::State::give_up(RequestId id, RequestFailure::Kind kind) {
    const auto node = pending.extract(id);
    if (node.empty()) return;
    stop_first_answer(id);
    const auto& one = node.mapped();
    auto why = one.failover.history();
    if (why.empty() || !one.last_trouble.empty())
        why += (why.empty() ? "" : "; ") + (one.last_trouble.empty() ? "cancelled" : one.last_trouble);
    // Never from within send().
    loop.post([weak = weak_from_this(), id, kind, why] {
        if (const auto self = weak.lock(); self && self->events.on_failure)
            self->events.on_failure(id, {kind, why});
    });
}

void SipStack::State::send_ack_on(const FlowInfo& flow, sip::Message ack) {
    ack.headers.insert(ack.headers.begin(), {"Via", sip::write_via(our_via(flow))});
    if (auto bytes = sip::write_message(ack)) static_cast<void>(transports.send(flow.id, *std::move(bytes)));
}

// ---- the public side ----

SipStack::SipStack(Loop& loop, StackSettings settings, StackEvents events,
                   std::function<std::string(std::size_t)> random)
    : state_(std::make_shared<State>(loop, std::move(settings), std::move(events), std::move(random))) {}
SipStack::~SipStack() { state_->loop.on_timer({}); }

Result<std::vector<BoundAddress>> SipStack::listen() { return state_->transports.listen(); }

Result<TransactionId> SipStack::accept(const IncomingRequest& request) {
    return state_->layer.create_server(request.request, request.flow.flow());
}

Result<void> SipStack::respond(TransactionId id, const sip::Message& response) {
    state_->perform(CALLCHAIN_TRY(state_->layer.respond(id, response, Loop::now())));
    return {};
}

Result<void> SipStack::respond_statelessly(const IncomingRequest& request, const sip::Message& response) {
    state_->perform(CALLCHAIN_TRY(sip::TransactionLayer::answer_statelessly(response, request.flow.flow())));
    return {};
}

std::optional<sip::TransactionState> SipStack::state_of(TransactionId id) const {
    return state_->layer.state_of(id);
}

Result<RequestId> SipStack::send(OutgoingRequest request) {
    CALLCHAIN_TRY(sip::write_message(request.message));
    if (!request.message.is_request() || request.message.method == "ACK" ||
        request.message.method == "CANCEL")
        return fail(ErrorCode::bad_input, "this is no request that makes a transaction of its own");
    const RequestId id{++state_->last_request};
    state_->pending[id].request = std::move(request);
    state_->loop.post([weak = std::weak_ptr(state_), id] {
        if (const auto self = weak.lock()) self->attempt(id);
    });
    return id;
}

void SipStack::cancel(RequestId id) {
    auto* one = state_->find(id);
    if (one == nullptr || one->cancelled) return;
    one->cancelled = true;
    // Without a transaction there is nothing to cancel: the attempt ends when its turn comes.
    if (one->transaction) state_->perform(state_->layer.cancel(*one->transaction, Loop::now()));
}

void SipStack::send_ack(OutgoingRequest ack) {
    if (ack.flow) {
        if (const auto flow = state_->transports.find(*ack.flow))
            return state_->send_ack_on(*flow, std::move(ack.message));
    }
    state_->resolver.resolve(
        ack.destination, [weak = std::weak_ptr(state_),
                          message = std::move(ack.message)](Result<std::vector<sip::Target>> targets) {
            const auto self = weak.lock();
            if (!self || !targets || targets->empty()) return;
            self->transports.open(send_target(targets->front()), [weak, message](Result<FlowInfo> flow) {
                const auto stack = weak.lock();
                if (stack && flow) stack->send_ack_on(*flow, message);
            });
        });
}

void SipStack::set_timer(UserTimer timer, sip::SteadyTime due) {
    state_->loop.set_timer({kOfUser | timer.owner, timer.which}, due);
}
void SipStack::stop_timer(UserTimer timer) { state_->loop.stop_timer({kOfUser | timer.owner, timer.which}); }

Transports& SipStack::transports() { return state_->transports; }
std::size_t SipStack::transactions() const { return state_->layer.size(); }
std::size_t SipStack::requests() const { return state_->pending.size(); }

}  // namespace callchain::gateway
