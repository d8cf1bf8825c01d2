#include "gateway/tls_context.hpp"

#include "base/text.hpp"
#include "gateway/tls_pem.hpp"

#include <array>
#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <optional>
#include <sys/stat.h>
#include <system_error>
#include <utility>

namespace callchain::gateway {
namespace {

// Mozilla's "intermediate" profile 5.7. Those of them that Twilio offers: ECDHE-RSA-AES128-GCM-SHA256 and
// ECDHE-RSA-AES256-GCM-SHA384. TLS 1.3 has its own, all good.
constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305";
constexpr std::array<unsigned char, 9> kSessionContext{'c', 'a', 'l', 'l', 'c', 'h', 'a', 'i', 'n'};
constexpr long kMostServerSessions = 1'024;
constexpr std::size_t kMostClientSessions = 256;

/// What both sides have in common.
Result<TlsContextHandle> new_context(const SSL_METHOD* method) {
    ERR_clear_error();
    TlsContextHandle context(SSL_CTX_new(method));
    if (!context) return fail(ErrorCode::internal, "cannot set up TLS: " + take_tls_reason());
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_options(context.get(),
                        SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    // Released buffers make an idle connection small; one that is busy reads as much as there is.
    SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context.get(), 1);
    std::string groups = "X25519:P-256:P-384";
    // What the macro SSL_CTX_set1_groups_list does, but for its C cast.
    const bool done = SSL_CTX_set_cipher_list(context.get(), kCiphers) == 1 &&
                      SSL_CTX_ctrl(context.get(), SSL_CTRL_SET_GROUPS_LIST, 0, groups.data()) == 1;
    if (!done) return fail(ErrorCode::internal, "OpenSSL does not take the ciphers: " + take_tls_reason());
    return context;
}

/// Serves every name, and one that the certificate has is acknowledged. Never refuses: a client that asks by
/// address or by an alias judges the certificate itself.
int on_server_name(SSL* connection, int*, void*) {
    const char* name = SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name);
    auto* certificate = SSL_get_certificate(connection);
    if (name == nullptr || certificate == nullptr) return SSL_TLSEXT_ERR_NOACK;
    const bool ours = X509_check_host(certificate, name, 0, 0, nullptr) == 1;
    return ours ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

/// Takes every certificate; the verdict stays with the connection.
int only_record(int, X509_STORE_CTX*) { return 1; }

Result<void> ask_for_client_certificate(SSL_CTX* context, const TlsServerSettings& settings) {
    const bool required = settings.client_certificate == TlsServerSettings::ClientCertificate::require;
    const auto& file = settings.client_ca_file;
    if (required && file.empty()) {
        return fail(
            ErrorCode::usage, "client certificates are required, but no file of authorities is named",
            "name the authority that signs them; any certificate of the web would be let in otherwise");
    }
    const int trusted = file.empty() ? SSL_CTX_set_default_verify_paths(context)
                                     : SSL_CTX_load_verify_file(context, file.c_str());
    if (trusted != 1) {
        return fail(ErrorCode::usage, "cannot use the authorities of client certificates of " + file + ": " +
                                          take_tls_reason());
    }
    if (!file.empty()) SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(file.c_str()));
    if (required)
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    else
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, &only_record);
    return {};
}

void set_up_sessions(SSL_CTX* context) {
    // Where clients are asked for a certificate, a session is resumed only with this.
    SSL_CTX_set_session_id_context(context, kSessionContext.data(), kSessionContext.size());
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER);
    SSL_CTX_sess_set_cache_size(context, kMostServerSessions);
}

struct ServerContext {
    TlsContextHandle context;
    std::chrono::sys_seconds ends;
};

Result<ServerContext> make_server_context(const TlsServerSettings& settings) {
    auto context = CALLCHAIN_TRY(new_context(TLS_server_method()));
    SSL_CTX_set_dh_auto(context.get(), 1);
    const auto chain = CALLCHAIN_TRY(read_chain(settings.certificate));
    const auto key = CALLCHAIN_TRY(read_key(settings.key));
    if (SSL_CTX_use_certificate(context.get(), chain.front().get()) != 1) {
        return cannot_use("certificate", settings.certificate, take_tls_reason(),
                          "RSA from 2,048 bits on and ECDSA on P-256 or P-384 are taken");
    }
    for (std::size_t i = 1; i < chain.size(); ++i)
        SSL_CTX_ctrl(context.get(), SSL_CTRL_CHAIN_CERT, 1, chain[i].get());
    if (SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1 ||
        SSL_CTX_check_private_key(context.get()) != 1) {
        return cannot_use(
            "key", settings.key, take_tls_reason(),
            "it does not belong to the first certificate of " + name_of_source(settings.certificate));
    }
    CALLCHAIN_TRY(ask_for_client_certificate(context.get(), settings));
    set_up_sessions(context.get());
    SSL_CTX_callback_ctrl(context.get(), SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                          reinterpret_cast<void (*)()>(&on_server_name));  // the type that it wants
    return ServerContext{std::move(context), end_of(chain.front().get())};
}

