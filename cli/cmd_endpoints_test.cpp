#include "base/redact.hpp"
#include "base/text.hpp"
#include "commands.hpp"
#include "endpoints_commands.hpp"
#include "endpoints_common.hpp"
#include "json_output.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;

struct TestOptions : EndpointActionOptions {
    std::string event_type = "realtime.call.incoming";
};

bool is_event_type(std::string_view text) {
    constexpr std::size_t kMost = 100;
    return !text.empty() && text.size() <= kMost && std::all_of(text.begin(), text.end(), [](char c) {
        return is_ascii_digit(c) || (c >= 'a' && c <= 'z') || c == '.' || c == '_';
    });
}

Result<EndpointPlan> plan_test(const TestOptions& options, Context& context) {
    Problems problems;
    if (!is_event_type(options.event_type))
        problems.add({ErrorCode::usage, "\"" + safe_excerpt(options.event_type, 60) + "\" is no event type",
                      std::nullopt,
                      "they are small letters, digits, dots and underscores: realtime.call.incoming"});
    return plan_action(context, options, openai::EndpointRequest::test, openai::test_body(options.event_type),
                       "have OpenAI send a test event (" + safe_excerpt(options.event_type, 60) +
                           ") to the server of " + safe_excerpt(options.id, 60),
                       std::move(problems));
}

Json document_of(const TestOptions& options, const EndpointPlan& plan) {
    auto document = endpoint_document("test", plan, options.send);
    document["id"] = options.id;
    document["event_type"] = options.event_type;
    return document;
}

std::string answer_in_words(const openai::EndpointTest& test) {
    return test.status == 0 ? "is not said to have answered" : "answered " + std::to_string(test.status);
}

int tell(const TestOptions& options, const openai::EndpointTest& test, const EndpointReply& reply,
         Context& context) {
    const auto advice = std::string(openai::advice_on_test(test.status));
    if (context.output.json) return test.delivered() ? kDone : kNo;
    context.out << "the server of " << options.id << " " << answer_in_words(test) << " to "
                << options.event_type << ", " << duration_in_words(reply.duration) << "\n";
    if (test.delivered()) return kDone;
    context.err << "callchain: " << context.command
                << ": endpoint_test_failed: only 2xx counts as delivered\n"
                << "hint: " << advice << " More: callchain explain endpoint_test_failed\n";
    return kNo;
}

int run(const TestOptions& options, Context& context) {
    const auto plan = plan_test(options, context);
    if (!plan) return context.report_error(plan.error());
    auto document = document_of(options, *plan);
    if (options.send.only_shows()) return show_endpoint_plan(context, options.send, *plan, document);

    http::Client client(client_options(options.send));
    http::Loop loop;
    auto reply = ask(client, loop, plan->request, openai::EndpointRequest::test, [] { return true; });
    if (!reply) {
        context.say("callchain: " + context.command + ": interrupted; the test event may have been sent");
        return kInterrupted;
    }
    openai::EndpointTest test;
    if (reply->outcome == openai::EndpointOutcome::done) {
        if (auto read = openai::read_endpoint_test(reply->body))
            test = *std::move(read);
        else
            refuse_body(*reply, read.error());
    }
    const bool answered = reply->outcome == openai::EndpointOutcome::done;
    if (context.output.json) {
        document["sent"] = !reply->answer.nothing_was_sent;
        add_reply(document, *reply);
        document["delivery"] = nullptr;
        if (answered) {
            if (!test.delivered()) document["code"] = "endpoint_test_failed";
            document["delivery"] = {
                {"status", test.status == 0 ? Json(nullptr) : Json(test.status)},
                {"delivered", test.delivered()},
                {"advice", test.delivered() ? Json(nullptr) : Json(openai::advice_on_test(test.status))}};
        }
        print_document(context, document);
    }
    return answered ? tell(options, test, *reply, context) : report_reply(context, *reply);
}

}  // namespace

void add_endpoints_test(CLI::App& endpoints, Context& context) {
    constexpr int kUsualTimeout = 30;  // OpenAI answers when our server has, or has not in its time
    auto options = std::make_shared<TestOptions>();
    options->send.timeout_s = kUsualTimeout;
    auto* command = endpoints.add_subcommand(
        "test", "Have OpenAI send a test event to an endpoint; show what its server answered");
    command->add_option("--event-type", options->event_type, "The event to make up and send")
        ->capture_default_str()
        ->type_name("TYPE");
    add_action_options(*command, *options, "Longest wait for the answer; it is asked once");
    add_common_options(*command, context);
    set_footer(
        *command,
        "The made-up event is delivered as a real one is: signed, to the endpoint's URL. serve verifies "
        "it and answers\n2xx; the call in it does not exist, so accepting it ends as call_gone.\n"
        "Exit codes: 0 the server answered 2xx, 1 anything else, 2 usage or no --yes, 4 key refused, "
        "5 OpenAI answered\nwith an error, 6 network failure or timeout.",
        {"callchain endpoints test whe_123 --dry-run", "callchain endpoints test whe_123 --print-curl"});
    set_body(*command, context, [options, &context] { return run(*options, context); });
}

}  // namespace callchain::cli
