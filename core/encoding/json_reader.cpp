#include "encoding/json_reader.hpp"

#include "base/text.hpp"
#include "encoding/charset.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <utility>

namespace callchain::encoding {
namespace {

// Bytes that stand for themselves inside a string and need no further look.
constexpr std::array<bool, 256> kPlain = [] {
    std::array<bool, 256> plain{};
    for (std::size_t c = 0x20; c < 0x80; ++c) plain[c] = c != '"' && c != '\\';
    return plain;
}();

constexpr bool is_json_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// A bit for each of eight bytes that is not plain, the first one's the lowest. A byte below another one
// underflows, which sets its high bit; bytes that are not ASCII have it set. What an underflow borrows can
// only mark bytes behind one that is marked.
std::uint64_t marks_of(const char* eight) {
    constexpr std::uint64_t kEach = 0x0101010101010101;
    std::uint64_t word = 0;
    std::memcpy(&word, eight, sizeof word);
    if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
    const auto controls = word - kEach * 0x20;
    const auto quotes = (word ^ (kEach * '"')) - kEach;
    const auto backslashes = (word ^ (kEach * '\\')) - kEach;
    return (word | controls | quotes | backslashes) & (kEach * 0x80);
}

// The first byte from `at` on that is not plain. Eight at a time: most of a body is in its strings.
inline std::size_t end_of_plain(std::string_view text, std::size_t at) {
    for (; at + 8 <= text.size(); at += 8) {
        if (const auto marks = marks_of(text.data() + at); marks != 0)
            return at + static_cast<std::size_t>(std::countr_zero(marks)) / 8;
    }
    while (at < text.size() && kPlain[static_cast<unsigned char>(text[at])]) ++at;
    return at;
}

// The UTF-16 unit that `\uXXXX` at this offset stands for.
std::optional<char32_t> unit_at(std::string_view text, std::size_t at) {
    constexpr std::string_view kHexDigits = "0123456789abcdefABCDEF";
    const std::string_view escape = text.substr(std::min(at, text.size()), 6);
    if (escape.size() != 6 || escape.substr(0, 2) != "\\u") return std::nullopt;
    char32_t unit = 0;
    for (const char c : escape.substr(2)) {
        const std::size_t digit = kHexDigits.find(c);
        if (digit == std::string_view::npos) return std::nullopt;
        unit = unit << 4U | static_cast<char32_t>(digit < 16 ? digit : digit - 6);
    }
    return unit;
}

struct Escape {
    char32_t code_point = 0;
    std::size_t length = 0;       ///< of what stands for it; 0: it is no escape
    std::string_view fault = {};  ///< then: why
};

Escape unicode_escape_at(std::string_view text, std::size_t at) {
    const auto first = unit_at(text, at);
    if (!first) return {.fault = "a string has \\u without four hex digits"};
    if (*first < 0xD800 || *first > 0xDFFF) return {*first, 6};
    const char32_t low = unit_at(text, at + 6).value_or(0);
    if (*first >= 0xDC00 || low < 0xDC00 || low > 0xDFFF)
        return {.fault = "a string has an unpaired surrogate escape"};
    return {0x10000 + ((*first - 0xD800) << 10U) + (low - 0xDC00), 12};
}

// The escape whose backslash is there.
Escape escape_at(std::string_view text, std::size_t at) {
    constexpr std::string_view kNames = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    const char name = at + 1 < text.size() ? text[at + 1] : '\0';
    if (name == 'u') return unicode_escape_at(text, at);
    const std::size_t index = kNames.find(name);
    if (index == std::string_view::npos) return {.fault = "a string has an unknown escape"};
    return {static_cast<char32_t>(kMeanings[index]), 2};
}

std::optional<JsonKind> kind_of(char first) {
    switch (first) {
        case '{':
            return JsonKind::object;
        case '[':
            return JsonKind::array;
        case '"':
            return JsonKind::string;
        case 't':
        case 'f':
            return JsonKind::boolean;
        case 'n':
            return JsonKind::null;
        default:
            break;
    }
    return first == '-' || is_ascii_digit(first) ? std::optional(JsonKind::number) : std::nullopt;
}

}  // namespace

std::string JsonString::text() const {
    if (!has_escapes_) return std::string(raw_);
    std::string out;
    for (std::size_t at = 0; at < raw_.size();) {
        const auto end = std::min(raw_.find('\\', at), raw_.size());
        out += raw_.substr(at, end - at);
        at = end;
        if (end == raw_.size()) break;
        const auto escape = escape_at(raw_, at);
        append_utf8(out, escape.code_point);
        at += escape.length;
    }
    return out;
}

JsonReader::JsonReader(std::string_view text) : text_(text) {
    if (text_.starts_with(kUtf8Bom))
        refuse(ErrorCode::bad_input, "JSON starts with a byte-order mark",
               "save the file as UTF-8 without a byte-order mark");
}

inline bool JsonReader::take(char c) {
    const bool taken = next_is(c);
    at_ += taken ? 1 : 0;
    return taken;
}

inline void JsonReader::skip_blanks() {
    while (at_ < text_.size() && is_json_blank(text_[at_])) ++at_;
}

inline JsonString JsonReader::pass_string() {
    const auto start = ++at_;
    at_ = end_of_plain(text_, at_);
    if (!next_is('"')) return pass_odd_string(start);
    return {{text_.data() + start, at_++ - start}, false};
}

std::optional<JsonKind> JsonReader::next_kind() {
    if (fault_) return std::nullopt;
    skip_blanks();
    return at_ < text_.size() ? kind_of(text_[at_]) : std::nullopt;
}

/// Whether the next value begins with that; passes over it where it does not.
inline bool JsonReader::comes(char first) {
    if (fault_) return false;
    skip_blanks();
    if (next_is(first)) return true;
    skip();
    return false;
}

bool JsonReader::enter_object() {
    if (!comes('{')) return false;
    enter(JsonKind::object);
    return !fault_;
}

bool JsonReader::enter_array() {
    if (!comes('[')) return false;
    enter(JsonKind::array);
    return !fault_;
}

std::optional<JsonString> JsonReader::take_string() {
    if (!comes('"')) return std::nullopt;
    const auto string = pass_string();
    behind_a_value_ = true;
    return fault_ ? std::nullopt : std::optional(string);
}

std::optional<std::string_view> JsonReader::take_number() {
    const bool is_number = next_kind() == JsonKind::number;
    const auto start = at_;
    skip();
    return is_number && !fault_ ? std::optional(text_.substr(start, at_ - start)) : std::nullopt;
}

std::optional<bool> JsonReader::take_boolean() {
    const bool is_boolean = next_kind() == JsonKind::boolean;
    const bool truth = next_is('t');
    skip();
    return is_boolean && !fault_ ? std::optional(truth) : std::nullopt;
}

void JsonReader::skip() {
    const auto outside = depth_;
    pass_scalar_or_enter();
    while (depth_ > outside && !fault_) {
        const bool more = is_object_[depth_ - 1] ? next_member().has_value() : next_item();
        if (more) pass_scalar_or_enter();
    }
}

std::optional<JsonString> JsonReader::next_member() {
    if (!next_of('}', "',' or '}'")) return std::nullopt;
    if (!next_is('"')) unexpected("a member name in double quotes");
    if (fault_) return std::nullopt;
    const auto name = pass_string();
    skip_blanks();
    if (!fault_ && !take(':')) unexpected("':'");
    return fault_ ? std::nullopt : std::optional(name);
}

bool JsonReader::next_item() { return next_of(']', "',' or ']'"); }

/// Passes over the comma in front of the next item, or over the bracket at the end.
inline bool JsonReader::next_of(char closing, std::string_view wanted) {
    if (fault_) return false;
    skip_blanks();
    if (take(closing)) {
        leave();
        return false;
    }
    if (!behind_a_value_) return true;
    if (take(',')) {
        skip_blanks();
    } else {
        unexpected(wanted);
    }
    return !fault_;
}

Result<void> JsonReader::end() {
    skip_blanks();
    if (!fault_ && at_ != text_.size()) unexpected("the end");
    if (fault_) return tl::unexpected(*std::exchange(fault_, std::nullopt));
    return {};
}

void JsonReader::enter(JsonKind kind) {
    if (depth_ == kMostJsonDepth)
        return refuse(ErrorCode::limit,
                      "JSON is nested deeper than " + std::to_string(kMostJsonDepth) + " levels",
                      "no webhook is nested like that: check that this is the body");
    ++at_;
    is_object_[depth_++] = kind == JsonKind::object;
    behind_a_value_ = false;
}

void JsonReader::leave() {
    --depth_;
    behind_a_value_ = true;
}

/// Of an array or object only the opening bracket.
void JsonReader::pass_scalar_or_enter() {
    const auto kind = next_kind();
    if (!kind) return unexpected("a value");
    if (kind == JsonKind::object || kind == JsonKind::array) return enter(*kind);
    if (kind == JsonKind::string) pass_string();
    if (kind == JsonKind::number) pass_number();
    if (kind == JsonKind::null) pass_word("null");
    if (kind == JsonKind::boolean) pass_word(text_[at_] == 't' ? "true" : "false");
    behind_a_value_ = true;
}

void JsonReader::pass_word(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return unexpected("a value");
    at_ += word.size();
}

/// One at least.
bool JsonReader::pass_digits() {
    const auto start = at_;
    while (at_ < text_.size() && is_ascii_digit(text_[at_])) ++at_;
    if (at_ == start) unexpected("a digit");
    return at_ > start;
}

void JsonReader::pass_number() {
    take('-');
    if (!take('0') && !pass_digits()) return;
    if (take('.') && !pass_digits()) return;
    if (!take('e') && !take('E')) return;
    if (!take('+')) take('-');
    pass_digits();
}

/// The rest of one with escapes, characters that are not ASCII, or a fault.
JsonString JsonReader::pass_odd_string(std::size_t start) {
    bool has_escapes = false;
    for (; !fault_ && !next_is('"'); at_ = end_of_plain(text_, at_)) {
        if (at_ == text_.size()) {
            refuse(ErrorCode::bad_input, "not JSON: the text ends inside a string");
        } else if (text_[at_] == '\\') {
            has_escapes = pass_escape();
        } else if (const auto length = utf8_sequence_length(text_.substr(at_)); length > 1) {
            at_ += length;
        } else {
            refuse(ErrorCode::bad_input, length == 0
                                             ? "not JSON: a string has a byte that is not UTF-8"
                                             : "not JSON: a string has an unescaped control character");
        }
    }
    if (fault_) return {{}, false};
    return {text_.substr(start, at_++ - start), has_escapes};
}

bool JsonReader::pass_escape() {
    const auto escape = escape_at(text_, at_);
    if (escape.length == 0) refuse(ErrorCode::bad_input, "not JSON: " + std::string(escape.fault));
    at_ += escape.length;
    return true;
}

void JsonReader::unexpected(std::string_view wanted) {
    if (fault_) return;
    std::string message = "not JSON: expected " + std::string(wanted) + ", found ";
    const std::string_view rest = text_.substr(at_);
    const std::size_t length = std::max<std::size_t>(utf8_sequence_length(rest), 1);
    message += rest.empty() ? "the end" : '"' + visible(rest.substr(0, length)) + '"';
    refuse(ErrorCode::bad_input, std::move(message));
}

void JsonReader::refuse(ErrorCode code, std::string message, std::string hint) {
    fault_ = Error{code, std::move(message), at_, std::move(hint)};
}

}  // namespace callchain::encoding
