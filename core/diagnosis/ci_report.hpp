/// Results in the forms that CI systems read: JUnit XML, and the workflow commands and step summary of
/// GitHub.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::diagnosis {

/// One result. Text comes from outside: the writers make it safe for their form, and nothing else does.
struct CiResult {
    enum class State { passed, failed, skipped };
    std::string name;   ///< "tampered_body"
    std::string title;  ///< "one character of the body changed after signing"
    State state = State::passed;
    std::string wanted;   ///< "4xx"
    std::string got;      ///< "200", "no answer"
    std::string message;  ///< why it failed or was skipped, or a remark on one that passed; one sentence
    std::string detail;   ///< several lines: what to do, the start of the answer
    std::chrono::microseconds duration{};
};

struct CiReport {
    std::string suite;                 ///< "callchain replay-webhook --matrix"
    std::string subject;               ///< the receiver's URL
    std::vector<std::string> remarks;  ///< about the whole; the summary shows them above the table
    std::vector<CiResult> results;
};

/// One <testsuites> document: a <testcase> for each result, <failure> or <skipped> within, the detail as the
/// failure's text. Only characters that XML 1.0 allows; others are made visible. Secrets are withheld.
/// Units: `time` in seconds with six decimals. Source: the JUnit XML that Jenkins, GitLab and GitHub's test
/// reporters read (no formal standard); XML 1.0 section 2.2.
[[nodiscard]] std::string write_junit(const CiReport& report);

/// One line `::error title=…::…` for each failed result, and `::warning …` for each remark; at most 10, since
/// GitHub shows no more of a step (remarks first, of which three have a place even so), and a last line that
/// says how many there are beyond. Secrets are withheld,
/// control characters made visible; `%`, CR, LF, and in properties `:` and `,` are escaped.
/// Source: GitHub, "Workflow commands"; actions/toolkit, packages/core, command.ts.
[[nodiscard]] std::string write_github_annotations(const CiReport& report);

/// A heading, the remarks, and a table of all results, failed ones first, as GitHub Flavored Markdown; no
/// text from outside can make markup of any kind, a link or a mention. At most 512 KiB: GitHub takes 1 MiB a
/// step.
[[nodiscard]] std::string write_github_summary(const CiReport& report);

/// What stands around text in a log of GitHub Actions so that no line in it is taken for a workflow command.
/// Units: `token` is a random word that does not stand in the text. Source: GitHub, "Workflow commands",
/// stop-commands.
struct CommandFence {
    std::string open;  ///< a line with its end
    std::string close;
};
[[nodiscard]] CommandFence command_fence(std::string_view token);

}  // namespace callchain::diagnosis
