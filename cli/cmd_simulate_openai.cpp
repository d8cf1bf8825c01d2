#include "base/text.hpp"
#include "commands.hpp"
#include "json_output.hpp"
#include "secrets.hpp"
#include "simulator/openai.hpp"
#include "stand_in.hpp"

#include <nlohmann/json.hpp>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;
using simulator::OpenAiCall;
using simulator::OpenAiConduct;
using std::chrono::milliseconds;

struct OpenAiOptions {
    StandInOptions common;
    std::vector<std::string> webhooks;
    SecretSources secrets;
    std::string api_listen = "127.0.0.1:0";
    int fails_percent = 0;
};

Result<std::vector<simulator::WebhookEndpoint>> endpoints_of(const OpenAiOptions& options, Context& context) {
    const auto secrets = CALLCHAIN_TRY(read_secrets(context, options.secrets, "OPENAI_WEBHOOK_SECRET"));
    if (secrets.size() != options.webhooks.size())
        return fail(
            ErrorCode::usage,
            count_of(options.webhooks.size(), "webhook") + " and " + count_of(secrets.size(), "secret"),
            "each --webhook has a secret of its own, in the same order: OPENAI_WEBHOOK_SECRET, or one of "
            "--secret-env, --secret-file, --secret-fd for each");
    std::vector<simulator::WebhookEndpoint> endpoints;
    for (std::size_t at = 0; at < secrets.size(); ++at) {
        const auto& url = options.webhooks[at];
        CALLCHAIN_TRY(check_url("--webhook", url));
        endpoints.push_back({url, secrets[at].text});
    }
    return endpoints;
}

Result<simulator::OpenAiSettings> settings_of(const OpenAiOptions& options, const StandInAuthority& authority,
                                              Context& context) {
    simulator::OpenAiSettings settings;
    const auto script = CALLCHAIN_TRY(script_of<OpenAiConduct>(options.common, context, settings));
    static_cast<OpenAiConduct&>(settings) = script.rest;
    settings.script = script.calls;
    settings.sip_listen = options.common.listen;
    settings.api_listen = options.api_listen;
    settings.fails_percent = options.fails_percent;
    settings.endpoints = CALLCHAIN_TRY(endpoints_of(options, context));
    settings.api_key = context.variable("OPENAI_API_KEY").value_or("");
    if (settings.api_key.empty())
        return fail(ErrorCode::usage, "OPENAI_API_KEY is not set: a request with another key is answered 401",
                    "set it to what the service has; any text will do here");
    settings.project_id = context.variable("OPENAI_PROJECT_ID").value_or(settings.project_id);
    const auto files = CALLCHAIN_TRY(authority.issue("openai", {"127.0.0.1", "sip.api.openai.com"}));
    settings.certificate = files.certificate;
    settings.key = files.key;
    return settings;
}

bool is_good(const OpenAiCall& call) {
    return call.accepted && call.greeted &&
           (call.ended_by == "caller" || call.ended_by == "model" || call.ended_by == "hangup");
}

std::string sentence_of(const OpenAiCall& call) {
    std::vector<std::string> statuses;
    for (const auto status : call.webhook_statuses)
        statuses.push_back(status == 0 ? "no answer" : std::to_string(status));
    const auto webhook = statuses.empty() ? std::string("no webhook was sent")
                                          : "the webhook was answered " + join(statuses, ", ");
    if (!call.accepted)
        return "not accepted (SIP " + std::to_string(call.final_status) + "); " + webhook +
               (call.why.empty() ? "" : "; " + call.why);
    const auto after = [](const std::optional<milliseconds>& time) {
        return std::to_string(time.value_or(milliseconds(0)).count()) + " ms";
    };
    return "accepted after " + after(call.accepted_after) +
           (call.greeted    ? ", greeted after " + after(call.greeted_after)
            : call.sideband ? std::string(", not greeted")
                            : std::string(", no sideband was opened")) +
           ", ended by " + call.ended_by + (call.why.empty() ? "" : "; " + call.why);
}

