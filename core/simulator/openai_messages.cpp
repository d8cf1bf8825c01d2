#include "simulator/openai_messages.hpp"

#include "base/text.hpp"
#include "encoding/text_codings.hpp"

#include <nlohmann/json.hpp>

namespace callchain::simulator {
namespace {

using Json = nlohmann::ordered_json;

// Bytes that are not UTF-8 become U+FFFD; everything else is written in ASCII, as Python's json.dumps does.
std::string in_quotes(std::string_view text) {
    return Json(std::string(text)).dump(-1, ' ', true, Json::error_handler_t::replace);
}

std::string decoded(std::string_view text) {
    return encoding::percent_decode(text, encoding::PlusSign::literal);
}

}  // namespace

std::string incoming_call_event(std::string_view event_id, std::chrono::sys_seconds created_at,
                                std::string_view call_id, const std::vector<sip::HeaderField>& headers) {
    std::string list;
    for (const auto& field : headers) {
        if (!list.empty()) list += ", ";
        list += R"({"name": )" + in_quotes(field.name) + R"(, "value": )" + in_quotes(field.value) + "}";
    }
    return R"({"id": )" + in_quotes(event_id) + R"(, "object": "event", "created_at": )" +
           std::to_string(created_at.time_since_epoch().count()) +
           R"(, "type": "realtime.call.incoming", "data": {"call_id": )" + in_quotes(call_id) +
           R"(, "sip_headers": [)" + list + "]}}";
}

std::string compact_json(std::string_view json) {
    return Json::parse(json, nullptr, false).dump(-1, ' ', false, Json::error_handler_t::replace);
}

http::Response api_error(int status, std::string_view code, std::string_view message) {
    constexpr int kFirstOfServer = 500;
    const Json body{{"error",
                     {{"message", message},
                      {"type", status < kFirstOfServer ? "invalid_request_error" : "server_error"},
                      {"code", code},
                      {"param", nullptr}}}};
    return {.status = status,
            .content_type = "application/json",
            .body = body.dump(),
            .headers = {{"x-request-id", "req_simulator"}}};
}

std::vector<std::string> spoken_response(std::string_view response_id) {
    const Json begun{{"id", response_id}, {"object", "realtime.response"}, {"status", "in_progress"}};
    auto done = begun;
    done["status"] = "completed";
    const auto event = [](const char* type, Json members) {
        Json whole{{"type", type}};
        whole.update(members);
        return whole.dump();
    };
    return {
        event("response.created", {{"response", begun}}),
        event("output_audio_buffer.started", {{"response_id", response_id}}),
        event("response.output_audio_transcript.delta", {{"response_id", response_id}, {"delta", "Hello."}}),
        event("response.done", {{"response", done}}),
        event("output_audio_buffer.stopped", {{"response_id", response_id}})};
}

std::string session_event(std::string_view type, std::string_view call_id) {
    return Json{{"type", type}, {"session", {{"type", "realtime"}, {"id", "sess_" + std::string(call_id)}}}}
        .dump();
}

ApiPath read_api_path(std::string_view path) {
    for (const std::string_view start : {"/v1/realtime/calls/", "/v1/live/sessions/"}) {
        if (!path.starts_with(start)) continue;
        const auto parts = split(path.substr(start.size()), '/');
        if (parts.size() == 2) return {decoded(parts[0]), std::string(parts[1])};
    }
    return {};
}

std::string sideband_call(const http::Request& request) {
    if (const auto path = read_api_path(request.path()); path.verb == "attach") return path.call_id;
    if (request.path() != "/v1/realtime") return {};
    for (const auto pair : split(request.query(), '&'))
        if (pair.starts_with("call_id=")) return decoded(pair.substr(8));
    return {};
}

}  // namespace callchain::simulator
