/// JSON as every command prints and reads it.
#pragma once

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace callchain::cli {

class Context;

/// A document for people and scripts: indented by two, without a line end. Bytes that are not UTF-8 become
/// U+FFFD.
[[nodiscard]] std::string json_document(const nlohmann::ordered_json& json);

/// json_document() and a line end, as a command's result.
void print_document(const Context& context, const nlohmann::ordered_json& document);

/// On one line, as NDJSON has it; bytes that are not UTF-8 as above.
[[nodiscard]] std::string json_line(const nlohmann::ordered_json& json);

/// Members in their order; `is_discarded()` where the text is no JSON.
[[nodiscard]] nlohmann::ordered_json read_json(std::string_view text);

/// null for an empty text.
[[nodiscard]] nlohmann::ordered_json text_or_null(std::string_view text);

/// The count of milliseconds, or null.
[[nodiscard]] nlohmann::ordered_json ms_or_null(const std::optional<std::chrono::milliseconds>& time);

}  // namespace callchain::cli
