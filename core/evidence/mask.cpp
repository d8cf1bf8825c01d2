#include "evidence/mask.hpp"

#include "base/redact.hpp"
#include "base/text.hpp"
#include "encoding/base64.hpp"

#include <algorithm>
#include <functional>

namespace callchain::evidence {
namespace {

constexpr std::string_view kWithheld = "[withheld]";
constexpr std::size_t kShortestSecret = 8;

std::size_t occurrences(std::string_view text, std::string_view part) {
    std::size_t count = 0;
    for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size()))
        ++count;
    return count;
}

// Of the secret within a longer text, whatever stands around it: the characters that depend on it alone.
std::vector<std::string> base64_forms(std::string_view secret) {
    std::vector<std::string> forms;
    for (std::size_t offset = 0; offset < 3; ++offset) {
        const auto bits_before = offset * 8;
        const auto first = (bits_before + 5) / 6;
        const auto last = (bits_before + secret.size() * 8) / 6;
        const auto whole = encoding::to_base64(std::string(offset, 'x') + std::string(secret));
        forms.push_back(whole.substr(first, last - first));
    }
    return forms;
}

bool is_base64_character(char c) {
    return is_ascii_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' || c == '/' ||
           c == '-' || c == '_';
}

// Text that a person could have written: what else decodes from base64 is chance.
bool is_plain_text(std::string_view text) {
    return is_utf8(text) && std::all_of(text.begin(), text.end(), [](char c) {
               return static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\r' || c == '\t';
           });
}

// JSON may write a slash as \\/.
std::size_t base64_step(std::string_view text, std::size_t at) {
    if (is_base64_character(text[at])) return 1;
    return text.substr(at, 2) == "\\/" ? 2 : 0;
}

/// What decodes to text goes through `rewrite`, and is encoded again where that changed it.
std::string rewrite_base64(std::string_view text,
                           const std::function<std::string(std::string_view)>& rewrite) {
    constexpr std::size_t kShortest = 24;
    constexpr encoding::Base64Rules kRules{encoding::Base64Rules::Alphabet::either,
                                           encoding::Base64Rules::Padding::optional,
                                           encoding::Base64Rules::TrailingBits::ignored};
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        auto end = at;
        while (end < text.size() && base64_step(text, end) > 0) end += base64_step(text, end);
        for (int padding = 0; end < text.size() && text[end] == '=' && padding < 2; ++padding) ++end;
        const auto run = text.substr(at, std::max<std::size_t>(end - at, 1));
        at += run.size();
        out += run;
        if (run.size() < kShortest) continue;
        const auto decoded = encoding::parse_base64(replace_all(run, "\\/", "/"), kRules);
        if (!decoded || !is_plain_text(*decoded)) continue;
        const auto written = rewrite(*decoded);
        if (written == *decoded) continue;
        out.resize(out.size() - run.size());
        out += encoding::to_base64(written);
    }
    return out;
}

}  // namespace

std::string_view name_of(Kind kind) {
    switch (kind) {
        case Kind::secrets:
            return "secrets";
        case Kind::numbers:
            return "numbers";
        case Kind::mail:
            return "mail";
        case Kind::names:
            return "names";
        case Kind::addresses:
            return "addresses";
        case Kind::bodies:
            break;
    }
    return "bodies";
}

Masker::Masker(std::span<const signature::LabelledSecret> secrets, std::set<Kind> revealed)
    : known_(secrets), revealed_(std::move(revealed)) {
    revealed_.erase(Kind::secrets);
    for (const auto& secret : secrets) {
        if (secret.text.size() < kShortestSecret) continue;
        for (auto& form : base64_forms(secret.text)) encoded_.push_back(std::move(form));
    }
}

std::string Masker::withhold(std::string_view text, Tally& tally) const {
    std::size_t count = 0;
    auto out = known_.withhold(text);
    for (const auto& form : encoded_) out = replace_all(out, form, kWithheld);
    count = occurrences(out, kWithheld) - std::min(occurrences(out, kWithheld), occurrences(text, kWithheld));
    const auto before = occurrences(out, kWithheld);
    out = withhold_secrets(out);
    count += occurrences(out, kWithheld) - before;
    out = rules::withhold_marked(rules::withhold_named(out, count), count);
    if (count > 0) tally[Kind::secrets] += count;
    return out;
}

std::string Masker::mask_plain(std::string_view text, Tally& tally) const {
    auto out = withhold(text, tally);
    const auto apply = [&](Kind kind, auto rule) {
        if (reveals(kind)) return;
        std::size_t count = 0;
        out = rule(out, count);
        if (count > 0) tally[kind] += count;
    };
    apply(Kind::names, rules::mask_names);
    apply(Kind::numbers, [this](std::string_view from, std::size_t& count) {
        return rules::mask_numbers(from, numbers_, count);
    });
    apply(Kind::mail, rules::mask_mail);
    apply(Kind::addresses, rules::mask_addresses);
    return out;
}

std::string Masker::mask(std::string_view text, Tally& tally) const {
    const auto within = [&](std::string_view decoded) {
        return reveals(Kind::bodies) ? withhold(decoded, tally) : mask_plain(decoded, tally);
    };
    return mask_plain(rewrite_base64(text, within), tally);
}

void Masker::learn(std::string_view text) {
    numbers_.merge(rules::find_numbers(text));
    (void)rewrite_base64(text, [this](std::string_view decoded) {
        numbers_.merge(rules::find_numbers(decoded));
        return std::string(decoded);
    });
}

}  // namespace callchain::evidence
