/// "Did you mean": the words nearest in spelling to what was typed.
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace callchain {

/// At most three of `words`, best first, equally near ones in the order of the alphabet. A third of what was
/// typed may be wrong, or two characters; beyond that, and above 63 characters, there is none.
[[nodiscard]] std::vector<std::string_view> nearest_words(std::string_view typed,
                                                          std::span<const std::string_view> words);

}  // namespace callchain
