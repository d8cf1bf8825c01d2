/// JSON as every command prints and reads it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace callchain::cli {

/// A document for people and scripts: indented by two, without a line end. Bytes that are not UTF-8 become
/// U+FFFD.
[[nodiscard]] std::string json_document(const nlohmann::ordered_json& json);

/// The same on one line, as NDJSON has it.
[[nodiscard]] std::string json_line(const nlohmann::ordered_json& json);

/// Members in their order; `is_discarded()` where the text is no JSON.
[[nodiscard]] nlohmann::ordered_json read_json(std::string_view text);

}  // namespace callchain::cli
