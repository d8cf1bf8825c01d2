#include "doctor/doctor.hpp"

#include "base/text.hpp"
#include "doctor/host_checks.hpp"
#include "doctor/settings_checks.hpp"

#include <algorithm>

namespace callchain::doctor {
namespace {

using service::Check;
using Outcome = Check::Outcome;
using Side = Step::Side;

std::string nothing(const Material&) { return {}; }
std::string serve_inputs(const Material& material) {
    return material.serve ? std::string() : "serve is not looked at";
}
std::string serve_config(const Material& material) {
    if (!material.serve) return "serve is not looked at";
    return material.serve->result.config ? std::string() : "the configuration of serve must be mended first";
}
std::string api(const Material& material) {
    const auto access = api_access(material);
    return access ? std::string() : access.error().message;
}
std::string gateway_inputs(const Material& material) {
    return material.gateway ? std::string() : "no gateway is configured (TWILIO_SIP_DOMAIN)";
}
std::string gateway_config(const Material& material) {
    if (!material.gateway) return gateway_inputs(material);
    return material.gateway->result.config ? std::string()
                                           : "the configuration of the gateway must be mended first";
}
std::string twilio_credentials(const Material& material) {
    if (!material.is_set("TWILIO_ACCOUNT_SID") && !material.is_set("TWILIO_SID"))
        return "TWILIO_ACCOUNT_SID is not set";
    return material.is_set("TWILIO_AUTH_TOKEN") ? std::string() : "TWILIO_AUTH_TOKEN is not set";
}

constexpr Step kSteps[] = {
    {"environment", "which variables are set, which of two wins, which nobody reads",
     "environment environment-order environment-empty environment-unknown environment-proxy", false,
     Side::any, nothing, [](const Material& material, Online&) { return check_environment(material); }},
    {"env-files", "who else may read the files that variables come from", "env-files", false, Side::any,
     nothing, [](const Material& material, Online&) { return check_env_files(material); }},
    {"serve", "the configuration of serve", "serve", false, Side::serve, serve_inputs,
     [](const Material& material, Online&) { return check_serve(material); }},
    {"gateway", "configuration, certificate, callers and port of the gateway",
     "gateway gateway-configuration gateway-certificate gateway-certificate-chain gateway-certificate-name "
     "gateway-certificate-dates gateway-certificate-key gateway-advertised gateway-callers "
     "gateway-callers-digest gateway-calls-to-whatsapp gateway-port",
     false, Side::gateway, gateway_inputs,
     [](const Material& material, Online&) { return check_gateway(material); }},
    {"secrets", "the form of secrets, keys and tokens, and their fingerprints",
     "secrets secrets-form secrets-api-key secrets-twilio secrets-copied", false, Side::any, nothing,
     [](const Material& material, Online&) { return check_secrets(material); }},
    {"platform", "known traps of Railway, Fly.io and Render",
     "platform platform-port platform-listen platform-ipv6 platform-draining platform-domain platform-files "
     "platform-log platform-replicas platform-stop platform-udp platform-sip platform-private "
     "platform-tcp-proxy platform-overlap platform-advertise",
     false, Side::any, nothing, [](const Material& material, Online&) { return check_platform(material); }},
    {"ports", "whether serve can have its port, or has it", "ports ports-admin ports-shared", false,
     Side::serve, serve_config, [](const Material& material, Online&) { return check_ports(material); }},
    {"descriptors", "how many calls the limit of open files allows", "descriptors", false, Side::any, nothing,
     [](const Material& material, Online&) { return check_descriptors(material); }},
    {"captures", "whether refused deliveries can be kept", "captures", false, Side::any, nothing,
     [](const Material& material, Online&) { return check_captures(material); }},
    {"ca-store", "the authorities that certificates are held against", "ca-store", false, Side::any, nothing,
     [](const Material& material, Online&) { return check_ca_store(material); }},
    {"clock", "the clock, against that of OpenAI", "clock", false, Side::any, nothing,
     [](const Material&, Online& online) { return online.check_clock(); }},
    {"api", "OpenAI's API: name, TLS, key, project", "api api-name api-key api-project", true, Side::serve,
     api, [](const Material&, Online& online) { return online.check_api(); }},
    {"endpoints", "OpenAI's webhook endpoints: who gets the calls, whose secret is ours", "endpoints", true,
     Side::serve, api, [](const Material&, Online& online) { return online.check_endpoints(); }},
    {"public-url", "whether CALLCHAIN_PUBLIC_URL leads here, with bodies as they were sent",
     "public-url public-url-scheme public-url-body", false, Side::serve, serve_config,
     [](const Material&, Online& online) { return online.check_public_url(); }},
    {"sip", "OpenAI's SIP endpoint: name and TLS", "sip", true, Side::serve, serve_config,
     [](const Material& material, Online&) { return check_sip(material); }},
    {"twilio-account", "account and token at Twilio's REST API", "twilio-account", true, Side::any,
     twilio_credentials, [](const Material&, Online& online) { return online.check_twilio_account(); }},
    {"twilio-domain", "Twilio's SIP Domain: name, TLS, credentials",
     "twilio-domain twilio-domain-reachable twilio-domain-tls twilio-domain-credentials twilio-domain-clock",
     true, Side::gateway, gateway_config,
     [](const Material& material, Online&) { return check_twilio_domain(material); }},
};

// "api" is of "api-key", and "api-key" of "api"; "ap" is of neither.
bool is_begun_by(std::string_view text, std::string_view item) {
    return text.starts_with(item) && (text.size() == item.size() || text[item.size()] == '-');
}

}  // namespace

std::span<const Step> steps() { return kSteps; }

bool names_a_check(std::string_view item) {
    return std::any_of(std::begin(kSteps), std::end(kSteps), [item](const Step& step) {
        const auto names = split(step.checks, ' ');
        return std::any_of(names.begin(), names.end(), [item](auto name) { return is_begun_by(name, item); });
    });
}

bool Choice::wants_step(std::string_view step) const {
    const bool is_skipped =
        std::any_of(skip_.begin(), skip_.end(), [step](const auto& item) { return is_begun_by(step, item); });
    if (is_skipped) return false;
    return only_.empty() || std::any_of(only_.begin(), only_.end(), [step](const auto& item) {
               return is_begun_by(step, item) || is_begun_by(item, step);
           });
}

bool Choice::wants_check(std::string_view check) const {
    const auto is_of = [check](const auto& item) { return is_begun_by(check, item); };
    if (std::any_of(skip_.begin(), skip_.end(), is_of)) return false;
    return only_.empty() || std::any_of(only_.begin(), only_.end(), is_of);
}

std::vector<Check> run_step(const Step& step, const Material& material, Online& online,
                            const Choice& choice) {
    const auto name = std::string(step.name);
    const bool is_without =
        (step.side == Side::serve && !material.serve) || (step.side == Side::gateway && !material.gateway);
    if (is_without && name != "serve" && name != "gateway") return {};
    std::vector<Check> checks;
    if (const auto lacks = step.lacks(material); !lacks.empty())
        checks = {{Outcome::skipped, name, lacks}};
    else if (step.is_online && !material.online)
        checks = {{Outcome::skipped, name, "not asked: nothing is sent without --online"}};
    else
        checks = step.run(material, online);
    std::erase_if(checks, [&](const Check& check) { return !choice.wants_check(check.name); });
    return checks;
}

}  // namespace callchain::doctor
