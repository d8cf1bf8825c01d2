#include "twiml/dial_text.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>

namespace callchain::twiml {
namespace {

using encoding::FormFields;

constexpr std::array<std::string_view, 6> kDialNames{"DialCallStatus",   "DialBridged", "DialSipResponseCode",
                                                     "DialCallDuration", "DialCallSid", "DialSipCallId"};
// Names that are read from lines like `ErrorCode: 13224`, where any word might stand in front of a colon.
constexpr std::array<std::string_view, 12> kNamesOfLines{
    "DialCallStatus", "DialBridged", "DialSipResponseCode", "DialCallDuration", "DialCallSid",
    "DialSipCallId",  "CallSid",     "CallStatus",          "ErrorCode",        "ErrorMessage",
    "From",           "To"};

constexpr std::size_t kLongestName = 100;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_name_char(char c) { return is_letter(c) || is_ascii_digit(c) || c == '_' || c == '-'; }
bool is_quote(char c) { return c == '"' || c == '\'' || c == '`'; }
bool is_line_blank(char c) { return c == ' ' || c == '\t'; }

std::size_t skip_blanks(std::string_view text, std::size_t at) {
    while (at < text.size() && is_ascii_blank(text[at])) ++at;
    return at;
}

std::size_t skip_line_blanks(std::string_view text, std::size_t at) {
    while (at < text.size() && is_line_blank(text[at])) ++at;
    return at;
}

/// Appends what the escape at `at` (a backslash) stands for; returns the place behind it.
std::size_t read_escape(std::string_view text, std::size_t at, std::string& out) {
    if (at + 1 >= text.size()) {
        out += '\\';
        return at + 1;
    }
    const char c = text[at + 1];
    const std::size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : 0;
    if (digits > 0 && at + 2 + digits <= text.size()) {
        unsigned value = 0;
        bool hex = true;
        for (const char digit : text.substr(at + 2, digits)) {
            const auto lower = ascii_lower(std::string_view(&digit, 1))[0];
            hex = hex && (is_ascii_digit(lower) || (lower >= 'a' && lower <= 'f'));
            value =
                value * 16 + static_cast<unsigned>(is_ascii_digit(lower) ? lower - '0' : lower - 'a' + 10);
        }
        if (hex) {
            if (value < 0x80) {
                out += static_cast<char>(value);
            } else if (value < 0x800) {
                out += static_cast<char>(0xC0U | (value >> 6U));
                out += static_cast<char>(0x80U | (value & 0x3FU));
            } else {
                out += static_cast<char>(0xE0U | (value >> 12U));
                out += static_cast<char>(0x80U | ((value >> 6U) & 0x3FU));
                out += static_cast<char>(0x80U | (value & 0x3FU));
            }
            return at + 2 + digits;
        }
    }
    switch (c) {
        case 'n':
            out += '\n';
            return at + 2;
        case 't':
            out += '\t';
            return at + 2;
        case 'r':
            out += '\r';
            return at + 2;
        case '\\':
        case '\'':
        case '"':
        case '`':
        case '/':
            out += c;
            return at + 2;
        default:
            out += '\\';
            return at + 1;
    }
}

struct Token {
    std::string text;
    std::size_t end = 0;  ///< behind it
    bool quoted = false;
    bool none = false;  ///< None, null, undefined
};

std::optional<Token> read_quoted(std::string_view text, std::size_t at) {
    const char quote = text[at];
    Token token{{}, 0, true, false};
    for (std::size_t i = at + 1; i < text.size();) {
        if (text[i] == quote) {
            token.end = i + 1;
            return token;
        }
        if (text[i] == '\\') {
            i = read_escape(text, i, token.text);
        } else {
            token.text += text[i++];
        }
    }
    return std::nullopt;
}

bool ends_a_value(std::string_view text, std::size_t at) {
    while (at < text.size() && is_line_blank(text[at])) ++at;
    return at >= text.size() || std::string_view(",}])\r\n").find(text[at]) != std::string_view::npos;
}

/// A quoted string (with Python's prefix, or several that `+` joins), or a bare word.
std::optional<Token> read_scalar(std::string_view text, std::size_t at) {
    if (at >= text.size()) return std::nullopt;
    if ((text[at] == 'u' || text[at] == 'b') && at + 1 < text.size() && is_quote(text[at + 1])) ++at;
    if (is_quote(text[at])) {
        auto token = read_quoted(text, at);
        while (token) {
            auto next = skip_blanks(text, token->end);
            if (next >= text.size() || text[next] != '+') break;
            next = skip_blanks(text, next + 1);
            if (next >= text.size() || !is_quote(text[next])) break;
            const auto more = read_quoted(text, next);
            if (!more) break;
            token->text += more->text;
            token->end = more->end;
        }
        return token && ends_a_value(text, token->end) ? token : std::nullopt;
    }
    Token token;
    std::size_t end = at;
    while (end < text.size() && (is_name_char(text[end]) || text[end] == '.' || text[end] == '+')) ++end;
    if (end == at || !ends_a_value(text, end)) return std::nullopt;
    token.text = text.substr(at, end - at);
    token.end = end;
    token.none =
        token.text == "None" || token.text == "null" || token.text == "undefined" || token.text == "nil";
    return token;
}

/// A scalar, or a list of them, of which each is added under `name`. Returns the place behind, 0 for none.
std::size_t read_value(std::string_view text, std::size_t at, const std::string& name, FormFields& fields) {
    if (at >= text.size()) return 0;
    if (text[at] != '[') {
        auto token = read_scalar(text, at);
        if (!token) return 0;
        if (!token->none) fields.emplace_back(name, std::move(token->text));
        return token->end;
    }
    const auto before = fields.size();
    at = skip_blanks(text, at + 1);
    while (at < text.size() && text[at] != ']') {
        auto token = read_scalar(text, at);
        if (!token) {
            fields.resize(before);
            return 0;
        }
        if (!token->none) fields.emplace_back(name, std::move(token->text));
        at = skip_blanks(text, token->end);
        if (at < text.size() && text[at] == ',') at = skip_blanks(text, at + 1);
    }
    if (at < text.size()) return at + 1;
    fields.resize(before);
    return 0;
}

/// A quoted or bare name; PHP's [name] too.
std::optional<Token> read_name(std::string_view text, std::size_t at) {
    if ((text[at] == 'u' || text[at] == 'b') && at + 1 < text.size() && is_quote(text[at + 1])) ++at;
    if (is_quote(text[at])) {
        auto token = read_quoted(text.substr(0, std::min(text.size(), at + kLongestName)), at);
        return token && !token->text.empty() ? token : std::nullopt;
    }
    const bool bracket = text[at] == '[';
    if (bracket) ++at;
    if (at >= text.size() || !(is_letter(text[at]) || text[at] == '_')) return std::nullopt;
    Token token;
    token.end = at;
    while (token.end < text.size() && is_name_char(text[token.end])) ++token.end;
    token.text = text.substr(at, token.end - at);
    if (!bracket) return token;
    if (token.end >= text.size() || text[token.end] != ']') return std::nullopt;
    ++token.end;
    return token;
}

/// Behind ':' or '=>' and blanks, 0 where there is neither.
std::size_t behind_colon(std::string_view text, std::size_t at) {
    at = skip_line_blanks(text, at);
    if (at < text.size() && text[at] == ':') return skip_blanks(text, at + 1);
    if (text.substr(std::min(at, text.size())).starts_with("=>")) return skip_blanks(text, at + 2);
    return 0;
}

/// Behind what cannot be read at `at`: one byte, or a whole word.
std::size_t skip_unread(std::string_view text, std::size_t at) {
    const auto start = at;
    while (at < text.size() && (is_name_char(text[at]) || text[at] == ':' || text[at] == '.')) ++at;
    return std::max(at, start + 1);
}

/// `{name: value, …}` from behind its brace to the brace that closes it.
FormFields read_mapping(std::string_view text, std::size_t at) {
    FormFields fields;
    for (std::size_t depth = 0; at < text.size();) {
        const char c = text[at];
        if (c == '}') {
            if (depth-- == 0) break;
        }
        if (c == '{') ++depth;
        std::size_t next = 0;
        if (is_quote(c) || is_letter(c) || c == '_' || c == '[') {
            if (const auto name = read_name(text, at)) {
                if (const auto value = behind_colon(text, name->end); value > 0)
                    next = read_value(text, value, name->text, fields);
                if (next == 0 && name->quoted) next = name->end;
            }
        }
        at = next > 0 ? next : is_quote(c) ? at + 1 : skip_unread(text, at);
    }
    return fields;
}

/// `('name', 'value'), …` or `["name", "value"], …` from behind the bracket of the list to the one that
/// closes it.
FormFields read_pairs(std::string_view text, std::size_t at) {
    FormFields fields;
    while (at < text.size() && text[at] != ']' && text[at] != ')') {
        if (text[at] != '(' && text[at] != '[') {
            ++at;
            continue;
        }
        const auto start = skip_blanks(text, at + 1);
        at = start;
        if (start >= text.size()) break;
        const auto name = read_name(text, start);
        if (!name || !name->quoted) continue;
        const auto comma = skip_blanks(text, name->end);
        if (comma >= text.size() || text[comma] != ',') continue;
        const auto end = read_value(text, skip_blanks(text, comma + 1), name->text, fields);
        at = end > 0 ? skip_blanks(text, end) + 1 : name->end;
    }
    return fields;
}

/// `name=value name="other value"`, apart by blanks or commas.
FormFields read_words(std::string_view text) {
    FormFields fields;
    for (std::size_t at = 0; at < text.size();) {
        const bool starts = is_letter(text[at]) && (at == 0 || !is_name_char(text[at - 1]));
        const auto name = starts ? read_name(text, at) : std::nullopt;
        const auto equals = name ? skip_line_blanks(text, name->end) : 0;
        if (!name || equals >= text.size() || text[equals] != '=') {
            at = name ? name->end : at + 1;
            continue;
        }
        at = skip_line_blanks(text, equals + 1);
        if (at < text.size() && is_quote(text[at])) {
            auto token = read_quoted(text, at);
            // A whole message in quotes: its words are what we look for.
            if (!token || find_dial_name(token->text) != std::string::npos) {
                ++at;
                continue;
            }
            at = token->end;
            fields.emplace_back(name->text, std::move(token->text));
            continue;
        }
        const bool prose = name->text == "ErrorMessage";  // has blanks, and ends where the next word begins
        std::size_t end = at;
        while (end < text.size() &&
               std::string_view(",;&)}\"'\r\n").find(text[end]) == std::string_view::npos) {
            if (is_line_blank(text[end])) {
                if (!prose) break;
                const auto word = skip_line_blanks(text, end);
                const auto next = word < text.size() ? read_name(text, word) : std::nullopt;
                if (next && next->end < text.size() && text[next->end] == '=') break;
            }
            ++end;
        }
        fields.emplace_back(name->text, trim(text.substr(at, end - at)));
        at = end;
    }
    return fields;
}

std::string unquoted(std::string_view value) {
    value = trim(value);
    if (value.ends_with(',')) value = trim(value.substr(0, value.size() - 1));
    if (value.size() >= 2 && is_quote(value.front()) && value.back() == value.front())
        value = value.substr(1, value.size() - 2);
    return std::string(value);
}

/// Lines `name: value`, or name and value apart by tabs or several blanks, as consoles show them.
FormFields read_lines(std::string_view text) {
    FormFields fields;
    for (const auto line : split(text, '\n')) {
        for (const auto name : kNamesOfLines) {
            const auto at = line.find(name);
            if (at == std::string_view::npos || (at > 0 && is_name_char(line[at - 1]))) continue;
            auto rest = line.substr(at + name.size());
            if (!rest.empty() && is_quote(rest.front())) rest.remove_prefix(1);
            const auto value = trim_left(rest);
            if (value.starts_with(':') && !value.starts_with("::")) {
                fields.emplace_back(name, unquoted(value.substr(1)));
            } else if (rest.starts_with('\t') || rest.starts_with("  ")) {
                if (!value.empty()) fields.emplace_back(name, unquoted(value));
            }
        }
    }
    return fields;
}

/// The run of form characters around `at`; empty where it has no `&`.
std::string_view form_around(std::string_view text, std::size_t at) {
    const auto breaks = [](char c) {
        return is_ascii_blank(c) || is_quote(c) || c == '<' || c == '>' || c == '{' || c == '}' || c == '\\';
    };
    std::size_t start = at;
    while (start > 0 && !breaks(text[start - 1])) --start;
    std::size_t end = at;
    while (end < text.size() && !breaks(text[end])) ++end;
    auto run = text.substr(start, end - start);
    if (const auto query = run.find('?'); query < run.find('=')) run.remove_prefix(query + 1);
    return run.find('&') == std::string_view::npos ? std::string_view() : run;
}

enum class Style { none, equals, lines, mapping, pairs };

struct Anchor {
    Style style = Style::none;
    std::size_t start = 0;  ///< mapping, pairs: behind the bracket that opens the dictionary

