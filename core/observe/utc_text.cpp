#include "observe/utc_text.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace callchain::observe {

std::string utc_text(std::chrono::sys_time<std::chrono::milliseconds> time) {
    using namespace std::chrono;
    constexpr sys_time<milliseconds> kFirst{milliseconds{0}};
    constexpr sys_time<milliseconds> kLast{milliseconds{253'402'300'799'999}};
    time = std::clamp(time, kFirst, kLast);
    const auto day = floor<days>(time);
    const year_month_day date{day};
    const std::int64_t of_day = (time - day).count();

    std::string out = "0000-00-00T00:00:00.000Z";
    const auto put = [&out](std::size_t end, std::size_t digits, std::int64_t number) {
        for (; digits > 0; --digits, number /= 10) out[--end] = static_cast<char>('0' + number % 10);
    };
    put(4, 4, static_cast<int>(date.year()));
    put(7, 2, static_cast<unsigned>(date.month()));
    put(10, 2, static_cast<unsigned>(date.day()));
    put(13, 2, of_day / 3'600'000);
    put(16, 2, of_day / 60'000 % 60);
    put(19, 2, of_day / 1000 % 60);
    put(23, 3, of_day % 1000);
    return out;
}

}  // namespace callchain::observe
