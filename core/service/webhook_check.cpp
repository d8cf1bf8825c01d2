#include "service/webhook_check.hpp"

#include "base/text.hpp"
#include "signature/standard_webhooks.hpp"

#include <vector>

namespace callchain::service {
namespace {

struct FoundHeader {
    std::string_view name;
    std::string_view value = {};  ///< the first one
    std::size_t count = 0;
};

struct FoundHeaders {
    FoundHeader id{"webhook-id"};
    FoundHeader timestamp{"webhook-timestamp"};
    FoundHeader signature{"webhook-signature"};
};

FoundHeaders find_headers(const http::Request& request) {
    FoundHeaders found;
    for (const auto& field : request.headers.fields) {
        for (auto* header : {&found.id, &found.timestamp, &found.signature}) {
            if (!equal_ignoring_case(field.name, header->name)) continue;
            if (++header->count == 1) header->value = field.value;
        }
    }
    return found;
}

std::string names_where(const FoundHeaders& headers, bool (*matches)(std::size_t count)) {
    std::vector<std::string> names;
    for (const auto* header : {&headers.id, &headers.timestamp, &headers.signature}) {
        if (matches(header->count)) names.emplace_back(header->name);
    }
    return join(names, ", ");
}

std::string age_in_words(std::chrono::sys_seconds sent, std::chrono::sys_seconds now) {
    return duration_of(now > sent ? now - sent : sent - now);
}

}  // namespace

WebhookCheck check_webhook_request(std::span<const crypto::HmacKey> keys, const http::Request& request) {
    const auto found = find_headers(request);
    if (const auto missing = names_where(found, [](std::size_t count) { return count == 0; });
        !missing.empty())
        return {"header_missing", "the request has no " + missing};
    if (const auto doubled = names_where(found, [](std::size_t count) { return count > 1; });
        !doubled.empty())
        return {"header_duplicated", "the request has more than one " + doubled};
    const signature::WebhookHeaders headers{found.id.value, found.timestamp.value, found.signature.value};
    if (headers.id.empty()) return {"header_missing", "webhook-id is empty"};
    const auto now = std::chrono::floor<std::chrono::seconds>(request.received_at);
    const auto check = signature::check_webhook(keys, headers, request.body, now, kWebhookTolerance);
    if (!check) return {"timestamp_malformed", check.error().message};
    // The MAC first: of a forged delivery the time says nothing.
    if (check->mac == signature::Mac::differs)
        return {"signature_mismatch", keys.size() == 1
                                          ? "the configured secret does not yield this signature"
                                          : "none of the configured secrets yields this signature"};
    if (check->valid()) return {{}, {}, check->key_index};
    const auto sent = signature::parse_timestamp(headers.timestamp);
    const bool old = check->freshness == signature::Freshness::too_old;
    return {old ? "timestamp_too_old" : "timestamp_too_new",
            "the MAC is right, and the timestamp " + age_in_words(*sent, now) + (old ? " old" : " ahead") +
                "; " + std::to_string(kWebhookTolerance.count()) +
                " seconds are allowed: is this clock right?",
            check->key_index};
}

}  // namespace callchain::service
