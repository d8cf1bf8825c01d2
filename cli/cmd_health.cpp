#include "base/endpoint.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "commands.hpp"
#include "config/network.hpp"
#include "http/client.hpp"
#include "http/tls_store.hpp"
#include "http/url.hpp"
#include "json_output.hpp"
#include "service/routes.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string_view>
#include <variant>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kLeastSeconds = 0.1;
constexpr double kMostSeconds = 60;
constexpr std::size_t kMostShown = 300;
constexpr std::size_t kMostBody = 16'384;

struct HealthOptions {
    std::string where;
    bool live = false;
    double timeout_s = 3;
    std::string ca_file;
    bool dry_run = false;
    bool print_curl = false;
};

struct Answer {
    std::vector<std::string> asked;
    std::string url;  // the last of them
    http::ClientResult result;
    std::chrono::milliseconds took{};
};

// A URL may have a password in it, so of one that cannot be used only the host is shown.
Error no_place(std::string_view text) {
    const bool is_url = text.find("://") != std::string_view::npos;
    return {ErrorCode::usage,
            is_url ? "the URL of " + http::shown_host(text) + " cannot be used"
                   : "\"" + safe_excerpt(text, 80) + "\" is none of serve, gateway and a URL",
            std::nullopt, "a URL is http://HOST:PORT or https://HOST, without user, password and fragment"};
}

// Where a process that listens at `listen` is found from this host.
// Errors: usage, for port 0, which is another one at each start.
Result<std::string> loopback_url(const std::string& listen) {
    const auto place = parse_endpoint(listen);
    if (!place || place->port == 0)
        return fail(ErrorCode::usage, "port 0 is a free one, which nobody knows before the start",
                    "give the URL: the line \"ready\" names the addresses");
    return "http://" + text_of(seen_from_its_host(*place));
}

// A setting that is an address. Errors: usage, naming the variable.
Result<std::string> listen_address_of(const char* name, const std::string& value) {
    auto address = config::parse_listen_address(trim(value));
    if (address) return address;
    return fail(ErrorCode::usage, std::string(name) + ": " + address.error().message, address.error().hint);
}

Result<std::string> admin_url(Context& context, const char* usual) {
    const auto value = context.variable("CALLCHAIN_ADMIN_LISTEN").value_or("");
    if (trim(value) == "off")
        return fail(ErrorCode::usage, "CALLCHAIN_ADMIN_LISTEN is off, so nothing can be asked",
                    "set it to an address, as 127.0.0.1:9465, or give the URL of what is to be asked");
    return loopback_url(
        CALLCHAIN_TRY(listen_address_of("CALLCHAIN_ADMIN_LISTEN", value.empty() ? usual : value)));
}

Result<std::string> serve_url(Context& context) {
    // The certificate is for a name from outside, which nobody has here: the other listener speaks no TLS.
    if (!context.variable("CALLCHAIN_TLS_CERT").value_or("").empty())
        return admin_url(context, "127.0.0.1:9464");
    if (const auto listen = context.variable("CALLCHAIN_LISTEN").value_or(""); !listen.empty())
        return loopback_url(CALLCHAIN_TRY(listen_address_of("CALLCHAIN_LISTEN", listen)));
    auto port = context.variable("PORT").value_or("");
    if (port.empty()) port = "8000";
    const auto parsed = config::parse_port(trim(port));
    if (!parsed) return fail(ErrorCode::usage, "PORT: " + parsed.error().message, parsed.error().hint);
    return loopback_url("127.0.0.1:" + std::to_string(*parsed));
}

Result<std::string> gateway_url(Context& context) { return admin_url(context, "127.0.0.1:9465"); }

