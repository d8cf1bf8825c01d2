#include "diagnosis/key_forms.hpp"

#include "base/text.hpp"
#include "encoding/base64.hpp"
#include "encoding/charset.hpp"
#include "encoding/text_codings.hpp"
#include "signature/secret.hpp"
#include "signature/secret_cleaning.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_set>

namespace callchain::diagnosis {
namespace {

using encoding::Base64Rules;
using signature::kSecretPrefix;
using Keys = std::vector<std::string>;

constexpr std::string_view kBase64Alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// Everything of base64 that can be read at all, so that dirt is told by its own row and not by a failed
// decoding.
constexpr Base64Rules kTolerant{Base64Rules::Alphabet::either, Base64Rules::Padding::excess_allowed,
                                Base64Rules::TrailingBits::ignored};

std::optional<std::string_view> payload_of(std::string_view secret) {
    if (!secret.starts_with(kSecretPrefix) || secret.size() == kSecretPrefix.size()) return std::nullopt;
    return secret.substr(kSecretPrefix.size());
}

std::optional<std::string> tolerant_decode(std::string_view text) {
    auto bytes = encoding::parse_base64(text, kTolerant);
    if (!bytes || bytes->empty()) return std::nullopt;
    return *std::move(bytes);
}

// Node's reader never fails.
std::string decode_as_node(std::string_view text) {
    return encoding::parse_base64(text, encoding::kNodeBase64).value_or("");
}

// ---- decodings: what may be done with a clean secret to get a key ----

Keys decode_with_extra_padding(std::string_view secret) {
    const auto payload = payload_of(secret);
    if (!payload || !payload->ends_with('=')) return {};
    auto key = signature::read_secret(std::string(kSecretPrefix) +
                                      std::string(payload->substr(0, payload->find_last_not_of('=') + 1)));
    return key ? Keys{std::move(key->bytes)} : Keys{};
}

Keys decode_url_safe(std::string_view secret) {
    const auto payload = payload_of(secret);
    if (!payload || payload->find_first_of("-_") == std::string_view::npos) return {};
    const auto key = tolerant_decode(*payload);
    return key ? Keys{*key} : Keys{};
}

Keys decode_without_prefix(std::string_view secret) {
    if (secret.starts_with(kSecretPrefix)) return {};
    const auto key = tolerant_decode(secret);
    return key ? Keys{*key} : Keys{};
}

Keys whole_text(std::string_view secret) {
    return secret.starts_with(kSecretPrefix) ? Keys{std::string(secret)} : Keys{};
}

Keys payload_text(std::string_view secret) {
    const auto payload = payload_of(secret);
    return payload ? Keys{std::string(*payload)} : Keys{};
}

// '_' is the 63rd digit of the URL-safe alphabet, so a lax decoder reads the prefix as part of the key.
Keys decode_with_prefix(std::string_view secret) {
    if (!secret.starts_with(kSecretPrefix)) return {};
    return {decode_as_node(secret)};
}

Keys hex_of_key(std::string_view secret) {
    const auto payload = payload_of(secret);
    const auto key = payload ? tolerant_decode(*payload) : std::nullopt;
    return key ? Keys{encoding::to_hex(*key), encoding::to_upper_hex(*key)} : Keys{};
}

Keys decode_as_hex(std::string_view secret) {
    auto key = encoding::parse_hex(payload_of(secret).value_or(secret));
    return key && !key->empty() ? Keys{*std::move(key)} : Keys{};
}

Keys decode_twice(std::string_view secret) {
    const auto once = tolerant_decode(payload_of(secret).value_or(secret));
    const auto twice = once ? tolerant_decode(*once) : std::nullopt;
    return twice ? Keys{*twice} : Keys{};
}

// Both ends of the same mistake: the key is the secret encoded once more, or the secret here is.
Keys encode_again(std::string_view secret) {
    Keys keys{encoding::to_base64(secret)};
    if (const auto payload = payload_of(secret)) keys.push_back(encoding::to_base64(*payload));
    if (const auto inner = tolerant_decode(secret); inner && inner->starts_with(kSecretPrefix)) {
        if (auto key = signature::read_secret(*inner)) keys.push_back(std::move(key->bytes));
    }
    return keys;
}

// A reader that insists on whole groups of four loses the last bytes when the padding is gone; one that drops
// foreign characters loses every '+' that became a blank.
Keys decode_cut_short(std::string_view secret) {
    const auto payload = payload_of(secret);
    const auto key = payload ? tolerant_decode(*payload) : std::nullopt;
    if (!key || key->size() < 3 || !payload->ends_with('=')) return {};
    return {key->substr(0, key->size() - 1), key->substr(0, key->size() - key->size() % 3)};
}

Keys decode_without_plus(std::string_view secret) {
    const auto payload = payload_of(secret);
    if (!payload || payload->find('+') == std::string_view::npos) return {};
    return {decode_as_node(replace_all(*payload, "+", " "))};
}

struct Decoding {
    std::string_view code;
    Keys (*decode)(std::string_view secret);
};
constexpr Decoding kDecodings[] = {
    {"secret_padding_extra", decode_with_extra_padding},
    {"secret_base64url", decode_url_safe},
    {"secret_prefix_missing", decode_without_prefix},
    {"secret_raw_text", whole_text},
    {"secret_undecoded_base64", payload_text},
    {"secret_prefix_decoded", decode_with_prefix},
    {"secret_hex_of_key", hex_of_key},
    {"secret_hex_text", decode_as_hex},
    {"secret_decoded_twice", decode_twice},
    {"secret_encoded_twice", encode_again},
    {"secret_padding_lost", decode_cut_short},
    {"secret_plus_lost", decode_without_plus},
};

// ---- soiling: a clean secret as a process with an unforgiving reader saw it, all of it taken as the key
// ----

struct Soiling {
    std::string_view code;
    std::string_view before;
    std::string_view after;
};
constexpr Soiling kSoilings[] = {
    {"secret_leading_whitespace", " ", ""},
    {"secret_leading_whitespace", "\n", ""},
    {"secret_quoted", "\"", "\""},
    {"secret_quoted", "'", "'"},
    {"secret_quoted", "`", "`"},
    {"secret_quoted", "“", "”"},
    {"secret_json_quoted", "\\\"", "\\\""},
    {"secret_bom", encoding::kUtf8Bom, ""},
    {"secret_invisible_character", "\u200B", ""},
    {"secret_invisible_character", "\u00A0", ""},
    {"secret_env_assignment", "OPENAI_WEBHOOK_SECRET=", ""},
    {"secret_env_assignment", "export OPENAI_WEBHOOK_SECRET=", ""},
    {"secret_bearer_prefix", "Bearer ", ""},
    {"secret_version_prefix", "v1,", ""},
};
// Behind the secret dirt does not hide the prefix, so it matters only to code that takes the text as the key.
constexpr Soiling kTails[] = {
    {"secret_trailing_newline", "", "\n"},
    {"secret_trailing_newline", "", "\r\n"},
    {"secret_trailing_whitespace", "", " "},
};

// ---- one character lost or mistaken ----

constexpr std::string_view kLookAlikes[] = {"O0oQD", "l1I|i7", "5S", "8B", "2Z",
                                            "6b",    "9gq",    "uv", "UV", "nh"};

std::string_view look_alikes_of(char c) {
    for (const auto group : kLookAlikes) {
        if (group.find(c) != std::string_view::npos) return group;
    }
    return {};
}

// Collects forms; the first to claim a key keeps it, so cheaper rows go in first.
class Collector {
  public:
    void add(std::string bytes, Faults faults, int cost, Reach reach = Reach::combines) {
        if (seen_.insert(std::string(significant_key(bytes))).second)
            forms_.push_back({std::move(bytes), std::move(faults), cost, reach});
    }
    void add_readable(std::string_view secret, Faults faults, int cost, Reach reach) {
        if (auto key = signature::read_secret(secret))
            add(std::move(key->bytes), std::move(faults), cost, reach);
    }
    std::vector<KeyForm> take() {
        std::stable_sort(forms_.begin(), forms_.end(),
                         [](const KeyForm& a, const KeyForm& b) { return a.cost < b.cost; });
        return std::move(forms_);
    }

