#include "signature/standard_webhooks.hpp"

#include "encoding/base64.hpp"
#include "signature/secret.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace callchain::signature {
namespace {

using namespace std::chrono_literals;
using crypto::HashAlgorithm;
using crypto::HmacKey;

std::vector<HmacKey> keys_of(std::string_view secret) {
    std::vector<HmacKey> keys;
    keys.emplace_back(HashAlgorithm::sha256, read_secret(secret).value().bytes);
    return keys;
}

constexpr std::string_view kSecret = "whsec_RdvaYFYUXuIFuEbvZHwMfYFhUf7aMYjYcmM24+Aj40c=";
constexpr std::string_view kBody =
    R"({"id": "evt_685c059ae3a481909bdc86819b066fb6", "object": "event", "created_at": 1750861210, "type": "response.completed", "data": {"id": "resp_123"}})";
constexpr std::string_view kSignature = "v1,gUAg4R2hWouRZqRQG4uJypNS8YK885G838+EHb4nKBY=";
constexpr WebhookHeaders kHeaders{"wh_685c059ae39c8190af8c71ed1022a24d", "1750861210", kSignature};
constexpr std::chrono::sys_seconds kSentAt{1750861210s};

// openai-python, openai-node, openai-go, openai-ruby, openai-java: the vector of all their test suites.
TEST(CheckWebhook, AcceptsTheVectorOfTheSdks) {
    const auto keys = keys_of(kSecret);
    const auto got = check_webhook(keys, kHeaders, kBody, kSentAt, 300s);
    ASSERT_TRUE(got.has_value());
    EXPECT_TRUE(got->valid());
    EXPECT_EQ(got->key_index, 0U);
    EXPECT_EQ(sign_webhook(keys.front(), kHeaders.id, kHeaders.timestamp, kBody), kSignature);
}

// standard-webhooks and svix test suites: 24-byte key, and the keys whose padding is left off.
TEST(CheckWebhook, AcceptsTheVectorOfStandardWebhooks) {
    const auto keys = keys_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    const WebhookHeaders headers{"msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330",
                                 "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="};
    const auto got =
        check_webhook(keys, headers, R"({"test": 2432232314})", std::chrono::sys_seconds{1614265330s}, 300s);
    ASSERT_TRUE(got.has_value());
    EXPECT_TRUE(got->valid());
    for (const auto* wrong : {"v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=", "v1,", ""}) {
        SCOPED_TRACE(wrong);
        const auto refused =
            check_webhook(keys, {headers.id, headers.timestamp, wrong}, R"({"test": 2432232314})",
                          std::chrono::sys_seconds{1614265330s}, 300s);
        ASSERT_TRUE(refused.has_value());
        EXPECT_EQ(refused->mac, Mac::differs);
    }
}

struct SkewRow {
    const char* name;
    std::chrono::seconds age;
    std::chrono::seconds tolerance;
    Freshness want;
};

// The boundaries that the SDK suites test: exactly the tolerance passes, one second more does not.
TEST(CheckWebhook, JudgesMacAndFreshnessApart) {
    const auto keys = keys_of(kSecret);
    for (const auto& row : {SkewRow{"now", 0s, 300s, Freshness::fresh},
                            SkewRow{"at the tolerance", 300s, 300s, Freshness::fresh},
                            SkewRow{"one second late", 301s, 300s, Freshness::too_old},
                            SkewRow{"at the tolerance, early", -300s, 300s, Freshness::fresh},
                            SkewRow{"one second early", -301s, 300s, Freshness::too_new},
                            SkewRow{"no tolerance, on time", 0s, 0s, Freshness::fresh},
                            SkewRow{"no tolerance, late", 1s, 0s, Freshness::too_old},
                            SkewRow{"no tolerance, early", -1s, 0s, Freshness::too_new}}) {
        SCOPED_TRACE(row.name);
        const auto got = check_webhook(keys, kHeaders, kBody, kSentAt + row.age, row.tolerance);
        ASSERT_TRUE(got.has_value());
        EXPECT_EQ(got->mac, Mac::matches);
        EXPECT_EQ(got->freshness, row.want);
    }
}

TEST(CheckWebhook, SurvivesTimestampsAtTheEdgeOfTime) {
    const auto keys = keys_of(kSecret);
    for (const auto* timestamp : {"0", "9223372036854775807", "1750861210000"}) {
        SCOPED_TRACE(timestamp);
        const auto got = check_webhook(keys, {kHeaders.id, timestamp, kSignature}, kBody, kSentAt, 300s);
        ASSERT_TRUE(got.has_value());
        EXPECT_NE(got->freshness, Freshness::fresh);
    }
}

// "0N" passes in all SDKs and is signed as the text it is; whatever else they take is refused here.
TEST(ParseTimestamp, ReadsDigitsAndNothingElse) {
    EXPECT_EQ(parse_timestamp("01750861210").value().time_since_epoch(), 1750861210s);
    for (const auto* bad : {"", " 1750861210", "1750861210 ", "+1750861210", "-1", "1.5", "1750861210.75",
                            "12x", "1750861210suffix", "99999999999999999999"}) {
        SCOPED_TRACE(bad);
        const auto got = parse_timestamp(bad);
        ASSERT_FALSE(got.has_value());
        EXPECT_EQ(got.error().code, ErrorCode::bad_input);
    }
}

struct HeaderRow {
    const char* name;
    std::string header;
    Mac want;
};

TEST(CheckWebhook, TakesTheHeaderApartAsTheSdksDo) {
    const auto keys = keys_of(kSecret);
    const std::string good(kSignature);
    std::string many;
    for (std::size_t i = 0; i < kMostSignatureParts; ++i) many += "v1,x ";
    for (const auto& row : {HeaderRow{"two parts, as in a rotation", "v1,invalid " + good, Mac::matches},
                            HeaderRow{"a TAB between them (openai-python)",
                                      "v1,invalid\t" + good + " v1,also-invalid", Mac::matches},
                            HeaderRow{"bare", good.substr(3), Mac::matches},
                            HeaderRow{"blanks around", "  " + good + "  ", Mac::matches},
                            HeaderRow{"v1a is another scheme", "v1a," + good.substr(3), Mac::differs},
                            HeaderRow{"v1a beside v1", "v1a,zzzz " + good, Mac::matches},
                            HeaderRow{"joined by a comma", "v1,invalid," + good, Mac::differs},
                            HeaderRow{"padding lost", good.substr(0, good.size() - 1), Mac::differs},
                            HeaderRow{"more than the parts that are looked at", many + good, Mac::differs}}) {
        SCOPED_TRACE(row.name);
        const auto got =
            check_webhook(keys, {kHeaders.id, kHeaders.timestamp, row.header}, kBody, kSentAt, 300s);
        ASSERT_TRUE(got.has_value());
        EXPECT_EQ(got->mac, row.want);
    }
    EXPECT_TRUE(has_only_ed25519("v1a,abc v1a,def"));
    EXPECT_FALSE(has_only_ed25519("v1a,abc v1,def"));
    EXPECT_FALSE(has_only_ed25519(""));
}

TEST(CheckWebhook, NamesTheKeyThatFits) {
    std::vector<HmacKey> keys;
    keys.emplace_back(HashAlgorithm::sha256, "another");
    keys.emplace_back(HashAlgorithm::sha256, read_secret(kSecret).value().bytes);
    EXPECT_EQ(check_webhook(keys, kHeaders, kBody, kSentAt, 300s).value().key_index, 1U);
    EXPECT_EQ(check_webhook({}, kHeaders, kBody, kSentAt, 300s).value().mac, Mac::differs);
}

TEST(CheckWebhook, AcceptsWhatSignWebhookSignsAndNothingElse) {
    EXPECT_TRUE(
        rc::check("sign then check", [](const std::string& key_bytes, const std::string& id,
                                        const std::string& body, std::uint32_t time, std::uint8_t flip) {
            std::vector<HmacKey> keys;
            keys.emplace_back(HashAlgorithm::sha256, key_bytes);
            const std::string timestamp = std::to_string(time);
            const auto header = sign_webhook(keys.front(), id, timestamp, body);
            const std::chrono::sys_seconds now{std::chrono::seconds(time)};
            RC_ASSERT(check_webhook(keys, {id, timestamp, header}, body, now, 0s).value().valid());
            std::string altered = body + "x";
            altered[flip % altered.size()] = static_cast<char>(altered[flip % altered.size()] ^ 1);
            RC_ASSERT(!check_webhook(keys, {id, timestamp, header}, altered, now, 0s).value().valid());
        }));
}

}  // namespace
}  // namespace callchain::signature
