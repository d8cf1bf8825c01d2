#include "sip/message.hpp"

#include <gtest/gtest.h>

namespace callchain::sip {
namespace {

Received request(std::string method) {
    Received received;
    received.message.method = std::move(method);
    received.message.uri.scheme = "sip";
    received.version = "SIP/2.0";
    received.max_forwards = 70;
    return received;
}

int status_of(const Received& received, const std::vector<std::string>& supported = {}) {
    const auto refusal = check_request(received, supported);
    return refusal ? refusal->status : 0;
}

TEST(CheckRequest, RefusesAnotherVersionFirst) {
    auto received = request("INVITE");
    received.version = "SIP/7.0";
    received.message.uri.scheme = "nobodyKnowsThisScheme";
    received.max_forwards = 0;
    received.require = {"x"};
    EXPECT_EQ(status_of(received), 505);
    received.version = "sip/2.0";
    EXPECT_EQ(status_of(received), 416);
    received.message.uri.scheme = "sips";
    EXPECT_EQ(status_of(received), 483);
    received.max_forwards.reset();
    EXPECT_EQ(status_of(received), 420);
    received.require.clear();
    EXPECT_EQ(status_of(received), 0);
}

TEST(CheckRequest, TakesNoTelephoneUri) {
    auto received = request("INVITE");
    received.message.uri.scheme = "tel";
    EXPECT_EQ(status_of(received), 416);
}

TEST(CheckRequest, AnswersOptionsThatHaveNoHopsLeft) {
    auto received = request("OPTIONS");
    received.max_forwards = 0;
    EXPECT_EQ(status_of(received), 0);
    received.message.method = "BYE";
    EXPECT_EQ(status_of(received), 483);
}

TEST(CheckRequest, NamesEachUnsupportedExtensionOnce) {
    auto received = request("INVITE");
    received.require = {"Replaces", "nothingSupportsThis", "100rel", "nothingSupportsThis"};
    const auto refusal = check_request(received, {"replaces"});
    ASSERT_TRUE(refusal.has_value());
    EXPECT_EQ(refusal->status, 420);
    EXPECT_EQ(refusal->reason, "Bad Extension");
    EXPECT_EQ(refusal->headers, (std::vector<HeaderField>{{"Unsupported", "nothingSupportsThis, 100rel"}}));
    EXPECT_EQ(status_of(received, {"replaces", "100rel", "nothingsupportsthis"}), 0);
}

// RFC 3261 section 8.2.2.3; and no response answers an ACK, whatever is wrong with it.
TEST(CheckRequest, NeverRefusesAckOrCancelForRequire) {
    auto received = request("CANCEL");
    received.require = {"x"};
    EXPECT_EQ(status_of(received), 0);
    received.message.method = "ACK";
    received.version = "SIP/7.0";
    received.max_forwards = 0;
    EXPECT_EQ(status_of(received), 0);
}

TEST(CheckRequest, LeavesProxyRequireToProxies) {
    auto received = request("INVITE");
    received.proxy_require = {"x"};
    EXPECT_EQ(status_of(received), 0);
}

}  // namespace
}  // namespace callchain::sip
