#include "base/text.hpp"
#include "encoding/json_text.hpp"
#include "json_generator.hpp"

#include <chrono>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>

namespace callchain::encoding {
namespace {

using namespace std::string_literals;
using Style = JsonStyle;

std::string read_data(const std::string& name) {
    std::ifstream file(std::string(TEST_DATA_DIR) + "/serialisers/" + name, std::ios::binary);
    EXPECT_TRUE(file.is_open()) << name;
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string rewrite(std::string_view json, const Style& style) {
    const auto value = parse_json_text(json);
    return value ? write_json_text(*value, style) : value.error().message;
}

Style python() {
    return {.item_separator = ", ",
            .name_separator = ": ",
            .non_ascii = Style::NonAscii::escaped,
            .del = Style::Delete::escaped};
}

Style with(Style style, auto member, auto value) {
    style.*member = value;
    return style;
}

Style indented(Style style, std::string_view indent) {
    style.item_separator = ",";
    style.name_separator = ": ";
    style.indent = indent;
    return style;
}

struct StyleRow {
    const char* name;
    Style style;
};

std::vector<StyleRow> serialisers() {
    const Style literal{.item_separator = ", ", .name_separator = ": "};
    const Style compact{.non_ascii = Style::NonAscii::escaped, .del = Style::Delete::escaped};
    const Style jq{.del = Style::Delete::escaped, .members = Style::Members::sorted};
    return {{"python", python()},
            {"python-literal", literal},
            {"python-compact", compact},
            {"python-sorted", with(python(), &Style::members, Style::Members::sorted)},
            {"python-indent-2", indented(python(), "  ")},
            {"python-indent-4", indented(python(), "    ")},
            {"node", {}},
            {"node-indent-2", indented({}, "  ")},
            {"node-indent-tab", indented({}, "\t")},
            {"jq-sorted", jq}};
}

// tests/data/serialisers/make_expected.py wrote the expected files with the serialisers themselves.
TEST(WriteJsonText, WritesAsRealSerialisersDo) {
    for (const std::string document : {"call-event", "mixed"}) {
        const std::string source = read_data(document + ".json");
        for (const auto& row : serialisers()) {
            SCOPED_TRACE(document + " " + row.name);
            EXPECT_EQ(rewrite(source, row.style),
                      read_data("expected/" + document + "." + row.name + ".json"));
        }
    }
}

TEST(WriteJsonText, RestoresPythonsBytesFromEveryOtherForm) {
    const std::string sent = read_data("call-event.json");
    ASSERT_EQ(sent.size(), 354U);
    for (const auto& row : serialisers()) {
        SCOPED_TRACE(row.name);
        const Style sender = with(python(), &Style::members, Style::Members::sender_order);
        EXPECT_EQ(rewrite(rewrite(sent, row.style), sender), sent);
    }
}

struct TextRow {
    const char* name;
    Style style;
    std::string want;
};

// Go: encoding/json, "HTMLEscape". PHP: json_encode's default flags. .NET: System.Text.Json writes upper-case
// digits.
TEST(WriteJsonText, EscapesStringsInEachManner) {
    const std::string source = R"("</\u00e9\ud83d\ude00\u2028\u2029\u2027&>\u001f\u007f")";
    const TextRow rows[] = {
        {"Go", {.html = Style::Html::escaped}, "\"\\u003c/é😀\\u2028\\u2029\u2027\\u0026\\u003e\\u001f\x7F\""},
        {"PHP",
         {.non_ascii = Style::NonAscii::escaped, .slash = Style::Slash::escaped},
         "\"<\\/\\u00e9\\ud83d\\ude00\\u2028\\u2029\\u2027&>\\u001f\x7F\""},
        {"upper-case digits",
         {.non_ascii = Style::NonAscii::escaped,
          .hex_case = Style::HexCase::upper,
          .html = Style::Html::escaped,
          .del = Style::Delete::escaped},
         R"("\u003C/\u00E9\uD83D\uDE00\u2028\u2029\u2027\u0026\u003E\u001F\u007F")"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(rewrite(source, row.style), row.want);
        EXPECT_EQ(rewrite("{" + source + ":1}", row.style), "{" + row.want + ":1}");
    }
}

TEST(WriteJsonText, OrdersMembers) {
    const std::string source =
        R"({"sip_headers":[{"value":1,"name":2}],"x":0,"data":3,"a":{"b":4,"B":5},"id":6})";
    EXPECT_EQ(rewrite(source, {.members = Style::Members::sorted}),
              R"({"a":{"B":5,"b":4},"data":3,"id":6,"sip_headers":[{"name":2,"value":1}],"x":0})");
    EXPECT_EQ(rewrite(source, {.members = Style::Members::sender_order}),
              R"({"id":6,"data":3,"sip_headers":[{"name":2,"value":1}],"x":0,"a":{"b":4,"B":5}})");
    EXPECT_EQ(rewrite(R"({"data":1,"type":2,"created_at":3,"object":4,"id":5})",
                      {.members = Style::Members::sender_order}),
              R"({"id":5,"object":4,"created_at":3,"type":2,"data":1})");
    // Bytes of UTF-8, so that U+10000 comes behind U+FFFD.
    EXPECT_EQ(rewrite("{\"\U00010000\":1,\"\uFFFD\":2,\"é\":3,\"z\":4}", {.members = Style::Members::sorted}),
              "{\"z\":4,\"é\":3,\"\uFFFD\":2,\"\U00010000\":1}");
}

TEST(WriteJsonText, DropsNullMembersButNotNullItems) {
    const Style style{.nulls = Style::Nulls::dropped};
    EXPECT_EQ(rewrite(R"({"a":null,"b":[null,{"c":null}],"d":0})", style), R"({"b":[null,{}],"d":0})");
    EXPECT_EQ(rewrite("null", style), "null");
}

// {"a":1,"b":2,"a":3} as Python 3.11 and Node 20 read and write it: the place of the first, the last value.
TEST(WriteJsonText, LetsTheLastDuplicateWin) {
    Style style{.duplicates = Style::Duplicates::last_wins};
    EXPECT_EQ(rewrite(R"({"a":1,"b":2,"a":3})", style), R"({"a":3,"b":2})");
    EXPECT_EQ(rewrite(R"({"b":0,"a":1,"b":2,"a":3,"b":4,"c":5})", style), R"({"b":4,"a":3,"c":5})");
    style.nulls = Style::Nulls::dropped;
    EXPECT_EQ(rewrite(R"({"a":1,"b":2,"a":null})", style), R"({"b":2})");
    EXPECT_EQ(rewrite(R"({"b":1,"a":2,"b":3})", {.members = Style::Members::sorted}),
              R"({"a":2,"b":1,"b":3})");
}

struct NumberRow {
    std::string token;
    std::string want;
};

// Computed with Node 20: JSON.stringify(JSON.parse(token)).
TEST(WriteJsonText, WritesNumbersAsJavascriptDoes) {
    const std::string zeros(400, '0');
    const NumberRow rows[] = {
        {"0", "0"},
        {"-0", "0"},
        {"-0.0", "0"},
        {"-1", "-1"},
        {"1.0", "1"},
        {"1.50", "1.5"},
        {"1e3", "1000"},
        {"1E+2", "100"},
        {"123.456", "123.456"},
        {"4.35", "4.35"},
        {"0.30000000000000004", "0.30000000000000004"},
        {"-999999999999999", "-999999999999999"},
        {"9007199254740993", "9007199254740992"},
        {"12345678901234567890", "12345678901234567000"},
        {"1000000000000000128", "1000000000000000100"},
        {"100000000000000000000", "100000000000000000000"},
        {"1e21", "1e+21"},
        {"123456789012345678901234", "1.2345678901234569e+23"},
        {"1e23", "1e+23"},
        {"1.5e300", "1.5e+300"},
        {"0.000001", "0.000001"},
        {"1e-7", "1e-7"},
        {"0.0000012345", "0.0000012345"},
        {"1.7976931348623157e308", "1.7976931348623157e+308"},
        {"1.7976931348623159e308", "null"},
        {"2.2250738585072014e-308", "2.2250738585072014e-308"},
        {"5e-324", "5e-324"},
        {"2e-324", "0"},
        {"1e400", "null"},
        {"-1e400", "null"},
        {"1e-400", "0"},
        {"-1e-400", "0"},
        {"0e400", "0"},
        {"1e99999999999999999999", "null"},
        {"1e-99999999999999999999", "0"},
        {"0e99999999999999999999", "0"},
        {"100000000000000000000000e-400", "0"},
        {"0." + zeros + "1", "0"},
        {"0." + zeros + "1e405", "10000"},
        {"1" + zeros, "null"},
        {"1" + zeros + "e-390", "10000000000"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.token);
        EXPECT_EQ(rewrite(row.token, {.numbers = Style::Numbers::javascript}), row.want);
    }
}

TEST(WriteJsonText, WritesIntegersAsFloats) {
    EXPECT_EQ(
        rewrite("[1,-0,12345678901234567890,1.5,1e3,1E3]", {.numbers = Style::Numbers::integral_as_float}),
        "[1.0,-0.0,12345678901234567890.0,1.5,1e3,1E3]");
}

TEST(QuoteJson, WritesAsPythonAndNodeDo) {
    // json.dumps("é😀/\"\\\n\x7f\x01") and JSON.stringify of the same text.
    const std::string text = "é😀/\"\\\n\x7F\x01";
    EXPECT_EQ(quote_json(text, Style::NonAscii::escaped), R"("\u00e9\ud83d\ude00/\"\\\n\u007f\u0001")");
    EXPECT_EQ(quote_json(text), "\"é😀/\\\"\\\\\\n\x7F\\u0001\"");
    EXPECT_EQ(quote_json("a\xFF\xC3z"), "\"a\uFFFD\uFFFDz\"");
    EXPECT_EQ(quote_json("a\xFF", Style::NonAscii::escaped), R"("a\ufffd")");
}

Style arbitrary_value_preserving_style() {
    Style style = indented({}, *rc::gen::element<std::string_view>("", " ", "    ", "\t"));
    style.item_separator = *rc::gen::element<std::string_view>(",", ", ");
    style.name_separator = *rc::gen::element<std::string_view>(":", ": ", " : ");
    style.non_ascii = *rc::gen::element(Style::NonAscii::literal, Style::NonAscii::escaped);
    style.hex_case = *rc::gen::element(Style::HexCase::lower, Style::HexCase::upper);
    style.slash = *rc::gen::element(Style::Slash::plain, Style::Slash::escaped);
    style.html = *rc::gen::element(Style::Html::plain, Style::Html::escaped);
    style.del = *rc::gen::element(Style::Delete::plain, Style::Delete::escaped);
    return style;
}

TEST(WriteJsonText, IsReadBackEqual) {
    EXPECT_TRUE(rc::check([] {
        const JsonValue value = arbitrary_json();
        RC_ASSERT(parse_json_text(write_json_text(value, arbitrary_value_preserving_style())) == value);
    }));
}

TEST(WriteJsonText, WritesTheSameTwice) {
    EXPECT_TRUE(rc::check([] {
        Style style = arbitrary_value_preserving_style();
        style.members = *rc::gen::element(Style::Members::sorted, Style::Members::sender_order);
        style.numbers = *rc::gen::element(Style::Numbers::javascript, Style::Numbers::integral_as_float);
        style.nulls = Style::Nulls::dropped;
        style.duplicates = Style::Duplicates::last_wins;
        const std::string once = write_json_text(arbitrary_json(), style);
        RC_ASSERT(rewrite(once, style) == once);
    }));
}

// The slowest style on an object of many equal names: ordering them must not compare each with each.
TEST(WriteJsonText, IsQuickOnManyMembers) {
    std::string source = "{";
    for (int i = 0; i < 100'000; ++i) source += "\"a" + std::to_string(i % 50'000) + "\":0,";
    source.back() = '}';
    const auto start = std::chrono::steady_clock::now();
    const std::string written =
        rewrite(source, {.members = Style::Members::sorted, .duplicates = Style::Duplicates::last_wins});
    EXPECT_EQ(parse_json_text(written)->items.size(), 50'000U);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

}  // namespace
}  // namespace callchain::encoding
