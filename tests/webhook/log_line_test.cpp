#include "webhook/log_line.hpp"

#include "base/redact.hpp"

#include <gtest/gtest.h>

namespace callchain::webhook {
namespace {

TEST(SplitPrefix, TakesOffWhatTransportsPutInFront) {
    struct Row {
        const char* line;
        const char* time;
        const char* rest;
    };
    for (const auto& row : {
             Row{"2026-01-25T14:03:11.123456789Z [inf]  hello: x", "2026-01-25T14:03:11.123456789Z",
                 "hello: x"},
             Row{"Jan 25 14:03:11 hello", "Jan 25 14:03:11", "hello"},
             Row{"Jan  5 14:03:11  hello", "Jan  5 14:03:11", "hello"},
             Row{"Jan 25 2026 14:03:11\thello", "Jan 25 2026 14:03:11", "hello"},
             Row{"14:03:11.5 hello", "14:03:11.5", "hello"},
             Row{"web-1  | hello", "", "hello"},
             Row{"web-1  | 2026-01-25 14:03:11,123 INFO hello", "2026-01-25 14:03:11,123", "hello"},
             Row{"[2026-01-25 14:03:11 +0000] [4] [INFO] hello", "2026-01-25 14:03:11 +0000", "hello"},
             Row{"2026-01-25 14:03:11,123 - app.hook - ERROR - hello", "2026-01-25 14:03:11,123", "hello"},
             Row{"2026-01-25T14:03:11+01:00: hello", "2026-01-25T14:03:11+01:00", "hello"},
             Row{"WARNING:root:hello", "", "hello"},
             Row{"INFO:     hello", "", "hello"},
             Row{"hello: x", "", "hello: x"},
             Row{"- a - b", "", "- a - b"},
             Row{"errors are here", "", "errors are here"},
             Row{"{\"a\": 1}", "", "{\"a\": 1}"},
             Row{"2026-01-25T14:03:1 hello", "", "2026-01-25T14:03:1 hello"},
             Row{"", "", ""},
         }) {
        SCOPED_TRACE(row.line);
        const auto prefix = split_prefix(row.line);
        EXPECT_EQ(prefix.time, row.time);
        EXPECT_EQ(prefix.rest, row.rest);
    }
}

TEST(WithoutColours, TakesOutEscapeSequencesAndNothingElse) {
    struct Row {
        std::string line;
        const char* text;
        std::size_t removed;
    };
    for (const auto& row :
         {Row{"\x1b[31;1mred\x1b[0m [0m", "red [0m", 2},
          Row{"\x1b]8;;http://a\x1b\\link\x1b]8;;\a", "link", 2}, Row{"plain", "plain", 0},
          Row{"end\x1b", "end", 1}, Row{"end\x1b[12", "end", 1}, Row{"\x1b]open", "open", 1}}) {
        SCOPED_TRACE(row.text);
        const auto got = without_colours(row.line);
        EXPECT_EQ(got.text, row.text);
        EXPECT_EQ(got.removed, row.removed);
    }
}

TEST(HasEllipsis, KnowsTheMarksOfOmission) {
    for (const auto* cut : {"wh_...", "…", "v1,abc…", "ab***cd", "whsec_••••", "[REDACTED]", "a..b"})
        EXPECT_TRUE(has_ellipsis(cut)) << cut;
    for (const auto* whole : {"", "wh_1.5", "a*b", "v1,CBTr+/="}) EXPECT_FALSE(has_ellipsis(whole)) << whole;
}

TEST(WithholdSecrets, LeavesMasksAndWordsAndTakesSecrets) {
    struct Row {
        const char* text;
        const char* want;
    };
    for (const auto& row : {Row{"whsec_AAECAwQFBgcICQoLDA0ODxA=", "whsec_[withheld]"},
                            Row{"k='whsec_AAECAwQFBgcICQoLDA0ODxA=' and sk-proj-0123456789abcdef.",
                                "k='whsec_[withheld]' and sk-[withheld]."},
                            Row{"x-whsec_AAECAwQFBgcICQoLDA0ODxA", "x-whsec_[withheld]"},
                            Row{"whsec_16sl…076DY=", "whsec_16sl…076DY="}, Row{"whsec_", "whsec_"},
                            Row{"a task-force-of-many-people", "a task-force-of-many-people"}}) {
        EXPECT_EQ(withhold_secrets(row.text), row.want);
    }
    EXPECT_EQ(find_clear_secret("x whsec_AAECAwQFBgcICQoLDA0ODxA"), 2U);
    EXPECT_EQ(find_clear_secret("whsec_16sl…076DY="), std::string::npos);
}

}  // namespace
}  // namespace callchain::webhook
