/// The system's randomness, for whoever hands it to code that is pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace callchain::system {

/// Fit for keys (getrandom(2)). Ends the process where the kernel has none to give: nothing made without it
/// would be safe.
[[nodiscard]] std::string random_bytes(std::size_t count);
[[nodiscard]] std::uint64_t random_number();

}  // namespace callchain::system
