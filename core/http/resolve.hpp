/// The addresses of a host, as the system's resolver gives them.
#pragma once

#include "base/result.hpp"

#include <string>
#include <vector>

namespace callchain::http {

/// Numeric addresses in the order in which they would be tried, each once, at most 16. Blocks: for commands
/// that show what they would connect to. Units: `host` is a name or an address without brackets.
/// Errors: io naming the host and the resolver's words.
[[nodiscard]] Result<std::vector<std::string>> resolve_host(const std::string& host);

}  // namespace callchain::http
