#include "gateway/tls_certificate.hpp"

#include "gateway/certificates.hpp"

#include <algorithm>
#include <chrono>
#include <gtest/gtest.h>
#include <string>

namespace callchain::gateway {
namespace {

const Certificates& certificates() { return Certificates::shared(); }

std::chrono::sys_seconds now() {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

Result<CertificateFacts> inspect(const std::string& name, const std::string& key) {
    static_cast<void>(certificates());  // made before the time is taken
    return inspect_certificate({.path = certificates().chain(name)}, {.path = certificates().key(key)},
                               certificates().root(), now());
}

TEST(InspectCertificate, TellsWhatAGoodOneIs) {
    const auto facts = inspect("good", "good");
    ASSERT_TRUE(facts.has_value()) << facts.error().message;
    EXPECT_EQ(facts->subject, "CN=good,O=callchain test");
    EXPECT_EQ(facts->issuer, "CN=Test Intermediate");
    EXPECT_EQ(facts->names, std::vector<std::string>{"sip.example.com"});
    EXPECT_EQ(facts->addresses, std::vector<std::string>{"127.0.0.1"});
    EXPECT_EQ(facts->chain, 2U);
    EXPECT_FALSE(facts->self_signed);
    EXPECT_TRUE(facts->key_fits);
    EXPECT_EQ(facts->key_kind, "EC prime256v1");
    EXPECT_EQ(facts->verification, "");
    EXPECT_LT(facts->begins, facts->ends);
    EXPECT_LT(now(), facts->ends);
}

// The words are OpenSSL's, X509_verify_cert_error_string(3).
TEST(InspectCertificate, SaysWhyAChainLeadsToNoAuthority) {
    struct Row {
        const char* name;
        const char* said;
    };
    for (const auto& row : {Row{"self", "self-signed certificate"}, Row{"expired", "expired"},
                            Row{"stranger", "certificate"}}) {
        SCOPED_TRACE(row.name);
        const auto facts = inspect(row.name, row.name);
        ASSERT_TRUE(facts.has_value()) << facts.error().message;
        EXPECT_NE(facts->verification.find(row.said), std::string::npos) << facts->verification;
        EXPECT_EQ(facts->self_signed, std::string(row.name) == "self");
    }
}

TEST(InspectCertificate, MissesTheIntermediateAuthorityThatIsNotInTheFile) {
    const auto facts =
        inspect_certificate({.path = certificates().path("good.crt")}, {.path = certificates().key("good")},
                            certificates().root(), now());
    ASSERT_TRUE(facts.has_value()) << facts.error().message;
    EXPECT_EQ(facts->chain, 1U);
    EXPECT_NE(facts->verification.find("issuer"), std::string::npos) << facts->verification;
}

TEST(InspectCertificate, JudgesTheDatesByTheTimeItIsGiven) {
    const auto later = now() + std::chrono::days(40);
    const auto facts =
        inspect_certificate({.path = certificates().chain("good")}, {.path = certificates().key("good")},
                            certificates().root(), later);
    ASSERT_TRUE(facts.has_value()) << facts.error().message;
    EXPECT_NE(facts->verification.find("expired"), std::string::npos) << facts->verification;
}

TEST(InspectCertificate, WritesAddressesAsHostsAreWritten) {
    const auto facts = inspect("wildcard", "wildcard");
    ASSERT_TRUE(facts.has_value()) << facts.error().message;
    EXPECT_EQ(facts->addresses, std::vector<std::string>{"2001:db8::1"});
    EXPECT_TRUE(certificate_covers(*facts, "2001:db8::1"));
    EXPECT_FALSE(certificate_covers(*facts, "2001:db8::2"));
}

TEST(InspectCertificate, TellsAKeyOfAnotherPair) {
    const auto facts = inspect("good", "other");
    ASSERT_TRUE(facts.has_value()) << facts.error().message;
    EXPECT_FALSE(facts->key_fits);
}

// Platforms whose variables take one line have "\n" in two characters in place of each line end.
TEST(InspectCertificate, ReadsPemOutOfOneLine) {
    const auto one_line = [](std::string text) {
        for (auto at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 2))
            text.replace(at, 1, "\\n");
        return text;
    };
    const PemSource certificate{.text = one_line(certificates().text("good.pem"))};
    const PemSource key{.text = one_line(certificates().text("good.key"))};
    const auto facts = inspect_certificate(certificate, key, certificates().root(), now());
    ASSERT_TRUE(facts.has_value()) << facts.error().message;
    EXPECT_EQ(facts->chain, 2U);
    EXPECT_TRUE(facts->key_fits);
    EXPECT_EQ(facts->verification, "");
}

TEST(InspectCertificate, NamesWhatCannotBeReadAndShowsNoneOfIt) {
    struct Row {
        const char* name;
        PemSource certificate;
        PemSource key;
        const char* said;
    };
    const PemSource good{.path = certificates().chain("good")};
    const PemSource good_key{.path = certificates().key("good")};
    const PemSource text{.text = "made-up text that is no PEM"};
    for (const auto& row : {Row{"no such certificate", {.path = "nowhere.pem"}, good_key, "nowhere.pem"},
                            Row{"no such key", good, {.path = "nowhere.key"}, "nowhere.key"},
                            Row{"a certificate that is none", text, good_key, "the PEM text"},
                            Row{"a key that is none", good, text, "the PEM text"},
                            Row{"the key for the certificate", good_key, good_key, "good.key"}}) {
        SCOPED_TRACE(row.name);
        const auto facts = inspect_certificate(row.certificate, row.key, certificates().root(), now());
        ASSERT_FALSE(facts.has_value());
        EXPECT_EQ(facts.error().code, ErrorCode::usage);
        EXPECT_NE(facts.error().message.find(row.said), std::string::npos) << facts.error().message;
        EXPECT_EQ(facts.error().message.find("made-up"), std::string::npos) << facts.error().message;
    }
}

// RFC 6125 section 6.4.3: the wildcard is the whole left-most label, and stands for exactly one.
TEST(CertificateCovers, TakesAWildcardForOneLabel) {
    CertificateFacts facts;
    facts.names = {"*.example.com", "sip.example.org"};
    facts.addresses = {"192.0.2.1"};
    for (const auto* host : {"sip.example.com", "SIP.Example.COM", "sip.example.org", "192.0.2.1"})
        EXPECT_TRUE(certificate_covers(facts, host)) << host;
    for (const auto* host : {"example.com", "a.sip.example.com", ".example.com", "sip.example.org.invalid",
                             "a.sip.example.org", "192.0.2.2", ""})
        EXPECT_FALSE(certificate_covers(facts, host)) << host;
}

}  // namespace
}  // namespace callchain::gateway
