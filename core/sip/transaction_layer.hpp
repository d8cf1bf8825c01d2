/// The running transactions: which message belongs to which, and what follows from it. Pure: messages, timers
/// and failures in, actions out.
#pragma once

#include "base/result.hpp"
#include "sip/message.hpp"
#include "sip/timer_queue.hpp"
#include "sip/transaction.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

namespace callchain::sip {

/// Never used twice within one layer; zero is none.
struct TransactionId {
    std::uint64_t value = 0;
    friend bool operator==(TransactionId, TransactionId) = default;
};
/// A connection, or over UDP a socket and the peer's address: by it an answer finds its way back. What the
/// number means only the transports know; one that was used is not used again for another peer.
struct FlowId {
    std::uint64_t value = 0;
    friend bool operator==(FlowId, FlowId) = default;
};
/// Of an id that is counted up.
struct IdHash {
    template <class Id>
    std::size_t operator()(Id id) const {
        return static_cast<std::size_t>(id.value);
    }
};
struct Flow {
    FlowId id;
    Reliability reliability = Reliability::unreliable;
    friend bool operator==(const Flow&, const Flow&) = default;
};

// What to do, in order. The first three are for the transports and the timers, the others for the user.

/// Send these bytes. Without a flow, the target of that client transaction has to be connected first: then
/// set_flow() is told, or send_failed().
struct SendBytes {
    std::optional<TransactionId> transaction;  ///< nullopt: an answer without a transaction
    std::optional<FlowId> flow;
    std::string bytes;
};
/// Set again, it replaces the one that runs.
struct SetTimer {
    TransactionId transaction;
    TransactionTimer timer = TransactionTimer::a;
    SteadyTime due;
};
struct StopTimer {
    TransactionId transaction;
    TransactionTimer timer = TransactionTimer::a;
};
// A message that came is behind a pointer: it is a hundred times the size of any other action.

/// A request that belongs to no transaction. None is made: the user calls create_server(), or answers it
/// without one (answer_statelessly), or drops it.
struct RequestReceived {
    std::unique_ptr<Received> request;  ///< never null
    Flow flow;
    /// It is the same request as this running transaction's, come by another way: answer 482. Only where it
    /// has no To tag and From tag, Call-ID and CSeq are equal. Source: RFC 3261 section 8.2.2.2.
    std::optional<TransactionId> merged_with = std::nullopt;
};
/// An ACK to a 2xx, or a stray one: to an answer without a transaction, or too late. The dialog knows.
struct AckReceived {
    std::unique_ptr<Received> ack;  ///< never null
    Flow flow;
    std::optional<TransactionId> transaction = std::nullopt;  ///< the accepted INVITE, where the ACK names it
};
/// A CANCEL, still without a transaction of its own: create_server() and answer it, 200 where `cancelled` is
/// there, else 481. Whether the other is an INVITE without a final answer, state_of() tells.
struct CancelReceived {
    std::unique_ptr<Received> cancel;  ///< never null
    Flow flow;
    std::optional<TransactionId> cancelled = std::nullopt;  ///< Source: RFC 3261 section 9.2
};
/// Each 1xx; the final answer; to an INVITE each further 2xx, repeated or of another branch of a fork.
struct ResponseReceived {
    TransactionId transaction;
    std::unique_ptr<Received> response;  ///< never null
    Flow flow;
};
/// A response to nothing that runs here. RFC 6026 section 8.9 has it dropped; a late 2xx may be worth an ACK
/// and a BYE.
struct StrayResponse {
    std::unique_ptr<Received> response;  ///< never null
    Flow flow;
};
/// Of a client transaction: no answer came, as if it were 408. None will be passed up any more.
struct TimedOut {
    TransactionId transaction;
};
/// Of a client transaction: the request did not get through, or its connection broke before the final answer:
/// as if it were 503.
struct TransportFailed {
    TransactionId transaction;
};
/// Of a server transaction that sent a final answer to an INVITE, no 2xx: the ACK never came (timer H).
struct NotAcknowledged {
    TransactionId transaction;
};
/// A response (the transaction goes on, and may be reached by a retransmission), or the ACK to a failure,
/// could not be sent.
struct NotDelivered {
    TransactionId transaction;
};
/// What the machine holds for impossible: to be logged. Nothing was changed.
struct UnexpectedEvent {
    TransactionId transaction;
    TransactionMachine machine = TransactionMachine::invite_client;
    TransactionState state = TransactionState::terminated;
    TransactionEvent event = TransactionEvent::request;
};
/// The last of a transaction. Those of a CANCEL that cancel() made end too; of them nothing else is told.
struct TransactionEnded {
    TransactionId transaction;
};
using LayerAction = std::variant<SendBytes, SetTimer, StopTimer, RequestReceived, AckReceived, CancelReceived,
                                 ResponseReceived, StrayResponse, TimedOut, TransportFailed, NotAcknowledged,
                                 NotDelivered, UnexpectedEvent, TransactionEnded>;
using LayerActions = std::vector<LayerAction>;

/// What a request gets on its way out.
struct ClientHop {
    Via via;  ///< of ours, with a branch that was never used before
    std::optional<FlowId> flow = std::nullopt;
    Reliability reliability = Reliability::reliable;
};

/// Owns the running transactions and matches messages to them.
///
/// Every client transaction passes up exactly one of: a final ResponseReceived, TimedOut, TransportFailed. An
/// INVITE that has had a 1xx waits for its final answer without limit: the user's timers end it by cancel().
/// A 2xx to an INVITE is repeated by the user, through respond(), and acknowledged by the user.
/// Units:  times are those of the caller's steady clock; timers are told when they are due, not counted here.
/// Source: RFC 3261 sections 9, 17 and 18.2.1, RFC 6026.
/// Not for two threads at a time. Late and unknown ids are expected and change nothing.
class TransactionLayer {
  public:
    explicit TransactionLayer(TimerValues values = {});
    TransactionLayer(const TransactionLayer&) = delete;
    TransactionLayer& operator=(const TransactionLayer&) = delete;
    ~TransactionLayer();

