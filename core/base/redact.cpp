#include "base/redact.hpp"

#include "base/text.hpp"

#include <array>

namespace callchain {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_secret_char(char c) {
    return is_letter(c) || is_ascii_digit(c) || c == '+' || c == '/' || c == '=' || c == '_' || c == '-';
}

/// The characters from `at` on that a secret could have.
std::size_t secret_length(std::string_view text, std::size_t at) {
    const auto start = at;
    while (at < text.size() && is_secret_char(text[at])) ++at;
    return at - start;
}

struct ClearSecret {
    std::size_t at = kNone;
    std::size_t end = kNone;
    std::string_view kind;
};

// Shorter tails are names of things ("sk-proj"), and a mask has its ellipsis within these lengths.
ClearSecret next_clear_secret(std::string_view text, std::size_t from) {
    constexpr std::array<std::string_view, 2> kKinds{"whsec_", "sk-"};
    constexpr std::size_t kShortestTail = 16;
    ClearSecret best;
    for (const auto kind : kKinds) {
        for (auto at = text.find(kind, from); at < best.at; at = text.find(kind, at + 1)) {
            // "task-…", "disk-…"
            if (kind == "sk-" && at > 0 && (is_letter(text[at - 1]) || is_ascii_digit(text[at - 1])))
                continue;
            const auto tail = secret_length(text, at + kind.size());
            if (tail < kShortestTail) continue;
            best = {at, at + kind.size() + tail, kind};
            break;
        }
    }
    return best;
}

}  // namespace

std::size_t find_clear_secret(std::string_view text) { return next_clear_secret(text, 0).at; }

std::string withhold_secrets(std::string_view text) {
    std::string out;
    std::size_t at = 0;
    for (auto secret = next_clear_secret(text, 0); secret.at != kNone;
         secret = next_clear_secret(text, secret.end)) {
        out += text.substr(at, secret.at - at);
        out += secret.kind;
        out += "[withheld]";
        at = secret.end;
    }
    return out + std::string(text.substr(at));
}

std::string safe_excerpt(std::string_view text, std::size_t most) {
    // Bytes enough for `most` characters of UTF-8, and for a secret that begins among them to be known as
    // one.
    constexpr std::size_t kLongestSecret = 256;
    return visible_excerpt(withhold_secrets(text.substr(0, 4 * most + kLongestSecret)), most);
}

}  // namespace callchain
