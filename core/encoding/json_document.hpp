/// JSON documents as everything here writes them.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace callchain::encoding {

/// For people and scripts: indented by two, without a line end. Bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string json_document(const nlohmann::ordered_json& json);

/// On one line, as NDJSON has it; bytes that are not UTF-8 as above.
[[nodiscard]] std::string json_line(const nlohmann::ordered_json& json);

}  // namespace callchain::encoding
