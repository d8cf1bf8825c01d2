#include "simulator/openai_parts.hpp"

#include "base/text.hpp"
#include "encoding/base64.hpp"
#include "encoding/json_text.hpp"
#include "encoding/text_codings.hpp"
#include "sdp/facts.hpp"
#include "simulator/failing.hpp"

#include <algorithm>

namespace callchain::simulator {
namespace {

constexpr std::string_view kUserAgent = "OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)";
constexpr std::string_view kCalls = "/v1/realtime/calls/";
constexpr std::string_view kLive = "/v1/live/sessions/";

std::string quoted(std::string_view text) {
    return encoding::quote_json(text, encoding::JsonStyle::NonAscii::escaped);
}

bool is_secret(std::string_view name) {
    return equal_ignoring_case(name, "Authorization") || equal_ignoring_case(name, "Proxy-Authorization");
}

const sdp::Format* find_format(const sdp::AudioFacts& audio, const sdp::Codec& codec) {
    const auto found = std::find_if(
        audio.formats.begin(), audio.formats.end(),
        [&codec](const sdp::Format& format) { return format.codec && format.codec->same_as(codec); });
    return found == audio.formats.end() ? nullptr : &*found;
}

std::string answered_stream(const sdp::AudioFacts& audio, const sdp::Format& voice, std::string_view key) {
    const auto* event = find_format(audio, {"telephone-event", 8'000, 1});
    const std::string events = event == nullptr ? "" : std::string(event->text);
    std::string text = "m=audio 20000 " + std::string(audio.protocol) + " " + std::string(voice.text) +
                       (events.empty() ? "" : " " + events) + "\r\na=rtpmap:" + std::string(voice.text) +
                       " PCMU/8000\r\n";
    if (!events.empty())
        text += "a=rtpmap:" + events + " telephone-event/8000\r\na=fmtp:" + events + " 0-16\r\n";
    if (audio.secure_profile && !audio.crypto.empty())
        text += "a=crypto:" + std::string(audio.crypto.front().tag) + " " +
                std::string(audio.crypto.front().suite) + " inline:" + encoding::to_base64(key) + "\r\n";
    return text + "a=ptime:20\r\na=sendrecv\r\n";
}

}  // namespace

std::string write_incoming_event(std::string_view event_id, std::string_view call_id,
                                 const sip::Message& invite, std::chrono::sys_seconds now) {
    std::string headers;
    for (const auto& field : invite.headers) {
        if (is_secret(field.name)) continue;
        headers += (headers.empty() ? "" : ", ") + std::string("{\"name\": ") + quoted(field.name) +
                   ", \"value\": " + quoted(field.value) + "}";
    }
    return "{\"id\": " + quoted(event_id) +
           ", \"object\": \"event\", \"created_at\": " + std::to_string(now.time_since_epoch().count()) +
           ", \"type\": \"realtime.call.incoming\", \"data\": {\"call_id\": " + quoted(call_id) +
           ", \"sip_headers\": [" + headers + "]}}";
}

std::string without_blanks(const std::string& body) {
    const auto value = encoding::parse_json_text(body);
    return value ? encoding::write_json_text(*value, {}) : body;
}

http::ClientRequest make_delivery(const Delivery& delivery, const SigningKeys& keys) {
    const auto timestamp = std::to_string(delivery.timestamp.time_since_epoch().count());
    std::vector<std::string> signatures;
    for (const auto& key : keys)
        signatures.push_back(
            signature::sign_webhook(*key, delivery.webhook_id, timestamp, delivery.signed_body));
    return {.method = "POST",
            .url = delivery.url,
            .headers = {{"content-type", "application/json"},
                        {"user-agent", std::string(kUserAgent)},
                        {"webhook-id", delivery.webhook_id},
                        {"webhook-timestamp", timestamp},
                        {"webhook-signature", join(signatures, " ")}},
            .body = delivery.body,
            .total_time = delivery.time};
}

http::Response api_error(int status, std::string_view code, std::string_view message) {
    return {status,
            "application/json",
            "{\"error\": {\"message\": " + quoted(message) +
                ", \"type\": " + (status < 500 ? "\"invalid_request_error\"" : "\"server_error\"") +
                ", \"code\": " + quoted(code) + ", \"param\": null}}",
            {}};
}

http::Response wrong_key() { return api_error(401, "invalid_api_key", "Incorrect API key provided."); }

bool ApiGate::is_authorized(const http::Request& request) const {
    const auto given = request.headers.find("Authorization").value_or("");
    return crypto::equal_in_constant_time(given, "Bearer " + api_key_);
}

std::optional<http::Response> ApiGate::refuse(const http::Request& request) {
    if (!is_authorized(request)) return wrong_key();
    if (!fails_now(fails_percent_, ++answers_)) return std::nullopt;
    return api_error(500, "server_error", "The server had an error while processing your request.");
}

std::optional<ApiTarget> read_api_target(std::string_view method, std::string_view path) {
    ApiTarget target;
    if (path.starts_with(kLive)) target.dialect = openai::Dialect::live;
    const auto prefix = target.dialect == openai::Dialect::live ? kLive : kCalls;
    if (method != "POST" || !path.starts_with(prefix)) return std::nullopt;
    const auto parts = split(path.substr(prefix.size()), '/');
    if (parts.size() != 2) return std::nullopt;
    target.call_id = encoding::percent_decode(parts[0], encoding::PlusSign::literal);
    using enum openai::CallAction;
    for (const auto action : {accept, reject, refer, hangup}) {
        if (parts[1] != openai::name_of(action)) continue;
        target.action = action;
        return target;
    }
    return std::nullopt;
}

std::optional<std::string> read_sideband_target(std::string_view path, std::string_view query) {
    if (path == "/v1/realtime") {
        for (const auto& [name, value] : encoding::parse_form(query))
            if (name == "call_id") return value;
        return std::string();
    }
    if (!path.starts_with(kLive)) return std::nullopt;
    const auto parts = split(path.substr(kLive.size()), '/');
    if (parts.size() != 2 || parts[1] != "attach") return std::nullopt;
    return encoding::percent_decode(parts[0], encoding::PlusSign::literal);
}

std::optional<std::string> write_openai_answer(std::string_view offer, std::string_view key) {
    const auto document = sdp::parse_document(offer);
    if (!document) return std::nullopt;
    const auto audio = sdp::audio_facts(*document);
    const auto* voice = audio ? find_format(*audio, {"PCMU", 8'000, 1}) : nullptr;
    if (voice == nullptr) return std::nullopt;
    std::string answer =
        "v=0\r\no=OAI 1 1 IN IP4 127.0.0.1\r\ns=OAI\r\nc=IN IP4 127.0.0.1\r\n"
        "t=0 0\r\n";
    for (std::size_t i = 0; i < document->media.size(); ++i) {
        const auto& media = document->media[i];
        answer += i == audio->media_index
                      ? answered_stream(*audio, *voice, key)
                      : "m=" + std::string(media.type) + " 0 " + std::string(media.protocol) + " " +
                            std::string(media.formats.front()) + "\r\n";
    }
    return answer;
}

std::string session_event(std::string_view type, std::string_view call_id, int number) {
    return "{\"type\":" + quoted(type) + ",\"event_id\":\"event_" + std::to_string(number) +
           "\",\"session\":{\"type\":\"realtime\",\"id\":" + quoted("sess_" + std::string(call_id)) + "}}";
}

std::string response_event(std::string_view type, int number) {
    const auto head = "{\"type\":" + quoted(type) + ",\"event_id\":\"event_" + std::to_string(number) + "\",";
    if (type == "response.created")
        return head + R"("response":{"id":"resp_1","status":"in_progress","output":[]}})";
    if (type == "response.done")
        return head + R"("response":{"id":"resp_1","status":"completed","output":[]}})";
    if (type == "response.output_audio_transcript.done")
        return head + R"("response_id":"resp_1","item_id":"item_1","transcript":"Hello."})";
    return head + R"("response_id":"resp_1"})";
}

}  // namespace callchain::simulator
