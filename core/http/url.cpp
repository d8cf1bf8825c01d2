#include "http/url.hpp"

#include "base/characters.hpp"
#include "base/ipv4.hpp"
#include "base/text.hpp"
#include "http/client.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>

namespace callchain::http {
namespace {

constexpr std::size_t kMostHostShown = 100;

// RFC 3986 appendix A: unreserved, sub-delims, ":" "@" "/" "?" "%".
bool is_target_character(char c) {
    return is_ascii_letter_or_digit(c) ||
           std::string_view("-._~!$&'()*+,;=:@/?%").find(c) != std::string_view::npos;
}

std::uint16_t own_port(std::string_view scheme) {
    if (scheme == "http" || scheme == "ws") return 80;
    if (scheme == "https" || scheme == "wss") return 443;
    return 0;
}

bool is_label(std::string_view label) {
    return !label.empty() && std::all_of(label.begin(), label.end(), [](char c) {
        return is_ascii_letter_or_digit(c) || c == '-' || c == '_';
    });
}

// 010 is eight to some readers and ten to others.
bool is_number_of_address(std::string_view text) {
    const auto number = parse_decimal(text);
    return number && *number <= 255 && (text.size() == 1 || text.front() != '0');
}

// A host whose last label is a number is an address to some readers (127.1, 0x7f.1), so it has to be one to
// all of them. Source: WHATWG URL, "ends in a number checker".
bool is_name_or_ipv4(std::string_view host) {
    const auto labels = split(host, '.');
    if (!std::all_of(labels.begin(), labels.end(), is_label)) return false;
    const auto last = labels.back();
    if (!is_ascii_digit(last.front())) return true;
    return labels.size() == 4 && std::all_of(labels.begin(), labels.end(), is_number_of_address);
}

bool is_ipv6(const std::string& host) {
    std::array<unsigned char, 16> address{};
    // inet_pton reads up to a NUL, and so would whoever gets the URL as a C string.
    return host.find('\0') == std::string::npos && inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
}

bool is_ipv6_loopback(const std::string& host) {
    std::array<unsigned char, 16> address{};
    return inet_pton(AF_INET6, host.c_str(), address.data()) == 1 && address.back() == 1 &&
           std::all_of(address.begin(), address.end() - 1, [](unsigned char byte) { return byte == 0; });
}

std::optional<std::uint16_t> read_port(std::string_view text) {
    const auto number = text.size() <= 5 ? parse_decimal(text) : std::nullopt;
    if (!number || *number < 1 || *number > 65'535) return std::nullopt;
    return static_cast<std::uint16_t>(*number);
}

// Fills host, authority and port of `parts`, whose port is the scheme's own.
bool read_authority(std::string_view text, UrlParts& parts) {
    const bool bracketed = text.starts_with('[');
    const auto end = bracketed ? text.find(']') : std::min(text.find(':'), text.size());
    if (end == std::string_view::npos) return false;
    parts.host = ascii_lower(bracketed ? text.substr(1, end - 1) : text.substr(0, end));
    if (bracketed ? !is_ipv6(parts.host) : !is_name_or_ipv4(parts.host)) return false;
    parts.authority = bracketed ? '[' + parts.host + ']' : parts.host;

    const auto rest = text.substr(bracketed ? end + 1 : end);
    if (rest.empty()) return true;
    const auto port = rest.front() == ':' ? read_port(rest.substr(1)) : std::nullopt;
    if (!port) return false;
    if (*port != parts.port) parts.authority += ':' + std::to_string(*port);
    parts.port = *port;
    return true;
}

}  // namespace

// Narrower than is_loopback(): secrets may go there in clear, and who writes ::ffff:127.0.0.1 means to get
// round something.
bool UrlParts::loopback() const {
    if (host == "localhost") return true;
    if (host.find(':') != std::string::npos) return is_ipv6_loopback(host);
    const auto address = parse_ipv4(host);
    return address && (*address)[0] == 127;
}

std::optional<UrlParts> read_url(std::string_view url) {
    const auto mark = url.find("://");
    if (mark == std::string_view::npos) return std::nullopt;
    UrlParts parts;
    parts.scheme = ascii_lower(url.substr(0, mark));
    parts.port = own_port(parts.scheme);
    if (parts.port == 0) return std::nullopt;

    const auto rest = url.substr(mark + 3);
    const auto end = std::min(rest.find_first_of("/?"), rest.size());
    const auto target = rest.substr(end);
    if (!std::all_of(target.begin(), target.end(), is_target_character)) return std::nullopt;
    if (!read_authority(rest.substr(0, end), parts)) return std::nullopt;
    parts.has_path = target.starts_with('/');
    parts.target = parts.has_path ? std::string(target) : '/' + std::string(target);
    return parts;
}

std::string shown_host(std::string_view url) {
    if (const auto mark = url.find("://"); mark != std::string_view::npos) url.remove_prefix(mark + 3);
    // A password may hold what ends a host: all in front of the last '@' goes first. What is behind one in a
    // path is then shown for a host, which tells nobody anything.
    if (const auto at = url.rfind('@'); at != std::string_view::npos) url.remove_prefix(at + 1);
    url = url.substr(0, url.find_first_of("/?#\\"));
    return url.empty() ? "no host" : visible_excerpt(url, kMostHostShown);
}

bool is_url_for_secrets(std::string_view url) {
    const auto parts = read_url(url);
    return parts && (parts->encrypted() || parts->loopback());
}

}  // namespace callchain::http
