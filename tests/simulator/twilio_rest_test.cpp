#include "simulator/twilio_rest.hpp"

#include "encoding/base64.hpp"
#include "encoding/text_codings.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace callchain::simulator {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;
using std::chrono::sys_seconds;

constexpr sys_seconds kNow{1'795'860'000s};  // 2026-11-28T10:00:00Z, a Saturday
const std::string kAccount = "AC00000000000000000000000000000001";
const std::string kToken = "0123456789abcdef0123456789abcdef";
const std::string kCalls = "/2010-04-01/Accounts/" + kAccount + "/Calls";
const std::string kParent = "CA00000000000000000000000000000001";
const std::string kChild = "CA00000000000000000000000000000002";

std::string notice_sid(int number) {
    auto digits = std::to_string(number);
    return "NO" + std::string(32 - digits.size(), '0') + digits;
}

// A call that was refused by OpenAI, and one whose webhook failed before.
TwilioLedger ledger() {
    TwilioLedger ledger;
    ledger.set({.sid = kParent,
                .from = "whatsapp:+12195550714",
                .to = "whatsapp:+12145551869",
                .status = "ringing",
                .created = kNow});
    ledger.set({.sid = kChild,
                .parent_sid = kParent,
                .from = "+12145551869",
                .to = "sip:proj_1@sip.api.openai.com;transport=tls",
                .status = "failed",
                .created = kNow + 1s,
                .ended = kNow + 11s,
                .duration = 0s});
    ledger.set({.sid = kParent,
                .from = "whatsapp:+12195550714",
                .to = "whatsapp:+12145551869",
                .status = "failed",
                .created = kNow + 11s,
                .ended = kNow + 11s,
                .duration = 0s});
    const KeptExchange voice{.call_sid = kParent,
                             .method = "POST",
                             .url = "https://a.example/twilio/voice",
                             .parameters = {{"CallSid", kParent}, {"From", "whatsapp:+12195550714"}},
                             .status = 200,
                             .content_type = "text/xml",
                             .response_headers = "Content-Type=text%2Fxml",
                             .response_body = "<Response/>",
                             .duration = 12ms,
                             .at = kNow};
    ledger.add(voice);
    ledger.add({.sid = notice_sid(1),
                .call_sid = kParent,
                .code = 12200,
                .level = twilio::Level::warning,
                .text = "ErrorCode=12200",
                .exchange = voice,
                .at = kNow});
    ledger.add({.sid = notice_sid(2),
                .call_sid = kParent,
                .code = 13224,
                .level = twilio::Level::error,
                .text = "ErrorCode=13224",
                .exchange = voice,
                .at = kNow + 11s});
    ledger.add({.sid = notice_sid(3),
                .code = 32202,
                .level = twilio::Level::error,
                .text = "ErrorCode=32202",
                .at = kNow + 60s});
    return ledger;
}

class TwilioRestTest : public testing::Test {
  protected:
    http::Response ask(const std::string& target, const std::string& user = kAccount,
                       const std::string& password = kToken, const std::string& method = "GET") {
        http::Request request{.method = method,
                              .target = target,
                              .version = "HTTP/1.1",
                              .headers = {},
                              .body = {},
                              .peer = "127.0.0.1"};
        request.headers.fields = {{"Host", "127.0.0.1:4000"},
                                  {"Authorization", "Basic " + encoding::to_base64(user + ":" + password)}};
        return rest().answer(kept, request);
    }
    Json get(const std::string& target) {
        const auto response = ask(target);
        EXPECT_EQ(response.status, 200) << response.body;
        return Json::parse(response.body);
    }
    int code_of(const http::Response& response) { return Json::parse(response.body).at("code").get<int>(); }
    std::vector<std::string> sids(const Json& list) {
        std::vector<std::string> all;
        for (const auto& one : list) all.push_back(one.at("sid"));
        return all;
    }
    TwilioRest& rest() {
        if (!rest_) rest_.emplace(settings);
        return *rest_;
    }

    TwilioRestSettings settings{.account_sid = kAccount,
                                .credentials = {{kAccount, kToken}, {"SK1", "secret"}},
                                .fails_percent = 0,
                                .forgets_calls = false};
    TwilioLedger kept = ledger();

  private:
    std::optional<TwilioRest> rest_;
};

TEST_F(TwilioRestTest, TellsOfACallWithTheDatesOfThatApi) {
    const auto call = get(kCalls + "/" + kChild + ".json");
    EXPECT_EQ(call["sid"], kChild);
    EXPECT_EQ(call["parent_call_sid"], kParent);
    EXPECT_EQ(call["direction"], "outbound-dial");
    EXPECT_EQ(call["status"], "failed");
    EXPECT_EQ(call["start_time"], "Sat, 28 Nov 2026 10:00:01 +0000");
    EXPECT_EQ(call["end_time"], "Sat, 28 Nov 2026 10:00:11 +0000");
    EXPECT_EQ(call["duration"], "0");
    const auto parent = get(kCalls + "/" + kParent + ".json");
    EXPECT_EQ(parent["parent_call_sid"], nullptr);
    EXPECT_EQ(parent["direction"], "inbound");
    EXPECT_EQ(parent["date_created"], "Sat, 28 Nov 2026 10:00:00 +0000");  // of the first time
    EXPECT_EQ(parent["subresource_uris"]["notifications"], kCalls + "/" + kParent + "/Notifications.json");
}

TEST_F(TwilioRestTest, FiltersCalls) {
    using Sids = std::vector<std::string>;
    EXPECT_EQ(sids(get(kCalls + ".json")["calls"]), (Sids{kChild, kParent}));
    EXPECT_EQ(sids(get(kCalls + ".json?ParentCallSid=" + kParent)["calls"]), Sids{kChild});
    EXPECT_EQ(sids(get(kCalls + ".json?To=whatsapp%3A%2B12145551869")["calls"]), Sids{kParent});
    EXPECT_EQ(sids(get(kCalls + ".json?From=%2B12145551869")["calls"]), Sids{kChild});
    EXPECT_EQ(sids(get(kCalls + ".json?To=whatsapp%3A+12145551869")["calls"]), Sids{});  // '+' is a blank
}

TEST_F(TwilioRestTest, TellsOfNotificationsAndOfOneAtLength) {
    using Sids = std::vector<std::string>;
    const auto path = kCalls + "/" + kParent + "/Notifications";
    const auto list = get(path + ".json")["notifications"];
    EXPECT_EQ(sids(list), (Sids{notice_sid(2), notice_sid(1)}));
    EXPECT_FALSE(list[0].contains("request_variables"));
    EXPECT_EQ(sids(get(path + ".json?Log=0")["notifications"]), Sids{notice_sid(2)});
    EXPECT_EQ(sids(get(path + ".json?Log=1")["notifications"]), Sids{notice_sid(1)});
    const auto whole = get(path + "/" + notice_sid(2) + ".json");
    EXPECT_EQ(whole["error_code"], "13224");
    EXPECT_EQ(whole["log"], "0");
    EXPECT_EQ(whole["message_date"], "Sat, 28 Nov 2026 10:00:11 +0000");
    EXPECT_EQ(whole["request_variables"], "CallSid=" + kParent + "&From=whatsapp%3A%2B12195550714");
    EXPECT_EQ(whole["response_headers"], "Content-Type=text%2Fxml");
    EXPECT_EQ(whole["response_body"], "<Response/>");
    EXPECT_EQ(ask(path + "/" + notice_sid(3) + ".json").status, 404);  // of no call
}

TEST_F(TwilioRestTest, HasTheWebhooksOfACall) {
    const auto events = get(kCalls + "/" + kParent + "/Events.json")["events"];
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0]["request"]["parameters"]["CallSid"], kParent);
    EXPECT_EQ(events[0]["response"]["response_code"], 200);
    EXPECT_EQ(events[0]["response"]["request_duration"], 12);
    EXPECT_EQ(events[0]["response"]["date_created"], "Sat, 28 Nov 2026 10:00:00 +0000");
    EXPECT_EQ(get(kCalls + "/" + kChild + "/Events.json")["events"].size(), 0U);
}

