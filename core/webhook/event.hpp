/// The few members of an OpenAI webhook event that identify it, read without building a document.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace callchain::webhook {

/// Members of the envelope, each absent where the body has none of that type. Source: OpenAI webhook event
/// reference: {id, object, created_at, type, data{call_id | session_id}}.
struct EventIdentity {
    std::optional<std::string> id;          ///< "evt_…"; not the webhook-id
    std::optional<std::string> type;        ///< "realtime.call.incoming"
    std::optional<std::string> created_at;  ///< Unix seconds, the number's token as written
    std::optional<std::string> call_id;     ///< data.call_id, "rtc_…"
    std::optional<std::string> session_id;  ///< data.session_id, "live_…"

    /// call_id, or else session_id: what the event says of which call it is.
    [[nodiscard]] const std::optional<std::string>& call() const { return call_id ? call_id : session_id; }
};

/// All members absent for what is no JSON object. Never recurses; depth is limited.
[[nodiscard]] EventIdentity read_event_identity(std::string_view body);

}  // namespace callchain::webhook
