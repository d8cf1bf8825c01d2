/// The certificate and the key of a server that speaks TLS.
#pragma once

#include "base/result.hpp"
#include "http/server.hpp"

#include <memory>
#include <mutex>

namespace boost::asio::ssl {
class context;
}

namespace callchain::http {

/// Certificate chain and key of a server: TLS 1.2 and later, no renegotiation, no client certificate asked
/// for. Any thread.
class TlsContext {
  public:
    /// Errors: io for files that cannot be read, are no PEM, or do not belong together.
    [[nodiscard]] static Result<std::unique_ptr<TlsContext>> load(TlsFiles files);
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;
    /// Reads the files again for connections made from now on. Errors: as load(); then nothing changes.
    [[nodiscard]] Result<void> reload();
    /// For one new connection, which holds a reference of its own (OpenSSL counts).
    [[nodiscard]] std::shared_ptr<boost::asio::ssl::context> current();

  private:
    using Context = std::shared_ptr<boost::asio::ssl::context>;
    TlsContext(TlsFiles files, Context context);
    TlsFiles files_;
    std::mutex mutex_;
    Context context_;
};

}  // namespace callchain::http
