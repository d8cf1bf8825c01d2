#include "service/gateway_check.hpp"

#include "gateway/certificates.hpp"
#include "gateway/loop.hpp"

#include <chrono>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace callchain::service {
namespace {

using namespace std::chrono_literals;
using Outcome = Check::Outcome;

constexpr std::chrono::sys_seconds kNow{std::chrono::sys_days(std::chrono::year(2026) / 10 / 1)};
constexpr const char* kHost = "sip.example.com";

/// As Meta wants it: of an authority, for the name, good for a month more.
gateway::CertificateFacts good() {
    gateway::CertificateFacts facts;
    facts.subject = "CN=sip.example.com";
    facts.issuer = "CN=Test Intermediate";
    facts.names = {kHost};
    facts.begins = kNow - std::chrono::days(60);
    facts.ends = kNow + std::chrono::days(30);
    facts.chain = 2;
    facts.key_fits = true;
    facts.key_kind = "EC prime256v1";
    return facts;
}

const Check& named(const std::vector<Check>& checks, const std::string& name) {
    for (const auto& check : checks)
        if (check.name == name) return check;
    static const Check none{Outcome::skipped, "none", "there is no check of that name"};
    ADD_FAILURE() << "no check " << name;
    return none;
}

TEST(CheckCertificate, PassesOneThatIsInOrder) {
    for (const auto& check : check_certificate({good()}, kHost, kNow))
        EXPECT_EQ(check.result, Outcome::pass) << check.name << ": " << check.sentence;
}

TEST(CheckCertificate, JudgesTheDatesAtTheirEdges) {
    struct Row {
        const char* name;
        std::chrono::seconds begins;  // from now
        std::chrono::seconds ends;
        Outcome want;
    };
    const auto day = std::chrono::seconds(86'400);
    for (const auto& row :
         {Row{"14 days left", -day, 14 * day, Outcome::pass},
          Row{"a second less", -day, 14 * day - 1s, Outcome::warn},
          Row{"its last second", -day, 1s, Outcome::warn}, Row{"ends now", -day, 0s, Outcome::fail},
          Row{"ended", -2 * day, -day, Outcome::fail}, Row{"begins now", 0s, 60 * day, Outcome::pass},
          Row{"begins in a second", 1s, 60 * day, Outcome::fail}}) {
        SCOPED_TRACE(row.name);
        auto facts = good();
        facts.begins = kNow + row.begins;
        facts.ends = kNow + row.ends;
        const auto checks = check_certificate({facts}, kHost, kNow);
        const auto& dates = named(checks, "certificate-dates");
        EXPECT_EQ(dates.result, row.want) << dates.sentence;
        EXPECT_EQ(dates.remedy.empty(), row.want == Outcome::pass);
    }
}

TEST(CheckCertificate, TellsWhatIsWrongWithTheChain) {
    struct Row {
        const char* name;
        std::size_t chain;
        bool self_signed;
        const char* verification;
        Outcome want;
        const char* remedy;
    };
    for (const auto& row :
         {Row{"self-signed", 1, true, "self-signed certificate", Outcome::fail, "public authority"},
          Row{"the intermediate is missing", 1, false, "unable to get local issuer certificate",
              Outcome::fail, "fullchain.pem"},
          Row{"an unknown authority", 2, false, "unable to get local issuer certificate", Outcome::fail,
              "public authority"}}) {
        SCOPED_TRACE(row.name);
        auto facts = good();
        facts.chain = row.chain;
        facts.self_signed = row.self_signed;
        facts.verification = row.verification;
        const auto checks = check_certificate({facts}, kHost, kNow);
        const auto& chain = named(checks, "certificate-chain");
        EXPECT_EQ(chain.result, row.want) << chain.sentence;
        EXPECT_NE(chain.remedy.find(row.remedy), std::string::npos) << chain.remedy;
    }
}

TEST(CheckCertificate, FailsAnotherNameAndAnotherKey) {
    auto facts = good();
    facts.names = {"other.example.org"};
    facts.key_fits = false;
    const auto checks = check_certificate({facts}, kHost, kNow);
    EXPECT_EQ(named(checks, "certificate-name").result, Outcome::fail);
    EXPECT_NE(named(checks, "certificate-name").sentence.find("other.example.org"), std::string::npos);
    EXPECT_EQ(named(checks, "certificate-key").result, Outcome::fail);
    EXPECT_EQ(named(check_certificate({good()}, "", kNow), "certificate-name").result, Outcome::skipped);
}

TEST(CheckCertificate, FailsWhatCannotBeRead) {
    const auto checks = check_certificate({fail(ErrorCode::usage, "cannot read x.pem", "look")}, kHost, kNow);
    ASSERT_EQ(checks.size(), 1U);
    EXPECT_EQ(checks[0].result, Outcome::fail);
    EXPECT_EQ(checks[0].remedy, "look");
}

// RFC 5280 section 6.1.3: each certificate of the path must be within its dates, not ours alone.
TEST(CheckCertificate, NamesTheCertificateOfTheChainThatIsOutOfDate) {
    auto above = good();
    above.subject = "CN=Test Intermediate";
    struct Row {
        const char* name;
        std::chrono::seconds begins;  // of the intermediate, from now
        std::chrono::seconds ends;
        bool own_has_ended;
        Outcome want;
        const char* said;
    };
    const auto day = std::chrono::seconds(86'400);
    for (const auto& row :
         {Row{"it ended", -90 * day, -2 * day, false, Outcome::fail,
              "Test Intermediate, above ours in the "
              "chain, ended on 2026-09-29"},
          Row{"it has not begun", 2 * day, 90 * day, false, Outcome::fail, "begins on 2026-10-03 only"},
          Row{"both ended", -90 * day, -2 * day, true, Outcome::fail, "Test Intermediate"},
          Row{"ours ended alone", -90 * day, 90 * day, true, Outcome::skipped, "not judged"},
          Row{"neither: one that is not in the file", -90 * day, 90 * day, false, Outcome::fail,
              "an authority above it"}}) {
        SCOPED_TRACE(row.name);
        above.begins = kNow + row.begins;
        above.ends = kNow + row.ends;
        auto own = good();
        own.verification = "certificate has expired";
        if (row.own_has_ended) own.ends = kNow - day;
        const auto checks = check_certificate({own, {above}}, kHost, kNow);
        const auto& chain = named(checks, "certificate-chain");
        EXPECT_EQ(chain.result, row.want) << chain.sentence;
        EXPECT_NE(chain.sentence.find(row.said), std::string::npos) << chain.sentence;
    }
}

// An old cross-signature may stand in the file of a chain that is good by another way.
TEST(CheckCertificate, DoesNotMindAnOldCertificateBesideAChainThatIsGood) {
    auto old = good();
    old.ends = kNow - std::chrono::days(1);
    EXPECT_EQ(named(check_certificate({good(), {old}}, kHost, kNow), "certificate-chain").result,
              Outcome::pass);
}

TEST(CheckCertificate, WarnsWhereTheFileForTwilioAloneVouchesForOurs) {
    auto facts = good();
    facts.verification = "self-signed certificate";
    facts.self_signed = true;
    CertificateReport report{facts};
    EXPECT_EQ(named(check_certificate(report, kHost, kNow), "certificate-chain").result, Outcome::fail);
    report.known_to_ca_file = true;
    const auto checks = check_certificate(report, kHost, kNow);
    const auto& chain = named(checks, "certificate-chain");
    EXPECT_EQ(chain.result, Outcome::warn);
    EXPECT_NE(chain.sentence.find("Meta will refuse it"), std::string::npos) << chain.sentence;
}

TEST(InspectOwnCertificate, JudgesTheChainWithoutTheFileForTwilio) {
    const auto& made = gateway::Certificates::shared();
    const auto pem = [&](const std::string& name) {
        return PemPair{{.path = made.chain(name), .text = {}}, {.path = made.key(name), .text = {}}};
    };
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    const auto good_one = inspect_own_certificate(pem("good"), made.root(), now);
    ASSERT_TRUE(good_one.facts.has_value()) << good_one.facts.error().message;
    EXPECT_NE(good_one.facts->verification, "") << "no system knows that authority";
    EXPECT_TRUE(good_one.known_to_ca_file);
    ASSERT_EQ(good_one.above.size(), 1U);
    EXPECT_EQ(good_one.above[0].subject, "CN=Test Intermediate");
    EXPECT_FALSE(inspect_own_certificate(pem("good"), "", now).known_to_ca_file);
    EXPECT_FALSE(inspect_own_certificate(pem("stranger"), made.root(), now).known_to_ca_file);
    EXPECT_FALSE(inspect_own_certificate({{.path = "nowhere.pem", .text = {}}, {}}, "", now).facts);

    // The same as text, on one line as variables have it.
    auto text = made.text("good.pem");
    for (auto at = text.find('\n'); at != std::string::npos; at = text.find('\n')) text.replace(at, 1, "\\n");
    const PemPair by_text{{.path = {}, .text = text}, {.path = made.key("good"), .text = {}}};
    EXPECT_EQ(inspect_own_certificate(by_text, "", now).above.size(), 1U);
}

TEST(CheckConfiguration, FailsForProblemsAndWarnsForWarnings) {
    GatewayConfigResult result;
    EXPECT_EQ(worst_of(check_configuration(result)), Outcome::pass);
    result.warnings = {"odd"};
    EXPECT_EQ(worst_of(check_configuration(result)), Outcome::warn);
    result.problems = {{ErrorCode::usage, "wrong", std::nullopt, "mend it"}};
    const auto checks = check_configuration(result);
    EXPECT_EQ(worst_of(checks), Outcome::fail);
    EXPECT_EQ(checks.front().remedy, "mend it");
}

TEST(WorstOf, CountsWhatWasSkippedForNothing) {
    EXPECT_EQ(worst_of({}), Outcome::pass);
    EXPECT_EQ(worst_of({{Outcome::skipped, "a"}}), Outcome::pass);
    EXPECT_EQ(worst_of({{Outcome::warn, "a"}, {Outcome::fail, "b"}, {Outcome::pass, "c"}}), Outcome::fail);
}

TEST(CheckAdvertised, SaysWhereOthersLookForUsAndWhoSaysSo) {
    GatewayConfig config;
    EXPECT_NE(check_advertised(config).sentence.find("bound"), std::string::npos);
    config.driver.inward.advertised_host = kHost;
    config.driver.inward.advertised_port = 15140;
    config.advertised_from = "the certificate, with the port of RAILWAY_TCP_PROXY_PORT";
    EXPECT_EQ(check_advertised(config).sentence,
              "sip.example.com:15140, by the certificate, with the port of RAILWAY_TCP_PROXY_PORT");
}

TEST(CheckCallers, SaysWhoMayCall) {
    GatewayConfig config;
    EXPECT_NE(named(check_callers(config), "callers").sentence.find("only this host"), std::string::npos);
    config.open_to_the_world = true;
    EXPECT_EQ(named(check_callers(config), "callers").result, Outcome::warn);
    EXPECT_NE(named(check_callers(config), "callers").sentence.find("everybody"), std::string::npos);

    config.driver.admission.allow = meta_networks();
    EXPECT_EQ(named(check_callers(config), "callers").result, Outcome::pass);
    EXPECT_EQ(named(check_callers(config), "callers-digest").result, Outcome::warn);

    config.driver.admission.accounts = {{"12145551869", "made-up"}};
    const auto both = check_callers(config);
    EXPECT_NE(named(both, "callers").sentence.find("digest of 1 number"), std::string::npos);
    EXPECT_EQ(worst_of(both), Outcome::pass);
    EXPECT_EQ(named(both, "calls-to-whatsapp").sentence, "off");
}

// A proxy's address stands in for everybody's: then the list proves nothing.
TEST(CheckCallers, DoesNotCountNetworksWhereAddressesAreLost) {
    GatewayConfig config;
    config.driver.admission.allow = meta_networks();
    config.driver.admission.accounts = {{"12145551869", "made-up"}};
    config.driver.admission.addresses_known = false;
    EXPECT_EQ(named(check_callers(config), "callers").sentence.find("network"), std::string::npos);
}

TEST(CheckPort, TellsAFreePortFromOneThatIsTaken) {
    gateway::Loop loop;
    gateway::TransportSettings settings;
    settings.listeners = {{gateway::Transport::tcp, "127.0.0.1:0"}};
    gateway::Transports other(loop, settings, {});
    const auto bound = other.listen();
    ASSERT_TRUE(bound.has_value()) << bound.error().message;
    GatewayConfig config;
    auto& listeners = config.driver.stack.transports.listeners;
    listeners = {{gateway::Transport::tls, text_of(bound->at(0).endpoint)}};
    const auto taken = check_port(config);
    EXPECT_EQ(taken.result, Outcome::warn) << taken.sentence;
    EXPECT_NE(taken.remedy.find("gateway runs there"), std::string::npos) << taken.remedy;
    listeners = {{gateway::Transport::tls, "127.0.0.1:0"}};
    EXPECT_EQ(check_port(config).result, Outcome::pass);
}

// 192.0.2.0/24 is for documentation (RFC 5737): no host has an address of it, and no gateway runs there.
TEST(CheckPort, FailsAnAddressThatIsNotOfThisHost) {
    GatewayConfig config;
    config.driver.stack.transports.listeners = {{gateway::Transport::tls, "192.0.2.1:5061"}};
    const auto check = check_port(config);
    EXPECT_EQ(check.result, Outcome::fail) << check.sentence;
    EXPECT_NE(check.remedy.find("no interface"), std::string::npos) << check.remedy;
}

// What passes by itself is no fault of the configuration: systemd is to start the gateway again.
TEST(IsAddressFault, TellsWhatMayPassFromWhatMustBeMended) {
    gateway::Loop loop;
    const auto error_of = [&](const gateway::TransportSettings& settings) {
        gateway::Transports transports(loop, settings, {});
        auto bound = transports.listen();
        return bound ? Error{} : bound.error();
    };
    gateway::TransportSettings settings;
    settings.listeners = {{gateway::Transport::tcp, "127.0.0.1:0"}};
    gateway::Transports other(loop, settings, {});
    const auto bound = other.listen();
    ASSERT_TRUE(bound.has_value()) << bound.error().message;
    settings.listeners = {{gateway::Transport::tcp, text_of(bound->at(0).endpoint)}};
    EXPECT_TRUE(is_address_fault(error_of(settings)));
    settings.listeners = {{gateway::Transport::tcp, "192.0.2.1:5061"}};
    EXPECT_TRUE(is_address_fault(error_of(settings)));
    settings.listeners = {{gateway::Transport::tls, "127.0.0.1:0"}};
    const auto no_certificate = error_of(settings);
    EXPECT_NE(no_certificate.message, "");
    EXPECT_FALSE(is_address_fault(no_certificate));
}

/// An answer of Twilio's that says nothing bad.
ProbeResult answered() {
    ProbeResult probe;
    probe.verdict = ProbeResult::Verdict::accepted;
    probe.status = 200;
    probe.reason = "OK";
    probe.peer = "192.0.2.1:5061";
    probe.tls_version = "TLSv1.3";
    return probe;
}

TEST(CheckTwilio, JudgesCredentialsByWhatTheProbeCameTo) {
    using Verdict = ProbeResult::Verdict;
    struct Row {
        const char* name;
        Verdict verdict;
        bool authenticated;
        Outcome want;
    };
    for (const auto& row : {Row{"taken", Verdict::accepted, true, Outcome::pass},
                            Row{"not asked for", Verdict::accepted, false, Outcome::skipped},
                            Row{"refused", Verdict::credentials_refused, false, Outcome::fail},
                            Row{"a call began", Verdict::call_began, false, Outcome::warn},
                            Row{"another answer", Verdict::refused, false, Outcome::warn}}) {
        SCOPED_TRACE(row.name);
        auto probe = answered();
        probe.verdict = row.verdict;
        probe.authenticated = row.authenticated;
        ProbeSettings asked;
        asked.invite = true;
        const auto checks = check_twilio(asked, probe, kNow);
        EXPECT_EQ(named(checks, "twilio-credentials").result, row.want);
        EXPECT_EQ(named(checks, "twilio-reachable").result, Outcome::pass);
        EXPECT_NE(named(checks, "twilio-tls").sentence.find("TLSv1.3"), std::string::npos);
    }
}

TEST(CheckTwilio, FailsWhereNobodyAnswers) {
    ProbeResult probe;
    probe.why = "no connection";
    const auto checks = check_twilio({}, probe, kNow);
    ASSERT_EQ(checks.size(), 1U);
    EXPECT_EQ(checks[0].result, Outcome::fail);
    EXPECT_EQ(checks[0].sentence, "no connection");
    EXPECT_NE(checks[0].remedy.find("port 5061"), std::string::npos) << checks[0].remedy;
}

TEST(CheckTwilio, NamesThePortAndTransportThatWereTried) {
    struct Row {
        const char* target;
        gateway::Transport transport;
        const char* want;
    };
    for (const auto& row :
         {Row{"sip:a@example.com", gateway::Transport::tls, "port 5061 there by TLS"},
          Row{"sip:a@example.com", gateway::Transport::udp, "port 5060 there by UDP"},
          Row{"sip:a@example.com:15070", gateway::Transport::tcp, "port 15070 there by TCP"}}) {
        SCOPED_TRACE(row.want);
        ProbeSettings asked;
        asked.target = *sip::parse_uri(row.target);
        asked.transport = row.transport;
        const auto checks = check_twilio(asked, ProbeResult{}, kNow);
        EXPECT_NE(checks.at(0).remedy.find(row.want), std::string::npos) << checks.at(0).remedy;
    }
}

TEST(CheckTwilio, HoldsTheClockAgainstTheDateOfTheAnswer) {
    struct Row {
        const char* date;
        Outcome want;
    };
    for (const auto& row : {Row{"Thu, 01 Oct 2026 00:00:00 GMT", Outcome::pass},
                            Row{"Thu, 01 Oct 2026 00:01:00 GMT", Outcome::pass},
                            Row{"Thu, 01 Oct 2026 00:01:01 GMT", Outcome::warn},
                            Row{"Wed, 30 Sep 2026 23:58:00 GMT", Outcome::warn}, Row{"", Outcome::skipped},
                            Row{"yesterday", Outcome::skipped}}) {
        SCOPED_TRACE(row.date);
        auto probe = answered();
        probe.date = row.date;
        EXPECT_EQ(named(check_twilio({}, probe, kNow), "clock").result, row.want);
    }
}

TEST(TwilioProbe, AsksTheDomainAsACallWould) {
    GatewayConfig config;
    config.driver.inward.domain = "example.sip.twilio.com";
    config.driver.inward.destination = "bridge";
    config.driver.inward.advertised_host = kHost;
    config.driver.twilio = {"gateway01", "made-up"};
    const auto probe = twilio_probe(config, true);
    EXPECT_EQ(sip::write_uri(probe.target), "sip:bridge@example.sip.twilio.com;transport=tls");
    EXPECT_EQ(probe.from_host, kHost);
    EXPECT_EQ(probe.account.username, "gateway01");
    EXPECT_TRUE(probe.invite);
}

}  // namespace
}  // namespace callchain::service
