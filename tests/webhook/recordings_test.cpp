#include "webhook/recordings.hpp"

#include "crypto/hash.hpp"
#include "webhook/replay.hpp"

#include <gtest/gtest.h>

namespace callchain::webhook {
namespace {

const std::string kBody = R"({"id": "evt_1", "created_at": 1767801600})";  // 41 bytes
const std::string kBodyText = R"({\"id\": \"evt_1\", \"created_at\": 1767801600})";

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

// As Chrome's network panel writes it ("Save all as HAR with content"): HTTP/2 with pseudo-headers, names in
// lower case, members of its own with a leading underscore, deep in one of them members called as ours are.
const std::string kChrome = R"({
  "log": {
    "version": "1.2",
    "creator": {"name": "WebInspector", "version": "537.36"},
    "pages": [{"startedDateTime": "2026-01-07T15:59:59.000Z", "id": "page_1", "title": "https://app.example.com/",
      "pageTimings": {"onContentLoad": 120.5, "onLoad": null}}],
    "entries": [
      {
        "_connectionId": "901",
        "_initiator": {"type": "script", "stack": {"callFrames": [{"request": {"headers": [
          {"name": "webhook-id", "value": "wh_no"}]}}], "parent": {"log": {"entries": [{"request": {}}]}}}},
        "cache": {},
        "request": {"method": "GET", "url": "https://app.example.com/", "httpVersion": "http/2.0",
          "headers": [{"name": ":method", "value": "GET"}, {"name": "accept", "value": "*/*"}],
          "queryString": [], "cookies": [], "headersSize": -1, "bodySize": 0},
        "response": {"status": 200, "statusText": "", "httpVersion": "http/2.0",
          "headers": [{"name": "webhook-id", "value": "wh_no"}], "cookies": [],
          "content": {"size": 3, "mimeType": "text/html", "text": "\ud800 half", "encoding": "base64"},
          "redirectURL": "", "headersSize": -1, "bodySize": -1, "_transferSize": 210, "_error": null},
        "serverIPAddress": "192.0.2.10", "startedDateTime": "2026-01-07T15:59:59.100Z", "time": 12.25,
        "timings": {"blocked": 1.5, "dns": -1, "ssl": -1, "connect": -1, "send": 0.1, "wait": 9, "receive": 1}
      },
      {
        "_connectionId": "902",
        "request": {"method": "POST", "url": "https://bridge.example.com:8443/openai/webhook?tenant=1#x",
          "httpVersion": "http/2.0",
          "headers": [
            {"name": ":authority", "value": "bridge.example.com:8443"},
            {"name": ":method", "value": "POST"},
            {"name": "content-type", "value": "application/json"},
            {"name": "webhook-id", "value": "wh_1"},
            {"name": "webhook-timestamp", "value": "1767801600"},
            {"name": "webhook-signature", "value": "v1,a"},
            {"name": "x-two", "value": "1"},
            {"name": "x-two", "value": " 2 "}
          ],
          "queryString": [{"name": "tenant", "value": "1"}], "cookies": [], "headersSize": -1, "bodySize": 41,
          "postData": {"mimeType": "application/json", "text": ")" +
                            kBodyText + R"("}},
        "response": {"status": 401, "content": {"size": 0, "mimeType": "x-unknown"}},
        "startedDateTime": "2026-01-07T16:00:00.123Z", "time": 5
      }
    ]
  }
})";

TEST(ReadHar, ReadsWhatChromeWrites) {
    const auto read = read_har(kChrome);
    ASSERT_TRUE(read.has_value()) << read.error().message;
    EXPECT_EQ(read->requests, 2U);
    EXPECT_EQ(read->left_out, 0U);
    ASSERT_EQ(read->found.size(), 1U);
    const auto& recording = read->found[0];
    EXPECT_EQ(recording.number, 2U);
    EXPECT_EQ(recording.time, "2026-01-07T16:00:00.123Z");
    EXPECT_EQ(recording.remark, "");
    const auto& capture = recording.capture;
    EXPECT_EQ(capture.method, "POST");
    EXPECT_EQ(capture.target, "/openai/webhook?tenant=1");
    EXPECT_EQ(capture.version, "HTTP/2.0");
    EXPECT_EQ(capture.body, kBody);
    ASSERT_EQ(capture.headers.fields.size(), 7U);
    EXPECT_EQ(capture.headers.fields[0].name, "Host");
    EXPECT_EQ(capture.headers.find("host"), "bridge.example.com:8443");
    EXPECT_EQ(capture.headers.find("Webhook-Id"), "wh_1");
    EXPECT_EQ(capture.headers.values("x-two"), (std::vector<std::string_view>{"1", "2"}));
    EXPECT_TRUE(plan_replay(capture).has_value());
    EXPECT_TRUE(parse_capture(write_capture(capture)).has_value());
}

