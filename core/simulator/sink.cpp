#include "simulator/sink.hpp"

#include "base/callchain_id.hpp"
#include "base/text.hpp"
#include "sip/message.hpp"
#include "sip/raw_reader.hpp"

#include <optional>
#include <utility>

namespace callchain::simulator {
namespace {

// What the first line says: the method, or the status with its reason.
std::string label_of(const sip::RawMessage& raw) {
    if (!raw.method.empty()) return visible(raw.method);
    const auto at = raw.start_line.find(' ');
    return at == std::string::npos ? std::to_string(raw.status) : visible(raw.start_line.substr(at + 1));
}

std::string detail_of(const sip::RawMessage& raw) {
    if (!raw.method.empty()) return {};
    const auto at = raw.cseq.rfind(' ');
    return at == std::string::npos ? std::string() : "to " + visible(raw.cseq.substr(at + 1));
}

// Of a message that was framed already, so that a line without an end is the last one.
std::optional<std::string> header_of(std::string_view head, std::string_view name) {
    for (auto line : split(head, '\n')) {
        const auto colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        if (equal_ignoring_case(trim(line.substr(0, colon)), name))
            return std::string(trim(line.substr(colon + 1)));
    }
    return std::nullopt;
}

}  // namespace

timeline::WallTime wall_now() {
    return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

timeline::Event sip_event(const gateway::TracedMessage& message, timeline::Party self, timeline::Party peer,
                          std::string_view call_id, std::vector<timeline::Id> known) {
    timeline::Event event;
    event.at = wall_now();
    event.from = message.received ? peer : self;
    event.to = message.received ? self : peer;
    event.medium = timeline::Medium::sip;
    event.ids = std::move(known);
    const auto raw = sip::read_raw(message.bytes);
    if (!raw) {
        event.label = "unreadable message";
        event.trouble = true;
        return event;
    }
    event.label = label_of(*raw);
    event.detail = detail_of(*raw);
    if (!raw->call_id.empty()) event.ids.emplace_back(call_id, raw->call_id);
    const auto head = message.bytes.substr(0, raw->head_bytes);
    if (const auto id = header_of(head, kCallchainIdHeader); id && is_callchain_id(*id))
        event.ids.emplace_back("callchain_id", *id);
    return event;
}

}  // namespace callchain::simulator