  private:
    std::unordered_set<std::string> seen_;
    std::vector<KeyForm> forms_;
};

struct Text {
    std::string secret;
    Faults faults;
};

std::vector<Text> cleaned(const Text& text) {
    std::vector<Text> out;
    for (const auto& cleaning : signature::secret_cleanings()) {
        auto next = cleaning.apply(text.secret);
        if (!next) continue;
        Fault fault{cleaning.code};
        if (cleaning.code == "secret_invisible_character") {
            fault.evidence.push_back({"characters", signature::describe_invisible(text.secret)});
        }
        out.push_back({*std::move(next), text.faults + Faults{fault}});
    }
    return out;
}

void add_decodings(Collector& forms, const Text& text) {
    for (const auto& decoding : kDecodings) {
        for (auto& key : decoding.decode(text.secret)) {
            auto faults = text.faults + Faults{{decoding.code}};
            const int cost = static_cast<int>(faults.size());
            forms.add(std::move(key), std::move(faults), cost);
        }
    }
}

void add_soilings(Collector& forms, std::string_view secret) {
    if (!secret.starts_with(kSecretPrefix)) return;
    for (const auto& soiling : kSoilings) {
        const std::string text =
            std::string(soiling.before) + std::string(secret) + std::string(soiling.after);
        forms.add(text, {{soiling.code}}, 1);
    }
    for (const auto& tail : kTails) {
        const std::string text = std::string(secret) + std::string(tail.after);
        forms.add(text, {{"secret_raw_text"}, {tail.code}}, 2);
        forms.add(text.substr(kSecretPrefix.size()), {{"secret_undecoded_base64"}, {tail.code}}, 2);
    }
}

// Units: positions count characters of the whole secret, prefix included, from 1.
Evidence character_at(std::size_t index) { return {"character", static_cast<std::int64_t>(index + 1)}; }

using VisitKey = std::function<void(KeyForm)>;

void visit_readable(std::string_view secret, Faults faults, int cost, const VisitKey& visit) {
    if (auto key = signature::read_secret(secret))
        visit({std::move(key->bytes), std::move(faults), cost, Reach::alone});
}

std::string_view digits_of(std::string_view secret) {
    return secret.substr(0, secret.find_last_not_of('=') + 1);
}

void visit_lost_at(std::string_view secret, std::size_t at, int cost, const VisitKey& visit) {
    const auto digits = digits_of(secret);
    for (const char c : kBase64Alphabet) {
        std::string mended(digits.substr(0, at));
        mended += c;
        mended += digits.substr(at);
        visit_readable(mended, {{"secret_character_lost", {character_at(at)}}}, cost, visit);
    }
}

struct Swap {
    std::size_t at;
    char to;
};

std::vector<Swap> look_alike_swaps(std::string_view secret) {
    std::vector<Swap> swaps;
    for (std::size_t at = kSecretPrefix.size(); at < secret.size(); ++at) {
        for (const char c : look_alikes_of(secret[at])) {
            if (c != secret[at] && kBase64Alphabet.find(c) != std::string_view::npos)
                swaps.push_back({at, c});
        }
    }
    return swaps;
}

void visit_swapped(std::string_view secret, std::string_view code, const std::vector<Swap>& swaps, int cost,
                   const VisitKey& visit) {
    std::string mended(secret);
    Faults faults;
    for (const auto& swap : swaps) {
        mended[swap.at] = swap.to;
        faults.push_back({code, {character_at(swap.at)}});
    }
    visit_readable(mended, std::move(faults), cost, visit);
}

// Longer than any secret that is legal (64 bytes): typos in it are not worth thousands of keys.
constexpr std::size_t kMostTypedCharacters = 96;

bool has_typos(std::string_view secret) {
    return payload_of(secret).has_value() && secret.size() <= kMostTypedCharacters;
}

}  // namespace

std::vector<KeyForm> key_forms(std::string_view secret) {
    Collector forms;
    forms.add_readable(secret, {}, 0, Reach::combines);
    const Text as_configured{std::string(secret), {}};
    const auto once = cleaned(as_configured);
    for (const auto& text : once) forms.add_readable(text.secret, text.faults, 1, Reach::combines);
    add_decodings(forms, as_configured);
    add_soilings(forms, secret);
    for (const auto& text : once) {
        for (const auto& again : cleaned(text))
            forms.add_readable(again.secret, again.faults, 2, Reach::combines);
        add_decodings(forms, text);
    }
    if (has_typos(secret)) {
        const auto add = [&](KeyForm form) {
            forms.add(std::move(form.bytes), std::move(form.faults), form.cost, form.reach);
        };
        visit_lost_at(secret, kSecretPrefix.size(), 1, add);
        visit_lost_at(secret, digits_of(secret).size(), 1, add);
        for (const auto& swap : look_alike_swaps(secret))
            visit_swapped(secret, "secret_confusable_character", {swap}, 1, add);
    }
    return forms.take();
}

void visit_typo_forms(std::string_view secret, const std::function<void(KeyForm)>& visit) {
    if (!has_typos(secret)) return;
    const auto end = digits_of(secret).size();
    for (std::size_t at = kSecretPrefix.size() + 1; at < end; ++at) visit_lost_at(secret, at, 2, visit);
    const auto swaps = look_alike_swaps(secret);
    for (const auto& first : swaps) {
        for (const auto& second : swaps) {
            if (first.at < second.at)
                visit_swapped(secret, "secret_confusable_character", {first, second}, 2, visit);
        }
    }
    for (std::size_t at = kSecretPrefix.size(); at < end; ++at) {
        for (const char c : kBase64Alphabet) {
            if (c != secret[at]) visit_swapped(secret, "secret_character_wrong", {{at, c}}, 2, visit);
        }
    }
}

std::string_view significant_key(std::string_view key) {
    constexpr std::size_t kBlockBytes = 64;  // of SHA-256
    if (key.size() > kBlockBytes) return key;
    return key.substr(0, key.find_last_not_of('\0') + 1);
}

std::vector<KeyForm> unsplit_key_forms(const std::vector<std::string>& secrets) {
    std::vector<KeyForm> forms;
    for (const std::string_view separator : {",", ", ", "\n"}) {
        const auto list = join(secrets, separator);
        forms.push_back({list, {{"secret_list_unsplit"}}, 1, Reach::combines});
        if (const auto payload = payload_of(list)) {
            forms.push_back({std::string(*payload), {{"secret_list_unsplit"}}, 1, Reach::combines});
        }
    }
    return forms;
}

std::vector<KeyForm> unset_key_forms() {
    std::vector<KeyForm> forms;
    for (const std::string_view text : {"", "undefined", "null", "None"}) {
        forms.push_back(
            {std::string(text), {{"secret_empty", {{"key_text", std::string(text)}}}}, 1, Reach::combines});
    }
    return forms;
}

}  // namespace callchain::diagnosis
