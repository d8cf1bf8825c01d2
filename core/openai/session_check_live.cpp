/// The accept body of the Live API. Source: openai-python, types/live/session_accept_params.py and the types
/// it names; OpenAI, "Telephony and SIP".
#include "base/text.hpp"
#include "openai/session_check.hpp"

#include <algorithm>

namespace callchain::openai {
namespace {

using Kind = JsonValue::Kind;
using Presence = MemberRule::Presence;

// The words that members take.
constexpr std::string_view kDelegation[] = {"client", "responses"};
constexpr std::string_view kMessage[] = {"message"};
constexpr std::string_view kRoles[] = {"developer", "user", "assistant"};
constexpr std::string_view kParts[] = {"input_text", "text", "output_text"};

void check_type(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    if (check_kind(remarks, value, path, Kind::string) && value.text != "live")
        remarks.error(body_code::kTypeWrong, path,
                      "It is " + quote_value(value.text) + " where \"live\" belongs.");
}

void check_model(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    check_filled_text(remarks, value, path);
    if (value.kind != Kind::string || value.text.empty() || is_model_of(value.text, kDefaultLiveModel))
        return;
    remarks.hint(body_code::kModelUnknown, path,
                 "The reference that this program knows has no Live model " + quote_value(value.text) + ".");
}

void check_audio_input(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    constexpr MemberRule kRules[] = {{"format", check_audio_format}};
    check_members(remarks, value, path, kRules);
}

void check_audio_output(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    constexpr MemberRule kRules[] = {{"format", check_audio_format}, {"voice", check_voice}};
    check_members(remarks, value, path, kRules);
}

void check_audio(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    constexpr MemberRule kRules[] = {
        {"format", check_audio_format}, {"input", check_audio_input}, {"output", check_audio_output}};
    check_members(remarks, value, path, kRules);
}

void check_responses(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    constexpr MemberRule kRules[] = {
        {"model", check_filled_text, Presence::required},
        {"instructions", or_null<check_text>},
        {"max_output_tokens", or_null<check_count>},
        {"parallel_tool_calls", or_null<check_truth>},
        {"reasoning", or_null<check_any_object>},
        {"service_tier", or_null<check_text>},
        {"text", or_null<check_any_object>},
        {"tool_choice", check_anything},
        {"tools", check_any_array},
    };
    check_members(remarks, value, path, kRules);
}

void check_delegation(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    constexpr MemberRule kRules[] = {
        {"type", one_of<kDelegation>, Presence::required},
        {"responses", check_responses},
    };
    check_members(remarks, value, path, kRules);
    const auto* type = value.find("type");
    if (type != nullptr && type->text == "responses" && value.find("responses") == nullptr)
        remarks.error(body_code::kMemberMissing, path_of(path, "responses"),
                      "A delegation to Responses needs its settings.");
}

void check_content_part(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    constexpr MemberRule kRules[] = {{"type", one_of<kParts>}, {"text", check_text, Presence::required}};
    check_members(remarks, value, path, kRules);
}

void check_content(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    if (value.kind == Kind::array && value.items.size() != 1)
        remarks.error(body_code::kValueRange, path,
                      "It has " + count_of(value.items.size(), "part") + "; exactly one is taken.");
    check_items(remarks, value, path, check_content_part);
}

void check_message(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    constexpr MemberRule kRules[] = {
        {"type", one_of<kMessage>},
        {"role", one_of<kRoles>, Presence::required},
        {"content", check_content, Presence::required},
        {"id", or_null<check_text>},
        {"status", or_null<check_text>},
    };
    check_members(remarks, value, path, kRules);
}

void check_input(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    constexpr std::size_t kMostMessages = 128;
    if (value.kind == Kind::array && value.items.size() > kMostMessages)
        remarks.error(body_code::kValueRange, path,
                      "It has " + count_of(value.items.size(), "message") + "; at most " +
                          std::to_string(kMostMessages) + " are taken.");
    check_items(remarks, value, path, check_message);
}

constexpr MemberRule kSessionRules[] = {
    {"type", check_type},
    {"model", check_model, Presence::required},
    {"instructions", or_null<check_instructions>},
    {"audio", check_audio},
    {"delegation", or_null<check_delegation>},
    {"input", check_input},
    {"store", check_truth},
};

void check_session(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    if (value.kind == Kind::object && value.find("type") == nullptr)
        remarks.error(body_code::kTypeMissing, path_of(path, "type"), "Write \"type\":\"live\".");
    check_members(remarks, value, path, kSessionRules);
}

}  // namespace

void check_live_body(BodyRemarks& remarks, const JsonValue& body) {
    constexpr MemberRule kRules[] = {{"session", check_session}};
    if (body.find("session") == nullptr) {
        remarks.error(body_code::kWrapperWrong, "session",
                      "Live takes the session within \"session\": {\"session\":{\"type\":\"live\", …}}.");
        return;
    }
    check_members(remarks, body, "", kRules);
}

}  // namespace callchain::openai
