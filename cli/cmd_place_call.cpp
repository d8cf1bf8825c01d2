#include "base/redact.hpp"
#include "base/text.hpp"
#include "call_commands.hpp"
#include "commands.hpp"
#include "encoding/text_codings.hpp"
#include "json_output.hpp"
#include "twilio/create_call.hpp"
#include "twilio/error_codes.hpp"
#include "twilio_account.hpp"
#include "twiml/caller_id.hpp"
#include "twiml/fallback.hpp"
#include "webhook/capture_summary.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;
using twilio::CallOutcome;
using FormFields = encoding::FormFields;

struct PlaceOptions {
    twilio::CreateCall call;
    std::string message;
    std::string language = "pt-BR";
    int ring_s = 0;
    TwilioAccountOptions account;
    SendOptions send;
};

struct PlacePlan {
    TwilioAccount account;
    FormFields form;
    http::ClientRequest request;
};

struct PlaceResult {
    twilio::CallAnswer answer;
    int status = 0;
    std::string failure;
    std::chrono::milliseconds duration{};
};

std::string value_of(const FormFields& form, std::string_view name) {
    const auto field =
        std::find_if(form.begin(), form.end(), [&](const auto& one) { return one.first == name; });
    return field == form.end() ? std::string() : field->second;
}

Result<FormFields> form_of(const PlaceOptions& options, const Context& context) {
    auto call = options.call;
    call.from = value_or_variable(call.from, context, {"WHATSAPP_CALL_FROM"});
    if (options.ring_s > 0) call.ring_seconds = options.ring_s;
    if (!options.message.empty()) {
        twiml::Fallback said;
        said.verb = twiml::Fallback::Verb::say;
        said.text = options.message;
        said.language = options.language;
        call.twiml = CALLCHAIN_TRY(twiml::write_fallback(said));
    }
    if (call.url.empty() && call.twiml.empty() && call.application_sid.empty())
        call.url = value_or_variable("", context, {"TWILIO_CALL_TWIML_URL"});
    return twilio::create_call_form(call);
}

Result<PlacePlan> plan_place(const PlaceOptions& options, Context& context) {
    PlacePlan plan;
    Problems problems;
    auto form = form_of(options, context);
    if (!form) problems.add(form.error());
    plan.account = read_twilio_account(context, options.account, options.send, problems);
    if (!problems.texts.empty()) return tl::unexpected(problems.error(context));

    plan.form = *std::move(form);
    plan.request.url = CALLCHAIN_TRY(twilio::calls_url(plan.account.origin, plan.account.sid));
    plan.request.headers = {{"Authorization", plan.account.basic()},
                            {"Content-Type", "application/x-www-form-urlencoded"},
                            {"Accept", "application/json"}};
    plan.request.body = encoding::write_form(plan.form);
    plan.request.total_time = std::chrono::seconds{options.send.timeout_s};
    plan.request.connect_time = std::min(plan.request.connect_time, plan.request.total_time);
    return plan;
}

std::string curl_of(const PlacePlan& plan) {
    auto request = plan.request;
    std::erase_if(request.headers, [](const auto& header) { return header.name == "Authorization"; });
    return http::curl_command(request, plan.account.secret_variable) + plan.account.curl_option();
}

// How to see whether a call was made after all.
std::string look_command(const PlacePlan& plan) {
    return "curl -G '" + plan.request.url + "' --data-urlencode 'To=" + value_of(plan.form, "To") +
           "' -d PageSize=5" + plan.account.curl_option();
}

Json plan_json(const PlacePlan& plan, const SendOptions& options) {
    Json json{
        {"schema", "callchain.place-call/1"},
        {"tool_version", CALLCHAIN_VERSION},
        {"sent", false},
        {"to", show_number(value_of(plan.form, "To"))},
        {"from", show_number(value_of(plan.form, "From"))},
        {"request", request_json(plan.request, options.only_shows(), "$" + plan.account.secret_variable)}};
    if (options.only_shows()) json["curl"] = curl_of(plan);
    return json;
}

