#include "service/gateway_probe.hpp"

#include "gateway/dns_server.hpp"
#include "gateway/loop_thread.hpp"
#include "gateway/loop_wait.hpp"
#include "gateway/party.hpp"

#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace callchain::service {
namespace {

using namespace std::chrono_literals;
using gateway::Arrived;
using gateway::Certificates;
using gateway::Party;
using gateway::Transport;
using Verdict = ProbeResult::Verdict;

const sip::DigestAccount kAccount{"gateway01", "made-up-0123456789"};

/// A SIP server on a loop of its own: the probe has one, too, and waits for its end.
class Server {
  public:
    explicit Server(Transport transport, const std::function<void(Party&)>& prepare = {})
        : transport_(transport) {
        thread_.in_loop([&] {
            party_ = std::make_unique<Party>(thread_.loop(), transport, "server");
            if (prepare) prepare(*party_);
        });
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server() {
        thread_.in_loop([this] { party_.reset(); });
    }

    // For what runs on the server's loop.
    [[nodiscard]] gateway::Loop& loop() { return thread_.loop(); }
    [[nodiscard]] Party& party() { return *party_; }

    [[nodiscard]] ProbeSettings settings() {
        ProbeSettings probe;
        probe.transport = transport_;
        probe.target = *sip::parse_uri("sip:bridge@" +
                                       thread_.in_loop([this] { return party_->node.address(transport_); }));
        probe.ca_file = Certificates::shared().root();
        probe.patience = 60s;
        return probe;
    }
    [[nodiscard]] std::size_t requests(const std::string& method) {
        return thread_.in_loop([&] { return party_->requests(method); });
    }
    /// The value of that header in each request of the method, in order.
    [[nodiscard]] std::vector<std::string> headers(const std::string& method, const std::string& name) {
        return thread_.in_loop([&] {
            std::vector<std::string> values;
            for (const auto& one : party_->node.messages)
                if (one.message.message.method == method)
                    values.emplace_back(one.message.message.find(name).value_or(""));
            return values;
        });
    }

    void run(const std::function<void()>& work) { thread_.in_loop(work); }

  private:
    Transport transport_;
    gateway::LoopThread thread_;
    std::unique_ptr<Party> party_;
};

void say(Party& party, const Arrived& to, int status) {
    auto response = sip::make_response(to.message, status, "", "servertag");
    response.add("Contact", party.contact());
    party.send(to.flow.id, response);
}

std::string exchange_of(const ProbeResult& result) {
    std::string text;
    for (const auto& one : result.exchange) text += one.text;
    return text;
}

TEST(ProbeGateway, SaysThatOptionsWasAnsweredOverEachTransport) {
    for (const auto transport : {Transport::udp, Transport::tcp, Transport::tls}) {
        SCOPED_TRACE(sip::name_of(transport));
        Server server(transport);
        const auto result = run_probe(server.settings());
        ASSERT_TRUE(result.has_value()) << result.error().message;
        EXPECT_EQ(result->verdict, Verdict::accepted) << result->why;
        EXPECT_EQ(result->status, 200);
        EXPECT_FALSE(result->authenticated);
        EXPECT_EQ(result->tls_version, transport == Transport::tls ? "TLSv1.3" : "");
        ASSERT_EQ(result->exchange.size(), 2U);
        EXPECT_FALSE(result->exchange[0].received);
        EXPECT_TRUE(result->exchange[1].received);
    }
}

// 420 Bad Extension names what was not understood, and no call begins. Source: RFC 3261 section 8.2.2.3.
TEST(ProbeGateway, TakesTheRefusalOfItsOptionBehindCredentialsForAGoodAnswer) {
    Server server(Transport::tcp, [](Party& party) {
        party.asks_for = kAccount;
        party.refuses_with = 420;
    });
    auto settings = server.settings();
    settings.invite = true;
    settings.account = kAccount;
    const auto result = run_probe(settings);
    ASSERT_TRUE(result.has_value()) << result.error().message;
    EXPECT_EQ(result->verdict, Verdict::accepted) << result->why;
    EXPECT_EQ(result->status, 420);
    EXPECT_TRUE(result->authenticated);
    EXPECT_EQ(server.headers("INVITE", "Require"),
              (std::vector<std::string>{"callchain-probe", "callchain-probe"}));
    EXPECT_EQ(server.headers("INVITE", "CSeq"), (std::vector<std::string>{"1 INVITE", "2 INVITE"}));
    const auto calls = server.headers("INVITE", "Call-ID");
    EXPECT_EQ(calls.at(0), calls.at(1));
}

TEST(ProbeGateway, ShowsNoCredentials) {
    Server server(Transport::tcp, [](Party& party) {
        party.asks_for = kAccount;
        party.refuses_with = 420;
    });
    auto settings = server.settings();
    settings.invite = true;
    settings.account = kAccount;
    const auto result = run_probe(settings);
    ASSERT_TRUE(result.has_value()) << result.error().message;
    const auto sent = server.headers("INVITE", "Proxy-Authorization").at(1);
    const auto at = sent.find("response=\"");
    ASSERT_NE(at, std::string::npos) << sent;
    const auto digest = sent.substr(at + 10, 32);
    const auto shown = exchange_of(*result);
    EXPECT_NE(shown.find("Proxy-Authorization"), std::string::npos) << shown;
    EXPECT_EQ(shown.find(digest), std::string::npos) << shown;
    EXPECT_EQ(shown.find(kAccount.password), std::string::npos) << shown;
}

TEST(ProbeGateway, TellsWrongCredentialsFromNone) {
    struct Row {
        const char* name;
        sip::DigestAccount account;
        Verdict want;
        std::size_t invites;
    };
    for (const auto& row : {Row{"wrong password", {"gateway01", "another"}, Verdict::credentials_refused, 2},
                            Row{"unknown user", {"somebody", "another"}, Verdict::credentials_refused, 2},
                            Row{"none", {}, Verdict::challenged, 1}}) {
        SCOPED_TRACE(row.name);
        Server server(Transport::tcp, [](Party& party) { party.asks_for = kAccount; });
        auto settings = server.settings();
        settings.invite = true;
        settings.account = row.account;
        const auto result = run_probe(settings);
        ASSERT_TRUE(result.has_value()) << result.error().message;
        EXPECT_EQ(result->verdict, row.want) << result->why;
        EXPECT_FALSE(result->authenticated);
        EXPECT_FALSE(result->why.empty());
        EXPECT_EQ(server.requests("INVITE"), row.invites);
    }
}

TEST(ProbeGateway, ReportsAnyOtherAnswerAsARefusal) {
    Server server(Transport::tcp, [](Party& party) {
        party.node.on_message = [&party](const Arrived& arrived) {
            if (arrived.message.message.method == "OPTIONS") say(party, arrived, 404);
        };
    });
    const auto result = run_probe(server.settings());
    ASSERT_TRUE(result.has_value()) << result.error().message;
    EXPECT_EQ(result->verdict, Verdict::refused);
    EXPECT_EQ(result->status, 404);
}

// A real INVITE can begin a paid session: what rings must be cancelled, and told.
TEST(ProbeGateway, CancelsAndReportsACallThatRings) {
    Server server(Transport::tcp, [](Party& party) { party.answers = false; });
    auto settings = server.settings();
    settings.invite = true;
    const auto result = run_probe(settings);
    ASSERT_TRUE(result.has_value()) << result.error().message;
    EXPECT_EQ(result->verdict, Verdict::call_began) << result->why;
    EXPECT_NE(result->why.find("cancelled"), std::string::npos) << result->why;
    EXPECT_EQ(server.requests("CANCEL"), 1U);
    EXPECT_EQ(server.requests("BYE"), 0U);
}

TEST(ProbeGateway, EndsAndReportsACallThatIsAnswered) {
    Server server(Transport::tcp, [](Party& party) { party.rings = false; });
    auto settings = server.settings();
    settings.invite = true;
    const auto result = run_probe(settings);
    ASSERT_TRUE(result.has_value()) << result.error().message;
    EXPECT_EQ(result->verdict, Verdict::call_began) << result->why;
    EXPECT_NE(result->why.find("BYE"), std::string::npos) << result->why;
    EXPECT_EQ(server.requests("ACK"), 1U);
    EXPECT_EQ(server.requests("BYE"), 1U);
}

// Over UDP the 2xx is repeated until its ACK is there, which may be behind the BYE. Source: RFC 3261 section
// 13.2.2.4: each one is acknowledged.
TEST(ProbeGateway, WaitsForTheAnswerToItsByeWhileTheAnswerOfTheCallIsRepeated) {
    Server server(Transport::tcp, [](Party& party) {
        struct Seen {
            std::optional<Arrived> invite;
            std::optional<Arrived> bye;
        };
        auto seen = std::make_shared<Seen>();
        party.node.on_message = [&party, seen](const Arrived& arrived) {
            const auto& method = arrived.message.message.method;
            if (method == "INVITE") {
                seen->invite = arrived;
                say(party, arrived, 200);
            } else if (method == "BYE") {
                seen->bye = arrived;
                say(party, *seen->invite, 200);
            } else if (method == "ACK" && seen->bye) {
                say(party, *seen->bye, 200);
            }
        };
    });
    auto settings = server.settings();
    settings.invite = true;
    const auto result = run_probe(settings);
    ASSERT_TRUE(result.has_value()) << result.error().message;
    EXPECT_EQ(result->verdict, Verdict::call_began) << result->why;
    EXPECT_EQ(server.headers("ACK", "CSeq"), (std::vector<std::string>{"1 ACK", "1 ACK"}));
    EXPECT_TRUE(result->exchange.back().received);
    EXPECT_NE(result->exchange.back().text.find("BYE"), std::string::npos) << result->exchange.back().text;
}

// 100 alone is no ringing, and the call may still begin once nobody looks any more.
TEST(ProbeGateway, CancelsAnInviteThatIsNotAnsweredInTime) {
    Server server(Transport::tcp, [](Party& party) {
        auto invite = std::make_shared<std::optional<Arrived>>();
        party.node.on_message = [&party, invite](const Arrived& arrived) {
            const auto& method = arrived.message.message.method;
            if (method == "INVITE") {
                *invite = arrived;
                say(party, arrived, 100);
            } else if (method == "CANCEL") {
                say(party, arrived, 200);
                say(party, **invite, 487);
            }
        };
    });
    auto settings = server.settings();
    settings.invite = true;
    settings.patience = 200ms;
    const auto result = run_probe(settings);
    ASSERT_TRUE(result.has_value()) << result.error().message;
    EXPECT_EQ(result->verdict, Verdict::unreachable) << result->why;
    EXPECT_NE(result->why.find("200 ms"), std::string::npos) << result->why;
    EXPECT_EQ(server.requests("CANCEL"), 1U);
}

TEST(ProbeGateway, EndsACallThatIsAnsweredWhileItIsGivenUp) {
    Server server(Transport::tcp, [](Party& party) {
        auto invite = std::make_shared<std::optional<Arrived>>();
        party.node.on_message = [&party, invite](const Arrived& arrived) {
            const auto& method = arrived.message.message.method;
            if (method == "INVITE") {
                *invite = arrived;
                say(party, arrived, 100);
            } else if (method == "CANCEL") {
                say(party, **invite, 200);
                say(party, arrived, 200);
            } else if (method == "BYE") {
                say(party, arrived, 200);
            }
        };
    });
    auto settings = server.settings();
    settings.invite = true;
    settings.patience = 200ms;
    const auto result = run_probe(settings);
    ASSERT_TRUE(result.has_value()) << result.error().message;
    EXPECT_EQ(result->verdict, Verdict::call_began) << result->why;
    EXPECT_EQ(server.requests("BYE"), 1U);
}

// The first address says nothing, the next one cannot be reached, and then the first one answers: that call
// stands there until it is ended. Source: RFC 3261 section 13.2.2.4.
TEST(ProbeGateway, EndsACallThatIsAnsweredBehindItsBeingGivenUp) {
    struct Late {
        std::optional<Arrived> invite;
        std::unique_ptr<gateway::Alarm> alarm;
    };
    Server server(Transport::tcp);
    server.run([&server] {
        auto& party = server.party();
        auto late = std::make_shared<Late>();
        late->alarm = std::make_unique<gateway::Alarm>(
            server.loop(), [&party, late = late.get()] { say(party, *late->invite, 200); });
        party.node.on_message = [&party, late](const Arrived& arrived) {
            const auto& method = arrived.message.message.method;
            if (method == "INVITE") {
                late->invite = arrived;
                late->alarm->set(gateway::Loop::now() + 300ms);
            } else if (method == "BYE") {
                say(party, arrived, 200);
            }
        };
    });
    gateway::DnsServer dns;
    // 127.0.0.2 is of this host as well, and nobody listens there.
    dns.set(gateway::kTypeA, {gateway::a_record("sip.example.com", "127.0.0.1"),
                              gateway::a_record("sip.example.com", "127.0.0.2")});
    auto settings = server.settings();
    settings.target.host = "sip.example.com";
    settings.dns_servers = dns.address();
    settings.invite = true;
    settings.first_answer = 50ms;
    const auto result = run_probe(settings);
    ASSERT_TRUE(result.has_value()) << result.error().message;
    EXPECT_EQ(result->verdict, Verdict::call_began) << result->why;
    EXPECT_NE(result->why.find("BYE"), std::string::npos) << result->why;
    EXPECT_EQ(server.requests("ACK"), 1U);
    EXPECT_EQ(server.requests("BYE"), 1U);
}

TEST(ProbeGateway, SaysInWordsWhomItCouldNotReach) {
    gateway::DnsServer dns;
    dns.set(gateway::kTypeA, {gateway::a_record("sip.example.com", "127.0.0.1"),
                              gateway::a_record("sip.example.com", "127.0.0.2")});
    ProbeSettings settings;
    settings.target = *sip::parse_uri("sip:bridge@127.0.0.1:9");
    settings.transport = Transport::tcp;
    const auto one = run_probe(settings);
    ASSERT_TRUE(one.has_value()) << one.error().message;
    EXPECT_EQ(one->why, "no TCP connection to 127.0.0.1:9: Connection refused");

    settings.target.host = "sip.example.com";
    settings.dns_servers = dns.address();
    const auto two = run_probe(settings);
    ASSERT_TRUE(two.has_value()) << two.error().message;
    for (const auto* said : {"127.0.0.1:9 could not be reached", "127.0.0.2:9 could not be reached",
                             ": no TCP connection to 127.0.0."})
        EXPECT_NE(two->why.find(said), std::string::npos) << two->why;
}

TEST(ProbeGateway, SaysThatNobodySpeaksTlsThere) {
    Server server(Transport::tcp);
    auto settings = server.settings();
    settings.transport = Transport::tls;
    const auto result = run_probe(settings);
    ASSERT_TRUE(result.has_value()) << result.error().message;
    EXPECT_EQ(result->verdict, Verdict::unreachable);
    EXPECT_EQ(result->status, 0);
    EXPECT_NE(result->why.find("TLS"), std::string::npos) << result->why;
}

TEST(ProbeGateway, DoesNotTakeACertificateOfAnAuthorityItDoesNotKnow) {
    Server server(Transport::tls);
    auto settings = server.settings();
    settings.ca_file = Certificates::shared().path("nobody.crt");
    const auto result = run_probe(settings);
    ASSERT_TRUE(result.has_value()) << result.error().message;
    EXPECT_EQ(result->verdict, Verdict::unreachable);
    EXPECT_NE(result->why.find("certificate"), std::string::npos) << result->why;
    EXPECT_EQ(server.requests("OPTIONS"), 0U);
}

TEST(ProbeGateway, RefusesACaFileThatCannotBeRead) {
    Server server(Transport::tls);
    auto settings = server.settings();
    settings.ca_file = "nowhere.pem";
    const auto result = run_probe(settings);
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code, ErrorCode::usage);
    EXPECT_NE(result.error().message.find("nowhere.pem"), std::string::npos) << result.error().message;
}

// What stands in a user must be escaped, and headers of a URI are no part of a request. Source: RFC 3261
// sections 25.1 and 19.1.1.
TEST(ProbeRequest, CanBeReadWhateverTheUserIsCalled) {
    ProbeSettings settings;
    settings.target = *sip::parse_uri("sip:bridge@example.sip.twilio.com?Subject=x");
    settings.account.username = "a b@<c>";
    auto request = probe_request(settings, std::string(32, 'a'));
    EXPECT_EQ(request.find("To"), "<sip:bridge@example.sip.twilio.com>");
    EXPECT_EQ(sip::write_uri(request.uri), "sip:bridge@example.sip.twilio.com");
    request.headers.insert(request.headers.begin(), {"Via", "SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKa"});
    const auto written = sip::write_message(request);
    ASSERT_TRUE(written.has_value()) << written.error().message;
    const auto read = sip::parse_message(*written, sip::Carrier::stream);
    ASSERT_TRUE(read.has_value()) << read.error().why;
    EXPECT_EQ(read->from.uri.user, "a%20b%40%3Cc%3E");
    EXPECT_EQ(read->contact.at(0).uri.host, "callchain.invalid");
}

TEST(ProbeRequest, RequiresTheUnknownOptionOfAnInviteAlone) {
    ProbeSettings settings;
    settings.target = *sip::parse_uri("sip:bridge@example.sip.twilio.com;transport=tls");
    EXPECT_FALSE(probe_request(settings, std::string(32, 'a')).find("Require").has_value());
    settings.invite = true;
    const auto invite = probe_request(settings, std::string(32, 'a'));
    EXPECT_EQ(invite.method, "INVITE");
    EXPECT_EQ(invite.find("Require"), "callchain-probe");
    EXPECT_TRUE(invite.body.empty());  // without an offer there is nothing to be answered with sound
    EXPECT_EQ(invite.find("To"), "<sip:bridge@example.sip.twilio.com;transport=tls>");
}

}  // namespace
}  // namespace callchain::service
