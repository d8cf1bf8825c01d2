#include "crypto/hash.hpp"

#include "encoding/text_codings.hpp"

#include <gtest/gtest.h>

namespace callchain::crypto {
namespace {

std::string hex(const Digest& digest) { return encoding::to_hex(digest.view()); }

// FIPS 180-4 examples and RFC 1321 appendix A.5, message "abc".
TEST(Hash, MatchesPublishedExamples) {
    EXPECT_EQ(hex(hash(HashAlgorithm::md5, {"abc"})), "900150983cd24fb0d6963f7d28e17f72");
    EXPECT_EQ(hex(hash(HashAlgorithm::sha1, {"a", "bc"})), "a9993e364706816aba3e25717850c26c9cd0d89d");
    EXPECT_EQ(hex(hash(HashAlgorithm::sha256, {"ab", "", "c"})),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(hex(hash(HashAlgorithm::sha512, {"abc"})).substr(0, 32), "ddaf35a193617abacc417349ae204131");
    EXPECT_EQ(hex(hash(HashAlgorithm::sha512_256, {"abc"})),
              "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23");
}

struct HmacRow {
    const char* name;
    std::string key;
    std::string message;
    const char* sha256;
};

// RFC 4231 sections 4.2, 4.3, 4.7 and 4.8.
TEST(HmacKey, MatchesRfc4231) {
    const HmacRow rows[] = {
        {"case 1", std::string(20, '\x0b'), "Hi There",
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {"case 2", "Jefe", "what do ya want for nothing?",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {"case 6, a key longer than a block", std::string(131, '\xaa'),
         "Test Using Larger Than Block-Size Key - Hash Key First",
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
        {"case 7", std::string(131, '\xaa'),
         "This is a test using a larger than block-size key and a larger than block-size data. The key needs "
         "to "
         "be hashed before being used by the HMAC algorithm.",
         "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        const HmacKey key(HashAlgorithm::sha256, row.key);
        EXPECT_EQ(hex(key.sign({row.message})), row.sha256);
        EXPECT_EQ(hex(key.sign({row.message.substr(0, 3), row.message.substr(3)})), row.sha256);
    }
}

// RFC 2202 section 3 case 2; RFC 4231 section 4.3.
TEST(HmacKey, SignsWithTheOtherAlgorithms) {
    EXPECT_EQ(hex(HmacKey(HashAlgorithm::sha1, "Jefe").sign({"what do ya want for nothing?"})),
              "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    EXPECT_EQ(
        hex(HmacKey(HashAlgorithm::sha512, "Jefe").sign({"what do ya want for nothing?"})).substr(0, 32),
        "164b7a7bfcf819e2e395fbe73b56e0a3");
}

TEST(EqualInConstantTime, ComparesWholeValues) {
    EXPECT_TRUE(equal_in_constant_time("", ""));
    EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
    EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
    EXPECT_FALSE(equal_in_constant_time("abc", "ab"));
}

}  // namespace
}  // namespace callchain::crypto
