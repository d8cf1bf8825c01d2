#include "observe/crash.hpp"

#include <csignal>
#include <cstdlib>
#include <gtest/gtest.h>
#include <stdexcept>
#include <sys/resource.h>
#include <thread>

namespace callchain::observe {
namespace {

[[noreturn]] void throw_in_a_thread() {
    say_only_the_type_of_exceptions();
    std::thread([] { throw std::runtime_error("Planted-Password-7531"); }).join();
    std::exit(0);
}

// All that is said has to match: the text of the exception is nowhere in it.
TEST(SayOnlyTheTypeOfExceptions, KeepsTheirTextAndEndsByAbort) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(throw_in_a_thread(), testing::KilledBySignal(SIGABRT),
                "^callchain: a fault of callchain itself: [a-z ]*, of type [A-Za-z0-9]*runtime_error\nhint: "
                "[^\n]*\n$");
}

TEST(LeaveNoCoreDump, LowersTheSoftLimitAndKeepsTheHardOne) {
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_CORE, &before), 0);
    rlimit allowed = before;
    allowed.rlim_cur = before.rlim_max;
    ASSERT_EQ(::setrlimit(RLIMIT_CORE, &allowed), 0);

    leave_no_core_dump();
    rlimit after{};
    ASSERT_EQ(::getrlimit(RLIMIT_CORE, &after), 0);
    // A sanitizer may have taken the hard limit away before.
    EXPECT_EQ(after.rlim_cur, before.rlim_max == 0 ? 0U : 1U);
    EXPECT_EQ(after.rlim_max, before.rlim_max);
    ::setrlimit(RLIMIT_CORE, &before);
}

}  // namespace
}  // namespace callchain::observe
