#include "endpoints_common.hpp"

#include "base/redact.hpp"
#include "base/text.hpp"
#include "commands.hpp"
#include "json_output.hpp"
#include "service/accept_driver.hpp"
#include "signature/known_secrets.hpp"

#include <csignal>
#include <nlohmann/json.hpp>
#include <ostream>
#include <variant>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;
using openai::EndpointOutcome;
using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

int exit_code_of(EndpointOutcome outcome) {
    switch (outcome) {
        case EndpointOutcome::done:
            return kDone;
        case EndpointOutcome::credential_refused:
            return kRefused;
        case EndpointOutcome::network_failure:
            return kNetwork;
        case EndpointOutcome::api_missing:
        case EndpointOutcome::not_found:
        case EndpointOutcome::request_refused:
        case EndpointOutcome::rate_limited:
        case EndpointOutcome::server_error:
        case EndpointOutcome::unexpected_answer:
            break;
    }
    return kPeerError;
}

EndpointReply reply_of(const http::ClientResult& result, openai::EndpointRequest kind) {
    constexpr std::size_t kMostRequestId = 100;
    EndpointReply reply;
    reply.answer = service::answer_of(
        result, std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
    reply.outcome = openai::outcome_of(reply.answer, kind);
    if (const auto* failure = std::get_if<http::ClientFailure>(&result)) {
        reply.failure = failure->message;
        return reply;
    }
    const auto& response = std::get<http::ClientResponse>(result);
    reply.request_id = safe_excerpt(response.headers.find("x-request-id").value_or(""), kMostRequestId);
    if (reply.outcome == EndpointOutcome::done) reply.body = response.body;
    return reply;
}

std::string bearer_of(const http::ClientRequest& request) {
    constexpr std::string_view kScheme = "Bearer ";
    for (const auto& header : request.headers)
        if (header.name == "Authorization" && header.value.starts_with(kScheme))
            return header.value.substr(kScheme.size());
    return {};
}

// "404 unknown_url: Invalid URL; request id req_1", or what kept the answer away.
std::string details_of(const EndpointReply& reply) {
    std::vector<std::string> parts;
    if (reply.answer.status != 0) parts.push_back(error_in_words(reply.answer));
    if (!reply.failure.empty()) parts.push_back(reply.failure);
    if (!reply.request_id.empty()) parts.push_back("request id " + reply.request_id);
    return join(parts, "; ");
}

}  // namespace

void add_action_options(CLI::App& command, EndpointActionOptions& options, const std::string& timeout_help) {
    command.add_option("id", options.id, "The endpoint, whe_…, as endpoints list shows it")
        ->required()
        ->type_name("ID");
    command.add_flag("--yes", options.yes, "Do it; without this nothing is sent");
    add_api_options(command, options, timeout_help);
}

http::ClientRequest endpoint_request(const std::string& url, const ApiAccess& access, const std::string& body,
                                     const SendOptions& options) {
    auto request = service::call_request(url, access.key, body);
    if (body.empty()) request.method = "GET";
    request.total_time = std::chrono::seconds{options.timeout_s};
    request.connect_time = std::min(request.connect_time, request.total_time);
    return request;
}

Result<EndpointPlan> plan_action(Context& context, const EndpointActionOptions& options,
                                 openai::EndpointRequest request, const std::string& body,
                                 const std::string& deed, Problems problems) {
    EndpointPlan plan;
    plan.access = read_api_access(context, options, problems);
    const auto url = openai::endpoint_url(plan.access.base_url, options.id, request);
    check_api_url(url, problems);
    if (!options.yes && !options.send.only_shows())
        problems.add({ErrorCode::usage,
                      "nothing was done: without --yes this only says that it would " + deed, std::nullopt,
                      "say --yes to do it, or --dry-run to see the request"});
    if (!problems.texts.empty()) return tl::unexpected(problems.error(context));
    plan.request = endpoint_request(*url, plan.access, body, options.send);
    return plan;
}

Json endpoint_document(const std::string& command, const EndpointPlan& plan, const SendOptions& options) {
    return {{"schema", "callchain.endpoints-" + command + "/1"},
            {"tool_version", CALLCHAIN_VERSION},
            {"sent", false},
            {"request", request_json(plan.request, options.only_shows(), "$" + plan.access.key_variable)}};
}

int show_endpoint_plan(Context& context, const SendOptions& options, const EndpointPlan& plan,
                       Json document) {
    const auto curl = http::curl_command(plan.request, plan.access.key_variable);
    if (context.output.json) {
        document["curl"] = curl;
        print_document(context, document);
    } else if (options.print_curl) {
        context.out << curl << "\n";
    } else {
        show_request(context, plan.request, "$" + plan.access.key_variable);
    }
    return kDone;
}

void refuse_body(EndpointReply& reply, const Error& why) {
    reply.outcome = EndpointOutcome::unexpected_answer;
    reply.failure = why.message;
}

std::optional<EndpointReply> ask(http::Client& client, http::Loop& loop, const http::ClientRequest& request,
                                 openai::EndpointRequest kind, const std::function<bool()>& gives_up) {
    std::optional<EndpointReply> reply;
    const signature::KnownSecrets known(std::vector<signature::LabelledSecret>{{"key", bearer_of(request)}});
    const auto started = SteadyClock::now();
    loop.on_signals({SIGINT, SIGTERM}, [&](int) {
        if (gives_up()) loop.stop();
    });
    client.send(request, [&](http::ClientResult got) {
        loop.post([&, got = std::move(got)] {
            reply = reply_of(got, kind);
            // A gateway in between may say the key that it refuses, in whatever form.
            reply->answer.error_message = known.withhold(reply->answer.error_message);
            reply->duration = std::chrono::duration_cast<milliseconds>(SteadyClock::now() - started);
            loop.stop();
        });
    });
    loop.run();
    if (!reply) client.stop();
    return reply;
}

void add_reply(Json& document, const EndpointReply& reply) {
    document["outcome"] = std::string(openai::name_of(reply.outcome));
    document["code"] = text_or_null(openai::code_of(reply.outcome));
    document["meaning"] = std::string(openai::meaning_of(reply.outcome));
    document["status"] = reply.answer.status == 0 ? Json(nullptr) : Json(reply.answer.status);
    document["error"] = error_json(reply.answer);
    document["failure"] = text_or_null(reply.failure);
    document["request_id"] = text_or_null(reply.request_id);
    document["duration_ms"] = reply.duration.count();
}

int report_reply(const Context& context, const EndpointReply& reply, std::string_view code,
                 const std::string& message) {
    auto text = std::string(code) + ": " + message;
    if (const auto details = details_of(reply); !details.empty()) text += " (" + details + ")";
    return context.report_failure(exit_code_of(reply.outcome), text, hint_of_code(code));
}

int report_reply(const Context& context, const EndpointReply& reply) {
    return report_reply(context, reply, openai::code_of(reply.outcome),
                        std::string(openai::meaning_of(reply.outcome)));
}

std::string duration_in_words(milliseconds duration) {
    return with_thousands(static_cast<std::uint64_t>(duration.count())) + " ms";
}

}  // namespace callchain::cli
