#include "twilio/call_resources.hpp"

#include <gtest/gtest.h>
#include <string>

namespace callchain::twilio {
namespace {

const std::string kAccount = "AC" + std::string(32, '1');
const std::string kCall = "CA" + std::string(32, '2');
const std::string kNotice = "NO" + std::string(32, '3');

encoding::JsonValue json(const std::string& text) {
    auto value = encoding::parse_json_text(text);
    EXPECT_TRUE(value.has_value()) << text;
    return value.value_or(encoding::JsonValue{});
}

// Source: Twilio, "Call resource", "Notification resource", "Alert resource": paths and parameters.
TEST(CallResources, AreAskedForWhereTwilioHasThem) {
    const auto base = "https://api.twilio.com/2010-04-01/Accounts/" + kAccount + "/Calls";
    EXPECT_EQ(call_url("https://api.twilio.com", kAccount, kCall), base + "/" + kCall + ".json");
    EXPECT_EQ(child_calls_url("https://api.twilio.com", kAccount, kCall),
              base + ".json?ParentCallSid=" + kCall + "&PageSize=100");
    EXPECT_EQ(notification_url("https://api.twilio.com", kAccount, kCall, kNotice),
              base + "/" + kCall + "/Notifications/" + kNotice + ".json");
    const auto noon = *parse_rfc3339("2026-11-28T12:00:00.9Z");
    EXPECT_EQ(alerts_url("https://monitor.twilio.com", noon, noon),
              "https://monitor.twilio.com/v1/"
              "Alerts?StartDate=2026-11-28T12:00:00Z&EndDate=2026-11-28T12:00:00Z&PageSize=100");
}

// Source: the rule of Twilio's own SDKs: {product}.{edge}.{region}.twilio.com, us1 where only an edge is
// given.
TEST(ApiOrigin, FollowsTheRuleOfTheSdks) {
    EXPECT_EQ(api_origin("api", "", "").value_or(""), "https://api.twilio.com");
    EXPECT_EQ(api_origin("api", "sao-paulo", "br1").value_or(""), "https://api.sao-paulo.br1.twilio.com");
    EXPECT_EQ(api_origin("monitor", "dublin", "").value_or(""), "https://monitor.dublin.us1.twilio.com");
    EXPECT_EQ(api_origin("api", "", "us1").value_or(""), "https://api.us1.twilio.com");
    for (const char* region : {"a.b", "-a", "A", "a/b", "a@b", "é"})
        EXPECT_FALSE(api_origin("api", "", region).has_value()) << region;
}

// The call of Twilio's API reference, as far as it is read; a number where another version writes a string.
TEST(ReadCall, TakesStringsAndNumbersAndNulls) {
    const auto call =
        read_call(json(R"({"sid": ")" + kCall + R"(", "parent_call_sid": null, "status": "completed",
        "direction": "inbound", "from": "+14158141819", "to": "+14158141829", "duration": "15",
        "start_time": "Tue, 18 Aug 2015 08:36:28 +0000", "end_time": null, "price": -0.03})"));
    ASSERT_TRUE(call.has_value());
    EXPECT_EQ(call->parent_sid, "");
    EXPECT_EQ(call->duration, std::chrono::seconds{15});
    EXPECT_EQ(call->started_at, parse_rfc3339("2015-08-18T08:36:28Z"));
    EXPECT_EQ(call->ended_at, std::nullopt);
    EXPECT_TRUE(call->is_over());
    EXPECT_EQ(read_call(json(R"({"sid": ")" + kCall + R"(", "duration": 15})"))->duration,
              std::chrono::seconds{15});
}

TEST(ReadCall, RefusesWhatIsNone) {
    for (const char* text : {"null", "[]", "{}", R"({"sid": "CA1"})", R"({"sid": 7})"})
        EXPECT_EQ(read_call(json(text)).error().code, ErrorCode::bad_input) << text;
}

// Source: Twilio, "Notification resource": message_text is a form.
TEST(ReadNotification, DecodesTheTextThatIsAForm) {
    const auto page = read_notification_page(
        json(R"({"notifications": [{"sid": ")" + kNotice + R"(", "error_code": "15003", "log": "1",
        "message_date": "Wed, 18 Aug 2010 20:01:14 +0000",
        "message_text": "LogLevel=WARN&ErrorCode=15003&Msg=Got+HTTP+404+response+to+https%3A%2F%2Fx.example"}],
        "next_page_uri": "/2010-04-01/next"})"));
    ASSERT_TRUE(page.has_value());
    ASSERT_EQ(page->items.size(), 1U);
    EXPECT_EQ(page->next, "/2010-04-01/next");
    const auto& notice = page->items[0];
    EXPECT_EQ(notice.code, 15003);
    EXPECT_EQ(notice.level, Level::warning);
    EXPECT_EQ(notice.text(), "Got HTTP 404 response to https://x.example");
    EXPECT_FALSE(notice.is_alert);
}

