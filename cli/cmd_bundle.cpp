#include "base/redact.hpp"
#include "base/text.hpp"
#include "bundle_inputs.hpp"
#include "commands.hpp"
#include "crypto/hash.hpp"
#include "endpoints_common.hpp"
#include "evidence/archive.hpp"
#include "json_output.hpp"
#include "new_file.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;

Result<void> check_options(const BundleOptions& options) {
    std::vector<std::string> problems;
    if (options.logs.empty() && options.captures.empty() && options.traces.empty() && options.twilio.empty())
        problems.push_back("nothing to put in: none of --log, --captures, --twilio and --sip-trace is given");
    if (options.out.empty() && !options.list)
        problems.push_back("--out says where the archive goes, or --list what would be in it");
    if (!options.out.empty() && options.list)
        problems.push_back("--list writes nothing, and goes without --out");
    if (problems.empty()) return {};
    return fail(ErrorCode::usage, join(problems, "; "), "callchain help bundle");
}

Json document_of(const evidence::Bundle& bundle, const Json& archive) {
    auto document = read_json(bundle.manifest);
    document["archive"] = archive;
    return document;
}

void print_masked(const evidence::Bundle& bundle, Context& context) {
    std::string text;
    for (const auto& [kind, count] : bundle.masked)
        text +=
            (text.empty() ? "" : ", ") + std::string(evidence::name_of(kind)) + " " + with_thousands(count);
    context.out << "  masked  " << (text.empty() ? "nothing" : text) << "\n";
    for (const auto& [name, values] : bundle.ids) {
        const auto& first = *values.begin();
        context.out << "  " << visible(name) << "  "
                    << (values.size() == 1 ? safe_excerpt(first, 120) : count_of(values.size(), "value"))
                    << "\n";
    }
}

void print_list(const evidence::Bundle& bundle, Context& context) {
    auto files = bundle.files;
    std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    for (const auto& file : files)
        context.out << file.name << "  " << count_of(file.bytes.size(), "byte") << "\n";
    print_masked(bundle, context);
}

// The answer is no: nothing of what was given belongs into it.
int report_nothing(const BundleOptions& options, const evidence::Bundle& bundle, Context& context) {
    if (context.output.json) {
        print_document(context, document_of(bundle, nullptr));
        return kNo;
    }
    context.err
        << "callchain: " << context.command << ": "
        << (options.call.empty() ? "nothing in the input is for that vendor"
                                 : "nothing in the input belongs to " + safe_echo(options.call, 100))
        << "; no archive was made\n"
        << "hint: callchain bundle --list without --call and --for shows what is there, with the ids of "
           "all calls\n";
    return kNo;
}

int run(const BundleOptions& options, Context& context) {
    if (const auto checked = check_options(options); !checked) return context.report_error(checked.error());
    std::optional<NewFile> file;
    if (!options.list) {
        auto made = NewFile::make(options.out);
        if (!made) return context.report_error(made.error());
        file.emplace(*std::move(made));
    }
    const auto request = read_bundle_inputs(options, context);
    if (!request) return context.report_error(request.error());
    const auto bundle = evidence::make_bundle(*request);
    if (!bundle) return context.report_error(bundle.error());
    if (bundle->inputs == 0) return report_nothing(options, *bundle, context);
    if (options.list) {
        if (context.output.json)
            print_document(context, document_of(*bundle, nullptr));
        else
            print_list(*bundle, context);
        return kDone;
    }
    const auto archive = evidence::write_archive(bundle->files);
    if (!archive) return context.report_error(archive.error());
    if (const auto written = file->write(*archive); !written) return context.report_error(written.error());
    const auto sha256 = crypto::sha256_hex(*archive);
    const auto path = visible_excerpt(options.out, 300);
    if (context.output.json) {
        print_document(context,
                       document_of(*bundle, {{"path", path}, {"size", archive->size()}, {"sha256", sha256}}));
        return kDone;
    }
    context.out << path << ": " << count_of(bundle->files.size(), "file") << ", "
                << count_of(archive->size(), "byte") << ", SHA-256 " << sha256 << "\n";
    print_masked(*bundle, context);
    return kDone;
}

void add_inputs(CLI::App& command, BundleOptions& options) {
    const auto add = [&](const char* name, std::vector<std::string>& values, const char* text,
                         const char* type) {
        command.add_option(name, values, text)->allow_extra_args(false)->type_name(type);
    };
    command.add_option("--out", options.out, "The archive, a new file (mode 0600)")->type_name("FILE");
    add("--log", options.logs, "Log of serve or gateway run: JSON lines, or as Railway hands them on",
        "FILE");
    add("--captures", options.captures, "Captures, or a folder of them (*.http)", "DIR|FILE");
    add("--twilio", options.twilio, "What twilio fetch --save kept", "FILE");
    add("--sip-trace", options.traces, "Trace of gateway run, or SIP messages as text", "FILE");
    command.add_option("--call", options.call, "Any id of a call: only what belongs to it")->type_name("ID");
    command.add_option("--for", options.audience, "Only what that vendor needs: openai, twilio or meta")
        ->check(one_of({"openai", "twilio", "meta"}))
        ->type_name("VENDOR");
    command
        .add_option("--reveal", options.revealed,
                    "Leave unmasked: numbers, mail, names, addresses, bodies; secrets never")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->check(one_of({"numbers", "mail", "names", "addresses", "bodies"}))
        ->type_name("KIND,…");
    command.add_flag("--list", options.list, "Say what would be in it, and write nothing");
    add("--public-url", options.public_urls, "What Twilio asks for, to check its signatures", "URL");
}

}  // namespace

void define_bundle(CLI::App& command, Context& context) {
    auto options = std::make_shared<BundleOptions>();
    add_inputs(command, *options);
    add_secret_options(command, "secret", "a webhook secret, to judge captures; else OPENAI_WEBHOOK_SECRET",
                       options->secrets);
    add_secret_options(command, "auth-token",
                       "Twilio's auth token, to judge captures; else TWILIO_AUTH_TOKEN", options->tokens);
    add_common_options(command, context);
    set_footer(
        command,
        "A zip with logs, captures, verdicts, the timeline, a page for the support engineer and a manifest. "
        "Secrets are\nwithheld, telephone numbers cut to their last four digits; what was masked is counted. "
        "The same input makes the\nsame archive, byte for byte.\n"
        "Exit codes: 0 made, 1 nothing in the input belongs to the call or is for the vendor, 2 usage, or a "
        "file "
        "that\ncannot be read or written.",
        {"callchain bundle --log samples/record-line/railway.jsonl --captures samples/two-hops --list",
         "callchain bundle --captures samples/valid-openai.http --call rtc_nobody --list  # exit 1"});
    set_body(command, context, [options, &context] { return run(*options, context); });
}

}  // namespace callchain::cli