    bool operator==(const Anchor&) const = default;
};

/// The brackets in front of a place, kept while going through the text once.
class Brackets {
  public:
    explicit Brackets(std::string_view text) : text_(text) {}

    void advance_to(std::size_t place) {
        for (; at_ < place; ++at_) {
            const char c = text_[at_];
            if (c == '{') brace_ = at_ + 1;
            if (c == '}') brace_ = 0;
            if (c != '[' && c != '(') continue;
            const auto inner = skip_blanks(text_, at_ + 1);
            if (inner < text_.size() && (text_[inner] == '[' || text_[inner] == '(')) list_ = at_ + 1;
        }
    }
    /// Behind the last brace that opened and was not closed, 0 for none.
    [[nodiscard]] std::size_t brace() const { return brace_; }
    /// Behind the last bracket that opened a list of pairs, 0 for none.
    [[nodiscard]] std::size_t list() const { return list_; }

  private:
    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t brace_ = 0;
    std::size_t list_ = 0;
};

/// How the name at `at`, of `size` bytes, is printed.
Anchor anchor_at(std::string_view text, std::size_t at, std::size_t size, const Brackets& brackets) {
    if (at > 0 && is_name_char(text[at - 1])) return {};
    std::size_t end = at + size;
    if (end < text.size() && is_name_char(text[end])) return {};
    const bool quoted = at > 0 && is_quote(text[at - 1]) && end < text.size() && text[end] == text[at - 1];
    if (quoted || (at > 0 && text[at - 1] == '[' && end < text.size() && text[end] == ']')) ++end;
    const auto next = skip_line_blanks(text, end);
    const auto behind = text.substr(std::min(next, text.size()));
    if (quoted && behind.starts_with(',')) {
        if (brackets.list() == 0) return {};
        return {Style::pairs, brackets.list()};
    }
    if (behind.starts_with("=>")) return {Style::mapping, brackets.brace()};
    if (behind.starts_with('=')) return {quoted ? Style::none : Style::equals, 0};
    if (behind.starts_with(':'))
        return {brackets.brace() > 0 ? Style::mapping : Style::lines, brackets.brace()};
    const auto blanks = text.substr(end, next - end);
    return {blanks.size() > 1 || blanks == "\t" ? Style::lines : Style::none, 0};
}

/// The length of a time stamp, level or service name at the start of `line`, 0 for none.
std::size_t prefix_length(std::string_view line) {
    const std::size_t start = line.find_first_not_of(" \t[(");
    if (start == std::string_view::npos) return 0;
    std::size_t end = start;
    while (end < line.size() && std::string_view(" \t])|{'\"").find(line[end]) == std::string_view::npos)
        ++end;
    auto word = line.substr(start, end - start);
    const bool bracketed = end < line.size() && (line[end] == ']' || line[end] == ')') && start > 0;
    if (word.ends_with(':')) word.remove_suffix(1);
    const bool time = word.size() >= 5 &&
                      word.find_first_not_of("0123456789-:.,/TZ+") == std::string_view::npos &&
                      word.find_first_of("-:/") != std::string_view::npos;
    static constexpr std::array<std::string_view, 9> kLevels{"inf",   "info",  "warn",   "warning", "err",
                                                             "error", "debug", "notice", "critical"};
    const auto lower = word.size() <= 8 ? ascii_lower(word) : std::string();
    const bool level = std::find(kLevels.begin(), kLevels.end(), lower) != kLevels.end();
    const auto bar = skip_line_blanks(line, end);
    if (bar < line.size() && line[bar] == '|' && bar < 60) return skip_line_blanks(line, bar + 1);
    if (!time && !level) return 0;
    end += bracketed ? 1U : 0U;
    return skip_line_blanks(line, end);
}

std::string without_colours(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        if (text[at] == '\x1b' && at + 1 < text.size() && text[at + 1] == '[') {
            at += 2;
            while (at < text.size() && (is_ascii_digit(text[at]) || text[at] == ';')) ++at;
            if (at < text.size() && is_letter(text[at])) ++at;
        } else {
            out += text[at++];
        }
    }
    return out;
}

}  // namespace

