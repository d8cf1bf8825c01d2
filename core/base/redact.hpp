/// Keeps secrets out of what is shown.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace callchain {

/// `text` without anything that looks like a whole secret: `whsec_`, `sk-` and what belongs to them become
/// `whsec_[withheld]`. Masks stay.
[[nodiscard]] std::string withhold_secrets(std::string_view text);

/// What may be shown of text from outside: secrets withheld, control characters visible, at most `most`
/// characters. Looks at no more of `text` than that needs.
[[nodiscard]] std::string safe_excerpt(std::string_view text, std::size_t most);

/// `text` as it may be shown: runs of seven digits or more, with what people put between them, become `…` and
/// their last four digits; the rest as safe_excerpt() does.
[[nodiscard]] std::string show_number(std::string_view text);

/// Where a secret stands in `text` in clear, or npos.
[[nodiscard]] std::size_t find_clear_secret(std::string_view text);

}  // namespace callchain
