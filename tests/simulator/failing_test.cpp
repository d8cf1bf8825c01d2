#include "simulator/failing.hpp"

#include <algorithm>
#include <gtest/gtest.h>

namespace callchain::simulator {
namespace {

TEST(FailsNow, AsManyOfAHundredAsItIsToldAndEvenlySpread) {
    for (const int percent : {0, 1, 10, 33, 34, 50, 51, 60, 99, 100}) {
        SCOPED_TRACE(percent);
        int failed = 0;
        int longest_run = 0;
        int run = 0;
        for (std::uint64_t number = 1; number <= 100; ++number) {
            const bool fails = fails_now(percent, number);
            failed += fails ? 1 : 0;
            run = fails ? run + 1 : 0;
            longest_run = std::max(longest_run, run);
        }
        EXPECT_EQ(failed, percent);
        EXPECT_LE(longest_run, percent <= 50 ? 1 : percent);
    }
}

TEST(FailsNow, TakesNoMoreThanAll) {
    EXPECT_FALSE(fails_now(-5, 1));
    EXPECT_TRUE(fails_now(250, 1));
}

}  // namespace
}  // namespace callchain::simulator
