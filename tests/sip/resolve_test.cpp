#include "sip/resolve.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <rapidcheck.h>

namespace callchain::sip {
namespace {

using namespace std::chrono_literals;
using Type = DnsQuery::Type;
using Status = DnsAnswer::Status;
using Queries = std::vector<DnsQuery>;

constexpr std::string_view kDomain = "example.sip.twilio.com";

Destination twilio(Transport transport = Transport::tls) {
    return destination_of(parse_uri("sip:bridge@" + std::string(kDomain)).value(), transport).value();
}

DnsAnswer services(std::vector<SrvRecord> records, std::chrono::seconds life = 300s) {
    return {Status::records, std::move(records), {}, life};
}
DnsAnswer addresses(std::vector<std::string> list, std::chrono::seconds life = 300s) {
    return {Status::records, {}, std::move(list), life};
}

std::vector<std::string> shown(const std::vector<Target>& targets) {
    std::vector<std::string> text;
    for (const auto& target : targets) text.push_back(target.address + " " + std::to_string(target.port));
    return text;
}

TEST(DestinationOf, ReadsHostAndPort) {
    struct Row {
        const char* uri = "";
        Transport transport = Transport::tls;
        Destination want;
    };
    const Row rows[] = {
        {"sip:a@Example.SIP.twilio.com", Transport::tls, {std::string(kDomain), false, std::nullopt}},
        {"sip:wa.meta.vc.;transport=tcp;lr", Transport::tls, {"wa.meta.vc", false, std::nullopt}},
        {"sip:a@b.example:5070;maddr=192.0.2.66", Transport::udp, {"b.example", false, 5070, Transport::udp}},
        {"sip:192.0.2.1", Transport::tcp, {"192.0.2.1", true, std::nullopt, Transport::tcp}},
        {"sip:[2001:DB8:0::1]:5061", Transport::tls, {"2001:db8::1", true, 5061}},
        {"sips:localhost", Transport::tls, {"localhost", false, std::nullopt}},
        {"sip:my_lab-1", Transport::udp, {"my_lab-1", false, std::nullopt, Transport::udp}},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.uri);
        const auto got = destination_of(parse_uri(row.uri).value(), row.transport);
        ASSERT_TRUE(got.has_value()) << got.error().message;
        EXPECT_EQ(*got, row.want);
    }
}

TEST(DestinationOf, RefusesWhatCannotBeReached) {
    Uri uri;
    uri.scheme = "tel";
    uri.user = "+15551234";
    EXPECT_FALSE(destination_of(uri, Transport::tls).has_value());
    uri.scheme = "sips";
    uri.host = "a.example";
    EXPECT_EQ(destination_of(uri, Transport::udp).error().code, ErrorCode::usage);
    uri.scheme = "sip";
    uri.port = 0;
    EXPECT_FALSE(destination_of(uri, Transport::tls).has_value());
    uri.port = std::nullopt;
    for (const auto& host : {std::string(), std::string("a..b"), std::string("-a.example"),
                             std::string("a b"), std::string("192.0.2.256"), std::string("1.2.3"),
                             std::string("[::1"), std::string("[fe80::1%eth0]"),
                             std::string(64, 'a') + ".example", std::string(254, 'a'), std::string("a\nb")}) {
        SCOPED_TRACE(host);
        uri.host = host;
        EXPECT_FALSE(destination_of(uri, Transport::tls).has_value());
    }
}

TEST(Resolution, AsksNothingForAnAddress) {
    const auto destination = destination_of(parse_uri("sip:a@[2001:db8::1]").value(), Transport::tls).value();
    Resolution resolution(destination, {}, 1);
    EXPECT_TRUE(resolution.take_queries().empty());
    EXPECT_TRUE(resolution.finished());
    EXPECT_EQ(resolution.targets(),
              (std::vector<Target>{{"2001:db8::1", 5061, Transport::tls, "2001:db8::1", true}}));
    EXPECT_EQ(resolution.time_to_live(), std::nullopt);
    EXPECT_EQ(resolution.why(), "");
}

TEST(Resolution, AsksForTheServiceOfItsTransport) {
    for (const auto& [transport, name] :
         {std::pair(Transport::tls, "_sips._tcp."), std::pair(Transport::tcp, "_sip._tcp."),
          std::pair(Transport::udp, "_sip._udp.")}) {
        SCOPED_TRACE(name);
        Resolution resolution(twilio(transport), {}, 1);
        EXPECT_EQ(resolution.take_queries(), (Queries{{Type::srv, name + std::string(kDomain)}}));
        EXPECT_TRUE(resolution.take_queries().empty());
        EXPECT_FALSE(resolution.finished());
    }
}

// RFC 3263 section 4.2: an explicit port means no SRV.
TEST(Resolution, TakesThePortOfTheUri) {
    auto destination = twilio();
    destination.port = 5070;
    Resolution resolution(destination, {}, 1);
    EXPECT_EQ(resolution.take_queries(),
              (Queries{{Type::aaaa, std::string(kDomain)}, {Type::a, std::string(kDomain)}}));
    resolution.on_answer({Type::a, std::string(kDomain)}, addresses({"192.0.2.1"}));
    EXPECT_FALSE(resolution.finished());
    resolution.on_answer({Type::aaaa, std::string(kDomain)}, {Status::none});
    EXPECT_TRUE(resolution.finished());
    EXPECT_EQ(shown(resolution.targets()), std::vector<std::string>{"192.0.2.1 5070"});
}

TEST(Resolution, KeepsTheDomainAsIdentityOfEachSrvTarget) {
    Resolution resolution(twilio(), {}, 1);
    const auto srv = resolution.take_queries().at(0);
    resolution.on_answer(srv, services({{20, 0, 5061, "b.Edge.example."}, {10, 0, 6061, "a.edge.example"}}));
    EXPECT_EQ(resolution.take_queries(), (Queries{{Type::aaaa, "a.edge.example"},
                                                  {Type::a, "a.edge.example"},
                                                  {Type::aaaa, "b.edge.example"},
                                                  {Type::a, "b.edge.example"}}));
    // In any order.
    resolution.on_answer({Type::a, "b.edge.example"}, addresses({"192.0.2.2"}, 60s));
    resolution.on_answer({Type::aaaa, "b.edge.example"}, {Status::none});
    resolution.on_answer({Type::a, "a.edge.example"}, addresses({"192.0.2.1", "192.0.2.9"}));
    resolution.on_answer({Type::aaaa, "a.edge.example"}, addresses({"2001:db8::1"}));
    EXPECT_TRUE(resolution.finished());
    EXPECT_EQ(shown(resolution.targets()), (std::vector<std::string>{"2001:db8::1 6061", "192.0.2.1 6061",
                                                                     "192.0.2.9 6061", "192.0.2.2 5061"}));
    for (const auto& target : resolution.targets()) {
        EXPECT_EQ(target.identity, kDomain);
        EXPECT_FALSE(target.numeric);
        EXPECT_EQ(target.transport, Transport::tls);
    }
    EXPECT_EQ(resolution.time_to_live(), 60s);
}

TEST(Resolution, DecidesByTheAnswerForTheService) {
    struct Row {
        const char* name = "";
        DnsAnswer answer;
        Queries next;
        const char* why = "";
    };
    const std::string domain(kDomain);
    const Queries own{{Type::aaaa, domain}, {Type::a, domain}};
    const Row rows[] = {
        {"none", {Status::none}, own, "example.sip.twilio.com has no address"},
        {"failed", {Status::failed}, own, "the DNS gives no answer for example.sip.twilio.com"},
        {"no such service",
         services({{0, 0, 0, "."}}),
         {},
         "the DNS of example.sip.twilio.com says that there is no SIP over TLS"},
        {"a dot among others",
         services({{0, 0, 5061, "."}, {1, 0, 5061, "a.example"}}),
         {{Type::aaaa, "a.example"}, {Type::a, "a.example"}},
         "example.sip.twilio.com has no address"},
        {"nothing of use", services({{0, 0, 0, "a.example"}, {0, 0, 1, "bad name"}, {0, 0, 1, "192.0.2.1"}}),
         own, "example.sip.twilio.com has no address"},
        {"one name at two ports",
         services({{0, 0, 1, "a.example"}, {1, 0, 2, "a.example"}}),
         {{Type::aaaa, "a.example"}, {Type::a, "a.example"}},
         "example.sip.twilio.com has no address"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        Resolution resolution(twilio(), {}, 1);
        resolution.on_answer(resolution.take_queries().at(0), row.answer);
        const auto next = resolution.take_queries();
        EXPECT_EQ(next, row.next);
        for (const auto& query : next) resolution.on_answer(query, {Status::none});
        EXPECT_TRUE(resolution.finished());
        EXPECT_TRUE(resolution.targets().empty());
        EXPECT_EQ(resolution.why(), row.why);
    }
}

TEST(Resolution, FallsBackToTheDefaultPort) {
    for (const auto& [transport, want] :
         {std::pair(Transport::tls, "192.0.2.1 5061"), std::pair(Transport::udp, "192.0.2.1 5060")}) {
        SCOPED_TRACE(want);
        Resolution resolution(twilio(transport), {}, 1);
        resolution.on_answer(resolution.take_queries().at(0), {Status::none});
        resolution.on_answer(resolution.take_queries().at(1), addresses({"192.0.2.1"}, 30s));
        resolution.give_up();
        EXPECT_EQ(shown(resolution.targets()), std::vector<std::string>{want});
        EXPECT_EQ(resolution.time_to_live(), 0s);
    }
}

TEST(Resolution, AlternatesBetweenTheFamilies) {
    const std::string domain(kDomain);
    struct Row {
        const char* name = "";
        ResolveSettings::Families families;
        std::vector<std::string> want;
    };
    using enum ResolveSettings::Families;
    for (const auto& row :
         {Row{"both", both, {"2001:db8::1 5061", "192.0.2.1 5061", "192.0.2.2 5061"}},
          Row{"IPv4", ipv4, {"192.0.2.1 5061", "192.0.2.2 5061"}}, Row{"IPv6", ipv6, {"2001:db8::1 5061"}}}) {
        SCOPED_TRACE(row.name);
        Resolution resolution(twilio(), {row.families}, 1);
        resolution.on_answer(resolution.take_queries().at(0), {Status::none});
        for (const auto& query : resolution.take_queries())
            resolution.on_answer(query, query.type == Type::a ? addresses({"192.0.2.1", "192.0.2.2"})
                                                              : addresses({"2001:DB8::1"}));
        EXPECT_EQ(shown(resolution.targets()), row.want);
    }
}

TEST(Resolution, DropsWhatIsNoAddressAndWhatComesTwice) {
    Resolution resolution(twilio(), {}, 1);
    resolution.on_answer(resolution.take_queries().at(0), {Status::none});
    for (const auto& query : resolution.take_queries())
        resolution.on_answer(query, addresses({"192.0.2.1", "junk", "192.0.2.1", "2001:db8:0::1",
                                               "2001:db8::1", "", "192.0.2.1 "}));
    EXPECT_EQ(shown(resolution.targets()), (std::vector<std::string>{"2001:db8::1 5061", "192.0.2.1 5061"}));
}

TEST(Resolution, IgnoresAnswersToWhatWasNotAsked) {
    Resolution resolution(twilio(), {}, 1);
    resolution.on_answer({Type::a, "evil.example"}, addresses({"192.0.2.66"}));
    const auto srv = resolution.take_queries().at(0);
    resolution.on_answer(srv, {Status::none});
    resolution.on_answer(srv, services({{0, 0, 1, "evil.example"}}));
    const auto queries = resolution.take_queries();
    resolution.on_answer(queries.at(1), addresses({"192.0.2.1"}));
    resolution.on_answer(queries.at(1), addresses({"192.0.2.66"}));
    resolution.on_answer(queries.at(0), {Status::failed});
    EXPECT_TRUE(resolution.finished());
    EXPECT_EQ(shown(resolution.targets()), std::vector<std::string>{"192.0.2.1 5061"});
}

TEST(Resolution, IsBounded) {
    std::vector<SrvRecord> many;
    for (int i = 0; i < 1'000; ++i)
        many.push_back({static_cast<std::uint16_t>(i % 3), 1, 5061, std::to_string(i) + ".example"});
    std::vector<std::string> list;
    for (int i = 0; i < 200; ++i) list.push_back("192.0.2." + std::to_string(i));
    Resolution resolution(twilio(), {}, 1);
    resolution.on_answer(resolution.take_queries().at(0), services(many));
    const auto queries = resolution.take_queries();
    EXPECT_EQ(queries.size(), 16U);
    for (const auto& query : queries) resolution.on_answer(query, addresses(list));
    EXPECT_TRUE(resolution.finished());
    // The same addresses at the same port: each once, of each name at most eight.
    EXPECT_EQ(resolution.targets().size(), 8U);
}

TEST(Resolution, EndsWhenItIsGivenUp) {
    Resolution resolution(twilio(), {}, 1);
    resolution.give_up();
    EXPECT_TRUE(resolution.finished());
    EXPECT_TRUE(resolution.take_queries().empty());
    EXPECT_TRUE(resolution.targets().empty());
    EXPECT_EQ(resolution.why(), "the DNS gives no answer for example.sip.twilio.com");
    EXPECT_EQ(resolution.time_to_live(), 0s);
}

TEST(Resolution, KeepsWhatItHasWhenItIsGivenUpAfterItsEnd) {
    Resolution resolution(destination_of(parse_uri("sip:a@192.0.2.1").value(), Transport::udp).value(), {},
                          1);
    ASSERT_TRUE(resolution.finished());
    resolution.give_up();
    EXPECT_EQ(resolution.targets().size(), 1U);
}

rc::Gen<std::vector<SrvRecord>> records() {
    const auto record = rc::gen::apply(
        [](std::uint16_t priority, std::uint16_t weight, std::uint16_t port) {
            return SrvRecord{priority, weight, port, "t.example"};
        },
        rc::gen::inRange<std::uint16_t>(0, 4),
        rc::gen::oneOf(rc::gen::just<std::uint16_t>(0), rc::gen::arbitrary<std::uint16_t>()),
        rc::gen::arbitrary<std::uint16_t>());
    return rc::gen::container<std::vector<SrvRecord>>(record);
}

TEST(OrderServices, KeepsEveryRecordAndThePriorities) {
    EXPECT_TRUE(rc::check([] {
        const auto given = *records();
        const auto random = *rc::gen::arbitrary<std::uint64_t>();
        const auto got = order_services(given, random);
        RC_ASSERT(std::is_permutation(got.begin(), got.end(), given.begin(), given.end()));
        RC_ASSERT(std::is_sorted(got.begin(), got.end(), [](const SrvRecord& a, const SrvRecord& b) {
            return a.priority < b.priority;
        }));
        RC_ASSERT(got == order_services(given, random));
    }));
}

// RFC 2782, "Weight": each is chosen first in proportion to its weight; 0 has a very small chance beside
// others.
TEST(OrderServices, ChoosesByWeight) {
    const std::vector<SrvRecord> given{
        {1, 10, 1, "a"}, {1, 30, 2, "b"}, {1, 60, 3, "c"}, {1, 0, 4, "d"}, {2, 1, 5, "e"}};
    constexpr int kSeeds = 20'000;
    std::map<std::string, int> first;
    std::map<std::string, int> second_behind_c;
    for (int seed = 0; seed < kSeeds; ++seed) {
        const auto got = order_services(given, static_cast<std::uint64_t>(seed));
        ++first[got[0].target];
        if (got[0].target == "c") ++second_behind_c[got[1].target];
        ASSERT_EQ(got[4].target, "e");
    }
    // Seeds are fixed, so this cannot fail by chance; five standard deviations are below 350.
    EXPECT_NEAR(first["a"], kSeeds * 10.0 / 101, 350);
    EXPECT_NEAR(first["b"], kSeeds * 30.0 / 101, 350);
    EXPECT_NEAR(first["c"], kSeeds * 60.0 / 101, 350);
    EXPECT_NEAR(first["d"], kSeeds * 1.0 / 101, 75);
    // Of those that are left: 10 to 30.
    EXPECT_NEAR(second_behind_c["b"], first["c"] * 30.0 / 41, 300);
}

TEST(OrderServices, KeepsTheOrderWhereEveryWeightIsZero) {
    // RFC 2782 has the first of them chosen where all weights are 0.
    const std::vector<SrvRecord> given{{1, 0, 1, "a"}, {1, 0, 2, "b"}};
    for (std::uint64_t seed = 0; seed < 50; ++seed) EXPECT_EQ(order_services(given, seed)[0].target, "a");
}

TEST(Failover, GoesThroughTheListOnce) {
    Failover failover(
        {{"192.0.2.1", 5061, Transport::tls, "a", false}, {"2001:db8::1", 5061, Transport::tls, "a", false}});
    ASSERT_NE(failover.current(), nullptr);
    EXPECT_EQ(failover.current()->address, "192.0.2.1");
    EXPECT_EQ(failover.history(), "");
    ASSERT_NE(failover.next(TargetFailure::timeout), nullptr);
    EXPECT_EQ(failover.current()->address, "2001:db8::1");
    EXPECT_EQ(failover.next(TargetFailure::connect), nullptr);
    EXPECT_EQ(failover.next(TargetFailure::unavailable), nullptr);
    EXPECT_EQ(failover.history(), "192.0.2.1:5061 timeout, [2001:db8::1]:5061 connect");
    EXPECT_EQ(Failover({}).current(), nullptr);
}

}  // namespace
}  // namespace callchain::sip