    /// A message from a flow; of a request note_source() was told first.
    [[nodiscard]] LayerActions receive(Received&& message, Flow flow, SteadyTime now);
    [[nodiscard]] LayerActions timer_due(TransactionId id, TransactionTimer timer, SteadyTime now);
    /// The flow is gone, with whatever was still to be sent on it.
    [[nodiscard]] LayerActions flow_failed(FlowId flow, SteadyTime now);
    /// What a SendBytes of this transaction asked for could not be done: no address, no connection, an error.
    [[nodiscard]] LayerActions send_failed(TransactionId id, SteadyTime now);
    /// The flow that was made for a client transaction.
    void set_flow(TransactionId id, FlowId flow);

    struct Created {
        TransactionId id;
        LayerActions actions = {};
    };
    /// Sends a request, which comes without the Via of this hop, in a transaction of its own. Errors:
    /// bad_input where it is no request, is ACK or CANCEL, lacks From, To, Call-ID or CSeq, its CSeq names
    /// another method, the branch identifies nothing or is in use, or write_message() refuses it.
    [[nodiscard]] Result<Created> create_client(const Message& message, const ClientHop& hop, SteadyTime now);
    /// Whether create_client() would take that message under a branch that is new and a Via that can be
    /// written. Errors: those of create_client().
    [[nodiscard]] static Result<void> check_client(const Message& message);
    /// Takes a request of RequestReceived or CancelReceived in. Nothing is sent: a 100, too, is a respond().
    /// Errors: bad_input where it is an ACK, or has a transaction already.
    [[nodiscard]] Result<TransactionId> create_server(const Received& request, Flow flow);
    /// Sends a response in a server transaction. Errors: bad_input for a request, and those of
    /// write_message(); then nothing has changed.
    [[nodiscard]] Result<LayerActions> respond(TransactionId id, const Message& response, SteadyTime now);
    /// The answer to a request that gets no transaction. Errors: those of write_message().
    [[nodiscard]] static Result<SendBytes> answer_statelessly(const Message& response, Flow flow);
    /// Cancels an INVITE of ours: at once after a 1xx, else as soon as one comes; after a final answer never.
    /// 64*T1 after the CANCEL the INVITE is told as TimedOut. A second call does nothing.
    [[nodiscard]] LayerActions cancel(TransactionId id, SteadyTime now);

    [[nodiscard]] std::optional<TransactionState> state_of(TransactionId id) const;
    [[nodiscard]] std::size_t size() const { return transactions_.size(); }

  private:
    struct Transaction;
    struct Moment;  // what one step works with
    // The keys borrow from the transactions, which do not move.
    using Index = std::unordered_multimap<std::string_view, Transaction*>;

    void receive_response(Received& response, Flow flow, Moment& moment);
    void receive_ack(Received& ack, Flow flow, Moment& moment);
    void receive_request(Received& request, Flow flow, Moment& moment);

    [[nodiscard]] Transaction* find(TransactionId id) const;
    [[nodiscard]] Transaction* find_client(const Received& response) const;
    [[nodiscard]] Transaction* find_server(const std::string& key, const Received& request,
                                           std::string_view method) const;
    [[nodiscard]] Transaction* find_cancelled(const std::string& key, const Received& cancel) const;
    [[nodiscard]] Transaction* find_merged(const Received& request) const;

    Transaction& add(TransactionMachine machine, std::string key, std::string method,
                     Reliability reliability);
    void bind(Transaction& transaction, FlowId flow);
    void unbind(Transaction& transaction);
    void end(Transaction& transaction, Moment& moment);

    void apply(Transaction& transaction, TransactionEvent event, Moment& moment);
    void perform(Transaction& transaction, const TransactionStep& step, Moment& moment);
    void perform_one(Transaction& transaction, const TransactionAction& action, Moment& moment);
    void send(Transaction& transaction, std::string bytes, Moment& moment);
    void send_response(Transaction& transaction, Moment& moment);
    void send_ack(Transaction& transaction, Moment& moment);
    void send_cancel(Transaction& invite, Moment& moment);
    void pass_up(Transaction& transaction, Moment& moment);
    void tell(const Transaction& transaction, TransactionAction::What what, Moment& moment);
    void forget_what_is_done(Transaction& transaction);

    TimerValues values_;
    std::uint64_t last_id_ = 0;
    std::unordered_map<TransactionId, std::unique_ptr<Transaction>, IdHash> transactions_;
    Index clients_;
    Index servers_;
    Index mergeable_;                                         // by merge_key
    std::unordered_map<FlowId, Transaction*, IdHash> flows_;  // the first of each flow's list
};

}  // namespace callchain::sip