/// An archive with one request: members of it and of its postData, and its headers, as JSON.
std::string har(const std::string& request, const std::string& headers) {
    return R"({"log": {"version": "1.2", "creator": {"name": "t", "version": "1"}, "entries": [{"startedDateTime": )"
           R"("2026-01-07T16:00:00.000+01:00", "time": 1, "request": {"method": "POST", "url": )"
           R"("http://127.0.0.1:8080/w", "httpVersion": "HTTP/1.1", "headers": [)" +
           headers + R"(], "queryString": [], "cookies": [], "headersSize": 100, )" + request +
           R"(}, "response": {"status": 200}, "cache": {}, "timings": {"send": 0, "wait": 0, "receive": 0}}]}})";
}

const std::string kId = R"({"name": "webhook-id", "value": "wh_1"})";
const std::string kLength41 = R"(, {"name": "Content-Length", "value": "41"})";

Recording only(const std::string& archive) {
    auto read = read_har(archive);
    EXPECT_TRUE(read.has_value()) << read.error().message;
    if (!read || read->found.size() != 1) {
        ADD_FAILURE() << "not one recording in " << archive;
        return {};
    }
    return std::move(read->found[0]);
}

// Firefox: postData.params is there beside text, response before request, a Host header of its own.
TEST(ReadHar, ReadsWhatFirefoxWrites) {
    const auto recording = only(
        "\xEF\xBB\xBF"
        R"({"log":{"version":"1.2","creator":{"name":"Firefox","version":"128.0"},"browser":{"name":"Firefox",)"
        R"("version":"128.0"},"pages":[{"id":"page_1","pageTimings":{"onContentLoad":1,"onLoad":2},)"
        R"("startedDateTime":"2026-01-07T16:00:00.000+00:00","title":"x"}],"entries":[{"response":{"status":200,)"
        R"("content":{"mimeType":"text/plain","size":2,"text":"ok"}},"request":{"bodySize":41,"method":"POST",)"
        R"("url":"https://bridge.example.com/w","httpVersion":"HTTP/2","headers":[{"name":"Host","value":)"
        R"("bridge.example.com"},{"name":"Content-Length","value":"41"},{"name":"Webhook-Signature","value":"v1,a"}],)"
        R"("cookies":[],"queryString":[],"headersSize":345,"postData":{"mimeType":"application/json","params":[],)"
        R"("text":")" +
        kBodyText +
        R"("}},"startedDateTime":"2026-01-07T16:00:01.000+00:00","time":3,"_securityState":"secure"}]}})");
    EXPECT_EQ(recording.capture.version, "HTTP/2");
    EXPECT_EQ(recording.capture.body, kBody);
    EXPECT_EQ(recording.capture.headers.values("host"),
              (std::vector<std::string_view>{"bridge.example.com"}));
    EXPECT_EQ(recording.time, "2026-01-07T16:00:01.000+00:00");
    EXPECT_EQ(recording.remark, "");
}

// mitmproxy lists params as objects and writes text too; Insomnia and others write base64 with an encoding.
TEST(ReadHar, ReadsTextAndBase64) {
    const auto mitmproxy = only(har(
        R"("bodySize": 12, "postData": {"mimeType": "application/x-www-form-urlencoded", "text": "a=1&b=%C3%A9", )"
        R"("params": [{"name": "a", "value": "1"}, {"name": "b", "value": "é"}]})",
        R"({"name": "X-Twilio-Signature", "value": "s"})"));
    EXPECT_EQ(mitmproxy.capture.body, "a=1&b=%C3%A9");
    EXPECT_EQ(mitmproxy.remark, "");
    EXPECT_EQ(mitmproxy.capture.target, "/w");
    EXPECT_EQ(mitmproxy.capture.headers.find("host"), "127.0.0.1:8080");
    for (const auto* name : {"encoding", "_encoding"}) {
        // printf '\xff{}' | base64
        const auto recording =
            only(har(R"("bodySize": 3, "postData": {"mimeType": "a/b", "text": "/3t9", ")" +
                         std::string(name) + R"(": "base64"})",
                     kId));
        EXPECT_EQ(recording.capture.body, "\xFF{}");
        EXPECT_EQ(recording.remark, "");
    }
}

