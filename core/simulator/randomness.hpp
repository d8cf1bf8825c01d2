/// Random numbers of the system, for tags, keys and ids of the stand-ins.
#pragma once

#include "encoding/text_codings.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <sys/random.h>

namespace callchain::simulator {

/// Units: at most 256 bytes, which come whole (getrandom(2), "Notes").
[[nodiscard]] inline std::string random_bytes(std::size_t count) {
    std::string bytes(count, '\0');
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(count)) std::abort();
    return bytes;
}
/// 16 hex digits.
[[nodiscard]] inline std::string random_word() { return encoding::to_hex(random_bytes(8)); }
[[nodiscard]] inline std::uint64_t random_number() {
    std::uint64_t value = 0;
    const auto bytes = random_bytes(sizeof value);
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

}  // namespace callchain::simulator
