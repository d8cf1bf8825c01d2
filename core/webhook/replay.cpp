#include "webhook/replay.hpp"

#include "base/redact.hpp"
#include "base/text.hpp"
#include "signature/standard_webhooks.hpp"
#include "webhook/diff.hpp"
#include "webhook/recorded_request.hpp"

#include <array>
#include <utility>

namespace callchain::webhook {
namespace {

constexpr std::size_t kMostShown = 60;

/// The three headers, with the names that they had before there was a standard.
struct SignedHeader {
    std::string_view name;
    std::string_view old_name;
};
constexpr std::array<SignedHeader, 3> kSignedHeaders{{{"webhook-id", "svix-id"},
                                                      {"webhook-timestamp", "svix-timestamp"},
                                                      {"webhook-signature", "svix-signature"}}};

std::optional<std::string_view> find_either(const Headers& headers, const SignedHeader& names) {
    const auto value = headers.find(names.name);
    return value ? value : headers.find(names.old_name);
}

/// Names that the Connection headers hold, which are for the next hop alone.
std::vector<std::string_view> connection_options(const Headers& headers) {
    std::vector<std::string_view> names;
    for (const auto value : headers.values("connection")) {
        for (const auto part : split(value, ',')) names.push_back(trim(part));
    }
    return names;
}

/// Names that nobody can list: X-Vault-Token, Private-Token, X-Custom-Secret …
bool looks_like_credential(std::string_view name) {
    const auto lower = ascii_lower(name);
    for (const std::string_view known :
         {"webhook-", "svix-", "x-twilio-", "i-twilio-", "idempotency-key", "sec-websocket-key"}) {
        if (lower.starts_with(known)) return false;
    }
    constexpr std::array<std::string_view, 8> kWords{"token",   "secret",     "auth", "password",
                                                     "session", "credential", "-key", "jwt"};
    return std::any_of(kWords.begin(), kWords.end(),
                       [&](std::string_view word) { return lower.find(word) != std::string_view::npos; });
}

bool stays_behind(std::string_view name, const std::vector<std::string_view>& options) {
    constexpr std::array<std::string_view, 6> kOfTheMessage{"host",   "content-length",  "transfer-encoding",
                                                            "expect", "accept-encoding", "http2-settings"};
    const auto is_it = [&](std::string_view other) { return equal_ignoring_case(name, other); };
    const auto role = header_role(name);
    return role == HeaderRole::credential || looks_like_credential(name) || role == HeaderRole::proxy ||
           std::any_of(kOfTheMessage.begin(), kOfTheMessage.end(), is_it) ||
           std::any_of(options.begin(), options.end(), is_it);
}

Result<void> check_method(std::string_view method) {
    if (!is_token(method)) {
        return fail(
            ErrorCode::bad_input,
            "the method of the capture is no HTTP method: \"" + safe_excerpt(method, kMostShown) + "\"",
            "put the method that was used in its request line; for a webhook it is POST");
    }
    if (method == "CONNECT") {
        return fail(ErrorCode::bad_input, "the capture is a CONNECT, which asks a proxy for a tunnel",
                    "record what went through the tunnel: the request behind it");
    }
    return {};
}

Result<void> check_body(const Capture& capture) {
    for (const auto& remark : capture.remarks) {
        if (remark.kind != CaptureRemark::Kind::shorter_than_declared) continue;
        return fail(ErrorCode::bad_input, "the capture is not whole: " + remark.detail,
                    "record it again; to send what is there all the same, delete its Content-Length and "
                    "Transfer-Encoding lines");
    }
    const bool needs_body = capture.method != "GET" && capture.method != "HEAD";
    if (capture.body.empty() && needs_body) {
        return fail(ErrorCode::bad_input, "the capture has no body, and a webhook has one",
                    "record it with its body, or put the body behind an empty line below the headers");
    }
    return {};
}

Result<void> check_header(const Header& field) {
    if (!is_token(field.name)) {
        return fail(
            ErrorCode::bad_input,
            "HTTP does not allow this name of a header: \"" + safe_excerpt(field.name, kMostShown) + "\"",
            "correct the name in the capture, or remove that header");
    }
    if (!is_field_value(field.value)) {
        return fail(ErrorCode::bad_input,
                    "the value of " + safe_excerpt(field.name, kMostShown) +
                        " has a control character, which HTTP does not allow",
                    "remove that character, or that header, from the capture");
    }
    return {};
}

}  // namespace

Result<ReplayPlan> plan_replay(const Capture& capture) {
    CALLCHAIN_TRY(check_method(capture.method));
    CALLCHAIN_TRY(check_body(capture));
    ReplayPlan plan;
    plan.delivery.method = capture.method;
    plan.delivery.target = split_request_url(capture.target).target;
    plan.delivery.body = capture.body;
    const auto options = connection_options(capture.headers);
    std::size_t bytes = 0;
    for (const auto& field : capture.headers.fields) {
        if (!stays_behind(field.name, options)) {
            CALLCHAIN_TRY(check_header(field));
            bytes += field.name.size() + field.value.size() + 4;
            plan.delivery.headers.fields.push_back(field);
            continue;
        }
        const bool is_listed =
            std::any_of(plan.left_out.begin(), plan.left_out.end(),
                        [&](const std::string& name) { return equal_ignoring_case(name, field.name); });
        if (!is_listed) plan.left_out.push_back(field.name);
    }
    if (bytes > kMostHeadBytes)
        return fail(ErrorCode::limit,
                    "its headers have " + count_of(bytes, "byte") + ", more than any server takes",
                    "remove those that do not matter from the capture");
    return plan;
}

void sign_delivery(Delivery& delivery, std::span<const crypto::HmacKey> keys, const Identity& identity) {
    std::vector<std::string> signatures;
    for (const auto& key : keys) {
        signatures.push_back(signature::sign_webhook(key, identity.id, identity.timestamp, delivery.body));
    }
    const std::array<std::string, 3> values{identity.id, identity.timestamp, join(signatures, " ")};
    for (std::size_t i = 0; i < kSignedHeaders.size(); ++i) {
        const auto& names = kSignedHeaders[i];
        // The new header takes the place of the old one, so that the order of the capture stays.
        for (auto& field : delivery.headers.fields) {
            if (equal_ignoring_case(field.name, names.old_name)) field.name = names.name;
        }
        set_header(delivery.headers, names.name, values[i]);
    }
}

void set_header(Headers& headers, std::string_view name, std::string value) {
    auto& fields = headers.fields;
    const auto is_it = [&](const Header& field) { return equal_ignoring_case(field.name, name); };
    const auto first = std::find_if(fields.begin(), fields.end(), is_it);
    if (first == fields.end()) {
        fields.push_back({std::string(name), std::move(value)});
        return;
    }
    *first = {std::string(name), std::move(value)};
    fields.erase(std::remove_if(first + 1, fields.end(), is_it), fields.end());
}

void remove_header(Headers& headers, std::string_view name) {
    std::erase_if(headers.fields, [&](const Header& field) { return equal_ignoring_case(field.name, name); });
}

Staleness staleness_of(const Headers& headers, std::chrono::sys_seconds now) {
    Staleness staleness;
    for (const auto& names : kSignedHeaders) {
        if (!find_either(headers, names)) staleness.missing.emplace_back(names.name);
    }
    if (staleness.missing.size() == kSignedHeaders.size()) {
        staleness.missing.clear();
        if (headers.find("x-twilio-signature")) staleness.scheme = Staleness::Scheme::twilio;
        return staleness;
    }
    staleness.scheme = Staleness::Scheme::standard;
    if (const auto timestamp = find_either(headers, kSignedHeaders[1])) {
        if (const auto sent_at = signature::parse_timestamp(*timestamp)) staleness.age = now - *sent_at;
    }
    return staleness;
}

std::string write_delivery(const Delivery& delivery, std::string_view target, std::string_view host) {
    Capture capture{delivery.method, std::string(target), "HTTP/1.1", {}, delivery.body, {}};
    auto& fields = capture.headers.fields;
    fields.push_back({"Host", std::string(host)});
    fields.insert(fields.end(), delivery.headers.fields.begin(), delivery.headers.fields.end());
    fields.push_back({"Content-Length", std::to_string(delivery.body.size())});
    return write_capture(capture);
}

}  // namespace callchain::webhook
