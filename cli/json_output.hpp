/// JSON as every command prints and reads it.
#pragma once

#include "encoding/json_document.hpp"

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace callchain::cli {

class Context;

using encoding::json_document;
using encoding::json_line;

/// json_document() and a line end, as a command's result.
void print_document(const Context& context, const nlohmann::ordered_json& document);

/// Members in their order; `is_discarded()` where the text is no JSON.
[[nodiscard]] nlohmann::ordered_json read_json(std::string_view text);

/// null for an empty text.
[[nodiscard]] nlohmann::ordered_json text_or_null(std::string_view text);

/// The count of milliseconds, or null.
[[nodiscard]] nlohmann::ordered_json ms_or_null(const std::optional<std::chrono::milliseconds>& time);

}  // namespace callchain::cli
