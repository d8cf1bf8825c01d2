/// The vocabulary that the tables of the diagnosis share: one row is a way in which something may have gone
/// wrong, one form is the key, content, body or signature that results when it is undone (or done).
#pragma once

#include "diagnosis/finding.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace callchain::diagnosis {

/// Which way a diagnosis looks at the tables.
enum class Direction {
    received,  ///< a delivery is here and its signature does not match: undo what happened on the way
    computed,  ///< somebody's code printed a value: do what that code did wrong
};

/// One thing that went wrong, as a catalogue code with what is known of this case.
struct Fault {
    std::string_view code;
    std::vector<Evidence> evidence = {};
};
using Faults = std::vector<Fault>;

/// Whether a form is worth combining with faults elsewhere. One-character typos are many, so they stand
/// alone.
enum class Reach { combines, alone };

[[nodiscard]] inline Faults operator+(const Faults& a, const Faults& b) {
    Faults both = a;
    both.insert(both.end(), b.begin(), b.end());
    return both;
}

}  // namespace callchain::diagnosis
