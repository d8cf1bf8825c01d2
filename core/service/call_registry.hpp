/// Which calls this process has taken up, so that each is accepted once, however often it is announced.
#pragma once

#include "openai/call.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace callchain::service {

/// A call under a keyed hash: what is kept of an id tells nobody which it was, and nobody can choose ids that
/// fall into one shard.
struct CallKey {
    std::array<std::uint64_t, 2> words{};
    friend bool operator==(const CallKey&, const CallKey&) = default;
};
struct CallKeyHash {
    [[nodiscard]] std::size_t operator()(const CallKey& key) const { return key.words[0]; }
};

/// Bounded memory: where it is full the oldest calls that are decided are forgotten. So that a forgotten call
/// is still never accepted twice, an event that was created no later than a forgotten one is not taken up any
/// more; both times are the sender's, no clock of ours is asked. Only verified deliveries may be claimed.
/// Any thread; one lock for each shard.
class CallRegistry {
  public:
    struct Options {
        std::string hash_key;        ///< random, at least 16 bytes
        std::size_t most = 250'000;  ///< calls
        /// Of these, under way: more could not be accepted in time. Each takes some kilobytes.
        std::size_t most_undecided = 8'192;
        /// True while those under way take too long for a further one; none: never. Any thread.
        std::function<bool()> is_busy = {};
        std::size_t shards = 64;
    };
    explicit CallRegistry(Options options);

    enum class Claim {
        first,      ///< it is the caller's to decide, and to tell by decided()
        undecided,  ///< a duplicate of one that is under way
        decided,    ///< a duplicate of one that is over
        forgotten,  ///< too old to be told from calls that were forgotten
        full,       ///< every place for calls under way is taken, or they take too long
    };
    struct Claimed {
        Claim claim = Claim::first;
        CallKey key;
        bool same_delivery = true;  ///< a duplicate: under the same webhook-id (a retry), or another one
                                    ///< (a second endpoint delivers here)
    };
    [[nodiscard]] Claimed claim(std::string_view webhook_id, openai::Dialect dialect,
                                std::string_view call_id, std::optional<std::chrono::sys_seconds> created_at);
    void decided(const CallKey& key);
    /// So many may be under way from now on, but never more than Options::most_undecided.
    void allow_undecided(std::size_t count);
    /// Whether that was said of it; also of one that was forgotten since.
    [[nodiscard]] bool is_decided(const CallKey& key) const;
    [[nodiscard]] std::size_t size() const;

  private:
    struct Entry {
        std::uint64_t webhook_id_hash = 0;
        std::int64_t created_at = 0;  ///< 0: unknown
        bool decided = false;
    };
    struct Shard {
        mutable std::mutex mutex;
        std::unordered_map<CallKey, Entry, CallKeyHash> calls;
        std::list<CallKey> order;  ///< oldest first
        std::int64_t forgotten_until = 0;
    };
    [[nodiscard]] CallKey key_of(std::string_view kind, std::string_view id) const;
    [[nodiscard]] Shard& shard_of(const CallKey& key) const;
    static bool make_room(Shard& shard);

    Options options_;
    std::vector<std::unique_ptr<Shard>> shards_;
    std::size_t most_per_shard_;
    std::atomic<std::size_t> undecided_ = 0;
    std::atomic<std::size_t> allowed_undecided_;
};

}  // namespace callchain::service
