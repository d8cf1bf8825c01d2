/// The accept body of the Realtime API. Source: openai-python, types/realtime/call_accept_params.py and the
/// types it names; OpenAI, "Telephony and SIP"; reports of calls that died after a 200.
#include "openai/session_check.hpp"

#include <algorithm>
#include <array>

namespace callchain::openai {
namespace {

using Kind = JsonValue::Kind;
using Presence = MemberRule::Presence;

// The words that members take.
constexpr std::string_view kEagerness[] = {"low", "medium", "high", "auto"};
constexpr std::string_view kTurnDetection[] = {"server_vad", "semantic_vad"};
constexpr std::string_view kNoiseReduction[] = {"near_field", "far_field"};
constexpr std::string_view kUnlimited[] = {"inf"};
constexpr std::string_view kToolTypes[] = {"function", "mcp"};
constexpr std::string_view kToolChoice[] = {"none", "auto", "required"};
constexpr std::string_view kEffort[] = {"minimal", "low", "medium", "high", "xhigh"};
constexpr std::string_view kTracing[] = {"auto"};
constexpr std::string_view kTruncation[] = {"auto", "disabled"};
constexpr std::string_view kRetentionRatio[] = {"retention_ratio"};
constexpr std::string_view kIncluded[] = {"item.input_audio_transcription.logprobs"};

/// Members of the beta session, and what has become of them. With those that are errors the API was seen to
/// answer 200 and to end the call some seconds later, without any sound.
struct BetaMember {
    std::string_view name;
    BodySeverity severity;
    std::string_view today;
};
constexpr std::array<BetaMember, 10> kBetaMembers{{
    {"modalities", BodySeverity::error, "Write output_modalities with [\"audio\"]."},
    {"voice", BodySeverity::error, "Write audio.output.voice."},
    {"input_audio_format", BodySeverity::error, "Leave it out: the SDP of the call says it."},
    {"output_audio_format", BodySeverity::error, "Leave it out: the SDP of the call says it."},
    {"input_audio_transcription", BodySeverity::error, "Write audio.input.transcription."},
    {"turn_detection", BodySeverity::error, "Write audio.input.turn_detection."},
    {"max_response_output_tokens", BodySeverity::error, "Write max_output_tokens."},
    {"input_audio_noise_reduction", BodySeverity::hint, "Write audio.input.noise_reduction."},
    {"speed", BodySeverity::hint, "Write audio.output.speed."},
    {"temperature", BodySeverity::hint, "Leave it out: it has no successor."},
}};

void check_beta_member(BodyRemarks& remarks, const JsonValue&, const std::string& path) {
    for (const auto& member : kBetaMembers) {
        if (path == member.name)
            remarks.add(member.severity, body_code::kBetaMember, path,
                        "The member belongs to the beta API. " + std::string(member.today));
    }
}

void check_type(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    if (check_kind(remarks, value, path, Kind::string) && value.text != "realtime")
        remarks.error(body_code::kTypeWrong, path,
                      "It is " + quote_value(value.text) + " where \"realtime\" belongs.");
}

void check_model(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    constexpr std::string_view kModels[] = {"gpt-realtime",     "gpt-realtime-1.5",      "gpt-realtime-2",
                                            "gpt-realtime-2.1", "gpt-realtime-2.1-mini", "gpt-realtime-mini",
                                            "gpt-audio-mini"};
    check_filled_text(remarks, value, path);
    if (value.kind != Kind::string || value.text.empty()) return;
    const auto is_known = [&](std::string_view base) { return is_model_of(value.text, base); };
    if (value.text.find("-preview") != std::string::npos) {
        remarks.hint(
            body_code::kModelPreview, path,
            quote_value(value.text) + " is a preview of the beta API; gpt-realtime has replaced it.");
    } else if (std::none_of(std::begin(kModels), std::end(kModels), is_known)) {
        remarks.hint(
            body_code::kModelUnknown, path,
            "The reference that this program knows has no Realtime model " + quote_value(value.text) + ".");
    }
}

void check_share(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    check_number(remarks, value, path, 0.0, 1.0);
}
void check_speed(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    check_number(remarks, value, path, 0.25, 1.5);
}

void check_server_vad(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    constexpr MemberRule kRules[] = {
        {"type", check_anything},
        {"threshold", check_share},
        {"prefix_padding_ms", check_count},
        {"silence_duration_ms", check_count},
        {"idle_timeout_ms", or_null<check_count>},
        {"create_response", check_truth},
        {"interrupt_response", check_truth},
    };
    check_members(remarks, value, path, kRules);
}

void check_semantic_vad(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    constexpr MemberRule kRules[] = {
        {"type", check_anything},
        {"eagerness", one_of<kEagerness>},
        {"create_response", check_truth},
        {"interrupt_response", check_truth},
    };
    check_members(remarks, value, path, kRules);
}

void check_turn_detection(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    if (!check_kind(remarks, value, path, Kind::object)) return;
    const auto* type = value.find("type");
    if (type == nullptr) {
        remark_on_missing(remarks, path_of(path, "type"));
        return;
    }
    check_word(remarks, *type, path_of(path, "type"), kTurnDetection);
    if (type->text == "server_vad") check_server_vad(remarks, value, path);
    if (type->text == "semantic_vad") check_semantic_vad(remarks, value, path);
}

void check_noise_reduction(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    constexpr MemberRule kRules[] = {{"type", one_of<kNoiseReduction>}};
    check_members(remarks, value, path, kRules);
}

void check_transcription(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    // Models for it come and go: any name is taken.
    constexpr MemberRule kRules[] = {
        {"model", check_filled_text}, {"language", check_text}, {"prompt", check_text}};
    check_members(remarks, value, path, kRules);
}

void check_audio_input(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    constexpr MemberRule kRules[] = {
        {"format", check_audio_format},
        {"noise_reduction", or_null<check_noise_reduction>},
        {"transcription", or_null<check_transcription>},
        {"turn_detection", or_null<check_turn_detection>},
    };
    check_members(remarks, value, path, kRules);
}

void check_audio_output(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    constexpr MemberRule kRules[] = {
        {"format", check_audio_format},
        {"voice", check_voice},
        {"speed", check_speed},
    };
    check_members(remarks, value, path, kRules);
}

void check_audio(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    constexpr MemberRule kRules[] = {{"input", check_audio_input}, {"output", check_audio_output}};
    check_members(remarks, value, path, kRules);
}

void check_output_modalities(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    if (!check_kind(remarks, value, path, Kind::array)) return;
    const bool is_single = value.items.size() == 1 && value.items.front().kind == Kind::string;
    if (is_single && value.items.front().text == "audio") return;
    if (is_single && value.items.front().text == "text") {
        remarks.hint(body_code::kTextOnly, path,
                     "The model will write and not speak: the caller hears nothing.");
        return;
    }
    remarks.error(body_code::kModalities, path, "It must be [\"audio\"] or [\"text\"], exactly one of them.");
}

void check_max_output_tokens(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    if (value.kind == Kind::string) {
        check_word(remarks, value, path, kUnlimited);
    } else {
        check_whole_number(remarks, value, path, 1, 4'096);
    }
}

void check_function_tool(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    constexpr MemberRule kRules[] = {
        {"type", check_anything},
        {"name", check_filled_text, Presence::required},
        {"description", check_text},
        {"parameters", check_any_object},
    };
    check_members(remarks, value, path, kRules);
}

void check_mcp_tool(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    constexpr MemberRule kRules[] = {
        {"type", check_anything},
        {"server_label", check_filled_text, Presence::required},
        {"server_url", check_filled_text},
        {"connector_id", check_filled_text},
        {"tunnel_id", check_filled_text},
        {"server_description", check_text},
        {"authorization", check_text},
        {"headers", or_null<check_any_object>},
        {"allowed_tools", check_anything},
        {"allowed_callers", or_null<check_any_array>},
        {"require_approval", check_anything},
        {"defer_loading", check_truth},
    };
    check_members(remarks, value, path, kRules);
    const bool has_place = value.find("server_url") != nullptr || value.find("connector_id") != nullptr ||
                           value.find("tunnel_id") != nullptr;
    if (!has_place)
        remarks.error(body_code::kMemberMissing, path_of(path, "server_url"),
                      "One of server_url, connector_id and tunnel_id is required here.");
}

void check_tool(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    if (!check_kind(remarks, value, path, Kind::object)) return;
    const auto* type = value.find("type");
    if (type == nullptr) {
        // The reference does not demand it of a function; every example has it.
        remarks.hint(body_code::kMemberMissing, path_of(path, "type"),
                     "A tool without a type is read as a function at best.");
        check_function_tool(remarks, value, path);
        return;
    }
    check_word(remarks, *type, path_of(path, "type"), kToolTypes);
    if (type->text == "function") check_function_tool(remarks, value, path);
    if (type->text == "mcp") check_mcp_tool(remarks, value, path);
}

void check_tools(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    check_items(remarks, value, path, check_tool);
}

void check_tool_choice(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    constexpr MemberRule kRules[] = {
        {"type", one_of<kToolTypes>, Presence::required},
        {"name", or_null<check_filled_text>},
        {"server_label", check_filled_text},
    };
    if (value.kind == Kind::object) {
        check_members(remarks, value, path, kRules);
    } else {
        check_word(remarks, value, path, kToolChoice);
    }
}

void check_reasoning(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    // The steps differ between models and grow: an unknown one is worth a hint only.
    constexpr MemberRule kRules[] = {{"effort", one_of<kEffort, BodySeverity::hint>}};
    check_members(remarks, value, path, kRules);
}

void check_tracing(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    constexpr MemberRule kRules[] = {
        {"workflow_name", check_text}, {"group_id", check_text}, {"metadata", check_any_object}};
    if (value.kind == Kind::object) {
        check_members(remarks, value, path, kRules);
    } else {
        check_word(remarks, value, path, kTracing);
    }
}

void check_token_limits(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    constexpr MemberRule kRules[] = {{"post_instructions", check_count}};
    check_members(remarks, value, path, kRules);
}

void check_truncation(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    constexpr MemberRule kRules[] = {
        {"type", one_of<kRetentionRatio>, Presence::required},
        {"retention_ratio", check_share, Presence::required},
        {"token_limits", check_token_limits},
    };
    if (value.kind == Kind::object) {
        check_members(remarks, value, path, kRules);
    } else {
        check_word(remarks, value, path, kTruncation);
    }
}

void check_prompt(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    constexpr MemberRule kRules[] = {
        {"id", check_filled_text, Presence::required},
        {"version", or_null<check_text>},
        {"variables", or_null<check_any_object>},
    };
    check_members(remarks, value, path, kRules);
}

void check_include(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    check_items(remarks, value, path, one_of<kIncluded, BodySeverity::hint>);
}

constexpr MemberRule kSessionRules[] = {
    {"type", check_type},
    {"model", check_model},
    {"instructions", check_instructions},
    {"audio", check_audio},
    {"output_modalities", check_output_modalities},
    {"max_output_tokens", check_max_output_tokens},
    {"tools", check_tools},
    {"tool_choice", check_tool_choice},
    {"parallel_tool_calls", check_truth},
    {"reasoning", check_reasoning},
    {"tracing", or_null<check_tracing>},
    {"truncation", check_truncation},
    {"prompt", or_null<check_prompt>},
    {"include", check_include},
    {"modalities", check_beta_member},
    {"voice", check_beta_member},
    {"input_audio_format", check_beta_member},
    {"output_audio_format", check_beta_member},
    {"input_audio_transcription", check_beta_member},
    {"turn_detection", check_beta_member},
    {"max_response_output_tokens", check_beta_member},
    {"input_audio_noise_reduction", check_beta_member},
    {"speed", check_beta_member},
    {"temperature", check_beta_member},
};

}  // namespace

void check_realtime_body(BodyRemarks& remarks, const JsonValue& body) {
    const auto* wrapped = body.find("session");
    if (body.find("type") == nullptr && wrapped != nullptr && wrapped->kind == Kind::object) {
        remarks.error(
            body_code::kWrapperWrong, "session",
            "Only Live takes the session within \"session\"; here its members are those of the body.");
        return;
    }
    if (body.find("type") == nullptr)
        remarks.error(body_code::kTypeMissing, "type", "Write \"type\":\"realtime\".");
    check_members(remarks, body, "", kSessionRules);
}

}  // namespace callchain::openai
