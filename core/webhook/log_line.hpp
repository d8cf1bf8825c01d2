/// What log transports put around and into a line, and taking it off again.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace callchain::webhook {

struct WithoutColours {
    std::string text;
    std::size_t removed = 0;  ///< escape sequences
};
/// Takes out ANSI escape sequences. Source: ECMA-48 section 5.4 (CSI), and OSC up to BEL or ESC backslash.
[[nodiscard]] WithoutColours without_colours(std::string_view line);

/// Both borrow from the line.
struct LogPrefix {
    std::string_view time;  ///< as logged; empty where the prefix has none
    std::string_view rest;  ///< the line behind the prefix
};
/// Takes off, as far as they are there and in any order: `name | ` of docker compose, a time stamp (ISO 8601,
/// `Jan 25 14:03:11`, `14:03:11`; also in brackets), `[inf]`, `INFO:`, `[1234]`, `WARNING:root:`, ` - name -
/// `.
[[nodiscard]] LogPrefix split_prefix(std::string_view line);

/// True for `…`, `...` (two dots and more) and `***` (two stars and more): marks by which something was left
/// out of a value. `[REDACTED]`, `<redacted>` and bullets count too.
[[nodiscard]] bool has_ellipsis(std::string_view value);

}  // namespace callchain::webhook
