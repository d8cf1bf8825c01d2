/// Randomness from the kernel, for ids and keys that nobody may guess.
#pragma once

#include <cstddef>
#include <string>

namespace callchain::cli {

/// Units: at most 256 bytes, which getrandom(2) gives whole. Ends the program where the kernel has none.
[[nodiscard]] std::string random_bytes(std::size_t count);

}  // namespace callchain::cli
