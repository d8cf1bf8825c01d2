#include "sdp/shown_line.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <vector>

namespace callchain::sdp {
namespace {

std::vector<std::string_view> words_of(std::string_view text) {
    auto words = split(text, ' ');
    std::erase(words, std::string_view());
    return words;
}

constexpr std::string_view kHidden = "(not shown)";

/// True for what could be a key, under any name and in any case: a=crypto, a=acap with crypto in it,
/// a=cryptoscale, a=key-mgmt, a=ice-pwd, k=, also in lines that something broke or put together.
bool may_hold_key(std::string_view line) {
    constexpr std::size_t kMostRead = 2000;
    if (line.size() > kMostRead) return true;
    const auto lower = ascii_lower(line);
    for (const std::string_view word : {"crypto", "inline", "ice-pwd", "key-mgmt", "mikey", "clear:"}) {
        if (lower.find(word) != std::string::npos) return true;
    }
    const auto start = trim(lower);
    return start.starts_with("k=") || start.starts_with("k ") || start.starts_with("k\t");
}

/// `a=name`, as far as it is that, or the letter in front of '='.
std::string_view name_in(std::string_view line) {
    constexpr std::size_t kMostName = 40;
    const auto is_letter = [](char c) {
        return c == '-' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    };
    if (line.size() < 2 || !is_letter(line[0]) || line[1] != '=') return {};
    auto end = std::size_t{2};
    while (line[0] == 'a' && end < std::min(line.size(), kMostName) && is_letter(line[end])) ++end;
    return line.substr(0, end);
}

}  // namespace

std::string shown_line(std::string_view line, std::size_t most) {
    while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
    if (!may_hold_key(line)) return visible_excerpt(line, most);
    constexpr std::string_view kCrypto = "a=crypto:";
    const auto name = name_in(line);
    if (!starts_with_ignoring_case(line, kCrypto))
        return std::string(name) + (name.size() > 2 ? ":" : "") + std::string(kHidden);
    // Tag and suite are no secret; from the first key on, nothing is shown.
    const auto words = words_of(line.substr(kCrypto.size()));
    constexpr std::size_t kLongestTag = 9;  // RFC 4568 section 9.1
    constexpr std::size_t kLongestSuite = 40;
    const bool plain = words.size() >= 3 && words[0].size() <= kLongestTag && parse_decimal(words[0]) &&
                       words[1].size() <= kLongestSuite && words[1].find(':') == std::string_view::npos;
    return std::string(kCrypto) + (plain ? std::string(words[0]) + " " + visible(words[1]) + " " : "") +
           std::string(kHidden);
}

}  // namespace callchain::sdp
