#include "base/text.hpp"
#include "commands.hpp"
#include "crypto/hash.hpp"
#include "json_output.hpp"
#include "twiml/fallback.hpp"
#include "twiml/voice_response.hpp"

#include <nlohmann/json.hpp>
#include <ostream>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;
using twiml::Fallback;

struct FallbackOptions {
    Fallback fallback;
    std::string reason;
    bool hash = false;
};

const char* word_of(Fallback::Verb verb) {
    switch (verb) {
        case Fallback::Verb::hang_up:
            return "hangup";
        case Fallback::Verb::say:
            return "say";
        case Fallback::Verb::reject:
            return "reject";
        case Fallback::Verb::redirect:
            break;
    }
    return "redirect";
}

// Which options are there, and what contradicts what.
Result<Fallback> read_options(const FallbackOptions& options, const CLI::App& command) {
    const auto given = [&](const char* name) { return command.get_option(name)->count() > 0; };
    Fallback fallback = options.fallback;
    std::vector<std::string> verbs;
    const auto take = [&](const char* name, Fallback::Verb verb) {
        if (!given(name)) return;
        verbs.emplace_back(name);
        fallback.verb = verb;
    };
    take("--say", Fallback::Verb::say);
    take("--reject", Fallback::Verb::reject);
    take("--redirect", Fallback::Verb::redirect);
    fallback.reason = options.reason == "busy" ? Fallback::Reason::busy : Fallback::Reason::rejected;

    std::vector<std::string> problems;
    if (verbs.size() > 1) problems.push_back("only one of " + join(verbs, ", ") + " can be done");
    for (const char* name : {"--language", "--voice"}) {
        if (given(name) && !given("--say")) problems.push_back(std::string(name) + " belongs to --say");
    }
    if (given("--method") && !given("--redirect")) problems.emplace_back("--method belongs to --redirect");
    if (problems.empty()) return fallback;
    return fail(ErrorCode::usage, join(problems, "; "), "callchain help twiml fallback");
}

Result<int> print_fallback(const FallbackOptions& options, const CLI::App& command, Context& context) {
    if (options.hash && context.output.json)
        return fail(ErrorCode::usage,
                    "--hash prints the hash of the document alone, and does not go with --json",
                    "--json has the hash as sha256");
    const auto fallback = CALLCHAIN_TRY(read_options(options, command));
    const auto document = CALLCHAIN_TRY(twiml::write_fallback(fallback));
    auto warnings = twiml::judge_document(document);
    for (auto& warning : warnings)
        if (warning.code.starts_with("twiml_url")) warning.option = "--redirect";
    if (!context.output.json) {
        for (const auto& warning : warnings)
            context.say("callchain: twiml fallback: warning: " + twiml::text_of(warning));
    }
    if (options.hash) {
        context.out << crypto::sha256_hex(document) << "  -\n";
    } else if (context.output.json) {
        Json json{{"schema", "callchain.twiml-fallback/1"}, {"tool_version", CALLCHAIN_VERSION},
                  {"verb", word_of(fallback.verb)},         {"twiml", document},
                  {"sha256", crypto::sha256_hex(document)}, {"length", document.size()}};
        json["warnings"] = Json::array();
        for (const auto& warning : warnings)
            json["warnings"].push_back(
                {{"option", warning.option}, {"message", warning.message}, {"hint", warning.hint}});
        print_document(context, json);
    } else {
        context.out << document;
    }
    return kDone;
}

}  // namespace

void add_twiml_fallback(CLI::App& twiml, Context& context) {
    auto options = std::make_shared<FallbackOptions>();
    auto& fallback = options->fallback;
    auto* command = twiml.add_subcommand("fallback", "Print TwiML for a call that does not go on to OpenAI");
    command->add_option("--say", fallback.text, "Say this, then hang up; at most 4,096 characters")
        ->type_name("TEXT");
    command->add_option("--language", fallback.language, "Language of --say, e.g. pt-BR")
        ->type_name("LANGUAGE");
    command->add_option("--voice", fallback.voice, "Voice of --say, e.g. Polly.Camila")->type_name("VOICE");
    command
        ->add_option("--reject", options->reason,
                     "rejected or busy: refuse a call that is not answered yet. On an inbound SIP leg Twilio "
                     "answers busy as 486 and rejected as 404")
        ->check(one_of({"rejected", "busy"}))
        ->type_name("REASON");
    command->add_option("--redirect", fallback.url, "Let the document at this URL go on")->type_name("URL");
    command->add_option("--method", fallback.method, "GET or POST for --redirect (Twilio's default: POST)")
        ->type_name("METHOD");
    command->add_flag("--hash", options->hash,
                      "Print the SHA-256 of the document instead, as sha256sum does");
    add_common_options(*command, context);
    set_footer(*command,
               "Without --say, --reject and --redirect the call is hung up. The document goes out without a "
               "line end.\nExit codes: 0 done, 2 usage.",
               {"callchain twiml fallback --say 'The line is busy. Please call again.' --language en-GB",
                "callchain twiml fallback --reject busy"});
    set_body(*command, context, [options, command, &context] {
        const auto done = print_fallback(*options, *command, context);
        return done ? *done : context.report_error(done.error());
    });
}

}  // namespace callchain::cli
