/// Rows for content codings, framing and the encodings that gateways and form parsers put around a body.
#include "base/text.hpp"
#include "diagnosis/body_rows.hpp"
#include "encoding/base64.hpp"
#include "encoding/content_coding.hpp"
#include "encoding/text_codings.hpp"

#include <algorithm>
#include <array>

namespace callchain::diagnosis {
namespace {

using encoding::ContentCoding;
using encoding::PlusSign;

void add_decoded(BodyVariants& variants, std::string_view bytes, ContentCoding coding) {
    if (!encoding::may_be_coded(bytes, coding)) return;
    if (auto decoded = encoding::decode_content(bytes, coding)) variants.push_back({*std::move(decoded)});
}

template <ContentCoding... Codings>
BodyVariants decode(const BodyText& body) {
    BodyVariants variants;
    (add_decoded(variants, body.bytes(), Codings), ...);
    return variants;
}

// Compressing a megabyte at every level costs more than the answer is worth: nobody signs that by accident.
BodyVariants gzip(const BodyText& body) {
    constexpr std::size_t kMostBytes = std::size_t{64} << 10U;
    BodyVariants variants;
    if (body.bytes().size() > kMostBytes) return variants;
    for (auto& stream : encoding::gzip_variants(body.bytes())) variants.push_back({std::move(stream)});
    return variants;
}

BodyVariants from_base64(const BodyText& body) {
    std::string text(trim(body.bytes()));
    text.erase(std::remove_if(text.begin(), text.end(), is_ascii_blank), text.end());
    if (text.size() < 4) return {};
    constexpr encoding::Base64Rules kRules{encoding::Base64Rules::Alphabet::either,
                                           encoding::Base64Rules::Padding::optional};
    auto bytes = encoding::parse_base64(text, kRules);
    return bytes ? one_variant(*std::move(bytes)) : BodyVariants{};
}
BodyVariants to_base64(const BodyText& body) {
    return {{encoding::to_base64(body.bytes())},
            {encoding::to_base64(body.bytes()) + "\n"},
            {encoding::to_base64url(body.bytes())}};
}

BodyVariants take_chunk_framing(const BodyText& body) {
    auto bytes = encoding::parse_chunked(body.bytes());
    return bytes ? one_variant(*std::move(bytes)) : BodyVariants{};
}
BodyVariants add_chunk_framing(const BodyText& body) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string size;
    for (auto rest = body.bytes().size(); rest > 0; rest /= 16) size.insert(size.begin(), kDigits[rest % 16]);
    return one_variant(size + "\r\n" + std::string(body.bytes()) + "\r\n0\r\n\r\n");
}

// RFC 2046 section 5.1: the first line is the delimiter.
BodyVariants take_parts(const BodyText& body) {
    const auto text = body.bytes();
    BodyVariants variants;
    if (!text.starts_with("--")) return variants;
    const std::string delimiter(trim_right(text.substr(0, text.find('\n'))));
    if (delimiter.size() < 3 || delimiter.size() > 72) return variants;
    constexpr std::size_t kMostParts = 16;
    for (std::size_t at = 0; variants.size() < kMostParts;) {
        const auto end = text.find(delimiter, at + delimiter.size());
        if (end == std::string_view::npos) break;
        auto part = text.substr(at, end - at);
        const auto crlf = part.find("\r\n\r\n");
        const auto lf = part.find("\n\n");
        if (crlf != std::string_view::npos)
            part.remove_prefix(crlf + 4);
        else if (lf != std::string_view::npos)
            part.remove_prefix(lf + 2);
        if (part.ends_with("\r\n"))
            part.remove_suffix(2);
        else if (part.ends_with('\n'))
            part.remove_suffix(1);
        variants.push_back({std::string(part)});
        at = end;
    }
    return variants;
}
BodyVariants wrap_in_multipart(const BodyText& body) {
    const std::string boundary = "--boundary";
    return one_variant(boundary + "\r\nContent-Disposition: form-data; name=\"body\"\r\n\r\n" +
                       std::string(body.bytes()) + "\r\n" + boundary + "--\r\n");
}

bool looks_like_form(std::string_view text) {
    return text.find('=') != std::string_view::npos &&
           text.find_first_of(" \t\r\n{") == std::string_view::npos;
}
BodyVariants take_field(const BodyText& body) {
    BodyVariants variants;
    if (!looks_like_form(body.bytes())) return variants;
    constexpr std::size_t kMostFields = 32;
    for (auto& [name, value] : encoding::parse_form(body.bytes())) {
        if (value.size() < 2 || variants.size() == kMostFields) continue;
        variants.push_back({std::move(value), {{"field", visible_excerpt(name, 60)}}});
    }
    return variants;
}
BodyVariants wrap_in_field(const BodyText& body) {
    return {
        {encoding::write_form({{"payload", std::string(body.bytes())}}), {{"field", std::string("payload")}}},
        {encoding::write_form({{"body", std::string(body.bytes())}}), {{"field", std::string("body")}}}};
}

// A form parser took the document for a form and printed it again: percent-encoded, perhaps with a '='
// behind.
BodyVariants undo_form_encoding(const BodyText& body) {
    const auto text = body.bytes();
    if (text.find('%') == std::string_view::npos) return {};
    BodyVariants variants = variant_if_changed(body, encoding::percent_decode(text, PlusSign::space));
    variants.push_back({encoding::percent_decode(text, PlusSign::literal)});
    if (text.ends_with('='))
        variants.push_back({encoding::percent_decode(text.substr(0, text.size() - 1), PlusSign::space)});
    return variants;
}
BodyVariants redo_form_encoding(const BodyText& body) {
    const auto form = encoding::write_form({{std::string(body.bytes()), ""}});
    return {{form.substr(0, form.size() - 1)}, {form}, {encoding::percent_encode(body.bytes())}};
}

// Which characters were escaped before cannot be known; these are the ones that SIP URIs and phone numbers
// escape.
BodyVariants undo_percent_decoding(const BodyText& body) {
    struct Escape {
        std::string_view character;
        std::string_view escape;
    };
    constexpr Escape kEscapes[] = {{"+", "%2B"}, {"+", "%2b"}, {"@", "%40"}, {" ", "%20"}, {"\"", "%22"}};
    BodyVariants variants;
    for (const auto& [character, escape] : kEscapes) {
        std::string text = replace_all(body.bytes(), character, escape);
        if (text != body.bytes()) variants.push_back({std::move(text), {{"escape", std::string(escape)}}});
    }
    // A form decoder made a blank of the '+' in front of a phone number, which only ever stands inside a
    // string.
    std::string plus(body.bytes());
    bool in_string = false;
    for (std::size_t i = 0; i + 1 < plus.size(); ++i) {
        if (plus[i] == '\\')
            ++i;
        else if (plus[i] == '"')
            in_string = !in_string;
        else if (in_string && plus[i] == ' ' && is_ascii_digit(plus[i + 1]) &&
                 (plus[i - 1] == ':' || plus[i - 1] == '"'))
            plus[i] = '+';
    }
    if (plus != body.bytes()) variants.push_back({std::move(plus), {{"escape", std::string("+")}}});
    return variants;
}
BodyVariants redo_percent_decoding(const BodyText& body) {
    BodyVariants variants =
        variant_if_changed(body, encoding::percent_decode(body.bytes(), PlusSign::literal));
    auto with_blanks = encoding::percent_decode(body.bytes(), PlusSign::space);
    if (with_blanks != body.bytes()) variants.push_back({std::move(with_blanks)});
    return variants;
}

BodyVariants html_unescape(const BodyText& body) {
    if (body.bytes().find('&') == std::string_view::npos) return {};
    return variant_if_changed(body, encoding::html_unescape(body.bytes()));
}
BodyVariants html_escape(const BodyText& body) {
    return variant_if_changed(body, encoding::html_escape(body.bytes()));
}

// Words in front of the document, whatever they are, and at most blanks behind it.
BodyVariants take_words_in_front(const BodyText& body) {
    const auto text = trim_right(body.bytes());
    const auto first = text.find('{');
    if (first == std::string_view::npos || !text.ends_with('}')) return {};
    const auto front = trim_left(text.substr(0, first));
    if (front.find(' ') == std::string_view::npos) return {};
    return one_variant(std::string(text.substr(first)));
}

constexpr std::array kRows{
    BodyRow{"body_gzip_encoded", RowKind::structure, decode<ContentCoding::gzip>, gzip},
    BodyRow{"body_gzip_decoded", RowKind::structure, gzip, decode<ContentCoding::gzip>},
    BodyRow{"body_deflate_encoded", RowKind::structure,
            decode<ContentCoding::zlib, ContentCoding::raw_deflate>, nullptr},
    BodyRow{"body_brotli_encoded", RowKind::structure, decode<ContentCoding::brotli>, nullptr},
    BodyRow{"body_zstd_encoded", RowKind::structure, decode<ContentCoding::zstd>, nullptr},
    BodyRow{"body_base64_encoded", RowKind::structure, from_base64, to_base64},
    BodyRow{"body_base64_decoded", RowKind::structure, to_base64, from_base64},
    BodyRow{"body_chunk_framing", RowKind::structure, take_chunk_framing, add_chunk_framing},
    BodyRow{"body_multipart", RowKind::structure, take_parts, wrap_in_multipart},
    BodyRow{"body_form_field", RowKind::structure, take_field, wrap_in_field},
    BodyRow{"body_form_encoded", RowKind::structure, undo_form_encoding, redo_form_encoding},
    BodyRow{"body_percent_decoded", RowKind::structure, undo_percent_decoding, redo_percent_decoding},
    BodyRow{"body_html_escaped", RowKind::structure, html_unescape, html_escape},
    // Takes anything away, so it stands behind every row that knows what it takes away.
    BodyRow{"body_line_prefix", RowKind::structure, take_words_in_front, nullptr},
};

}  // namespace

std::span<const BodyRow> coding_body_rows() { return kRows; }

}  // namespace callchain::diagnosis
