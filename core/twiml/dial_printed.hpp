/// The pieces of text that a service printed: quoted strings, names, blanks. Internal: everybody else
/// includes dial_parameters.hpp.
#pragma once

#include "base/characters.hpp"
#include "base/text.hpp"
#include "encoding/text_codings.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace callchain::twiml::printed {

inline constexpr std::size_t kLongestName = 100;

inline bool is_name_char(char c) { return is_ascii_letter_or_digit(c) || c == '_' || c == '-'; }
inline bool is_quote(char c) { return c == '"' || c == '\'' || c == '`'; }
inline bool is_line_blank(char c) { return c == ' ' || c == '\t'; }

inline std::size_t skip_blanks(std::string_view text, std::size_t at) {
    while (at < text.size() && is_ascii_blank(text[at])) ++at;
    return at;
}

inline std::size_t skip_line_blanks(std::string_view text, std::size_t at) {
    while (at < text.size() && is_line_blank(text[at])) ++at;
    return at;
}

/// Appends what the escape at `at` (a backslash) stands for; returns the place behind it.
std::size_t read_escape(std::string_view text, std::size_t at, std::string& out);

struct Token {
    std::string text;
    std::size_t end = 0;  ///< behind it
    bool quoted = false;
    bool none = false;  ///< None, null, undefined
};

/// The string whose quote stands at `at`; nullopt where it has no end.
[[nodiscard]] std::optional<Token> read_quoted(std::string_view text, std::size_t at);

/// A quoted or bare name; PHP's [name] too.
[[nodiscard]] std::optional<Token> read_name(std::string_view text, std::size_t at);

/// `name=value name="other value" name=[value]`, apart by blanks or commas.
[[nodiscard]] encoding::FormFields read_words(std::string_view text);

/// Lines `name: value`, several of them on one line too, or name and value apart by tabs or several blanks,
/// as consoles show them.
[[nodiscard]] encoding::FormFields read_lines(std::string_view text);

/// PHP's print_r, `[name] => value`, on lines or on one; values have no quotes.
[[nodiscard]] encoding::FormFields read_print_r(std::string_view text);

}  // namespace callchain::twiml::printed
