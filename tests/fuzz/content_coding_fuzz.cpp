/// Decoding stays below its limit and gives what it gave; every gzip variant decodes to its input.
#include "encoding/content_coding.hpp"
#include "fuzz/require.hpp"

#include <cstdint>

namespace callchain::encoding {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 20U;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    for (const auto coding : {ContentCoding::gzip, ContentCoding::zlib, ContentCoding::raw_deflate,
                              ContentCoding::brotli, ContentCoding::zstd}) {
        const auto decoded = decode_content(bytes, coding, kMostBytes);
        if (!decoded) {
            require(decoded.error().offset.value_or(size) <= size);
            continue;
        }
        require(decoded->size() <= kMostBytes);
        require(decode_content(bytes, coding, decoded->size()) == *decoded);
        if (!decoded->empty()) require(!decode_content(bytes, coding, decoded->size() - 1).has_value());
    }
    for (const auto& variant : gzip_variants(bytes)) {
        require(may_be_coded(variant, ContentCoding::gzip));
        require(decode_content(variant, ContentCoding::gzip, size) == std::string(bytes));
    }
    return 0;
}

}  // namespace callchain::encoding
