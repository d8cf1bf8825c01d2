/// The configuration of `serve`: its settings, and what they are read into.
#pragma once

#include "base/result.hpp"
#include "config/network.hpp"
#include "config/settings.hpp"
#include "http/server.hpp"
#include "observe/log.hpp"
#include "openai/session_body.hpp"
#include "signature/secret.hpp"
#include "twiml/fallback.hpp"
#include "twiml/voice_response.hpp"

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace callchain::service {

/// Every setting of `serve`, in the order in which people look for them. Source: the environment of the first
/// service, and ours.
[[nodiscard]] std::span<const config::SettingSpec> serve_settings();

/// How much of a refused delivery goes into the log.
enum class RecordMode {
    hash,  ///< length and SHA-256 of the body
    full,  ///< the body as well, in base64
};

/// A secret as it is used, and as it was configured where blanks or quotes were taken off.
struct LoadedSecret {
    signature::LabelledSecret secret;  ///< without wrapping
    std::string configured;            ///< the text as it was, for the lint
    std::string key;                   ///< HMAC key bytes
};

/// At most so many webhook secrets are taken: each costs every delivery one HMAC.
inline constexpr std::size_t kMostWebhookSecrets = 8;

struct ServeConfig {
    std::string listen = "[::]:8000";
    bool listen_chosen = false;                   ///< false: where the host has no IPv6, 0.0.0.0 is taken
    std::string admin_listen = "127.0.0.1:9464";  ///< empty: none
    unsigned threads = 0;                         ///< 0: one per core
    std::optional<http::TlsFiles> tls = {};

    std::vector<LoadedSecret> webhook_secrets;
    std::string api_key;
    std::string base_url = std::string(openai::kDefaultBaseUrl);
    std::string ca_file = {};
    openai::SessionSettings session;  ///< for the Realtime dialect; Live has its own model
    std::string live_model = {};      ///< empty: the default
    std::string greeting = {};        ///< the phrase, unwrapped
    std::string farewell = {};
    std::chrono::seconds max_call{0};  ///< 0: no limit of ours
    bool sideband = true;              ///< false: another program attaches to the calls

    std::string caller_id = {};  ///< E.164, or empty: that of each request
    twiml::VoiceResponse voice;  ///< what every call gets; caller id and headers are added
    twiml::Fallback fallback;    ///< for a dial that failed
    std::vector<signature::LabelledSecret> twilio_tokens;  ///< empty: requests of Twilio are not verified
    std::vector<std::string> public_urls;                  ///< without a '/' at the end
    std::vector<config::Network> trusted_proxies;

    std::string capture_dir = {};
    RecordMode record = RecordMode::hash;
    observe::LogForm log_form = observe::LogForm::json;
    observe::Level log_level = observe::Level::info;
    std::chrono::seconds drain{8};
};

/// What calls of that dialect are accepted with.
[[nodiscard]] openai::SessionSettings session_for(const ServeConfig& config, openai::Dialect dialect);

/// What the settings are read from. Secrets come in as configured, under their labels.
struct ServeInputs {
    config::Settings settings;
    std::vector<signature::LabelledSecret> webhook_secrets;
    std::vector<signature::LabelledSecret> api_keys;
    std::vector<signature::LabelledSecret> twilio_tokens;
    std::optional<Result<std::string>> prompt;  ///< the file of OPENAI_PROMPT_PATH, where one is named
    std::string railway_domain = {};            ///< RAILWAY_PUBLIC_DOMAIN
    bool log_to_terminal = false;               ///< text is the default then
};

/// All problems at once: with one there is no config. Warnings are for the start's log.
struct ServeConfigResult {
    std::optional<ServeConfig> config;
    std::vector<Error> problems;
    std::vector<std::string> warnings;
};
[[nodiscard]] ServeConfigResult read_serve_config(const ServeInputs& inputs);

/// The text without blanks, byte-order mark and quotes at its ends, single ones included: what `serve`
/// forgives in a secret, as the first service did. Borrows from `text`.
[[nodiscard]] std::string_view tolerant_secret(std::string_view text);
/// The items of a configured list, each without its wrapping, beside the text as it was. A pair of quotes
/// around the whole list goes first.
struct ConfiguredItem {
    std::string text;
    std::string configured;
};
[[nodiscard]] std::vector<ConfiguredItem> split_tolerantly(std::string_view value);

/// What is said of each secret at the start: label, mask, fingerprint, and what its form has against it.
struct SecretNotice {
    std::string label;
    std::string mask;
    std::string fingerprint;
    std::size_t characters = 0;
    std::vector<signature::SecretRemark> remarks;
};
[[nodiscard]] SecretNotice notice_of(const LoadedSecret& secret);

}  // namespace callchain::service
