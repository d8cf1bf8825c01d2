/// Times of APIs, mail, HTTP and webhooks: what is read lies in the years that are promised, and is read
/// again as the same when it is written plainly.
#include "base/http_date.hpp"
#include "base/internet_time.hpp"
#include "fuzz/require.hpp"
#include "signature/standard_webhooks.hpp"

#include <cstdint>
#include <cstdio>

using namespace callchain;
using namespace std::chrono;

namespace {

constexpr const char* kWeekdays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct Calendar {
    int year, month, day, hour, minute, second;
    unsigned weekday;
};

Calendar calendar_of(sys_seconds time) {
    const auto date = floor<days>(time);
    const year_month_day ymd(date);
    const hh_mm_ss clock(time - date);
    return {static_cast<int>(ymd.year()),
            static_cast<int>(static_cast<unsigned>(ymd.month())),
            static_cast<int>(static_cast<unsigned>(ymd.day())),
            static_cast<int>(clock.hours().count()),
            static_cast<int>(clock.minutes().count()),
            static_cast<int>(clock.seconds().count()),
            weekday(date).c_encoding()};
}

std::string rfc3339(InternetTime time) {
    const auto at = calendar_of(floor<seconds>(time));
    const auto rest = static_cast<int>((time - floor<seconds>(time)).count());
    char text[64];
    std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", at.year, at.month, at.day,
                  at.hour, at.minute, at.second, rest);
    return text;
}

std::string http_date(sys_seconds time) {
    const auto at = calendar_of(time);
    char text[64];
    std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", kWeekdays[at.weekday], at.day,
                  kMonths[at.month - 1], at.year, at.hour, at.minute, at.second);
    return text;
}

// A leap second and a zone may carry a time into the day beside those years.
void require_years(sys_seconds time) {
    require(time >= sys_days{January / 1 / 1970} - days{1} && time < sys_days{January / 3 / 10000});
}

bool is_of_four_digits(sys_seconds time) {
    return time >= sys_days{January / 1 / 1970} && time < sys_days{January / 1 / 10000};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto either = parse_internet_time(text);
    const auto rfc = parse_rfc3339(text);
    const auto mail = parse_rfc2822(text);
    require(either == (rfc ? rfc : mail));
    if (either) {
        const auto whole = floor<seconds>(*either);
        require_years(whole);
        if (is_of_four_digits(whole)) {
            require(parse_rfc3339(rfc3339(*either)) == either);
            require(parse_rfc2822(http_date(whole)) == InternetTime(whole));
        }
    }
    if (const auto date = parse_http_date(text)) {
        require(size == 29);
        require(http_date(*date) == text || text.substr(23, 2) == "60");
        require(parse_http_date(http_date(*date)) == date);
    }
    if (const auto timestamp = signature::parse_timestamp(text)) {
        const auto written = std::to_string(timestamp->time_since_epoch().count());
        require(signature::parse_timestamp(written) == *timestamp);
    }
    return 0;
}