void show_plan(const PlacePlan& plan, const SendOptions& options, Context& context) {
    if (context.output.json)
        print_document(context, plan_json(plan, options));
    else if (options.print_curl)
        context.out << curl_of(plan) << "\n";
    else
        show_request(context, plan.request, plan.account.shown() + " (base64)");
}

// Sent once: each request that arrives is a call.
std::optional<PlaceResult> send(const PlacePlan& plan, const SendOptions& options) {
    http::Loop loop;
    http::Client client(client_options(options));
    std::optional<PlaceResult> result;
    const auto started = std::chrono::steady_clock::now();
    client.send(plan.request, [&](http::ClientResult got) {
        loop.post([&, got = std::move(got)] {
            PlaceResult read;
            if (const auto* response = std::get_if<http::ClientResponse>(&got)) {
                read.status = response->status;
                read.answer = twilio::read_call_answer(response->status, response->body);
            } else {
                const auto& failure = std::get<http::ClientFailure>(got);
                read.failure = failure.message;
                read.answer.outcome =
                    failure.nothing_was_sent() ? CallOutcome::not_sent : CallOutcome::unknown_fate;
            }
            read.duration = std::chrono::duration_cast<std::chrono::milliseconds>(
                std::chrono::steady_clock::now() - started);
            result = std::move(read);
            loop.stop();
        });
    });
    const bool finished = run_until_interrupted(loop);
    client.stop();
    return finished ? result : std::nullopt;
}

int exit_code_of(CallOutcome outcome) {
    switch (outcome) {
        case CallOutcome::queued:
            return kDone;
        case CallOutcome::credential_refused:
            return kRefused;
        case CallOutcome::not_sent:
        case CallOutcome::unknown_fate:
            return kNetwork;
        case CallOutcome::refused:
        case CallOutcome::rate_limited:
        case CallOutcome::server_error:
        case CallOutcome::unexpected_answer:
            break;
    }
    return kPeerError;
}

bool may_ring(CallOutcome outcome) {
    return outcome == CallOutcome::unknown_fate || outcome == CallOutcome::server_error;
}

Json json_of(const PlacePlan& plan, const PlaceResult& result, const SendOptions& options) {
    const auto text = [](const std::string& value) { return value.empty() ? Json(nullptr) : Json(value); };
    const auto& answer = result.answer;
    auto json = plan_json(plan, options);
    json["sent"] = answer.outcome != CallOutcome::not_sent;
    json["outcome"] = std::string(twilio::name_of(answer.outcome));
    json["meaning"] = std::string(twilio::meaning_of(answer.outcome));
    json["status"] = result.status == 0 ? Json(nullptr) : Json(result.status);
    json["sid"] = text(answer.sid);
    json["call_status"] = answer.sid.empty() ? Json(nullptr) : text(answer.call_status);
    json["error"] = nullptr;
    if (answer.code != 0 || !answer.message.empty())
        json["error"] = {{"code", answer.code}, {"message", webhook::mask_telephone_numbers(answer.message)}};
    json["failure"] = text(result.failure);
    json["may_ring"] = may_ring(answer.outcome);
    json["look"] = may_ring(answer.outcome) ? Json(look_command(plan)) : Json(nullptr);
    json["duration_ms"] = result.duration.count();
    return json;
}

int report_failure(const PlacePlan& plan, const PlaceResult& result, const Context& context) {
    const auto& answer = result.answer;
    auto message =
        std::string(twilio::name_of(answer.outcome)) + ": " + std::string(twilio::meaning_of(answer.outcome));
    auto what = result.status == 0 ? result.failure : std::to_string(result.status);
    if (answer.code != 0) what += ", Twilio's code " + std::to_string(answer.code);
    // Twilio's text may quote the number that was dialled.
    if (!answer.message.empty()) what += ": " + webhook::mask_telephone_numbers(answer.message);
    if (!what.empty()) message += " (" + what + ")";
    std::string hint;
    if (const auto* page = twilio::find_error(answer.code); answer.code != 0 && page != nullptr)
        hint = std::string(page->cause) + " " + std::string(page->fix) + " ";
    if (answer.code != 0) hint += "More: callchain explain " + std::to_string(answer.code);
    if (may_ring(answer.outcome)) hint = "see whether it was made: " + look_command(plan);
    return context.report_failure(exit_code_of(answer.outcome), message, hint);
}

