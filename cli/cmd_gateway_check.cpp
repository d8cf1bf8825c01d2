#include "check_sheet.hpp"
#include "commands.hpp"
#include "gateway_inputs.hpp"
#include "service/gateway_check.hpp"
#include "service/gateway_values.hpp"

#include <csignal>

namespace callchain::cli {
namespace {

using service::Check;

struct CheckOptions {
    GatewayOptions gateway;
    std::string online;  ///< "options", "invite"; empty: no network
};

int check(const CheckOptions& options, const CLI::App& command, Context& context) {
    std::signal(SIGPIPE, SIG_IGN);
    auto gathered = gather_gateway(options.gateway, command, context);
    auto result = service::read_gateway_config(gathered.inputs);
    result.problems.insert(result.problems.begin(), gathered.problems.begin(), gathered.problems.end());
    const auto now = std::chrono::floor<std::chrono::seconds>(context.clock.now());
    CheckSheet sheet(context, "callchain.gateway-check/1");
    sheet.add(service::check_configuration(result));
    const auto pem = service::pem_of(gathered.inputs.settings);
    const auto& settings = gathered.inputs.settings;
    const bool uses_tls = service::parse_switch(settings.value("USE_TLS")).value_or(true);
    const bool has_certificate = !pem.certificate.path.empty() || !pem.certificate.text.empty();
    if (has_certificate && uses_tls) {
        const auto host = result.config ? result.config->driver.inward.advertised_host : std::string();
        sheet.add(service::check_certificate(
            service::inspect_own_certificate(pem, settings.value("CALLCHAIN_CA_FILE"), now), host, now));
    }
    if (result.config) {
        sheet.add({service::check_advertised(*result.config)});
        sheet.add(service::check_callers(*result.config));
        sheet.add({service::check_port(*result.config)});
        if (options.online.empty()) {
            sheet.add({{Check::Outcome::skipped, "twilio", "not asked: nothing is sent without --online"}});
        } else {
            const auto asked = service::twilio_probe(*result.config, options.online == "invite");
            sheet.add(service::check_twilio(asked, service::run_probe(asked), now));
        }
    }
    return sheet.close();
}

std::string footer() {
    return "Nothing is sent without --online. --online asks the SIP Domain by OPTIONS; --online=invite by an "
           "INVITE "
           "with an option\nthat no server knows, which is refused before a call begins; what began "
           "nevertheless is "
           "cancelled or ended, and reported.\nClock, DNS and endpoints of the whole chain: callchain "
           "doctor.\n"
           "Exit codes: 0 nothing failed (warnings are no failure), 1 a check failed, 2 usage.";
}

}  // namespace

void add_gateway_check(CLI::App& gateway, Context& context) {
    auto options = std::make_shared<CheckOptions>();
    auto* command = gateway.add_subcommand("check", "Say what is wrong with a gateway, without a call");
    add_gateway_options(*command, options->gateway);
    command
        ->add_option("--online", options->online,
                     "Ask Twilio's SIP Domain as well: by OPTIONS, or by an INVITE")
        ->expected(0, 1)
        ->default_str("")
        ->check(one_of({"options", "invite"}))
        ->type_name("[options|invite]");
    add_common_options(*command, context);
    set_footer(*command, footer(), {"callchain gateway check --env-file samples/gateway.env"});
    set_body(
        *command, context,
        [options, command, &context] {
            if (command->get_option("--online")->count() != 0 && options->online.empty())
                options->online = "options";
            return check(*options, *command, context);
        },
        EnvFiles::own_first);
}

}  // namespace callchain::cli
