/// Standard Webhooks as OpenAI sends them: `webhook-id`, `webhook-timestamp`, `webhook-signature`.
#pragma once

#include "base/result.hpp"
#include "crypto/hash.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::signature {

enum class Mac { matches, differs };
enum class Freshness { fresh, too_old, too_new };

/// The three header values exactly as received. Borrow from whoever holds the request.
struct WebhookHeaders {
    std::string_view id;
    std::string_view timestamp;
    std::string_view signature;
};

struct Check {
    Mac mac = Mac::differs;
    Freshness freshness = Freshness::fresh;
    std::optional<std::size_t> key_index;  ///< which of the keys matched
    [[nodiscard]] bool valid() const { return mac == Mac::matches && freshness == Freshness::fresh; }
};

/// The `v1` values of a signature header: blank-separated parts with `v1,` taken off; a part without any
/// comma is taken as a bare signature, as OpenAI's SDKs do. Parts of other versions (`v1a`) are left out. At
/// most kMostSignatureParts parts are looked at. Borrow from `header`.
inline constexpr std::size_t kMostSignatureParts = 32;
[[nodiscard]] std::vector<std::string_view> signature_values(std::string_view header);
/// True where the header has `v1a,` parts (ed25519) and no other.
[[nodiscard]] bool has_only_ed25519(std::string_view header);

/// Seconds since the epoch, from ASCII digits alone. Errors: bad_input for anything else (signs, blanks,
/// fractions, more than 64 bits).
[[nodiscard]] Result<std::chrono::sys_seconds> parse_timestamp(std::string_view text);

/// Judges one delivery: HMAC-SHA-256 over id "." timestamp "." body, the timestamp as its header text,
/// compared in constant time with every `v1` value, since a key rotation sends two. MAC and age are judged
/// apart. Units:  `tolerance` is inclusive, both ways. Errors: bad_input where the timestamp is not a decimal
/// number. A wrong signature is a Check, not an error. Source: OpenAI SDKs, webhook signature helpers;
/// Standard Webhooks, "Verifying webhook authenticity".
[[nodiscard]] Result<Check> check_webhook(std::span<const crypto::HmacKey> keys,
                                          const WebhookHeaders& headers, std::string_view body,
                                          std::chrono::sys_seconds now, std::chrono::seconds tolerance);

/// The header value that a sender with that key would write: `v1,` and base64.
[[nodiscard]] std::string sign_webhook(const crypto::HmacKey& key, std::string_view id,
                                       std::string_view timestamp, std::string_view body);

}  // namespace callchain::signature
