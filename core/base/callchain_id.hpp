/// The id of one call, which travels with it through Meta, Twilio and OpenAI.
#pragma once

#include <string>
#include <string_view>

namespace callchain {

/// The header that carries it: in the INVITE to Twilio's SIP Domain, in the one to OpenAI, and back in the
/// webhooks of both.
inline constexpr std::string_view kCallchainIdHeader = "X-Callchain-Id";

/// "cc_" and 24 hex digits. Units: `random` has 12 bytes.
[[nodiscard]] std::string make_callchain_id(std::string_view random);
/// Headers of a call are the caller's to write: anything else than make_callchain_id() makes is no id.
[[nodiscard]] bool is_callchain_id(std::string_view text);

}  // namespace callchain
