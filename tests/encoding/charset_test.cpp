#include "encoding/charset.hpp"

#include "base/text.hpp"

#include <chrono>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace callchain::encoding {
namespace {

using namespace std::string_literals;
using enum SingleByteCharset;

std::string all_bytes() {
    std::string bytes;
    for (int c = 0; c < 256; ++c) bytes += static_cast<char>(c);
    return bytes;
}

// WHATWG Encoding Standard, index windows-1252, pointers 0 to 31.
TEST(SingleByteCharset, Cp1252FollowsTheWhatwgIndex) {
    EXPECT_EQ(single_byte_to_utf8(all_bytes().substr(0x80, 32), cp1252),
              "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008DŽ\u008F\u0090‘’“”•–—˜™š›œ\u009DžŸ");
    EXPECT_EQ(single_byte_to_utf8("\xE9\xFF", cp1252), "éÿ");
    EXPECT_EQ(single_byte_to_utf8("\xE9\x80", latin1), "é\u0080");
}

// Computed with Python 3.11: "é€™".encode().decode("cp1252").
TEST(SingleByteCharset, MakesAndMendsMojibake) {
    const std::string mojibake = "Ã©â‚¬â„¢";
    EXPECT_EQ(single_byte_to_utf8("é€™", cp1252), mojibake);
    EXPECT_EQ(utf8_to_single_byte(mojibake, cp1252).value(), "é€™");
}

TEST(SingleByteCharset, EveryByteSurvives) {
    for (const auto charset : {latin1, cp1252})
        EXPECT_EQ(utf8_to_single_byte(single_byte_to_utf8(all_bytes(), charset), charset).value(),
                  all_bytes());
}

struct RefusedRow {
    const char* name;
    std::string text;
    SingleByteCharset charset;
    std::size_t offset;
};

TEST(SingleByteCharset, RefusesWhatItCannotHold) {
    const RefusedRow rows[] = {{"a euro sign in Latin-1", "é€", latin1, 2},
                               {"a control character that CP1252 has replaced", "a\u0080", cp1252, 1},
                               {"a letter of another script", "ж", cp1252, 0},
                               {"not UTF-8", "ab\xC3", cp1252, 2}};
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        const auto got = utf8_to_single_byte(row.text, row.charset);
        ASSERT_FALSE(got.has_value());
        EXPECT_EQ(got.error().code, ErrorCode::bad_input);
        EXPECT_EQ(got.error().offset, row.offset);
    }
}

// Computed with Python 3.11: text.encode("utf-16-le"), "utf-16-be".
TEST(Utf16, MatchesPython) {
    const std::string text = "a€é😀\uFEFF";
    const std::string little = "\x61\x00\xac\x20\xe9\x00\x3d\xd8\x00\xde\xff\xfe"s;
    const std::string big = "\x00\x61\x20\xac\x00\xe9\xd8\x3d\xde\x00\xfe\xff"s;
    EXPECT_EQ(utf8_to_utf16(text, Utf16::little_endian).value(), little);
    EXPECT_EQ(utf8_to_utf16(text, Utf16::big_endian).value(), big);
    EXPECT_EQ(utf16_to_utf8(little, Utf16::little_endian).value(), text);
    EXPECT_EQ(utf16_to_utf8(big, Utf16::big_endian).value(), text);
}

TEST(Utf16, SaysWhereItIsDamaged) {
    const auto offset_of = [](const Result<std::string>& got) {
        return got.has_value() ? std::nullopt : got.error().offset;
    };
    const auto big = Utf16::big_endian;
    EXPECT_EQ(offset_of(utf16_to_utf8("\0a\0"s, big)), 3U);
    EXPECT_EQ(offset_of(utf16_to_utf8("\0a\xD8\x00"s, big)), 2U);
    EXPECT_EQ(offset_of(utf16_to_utf8("\xD8\x00\0a"s, big)), 0U);
    EXPECT_EQ(offset_of(utf16_to_utf8("\xDC\x00\xDC\x00"s, big)), 0U);
    EXPECT_EQ(offset_of(utf16_to_utf8("\xD8\x00\xE0\x00"s, big)), 0U);
    EXPECT_EQ(offset_of(utf8_to_utf16("ab\xFF", big)), 2U);
}

TEST(Utf16, ReadsBackWhatWasWritten) {
    EXPECT_TRUE(rc::check([](const std::vector<std::uint32_t>& numbers, bool is_big) {
        std::string text;
        for (const auto number : numbers) append_utf8(text, number % 0x120000);
        const auto order = is_big ? Utf16::big_endian : Utf16::little_endian;
        RC_ASSERT(is_utf8(text));
        RC_ASSERT(utf16_to_utf8(utf8_to_utf16(text, order).value(), order) == text);
    }));
}

