/// The events that announce a call, read without building a document.
#include "base/redact.hpp"
#include "base/text.hpp"
#include "encoding/json_text.hpp"
#include "openai/call.hpp"

#include <array>
#include <nlohmann/json.hpp>

namespace callchain::openai {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostQuoted = 60;
constexpr std::size_t kMostSipHeaders = 256;

/// Members of `data`, absent where there is none of that name that is a text.
struct EventData {
    std::optional<std::string> call_id;
    std::optional<std::string> session_id;
    std::optional<std::string> type;
    std::optional<std::string> media_security;
    std::vector<SipHeader> sip_headers;
};

struct Envelope {
    std::optional<std::string> id;
    std::optional<std::string> type;
    std::optional<std::chrono::sys_seconds> created_at;
    EventData data;
};

/// Seconds up to the year 9999; anything else is no time.
std::optional<std::chrono::sys_seconds> time_of(double seconds) {
    constexpr double kMostSeconds = 253'402'300'799.0;
    if (!(seconds >= 0.0 && seconds <= kMostSeconds)) return std::nullopt;
    return std::chrono::sys_seconds{std::chrono::seconds{static_cast<std::int64_t>(seconds)}};
}

/// Listens to nlohmann's parser, which keeps its nesting on the heap and builds nothing for a listener. Of a
/// member that stands there twice the last one counts, as everywhere.
class EventListener final : public Json::json_sax_t {
  public:
    [[nodiscard]] bool saw_object() const { return saw_object_; }
    [[nodiscard]] std::string_view fault() const { return fault_; }
    [[nodiscard]] std::size_t fault_at() const { return fault_at_; }
    [[nodiscard]] Envelope take() && { return std::move(envelope_); }

    bool null() override { return value(); }
    bool boolean(bool) override { return value(); }
    bool number_integer(Json::number_integer_t number) override { return time(static_cast<double>(number)); }
    bool number_unsigned(Json::number_unsigned_t number) override {
        return time(static_cast<double>(number));
    }
    bool number_float(Json::number_float_t number, const std::string&) override { return time(number); }
    bool string(std::string& text) override {
        if (!value()) return false;
        if (auto* slot = text_slot(); slot != nullptr) *slot = std::move(text);
        return true;
    }
    bool binary(Json::binary_t&) override { return false; }
    bool start_object(std::size_t) override {
        if (depth_ == 0) {
            saw_object_ = true;
        } else {
            value();
        }
        if (depth_ == 1) in_data_ = key_ == "data";
        if (depth_ == 3 && in_headers_) header_ = {};
        return descend();
    }
    bool key(std::string& name) override {
        key_ = std::move(name);
        return true;
    }
    bool end_object() override {
        --depth_;
        if (depth_ == 3 && in_headers_) end_header();
        if (depth_ == 1) in_data_ = false;
        return true;
    }
    bool start_array(std::size_t) override {
        if (!value()) return false;
        if (depth_ == 2) in_headers_ = in_data_ && key_ == "sip_headers";
        return descend();
    }
    bool end_array() override {
        --depth_;
        if (depth_ == 2) in_headers_ = false;
        return true;
    }
    bool parse_error(std::size_t position, const std::string&, const Json::exception&) override {
        fault_ = "is not JSON";
        fault_at_ = position;
        return false;
    }

  private:
    struct HeaderParts {
        std::optional<std::string> name;
        std::optional<std::string> value;
    };

