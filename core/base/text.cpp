#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace callchain {
namespace {

constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
constexpr char to_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c; }

constexpr unsigned byte_at(std::string_view text, std::size_t index) {
    return static_cast<unsigned char>(text[index]);
}

char32_t decode_sequence(std::string_view text, std::size_t length) {
    constexpr std::array<unsigned, 5> kLeadMask{0, 0x7F, 0x1F, 0x0F, 0x07};
    char32_t code_point = byte_at(text, 0) & kLeadMask[length];
    for (std::size_t i = 1; i < length; ++i) code_point = (code_point << 6U) | (byte_at(text, i) & 0x3FU);
    return code_point;
}

// Characters that move the cursor, end the line, or make text appear in another order than it is in.
bool is_unsafe(char32_t c) {
    return c < 0x20 || (c >= 0x7F && c <= 0x9F) || (c >= 0x200B && c <= 0x200F) ||
           (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x2069) || c == 0xFEFF || c == 0x00AD;
}

void append_hex(std::string& out, char32_t value, int digits) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4)
        out += kDigits[(value >> static_cast<unsigned>(shift)) & 0xFU];
}

void append_escape(std::string& out, char32_t c) {
    switch (c) {
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        default:
            break;
    }
    out += c < 0x80 ? "\\x" : "\\u";
    append_hex(out, c, c < 0x80 ? 2 : 4);
}

}  // namespace

std::string ascii_lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), to_lower);
    return out;
}

std::string ascii_upper(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), to_upper);
    return out;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return x == y || to_lower(x) == to_lower(y); });
}

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
    return text.size() >= prefix.size() && equal_ignoring_case(text.substr(0, prefix.size()), prefix);
}

std::string_view trim_left(std::string_view text) {
    while (!text.empty() && is_ascii_blank(text.front())) text.remove_prefix(1);
    return text;
}

std::string_view trim_right(std::string_view text) {
    while (!text.empty() && is_ascii_blank(text.back())) text.remove_suffix(1);
    return text;
}

std::string_view trim(std::string_view text) { return trim_left(trim_right(text)); }

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (;;) {
        const auto end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
    std::string out;
    for (const auto& part : parts) {
        if (&part != &parts.front()) out += separator;
        out += part;
    }
    return out;
}

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
    if (from.empty()) return std::string(text);
    std::string out;
    out.reserve(text.size());
    for (;;) {
        const auto at = text.find(from);
        out += text.substr(0, at);
        if (at == std::string_view::npos) return out;
        out += to;
        text.remove_prefix(at + from.size());
    }
}

std::optional<std::int64_t> parse_decimal(std::string_view text) {
    if (text.empty() || !std::all_of(text.begin(), text.end(), is_ascii_digit)) return std::nullopt;
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::size_t utf8_sequence_length(std::string_view text) {
    if (text.empty()) return 0;
    const unsigned lead = byte_at(text, 0);
    if (lead < 0x80) return 1;
    const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte_at(text, i) & 0xC0U) != 0x80U) return 0;
    }
    const char32_t c = decode_sequence(text, length);
    const bool overlong = (length == 3 && c < 0x800) || (length == 4 && c < 0x10000);
    const bool surrogate = c >= 0xD800 && c <= 0xDFFF;
    return overlong || surrogate || c > 0x10FFFF ? 0 : length;
}

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const auto length = utf8_sequence_length(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

bool is_visible_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= '!' && c <= '~'; });
}

std::string visible(std::string_view text) {
    return visible_excerpt(text, std::numeric_limits<std::size_t>::max());
}

std::string visible_excerpt(std::string_view text, std::size_t most) {
    std::string out;
    std::size_t characters = 0;
    while (!text.empty()) {
        if (text.front() >= ' ' && text.front() <= '~' && characters < most) {  // nearly all
            out += text.front();
            text.remove_prefix(1);
            ++characters;
            continue;
        }
        const auto length = utf8_sequence_length(text);
        std::string piece;
        if (length == 0) {
            piece = "\\x";
            append_hex(piece, byte_at(text, 0), 2);
        } else if (const char32_t c = decode_sequence(text, length); is_unsafe(c)) {
            append_escape(piece, c);
        } else {
            piece = text.substr(0, length);
        }
        const std::size_t width = piece.front() == '\\' ? piece.size() : 1;
        if (width > most - characters) return out + "…";
        characters += width;
        out += piece;
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return out;
}

std::string wrap_text(std::string_view text, std::size_t width, std::string_view indent) {
    const auto length_of = [](std::string_view word) {
        return static_cast<std::size_t>(std::count_if(word.begin(), word.end(), [](char c) {
            return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
        }));
    };
    std::string out;
    std::size_t column = length_of(indent);
    bool first = true;
    for (const auto word : split(text, ' ')) {
        if (word.empty()) continue;
        const auto length = length_of(word);
        if (!first && column + 1 + length > width) {
            out += "\n";
            out += indent;
            column = length_of(indent);
        } else if (!first) {
            out += ' ';
            ++column;
        }
        out += word;
        column += length;
        first = false;
    }
    return out;
}

std::string with_thousands(std::uint64_t count) {
    std::string digits = std::to_string(count);
    for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
        digits.insert(static_cast<std::size_t>(at), ",");
    }
    return digits;
}

std::string count_of(std::uint64_t count, std::string_view singular, std::string_view plural) {
    std::string noun(singular);
    if (count != 1) noun = plural.empty() ? noun + "s" : std::string(plural);
    return with_thousands(count) + " " + noun;
}

std::string duration_of(std::chrono::seconds duration) {
    const auto seconds =
        static_cast<std::uint64_t>(duration.count() < 0 ? -duration.count() : duration.count());
    constexpr std::uint64_t kMinute = 60;
    constexpr std::uint64_t kHour = 60 * kMinute;
    constexpr std::uint64_t kDay = 24 * kHour;
    if (seconds >= 2 * kDay) return count_of(seconds / kDay, "day");
    if (seconds >= 2 * kHour) return count_of(seconds / kHour, "hour");
    if (seconds >= 10 * kMinute) return count_of(seconds / kMinute, "minute");
    return count_of(seconds, "second");
}

}  // namespace callchain
