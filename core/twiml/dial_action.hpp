/// What Twilio told the action URL of <Dial> about the leg to OpenAI, and how to read it.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace callchain::twiml {

/// The parameters of one request to the action URL. Whatever was not sent, or could not be read, is empty.
/// Source: Twilio, "TwiML Voice: <Dial>", "TwiML Voice: <Sip>". ErrorCode and ErrorMessage are not documented
/// there; they are sent with dials that fail.
struct DialResult {
    std::optional<std::string> status;         ///< DialCallStatus, as sent
    std::optional<bool> bridged;               ///< DialBridged: was the caller connected
    std::optional<int> sip_response_code;      ///< DialSipResponseCode: the last SIP status of the leg
    std::optional<int> error_code;             ///< ErrorCode
    std::optional<std::string> error_message;  ///< ErrorMessage
    std::optional<std::chrono::seconds> call_duration;  ///< DialCallDuration, of the leg
    std::optional<std::string> call_sid;                ///< CallSid, of the caller's leg
    std::optional<std::string> dial_call_sid;           ///< DialCallSid, of the leg; none if no leg was made
    std::optional<std::string> dial_sip_call_id;        ///< DialSipCallId, Call-ID of Twilio's INVITE
    /// All other parameters as sent, in their order; also those above whose value could not be read.
    std::vector<std::pair<std::string, std::string>> others;
    std::vector<std::string> remarks;  ///< what was odd in the parameters, one sentence each

    [[nodiscard]] bool operator==(const DialResult&) const = default;
};

enum class DialSeverity {
    ok,       ///< the caller was connected
    failed,   ///< the dial did not come about
    unknown,  ///< the parameters contradict each other, or are too few to tell
};

enum class DialConfidence {
    documented,  ///< Twilio's documentation says so
    inferred,    ///< follows from the definitions and from calls that were seen, not from a document
};

/// What the service answers to the action URL.
enum class DialAnswer {
    hang_up,   ///< <Hangup/>
    fallback,  ///< the fallback that was configured: a <Say>, a <Redirect>; <Hangup/> where there is none
};

struct DialReading {
    std::string_view name;  ///< snake_case; never changes its meaning
    DialSeverity severity = DialSeverity::unknown;
    DialConfidence confidence = DialConfidence::inferred;
    DialAnswer answer = DialAnswer::hang_up;
    std::string happened;             ///< one or two sentences
    std::string next;                 ///< what to do next, in the imperative
    std::optional<int> related_code;  ///< a Twilio error code: the one sent, or the one that goes with this
};

/// Below this a connected call is called short: sessions that died of a bad accept body lasted about 4 s.
inline constexpr std::chrono::seconds kShortCall{10};

/// Reads one result. Never fails: what cannot be read is a reading of its own.
[[nodiscard]] DialReading read_dial(const DialResult& result);

/// Every reading that read_dial() gives, once each, with the words for its usual case.
[[nodiscard]] const std::vector<DialReading>& dial_readings();

/// "ok", "failed", "unknown"; "documented", "inferred".
[[nodiscard]] std::string_view severity_name(DialSeverity severity);
[[nodiscard]] std::string_view confidence_name(DialConfidence confidence);

/// The statuses that DialCallStatus can have.
[[nodiscard]] const std::vector<std::string>& dial_statuses();

}  // namespace callchain::twiml
