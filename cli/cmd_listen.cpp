#include "base/endpoint.hpp"
#include "base/text.hpp"
#include "commands.hpp"
#include "http/server.hpp"
#include "http/url.hpp"
#include "listen_output.hpp"
#include "secrets.hpp"
#include "service/listen_service.hpp"
#include "signature/twilio_url.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <ostream>
#include <unistd.h>

namespace callchain::cli {
namespace {

struct ListenOptions {
    std::string listen = "127.0.0.1:8000";
    std::string captures = "callchain-captures";
    std::size_t most_captures = 10'000;
    std::uint64_t count = 0;
    std::optional<int> status;
    std::string forward_to;
    bool forward_unverified = false;
    bool keep_host = false;
    int timeout_s = 10;
    std::string ca_file;
    std::vector<std::string> public_urls;
    SecretSources secrets;
    SecretSources tokens;
};

void check_passing_on(const ListenOptions& options, bool has_secrets, std::vector<std::string>& problems) {
    if (options.forward_to.empty()) {
        if (options.forward_unverified || options.keep_host)
            problems.push_back("--forward-unverified and --keep-host have no use without --forward-to");
        return;
    }
    if (options.status)
        problems.push_back(
            "--status answers by itself, and with --forward-to the receiver behind it answers");
    if (!has_secrets && !options.forward_unverified)
        problems.push_back("--forward-to passes on what is verified, and no secret is given");
    if (!options.ca_file.empty() && ::access(options.ca_file.c_str(), R_OK) != 0)
        problems.push_back("--ca-file: cannot read " + safe_echo(options.ca_file, 200) + ": " +
                           std::strerror(errno));
}

Result<void> check_options(const ListenOptions& options, bool has_secrets) {
    std::vector<std::string> problems;
    const auto refuse = [&](const std::string& option, const std::string& url, const std::string& what) {
        problems.push_back(option + ": \"" + safe_echo(signature::show_url(url), 200) + "\" is no " + what);
    };
    const auto target = http::read_url(options.forward_to);
    if (!options.forward_to.empty() && (!target || !target->scheme.starts_with("http")))
        refuse("--forward-to", options.forward_to,
               signature::split_url(options.forward_to)
                   ? "URL that can be called: leave user and password out"
                   : "http or https URL");
    // Nobody calls it: it may have a user and a password, which Twilio signs with it.
    for (const auto& url : options.public_urls)
        if (!signature::split_url(url)) refuse("--public-url", url, "http or https URL");
    check_passing_on(options, has_secrets, problems);
    if (problems.empty()) return {};
    return fail(ErrorCode::usage, join(problems, "; "),
                has_secrets ? "callchain help listen" : std::string("callchain help listen; ") + kSecretHint);
}

service::ListenConfig config_of(const ListenOptions& options) {
    service::ListenConfig config;
    config.listen = options.listen;
    config.captures = options.captures;
    config.most_captures = options.most_captures;
    auto& reception = config.reception;
    reception.status = options.status;
    reception.most_deliveries = options.count;
    reception.forward_unverified = options.forward_unverified;
    if (options.forward_to.empty()) return config;
    reception.forward = service::ForwardSettings{
        .url = options.forward_to,
        .host = options.keep_host ? webhook::HostHeader::kept : webhook::HostHeader::of_target,
        .time = std::chrono::seconds{options.timeout_s},
        .ca_file = options.ca_file};
    return config;
}

// What whoever started it should know before the first delivery.
void tell_start(const ListenOptions& options, const service::DeliveryJudge::Secrets& secrets,
                const Context& context) {
    const auto say = [&](const std::string& text) { context.say("callchain: listen: " + text); };
    say("captures hold what is received as it is, telephone numbers, signatures and credentials too: keep " +
        visible_excerpt(options.captures, 200) + " to yourself");
    for (const auto& secret : secrets.webhook) {
        for (const auto& remark : signature::lint_secret(secret.text))
            say("secret \"" + visible(secret.label) + "\": " + std::string(remark.code) + ": " +
                remark.detail);
    }
    if (secrets.webhook.empty() && secrets.tokens.empty())
        say("no secret is given: signatures are not checked");
    if (!secrets.tokens.empty() && secrets.public_urls.empty())
        say("Twilio signs the URL that it asks for: behind a tunnel or proxy, name it with --public-url");
    // No --quiet hides it.
    if (options.forward_unverified)
        context.err << "callchain: listen: WARNING: --forward-unverified: what ANYBODY sends here is passed "
                       "on, verified or not"
                    << std::endl;
}

void tell_exposure(const ListenOptions& options, const std::string& address, const Context& context) {
    const auto host = parse_endpoint(address).value_or(Endpoint{}).address;
    if (is_loopback(host)) return;
    context.say("callchain: listen: " + host +
                " is no loopback address: whoever reaches it can fill the folder, which keeps the last " +
                with_thousands(options.most_captures) + " captures");
}

int exit_code_of(const service::ListenEnd& end, const ListenOutput& output) {
    if (end.at_once || end.signal == SIGINT) return kInterrupted;
    if (end.signal != 0 || output.is_closed()) return kDone;
    return output.valid() == output.told() ? kDone : kNo;
}

int run_service(const ListenOptions& options, const service::DeliveryJudge::Secrets& secrets,
                Context& context) {
    auto all = secrets.webhook;
    all.insert(all.end(), secrets.tokens.begin(), secrets.tokens.end());
    ListenOutput output(context, signature::KnownSecrets(all));
    auto judge = service::DeliveryJudge::make(secrets);
    if (!judge) return context.report_error(judge.error());
    tell_start(options, secrets, context);
    // A peer or a reader that goes away must end its connection, not the program.
    std::signal(SIGPIPE, SIG_IGN);
    static_cast<void>(http::raise_descriptor_limit());
    auto started = service::ListenService::start(
        config_of(options), *std::move(judge),
        {[&output](const service::DeliveryReport& report) { return output.print(report); },
         [&output](const std::string& remark) { output.print_remark(remark); }});
    if (!started) return report_start_error(started.error(), context);
    auto& running = **started;
    running.handle_signals();
    tell_exposure(options, running.address(), context);
    output.print_ready({"http://" + running.address(), options.captures,
                        options.forward_to.empty() ? "" : signature::show_url(options.forward_to)});
    const auto end = running.run();
    output.stop_waiting();
    started->reset();
    std::signal(SIGPIPE, SIG_DFL);
    return exit_code_of(end, output);
}

Result<int> listen(const ListenOptions& options, Context& context) {
    service::DeliveryJudge::Secrets secrets;
    secrets.webhook = CALLCHAIN_TRY(read_secrets(context, options.secrets, "OPENAI_WEBHOOK_SECRET"));
    secrets.tokens = CALLCHAIN_TRY(read_secrets(context, options.tokens, "TWILIO_AUTH_TOKEN"));
    secrets.public_urls = options.public_urls;
    CALLCHAIN_TRY(check_options(options, !secrets.webhook.empty() || !secrets.tokens.empty()));
    return run_service(options, secrets, context);
}

void add_receiving_options(CLI::App& command, ListenOptions& options) {
    constexpr std::size_t kMostCaptures = 1'000'000;
    constexpr std::uint64_t kMostDeliveries = 1'000'000'000;
    command.add_option("--listen", options.listen, "Where to listen; port 0: a free one")
        ->type_name("HOST:PORT")
        ->check(listen_address())
        ->capture_default_str();
    command.add_option("--to", options.captures, "Folder of the captures, made where it is missing")
        ->type_name("DIR")
        ->capture_default_str();
    command.add_option("--most-captures", options.most_captures, "So many stay there; the oldest go")
        ->type_name("N")
        ->check(CLI::Range(std::size_t{1}, kMostCaptures).description(""))
        ->capture_default_str();
    command
        .add_option("--public-url", options.public_urls,
                    "URL that Twilio asks for and signs; paths as with --forward-to")
        ->type_name("URL")
        ->allow_extra_args(false);
    command
        .add_option("--status", options.status,
                    "Answer that in every case, to see what the sender makes of it")
        ->type_name("N")
        ->check(CLI::Range(200, 599).description(""));
    command.add_option("--count", options.count, "End behind so many deliveries")
        ->type_name("N")
        ->check(CLI::Range(std::uint64_t{1}, kMostDeliveries).description(""));
}

void add_forwarding_options(CLI::App& command, ListenOptions& options) {
    constexpr const char* kGroup = "Passing on";
    constexpr int kLongest = 600;
    command
        .add_option(
            "--forward-to", options.forward_to,
            "Pass on what is verified, byte for byte; a path that is empty or ends in / is a base for "
            "that of the delivery")
        ->type_name("URL")
        ->group(kGroup);
    command
        .add_flag("--forward-unverified", options.forward_unverified,
                  "Pass on what is not verified as well; it is checked and told of all the same")
        ->group(kGroup);
    command
        .add_flag("--keep-host", options.keep_host,
                  "Keep the delivery's Host header in place of that of the URL")
        ->group(kGroup);
    command.add_option("--timeout", options.timeout_s, "Longest wait for the answer; then 504")
        ->type_name("SECONDS")
        ->check(CLI::Range(1, kLongest).description(""))
        ->capture_default_str()
        ->group(kGroup);
    command.add_option("--ca-file", options.ca_file, "Certificates (PEM) to trust in place of the system's")
        ->type_name("PATH")
        ->group(kGroup);
}

}  // namespace

void define_listen(CLI::App& command, Context& context) {
    auto options = std::make_shared<ListenOptions>();
    add_receiving_options(command, *options);
    add_forwarding_options(command, *options);
    add_secret_options(command, "secret", "a webhook secret [OPENAI_WEBHOOK_SECRET]", options->secrets);
    add_secret_options(command, "auth-token", "an auth token of Twilio's [TWILIO_AUTH_TOKEN]",
                       options->tokens);
    add_common_options(command, context);
    set_footer(
        command,
        "Takes any path and method. Each line: time, request, length of the body, type of the event, "
        "verdict, "
        "answer,\nduration, file. show, verify-sig --request and replay-webhook read the files, which hold "
        "all "
        "that was received.\nWithout --forward-to: 200 to what is verified, or where no secret is given; 401 "
        "to the rest.\nExit codes: 0 ended by SIGTERM, or --count deliveries were all valid; 1 one of those "
        "was not, or could not be\nchecked; 2 usage; 6 an address that another process has; 130 ended by "
        "Ctrl-C.",
        {"callchain listen --help"});
    set_body(command, context, [options, &context] {
        const auto done = listen(*options, context);
        return done ? *done : context.report_error(done.error());
    });
}

}  // namespace callchain::cli
