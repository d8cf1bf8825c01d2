/// What parses must write, in any style, and parse again to an equal value.
#include "encoding/json_text.hpp"
#include "fuzz/require.hpp"

#include <cstdint>

namespace callchain::encoding {
namespace {

// Every style that leaves the value as it is; the bits of `choice` select it.
JsonStyle style_of(unsigned choice) {
    JsonStyle style;
    if ((choice & 1U) != 0) style.item_separator = ", ";
    if ((choice & 2U) != 0) style.name_separator = ": ";
    if ((choice & 4U) != 0) style.indent = "  ";
    if ((choice & 8U) != 0) style.non_ascii = JsonStyle::NonAscii::escaped;
    if ((choice & 16U) != 0) style.hex_case = JsonStyle::HexCase::upper;
    if ((choice & 32U) != 0) style.slash = JsonStyle::Slash::escaped;
    if ((choice & 64U) != 0) style.html = JsonStyle::Html::escaped;
    if ((choice & 128U) != 0) style.del = JsonStyle::Delete::escaped;
    return style;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto value = parse_json_text(text);
    if (!value) {
        require(value.error().offset.value_or(size) <= size);
        return 0;
    }
    require(parse_json_text(write_json_text(*value, style_of(data[size / 2]))) == *value);

    // What is written in these styles stays as it is when it is read and written again. Apart from each
    // other: a number beyond a double becomes a null.
    JsonStyle settled{.members = JsonStyle::Members::sorted, .numbers = JsonStyle::Numbers::javascript};
    settled.duplicates = JsonStyle::Duplicates::last_wins;
    JsonStyle without_nulls;
    without_nulls.nulls = JsonStyle::Nulls::dropped;
    for (const auto& style : {settled, without_nulls}) {
        const std::string once = write_json_text(*value, style);
        const auto again = parse_json_text(once);
        require(again.has_value() && write_json_text(*again, style) == once);
    }
    return 0;
}

}  // namespace callchain::encoding
