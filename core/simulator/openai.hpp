/// OpenAI's side: a SIP endpoint, signed webhooks, the calls API and the sideband WebSocket. Source: OpenAI,
/// "Realtime API with SIP", "Webhooks"; openai-python and openai-node; Standard Webhooks.
#pragma once

#include "base/result.hpp"
#include "simulator/sink.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::simulator {

/// Who is subscribed to realtime.call.incoming. Each has a secret of its own.
struct WebhookEndpoint {
    std::string url;             ///< where it is told
    std::string secret;          ///< "whsec_…"
    std::string known_url = {};  ///< what the API lists, where a proxy stands between; empty: `url`
    std::string name = {};
};

/// How a call is treated.
struct OpenAiConduct {
    std::chrono::milliseconds accept_time{10'000};  ///< not accepted by then: SIP 400
    std::chrono::milliseconds webhook_time{5'000};  ///< of one delivery
    std::vector<std::chrono::milliseconds> retries{std::chrono::milliseconds(1'000),
                                                   std::chrono::milliseconds(4'000)};
    bool greets = true;  ///< the model speaks where response.create asks for it; false: it stays silent
    /// The model ends the call so long behind the greeting; none: it waits for the caller.
    std::optional<std::chrono::milliseconds> model_hangs_up = std::nullopt;

    // Faults.
    bool dead_accepts = false;  ///< 200 to accept, then 404 at the sideband, and BYE after `dead_after`
    std::chrono::milliseconds dead_after{4'000};
    int not_found_first = 0;                      ///< so many accepts are answered 404 call_id_not_found
    std::chrono::milliseconds dispatch_delay{0};  ///< from the INVITE to the webhook
    std::chrono::milliseconds clock_skew{0};      ///< of webhook-timestamp
    bool body_reserialised =
        false;  ///< a proxy on the way writes the JSON anew, without blanks; the signature is of the original
    std::chrono::milliseconds between_endpoints{
        0};                ///< each endpoint is told so much later than the one before
    int redeliveries = 0;  ///< the same webhook so many times more, at once, whatever was answered
};

/// The conduct is that of every call, but of those that `script` names.
struct OpenAiSettings : OpenAiConduct {
    std::string sip_listen = "127.0.0.1:0";  ///< TLS
    std::string certificate;                 ///< PEM files
    std::string key;
    std::string api_listen = "127.0.0.1:0";  ///< http: the API under /v1 and the sideband under /v1/realtime
    std::string api_key;                     ///< of the project; another one gets 401
    std::string project_id = "proj_00000000000000000000000a";  ///< user of the SIP URI; another one gets 404
    std::vector<WebhookEndpoint> endpoints = {};               ///< may be empty and set later
    int fails_percent = 0;                   ///< of API answers: 500 (spread evenly, not random)
    std::vector<OpenAiConduct> script = {};  ///< of the first call, the second …
};

/// How a call went.
struct OpenAiCall {
    std::string call_id;  ///< "rtc_…"
    std::string sip_call_id;
    std::string callchain_id = {};
    std::vector<int> webhook_statuses = {};  ///< each delivery, in order; 0: no answer
    std::vector<std::string> webhook_ids = {};
    int accepts = 0;          ///< that were answered 200
    int accept_refusals = 0;  ///< answered otherwise
    bool accepted = false;
    bool sideband = false;  ///< was opened
    bool greeted = false;   ///< response.create came and was carried out
    int final_status = 0;   ///< SIP
    std::optional<std::chrono::milliseconds> webhook_after = std::nullopt;  ///< since the INVITE
    std::optional<std::chrono::milliseconds> accepted_after = std::nullopt;
    std::optional<std::chrono::milliseconds> greeted_after = std::nullopt;
    std::chrono::milliseconds ended{};
    std::string ended_by = {};  ///< "caller", "model", "deadline", "rejected", "hangup", "dead"
    std::string why = {};
};

/// On threads of its own. Functions from any thread.
class OpenAi {
  public:
    /// `on_call` once for each call, when it is over. Errors: usage for addresses that cannot be bound, io
    /// for certificates.
    [[nodiscard]] static Result<std::unique_ptr<OpenAi>> start(OpenAiSettings settings, EventSink sink,
                                                               std::function<void(OpenAiCall)> on_call);
    OpenAi(const OpenAi&) = delete;
    OpenAi& operator=(const OpenAi&) = delete;
    ~OpenAi();

    [[nodiscard]] std::string sip_address() const;
    [[nodiscard]] std::string api_url() const;  ///< "http://127.0.0.1:40124/v1"
    /// What is not known when it starts. Before the first call.
    void set_endpoints(std::vector<WebhookEndpoint> endpoints);

  private:
    struct State;
    explicit OpenAi(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace callchain::simulator
