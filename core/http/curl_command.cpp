#include "base/text.hpp"
#include "http/client.hpp"
#include "http/request_rules.hpp"

#include <algorithm>

namespace callchain::http {
namespace {

// Three octal digits: unlike \x, no digit that follows can be taken for a part of it.
std::string octal_escape(char c) {
    const auto byte = static_cast<unsigned char>(c);
    const auto digit = [byte](unsigned shift) { return static_cast<char>('0' + ((byte >> shift) & 7U)); };
    return {'\\', digit(6), digit(3), digit(0)};
}

// One character of `text` as it stands in $'…', taken off its front.
std::string take_escaped(std::string_view& text) {
    const auto length = std::max<std::size_t>(1, utf8_sequence_length(text));
    const auto character = text.substr(0, length);
    text.remove_prefix(length);
    if (character == "'" || character == "\\") return '\\' + std::string(character);
    if (character == "\n") return "\\n";
    if (character == "\t") return "\\t";
    if (character == "\r") return "\\r";
    if (visible(character) == character) return std::string(character);
    std::string escaped;
    for (const char c : character) escaped += octal_escape(c);
    return escaped;
}

std::string escaped(std::string_view text) {
    std::string out;
    while (!text.empty()) out += take_escaped(text);
    return out;
}

std::string quoted(std::string_view text) {
    if (visible(text) == text) return '\'' + replace_all(text, "'", "'\\''") + '\'';
    return "$'" + escaped(text) + '\'';
}

// For %b of printf, whose octal escapes have a zero in front.
std::string for_printf(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) {
        const bool plain = c >= ' ' && c <= '~' && c != '\\' && c != '\'';
        out += plain ? std::string(1, c) : "\\0" + octal_escape(c).substr(1);
    }
    return out;
}

bool is_variable_name(std::string_view name) {
    return !name.empty() && !is_ascii_digit(name.front()) &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return c == '_' || is_ascii_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
           });
}

// In double quotes, where the shell puts the value in; a token has none of the characters that mean more.
std::string authorization(const Header& header, std::string_view variable) {
    const auto blank = header.value.find(' ');
    const auto scheme = std::string_view(header.value).substr(0, blank == std::string::npos ? 0 : blank);
    const bool kept = is_token(scheme) && scheme.find_first_of("$`!") == std::string_view::npos;
    return "\"Authorization: " + (kept ? std::string(scheme) + ' ' : std::string()) + '$' +
           std::string(is_variable_name(variable) ? variable : "SECRET") + '"';
}

std::string header_argument(const Header& header, std::string_view variable) {
    if (equal_ignoring_case(header.name, "Authorization")) return authorization(header, variable);
    // curl takes "Name:" as an order to leave the header out, "Name;" as one to send it empty.
    if (header.value.empty()) return quoted(header.name + ';');
    return quoted(header.name + ": " + header.value);
}

bool has_header(const ClientRequest& request, std::string_view name) {
    return std::any_of(request.headers.begin(), request.headers.end(),
                       [name](const Header& header) { return equal_ignoring_case(header.name, name); });
}

std::string method_options(const ClientRequest& request, bool with_body) {
    if (request.method == "HEAD") return " --head";
    if (request.method == "GET" && !with_body) return "";
    return " -X " +
           (is_token(request.method) && request.method.find_first_of("$`!&|*'~#") == std::string::npos
                ? request.method
                : quoted(request.method));
}

std::string url_options(std::string_view url) {
    std::string options;
    if (url.find_first_of("[]{}") != std::string_view::npos) options += " --globoff";
    if (url.find("/.") != std::string_view::npos) options += " --path-as-is";
    return options + (url.starts_with('-') ? " --url " : " ") + quoted(url);
}

}  // namespace

std::string curl_command(const ClientRequest& request, std::string_view secret_variable) {
    const bool with_body = request.method != "HEAD" && (!request.body.empty() || takes_body(request.method));
    std::string command = "curl" + method_options(request, with_body) + url_options(request.url);
    for (const auto& header : request.headers) {
        if (!is_well_formed(header) || is_framing_header(header)) continue;
        command += " -H " + header_argument(header, secret_variable);
    }
    if (!with_body) return command;
    // What curl would add, and the client does not.
    if (!has_header(request, "Content-Type")) command += " -H 'Content-Type:'";
    // No argument can hold a NUL, and none may be longer than 128 KiB (execve(2)): printf is the shell's own.
    constexpr std::size_t kMostArgument = 64'000;
    if (request.body.find('\0') == std::string::npos && request.body.size() <= kMostArgument)
        return command + " --data-raw " + quoted(request.body);
    return "printf %b '" + for_printf(request.body) + "' | " + command + " --data-binary @-";
}

}  // namespace callchain::http
