/// The logs of `serve` and `gateway run`, as events of a timeline.
#pragma once

#include "timeline/event.hpp"
#include "webhook/capture.hpp"

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace callchain::timeline {

/// What a line of the log is for.
enum class LogLines {
    telling,  ///< warnings and errors, what begins a call, summaries
    all,      ///< those, and all that have an id
};

struct LogEvents {
    std::vector<Event> events;
    std::size_t lines = 0;         ///< all, empty ones not counted
    std::size_t without_time = 0;  ///< lines of ours that have no time that can be read, and are left out
};

/// One line that is not empty. Borrows from the log.
struct LogLine {
    std::string_view text;
    Party party = Party::serve;  ///< of whoever wrote it, as far as that can be told
    std::optional<Event> event;  ///< where it is one of ours and has something to tell
    bool lacks_time = false;     ///< it is one of ours, and has no time that can be read
};

/// One line of JSON as `serve` or `gateway run` of `party` wrote it, or as a platform handed it on (members
/// of a platform's own, `attributes`). nullopt: no such line, or one that LogLines leaves out. Its time is
/// `at`, whatever stands in the line.
[[nodiscard]] std::optional<Event> event_of_line(Party party, std::string_view line, WallTime at,
                                                 LogLines which = LogLines::telling);

/// A whole log, of either process or of both in one: a line is the gateway's where its members are, or where
/// its callchain_id is in such a line. Lines that are no JSON are passed over. The record of a refused
/// delivery (docs/webhook-record.md) joins with the call by the ids in its body, where the log has the body.
[[nodiscard]] LogEvents events_of_log(std::string_view log, LogLines which = LogLines::all);
/// The same, line for line.
[[nodiscard]] std::vector<LogLine> lines_of_log(std::string_view log, LogLines which = LogLines::all);

/// A recorded request of OpenAI's or Twilio's to `serve`, with the ids in its headers and its body.
[[nodiscard]] Event event_of_capture(const webhook::Capture& capture, WallTime at);

}  // namespace callchain::timeline
