#include "base/redact.hpp"
#include "base/text.hpp"
#include "commands.hpp"
#include "config_output.hpp"
#include "gateway/tls_certificate.hpp"
#include "gateway_inputs.hpp"
#include "http/server.hpp"
#include "observe/log.hpp"
#include "service/gateway_service.hpp"
#include "service_end.hpp"

#include <csignal>
#include <nlohmann/json.hpp>
#include <ostream>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;
using service::GatewayConfig;

struct RunOptions {
    GatewayOptions gateway;
    bool check = false;
    bool print_config = false;
};

void print_config(const RunOptions& options, const service::GatewayInputs& inputs, Context& context) {
    const auto show = [&](const config::Setting& setting) {
        return ShownSetting{shown_value(setting), shown_where(setting, options.gateway)};
    };
    print_settings(inputs.settings, "callchain.gateway-config/1", show, context);
}

std::string who_may_call(const GatewayConfig& config) {
    const auto& admission = config.driver.admission;
    std::vector<std::string> ways;
    if (!admission.allow.empty() && admission.addresses_known)
        ways.push_back(count_of(admission.allow.size(), "network"));
    if (!admission.accounts.empty())
        ways.push_back("digest of " + count_of(admission.accounts.size(), "number"));
    const auto& server = config.driver.stack.transports.tls_server;
    if (server && !server->client_ca_file.empty()) ways.emplace_back("client certificate");
    if (!ways.empty()) return join(ways, " and ");
    return config.open_to_the_world ? "everybody" : "this host";
}

std::string advertised_of(const GatewayConfig& config) {
    const auto& inward = config.driver.inward;
    return inward.advertised_host +
           (inward.advertised_port ? ":" + std::to_string(*inward.advertised_port) : std::string());
}

// The first lines of the log: what was loaded, and what is odd about it.
void tell_start(const GatewayConfig& config, const std::vector<std::string>& warnings,
                std::size_t descriptors, const Context& context, observe::Log& log) {
    const auto& inward = config.driver.inward;
    log.info("callchain gateway run " CALLCHAIN_VERSION,
             {{"descriptors", static_cast<std::int64_t>(descriptors)},
              {"env_file", context.own_env_file.empty() ? "none" : context.own_env_file},
              {"who_may_call", who_may_call(config)},
              {"twilio", inward.domain},
              {"twilio_transport", ascii_lower(sip::name_of(inward.transport_b))},
              {"secure_media", inward.secure_media == sdp::SecureMedia::on},
              {"codecs", inward.keep.text()},
              {"advertised", advertised_of(config)},
              {"advertised_from", config.advertised_from},
              {"calls_to_whatsapp", config.driver.outward.has_value()}});
    for (const auto& warning : warnings) log.warn("configuration", {{"warning", warning}});
}

int run_gateway(const GatewayConfig& config, const std::vector<std::string>& warnings, Context& context) {
    std::signal(SIGPIPE, SIG_IGN);
    const auto descriptors = http::raise_descriptor_limit();
    observe::Log log({.form = config.log_form, .threshold = config.log_level, .secrets = config.secrets});
    tell_start(config, warnings, descriptors, context, log);
    auto started = service::GatewayService::start(config, log);
    if (!started) {
        log.flush();
        return report_start_error(started.error(), context);
    }
    // Before anybody is told that it is ready, and may tell it to stop.
    (*started)->handle_signals();
    tell_ready(config.log_form, join((*started)->addresses(), " "), (*started)->admin_address(), context,
               log);
    const int code = tell_end((*started)->run(), log);
    started->reset();
    log.flush();
    return code;
}

int run(const RunOptions& options, const CLI::App& command, Context& context) {
    auto gathered = gather_gateway(options.gateway, command, context);
    auto result = service::read_gateway_config(gathered.inputs);
    auto problems = std::move(gathered.problems);
    problems.insert(problems.end(), gathered.certificate_problems.begin(),
                    gathered.certificate_problems.end());
    problems.insert(problems.end(), result.problems.begin(), result.problems.end());
    if (options.print_config) print_config(options, gathered.inputs, context);
    const bool ends_here = !problems.empty() || options.check || options.print_config;
    if (ends_here && !context.own_env_file.empty())
        context.say("callchain: gateway run: " + context.own_env_file);
    if (!problems.empty()) return report_problems(problems, context);
    if (options.check)
        return report_usable(result.warnings, "callchain.gateway-usable/1", options.print_config, context);
    if (options.print_config) return kDone;
    return run_gateway(*result.config, result.warnings, context);
}

std::string footer() {
    return "Everything can be set by environment variables (callchain help environment), which flags "
           "override; "
           "./.env\nis read where it is there, is yours and not writable by others. Passwords come from "
           "variables, files or\ndescriptors alone. The log goes to stdout, one line an event; `ready` names "
           "the bound addresses.\n"
           "With neither META_SIP_USERNAME nor CALLCHAIN_ALLOW nor client certificates only this host can "
           "call.\n"
           "SIGTERM takes no new calls and ends with 0 once the others have ended; a second signal hangs up "
           "(130).\nSIGHUP reads the certificate again, SIGUSR1 switches the trace.\n"
           "Meta's terms forbid the telephone network (PSTN) on any leg of a WhatsApp call.\n"
           "Exit codes: 0 drained, 1 the time for draining was over, 2 usage or configuration (all problems "
           "at once),\n6 an address that another process has or that is not of this host, 130 interrupted.";
}

}  // namespace

void add_gateway_run(CLI::App& gateway, Context& context) {
    auto options = std::make_shared<RunOptions>();
    auto* command =
        gateway.add_subcommand("run", "Take WhatsApp's calls by SIP, judge them, and bring them to Twilio");
    add_gateway_options(*command, options->gateway);
    command->add_flag("--check", options->check, "Check the configuration and end");
    command->add_flag("--print-config", options->print_config,
                      "Print every setting, its value with secrets masked, and where it came from, and end");
    add_common_options(*command, context);
    set_footer(*command, footer(),
               {"callchain gateway run --check --env-file samples/gateway.env",
                "callchain gateway run --print-config --env-file samples/gateway.env"});
    set_body(
        *command, context, [options, command, &context] { return run(*options, *command, context); },
        EnvFiles::own_first);
}

}  // namespace callchain::cli
