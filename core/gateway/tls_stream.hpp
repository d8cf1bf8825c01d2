/// TLS over a socket that does not block.
#pragma once

#include "gateway/tls_context.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct ssl_st;

namespace callchain::gateway {

enum class StreamStatus {
    done,
    wants_read,   ///< call again when the socket can be read
    wants_write,  ///< … or written
    ended,        ///< the peer has closed, in good order or not
    failed,       ///< the words are in fault()
};
struct Transfer {
    StreamStatus status = StreamStatus::done;
    std::size_t bytes = 0;
};

/// OpenSSL on a socket that somebody else owns, without buffers of ours in between: an idle connection holds
/// what OpenSSL cannot do without. One thread.
class TlsStream {
  public:
    /// nullptr: there is no memory for one more.
    [[nodiscard]] static std::unique_ptr<TlsStream> accept(const TlsServerContext& context, int socket);
    /// The certificate must be for `identity`, a name or a numeric address; it goes out as SNI if a name.
    /// The context must live until the handshake is over. Errors: usage for an identity that is neither.
    [[nodiscard]] static Result<std::unique_ptr<TlsStream>> connect(const TlsClientContext& context,
                                                                    int socket, const std::string& identity);
    TlsStream(const TlsStream&) = delete;
    TlsStream& operator=(const TlsStream&) = delete;
    ~TlsStream();

    [[nodiscard]] StreamStatus shake_hands();
    [[nodiscard]] Transfer read(std::span<char> buffer);
    [[nodiscard]] Transfer write(std::string_view bytes);
    /// Bytes have come that the socket no longer has.
    [[nodiscard]] bool has_unread() const;
    /// Tells the peer that nothing more comes; does not wait.
    void shut_down();
    /// Why the last call failed, in words for a person.
    [[nodiscard]] const std::string& fault() const { return fault_; }

    struct Peer {
        std::string subject;  ///< of its certificate, printable; empty: it has sent none
        bool verified = false;
    };
    [[nodiscard]] Peer peer() const;
    /// "TLSv1.3". Behind the handshake.
    [[nodiscard]] std::string version() const;

  private:
    struct Free {
        void operator()(ssl_st* connection) const;
    };
    TlsStream() = default;
    [[nodiscard]] bool attach(ssl_ctx_st* context, int socket);
    [[nodiscard]] StreamStatus judge(int result);

    std::string identity_;  // of a client
    std::unique_ptr<ssl_st, Free> connection_;
    std::string fault_;
    bool is_shaken_ = false;
};

}  // namespace callchain::gateway
