/// Times as APIs and mail write them.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace callchain {

using InternetTime = std::chrono::sys_time<std::chrono::microseconds>;

/// "2026-11-28T17:47:08.461Z", "…+01:00", with a blank in place of the T: what is finer than a microsecond is
/// cut off. nullopt for any other form, and for years outside 1970 to 9999. Source: RFC 3339 section 5.6.
[[nodiscard]] std::optional<InternetTime> parse_rfc3339(std::string_view text);

/// "Sat, 28 Nov 2026 17:47:08 +0000", also with "GMT", a day of one digit and without the weekday. nullopt
/// for any other form. Source: RFC 5322 section 3.3; Twilio, "Date format" (RFC 2822, in GMT).
[[nodiscard]] std::optional<InternetTime> parse_rfc2822(std::string_view text);

/// Either of both.
[[nodiscard]] std::optional<InternetTime> parse_internet_time(std::string_view text);

}  // namespace callchain
