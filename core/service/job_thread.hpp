/// A thread for what must not hold up the path of a request: disks, searches, output.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace callchain::service {

/// Runs jobs one behind the other, in the order in which they came. How many may wait is its owner's to say.
class JobThread {
  public:
    JobThread() = default;
    JobThread(const JobThread&) = delete;
    JobThread& operator=(const JobThread&) = delete;
    ~JobThread() { stop(); }

    /// What came before waits for it. Once.
    void start();
    /// Any thread; never blocks. Behind stop(), or where it was never started, the job is not run.
    void add(std::function<void()> job);
    /// That wait, the one that runs left out.
    [[nodiscard]] std::size_t waiting() const;
    /// Runs what waits and joins the thread.
    void stop();

  private:
    void run();

    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::function<void()>> jobs_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace callchain::service
