#include "twiml/sip_uri.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace callchain::twiml {
namespace {

TEST(ParseSipUri, ReadsWhatTheStandardsShow) {
    struct Row {
        const char* text;
        SipUri want;
    };
    const std::vector<Row> rows{
        // RFC 3261 section 19.1.3
        {"sip:alice@atlanta.com", {"sip", "alice", "atlanta.com"}},
        {"sip:alice:secretword@atlanta.com;transport=tcp",
         {"sip", "alice:secretword", "atlanta.com", {}, {{"transport", "tcp"}}}},
        {"sips:alice@atlanta.com?subject=project%20x&priority=urgent",
         {"sips", "alice", "atlanta.com", {}, {}, {{"subject", "project x"}, {"priority", "urgent"}}}},
        {"sip:+1-212-555-1212:1234@gateway.com;user=phone",
         {"sip", "+1-212-555-1212:1234", "gateway.com", {}, {{"user", "phone"}}}},
        {"sips:1212@gateway.com", {"sips", "1212", "gateway.com"}},
        {"sip:alice@192.0.2.4", {"sip", "alice", "192.0.2.4"}},
        {"sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com",
         {"sip", "", "atlanta.com", {}, {{"method", "REGISTER"}}, {{"to", "alice@atlanta.com"}}}},
        {"sip:alice;day=tuesday@atlanta.com", {"sip", "alice;day=tuesday", "atlanta.com"}},
        // RFC 4475 sections 3.1.1.2, 3.1.1.3, 3.1.1.5
        {"sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"
         "@example.com",
         {"sip",
          "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)",
          "example.com"}},
        {"sip:sips%3Auser%40example.com@example.net", {"sip", "sips:user@example.com", "example.net"}},
        {"sip:%75se%72@example.com", {"sip", "user", "example.com"}},
        {"sip:user;par=u%40example.net@example.com", {"sip", "user;par=u@example.net", "example.com"}},
        // RFC 5118 sections 4.1, 4.4
        {"sip:[2001:db8::10]", {"sip", "", "[2001:db8::10]"}},
        {"sip:[2001:db8::10:5070]", {"sip", "", "[2001:db8::10:5070]"}},
        {"sip:[2001:db8::10]:5070", {"sip", "", "[2001:db8::10]", 5070}},
        // OpenAI, "Realtime API with SIP", with Twilio's parameters behind it
        {"sip:proj_abc@sip.api.openai.com;transport=tls;region=br1",
         {"sip", "proj_abc", "sip.api.openai.com", {}, {{"transport", "tls"}, {"region", "br1"}}}},
        // RFC 5627 section 3.2; RFC 3261 section 16.12.1.1: a parameter without a value
        {"sip:alice@example.com;gr", {"sip", "alice", "example.com", {}, {{"gr", std::nullopt}}}},
        {"sip:p1.example.com;lr", {"sip", "", "p1.example.com", {}, {{"lr", std::nullopt}}}},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.text);
        const auto got = parse_sip_uri(row.text);
        ASSERT_TRUE(got.has_value()) << got.error().message;
        EXPECT_EQ(*got, row.want);
        const auto again = write_sip_uri(*got);
        ASSERT_TRUE(again.has_value()) << again.error().message;
        EXPECT_EQ(parse_sip_uri(*again), *got) << *again;
    }
}

TEST(ParseSipUri, AcceptsTheEdgesOfTheGrammar) {
    for (const char* text : {
             "SIP:a@h",
             "Sips:h",
             "sip:localhost",
             "sip:h.",
             "sip:a.b-c.d3.",
             "sip:1a.com",
             "sip:h:0",
             "sip:h:65535",
             "sip:h:0000005060",
             "sip:0.0.0.0",
             "sip:255.255.255.255",
             "sip:[::]",
             "sip:[::1]",
             "sip:[1:2:3:4:5:6:7:8]",
             "sip:[1:2:3:4:5:6:192.0.2.1]",
             "sip:[::ffff:192.0.2.1]",
             "sip:[1::]",
             "sip:[1:2:3:4:5:6:7::]",
             "sip:a:@h",
             "sip:h;x=[]/:&+$",
             "sip:h?[]/?:+$=[]/?:+$",
             "sip:h?a=",
             "sip:%e9@h",
             "sip:h;x=%C3%A9",
             "sip:;a@h",
             "sip:a?b@h",
         }) {
        const auto got = parse_sip_uri(text);
        EXPECT_TRUE(got.has_value()) << text << ": " << (got ? "" : got.error().message);
    }
}

