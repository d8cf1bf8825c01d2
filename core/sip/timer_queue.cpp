#include "sip/timer_queue.hpp"

#include <algorithm>

namespace callchain::sip {
namespace {

constexpr std::size_t kChildren = 4;
// What an empty queue may keep, so that a quiet gateway does not allocate for every call.
constexpr std::size_t kKeptCapacity = 1'024;

}  // namespace

void TimerQueue::set(TimerId id, SteadyTime due) {
    const auto [found, is_new] = slot_of_.try_emplace(id, 0);
    const auto order = next_order_++;
    if (is_new) {
        found->second = new_slot(id);
        heap_.push_back({due, order, found->second});
        slots_[found->second].position = static_cast<std::uint32_t>(heap_.size() - 1);
        move_up(heap_.size() - 1);
        return;
    }
    const std::size_t position = slots_[found->second].position;
    heap_[position].due = due;
    heap_[position].order = order;
    move_up(position);
    move_down(slots_[found->second].position);
}

bool TimerQueue::stop(TimerId id) {
    const auto found = slot_of_.find(id);
    if (found == slot_of_.end()) return false;
    remove_at(slots_[found->second].position);
    return true;
}

std::optional<TimerId> TimerQueue::pop_due(SteadyTime now) {
    if (heap_.empty() || heap_.front().due > now) return std::nullopt;
    const auto id = slots_[heap_.front().slot].id;
    remove_at(0);
    return id;
}

std::optional<SteadyTime> TimerQueue::next_due() const {
    if (heap_.empty()) return std::nullopt;
    return heap_.front().due;
}

void TimerQueue::place(std::size_t position, Entry entry) {
    heap_[position] = entry;
    slots_[entry.slot].position = static_cast<std::uint32_t>(position);
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
    const auto slot = heap_[position].slot;
    slot_of_.erase(slots_[slot].id);
    free_slots_.push_back(slot);
    const auto last = heap_.back();
    heap_.pop_back();
    if (position < heap_.size()) {
        place(position, last);
        move_up(position);
        move_down(slots_[last.slot].position);
    }
    if (heap_.empty()) release_memory();
}

std::uint32_t TimerQueue::new_slot(TimerId id) {
    if (free_slots_.empty()) {
        slots_.push_back({id, 0});
        return static_cast<std::uint32_t>(slots_.size() - 1);
    }
    const auto slot = free_slots_.back();
    free_slots_.pop_back();
    slots_[slot] = {id, 0};
    return slot;
}

void TimerQueue::release_memory() {
    if (slots_.capacity() <= kKeptCapacity) return;
    *this = TimerQueue{};
}

}  // namespace callchain::sip
