/// The inside of a call: what it remembers, and one step of it. For core/b2bua/call*.cpp alone.
#pragma once

#include "b2bua/call.hpp"
#include "b2bua/offer.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::b2bua {

/// A 2xx of ours to an INVITE, which is repeated until its ACK. Source: RFC 3261 section 13.3.1.4.
struct Unacknowledged {
    sip::TransactionId transaction;
    sip::Message response;
    std::uint32_t cseq = 0;
    std::chrono::milliseconds interval{};
    sip::SteadyTime repeat_at;
    sip::SteadyTime give_up_at;
    bool offers = false;  ///< it has an offer of ours: the ACK has the answer
};

/// A request of ours without its final answer.
struct Pending {
    enum class Kind { invite, bye, options } kind = Kind::bye;
    RequestNumber number;
    Leg leg = Leg::b;
    std::size_t dialog = 0;  ///< of leg B: which of the fork
    sip::DigestAttempt attempt = {};
    std::vector<sip::HeaderField> headers = {};  ///< of a BYE, for the next try
    int tries = 1;
};

/// A BYE that waits for its next try.
struct Retry {
    Leg leg = Leg::b;
    std::size_t dialog = 0;
    std::vector<sip::HeaderField> headers;
    int tries = 1;
};

/// What a leg has of its session: both descriptions as they stand.
struct LegState {
    std::string local_tag;
    std::string sent;                                          ///< what we last sent
    std::string received;                                      ///< what the peer last sent, as it came
    std::unique_ptr<Unacknowledged> unacknowledged = nullptr;  ///< apart: it is there for seconds only
};

struct Call::State {
    State(const CallSettings& given, sip::DigestClient& client) : settings(given), digest(client) {}

    const CallSettings& settings;
    sip::DigestClient& digest;
    CallRecord record;
    sip::SteadyTime began;

    LegState a;
    LegState b;
    std::unique_ptr<sip::Received> invite;  ///< of leg A, until its final answer
    sip::TransactionId invite_transaction;
    bool final_sent = false;  ///< to that INVITE
    std::uint32_t invite_cseq = 0;
    std::optional<sip::Dialog> dialog_a;
    std::optional<sip::DialogSet> dialogs_b;
    std::size_t call_b = 0;  ///< which of them is the call
    LegState& leg(Leg which) { return which == Leg::a ? a : b; }

    std::uint32_t last_number = 0;
    std::uint32_t cseq_b = 1;
    std::vector<Pending> pending;
    std::vector<Retry> retries;
    bool offerless = false;
    bool given_up = false;    ///< leg B's answer is not wanted any more
    bool answered = false;    ///< by leg B, and taken
    bool ack_owed = false;    ///< to an offerless leg B, until leg A's answer is here
    bool bye_a_owed = false;  ///< once leg A has acknowledged
    std::vector<sip::HeaderField> bye_a_headers;
    std::string early_sdp;      ///< of a 18x, as it came
    std::size_t early_b = 0;    ///< the dialog of that 18x
    std::string answer_of_ack;  ///< in the ACK to an offerless leg B
    bool over = false;
    bool forgotten = false;
};

/// One event: reads and changes the state, and collects what is to be done.
class CallStep {
  public:
    CallStep(Call::State& state, const Moment& moment) : s_(state), moment_(moment) {}

    // call.cpp
    void start();
    void dial();
    // call_invite.cpp: leg B's answers to the INVITE
    void on_invite_response(Pending& pending, const sip::Received& response);
    void on_invite_success(const sip::Received& response);
    void on_ack_of_a(const sip::Received& ack);
    // call_within.cpp: requests within the dialogs
    void on_request(Leg leg, const sip::Received& request, sip::TransactionId transaction);
    void on_ack(Leg leg, const sip::Received& ack);
    // call_end.cpp
    void on_cancel(Leg leg, const sip::Received& cancel, sip::TransactionId transaction,
                   sip::TransactionId cancelled);
    void on_response(RequestNumber number, const sip::Received& response);
    void on_failure(RequestNumber number, RequestFault fault, const std::string& why);
    void on_timer(CallTimer timer);
    void hang_up(CallEnd why);

    /// Closes the step: what has come to its end is told.
    [[nodiscard]] CallActions finish();
    [[nodiscard]] CallActions take() { return std::move(actions_); }
    /// CANCEL to whatever INVITE of leg B is still open.
    void cancel_pending();
    void remark(Remark::Level level, std::string_view what,
                std::vector<std::pair<std::string_view, std::string>> fields = {});

  private:
    // call.cpp
    [[nodiscard]] std::chrono::milliseconds since_start() const;
    [[nodiscard]] sip::Dialog* dialog_of(Leg leg, std::size_t index = 0);
    [[nodiscard]] sip::Dialog* dialog_of(Leg leg, const sip::Received& request);
    void respond(Leg leg, sip::TransactionId transaction, sip::Message response);
    void refuse_a(int status, std::string_view reason, const std::vector<sip::HeaderField>& headers);
    void refuse_media(const MediaRefusal& refusal);
    void end(CallEnd why, std::string text);
    void set_timer(CallTimer timer, std::chrono::milliseconds after);
    void stop_timer(CallTimer timer) { actions_.emplace_back(StopCallTimer{timer}); }
    [[nodiscard]] RequestNumber next_number() { return {++s_.last_number}; }
    [[nodiscard]] Pending* find(RequestNumber number);
    void drop(RequestNumber number);
    [[nodiscard]] bool invite_is_open() const;
    void release_session();

    // call_invite.cpp
    void ring(const sip::Received& response, std::size_t dialog);
    void challenged(Pending& pending, const sip::Received& response);
    void failed(const sip::Received& response);
    void answered(const sip::Received& response);
    void answer_a(const std::string& sdp);
    void acknowledge_b(std::size_t dialog, std::string_view sdp);
    void note_answer(const sip::Received& response);

    // call_within.cpp
    void re_offer(Leg leg, const sip::Received& request, sip::TransactionId transaction, sip::Dialog& dialog);
    void on_bye(Leg leg, const sip::Received& request, sip::TransactionId transaction);
    void accept_again(Leg leg, const sip::Received& request, sip::TransactionId transaction,
                      sip::Dialog& dialog, bool with_sdp);
    void answer(Leg leg, const sip::Received& request, sip::TransactionId transaction, int status,
                std::vector<sip::HeaderField> headers = {});
    void repeat_until_acknowledged(Leg leg, sip::TransactionId transaction, const sip::Message& response,
                                   std::uint32_t cseq, bool offers);
    void set_answer_timers();

    // call_end.cpp
    void give_up_b();
    void bye(Leg leg, std::size_t dialog, std::vector<sip::HeaderField> headers, int tries = 1,
             sip::DigestAttempt attempt = {});
    void bye_a(std::vector<sip::HeaderField> headers);
    void bye_both(CallEnd why, const std::string& text);
    void settle_ack_of_b();
    void tell_other(Leg ended, std::vector<sip::HeaderField> headers);
    void send(Pending pending, sip::DialogRequest request);
    void challenged_within(const Pending& pending, const sip::Received& response);
    void repeat_answers();
    void give_up_acknowledgements();
    void keep_alive();
    [[nodiscard]] Leg twilio_leg() const;

    Call::State& s_;
    const Moment& moment_;
    CallActions actions_;
};

}  // namespace callchain::b2bua
