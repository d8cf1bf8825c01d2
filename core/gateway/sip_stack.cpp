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

using sip::IdHash;
using sip::TransactionId;

constexpr std::string_view kCookie = "z9hG4bK";
constexpr std::size_t kBranchBytes = 16;
constexpr std::size_t kMostRemarks = 10;  // of one kind, a second
constexpr std::chrono::seconds kPauseTold{10};
constexpr std::size_t kLargeDatagram = 1'300;  // RFC 3261 section 18.1.1
// Timers of transactions, of requests of ours and of the user share one queue; the top bits tell them apart.
constexpr std::uint64_t kOfRequest = std::uint64_t{1} << 63U;
constexpr std::uint64_t kOfUser = std::uint64_t{1} << 62U;

// A request of ours until its final answer.
struct Pending {
    OutgoingRequest request;
    sip::Failover failover{{}};
    std::optional<TransactionId> transaction;
    bool answered = false;  // a 1xx has come: only a 503, which ends that attempt, leads to another address
    bool cancelled = false;
    bool on_flow = false;  // this attempt goes by request.flow
    std::string last_trouble;
    // The last 503 and who gave it: told where nobody else takes the request.
    struct Unavailable {
        sip::Received response;
        FlowInfo flow;
    };
    std::unique_ptr<Unavailable> unavailable = nullptr;
};

SendTarget send_target(const sip::Target& target) {
    return {target.transport, {target.address, target.port}, target.identity};
}

// Whoever has just answered 503 on a flow is not asked again.
std::vector<sip::Target> without(std::vector<sip::Target> targets, const Pending& one) {
    if (one.unavailable) {
        std::erase_if(targets, [&peer = one.unavailable->flow.peer](const sip::Target& target) {
            return Endpoint{target.address, target.port} == peer;
        });
    }
    return targets;
}

bool is_invite(const sip::Message& message) { return message.method == "INVITE"; }

bool is_success(const sip::Received& response) {
    const int status = response.message.status;
    return response.cseq.method == "INVITE" && status >= 200 && status < 300;
}

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
    void receive(const FlowInfo& flow, sip::Received&& message);
    void refuse_unreadable(const FlowInfo& flow, const sip::Unreadable& fault, std::string_view bytes);
    void flow_closed(const FlowInfo& flow, const std::string& why);
    void timer_due(sip::TimerId id);
    void remark(const std::string& what, const std::string& detail);

    // What the layer wants done.
    void perform(sip::LayerActions actions);
    void perform(sip::SendBytes&& send);
    void perform(const sip::SetTimer& set) {
        loop.set_timer({set.transaction.value, static_cast<std::uint32_t>(set.timer)}, set.due);
    }
    void perform(const sip::StopTimer& stop) {
        loop.stop_timer({stop.transaction.value, static_cast<std::uint32_t>(stop.timer)});
    }
    void perform(sip::RequestReceived&& received);
    void perform(sip::AckReceived&& received);
    void perform(sip::CancelReceived&& received);
    void perform(sip::ResponseReceived&& received);
    void perform(sip::StrayResponse&& stray);
    void perform(const sip::TimedOut& out);
    void perform(const sip::TransportFailed& failed);
    void perform(const sip::NotAcknowledged& none) const {
        if (events.on_not_acknowledged) events.on_not_acknowledged(none.transaction);
    }
    void perform(const sip::NotDelivered&) const {}  // the peer repeats what it misses
    void perform(const sip::UnexpectedEvent& event) {
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
    void try_elsewhere(RequestId id, sip::Received&& unavailable);
    void give_up(RequestId id, RequestFailure::Kind kind);
    Pending* find(RequestId id) {
        const auto found = pending.find(id);
        return found == pending.end() ? nullptr : &found->second;
    }
    std::optional<RequestId> owner_of(TransactionId id) const {
        const auto found = clients.find(id);
        return found == clients.end() ? std::nullopt : std::optional(found->second);
    }
    void leave_attempt(Pending& one);
    void note_size(const FlowInfo& flow, const sip::LayerActions& actions);

    [[nodiscard]] sip::Via our_via(const FlowInfo& flow) const;
    void open_for_ack(sip::Message ack, sip::Failover failover);
    void send_ack_on(const FlowInfo& flow, const sip::Message& ack);
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
    const FlowInfo* came_by = nullptr;  // the flow of the message that is being worked on

    // Of one kind of remark, within one second.
    struct Told {
        sip::SteadyTime since{};
        std::size_t count = 0;
    };
    std::map<std::string, Told> told;  // the kinds are ours, and few
    bool told_of_large_datagram = false;
    sip::SteadyTime tells_pause_from{};
};

