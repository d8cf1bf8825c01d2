#include "twiml/dial_text.hpp"

#include "base/text.hpp"
#include "twiml/dial_printed.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace callchain::twiml {
namespace {

using encoding::FormFields;
using namespace printed;

constexpr std::array<std::string_view, 6> kDialNames{"DialCallStatus",   "DialBridged", "DialSipResponseCode",
                                                     "DialCallDuration", "DialCallSid", "DialSipCallId"};
// Names that are read from lines like `ErrorCode: 13224`, where any word might stand in front of a colon.
constexpr std::array<std::string_view, 12> kNamesOfLines{
    "DialCallStatus", "DialBridged", "DialSipResponseCode", "DialCallDuration", "DialCallSid",
    "DialSipCallId",  "CallSid",     "CallStatus",          "ErrorCode",        "ErrorMessage",
    "From",           "To"};

bool ends_a_value(std::string_view text, std::size_t at) {
    const auto start = at;
    while (at < text.size() && is_line_blank(text[at])) ++at;
    // Go's structs have a blank and the next name there.
    if (at > start && at < text.size() && is_ascii_letter(text[at])) {
        std::size_t end = at;
        while (end < text.size() && end - at < kLongestName && is_name_char(text[end])) ++end;
        return end < text.size() && text[end] == ':';
    }
    return at >= text.size() || std::string_view(",}])\r\n").find(text[at]) != std::string_view::npos;
}

/// Where the next part of a string that is written in several begins: behind `+`, or, as Python joins them,
/// the next quoted string that is no name. 0 for none.
std::size_t next_part(std::string_view text, std::size_t end) {
    auto next = skip_blanks(text, end);
    if (next >= text.size()) return 0;
    if (text[next] == '+') {
        next = skip_blanks(text, next + 1);
        return next < text.size() && is_quote(text[next]) ? next : 0;
    }
    if (next == end || !is_quote(text[next])) return 0;
    const auto part = read_quoted(text, next);
    if (!part) return 0;
    const auto behind = skip_blanks(text, part->end);
    const bool name = behind < text.size() && (text[behind] == ':' || text[behind] == '=');
    return name ? 0 : next;
}

/// A quoted string (with Python's prefix, or written in several parts), or a bare word.
std::optional<Token> read_scalar(std::string_view text, std::size_t at) {
    if (at >= text.size()) return std::nullopt;
    if ((text[at] == 'u' || text[at] == 'b') && at + 1 < text.size() && is_quote(text[at + 1])) ++at;
    if (is_quote(text[at])) {
        auto token = read_quoted(text, at);
        while (token) {
            const auto next = next_part(text, token->end);
            if (next == 0) break;
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

/// Absent values of the Dial… names stay as empty ones: they show that this is a set of parameters.
void add_token(const std::string& name, Token&& token, FormFields& fields) {
    if (!token.none) {
        fields.emplace_back(name, std::move(token.text));
    } else if (is_dial_name(name)) {
        fields.emplace_back(name, "");
    }
}

/// A scalar, or a list of them, of which each is added under `name`. Returns the place behind, 0 for none.
std::size_t read_value(std::string_view text, std::size_t at, const std::string& name, FormFields& fields) {
    if (at >= text.size()) return 0;
    if (text[at] != '[') {
        auto token = read_scalar(text, at);
        if (!token) return 0;
        const auto end = token->end;
        add_token(name, *std::move(token), fields);
        return end;
    }
    const auto before = fields.size();
    constexpr std::string_view kGoStrings = "[]string{";
    const bool go = text.substr(at).starts_with(kGoStrings);
    const char close = go ? '}' : ']';
    at = skip_blanks(text, at + (go ? kGoStrings.size() : 1));
    while (at < text.size() && text[at] != close) {
        auto token = read_scalar(text, at);
        if (!token) {
            fields.resize(before);
            return 0;
        }
        at = skip_blanks(text, token->end);
        add_token(name, *std::move(token), fields);
        if (at < text.size() && text[at] == ',') at = skip_blanks(text, at + 1);
    }
    if (at < text.size()) return at + 1;
    fields.resize(before);
    return 0;
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
        if (is_quote(c) || is_ascii_letter(c) || c == '_' || c == '[') {
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
    run = without_form_label(run);
    return run.find('&') == std::string_view::npos ? std::string_view() : run;
}

enum class Style { none, equals, lines, mapping, pairs, print_r };

struct Anchor {
    Style style = Style::none;
    std::size_t start = 0;  ///< behind the bracket that opens the dictionary; equals, lines: 0

    bool operator==(const Anchor&) const = default;
};

/// The brackets in front of a place, kept while going through the text once.
class Brackets {
  public:
    explicit Brackets(std::string_view text) : text_(text) {}

    void advance_to(std::size_t place) {
        for (; at_ < place; ++at_) {
            const char c = text_[at_];
            if (c == '{') braces_.push_back(at_ + 1);
            if (c == '}' && !braces_.empty()) braces_.pop_back();
            if (c == 'A' && text_.substr(at_).starts_with("Array")) array_ = at_ + 1;
            if (c != '[' && c != '(') continue;
            const auto inner = skip_blanks(text_, at_ + 1);
            if (inner < text_.size() && (text_[inner] == '[' || text_[inner] == '(')) list_ = at_ + 1;
        }
    }
    /// Behind the last brace that opened and was not closed, 0 for none.
    [[nodiscard]] std::size_t brace() const { return braces_.empty() ? 0 : braces_.back(); }
    /// Behind the last bracket that opened a list of pairs, 0 for none.
    [[nodiscard]] std::size_t list() const { return list_; }

    /// Behind the A of the last "Array", 0 for none.
    [[nodiscard]] std::size_t array() const { return array_; }

  private:
    std::string_view text_;
    std::size_t at_ = 0;
    std::vector<std::size_t> braces_;
    std::size_t array_ = 0;
    std::size_t list_ = 0;
};

/// How the name at `at`, of `size` bytes, is printed.
Anchor anchor_at(std::string_view text, std::size_t at, std::size_t size, const Brackets& brackets) {
    if (at > 0 && is_name_char(text[at - 1])) return {};
    std::size_t end = at + size;
    if (end < text.size() && is_name_char(text[end])) return {};
    const bool quoted = at > 0 && is_quote(text[at - 1]) && end < text.size() && text[end] == text[at - 1];
    const bool bracketed = at > 0 && text[at - 1] == '[' && end < text.size() && text[end] == ']';
    if (quoted || bracketed) ++end;
    const auto next = skip_line_blanks(text, end);
    const auto behind = text.substr(std::min(next, text.size()));
    if (quoted && behind.starts_with(',')) {
        if (brackets.list() == 0) return {};
        return {Style::pairs, brackets.list()};
    }
    if (bracketed && behind.starts_with("=>")) return {Style::print_r, brackets.array()};
    if (behind.starts_with("=>")) return {Style::mapping, brackets.brace()};
    if (behind.starts_with('=')) return {quoted ? Style::none : Style::equals, 0};
    if (behind.starts_with(':'))
        return {brackets.brace() > 0 ? Style::mapping : Style::lines, brackets.brace()};
    const auto blanks = text.substr(end, next - end);
    return {blanks.size() > 1 || blanks == "\t" ? Style::lines : Style::none, 0};
}

/// One of the Dial… names in the place of a name.
struct Place {
    std::string_view name;
    std::size_t at = 0;
    std::size_t line = 0;  ///< where its line begins
    Anchor anchor;
};

std::vector<Place> find_places(std::string_view text) {
    std::vector<Place> places;
    Brackets brackets(text);
    std::size_t line = 0;
    std::size_t seen = 0;
    for (auto at = find_dial_name(text); at != std::string_view::npos; at = find_dial_name(text, at + 1)) {
        const auto* const name = std::ranges::find_if(
            kDialNames, [rest = text.substr(at)](auto each) { return rest.starts_with(each); });
        brackets.advance_to(at);
        for (; seen < at; ++seen)
            if (text[seen] == '\n') line = seen + 1;
        const auto anchor = anchor_at(text, at, name->size(), brackets);
        if (anchor.style != Style::none) places.push_back({*name, at, line, anchor});
    }
    return places;
}

struct SetOnLines {
    std::size_t start = 0;   ///< the line with which the last set begins
    std::size_t before = 0;  ///< how many sets stand in front of it
};

/// Where lines of a log hold one result after the other: a name that comes again on a later line begins
/// another set. A line that only mentions one name again does not, unless each name has its own line.
SetOnLines last_set_on_lines(const std::vector<Place>& places) {
    SetOnLines set;
    std::vector<const Place*> of_set;
    bool shared = false;  // a line of this set holds several names
    for (std::size_t i = 0; i < places.size(); ++i) {
        const auto& place = places[i];
        const bool several = (i > 0 && places[i - 1].line == place.line) ||
                             (i + 1 < places.size() && places[i + 1].line == place.line);
        const bool again = std::ranges::any_of(of_set, [&place](const Place* other) {
            return other->name == place.name && other->line < place.line;
        });
        if (again && (several || !shared)) {
            of_set.clear();
            shared = false;
            set.start = place.line;
            ++set.before;
        }
        shared = shared || several;
        // One of each name is enough to know that it comes again.
        if (std::ranges::none_of(of_set, [&place](const Place* other) { return other->name == place.name; }))
            of_set.push_back(&place);
    }
    return set;
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
            if (at < text.size() && is_ascii_letter(text[at])) ++at;
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

bool is_known_name(std::string_view name) {
    return std::find(kNamesOfLines.begin(), kNamesOfLines.end(), name) != kNamesOfLines.end();
}

std::string_view without_form_label(std::string_view form) {
    const auto first = form.substr(0, form.find('&'));
    if (const auto query = first.find('?'); query < first.find('=')) form.remove_prefix(query + 1);
    for (int labels = 0; labels < 2; ++labels) {
        const auto equals = form.substr(0, form.find('&')).find_first_of("=:");
        if (equals == std::string_view::npos) break;
        const auto rest = form.substr(equals + 1);
        std::size_t end = 0;
        while (end < rest.size() && is_name_char(rest[end])) ++end;
        if (end == 0 || end >= rest.size() || rest[end] != '=') break;
        // AccountSid comes first in what Twilio sends.
        const auto name = rest.substr(0, end);
        if (!is_known_name(name) && name != "AccountSid" && name != "ApiVersion" && name != "Called") break;
        form = rest;
    }
    return form;
}

bool holds_encoded_form(std::string_view text) {
    for (auto at = find_dial_name(text); at != std::string_view::npos; at = find_dial_name(text, at + 1)) {
        auto rest = text.substr(at);
        while (!rest.empty() && is_name_char(rest.front())) rest.remove_prefix(1);
        if (starts_with_ignoring_case(rest, "%3D") || starts_with_ignoring_case(rest, "%253D")) return true;
    }
    return false;
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
    const auto places = find_places(text);
    if (places.empty()) return std::nullopt;
    const auto& last = places.back();
    auto dictionaries = static_cast<std::size_t>(
        1 + std::ranges::count_if(places, [&places](const Place& place) {
            return &place != &places.front() && !(place.anchor == (&place - 1)->anchor);
        }));
    const auto lines = last.anchor.style == Style::equals || last.anchor.style == Style::lines
                           ? last_set_on_lines(places)
                           : SetOnLines{};
    dictionaries += lines.before;
    const auto set = text.substr(lines.start);
    switch (last.anchor.style) {
        case Style::equals:
            if (const auto form = form_around(text, last.at); !form.empty())
                return PrintedParameters{encoding::parse_form(form), dictionaries};
            return PrintedParameters{read_words(set), dictionaries};
        case Style::lines:
            return PrintedParameters{read_lines(set), dictionaries};
        case Style::mapping:
            return PrintedParameters{read_mapping(text, last.anchor.start), dictionaries};
        case Style::pairs:
            return PrintedParameters{read_pairs(text, last.anchor.start), dictionaries};
        case Style::print_r:
            return PrintedParameters{read_print_r(text.substr(last.anchor.start)), dictionaries};
        case Style::none:
            break;
    }
    return std::nullopt;
}

}  // namespace callchain::twiml
