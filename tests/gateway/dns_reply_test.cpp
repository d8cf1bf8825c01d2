#include "gateway/dns_reply.hpp"

#include "gateway/dns_message.hpp"

#include <gtest/gtest.h>

namespace callchain::gateway {
namespace {

using namespace std::chrono_literals;
using sip::DnsAnswer;
using sip::DnsQuery;
using sip::SrvRecord;
using Status = DnsAnswer::Status;
using Type = DnsQuery::Type;
using Strings = std::vector<std::string>;
using namespace std::string_literals;

const DnsQuery kQuery{Type::a, "host.example.com"};

std::string reply(const std::vector<DnsRecord>& records, const DnsQuery& query = kQuery,
                  std::uint32_t flags = kAnswerFlags) {
    return write_dns_reply(1, flags, wire_question(query.name, record_type(query.type)), records);
}

DnsAnswer read(const std::vector<DnsRecord>& records, const DnsQuery& query = kQuery) {
    auto answer = parse_dns_reply(reply(records, query), query);
    EXPECT_TRUE(answer.has_value()) << answer.error().message;
    return answer.value_or(DnsAnswer{.status = Status::failed});
}

// Two addresses whose names point to the question's, as name servers write it. The layout is that of RFC 1035
// section 4.1; the numbers of types and classes are those of its section 3.2.
const std::string kCompressed =
    "\x12\x34\x81\x80\x00\x01\x00\x02\x00\x00\x00\x00"
    "\x04host\x07"
    "example\x03"
    "com\x00\x00\x01\x00\x01"
    "\xC0\x0C\x00\x01\x00\x01\x00\x00\x00\x3C\x00\x04\xC0\x00\x02\x01"
    "\xC0\x0C\x00\x01\x00\x01\x00\x00\x00\x1E\x00\x04\xC0\x00\x02\x02"s;

// The same with another name, as on the wire, in front of the first record: at 34, where a pointer stands.
std::string with_first_name(std::string_view name) {
    std::string message(kCompressed, 0, 34);
    message.append(name).append(kCompressed, 36);
    return message;
}

TEST(ParseDnsReply, FollowsPointersToNames) {
    const auto answer = parse_dns_reply(kCompressed, kQuery);
    ASSERT_TRUE(answer.has_value()) << answer.error().message;
    EXPECT_EQ(answer->status, Status::records);
    EXPECT_EQ(answer->addresses, (Strings{"192.0.2.1", "192.0.2.2"}));
    EXPECT_EQ(answer->time_to_live, 30s) << "the lowest";
}

TEST(ParseDnsReply, RefusesEveryBeginningOfAnAnswer) {
    for (std::size_t bytes = 0; bytes < kCompressed.size(); ++bytes) {
        SCOPED_TRACE(bytes);
        const auto answer = parse_dns_reply(kCompressed.substr(0, bytes), kQuery);
        ASSERT_FALSE(answer.has_value());
        EXPECT_EQ(answer.error().code, ErrorCode::bad_input);
        EXPECT_LE(answer.error().offset.value_or(bytes + 1), bytes);
    }
}

// Source: the example of RFC 2782, "The Format of the SRV RR".
TEST(ParseDnsReply, ReadsServicesAsTheyStand) {
    const DnsQuery query{Type::srv, "_sips._tcp.example.com"};
    const auto answer = read({srv_record(query.name, {0, 1, 9}, "old-slow-box.example.com", 300),
                              srv_record(query.name, {0, 3, 9}, "New-Fast-Box.Example.COM", 200),
                              srv_record(query.name, {65535, 0, 5061}, ".", 100)},
                             query);
    EXPECT_EQ(answer.services, (std::vector<SrvRecord>{{0, 1, 9, "old-slow-box.example.com"},
                                                       {0, 3, 9, "new-fast-box.example.com"},
                                                       {65535, 0, 5061, "."}}));
    EXPECT_EQ(answer.time_to_live, 100s);
    EXPECT_TRUE(answer.addresses.empty());
}

TEST(ParseDnsReply, WritesAddressesInTheirOneForm) {
    const DnsQuery query{Type::aaaa, "host.example.com"};
    const auto answer = read({aaaa_record(query.name, "2001:0DB8:0:0:0:0:0:1")}, query);
    EXPECT_EQ(answer.addresses, Strings{"2001:db8::1"});
}

TEST(ParseDnsReply, TakesNamesWithoutRegardToCase) {
    EXPECT_EQ(read({a_record("HOST.example.COM", "192.0.2.1")}).addresses, Strings{"192.0.2.1"});
}

TEST(ParseDnsReply, FollowsAliasesInAnyOrder) {
    const auto answer = read({a_record("edge.example.net", "192.0.2.7", 400),
                              cname_record("b.example.net", "Edge.example.net", 20),
                              cname_record("host.example.com", "b.example.net", 300)});
    EXPECT_EQ(answer.status, Status::records);
    EXPECT_EQ(answer.addresses, Strings{"192.0.2.7"});
    EXPECT_EQ(answer.time_to_live, 20s) << "an alias ends with its own life";
}

TEST(ParseDnsReply, GivesUpAliasesWithoutAnEnd) {
    EXPECT_EQ(read({cname_record("host.example.com", "host.example.com")}).status, Status::failed);
    EXPECT_EQ(read({cname_record("host.example.com", "a.example"), cname_record("a.example", "b.example"),
                    cname_record("b.example", "a.example"), a_record("host.example.com", "192.0.2.1")})
                  .status,
              Status::failed);
}

std::vector<DnsRecord> chain_of(int aliases) {
    std::vector<DnsRecord> chain;
    std::string name = kQuery.name;
    for (int i = 0; i < aliases; ++i) {
        const auto next = numbered("n", i, ".example");
        chain.push_back(cname_record(name, next));
        name = next;
    }
    chain.push_back(a_record(name, "192.0.2.1"));
    return chain;
}

TEST(ParseDnsReply, FollowsSixteenAliases) {
    EXPECT_EQ(read(chain_of(16)).status, Status::records);
    EXPECT_EQ(read(chain_of(17)).status, Status::failed);
}

TEST(ParseDnsReply, TellsApartNothingAndFailure) {
    struct Row {
        const char* name;
        std::uint32_t code;
        Status want;
    };
    for (const auto& row :
         {Row{"NOERROR without records", 0, Status::none}, Row{"FORMERR", 1, Status::failed},
          Row{"SERVFAIL", 2, Status::failed}, Row{"NXDOMAIN", 3, Status::none},
          Row{"NOTIMP", 4, Status::failed}, Row{"REFUSED", 5, Status::failed}}) {
        SCOPED_TRACE(row.name);
        const auto answer = parse_dns_reply(reply({}, kQuery, kAnswerFlags | row.code), kQuery);
        ASSERT_TRUE(answer.has_value());
        EXPECT_EQ(answer->status, row.want);
    }
}

TEST(ParseDnsReply, SeesNothingInRecordsOfOthers) {
    struct Row {
        const char* name = nullptr;
        DnsRecord record;
    };
    for (const auto& row : {Row{"another name", a_record("other.example.com", "192.0.2.1")},
                            Row{"another type", aaaa_record("host.example.com", "2001:db8::1")},
                            Row{"an unknown type", {"host.example.com", 65280, 60, "anything"}},
                            Row{"an alias to nothing", cname_record("host.example.com", "gone.example")}}) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(read({row.record}).status, Status::none);
    }
}

// Or a label "host.example.com" would answer for a name of three.
TEST(ParseDnsReply, KeepsADotInALabelApart) {
    const DnsQuery query{Type::srv, "s.example"};
    auto record = srv_record("s.example", {1, 1, 1}, "t.example");
    record.data = record.data.substr(0, 6) + "\x09t.example\x01\\\x02\x01\xFF\x00"s;
    EXPECT_EQ(read({record}, query).services.at(0).target, "t\\046example.\\092.\\001\\255");
    const auto message = with_first_name("\x10host.example.com\x00"s);
    EXPECT_EQ(parse_dns_reply(message, kQuery)->addresses, Strings{"192.0.2.2"});
}

TEST(ParseDnsReply, TakesALifeBeyondItsRangeAsNone) {
    EXPECT_EQ(read({a_record("host.example.com", "192.0.2.1", 0x7FFF'FFFF)}).time_to_live, 2147483647s);
    EXPECT_EQ(read({a_record("host.example.com", "192.0.2.1", 0x8000'0000)}).time_to_live, 0s);
}

TEST(ParseDnsReply, TakesNoMoreThan256Records) {
    std::vector<DnsRecord> records(1'000, a_record("host.example.com", "192.0.2.1"));
    EXPECT_EQ(read(records).addresses.size(), 256);
}

std::string with_data(std::string data, std::uint16_t type = kTypeA) {
    return reply({{"host.example.com", type, 60, std::move(data)}});
}

TEST(ParseDnsReply, RefusesWhatContradictsItself) {
    const auto header = [](std::uint32_t flags) { return reply({}, kQuery, flags); };
    auto missing = reply({});
    missing[7] = '\x01';
    std::string long_name;
    for (int i = 0; i < 128; ++i) long_name += "\x01x";
    struct Row {
        const char* name;
        std::string message;
    };
    for (const auto& row :
         {Row{"nothing", ""}, Row{"a question", header(0x0100)}, Row{"another operation", header(0x9180)},
          Row{"cut short", header(kAnswerFlags | 0x0200)}, Row{"a record that is not there", missing},
          Row{"an address of three bytes", with_data("abc")},
          Row{"an address of five bytes", with_data("abcde")},
          Row{"an alias with something behind", with_data("\x01"
                                                          "a\x00!"s,
                                                          kTypeCname)},
          Row{"an alias without its end", with_data("\x01"
                                                    "a",
                                                    kTypeCname)},
          Row{"a name in itself", with_first_name("\xC0\x22")},
          Row{"a name further on", with_first_name("\xC0\x32")},
          Row{"a name behind the message", with_first_name("\xFF\xFF")},
          Row{"a reserved kind of label", with_first_name("\x80\x0C")},
          Row{"a name of 257 bytes", with_data(long_name + '\0', kTypeCname)}}) {
        SCOPED_TRACE(row.name);
        EXPECT_FALSE(parse_dns_reply(row.message, kQuery).has_value());
    }
}

TEST(ParseDnsReply, TakesTheLongestName) {
    std::string name;
    for (int i = 0; i < 127; ++i) name += "\x01x";
    EXPECT_TRUE(parse_dns_reply(with_data(name + '\0', kTypeCname), kQuery).has_value());
}

// Answers of dnsmasq 2.90, as they came: with --srv-host for two hosts, --host-record for the first of them,
// --cname for www and --local-ttl=77.
const std::string kDnsmasqServices =
    "\x12\x34\x85\x80\x00\x01\x00\x02\x00\x00\x00\x02\x05\x5f\x73\x69\x70\x73\x04\x5f\x74\x63\x70"
    "\x07\x65\x78\x61\x6d\x70\x6c\x65\x04\x74\x65\x73\x74\x00\x00\x21\x00\x01\xc0\x0c\x00\x21\x00"
    "\x01\x00\x00\x00\x4d\x00\x1a\x00\x14\x00\x05\x13\xcf\x05\x65\x64\x67\x65\x32\x07\x65\x78\x61"
    "\x6d\x70\x6c\x65\x04\x74\x65\x73\x74\x00\xc0\x0c\x00\x21\x00\x01\x00\x00\x00\x4d\x00\x1a\x00"
    "\x0a\x00\x3c\x13\xc5\x05\x65\x64\x67\x65\x31\x07\x65\x78\x61\x6d\x70\x6c\x65\x04\x74\x65\x73"
    "\x74\x00\xc0\x61\x00\x01\x00\x01\x00\x00\x00\x4d\x00\x04\xc0\x00\x02\x01\xc0\x61\x00\x1c\x00"
    "\x01\x00\x00\x00\x4d\x00\x10\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"s;
const std::string kDnsmasqAlias =
    "\x12\x34\x85\x80\x00\x01\x00\x02\x00\x00\x00\x00\x03\x77\x77\x77\x07\x65\x78\x61\x6d\x70\x6c"
    "\x65\x04\x74\x65\x73\x74\x00\x00\x1c\x00\x01\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x4d\x00\x14"
    "\x05\x65\x64\x67\x65\x31\x07\x65\x78\x61\x6d\x70\x6c\x65\x04\x74\x65\x73\x74\x00\xc0\x2e\x00"
    "\x1c\x00\x01\x00\x00\x00\x4d\x00\x10\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    "\x00\x01"s;
const std::string kDnsmasqNoSuchName =
    "\x12\x34\x81\x83\x00\x01\x00\x00\x00\x00\x00\x00\x04\x6e\x6f\x70\x65\x07\x65\x78\x61\x6d\x70"
    "\x6c\x65\x04\x74\x65\x73\x74\x00\x00\x01\x00\x01"s;

TEST(ParseDnsReply, ReadsTheAnswersOfDnsmasq) {
    const auto services = parse_dns_reply(kDnsmasqServices, {Type::srv, "_sips._tcp.example.test"});
    ASSERT_TRUE(services.has_value()) << services.error().message;
    EXPECT_EQ(services->services, (std::vector<SrvRecord>{{20, 5, 5071, "edge2.example.test"},
                                                          {10, 60, 5061, "edge1.example.test"}}));
    EXPECT_EQ(services->time_to_live, 77s);
    const auto alias = parse_dns_reply(kDnsmasqAlias, {Type::aaaa, "www.example.test"});
    ASSERT_TRUE(alias.has_value()) << alias.error().message;
    EXPECT_EQ(alias->addresses, Strings{"2001:db8::1"});
    const auto none = parse_dns_reply(kDnsmasqNoSuchName, {Type::a, "nope.example.test"});
    ASSERT_TRUE(none.has_value()) << none.error().message;
    EXPECT_EQ(none->status, Status::none);
}

}  // namespace
}  // namespace callchain::gateway
