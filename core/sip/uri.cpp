#include "base/characters.hpp"
#include "base/text.hpp"
#include "sip/grammar.hpp"

#include <algorithm>

namespace callchain::sip {
namespace {

// Each with letters, digits and the marks -_.!~*'() of RFC 3261 section 25.1; "%41" is an escape.
constexpr Characters kInUser = letters_digits_and("-_.!~*'()&=+$,;?/");
constexpr Characters kInPassword = letters_digits_and("-_.!~*'()&=+$,");
constexpr Characters kInParameter = letters_digits_and("-_.!~*'()[]/:&+$");
constexpr Characters kInHeaders = letters_digits_and("-_.!~*'()[]/?:+$&=");

bool is_escaped(std::string_view text, const Characters& plain) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '%') {
            if (i + 2 >= text.size() || !is_ascii_hex_digit(text[i + 1]) || !is_ascii_hex_digit(text[i + 2]))
                return false;
            i += 2;
        } else if (!plain[static_cast<unsigned char>(c)]) {
            return false;
        }
    }
    return true;
}

auto no_uri(std::string_view what) { return fail(ErrorCode::bad_input, "the URI " + std::string(what)); }

Result<void> read_uri_parameters(Parameters& to, std::string_view text) {
    while (!text.empty()) {
        text.remove_prefix(1);
        const auto part = text.substr(0, text.find(';'));
        text.remove_prefix(part.size());
        const auto equals = part.find('=');
        auto& parameter = to.list.emplace_back();
        parameter.name = part.substr(0, equals);
        if (equals != std::string_view::npos) parameter.value = std::string(part.substr(equals + 1));
        const bool is_value =
            !parameter.value || (!parameter.value->empty() && is_escaped(*parameter.value, kInParameter));
        if (parameter.name.empty() || !is_escaped(parameter.name, kInParameter) || !is_value)
            return no_uri("has a malformed parameter");
    }
    return {};
}

bool are_headers(std::string_view text) {
    if (!is_escaped(text, kInHeaders)) return false;
    const auto parts = split(text, '&');
    return std::all_of(parts.begin(), parts.end(), [](std::string_view part) {
        const auto equals = part.find('=');
        return equals != 0 && equals != std::string_view::npos &&
               part.find('=', equals + 1) == std::string_view::npos;
    });
}

Result<void> read_userinfo(Uri& uri, std::string_view text) {
    const auto colon = text.find(':');
    uri.user = text.substr(0, colon);
    if (uri.user.empty() || !is_escaped(uri.user, kInUser)) return no_uri("has a malformed user");
    if (colon == std::string_view::npos) return {};
    uri.password = std::string(text.substr(colon + 1));
    if (!is_escaped(*uri.password, kInPassword)) return no_uri("has a malformed password");
    return {};
}

Result<void> read_sip(Uri& uri, std::string_view text) {
    // An '@' stands nowhere but behind the user; ';', '?' and ',' may well stand in front of it.
    if (const auto at = text.find('@'); at != std::string_view::npos) {
        CALLCHAIN_TRY(read_userinfo(uri, text.substr(0, at)));
        text.remove_prefix(at + 1);
    }
    const auto question = text.find('?');
    if (question != std::string_view::npos) {
        uri.headers = text.substr(question + 1);
        if (!are_headers(uri.headers)) return no_uri("has malformed headers behind '?'");
        text = text.substr(0, question);
    }
    const auto semicolon = std::min(text.find(';'), text.size());
    CALLCHAIN_TRY(read_uri_parameters(uri.parameters, text.substr(semicolon)));
    const auto address = parse_host_port(text.substr(0, semicolon), Blanks::none);
    if (!address) return no_uri("has no host, or a malformed host or port");
    uri.host = address->host;
    uri.port = address->port;
    return {};
}

/// Source: RFC 3966 section 3.
Result<void> read_tel(Uri& uri, std::string_view text) {
    const auto semicolon = std::min(text.find(';'), text.size());
    uri.user = text.substr(0, semicolon);
    const auto number = std::string_view(uri.user).substr(uri.user.starts_with('+') ? 1 : 0);
    const bool is_number = std::all_of(number.begin(), number.end(), [](char c) {
        return is_ascii_hex_digit(c) || std::string_view("*#-.()").find(c) != std::string_view::npos;
    });
    if (number.empty() || !is_number) return no_uri("has no telephone number");
    return read_uri_parameters(uri.parameters, text.substr(semicolon));
}

bool is_uri_text(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return c > ' ' && c < '\x7F' && c != '<' && c != '>' && c != '"';
    });
}

}  // namespace

Result<void> read_uri(Uri& to, std::string_view text) {
    const auto colon = text.find(':');
    const auto scheme = text.substr(0, colon);
    const bool is_scheme =
        colon != std::string_view::npos && !scheme.empty() && is_ascii_letter(scheme.front()) &&
        std::all_of(scheme.begin(), scheme.end(),
                    [](char c) { return is_ascii_letter_or_digit(c) || c == '+' || c == '-' || c == '.'; });
    if (!is_scheme) return no_uri("has no scheme");
    const auto rest = text.substr(colon + 1);
    to.scheme = ascii_lower(scheme);
    if (to.scheme == "sip" || to.scheme == "sips") return read_sip(to, rest);
    if (to.scheme == "tel") return read_tel(to, rest);
    if (!is_uri_text(rest)) return no_uri("is empty behind its scheme, or has characters that none may have");
    to.rest = rest;
    return {};
}

Result<Uri> parse_uri(std::string_view text) {
    Uri uri;
    CALLCHAIN_TRY(read_uri(uri, text));
    return uri;
}

std::size_t room_for(const Uri& uri) {
    constexpr std::size_t kSeparators = 4;  // of scheme, password, host and headers
    return uri.scheme.size() + uri.rest.size() + uri.user.size() + (uri.password ? uri.password->size() : 0) +
           uri.host.size() + kRoomForPort + room_for(uri.parameters) + uri.headers.size() + kSeparators;
}

void append_uri(std::string& out, const Uri& uri) {
    out += uri.scheme;
    out += ':';
    out += uri.rest;
    out += uri.user;
    if (uri.password) {
        out += ':';
        out += *uri.password;
    }
    if (!uri.host.empty() && (!uri.user.empty() || uri.password)) out += '@';
    out += uri.host;
    if (uri.port) {
        out += ':';
        out += std::to_string(*uri.port);
    }
    append_parameters(out, uri.parameters);
    if (!uri.headers.empty()) {
        out += '?';
        out += uri.headers;
    }
}

std::string write_uri(const Uri& uri) {
    std::string text;
    text.reserve(room_for(uri));
    append_uri(text, uri);
    return text;
}

}  // namespace callchain::sip
