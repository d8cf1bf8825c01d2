#include "base/redact.hpp"
#include "base/text.hpp"
#include "commands.hpp"
#include "crypto/hash.hpp"
#include "json_output.hpp"
#include "twiml/caller_id.hpp"
#include "twiml/lint.hpp"
#include "twiml/voice_response.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;
using twiml::CallerId;
using twiml::VoiceRemark;
using twiml::VoiceResponse;

// What is text here and something else in VoiceResponse, so that all problems can be told at once.
struct TwimlOptions {
    VoiceResponse response;
    twiml::CallerIdSources caller;
    std::string timeout;
    std::string time_limit;
    std::vector<std::string> headers;
    bool no_answer_on_bridge = false;
    bool hash = false;
};

struct Prepared {
    VoiceResponse response;
    std::string caller_origin;  ///< "option", "environment", "to", "called"
    std::vector<VoiceRemark> warnings;
};

bool is_given(const CLI::App& command, const std::string& option) {
    return command.get_option(option)->count() > 0;
}

// An empty variable is no variable.
std::optional<std::string> environment(const Context& context, const std::string& name) {
    auto value = context.variable(name);
    return value && !value->empty() ? value : std::nullopt;
}

const char* word_of(CallerId::Origin origin, bool by_option) {
    switch (origin) {
        case CallerId::Origin::configured:
            return by_option ? "option" : "environment";
        case CallerId::Origin::to:
            return "to";
        case CallerId::Origin::called:
            break;
    }
    return "called";
}

std::optional<std::chrono::seconds> read_seconds(const std::string& option, const std::string& text,
                                                 std::vector<VoiceRemark>& problems) {
    if (text.empty()) return std::nullopt;
    if (const auto value = parse_decimal(text)) return std::chrono::seconds{*value};
    problems.push_back({option, "not a number of seconds: \"" + safe_excerpt(text, 40) + "\""});
    return std::nullopt;
}

void read_headers(const TwimlOptions& options, VoiceResponse& response, std::vector<VoiceRemark>& problems) {
    for (const auto& text : options.headers) {
        const auto colon = text.find(':');
        if (colon == std::string::npos) {
            problems.push_back({"--header", "there is no colon in \"" + twiml::shown_value(text, 80) + "\"",
                                "write it as 'X-Name: value'"});
            continue;
        }
        // Line ends stay, to be refused.
        const auto without_blanks = [](std::string_view part) {
            const auto first = std::min(part.find_first_not_of(' '), part.size());
            return std::string(part.substr(first, part.find_last_not_of(' ') + 1 - first));
        };
        response.headers.push_back({without_blanks(std::string_view(text).substr(0, colon)),
                                    without_blanks(std::string_view(text).substr(colon + 1))});
    }
}

// An empty URL would mean the URL of this document to Twilio: a loop.
void find_empty_options(const CLI::App& command, std::vector<VoiceRemark>& problems) {
    for (const auto* option : command.get_options()) {
        const auto& values = option->results();
        const auto name = option->get_name();
        // The first three are judged by what they are for; what is empty in a request is not there.
        const bool may_be_empty = name == "--project-id" || name == "--host" || name == "--header" ||
                                  name == "--to" || name == "--called";
        if (!may_be_empty && std::find(values.begin(), values.end(), "") != values.end())
            problems.push_back({name, "is empty", "leave it out, or give it a value"});
    }
}

