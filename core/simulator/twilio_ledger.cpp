#include "simulator/twilio_ledger.hpp"

#include <algorithm>
#include <ranges>
#include <utility>

namespace callchain::simulator {
namespace {

template <class Kept>
void erase_of(std::deque<Kept>& list, const std::string& call_sid) {
    list.erase(std::remove_if(list.begin(), list.end(),
                              [&call_sid](const Kept& one) { return one.call_sid == call_sid; }),
               list.end());
}

}  // namespace

void TwilioLedger::set(KeptCall call) {
    const auto found = std::find_if(calls_.rbegin(), calls_.rend(),
                                    [&call](const KeptCall& one) { return one.sid == call.sid; });
    if (found != calls_.rend()) {
        call.created = found->created;
        *found = std::move(call);
        return;
    }
    calls_.push_back(std::move(call));
    while (calls_.size() > most_calls_) forget_oldest();
}

void TwilioLedger::forget_oldest() {
    const auto sid = calls_.front().sid;
    calls_.pop_front();
    erase_of(exchanges_, sid);
    erase_of(notices_, sid);
}

void TwilioLedger::add(KeptExchange exchange) {
    exchanges_.push_back(std::move(exchange));
    // Of a call that never ends as well: nobody else bounds what a service asks for.
    if (exchanges_.size() > most_calls_ * 16) exchanges_.pop_front();
}

void TwilioLedger::add(KeptNotice notice) {
    notices_.push_back(std::move(notice));
    if (notices_.size() > most_calls_ * 4) notices_.pop_front();
}

const KeptCall* TwilioLedger::find(std::string_view sid) const {
    const auto found =
        std::find_if(calls_.begin(), calls_.end(), [sid](const KeptCall& one) { return one.sid == sid; });
    return found == calls_.end() ? nullptr : &*found;
}

std::vector<const KeptCall*> TwilioLedger::calls() const {
    std::vector<const KeptCall*> all;
    for (const auto& call : std::ranges::reverse_view(calls_)) all.push_back(&call);
    return all;
}

std::vector<const KeptExchange*> TwilioLedger::exchanges_of(std::string_view call_sid) const {
    std::vector<const KeptExchange*> all;
    for (const auto& one : exchanges_)
        if (one.call_sid == call_sid) all.push_back(&one);
    return all;
}

std::vector<const KeptNotice*> TwilioLedger::notices() const {
    std::vector<const KeptNotice*> all;
    for (const auto& notice : std::ranges::reverse_view(notices_)) all.push_back(&notice);
    return all;
}

const KeptExchange* TwilioLedger::last_exchange_of(std::string_view call_sid, Family family) const {
    const auto found =
        std::find_if(exchanges_.rbegin(), exchanges_.rend(), [&](const KeptExchange& exchange) {
            if (exchange.call_sid == call_sid) return true;
            const auto* call = family == Family::alone ? nullptr : find(exchange.call_sid);
            return call != nullptr && call->parent_sid == call_sid;
        });
    return found == exchanges_.rend() ? nullptr : &*found;
}

std::string write_notice_text(int code, twilio::Level level, std::string_view why,
                              const KeptExchange* exchange, int sip_status) {
    encoding::FormFields fields{{"EmailNotification", "false"},
                                {"LogLevel", level == twilio::Level::warning ? "WARN" : "ERROR"},
                                {"sourceComponent", "12000"},
                                {"Msg", std::string(why)},
                                {"ErrorCode", std::to_string(code)}};
    if (exchange != nullptr && exchange->status != 0)
        fields.emplace_back("httpResponse", std::to_string(exchange->status));
    if (exchange != nullptr) fields.emplace_back("url", exchange->url);
    if (sip_status != 0) fields.emplace_back("sipResponse", std::to_string(sip_status));
    return encoding::write_form(fields);
}

}  // namespace callchain::simulator
