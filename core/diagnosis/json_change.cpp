#include "diagnosis/json_change.hpp"

#include "base/text.hpp"
#include "encoding/text_codings.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace callchain::diagnosis {
namespace {

using encoding::JsonStyle;
using encoding::JsonValue;

// What can be seen of a serialiser's habits in its output, without regard to the order of members.
struct Habits {
    std::map<char, std::set<std::string>> blanks;  // behind which punctuation stand which blanks
    std::vector<std::string> names;                // in the order written
    std::multiset<std::string> numbers;
    std::size_t nulls = 0;
    bool literal_non_ascii = false;
    bool escaped_non_ascii = false;
    bool lower_hex = false;
    bool upper_hex = false;
    bool plain_slash = false;
    bool escaped_slash = false;
    bool plain_html = false;
    bool escaped_html = false;
};

bool is_html_unit(std::string_view hex) {
    const std::string unit = ascii_lower(hex);
    return unit == "003c" || unit == "003e" || unit == "0026" || unit == "2028" || unit == "2029";
}

// Reads the string that begins at `at` (a quote); returns the offset behind it.
std::size_t note_string(std::string_view text, std::size_t at, Habits& habits) {
    for (++at; at < text.size() && text[at] != '"'; ++at) {
        const auto c = static_cast<unsigned char>(text[at]);
        if (c >= 0x80) habits.literal_non_ascii = true;
        if (c == '/') habits.plain_slash = true;
        if (c == '<' || c == '>' || c == '&') habits.plain_html = true;
        if (c != '\\') continue;
        ++at;
        if (at < text.size() && text[at] == '/') habits.escaped_slash = true;
        if (at + 4 >= text.size() || text[at] != 'u') continue;
        const auto hex = text.substr(at + 1, 4);
        if (is_html_unit(hex))
            habits.escaped_html = true;
        else if (hex >= std::string_view("0080"))
            habits.escaped_non_ascii = true;
        if (std::any_of(hex.begin(), hex.end(), [](char h) { return h >= 'a' && h <= 'f'; }))
            habits.lower_hex = true;
        if (std::any_of(hex.begin(), hex.end(), [](char h) { return h >= 'A' && h <= 'F'; }))
            habits.upper_hex = true;
        at += 4;
    }
    return std::min(at + 1, text.size());
}

Habits habits_of(std::string_view text) {
    Habits habits;
    text = trim(text);
    char before = ' ';
    for (std::size_t at = 0; at < text.size();) {
        const char c = text[at];
        if (c == '"') {
            at = note_string(text, at, habits);
            before = '"';
        } else if (is_ascii_blank(c)) {
            const auto end = std::min(text.find_first_not_of(" \t\r\n", at), text.size());
            habits.blanks[before].emplace(text.substr(at, end - at));
            at = end;
        } else if (c == '-' || is_ascii_digit(c)) {
            const auto end = std::min(text.find_first_not_of("+-.eE0123456789", at), text.size());
            habits.numbers.emplace(text.substr(at, end - at));
            at = end;
            before = '0';
        } else {
            if (c == 'n') ++habits.nulls;
            const bool is_word = c == 'n' || c == 't' || c == 'f';
            const auto end =
                is_word ? std::min(text.find_first_not_of("abcdefghijklmnopqrstuvwxyz", at), text.size())
                        : at + 1;
            at = end;
            before = c;
            // A separator without a blank behind it is a habit too.
            if (!is_word && at < text.size() && !is_ascii_blank(text[at])) habits.blanks[c].emplace("");
        }
    }
    return habits;
}

void collect_names(const JsonValue& value, std::vector<std::string>& names) {
    for (std::size_t i = 0; i < value.items.size(); ++i) {
        if (value.kind == JsonValue::Kind::object) names.push_back(value.names[i]);
        collect_names(value.items[i], names);
    }
}

std::vector<std::string> names_of(const JsonValue& value) {
    std::vector<std::string> names;
    collect_names(value, names);
    return names;
}

bool is_sorted_throughout(const JsonValue& value) {
    const bool here =
        value.kind != JsonValue::Kind::object || std::is_sorted(value.names.begin(), value.names.end());
    return here && std::all_of(value.items.begin(), value.items.end(), is_sorted_throughout);
}

struct Change {
    std::string_view code;
    std::string_view words;
};

std::vector<Change> changes_between(std::string_view original, std::string_view altered) {
    const Habits was = habits_of(original);
    const Habits is = habits_of(altered);
    std::vector<Change> changes;
    if (was.blanks != is.blanks) changes.push_back({"body_json_reserialized", "blanks between tokens"});

    const auto was_tree = encoding::parse_json_text(original);
    const auto is_tree = encoding::parse_json_text(altered);
    if (was_tree && is_tree) {
        auto was_names = names_of(*was_tree);
        auto is_names = names_of(*is_tree);
        const bool same_order = was_names == is_names;
        std::sort(was_names.begin(), was_names.end());
        std::sort(is_names.begin(), is_names.end());
        if (was_names != is_names) {
            if (is.nulls < was.nulls)
                changes.push_back({"body_json_null_dropped", "null members dropped"});
            else if (is.nulls > was.nulls)
                changes.push_back({"body_json_null_added", "null members added"});
            else
                changes.push_back({"body_json_duplicate_dropped", "duplicate members dropped"});
        } else if (!same_order) {
            const bool sorted = is_sorted_throughout(*is_tree);
            changes.push_back(
                {sorted ? "body_json_keys_sorted" : "body_json_keys_reordered", "order of members"});
        }
    }
    if (was.numbers != is.numbers) changes.push_back({"body_json_number_changed", "spelling of numbers"});
    if (was.escaped_non_ascii && is.literal_non_ascii)
        changes.push_back({"body_json_unicode_unescaped", "\\uXXXX written out"});
    if (was.literal_non_ascii && is.escaped_non_ascii)
        changes.push_back({"body_json_unicode_escaped", "non-ASCII as \\uXXXX"});
    if (was.plain_slash && is.escaped_slash) changes.push_back({"body_json_slash_escaped", "/ as \\/"});
    if (was.escaped_slash && is.plain_slash) changes.push_back({"body_json_slash_unescaped", "\\/ as /"});
    if (was.plain_html != is.plain_html || was.escaped_html != is.escaped_html) {
        if (is.escaped_html)
            changes.push_back({"body_json_html_escaped", "< > & as \\u003c"});
        else if (was.escaped_html)
            changes.push_back({"body_json_html_unescaped", "\\u003c as <"});
    }
    if (was.escaped_non_ascii && is.escaped_non_ascii &&
        (was.lower_hex != is.lower_hex || was.upper_hex != is.upper_hex)) {
        changes.push_back({"body_json_hex_case", "case of \\uXXXX digits"});
    }
    return changes;
}

JsonStyle spaced() {
    JsonStyle style;
    style.item_separator = ", ";
    style.name_separator = ": ";
    return style;
}

JsonStyle indented(std::string_view indent) {
    JsonStyle style;
    style.name_separator = ": ";
    style.indent = indent;
    return style;
}

// As Python does it: everything outside of blank to tilde, DEL included.
JsonStyle ascii(JsonStyle style) {
    style.non_ascii = JsonStyle::NonAscii::escaped;
    style.del = JsonStyle::Delete::escaped;
    return style;
}

JsonStyle php(JsonStyle style) {
    style.slash = JsonStyle::Slash::escaped;
    style.del = JsonStyle::Delete::plain;
    return style;
}

JsonStyle go() {
    JsonStyle style;
    style.html = JsonStyle::Html::escaped;
    return style;
}

}  // namespace

