#include "service/serve_config.hpp"

#include "base/redact.hpp"
#include "base/text.hpp"
#include "config/settings_reader.hpp"
#include "http/client.hpp"
#include "openai/sideband.hpp"
#include "signature/twilio_url.hpp"
#include "twiml/caller_id.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace callchain::service {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::array<std::string_view, 8> kQuotes{"\"", "'", "`", "“", "”", "‘", "’", kByteOrderMark};

/// Reads settings into a config and gathers what is wrong with them.
class Reader : config::SettingsReader {
  public:
    explicit Reader(const ServeInputs& inputs) : SettingsReader(inputs.settings), in_(inputs) {}

    ServeConfigResult read() && {
        read_addresses();
        read_api();
        read_webhook_secrets();
        read_session();
        read_twilio();
        read_log();
        ServeConfigResult result;
        result.warnings = std::move(warnings_);
        result.problems = std::move(problems_);
        if (result.problems.empty()) result.config = std::move(config_);
        return result;
    }

  private:
    void read_addresses() {
        const auto port = take("PORT", config::parse_port(settings_.value("PORT")));
        if (port) config_.listen = "[::]:" + std::to_string(*port);
        if (settings_.is_set("CALLCHAIN_LISTEN")) {
            config_.listen_chosen = true;
            if (auto listen = take("CALLCHAIN_LISTEN",
                                   config::parse_listen_address(settings_.value("CALLCHAIN_LISTEN"))))
                config_.listen = *std::move(listen);
        }
        config_.admin_listen.clear();
        if (settings_.value("CALLCHAIN_ADMIN_LISTEN") != "off") {
            if (auto listen = take("CALLCHAIN_ADMIN_LISTEN",
                                   config::parse_listen_address(settings_.value("CALLCHAIN_ADMIN_LISTEN"))))
                config_.admin_listen = *std::move(listen);
        }
        if (const auto threads = number("CALLCHAIN_THREADS", 256))
            config_.threads = static_cast<unsigned>(*threads);
        if (const auto seconds = number("CALLCHAIN_DRAIN_SECONDS", 3'600))
            config_.drain = std::chrono::seconds(*seconds);
        const auto& certificate = settings_.value("CALLCHAIN_TLS_CERT");
        const auto& key = settings_.value("CALLCHAIN_TLS_KEY");
        if (certificate.empty() != key.empty())
            problem("CALLCHAIN_TLS_CERT and CALLCHAIN_TLS_KEY go together, and only one of them is set",
                    "set both, or none where a proxy ends TLS");
        else if (!certificate.empty())
            config_.tls = http::TlsFiles{certificate, key};
    }

    void read_api() {
        if (in_.api_keys.empty()) {
            problem("OPENAI_API_KEY is not set", "set it to a key of the project that the calls go to, sk-…");
        } else {
            const auto& text = in_.api_keys.front().text;
            config_.api_key = std::string(tolerant_secret(text));
            check_api_key(text);
        }
        config_.base_url = settings_.value("OPENAI_BASE_URL");
        // Any id will do: what is asked is whether the base makes a URL.
        const auto url = openai::call_url(config_.base_url, openai::Dialect::realtime, "rtc_0",
                                          openai::CallAction::accept);
        if (!url) {
            refuse("OPENAI_BASE_URL", url.error().message, url.error().hint);
        } else if (!http::is_url_for_secrets(*url)) {
            refuse("OPENAI_BASE_URL", "would send the API key unencrypted to another machine",
                   "use https, or http to a loopback address");
        }
        config_.ca_file = settings_.value("CALLCHAIN_CA_FILE");
    }

    void check_api_key(const std::string& configured) {
        const auto& key = config_.api_key;
        if (key.empty())
            problem("OPENAI_API_KEY is empty", "set it to a key of the project that the calls go to, sk-…");
        else if (key.starts_with(signature::kSecretPrefix))
            problem("OPENAI_API_KEY holds a webhook secret (whsec_…)",
                    "the API key begins with sk-; the webhook secret belongs in OPENAI_WEBHOOK_SECRET");
        else if (!is_visible_ascii(key))
            problem("OPENAI_API_KEY has blanks, line ends or other characters that no key has",
                    "copy it again, whole, on one line");
        else if (key.size() != configured.size())
            warn("OPENAI_API_KEY: blanks or quotes around it were taken off");
    }

    void read_webhook_secrets() {
        if (in_.webhook_secrets.empty())
            return problem(
                "OPENAI_WEBHOOK_SECRET is not set",
                "set it to the signing secret of this service's endpoint, whsec_…; it is not the API key");
        for (const auto& given : in_.webhook_secrets) {
            std::size_t count = 0;
            for (auto& item : split_tolerantly(given.text)) {
                const auto label = ++count == 1 ? given.label : given.label + "#" + std::to_string(count);
                add_secret(label, std::move(item));
            }
            if (count == 0) problem("the secret \"" + given.label + "\" is empty");
        }
        if (config_.webhook_secrets.size() > kMostWebhookSecrets)
            problem(count_of(config_.webhook_secrets.size(), "webhook secret") +
                        " are configured, and at most " + std::to_string(kMostWebhookSecrets) + " are taken",
                    "leave out those of endpoints that do not deliver here");
    }

    void add_secret(const std::string& label, ConfiguredItem item) {
        auto key = signature::read_secret(item.text);
        if (!key)
            return problem("the secret \"" + label + "\": " + key.error().message,
                           "copy it again, whole, from the endpoint's page");
        if (item.text.starts_with("sk-"))
            return problem("the secret \"" + label + "\" is an API key (sk-…), not a webhook secret",
                           "the signing secret of the endpoint begins with whsec_");
        config_.webhook_secrets.push_back(
            {{label, std::move(item.text)}, std::move(item.configured), std::move(key->bytes)});
    }

    void read_session() {
        auto& session = config_.session;
        session.model = settings_.value("OPENAI_REALTIME_MODEL");
        session.voice = settings_.value("OPENAI_REALTIME_VOICE");
        session.instructions = settings_.value("OPENAI_REALTIME_INSTRUCTIONS");
        config_.live_model = settings_.value("OPENAI_LIVE_MODEL");
        if (in_.prompt) {
            if (!*in_.prompt)
                refuse("OPENAI_PROMPT_PATH", in_.prompt->error().message, in_.prompt->error().hint);
            else if (!is_utf8(**in_.prompt))
                refuse("OPENAI_PROMPT_PATH", "the file is not UTF-8", "save it as UTF-8");
            else
                session.instructions = std::string(trim(**in_.prompt));
        }
        config_.greeting = openai::unwrap_phrase(settings_.value("OPENAI_REALTIME_GREETING"));
        config_.farewell = openai::unwrap_phrase(settings_.value("OPENAI_REALTIME_FAREWELL"));
        if (const auto seconds = number("OPENAI_REALTIME_MAX_CALL_SECONDS", 86'400))
            config_.max_call = std::chrono::seconds(*seconds);
        if (const auto side = choice("CALLCHAIN_SIDEBAND", {"off", "on"})) config_.sideband = *side == 1;
        session.end_call_tool = config_.sideband;
        check_bodies();
        if (!config_.sideband &&
            (!config_.greeting.empty() || !config_.farewell.empty() || config_.max_call.count() != 0))
            warn(
                "CALLCHAIN_SIDEBAND=off: greeting, farewell and the longest call are left to the program "
                "that "
                "attaches to the calls");
    }

    void check_bodies() {
        for (const auto dialect : {openai::Dialect::realtime, openai::Dialect::live}) {
            const auto body = openai::write_accept_body(session_for(config_, dialect));
            for (const auto& remark : openai::check_accept_body(dialect, body)) {
                const auto text = std::string(remark.code) + ": " + remark.path + ": " + remark.detail;
                // Of Live only what Realtime's body does not have as well.
                if (dialect == openai::Dialect::live && remark.path.find("model") == std::string::npos)
                    continue;
                if (remark.severity == openai::BodySeverity::error)
                    problem("the body that accepts calls: " + text,
                            "callchain explain " + std::string(remark.code));
                else
                    warn("the body that accepts calls: " + text);
            }
        }
    }

    void read_twilio() {
        read_caller_id();
        read_voice();
        for (const auto& token : in_.twilio_tokens) {
            auto text = std::string(tolerant_secret(token.text));
            if (text.empty()) problem("the token \"" + token.label + "\" is empty");
            config_.twilio_tokens.push_back({token.label, std::move(text)});
        }
        if (config_.twilio_tokens.empty())
            warn("TWILIO_AUTH_TOKEN is not set: whoever knows the address can pose as Twilio on /twilio/…");
        read_public_urls();
        if (auto networks = take("CALLCHAIN_TRUSTED_PROXIES",
                                 config::parse_networks(settings_.value("CALLCHAIN_TRUSTED_PROXIES"))))
            config_.trusted_proxies = *std::move(networks);
    }

    void read_caller_id() {
        const auto& setting = settings_.at("TWILIO_SIP_CALLER_ID");
        if (setting.value.empty()) return;
        auto caller = twiml::business_number({.configured = setting.value});
        if (caller)
            config_.caller_id = std::move(caller->number);
        else
            problem(caller.error().message + " (" + setting.where + ")", caller.error().hint);
    }

    void read_voice() {
        auto& voice = config_.voice;
        voice.project_id = settings_.value("OPENAI_PROJECT_ID");
        voice.region = settings_.value("OPENAI_SIP_REGION");
        voice.host = settings_.value("CALLCHAIN_SIP_HOST");
        if (const auto secure = choice("CALLCHAIN_SIP_SECURE", {"off", "on"})) voice.secure = *secure == 1;
        // A stand-in: each call brings its own where none is configured.
        auto probe = voice;
        probe.caller_id = config_.caller_id.empty() ? "+15550100000" : config_.caller_id;
        if (voice.project_id.empty()) {
            problem(
                "OPENAI_PROJECT_ID is not set",
                "set it to the project that Twilio dials, proj_…: platform.openai.com, settings, project");
            probe.project_id = "proj_unset";
        }
        auto remarks = twiml::check_voice_response(probe);
        for (const auto& remark : remarks.problems) problem(twiml::text_of(remark));
        for (const auto& remark : remarks.warnings) warn(twiml::text_of(remark));
        config_.fallback.text = settings_.value("CALLCHAIN_FALLBACK_SAY");
        config_.fallback.language = settings_.value("CALLCHAIN_FALLBACK_LANGUAGE");
        if (!config_.fallback.text.empty()) config_.fallback.verb = twiml::Fallback::Verb::say;
        if (const auto document = twiml::write_fallback(config_.fallback); !document)
            refuse("CALLCHAIN_FALLBACK_SAY", document.error().message, document.error().hint);
    }

    void read_public_urls() {
        auto list = replace_all(replace_all(settings_.value("CALLCHAIN_PUBLIC_URL"), ",", "\n"), " ", "\n");
        if (!in_.railway_domain.empty()) list += "\nhttps://" + in_.railway_domain;
        for (const auto line : split(list, '\n')) {
            auto url = tolerant_secret(line);
            while (url.ends_with('/')) url.remove_suffix(1);
            if (url.empty()) continue;
            const auto parts = signature::split_url(url);
            const auto shown = signature::show_url(url);
            if (!parts)
                refuse("CALLCHAIN_PUBLIC_URL", parts.error().message,
                       "write the address as Twilio has it, https://host, without the path of a webhook");
            else if (!parts->query.empty() || !parts->fragment.empty())
                refuse("CALLCHAIN_PUBLIC_URL", shown + " has a query or a fragment",
                       "write it as https://host");
            else if (std::find(config_.public_urls.begin(), config_.public_urls.end(), url) ==
                     config_.public_urls.end())
                config_.public_urls.emplace_back(url);
            if (parts && parts->path.find("/twilio") != std::string::npos)
                warn("CALLCHAIN_PUBLIC_URL " + shown +
                     " ends in the path of a webhook; it is put in front of such paths");
        }
        if (!config_.twilio_tokens.empty() && config_.public_urls.empty() &&
            settings_.value("CALLCHAIN_TRUSTED_PROXIES").empty())
            warn(
                "neither CALLCHAIN_PUBLIC_URL nor CALLCHAIN_TRUSTED_PROXIES is set: behind a proxy no "
                "request of "
                "Twilio's will pass, since its signature covers the public URL");
    }

    void read_log() {
        using observe::Level;
        using observe::LogForm;
        config_.log_form = in_.log_to_terminal ? LogForm::text : LogForm::json;
        if (settings_.is_set("CALLCHAIN_LOG")) {
            if (const auto form = choice("CALLCHAIN_LOG", {"json", "text"}))
                config_.log_form = *form == 0 ? LogForm::json : LogForm::text;
        }
        if (const auto level = choice("CALLCHAIN_LOG_LEVEL", {"debug", "info", "warn", "error"}))
            config_.log_level = std::array{Level::debug, Level::info, Level::warn, Level::error}.at(*level);
        if (const auto record = choice("CALLCHAIN_RECORD", {"hash", "full"}))
            config_.record = *record == 0 ? RecordMode::hash : RecordMode::full;
        config_.capture_dir = settings_.value("CALLCHAIN_CAPTURE_DIR");
    }

    const ServeInputs& in_;
    ServeConfig config_;
};

}  // namespace

ServeConfigResult read_serve_config(const ServeInputs& inputs) { return Reader(inputs).read(); }

openai::SessionSettings session_for(const ServeConfig& config, openai::Dialect dialect) {
    auto session = config.session;
    session.dialect = dialect;
    if (dialect == openai::Dialect::live) {
        session.model = config.live_model;
        session.end_call_tool = false;
    }
    return session;
}

std::string_view tolerant_secret(std::string_view text) {
    for (bool again = true; again;) {
        again = false;
        const auto size = text.size();
        text = trim(text);
        for (const auto quote : kQuotes) {
            if (text.starts_with(quote)) text.remove_prefix(quote.size());
            if (text.ends_with(quote)) text.remove_suffix(quote.size());
        }
        again = text.size() != size;
    }
    return text;
}

std::vector<ConfiguredItem> split_tolerantly(std::string_view value) {
    // Quotes around a whole list belong to none of its items, and an item's own text is told in the lint.
    const auto items = signature::split_secret_list(value);
    std::vector<ConfiguredItem> found;
    for (const auto& item : items) {
        const auto text = tolerant_secret(item);
        if (!text.empty()) found.push_back({std::string(text), item});
    }
    return found;
}

SecretNotice notice_of(const LoadedSecret& secret) {
    return {secret.secret.label, signature::mask_secret(secret.secret.text),
            signature::fingerprint(secret.secret.text), secret.secret.text.size(),
            signature::lint_secret(secret.configured)};
}

}  // namespace callchain::service