int place_call(const PlaceOptions& options, const CLI::App& command, Context& context) {
    if (command.get_option("--language")->count() > 0 && options.message.empty())
        return context.report_error(
            {ErrorCode::usage, "--language belongs to --message", std::nullopt, "callchain help place-call"});
    const auto plan = plan_place(options, context);
    if (!plan) return context.report_error(plan.error());
    if (options.send.only_shows()) {
        show_plan(*plan, options.send, context);
        return kDone;
    }
    const auto result = send(*plan, options.send);
    if (!result) {
        context.say("callchain: place-call: interrupted; the telephone may ring. See whether it does: " +
                    look_command(*plan));
        return kInterrupted;
    }
    if (context.output.json) print_document(context, json_of(*plan, *result, options.send));
    if (result->answer.outcome != CallOutcome::queued) return report_failure(*plan, *result, context);
    if (!context.output.json)
        context.out << "calling " << show_number(value_of(plan->form, "To")) << ": " << result->answer.sid
                    << " (" << result->answer.call_status << "), "
                    << with_thousands(static_cast<std::uint64_t>(result->duration.count())) << " ms\n";
    return kDone;
}

void add_call_parameters(CLI::App& command, PlaceOptions& options) {
    constexpr int kLongestRing = 600;
    const auto add = [&](const char* name, std::string& value, const char* text, const char* type) {
        return command.add_option(name, value, text)->type_name(type);
    };
    add("--to", options.call.to, "The user's WhatsApp number, +5561…; whatsapp: is put in front", "NUMBER")
        ->required();
    add("--from", options.call.from, "The number of the WhatsApp sender; else WHATSAPP_CALL_FROM", "NUMBER");
    add("--twiml-url", options.call.url, "Asked for TwiML when the user answers; else TWILIO_CALL_TWIML_URL",
        "URL");
    add("--message", options.message, "Say this and hang up", "TEXT");
    add("--language", options.language, "Language of --message", "LANGUAGE")->capture_default_str();
    add("--application-sid", options.call.application_sid, "The TwiML application that takes the call, AP…",
        "SID");
    add("--status-callback", options.call.status_callback, "Told all stages of the call", "URL");
    command.add_option("--timeout-ring", options.ring_s, "How long to ring, 1 to 600 (Twilio's default: 60)")
        ->check(CLI::Range(1, kLongestRing))
        ->type_name("SECONDS");
}

void add_account_options(CLI::App& command, PlaceOptions& options) {
    constexpr const char* kGroup = "How to send";
    constexpr int kLongestTimeout = 600;
    add_twilio_account_options(command, options.account);
    command
        .add_option("--timeout", options.send.timeout_s, "Longest wait for Twilio's answer; it is asked once")
        ->check(CLI::Range(1, kLongestTimeout))
        ->capture_default_str()
        ->type_name("SECONDS")
        ->group(kGroup);
    add_send_options(command, options.send);
}

}  // namespace

void define_place_call(CLI::App& command, Context& context) {
    auto options = std::make_shared<PlaceOptions>();
    add_call_parameters(command, *options);
    add_account_options(command, *options);
    add_common_options(command, context);
    set_footer(
        command,
        "One of --twiml-url, --message and --application-sid says what happens when the user answers. The "
        "user "
        "must\nhave allowed calls first (37000). The request is sent once, whatever comes of it: each one "
        "that "
        "arrives is a\ncall, and WhatsApp allows few a day.\n"
        "Exit codes: 0 queued at Twilio, 2 usage, 4 credential refused, 5 Twilio answered with an "
        "error, "
        "6 network\nfailure or timeout.",
        {"callchain place-call --to +5561999998888 --from +556133334444 --message 'Bom dia.' --account-sid "
         "AC00000000000000000000000000000001 --dry-run",
         "callchain place-call --to +5561999998888 --from +556133334444 --twiml-url "
         "https://bridge.example.com/twilio/voice --account-sid AC00000000000000000000000000000001 "
         "--print-curl"});
    set_body(command, context,
             [options, &command, &context] { return place_call(*options, command, context); });
}

}  // namespace callchain::cli
