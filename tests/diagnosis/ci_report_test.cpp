#include "diagnosis/ci_report.hpp"

#include "base/redact.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <gtest/gtest.h>

namespace callchain::diagnosis {
namespace {

using namespace std::chrono_literals;
using State = CiResult::State;

CiResult result(const std::string& name, State state) {
    CiResult one;
    one.name = name;
    one.title = "what was sent";
    one.state = state;
    one.wanted = "4xx";
    one.got = "200";
    one.message = "it accepts it";
    one.detail = "first line\nsecond line";
    one.duration = 1500us;
    return one;
}

CiReport report_of(std::vector<CiResult> results) {
    return {"callchain replay-webhook --matrix", "https://example.com/hook", {}, std::move(results)};
}

// Every text of a report is that one.
CiReport hostile(const std::string& text, State state) {
    CiResult one{text, text, state, text, text, text, text, 0us};
    return {text, text, {text}, {one}};
}

std::size_t count(std::string_view text, std::string_view part) {
    std::size_t found = 0;
    for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size()))
        ++found;
    return found;
}

const std::string kWebhookSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const std::string kApiKey = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789";

struct Hostile {
    const char* name;
    std::string text;
};
std::vector<Hostile> hostile_texts() {
    return {{"end of CDATA", "a]]>b"},
            {"NUL", std::string("a\0b", 3)},
            {"escape", "\x1b[31mred\x1b[0m"},
            {"U+FFFE",
             "a\xEF\xBF\xBE"
             "b"},
            {"U+FFFF",
             "a\xEF\xBF\xBF"
             "b"},
            {"surrogate",
             "a\xED\xA0\x80"
             "b"},
            {"invalid UTF-8",
             "a\xFF\xC0\xAF"
             "b"},
            {"C1",
             "a\xC2\x9B"
             "b"},
            {"right-to-left override", "a\u202Eb"},
            {"a tag", "<script>alert(1)</script>"},
            {"a comment", "<!-- x --> &amp; &#64;"},
            {"quotes", R"("a" 'b')"},
            {"a bar", "a | b \\| c"},
            {"backticks", "a ` b `` c ``` d"},
            {"a backtick at the ends", "`a`"},
            {"a backslash at the end", "a\\"},
            {"a link", "[x](javascript:alert(1))"},
            {"an image", "![x](https://example.com/x.png)"},
            {"an address", "https://example.com/ www.example.com someone@example.com"},
            {"a mention", "@everyone #1 org/repo#2 :tada:"},
            {"emphasis", "**a** _b_ ~~c~~"},
            {"a table row", "x |\n| --- |\n# heading"},
            {"a command", "::error::owned"},
            {"a command behind a line end", "x\n::set-output name=a::b"},
            {"a command behind CR", "x\r::add-mask::b"},
            {"an escaped line end", "x%0A::warning::b"},
            {"the old form", "x ##[add-mask]b"},
            {"the old form within itself", "####[[add-mask]b ##[##[x]"},
            {"a property", "a,title=b::c:d"},
            {"a webhook secret", kWebhookSecret},
            {"an API key", "key=" + kApiKey + " end"},
            {"blanks", "   "},
            {"nothing", ""}};
}

// ---- JUnit ----

// Source: XML 1.0 section 2.2, Char.
bool has_only_xml_characters(std::string_view text) {
    while (!text.empty()) {
        const auto length = utf8_sequence_length(text);
        if (length == 0) return false;
        const auto c = static_cast<unsigned char>(text.front());
        if (length == 1 && c < 0x20 && c != '\n') return false;
        if (text.starts_with("\xEF\xBF\xBE") || text.starts_with("\xEF\xBF\xBF")) return false;
        text.remove_prefix(length);
    }
    return true;
}

