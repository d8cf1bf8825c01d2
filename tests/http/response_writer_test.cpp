#include "http/response_writer.hpp"

#include <gtest/gtest.h>

namespace callchain::http {
namespace {

// Source: the example of RFC 9110 section 5.6.7, whose Unix time is 784111777.
constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";

std::string written(const Response& response, ResponseFrame frame = {}) {
    frame.date = kDate;
    std::string out;
    write_response(out, response, frame);
    return out;
}

TEST(WriteResponse, WritesHeadAndBody) {
    EXPECT_EQ(
        written({.status = 401, .content_type = "text/plain", .body = "no", .headers = {{"A", "b"}}}),
        "HTTP/1.1 401 Unauthorized\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain\r\n"
        "Content-Length: 2\r\nA: b\r\n\r\nno");
}

TEST(WriteResponse, LeavesNoBodyWhereTheStandardHasNone) {
    for (const int status : {204, 304}) {
        SCOPED_TRACE(status);
        const auto text = written({.status = status, .body = "x"});
        EXPECT_TRUE(text.ends_with("GMT\r\n\r\n")) << text;
    }
    const auto head = written({.body = "four"}, {.body = ResponseFrame::Body::left_off});
    EXPECT_TRUE(head.ends_with("Content-Length: 4\r\n\r\n")) << head;
}

TEST(WriteResponse, DropsHeadersThatWouldBreakTheFraming) {
    const auto plain = written({.body = "x"});
    for (const auto& header : std::vector<Header>{{"A", "b\r\nSet-Cookie: c"},
                                                  {"A", "b\n"},
                                                  {"A", std::string("b\0", 2)},
                                                  {"A\r\nB", "c"},
                                                  {"A:", "c"},
                                                  {"A ", "c"},
                                                  {"", "c"},
                                                  {"content-length", "5"},
                                                  {"Transfer-Encoding", "chunked"},
                                                  {"Connection", "upgrade"},
                                                  {"Date", "today"}}) {
        SCOPED_TRACE(header.name + ": " + header.value);
        EXPECT_EQ(written({.body = "x", .headers = {header}}), plain);
    }
    EXPECT_EQ(written({.content_type = "text/plain\r\nA: b", .body = "x"}), plain);
}

TEST(WriteResponse, SaysWhatBecomesOfTheConnection) {
    using enum ResponseFrame::Connection;
    EXPECT_NE(written({}, {.connection = closes}).find("\r\nConnection: close\r\n"), std::string::npos);
    EXPECT_NE(written({}, {.connection = stays_and_says_so}).find("\r\nConnection: keep-alive\r\n"),
              std::string::npos);
    EXPECT_EQ(written({}).find("Connection"), std::string::npos);
}

TEST(WriteResponse, TurnsAnImpossibleStatusInto500) {
    for (const int status : {-1, 0, 100, 199, 600, 1000}) {
        SCOPED_TRACE(status);
        EXPECT_TRUE(written({.status = status}).starts_with("HTTP/1.1 500 Internal Server Error\r\n"));
    }
    EXPECT_TRUE(written({.status = 299}).starts_with("HTTP/1.1 299 \r\n"));
}

}  // namespace
}  // namespace callchain::http
