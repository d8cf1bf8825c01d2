/// Tells how two spellings of one JSON document differ, and which serialiser writes each.
#pragma once

#include "diagnosis/forms.hpp"
#include "encoding/json_text.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace callchain::diagnosis {

/// A serialiser as people know it.
struct NamedStyle {
    std::string_view name;  ///< `compact`, `python`, `indent-2`, `php`, `go`, …
    encoding::JsonStyle style;
};
[[nodiscard]] const std::vector<NamedStyle>& named_styles();

/// .NET's System.Text.Json: compact, everything outside a short list of ASCII as upper-case \uXXXX.
/// Source: .NET documentation, JavaScriptEncoder.Default.
[[nodiscard]] std::string write_dotnet_json(const encoding::JsonValue& value);

/// The name of the serialiser that writes exactly `text` (blanks around it aside), or "other"; empty for no
/// JSON.
[[nodiscard]] std::string style_name(std::string_view text);

/// What became of `original` when it turned into `altered`, both spellings of about the same document: the
/// code of the one thing that changed, or body_json_reserialized where several did, with the styles of both
/// as evidence.
[[nodiscard]] Fault describe_json_change(std::string_view original, std::string_view altered);

}  // namespace callchain::diagnosis
