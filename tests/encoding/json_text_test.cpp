#include "encoding/json_text.hpp"

#include "json_generator.hpp"

#include <chrono>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace callchain::encoding {
namespace {

using namespace std::string_literals;
using Kind = JsonValue::Kind;

TEST(ParseJsonText, KeepsOrderDuplicatesAndNumberTokens) {
    const auto got = parse_json_text(R"( {"b": -0, "a": [1.0, 1E+2, 12345678901234567890], "b": "x"} )");
    ASSERT_TRUE(got.has_value()) << got.error().message;
    EXPECT_EQ(got->names, (std::vector<std::string>{"b", "a", "b"}));
    EXPECT_EQ(got->items[0].text, "-0");
    EXPECT_EQ(got->items[1].items[0].text, "1.0");
    EXPECT_EQ(got->items[1].items[1].text, "1E+2");
    EXPECT_EQ(got->items[1].items[2].text, "12345678901234567890");
    EXPECT_EQ(got->items[2].text, "x");
    EXPECT_EQ(got->find("b"), got->items.data());
    EXPECT_EQ(got->find("c"), nullptr);
    EXPECT_EQ(got->items[1].find("0"), nullptr);
}

struct StringRow {
    std::string json;
    std::string text;
};

// RFC 8259 section 7.
TEST(ParseJsonText, DecodesStrings) {
    const StringRow rows[] = {
        {R"("")", ""},
        {R"("\"\\\/\b\f\n\r\t")", "\"\\/\b\f\n\r\t"},
        {R"("\u0000\u001f\u00e9\u00E9\u20ac")", "\0\x1Féé€"s},
        {R"("\uD834\uDD1E|\uDBFF\uDFFF")", "\U0001D11E|\U0010FFFF"},
        {"\"é€\U0001D11E\x7F/\"", "é€\U0001D11E\x7F/"},
        {R"("a\u0062c\\u0062")", "abc\\u0062"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.json);
        const auto got = parse_json_text(row.json);
        ASSERT_TRUE(got.has_value()) << got.error().message;
        EXPECT_EQ(got->kind, Kind::string);
        EXPECT_EQ(got->text, row.text);
    }
}

TEST(ParseJsonText, ReadsEveryKind) {
    EXPECT_EQ(parse_json_text("null")->kind, Kind::null);
    EXPECT_TRUE(parse_json_text("true")->truth);
    EXPECT_EQ(parse_json_text("\t\r\n false ")->kind, Kind::boolean);
    EXPECT_EQ(parse_json_text("[ ]")->kind, Kind::array);
    EXPECT_EQ(parse_json_text("{ }")->kind, Kind::object);
    for (const std::string token : {"0", "-0", "10", "-1.50", "0e1", "1E-07", "1e+400", "0.0"}) {
        SCOPED_TRACE(token);
        const auto got = parse_json_text(token);
        ASSERT_TRUE(got.has_value());
        EXPECT_EQ(got->kind, Kind::number);
        EXPECT_EQ(got->text, token);
    }
}

struct RefusedRow {
    std::string text;
    std::size_t offset;
};

const RefusedRow kRefused[] = {
    {"", 0},
    {"  ", 2},
    {"\xEF\xBB\xBF{}", 0},
    {"{} x", 3},
    {"{}\0"s, 2},
    {"{", 1},
    {"[1", 2},
    {"[1,]", 3},
    {"[,1]", 1},
    {"[1 2]", 3},
    {"[1}", 2},
    {R"({"a":1,})", 7},
    {R"({"a" 1})", 5},
    {R"({"a"})", 4},
    {R"({a:1})", 1},
    {R"({'a':1})", 1},
    {R"({"a":1]})", 6},
    {R"({"a":1 "b":2})", 7},
    {"nul", 0},
    {"True", 0},
    {"nullx", 4},
    {"NaN", 0},
    {"-", 1},
    {"-a", 1},
    {"+1", 0},
    {"01", 1},
    {"1.", 2},
    {".5", 0},
    {"1.e5", 2},
    {"1e", 2},
    {"1e+", 3},
    {"1e+-5", 3},
    {"0x10", 1},
    {"\"abc", 4},
    {"\"a\nb\"", 2},
    {"\"a\0b\""s, 2},
    {"\"a\x1F\"", 2},
    {R"("a\x")", 2},
    {R"("\)", 1},
    {"\"\\\0\""s, 1},
    {R"("\u12")", 1},
    {R"("\u12g4")", 1},
    {R"("\uD800")", 1},
    {R"("\uD800\n")", 1},
    {R"("\uD800\uD800")", 1},
    {R"("\uD800\uE000")", 1},
    {R"("\uDC00")", 1},
    {R"("\uD83D\uDD1)", 1},
    {"\"\xFF\"", 1},
    {"\"\xC0\x80\"", 1},
    {"\"\xED\xA0\x80\"", 1},
    {"\"\xE2\x82\"", 1},
    {"/* */ 1", 0},
    {"b'{}'", 0},
};

