/// One call: two dialogs, joined. Pure: messages, failures and timers in, actions out.
#pragma once

#include "b2bua/call_record.hpp"
#include "b2bua/settings.hpp"
#include "sip/dialog.hpp"
#include "sip/digest_client.hpp"
#include "sip/transaction_layer.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace callchain::b2bua {

/// A request of the call, for as long as it has no final answer; counted within the call.
struct RequestNumber {
    std::uint32_t value = 0;
    friend bool operator==(RequestNumber, RequestNumber) = default;
};

enum class CallTimer : std::uint32_t {
    repeat_answer,  ///< the 2xx to leg A again, T1 doubling up to T2
    acknowledge,    ///< 64*T1: leg A never acknowledged; or the ACK to an offerless leg B never came
    ring,           ///< leg B has answered 1xx, and nothing final since
    length,         ///< the longest call
    keep_alive,     ///< OPTIONS toward Twilio
    again,          ///< a BYE that could not be delivered, once more
    forget,         ///< nothing can come any more
};

// What to do, in order.

/// An answer in a server transaction of that leg. The same one again is a repetition of a 2xx.
struct Respond {
    Leg leg = Leg::a;
    sip::TransactionId transaction;
    sip::Message response;
};
/// A request in a new client transaction: on the connection by which that leg last spoke, else to `next_hop`.
/// on_response() and on_failure() come with its number.
struct SendRequest {
    Leg leg = Leg::b;
    RequestNumber number;
    sip::Message message;  ///< without Via
    sip::Uri next_hop;
};
/// Cancels an INVITE that was sent: after its first 1xx.
struct CancelRequest {
    RequestNumber number;
};
struct SendAck {
    Leg leg = Leg::b;
    sip::Message message;  ///< without Via
    sip::Uri next_hop;
};
/// Set again, it replaces the one that runs.
struct SetCallTimer {
    CallTimer timer = CallTimer::forget;
    sip::SteadyTime due;
};
struct StopCallTimer {
    CallTimer timer = CallTimer::forget;
};
/// For the log of the call. `what` is one sentence of a closed set; the fields are made safe by the log.
struct Remark {
    enum class Level { info, warn } level = Level::info;
    std::string_view what;
    std::vector<std::pair<std::string_view, std::string>> fields = {};
};
/// Both sides are done, or have been told so: record() is complete. Once for each call.
struct CallOver {};
/// Nothing can come any more: the call is to be destroyed. The last of all.
struct Forget {};

using CallAction = std::variant<Respond, SendRequest, CancelRequest, SendAck, SetCallTimer, StopCallTimer,
                                Remark, CallOver, Forget>;
using CallActions = std::vector<CallAction>;

/// What a step gets from outside.
struct Moment {
    sip::SteadyTime now;
    WallTime wall;
    /// Bits that nobody can guess: tags, Call-ID and cnonce are made of them.
    const std::function<std::uint64_t()>& fresh_bits;
};

/// Why a request got no final answer.
enum class RequestFault {
    timeout,    ///< as if it were 408
    transport,  ///< as if it were 503
};

enum class CallState {
    dialling,  ///< no final answer of leg B
    answered,  ///< leg B has answered, and leg A has not acknowledged
    up,
    ending,  ///< a final answer or a BYE is still awaited
    over,    ///< only repetitions can come
};

/// A call from its INVITE, which was let in, to the last repetition that may come. A table of every state and
/// event is in docs/design/gateway.md; each row is a test.
///
/// Meets late and unknown things without a fault: a request within the dialog is answered, whatever the
/// state, and every request of leg A and B gets one final answer. `forget` is set no later than 64 s (128*T1)
/// after the last event, and Forget follows.
/// Not for two threads at a time.
class Call {
  public:
    /// `invite` has no To tag. The settings and the digest client (of leg B's peer) must outlive the call.
    Call(const CallSettings& settings, sip::DigestClient& digest, std::string id, sip::Received invite,
         sip::TransactionId transaction, const Moment& moment);
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    ~Call();

    /// 100 to leg A, then 488 or the INVITE to leg B.
    [[nodiscard]] CallActions start(const Moment& moment);

    /// A request with our tag of that leg in To, and the server transaction that was made for it. No ACK, no
    /// CANCEL.
    [[nodiscard]] CallActions on_request(Leg leg, const sip::Received& request,
                                         sip::TransactionId transaction, const Moment& moment);
    /// An ACK to a 2xx.
    [[nodiscard]] CallActions on_ack(Leg leg, const sip::Received& ack, const Moment& moment);
    /// A CANCEL of the INVITE of leg A, or of a re-INVITE; `transaction` is that of the CANCEL, `cancelled`
    /// that of the INVITE.
    [[nodiscard]] CallActions on_cancel(Leg leg, const sip::Received& cancel, sip::TransactionId transaction,
                                        sip::TransactionId cancelled, const Moment& moment);
    /// 101 to 699, and each further 2xx to an INVITE.
    [[nodiscard]] CallActions on_response(RequestNumber number, const sip::Received& response,
                                          const Moment& moment);
    [[nodiscard]] CallActions on_failure(RequestNumber number, RequestFault fault, const std::string& why,
                                         const Moment& moment);
    /// A 2xx to an INVITE whose transaction is gone: ACK, and BYE where it is not the call.
    [[nodiscard]] CallActions on_late_answer(const sip::Received& response, const Moment& moment);
    /// The ACK to a final answer above 2xx never came.
    [[nodiscard]] CallActions on_not_acknowledged(sip::TransactionId transaction, const Moment& moment);
    [[nodiscard]] CallActions on_timer(CallTimer timer, const Moment& moment);
    /// Ends it whatever it is at: CANCEL or BYE toward leg B, 503 or BYE (after its ACK) toward leg A.
    [[nodiscard]] CallActions hang_up(CallEnd why, const Moment& moment);

    [[nodiscard]] CallState state() const;
    [[nodiscard]] const std::string& id() const;
    /// Our tag of that leg: in To of its requests. Unlike every other of this process.
    [[nodiscard]] const std::string& local_tag(Leg leg) const;
    [[nodiscard]] const std::string& call_id(Leg leg) const;
    /// Whether that message of the leg, behind on_...(), belongs to the dialog that is the call; while leg B
    /// has not answered, to any of its fork. What does not may have been answered, but proves nothing.
    [[nodiscard]] bool is_of_call(Leg leg, const sip::Received& message) const;
    [[nodiscard]] const CallRecord& record() const;

    struct State;  ///< of core/b2bua/call*.cpp

  private:
    std::unique_ptr<State> state_;
};

}  // namespace callchain::b2bua
