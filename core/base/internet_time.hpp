/// Times as APIs and mail write them.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace callchain {

using InternetTime = std::chrono::sys_time<std::chrono::microseconds>;

/// "2026-11-28T17:47:08.461Z", "…+01:00", with a blank in place of the T: what is finer than a microsecond is
/// cut off. nullopt for any other form, and for years outside 1970 to 9999. Source: RFC 3339 section 5.6.
[[nodiscard]] std::optional<InternetTime> parse_rfc3339(std::string_view text);

enum class TimePrecision { seconds, milliseconds, microseconds };

/// "2026-11-28T17:47:08.461Z", with as many digits of the second as `precision` has; what is finer is cut
/// off. A time outside 1970 to 9999 is written as the nearest within. Source: RFC 3339 section 5.6.
[[nodiscard]] std::string write_rfc3339(InternetTime time,
                                        TimePrecision precision = TimePrecision::milliseconds);
/// Of coarser units, which may reach beyond those of InternetTime: cut before it is converted.
template <class Duration>
[[nodiscard]] std::string write_rfc3339(std::chrono::sys_time<Duration> time,
                                        TimePrecision precision = TimePrecision::milliseconds) {
    using namespace std::chrono;
    constexpr sys_days kDayBehind{year{10'000} / 1 / 1};
    constexpr sys_time<Duration> kFirst{};
    constexpr auto kLast = floor<Duration>(InternetTime{kDayBehind} - microseconds{1});
    return write_rfc3339(InternetTime{time < kFirst ? kFirst : time > kLast ? kLast : time}, precision);
}

/// "Sat, 28 Nov 2026 17:47:08 +0000", also with "GMT", a day of one digit and without the weekday. nullopt
/// for any other form. Source: RFC 5322 section 3.3; Twilio, "Date format" (RFC 2822, in GMT).
[[nodiscard]] std::optional<InternetTime> parse_rfc2822(std::string_view text);

/// "Sat, 28 Nov 2026 17:47:08 +0000". A time outside 1970 to 9999 is written as the nearest within.
/// Source: as above.
[[nodiscard]] std::string write_rfc2822(std::chrono::sys_seconds time);

/// Either of both.
[[nodiscard]] std::optional<InternetTime> parse_internet_time(std::string_view text);

}  // namespace callchain
