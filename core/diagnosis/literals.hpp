/// JSON documents and bodies as other languages print them when somebody logs or concatenates a value.
#pragma once

#include "encoding/json_text.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace callchain::diagnosis {

/// Python's repr of bytes: `b'…'`. Source: Python Language Reference, "String and Bytes literals".
[[nodiscard]] std::string write_python_bytes(std::string_view bytes);
/// nullopt where `text` is no bytes literal.
[[nodiscard]] std::optional<std::string> read_python_bytes(std::string_view text);

/// Python's repr of the dict, list, str, int, float, bool and None that json.loads makes of the document.
[[nodiscard]] std::string write_python_dict(const encoding::JsonValue& value);
/// The JSON text of such a repr, or nullopt.
[[nodiscard]] std::optional<std::string> python_dict_to_json(std::string_view text);

/// Ruby's Hash#inspect: `{"a"=>1}` up to 3.3, `{"a" => 1}` from 3.4.
enum class RubyArrow { tight, spaced };
[[nodiscard]] std::string write_ruby_inspect(const encoding::JsonValue& value, RubyArrow arrow);
/// The JSON text of such an inspect, or nullopt.
[[nodiscard]] std::optional<std::string> ruby_inspect_to_json(std::string_view text);

}  // namespace callchain::diagnosis
