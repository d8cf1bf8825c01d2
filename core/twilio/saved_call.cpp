#include "base/text.hpp"
#include "twilio/call_resources.hpp"

#include <algorithm>
#include <iterator>

namespace callchain::twilio {
namespace {

using encoding::JsonValue;

constexpr std::string_view kSchema = "callchain.twilio-fetch/1";

std::string text_of(const JsonValue& value, std::string_view name) {
    const auto* found = value.find(name);
    return found != nullptr && found->kind == JsonValue::Kind::string ? found->text : std::string();
}

template <class T>
void append(std::vector<T>& to, std::vector<T>&& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

// A list has what the single one lacks not, and the single one has more.
void take_notice(CallFile& file, CallNotice&& notice) {
    const auto same = std::find_if(file.notices.begin(), file.notices.end(),
                                   [&](const CallNotice& one) { return one.sid == notice.sid; });
    if (same == file.notices.end())
        file.notices.push_back(std::move(notice));
    else if (!notice.request_variables.empty() || !notice.response_body.empty())
        *same = std::move(notice);
}

Result<void> take(CallFile& file, const std::string& what, const std::string& call_sid,
                  const JsonValue& body) {
    if (what == "call") file.call = CALLCHAIN_TRY(read_call(body));
    if (what == "legs") append(file.legs, CALLCHAIN_TRY(read_call_page(body)).items);
    if (what == "events") append(file.exchanges, CALLCHAIN_TRY(read_exchange_page(body, call_sid)).items);
    if (what == "notifications")
        for (auto& notice : CALLCHAIN_TRY(read_notification_page(body)).items)
            take_notice(file, std::move(notice));
    if (what == "notification") take_notice(file, CALLCHAIN_TRY(read_notification(body)));
    if (what == "alert") take_notice(file, CALLCHAIN_TRY(read_alert(body)));
    return {};
}

}  // namespace

Result<CallFile> read_saved_call(const JsonValue& document) {
    const auto* resources = document.find("resources");
    if (text_of(document, "schema") != kSchema || resources == nullptr ||
        resources->kind != JsonValue::Kind::array)
        return fail(
            ErrorCode::bad_input, "not what twilio fetch --save keeps",
            "callchain twilio fetch CALL_SID --save FILE makes it; --json on stdout lacks the answers");
    CallFile file;
    for (const auto& resource : resources->items) {
        const auto* body = resource.find("body");
        if (body != nullptr)
            CALLCHAIN_TRY(take(file, text_of(resource, "what"), text_of(resource, "call_sid"), *body));
    }
    if (file.call.sid.empty()) return fail(ErrorCode::bad_input, "the call itself is missing in it");
    std::stable_sort(file.exchanges.begin(), file.exchanges.end(),
                     [](const auto& a, const auto& b) { return a.at < b.at; });
    return file;
}

}  // namespace callchain::twilio
