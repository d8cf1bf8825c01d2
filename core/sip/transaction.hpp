/// The four transaction machines of SIP as tables: state and event in, state and actions out.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace callchain::sip {

/// Source: RFC 3261 figure 5 (INVITE client), 6 (non-INVITE client), 7 (INVITE server), 8 (non-INVITE
/// server); RFC 6026 sections 7.1, 7.2 and 8 for figures 5 and 7.
enum class TransactionMachine : std::uint8_t {
    invite_client,
    non_invite_client,
    invite_server,
    non_invite_server
};

enum class TransactionState : std::uint8_t {
    calling,
    trying,
    proceeding,
    completed,
    confirmed,
    accepted,
    terminated
};

/// Named after the RFC's letters. There is no timer C: that is a proxy's.
enum class TransactionTimer : std::uint8_t {
    a,
    b,
    d,
    e,
    f,
    g,
    h,
    i,
    j,
    k,
    l,
    m,
    cancel,  ///< 64*T1 from the CANCEL on, for which the RFC has no letter. Source: RFC 3261 section 9.1
};
inline constexpr std::size_t kTimers = 13;

enum class TransactionEvent : std::uint8_t {
    // What the peer sends.
    request,  ///< the request of a server transaction, again
    ack,
    response_1xx,
    response_2xx,
    response_300_699,
    // What the transaction user wants.
    tu_1xx,
    tu_2xx,
    tu_300_699,
    tu_cancel,
    // Timers that fire, in the order of TransactionTimer.
    timer_a,
    timer_b,
    timer_d,
    timer_e,
    timer_f,
    timer_g,
    timer_h,
    timer_i,
    timer_j,
    timer_k,
    timer_l,
    timer_m,
    timer_cancel,
    // Sending failed, or the connection broke.
    transport_error,
};
inline constexpr std::size_t kEvents = 23;
[[nodiscard]] TransactionEvent event_of(TransactionTimer timer);

/// What to do.
struct TransactionAction {
    enum class What : std::uint8_t {
        send_request,          ///< of the client transaction, as it was first sent
        send_ack,              ///< to a final answer that is no 2xx; the same bytes each time
        remember_cancel,       ///< no 1xx has come yet: CANCEL must wait for one
        send_cancel,           ///< in a transaction of its own
        send_response,         ///< the one that comes with the event, else the last one
        pass_up,               ///< the message that came goes to the transaction user
        tell_timeout,          ///< no answer came; at an INVITE server: no ACK
        tell_transport_error,  ///< to the transaction user
        start,                 ///< or start again: `timer` fires after `after`; zero: it fires at once
        stop,                  ///< `timer`, which may not run
    };
    What what = What::pass_up;
    TransactionTimer timer = TransactionTimer::a;
    std::chrono::milliseconds after{};
    friend bool operator==(const TransactionAction&, const TransactionAction&) = default;
};

/// A few actions, in order, without an allocation.
class TransactionActions {
  public:
    void push_back(const TransactionAction& action) { actions_[size_++] = action; }
    [[nodiscard]] const TransactionAction* begin() const { return actions_.data(); }
    [[nodiscard]] const TransactionAction* end() const { return actions_.data() + size_; }
    [[nodiscard]] std::size_t size() const { return size_; }

  private:
    std::array<TransactionAction, 6> actions_{};
    std::uint8_t size_ = 0;
};

/// Source: RFC 3261 section 17.1.1.1 and appendix A.
struct TimerValues {
    std::chrono::milliseconds t1{500};
    std::chrono::milliseconds t2{4'000};
    std::chrono::milliseconds t4{5'000};
};

/// Whether the transport repeats what it loses: TCP and TLS do, UDP does not.
enum class Reliability : std::uint8_t { unreliable, reliable };

/// Where a machine stands.
struct TransactionCondition {
    TransactionState state = TransactionState::terminated;
    std::chrono::milliseconds interval{};  ///< with which timer A, E or G was last set
    friend bool operator==(const TransactionCondition&, const TransactionCondition&) = default;
};

struct TransactionStep {
    /// How an event and a state go together.
    enum class Known : std::uint8_t {
        expected,    ///< an arrow of the figure, or a rule of the text
        ignored,     ///< may happen, and nothing is to be done: late answers, timers, a CANCEL that came too
                     ///< late
        impossible,  ///< a fault of the peer, the user or ours: the caller logs it; nothing changes
    };
    TransactionCondition next;
    TransactionActions actions = {};
    Known known = Known::impossible;
};

/// The machine as it begins: a client sends its request; a server's request was passed up already.
[[nodiscard]] TransactionStep begin(TransactionMachine machine, const TimerValues& values,
                                    Reliability reliability);

/// One step. Every pair of state and event is defined; those that are in no table are impossible. On a
/// reliable transport A, E and G never start, and D, I, J and K start with zero.
[[nodiscard]] TransactionStep step(TransactionMachine machine, const TransactionCondition& now,
                                   TransactionEvent event, const TimerValues& values,
                                   Reliability reliability);

/// As docs/design/sip.md and the log write them: "INVITE client", "Proceeding", "300-699 from TU", "A".
[[nodiscard]] std::string_view name_of(TransactionMachine machine);
[[nodiscard]] std::string_view name_of(TransactionState state);
[[nodiscard]] std::string_view name_of(TransactionEvent event);
[[nodiscard]] std::string_view name_of(TransactionAction::What what);
[[nodiscard]] std::string_view name_of(TransactionTimer timer);

}  // namespace callchain::sip
