#include "call_commands.hpp"

#include "base/redact.hpp"
#include "base/text.hpp"
#include "commands.hpp"
#include "crypto/hash.hpp"
#include "diagnosis/catalogue.hpp"
#include "json_output.hpp"

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <ostream>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;
using openai::Outcome;
using std::chrono::milliseconds;

constexpr const char* kDefaultKeyVariable = "OPENAI_API_KEY";
constexpr const char* kNoKeyHint =
    "keys are read from a variable (--api-key-env NAME), a file (--api-key-file PATH) or a descriptor "
    "(--api-key-fd N), else from OPENAI_API_KEY";

struct Key {
    std::string text;
    std::string variable = kDefaultKeyVariable;
};

// None is no error here: a dry run goes without.
Result<Key> read_key(Context& context, const SecretSources& sources) {
    const auto keys = CALLCHAIN_TRY(read_secrets(context, sources, kDefaultKeyVariable));
    if (keys.empty()) return Key{};
    if (keys.size() > 1)
        return fail(ErrorCode::usage,
                    "one API key is needed, and " + std::to_string(keys.size()) + " were given", kNoKeyHint);
    if (!is_visible_ascii(keys.front().text))
        return fail(ErrorCode::usage,
                    "the API key \"" + keys.front().label + "\" has blanks or characters that no key has",
                    "copy it again, whole and alone");
    return Key{keys.front().text, shown_variable(sources, kDefaultKeyVariable)};
}

std::string base_url_of(const ApiOptions& options, const Context& context) {
    if (!options.base_url.empty()) return options.base_url;
    const auto configured = context.variable("OPENAI_BASE_URL").value_or("");
    return configured.empty() ? std::string(openai::kDefaultBaseUrl) : configured;
}

// What is shown in place of a secret.
std::string shown_value(const http::Header& header, const std::string& secret) {
    if (!equal_ignoring_case(header.name, "Authorization")) return header.value;
    return header.value.substr(0, header.value.find(' ')) + " " + secret;
}

int exit_code_of(Outcome outcome) {
    switch (outcome) {
        case Outcome::done:
            return kDone;
        case Outcome::call_gone:
        case Outcome::decided_elsewhere:
            return kNo;
        case Outcome::credential_refused:
            return kRefused;
        case Outcome::network_failure:
        case Outcome::deadline_passed:
            return kNetwork;
        case Outcome::conflict:
        case Outcome::request_refused:
        case Outcome::rate_limited:
        case Outcome::server_error:
        case Outcome::unexpected_answer:
            break;
    }
    return kPeerError;
}

// "404 call_id_not_found: No call with that id", or what kept the answer away.
std::string answer_in_words(const service::AcceptResult& result) {
    const auto& answer = result.answer;
    if (answer.status == 0)
        return result.failure +
               (result.attempts > 0 && !answer.nothing_was_sent ? "; it may have been carried out" : "");
    return error_in_words(answer);
}

}  // namespace

std::string error_in_words(const openai::ApiAnswer& answer) {
    std::string text = std::to_string(answer.status);
    if (!answer.error_code.empty()) text += " " + answer.error_code;
    if (!answer.error_message.empty()) text += ": " + answer.error_message;
    return text;
}

Json error_json(const openai::ApiAnswer& answer) {
    if (answer.error_code.empty() && answer.error_type.empty() && answer.error_message.empty())
        return nullptr;
    return {{"code", answer.error_code}, {"type", answer.error_type}, {"message", answer.error_message}};
}

void add_send_options(CLI::App& command, SendOptions& options) {
    constexpr const char* kGroup = "How to send";
    command.add_flag("--dry-run", options.dry_run, "Print the request, without the secret, and send nothing")
        ->group(kGroup);
    command
        .add_flag("--print-curl", options.print_curl,
                  "Print the request as a curl command, with a variable for the secret, and send nothing")
        ->group(kGroup);
    command.add_option("--ca-file", options.ca_file, "Certificates (PEM) to trust in place of the system's")
        ->type_name("PATH")
        ->group(kGroup);
}

void add_call_options(CLI::App& command, CallOptions& options, const std::string& timeout_help) {
    command.add_option("id", options.id, "data.call_id or data.session_id of the event: rtc_… or live_…")
        ->required()
        ->type_name("ID");
    command.add_option("--api", options.api, "realtime or live; else by the id: live_… is live")
        ->check(one_of({"realtime", "live"}))
        ->type_name("API");
    add_api_options(command, options, timeout_help);
}

