/// Messages as lines of a trace. Pure; the time comes in.
#pragma once

#include "gateway/transports.hpp"

#include <chrono>
#include <string>

namespace callchain::gateway {

/// One message as one JSON object on one line, with its line end: `time`, `direction` ("received" or "sent"),
/// `transport`, `local`, `peer`, `flow`, `call_id` (empty where it cannot be read) and `message`, which is
/// redact_message()'s; bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string trace_line(const TracedMessage& message,
                                     std::chrono::sys_time<std::chrono::milliseconds> now);

/// The Call-ID of a message, for a trace of one call alone; empty where it cannot be read.
[[nodiscard]] std::string call_id_of(const TracedMessage& message);

}  // namespace callchain::gateway
