#include "config/env_file.hpp"

#include <gtest/gtest.h>

namespace callchain::config {
namespace {

TEST(ParseEnvFile, ReadsPlainAndQuotedValues) {
    const auto got = parse_env_file(
        "\xEF\xBB\xBF# a comment\r\nA=1\r\n\nexport B = two words # tail\nC=\"x\\n\\\"y\\\"\" # "
        "tail\nD='$raw\\n'\nE=\nF=a#b\nG=whsec_a==\n");
    ASSERT_TRUE(got.has_value()) << got.error().message;
    const Assignments want{{"A", "1"}, {"B", "two words"}, {"C", "x\n\"y\""}, {"D", "$raw\\n"},
                           {"E", ""},  {"F", "a#b"},       {"G", "whsec_a=="}};
    EXPECT_EQ(*got, want);
}

TEST(ParseEnvFile, NamesTheLineAndNeverTheValue) {
    for (const auto* bad : {"A=1\nsecretsecret\n", "A=1\n1X=secretsecret", "A=1\nB=\"secretsecret\n",
                            "A=1\nB='x' secretsecret\n"}) {
        SCOPED_TRACE(bad);
        const auto got = parse_env_file(bad);
        ASSERT_FALSE(got.has_value());
        EXPECT_EQ(got.error().code, ErrorCode::bad_input);
        EXPECT_TRUE(got.error().message.starts_with("line 2: ")) << got.error().message;
        EXPECT_EQ(got.error().message.find("secretsecret"), std::string::npos);
    }
}

TEST(WriteEnvFile, IsReadAgainAsItWas) {
    const Assignments hard{{"A", "plain"}, {"B", ""},           {"C", "\"quoted\""},  {"D", " blanks "},
                           {"E", "a #b"},  {"F", "x\n\r\ty"},   {"G", "back\\slash"}, {"H", "$HOME `id`"},
                           {"I", "it's"},  {"J", "ol\xC3\xA1"}, {"K", "whsec_a+/=="}};
    const auto got = parse_env_file(write_env_file(hard));
    ASSERT_TRUE(got.has_value()) << got.error().message;
    EXPECT_EQ(*got, hard);
}

TEST(WriteEnvFile, QuotesWhatNeedsItAlone) {
    EXPECT_EQ(write_env_file({{"A", "https://a.example/v1"}, {"B", "two words"}}),
              "A=https://a.example/v1\nB=\"two words\"\n");
}

}  // namespace
}  // namespace callchain::config
