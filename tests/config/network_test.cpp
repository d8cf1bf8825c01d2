#include "config/network.hpp"

#include <gtest/gtest.h>

namespace callchain::config {
namespace {

TEST(ParseNetwork, KnowsWhichAddressesBelong) {
    struct Row {
        const char* list;
        const char* address;
        bool belongs;
    };
    // RFC 6598 (100.64.0.0/10), RFC 4193 (fc00::/7), RFC 4291 section 2.5.5.2 (mapped addresses).
    for (const auto& row :
         {Row{"100.64.0.0/10", "100.64.0.1", true}, Row{"100.64.0.0/10", "100.127.255.255", true},
          Row{"100.64.0.0/10", "100.128.0.0", false}, Row{"100.64.0.0/10", "::ffff:100.64.0.1", true},
          Row{"fc00::/7", "fd12:3456::1", true}, Row{"fc00::/7", "fe80::1", false},
          Row{"0.0.0.0/0", "203.0.113.9", true}, Row{"0.0.0.0/0", "::1", false},
          Row{"::/0", "203.0.113.9", true}, Row{"192.0.2.7", "192.0.2.7", true},
          Row{"192.0.2.7", "192.0.2.6", false}, Row{"10.0.0.0/8, 192.0.2.0/24", "192.0.2.6", true},
          Row{"10.0.0.0/8", "not an address", false}, Row{"", "10.0.0.1", false}}) {
        SCOPED_TRACE(std::string(row.list) + " " + row.address);
        const auto networks = parse_networks(row.list);
        ASSERT_TRUE(networks.has_value()) << networks.error().message;
        EXPECT_EQ(contains(*networks, row.address), row.belongs);
    }
}

TEST(ParseNetwork, RefusesWhatIsNoNetworkAndNamesAll) {
    for (const char* text :
         {"10.0.0.0/33", "::/129", "10.0.0/8", "example.com", "10.0.0.0/", "10.0.0.0/-1", "/8"}) {
        SCOPED_TRACE(text);
        EXPECT_FALSE(parse_network(text).has_value());
    }
    const auto two = parse_networks("10.0.0.0/8, nonsense 10.1.2.3/99");
    ASSERT_FALSE(two.has_value());
    EXPECT_NE(two.error().message.find("nonsense"), std::string::npos);
    EXPECT_NE(two.error().message.find("10.1.2.3/99"), std::string::npos);
}

TEST(ParseNetwork, SaysWhichNetworkWasMeantWhereBitsAreSetBehindThePrefix) {
    const auto network = parse_network("10.1.2.3/8");
    ASSERT_FALSE(network.has_value());
    EXPECT_NE(network.error().hint.find("10.0.0.0/8"), std::string::npos) << network.error().hint;
}

TEST(ParseListenAddress, WritesHostAndPort) {
    struct Row {
        const char* text;
        const char* want;
    };
    for (const auto& row :
         {Row{"8000", "[::]:8000"}, Row{":8000", "[::]:8000"}, Row{"0.0.0.0:0", "0.0.0.0:0"},
          Row{"[::1]:81", "[::1]:81"}, Row{"localhost:9464", "127.0.0.1:9464"}}) {
        SCOPED_TRACE(row.text);
        const auto address = parse_listen_address(row.text);
        ASSERT_TRUE(address.has_value()) << address.error().message;
        EXPECT_EQ(*address, row.want);
    }
    for (const char* text :
         {"", "host:80", "::1:80", "1.2.3.4", "1.2.3.4:65536", "1.2.3.4:", "[1.2.3.4]:80", "1.2.3.4:x"}) {
        SCOPED_TRACE(text);
        EXPECT_FALSE(parse_listen_address(text).has_value());
    }
}

TEST(ParseNetwork, DoesNotTakeWhatStandsInFrontOfANulForTheWhole) {
    EXPECT_FALSE(parse_network(std::string_view("10.0.0.1\0x", 10)).has_value());
    EXPECT_FALSE(parse_listen_address(std::string_view("127.0.0.1\0x:80", 14)).has_value());
}

}  // namespace
}  // namespace callchain::config
