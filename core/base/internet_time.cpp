#include "base/internet_time.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace callchain {
namespace {

using std::chrono::microseconds;

constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
constexpr std::string_view kWeekdays = "SunMonTueWedThuFriSat";
// What is written has a year of four digits.
constexpr InternetTime kFirst{microseconds{0}};
constexpr InternetTime kLast{microseconds{253'402'300'799'999'999}};

/// Takes a number of `least` to `most` digits off the front of `text`; -1 where there is none.
int take_number(std::string_view& text, std::size_t least, std::size_t most) {
    std::size_t count = 0;
    while (count < text.size() && count < most && is_ascii_digit(text[count])) ++count;
    if (count < least) return -1;
    const auto number = parse_decimal(text.substr(0, count));
    text.remove_prefix(count);
    return number ? static_cast<int>(*number) : -1;
}

bool take(std::string_view& text, std::string_view word) {
    if (!starts_with_ignoring_case(text, word)) return false;
    text.remove_prefix(word.size());
    return true;
}

struct Fields {
    int year = -1, month = -1, day = -1, hour = -1, minute = -1, second = 0;
};

std::optional<InternetTime> time_of(const Fields& fields) {
    using namespace std::chrono;
    if (fields.year < 1970 || fields.month < 1 || fields.day < 1) return std::nullopt;
    const year_month_day date{year{fields.year}, month{static_cast<unsigned>(fields.month)},
                              day{static_cast<unsigned>(fields.day)}};
    if (!date.ok() || fields.hour < 0 || fields.hour > 23 || fields.minute < 0 || fields.minute > 59 ||
        fields.second < 0 || fields.second > 60)
        return std::nullopt;
    return InternetTime{sys_days{date}} + hours{fields.hour} + minutes{fields.minute} +
           seconds{fields.second};
}

bool take_clock(std::string_view& text, Fields& fields) {
    fields.hour = take_number(text, 2, 2);
    if (!take(text, ":")) return false;
    fields.minute = take_number(text, 2, 2);
    if (!take(text, ":")) return fields.minute >= 0;
    fields.second = take_number(text, 2, 2);
    return fields.second >= 0;
}

/// "+0130" and "+01:30", all of the rest. nullopt: no such zone.
std::optional<std::chrono::minutes> zone_of(std::string_view text) {
    for (const std::string_view zero : {"Z", "GMT", "UTC", "UT"})
        if (equal_ignoring_case(text, zero)) return std::chrono::minutes{0};
    if (text.empty() || (text[0] != '+' && text[0] != '-')) return std::nullopt;
    const int sign = text[0] == '-' ? -1 : 1;
    text.remove_prefix(1);
    const int hours = take_number(text, 2, 2);
    take(text, ":");
    const int minutes = take_number(text, 2, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || !text.empty()) return std::nullopt;
    return std::chrono::minutes{sign * (hours * 60 + minutes)};
}

microseconds take_fraction(std::string_view& text) {
    constexpr std::size_t kDigits = 6;
    if (!text.starts_with('.')) return microseconds{0};
    text.remove_prefix(1);
    const auto end = std::min(text.find_first_not_of("0123456789"), text.size());
    auto digits = std::string(text.substr(0, std::min(end, kDigits)));
    digits.resize(kDigits, '0');
    text.remove_prefix(end);
    return microseconds{parse_decimal(digits).value_or(0)};
}

}  // namespace

std::string write_rfc3339(InternetTime time, TimePrecision precision) {
    using namespace std::chrono;
    time = std::clamp(time, kFirst, kLast);
    const auto day = floor<days>(time);
    const year_month_day date{day};
    const std::int64_t of_day = (time - day).count();
    const std::int64_t seconds_of_day = of_day / 1'000'000;

    std::string out = "0000-00-00T00:00:00.000000Z";
    const auto put = [&out](std::size_t end, std::size_t digits, std::int64_t number) {
        for (; digits > 0; --digits, number /= 10) out[--end] = static_cast<char>('0' + number % 10);
    };
    put(4, 4, static_cast<int>(date.year()));
    put(7, 2, static_cast<unsigned>(date.month()));
    put(10, 2, static_cast<unsigned>(date.day()));
    put(13, 2, seconds_of_day / 3'600);
    put(16, 2, seconds_of_day / 60 % 60);
    put(19, 2, seconds_of_day % 60);
    put(26, 6, of_day % 1'000'000);
    if (precision == TimePrecision::milliseconds) out.erase(23, 3);
    if (precision == TimePrecision::seconds) out.erase(19, 7);
    return out;
}

std::optional<InternetTime> parse_rfc3339(std::string_view text) {
    Fields fields;
    fields.year = take_number(text, 4, 4);
    if (!take(text, "-")) return std::nullopt;
    fields.month = take_number(text, 2, 2);
    if (!take(text, "-")) return std::nullopt;
    fields.day = take_number(text, 2, 2);
    if (!take(text, "T") && !take(text, " ")) return std::nullopt;
    if (!take_clock(text, fields)) return std::nullopt;
    const auto fraction = take_fraction(text);
    const auto zone = zone_of(text);
    const auto time = time_of(fields);
    if (!zone || !time) return std::nullopt;
    return *time + fraction - *zone;
}

std::optional<InternetTime> parse_rfc2822(std::string_view text) {
    text = trim(text);
    if (const auto comma = text.find(','); comma == 3) text = trim_left(text.substr(comma + 1));
    Fields fields;
    fields.day = take_number(text, 1, 2);
    if (!take(text, " ")) return std::nullopt;
    const auto month = kMonths.find(text.substr(0, 3));
    if (text.size() < 3 || month == std::string_view::npos || month % 3 != 0) return std::nullopt;
    fields.month = static_cast<int>(month / 3) + 1;
    text.remove_prefix(3);
    if (!take(text, " ")) return std::nullopt;
    fields.year = take_number(text, 4, 4);
    if (!take(text, " ")) return std::nullopt;
    if (!take_clock(text, fields)) return std::nullopt;
    const auto zone = zone_of(trim(text));
    const auto time = time_of(fields);
    if (!zone || !time) return std::nullopt;
    return *time - *zone;
}

std::string write_rfc2822(std::chrono::sys_seconds time) {
    using namespace std::chrono;
    time = std::clamp(time, floor<seconds>(kFirst), floor<seconds>(kLast));
    const auto day = floor<days>(time);
    const auto month = static_cast<unsigned>(year_month_day{day}.month());
    const auto digits = write_rfc3339(time, TimePrecision::seconds);  // "2026-11-28T17:47:08Z"
    std::string out(kWeekdays.substr(weekday{day}.c_encoding() * std::size_t{3}, 3));
    out.append(", ").append(digits, 8, 2).append(" ").append(kMonths.substr((month - 1) * std::size_t{3}, 3));
    out.append(" ").append(digits, 0, 4).append(" ").append(digits, 11, 8).append(" +0000");
    return out;
}

std::optional<InternetTime> parse_internet_time(std::string_view text) {
    const auto time = parse_rfc3339(text);
    return time ? time : parse_rfc2822(text);
}

}  // namespace callchain
