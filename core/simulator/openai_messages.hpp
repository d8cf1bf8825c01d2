/// What OpenAI's side writes: the event of a call, errors, and the sideband's events. Pure.
#pragma once

#include "http/message.hpp"
#include "sip/message.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::simulator {

/// realtime.call.incoming in the sender's form: a blank behind ':' and ',', members in the order of the
/// documented sample. Source: OpenAI webhook event reference; the vectors of its SDKs.
[[nodiscard]] std::string incoming_call_event(std::string_view event_id, std::chrono::sys_seconds created_at,
                                              std::string_view call_id,
                                              const std::vector<sip::HeaderField>& headers);
/// The same without those blanks, as JSON.stringify writes it.
[[nodiscard]] std::string compact_json(std::string_view json);

/// {error:{message,type,code,param}}. Source: OpenAI API reference, "Errors".
[[nodiscard]] http::Response api_error(int status, std::string_view code, std::string_view message);

/// What the sideband sends when a response was asked for, in order. Source: OpenAI Realtime API reference,
/// server events.
[[nodiscard]] std::vector<std::string> spoken_response(std::string_view response_id);
[[nodiscard]] std::string session_event(std::string_view type, std::string_view call_id);

/// What of a path of the API is meant: "/v1/realtime/calls/ID/VERB" or "/v1/live/sessions/ID/VERB"; empty
/// where it is none of them.
struct ApiPath {
    std::string call_id = {};
    std::string verb = {};
};
[[nodiscard]] ApiPath read_api_path(std::string_view path);
/// The call of "/v1/realtime?call_id=ID" or "/v1/live/sessions/ID/attach"; empty: neither.
[[nodiscard]] std::string sideband_call(const http::Request& request);

}  // namespace callchain::simulator
