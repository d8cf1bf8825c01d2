#include "twilio/create_call.hpp"

#include <algorithm>
#include <gtest/gtest.h>

using namespace callchain;
using namespace callchain::twilio;

namespace {

constexpr const char* kAccount = "AC00000000000000000000000000000001";
constexpr const char* kApplication = "AP00000000000000000000000000000002";
constexpr const char* kSid = "CA00000000000000000000000000000003";

CreateCall sample() {
    CreateCall call;
    call.to = "+5561999998888";
    call.from = "+556133334444";
    call.url = "https://bridge.example.com/twilio/voice";
    return call;
}

std::string value_of(const std::vector<std::pair<std::string, std::string>>& form, std::string_view name) {
    std::string all;
    for (const auto& [key, value] : form) {
        if (key == name) all += (all.empty() ? "" : ",") + value;
    }
    return all;
}

std::string problem_of(const CreateCall& call) {
    const auto form = create_call_form(call);
    return form ? "" : form.error().message + " | " + form.error().hint;
}

}  // namespace

TEST(WhatsappAddress, AddsThePrefixAndDropsWhatPeopleTypeBetweenDigits) {
    for (const char* given : {"+5561999998888", "whatsapp:+5561999998888", "WhatsApp: +55 (61) 99999-8888",
                              " +55.61.99999.8888 "}) {
        SCOPED_TRACE(given);
        EXPECT_EQ(whatsapp_address(given).value_or("(none)"), "whatsapp:+5561999998888");
    }
}

TEST(WhatsappAddress, RefusesWhatIsNoNumberAndShowsItsLastDigitsOnly) {
    struct Row {
        const char* given;
        const char* hint;
    };
    for (const auto& row :
         {Row{"5561999998888", "write +"}, Row{"005561999998888", "in place of the 00"},
          Row{"+55 (0)61 99999 8888", "(0)"}, Row{"+0561999998888", "7 to 15"}, Row{"+123456", "7 to 15"},
          Row{"+1234567890123456", "7 to 15"}, Row{"maria", "7 to 15"}, Row{"", "7 to 15"}}) {
        SCOPED_TRACE(row.given);
        const auto address = whatsapp_address(row.given);
        ASSERT_FALSE(address.has_value());
        EXPECT_EQ(address.error().code, ErrorCode::usage);
        EXPECT_NE(address.error().hint.find(row.hint), std::string::npos) << address.error().hint;
        EXPECT_EQ(address.error().message.find("99999"), std::string::npos) << address.error().message;
    }
}

TEST(CreateCallForm, HasTheParametersOfTwilioInOrder) {
    auto call = sample();
    call.status_callback = "https://bridge.example.com/twilio/dial-status";
    call.ring_seconds = 30;
    const auto form = create_call_form(call);
    ASSERT_TRUE(form.has_value()) << form.error().message;
    EXPECT_EQ(form->front().first, "To");
    EXPECT_EQ(value_of(*form, "To"), "whatsapp:+5561999998888");
    EXPECT_EQ(value_of(*form, "From"), "whatsapp:+556133334444");
    EXPECT_EQ(value_of(*form, "Url"), call.url);
    EXPECT_EQ(value_of(*form, "StatusCallbackEvent"), "initiated,ringing,answered,completed");
    EXPECT_EQ(value_of(*form, "Timeout"), "30");
    EXPECT_EQ(value_of(*form, "Twiml"), "");
}

TEST(CreateCallForm, WantsExactlyOneThingToDo) {
    auto none = sample();
    none.url.clear();
    EXPECT_NE(problem_of(none).find("nothing says"), std::string::npos);
    auto two = sample();
    two.application_sid = kApplication;
    EXPECT_NE(problem_of(two).find("more than one"), std::string::npos);
    auto application = none;
    application.application_sid = kApplication;
    EXPECT_EQ(problem_of(application), "");
}

TEST(CreateCallForm, NamesAllProblemsAtOnce) {
    CreateCall call;
    call.to = "123";
    call.url = "bridge.example.com/voice";
    call.ring_seconds = 601;
    const auto problem = problem_of(call);
    for (const char* part : {"To: not a telephone number", "From: no number", "absolute http", "1 to 600"})
        EXPECT_NE(problem.find(part), std::string::npos) << part << " in " << problem;
}

