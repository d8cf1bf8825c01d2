#include "http/raw_client.hpp"
#include "http/running_server.hpp"
#include "http/server.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <memory>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/resource.h>
#include <unistd.h>

namespace callchain::http {
namespace {

using namespace std::chrono_literals;

template <auto Free>
struct Freed {
    template <class T>
    void operator()(T* object) const {
        Free(object);
    }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;

const std::string kPost = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";

Key make_key() { return Key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")); }

Certificate make_certificate(EVP_PKEY* key, const std::string& name, X509* issuer = nullptr,
                             EVP_PKEY* issuer_key = nullptr) {
    Certificate certificate(X509_new());
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key);
    auto* subject = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), issuer != nullptr ? X509_get_subject_name(issuer) : subject);
    X509_sign(certificate.get(), issuer_key != nullptr ? issuer_key : key, EVP_sha256());
    return certificate;
}

/// A directory of the test with certificate files, made when the test runs.
class CertificateFiles {
  public:
    CertificateFiles() {
        std::string name = std::filesystem::temp_directory_path() / "callchain-tls-XXXXXX";
        directory_ = ::mkdtemp(name.data());
    }
    CertificateFiles(const CertificateFiles&) = delete;
    CertificateFiles& operator=(const CertificateFiles&) = delete;
    ~CertificateFiles() { std::filesystem::remove_all(directory_); }

    [[nodiscard]] TlsFiles files() const { return {directory_ + "/chain.pem", directory_ + "/key.pem"}; }

    void write_pair(const std::string& name) const {
        const auto key = make_key();
        write_key(key.get());
        const auto certificate = make_certificate(key.get(), name);
        write_chain({certificate.get()});
    }
    void write_key(EVP_PKEY* key, const char* passphrase = nullptr) const {
        const std::unique_ptr<FILE, Freed<fclose>> file(std::fopen(files().key.c_str(), "w"));
        PEM_write_PrivateKey(file.get(), key, passphrase != nullptr ? EVP_aes_128_cbc() : nullptr, nullptr, 0,
                             nullptr, const_cast<char*>(passphrase));
    }
    void write_chain(const std::vector<X509*>& certificates) const {
        const std::unique_ptr<FILE, Freed<fclose>> file(std::fopen(files().certificate.c_str(), "w"));
        for (auto* certificate : certificates) PEM_write_X509(file.get(), certificate);
    }

  private:
    std::string directory_;
};

/// Speaks TLS over a RawClient's socket.
class TlsClient {
  public:
    explicit TlsClient(const std::string& address, int most_version = TLS1_3_VERSION)
        : raw_(address), context_(SSL_CTX_new(TLS_client_method())), ssl_(nullptr) {
        SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
        SSL_CTX_set_max_proto_version(context_.get(), most_version);
        SSL_CTX_set_security_level(context_.get(), 0);  // or TLS 1.1 would not even be offered
        ssl_.reset(SSL_new(context_.get()));
        SSL_set_fd(ssl_.get(), raw_.descriptor());
        connected_ = SSL_connect(ssl_.get()) == 1;
    }
    [[nodiscard]] bool is_connected() const { return connected_; }
    void send(const std::string& bytes) {
        SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
    }
    std::string read_some() {
        std::string bytes(65536, '\0');
        const int size = SSL_read(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
        bytes.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
        return bytes;
    }
    std::string read_until(const std::string& end) {
        std::string all;
        while (!all.ends_with(end)) {
            const auto more = read_some();
            if (more.empty()) break;
            all += more;
        }
        return all;
    }
    [[nodiscard]] bool was_closed_properly() const {
        return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
    }
    [[nodiscard]] std::string peer_name() const {
        const Certificate certificate(SSL_get1_peer_certificate(ssl_.get()));
        char name[64] = "";
        X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, name,
                                  sizeof name);
        return name;
    }
    [[nodiscard]] int chain_length() const { return sk_X509_num(SSL_get_peer_cert_chain(ssl_.get())); }
    [[nodiscard]] std::string version() const { return SSL_get_version(ssl_.get()); }

