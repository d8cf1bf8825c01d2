/// What a fuzz target demands beyond not crashing.
#pragma once

#include <cstdlib>

namespace callchain {

/// Ends the run as a finding where a property does not hold.
inline void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace callchain