struct RemarkRow {
    const char* name;
    std::string request;
    std::string headers;
    const char* remark;
    std::string body;
};

TEST(ReadHar, RemarksOnBodiesThatMayNotBeWhatWasSent) {
    const std::string text = R"("postData": {"mimeType": "a/b", "text": ")" + kBodyText + "\"}";
    for (const auto& row : {
             RemarkRow{"as declared", "\"bodySize\": -1, " + text, kId + kLength41, "", kBody},
             RemarkRow{"the header counts before bodySize", "\"bodySize\": 7, " + text, kId + kLength41, "",
                       kBody},
             RemarkRow{"nothing declared", text, kId, "", kBody},
             RemarkRow{"another bodySize", "\"bodySize\": 42, " + text, kId,
                       "41 bytes in the archive and bodySize says 42", kBody},
             RemarkRow{"another Content-Length", text,
                       kId + R"(, {"name": "content-length", "value": "1680"})", "Content-Length says 1,680",
                       kBody},
             RemarkRow{"no body", R"("bodySize": 41)", kId, "holds no body", ""},
             RemarkRow{"bytes were lost", R"("postData": {"text": "a\ufffdb"})", kId, "U+FFFD", "a\uFFFDb"},
             RemarkRow{"half a character", R"("postData": {"text": "a\ud800b"})", kId, "half a character",
                       R"(a\ud800b)"},
             RemarkRow{"a form without text", R"("postData": {"mimeType": "x", "params": [{"name": "a"}]})",
                       kId, "fields of the form", ""},
             RemarkRow{"no base64 after all", R"("postData": {"text": "{}", "encoding": "base64"})", kId,
                       "is base64, and it is not", "{}"},
             RemarkRow{"no body and none declared", R"("bodySize": 0)", kId, "", ""},
         }) {
        SCOPED_TRACE(row.name);
        const auto recording = only(har(row.request, row.headers));
        EXPECT_EQ(recording.capture.body, row.body);
        EXPECT_TRUE(*row.remark == '\0' ? recording.remark.empty() : contains(recording.remark, row.remark))
            << recording.remark;
        EXPECT_TRUE(recording.capture.remarks.empty());
    }
}

TEST(ReadHar, KnowsSignedRequestsByTheirHeaders) {
    for (const auto* name :
         {"webhook-id", "Webhook-Timestamp", "WEBHOOK-SIGNATURE", "svix-signature", "x-twilio-signature"}) {
        const auto read =
            read_har(har(R"("bodySize": 0)", R"({"value": "x", "name": ")" + std::string(name) + "\"}"));
        EXPECT_EQ(read.value().found.size(), 1U) << name;
    }
    for (const auto* name : {"webhook-ids", ":webhook-id", "X-Hub-Signature", ""}) {
        const auto read =
            read_har(har(R"("bodySize": 0)", R"({"name": ")" + std::string(name) + R"(", "value": "x"})"));
        EXPECT_EQ(read.value().found.size(), 0U) << name;
        EXPECT_EQ(read.value().requests, 1U);
    }
}

TEST(ReadHar, SurvivesMembersOfAnotherType) {
    for (
        const auto* archive :
        {R"({"log": {"entries": []}})",
         R"({"log": {"entries": [1, [], null, {}, {"request": []}, {"request": "x"}]}})",
         R"({"log": {"entries": [{"request": {"headers": {}, "postData": [], "url": 7}}]}})",
         R"({"log": {"entries": [{"request": {"headers": [[], {"name": 7, "value": null}, {}], "bodySize": "x"}}]}})"}) {
        const auto read = read_har(archive);
        ASSERT_TRUE(read.has_value()) << archive << read.error().message;
        EXPECT_TRUE(read->found.empty());
    }
}

