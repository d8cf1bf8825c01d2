#include "base/text.hpp"
#include "timeline/parties.hpp"
#include "timeline/timeline.hpp"

#include <array>
#include <cstdio>

namespace callchain::timeline {
namespace {

constexpr std::size_t kMostText = 120;

// What Mermaid would take for its own: the end of a statement, of an entity, of a participant, a comment.
// Source: Mermaid, "Sequence diagrams", entity codes.
std::string harmless(std::string_view text) {
    std::string out;
    for (const char c : visible_excerpt(text, kMostText)) {
        if (c == ';' || c == '#' || c == ':' || c == '%' || c == '<' || c == '>' || c == '&' || c == '$' ||
            c == '{' || c == '}') {
            std::array<char, 8> code{};
            std::snprintf(code.data(), code.size(), "#%d;", static_cast<int>(c));
            out += code.data();
        } else {
            out += c;
        }
    }
    // A line that is that word alone closes a block.
    return equal_ignoring_case(trim(out), "end") ? "(" + std::string(trim(out)) + ")" : out;
}

const char* arrow_of(Medium medium) {
    return medium == Medium::sip ? "->>" : medium == Medium::http ? "-->>" : "--)";
}

std::string text_of(const Event& event) {
    auto text = harmless(event.label);
    if (!event.detail.empty()) text += "<br/>" + harmless(event.detail);
    return event.trouble ? "⚠ " + text : text;
}

}  // namespace

std::string to_mermaid(const Timeline& timeline) {
    std::string out = "sequenceDiagram\n";
    const auto parties = parties_of(timeline);
    for (const auto party : parties)
        out += "    participant " + std::string(word_of(party)) + " as " + std::string(name_of(party)) + "\n";
    for (std::size_t at = 0; at < timeline.events.size(); ++at) {
        const auto& event = timeline.events[at];
        const std::string from(word_of(event.from));
        if (event.medium == Medium::note || event.from == event.to)
            out += "    Note over " + from + ": " + text_of(event) + "\n";
        else
            out += "    " + from + arrow_of(event.medium) + std::string(word_of(event.to)) + ": " +
                   text_of(event) + "\n";
        for (std::size_t number = 0; number < timeline.findings.size(); ++number) {
            const auto& finding = timeline.findings[number];
            if (finding.event != at) continue;
            out += "    Note over " + std::string(word_of(event.to)) + ": (" + std::to_string(number + 1) +
                   ") " + harmless(finding.title) + "\n";
        }
    }
    if (parties.empty()) return out;
    for (std::size_t number = 0; number < timeline.findings.size(); ++number) {
        const auto& finding = timeline.findings[number];
        if (finding.event && *finding.event < timeline.events.size()) continue;
        out += "    Note over " + std::string(word_of(parties.front())) + "," +
               std::string(word_of(parties.back())) + ": (" + std::to_string(number + 1) + ") " +
               harmless(finding.title) + "\n";
    }
    return out;
}

}  // namespace callchain::timeline
