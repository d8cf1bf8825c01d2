#include "service/call_journal.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace callchain::service {
namespace {

constexpr std::size_t kSidDigits = 32;

bool is_hex(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return is_ascii_digit(c) || (c >= 'a' && c <= 'f'); });
}

}  // namespace

bool is_call_sid(std::string_view text) {
    return text.size() == 2 + kSidDigits && text.starts_with("CA") && is_hex(ascii_lower(text.substr(2)));
}

void CallJournal::forget_call_sid(Calls::iterator entry, const std::string& call_sid) {
    if (const auto found = by_call_sid_.find(call_sid); found != by_call_sid_.end() && found->second == entry)
        by_call_sid_.erase(found);
}

void CallJournal::add_call_sid(Calls::iterator entry, const std::string& call_sid) {
    if (!by_call_sid_.try_emplace(call_sid, entry).second) return;
    if (entry->links.call_sid.empty()) {
        entry->links.call_sid = call_sid;
        return;
    }
    // One more, not any number: each has to go when the entry does.
    forget_call_sid(entry, entry->other_sid);
    entry->other_sid = call_sid;
}

CallJournal::Calls::iterator CallJournal::entry_of(const std::string& callchain_id) {
    if (const auto found = by_id_.find(callchain_id); found != by_id_.end()) return found->second;
    if (calls_.size() >= most_) {
        const auto oldest = calls_.begin();
        by_id_.erase(oldest->links.callchain_id);
        forget_call_sid(oldest, oldest->links.call_sid);
        forget_call_sid(oldest, oldest->other_sid);
        calls_.erase(oldest);
    }
    const auto entry = calls_.insert(calls_.end(), Entry{.links = {.callchain_id = callchain_id}});
    by_id_[callchain_id] = entry;
    return entry;
}

std::string CallJournal::id_of_call_sid(const std::string& call_sid, const std::string& fresh) {
    const std::lock_guard lock(mutex_);
    if (const auto found = by_call_sid_.find(call_sid); found != by_call_sid_.end())
        return found->second->links.callchain_id;
    add_call_sid(entry_of(fresh), call_sid);
    return fresh;
}

void CallJournal::link(const CallLinks& links) {
    const std::lock_guard lock(mutex_);
    const auto entry = entry_of(links.callchain_id);
    if (!links.call_id.empty()) entry->links.call_id = links.call_id;
    if (!links.call_sid.empty()) add_call_sid(entry, links.call_sid);
}

CallLinks CallJournal::find_call_sid(const std::string& call_sid) const {
    const std::lock_guard lock(mutex_);
    const auto found = by_call_sid_.find(call_sid);
    return found == by_call_sid_.end() ? CallLinks{} : found->second->links;
}

std::size_t CallJournal::size() const {
    const std::lock_guard lock(mutex_);
    return calls_.size();
}

}  // namespace callchain::service
