#include "base/text.hpp"
#include "commands.hpp"
#include "diagnosis/render.hpp"
#include "gateway_inputs.hpp"
#include "service/gateway_check.hpp"
#include "service/gateway_values.hpp"

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <ostream>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;
using service::Check;

struct CheckOptions {
    GatewayOptions gateway;
    std::string online;  ///< "options", "invite"; empty: no network
};

diagnosis::Paint paint_of(Check::Result result) {
    switch (result) {
        case Check::Result::pass:
            return diagnosis::Paint::green;
        case Check::Result::warn:
            return diagnosis::Paint::yellow;
        case Check::Result::fail:
            return diagnosis::Paint::red;
        case Check::Result::skipped:
            break;
    }
    return diagnosis::Paint::faint;
}

/// Prints each as it is there, and keeps them for the end.
class Sheet {
  public:
    explicit Sheet(Context& context) : context_(context) {}

    void add(std::vector<Check> checks) {
        for (auto& check : checks) {
            if (!context_.output.json) print(check);
            checks_.push_back(std::move(check));
        }
    }

    int close() {
        const auto worst = service::worst_of(checks_);
        if (context_.output.json)
            context_.out << document(worst).dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
        else
            context_.out << summary() << "\n";
        return worst == Check::Result::fail ? kNo : kDone;
    }

  private:
    void print(const Check& check) const {
        auto word = std::string(service::name_of(check.result));
        word.resize(7, ' ');
        context_.out << diagnosis::paint(word, paint_of(check.result), context_.colour_of_out()) << "  "
                     << check.name << ": " << visible(check.sentence) << "\n";
        if (!check.remedy.empty()) context_.out << "         remedy: " << visible(check.remedy) << "\n";
        context_.out.flush();
    }

    [[nodiscard]] std::string summary() const {
        std::vector<std::string> parts;
        for (const auto result :
             {Check::Result::fail, Check::Result::warn, Check::Result::pass, Check::Result::skipped}) {
            const auto count = std::count_if(checks_.begin(), checks_.end(),
                                             [result](const Check& check) { return check.result == result; });
            if (count != 0)
                parts.push_back(std::to_string(count) + " " + std::string(service::name_of(result)));
        }
        return join(parts, ", ");
    }

    [[nodiscard]] Json document(Check::Result worst) const {
        Json document{{"schema", "callchain.gateway-check/1"},
                      {"tool_version", CALLCHAIN_VERSION},
                      {"result", service::name_of(worst)}};
        document["checks"] = Json::array();
        for (const auto& check : checks_)
            document["checks"].push_back({{"name", check.name},
                                          {"result", service::name_of(check.result)},
                                          {"sentence", visible(check.sentence)},
                                          {"remedy", visible(check.remedy)}});
        return document;
    }

    Context& context_;
    std::vector<Check> checks_;
};

int check(const CheckOptions& options, const CLI::App& command, Context& context) {
    std::signal(SIGPIPE, SIG_IGN);
    auto gathered = gather_gateway(options.gateway, command, context);
    auto result = service::read_gateway_config(gathered.inputs);
    result.problems.insert(result.problems.begin(), gathered.problems.begin(), gathered.problems.end());
    const auto now = std::chrono::floor<std::chrono::seconds>(context.clock.now());
    Sheet sheet(context);
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
            sheet.add({{Check::Result::skipped, "twilio", "not asked: nothing is sent without --online"}});
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
           "cancelled or ended, and reported.\nClock and DNS of other services: callchain serve --check, and "
           "the "
           "platform's own tools.\n"
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