void add_api_options(CLI::App& command, ApiOptions& options, const std::string& timeout_help) {
    constexpr const char* kGroup = "How to send";
    constexpr int kLongestTimeout = 600;
    command
        .add_option("--base-url", options.base_url,
                    "The API's base, with /v1; else OPENAI_BASE_URL, else https://api.openai.com/v1")
        ->type_name("URL")
        ->group(kGroup);
    add_secret_options(command, "api-key", "the API key; else OPENAI_API_KEY", options.api_key);
    command.add_option("--timeout", options.send.timeout_s, timeout_help)
        ->check(CLI::Range(1, kLongestTimeout))
        ->capture_default_str()
        ->type_name("SECONDS")
        ->group(kGroup);
    add_send_options(command, options.send);
}

void Problems::add(const Error& error) {
    texts.push_back(error.message);
    if (hint.empty()) hint = error.hint;
}

Error Problems::error(const Context& context) const {
    return {ErrorCode::usage, join(texts, "; "), std::nullopt,
            hint.empty() ? "callchain help " + context.command : hint};
}

ApiAccess read_api_access(Context& context, const ApiOptions& options, Problems& problems) {
    ApiAccess access{base_url_of(options, context), {}, kDefaultKeyVariable};
    const auto key = read_key(context, options.api_key);
    if (!key) {
        problems.add(key.error());
        return access;
    }
    if (key->text.empty() && !options.send.only_shows())
        problems.add(
            {ErrorCode::usage, "no API key given, and OPENAI_API_KEY is not set", std::nullopt, kNoKeyHint});
    access.key = key->text;
    access.key_variable = key->variable;
    return access;
}

void check_api_url(const Result<std::string>& url, Problems& problems) {
    if (!url)
        problems.add(url.error());
    else if (!http::is_url_for_secrets(*url))
        problems.add({ErrorCode::usage, "the API key goes only over https, or over http to this machine",
                      std::nullopt, "write https:// in OPENAI_BASE_URL or --base-url"});
}

openai::Dialect dialect_of(const CallOptions& options, const Context& context) {
    if (options.api == "live") return openai::Dialect::live;
    if (options.api.empty() && options.id.starts_with("live_")) {
        context.say("callchain: " + context.command +
                    ": the id begins with live_, so the Live API is asked; --api "
                    "realtime asks the other");
        return openai::Dialect::live;
    }
    return openai::Dialect::realtime;
}

Result<CallPlan> plan_call(Context& context, const CallOptions& options, openai::CallAction action,
                           openai::Dialect dialect, const Result<std::string>& body) {
    CallPlan plan{action, dialect, options.id, base_url_of(options, context), {}, {}, {}, {}};
    plan.time = std::chrono::seconds{options.send.timeout_s};
    Problems problems;
    const auto url = openai::call_url(plan.base_url, dialect, options.id, action);
    check_api_url(url, problems);
    const auto access = read_api_access(context, options, problems);
    if (!body) problems.add(body.error());
    if (!problems.texts.empty()) return tl::unexpected(problems.error(context));
    plan.api_key = access.key;
    plan.key_variable = access.key_variable;
    plan.request = service::call_request(*url, plan.api_key, *body);
    plan.request.total_time = plan.time;
    plan.request.connect_time = std::min(plan.request.connect_time, plan.time);
    return plan;
}

void show_request(Context& context, const http::ClientRequest& request, const std::string& secret) {
    context.out << request.method << " " << visible(request.url) << "\n";
    for (const auto& header : request.headers)
        context.out << visible(header.name) << ": " << visible(shown_value(header, secret)) << "\n";
    if (request.body.empty()) return;
    context.out << "\n";
    std::string_view rest = request.body;
    if (rest.ends_with('\n')) rest.remove_suffix(1);
    for (const auto line : split(rest, '\n')) context.out << visible(line) << "\n";
}

Json request_json(const http::ClientRequest& request, bool whole, const std::string& secret) {
    Json json{{"method", request.method}, {"url", request.url}};
    if (whole) {
        json["headers"] = Json::array();
        for (const auto& header : request.headers)
            json["headers"].push_back({{"name", header.name}, {"value", shown_value(header, secret)}});
        json["body"] = request.body;
    }
    json["body_length"] = request.body.size();
    json["body_sha256"] = crypto::sha256_hex(request.body);
    return json;
}

