#include "base/text.hpp"
#include "commands.hpp"
#include "json_output.hpp"
#include "secrets.hpp"
#include "service/gateway_values.hpp"
#include "signature/twilio_url.hpp"
#include "simulator/twilio.hpp"
#include "stand_in.hpp"

#include <nlohmann/json.hpp>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;
using simulator::TwilioCall;
using simulator::TwilioConduct;
using std::chrono::milliseconds;

constexpr double kMostTalk = 600;
constexpr std::size_t kMostCalls = 1'000;

struct TwilioOptions {
    StandInOptions common;
    std::string voice_url;
    std::string public_url;
    std::string openai;
    std::size_t place = 0;
    double talk = 2;
    std::string api_listen;
    int api_fails_percent = 0;
    bool api_forgets = false;
};

// The REST API takes the auth token, and an API key of these variables where there is one.
Result<void> add_api(simulator::TwilioSettings& settings, const TwilioOptions& options,
                     const Context& context) {
    const bool is_faulty = options.api_fails_percent != 0 || options.api_forgets;
    if (options.api_listen.empty() && is_faulty)
        return fail(ErrorCode::usage, "--fails-percent and --rest-forgets are of the REST API",
                    "give it an address: --api-listen 127.0.0.1:0");
    settings.api_listen = options.api_listen;
    settings.api_fails_percent = options.api_fails_percent;
    settings.api_forgets_calls = options.api_forgets;
    settings.api_key = context.variable("TWILIO_API_KEY").value_or("");
    settings.api_key_secret = context.variable("TWILIO_API_SECRET").value_or("");
    if (settings.api_key.empty() != settings.api_key_secret.empty())
        return fail(ErrorCode::usage, "of TWILIO_API_KEY and TWILIO_API_SECRET one alone is set",
                    "set both, or none");
    return {};
}

Result<simulator::TwilioSettings> settings_of(const TwilioOptions& options, const StandInAuthority& authority,
                                              Context& context) {
    simulator::TwilioSettings settings;
    const auto script = CALLCHAIN_TRY(script_of<TwilioConduct>(options.common, context, settings));
    static_cast<TwilioConduct&>(settings) = script.rest;
    settings.script = script.calls;
    settings.listen = options.common.listen;
    settings.transport = transport_of(options.common);
    CALLCHAIN_TRY(check_url("--voice-url", options.voice_url));
    // Nobody calls it: unlike the voice URL it may have a user and a password, which are signed with it.
    if (!options.public_url.empty() && !signature::split_url(options.public_url))
        return fail(
            ErrorCode::usage,
            "--public-url: \"" + safe_echo(signature::show_url(options.public_url), 200) + "\" is no URL",
            "http:// or https://, a host, and a path");
    settings.voice_url = options.voice_url;
    settings.public_url = options.public_url;
    settings.account = CALLCHAIN_TRY(
        sip_account_of(context, "TWILIO_SIP",
                       "set both as the gateway has them, or none: then nobody is asked for a password"));
    settings.account_sid = context.variable("TWILIO_ACCOUNT_SID").value_or(settings.account_sid);
    settings.auth_token = context.variable("TWILIO_AUTH_TOKEN").value_or("");
    if (settings.auth_token.empty())
        return fail(ErrorCode::usage, "TWILIO_AUTH_TOKEN is not set: Twilio signs each request with it",
                    "set it to what the service has; any text will do here");
    CALLCHAIN_TRY(add_api(settings, options, context));
    if (!options.openai.empty()) {
        auto openai = service::parse_host_address(options.openai, service::TransportBehind::refused);
        if (!openai) {
            openai.error().message = "--openai: " + openai.error().message;
            return tl::unexpected(std::move(openai).error());
        }
        settings.openai = {openai->host, openai->port.value_or(sip::default_port(sip::Transport::tls))};
    }
    const auto files = CALLCHAIN_TRY(authority.issue("twilio", {"127.0.0.1", "example.sip.twilio.com"}));
    settings.certificate = files.certificate;
    settings.key = files.key;
    settings.ca_file = authority.ca_file();
    return settings;
}

std::string sentence_of(const TwilioCall& call) {
    const auto code =
        call.twilio_error == 0 ? std::string() : "Twilio " + std::to_string(call.twilio_error) + ": ";
    if (call.refused_with != 0)
        return "refused with " + std::to_string(call.refused_with) + "; " + code + call.why;
    if (!call.bridged)
        return "not bridged; " + code + (call.why.empty() ? "the call ended before" : call.why);
    return "bridged after " + std::to_string(call.bridged_after.value_or(milliseconds(0)).count()) +
           " ms, ended by " + call.ended_by + " after " + std::to_string(call.ended.count()) + " ms";
}

