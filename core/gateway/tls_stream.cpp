#include "gateway/tls_stream.hpp"

#include "base/text.hpp"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstdint>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <system_error>
#include <utility>

namespace callchain::gateway {
namespace {

constexpr std::size_t kMostSubjectCharacters = 200;

// OpenSSL's own socket BIO calls write(), which ends the process by SIGPIPE where the peer is gone; this one
// sends without signals. It does not own the socket.

int socket_of(BIO* bio) { return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio))); }

bool is_temporary(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

int bio_write(BIO* bio, const char* bytes, int size) {
    BIO_clear_retry_flags(bio);
    const auto sent = ::send(socket_of(bio), bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
    if (sent < 0 && is_temporary(errno)) BIO_set_retry_write(bio);
    return static_cast<int>(sent);
}

int bio_read(BIO* bio, char* bytes, int size) {
    BIO_clear_retry_flags(bio);
    const auto received = ::recv(socket_of(bio), bytes, static_cast<std::size_t>(size), 0);
    if (received < 0 && is_temporary(errno)) BIO_set_retry_read(bio);
    if (received == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return static_cast<int>(received);
}

long bio_control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

const BIO_METHOD* socket_method() {
    static const BIO_METHOD* const method = [] {
        auto* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket without signals");
        BIO_meth_set_write(made, &bio_write);
        BIO_meth_set_read(made, &bio_read);
        BIO_meth_set_ctrl(made, &bio_control);
        return made;
    }();
    return method;
}

bool is_address(const std::string& name) {
    std::array<unsigned char, 16> bytes{};
    return ::inet_pton(AF_INET, name.c_str(), bytes.data()) == 1 ||
           ::inet_pton(AF_INET6, name.c_str(), bytes.data()) == 1;
}

/// As OpenSSL compares it: without the brackets of an IPv6 reference and without a final dot.
std::string plain_name(std::string name) {
    if (name.starts_with('[') && name.ends_with(']')) return name.substr(1, name.size() - 2);
    if (name.ends_with('.')) name.pop_back();
    return name;
}

bool expect_identity(SSL* connection, const std::string& name) {
    auto* rules = SSL_get0_param(connection);
    if (is_address(name)) return X509_VERIFY_PARAM_set1_ip_asc(rules, name.c_str()) == 1;
    X509_VERIFY_PARAM_set_hostflags(
        rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    // What the macro SSL_set_tlsext_host_name does, but for its C cast.
    auto sent = name;
    return SSL_ctrl(connection, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, sent.data()) == 1 &&
           X509_VERIFY_PARAM_set1_host(rules, name.c_str(), 0) == 1;
}

std::string verdict_text(long verdict, const std::string& identity) {
    if (verdict == X509_V_ERR_HOSTNAME_MISMATCH || verdict == X509_V_ERR_IP_ADDRESS_MISMATCH)
        return "its certificate is not for " + identity;
    return "its certificate is refused: " + std::string(X509_verify_cert_error_string(verdict));
}

}  // namespace

void TlsStream::Free::operator()(ssl_st* connection) const { SSL_free(connection); }

TlsStream::~TlsStream() { ERR_clear_error(); }

bool TlsStream::attach(ssl_ctx_st* context, int socket) {
    ERR_clear_error();
    connection_.reset(SSL_new(context));
    auto* bio = BIO_new(socket_method());
    if (!connection_ || bio == nullptr) {
        BIO_free(bio);
        return false;
    }
    BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(socket)));
    BIO_set_init(bio, 1);
    SSL_set_bio(connection_.get(), bio, bio);
    return true;
}

std::unique_ptr<TlsStream> TlsStream::accept(const TlsServerContext& context, int socket) {
    std::unique_ptr<TlsStream> stream(new TlsStream);
    if (!stream->attach(context.current(), socket)) return nullptr;
    SSL_set_accept_state(stream->connection_.get());
    return stream;
}

Result<std::unique_ptr<TlsStream>> TlsStream::connect(const TlsClientContext& context, int socket,
                                                      const std::string& identity) {
    std::unique_ptr<TlsStream> stream(new TlsStream);
    if (!stream->attach(context.native(), socket))
        return fail(ErrorCode::internal, "cannot set up a TLS connection: " + take_tls_reason());
    stream->identity_ = plain_name(identity);
    auto* connection = stream->connection_.get();
    SSL_set_connect_state(connection);
    if (stream->identity_.empty() || !expect_identity(connection, stream->identity_)) {
        return fail(ErrorCode::usage,
                    "\"" + visible_excerpt(identity, 80) + "\" is no name that a certificate can be for");
    }
    SSL_set_ex_data(connection, 0, &stream->identity_);
    if (auto* session = context.session_for(stream->identity_)) SSL_set_session(connection, session);
    return stream;
}

StreamStatus TlsStream::shake_hands() {
    ERR_clear_error();
    const auto status = judge(SSL_do_handshake(connection_.get()));
    if (status == StreamStatus::done) is_shaken_ = true;
    if (status == StreamStatus::ended) {
        fault_ = "the peer closed the connection within the TLS handshake";
        return StreamStatus::failed;
    }
    return status;
}

Transfer TlsStream::read(std::span<char> buffer) {
    ERR_clear_error();
    Transfer transfer;
    transfer.status = judge(SSL_read_ex(connection_.get(), buffer.data(), buffer.size(), &transfer.bytes));
    return transfer;
}

Transfer TlsStream::write(std::string_view bytes) {
    ERR_clear_error();
    Transfer transfer;
    transfer.status = judge(SSL_write_ex(connection_.get(), bytes.data(), bytes.size(), &transfer.bytes));
    return transfer;
}

StreamStatus TlsStream::judge(int result) {
    const int system_error = errno;
    switch (SSL_get_error(connection_.get(), result)) {
        case SSL_ERROR_NONE:
            return StreamStatus::done;
        case SSL_ERROR_WANT_READ:
            return StreamStatus::wants_read;
        case SSL_ERROR_WANT_WRITE:
            return StreamStatus::wants_write;
        case SSL_ERROR_ZERO_RETURN:
            return StreamStatus::ended;
        case SSL_ERROR_SYSCALL:
            fault_ = std::generic_category().message(system_error);
            // The queue may hold the cause, but for an end without close_notify it is empty.
            ERR_clear_error();
            return StreamStatus::failed;
        default:
            break;
    }
    const auto verdict = SSL_get_verify_result(connection_.get());
    if (!is_shaken_ && !identity_.empty() && verdict != X509_V_OK) {
        ERR_clear_error();
        fault_ = verdict_text(verdict, identity_);
    } else {
        fault_ = (is_shaken_ ? "TLS: " : "the TLS handshake failed: ") + take_tls_reason();
    }
    return StreamStatus::failed;
}

bool TlsStream::has_unread() const { return SSL_has_pending(connection_.get()) == 1; }

void TlsStream::shut_down() {
    ERR_clear_error();
    if (is_shaken_) SSL_shutdown(connection_.get());
    ERR_clear_error();
}

TlsStream::Peer TlsStream::peer() const {
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(
        SSL_get1_peer_certificate(connection_.get()), &X509_free);
    if (!certificate) return {};
    const std::unique_ptr<BIO, decltype(&BIO_free)> text(BIO_new(BIO_s_mem()), &BIO_free);
    X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate.get()), 0,
                       XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB));
    std::string subject(kMostSubjectCharacters * 4, '\0');
    const int size = BIO_read(text.get(), subject.data(), static_cast<int>(subject.size()));
    subject.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return {visible_excerpt(subject, kMostSubjectCharacters),
            SSL_get_verify_result(connection_.get()) == X509_V_OK};
}

std::string TlsStream::version() const { return SSL_get_version(connection_.get()); }

}  // namespace callchain::gateway
