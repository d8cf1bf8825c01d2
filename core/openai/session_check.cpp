/// What the checks of both kinds of accept body are made of.
#include "openai/session_check.hpp"

#include "base/redact.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <set>

namespace callchain::openai {
namespace {

using Kind = JsonValue::Kind;

constexpr std::size_t kMostOfEach = 32;
constexpr std::size_t kMostQuoted = 60;

std::string_view name_of_kind(Kind kind) {
    switch (kind) {
        case Kind::null:
            return "null";
        case Kind::boolean:
            return "true or false";
        case Kind::number:
            return "a number";
        case Kind::string:
            return "a text";
        case Kind::array:
            return "an array";
        case Kind::object:
            break;
    }
    return "an object";
}

std::string words_in_line(std::span<const std::string_view> words) {
    std::string line;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i > 0) line += i + 1 == words.size() ? " or " : ", ";
        line += words[i];
    }
    return line;
}

/// A limit as people write it: 0.25, 4096.
std::string written(double number) {
    char text[32];
    const auto end = std::to_chars(std::begin(text), std::end(text), number).ptr;
    return {std::begin(text), end};
}

/// How a body that could not be read as JSON is judged.
BodyRemark form_remark(const Error& error) {
    BodyRemark remark;
    remark.code = error.code == ErrorCode::limit ? body_code::kTooLarge : body_code::kNotJson;
    remark.detail = "The body cannot be read: " + safe_excerpt(error.message, 200);
    if (error.offset) remark.detail += ", at byte " + std::to_string(*error.offset);
    remark.detail += ".";
    return remark;
}

}  // namespace

void BodyRemarks::add(BodySeverity severity, std::string_view code, const std::string& path,
                      std::string detail) {
    // Apart, so that a crowd of hints hides no error.
    auto& count = severity == BodySeverity::error ? errors_ : hints_;
    if (count++ < kMostOfEach) remarks_.push_back({code, severity, path, std::move(detail)});
}
void BodyRemarks::error(std::string_view code, const std::string& path, std::string detail) {
    add(BodySeverity::error, code, path, std::move(detail));
}
void BodyRemarks::hint(std::string_view code, const std::string& path, std::string detail) {
    add(BodySeverity::hint, code, path, std::move(detail));
}

std::string path_of(const std::string& parent, std::string_view name) {
    const auto shown = safe_excerpt(name, kMostQuoted);
    return parent.empty() ? shown : parent + "." + shown;
}
std::string path_of(const std::string& parent, std::size_t index) {
    return parent + "[" + std::to_string(index) + "]";
}
std::string quote_value(std::string_view text) { return "\"" + safe_excerpt(text, kMostQuoted) + "\""; }

bool check_kind(BodyRemarks& remarks, const JsonValue& value, const std::string& path, Kind wanted) {
    if (value.kind == wanted) return true;
    remarks.error(body_code::kValueType, path,
                  "It is " + std::string(name_of_kind(value.kind)) + " where " +
                      std::string(name_of_kind(wanted)) + " belongs.");
    return false;
}

void check_members(BodyRemarks& remarks, const JsonValue& value, const std::string& path,
                   std::span<const MemberRule> rules) {
    if (!check_kind(remarks, value, path, Kind::object)) return;
    for (const auto& rule : rules) {
        if (rule.presence == MemberRule::Presence::required && value.find(rule.name) == nullptr)
            remark_on_missing(remarks, path_of(path, rule.name));
    }
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < value.items.size(); ++i) {
        const std::string_view name = value.names[i];
        const auto member_path = path_of(path, name);
        if (!seen.insert(name).second)
            remarks.hint(body_code::kMemberRepeated, member_path,
                         "The member stands there more than once; which one counts is not promised.");
        const auto rule =
            std::find_if(rules.begin(), rules.end(), [&](const auto& known) { return known.name == name; });
        if (rule == rules.end()) {
            remarks.hint(body_code::kUnknownMember, member_path,
                         "The reference that this program knows has no such member here.");
        } else {
            rule->check(remarks, value.items[i], member_path);
        }
    }
}

void remark_on_missing(BodyRemarks& remarks, const std::string& path) {
    remarks.error(body_code::kMemberMissing, path, "The member is required here and is missing.");
}

void check_items(BodyRemarks& remarks, const JsonValue& value, const std::string& path, ValueCheck check) {
    if (!check_kind(remarks, value, path, Kind::array)) return;
    for (std::size_t i = 0; i < value.items.size(); ++i) check(remarks, value.items[i], path_of(path, i));
}

void check_anything(BodyRemarks&, const JsonValue&, const std::string&) {}
void check_text(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    check_kind(remarks, value, path, Kind::string);
}
void check_filled_text(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    if (check_kind(remarks, value, path, Kind::string) && value.text.empty())
        remarks.error(body_code::kValueRange, path, "It is empty.");
}
void check_truth(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    check_kind(remarks, value, path, Kind::boolean);
}
void check_any_object(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    check_kind(remarks, value, path, Kind::object);
}
void check_any_array(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    check_kind(remarks, value, path, Kind::array);
}
void check_count(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    check_whole_number(remarks, value, path, 0, std::numeric_limits<std::int64_t>::max());
}