// A scanner must not fill the log.
void SipStack::State::remark(const std::string& what, const std::string& detail) {
    if (!events.on_remark) return;
    auto& one = told[what];
    const auto now = Loop::now();
    if (now - one.since >= std::chrono::seconds(1)) {
        const auto left_out = one.count > kMostRemarks ? one.count - kMostRemarks : 0;
        one = {now, 0};
        if (left_out != 0) events.on_remark(what, count_of(left_out, "more") + " of these were left out");
    }
    if (++one.count <= kMostRemarks) events.on_remark(what, detail);
}

TransportEvents SipStack::State::transport_events() {
    TransportEvents up;
    up.on_message = [this](const FlowInfo& flow, sip::Received&& message) {
        receive(flow, std::move(message));
    };
    up.on_unreadable = [this](const FlowInfo& flow, const sip::Unreadable& fault, std::string_view bytes) {
        refuse_unreadable(flow, fault, bytes);
    };
    up.on_closed = [this](const FlowInfo& flow, const std::string& why) { flow_closed(flow, why); };
    up.on_refused = [this](Transport transport, const Endpoint& peer, const std::string& why) {
        remark("connection refused", std::string(name_of(transport)) + " from " + text_of(peer) + ": " + why);
    };
    up.on_accept_paused = [this](Transport, const std::string& why) {
        // It comes again every 100 ms while it lasts.
        if (Loop::now() < tells_pause_from) return;
        tells_pause_from = Loop::now() + kPauseTold;
        remark("accepting connections pauses: no descriptor is left",
               why + "; raise the limit of open files (ulimit -n, LimitNOFILE=)");
    };
    up.on_trace = events.on_trace;
    return up;
}

// ---- from below ----

void SipStack::State::receive(const FlowInfo& flow, sip::Received&& message) {
    if (message.message.is_request()) sip::note_source(message, flow.peer.address, flow.peer.port);
    // Kept, not looked for: what is sent first, such as the ACK to a refusal, may find the flow broken, and
    // the message counts all the same.
    auto* const before = std::exchange(came_by, &flow);
    perform(layer.receive(std::move(message), flow.flow(), Loop::now()));
    came_by = before;
}

