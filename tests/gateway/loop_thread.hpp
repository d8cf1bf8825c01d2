/// A loop that runs on a thread of its own for the length of a test.
#pragma once

#include "gateway/loop.hpp"

#include <future>
#include <thread>
#include <type_traits>
#include <utility>

namespace callchain::gateway {

class LoopThread {
  public:
    LoopThread() : thread_([this] { loop_.run(); }) {}
    LoopThread(const LoopThread&) = delete;
    LoopThread& operator=(const LoopThread&) = delete;
    ~LoopThread() {
        loop_.stop();
        thread_.join();
    }

    [[nodiscard]] Loop& loop() { return loop_; }
    /// Runs `work` on the loop's thread and waits for it.
    template <class Work>
    auto in_loop(Work work) -> std::invoke_result_t<Work> {
        std::packaged_task<std::invoke_result_t<Work>()> task(std::move(work));
        auto result = task.get_future();
        loop_.post([&task] { task(); });
        return result.get();
    }

  private:
    Loop loop_;
    std::thread thread_;
};

}  // namespace callchain::gateway
