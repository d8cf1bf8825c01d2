/// The certificates of authorities that peers are held against.
#pragma once

#include "base/result.hpp"

#include <chrono>
#include <cstddef>
#include <string>

namespace callchain::http {

struct CaStore {
    std::string path;              ///< the file that was read
    std::size_t certificates = 0;  ///< in it, at least one
    std::size_t in_date = 0;       ///< of them, at the time that was given
};

/// Reads the store that Client uses: `ca_file`, or the system's where it is empty. I/O. Errors: io for a file
/// that cannot be read or has no certificate in it; the message names it.
[[nodiscard]] Result<CaStore> inspect_ca_store(const std::string& ca_file, std::chrono::sys_seconds now);

}  // namespace callchain::http
