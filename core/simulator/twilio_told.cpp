// TwilioSwitch: its webhooks, and what it tells the timeline.
#include "base/redact.hpp"
#include "base/text.hpp"
#include "gateway/message_trace.hpp"
#include "http/url.hpp"
#include "simulator/twilio_switch.hpp"
#include "system/random.hpp"
#include "twilio/error_codes.hpp"

namespace callchain::simulator {
namespace {

using timeline::Event;
using timeline::Medium;
using timeline::Party;

// Of every Call-ID of a leg that Twilio makes, and of nobody else's.
constexpr std::string_view kOwnCallIds = "@0.0.0.0";

std::string path_of(const std::string& url) {
    const auto parts = http::read_url(url);
    return parts ? parts->target.substr(0, parts->target.find('?')) : std::string("?");
}

std::string detail_of(const http::ClientResponse& response) {
    const auto type = response.headers.find("Content-Type").value_or("");
    if (type.find("xml") == std::string_view::npos) return visible_excerpt(type, 40);
    return summary_of(read_script(response.body));
}

// What of the fields says most about it.
std::string detail_of(const encoding::FormFields& fields) {
    std::string detail;
    for (const auto& [name, value] : fields) {
        for (const std::string_view wanted :
             {"From", "To", "CallStatus", "DialCallStatus", "DialSipResponseCode", "ErrorCode"})
            if (name == wanted) detail += (detail.empty() ? "" : " ") + name + "=" + show_number(value);
    }
    return detail;
}

}  // namespace

void TwilioSwitch::send_webhook(Call& call, const std::string& method, const std::string& url,
                                const encoding::FormFields& fields,
                                std::function<void(const http::ClientResult&)> done) {
    auto account = account_;
    account.time = call.conduct->webhook_time;
    auto request = make_webhook(account, method, url, fields, system::random_bytes(16));
    const auto label = method + " " + path_of(request.url);
    tell({wall_now(), Party::twilio, Party::serve, Medium::http, label, detail_of(fields), ids_of(call)});
    ++call.webhooks;
    // As Twilio knows it; where it goes is another matter.
    auto known = request;
    known.url = url;
    // The answer comes on the client's thread.
    http_.send(std::move(request), [this, key = call.key, label, known, fields, sent = gateway::Loop::now(),
                                    done = std::move(done)](http::ClientResult result) {
        loop_.post([this, key, label, known, fields, sent, done, result = std::move(result)] {
            auto* again = find(key);
            if (again == nullptr) return;
            --again->webhooks;
            keep_exchange(*again, known, fields, result, sent);
            if (const auto* answer = std::get_if<http::ClientResponse>(&result)) {
                const auto reason = http::reason_phrase(answer->status);
                const auto detail = detail_of(*answer);
                tell({wall_now(), Party::serve, Party::twilio, Medium::http,
                      std::to_string(answer->status) + (reason.empty() ? "" : " " + std::string(reason)),
                      label + (detail.empty() ? "" : ": " + detail), ids_of(*again), answer->status >= 400});
            }
            done(result);
        });
    });
}

void TwilioSwitch::trace(const gateway::TracedMessage& message) const {
    const auto call_id = gateway::call_id_of(message);
    const bool to_openai = call_id.ends_with(kOwnCallIds);
    const auto found = by_call_id_.find(call_id);
    std::vector<timeline::Id> known;
    if (found != by_call_id_.end())
        if (const auto call = calls_.find(found->second); call != calls_.end())
            known.emplace_back("call_sid", call->second->told.call_sid);
    tell(sip_event(message, Party::twilio, to_openai ? Party::openai : Party::gateway,
                   to_openai ? "call_id_openai_leg" : "call_id_twilio", std::move(known)));
}

void TwilioSwitch::note(const Call& call, std::string label, std::string detail, bool trouble) const {
    tell({wall_now(), Party::twilio, Party::twilio, Medium::note, std::move(label), std::move(detail),
          ids_of(call), trouble});
}

void TwilioSwitch::note_problem(const Call& call, const TwilioProblem& problem) const {
    const auto* page = twilio::find_error(problem.code);
    std::string label = problem.code == 0 ? "refused" : std::to_string(problem.code);
    if (page != nullptr) label += " " + std::string(page->title);
    note(call, std::move(label), problem.why, true);
    keep_problem(call, problem);
}

std::vector<timeline::Id> TwilioSwitch::ids_of(const Call& call) const {
    std::vector<timeline::Id> ids{{"call_sid", call.told.call_sid}};
    if (!call.told.callchain_id.empty()) ids.emplace_back("callchain_id", call.told.callchain_id);
    if (!call.told.call_id.empty()) ids.emplace_back("call_id_twilio", call.told.call_id);
    if (!call.told.dial_call_id.empty()) ids.emplace_back("call_id_openai_leg", call.told.dial_call_id);
    return ids;
}

std::chrono::milliseconds TwilioSwitch::since(const Call& call) const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(gateway::Loop::now() - call.began);
}

}  // namespace callchain::simulator
