#include "http/tls_client.hpp"

#include "http/tls_reason.hpp"

#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace callchain::http {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::hours kContextAge{1};

struct FreeContext {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using Context = std::unique_ptr<SSL_CTX, FreeContext>;

tl::unexpected<Error> openssl_fault(std::string what, std::string hint = {}) {
    return fail(ErrorCode::io, std::move(what) + ": " + take_tls_reason(), std::move(hint));
}

Result<Context> new_context(const std::string& ca_file) {
    ERR_clear_error();
    Context context(SSL_CTX_new(TLS_client_method()));
    if (!context) return openssl_fault("OpenSSL makes no context");
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    const int trusted = ca_file.empty() ? SSL_CTX_set_default_verify_paths(context.get())
                                        : SSL_CTX_load_verify_file(context.get(), ca_file.c_str());
    if (trusted == 1) return context;
    return openssl_fault("cannot read the certificates of " + (ca_file.empty() ? "the system" : ca_file),
                         "a PEM file of certificate authorities is needed");
}

bool is_address(const std::string& host) {
    std::array<unsigned char, 16> bytes{};
    return inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
           inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

// The contexts in use, one for each file of certificates.
class Contexts {
  public:
    // Set up before this object is complete, OpenSSL is also taken down after it.
    Contexts() { OPENSSL_init_ssl(0, nullptr); }

    Result<SSL_CTX*> share(const std::string& ca_file) {
        const std::lock_guard lock(mutex_);
        auto& entry = entries_[ca_file];
        const auto now = Clock::now();
        if (!entry.context || now - entry.made_at > kContextAge) {
            entry.context = CALLCHAIN_TRY(new_context(ca_file));
            entry.made_at = now;
        }
        SSL_CTX_up_ref(entry.context.get());
        return entry.context.get();
    }

  private:
    struct Entry {
        Context context;
        Clock::time_point made_at;
    };
    std::mutex mutex_;
    std::map<std::string, Entry> entries_;
};

}  // namespace

Result<ssl_ctx_st*> share_client_context(const std::string& ca_file) {
    static Contexts contexts;
    return contexts.share(ca_file);
}

Result<void> expect_host(ssl_st* connection, const std::string& host) {
    if (is_address(host)) {
        if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(connection), host.c_str()) == 1) return {};
        return openssl_fault("OpenSSL does not take the address " + host);
    }
    SSL_set_hostflags(connection, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    // What the macro SSL_set_tlsext_host_name does, but for its C cast.
    auto name = host;
    if (SSL_ctrl(connection, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) == 1 &&
        SSL_set1_host(connection, host.c_str()) == 1)
        return {};
    return openssl_fault("OpenSSL does not take the host name");
}

std::string handshake_fault(const ssl_st* connection, const std::string& words) {
    const auto verdict = SSL_get_verify_result(connection);
    return verdict == X509_V_OK ? words : std::string(X509_verify_cert_error_string(verdict));
}

}  // namespace callchain::http
