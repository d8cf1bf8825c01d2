/// What GitHub Actions reads: workflow commands, and the summary of a step.
#include "base/redact.hpp"
#include "base/text.hpp"
#include "diagnosis/ci_report.hpp"

#include <algorithm>
#include <array>

namespace callchain::diagnosis {
namespace {

constexpr std::size_t kMostAnnotations = 10;
// Of these, so many are kept for remarks about the whole, which say more than any single result.
constexpr std::size_t kKeptForRemarks = 3;
constexpr std::size_t kMostAnnotationText = 4'000;
constexpr std::size_t kMostTitle = 200;

// ---- workflow commands ----

// The older form of a command, "##[name]", is one wherever in a line it stands.
std::string without_old_commands(std::string_view text) { return replace_all(text, "##[", "## ["); }

// Source: actions/toolkit, command.ts, escapeData. CR cannot occur: visible() has made text of it.
std::string command_data(std::string_view text) {
    const auto safe = withhold_secrets(text);
    std::string out;
    for (const auto line : split(safe, '\n')) {
        if (line.data() != safe.data()) out += "%0A";
        out += replace_all(without_old_commands(visible_excerpt(line, kMostAnnotationText)), "%", "%25");
        if (out.size() > kMostAnnotationText) break;
    }
    return out;
}

// Source: actions/toolkit, command.ts, escapeProperty.
std::string command_property(std::string_view text) {
    auto out = replace_all(without_old_commands(safe_excerpt(text, kMostTitle)), "%", "%25");
    out = replace_all(out, ":", "%3A");
    return replace_all(out, ",", "%2C");
}

std::string error_line(const CiResult& result) {
    std::string title = result.name;
    if (!result.wanted.empty() || !result.got.empty())
        title += ": wanted " + result.wanted + ", got " + result.got;
    std::string text = result.title;
    for (const auto& line : {result.message, result.detail}) {
        if (!text.empty() && !line.empty()) text += "\n";
        text += line;
    }
    return "::error title=" + command_property(title) + "::" + command_data(text) + "\n";
}

// ---- the summary ----

constexpr std::size_t kMostSummaryBytes = std::size_t{512} << 10U;
constexpr std::size_t kMostCellText = 600;

/// Text as a code span. Within one nothing is markup, link, mention, emoji or HTML: only a backtick could end
/// it, and a bar the cell of a table, so these two are written as other unprintable characters are.
/// Source: GitHub Flavored Markdown, "Code spans" and "Tables".
std::string as_code(std::string_view text, std::size_t most = kMostCellText) {
    auto safe = replace_all(safe_excerpt(text, most), "`", "\\x60");
    safe = replace_all(safe, "|", "\\x7c");
    return trim(safe).empty() ? std::string() : "`" + safe + "`";
}

std::string_view word_of(CiResult::State state) {
    switch (state) {
        case CiResult::State::failed:
            return "**failed**";
        case CiResult::State::skipped:
            return "skipped";
        case CiResult::State::passed:
            break;
    }
    return "passed";
}

std::string table_row(const CiResult& result) {
    std::string out = "| " + std::string(word_of(result.state));
    for (const auto& text : {result.name, result.title, result.wanted, result.got, result.message})
        out += " | " + as_code(text);
    return out + " |\n";
}

std::vector<const CiResult*> failed_first(const CiReport& report) {
    std::vector<const CiResult*> sorted;
    for (const auto state : {CiResult::State::failed, CiResult::State::skipped, CiResult::State::passed}) {
        for (const auto& result : report.results) {
            if (result.state == state) sorted.push_back(&result);
        }
    }
    return sorted;
}

std::string counts_line(const CiReport& report) {
    std::array<std::size_t, 3> counts{};
    for (const auto& result : report.results) ++counts[static_cast<std::size_t>(result.state)];
    const auto count = [&](CiResult::State state) {
        return with_thousands(counts[static_cast<std::size_t>(state)]);
    };
    return count(CiResult::State::failed) + " failed, " + count(CiResult::State::passed) + " passed, " +
           count(CiResult::State::skipped) + " skipped";
}

}  // namespace

std::string write_github_annotations(const CiReport& report) {
    std::vector<const CiResult*> failed;
    for (const auto& result : report.results) {
        if (result.state == CiResult::State::failed) failed.push_back(&result);
    }
    const auto kept = std::min(report.remarks.size(), kKeptForRemarks);
    const auto errors = std::min(failed.size(), kMostAnnotations - kept);
    const auto warnings = std::min(report.remarks.size(), kMostAnnotations - errors);
    std::string out;
    for (std::size_t i = 0; i < warnings; ++i)
        out += "::warning title=" + command_property(report.suite) + "::" + command_data(report.remarks[i]) +
               "\n";
    for (std::size_t i = 0; i < errors; ++i) out += error_line(*failed[i]);
    const auto beyond = failed.size() - errors + report.remarks.size() - warnings;
    // GitHub shows annotations only; whoever reads the log finds the number.
    if (beyond > 0) out += with_thousands(beyond) + " more; the report has them all\n";
    return out;
}

std::string write_github_summary(const CiReport& report) {
    constexpr std::size_t kMostRemarks = 50;
    std::string out = "## " + as_code(report.suite) + "\n\n";
    if (!report.subject.empty()) out += "Receiver: " + as_code(report.subject) + "\n\n";
    out += counts_line(report) + "\n\n";
    for (std::size_t i = 0; i < report.remarks.size() && i < kMostRemarks; ++i)
        out += "- " + as_code(report.remarks[i]) + "\n";
    if (report.remarks.size() > kMostRemarks)
        out += "- " + with_thousands(report.remarks.size() - kMostRemarks) + " more remarks\n";
    if (!report.remarks.empty()) out += "\n";
    out +=
        "| result | case | what was sent | wanted | got | remark |\n| --- | --- | --- | --- | --- | --- |\n";
    constexpr std::size_t kLastLine = 100;
    const auto sorted = failed_first(report);
    for (std::size_t i = 0; i < sorted.size(); ++i) {
        const auto row = table_row(*sorted[i]);
        if (out.size() + row.size() + kLastLine > kMostSummaryBytes)
            return out + "\n" + with_thousands(sorted.size() - i) + " more results are left out here\n";
        out += row;
    }
    return out;
}

CommandFence command_fence(std::string_view token) {
    return {"::stop-commands::" + std::string(token) + "\n", "::" + std::string(token) + "::\n"};
}

}  // namespace callchain::diagnosis
