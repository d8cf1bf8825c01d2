/// A form that was parsed must write and parse again to equal fields; each layer of text coding must undo
/// itself.
#include "encoding/text_codings.hpp"
#include "fuzz/require.hpp"

#include <cstdint>

namespace callchain::encoding {

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const FormFields fields = parse_form(text);
    require(parse_form(write_form(fields)) == fields);

    for (const auto plus : {PlusSign::literal, PlusSign::space}) {
        require(percent_decode(text, plus).size() <= size);
        require(percent_decode(percent_encode(text), plus) == text);
    }
    require(html_unescape(html_escape(text)) == text);
    require(html_unescape(text).size() <= size);
    require(parse_hex(to_hex(text)) == std::string(text));
    const auto chunked = parse_chunked(text);
    require(chunked ? chunked->size() < size : chunked.error().offset.value_or(size + 1) <= size);
    return 0;
}

}  // namespace callchain::encoding
