#include "encoding/charset.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utf8proc.h>
#include <vector>

namespace callchain::encoding {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

// What 0x80 to 0x9F mean. Source: WHATWG Encoding Standard, index windows-1252.
constexpr std::array<char32_t, 32> kCp1252{0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
                                           0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x008D, 0x017D, 0x008F,
                                           0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                           0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178};

constexpr unsigned byte_at(std::string_view text, std::size_t index) {
    return static_cast<unsigned char>(text[index]);
}

constexpr bool is_surrogate(char32_t c) { return c >= 0xD800 && c <= 0xDFFF; }

tl::unexpected<Error> not_utf8(std::size_t at) {
    return fail_at(at, ErrorCode::bad_input, "text is not UTF-8");
}

char32_t to_code_point(unsigned byte, SingleByteCharset charset) {
    const bool special = charset == SingleByteCharset::cp1252 && byte >= 0x80 && byte <= 0x9F;
    return special ? kCp1252[byte - 0x80] : byte;
}

// The byte for a character, or 256 where the charset has none.
unsigned to_byte(char32_t c, SingleByteCharset charset) {
    const bool same = c < 0x80 || (c >= 0xA0 && c <= 0xFF);
    if (same || (charset == SingleByteCharset::latin1 && c <= 0xFF)) return c;
    if (charset == SingleByteCharset::latin1) return 256;
    const auto* const found = std::find(kCp1252.begin(), kCp1252.end(), c);
    return found == kCp1252.end() ? 256 : 0x80 + static_cast<unsigned>(found - kCp1252.begin());
}

void append_utf16_unit(std::string& out, char32_t unit, Utf16 order) {
    const auto high = static_cast<char>(unit >> 8U);
    const auto low = static_cast<char>(unit & 0xFFU);
    out += order == Utf16::big_endian ? high : low;
    out += order == Utf16::big_endian ? low : high;
}

char32_t utf16_unit_at(std::string_view bytes, std::size_t at, Utf16 order) {
    const unsigned first = byte_at(bytes, at);
    const unsigned second = byte_at(bytes, at + 1);
    return order == Utf16::big_endian ? first << 8U | second : second << 8U | first;
}

using CodePoints = std::vector<utf8proc_int32_t>;

void append_decomposed(CodePoints& out, char32_t c, utf8proc_option_t options) {
    constexpr utf8proc_ssize_t kMost = 32;  // the longest decomposition in Unicode is 18 (U+FDFA)
    const auto old_size = out.size();
    out.resize(old_size + kMost);
    int boundary = 0;
    const auto count =
        utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), &out[old_size], kMost, options, &boundary);
    if (count < 0 || count > kMost) std::abort();  // only for arguments that cannot occur here
    out.resize(old_size + static_cast<std::size_t>(count));
}

// The canonical ordering algorithm. utf8proc's own is quadratic in the length of a run of combining marks,
// which hostile text would use.
void order_marks(CodePoints& text) {
    const auto combining_class = [](utf8proc_int32_t c) { return utf8proc_get_property(c)->combining_class; };
    for (auto at = text.begin(); at != text.end();) {
        const auto is_mark = [&](utf8proc_int32_t c) { return combining_class(c) != 0; };
        const auto first = std::find_if(at, text.end(), is_mark);
        at = std::find_if_not(first, text.end(), is_mark);
        std::stable_sort(first, at, [&](utf8proc_int32_t a, utf8proc_int32_t b) {
            return combining_class(a) < combining_class(b);
        });
    }
}

}  // namespace

CodePoint first_code_point(std::string_view text) {
    constexpr std::array<unsigned, 5> kLeadMask{0, 0x7F, 0x1F, 0x0F, 0x07};
    const std::size_t length = utf8_sequence_length(text);
    if (length == 0) return {};
    char32_t value = byte_at(text, 0) & kLeadMask[length];
    for (std::size_t i = 1; i < length; ++i) value = value << 6U | (byte_at(text, i) & 0x3FU);
    return {value, length};
}

