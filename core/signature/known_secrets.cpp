#include "signature/known_secrets.hpp"

#include "encoding/text_codings.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace callchain::signature {
namespace {

constexpr std::size_t kShortestRun = 12;
constexpr std::size_t kShortestSecret = 8;
constexpr std::string_view kWithheld = "[withheld]";

// One character of text as it was meant, and how many bytes it takes up.
struct Plain {
    char character;
    std::size_t length;
};

std::optional<char> from_hex(std::string_view digits) {
    const auto byte = encoding::parse_hex(digits);
    if (!byte || byte->empty()) return std::nullopt;
    return byte->back();
}

// "&#x2f;" or "&#47;".
std::optional<Plain> html_character(std::string_view text) {
    const auto end = text.substr(0, 10).find(';');
    if (!text.starts_with("&#") || end == std::string_view::npos) return std::nullopt;
    auto digits = text.substr(2, end - 2);
    const bool is_hex = digits.starts_with('x') || digits.starts_with('X');
    if (is_hex) digits.remove_prefix(1);
    unsigned number = 0;
    const auto* const digits_end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), digits_end, number, is_hex ? 16 : 10);
    if (error != std::errc{} || stop != digits_end || number > 0x7F) return std::nullopt;
    return Plain{static_cast<char>(number), end + 1};
}

Plain plain_at(std::string_view text) {
    const char first = text.front();
    if (first == '\\' && text.size() >= 6 && (text[1] == 'u' || text[1] == 'U') &&
        text.substr(2, 2) == "00") {
        if (const auto character = from_hex(text.substr(4, 2))) return {*character, 6};
    }
    if (first == '\\' && text.size() >= 2 && text[1] == '/') return {'/', 2};
    if (first == '%' && text.size() >= 3) {
        if (const auto character = from_hex(text.substr(1, 2))) return {*character, 3};
    }
    if (first == '&') {
        if (const auto character = html_character(text)) return *character;
    }
    return {first, 1};
}

char standard_alphabet(char c) { return c == '-' ? '+' : c == '_' ? '/' : c; }

// The text with escapes undone and one alphabet, and where each character begins in the text.
struct PlainView {
    std::string text;
    std::vector<std::size_t> begins;  // one more than characters
};

PlainView plain_view(std::string_view text) {
    PlainView view;
    view.text.reserve(text.size());
    view.begins.reserve(text.size() + 1);
    for (std::size_t at = 0; at < text.size();) {
        const auto plain = plain_at(text.substr(at));
        view.text += standard_alphabet(plain.character);
        view.begins.push_back(at);
        at += plain.length;
    }
    view.begins.push_back(text.size());
    return view;
}

std::string_view without_padding(std::string_view text) {
    while (text.ends_with('=')) text.remove_suffix(1);
    return text;
}

}  // namespace

KnownSecrets::KnownSecrets(std::span<const LabelledSecret> secrets) {
    for (const auto& secret : secrets) {
        std::string_view bare = without_wrapping(secret.text);
        if (bare.starts_with(kSecretPrefix)) bare.remove_prefix(kSecretPrefix.size());
        add(without_padding(bare));
        const auto key = read_secret(secret.text);
        if (!key || key->bytes.size() < kShortestSecret) continue;
        add(encoding::to_hex(key->bytes));
        add(encoding::to_upper_hex(key->bytes));
    }
}

void KnownSecrets::add(std::string_view needle) {
    if (needle.size() < kShortestSecret) return;
    std::string plain;
    for (const char c : needle) plain += standard_alphabet(c);
    const auto length = std::min(kShortestRun, plain.size());
    for (std::size_t at = 0; at + length <= plain.size(); ++at) starts_.insert(plain.substr(at, length));
    shortest_ = shortest_ == 0 ? length : std::min(shortest_, length);
    needles_.push_back(std::move(plain));
}

// How much of some needle stands at `at`: 0, or at least kShortestRun (or a whole shorter secret).
std::size_t KnownSecrets::longest_run(std::string_view text, std::size_t at) const {
    std::size_t longest = 0;
    for (std::size_t length = shortest_; length <= kShortestRun && at + length <= text.size(); ++length) {
        const std::string start(text.substr(at, length));
        if (!starts_.contains(start)) continue;
        for (const auto& needle : needles_) {
            for (auto from = needle.find(start); from != std::string::npos;
                 from = needle.find(start, from + 1)) {
                const auto [in_text, in_needle] =
                    std::mismatch(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(),
                                  needle.begin() + static_cast<std::ptrdiff_t>(from), needle.end());
                longest = std::max(longest, static_cast<std::size_t>(in_text - text.begin()) - at);
                static_cast<void>(in_needle);
            }
        }
    }
    return longest;
}

std::string KnownSecrets::withhold(std::string_view text) const {
    if (needles_.empty() || text.size() < shortest_) return std::string(text);
    const auto view = plain_view(text);
    std::string out;
    std::size_t copied = 0;
    for (std::size_t at = 0; at + shortest_ <= view.text.size();) {
        const auto run = longest_run(view.text, at);
        if (run == 0) {
            ++at;
            continue;
        }
        out += text.substr(copied, view.begins[at] - copied);
        out += kWithheld;
        at += run;
        copied = view.begins[at];
    }
    return out + std::string(text.substr(copied));
}

}  // namespace callchain::signature
