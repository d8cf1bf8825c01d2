/// Bodies of accept, reject and refer: written from settings, and checked before they are sent.
#pragma once

#include "base/result.hpp"
#include "openai/call.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::openai {

inline constexpr std::string_view kDefaultRealtimeModel = "gpt-realtime";
inline constexpr std::string_view kDefaultLiveModel = "gpt-live-1";

/// What an accept body is made of. Empty: left out.
struct SessionSettings {
    Dialect dialect = Dialect::realtime;
    std::string model = {};  ///< empty: the dialect's default
    std::string instructions = {};
    std::string voice = {};      ///< a name, or "voice_…" for a custom one ({id})
    bool end_call_tool = false;  ///< realtime only: the function tool `end_call`, without parameters
};

/// The body, compact JSON, members in the order of the reference. `type` is always there; the voice stands in
/// audio.output (a top-level one is the dead beta form); audio formats never. For Live: {"session":{…}}.
[[nodiscard]] std::string write_accept_body(const SessionSettings& settings);
/// realtime: {} for status 0, else {"status_code":N}; live: the status is required. Errors: usage for a
/// status outside 300 to 699, or none with live.
[[nodiscard]] Result<std::string> write_reject_body(Dialect dialect, int status);
/// {"target_uri":…}. Errors: usage for anything but tel:+E.164 (7 to 15 digits) or sip:/sips: with a host, or
/// with control characters or blanks.
[[nodiscard]] Result<std::string> write_refer_body(std::string_view target_uri);

enum class BodySeverity {
    error,  ///< the API refuses it, or answers 200 and the session dies: it must not be sent
    hint,   ///< unknown to us, or unwise; sent all the same
};

struct BodyRemark {
    std::string_view code;  ///< a finding code, call_accept_body_…
    BodySeverity severity = BodySeverity::error;
    std::string path;    ///< of the member: "audio.output.voice"; empty: the body as a whole
    std::string detail;  ///< one or two sentences; values made visible and cut, secrets withheld
};

/// The largest body that is looked at.
inline constexpr std::size_t kMostBodyBytes = std::size_t{1} << 20U;

/// Everything that is wrong or odd with an accept body, in the order of the body; what is missing comes
/// before what is there. Errors in form (no JSON, no object, too large) are remarks too, alone. Of errors and
/// of hints the first 32 each. Source: openai-python, types/realtime/call_accept_params.py and
/// types/live/session_accept_params.py; openai-openapi; OpenAI, "Telephony and SIP"; reports of calls that
/// died after a 200.
[[nodiscard]] std::vector<BodyRemark> check_accept_body(Dialect dialect, std::string_view body);

/// The voices that the reference of that API names, ascending.
[[nodiscard]] const std::vector<std::string_view>& known_voices(Dialect dialect = Dialect::realtime);

}  // namespace callchain::openai
