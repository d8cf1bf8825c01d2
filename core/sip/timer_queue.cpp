#include "sip/timer_queue.hpp"

#include <algorithm>

namespace callchain::sip {
namespace {

constexpr std::size_t kChildren = 4;
// What an empty queue may keep, so that a quiet gateway does not allocate for every call.
constexpr std::size_t kKeptCapacity = 1'024;

}  // namespace

void TimerQueue::set(TimerId id, SteadyTime due) {
    const auto [found, is_new] = places_.try_emplace(id, 0);
    const auto order = next_order_++;
    if (is_new) {
        heap_.push_back({due, order, &*found});
        found->second = static_cast<std::uint32_t>(heap_.size() - 1);
        move_up(heap_.size() - 1);
        return;
    }
    const std::size_t position = found->second;
    heap_[position].due = due;
    heap_[position].order = order;
    move_up(position);
    move_down(found->second);
}

bool TimerQueue::stop(TimerId id) {
    const auto found = places_.find(id);
    if (found == places_.end()) return false;
    remove_at(found->second);
    return true;
}

std::optional<TimerId> TimerQueue::pop_due(SteadyTime now) {
    if (heap_.empty() || heap_.front().due > now) return std::nullopt;
    const auto id = heap_.front().place->first;
    remove_at(0);
    return id;
}

std::optional<SteadyTime> TimerQueue::next_due() const {
    if (heap_.empty()) return std::nullopt;
    return heap_.front().due;
}

void TimerQueue::place(std::size_t position, Entry entry) {
    heap_[position] = entry;
    entry.place->second = static_cast<std::uint32_t>(position);
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
    const auto id = heap_[position].place->first;  // a copy: it is in what is erased
    places_.erase(id);
    const auto last = heap_.back();
    heap_.pop_back();
    if (position < heap_.size()) {
        place(position, last);
        move_up(position);
        move_down(last.place->second);
    }
    if (heap_.empty()) release_memory();
}

void TimerQueue::release_memory() {
    if (heap_.capacity() <= kKeptCapacity) return;
    *this = TimerQueue{};
}

}  // namespace callchain::sip
