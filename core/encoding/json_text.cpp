#include "encoding/json_text.hpp"

#include "base/text.hpp"
#include "encoding/charset.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace callchain::encoding {
namespace {

// Bytes that stand for themselves inside a string and need no further look.
constexpr std::array<bool, 256> kPlain = [] {
    std::array<bool, 256> plain{};
    for (std::size_t c = 0x20; c < 0x80; ++c) plain[c] = c != '"' && c != '\\';
    return plain;
}();

constexpr bool is_json_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// A reader of RFC 8259 text that keeps its place in a list of open containers rather than on the call stack.
// A container's items do not move while a child is open, since only the innermost container grows.
class Reader {
  public:
    explicit Reader(std::string_view text) : text_(text) {}

    Result<JsonValue> read() {
        if (text_.substr(0, kUtf8Bom.size()) == kUtf8Bom) {
            return fail_at(0, ErrorCode::bad_input, "JSON starts with a byte-order mark",
                           "save the file as UTF-8 without a byte-order mark");
        }
        JsonValue root;
        CALLCHAIN_TRY(read_value(root));
        while (!open_.empty()) CALLCHAIN_TRY(read_item(*open_.back()));
        skip_blanks();
        if (at_ != text_.size()) return unexpected("the end");
        return root;
    }

  private:
    [[nodiscard]] bool next_is(char c) const { return at_ < text_.size() && text_[at_] == c; }
    [[nodiscard]] bool next_is_digit() const { return at_ < text_.size() && is_ascii_digit(text_[at_]); }
    bool take(char c) {
        const bool taken = next_is(c);
        at_ += taken ? 1 : 0;
        return taken;
    }
    void skip_blanks() {
        while (at_ < text_.size() && is_json_blank(text_[at_])) ++at_;
    }

    [[nodiscard]] tl::unexpected<Error> unexpected(std::string_view wanted) const {
        std::string message = "not JSON: expected " + std::string(wanted) + ", found ";
        const std::string_view rest = text_.substr(at_);
        const std::size_t length = std::max<std::size_t>(utf8_sequence_length(rest), 1);
        message += rest.empty() ? "the end" : '"' + visible(rest.substr(0, length)) + '"';
        return fail_at(at_, ErrorCode::bad_input, std::move(message));
    }
    [[nodiscard]] tl::unexpected<Error> bad_string(std::string_view what) const {
        return fail_at(at_, ErrorCode::bad_input, "not JSON: " + std::string(what));
    }

    // The next item of an open container, or its end.
    Result<void> read_item(JsonValue& container) {
        const bool is_object = container.kind == JsonValue::Kind::object;
        skip_blanks();
        if (take(is_object ? '}' : ']')) {
            open_.pop_back();
            return {};
        }
        if (!container.items.empty()) {
            if (!take(',')) return unexpected(is_object ? "',' or '}'" : "',' or ']'");
            skip_blanks();
        }
        if (is_object) CALLCHAIN_TRY(read_name(container));
        return read_value(container.items.emplace_back());
    }

    Result<void> read_name(JsonValue& object) {
        if (!next_is('"')) return unexpected("a member name in double quotes");
        CALLCHAIN_TRY(read_string(object.names.emplace_back()));
        skip_blanks();
        if (!take(':')) return unexpected("':'");
        return {};
    }

    // Of an array or object only the opening bracket.
    Result<void> read_value(JsonValue& value) {
        using enum JsonValue::Kind;
        skip_blanks();
        const char c = at_ < text_.size() ? text_[at_] : '\0';
        switch (c) {
            case '{':
                return open(value, object);
            case '[':
                return open(value, array);
            case '"':
                value.kind = string;
                return read_string(value.text);
            case 't':
                value.truth = true;
                return read_word(value, boolean, "true");
            case 'f':
                return read_word(value, boolean, "false");
            case 'n':
                return read_word(value, null, "null");
            default:
                break;
        }
        if (c != '-' && !is_ascii_digit(c)) return unexpected("a value");
        return read_number(value);
    }

