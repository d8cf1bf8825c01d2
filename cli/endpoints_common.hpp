/// What the commands of `endpoints` share: one request to OpenAI's API and what came of it.
#pragma once

#include "call_commands.hpp"
#include "context.hpp"
#include "http/client.hpp"
#include "http/loop.hpp"
#include "openai/webhook_endpoints.hpp"

#include <CLI/App.hpp>
#include <chrono>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace callchain::cli {

/// Of a command that changes or sends something.
struct EndpointActionOptions : ApiOptions {
    std::string id;
    bool yes = false;
};
void add_action_options(CLI::App& command, EndpointActionOptions& options, const std::string& timeout_help);

/// One request that is ready to go.
struct EndpointPlan {
    ApiAccess access;
    http::ClientRequest request;
};
/// GET where `body` is empty.
[[nodiscard]] http::ClientRequest endpoint_request(const std::string& url, const ApiAccess& access,
                                                   const std::string& body, const SendOptions& options);
/// POST to one endpoint. Errors: usage with `problems` and those of id, base URL and key at once; among them,
/// where --yes is missing and something would be sent, what that is: `deed`.
[[nodiscard]] Result<EndpointPlan> plan_action(Context& context, const EndpointActionOptions& options,
                                               openai::EndpointRequest request, const std::string& body,
                                               const std::string& deed, Problems problems);

/// schema, tool_version, then `sent` and `request`.
[[nodiscard]] nlohmann::ordered_json endpoint_document(const std::string& command, const EndpointPlan& plan,
                                                       const SendOptions& options);
/// --dry-run, --print-curl, with or without --json.
int show_endpoint_plan(Context& context, const SendOptions& options, const EndpointPlan& plan,
                       nlohmann::ordered_json document);

struct EndpointReply {
    openai::EndpointOutcome outcome = openai::EndpointOutcome::network_failure;
    openai::ApiAnswer answer = {};
    std::string failure = {};     ///< why there is no answer, or what is wrong with it, for a person
    std::string request_id = {};  ///< x-request-id, made visible: for OpenAI's support
    std::string body = {};        ///< of a 2xx; not to be shown: a secret may stand in it
    std::chrono::milliseconds duration{};
};
/// Turns a 2xx whose body is none of the API's into what it is.
void refuse_body(EndpointReply& reply, const Error& why);

/// Sends it once and waits on `loop`, which is new. nullopt: SIGINT or SIGTERM came, and `gives_up` said to
/// leave off; the client is stopped then. While `loop` lives, further signals have no effect.
[[nodiscard]] std::optional<EndpointReply> ask(http::Client& client, http::Loop& loop,
                                               const http::ClientRequest& request,
                                               openai::EndpointRequest kind,
                                               const std::function<bool()>& gives_up);

/// outcome, code, meaning, status, error, failure, request_id.
void add_reply(nlohmann::ordered_json& document, const EndpointReply& reply);
/// Prints why it did not work, with the hint of `code`'s page, and returns the exit code. Not for done.
int report_reply(const Context& context, const EndpointReply& reply, std::string_view code,
                 const std::string& message);
/// The same with the outcome's own code and meaning.
int report_reply(const Context& context, const EndpointReply& reply);

/// "120 ms".
[[nodiscard]] std::string duration_in_words(std::chrono::milliseconds duration);

}  // namespace callchain::cli
