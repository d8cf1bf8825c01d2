#include "base/redact.hpp"
#include "base/text.hpp"
#include "commands.hpp"
#include "json_output.hpp"
#include "secrets.hpp"
#include "service/gateway_probe.hpp"
#include "service/gateway_values.hpp"

#include <csignal>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <ostream>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;
using service::ProbeResult;
using Verdict = service::ProbeResult::Verdict;

struct ProbeOptions {
    std::string target;
    bool invite = false;
    std::string username;
    SecretSources passwords;
    std::string from_host;
    std::string ca_file;
    double timeout = 10;
    bool dry_run = false;
};

constexpr double kLeastSeconds = 0.1;
constexpr double kMostSeconds = 120;

// What a URI may have, and a question of ours does not send on.
Result<void> check_target(const sip::Uri& uri) {
    if (!uri.headers.empty())
        return fail(ErrorCode::usage,
                    "TARGET has headers behind the ?, \"" + safe_echo(uri.headers, 80) +
                        "\", which must not stand in a request",
                    "leave them out (RFC 3261 section 19.1.1)");
    if (uri.password)
        return fail(ErrorCode::usage, "TARGET has a password, which everybody on this host and the way sees",
                    "give --username and one of --password-env, --password-file, --password-fd");
    return {};
}

Result<std::string> from_host_of(const std::string& text) {
    auto address = service::parse_host_address(text, service::TransportBehind::refused);
    if (address && !address->port) return std::move(address->host);
    return fail(ErrorCode::usage, "--from-host: \"" + safe_echo(text, 80) + "\" is no host",
                "give a name or a numeric address alone, IPv6 in brackets");
}

Result<service::ProbeSettings> settings_of(const ProbeOptions& options, Context& context) {
    service::ProbeSettings settings;
    const bool has_scheme = starts_with_ignoring_case(options.target, "sip:");
    auto uri = sip::parse_uri(has_scheme ? options.target : "sip:" + options.target);
    if (starts_with_ignoring_case(options.target, "sips:") || !uri || uri->scheme != "sip" ||
        uri->host.empty())
        return fail(ErrorCode::usage, "\"" + safe_echo(options.target, 120) + "\" is no SIP URI",
                    "write it as sip:USER@HOST, with ;transport=tls, tcp or udp behind it (tls unless said)");
    const auto transport = ascii_lower(uri->parameters.find("transport").value_or("tls"));
    using gateway::Transport;
    if (transport == "udp")
        settings.transport = Transport::udp;
    else if (transport == "tcp")
        settings.transport = Transport::tcp;
    else if (transport != "tls")
        return fail(ErrorCode::usage, "transport " + safe_echo(transport, 20) + " is none of tls, tcp, udp");
    CALLCHAIN_TRY(check_target(*uri));
    settings.target = *std::move(uri);
    settings.invite = options.invite;
    settings.ca_file = options.ca_file;
    if (!options.from_host.empty()) settings.from_host = CALLCHAIN_TRY(from_host_of(options.from_host));
    settings.patience = std::chrono::milliseconds(static_cast<std::int64_t>(options.timeout * 1000));
    settings.user_agent = std::string("callchain/") + CALLCHAIN_VERSION;
    settings.account.username = options.username;
    if (options.username.empty() && options.passwords.empty()) return settings;
    if (options.username.empty() || options.passwords.empty())
        return fail(ErrorCode::usage, "--username and a password go together",
                    "give --username and one of --password-env, --password-file, --password-fd");
    auto passwords = CALLCHAIN_TRY(read_secrets(context, options.passwords, ""));
    settings.account.password = passwords.front().text;
    return settings;
}

int exit_code_of(Verdict verdict) {
    switch (verdict) {
        case Verdict::accepted:
            return kDone;
        case Verdict::call_began:
            return kNo;
        case Verdict::credentials_refused:
        case Verdict::challenged:
            return kRefused;
        case Verdict::refused:
            return kPeerError;
        case Verdict::unreachable:
            break;
    }
    return kNetwork;
}

std::string headline(const ProbeResult& result) {
    std::string text;
    if (result.status != 0)
        text = std::to_string(result.status) + " " + safe_excerpt(result.reason, 120) + " from " +
               result.peer + (result.tls_version.empty() ? "" : ", " + result.tls_version) + ", after " +
               std::to_string(result.took.count()) + " ms";
    else
        text = std::string("no answer after ") + std::to_string(result.took.count()) + " ms";
    if (result.verdict == Verdict::accepted)
        text += result.authenticated ? "; our credentials were taken" : "; nobody asked for credentials";
    return text;
}

// A message as it crossed the wire, each line behind an arrow.
void print_message(const service::ProbeMessage& message, Context& context) {
    context.out << (message.received ? "from " : "to ") << message.peer << ", " << message.after.count()
                << " ms\n";
    for (const auto line : split(message.text, '\n'))
        if (const auto shown = trim_right(line); !shown.empty())
            context.out << (message.received ? "< " : "> ") << visible(shown) << "\n";
    context.out << "\n";
}

