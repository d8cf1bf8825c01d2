#include "base/text.hpp"

#include <gtest/gtest.h>

namespace callchain {
namespace {

TEST(Visible, ShowsControlCharactersAndKeepsText) {
    EXPECT_EQ(visible("José & 🔑"), "José & 🔑");
    EXPECT_EQ(visible("a\x1b[31mred\r\n\tend"), "a\\x1b[31mred\\r\\n\\tend");
    EXPECT_EQ(visible(std::string_view("\0", 1)), "\\x00");
}

TEST(Visible, ShowsBytesThatAreNotUtf8) {
    EXPECT_EQ(visible("\xFF\xC3("), "\\xff\\xc3(");
    EXPECT_EQ(visible("\xED\xA0\x80"), "\\xed\\xa0\\x80");  // a surrogate: RFC 3629 section 3
}

TEST(Visible, ShowsCharactersThatReorderOrHideText) {
    EXPECT_EQ(visible("\u202Ecod.exe"), "\\u202ecod.exe");
    EXPECT_EQ(visible("a\u200Bb\uFEFF"), "a\\u200bb\\ufeff");
    EXPECT_EQ(visible("\u009B31m"), "\\u009b31m");  // the C1 form of ESC [
}

TEST(VisibleExcerpt, CutsAtTheGivenWidthAndSaysSo) {
    EXPECT_EQ(visible_excerpt("abcdef", 6), "abcdef");
    EXPECT_EQ(visible_excerpt("abcdefg", 6), "abcdef…");
    EXPECT_EQ(visible_excerpt("ab\x1b", 3), "ab…");  // an escape is never cut in the middle
}

TEST(ParseDecimal, ReadsDigitsAndNothingElse) {
    EXPECT_EQ(parse_decimal("0"), 0);
    EXPECT_EQ(parse_decimal("01750861210"), 1750861210);
    EXPECT_EQ(parse_decimal("9223372036854775807"), INT64_MAX);
    for (const auto* bad : {"", "+1", "-1", " 1", "1 ", "1.5", "12x", "9223372036854775808"}) {
        SCOPED_TRACE(bad);
        EXPECT_FALSE(parse_decimal(bad).has_value());
    }
}

TEST(Utf8SequenceLength, RefusesWhatRfc3629Forbids) {
    EXPECT_EQ(utf8_sequence_length("\xF4\x8F\xBF\xBF"), 4U);
    for (const auto* bad : {"\xC0\x80", "\xE0\x80\x80", "\xF0\x80\x80\x80", "\xED\xBF\xBF",
                            "\xF4\x90\x80\x80", "\x80", "\xE2\x82"}) {
        EXPECT_EQ(utf8_sequence_length(bad), 0U);
    }
}

TEST(IsVisibleAscii, IsRfc5234sVchar) {
    EXPECT_TRUE(is_visible_ascii("!sk-proj_9~"));
    EXPECT_TRUE(is_visible_ascii(""));
    for (const auto* bad : {" ", "a b", "a\t", "\x1f", "\x7f", "\x80", "é"})
        EXPECT_FALSE(is_visible_ascii(bad)) << visible(bad);
}

TEST(CountOf, WritesNumbersForPeople) {
    EXPECT_EQ(count_of(1, "byte"), "1 byte");
    EXPECT_EQ(count_of(1680, "byte"), "1,680 bytes");
    EXPECT_EQ(count_of(1234567, "delivery", "deliveries"), "1,234,567 deliveries");
    EXPECT_EQ(count_of(0, "byte"), "0 bytes");
}

TEST(Split, KeepsEmptyPieces) {
    EXPECT_EQ(split("a,,b,", ','), (std::vector<std::string_view>{"a", "", "b", ""}));
    EXPECT_EQ(split("", ','), (std::vector<std::string_view>{""}));
}

}  // namespace
}  // namespace callchain
