#include "base/shell_word.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace callchain {

std::string shell_word(std::string_view text) {
    const bool is_plain = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return is_ascii_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               std::string_view("_-./:=,+@%").find(c) != std::string_view::npos;
    });
    return is_plain ? std::string(text) : "'" + replace_all(text, "'", "'\\''") + "'";
}

}  // namespace callchain