  private:
    RawClient raw_;
    std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>> context_;
    std::unique_ptr<SSL, Freed<SSL_free>> ssl_;
    bool connected_ = false;
};

TEST(TlsServer, ServesRequestsAndSaysThatTheyWereEncrypted) {
    const CertificateFiles certificates;
    certificates.write_pair("one");
    std::atomic<int> encrypted = 0;
    const auto server = start_server(
        [&](const Request& request, Responder responder) {
            encrypted += request.encrypted ? 1 : 0;
            responder.send(echo_of(request));
        },
        {.tls = certificates.files()});
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        TlsClient client(server->addresses()[0], version);
        ASSERT_TRUE(client.is_connected());
        SCOPED_TRACE(client.version());
        for (int i = 0; i < 3; ++i) {
            client.send(kPost);
            EXPECT_TRUE(client.read_until("POST / [hello]").starts_with("HTTP/1.1 200 OK\r\n"));
        }
        client.send("GET / HTTP/1.0\r\n\r\n");
        client.read_until("GET / []");
        EXPECT_EQ(client.read_some(), "");
        EXPECT_TRUE(client.was_closed_properly());
    }
    EXPECT_EQ(encrypted, 8);
}

TEST(TlsServer, RefusesVersionsBelow12) {
    const CertificateFiles certificates;
    certificates.write_pair("one");
    const auto server = start_server(echo, {.tls = certificates.files()});
    EXPECT_FALSE(TlsClient(server->addresses()[0], TLS1_1_VERSION).is_connected());
    EXPECT_TRUE(TlsClient(server->addresses()[0], TLS1_2_VERSION).is_connected());
}

TEST(TlsServer, SendsTheWholeChain) {
    const CertificateFiles files;
    const auto issuer_key = make_key();
    const auto issuer = make_certificate(issuer_key.get(), "intermediate");
    const auto key = make_key();
    const auto certificate = make_certificate(key.get(), "leaf", issuer.get(), issuer_key.get());
    files.write_key(key.get());
    files.write_chain({certificate.get(), issuer.get()});
    const auto server = start_server(echo, {.tls = files.files()});
    const TlsClient client(server->addresses()[0]);
    ASSERT_TRUE(client.is_connected());
    EXPECT_EQ(client.peer_name(), "leaf");
    EXPECT_EQ(client.chain_length(), 2);
}

