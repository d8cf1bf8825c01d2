/// What Python and Ruby print of a value is read back as that value, and any other text is refused or read as
/// JSON.
#include "diagnosis/literals.hpp"
#include "encoding/json_text.hpp"
#include "fuzz/require.hpp"

#include <cstdint>

using namespace callchain;
using namespace callchain::diagnosis;

namespace {

/// JSON that came out of a literal says the same when it is printed and read once more.
void check_json(const std::optional<std::string>& json) {
    if (!json) return;
    const auto value = encoding::parse_json_text(*json);
    if (!value) return;  // a list of literals is wider than JSON: NaN, a key twice
    if (const auto again = python_dict_to_json(write_python_dict(*value)))
        require(encoding::parse_json_text(*again).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    require(read_python_bytes(write_python_bytes(text)) == std::string(text));
    if (const auto bytes = read_python_bytes(text)) {
        require(bytes->size() <= size);
        require(read_python_bytes(write_python_bytes(*bytes)) == bytes);
    }
    check_json(python_dict_to_json(text));
    check_json(ruby_inspect_to_json(text));
    const auto value = encoding::parse_json_text(text);
    if (!value) return 0;
    (void)write_python_dict(*value);
    for (const auto arrow : {RubyArrow::tight, RubyArrow::spaced}) (void)write_ruby_inspect(*value, arrow);
    return 0;
}
