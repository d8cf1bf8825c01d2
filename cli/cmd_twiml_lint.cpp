#include "base/redact.hpp"
#include "base/text.hpp"
#include "commands.hpp"
#include "diagnosis/catalogue.hpp"
#include "diagnosis/render.hpp"
#include "json_output.hpp"
#include "twiml/lint.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>
#include <unistd.h>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;
using diagnosis::Paint;
using twiml::LintFinding;
using twiml::Severity;

constexpr std::size_t kExcerptWidth = 100;

struct LintOptions {
    std::string file = "-";
    std::string chain = "whatsapp";
    std::vector<std::string> fail_on;
};

struct Lint {
    std::string name;  ///< of the file, fit to print
    std::string text;
    twiml::LintReport report;
    std::string failed_on;  ///< a code of --fail-on that was found

    [[nodiscard]] bool ok() const { return report.ok() && failed_on.empty(); }
};

const char* word_of(Severity severity) {
    switch (severity) {
        case Severity::error:
            return "error";
        case Severity::warning:
            return "warning";
        case Severity::info:
            break;
    }
    return "info";
}

Paint paint_of(Severity severity) {
    switch (severity) {
        case Severity::error:
            return Paint::red;
        case Severity::warning:
            return Paint::yellow;
        case Severity::info:
            break;
    }
    return Paint::faint;
}

Result<void> check_options(const LintOptions& options) {
    std::vector<std::string> problems;
    for (const auto& code : options.fail_on) {
        const auto rules = twiml::lint_rules();
        const bool known =
            std::any_of(rules.begin(), rules.end(), [&](const auto& rule) { return rule.code == code; });
        if (!known) problems.push_back("--fail-on: there is no rule \"" + safe_excerpt(code, 60) + "\"");
    }
    if (problems.empty()) return {};
    return fail(ErrorCode::usage, join(problems, "; "),
                "the rules are the codes in brackets of the output; callchain explain CODE");
}

Result<Lint> read_and_judge(const LintOptions& options, Context& context) {
    CALLCHAIN_TRY(check_options(options));
    Lint lint{visible_excerpt(options.file, 200), {}, {}, {}};
    if (options.file == "-" && ::isatty(STDIN_FILENO) == 1)
        context.say("callchain: twiml lint: reading the document from the terminal, up to Ctrl-D");
    lint.text = CALLCHAIN_TRY(context.read_input(options.file, twiml::kMostTextBytes));
    if (const auto is_text = twiml::check_is_text(lint.text); !is_text) {
        Error error = is_text.error();
        error.message = lint.name + ": " + error.message;
        return tl::unexpected(std::move(error));
    }
    const auto chain = options.chain == "phone" ? twiml::Chain::phone : twiml::Chain::whatsapp;
    lint.report = twiml::lint_twiml(lint.text, chain);
    for (const auto& code : options.fail_on)
        if (lint.report.codes.contains(code)) lint.failed_on = code;
    return lint;
}

std::string summary_of(const Lint& lint) {
    const auto& report = lint.report;
    std::string out = report.errors == 0 ? "no errors" : count_of(report.errors, "error");
    if (report.warnings > 0) out += ", " + count_of(report.warnings, "warning");
    if (report.infos > 0) out += ", " + count_of(report.infos, "remark");
    return out;
}

std::string_view fix_of(const LintFinding& finding, const diagnosis::CatalogueEntry* entry) {
    if (!finding.fix.empty()) return finding.fix;
    return entry == nullptr ? std::string_view{} : entry->fix;
}

void print_finding(const Lint& lint, const LintFinding& finding, const twiml::SourceLines& lines,
                   Context& context) {
    const auto colour = context.colour_of_out();
    const auto* entry = diagnosis::find_entry(finding.code);
    std::string_view message = finding.detail;
    if (message.ends_with('.')) message.remove_suffix(1);
    context.out << lint.name << ":" << finding.place.line << ":" << finding.place.column << ": "
                << diagnosis::paint(word_of(finding.severity), paint_of(finding.severity), colour) << ": "
                << message << " [" << finding.code
                << (finding.twilio_code == 0 ? "" : ", Twilio " + std::to_string(finding.twilio_code))
                << "]\n";
    const auto source = lines.at(finding.place, kExcerptWidth);
    context.out << "    " << source.text << "\n    " << std::string(source.caret, ' ')
                << diagnosis::paint("^", paint_of(finding.severity), colour) << "\n";
    if (const auto fix = fix_of(finding, entry); !fix.empty())
        context.out << "    fix: " << wrap_text(fix, 100, "         ") << "\n";
}

