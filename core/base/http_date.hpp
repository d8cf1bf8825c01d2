/// Dates as HTTP and SIP write them.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace callchain {

/// "Sun, 06 Nov 1994 08:49:37 GMT"; nullopt for any other form, and for a weekday that is not that
/// of the date. Source: RFC 9110 section 5.6.7, IMF-fixdate;
/// RFC 3261 section 20.17.
[[nodiscard]] std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text);

/// The same form. A time outside 1970 to 9999 is written as the nearest within.
[[nodiscard]] std::string write_http_date(std::chrono::sys_seconds time);

}  // namespace callchain
