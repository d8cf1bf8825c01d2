/// Who may begin a call, and in which direction.
#pragma once

#include "b2bua/rate_limit.hpp"
#include "config/network.hpp"
#include "sdp/verdict.hpp"
#include "sip/digest_client.hpp"
#include "sip/digest_server.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::b2bua {

/// The To tag of responses without a transaction, which nothing has to know again.
inline constexpr std::string_view kStatelessTag = "callchain";

struct AdmissionSettings {
    /// Calls from Meta. Neither a list nor an account: only because nobody else can reach us (loopback), or
    /// because the operator said so.
    std::vector<config::Network> allow = {};        ///< empty: no list
    std::vector<sip::DigestAccount> accounts = {};  ///< by business number; empty: no digest
    /// Calls to Meta; nullopt: there are none.
    std::optional<sip::DigestAccount> outward = std::nullopt;
    std::vector<config::Network> allow_outward = {};  ///< empty: no list
    /// False where a proxy hides them: lists and limits by address do not count then.
    bool addresses_known = true;

    std::string realm;
    std::vector<sip::DigestAlgorithm> algorithms = {sip::DigestAlgorithm::md5};
    std::size_t most_calls = 2'000;
    double calls_per_second = 100;    ///< bursts of as many
    double refusals_per_second = 20;  ///< to one address; beyond, silence. Challenges: twice the calls
};

/// What the caller knows of the moment.
struct Presence {
    std::string_view address;  ///< numeric, of the peer
    std::size_t calls = 0;     ///< that are up or being set up
    bool draining = false;
};

struct Admission {
    enum class Kind {
        admitted,
        answer,  ///< send `response`, without a transaction: 400, 403, 407, 503
        drop,    ///< outside of every list, or too many refusals: say nothing
    };
    Kind kind = Kind::drop;
    sdp::Direction direction = sdp::Direction::meta_to_twilio;  ///< where admitted
    std::string account = {};  ///< digest user; empty: admitted by address alone
    std::optional<sip::Message> response = std::nullopt;
    /// A word of a closed set for the metrics: "admitted", "challenged", "stale", "refused", "not_allowed",
    /// "draining", "full", "too_fast", "limited".
    std::string_view what = "not_allowed";
    std::string why = {};  ///< one sentence for the log, safe to print; empty where there is nothing to say
};

/// Judges requests that would begin a dialog, and other requests outside of one (`OPTIONS` is admitted by
/// address alone and challenged never). What belongs to a dialog must not come here.
///
/// The direction: a request from an address of `allow_outward` alone, or with the outward account's name in
/// its credentials, goes to Meta; every other one comes from Meta. A list and an account of one direction are
/// both demanded. Of several Meta accounts the one whose name is the number that is called (digits, up to the
/// first ';'); a single one serves every number. Order: list, drain, digest, limits; so nobody who is not
/// proved uses up a limit. A drain is 503 with Retry-After; so are the limits.
/// One thread only. Source: docs/design/gateway.md, "Who may call".
class AdmissionControl {
  public:
    AdmissionControl(AdmissionSettings settings, crypto::HmacKey key);

    /// `random` feeds the nonce.
    [[nodiscard]] Admission judge(const sip::Received& request, const Presence& presence, sip::SteadyTime now,
                                  std::uint64_t random);
    /// Whether the address is worth any answer: on a list, or there is none to be on.
    [[nodiscard]] bool knows(std::string_view address) const;
    /// Whether it is on a list; never where addresses are hidden or there is none.
    [[nodiscard]] bool is_listed(std::string_view address) const;

  private:
    [[nodiscard]] std::optional<std::string> password_of(std::string_view username,
                                                         const sip::Received& request) const;
    [[nodiscard]] Admission refuse(const sip::Received& request, const Presence& presence, int status,
                                   std::string_view what, std::string why, sip::SteadyTime now);

    AdmissionSettings settings_;
    sip::DigestServer digest_;
    RateLimit calls_;
    RateLimits challenges_;  // by address, as the next
    RateLimits refusals_;
};

}  // namespace callchain::b2bua
