#include "gateway/udp_flows.hpp"

#include <gtest/gtest.h>

namespace callchain::gateway {
namespace {

system::SocketAddress peer(const std::string& address, std::uint16_t port = 5060) {
    return *socket_address_of({address, port});
}

const Endpoint kLocal{"192.0.2.100", 5060};

TEST(UdpFlows, KnowAPeerAgain) {
    UdpFlows flows;
    EXPECT_EQ(flows.get(0, peer("192.0.2.1"), kLocal, {1}).info.id.value, 1U);
    EXPECT_EQ(flows.get(0, peer("192.0.2.1"), kLocal, {2}).info.id.value, 1U);
    EXPECT_EQ(flows.get(0, peer("192.0.2.1", 5061), kLocal, {3}).info.id.value, 3U);
    EXPECT_EQ(flows.get(1, peer("192.0.2.1"), kLocal, {4}).info.id.value, 4U);
    EXPECT_EQ(flows.get(0, peer("::ffff:192.0.2.1"), kLocal, {5}).info.id.value, 1U);
    EXPECT_EQ(flows.get(0, peer("2001:db8::1"), kLocal, {6}).info.id.value, 6U);
    EXPECT_EQ(flows.find({1})->info.peer, (Endpoint{"192.0.2.1", 5060}));
    EXPECT_EQ(flows.size(), 4U);
}

TEST(UdpFlows, NumberAPeerAnewOnceItIsRemoved) {
    UdpFlows flows;
    flows.get(0, peer("192.0.2.1"), kLocal, {1});
    EXPECT_TRUE(flows.remove(0, peer("192.0.2.1")).has_value());
    EXPECT_FALSE(flows.remove(0, peer("192.0.2.1")).has_value());
    EXPECT_EQ(flows.find({1}), nullptr);
    EXPECT_EQ(flows.get(0, peer("192.0.2.1"), kLocal, {2}).info.id.value, 2U);
    EXPECT_TRUE(flows.remove(sip::FlowId{2}).has_value());
    EXPECT_EQ(flows.size(), 0U);
}

TEST(UdpFlows, ForgetStrangersForStrangersAndNeverACall) {
    UdpFlows flows({.strangers = 2, .answered = 2});
    flows.get(0, peer("192.0.2.1"), kLocal, {1});
    flows.note_answered({1});
    for (std::uint16_t port = 1; port < 100; ++port)
        flows.get(0, peer("192.0.2.9", port), kLocal, {port + 100U});
    EXPECT_EQ(flows.size(), 3U);
    EXPECT_NE(flows.find({1}), nullptr);
    EXPECT_NE(flows.find({198}), nullptr);
    EXPECT_EQ(flows.find({101}), nullptr);
}

TEST(UdpFlows, ForgetTheAnsweredOneThatWasNotUsedForLongest) {
    UdpFlows flows({.strangers = 2, .answered = 2});
    for (std::uint16_t number = 1; number <= 2; ++number) {
        flows.get(0, peer("192.0.2.1", number), kLocal, {number});
        flows.note_answered({number});
    }
    flows.get(0, peer("192.0.2.1", 1), kLocal, {0});
    flows.get(0, peer("192.0.2.1", 3), kLocal, {3});
    flows.note_answered({3});
    EXPECT_NE(flows.find({1}), nullptr);
    EXPECT_EQ(flows.find({2}), nullptr);
    EXPECT_NE(flows.find({3}), nullptr);
}

}  // namespace
}  // namespace callchain::gateway
