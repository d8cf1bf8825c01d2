#include "sip/transaction.hpp"

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <span>

namespace callchain::sip {
namespace {

using Machine = TransactionMachine;
using State = TransactionState;
using Event = TransactionEvent;
using Timer = TransactionTimer;
using Condition = TransactionCondition;
using Step = TransactionStep;
using Known = TransactionStep::Known;
using What = TransactionAction::What;

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Do {
    What what = What::pass_up;
    Timer timer = Timer::a;
};
constexpr Do start(Timer timer) { return {What::start, timer}; }
constexpr Do stop(Timer timer) { return {What::stop, timer}; }

struct Row {
    State state;
    Event event;
    State next;
    Known known;
    std::array<Do, 5> dos{};
    std::uint8_t size = 0;
};

constexpr Row on(State state, Event event, State next, std::initializer_list<Do> dos) {
    Row row{state, event, next, Known::expected, {}, static_cast<std::uint8_t>(dos.size())};
    std::size_t at = 0;
    for (const auto& one : dos) row.dos[at++] = one;
    return row;
}
constexpr Row ignore(State state, Event event) { return {state, event, state, Known::ignored, {}, 0}; }

constexpr Do kSendRequest{What::send_request};
constexpr Do kSendAck{What::send_ack};
constexpr Do kSendCancel{What::send_cancel};
constexpr Do kRememberCancel{What::remember_cancel};
constexpr Do kSendResponse{What::send_response};
constexpr Do kPassUp{What::pass_up};
constexpr Do kTellTimeout{What::tell_timeout};
constexpr Do kTellTransportError{What::tell_transport_error};

using enum State;
using enum Event;
using T = TransactionTimer;

// RFC 3261 figure 5 with RFC 6026 section 8.4; CANCEL by RFC 3261 section 9.1.
constexpr std::array kInviteClient{
    on(calling, response_1xx, proceeding, {stop(T::a), stop(T::b), kPassUp}),
    on(calling, response_2xx, accepted, {stop(T::a), stop(T::b), kPassUp, start(T::m)}),
    on(calling, response_300_699, completed, {stop(T::a), stop(T::b), kSendAck, kPassUp, start(T::d)}),
    on(calling, tu_cancel, calling, {kRememberCancel}),
    on(calling, timer_a, calling, {kSendRequest, start(T::a)}),
    on(calling, timer_b, terminated, {kTellTimeout}),
    on(calling, transport_error, terminated, {kTellTransportError}),

    on(proceeding, response_1xx, proceeding, {kPassUp}),
    on(proceeding, response_2xx, accepted, {stop(T::cancel), kPassUp, start(T::m)}),
    on(proceeding, response_300_699, completed, {stop(T::cancel), kSendAck, kPassUp, start(T::d)}),
    on(proceeding, tu_cancel, proceeding, {kSendCancel, start(T::cancel)}),
    ignore(proceeding, timer_a),
    ignore(proceeding, timer_b),
    on(proceeding, timer_cancel, terminated, {kTellTimeout}),
    // The figure sends nothing here. A connection that breaks takes the answer with it all the same, and no
    // timer runs that would ever end the wait.
    on(proceeding, transport_error, terminated, {kTellTransportError}),

    ignore(completed, response_1xx),
    ignore(completed, response_2xx),
    on(completed, response_300_699, completed, {kSendAck}),
    ignore(completed, tu_cancel),
    ignore(completed, timer_a),
    ignore(completed, timer_b),
    on(completed, timer_d, terminated, {}),
    ignore(completed, timer_cancel),
    on(completed, transport_error, terminated, {kTellTransportError}),

    ignore(accepted, response_1xx),
    on(accepted, response_2xx, accepted, {kPassUp}),
    ignore(accepted, response_300_699),
    ignore(accepted, tu_cancel),
    ignore(accepted, timer_a),
    ignore(accepted, timer_b),
    on(accepted, timer_m, terminated, {}),
    ignore(accepted, timer_cancel),
    ignore(accepted, transport_error),
};

// RFC 3261 figure 6.
constexpr std::array kNonInviteClient{
    on(trying, response_1xx, proceeding, {kPassUp}),
    on(trying, response_2xx, completed, {stop(T::e), stop(T::f), kPassUp, start(T::k)}),
    on(trying, response_300_699, completed, {stop(T::e), stop(T::f), kPassUp, start(T::k)}),
    on(trying, timer_e, trying, {kSendRequest, start(T::e)}),
    on(trying, timer_f, terminated, {kTellTimeout}),
    on(trying, transport_error, terminated, {kTellTransportError}),

    on(proceeding, response_1xx, proceeding, {kPassUp}),
    on(proceeding, response_2xx, completed, {stop(T::e), stop(T::f), kPassUp, start(T::k)}),
    on(proceeding, response_300_699, completed, {stop(T::e), stop(T::f), kPassUp, start(T::k)}),
    on(proceeding, timer_e, proceeding, {kSendRequest, start(T::e)}),
    on(proceeding, timer_f, terminated, {kTellTimeout}),
    on(proceeding, transport_error, terminated, {kTellTransportError}),

    ignore(completed, response_1xx),
    ignore(completed, response_2xx),
    ignore(completed, response_300_699),
    ignore(completed, timer_e),
    ignore(completed, timer_f),
    on(completed, timer_k, terminated, {}),
    ignore(completed, transport_error),
};

// RFC 3261 figure 7 with RFC 6026 sections 8.5 to 8.8: a transport error no longer ends the transaction.
constexpr std::array kInviteServer{
    on(proceeding, request, proceeding, {kSendResponse}),
    on(proceeding, tu_1xx, proceeding, {kSendResponse}),
    on(proceeding, tu_2xx, accepted, {kSendResponse, start(T::l)}),
    on(proceeding, tu_300_699, completed, {kSendResponse, start(T::g), start(T::h)}),
    on(proceeding, transport_error, proceeding, {kTellTransportError}),

    on(completed, request, completed, {kSendResponse}),
    on(completed, ack, confirmed, {stop(T::g), stop(T::h), start(T::i)}),
    on(completed, timer_g, completed, {kSendResponse, start(T::g)}),
    on(completed, timer_h, terminated, {kTellTimeout}),
    on(completed, transport_error, completed, {kTellTransportError}),

    ignore(confirmed, request),
    ignore(confirmed, ack),
    ignore(confirmed, timer_g),
    ignore(confirmed, timer_h),
    on(confirmed, timer_i, terminated, {}),
    ignore(confirmed, transport_error),

    ignore(accepted, request),
    on(accepted, ack, accepted, {kPassUp}),
    on(accepted, tu_2xx, accepted, {kSendResponse}),
    on(accepted, timer_l, terminated, {}),
    on(accepted, transport_error, accepted, {kTellTransportError}),
};

// RFC 3261 figure 8, and section 17.2.4 as RFC 6026 section 8.8 has it: the figure still ends the
// transaction with a transport error, the newer text says that it MUST remain.
constexpr std::array kNonInviteServer{
    ignore(trying, request),
    on(trying, tu_1xx, proceeding, {kSendResponse}),
    on(trying, tu_2xx, completed, {kSendResponse, start(T::j)}),
    on(trying, tu_300_699, completed, {kSendResponse, start(T::j)}),
    ignore(trying, transport_error),

    on(proceeding, request, proceeding, {kSendResponse}),
    on(proceeding, tu_1xx, proceeding, {kSendResponse}),
    on(proceeding, tu_2xx, completed, {kSendResponse, start(T::j)}),
    on(proceeding, tu_300_699, completed, {kSendResponse, start(T::j)}),
    on(proceeding, transport_error, proceeding, {kTellTransportError}),

    on(completed, request, completed, {kSendResponse}),
    ignore(completed, tu_1xx),
    ignore(completed, tu_2xx),
    ignore(completed, tu_300_699),
    on(completed, timer_j, terminated, {}),
    on(completed, transport_error, completed, {kTellTransportError}),
};

std::span<const Row> rows_of(Machine machine) {
    switch (machine) {
        case Machine::invite_client:
            return kInviteClient;
        case Machine::non_invite_client:
            return kNonInviteClient;
        case Machine::invite_server:
            return kInviteServer;
        case Machine::non_invite_server:
            break;
    }
    return kNonInviteServer;
}

/// Of a timer that stands still for the whole of a state. Source: RFC 3261 appendix A, RFC 6026 section 8.11.
milliseconds waiting_time(Timer timer, const TimerValues& values, Reliability reliability) {
    const auto unless_reliable = [&](milliseconds time) {
        return reliability == Reliability::reliable ? milliseconds{0} : time;
    };
    switch (timer) {
        case T::d:
            // At least 32 s: the peer's T1 is not known.
            return unless_reliable(std::max<milliseconds>(seconds{32}, 64 * values.t1));
        case T::i:
        case T::k:
            return unless_reliable(values.t4);
        case T::j:
            return unless_reliable(64 * values.t1);
        default:
            return 64 * values.t1;
    }
}

bool is_retransmission(Timer timer) { return timer == T::a || timer == T::e || timer == T::g; }

/// The interval with which timer A, E or G is set by `event`.
milliseconds next_interval(Timer timer, const Condition& now, Event event, const TimerValues& values) {
    if (event != event_of(timer)) return values.t1;
    if (timer == T::a) return 2 * now.interval;
    if (timer == T::e && now.state == proceeding) return values.t2;
    return std::min(2 * now.interval, values.t2);
}

void add(Step& step, Do one, milliseconds interval, const TimerValues& values, Reliability reliability) {
    if (one.what != What::start) {
        step.actions.push_back({one.what, one.timer, {}});
        return;
    }
    if (!is_retransmission(one.timer)) {
        step.actions.push_back({one.what, one.timer, waiting_time(one.timer, values, reliability)});
        return;
    }
    if (reliability == Reliability::reliable) return;
    step.next.interval = interval;
    step.actions.push_back({one.what, one.timer, interval});
}

}  // namespace

TransactionEvent event_of(TransactionTimer timer) {
    return static_cast<Event>(static_cast<std::uint8_t>(timer_a) + static_cast<std::uint8_t>(timer));
}

TransactionStep begin(TransactionMachine machine, const TimerValues& values, Reliability reliability) {
    Step first;
    first.known = Known::expected;
    const auto begin_with = [&](State state, std::initializer_list<Do> dos) {
        first.next.state = state;
        for (const auto& one : dos) add(first, one, values.t1, values, reliability);
    };
    switch (machine) {
        case Machine::invite_client:
            begin_with(calling, {kSendRequest, start(T::a), start(T::b)});
            break;
        case Machine::non_invite_client:
            begin_with(trying, {kSendRequest, start(T::e), start(T::f)});
            break;
        case Machine::invite_server:
            begin_with(proceeding, {});
            break;
        case Machine::non_invite_server:
            begin_with(trying, {});
            break;
    }
    return first;
}

TransactionStep step(TransactionMachine machine, const TransactionCondition& now, TransactionEvent event,
                     const TimerValues& values, Reliability reliability) {
    Step step{now, {}, Known::impossible};
    if (now.state == terminated) {
        // Whatever was under way when it ended may still arrive.
        step.known = Known::ignored;
        return step;
    }
    for (const auto& row : rows_of(machine)) {
        if (row.state != now.state || row.event != event) continue;
        step.known = row.known;
        step.next.state = row.next;
        for (std::size_t at = 0; at < row.size; ++at) {
            const auto one = row.dos[at];
            add(step, one, next_interval(one.timer, now, event, values), values, reliability);
        }
        break;
    }
    return step;
}

std::string_view name_of(TransactionMachine machine) {
    constexpr std::array<std::string_view, 4> kNames{"INVITE client", "non-INVITE client", "INVITE server",
                                                     "non-INVITE server"};
    return kNames[static_cast<std::size_t>(machine)];
}

std::string_view name_of(TransactionState state) {
    constexpr std::array<std::string_view, 7> kNames{"Calling",   "Trying",   "Proceeding", "Completed",
                                                     "Confirmed", "Accepted", "Terminated"};
    return kNames[static_cast<std::size_t>(state)];
}

std::string_view name_of(TransactionEvent event) {
    constexpr std::array<std::string_view, kEvents> kNames{"request again",
                                                           "ACK",
                                                           "1xx",
                                                           "2xx",
                                                           "300-699",
                                                           "1xx from TU",
                                                           "2xx from TU",
                                                           "300-699 from TU",
                                                           "CANCEL from TU",
                                                           "Timer A",
                                                           "Timer B",
                                                           "Timer D",
                                                           "Timer E",
                                                           "Timer F",
                                                           "Timer G",
                                                           "Timer H",
                                                           "Timer I",
                                                           "Timer J",
                                                           "Timer K",
                                                           "Timer L",
                                                           "Timer M",
                                                           "64*T1 after CANCEL",
                                                           "transport error"};
    return kNames[static_cast<std::size_t>(event)];
}

std::string_view name_of(TransactionAction::What what) {
    constexpr std::array<std::string_view, 10> kNames{
        "send request", "send ACK",     "remember CANCEL",      "send CANCEL", "send response",
        "pass up",      "tell timeout", "tell transport error", "start",       "stop"};
    return kNames[static_cast<std::size_t>(what)];
}

std::string_view name_of(TransactionTimer timer) {
    constexpr std::array<std::string_view, kTimers> kNames{"A", "B", "D", "E", "F", "G",     "H",
                                                           "I", "J", "K", "L", "M", "CANCEL"};
    return kNames[static_cast<std::size_t>(timer)];
}

}  // namespace callchain::sip
