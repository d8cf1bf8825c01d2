/// Small helpers over bytes and ASCII text. Throughout the project bytes travel as std::string and
/// std::string_view: nothing here or elsewhere assumes that they are text unless its name says so.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain {

/// Space, TAB, CR, LF, VT and FF: the blanks of C's isspace in the "C" locale.
[[nodiscard]] constexpr bool is_ascii_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
[[nodiscard]] constexpr bool is_ascii_digit(char c) { return c >= '0' && c <= '9'; }

[[nodiscard]] std::string ascii_lower(std::string_view text);
[[nodiscard]] std::string ascii_upper(std::string_view text);
/// Equality without regard to ASCII case; other bytes compare as they are.
[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b);
[[nodiscard]] bool starts_with_ignoring_case(std::string_view text, std::string_view prefix);

/// Borrow from `text`: without ASCII blanks at either end, or at one.
[[nodiscard]] std::string_view trim(std::string_view text);
[[nodiscard]] std::string_view trim_left(std::string_view text);
[[nodiscard]] std::string_view trim_right(std::string_view text);

/// The pieces between separators, empty ones included; always at least one. Borrow from `text`.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);
[[nodiscard]] std::string join(const std::vector<std::string>& parts, std::string_view separator);
[[nodiscard]] std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

/// Reads decimal digits and nothing else. nullopt: empty, any other byte, or more than int64 holds.
[[nodiscard]] std::optional<std::int64_t> parse_decimal(std::string_view text);

/// The length of the UTF-8 sequence that starts `text` (1 to 4), or 0 where it is not valid UTF-8.
/// Source: RFC 3629 section 4 (no surrogates, nothing overlong, nothing above U+10FFFF).
[[nodiscard]] std::size_t utf8_sequence_length(std::string_view text);
[[nodiscard]] bool is_utf8(std::string_view text);
/// Whether each byte is one of '!' to '~'; so is an empty text. Source: RFC 5234 appendix B.1, VCHAR.
[[nodiscard]] bool is_visible_ascii(std::string_view text);

/// Text from outside made safe for a terminal or log: control characters (C0, DEL, C1 and the bidirectional
/// overrides) and bytes that are not UTF-8 become `\n`, `\t`, `\x1b`, `\u202e`; a backslash stays as it is.
[[nodiscard]] std::string visible(std::string_view text);
/// As visible(), cut to `most` characters of output with `…` where something was left out.
[[nodiscard]] std::string visible_excerpt(std::string_view text, std::size_t most);

/// Breaks `text` at blanks into lines of at most `width` characters, each but the first behind `indent`. A
/// word that is longer than a line stays whole. No final line end.
[[nodiscard]] std::string wrap_text(std::string_view text, std::size_t width, std::string_view indent);

/// "1 byte", "1,680 bytes".
[[nodiscard]] std::string count_of(std::uint64_t count, std::string_view singular,
                                   std::string_view plural = {});
[[nodiscard]] std::string with_thousands(std::uint64_t count);
/// "301 seconds", "10 minutes", "2 hours", "516 days": rounded down, in seconds below ten minutes. The sign
/// is left off.
[[nodiscard]] std::string duration_of(std::chrono::seconds duration);

}  // namespace callchain
