/// The events of one call in their order, and the pictures of it. Pure.
#pragma once

#include "timeline/event.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::timeline {

/// A finding about a call, shown as a numbered note beside the event that it explains.
struct Finding {
    std::string code;   ///< "signature_secret_of_other_endpoint"
    std::string title;  ///< one line
    std::string fix = {};
    std::optional<std::size_t> event = std::nullopt;  ///< index into Timeline::events; none: the whole call
};

/// The events of one call in their order.
struct Timeline {
    std::vector<Event> events;               ///< by time, equal times in the order in which they were told
    std::map<std::string, std::string> ids;  ///< every name of the call, joined
    std::vector<Finding> findings = {};
};

/// Sorts events into calls: those that share an id, or are joined by a third that has both of their ids, are
/// of one call. Ids of the kinds in Event::ids count; equal values under different names do not join. Events
/// without any id belong to no call and come last, as a timeline of their own where there are some. The
/// order: by the first event.
[[nodiscard]] std::vector<Timeline> join_calls(std::vector<Event> events);

/// For a terminal: one line an event, `+0.123 s  gateway → Twilio  INVITE  …`, times since the first event,
/// columns aligned, at most `width` columns by cutting details, and labels at 60 characters; then the ids;
/// then the findings with their numbers. Control characters made visible.
[[nodiscard]] std::string to_text(const Timeline& timeline, std::size_t width = 100);

/// One event as to_text() has it, without its time and the end of its line.
[[nodiscard]] std::string to_line(const Event& event, std::size_t width = 100);

/// The document "callchain.timeline/1": {schema, tool_version, calls:[{ids, events:[{at_us (since the first
/// event), from, to, medium, label, detail, ids, trouble}], findings:[{code, title, fix, event}]}]}.
/// Reproducible: equal timelines give equal bytes. Started at: RFC 3339 in UTC with microseconds.
[[nodiscard]] std::string to_json(const std::vector<Timeline>& calls, std::string_view tool_version);

/// A Mermaid sequenceDiagram. Only parties that take part. Solid arrows SIP (`->>`), dashed HTTP (`-->>`),
/// WebSocket `--)`; findings as numbered notes. Whatever could end a line or a statement of Mermaid in a
/// label is made harmless.
[[nodiscard]] std::string to_mermaid(const Timeline& timeline);

/// The same as SVG 1.1, pure text without fonts, scripts or links, readable on light and on dark ground
/// (`prefers-color-scheme`, and a neutral default without it). Solid SIP, dashed HTTP, dotted WebSocket;
/// times at the left; numbered notes at the right, their text below. Reproducible bytes; valid XML whatever
/// stands in labels.
[[nodiscard]] std::string to_svg(const Timeline& timeline);

}  // namespace callchain::timeline