Result<Prepared> prepare(const TwimlOptions& options, const CLI::App& command, const Context& context) {
    Prepared prepared{options.response, {}, {}};
    std::vector<VoiceRemark> problems;
    auto& response = prepared.response;
    find_empty_options(command, problems);
    if (!is_given(command, "--project-id"))
        response.project_id = environment(context, "OPENAI_PROJECT_ID").value_or("");
    if (!is_given(command, "--region") && !is_given(command, "--edge"))
        response.region = environment(context, "OPENAI_SIP_REGION").value_or("");
    response.answer_on_bridge = !options.no_answer_on_bridge;
    response.timeout = read_seconds("--timeout", options.timeout, problems);
    response.time_limit = read_seconds("--time-limit", options.time_limit, problems);
    read_headers(options, response, problems);

    auto sources = options.caller;
    const bool by_option = is_given(command, "--caller-id");
    if (!by_option) sources.configured = environment(context, "TWILIO_SIP_CALLER_ID").value_or("");
    const auto caller = twiml::business_number(sources);
    if (caller) {
        response.caller_id = caller->number;
        prepared.caller_origin = word_of(caller->origin, by_option);
    }
    auto remarks = twiml::check_voice_response(response);
    for (auto& problem : remarks.problems) {
        // It saw only that there is no number, not why.
        if (problem.option == "--caller-id" && !caller)
            problem = {"", caller.error().message, caller.error().hint};
        problems.push_back(std::move(problem));
    }
    if (!problems.empty()) return tl::unexpected(twiml::error_of(problems));
    prepared.warnings = std::move(remarks.warnings);
    return prepared;
}

Json json_of(const Prepared& prepared, const std::string& document, const std::string& uri) {
    Json json{{"schema", "callchain.twiml/1"}, {"tool_version", CALLCHAIN_VERSION}};
    json["twiml"] = document;
    json["sha256"] = crypto::sha256_hex(document);
    json["length"] = document.size();
    json["uri"] = uri;
    json["caller_id"] = {{"number", prepared.response.caller_id}, {"from", prepared.caller_origin}};
    json["warnings"] = Json::array();
    for (const auto& warning : prepared.warnings)
        json["warnings"].push_back(
            {{"option", warning.option}, {"message", warning.message}, {"hint", warning.hint}});
    return json;
}

Result<int> print_twiml(const TwimlOptions& options, const CLI::App& command, Context& context) {
    if (options.hash && context.output.json)
        return fail(ErrorCode::usage,
                    "--hash prints the hash of the document alone, and does not go with --json",
                    "--json has the hash as sha256");
    auto prepared = CALLCHAIN_TRY(prepare(options, command, context));
    const auto uri = CALLCHAIN_TRY(twiml::write_voice_uri(prepared.response));
    const auto document = CALLCHAIN_TRY(twiml::write_voice_response(prepared.response));
    for (auto& remark : twiml::judge_document(document, prepared.warnings))
        prepared.warnings.push_back(std::move(remark));
    if (context.output.json) {
        print_document(context, json_of(prepared, document, uri));
        return kDone;
    }
    for (const auto& warning : prepared.warnings)
        context.say("callchain: twiml: warning: " + twiml::text_of(warning));
    context.detail("caller id " + show_number(prepared.response.caller_id) +
                   ", from: " + prepared.caller_origin);
    if (options.hash)
        context.out << crypto::sha256_hex(document) << "  -\n";
    else
        context.out << document;
    return kDone;
}

void add_uri_options(CLI::App& command, TwimlOptions& options) {
    constexpr const char* kGroup = "Whom to call";
    auto& response = options.response;
    const auto add = [&](const char* name, std::string& value, const char* text) {
        return command.add_option(name, value, text)->group(kGroup);
    };
    add("--project-id", response.project_id, "OpenAI's project, proj_…; else OPENAI_PROJECT_ID")
        ->type_name("ID");
    add("--host", response.host,
        "Host of OpenAI's SIP endpoint, with :PORT if need be; sip-eu.api.openai.com "
        "for EU residency")
        ->capture_default_str()
        ->type_name("HOST");
    add("--region", response.region, "Where the call leaves Twilio, e.g. br1; else OPENAI_SIP_REGION")
        ->type_name("REGION");
    add("--edge", response.edge,
        "The same by its newer name, e.g. sao-paulo; OPENAI_SIP_REGION is left aside")
        ->type_name("EDGE");
    command.add_flag("--secure", response.secure, "Encrypt the media (SRTP)")->group(kGroup);
    command
        .add_option("--header", options.headers,
                    "'X-Name: value': a header of the INVITE, which OpenAI's webhook shows; may be repeated")
        ->allow_extra_args(false)
        ->group(kGroup)
        ->type_name("HEADER");
}

