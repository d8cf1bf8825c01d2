/// What accept-call, reject-call, refer-call and hangup-call share: options, request, answer, exit code. The
/// parts that are about OpenAI's API and not about calls serve the commands of `endpoints` as well.
#pragma once

#include "context.hpp"
#include "http/client.hpp"
#include "openai/call.hpp"
#include "secrets.hpp"
#include "service/accept_driver.hpp"

#include <CLI/App.hpp>
#include <chrono>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::cli {

/// How a command that sends something is told not to.
struct SendOptions {
    bool dry_run = false;
    bool print_curl = false;
    std::string ca_file;
    int timeout_s = 10;
    [[nodiscard]] bool only_shows() const { return dry_run || print_curl; }
};
void add_send_options(CLI::App& command, SendOptions& options);

/// Where OpenAI's API is, and the key to it.
struct ApiOptions {
    std::string base_url;
    SecretSources api_key;
    SendOptions send;
};
void add_api_options(CLI::App& command, ApiOptions& options, const std::string& timeout_help);

/// What is wrong with a command line, told all at once with the first hint.
struct Problems {
    std::vector<std::string> texts;
    std::string hint;
    void add(const Error& error);
    [[nodiscard]] Error error(const Context& context) const;  ///< usage
};

struct ApiAccess {
    std::string base_url;
    std::string key;           ///< empty: none was given, which a dry run does without
    std::string key_variable;  ///< the name that stands for the key in what is shown
};
/// Problems: a key that is no key, more than one, none where one is needed.
[[nodiscard]] ApiAccess read_api_access(Context& context, const ApiOptions& options, Problems& problems);
/// Problems: those of `url`, and an address that must not get the key.
void check_api_url(const Result<std::string>& url, Problems& problems);

struct CallOptions : ApiOptions {
    std::string id;
    std::string api;
};
void add_call_options(CLI::App& command, CallOptions& options, const std::string& timeout_help);

/// One request that is ready to go.
struct CallPlan {
    openai::CallAction action = openai::CallAction::accept;
    openai::Dialect dialect = openai::Dialect::realtime;
    std::string id;
    std::string base_url;
    std::string api_key;       ///< empty: none was given, which a dry run does without
    std::string key_variable;  ///< the name that stands for the key in what is shown
    http::ClientRequest request;
    std::chrono::milliseconds time{};
};

/// The API that the options or the id choose; what was chosen by the id is said.
[[nodiscard]] openai::Dialect dialect_of(const CallOptions& options, const Context& context);

/// Errors: usage with all problems of id, base URL, key and `body` at once.
[[nodiscard]] Result<CallPlan> plan_call(Context& context, const CallOptions& options,
                                         openai::CallAction action, openai::Dialect dialect,
                                         const Result<std::string>& body);

/// A request on stdout, as text or as a curl command; `secret` stands in place of what is withheld.
void show_request(Context& context, const http::ClientRequest& request, const std::string& secret);
/// The request as a JSON member: with its headers and body where it is only shown, else with their measure.
[[nodiscard]] nlohmann::ordered_json request_json(const http::ClientRequest& request, bool whole,
                                                  const std::string& secret);

/// What only shows, shown: --dry-run, --print-curl, with or without --json.
int show_plan(Context& context, const CallOptions& options, const CallPlan& plan,
              const std::function<void(nlohmann::ordered_json&)>& add_members = {});

/// The members that every document of these commands begins with.
[[nodiscard]] nlohmann::ordered_json plan_json(const CallPlan& plan, const SendOptions& options);
/// Adds outcome, answer and measure of what was sent.
void add_result(nlohmann::ordered_json& document, const service::AcceptResult& result);

/// Sends it once and prints what came of it; the whole of reject-call, refer-call and hangup-call behind
/// their bodies. Returns the exit code.
int run_single_action(Context& context, const CallOptions& options, openai::CallAction action,
                      openai::Dialect dialect, const Result<std::string>& body,
                      const std::string& done_in_words);

/// Prints the failure of an action as text on stderr (with --json: only what is an error by the contract) and
/// returns its exit code.
int report_outcome(const Context& context, const service::AcceptResult& result);
/// "404 call_id_not_found: No call with that id".
[[nodiscard]] std::string error_in_words(const openai::ApiAnswer& answer);
/// code, type and message of the answer's error; null where it has none.
[[nodiscard]] nlohmann::ordered_json error_json(const openai::ApiAnswer& answer);
/// What came of it as one remark: "done, 200, 1 attempt, 120 ms".
[[nodiscard]] std::string measure_of(const service::AcceptResult& result);

/// Runs `loop` until it is stopped or the user interrupts it. Returns false for the latter.
[[nodiscard]] bool run_until_interrupted(http::Loop& loop);
[[nodiscard]] http::ClientOptions client_options(const SendOptions& options);

/// The fix of the catalogue and where to read on, as a hint.
[[nodiscard]] std::string hint_of_code(std::string_view code);

}  // namespace callchain::cli
