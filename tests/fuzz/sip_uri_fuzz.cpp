/// What parses as a SIP URI is written and parses again to an equal value; a URI made of any pieces is
/// refused or written so that it reads back equal, and never with a control character or a blank in it.
#include "base/text.hpp"
#include "fuzz/require.hpp"
#include "twiml/sip_uri.hpp"

#include <algorithm>
#include <cstdint>

namespace callchain::twiml {
namespace {

void check_written(const SipUri& uri, bool must_be_written) {
    const auto text = write_sip_uri(uri);
    require(text.has_value() || !must_be_written);
    if (!text) return;
    require(std::all_of(text->begin(), text->end(), [](char c) { return c > ' ' && c < '\x7F'; }));
    const auto read = parse_sip_uri(*text);
    require(read.has_value() && *read == uri);
}

// Pieces between NULs: scheme, user, host, a parameter or header each, by the first byte.
SipUri uri_of(std::string_view text) {
    const auto pieces = split(text, '\0');
    SipUri uri;
    uri.host = "h";
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        const auto piece = pieces[i];
        const auto kind = piece.empty() ? 'u' : piece.front();
        const std::string rest(piece.substr(piece.empty() ? 0 : 1));
        const std::string next(i + 1 < pieces.size() ? pieces[i + 1] : "");
        if (kind == 's') uri.scheme = rest;
        if (kind == 'u') uri.user = rest;
        if (kind == 'h') uri.host = rest;
        if (kind == 'p') uri.port = static_cast<std::uint16_t>(parse_decimal(rest).value_or(0) & 0xFFFF);
        if (kind == ';') uri.parameters.push_back({rest, std::nullopt});
        if (kind == '=') uri.parameters.push_back({rest, next});
        if (kind == '?') uri.headers.push_back({rest, next});
    }
    return uri;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto uri = parse_sip_uri(text);
    if (uri)
        check_written(*uri, true);
    else
        require(uri.error().offset.has_value() && *uri.error().offset <= size);
    check_written(uri_of(text), false);
    return 0;
}

}  // namespace callchain::twiml
