#include "base/nearest_words.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace callchain {
namespace {

// What a person types is a word with a slip in it; a longer text is something else.
constexpr std::size_t kMostCompared = 63;
constexpr std::size_t kMostSuggestions = 3;

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
    if (a.size() > kMostCompared || b.size() > kMostCompared) return std::max(a.size(), b.size());
    using Row = std::array<std::size_t, kMostCompared + 1>;
    Row before_last{};
    Row last{};
    Row row{};
    for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
            const bool exchanged = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (exchanged) row[j] = std::min(row[j], before_last[j - 2] + 1);
        }
        before_last = last;
        last = row;
    }
    return last[b.size()];
}

std::vector<std::string_view> nearest_words(std::string_view typed, std::span<const std::string_view> words) {
    if (typed.empty() || typed.size() > kMostCompared) return {};
    const std::size_t most_edits = std::max<std::size_t>(2, typed.size() / 3);
    std::vector<std::pair<std::size_t, std::string_view>> near;
    for (const auto word : words) {
        const std::size_t longer = std::max(typed.size(), word.size());
        const std::size_t shorter = std::min(typed.size(), word.size());
        if (longer > kMostCompared || longer - shorter > most_edits) continue;  // at least as many edits
        const std::size_t edits = edit_distance(typed, word);
        if (edits <= most_edits) near.emplace_back(edits, word);
    }
    const auto kept = std::min(near.size(), kMostSuggestions);
    std::partial_sort(near.begin(), near.begin() + static_cast<std::ptrdiff_t>(kept), near.end());
    std::vector<std::string_view> nearest;
    for (std::size_t i = 0; i < kept; ++i) nearest.push_back(near[i].second);
    return nearest;
}

}  // namespace callchain
