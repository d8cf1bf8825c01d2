#include "diagnosis/json_change.hpp"

#include <gtest/gtest.h>

namespace callchain::diagnosis {
namespace {

// The same value by Python's json.dumps, with the arguments in the comment, and by JSON.stringify.
TEST(StyleName, NamesTheSerialiserThatWritesTheText) {
    struct Row {
        std::string_view text;
        std::string_view name;
    };
    for (const auto& row : {
             Row{R"({"id":"evt_1","é":"<&>"})", "compact"},  // JSON.stringify
             Row{R"({"id": "evt_1", "\u00e9": "<&>"})", "python"},
             Row{R"({"id": "evt_1", "é": "<&>"})", "python-utf8"},             // ensure_ascii=False
             Row{R"({"id":"evt_1","\u00e9":"<&>"})", "compact-ascii"},         // separators=(",", ":")
             Row{"{\n  \"id\": \"evt_1\",\n  \"é\": \"<&>\"\n}", "indent-2"},  // JSON.stringify(…, 2)
             Row{"\r\n {\"id\":\"evt_1\"} \n", "compact"},
             Row{R"({"id" : "evt_1"})", "other"},
             Row{"evt_1", ""},
             Row{"{\"id\":", ""},
             Row{"", ""},
         }) {
        SCOPED_TRACE(row.text);
        EXPECT_EQ(style_name(row.text), row.name);
    }
}

}  // namespace
}  // namespace callchain::diagnosis
