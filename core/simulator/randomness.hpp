/// Names that the stand-ins draw.
#pragma once

#include "encoding/text_codings.hpp"
#include "system/random.hpp"

#include <string>

namespace callchain::simulator {

/// 16 hex digits.
[[nodiscard]] inline std::string random_word() { return encoding::to_hex(system::random_bytes(8)); }

}  // namespace callchain::simulator
