/// Whole lines into a descriptor whose reader may be slow, or gone.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <limits>
#include <string_view>

namespace callchain::observe {

/// Borrows the descriptor and changes nothing about it: other processes may share it. One thread writes, any
/// thread may set the time to give up. SIGPIPE must be blocked in the thread that writes.
class LineWriter {
  public:
    explicit LineWriter(int descriptor);

    /// Writes `lines`, each with its line end, and waits for room as long as it takes or until the time to
    /// give up. Where not all of it went out, and a line was cut, the next one starts on a line of its own.
    /// Units: bytes that went out.
    [[nodiscard]] std::size_t write(std::string_view lines);
    void give_up_at(std::chrono::steady_clock::time_point time);

  private:
    using Clock = std::chrono::steady_clock;
    [[nodiscard]] std::size_t write_bytes(std::string_view bytes);
    [[nodiscard]] bool wait_for_room() const;

    int descriptor_;
    bool never_waits_ = false;
    bool torn_ = false;
    std::atomic<Clock::rep> give_up_at_{std::numeric_limits<Clock::rep>::max()};
};

}  // namespace callchain::observe
