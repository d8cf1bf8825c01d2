/// What an answer of the call API means, and when to ask again.
#pragma once

#include "openai/call.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace callchain::openai {

/// Named results of accept, reject, refer and hangup. A name never changes its meaning.
enum class Outcome {
    done,                ///< 2xx
    call_gone,           ///< 404 call_id_not_found: hung up, an old retry, or answered elsewhere
    decided_elsewhere,   ///< decision_already_made, with any status: accepted or rejected already
    conflict,            ///< any other 409
    request_refused,     ///< 400, 422 …: the body or the id is wrong
    credential_refused,  ///< 401, 403
    rate_limited,        ///< 429, and no time left to wait
    server_error,        ///< 5xx, and no time left
    network_failure,     ///< no answer: resolve, connect, tls, timeout, broken
    deadline_passed,     ///< the time for it ran out before an answer
    unexpected_answer,   ///< any other status
};
[[nodiscard]] std::string_view name_of(Outcome outcome);
/// One sentence: what it means here, and what to do.
[[nodiscard]] std::string_view meaning_of(Outcome outcome);
/// The finding code whose page explains it; empty for done.
[[nodiscard]] std::string_view code_of(Outcome outcome);

/// One answer, as far as it matters. status 0: there was none.
struct ApiAnswer {
    int status = 0;
    std::optional<std::chrono::milliseconds> retry_after = {};  ///< of the header, where it could be read
    std::string error_code = {};                                ///< error.code of the body
    std::string error_type = {};                                ///< error.type
    std::string error_message = {};  ///< error.message, visible, at most 300 characters, secrets withheld
    bool nothing_was_sent = false;   ///< with status 0: the request certainly had no effect
};
/// Reads {error:{message,type,code,param}}; anything else gives empty members. Retry-After: seconds (a
/// fraction is taken, as OpenAI sends), or an HTTP date (IMF-fixdate) held against `now`; `retry-after-ms`
/// goes before it. Source: RFC 9110 sections 5.6.7 and 10.2.3.
[[nodiscard]] ApiAnswer read_api_answer(int status, std::string_view body,
                                        std::optional<std::string_view> retry_after,
                                        std::optional<std::string_view> retry_after_ms,
                                        std::chrono::sys_seconds now);

/// When an accept is tried again. Defaults are the design's.
struct RetryPolicy {
    std::chrono::milliseconds deadline{10'000};  ///< from the receipt of the event
    std::chrono::milliseconds first_wait{200};   ///< then doubled, up to
    std::chrono::milliseconds most_wait{2'000};
    /// A bound on servers that answer at once; the deadline comes first even where every jitter is the least.
    int most_attempts = 16;
    std::chrono::seconds oldest_event_for_404{30};  ///< an older event's 404 is final
};

struct RetryState {
    int attempts = 0;                                    ///< that were answered, this one included
    int not_found = 0;                                   ///< of these with 404
    std::chrono::milliseconds elapsed{};                 ///< since the receipt of the event
    std::optional<std::chrono::seconds> event_age = {};  ///< created_at to receipt; unknown: not limited
    double random = 0.5;                                 ///< 0 to 1: jitter
    /// Of the attempts, those that may have worked all the same: 5xx, or sent and without an answer.
    int maybe_done = 0;
};

/// Either wait so long and ask again, or this is the outcome.
struct Decision {
    std::optional<std::chrono::milliseconds> wait = {};
    Outcome outcome = Outcome::done;
    /// With decided_elsewhere and call_gone: an earlier attempt of ours whose answer was lost may be what
    /// decided. Whether the call is ours only the sideband tells.
    bool perhaps_ours = false;
};

/// Asks again for: 404 with call_id_not_found or without any code, at most three times after 300, 600 and
/// 1,000 ms; 429, after Retry-After or with back-off, unless that ends behind the deadline (never for
/// insufficient_quota, which no waiting mends); 5xx and no answer, with back-off and jitter of half to one
/// and a half. A wait always ends before the deadline, else the answer is final. Everything else is final.
/// Pure. Source: design; OpenAI community reports of 404 just after a webhook.
[[nodiscard]] Decision decide_retry(const ApiAnswer& answer, const RetryState& state,
                                    const RetryPolicy& policy);

}  // namespace callchain::openai
