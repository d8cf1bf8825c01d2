/// Timers as values: which one is due next. Pure; the caller has the clock and drives it with one timer of
/// its loop.
#pragma once

#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

namespace callchain::sip {

/// A moment of a clock that never goes back; only differences mean something.
using SteadyTime = std::chrono::steady_clock::time_point;

/// One timer: `owner` is the number of a transaction or call, `which` tells apart the timers of one owner.
struct TimerId {
    std::uint64_t owner = 0;
    std::uint32_t which = 0;
    friend bool operator==(const TimerId&, const TimerId&) = default;
};

/// Running timers in the order of their due times; of equal times in the order in which they were set.
/// Units:  set, stop and pop are O(log n) with n running timers; next_due() is O(1). About 90 bytes for each
///         running timer; a stopped one leaves nothing behind, and an emptied queue gives its memory back.
/// Not for two threads at a time.
class TimerQueue {
  public:
    /// Starts a timer, or moves the one of that id. A time that has passed is due at once.
    void set(TimerId id, SteadyTime due);
    /// False: no such timer runs, which is no fault.
    bool stop(TimerId id);
    /// Takes out the next timer that is due at `now`; nullopt: none is.
    [[nodiscard]] std::optional<TimerId> pop_due(SteadyTime now);
    [[nodiscard]] std::optional<SteadyTime> next_due() const;
    [[nodiscard]] std::size_t size() const { return heap_.size(); }

  private:
    struct Hash {
        std::size_t operator()(const TimerId& id) const {
            // Owners are numbered one after the other: neighbours in time become neighbours in memory. Their
            // highest bits may tell kinds of owners apart.
            return static_cast<std::size_t>(std::rotl(id.owner, 4) + id.which);
        }
    };
    // Where the timer of that id stands in heap_. The map does not move what it holds.
    using Places = std::unordered_map<TimerId, std::uint32_t, Hash>;
    struct Entry {
        SteadyTime due;
        std::uint64_t order = 0;  // of setting, so that equal times keep it
        Places::value_type* place = nullptr;
    };

    static bool before(const Entry& a, const Entry& b) {
        return a.due != b.due ? a.due < b.due : a.order < b.order;
    }
    void place(std::size_t position, Entry entry);
    void move_up(std::size_t position);
    void move_down(std::size_t position);
    void remove_at(std::size_t position);
    void release_memory();

    std::vector<Entry> heap_;  // four children to a node: half the levels of a binary one
    Places places_;
    std::uint64_t next_order_ = 0;
};

}  // namespace callchain::sip
