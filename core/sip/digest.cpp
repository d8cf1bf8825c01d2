#include "sip/digest.hpp"

#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "encoding/text_codings.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace callchain::sip {
namespace {

struct NamedAlgorithm {
    DigestAlgorithm algorithm;
    std::string_view name;
    crypto::HashAlgorithm hash;
};
constexpr std::array<NamedAlgorithm, 6> kAlgorithms{{
    {DigestAlgorithm::md5_sess, "MD5-sess", crypto::HashAlgorithm::md5},
    {DigestAlgorithm::md5, "MD5", crypto::HashAlgorithm::md5},
    {DigestAlgorithm::sha256_sess, "SHA-256-sess", crypto::HashAlgorithm::sha256},
    {DigestAlgorithm::sha256, "SHA-256", crypto::HashAlgorithm::sha256},
    {DigestAlgorithm::sha512_256_sess, "SHA-512-256-sess", crypto::HashAlgorithm::sha512_256},
    {DigestAlgorithm::sha512_256, "SHA-512-256", crypto::HashAlgorithm::sha512_256},
}};

const NamedAlgorithm& row_of(DigestAlgorithm algorithm) {
    return kAlgorithms.at(static_cast<std::size_t>(algorithm));
}

}  // namespace

std::string_view name_of(DigestAlgorithm algorithm) { return row_of(algorithm).name; }

std::optional<DigestAlgorithm> find_digest_algorithm(std::string_view name) {
    if (name.empty()) return DigestAlgorithm::md5;
    for (const auto& row : kAlgorithms) {
        if (equal_ignoring_case(row.name, name)) return row.algorithm;
    }
    return std::nullopt;
}

bool is_session_algorithm(DigestAlgorithm algorithm) { return name_of(algorithm).ends_with("-sess"); }

std::string_view challenge_header(Challenger challenger) {
    return challenger == Challenger::proxy ? "Proxy-Authenticate" : "WWW-Authenticate";
}

std::string_view credentials_header(Challenger challenger) {
    return challenger == Challenger::proxy ? "Proxy-Authorization" : "Authorization";
}

std::string digest_response(const DigestInput& input) {
    const auto hash = row_of(input.algorithm).hash;
    const auto hex = [hash](std::initializer_list<std::string_view> parts) {
        return encoding::to_hex(crypto::hash(hash, parts).view());
    };
    auto a1 = hex({input.username, ":", input.realm, ":", input.password});
    if (is_session_algorithm(input.algorithm)) a1 = hex({a1, ":", input.nonce, ":", input.cnonce});
    const auto a2 = hex({input.method, ":", input.uri});
    if (input.qop.empty()) return hex({a1, ":", input.nonce, ":", a2});
    return hex({a1, ":", input.nonce, ":", input.nc, ":", input.cnonce, ":", input.qop, ":", a2});
}

}  // namespace callchain::sip
