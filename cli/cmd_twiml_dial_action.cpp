#include "base/text.hpp"
#include "commands.hpp"
#include "diagnosis/render.hpp"
#include "json_output.hpp"
#include "sip/status.hpp"
#include "twilio/error_codes.hpp"
#include "twiml/dial_action.hpp"
#include "twiml/dial_parameters.hpp"
#include "twiml/dial_privacy.hpp"
#include "twiml/fallback.hpp"

#include <nlohmann/json.hpp>
#include <ostream>
#include <unistd.h>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;
using diagnosis::Paint;
using twiml::DialReading;
using twiml::DialResult;
using twiml::DialSeverity;

struct DialOptions {
    std::string file;
    encoding::FormFields given;  ///< what the options say, under Twilio's names
    std::string say;
    std::string language;
    std::string voice;
    std::string redirect;
};

struct Answer {
    std::string verb;
    std::string document;
};

/// What came from outside, fit to be shown.
std::string shown(std::string_view text, std::size_t most = 200) { return twiml::show_text(text, most); }

Result<DialResult> read_result(const DialOptions& options, Context& context) {
    const auto nothing =
        fail(ErrorCode::usage, "nothing to read: neither a file nor a parameter was given",
             "callchain twiml dial-action FILE, with the logged line or the form body, or --dial-call-status "
             "failed --dial-sip-response-code 400");
    const bool piped = ::isatty(STDIN_FILENO) == 0;
    if (options.file.empty() && options.given.empty() && !piped) return nothing;
    if (!options.file.empty() && !options.given.empty())
        return fail(ErrorCode::usage, "a file and parameters were given at once",
                    "give the file alone, or the parameters alone");
    if (!options.given.empty()) return twiml::dial_result_of(options.given);
    const std::string file = options.file.empty() ? "-" : options.file;
    const auto text = CALLCHAIN_TRY(context.read_input(file, twiml::kMostDialBytes));
    if (options.file.empty() && trim(text).empty()) return nothing;
    auto result = twiml::parse_dial_parameters(text);
    if (!result) {
        Error error = result.error();
        error.message = visible_excerpt(file, 200) + ": " + error.message;
        return tl::unexpected(std::move(error));
    }
    return result;
}

Result<twiml::Fallback> configured_fallback(const DialOptions& options) {
    twiml::Fallback fallback;
    if (options.say.empty() && !(options.language.empty() && options.voice.empty()))
        return fail(ErrorCode::usage, "--fallback-language and --fallback-voice need --fallback-say",
                    "add --fallback-say TEXT");
    if (!options.say.empty()) {
        fallback.verb = twiml::Fallback::Verb::say;
        fallback.text = options.say;
        fallback.language = options.language;
        fallback.voice = options.voice;
    } else if (!options.redirect.empty()) {
        fallback.verb = twiml::Fallback::Verb::redirect;
        fallback.url = options.redirect;
    }
    return fallback;
}

/// The document that the service answers. A fallback that cannot be written is an error in any case, so that
/// it is found before the first call fails.
Result<Answer> answer_to(const DialReading& reading, const DialOptions& options) {
    const auto fallback = CALLCHAIN_TRY(configured_fallback(options));
    auto document = CALLCHAIN_TRY(twiml::write_fallback(fallback));
    if (reading.answer == twiml::DialAnswer::hang_up || fallback.verb == twiml::Fallback::Verb::hang_up)
        return Answer { "hang_up", CALLCHAIN_TRY(twiml::write_fallback({})) };
    return Answer{fallback.verb == twiml::Fallback::Verb::say ? "say" : "redirect", std::move(document)};
}

std::string sip_words(int code) {
    const auto* page = sip::find_status(code);
    return std::to_string(code) + (page == nullptr ? "" : " " + std::string(page->reason));
}

/// What was read, in Twilio's names and in the order in which one looks at it.
std::vector<std::pair<std::string, std::string>> evidence_of(const DialResult& result) {
    std::vector<std::pair<std::string, std::string>> rows;
    const auto add = [&rows](const char* name, const std::optional<std::string>& value) {
        if (value) rows.emplace_back(name, shown(*value));
    };
    add("DialCallStatus", result.status);
    if (result.bridged) rows.emplace_back("DialBridged", *result.bridged ? "true" : "false");
    if (result.sip_response_code)
        rows.emplace_back("DialSipResponseCode", sip_words(*result.sip_response_code));
    if (result.call_duration)
        rows.emplace_back("DialCallDuration",
                          count_of(static_cast<std::uint64_t>(result.call_duration->count()), "second"));
    if (result.error_code) rows.emplace_back("ErrorCode", std::to_string(*result.error_code));
    add("ErrorMessage", result.error_message);
    add("CallSid", result.call_sid);
    add("DialCallSid", result.dial_call_sid);
    add("DialSipCallId", result.dial_sip_call_id);
    return rows;
}

