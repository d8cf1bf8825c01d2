#include "service/call_registry.hpp"

#include "crypto/hash.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace callchain::service {
namespace {

// Calls under way that are looked past for one that may be forgotten: an accept is decided within ten
// seconds, so the oldest almost always is.
constexpr int kMostPassedOver = 16;

}  // namespace

CallRegistry::CallRegistry(Options options)
    : options_(std::move(options)), allowed_undecided_(options_.most_undecided) {
    const auto count = std::max<std::size_t>(1, std::min(options_.shards, options_.most));
    for (std::size_t i = 0; i < count; ++i) shards_.push_back(std::make_unique<Shard>());
    most_per_shard_ = std::max<std::size_t>(1, options_.most / count);
}

CallKey CallRegistry::key_of(std::string_view kind, std::string_view id) const {
    const auto digest = crypto::hash(crypto::HashAlgorithm::sha256, {options_.hash_key, kind, "\n", id});
    CallKey key;
    std::memcpy(key.words.data(), digest.bytes.data(), sizeof key.words);
    return key;
}

CallRegistry::Shard& CallRegistry::shard_of(const CallKey& key) const {
    return *shards_[key.words[1] % shards_.size()];
}

bool CallRegistry::make_room(Shard& shard) {
    int passed = 0;
    for (auto place = shard.order.begin(); place != shard.order.end() && passed < kMostPassedOver; ++place) {
        const auto found = shard.calls.find(*place);
        if (!found->second.decided) {
            ++passed;
            continue;
        }
        shard.forgotten_until = std::max(shard.forgotten_until, found->second.created_at);
        shard.calls.erase(found);
        shard.order.erase(place);
        return true;
    }
    return false;
}

CallRegistry::Claimed CallRegistry::claim(std::string_view webhook_id, openai::Dialect dialect,
                                          std::string_view call_id,
                                          std::optional<std::chrono::sys_seconds> created_at) {
    Claimed result;
    result.key = key_of(openai::name_of(dialect), call_id);
    const auto webhook_hash = key_of("webhook-id", webhook_id).words[0];
    const std::int64_t created = created_at ? created_at->time_since_epoch().count() : 0;
    auto& shard = shard_of(result.key);
    const std::lock_guard lock(shard.mutex);
    if (const auto found = shard.calls.find(result.key); found != shard.calls.end()) {
        result.claim = found->second.decided ? Claim::decided : Claim::undecided;
        result.same_delivery = found->second.webhook_id_hash == webhook_hash;
        return result;
    }
    if (created != 0 && created <= shard.forgotten_until) {
        result.claim = Claim::forgotten;
        return result;
    }
    // Some more may pass where several ask at once.
    const bool too_many =
        undecided_.load(std::memory_order_relaxed) >= allowed_undecided_.load(std::memory_order_relaxed) ||
        (options_.is_busy && options_.is_busy());
    if (too_many || (shard.calls.size() >= most_per_shard_ && !make_room(shard))) {
        result.claim = Claim::full;
        return result;
    }
    undecided_.fetch_add(1, std::memory_order_relaxed);
    shard.order.push_back(result.key);
    shard.calls.emplace(result.key, Entry{webhook_hash, created, false});
    return result;
}

void CallRegistry::decided(const CallKey& key) {
    auto& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.calls.find(key);
    if (found == shard.calls.end() || std::exchange(found->second.decided, true)) return;
    undecided_.fetch_sub(1, std::memory_order_relaxed);
}

void CallRegistry::allow_undecided(std::size_t count) {
    allowed_undecided_ = std::min(count, options_.most_undecided);
}

bool CallRegistry::is_decided(const CallKey& key) const {
    const auto& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.calls.find(key);
    // Only what is decided is ever forgotten.
    return found == shard.calls.end() ? shard.forgotten_until != 0 : found->second.decided;
}

std::size_t CallRegistry::size() const {
    std::size_t count = 0;
    for (const auto& shard : shards_) {
        const std::lock_guard lock(shard->mutex);
        count += shard->calls.size();
    }
    return count;
}

}  // namespace callchain::service
