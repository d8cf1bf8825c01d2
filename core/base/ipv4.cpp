#include "base/ipv4.hpp"

#include "base/text.hpp"

#include <cstddef>

namespace callchain {

std::optional<Ipv4> parse_ipv4(std::string_view text) {
    constexpr std::size_t kLongest = 15;
    if (text.size() > kLongest) return std::nullopt;
    const auto parts = split(text, '.');
    Ipv4 address{};
    if (parts.size() != address.size()) return std::nullopt;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const auto value = parts[i].size() <= 3 ? parse_decimal(parts[i]) : std::nullopt;
        if (!value || *value > 255) return std::nullopt;
        address[i] = static_cast<std::uint8_t>(*value);
    }
    return address;
}

bool is_special_ipv4(const Ipv4& address) {
    const auto [a, b, c, d] = address;
    return a == 0 || a == 10 || a == 127 || a >= 224 || (a == 172 && b >= 16 && b <= 31) ||
           (a == 192 && b == 168) || (a == 169 && b == 254) || (a == 100 && b >= 64 && b <= 127);
}

}  // namespace callchain
