/// Digest as SIP uses it: challenges and credentials as values, and the response that joins the two.
#pragma once

#include "base/result.hpp"
#include "sip/message.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::sip {

/// In ascending strength. Of one hash the plain form comes behind "-sess", which fewer peers know.
/// Source: RFC 7616 section 6.1; RFC 8760 section 2.1.
enum class DigestAlgorithm { md5_sess, md5, sha256_sess, sha256, sha512_256_sess, sha512_256 };

/// "MD5", "SHA-256-sess", "SHA-512-256" …
[[nodiscard]] std::string_view name_of(DigestAlgorithm algorithm);
/// Without regard to case; no name means MD5 (RFC 7616 section 3.3). nullopt: none of ours.
[[nodiscard]] std::optional<DigestAlgorithm> find_digest_algorithm(std::string_view name);
[[nodiscard]] bool is_session_algorithm(DigestAlgorithm algorithm);

/// Who challenges: a user agent or registrar by 401, a proxy by 407; each has its own pair of header fields.
/// Source: RFC 3261 sections 22.2 and 22.3.
enum class Challenger { server, proxy };
[[nodiscard]] std::string_view challenge_header(Challenger challenger);    ///< "Proxy-Authenticate"
[[nodiscard]] std::string_view credentials_header(Challenger challenger);  ///< "Proxy-Authorization"
[[nodiscard]] inline bool is_challenge(int status) { return status == 401 || status == 407; }

/// One challenge of the scheme Digest. Values are without quotes and escapes. Source: RFC 7616 section 3.3.
struct Challenge {
    std::string realm;
    std::string nonce;
    std::optional<std::string> opaque = std::nullopt;
    std::string algorithm = {};         ///< as written; empty: there was none, which means MD5
    std::vector<std::string> qop = {};  ///< "auth", "auth-int", …; empty: the form of RFC 2069
    bool stale = false;
    std::vector<Parameter> other = {};  ///< domain, userhash, charset and all that is not known, as written
    friend bool operator==(const Challenge&, const Challenge&) = default;
};

/// Credentials of the scheme Digest. Values are without quotes and escapes. Source: RFC 7616 section 3.4.
struct Credentials {
    std::string username;
    std::string realm;
    std::string nonce;
    std::string uri;
    std::string response;
    std::string algorithm = {};  ///< as written; empty: there was none
    std::optional<std::string> cnonce = std::nullopt;
    std::optional<std::string> opaque = std::nullopt;
    std::optional<std::string> qop = std::nullopt;
    std::optional<std::string> nc = std::nullopt;  ///< eight hex digits, as written: they are hashed
    std::vector<Parameter> other = {};
    friend bool operator==(const Credentials&, const Credentials&) = default;
};

/// True where the field's first scheme is Digest, whatever follows.
[[nodiscard]] bool is_digest_scheme(std::string_view value);

/// All Digest challenges of one header field, in order; those of other schemes are left out. Blanks behind
/// commas may be missing, as Meta writes it. Errors: bad_input with an offset for what is no list of
/// challenges, a parameter that comes twice, or a challenge without realm or nonce; limit for more than
/// 64 parameters or 16 challenges.
[[nodiscard]] Result<std::vector<Challenge>> parse_challenges(std::string_view value);
/// Exactly one set of Digest credentials. Errors: as parse_challenges(), and bad_input for another scheme, a
/// missing username, realm, nonce, uri or response, qop without cnonce and nc, and an nc that is not eight
/// hex digits. Messages quote no value.
[[nodiscard]] Result<Credentials> parse_credentials(std::string_view value);

/// Read back to equal values. What must be quoted by RFC 3261 section 25.1 is, and nothing else. Control
/// characters are not looked at: write_message() lets none out.
[[nodiscard]] std::string write_challenge(const Challenge& challenge);
[[nodiscard]] std::string write_credentials(const Credentials& credentials);

/// All that a response is made of. Borrows.
struct DigestInput {
    DigestAlgorithm algorithm = DigestAlgorithm::md5;
    std::string_view username;
    std::string_view realm;
    std::string_view password;
    std::string_view method;
    std::string_view uri;  ///< as it stands in the credentials
    std::string_view nonce;
    std::string_view qop = {};  ///< "auth", as written; empty: the form of RFC 2069
    std::string_view nc = {};
    std::string_view cnonce = {};
};
/// The response, in small hex digits. For "-sess" the cnonce is that of this request, which is the first
/// one's too where a client keeps one for each nonce, as ours does. Source: RFC 7616 section 3.4.1; RFC 2617
/// section 3.2.2.1 for the form without qop.
[[nodiscard]] std::string digest_response(const DigestInput& input);

}  // namespace callchain::sip
