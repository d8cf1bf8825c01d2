#include "signature/secret.hpp"

#include "encoding/base64.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace callchain::signature {
namespace {

// Key bytes 00 to 1f; base64 and SHA-256 by coreutils.
constexpr std::string_view kSecret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
constexpr std::string_view kFingerprint = "630dcd29";

std::vector<std::string> hints_of(std::string_view text) {
    const auto key = read_secret(text);
    if (!key) return {"error"};
    return {key->hints.begin(), key->hints.end()};
}

struct ReadRow {
    const char* name;
    std::string text;
    std::vector<std::string> hints;
};

// The cases of the SDKs' own suites (openai-go, openai-ruby, openai-node, standard-webhooks), read as
// documented here.
TEST(ReadSecret, ReadsStrictlyButForPaddingTrailingBitsAndLength) {
    const std::string secret(kSecret);
    for (const auto& row :
         {ReadRow{"the expected shape", secret, {}},
          ReadRow{"padding left off", secret.substr(0, secret.size() - 1), {"secret_padding_lost"}},
          ReadRow{"one byte", "whsec_Zg==", {"secret_short"}},
          ReadRow{"one byte, half of the padding", "whsec_Zg=", {"secret_padding_lost", "secret_short"}},
          ReadRow{"trailing bits set (go: not canonical)",
                  "whsec_RdvaYFYUXuIFuEbvZHwMfYFhUf7aMYjYcmM24+Aj40d=",
                  {"secret_not_canonical"}},
          ReadRow{"no prefix", secret.substr(6), {"secret_prefix_missing"}},
          ReadRow{"raw text beyond ASCII (node)", "sëcret-✓-🔑", {"secret_prefix_missing"}},
          ReadRow{"blank in front hides the prefix", " " + secret, {"secret_prefix_missing"}},
          ReadRow{"too much padding", "whsec_Zg===", {"error"}},
          ReadRow{"a single left-over character (python)", "whsec_a", {"error"}},
          ReadRow{"line end inside (go)", "whsec_AAEC\nAwQF", {"error"}},
          ReadRow{"line end behind", secret + "\n", {"error"}},
          ReadRow{"URL-safe alphabet", "whsec_-_-_", {"error"}},
          ReadRow{"nothing behind the prefix", "whsec_", {"error"}},
          ReadRow{"padding alone", "whsec_====", {"error"}}, ReadRow{"empty", "", {"error"}}}) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(hints_of(row.text), row.hints);
    }
}

TEST(ReadSecret, NeverQuotesTheSecretInAnError) {
    for (const auto* text : {"whsec_!!!!SECRETSECRET", "whsec_QUJDREVGR0hJSktMTU5P===="}) {
        const auto key = read_secret(text);
        ASSERT_FALSE(key.has_value());
        EXPECT_EQ((key.error().message + key.error().hint).find(std::string_view(text).substr(8, 8)),
                  std::string::npos);
    }
}

TEST(SplitSecretList, SplitsAtCommasAndLineEndsAndKeepsDirtOfOne) {
    using List = std::vector<std::string>;
    EXPECT_EQ(split_secret_list("a,b"), (List{"a", "b"}));
    EXPECT_EQ(split_secret_list(" a , b\n\nc\r\n"), (List{"a", "b", "c"}));
    EXPECT_EQ(split_secret_list("whsec_x\n"), (List{"whsec_x\n"}));
    EXPECT_EQ(split_secret_list(" whsec_x "), (List{" whsec_x "}));
    EXPECT_EQ(split_secret_list("whsec_x,"), (List{"whsec_x,"}));
    EXPECT_EQ(split_secret_list("v1,whsec_x"),
              (List{"v1,whsec_x"}));  // a signature's version in front, not a list
    EXPECT_EQ(split_secret_list(""), (List{""}));
}

TEST(MaskSecret, ShowsOnlyWhatTheContractAllows) {
    EXPECT_EQ(mask_secret(kSecret), "whsec_AAEC…wdHh8=");
    // The mask that the Flask service logged for a secret with these ends.
    EXPECT_EQ(mask_secret("whsec_16sl" + std::string(34, 'x') + "076DY="), "whsec_16sl…076DY=");
    EXPECT_EQ(mask_secret(std::string(39, 'a')), "aaaaaaa…aa");
    EXPECT_EQ(mask_secret(std::string(24, 'a')), "aaaaaaa…aa");
    EXPECT_EQ(mask_secret(std::string(23, 'a')), "");
    EXPECT_EQ(mask_secret("\x1b[31m" + std::string(40, 'a')), "\\x1b[31maaaaa…aaaaaa");
}

