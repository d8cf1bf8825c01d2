#include "gateway/message_trace.hpp"

#include "gateway/redact_message.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace callchain::gateway {
namespace {

struct Row {
    const char* name;
    std::string line;
    std::string want;
};

TEST(RedactMessage, WithholdsKeysOfSdpThatStandsAlone) {
    const auto shown = redact_message(
        "v=0\r\na=ice-pwd:asd88fgpdd777uzjYhagZg\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 "
        "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n");
    EXPECT_EQ(shown.find("asd88fgpdd777uzjYhagZg"), std::string::npos);
    EXPECT_EQ(shown.find("WVNfX19zZW1jdGwg"), std::string::npos);
    EXPECT_TRUE(shown.starts_with("v=0\r\na=ice-pwd:"));
}

TEST(RedactMessage, WithholdsDigestOfHeaders) {
    for (const auto& row : {
             // Source: RFC 2617 section 3.5.
             Row{"answer",
                 "Authorization: Digest username=\"Mufasa\", realm=\"testrealm@host.com\", "
                 "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", qop=auth, "
                 "nc=00000001, "
                 "cnonce=\"0a4f113b\", response=\"6629fae49393a05397450978507c4ef1\", "
                 "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"",
                 "Authorization: Digest username=\"Mufasa\", realm=\"testrealm@host.com\", nonce=[withheld], "
                 "uri=\"/dir/index.html\", qop=auth, nc=00000001, cnonce=[withheld], response=[withheld], "
                 "opaque=[withheld]"},
             Row{"challenge",
                 "Proxy-Authenticate: Digest realm=\"a\\\", nonce=b\",nonce = \"c,d\",stale=true",
                 "Proxy-Authenticate: Digest realm=\"a\\\", nonce=b\",nonce = [withheld],stale=true"},
             Row{"no quotation marks", "proxy-authorization:Digest response=abc,uri=\"sip:a\"",
                 "proxy-authorization:Digest response=[withheld],uri=\"sip:a\""},
             Row{"never closed", "Authorization: Digest response=\"abc",
                 "Authorization: Digest response=[withheld]"},
             Row{"without a scheme", "Authentication-Info: nextnonce=\"abc\", rspauth=\"def\"",
                 "Authentication-Info: nextnonce=[withheld], rspauth=[withheld]"},
             Row{"folded", "Authorization: Digest username=\"a\",\r\n response=\"abc\"",
                 "Authorization: Digest username=\"a\",\r\n response=[withheld]"},
             Row{"another scheme", "Authorization: Bearer abc\r\n def",
                 "Authorization: Bearer [withheld]\r\n [withheld]"},
             Row{"Identity", "Identity: eyJh.eyJk;info=<https://a>", "Identity: [withheld]"},
         }) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(redact_message("OPTIONS sip:a SIP/2.0\r\n" + row.line + "\r\n\r\n"),
                  "OPTIONS sip:a SIP/2.0\r\n" + row.want + "\r\n\r\n");
    }
}

TEST(RedactMessage, WithholdsKeysOfSdp) {
    for (const auto& row : {
             // Source: RFC 4568 section 4.
             Row{"crypto",
                 "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "
                 "inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20|1:32",
                 "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:[withheld]"},
             Row{"crypto of another form", "a=crypto:1 X uri:abc", "a=crypto:[withheld]"},
             Row{"ICE", "a=ice-pwd:asd88fgpdd777uzjYhagZg", "a=ice-pwd:[withheld]"},
             Row{"k line", "k=base64:abcd", "k=[withheld]"},
             Row{"what is public", "a=ice-ufrag:8hhY", "a=ice-ufrag:8hhY"},
             Row{"no number", "o=- 1234567890 1234567890 IN IP4 192.0.2.1",
                 "o=- 1234567890 1234567890 IN IP4 192.0.2.1"},
         }) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(redact_message("SIP/2.0 200 OK\r\n\r\nv=0\r\n" + row.line + "\r\n"),
                  "SIP/2.0 200 OK\r\n\r\nv=0\r\n" + row.want + "\r\n");
    }
}

