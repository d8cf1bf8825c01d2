#include "base/redact.hpp"

#include "base/characters.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace callchain {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

bool is_secret_char(char c) {
    return is_ascii_letter_or_digit(c) || c == '+' || c == '/' || c == '=' || c == '_' || c == '-';
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

constexpr std::array<std::string_view, 2> kKinds{"whsec_", "sk-"};

// The first secret of one kind at or behind `from`. Shorter tails are names of things ("sk-proj"), and a mask
// has its ellipsis within these lengths.
ClearSecret next_of_kind(std::string_view text, std::size_t from, std::string_view kind) {
    constexpr std::size_t kShortestTail = 16;
    for (auto at = text.find(kind, from); at != kNone; at = text.find(kind, at + 1)) {
        // "task-…", "disk-…"
        if (kind == "sk-" && at > 0 && (is_ascii_letter_or_digit(text[at - 1]))) continue;
        const auto tail = secret_length(text, at + kind.size());
        if (tail >= kShortestTail) return {at, at + kind.size() + tail, kind};
    }
    return {};
}

// The secrets of a text from left to right. Each kind is looked for only behind its last place, so that the
// work grows with the length of the text.
class ClearSecrets {
  public:
    explicit ClearSecrets(std::string_view text) : text_(text) {
        for (std::size_t i = 0; i < kKinds.size(); ++i) next_[i] = next_of_kind(text, 0, kKinds[i]);
    }
    // The first one at or behind `from`, which never goes back.
    ClearSecret next(std::size_t from) {
        ClearSecret first;
        for (std::size_t i = 0; i < kKinds.size(); ++i) {
            if (next_[i].at < from) next_[i] = next_of_kind(text_, from, kKinds[i]);
            if (next_[i].at < first.at) first = next_[i];
        }
        return first;
    }

  private:
    std::string_view text_;
    std::array<ClearSecret, kKinds.size()> next_;
};

bool may_stand_in_number(char c) {
    return is_ascii_digit(c) || c == '+' || std::string_view(" -.()").find(c) != kNone;
}

}  // namespace

std::size_t find_clear_secret(std::string_view text) { return ClearSecrets(text).next(0).at; }

std::string withhold_secrets(std::string_view text) {
    std::string out;
    std::size_t at = 0;
    ClearSecrets secrets(text);
    for (auto secret = secrets.next(0); secret.at != kNone; secret = secrets.next(secret.end)) {
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

std::string show_number(std::string_view text) {
    constexpr std::ptrdiff_t kFewestMasked = 7;
    constexpr std::size_t kShownCharacters = 60;
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const auto end =
            std::min(text.size(),
                     static_cast<std::size_t>(std::find_if_not(text.begin() + static_cast<std::ptrdiff_t>(at),
                                                               text.end(), may_stand_in_number) -
                                              text.begin()));
        const auto run = text.substr(at, end - at);
        if (std::count_if(run.begin(), run.end(), is_ascii_digit) >= kFewestMasked) {
            std::string digits;
            std::copy_if(run.begin(), run.end(), std::back_inserter(digits), is_ascii_digit);
            const auto first = run.find_first_of("0123456789");
            const auto last = run.find_last_of("0123456789");
            out += run.substr(0, first);
            out += "…" + digits.substr(digits.size() - 4);
            out += run.substr(last + 1);
        } else {
            out += run;
        }
        at = end;
        if (at < text.size()) out += text[at++];
    }
    return safe_excerpt(out, kShownCharacters);
}

}  // namespace callchain
