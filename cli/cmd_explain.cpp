#include "base/text.hpp"
#include "commands.hpp"
#include "diagnosis/catalogue.hpp"
#include "diagnosis/render.hpp"
#include "secrets.hpp"

#include <nlohmann/json.hpp>
#include <ostream>

namespace callchain::cli {
namespace {

struct ExplainOptions {
    std::vector<std::string> codes;
    bool list = false;
};

nlohmann::ordered_json entry_json(const diagnosis::CatalogueEntry& entry) {
    return {{"code", std::string(entry.code)},
            {"title", std::string(entry.title)},
            {"fix", std::string(entry.fix)},
            {"page", std::string(entry.page)}};
}

void print_entry(const diagnosis::CatalogueEntry& entry, Context& context) {
    const auto colour = context.colour_of_out();
    constexpr std::size_t kWidth = 88;
    context.out << diagnosis::paint(entry.code, diagnosis::Paint::bold, colour) << "\n  "
                << wrap_text(entry.title, kWidth, "  ") << "\n\n  " << wrap_text(entry.page, kWidth, "  ")
                << "\n";
    if (!entry.fix.empty()) context.out << "\n  fix: " << wrap_text(entry.fix, kWidth, "       ") << "\n";
}

int list_codes(Context& context) {
    if (context.output.json) {
        nlohmann::ordered_json document{{"schema", "callchain.explain/1"},
                                        {"tool_version", CALLCHAIN_VERSION}};
        document["codes"] = nlohmann::ordered_json::array();
        for (const auto& entry : diagnosis::catalogue()) document["codes"].push_back(entry_json(entry));
        context.out << document.dump(2) << "\n";
        return kDone;
    }
    std::size_t widest = 0;
    for (const auto& entry : diagnosis::catalogue()) widest = std::max(widest, entry.code.size());
    for (const auto& entry : diagnosis::catalogue()) {
        context.out << entry.code << std::string(widest + 2 - entry.code.size(), ' ') << entry.title << "\n";
    }
    return kDone;
}

Error unknown_code(const std::string& code) {
    if (parse_decimal(code)) {
        return {ErrorCode::usage, visible_excerpt(code, 20) + " is no finding code", std::nullopt,
                "error codes of Twilio and SIP statuses are not explained by this version"};
    }
    std::vector<std::string> near;
    for (const auto each : diagnosis::nearest_codes(code)) near.emplace_back(each);
    return {ErrorCode::usage, "there is no finding code \"" + safe_echo(code, 60) + "\"", std::nullopt,
            near.empty() ? "callchain explain --list shows all" : "did you mean " + join(near, " or ") + "?"};
}

int run_explain(const ExplainOptions& options, Context& context) {
    if (options.list) return list_codes(context);
    if (options.codes.empty()) {
        return context.report_error({ErrorCode::usage, "no code given", std::nullopt,
                                     "callchain explain CODE; callchain explain --list shows all"});
    }
    std::vector<const diagnosis::CatalogueEntry*> entries;
    for (const auto& code : options.codes) {
        const auto* entry = diagnosis::find_entry(ascii_lower(code));
        if (entry == nullptr) return context.report_error(unknown_code(code));
        entries.push_back(entry);
    }
    if (context.output.json) {
        nlohmann::ordered_json document{{"schema", "callchain.explain/1"},
                                        {"tool_version", CALLCHAIN_VERSION}};
        document["codes"] = nlohmann::ordered_json::array();
        for (const auto* entry : entries) document["codes"].push_back(entry_json(*entry));
        context.out << document.dump(2) << "\n";
        return kDone;
    }
    for (const auto* entry : entries) {
        if (entry != entries.front()) context.out << "\n";
        print_entry(*entry, context);
    }
    return kDone;
}

}  // namespace

void add_explain(CLI::App& root, Context& context) {
    auto options = std::make_shared<ExplainOptions>();
    auto* command = root.add_subcommand("explain", "Explain a finding code, offline");
    command->add_option("code", options->codes, "Finding codes, as printed by other commands")
        ->type_name("CODE");
    command->add_flag("--list", options->list, "List every code with its title");
    add_common_options(*command, context);
    set_body(*command, context, [options, &context] { return run_explain(*options, context); });
}

}  // namespace callchain::cli
