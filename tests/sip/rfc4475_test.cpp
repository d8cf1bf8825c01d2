#include "sip/message_files.hpp"
#include "sip/raw_reader.hpp"

#include <algorithm>
#include <filesystem>
#include <gtest/gtest.h>
#include <set>
#include <string>

namespace callchain::sip {
namespace {

constexpr int kParsed = 0;
constexpr int kDropped = -1;

struct Row {
    const char* name;
    const char* section;
    const char* asked;  // of an element that receives it
    int got;            // kParsed, kDropped, or the status that is answered
    const char* reason = "";
};

// What lies above a message's own bytes (401, 404, 406, 415, 501) is for the gateway, so that the message is
// parsed.
constexpr Row kRows[] = {
    {"wsinv", "3.1.1.1", "valid", kParsed},
    {"intmeth", "3.1.1.2", "valid", kDropped,
     "its To has a NUL, quoted: no NUL reaches sofia-sip or leaves the writer, so that To cannot be copied "
     "into an "
     "answer; without the NUL it is parsed, see below"},
    {"esc01", "3.1.1.3", "valid", kParsed},
    {"escnull", "3.1.1.4", "valid", kParsed},
    {"esc02", "3.1.1.5", "valid", kParsed},
    {"lwsdisp", "3.1.1.6", "valid", kParsed},
    {"longreq", "3.1.1.7", "valid", kParsed},
    {"dblreq", "3.1.1.8", "valid: what follows the first request in the datagram is ignored", kParsed},
    {"semiuri", "3.1.1.9", "valid", kParsed},
    {"transports", "3.1.1.10", "valid", kParsed},
    {"mpart01", "3.1.1.11", "valid", kParsed},
    {"unreason", "3.1.1.12", "valid", kParsed},
    {"noreason", "3.1.1.13", "valid", kParsed},
    {"badinv01", "3.1.2.1", "400", 400},
    {"clerr", "3.1.2.2", "400 on a datagram", 400},
    {"ncl", "3.1.2.3", "400, and the connection closed on a stream", 400},
    {"scalar02", "3.1.2.4", "400", 400},
    {"scalarlg", "3.1.2.5", "dropped", kDropped},
    {"quotbal", "3.1.2.6", "400", 400},
    {"ltgtruri", "3.1.2.7", "400", 400},
    {"lwsruri", "3.1.2.8", "400", 400},
    {"lwsstart", "3.1.2.9", "400, or taken without the surplus blanks", kParsed},
    {"trws", "3.1.2.10", "400, or taken without the surplus blanks", kParsed},
    {"escruri", "3.1.2.11", "400, or taken without regard to the escaped header", kParsed},
    {"baddate", "3.1.2.12", "400, or taken without regard to Date", kParsed},
    {"regbadct", "3.1.2.13", "400", 400},
    {"badaspec", "3.1.2.14", "400, or taken", 400},
    {"baddn", "3.1.2.15", "400, or taken", 400},
    {"badvers", "3.1.2.16", "505", 505},
    {"mismatch01", "3.1.2.17", "400", 400},
    {"mismatch02", "3.1.2.18", "400 or 501", 400},
    {"bigcode", "3.1.2.19", "dropped", kDropped},
    {"badbranch", "3.2.1", "the branch is not taken for an identifier of the transaction", kParsed,
     "the transaction layer looks at the branch"},
    {"insuf", "3.3.1", "400", 400},
    {"unkscm", "3.3.2", "416", 416},
    {"novelsc", "3.3.3", "416", 416},
    {"unksm2", "3.3.4", "To, From and Contact of unknown schemes are no fault of the message", kParsed},
    {"bext01", "3.3.5", "420 with both tags of Require in Unsupported", 420},
    {"invut", "3.3.6", "415", kParsed, "the gateway looks at the body's type"},
    {"regaut01", "3.3.7", "401", kParsed, "digest looks at the credentials"},
    {"multi01", "3.3.8", "400", 400},
    {"mcl01", "3.3.9", "400", 400},
    {"bcast", "3.3.10", "the response is dropped", kParsed, "the transaction layer matches the top Via"},
    {"zeromf", "3.3.11", "483 of a proxy; a user agent may answer OPTIONS", kParsed},
    {"cparam01", "3.3.12", "valid", kParsed},
    {"cparam02", "3.3.13", "valid", kParsed},
    {"regescrt", "3.3.14", "valid", kParsed},
    {"sdp01", "3.3.15", "406", kParsed, "the gateway looks at Accept"},
    {"inv2543", "3.4.1", "taken for the sake of RFC 2543", kParsed},
};

int answer_of(const std::string& bytes) {
    const auto message = parse_message(bytes, Carrier::datagram);
    if (!message) return message.error().answer.value_or(kDropped);
    if (!message->message.is_request()) return kParsed;
    const auto refusal = check_request(*message, {});
    return refusal ? refusal->status : kParsed;
}

TEST(Rfc4475, EveryMessageIsAnsweredAsTheTableSays) {
    for (const auto& row : kRows) {
        SCOPED_TRACE(std::string(row.name) + ", section " + row.section + ": " + row.asked);
        const auto bytes = message_file("rfc4475/" + std::string(row.name) + ".dat");
        ASSERT_FALSE(bytes.empty());
        EXPECT_EQ(answer_of(bytes), row.got);
    }
}

TEST(Rfc4475, TheTableHasEveryMessageOfTheRfcOnce) {
    std::set<std::string> names;
    for (const auto& row : kRows) EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(names.size(), 49U);
    std::size_t files = 0;
    for (const auto& file : std::filesystem::directory_iterator(TEST_DATA_DIR "/rfc4475")) {
        if (file.path().extension() != ".dat") continue;
        ++files;
        EXPECT_TRUE(names.contains(file.path().stem().string())) << file.path();
    }
    EXPECT_EQ(files, names.size());
}

TEST(Rfc4475, WhatIsRefusedSaysSoWithoutQuotingTheMessage) {
    for (const auto& row : kRows) {
        SCOPED_TRACE(row.name);
        const auto message =
            parse_message(message_file("rfc4475/" + std::string(row.name) + ".dat"), Carrier::datagram);
        if (message) continue;
        EXPECT_FALSE(message.error().why.empty());
        EXPECT_EQ(message.error().why.find("example"), std::string::npos);
        EXPECT_TRUE(std::all_of(message.error().why.begin(), message.error().why.end(),
                                [](char c) { return c >= ' ' && c < '\x7F'; }));
    }
}

Received parsed(const std::string& name) {
    auto message = parse_message(message_file("rfc4475/" + name + ".dat"), Carrier::datagram);
    EXPECT_TRUE(message.has_value()) << message.error().why;
    return message ? *std::move(message) : Received{};
}

TEST(Rfc4475, TheTortuousInviteComesApartAsTheRfcDescribesIt) {
    const auto message = parsed("wsinv");
    EXPECT_EQ(write_uri(message.message.uri), "sip:vivekg@chair-dnrc.example.com;unknownparam");
    EXPECT_EQ(message.to.tag(), "1918181833n");
    EXPECT_EQ(message.from.display_name, R"("J Rosenberg \\\"")");
    EXPECT_EQ(message.from.tag(), "98asjd8");
    EXPECT_EQ(message.max_forwards, 68U);
    EXPECT_EQ(message.content_length, 150U);
    EXPECT_EQ(message.message.body.size(), 150U);
    EXPECT_EQ(message.cseq, (CSeq{9, "INVITE"}));
    ASSERT_EQ(message.via.size(), 3U);
    EXPECT_EQ(write_via(message.via[0]), "SIP/2.0/UDP 192.0.2.2;branch=390skdjuw");
    EXPECT_EQ(write_via(message.via[1]), "SIP/2.0/TCP spindle.example.com;branch=z9hG4bK9ikj8");
    EXPECT_EQ(write_via(message.via[2]), "SIP/2.0/UDP 192.168.255.111;branch=z9hG4bK30239");
    ASSERT_EQ(message.route.size(), 1U);
    EXPECT_EQ(write_name_address(message.route[0]),
              "<sip:services.example.com;lr;unknownwith=value;unknown-no-value>");
    ASSERT_EQ(message.contact.size(), 1U);
    EXPECT_EQ(write_name_address(message.contact[0]),
              R"("Quoted string \"\"" <sip:jdrosen@example.com>;newparam=newvalue;secondparam;q=0.33)");
    EXPECT_EQ(message.message.find("NewFangledHeader"), "newfangled value continued newfangled value");
    EXPECT_EQ(message.message.find("UnknownHeaderWithUnusualValue"), ";;,,;;,;");
    EXPECT_EQ(message.message.find("Subject"), "");
}

TEST(Rfc4475, UnusualCharactersStayAsTheyAreWritten) {
    auto bytes = message_file("rfc4475/intmeth.dat");
    const auto nul = bytes.find('\0');
    ASSERT_NE(nul, std::string::npos);
    bytes[nul] = '0';
    const auto message = parse_message(bytes, Carrier::datagram);
    ASSERT_TRUE(message.has_value()) << message.error().why;
    EXPECT_EQ(message->message.method, "!interesting-Method0123456789_*+`.%indeed'~");
    EXPECT_EQ(message->cseq.method, message->message.method);
    EXPECT_EQ(message->message.uri.user, "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
    EXPECT_EQ(message->message.uri.password, "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)");
    EXPECT_EQ(message->message.uri.host, "example.com");
    EXPECT_EQ(message->via[0].branch(), "z9hG4bK-.!%66*_+`'~");
    EXPECT_EQ(message->from.display_name, "token1~` token2'+_ token3*%!.-");
    EXPECT_EQ(message->from.parameters.find("fromParam''~+*_!.-%"), "\"работающий\"");
    EXPECT_EQ(message->from.tag(), "_token~1'+`*%!-.");
    EXPECT_EQ(message->call_id, R"(intmeth.word%ZK-!.*_+'@word`~)(><:\/"][?}{)");
    EXPECT_EQ(message->max_forwards, 255U);
}

TEST(Rfc4475, EscapesAreKept) {
    const auto message = parsed("esc01");
    EXPECT_EQ(write_uri(message.message.uri), "sip:sips%3Auser%40example.com@example.net");
    EXPECT_EQ(message.to.uri.user, "%75se%72");
    EXPECT_EQ(message.from.uri.user, "I%20have%20spaces");
    ASSERT_EQ(message.contact.size(), 1U);
    EXPECT_EQ(write_uri(message.contact[0].uri),
              "sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31");
    EXPECT_EQ(parsed("escnull").contact.size(), 2U);
    EXPECT_EQ(parsed("escnull").contact[1].uri.user, "%00%00");
}

TEST(Rfc4475, APercentSignThatIsNoEscapeIsJustThat) {
    const auto message = parsed("esc02");
    EXPECT_EQ(message.message.method, "RE%47IST%45R");
    EXPECT_EQ(message.to.display_name, "\"%Z%45\"");
    EXPECT_EQ(message.contact.size(), 2U);  // C%6Fntact is another header
    EXPECT_EQ(message.message.find("C%6Fntact"), "<sip:alias2@host2.example.com>");
}

TEST(Rfc4475, ThirtyFourViasComeInTheirOrder) {
    const auto message = parsed("longreq");
    ASSERT_EQ(message.via.size(), 34U);
    for (std::size_t i = 0; i < 33; ++i)
        EXPECT_EQ(message.via[i].host, "sip" + std::to_string(33 - i) + ".example.com");
    EXPECT_EQ(message.via[33].host, "host.example.com");
    EXPECT_EQ(message.to.uri.port, 6000);
}

TEST(Rfc4475, OtherPartsThatTheRfcNames) {
    EXPECT_EQ(parsed("semiuri").message.uri.user, "user;par=u%40example.net");
    EXPECT_EQ(parsed("dblreq").message.method, "REGISTER");
    EXPECT_EQ(parsed("dblreq").message.body, "");
    EXPECT_EQ(parsed("transports").via[3].transport, "UNKNOWN");
    EXPECT_EQ(parsed("mpart01").message.body.size(), 553U);
    EXPECT_EQ(parsed("noreason").message.reason, "");
    EXPECT_TRUE(parsed("unreason").message.reason.starts_with("= 2**3 * 5**2 "));
    EXPECT_EQ(parsed("lwsdisp").from.display_name, "caller");
    EXPECT_EQ(parsed("unksm2").to.uri.rest, "2983792873");
    EXPECT_EQ(parsed("novelsc").message.uri.scheme, "soap.beep");
    EXPECT_FALSE(parsed("inv2543").from.tag());
    EXPECT_EQ(parsed("inv2543").via[0].branch(), "");
    EXPECT_EQ(parsed("cparam01").contact[0].parameters.list.size(), 1U);
    EXPECT_EQ(parsed("cparam02").contact[0].uri.parameters.list.size(), 1U);
    EXPECT_EQ(parsed("regescrt").contact[0].uri.headers, "Route=%3Csip:sip.example.com%3E");
    EXPECT_EQ(parsed("escruri").message.uri.headers, "Route=%3Csip:example.com%3E");
}

TEST(Rfc4475, OnAStreamSurplusAndMissingBytesAreAFault) {
    for (const auto* name : {"dblreq", "clerr", "inv2543"}) {
        SCOPED_TRACE(name);
        const auto message =
            parse_message(message_file(std::string("rfc4475/") + name + ".dat"), Carrier::stream);
        ASSERT_FALSE(message.has_value());
        EXPECT_EQ(message.error().answer, 400);
    }
}

TEST(Rfc4475, TheRawReaderReadsWhatCanBeAnswered) {
    for (const auto& row : kRows) {
        SCOPED_TRACE(row.name);
        const auto bytes = message_file("rfc4475/" + std::string(row.name) + ".dat");
        const auto raw = read_raw(bytes);
        const bool has_start_line = std::string_view(row.name) != "bigcode";
        ASSERT_EQ(raw.has_value(), has_start_line);
        if (row.got <= kParsed) continue;
        const auto response = raw_response(*raw, row.got, "Refused", "ours");
        ASSERT_TRUE(response.has_value());
        const auto text = write_message(*response);
        ASSERT_TRUE(text.has_value()) << text.error().message;
    }
}

}  // namespace
}  // namespace callchain::sip