void append_utf8(std::string& out, char32_t code_point) {
    if (is_surrogate(code_point) || code_point > 0x10FFFF) code_point = kReplacement;
    const auto put = [&](char32_t bits) { out += static_cast<char>(bits); };
    const auto put_tail = [&](unsigned shift) { put(0x80U | ((code_point >> shift) & 0x3FU)); };
    if (code_point < 0x80) return put(code_point);
    if (code_point < 0x800) {
        put(0xC0U | code_point >> 6U);
    } else if (code_point < 0x10000) {
        put(0xE0U | code_point >> 12U);
        put_tail(6);
    } else {
        put(0xF0U | code_point >> 18U);
        put_tail(12);
        put_tail(6);
    }
    put_tail(0);
}

std::string single_byte_to_utf8(std::string_view bytes, SingleByteCharset charset) {
    std::string out;
    out.reserve(bytes.size());
    for (std::size_t at = 0; at < bytes.size(); ++at)
        append_utf8(out, to_code_point(byte_at(bytes, at), charset));
    return out;
}

Result<std::string> utf8_to_single_byte(std::string_view text, SingleByteCharset charset) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint c = first_code_point(text.substr(at));
        if (c.length == 0) return not_utf8(at);
        const unsigned byte = to_byte(c.value, charset);
        if (byte > 0xFF) {
            const std::string name = charset == SingleByteCharset::latin1 ? "Latin-1" : "Windows-1252";
            return fail_at(at, ErrorCode::bad_input,
                           name + " has no character \"" + visible(text.substr(at, c.length)) + '"');
        }
        out += static_cast<char>(byte);
        at += c.length;
    }
    return out;
}

Result<std::string> utf16_to_utf8(std::string_view bytes, Utf16 order) {
    std::string out;
    if (bytes.size() % 2 != 0)
        return fail_at(bytes.size(), ErrorCode::bad_input, "UTF-16 text has an odd number of bytes");
    for (std::size_t at = 0; at < bytes.size(); at += 2) {
        char32_t c = utf16_unit_at(bytes, at, order);
        if (is_surrogate(c)) {
            const char32_t low = at + 2 < bytes.size() ? utf16_unit_at(bytes, at + 2, order) : 0;
            if (c >= 0xDC00 || low < 0xDC00 || low > 0xDFFF)
                return fail_at(at, ErrorCode::bad_input, "UTF-16 text has an unpaired surrogate");
            c = 0x10000 + ((c - 0xD800) << 10U) + (low - 0xDC00);
            at += 2;
        }
        append_utf8(out, c);
    }
    return out;
}

Result<std::string> utf8_to_utf16(std::string_view text, Utf16 order) {
    std::string out;
    out.reserve(text.size() * 2);
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint c = first_code_point(text.substr(at));
        if (c.length == 0) return not_utf8(at);
        if (c.value < 0x10000) {
            append_utf16_unit(out, c.value, order);
        } else {
            append_utf16_unit(out, 0xD800 + ((c.value - 0x10000) >> 10U), order);
            append_utf16_unit(out, 0xDC00 + (c.value & 0x3FFU), order);
        }
        at += c.length;
    }
    return out;
}

Result<std::string> normalize_unicode(std::string_view text, NormalForm form) {
    const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
    if (std::all_of(text.begin(), text.end(), is_ascii)) return std::string(text);
    const int compatibility = form == NormalForm::nfkc ? UTF8PROC_COMPAT : 0;
    const auto decompose =
        static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | compatibility);
    CodePoints code_points;
    code_points.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint c = first_code_point(text.substr(at));
        if (c.length == 0) return not_utf8(at);
        append_decomposed(code_points, c.value, decompose);
        at += c.length;
    }
    order_marks(code_points);
    auto size = static_cast<utf8proc_ssize_t>(code_points.size());
    if (form != NormalForm::nfd) {
        size = utf8proc_normalize_utf32(code_points.data(), size,
                                        static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
        if (size < 0) std::abort();  // only for arguments that cannot occur here
    }
    std::string out;
    out.reserve(text.size());
    for (utf8proc_ssize_t i = 0; i < size; ++i)
        append_utf8(out, static_cast<char32_t>(code_points[static_cast<std::size_t>(i)]));
    return out;
}

}  // namespace callchain::encoding
