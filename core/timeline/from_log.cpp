#include "timeline/from_log.hpp"

#include "base/callchain_id.hpp"
#include "base/internet_time.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "encoding/json_text.hpp"
#include "encoding/text_codings.hpp"
#include "webhook/capture_summary.hpp"
#include "webhook/log_json.hpp"
#include "webhook/log_line.hpp"
#include "webhook/record.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <span>

namespace callchain::timeline {
namespace {

using encoding::JsonValue;
using Members = std::vector<std::pair<std::string, std::string>>;

struct IdName {
    const char* in_log;
    const char* in_timeline;
};
// A "sip_call_id" of the gateway is Meta's, or where a call is not there perhaps Twilio's; that of serve is
// of the INVITE that OpenAI had. Logs of a gateway from before 2026-11-29 have "call_id".
constexpr IdName kGatewayIds[] = {{"callchain_id", "callchain_id"},
                                  {"sip_call_id", "call_id_meta"},
                                  {"call_id", "call_id_meta"},
                                  {"call_id_meta", "call_id_meta"},
                                  {"call_id_twilio", "call_id_twilio"},
                                  {"call_sid", "call_sid"},
                                  {"wacid", "wacid"}};
constexpr IdName kServeIds[] = {{"callchain_id", "callchain_id"},  {"call_id", "openai_call_id"},
                                {"call_sid", "call_sid"},          {"leg_call_sid", "leg_call_sid"},
                                {"dial_call_sid", "leg_call_sid"}, {"dial_sip_call_id", "call_id_openai_leg"},
                                {"sip_call_id", "call_id_twilio"}, {"webhook_id", "webhook_id"}};
// What only the gateway writes.
constexpr std::string_view kGatewayMembers[] = {"wacid", "call_id_meta", "call_id_twilio", "direction"};

constexpr std::string_view kNotHere = "a request of a call that is not here";
constexpr std::string_view kCallIdsOfMeta = "outgoing:";
constexpr std::size_t kMostLabel = 120;
constexpr std::size_t kMostDetail = 160;

// Members of the line, and of the object or the list `attributes` that a platform puts them into.
Members members_of(std::string_view line) {
    Members members;
    const auto object = webhook::read_log_object(line);
    if (!object) return members;
    for (const auto& member : object->members) {
        if (member.name != "attributes") {
            if (!member.is_nested() && member.raw != "null") members.emplace_back(member.name, member.text());
            continue;
        }
        if (const auto inner = webhook::read_log_object(member.raw)) {
            for (const auto& one : inner->members) members.emplace_back(one.name, one.text());
        }
        for (const auto& one : webhook::read_log_objects(member.raw)) {
            const auto* key = one.find("key");
            const auto* value = one.find("value");
            if (key != nullptr && value != nullptr) members.emplace_back(key->text(), value->text());
        }
    }
    return members;
}

// `railway logs` hands strings on with their quotes.
std::string text_of(const Members& members, std::string_view name) {
    const auto found = std::find_if(members.begin(), members.end(),
                                    [name](const auto& member) { return member.first == name; });
    if (found == members.end()) return {};
    std::string_view text = found->second;
    if (text.size() >= 2 && text.starts_with('"') && text.ends_with('"'))
        text = text.substr(1, text.size() - 2);
    return std::string(text);
}

// What a line adds to its message, where it has something to say.
std::string detail_of(const Members& members) {
    for (const char* name : {"why", "meaning", "happened", "reason", "error", "verdict", "detail", "warning",
                             "remarks", "outcome", "remedy", "fix", "hint", "next"})
        if (auto text = text_of(members, name); !text.empty()) return text;
    return {};
}

bool is_trouble(const Members& members) {
    const auto level = text_of(members, "level");
    return level == "warn" || level == "error";
}

std::string shown(std::string_view text, std::size_t most) {
    return safe_excerpt(webhook::mask_telephone_numbers(text), most);
}

Event event_of_members(Party party, const Members& members, WallTime at) {
    const auto message = text_of(members, "message");
    Event event{.at = at,
                .from = party,
                .to = party,
                .medium = Medium::note,
                .label = shown(message, kMostLabel),
                .detail = shown(detail_of(members), kMostDetail),
                .trouble = is_trouble(members)};
    const auto names =
        party == Party::gateway ? std::span<const IdName>(kGatewayIds) : std::span<const IdName>(kServeIds);
    // A message of the gateway about one request may be of either of its legs.
    const bool is_of_twilio = party == Party::gateway && message == kNotHere &&
                              !text_of(members, "sip_call_id").starts_with(kCallIdsOfMeta) &&
                              !text_of(members, "call_id").starts_with(kCallIdsOfMeta);
    for (const auto& [in_log, in_timeline] : names) {
        if (auto id = text_of(members, in_log); !id.empty())
            event.ids.emplace_back(is_of_twilio ? "call_id_twilio" : in_timeline, std::move(id));
    }
    // The gateway's own id of the same call, as its INVITE brought it.
    if (auto id = text_of(members, "gateway_id"); is_callchain_id(id))
        event.ids.emplace_back("callchain_id", std::move(id));
    return event;
}

std::string text_in(const JsonValue* value, std::string_view name) {
    const auto* found = value == nullptr ? nullptr : value->find(name);
    return found != nullptr && found->kind == JsonValue::Kind::string ? found->text : std::string();
}

// The ids that the body of a delivery has: OpenAI's of the call, and those that we and Twilio planted.
void add_ids_in_body(Event& event, std::string_view body) {
    const auto document = encoding::parse_json_text(body);
    if (!document) return;
    const auto* data = document->find("data");
    for (const char* name : {"call_id", "session_id"})
        if (auto id = text_in(data, name); !id.empty())
            event.ids.emplace_back("openai_call_id", std::move(id));
    const auto* headers = data == nullptr ? nullptr : data->find("sip_headers");
    if (headers == nullptr || headers->kind != JsonValue::Kind::array) return;
    for (const auto& header : headers->items) {
        const auto name = text_in(&header, "name");
        auto value = text_in(&header, "value");
        if (equal_ignoring_case(name, kCallchainIdHeader) && is_callchain_id(value))
            event.ids.emplace_back("callchain_id", std::move(value));
        else if (equal_ignoring_case(name, "X-Twilio-CallSid")) {
            // Of the caller's leg or of this one: Twilio does not say.
            event.ids.emplace_back("call_sid", value);
            event.ids.emplace_back("leg_call_sid", std::move(value));
        } else if (equal_ignoring_case(name, "Call-ID"))
            event.ids.emplace_back("call_id_openai_leg", std::move(value));
    }
}

std::optional<Event> event_of_record(std::string_view line, const std::optional<InternetTime>& logged_at) {
    const auto record = webhook::parse_webhook_record(line);
    if (!record) return std::nullopt;
    const auto at = record->received_at ? std::optional<InternetTime>(*record->received_at) : logged_at;
    if (!at) return std::nullopt;
    Event event{
        .at = *at,
        .from = Party::openai,
        .to = Party::serve,
        .medium = Medium::http,
        .label = "delivery refused",
        .detail = shown(record->verdict.value_or("") + ": " + record->reason.value_or(""), kMostDetail),
        .trouble = true};
    if (record->webhook_id) event.ids.emplace_back("webhook_id", *record->webhook_id);
    if (record->body) add_ids_in_body(event, *record->body);
    return event;
}

struct Line {
    std::string_view text;
    Members members;
};

bool is_of_gateway(const Members& members) {
    return std::any_of(members.begin(), members.end(), [](const auto& member) {
        return std::find(std::begin(kGatewayMembers), std::end(kGatewayMembers), member.first) !=
               std::end(kGatewayMembers);
    });
}

// Ours, and of the platform that handed the line on.
std::optional<InternetTime> time_of(const Members& members) {
    for (const char* name : {"time", "timestamp", "ts"})
        if (const auto time = parse_rfc3339(text_of(members, name))) return time;
    return std::nullopt;
}

std::vector<Line> read_lines(std::string_view log) {
    std::vector<Line> lines;
    for (const auto raw : split(log, '\n')) {
        const auto text = trim(raw);
        if (text.empty()) continue;
        const auto bracket = text.find('{');
        lines.push_back(
            {text, bracket == std::string_view::npos ? Members{} : members_of(text.substr(bracket))});
    }
    return lines;
}

void add_parameters(Event& event, std::string_view form) {
    for (auto& [name, value] : encoding::parse_form(form)) {
        if (name == "CallSid")
            event.ids.emplace_back("call_sid", value);
        else if (name == "DialCallSid")
            event.ids.emplace_back("leg_call_sid", value);
        else if (name == "DialSipCallId")
            event.ids.emplace_back("call_id_openai_leg", value);
        else if (equal_ignoring_case(name, "SipHeader_" + std::string(kCallchainIdHeader)) &&
                 is_callchain_id(value))
            event.ids.emplace_back("callchain_id", value);
    }
}

}  // namespace

std::optional<Event> event_of_line(Party party, std::string_view line, WallTime at, LogLines which) {
    const auto members = members_of(trim(line));
    if (members.empty()) return std::nullopt;
    const auto message = text_of(members, "message");
    const bool tells = is_trouble(members) || message == "call" || message == "call summary";
    if (which == LogLines::telling && !tells) return std::nullopt;
    return event_of_members(party, members, at);
}

std::vector<LogLine> lines_of_log(std::string_view log, LogLines which) {
    const auto lines = read_lines(log);
    std::set<std::string> calls_of_gateway;
    for (const auto& line : lines) {
        if (is_of_gateway(line.members)) calls_of_gateway.insert(text_of(line.members, "callchain_id"));
    }
    calls_of_gateway.erase("");
    std::vector<LogLine> found;
    for (const auto& line : lines) {
        const auto at = time_of(line.members);
        LogLine read{line.text, Party::serve, std::nullopt};
        if (is_of_gateway(line.members) || calls_of_gateway.contains(text_of(line.members, "callchain_id")))
            read.party = Party::gateway;
        if (line.text.find(webhook::kRecordSchema) != std::string_view::npos) {
            read.event = event_of_record(line.text, at);
        } else if (!text_of(line.members, "message").empty()) {
            read.lacks_time = !at;
            if (at) read.event = event_of_members(read.party, line.members, *at);
            const bool tells = read.event && (read.event->trouble || read.event->label == "call" ||
                                              read.event->label == "call summary");
            const bool is_wanted =
                tells || (which == LogLines::all && read.event && !read.event->ids.empty());
            if (!is_wanted) read.event.reset();
        }
        found.push_back(std::move(read));
    }
    return found;
}

LogEvents events_of_log(std::string_view log, LogLines which) {
    LogEvents found;
    for (auto& line : lines_of_log(log, which)) {
        ++found.lines;
        if (line.lacks_time) ++found.without_time;
        if (line.event) found.events.push_back(*std::move(line.event));
    }
    return found;
}

Event event_of_capture(const webhook::Capture& capture, WallTime at) {
    const auto webhook_id = capture.headers.find("webhook-id");
    const bool is_of_twilio = capture.headers.find("x-twilio-signature").has_value();
    Event event{
        .at = at,
        .from = is_of_twilio ? Party::twilio : Party::openai,
        .to = Party::serve,
        .medium = Medium::http,
        .label = shown(capture.method + " " + capture.target.substr(0, capture.target.find('?')), kMostLabel),
        .detail = "recorded"};
    if (webhook_id) event.ids.emplace_back("webhook_id", std::string(*webhook_id));
    if (const auto query = capture.target.find('?'); query != std::string::npos)
        add_parameters(event, std::string_view(capture.target).substr(query + 1));
    if (trim(capture.body).starts_with('{'))
        add_ids_in_body(event, capture.body);
    else
        add_parameters(event, capture.body);
    return event;
}

}  // namespace callchain::timeline
