#include "diagnosis/twilio_hints.hpp"

#include "base/endpoint.hpp"
#include "base/text.hpp"
#include "diagnosis/twilio_faults.hpp"
#include "signature/secret_cleaning.hpp"
#include "signature/twilio.hpp"

#include <algorithm>
#include <array>

namespace callchain::diagnosis {
namespace {

constexpr std::size_t kTokenCharacters = 32;

bool is_hex(std::string_view text) { return encoding::parse_hex(text).has_value(); }

bool is_alphanumeric(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return is_ascii_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    });
}

struct TokenShape {
    std::string_view code;
    bool (*fits)(std::string_view text);
    std::string_view detail;
};

bool is_empty(std::string_view text) { return trim(text).empty(); }
bool is_webhook_secret(std::string_view text) {
    return starts_with_ignoring_case(text, signature::kSecretPrefix);
}
bool is_api_secret(std::string_view text) {
    return text.size() == kTokenCharacters && is_alphanumeric(text) && !is_hex(text);
}
bool is_malformed(std::string_view text) { return text.size() != kTokenCharacters || !is_hex(text); }

// The first that fits is told; the last one fits whatever is no auth token.
constexpr std::array kTokenShapes{
    TokenShape{"secret_empty", is_empty, "is empty."},
    TokenShape{"token_is_sid", is_twilio_sid,
               "is an identifier (two letters and 32 hex digits), not the token that belongs to it."},
    TokenShape{"token_is_webhook_secret", is_webhook_secret,
               "begins with whsec_: that is a secret of OpenAI's webhooks."},
    TokenShape{"token_is_api_secret", is_api_secret,
               "has 32 letters and digits that are no hex number, as the secret of an API key has."},
    TokenShape{"token_malformed", is_malformed, "is not 32 hex digits, as an auth token is"},
};

Finding hint(std::string_view code, std::string detail) {
    return {std::string(code), Proof::hint, std::move(detail), {}};
}

std::string name_of(const signature::LabelledSecret& token) {
    return "The auth token \"" + visible(token.label) + "\"";
}

// Cleaned of what surrounds it, so that a token in quotes is not called malformed as well.
std::string cleaned(std::string_view text) {
    std::string out(text);
    for (const auto& cleaning : signature::secret_cleanings()) {
        if (auto next = cleaning.apply(out)) out = *std::move(next);
    }
    for (const auto& fault : token_faults()) {
        if (auto next = fault.apply(out)) out = *std::move(next);
    }
    return out;
}

void add_token_hints(std::vector<Finding>& hints, const signature::LabelledSecret& token) {
    const auto add_dirt = [&](const signature::SecretCleaning& cleaning) {
        if (cleaning.apply(token.text))
            hints.push_back(hint(cleaning.code, name_of(token) + " is not clean."));
    };
    for (const auto& cleaning : signature::secret_cleanings()) add_dirt(cleaning);
    for (const auto& fault : token_faults()) add_dirt(fault);
    const std::string text = cleaned(token.text);
    for (const auto& shape : kTokenShapes) {
        if (!shape.fits(text)) continue;
        std::string detail = name_of(token) + " " + std::string(shape.detail);
        if (shape.code == "token_malformed") detail += "; it has " + count_of(text.size(), "character") + ".";
        hints.push_back(hint(shape.code, std::move(detail)));
        return;
    }
}

void add_signature_hints(std::vector<Finding>& hints, std::string_view signature) {
    if (trim(signature).empty()) {
        hints.push_back(hint("header_missing",
                             "The request has no X-Twilio-Signature; Twilio sends one with every request."));
        return;
    }
    if (!signature::is_twilio_signature(signature)) {
        hints.push_back(
            hint("signature_malformed", "X-Twilio-Signature has " + count_of(signature.size(), "character") +
                                            "; Twilio sends 28 characters of base64, which are 20 bytes."));
        return;
    }
    if (ascii_lower(signature) == signature || ascii_upper(signature) == signature)
        hints.push_back(
            hint("signature_case_folded", "All letters of X-Twilio-Signature have the same case."));
}

void add_body_hints(std::vector<Finding>& hints, const TwilioMaterial& material) {
    if (material.body.empty() && equal_ignoring_case(material.method, "POST"))
        hints.push_back(
            hint("body_empty", "A POST of Twilio has parameters in its body; the body here is empty."));
    if (starts_with_ignoring_case(trim(material.content_type), "multipart/"))
        hints.push_back(
            hint("body_multipart", "The Content-Type is multipart; Twilio's webhooks are forms or JSON."));
}

// Beside what is so by RFC: a name of one word, or one of Kubernetes', is known to the network inside alone.
bool is_internal(std::string_view host) {
    const bool one_word = host.find_first_of(".:") == std::string_view::npos;
    return one_word || ascii_lower(host).ends_with(".svc") || is_private_host(host);
}

void add_url_hints(std::vector<Finding>& hints, const TwilioMaterial& material) {
    for (const auto& [url, origin] : material.urls) {
        const auto parts = signature::split_url(url);
        if (!parts || !is_internal(parts->host)) continue;
        hints.push_back(hint(
            "url_host", "Twilio cannot have asked for " + visible_excerpt(signature::show_url(url), 200) +
                            ": the host \"" + visible_excerpt(parts->host, 60) + "\" is an internal one."));
        return;
    }
}

}  // namespace

std::vector<Finding> twilio_hints(const TwilioMaterial& material) {
    std::vector<Finding> hints;
    add_signature_hints(hints, material.signature);
    for (const auto& token : material.tokens) add_token_hints(hints, token);
    add_body_hints(hints, material);
    add_url_hints(hints, material);
    return hints;
}

}  // namespace callchain::diagnosis
