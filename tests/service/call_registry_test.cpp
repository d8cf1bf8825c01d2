#include "service/call_registry.hpp"

#include <atomic>
#include <gtest/gtest.h>
#include <string>
#include <thread>
#include <vector>

namespace callchain::service {
namespace {

using namespace std::chrono_literals;
using Claim = CallRegistry::Claim;
using openai::Dialect;

const std::chrono::sys_seconds kCreated{1'750'287'018s};

CallRegistry small(std::size_t most) {
    return CallRegistry({.hash_key = "0123456789abcdef", .most = most, .shards = 1});
}

TEST(CallRegistry, GivesACallToTheFirstAlone) {
    auto registry = small(10);
    const auto first = registry.claim("wh_1", Dialect::realtime, "rtc_1", kCreated);
    EXPECT_EQ(first.claim, Claim::first);
    EXPECT_EQ(registry.claim("wh_1", Dialect::realtime, "rtc_1", kCreated).claim, Claim::undecided);
    EXPECT_FALSE(registry.is_decided(first.key));
    registry.decided(first.key);
    EXPECT_TRUE(registry.is_decided(first.key));
    EXPECT_EQ(registry.claim("wh_1", Dialect::realtime, "rtc_1", kCreated).claim, Claim::decided);
}

TEST(CallRegistry, TellsARetryFromASecondEndpoint) {
    auto registry = small(10);
    EXPECT_EQ(registry.claim("wh_1", Dialect::realtime, "rtc_1", kCreated).claim, Claim::first);
    EXPECT_TRUE(registry.claim("wh_1", Dialect::realtime, "rtc_1", kCreated).same_delivery);
    EXPECT_FALSE(registry.claim("wh_2", Dialect::realtime, "rtc_1", kCreated).same_delivery);
}

TEST(CallRegistry, KeepsTheDialectsApart) {
    auto registry = small(10);
    EXPECT_EQ(registry.claim("wh_1", Dialect::realtime, "same", kCreated).claim, Claim::first);
    EXPECT_EQ(registry.claim("wh_2", Dialect::live, "same", kCreated).claim, Claim::first);
}

TEST(CallRegistry, NeverTakesAForgottenCallUpAgain) {
    auto registry = small(2);
    for (int i = 0; i < 5; ++i) {
        const auto id = "rtc_" + std::to_string(i);
        const auto claimed = registry.claim("wh_" + std::to_string(i), Dialect::realtime, id,
                                            kCreated + std::chrono::seconds(i));
        ASSERT_EQ(claimed.claim, Claim::first) << id;
        registry.decided(claimed.key);
    }
    EXPECT_EQ(registry.size(), 2U);
    EXPECT_TRUE(registry.is_decided(registry.claim("wh_0", Dialect::realtime, "rtc_0", kCreated).key));
    EXPECT_EQ(registry.claim("wh_0", Dialect::realtime, "rtc_0", kCreated).claim, Claim::forgotten);
    EXPECT_EQ(registry.claim("wh_2", Dialect::realtime, "rtc_2", kCreated + 2s).claim, Claim::forgotten);
    EXPECT_EQ(registry.claim("wh_4", Dialect::realtime, "rtc_4", kCreated + 4s).claim, Claim::decided);
    EXPECT_EQ(registry.claim("wh_5", Dialect::realtime, "rtc_5", kCreated + 5s).claim, Claim::first);
}

TEST(CallRegistry, IsFullWhereEveryCallIsUnderWay) {
    auto registry = small(2);
    const auto first = registry.claim("wh_1", Dialect::realtime, "rtc_1", kCreated);
    EXPECT_EQ(registry.claim("wh_2", Dialect::realtime, "rtc_2", kCreated + 1s).claim, Claim::first);
    EXPECT_EQ(registry.claim("wh_3", Dialect::realtime, "rtc_3", kCreated + 2s).claim, Claim::full);
    // What is refused leaves no trace: the sender's next attempt is a first one.
    registry.decided(first.key);
    EXPECT_EQ(registry.claim("wh_3", Dialect::realtime, "rtc_3", kCreated + 2s).claim, Claim::first);
}

TEST(CallRegistry, IsFullWhereMoreAreUnderWayThanMayBe) {
    CallRegistry registry({.hash_key = "0123456789abcdef", .most = 100, .most_undecided = 2, .shards = 4});
    const auto claim = [&](int number) {
        const auto id = std::to_string(number);
        return registry.claim("wh_" + id, Dialect::realtime, "rtc_" + id, kCreated);
    };
    const auto first = claim(1);
    EXPECT_EQ(claim(2).claim, Claim::first);
    EXPECT_EQ(claim(3).claim, Claim::full);
    EXPECT_EQ(claim(1).claim, Claim::undecided) << "a duplicate takes no place";
    registry.decided(first.key);
    registry.decided(first.key);
    EXPECT_EQ(claim(3).claim, Claim::first);
    EXPECT_EQ(claim(4).claim, Claim::full);
}

TEST(CallRegistry, AllowsNoMoreUnderWayThanItIsToldAndThanItMay) {
    CallRegistry registry({.hash_key = "0123456789abcdef", .most_undecided = 2});
    const auto claim = [&](int number) {
        const auto id = std::to_string(number);
        return registry.claim("wh_" + id, Dialect::realtime, "rtc_" + id, kCreated).claim;
    };
    registry.allow_undecided(1);
    EXPECT_EQ(claim(1), Claim::first);
    EXPECT_EQ(claim(2), Claim::full);
    registry.allow_undecided(1'000);
    EXPECT_EQ(claim(2), Claim::first);
    EXPECT_EQ(claim(3), Claim::full);
}

TEST(CallRegistry, TakesNoCallUpWhileThoseUnderWayTakeTooLong) {
    bool busy = false;
    CallRegistry registry({.hash_key = "0123456789abcdef", .is_busy = [&busy] { return busy; }});
    EXPECT_EQ(registry.claim("wh_1", Dialect::realtime, "rtc_1", kCreated).claim, Claim::first);
    busy = true;
    EXPECT_EQ(registry.claim("wh_1", Dialect::realtime, "rtc_1", kCreated).claim, Claim::undecided);
    EXPECT_EQ(registry.claim("wh_2", Dialect::realtime, "rtc_2", kCreated).claim, Claim::full);
    busy = false;
    EXPECT_EQ(registry.claim("wh_2", Dialect::realtime, "rtc_2", kCreated).claim, Claim::first);
}

TEST(CallRegistry, ForgetsADecidedCallBehindOneUnderWay) {
    auto registry = small(2);
    EXPECT_EQ(registry.claim("wh_1", Dialect::realtime, "rtc_1", kCreated).claim, Claim::first);
    const auto second = registry.claim("wh_2", Dialect::realtime, "rtc_2", kCreated + 1s);
    registry.decided(second.key);
    EXPECT_EQ(registry.claim("wh_3", Dialect::realtime, "rtc_3", kCreated + 2s).claim, Claim::first);
    EXPECT_EQ(registry.claim("wh_1", Dialect::realtime, "rtc_1", kCreated).claim, Claim::undecided);
}

TEST(CallRegistry, TakesEventsWithoutATimeUp) {
    auto registry = small(1);
    for (int i = 0; i < 3; ++i) {
        const auto claimed =
            registry.claim("wh", Dialect::realtime, "rtc_" + std::to_string(i), std::nullopt);
        EXPECT_EQ(claimed.claim, Claim::first);
        registry.decided(claimed.key);
    }
}

TEST(CallRegistry, GivesEachCallToOneThread) {
    CallRegistry registry({.hash_key = "0123456789abcdef"});
    std::atomic<int> firsts{0};
    constexpr int kCalls = 2'000;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < kCalls; ++i) {
                const auto claimed = registry.claim("wh_" + std::to_string(i), Dialect::realtime,
                                                    "rtc_" + std::to_string(i), kCreated);
                if (claimed.claim != Claim::first) continue;
                ++firsts;
                registry.decided(claimed.key);
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(firsts, kCalls);
    EXPECT_EQ(registry.size(), static_cast<std::size_t>(kCalls));
}

}  // namespace
}  // namespace callchain::service
