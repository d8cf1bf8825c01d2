#include "base/http_date.hpp"

#include <gtest/gtest.h>

namespace callchain {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

// Seconds since 1970 as `date -u -d TEXT +%s` has them.
TEST(ParseHttpDate, ReadsTheOneFormThatIsSent) {
    struct Row {
        const char* text;
        std::int64_t seconds;
    };
    for (const auto& row :
         {Row{"Sun, 06 Nov 1994 08:49:37 GMT", 784'111'777},    // RFC 9110 section 5.6.7
          Row{"Sat, 13 Nov 2010 23:29:00 GMT", 1'289'690'940},  // RFC 3261 section 20.17
          Row{"Thu, 01 Jan 1970 00:00:00 GMT", 0}, Row{"Thu, 29 Feb 2024 23:59:59 GMT", 1'709'251'199},
          Row{"Sat, 31 Dec 2016 23:59:60 GMT", 1'483'228'800}}) {  // a leap second
        SCOPED_TRACE(row.text);
        EXPECT_EQ(parse_http_date(row.text), sys_seconds(seconds(row.seconds)));
    }
}

TEST(WriteHttpDate, WritesTheExamplesOfTheStandards) {
    EXPECT_EQ(write_http_date(sys_seconds(seconds(784'111'777))), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(write_http_date(sys_seconds(seconds(1'289'690'940))), "Sat, 13 Nov 2010 23:29:00 GMT");
}

TEST(WriteHttpDate, IsReadAgain) {
    for (std::int64_t second = 1; second < 253'402'300'800; second = second * 2 + 86'399) {
        const sys_seconds time{seconds(second)};
        EXPECT_EQ(parse_http_date(write_http_date(time)), time) << second;
    }
}

TEST(ParseHttpDate, RefusesAnyOtherForm) {
    for (const auto* text :
         {"", "yesterday", "Sunday, 06-Nov-94 08:49:37 GMT",
          "Sun Nov  6 08:49:37 1994",  // obsolete, RFC 9110
          "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 +0000", "Sun, 6 Nov 1994 08:49:37 GMT",
          "sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT", " Sun, 06 Nov 1994 08:49:37 GMT",
          "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun; 06 Nov 1994 08:49:37 GMT", "Sun, +6 Nov 1994 08:49:37 GMT",
          "un , 06 Nov 1994 08:49:37 GMT", "Sun, 06 ov  1994 08:49:37 GMT"}) {
        SCOPED_TRACE(text);
        EXPECT_FALSE(parse_http_date(text).has_value());
    }
}

TEST(ParseHttpDate, RefusesDaysAndTimesThatThereAreNot) {
    for (const auto* text :
         {"Wed, 30 Feb 2022 00:00:00 GMT", "Thu, 29 Feb 2023 00:00:00 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
          "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
          "Sun, 06 Nov 1994 08:49:61 GMT"}) {
        SCOPED_TRACE(text);
        EXPECT_FALSE(parse_http_date(text).has_value());
    }
}

// 6 November 1994 was a Sunday.
TEST(ParseHttpDate, RefusesAWeekdayThatIsNotThatOfTheDate) {
    for (const auto* weekday : {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "XXX", ", S", "   "}) {
        SCOPED_TRACE(weekday);
        EXPECT_FALSE(parse_http_date(std::string(weekday) + ", 06 Nov 1994 08:49:37 GMT").has_value());
    }
}

}  // namespace
}  // namespace callchain
