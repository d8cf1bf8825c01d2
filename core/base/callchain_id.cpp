#include "base/callchain_id.hpp"

#include <algorithm>

namespace callchain {
namespace {

constexpr std::string_view kPrefix = "cc_";
constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::size_t kBytes = 12;

}  // namespace

std::string make_callchain_id(std::string_view random) {
    std::string id(kPrefix);
    for (const char c : random.substr(0, kBytes)) {
        const auto byte = static_cast<unsigned char>(c);
        id += kHexDigits[byte >> 4U];
        id += kHexDigits[byte & 0x0FU];
    }
    return id;
}

bool is_callchain_id(std::string_view text) {
    if (text.size() != kPrefix.size() + 2 * kBytes || !text.starts_with(kPrefix)) return false;
    const auto digits = text.substr(kPrefix.size());
    return std::all_of(digits.begin(), digits.end(),
                       [](char c) { return kHexDigits.find(c) != std::string_view::npos; });
}

}  // namespace callchain
