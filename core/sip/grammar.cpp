#include "sip/grammar.hpp"

#include "base/ipv4.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <limits>

namespace callchain::sip {
namespace {

constexpr Characters kToken = letters_digits_and("-.!%*_+`'~");
// gen-value of RFC 3261 is a token, a host or a quoted string; a host may be an IPv6 address, which Meta
// writes without brackets.
constexpr Characters kValue = letters_digits_and("-.!%*_+`'~[]:");
constexpr Characters kHostName = letters_digits_and("-._");

bool all_of(std::string_view text, const Characters& set) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [&](char c) { return set[static_cast<unsigned char>(c)]; });
}

std::size_t span_of(std::string_view text, const Characters& set) {
    std::size_t length = 0;
    while (length < text.size() && set[static_cast<unsigned char>(text[length])]) ++length;
    return length;
}

bool is_ipv6(std::string_view text) {
    std::array<char, INET6_ADDRSTRLEN> terminated{};
    if (text.empty() || text.size() >= terminated.size()) return false;
    std::copy(text.begin(), text.end(), terminated.begin());
    in6_addr address{};
    return inet_pton(AF_INET6, terminated.data(), &address) == 1;
}

/// A name that ends in a number is an IPv4 address or nothing.
bool is_host(std::string_view host) {
    if (host.starts_with('[')) return host.ends_with(']') && is_ipv6(host.substr(1, host.size() - 2));
    if (!all_of(host, kHostName) || host.front() == '.' || host.find("..") != std::string_view::npos)
        return false;
    const auto last = host.substr(host.rfind('.') + 1);
    if (!last.empty() && std::all_of(last.begin(), last.end(), is_ascii_digit))
        return parse_ipv4(host).has_value();
    return true;
}

std::string_view without_blanks_in_front(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    return text;
}

/// Takes `name` or `name=value` off the front of `text`, and the blanks behind it. False: there is none.
bool take_parameter(Parameter& parameter, std::string_view& text) {
    text = without_blanks_in_front(text);
    const auto name = text.substr(0, span_of(text, kToken));
    text = without_blanks_in_front(text.substr(name.size()));
    if (text.starts_with('=')) {
        text = without_blanks_in_front(text.substr(1));
        const auto value = text.starts_with('"') ? quoted_length(text) : span_of(text, kValue);
        if (value == 0) return false;
        parameter.value.emplace(text.substr(0, value));
        text = without_blanks_in_front(text.substr(value));
    }
    parameter.name = name;
    return !name.empty();
}

/// Takes a token off the front of `text`, with the blanks around it; empty where there is none.
std::string_view take_token(std::string_view& text) {
    text = without_blanks_in_front(text);
    const auto token = text.substr(0, span_of(text, kToken));
    text = without_blanks_in_front(text.substr(token.size()));
    return token;
}

bool take(std::string_view& text, char expected) {
    if (!text.starts_with(expected)) return false;
    text.remove_prefix(1);
    return true;
}

}  // namespace

bool is_token_character(char c) { return kToken[static_cast<unsigned char>(c)]; }
bool is_token(std::string_view text) { return all_of(text, kToken); }

bool is_line_safe(std::string_view text) {
    // Not find_first_of(), which asks memchr() about every single character of the text.
    constexpr std::string_view kUnsafe("\r\n\0", 3);
    return std::none_of(kUnsafe.begin(), kUnsafe.end(),
                        [text](char c) { return text.find(c) != std::string_view::npos; });
}

std::string_view trim_blanks(std::string_view text) {
    text = without_blanks_in_front(text);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

std::size_t quoted_length(std::string_view text) {
    if (!text.starts_with('"')) return 0;
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '\\')
            ++i;
        else if (text[i] == '"')
            return i + 1;
    }
    return 0;
}

