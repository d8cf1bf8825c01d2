/// Any log becomes events, and any events become pictures that cannot be broken by what stands in them: the
/// text has no control character, the JSON parses, the SVG is XML, the Mermaid keeps one statement a line.
#include "base/text.hpp"
#include "encoding/json_text.hpp"
#include "fuzz/require.hpp"
#include "timeline/from_log.hpp"
#include "timeline/timeline.hpp"
#include "twiml/document.hpp"

#include <algorithm>
#include <cstdint>

using namespace callchain;
using namespace callchain::timeline;

namespace {

bool is_printable(std::string_view text) {
    return std::none_of(text.begin(), text.end(),
                        [](char c) { return (c >= 0 && c < ' ' && c != '\n') || c == '\x7F'; });
}

void check_lines(std::string_view log) {
    std::size_t events = 0;
    for (const auto& line : lines_of_log(log)) {
        require(!line.text.empty());
        // Borrowed from the log.
        require(line.text.data() >= log.data() &&
                line.text.data() + line.text.size() <= log.data() + log.size());
        events += line.event ? 1U : 0U;
    }
    const auto all = events_of_log(log);
    require(all.events.size() == events && all.events.size() + all.without_time <= all.lines);
    require(events_of_log(log, LogLines::telling).events.size() <= events);
}

void check_pictures(const Timeline& call) {
    require(std::is_sorted(call.events.begin(), call.events.end(),
                           [](const Event& a, const Event& b) { return a.at < b.at; }));
    const auto text = to_text(call, 80);
    require(is_printable(text) && is_printable(to_mermaid(call)));
    const auto statements = to_mermaid(call);
    require(statements.starts_with("sequenceDiagram\n"));
    const auto svg = to_svg(call);
    require(is_printable(svg) && svg.find("<script") == std::string::npos);
    const auto xml = twiml::read_document(svg);
    require(!xml.fault && xml.document.elements.front().name == "svg");
}

/// The bytes as everything that a peer could have named, in one event.
Timeline made_of(std::string_view bytes) {
    const auto pieces = split(bytes, '\0');
    const auto piece = [&](std::size_t i) {
        return i < pieces.size() ? std::string(pieces[i]) : std::string();
    };
    Event event;
    event.to = Party::twilio;
    event.medium = Medium::sip;
    event.label = piece(0);
    event.detail = piece(1);
    event.ids = {{"call_sid", piece(2)}};
    auto calls = join_calls({event});
    calls.front().findings = {{"code", piece(3), piece(4), 0}};
    return calls.front();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view log(reinterpret_cast<const char*>(data), size);
    check_lines(log);
    const auto calls = join_calls(events_of_log(log).events);
    // The picture of a long call has hundreds of rows, which say nothing new.
    for (std::size_t i = 0; i < std::min<std::size_t>(calls.size(), 3); ++i) check_pictures(calls[i]);
    const auto json = to_json(calls, "0");
    require(json == to_json(calls, "0") && encoding::parse_json_text(json).has_value());
    check_pictures(made_of(log));
    return 0;
}
