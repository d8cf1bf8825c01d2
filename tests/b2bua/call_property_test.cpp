// Promises of a call that hold whatever the peers, the network and the clock do.
#include "b2bua/call_life.hpp"

#include <cstdint>
#include <gtest/gtest.h>
#include <random>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <set>

namespace callchain::b2bua {
namespace {

LifeEvent random_event() {
    return {.kind = *rc::gen::elementOf(kLifeEvents),
            .choice = *rc::gen::inRange(0, 64),
            .wait = *rc::gen::elementOf(kLifeWaits)};
}

LifeSettings random_settings() {
    return {.outward = *rc::gen::arbitrary<bool>(),
            .offerless = *rc::gen::inRange(0, 4) == 0,
            .answers_options = *rc::gen::arbitrary<bool>(),
            .start = *rc::gen::inRange(0, 4)};
}

std::vector<LifeEvent> events_of(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    const auto pick = [&random](std::size_t size) { return static_cast<std::size_t>(random() % size); };
    std::vector<LifeEvent> events(pick(40));
    for (auto& event : events)
        event = {.kind = kLifeEvents[pick(kLifeEvents.size())],
                 .choice = static_cast<int>(pick(64)),
                 .wait = kLifeWaits[pick(kLifeWaits.size())]};
    return events;
}

constexpr std::uint64_t kSeeds = 2'000;

RC_GTEST_PROP(CallProperty, KeepsEveryPromise, ()) {
    const auto events = *rc::gen::container<std::vector<LifeEvent>>(rc::gen::exec(random_event));
    CallLife life(random_settings());
    life.run(events);
    RC_ASSERT(life.faults == std::vector<std::string>{});
}

TEST(CallProperty, KeepsEveryPromiseForFixedSeedsAndReachesEveryEnd) {
    std::set<CallEnd> ends;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        CallLife life({.outward = seed % 3 == 0,
                       .offerless = seed % 5 == 0,
                       .answers_options = seed % 7 < 4,
                       .start = static_cast<int>(seed % 4)});
        life.run(events_of(seed));
        ASSERT_EQ(life.faults, std::vector<std::string>{});
        ends.insert(life.record().end);
    }
    // Else the promises above would be about nothing. An offer that cannot work and a fault come before all
    // of these events, and have tests of their own.
    for (const auto end :
         {CallEnd::cancelled, CallEnd::refused, CallEnd::credentials_refused, CallEnd::unreachable,
          CallEnd::no_answer, CallEnd::answer_refused, CallEnd::not_acknowledged, CallEnd::hung_up_by_a,
          CallEnd::hung_up_by_b, CallEnd::too_long, CallEnd::lost, CallEnd::stopped})
        EXPECT_TRUE(ends.contains(end)) << name_of(end);
}

}  // namespace
}  // namespace callchain::b2bua