bool is_dial_name(std::string_view name) {
    return std::find(kDialNames.begin(), kDialNames.end(), name) != kDialNames.end();
}

std::size_t find_dial_name(std::string_view text, std::size_t from) {
    for (auto at = text.find("Dial", from); at != std::string_view::npos; at = text.find("Dial", at + 1)) {
        const auto rest = text.substr(at);
        if (std::ranges::any_of(kDialNames, [rest](auto name) { return rest.starts_with(name); })) return at;
    }
    return std::string_view::npos;
}

std::string without_log_layout(std::string_view text) {
    const auto plain = without_colours(text);
    std::string out;
    for (auto line : split(plain, '\n')) {
        for (int words = 0; words < 4; ++words) {
            const auto length = prefix_length(line);
            if (length == 0) break;
            line.remove_prefix(length);
        }
        out += line;
        out += '\n';
    }
    return out;
}

std::string without_escapes(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        if (text[at] == '\\') {
            at = read_escape(text, at, out);
        } else {
            out += text[at++];
        }
    }
    return out;
}

std::optional<PrintedParameters> read_printed_parameters(std::string_view text) {
    Anchor last;
    std::size_t last_at = 0;
    std::size_t dictionaries = 0;
    Brackets brackets(text);
    for (auto at = find_dial_name(text); at != std::string_view::npos; at = find_dial_name(text, at + 1)) {
        const auto* const name = std::ranges::find_if(
            kDialNames, [rest = text.substr(at)](auto each) { return rest.starts_with(each); });
        brackets.advance_to(at);
        const auto anchor = anchor_at(text, at, name->size(), brackets);
        if (anchor.style == Style::none) continue;
        if (!(anchor == last)) ++dictionaries;
        last = anchor;
        last_at = at;
    }
    switch (last.style) {
        case Style::equals:
            if (const auto form = form_around(text, last_at); !form.empty())
                return PrintedParameters{encoding::parse_form(form), dictionaries};
            return PrintedParameters{read_words(text), dictionaries};
        case Style::lines:
            return PrintedParameters{read_lines(text), dictionaries};
        case Style::mapping:
            return PrintedParameters{read_mapping(text, last.start), dictionaries};
        case Style::pairs:
            return PrintedParameters{read_pairs(text, last.start), dictionaries};
        case Style::none:
            break;
    }
    return std::nullopt;
}

}  // namespace callchain::twiml
