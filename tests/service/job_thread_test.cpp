#include "service/job_thread.hpp"

#include <future>
#include <gtest/gtest.h>
#include <vector>

namespace callchain::service {
namespace {

TEST(JobThread, RunsInOrderAndEndsWithWhatWaits) {
    std::vector<int> done;
    JobThread jobs;
    for (int i = 0; i < 3; ++i) jobs.add([&done, i] { done.push_back(i); });
    EXPECT_EQ(jobs.waiting(), 3U);
    EXPECT_TRUE(done.empty()) << "what comes before start() waits for it";
    jobs.start();
    for (int i = 3; i < 1'000; ++i) jobs.add([&done, i] { done.push_back(i); });
    jobs.stop();
    ASSERT_EQ(done.size(), 1'000U);
    for (int i = 0; i < 1'000; ++i) ASSERT_EQ(done[static_cast<std::size_t>(i)], i);
    EXPECT_EQ(jobs.waiting(), 0U);
}

TEST(JobThread, DoesNotHoldUpWhoeverAdds) {
    std::promise<void> open;
    std::promise<void> entered;
    JobThread jobs;
    jobs.start();
    jobs.add([&] {
        entered.set_value();
        open.get_future().wait();
    });
    entered.get_future().wait();
    bool second = false;
    jobs.add([&second] { second = true; });
    EXPECT_EQ(jobs.waiting(), 1U) << "the one that runs is left out";
    open.set_value();
    jobs.stop();
    EXPECT_TRUE(second);
}

TEST(JobThread, RunsNothingWhereItWasNotStarted) {
    bool ran = false;
    {
        JobThread jobs;
        jobs.add([&ran] { ran = true; });
    }
    EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace callchain::service
