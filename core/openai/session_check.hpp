/// The rules of accept bodies and how they are applied. Internal: everybody else includes session_body.hpp.
#pragma once

#include "encoding/json_text.hpp"
#include "openai/session_body.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::openai {

using encoding::JsonValue;

/// The finding codes of accept bodies. A code never changes its meaning.
namespace body_code {
inline constexpr std::string_view kAudioFormat = "call_accept_body_audio_format";
inline constexpr std::string_view kBetaMember = "call_accept_body_beta_member";
inline constexpr std::string_view kInstructionsEmpty = "call_accept_body_instructions_empty";
inline constexpr std::string_view kInstructionsLarge = "call_accept_body_instructions_large";
inline constexpr std::string_view kMemberMissing = "call_accept_body_member_missing";
inline constexpr std::string_view kMemberRepeated = "call_accept_body_member_repeated";
inline constexpr std::string_view kModalities = "call_accept_body_modalities";
inline constexpr std::string_view kModelPreview = "call_accept_body_model_preview";
inline constexpr std::string_view kModelUnknown = "call_accept_body_model_unknown";
inline constexpr std::string_view kNotJson = "call_accept_body_not_json";
inline constexpr std::string_view kTextOnly = "call_accept_body_text_only";
inline constexpr std::string_view kTooLarge = "call_accept_body_too_large";
inline constexpr std::string_view kTypeMissing = "call_accept_body_type_missing";
inline constexpr std::string_view kTypeWrong = "call_accept_body_type_wrong";
inline constexpr std::string_view kUnknownMember = "call_accept_body_unknown_member";
inline constexpr std::string_view kValueRange = "call_accept_body_value_range";
inline constexpr std::string_view kValueType = "call_accept_body_value_type";
inline constexpr std::string_view kValueUnknown = "call_accept_body_value_unknown";
inline constexpr std::string_view kVoiceUnknown = "call_accept_body_voice_unknown";
inline constexpr std::string_view kWrapperWrong = "call_accept_body_wrapper_wrong";
}  // namespace body_code

/// Collects what is found, in the order in which it is found.
class BodyRemarks {
  public:
    explicit BodyRemarks(Dialect dialect) : dialect_(dialect) {}
    void error(std::string_view code, const std::string& path, std::string detail);
    void hint(std::string_view code, const std::string& path, std::string detail);
    void add(BodySeverity severity, std::string_view code, const std::string& path, std::string detail);
    [[nodiscard]] Dialect dialect() const { return dialect_; }
    [[nodiscard]] std::vector<BodyRemark> take() && { return std::move(remarks_); }

  private:
    Dialect dialect_;
    std::vector<BodyRemark> remarks_;
    std::size_t errors_ = 0;
    std::size_t hints_ = 0;
};

/// Judges one value; `path` names it in remarks.
using ValueCheck = void (*)(BodyRemarks&, const JsonValue&, const std::string& path);

struct MemberRule {
    enum class Presence { optional, required };
    std::string_view name;
    ValueCheck check;
    Presence presence = Presence::optional;
};

/// "audio" and "output": "audio.output"; a name alone where there is no parent. Safe to show.
[[nodiscard]] std::string path_of(const std::string& parent, std::string_view name);
[[nodiscard]] std::string path_of(const std::string& parent, std::size_t index);
/// What may be shown of a value from the body, in quotes.
[[nodiscard]] std::string quote_value(std::string_view text);

/// Remarks on a value of another kind, and says whether it is of the right one.
bool check_kind(BodyRemarks& remarks, const JsonValue& value, const std::string& path,
                JsonValue::Kind wanted);
/// Judges an object by its rules: required members, unknown ones, such that stand there twice.
void check_members(BodyRemarks& remarks, const JsonValue& value, const std::string& path,
                   std::span<const MemberRule> rules);
/// Remarks on a member that must be there and is not.
void remark_on_missing(BodyRemarks& remarks, const std::string& path);
/// Judges each item of an array.
void check_items(BodyRemarks& remarks, const JsonValue& value, const std::string& path, ValueCheck check);

void check_anything(BodyRemarks& remarks, const JsonValue& value, const std::string& path);
void check_text(BodyRemarks& remarks, const JsonValue& value, const std::string& path);
void check_filled_text(BodyRemarks& remarks, const JsonValue& value, const std::string& path);
void check_truth(BodyRemarks& remarks, const JsonValue& value, const std::string& path);
void check_any_object(BodyRemarks& remarks, const JsonValue& value, const std::string& path);
void check_any_array(BodyRemarks& remarks, const JsonValue& value, const std::string& path);
/// A number without a fraction that is not negative.
void check_count(BodyRemarks& remarks, const JsonValue& value, const std::string& path);
/// Both ends included.
void check_number(BodyRemarks& remarks, const JsonValue& value, const std::string& path, double least,
                  double most);
void check_whole_number(BodyRemarks& remarks, const JsonValue& value, const std::string& path,
                        std::int64_t least, std::int64_t most);
/// One of a few words; `severity` is that of any other text.
void check_word(BodyRemarks& remarks, const JsonValue& value, const std::string& path,
                std::span<const std::string_view> words, BodySeverity severity = BodySeverity::error);

/// `check`, but null is fine too.
template <ValueCheck check>
void or_null(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    if (value.kind != JsonValue::Kind::null) check(remarks, value, path);
}

/// check_word() as a ValueCheck.
template <const auto& words, BodySeverity severity = BodySeverity::error>
void one_of(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    check_word(remarks, value, path, words, severity);
}

/// Parts that both APIs have.
void check_instructions(BodyRemarks& remarks, const JsonValue& value, const std::string& path);
void check_voice(BodyRemarks& remarks, const JsonValue& value, const std::string& path);
void check_audio_format(BodyRemarks& remarks, const JsonValue& value, const std::string& path);
/// `base`, or `base` with a date behind it: "gpt-realtime-2025-08-28".
[[nodiscard]] bool is_model_of(std::string_view model, std::string_view base);

/// The bodies as a whole; `body` is an object.
void check_realtime_body(BodyRemarks& remarks, const JsonValue& body);
void check_live_body(BodyRemarks& remarks, const JsonValue& body);

}  // namespace callchain::openai
