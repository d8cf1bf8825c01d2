#include "timeline/from_twilio.hpp"

#include "base/callchain_id.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "webhook/capture_summary.hpp"

#include <algorithm>

namespace callchain::timeline {
namespace {

using twilio::CallNotice;
using twilio::CallResource;
using twilio::WebhookExchange;

constexpr std::size_t kMostShown = 160;

std::string shown(std::string_view text) {
    return safe_excerpt(webhook::mask_telephone_numbers(text), kMostShown);
}

std::string value_of(const encoding::FormFields& fields, std::string_view name) {
    const auto found = std::find_if(fields.begin(), fields.end(), [name](const auto& field) {
        return equal_ignoring_case(field.first, name);
    });
    return found == fields.end() ? std::string() : found->second;
}

void add_id(Event& event, const char* name, std::string value) {
    if (!value.empty()) event.ids.emplace_back(name, std::move(value));
}

// The id that we planted in the URI of the leg, where Twilio kept the URI's headers.
std::string id_in_uri(std::string_view uri) {
    const auto name = ascii_lower(std::string(kCallchainIdHeader) + "=");
    const auto at = ascii_lower(uri).find(name);
    if (at == std::string::npos) return {};
    const auto rest = uri.substr(at + name.size());
    const auto value = rest.substr(0, std::min(rest.find_first_of("&;>"), rest.size()));
    return is_callchain_id(value) ? std::string(value) : std::string();
}

void add_ids_of(Event& event, const encoding::FormFields& parameters) {
    if (auto id = value_of(parameters, "SipHeader_" + std::string(kCallchainIdHeader)); is_callchain_id(id))
        add_id(event, "callchain_id", std::move(id));
    add_id(event, "leg_call_sid", value_of(parameters, "DialCallSid"));
    add_id(event, "call_id_openai_leg", value_of(parameters, "DialSipCallId"));
    if (value_of(parameters, "ParentCallSid").empty())
        add_id(event, "call_id_twilio", value_of(parameters, "SipCallId"));
}

Party other_side(const CallResource& call) {
    if (call.direction == "outbound-dial") return Party::openai;
    return starts_with_ignoring_case(call.direction == "inbound" ? call.from : call.to, "sip")
               ? Party::gateway
               : Party::whatsapp;
}

bool went_wrong(const CallResource& call) { return call.is_over() && call.status != "completed"; }

std::string path_of(std::string_view url) {
    const auto scheme = url.find("://");
    const auto path = scheme == std::string_view::npos ? 0 : url.find('/', scheme + 3);
    if (path == std::string_view::npos) return "/";
    return std::string(url.substr(path, url.find_first_of("?#", path) - path));
}

class Collector {
  public:
    explicit Collector(const twilio::CallFile& file) : file_(file) {}

    std::vector<Event> collect() {
        const auto begin = begin_of(file_.call);
        if (!begin) return {};
        first_ = *begin;
        last_ = file_.call.ended_at.value_or(latest());
        // Of one second: the document, the leg that it made, the leg's end, what was told of it.
        add_begin(file_.call);
        add_exchanges(false);
        for (const auto& leg : file_.legs) add_begin(leg);
        for (const auto& notice : file_.notices) add(notice);
        for (const auto& leg : file_.legs) add_end(leg);
        add_exchanges(true);
        add_end(file_.call);
        std::stable_sort(events_.begin(), events_.end(),
                         [](const Event& a, const Event& b) { return a.at < b.at; });
        return std::move(events_);
    }

  private:
    static std::optional<InternetTime> begin_of(const CallResource& call) {
        return call.started_at ? call.started_at : call.created_at;
    }

    WallTime latest() const {
        auto last = first_;
        for (const auto& leg : file_.legs) last = std::max(last, leg.ended_at.value_or(last));
        for (const auto& notice : file_.notices) last = std::max(last, notice.at.value_or(last));
        return last;
    }

    Event event_at(const std::optional<InternetTime>& at, Party from, Party to, Medium medium) const {
        Event event{.at = at.value_or(last_), .from = from, .to = to, .medium = medium, .label = {}};
        event.ids.emplace_back("call_sid", file_.call.sid);
        return event;
    }

    void add_leg_id(Event& event, const CallResource& call) const {
        if (call.sid == file_.call.sid) return;
        add_id(event, "leg_call_sid", call.sid);
        add_id(event, "callchain_id", id_in_uri(call.to));
    }

    void add_begin(const CallResource& call) {
        const auto other = other_side(call);
        const bool is_inbound = call.direction == "inbound";
        auto event = event_at(begin_of(call), is_inbound ? other : Party::twilio,
                              is_inbound ? Party::twilio : other, Medium::sip);
        event.label = "call, " + shown(call.direction.empty() ? "direction unknown" : call.direction);
        event.detail = "from " + shown(call.from) + " to " + shown(call.to);
        add_leg_id(event, call);
        events_.push_back(std::move(event));
    }

    void add_end(const CallResource& call) {
        if (!call.is_over()) return;
        auto event = event_at(call.ended_at, Party::twilio, Party::twilio, Medium::note);
        event.label = (call.sid == file_.call.sid ? "call over: " : "leg over: ") + shown(call.status);
        if (call.duration) event.detail = duration_of(*call.duration);
        event.trouble = went_wrong(call);
        add_leg_id(event, call);
        events_.push_back(std::move(event));
    }

    void add(const CallNotice& notice) {
        auto event = event_at(notice.at, Party::twilio, Party::twilio, Medium::note);
        const auto* page = twilio::find_error(notice.code);
        event.label = std::to_string(notice.code);
        if (page != nullptr) event.label += " " + std::string(page->title);
        event.detail = shown(notice.text());
        event.trouble = notice.level != twilio::Level::warning;
        if (notice.call_sid != file_.call.sid) add_id(event, "leg_call_sid", notice.call_sid);
        add_ids_of(event, notice.request_variables);
        events_.push_back(std::move(event));
    }

    void add_exchanges(bool that_tell_of_dial) {
        for (const auto& exchange : file_.exchanges) {
            if (value_of(exchange.parameters, "DialCallStatus").empty() != that_tell_of_dial) add(exchange);
        }
    }

    void add(const WebhookExchange& exchange) {
        auto event = event_at(exchange.at, Party::twilio, Party::serve, Medium::http);
        event.label = shown(exchange.method) + " " + shown(path_of(exchange.url));
        event.detail = exchange.status == 0 ? "no answer" : "answered " + std::to_string(exchange.status);
        if (exchange.duration)
            event.detail +=
                " in " + with_thousands(static_cast<std::uint64_t>(exchange.duration->count())) + " ms";
        if (const auto status = value_of(exchange.parameters, "DialCallStatus"); !status.empty())
            event.detail += "; told that the dial is " + shown(status);
        event.trouble = exchange.status < 200 || exchange.status >= 300;
        if (exchange.call_sid != file_.call.sid) add_id(event, "leg_call_sid", exchange.call_sid);
        add_ids_of(event, exchange.parameters);
        events_.push_back(std::move(event));
    }

    const twilio::CallFile& file_;
    WallTime first_{};
    WallTime last_{};
    std::vector<Event> events_;
};

}  // namespace

std::vector<Event> events_of_call(const twilio::CallFile& file) { return Collector(file).collect(); }

}  // namespace callchain::timeline
