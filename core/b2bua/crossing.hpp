/// What crosses from one leg to the other: the INVITE of leg B, its headers, and how failures are passed on.
#pragma once

#include "b2bua/settings.hpp"
#include "sip/message.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::b2bua {

inline constexpr std::string_view kCallerHeader = "X-Callchain-Caller";
/// Of everything that we send where RFC 3261 wants Allow.
inline constexpr std::string_view kAllow = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO";

/// What is new in leg B and nobody can guess.
struct LegNames {
    std::string call_id;  ///< without a host
    std::string local_tag;
    std::uint32_t cseq = 1;
};

/// The INVITE that begins leg B, without Via and credentials: a dialog of its own. Request-URI and To
/// `sip:USER@DOMAIN` (with `;transport=tls` over TLS, never sips:), Max-Forwards one less than received (69
/// where it had none), From by settings with the display name only where it is that of a caller who is passed
/// on, Contact and Allow ours, no Supported, `X-Callchain-Id`, and of leg A's headers the x-wa-meta-* by
/// switch, each underscore in a name spelled as a hyphen, and User-to-User. Privacy, P-Asserted-Identity,
/// Diversion, Via, Record-Route, Route, X-FB-* and everything else stay behind. `sdp` empty: no body.
/// Source: gateway rules in docs/design/gateway.md; RFC 3261 section 16.3 for Max-Forwards.
[[nodiscard]] sip::Message make_leg_b_invite(const sip::Received& invite, const CallSettings& settings,
                                             const LegNames& names, std::string_view callchain_id,
                                             std::string_view sdp);
/// Contact toward that leg: `<sip:callchain@HOST:PORT;transport=tls>`.
[[nodiscard]] sip::HeaderField contact_toward(Leg leg, const CallSettings& settings);

/// The headers of a BYE that cross to the other leg: Reason and, where they cross at all, x-wa-meta-*.
[[nodiscard]] std::vector<sip::HeaderField> headers_of_bye(const sip::Received& bye,
                                                           const CallSettings& settings);

/// What leg A is told of a failure of leg B, and what the log is told.
struct FailureAnswer {
    int status = 503;
    std::string reason;                          ///< of the start line; empty: the RFC's phrase
    std::vector<sip::HeaderField> headers = {};  ///< Reason and Warning, as they came
};
/// A final response 300 to 699. From Twilio: 401, 403, 407 and 3xx become 503; 404, 480, 486, 487, 488 and
/// 603 stay; 408 becomes 504; 5xx 503; other 4xx 480, other 6xx 603. From Meta: 401, 407 and 3xx become 503,
/// everything else stays with its reason phrase, so that DialSipResponseCode tells the truth.
[[nodiscard]] FailureAnswer map_failure(const sip::Received& response, sdp::Direction direction);

/// `X-Twilio-Error: 32201 Authentication …`; nullopt: there is none, or it has no number.
struct TwilioError {
    int code = 0;
    std::string text;  ///< behind the number, as written
};
[[nodiscard]] std::optional<TwilioError> twilio_error_of(const sip::Received& response);
/// One or two sentences for the log on a failure of leg B: what the error code, the status or Meta's Warning
/// means here, and what to do; from the tables of core/twilio and core/sip. Empty: nothing is known.
[[nodiscard]] std::string explain_failure(const sip::Received& response, sdp::Direction direction);

/// The wacid: x-wa-meta-wacid (both spellings), else what begins with "wacid." in the Call-ID; empty: none.
[[nodiscard]] std::string wacid_of(const sip::Received& request);
/// x-wa-meta-call-duration of a BYE, seconds.
[[nodiscard]] std::optional<std::uint32_t> call_duration_of(const sip::Received& bye);

}  // namespace callchain::b2bua
