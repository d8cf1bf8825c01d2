/// One incoming SIP call at OpenAI: the events that announce it, its id, and the addresses to act on it.
#pragma once

#include "base/result.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::openai {

/// The two APIs that a call can be answered by. Their ids are separate and are passed on unchanged.
enum class Dialect {
    realtime,  ///< /realtime/calls/{call_id}/…
    live,      ///< /live/sessions/{session_id}/…
};
[[nodiscard]] std::string_view name_of(Dialect dialect);

/// What can be done to a call. Source: OpenAI API reference, "Realtime calls", "Live sessions".
enum class CallAction { accept, reject, refer, hangup };
[[nodiscard]] std::string_view name_of(CallAction action);

/// The API's base where none is configured.
inline constexpr std::string_view kDefaultBaseUrl = "https://api.openai.com/v1";
/// The longest id that is taken. The longest seen has 44 characters.
inline constexpr std::size_t kMostIdBytes = 256;

/// An id is opaque: any text of 1 to kMostIdBytes visible ASCII characters but '/', '\', '%', '?' and '#',
/// and neither "." nor "..". Errors: bad_input saying what is wrong, with the text made visible and cut.
[[nodiscard]] Result<void> check_call_id(std::string_view id);
/// The same for an id of another kind: `what` names it in the message ("the endpoint id"), `hint` says where
/// it stands.
[[nodiscard]] Result<void> check_id(std::string_view id, std::string_view what, std::string_view hint);

/// `base` as call_url() takes it, without the '/' at its end: what a path of the API is put behind.
/// Errors: usage, as there.
[[nodiscard]] Result<std::string> api_root(std::string_view base);

/// `base` is OPENAI_BASE_URL, with /v1, with or without a '/' at its end; the id is percent-encoded.
/// Errors: as check_call_id(); usage where `base` is no http or https URL, has a query or a fragment.
[[nodiscard]] Result<std::string> call_url(std::string_view base, Dialect dialect, std::string_view id,
                                           CallAction action);

/// wss://…/realtime?call_id=ID, or wss://…/live/sessions/ID/attach; ws:// where `base` is http.
/// Source: OpenAI, "Telephony and SIP", "Monitor call events"; Live API reference, sideband.
[[nodiscard]] Result<std::string> sideband_url(std::string_view base, Dialect dialect, std::string_view id);

struct SipHeader {
    std::string name;
    std::string value;
};

/// A verified webhook event, as far as it matters to a call.
struct CallEvent {
    enum class Kind {
        incoming_call,  ///< one of the three types that announce a call
        other,          ///< any other type: acknowledged and ignored
    };
    Kind kind = Kind::other;
    std::string type;      ///< "realtime.call.incoming", "live.transport.incoming", "live.call.incoming", …
    std::string event_id;  ///< "evt_…"; empty where absent
    std::optional<std::chrono::sys_seconds> created_at;
    Dialect dialect = Dialect::realtime;
    std::string call_id;  ///< data.call_id or data.session_id; passes check_call_id() for an incoming call
    std::vector<SipHeader> sip_headers;  ///< of the INVITE, order and duplicates kept; at most 256
    std::string media_security;          ///< data.sip_media_security: "srtp", "rtp", anything; empty: unknown

    /// The first header of that name, without regard to case. Borrows.
    [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
};

/// Routed by type, never by the form of an id; unknown members and types are ignored. Errors: bad_input for a
/// body that is no JSON object, has no text `type`, or announces a call without a usable id (or, for
/// live.transport.incoming, with a data.type other than "sip"). Messages never quote more than 80 characters.
/// Source: OpenAI webhook event reference; openai-python, types/webhooks.
[[nodiscard]] Result<CallEvent> read_call_event(std::string_view body);

}  // namespace callchain::openai