void print_evidence(const DialResult& result, Context& context) {
    auto rows = evidence_of(result);
    std::vector<std::string> left;
    for (const auto& [name, value] : result.others) {
        // Where the caller id was inherited, From shows it.
        if (name == "From" || name == "To" || context.output.verbose > 0) {
            rows.emplace_back(shown(name, 60), twiml::show_parameter(name, value, 200));
        } else {
            left.push_back(shown(name, 60));
        }
    }
    std::size_t widest = 0;
    for (const auto& row : rows) widest = std::max(widest, row.first.size());
    for (const auto& [name, value] : rows)
        context.out << "  " << name << std::string(widest + 2 - name.size(), ' ') << value << "\n";
    constexpr std::size_t kMostNames = 20;
    const auto count = left.size();
    if (count > kMostNames) left.resize(kMostNames);
    if (count > 0)
        context.out << "  and "
                    << wrap_text(join(left, ", ") + (count > kMostNames ? ", ..." : ""), 84, "    ")
                    << (context.output.quiet ? "" : "  (-v shows them)") << "\n";
    for (const auto& remark : result.remarks) context.out << "  note: " << shown(remark) << "\n";
}

void print_text(const DialResult& result, const DialReading& reading, const Answer& answer,
                Context& context) {
    constexpr std::size_t kTextWidth = 88;
    const auto colour = context.colour_of_out();
    const auto word = reading.severity == DialSeverity::ok ? diagnosis::paint("OK", Paint::green, colour)
                      : reading.severity == DialSeverity::failed
                          ? diagnosis::paint("FAILED", Paint::red, colour)
                          : diagnosis::paint("CANNOT TELL", Paint::bold, colour);
    context.out << word << ": " << reading.name << " (" << twiml::confidence_name(reading.confidence)
                << ")\n  " << wrap_text(reading.happened, kTextWidth, "  ") << "\n\n";
    print_evidence(result, context);
    context.out << "\n  next: " << wrap_text(reading.next, kTextWidth, "        ") << "\n";
    if (reading.related_code) {
        const auto* page = twilio::find_error(*reading.related_code);
        const auto code = std::to_string(*reading.related_code);
        context.out << "  Twilio " << code << ": "
                    << (page == nullptr ? "not one of the codes known here" : page->title) << "\n    "
                    << (page == nullptr ? twilio::error_url(*reading.related_code)
                                        : "callchain explain " + code)
                    << "\n";
    }
    if (result.sip_response_code)
        context.out << "  SIP " << sip_words(*result.sip_response_code) << "\n    callchain explain sip "
                    << *result.sip_response_code << "\n";
    context.out << "\n"
                << diagnosis::paint("answer", Paint::bold, colour) << "\n"
                << visible(answer.document) << "\n";
}

Json optional_text(const std::optional<std::string>& text) {
    return text ? Json(shown(*text)) : Json(nullptr);
}

Json json_of(const DialResult& result, const DialReading& reading, const Answer& answer) {
    Json document{{"schema", "callchain.twiml-dial-action/1"}, {"tool_version", CALLCHAIN_VERSION}};
    document["reading"] = reading.name;
    document["severity"] = twiml::severity_name(reading.severity);
    document["confidence"] = twiml::confidence_name(reading.confidence);
    document["happened"] = reading.happened;
    document["next"] = reading.next;
    Json parameters;
    parameters["dial_call_status"] = optional_text(result.status);
    parameters["dial_bridged"] = result.bridged ? Json(*result.bridged) : Json(nullptr);
    parameters["dial_sip_response_code"] =
        result.sip_response_code ? Json(*result.sip_response_code) : Json(nullptr);
    parameters["dial_call_duration_s"] =
        result.call_duration ? Json(result.call_duration->count()) : Json(nullptr);
    parameters["error_code"] = result.error_code ? Json(*result.error_code) : Json(nullptr);
    parameters["error_message"] = optional_text(result.error_message);
    parameters["call_sid"] = optional_text(result.call_sid);
    parameters["dial_call_sid"] = optional_text(result.dial_call_sid);
    parameters["dial_sip_call_id"] = optional_text(result.dial_sip_call_id);
    parameters["others"] = Json::array();
    for (const auto& [name, value] : result.others)
        parameters["others"].push_back(
            {{"name", shown(name)}, {"value", twiml::show_parameter(name, value, 200)}});
    document["parameters"] = std::move(parameters);
    document["remarks"] = Json::array();
    for (const auto& remark : result.remarks) document["remarks"].push_back(shown(remark));
    document["twilio"] = nullptr;
    if (reading.related_code) {
        const auto* page = twilio::find_error(*reading.related_code);
        document["twilio"] = {{"code", *reading.related_code},
                              {"sent", result.error_code.has_value()},
                              {"title", page == nullptr ? "" : std::string(page->title)},
                              {"url", twilio::error_url(*reading.related_code)}};
    }
    document["answer"] = {{"verb", answer.verb}, {"twiml", answer.document}};
    return document;
}

