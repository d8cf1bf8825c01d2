#include "simulator/twilio_rest.hpp"

#include "base/internet_time.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "encoding/base64.hpp"
#include "encoding/json_document.hpp"
#include "encoding/text_codings.hpp"
#include "simulator/failing.hpp"
#include "simulator/twilio_webhook.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

namespace callchain::simulator {
namespace {

using Json = nlohmann::ordered_json;
using std::chrono::sys_seconds;

constexpr std::string_view kVersion = "2010-04-01";
constexpr std::int64_t kUsualPage = 50;
constexpr std::int64_t kLongestPage = 1'000;
constexpr std::string_view kToken = "PA";  // of a page: behind it the sid of the last one of the page before
// What is refused before there is a call is filed under the SIP Domain.
constexpr const char* kSipDomain = "SD00000000000000000000000000000001";

http::Response write(int status, const Json& body) {
    return {status, "application/json", encoding::json_line(body), {}};
}

http::Response rest_error(int status, int code, const std::string& message) {
    return write(
        status,
        {{"code", code}, {"message", message}, {"more_info", twilio::error_url(code)}, {"status", status}});
}

http::Response not_found(const http::Request& request) {
    return rest_error(
        404, 20404,
        "The requested resource " + visible_excerpt(std::string(request.path()), 200) + " was not found");
}

Json date_or_null(const std::optional<sys_seconds>& when) {
    return when ? Json(write_rfc2822(*when)) : Json(nullptr);
}

std::string value_of(const encoding::FormFields& query, std::string_view name) {
    const auto found =
        std::find_if(query.begin(), query.end(), [name](const auto& field) { return field.first == name; });
    return found == query.end() ? std::string() : found->second;
}

// "2026-11-28", or with a time behind it. A day alone means its first second, or its last as an end.
enum class End { first, last };
std::optional<sys_seconds> read_date(std::string_view text, End end) {
    std::array<int, 6> parts{};  // year, month, day, hours, minutes, seconds
    std::size_t count = 0;
    const auto* at = text.data();
    const auto* const behind = text.data() + text.size();
    while (at < behind && count < parts.size()) {
        const auto [next, error] = std::from_chars(at, behind, parts.at(count));
        if (error != std::errc() || parts.at(count) < 0) return std::nullopt;
        ++count;
        at = next == behind ? next : next + 1;
    }
    if (count != 3 && count != 6) return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year(parts[0]),
                                           std::chrono::month(static_cast<unsigned>(parts[1])),
                                           std::chrono::day(static_cast<unsigned>(parts[2]))};
    if (!date.ok()) return std::nullopt;
    const sys_seconds day = std::chrono::sys_days(date);
    if (count == 3) return end == End::first ? day : day + std::chrono::days(1) - std::chrono::seconds(1);
    return day + std::chrono::hours(parts[3]) + std::chrono::minutes(parts[4]) +
           std::chrono::seconds(parts[5]);
}

// ---- pages ----

// One page of a list: which of its items, and how the next one is asked for.
struct Slice {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::int64_t page = 0;
    std::int64_t size = kUsualPage;
    bool has_more = false;
    std::string next = {};  // query of the next page, without its '?'
};

// `id_of` gives what tells one item from the others. nullopt: the query is none.
template <class Item, class IdOf>
std::optional<Slice> slice_of(const std::vector<Item>& items, const encoding::FormFields& query, IdOf id_of) {
    Slice slice;
    if (const auto text = value_of(query, "PageSize"); !text.empty()) {
        const auto size = parse_decimal(text);
        if (!size || *size < 1) return std::nullopt;
        slice.size = std::min(*size, kLongestPage);
    }
    slice.page = parse_decimal(value_of(query, "Page")).value_or(0);
    if (const auto token = value_of(query, "PageToken"); token.starts_with(kToken)) {
        const auto last = std::find_if(items.begin(), items.end(), [&](const Item& item) {
            return id_of(item) == std::string_view(token).substr(kToken.size());
        });
        if (last == items.end()) return std::nullopt;
        slice.begin = static_cast<std::size_t>(last - items.begin()) + 1;
    }
    slice.end = std::min(items.size(), slice.begin + static_cast<std::size_t>(slice.size));
    slice.has_more = slice.end < items.size();
    if (!slice.has_more) return slice;
    encoding::FormFields next;
    for (const auto& field : query)
        if (field.first != "Page" && field.first != "PageToken") next.push_back(field);
    next.emplace_back("Page", std::to_string(slice.page + 1));
    next.emplace_back("PageToken", std::string(kToken) + std::string(id_of(items[slice.end - 1])));
    slice.next = encoding::write_form(next);
    return slice;
}

// The members of a page as the API 2010-04-01 has them: paths.
Json page_of(const http::Request& request, const Slice& slice, const char* name, Json items) {
    const auto path = std::string(request.path());
    const auto start = slice.begin;
    return {{name, std::move(items)},
            {"first_page_uri", path + "?PageSize=" + std::to_string(slice.size) + "&Page=0"},
            {"next_page_uri", slice.has_more ? Json(path + "?" + slice.next) : Json(nullptr)},
            {"previous_page_uri", nullptr},
            {"uri", request.target},
            {"page", slice.page},
            {"page_size", slice.size},
            {"start", start},
            {"end", slice.end == start ? start : slice.end - 1}};
}

// ---- resources ----

Json call_json(const KeptCall& call, const std::string& account) {
    const auto uri = "/" + std::string(kVersion) + "/Accounts/" + account + "/Calls/" + call.sid;
    const auto updated = call.ended ? *call.ended : call.created;
    return {
        {"sid", call.sid},
        {"account_sid", account},
        {"parent_call_sid", call.parent_sid.empty() ? Json(nullptr) : Json(call.parent_sid)},
        {"from", call.from},
        {"from_formatted", call.from},
        {"to", call.to},
        {"to_formatted", call.to},
        {"phone_number_sid", nullptr},
        {"status", call.status},
        {"direction", call.parent_sid.empty() ? "inbound" : "outbound-dial"},
        {"start_time", write_rfc2822(call.created)},
        {"end_time", date_or_null(call.ended)},
        {"duration", call.duration ? Json(std::to_string(call.duration->count())) : Json(nullptr)},
        {"price", nullptr},
        {"price_unit", "USD"},
        {"answered_by", nullptr},
        {"caller_name", nullptr},
        {"forwarded_from", nullptr},
        {"group_sid", nullptr},
        {"trunk_sid", nullptr},
        {"annotation", nullptr},
        {"queue_time", "0"},
        {"api_version", kVersion},
        {"date_created", write_rfc2822(call.created)},
        {"date_updated", write_rfc2822(updated)},
        {"uri", uri + ".json"},
        {"subresource_uris",
         {{"notifications", uri + "/Notifications.json"}, {"events", uri + "/Events.json"}}},
    };
}

enum class Detail { row, whole };

// What a notification and an alert both have.
void add_exchange(Json& json, const KeptNotice& notice, Detail detail) {
    const auto* exchange = notice.exchange ? &*notice.exchange : nullptr;
    json["request_method"] = exchange == nullptr ? Json(nullptr) : Json(exchange->method);
    json["request_url"] = exchange == nullptr ? Json(nullptr) : Json(exchange->url);
    if (detail == Detail::row) return;
    json["request_variables"] =
        exchange == nullptr ? Json(nullptr) : Json(encoding::write_form(exchange->parameters));
    json["response_headers"] = exchange == nullptr ? Json(nullptr) : Json(exchange->response_headers);
    json["response_body"] = exchange == nullptr ? Json(nullptr) : Json(exchange->response_body);
}

Json notification_json(const KeptNotice& notice, const std::string& account, Detail detail) {
    const auto date = write_rfc2822(notice.at);
    Json json{{"sid", notice.sid},
              {"account_sid", account},
              {"call_sid", notice.call_sid},
              {"api_version", kVersion},
              {"log", notice.level == twilio::Level::warning ? "1" : "0"},
              {"error_code", std::to_string(notice.code)},
              {"more_info", twilio::error_url(notice.code)},
              {"message_text", notice.text},
              {"message_date", date},
              {"date_created", date},
              {"date_updated", date},
              {"uri", "/" + std::string(kVersion) + "/Accounts/" + account + "/Calls/" + notice.call_sid +
                          "/Notifications/" + notice.sid + ".json"}};
    add_exchange(json, notice, detail);
    return json;
}

const char* log_level_of(const KeptNotice& notice) {
    return notice.level == twilio::Level::warning ? "warning" : "error";
}

std::string origin_of(const http::Request& request) {
    return "http://" + std::string(request.headers.find("Host").value_or("127.0.0.1"));
}

Json alert_json(const KeptNotice& notice, const std::string& account, const http::Request& request,
                Detail detail) {
    const auto date = write_rfc3339(notice.at, TimePrecision::seconds);
    Json json{{"sid", notice.sid},
              {"account_sid", account},
              {"resource_sid", notice.call_sid.empty() ? std::string(kSipDomain) : notice.call_sid},
              {"service_sid", nullptr},
              {"api_version", kVersion},
              {"log_level", log_level_of(notice)},
              {"error_code", std::to_string(notice.code)},
              {"more_info", twilio::error_url(notice.code)},
              {"alert_text", notice.text},
              {"date_generated", date},
              {"date_created", date},
              {"date_updated", date},
              {"url", origin_of(request) + "/v1/Alerts/" + notice.sid}};
    add_exchange(json, notice, detail);
    if (detail == Detail::whole) json["request_headers"] = "";
    return json;
}

Json event_json(const KeptExchange& exchange) {
    auto parameters = Json::object();
    for (const auto& [name, value] : exchange.parameters) parameters[name] = value;
    return {{"request", {{"method", exchange.method}, {"url", exchange.url}, {"parameters", parameters}}},
            {"response",
             {{"response_code", exchange.status == 0 ? Json(nullptr) : Json(exchange.status)},
              {"request_duration", exchange.duration.count()},
              {"content_type", exchange.content_type},
              {"response_body", exchange.response_body},
              {"date_created", write_rfc2822(exchange.at)}}}};
}

// ---- lists ----

http::Response bad_query() { return rest_error(400, 20001, "Invalid PageSize or PageToken"); }

http::Response list_calls(const TwilioLedger& ledger, const http::Request& request,
                          const std::string& account) {
    const auto query = encoding::parse_form(request.query());
    auto calls = ledger.calls();
    const auto keep = [&](const char* name, std::string KeptCall::*member) {
        if (const auto wanted = value_of(query, name); !wanted.empty())
            std::erase_if(calls, [&](const KeptCall* call) { return call->*member != wanted; });
    };
    keep("ParentCallSid", &KeptCall::parent_sid);
    keep("From", &KeptCall::from);
    keep("To", &KeptCall::to);
    keep("Status", &KeptCall::status);
    const auto slice =
        slice_of(calls, query, [](const KeptCall* call) { return std::string_view(call->sid); });
    if (!slice) return bad_query();
    auto items = Json::array();
    for (auto at = slice->begin; at < slice->end; ++at) items.push_back(call_json(*calls[at], account));
    return write(200, page_of(request, *slice, "calls", std::move(items)));
}

std::vector<const KeptNotice*> notices_of(const TwilioLedger& ledger, std::string_view call_sid) {
    auto notices = ledger.notices();
    std::erase_if(notices, [call_sid](const KeptNotice* one) { return one->call_sid != call_sid; });
    return notices;
}

std::string_view sid_of(const KeptNotice* notice) { return notice->sid; }

http::Response list_notifications(const TwilioLedger& ledger, const http::Request& request,
                                  const std::string& account, const std::string& call_sid) {
    const auto query = encoding::parse_form(request.query());
    auto notices = notices_of(ledger, call_sid);
    if (const auto log = value_of(query, "Log"); !log.empty())
        std::erase_if(notices, [&log](const KeptNotice* one) {
            return log != (one->level == twilio::Level::warning ? "1" : "0");
        });
    const auto slice = slice_of(notices, query, sid_of);
    if (!slice) return bad_query();
    auto items = Json::array();
    for (auto at = slice->begin; at < slice->end; ++at)
        items.push_back(notification_json(*notices[at], account, Detail::row));
    return write(200, page_of(request, *slice, "notifications", std::move(items)));
}

http::Response list_events(const TwilioLedger& ledger, const http::Request& request,
                           const std::string& call_sid) {
    // They have no sid: their place tells them apart.
    std::vector<std::pair<std::string, const KeptExchange*>> events;
    for (const auto* one : ledger.exchanges_of(call_sid))
        events.emplace_back(std::to_string(events.size()), one);
    const auto slice =
        slice_of(events, encoding::parse_form(request.query()),
                 [](const std::pair<std::string, const KeptExchange*>& one) { return one.first; });
    if (!slice) return bad_query();
    auto items = Json::array();
    for (auto at = slice->begin; at < slice->end; ++at) items.push_back(event_json(*events[at].second));
    return write(200, page_of(request, *slice, "events", std::move(items)));
}

http::Response list_alerts(const TwilioLedger& ledger, const http::Request& request,
                           const std::string& account) {
    const auto query = encoding::parse_form(request.query());
    auto alerts = ledger.notices();
    if (const auto level = value_of(query, "LogLevel"); !level.empty())
        std::erase_if(alerts, [&level](const KeptNotice* one) { return level != log_level_of(*one); });
    for (const auto& [name, end] : {std::pair("StartDate", End::first), std::pair("EndDate", End::last)}) {
        const auto text = value_of(query, name);
        if (text.empty()) continue;
        const auto limit = read_date(text, end);
        if (!limit) return rest_error(400, 20001, std::string("Invalid ") + name);
        const bool is_start = end == End::first;
        std::erase_if(alerts, [&limit, is_start](const KeptNotice* one) {
            return is_start ? one->at < *limit : one->at > *limit;
        });
    }
    const auto slice = slice_of(alerts, query, sid_of);
    if (!slice) return bad_query();
    auto items = Json::array();
    for (auto at = slice->begin; at < slice->end; ++at)
        items.push_back(alert_json(*alerts[at], account, request, Detail::row));
    const auto here = origin_of(request) + std::string(request.path());
    return write(200, {{"alerts", std::move(items)},
                       {"meta",
                        {{"key", "alerts"},
                         {"page", slice->page},
                         {"page_size", slice->size},
                         {"first_page_url", here + "?PageSize=" + std::to_string(slice->size) + "&Page=0"},
                         {"previous_page_url", nullptr},
                         {"next_page_url", slice->has_more ? Json(here + "?" + slice->next) : Json(nullptr)},
                         {"url", origin_of(request) + request.target}}}});
}

std::string_view trim_slash(std::string_view path) { return path.substr(path.starts_with('/') ? 1 : 0); }

// The name of a resource without its ".json"; nullopt: it has none.
std::optional<std::string> without_format(const std::string& name) {
    constexpr std::string_view kFormat = ".json";
    if (!name.ends_with(kFormat)) return std::nullopt;
    return name.substr(0, name.size() - kFormat.size());
}

}  // namespace

