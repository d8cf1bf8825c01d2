#include "http/request_parser.hpp"

#include <gtest/gtest.h>
#include <utility>

namespace callchain::http {
namespace {

constexpr std::size_t kHeaderBytes = 1024;
constexpr std::size_t kBodyBytes = 64;

struct Parsed {
    RequestParser parser{kHeaderBytes, kBodyBytes};
    std::string rest;  ///< what was not used
};

/// Feeds `bytes` in pieces of that size, offering unused ones again as a connection does.
Parsed parse(std::string_view bytes, std::size_t piece) {
    Parsed parsed;
    std::string unread;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        unread.append(bytes.substr(at, piece));
        for (;;) {
            const auto before = parsed.parser.state();
            unread.erase(0, parsed.parser.feed(unread));
            if (parsed.parser.state() == before) break;
        }
    }
    parsed.rest = unread;
    return parsed;
}

struct RefusalRow {
    const char* name;
    std::string bytes;
    int status;
};

std::string get(const std::string& headers) { return "GET / HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n"; }
std::string chunked(const std::string& body) {
    return "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body;
}

const std::vector<RefusalRow>& refusals() {
    static const std::vector<RefusalRow> rows{
        // RFC 9112 section 3
        {"no target", "GET HTTP/1.1\r\n", 400},
        {"no version", "GET /\r\n", 400},
        {"two blanks", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"blank in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"TAB for a blank", "GET\t/ HTTP/1.1\r\n", 400},
        {"blank in front", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"blank behind", "GET / HTTP/1.1 \r\n", 400},
        {"method that is no token", "G{T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"control character in the target", "GET /\x01 HTTP/1.1\r\n", 400},
        {"NUL in the target", std::string("GET /\0 HTTP/1.1\r\n", 18), 400},
        {"lower-case version", "GET / http/1.1\r\n", 400},
        {"TLS to a plain port", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n", 12), 400},
        {"HTTP/1.2", "GET / HTTP/1.2\r\n", 505},
        {"HTTP/0.9 by name", "GET / HTTP/0.9\r\n", 505},
        {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        // sections 2.2 and 5
        {"request line ends in LF", "GET / HTTP/1.1\nHost: a\n\n", 400},
        {"header ends in LF", get("A: b\n"), 400},
        {"empty line is LF", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400},
        {"CR within a value", get("A: b\rc\r\n"), 400},
        {"CR CR LF", get("A: b\r\r\n"), 400},
        {"NUL in a value", get(std::string("A: b\0c\r\n", 8)), 400},
        {"DEL in a value", get("A: b\x7F\r\n"), 400},
        {"blank before the colon", get("Content-Length : 5\r\n"), 400},
        {"empty name", get(": 5\r\n"), 400},
        {"no colon", get("A\r\n"), 400},
        {"folded header", get("A: b\r\n c\r\n"), 400},
        {"folded first header", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
        {"non-ASCII name", get("\xC3\xA4: b\r\n"), 400},
        // section 3.2
        {"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
        {"no Host but a Date", "GET / HTTP/1.1\r\nDate: a\r\n\r\n", 400},
        {"two Hosts", get("Host: a\r\n"), 400},
        {"two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", 400},
        // section 6
        {"both lengths", get("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400},
        {"both lengths, turned", get("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400},
        {"two Content-Lengths", get("Content-Length: 5\r\nContent-Length: 6\r\n"), 400},
        {"one Content-Length twice", get("Content-Length: 5\r\nContent-Length: 5\r\n"), 400},
        {"Content-Length list", get("Content-Length: 5, 5\r\n"), 400},
        {"Content-Length +5", get("Content-Length: +5\r\n"), 400},
        {"Content-Length -5", get("Content-Length: -5\r\n"), 400},
        {"Content-Length 0x5", get("Content-Length: 0x5\r\n"), 400},
        {"Content-Length empty", get("Content-Length:\r\n"), 400},
        {"Content-Length 5a", get("Content-Length: 5a\r\n"), 400},
        {"Content-Length above the limit", get("Content-Length: 65\r\n"), 413},
        {"Content-Length above 64 bits", get("Content-Length: 18446744073709551621\r\n"), 413},
        {"gzip, chunked", get("Transfer-Encoding: gzip, chunked\r\n"), 400},
        {"identity", get("Transfer-Encoding: identity\r\n"), 400},
        {"chunked twice", get("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
        {"chunked, chunked", get("Transfer-Encoding: chunked, chunked\r\n"), 400},
        {"xchunked", get("Transfer-Encoding: xchunked\r\n"), 400},
        {"empty Transfer-Encoding", get("Transfer-Encoding:\r\n"), 400},
        {"quoted Transfer-Encoding", get("Transfer-Encoding: \"chunked\"\r\n"), 400},
        {"chunked in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        // section 7.1
        {"chunk size is no number", chunked("x\r\n"), 400},
        {"chunk size empty", chunked("\r\n"), 400},
        {"chunk size -1", chunked("-1\r\n"), 400},
        {"chunk size 0x1", chunked("0x1\r\na\r\n0\r\n\r\n"), 400},
        {"chunk size ends in LF", chunked("1\na\r\n"), 400},
        {"chunk size of 17 digits", chunked("10000000000000001\r\n"), 400},
        {"chunk above the limit", chunked("41\r\n"), 413},
        {"chunks above the limit", chunked("40\r\n" + std::string(64, 'a') + "\r\n1\r\n"), 413},
        {"chunk longer than its size", chunked("1\r\nab\r\n0\r\n\r\n"), 400},
        {"chunk ends in LF", chunked("1\r\na\n1\r\n"), 400},
        {"LF in an extension", chunked("1;a=\"\n\"\r\n"), 400},
        {"extension without semicolon", chunked("1 a\r\n"), 400},
        {"extension too long", chunked("1;" + std::string(5000, 'a')), 400},
        {"CR within a trailer", chunked("0\r\nA: b\rc\r\n\r\n"), 400},
        {"NUL in a trailer", chunked(std::string("0\r\nA: b\0c\r\n\r\n", 14)), 400},
        {"size line without end", chunked("0" + std::string(5000, '0')), 400},
        {"extensions above the limit of all", chunked([] {
             std::string chunks;
             for (int i = 0; i < 5; ++i) chunks += "1;" + std::string(4000, 'a') + "\r\nb\r\n";
             return chunks;
         }()),
         400},
        {"trailer ends in LF", chunked("0\r\nA: b\n\r\n"), 400},
        {"trailers above the limit", chunked("0\r\nA: " + std::string(kHeaderBytes, 'a')), 431},
        // RFC 9110 section 10.1.1, RFC 6585 section 5
        {"unknown expectation", get("Expect: 200-ok\r\n"), 417},
        {"two expectations", get("Expect: 100-continue\r\nExpect: x\r\n"), 417},
        {"request line above the limit", "GET /" + std::string(kHeaderBytes, 'a'), 431},
        {"header above the limit", get("A: " + std::string(kHeaderBytes, 'a') + "\r\n"), 431},
        {"headers above the limit",
         get("A: " + std::string(500, 'a') + "\r\nB: " + std::string(500, 'b') + "\r\n"), 431},
    };
    return rows;
}

TEST(RequestParser, RefusesWhatTwoReadersMightReadDifferently) {
    for (const auto& row : refusals()) {
        SCOPED_TRACE(row.name);
        const auto parsed = parse(row.bytes, row.bytes.size());
        EXPECT_EQ(parsed.parser.state(), RequestParser::State::refused);
        EXPECT_EQ(parsed.parser.refusal().status, row.status) << parsed.parser.refusal().why;
        EXPECT_FALSE(parsed.parser.refusal().why.empty());
    }
}

TEST(RequestParser, RefusesTheSameWhenBytesComeOneByOne) {
    for (const auto& row : refusals()) {
        SCOPED_TRACE(row.name);
        const auto parsed = parse(row.bytes, 1);
        EXPECT_EQ(parsed.parser.state(), RequestParser::State::refused);
        EXPECT_EQ(parsed.parser.refusal().status, row.status) << parsed.parser.refusal().why;
    }
}

TEST(RequestParser, FillsTheRequestHoweverItIsCutUp) {
    const std::string bytes =
        "POST /openai/webhook?a=1 HTTP/1.1\r\nHost: a.example\r\nwebhook-id:wh_1\r\nX: \t b c "
        "\t\r\nEmpty:\r\n"
        "Content-Length: 5\r\n\r\na\r\n\0bGET"
        "";
    for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
        SCOPED_TRACE(piece);
        const std::string whole = bytes.substr(0, bytes.find("a\r\n")) + std::string("a\r\n\0b", 5) + "GET";
        auto parsed = parse(whole, piece);
        ASSERT_EQ(parsed.parser.state(), RequestParser::State::complete) << parsed.parser.refusal().why;
        const auto& request = parsed.parser.request();
        EXPECT_EQ(request.method, "POST");
        EXPECT_EQ(request.target, "/openai/webhook?a=1");
        EXPECT_EQ(request.version, "HTTP/1.1");
        ASSERT_EQ(request.headers.fields.size(), 5U);
        EXPECT_EQ(request.headers.find("WEBHOOK-ID"), "wh_1");
        EXPECT_EQ(request.headers.find("x"), "b c");
        EXPECT_EQ(request.headers.find("empty"), "");
        EXPECT_EQ(request.body, std::string("a\r\n\0b", 5));
        EXPECT_EQ(parsed.rest, "GET");
        EXPECT_TRUE(parsed.parser.keep_alive());
    }
}

TEST(RequestParser, UndoesChunksAndDropsTrailers) {
    const std::string bytes =
        chunked("3;name=\"a b\" ; x\r\nabc\r\n00A\r\n0123456789\r\n0\r\nX: 1\r\nHost: b\r\n\r\nNEXT");
    for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
        SCOPED_TRACE(piece);
        auto parsed = parse(bytes, piece);
        ASSERT_EQ(parsed.parser.state(), RequestParser::State::complete) << parsed.parser.refusal().why;
        EXPECT_EQ(parsed.parser.request().body, "abc0123456789");
        EXPECT_EQ(parsed.parser.request().headers.fields.size(), 2U);
        EXPECT_EQ(parsed.rest, "NEXT");
    }
}

TEST(RequestParser, TakesTheShortestLastChunkHoweverItIsCutUp) {
    // Beast's own parser asserts here that bytes of a last chunk come together.
    for (const std::string body : {"0\r\n\r\n", "00\r\n\r\n", "0;a\r\n\r\n", "1\r\n0\r\n0\r\n\r\n"}) {
        const auto bytes = chunked(body);
        for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
            SCOPED_TRACE(body + " in pieces of " + std::to_string(piece));
            auto parsed = parse(bytes, piece);
            ASSERT_EQ(parsed.parser.state(), RequestParser::State::complete) << parsed.parser.refusal().why;
            EXPECT_EQ(parsed.parser.request().body, body[0] == '1' ? "0" : "");
        }
    }
}

TEST(RequestParser, TakesTheLargestHeadAndBody) {
    const std::string frame = "GET / HTTP/1.1\r\nHost: \r\nContent-Length: 64\r\nA: \r\n\r\n";
    auto head = frame;
    head.insert(head.find("A: ") + 3, std::string(kHeaderBytes - frame.size(), 'a'));
    ASSERT_EQ(head.size(), kHeaderBytes);
    auto parsed = parse(head + std::string(kBodyBytes, 'b'), 7);
    ASSERT_EQ(parsed.parser.state(), RequestParser::State::complete) << parsed.parser.refusal().why;
    EXPECT_EQ(parsed.parser.request().body.size(), kBodyBytes);
}

TEST(RequestParser, SkipsEmptyLinesInFrontWithoutTakingThemForARequest) {
    RequestParser parser(kHeaderBytes, kBodyBytes);
    EXPECT_EQ(parser.feed("\r\n\r\n"), 4U);
    EXPECT_FALSE(parser.has_begun());
    EXPECT_EQ(parser.feed("G"), 0U);
    EXPECT_TRUE(parser.has_begun());
}

TEST(RequestParser, BoundsTheEmptyLinesInFront) {
    RequestParser parser(kHeaderBytes, kBodyBytes);
    for (std::size_t bytes = 0; bytes < kHeaderBytes; bytes += 2) EXPECT_EQ(parser.feed("\r\n"), 2U);
    EXPECT_EQ(parser.state(), RequestParser::State::head);
    EXPECT_EQ(parser.feed("\r\n"), 2U);
    EXPECT_EQ(parser.state(), RequestParser::State::refused);
    EXPECT_EQ(parser.refusal().status, 431);
}

TEST(RequestParser, GoesOnWhereItWasWhenItIsMoved) {
    RequestParser first(kHeaderBytes, kBodyBytes);
    const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";
    EXPECT_EQ(first.feed(head), head.size());
    EXPECT_EQ(first.feed("he"), 2U);
    auto second = std::move(first);
    EXPECT_EQ(second.feed("lloGET"), 3U);
    EXPECT_EQ(second.state(), RequestParser::State::complete);
    EXPECT_EQ(second.request().body, "hello");
}

TEST(RequestParser, TellsWhetherTheConnectionStays) {
    struct Row {
        const char* head;
        bool stays;
    };
    for (const auto& row :
         {Row{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
          Row{"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false},
          Row{"GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n", false},
          Row{"GET / HTTP/1.0\r\n\r\n", false}, Row{"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
          Row{"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false}}) {
        SCOPED_TRACE(row.head);
        const auto parsed = parse(row.head, 1000);
        ASSERT_EQ(parsed.parser.state(), RequestParser::State::complete);
        EXPECT_EQ(parsed.parser.keep_alive(), row.stays);
    }
}

TEST(RequestParser, PassesUnusualTargetsOn) {
    for (const auto* target : {"*", "example.com:443", "http://a.example/x?y", "/\xC3\xA4#x"}) {
        SCOPED_TRACE(target);
        auto parsed = parse("CONNECT " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n\r\n", 1000);
        ASSERT_EQ(parsed.parser.state(), RequestParser::State::complete);
        EXPECT_EQ(parsed.parser.request().target, target);
    }
}

}  // namespace
}  // namespace callchain::http
