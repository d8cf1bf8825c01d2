#include "signature/secret.hpp"

#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "encoding/base64.hpp"
#include "encoding/text_codings.hpp"
#include "signature/secret_cleaning.hpp"

#include <algorithm>

namespace callchain::signature {
namespace {

// Standard Webhooks, "Signature scheme": symmetric secrets are 24 to 64 bytes.
constexpr std::size_t kShortestKeyBytes = 24;
// The secret of OpenAI's SDK test suites, and every masked one seen: 44 characters, 32 bytes.
constexpr std::size_t kUsualPayloadCharacters = 44;
constexpr std::size_t kUsualKeyBytes = 32;

struct Payload {
    std::string_view digits;      // without padding
    std::size_t padding = 0;      // '=' that are there
    std::size_t padding_due = 0;  // '=' that RFC 4648 wants
};

Payload split_padding(std::string_view payload) {
    Payload out;
    out.digits = payload.substr(0, payload.find_last_not_of('=') + 1);
    out.padding = payload.size() - out.digits.size();
    out.padding_due = (4 - out.digits.size() % 4) % 4;
    return out;
}

constexpr encoding::Base64Rules kPayloadRules{encoding::Base64Rules::Alphabet::standard,
                                              encoding::Base64Rules::Padding::optional,
                                              encoding::Base64Rules::TrailingBits::ignored};

bool is_hex(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return is_ascii_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    });
}

bool is_api_key(std::string_view text) { return text.starts_with("sk-") || text.starts_with("sk_"); }
bool is_twilio_token(std::string_view text) { return text.size() == 32 && is_hex(text); }

std::string sizes(std::string_view payload, std::size_t key_bytes) {
    return count_of(payload.size(), "character") + " after whsec_, " + count_of(key_bytes, "byte") +
           " of key; " + std::to_string(kUsualPayloadCharacters) + " and " + std::to_string(kUsualKeyBytes) +
           " are usual";
}

void lint_payload(std::string_view text, std::vector<SecretRemark>& remarks) {
    const auto payload = text.substr(kSecretPrefix.size());
    const auto parts = split_padding(payload);
    if (parts.padding > parts.padding_due && parts.digits.size() % 4 != 1) {
        remarks.push_back({"secret_padding_extra", count_of(parts.padding, "'='", "'='") + " at the end, " +
                                                       std::to_string(parts.padding_due) + " due"});
    }
    if (parts.digits.find_first_of("-_") != std::string_view::npos) {
        remarks.push_back({"secret_base64url", "'-' or '_' after whsec_: the URL-safe alphabet"});
        return;
    }
    const auto key = read_secret(text);
    if (!key) {
        remarks.push_back({"secret_unreadable", key.error().message});
        return;
    }
    for (const auto hint : key->hints) remarks.push_back({hint, sizes(payload, key->bytes.size())});
    if (key->hints.empty() && key->bytes.size() != kUsualKeyBytes) {
        remarks.push_back({"secret_unexpected_length", sizes(payload, key->bytes.size())});
    }
    const auto letters = [&](char low, char high) {
        return std::any_of(payload.begin(), payload.end(), [=](char c) { return c >= low && c <= high; });
    };
    if (payload.size() >= kShortestKeyBytes && letters('a', 'z') != letters('A', 'Z')) {
        remarks.push_back({"secret_case_folded", "all letters after whsec_ are of one case"});
    }
}

}  // namespace

std::vector<std::string> split_secret_list(std::string_view value) {
    std::vector<std::string> items;
    std::size_t start = 0;
    while (start <= value.size()) {
        const auto end = std::min(value.find_first_of(",\n\r", start), value.size());
        if (const auto item = trim(value.substr(start, end - start)); !item.empty()) items.emplace_back(item);
        start = end + 1;
    }
    // "v1,whsec_…" is one secret with a signature's version in front, not a list.
    const bool version_prefix = items.size() == 2 && items.front() == "v1";
    if (items.size() < 2 || version_prefix) return {std::string(value)};
    return items;
}

