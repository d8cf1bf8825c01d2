#include "sip/timer_queue.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace callchain::sip {
namespace {

constexpr std::size_t kChildren = 4;
// What an empty queue may keep, so that a quiet gateway does not allocate for every call.
constexpr std::size_t kKeptCapacity = 1'024;

}  // namespace

void TimerQueue::set(TimerId id, SteadyTime due) {
    const auto order = next_order_++;
    if (const auto slot = find(id); slot != kNone) {
        const std::size_t position = slots_[slot].position;
        heap_[position].due = due;
        heap_[position].order = order;
        move_up(position);
        move_down(slots_[slot].position);
        return;
    }
    if (heap_.size() == first_.size()) add_buckets();
    if (free_ == kNone) {
        slots_.emplace_back();
        free_ = static_cast<Index>(slots_.size() - 1);
    }
    heap_.push_back({due, order, free_});
    take_slot(id);  // last: what is above may find no memory
    move_up(heap_.size() - 1);
}

bool TimerQueue::stop(TimerId id) {
    const auto slot = find(id);
    if (slot == kNone) return false;
    remove_at(slots_[slot].position);
    return true;
}

std::optional<TimerId> TimerQueue::pop_due(SteadyTime now) {
    if (heap_.empty() || heap_.front().due > now) return std::nullopt;
    const auto id = slots_[heap_.front().slot].id();
    remove_at(0);
    return id;
}

std::optional<SteadyTime> TimerQueue::next_due() const {
    if (heap_.empty()) return std::nullopt;
    return heap_.front().due;
}

/// Owners are numbered one after the other: neighbours in time become neighbours in memory. Their highest
/// bits may tell kinds of owners apart. The second term moves each round through the buckets, so that owners
/// of whom every eighth has a timer do not meet in an eighth of them.
std::size_t TimerQueue::bucket_of(TimerId id) const {
    const auto number = std::rotl(id.owner, 2) + id.which;
    return static_cast<std::size_t>(number + (number >> std::countr_zero(first_.size()))) &
           (first_.size() - 1);
}

TimerQueue::Index TimerQueue::find(TimerId id) const {
    if (first_.empty()) return kNone;
    auto slot = first_[bucket_of(id)];
    while (slot != kNone && slots_[slot].id() != id) slot = slots_[slot].next;
    return slot;
}

/// At least one for each timer, so that a bucket has one or two.
void TimerQueue::add_buckets() {
    constexpr std::size_t kFewest = 64;
    first_.assign(std::max(kFewest, 2 * first_.size()), kNone);
    for (const auto& entry : heap_) {
        auto& slot = slots_[entry.slot];
        auto& first = first_[bucket_of(slot.id())];
        slot.next = first;
        first = entry.slot;
    }
}

/// The first free one, for the timer at the end of heap_.
void TimerQueue::take_slot(TimerId id) {
    const auto slot = std::exchange(free_, slots_[free_].next);
    auto& first = first_[bucket_of(id)];
    slots_[slot] = {id.owner, id.which, static_cast<Index>(heap_.size() - 1), std::exchange(first, slot)};
}

void TimerQueue::give_back(Index slot) {
    auto* link = &first_[bucket_of(slots_[slot].id())];
    while (*link != slot) link = &slots_[*link].next;
    *link = slots_[slot].next;
    slots_[slot].next = std::exchange(free_, slot);
}

void TimerQueue::place(std::size_t position, Entry entry) {
    heap_[position] = entry;
    slots_[entry.slot].position = static_cast<Index>(position);
}

void TimerQueue::move_up(std::size_t position) {
    const auto entry = heap_[position];
    while (position > 0) {
        const auto parent = (position - 1) / kChildren;
        if (!before(entry, heap_[parent])) break;
        place(position, heap_[parent]);
        position = parent;
    }
    place(position, entry);
}

void TimerQueue::move_down(std::size_t position) {
    const auto entry = heap_[position];
    while (true) {
        const auto first = position * kChildren + 1;
        if (first >= heap_.size()) break;
        auto least = first;
        const auto end = std::min(first + kChildren, heap_.size());
        for (auto child = first + 1; child < end; ++child) {
            if (before(heap_[child], heap_[least])) least = child;
        }
        if (!before(heap_[least], entry)) break;
        place(position, heap_[least]);
        position = least;
    }
    place(position, entry);
}

void TimerQueue::remove_at(std::size_t position) {
    give_back(heap_[position].slot);
    const auto last = heap_.back();
    heap_.pop_back();
    if (position < heap_.size()) {
        place(position, last);
        move_up(position);
        move_down(slots_[last.slot].position);
    }
    if (heap_.empty()) release_memory();
}

void TimerQueue::release_memory() {
    if (heap_.capacity() <= kKeptCapacity) return;
    *this = TimerQueue{};
}

}  // namespace callchain::sip
