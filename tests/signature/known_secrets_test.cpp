#include "signature/known_secrets.hpp"

#include "encoding/base64.hpp"

#include <gtest/gtest.h>

namespace callchain::signature {
namespace {

// 33 bytes, so that '+' and '/' stand in it and no padding does.
const std::string kBase64 = "ab/c+dEFgh12IJkl34MNop56/QRst78+UVwx90YZabcd";

KnownSecrets known(const std::string& text) {
    const std::vector<LabelledSecret> secrets{{"one", text}};
    return KnownSecrets(secrets);
}

TEST(KnownSecrets, WithholdsASecretHoweverItIsWritten) {
    const auto secrets = known("whsec_" + kBase64);
    struct Row {
        const char* name;
        std::string text;
        std::string shown;
    };
    for (const auto& row :
         {Row{"whole", "a whsec_" + kBase64 + " b", "a whsec_[withheld] b"},
          Row{"bare", kBase64, "[withheld]"},
          Row{"as PHP's json_encode writes it", "ab\\/c+dEFgh12IJkl34MNop56\\/QRst78+UVwx90YZabcd",
              "[withheld]"},
          Row{"JSON escapes", "ab\\u002fc\\u002BdEFgh12IJkl34MNop56\\u002fQRst78+UVwx90YZabcd", "[withheld]"},
          Row{"in a URL", "x=ab%2Fc%2bdEFgh12IJkl34MNop56%2FQRst78%2BUVwx90YZabcd&y", "x=[withheld]&y"},
          Row{"in HTML", "ab&#x2F;c&#43;dEFgh12IJkl34MNop56&#47;QRst78+UVwx90YZabcd", "[withheld]"},
          Row{"in HTML, with zeros in front",
              "ab&#x02F;c&#0043;dEFgh12IJkl34MNop56&#x002f;QRst78+UVwx90YZabcd", "[withheld]"},
          Row{"what is no reference of HTML", "ab&#x;c+dEFgh12 ab&#xzz;c+dEFgh12 ab&#4 7;c+dEFgh12 ab&#-47;",
              "ab&#x;c+dEFgh12 ab&#xzz;c+dEFgh12 ab&#4 7;c+dEFgh12 ab&#-47;"},
          Row{"U+1F52F ends in 2F and is no '/'", "ab&#x1F52F;c+dEFgh12 &#128303;",
              "ab&#x1F52F;c+dEFgh12 &#128303;"},
          Row{"URL-safe alphabet", "ab_c-dEFgh12IJkl34MNop56_QRst78-UVwx90YZabcd", "[withheld]"},
          Row{"its first twelve characters", "ab/c+dEFgh12!", "[withheld]!"},
          Row{"its last eleven", "!Vwx90YZabcd", "!Vwx90YZabcd"},
          Row{"its last twelve", "!UVwx90YZabcd", "![withheld]"},
          Row{"the middle", "<IJkl34MNop56/QRst7>", "<[withheld]>"},
          Row{"eleven characters are too few", "ab/c+dEFgh1", "ab/c+dEFgh1"},
          Row{"many times", kBase64 + kBase64 + ";" + kBase64, "[withheld][withheld];[withheld]"},
          Row{"nothing of it", "a body without any \\/ secret %41", "a body without any \\/ secret %41"},
          Row{"empty", "", ""}}) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(secrets.withhold(row.text), row.shown);
    }
}

TEST(KnownSecrets, WithholdsTheKeyInHex) {
    std::string key(32, '\0');
    for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<char>(i * 7);
    const auto secrets = known("whsec_" + encoding::to_base64(key));
    EXPECT_EQ(secrets.withhold("key 00070e151c232a31383f464d545b62697077\n"), "key [withheld]\n");
    EXPECT_EQ(secrets.withhold("KEY 00070E151C232A31383F464D545B62697077\n"), "KEY [withheld]\n");
}

TEST(KnownSecrets, WithholdsAPassphrase) {
    const auto secrets = known("my-raw-passphrase-of-old");
    EXPECT_EQ(secrets.withhold("got my-raw-passphrase-of-old"), "got [withheld]");
    EXPECT_EQ(secrets.withhold("got raw-passphrase-"), "got [withheld]");
}

TEST(KnownSecrets, LeavesTextAloneWhereThereIsNoSecretOrAShortOne) {
    EXPECT_EQ(KnownSecrets().withhold("anything"), "anything");
    EXPECT_EQ(known("short").withhold("short and shorter"), "short and shorter");
    EXPECT_EQ(known("ninechars").withhold("so ninechars it is"), "so [withheld] it is");
}

}  // namespace
}  // namespace callchain::signature
