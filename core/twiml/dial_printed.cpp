#include "twiml/dial_printed.hpp"

#include "twiml/dial_text.hpp"

#include <algorithm>
#include <vector>

namespace callchain::twiml::printed {

using encoding::FormFields;

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

std::optional<Token> read_name(std::string_view text, std::size_t at) {
    if ((text[at] == 'u' || text[at] == 'b') && at + 1 < text.size() && is_quote(text[at + 1])) ++at;
    if (is_quote(text[at])) {
        auto token = read_quoted(text.substr(0, std::min(text.size(), at + kLongestName)), at);
        return token && !token->text.empty() ? token : std::nullopt;
    }
    const bool bracket = text[at] == '[';
    if (bracket) ++at;
    if (at >= text.size() || !(is_ascii_letter(text[at]) || text[at] == '_')) return std::nullopt;
    Token token;
    token.end = at;
    while (token.end < text.size() && is_name_char(text[token.end])) ++token.end;
    token.text = text.substr(at, token.end - at);
    if (!bracket) return token;
    if (token.end >= text.size() || text[token.end] != ']') return std::nullopt;
    ++token.end;
    return token;
}

namespace {

/// Whether `name=` stands at `at`.
bool is_named_value(std::string_view text, std::size_t at) {
    const auto name = at < text.size() ? read_name(text, at) : std::nullopt;
    if (!name) return false;
    const auto equals = skip_line_blanks(text, name->end);
    return equals < text.size() && text[equals] == '=';
}

/// Where the value behind the `=` at `equals` begins. Behind `name=` a blank ends an empty value; `name =
/// value` has blanks on both sides.
std::size_t value_start(std::string_view text, std::size_t equals, bool prose) {
    const auto at = skip_line_blanks(text, equals + 1);
    if (at == equals + 1 || at >= text.size()) return at;
    const bool spaced = equals > 0 && is_line_blank(text[equals - 1]);
    if (is_named_value(text, at)) return equals + 1;
    return spaced || prose || is_quote(text[at]) ? at : equals + 1;
}

std::size_t value_end(std::string_view text, std::size_t at, bool prose) {
    while (at < text.size() && std::string_view(",;|&)}]\"'\r\n").find(text[at]) == std::string_view::npos) {
        if (is_line_blank(text[at])) {
            if (!prose || is_named_value(text, skip_line_blanks(text, at))) break;
            at = skip_line_blanks(text, at);
        } else {
            ++at;
        }
    }
    return at;
}

}  // namespace

FormFields read_words(std::string_view text) {
    FormFields fields;
    for (std::size_t at = 0; at < text.size();) {
        const bool starts = is_ascii_letter(text[at]) && (at == 0 || !is_name_char(text[at - 1]));
        const auto name = starts ? read_name(text, at) : std::nullopt;
        const auto equals = name ? skip_line_blanks(text, name->end) : 0;
        if (!name || equals >= text.size() || text[equals] != '=') {
            at = name ? name->end : at + 1;
            continue;
        }
        const bool prose = name->text == "ErrorMessage";  // has blanks, and ends where the next word begins
        at = value_start(text, equals, prose);
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
        const bool list = at < text.size() && text[at] == '[';  // Java's, of one
        if (list) ++at;
        const auto end = value_end(text, at, prose || list);
        fields.emplace_back(name->text, trim(text.substr(at, end - at)));
        at = end;
    }
    return fields;
}

namespace {

/// What stands between one name and the next, without the marks around it.
std::string bare_value(std::string_view value) {
    value = trim(value);
    if (value.starts_with('[')) {  // Go's list of one
        const auto close = value.find(']');
        return std::string(trim(value.substr(1, close == std::string_view::npos ? close : close - 1)));
    }
    while (!value.empty() && (std::string_view(",|;").find(value.back()) != std::string_view::npos ||
                              (value.back() == ']' && value.find('[') == std::string_view::npos)))
        value = trim(value.substr(0, value.size() - 1));
    if (value.size() >= 2 && is_quote(value.front()) && value.back() == value.front())
        value = value.substr(1, value.size() - 2);
    return std::string(value);
}

/// A name and where its value begins, in a line.
struct Label {
    std::string_view name;
    std::size_t start = 0;  ///< of the name, with its quote
    std::size_t value = 0;
    bool hump = false;  ///< DialCallStatus and not Error: cannot be a word of a message
};

bool starts_label(std::string_view line, std::size_t at) {
    return at == 0 || (!is_name_char(line[at - 1]) &&
                       std::string_view("/.@:+").find(line[at - 1]) == std::string_view::npos);
}

/// The label at `at`, where a capital letter stands: a name with a colon, or one of ours with blanks.
std::optional<Label> label_at(std::string_view line, std::size_t at) {
    std::size_t end = at;
    while (end < line.size() && is_name_char(line[end])) ++end;
    Label label{line.substr(at, end - at), at, 0, false};
    const bool known = is_known_name(label.name);
    label.hump =
        known || (label.name.find('_') == std::string_view::npos &&
                  label.name.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 1) != std::string_view::npos &&
                  label.name.find_first_of("abcdefghijklmnopqrstuvwxyz") != std::string_view::npos);
    if (at > 0 && end < line.size() && is_quote(line[end]) && line[at - 1] == line[end]) {
        --label.start;
        ++end;
    }
    const auto colon = skip_line_blanks(line, end);
    if (colon < line.size() && line[colon] == ':' && !line.substr(colon).starts_with("::")) {
        if (!known && colon != end) return std::nullopt;
        label.value = colon + 1;
        return label;
    }
    const bool table =
        known && (colon > end + 1 || line.substr(end).starts_with('\t')) && colon < line.size();
    label.value = colon;
    return table ? std::optional(label) : std::nullopt;
}

}  // namespace