void print_text(const Lint& lint, Context& context) {
    const twiml::SourceLines lines(lint.text);
    for (const auto& finding : lint.report.findings) print_finding(lint, finding, lines, context);
    if (lint.report.left_off > 0)
        context.out << "and " << count_of(lint.report.left_off, "more finding") << "\n";
    const auto colour = context.colour_of_out();
    context.out << (lint.ok() ? diagnosis::paint("OK", Paint::green, colour)
                              : diagnosis::paint("NOT OK", Paint::red, colour))
                << ": " << summary_of(lint) << " in " << (lint.name == "-" ? "standard input" : lint.name)
                << "\n";
}

Json finding_json(const LintFinding& finding) {
    const auto* entry = diagnosis::find_entry(finding.code);
    Json evidence{{"offset", finding.place.offset}};
    if (!finding.element.empty()) evidence["element"] = finding.element;
    if (!finding.attribute.empty()) evidence["attribute"] = finding.attribute;
    return {{"code", finding.code},
            {"proved", false},
            {"severity", word_of(finding.severity)},
            {"twilio_code", finding.twilio_code == 0 ? Json(nullptr) : Json(finding.twilio_code)},
            {"line", finding.place.line},
            {"column", finding.place.column},
            {"title", entry == nullptr ? "" : entry->title},
            {"detail", finding.detail},
            {"fix", fix_of(finding, entry)},
            {"evidence", std::move(evidence)}};
}

void print_json(const Lint& lint, const LintOptions& options, Context& context) {
    Json document{{"schema", "callchain.twiml-lint/1"}, {"tool_version", CALLCHAIN_VERSION}};
    document["file"] = lint.name;
    document["chain"] = options.chain;
    document["ok"] = lint.ok();
    document["errors"] = lint.report.errors;
    document["warnings"] = lint.report.warnings;
    document["remarks"] = lint.report.infos;
    document["left_off"] = lint.report.left_off;
    document["findings"] = Json::array();
    for (const auto& finding : lint.report.findings) document["findings"].push_back(finding_json(finding));
    print_document(context, document);
}

Result<int> run_lint(const LintOptions& options, Context& context) {
    const auto lint = CALLCHAIN_TRY(read_and_judge(options, context));
    if (context.output.json)
        print_json(lint, options, context);
    else
        print_text(lint, context);
    if (lint.report.ok() && !lint.failed_on.empty() && !context.output.json)
        context.say("callchain: twiml lint: exit code 1 because of --fail-on " + lint.failed_on);
    return lint.ok() ? kDone : kNo;
}

}  // namespace

void add_twiml_lint(CLI::App& twiml, Context& context) {
    auto options = std::make_shared<LintOptions>();
    auto* command = twiml.add_subcommand(
        "lint", "Judge a TwiML document before Twilio does: XML, names, caller id, SIP URI, order");
    command->add_option("file", options->file, "The document; - or nothing is standard input")
        ->type_name("FILE");
    command
        ->add_option(
            "--chain", options->chain,
            "Which calls it is for: whatsapp, where bridging to phone numbers is an error and callerId "
            "is needed, or phone")
        ->check(one_of({"whatsapp", "phone"}))
        ->type_name("WHICH")
        ->capture_default_str();
    command->add_option("--fail-on", options->fail_on, "Exit 1 where one of these rules is broken")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->type_name("CODE,…");
    add_common_options(*command, context);
    set_footer(
        *command,
        "Exit codes: 0 no errors (there may be warnings), 1 errors, 2 usage, or input that is no text.",
        {"callchain twiml lint samples/seed.twiml  # exit 1",
         "callchain twiml --project-id proj_abc123 --caller-id +5561999998888 | callchain twiml lint -"});
    set_body(*command, context, [options, &context] {
        const auto done = run_lint(*options, context);
        return done ? *done : context.report_error(done.error());
    });
}

}  // namespace callchain::cli