TEST(ParseSipUri, SaysAtWhichByteATextCeasesToBeOne) {
    struct Row {
        const char* text;
        std::size_t offset;
    };
    for (const auto& row : {
             Row{"", 0},
             Row{"sip", 0},
             Row{"tel:+15551230000", 0},
             Row{"http://sip.api.openai.com", 0},
             Row{"proj_abc@sip.api.openai.com", 0},
             Row{" sip:a@h", 0},
             Row{"whatsapp:+15551230000", 0},
             Row{"sip:", 4},
             Row{"sip:@h", 4},
             Row{"sip::pw@h", 4},
             Row{"sip:a@", 6},
             Row{"sip:a b@h", 5},
             Row{"sip:a\"b@h", 5},
             Row{"sip:\xC3\xA9@h", 4},
             Row{"sip:a[b@h", 5},
             Row{"sip:a:b;c@h", 7},
             Row{"sip:a:b:c@h", 7},
             Row{"sip:a%@h", 5},
             Row{"sip:a%4@h", 5},
             Row{"sip:a%4g@h", 5},
             Row{"sip:a%00@h", 5},
             Row{"sip:a@h?X-A=b%0D%0AVia:x", 13},
             Row{"sip:a@h%2E", 7},
             Row{"sip:a@b@c", 7},
             Row{"sip:a@my_host.example", 8},
             Row{"sip:a@h ", 7},
             Row{"sip:a@h\n", 7},
             Row{"sip:a@-h.example", 6},
             Row{"sip:a@x.h-.example", 8},
             Row{"sip:a@x..example", 8},
             Row{"sip:a@.", 6},
             Row{"sip:a@..", 6},
             Row{"sip:a@192.0.2", 12},
             Row{"sip:a@192.0.2.256", 14},
             Row{"sip:a@192.0.2.4.5", 16},
             Row{"sip:a@[::1", 6},
             Row{"sip:a@[", 6},
             Row{"sip:a@[]", 6},
             Row{"sip:a@[::1]x", 6},
             Row{"sip:a@[1:2:3:4:5:6:7]", 6},
             Row{"sip:a@[1:2:3:4:5:6:7:8:9]", 6},
             Row{"sip:a@[1::2::3]", 6},
             Row{"sip:a@[1:2:3:4::5:6:7:8]", 6},
             Row{"sip:a@[12345::]", 6},
             Row{"sip:a@[::g]", 6},
             Row{"sip:a@[:::]", 6},
             Row{"sip:a@[192.0.2.1::]", 6},
             Row{"sip:a@[fe80::1%eth0]", 6},
             Row{"sip:a@2001:db8::1", 6},
             Row{"sip:a@h:", 8},
             Row{"sip:a@h:65536", 8},
             Row{"sip:a@h:99999999999999999999", 8},
             Row{"sip:a@h:50x", 10},
             Row{"sip:a@h:-1", 8},
             Row{"sip:a@h;", 8},
             Row{"sip:a@h;;lr", 8},
             Row{"sip:a@h;=x", 8},
             Row{"sip:a@h;x=", 10},
             Row{"sip:a@h;x=a=b", 11},
             Row{"sip:a@h;x=a b", 11},
             Row{"sip:a@h;transport=tls,", 21},
             Row{"sip:a@h?", 8},
             Row{"sip:a@h?X", 9},
             Row{"sip:a@h?=x", 8},
             Row{"sip:a@h?X=1&", 12},
             Row{"sip:a@h?X=1;Y=2", 11},
             Row{"sip:a@h?X=1&amp;Y=2", 15},
         }) {
        SCOPED_TRACE(row.text);
        const auto got = parse_sip_uri(row.text);
        ASSERT_FALSE(got.has_value());
        EXPECT_EQ(got.error().code, ErrorCode::bad_input);
        EXPECT_EQ(got.error().offset, row.offset) << got.error().message;
    }
}

