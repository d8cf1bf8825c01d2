#include "sip/transaction_layer.hpp"

#include "sip/transaction_key.hpp"
#include "sip/transaction_messages.hpp"

#include <algorithm>
#include <utility>

namespace callchain::sip {
namespace {

using Machine = TransactionMachine;
using State = TransactionState;
using Event = TransactionEvent;
using What = TransactionAction::What;

bool is_client(Machine machine) {
    return machine == Machine::invite_client || machine == Machine::non_invite_client;
}

Event event_of_response(int status) {
    if (status < 200) return Event::response_1xx;
    return status < 300 ? Event::response_2xx : Event::response_300_699;
}

Event event_of_own_response(int status) {
    if (status < 200) return Event::tu_1xx;
    return status < 300 ? Event::tu_2xx : Event::tu_300_699;
}

std::unique_ptr<Received> boxed(Received& message) { return std::make_unique<Received>(std::move(message)); }

/// Assigning an empty string would keep the memory.
void release(std::string& text) { std::string().swap(text); }

Result<void> check_client_message(const Message& message) {
    if (!message.is_request()) return fail(ErrorCode::bad_input, "a response begins no transaction");
    if (message.method == "ACK" || message.method == "CANCEL")
        return fail(ErrorCode::bad_input, message.method + " begins no transaction of the user's");
    for (const std::string_view name : {"From", "To", "Call-ID", "CSeq"}) {
        if (!message.find(name))
            return fail(ErrorCode::bad_input, "a request must have " + std::string(name));
    }
    if (!message.find("CSeq")->ends_with(' ' + message.method))
        return fail(ErrorCode::bad_input, "CSeq does not name the method " + message.method);
    return {};
}

}  // namespace

struct TransactionLayer::Transaction {
    TransactionId id;
    Machine machine = Machine::invite_client;
    Reliability reliability = Reliability::unreliable;
    bool cancel_wanted = false;
    bool is_own_cancel = false;  ///< made by cancel(): the user knows nothing of it
    std::uint16_t running = 0;   ///< timers, a bit each
    std::size_t vias = 1;        ///< of a client: those of proxies that its user plays come back behind ours
    TransactionCondition condition;
    std::optional<FlowId> flow;
    std::string key;
    std::string method;
    std::string merge_key;          ///< empty: of a client, a CANCEL, or a request within a dialog
    std::string kept;               ///< to be sent again: request, ACK or last response
    std::unique_ptr<Message> core;  ///< of an INVITE of ours without a final answer: what ACK and CANCEL need
    /// Of a peer that follows RFC 2543, whose ACK is told from a new one's by the To tag.
    struct ToTags {
        std::string request;
        std::string response;
    };
    std::unique_ptr<ToTags> legacy;
    Transaction* previous_of_flow = nullptr;
    Transaction* next_of_flow = nullptr;

    [[nodiscard]] static std::uint16_t bit(TransactionTimer timer) {
        return static_cast<std::uint16_t>(1U << static_cast<unsigned>(timer));
    }
    [[nodiscard]] bool runs(TransactionTimer timer) const { return (running & bit(timer)) != 0; }
};

struct TransactionLayer::Moment {
    explicit Moment(SteadyTime at) : now(at) {
        constexpr std::size_t kUsual = 6;
        out.reserve(kUsual);
    }