/// A new ticket of a server. The connection has its name as application data, the context its owner.
int on_new_session(SSL* connection, SSL_SESSION* session) {
    auto* owner = static_cast<TlsClientContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(connection)));
    const auto* identity = static_cast<const std::string*>(SSL_get_app_data(connection));
    if (owner == nullptr || identity == nullptr) return 0;
    owner->keep_session(*identity, TlsSessionHandle(session));
    return 1;  // it is ours now
}

}  // namespace

void FreeTlsContext::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }
void FreeTlsSession::operator()(ssl_session_st* session) const { SSL_SESSION_free(session); }

// The first error is the cause, later ones only say who passed it on.
std::string take_tls_reason() {
    const auto code = ERR_peek_error();
    ERR_clear_error();
    if (code == 0) return "unknown reason";
    if (ERR_SYSTEM_ERROR(code)) return std::generic_category().message(ERR_GET_REASON(code));
    const char* reason = ERR_reason_error_string(code);
    return reason == nullptr ? "unknown reason" : reason;
}

Result<std::unique_ptr<TlsServerContext>> TlsServerContext::load(TlsServerSettings settings) {
    std::unique_ptr<TlsServerContext> context(new TlsServerContext(std::move(settings)));
    CALLCHAIN_TRY(context->reload());
    return context;
}

Result<void> TlsServerContext::reload() {
    files_ = look_at_files();  // before they are read: what is written meanwhile is seen the next time
    auto fresh = CALLCHAIN_TRY(make_server_context(settings_));
    context_ = std::move(fresh.context);
    ends_ = fresh.ends;
    return {};
}

bool TlsServerContext::files_changed() const { return look_at_files() != files_; }

std::vector<TlsServerContext::FileState> TlsServerContext::look_at_files() const {
    std::vector<FileState> states;
    for (const auto* path : {&settings_.certificate.path, &settings_.key.path, &settings_.client_ca_file}) {
        if (path->empty()) continue;
        struct stat found {};
        FileState state;
        if (::stat(path->c_str(), &found) == 0)
            state = {found.st_ino, found.st_mtim.tv_sec, found.st_mtim.tv_nsec, found.st_size};
        states.push_back(state);
    }
    return states;
}

Result<std::unique_ptr<TlsClientContext>> TlsClientContext::load(const std::string& ca_file) {
    auto context = CALLCHAIN_TRY(new_context(TLS_client_method()));
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    const int trusted = ca_file.empty() ? SSL_CTX_set_default_verify_paths(context.get())
                                        : SSL_CTX_load_verify_file(context.get(), ca_file.c_str());
    if (trusted != 1) {
        return fail(ErrorCode::usage,
                    "cannot read the authorities of " + (ca_file.empty() ? "the system" : ca_file) + ": " +
                        take_tls_reason(),
                    "a PEM file of certificate authorities is needed");
    }
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context.get(), &on_new_session);
    std::unique_ptr<TlsClientContext> client(new TlsClientContext(std::move(context)));
    SSL_CTX_set_ex_data(client->native(), 0, client.get());
    return client;
}

// Connections may live longer than this does, and get tickets all the time.
TlsClientContext::~TlsClientContext() { SSL_CTX_set_ex_data(context_.get(), 0, nullptr); }

ssl_session_st* TlsClientContext::session_for(const std::string& identity) const {
    const auto found = sessions_.find(identity);
    return found == sessions_.end() ? nullptr : found->second.get();
}

void TlsClientContext::keep_session(const std::string& identity, TlsSessionHandle session) {
    if (sessions_.size() >= kMostClientSessions && !sessions_.contains(identity))
        sessions_.erase(sessions_.begin());
    sessions_[identity] = std::move(session);
}

}  // namespace callchain::gateway