TEST(RedactMessage, CutsTelephoneNumbers) {
    for (const auto& row : {
             Row{"Request-URI", "INVITE sip:+15551234567@192.0.2.100:5061 SIP/2.0",
                 "INVITE sip:+…4567@192.0.2.100:5061 SIP/2.0"},
             Row{"without plus", "From: \"15551234567\" <sip:15551234567@wa.meta.vc>;tag=1234567890",
                 "From: \"…4567\" <sip:…4567@wa.meta.vc>;tag=1234567890"},
             Row{"ours, without a sign", "X-Callchain-Caller: 15551234567", "X-Callchain-Caller: …4567"},
             Row{"ours, with one", "x-callchain-caller:%2B15551234567", "x-callchain-caller: %2B…4567"},
             Row{"ours, of a business-scoped user", "X-Callchain-Caller: US.1349",
                 "X-Callchain-Caller: US.1349"},
             Row{"separators", "Contact: <tel:+1-555-(123)-4567>", "Contact: <tel:+…4567>"},
             Row{"display name", "From: \"+1 (555) 123 4567\" <sip:a@b>", "From: \"+…4567\" <sip:a@b>"},
             Row{"escaped", "X-A: whatsapp%3A%2B15551234567", "X-A: whatsapp%3A%2B…4567"},
             Row{"digest user", "Authorization: Digest username=\"15551234567\"",
                 "Authorization: Digest username=\"…4567\""},
             Row{"digest user without marks", "Authorization: Digest username=15551234567",
                 "Authorization: Digest username=…4567"},
             Row{"addresses and times", "Via: SIP/2.0/TLS 192.0.2.100:5061;branch=z9hG4bK1234567890",
                 "Via: SIP/2.0/TLS 192.0.2.100:5061;branch=z9hG4bK1234567890"},
             Row{"address behind sip:", "Contact: <sip:192.168.100.200:5061>",
                 "Contact: <sip:192.168.100.200:5061>"},
             Row{"secret", "X-A: sk-abcdefghijklmnopqrstuvwxyz", "X-A: sk-[withheld]"},
         }) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(redact_message(row.line + "\r\n"), row.want + "\r\n");
    }
}

TEST(TraceLine, IsOneJsonObjectOnOneLine) {
    FlowInfo flow;
    flow.id = {7};
    flow.transport = Transport::tls;
    flow.local = {"192.0.2.100", 5061};
    flow.peer = {"2001:db8::1", 5061};
    const std::string bytes =
        "INVITE sip:+15551234567@a SIP/2.0\r\nCall-ID: abc@d\r\nX: \"\x01\xFF\r\n\r\na=ice-pwd:secret\r\n";
    const TracedMessage message{.received = false, .flow = flow, .bytes = bytes};
    const auto line = trace_line(message, std::chrono::sys_days{std::chrono::January / 2 / 2026});
    ASSERT_EQ(line.find('\n'), line.size() - 1);
    const auto json = nlohmann::json::parse(line);
    EXPECT_EQ(json["time"], "2026-01-02T00:00:00.000Z");
    EXPECT_EQ(json["direction"], "sent");
    EXPECT_EQ(json["transport"], "TLS");
    EXPECT_EQ(json["local"], "192.0.2.100:5061");
    EXPECT_EQ(json["peer"], "[2001:db8::1]:5061");
    EXPECT_EQ(json["flow"], "7");
    EXPECT_EQ(json["call_id"], "abc@d");
    EXPECT_EQ(
        json["message"],
        "INVITE sip:+…4567@a SIP/2.0\r\nCall-ID: abc@d\r\nX: \"\x01\uFFFD\r\n\r\na=ice-pwd:[withheld]\r\n");
}

}  // namespace
}  // namespace callchain::gateway
