/// What we found out about an input, as a value that renders to text and to JSON.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace callchain::diagnosis {

using EvidenceValue = std::variant<std::string, std::int64_t, bool>;

/// A named fact that supports a finding. Never holds a secret, a key or a whole body.
struct Evidence {
    std::string name;  ///< snake_case; a member name in JSON
    EvidenceValue value;
};

/// Proved: recomputing reproduced the given signature, byte for byte. Anything else is a hint.
enum class Proof { proved, hint };

/// One fault or remark. `code` is a row of the catalogue (diagnosis/catalogue.hpp), which also has its title,
/// fix and page.
struct Finding {
    std::string code;
    Proof proof = Proof::hint;
    std::string detail;  ///< one or two sentences about this case
    std::vector<Evidence> evidence = {};
};

}  // namespace callchain::diagnosis