FormFields read_lines(std::string_view text) {
    FormFields fields;
    for (const auto line : split(text, '\n')) {
        std::vector<Label> labels;
        for (std::size_t at = 0; at < line.size();) {
            if (line[at] < 'A' || line[at] > 'Z' || !starts_label(line, at)) {
                ++at;
                continue;
            }
            const auto label = label_at(line, at);
            const bool prose = !labels.empty() && labels.back().name == "ErrorMessage";
            if (label && (label->hump || !prose)) labels.push_back(*label);
            while (at < line.size() && is_name_char(line[at])) ++at;
        }
        for (std::size_t i = 0; i < labels.size(); ++i) {
            if (!is_known_name(labels[i].name)) continue;
            const auto end = i + 1 < labels.size() ? labels[i + 1].start : line.size();
            const auto start = std::min(labels[i].value, end);
            auto value = bare_value(line.substr(start, end - start));
            // The others are one word each; what follows is the rest of a sentence.
            if (labels[i].name != "ErrorMessage" && labels[i].name != "From" && labels[i].name != "To")
                value = bare_value(value.substr(0, value.find(' ')));
            fields.emplace_back(labels[i].name, std::move(value));
        }
    }
    return fields;
}

FormFields read_print_r(std::string_view text) {
    FormFields fields;
    const auto find = [text](std::size_t from) {
        for (auto at = text.find('[', from); at != std::string_view::npos; at = text.find('[', at + 1)) {
            const auto name = at + 1 < text.size() ? read_name(text, at) : std::nullopt;
            if (name && text.substr(skip_line_blanks(text, name->end)).starts_with("=>")) return at;
        }
        return text.size();
    };
    for (auto at = find(0); at < text.size();) {
        const auto name = read_name(text, at);
        const auto start = skip_line_blanks(text, name->end) + 2;
        const auto next = find(start);
        auto value = text.substr(start, next - start);
        value = trim(value.substr(0, value.find('\n')));
        if (next == text.size() && value.ends_with(')') && value.find('(') == std::string_view::npos)
            value.remove_suffix(1);
        fields.emplace_back(name->text, bare_value(value));
        at = next;
    }
    return fields;
}

}  // namespace callchain::twiml::printed