TEST(Fingerprint, IsOfTheDecodedKeyWithTheWrappingOff) {
    EXPECT_EQ(fingerprint(kSecret), kFingerprint);
    EXPECT_EQ(fingerprint("  \"" + std::string(kSecret) + "\"\n"), kFingerprint);
    EXPECT_EQ(fingerprint("raw text"), "");
    EXPECT_EQ(fingerprint("whsec_!"), "");
}

std::vector<std::string> lint_codes(std::string_view text) {
    std::vector<std::string> codes;
    for (const auto& remark : lint_secret(text)) codes.emplace_back(remark.code);
    return codes;
}

struct LintRow {
    const char* name;
    std::string text;
    std::vector<std::string> codes;
};

TEST(LintSecret, NamesEverythingOddWithoutTheSecret) {
    const std::string secret(kSecret);
    for (const auto& row :
         {LintRow{"clean", secret, {}},
          LintRow{"quoted, with a line end",
                  "\"" + secret + "\"\n",
                  {"secret_trailing_newline", "secret_quoted"}},
          LintRow{"assignment with a comment",
                  "export OPENAI_WEBHOOK_SECRET=" + secret + " # prod",
                  {"secret_env_assignment", "secret_comment_tail"}},
          LintRow{"zero width space",
                  secret.substr(0, 9) + "\u200B" + secret.substr(9),
                  {"secret_invisible_character"}},
          LintRow{"cut by hand: 34 characters",
                  "whsec_" + std::string(34, 'A'),
                  {"secret_padding_lost", "secret_case_folded"}},
          LintRow{"24 bytes, legal and unusual",
                  "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                  {"secret_unexpected_length"}},
          LintRow{"API key", "sk-proj-abcdefghijklmnopqrstuvwxyz", {"secret_is_api_key"}},
          LintRow{"Twilio token", "0123456789abcdef0123456789abcdef", {"secret_is_twilio_token"}},
          LintRow{"Twilio token in capitals", "0123456789ABCDEF0123456789ABCDEF", {"secret_is_twilio_token"}},
          LintRow{"one '=' too many", secret + "=", {"secret_padding_extra", "secret_unreadable"}},
          LintRow{"URL-safe alphabet", "whsec_-_" + secret.substr(8), {"secret_base64url"}},
          LintRow{"an escape of JSON", "whsec_\\u0041" + secret.substr(7), {"secret_json_quoted"}},
          LintRow{
              "an escape that is none of JSON", "whsec_\\u00zz" + secret.substr(12), {"secret_unreadable"}},
          LintRow{"prefix in capitals", "WHSEC_" + secret.substr(6), {"secret_prefix_case"}},
          LintRow{"prefix missing", secret.substr(6), {"secret_prefix_missing"}},
          LintRow{"blank quotes", " \"\" ", {"secret_empty"}},
          LintRow{"no base64", "whsec_!!!", {"secret_unreadable"}}}) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(lint_codes(row.text), row.codes);
        for (const auto& remark : lint_secret(row.text))
            EXPECT_EQ(remark.detail.find("DA0ODxAR"), std::string::npos);
    }
}

TEST(LintSecret, TerminatesOnAnythingAndNeverShowsIt) {
    EXPECT_TRUE(rc::check("lint of any text", [](const std::string& text) {
        for (const auto& remark : lint_secret(text)) {
            RC_ASSERT(!remark.code.empty());
            if (text.size() > 20) RC_ASSERT(remark.detail.find(text) == std::string::npos);
        }
    }));
}

TEST(ReadSecret, ReadsBackEveryKeyThatWasEncoded) {
    EXPECT_TRUE(rc::check("whsec_ + base64(key)", [](const std::string& key) {
        RC_PRE(!key.empty());
        const auto got = read_secret("whsec_" + encoding::to_base64(key));
        RC_ASSERT(got.has_value());
        RC_ASSERT(got->bytes == key);
    }));
}

}  // namespace
}  // namespace callchain::signature
