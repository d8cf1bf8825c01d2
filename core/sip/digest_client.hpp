/// The client's side of Digest: what to send, and what a 401 or 407 means.
#pragma once

#include "sip/digest.hpp"
#include "sip/message.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::sip {

/// Of one peer; no password for its realms is asked of anybody else.
struct DigestAccount {
    std::string username;
    std::string password;
};

/// One request with its repetitions: an INVITE and the INVITEs that answer challenges to it, a BYE and its
/// own. A value to be kept beside the request and handed to DigestClient only.
class DigestAttempt {
    friend class DigestClient;
    struct Realm {
        Challenger challenger;
        std::string realm;
        bool answered;  // credentials for a challenge of this attempt were sent
    };
    std::vector<Realm> challenged_;
    int challenges_ = 0;
};

/// What to do about a 401 or 407.
struct ChallengeVerdict {
    enum class Kind {
        retry,           ///< send the request again, with credentials() and a new CSeq and branch
        wrong_password,  ///< credentials made for a challenge of this attempt were refused and are not stale
        unsupported,     ///< no algorithm or qop of ours, or another scheme
        malformed,       ///< no challenge, or none that can be read
        too_many,        ///< challenge upon challenge: kMostChallenges of them to one request
    };
    Kind kind = Kind::retry;
    std::string why;  ///< one sentence, safe to print
};

/// Remembers, for each realm of one peer, the last challenge and how often its nonce was used, so that the
/// next call answers before it is asked. One thread only. Never gives the password out. Source: RFC 3261
/// section 22; RFC 7616 section 3.4; RFC 8760 section 2.4, but for one choice: of several challenges the
/// strongest that we have is answered, not the topmost.
class DigestClient {
  public:
    static constexpr int kMostChallenges = 5;

    explicit DigestClient(DigestAccount account);

    /// The header fields to add to a request, one for each realm that is remembered; each use counts its
    /// nonce up. Without a challenge so far: none. `uri` is the Request-URI as it is printed. Not for an ACK,
    /// which repeats those of its INVITE, nor for a CANCEL, which can not be challenged (RFC 3261
    /// section 22.1).
    [[nodiscard]] std::vector<HeaderField> credentials(DigestAttempt& attempt, std::string_view method,
                                                       std::string_view uri);

    /// Judges a response 401 or 407 to the request that carried what credentials() last gave for `attempt`. A
    /// refusal of credentials for a nonce of an earlier attempt costs one more try and means nothing.
    /// `random` becomes the cnonce and must not be guessable.
    [[nodiscard]] ChallengeVerdict on_challenge(DigestAttempt& attempt, const Message& response,
                                                std::uint64_t random);

  private:
    struct Remembered {
        Challenger challenger;
        Challenge challenge;
        DigestAlgorithm algorithm;
        std::string cnonce;  // one for each nonce: so "-sess" is the same by both readings of its RFC
        std::uint32_t uses;
    };
    [[nodiscard]] Credentials make_credentials(Remembered& entry, std::string_view method,
                                               std::string_view uri) const;
    void remember(Remembered entry);
    void forget(Challenger challenger, std::string_view realm);

    DigestAccount account_;
    std::vector<Remembered> remembered_;
};

}  // namespace callchain::sip
