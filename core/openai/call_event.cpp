/// The events that announce a call, read without building a document.
#include "base/redact.hpp"
#include "base/text.hpp"
#include "encoding/charset.hpp"
#include "encoding/json_reader.hpp"
#include "openai/call.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace callchain::openai {
namespace {

using encoding::JsonReader;
using encoding::JsonString;

constexpr std::size_t kMostQuoted = 60;
constexpr std::size_t kMostSipHeaders = 256;
constexpr std::size_t kUsualSipHeaders = 32;

struct HeaderText {
    JsonString name;
    JsonString value;
};

/// Members of `data`, absent where there is none of that name that is a text. Borrows from the body, as most
/// events are of no interest.
struct EventData {
    std::optional<JsonString> call_id;
    std::optional<JsonString> session_id;
    std::optional<JsonString> type;
    std::optional<JsonString> media_security;
    std::vector<HeaderText> sip_headers;
};

struct Envelope {
    std::optional<JsonString> id;
    std::optional<JsonString> type;
    std::optional<std::chrono::sys_seconds> created_at;
    EventData data;
};

/// Seconds up to the year 9999; anything else is no time.
std::optional<std::chrono::sys_seconds> time_of(std::string_view number) {
    constexpr double kMostSeconds = 253'402'300'799.0;
    double seconds = -1.0;
    std::from_chars(number.data(), number.data() + number.size(), seconds);
    if (!(seconds >= 0.0 && seconds <= kMostSeconds)) return std::nullopt;
    return std::chrono::sys_seconds{std::chrono::seconds{static_cast<std::int64_t>(seconds)}};
}

// Of a member that stands there twice the last one counts, as everywhere, also where it is no text.

void read_header(JsonReader& json, std::vector<HeaderText>& headers) {
    if (!json.enter_object()) return;
    std::optional<JsonString> name;
    std::optional<JsonString> value;
    while (const auto member = json.next_member()) {
        if (*member == "name") {
            name = json.take_string();
        } else if (*member == "value") {
            value = json.take_string();
        } else {
            json.skip();
        }
    }
    if (name && value && headers.size() < kMostSipHeaders) headers.push_back({*name, *value});
}

std::vector<HeaderText> read_headers(JsonReader& json) {
    std::vector<HeaderText> headers;
    if (!json.enter_array()) return headers;
    headers.reserve(kUsualSipHeaders);
    while (json.next_item()) read_header(json, headers);
    return headers;
}

EventData read_data(JsonReader& json) {
    EventData data;
    if (!json.enter_object()) return data;
    while (const auto member = json.next_member()) {
        if (*member == "call_id") {
            data.call_id = json.take_string();
        } else if (*member == "session_id") {
            data.session_id = json.take_string();
        } else if (*member == "type") {
            data.type = json.take_string();
        } else if (*member == "sip_media_security") {
            data.media_security = json.take_string();
        } else if (*member == "sip_headers") {
            data.sip_headers = read_headers(json);
        } else {
            json.skip();
        }
    }
    return data;
}

Envelope read_members(JsonReader& json) {
    Envelope envelope;
    while (const auto member = json.next_member()) {
        if (*member == "id") {
            envelope.id = json.take_string();
        } else if (*member == "type") {
            envelope.type = json.take_string();
        } else if (*member == "created_at") {
            envelope.created_at = time_of(json.take_number().value_or(""));
        } else if (*member == "data") {
            envelope.data = read_data(json);
        } else {
            json.skip();
        }
    }
    return envelope;
}

Result<Envelope> read_envelope(std::string_view body) {
    // openai-python takes a mark in front of it, as Python's json does.
    if (body.starts_with(encoding::kUtf8Bom)) body.remove_prefix(encoding::kUtf8Bom.size());
    JsonReader json(body);
    const bool is_object = json.enter_object();
    auto envelope = is_object ? read_members(json) : Envelope{};
    if (const auto ended = json.end(); !ended) {
        const bool too_deep = ended.error().code == ErrorCode::limit;
        return fail_at(ended.error().offset.value_or(0), ErrorCode::bad_input,
                       too_deep ? "the event is nested too deeply" : "the event is not JSON");
    }
    if (!is_object) return fail(ErrorCode::bad_input, "the event is no JSON object");
    return envelope;
}

struct IncomingType {
    std::string_view name;
    Dialect dialect;
    bool names_transport;  ///< data.type says which, and only "sip" is a call
};
constexpr std::array<IncomingType, 3> kIncomingTypes{{
    {"realtime.call.incoming", Dialect::realtime, false},
    {"live.transport.incoming", Dialect::live, true},
    {"live.call.incoming", Dialect::live, false},  // deprecated; subscriptions of old get it still
}};

Result<void> check_transport(const IncomingType& type, const EventData& data) {
    if (!type.names_transport || (data.type && *data.type == "sip")) return {};
    const auto found = data.type ? "data.type \"" + safe_excerpt(data.type->text(), kMostQuoted) + "\""
                                 : std::string("no data.type");
    return fail(ErrorCode::bad_input, std::string(type.name) + " has " + found + " where \"sip\" belongs");
}

/// The id of the event's own API; the other one where it stands alone, since their names have changed places.
Result<std::string> call_id_of(const IncomingType& type, const EventData& data) {
    const bool is_live = type.dialect == Dialect::live;
    const auto& own = is_live ? data.session_id : data.call_id;
    const auto& other = is_live ? data.call_id : data.session_id;
    if (!own && !other)
        return fail(ErrorCode::bad_input,
                    std::string(type.name) + " has neither data.call_id nor data.session_id");
    auto id = own ? own->text() : other->text();
    if (auto checked = check_call_id(id); !checked) return tl::unexpected(std::move(checked).error());
    return id;
}

}  // namespace

Result<CallEvent> read_call_event(std::string_view body) {
    const auto envelope = CALLCHAIN_TRY(read_envelope(body));
    if (!envelope.type) return fail(ErrorCode::bad_input, "the event has no type");

    CallEvent event;
    event.type = envelope.type->text();
    if (envelope.id) event.event_id = envelope.id->text();
    event.created_at = envelope.created_at;
    const auto type = std::find_if(kIncomingTypes.begin(), kIncomingTypes.end(),
                                   [&](const IncomingType& incoming) { return event.type == incoming.name; });
    if (type == kIncomingTypes.end()) return event;

    const auto& data = envelope.data;
    CALLCHAIN_TRY(check_transport(*type, data));
    event.kind = CallEvent::Kind::incoming_call;
    event.dialect = type->dialect;
    event.call_id = CALLCHAIN_TRY(call_id_of(*type, data));
    event.sip_headers.reserve(data.sip_headers.size());
    for (const auto& header : data.sip_headers)
        event.sip_headers.push_back({header.name.text(), header.value.text()});
    if (data.media_security) event.media_security = data.media_security->text();
    return event;
}

}  // namespace callchain::openai
