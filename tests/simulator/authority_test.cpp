#include "simulator/authority.hpp"

#include "simulator/child_process.hpp"

#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace callchain::simulator {
namespace {

using namespace std::chrono_literals;

class AuthorityTest : public testing::Test {
  protected:
    void SetUp() override {
        auto name = (std::filesystem::temp_directory_path() / "callchain-authority-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
        auto made = Authority::create(folder_);
        ASSERT_TRUE(made.has_value()) << made.error().message;
        authority_ = std::move(*made);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    // The judge is the program of OpenSSL. Its code, and all that it said.
    Finished openssl(std::vector<std::string> arguments) const {
        auto finished = run_to_end({.program = "/usr/bin/openssl",
                                    .arguments = std::move(arguments),
                                    .folder = folder_,
                                    .output_file = {}},
                                   60s);
        EXPECT_TRUE(finished.has_value()) << finished.error().message;
        return finished.value_or(Finished{-1, {}, {}});
    }
    Finished verify(const CertificateFiles& files, const std::string& option, const std::string& host) const {
        return openssl({"verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", authority_->ca_file(),
                        option, host, files.certificate});
    }

    std::string folder_;
    std::unique_ptr<Authority> authority_;
};

TEST_F(AuthorityTest, IssuesWhatAClientTakes) {
    const auto files = authority_->issue("good", {"127.0.0.1", "sip.example.com", "::1"});
    ASSERT_TRUE(files.has_value()) << files.error().message;
    for (const auto& [option, host] : std::vector<std::pair<std::string, std::string>>{
             {"-verify_ip", "127.0.0.1"}, {"-verify_ip", "::1"}, {"-verify_hostname", "sip.example.com"}}) {
        SCOPED_TRACE(host);
        const auto verdict = verify(*files, option, host);
        EXPECT_EQ(verdict.code, 0) << verdict.errors;
    }
    const auto wrong = verify(*files, "-verify_hostname", "other.example.com");
    EXPECT_NE(wrong.code, 0);
    EXPECT_NE(wrong.errors.find("ostname mismatch"), std::string::npos) << wrong.errors;
}

TEST_F(AuthorityTest, IssuesOneThatHasEnded) {
    const auto files = authority_->issue("old", {"localhost"}, -60s);
    ASSERT_TRUE(files.has_value()) << files.error().message;
    const auto verdict = verify(*files, "-verify_hostname", "localhost");
    EXPECT_NE(verdict.code, 0);
    EXPECT_NE(verdict.errors.find("certificate has expired"), std::string::npos) << verdict.errors;
}

TEST_F(AuthorityTest, GivesTheKeyToItsOwnerAlone) {
    const auto files = authority_->issue("own", {"localhost"});
    ASSERT_TRUE(files.has_value()) << files.error().message;
    struct stat found {};
    ASSERT_EQ(::stat(files->key.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 07777U, 0600U);
    const auto of_key = openssl({"pkey", "-in", files->key, "-pubout"});
    EXPECT_EQ(of_key.output, openssl({"x509", "-in", files->certificate, "-noout", "-pubkey"}).output);
    EXPECT_NE(of_key.output.find("BEGIN PUBLIC KEY"), std::string::npos);
}

TEST_F(AuthorityTest, HasTheUsagesOfServerAndClient) {
    const auto files = authority_->issue("uses", {"localhost"});
    ASSERT_TRUE(files.has_value()) << files.error().message;
    const auto text = openssl({"x509", "-in", files->certificate, "-noout", "-text"}).output;
    for (const char* part : {"CA:FALSE", "TLS Web Server Authentication", "TLS Web Client Authentication",
                             "Digital Signature", "DNS:localhost", "NIST CURVE: P-256"})
        EXPECT_NE(text.find(part), std::string::npos) << part;
}

TEST_F(AuthorityTest, OverwritesNothing) {
    ASSERT_TRUE(authority_->issue("twice", {"localhost"}).has_value());
    const auto again = authority_->issue("twice", {"localhost"});
    ASSERT_FALSE(again.has_value());
    EXPECT_EQ(again.error().code, ErrorCode::io);
    EXPECT_NE(again.error().message.find("twice.pem"), std::string::npos);
    EXPECT_FALSE(Authority::create(folder_ + "/none").has_value());
}

}  // namespace
}  // namespace callchain::simulator
