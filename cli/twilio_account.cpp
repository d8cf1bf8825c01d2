#include "twilio_account.hpp"

#include "base/redact.hpp"
#include "base/text.hpp"
#include "encoding/base64.hpp"
#include "http/url.hpp"
#include "twilio/call_resources.hpp"

namespace callchain::cli {
namespace {

constexpr const char* kTokenHint =
    "the token is read from a variable (--auth-token-env NAME), a file (--auth-token-file PATH) or a "
    "descriptor (--auth-token-fd N), else from TWILIO_AUTH_TOKEN or TWILIO_TOKEN; an API key in its place: "
    "--api-key-sid";
constexpr const char* kApiSecretHint =
    "the secret is read from a variable (--api-secret-env NAME), a file (--api-secret-file PATH) or a "
    "descriptor (--api-secret-fd N), else from TWILIO_API_SECRET; an auth token goes before a key in "
    "TWILIO_API_KEY where it is named: --auth-token-env TWILIO_AUTH_TOKEN";

struct Credential {
    std::string text;
    std::string variable;
};

Result<Credential> read_credential(Context& context, const SecretSources& sources, const char* variable,
                                   const char* what, const char* hint) {
    const auto secrets = CALLCHAIN_TRY(read_secrets(context, sources, variable));
    if (secrets.empty()) return Credential{"", variable};
    if (secrets.size() > 1)
        return fail(
            ErrorCode::usage,
            std::string("one ") + what + " is needed, and " + std::to_string(secrets.size()) + " were given",
            hint);
    return Credential{secrets.front().text, shown_variable(sources, variable)};
}

void read_sid(const TwilioAccountOptions& options, const Context& context, TwilioAccount& account,
              Problems& problems) {
    account.sid = value_or_variable(options.sid, context, {"TWILIO_ACCOUNT_SID", "TWILIO_SID"});
    if (account.sid.empty())
        problems.add({ErrorCode::usage,
                      "no account given, and neither TWILIO_ACCOUNT_SID nor TWILIO_SID is set", std::nullopt,
                      "give --account-sid AC…; it is no secret"});
    else if (!twilio::is_sid_text(account.sid, "AC"))
        problems.add({ErrorCode::usage,
                      "an account is AC and 32 hex digits, not \"" + safe_echo(account.sid, 40) + "\"",
                      std::nullopt, "the console shows it as Account SID"});
}

void read_user(const TwilioAccountOptions& options, const SendOptions& send, Context& context,
               TwilioAccount& account, Problems& problems) {
    // A token that is named is meant, whatever key stands in the environment.
    const bool names_token = !options.token.empty();
    const auto key =
        names_token ? options.api_key : value_or_variable(options.api_key, context, {"TWILIO_API_KEY"});
    const bool is_older_name = value_or_variable("", context, {"TWILIO_AUTH_TOKEN"}).empty() &&
                               !value_or_variable("", context, {"TWILIO_TOKEN"}).empty();
    if (names_token && !key.empty())
        problems.add({ErrorCode::usage, "an auth token and an API key were given at once", std::nullopt,
                      "give one of them"});
    if (key.empty() && !options.api_secret.empty())
        problems.add({ErrorCode::usage, "the secret of an API key was given without the key", std::nullopt,
                      "give --api-key-sid SK…; it is no secret"});
    if (!key.empty() && !twilio::is_sid_text(key, "SK"))
        problems.add({ErrorCode::usage,
                      "an API key is SK and 32 hex digits, not \"" + safe_echo(key, 40) + "\"", std::nullopt,
                      "the console lists them under API keys & tokens"});
    account.user = key.empty() ? account.sid : key;
    const char* const hint = key.empty() ? kTokenHint : kApiSecretHint;
    const auto credential =
        key.empty()
            ? read_credential(context, options.token, is_older_name ? "TWILIO_TOKEN" : "TWILIO_AUTH_TOKEN",
                              "auth token", hint)
            : read_credential(context, options.api_secret, "TWILIO_API_SECRET", "secret of the API key",
                              hint);
    if (!credential) return problems.add(credential.error());
    if (credential->text.empty() && !send.only_shows())
        problems.add({ErrorCode::usage,
                      key.empty()
                          ? "no auth token given, and neither TWILIO_AUTH_TOKEN nor TWILIO_TOKEN is set"
                          : "no secret of the API key given, and TWILIO_API_SECRET is not set",
                      std::nullopt, hint});
    account.secret = credential->text;
    account.secret_variable = credential->variable;
}

void read_origin(const TwilioAccountOptions& options, const Context& context, TwilioAccount& account,
                 Problems& problems) {
    const auto base = value_or_variable(options.base_url, context, {"CALLCHAIN_TWILIO_API_URL"});
    if (!base.empty()) {
        if (!options.edge.empty() || !options.region.empty())
            problems.add({ErrorCode::usage, "a base URL and a region or edge were given at once",
                          std::nullopt,
                          "the base URL has the region in it: https://api.dublin.ie1.twilio.com"});
        account.origin = checked_origin(base, "--base-url", problems);
        return;
    }
    const auto origin = twilio::api_origin("api", value_or_variable(options.edge, context, {"TWILIO_EDGE"}),
                                           value_or_variable(options.region, context, {"TWILIO_REGION"}));
    if (!origin) return problems.add(origin.error());
    account.origin = *origin;
}

}  // namespace

void add_twilio_account_options(CLI::App& command, TwilioAccountOptions& options) {
    const auto add = [&](const char* name, std::string& value, const char* text, const char* type) {
        command.add_option(name, value, text)->type_name(type)->group("How to send");
    };
    add("--account-sid", options.sid, "The account, AC…; else TWILIO_ACCOUNT_SID, else TWILIO_SID", "SID");
    add("--api-key-sid", options.api_key, "An API key, SK…, in place of the auth token; else TWILIO_API_KEY",
        "SID");
    add("--edge", options.edge, "Twilio's edge, e.g. dublin; else TWILIO_EDGE", "EDGE");
    add("--region", options.region, "Twilio's region, e.g. ie1; else TWILIO_REGION", "REGION");
    add("--base-url", options.base_url,
        "Scheme and host of the API, for a test; else CALLCHAIN_TWILIO_API_URL", "URL");
    add_secret_options(command, "auth-token", "the auth token; else TWILIO_AUTH_TOKEN, else TWILIO_TOKEN",
                       options.token);
    add_secret_options(command, "api-secret", "the secret of the API key; else TWILIO_API_SECRET",
                       options.api_secret);
}

std::string TwilioAccount::basic() const { return "Basic " + encoding::to_base64(user + ":" + secret); }
std::string TwilioAccount::shown() const { return user + ":$" + secret_variable; }
std::string TwilioAccount::curl_option() const { return " -u \"" + shown() + "\""; }

TwilioAccount read_twilio_account(Context& context, const TwilioAccountOptions& options,
                                  const SendOptions& send, Problems& problems) {
    TwilioAccount account;
    read_sid(options, context, account, problems);
    read_user(options, send, context, account, problems);
    read_origin(options, context, account, problems);
    return account;
}

std::string checked_origin(std::string url, const char* name, Problems& problems) {
    if (url.ends_with('/')) url.pop_back();
    const auto parts = http::read_url(url);
    if (!parts || parts->has_path || (parts->scheme != "https" && parts->scheme != "http") ||
        url.find('?') != std::string::npos)
        problems.add({ErrorCode::usage,
                      std::string(name) + " is not the base of an API: \"" +
                          safe_excerpt(http::shown_host(url), 80) + "\"",
                      std::nullopt, "write scheme and host alone, for example https://api.twilio.com"});
    else if (!http::is_url_for_secrets(url))
        problems.add(
            {ErrorCode::usage,
             std::string(name) + ": the credential goes only over https, or over http to this machine",
             std::nullopt, "write https:// in front of the host"});
    return url;
}

std::string value_or_variable(const std::string& given, const Context& context,
                              std::initializer_list<const char*> names) {
    if (!given.empty()) return given;
    for (const char* name : names) {
        if (const auto value = context.variable(name); value && !value->empty()) return *value;
    }
    return {};
}

}  // namespace callchain::cli
