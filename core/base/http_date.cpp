#include "base/http_date.hpp"

#include "base/internet_time.hpp"
#include "base/text.hpp"

namespace callchain {
namespace {

/// The number between two marks of a date; nullopt where it is none.
std::optional<int> digits_at(std::string_view text, std::size_t at, std::size_t length) {
    const auto number = parse_decimal(text.substr(at, length));
    if (!number) return std::nullopt;
    return static_cast<int>(*number);
}

}  // namespace

std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text) {
    using namespace std::chrono;
    constexpr std::string_view kForm = "DDD, dd MMM yyyy hh:mm:ss GMT";
    constexpr std::string_view kWeekdays = "Sun Mon Tue Wed Thu Fri Sat";
    constexpr std::string_view kMonths = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec";
    if (text.size() != kForm.size() || !text.ends_with(" GMT")) return std::nullopt;
    for (const std::size_t at : {3U, 4U, 7U, 11U, 16U, 19U, 22U}) {
        if (text[at] != kForm[at]) return std::nullopt;
    }
    const auto weekday_at = kWeekdays.find(text.substr(0, 3));
    const auto month_at = kMonths.find(text.substr(8, 3));
    const auto date = digits_at(text, 5, 2);
    const auto year_number = digits_at(text, 12, 4);
    const auto hour = digits_at(text, 17, 2);
    const auto minute = digits_at(text, 20, 2);
    const auto second = digits_at(text, 23, 2);
    if (month_at == std::string_view::npos || month_at % 4 != 0) return std::nullopt;
    if (!date || !year_number || !hour || !minute || !second) return std::nullopt;
    const year_month_day day{year{*year_number}, month{static_cast<unsigned>(month_at / 4 + 1)},
                             std::chrono::day{static_cast<unsigned>(*date)}};
    if (weekday_at == std::string_view::npos || weekday_at % 4 != 0) return std::nullopt;
    if (!day.ok() || weekday{sys_days{day}}.c_encoding() != weekday_at / 4) return std::nullopt;
    if (*hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
    return sys_days{day} + hours{*hour} + minutes{*minute} + seconds{*second};
}

std::string write_http_date(std::chrono::sys_seconds time) {
    constexpr std::string_view kZone = "+0000";
    auto text = write_rfc2822(time);
    text.replace(text.size() - kZone.size(), kZone.size(), "GMT");
    return text;
}

}  // namespace callchain
