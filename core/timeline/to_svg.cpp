#include "base/text.hpp"
#include "encoding/text_codings.hpp"
#include "timeline/parties.hpp"
#include "timeline/timeline.hpp"

#include <array>
#include <cstdio>

namespace callchain::timeline {
namespace {

// In units of the picture, which are pixels where nobody scales it.
constexpr int kLeft = 110;    // of the first column: times stand before it
constexpr int kColumn = 190;  // from one column to the next
constexpr int kRight = 150;
constexpr int kLeastWidth = 760;  // of lines of findings
constexpr int kTop = 70;          // of the first event: names stand above
constexpr int kRow = 30;
constexpr int kBottom = 30;
constexpr int kMark = 12;  // half of a mark's place
constexpr int kFindingRow = 18;
constexpr std::size_t kMostLabel = 40;
constexpr std::size_t kMostNote = 60;
constexpr std::size_t kMostDetail = 160;
constexpr std::size_t kFindingWidth = 110;  // characters

constexpr std::string_view kStyle = R"(<style>
.ground{fill:#ffffff}.ink{fill:#1f2328}.soft{fill:#59636e}.line{stroke:#8c959f}.arrow{stroke:#0a5cc2}.head{fill:#0a5cc2}
.bad{stroke:#b3261e}.bad-head{fill:#b3261e}.bad-ink{fill:#b3261e}.box{fill:#f3f4f6;stroke:#8c959f}.mark{fill:#b3261e}.mark-ink{fill:#ffffff}
@media (prefers-color-scheme: dark){
.ground{fill:#0d1117}.ink{fill:#e6edf3}.soft{fill:#9198a1}.line{stroke:#59636e}.arrow{stroke:#6cb0ff}.head{fill:#6cb0ff}
.bad{stroke:#ff8a80}.bad-head{fill:#ff8a80}.bad-ink{fill:#ff8a80}.box{fill:#1c2128;stroke:#59636e}.mark{fill:#ff8a80}.mark-ink{fill:#0d1117}}
text{font-family:ui-sans-serif,system-ui,sans-serif;font-size:12px}.name{font-size:14px;font-weight:600}.time{font-size:11px}
</style>
)";

// Text of an XML document, whatever came. Source: XML 1.0 section 2.2, which has neither U+FFFE nor U+FFFF.
std::string xml_text(std::string_view text, std::size_t most) {
    auto out = encoding::html_escape(visible_excerpt(text, most));
    for (const char* const none : {"\xEF\xBF\xBE", "\xEF\xBF\xBF"}) out = replace_all(out, none, "?");
    return out;
}

std::string number(int value) { return std::to_string(value); }

std::string since(WallTime first, WallTime at) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(at - first).count();
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "+%lld.%03lld s", static_cast<long long>(ms / 1000),
                  static_cast<long long>(ms % 1000));
    return text.data();
}

class Picture {
  public:
    explicit Picture(const Timeline& timeline) : timeline_(timeline), parties_(parties_of(timeline)) {}

    std::string draw() {
        const int events = static_cast<int>(timeline_.events.size());
        const int below = kTop + kRow * events;
        const auto findings = finding_lines();
        width_ = std::max(kLeft + kColumn * std::max(0, static_cast<int>(parties_.size()) - 1) + kRight,
                          findings.empty() ? 0 : kLeastWidth);
        const int height = below + kFindingRow * static_cast<int>(findings.size()) + kBottom;
        out_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"" + number(width_) +
               "\" height=\"" + number(height) + "\" viewBox=\"0 0 " + number(width_) + " " + number(height) +
               "\" role=\"img\">\n<title>Timeline of a call</title>\n";
        out_ += kStyle;
        out_ += "<defs>" + marker("tip", "head") + marker("bad-tip", "bad-head") + "</defs>\n";
        out_ += "<rect class=\"ground\" width=\"100%\" height=\"100%\"/>\n";
        for (const auto party : parties_) draw_column(party, below);
        for (std::size_t at = 0; at < timeline_.events.size(); ++at) draw_event(at);
        int y = below + kFindingRow;
        for (const auto& line : findings) {
            out_ += text(20, y, "ink", "start", line);
            y += kFindingRow;
        }
        return out_ + "</svg>\n";
    }

  private:
    static std::string marker(const std::string& id, const std::string& style) {
        return "<marker id=\"" + id +
               "\" markerWidth=\"9\" markerHeight=\"8\" refX=\"8\" refY=\"4\" orient=\"auto\">" +
               "<path class=\"" + style + "\" d=\"M0,0 L9,4 L0,8 z\"/></marker>";
    }
    static std::string text(int x, int y, const std::string& style, const char* anchor,
                            const std::string& escaped) {
        return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" class=\"" + style +
               "\" text-anchor=\"" + anchor + "\">" + escaped + "</text>\n";
    }
    [[nodiscard]] int x_of(Party party) const {
        const auto found = std::find(parties_.begin(), parties_.end(), party);
        return kLeft + kColumn * static_cast<int>(found - parties_.begin());
    }

    void draw_column(Party party, int below) {
        const int x = x_of(party);
        out_ += text(x, 30, "ink name", "middle", std::string(name_of(party)));
        out_ += "<line class=\"line\" x1=\"" + number(x) + "\" y1=\"40\" x2=\"" + number(x) + "\" y2=\"" +
                number(below) + "\"/>\n";
    }

    void draw_event(std::size_t at) {
        const auto& event = timeline_.events[at];
        const int y = kTop + kRow * static_cast<int>(at);
        out_ += text(8, y + 4, "soft time", "start", since(timeline_.events.front().at, event.at));
        if (event.medium == Medium::note || event.from == event.to)
            draw_note(event, y);
        else
            draw_arrow(event, y);
        int x = width_ - kMark;  // side by side, from the right
        for (std::size_t which = 0; which < timeline_.findings.size(); ++which) {
            if (timeline_.findings[which].event != at) continue;
            draw_mark(which, x, y);
            x -= 2 * kMark;
        }
    }

    void draw_note(const Event& event, int y) {
        auto words = event.label;
        if (!event.detail.empty()) words += ": " + event.detail;
        const auto shown = xml_text(words, kMostNote);
        const auto characters = std::min(words.size(), kMostNote);
        const int box = 7 * static_cast<int>(characters) + (event.trouble ? 30 : 16);
        // Within the picture, even at its last column.
        const int x = std::max(4, std::min(x_of(event.from) - box / 2, width_ - box - 4));
        out_ += "<rect class=\"box\" x=\"" + number(x) + "\" y=\"" + number(y - 11) + "\" rx=\"4\" width=\"" +
                number(box) + "\" height=\"20\"/>\n";
        out_ += text(x + box / 2, y + 3, event.trouble ? "bad-ink" : "ink", "middle",
                     (event.trouble ? "⚠ " : "") + shown);
    }

    void draw_arrow(const Event& event, int y) {
        const int from = x_of(event.from);
        const int to = x_of(event.to);
        const char* const dashes = event.medium == Medium::sip    ? ""
                                   : event.medium == Medium::http ? " stroke-dasharray=\"7 4\""
                                                                  : " stroke-dasharray=\"2 4\"";
        // Shown where the pointer rests: between two columns there is room for the label alone.
        if (!event.detail.empty()) out_ += "<g><title>" + xml_text(event.detail, kMostDetail) + "</title>";
        out_ += std::string("<line class=\"") + (event.trouble ? "bad" : "arrow") +
                "\" stroke-width=\"1.5\" x1=\"" + number(from) + "\" y1=\"" + number(y) + "\" x2=\"" +
                number(to) + "\" y2=\"" + number(y) + "\"" + dashes + " marker-end=\"url(#" +
                (event.trouble ? "bad-tip" : "tip") + ")\"/>\n";
        const auto shown = xml_text(event.label, kMostLabel);
        out_ += text((from + to) / 2, y - 5, event.trouble ? "bad-ink" : "ink", "middle",
                     (event.trouble ? "⚠ " : "") + shown);
        if (!event.detail.empty()) out_ += "</g>\n";
    }

    void draw_mark(std::size_t which, int x, int y) {
        out_ += "<circle class=\"mark\" cx=\"" + number(x) + "\" cy=\"" + number(y) + "\" r=\"9\"/>\n";
        out_ += text(x, y + 4, "mark-ink", "middle", std::to_string(which + 1));
    }

    // "(1) title", and its fix, in lines that fit.
    [[nodiscard]] std::vector<std::string> finding_lines() const {
        std::vector<std::string> lines;
        for (std::size_t which = 0; which < timeline_.findings.size(); ++which) {
            const auto& finding = timeline_.findings[which];
            auto words = "(" + std::to_string(which + 1) + ") " + visible(finding.title);
            if (!finding.fix.empty())
                words += (words.ends_with('.') ? " Fix: " : ". Fix: ") + visible(finding.fix);
            const auto wrapped = wrap_text(words, kFindingWidth, "");
            for (const auto line : split(wrapped, '\n')) lines.push_back(xml_text(line, 2 * kFindingWidth));
        }
        return lines;
    }

    const Timeline& timeline_;
    std::vector<Party> parties_;
    int width_ = 0;
    std::string out_;
};

}  // namespace

std::string to_svg(const Timeline& timeline) { return Picture(timeline).draw(); }

}  // namespace callchain::timeline
