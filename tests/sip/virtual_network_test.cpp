// Promises of the transaction layer that hold whatever the network does.
#include "sip/virtual_network.hpp"

#include <cstdint>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <string>
#include <vector>

namespace callchain::sip {
namespace {

// A message is never on its way for longer than T1, which is what T1 means: else a request could come again
// after the server's 64*T1.
constexpr int kMostDelay = 450;

RC_GTEST_PROP(VirtualNetworkProperty, KeepsEveryPromiseOverUdp, (std::uint64_t seed)) {
    VirtualNetwork network({.seed = seed,
                            .loss_percent = *rc::gen::inRange(0, 96),
                            .duplicate_percent = *rc::gen::inRange(0, 60),
                            .most_delay_ms = *rc::gen::inRange(0, kMostDelay)});
    network.run();
    RC_ASSERT(network.faults == std::vector<std::string>{});
}

RC_GTEST_PROP(VirtualNetworkProperty, KeepsEveryPromiseOverTcp, (std::uint64_t seed)) {
    VirtualNetwork network({.seed = seed,
                            .reliability = Reliability::reliable,
                            .most_delay_ms = *rc::gen::inRange(0, 200),
                            .breaks = *rc::gen::inRange(0, 5)});
    network.run();
    RC_ASSERT(network.faults == std::vector<std::string>{});
}

TEST(VirtualNetwork, KeepsEveryPromiseForFixedSeeds) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        for (const int loss : {0, 30, 70, 100}) {
            SCOPED_TRACE("seed " + std::to_string(seed) + ", loss " + std::to_string(loss));
            VirtualNetwork network({.seed = seed,
                                    .loss_percent = loss,
                                    .duplicate_percent = 20,
                                    .most_delay_ms = kMostDelay,
                                    .requests = 12});
            network.run();
            EXPECT_EQ(network.faults, std::vector<std::string>{});
        }
    }
}

TEST(VirtualNetwork, ReachesEveryKindOfEnd) {
    // Else the promises above would be about nothing.
    std::map<std::string, int> outcomes;
    int repeated = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        VirtualNetwork lossy({.seed = seed, .loss_percent = 60, .most_delay_ms = 100, .requests = 20});
        VirtualNetwork broken(
            {.seed = seed, .reliability = Reliability::reliable, .breaks = 3, .requests = 20});
        for (auto* network : {&lossy, &broken}) {
            network->run();
            repeated += network->repeated;
            for (const auto& [outcome, count] : network->outcomes) outcomes[outcome] += count;
        }
    }
    for (const std::string outcome : {"200", "302", "481", "486", "487", "timeout", "transport"})
        EXPECT_GT(outcomes[outcome], 0) << outcome;
    EXPECT_GT(repeated, 0);
}

TEST(VirtualNetwork, LosesEveryRequestWhenNothingGetsThrough) {
    VirtualNetwork network({.seed = 7, .loss_percent = 100, .requests = 20});
    network.run();
    EXPECT_EQ(network.outcomes, (std::map<std::string, int>{{"timeout", 20}}));
}

TEST(VirtualNetwork, SendsNothingTwiceWhereNothingIsLost) {
    int sent = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        VirtualNetwork network({.seed = seed, .reliability = Reliability::reliable, .requests = 20});
        network.run();
        EXPECT_EQ(network.faults, std::vector<std::string>{});
        EXPECT_EQ(network.repeated, 0);
        sent += network.sent;
    }
    EXPECT_GT(sent, 1'000);
}

}  // namespace
}  // namespace callchain::sip
