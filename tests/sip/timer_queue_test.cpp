// The timer queue by example, and against a multimap that does the same slowly.
#include "sip/timer_queue.hpp"

#include "allocated.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <gtest/gtest.h>
#include <map>
#include <optional>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <utility>
#include <vector>

namespace callchain::sip {
namespace {

using namespace std::chrono_literals;

SteadyTime at(std::chrono::milliseconds time) { return SteadyTime{} + time; }

/// Owners of all timers that are due, in order.
std::vector<std::uint64_t> pop_all(TimerQueue& queue, SteadyTime now) {
    std::vector<std::uint64_t> owners;
    while (const auto id = queue.pop_due(now)) owners.push_back(id->owner);
    return owners;
}

TEST(TimerQueue, IsEmptyAtFirst) {
    TimerQueue queue;
    EXPECT_EQ(queue.next_due(), std::nullopt);
    EXPECT_EQ(queue.pop_due(at(1h)), std::nullopt);
    EXPECT_FALSE(queue.stop({1, 0}));
}

TEST(TimerQueue, GivesWhatIsDueInTheOrderOfTime) {
    TimerQueue queue;
    queue.set({3, 0}, at(30ms));
    queue.set({1, 0}, at(10ms));
    queue.set({2, 0}, at(20ms));
    queue.set({4, 0}, at(40ms));
    EXPECT_EQ(queue.next_due(), at(10ms));
    EXPECT_EQ(pop_all(queue, at(30ms)), (std::vector<std::uint64_t>{1, 2, 3}));
    EXPECT_EQ(queue.next_due(), at(40ms));
    EXPECT_EQ(queue.size(), 1U);
}

TEST(TimerQueue, KeepsTheOrderOfSettingForEqualTimes) {
    TimerQueue queue;
    for (std::uint64_t owner = 1; owner <= 20; ++owner) queue.set({owner, 0}, at(10ms));
    std::vector<std::uint64_t> want;
    for (std::uint64_t owner = 1; owner <= 20; ++owner) want.push_back(owner);
    EXPECT_EQ(pop_all(queue, at(10ms)), want);
}

TEST(TimerQueue, MovesATimerThatIsSetAgain) {
    TimerQueue queue;
    queue.set({1, 0}, at(10ms));
    queue.set({2, 0}, at(20ms));
    queue.set({1, 0}, at(30ms));
    EXPECT_EQ(queue.size(), 2U);
    EXPECT_EQ(pop_all(queue, at(20ms)), (std::vector<std::uint64_t>{2}));
    queue.set({1, 0}, at(5ms));
    EXPECT_EQ(queue.next_due(), at(5ms));
}

TEST(TimerQueue, TellsTheTimersOfOneOwnerApart) {
    TimerQueue queue;
    queue.set({1, 0}, at(10ms));
    queue.set({1, 1}, at(20ms));
    EXPECT_TRUE(queue.stop({1, 0}));
    EXPECT_FALSE(queue.stop({1, 0}));
    EXPECT_EQ(queue.next_due(), at(20ms));
    const auto due = queue.pop_due(at(20ms));
    EXPECT_EQ(due, (TimerId{1, 1}));
}

TEST(TimerQueue, GivesATimeThatHasPassedAtOnce) {
    TimerQueue queue;
    queue.set({1, 0}, at(-1ms));
    EXPECT_EQ(pop_all(queue, at(0ms)), (std::vector<std::uint64_t>{1}));
}

TEST(TimerQueue, StaysRightWhenItHasGivenItsMemoryBack) {
    TimerQueue queue;
    const auto before = allocated();
    for (int round = 0; round < 3; ++round) {
        for (std::uint64_t owner = 0; owner < 5'000; ++owner) queue.set({owner, 0}, at(1ms * (owner % 97)));
        for (std::uint64_t owner = 0; owner < 5'000; owner += 2) EXPECT_TRUE(queue.stop({owner, 0}));
        EXPECT_EQ(pop_all(queue, at(1s)).size(), 2'500U);
        EXPECT_EQ(queue.size(), 0U);
        EXPECT_LT(allocated(), before + 10'000);
    }
}

// More than the property has at once: each thousand meets the buckets of the one before.
TEST(TimerQueue, FindsEachOfThousandsWhoseOwnersHaveGaps) {
    for (const std::uint64_t gap : {1U, 8U, 63U, 64U}) {
        SCOPED_TRACE(gap);
        TimerQueue queue;
        std::vector<TimerId> ids;
        for (std::uint64_t n = 0; n < 3'000; ++n) {
            for (const auto kind : {std::uint64_t{0}, std::uint64_t{1} << 62U, std::uint64_t{1} << 63U})
                ids.push_back({kind | n * gap, static_cast<std::uint32_t>(n % 5)});
        }
        for (const auto& id : ids) queue.set(id, at(1ms * (id.owner % 977)));
        for (const auto& id : ids) queue.set(id, at(1ms * (id.owner % 89)));
        EXPECT_EQ(queue.size(), ids.size());
        const auto stopped = ids.begin() + static_cast<std::ptrdiff_t>(ids.size() / 2);
        EXPECT_TRUE(std::all_of(ids.begin(), stopped, [&](const auto& id) { return queue.stop(id); }));
        EXPECT_TRUE(std::none_of(ids.begin(), stopped, [&](const auto& id) { return queue.stop(id); }));
        EXPECT_EQ(pop_all(queue, at(1s)).size(), ids.size() - ids.size() / 2);
    }
}

TEST(TimerQueue, GivesThePlaceOfAStoppedTimerToTheNext) {
    TimerQueue queue;
    queue.set({0, 0}, at(1h));  // never empty, so that it gives nothing back
    const auto before = allocated();
    for (std::uint64_t owner = 1; owner <= 100'000; ++owner) {
        queue.set({owner, 0}, at(1s));
        queue.set({owner, 1}, at(0ms));
        EXPECT_TRUE(queue.stop({owner, 0}));
        EXPECT_TRUE(queue.pop_due(at(0ms)).has_value());
    }
    EXPECT_LT(allocated(), before + 10'000);
}

/// The same with a sorted map: what the queue must be equal to.
class SlowQueue {
  public:
    void set(TimerId id, SteadyTime due) {
        stop(id);
        timers_.emplace(due, id);
    }
    bool stop(TimerId id) {
        for (auto one = timers_.begin(); one != timers_.end(); ++one) {
            if (one->second != id) continue;
            timers_.erase(one);
            return true;
        }
        return false;
    }
    std::optional<TimerId> pop_due(SteadyTime now) {
        if (timers_.empty() || timers_.begin()->first > now) return std::nullopt;
        const auto id = timers_.begin()->second;
        timers_.erase(timers_.begin());
        return id;
    }
    [[nodiscard]] std::optional<SteadyTime> next_due() const {
        if (timers_.empty()) return std::nullopt;
        return timers_.begin()->first;
    }
    [[nodiscard]] std::size_t size() const { return timers_.size(); }

  private:
    std::multimap<SteadyTime, TimerId> timers_;  // equal keys keep the order of insertion
};

RC_GTEST_PROP(TimerQueueProperty, DoesWhatASortedMapDoes, ()) {
    TimerQueue queue;
    SlowQueue slow;
    auto now = at(0ms);
    const auto steps = *rc::gen::inRange(0, 800);
    for (int step = 0; step < steps; ++step) {
        const auto kind =
            *rc::gen::element<std::uint64_t>(0, std::uint64_t{1} << 62U, std::uint64_t{1} << 63U);
        const TimerId id{kind | *rc::gen::inRange<std::uint64_t>(0, 40),
                         *rc::gen::inRange<std::uint32_t>(0, 4)};
        switch (*rc::gen::weightedElement<int>({{5, 0}, {3, 1}, {2, 2}})) {
            case 0: {
                const auto due = now + std::chrono::milliseconds(*rc::gen::inRange(-5, 60));
                queue.set(id, due);
                slow.set(id, due);
                break;
            }
            case 1:
                RC_ASSERT(queue.stop(id) == slow.stop(id));
                break;
            default:
                now += std::chrono::milliseconds(*rc::gen::inRange(0, 20));
                for (bool more = true; more;) {
                    const auto got = queue.pop_due(now);
                    RC_ASSERT(got == slow.pop_due(now));
                    more = got.has_value();
                }
        }
        RC_ASSERT(queue.size() == slow.size());
        RC_ASSERT(queue.next_due() == slow.next_due());
    }
}

}  // namespace
}  // namespace callchain::sip
