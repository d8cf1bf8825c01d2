/// Strict base64 accepts only what we would write; Node's rules accept everything, and agree where strict
/// accepts.
#include "encoding/base64.hpp"
#include "fuzz/require.hpp"

#include <cstdint>

namespace callchain::encoding {

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto strict = parse_base64(text);
    const auto node = parse_base64(text, kNodeBase64);
    require(node.has_value() && node->size() <= size * 3 / 4);
    if (strict) {
        require(to_base64(*strict) == text);
        require(*node == *strict);
    } else {
        require(strict.error().offset.value_or(size + 1) <= size);
    }
    require(parse_base64(to_base64(text)) == std::string(text));
    require(parse_base64(to_base64url(text), {.alphabet = Base64Rules::Alphabet::url_safe}) ==
            std::string(text));
    return 0;
}

}  // namespace callchain::encoding
