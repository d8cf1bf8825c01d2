#include "service/gateway_config.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace callchain::service {
namespace {

using Values = std::map<std::string, std::string>;
using sip::Transport;

/// A gateway as it is in production: TLS, digest, Meta's networks. All values made up.
Values production() {
    return {{"TWILIO_SIP_DOMAIN", "example.sip.twilio.com"},
            {"TWILIO_SIP_USERNAME", "gateway01"},
            {"TWILIO_SIP_PASSWORD", "made-up-0123456789"},
            {"TWILIO_DESTINATION", "bridge"},
            {"META_SIP_USERNAME", "12145551869"},
            {"META_SIP_PASSWORD", "made-up-9876543210"},
            {"TLS_CERT_PATH", "/etc/callchain/tls/fullchain.pem"},
            {"TLS_KEY_PATH", "/etc/callchain/tls/privkey.pem"},
            {"CALLCHAIN_ADVERTISE", "sip.example.com"},
            {"CALLCHAIN_ALLOW", "meta"}};
}

struct Given {
    Values values = production();
    bool open_to_the_world = false;
    std::string railway_port = {};
    std::string railway_proxy_domain = {};
    std::string railway_proxy_port = {};
    std::vector<std::string> certificate_names = {};
};

GatewayConfigResult read(const Given& given) {
    const config::Settings settings(
        gateway_settings(), [](std::string_view) { return std::nullopt; },
        [&](const std::string& name) -> std::optional<config::Variable> {
            const auto found = given.values.find(name);
            return found == given.values.end() ? std::nullopt
                                               : std::optional(config::Variable{found->second, ""});
        });
    return read_gateway_config({.settings = settings,
                                .open_to_the_world = given.open_to_the_world,
                                .railway_port = given.railway_port,
                                .railway_proxy_domain = given.railway_proxy_domain,
                                .railway_proxy_port = given.railway_proxy_port,
                                .certificate_names = given.certificate_names});
}

/// Production, with these values changed; an empty one counts as not set.
GatewayConfigResult read_with(const Values& changed) {
    Given given;
    for (const auto& [name, value] : changed) given.values[name] = value;
    return read(given);
}

std::string all_of(const std::vector<Error>& problems) {
    std::string text;
    for (const auto& problem : problems) text += problem.message + " | " + problem.hint + "\n";
    return text;
}
std::string all_of(const std::vector<std::string>& warnings) {
    std::string text;
    for (const auto& warning : warnings) text += warning + "\n";
    return text;
}
bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST(ReadGatewayConfig, ReadsWhatAProductionHas) {
    const auto result = read({});
    ASSERT_TRUE(result.config.has_value()) << all_of(result.problems);
    const auto& config = *result.config;
    const auto& driver = config.driver;
    ASSERT_EQ(driver.stack.transports.listeners.size(), 1U);
    EXPECT_EQ(driver.stack.transports.listeners[0].transport, Transport::tls);
    EXPECT_EQ(driver.stack.transports.listeners[0].address, "[::]:5061");
    ASSERT_TRUE(driver.stack.transports.tls_server.has_value());
    EXPECT_EQ(driver.stack.transports.tls_server->certificate.path, "/etc/callchain/tls/fullchain.pem");
    EXPECT_EQ(driver.stack.sent_by, "sip.example.com");
    EXPECT_EQ(driver.inward.domain, "example.sip.twilio.com");
    EXPECT_EQ(driver.inward.destination, "bridge");
    EXPECT_EQ(driver.inward.transport_b, Transport::tls);
    EXPECT_EQ(driver.inward.secure_media, sdp::SecureMedia::on);
    EXPECT_EQ(driver.inward.advertised_host, "sip.example.com");
    EXPECT_EQ(driver.inward.advertised_port, 5061);
    EXPECT_EQ(driver.inward.ring, std::chrono::seconds(60));
    EXPECT_EQ(driver.inward.most_length, std::chrono::seconds(3600));
    EXPECT_EQ(driver.inward.keep_alive, std::chrono::seconds(300));
    EXPECT_TRUE(driver.inward.pass_caller);
    EXPECT_FALSE(driver.inward.pass_whatsapp_headers);
    EXPECT_EQ(driver.admission.realm, "sip.example.com");
    EXPECT_EQ(driver.admission.most_calls, 2000U);
    EXPECT_EQ(driver.admission.accounts.at(0).username, "12145551869");
    EXPECT_FALSE(driver.outward.has_value());
    EXPECT_EQ(config.admin_listen, "127.0.0.1:9465");
    EXPECT_EQ(config.drain, std::chrono::seconds(30));
    EXPECT_FALSE(config.nobody_checked);
}

TEST(ReadGatewayConfig, NamesEverythingThatIsMissingAtOnceEachWithAHint) {
    const auto result = read({.values = {}});
    EXPECT_FALSE(result.config.has_value());
    const auto text = all_of(result.problems);
    for (const auto* name :
         {"certificate", "TWILIO_SIP_DOMAIN", "TWILIO_SIP_USERNAME", "TWILIO_SIP_PASSWORD"})
        EXPECT_TRUE(has(text, name)) << name << "\n" << text;
    for (const auto& problem : result.problems) EXPECT_FALSE(problem.hint.empty()) << problem.message;
}

struct BadRow {
    const char* name;
    const char* value;
    const char* said;
};
TEST(ReadGatewayConfig, RefusesEachMalformedSettingByName) {
    for (const auto& row : {BadRow{"PORT", "80000", "PORT (--port)"},
                            BadRow{"CALLCHAIN_LISTEN", "here:80", "CALLCHAIN_LISTEN"},
                            BadRow{"USE_TLS", "perhaps", "USE_TLS"},
                            BadRow{"CALLCHAIN_ADMIN_LISTEN", "none", "CALLCHAIN_ADMIN_LISTEN"},
                            BadRow{"CALLCHAIN_TWILIO_TRANSPORT", "sctp", "CALLCHAIN_TWILIO_TRANSPORT"},
                            BadRow{"CALLCHAIN_TWILIO_SECURE_MEDIA", "yes", "CALLCHAIN_TWILIO_SECURE_MEDIA"},
                            BadRow{"CALLCHAIN_PASS_CALLER", "yes", "CALLCHAIN_PASS_CALLER"},
                            BadRow{"CALLCHAIN_PASS_WHATSAPP_HEADERS", "1", "CALLCHAIN_PASS_WHATSAPP_HEADERS"},
                            BadRow{"CALLCHAIN_ALLOW", "10.0.0.0/99", "CALLCHAIN_ALLOW"},
                            BadRow{"CALLCHAIN_ALLOW_TWILIO", "meta", "CALLCHAIN_ALLOW_TWILIO"},
                            BadRow{"CALLCHAIN_PROXY_PROTOCOL_FROM", "x", "CALLCHAIN_PROXY_PROTOCOL_FROM"},
                            BadRow{"CALLCHAIN_DIGEST_ALGORITHM", "SHA-1", "CALLCHAIN_DIGEST_ALGORITHM"},
                            BadRow{"CALLCHAIN_ADVERTISE", "sip:a@b", "CALLCHAIN_ADVERTISE"},
                            BadRow{"CALLCHAIN_ADVERTISE", "a.example;transport=sctp", "transport"},
                            BadRow{"CALLCHAIN_ADVERTISE", "a.example:0", "port 0"},
                            BadRow{"CALLCHAIN_ADVERTISE", "a.example;lr", ";lr"},
                            BadRow{"CALLCHAIN_ADVERTISE", "a.example?x=y", "headers"},
                            BadRow{"TWILIO_SIP_DOMAIN", "a.sip.twilio.com;transport=tls",
                                   "TWILIO_SIP_DOMAIN (--twilio-domain)"},
                            BadRow{"TWILIO_DESTINATION", "bridge@a.example", "TWILIO_DESTINATION"},
                            BadRow{"TWILIO_DESTINATION", "sip:bridge", "between sip: and @"},
                            BadRow{"TWILIO_DESTINATION", "the bridge", "%XX"},
                            BadRow{"TWILIO_DESTINATION", "bridge>", "TWILIO_DESTINATION"},
                            BadRow{"CALLCHAIN_TWILIO_FROM", "call centre", "CALLCHAIN_TWILIO_FROM"},
                            BadRow{"CALLCHAIN_TWILIO_FROM", "<+1555>", "CALLCHAIN_TWILIO_FROM"},
                            BadRow{"CALLCHAIN_MAX_CALLS", "many", "CALLCHAIN_MAX_CALLS"},
                            BadRow{"CALLCHAIN_CALLS_PER_SECOND", "0", "CALLCHAIN_CALLS_PER_SECOND"},
                            BadRow{"CALLCHAIN_RING_SECONDS", "0", "CALLCHAIN_RING_SECONDS"},
                            BadRow{"CALLCHAIN_DRAIN_SECONDS", "-1", "CALLCHAIN_DRAIN_SECONDS"},
                            BadRow{"CALLCHAIN_LOG", "xml", "CALLCHAIN_LOG"},
                            BadRow{"CALLCHAIN_LOG_LEVEL", "loud", "CALLCHAIN_LOG_LEVEL"}}) {
        SCOPED_TRACE(std::string(row.name) + "=" + row.value);
        const auto result = read_with({{row.name, row.value}});
        EXPECT_FALSE(result.config.has_value());
        EXPECT_EQ(result.problems.size(), 1U) << all_of(result.problems);
        EXPECT_TRUE(has(all_of(result.problems), row.said)) << all_of(result.problems);
    }
}

// Twilio's error 32209: Secure Media needs TLS.
TEST(ReadGatewayConfig, RefusesSecureMediaTowardTwilioWithoutTls) {
    for (const auto* transport : {"udp", "tcp"}) {
        SCOPED_TRACE(transport);
        const auto on = read_with({{"CALLCHAIN_TWILIO_TRANSPORT", transport}});
        EXPECT_FALSE(on.config.has_value());
        EXPECT_TRUE(has(all_of(on.problems), "32209")) << all_of(on.problems);
        const auto off = read_with({{"CALLCHAIN_TWILIO_TRANSPORT", transport},
                                    {"CALLCHAIN_TWILIO_SECURE_MEDIA", "off"},
                                    {"USE_TLS", "false"}});
        EXPECT_TRUE(off.config.has_value()) << all_of(off.problems);
    }
}

// With TLS there is no UDP socket to send from, and every call would end with 504.
TEST(ReadGatewayConfig, RefusesUdpTowardTwilioWhereTlsAloneIsListenedOn) {
    const auto result =
        read_with({{"CALLCHAIN_TWILIO_TRANSPORT", "udp"}, {"CALLCHAIN_TWILIO_SECURE_MEDIA", "off"}});
    EXPECT_FALSE(result.config.has_value());
    ASSERT_EQ(result.problems.size(), 1U) << all_of(result.problems);
    EXPECT_TRUE(has(result.problems[0].message, "udp needs USE_TLS=false")) << all_of(result.problems);
    EXPECT_FALSE(result.problems[0].hint.empty());
}

// RFC 3261 section 8.1.1.8: Contact is where requests are to come, whatever the INVITE went by.
TEST(ReadGatewayConfig, NamesInContactWhatIsListenedOnOrWarns) {
    struct Row {
        const char* name;
        Values values;
        std::optional<Transport> named;
        const char* said;  // "": nothing
    };
    for (const auto& row :
         {Row{"as in production", {}, std::nullopt, ""},
          Row{"TCP to Twilio, TLS here",
              {{"CALLCHAIN_TWILIO_TRANSPORT", "tcp"}, {"CALLCHAIN_TWILIO_SECURE_MEDIA", "off"}},
              Transport::tls,
              ""},
          Row{"TLS to Twilio, UDP and TCP here",
              {{"USE_TLS", "false"}},
              std::nullopt,
              "Contact names TLS, on which nobody listens"},
          Row{"the same behind a balancer",
              {{"USE_TLS", "false"}, {"CALLCHAIN_ADVERTISE", "sip.example.com:5061;transport=tls"}},
              Transport::tls,
              ""},
          Row{"a transport that is not there",
              {{"CALLCHAIN_ADVERTISE", "sip.example.com;transport=tcp"}},
              Transport::tcp,
              "TLS alone is listened on"}}) {
        SCOPED_TRACE(row.name);
        const auto result = read_with(row.values);
        ASSERT_TRUE(result.config.has_value()) << all_of(result.problems);
        EXPECT_EQ(result.config->driver.inward.advertised_transport, row.named);
        const auto text = all_of(result.warnings);
        EXPECT_TRUE(has(text, row.said)) << text;
        if (std::string(row.said).empty()) {
            EXPECT_FALSE(has(text, "Contact names") || has(text, "names transport=")) << text;
        }
    }
}

TEST(ReadGatewayConfig, SaysWhichOfTwoSettingsCounts) {
    struct Row {
        const char* name;
        Values values;
        const char* said;
    };
    for (const auto& row :
         {Row{"two certificates",
              {{"TLS_CERT_PEM", "made-up"}},
              "TLS_CERT_PEM is not used: TLS_CERT_PATH is set"},
          Row{"two keys", {{"TLS_KEY_PEM", "made-up"}}, "TLS_KEY_PEM is not used: TLS_KEY_PATH is set"},
          Row{"a certificate without TLS",
              {{"USE_TLS", "false"}},
              "TLS_CERT_PATH is not used: USE_TLS is false"},
          Row{"two addresses",
              {{"PUBLIC_IP", "192.0.2.7"}},
              "PUBLIC_IP is not used: CALLCHAIN_ADVERTISE is set"},
          Row{"two ports",
              {{"PORT", "5070"}, {"CALLCHAIN_LISTEN", "127.0.0.1:5071"}},
              "PORT is not used: CALLCHAIN_LISTEN has a port, 5071"},
          Row{"a free port", {{"PORT", "0"}}, "port 0 picks a free port, which nobody outside knows"}}) {
        SCOPED_TRACE(row.name);
        const auto result = read_with(row.values);
        ASSERT_TRUE(result.config.has_value()) << all_of(result.problems);
        EXPECT_TRUE(has(all_of(result.warnings), row.said)) << all_of(result.warnings);
        EXPECT_FALSE(has(all_of(read({}).warnings), row.said)) << "said of a production as well";
    }
    EXPECT_FALSE(has(all_of(read_with({{"PORT", "5071"}, {"CALLCHAIN_LISTEN", "127.0.0.1:5071"}}).warnings),
                     "not used"))
        << "they agree";
}

TEST(ReadGatewayConfig, TakesAPublicAddressWithoutAPortAlone) {
    for (const auto* value : {"192.0.2.7:5080", "192.0.2.7;transport=udp"}) {
        SCOPED_TRACE(value);
        const auto result =
            read_with({{"CALLCHAIN_ADVERTISE", ""}, {"USE_TLS", "false"}, {"PUBLIC_IP", value}});
        EXPECT_FALSE(result.config.has_value());
        EXPECT_TRUE(has(all_of(result.problems), "PUBLIC_IP (--public-ip)")) << all_of(result.problems);
    }
}

TEST(ReadGatewayConfig, ReadsTheWordsForFromInAnyCaseAndAnythingElseAsAUser) {
    using b2bua::FromUser;
    struct Row {
        const char* value;
        FromUser user;
        const char* name;
    };
    for (const auto& row : {Row{"caller", FromUser::caller, ""}, Row{"CALLER", FromUser::caller, ""},
                            Row{"Username", FromUser::username, "gate%20way"},
                            Row{"+12145551869", FromUser::fixed, "+12145551869"}}) {
        SCOPED_TRACE(row.value);
        const auto result =
            read_with({{"CALLCHAIN_TWILIO_FROM", row.value}, {"TWILIO_SIP_USERNAME", "gate way"}});
        ASSERT_TRUE(result.config.has_value()) << all_of(result.problems);
        EXPECT_EQ(result.config->driver.inward.from_user, row.user);
        EXPECT_EQ(result.config->driver.inward.from_name, row.name);
        EXPECT_EQ(result.config->driver.twilio.username, "gate way") << "of the digest it is as given";
    }
}

// A name is not looked at in strict mode, and Twilio has no certificate: its BYE may come by a connection of
// its own.
TEST(ReadGatewayConfig, WarnsOfWhatStrictModeDoesNotSeeAndOfWhomItKeepsOut) {
    const Values strict{{"CALLCHAIN_CLIENT_CA_FILE", "/etc/callchain/clients.pem"}};
    auto with_digest = all_of(read_with(strict).warnings);
    EXPECT_TRUE(has(with_digest, "Twilio shows no certificate")) << with_digest;
    EXPECT_FALSE(has(with_digest, "whatever name")) << with_digest;
    auto alone = strict;
    alone["META_SIP_USERNAME"] = alone["META_SIP_PASSWORD"] = "";
    EXPECT_TRUE(has(all_of(read_with(alone).warnings), "whatever name is in it"));
    EXPECT_FALSE(has(all_of(read({}).warnings), "CALLCHAIN_CLIENT_CA_FILE"));
}

TEST(ReadGatewayConfig, WarnsThatMetasListHasNoIpv6WhereThatIsListenedOn) {
    struct Row {
        const char* name;
        Values values;
        bool warns;
    };
    for (const auto& row :
         {Row{"every address", {}, true},
          Row{"one of IPv6", {{"CALLCHAIN_LISTEN", "[2001:db8::1]:5061"}}, true},
          Row{"IPv4 alone", {{"CALLCHAIN_LISTEN", "0.0.0.0:5061"}}, false},
          Row{"networks of IPv6 were added", {{"CALLCHAIN_ALLOW", "meta 2001:db8::/32"}}, false},
          Row{"a list of one's own", {{"CALLCHAIN_ALLOW", "192.0.2.0/24"}}, false}}) {
        SCOPED_TRACE(row.name);
        const auto result = read_with(row.values);
        ASSERT_TRUE(result.config.has_value()) << all_of(result.problems);
        EXPECT_EQ(has(all_of(result.warnings), "no IPv6 networks"), row.warns) << all_of(result.warnings);
    }
}

TEST(ReadGatewayConfig, NeedsCertificateAndKeyForTls) {
    for (const auto& without : {Values{{"TLS_CERT_PATH", ""}}, Values{{"TLS_KEY_PATH", ""}},
                                Values{{"TLS_CERT_PATH", ""}, {"TLS_KEY_PATH", ""}}}) {
        const auto result = read_with(without);
        EXPECT_FALSE(result.config.has_value());
        EXPECT_EQ(result.problems.size(), 1U) << all_of(result.problems);
        EXPECT_TRUE(has(all_of(result.problems), "TLS_CERT_PEM")) << all_of(result.problems);
    }
    const auto by_text =
        read_with({{"TLS_CERT_PATH", ""}, {"TLS_KEY_PATH", ""}, {"TLS_CERT_PEM", "a"}, {"TLS_KEY_PEM", "b"}});
    ASSERT_TRUE(by_text.config.has_value()) << all_of(by_text.problems);
    EXPECT_EQ(by_text.config->driver.stack.transports.tls_server->key.text, "b");
}

TEST(ReadGatewayConfig, ListensByUdpAndTcpWithoutTlsAndWarns) {
    const auto result = read_with({{"USE_TLS", "false"}});
    ASSERT_TRUE(result.config.has_value()) << all_of(result.problems);
    const auto& listeners = result.config->driver.stack.transports.listeners;
    ASSERT_EQ(listeners.size(), 2U);
    EXPECT_EQ(listeners[0].transport, Transport::udp);
    EXPECT_EQ(listeners[1].transport, Transport::tcp);
    EXPECT_EQ(listeners[0].address, "[::]:5060");
    EXPECT_TRUE(has(all_of(result.warnings), "USE_TLS=false")) << all_of(result.warnings);
}

TEST(ReadGatewayConfig, ReadsListsOfNumbersAndPasswords) {
    for (const auto* divider : {",", "\n", ", "}) {
        SCOPED_TRACE(divider);
        const auto result =
            read_with({{"META_SIP_USERNAME", std::string("12145551869") + divider + "12145551870"},
                       {"META_SIP_PASSWORD", std::string("made-up-a") + divider + "made-up-b"}});
        ASSERT_TRUE(result.config.has_value()) << all_of(result.problems);
        const auto& accounts = result.config->driver.admission.accounts;
        ASSERT_EQ(accounts.size(), 2U);
        EXPECT_EQ(accounts[1].username, "12145551870");
        EXPECT_EQ(accounts[1].password, "made-up-b");
    }
}

TEST(ReadGatewayConfig, RefusesListsOfDifferentLength) {
    const auto result = read_with({{"META_SIP_USERNAME", "12145551869,12145551870"}});
    EXPECT_FALSE(result.config.has_value());
    EXPECT_TRUE(has(all_of(result.problems), "2 numbers")) << all_of(result.problems);
    EXPECT_TRUE(has(all_of(result.problems), "1 password")) << all_of(result.problems);
    EXPECT_FALSE(has(all_of(result.problems), "made-up")) << "a password is shown";
}

// Meta's digest has the digits of the business number. E.164 numbers have at most 15 digits.
TEST(ReadGatewayConfig, WarnsOfAUserThatIsNotTheDigitsOfABusinessNumber) {
    struct Row {
        const char* given;
        const char* used;
        const char* said;  // "": nothing
    };
    for (const auto& row : {Row{"12145551869", "12145551869", ""}, Row{"5561999998888", "5561999998888", ""},
                            Row{"+12145551869", "12145551869", "was taken off"},
                            Row{"106540352242922", "106540352242922", "phone_number_id"},
                            Row{"1065403522429221", "1065403522429221", "phone_number_id"},
                            Row{"bridge", "bridge", "no number"}}) {
        SCOPED_TRACE(row.given);
        const auto result = read_with({{"META_SIP_USERNAME", row.given}});
        ASSERT_TRUE(result.config.has_value()) << all_of(result.problems);
        EXPECT_EQ(result.config->driver.admission.accounts.at(0).username, row.used);
        const auto text = all_of(result.warnings);
        EXPECT_EQ(has(text, "META_SIP_USERNAME"), std::string(row.said) != "") << text;
        EXPECT_TRUE(has(text, row.said)) << text;
    }
}

TEST(ReadGatewayConfig, ListensOnLoopbackAloneWhereNobodyIsChecked) {
    Given given;
    for (const auto* name : {"META_SIP_USERNAME", "META_SIP_PASSWORD", "CALLCHAIN_ALLOW"})
        given.values.erase(name);
    const auto alone = read(given);
    ASSERT_TRUE(alone.config.has_value()) << all_of(alone.problems);
    EXPECT_TRUE(alone.config->nobody_checked);
    EXPECT_EQ(alone.config->driver.stack.transports.listeners.at(0).address, "127.0.0.1:5061");
    EXPECT_TRUE(has(all_of(alone.warnings), "nobody is checked")) << all_of(alone.warnings);

    given.values["CALLCHAIN_LISTEN"] = "0.0.0.0:5061";
    EXPECT_TRUE(has(all_of(read(given).problems), "--open-to-the-world"));

    given.open_to_the_world = true;
    const auto open = read(given);
    ASSERT_TRUE(open.config.has_value()) << all_of(open.problems);
    EXPECT_EQ(open.config->driver.stack.transports.listeners.at(0).address, "0.0.0.0:5061");
    EXPECT_TRUE(has(all_of(open.warnings), "--open-to-the-world")) << all_of(open.warnings);
}

TEST(ReadGatewayConfig, CountsAnyOneCheckOfWhoCalls) {
    for (const auto& one : {Values{{"CALLCHAIN_ALLOW", "192.0.2.0/24"}},
                            Values{{"META_SIP_USERNAME", "12145551869"}, {"META_SIP_PASSWORD", "made-up"}},
                            Values{{"CALLCHAIN_CLIENT_CA_FILE", "/etc/callchain/clients.pem"}}}) {
        SCOPED_TRACE(one.begin()->first);
        Given given;
        for (const auto* name : {"META_SIP_USERNAME", "META_SIP_PASSWORD", "CALLCHAIN_ALLOW"})
            given.values.erase(name);
        given.values.insert(one.begin(), one.end());
        const auto result = read(given);
        ASSERT_TRUE(result.config.has_value()) << all_of(result.problems);
        EXPECT_FALSE(result.config->nobody_checked);
        EXPECT_EQ(result.config->driver.stack.transports.listeners.at(0).address, "[::]:5061");
    }
}

// There is no variable that opens it: what is forgotten in an environment must not.
TEST(ReadGatewayConfig, HasNoSettingThatOpensItToTheWorld) {
    for (const auto& spec : gateway_settings())
        EXPECT_FALSE(has(std::string(spec.name), "OPEN")) << spec.name;
}

TEST(ReadGatewayConfig, NeedsTheDigestBehindRailwaysProxy) {
    Given given{.railway_port = "5061"};
    const auto with = read(given);
    ASSERT_TRUE(with.config.has_value()) << all_of(with.problems);
    EXPECT_FALSE(with.config->driver.admission.addresses_known);
    EXPECT_EQ(with.config->driver.stack.transports.limits.connections_per_address, 0U);
    EXPECT_TRUE(has(all_of(with.warnings), "Railway")) << all_of(with.warnings);

    given.values.erase("META_SIP_USERNAME");
    given.values.erase("META_SIP_PASSWORD");
    const auto without = read(given);
    EXPECT_FALSE(without.config.has_value());
    EXPECT_TRUE(has(all_of(without.problems), "META_SIP_USERNAME")) << all_of(without.problems);

    given.values["CALLCHAIN_PROXY_PROTOCOL_FROM"] = "100.64.0.0/10";
    const auto told = read(given);
    ASSERT_TRUE(told.config.has_value()) << all_of(told.problems);
    EXPECT_TRUE(told.config->driver.admission.addresses_known);
}

TEST(ReadGatewayConfig, TakesRailwaysPortBeforeItsOwn) {
    Given given{.railway_port = "7000"};
    given.values["PORT"] = "5061";
    const auto result = read(given);
    ASSERT_TRUE(result.config.has_value()) << all_of(result.problems);
    EXPECT_EQ(result.config->driver.stack.transports.listeners.at(0).address, "[::]:7000");
}

// The proxy is reached at a port of Railway's choice: it stands in Contact where nobody named another.
TEST(ReadGatewayConfig, TakesThePortOfRailwaysProxyFromRailway) {
    struct Row {
        const char* name;
        Values values;
        std::vector<std::string> names;  // of the certificate
        const char* host;
        std::uint16_t port;
        const char* from;
    };
    for (const auto& row : {Row{"a name without a port",
                                {},
                                {"sip.example.com"},
                                "sip.example.com",
                                15140,
                                "CALLCHAIN_ADVERTISE, with the port of RAILWAY_TCP_PROXY_PORT"},
                            Row{"a name with a port",
                                {{"CALLCHAIN_ADVERTISE", "sip.example.com:7000"}},
                                {"sip.example.com"},
                                "sip.example.com",
                                7000,
                                "CALLCHAIN_ADVERTISE"},
                            Row{"the certificate's name",
                                {{"CALLCHAIN_ADVERTISE", ""}},
                                {"sip.example.org"},
                                "sip.example.org",
                                15140,
                                "the certificate, with the port of RAILWAY_TCP_PROXY_PORT"},
                            Row{"a lab without TLS",
                                {{"CALLCHAIN_ADVERTISE", ""}, {"USE_TLS", "false"}},
                                {},
                                "roundhouse.proxy.rlwy.net",
                                15140,
                                "RAILWAY_TCP_PROXY_DOMAIN, with the port of RAILWAY_TCP_PROXY_PORT"}}) {
        SCOPED_TRACE(row.name);
        Given given{.railway_port = "5061",
                    .railway_proxy_domain = "roundhouse.proxy.rlwy.net",
                    .railway_proxy_port = "15140",
                    .certificate_names = row.names};
        for (const auto& [name, value] : row.values) given.values[name] = value;
        const auto result = read(given);
        ASSERT_TRUE(result.config.has_value()) << all_of(result.problems);
        EXPECT_EQ(result.config->driver.inward.advertised_host, row.host);
        EXPECT_EQ(result.config->driver.inward.advertised_port, row.port);
        EXPECT_EQ(result.config->advertised_from, row.from);
        EXPECT_FALSE(has(all_of(result.warnings), "has no port")) << all_of(result.warnings);
        EXPECT_EQ(has(all_of(result.warnings), "reached at 15140"), row.port != 15140);
    }
}

// For Railway's own name nobody gets a certificate: with TLS it cannot be what Meta calls.
TEST(ReadGatewayConfig, DoesNotAdvertiseRailwaysOwnNameWithTls) {
    Given given{.railway_port = "5061",
                .railway_proxy_domain = "roundhouse.proxy.rlwy.net",
                .railway_proxy_port = "15140"};
    given.values.erase("CALLCHAIN_ADVERTISE");
    const auto result = read(given);
    EXPECT_FALSE(result.config.has_value());
    EXPECT_TRUE(has(all_of(result.problems), "CALLCHAIN_ADVERTISE")) << all_of(result.problems);
}

TEST(ReadGatewayConfig, BlamesABadValueOfRailwaysOnRailwaysVariable) {
    for (const auto* bad : {"0", "70000", "none"}) {
        SCOPED_TRACE(bad);
        const auto inside = read({.railway_port = bad});
        ASSERT_EQ(inside.problems.size(), 1U) << all_of(inside.problems);
        EXPECT_TRUE(inside.problems[0].message.starts_with("RAILWAY_TCP_APPLICATION_PORT: "))
            << all_of(inside.problems);
        const auto outside = read({.railway_proxy_port = bad});
        ASSERT_EQ(outside.problems.size(), 1U) << all_of(outside.problems);
        EXPECT_TRUE(outside.problems[0].message.starts_with("RAILWAY_TCP_PROXY_PORT: "))
            << all_of(outside.problems);
    }
}

TEST(ReadGatewayConfig, WarnsWhereRailwaysProxyWouldFindNobody) {
    Given given{.railway_port = "5061", .railway_proxy_port = "15140"};
    given.values["CALLCHAIN_LISTEN"] = "0.0.0.0:7000";
    EXPECT_TRUE(has(all_of(read(given).warnings), "finds nobody there")) << all_of(read(given).warnings);
    given.values["CALLCHAIN_LISTEN"] = "0.0.0.0:5061";
    EXPECT_FALSE(has(all_of(read(given).warnings), "finds nobody there"));
}

TEST(ReadGatewayConfig, WarnsOfAnAdvertisedNameThatNoCertificateHas) {
    Given given;
    given.values["CALLCHAIN_ADVERTISE"] = "roundhouse.proxy.rlwy.net:15140";
    given.railway_proxy_domain = "roundhouse.proxy.rlwy.net";
    EXPECT_TRUE(has(all_of(read(given).warnings), "CNAME")) << all_of(read(given).warnings);

    given.railway_proxy_domain.clear();
    given.values["CALLCHAIN_ADVERTISE"] = "sip.example.org";
    given.certificate_names = {"sip.example.com"};
    EXPECT_TRUE(has(all_of(read(given).warnings), "not in the certificate"));
    given.certificate_names = {"*.example.org"};
    EXPECT_FALSE(has(all_of(read(given).warnings), "not in the certificate"));
}

TEST(ReadGatewayConfig, FindsOutItselfHowOthersReachIt) {
    Given given;
    given.values.erase("CALLCHAIN_ADVERTISE");
    given.certificate_names = {"*.example.com", "sip.example.com", "other.example.com"};
    const auto by_certificate = read(given);
    ASSERT_TRUE(by_certificate.config.has_value()) << all_of(by_certificate.problems);
    EXPECT_EQ(by_certificate.config->driver.inward.advertised_host, "sip.example.com");
    EXPECT_EQ(by_certificate.config->driver.inward.advertised_port, 5061);

    given.certificate_names = {"*.example.com"};
    EXPECT_TRUE(has(all_of(read(given).problems), "CALLCHAIN_ADVERTISE")) << "a wildcard names nobody";

    given.certificate_names.clear();
    given.values["USE_TLS"] = "false";
    given.values["PUBLIC_IP"] = "192.0.2.7";
    const auto lab = read(given);
    ASSERT_TRUE(lab.config.has_value()) << all_of(lab.problems);
    EXPECT_EQ(lab.config->driver.inward.advertised_host, "192.0.2.7");
    EXPECT_EQ(lab.config->driver.stack.sent_by, "192.0.2.7");

    given.values.erase("PUBLIC_IP");
    given.values["CALLCHAIN_LISTEN"] = "127.0.0.1:5060";
    EXPECT_TRUE(read(given).config.has_value()) << "the address that it listens on is known";
}

TEST(ReadGatewayConfig, ReadsHostPortAndTransportOfTheAdvertisedName) {
    const auto result = read_with({{"CALLCHAIN_ADVERTISE", "sip.example.com:15140;transport=tls"}});
    ASSERT_TRUE(result.config.has_value()) << all_of(result.problems);
    const auto& inward = result.config->driver.inward;
    EXPECT_EQ(inward.advertised_host, "sip.example.com");
    EXPECT_EQ(inward.advertised_port, 15140);
    EXPECT_EQ(inward.advertised_transport, Transport::tls);
}

TEST(ReadGatewayConfig, WarnsOfAPublicAddressWithTls) {
    const auto result = read_with({{"CALLCHAIN_ADVERTISE", ""}, {"PUBLIC_IP", "192.0.2.7"}});
    EXPECT_TRUE(has(all_of(result.warnings), "PUBLIC_IP")) << all_of(result.warnings);
}

TEST(ReadGatewayConfig, KeepsCallsToWhatsAppOffUntilBothHalvesAreSet) {
    const Values both{{"CALLCHAIN_OUTWARD_USERNAME", "twilio-out"},
                      {"CALLCHAIN_OUTWARD_PASSWORD", "made-up"}};
    const auto on = read_with(both);
    ASSERT_TRUE(on.config.has_value()) << all_of(on.problems);
    ASSERT_TRUE(on.config->driver.outward.has_value());
    EXPECT_EQ(on.config->driver.outward->domain, "wa.meta.vc");
    EXPECT_EQ(on.config->driver.outward->direction, sdp::Direction::twilio_to_meta);
    EXPECT_EQ(on.config->driver.admission.outward->username, "twilio-out");

    for (const auto& half : both) EXPECT_FALSE(read_with({half}).config.has_value()) << half.first;
}

// Without a digest of Meta's, or with one user for both, nothing tells who calls whom.
TEST(ReadGatewayConfig, RefusesCallsToWhatsAppWhereTheDirectionsCannotBeToldApart) {
    Values values{{"CALLCHAIN_OUTWARD_USERNAME", "12145551869"}, {"CALLCHAIN_OUTWARD_PASSWORD", "made-up"}};
    EXPECT_FALSE(read_with(values).config.has_value());
    values["CALLCHAIN_OUTWARD_USERNAME"] = "twilio-out";
    values["META_SIP_USERNAME"] = "";
    values["META_SIP_PASSWORD"] = "";
    EXPECT_FALSE(read_with(values).config.has_value());
}

TEST(ReadGatewayConfig, ReadsAListOfDigestAlgorithmsInItsOrder) {
    using sip::DigestAlgorithm;
    EXPECT_EQ(read({}).config->driver.admission.algorithms, std::vector{DigestAlgorithm::md5});
    const auto result = read_with({{"CALLCHAIN_DIGEST_ALGORITHM", "SHA-256, md5"}});
    ASSERT_TRUE(result.config.has_value()) << all_of(result.problems);
    EXPECT_EQ(result.config->driver.admission.algorithms,
              (std::vector{DigestAlgorithm::sha256, DigestAlgorithm::md5}));
}

TEST(ReadGatewayConfig, SaysThatWebhookUrlIsNotUsed) {
    const auto result = read_with({{"WEBHOOK_URL", "https://bridge.example.com/voice"}});
    ASSERT_TRUE(result.config.has_value()) << all_of(result.problems);
    EXPECT_TRUE(has(all_of(result.warnings), "WEBHOOK_URL is not used")) << all_of(result.warnings);
}

TEST(ReadGatewayConfig, KeepsEveryPasswordForTheLogToWithhold) {
    const auto result = read_with({{"META_SIP_USERNAME", "12145551869,12145551870"},
                                   {"META_SIP_PASSWORD", "made-up-a,made-up-b"},
                                   {"CALLCHAIN_OUTWARD_USERNAME", "twilio-out"},
                                   {"CALLCHAIN_OUTWARD_PASSWORD", "made-up-c"}});
    ASSERT_TRUE(result.config.has_value()) << all_of(result.problems);
    const auto& secrets = result.config->secrets;
    for (const auto* secret : {"made-up-0123456789", "made-up-a", "made-up-b", "made-up-c"})
        EXPECT_NE(std::find(secrets.begin(), secrets.end(), secret), secrets.end()) << secret;
}

TEST(GatewaySettings, MarksEveryPasswordAndKeyAsSecretAndGivesItNoFlag) {
    std::set<std::string> names;
    for (const auto& spec : gateway_settings()) {
        EXPECT_TRUE(names.emplace(spec.name).second) << spec.name << " is named twice";
        const bool is_secret = spec.name.ends_with("_PASSWORD") || spec.name == "TLS_KEY_PEM";
        EXPECT_EQ(spec.secret, is_secret) << spec.name;
        EXPECT_TRUE(!is_secret || spec.flag.empty()) << spec.name;
    }
}

// AS32934 as Meta's FAQ collapses it (2024-12-11), and addresses that its calls were seen from.
TEST(KnownNetworks, HoldMetasPrefixesAndTheirDay) {
    EXPECT_EQ(meta_networks().size(), 23U);
    EXPECT_EQ(meta_networks_date(), "2024-12-11");
    for (const auto* address : {"69.171.251.112", "69.171.251.115", "66.220.149.16", "57.144.43.49"})
        EXPECT_TRUE(config::contains(meta_networks(), address)) << address;
    for (const auto* address : {"192.0.2.1", "54.172.60.1", "57.148.0.1"})
        EXPECT_FALSE(config::contains(meta_networks(), address)) << address;
}

// Ashburn, Umatilla, Dublin, Frankfurt, Tokyo, Singapore, Sydney, São Paulo: four addresses each.
TEST(KnownNetworks, HoldTwiliosSignallingOfEveryEdge) {
    EXPECT_EQ(twilio_networks().size(), 8U);
    for (const auto* address :
         {"54.172.60.0", "54.172.60.3", "54.244.51.0", "54.171.127.193", "35.156.191.129", "54.65.63.193",
          "54.169.127.129", "54.252.254.65", "177.71.206.193"})
        EXPECT_TRUE(config::contains(twilio_networks(), address)) << address;
    EXPECT_FALSE(config::contains(twilio_networks(), "54.172.60.4"));
    EXPECT_FALSE(config::contains(twilio_networks(), "168.86.128.1")) << "that is its media";
}

}  // namespace
}  // namespace callchain::service
