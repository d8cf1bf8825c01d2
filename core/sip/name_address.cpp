#include "sip/grammar.hpp"

#include <algorithm>

namespace callchain::sip {
namespace {

auto no_address(std::string_view what) {
    return fail(ErrorCode::bad_input, "the address " + std::string(what));
}

/// A quoted string, or tokens with blanks between them.
bool is_display_name(std::string_view text) {
    if (text.starts_with('"')) return quoted_length(text) == text.size();
    return std::all_of(text.begin(), text.end(), [](char c) { return is_token_character(c) || is_blank(c); });
}

Result<void> read_bracketed(NameAddress& to, std::string_view text, std::size_t open) {
    const auto close = text.find('>', open);
    if (close == std::string_view::npos) return no_address("has '<' without '>'");
    to.display_name = trim_blanks(text.substr(0, open));
    if (!is_display_name(to.display_name)) return no_address("has a malformed display name");
    CALLCHAIN_TRY(read_uri(to.uri, text.substr(open + 1, close - open - 1)));
    if (!read_parameters(to.parameters, text.substr(close + 1)))
        return no_address("has malformed parameters");
    return {};
}

/// Without brackets what follows ';' belongs to the header, and '?' and ',' cannot be in the URI.
/// Source: RFC 3261 section 20.10.
Result<void> read_bare(NameAddress& to, std::string_view text) {
    const auto semicolon = std::min(text.find(';'), text.size());
    const auto uri = trim_blanks(text.substr(0, semicolon));
    if (uri.find_first_of("?,") != std::string_view::npos)
        return no_address("has '?' or ',' in its URI and no angle brackets around it");
    CALLCHAIN_TRY(read_uri(to.uri, uri));
    if (!read_parameters(to.parameters, text.substr(semicolon)))
        return no_address("has malformed parameters");
    return {};
}

}  // namespace

Result<void> read_name_address(NameAddress& to, std::string_view text) {
    text = trim_blanks(text);
    const auto quoted = quoted_length(text);
    if (quoted == 0 && text.starts_with('"')) return no_address("has a quoted name that does not end");
    const auto open = text.find('<', quoted);
    // A '<' behind a ';' is part of a parameter, which will be refused as malformed.
    if (open != std::string_view::npos && open < text.find(';', quoted))
        return read_bracketed(to, text, open);
    return read_bare(to, text);
}

Result<NameAddress> parse_name_address(std::string_view text) {
    NameAddress address;
    CALLCHAIN_TRY(read_name_address(address, text));
    return address;
}

std::string write_name_address(const NameAddress& address) {
    constexpr std::size_t kBlankAndBrackets = 3;
    std::string text;
    text.reserve(address.display_name.size() + room_for(address.uri) + room_for(address.parameters) +
                 kBlankAndBrackets);
    text += address.display_name;
    if (!text.empty()) text += ' ';
    text += '<';
    append_uri(text, address.uri);
    text += '>';
    append_parameters(text, address.parameters);
    return text;
}

std::string write_via(const Via& via) {
    constexpr std::string_view kProtocol = "SIP/2.0/";
    std::string text;
    text.reserve(kProtocol.size() + via.transport.size() + 1 + via.host.size() + kRoomForPort +
                 room_for(via.parameters));
    text += kProtocol;
    text += via.transport;
    text += ' ';
    text += via.host;
    if (via.port) {
        text += ':';
        text += std::to_string(*via.port);
    }
    append_parameters(text, via.parameters);
    return text;
}

}  // namespace callchain::sip
