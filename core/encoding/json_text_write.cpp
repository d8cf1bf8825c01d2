#include "encoding/charset.hpp"
#include "encoding/json_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>

namespace callchain::encoding {
namespace {

constexpr bool is_integer_token(std::string_view token) {
    return token.find_first_of(".eE") == std::string_view::npos;
}

// Whether a token that no double holds is too large rather than too small: the sign of the decimal exponent
// that its first digit other than 0 has.
bool is_beyond_double(std::string_view token) {
    const std::size_t mark = std::min(token.find_first_of("eE"), token.size());
    std::int64_t exponent = 0;
    if (mark < token.size()) {
        const std::string_view digits = token.substr(mark + (token[mark + 1] == '+' ? 2 : 1));
        const auto status = std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
        if (status.ec != std::errc{}) return digits.front() != '-';
    }
    const std::string_view mantissa = token.substr(0, mark);
    const auto point = static_cast<std::int64_t>(std::min(mantissa.find('.'), mantissa.size()));
    const auto first = static_cast<std::int64_t>(mantissa.find_first_of("123456789"));
    // Both are bounded by the length of the text, so that half of the range is room enough for the sum.
    exponent = std::clamp(exponent, std::numeric_limits<std::int64_t>::min() / 2,
                          std::numeric_limits<std::int64_t>::max() / 2);
    return exponent + point - first > 0;
}

// Number::toString(value, 10). Source: ECMA-262, "Number::toString"; to_chars gives its shortest digits.
void append_javascript_number(std::string& out, double value) {
    std::array<char, 32> buffer{};
    const auto end = std::to_chars(buffer.begin(), buffer.end(), value, std::chars_format::scientific).ptr;
    const std::string_view text(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
    const std::size_t mark = text.find('e');
    std::int64_t exponent = 0;
    std::from_chars(text.data() + mark + (text[mark + 1] == '+' ? 2 : 1), end, exponent);
    std::string digits(text.substr(0, 1));
    if (mark > 1) digits += text.substr(2, mark - 2);
    const auto count = static_cast<std::int64_t>(digits.size());
    if (exponent >= 0 && exponent < 21) {
        if (count <= exponent + 1) {
            digits.append(static_cast<std::size_t>(exponent + 1 - count), '0');
        } else {
            digits.insert(static_cast<std::size_t>(exponent + 1), 1, '.');
        }
        out += digits;
    } else if (exponent < 0 && exponent >= -6) {
        out.append("0.").append(static_cast<std::size_t>(-exponent - 1), '0').append(digits);
    } else {
        if (count > 1) digits.insert(1, 1, '.');
        out.append(digits).append(exponent < 0 ? "e-" : "e+").append(std::to_string(std::abs(exponent)));
    }
}

void append_through_double(std::string& out, std::string_view token) {
    constexpr std::size_t kExactDigits = 15;
    if (token.size() <= kExactDigits && is_integer_token(token) && token.front() != '-') {
        out += token;
        return;
    }
    double value = 0;
    const auto status = std::from_chars(token.data(), token.data() + token.size(), value);
    if (status.ec == std::errc::result_out_of_range) {
        out += is_beyond_double(token) ? "null" : "0";  // Infinity and -0 as JSON.stringify writes them
        return;
    }
    if (value < 0) out += '-';
    append_javascript_number(out, std::abs(value));
}

std::size_t sender_rank(std::string_view name) {
    constexpr std::array<std::string_view, 9> kKnown{"id",   "object", "created_at", "type",       "data",
                                                     "name", "value",  "call_id",    "sip_headers"};
    const auto* const found = std::find(kKnown.begin(), kKnown.end(), name);
    return static_cast<std::size_t>(found - kKnown.begin());
}

class Writer {
  public:
    explicit Writer(const JsonStyle& style)
        : style_(style),
          hex_digits_(style.hex_case == JsonStyle::HexCase::lower ? "0123456789abcdef" : "0123456789ABCDEF") {
        choose_actions();
        out_.reserve(2048);
    }

    void write(const JsonValue& value) {
        switch (value.kind) {
            case JsonValue::Kind::null:
                out_ += "null";
                break;
            case JsonValue::Kind::boolean:
                out_ += value.truth ? "true" : "false";
                break;
            case JsonValue::Kind::number:
                write_number(value.text);
                break;
            case JsonValue::Kind::string:
                write_string(value.text);
                break;
            case JsonValue::Kind::array:
                write_array(value);
                break;
            case JsonValue::Kind::object:
                write_object(value);
                break;
        }
    }

    void write_string(std::string_view text) {
        out_ += '"';
        std::size_t start = 0;
        for (std::size_t at = 0; at < text.size();) {
            const char action = actions_[static_cast<unsigned char>(text[at])];
            if (action == kKeep) {
                ++at;
                continue;
            }
            out_.append(text, start, at - start);
            at += write_escape(text.substr(at), action);
            start = at;
        }
        out_.append(text, start);
        out_ += '"';
    }

    [[nodiscard]] std::string finish() { return std::move(out_); }

  private:
    // What to do about a byte of a string; any other action is the letter of a short escape.
    static constexpr char kKeep = '\0';
    static constexpr char kUnicodeEscape = 'u';
    static constexpr char kLookAtSequence = '+';

    void choose_actions() {
        const auto choose = [this](std::string_view bytes, char action) {
            for (const char c : bytes) actions_[static_cast<unsigned char>(c)] = action;
        };
        std::fill_n(actions_.begin(), 0x20, kUnicodeEscape);
        constexpr std::string_view kShort = "\bb\tt\nn\ff\rr\"\"\\\\";
        for (std::size_t i = 0; i < kShort.size(); i += 2) choose(kShort.substr(i, 1), kShort[i + 1]);
        if (style_.slash == JsonStyle::Slash::escaped) choose("/", '/');
        if (style_.del == JsonStyle::Delete::escaped) choose("\x7F", kUnicodeEscape);
        if (style_.html == JsonStyle::Html::escaped) {
            choose("<>&", kUnicodeEscape);
            choose("\xE2", kLookAtSequence);  // U+2028 and U+2029 begin with it
        }
        if (style_.non_ascii == JsonStyle::NonAscii::escaped)
            std::fill(actions_.begin() + 0x80, actions_.end(), kLookAtSequence);
    }

    void append_unit(char32_t unit) {
        out_ += "\\u";
        for (int shift = 12; shift >= 0; shift -= 4)
            out_ += hex_digits_[(unit >> static_cast<unsigned>(shift)) & 0xFU];
    }

    // Returns the number of bytes of `rest` that the escape stands for.
    std::size_t write_escape(std::string_view rest, char action) {
        if (action == kUnicodeEscape) {
            append_unit(static_cast<unsigned char>(rest.front()));
            return 1;
        }
        if (action != kLookAtSequence) {
            out_ += '\\';
            out_ += action;
            return 1;
        }
        CodePoint c = first_code_point(rest);
        if (c.length == 0) c = {0xFFFD, 1};
        const bool is_line_end = c.value == 0x2028 || c.value == 0x2029;
        if (style_.non_ascii == JsonStyle::NonAscii::literal && !is_line_end) {
            append_utf8(out_, c.value);
        } else if (c.value < 0x10000) {
            append_unit(c.value);
        } else {
            append_unit(0xD800 + ((c.value - 0x10000) >> 10U));
            append_unit(0xDC00 + (c.value & 0x3FFU));
        }
        return c.length;
    }

    void write_number(std::string_view token) {
        if (style_.numbers == JsonStyle::Numbers::javascript) {
            append_through_double(out_, token);
            return;
        }
        out_ += token;
        if (style_.numbers == JsonStyle::Numbers::integral_as_float && is_integer_token(token)) out_ += ".0";
    }

    void start_line() {
        if (style_.indent.empty()) return;
        out_ += '\n';
        for (std::size_t i = 0; i < depth_; ++i) out_ += style_.indent;
    }

    // Brackets around `count` items, each written by write_item(index).
    template <class WriteItem>
    void write_container(std::string_view brackets, std::size_t count, const WriteItem& write_item) {
        out_ += brackets[0];
        ++depth_;
        for (std::size_t i = 0; i < count; ++i) {
            if (i > 0) out_ += style_.item_separator;
            start_line();
            write_item(i);
        }
        --depth_;
        if (count > 0) start_line();
        out_ += brackets[1];
    }

    void write_array(const JsonValue& array) {
        write_container("[]", array.items.size(), [&](std::size_t i) { write(array.items[i]); });
    }

    void write_object(const JsonValue& object) {
        const std::vector<std::size_t> order = member_order(object);
        write_container("{}", order.size(), [&](std::size_t i) {
            write_string(object.names[order[i]]);
            out_ += style_.name_separator;
            write(object.items[order[i]]);
        });
    }

    // Which members are written, and in which order.
    [[nodiscard]] std::vector<std::size_t> member_order(const JsonValue& object) const {
        std::vector<std::size_t> order(object.items.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        if (style_.duplicates == JsonStyle::Duplicates::last_wins) keep_last(order, object.names);
        if (style_.nulls == JsonStyle::Nulls::dropped)
            std::erase_if(order, [&](auto i) { return object.items[i].kind == JsonValue::Kind::null; });
        const auto& names = object.names;
        if (style_.members == JsonStyle::Members::sorted)
            std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return names[a] < names[b]; });
        if (style_.members == JsonStyle::Members::sender_order) {
            std::stable_sort(order.begin(), order.end(),
                             [&](auto a, auto b) { return sender_rank(names[a]) < sender_rank(names[b]); });
        }
        return order;
    }

    // `order` is 0, 1, 2 …; puts the last member of each name at the place of the first and drops the others.
    static void keep_last(std::vector<std::size_t>& order, const std::vector<std::string>& names) {
        constexpr std::size_t kDropped = std::numeric_limits<std::size_t>::max();
        std::vector<std::size_t> by_name = order;
        std::stable_sort(by_name.begin(), by_name.end(), [&](auto a, auto b) { return names[a] < names[b]; });
        std::size_t first = 0;
        for (std::size_t i = 1; i < by_name.size(); ++i) {
            if (names[by_name[i]] != names[by_name[first]]) {
                first = i;
                continue;
            }
            order[by_name[first]] = by_name[i];
            order[by_name[i]] = kDropped;
        }
        std::erase(order, kDropped);
    }

    const JsonStyle& style_;
    std::string_view hex_digits_;
    std::array<char, 256> actions_{};
    std::size_t depth_ = 0;
    std::string out_;
};

std::string with_valid_utf8(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint c = first_code_point(text.substr(at));
        append_utf8(out, c.length == 0 ? 0xFFFD : c.value);
        at += std::max<std::size_t>(c.length, 1);
    }
    return out;
}

}  // namespace

std::string write_json_text(const JsonValue& value, const JsonStyle& style) {
    Writer writer(style);
    writer.write(value);
    return writer.finish();
}

std::string quote_json(std::string_view text, JsonStyle::NonAscii non_ascii) {
    JsonStyle style;
    style.non_ascii = non_ascii;
    if (non_ascii == JsonStyle::NonAscii::escaped) style.del = JsonStyle::Delete::escaped;
    Writer writer(style);
    writer.write_string(with_valid_utf8(text));
    return writer.finish();
}

}  // namespace callchain::encoding