void add_caller_options(CLI::App& command, TwimlOptions& options) {
    constexpr const char* kGroup = "Who is calling";
    command
        .add_option("--caller-id", options.caller.configured,
                    "The number of the WhatsApp sender, +5561…; else TWILIO_SIP_CALLER_ID, else To or Called")
        ->type_name("NUMBER")
        ->group(kGroup);
    command.add_option("--to", options.caller.to, "To of Twilio's request, e.g. whatsapp:+5561…")
        ->type_name("TO")
        ->group(kGroup);
    command.add_option("--called", options.caller.called, "Called of Twilio's request")
        ->type_name("CALLED")
        ->group(kGroup);
}

void add_dial_options(CLI::App& command, TwimlOptions& options) {
    constexpr const char* kGroup = "How to dial";
    auto& response = options.response;
    const auto add = [&](const char* name, std::string& value, const char* text, const char* type) {
        command.add_option(name, value, text)->group(kGroup)->type_name(type);
    };
    add("--action", response.action, "Asked for what comes next when the dial has ended; written unchanged",
        "URL");
    add("--method", response.method, "GET or POST for --action (Twilio's default: POST)", "METHOD");
    add("--timeout", options.timeout, "How long to ring, 5 to 600 (Twilio's default: 30)", "SECONDS");
    add("--time-limit", options.time_limit, "Longest call (Twilio's default: 14400)", "SECONDS");
    command
        .add_flag("--no-answer-on-bridge", options.no_answer_on_bridge,
                  "Answer the caller at once, not when OpenAI does")
        ->group(kGroup);
    add("--refer-url", response.refer_url, "Asked when OpenAI transfers the call (REFER)", "URL");
    add("--refer-method", response.refer_method, "GET or POST for --refer-url", "METHOD");
}

void add_report_options(CLI::App& command, TwimlOptions& options) {
    constexpr const char* kGroup = "Reports and recording";
    auto& response = options.response;
    const auto add = [&](const char* name, std::string& value, const char* text, const char* type) {
        command.add_option(name, value, text)->group(kGroup)->type_name(type);
    };
    const auto add_events = [&](const char* name, std::vector<std::string>& values, const char* text) {
        command.add_option(name, values, text)->allow_extra_args(false)->group(kGroup)->type_name("EVENT");
    };
    add("--status-callback", response.status_callback, "Told how OpenAI's leg of the call goes", "URL");
    add("--status-callback-method", response.status_callback_method, "GET or POST for it", "METHOD");
    add_events("--status-callback-event", response.status_callback_events,
               "initiated, ringing, answered or completed (Twilio's default); may be repeated");
    add("--record", response.record, "Record the call, e.g. record-from-answer-dual", "MODE");
    add("--recording-status-callback", response.recording_status_callback, "Told about the recording", "URL");
    add("--recording-status-callback-method", response.recording_status_callback_method, "GET or POST for it",
        "METHOD");
    add_events("--recording-status-callback-event", response.recording_status_callback_events,
               "in-progress, completed or absent; may be repeated");
}

}  // namespace

void define_twiml(CLI::App& command, Context& context) {
    auto options = std::make_shared<TwimlOptions>();
    add_uri_options(command, *options);
    add_caller_options(command, *options);
    add_dial_options(command, *options);
    add_report_options(command, *options);
    command.add_flag("--hash", options->hash, "Print the SHA-256 of the document instead, as sha256sum does");
    add_common_options(command, context);
    set_footer(
        command,
        "The document goes out without a line end. Region and edge are parameters of Twilio's own: they "
        "choose\nwhere a call leaves Twilio, not a region at OpenAI. No leg of a WhatsApp call may go to the "
        "telephone\nnetwork (PSTN): Twilio refuses that, so there is no option for a number to dial.\nExit "
        "codes: 0 done, 2 usage or configuration; all problems are named at once.",
        {"callchain twiml --project-id proj_abc123 --caller-id +5561999998888 --region br1",
         "callchain twiml --project-id proj_abc123 --to whatsapp:+5561999998888 --action "
         "https://bridge.example.com/twilio/dial-action"});
    set_body(command, context, [options, &command, &context] {
        const auto done = print_twiml(*options, command, context);
        return done ? *done : context.report_error(done.error());
    });
    add_twiml_fallback(command, context);
    add_twiml_lint(command, context);
    add_twiml_dial_action(command, context);
}

}  // namespace callchain::cli
