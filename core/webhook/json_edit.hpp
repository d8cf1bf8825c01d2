/// Changes one member of a JSON text and leaves every other byte as it is, so that a delivery stays what its
/// sender wrote but for what was meant.
#pragma once

#include "base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace callchain::webhook {

/// What becomes of one member.
struct JsonEdit {
    enum class As {
        text,  ///< a string; but where the member there is no string and `value` is JSON, that JSON
        json,  ///< `value` is JSON
    };
    std::vector<std::string> path;  ///< names, and indices of arrays in decimal; "-" behind the last item
    As as = As::text;
    std::string value;
    std::string shown;  ///< the path as it was written, for messages
};

/// Reads `data.call_id=rtc_1`, `/data/call_id=rtc_1` (JSON pointer: ~0 is ~, ~1 is /) and, for a value that
/// is JSON whatever was there, `created_at:=1767801600`. The path ends at the first '='. A name with a dot in
/// it, an empty one, or one that begins with '/' needs the pointer; one with '=' cannot be written. Errors:
/// usage for no '=', an empty path, an empty step between dots, a broken escape, text that is not UTF-8, a
/// value behind ":=" that is no JSON. A value that looks like a secret is not quoted. Source: RFC 6901.
[[nodiscard]] Result<JsonEdit> parse_json_edit(std::string_view argument);

/// `body` with that one member replaced in place, or added as the last member of an object (behind the last
/// item of an array, with "-"), with the separators that the body itself uses. Of a name that stands there
/// twice the last one counts, as for most readers.
/// Errors: bad_input where the body is no JSON, or where a step of the path leads nowhere: the message names
/// the step, and the hint the members that are there (at most 12). limit for nesting deeper than
/// encoding::kMostJsonDepth.
[[nodiscard]] Result<std::string> edit_json(std::string_view body, const JsonEdit& edit);

/// True where edit_json() succeeds by adding what was not there: a slip of the pen in the path, perhaps.
[[nodiscard]] bool adds_member(std::string_view body, const JsonEdit& edit);

}  // namespace callchain::webhook
