/// One OPTIONS or INVITE to a SIP server, to learn whether it can be reached and takes our credentials.
#pragma once

#include "base/result.hpp"
#include "gateway/flow.hpp"
#include "sip/digest_client.hpp"
#include "sip/message.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::service {

/// The option that no server knows: with it an INVITE that was authenticated is answered 420, and no call
/// begins. Source: RFC 3261 section 8.2.2.3.
inline constexpr std::string_view kProbeOption = "callchain-probe";

struct ProbeSettings {
    sip::Uri target;
    gateway::Transport transport = gateway::Transport::tls;
    bool invite = false;
    sip::DigestAccount account = {};  ///< an empty user: challenges are not answered
    std::string from_host = "callchain.invalid";
    std::string ca_file = {};
    std::string dns_servers = {};
    std::chrono::milliseconds patience{10'000};
    std::chrono::milliseconds first_answer{10'000};  ///< of an INVITE; then the next address is tried
    std::string user_agent = "callchain";
};

/// The request as it is first sent, without Via. What cannot stand in a SIP user is escaped; headers of the
/// target do not go on. `random` makes tag and Call-ID.
[[nodiscard]] sip::Message probe_request(const ProbeSettings& settings, std::string_view random);

struct ProbeMessage {
    bool received = false;
    std::string peer;                   ///< "192.0.2.1:5061"
    std::chrono::milliseconds after{};  ///< the beginning
    std::string text;                   ///< redacted; may have control characters
};

struct ProbeResult {
    enum class Verdict {
        accepted,             ///< 2xx; of an INVITE 420 behind our credentials, or without a challenge
        credentials_refused,  ///< challenged, and what we have was refused; 403 behind credentials
        challenged,           ///< it wants credentials, and there are none to give
        refused,              ///< any other final answer
        call_began,           ///< of an INVITE: it rang or was answered; it was cancelled or ended
        unreachable,  ///< no address, no connection, a certificate that is not for the name, no answer
    };
    Verdict verdict = Verdict::unreachable;
    int status = 0;              ///< of the last answer; 0: none
    std::string reason;          ///< its phrase
    bool authenticated = false;  ///< credentials were sent, and not refused
    std::string tls_version = {};
    std::string peer = {};  ///< that answered
    std::string date = {};  ///< Date of the last answer
    std::string why = {};   ///< in words where it is not accepted
    std::vector<ProbeMessage> exchange = {};
    std::chrono::milliseconds took{};
};
[[nodiscard]] std::string_view name_of(ProbeResult::Verdict verdict);

/// Runs a loop of its own until the answer is there or patience ends. A call that begins nevertheless is
/// ended, also where it is answered within three seconds of being given up. Errors: usage for a target that
/// cannot be a destination, or a CA file that cannot be read.
[[nodiscard]] Result<ProbeResult> run_probe(const ProbeSettings& settings);

}  // namespace callchain::service
