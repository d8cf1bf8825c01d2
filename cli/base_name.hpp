/// The last part of a path.
#pragma once

#include <string>

namespace callchain::cli {

[[nodiscard]] inline std::string base_name(const std::string& path) {
    return path.substr(path.find_last_of('/') + 1);
}

}  // namespace callchain::cli
