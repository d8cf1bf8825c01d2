/// What the text of a webhook-signature header, or a value that somebody's code printed, may stand for.
#pragma once

#include "diagnosis/forms.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace callchain::diagnosis {

/// A MAC to look for.
struct TargetForm {
    enum class Match {
        bytes,        ///< `value` holds the MAC
        prefix,       ///< `value` is the start of its base64 text, at least kShortestPrefix characters
        folded_text,  ///< `value` is its base64 text in lower case
    };
    Match match = Match::bytes;
    std::string value;
    Faults faults;  ///< empty: the value as the scheme has it
    int cost = 0;
};

/// 20 base64 characters stand for 120 bits: nothing matches those by chance.
inline constexpr std::size_t kShortestPrefix = 20;

/// Every MAC that `header` may mean, no two equal, cheapest first, with up to two faults each: how the parts
/// were joined or wrapped, and how the MAC was written. Takes bare values too. At most 128 forms.
[[nodiscard]] std::vector<TargetForm> target_forms(std::string_view header);

}  // namespace callchain::diagnosis