TEST_F(TwilioRestTest, HasAlertsOfTheWholeAccountByTimeAndLevel) {
    using Sids = std::vector<std::string>;
    const auto all = get("/v1/Alerts");
    EXPECT_EQ(sids(all["alerts"]), (Sids{notice_sid(3), notice_sid(2), notice_sid(1)}));
    EXPECT_EQ(all["meta"]["key"], "alerts");
    EXPECT_EQ(all["meta"]["next_page_url"], nullptr);
    EXPECT_EQ(all["alerts"][0]["date_generated"], "2026-11-28T10:01:00Z");
    EXPECT_TRUE(all["alerts"][0]["resource_sid"].get<std::string>().starts_with("SD"));
    EXPECT_EQ(all["alerts"][1]["resource_sid"], kParent);
    EXPECT_EQ(sids(get("/v1/Alerts?LogLevel=warning")["alerts"]), Sids{notice_sid(1)});
    EXPECT_EQ(sids(get("/v1/Alerts?StartDate=2026-11-28T10:00:11Z")["alerts"]),
              (Sids{notice_sid(3), notice_sid(2)}));
    EXPECT_EQ(sids(get("/v1/Alerts?StartDate=2026-11-28&EndDate=2026-11-28T10%3A00%3A11Z")["alerts"]),
              (Sids{notice_sid(2), notice_sid(1)}));
    EXPECT_EQ(sids(get("/v1/Alerts?EndDate=2026-11-27")["alerts"]), Sids{});
    const auto whole = get("/v1/Alerts/" + notice_sid(2));
    EXPECT_EQ(whole["response_body"], "<Response/>");
    EXPECT_TRUE(whole.contains("request_headers"));
}

