/// Transactions, transports, timers and DNS joined: requests and responses in and out, for whoever makes
/// calls of them.
#pragma once

#include "gateway/resolver.hpp"
#include "gateway/transports.hpp"
#include "sip/resolve.hpp"
#include "sip/transaction_layer.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::gateway {

struct StackSettings {
    TransportSettings transports;
    ResolverSettings dns = {};
    sip::TimerValues timers = {};
    /// What stands in our Via: a name or address by which the peer could reach us. Empty: the local address
    /// and port of the flow.
    std::string sent_by = {};
    std::optional<std::uint16_t> sent_by_port = std::nullopt;  ///< beside it; none: the default one
    /// An INVITE without any answer is given up for the next address.
    std::chrono::milliseconds first_answer{10'000};
    /// Whether a message of that peer that cannot be read is worth a 400; if not, a connection is closed and
    /// over UDP nothing is said. Empty: every peer's is.
    std::function<bool(const FlowInfo&)> answers_unreadable = {};
};

/// A request that came in and has no transaction yet; the top Via has received and rport.
struct IncomingRequest {
    sip::Received request;
    FlowInfo flow;
    std::optional<sip::TransactionId> merged_with = std::nullopt;  ///< answer 482
};

/// A request of ours, over all addresses that were tried for it.
struct RequestId {
    std::uint64_t value = 0;
    friend bool operator==(RequestId, RequestId) = default;
};

/// What to send, and where.
struct OutgoingRequest {
    sip::Message message;                  ///< without Via
    std::optional<sip::FlowId> flow = {};  ///< tried first, while it lives: by which the peer last spoke
    sip::Destination destination = {};     ///< of the first Route or the Request-URI, for where it does not
};

/// Why a request got no final answer.
struct RequestFailure {
    enum class Kind {
        timeout,    ///< no answer, as if it were 408
        transport,  ///< no address, no connection, or the last one broke: as if it were 503
    };
    Kind kind = Kind::transport;
    std::string why;  ///< for a person, with all addresses that were tried
};

/// A timer of whoever uses the stack.
struct UserTimer {
    std::uint64_t owner = 0;  ///< below 2^62
    std::uint32_t which = 0;
};

/// All on the loop's thread; none may throw. A handler may call the stack.
struct StackEvents {
    std::function<void(IncomingRequest&&)> on_request;
    std::function<void(sip::Received&&, const FlowInfo&)> on_ack;
    /// `cancelled`: the INVITE that it means. Answer it through accept() and respond().
    std::function<void(IncomingRequest&&, std::optional<sip::TransactionId> cancelled)> on_cancel;
    /// Each 1xx but 100, the final answer, each further 2xx to an INVITE.
    std::function<void(RequestId, sip::Received&&, const FlowInfo&)> on_response;
    std::function<void(RequestId, RequestFailure)> on_failure;
    /// A 2xx to an INVITE that was given up: ACK it, then BYE. Of one whose transaction is gone nobody has
    /// proved that the INVITE was ours: only where its Call-ID is known.
    std::function<void(sip::Received&&, const FlowInfo&)> on_late_answer;
    std::function<void(sip::TransactionId)> on_not_acknowledged = {};
    std::function<void(UserTimer)> on_timer = {};
    std::function<void(const FlowInfo&, const std::string& why)> on_flow_closed = {};
    /// Of what is worth a line in the log: refused connections, unreadable messages, impossible events; of
    /// each kind ten a second, and how many were left out. Once: that a request went out by UDP which RFC
    /// 3261 section 18.1.1 would have sent by TCP.
    std::function<void(const std::string& what, const std::string& detail)> on_remark = {};
    std::function<void(const TracedMessage&)> on_trace = {};
};

/// All functions on the loop's thread, or before it runs. Takes the loop's on_timer() for itself. Outlived by
/// the loop; not to be destroyed by its own events. Nothing is told behind the destruction.
class SipStack {
  public:
    /// `random` yields so many bytes that nobody can guess: branches are made of them.
    SipStack(Loop& loop, StackSettings settings, StackEvents events,
             std::function<std::string(std::size_t)> random);
    SipStack(const SipStack&) = delete;
    SipStack& operator=(const SipStack&) = delete;
    ~SipStack();

    /// Errors: those of Transports::listen().
    [[nodiscard]] Result<std::vector<BoundAddress>> listen();

    // As server.

    /// Errors: those of TransactionLayer::create_server().
    [[nodiscard]] Result<sip::TransactionId> accept(const IncomingRequest& request);
    /// Errors: those of write_message().
    [[nodiscard]] Result<void> respond(sip::TransactionId id, const sip::Message& response);
    [[nodiscard]] Result<void> respond_statelessly(const IncomingRequest& request,
                                                   const sip::Message& response);
    [[nodiscard]] std::optional<sip::TransactionState> state_of(sip::TransactionId id) const;

    // As client.

    /// Sends it on the flow, else to the addresses of the destination, one after the other where one cannot
    /// be reached, answers 503, or (INVITE) does not answer in time; each attempt is a transaction of its
    /// own. Where no other address takes it, that 503 is the answer. on_response or on_failure follow, never
    /// from within. Errors: bad_input where it is no request that can be sent. Source: RFC 3263 section 4.3.
    [[nodiscard]] Result<RequestId> send(OutgoingRequest request);
    /// Cancels an INVITE: after its first 1xx; before one, no further address is tried. Where none was sent
    /// yet, on_failure follows at once.
    void cancel(RequestId id);
    /// An ACK to a 2xx: without a transaction, each time that the 2xx comes. Other addresses are tried where
    /// one cannot be reached.
    void send_ack(OutgoingRequest ack);

    void set_timer(UserTimer timer, sip::SteadyTime due);
    void stop_timer(UserTimer timer);

    [[nodiscard]] Transports& transports();
    [[nodiscard]] std::size_t transactions() const;
    [[nodiscard]] std::size_t requests() const;  ///< of ours, without a final answer

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace callchain::gateway