TEST(ReadHar, KeepsNoMoreThanItsBounds) {
    std::string headers = kId;
    for (int i = 0; i < 2'000; ++i) headers += R"(, {"name": "a", "value": "b"})";
    EXPECT_EQ(only(har(R"("bodySize": 0)", headers)).capture.headers.fields.size(), 1'001U);  // and Host

    std::string many = R"({"log": {"entries": [)";
    for (std::size_t i = 0; i < kMostRecordings + 5; ++i) {
        many += (i > 0 ? ", " : "") +
                (R"({"request": {"method": "POST", "url": "/", "headers": [)" + kId + "]}}");
    }
    const auto counted = read_har(many + "]}}");
    ASSERT_TRUE(counted.has_value());
    EXPECT_EQ(counted->found.size(), kMostRecordings);
    EXPECT_EQ(counted->left_out, 5U);
    EXPECT_EQ(counted->requests, kMostRecordings + 5);

    const std::string entry =
        R"({"request": {"method": "POST", "url": "/", "headers": [)" + kId + R"(], "postData": {"text": ")";
    const std::string large(kMostRecordingBytes - 10, 'x');
    const auto read = read_har(R"({"log": {"entries": [)" + entry + large + "\"}}}, " + entry +
                               "01234567890\"}}}, " + entry + "0123456789\"}}}]}}");
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->left_out, 1U);
    ASSERT_EQ(read->found.size(), 2U);
    EXPECT_EQ(read->found[1].number, 3U);
}

struct WrongRow {
    const char* name;
    std::string bytes;
    std::size_t offset;
    const char* message;
    const char* hint;
};

TEST(ReadHar, SaysWhatAFileIsInstead) {
    for (const auto& row : {
             WrongRow{"empty", "", 0, "empty", "HAR"},
             WrongRow{"a capture", "POST / HTTP/1.1\r\n\r\n{}", 0, "does not begin as JSON", "capture"},
             WrongRow{"a web page", "<!doctype html>", 0, "web page", "HAR"},
             WrongRow{"Fiddler's archive", "PK\x03\x04", 0, "ZIP", "Fiddler"},
             WrongRow{"compressed", "\x1F\x8B\x08", 0, "compressed", "gunzip"},
             WrongRow{"an array", "[{}]", 0, "array", "HAR"},
             WrongRow{"an event", R"({"id": "evt_1", "type": "x", "data": {}})", 0, "no log.entries", "body"},
             WrongRow{"ngrok's answer", R"({"uri": "/api/requests/http", "requests": []})", 0,
                      "no log.entries", "ngrok"},
             WrongRow{"other JSON", R"({"log": {"entries": {}}})", 0, "no log.entries", "HAR"},
             WrongRow{"a number", "7", 0, "no log.entries", "HAR"},
             WrongRow{"cut", kChrome.substr(0, 900), 900, "ends early", "export it again"},
             WrongRow{"damaged", R"({"log": {"entries": [}})", 21, "no JSON from here on", "export it again"},
             WrongRow{"two texts", R"({"log": {"entries": []}} {})", 25, "no JSON from here on",
                      "export it again"},
         }) {
        SCOPED_TRACE(row.name);
        const auto read = read_har(row.bytes);
        ASSERT_FALSE(read.has_value());
        EXPECT_EQ(read.error().code, ErrorCode::bad_input);
        EXPECT_EQ(read.error().offset, row.offset);
        EXPECT_TRUE(contains(read.error().message, row.message)) << read.error().message;
        EXPECT_TRUE(contains(read.error().hint, row.hint)) << read.error().hint;
    }
}

TEST(MayBeHar, LooksForAnObject) {
    for (const auto* yes : {"{\"log\"", "\xEF\xBB\xBF {\n \"log\": {", "{}", "{"})
        EXPECT_TRUE(may_be_har(yes)) << yes;
    for (const auto* no : {"", "POST / HTTP/1.1\r\n", "[{}]", "{log", "<html>"})
        EXPECT_FALSE(may_be_har(no)) << no;
}

