/// What may be shown of a session description: it carries the keys of the call.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace callchain::sdp {

/// A line, or a word of one, as it may be shown or logged: control characters are made visible, and it is cut
/// to `most` characters. Of a line that may hold a key (a=crypto, a=ice-pwd, k=, and whatever looks like one
/// of them, also broken or within another attribute) only the name is shown, and "(not shown)".
[[nodiscard]] std::string shown_line(std::string_view line, std::size_t most = 200);

}  // namespace callchain::sdp
