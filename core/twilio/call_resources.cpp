#include "twilio/call_resources.hpp"

#include "base/internet_time.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace callchain::twilio {
namespace {

constexpr std::string_view kVersion = "/2010-04-01/Accounts/";
constexpr std::string_view kPageSize = "PageSize=100";
constexpr int kAuthenticate = 20003;
constexpr int kTooManyRequests = 20429;

std::string calls_base(std::string_view origin, std::string_view account) {
    return std::string(origin).append(kVersion).append(account).append("/Calls");
}

bool is_name_part(std::string_view text) {
    constexpr std::size_t kLongestLabel = 63;
    return !text.empty() && text.size() <= kLongestLabel && text.front() != '-' && text.back() != '-' &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return is_ascii_digit(c) || c == '-' || (c >= 'a' && c <= 'z'); });
}

// Scheme and authority of an absolute URL; empty for anything else.
std::string_view origin_of(std::string_view url) {
    const auto scheme = url.find("://");
    if (scheme == std::string_view::npos) return {};
    return url.substr(0, std::min(url.find_first_of("/?#", scheme + 3), url.size()));
}

bool is_twilios(std::string_view origin) {
    constexpr std::string_view kHttps = "https://";
    return starts_with_ignoring_case(origin, kHttps) &&
           origin.find_first_of("@:\\", kHttps.size()) == std::string_view::npos &&
           ascii_lower(origin).ends_with(".twilio.com");
}

bool is_path(std::string_view text) {
    return text.starts_with('/') && !text.starts_with("//") &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return c > ' ' && c < '\x7f' && c != '\\' && c != '#'; });
}

}  // namespace

bool is_sid_text(std::string_view text, std::string_view prefix) {
    constexpr std::size_t kDigits = 32;
    return text.size() == prefix.size() + kDigits && text.starts_with(prefix) &&
           std::all_of(text.begin() + static_cast<std::ptrdiff_t>(prefix.size()), text.end(),
                       [](char c) { return is_ascii_digit(c) || (c >= 'a' && c <= 'f'); });
}

bool is_call_sid_text(std::string_view text) { return is_sid_text(text, "CA"); }

Result<std::string> api_origin(std::string_view product, std::string_view edge, std::string_view region) {
    for (const auto& [name, part] : {std::pair{"edge", edge}, std::pair{"region", region}}) {
        if (!part.empty() && !is_name_part(part))
            return fail(ErrorCode::usage,
                        std::string("the ") + name + " \"" + safe_excerpt(part, 40) + "\" is no name",
                        "regions are us1, ie1, au1, br1 …, edges dublin, sao-paulo, sydney …");
    }
    std::string host(product);
    if (!edge.empty()) host.append(".").append(edge);
    if (!edge.empty() || !region.empty()) host.append(".").append(region.empty() ? "us1" : region);
    return "https://" + host + ".twilio.com";
}

std::string call_url(std::string_view origin, std::string_view account, std::string_view call) {
    return calls_base(origin, account).append("/").append(call).append(".json");
}

std::string child_calls_url(std::string_view origin, std::string_view account, std::string_view call) {
    return calls_base(origin, account)
        .append(".json?ParentCallSid=")
        .append(call)
        .append("&")
        .append(kPageSize);
}

std::string notifications_url(std::string_view origin, std::string_view account, std::string_view call) {
    return calls_base(origin, account)
        .append("/")
        .append(call)
        .append("/Notifications.json?")
        .append(kPageSize);
}

std::string notification_url(std::string_view origin, std::string_view account, std::string_view call,
                             std::string_view notification) {
    return calls_base(origin, account)
        .append("/")
        .append(call)
        .append("/Notifications/")
        .append(notification)
        .append(".json");
}

std::string call_events_url(std::string_view origin, std::string_view account, std::string_view call) {
    return calls_base(origin, account).append("/").append(call).append("/Events.json?").append(kPageSize);
}

std::string alerts_url(std::string_view origin, InternetTime from, InternetTime to) {
    return std::string(origin)
        .append("/v1/Alerts?StartDate=")
        .append(write_rfc3339(from, TimePrecision::seconds))
        .append("&EndDate=")
        .append(write_rfc3339(to, TimePrecision::seconds))
        .append("&")
        .append(kPageSize);
}