TEST(TlsServer, ServesPipelinedRequestsLargeBodiesAndLateAnswers) {
    const CertificateFiles certificates;
    certificates.write_pair("one");
    Held held;
    const auto server = start_server(held.handler(), {.tls = certificates.files()});
    TlsClient client(server->addresses()[0]);
    const std::string body(300'000, 'b');
    client.send(kPost + "POST /large HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n" + body + kPost);
    const std::string answer(3'000'000, 'a');
    for (int i = 1; i <= 3; ++i) {
        ASSERT_TRUE(held.arrived.wait_for(i));
        auto [request, responder] = held.take();
        EXPECT_EQ(request.body.size(), i == 2 ? body.size() : 5U);
        responder.send({.body = answer + std::to_string(i)});
        EXPECT_GT(client.read_until("a" + std::to_string(i)).size(), answer.size());
    }
}

TEST(TlsServer, ReloadsItsCertificateForNewConnections) {
    const CertificateFiles certificates;
    certificates.write_pair("one");
    const auto server = start_server(echo, {.tls = certificates.files()});
    TlsClient before(server->addresses()[0]);
    EXPECT_EQ(before.peer_name(), "one");
    certificates.write_pair("two");
    ASSERT_TRUE(server->reload_tls().has_value());
    EXPECT_EQ(TlsClient(server->addresses()[0]).peer_name(), "two");
    std::ofstream(certificates.files().certificate) << "nonsense";
    const auto failed = server->reload_tls();
    ASSERT_FALSE(failed.has_value());
    EXPECT_EQ(failed.error().code, ErrorCode::io);
    EXPECT_EQ(TlsClient(server->addresses()[0]).peer_name(), "two");
    before.send(kPost);
    EXPECT_TRUE(before.read_until("[hello]").starts_with("HTTP/1.1 200"));
}

TEST(TlsServer, HasNothingToReloadWhereItIsPlain) {
    const auto server = start_server(echo);
    EXPECT_TRUE(server->reload_tls().has_value());
    RawClient client(server->addresses()[0]);
    client.send(kPost);
    EXPECT_EQ(client.read_answer().status, 200);
}

TEST(TlsServer, ExplainsFilesThatItCannotUse) {
    const CertificateFiles files;
    const auto start = [&] { return Server::start({.listen = {"127.0.0.1:0"}, .tls = files.files()}, echo); };
    const auto expect_error = [&](const std::string& path, std::string_view reason) {
        const auto server = start();
        ASSERT_FALSE(server.has_value());
        EXPECT_EQ(server.error().code, ErrorCode::io);
        EXPECT_NE(server.error().message.find(path), std::string::npos) << server.error().message;
        EXPECT_NE(server.error().message.find(reason), std::string::npos) << server.error().message;
    };
    expect_error(files.files().certificate, "No such file");
    files.write_pair("one");
    std::filesystem::remove(files.files().key);
    expect_error(files.files().key, "No such file");
    files.write_key(make_key().get());
    expect_error(files.files().key, "key values mismatch");
    // Of another kind, the key takes its place beside the certificate; only the check of both finds out.
    files.write_key(Key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")).get());
    expect_error(files.files().key, "no certificate assigned");
    EXPECT_NE(start().error().hint.find(files.files().certificate), std::string::npos);
    files.write_key(make_key().get(), "secret");
    expect_error(files.files().key, "");  // and does not ask at the terminal
}

TEST(TlsServer, ClosesIdleConnectionsProperlyInADrain) {
    const CertificateFiles certificates;
    certificates.write_pair("one");
    const auto server = start_server(echo, {.tls = certificates.files()});
    TlsClient client(server->addresses()[0]);
    client.send(kPost);
    EXPECT_TRUE(client.read_until("[hello]").starts_with("HTTP/1.1 200"));
    server->drain();
    EXPECT_EQ(client.read_some(), "");
    EXPECT_TRUE(client.was_closed_properly());
    EXPECT_TRUE(server->wait_until_idle(10s));
}

TEST(TlsServer, CountsTheHandshakeAgainstTheHeaderTime) {
    const CertificateFiles certificates;
    certificates.write_pair("one");
    const ServerLimits limits{.header_time = 60ms, .request_time = 60'000ms, .idle_time = 60'000ms};
    const auto server = start_server(echo, {.limits = limits, .tls = certificates.files()});
    RawClient silent(server->addresses()[0]);
    EXPECT_EQ(silent.read_to_end(), "");
    RawClient half(server->addresses()[0]);
    half.send(std::string("\x16\x03\x01\x02", 4));
    EXPECT_EQ(half.read_to_end(), "");
}

TEST(TlsServer, ClosesOnAClientThatSpeaksPlainHttp) {
    const CertificateFiles certificates;
    certificates.write_pair("one");
    const auto server = start_server(echo, {.tls = certificates.files()});
    RawClient plain(server->addresses()[0]);
    plain.send(kPost);
    plain.finish_sending();
    plain.read_to_end();
    TlsClient client(server->addresses()[0]);
    client.send(kPost);
    EXPECT_TRUE(client.read_until("[hello]").starts_with("HTTP/1.1 200"));
}

TEST(TlsServer, SurvivesAClientThatGoesAwayBeforeItsAnswer) {
    const CertificateFiles certificates;
    certificates.write_pair("one");
    Held held;
    Signal closed;
    const auto server = start_server(held.handler(), {.tls = certificates.files()},
                                     {.on_connection_closed = [&] { closed.give(); }});
    {
        TlsClient client(server->addresses()[0]);
        client.send(kPost);
        ASSERT_TRUE(held.arrived.wait_for());
    }
    // OpenSSL writes with write(): without precautions this raises SIGPIPE and ends the process.
    held.take().second.send({.body = std::string(1'000'000, 'x')});
    EXPECT_TRUE(closed.wait_for());
}

}  // namespace
}  // namespace callchain::http
