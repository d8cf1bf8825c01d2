#include "diagnosis/catalogue.hpp"

#include "diagnosis/catalogue_tables.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <utility>

namespace callchain::diagnosis {
namespace {

std::vector<CatalogueEntry> joined_tables() {
    std::vector<CatalogueEntry> all;
    for (const auto table :
         {secret_entries(), content_entries(), body_entries(), signature_entries(), twilio_entries(),
          log_entries(), sdp_entries(), twiml_entries(), call_entries(), receiver_entries()}) {
        all.insert(all.end(), table.begin(), table.end());
    }
    return all;
}

// What a person types is a code with a slip in it; a longer text is something else.
constexpr std::size_t kMostCompared = 63;
constexpr std::size_t kMostSuggestions = 3;

/// Damerau-Levenshtein distance in its restricted form: insertions, deletions, replacements and exchanges of
/// neighbours, no stretch edited twice. Both texts have at most kMostCompared bytes.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    assert(b.size() <= kMostCompared);
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

}  // namespace

std::span<const CatalogueEntry> catalogue() {
    static const std::vector<CatalogueEntry> all = joined_tables();
    return all;
}

const CatalogueEntry* find_entry(std::string_view code) {
    const auto all = catalogue();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const auto& entry) { return entry.code == code; });
    return found == all.end() ? nullptr : &*found;
}

std::vector<std::string_view> nearest_codes(std::string_view code) {
    if (code.empty() || code.size() > kMostCompared) return {};
    // A third of what was typed may be wrong; beyond that a suggestion is noise.
    const std::size_t most_edits = std::max<std::size_t>(2, code.size() / 3);
    std::vector<std::pair<std::size_t, std::string_view>> near;
    for (const auto& entry : catalogue()) {
        const std::size_t longer = std::max(code.size(), entry.code.size());
        const std::size_t shorter = std::min(code.size(), entry.code.size());
        if (longer - shorter > most_edits) continue;  // at least as many edits are needed
        const std::size_t edits = edit_distance(code, entry.code);
        if (edits <= most_edits) near.emplace_back(edits, entry.code);
    }
    const auto kept = std::min(near.size(), kMostSuggestions);
    std::partial_sort(near.begin(), near.begin() + static_cast<std::ptrdiff_t>(kept), near.end());
    std::vector<std::string_view> codes;
    for (std::size_t i = 0; i < kept; ++i) codes.push_back(near[i].second);
    return codes;
}

}  // namespace callchain::diagnosis
