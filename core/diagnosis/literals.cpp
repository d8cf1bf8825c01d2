#include "diagnosis/literals.hpp"

#include "base/text.hpp"
#include "encoding/charset.hpp"
#include "encoding/text_codings.hpp"

namespace callchain::diagnosis {
namespace {

using encoding::JsonValue;

// Ruby's inspect writes all of these, Python's repr t, n and r.
constexpr std::string_view kEscapeLetters = "abtnvfre";
constexpr std::string_view kEscapedBytes = "\a\b\t\n\v\f\r\x1b";

char python_quote(std::string_view text) {
    const bool single = text.find('\'') != std::string_view::npos;
    const bool twofold = text.find('"') != std::string_view::npos;
    return single && !twofold ? '"' : '\'';
}

void append_python_character(std::string& out, char c, char quote) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\\' || c == quote) {
        out += '\\';
        out += c;
    } else if (c == '\n') {
        out += "\\n";
    } else if (c == '\r') {
        out += "\\r";
    } else if (c == '\t') {
        out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
        out += "\\x" + encoding::to_hex({&c, 1});
    } else {
        out += c;
    }
}

std::string write_python_string(std::string_view text) {
    const char quote = python_quote(text);
    std::string out(1, quote);
    for (const char c : text) append_python_character(out, c, quote);
    return out + quote;
}

// What stands behind a backslash in a Python or Ruby string literal. Returns characters used, 0 for none
// known.
std::size_t read_escape(std::string_view rest, std::string& out, bool bytes) {
    if (rest.empty()) return 0;
    const auto hex = [&](std::size_t digits) -> std::size_t {
        const auto value = encoding::parse_hex(rest.substr(1, digits));
        if (!value || value->size() * 2 != digits) return 0;
        char32_t code = 0;
        for (const char c : *value) code = (code << 8U) | static_cast<unsigned char>(c);
        if (bytes)
            out += static_cast<char>(code);
        else
            encoding::append_utf8(out, code);
        return digits + 1;
    };
    if (const auto named = kEscapeLetters.find(rest.front()); named != std::string_view::npos) {
        out += kEscapedBytes[named];
        return 1;
    }
    switch (rest.front()) {
        case 'x':
            return hex(2);
        case 'u':
            return bytes ? 0 : hex(4);
        case 'U':
            return bytes ? 0 : hex(8);
        default:
            out += rest.front();
            return 1;
    }
}

// Reads the literal whose opening quote is at `at`; moves `at` behind the closing one.
std::optional<std::string> read_quoted(std::string_view text, std::size_t& at, bool bytes) {
    const char quote = text[at++];
    std::string out;
    while (at < text.size() && text[at] != quote) {
        if (text[at] != '\\') {
            out += text[at++];
            continue;
        }
        const auto used = read_escape(text.substr(at + 1), out, bytes);
        if (used == 0) return std::nullopt;
        at += used + 1;
    }
    if (at >= text.size()) return std::nullopt;
    ++at;
    return out;
}

struct Word {
    std::string_view from;
    std::string_view to;
};
constexpr Word kPythonWords[] = {{"True", "true"}, {"False", "false"}, {"None", "null"}};
constexpr Word kRubyWords[] = {{"nil", "null"}, {"=>", ":"}};

// Strings are rewritten as JSON strings, words replaced, the rest copied; the outcome must be JSON.
template <std::size_t N>
std::optional<std::string> literal_to_json(std::string_view text, const Word (&words)[N],
                                           bool single_quotes) {
    text = trim(text);
    if (text.empty() || (text.front() != '{' && text.front() != '[')) return std::nullopt;
    std::string out;
    bool foreign = false;  // something that JSON does not have: else the text is no literal of that language
    for (std::size_t at = 0; at < text.size();) {
        if (text[at] == '"' || (single_quotes && text[at] == '\'')) {
            foreign = foreign || text[at] == '\'';
            const auto value = read_quoted(text, at, false);
            if (!value) return std::nullopt;
            out += encoding::quote_json(*value);
            continue;
        }
        const Word* found = nullptr;
        for (const auto& word : words) {
            if (text.substr(at).starts_with(word.from)) found = &word;
        }
        foreign = foreign || found != nullptr;
        out += found != nullptr ? found->to : text.substr(at, 1);
        at += found != nullptr ? found->from.size() : 1;
    }
    if (!foreign || !encoding::parse_json_text(out)) return std::nullopt;
    return out;
}

