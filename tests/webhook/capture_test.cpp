#include "webhook/capture.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace callchain::webhook {
namespace {

const std::string kBody = R"({"id": "evt_1"})";  // 15 bytes

std::string request(const std::string& headers, const std::string& body) {
    return "POST /openai/webhook HTTP/1.1\r\n" + headers + "\r\n" + body;
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST(ParseCapture, ReadsRequestLineHeadersAndBody) {
    const auto capture =
        parse_capture(request("Host: a.example\r\nwebhook-id:wh_1\r\nX: \t b c \r\n", kBody));
    ASSERT_TRUE(capture.has_value()) << capture.error().message;
    EXPECT_EQ(capture->method, "POST");
    EXPECT_EQ(capture->target, "/openai/webhook");
    EXPECT_EQ(capture->version, "HTTP/1.1");
    ASSERT_EQ(capture->headers.fields.size(), 3U);
    EXPECT_EQ(capture->headers.find("WEBHOOK-ID"), "wh_1");
    EXPECT_EQ(capture->headers.find("x"), "b c");
    EXPECT_EQ(capture->headers.find("absent"), std::nullopt);
    EXPECT_EQ(capture->body, kBody);
    EXPECT_TRUE(capture->remarks.empty());
}

TEST(ParseCapture, AcceptsBareLineFeedsAndEmptyLinesInFront) {
    const auto capture = parse_capture("\r\n\nPOST / HTTP/2\nA: 1\nA: 2\n\nx\r\ny");
    ASSERT_TRUE(capture.has_value()) << capture.error().message;
    EXPECT_EQ(capture->headers.values("a"), (std::vector<std::string_view>{"1", "2"}));
    EXPECT_EQ(capture->body, "x\r\ny");
}

TEST(ParseCapture, KeepsBodiesOfAnyBytes) {
    const std::string body("\0\xFF\r\n\r\n\x1b[0m", 10);
    const auto capture = parse_capture(request("Content-Length: 10\r\n", body));
    ASSERT_TRUE(capture.has_value()) << capture.error().message;
    EXPECT_EQ(capture->body, body);
}

TEST(ParseCapture, TakesAHeadWithoutBodyAsEmptyBody) {
    for (const auto* text : {"GET /x HTTP/1.1\r\nHost: a\r\n\r\n", "GET /x HTTP/1.1\nHost: a\n",
                             "GET /x HTTP/1.1\nHost: a", "GET /x HTTP/1.1"}) {
        SCOPED_TRACE(text);
        const auto capture = parse_capture(text);
        ASSERT_TRUE(capture.has_value()) << capture.error().message;
        EXPECT_EQ(capture->body, "");
    }
}

TEST(ParseCapture, LeavesOffOneLineEndBehindTheDeclaredBody) {
    for (const auto* extra : {"\n", "\r\n"}) {
        const auto capture = parse_capture(request("Content-Length: 15\r\n", kBody + extra));
        ASSERT_TRUE(capture.has_value()) << capture.error().message;
        EXPECT_EQ(capture->body, kBody);
        ASSERT_EQ(capture->remarks.size(), 1U);
        EXPECT_EQ(capture->remarks[0].kind, CaptureRemark::Kind::one_line_end_more);
    }
    const auto undeclared = parse_capture(request("", kBody + "\n"));
    ASSERT_TRUE(undeclared.has_value());
    EXPECT_EQ(undeclared->body, kBody + "\n");  // then nothing says that it is not the sender's
}

TEST(ParseCapture, RemarksOnABodyShorterThanDeclared) {
    const auto capture = parse_capture(request("Content-Length: 1680\r\n", kBody));
    ASSERT_TRUE(capture.has_value()) << capture.error().message;
    EXPECT_EQ(capture->body, kBody);
    ASSERT_EQ(capture->remarks.size(), 1U);
    EXPECT_EQ(capture->remarks[0].kind, CaptureRemark::Kind::shorter_than_declared);
    EXPECT_TRUE(contains(capture->remarks[0].detail, "15 bytes")) << capture->remarks[0].detail;
    EXPECT_TRUE(contains(capture->remarks[0].detail, "1,680")) << capture->remarks[0].detail;
}

struct ErrorRow {
    const char* name;
    std::string bytes;
    std::size_t offset;
    const char* message;
    const char* hint;
    ErrorCode code = ErrorCode::bad_input;
};

TEST(ParseCapture, SaysWhatIsWrongWhereAndWhatToDo) {
    const std::string head = "POST / HTTP/1.1\r\n";  // 17 bytes
    const std::vector<ErrorRow> rows{
        {"empty", "", 0, "is empty", "recorder wrote nothing"},
        {"blanks", "\n \n", 1, "nothing but blanks", "request line"},
        {"response", "HTTP/1.1 200 OK\r\n\r\nok", 0, "a response", "record the request"},
        {"bare body", R"({"id": "evt_1"})", 0, "bare JSON body", "--body"},
        {"curl", "curl -X POST https://a.example -d '{}'", 0, "curl command", "where it arrives"},
        {"curl -v", "> POST / HTTP/1.1\n> Host: a\n", 0, "curl -v", "without that mark"},
        {"gzip", "\x1F\x8B\x08", 0, "compressed", "gunzip"},
        {"UTF-16", "\xFF\xFEP", 0, "UTF-16", "PowerShell"},
        {"BOM", "\xEF\xBB\xBFPOST / HTTP/1.1\r\n\r\n", 0, "byte-order mark", "remove"},
        {"binary",
         std::string("\x7F"
                     "ELF\0\0\0",
                     7),
         0, "binary", "packet trace"},
        {"no request line", "Host: a.example\r\n\r\n{}", 0, "first line is a header", "on top"},
        {"prose", "hello there\n", 0, "line 1: no request line: \"hello there\"", "request line"},
        {"no colon", head + "A: 1\r\nwebhook-id wh_1\r\n\r\n", 23,
         "line 3: header line without a colon: \"webhook-id wh_1\"", "name: value"},
        {"folded", head + "A: 1\r\n\tmore\r\n\r\n", 23, "line 3: a folded header", "join it"},
        {"pseudo-header", head + ":method: POST\r\n\r\n", 17, "line 2: header line without a name", "HTTP/2"},
        {"blank before colon", head + "webhook-id : x\r\n\r\n", 17, "line 2: header name with a character",
         "before the colon"},
        {"no empty line", head + "A: 1\r\n" + kBody, 23, "line 3: the body begins where a header",
         "empty line"},
        {"NUL in a value", head + std::string("A: x\0y\r\n\r\n", 10), 21, "line 2: header value with a NUL",
         "record it again"},
        {"Content-Length is no number", head + "Content-Length: 12x\r\n\r\nabc", 0,
         "not a decimal number: \"12x\"", "delete that line"},
        {"two Content-Lengths", head + "Content-Length: 1\r\ncontent-length: 2\r\n\r\nabc", 0, "given twice",
         "keep the one"},
        {"longer than declared", head + "Content-Length: 2\r\n\r\nabc", 40,
         "the body has 3 bytes and Content-Length says 2", "delete the Content-Length line"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        const auto capture = parse_capture(row.bytes);
        ASSERT_FALSE(capture.has_value());
        EXPECT_EQ(capture.error().code, row.code);
        EXPECT_EQ(capture.error().offset.value_or(0), row.offset);
        EXPECT_TRUE(contains(capture.error().message, row.message)) << capture.error().message;
        EXPECT_TRUE(contains(capture.error().hint, row.hint)) << capture.error().hint;
    }
}

TEST(ParseCapture, TellsASecondRequestFromALongerBody) {
    const std::string first = request("Content-Length: 15\r\n", kBody);
    const std::string open = request("Host: a\r\n", kBody);
    for (const auto& row : {std::pair{"declared, glued", first + first},
                            {"declared, with a line end", first + "\n" + first},
                            {"undeclared, glued", open + open},
                            {"undeclared, with a line end", open + "\n" + open},
                            {"first body cut", request("Content-Length: 99\r\n", kBody + "\n" + first)}}) {
        SCOPED_TRACE(row.first);
        const auto capture = parse_capture(row.second);
        ASSERT_FALSE(capture.has_value());
        EXPECT_TRUE(contains(capture.error().message, "a second request begins here: \"POST /openai"))
            << capture.error().message;
        EXPECT_TRUE(contains(capture.error().hint, "one capture per file")) << capture.error().hint;
        ASSERT_TRUE(capture.error().offset.has_value());
        EXPECT_EQ(row.second.substr(*capture.error().offset, 5), "POST ");
        EXPECT_GT(*capture.error().offset, 40U);
    }
}

TEST(ParseCapture, LeavesARequestInsideADeclaredBodyAlone) {
    const std::string inner = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    const auto capture =
        parse_capture(request("Content-Length: " + std::to_string(inner.size()) + "\r\n", inner));
    ASSERT_TRUE(capture.has_value()) << capture.error().message;
    EXPECT_EQ(capture->body, inner);
}

TEST(ParseCapture, UndoesChunkedFraming) {
    const std::string framed = "5\r\n{\"id\"\r\na;x=y\r\n: \"evt_1\"}\r\n0\r\n\r\n";
    const auto capture = parse_capture(request("Transfer-Encoding: gzip, Chunked\r\n", framed));
    ASSERT_TRUE(capture.has_value()) << capture.error().message;
    EXPECT_EQ(capture->body, kBody);
    EXPECT_TRUE(capture->remarks.empty());
    const auto edited = parse_capture(request("Transfer-Encoding: chunked\r\n", framed + "\n"));
    ASSERT_TRUE(edited.has_value());
    EXPECT_EQ(edited->body, kBody);
    ASSERT_EQ(edited->remarks.size(), 1U);
    EXPECT_EQ(edited->remarks[0].kind, CaptureRemark::Kind::one_line_end_more);
}

TEST(ParseCapture, TakesABodyWhoseChunkedFramingIsGone) {
    const auto capture = parse_capture(request("Transfer-Encoding: chunked\r\n", kBody));
    ASSERT_TRUE(capture.has_value()) << capture.error().message;
    EXPECT_EQ(capture->body, kBody);
    EXPECT_TRUE(capture->remarks.empty());
}

TEST(ParseCapture, RemarksOnChunkedFramingThatBreaksOff) {
    for (const std::string framed :
         {"690\r\n{\"id\"", "5\r\nhello\r\n5\r\nwo", "5\r\nhello\r\n", "5\r\nhello", "5\r\nhello\r\n0\r\n"}) {
        SCOPED_TRACE(framed);
        const auto capture = parse_capture(request("Transfer-Encoding: chunked\r\n", framed));
        ASSERT_TRUE(capture.has_value()) << capture.error().message;
        EXPECT_EQ(capture->body, framed);
        ASSERT_EQ(capture->remarks.size(), 1U);
        EXPECT_EQ(capture->remarks[0].kind, CaptureRemark::Kind::shorter_than_declared);
    }
}

TEST(ParseCapture, TakesABodyThatOnlyBeginsLikeAChunkSize) {
    for (const std::string body : {"12", "0", "abc"}) {
        SCOPED_TRACE(body);
        const auto capture = parse_capture(request("Transfer-Encoding: chunked\r\n", body));
        ASSERT_TRUE(capture.has_value()) << capture.error().message;
        EXPECT_EQ(capture->body, body);
        EXPECT_TRUE(capture->remarks.empty());
    }
}

TEST(ParseCapture, RefusesAHeadWithoutEnd) {
    const auto capture = parse_capture(request("A: " + std::string(kMostHeadBytes, 'x') + "\r\n", ""));
    ASSERT_FALSE(capture.has_value());
    EXPECT_EQ(capture.error().code, ErrorCode::limit);
    EXPECT_TRUE(contains(capture.error().message, "262,144 bytes")) << capture.error().message;
}

TEST(ParseCapture, NeverQuotesASecretOrAControlCharacter) {
    for (const auto* line : {"Authorization Bearer sk-proj-0123456789",
                             "OPENAI_WEBHOOK_SECRET=whsec_AAECAwQFBgcICQ==", "\x1b[31mwebhook-id"}) {
        SCOPED_TRACE(line);
        const auto capture = parse_capture("POST / HTTP/1.1\n" + std::string(line) + "\n\n");
        ASSERT_FALSE(capture.has_value());
        for (const auto* secret : {"0123456789", "AAECAw", "\x1b"}) {
            EXPECT_FALSE(contains(capture.error().message, secret)) << capture.error().message;
        }
    }
}

TEST(ParseCapture, ReadsALargeBodyThatLooksLikeRequestsInOnePass) {
    std::string body;
    while (body.size() < std::size_t{4} << 20U) body += " HTTP/1.1 HTTP/";
    const auto capture = parse_capture(request("", body));
    ASSERT_TRUE(capture.has_value()) << capture.error().message;
    EXPECT_EQ(capture->body.size(), body.size());
}

TEST(WriteCapture, WritesWhatReadsAsTheSameAgain) {
    const bool held = rc::check("write, then parse", [] {
        const auto token =
            rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::elementOf(std::string("aB3-_!"))));
        const auto value = rc::gen::container<std::string>(rc::gen::inRange<char>('!', '~'));
        Capture capture{*token, "/" + *value, "HTTP/1.1", {}, *rc::gen::arbitrary<std::string>(), {}};
        const auto count = *rc::gen::inRange(0, 5);
        for (int i = 0; i < count; ++i) capture.headers.fields.push_back({"x-" + *token, *value});
        capture.headers.fields.push_back({"Content-Length", std::to_string(capture.body.size())});
        const auto again = parse_capture(write_capture(capture));
        RC_ASSERT(again.has_value());
        RC_ASSERT(again->method == capture.method);
        RC_ASSERT(again->target == capture.target);
        RC_ASSERT(again->body == capture.body);
        RC_ASSERT(again->headers.fields.size() == capture.headers.fields.size());
        for (std::size_t i = 0; i < capture.headers.fields.size(); ++i) {
            RC_ASSERT(again->headers.fields[i].name == capture.headers.fields[i].name);
            RC_ASSERT(again->headers.fields[i].value == capture.headers.fields[i].value);
        }
    });
    ASSERT_TRUE(held);
}

}  // namespace
}  // namespace callchain::webhook