    Result<void> open(JsonValue& value, JsonValue::Kind kind) {
        if (open_.size() == kMostJsonDepth) {
            return fail_at(at_, ErrorCode::limit,
                           "JSON is nested deeper than " + std::to_string(kMostJsonDepth) + " levels",
                           "no webhook is nested like that: check that this is the body");
        }
        ++at_;
        value.kind = kind;
        open_.push_back(&value);
        return {};
    }

    Result<void> read_word(JsonValue& value, JsonValue::Kind kind, std::string_view word) {
        if (text_.substr(at_, word.size()) != word) return unexpected("a value");
        at_ += word.size();
        value.kind = kind;
        return {};
    }

    Result<void> read_digits() {
        if (!next_is_digit()) return unexpected("a digit");
        while (next_is_digit()) ++at_;
        return {};
    }

    Result<void> read_number(JsonValue& value) {
        const std::size_t start = at_;
        take('-');
        if (!take('0')) CALLCHAIN_TRY(read_digits());
        if (take('.')) CALLCHAIN_TRY(read_digits());
        if (take('e') || take('E')) {
            if (!take('+')) take('-');
            CALLCHAIN_TRY(read_digits());
        }
        value.kind = JsonValue::Kind::number;
        value.text = text_.substr(start, at_ - start);
        return {};
    }

    Result<void> read_string(std::string& out) {
        std::size_t start = ++at_;
        for (;;) {
            while (at_ < text_.size() && kPlain[static_cast<unsigned char>(text_[at_])]) ++at_;
            if (at_ == text_.size()) return bad_string("the text ends inside a string");
            const char c = text_[at_];
            if (static_cast<unsigned char>(c) >= 0x80) {
                const std::size_t length = utf8_sequence_length(text_.substr(at_));
                if (length == 0) return bad_string("a string has a byte that is not UTF-8");
                at_ += length;
                continue;
            }
            out += text_.substr(start, at_ - start);
            if (take('"')) return {};
            if (c != '\\') return bad_string("a string has an unescaped control character");
            CALLCHAIN_TRY(read_escape(out));
            start = at_;
        }
    }

    Result<void> read_escape(std::string& out) {
        constexpr std::string_view kNames = "\"\\/bfnrt";
        constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
        const char name = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
        if (name == 'u') return read_unicode_escape(out);
        const std::size_t index = kNames.find(name);
        if (index == std::string_view::npos) return bad_string("a string has an unknown escape");
        out += kMeanings[index];
        at_ += 2;
        return {};
    }

    Result<void> read_unicode_escape(std::string& out) {
        const auto first = unit_at(at_);
        if (!first) return bad_string("a string has \\u without four hex digits");
        char32_t code_point = *first;
        std::size_t length = 6;
        if (code_point >= 0xD800 && code_point <= 0xDFFF) {
            const char32_t low = unit_at(at_ + 6).value_or(0);
            if (code_point >= 0xDC00 || low < 0xDC00 || low > 0xDFFF)
                return bad_string("a string has an unpaired surrogate escape");
            code_point = 0x10000 + ((code_point - 0xD800) << 10U) + (low - 0xDC00);
            length = 12;
        }
        append_utf8(out, code_point);
        at_ += length;
        return {};
    }

    // The UTF-16 unit that `\uXXXX` at this offset stands for.
    [[nodiscard]] std::optional<char32_t> unit_at(std::size_t at) const {
        constexpr std::string_view kHexDigits = "0123456789abcdefABCDEF";
        const std::string_view escape = text_.substr(std::min(at, text_.size()), 6);
        if (escape.size() != 6 || escape.substr(0, 2) != "\\u") return std::nullopt;
        char32_t unit = 0;
        for (const char c : escape.substr(2)) {
            const std::size_t digit = kHexDigits.find(c);
            if (digit == std::string_view::npos) return std::nullopt;
            unit = unit << 4U | static_cast<char32_t>(digit < 16 ? digit : digit - 6);
        }
        return unit;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::vector<JsonValue*> open_;
};

}  // namespace

const JsonValue* JsonValue::find(std::string_view name) const {
    if (kind != Kind::object) return nullptr;
    const auto found = std::find(names.begin(), names.end(), name);
    return found == names.end() ? nullptr : &items[static_cast<std::size_t>(found - names.begin())];
}

Result<JsonValue> parse_json_text(std::string_view text) { return Reader(text).read(); }

}  // namespace callchain::encoding
