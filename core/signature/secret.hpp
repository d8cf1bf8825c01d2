/// Webhook secrets: how a configured text becomes HMAC key bytes, and what may be said of one without showing
/// it.
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::signature {

inline constexpr std::string_view kSecretPrefix = "whsec_";

/// A secret as configured, under the name that the user gave its source ("railway", "OPENAI_WEBHOOK_SECRET").
struct LabelledSecret {
    std::string label;
    std::string text;
    std::size_t source = 0;  ///< secrets that came from one configured list share it
};

/// Separates a configured value that is a list at commas and line ends; blanks around the items of a list are
/// syntax and go. A value with fewer than two items is no list and is returned as it is, dirt included.
[[nodiscard]] std::vector<std::string> split_secret_list(std::string_view value);

/// Key bytes of one secret, with what a stricter or laxer reader would have minded.
struct SecretKey {
    std::string bytes;
    std::vector<std::string_view> hints;  ///< finding codes: secret_prefix_missing, secret_padding_lost,
                                          ///< secret_short, secret_not_canonical
};

/// After an exact `whsec_`: the base64-decoded rest; missing padding, set trailing bits and any length from
/// one byte are accepted, each with a hint. Without the prefix: the text itself, as OpenAI's SDKs read it,
/// with a hint. Errors: usage where the text is empty or the rest is no base64. The message never quotes the
/// secret. Source: OpenAI SDKs, webhook signature helpers; Standard Webhooks, "Signature scheme" (24 to 64
/// bytes).
[[nodiscard]] Result<SecretKey> read_secret(std::string_view text);

/// What `serve` and the seed forgive: a byte-order mark, blanks and one or more pairs of quotes around the
/// secret. Borrows from `text`.
[[nodiscard]] std::string_view without_wrapping(std::string_view text);

/// First 8 hex digits of SHA-256 over the decoded key; empty for a secret that is read as raw text or not at
/// all.
[[nodiscard]] std::string fingerprint(std::string_view text);

/// `first 10 … last 6` characters from 40 characters on, `first 7 … last 2` from 24 to 39, else empty: the
/// length alone is shown then. Counts and cuts in characters of UTF-8; control characters are made visible.
[[nodiscard]] std::string mask_secret(std::string_view text);

/// One remark of lint_secret().
struct SecretRemark {
    std::string_view code;  ///< a finding code, secret_…
    std::string detail;     ///< lengths, positions, character names; never characters of the secret
};

/// Everything that can be said of a secret by looking at it: wrapping, prefix, alphabet, padding, length,
/// another kind of credential. Empty for the expected shape: `whsec_` and 44 characters that decode to 32
/// bytes.
[[nodiscard]] std::vector<SecretRemark> lint_secret(std::string_view text);

}  // namespace callchain::signature
