#include "evidence/mask.hpp"

#include "encoding/base64.hpp"

#include <gtest/gtest.h>

namespace callchain::evidence {
namespace {

using signature::LabelledSecret;

const std::vector<LabelledSecret> kSecrets{{"token", "0f1e2d3c4b5a69788796a5b4c3d2e1f0"},
                                           {"webhook", "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}};

std::string masked(const std::string& text, std::set<Kind> revealed = {}) {
    Masker masker(kSecrets, std::move(revealed));
    masker.learn(text);
    Tally tally;
    return masker.mask(text, tally);
}

struct Row {
    const char* name;
    std::string text;
    std::string want;
};

void expect(const std::vector<Row>& rows) {
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(masked(row.text), row.want);
        EXPECT_EQ(masked(row.want), row.want) << "masking twice changes nothing more";
    }
}

TEST(Mask, WithholdsSecretsInEveryForm) {
    expect({
        {"OpenAI key", "key sk-proj-abcdefghijklmnopqrst end", "key sk-[withheld] end"},
        {"unknown webhook secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_[withheld]"},
        {"bearer header", "Authorization: Bearer abc.def\r\nHost: x\r\n",
         "Authorization: [withheld]\r\nHost: x\r\n"},
        {"bearer in JSON", R"({"authorization":"Bearer abc","a":1})",
         R"({"authorization":"[withheld]","a":1})"},
        {"header in a JSON string", R"({"m":"A: b\r\nCookie: a=b; c=d\r\nHost: x"})",
         R"({"m":"A: b\r\nCookie: [withheld]\r\nHost: x"})"},
        {"attribute of a platform", R"([{"key":"api_key","value":"\"abc\""},{"key":"b","value":"c"}])",
         R"([{"key":"api_key","value":"\"[withheld]\""},{"key":"b","value":"c"}])"},
        {"environment", "META_SIP_PASSWORD=hunter2 A=b", "META_SIP_PASSWORD=[withheld] A=b"},
        {"prose", "Password: hunter5 and the secret: each has one",
         "Password: [withheld] and the secret: each has one"},
        {"query", "GET /x?access_token=abc&b=c HTTP/1.1", "GET /x?access_token=[withheld]&b=c HTTP/1.1"},
        {"digest", R"(X: Digest username="u", nonce="n1", response="r1", cnonce="c", opaque=o, qop=auth)",
         R"(X: Digest username="u", nonce="[withheld]", response="[withheld]", cnonce="[withheld]", opaque=[withheld], qop=auth)"},
        {"SDES key", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc+/=|2^20\r\n",
         "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:[withheld]\r\n"},
        {"ICE password in JSON", R"("a=ice-ufrag:u\r\na=ice-pwd:secret+/\r\n")",
         R"("a=ice-ufrag:u\r\na=ice-pwd:[withheld]\r\n")"},
        {"key line", "v=0\nk=clear:abc\nm=audio", "v=0\nk=[withheld]\nm=audio"},
        {"URL", "https://user:hunter2@host.example/x?y=a@b", "https://[withheld]@host.example/x?y=a@b"},
        {"web token", "Identity: x\n t=eyJhbGciOi.eyJpc3Mi.c2ln;", "Identity: [withheld]\n t=[withheld];"},
        {"PEM", "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n",
         "-----BEGIN PRIVATE KEY-----[withheld]-----END PRIVATE KEY-----\n"},
    });
}

TEST(Mask, WithholdsConfiguredSecretsRawEncodedAndWithinBase64) {
    const auto& token = kSecrets[0].text;
    EXPECT_EQ(masked("x=" + token), "x=[withheld]");
    for (const char* user : {"AC1:", "AC12:", "AC123:"}) {
        const auto basic = encoding::to_base64(user + token);
        const auto out = masked("h: Basic " + basic);
        EXPECT_EQ(out.find(basic.substr(12, 20)), std::string::npos) << out;
    }
    EXPECT_EQ(masked("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8%3D").find("QFBgcICQoL"),
              std::string::npos);
}

