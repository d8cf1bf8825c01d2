#include "crypto/hash.hpp"

#include <algorithm>
#include <cstdlib>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <utility>

namespace callchain::crypto {
namespace {

// EVP fails here only when memory is gone or the build of OpenSSL lacks a basic hash; neither can be reported
// usefully.
void require(int ok) {
    if (ok != 1) std::abort();
}

struct ContextDeleter {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, ContextDeleter>;

Context make_context() {
    Context context(EVP_MD_CTX_new());
    if (!context) std::abort();
    return context;
}

// Fetched once each: an implicit fetch on every EVP_DigestInit costs more than hashing a short message.
const EVP_MD* evp_algorithm(HashAlgorithm algorithm) {
    switch (algorithm) {
        case HashAlgorithm::md5: {
            static const EVP_MD* const md5 = EVP_MD_fetch(nullptr, "MD5", nullptr);
            return md5;
        }
        case HashAlgorithm::sha1: {
            static const EVP_MD* const sha1 = EVP_MD_fetch(nullptr, "SHA1", nullptr);
            return sha1;
        }
        case HashAlgorithm::sha256: {
            static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
            return sha256;
        }
        case HashAlgorithm::sha512: {
            static const EVP_MD* const sha512 = EVP_MD_fetch(nullptr, "SHA512", nullptr);
            return sha512;
        }
        case HashAlgorithm::sha512_256: {
            static const EVP_MD* const sha512_256 = EVP_MD_fetch(nullptr, "SHA512-256", nullptr);
            return sha512_256;
        }
    }
    std::abort();
}

void update(EVP_MD_CTX* context, std::string_view bytes) {
    require(EVP_DigestUpdate(context, bytes.data(), bytes.size()));
}

Digest finish(EVP_MD_CTX* context) {
    Digest digest;
    unsigned size = 0;
    require(EVP_DigestFinal_ex(context, digest.bytes.data(), &size));
    digest.size = size;
    return digest;
}

constexpr std::size_t block_size(HashAlgorithm algorithm) {
    return algorithm == HashAlgorithm::sha512 || algorithm == HashAlgorithm::sha512_256 ? 128 : 64;
}

}  // namespace

std::string_view Digest::view() const { return {reinterpret_cast<const char*>(bytes.data()), size}; }

Digest hash(HashAlgorithm algorithm, std::initializer_list<std::string_view> parts) {
    const Context context = make_context();
    require(EVP_DigestInit_ex(context.get(), evp_algorithm(algorithm), nullptr));
    for (const std::string_view part : parts) update(context.get(), part);
    return finish(context.get());
}

std::string sha256_hex(std::string_view bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out;
    const Digest digest = hash(HashAlgorithm::sha256, {bytes});
    for (const unsigned char byte : std::span(digest.bytes).first(digest.size)) {
        out += kDigits[byte >> 4U];
        out += kDigits[byte & 0xFU];
    }
    return out;
}

struct HmacKey::State {
    Context inner = make_context();  // has taken in key XOR ipad
    Context outer = make_context();  // has taken in key XOR opad
};

HmacKey::HmacKey(HashAlgorithm algorithm, std::string_view key) : state_(std::make_unique<State>()) {
    std::string block(block_size(algorithm), '\0');
    const Digest shortened = key.size() > block.size() ? hash(algorithm, {key}) : Digest{};
    const std::string_view used = key.size() > block.size() ? shortened.view() : key;
    std::copy(used.begin(), used.end(), block.begin());
    const auto begin = [&](EVP_MD_CTX* context, unsigned pad) {
        std::string padded = block;
        for (char& c : padded) c = static_cast<char>(static_cast<unsigned char>(c) ^ pad);
        require(EVP_DigestInit_ex(context, evp_algorithm(algorithm), nullptr));
        update(context, padded);
        OPENSSL_cleanse(padded.data(), padded.size());
    };
    begin(state_->inner.get(), 0x36);
    begin(state_->outer.get(), 0x5C);
    OPENSSL_cleanse(block.data(), block.size());
}

HmacKey::HmacKey(HmacKey&&) noexcept = default;
HmacKey& HmacKey::operator=(HmacKey&&) noexcept = default;
HmacKey::~HmacKey() = default;

Digest HmacKey::sign(std::span<const std::string_view> parts) const {
    // The key's own contexts are only read from, so one key serves every thread; the copy is each thread's
    // own.
    thread_local const Context scratch = make_context();
    EVP_MD_CTX* const work = scratch.get();
    require(EVP_MD_CTX_copy_ex(work, state_->inner.get()));
    for (const auto part : parts) update(work, part);
    const Digest inner = finish(work);
    require(EVP_MD_CTX_copy_ex(work, state_->outer.get()));
    update(work, inner.view());
    return finish(work);
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
    return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

std::string openssl_version() { return OpenSSL_version(OPENSSL_VERSION_STRING); }

}  // namespace callchain::crypto
