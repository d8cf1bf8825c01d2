#include "b2bua/rate_limit.hpp"

#include <chrono>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

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

// Of readings that come out of order none counts twice.
TEST(RateLimit, GivesNothingForTimeThatGoesBack) {
    RateLimit limit(1);
    EXPECT_TRUE(limit.take(kNow + 10s));
    EXPECT_FALSE(limit.take(kNow));
    EXPECT_FALSE(limit.take(kNow + 10s));
    EXPECT_TRUE(limit.take(kNow + 11s));
}

RC_GTEST_PROP(RateLimit, GivesNoMoreThanABurstAndItsRate, ()) {
    const auto per_second = *rc::gen::inRange(1, 200);
    RateLimit limit(per_second);
    auto now = kNow;
    int taken = 0;
    for (const int wait : *rc::gen::container<std::vector<int>>(300, rc::gen::inRange(0, 50))) {
        now += std::chrono::milliseconds(wait);
        taken += limit.take(now) ? 1 : 0;
    }
    const auto passed = std::chrono::duration<double>(now - kNow).count();
    RC_ASSERT(taken <= per_second * (1 + passed) + 1e-6);
}

RC_GTEST_PROP(RateLimits, AreBoundedAndForOneKeyARateLimit, ()) {
    RateLimits limits(2, 3);
    RateLimit alone(2);
    auto now = kNow;
    for (const int key : *rc::gen::container<std::vector<int>>(100, rc::gen::inRange(0, 20))) {
        now += 100ms;
        // One key that is never idle for long is never forgotten, whatever the others are.
        RC_ASSERT(limits.take("steady", now) == alone.take(now));
        (void)limits.take(std::to_string(key), now);
        RC_ASSERT(limits.size() <= 3U);
    }
}

TEST(RateLimits, HoldOneKeyAtLeast) {
    RateLimits limits(1, 0);
    EXPECT_TRUE(limits.take("a", kNow));
    EXPECT_FALSE(limits.take("a", kNow));
    EXPECT_TRUE(limits.take("", kNow));
    EXPECT_EQ(limits.size(), 1U);
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