Result<SecretKey> read_secret(std::string_view text) {
    if (text.empty()) {
        return fail(ErrorCode::usage, "the secret is empty",
                    "set it to the whole text that starts with whsec_");
    }
    if (!text.starts_with(kSecretPrefix)) return SecretKey{std::string(text), {"secret_prefix_missing"}};

    const auto payload = split_padding(text.substr(kSecretPrefix.size()));
    if (payload.digits.empty()) return fail(ErrorCode::usage, "nothing stands behind whsec_");
    if (payload.padding > payload.padding_due) {
        return fail(ErrorCode::usage, "more '=' behind the secret than its length asks for");
    }
    auto bytes = encoding::parse_base64(payload.digits, kPayloadRules);
    if (!bytes) {
        return fail(
            ErrorCode::usage,
            "what stands behind whsec_ (" + count_of(payload.digits.size(), "character") + ") is no base64",
            "copy the secret again, whole, from the endpoint's page");
    }
    SecretKey key{*std::move(bytes), {}};
    if (payload.padding < payload.padding_due) key.hints.push_back("secret_padding_lost");
    if (encoding::to_base64(key.bytes).substr(0, payload.digits.size()) != payload.digits) {
        key.hints.push_back("secret_not_canonical");
    }
    if (key.bytes.size() < kShortestKeyBytes) key.hints.push_back("secret_short");
    return key;
}

std::string fingerprint(std::string_view text) {
    const auto unwrapped = without_wrapping(text);
    if (!unwrapped.starts_with(kSecretPrefix)) return {};
    const auto key = read_secret(unwrapped);
    return key ? crypto::sha256_hex(key->bytes).substr(0, 8) : std::string{};
}

std::string mask_secret(std::string_view text) {
    std::vector<std::string_view> characters;
    for (auto rest = text; !rest.empty(); rest.remove_prefix(characters.back().size())) {
        characters.push_back(rest.substr(0, std::max<std::size_t>(utf8_sequence_length(rest), 1)));
    }
    const std::size_t count = characters.size();
    if (count < 24) return {};
    const std::size_t first = count >= 40 ? 10 : 7;
    const std::size_t last = count >= 40 ? 6 : 2;
    std::string head;
    std::string tail;
    for (std::size_t i = 0; i < first; ++i) head += characters[i];
    for (std::size_t i = count - last; i < count; ++i) tail += characters[i];
    return visible(head) + "…" + visible(tail);
}

std::vector<SecretRemark> lint_secret(std::string_view text) {
    if (without_wrapping(text).empty())
        return {{"secret_empty", "there is nothing in it but blanks or quotes"}};
    std::vector<SecretRemark> remarks;
    std::string cleaned(text);
    for (const auto& cleaning : secret_cleanings()) {
        // A blank that a '+' was turned into, and one that was put in, look alike: name it once.
        if (cleaning.code == "secret_plus_lost") continue;
        const auto next = cleaning.apply(cleaned);
        if (!next) continue;
        remarks.push_back({cleaning.code, cleaning.code == "secret_invisible_character"
                                              ? describe_invisible(cleaned)
                                              : count_of(cleaned.size(), "byte") + " with it, " +
                                                    count_of(next->size(), "byte") + " without"});
        cleaned = *next;
    }
    if (cleaned.starts_with(kSecretPrefix)) {
        lint_payload(cleaned, remarks);
    } else if (is_api_key(cleaned)) {
        remarks.push_back({"secret_is_api_key", "it begins like an OpenAI API key"});
    } else if (is_twilio_token(cleaned)) {
        remarks.push_back({"secret_is_twilio_token", "32 hex digits, the form of a Twilio auth token"});
    } else {
        remarks.push_back({"secret_prefix_missing", "it does not begin with whsec_"});
    }
    return remarks;
}

}  // namespace callchain::signature
