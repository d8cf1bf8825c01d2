#include "diagnosis/literals.hpp"

#include <gtest/gtest.h>

namespace callchain::diagnosis {
namespace {

using encoding::parse_json_text;

struct Row {
    const char* name;
    std::string literal;
    std::string value;
};

// The literals are what repr() of CPython 3.11 prints for these bytes.
const Row kPythonBytes[] = {
    {"ASCII", R"(b'{"id": "evt_1"}')", R"({"id": "evt_1"})"},
    {"UTF-8", R"(b'{"name": "Jos\xc3\xa9"}')", R"({"name": "José"})"},
    {"both quotes", R"(b'it\'s "quoted"')", R"(it's "quoted")"},
    {"an apostrophe alone", R"(b"it's")", "it's"},
    {"blanks, backslash and controls", R"(b'\t\n\r\\ \x00\x07\x08\x0b\x0c\x1b\x7f')",
     std::string("\t\n\r\\ \0\a\b\v\f\x1b\x7f", 12)},
};

TEST(PythonBytes, AreReadAndWrittenAsReprPrintsThem) {
    for (const auto& row : kPythonBytes) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(read_python_bytes(row.literal), row.value);
        EXPECT_EQ(write_python_bytes(row.value), row.literal);
    }
    EXPECT_EQ(read_python_bytes(" B\"\\\"\" \n"), "\"");
}

// Python refuses those of them that have an opening quote, "\u" and "\U" aside: to bytes they are no escapes.
TEST(PythonBytes, AreNothingElse) {
    for (const char* text :
         {"", "b'", "b'abc", "b'abc\\", "b'abc\\'", R"(b'\x')", R"(b'\x1')", R"(b'\x1g')", R"(b'\u00e9')",
          R"(b'\U000000e9')", "b'a' 'b'", "'abc'", "babc", R"({"id": "evt_1"})"}) {
        SCOPED_TRACE(text);
        EXPECT_EQ(read_python_bytes(text), std::nullopt);
    }
}

// Printed by CPython 3.11 for the values of these documents.
TEST(PythonDict, IsReadAsReprPrintsIt) {
    for (const auto& row :
         {Row{"words and both quotes", R"({'a': True, 'b': [False, None], "it's": 'say "x"'})",
              R"({"a":true,"b":[false,null],"it's":"say \"x\""})"},
          Row{"a byte in hex", R"({'a': '\x07\x85'})", R"({"a":"\u0007\u0085"})"},
          Row{"beyond ASCII", R"({'a': '\u200b\U000e0001é'})", R"({"a":"\u200b\udb40\udc01é"})"}}) {
        SCOPED_TRACE(row.name);
        const auto json = python_dict_to_json(row.literal);
        ASSERT_TRUE(json.has_value());
        EXPECT_EQ(parse_json_text(*json).value(), parse_json_text(row.value).value()) << *json;
    }
    for (const char* text : {"", "'a'", "{'a': '\\u12'}", "{'a': '\\U0001f51'}", "{'a': 1", R"({"a": 1})"}) {
        SCOPED_TRACE(text);
        EXPECT_EQ(python_dict_to_json(text), std::nullopt);
    }
}

// Source: ruby/spec, "String#inspect": letters for eight characters, \u00XX for the other controls.
TEST(RubyInspect, IsReadAndWrittenAsRubyPrintsIt) {
    for (const auto& row :
         {Row{"words", R"({"a"=>true, "b"=>[false, nil]})", R"({"a": true, "b": [false, null]})"},
          Row{"letters", R"({"a"=>"\a\b\t\n\v\f\r\e"})", R"({"a": "\u0007\b\t\n\u000b\f\r\u001b"})"},
          Row{"other controls", R"({"a"=>"\u0001\u001F"})", R"({"a": "\u0001\u001f"})"},
          Row{"quotes and what would be interpolated", R"({"a"=>"\"\\ \#{b} \#$c \#@d #e"})",
              R"({"a": "\"\\ #{b} #$c #@d #e"})"}}) {
        SCOPED_TRACE(row.name);
        const auto value = parse_json_text(row.value);
        ASSERT_TRUE(value.has_value());
        EXPECT_EQ(write_ruby_inspect(*value, RubyArrow::tight), row.literal);
        const auto json = ruby_inspect_to_json(row.literal);
        ASSERT_TRUE(json.has_value());
        EXPECT_EQ(parse_json_text(*json).value(), *value) << *json;
    }
}

}  // namespace
}  // namespace callchain::diagnosis