TEST(WriteJunit, WritesCasesFailuresAndCounts) {
    auto passed = result("valid", State::passed);
    passed.message.clear();
    auto remark = result("bare_signature", State::passed);
    auto skipped = result("large_body", State::skipped);
    skipped.message = "not reached";
    auto report = report_of({passed, remark, result("tampered_body", State::failed), skipped});
    report.remarks = {"one", "two"};
    const std::string counts =
        R"( name="callchain replay-webhook --matrix" tests="4" failures="1" errors="0" skipped="1" time="0.006000")";
    EXPECT_EQ(write_junit(report),
              "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
              "<testsuites" +
                  counts +
                  ">\n"
                  "  <testsuite" +
                  counts +
                  ">\n"
                  "    <properties>\n"
                  "      <property name=\"receiver\" value=\"https://example.com/hook\"/>\n"
                  "    </properties>\n"
                  "    <testcase name=\"valid\" classname=\"callchain replay-webhook --matrix\" "
                  "time=\"0.001500\"/>\n"
                  "    <testcase name=\"bare_signature\" classname=\"callchain replay-webhook --matrix\" "
                  "time=\"0.001500\">\n"
                  "      <system-out>it accepts it</system-out>\n"
                  "    </testcase>\n"
                  "    <testcase name=\"tampered_body\" classname=\"callchain replay-webhook --matrix\" "
                  "time=\"0.001500\">\n"
                  "      <failure message=\"it accepts it\" type=\"wrong_answer\">what was sent\n"
                  "wanted 4xx, got 200\n"
                  "first line\n"
                  "second line</failure>\n"
                  "    </testcase>\n"
                  "    <testcase name=\"large_body\" classname=\"callchain replay-webhook --matrix\" "
                  "time=\"0.001500\">\n"
                  "      <skipped message=\"not reached\"/>\n"
                  "    </testcase>\n"
                  "    <system-out>one\n"
                  "two</system-out>\n"
                  "  </testsuite>\n"
                  "</testsuites>\n");
}

