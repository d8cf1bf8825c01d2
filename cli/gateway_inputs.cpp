#include "gateway_inputs.hpp"

#include "base/redact.hpp"
#include "base/text.hpp"
#include "gateway/tls_certificate.hpp"
#include "service/gateway_values.hpp"

#include <chrono>

namespace callchain::cli {
namespace {

const SecretSources* sources_of(const GatewayOptions& options, std::string_view name) {
    if (name == "TWILIO_SIP_PASSWORD") return &options.twilio_passwords;
    if (name == "META_SIP_PASSWORD") return &options.meta_passwords;
    if (name == "CALLCHAIN_OUTWARD_PASSWORD") return &options.outward_passwords;
    return nullptr;
}

// The names of the certificate, where calls are to come by TLS; and whether it can be used.
void gather_certificate(GatheredGateway& gathered, std::chrono::sys_seconds now) {
    auto& inputs = gathered.inputs;
    const auto pem = service::pem_of(inputs.settings);
    const auto is_named = [](const gateway::PemSource& one) {
        return !one.path.empty() || !one.text.empty();
    };
    const bool uses_tls = service::parse_switch(inputs.settings.value("USE_TLS")).value_or(true);
    if (!uses_tls || !is_named(pem.certificate) || !is_named(pem.key)) return;
    auto facts = gateway::inspect_certificate(pem.certificate, pem.key, {}, now);
    if (!facts) return gathered.certificate_problems.push_back(facts.error());
    if (!facts->key_fits)
        gathered.certificate_problems.push_back(
            {ErrorCode::usage, "the key belongs to another certificate than " + facts->subject, std::nullopt,
             "TLS_CERT_PATH and TLS_KEY_PATH must be of one pair, and our own certificate the first in its "
             "file"});
    inputs.certificate_names = std::move(facts->names);
    inputs.certificate_names.insert(inputs.certificate_names.end(), facts->addresses.begin(),
                                    facts->addresses.end());
}

}  // namespace

void add_gateway_options(CLI::App& command, GatewayOptions& options) {
    for (const auto& spec : service::gateway_settings()) {
        if (spec.flag.empty()) continue;
        auto& value = options.flags[std::string(spec.flag)];
        auto text = std::string(spec.meaning) + " [" + std::string(spec.name) +
                    (spec.fallback.empty() ? "" : ", default " + std::string(spec.fallback)) + "]";
        command.add_option(std::string(spec.flag), value, text)->type_name(std::string(spec.type));
    }
    add_secret_options(command, "twilio-password", "the password at Twilio [TWILIO_SIP_PASSWORD]",
                       options.twilio_passwords);
    add_secret_options(command, "meta-password", "a number's password [META_SIP_PASSWORD]",
                       options.meta_passwords);
    add_secret_options(command, "outward-password",
                       "the password of Twilio's calls to WhatsApp [CALLCHAIN_OUTWARD_PASSWORD]",
                       options.outward_passwords);
    command.add_flag(
        "--open-to-the-world", options.open_to_the_world,
        "Listen for everybody although nobody is checked: whoever reaches the port calls at your "
        "cost");
}

GatheredGateway gather_gateway(const GatewayOptions& options, const CLI::App& command, Context& context) {
    std::vector<Error> problems;
    const auto flag = [&](std::string_view name) -> std::optional<std::string> {
        if (command.get_option(std::string(name))->count() == 0) return std::nullopt;
        return options.flags.find(name)->second;
    };
    const auto variable = [&](const std::string& name) -> std::optional<config::Variable> {
        const auto* sources = sources_of(options, name);
        if (sources == nullptr || sources->empty()) return context.variable_with_origin(name);
        auto secrets = read_secrets(context, *sources, name);
        if (!secrets) {
            problems.push_back(secrets.error());
            return std::nullopt;
        }
        std::vector<std::string> texts;
        for (const auto& secret : *secrets) texts.push_back(secret.text);
        return config::Variable{join(texts, ","), {}};
    };
    GatheredGateway gathered{
        {.settings = config::Settings(service::gateway_settings(), flag, variable)}, {}, {}};
    auto& inputs = gathered.inputs;
    inputs.open_to_the_world = options.open_to_the_world;
    inputs.railway_port = context.variable("RAILWAY_TCP_APPLICATION_PORT").value_or("");
    inputs.railway_proxy_domain = context.variable("RAILWAY_TCP_PROXY_DOMAIN").value_or("");
    inputs.railway_proxy_port = context.variable("RAILWAY_TCP_PROXY_PORT").value_or("");
    inputs.log_to_terminal = context.out_is_terminal && !context.output.json;
    gather_certificate(gathered, std::chrono::floor<std::chrono::seconds>(context.clock.now()));
    gathered.problems = std::move(problems);
    return gathered;
}

std::string shown_value(const config::Setting& setting) {
    if (setting.value.empty()) return {};
    if (setting.spec->secret) return std::string("(") + count_of(setting.value.size(), "character") + ")";
    if (setting.spec->name == "TLS_CERT_PEM")
        return std::string("(PEM, ") + count_of(setting.value.size(), "byte") + ")";
    return safe_excerpt(setting.value, 300);
}

std::string shown_where(const config::Setting& setting, const GatewayOptions& options) {
    const auto* sources = sources_of(options, setting.spec->name);
    return sources != nullptr && !sources->empty() ? "option" : setting.where;
}

}  // namespace callchain::cli
