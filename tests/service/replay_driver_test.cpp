#include "service/replay_driver.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>

using namespace callchain;
using namespace callchain::service;
using namespace std::chrono_literals;

namespace {

// Answers each request from the loop, `delay` later, and counts how many are under way at once.
class Receiver {
  public:
    Receiver(http::Loop& loop, std::chrono::milliseconds delay) : loop_(loop), delay_(delay) {}
    [[nodiscard]] ApiSender sender() {
        return [this](http::ClientRequest request, std::function<void(http::ClientResult)> done) {
            urls.push_back(std::move(request.url));
            most_at_once = std::max(most_at_once, ++now_);
            timers_.push_back(loop_.after(delay_, [this, done = std::move(done)] {
                --now_;
                http::ClientResponse response;
                response.status = 200;
                done(std::move(response));
            }));
        };
    }
    std::vector<std::string> urls;
    std::size_t most_at_once = 0;

  private:
    http::Loop& loop_;
    std::chrono::milliseconds delay_;
    std::vector<http::Timer> timers_;
    std::size_t now_ = 0;
};

struct Run {
    std::set<std::size_t> answered;
    int done = 0;
    bool out_of_time = false;
    std::size_t begun = 0;
};

http::ClientRequest request_number(std::size_t number) {
    http::ClientRequest request;
    request.url = std::to_string(number);
    return request;
}

Run run(http::Loop& loop, Receiver& receiver, ReplayShape shape,
        std::optional<std::size_t> stop_behind = {}) {
    Run result;
    std::unique_ptr<ReplayDriver> driver;
    driver = std::make_unique<ReplayDriver>(
        loop, receiver.sender(), shape, request_number,
        [&](std::size_t number, const http::ClientResult&) {
            EXPECT_TRUE(result.answered.insert(number).second) << number << " twice";
            if (stop_behind && result.answered.size() == *stop_behind) driver->stop();
        },
        [&] {
            ++result.done;
            loop.stop();
        });
    auto guard = loop.after(30s, [&] { loop.stop(); });
    driver->start();
    loop.run();
    result.out_of_time = driver->out_of_time();
    result.begun = driver->begun();
    return result;
}

TEST(ReplayDriver, SendsEachNumberOnceInOrder) {
    http::Loop loop;
    Receiver receiver(loop, 0ms);
    const auto got = run(loop, receiver, {5, 1, {}, 30s});
    EXPECT_EQ(receiver.urls, (std::vector<std::string>{"0", "1", "2", "3", "4"}));
    EXPECT_EQ(got.answered.size(), 5U);
    EXPECT_EQ(got.done, 1);
    EXPECT_FALSE(got.out_of_time);
    EXPECT_EQ(receiver.most_at_once, 1U);
}

TEST(ReplayDriver, HasAsManyUnderWayAsItMay) {
    http::Loop loop;
    Receiver receiver(loop, 5ms);
    const auto got = run(loop, receiver, {40, 8, {}, 30s});
    EXPECT_EQ(got.answered.size(), 40U);
    EXPECT_EQ(receiver.most_at_once, 8U);
}

TEST(ReplayDriver, NeverSendsFasterThanItMay) {
    http::Loop loop;
    Receiver receiver(loop, 0ms);
    const auto before = std::chrono::steady_clock::now();
    const auto got = run(loop, receiver, {11, 8, 100.0, 30s});
    EXPECT_EQ(got.answered.size(), 11U);
    // Ten intervals of 10 ms, less what may be made up for behind a late timer.
    EXPECT_GE(std::chrono::steady_clock::now() - before, 75ms);
}

TEST(ReplayDriver, BeginsNoneWhenTheTimeIsUp) {
    http::Loop loop;
    Receiver receiver(loop, 20ms);
    const auto got = run(loop, receiver, {100'000, 2, {}, 50ms});
    EXPECT_TRUE(got.out_of_time);
    EXPECT_EQ(got.done, 1);
    EXPECT_LT(got.begun, 100U);
    EXPECT_EQ(got.answered.size(), got.begun) << "those under way are waited for";
}

TEST(ReplayDriver, DoesNotWaitForTheRateWhenTheTimeIsUp) {
    http::Loop loop;
    Receiver receiver(loop, 0ms);
    const auto before = std::chrono::steady_clock::now();
    const auto got = run(loop, receiver, {3, 1, 0.05, 50ms});
    EXPECT_TRUE(got.out_of_time);
    EXPECT_EQ(got.begun, 1U);
    EXPECT_LT(std::chrono::steady_clock::now() - before, 10s) << "the next one was due in 20 s";
}

TEST(ReplayDriver, StopsWhenToldToAndWaitsForWhatIsUnderWay) {
    http::Loop loop;
    Receiver receiver(loop, 5ms);
    const auto got = run(loop, receiver, {1'000, 4, {}, 30s}, 10);
    EXPECT_EQ(got.done, 1);
    EXPECT_LE(got.begun, 14U);
    EXPECT_EQ(got.answered.size(), got.begun);
    EXPECT_FALSE(got.out_of_time);
}

TEST(ReplayDriver, IsDoneAtOnceWithNothingToSend) {
    http::Loop loop;
    Receiver receiver(loop, 0ms);
    const auto got = run(loop, receiver, {0, 1, {}, 30s});
    EXPECT_EQ(got.done, 1);
    EXPECT_TRUE(receiver.urls.empty());
}

TEST(ReplayDriver, DropsAnswersThatComeWhenItHasGone) {
    http::Loop loop;
    Receiver receiver(loop, 1ms);
    auto driver = std::make_unique<ReplayDriver>(
        loop, receiver.sender(), ReplayShape{10, 10, {}, 30s}, request_number,
        [](std::size_t, const http::ClientResult&) { ADD_FAILURE() << "an answer for nobody"; },
        [] { ADD_FAILURE() << "the end of a run that was given up"; });
    driver->start();
    auto give_up = loop.after(0ms, [&] { driver.reset(); });
    auto guard = loop.after(30ms, [&] { loop.stop(); });
    loop.run();
    EXPECT_EQ(driver, nullptr);
}

}  // namespace
