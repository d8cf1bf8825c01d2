/// The server's side of Digest: challenges that need no memory, and the judgement of what answers them.
#pragma once

#include "crypto/hash.hpp"
#include "sip/digest.hpp"
#include "sip/message.hpp"
#include "sip/timer_queue.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::sip {

struct DigestServerSettings {
    std::string realm;
    Challenger challenger = Challenger::proxy;
    /// One challenge each, in this order, which is that of preference (RFC 8760 section 2.3). MD5 alone is
    /// what Meta is known to answer.
    std::vector<DigestAlgorithm> algorithms = {DigestAlgorithm::md5};
    std::chrono::seconds nonce_life{60};  ///< from the challenge to the last answer to it
    std::size_t most_nonces = 65'536;     ///< of which the highest nc is known; about 150 bytes each
};

/// The password of a user, nullopt for one who is not known. Which passwords there are for the number that is
/// called is the caller's business.
using PasswordOf = std::function<std::optional<std::string>(std::string_view username)>;

struct DigestVerdict {
    enum class Kind {
        accepted,
        no_credentials,  ///< none for our realm: challenge
        stale,           ///< right, but for a nonce that is old, not ours, or used: challenge with Stale::yes
        refused,         ///< unknown user, wrong password, another uri, or what was not offered
        malformed,       ///< credentials for nobody: 400
    };
    Kind kind = Kind::no_credentials;
    std::string username = {};  ///< of accepted credentials
    std::string why = {};       ///< one sentence, safe to print; empty where accepted
};

enum class Stale { no, yes };

/// Challenges requests and judges credentials. A nonce is its time, a random number and an HMAC over both and
/// the realm, so a flood of requests leaves nothing behind; only a right answer enters the table of nonces,
/// which a client fills no faster than it knows a password. When the table is full the oldest nonce is
/// forgotten, and it and every older one count as stale from then on: no replay, and no lock-out.
/// One thread only. Source: RFC 3261 section 22.4; RFC 7616 sections 3.3 to 3.5 and 5.4; RFC 8760.
class DigestServer {
  public:
    /// `key` must be new for each process: the table does not outlive it either.
    DigestServer(DigestServerSettings settings, crypto::HmacKey key);

    /// The header fields of a challenge, one for each algorithm, all with one nonce. `random` need not be
    /// secret, only seldom the same.
    [[nodiscard]] std::vector<HeaderField> challenge(SteadyTime now, std::uint64_t random, Stale stale) const;

    /// Looks at the first credentials of our realm. HA2 is made of `uri` as sent; it is held against the
    /// Request-URI by user (up to the first ';') and host only, since Meta leaves out ";transport=tls". Only
    /// right credentials are ever called stale, so that a client does not try wrong ones again. A nonce is
    /// good for one request without qop, and for any number of rising nc with it. Takes in an accepted nc.
    /// Not for ACK and CANCEL, which cannot be challenged.
    [[nodiscard]] DigestVerdict judge(const Received& request, const PasswordOf& password_of, SteadyTime now);

    /// The whole 401 or 407, made without any state: the tag in To is an HMAC over what the request and its
    /// ACK have in common.
    [[nodiscard]] Message refusal(const Received& request, SteadyTime now, std::uint64_t random,
                                  Stale stale) const;
    /// True for the ACK to a refusal(), which ends there.
    [[nodiscard]] bool acknowledges_refusal(const Received& ack) const;

    /// Nonces of which the count is kept.
    [[nodiscard]] std::size_t remembered() const { return highest_.size(); }

  private:
    [[nodiscard]] std::string make_nonce(SteadyTime now, std::uint64_t random) const;
    [[nodiscard]] std::string nonce_mac(std::string_view time_and_random) const;
    [[nodiscard]] bool is_ours(std::string_view nonce) const;
    [[nodiscard]] bool is_young(std::string_view nonce, SteadyTime now) const;
    [[nodiscard]] bool count(const std::string& nonce, std::uint32_t nc, SteadyTime now);
    [[nodiscard]] std::string tag_for(const Received& request) const;
    [[nodiscard]] std::optional<std::string> fault_of(const Credentials& credentials, const Received& request,
                                                      const PasswordOf& password_of) const;

    DigestServerSettings settings_;
    crypto::HmacKey key_;
    // A nonce begins with its time in digits of fixed width: the order of the map is that of age.
    std::map<std::string, std::uint32_t, std::less<>> highest_;
    std::string forgotten_up_to_;
};

}  // namespace callchain::sip
