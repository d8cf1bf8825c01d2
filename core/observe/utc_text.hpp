/// Time as text, for lines and names.
#pragma once

#include <chrono>
#include <string>

namespace callchain::observe {

/// "2026-11-27T22:56:00.123Z". A time outside the years 1970 to 9999 is written as the nearest one inside.
/// Source: RFC 3339 section 5.6.
[[nodiscard]] std::string utc_text(std::chrono::sys_time<std::chrono::milliseconds> time);

}  // namespace callchain::observe
