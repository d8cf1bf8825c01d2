/// Whether a delivery of OpenAI's passes: the three headers, the MAC, the age.
#pragma once

#include "crypto/hash.hpp"
#include "http/message.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace callchain::service {

inline constexpr std::chrono::seconds kWebhookTolerance{300};

struct WebhookCheck {
    std::string_view code;                      ///< a finding code; empty where it passes
    std::string reason;                         ///< one sentence
    std::optional<std::size_t> key_index = {};  ///< of the key whose MAC it is, stale or not

    [[nodiscard]] bool passes() const { return code.empty(); }
};

/// As OpenAI's own SDKs judge it, at the time at which the request was received. A repeated header is
/// refused, not joined: two libraries would read two different values.
[[nodiscard]] WebhookCheck check_webhook_request(std::span<const crypto::HmacKey> keys,
                                                 const http::Request& request);

}  // namespace callchain::service
