#include "simulator/openai_endpoints.hpp"

#include "encoding/json_text.hpp"
#include "openai/call.hpp"
#include "openai/webhook_endpoints.hpp"
#include "signature/secret.hpp"
#include "signature/standard_webhooks.hpp"

#include <gtest/gtest.h>

namespace callchain::simulator {
namespace {

using namespace std::chrono_literals;
using Action = EndpointTarget::Action;
using std::chrono::sys_seconds;

// Source: the secrets of the suites of OpenAI's SDKs and of Standard Webhooks.
const std::string kSecret = "whsec_RdvaYFYUXuIFuEbvZHwMfYFhUf7aMYjYcmM24+Aj40c=";
const std::string kOtherSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const std::string kThirdSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
constexpr sys_seconds kNow{1'750'861'210s};

Subscription endpoint() {
    auto made = Subscription::make(kSecret, kNow);
    EXPECT_TRUE(made.has_value());
    made->id = "whe_1";
    made->event_types = {"realtime.call.incoming"};
    return *std::move(made);
}

// Which of the three secrets, in that order, a delivery of that time verifies with.
std::string verified_by(const Subscription& one, sys_seconds when) {
    const auto request = make_delivery({.url = "http://127.0.0.1:9/",
                                        .webhook_id = "wh_1",
                                        .body = "{}",
                                        .signed_body = "{}",
                                        .timestamp = when},
                                       one.keys(when));
    webhook::Headers headers;
    headers.fields = request.headers;
    std::string labels;
    for (const auto& [label, secret] :
         {std::pair("a", kSecret), std::pair("b", kOtherSecret), std::pair("c", kThirdSecret)}) {
        std::vector<crypto::HmacKey> keys;
        keys.emplace_back(crypto::HashAlgorithm::sha256, signature::read_secret(secret)->bytes);
        const auto check =
            signature::check_webhook(keys,
                                     {*headers.find("webhook-id"), *headers.find("webhook-timestamp"),
                                      *headers.find("webhook-signature")},
                                     request.body, when, 300s);
        if (check && check->valid()) labels += label;
    }
    return labels;
}

TEST(Subscription, SignsWithTheOldSecretForADayWhereItIsKept) {
    auto one = endpoint();
    EXPECT_EQ(verified_by(one, kNow), "a");
    ASSERT_TRUE(one.rotate(kOtherSecret, Subscription::OldSecret::kept_24_hours, kNow).has_value());
    EXPECT_EQ(verified_by(one, kNow), "ab");
    EXPECT_EQ(verified_by(one, kNow + 24h - 1s), "ab");
    EXPECT_EQ(verified_by(one, kNow + 24h), "b");
    ASSERT_TRUE(one.rotate(kThirdSecret, Subscription::OldSecret::kept_24_hours, kNow + 1h).has_value());
    EXPECT_EQ(verified_by(one, kNow + 2h), "abc");
    EXPECT_EQ(verified_by(one, kNow + 24h), "bc");
}

TEST(Subscription, EndsEveryOldSecretAtOnceWhereNoneIsKept) {
    auto one = endpoint();
    ASSERT_TRUE(one.rotate(kOtherSecret, Subscription::OldSecret::kept_24_hours, kNow).has_value());
    ASSERT_TRUE(one.rotate(kThirdSecret, Subscription::OldSecret::dropped, kNow + 60s).has_value());
    EXPECT_EQ(verified_by(one, kNow + 60s), "c");
    EXPECT_EQ(one.created_at, kNow);
    EXPECT_EQ(one.updated_at, kNow + 60s);
}

TEST(Subscription, KeepsItsSecretWhereTheNewOneIsNone) {
    auto one = endpoint();
    EXPECT_FALSE(one.rotate("whsec_!", Subscription::OldSecret::dropped, kNow).has_value());
    EXPECT_EQ(verified_by(one, kNow), "a");
}

TEST(Subscription, ShowsItsSecretWhereItIsToBeShownAlone) {
    const auto one = endpoint();
    const auto hidden = encoding::parse_json_text(one.to_json(Subscription::Secret::hidden));
    ASSERT_TRUE(hidden.has_value());
    EXPECT_EQ(hidden->find("signing_secret"), nullptr);
    EXPECT_EQ(hidden->find("object")->text, "webhook_endpoint");
    const auto shown = encoding::parse_json_text(one.to_json(Subscription::Secret::shown));
    ASSERT_TRUE(shown.has_value());
    EXPECT_EQ(shown->find("signing_secret")->text, kSecret);
}

TEST(MaskAsHint, ShowsEnoughToTellTwoSecretsApartAndNoMore) {
    EXPECT_EQ(mask_as_hint(kSecret), "whsec_Rdva...40c=");
    EXPECT_EQ(openai::compare_hint(mask_as_hint(kSecret), kSecret).fit, openai::HintFit::fits);
    EXPECT_EQ(openai::compare_hint(mask_as_hint(kSecret), kOtherSecret).fit, openai::HintFit::differs);
    EXPECT_EQ(mask_as_hint("whsec_c2hvcnQ="), "...");
    EXPECT_EQ(mask_as_hint("no prefix, and the text itself is the key"), "...");
}

TEST(ReadEndpointTarget, KnowsThePathsOfTheReference) {
    struct Row {
        const char* method = "";
        const char* path = "";
        std::optional<Action> want = std::nullopt;
    };
    for (const auto& row : {
             Row{"GET", "/v1/webhook_endpoints", Action::list},
             Row{"POST", "/v1/webhook_endpoints", Action::create},
             Row{"GET", "/v1/webhook_endpoints/whe_1", Action::read},
             Row{"POST", "/v1/webhook_endpoints/whe_1", Action::update},
             Row{"DELETE", "/v1/webhook_endpoints/whe_1", Action::remove},
             Row{"POST", "/v1/webhook_endpoints/whe_1/test", Action::test},
             Row{"POST", "/v1/webhook_endpoints/whe_1/rotate_secret", Action::rotate_secret},
             Row{"GET", "/v1/webhook_endpoints/whe_1/test", std::nullopt},
             Row{"PUT", "/v1/webhook_endpoints/whe_1", std::nullopt},
             Row{"GET", "/v1/webhook_endpoints/", std::nullopt},
             Row{"POST", "/v1/webhook_endpoints/whe_1/test/again", std::nullopt},
             Row{"GET", "/v1/webhook_endpointsx", std::nullopt},
             Row{"GET", "/v1/webhooks", std::nullopt},
         }) {
        SCOPED_TRACE(std::string(row.method) + " " + row.path);
        const auto got = read_endpoint_target(row.method, row.path);
        EXPECT_EQ(got ? std::optional(got->action) : std::nullopt, row.want);
        if (got && *row.want != Action::list && *row.want != Action::create) {
            EXPECT_EQ(got->id, "whe_1");
        }
    }
}

TEST(WriteSampleEvent, OfACallIsOneThatAServiceReads) {
    const auto event = openai::read_call_event(write_sample_event("realtime.call.incoming", "seed", kNow));
    ASSERT_TRUE(event.has_value());
    EXPECT_TRUE(event->call_id.starts_with("rtc_"));
    EXPECT_FALSE(event->sip_headers.empty());
}

TEST(WriteSampleEvent, OfAnythingElseNamesItsSubject) {
    const auto event = encoding::parse_json_text(write_sample_event("batch.completed", "seed", kNow));
    ASSERT_TRUE(event.has_value());
    EXPECT_EQ(event->find("type")->text, "batch.completed");
    EXPECT_EQ(event->find("created_at")->text, "1750861210");
    EXPECT_TRUE(event->find("data")->find("id")->text.starts_with("batch_"));
}

}  // namespace
}  // namespace callchain::simulator
