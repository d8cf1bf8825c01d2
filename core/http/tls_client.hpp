/// The OpenSSL side of a client's TLS connection: trust, host names, and why a handshake failed. Internal to
/// core/http; names no header of OpenSSL.
#pragma once

#include "base/result.hpp"

#include <string>

struct ssl_st;
struct ssl_ctx_st;

namespace callchain::http {

/// A context for connections that verify their peer: TLS 1.2 and up, trust from a PEM file, or from the
/// system's store where `ca_file` is empty. The caller owns one count of it (SSL_CTX_free), as the
/// constructor of asio's own context takes it. One context serves all connections of an hour, since reading a
/// bundle of certificates takes some 20 ms. May be called from any thread. Errors: io, naming the file.
[[nodiscard]] Result<ssl_ctx_st*> share_client_context(const std::string& ca_file);

/// Makes the handshake ask for `host` (SNI) and insist on a certificate for it; for an address there is no
/// SNI, and the certificate must have that address. Source: RFC 6066 section 3, RFC 9525 section 6.
[[nodiscard]] Result<void> expect_host(ssl_st* connection, const std::string& host);

/// "certificate has expired", or `words` where the certificate was not at fault.
[[nodiscard]] std::string handshake_fault(const ssl_st* connection, const std::string& words);

}  // namespace callchain::http