void check_number(BodyRemarks& remarks, const JsonValue& value, const std::string& path, double least,
                  double most) {
    if (!check_kind(remarks, value, path, Kind::number)) return;
    double number = 0.0;
    const auto* const end = value.text.data() + value.text.size();
    const auto read = std::from_chars(value.text.data(), end, number);
    if (read.ec == std::errc{} && read.ptr == end && number >= least && number <= most) return;
    remarks.error(body_code::kValueRange, path,
                  "It is " + safe_excerpt(value.text, kMostQuoted) + "; " + written(least) + " to " +
                      written(most) + " are taken.");
}

void check_whole_number(BodyRemarks& remarks, const JsonValue& value, const std::string& path,
                        std::int64_t least, std::int64_t most) {
    if (!check_kind(remarks, value, path, Kind::number)) return;
    const auto shown = safe_excerpt(value.text, kMostQuoted);
    if (value.text.find_first_of(".eE") != std::string::npos) {
        remarks.error(body_code::kValueType, path, "It is " + shown + " where a whole number belongs.");
        return;
    }
    std::int64_t number = 0;
    const auto* const end = value.text.data() + value.text.size();
    const auto read = std::from_chars(value.text.data(), end, number);
    if (read.ec == std::errc{} && number >= least && number <= most) return;
    const bool is_open = most == std::numeric_limits<std::int64_t>::max();
    remarks.error(body_code::kValueRange, path,
                  "It is " + shown + "; " + std::to_string(least) +
                      (is_open ? " and more" : " to " + std::to_string(most)) + " are taken.");
}

void check_word(BodyRemarks& remarks, const JsonValue& value, const std::string& path,
                std::span<const std::string_view> words, BodySeverity severity) {
    if (!check_kind(remarks, value, path, Kind::string)) return;
    if (std::find(words.begin(), words.end(), value.text) != words.end()) return;
    remarks.add(severity, body_code::kValueUnknown, path,
                "It is " + quote_value(value.text) + "; the reference has " + words_in_line(words) + ".");
}

void check_instructions(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    // 16,384 tokens is what Live takes; with three bytes to a token the estimate errs on the side of a hint.
    constexpr std::size_t kMostInstructionsBytes = std::size_t{3} * 16'384;
    if (!check_kind(remarks, value, path, Kind::string)) return;
    if (trim(value.text).empty())
        remarks.hint(body_code::kInstructionsEmpty, path, "They are empty: the model's own defaults hold.");
    if (value.text.size() > kMostInstructionsBytes)
        remarks.hint(body_code::kInstructionsLarge, path,
                     "They have " + count_of(value.text.size(), "byte") +
                         "; 16,384 tokens is the limit where one is documented, and every one costs time.");
}

void check_voice(BodyRemarks& remarks, const JsonValue& value, const std::string& path) {
    if (value.kind == Kind::object) {
        constexpr MemberRule kCustomVoice[] = {{"id", check_filled_text, MemberRule::Presence::required}};
        check_members(remarks, value, path, kCustomVoice);
        return;
    }
    if (value.kind != Kind::string) {
        remarks.error(body_code::kValueType, path,
                      "It is " + std::string(name_of_kind(value.kind)) +
                          " where a name or an object with an id belongs.");
        return;
    }
    const std::string_view voice = value.text;
    const auto& known = known_voices(remarks.dialect());
    if (voice.empty()) {
        remarks.error(body_code::kValueRange, path, "It is empty.");
    } else if (voice.starts_with("voice_")) {
        remarks.hint(body_code::kVoiceUnknown, path,
                     "It looks like the id of a custom voice, which is written {\"id\":\"voice_…\"}.");
    } else if (std::find(known.begin(), known.end(), voice) == known.end()) {
        remarks.hint(body_code::kVoiceUnknown, path,
                     "The reference that this program knows has no voice " + quote_value(voice) +
                         "; it has " + words_in_line(known) + ".");
    }
}

void check_audio_format(BodyRemarks& remarks, const JsonValue&, const std::string& path) {
    remarks.error(body_code::kAudioFormat, path,
                  "On a SIP call the format is agreed in the SDP; it must not be set here.");
}

bool is_model_of(std::string_view model, std::string_view base) {
    if (!model.starts_with(base)) return false;
    const auto date = model.substr(base.size());
    if (date.empty()) return true;
    constexpr std::string_view kForm = "-dddd-dd-dd";
    return date.size() == kForm.size() &&
           std::equal(date.begin(), date.end(), kForm.begin(),
                      [](char c, char form) { return form == 'd' ? is_ascii_digit(c) : c == form; });
}

std::vector<BodyRemark> check_accept_body(Dialect dialect, std::string_view body) {
    if (body.size() > kMostBodyBytes)
        return {{body_code::kTooLarge, BodySeverity::error, "",
                 "The body has " + count_of(body.size(), "byte") + ", more than the " +
                     with_thousands(kMostBodyBytes) + " that are looked at."}};
    const auto value = encoding::parse_json_text(body);
    if (!value) return {form_remark(value.error())};
    if (value->kind != Kind::object)
        return {{body_code::kNotJson, BodySeverity::error, "",
                 "The body is " + std::string(name_of_kind(value->kind)) + " where an object belongs."}};
    BodyRemarks remarks(dialect);
    if (dialect == Dialect::live) {
        check_live_body(remarks, *value);
    } else {
        check_realtime_body(remarks, *value);
    }
    return std::move(remarks).take();
}

}  // namespace callchain::openai
