#include "sip/message.hpp"

#include "base/text.hpp"
#include "sip/message_files.hpp"

#include <gtest/gtest.h>
#include <string>

namespace callchain::sip {
namespace {

Received parsed(const std::string& bytes, Carrier carrier = Carrier::datagram) {
    auto message = parse_message(bytes, carrier);
    EXPECT_TRUE(message.has_value()) << message.error().why;
    return message ? *std::move(message) : Received{};
}

/// A request with these lines beside the needed ones.
std::string request_with(const std::string& lines,
                         const std::string& start = "OPTIONS sip:a@b.example SIP/2.0") {
    const auto method = start.substr(0, start.find(' '));
    return replace_all(start +
                           "\nVia: SIP/2.0/TLS c.example;branch=z9hG4bK1\nFrom: <sip:c@c.example>;tag=1\n"
                           "To: <sip:a@b.example>\nCall-ID: 1\nCSeq: 1 " +
                           method + "\n" + lines + "Content-Length: 0\n\n",
                       "\n", "\r\n");
}

std::string without_line(std::string bytes, const std::string& start) {
    const auto begin = bytes.find("\r\n" + start);
    EXPECT_NE(begin, std::string::npos);
    return bytes.erase(begin, bytes.find("\r\n", begin + 2) - begin);
}

struct Wrong {
    const char* name;
    std::string bytes;
    std::optional<int> answer = 400;
};

void expect_unreadable(const std::vector<Wrong>& rows, Carrier carrier = Carrier::datagram) {
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        const auto message = parse_message(row.bytes, carrier);
        ASSERT_FALSE(message.has_value());
        EXPECT_EQ(message.error().answer, row.answer) << message.error().why;
        EXPECT_FALSE(message.error().why.empty());
        EXPECT_EQ(message.error().reason.empty(), !row.answer.has_value());
    }
}

TEST(ParseMessage, ReadsMetasInvite) {
    const auto bytes = message_file("sip/meta-invite.sip");
    const auto message = parsed(bytes, Carrier::stream);
    EXPECT_EQ(message.message.method, "INVITE");
    EXPECT_EQ(write_uri(message.message.uri), "sip:+12145551869@meta-voip.example.com;transport=tls");
    EXPECT_EQ(message.version, "SIP/2.0");
    ASSERT_EQ(message.via.size(), 3U);
    EXPECT_EQ(message.via[0].host, "[2803:6080:f948:9597::]");
    EXPECT_EQ(message.via[0].port, 57363);
    EXPECT_EQ(message.via[0].parameters.find("rport"), "");
    EXPECT_EQ(message.via[0].branch(), message.via[1].branch());
    EXPECT_EQ(message.via[0].parameters.find("alias"), "");
    EXPECT_EQ(message.via[1].parameters.find("alias"), std::nullopt);
    EXPECT_EQ(message.via[2].parameters.find("received"), "2803:6080:e888:51aa::300:0");
    ASSERT_EQ(message.record_route.size(), 2U);
    EXPECT_EQ(write_name_address(message.record_route[0]), "<sip:wa.meta.vc;transport=tls;lr>");
    EXPECT_EQ(message.record_route[1].uri.port, 8191);
    EXPECT_EQ(message.max_forwards, 69U);
    EXPECT_EQ(message.from.display_name, "\"12195550714\"");
    EXPECT_EQ(message.from.tag(), "8a0f7e65-77be-4f0d");
    EXPECT_EQ(message.to.tag(), std::nullopt);
    ASSERT_EQ(message.contact.size(), 1U);
    EXPECT_EQ(message.contact[0].uri.parameters.find("ob"), "");
    EXPECT_EQ(message.contact[0].parameters.find("isfocus"), "");
    EXPECT_EQ(message.call_id, "outgoing:wacid.HBgLMTIxOTU1NTA3MTQVAgASGCA2NTQzMjEwRkVEQ0JBFQIAAA==");
    EXPECT_EQ(message.cseq, (CSeq{31159, "INVITE"}));
    EXPECT_EQ(message.message.body, bytes.substr(bytes.find("v=0")));
    EXPECT_TRUE(message.require.empty());
}

TEST(ParseMessage, KeepsTheOrderOfAllFieldsAndWhatItDoesNotKnow) {
    const auto message = parsed(message_file("sip/meta-invite.sip")).message;
    std::string names;
    for (const auto& field : message.headers) names += field.name + " ";
    EXPECT_EQ(names,
              "Via Record-Route Record-Route Via Via Max-Forwards From To Contact Call-ID CSeq "
              "X-FB-External-Domain Allow User-Agent Content-Type Content-Length ");
    EXPECT_EQ(message.find("x-fb-external-domain"), "wa.meta.vc");
    EXPECT_EQ(message.values("v").size(), 3U);
}

TEST(ParseMessage, ReadsMetasBye) {
    const auto message = parsed(message_file("sip/meta-bye.sip"), Carrier::stream);
    EXPECT_EQ(message.from.uri.user, "US.13491208655302741918");
    EXPECT_EQ(message.message.uri.host, "103.30.244.182");
    EXPECT_EQ(message.message.find("X-WA-Meta-Call-Duration"), "17");
    EXPECT_EQ(message.message.find("x-wa_meta-parent-user-id"), "US.ENT.11815799212886844830");
}

TEST(ParseMessage, ReadsTwiliosResponses) {
    const auto challenge = parsed(message_file("sip/twilio-407.sip"), Carrier::stream);
    EXPECT_EQ(challenge.message.status, 407);
    EXPECT_EQ(challenge.message.reason, "Proxy Authentication required");
    EXPECT_TRUE(challenge.message.method.empty());
    const auto answer = parsed(message_file("sip/twilio-200.sip"), Carrier::stream);
    EXPECT_EQ(answer.cseq, (CSeq{2, "INVITE"}));
    ASSERT_EQ(answer.record_route.size(), 2U);
    EXPECT_EQ(write_uri(answer.record_route[1].uri), "sip:172.18.1.2;r2=on;lr;twnat=sip:54.172.60.1:5061");
    EXPECT_EQ(answer.message.find("X-Twilio-CallSid"), "CA00000000000000000000000000000001");
}

TEST(ParseMessage, ReadsCompactNamesAndFoldedLines) {
    const auto message = parsed(message_file("sip/compact-folded.sip"));
    ASSERT_EQ(message.via.size(), 3U);
    EXPECT_EQ(message.via[1].host, "192.0.2.2");
    EXPECT_EQ(message.via[1].branch(), "z9hG4bK2");
    EXPECT_EQ(message.via[2].transport, "TCP");
    EXPECT_EQ(message.from.display_name, "Alice");
    EXPECT_EQ(message.to.display_name, "\"Bob, or: Robert\"");
    EXPECT_EQ(message.cseq, (CSeq{1, "INVITE"}));
    EXPECT_EQ(message.contact.size(), 1U);
    EXPECT_EQ(message.message.find("Supported"), "100rel, timer");
    EXPECT_EQ(message.message.find("Subject"), "");
    EXPECT_EQ(message.message.headers[0].name, "v");
    EXPECT_EQ(message.message.headers[1].name, "V");
    EXPECT_EQ(message.message.body, "hi\r\n");
}

TEST(ParseMessage, ReadsMethodsThatTheParserDoesNotKnow) {
    for (const auto* method : {"PING", "S", "INVITEX", "invite", "A+B", "STATUS", "`%'"}) {
        SCOPED_TRACE(method);
        const auto message = parsed(request_with("", std::string(method) + " sip:a@b.example SIP/2.0"));
        EXPECT_EQ(message.message.method, method);
        EXPECT_EQ(message.cseq.method, method);
    }
}

TEST(ParseMessage, ReadsOptionTagsAndContactStar) {
    const auto message = parsed(request_with("Require: 100rel , timer\nRequire: x\nProxy-Require:\nm: *\n"));
    EXPECT_EQ(message.require, (std::vector<std::string>{"100rel", "timer", "x"}));
    EXPECT_TRUE(message.proxy_require.empty());
    EXPECT_TRUE(message.contact_star);
    EXPECT_TRUE(message.contact.empty());
}

// RFC 3261 section 8.2.2: what is not needed may be malformed.
TEST(ParseMessage, TakesMalformedFieldsThatNobodyNeeds) {
    for (const auto* line : {"Date: soon", "Expires: x", "Session-Expires: a b c",
                             "Retry-After: 949302838503028349", "Warning: x", "Accept: ;;", "Allow: ,,",
                             "Event: ;", "Proxy-Authorization: Digest =", "Privacy: ;;;",
                             "Content-Type: nothing", "Refer-To: <", "Supported: \"", "X: \x01\x7F\xFF"}) {
        SCOPED_TRACE(line);
        const auto message = parse_message(request_with(std::string(line) + "\n"), Carrier::datagram);
        EXPECT_TRUE(message.has_value()) << message.error().why;
    }
}

TEST(ParseMessage, TakesABranchOfAnyLength) {
    for (const auto* branch : {"1", "z9hG4bK", "z9hG4b"}) {
        SCOPED_TRACE(branch);
        const auto bytes = replace_all(request_with(""), "branch=z9hG4bK1", std::string("branch=") + branch);
        EXPECT_EQ(parsed(bytes).via[0].branch(), branch);
    }
}

// sofia-sip ends such a number at "#".
TEST(ParseMessage, ReadsTelephoneNumbersWithAHash) {
    const auto bytes =
        replace_all(request_with(""), "To: <sip:a@b.example>", "To: <tel:*21#;phone-context=b.example>");
    EXPECT_EQ(parsed(bytes).to.uri.user, "*21#");
}

TEST(ParseMessage, SkipsEmptyLinesInFront) {
    EXPECT_EQ(parsed("\r\n\r\n" + request_with("")).message.method, "OPTIONS");
}

TEST(ParseMessage, RefusesAMalformedNeededField) {
    const auto good = request_with("");
    const auto with = [&](const char* from, const char* to) { return replace_all(good, from, to); };
    expect_unreadable({
        {"no From", without_line(good, "From")},
        {"no To", without_line(good, "To")},
        {"no Call-ID", without_line(good, "Call-ID")},
        {"no CSeq", without_line(good, "CSeq")},
        {"no Via: no way back", without_line(good, "Via"), std::nullopt},
        {"From twice", request_with("f: <sip:x@y>;tag=2\n")},
        {"CSeq twice", request_with("CSeq: 1 OPTIONS\n")},
        {"Content-Length twice", request_with("l: 0\n")},
        {"Max-Forwards twice", request_with("Max-Forwards: 1\nMax-Forwards: 1\n")},
        {"another method in CSeq", with("1 OPTIONS", "1 INVITE")},
        {"CSeq of 2^32", with("1 OPTIONS", "4294967296 OPTIONS")},
        {"CSeq without method", with("CSeq: 1 OPTIONS", "CSeq: 1")},
        {"Max-Forwards of 256", request_with("Max-Forwards: 256\n")},
        {"a negative Max-Forwards", request_with("Max-Forwards: -1\n")},
        {"a blank in Call-ID", with("Call-ID: 1", "Call-ID: 1 2")},
        {"an empty Call-ID", with("Call-ID: 1", "Call-ID:")},
        {"an empty Via", with("Via: SIP/2.0/TLS c.example;branch=z9hG4bK1", "Via:")},
        {"a Via without host", with("TLS c.example", "TLS ")},
        {"a Via without transport", with("SIP/2.0/TLS c", "SIP/2.0/ c")},
        {"a Via of a protocol alone", with("TLS c.example", "TLS")},
        {"an empty value in the list of Via", request_with("Via: SIP/2.0/UDP d,,SIP/2.0/UDP e\n")},
        {"a comment in Via", with("=z9hG4bK1", "=z9hG4bK1 (x)")},
        {"Contact without brackets around '?'", request_with("Contact: sip:a@b?x=1\n")},
        {"Contact * and another", request_with("Contact: *\nContact: <sip:a@b>\n")},
        {"a malformed Route", request_with("Route: <sip:a\n")},
        {"a malformed Record-Route", request_with("Record-Route: <sip:a@b>,\n")},
        {"Require that is no token", request_with("Require: a b\n")},
        {"no number in Content-Length", with("Content-Length: 0", "Content-Length: 0x")},
        {"more than is there", with("Content-Length: 0", "Content-Length: 1")},
        {"a line without colon", request_with("nothing\n")},
        {"a folded start line", request_with(" x: y\n"), 400},
        {"a name that is no token", request_with("a b: c\n")},
        {"another version and nonsense",
         replace_all(request_with("Max-Forwards: x\n"), " SIP/2.0\r\n", " SIP/3.0\r\n"), 505},
    });
}

TEST(ParseMessage, RefusesControlCharactersThatOtherReadersTakeForLineEnds) {
    using namespace std::string_literals;
    expect_unreadable({
        {"NUL in a field that nobody needs", request_with("X: a\0b\n"s)},
        {"NUL in To: no answer can be written", replace_all(request_with(""), "To: ", "To: \"\0\" "s),
         std::nullopt},
        {"a lone LF", replace_all(request_with("X: a\n"), "X: a\r\n", "X: a\n"), std::nullopt},
        {"a lone CR", request_with("X: a\rY: b\n"), std::nullopt},
        {"LF LF in front of the end", replace_all(request_with("X: a\n"), "X: a\r\n", "X: a\n\n"),
         std::nullopt},
    });
}

TEST(ParseMessage, DropsWhatCannotBeAnswered) {
    const auto response = replace_all(request_with(""), "OPTIONS sip:a@b.example SIP/2.0", "SIP/2.0 200 OK");
    EXPECT_EQ(parsed(response).message.status, 200);
    expect_unreadable({
        {"a response without To", without_line(response, "To"), std::nullopt},
        {"a response of another version", replace_all(response, "SIP/2.0 200", "SIP/3.0 200"), std::nullopt},
        {"a status of two digits", replace_all(response, " 200 ", " 20 "), std::nullopt},
        {"a status of 700", replace_all(response, " 200 ", " 700 "), std::nullopt},
        {"an ACK", without_line(request_with("", "ACK sip:a@b.example SIP/2.0"), "To"), std::nullopt},
        {"nothing", "", std::nullopt},
        {"only line ends", "\r\n\r\n", std::nullopt},
        {"no end of the head", request_with("").substr(0, 100), std::nullopt},
        {"HTTP", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", std::nullopt},
        {"no version", replace_all(request_with(""), " SIP/2.0\r\n", "\r\n"), std::nullopt},
    });
}

// Found by changing whole messages at random: where our reader takes the rest of an unknown scheme as it
// comes, sofia-sip's wants escapes to be whole, and a scheme of letters alone. RFC 3986 section 3.1 allows
// the '+', section 2.1 no such escape.
TEST(ParseMessage, RefusesWhatTheSecondReaderReadsInAnotherWay) {
    struct Row {
        const char* name;
        std::string bytes;
        const char* why;
    };
    const auto good = request_with("");
    for (const auto& row :
         {Row{"'+' in the scheme of the request URI", request_with("", "OPTIONS si+p:a@b.example SIP/2.0"),
              "a part that every message needs is missing or malformed"},
          Row{"From", replace_all(good, "From: <sip:c@c.example>", "From: <x:c%c.example>"),
              "a header field that every message needs is malformed"},
          Row{"To", replace_all(good, "To: <sip:a@b.example>", "To: <x:a%zz@b.example>"),
              "a header field that every message needs is malformed"},
          Row{"Contact", request_with("Contact: <x:c%zzexample:5061>\n"), "Contact can be read in two ways"},
          Row{"Route", request_with("Route: <x:p@q.exam%zzple;lr>\n"), "Route can be read in two ways"},
          Row{"Record-Route", request_with("Record-Route: <x:r@s.ex%ample;lr>\n"),
              "Record-Route can be read in two ways"}}) {
        SCOPED_TRACE(row.name);
        const auto message = parse_message(row.bytes, Carrier::datagram);
        ASSERT_FALSE(message.has_value());
        EXPECT_EQ(message.error().why, row.why);
        EXPECT_EQ(message.error().answer, 400);
    }
}

TEST(ParseMessage, RefusesABadRequestUri) {
    for (const auto* uri : {"<sip:a@b>", "sip:a@b; lr", "*", "sip:", "sip:a@b:99999", "a@b"}) {
        SCOPED_TRACE(uri);
        const auto message =
            parse_message(request_with("", std::string("OPTIONS ") + uri + " SIP/2.0"), Carrier::datagram);
        ASSERT_FALSE(message.has_value());
        EXPECT_EQ(message.error().answer, 400);
    }
}

TEST(ParseMessage, CutsADatagramAtContentLengthButNotAStream) {
    auto bytes = replace_all(request_with(""), "Content-Length: 0", "Content-Length: 2") + "abcd";
    EXPECT_EQ(parsed(bytes).message.body, "ab");
    expect_unreadable({{"too long for a stream", bytes}}, Carrier::stream);
    bytes = without_line(bytes, "Content-Length");
    EXPECT_EQ(parsed(bytes).message.body, "abcd");
    EXPECT_EQ(parsed(bytes).content_length, std::nullopt);
    expect_unreadable({{"no Content-Length on a stream", bytes}}, Carrier::stream);
}

TEST(ParseMessage, TakesAnyBody) {
    const std::string body("\0\r\n\r\nINVITE\xFF", 12);
    const auto bytes = replace_all(request_with(""), "Content-Length: 0", "Content-Length: 12") + body;
    EXPECT_EQ(parsed(bytes, Carrier::stream).message.body, body);
}

TEST(LongHeaderName, KnowsTheCompactOnes) {
    for (const auto& [compact, name] :
         std::vector<std::pair<std::string_view, std::string_view>>{{"v", "Via"},
                                                                    {"V", "Via"},
                                                                    {"f", "From"},
                                                                    {"t", "To"},
                                                                    {"i", "Call-ID"},
                                                                    {"m", "Contact"},
                                                                    {"l", "Content-Length"},
                                                                    {"c", "Content-Type"},
                                                                    {"e", "Content-Encoding"},
                                                                    {"s", "Subject"},
                                                                    {"k", "Supported"},
                                                                    {"x", "Session-Expires"},
                                                                    {"g", "g"},
                                                                    {"@", "@"},
                                                                    {"", ""},
                                                                    {"Via", "Via"}}) {
        EXPECT_EQ(long_header_name(compact), name);
    }
}

}  // namespace
}  // namespace callchain::sip
