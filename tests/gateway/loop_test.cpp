#include "gateway/loop.hpp"

#include <csignal>
#include <gtest/gtest.h>
#include <thread>

namespace callchain::gateway {
namespace {

using namespace std::chrono_literals;

TEST(Loop, CallsTimersInOrderEachOnceAndStoppedOnesNever) {
    Loop loop;
    std::vector<std::uint64_t> order;
    loop.on_timer([&](sip::TimerId id) {
        order.push_back(id.owner);
        if (id.owner == 3) loop.stop();
    });
    const auto now = Loop::now();
    loop.set_timer({3, 0}, now + 6ms);
    loop.set_timer({1, 0}, now + 50s);
    loop.set_timer({2, 0}, now + 4ms);
    loop.set_timer({9, 0}, now + 1ms);
    loop.set_timer({1, 0}, now + 2ms);
    loop.stop_timer({9, 0});
    EXPECT_EQ(loop.timers(), 3U);
    loop.run();
    EXPECT_EQ(order, (std::vector<std::uint64_t>{1, 2, 3}));
    EXPECT_EQ(loop.timers(), 0U);
}

TEST(Loop, LetsATimerSetItselfAgain) {
    Loop loop;
    int calls = 0;
    loop.on_timer([&](sip::TimerId id) {
        if (++calls == 5) return loop.stop();
        loop.set_timer(id, Loop::now());
    });
    loop.set_timer({1, 2}, Loop::now() - 1s);
    loop.run();
    EXPECT_EQ(calls, 5);
}

TEST(Loop, TakesWorkFromOtherThreadsAndStopsFromThem) {
    Loop loop;
    int sum = 0;
    std::thread other([&] {
        for (int i = 0; i < 1'000; ++i) loop.post([&] { ++sum; });
        loop.post([&] { loop.stop(); });
    });
    loop.run();
    other.join();
    EXPECT_EQ(sum, 1'000);
    std::thread stopper([&] { loop.stop(); });
    loop.run();
    stopper.join();
}

TEST(Loop, HearsSignalsAgainAndAgain) {
    Loop loop;
    std::vector<int> heard;
    loop.on_signals({SIGHUP, SIGUSR1}, [&](int signal) {
        heard.push_back(signal);
        if (heard.size() == 3) return loop.stop();
        std::raise(SIGUSR1);
    });
    std::raise(SIGHUP);
    loop.run();
    EXPECT_EQ(heard, (std::vector<int>{SIGHUP, SIGUSR1, SIGUSR1}));
}

}  // namespace
}  // namespace callchain::gateway