Result<int> judge(const DialOptions& options, Context& context) {
    const auto result = CALLCHAIN_TRY(read_result(options, context));
    const auto reading = twiml::read_dial(result);
    const auto answer = CALLCHAIN_TRY(answer_to(reading, options));
    if (context.output.json) {
        print_document(context, json_of(result, reading, answer));
    } else {
        print_text(result, reading, answer, context);
    }
    return reading.severity == DialSeverity::ok       ? kDone
           : reading.severity == DialSeverity::failed ? kNo
                                                      : kCannotTell;
}

/// An option that stands for a parameter of Twilio's.
CLI::Option* add_parameter(CLI::App& command, DialOptions& options, const char* option, const char* name,
                           const char* help) {
    return command.add_option_function<std::string>(
        option, [&options, name](const std::string& value) { options.given.emplace_back(name, value); },
        std::string(name) + help);
}

void add_parameters(CLI::App& command, DialOptions& options) {
    add_parameter(command, options, "--dial-call-status", "DialCallStatus",
                  ": completed, answered, busy, no-answer, failed or canceled")
        ->type_name("STATUS");
    add_parameter(command, options, "--dial-bridged", "DialBridged", ": true or false")
        ->check(one_of({"true", "false"}))
        ->type_name("TRUTH");
    add_parameter(command, options, "--dial-sip-response-code", "DialSipResponseCode",
                  ": the SIP status, 100 to 699")
        ->check(CLI::Range(100, 699).description(""))
        ->type_name("N");
    add_parameter(command, options, "--dial-call-duration", "DialCallDuration", ": seconds")
        ->check(CLI::Range(0, 604800).description(""))
        ->type_name("N");
    add_parameter(command, options, "--error-code", "ErrorCode", ": 5 digits")
        ->check(CLI::Range(10000, 99999).description(""))
        ->type_name("N");
    add_parameter(command, options, "--error-message", "ErrorMessage", "")->type_name("TEXT");
    add_parameter(command, options, "--call-sid", "CallSid", " of the caller's leg")->type_name("SID");
    add_parameter(command, options, "--dial-call-sid", "DialCallSid", " of the dialled leg")
        ->type_name("SID");
    add_parameter(command, options, "--dial-sip-call-id", "DialSipCallId", ": Call-ID of Twilio's INVITE")
        ->type_name("ID");
}

}  // namespace

void add_twiml_dial_action(CLI::App& twiml, Context& context) {
    auto options = std::make_shared<DialOptions>();
    auto* command =
        twiml.add_subcommand("dial-action", "Say how a dial ended, from what Twilio told the action URL");
    command
        ->add_option("file", options->file,
                     "The logged line, the form body or a capture; - is standard input")
        ->type_name("FILE");
    add_parameters(*command, *options);
    auto* say =
        command->add_option("--fallback-say", options->say, "Say this to the caller where the dial failed")
            ->type_name("TEXT");
    command
        ->add_option("--fallback-language", options->language,
                     "Language of --fallback-say, for example pt-BR")
        ->type_name("TAG");
    command
        ->add_option("--fallback-voice", options->voice, "Voice of --fallback-say, for example Polly.Camila")
        ->type_name("NAME");
    command->add_option("--fallback-redirect", options->redirect, "Let this URL answer where the dial failed")
        ->type_name("URL")
        ->excludes(say);
    add_common_options(*command, context);
    set_footer(
        *command,
        "Exit codes: 0 the caller was connected, 1 the dial failed, 2 nothing that can be read, 3 the "
        "parameters contradict each other or are too few.",
        {"callchain twiml dial-action --dial-call-status failed --dial-sip-response-code 400  # exit 1",
         "echo \"{'DialCallStatus': 'completed', 'DialBridged': 'true'}\" | callchain twiml dial-action -"});
    set_body(*command, context, [options, &context] {
        const auto done = judge(*options, context);
        return done ? *done : context.report_error(done.error());
    });
}

}  // namespace callchain::cli
