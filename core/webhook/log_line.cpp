#include "webhook/log_line.hpp"

#include "base/characters.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>

namespace callchain::webhook {
namespace {

constexpr std::size_t kMostPrefixBytes = 160;
constexpr std::size_t kNone = std::string_view::npos;

/// Length of the escape sequence that begins at the ESC which `text` starts with; at least 1.
std::size_t escape_length(std::string_view text) {
    if (text.size() < 2) return text.size();
    if (text[1] == '[') {
        std::size_t at = 2;
        while (at < text.size() && text[at] >= 0x20 && text[at] <= 0x3F) ++at;
        return at < text.size() && text[at] >= 0x40 && text[at] <= 0x7E ? at + 1 : at;
    }
    if (text[1] == ']') {
        const auto end = text.find_first_of("\a\x1b", 2);
        if (end == kNone) return 2;
        return text[end] == '\a' || end + 1 == text.size() ? end + 1 : end + 2;
    }
    return text[1] >= 0x20 && text[1] <= 0x7E ? 2 : 1;
}

bool is_name_char(char c) { return is_ascii_letter_or_digit(c) || c == '_' || c == '-' || c == '.'; }

/// Matches `pattern` at the start of `text`: '9' stands for a digit, 'A' for a letter, '?' for any of ",./ T"
/// where formats differ; the rest for itself. Returns the length, 0 where it does not match.
std::size_t match(std::string_view text, std::string_view pattern) {
    if (text.size() < pattern.size()) return 0;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        const char c = text[i];
        const char want = pattern[i];
        const bool fits = want == '9'   ? is_ascii_digit(c)
                          : want == 'A' ? is_ascii_letter(c)
                          : want == '?' ? c == 'T' || c == ' ' || c == '_' || c == ','
                                        : c == want;
        if (!fits) return 0;
    }
    return pattern.size();
}

/// Length of a time stamp at the start of `text`, fraction and zone included, or 0.
std::size_t time_length(std::string_view text) {
    constexpr std::array<std::string_view, 6> kForms{
        "9999-99-99?99:99:99", "9999/99/99 99:99:99", "AAA 99 9999 99:99:99",
        "AAA 99 99:99:99",     "AAA 9 99:99:99",      "99:99:99",
    };
    std::size_t length = 0;
    for (const auto form : kForms) {
        if (length == 0) length = match(text, form);
    }
    if (length == 0) length = match(text, "AAA  9 99:99:99");
    if (length == 0) return 0;
    if (length < text.size() && (text[length] == '.' || text[length] == ',')) {
        std::size_t digits = length + 1;
        while (digits < text.size() && is_ascii_digit(text[digits])) ++digits;
        if (digits > length + 1) length = digits;
    }
    if (length < text.size() && text[length] == 'Z') return length + 1;
    for (const auto* zone : {" +9999", " -9999", "+99:99", "-99:99", "+9999", "-9999"}) {
        if (const auto more = match(text.substr(length), zone)) return length + more;
    }
    return length;
}

bool is_level(std::string_view word) {
    constexpr std::array<std::string_view, 16> kLevels{
        "inf",   "info", "err",   "error", "wrn",      "warn",   "warning", "dbg",
        "debug", "trc",  "trace", "fatal", "critical", "notice", "log",     "stderr"};
    return std::any_of(kLevels.begin(), kLevels.end(),
                       [&](std::string_view level) { return equal_ignoring_case(word, level); });
}

struct Piece {
    std::size_t length = 0;  ///< 0: not there
    std::string_view time;
};

// `web-1  | `
Piece compose_name(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size() && is_name_char(text[at])) ++at;
    if (at == 0) return {};
    while (at < text.size() && text[at] == ' ') ++at;
    return match(text.substr(at), "| ") != 0 ? Piece{at + 2, {}} : Piece{};
}

Piece plain_time(std::string_view text) {
    const auto length = time_length(text);
    if (length == 0 || (length < text.size() && is_name_char(text[length]))) return {};
    return {length, text.substr(0, length)};
}

// `[2026-01-25 14:03:11 +0000]`, `[inf]`, `[1234]`, `[web.1]`
Piece bracketed(std::string_view text) {
    if (!text.starts_with('[')) return {};
    const auto end = text.substr(0, 64).find(']');
    if (end == kNone) return {};
    const auto inside = text.substr(1, end - 1);
    const auto time = time_length(inside);
    if (time != 0 && time == inside.size()) return {end + 1, inside};
    const bool word = !inside.empty() && std::all_of(inside.begin(), inside.end(), is_name_char);
    return word ? Piece{end + 1, {}} : Piece{};
}

// `INFO:`, `WARNING:root:`, `ERROR `
Piece level_word(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size() && is_ascii_letter(text[at])) ++at;
    if (at == text.size() || !is_level(text.substr(0, at))) return {};
    if (text[at] != ':') return text[at] == ' ' ? Piece{at, {}} : Piece{};
    std::size_t name = at + 1;
    while (name < text.size() && is_name_char(text[name])) ++name;
    return name > at + 1 && name < text.size() && text[name] == ':' ? Piece{name + 1, {}} : Piece{at + 1, {}};
}

// ` - name - ` behind a time stamp
Piece dashed(std::string_view text) {
    if (!text.starts_with("- ")) return {};
    std::size_t at = 2;
    while (at < text.size() && is_name_char(text[at])) ++at;
    return at > 2 && text.substr(at).starts_with(" - ") ? Piece{at + 1, {}} : Piece{2, {}};
}

}  // namespace

WithoutColours without_colours(std::string_view line) {
    WithoutColours out;
    out.text.reserve(line.size());
    for (std::size_t at = 0; at < line.size();) {
        const auto escape = line.find('\x1b', at);
        out.text += line.substr(at, escape - at);
        if (escape == kNone) break;
        at = escape + escape_length(line.substr(escape));
        ++out.removed;
    }
    return out;
}

LogPrefix split_prefix(std::string_view line) {
    constexpr std::array<Piece (*)(std::string_view), 5> kPieces{compose_name, plain_time, bracketed,
                                                                 level_word, dashed};
    LogPrefix prefix{{}, line};
    bool took_any = false;
    bool again = true;
    while (again && line.size() - prefix.rest.size() < kMostPrefixBytes) {
        again = false;
        const auto rest = trim_left(prefix.rest);
        for (const auto& read : kPieces) {
            // A dash belongs to a prefix only behind a piece of one.
            if (read == &dashed && !took_any) continue;
            const auto piece = read(rest);
            if (piece.length == 0) continue;
            if (prefix.time.empty()) prefix.time = piece.time;
            prefix.rest = rest.substr(piece.length);
            took_any = again = true;
            break;
        }
    }
    if (took_any) {
        prefix.rest = trim_left(prefix.rest);
        if (!prefix.time.empty() && prefix.rest.starts_with(": ")) prefix.rest.remove_prefix(2);
    }
    return prefix;
}

bool has_ellipsis(std::string_view value) {
    constexpr std::array<std::string_view, 7> kMarks{"…",         "..",        "**",       "•",
                                                     "[REDACTED", "[redacted", "<redacted"};
    return std::any_of(kMarks.begin(), kMarks.end(),
                       [&](std::string_view mark) { return value.find(mark) != kNone; });
}

}  // namespace callchain::webhook