TEST(ReadAlert, TakesPlainTextAndTheVariablesOfTheRequest) {
    const auto alert = read_alert(json(R"({"sid": ")" + kNotice + R"(", "resource_sid": ")" + kCall +
                                       R"(", "error_code": "11200", "log_level": "error",
        "alert_text": "There is no = in the first word", "date_generated": "2026-11-28T17:47:18Z",
        "request_variables": "DialCallStatus=failed&From=%2B1"})"));
    ASSERT_TRUE(alert.has_value());
    EXPECT_EQ(alert->text(), "There is no = in the first word");
    EXPECT_EQ(alert->call_sid, kCall);
    EXPECT_EQ(alert->request_variables, (encoding::FormFields{{"DialCallStatus", "failed"}, {"From", "+1"}}));
}

TEST(ReadExchangePage, TakesAnArrayAndAnObject) {
    const std::string one = R"({"request": {"method": "POST", "url": "https://x.example/voice",
        "parameters": {"CallStatus": "ringing", "N": 1}}, "response": {"response_code": 502,
        "request_duration": 1500, "response_body": "", "date_created": "Sat, 28 Nov 2026 17:47:08 +0000"}})";
    for (const auto& text : {"[" + one + "]", R"({"events": [)" + one + "]}"}) {
        const auto page = read_exchange_page(json(text), kCall);
        ASSERT_TRUE(page.has_value());
        ASSERT_EQ(page->items.size(), 1U);
        EXPECT_EQ(page->items[0].status, 502);
        EXPECT_EQ(page->items[0].duration, std::chrono::milliseconds{1500});
        EXPECT_EQ(page->items[0].parameters, (encoding::FormFields{{"CallStatus", "ringing"}, {"N", "1"}}));
    }
    for (const char* text : {"{}", "null", "[1]", R"({"events": [null]})"})
        EXPECT_FALSE(read_exchange_page(json(text), kCall).has_value()) << text;
}

TEST(NextPageUrl, StaysOnItsHost) {
    const std::string api = "https://api.twilio.com";
    EXPECT_EQ(next_page_url(api, "/2010-04-01/x?Page=1").value_or(""), api + "/2010-04-01/x?Page=1");
    EXPECT_EQ(next_page_url(api, "https://API.twilio.com/x").value_or(""), api + "/x");
    EXPECT_EQ(next_page_url("https://monitor.dublin.ie1.twilio.com", "https://monitor.twilio.com/v1/x")
                  .value_or(""),
              "https://monitor.dublin.ie1.twilio.com/v1/x");
    for (const char* next :
         {"http://api.twilio.com/x", "https://eviltwilio.com/x", "https://a@api.twilio.com/x",
          "https://x.example:443.twilio.com/x", "//x.example/x", "x", "https://api.twilio.com", "/a b",
          "/\\x.example", "https://x.example\\.twilio.com/x", "https://api.twilio.com@x.example/"}) {
        EXPECT_FALSE(next_page_url(api, next).has_value()) << next;
    }
}

TEST(OutcomeOf, NamesEachOutcomeAndItsCode) {
    EXPECT_EQ(outcome_of(200, 0), FetchOutcome::done);
    EXPECT_EQ(outcome_of(400, 20003), FetchOutcome::credential_refused);
    EXPECT_EQ(outcome_of(403, 20403), FetchOutcome::permission_missing);
    EXPECT_EQ(outcome_of(404, 20404), FetchOutcome::not_found);
    EXPECT_EQ(outcome_of(429, 0), FetchOutcome::rate_limited);
    EXPECT_EQ(outcome_of(503, 0), FetchOutcome::server_error);
    EXPECT_EQ(outcome_of(302, 0), FetchOutcome::unexpected_answer);
    EXPECT_EQ(outcome_of(0, 0), FetchOutcome::network_failure);
    EXPECT_EQ(code_of(FetchOutcome::not_found), "twilio_call_not_found");
    EXPECT_EQ(code_of(FetchOutcome::done), "");
}

}  // namespace
}  // namespace callchain::twilio