CallReport report_of(const TwilioCall& call) {
    CallReport report;
    report.good = call.bridged;
    report.id = call.call_sid;
    report.sentence = sentence_of(call);
    report.fields = json_line(Json{{"call_sid", call.call_sid},
                                   {"call_id", call.call_id},
                                   {"callchain_id", call.callchain_id},
                                   {"refused_with", call.refused_with},
                                   {"twilio_error", call.twilio_error},
                                   {"why", call.why},
                                   {"webhook_status", call.webhook_status},
                                   {"dial_status", call.dial_status},
                                   {"dial_sip_status", call.dial_sip_status},
                                   {"dial_call_id", call.dial_call_id},
                                   {"bridged", call.bridged},
                                   {"bridged_ms", ms_or_null(call.bridged_after)},
                                   {"ended_ms", call.ended.count()},
                                   {"ended_by", call.ended_by}});
    return report;
}

int run(const TwilioOptions& options, Context& context) {
    const auto authority = StandInAuthority::open(options.common);
    if (!authority) return context.report_error(authority.error());
    const auto settings = settings_of(options, *authority, context);
    if (!settings) return context.report_error(settings.error());
    StandInRun run(context, "callchain.simulate-twilio/1");
    int code = kDone;
    {
        auto started = simulator::Twilio::start(
            *settings, [&run](timeline::Event event) { run.add(std::move(event)); },
            [&run](const TwilioCall& call) { run.add(report_of(call)); });
        if (!started) return report_start_error(started.error(), context);
        auto& twilio = **started;
        run.tell_ready({{"sip", twilio.address()},
                        {"transport", options.common.transport},
                        {"voice_url", options.voice_url},
                        {"openai", options.openai},
                        {"api", twilio.api_url()},
                        {"ca_file", settings->ca_file}});
        for (std::size_t i = 0; i < options.place; ++i)
            twilio.place_call(milliseconds(static_cast<std::int64_t>(options.talk * 1000)));
        code = run.wait(options.common.calls != 0 ? options.common.calls : options.place);
    }
    run.print_rest();
    return code;
}

}  // namespace

void add_simulate_twilio(CLI::App& simulate, Context& context) {
    auto options = std::make_shared<TwilioOptions>();
    auto* command = simulate.add_subcommand(
        "twilio", "Twilio's side alone: a SIP Domain, signed webhooks, and the TwiML of this chain");
    command->add_option("--voice-url", options->voice_url, "Webhook of the SIP Domain, http or https")
        ->required()
        ->type_name("URL");
    command
        ->add_option("--public-url", options->public_url,
                     "Sign this in its place: what Twilio knows where a proxy stands between")
        ->type_name("URL");
    command
        ->add_option("--openai", options->openai,
                     "Where <Sip> leads, by TLS: host, host:port; without it nobody can be dialled")
        ->type_name("ADDRESS");
    add_transport_option(*command, options->common);
    command
        ->add_option(
            "--place", options->place,
            "Begin so many calls here, as a WhatsApp sender without a gateway has them, and end with them")
        ->type_name("N")
        ->check(CLI::Range(std::size_t{1}, kMostCalls).description(""));
    command
        ->add_option("--talk", options->talk,
                     "With --place: seconds from the bridging to the caller's hanging up")
        ->type_name("SECONDS")
        ->check(number_within(0.0, kMostTalk))
        ->capture_default_str();
    command
        ->add_option("--api-listen", options->api_listen,
                     "Address of the REST API that tells of the calls, http; else there is none")
        ->type_name("ADDRESS")
        ->check(listen_address());
    command->add_option("--fails-percent", options->api_fails_percent, "So many answers of it are 500")
        ->type_name("N")
        ->check(CLI::Range(0, 100).description(""))
        ->capture_default_str();
    command->add_flag("--rest-forgets", options->api_forgets,
                      "It knows no call, as the API of another region does");
    add_calls_option(*command, options->common);
    add_stand_in_options(*command, options->common, context);
    add_conduct_options<TwilioConduct>(*command, options->common);
    set_footer(*command,
               "TWILIO_AUTH_TOKEN signs; TWILIO_SIP_USERNAME and TWILIO_SIP_PASSWORD are asked for where "
               "they are set. The "
               "first line says\nthat it is ready; then a line for each message, and one for each call; with "
               "--json one "
               "document a line.\nExit codes: 0 ended by SIGTERM, or every call was bridged; 1 one was not; "
               "2 usage; 6 the "
               "address is taken; 130 ended by Ctrl-C.",
               {"callchain simulate twilio --help"});
    set_body(*command, context, [options, &context] { return run(*options, context); });
}

}  // namespace callchain::cli
