#include "sip/status.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>
#include <string>

namespace callchain::sip {
namespace {

struct Registered {
    int code;
    const char* reason;
    const char* rfc;
};

// IANA, "SIP Response Codes": status, reason phrase and the RFC that defines it.
constexpr Registered kRegistered[] = {{100, "Trying", "RFC 3261"},
                                      {180, "Ringing", "RFC 3261"},
                                      {181, "Call Is Being Forwarded", "RFC 3261"},
                                      {182, "Queued", "RFC 3261"},
                                      {183, "Session Progress", "RFC 3261"},
                                      {200, "OK", "RFC 3261"},
                                      {202, "Accepted", "RFC 6665"},
                                      {301, "Moved Permanently", "RFC 3261"},
                                      {302, "Moved Temporarily", "RFC 3261"},
                                      {400, "Bad Request", "RFC 3261"},
                                      {401, "Unauthorized", "RFC 3261"},
                                      {403, "Forbidden", "RFC 3261"},
                                      {404, "Not Found", "RFC 3261"},
                                      {405, "Method Not Allowed", "RFC 3261"},
                                      {406, "Not Acceptable", "RFC 3261"},
                                      {407, "Proxy Authentication Required", "RFC 3261"},
                                      {408, "Request Timeout", "RFC 3261"},
                                      {410, "Gone", "RFC 3261"},
                                      {413, "Request Entity Too Large", "RFC 3261"},
                                      {414, "Request-URI Too Long", "RFC 3261"},
                                      {415, "Unsupported Media Type", "RFC 3261"},
                                      {416, "Unsupported URI Scheme", "RFC 3261"},
                                      {420, "Bad Extension", "RFC 3261"},
                                      {421, "Extension Required", "RFC 3261"},
                                      {422, "Session Interval Too Small", "RFC 4028"},
                                      {423, "Interval Too Brief", "RFC 3261"},
                                      {480, "Temporarily Unavailable", "RFC 3261"},
                                      {481, "Call/Transaction Does Not Exist", "RFC 3261"},
                                      {482, "Loop Detected", "RFC 3261"},
                                      {483, "Too Many Hops", "RFC 3261"},
                                      {484, "Address Incomplete", "RFC 3261"},
                                      {486, "Busy Here", "RFC 3261"},
                                      {487, "Request Terminated", "RFC 3261"},
                                      {488, "Not Acceptable Here", "RFC 3261"},
                                      {489, "Bad Event", "RFC 6665"},
                                      {491, "Request Pending", "RFC 3261"},
                                      {500, "Server Internal Error", "RFC 3261"},
                                      {501, "Not Implemented", "RFC 3261"},
                                      {502, "Bad Gateway", "RFC 3261"},
                                      {503, "Service Unavailable", "RFC 3261"},
                                      {504, "Server Time-out", "RFC 3261"},
                                      {505, "Version Not Supported", "RFC 3261"},
                                      {513, "Message Too Large", "RFC 3261"},
                                      {600, "Busy Everywhere", "RFC 3261"},
                                      {603, "Decline", "RFC 3261"},
                                      {604, "Does Not Exist Anywhere", "RFC 3261"},
                                      {606, "Not Acceptable", "RFC 3261"},
                                      {607, "Unwanted", "RFC 8197"}};

TEST(StatusPages, HaveTheRegisteredReasonAndSource) {
    EXPECT_EQ(status_pages().size(), std::size(kRegistered));
    for (const auto& row : kRegistered) {
        SCOPED_TRACE(row.code);
        const auto* page = find_status(row.code);
        ASSERT_NE(page, nullptr);
        EXPECT_EQ(page->code, row.code);
        EXPECT_EQ(page->reason, row.reason);
        EXPECT_TRUE(page->source.starts_with(std::string(row.rfc) + ", section ")) << page->source;
    }
}

// RFC 3261 orders section 21 by class and number, so the last part rises with the status.
TEST(StatusPages, PointIntoTheSectionOfTheirClass) {
    int last_class = 0;
    int last_part = 0;
    for (const auto& page : status_pages()) {
        SCOPED_TRACE(page.code);
        constexpr std::string_view kFront = "RFC 3261, section 21.";
        if (!page.source.starts_with(kFront)) continue;
        const std::string rest(page.source.substr(kFront.size()));
        const int of_class = rest[0] - '0';
        const int part = std::stoi(rest.substr(2));
        EXPECT_EQ(of_class, page.code / 100);
        EXPECT_GT(part, of_class == last_class ? last_part : 0);
        last_class = of_class;
        last_part = part;
    }
}

TEST(StatusPages, AreSortedPlainBoundedSentences) {
    int last = 0;
    for (const auto& page : status_pages()) {
        SCOPED_TRACE(page.code);
        EXPECT_LT(last, page.code);
        last = page.code;
        for (const auto text : {page.meaning, page.meta, page.twilio, page.openai, page.gateway, page.fix}) {
            EXPECT_TRUE(std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; })) << text;
            EXPECT_LE(text.size(), 400U) << text;
            EXPECT_TRUE(text.empty() || text.ends_with('.')) << text;
        }
        EXPECT_FALSE(page.meaning.empty());
        EXPECT_TRUE(page.code < 300 || !page.fix.empty());
    }
}

// The gateway's map of Twilio's failures, as its operators read it.
TEST(StatusPages, TellWhatTheGatewayMakesOfTwiliosFailures) {
    for (const auto code : {401, 403, 407, 301, 302, 500, 501, 502, 503, 504, 505, 513})
        EXPECT_NE(find_status(code)->gateway.find("503"), std::string_view::npos) << code;
    for (const auto code : {404, 480, 486, 487, 488, 603})
        EXPECT_NE(find_status(code)->gateway.find("as it is"), std::string_view::npos) << code;
    EXPECT_NE(find_status(408)->gateway.find("504"), std::string_view::npos);
}

TEST(FindStatus, KnowsOnlyWhatHasAPage) {
    for (const auto code : {-1, 0, 99, 101, 299, 451, 608, 699, 700, 13224})
        EXPECT_EQ(find_status(code), nullptr) << code;
}

TEST(StatusClass, CoversEveryNumberFrom100To699) {
    EXPECT_FALSE(status_class(99));
    EXPECT_FALSE(status_class(700));
    EXPECT_FALSE(status_class(-100));
    for (int code = 100; code <= 699; ++code) {
        const auto found = status_class(code);
        ASSERT_TRUE(found) << code;
        EXPECT_EQ(found->first, code / 100 * 100);
        EXPECT_FALSE(found->meaning.empty());
    }
    EXPECT_EQ(status_class(199)->name, "provisional");
    EXPECT_EQ(status_class(200)->name, "success");
    EXPECT_EQ(status_class(699)->name, "global failure");
}

}  // namespace
}  // namespace callchain::sip