struct Language {
    std::string_view true_word;
    std::string_view false_word;
    std::string_view null_word;
    std::string_view item_separator;
    std::string_view name_separator;
    std::string (*write_string)(std::string_view text);
};

void append_ruby_character(std::string& out, char c) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\\' || c == '"') {
        out += '\\';
        out += c;
    } else if (const auto named = kEscapedBytes.find(c); named != std::string_view::npos) {
        out += '\\';
        out += kEscapeLetters[named];
    } else if (byte < 0x20 || byte == 0x7F) {
        out += "\\u00" + encoding::to_upper_hex({&c, 1});
    } else {
        out += c;
    }
}

std::string write_ruby_string(std::string_view text) {
    std::string out = "\"";
    for (std::size_t i = 0; i < text.size(); ++i) {
        append_ruby_character(out, text[i]);
        const bool interpolates = i + 1 < text.size() && text[i] == '#' &&
                                  (text[i + 1] == '{' || text[i + 1] == '$' || text[i + 1] == '@');
        if (interpolates) out.insert(out.size() - 1, "\\");
    }
    return out + "\"";
}

void write_value(std::string& out, const JsonValue& value, const Language& language) {
    const bool is_object = value.kind == JsonValue::Kind::object;
    switch (value.kind) {
        case JsonValue::Kind::null:
            out += language.null_word;
            return;
        case JsonValue::Kind::boolean:
            out += value.truth ? language.true_word : language.false_word;
            return;
        case JsonValue::Kind::number:
            out += value.text;
            return;
        case JsonValue::Kind::string:
            out += language.write_string(value.text);
            return;
        case JsonValue::Kind::array:
        case JsonValue::Kind::object:
            break;
    }
    out += is_object ? '{' : '[';
    for (std::size_t i = 0; i < value.items.size(); ++i) {
        if (i > 0) out += language.item_separator;
        if (is_object) {
            out += language.write_string(value.names[i]);
            out += language.name_separator;
        }
        write_value(out, value.items[i], language);
    }
    out += is_object ? '}' : ']';
}

}  // namespace

std::string write_python_bytes(std::string_view bytes) {
    const char quote = python_quote(bytes);
    std::string out = std::string("b") + quote;
    for (const char c : bytes) {
        if (static_cast<unsigned char>(c) >= 0x80)
            out += "\\x" + encoding::to_hex({&c, 1});
        else
            append_python_character(out, c, quote);
    }
    return out + quote;
}

std::optional<std::string> read_python_bytes(std::string_view text) {
    text = trim(text);
    if (text.size() < 3 || (text[0] != 'b' && text[0] != 'B') || (text[1] != '\'' && text[1] != '"'))
        return std::nullopt;
    std::size_t at = 1;
    auto bytes = read_quoted(text, at, true);
    if (!bytes || at != text.size()) return std::nullopt;
    return bytes;
}

std::string write_python_dict(const JsonValue& value) {
    std::string out;
    write_value(out, value, {"True", "False", "None", ", ", ": ", write_python_string});
    return out;
}

std::optional<std::string> python_dict_to_json(std::string_view text) {
    return literal_to_json(text, kPythonWords, true);
}

std::string write_ruby_inspect(const JsonValue& value, RubyArrow arrow) {
    std::string out;
    write_value(out, value,
                {"true", "false", "nil", ", ", arrow == RubyArrow::tight ? "=>" : " => ", write_ruby_string});
    return out;
}

std::optional<std::string> ruby_inspect_to_json(std::string_view text) {
    if (text.find("=>") == std::string_view::npos) return std::nullopt;
    return literal_to_json(text, kRubyWords, false);
}

}  // namespace callchain::diagnosis