bool TwilioRest::is_authorized(const http::Request& request) const {
    const auto given = request.headers.find("Authorization").value_or("");
    bool is_one = false;
    for (const auto& [user, password] : settings_.credentials)
        is_one |=
            crypto::equal_in_constant_time(given, "Basic " + encoding::to_base64(user + ":" + password));
    return is_one;
}

http::Response TwilioRest::answer(const TwilioLedger& ledger, const http::Request& request) {
    if (!is_authorized(request)) return rest_error(401, 20003, "Authenticate");
    if (fails_now(settings_.fails_percent, ++answers_))
        return rest_error(500, 20500, "An internal server error has occurred");
    std::vector<std::string> path;
    for (const auto part : split(trim_slash(request.path()), '/'))
        path.push_back(encoding::percent_decode(part, encoding::PlusSign::literal));
    if (request.method != "GET") return rest_error(405, 20004, "Method not allowed");
    if (path.size() == 3 && path[0] == kVersion && path[1] == "Accounts" &&
        path[2] == settings_.account_sid + ".json")
        return write(200, {{"sid", settings_.account_sid},
                           {"friendly_name", "stand-in"},
                           {"status", "active"},
                           {"type", "Full"},
                           {"uri", std::string(request.path())}});
    if (path.size() >= 4 && path[0] == kVersion && path[1] == "Accounts" && path[2] == settings_.account_sid)
        return of_account(ledger, request, path);
    if (path.size() >= 2 && path[0] == "v1") return of_monitor(ledger, request, path);
    return not_found(request);
}