CallReport report_of(const OpenAiCall& call) {
    CallReport report;
    report.good = is_good(call);
    report.id = call.call_id;
    report.sentence = sentence_of(call);
    report.fields = json_line(Json{{"call_id", call.call_id},
                                   {"sip_call_id", call.sip_call_id},
                                   {"callchain_id", call.callchain_id},
                                   {"webhook_ids", call.webhook_ids},
                                   {"webhook_statuses", call.webhook_statuses},
                                   {"accepts", call.accepts},
                                   {"accept_refusals", call.accept_refusals},
                                   {"accepted", call.accepted},
                                   {"sideband", call.sideband},
                                   {"greeted", call.greeted},
                                   {"final_status", call.final_status},
                                   {"webhook_ms", ms_or_null(call.webhook_after)},
                                   {"accepted_ms", ms_or_null(call.accepted_after)},
                                   {"greeted_ms", ms_or_null(call.greeted_after)},
                                   {"ended_ms", call.ended.count()},
                                   {"ended_by", call.ended_by},
                                   {"why", call.why}});
    return report;
}

int run(const OpenAiOptions& options, Context& context) {
    const auto authority = StandInAuthority::open(options.common);
    if (!authority) return context.report_error(authority.error());
    const auto settings = settings_of(options, *authority, context);
    if (!settings) return context.report_error(settings.error());
    StandInRun run(context, "callchain.simulate-openai/1");
    int code = kDone;
    {
        auto started = simulator::OpenAi::start(
            *settings, [&run](timeline::Event event) { run.add(std::move(event)); },
            [&run](const OpenAiCall& call) { run.add(report_of(call)); });
        if (!started) return report_start_error(started.error(), context);
        const auto& openai = **started;
        run.tell_ready({{"sip", openai.sip_address()},
                        {"transport", "tls"},
                        {"api", openai.api_url()},
                        {"project", settings->project_id},
                        {"ca_file", authority->ca_file()}});
        code = run.wait(options.common.calls);
    }
    run.print_rest();
    return code;
}

}  // namespace

void add_simulate_openai(CLI::App& simulate, Context& context) {
    auto options = std::make_shared<OpenAiOptions>();
    auto* command = simulate.add_subcommand(
        "openai", "OpenAI's side alone: SIP, signed webhooks, the calls API and the sideband");
    command
        ->add_option("--webhook", options->webhooks,
                     "Endpoint that is told of calls; may be given several times, each with its secret")
        ->required()
        ->type_name("URL")
        ->allow_extra_args(false);
    add_secret_options(*command, "secret", "the webhook secret, whsec_…", options->secrets);
    command->add_option("--api-listen", options->api_listen, "Address of the API and the sideband, http")
        ->type_name("ADDRESS")
        ->check(listen_address())
        ->capture_default_str();
    command->add_option("--fails-percent", options->fails_percent, "So many answers of the API are 500")
        ->type_name("N")
        ->check(CLI::Range(0, 100).description(""))
        ->capture_default_str();
    add_calls_option(*command, options->common);
    add_stand_in_options(*command, options->common, context);
    add_conduct_options<OpenAiConduct>(*command, options->common);
    set_footer(
        *command,
        "OPENAI_WEBHOOK_SECRET signs, OPENAI_API_KEY is asked for, OPENAI_PROJECT_ID is the user of the SIP "
        "URI: as serve has them,\nwhich is pointed here by OPENAI_BASE_URL. The first line says that it is "
        "ready; then a line for each message, and one for\neach call; with --json one document a line.\n"
        "Exit codes: 0 ended by SIGTERM, or every call was accepted, greeted and ended cleanly; 1 one was "
        "not; "
        "2 usage; 6 the\naddress is taken; 130 ended by Ctrl-C.",
        {"callchain simulate openai --help"});
    set_body(*command, context, [options, &context] { return run(*options, context); });
}

}  // namespace callchain::cli