// Answered from the bytes, since nothing else could be read of it. Source: RFC 3261 section 8.2.6.
void SipStack::State::refuse_unreadable(const FlowInfo& flow, const sip::Unreadable& fault,
                                        std::string_view bytes) {
    remark("message that cannot be read", "from " + text_of(flow.peer) + ": " + fault.why);
    if (settings.answers_unreadable && !settings.answers_unreadable(flow)) {
        if (flow.transport != Transport::udp)
            transports.close(flow.id, "a stranger's message cannot be read");
        return;
    }
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
        if (one == nullptr || !one->transaction) return;
        perform(layer.cancel(*one->transaction, Loop::now()));
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

void SipStack::State::perform(sip::SendBytes&& send) {
    if (send.flow && transports.send(*send.flow, std::move(send.bytes))) return;
    if (!send.transaction) return;
    // Behind the actions among which this one stands: they may set the timers of the transaction that ends.
    loop.post([weak = weak_from_this(), id = *send.transaction] {
        if (const auto self = weak.lock()) self->perform(self->layer.send_failed(id, Loop::now()));
    });
}

void SipStack::State::perform(sip::RequestReceived&& received) {
    if (events.on_request) events.on_request({std::move(*received.request), *came_by, received.merged_with});
}

void SipStack::State::perform(sip::AckReceived&& received) {
    if (events.on_ack) events.on_ack(std::move(*received.ack), *came_by);
}

void SipStack::State::perform(sip::CancelReceived&& received) {
    if (events.on_cancel) events.on_cancel({std::move(*received.cancel), *came_by}, received.cancelled);
}

void SipStack::State::perform(sip::ResponseReceived&& received) {
    const auto id = owner_of(received.transaction);
    if (!id) {  // of an attempt that was given up
        if (is_success(*received.response) && events.on_late_answer)
            events.on_late_answer(std::move(*received.response), *came_by);
        return;
    }
    const int status = received.response->message.status;
    // nullptr: it has its final answer, and this is another 2xx behind it.
    if (auto* one = find(*id); one != nullptr) {
        stop_first_answer(*id);
        one->answered = true;
        if (status == 503 && !one->cancelled) return try_elsewhere(*id, std::move(*received.response));
        if (status >= 200) pending.erase(*id);
    }
    if (status != 100 && events.on_response) events.on_response(*id, std::move(*received.response), *came_by);
}

void SipStack::State::perform(sip::StrayResponse&& stray) {
    // With more than one Via it is somebody else's. Source: RFC 3261 section 8.1.3.3.
    const bool is_ours = stray.response->via.size() == 1;
    if (is_ours && is_success(*stray.response) && events.on_late_answer)
        events.on_late_answer(std::move(*stray.response), *came_by);
}

void SipStack::State::perform(const sip::TimedOut& out) {
    if (const auto id = owner_of(out.transaction))
        attempt_failed(*id, sip::TargetFailure::timeout, "no answer");
}

void SipStack::State::perform(const sip::TransportFailed& failed) {
    if (const auto id = owner_of(failed.transaction))
        attempt_failed(*id, sip::TargetFailure::connect, "the connection broke");
}

// ---- requests of ours ----

sip::Via SipStack::State::our_via(const FlowInfo& flow) const {
    sip::Via via;
    via.transport = std::string(name_of(flow.transport));
    via.host = settings.sent_by;
    if (via.host.empty()) {
        via.host = bracketed(flow.local.address);
        via.port = flow.local.port;
    } else {
        via.port = settings.sent_by_port;
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
    resolver.resolve(one->request.destination,
                     [weak = weak_from_this(), id](Result<std::vector<sip::Target>> targets) {
                         const auto self = weak.lock();
                         auto* waiting = self ? self->find(id) : nullptr;
                         if (waiting == nullptr) return;
                         if (targets)
                             waiting->failover = sip::Failover(without(*std::move(targets), *waiting));
                         else
                             waiting->last_trouble = targets.error().message;
                         self->open(id);
                     });
}

void SipStack::State::open(RequestId id) {
    auto* one = find(id);
    if (one == nullptr) return;
    const auto* target = one->failover.current();
    if (target == nullptr) return give_up(id, RequestFailure::Kind::transport);
    transports.open(send_target(*target), [weak = weak_from_this(), id](Result<FlowInfo> flow) {
        const auto self = weak.lock();
        if (!self || self->find(id) == nullptr) return;
        if (flow) return self->attempt_on(id, *flow);
        self->attempt_failed(id, sip::TargetFailure::connect, flow.error().message);
    });
}

void SipStack::State::attempt_on(RequestId id, const FlowInfo& flow) {
    auto& one = *find(id);
    auto created = layer.create_client(one.request.message, {our_via(flow), flow.id, flow.flow().reliability},
                                       Loop::now());
    if (!created) {  // send() has proved that it can be written
        one.last_trouble = created.error().message;
        return give_up(id, RequestFailure::Kind::transport);
    }
    one.transaction = created->id;
    clients[created->id] = id;
    note_size(flow, created->actions);
    if (is_invite(one.request.message))
        loop.set_timer({kOfRequest | id.value, 0}, Loop::now() + settings.first_answer);
    perform(std::move(created->actions));
}

void SipStack::State::note_size(const FlowInfo& flow, const sip::LayerActions& actions) {
    if (told_of_large_datagram || flow.transport != Transport::udp) return;
    for (const auto& action : actions) {
        const auto* send = std::get_if<sip::SendBytes>(&action);
        if (send == nullptr || send->bytes.size() <= kLargeDatagram) continue;
        told_of_large_datagram = true;
        remark("a request above 1,300 bytes goes by UDP",
               count_of(send->bytes.size(), "byte") + " to " + text_of(flow.peer) +
                   "; where fragments are lost on the way it never arrives: configure TCP or TLS");
    }
}

void SipStack::State::attempt_failed(RequestId id, sip::TargetFailure failure, const std::string& why) {
    auto* one = find(id);
    if (one == nullptr) return;
    stop_first_answer(id);
    one->last_trouble = why;
    // What was answered once is not sent to somebody else as well.
    const bool is_last = one->answered || one->cancelled;
    leave_attempt(*one);
    const auto kind = failure == sip::TargetFailure::timeout ? RequestFailure::Kind::timeout
                                                             : RequestFailure::Kind::transport;
    if (one->on_flow && !is_last) return attempt(id);
    if (one->failover.next(failure) == nullptr || is_last) return give_up(id, kind);
    open(id);
}

// Source: RFC 3263 section 4.3.
void SipStack::State::try_elsewhere(RequestId id, sip::Received&& unavailable) {
    auto& one = *find(id);
    one.unavailable =
        std::make_unique<Pending::Unavailable>(Pending::Unavailable{std::move(unavailable), *came_by});
    leave_attempt(one);
    if (one.on_flow) return attempt(id);
    one.failover.next(sip::TargetFailure::unavailable);
    open(id);
}

// Its transaction goes on without an owner: a 2xx that still comes of it is a late one.
void SipStack::State::leave_attempt(Pending& one) {
    if (one.transaction) clients.erase(*one.transaction);
    one.transaction.reset();
    one.answered = false;
}

void SipStack::State::give_up(RequestId id, RequestFailure::Kind kind) {
    const auto node = pending.extract(id);
    if (node.empty()) return;
    stop_first_answer(id);
    auto& one = node.mapped();
    if (one.unavailable) {
        loop.post([weak = weak_from_this(), id, answer = std::shared_ptr(std::move(one.unavailable))] {
            if (const auto self = weak.lock(); self && self->events.on_response)
                self->events.on_response(id, std::move(answer->response), answer->flow);
        });
        return;
    }
    auto why = one.failover.history();
    if (!one.last_trouble.empty()) why += (why.empty() ? "" : "; ") + one.last_trouble;
    // Never from within send().
    loop.post([weak = weak_from_this(), id, kind, why] {
        if (const auto self = weak.lock(); self && self->events.on_failure)
            self->events.on_failure(id, {kind, why});
    });
}

void SipStack::State::open_for_ack(sip::Message ack, sip::Failover failover) {
    const auto* current = failover.current();
    if (current == nullptr) return remark("ACK that could not be sent", failover.history());
    const auto target = send_target(*current);
    transports.open(target, [weak = weak_from_this(), ack = std::move(ack),
                             failover = std::move(failover)](Result<FlowInfo> flow) mutable {
        const auto self = weak.lock();
        if (!self) return;
        if (flow) return self->send_ack_on(*flow, ack);
        failover.next(sip::TargetFailure::connect);
        self->open_for_ack(std::move(ack), std::move(failover));
    });
}

void SipStack::State::send_ack_on(const FlowInfo& flow, const sip::Message& ack) {
    auto bytes = sip::write_message(ack, sip::write_via(our_via(flow)));
    if (!bytes) return remark("ACK that could not be sent", bytes.error().message);
    static_cast<void>(transports.send(flow.id, *std::move(bytes)));  // it is due again with the next 2xx
}

// ---- the public side ----

SipStack::SipStack(Loop& loop, StackSettings settings, StackEvents events,
                   std::function<std::string(std::size_t)> random)
    : state_(std::make_shared<State>(loop, std::move(settings), std::move(events), std::move(random))) {}
// Its timers stay behind, for nobody.
SipStack::~SipStack() {
    state_->loop.on_timer([](sip::TimerId) {});
}

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
    // By the judge that each attempt will meet, so that none refuses what is taken here.
    CALLCHAIN_TRY(sip::TransactionLayer::check_client(request.message));
    const RequestId id{++state_->last_request};
    state_->pending[id].request = std::move(request);
    state_->loop.post([weak = std::weak_ptr(state_), id] {
        if (const auto self = weak.lock()) self->attempt(id);
    });
    return id;
}

void SipStack::cancel(RequestId id) {
    auto* one = state_->find(id);
    if (one == nullptr || one->cancelled || !is_invite(one->request.message)) return;
    one->cancelled = true;
    if (one->transaction) return state_->perform(state_->layer.cancel(*one->transaction, Loop::now()));
    // Nothing was sent that could be cancelled; whoever looks for an address finds it gone.
    one->last_trouble = "cancelled";
    state_->give_up(id, RequestFailure::Kind::transport);
}

void SipStack::send_ack(OutgoingRequest ack) {
    if (ack.flow) {
        if (const auto flow = state_->transports.find(*ack.flow))
            return state_->send_ack_on(*flow, ack.message);
    }
    state_->resolver.resolve(
        ack.destination, [weak = std::weak_ptr(state_),
                          message = std::move(ack.message)](Result<std::vector<sip::Target>> targets) {
            const auto self = weak.lock();
            if (!self) return;
            if (!targets) return self->remark("ACK that could not be sent", targets.error().message);
            self->open_for_ack(message, sip::Failover(*std::move(targets)));
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
