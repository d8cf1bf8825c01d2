/// Text as one word of a shell, for commands that are shown to be pasted.
#pragma once

#include <string>
#include <string_view>

namespace callchain {

/// As it is where a POSIX shell reads it as one word of itself, else in single quotes.
/// Source: POSIX.1-2017, Shell Command Language, 2.2.2.
[[nodiscard]] std::string shell_word(std::string_view text);

}  // namespace callchain
