#include "sdp/document.hpp"

#include "sdp/sdp_texts.hpp"

#include <gtest/gtest.h>
#include <string>

namespace callchain::sdp {
namespace {

TEST(ParseDocument, KeepsEveryByteOfEveryLine) {
    for (const std::string end : {"\r\n", "\n"}) {
        const std::string text =
            "v=0" + end + "c=IN IP4 192.0.2.1" + end + "m=audio 4000 RTP/AVP 0 8" + end + "a=ptime:20";
        const auto document = parse_document(text);
        ASSERT_TRUE(document.has_value()) << document.error().message;
        std::string joined;
        for (const auto& line : document->lines) joined += line.bytes;
        EXPECT_EQ(joined, text);
        ASSERT_EQ(document->media.size(), 1U);
        EXPECT_EQ(document->media[0].port, 4000);
        EXPECT_EQ(document->media[0].protocol, "RTP/AVP");
        EXPECT_EQ(document->media[0].formats, (std::vector<std::string_view>{"0", "8"}));
        EXPECT_EQ(document->session_end, 2U);
        EXPECT_EQ(document->media[0].end, 4U);
    }
}

TEST(ParseDocument, ReadsTheExampleOfRfc8866) {
    const auto text = read_sample("rfc8866-example");
    const auto document = parse_document(text);
    ASSERT_TRUE(document.has_value()) << document.error().message;
    ASSERT_EQ(document->media.size(), 3U);
    EXPECT_EQ(document->media[2].type, "video");
    EXPECT_EQ(document->media[2].port, 51372);
}

TEST(ParseDocument, ReadsRangesOfPorts) {
    const auto text = read_sample("sofia-message-10");
    const auto document = parse_document(text);
    ASSERT_TRUE(document.has_value()) << document.error().message;
    EXPECT_EQ(document->media[1].port_text, "51372/2");
    EXPECT_EQ(document->media[1].port, 51372);
}

TEST(ParseDocument, RefusesWhatNobodyShouldForward) {
    struct Row {
        const char* name;
        std::string text;
        std::string message;
        std::optional<std::size_t> offset = {};
    };
    const std::string head(kSession);
    for (const auto& row : {
             Row{"empty", "", "is empty"},
             Row{"no SDP", "hello\r\n", "does not begin with v=0", 0},
             Row{"a whole INVITE", "INVITE sip:x@y SIP/2.0\r\n\r\nv=0\r\n", "does not begin with v=0", 0},
             Row{"escaped line ends", "v=0\\r\\no=x", "written as", 0},
             Row{"version 1", "v=1\r\n", "only version 0", 0},
             Row{"UTF-16", std::string("\xff\xfev\0=\0", 6), "UTF-16", 0},
             Row{"UTF-16 without a mark",
                 std::string("v\0=\0"
                             "0\0",
                             6),
                 "UTF-16", 0},
             Row{"a byte order mark", "\xef\xbb\xbfv=0\r\n", "byte order mark", 0},
             Row{"NUL", head + std::string("a=x\0y\r\n", 7), "line 6: a NUL byte", head.size() + 3},
             Row{"CR only", "v=0\ra=x\r", "line 1: a CR without LF", 3},
             Row{"CR within a line", head + "a=x\ry\r\n", "line 6: a CR without LF", head.size() + 3},
             Row{"two CRs", head + "a=x\r\r\n", "line 6: a CR without LF", head.size() + 3},
             Row{"an empty line and a tail", head + "\r\n--boundary--\r\n", "line 6: an empty line",
                 head.size()},
             Row{"empty lines and a tail", head + "\r\n\r\nx", "line 6: an empty line", head.size()},
             Row{"a second o=", head + "o=- 2 2 IN IP4 192.0.2.1\r\n", "line 6: a second o= line",
                 head.size()},
             Row{"t= below m=", head + "m=audio 4000 RTP/AVP 0\r\nt=0 0\r\n",
                 "line 7: t= stands below an m= line"},
             Row{"a masked IPv4 address", "v=0\r\nc=IN IP4 XXX.XXX.XXX.XXX\r\n", "c= has no address", 5},
             Row{"an IPv4 address under IP6", "v=0\r\nc=IN IP6 192.0.2.1\r\n", "c= has no address", 5},
             Row{"a ttl that is no number", "v=0\r\nc=IN IP4 192.0.2.1/abc\r\n", "c= has no address", 5},
             Row{"a second v=", head + "v=0\r\n", "line 6: a second v= line", head.size()},
             Row{"an unknown letter", head + "f=x\r\n", "line 6: not a line of SDP: f=x", head.size()},
             Row{"a blank in front of =", head + "a =x\r\n", "line 6: not a line of SDP", head.size()},
             Row{"a folded line", head + " a=x\r\n", "line 6: not a line of SDP", head.size()},
             Row{"m= without formats", head + "m=audio 4000 RTP/AVP\r\n", "m= has no format", head.size()},
             Row{"m= without protocol", head + "m=audio 4000\r\n", "m= needs", head.size()},
             Row{"a masked port", head + "m=audio XXXXX RTP/AVP 0\r\n", "port of m= is no number",
                 head.size()},
             Row{"a port too large", head + "m=audio 65536 RTP/AVP 0\r\n", "port of m= is no number",
                 head.size()},
             Row{"a negative port", head + "m=audio -1 RTP/AVP 0\r\n", "port of m= is no number",
                 head.size()},
             Row{"an empty range of ports", head + "m=audio 4000/0 RTP/AVP 0\r\n", "port of m= is no number",
                 head.size()},
             Row{"a masked address", "v=0\r\nc=IN IP4 <hidden>\r\n", "line 2: c= has no address", 5},
             Row{"an IPv4 address that is none", "v=0\r\nc=IN IP4 192.0.2.256\r\n", "c= has no address", 5},
             Row{"an IPv6 address that is none", "v=0\r\nc=IN IP6 2001:db8::1::2\r\n", "c= has no address",
                 5},
             Row{"no c= line", "v=0\r\nm=audio 4000 RTP/AVP 0\r\n", "line 2: no c= line", 5},
         }) {
        SCOPED_TRACE(row.name);
        const auto got = parse_document(row.text);
        ASSERT_FALSE(got.has_value());
        EXPECT_EQ(got.error().code, ErrorCode::bad_input);
        EXPECT_NE(got.error().message.find(row.message), std::string::npos) << got.error().message;
        if (row.offset) {
            EXPECT_EQ(got.error().offset, row.offset);
        }
    }
}

TEST(ParseDocument, ToleratesWhatPeersSend) {
    const std::string head(kSession);
    for (const auto& [name, text] : std::vector<std::pair<const char*, std::string>>{
             {"no line end at the end", head + "m=audio 4000 RTP/AVP 0"},
             {"mixed line ends", "v=0\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\n"},
             {"several blanks on m=", head + "m=audio  4000 RTP/AVP  0 8 \r\n"},
             {"no s= and no t=",
              "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\n"},
             {"an empty s=", "v=0\r\ns=\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\n"},
             {"a name for an address", "v=0\r\nc=IN IP4 media.example.com\r\nm=audio 4000 RTP/AVP 0\r\n"},
             {"a multicast address", "v=0\r\nc=IN IP4 224.2.17.12/127/2\r\nm=audio 4000 RTP/AVP 0\r\n"},
             {"an address for each stream", "v=0\r\nm=audio 4000 RTP/AVP 0\r\nc=IN IP6 2001:db8::1\r\n"},
             {"no address for a stream at port 0", "v=0\r\nm=audio 0 RTP/AVP 0\r\n"},
             {"no address for a stream that is refused anyway",
              "v=0\r\nm=audio 4000 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\nm=video 5000 RTP/AVP 31\r\n"},
             {"an empty line at the end", head + "\r\n"},
             {"empty lines at the end", head + "m=audio 4000 RTP/AVP 0\n\n\r\n"},
             {"bytes that are not UTF-8", head + "a=x:\xe9\xff\r\n"},
         }) {
        SCOPED_TRACE(name);
        const auto got = parse_document(text);
        EXPECT_TRUE(got.has_value()) << got.error().message;
    }
}

TEST(ParseDocument, TakesAsMuchAsASipMessageMayHold) {
    std::string text(kSession);
    text += "a=x:";
    text += std::string(kMostBytes - text.size(), 'A');
    EXPECT_TRUE(parse_document(text).has_value());
    text += 'A';
    const auto got = parse_document(text);
    ASSERT_FALSE(got.has_value());
    EXPECT_EQ(got.error().code, ErrorCode::limit);
}

TEST(Media, KnowsRtpByItsProfiles) {
    for (const auto& [protocol, is_rtp] :
         std::vector<std::pair<std::string, bool>>{{"RTP/AVP", true},
                                                   {"RTP/SAVPF", true},
                                                   {"UDP/TLS/RTP/SAVPF", true},
                                                   {"TCP/DTLS/RTP/SAVP", true},
                                                   {"udp", false},
                                                   {"udptl", false},
                                                   {"xRTP/AVP", false},
                                                   {"TCP/MSRP", false}}) {
        SCOPED_TRACE(protocol);
        Media media;
        media.protocol = protocol;
        EXPECT_EQ(media.is_rtp(), is_rtp);
    }
}

TEST(ParseDocument, ShowsNoKeyInAnError) {
    const std::string key = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0";
    const std::string head(kSession);
    for (const auto& text :
         {head + " a=crypto:1 S inline:" + key + "\r\n", head + "A=crypto:1 S inline:" + key + "\r\n",
          head + "K=clear:" + key + "\r\n", head + " k=" + key + "\r\n",
          "v=0\\r\\na=crypto:1 S inline:" + key, "v=0 a=ice-pwd:" + key,
          head + "m=audio a=crypto:1 S inline:" + key + "\r\n",
          head + "m=audio inline:" + key + " RTP/SAVP 0\r\n", head + "c=IN IP4 inline:" + key + "\r\n"}) {
        const auto got = parse_document(text);
        ASSERT_FALSE(got.has_value());
        EXPECT_EQ(got.error().message.find(key.substr(0, 8)), std::string::npos) << got.error().message;
        EXPECT_EQ(got.error().hint.find(key.substr(0, 8)), std::string::npos) << got.error().hint;
    }
}

}  // namespace
}  // namespace callchain::sdp
