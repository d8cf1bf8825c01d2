#include "webhook/replay.hpp"

#include "encoding/base64.hpp"
#include "signature/standard_webhooks.hpp"
#include "webhook/diff.hpp"

#include <gtest/gtest.h>

namespace callchain::webhook {
namespace {

using namespace std::chrono_literals;

// The test vector of openai-python, openai-node, openai-go, openai-ruby and openai-java.
const std::string kSecretPayload = "RdvaYFYUXuIFuEbvZHwMfYFhUf7aMYjYcmM24+Aj40c=";
const std::string kBody =
    R"({"id": "evt_685c059ae3a481909bdc86819b066fb6", "object": "event", "created_at": 1750861210, "type": "response.completed", "data": {"id": "resp_123"}})";
const std::string kId = "wh_685c059ae39c8190af8c71ed1022a24d";
const std::string kTimestamp = "1750861210";
const std::string kSignature = "v1,gUAg4R2hWouRZqRQG4uJypNS8YK885G838+EHb4nKBY=";
// The same under the key bytes 00 to 1f, by Python's hmac.
const std::string kOtherSignature = "v1,LU1bGzjgoLAK2KhULFgStIY9FspgFMCWAIn3QZYz8mo=";

std::vector<crypto::HmacKey> both_keys() {
    std::string counted;
    for (char c = 0; c < 32; ++c) counted += c;
    std::vector<crypto::HmacKey> keys;
    keys.emplace_back(crypto::HashAlgorithm::sha256, encoding::parse_base64(kSecretPayload).value());
    keys.emplace_back(crypto::HashAlgorithm::sha256, counted);
    return keys;
}

std::vector<std::string> names_of(const Headers& headers) {
    std::vector<std::string> names;
    for (const auto& field : headers.fields) names.push_back(field.name);
    return names;
}

Capture capture_with(std::vector<Header> fields) {
    return {"POST", "/openai/webhook", "HTTP/1.1", {std::move(fields)}, kBody, {}};
}

TEST(PlanReplay, LeavesWhatIsNamedLikeACredentialBehind) {
    Capture capture{"POST", "/hook", "HTTP/1.1", {}, "{}", {}};
    const std::vector<std::string> kept{
        "webhook-signature", "X-Twilio-Signature", "I-Twilio-Idempotency-Token",
        "Idempotency-Key",   "X-Callchain-Id",     "Content-Type"};
    const std::vector<std::string> left{"X-Webhook-Token", "X-Custom-Secret", "OpenAI-Key",  "Private-Token",
                                        "X-Vault-Token",   "X-Auth",          "X-Session-Id"};
    for (const auto& name : kept) capture.headers.fields.push_back({name, "v"});
    for (const auto& name : left) capture.headers.fields.push_back({name, "v"});
    const auto plan = plan_replay(capture);
    ASSERT_TRUE(plan.has_value()) << plan.error().message;
    std::vector<std::string> names;
    for (const auto& field : plan->delivery.headers.fields) names.push_back(field.name);
    EXPECT_EQ(names, kept);
    EXPECT_EQ(plan->left_out, left);
}

TEST(PlanReplay, RefusesHeadersThatNoServerTakes) {
    Capture capture{"POST", "/hook", "HTTP/1.1", {}, "{}", {}};
    capture.headers.fields.push_back({"X-Long", std::string(kMostHeadBytes, 'x')});
    const auto plan = plan_replay(capture);
    ASSERT_FALSE(plan.has_value());
    EXPECT_EQ(plan.error().code, ErrorCode::limit);
}

TEST(PlanReplay, SendsWhatTheSenderWroteAndNothingElse) {
    auto capture = capture_with({{"Host", "bridge.example.com"},
                                 {"User-Agent", "OpenAI/1.0"},
                                 {"content-type", "application/json"},
                                 {"Content-Length", "149"},
                                 {"Authorization", "Bearer x"},
                                 {"Cookie", "a=b"},
                                 {"cookie", "c=d"},
                                 {"X-Forwarded-For", "192.0.2.1"},
                                 {"CF-Ray", "1"},
                                 {"X-Amz-Cf-Id", "1"},
                                 {"ngrok-skip-browser-warning", "1"},
                                 {"X-CSRF-Token", "1"},
                                 {"Connection", "close, X-Hop"},
                                 {"x-hop", "1"},
                                 {"TE", "trailers"},
                                 {"Expect", "100-continue"},
                                 {"Accept", "*/*"},
                                 {"Accept-Encoding", "gzip"},
                                 {"webhook-id", kId},
                                 {"X-Two", "a"},
                                 {"X-Two", "b"},
                                 {"X-Twilio-Signature", "s"}});
    const auto plan = plan_replay(capture);
    ASSERT_TRUE(plan.has_value()) << plan.error().message;
    EXPECT_EQ(names_of(plan->delivery.headers),
              (std::vector<std::string>{"User-Agent", "content-type", "Accept", "webhook-id", "X-Two",
                                        "X-Two", "X-Twilio-Signature"}));
    EXPECT_EQ(plan->left_out, (std::vector<std::string>{
                                  "Host", "Content-Length", "Authorization", "Cookie", "X-Forwarded-For",
                                  "CF-Ray", "X-Amz-Cf-Id", "ngrok-skip-browser-warning", "X-CSRF-Token",
                                  "Connection", "x-hop", "TE", "Expect", "Accept-Encoding"}));
    EXPECT_EQ(plan->delivery.method, "POST");
    EXPECT_EQ(plan->delivery.target, "/openai/webhook");
    EXPECT_EQ(plan->delivery.body, kBody);
}

// Credentials that platforms hand on have the prefix of a platform's header, and their values stay hidden.
TEST(HeaderRole, KnowsTheCredentialsOfPlatforms) {
    for (const auto* name : {"X-Forwarded-Access-Token", "X-Forwarded-Client-Cert", "x-amzn-oidc-data",
                             "CF-Access-Client-Secret", "Cf-Access-Jwt-Assertion", "X-MS-TOKEN-AAD-ID-TOKEN",
                             "X-Goog-IAP-JWT-Assertion"}) {
        EXPECT_EQ(header_role(name), HeaderRole::credential) << name;
    }
    for (const auto* name :
         {"x-amzn-trace-id", "cf-ray", "X-Amz-Cf-Id", "ngrok-auth-user-email", "X-B3-TraceId"}) {
        EXPECT_EQ(header_role(name), HeaderRole::proxy) << name;
    }
    EXPECT_EQ(header_role("x-amz-date"), HeaderRole::other);  // signed by who sends it
}

TEST(PlanReplay, TakesPathAndQueryOfAnAbsoluteTarget) {
    struct Row {
        const char* target;
        const char* want;
    };
    for (const auto& row : {Row{"/a?b=c", "/a?b=c"}, Row{"https://u:p@h.example:8443/a?b=c#d", "/a?b=c"},
                            Row{"http://h.example", "/"}, Row{"http://h.example?b", "/?b"},
                            Row{"/a?u=http://x/y", "/a?u=http://x/y"}}) {
        auto capture = capture_with({});
        capture.target = row.target;
        EXPECT_EQ(plan_replay(capture).value().delivery.target, row.want) << row.target;
    }
}

TEST(PlanReplay, TakesAGetWithoutBody) {
    for (const auto* method : {"GET", "HEAD"}) {
        auto capture = capture_with({{"X-Twilio-Signature", "s"}});
        capture.method = method;
        capture.body.clear();
        EXPECT_TRUE(plan_replay(capture).has_value()) << method;
    }
}

struct RefusedRow {
    const char* name = "";
    Capture capture;
    const char* message = "";
};

TEST(PlanReplay, RefusesWhatCannotBeSentAsItWas) {
    auto cut = capture_with({});
    cut.remarks.push_back({CaptureRemark::Kind::shorter_than_declared, "the body has 1 byte"});
    auto empty = capture_with({});
    empty.body.clear();
    auto tunnel = capture_with({});
    tunnel.method = "CONNECT";
    auto no_method = capture_with({});
    no_method.method = "PO ST";
    for (const auto& row :
         {RefusedRow{"cut", cut, "the body has 1 byte"}, RefusedRow{"empty", empty, "no body"},
          RefusedRow{"CONNECT", tunnel, "CONNECT"}, RefusedRow{"method", no_method, "no HTTP method"},
          RefusedRow{"a header that ends its line", capture_with({{"X", "a\r\nInjected: b"}}),
                     "control character"},
          RefusedRow{"NUL", capture_with({{"X", std::string("a\0b", 3)}}), "control character"},
          RefusedRow{"a name with a blank", capture_with({{"X Y", "a"}}), "name of a header"},
          RefusedRow{"no name", capture_with({{"", "a"}}), "name of a header"}}) {
        SCOPED_TRACE(row.name);
        const auto plan = plan_replay(row.capture);
        ASSERT_FALSE(plan.has_value());
        EXPECT_EQ(plan.error().code, ErrorCode::bad_input);
        EXPECT_NE(plan.error().message.find(row.message), std::string::npos) << plan.error().message;
        EXPECT_FALSE(plan.error().hint.empty());
    }
    auto line_end_more = capture_with({});
    line_end_more.remarks.push_back({CaptureRemark::Kind::one_line_end_more, ""});
    EXPECT_TRUE(plan_replay(line_end_more).has_value());
}

TEST(SignDelivery, YieldsTheVectorOfTheSdks) {
    auto delivery = plan_replay(capture_with({{"Content-Type", "application/json"}})).value().delivery;
    const auto keys = both_keys();
    sign_delivery(delivery, std::span(keys).first(1), {kId, kTimestamp});
    EXPECT_EQ(delivery.headers.find("webhook-id"), kId);
    EXPECT_EQ(delivery.headers.find("webhook-timestamp"), kTimestamp);
    EXPECT_EQ(delivery.headers.find("webhook-signature"), kSignature);
    EXPECT_EQ(
        names_of(delivery.headers),
        (std::vector<std::string>{"Content-Type", "webhook-id", "webhook-timestamp", "webhook-signature"}));
}

TEST(SignDelivery, SignsWithEachKeyAsDuringARotation) {
    auto delivery = plan_replay(capture_with({})).value().delivery;
    const auto keys = both_keys();
    sign_delivery(delivery, keys, {kId, kTimestamp});
    EXPECT_EQ(delivery.headers.find("webhook-signature"), kSignature + " " + kOtherSignature);
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const signature::WebhookHeaders headers{kId, kTimestamp, *delivery.headers.find("webhook-signature")};
        const auto check = signature::check_webhook(std::span(keys).subspan(i, 1), headers, kBody,
                                                    std::chrono::sys_seconds{1750861210s}, 300s);
        EXPECT_TRUE(check.has_value() && check->valid());
    }
}

TEST(SignDelivery, TakesThePlaceOfTheHeadersThatAreThere) {
    auto delivery = plan_replay(capture_with({{"Webhook-Signature", "old"},
                                              {"svix-id", "old"},
                                              {"X-Mine", "1"},
                                              {"WEBHOOK-TIMESTAMP", "1"},
                                              {"webhook-timestamp", "2"},
                                              {"Svix-Signature", "old"},
                                              {"svix-timestamp", "3"}}))
                        .value()
                        .delivery;
    const auto keys = both_keys();
    sign_delivery(delivery, std::span(keys).first(1), {kId, kTimestamp});
    EXPECT_EQ(names_of(delivery.headers),
              (std::vector<std::string>{"webhook-signature", "webhook-id", "X-Mine", "webhook-timestamp"}));
    EXPECT_EQ(delivery.headers.find("webhook-signature"), kSignature);
}

TEST(SetHeader, ReplacesAllOfThatName) {
    Headers headers{{{"A", "1"}, {"b", "2"}, {"a", "3"}}};
    set_header(headers, "a", "4");
    EXPECT_EQ(names_of(headers), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(headers.find("A"), "4");
    set_header(headers, "C", "5");
    EXPECT_EQ(names_of(headers), (std::vector<std::string>{"a", "b", "C"}));
    remove_header(headers, "B");
    remove_header(headers, "absent");
    EXPECT_EQ(names_of(headers), (std::vector<std::string>{"a", "C"}));
}

TEST(StalenessOf, TellsSchemesAndAges) {
    using Scheme = Staleness::Scheme;
    constexpr std::chrono::sys_seconds kNow{1750861510s};
    struct Row {
        const char* name;
        Headers headers;
        Scheme scheme;
        std::vector<std::string> missing;
        std::optional<std::chrono::seconds> age;
    };
    for (const auto& row :
         {Row{"whole",
              {{{"webhook-id", "1"}, {"Webhook-Timestamp", "1750861210"}, {"webhook-signature", "s"}}},
              Scheme::standard,
              {},
              300s},
          Row{"ahead",
              {{{"webhook-id", "1"}, {"webhook-timestamp", "1750861520"}, {"webhook-signature", "s"}}},
              Scheme::standard,
              {},
              -10s},
          Row{"svix",
              {{{"svix-id", "1"}, {"svix-timestamp", "1750861500"}, {"svix-signature", "s"}}},
              Scheme::standard,
              {},
              10s},
          Row{"no number",
              {{{"webhook-id", "1"}, {"webhook-timestamp", "soon"}, {"webhook-signature", "s"}}},
              Scheme::standard,
              {},
              std::nullopt},
          Row{"one alone",
              {{{"webhook-id", "1"}}},
              Scheme::standard,
              {"webhook-timestamp", "webhook-signature"},
              std::nullopt},
          Row{"twilio", {{{"X-Twilio-Signature", "s"}}}, Scheme::twilio, {}, std::nullopt},
          Row{"neither", {{{"Host", "a"}}}, Scheme::none, {}, std::nullopt}}) {
        SCOPED_TRACE(row.name);
        const auto got = staleness_of(row.headers, kNow);
        EXPECT_EQ(got.scheme, row.scheme);
        EXPECT_EQ(got.missing, row.missing);
        EXPECT_EQ(got.age, row.age);
    }
    const Headers far{{{"webhook-timestamp", "9223372036854775807"}}};
    EXPECT_LT(staleness_of(far, kNow).age.value(), 0s);
}

TEST(WriteDelivery, IsTheCaptureFile) {
    const Delivery delivery{"POST", "/ignored", {{{"webhook-id", "wh_1"}, {"X", "a"}}}, "{\"a\": 1}\n"};
    const auto text = write_delivery(delivery, "/openai/webhook", "127.0.0.1:8080");
    EXPECT_EQ(text,
              "POST /openai/webhook HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nwebhook-id: wh_1\r\nX: a\r\n"
              "Content-Length: 9\r\n\r\n{\"a\": 1}\n");
    const auto capture = parse_capture(text);
    ASSERT_TRUE(capture.has_value());
    EXPECT_TRUE(capture->remarks.empty());
    EXPECT_EQ(plan_replay(*capture).value().delivery.body, delivery.body);
    EXPECT_EQ(plan_replay(*capture).value().delivery.headers.fields.size(), 2U);
}

}  // namespace
}  // namespace callchain::webhook