// The form of ngrok's documentation, "List captured requests"; newest first. The base64 is Python's.
std::string ngrok_item(const std::string& id, const std::string& request) {
    return R"({"uri": "/api/requests/http/)" + id + R"(", "id": ")" + id +
           R"~(", "tunnel_name": "command_line (http)", "remote_addr": "192.0.2.10", "start": )~"
           R"("2014-12-15T20:32:07-08:00", "duration": 3893202, "request": {)" +
           request +
           R"(}, "response": {"status": "200 OK", "status_code": 200, "proto": "HTTP/1.1", "headers": {}, "raw": ""}})";
}

std::string ngrok_answer(const std::vector<std::string>& items) {
    std::string list;
    for (const auto& item : items) list += (list.empty() ? "" : ", ") + item;
    return R"({"uri": "/api/requests/http", "requests": [)" + list + "]}";
}

const std::string kNgrokHead =
    R"("method": "POST", "proto": "HTTP/1.1", "headers": {"Content-Length": ["15"], )"
    R"("Webhook-Id": ["wh_1"], "X-Two": ["a", "b"]}, "uri": "/openai/webhook?x=1")";
// POST /openai/webhook?x=1 with Host, User-Agent, Content-Length: 15, Webhook-Id, X-Two twice, {"id":
// "evt_1"}
const std::string kNgrokRaw =
    "UE9TVCAvb3BlbmFpL3dlYmhvb2s/eD0xIEhUVFAvMS4xDQpIb3N0OiBzYW1wbGUubmdyb2suYXBwDQpVc2VyLUFnZW50OiBPcGVuQUkv"
    "MS4wDQpDb250ZW50LUxlbmd0aDogMTUNCldlYmhvb2stSWQ6IHdoXzENClgtVHdvOiBhDQpYLVR3bzogYg0KDQp7ImlkIjogImV2dF8x"
    "In0=";

