/// Timers as values: which one is due next. Pure; the caller has the clock and drives it with one timer of
/// its loop.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
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
/// Units:  set, stop and pop are O(log n) with n running timers, fewer than 2^32; next_due() is O(1). About
///         80 bytes for each timer of the most that ran at once: a stopped one leaves its place to the next,
///         and an emptied queue gives its memory back.
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
    // Some hundred thousand timers run at once, and what is touched of one is seldom in a cache: so their ids
    // stand in one piece of memory, chained by numbers, and not each in a node of its own.
    using Index = std::uint32_t;
    static constexpr Index kNone = ~Index{0};
    struct Slot {
        std::uint64_t owner = 0;
        std::uint32_t which = 0;
        Index position = 0;  // in heap_
        Index next = kNone;  // of the same bucket; of a slot that is free, the next that is
        [[nodiscard]] TimerId id() const { return {owner, which}; }
    };
    struct Entry {
        SteadyTime due;
        std::uint64_t order = 0;  // of setting, so that equal times keep it
        Index slot = kNone;
    };

    static bool before(const Entry& a, const Entry& b) {
        return a.due != b.due ? a.due < b.due : a.order < b.order;
    }
    [[nodiscard]] std::size_t bucket_of(TimerId id) const;
    [[nodiscard]] Index find(TimerId id) const;
    void add_buckets();
    void take_slot(TimerId id);
    void give_back(Index slot);
    void place(std::size_t position, Entry entry);
    void move_up(std::size_t position);
    void move_down(std::size_t position);
    void remove_at(std::size_t position);
    void release_memory();

    std::vector<Entry> heap_;   // four children to a node: half the levels of a binary one
    std::vector<Slot> slots_;   // of what runs, and free ones
    std::vector<Index> first_;  // of each bucket; none, or a power of two of them
    Index free_ = kNone;        // the first that is
    std::uint64_t next_order_ = 0;
};

}  // namespace callchain::sip
