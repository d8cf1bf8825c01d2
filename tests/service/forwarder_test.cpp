#include "service/forwarder.hpp"

#include <algorithm>
#include <gtest/gtest.h>

namespace callchain::service {
namespace {

http::Request delivery() {
    http::Request request;
    request.method = "POST";
    request.target = "/openai/webhook?a=%2f";
    request.headers.fields = {{"Host", "hook.example.com"}, {"X-Twice", "2"},
                              {"Connection", "x-mine"},     {"X-Mine", "1"},
                              {"Content-Length", "3"},      {"x-twice", "1"}};
    request.body = std::string("a\0b", 3);
    return request;
}

std::vector<std::string> lines_of(const std::vector<http::Header>& headers) {
    std::vector<std::string> lines;
    for (const auto& header : headers) lines.push_back(header.name + ": " + header.value);
    return lines;
}

using Lines = std::vector<std::string>;

TEST(ForwardedRequest, IsTheDeliveryForAnotherHost) {
    using namespace std::chrono_literals;
    const auto made = forwarded_request(delivery(), {.url = "http://127.0.0.1:3000", .time = 2s});
    ASSERT_TRUE(made.has_value());
    EXPECT_EQ(made->method, "POST");
    EXPECT_EQ(made->url, "http://127.0.0.1:3000");
    EXPECT_EQ(made->target, "/openai/webhook?a=%2f");
    EXPECT_EQ(made->body, std::string("a\0b", 3));
    EXPECT_EQ(lines_of(made->headers), (Lines{"X-Twice: 2", "x-twice: 1"}));
    EXPECT_EQ(made->form, http::ClientRequest::Form::as_given);
    EXPECT_EQ(made->total_time, 2s);
    EXPECT_LE(made->connect_time, 2s);
}

TEST(ForwardedRequest, KeepsTheHostWhereThatIsAskedFor) {
    const auto made = forwarded_request(
        delivery(), {.url = "http://127.0.0.1:3000/hook", .host = webhook::HostHeader::kept});
    ASSERT_TRUE(made.has_value());
    EXPECT_EQ(made->target, "/hook?a=%2f");
    EXPECT_EQ(lines_of(made->headers), (Lines{"Host: hook.example.com", "X-Twice: 2", "x-twice: 1"}));
}

TEST(ForwardedRequest, ThereIsNoneWithoutAPath) {
    auto request = delivery();
    request.target = "*";
    EXPECT_FALSE(forwarded_request(request, {.url = "http://127.0.0.1:3000"}).has_value());
}

TEST(ForwardedAnswer, IsTheUpstreamsWithoutWhatIsHopByHop) {
    http::ClientResponse response;
    response.status = 302;
    response.headers.fields = {{"Location", "/x"}, {"Keep-Alive", "5"}, {"Content-Type", "text/x"}};
    response.body = "gone";
    const auto answer = forwarded_answer(response);
    EXPECT_EQ(answer.response.status, 302);
    EXPECT_EQ(lines_of(answer.response.headers), (Lines{"Location: /x", "Content-Type: text/x"}));
    EXPECT_EQ(answer.response.body, "gone");
    EXPECT_EQ(answer.status, 302);
    EXPECT_EQ(answer.failure, "");
}

// RFC 9110 sections 15.6.3 and 15.6.5.
TEST(ForwardedAnswer, SaysWhyThereIsNone) {
    using Kind = http::ClientFailure::Kind;
    for (const auto& [kind, status] : {std::pair{Kind::timeout, 504},
                                       {Kind::connect, 502},
                                       {Kind::resolve, 502},
                                       {Kind::tls, 502},
                                       {Kind::broken, 502},
                                       {Kind::closed, 502}}) {
        SCOPED_TRACE(std::string(http::name_of(kind)));
        const auto answer = forwarded_answer(http::ClientFailure{kind, "why, in words"});
        EXPECT_EQ(answer.response.status, status);
        EXPECT_EQ(answer.status, std::nullopt);
        EXPECT_EQ(answer.failure, "why, in words");
        EXPECT_NE(answer.response.body.find("why, in words"), std::string::npos);
    }
}

TEST(ForwardedAnswer, WhatCannotGoBackWholeDoesNotGoBack) {
    http::ClientResponse cut;
    cut.status = 200;
    cut.body = "the beginning";
    cut.body_cut = true;
    http::ClientResponse odd;
    odd.status = 999;
    for (const auto& response : {cut, odd}) {
        SCOPED_TRACE(response.status);
        const auto answer = forwarded_answer(response);
        EXPECT_EQ(answer.response.status, 502);
        EXPECT_EQ(answer.response.body.find("the beginning"), std::string::npos);
        EXPECT_EQ(answer.status, response.status);
        EXPECT_NE(answer.failure, "");
    }
}

TEST(IsOwnAddress, ComparesHostAndPort) {
    struct Row {
        const char* url;
        const char* listening;
        bool own;
    };
    for (const auto& row :
         {Row{"http://127.0.0.1:8000/x", "127.0.0.1:8000", true},
          Row{"http://127.0.0.1:8000", "0.0.0.0:8000", true},
          Row{"http://127.0.0.9:8000", "0.0.0.0:8000", true},
          Row{"http://0.0.0.0:8000", "127.0.0.1:8000", true}, Row{"http://127.0.0.1", "127.0.0.1:80", true},
          Row{"http://127.0.0.1:8000", "[::]:8000", true},
          Row{"http://0.0.0.0:8000", "[::ffff:127.0.0.1]:8000", true},
          Row{"http://0.0.0.0:8000", "127.0.0.9:8000", true},
          Row{"http://127.0.0.1:8001", "127.0.0.1:8000", false},
          Row{"http://127.0.0.2:8000", "127.0.0.1:8000", false},
          Row{"http://192.0.2.1:8000", "0.0.0.0:8000", false},
          Row{"http://127.0.0.1:18000", "127.0.0.1:8000", false}}) {
        SCOPED_TRACE(std::string(row.url) + " " + row.listening);
        EXPECT_EQ(is_own_address(row.url, {row.listening}), row.own);
    }
}

}  // namespace
}  // namespace callchain::service
