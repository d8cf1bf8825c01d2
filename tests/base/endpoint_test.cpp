#include "base/endpoint.hpp"

#include <gtest/gtest.h>

namespace callchain {
namespace {

TEST(Endpoint, IsWrittenAndReadWithBracketsAroundIpv6Alone) {
    for (const Endpoint& endpoint : {Endpoint{"192.0.2.1", 5060}, Endpoint{"2001:db8::1", 5061},
                                     Endpoint{"::", 0}, Endpoint{"gateway.example", 65'535}}) {
        SCOPED_TRACE(text_of(endpoint));
        EXPECT_EQ(parse_endpoint(text_of(endpoint)), endpoint);
    }
    EXPECT_EQ(text_of({"192.0.2.1", 5060}), "192.0.2.1:5060");
    EXPECT_EQ(text_of({"2001:db8::1", 5061}), "[2001:db8::1]:5061");
}

TEST(Endpoint, IsNotReadWhereItIsNotWhole) {
    for (const char* text : {"", ":", ":8000", "[]:8000", "host", "host:", "host:x", "host:65536", "host:-1",
                             "host: 1", "::1:8000", "[::1]", "[::1]8000", "[::1:8000", "::1]:8000"})
        EXPECT_EQ(parse_endpoint(text), std::nullopt) << text;
}

TEST(Endpoint, LosesItsBracketsOnlyAsAPair) {
    EXPECT_EQ(without_brackets("[::1]"), "::1");
    for (const char* text : {"", "[", "]", "[::1", "::1]", "host"}) EXPECT_EQ(without_brackets(text), text);
}

TEST(Endpoint, IsOfTheLoopbackWhereOnlyThisMachineReachesIt) {
    for (const char* address : {"127.0.0.1", "127.9.9.9", "::1", "0:0::1", "::ffff:127.0.0.1"})
        EXPECT_TRUE(is_loopback(address)) << address;
    for (const char* address : {"", "localhost", "128.0.0.1", "127.example.com", "127.0.0", "[::1]",
                                "::", "::2", "1::1", "::ffff:10.0.0.1", "::127.0.0.1"})
        EXPECT_FALSE(is_loopback(address)) << address;
    EXPECT_FALSE(is_loopback(std::string_view("127.0.0.1\0x", 11)));
}

TEST(Endpoint, OfTheOwnMachineOrNetworkIsPrivate) {
    for (const char* host :
         {"localhost", "LOCALHOST",     "api.localhost", "printer.local", "app.railway.internal",
          "nas.lan",   "box.home.arpa", "a.test",        "a.invalid",     "127.0.0.1",
          "10.1.2.3",  "172.31.0.1",    "192.168.0.1",   "169.254.1.1",   "100.64.0.1",
          "0.0.0.0",   "[::1]",         "[::]",          "[fd12::1]",     "[FC00::1]",
          "[fe80::1]", "localhost.",    "nas.lan.",      "127.0.0.1."})
        EXPECT_TRUE(is_private_host(host)) << host;
    for (const char* host : {"", "example.com", "local.example.com", "mylocalhost", "172.32.0.1", "8.8.8.8",
                             "[2001:4860::1]", "[::1:2]", "127.0.0.1.example.com", "local.example.com.", "."})
        EXPECT_FALSE(is_private_host(host)) << host;
}

TEST(Endpoint, OfEveryAddressIsSeenFromItsHostAtTheLoopbackOne) {
    EXPECT_EQ(seen_from_its_host({"::", 8000}), (Endpoint{"127.0.0.1", 8000}));
    EXPECT_EQ(seen_from_its_host({"0.0.0.0", 8000}), (Endpoint{"127.0.0.1", 8000}));
    EXPECT_EQ(seen_from_its_host({"::1", 8000}), (Endpoint{"::1", 8000}));
    EXPECT_EQ(seen_from_its_host({"192.0.2.1", 8000}), (Endpoint{"192.0.2.1", 8000}));
}

}  // namespace
}  // namespace callchain