    SteadyTime now;
    LayerActions out = {};
    Received* message = nullptr;              ///< that came; pass_up moves from it
    std::optional<Flow> flow = std::nullopt;  ///< by which it came
    std::string* bytes = nullptr;             ///< of the response that the user gave
    State before = State::terminated;         ///< of the step under way
    bool send_failed = false;
};

TransactionLayer::TransactionLayer(TimerValues values) : values_(values) {}
TransactionLayer::~TransactionLayer() = default;

// What comes in.

LayerActions TransactionLayer::receive(Received&& message, Flow flow, SteadyTime now) {
    Moment moment{now};
    moment.message = &message;
    moment.flow = flow;
    if (!message.message.is_request()) {
        receive_response(message, flow, moment);
    } else if (message.message.method == "ACK") {
        receive_ack(message, flow, moment);
    } else {
        receive_request(message, flow, moment);
    }
    return std::move(moment.out);
}

void TransactionLayer::receive_response(Received& response, Flow flow, Moment& moment) {
    auto* const transaction = find_client(response);
    if (transaction == nullptr) {
        moment.out.emplace_back(StrayResponse{boxed(response), flow});
        return;
    }
    if (!transaction->flow) bind(*transaction, flow.id);
    const auto id = transaction->id;
    apply(*transaction, event_of_response(response.message.status), moment);

    auto* const still = find(id);
    if (still == nullptr || still->machine != Machine::invite_client) return;
    const bool cancel_waits = still->cancel_wanted && !still->runs(TransactionTimer::cancel);
    if (cancel_waits && still->condition.state == State::proceeding) apply(*still, Event::tu_cancel, moment);
}

void TransactionLayer::receive_ack(Received& ack, Flow flow, Moment& moment) {
    if (auto* const invite = find_server(server_key(ack), ack, "INVITE")) {
        apply(*invite, Event::ack, moment);
        return;
    }
    moment.out.emplace_back(AckReceived{boxed(ack), flow});
}

void TransactionLayer::receive_request(Received& request, Flow flow, Moment& moment) {
    const auto key = server_key(request);
    const auto& method = request.message.method;
    if (auto* const transaction = find_server(key, request, method)) {
        // Who repeats it by another connection has lost the first one, which we may not know yet.
        if (transaction->flow != flow.id) {
            unbind(*transaction);
            bind(*transaction, flow.id);
        }
        apply(*transaction, Event::request, moment);
        return;
    }
    if (method == "CANCEL") {
        const auto* const cancelled = find_cancelled(key, request);
        CancelReceived received{{}, flow};
        if (cancelled != nullptr) received.cancelled = cancelled->id;
        received.cancel = boxed(request);
        moment.out.emplace_back(std::move(received));
        return;
    }
    RequestReceived received{{}, flow};
    if (const auto* const other = find_merged(request)) received.merged_with = other->id;
    received.request = boxed(request);
    moment.out.emplace_back(std::move(received));
}

LayerActions TransactionLayer::timer_due(TransactionId id, TransactionTimer timer, SteadyTime now) {
    auto* const transaction = find(id);
    // A timer that was stopped, or whose transaction ended, while it was on its way.
    if (transaction == nullptr || !transaction->runs(timer)) return {};
    Moment moment{now};
    transaction->running = static_cast<std::uint16_t>(transaction->running & ~Transaction::bit(timer));
    apply(*transaction, event_of(timer), moment);
    return std::move(moment.out);
}

LayerActions TransactionLayer::flow_failed(FlowId flow, SteadyTime now) {
    Moment moment{now};
    // Each of them leaves the list, by unbind() or at its end.
    for (auto found = flows_.find(flow); found != flows_.end(); found = flows_.find(flow)) {
        auto& transaction = *found->second;
        unbind(transaction);
        apply(transaction, Event::transport_error, moment);
    }
    return std::move(moment.out);
}

LayerActions TransactionLayer::send_failed(TransactionId id, SteadyTime now) {
    Moment moment{now};
    if (auto* const transaction = find(id)) apply(*transaction, Event::transport_error, moment);
    return std::move(moment.out);
}

void TransactionLayer::set_flow(TransactionId id, FlowId flow) {
    auto* const transaction = find(id);
    if (transaction == nullptr) return;
    unbind(*transaction);
    bind(*transaction, flow);
}

// What the user wants.

Result<TransactionLayer::Created> TransactionLayer::create_client(const Message& message,
                                                                  const ClientHop& hop, SteadyTime now) {
    CALLCHAIN_TRY(check_client_message(message));
    if (!identifies_transaction(hop.via.branch()))
        return fail(ErrorCode::bad_input, "the branch of the top Via identifies no transaction");
    auto key = transaction_key(hop.via);
    const auto [first, last] = clients_.equal_range(key);
    if (std::any_of(first, last, [&](const auto& one) { return one.second->method == message.method; }))
        return fail(ErrorCode::bad_input, "the branch of the top Via is in use");

    const bool is_invite = message.method == "INVITE";
    auto via = write_via(hop.via);
    auto bytes = CALLCHAIN_TRY(write_message(message, via));
    const auto vias = message.values("Via").size() + 1;
    std::unique_ptr<Message> core;
    if (is_invite) core = std::make_unique<Message>(core_of_invite(message, std::move(via)));

    const auto machine = is_invite ? Machine::invite_client : Machine::non_invite_client;
    auto& transaction = add(machine, std::move(key), message.method, hop.reliability);
    transaction.core = std::move(core);
    transaction.kept = std::move(bytes);
    transaction.vias = vias;
    if (hop.flow) bind(transaction, *hop.flow);
    Created created{transaction.id};
    Moment moment{now};
    perform(transaction, begin(machine, values_, hop.reliability), moment);
    created.actions = std::move(moment.out);
    return created;
}

Result<void> TransactionLayer::check_client(const Message& message) {
    CALLCHAIN_TRY(check_client_message(message));
    return check_writable(message);
}

Result<TransactionId> TransactionLayer::create_server(const Received& request, Flow flow) {
    const auto& method = request.message.method;
    if (method == "ACK" || !request.message.is_request())
        return fail(ErrorCode::bad_input, "an ACK or a response gets no server transaction");
    auto key = server_key(request);
    if (find_server(key, request, method) != nullptr)
        return fail(ErrorCode::bad_input, "the request has a transaction already");

    const auto machine = method == "INVITE" ? Machine::invite_server : Machine::non_invite_server;
    auto& transaction = add(machine, std::move(key), method, flow.reliability);
    transaction.condition = begin(machine, values_, flow.reliability).next;
    if (!identifies_transaction(request.via.front().branch())) {
        transaction.legacy = std::make_unique<Transaction::ToTags>();
        transaction.legacy->request = request.to.tag().value_or("");
    }
    // Nothing else is asked for: CANCELs of one fork look alike, and each is answered for its own INVITE.
    if (!request.to.tag() && method != "CANCEL") {
        transaction.merge_key = merge_key(request);
        mergeable_.emplace(transaction.merge_key, &transaction);
    }
    bind(transaction, flow.id);
    return transaction.id;
}

Result<LayerActions> TransactionLayer::respond(TransactionId id, const Message& response, SteadyTime now) {
    auto* const transaction = find(id);
    if (transaction == nullptr) return LayerActions{};
    if (response.is_request()) return fail(ErrorCode::bad_input, "a request answers nothing");
    auto bytes = CALLCHAIN_TRY(write_message(response));
    if (transaction->legacy != nullptr && response.status >= 300) {
        const auto to = parse_name_address(response.find("To").value_or(""));
        if (to) transaction->legacy->response = to->tag().value_or("");
    }
    Moment moment{now};
    moment.bytes = &bytes;
    apply(*transaction, event_of_own_response(response.status), moment);
    return std::move(moment.out);
}

Result<SendBytes> TransactionLayer::answer_statelessly(const Message& response, Flow flow) {
    return SendBytes { std::nullopt, flow.id, CALLCHAIN_TRY(write_message(response)) };
}

LayerActions TransactionLayer::cancel(TransactionId id, SteadyTime now) {
    auto* const transaction = find(id);
    if (transaction == nullptr || transaction->cancel_wanted) return {};
    Moment moment{now};
    apply(*transaction, Event::tu_cancel, moment);
    return std::move(moment.out);
}

std::optional<TransactionState> TransactionLayer::state_of(TransactionId id) const {
    const auto* const transaction = find(id);
    if (transaction == nullptr) return std::nullopt;
    return transaction->condition.state;
}

// Which transaction it is.

TransactionLayer::Transaction* TransactionLayer::find(TransactionId id) const {
    const auto found = transactions_.find(id);
    return found == transactions_.end() ? nullptr : found->second.get();
}

TransactionLayer::Transaction* TransactionLayer::find_client(const Received& response) const {
    // Other Vias than were sent: it was for somebody else. Source: RFC 3261 section 8.1.3.3.
    const auto [first, last] = clients_.equal_range(transaction_key(response.via.front()));
    const auto found = std::find_if(first, last, [&](const auto& one) {
        return one.second->method == response.cseq.method && one.second->vias == response.via.size();
    });
    return found == last ? nullptr : found->second;
}

TransactionLayer::Transaction* TransactionLayer::find_server(const std::string& key, const Received& request,
                                                             std::string_view method) const {
    const bool is_ack = request.message.method == "ACK";
    const auto tag = request.to.tag().value_or("");
    const auto [first, last] = servers_.equal_range(key);
    const auto found = std::find_if(first, last, [&](const auto& one) {
        const auto& other = *one.second;
        if (other.method != method) return false;
        if (other.legacy == nullptr) return true;
        return tag == (is_ack ? other.legacy->response : other.legacy->request);
    });
    return found == last ? nullptr : found->second;
}

TransactionLayer::Transaction* TransactionLayer::find_cancelled(const std::string& key,
                                                                const Received& cancel) const {
    const auto [first, last] = servers_.equal_range(key);
    const auto found = std::find_if(first, last, [&](const auto& one) {
        const auto& other = *one.second;  // no CANCEL: it would be this one, come again
        return other.legacy == nullptr || cancel.to.tag().value_or("") == other.legacy->request;
    });
    return found == last ? nullptr : found->second;
}

TransactionLayer::Transaction* TransactionLayer::find_merged(const Received& request) const {
    if (request.to.tag()) return nullptr;
    const auto found = mergeable_.find(merge_key(request));
    return found == mergeable_.end() ? nullptr : found->second;
}

// How they begin and end.

TransactionLayer::Transaction& TransactionLayer::add(Machine machine, std::string key, std::string method,
                                                     Reliability reliability) {
    auto transaction = std::make_unique<Transaction>();
    auto& one = *transaction;
    one.id = {++last_id_};
    one.machine = machine;
    one.reliability = reliability;
    one.key = std::move(key);
    one.method = std::move(method);
    transactions_.emplace(one.id, std::move(transaction));
    (is_client(machine) ? clients_ : servers_).emplace(one.key, &one);
    return one;
}

void TransactionLayer::bind(Transaction& transaction, FlowId flow) {
    transaction.flow = flow;
    auto& first = flows_[flow];
    transaction.next_of_flow = first;
    if (first != nullptr) first->previous_of_flow = &transaction;
    first = &transaction;
}

void TransactionLayer::unbind(Transaction& transaction) {
    if (!transaction.flow) return;
    auto* const previous = transaction.previous_of_flow;
    auto* const next = transaction.next_of_flow;
    if (next != nullptr) next->previous_of_flow = previous;
    if (previous != nullptr) {
        previous->next_of_flow = next;
    } else if (next != nullptr) {
        flows_[*transaction.flow] = next;
    } else {
        flows_.erase(*transaction.flow);
    }
    transaction.previous_of_flow = nullptr;
    transaction.next_of_flow = nullptr;
    transaction.flow.reset();
}

void TransactionLayer::end(Transaction& transaction, Moment& moment) {
    const auto id = transaction.id;
    for (std::size_t at = 0; at < kTimers; ++at) {
        const auto timer = static_cast<TransactionTimer>(at);
        if (transaction.runs(timer)) moment.out.emplace_back(StopTimer{id, timer});
    }
    unbind(transaction);
    const auto remove = [&](Index& index, const std::string& key) {
        auto [at, last] = index.equal_range(key);
        while (at != last && at->second != &transaction) ++at;
        if (at != last) index.erase(at);
    };
    remove(is_client(transaction.machine) ? clients_ : servers_, transaction.key);
    if (!transaction.merge_key.empty()) remove(mergeable_, transaction.merge_key);
    transactions_.erase(id);
    moment.out.emplace_back(TransactionEnded{id});
}

// What the machines ask for.

void TransactionLayer::apply(Transaction& transaction, Event event, Moment& moment) {
    const auto next =
        step(transaction.machine, transaction.condition, event, values_, transaction.reliability);
    if (next.known == TransactionStep::Known::impossible) {
        moment.out.emplace_back(
            UnexpectedEvent{transaction.id, transaction.machine, transaction.condition.state, event});
        return;
    }
    perform(transaction, next, moment);
}

/// Afterwards the transaction may be gone.
void TransactionLayer::perform(Transaction& transaction, const TransactionStep& step, Moment& moment) {
    moment.before = transaction.condition.state;
    moment.send_failed = false;
    transaction.condition = step.next;
    std::optional<Event> fires_at_once;
    for (const auto& action : step.actions) {
        if (action.what == What::start && action.after.count() == 0) {
            fires_at_once = event_of(action.timer);
        } else {
            perform_one(transaction, action, moment);
        }
    }
    if (transaction.condition.state == State::terminated) {
        end(transaction, moment);
        return;
    }
    forget_what_is_done(transaction);
    // Only servers, whose machines never end by it: a client's target can be connected again.
    if (moment.send_failed) apply(transaction, Event::transport_error, moment);
    if (fires_at_once) apply(transaction, *fires_at_once, moment);
}

void TransactionLayer::perform_one(Transaction& transaction, const TransactionAction& action,
                                   Moment& moment) {
    const auto bit = Transaction::bit(action.timer);
    switch (action.what) {
        case What::send_request:
            // On a reliable transport it is never sent again.
            send(transaction,
                 transaction.reliability == Reliability::reliable ? std::move(transaction.kept)
                                                                  : transaction.kept,
                 moment);
            break;
        case What::send_ack:
            send_ack(transaction, moment);
            break;
        case What::remember_cancel:
            transaction.cancel_wanted = true;
            break;
        case What::send_cancel:
            send_cancel(transaction, moment);
            break;
        case What::send_response:
            send_response(transaction, moment);
            break;
        case What::pass_up:
            pass_up(transaction, moment);
            break;
        case What::tell_timeout:
        case What::tell_transport_error:
            tell(transaction, action.what, moment);
            break;
        case What::start:
            transaction.running = static_cast<std::uint16_t>(transaction.running | bit);
            moment.out.emplace_back(SetTimer{transaction.id, action.timer, moment.now + action.after});
            break;
        case What::stop:
            if (!transaction.runs(action.timer)) break;
            transaction.running = static_cast<std::uint16_t>(transaction.running & ~bit);
            moment.out.emplace_back(StopTimer{transaction.id, action.timer});
            break;
    }
}

void TransactionLayer::send(Transaction& transaction, std::string bytes, Moment& moment) {
    auto flow = transaction.flow;
    if (!is_client(transaction.machine)) {
        // An answer goes back by the way by which the request came this time.
        if (moment.flow) flow = moment.flow->id;
        if (!flow) {
            moment.send_failed = true;
            return;
        }
    }
    moment.out.emplace_back(SendBytes{transaction.id, flow, std::move(bytes)});
}

void TransactionLayer::send_response(Transaction& transaction, Moment& moment) {
    if (moment.bytes == nullptr) {
        // A request that came again before there was any answer to it.
        if (!transaction.kept.empty()) send(transaction, transaction.kept, moment);
        return;
    }
    // A 2xx to an INVITE is the user's to repeat. The copy is as long as it must be, the writer's is not.
    if (transaction.condition.state != State::accepted) transaction.kept = std::string(*moment.bytes);
    send(transaction, std::move(*moment.bytes), moment);
}

void TransactionLayer::send_ack(Transaction& transaction, Moment& moment) {
    if (transaction.core != nullptr) {
        const auto to = moment.message->message.find("To").value_or("");
        auto ack = write_message(ack_of(*transaction.core, to));
        transaction.kept = ack ? std::string(*ack) : std::string();
    }
    if (transaction.kept.empty()) {
        moment.out.emplace_back(NotDelivered{transaction.id});
        return;
    }
    send(transaction, transaction.kept, moment);
}

void TransactionLayer::send_cancel(Transaction& invite, Moment& moment) {
    invite.cancel_wanted = true;
    auto bytes = write_message(cancel_of(*invite.core));
    // What it is made of went out with the INVITE, so this does not fail; if it does, 64*T1 end the wait.
    if (!bytes) return;
    auto& cancel = add(Machine::non_invite_client, invite.key, "CANCEL", invite.reliability);
    cancel.is_own_cancel = true;
    cancel.kept = *std::move(bytes);
    if (invite.flow) bind(cancel, *invite.flow);
    perform(cancel, begin(Machine::non_invite_client, values_, invite.reliability), moment);
}

void TransactionLayer::pass_up(Transaction& transaction, Moment& moment) {
    if (transaction.is_own_cancel) return;
    if (is_client(transaction.machine)) {
        moment.out.emplace_back(ResponseReceived{transaction.id, boxed(*moment.message), *moment.flow});
    } else {
        moment.out.emplace_back(AckReceived{boxed(*moment.message), *moment.flow, transaction.id});
    }
}

void TransactionLayer::tell(const Transaction& transaction, What what, Moment& moment) {
    if (transaction.is_own_cancel) return;
    const auto id = transaction.id;
    if (!is_client(transaction.machine)) {
        if (what == What::tell_timeout) {
            moment.out.emplace_back(NotAcknowledged{id});
        } else {
            moment.out.emplace_back(NotDelivered{id});
        }
        return;
    }
    if (what == What::tell_timeout) {
        moment.out.emplace_back(TimedOut{id});
    } else if (moment.before == State::completed) {
        moment.out.emplace_back(NotDelivered{id});
    } else {
        moment.out.emplace_back(TransportFailed{id});
    }
}

void TransactionLayer::forget_what_is_done(Transaction& transaction) {
    const auto state = transaction.condition.state;
    switch (transaction.machine) {
        case Machine::invite_client:
            // Completed keeps the ACK.
            if (state == State::proceeding || state == State::accepted) release(transaction.kept);
            if (state == State::completed || state == State::accepted) transaction.core.reset();
            break;
        case Machine::non_invite_client:
            if (state == State::completed) release(transaction.kept);
            break;
        case Machine::invite_server:
            if (state == State::accepted || state == State::confirmed) release(transaction.kept);
            break;
        case Machine::non_invite_server:
            break;
    }
}

}  // namespace callchain::sip
