/// What Twilio keeps of a call, as its REST API tells it: the addresses to ask, and readers of the answers.
#pragma once

#include "base/internet_time.hpp"
#include "base/result.hpp"
#include "encoding/json_text.hpp"
#include "encoding/text_codings.hpp"
#include "twilio/error_codes.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::twilio {

/// "CA" and 32 hex digits. Source: Twilio, "What is a String Identifier (SID)?".
[[nodiscard]] bool is_call_sid_text(std::string_view text);
/// The same with another prefix: "AC", "SK", "NO".
[[nodiscard]] bool is_sid_text(std::string_view text, std::string_view prefix);

/// The origin of one product ("api", "monitor") in a region: https://api.sao-paulo.br1.twilio.com. Without
/// edge and region https://api.twilio.com; an edge alone means us1.
/// Errors: usage for what cannot be part of a name. Source: Twilio, "Global infrastructure"; the SDKs' rule.
[[nodiscard]] Result<std::string> api_origin(std::string_view product, std::string_view edge,
                                             std::string_view region);

/// Where to ask. `origin` is scheme and host of the API; `account` and `call` are checked by the caller.
[[nodiscard]] std::string call_url(std::string_view origin, std::string_view account, std::string_view call);
[[nodiscard]] std::string child_calls_url(std::string_view origin, std::string_view account,
                                          std::string_view call);
[[nodiscard]] std::string notifications_url(std::string_view origin, std::string_view account,
                                            std::string_view call);
[[nodiscard]] std::string notification_url(std::string_view origin, std::string_view account,
                                           std::string_view call, std::string_view notification);
[[nodiscard]] std::string call_events_url(std::string_view origin, std::string_view account,
                                          std::string_view call);
/// Alerts are of the whole account; `origin` is monitor's. Units: both ends are inclusive.
[[nodiscard]] std::string alerts_url(std::string_view origin, InternetTime from, InternetTime to);
[[nodiscard]] std::string alert_url(std::string_view origin, std::string_view alert);

struct CallResource {
    std::string sid;
    std::string parent_sid;  ///< empty: the caller's leg, or a call that we placed
    std::string status;      ///< "completed", "failed", …
    std::string direction;   ///< "inbound", "outbound-api", "outbound-dial"
    std::string from;        ///< "whatsapp:+5561…", "sip:…"
    std::string to;
    std::optional<InternetTime> created_at, started_at, ended_at;
    std::optional<std::chrono::seconds> duration;
    [[nodiscard]] bool is_over() const;
};

/// An entry of the call's Notifications, or an alert about the call: both have the id NO….
struct CallNotice {
    std::string sid;
    std::string call_sid;
    int code = 0;
    Level level = Level::unknown;
    std::optional<InternetTime> at;
    encoding::FormFields message;  ///< message_text or alert_text, which is a form; a bare text stands in Msg
    std::string request_method;
    std::string request_url;
    std::string more_info;
    encoding::FormFields request_variables;  ///< of the single notice: what Twilio sent
    std::string response_headers;
    std::string response_body;  ///< of the single notice: what it was answered
    bool is_alert = false;
    /// Msg of the message, or what stands for it; may be empty.
    [[nodiscard]] std::string text() const;
};

/// One webhook of the call, from its Events.
struct WebhookExchange {
    std::string call_sid;
    std::string method;
    std::string url;
    encoding::FormFields parameters;
    int status = 0;  ///< 0: no answer
    std::optional<std::chrono::milliseconds> duration;
    std::string content_type;
    std::string response_body;
    std::optional<InternetTime> at;  ///< of the response
};

/// All that was had of one call.
struct CallFile {
    CallResource call;
    std::vector<CallResource> legs;  ///< calls whose parent it is
    std::vector<CallNotice> notices;
    std::vector<WebhookExchange> exchanges;
    bool is_whole = true;  ///< false: part of it could not be had
};

/// One page of a list, and where the next one is: as written there, empty behind the last.
template <class T>
struct Page {
    std::vector<T> items;
    std::string next;
};

/// Members that are missing are empty; names that are not known are passed over.
/// Errors: bad_input where it is no JSON, or none of what was asked for.
[[nodiscard]] Result<CallResource> read_call(const encoding::JsonValue& document);
[[nodiscard]] Result<Page<CallResource>> read_call_page(const encoding::JsonValue& document);
[[nodiscard]] Result<CallNotice> read_notification(const encoding::JsonValue& document);
[[nodiscard]] Result<Page<CallNotice>> read_notification_page(const encoding::JsonValue& document);
[[nodiscard]] Result<CallNotice> read_alert(const encoding::JsonValue& document);
[[nodiscard]] Result<Page<CallNotice>> read_alert_page(const encoding::JsonValue& document);
/// An array of exchanges, or an object with the array `events`. Which call it is, the answer does not say.
[[nodiscard]] Result<Page<WebhookExchange>> read_exchange_page(const encoding::JsonValue& document,
                                                               std::string_view call_sid);

/// The call in what `twilio fetch --save` kept: the members `resources` of callchain.twilio-fetch/1. What was
/// fetched in part is read in part. Errors: bad_input for another document, or one without the call.
[[nodiscard]] Result<CallFile> read_saved_call(const encoding::JsonValue& document);

/// The address of the next page: `next` is a path, or a URL of the same origin. Another host of Twilio's
/// counts as the same where both are, and is asked at `origin`: an edge answers with the region's names.
/// Errors: bad_input for a page elsewhere, which would get the credential.
[[nodiscard]] Result<std::string> next_page_url(std::string_view origin, std::string_view next);

/// Named results of one request; a name never changes its meaning.
enum class FetchOutcome {
    done,
    credential_refused,  ///< 401, or 20003
    permission_missing,  ///< 403: a restricted key that may not read this
    not_found,           ///< 404: another region or account, or a wrong id
    rate_limited,        ///< 429, or 20429
    request_refused,     ///< any other 4xx
    server_error,        ///< 5xx
    network_failure,     ///< no whole answer
    unexpected_answer,   ///< another status, or a body that is not the API's
};
[[nodiscard]] std::string_view name_of(FetchOutcome outcome);
/// The code of the catalogue of findings: "twilio_call_not_found"; empty for done.
[[nodiscard]] std::string_view code_of(FetchOutcome outcome);
/// One or two sentences: what it means.
[[nodiscard]] std::string_view meaning_of(FetchOutcome outcome);

struct FetchError {
    int code = 0;         ///< Twilio's, 0: none
    std::string message;  ///< made visible and cut, numbers in it
};
/// Reads both forms of Twilio's errors: {code, message, more_info, status} and RFC 9457.
[[nodiscard]] FetchError read_fetch_error(std::string_view body);
/// Units: `status` is HTTP's; 0: there was no answer.
[[nodiscard]] FetchOutcome outcome_of(int status, int code);

}  // namespace callchain::twilio