Json plan_json(const CallPlan& plan, const SendOptions& options) {
    return {{"schema", "callchain." + std::string(openai::name_of(plan.action)) + "-call/1"},
            {"tool_version", CALLCHAIN_VERSION},
            {"api", std::string(openai::name_of(plan.dialect))},
            {"id", plan.id},
            {"sent", false},
            {"request", request_json(plan.request, options.only_shows(), "$" + plan.key_variable)}};
}

int show_plan(Context& context, const CallOptions& options, const CallPlan& plan,
              const std::function<void(Json&)>& add_members) {
    if (context.output.json) {
        auto document = plan_json(plan, options.send);
        document["curl"] = http::curl_command(plan.request, plan.key_variable);
        if (add_members) add_members(document);
        print_document(context, document);
    } else if (options.send.print_curl) {
        context.out << http::curl_command(plan.request, plan.key_variable) << "\n";
    } else {
        show_request(context, plan.request, "$" + plan.key_variable);
    }
    return kDone;
}

void add_result(Json& document, const service::AcceptResult& result) {
    document["sent"] = result.attempts > 0;
    document["outcome"] = std::string(openai::name_of(result.outcome));
    document["code"] = text_or_null(openai::code_of(result.outcome));
    document["meaning"] = std::string(openai::meaning_of(result.outcome));
    document["status"] = result.answer.status == 0 ? Json(nullptr) : Json(result.answer.status);
    document["error"] = error_json(result.answer);
    document["failure"] = text_or_null(result.failure);
    document["request_id"] = text_or_null(result.request_id);
    document["attempts"] = result.attempts;
    document["duration_ms"] = result.duration.count();
}

std::string measure_of(const service::AcceptResult& result) {
    return with_thousands(static_cast<std::uint64_t>(result.duration.count())) + " ms, " +
           count_of(static_cast<std::uint64_t>(result.attempts), "attempt");
}

std::string hint_of_code(std::string_view code) {
    const auto* entry = diagnosis::find_entry(code);
    const auto more = "callchain explain " + std::string(code);
    return entry == nullptr || entry->fix.empty() ? more : std::string(entry->fix) + " More: " + more;
}

int report_outcome(const Context& context, const service::AcceptResult& result) {
    const int code = exit_code_of(result.outcome);
    if (code == kDone) return code;
    const std::string finding(openai::code_of(result.outcome));
    auto message = finding + ": " + std::string(openai::meaning_of(result.outcome));
    if (const auto words = answer_in_words(result); !words.empty()) message += " (" + words + ")";
    if (code != kNo) return context.report_failure(code, message, hint_of_code(finding));
    // The answer is no: with --json the document on stdout has said so.
    if (!context.output.json) {
        context.err << "callchain: " << context.command << ": " << message << "\n";
        context.err << "hint: " << hint_of_code(finding) << "\n";
    }
    return code;
}

bool run_until_interrupted(http::Loop& loop) {
    bool interrupted = false;
    loop.on_signals({SIGINT, SIGTERM}, [&](int) {
        interrupted = true;
        loop.stop();
    });
    loop.run();
    return !interrupted;
}

http::ClientOptions client_options(const SendOptions& options) {
    http::ClientOptions client;
    client.ca_file = options.ca_file;
    client.user_agent = "callchain/" CALLCHAIN_VERSION;
    return client;
}

int run_single_action(Context& context, const CallOptions& options, openai::CallAction action,
                      openai::Dialect dialect, const Result<std::string>& body,
                      const std::string& done_in_words) {
    const auto plan = plan_call(context, options, action, dialect, body);
    if (!plan) return context.report_error(plan.error());
    if (options.send.only_shows()) return show_plan(context, options, *plan);

    http::Loop loop;
    http::Client client(client_options(options.send));
    service::AcceptSettings settings;
    settings.policy.deadline = plan->time;
    settings.policy.most_attempts = 1;
    service::AcceptResult result;
    service::AcceptDriver driver(loop, service::sender_of(client), plan->request, settings,
                                 [&](service::AcceptResult got) {
                                     result = std::move(got);
                                     loop.stop();
                                 });
    driver.start();
    const bool finished = run_until_interrupted(loop);
    client.stop();
    if (!finished) {
        context.say("callchain: " + context.command + ": interrupted; the request may have been carried out");
        return kInterrupted;
    }
    if (context.output.json) {
        auto document = plan_json(*plan, options.send);
        add_result(document, result);
        print_document(context, document);
    } else if (result.outcome == Outcome::done) {
        context.out << done_in_words << " " << plan->id << " (" << openai::name_of(dialect) << "), "
                    << measure_of(result) << "\n";
    }
    return report_outcome(context, result);
}

}  // namespace callchain::cli
