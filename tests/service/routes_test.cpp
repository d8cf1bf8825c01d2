#include "service/routes.hpp"

#include <gtest/gtest.h>

namespace callchain::service {
namespace {

http::Request request(std::string method, std::string target) {
    http::Request made;
    made.method = std::move(method);
    made.target = std::move(target);
    return made;
}

TEST(RouteOf, GoesByPathAndMethod) {
    struct Row {
        const char* method;
        const char* target;
        Route want;
    };
    for (const auto& row :
         {Row{"POST", "/openai/webhook", Route::webhook}, Row{"POST", "/openai/webhook/", Route::webhook},
          Row{"POST", "/openai/webhook?a=1", Route::webhook},
          Row{"GET", "/openai/webhook", Route::wrong_method}, Row{"POST", "/openai/webhooks", Route::none},
          Row{"GET", "/twilio/voice?CallSid=CA1", Route::voice}, Row{"POST", "/twilio/voice", Route::voice},
          Row{"PUT", "/twilio/voice", Route::wrong_method},
          Row{"POST", "/twilio/dial-action", Route::dial_action},
          Row{"POST", "/twilio/dial-status", Route::dial_status}, Row{"HEAD", "/healthz", Route::health},
          Row{"GET", "/readyz", Route::health}, Row{"POST", "/healthz", Route::wrong_method},
          Row{"OS", "/openai/webhook", Route::wrong_method},
          Row{"POST, GET", "/twilio/voice", Route::wrong_method}, Row{"GET", "/", Route::none},
          Row{"GET", "/HEALTHZ", Route::none}}) {
        SCOPED_TRACE(std::string(row.method) + " " + row.target);
        EXPECT_EQ(route_of(request(row.method, row.target)), row.want);
    }
}

TEST(MethodResponse, NamesTheMethodsThatThereAre) {
    const auto response = method_response(request("DELETE", "/twilio/voice"));
    EXPECT_EQ(response.status, 405);
    ASSERT_EQ(response.headers.size(), 1U);
    EXPECT_EQ(response.headers[0].name, "Allow");
    EXPECT_EQ(response.headers[0].value, "GET, POST");
}

TEST(HealthResponse, LivesWhileDrainingAndIsNotReadyThen) {
    const Health ready{false, "{}", "0123456789abcdef"};
    const Health draining{true, "{}", "0123456789abcdef"};
    EXPECT_EQ(health_response(request("GET", "/healthz"), draining).status, 200);
    EXPECT_EQ(health_response(request("GET", "/readyz"), ready).status, 200);
    EXPECT_EQ(health_response(request("GET", "/readyz"), draining).status, 503);
    EXPECT_EQ(health_response(request("GET", "/metrics"), ready).status, 404);
    EXPECT_EQ(health_response(request("POST", "/healthz"), ready).status, 405);
}

TEST(HealthResponse, SaysWhichProcessAnswers) {
    for (const char* path : {"/healthz", "/readyz"}) {
        const auto response = health_response(request("GET", path), {false, "{}", "0123456789abcdef"});
        ASSERT_EQ(response.headers.size(), 1U) << path;
        EXPECT_EQ(response.headers[0].name, "Callchain-Instance");
        EXPECT_EQ(response.headers[0].value, "0123456789abcdef");
    }
}

}  // namespace
}  // namespace callchain::service
