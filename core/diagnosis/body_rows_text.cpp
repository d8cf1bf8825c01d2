/// Rows for line ends, blanks, byte-order marks, character sets, terminals and editors.
#include "base/text.hpp"
#include "diagnosis/body_rows.hpp"
#include "encoding/charset.hpp"

#include <algorithm>
#include <array>

namespace callchain::diagnosis {
namespace {

using encoding::SingleByteCharset;
using encoding::Utf16;

std::string operator+(std::string_view a, std::string_view b) { return std::string(a) += b; }

bool has_non_ascii(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

// ---- ends ----

std::string_view without_tail(std::string_view text, std::string_view set) {
    const auto last = text.find_last_not_of(set);
    return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

BodyVariants take_final_newlines(const BodyText& body) {
    const auto text = body.bytes();
    BodyVariants variants;
    if (text.ends_with("\r\n"))
        variants.push_back(
            {std::string(text.substr(0, text.size() - 2)), {{"line_end", std::string("CRLF")}}});
    if (text.ends_with('\n') || text.ends_with('\r')) {
        variants.push_back({std::string(text.substr(0, text.size() - 1)),
                            {{"line_end", std::string(text.ends_with('\n') ? "LF" : "CR")}}});
        variants.push_back({std::string(without_tail(text, "\r\n")), {{"line_end", std::string("all")}}});
    }
    return variants;
}

BodyVariants add_final_newline(const BodyText& body) {
    return {{body.bytes() + "\n", {{"line_end", std::string("LF")}}},
            {body.bytes() + "\r\n", {{"line_end", std::string("CRLF")}}}};
}

BodyVariants take_trailing_blanks(const BodyText& body) {
    const auto text = body.bytes();
    BodyVariants variants;
    if (text.ends_with(' ') || text.ends_with('\t'))
        variants.push_back({std::string(text.substr(0, text.size() - 1))});
    if (!text.empty() && is_ascii_blank(text.back())) variants.push_back({std::string(trim_right(text))});
    return variants;
}
BodyVariants add_trailing_blank(const BodyText& body) {
    return {{body.bytes() + " "}, {body.bytes() + "\t"}};
}

BodyVariants take_leading_blanks(const BodyText& body) {
    return variant_if_changed(body, std::string(trim_left(body.bytes())));
}
BodyVariants add_leading_blank(const BodyText& body) {
    return {{" " + body.bytes()}, {"\n" + body.bytes()}, {"\r\n" + body.bytes()}};
}

BodyVariants take_nuls(const BodyText& body) {
    return variant_if_changed(body, std::string(without_tail(body.bytes(), std::string_view("\0", 1))));
}
BodyVariants add_nul(const BodyText& body) { return one_variant(body.bytes() + std::string_view("\0", 1)); }

BodyVariants take_bom(const BodyText& body) {
    if (!body.bytes().starts_with(encoding::kUtf8Bom)) return {};
    return one_variant(std::string(body.bytes().substr(encoding::kUtf8Bom.size())));
}
BodyVariants add_bom(const BodyText& body) { return one_variant(encoding::kUtf8Bom + body.bytes()); }

// ---- line ends within ----

std::string to_lf(std::string_view text) { return replace_all(text, "\r\n", "\n"); }
BodyVariants crlf_to_lf(const BodyText& body) { return variant_if_changed(body, to_lf(body.bytes())); }
BodyVariants lf_to_crlf(const BodyText& body) {
    return variant_if_changed(body, replace_all(to_lf(body.bytes()), "\n", "\r\n"));
}
BodyVariants cr_to_lf(const BodyText& body) {
    return variant_if_changed(body, replace_all(body.bytes(), "\r", "\n"));
}
BodyVariants lf_to_cr(const BodyText& body) {
    return variant_if_changed(body, replace_all(body.bytes(), "\n", "\r"));
}

// ---- character sets ----

BodyVariants mend_mojibake(const BodyText& body) {
    BodyVariants variants;
    if (!has_non_ascii(body.bytes())) return variants;
    for (const auto charset : {SingleByteCharset::cp1252, SingleByteCharset::latin1}) {
        const auto once = encoding::utf8_to_single_byte(body.bytes(), charset);
        if (!once || !is_utf8(*once)) continue;
        variants.push_back({*once});
        if (const auto twice = encoding::utf8_to_single_byte(*once, charset); twice && is_utf8(*twice))
            variants.push_back({*twice});
    }
    return variants;
}
BodyVariants make_mojibake(const BodyText& body) {
    if (!has_non_ascii(body.bytes())) return {};
    return {{encoding::single_byte_to_utf8(body.bytes(), SingleByteCharset::cp1252)},
            {encoding::single_byte_to_utf8(body.bytes(), SingleByteCharset::latin1)}};
}

BodyVariants from_single_byte(const BodyText& body) {
    if (is_utf8(body.bytes())) return {};
    return make_mojibake(body);
}
BodyVariants to_single_byte(const BodyText& body) {
    BodyVariants variants;
    if (!has_non_ascii(body.bytes())) return variants;
    for (const auto charset : {SingleByteCharset::latin1, SingleByteCharset::cp1252}) {
        if (auto bytes = encoding::utf8_to_single_byte(body.bytes(), charset))
            variants.push_back({*std::move(bytes)});
    }
    return variants;
}

BodyVariants from_utf16(const BodyText& body) {
    BodyVariants variants;
    // ASCII in UTF-16 has a NUL in every other place; without one it is not worth a try.
    if (body.bytes().find('\0') == std::string_view::npos) return variants;
    for (const auto order : {Utf16::little_endian, Utf16::big_endian}) {
        auto text = encoding::utf16_to_utf8(body.bytes(), order);
        if (!text) continue;
        if (text->starts_with(encoding::kUtf8Bom)) text->erase(0, encoding::kUtf8Bom.size());
        variants.push_back({*std::move(text)});
    }
    return variants;
}
BodyVariants to_utf16(const BodyText& body) {
    BodyVariants variants;
    for (const auto order : {Utf16::little_endian, Utf16::big_endian}) {
        auto bytes = encoding::utf8_to_utf16(body.bytes(), order);
        if (!bytes) continue;
        variants.push_back(
            {(order == Utf16::little_endian ? std::string_view("\xFF\xFE") : std::string_view("\xFE\xFF")) +
             *bytes});
        variants.push_back({*std::move(bytes)});
    }
    return variants;
}

template <encoding::NormalForm Form>
BodyVariants to_normal_form(const BodyText& body) {
    if (!has_non_ascii(body.bytes())) return {};
    const auto text = encoding::normalize_unicode(body.bytes(), Form);
    return text ? variant_if_changed(body, *text) : BodyVariants{};
}

// ---- what editors, terminals and loggers do ----

BodyVariants straighten_quotes(const BodyText& body) {
    std::string text(body.bytes());
    for (const std::string_view mark : {"“", "”", "„", "«", "»"}) text = replace_all(text, mark, "\"");
    for (const std::string_view mark : {"‘", "’", "‚"}) text = replace_all(text, mark, "'");
    return variant_if_changed(body, text);
}
BodyVariants curl_quotes(const BodyText& body) {
    std::string out;
    bool open = false;
    for (const char c : body.bytes()) {
        if (c == '"') {
            open = !open;
            out += open ? "“" : "”";
        } else {
            out += c;
        }
    }
    return variant_if_changed(body, out);
}

BodyVariants nbsp_to_blank(const BodyText& body) {
    return variant_if_changed(body, replace_all(body.bytes(), "\u00A0", " "));
}
BodyVariants blank_to_nbsp(const BodyText& body) {
    return variant_if_changed(body, replace_all(body.bytes(), " ", "\u00A0"));
}

BodyVariants take_zero_width(const BodyText& body) {
    std::string text(body.bytes());
    for (const std::string_view mark : {"\u200B", "\u200C", "\u200D", "\u2060", "\uFEFF", "\u00AD"})
        text = replace_all(text, mark, "");
    return variant_if_changed(body, text);
}
BodyVariants add_zero_width(const BodyText& body) {
    return {{"\u200B" + body.bytes()}, {body.bytes() + "\u200B"}};
}

// ECMA-48 control sequences: ESC [ parameters, intermediates, one final byte.
BodyVariants take_ansi_codes(const BodyText& body) {
    const auto text = body.bytes();
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\x1b' || i + 1 >= text.size() || text[i + 1] != '[') {
            out += text[i];
            continue;
        }
        i += 2;
        while (i < text.size() && (text[i] < '@' || text[i] > '~')) ++i;
    }
    return variant_if_changed(body, out);
}
BodyVariants add_ansi_codes(const BodyText& body) {
    return one_variant("\x1b[0m" + body.bytes() + "\x1b[0m");
}

// "2026-01-25T14:03:11.123Z [inf] {…": whatever stands before the JSON on each line that has it.
std::string_view without_line_prefix(std::string_view line) {
    std::size_t at = 0;
    for (int words = 0; words < 4; ++words) {
        const auto end = line.find(' ', at);
        const auto word = line.substr(at, end == std::string_view::npos ? end : end - at);
        const bool stamped = std::count_if(word.begin(), word.end(), is_ascii_digit) >= 4 &&
                             word.find_first_of("-:") != std::string_view::npos;
        const bool tagged = (word.starts_with('[') && word.ends_with(']')) || word == "|" || word == "INFO" ||
                            word == "ERROR";
        if (end == std::string_view::npos || (!stamped && !tagged)) break;
        at = end + 1;
    }
    return line.substr(at);
}
BodyVariants take_line_prefixes(const BodyText& body) {
    const auto text = body.bytes();
    std::string by_line;
    for (const auto line : split(text, '\n')) {
        if (!by_line.empty() || line.data() != text.data()) by_line += '\n';
        by_line += without_line_prefix(line);
    }
    return variant_if_changed(body, by_line);
}

BodyVariants spaces_to_tabs(const BodyText& body) {
    BodyVariants variants;
    for (const std::size_t width : {8U, 4U, 2U}) {
        std::string text = replace_all(body.bytes(), std::string(width, ' '), "\t");
        if (text != body.bytes()) variants.push_back({std::move(text)});
    }
    return variants;
}
BodyVariants tabs_to_spaces(const BodyText& body) {
    BodyVariants variants;
    if (body.bytes().find('\t') == std::string_view::npos) return variants;
    for (const std::size_t width : {8U, 4U, 2U})
        variants.push_back({replace_all(body.bytes(), "\t", std::string(width, ' '))});
    return variants;
}

// What is missing to close every string, array and object that is open at the end.
std::string closers_of(std::string_view text) {
    std::string closers;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\')
                ++i;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            closers += c == '{' ? '}' : ']';
        } else if ((c == '}' || c == ']') && !closers.empty()) {
            closers.pop_back();
        }
    }
    if (in_string) closers += '"';
    std::reverse(closers.begin(), closers.end());
    return closers;
}
BodyVariants close_what_is_open(const BodyText& body) {
    const auto text = body.bytes();
    constexpr std::size_t kMostClosers = 16;
    if (!trim_left(text).starts_with('{')) return {};
    const auto closers = closers_of(text);
    if (closers.empty() || closers.size() > kMostClosers) return {};
    return one_variant(text + closers);
}
// Lengths at which loggers, shells and body parsers cut.
BodyVariants cut(const BodyText& body) {
    BodyVariants variants;
    for (const std::size_t length : {100U, 200U, 255U, 256U, 500U, 512U, 1000U, 1024U, 2000U, 2048U, 4000U,
                                     4096U, 8000U, 8192U, 16384U, 65536U, 102400U}) {
        if (length >= body.bytes().size()) break;
        variants.push_back(
            {std::string(body.bytes().substr(0, length)), {{"length", static_cast<std::int64_t>(length)}}});
    }
    if (!body.bytes().empty())
        variants.push_back({std::string(body.bytes().substr(0, body.bytes().size() - 1))});
    return variants;
}

using enum encoding::NormalForm;

constexpr std::array kRows{
    BodyRow{"body_trailing_newline_added", RowKind::structure, take_final_newlines, add_final_newline},
    BodyRow{"body_trailing_newline_removed", RowKind::structure, add_final_newline, take_final_newlines},
    BodyRow{"body_trailing_whitespace_added", RowKind::structure, take_trailing_blanks, add_trailing_blank},
    BodyRow{"body_trailing_whitespace_removed", RowKind::structure, add_trailing_blank, take_trailing_blanks},
    BodyRow{"body_leading_whitespace_added", RowKind::structure, take_leading_blanks, add_leading_blank},
    BodyRow{"body_leading_whitespace_removed", RowKind::structure, add_leading_blank, take_leading_blanks},
    BodyRow{"body_nul_appended", RowKind::structure, take_nuls, add_nul},
    BodyRow{"body_bom_added", RowKind::structure, take_bom, add_bom},
    BodyRow{"body_bom_removed", RowKind::structure, add_bom, take_bom},
    BodyRow{"body_lf_to_crlf", RowKind::structure, crlf_to_lf, lf_to_crlf},
    BodyRow{"body_crlf_to_lf", RowKind::structure, lf_to_crlf, crlf_to_lf},
    BodyRow{"body_cr_to_lf", RowKind::structure, lf_to_cr, cr_to_lf},
    BodyRow{"body_mojibake", RowKind::structure, mend_mojibake, make_mojibake},
    BodyRow{"body_latin1", RowKind::structure, from_single_byte, to_single_byte},
    BodyRow{"body_utf16", RowKind::structure, from_utf16, to_utf16},
    BodyRow{"body_nfc", RowKind::structure, to_normal_form<nfd>, to_normal_form<nfc>},
    BodyRow{"body_nfd", RowKind::structure, to_normal_form<nfc>, to_normal_form<nfd>},
    BodyRow{"body_nfkc", RowKind::structure, nullptr, to_normal_form<nfkc>},
    BodyRow{"body_smart_quotes", RowKind::structure, straighten_quotes, curl_quotes},
    BodyRow{"body_nbsp", RowKind::structure, nbsp_to_blank, blank_to_nbsp},
    BodyRow{"body_zero_width", RowKind::structure, take_zero_width, add_zero_width},
    BodyRow{"body_ansi_codes", RowKind::structure, take_ansi_codes, add_ansi_codes},
    BodyRow{"body_line_prefix", RowKind::structure, take_line_prefixes, nullptr},
    BodyRow{"body_tabs_to_spaces", RowKind::structure, spaces_to_tabs, tabs_to_spaces},
    BodyRow{"body_truncated", RowKind::structure, close_what_is_open, cut},
};

}  // namespace

std::span<const BodyRow> text_body_rows() { return kRows; }

}  // namespace callchain::diagnosis