TEST(ParseJsonText, RefusesWhatIsNotJsonAndSaysWhere) {
    for (const auto& row : kRefused) {
        SCOPED_TRACE(row.text);
        const auto got = parse_json_text(row.text);
        ASSERT_FALSE(got.has_value());
        EXPECT_EQ(got.error().code, ErrorCode::bad_input);
        EXPECT_EQ(got.error().offset, row.offset) << got.error().message;
    }
}

TEST(ParseJsonText, SaysWhatItExpectedAndFound) {
    EXPECT_EQ(parse_json_text("[1 2]").error().message, R"(not JSON: expected ',' or ']', found "2")");
    EXPECT_EQ(parse_json_text("{\"a\":\u202E").error().message,
              R"(not JSON: expected a value, found "\u202e")");
    EXPECT_EQ(parse_json_text("{").error().message,
              "not JSON: expected a member name in double quotes, found the end");
}

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(ParseJsonText, LimitsNesting) {
    EXPECT_TRUE(parse_json_text(nested(kMostJsonDepth)).has_value());
    for (const std::size_t depth : {kMostJsonDepth + 1, std::size_t{100'000}}) {
        const auto got = parse_json_text(nested(depth));
        ASSERT_FALSE(got.has_value());
        EXPECT_EQ(got.error().code, ErrorCode::limit);
        EXPECT_EQ(got.error().offset, kMostJsonDepth);
    }
    std::string objects;
    for (int i = 0; i < 300; ++i) objects += R"({"a":)";
    EXPECT_EQ(parse_json_text(objects).error().code, ErrorCode::limit);
    std::string siblings(1, '[');
    siblings += nested(kMostJsonDepth - 1) + "," + nested(kMostJsonDepth - 1) + "]";
    EXPECT_TRUE(parse_json_text(siblings).has_value());
}

// nlohmann stops at a number that no double holds, which RFC 8259 section 6 leaves to the reader.
bool beyond_a_double(const std::string& text) {
    try {
        const auto parsed = nlohmann::json::parse(text);
        return parsed.is_discarded();
    } catch (const nlohmann::json::out_of_range&) {
        return true;
    } catch (const nlohmann::json::exception&) {
        return false;
    }
}

TEST(ParseJsonText, AgreesWithNlohmannOnWhatIsJson) {
    EXPECT_TRUE(beyond_a_double("1e999"));
    EXPECT_TRUE(parse_json_text("1e999").has_value());
    // nlohmann skips a byte-order mark, which RFC 8259 section 8.1 leaves to the reader, and ends at a NUL.
    for (const auto& row : kRefused) {
        if (row.text.starts_with(kUtf8Bom) || row.text.ends_with('\0')) continue;
        EXPECT_FALSE(nlohmann::json::accept(row.text)) << row.text;
    }
    EXPECT_TRUE(rc::check([] {
        std::string text = write_json_text(arbitrary_json(), {});
        const std::string pieces = "{}[]\",:\\u0-.e \n\x01\x80";
        for (int i = *rc::gen::inRange(0, 3); i > 0; --i) {
            const auto at = *rc::gen::inRange<std::size_t>(0, text.size() + 1);
            text.replace(at, *rc::gen::inRange<std::size_t>(0, 3), 1, *rc::gen::elementOf(pieces));
        }
        RC_ASSERT(beyond_a_double(text) || parse_json_text(text).has_value() == nlohmann::json::accept(text));
    }));
}

TEST(ParseJsonText, TakesLinearTime) {
    const std::string megabyte(std::size_t{1} << 20U, ' ');
    std::string members = "{";
    for (int i = 0; i < 200'000; ++i) members += "\"a\":0,";
    members.back() = '}';
    const auto start = std::chrono::steady_clock::now();
    EXPECT_TRUE(parse_json_text(members).has_value());
    EXPECT_FALSE(parse_json_text("\"" + megabyte).has_value());
    EXPECT_FALSE(parse_json_text(megabyte).has_value());
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

}  // namespace
}  // namespace callchain::encoding
