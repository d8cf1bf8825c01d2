#include "base/shell_word.hpp"

#include <gtest/gtest.h>

namespace callchain {
namespace {

// Source: POSIX.1-2017, Shell Command Language, 2.2.2: between single quotes every character stands for
// itself.
TEST(ShellWord, QuotesWhatAShellWouldRead) {
    struct Row {
        const char* text;
        const char* word;
    };
    for (const auto& row : {
             Row{"/tmp/run-1/serve.log", "/tmp/run-1/serve.log"},
             Row{"label=path", "label=path"},
             Row{"", "''"},
             Row{"a b", "'a b'"},
             Row{"$(touch x);y", "'$(touch x);y'"},
             Row{"it's", "'it'\\''s'"},
             Row{"~", "'~'"},
             Row{"a\nb", "'a\nb'"},
             Row{"caf\xC3\xA9", "'caf\xC3\xA9'"},
         }) {
        SCOPED_TRACE(row.text);
        EXPECT_EQ(shell_word(row.text), row.word);
    }
}

}  // namespace
}  // namespace callchain
