#include "base/text.hpp"
#include "diagnosis/twilio_faults.hpp"
#include "encoding/base64.hpp"

#include <array>
#include <optional>

namespace callchain::diagnosis {
namespace {

using encoding::PlusSign;
using Changes = std::vector<TextChange>;

Changes if_changed(std::string_view before, std::string after, std::string_view detail) {
    if (after == before) return {};
    return {{std::move(after), std::string(detail)}};
}

Changes undo_signature_quotes(std::string_view text) {
    const auto kept = text.find_first_not_of("\"'");
    if (kept == std::string_view::npos) return {};
    text = text.substr(kept, text.find_last_not_of("\"'") + 1 - kept);
    return {{std::string(text), "Quotes stand around the signature."}};
}

Changes undo_signature_percent(std::string_view text) {
    return if_changed(text, encoding::percent_decode(text, PlusSign::literal),
                      "The signature is percent-encoded here.");
}

Changes undo_signature_plus(std::string_view text) {
    return if_changed(text, replace_all(text, " ", "+"),
                      "A form decoder turned '+' in the signature into a blank.");
}

Changes undo_signature_alphabet(std::string_view text) {
    return if_changed(text, replace_all(replace_all(text, "-", "+"), "_", "/"),
                      "The signature is in the URL-safe alphabet of base64; Twilio sends the standard one.");
}

Changes undo_signature_padding(std::string_view text) {
    if (text.ends_with('=') || text.size() % 4 != 3) return {};
    return {{std::string(text) + "=", "The '=' at the end of the signature is gone."}};
}

Changes undo_signature_hex(std::string_view text) {
    const auto bytes = encoding::parse_hex(text);
    if (!bytes || bytes->empty()) return {};
    return {{encoding::to_base64(*bytes), "The signature is in hex here; Twilio sends base64."}};
}

Changes undo_signature_join(std::string_view text) {
    constexpr std::size_t kMostElements = 8;
    const auto elements = split(text, ',');
    if (elements.size() < 2 || elements.size() > kMostElements) return {};
    Changes changes;
    for (const auto element : elements)
        changes.push_back(
            {std::string(trim(element)), "Several values of the header were joined by commas."});
    return changes;
}

constexpr std::array kSignatureFaults{
    TextFault{"signature_quoted", undo_signature_quotes},
    TextFault{"header_joined", undo_signature_join},
    TextFault{"signature_percent_encoded", undo_signature_percent},
    TextFault{"signature_plus_lost", undo_signature_plus},
    TextFault{"signature_base64url", undo_signature_alphabet},
    TextFault{"signature_padding_lost", undo_signature_padding},
    TextFault{"signature_hex", undo_signature_hex},
};

// The pair that HTTP clients take for Basic credentials.
std::optional<std::string> take_sid(std::string_view text) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos || !is_twilio_sid(text.substr(0, colon))) return std::nullopt;
    return std::string(text.substr(colon + 1));
}

std::optional<std::string> fold_case(std::string_view text) {
    std::string lower = ascii_lower(text);
    if (lower == text || is_twilio_sid(text) || !encoding::parse_hex(text)) return std::nullopt;
    return lower;
}

constexpr std::array kTokenFaults{
    signature::SecretCleaning{"token_with_sid", take_sid},
    signature::SecretCleaning{"secret_case_folded", fold_case},
};

}  // namespace

std::span<const TextFault> signature_faults() { return kSignatureFaults; }
std::span<const signature::SecretCleaning> token_faults() { return kTokenFaults; }

bool is_twilio_sid(std::string_view text) {
    constexpr std::size_t kPrefix = 2;
    constexpr std::size_t kDigits = 32;
    const auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
    return text.size() == kPrefix + kDigits && is_upper(text[0]) && is_upper(text[1]) &&
           encoding::parse_hex(text.substr(kPrefix)).has_value();
}

}  // namespace callchain::diagnosis
