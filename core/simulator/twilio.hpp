/// Twilio's side: a SIP Domain, voice webhooks that are signed, the TwiML that this chain uses, and the leg
/// of <Dial><Sip>. Source: Twilio, "SIP Domain", "TwiML for Programmable Voice", "Webhook security"; npm
/// twilio.
#pragma once

#include "base/result.hpp"
#include "gateway/flow.hpp"
#include "simulator/sink.hpp"
#include "sip/digest_client.hpp"
#include "sip/resolve.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::simulator {

/// How a call is treated.
struct TwilioConduct {
    enum class SecureMedia { off, on } secure_media = SecureMedia::on;
    std::chrono::milliseconds webhook_time{15'000};  ///< above: error 11205, the call fails
    std::chrono::milliseconds dial_timeout{30'000};  ///< in place of a longer one of <Dial>
    /// A BYE to the gateway goes by a connection of its own, and says where from: as a second proxy would.
    bool bye_on_new_connection = false;
    std::string from = "whatsapp:+12195550714";  ///< of a call that starts here, without a gateway
    std::string to = "whatsapp:+12145551869";
};

/// The conduct is that of every call, but of those that `script` names.
struct TwilioSettings : TwilioConduct {
    std::string listen = "127.0.0.1:0";  ///< of the SIP Domain
    sip::Transport transport = sip::Transport::tls;
    std::string certificate = {};  ///< PEM files, TLS only
    std::string key = {};
    std::string ca_file = {};                                  ///< of OpenAI's stand-in and of https webhooks
    std::optional<sip::DigestAccount> account = std::nullopt;  ///< asked for by 407; none: nobody is asked

    std::string account_sid = "AC00000000000000000000000000000001";
    std::string auth_token;  ///< X-Twilio-Signature is made with it; empty: no signature
    std::string voice_url;   ///< where it is sent: "http://127.0.0.1:8000/twilio/voice"
    std::string public_url =
        {};  ///< what is signed in its place, origin and path, where a proxy stands between

    /// Where a <Sip> whose host is none of ours leads: OpenAI's stand-in. TLS, whatever the URI's port.
    Endpoint openai = {};
    std::vector<TwilioConduct> script = {};  ///< of the first call, the second …

    /// The REST API: address of http; empty: there is none. Asked for is the account with its token, or with
    /// the API key where there is one.
    std::string api_listen = {};
    std::string api_key = {};  ///< "SK…"
    std::string api_key_secret = {};
    int api_fails_percent = 0;       ///< of its answers: 500 (spread evenly, not random)
    bool api_forgets_calls = false;  ///< 404 for every call
};

/// How a call went, as Twilio's console would show it.
struct TwilioCall {
    std::string call_sid;
    std::string call_id;            ///< SIP, of the leg that came in; empty: it started here
    std::string callchain_id = {};  ///< of X-Callchain-Id, in the INVITE or in the <Sip>
    int refused_with = 0;           ///< SIP status; 0: it was let in
    int twilio_error = 0;           ///< 32202, 32207 to 32209, 13224, 13214, 11200, 11205, 12100 …; 0: none
    std::string why = {};           ///< one sentence
    int webhook_status = 0;         ///< what the voice webhook answered; 0: nothing
    std::string dial_status =
        {};  ///< "completed", "failed", "no-answer", "busy", "canceled"; empty: nobody was dialled
    int dial_sip_status = 0;        ///< of the dialled leg
    std::string dial_call_id = {};  ///< SIP Call-ID of the dialled leg
    bool bridged = false;
    std::optional<std::chrono::milliseconds> bridged_after = std::nullopt;  ///< since the call came
    std::chrono::milliseconds ended{};
    std::string ended_by = {};  ///< "caller", "openai", "twilio"
    int bye_status = 0;         ///< what its BYE was answered; 0: it sent none, or nothing came
};

/// On a thread of its own. Functions from any thread.
class Twilio {
  public:
    /// `on_call` once for each call, when it is over, on the stand-in's thread. Errors: those of
    /// Transports::listen().
    [[nodiscard]] static Result<std::unique_ptr<Twilio>> start(const TwilioSettings& settings, EventSink sink,
                                                               std::function<void(TwilioCall)> on_call);
    Twilio(const Twilio&) = delete;
    Twilio& operator=(const Twilio&) = delete;
    ~Twilio();

    [[nodiscard]] std::string address() const;
    /// "http://127.0.0.1:40124": of the API 2010-04-01 and of monitor's; empty: there is none.
    [[nodiscard]] std::string api_url() const;
    /// A WhatsApp call that reaches Twilio without a gateway; the caller hangs up `talk` behind the bridging.
    void place_call(std::chrono::milliseconds talk);
    /// What is not known when it starts. Before the first call.
    void set_voice_url(std::string url);
    void set_openai(Endpoint openai);

  private:
    struct State;
    explicit Twilio(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace callchain::simulator