TEST(ReadNgrokRequests, ReadsTheBytesOfTheRequestOldestFirst) {
    const auto favicon = R"("method": "GET", "proto": "HTTP/1.1", "headers": {"Accept": ["*/*"]}, "uri": )"
                         R"("/favicon.ico", "raw": "R0VUIC9mYXZpY29uLmljbyBIVFRQLzEuMQ0KSG9zdDogYQ0KDQo=")";
    const auto signed_one = kNgrokHead + R"(, "raw": ")" + kNgrokRaw + "\"";
    // {"id": "evt_2"} behind a Content-Length of 20
    const auto newest = R"("method": "POST", "proto": "HTTP/1.1", "headers": {}, "uri": "/w", "raw": )"
                        R"("UE9TVCAvdyBIVFRQLzEuMQ0KSG9zdDogYQ0KQ29udGVudC1MZW5ndGg6IDIwDQpXZWJob29rLUlkOiB3)"
                        R"(aF8yDQoNCnsiaWQiOiAiZXZ0XzIifQ==")";
    const auto read = read_ngrok_requests(
        ngrok_answer({ngrok_item("3", newest), ngrok_item("2", signed_one), ngrok_item("1", favicon)}));
    ASSERT_TRUE(read.has_value()) << read.error().message;
    EXPECT_EQ(read->requests, 3U);
    ASSERT_EQ(read->found.size(), 2U);
    const auto& first = read->found[0];
    EXPECT_EQ(first.number, 2U);
    EXPECT_EQ(first.time, "2014-12-15T20:32:07-08:00");
    EXPECT_EQ(first.remark, "");
    EXPECT_EQ(first.capture.target, "/openai/webhook?x=1");
    EXPECT_EQ(first.capture.headers.find("host"), "sample.ngrok.app");
    EXPECT_EQ(first.capture.headers.values("x-two"), (std::vector<std::string_view>{"a", "b"}));
    EXPECT_EQ(first.capture.body, "{\"id\": \"evt_1\"}");
    const auto& second = read->found[1];
    EXPECT_EQ(second.number, 3U);
    EXPECT_EQ(second.capture.body, "{\"id\": \"evt_2\"}");
    EXPECT_TRUE(contains(second.remark, "15 bytes and Content-Length says 20")) << second.remark;
    EXPECT_TRUE(second.capture.remarks.empty());
}

TEST(ReadNgrokRequests, PutsARequestTogetherWhereItsBytesAreMissing) {
    struct Row {
        const char* name;
        const char* raw;
        const char* body;
        const char* remark;
    };
    for (
        const auto& row : {
            Row{"the body alone", R"(, "raw": "eyJpZCI6ICJldnRfMSJ9")", "{\"id\": \"evt_1\"}",
                "the body alone"},
            Row{"no raw", "", "", "no bytes of the request"},
            Row{"raw is null", R"(, "raw": null)", "", "no bytes of the request"},
            Row{"raw is no base64", R"(, "raw": "{}")", "", "no bytes of the request"},
            // POST /w with Content-Length: 3 and 15 bytes of body
            Row{"raw does not read as a request",
                R"(, "raw": "UE9TVCAvdyBIVFRQLzEuMQ0KSG9zdDogYQ0KQ29udGVudC1MZW5ndGg6IDMNCldlYmhvb2stSWQ6IHdoXzMN)"
                R"(Cg0KeyJpZCI6ICJldnRfMyJ9")",
                "{\"id\": \"evt_3\"}", "Content-Length says 3"},
        }) {
        SCOPED_TRACE(row.name);
        const auto read = read_ngrok_requests(ngrok_answer({ngrok_item("1", kNgrokHead + row.raw)}));
        ASSERT_TRUE(read.has_value()) << read.error().message;
        ASSERT_EQ(read->found.size(), 1U);
        const auto& recording = read->found[0];
        EXPECT_EQ(recording.capture.method, "POST");
        EXPECT_EQ(recording.capture.target, "/openai/webhook?x=1");
        EXPECT_EQ(recording.capture.headers.values("x-two"), (std::vector<std::string_view>{"a", "b"}));
        EXPECT_EQ(recording.capture.body, row.body);
        EXPECT_TRUE(contains(recording.remark, row.remark)) << recording.remark;
        EXPECT_EQ(contains(recording.remark, "Content-Length says 15"), *row.body == '\0')
            << recording.remark;
    }
}

TEST(ReadNgrokRequests, RefusesWhatIsNoSuchAnswer) {
    for (const auto* json : {"", "<html>", "[]", "{}", R"({"requests": {}})", R"({"requests": null})", "7"}) {
        SCOPED_TRACE(json);
        const auto read = read_ngrok_requests(json);
        ASSERT_FALSE(read.has_value());
        EXPECT_EQ(read.error().code, ErrorCode::bad_input);
        EXPECT_TRUE(contains(read.error().hint, "127.0.0.1:4040"));
    }
    const auto error =
        read_ngrok_requests(R"({"error_code": 100, "status_code": 404, "msg": "no such\u001b page"})");
    ASSERT_FALSE(error.has_value());
    EXPECT_TRUE(contains(error.error().message, "no such\\x1b page")) << error.error().message;
    EXPECT_TRUE(read_ngrok_requests(R"({"requests": []})").value().found.empty());
    EXPECT_TRUE(read_ngrok_requests(R"({"requests": [1, {}, {"request": 7}]})").value().found.empty());
}

LoggedDelivery delivery_with(LoggedBody body) {
    using enum LoggedField::State;
    LoggedDelivery delivery;
    delivery.id = {whole, "wh_1"};
    delivery.timestamp = {whole, "1767801600"};
    delivery.signature = {cut, "v1,AA…"};
    delivery.user_agent = "OpenAI/1.0";
    delivery.content_type = "application/json";
    delivery.body = std::move(body);
    return delivery;
}

LoggedBody body_of(std::vector<BodyCandidate> candidates) {
    LoggedBody body;
    body.candidates = std::move(candidates);
    return body;
}

TEST(CaptureOfDelivery, HasWhatTheLogShows) {
    const auto capture =
        capture_of_delivery(delivery_with(body_of({{kBody, BodyChange::none}})), "/w?x", std::nullopt);
    ASSERT_TRUE(capture.has_value()) << capture.error().message;
    EXPECT_EQ(capture->method, "POST");
    EXPECT_EQ(capture->target, "/w?x");
    EXPECT_EQ(capture->body, kBody);
    EXPECT_EQ(capture->headers.find("webhook-id"), "wh_1");
    EXPECT_EQ(capture->headers.find("webhook-timestamp"), "1767801600");
    EXPECT_EQ(capture->headers.find("webhook-signature"), std::nullopt);  // half a signature signs nothing
    EXPECT_EQ(capture->headers.find("user-agent"), "OpenAI/1.0");
    EXPECT_EQ(capture->headers.find("content-type"), "application/json");
    EXPECT_TRUE(parse_capture(write_capture(*capture)).has_value());
}

TEST(CaptureOfDelivery, TakesTheBodyThatItIsGiven) {
    auto delivery = delivery_with(body_of({{"other", BodyChange::none}}));
    delivery.body->truncated = true;
    EXPECT_EQ(capture_of_delivery(delivery, "/", kBody).value().body, kBody);
    delivery.body.reset();
    EXPECT_EQ(capture_of_delivery(delivery, "/", kBody).value().body, kBody);
}

TEST(CaptureOfDelivery, TakesTheCandidateOfTheLoggedLength) {
    auto delivery =
        delivery_with(body_of({{"ab", BodyChange::joined}, {"a b", BodyChange::joined_with_blanks}}));
    EXPECT_EQ(capture_of_delivery(delivery, "/", std::nullopt).value().body, "ab");
    delivery.body_length = 3;
    EXPECT_EQ(capture_of_delivery(delivery, "/", std::nullopt).value().body, "a b");
}

TEST(CaptureOfDelivery, RefusesABodyThatIsNotTheOneThatCame) {
    struct Row {
        const char* name;
        void (*damage)(LoggedDelivery&);
        const char* message;
    };
    for (const auto& row : {
             Row{"none", [](LoggedDelivery& d) { d.body.reset(); }, "no body"},
             Row{"left out",
                 [](LoggedDelivery& d) {
                     d.body.reset();
                     d.record = WebhookRecord{};
                     d.record->body_left_out = "larger than 16384 bytes";
                 },
                 "larger than 16384 bytes"},
             Row{"cut", [](LoggedDelivery& d) { d.body->truncated = true; }, "was cut"},
             Row{"preview", [](LoggedDelivery& d) { d.body->source = LoggedBody::Source::preview; },
                 "was cut"},
             Row{"reordered", [](LoggedDelivery& d) { d.body->reordered = true; }, "another order"},
             Row{"another hash",
                 [](LoggedDelivery& d) {
                     d.body_sha256 = {LoggedField::State::whole, crypto::sha256_hex("other")};
                 },
                 "SHA-256"},
             Row{"another length", [](LoggedDelivery& d) { d.body_length = 42; }, "has 41 bytes"},
         }) {
        SCOPED_TRACE(row.name);
        auto delivery = delivery_with(body_of({{kBody, BodyChange::none}}));
        row.damage(delivery);
        const auto capture = capture_of_delivery(delivery, "/", std::nullopt);
        ASSERT_FALSE(capture.has_value());
        EXPECT_EQ(capture.error().code, ErrorCode::bad_input);
        EXPECT_TRUE(contains(capture.error().message, row.message)) << capture.error().message;
        EXPECT_TRUE(contains(capture.error().hint, "CALLCHAIN_RECORD=full"));
    }
}

// Through the reader of logs: our own record line with body, and Railway's JSON that re-orders one.
TEST(CaptureOfDelivery, TakesAConfirmedBody) {
    WebhookRecord record;
    record.webhook_id = "wh_1";
    record.webhook_timestamp = "1767801600";
    record.webhook_signature = "v1,AAAA";
    record.received_at = std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::seconds(1767801600));
    record.body = kBody;
    record.body_length = kBody.size();
    record.body_sha256 = crypto::sha256_hex(kBody);
    const auto reading = read_railway_log(write_webhook_record(record) + "\n");
    ASSERT_EQ(reading.deliveries.size(), 1U);
    const auto capture = capture_of_delivery(reading.deliveries[0], "/w", std::nullopt);
    ASSERT_TRUE(capture.has_value()) << capture.error().message;
    EXPECT_EQ(capture->body, kBody);
    EXPECT_EQ(capture->headers.find("webhook-signature"), "v1,AAAA");
}

}  // namespace
}  // namespace callchain::webhook
