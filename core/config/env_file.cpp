#include "config/env_file.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace callchain::config {
namespace {

bool is_identifier(std::string_view name) {
    const auto is_letter = [](char c) {
        return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    };
    return !name.empty() && is_letter(name.front()) &&
           std::all_of(name.begin(), name.end(), [&](char c) { return is_letter(c) || is_ascii_digit(c); });
}

char escaped(char c) {
    switch (c) {
        case 'n':
            return '\n';
        case 'r':
            return '\r';
        case 't':
            return '\t';
        default:
            return c;
    }
}

tl::unexpected<Error> fault(std::size_t line, std::string what, std::string hint = {}) {
    return fail(ErrorCode::bad_input, "line " + std::to_string(line) + ": " + std::move(what),
                std::move(hint));
}

// `text` begins with the opening quote. What stands behind the closing one must be blank or a comment.
Result<std::string> read_quoted(std::string_view text, std::size_t line) {
    const char quote = text.front();
    std::string value;
    std::size_t at = 1;
    for (; at < text.size() && text[at] != quote; ++at) {
        if (quote == '"' && text[at] == '\\' && at + 1 < text.size()) {
            value += escaped(text[++at]);
        } else {
            value += text[at];
        }
    }
    if (at >= text.size()) return fault(line, "a quote is not closed");
    const auto rest = trim(text.substr(at + 1));
    if (!rest.empty() && !rest.starts_with('#'))
        return fault(line, "something stands behind the closing quote");
    return value;
}

std::string read_plain(std::string_view text) {
    for (std::size_t at = 1; at < text.size(); ++at) {
        if (text[at] == '#' && is_ascii_blank(text[at - 1])) text = text.substr(0, at);
    }
    return std::string(trim(text));
}

// As a shell takes it as well, which reads such files too.
std::string write_value(std::string_view value) {
    const bool is_plain = std::all_of(value.begin(), value.end(), [](char c) {
        return is_ascii_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               std::string_view("+/=_-.,:@%").find(c) != std::string_view::npos;
    });
    if (is_plain) return std::string(value);
    std::string quoted = "\"";
    for (const char c : value) {
        if (c == '\n' || c == '\r' || c == '\t') {
            quoted += c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t";
            continue;
        }
        if (std::string_view("\"\\$`").find(c) != std::string_view::npos) quoted += '\\';
        quoted += c;
    }
    return quoted + "\"";
}

}  // namespace

std::string write_env_file(const Assignments& assignments) {
    std::string text;
    for (const auto& [name, value] : assignments) text += name + "=" + write_value(value) + "\n";
    return text;
}

Result<Assignments> parse_env_file(std::string_view text) {
    constexpr std::string_view kBom = "\xEF\xBB\xBF";
    if (text.starts_with(kBom)) text.remove_prefix(kBom.size());
    Assignments assignments;
    std::size_t number = 0;
    for (const auto raw : split(text, '\n')) {
        ++number;
        auto line = trim(raw);
        if (line.empty() || line.starts_with('#')) continue;
        if (line.starts_with("export ")) line = trim_left(line.substr(7));
        const auto equals = line.find('=');
        if (equals == std::string_view::npos)
            return fault(number, "no '=' in it", "write one NAME=value a line");
        const auto name = trim_right(line.substr(0, equals));
        if (!is_identifier(name)) return fault(number, "what stands before '=' is no variable name");
        const auto value = trim_left(line.substr(equals + 1));
        const bool quoted = value.starts_with('"') || value.starts_with('\'');
        assignments.emplace_back(name,
                                 quoted ? CALLCHAIN_TRY(read_quoted(value, number)) : read_plain(value));
    }
    return assignments;
}

}  // namespace callchain::config
