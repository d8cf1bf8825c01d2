#include "encoding/base64.hpp"
#include "http/client.hpp"
#include "twilio_fixture.hpp"

#include <future>
#include <nlohmann/json.hpp>

namespace callchain::simulator {
namespace {

using Json = nlohmann::json;

// What the REST API tells of calls that really went through the stand-in.
class TwilioKeptTest : public TwilioTest {
  protected:
    TwilioKeptTest() { settings.api_listen = "127.0.0.1:0"; }

    Json get(const std::string& path) {
        const auto token = encoding::to_base64(settings.account_sid + ":" + kToken);
        auto result = client_.perform(
            {.method = "GET",
             .url = twilio_->api_url() + "/2010-04-01/Accounts/" + settings.account_sid + path,
             .headers = {{"Authorization", "Basic " + token}}});
        const auto* response = std::get_if<http::ClientResponse>(&result);
        EXPECT_NE(response, nullptr);
        return response == nullptr ? Json::object() : Json::parse(response->body);
    }
    Json call_of(const std::string& sid) { return get("/Calls/" + sid + ".json"); }
    Json legs_of(const std::string& sid) { return get("/Calls.json?ParentCallSid=" + sid)["calls"]; }
    std::string sid() { return forms("/twilio/voice").at(0).at("CallSid"); }

  private:
    http::Client client_;
};

TEST_F(TwilioKeptTest, TellsOfACallThatIsUpAndOfItsEnd) {
    answer_with("/twilio/voice", dial());
    start();
    call();
    ASSERT_TRUE(wait_until_up());
    EXPECT_EQ(call_of(sid())["status"], "in-progress");
    EXPECT_EQ(call_of(sid())["end_time"], nullptr);
    ASSERT_EQ(legs_of(sid()).size(), 1U);
    EXPECT_EQ(legs_of(sid())[0]["status"], "in-progress");
    in_loop([this] { caller_->hang_up(caller_number); });
    EXPECT_TRUE(finished().bridged);
    EXPECT_EQ(call_of(sid())["status"], "completed");
    const auto leg = legs_of(sid())[0];
    EXPECT_EQ(leg["status"], "completed");
    EXPECT_EQ(leg["to"], "sip:proj_1@sip.api.openai.com;transport=tls");
    EXPECT_EQ(leg["from"], "+12145551869");
    EXPECT_NE(leg["end_time"], nullptr);
    const auto callbacks = get("/Calls/" + leg["sid"].get<std::string>() + "/Events.json")["events"];
    EXPECT_EQ(callbacks.size(), forms("/twilio/dial-status").size());
    EXPECT_EQ(get("/Calls/" + sid() + "/Events.json")["events"].size(), 2U);  // voice, action
}

TEST_F(TwilioKeptTest, KeepsEachLegOfADialWithTwoNouns) {
    on_openai_invite = [this](CallNumber number) { openai_->refuse(number, 486); };
    answer_with("/twilio/voice",
                "<Response><Dial callerId=\"+12145551869\"><Sip>sip:a@one.example;transport=tls</Sip>"
                "<Sip>sip:b@two.example;transport=tls</Sip></Dial></Response>");
    start();
    call();
    EXPECT_EQ(finished().dial_status, "busy");
    const auto legs = legs_of(sid());
    ASSERT_EQ(legs.size(), 2U);  // newest first
    EXPECT_EQ(legs[0]["to"], "sip:b@two.example;transport=tls");
    EXPECT_EQ(legs[1]["to"], "sip:a@one.example;transport=tls");
    for (const auto& leg : legs) EXPECT_EQ(leg["status"], "busy");
}

TEST_F(TwilioKeptTest, FilesAFailedStatusCallbackWithWhatItWasAnswered) {
    answer_with("/twilio/voice", dial());
    start();
    answer_with("/twilio/dial-status", "out of order", 503, "text/plain");
    call();
    ASSERT_TRUE(wait_until_up());
    in_loop([this] { caller_->hang_up(caller_number); });
    EXPECT_TRUE(finished().bridged);
    const auto path = "/Calls/" + sid() + "/Notifications";
    const auto list = get(path + ".json?Log=1")["notifications"];  // a warning
    ASSERT_FALSE(list.empty());
    const auto whole = get(path + "/" + list[0]["sid"].get<std::string>() + ".json");
    EXPECT_EQ(whole["error_code"], "15003");
    EXPECT_EQ(whole["response_body"], "out of order");
    EXPECT_EQ(whole["request_url"], url("/twilio/dial-status"));
}

TEST_F(TwilioKeptTest, HasNoApiWhereItIsNotAskedFor) {
    settings.api_listen.clear();
    start();
    EXPECT_EQ(twilio_->api_url(), "");
}

TEST_F(TwilioKeptTest, EndsWithARequestUnderWay) {
    std::promise<http::Responder> kept;
    on_voice = [&kept](const http::Request&, http::Responder responder) {
        kept.set_value(std::move(responder));
    };
    start();
    call();
    ASSERT_TRUE(board.wait([](const Board::Content& content) { return !content.requests.empty(); }));
    const auto never_answers = kept.get_future().get();
    const auto calls = get("/Calls.json")["calls"];
    ASSERT_EQ(calls.size(), 1U);
    EXPECT_EQ(calls[0]["status"], "ringing");
    twilio_.reset();
}

}  // namespace
}  // namespace callchain::simulator
