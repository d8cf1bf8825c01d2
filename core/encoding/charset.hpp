/// Character sets and Unicode forms: the ways in which text is "the same" and the bytes are not.
#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace callchain::encoding {

inline constexpr std::string_view kUtf8Bom = "\xEF\xBB\xBF";

enum class SingleByteCharset { latin1, cp1252 };
/// Each byte as one character, written as UTF-8. The five bytes that CP1252 leaves undefined map to C1
/// controls, as in the WHATWG Encoding Standard's windows-1252.
[[nodiscard]] std::string single_byte_to_utf8(std::string_view bytes, SingleByteCharset charset);
/// Errors: bad_input, with offset, for what is not UTF-8 or not in the charset.
[[nodiscard]] Result<std::string> utf8_to_single_byte(std::string_view text, SingleByteCharset charset);

enum class Utf16 { little_endian, big_endian };
/// Errors: bad_input for an odd length or an unpaired surrogate. A byte-order mark is kept as U+FEFF.
[[nodiscard]] Result<std::string> utf16_to_utf8(std::string_view bytes, Utf16 order);
/// Errors: bad_input for what is not UTF-8. No byte-order mark is added.
[[nodiscard]] Result<std::string> utf8_to_utf16(std::string_view text, Utf16 order);

/// A scalar value and the number of UTF-8 bytes that it took.
struct CodePoint {
    char32_t value = 0;
    std::size_t length = 0;
};
/// The scalar value that starts `text`; length 0 where `text` is empty or not UTF-8 there.
[[nodiscard]] CodePoint first_code_point(std::string_view text);
/// UTF-8 of one scalar value; U+FFFD for a surrogate or anything above U+10FFFF.
void append_utf8(std::string& out, char32_t code_point);

enum class NormalForm { nfc, nfd, nfkc };
/// Errors: bad_input for what is not UTF-8. Source: Unicode Standard Annex #15.
[[nodiscard]] Result<std::string> normalize_unicode(std::string_view text, NormalForm form);

}  // namespace callchain::encoding
