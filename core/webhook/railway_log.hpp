/// Reads what a service logged about its webhook deliveries, from logs in every shape in which they come back
/// from a platform, and says what the transport did to the evidence.
#pragma once

#include "webhook/record.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::webhook {

/// A value as far as the log shows it.
struct LoggedField {
    enum class State {
        absent,  ///< not in the log; `text` is empty, or what was logged in its place ("None")
        cut,     ///< elided, masked or broken off: `text` is what is left, ellipsis included
        whole,
    };
    State state = State::absent;
    std::string text;
    [[nodiscard]] bool whole() const { return state == State::whole; }
    friend bool operator==(const LoggedField&, const LoggedField&) = default;
};

/// What was undone to get from the log's text to these bytes.
enum class BodyChange {
    none,                  ///< the bytes as they stand in the log
    escapes_removed,       ///< one layer of backslashes taken off
    decoded,               ///< from base64, hex or a Python bytes literal
    joined,                ///< wrapped lines put together without anything between
    joined_with_blanks,    ///< … with a blank where each line was wrapped
    joined_with_newlines,  ///< … with LF: printed over several lines by the service itself
    rebuilt,               ///< put together from members that the log pipeline had taken apart
};

struct BodyCandidate {
    std::string bytes;
    BodyChange change = BodyChange::none;
};

struct LoggedBody {
    enum class Source {
        record,   ///< our own record line
        base64,   ///< base64 in a line or attribute
        python,   ///< a bytes literal, b'…'
        line,     ///< the JSON stood in a line
        text,     ///< a JSON string that holds the JSON
        object,   ///< a JSON object inside of a log's JSON line
        preview,  ///< the first bytes only, by the service's own choice
    };
    Source source = Source::line;
    std::vector<BodyCandidate> candidates;  ///< at least one; the likeliest first
    bool reordered = false;                 ///< members may be in another order than signed
    bool truncated = false;                 ///< the end is missing
    bool confirmed = false;                 ///< the first candidate has the SHA-256 that was logged
    std::size_t line = 0;                   ///< where it begins; from 1
};

/// What the SDK said, as far as it tells causes apart.
enum class SdkComplaint {
    mismatch,           ///< "does not match the expected signature"
    too_old,            ///< "timestamp is too old"
    too_new,            ///< "timestamp is too new"
    timestamp_format,   ///< "invalid webhook timestamp format"
    header_missing,     ///< "could not find webhook-… header"
    secret_missing,     ///< no secret is configured
    secret_not_base64,  ///< the text after whsec_ does not decode
    body_not_utf8,      ///< the body could not be decoded as text
    other,              ///< anything else behind "signature validation failed"
};

struct LoggedError {
    SdkComplaint complaint = SdkComplaint::mismatch;
    std::string text;  ///< the line behind its prefix, secrets withheld, at most 400 bytes
    std::size_t line = 0;
};

/// One delivery, put together from the lines that belong to it.
struct LoggedDelivery {
    LoggedField id;
    LoggedField timestamp;
    LoggedField signature;
    LoggedField body_sha256;
    std::optional<std::uint64_t> body_length;
    std::optional<LoggedBody> body;
    std::optional<std::string> user_agent;
    std::optional<std::string> content_type;
    std::optional<LoggedError> error;
    std::optional<std::string> verdict;    ///< of our own record
    std::optional<WebhookRecord> record;   ///< our own record; its body is in `body`
    std::optional<std::string> logged_at;  ///< the log's time of the first line, as written there
    std::size_t first_line = 0;            ///< from 1
    std::size_t last_line = 0;
};

/// A secret as a service shows it, `whsec_16sl…076DY=`; one per distinct text.
struct LoggedMask {
    std::string text;         ///< the ellipsis written as `…`
    std::string head;         ///< in front of the ellipsis, `whsec_` included
    std::string tail;         ///< behind it
    std::string label;        ///< from our own record, else empty
    std::string fingerprint;  ///< from our own record, else empty
    std::size_t first_line = 0;
    std::size_t last_line = 0;
    std::size_t times = 0;
};

/// How the log came and what was taken off it.
struct LogShape {
    std::size_t lines = 0;
    std::size_t json_lines = 0;  ///< lines that are a log's JSON envelope
    std::size_t colours = 0;     ///< ANSI sequences taken out
    std::size_t prefixes = 0;    ///< lines with a time, level or service name in front
    std::size_t joined = 0;      ///< lines that were put back to the line before
    std::size_t carriage_returns = 0;
    std::size_t long_lines_cut = 0;  ///< lines above kMostLogLineBytes, of which the rest was not read
    bool utf16 = false;              ///< the file was UTF-16 and was converted
};

/// A reason why this log proves less than the deliveries would.
struct LogLoss {
    enum class Kind {
        field_cut,  ///< a header value or hash is elided
        body_reordered,
        body_truncated,
        line_cut,            ///< a record whose line ended early
        line_too_long,       ///< above kMostLogLineBytes
        deliveries_dropped,  ///< more than kMostLoggedDeliveries
        bodies_dropped,      ///< more than kMostLoggedBodyBytes in all
    };
    Kind kind;
    std::size_t line = 0;
    std::string detail;  ///< names the field; one clause, no full stop
};

struct LogReading {
    std::vector<LoggedMask> masks;
    std::vector<LoggedDelivery> deliveries;       ///< in the order of their first lines
    std::vector<LogLoss> losses;                  ///< at most kMostLogRemarks
    std::vector<std::size_t> clear_secret_lines;  ///< lines that hold a whole secret; at most kMostLogRemarks
    std::size_t deliveries_dropped = 0;
    std::size_t bodies_dropped = 0;
    std::size_t call_lines = 0;  ///< lines of serve about calls: it had verified their webhooks
    LogShape shape;
};

inline constexpr std::size_t kMostLoggedDeliveries = 10'000;
inline constexpr std::size_t kMostLoggedBodyBytes = std::size_t{64} << 20U;  ///< over all candidates
inline constexpr std::size_t kMostLogLineBytes = std::size_t{4} << 20U;
inline constexpr std::size_t kMostLogRemarks = 1'000;
inline constexpr std::size_t kMostLogMasks = 100;

/// Never fails: a log in which nothing is found has no deliveries. Linear in the log; what is kept is bounded
/// by the constants above, and what did not fit is counted. Lines of two deliveries that were handled at the
/// same time and logged in turns cannot be told apart; our own record line is one line for that reason.
[[nodiscard]] LogReading read_railway_log(std::string_view bytes);

}  // namespace callchain::webhook
