#include "gateway/dns_cache.hpp"

#include <gtest/gtest.h>

namespace callchain::gateway {
namespace {

using namespace std::chrono_literals;
using sip::DnsAnswer;
using sip::DnsQuery;
using Status = DnsAnswer::Status;

const sip::SteadyTime kNow{1h};
const DnsQuery kQuery{DnsQuery::Type::a, "host.example.com"};
constexpr DnsCache::Limits kLimits{.least = 5s, .most = 300s, .none = 7s, .most_questions = 3};

DnsAnswer address(std::chrono::seconds life) {
    return {.status = Status::records, .addresses = {"192.0.2.1"}, .time_to_live = life};
}

TEST(DnsCache, KeepsRecordsWithinItsBounds) {
    struct Row {
        const char* name;
        std::chrono::seconds told;
        std::chrono::seconds kept;
    };
    for (const auto& row :
         {Row{"too short", 0s, 5s}, Row{"at the lower bound", 5s, 5s}, Row{"within", 60s, 60s},
          Row{"at the upper bound", 300s, 300s}, Row{"too long", 86400s, 300s}}) {
        SCOPED_TRACE(row.name);
        DnsCache cache(kLimits);
        EXPECT_EQ(cache.keep(kQuery, address(row.told), kNow).time_to_live, row.kept);
        const auto found = cache.find(kQuery, kNow + row.kept - 1ms);
        ASSERT_TRUE(found.has_value());
        EXPECT_EQ(found->addresses, std::vector<std::string>{"192.0.2.1"});
        EXPECT_FALSE(cache.find(kQuery, kNow + row.kept).has_value());
    }
}

TEST(DnsCache, TellsTheLifeThatIsLeft) {
    DnsCache cache(kLimits);
    cache.keep(kQuery, address(60s), kNow);
    EXPECT_EQ(cache.find(kQuery, kNow + 20s)->time_to_live, 40s);
    EXPECT_EQ(cache.find(kQuery, kNow + 59500ms)->time_to_live, 0s);
}

TEST(DnsCache, KeepsThatThereIsNothing) {
    DnsCache cache(kLimits);
    cache.keep(kQuery, {.status = Status::none}, kNow);
    EXPECT_EQ(cache.find(kQuery, kNow + 6s)->status, Status::none);
    EXPECT_FALSE(cache.find(kQuery, kNow + 7s).has_value());
}

TEST(DnsCache, KeepsNoFailure) {
    DnsCache cache(kLimits);
    EXPECT_EQ(cache.keep(kQuery, {.status = Status::failed}, kNow).status, Status::failed);
    EXPECT_FALSE(cache.find(kQuery, kNow).has_value());
    EXPECT_EQ(cache.size(), 0);
}

TEST(DnsCache, ReplacesAnAnswer) {
    DnsCache cache(kLimits);
    cache.keep(kQuery, address(60s), kNow);
    cache.keep(kQuery, {.status = Status::none}, kNow);
    EXPECT_EQ(cache.find(kQuery, kNow)->status, Status::none);
    EXPECT_EQ(cache.size(), 1);
}

TEST(DnsCache, TellsTypesApart) {
    DnsCache cache(kLimits);
    cache.keep(kQuery, address(60s), kNow);
    EXPECT_FALSE(cache.find({DnsQuery::Type::aaaa, kQuery.name}, kNow).has_value());
}

TEST(DnsCache, MakesRoomOfWhatEndsSoonest) {
    DnsCache cache(kLimits);
    const auto query = [](std::string name) { return DnsQuery{DnsQuery::Type::a, std::move(name)}; };
    cache.keep(query("long"), address(200s), kNow);
    cache.keep(query("short"), address(10s), kNow);
    cache.keep(query("middle"), address(100s), kNow);
    cache.keep(query("long"), address(200s), kNow);
    EXPECT_TRUE(cache.find(query("short"), kNow).has_value()) << "one that is replaced needs no room";
    cache.keep(query("new"), address(50s), kNow);
    EXPECT_EQ(cache.size(), 3);
    EXPECT_FALSE(cache.find(query("short"), kNow).has_value());
    for (const char* name : {"long", "middle", "new"})
        EXPECT_TRUE(cache.find(query(name), kNow).has_value()) << name;
}

TEST(DnsCache, HoldsAThousandUnlessToldOtherwise) {
    DnsCache cache({});
    for (int i = 0; i < 2'000; ++i)
        cache.keep({DnsQuery::Type::a, std::to_string(i)}, address(60s), kNow + std::chrono::seconds(i));
    EXPECT_EQ(cache.size(), 1'000);
    EXPECT_TRUE(cache.find({DnsQuery::Type::a, "1999"}, kNow + 2'000s).has_value());
}

TEST(DnsCache, MayBeSwitchedOff) {
    DnsCache cache({.most_questions = 0});
    cache.keep(kQuery, address(60s), kNow);
    EXPECT_EQ(cache.size(), 0);
}

}  // namespace
}  // namespace callchain::gateway
