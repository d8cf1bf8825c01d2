/// Where this server is, as far as the variables of `serve` say so.
#pragma once

#include "context.hpp"

#include <string>
#include <vector>

namespace callchain::cli {

/// The hosts of CALLCHAIN_PUBLIC_URL and RAILWAY_PUBLIC_DOMAIN, as diagnosis::host_of_url() writes them, each
/// once. What is no address is told on stderr.
[[nodiscard]] std::vector<std::string> own_hosts(const Context& context);

}  // namespace callchain::cli
