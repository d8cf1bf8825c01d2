/// Which lines and files belong to a call, and what is told to whom. For core/evidence alone.
#pragma once

#include "evidence/bundle.hpp"
#include "timeline/timeline.hpp"

#include <string>
#include <vector>

namespace callchain::evidence {

struct Selection {
    std::vector<Input> inputs;  ///< what is left of them, those of which nothing is left taken out
    std::vector<timeline::Timeline> calls;
    Ids ids;
};

/// Errors: those of make_bundle().
[[nodiscard]] Result<Selection> select(const Request& request);

}  // namespace callchain::evidence
