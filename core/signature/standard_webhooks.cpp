#include "signature/standard_webhooks.hpp"

#include "base/redact.hpp"
#include "base/text.hpp"
#include "encoding/base64.hpp"

#include <algorithm>

namespace callchain::signature {
namespace {

// Visits the blank-separated parts of a signature header, at most kMostSignatureParts.
template <class Visit>
void for_each_part(std::string_view header, Visit visit) {
    constexpr std::string_view kBlanks = " \t\r\n\v\f";
    std::size_t at = header.find_first_not_of(kBlanks);
    for (std::size_t n = 0; n < kMostSignatureParts && at != std::string_view::npos; ++n) {
        const auto end = std::min(header.find_first_of(kBlanks, at), header.size());
        visit(header.substr(at, end - at));
        at = header.find_first_not_of(kBlanks, end);
    }
}

}  // namespace

std::vector<std::string_view> signature_values(std::string_view header) {
    std::vector<std::string_view> values;
    for_each_part(header, [&](std::string_view part) {
        if (part.starts_with("v1,")) {
            values.push_back(part.substr(3));
        } else if (part.find(',') == std::string_view::npos) {
            values.push_back(part);
        }
    });
    return values;
}

bool has_only_ed25519(std::string_view header) {
    bool some = false;
    bool other = false;
    for_each_part(header, [&](std::string_view part) { (part.starts_with("v1a,") ? some : other) = true; });
    return some && !other;
}

Result<std::chrono::sys_seconds> parse_timestamp(std::string_view text) {
    const auto seconds = parse_decimal(text);
    if (!seconds) {
        return fail(
            ErrorCode::bad_input,
            "webhook-timestamp is not a decimal number: \"" + safe_excerpt(text, 40) + "\"",
            "it is the Unix time of the delivery in seconds, e.g. 1750861210; a recorder may have cut or "
            "reformatted it");
    }
    return std::chrono::sys_seconds(std::chrono::seconds(*seconds));
}

Result<Check> check_webhook(std::span<const crypto::HmacKey> keys, const WebhookHeaders& headers,
                            std::string_view body, std::chrono::sys_seconds now,
                            std::chrono::seconds tolerance) {
    const auto sent_at = CALLCHAIN_TRY(parse_timestamp(headers.timestamp));
    Check check;
    // Compared one-sided: `now` and `tolerance` are ours and small, the header's time may be any 63-bit
    // number.
    if (sent_at < now - tolerance) check.freshness = Freshness::too_old;
    if (sent_at > now + tolerance) check.freshness = Freshness::too_new;

    const auto values = signature_values(headers.signature);
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const auto mac = keys[i].sign({headers.id, ".", headers.timestamp, ".", body});
        const std::string expected = encoding::to_base64(mac.view());
        for (const auto value : values) {
            if (crypto::equal_in_constant_time(expected, value) && check.mac == Mac::differs) {
                check.mac = Mac::matches;
                check.key_index = i;
            }
        }
    }
    return check;
}

std::string sign_webhook(const crypto::HmacKey& key, std::string_view id, std::string_view timestamp,
                         std::string_view body) {
    return "v1," + encoding::to_base64(key.sign({id, ".", timestamp, ".", body}).view());
}

}  // namespace callchain::signature
