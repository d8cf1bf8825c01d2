#include "base/internet_time.hpp"

#include <gtest/gtest.h>
#include <string_view>

namespace callchain {
namespace {

using std::chrono::microseconds;

std::int64_t micros(const std::optional<InternetTime>& time) {
    return time ? time->time_since_epoch().count() : -1;
}

struct Row {
    const char* text;
    std::int64_t micros;
};

// Source: RFC 3339 section 5.8, with the seconds of Unix that `date -d` gives for them.
TEST(ParseRfc3339, ReadsTheExamplesOfTheRfc) {
    for (const auto& row :
         {Row{"1985-04-12T23:20:50.52Z", 482196050520000}, Row{"1996-12-19T16:39:57-08:00", 851042397000000},
          Row{"1990-12-31T23:59:60Z", 662688000000000},
          Row{"2026-11-28 17:47:08.4611239+01:00", 1795884428461123},
          Row{"2024-02-29t00:00:00z", 1709164800000000}}) {
        SCOPED_TRACE(row.text);
        EXPECT_EQ(micros(parse_rfc3339(row.text)), row.micros);
    }
}

// Source: RFC 5322 appendix A.1.1, RFC 2822 dates of Twilio's API reference.
TEST(ParseRfc2822, ReadsTheExamplesOfTheRfc) {
    for (const auto& row : {Row{"Fri, 21 Nov 1997 09:55:06 -0600", 880127706000000},
                            Row{"Tue, 18 Aug 2015 08:36:28 +0000", 1439886988000000},
                            Row{"1 Jul 2003 10:52:37 +0200", 1057049557000000},
                            Row{"Sun, 06 Nov 1994 08:49:37 GMT", 784111777000000}}) {
        SCOPED_TRACE(row.text);
        EXPECT_EQ(micros(parse_rfc2822(row.text)), row.micros);
        EXPECT_EQ(micros(parse_internet_time(row.text)), row.micros);
    }
}

TEST(ParseInternetTime, RefusesWhatIsNone) {
    for (const char* text :
         {"", "2026", "2026-11-28", "2026-11-28T17:47:08", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z",
          "2026-11-28T24:00:00Z", "2026-11-28T17:47:08+1:00", "2026-11-28T17:47:08Zx", "1969-12-31T23:59:59Z",
          "Sat, 28 Foo 2026 17:47:08 +0000", "Sat, 28 Nov 26 17:47:08 +0000", "28 Nov 2026", "null",
          "Sat, 31 Nov 2026 17:47:08 +0000"}) {
        SCOPED_TRACE(text);
        EXPECT_EQ(micros(parse_internet_time(text)), -1);
    }
}

// The other way round; the seconds of Unix are those of `date -u -d … +%s`.
TEST(WriteRfc3339, WritesUtcWithAsManyDigitsAsAreAskedFor) {
    const InternetTime time{microseconds{1'795'884'428'461'123}};
    EXPECT_EQ(write_rfc3339(time), "2026-11-28T16:47:08.461Z");
    EXPECT_EQ(write_rfc3339(time, TimePrecision::seconds), "2026-11-28T16:47:08Z");
    EXPECT_EQ(write_rfc3339(time, TimePrecision::microseconds), "2026-11-28T16:47:08.461123Z");
    EXPECT_EQ(write_rfc3339(InternetTime{microseconds{0}}), "1970-01-01T00:00:00.000Z");
    EXPECT_EQ(write_rfc3339(InternetTime{microseconds{1'709'164'799'999'999}}), "2024-02-28T23:59:59.999Z");
    EXPECT_EQ(write_rfc3339(InternetTime{microseconds{1'709'164'800'000'000}}), "2024-02-29T00:00:00.000Z");
}

TEST(WriteRfc3339, WritesTheNearestYearThatHasFourDigits) {
    EXPECT_EQ(write_rfc3339(InternetTime{microseconds{-1}}), "1970-01-01T00:00:00.000Z");
    EXPECT_EQ(write_rfc3339(InternetTime::max()), "9999-12-31T23:59:59.999Z");
}

TEST(WriteRfc3339, IsReadAgain) {
    for (std::int64_t micros_of = 1; micros_of < 253'402'300'800'000'000; micros_of = micros_of * 3 + 7) {
        const InternetTime time{microseconds{micros_of}};
        EXPECT_EQ(parse_rfc3339(write_rfc3339(time, TimePrecision::microseconds)), time) << micros_of;
    }
}

// Source: RFC 5322 appendix A.1.1, in UTC; `date -u -R -d @SECONDS` for the others.
TEST(WriteRfc2822, WritesUtc) {
    using std::chrono::sys_seconds;
    const auto written = [](std::int64_t second) {
        return write_rfc2822(sys_seconds{std::chrono::seconds{second}});
    };
    EXPECT_EQ(written(880'127'706), "Fri, 21 Nov 1997 15:55:06 +0000");
    EXPECT_EQ(written(1'709'251'199), "Thu, 29 Feb 2024 23:59:59 +0000");
    EXPECT_EQ(written(-1), "Thu, 01 Jan 1970 00:00:00 +0000");
    EXPECT_EQ(written(253'402'300'800), "Fri, 31 Dec 9999 23:59:59 +0000");
}

}  // namespace
}  // namespace callchain
