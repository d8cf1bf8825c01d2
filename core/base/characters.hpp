/// Classes of characters beyond those of base/text.hpp, and how many characters a text has.
#pragma once

#include "base/text.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace callchain {

[[nodiscard]] constexpr bool is_ascii_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
[[nodiscard]] constexpr bool is_ascii_letter_or_digit(char c) {
    return is_ascii_letter(c) || is_ascii_digit(c);
}
[[nodiscard]] constexpr bool is_ascii_hex_digit(char c) {
    return is_ascii_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// Code points, where the text is UTF-8.
[[nodiscard]] constexpr std::size_t characters_in(std::string_view utf8) {
    return static_cast<std::size_t>(std::count_if(
        utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

/// "+" and 7 to 15 digits, the first of which is not 0. Source: ITU-T E.164 section 6.2.1; fewer than 7 are
/// no number that can be dialled from abroad.
[[nodiscard]] constexpr bool is_e164(std::string_view text) {
    constexpr std::size_t kFewestDigits = 7;
    constexpr std::size_t kMostDigits = 15;
    if (!text.starts_with('+')) return false;
    text.remove_prefix(1);
    return text.size() >= kFewestDigits && text.size() <= kMostDigits && text.front() != '0' &&
           std::all_of(text.begin(), text.end(), is_ascii_digit);
}

}  // namespace callchain
