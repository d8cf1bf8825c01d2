/// Hashes and HMAC over OpenSSL's EVP, and comparison in constant time.
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace callchain::crypto {

/// md5 and sha512_256 are here for SIP's digest alone: MD5 is broken and kept because peers know nothing
/// else.
enum class HashAlgorithm { md5, sha1, sha256, sha512, sha512_256 };

/// A hash or MAC value: `size` bytes of `bytes`. 16, 20, 32, 64 or 32 by algorithm.
struct Digest {
    std::array<unsigned char, 64> bytes{};
    std::size_t size = 0;
    /// Borrows from this Digest.
    [[nodiscard]] std::string_view view() const;
};

/// Hash of the concatenation of `parts`.
[[nodiscard]] Digest hash(HashAlgorithm algorithm, std::initializer_list<std::string_view> parts);
[[nodiscard]] std::string sha256_hex(std::string_view bytes);

/// An HMAC key with its two key blocks hashed once (RFC 2104 section 4), so that thousands of messages
/// under one key cost no key set-up. Move-only. sign() may be called from any thread, also at the same time.
class HmacKey {
  public:
    /// Any key length, the empty key included.
    HmacKey(HashAlgorithm algorithm, std::string_view key);
    HmacKey(HmacKey&&) noexcept;
    HmacKey& operator=(HmacKey&&) noexcept;
    ~HmacKey();

    /// HMAC of the concatenation of `parts`. Source: RFC 2104, FIPS 198-1.
    [[nodiscard]] Digest sign(std::span<const std::string_view> parts) const;
    [[nodiscard]] Digest sign(std::initializer_list<std::string_view> parts) const {
        return sign(std::span(parts.begin(), parts.size()));
    }

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// Compares without telling by its duration where two equally long values differ.
/// The length itself is not hidden: it is public for every MAC.
[[nodiscard]] bool equal_in_constant_time(std::string_view a, std::string_view b);

/// Version of the OpenSSL library that is loaded, e.g. "3.0.17".
[[nodiscard]] std::string openssl_version();

}  // namespace callchain::crypto
