#include "base/characters.hpp"

#include "base/nearest_words.hpp"

#include <cctype>
#include <gtest/gtest.h>
#include <string>

namespace callchain {
namespace {

// The C library is the judge, in the locale "C".
TEST(Characters, AreOfTheClassesThatTheCLibraryHas) {
    for (int code = 0; code < 256; ++code) {
        const char c = static_cast<char>(code);
        const bool ascii = code < 128;
        EXPECT_EQ(is_ascii_letter(c), ascii && std::isalpha(code) != 0) << code;
        EXPECT_EQ(is_ascii_letter_or_digit(c), ascii && std::isalnum(code) != 0) << code;
        EXPECT_EQ(is_ascii_hex_digit(c), ascii && std::isxdigit(code) != 0) << code;
    }
}

TEST(CharactersIn, CountsCodePoints) {
    EXPECT_EQ(characters_in(""), 0U);
    EXPECT_EQ(characters_in("abc"), 3U);
    EXPECT_EQ(characters_in("a\u00e7\u00e3o"), 4U);
    EXPECT_EQ(characters_in("\U0001F4DE"), 1U);
}

TEST(IsE164, TakesWhatCanBeDialledFromAnywhere) {
    for (const char* number : {"+5561999998888", "+1555010", "+123456789012345"})
        EXPECT_TRUE(is_e164(number)) << number;
    for (const char* number : {"", "+", "5561999998888", "+055619999", "+123456", "+1234567890123456",
                               "+55 61 99999", "+5561a99998", "++556199999"})
        EXPECT_FALSE(is_e164(number)) << number;
}

// Source: F. J. Damerau, "A technique for computer detection and correction of spelling errors" (1964): one
// slip is one letter too many, one too few, a wrong one, or two exchanged.
TEST(EditDistance, CountsSlips) {
    EXPECT_EQ(edit_distance("dial", "dial"), 0U);
    EXPECT_EQ(edit_distance("dial", "dail"), 1U);
    EXPECT_EQ(edit_distance("dial", "dal"), 1U);
    EXPECT_EQ(edit_distance("dial", "diall"), 1U);
    EXPECT_EQ(edit_distance("dial", "deal"), 1U);
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
    EXPECT_EQ(edit_distance("ca", "abc"), 3U) << "no stretch is edited twice";
    EXPECT_EQ(edit_distance(std::string(64, 'a'), "b"), 64U);
}

}  // namespace
}  // namespace callchain