// RFC 4475 section 3.1.1.4 has a valid URI with %00; no peer of this chain sends one, and what takes it for
// the end of a text would be misled.
TEST(ParseSipUri, RefusesEscapedControlCharactersOnPurpose) {
    for (const char* text :
         {"sip:null-%00-null@example.com", "sip:a%1F@h", "sip:a%7f@h", "sip:h;x=%0a", "sip:h?%0D=x"})
        EXPECT_FALSE(parse_sip_uri(text).has_value()) << text;
    EXPECT_TRUE(parse_sip_uri("sip:a%20@h").has_value());
    EXPECT_TRUE(parse_sip_uri("sip:a%80@h").has_value());
}

TEST(WriteSipUri, EncodesByTheClassOfEachPlace) {
    // Every printable character that is no letter or digit, in each place. Source: RFC 3261 section 25.1.
    const std::string all = " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
    struct Row {
        const char* name;
        SipUri uri;
        const char* want;
    };
    const std::vector<Row> rows{
        {"user",
         {"sip", "u" + all, "h"},
         "sip:u%20!%22%23$%25&'()*+,-./:%3B%3C=%3E%3F%40%5B%5C%5D%5E_%60%7B%7C%7D~@h"},
        {"parameter",
         {"sip", "", "h", {}, {{"x", all}}},
         "sip:h;x=%20!%22%23$%25&'()*+%2C-./:%3B%3C%3D%3E%3F%40[%5C]%5E_%60%7B%7C%7D~"},
        {"header",
         {"sip", "", "h", {}, {}, {{"X", all}}},
         "sip:h?X=%20!%22%23$%25%26'()*+%2C-./:%3B%3C%3D%3E?%40[%5C]%5E_%60%7B%7C%7D~"},
        {"names", {"sip", "", "h", {}, {{"a=b", std::nullopt}}, {{"c&d", ""}}}, "sip:h;a%3Db?c%26d="},
        {"non-ASCII", {"sip", "josé", "h"}, "sip:jos%C3%A9@h"},
        {"a colon in front is no password's", {"sip", ":a:b", "h"}, "sip:%3Aa%3Ab@h"},
        {"port", {"sip", "", "[::1]", 5061}, "sip:[::1]:5061"},
        // Twilio, "TwiML Voice: <Sip>", "Passing custom headers": these four are to be encoded
        {"Twilio's four", {"sip", "", "h", {}, {}, {{"X-A", ";=,@"}}}, "sip:h?X-A=%3B%3D%2C%40"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        const auto got = write_sip_uri(row.uri);
        ASSERT_TRUE(got.has_value()) << got.error().message;
        EXPECT_EQ(*got, row.want);
        EXPECT_EQ(parse_sip_uri(*got), row.uri);
    }
}

TEST(WriteSipUri, RefusesWhatNoUriCanHold) {
    struct Row {
        const char* name;
        SipUri uri;
        const char* says;
    };
    const std::vector<Row> rows{
        {"no host", {}, "no host"},
        {"scheme", {"tel", "", "h"}, "scheme"},
        {"scheme in capitals", {"SIP", "", "h"}, "scheme"},
        {"host with a blank", {"sip", "", "a b"}, "host"},
        {"host with a port", {"sip", "", "h:5060"}, "host"},
        {"host with a parameter", {"sip", "", "h;x=y"}, "host"},
        {"IPv6 without brackets", {"sip", "", "::1"}, "host"},
        {"line end in the user", {"sip", "a\r\nb", "h"}, "user"},
        {"parameter without a name", {"sip", "", "h", {}, {{"", "x"}}}, "parameter"},
        {"parameter with an empty value", {"sip", "", "h", {}, {{"x", ""}}}, "parameter \"x\""},
        {"line end in a parameter", {"sip", "", "h", {}, {{"x", "\n"}}}, "parameter \"x\""},
        {"header without a name", {"sip", "", "h", {}, {}, {{"", "x"}}}, "header"},
        {"line end in a header", {"sip", "", "h", {}, {}, {{"X-A", "a\r\nVia: b"}}}, "header \"X-A\""},
        {"DEL in a header's name", {"sip", "", "h", {}, {}, {{"X\x7F", "a"}}}, "header \"X\\x7f\""},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        const auto got = write_sip_uri(row.uri);
        ASSERT_FALSE(got.has_value()) << *got;
        EXPECT_EQ(got.error().code, ErrorCode::usage);
        EXPECT_NE(got.error().message.find(row.says), std::string::npos) << got.error().message;
    }
}

TEST(WriteSipUri, IsReadBackEqualWhateverItWrites) {
    const bool held = rc::check("write, then parse, is the identity", [] {
        // With bytes that no text has; without control characters, which are refused.
        const auto text =
            rc::gen::map(rc::gen::container<std::string>(
                             rc::gen::elementOf(std::string("a0;=?&@:%+,/[]$ \"<#\\\xC3\xA9\x80\xFF"))),
                         [](std::string made) { return made.empty() ? std::string("x") : made; });
        SipUri uri{*rc::gen::element<std::string>("sip", "sips"), *text,
                   *rc::gen::element<std::string>("h", "sip.api.openai.com", "192.0.2.1", "[2001:db8::1]")};
        if (*rc::gen::arbitrary<bool>()) uri.port = *rc::gen::arbitrary<std::uint16_t>();
        for (int i = *rc::gen::inRange(0, 3); i > 0; --i)
            uri.parameters.push_back({*text, *rc::gen::maybe(text) ? std::optional(*text) : std::nullopt});
        for (int i = *rc::gen::inRange(0, 3); i > 0; --i) uri.headers.push_back({*text, *text});
        const auto written = write_sip_uri(uri);
        RC_ASSERT(written.has_value());
        const auto read = parse_sip_uri(*written);
        RC_ASSERT(read.has_value());
        RC_ASSERT(*read == uri);
    });
    ASSERT_TRUE(held);
}

// Source: OpenAI, "Realtime API with SIP".
TEST(KindOfHost, TellsOpenAIsHostsFromSlipsAndStrangers) {
    struct Row {
        std::string_view host;
        SipHost kind;
        std::string_view meant;
    };
    for (const auto& row :
         {Row{"sip.api.openai.com", SipHost::openai, ""}, Row{"SIP-EU.api.openai.com", SipHost::openai, ""},
          Row{"sip.api.openai.com.", SipHost::openai, ""}, Row{"x.sip.ai.azure.com", SipHost::azure, ""},
          Row{"sip.ai.azure.com", SipHost::other, ""}, Row{"openai.com", SipHost::openai_unknown, ""},
          Row{"sips.api.openai.com", SipHost::openai_unknown, ""}, Row{"xopenai.com", SipHost::other, ""},
          Row{"sip.api.openai.co", SipHost::openai_misspelt, "sip.api.openai.com"},
          Row{"sip.api.opena.co", SipHost::openai_misspelt, "sip.api.openai.com"},
          Row{"sip.api.open.co", SipHost::other, ""},
          Row{"x.sip.a1.azure.com", SipHost::openai_misspelt, "x.sip.ai.azure.com"},
          Row{"", SipHost::other, ""}}) {
        SCOPED_TRACE(row.host);
        EXPECT_EQ(kind_of_host(row.host), row.kind);
        if (row.kind == SipHost::openai_misspelt) {
            EXPECT_EQ(meant_openai_host(row.host), row.meant);
        }
    }
}

}  // namespace
}  // namespace callchain::twiml
