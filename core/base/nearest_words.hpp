/// "Did you mean": the words nearest in spelling to what was typed.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace callchain {

/// Damerau-Levenshtein distance in its restricted form: insertions, deletions, replacements and exchanges of
/// neighbours, no stretch edited twice. Of texts above 63 bytes it is the length of the longer one.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

/// At most three of `words`, best first, equally near ones in the order of the alphabet. A third of what was
/// typed may be wrong, or two characters; beyond that, and above 63 characters, there is none.
[[nodiscard]] std::vector<std::string_view> nearest_words(std::string_view typed,
                                                          std::span<const std::string_view> words);

}  // namespace callchain
