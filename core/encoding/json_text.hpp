/// JSON that survives a round trip: order, duplicate members and number tokens are kept, and the tree can be
/// written the way any common serialiser would write it.
#pragma once

#include "base/result.hpp"
#include "encoding/json_reader.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::encoding {

/// One value. Objects hold as many `names` as `items`, in the order written; arrays have no names.
struct JsonValue {
    using Kind = JsonKind;
    Kind kind = Kind::null;
    bool truth = false;              ///< of a boolean
    std::string text;                ///< a number's token as written; a string's decoded UTF-8
    std::vector<std::string> names;  ///< decoded UTF-8
    std::vector<JsonValue> items;

    /// The first member of that name, or nullptr; also nullptr where this is no object.
    [[nodiscard]] const JsonValue* find(std::string_view name) const;

    /// Same kind, same token or text, same members in the same order.
    [[nodiscard]] bool operator==(const JsonValue&) const = default;
};

/// The whole text as one value. Errors: those of JsonReader. Never recurses on the input.
[[nodiscard]] Result<JsonValue> parse_json_text(std::string_view text);

/// How a serialiser writes. The default is JavaScript's JSON.stringify, but with numbers as they were read.
struct JsonStyle {
    enum class NonAscii { literal, escaped };  ///< escaped: \uXXXX, surrogate pairs above U+FFFF
    enum class HexCase { lower, upper };
    enum class Slash { plain, escaped };   ///< escaped: \/ as PHP writes it
    enum class Html { plain, escaped };    ///< escaped: < > & U+2028 U+2029 as \u003c … (Go)
    enum class Delete { plain, escaped };  ///< U+007F
    /// sorted: by the bytes of the names. sender_order: id, object, created_at, type, data, name, value,
    /// call_id, sip_headers, then the others as read. Both at every depth.
    enum class Members { as_read, sorted, sender_order };
    /// javascript: through an IEEE double, printed as JSON.stringify does. integral_as_float: 1 as 1.0.
    enum class Numbers { as_read, javascript, integral_as_float };
    enum class Nulls { kept, dropped };
    enum class Duplicates { kept, last_wins };  ///< last_wins: the last value, at the place of the first
    std::string_view item_separator = ",";      ///< with an indent: what stands before each line end
    std::string_view name_separator = ":";
    std::string_view indent = {};  ///< one level, e.g. "  " or "\t"; empty: all on one line
    NonAscii non_ascii = NonAscii::literal;
    HexCase hex_case = HexCase::lower;
    Slash slash = Slash::plain;
    Html html = Html::plain;
    Delete del = Delete::plain;
    Members members = Members::as_read;
    Numbers numbers = Numbers::as_read;
    Nulls nulls = Nulls::kept;
    Duplicates duplicates = Duplicates::kept;
};

/// Writes `value` with short escapes (\b \t \n \f \r \" \\) and other control characters as \u00XX. No final
/// line end. Empty arrays and objects are `[]` and `{}` in every style.
[[nodiscard]] std::string write_json_text(const JsonValue& value, const JsonStyle& style);

/// `text` as one JSON string, quotes included, as JSON.stringify (literal) or Python's json.dumps (escaped,
/// U+007F too) writes it. Bytes that are not UTF-8 become U+FFFD, each one.
[[nodiscard]] std::string quote_json(std::string_view text,
                                     JsonStyle::NonAscii non_ascii = JsonStyle::NonAscii::literal);

}  // namespace callchain::encoding
