#include "doctor/settings_checks.hpp"

#include "base/nearest_words.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "doctor/words.hpp"
#include "http/client.hpp"
#include "http/url.hpp"

#include <algorithm>
#include <array>

namespace callchain::doctor {
namespace {

using service::Check;
using Outcome = Check::Outcome;

/// Read by commands other than `serve` and the gateway, or by the libraries below them.
constexpr std::array<std::string_view, 22> kOtherNames{"TWILIO_ACCOUNT_SID",
                                                       "TWILIO_SID",
                                                       "TWILIO_TOKEN",
                                                       "TWILIO_API_KEY",
                                                       "TWILIO_API_KEY_SECRET",
                                                       "TWILIO_API_SECRET",
                                                       "TWILIO_CALL_TWIML_URL",
                                                       "TWILIO_EDGE",
                                                       "TWILIO_REGION",
                                                       "TWILIO_VOICE_URL",
                                                       "WHATSAPP_CALL_FROM",
                                                       "WEBHOOK_URL",
                                                       "CALLCHAIN_TWILIO_API_URL",
                                                       "CALLCHAIN_TWILIO_MONITOR_URL",
                                                       "OPENAI_ORG_ID",
                                                       "OPENAI_ORGANIZATION",
                                                       "OPENAI_PROJECT",
                                                       "OPENAI_LOG",
                                                       "OPENAI_ADMIN_KEY",
                                                       "OPENAI_REALTIME_MODEL",
                                                       "OPENAI_AGENT_ID",
                                                       "TWILIO_LOG_LEVEL"};
/// Whose spelling is ours to judge.
constexpr std::array<std::string_view, 5> kPrefixes{"OPENAI_", "TWILIO_", "META_SIP_", "TLS_", "WHATSAPP_"};
constexpr std::string_view kOurPrefix = "CALLCHAIN_";

std::vector<std::string_view> known_names() {
    std::vector<std::string_view> names(kOtherNames.begin(), kOtherNames.end());
    for (const auto specs : {service::serve_settings(), service::gateway_settings()}) {
        for (const auto& spec : specs) {
            names.push_back(spec.name);
            if (!spec.other_name.empty()) names.push_back(spec.other_name);
        }
    }
    return names;
}

bool is_one_of(const std::vector<std::string_view>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

Check what_is_set(const Material& material, const std::vector<std::string_view>& known) {
    std::size_t count = 0;
    std::size_t in_files = 0;
    for (const auto& name : material.names) {
        if (!is_one_of(known, name) || !material.is_set(name)) continue;
        ++count;
        if (const auto variable = material.variable(name); variable && !variable->file.empty()) ++in_files;
    }
    Check check{.name = "environment"};
    check.sentence = count_of(count, "known variable") + (count == 1 ? " is set" : " are set");
    if (in_files > 0)
        check.sentence += ", " + std::to_string(in_files) + " of them in " +
                          visible_excerpt(join(material.env_files, ", "), 100);
    if (count == 0) {
        check.result = Outcome::warn;
        check.remedy =
            "set the service's variables, or name the file that has them: --env-file PATH (callchain help "
            "environment has the list)";
    }
    return check;
}

// Two places that say different things: the one that loses is what people look at.
std::vector<Check> which_wins(const Material& material, const std::vector<std::string_view>& known) {
    std::vector<Check> checks;
    for (const auto& one : material.shadowed) {
        if (!one.differs || !is_one_of(known, one.name)) continue;
        checks.push_back({Outcome::warn, "environment-order",
                          one.name + " has one value in the environment and another in " +
                              visible_excerpt(one.file, 100) + "; the environment's is used",
                          "take the one that is not meant away"});
    }
    for (const auto specs : {service::serve_settings(), service::gateway_settings()}) {
        for (const auto& spec : specs) {
            if (spec.other_name.empty()) continue;
            const auto first = material.value(std::string(spec.name));
            const auto second = material.value(std::string(spec.other_name));
            if (first.empty() || second.empty() || first == second) continue;
            checks.push_back({Outcome::warn, "environment-order",
                              std::string(spec.name) + " and " + std::string(spec.other_name) +
                                  " are both set and differ; " + std::string(spec.name) + " is used",
                              "set one of the two"});
        }
    }
    return checks;
}

std::vector<Check> empty_ones(const Material& material, const std::vector<std::string_view>& known) {
    std::vector<Check> checks;
    for (const auto& name : material.names) {
        if (is_one_of(known, name) && material.value(name).empty())
            checks.push_back({Outcome::warn, "environment-empty",
                              name + " is set and empty, which counts as not set",
                              "give it a value, or take it away: a reference to a variable of another "
                              "service that is not there looks like this on Railway and Render"});
    }
    return checks;
}

// A name that nobody reads is a setting that somebody believes in.
std::vector<Check> unknown_ones(const Material& material, const std::vector<std::string_view>& known) {
    std::vector<Check> checks;
    for (const auto& name : material.names) {
        const bool is_ours = name.starts_with(kOurPrefix);
        const bool is_near = std::any_of(kPrefixes.begin(), kPrefixes.end(),
                                         [&](auto prefix) { return name.starts_with(prefix); });
        if ((!is_ours && !is_near) || is_one_of(known, name)) continue;
        const auto nearest = nearest_words(name, known);
        if (nearest.empty() && !is_ours) continue;
        Check check{Outcome::warn, "environment-unknown", visible_excerpt(name, 80) + " is read by nobody"};
        check.remedy = nearest.empty() ? "callchain help environment lists the names"
                                       : "if " + std::string(nearest.front()) + " is meant, write it so";
        checks.push_back(std::move(check));
    }
    return checks;
}

// libcurl reads the process's own environment, and nothing of our files.
std::optional<Check> proxy(const Material& material) {
    for (const char* name : {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}) {
        const auto variable = material.variable(name);
        if (!variable || variable->value.empty()) continue;
        if (!variable->file.empty())
            return Check{Outcome::warn, "environment-proxy",
                         std::string(name) + " stands in " + visible_excerpt(variable->file, 100) +
                             " alone, where nobody reads it",
                         "set it in the environment that the process is started with"};
        const auto& url = variable->value;
        const bool has_exceptions = material.is_set("no_proxy") || material.is_set("NO_PROXY");
        return Check{Outcome::pass, "environment-proxy",
                     std::string("what is sent to OpenAI and Twilio goes through the proxy ") +
                         http::shown_host(url.find("://") == std::string::npos ? "http://" + url : url) +
                         " (" + name + ")" + (has_exceptions ? ", but for what no_proxy names" : "")};
    }
    return std::nullopt;
}

template <class Range>
void append(std::vector<Check>& checks, Range&& more) {
    for (auto& check : more) checks.push_back(std::move(check));
}

// Secrets

std::vector<std::pair<std::string, service::ConfiguredItem>> configured_secrets(const Material& material) {
    std::vector<std::pair<std::string, service::ConfiguredItem>> secrets;
    if (!material.serve) return secrets;
    for (const auto& given : material.serve->inputs.webhook_secrets) {
        std::size_t count = 0;
        for (auto& item : service::split_tolerantly(given.text)) {
            auto label = ++count == 1 ? given.label : given.label + "#" + std::to_string(count);
            secrets.emplace_back(std::move(label), std::move(item));
        }
    }
    return secrets;
}

std::string measure_of(const std::string& text) {
    const auto mask = signature::mask_secret(text);
    const auto print = signature::fingerprint(text);
    return (mask.empty() ? std::string() : mask + ", ") + count_of(text.size(), "character") +
           (print.empty() ? "" : ", fingerprint " + print);
}

void check_webhook_secret(const std::string& label, const service::ConfiguredItem& item,
                          std::vector<Check>& checks) {
    checks.push_back({Outcome::pass, "secrets", "\"" + label + "\": " + measure_of(item.text)});
    for (const auto& remark : signature::lint_secret(item.configured))
        checks.push_back({Outcome::warn, "secrets-form",
                          "\"" + label + "\": " + titled(remark.code, remark.detail), fix_of(remark.code),
                          std::string(remark.code)});
}

bool is_hex(std::string_view text, std::size_t length) {
    return text.size() == length && std::all_of(text.begin(), text.end(), [](char c) {
               return is_ascii_digit(c) || (c >= 'a' && c <= 'f');
           });
}

void check_token(const signature::LabelledSecret& token, std::vector<Check>& checks) {
    const auto text = service::tolerant_secret(token.text);
    Check check{.name = "secrets-twilio"};
    const auto said = "\"" + token.label + "\": ";
    check.sentence = said + count_of(text.size(), "character") + ", of a token's form";
    if (text.starts_with("SK")) {
        check.result = Outcome::warn;
        check.sentence = said + "begins with SK, as the SID of an API key does";
        check.code = "token_is_api_secret";
        check.remedy = fix_of(check.code);
    } else if (text.starts_with("AC")) {
        check.result = Outcome::warn;
        check.sentence = said + "begins with AC, as the SID of an account does";
        check.remedy = "set it to the auth token, which stands beside the SID in Twilio's console";
    } else if (!is_hex(text, 32)) {
        check.result = Outcome::warn;
        check.sentence = said + count_of(text.size(), "character") + "; Twilio's tokens have 32 hex digits";
        check.remedy =
            "copy it again from Twilio's console, Account Info: no signature of Twilio's will match";
    }
    checks.push_back(std::move(check));
}

void check_api_key(const signature::LabelledSecret& key, std::vector<Check>& checks) {
    const auto text = std::string(service::tolerant_secret(key.text));
    Check check{.name = "secrets-api-key", .sentence = "\"" + key.label + "\": " + measure_of(text)};
    if (!text.starts_with("sk-")) {
        check.result = Outcome::warn;
        check.sentence += "; it does not begin with sk-";
        check.remedy = "copy it again, whole: a key of the project that the calls go to";
    }
    checks.push_back(std::move(check));
}

// One value in two places where it cannot be right in both.
void check_copies(const Material& material, std::vector<Check>& checks) {
    constexpr std::array<const char*, 5> kNames{"OPENAI_API_KEY", "OPENAI_WEBHOOK_SECRET",
                                                "TWILIO_AUTH_TOKEN", "TWILIO_SIP_PASSWORD",
                                                "META_SIP_PASSWORD"};
    for (std::size_t i = 0; i < kNames.size(); ++i) {
        for (std::size_t j = i + 1; j < kNames.size(); ++j) {
            const auto value = material.value(kNames.at(i));
            if (value.empty() || value != material.value(kNames.at(j))) continue;
            checks.push_back({Outcome::fail, "secrets-copied",
                              std::string(kNames.at(i)) + " and " + kNames.at(j) + " hold the same value",
                              "each has its own: set the one that was pasted over again"});
        }
    }
}

}  // namespace

std::string Material::value(const std::string& name) const {
    const auto found = variable(name);
    return found ? found->value : std::string();
}

Result<ApiAccess> api_access(const Material& material) {
    if (!material.serve) return fail(ErrorCode::usage, "serve is not looked at");
    const auto& inputs = material.serve->inputs;
    ApiAccess access{
        inputs.settings.value("OPENAI_BASE_URL"), {}, inputs.settings.value("OPENAI_PROJECT_ID")};
    if (!inputs.api_keys.empty())
        access.key = std::string(service::tolerant_secret(inputs.api_keys.front().text));
    if (access.key.empty()) return fail(ErrorCode::usage, "OPENAI_API_KEY is not set");
    if (!http::is_url_for_secrets(access.base_url))
        return fail(ErrorCode::usage,
                    "OPENAI_BASE_URL is none that the key may go to: https without a user or password in it, "
                    "or http to "
                    "this machine");
    return access;
}

std::vector<signature::LabelledSecret> webhook_secrets(const Material& material) {
    std::vector<signature::LabelledSecret> secrets;
    for (auto& [label, item] : configured_secrets(material)) secrets.push_back({label, item.text});
    return secrets;
}

std::vector<Check> check_environment(const Material& material) {
    const auto known = known_names();
    std::vector<Check> checks{what_is_set(material, known)};
    append(checks, which_wins(material, known));
    append(checks, empty_ones(material, known));
    append(checks, unknown_ones(material, known));
    if (auto one = proxy(material)) checks.push_back(*std::move(one));
    return checks;
}

std::vector<Check> check_serve(const Material& material) {
    std::vector<Check> checks;
    const auto& result = material.serve->result;
    for (const auto& problem : result.problems)
        checks.push_back({Outcome::fail, "serve", problem.message, problem.hint});
    for (const auto& warning : result.warnings) checks.push_back({Outcome::warn, "serve", warning});
    if (result.problems.empty())
        checks.insert(checks.begin(), {Outcome::pass, "serve", "the configuration is usable"});
    return checks;
}

std::vector<Check> check_secrets(const Material& material) {
    std::vector<Check> checks;
    if (material.serve) {
        const auto& inputs = material.serve->inputs;
        for (const auto& [label, item] : configured_secrets(material))
            check_webhook_secret(label, item, checks);
        for (const auto& key : inputs.api_keys) check_api_key(key, checks);
        for (const auto& token : inputs.twilio_tokens) check_token(token, checks);
    }
    check_copies(material, checks);
    if (checks.empty()) checks.push_back({Outcome::skipped, "secrets", "none is set"});
    return checks;
}

}  // namespace callchain::doctor
