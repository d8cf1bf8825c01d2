#include "base/redact.hpp"
#include "base/text.hpp"
#include "twilio/call_resources.hpp"

#include <algorithm>
#include <functional>

namespace callchain::twilio {
namespace {

using encoding::JsonValue;

// A string, or the token of a number: Twilio writes durations and codes in either way.
std::string text_of(const JsonValue& value, std::string_view name) {
    const auto* found = value.find(name);
    if (found == nullptr) return {};
    const bool has_text = found->kind == JsonValue::Kind::string || found->kind == JsonValue::Kind::number;
    return has_text ? found->text : std::string();
}

std::optional<std::int64_t> number_of(const JsonValue& value, std::string_view name) {
    const auto text = text_of(value, name);
    return parse_decimal(text.substr(0, text.find('.')));
}

std::optional<InternetTime> time_of(const JsonValue& value, std::string_view name) {
    return parse_internet_time(text_of(value, name));
}

int code_in(const JsonValue& value, std::string_view name) {
    constexpr std::int64_t kMostCode = 999'999;
    const auto code = number_of(value, name);
    return code && *code <= kMostCode ? static_cast<int>(*code) : 0;
}

bool is_object(const JsonValue& value) { return value.kind == JsonValue::Kind::object; }

// Parameters come as an object of the newer APIs, or as the form that was sent.
encoding::FormFields fields_of(const JsonValue& value, std::string_view name) {
    const auto* found = value.find(name);
    if (found == nullptr) return {};
    if (found->kind == JsonValue::Kind::string) return encoding::parse_form(found->text);
    encoding::FormFields fields;
    if (!is_object(*found)) return fields;
    for (std::size_t i = 0; i < found->names.size(); ++i) {
        const auto& item = found->items[i];
        if (item.kind == JsonValue::Kind::string || item.kind == JsonValue::Kind::number)
            fields.emplace_back(found->names[i], item.text);
    }
    return fields;
}

tl::unexpected<Error> not_ours(const char* what) {
    return fail(ErrorCode::bad_input, std::string("the answer is not ") + what,
                "something else than Twilio answers at this address, a proxy perhaps");
}

std::string next_of(const JsonValue& document) {
    auto next = text_of(document, "next_page_uri");
    if (const auto* meta = document.find("meta"); next.empty() && meta != nullptr)
        next = text_of(*meta, "next_page_url");
    return next;
}

template <class T>
Result<Page<T>> read_page(const JsonValue& document, const char* list, const char* what,
                          const std::function<Result<T>(const JsonValue&)>& read) {
    const auto* items = document.find(list);
    if (items == nullptr || items->kind != JsonValue::Kind::array) return not_ours(what);
    Page<T> page;
    for (const auto& item : items->items) page.items.push_back(CALLCHAIN_TRY(read(item)));
    page.next = next_of(document);
    return page;
}

Level level_of(std::string_view word) {
    if (word == "0" || equal_ignoring_case(word, "error")) return Level::error;
    if (word == "1" || equal_ignoring_case(word, "warn") || equal_ignoring_case(word, "warning"))
        return Level::warning;
    return Level::unknown;
}

std::string value_in(const encoding::FormFields& fields, std::string_view name) {
    const auto found = std::find_if(fields.begin(), fields.end(), [name](const auto& field) {
        return equal_ignoring_case(field.first, name);
    });
    return found == fields.end() ? std::string() : found->second;
}

// The text is a form, with '+' for blanks; a plain sentence is none, and is kept as Msg.
encoding::FormFields message_of(const std::string& text) {
    auto fields = encoding::parse_form(text);
    const bool is_form = !fields.empty() && text.find('=') != std::string::npos &&
                         text.substr(0, text.find('=')).find(' ') == std::string::npos;
    if (is_form) return fields;
    if (text.empty()) return {};
    return {{"Msg", text}};
}

CallNotice notice_of(const JsonValue& item) {
    CallNotice notice;
    notice.sid = text_of(item, "sid");
    notice.code = code_in(item, "error_code");
    notice.request_method = text_of(item, "request_method");
    notice.request_url = text_of(item, "request_url");
    notice.more_info = text_of(item, "more_info");
    notice.request_variables = fields_of(item, "request_variables");
    notice.response_headers = text_of(item, "response_headers");
    notice.response_body = text_of(item, "response_body");
    return notice;
}

WebhookExchange exchange_of(const JsonValue& item, std::string_view call_sid) {
    WebhookExchange exchange;
    exchange.call_sid = call_sid;
    if (const auto* request = item.find("request"); request != nullptr) {
        exchange.method = text_of(*request, "method");
        exchange.url = text_of(*request, "url");
        exchange.parameters = fields_of(*request, "parameters");
    }
    if (const auto* response = item.find("response"); response != nullptr) {
        exchange.status = code_in(*response, "response_code");
        if (const auto ms = number_of(*response, "request_duration"))
            exchange.duration = std::chrono::milliseconds{*ms};
        exchange.content_type = text_of(*response, "content_type");
        exchange.response_body = text_of(*response, "response_body");
        exchange.at = time_of(*response, "date_created");
    }
    return exchange;
}

}  // namespace

std::string CallNotice::text() const {
    auto text = value_in(message, "Msg");
    for (const char* name : {"parserMessage", "ErrorMessage", "description"})
        if (text.empty()) text = value_in(message, name);
    return text;
}

Result<CallResource> read_call(const JsonValue& document) {
    CallResource call;
    call.sid = text_of(document, "sid");
    if (!is_call_sid_text(call.sid)) return not_ours("a call of Twilio's");
    call.parent_sid = text_of(document, "parent_call_sid");
    call.status = text_of(document, "status");
    call.direction = text_of(document, "direction");
    call.from = text_of(document, "from");
    call.to = text_of(document, "to");
    call.created_at = time_of(document, "date_created");
    call.started_at = time_of(document, "start_time");
    call.ended_at = time_of(document, "end_time");
    if (const auto seconds = number_of(document, "duration")) call.duration = std::chrono::seconds{*seconds};
    return call;
}

Result<Page<CallResource>> read_call_page(const JsonValue& document) {
    return read_page<CallResource>(document, "calls", "a list of calls", read_call);
}

Result<CallNotice> read_notification(const JsonValue& document) {
    auto notice = notice_of(document);
    if (!is_sid_text(notice.sid, "NO")) return not_ours("a notification of Twilio's");
    notice.call_sid = text_of(document, "call_sid");
    notice.level = level_of(text_of(document, "log"));
    notice.at = time_of(document, "message_date");
    if (!notice.at) notice.at = time_of(document, "date_created");
    notice.message = message_of(text_of(document, "message_text"));
    return notice;
}

Result<Page<CallNotice>> read_notification_page(const JsonValue& document) {
    return read_page<CallNotice>(document, "notifications", "a list of notifications", read_notification);
}

Result<CallNotice> read_alert(const JsonValue& document) {
    auto notice = notice_of(document);
    if (!is_sid_text(notice.sid, "NO")) return not_ours("an alert of Twilio's");
    notice.is_alert = true;
    notice.call_sid = text_of(document, "resource_sid");
    notice.level = level_of(text_of(document, "log_level"));
    notice.at = time_of(document, "date_generated");
    if (!notice.at) notice.at = time_of(document, "date_created");
    notice.message = message_of(text_of(document, "alert_text"));
    return notice;
}

Result<Page<CallNotice>> read_alert_page(const JsonValue& document) {
    return read_page<CallNotice>(document, "alerts", "a list of alerts", read_alert);
}

Result<Page<WebhookExchange>> read_exchange_page(const JsonValue& document, std::string_view call_sid) {
    const auto read = [call_sid](const JsonValue& item) -> Result<WebhookExchange> {
        if (item.find("request") == nullptr) return not_ours("a list of a call's webhooks");
        return exchange_of(item, call_sid);
    };
    if (document.kind != JsonValue::Kind::array)
        return read_page<WebhookExchange>(document, "events", "a list of a call's webhooks", read);
    Page<WebhookExchange> page;
    for (const auto& item : document.items) page.items.push_back(CALLCHAIN_TRY(read(item)));
    return page;
}

FetchError read_fetch_error(std::string_view body) {
    constexpr std::size_t kMostShown = 300;
    FetchError error;
    const auto document = encoding::parse_json_text(body);
    if (!document || !is_object(*document)) return error;
    error.code = code_in(*document, "code");
    auto message = text_of(*document, "message");
    for (const char* name : {"detail", "title"})
        if (message.empty()) message = text_of(*document, name);
    error.message = safe_excerpt(message, kMostShown);
    return error;
}

}  // namespace callchain::twilio