// The URLs to ask, one behind the other until somebody listens.
Result<std::vector<std::string>> urls_of(const HealthOptions& options, Context& context) {
    const std::string path = options.live ? "/healthz" : "/readyz";
    if (options.where == "serve") {
        std::vector urls {
            CALLCHAIN_TRY(serve_url(context))
            +path
        };
        // While it drains it takes no new connections but there.
        if (const auto admin = admin_url(context, "127.0.0.1:9464"); admin && *admin + path != urls.front())
            urls.push_back(*admin + path);
        return urls;
    }
    if (options.where == "gateway") return std::vector {
            CALLCHAIN_TRY(gateway_url(context))
            +path
        };
    if (options.where.empty()) {
        // PORT says nothing of HTTP before it is known which of them runs: the gateway speaks SIP there.
        std::vector<std::string> urls;
        if (const auto gateway = gateway_url(context)) urls.push_back(*gateway + path);
        urls.push_back(CALLCHAIN_TRY(serve_url(context)) + path);
        if (const auto admin = admin_url(context, "127.0.0.1:9464")) urls.push_back(*admin + path);
        urls.erase(std::unique(urls.begin(), urls.end()), urls.end());
        return urls;
    }
    const auto parts = http::read_url(options.where);
    if (!parts || (parts->scheme != "http" && parts->scheme != "https"))
        return tl::unexpected(no_place(options.where));
    if (parts->target != "/") return std::vector{options.where};
    return std::vector{parts->scheme + "://" + parts->authority + path};
}

http::ClientRequest request_for(const std::string& url, const HealthOptions& options) {
    http::ClientRequest request;
    request.method = "GET";
    request.url = url;
    request.total_time = std::chrono::milliseconds(static_cast<std::int64_t>(options.timeout_s * 1000));
    request.connect_time = request.total_time;
    return request;
}

bool nobody_listens(const http::ClientResult& result) {
    const auto* failure = std::get_if<http::ClientFailure>(&result);
    return failure != nullptr && failure->kind == http::ClientFailure::Kind::connect;
}

Answer ask(const std::vector<std::string>& urls, const HealthOptions& options, const Context& context) {
    http::ClientOptions client_options;
    client_options.ca_file = options.ca_file;
    client_options.user_agent = "callchain/" CALLCHAIN_VERSION;
    client_options.body_bytes = kMostBody;
    client_options.proxies = http::ClientOptions::Proxies::none;
    http::Client client(client_options);
    Answer answer;
    for (const auto& url : urls) {
        const auto begin = std::chrono::steady_clock::now();
        answer.url = url;
        answer.asked.push_back(url);
        answer.result = client.perform(request_for(url, options));
        answer.took = std::chrono::floor<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
        if (!nobody_listens(answer.result)) break;
        context.detail("nobody listens at " + url);
    }
    return answer;
}

// What /readyz says of itself; null where it is no such page.
Json readiness_of(const http::ClientResponse& response) {
    auto json = read_json(response.body);
    if (!json.is_object() || !json.contains("status") || !json["status"].is_string()) return nullptr;
    Json readiness{{"status", visible_excerpt(json["status"].get<std::string>(), kMostShown)},
                   {"warnings", Json::array()}};
    if (const auto& warnings = json.value("warnings", Json::array()); warnings.is_array())
        for (const auto& warning : warnings)
            if (warning.is_string())
                readiness["warnings"].push_back(visible_excerpt(warning.get<std::string>(), kMostShown));
    return readiness;
}

// Where the address is that of a service of ours, whatever else answers there is not it.
bool is_ours(const HealthOptions& options, const http::ClientResponse& response) {
    const bool is_named = !options.where.empty() && options.where != "serve" && options.where != "gateway";
    return is_named || response.headers.find(service::kInstanceHeader).has_value();
}

void print_text(const Answer& answer, const http::ClientResponse& response, bool ours, Context& context) {
    const bool healthy = response.status == 200 && ours;
    const auto readiness = readiness_of(response);
    context.out << (healthy ? "healthy: " : "not healthy: ") << visible_excerpt(answer.url, kMostShown)
                << " answered " << response.status << " after " << answer.took.count() << " ms";
    if (readiness.is_object()) context.out << ": " << readiness["status"].get<std::string>();
    context.out << "\n";
    if (readiness.is_object())
        for (const auto& warning : readiness["warnings"])
            context.out << "warning: " << warning.get<std::string>() << "\n";
    if (!healthy && !(readiness.is_object() && ours))
        context.say(
            "hint: something else than callchain listens there: neither /healthz nor /readyz of "
            "callchain answers so");
}

Json document_of(const Answer& answer, const HealthOptions& options) {
    const auto* response = std::get_if<http::ClientResponse>(&answer.result);
    const auto* failure = std::get_if<http::ClientFailure>(&answer.result);
    return {{"schema", "callchain.health/1"},
            {"tool_version", CALLCHAIN_VERSION},
            {"urls", answer.asked},
            {"sent", true},
            {"healthy", response != nullptr && response->status == 200 && is_ours(options, *response)},
            {"status", response == nullptr ? Json(nullptr) : Json(response->status)},
            {"readiness", response == nullptr ? Json(nullptr) : readiness_of(*response)},
            {"failure", failure == nullptr ? Json(nullptr) : Json(visible(failure->message))},
            {"duration_ms", answer.took.count()}};
}