Json document_of(const ProbeResult& result) {
    Json document{{"schema", "callchain.gateway-probe/1"},
                  {"tool_version", CALLCHAIN_VERSION},
                  {"verdict", service::name_of(result.verdict)},
                  {"status", result.status},
                  {"reason", visible(result.reason)},
                  {"peer", result.peer},
                  {"tls_version", result.tls_version},
                  {"authenticated", result.authenticated},
                  {"took_ms", result.took.count()},
                  {"why", visible(result.why)}};
    document["exchange"] = Json::array();
    for (const auto& message : result.exchange)
        document["exchange"].push_back({{"direction", message.received ? "received" : "sent"},
                                        {"peer", message.peer},
                                        {"after_ms", message.after.count()},
                                        {"message", message.text}});
    return document;
}

int dry_run(const service::ProbeSettings& settings, Context& context) {
    auto written = sip::write_message(service::probe_request(settings, "0123456789abcdef0123456789abcdef"));
    if (!written) return context.report_error(written.error());
    if (context.output.json) {
        print_document(context, Json{{"schema", "callchain.gateway-probe-request/1"},
                                     {"tool_version", CALLCHAIN_VERSION},
                                     {"transport", ascii_lower(sip::name_of(settings.transport))},
                                     {"sent", false},
                                     {"message", *written}});
        return kDone;
    }
    context.out << replace_all(*written, "\r\n", "\n");
    return kDone;
}

int probe(const ProbeOptions& options, Context& context) {
    std::signal(SIGPIPE, SIG_IGN);
    const auto settings = settings_of(options, context);
    if (!settings) return context.report_error(settings.error());
    if (options.dry_run) return dry_run(*settings, context);
    const auto result = service::run_probe(*settings);
    if (!result) return context.report_error(result.error());
    if (context.output.json) {
        print_document(context, document_of(*result));
        return exit_code_of(result->verdict);
    }
    if (!context.output.quiet)
        for (const auto& message : result->exchange) print_message(message, context);
    context.out << service::name_of(result->verdict) << ": " << headline(*result) << "\n";
    if (!result->why.empty()) context.out << wrap_text(visible(result->why), 100, "  ") << "\n";
    return exit_code_of(result->verdict);
}

// CLI::Range lets nan through, which is neither below nor above.
std::string check_seconds(const std::string& text) {
    const auto number = text.c_str();
    char* end = nullptr;
    const double seconds = std::strtod(number, &end);
    const bool is_whole = end != number && *end == '\0';
    if (is_whole && seconds >= kLeastSeconds && seconds <= kMostSeconds) return {};
    return "\"" + safe_echo(text, 40) + "\" is no number from 0.1 to 120";
}

std::string footer() {
    return "TARGET is sip:USER@HOST, with :PORT and ;transport=tls, tcp or udp behind it; tls unless said. "
           "The host's "
           "SRV records\ncount where no port is given, and its certificate must be for the name. The "
           "exchange is shown "
           "with credentials, keys and\nnumbers withheld.\n"
           "--invite requires an option that no server knows: an INVITE that was let in is answered 420, and "
           "no call "
           "begins. Where\none begins nevertheless it is cancelled or ended, and reported: at Twilio it may "
           "cost "
           "something.\n"
           "Exit codes: 0 accepted (of --invite 420), 1 a call began, 2 usage, 4 credentials refused or "
           "asked for, 5 "
           "any other\nanswer, 6 no connection or no answer.";
}

}  // namespace

void add_gateway_probe(CLI::App& gateway, Context& context) {
    auto options = std::make_shared<ProbeOptions>();
    auto* command = gateway.add_subcommand("probe", "Send one OPTIONS or INVITE, and show the exchange");
    command->add_option("target", options->target, "Whom to ask, sip:USER@HOST")
        ->required()
        ->type_name("TARGET");
    command->add_flag("--invite", options->invite, "Ask by an INVITE that is refused before a call begins");
    command->add_option("--username", options->username, "User of the digest")->type_name("USER");
    add_secret_options(*command, "password", "its password", options->passwords);
    command->add_option("--from-host", options->from_host, "Host of From and Contact")->type_name("HOST");
    command->add_option("--ca-file", options->ca_file, "Certificates (PEM) in place of the system's")
        ->type_name("PATH");
    command->add_option("--timeout", options->timeout, "Longest time for all of it, in seconds (10)")
        ->check(CLI::Validator(&check_seconds, ""))
        ->type_name("SECONDS");
    command->add_flag("--dry-run", options->dry_run, "Print the request and send nothing");
    add_common_options(*command, context);
    set_footer(*command, footer(), {"callchain gateway probe sip:bridge@example.sip.twilio.com --dry-run"});
    set_body(*command, context, [options, &context] { return probe(*options, context); });
}

}  // namespace callchain::cli
