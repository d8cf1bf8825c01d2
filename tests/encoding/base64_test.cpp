#include "encoding/base64.hpp"

#include <gtest/gtest.h>
#include <optional>
#include <rapidcheck.h>

namespace callchain::encoding {
namespace {

using namespace std::string_literals;

struct VectorRow {
    const char* bytes;
    const char* base64;
};

// RFC 4648 section 10.
constexpr VectorRow kRfc4648[] = {{"", ""},
                                  {"f", "Zg=="},
                                  {"fo", "Zm8="},
                                  {"foo", "Zm9v"},
                                  {"foob", "Zm9vYg=="},
                                  {"fooba", "Zm9vYmE="},
                                  {"foobar", "Zm9vYmFy"}};

TEST(ToBase64, MatchesRfc4648) {
    for (const auto& row : kRfc4648) {
        SCOPED_TRACE(row.base64);
        EXPECT_EQ(to_base64(row.bytes), row.base64);
        EXPECT_EQ(to_base64url(row.bytes), row.base64);
    }
    EXPECT_EQ(to_base64("\xFB\xEF\xFF"), "++//");  // 62 and 63: the sextets of which the alphabets differ
    EXPECT_EQ(to_base64url("\xFB\xEF\xFF"), "--__");
}

TEST(ParseBase64, MatchesRfc4648) {
    for (const auto& row : kRfc4648) {
        SCOPED_TRACE(row.base64);
        EXPECT_EQ(parse_base64(row.base64).value(), row.bytes);
    }
}

struct RefusedRow {
    const char* name;
    std::string text;
    std::size_t offset;
};

// The middle four are the payloads that openai-ruby's tests refuse behind "whsec_".
TEST(ParseBase64, RefusesWhatIsNotCanonicalAndSaysWhere) {
    const RefusedRow rows[] = {
        {"one padding character lost", "Zg=", 3},
        {"one padding character too many", "Zg===", 4},
        {"no padding", "Zg", 2},
        {"padding where none is due", "Zm9v=", 4},
        {"bits behind the last byte", "Zh==", 1},
        {"bits behind the last two bytes", "Zm9=", 2},
        {"the SDKs' test secret with its last character raised",
         "RdvaYFYUXuIFuEbvZHwMfYFhUf7aMYjYcmM24+Aj40d=", 42},
        {"a single character", "Z", 0},
        {"a character lost from the last group", "Zm9vY", 4},
        {"a line feed inside", "Zm9v\nYmFy", 4},
        {"a line feed behind", "Zm9v\n", 4},
        {"a line feed behind the padding", "Zg==\n", 4},
        {"a blank before", " Zm9v", 0},
        {"url-safe characters", "Zm-_", 2},
        {"a NUL", "Zm9v\0"s, 4},
        {"a byte above ASCII", "Zm9\xFF", 3},
        {"two values joined", "Zg==Zg==", 4},
        {"padding first", "=", 0},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        const auto got = parse_base64(row.text);
        ASSERT_FALSE(got.has_value());
        EXPECT_EQ(got.error().code, ErrorCode::bad_input);
        EXPECT_EQ(got.error().offset, row.offset);
        EXPECT_FALSE(got.error().hint.empty());
    }
}

TEST(ParseBase64, AcceptsTheSecretsThatSdkTestsAccept) {
    EXPECT_EQ(parse_base64("Zg==").value(), "f");
    EXPECT_EQ(parse_base64("eA==").value(), "x");
    EXPECT_EQ(parse_base64("YmluYXJ5AP+Ad2ViaG9vayBzZWNyZXQ=").value(), "binary\0\xFF\x80webhook secret"s);
    EXPECT_EQ(parse_base64("RdvaYFYUXuIFuEbvZHwMfYFhUf7aMYjYcmM24+Aj40c=").value().size(), 32U);
}

TEST(ParseBase64, NeverQuotesTheTextInAnError) {
    const std::string secret = "RdvaYFYUXuIFuEbvZHwMfYFhUf7aMYjYcmM24+Aj40";
    for (const std::string& tail : {""s, "="s, "c"s, "d="s, "c=="s, "\n"s, "c=Zg"s, "*"s}) {
        SCOPED_TRACE(tail);
        const auto got = parse_base64(secret + tail);
        ASSERT_FALSE(got.has_value());
        const std::string said = got.error().message + got.error().hint;
        for (std::size_t at = 0; at + 4 <= secret.size(); ++at)
            EXPECT_EQ(said.find(secret.substr(at, 4)), std::string::npos);
    }
}

struct NodeRow {
    std::string text;
    std::string bytes;
};

// Computed with Node 20: Buffer.from(text, 'base64').toString('hex').
TEST(ParseBase64, ReadsAsNodeDoes) {
    const NodeRow rows[] = {
        {"", ""},
        {"Zg==", "f"},
        {"Zg=", "f"},
        {"Zg===", "f"},
        {"Zg", "f"},
        {"Zm9v=", "foo"},
        {"Zm9v\nYmFy", "foobar"},
        {"Zm9v YmFy\t", "foobar"},
        {"Zm-_", "fo\xBF"},
        {"Zm+/", "fo\xBF"},
        {"Z", ""},
        {"Zm9vY", "foo"},
        {"Zg==Zm9v", "f"},
        {"Z!g=x", "f"},
        {"=Zg==", ""},
        {"Zm9vY=mFy", "foo"},
        {"Zh==", "f"},
        {"Zm9=", "fo"},
        {"whsec_Zg==", "\xC2\x1B\x1E\x73\xF6\x60"},
        {"\"Zm9v\"", "foo"},
        {"Zm9v\0Zm9v"s, "foofoo"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.text);
        EXPECT_EQ(parse_base64(row.text, kNodeBase64), row.bytes);
    }
}

struct RulesRow {
    const char* name;
    std::string text;
    std::optional<std::string> want;
};

// Computed with Python 3.11: base64.b64decode(text).
TEST(ParseBase64, ReadsAsPythonDoes) {
    constexpr Base64Rules kPython{Base64Rules::Alphabet::standard, Base64Rules::Padding::required,
                                  Base64Rules::TrailingBits::ignored, Base64Rules::ForeignBytes::skipped,
                                  Base64Rules::AfterPadding::ignored};
    const RulesRow rows[] = {
        {"exact", "Zg==", "f"},
        {"a padding character lost", "Zg=", std::nullopt},
        {"an added padding character", "Zg===", "f"},
        {"no padding", "Zg", std::nullopt},
        {"padding where none is due", "Zm9v=", "foo"},
        {"a line feed inside", "Zm9v\nYmFy", "foobar"},
        {"url-safe characters are dropped", "Zm-_", std::nullopt},
        {"a single character", "Z", std::nullopt},
        {"a character lost from the last group", "Zm9vY", std::nullopt},
        {"two values joined", "Zg==Zm9v", "f"},
        {"quotes", "\"Zm9v\"", "foo"},
        {"not canonical", "Zh==", "f"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        const auto got = parse_base64(row.text, kPython);
        ASSERT_EQ(got.has_value(), row.want.has_value());
        EXPECT_EQ(got.value_or(""), row.want.value_or(""));
    }
}

TEST(ParseBase64, TakesEachRuleByItself) {
    using Rules = Base64Rules;
    const auto accepts = [](const Rules& rules, std::string_view text) {
        return parse_base64(text, rules).has_value();
    };
    const Rules url_safe{.alphabet = Rules::Alphabet::url_safe};
    EXPECT_TRUE(accepts(url_safe, "Zm-_"));
    EXPECT_FALSE(accepts(url_safe, "Zm+/"));
    const Rules either{.alphabet = Rules::Alphabet::either};
    EXPECT_TRUE(accepts(either, "Zm-/"));
    const Rules optional{.padding = Rules::Padding::optional};
    EXPECT_TRUE(accepts(optional, "Zg"));
    EXPECT_TRUE(accepts(optional, "Zg="));
    EXPECT_FALSE(accepts(optional, "Zg==="));
    const Rules excess{.padding = Rules::Padding::excess_allowed};
    EXPECT_TRUE(accepts(excess, "Zm9v===="));
    EXPECT_TRUE(accepts(excess, "Zg"));
    EXPECT_FALSE(accepts(excess, "Zg==Zg"));
    const Rules any_bits{.trailing_bits = Rules::TrailingBits::ignored};
    EXPECT_TRUE(accepts(any_bits, "Zh=="));
    EXPECT_FALSE(accepts(any_bits, "Zh"));
    const Rules skipping{.foreign_bytes = Rules::ForeignBytes::skipped};
    EXPECT_TRUE(accepts(skipping, " Zg =\n=\n"));
    EXPECT_FALSE(accepts(skipping, "Zg==Zg=="));
    const Rules ending{.after_padding = Rules::AfterPadding::ignored};
    EXPECT_TRUE(accepts(ending, "Zg==\n{}"));
    EXPECT_FALSE(accepts(ending, "Zg=\n"));
}

TEST(ParseBase64, ReadsBackWhatWasWritten) {
    EXPECT_TRUE(rc::check([](const std::string& bytes) {
        RC_ASSERT(parse_base64(to_base64(bytes)) == bytes);
        RC_ASSERT(parse_base64(to_base64url(bytes), {.alphabet = Base64Rules::Alphabet::url_safe}) == bytes);
    }));
}

TEST(ParseBase64, StrictAcceptsOnlyWhatItWouldWrite) {
    EXPECT_TRUE(rc::check([] {
        const auto text =
            *rc::gen::container<std::string>(rc::gen::element('A', 'Q', 'g', 'w', '/', '=', '-', '\n'));
        const auto strict = parse_base64(text);
        if (strict) RC_ASSERT(to_base64(*strict) == text);
        const auto node = parse_base64(text, kNodeBase64);
        RC_ASSERT(node.has_value());
        if (strict) RC_ASSERT(*node == *strict);
    }));
}

}  // namespace
}  // namespace callchain::encoding
