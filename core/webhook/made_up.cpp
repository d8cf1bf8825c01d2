#include "webhook/made_up.hpp"

#include "crypto/hash.hpp"
#include "encoding/json_text.hpp"
#include "encoding/text_codings.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace callchain::webhook {
namespace {

constexpr std::size_t kIdDigits = 32;

struct EventName {
    std::string_view type;
    MadeUpEvent event;
};
constexpr std::array<EventName, 2> kEvents{{
    {"realtime.call.incoming", MadeUpEvent::realtime_call_incoming},
    {"live.transport.incoming", MadeUpEvent::live_transport_incoming},
}};

using SipHeaders = std::vector<std::pair<std::string_view, std::string>>;

/// What an INVITE of Twilio's brings along, in its order. The name of the caller has a letter that is not
/// ASCII and an ampersand, since both are written otherwise by one serialiser or another.
SipHeaders invite_of_twilio(MadeUpIds& ids) {
    const auto tag = ids.hex(8);
    const auto branch = ids.hex(24);
    const auto inner_branch = ids.hex(16);
    const auto sip_call_id = ids.hex(32);
    const auto call_sid = ids.hex(32);
    const std::string caller = "<sip:+12025550123@sip.example.com>";
    return {
        {"Record-Route", "<sip:203.0.113.6:5061;transport=tls;r2=on;lr;ftag=" + tag + ">"},
        {"Record-Route", "<sip:198.51.100.21;r2=on;lr;ftag=" + tag + ">"},
        {"Via", "SIP/2.0/TLS 203.0.113.7:5061;branch=z9hG4bK" + branch + ";rport"},
        {"Via", "SIP/2.0/UDP 198.51.100.30:5060;rport=5060;branch=z9hG4bK" + inner_branch},
        {"From", "\"Jos\u00e9 & Co\" " + caller + ";tag=" + tag},
        {"To", "<sip:proj_000000000000000000000000@sip.api.openai.com;transport=tls>"},
        {"Call-ID", sip_call_id + "@203.0.113.7"},
        {"CSeq", "1 INVITE"},
        {"Contact", "<sip:+12025550123@203.0.113.7:5061;transport=tls>"},
        {"Max-Forwards", "69"},
        {"Allow", "INVITE, ACK, CANCEL, BYE, REFER, NOTIFY, OPTIONS"},
        {"User-Agent", "Twilio Gateway"},
        {"Content-Type", "application/sdp"},
        {"X-Twilio-AccountSid", "AC" + std::string(kIdDigits, '0')},
        {"X-Twilio-CallSid", "CA" + call_sid},
        {"Content-Length", "412"},
        {"Supported", "100rel, timer, replaces"},
        {"Diversion", "<sip:+12025550145@sip.example.com>;reason=unconditional"},
        {"P-Asserted-Identity", caller},
    };
}

/// As Python's json.dumps writes it.
std::string quoted(std::string_view text) {
    return encoding::quote_json(text, encoding::JsonStyle::NonAscii::escaped);
}

void add_member(std::string& object, std::string_view name, std::string_view json) {
    if (!object.empty()) object += ", ";
    object += quoted(name);
    object += ": ";
    object += json;
}

std::string sip_headers_json(const SipHeaders& headers) {
    std::string items;
    for (const auto& [name, value] : headers) {
        std::string item;
        add_member(item, "name", quoted(name));
        add_member(item, "value", quoted(value));
        items += (items.empty() ? "{" : ", {") + item + "}";
    }
    return "[" + items + "]";
}

std::string data_json(MadeUpEvent event, MadeUpIds& ids) {
    std::string data;
    if (event == MadeUpEvent::realtime_call_incoming) {
        add_member(data, "call_id", quoted(ids.call_id()));
        add_member(data, "sip_headers", sip_headers_json(invite_of_twilio(ids)));
    } else {
        add_member(data, "type", quoted("sip"));
        add_member(data, "session_id", quoted(ids.session_id()));
        add_member(data, "sip_headers", sip_headers_json(invite_of_twilio(ids)));
        add_member(data, "sip_media_security", quoted("srtp"));
    }
    return "{" + data + "}";
}

std::string_view type_of(MadeUpEvent event) {
    for (const auto& row : kEvents) {
        if (row.event == event) return row.type;
    }
    return {};
}

}  // namespace

std::string MadeUpIds::webhook_id() { return "wh_" + hex(kIdDigits); }
std::string MadeUpIds::event_id() { return "evt_" + hex(kIdDigits); }
std::string MadeUpIds::call_id() { return "rtc_" + hex(kIdDigits); }
std::string MadeUpIds::session_id() { return "live_" + hex(kIdDigits); }

std::string MadeUpIds::hex(std::size_t digits) { return encoding::to_hex(next()).substr(0, digits); }

std::string MadeUpIds::bytes(std::size_t count) { return next().substr(0, count); }

std::string MadeUpIds::next() {
    // The counter has an end of its own, so that no counter and seed read like another counter and seed.
    const auto counter = std::to_string(count_++) + ".";
    return std::string(crypto::hash(crypto::HashAlgorithm::sha256, {counter, seed_}).view());
}

std::optional<MadeUpEvent> parse_made_up_event(std::string_view type) {
    const auto found =
        std::find_if(kEvents.begin(), kEvents.end(), [&](const EventName& row) { return row.type == type; });
    if (found == kEvents.end()) return std::nullopt;
    return found->event;
}

std::string made_up_event(MadeUpEvent event, MadeUpIds& ids, std::chrono::sys_seconds now) {
    std::string body;
    add_member(body, "id", quoted(ids.event_id()));
    add_member(body, "object", quoted("event"));
    add_member(body, "created_at", std::to_string(now.time_since_epoch().count()));
    add_member(body, "type", quoted(type_of(event)));
    add_member(body, "data", data_json(event, ids));
    return "{" + body + "}";
}

}  // namespace callchain::webhook
