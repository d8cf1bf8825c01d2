/// What the soak of `serve` knows of each call: what was sent, what the API stand-in did, what the log said.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::bench {

/// What the API does with the accept of a call.
enum class Fate : std::uint8_t {
    taken,        ///< 200
    broken,       ///< 500 at first
    missing,      ///< 404 at first: the race between event and registration
    slow,         ///< 200 after more than the time that a webhook's answer waits
    cut,          ///< the connection is reset at first, before the accept has its effect
    answer_lost,  ///< the connection is reset, and the call is accepted
    refused,      ///< 400
    gone,         ///< 404 every time
};

inline std::string_view name_of(Fate fate) {
    constexpr std::array<std::string_view, 8> kNames{
        "taken", "500 at first", "404 at first", "slow", "reset at first", "accepted, its answer lost",
        "400",   "404",
    };
    return kNames[static_cast<std::size_t>(fate)];
}

/// The same for a number in every run. `fail`: the share of calls in trouble, 0 to 1.
inline Fate fate_of(std::uint32_t number, double fail) {
    auto mixed = number * 0x9E3779B97F4A7C15U;
    mixed ^= mixed >> 32U;
    mixed *= 0xD6E8FEB86659FD93U;
    mixed ^= mixed >> 32U;
    constexpr std::uint32_t kThousand = 1'000;
    if (static_cast<double>(mixed % kThousand) >= fail * kThousand) return Fate::taken;
    using enum Fate;
    constexpr std::array kOfTwenty{broken,  broken,  broken,      broken,      broken,  missing, missing,
                                   missing, missing, missing,     slow,        cut,     cut,     cut,
                                   cut,     cut,     answer_lost, answer_lost, refused, gone};
    return kOfTwenty[(mixed / kThousand) % kOfTwenty.size()];
}

/// One call.
struct Entry {
    std::uint32_t created_at = 0;
    std::uint16_t answered_deliveries = 0;  ///< with 200
    std::uint8_t requests = 0;              ///< that the API got
    std::uint8_t accepted = 0;              ///< of these, with 200
    std::uint8_t lost = 0;                  ///< accepted, and the answer was cut
    std::uint8_t late = 0;                  ///< requests behind an accept that was answered
    std::uint8_t summaries = 0;             ///< of the log
    std::uint8_t said = 0;                  ///< the outcome in it: an index into Book::outcomes
};

class Book {
  public:
    std::vector<Entry> calls;
    std::vector<std::string> outcomes;  ///< that the log has named

    void note_summary(std::uint32_t number, std::string_view outcome) {
        if (number >= calls.size()) return;
        auto& entry = calls[number];
        if (entry.summaries < 255) ++entry.summaries;
        auto place = std::find(outcomes.begin(), outcomes.end(), outcome);
        if (place == outcomes.end()) place = outcomes.insert(outcomes.end(), std::string(outcome));
        entry.said = static_cast<std::uint8_t>(place - outcomes.begin());
    }

    /// What became of the calls, counted; what must not be begins with BAD.
    [[nodiscard]] std::map<std::string, std::uint64_t> verdicts() const {
        std::map<std::string, std::uint64_t> counts;
        for (const auto& entry : calls) ++counts[verdict_on(entry)];
        return counts;
    }

  private:
    [[nodiscard]] std::string verdict_on(const Entry& entry) const {
        if (entry.answered_deliveries == 0) return "BAD: no delivery of it was answered with 200";
        if (entry.requests == 0) return "BAD: never asked for at the API";
        if (entry.summaries != 1) return "BAD: " + std::to_string(entry.summaries) + " summaries in the log";
        if (entry.late != 0 || entry.accepted + entry.lost > 1)
            return "BAD: asked for again behind an accept that was answered";
        const auto& said = outcomes[entry.said];
        if (said == "accepted")
            return entry.accepted == 1 ? "accepted once"
                                       : "BAD: logged as accepted, and the API answered no accept";
        if (entry.accepted != 0 && (said == "deadline_passed" || said == "network_failure"))
            return said + ", the answer to its accept came too late";
        if (entry.accepted != 0) return "BAD: accepted, and logged as " + said;
        return said + (entry.lost != 0 ? ", the answer to its accept was lost" : "");
    }
};

}  // namespace callchain::bench
