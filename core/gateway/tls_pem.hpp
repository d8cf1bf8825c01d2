/// Certificates and keys out of PEM, for core/gateway/tls*.cpp alone.
#pragma once

#include "base/result.hpp"
#include "gateway/transports.hpp"

#include <chrono>
#include <memory>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::gateway {

template <auto Free>
struct Freed {
    template <class T>
    void operator()(T* object) const {
        Free(object);
    }
};
using CertificateHandle = std::unique_ptr<X509, Freed<X509_free>>;
using KeyHandle = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;

/// What it is called in messages: the file, or that it came as text. Never the text.
[[nodiscard]] std::string name_of_source(const PemSource& source);
[[nodiscard]] tl::unexpected<Error> cannot_use(std::string_view what, const PemSource& source,
                                               const std::string& why, std::string hint);
/// At least one; the server's own first. Errors: usage, naming the file.
[[nodiscard]] Result<std::vector<CertificateHandle>> read_chain(const PemSource& source);
/// Without a passphrase. Errors: usage, naming the file.
[[nodiscard]] Result<KeyHandle> read_key(const PemSource& source);
[[nodiscard]] std::chrono::sys_seconds begin_of(const X509* certificate);
[[nodiscard]] std::chrono::sys_seconds end_of(const X509* certificate);

}  // namespace callchain::gateway
