/// KEY=value files, as `.env` files are written.
#pragma once

#include "base/result.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace callchain::config {

/// Names and values in the order of the file.
using Assignments = std::vector<std::pair<std::string, std::string>>;

/// One `NAME=value` a line; blank lines and lines that begin with `#` are skipped; `export ` in front is
/// allowed. A value in double quotes may hold the escapes \n \r \t \" \\ and \$; one in single quotes is
/// taken as it is; without quotes it ends at the line's end or at a blank followed by `#`, and blanks around
/// it go. Nothing is expanded. Lines end in LF or CRLF; a byte-order mark is skipped. Errors: bad_input, with
/// the line number in the message, for a line without '=', a name that is no identifier, or a quote that is
/// not closed. The message never shows a value.
[[nodiscard]] Result<Assignments> parse_env_file(std::string_view text);

/// The same as a file that parse_env_file() reads: quoted where a value needs it.
[[nodiscard]] std::string write_env_file(const Assignments& assignments);

}  // namespace callchain::config