TEST_F(TwilioRestTest, GoesOnPageByPageWithItsFilters) {
    for (int i = 10; i < 15; ++i)
        kept.add({.sid = notice_sid(i),
                  .call_sid = kParent,
                  .code = 11200,
                  .level = twilio::Level::error,
                  .text = {},
                  .at = kNow});
    std::vector<std::string> seen;
    auto next = kCalls + "/" + kParent + "/Notifications.json?Log=0&PageSize=2";
    for (int pages = 0; !next.empty(); ++pages) {
        ASSERT_LT(pages, 5);
        const auto page = get(next);
        for (const auto& sid : sids(page["notifications"])) seen.push_back(sid);
        next = page["next_page_uri"].is_null() ? "" : page["next_page_uri"].get<std::string>();
    }
    EXPECT_EQ(seen, (std::vector<std::string>{notice_sid(14), notice_sid(13), notice_sid(12), notice_sid(11),
                                              notice_sid(10), notice_sid(2)}));
    const auto alerts = get("/v1/Alerts?LogLevel=error&PageSize=3");
    const auto url = alerts["meta"]["next_page_url"].get<std::string>();
    ASSERT_TRUE(url.starts_with("http://127.0.0.1:4000/v1/Alerts?LogLevel=error&")) << url;
    EXPECT_EQ(sids(get(url.substr(std::string("http://127.0.0.1:4000").size()))["alerts"]),
              (std::vector<std::string>{notice_sid(11), notice_sid(10), notice_sid(3)}));
    EXPECT_EQ(get(kCalls + ".json?PageSize=100000")["page_size"], 1000);
}

TEST_F(TwilioRestTest, TellsOfTheAccount) {
    const auto account = get("/2010-04-01/Accounts/" + kAccount + ".json");
    EXPECT_EQ(account["sid"], kAccount);
    EXPECT_EQ(account["status"], "active");
}

TEST_F(TwilioRestTest, RefusesInTwiliosForm) {
    struct Row {
        const char* name;
        std::string target;
        int status;
        int code;
        std::string user = kAccount;
        std::string password = kToken;
        std::string method = "GET";
    };
    for (const auto& row : {
             Row{"wrong token", kCalls + ".json", 401, 20003, kAccount, "x"},
             Row{"another account", kCalls + ".json", 401, 20003, "AC2", kToken},
             Row{"another account's calls", "/2010-04-01/Accounts/AC2/Calls.json", 404, 20404},
             Row{"another account itself", "/2010-04-01/Accounts/AC2.json", 404, 20404},
             Row{"no such call", kCalls + "/CA3.json", 404, 20404},
             Row{"no format", kCalls + "/" + kParent, 404, 20404},
             Row{"no such list", kCalls + "/" + kParent + "/Recordings.json", 404, 20404},
             Row{"too long", kCalls + "/" + kParent + "/Events/1/2.json", 404, 20404},
             Row{"nothing", "/", 404, 20404},
             Row{"no alert", "/v1/Alerts/NO9", 404, 20404},
             Row{"no such product", "/v1/Voice", 404, 20404},
             Row{"no page", kCalls + ".json?PageSize=0", 400, 20001},
             Row{"a page of another list", kCalls + ".json?PageToken=PACA9", 400, 20001},
             Row{"no date", "/v1/Alerts?StartDate=yesterday", 400, 20001},
             Row{"no such day", "/v1/Alerts?EndDate=2026-02-30", 400, 20001},
             Row{"POST", kCalls + ".json", 405, 20004, kAccount, kToken, "POST"},
         }) {
        SCOPED_TRACE(row.name);
        const auto response = ask(row.target, row.user, row.password, row.method);
        EXPECT_EQ(response.status, row.status);
        EXPECT_EQ(code_of(response), row.code);
        EXPECT_EQ(Json::parse(response.body)["status"], row.status);
        EXPECT_EQ(response.body.find(kToken), std::string::npos);
    }
    EXPECT_EQ(ask(kCalls + ".json", "SK1", "secret").status, 200);
}

