#include "gateway/resolver.hpp"

#include "gateway/dns_server.hpp"
#include "gateway/loop_thread.hpp"
#include "http/child.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <set>
#include <thread>

namespace callchain::gateway {
namespace {

using namespace std::chrono_literals;
using sip::Destination;
using sip::Transport;
using Manner = DnsServer::Manner;
using Strings = std::vector<std::string>;
using Targets = Result<std::vector<sip::Target>>;

constexpr const char* kService = "_sips._tcp.example.com";

Destination destination(std::string host, std::optional<std::uint16_t> port = std::nullopt) {
    return {std::move(host), false, port, Transport::tls};
}

// "192.0.2.1:5061", or the error.
Strings shown(const Targets& targets) {
    if (!targets) return {targets.error().message};
    Strings lines;
    for (const auto& target : *targets) lines.push_back(numbered(target.address + " ", target.port));
    return lines;
}

// A resolver on a loop of its own, which asks our server unless the test says otherwise.
class ResolverTest : public testing::Test {
  public:
    ResolverTest() {
        settings_.servers = server_.address();
        settings_.hosts_file = "/nonexistent/hosts";
    }
    ~ResolverTest() override { end(); }
    ResolverTest(const ResolverTest&) = delete;
    ResolverTest& operator=(const ResolverTest&) = delete;

  protected:
    void start() {
        loop_.in_loop([this] { resolver_ = std::make_unique<Resolver>(loop_.loop(), settings_); });
    }
    void end() {
        loop_.in_loop([this] { resolver_.reset(); });
    }
    std::future<Targets> begin(const Destination& to) {
        auto promise = std::make_shared<std::promise<Targets>>();
        resolver_->resolve(to, [promise](Targets targets) { promise->set_value(std::move(targets)); });
        return promise->get_future();
    }
    Targets resolve(const Destination& to) {
        if (!resolver_) start();
        auto targets = loop_.in_loop([&] { return begin(to); });
        if (targets.wait_for(60s) != std::future_status::ready)
            return fail(ErrorCode::internal, "the resolver does not end");
        return targets.get();
    }
    Strings resolved(const std::string& host, std::optional<std::uint16_t> port = std::nullopt) {
        return shown(resolve(destination(host, port)));
    }

