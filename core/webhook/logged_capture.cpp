/// A delivery of a log as the request that it was.
#include "base/text.hpp"
#include "webhook/log_delivery.hpp"
#include "webhook/recordings.hpp"

#include <algorithm>
#include <array>

namespace callchain::webhook {
namespace {

constexpr std::string_view kBodyHint =
    "let the service log bodies while you look (CALLCHAIN_RECORD=full), or pass the body by itself";

tl::unexpected<Error> no_body(std::string message) {
    return fail(ErrorCode::bad_input, std::move(message), std::string(kBodyHint));
}

/// The bytes of the body that was received, as far as the log lets one trust them.
Result<std::string> trusted_body(const LoggedDelivery& delivery) {
    if (!delivery.body || delivery.body->candidates.empty()) {
        const auto why = delivery.record ? delivery.record->body_left_out : std::nullopt;
        return no_body("the log has no body of this delivery" +
                       (why ? " (" + visible_excerpt(*why, 80) + ")" : std::string{}));
    }
    const auto& body = *delivery.body;
    if (body.confirmed) return body.candidates.front().bytes;
    if (body.truncated || body.source == LoggedBody::Source::preview) {
        return no_body("the body in the log was cut: the log shows its first " +
                       count_of(body.candidates.front().bytes.size(), "byte"));
    }
    if (body.reordered) {
        return no_body("the log took the body apart and may have put its members in another order");
    }
    if (delivery.body_sha256.whole()) {
        return no_body("the body in the log is not the one that came in: the logged SHA-256 is another's");
    }
    const auto right = std::find_if(body.candidates.begin(), body.candidates.end(), [&](const auto& one) {
        return !delivery.body_length || one.bytes.size() == *delivery.body_length;
    });
    if (right == body.candidates.end()) {
        return no_body("the body in the log has " + count_of(body.candidates.front().bytes.size(), "byte") +
                       ", and the log says that " + with_thousands(*delivery.body_length) + " came in");
    }
    return right->bytes;
}

}  // namespace

Result<Capture> capture_of_delivery(const LoggedDelivery& delivery, std::string_view target,
                                    const std::optional<std::string>& body) {
    constexpr std::array<std::string_view, 3> kNames{"webhook-id", "webhook-timestamp", "webhook-signature"};
    Capture capture{"POST", std::string(target), "HTTP/1.1", {}, {}, {}};
    capture.body = body ? *body : CALLCHAIN_TRY(trusted_body(delivery));
    auto& fields = capture.headers.fields;
    if (delivery.user_agent) fields.push_back({"User-Agent", *delivery.user_agent});
    if (delivery.content_type) fields.push_back({"Content-Type", *delivery.content_type});
    for (std::size_t i = 0; i < kNames.size(); ++i) {
        const auto& field = delivery.*kDeliveryHeaders[i];
        if (field.whole()) fields.push_back({std::string(kNames[i]), field.text});
    }
    return capture;
}

}  // namespace callchain::webhook
