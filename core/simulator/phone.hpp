/// A SIP user agent with calls, on the transports of the gateway: what the three stand-ins have in common.
#pragma once

#include "gateway/sip_stack.hpp"
#include "sip/digest_client.hpp"
#include "sip/message.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace callchain::simulator {

/// Counted up within one Phone; never used twice.
struct CallNumber {
    std::uint64_t value = 0;
    friend auto operator<=>(CallNumber, CallNumber) = default;
};

struct PhoneSettings {
    gateway::StackSettings stack;      ///< listeners, certificates, CA file
    std::string contact_user = {};     ///< of Contact; the rest is the first bound address and its transport
    std::string contact_host = {};     ///< in place of the bound address, with the bound port
    std::string user_agent = "phone";  ///< User-Agent and Server
};

struct OutgoingCall {
    sip::Uri target;        ///< Request-URI; also To, unless that is given
    sip::NameAddress from;  ///< without a tag: one is made
    std::optional<sip::NameAddress> to = std::nullopt;
    std::string call_id;
    std::optional<std::string> contact = std::nullopt;  ///< the whole value, in place of our own
    std::vector<sip::HeaderField> headers = {};  ///< in their order, behind our Via: Vias and Record-Routes
                                                 ///< of proxies that are played, X-…
    std::string sdp = {};  ///< empty: an INVITE without an offer, answered in its ACK by `answer_in_ack`
    std::string answer_in_ack = {};
    sip::Destination destination;                              ///< where it is sent
    std::optional<sip::DigestAccount> account = std::nullopt;  ///< answers a 401 or 407
    /// The `uri` of the credentials; empty: the Request-URI. Meta leaves ";transport=tls" out.
    std::string digest_uri = {};
};

/// All on the loop's thread. Those that are empty mean: do nothing, or what the text says.
struct PhoneEvents {
    /// Before an INVITE becomes a call: a whole response (407, 403, 488 …), which is sent without a
    /// transaction, or nullopt, and it goes on to on_invite. A challenge of sip::DigestServer fits.
    std::function<std::optional<sip::Message>(const sip::Received&, const gateway::FlowInfo&)> on_screen = {};
    /// Now, or later: ring(), answer() or refuse(). Empty: refused with 480.
    std::function<void(CallNumber, const sip::Received&, const gateway::FlowInfo&)> on_invite = {};
    std::function<void(CallNumber, const sip::Received&)> on_ringing = {};   ///< 101 to 199 to a call of ours
    std::function<void(CallNumber, const sip::Received&)> on_answered = {};  ///< 2xx to it; its ACK is sent
    /// The final failure of a call of ours; the number is gone afterwards. Status 408 or 503 without a
    /// response where none came; `why` is for a person.
    std::function<void(CallNumber, int status, const sip::Received* response, const std::string& why)>
        on_failed = {};
    std::function<void(CallNumber, const sip::Received& ack)> on_acknowledged =
        {};  ///< of a call that came in
    /// The other side has ended the call by BYE (200 is sent) or CANCEL (200 and 487 are). Number gone
    /// afterwards.
    std::function<void(CallNumber, const sip::Received&)> on_ended = {};
    /// Our BYE has its final answer (0: none came). The number is gone afterwards.
    std::function<void(CallNumber, int status)> on_hung_up = {};
    /// Any other request within a call, re-INVITE included: the status to answer with. Empty: OPTIONS 200,
    /// INVITE and UPDATE 488, others 405.
    std::function<int(CallNumber, const sip::Received&)> on_request_within = {};
    std::function<void(const gateway::TracedMessage&)> on_trace = {};
    std::function<void(const std::string& what, const std::string& detail)> on_remark = {};
};

/// All functions on the loop's thread, or before it runs; the loop's timers are the phone's. Unknown numbers
/// are passed over. In-dialog requests go by the connection of the call where it lives, else to the route set
/// or target. 2xx of ours are repeated until their ACK; every 2xx to us is acknowledged, also a repeated one.
/// Outlived by the loop.
class Phone {
  public:
    Phone(gateway::Loop& loop, PhoneSettings settings, PhoneEvents events);
    Phone(const Phone&) = delete;
    Phone& operator=(const Phone&) = delete;
    ~Phone();

    /// Errors: those of Transports::listen().
    [[nodiscard]] Result<std::vector<gateway::BoundAddress>> listen();

    /// Errors: bad_input for what is no INVITE that can be sent.
    [[nodiscard]] Result<CallNumber> call(OutgoingCall call);
    void ring(CallNumber number, int status = 180, std::vector<sip::HeaderField> headers = {});
    void answer(CallNumber number, std::string sdp, std::vector<sip::HeaderField> headers = {});
    void refuse(CallNumber number, int status, std::string reason = {},
                std::vector<sip::HeaderField> headers = {});
    /// BYE where the call is up, CANCEL where ours rings, 603 where theirs does.
    void hang_up(CallNumber number, std::vector<sip::HeaderField> headers = {});
    /// Any other request within a call that is up; its answer is told to `done` (0: none came).
    void send_within(CallNumber number, std::string method, std::vector<sip::HeaderField> headers,
                     std::string body, std::function<void(int status)> done);

    /// The SDP that the other side sent last in this call; empty: none.
    [[nodiscard]] std::string remote_sdp(CallNumber number) const;
    [[nodiscard]] std::string call_id(CallNumber number) const;
    /// Closes the connection of that call as if the network had dropped it.
    void drop_connection(CallNumber number);
    /// From now on in-dialog requests of that call go to its route set or target by a new connection.
    void forget_connection(CallNumber number);
    [[nodiscard]] std::size_t calls() const;

    /// Runs it once, behind so much time.
    void after(std::chrono::milliseconds delay, std::function<void()> work);

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace callchain::simulator
