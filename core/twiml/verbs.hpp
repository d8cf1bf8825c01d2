/// What Twilio's voice TwiML knows: elements, where they may stand, their attributes and the values of these.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace callchain::twiml {

enum class ValueKind {
    text,
    url,        ///< http or https; may be relative
    websocket,  ///< wss
    method,     ///< GET or POST
    boolean,
    integer,  ///< `least` to `most`
    word,     ///< one of `words`
    words,    ///< any of `words`, separated by blanks
    secret,   ///< never shown
};

struct AttributeSpec {
    std::string_view name;
    ValueKind kind = ValueKind::text;
    std::string_view words = {};  ///< separated by blanks
    std::int64_t least = 0;
    std::int64_t most = 0;
    int twilio_code = 0;  ///< what Twilio reports of a bad value; 0: not known
};

enum class TextKind { none, free, url };

struct ElementSpec {
    std::string_view name;
    std::string_view parents;  ///< names, separated by blanks
    TextKind text = TextKind::none;
    std::span<const AttributeSpec> attributes = {};
    bool changes_often = false;  ///< an attribute that is not among them may be newer than this table

    /// nullptr where it has no attribute of that very name.
    [[nodiscard]] const AttributeSpec* find(std::string_view attribute) const;
};

inline constexpr std::string_view kRoot = "Response";

/// All of them. A name stands twice where its attributes depend on what it stands in.
/// Source: Twilio, "TwiML for Programmable Voice"; npm twilio 6.2.0, typings of VoiceResponse.
[[nodiscard]] std::span<const ElementSpec> element_specs();

/// The element of that very name within that parent; nullptr where there is none.
[[nodiscard]] const ElementSpec* find_spec(std::string_view name, std::string_view parent);
/// As find_spec(), without regard to letter case.
[[nodiscard]] const ElementSpec* find_spec_in_any_case(std::string_view name, std::string_view parent);
/// The first element of that very name, whatever it stands in.
[[nodiscard]] const ElementSpec* find_spec_anywhere(std::string_view name);
/// The nearest in spelling that may stand within `parent`; nullptr where none is near.
[[nodiscard]] const ElementSpec* nearest_spec(std::string_view name, std::string_view parent);
[[nodiscard]] const AttributeSpec* nearest_attribute(std::string_view name, const ElementSpec& element);
/// Whether `word` is one of `words`, which are separated by blanks.
[[nodiscard]] bool has_word(std::string_view words, std::string_view word);
/// The one of `words` that is nearest in spelling to `word`; empty where none is near.
[[nodiscard]] std::string_view nearest_word(std::string_view word, std::string_view words);

}  // namespace callchain::twiml
