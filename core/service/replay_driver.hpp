/// Sends many requests to one receiver, so many at once and so many a second, bounded in time.
#pragma once

#include "http/client.hpp"
#include "http/loop.hpp"
#include "service/accept_driver.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>

namespace callchain::service {

struct ReplayShape {
    std::size_t count = 1;                         ///< requests in all
    std::size_t concurrency = 1;                   ///< under way at once, at least 1
    std::optional<double> per_second{};            ///< sent at this rate at most; above 0
    std::chrono::milliseconds most_time{300'000};  ///< no request is begun after that
};

/// Requests are numbered from 0 in the order in which they are sent, and made at that moment, so that each is
/// signed with the time at which it leaves. All functions on the thread of the loop, or before it runs.
class ReplayDriver {
  public:
    using MakeRequest = std::function<http::ClientRequest(std::size_t number)>;
    using OnAnswer = std::function<void(std::size_t number, http::ClientResult)>;
    /// `on_done` is called once, when every request that was begun has been answered.
    ReplayDriver(http::Loop& loop, ApiSender send, ReplayShape shape, MakeRequest make, OnAnswer on_answer,
                 std::function<void()> on_done);
    ReplayDriver(const ReplayDriver&) = delete;
    ReplayDriver& operator=(const ReplayDriver&) = delete;
    /// Answers that are still to come are dropped.
    ~ReplayDriver();

    void start();
    /// Begins no more requests; those under way are waited for.
    void stop();
    [[nodiscard]] std::size_t begun() const;
    [[nodiscard]] bool out_of_time() const;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace callchain::service
