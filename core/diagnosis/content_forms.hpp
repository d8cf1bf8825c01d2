/// What may have been signed around the body, and in which order.
#pragma once

#include "diagnosis/forms.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace callchain::diagnosis {

/// The signed bytes are `before` + body + `after`.
struct ContentForm {
    std::string before;
    std::string after;
    Faults faults;  ///< empty: id "." timestamp "."
    int cost = 0;
};

/// What content forms are made from. All borrow from the caller.
struct ContentMaterial {
    std::string_view id;
    std::string_view timestamp;
    std::string_view body;  ///< searched for its event id, call id and created_at
    std::vector<std::pair<std::string, std::string>>
        others;  ///< (webhook-id, webhook-timestamp) of other deliveries at hand
};

/// No two with equal text, cheapest first; at most one fault each, but for an altered id together with an
/// altered timestamp.
[[nodiscard]] std::vector<ContentForm> content_forms(const ContentMaterial& material);

/// The other ways in which that Unix time is commonly written, and, where `timestamp` is not plain digits,
/// the digits that it stands for. Each with its finding code.
struct TimestampForm {
    std::string_view code;
    std::string text;
};
[[nodiscard]] std::vector<TimestampForm> timestamp_forms(std::string_view timestamp);

}  // namespace callchain::diagnosis