struct CodePointRow {
    char32_t value;
    std::string utf8;
};

// RFC 3629 section 3: the edges of each length.
TEST(AppendUtf8, WritesTheShortestForm) {
    const CodePointRow rows[] = {{0, "\0"s},
                                 {0x7F, "\x7F"},
                                 {0x80, "\xC2\x80"},
                                 {0x7FF, "\xDF\xBF"},
                                 {0x800, "\xE0\xA0\x80"},
                                 {0xFFFF, "\xEF\xBF\xBF"},
                                 {0x10000, "\xF0\x90\x80\x80"},
                                 {0x10FFFF, "\xF4\x8F\xBF\xBF"}};
    for (const auto& row : rows) {
        SCOPED_TRACE(static_cast<std::uint32_t>(row.value));
        std::string out;
        append_utf8(out, row.value);
        EXPECT_EQ(out, row.utf8);
        EXPECT_EQ(first_code_point(out + "x").value, row.value);
        EXPECT_EQ(first_code_point(out + "x").length, row.utf8.size());
    }
    for (const auto bad : {char32_t{0xD800}, char32_t{0xDFFF}, char32_t{0x110000}}) {
        std::string out;
        append_utf8(out, bad);
        EXPECT_EQ(out, "\xEF\xBF\xBD");
    }
    EXPECT_EQ(first_code_point("").length, 0U);
    EXPECT_EQ(first_code_point("\xC3").length, 0U);
}

struct NormalRow {
    const char* text;
    const char* nfc;
    const char* nfd;
    const char* nfkc;
};

// Computed with Python 3.11: unicodedata.normalize("NFC", text), "NFD", "NFKC".
TEST(NormalizeUnicode, MatchesPython) {
    const NormalRow rows[] = {
        {"plain ASCII", "plain ASCII", "plain ASCII", "plain ASCII"},
        {"\u00e9", "\u00e9", "e\u0301", "\u00e9"},
        {"e\u0301", "\u00e9", "e\u0301", "\u00e9"},
        {"\ufb01", "\ufb01", "\ufb01", "fi"},
        {"\u212b", "\u00c5", "A\u030a", "\u00c5"},
        {"\u1e9b\u0323", "\u1e9b\u0323", "\u017f\u0323\u0307", "\u1e69"},
        {"\uac00", "\uac00", "\u1100\u1161", "\uac00"},
        {"\u1100\u1161", "\uac00", "\u1100\u1161", "\uac00"},
        {"q\u0307\u0323", "q\u0323\u0307", "q\u0323\u0307", "q\u0323\u0307"},
        {"\u0958", "\u0915\u093c", "\u0915\u093c", "\u0915\u093c"},
        {"\ufdfa", "\ufdfa", "\ufdfa",
         "\u0635\u0644\u0649 \u0627\u0644\u0644\u0647 \u0639\u0644\u064a\u0647 \u0648\u0633\u0644\u0645"},
        {"\u2460", "\u2460", "\u2460", "1"},
        {"\u0f73\u0f71", "\u0f71\u0f71\u0f72", "\u0f71\u0f71\u0f72", "\u0f71\u0f71\u0f72"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.text);
        EXPECT_EQ(normalize_unicode(row.text, NormalForm::nfc).value(), row.nfc);
        EXPECT_EQ(normalize_unicode(row.text, NormalForm::nfd).value(), row.nfd);
        EXPECT_EQ(normalize_unicode(row.text, NormalForm::nfkc).value(), row.nfkc);
    }
    EXPECT_EQ(normalize_unicode("\0é"s, NormalForm::nfd).value(), "\0e\u0301"s);
    EXPECT_EQ(normalize_unicode("é\xFF", NormalForm::nfc).error().offset, 2U);
}

// Ordering half a million marks by exchanging neighbours takes minutes.
TEST(NormalizeUnicode, IsQuickOnALongRunOfMarks) {
    std::string text = "a";
    for (int i = 0; i < 250'000; ++i) text += "\u0307\u0323";
    const auto start = std::chrono::steady_clock::now();
    for (const auto form : {NormalForm::nfc, NormalForm::nfd, NormalForm::nfkc}) {
        const auto got = normalize_unicode(text, form);
        ASSERT_TRUE(got.has_value());
        EXPECT_TRUE(got->ends_with("\u0307\u0307"));
    }
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

}  // namespace
}  // namespace callchain::encoding
