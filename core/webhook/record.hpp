/// The line that a service logs for a refused delivery, so that the delivery can be judged again from the
/// log. Specified in docs/webhook-record.md.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::webhook {

inline constexpr std::string_view kRecordMessage = "callchain webhook record";
inline constexpr std::string_view kRecordSchema = "callchain.webhook-record/1";
/// Bodies above this are never written into a log, whatever was asked for.
inline constexpr std::size_t kMostRecordedBodyBytes = std::size_t{16} << 10U;
/// The furthest that a delivery's timestamp may be from its arrival for its body to be written.
inline constexpr std::chrono::hours kMostRecordedAge{1};

/// What may be said of a configured secret: never the secret.
struct RecordedSecret {
    std::string label;
    std::optional<std::uint64_t> length;  ///< of the configured text, in bytes
    std::string fingerprint;              ///< empty where there is none
    std::string mask;                     ///< with `…`, as signature::mask_secret() makes it; may be empty
    friend bool operator==(const RecordedSecret&, const RecordedSecret&) = default;
};

/// One delivery. Header values are exactly as received; nullopt: the request had no such header (written), or
/// the line does not say (read).
struct WebhookRecord {
    std::optional<std::string> webhook_id;
    std::optional<std::string> webhook_timestamp;
    std::optional<std::string> webhook_signature;
    std::optional<std::uint64_t> body_length;
    std::optional<std::string> body_sha256;    ///< 64 hex digits, lower case
    std::optional<std::string> body;           ///< bytes; only where the operator asked for bodies
    std::optional<std::string> body_left_out;  ///< why there is no body, if there is a reason
    std::optional<std::string> user_agent;
    std::optional<std::string> content_type;
    std::optional<std::chrono::sys_time<std::chrono::milliseconds>> received_at;
    std::optional<std::string> verdict;  ///< a finding code: "signature_mismatch", "timestamp_too_old"
    std::optional<std::string> reason;   ///< one sentence
    std::vector<RecordedSecret> secrets;
    bool cut = false;  ///< read only: the line ended early; what is there is whole
    friend bool operator==(const WebhookRecord&, const WebhookRecord&) = default;
};

/// Why the body of `record` must not be written into a log, or nullopt: larger than kMostRecordedBodyBytes,
/// one of the three headers absent or malformed, or a timestamp further than kMostRecordedAge from
/// `received_at` (or no such time). Strangers would otherwise write into the log what they like.
[[nodiscard]] std::optional<std::string_view> why_body_stays_out(const WebhookRecord& record);

/// One line of JSON without a line end: ASCII, no backslash, no nested value, so that no layer of a log
/// pipeline has anything to escape or re-order. A body that must stay out is left out and `body_left_out`
/// says why.
[[nodiscard]] std::string write_webhook_record(const WebhookRecord& record);

/// Finds a record in one line of a log and undoes what the pipeline did: text before and behind, members in
/// another order, quotes with up to three layers of backslashes, digits turned into numbers, the JSON lines
/// of `railway logs --json` (flat, or with `attributes`), the `name="value"` lines of `railway logs`, ANSI
/// colours. nullopt: the line holds no record. Members that cannot be read are absent. Linear in the line.
/// Source: railwayapp/cli, src/util/logs.rs, for the form with `name="value"`.
[[nodiscard]] std::optional<WebhookRecord> parse_webhook_record(std::string_view line);

}  // namespace callchain::webhook
