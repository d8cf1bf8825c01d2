/// Keeps secrets out of what is shown.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace callchain {

/// `text` without anything that looks like a whole secret: `whsec_`, `sk-` and what belongs to them become
/// `whsec_[withheld]`. Masks stay.
[[nodiscard]] std::string withhold_secrets(std::string_view text);

/// Where a secret stands in `text` in clear, or npos.
[[nodiscard]] std::size_t find_clear_secret(std::string_view text);

}  // namespace callchain
