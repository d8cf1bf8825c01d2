/// Twilio's calls, on the loop's thread. For core/simulator/twilio*.cpp alone.
#pragma once

#include "gateway/loop.hpp"
#include "http/client.hpp"
#include "simulator/phone.hpp"
#include "simulator/twilio.hpp"
#include "simulator/twilio_ledger.hpp"
#include "simulator/twilio_webhook.hpp"
#include "simulator/twiml_player.hpp"
#include "sip/digest_server.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace callchain::simulator {

enum class DialEnd { by_itself, timed_out, by_caller };

/// <Dial> while it runs. Of its nouns one at a time.
struct Dial {
    DialStep step;
    std::size_t noun = 0;
    std::uint64_t serial = 0;  // tells the timers of one attempt from those of another
    std::optional<CallNumber> number = std::nullopt;
    DialedLeg leg = {};
    std::optional<sip::SteadyTime> answered = std::nullopt;
    bool rang = false;
    int sequence = 0;  // of status callbacks
    DialEnd end = DialEnd::by_itself;
    [[nodiscard]] const SipNoun& sip() const { return step.sips[noun]; }
};

/// All functions on the loop's thread, or before it runs. `http` is stopped before this is destroyed.
///
/// Where Twilio documents nothing: a call whose voice URL gives no document is refused with 500 and
/// X-Twilio-Error, one that ends before it was answered with 603; the X-Twilio-CallSid of the dialled INVITE
/// is that of the caller's leg; a caller who leaves makes the dial "canceled".
class TwilioSwitch {
  public:
    /// `ledger` gets what the REST API tells; nullptr: nothing is kept of a call.
    TwilioSwitch(gateway::Loop& loop, http::Client& http, TwilioLedger* ledger, TwilioSettings settings,
                 EventSink sink, std::function<void(TwilioCall)> on_call);
    TwilioSwitch(const TwilioSwitch&) = delete;
    TwilioSwitch& operator=(const TwilioSwitch&) = delete;

    /// Errors: those of Transports::listen().
    [[nodiscard]] Result<std::vector<gateway::BoundAddress>> listen() { return phone_.listen(); }
    void place_call(std::chrono::milliseconds talk);
    void set_voice_url(std::string url) { account_.voice_url = std::move(url); }
    void set_openai(Endpoint openai) { settings_.openai = std::move(openai); }

  private:
    using Key = std::uint64_t;

    struct Call {
        Key key = 0;
        const TwilioConduct* conduct = nullptr;
        TwilioCall told;
        WebhookCall facts;
        sip::SteadyTime began;
        std::optional<CallNumber> leg = std::nullopt;  // of the caller, while there is one
        bool caller_is_there = true;
        bool answered = false;  // 200 was sent
        std::string offer = {};
        std::optional<std::chrono::milliseconds> talk = std::nullopt;  // of a call that started here
        std::string document_url = {};                                 // of what is run
        Script script = {};
        std::size_t next_step = 0;
        int redirects = 0;
        std::optional<Dial> dial = std::nullopt;
        std::size_t webhooks = 0;  // without an answer
        bool is_over = false;
    };

    [[nodiscard]] PhoneSettings phone_settings() const;
    [[nodiscard]] PhoneEvents phone_events();

    // Calls that come in.
    std::optional<sip::Message> screen(const sip::Received& invite);
    void on_invite(CallNumber number, const sip::Received& invite, const gateway::FlowInfo& flow);
    void refuse(Call& call, int status, int code, const std::string& why);
    Call& add_call();

    // Documents and their steps.
    void fetch_voice(Call& call);
    void fetch(Call& call, const std::string& method, const std::string& url,
               const encoding::FormFields& fields);
    void on_document(Key key, const WebhookReply& reply, const std::string& url, bool is_voice);
    void run_next(Call& call);
    void run(Call& call, const SayStep& say);
    void run(Call& call, const PauseStep& pause);
    void run(Call& call, const RejectStep& reject);
    void run(Call& call, const HangUpStep& hang_up);
    void run(Call& call, const RedirectStep& redirect);
    void run(Call& call, const DialStep& dial);
    void answer_caller(Call& call);
    void fail(Call& call, const TwilioProblem& problem);
    void hang_up_caller(Call& call, int status);
    void on_caller_left(Call& call);
    void finish_if_over(Call& call);

    // <Dial>.
    void dial_noun(Call& call);
    [[nodiscard]] std::optional<TwilioProblem> check_noun(const Call& call, const Dial& dial) const;
    [[nodiscard]] OutgoingCall invite_of(const Call& call, const Dial& dial) const;
    void on_dial_answered(Call& call);
    void on_dial_failed(Call& call, int status, const sip::Received* response, const std::string& why);
    void on_dial_hung_up(Call& call, const sip::Received* bye);
    void end_dial(Call& call, DialEnd how);
    void dial_over(Call& call);
    [[nodiscard]] static std::string status_of(const Dial& dial);
    void tell_status(Call& call, std::string_view event, const std::string& status);

    // What is told.
    void send_webhook(Call& call, const std::string& method, const std::string& url,
                      const encoding::FormFields& fields,
                      std::function<void(const http::ClientResult&)> done);
    void trace(const gateway::TracedMessage& message) const;
    void tell(timeline::Event event) const {
        if (sink_) sink_(std::move(event));
    }
    void note(const Call& call, std::string label, std::string detail, bool trouble = false) const;
    void note_problem(const Call& call, const TwilioProblem& problem) const;
    [[nodiscard]] std::vector<timeline::Id> ids_of(const Call& call) const;
    [[nodiscard]] std::chrono::milliseconds since(const Call& call) const;

    // What is kept, where anything is.
    void keep(const Call& call) const;
    void keep_leg(const Call& call, std::string_view status) const;
    void keep_exchange(const Call& call, const http::ClientRequest& request,
                       const encoding::FormFields& fields, const http::ClientResult& result,
                       sip::SteadyTime sent) const;
    void keep_problem(const Call& call, const TwilioProblem& problem) const;

    [[nodiscard]] Call* find(Key key);
    [[nodiscard]] Call* find_leg(CallNumber number);
    [[nodiscard]] Call* find_dialled(CallNumber number);
    [[nodiscard]] std::uint16_t next_port();

    gateway::Loop& loop_;
    http::Client& http_;
    TwilioLedger* ledger_;
    TwilioSettings settings_;
    WebhookAccount account_;
    EventSink sink_;
    std::function<void(TwilioCall)> on_call_;
    sip::DigestServer digest_;
    // What screen() found of the INVITE that is being looked at: the user, or why it is refused.
    std::pair<std::string, sip::DigestVerdict> screened_;
    std::map<Key, std::unique_ptr<Call>> calls_;
    std::map<CallNumber, Key> legs_;
    std::map<CallNumber, Key> dialled_;
    std::unordered_map<std::string, Key> by_call_id_;
    Key last_key_ = 0;
    std::uint64_t last_dial_ = 0;
    std::uint16_t last_port_ = 0;
    Phone phone_;  // the last: its events need all of the above
};

}  // namespace callchain::simulator
