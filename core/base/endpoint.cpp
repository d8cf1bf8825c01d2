#include "base/endpoint.hpp"

#include "base/ipv4.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstdint>
#include <limits>

namespace callchain {

std::string text_of(const Endpoint& endpoint) {
    return bracketed(endpoint.address) + ":" + std::to_string(endpoint.port);
}

std::optional<Endpoint> parse_endpoint(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto host = text.substr(0, colon);
    const auto address = without_brackets(host);
    if (address.empty() || (address.size() == host.size() && host.find(':') != std::string_view::npos))
        return std::nullopt;
    const auto port = parse_decimal(text.substr(colon + 1));
    if (!port || *port > std::numeric_limits<std::uint16_t>::max()) return std::nullopt;
    return Endpoint{std::string(address), static_cast<std::uint16_t>(*port)};
}

std::string bracketed(std::string_view address) {
    const bool is_ipv6 = address.find(':') != std::string_view::npos;
    return is_ipv6 ? "[" + std::string(address) + "]" : std::string(address);
}

std::string_view without_brackets(std::string_view host) {
    const bool has_brackets = host.size() > 1 && host.starts_with('[') && host.ends_with(']');
    return has_brackets ? host.substr(1, host.size() - 2) : host;
}

bool is_loopback(std::string_view address) {
    const std::string text(address);
    if (text.find('\0') != std::string::npos) return false;
    std::array<std::uint8_t, 16> bytes{};
    if (inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) return bytes[0] == 127;
    if (inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) return false;
    constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    if (std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) return bytes[12] == 127;
    return bytes[15] == 1 && std::all_of(bytes.begin(), bytes.end() - 1, [](auto byte) { return byte == 0; });
}

bool is_unspecified(std::string_view address) { return address == "0.0.0.0" || address == "::"; }

Endpoint seen_from_its_host(Endpoint listening) {
    if (is_unspecified(listening.address)) listening.address = "127.0.0.1";
    return listening;
}

bool is_private_host(std::string_view host) {
    auto lower = ascii_lower(host);
    if (lower.ends_with('.')) lower.pop_back();  // the same name, said in full
    if (lower.starts_with('[')) {
        const auto address = std::string_view(lower).substr(1);
        return address.starts_with("::1]") || address.starts_with("::]") || address.starts_with("fc") ||
               address.starts_with("fd") || address.starts_with("fe80:");
    }
    for (const std::string_view name :
         {"localhost", "local", "internal", "lan", "home.arpa", "test", "invalid"})
        if (lower == name || lower.ends_with("." + std::string(name))) return true;
    const auto address = parse_ipv4(lower);
    return address && is_special_ipv4(*address);
}

}  // namespace callchain
