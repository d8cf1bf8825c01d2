#include "http/tls.hpp"

#include "http/tls_reason.hpp"

#include <boost/asio/ssl/context.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string>
#include <utility>

namespace callchain::http {
namespace {

struct ContextDeleter {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using NativeContext = std::unique_ptr<SSL_CTX, ContextDeleter>;
using Context = std::shared_ptr<boost::asio::ssl::context>;

tl::unexpected<Error> cannot_use(const char* what, const std::string& path, std::string hint) {
    return fail(ErrorCode::io,
                std::string("cannot use the TLS ") + what + " " + path + ": " + take_tls_reason(),
                std::move(hint));
}

// Without it OpenSSL asks for the passphrase on the terminal, which a service does not have.
int no_passphrase(char*, int, int, void*) { return 0; }

Result<Context> make_context(const TlsFiles& files) {
    ERR_clear_error();
    NativeContext context(SSL_CTX_new(TLS_server_method()));
    if (!context) return fail(ErrorCode::internal, "cannot set up TLS: " + take_tls_reason());
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    // Tickets resume sessions as well, and cost no memory here.
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_default_passwd_cb(context.get(), &no_passphrase);
    if (SSL_CTX_use_certificate_chain_file(context.get(), files.certificate.c_str()) != 1) {
        return cannot_use("certificate", files.certificate,
                          "it is a PEM file: the server's own certificate first, then the intermediate ones");
    }
    if (SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
        return cannot_use("key", files.key,
                          "it is a PEM file without a passphrase, of the same pair as the certificate");
    }
    if (SSL_CTX_check_private_key(context.get()) != 1) {
        return cannot_use("key", files.key, "it does not belong to " + files.certificate);
    }
    return std::make_shared<boost::asio::ssl::context>(context.release());
}

}  // namespace

TlsContext::TlsContext(TlsFiles files, Context context)
    : files_(std::move(files)), context_(std::move(context)) {}

Result<std::unique_ptr<TlsContext>> TlsContext::load(TlsFiles files) {
    auto context = CALLCHAIN_TRY(make_context(files));
    return std::unique_ptr<TlsContext>(new TlsContext(std::move(files), std::move(context)));
}

Result<void> TlsContext::reload() {
    auto fresh = CALLCHAIN_TRY(make_context(files_));
    const std::lock_guard lock(mutex_);
    std::swap(context_, fresh);
    return {};
}

std::shared_ptr<boost::asio::ssl::context> TlsContext::current() {
    const std::lock_guard lock(mutex_);
    return context_;
}

}  // namespace callchain::http
