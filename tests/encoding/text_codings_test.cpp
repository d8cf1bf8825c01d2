#include "encoding/text_codings.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace callchain::encoding {
namespace {

using namespace std::string_literals;

struct Row {
    std::string text;
    std::string want;
};

struct RefusedRow {
    const char* name;
    std::string text;
    std::size_t offset;
};

void expect_refused(const Result<std::string>& got, std::size_t offset) {
    ASSERT_FALSE(got.has_value());
    EXPECT_EQ(got.error().code, ErrorCode::bad_input);
    EXPECT_EQ(got.error().offset, offset);
}

// RFC 4648 section 10, "BASE16".
TEST(Hex, MatchesRfc4648) {
    EXPECT_EQ(to_upper_hex("foobar"), "666F6F626172");
    EXPECT_EQ(to_hex("\xF0\x0F"), "f00f");
    EXPECT_EQ(parse_hex("666F6f626172").value(), "foobar");
    EXPECT_EQ(parse_hex("").value(), "");
}

TEST(Hex, SaysWhereItIsDamaged) {
    for (const auto& row :
         {RefusedRow{"an odd number of digits", "66f", 3}, RefusedRow{"no digit first", "6666g0", 4},
          RefusedRow{"no digit second", "666:", 3}, RefusedRow{"a NUL", "66\0\0"s, 2}}) {
        SCOPED_TRACE(row.name);
        expect_refused(parse_hex(row.text), row.offset);
    }
}

TEST(Hex, ReadsBackWhatWasWritten) {
    EXPECT_TRUE(rc::check([](const std::string& bytes) {
        RC_ASSERT(parse_hex(to_hex(bytes)) == bytes);
        RC_ASSERT(parse_hex(to_upper_hex(bytes)) == bytes);
    }));
}

// First three computed with Node 20: decodeURIComponent, querystring.unescape.
TEST(PercentDecode, LeavesWhatIsNoEscape) {
    for (const auto& row : {Row{"%E2%82%AC%41", "€A"}, Row{"50% a%4g%41%", "50% a%4gA%"}, Row{"%2%41", "%2A"},
                            Row{"%00%ff", "\0\xFF"s}, Row{"a+b", "a+b"}}) {
        SCOPED_TRACE(row.text);
        EXPECT_EQ(percent_decode(row.text, PlusSign::literal), row.want);
    }
    EXPECT_EQ(percent_decode("a+b%2B", PlusSign::space), "a b+");
}

// RFC 3986 section 2.3, unreserved characters.
TEST(PercentEncode, LeavesUnreservedCharacters) {
    EXPECT_EQ(percent_encode("AZaz09-._~"), "AZaz09-._~");
    EXPECT_EQ(percent_encode("a b+c/é!*'()\x7F\0"s), "a%20b%2Bc%2F%C3%A9%21%2A%27%28%29%7F%00");
}

TEST(PercentEncode, IsUndoneByDecoding) {
    EXPECT_TRUE(rc::check([](const std::string& bytes) {
        RC_ASSERT(percent_decode(percent_encode(bytes), PlusSign::literal) == bytes);
        RC_ASSERT(percent_decode(percent_encode(bytes), PlusSign::space) == bytes);
    }));
}

// Computed with Node 20: [...new URLSearchParams(body)].
TEST(ParseForm, ReadsAsBrowsersDo) {
    const FormFields want{{"a", "1"},     {"b", ""},      {"c", ""},    {"", "d"}, {"e", "f=g"},
                          {"h i", "j k"}, {"l", "%zz%4"}, {"m", "é +"}, {"a", "2"}};
    EXPECT_EQ(parse_form("a=1&b=&c&&=d&e=f=g&h+i=j%20k&l=%zz%4&m=%C3%A9+%2B&a=2"), want);
    EXPECT_TRUE(parse_form("").empty());
    EXPECT_TRUE(parse_form("&&").empty());
}

TEST(ParseForm, KeepsBytesThatAreNotUtf8) {
    EXPECT_EQ(parse_form("a=%FF%00"), (FormFields{{"a", "\xFF\0"s}}));
}

// Computed with Node 20: new URLSearchParams(fields).toString().
TEST(WriteForm, WritesAsBrowsersDo) {
    EXPECT_EQ(write_form({{"a b", "1+2&3=é~*-._!"}, {"", "x"}, {"n", ""}}),
              "a+b=1%2B2%263%3D%C3%A9%7E*-._%21&=x&n=");
    EXPECT_EQ(write_form({}), "");
}

TEST(WriteForm, IsReadBackEqual) {
    EXPECT_TRUE(
        rc::check([](const FormFields& fields) { RC_ASSERT(parse_form(write_form(fields)) == fields); }));
}

// Computed with Python 3.11, html.unescape; the rows below the gap are what we leave alone on purpose.
TEST(HtmlUnescape, ReadsTheCommonReferences) {
    const Row rows[] = {
        {"&amp;lt;", "&lt;"},
        {"&lt;a href=&quot;x&quot;&gt;", "<a href=\"x\">"},
        {"&#39;&#x27;&#X41;", "''A"},
        {"&nbsp;|&apos;", "\u00A0|'"},
        {"&#0;&#xD800;&#x110000;&#99999999999999999999;", "\uFFFD\uFFFD\uFFFD\uFFFD"},
        {"&#128273;", "🔑"},
        {"&#;&#x;&", "&#;&#x;&"},
        {"&&amp;&", "&&&"},
        {"&bogus;", "&bogus;"},

        {"&amp", "&amp"},
        {"&eacute;", "&eacute;"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.text);
        EXPECT_EQ(html_unescape(row.text), row.want);
    }
}

TEST(HtmlEscape, EscapesTheFiveAndIsUndone) {
    EXPECT_EQ(html_escape("<a href=\"x\">&'é"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;é");
    EXPECT_TRUE(
        rc::check([](const std::string& text) { RC_ASSERT(html_unescape(html_escape(text)) == text); }));
}

// The first row is modelled on RFC 9112 section 7.1; sizes are hexadecimal, in either case, zeros in front
// allowed.
TEST(ParseChunked, TakesTheFramingOut) {
    const Row rows[] = {
        {"4\r\nWiki\r\n7\r\npedia i\r\nB\r\nn \r\nchunks.\r\n0\r\n\r\n", "Wikipedia in \r\nchunks."},
        {"0\r\n\r\n", ""},
        {"000a\r\n0123456789\r\n000\r\n\r\n", "0123456789"},
        {"1;name=value\r\na\r\n1 ; x=\"y\"\r\nb\r\n0;last\r\n\r\n", "ab"},
        {"1\r\na\r\n0\r\nExpires: never\r\nX: y\r\n\r\n", "a"},
        {"2\r\n\0\xFF\r\n0\r\n\r\n"s, "\0\xFF"s},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.text);
        EXPECT_EQ(parse_chunked(row.text), row.want);
    }
}

TEST(ParseChunked, RefusesWhatIsNotOneCompleteBody) {
    const RefusedRow rows[] = {
        {"empty", "", 0},
        {"JSON", "{\"id\": 1}\r\n", 0},
        {"no size", "\r\n", 0},
        {"a size that is no number", "g\r\n", 0},
        {"a minus sign", "-1\r\na\r\n0\r\n\r\n", 0},
        {"text behind the size", "1 a\r\na\r\n0\r\n\r\n", 0},
        {"cut inside a chunk", "5\r\nabc", 6},
        {"a size of 2^64 + 1", "10000000000000001\r\na\r\n0\r\n\r\n", 27},
        {"a chunk longer than its size", "1\r\nab\r\n0\r\n\r\n", 7},
        {"no last chunk", "1\r\na\r\n", 6},
        {"no final line end", "1\r\na\r\n0\r\n", 9},
        {"bare line feeds", "1\na\n0\n\n", 7},
        {"bytes behind the end", "0\r\n\r\nX", 5},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        expect_refused(parse_chunked(row.text), row.offset);
    }
}

}  // namespace
}  // namespace callchain::encoding