TEST(WriteJunit, WritesSecondsWithSixDecimals) {
    struct Row {
        std::chrono::microseconds duration;
        const char* want;
    };
    for (const auto& row : {Row{0us, "0.000000"}, Row{7us, "0.000007"}, Row{999'999us, "0.999999"},
                            Row{1s, "1.000000"}, Row{61s + 20ms, "61.020000"}, Row{-5us, "0.000000"}}) {
        auto one = result("a", State::passed);
        one.duration = row.duration;
        EXPECT_EQ(count(write_junit(report_of({one})), "time=\"" + std::string(row.want) + "\""), 3U)
            << row.want;
    }
}

TEST(WriteJunit, EscapesWhatIsMarkupAndShowsWhatXmlForbids) {
    struct Row {
        const char* name;
        std::string text;
        std::string want;
    };
    for (const auto& row :
         {Row{"markup", R"(<a b="c" d='e'>&amp;)", "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;amp;"},
          Row{"end of CDATA", "]]>", "]]&gt;"}, Row{"NUL", std::string("a\0b", 3), "a\\x00b"},
          Row{"U+FFFE", "a\xEF\xBF\xBE", "a\\ufffe"}, Row{"U+FFFF", "a\xEF\xBF\xBF", "a\\uffff"},
          Row{"U+FFFD stays", "a\uFFFD", "a\uFFFD"}, Row{"above U+FFFF stays", "\U0001F4DE", "\U0001F4DE"},
          Row{"invalid UTF-8", "a\xFF", "a\\xff"}, Row{"CR", "a\r", "a\\r"},
          Row{"secret", kWebhookSecret, "whsec_[withheld]"}}) {
        SCOPED_TRACE(row.name);
        auto failed = result("a", State::failed);
        failed.message = row.text;
        failed.detail = row.text;
        const auto xml = write_junit(report_of({failed}));
        EXPECT_NE(xml.find("message=\"" + row.want + "\""), std::string::npos) << xml;
        EXPECT_NE(xml.find("\n" + row.want + "</failure>"), std::string::npos) << xml;
    }
}

TEST(WriteJunit, StaysWellFormedWhateverStandsInTheTexts) {
    for (const auto& row : hostile_texts()) {
        SCOPED_TRACE(row.name);
        for (const auto state : {State::passed, State::failed, State::skipped}) {
            const auto xml = write_junit(hostile(row.text, state));
            const auto plain = write_junit(hostile("x", state));
            EXPECT_TRUE(has_only_xml_characters(xml)) << xml;
            EXPECT_EQ(xml.find("]]>"), std::string::npos);
            EXPECT_EQ(find_clear_secret(xml), std::string::npos);
            if (trim(row.text).empty()) continue;  // an element fewer
            // As many tags and attributes as with a harmless text: nothing of the text became one.
            for (const auto* mark : {"<", ">", "\""})
                EXPECT_EQ(count(xml, mark), count(plain, mark)) << mark << xml;
        }
    }
}

// ---- workflow commands ----

TEST(WriteGithubAnnotations, WritesALineForEachFailureAndRemark) {
    auto report = report_of({result("valid", State::passed), result("tampered_body", State::failed),
                             result("large_body", State::skipped)});
    report.remarks = {"it accepts everything"};
    EXPECT_EQ(
        write_github_annotations(report),
        "::warning title=callchain replay-webhook --matrix::it accepts everything\n"
        "::error title=tampered_body%3A wanted 4xx%2C got 200::what was sent%0Ait accepts it%0Afirst line%0A"
        "second line\n");
    EXPECT_EQ(write_github_annotations(report_of({result("valid", State::passed)})), "");
}

TEST(WriteGithubAnnotations, EscapesAsTheToolkitDoes) {
    auto failed = result("a:b,c%d", State::failed);
    failed.title = "100% : , \n next";
    failed.message.clear();
    failed.detail = "%0A";
    const auto text = write_github_annotations(report_of({failed}));
    EXPECT_EQ(text, "::error title=a%3Ab%2Cc%25d%3A wanted 4xx%2C got 200::100%25 : , %0A next%0A%250A\n");
}

// The runner takes for a command: a line that begins with "::" behind blanks, and "##[" anywhere.
TEST(WriteGithubAnnotations, LetsNoTextBecomeACommand) {
    for (const auto& row : hostile_texts()) {
        SCOPED_TRACE(row.name);
        const auto text = write_github_annotations(hostile(row.text, State::failed));
        EXPECT_EQ(text.find("##["), std::string::npos);
        EXPECT_EQ(find_clear_secret(text), std::string::npos);
        EXPECT_TRUE(text.ends_with('\n'));
        const auto lines = split(std::string_view(text).substr(0, text.size() - 1), '\n');
        ASSERT_EQ(lines.size(), 2U) << text;
        EXPECT_TRUE(lines[0].starts_with("::warning title="));
        EXPECT_TRUE(lines[1].starts_with("::error title="));
        for (const auto line : lines) {
            EXPECT_EQ(line, visible(line));
            // The title ends at the first "::" behind it, and has one property only.
            const auto title = line.substr(line.find('=') + 1);
            const auto property = title.substr(0, title.find("::"));
            EXPECT_EQ(property.find_first_of(":,"), std::string_view::npos) << line;
        }
    }
}

TEST(WriteGithubAnnotations, WritesAtMostTenAndSaysHowManyThereAreBeyond) {
    struct Row {
        std::size_t failed;
        std::size_t remarks;
        std::size_t errors;
        std::size_t warnings;
        const char* last;
    };
    for (const auto& row :
         {Row{10, 0, 10, 0, ""}, Row{11, 0, 10, 0, "1 more"}, Row{9, 1, 9, 1, ""},
          Row{500, 1, 9, 1, "491 more"}, Row{500, 5, 7, 3, "495 more"}, Row{2, 20, 2, 8, "12 more"},
          Row{0, 12, 0, 10, "2 more"}, Row{2'000, 0, 10, 0, "1,990 more"}}) {
        SCOPED_TRACE(std::to_string(row.failed) + " and " + std::to_string(row.remarks));
        auto report = report_of(std::vector<CiResult>(row.failed, result("a", State::failed)));
        report.remarks.assign(row.remarks, "remark");
        const auto text = write_github_annotations(report);
        EXPECT_EQ(count(text, "::error "), row.errors);
        EXPECT_EQ(count(text, "::warning "), row.warnings);
        const std::string last(row.last);
        const auto lines = split(text, '\n');
        ASSERT_GE(lines.size(), 2U);
        EXPECT_EQ(lines[lines.size() - 2].starts_with("::"), last.empty());
        if (!last.empty()) {
            EXPECT_TRUE(lines[lines.size() - 2].starts_with(last)) << text;
        }
    }
}

TEST(WriteGithubAnnotations, CutsLongTexts) {
    auto failed = result(std::string(100'000, 'n'), State::failed);
    failed.detail = std::string(1'000'000, '%') + "\n" + std::string(1'000'000, '\n');
    EXPECT_LT(write_github_annotations(report_of({failed})).size(), 20'000U);
}

// ---- the summary ----

TEST(WriteGithubSummary, ShowsRemarksThenATableWithFailuresFirst) {
    auto passed = result("valid", State::passed);
    passed.message.clear();
    auto report = report_of({passed, result("large_body", State::skipped), result("stale", State::failed)});
    report.remarks = {"it accepts everything"};
    EXPECT_EQ(write_github_summary(report),
              "## `callchain replay-webhook --matrix`\n\n"
              "Receiver: `https://example.com/hook`\n\n"
              "1 failed, 1 passed, 1 skipped\n\n"
              "- `it accepts everything`\n\n"
              "| result | case | what was sent | wanted | got | remark |\n"
              "| --- | --- | --- | --- | --- | --- |\n"
              "| **failed** | `stale` | `what was sent` | `4xx` | `200` | `it accepts it` |\n"
              "| skipped | `large_body` | `what was sent` | `4xx` | `200` | `it accepts it` |\n"
              "| passed | `valid` | `what was sent` | `4xx` | `200` |  |\n");
}

// Takes the code spans out as GitHub Flavored Markdown reads them: a run of backticks to the next run as
// long.
std::string outside_of_code(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const auto open = text.find('`');
        out += text.substr(0, open);
        if (open == std::string_view::npos) return out;
        text.remove_prefix(open);
        const auto length = std::min(text.find_first_not_of('`'), text.size());
        const std::string fence(length, '`');
        const auto close = text.find(fence, length);
        if (close == std::string_view::npos) return out + "(open)";
        text.remove_prefix(close + length);
        if (text.starts_with('`')) return out + "(longer)";
        out += 'C';
    }
    return out;
}

TEST(WriteGithubSummary, KeepsEveryTextWithinACodeSpan) {
    const auto plain = outside_of_code(write_github_summary(hostile("x", State::failed)));
    EXPECT_NE(plain.find("| **failed** | C | C | C | C | C |\n"), std::string::npos) << plain;
    for (const auto& row : hostile_texts()) {
        SCOPED_TRACE(row.name);
        const auto text = write_github_summary(hostile(row.text, State::failed));
        EXPECT_EQ(find_clear_secret(text), std::string::npos);
        EXPECT_TRUE(is_utf8(text));
        if (trim(row.text).empty()) continue;
        EXPECT_EQ(outside_of_code(text), plain);
        // Cells are told apart before code spans are: no bar may stand within one.
        for (const auto line : split(text, '\n')) {
            if (line.starts_with('|')) {
                EXPECT_EQ(count(line, "|"), 7U) << line;
            }
        }
    }
}

TEST(WriteGithubSummary, StaysBelowHalfAMebibyte) {
    auto wide = result(std::string(5'000, 'n'), State::failed);
    wide.title = std::string(5'000, '\x01');
    wide.message.clear();
    for (int i = 0; i < 5'000; ++i) wide.message += "\U0001F4DE";
    CiReport report = report_of(std::vector<CiResult>(3'000, wide));
    report.remarks.assign(1'000, wide.message);
    const auto text = write_github_summary(report);
    EXPECT_LE(text.size(), std::size_t{512} << 10U);
    EXPECT_GT(text.size(), std::size_t{400} << 10U);
    EXPECT_NE(text.find("950 more remarks"), std::string::npos);
    EXPECT_TRUE(text.ends_with(" more results are left out here\n"));
}

// ---- the fence ----

TEST(CommandFence, StopsAndResumesWorkflowCommands) {
    const auto fence = command_fence("b2f1c0ffee");
    EXPECT_EQ(fence.open, "::stop-commands::b2f1c0ffee\n");
    EXPECT_EQ(fence.close, "::b2f1c0ffee::\n");
}

}  // namespace
}  // namespace callchain::diagnosis
