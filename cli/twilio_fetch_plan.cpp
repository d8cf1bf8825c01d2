#include "base/redact.hpp"
#include "base/text.hpp"
#include "encoding/base64.hpp"
#include "http/url.hpp"
#include "twilio_fetch.hpp"

#include <algorithm>

namespace callchain::cli {
namespace {

constexpr const char* kTokenHint =
    "the token is read from a variable (--auth-token-env NAME), a file (--auth-token-file PATH) or a "
    "descriptor (--auth-token-fd N), else from TWILIO_AUTH_TOKEN or TWILIO_TOKEN; with an API key its secret "
    "likewise: --api-secret-env, --api-secret-file, --api-secret-fd, else TWILIO_API_SECRET";

// What was given, else the first of these variables that is set and not empty.
std::string value_or_variable(const std::string& given, const Context& context,
                              std::initializer_list<const char*> names) {
    if (!given.empty()) return given;
    for (const char* name : names) {
        if (const auto value = context.variable(name); value && !value->empty()) return *value;
    }
    return {};
}

struct Credential {
    std::string text;
    std::string variable;
};

Result<Credential> read_credential(Context& context, const SecretSources& sources, const char* variable,
                                   const char* what) {
    const auto secrets = CALLCHAIN_TRY(read_secrets(context, sources, variable));
    if (secrets.empty()) return Credential{"", variable};
    if (secrets.size() > 1)
        return fail(
            ErrorCode::usage,
            std::string("one ") + what + " is needed, and " + std::to_string(secrets.size()) + " were given",
            kTokenHint);
    Credential credential{secrets.front().text, variable};
    if (sources.variables.size() == 1) credential.variable = secrets.front().label;
    return credential;
}

void read_user(const TwilioFetchOptions& options, Context& context, TwilioFetchPlan& plan,
               Problems& problems) {
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
    plan.user = key.empty() ? plan.account : key;
    const auto credential =
        key.empty()
            ? read_credential(context, options.token, is_older_name ? "TWILIO_TOKEN" : "TWILIO_AUTH_TOKEN",
                              "auth token")
            : read_credential(context, options.api_secret, "TWILIO_API_SECRET", "secret of the API key");
    if (!credential) return problems.add(credential.error());
    if (credential->text.empty() && !options.send.only_shows())
        problems.add({ErrorCode::usage,
                      key.empty()
                          ? "no auth token given, and neither TWILIO_AUTH_TOKEN nor TWILIO_TOKEN is set"
                          : "no secret of the API key given, and TWILIO_API_SECRET is not set",
                      std::nullopt, kTokenHint});
    plan.secret = credential->text;
    plan.secret_variable = credential->variable;
}

// Scheme and host alone, or nothing.
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

void read_origins(const TwilioFetchOptions& options, const Context& context, TwilioFetchPlan& plan,
                  Problems& problems) {
    constexpr std::string_view kApi = "https://api.";
    const auto base = value_or_variable(options.base_url, context, {"CALLCHAIN_TWILIO_API_URL"});
    const auto monitor = value_or_variable(options.monitor_url, context, {"CALLCHAIN_TWILIO_MONITOR_URL"});
    if (!base.empty() && !(options.edge.empty() && options.region.empty()))
        problems.add({ErrorCode::usage, "a base URL and a region or edge were given at once", std::nullopt,
                      "the base URL has the region in it: https://api.dublin.ie1.twilio.com"});
    const auto edge = base.empty() ? value_or_variable(options.edge, context, {"TWILIO_EDGE"}) : "";
    const auto region = base.empty() ? value_or_variable(options.region, context, {"TWILIO_REGION"}) : "";
    const auto api = twilio::api_origin("api", edge, region);
    if (!api) return problems.add(api.error());
    plan.api_origin = base.empty() ? *api : checked_origin(base, "--base-url", problems);
    if (!monitor.empty()) {
        plan.monitor_origin = checked_origin(monitor, "--monitor-url", problems);
    } else if (base.empty()) {
        plan.monitor_origin = twilio::api_origin("monitor", edge, region).value_or("");
    } else {
        // Whatever stands in for the one stands in for the other: the credential goes nowhere else.
        const bool is_twilios = plan.api_origin.starts_with(kApi) && plan.api_origin.ends_with(".twilio.com");
        plan.monitor_origin =
            is_twilios ? "https://monitor." + plan.api_origin.substr(kApi.size()) : plan.api_origin;
    }
}

}  // namespace

http::ClientRequest fetch_request(const TwilioFetchPlan& plan, const std::string& url,
                                  const SendOptions& options) {
    http::ClientRequest request;
    request.method = "GET";
    request.url = url;
    request.headers = {{"Authorization", "Basic " + encoding::to_base64(plan.user + ":" + plan.secret)},
                       {"Accept", "application/json"}};
    request.total_time = std::chrono::seconds{options.timeout_s};
    request.connect_time = std::min(request.connect_time, request.total_time);
    return request;
}

Result<TwilioFetchPlan> plan_fetch(const TwilioFetchOptions& options, Context& context) {
    TwilioFetchPlan plan;
    Problems problems;
    if (!twilio::is_call_sid_text(options.call_sid))
        problems.add({ErrorCode::usage,
                      "a call is CA and 32 hex digits, not \"" + safe_echo(options.call_sid, 40) + "\"",
                      std::nullopt, "call_sid in the log of serve has it, and the console's call log"});
    plan.account = value_or_variable(options.account_sid, context, {"TWILIO_ACCOUNT_SID", "TWILIO_SID"});
    if (plan.account.empty())
        problems.add({ErrorCode::usage,
                      "no account given, and neither TWILIO_ACCOUNT_SID nor TWILIO_SID is set", std::nullopt,
                      "give --account-sid AC…; it is no secret"});
    else if (!twilio::is_sid_text(plan.account, "AC"))
        problems.add({ErrorCode::usage,
                      "an account is AC and 32 hex digits, not \"" + safe_echo(plan.account, 40) + "\"",
                      std::nullopt, "the console shows it as Account SID"});
    read_user(options, context, plan, problems);
    read_origins(options, context, plan, problems);
    if (!problems.texts.empty()) return tl::unexpected(problems.error(context));
    plan.first =
        fetch_request(plan, twilio::call_url(plan.api_origin, plan.account, options.call_sid), options.send);
    return plan;
}

}  // namespace callchain::cli
