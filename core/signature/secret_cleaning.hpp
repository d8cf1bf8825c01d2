/// The ways in which a secret gets dirty between the page it is copied from and the process that reads it,
/// each with its undoing. One table serves the lint (what is odd about this text?) and the diagnosis (which
/// undoing makes the signature match?).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace callchain::signature {

struct SecretCleaning {
    std::string_view code;  ///< finding code, secret_…
    /// The text with that one kind of dirt taken off, or nullopt where there is none of it.
    std::optional<std::string> (*apply)(std::string_view text);
};

/// In the order in which a person would peel them off: the outermost first.
[[nodiscard]] std::span<const SecretCleaning> secret_cleanings();

/// Names of the invisible characters in `text` with their positions, e.g. "U+200B ZERO WIDTH SPACE at
/// character 7"; empty where there are none.
[[nodiscard]] std::string describe_invisible(std::string_view text);

}  // namespace callchain::signature