TEST(CreateCallForm, CountsTheTwimlInCharacters) {
    auto call = sample();
    call.url.clear();
    for (int i = 0; i < 4000; ++i) call.twiml += "\u00e3";
    EXPECT_EQ(problem_of(call), "");
    call.twiml += "a";
    EXPECT_NE(problem_of(call).find("32018"), std::string::npos);
}

TEST(CallsUrl, IsBuiltFromBaseAndAccount) {
    const auto want = std::string("/2010-04-01/Accounts/") + kAccount + "/Calls.json";
    EXPECT_EQ(calls_url("https://api.twilio.com", kAccount).value_or(""), "https://api.twilio.com" + want);
    EXPECT_EQ(calls_url("http://127.0.0.1:8080/", kAccount).value_or(""), "http://127.0.0.1:8080" + want);
    for (const char* base :
         {"", "api.twilio.com", "https://api.twilio.com/2010-04-01", "https://u@api.twilio.com",
          "https://api.twilio.com?x=1", "ftp://api.twilio.com"})
        EXPECT_FALSE(calls_url(base, kAccount).has_value()) << base;
    for (const char* account : {"", "AC1", kApplication, "AC0000000000000000000000000000000G", "../etc"})
        EXPECT_FALSE(calls_url("https://api.twilio.com", account).has_value()) << account;
}

// Source: Twilio, "Create a Call resource"; "Error and Warning Dictionary".
TEST(ReadCallAnswer, TellsWhatBecameOfTheCall) {
    struct Row {
        const char* name;
        int status;
        std::string body;
        CallOutcome want;
        int code;
    };
    const auto made = std::string(R"({"sid":")") + kSid + R"(","status":"queued"})";
    for (const auto& row : {
             Row{"made", 201, made, CallOutcome::queued, 0},
             Row{"made without a sid", 201, "{}", CallOutcome::unexpected_answer, 0},
             Row{"a page of a proxy", 200, "<html>", CallOutcome::unexpected_answer, 0},
             Row{"no permission", 400, R"({"code":37000,"message":"x","status":400})", CallOutcome::refused,
                 37000},
             Row{"wrong token", 401, R"({"code":20003,"message":"Authenticate","status":401})",
                 CallOutcome::credential_refused, 20003},
             Row{"too many", 429, R"({"code":20429,"message":"x","status":429})", CallOutcome::rate_limited,
                 20429},
             Row{"not found", 404, R"({"code":20404,"message":"x","status":404})", CallOutcome::refused,
                 20404},
             Row{"broken", 503, "", CallOutcome::server_error, 0},
             Row{"redirected", 302, "", CallOutcome::unexpected_answer, 0},
             Row{"newer form", 400,
                 R"({"type":"about:blank","title":"Bad","status":400,"code":21211,"detail":"d"})",
                 CallOutcome::refused, 21211},
         }) {
        SCOPED_TRACE(row.name);
        const auto answer = read_call_answer(row.status, row.body);
        EXPECT_EQ(answer.outcome, row.want);
        EXPECT_EQ(answer.code, row.code);
    }
    EXPECT_EQ(read_call_answer(201, made).sid, kSid);
    EXPECT_EQ(read_call_answer(201, made).call_status, "queued");
}

TEST(ReadCallAnswer, MakesTheMessageVisible) {
    EXPECT_EQ(read_call_answer(400, R"({"code":1,"message":"a\u001b[2Jb"})").message, "a\\x1b[2Jb");
}

TEST(CallOutcome, HasANameAndAMeaningEach) {
    std::vector<std::string_view> names;
    for (const auto outcome : {CallOutcome::queued, CallOutcome::refused, CallOutcome::credential_refused,
                               CallOutcome::rate_limited, CallOutcome::server_error, CallOutcome::not_sent,
                               CallOutcome::unknown_fate, CallOutcome::unexpected_answer}) {
        EXPECT_EQ(std::count(names.begin(), names.end(), name_of(outcome)), 0);
        EXPECT_GT(meaning_of(outcome).size(), 20U);
        names.push_back(name_of(outcome));
    }
}
