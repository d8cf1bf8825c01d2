/// Where a run of the simulator keeps its files.
#pragma once

#include "base/result.hpp"

#include <string>

namespace callchain::cli {

/// A new folder in TMPDIR that is ours alone. Errors: io.
[[nodiscard]] Result<std::string> make_run_folder();

}  // namespace callchain::cli
