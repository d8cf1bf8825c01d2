#include "webhook/passing_on.hpp"

#include <gtest/gtest.h>

namespace callchain::webhook {
namespace {

std::vector<std::string> lines_of(const Headers& headers) {
    std::vector<std::string> lines;
    for (const auto& field : headers.fields) lines.push_back(field.name + ": " + field.value);
    return lines;
}

using Lines = std::vector<std::string>;

// RFC 9110 section 7.6.1.
TEST(WithoutHopByHop, LeavesOutWhatIsForTheNextHop) {
    const Headers headers{{{"Connection", "close, X-Mine"},
                           {"keep-alive", "timeout=5"},
                           {"PROXY-CONNECTION", "keep-alive"},
                           {"TE", "trailers"},
                           {"Trailer", "X-Sum"},
                           {"Transfer-Encoding", "chunked"},
                           {"Upgrade", "h2c"},
                           {"x-mine", "1"},
                           {"X-Mine-Too", "2"}}};
    EXPECT_EQ(lines_of(without_hop_by_hop(headers)), (Lines{"X-Mine-Too: 2"}));
}

TEST(WithoutHopByHop, ReadsEveryConnectionHeader) {
    const Headers headers{{{"A", "1"}, {"Connection", "A"}, {"B", "2"}, {"connection", " ,b,"}, {"C", "3"}}};
    EXPECT_EQ(lines_of(without_hop_by_hop(headers)), (Lines{"C: 3"}));
}

TEST(WithoutHopByHop, KeepsOrderSpellingAndDuplicates) {
    const Headers headers{{{"X-Twice", "2"},
                           {"webhook-ID", "wh_1"},
                           {"Cookie", "a=1"},
                           {"Authorization", "Basic eA=="},
                           {"X-Forwarded-For", "192.0.2.1"},
                           {"X-Twice", "1"},
                           {"X-Empty", ""}}};
    EXPECT_EQ(lines_of(without_hop_by_hop(headers)), lines_of(headers));
}

TEST(RequestHeadersToPassOn, HostFollowsFromTheTargetUnlessItIsKept) {
    const Headers headers{{{"HOST", "hook.example.com"},
                           {"content-length", "2"},
                           {"Expect", "100-continue"},
                           {"Content-Type", "application/json"}}};
    EXPECT_EQ(lines_of(request_headers_to_pass_on(headers, HostHeader::of_target)),
              (Lines{"Content-Type: application/json"}));
    EXPECT_EQ(lines_of(request_headers_to_pass_on(headers, HostHeader::kept)),
              (Lines{"HOST: hook.example.com", "Content-Type: application/json"}));
}

TEST(JoinTargets, APathThatEndsInASlashIsABase) {
    struct Row {
        const char* configured;
        const char* received;
        const char* want;
    };
    for (const auto& row :
         {Row{"", "/openai/webhook", "/openai/webhook"},
          Row{"/", "/openai/webhook?a=1&b", "/openai/webhook?a=1&b"},
          Row{"/base/", "/openai/webhook", "/base/openai/webhook"}, Row{"/base/", "/", "/base/"},
          Row{"/hook", "/openai/webhook", "/hook"}, Row{"/hook", "/?bodySHA256=00", "/hook?bodySHA256=00"},
          Row{"/hook?key=1", "/a", "/hook?key=1"}, Row{"/hook?key=1", "/a?b=2", "/hook?key=1&b=2"},
          Row{"?key=1", "/a?b=2", "/a?key=1&b=2"}, Row{"/", "/a?", "/a?"},
          Row{"/", "//a/../b//?x=%2f?y", "//a/../b//?x=%2f?y"},
          Row{"/base/", "http://hook.example.com/a?b=2", "/base/a?b=2"},
          Row{"/", "http://hook.example.com?b=2", "/?b=2"}, Row{"/", "http://hook.example.com", "/"},
          Row{"/", "/go?to=http://other.example.com/x", "/go?to=http://other.example.com/x"}}) {
        SCOPED_TRACE(std::string(row.configured) + " " + row.received);
        EXPECT_EQ(join_targets(row.configured, row.received), row.want);
    }
}

TEST(JoinTargets, WhatHasNoPathGoesNowhere) {
    for (const auto* received : {"*", "hook.example.com:443", ""}) {
        SCOPED_TRACE(received);
        EXPECT_EQ(join_targets("/", received), std::nullopt);
        EXPECT_EQ(join_url("https://hook.example.com/", received), std::nullopt);
    }
}

TEST(JoinUrl, KeepsSchemeAndAuthority) {
    EXPECT_EQ(join_url("https://hook.example.com:8443", "/twilio/voice?a=1"),
              "https://hook.example.com:8443/twilio/voice?a=1");
    EXPECT_EQ(join_url("https://hook.example.com/twilio/voice", "/other"),
              "https://hook.example.com/twilio/voice");
    EXPECT_EQ(join_url("https://hook.example.com/base/", "/twilio/voice"),
              "https://hook.example.com/base/twilio/voice");
}

}  // namespace
}  // namespace callchain::webhook