// …/Calls.json, …/Calls/CA.json, …/Calls/CA/Notifications.json, …/Calls/CA/Notifications/NO.json,
// …/Calls/CA/Events.json; `path` begins with the version.
http::Response TwilioRest::of_account(const TwilioLedger& ledger, const http::Request& request,
                                      const std::vector<std::string>& path) const {
    const auto name = without_format(path.back());
    if (!name || path.size() > 7) return not_found(request);
    const auto& account = settings_.account_sid;
    if (path.size() == 4) {
        if (*name != "Calls") return not_found(request);
        if (settings_.forgets_calls) return list_calls(TwilioLedger(), request, account);
        return list_calls(ledger, request, account);
    }
    const auto call_sid = path.size() == 5 ? *name : path[4];
    const auto* call = settings_.forgets_calls ? nullptr : ledger.find(call_sid);
    if (path[3] != "Calls" || call == nullptr) return not_found(request);
    if (path.size() == 5) return write(200, call_json(*call, account));
    if (path.size() == 6 && *name == "Notifications")
        return list_notifications(ledger, request, account, call_sid);
    if (path.size() == 6 && *name == "Events") return list_events(ledger, request, call_sid);
    if (path.size() != 7 || path[5] != "Notifications") return not_found(request);
    for (const auto* notice : notices_of(ledger, call_sid))
        if (notice->sid == *name) return write(200, notification_json(*notice, account, Detail::whole));
    return not_found(request);
}

// /v1/Alerts and /v1/Alerts/NO.
http::Response TwilioRest::of_monitor(const TwilioLedger& ledger, const http::Request& request,
                                      const std::vector<std::string>& path) const {
    const auto& account = settings_.account_sid;
    if (path[1] != "Alerts" || path.size() > 3) return not_found(request);
    if (path.size() == 2) return list_alerts(ledger, request, account);
    for (const auto* notice : ledger.notices())
        if (notice->sid == path[2]) return write(200, alert_json(*notice, account, request, Detail::whole));
    return not_found(request);
}

}  // namespace callchain::simulator
