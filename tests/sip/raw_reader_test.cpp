#include "sip/raw_reader.hpp"

#include "base/text.hpp"
#include "sip/message_files.hpp"

#include <gtest/gtest.h>
#include <string>

namespace callchain::sip {
namespace {

RawMessage raw_of(const std::string& lines) {
    auto raw = read_raw(replace_all(lines, "\n", "\r\n"));
    EXPECT_TRUE(raw.has_value());
    return raw ? *std::move(raw) : RawMessage{};
}

TEST(ReadRaw, TakesTheFieldsOfAnAnswerFromTheBytes) {
    const auto raw = read_raw(message_file("sip/meta-invite.sip"));
    ASSERT_TRUE(raw.has_value());
    EXPECT_EQ(raw->start_line, "INVITE sip:+12145551869@meta-voip.example.com;transport=tls SIP/2.0");
    EXPECT_EQ(raw->method, "INVITE");
    EXPECT_EQ(raw->uri, "sip:+12145551869@meta-voip.example.com;transport=tls");
    EXPECT_EQ(raw->version, "SIP/2.0");
    EXPECT_EQ(raw->status, 0);
    ASSERT_EQ(raw->via.size(), 3U);
    EXPECT_EQ(
        raw->via[0],
        "SIP/2.0/TLS [2803:6080:f948:9597::]:57363;rport;branch=z9hG4bKPj3a9f1c62-77be-4f0d-9a43;alias");
    EXPECT_EQ(raw->from, "\"12195550714\" <sip:+12195550714@wa.meta.vc>;tag=8a0f7e65-77be-4f0d");
    EXPECT_EQ(raw->to, "<sip:+12145551869@meta-voip.example.com>");
    EXPECT_EQ(raw->call_id, "outgoing:wacid.HBgLMTIxOTU1NTA3MTQVAgASGCA2NTQzMjEwRkVEQ0JBFQIAAA==");
    EXPECT_EQ(raw->cseq, "31159 INVITE");
    EXPECT_EQ(raw->head_bytes, message_file("sip/meta-invite.sip").find("v=0"));
}

TEST(ReadRaw, JoinsFoldsSplitsViasAndTakesTheFirstOfTheOthers) {
    const auto raw = raw_of(
        "X sip:a SIP/2.0\nv : SIP/2.0/UDP a;x=\",\" ,\n SIP/2.0/UDP b\nVIA:SIP/2.0/UDP c\nt:\n\t<sip:x>\n  "
        ";tag=1\n"
        "To: second\nno colon\nl: 5\nl: 6\n\nbody\nTo: third\n\n");
    EXPECT_EQ(raw.via, (std::vector<std::string>{"SIP/2.0/UDP a;x=\",\"", "SIP/2.0/UDP b", "SIP/2.0/UDP c"}));
    EXPECT_EQ(raw.to, "<sip:x> ;tag=1");
    EXPECT_EQ(raw.content_length, "5");
    EXPECT_EQ(raw.from, "");
}

TEST(ReadRaw, ReadsStartLinesLeniently) {
    struct Row {
        const char* line;
        const char* method;
        const char* uri;
        int status;
    };
    for (const auto& row :
         {Row{"INVITE  sip:user@example.com  SIP/2.0", "INVITE", "sip:user@example.com", 0},
          Row{"INVITE sip:user@example.com; lr SIP/2.0", "INVITE", "sip:user@example.com; lr", 0},
          Row{"OPTIONS sip:a@b SIP/2.0  ", "OPTIONS", "sip:a@b", 0}, Row{"SIP/2.0 100 ", "", "", 100},
          Row{"SIP/2.0 486", "", "", 486}, Row{"sip/2.0 699 a  b", "", "", 699},
          Row{"A+B * SIP/7.0", "A+B", "*", 0}}) {
        SCOPED_TRACE(row.line);
        const auto raw = read_raw(std::string(row.line) + "\r\n\r\n");
        ASSERT_TRUE(raw.has_value());
        EXPECT_EQ(raw->method, row.method);
        EXPECT_EQ(raw->uri, row.uri);
        EXPECT_EQ(raw->status, row.status);
        EXPECT_EQ(raw->start_line, row.line);
    }
}

TEST(ReadRaw, RefusesWhatHasNoStartLineOrNoEnd) {
    for (const auto* text :
         {"", "\r\n", "\n\r\nINVITE sip:a SIP/2.0\r\n\r\n", "INVITE sip:a SIP/2.0\r\n\nA: b\r\n\r\n",
          "INVITE sip:a SIP/2.0\r\n", "INVITE sip:a SIP/2.0\n\n", "INVITE sip:a\r\n\r\n",
          "INVITE SIP/2.0\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "SIP/2.0 99 x\r\n\r\n", "SIP/2.0 700 x\r\n\r\n",
          "SIP/2.0 2000 x\r\n\r\n", "SIP/2.0 20x\r\n\r\n", "SIP/2.0\r\n\r\n", " INVITE sip:a SIP/2.0\r\n\r\n",
          "IN{VITE sip:a SIP/2.0\r\n\r\n", "INVITE sip:a SIP/x\r\n\r\n",
          "INVITE sip:a SIP/2.0\r\nA: b\rC: d\r\n\r\n", "INVITE sip:a SIP/2.0\r\nA: b\nC: d\r\n\r\n"}) {
        SCOPED_TRACE(text);
        EXPECT_FALSE(read_raw(text).has_value());
    }
}

const char* const kRequest =
    "BYE sip:a SIP/2.0\nVia: SIP/2.0/UDP a\nVia: SIP/2.0/UDP b\nFrom: <sip:x>;tag=1\nTo: <sip:y>\nCall-ID: "
    "1\n"
    "CSeq: 2 BYE\n\n";

TEST(RawResponse, CopiesWhatRfc3261Section8Dot2Dot6Names) {
    const auto response = raw_response(raw_of(kRequest), 400, "Bad Request", "ours");
    ASSERT_TRUE(response.has_value());
    EXPECT_EQ(*write_message(*response),
              "SIP/2.0 400 Bad Request\r\nVia: SIP/2.0/UDP a\r\nVia: SIP/2.0/UDP b\r\nFrom: <sip:x>;tag=1\r\n"
              "To: <sip:y>;tag=ours\r\nCall-ID: 1\r\nCSeq: 2 BYE\r\nContent-Length: 0\r\n\r\n");
}

TEST(RawResponse, KeepsATagThatIsThereHoweverMalformedTheRest) {
    for (const auto* to :
         {"<sip:y>;tag=1", "sip:y;TAG=1", "< sip:y > ; tag = 1", "A, B <sip:y;tag=x>;tag=1"}) {
        SCOPED_TRACE(to);
        auto raw = raw_of(kRequest);
        raw.to = to;
        EXPECT_EQ(raw_response(raw, 400, "Bad Request", "ours")->find("To"), to);
    }
    for (const auto* to :
         {"<sip:y;tag=x>", "\";tag=1\" <sip:y>", "A, B <sip:y>;tagged=1", "A, B <sip:y>;x=\";tag=1\""}) {
        SCOPED_TRACE(to);
        auto raw = raw_of(kRequest);
        raw.to = to;
        EXPECT_EQ(raw_response(raw, 400, "Bad Request", "ours")->find("To"), std::string(to) + ";tag=ours");
    }
}

TEST(RawResponse, LeavesTryingWithoutATag) {
    EXPECT_EQ(raw_response(raw_of(kRequest), 100, "Trying", "ours")->find("To"), "<sip:y>");
}

TEST(RawResponse, AnswersWithoutTheFieldsThatAreMissing) {
    const auto response =
        raw_response(raw_of("BYE sip:a SIP/2.0\nv: SIP/2.0/UDP a\n\n"), 400, "Bad Request", "ours");
    ASSERT_TRUE(response.has_value());
    EXPECT_EQ(response->headers.size(), 1U);
}

TEST(RawResponse, IsNoneForAckForResponsesAndWithoutAWayBack) {
    EXPECT_FALSE(raw_response(raw_of(replace_all(kRequest, "BYE", "ACK")), 400, "x", "y"));
    EXPECT_FALSE(raw_response(raw_of("BYE sip:a SIP/2.0\nTo: <sip:y>\n\n"), 400, "x", "y"));
    EXPECT_FALSE(raw_response(raw_of("SIP/2.0 200 OK\nVia: SIP/2.0/UDP a\n\n"), 400, "x", "y"));
    auto raw = raw_of(kRequest);
    raw.call_id.push_back('\0');
    EXPECT_FALSE(raw_response(raw, 400, "x", "y"));
}

}  // namespace
}  // namespace callchain::sip