int dry_run(const std::vector<std::string>& urls, const HealthOptions& options, Context& context) {
    if (!context.output.json) {
        for (const auto& url : urls)
            context.out << (options.print_curl ? http::curl_command(request_for(url, options), "")
                                               : "GET " + url)
                        << "\n";
        return kDone;
    }
    const Json document{{"schema", "callchain.health/1"},
                        {"tool_version", CALLCHAIN_VERSION},
                        {"urls", urls},
                        {"sent", false},
                        {"healthy", nullptr}};
    print_document(context, document);
    return kDone;
}

int report_no_answer(const Answer& answer, const http::ClientFailure& failure, const Context& context) {
    if (failure.kind == http::ClientFailure::Kind::url)
        return context.report_error(
            {ErrorCode::usage, visible(failure.message), std::nullopt, "callchain help health"});
    return context.report_failure(
        kNetwork,
        "no answer from " + visible_excerpt(join(answer.asked, ", nor from "), kMostShown) + ": " +
            visible(failure.message),
        "does it run? Its line \"ready\" names the addresses; PORT, CALLCHAIN_LISTEN and "
        "CALLCHAIN_ADMIN_LISTEN must be the same here");
}

int health(HealthOptions options, Context& context) {
    std::signal(SIGPIPE, SIG_IGN);
    end_on_signals(context);
    if (options.ca_file.empty()) options.ca_file = context.variable("CALLCHAIN_CA_FILE").value_or("");
    const auto urls = urls_of(options, context);
    if (!urls) return context.report_error(urls.error());
    const bool is_encrypted = urls->back().starts_with("https:");
    if (const auto readable = http::inspect_ca_store(
            options.ca_file, std::chrono::floor<std::chrono::seconds>(context.clock.now()));
        is_encrypted && !options.ca_file.empty() && !readable)
        return context.report_error({ErrorCode::usage, "--ca-file: " + readable.error().message, std::nullopt,
                                     "name a PEM file of certificate authorities"});
    if (options.dry_run || options.print_curl) return dry_run(*urls, options, context);
    const auto answer = ask(*urls, options, context);
    if (context.output.json) print_document(context, document_of(answer, options));
    if (const auto* failure = std::get_if<http::ClientFailure>(&answer.result))
        return report_no_answer(answer, *failure, context);
    const auto& response = std::get<http::ClientResponse>(answer.result);
    const bool ours = is_ours(options, response);
    if (!context.output.json) print_text(answer, response, ours, context);
    return response.status == 200 && ours ? kDone : kNo;
}

}  // namespace

void define_health(CLI::App& command, Context& context) {
    auto options = std::make_shared<HealthOptions>();
    command
        .add_option("where", options->where,
                    "serve, gateway, or a URL; without it whichever of the two runs here")
        ->type_name("WHERE");
    command.add_flag("--live", options->live, "Ask /healthz: does it live, draining or not; else /readyz");
    command.add_option("--timeout", options->timeout_s, "Longest wait for the answer, in seconds (3)")
        ->check(number_within(kLeastSeconds, kMostSeconds))
        ->type_name("SECONDS");
    command.add_option("--ca-file", options->ca_file, "Certificates (PEM) to trust in place of the system's")
        ->type_name("PATH");
    command.add_flag("--dry-run", options->dry_run, "Print what would be asked, and send nothing");
    command.add_flag("--print-curl", options->print_curl, "The same as curl commands");
    add_common_options(command, context);
    set_footer(
        command,
        "The address is that of the service's own settings: PORT or CALLCHAIN_LISTEN for serve (with "
        "TLS,\nCALLCHAIN_ADMIN_LISTEN), CALLCHAIN_ADMIN_LISTEN for the gateway. Proxies are passed by. "
        "Made for\nHEALTHCHECK of a container.\n"
        "Exit codes: 0 healthy, 1 it answered something else than 200, 2 usage, 6 no answer.",
        {"callchain health serve --dry-run", "callchain health http://127.0.0.1:9/  # exit 6"});
    set_body(
        command, context, [options, &context] { return health(*options, context); }, EnvFiles::own_first);
}

}  // namespace callchain::cli
