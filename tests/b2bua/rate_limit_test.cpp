#include "b2bua/rate_limit.hpp"

#include <chrono>
#include <gtest/gtest.h>

namespace callchain::b2bua {
namespace {

using namespace std::chrono_literals;
constexpr sip::SteadyTime kNow{1'000s};

TEST(RateLimit, GivesABurstAndThenItsRate) {
    RateLimit limit(4);
    int taken = 0;
    for (int at = 0; at < 10; ++at) taken += limit.take(kNow) ? 1 : 0;
    EXPECT_EQ(taken, 4);
    EXPECT_FALSE(limit.take(kNow + 200ms));
    EXPECT_TRUE(limit.take(kNow + 300ms));
    EXPECT_FALSE(limit.take(kNow + 300ms));
    // A long rest fills it once and not more.
    taken = 0;
    for (int at = 0; at < 10; ++at) taken += limit.take(kNow + 1h) ? 1 : 0;
    EXPECT_EQ(taken, 4);
}

TEST(RateLimit, OfLessThanOneASecondGivesOneAtATime) {
    RateLimit limit(0.5);
    EXPECT_TRUE(limit.take(kNow));
    EXPECT_FALSE(limit.take(kNow + 1s));
    EXPECT_TRUE(limit.take(kNow + 2s));
}

TEST(RateLimits, KeepKeysApartAndForgetTheOneThatRestedLongest) {
    RateLimits limits(1, 2);
    EXPECT_TRUE(limits.take("a", kNow));
    EXPECT_TRUE(limits.take("b", kNow));
    EXPECT_FALSE(limits.take("a", kNow));
    EXPECT_EQ(limits.size(), 2U);
    EXPECT_TRUE(limits.take("c", kNow));  // b is forgotten
    EXPECT_EQ(limits.size(), 2U);
    EXPECT_FALSE(limits.take("a", kNow));
    EXPECT_TRUE(limits.take("b", kNow));
}

}  // namespace
}  // namespace callchain::b2bua