TEST(Mask, CutsTelephoneNumbersAlikeWhereverTheyStand) {
    expect({
        {"plus", "from +5561999994321.", "from +…4321."},
        {"separators", "from +55 (61) 99999-4321 to", "from +…4321 to"},
        {"WhatsApp form", "From=whatsapp%3A%2B5561999994321&x=1", "From=whatsapp%3A%2B…4321&x=1"},
        {"JSON escape", R"("sip:\u002b5561999994321@x")", R"("sip:\u002b…4321@x")"},
        {"SIP without plus", "To: <sip:5561999994321@wa.example>", "To: <sip:…4321@wa.example>"},
        {"member", R"("account":"12145551869","ms":12145551)", R"("account":"…1869","ms":12145551)"},
        {"known from elsewhere", "+5561999994321 then 5561999994321 and 61999994321",
         "+…4321 then …4321 and …4321"},
        {"blanks of a URL", "To=whatsapp%3A%2B55%2061%2099999-4321&a=b", "To=whatsapp%3A%2B…4321&a=b"},
        {"known, with separators", "+5561999994321: call 0055 61 99999 4321, or (61) 99999-4321.",
         "+…4321: call …4321, or …4321."},
        {"times stay", R"("webhook_timestamp":"text:1795888028","x":1795888028123)",
         R"("webhook_timestamp":"text:1795888028","x":1795888028123)"},
        {"addresses stay", "sip:192.0.2.10:5061 2001:db8::1234567", "sip:192.0.2.10:5061 2001:db8::1234567"},
        {"base64 stays", "v1,gUAg4R2hWouRZqRQG4uJypNS8YK+12345678EHb4nKBY=",
         "v1,gUAg4R2hWouRZqRQG4uJypNS8YK+12345678EHb4nKBY="},
    });
}

TEST(Mask, LooksIntoBase64ThatHoldsText) {
    const auto record = R"({"body_base64":")" +
                        encoding::to_base64(R"({"From":"<sip:+5561999994321@x>","a":"bcdefgh"})") + R"("})";
    EXPECT_EQ(
        masked(record),
        R"({"body_base64":")" + encoding::to_base64(R"({"From":"<sip:+…4321@x>","a":"bcdefgh"})") + R"("})");
    EXPECT_EQ(masked(record, {Kind::bodies}), record);
}

TEST(Mask, TakesOutNamesMailAndAddressesOfDevices) {
    expect({
        {"display name", "From: \"José Silva\" <sip:x@y.example>", "From: \"[name]\" <sip:x@y.example>"},
        {"bare name", "From: Jose Silva <sip:x@y.example>", "From: [name] <sip:x@y.example>"},
        {"in JSON", R"({"value":"\"Jos\u00e9\" <sip:x@y>"})", R"({"value":"\"[name]\" <sip:x@y>"})"},
        {"no name", "Contact: <sip:x@y.example>", "Contact: <sip:x@y.example>"},
        {"form", "CallerName=Jose+Silva&b=c", "CallerName=[name]&b=c"},
        {"mail", "write to jose.silva@example.com!", "write to …@example.com!"},
        {"mail in a form", "a=b&mail=jose.silva%40example.com&c=d", "a=b&mail=…%40example.com&c=d"},
        {"SIP in a form", "From=sip%3Abridge%40gw.example.com", "From=sip%3Abridge%40gw.example.com"},
        {"Call-ID stays", "Call-ID: 7cb2411e97f0d977d7e25d2942d35096@gw.example.com",
         "Call-ID: 7cb2411e97f0d977d7e25d2942d35096@gw.example.com"},
        {"candidate", "a=candidate:1 1 UDP 2130706431 192.168.0.7 54321 typ host\r\n",
         "a=candidate:1 1 UDP 2130706431 [address] 54321 typ host\r\n"},
        {"relay", "a=candidate:2 1 UDP 1 198.51.100.4 5000 typ relay raddr 203.0.113.9 rport 9\r\n",
         "a=candidate:2 1 UDP 1 198.51.100.4 5000 typ relay raddr [address] rport 9\r\n"},
    });
}

TEST(Mask, RevealsTheKindThatIsNamedAndNeverSecrets) {
    const std::string text = "From: \"José\" <sip:+5561999994321@x> jose@example.com sk-abcdefghijklmnopqrst";
    EXPECT_EQ(masked(text, {Kind::numbers}),
              "From: \"[name]\" <sip:+5561999994321@x> …@example.com sk-[withheld]");
    EXPECT_EQ(masked(text, {Kind::names, Kind::secrets, Kind::mail}),
              "From: \"José\" <sip:+…4321@x> jose@example.com sk-[withheld]");
}

TEST(Mask, CountsWhatItMasked) {
    Tally tally;
    (void)Masker(kSecrets, {}).mask("+5561999994321 +5561999994321 sk-abcdefghijklmnopqrst", tally);
    EXPECT_EQ(tally, (Tally{{Kind::secrets, 1}, {Kind::numbers, 2}}));
}

}  // namespace
}  // namespace callchain::evidence