const std::vector<NamedStyle>& named_styles() {
    static const std::vector<NamedStyle> styles{
        {"compact", JsonStyle{}},
        {"python", ascii(spaced())},
        {"compact-ascii", ascii(JsonStyle{})},
        {"python-utf8", spaced()},
        {"indent-2", indented("  ")},
        {"indent-4", indented("    ")},
        {"indent-tab", indented("\t")},
        {"indent-2-ascii", ascii(indented("  "))},
        {"indent-4-ascii", ascii(indented("    "))},
        {"php", php(ascii(JsonStyle{}))},
        {"php-utf8", php(JsonStyle{})},
        {"php-pretty", php(ascii(indented("    ")))},
        {"go", go()},
    };
    return styles;
}

std::string write_dotnet_json(const JsonValue& value) {
    JsonStyle style = ascii(go());
    style.hex_case = JsonStyle::HexCase::upper;
    style.del = JsonStyle::Delete::escaped;
    const std::string text = encoding::write_json_text(value, style);
    std::string out;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\\' && i + 1 < text.size()) {
            out += text[i + 1] == '"' ? "\\u0022" : std::string{c, text[i + 1]};
            ++i;
        } else if (in_string && (c == '+' || c == '\'' || c == '`')) {
            out += "\\u00" + encoding::to_upper_hex({&c, 1});
        } else {
            if (c == '"') in_string = !in_string;
            out += c;
        }
    }
    return out;
}

std::string style_name(std::string_view text) {
    const auto value = encoding::parse_json_text(text);
    if (!value) return {};
    const auto wanted = trim(text);
    for (const auto& named : named_styles()) {
        if (encoding::write_json_text(*value, named.style) == wanted) return std::string(named.name);
    }
    return write_dotnet_json(*value) == wanted ? "dotnet" : "other";
}

Fault describe_json_change(std::string_view original, std::string_view altered) {
    const auto changes = changes_between(original, altered);
    Fault fault{changes.size() == 1 ? changes.front().code : "body_json_reserialized"};
    fault.evidence.push_back({"style", style_name(altered)});
    fault.evidence.push_back({"signed_style", style_name(original)});
    std::vector<std::string> words;
    for (const auto& change : changes) words.emplace_back(change.words);
    if (!words.empty()) fault.evidence.push_back({"changes", join(words, "; ")});
    return fault;
}

}  // namespace callchain::diagnosis
