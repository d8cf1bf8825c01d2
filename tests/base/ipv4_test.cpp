#include "base/ipv4.hpp"

#include <gtest/gtest.h>
#include <string_view>

namespace callchain {
namespace {

TEST(ParseIpv4, ReadsFourNumbersAndNothingElse) {
    EXPECT_EQ(parse_ipv4("192.0.2.1"), (Ipv4{192, 0, 2, 1}));
    EXPECT_EQ(parse_ipv4("0.0.0.0"), (Ipv4{0, 0, 0, 0}));
    EXPECT_EQ(parse_ipv4("255.255.255.255"), (Ipv4{255, 255, 255, 255}));
    for (const std::string_view text : {"", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.", ".1.2.3", "1.2.3.-4",
                                        "1.2.3.4 ", "a.b.c.d", "1.2.3.0004", "1..2.3", "2001:db8::1"}) {
        EXPECT_FALSE(parse_ipv4(text).has_value()) << text;
    }
}

// Both edges of each network of RFC 6890 section 2.2.2 that counts, and of multicast.
TEST(IsSpecialIpv4, KnowsTheEdgesOfTheNetworks) {
    for (const std::string_view text :
         {"0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255",
          "127.0.0.1", "127.255.255.255", "169.254.0.0", "169.254.255.255", "172.16.0.0", "172.31.255.255",
          "192.168.0.0", "192.168.255.255", "224.0.0.1", "239.255.255.255", "255.255.255.255"}) {
        EXPECT_TRUE(is_special_ipv4(*parse_ipv4(text))) << text;
    }
    for (const std::string_view text :
         {"1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
          "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255",
          "192.169.0.0", "192.0.2.1", "223.255.255.255", "157.240.19.130"}) {
        EXPECT_FALSE(is_special_ipv4(*parse_ipv4(text))) << text;
    }
}

}  // namespace
}  // namespace callchain
