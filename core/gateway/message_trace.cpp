#include "gateway/message_trace.hpp"

#include "base/internet_time.hpp"
#include "encoding/json_text.hpp"
#include "gateway/redact_message.hpp"
#include "sip/raw_reader.hpp"

#include <string_view>

namespace callchain::gateway {
namespace {

void add(std::string& line, std::string_view name, std::string_view value) {
    line += line.size() == 1 ? "\"" : ",\"";
    line += name;
    line += "\":";
    line += encoding::quote_json(value);
}

}  // namespace

std::string call_id_of(const TracedMessage& message) {
    const auto raw = sip::read_raw(message.bytes);
    return raw ? raw->call_id : std::string();
}

std::string trace_line(const TracedMessage& message, std::chrono::sys_time<std::chrono::milliseconds> now) {
    std::string line = "{";
    add(line, "time", write_rfc3339(now));
    add(line, "direction", message.received ? "received" : "sent");
    add(line, "transport", name_of(message.flow.transport));
    add(line, "local", text_of(message.flow.local));
    add(line, "peer", text_of(message.flow.peer));
    add(line, "flow", std::to_string(message.flow.id.value));
    add(line, "call_id", redact_message(call_id_of(message)));
    add(line, "message", redact_message(message.bytes));
    return line + "}\n";
}

}  // namespace callchain::gateway
