#include "service/delivery_judge.hpp"

#include "signature/twilio.hpp"

#include <gtest/gtest.h>

namespace callchain::service {
namespace {

using Verdict = Judgement::Verdict;
using Scheme = Judgement::Scheme;
using Codes = std::vector<std::string>;

// Standard Webhooks, reference libraries: the vector that all of them test.
constexpr const char* kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr std::chrono::sys_seconds kSentAt{std::chrono::seconds{1'614'265'330}};

http::Request vector_request(std::chrono::seconds age = {}) {
    http::Request request;
    request.method = "POST";
    request.target = "/openai/webhook";
    request.headers.fields = {{"Webhook-Id", "msg_p5jXN8AQM9LWM0D4loKWxJek"},
                              {"webhook-timestamp", "1614265330"},
                              {"webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}};
    request.body = R"({"test": 2432232314})";
    request.received_at = kSentAt + age;
    return request;
}

// Twilio, "Webhooks security": the example of its documentation.
constexpr const char* kToken = "12345";
http::Request twilio_request() {
    http::Request request;
    request.method = "POST";
    request.target = "/myapp.php?foo=1&bar=2";
    request.headers.fields = {{"Host", "mycompany.com"},
                              {"Content-Type", "application/x-www-form-urlencoded"},
                              {"X-Twilio-Signature", "GvWf1cFY/Q7PnoempGyD5oXAezc="}};
    request.body =
        "CallSid=CA1234567890ABCDE&Caller=%2B14158675310&Digits=1234&From=%2B14158675310&To=%2B18005551212";
    return request;
}

DeliveryJudge judge_of(DeliveryJudge::Secrets secrets) { return *DeliveryJudge::make(std::move(secrets)); }

DeliveryJudge webhook_judge(const std::string& secret = kSecret) {
    return judge_of({.webhook = {{"other", "whsec_AAAA", 0}, {"mine", secret, 1}}});
}

DeliveryJudge twilio_judge(std::vector<std::string> urls) {
    return judge_of({.tokens = {{"account", kToken, 0}}, .public_urls = std::move(urls)});
}

TEST(DeliveryJudge, NamesTheSecretThatFits) {
    const auto judged = webhook_judge().check(vector_request());
    EXPECT_EQ(judged.verdict, Verdict::valid);
    EXPECT_EQ(judged.scheme, Scheme::standard);
    EXPECT_EQ(judged.label, "mine");
    EXPECT_EQ(judged.codes, Codes{});
}

TEST(DeliveryJudge, SaysWhatIsWrong) {
    struct Row {
        const char* name;
        void (*change)(http::Request& request);
        Codes codes;
        bool proved;
    };
    const std::vector<Row> rows{
        {"stale",
         [](http::Request& request) { request.received_at += std::chrono::seconds{301}; },
         {"timestamp_too_old"},
         true},
        {"ahead",
         [](http::Request& request) { request.received_at -= std::chrono::seconds{301}; },
         {"timestamp_too_new"},
         true},
        {"no id",
         [](http::Request& request) { request.headers.fields.erase(request.headers.fields.begin()); },
         {"header_missing"},
         false},
        {"two ids",
         [](http::Request& request) {
             request.headers.fields.push_back({"webhook-id", "x"});
         },
         {"header_duplicated"},
         false},
        {"no time",
         [](http::Request& request) { request.headers.fields[1].value = "soon"; },
         {"timestamp_malformed"},
         false},
        {"body", [](http::Request& request) { request.body += ' '; }, {"signature_mismatch"}, false}};
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        auto request = vector_request();
        row.change(request);
        const auto judged = webhook_judge().check(request);
        EXPECT_EQ(judged.verdict, Verdict::invalid);
        EXPECT_EQ(judged.codes, row.codes);
        EXPECT_EQ(judged.proved, row.proved);
        EXPECT_NE(judged.detail, "");
        EXPECT_FALSE(judged.passes());
    }
}

TEST(DeliveryJudge, ProvesTheCauseOfAMismatch) {
    auto request = vector_request();
    request.body = R"({"test":2432232314})";
    const auto judge = webhook_judge();
    auto judged = judge.check(request);
    judge.explain(request, judged);
    EXPECT_TRUE(judged.proved);
    EXPECT_EQ(judged.label, "mine");
    ASSERT_EQ(judged.codes.size(), 1U);
    EXPECT_TRUE(judged.codes[0].starts_with("body_")) << judged.codes[0];
}

TEST(DeliveryJudge, NamesNoCauseThatIsNotProved) {
    auto request = vector_request();
    request.body = "something else";
    const auto judge = webhook_judge();
    auto judged = judge.check(request);
    judge.explain(request, judged);
    EXPECT_FALSE(judged.proved);
    EXPECT_EQ(judged.codes, Codes{"signature_mismatch"});
    EXPECT_EQ(judged.label, "");
}

TEST(DeliveryJudge, LeavesLargeBodiesToVerifySig) {
    auto request = vector_request();
    request.body = std::string(65'537, ' ') + request.body;
    const auto judge = webhook_judge();
    auto judged = judge.check(request);
    judge.explain(request, judged);
    EXPECT_EQ(judged.codes, Codes{"signature_mismatch"});
}

TEST(DeliveryJudge, JudgesNothingWithoutASecretOfTheScheme) {
    const auto none = judge_of({});
    EXPECT_FALSE(none.has_secrets());
    EXPECT_EQ(none.check(vector_request()).verdict, Verdict::no_secret);
    EXPECT_EQ(none.check(twilio_request()).verdict, Verdict::no_secret);
    EXPECT_EQ(webhook_judge().check(twilio_request()).verdict, Verdict::no_secret);
    EXPECT_EQ(twilio_judge({}).check(vector_request()).verdict, Verdict::no_secret);
}

TEST(DeliveryJudge, WhatIsNotSignedIsNotInvalid) {
    http::Request request;
    request.method = "GET";
    request.target = "/";
    const auto judged = webhook_judge().check(request);
    EXPECT_EQ(judged.verdict, Verdict::no_signature);
    EXPECT_EQ(judged.scheme, Scheme::none);
    EXPECT_FALSE(judged.passes());
}

TEST(DeliveryJudge, TakesThePublicUrlForTwilios) {
    for (const auto* url :
         {"https://mycompany.com", "https://mycompany.com/", "https://mycompany.com/myapp.php"}) {
        SCOPED_TRACE(url);
        const auto judged = twilio_judge({"https://other.example.com", url}).check(twilio_request());
        EXPECT_EQ(judged.verdict, Verdict::valid);
        EXPECT_EQ(judged.scheme, Scheme::twilio);
        EXPECT_EQ(judged.label, "account");
    }
}

TEST(DeliveryJudge, WithoutAPublicUrlTwilioAskedForHttpAndTheHost) {
    auto request = twilio_request();
    EXPECT_EQ(twilio_judge({}).check(request).verdict, Verdict::invalid);
    const auto url = "http://mycompany.com" + request.target;
    request.headers.fields[2].value = signature::sign_twilio(kToken, url, encoding::parse_form(request.body));
    EXPECT_EQ(twilio_judge({}).check(request).verdict, Verdict::valid);
}

TEST(DeliveryJudge, ProvesThatTwilioSignedAnotherUrl) {
    const auto judge = twilio_judge({"http://mycompany.com"});
    const auto request = twilio_request();
    auto judged = judge.check(request);
    EXPECT_EQ(judged.codes, Codes{"signature_mismatch"});
    judge.explain(request, judged);
    EXPECT_TRUE(judged.proved);
    ASSERT_FALSE(judged.codes.empty());
    EXPECT_TRUE(judged.codes[0].starts_with("url_")) << judged.codes[0];
}

TEST(DeliveryJudge, TwoTwilioSignaturesAreNone) {
    auto request = twilio_request();
    request.headers.fields.push_back({"x-twilio-signature", "x"});
    EXPECT_EQ(twilio_judge({"https://mycompany.com"}).check(request).codes, Codes{"header_duplicated"});
}

TEST(DeliveryJudge, ASecretThatCannotBeReadIsNamedByItsLabel) {
    const auto made = DeliveryJudge::make({.webhook = {{"railway", "whsec_!!", 0}}});
    ASSERT_FALSE(made.has_value());
    EXPECT_EQ(made.error().code, ErrorCode::usage);
    EXPECT_NE(made.error().message.find("\"railway\""), std::string::npos);
    EXPECT_EQ(made.error().message.find("!!"), std::string::npos);
}

}  // namespace
}  // namespace callchain::service
