/// What one character set says is said again by going there and back, and what is no text is refused with a
/// place in it.
#include "base/text.hpp"
#include "encoding/charset.hpp"
#include "fuzz/require.hpp"

#include <cstdint>

namespace callchain::encoding {
namespace {

void check_place(const Error& error, std::size_t size) { require(error.offset.value_or(0) <= size); }

void check_single_byte(std::string_view bytes) {
    for (const auto charset : {SingleByteCharset::latin1, SingleByteCharset::cp1252}) {
        const auto text = single_byte_to_utf8(bytes, charset);
        require(is_utf8(text) && text.size() <= 3 * bytes.size());
        require(utf8_to_single_byte(text, charset) == std::string(bytes));
        const auto narrow = utf8_to_single_byte(bytes, charset);
        if (narrow)
            require(single_byte_to_utf8(*narrow, charset) == bytes);
        else
            check_place(narrow.error(), bytes.size());
    }
}

void check_utf16(std::string_view bytes) {
    for (const auto order : {Utf16::little_endian, Utf16::big_endian}) {
        const auto text = utf16_to_utf8(bytes, order);
        if (text)
            require(is_utf8(*text) && utf8_to_utf16(*text, order) == std::string(bytes));
        else
            check_place(text.error(), bytes.size());
        const auto wide = utf8_to_utf16(bytes, order);
        require(wide.has_value() == is_utf8(bytes));
        if (wide) require(utf16_to_utf8(*wide, order) == std::string(bytes));
    }
}

void check_code_points(std::string_view bytes) {
    std::string again;
    auto rest = bytes;
    while (!rest.empty()) {
        const auto point = first_code_point(rest);
        if (point.length == 0) break;
        require(point.length <= rest.size() && point.length <= 4);
        append_utf8(again, point.value);
        rest.remove_prefix(point.length);
    }
    require(bytes.starts_with(again) && (rest.empty() == is_utf8(bytes)));
}

void check_normal_forms(std::string_view bytes) {
    for (const auto form : {NormalForm::nfc, NormalForm::nfd, NormalForm::nfkc}) {
        const auto normal = normalize_unicode(bytes, form);
        require(normal.has_value() == is_utf8(bytes));
        if (normal) require(is_utf8(*normal) && normalize_unicode(*normal, form) == *normal);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    check_single_byte(bytes);
    check_utf16(bytes);
    check_code_points(bytes);
    check_normal_forms(bytes);
    return 0;
}

}  // namespace callchain::encoding
