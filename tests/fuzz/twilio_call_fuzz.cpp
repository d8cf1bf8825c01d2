/// Any answer of the API is read or refused, what was read has an id of its kind, and it becomes events that
/// can be shown; a next page that is accepted stays on its host.
#include "diagnosis/call_post_mortem.hpp"
#include "fuzz/require.hpp"
#include "timeline/from_twilio.hpp"
#include "timeline/timeline.hpp"
#include "twilio/call_resources.hpp"

#include <cstdint>

using namespace callchain;

namespace {

void check_next(const std::string& next) {
    const std::string origin = "https://api.twilio.com";
    if (const auto url = twilio::next_page_url(origin, next)) require(url->starts_with(origin + "/"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string input(reinterpret_cast<const char*>(data), size);
    check_next(input);
    const auto document = encoding::parse_json_text(input);
    if (!document) return 0;
    twilio::CallFile file;
    if (const auto call = twilio::read_call(*document)) {
        require(twilio::is_call_sid_text(call->sid));
        file.call = *call;
        file.legs.push_back(*call);
    }
    if (const auto page = twilio::read_notification_page(*document)) {
        for (const auto& notice : page->items) require(twilio::is_sid_text(notice.sid, "NO"));
        file.notices = page->items;
        check_next(page->next);
    }
    if (const auto page = twilio::read_alert_page(*document)) check_next(page->next);
    if (const auto page = twilio::read_exchange_page(*document, file.call.sid)) file.exchanges = page->items;
    if (const auto saved = twilio::read_saved_call(*document)) file = *saved;
    require(!diagnosis::judge_call(file).sentence.empty());
    for (const auto& call : timeline::join_calls(timeline::events_of_call(file)))
        (void)timeline::to_text(call);
    return 0;
}