    /// Any value begins: what stood there under the same name no longer counts.
    bool value() {
        if (depth_ == 1 && key_ == "data") envelope_.data = {};
        if (depth_ == 1 && key_ == "created_at") envelope_.created_at.reset();
        if (depth_ == 2 && in_data_ && key_ == "sip_headers") envelope_.data.sip_headers.clear();
        if (auto* slot = text_slot(); slot != nullptr) slot->reset();
        return saw_object_;
    }
    bool time(double seconds) {
        if (!value()) return false;
        if (depth_ == 1 && key_ == "created_at") envelope_.created_at = time_of(seconds);
        return true;
    }
    std::optional<std::string>* text_slot() {
        if (depth_ == 1 && key_ == "id") return &envelope_.id;
        if (depth_ == 1 && key_ == "type") return &envelope_.type;
        if (depth_ == 4 && in_headers_ && key_ == "name") return &header_.name;
        if (depth_ == 4 && in_headers_ && key_ == "value") return &header_.value;
        if (depth_ != 2 || !in_data_) return nullptr;
        if (key_ == "call_id") return &envelope_.data.call_id;
        if (key_ == "session_id") return &envelope_.data.session_id;
        if (key_ == "type") return &envelope_.data.type;
        if (key_ == "sip_media_security") return &envelope_.data.media_security;
        return nullptr;
    }
    void end_header() {
        auto& headers = envelope_.data.sip_headers;
        if (!header_.name || !header_.value || headers.size() >= kMostSipHeaders) return;
        headers.push_back({std::move(*header_.name), std::move(*header_.value)});
    }
    bool descend() {
        if (++depth_ <= encoding::kMostJsonDepth) return true;
        fault_ = "is nested too deeply";
        return false;
    }

    Envelope envelope_;
    HeaderParts header_;
    std::string key_;
    std::string_view fault_;
    std::size_t fault_at_ = 0;
    std::size_t depth_ = 0;
    bool in_data_ = false;
    bool in_headers_ = false;
    bool saw_object_ = false;
};

Result<Envelope> read_envelope(std::string_view body) {
    EventListener listener;
    if (Json::sax_parse(body, &listener)) return std::move(listener).take();
    if (listener.fault().empty()) return fail(ErrorCode::bad_input, "the event is no JSON object");
    const std::string message = "the event " + std::string(listener.fault());
    if (listener.fault_at() == 0) return fail(ErrorCode::bad_input, message);
    return fail_at(listener.fault_at() - 1, ErrorCode::bad_input, message);
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
    if (!type.names_transport || data.type == "sip") return {};
    const auto found = data.type ? "data.type \"" + safe_excerpt(*data.type, kMostQuoted) + "\""
                                 : std::string("no data.type");
    return fail(ErrorCode::bad_input, std::string(type.name) + " has " + found + " where \"sip\" belongs");
}

/// The id of the event's own API; the other one where it stands alone, since their names have changed places.
Result<std::string> take_call_id(const IncomingType& type, EventData& data) {
    const bool is_live = type.dialect == Dialect::live;
    auto& own = is_live ? data.session_id : data.call_id;
    auto& other = is_live ? data.call_id : data.session_id;
    if (!own && !other)
        return fail(ErrorCode::bad_input,
                    std::string(type.name) + " has neither data.call_id nor data.session_id");
    auto id = own ? std::move(*own) : std::move(*other);
    if (auto checked = check_call_id(id); !checked) return tl::unexpected(std::move(checked).error());
    return id;
}

}  // namespace

Result<CallEvent> read_call_event(std::string_view body) {
    auto envelope = CALLCHAIN_TRY(read_envelope(body));
    if (!envelope.type) return fail(ErrorCode::bad_input, "the event has no type");

    CallEvent event;
    event.type = std::move(*envelope.type);
    event.event_id = std::move(envelope.id).value_or("");
    event.created_at = envelope.created_at;
    for (const auto& type : kIncomingTypes) {
        if (event.type != type.name) continue;
        CALLCHAIN_TRY(check_transport(type, envelope.data));
        event.kind = CallEvent::Kind::incoming_call;
        event.dialect = type.dialect;
        event.call_id = CALLCHAIN_TRY(take_call_id(type, envelope.data));
        event.sip_headers = std::move(envelope.data.sip_headers);
        event.media_security = std::move(envelope.data.media_security).value_or("");
    }
    return event;
}

}  // namespace callchain::openai
