#include "service/gateway_values.hpp"

#include "sip/message.hpp"

#include <gtest/gtest.h>
#include <string>

namespace callchain::service {
namespace {

TEST(ParseHostAddress, ReadsHostPortAndWhereItMayTransport) {
    struct Row {
        const char* text;
        const char* host;
        std::optional<std::uint16_t> port;
        const char* transport;
    };
    for (const auto& row : {Row{"sip.example.com", "sip.example.com", std::nullopt, ""},
                            Row{" sip.example.com:15140 ", "sip.example.com", 15140, ""},
                            Row{"[2001:db8::1]:5061", "[2001:db8::1]", 5061, ""},
                            Row{"192.0.2.1;Transport=TLS", "192.0.2.1", std::nullopt, "tls"}}) {
        SCOPED_TRACE(row.text);
        const auto address = parse_host_address(row.text, TransportBehind::allowed);
        ASSERT_TRUE(address.has_value()) << address.error().message;
        EXPECT_EQ(address->host, row.host);
        EXPECT_EQ(address->port, row.port);
        EXPECT_EQ(address->transport, row.transport);
    }
    EXPECT_FALSE(parse_host_address("192.0.2.1;transport=tls", TransportBehind::refused).has_value());
}

TEST(ParseHostAddress, RefusesWhatNothingReads) {
    for (const auto* text : {"", "sip:sip.example.com", "a@sip.example.com", "sip.example.com:0",
                             "sip.example.com:99999", "sip.example.com;lr", "sip.example.com?X=Y",
                             "sip.example.com;transport=tls;transport=udp", "two words"}) {
        SCOPED_TRACE(text);
        const auto address = parse_host_address(text, TransportBehind::allowed);
        ASSERT_FALSE(address.has_value());
        EXPECT_EQ(address.error().code, ErrorCode::usage);
    }
}

// RFC 3261 section 25.1: user = 1*( unreserved / escaped / user-unreserved ).
TEST(CheckSipUser, KnowsTheGrammarOfAUser) {
    for (const auto* good :
         {"bridge", "+12145551869", "a.b-c_d!e~f*g'h(i)", "&=+$,;?/", "100%25", "a;phone-context=b"}) {
        SCOPED_TRACE(good);
        EXPECT_TRUE(check_sip_user(good).has_value());
    }
    for (const auto* bad :
         {"a b", "a:b", "a@b", "<a>", "a\"b", "100%", "%4", "a#b", "a[b]", "\xC3\xA9", "a\r\nX: y"}) {
        SCOPED_TRACE(bad);
        const auto checked = check_sip_user(bad);
        ASSERT_FALSE(checked.has_value());
        EXPECT_FALSE(checked.error().hint.empty());
    }
}

TEST(EscapeSipUser, MakesAUserOfAnyBytes) {
    EXPECT_EQ(escape_sip_user("bridge+1"), "bridge+1");
    EXPECT_EQ(escape_sip_user("a b@<c>:%"), "a%20b%40%3Cc%3E%3A%25");
    std::string all;
    for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
    EXPECT_TRUE(check_sip_user(escape_sip_user(all)).has_value());
}

TEST(ParseSwitch, ReadsBothWordsInAnyCaseAndNothingElse) {
    for (const auto* word : {"true", "1", "YES", "On"}) EXPECT_EQ(parse_switch(word), true) << word;
    for (const auto* word : {"false", "0", "No", "OFF"}) EXPECT_EQ(parse_switch(word), false) << word;
    for (const auto* word : {"", "maybe", "2", "tru"}) EXPECT_EQ(parse_switch(word), std::nullopt) << word;
}

}  // namespace
}  // namespace callchain::service