std::size_t find_outside(std::string_view text, char character) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == character) return i;
        if (text[i] == '"') {
            const auto quoted = quoted_length(text.substr(i));
            if (quoted == 0) return std::string_view::npos;
            i += quoted - 1;
        } else if (text[i] == '<') {
            i = text.find('>', i);
            if (i == std::string_view::npos) return i;
        }
    }
    return std::string_view::npos;
}

std::optional<std::string_view> ListValues::next() {
    if (!rest_) return std::nullopt;
    const auto comma = find_outside(*rest_, ',');
    const auto value = trim_blanks(rest_->substr(0, comma));
    if (comma == std::string_view::npos)
        rest_.reset();
    else
        rest_->remove_prefix(comma + 1);
    return value;
}

std::optional<HostPort> parse_host_port(std::string_view text, Blanks blanks) {
    const auto host_end = text.starts_with('[') ? text.find(']') : 0;
    if (host_end == std::string_view::npos) return std::nullopt;
    const auto colon = text.find(':', host_end);
    HostPort result{text.substr(0, colon)};
    if (blanks == Blanks::around_colon) result.host = trim_blanks(result.host);
    if (!is_host(result.host)) return std::nullopt;
    if (colon == std::string_view::npos) return result;
    auto digits = text.substr(colon + 1);
    if (blanks == Blanks::around_colon) digits = trim_blanks(digits);
    const auto port = parse_number(digits, std::numeric_limits<std::uint16_t>::max());
    if (!port) return std::nullopt;
    result.port = static_cast<std::uint16_t>(*port);
    return result;
}

std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t most) {
    if (text.empty()) return std::nullopt;
    std::uint64_t number = 0;
    for (const char c : text) {
        if (!is_ascii_digit(c)) return std::nullopt;
        const auto digit = static_cast<std::uint64_t>(c - '0');
        if (number > most / 10 || number * 10 > most - digit) return std::nullopt;
        number = number * 10 + digit;
    }
    return number;
}

bool read_parameters(Parameters& to, std::string_view text) {
    text = trim_blanks(text);
    if (text.empty()) return true;
    to.list.reserve(static_cast<std::size_t>(std::count(text.begin(), text.end(), ';')));
    while (!text.empty())
        if (!take(text, ';') || !take_parameter(to.list.emplace_back(), text)) return false;
    return true;
}

std::size_t room_for(const Parameters& parameters) {
    std::size_t room = 0;
    for (const auto& [name, value] : parameters.list) room += name.size() + (value ? value->size() : 0) + 2;
    return room;
}

void append_parameters(std::string& out, const Parameters& parameters) {
    for (const auto& [name, value] : parameters.list) {
        out += ';';
        out += name;
        if (!value) continue;
        out += '=';
        out += *value;
    }
}

bool read_via(Via& to, std::string_view text) {
    text = trim_blanks(text);
    if (take_token(text).empty() || !take(text, '/') || take_token(text).empty() || !take(text, '/'))
        return false;
    text = without_blanks_in_front(text);
    const auto transport = span_of(text, kToken);
    to.transport = text.substr(0, transport);
    text.remove_prefix(transport);
    if (transport == 0 || text.empty() || !is_blank(text.front())) return false;

    const auto semicolon = std::min(text.find(';'), text.size());
    const auto sent_by = parse_host_port(trim_blanks(text.substr(0, semicolon)), Blanks::around_colon);
    if (!sent_by) return false;
    to.host = sent_by->host;
    to.port = sent_by->port;
    return read_parameters(to.parameters, text.substr(semicolon));
}

std::optional<CSeq> parse_cseq(std::string_view text) {
    text = trim_blanks(text);
    const auto blank =
        static_cast<std::size_t>(std::find_if(text.begin(), text.end(), is_blank) - text.begin());
    const auto number = parse_number(text.substr(0, blank), std::numeric_limits<std::uint32_t>::max());
    const auto method = trim_blanks(text.substr(blank));
    if (!number || !is_token(method)) return std::nullopt;
    return CSeq{static_cast<std::uint32_t>(*number), std::string(method)};
}

}  // namespace callchain::sip