    DnsServer server_;
    ResolverSettings settings_;
    LoopThread loop_;
    std::unique_ptr<Resolver> resolver_;
};

TEST_F(ResolverTest, FollowsServicesToAddressesOfBothFamilies) {
    server_.set(kTypeSrv, {srv_record(kService, {20, 0, 5071}, "spare.example.com"),
                           srv_record(kService, {10, 0, 5062}, "Edge.Example.com")});
    server_.set(kTypeA,
                {a_record("edge.example.com", "192.0.2.1"), a_record("edge.example.com", "192.0.2.2")});
    server_.set(kTypeAaaa, {aaaa_record("edge.example.com", "2001:db8::1")});
    server_.set(kTypeA, {a_record("spare.example.com", "192.0.2.9")});
    const auto targets = resolve(destination("example.com"));
    EXPECT_EQ(shown(targets),
              (Strings{"2001:db8::1 5062", "192.0.2.1 5062", "192.0.2.2 5062", "192.0.2.9 5071"}));
    ASSERT_TRUE(targets.has_value());
    EXPECT_EQ(targets->front().identity, "example.com");
}

TEST_F(ResolverTest, TakesTheHostItselfWithoutServices) {
    server_.set(kTypeA, {a_record("example.com", "192.0.2.1")});
    EXPECT_EQ(resolved("example.com"), Strings{"192.0.2.1 5061"});
}

TEST_F(ResolverTest, AsksForNoServicesWhereThePortIsKnown) {
    server_.set(kTypeAaaa, {aaaa_record("example.com", "2001:db8::1")});
    EXPECT_EQ(resolved("example.com", 5099), Strings{"2001:db8::1 5099"});
    EXPECT_EQ(server_.asked(kService, kTypeSrv), 0);
}

TEST_F(ResolverTest, ChoosesAmongEqualServicesByChance) {
    server_.set(kTypeSrv, {srv_record(kService, {1, 1, 1}, "example.com"),
                           srv_record(kService, {1, 1, 2}, "example.com")});
    server_.set(kTypeA, {a_record("example.com", "192.0.2.1")});
    std::set<std::string> first;
    for (int i = 0; i < 128; ++i) first.insert(resolved("example.com").front());
    EXPECT_EQ(first.size(), 2) << "each is missing once in 2^127 runs";
}

TEST_F(ResolverTest, NeverAsksForANumber) {
    EXPECT_EQ(shown(resolve({"192.0.2.1", true, 5062, Transport::udp})), Strings{"192.0.2.1 5062"});
    EXPECT_EQ(shown(resolve({"2001:db8::1", true, std::nullopt, Transport::tls})),
              Strings{"2001:db8::1 5061"});
    EXPECT_EQ(server_.asked(), 0);
}

TEST_F(ResolverTest, AsksOnceWhileTheAnswerHolds) {
    server_.set(kTypeA, {a_record("example.com", "192.0.2.1", 3600)});
    for (int i = 0; i < 3; ++i) EXPECT_EQ(resolved("example.com"), Strings{"192.0.2.1 5061"});
    EXPECT_EQ(server_.asked("example.com", kTypeA), 1);
    EXPECT_EQ(server_.asked("example.com", kTypeAaaa), 1) << "that there is none is kept as well";
    EXPECT_EQ(server_.asked(kService, kTypeSrv), 1);
}

TEST_F(ResolverTest, AsksAgainWhenTheAnswerHasEnded) {
    settings_.least_cached = 0s;
    settings_.failure_cached = 0s;
    server_.set(kTypeA, {a_record("example.com", "192.0.2.1", 0)});
    EXPECT_EQ(resolved("example.com", 5061), Strings{"192.0.2.1 5061"});
    server_.set(kTypeA, {a_record("example.com", "192.0.2.2", 0)});
    EXPECT_EQ(resolved("example.com", 5061), Strings{"192.0.2.2 5061"});
}

TEST_F(ResolverTest, TellsNothingFromFailure) {
    struct Row {
        const char* name = nullptr;
        DnsServer::Answer answer;
        const char* want = nullptr;
        bool kept = false;
    };
    const auto nothing = "example.com has no address";
    const auto failure = "the DNS gives no answer for example.com: ";
    settings_.query_time = 300ms;
    for (const auto& row :
         {Row{"NXDOMAIN", {.code = 3}, nothing, true}, Row{"NODATA", {}, nothing, true},
          Row{"SERVFAIL", {.code = 2}, failure, false}, Row{"REFUSED", {.code = 5}, failure, false},
          Row{"FORMERR", {.code = 1}, failure, false},
          Row{"silence", {.manner = Manner::silent}, failure, false},
          Row{"garbage", {.manner = Manner::garbage}, failure, false},
          Row{"three bytes", {.manner = Manner::tiny}, failure, false},
          Row{"another's answer", {.manner = Manner::wrong_number}, failure, false},
          Row{"TCP without an answer", {.manner = Manner::closing}, failure, false}}) {
        SCOPED_TRACE(row.name);
        end();
        server_.set("example.com", kTypeA, row.answer);
        const auto first = resolved("example.com", 5061);
        EXPECT_TRUE(first.front().starts_with(row.want)) << first.front();
        const auto asked = server_.asked("example.com", kTypeA);
        EXPECT_EQ(resolved("example.com", 5061).front(), first.front());
        EXPECT_EQ(server_.asked("example.com", kTypeA) == asked, row.kept);
    }
}

TEST_F(ResolverTest, CallsWithoutServicesWhereTheServerFailsOnThem) {
    server_.set(kService, kTypeSrv, {.code = 4});
    server_.set(kTypeA, {a_record("example.com", "192.0.2.1")});
    EXPECT_EQ(resolved("example.com"), Strings{"192.0.2.1 5061"});
}

TEST_F(ResolverTest, SaysThatADomainHasNoSip) {
    server_.set(kTypeSrv, {srv_record(kService, {0, 0, 0}, ".")});
    EXPECT_EQ(resolved("example.com"), Strings{"the DNS of example.com says that there is no SIP over TLS"});
}

TEST_F(ResolverTest, RepeatsALostQuestion) {
    settings_.query_time = 900ms;
    server_.set("example.com", kTypeA,
                {.records = {a_record("example.com", "192.0.2.1")}, .manner = Manner::silent_once});
    EXPECT_EQ(resolved("example.com", 5061), Strings{"192.0.2.1 5061"});
    EXPECT_EQ(server_.asked("example.com", kTypeA), 2);
}

TEST_F(ResolverTest, AsksTheNextServer) {
    DnsServer bad;
    std::string closed;
    { closed = DnsServer().address(); }
    server_.set(kTypeA, {a_record("example.com", "192.0.2.1")});
    struct Row {
        const char* name = nullptr;
        DnsServer::Answer answer;
        std::string servers;
    };
    settings_.query_time = 3s;
    for (const auto& row : {Row{"silent", {.manner = Manner::silent}, bad.address()},
                            Row{"SERVFAIL", {.code = 2}, bad.address()},
                            Row{"REFUSED", {.code = 5}, bad.address()}, Row{"not there", {}, closed}}) {
        SCOPED_TRACE(row.name);
        end();
        bad.set("example.com", kTypeA, row.answer);
        settings_.servers = row.servers + "," + server_.address();
        EXPECT_EQ(resolved("example.com", 5061), Strings{"192.0.2.1 5061"});
    }
}

TEST_F(ResolverTest, AsksOverTcpForWhatUdpCutsShort) {
    server_.set("example.com", kTypeA,
                {.records = {a_record("example.com", "192.0.2.1")}, .manner = Manner::cut_short});
    EXPECT_EQ(resolved("example.com", 5061), Strings{"192.0.2.1 5061"});
    EXPECT_EQ(server_.asked_over_tcp(), 1);
}

TEST_F(ResolverTest, TakesAnswersOfManyRecords) {
    std::vector<DnsRecord> services;
    for (std::uint16_t i = 0; i < 1'000; ++i)
        services.push_back(
            srv_record(kService, {i, 1, static_cast<std::uint16_t>(6000 + i)}, "edge.example.com"));
    server_.set(kTypeSrv, services);
    server_.set(kTypeA, {a_record("edge.example.com", "192.0.2.1")});
    const auto targets = resolved("example.com");
    ASSERT_EQ(targets.size(), 8);
    EXPECT_EQ(targets.front(), "192.0.2.1 6000");
    EXPECT_EQ(targets.back(), "192.0.2.1 6007");
    EXPECT_EQ(server_.asked_over_tcp(), 1);
}

TEST_F(ResolverTest, FollowsAliasesThatEnd) {
    server_.set("example.com", kTypeA,
                {{cname_record("example.com", "a.example.net"),
                  cname_record("a.example.net", "b.example.net"), a_record("b.example.net", "192.0.2.1")}});
    EXPECT_EQ(resolved("example.com", 5061), Strings{"192.0.2.1 5061"});
    server_.set(
        "loop.example.com", kTypeA,
        {{cname_record("loop.example.com", "b.example"), cname_record("b.example", "loop.example.com")}});
    EXPECT_EQ(resolved("loop.example.com", 5061),
              Strings{"the DNS gives no answer for loop.example.com: DNS: aliases without an end"});
}

TEST_F(ResolverTest, AsksEqualQuestionsOnce) {
    server_.set("example.com", kTypeA,
                {.records = {a_record("example.com", "192.0.2.1")}, .manner = Manner::cut_short});
    start();
    auto all = loop_.in_loop([this] {
        std::vector<std::future<Targets>> begun;
        for (int i = 0; i < 50; ++i) begun.push_back(begin(destination("example.com")));
        return begun;
    });
    for (auto& one : all) EXPECT_EQ(shown(one.get()), Strings{"192.0.2.1 5061"});
    EXPECT_EQ(server_.asked(kService, kTypeSrv), 1);
    EXPECT_EQ(server_.asked("example.com", kTypeAaaa), 1);
    EXPECT_EQ(server_.asked("example.com", kTypeA), 2) << "over UDP and TCP";
}

TEST_F(ResolverTest, ResolvesManyNamesAtATime) {
    constexpr int kNames = 100;
    const auto name = [](int i) { return numbered("n", i, ".example.com"); };
    for (int i = 0; i < kNames; ++i) server_.set(kTypeA, {a_record(name(i), numbered("192.0.2.", i))});
    settings_.query_time = 20s;
    start();
    auto all = loop_.in_loop([&] {
        std::vector<std::future<Targets>> begun;
        for (int i = 0; i < kNames; ++i) begun.push_back(begin(destination(name(i))));
        return begun;
    });
    for (int i = 0; i < kNames; ++i)
        EXPECT_EQ(shown(all[static_cast<std::size_t>(i)].get()), Strings{numbered("192.0.2.", i, " 5061")});
}

TEST_F(ResolverTest, LooksIntoTheHostsFileFirst) {
    const auto path = std::filesystem::temp_directory_path() / numbered("callchain-resolver-", getpid());
    std::ofstream(path) << "192.0.2.7 example.com\n192.0.2.8 edge.example.net\n";
    settings_.hosts_file = path;
    EXPECT_EQ(resolved("example.com"), Strings{"192.0.2.7 5061"});
    EXPECT_EQ(server_.asked(), 0);
    server_.set(kTypeSrv, {srv_record("_sips._tcp.example.net", {1, 1, 5099}, "edge.example.net")});
    EXPECT_EQ(resolved("example.net"), Strings{"192.0.2.8 5099"});
    EXPECT_EQ(server_.asked("edge.example.net", kTypeA), 0);
    std::filesystem::remove(path);
}

TEST_F(ResolverTest, NeverCallsFromWithin) {
    start();
    for (const auto& to :
         {Destination{"192.0.2.1", true, 1, Transport::udp}, destination("example.com", 1)}) {
        std::promise<bool> called_within;
        loop_.in_loop([&] {
            auto within = std::make_shared<bool>(true);
            resolver_->resolve(to, [&, within](const Targets&) { called_within.set_value(*within); });
            *within = false;
        });
        EXPECT_FALSE(called_within.get_future().get());
    }
}

TEST_F(ResolverTest, CallsNothingBehindItsEnd) {
    server_.set("silent.example.com", kTypeA, {.manner = Manner::silent});
    server_.set(kTypeA, {a_record("example.com", "192.0.2.1")});
    settings_.query_time = 50ms;
    start();
    std::atomic<int> called{0};
    const auto count = [&called](const Targets&) { ++called; };
    loop_.in_loop([&] {
        resolver_->resolve(destination("silent.example.com"), count);
        resolver_->resolve(destination("example.com"), count);
        resolver_->resolve({"192.0.2.1", true, 1, Transport::udp}, count);
        resolver_.reset();
    });
    // Another one with the same patience, begun later, shows that the time is over.
    start();
    EXPECT_EQ(resolved("silent.example.com", 1).size(), 1);
    EXPECT_EQ(called, 0);
}

// The answer is on its way through the loop already.
TEST_F(ResolverTest, CallsNothingBehindItsEndForWhatWasAnswered) {
    settings_.servers = "no address";
    start();
    std::atomic<int> called{0};
    loop_.in_loop([&] {
        resolver_->resolve(destination("example.com"), [&called](const Targets&) { ++called; });
        resolver_.reset();
    });
    loop_.in_loop([] {});
    EXPECT_EQ(called, 0);
}

TEST_F(ResolverTest, MayBeEndedByWhatItCalls) {
    server_.set(kTypeA, {a_record("example.com", "192.0.2.1")});
    start();
    std::atomic<int> called{0};
    std::promise<void> ended;
    loop_.in_loop([&] {
        for (int i = 0; i < 3; ++i) {
            resolver_->resolve(destination("example.com"), [&](const Targets&) {
                resolver_.reset();
                if (++called == 1) ended.set_value();
            });
        }
    });
    ended.get_future().get();
    loop_.in_loop([] {});
    EXPECT_EQ(called, 1);
}

TEST_F(ResolverTest, MayBeAskedAgainByWhatItCalls) {
    server_.set(kTypeA, {a_record("example.com", "192.0.2.1")});
    start();
    std::promise<Strings> second;
    loop_.in_loop([&] {
        resolver_->resolve(destination("example.com"), [&](const Targets&) {
            resolver_->resolve(destination("example.com"),
                               [&](const Targets& targets) { second.set_value(shown(targets)); });
        });
    });
    EXPECT_EQ(second.get_future().get(), Strings{"192.0.2.1 5061"});
}

TEST_F(ResolverTest, SaysThatItsServersCannotBeRead) {
    settings_.servers = "dns.example.com";
    EXPECT_EQ(resolved("example.com"),
              Strings{"the DNS gives no answer for example.com: not a list of DNS servers: dns.example.com"});
    EXPECT_EQ(shown(resolve({"192.0.2.1", true, 1, Transport::udp})), Strings{"192.0.2.1 1"});
}

// Ends between a third and the whole of the patience for a question, SRV and addresses one after the other.
TEST_F(ResolverTest, WaitsNoLongerThanToldForASilentServer) {
    for (const char* name : {"example.com", kService})
        for (const auto type : {kTypeA, kTypeAaaa, kTypeSrv})
            server_.set(name, type, {.manner = Manner::silent});
    settings_.query_time = 200ms;
    start();
    const auto began = std::chrono::steady_clock::now();
    EXPECT_TRUE(resolved("example.com").front().starts_with("the DNS gives no answer for example.com"));
    const auto took = std::chrono::steady_clock::now() - began;
    EXPECT_GE(took, 200ms);
    EXPECT_LT(took, 15s) << "it would be 75 s if c-ares had its own way";
}

// c-ares would ask each of them twice, for a third of the patience and for two.
TEST_F(ResolverTest, EndsAQuestionBeforeAllServersHadTheirTime) {
    server_.set("example.com", kTypeA, {.manner = Manner::silent});
    settings_.query_time = 100ms;
    for (int i = 0; i < 600; ++i) settings_.servers.append(",").append(server_.address());
    start();
    const auto began = std::chrono::steady_clock::now();
    EXPECT_EQ(resolved("example.com", 5061),
              Strings{"the DNS gives no answer for example.com: no DNS server answers"});
    EXPECT_LT(std::chrono::steady_clock::now() - began, 30s) << "of 60";
}

// dnsmasq as an independent server on a free port.
class DnsmasqTest : public ResolverTest {
  protected:
    void SetUp() override {
        if (access("/usr/sbin/dnsmasq", X_OK) != 0)
            FAIL() << "dnsmasq is missing: apt-get install -y --no-install-recommends dnsmasq-base";
        // The address of a server of ours that has ended is free.
        settings_.servers = std::make_unique<DnsServer>()->address();
        const auto port = settings_.servers.substr(settings_.servers.find(':') + 1);
        dnsmasq_ = std::make_unique<http::Child>(Strings{
            "/usr/sbin/dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
            "--pid-file=", "--bind-interfaces", "--listen-address=127.0.0.1", "--port=" + port,
            "--local=/example.test/", "--srv-host=_sips._tcp.example.test,spare.example.test,5071,20,5",
            "--srv-host=_sips._tcp.example.test,edge1.example.test,5061,10,90",
            "--srv-host=_sips._tcp.example.test,edge2.example.test,5062,10,10",
            "--host-record=edge1.example.test,192.0.2.1,2001:db8::1",
            "--host-record=edge2.example.test,192.0.2.2", "--host-record=spare.example.test,192.0.2.3",
            "--cname=www.example.test,edge1.example.test", "--txt-record=text.example.test,nothing else"});
        const auto limit = std::chrono::steady_clock::now() + 20s;
        while (!resolve(destination("edge1.example.test", 1))) {
            ASSERT_LT(std::chrono::steady_clock::now(), limit) << "dnsmasq does not answer";
            std::this_thread::sleep_for(20ms);
            end();
        }
    }
    void TearDown() override {
        if (dnsmasq_) dnsmasq_->kill();
    }

    std::unique_ptr<http::Child> dnsmasq_;
};

TEST_F(DnsmasqTest, OrdersServicesByPriorityAndWeight) {
    int edge1_first = 0;
    for (int i = 0; i < 200; ++i) {
        const auto targets = resolved("example.test");
        ASSERT_EQ(targets.size(), 4);
        edge1_first += targets.front() == "2001:db8::1 5061" ? 1 : 0;
        EXPECT_EQ(targets.back(), "192.0.2.3 5071");
        EXPECT_EQ(std::count(targets.begin(), targets.end(), "192.0.2.2 5062"), 1);
    }
    // 180 expected with a deviation of 4.
    EXPECT_GT(edge1_first, 140);
    EXPECT_LT(edge1_first, 200);
}

TEST_F(DnsmasqTest, AnswersAddressesAliasesAndNothing) {
    EXPECT_EQ(resolved("www.example.test", 5061), (Strings{"2001:db8::1 5061", "192.0.2.1 5061"}));
    EXPECT_EQ(resolved("edge2.example.test"), Strings{"192.0.2.2 5061"});
    EXPECT_EQ(resolved("text.example.test"), Strings{"text.example.test has no address"});
    EXPECT_EQ(resolved("gone.example.test"), Strings{"gone.example.test has no address"});
    EXPECT_TRUE(resolved("elsewhere.test").front().starts_with("the DNS gives no answer for elsewhere.test"))
        << "it refuses what it does not serve";
}

}  // namespace
}  // namespace callchain::gateway
