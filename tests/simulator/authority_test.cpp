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

// Two processes that share a folder trust each other.
TEST_F(AuthorityTest, IsSharedByAFolder) {
    const auto folder = folder_ + "/shared";
    const auto first = Authority::open(folder);
    ASSERT_TRUE(first.has_value()) << first.error().message;
    const auto second = Authority::open(folder);
    ASSERT_TRUE(second.has_value()) << second.error().message;
    const auto files = (*second)->issue("twilio", {"127.0.0.1"});
    ASSERT_TRUE(files.has_value()) << files.error().message;
    EXPECT_EQ((*first)->ca_file(), (*second)->ca_file());
    const auto judge = [&](const std::string& certificate) {
        return openssl({"verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", (*first)->ca_file(),
                        "-verify_ip", "127.0.0.1", certificate})
            .code;
    };
    EXPECT_EQ(judge(files->certificate), 0);
    EXPECT_EQ(judge(folder + "/service.pem"), 0);
    for (const char* name : {"ca.key", "twilio.key", "service.key"}) {
        struct stat about {};
        ASSERT_EQ(::stat((folder + "/" + name).c_str(), &about), 0) << name;
        EXPECT_EQ(about.st_mode & 0777U, 0600U) << name;
    }
    // The next process of that name has a certificate of its own.
    const auto again = (*first)->issue("twilio", {"127.0.0.1"});
    ASSERT_TRUE(again.has_value()) << again.error().message;
    EXPECT_EQ(judge(again->certificate), 0);
    const auto key_of = [&](const std::string& kind, const std::string& file) {
        return openssl(kind == "key" ? std::vector<std::string>{"pkey", "-in", file, "-pubout"}
                                     : std::vector<std::string>{"x509", "-in", file, "-noout", "-pubkey"})
            .output;
    };
    EXPECT_EQ(key_of("key", again->key), key_of("certificate", again->certificate));
    EXPECT_FALSE(key_of("key", again->key).empty());
}

TEST_F(AuthorityTest, IsNotSharedWhereItsKeyWouldNotBeSafe) {
    const auto open = folder_ + "/open";
    ASSERT_EQ(::mkdir(open.c_str(), 0700), 0);
    ASSERT_EQ(::chmod(open.c_str(), 0777), 0);
    const auto refused = Authority::open(open);
    ASSERT_FALSE(refused.has_value());
    EXPECT_NE(refused.error().message.find("others may write"), std::string::npos) << refused.error().message;
    // A certificate without its key is somebody else's: it is not written over.
    const auto foreign = folder_ + "/foreign";
    ASSERT_EQ(::mkdir(foreign.c_str(), 0700), 0);
    std::filesystem::copy_file(authority_->ca_file(), foreign + "/ca.pem");
    const auto of_others = Authority::open(foreign);
    ASSERT_FALSE(of_others.has_value());
    EXPECT_NE(of_others.error().message.find("no authority of ours"), std::string::npos);
    EXPECT_TRUE(std::filesystem::exists(foreign + "/ca.pem"));
    EXPECT_FALSE(Authority::open(folder_ + "/missing/deep").has_value());
}

}  // namespace
}  // namespace callchain::simulator
