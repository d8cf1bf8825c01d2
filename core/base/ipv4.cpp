#include "base/ipv4.hpp"

#include "base/text.hpp"

#include <cstddef>

namespace callchain {

std::optional<Ipv4> parse_ipv4(std::string_view text) {
    constexpr unsigned kMost = 255;
    constexpr std::size_t kMostDigits = 3;
    Ipv4 address{};
    for (std::size_t i = 0; i < address.size(); ++i) {
        if (i != 0) {
            if (!text.starts_with('.')) return std::nullopt;
            text.remove_prefix(1);
        }
        std::size_t digits = 0;
        unsigned value = 0;
        for (; digits < text.size() && digits < kMostDigits && is_ascii_digit(text[digits]); ++digits)
            value = value * 10 + static_cast<unsigned>(text[digits] - '0');
        if (digits == 0 || value > kMost) return std::nullopt;
        text.remove_prefix(digits);
        address[i] = static_cast<std::uint8_t>(value);
    }
    return text.empty() ? std::optional(address) : std::nullopt;
}

bool is_special_ipv4(const Ipv4& address) {
    const auto [a, b, c, d] = address;
    return a == 0 || a == 10 || a == 127 || a >= 224 || (a == 172 && b >= 16 && b <= 31) ||
           (a == 192 && b == 168) || (a == 169 && b == 254) || (a == 100 && b >= 64 && b <= 127);
}

}  // namespace callchain
