/// Shared parts of printing findings: colours, wrapping, JSON members.
#pragma once

#include "diagnosis/finding.hpp"
#include "diagnosis/report.hpp"

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace callchain::diagnosis {

enum class Paint { bold, red, green, yellow, faint };
[[nodiscard]] std::string paint(std::string_view text, Paint style, Colour colour);

/// Code and title, detail, evidence and fix of one finding, indented, as several lines.
[[nodiscard]] std::string finding_text(const Finding& finding, Colour colour);

/// code, proved, title, detail, fix, evidence.
[[nodiscard]] nlohmann::ordered_json finding_json(const Finding& finding);

/// The document of render_json() as a value, for commands that embed it.
[[nodiscard]] nlohmann::ordered_json report_json(const Report& report, std::string_view tool_version);

}  // namespace callchain::diagnosis