std::string alert_url(std::string_view origin, std::string_view alert) {
    return std::string(origin).append("/v1/Alerts/").append(alert);
}

Result<std::string> next_page_url(std::string_view origin, std::string_view next) {
    const auto own = origin_of(next);
    const bool is_here =
        own.empty() || equal_ignoring_case(own, origin) || (is_twilios(own) && is_twilios(origin));
    const auto path = next.substr(own.size());
    if (!is_here)
        return fail(ErrorCode::bad_input,
                    "the next page of the list is on another host, which would get the credential: " +
                        safe_excerpt(own, 100));
    if (!is_path(path))
        return fail(ErrorCode::bad_input,
                    "the address of the next page is no path: \"" + safe_excerpt(next, 100) + "\"");
    return std::string(origin).append(path);
}

bool CallResource::is_over() const {
    return status == "completed" || status == "failed" || status == "busy" || status == "no-answer" ||
           status == "canceled";
}

FetchOutcome outcome_of(int status, int code) {
    if (status == 0) return FetchOutcome::network_failure;
    if (status >= 200 && status < 300) return FetchOutcome::done;
    if (status == 401 || code == kAuthenticate) return FetchOutcome::credential_refused;
    if (status == 403) return FetchOutcome::permission_missing;
    if (status == 404) return FetchOutcome::not_found;
    if (status == 429 || code == kTooManyRequests) return FetchOutcome::rate_limited;
    if (status >= 400 && status < 500) return FetchOutcome::request_refused;
    return status >= 500 && status < 600 ? FetchOutcome::server_error : FetchOutcome::unexpected_answer;
}

std::string_view name_of(FetchOutcome outcome) {
    switch (outcome) {
        case FetchOutcome::done:
            return "done";
        case FetchOutcome::credential_refused:
            return "credential_refused";
        case FetchOutcome::permission_missing:
            return "permission_missing";
        case FetchOutcome::not_found:
            return "not_found";
        case FetchOutcome::rate_limited:
            return "rate_limited";
        case FetchOutcome::request_refused:
            return "request_refused";
        case FetchOutcome::server_error:
            return "server_error";
        case FetchOutcome::network_failure:
            return "network_failure";
        case FetchOutcome::unexpected_answer:
            break;
    }
    return "unexpected_answer";
}

std::string_view code_of(FetchOutcome outcome) {
    switch (outcome) {
        case FetchOutcome::done:
            return "";
        case FetchOutcome::credential_refused:
            return "twilio_credential_refused";
        case FetchOutcome::permission_missing:
            return "twilio_permission_missing";
        case FetchOutcome::not_found:
            return "twilio_call_not_found";
        case FetchOutcome::rate_limited:
            return "twilio_rate_limited";
        case FetchOutcome::request_refused:
            return "twilio_request_refused";
        case FetchOutcome::server_error:
            return "twilio_server_error";
        case FetchOutcome::network_failure:
            return "twilio_network_failure";
        case FetchOutcome::unexpected_answer:
            break;
    }
    return "twilio_unexpected_answer";
}

std::string_view meaning_of(FetchOutcome outcome) {
    switch (outcome) {
        case FetchOutcome::done:
            return "Twilio answered.";
        case FetchOutcome::credential_refused:
            return "Twilio does not take this credential. A token belongs to one account and one region; a "
                   "rotated one is dead at once.";
        case FetchOutcome::permission_missing:
            return "The credential is right, and may not read this.";
        case FetchOutcome::not_found:
            return "Twilio knows no such call in this account and region.";
        case FetchOutcome::rate_limited:
            return "Twilio takes no more requests from this account for now.";
        case FetchOutcome::request_refused:
            return "Twilio refuses the request.";
        case FetchOutcome::server_error:
            return "Twilio failed to answer.";
        case FetchOutcome::network_failure:
            return "No whole answer came from Twilio.";
        case FetchOutcome::unexpected_answer:
            break;
    }
    return "The answer is none of Twilio's API. Something else answers at this address, a proxy perhaps.";
}

}  // namespace callchain::twilio
