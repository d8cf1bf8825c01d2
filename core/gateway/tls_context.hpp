/// What TLS connections share: certificates, keys, authorities, sessions.
#pragma once

#include "base/result.hpp"
#include "gateway/transports.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

struct ssl_ctx_st;
struct ssl_session_st;

namespace callchain::gateway {

struct FreeTlsContext {
    void operator()(ssl_ctx_st* context) const;
};
using TlsContextHandle = std::unique_ptr<ssl_ctx_st, FreeTlsContext>;
struct FreeTlsSession {
    void operator()(ssl_session_st* session) const;
};
using TlsSessionHandle = std::unique_ptr<ssl_session_st, FreeTlsSession>;

/// Certificate chain and key of the listeners. TLS 1.2 and up, the ciphers of Mozilla's intermediate profile
/// (among which Twilio's are), no renegotiation, no compression, no ALPN; sessions are resumed by ticket, or
/// from a small cache where the client has none. Served with and without SNI, whatever name it has. The
/// loop's thread.
class TlsServerContext {
  public:
    /// Errors: usage for what cannot be read, is no PEM, has a passphrase, or does not belong together.
    [[nodiscard]] static Result<std::unique_ptr<TlsServerContext>> load(TlsServerSettings settings);

    /// For handshakes from now on; connections keep the context they were made with.
    /// Errors: as load(); then nothing changes.
    [[nodiscard]] Result<void> reload();
    /// Whether a file is another one, or was written, since it was last read, with success or without.
    [[nodiscard]] bool files_changed() const;
    /// When our own certificate ends; those behind it in the chain do not count.
    [[nodiscard]] std::chrono::sys_seconds certificate_ends() const { return ends_; }
    /// Borrowed until the next reload(); OpenSSL counts.
    [[nodiscard]] ssl_ctx_st* current() const { return context_.get(); }

  private:
    struct FileState {
        std::uint64_t inode = 0;
        std::int64_t seconds = 0;
        std::int64_t nanoseconds = 0;
        std::int64_t size = 0;
        friend bool operator==(const FileState&, const FileState&) = default;
    };
    explicit TlsServerContext(TlsServerSettings settings) : settings_(std::move(settings)) {}
    [[nodiscard]] std::vector<FileState> look_at_files() const;

    TlsServerSettings settings_;
    TlsContextHandle context_;
    std::chrono::sys_seconds ends_{};
    std::vector<FileState> files_;
};

/// What outbound connections share: the authorities, and for each name the session to go on with. The loop's
/// thread. Must outlive the handshakes made from it.
class TlsClientContext {
  public:
    /// Errors: usage for a CA file that cannot be read. Empty: the system's authorities.
    [[nodiscard]] static Result<std::unique_ptr<TlsClientContext>> load(const std::string& ca_file);
    TlsClientContext(const TlsClientContext&) = delete;
    TlsClientContext& operator=(const TlsClientContext&) = delete;
    ~TlsClientContext();

    [[nodiscard]] ssl_ctx_st* native() const { return context_.get(); }
    /// Of the last connection whose certificate was verified for that name; nullptr: none.
    [[nodiscard]] ssl_session_st* session_for(const std::string& identity) const;
    void keep_session(const std::string& identity, TlsSessionHandle session);

  private:
    explicit TlsClientContext(TlsContextHandle context) : context_(std::move(context)) {}

    TlsContextHandle context_;
    std::unordered_map<std::string, TlsSessionHandle> sessions_;
};

/// The first error that OpenSSL has noted on this thread, in words, and forgets all of them.
[[nodiscard]] std::string take_tls_reason();

}  // namespace callchain::gateway