TEST_F(TwilioRestTest, FailsAsOftenAsItIsTold) {
    settings.fails_percent = 50;
    EXPECT_EQ(ask(kCalls + ".json").status, 200);
    EXPECT_EQ(ask(kCalls + ".json").status, 500);
    EXPECT_EQ(ask(kCalls + ".json").status, 200);
    EXPECT_EQ(code_of(ask(kCalls + ".json")), 20500);
}

TEST_F(TwilioRestTest, KnowsNoCallWhereItForgets) {
    settings.forgets_calls = true;
    EXPECT_EQ(code_of(ask(kCalls + "/" + kParent + ".json")), 20404);
    EXPECT_EQ(ask(kCalls + "/" + kParent + "/Events.json").status, 404);
    EXPECT_EQ(get(kCalls + ".json")["calls"].size(), 0U);
}

TEST_F(TwilioRestTest, WritesWhatIsNoUtf8) {
    kept.add({.call_sid = kParent,
              .method = "POST",
              .url = "http://a.example/",
              .response_body = "\xff\xfe",
              .at = kNow});
    EXPECT_EQ(get(kCalls + "/" + kParent + "/Events.json")["events"].size(), 2U);
}

TEST(TwilioLedger, ForgetsTheOldestCallsWithAllThatIsOfThem) {
    TwilioLedger ledger(2);
    for (const auto* sid : {"CA1", "CA2", "CA3"}) {
        ledger.set({.sid = sid, .from = "a", .to = "b", .status = "completed", .created = kNow});
        ledger.add(KeptExchange{.call_sid = sid, .method = "POST", .url = "http://a.example/", .at = kNow});
        ledger.add(
            KeptNotice{.sid = std::string("NO") + sid, .call_sid = sid, .code = 1, .text = {}, .at = kNow});
    }
    EXPECT_EQ(ledger.find("CA1"), nullptr);
    EXPECT_NE(ledger.find("CA2"), nullptr);
    EXPECT_EQ(ledger.exchanges_of("CA1").size(), 0U);
    EXPECT_EQ(ledger.notices().size(), 2U);
    EXPECT_EQ(ledger.calls().front()->sid, "CA3");
}

TEST(WriteNoticeText, IsAFormWithWhatIsKnown) {
    // Source: Twilio, "Notification resource": the example's LogLevel, httpResponse, ErrorCode and url.
    const KeptExchange exchange{
        .call_sid = "CA1", .method = "POST", .url = "http://a.example/b?c=1", .status = 500, .at = kNow};
    const auto fields =
        encoding::parse_form(write_notice_text(11200, twilio::Level::error, "It failed.", &exchange, 0));
    const auto value = [&fields](std::string_view name) -> std::string {
        for (const auto& field : fields)
            if (field.first == name) return field.second;
        return "none";
    };
    EXPECT_EQ(value("LogLevel"), "ERROR");
    EXPECT_EQ(value("ErrorCode"), "11200");
    EXPECT_EQ(value("Msg"), "It failed.");
    EXPECT_EQ(value("httpResponse"), "500");
    EXPECT_EQ(value("url"), "http://a.example/b?c=1");
    EXPECT_EQ(value("sipResponse"), "none");
}

}  // namespace
}  // namespace callchain::simulator
