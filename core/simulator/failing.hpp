/// Answers that fail on purpose, so many of a hundred.
#pragma once

#include <cstdint>

namespace callchain::simulator {

/// Whether the answer of that number, counted from 1, is one of `percent` in a hundred: spread evenly, not
/// random.
[[nodiscard]] constexpr bool fails_now(int percent, std::uint64_t number) {
    const auto share = static_cast<std::uint64_t>(percent < 0 ? 0 : percent > 100 ? 100 : percent);
    return number * share / 100 != (number - 1) * share / 100;
}

}  // namespace callchain::simulator
