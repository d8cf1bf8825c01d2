#include "base/text.hpp"
#include "timeline/timeline.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace callchain::timeline {
namespace {

constexpr std::size_t kTimeWidth = 10;
constexpr std::size_t kPartyWidth = 8;  // "WhatsApp"
constexpr std::size_t kMostLabel = 60;

std::string padded(std::string_view text, std::size_t width) {
    std::string out(text);
    if (out.size() < width) out.append(width - out.size(), ' ');
    return out;
}

std::string since(WallTime first, WallTime at) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(at - first).count();
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "+%lld.%03lld s", static_cast<long long>(ms / 1000),
                  static_cast<long long>(ms % 1000));
    return std::string(std::max<std::size_t>(kTimeWidth, std::string_view(text.data()).size()) -
                           std::string_view(text.data()).size(),
                       ' ') +
           text.data();
}

std::string way_of(const Event& event) {
    if (event.medium == Medium::note || event.from == event.to)
        return padded(name_of(event.from), 2 * kPartyWidth + 3);
    const char* const arrow = event.medium == Medium::sip    ? " → "
                              : event.medium == Medium::http ? " ⇢ "
                                                             : " ~ ";
    return padded(name_of(event.from), kPartyWidth) + arrow + padded(name_of(event.to), kPartyWidth);
}

}  // namespace

std::string to_line(const Event& event, std::size_t width) {
    auto line =
        way_of(event) + "  " + (event.trouble ? "! " : "  ") + visible_excerpt(event.label, kMostLabel);
    if (event.detail.empty()) return line;
    // In characters: arrows and marks have several bytes.
    const auto used = static_cast<std::size_t>(std::count_if(
        line.begin(), line.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
    constexpr std::size_t kLeastDetail = 10;
    if (used + 3 + kLeastDetail <= width) line += "  " + visible_excerpt(event.detail, width - used - 3);
    return line;
}

std::string to_text(const Timeline& timeline, std::size_t width) {
    std::string out;
    const auto first = timeline.events.empty() ? WallTime{} : timeline.events.front().at;
    for (const auto& event : timeline.events) {
        const auto time = since(first, event.at) + "  ";
        out += time + to_line(event, width - std::min(width, time.size())) + "\n";
    }
    std::size_t longest = 0;
    for (const auto& [name, value] : timeline.ids) longest = std::max(longest, name.size());
    if (!timeline.ids.empty()) out += "\nids\n";
    for (const auto& [name, value] : timeline.ids)
        out += "  " + padded(visible(name), longest) + "  " + visible_excerpt(value, 120) + "\n";
    if (!timeline.findings.empty()) out += "\nfindings\n";
    for (std::size_t at = 0; at < timeline.findings.size(); ++at) {
        const auto& finding = timeline.findings[at];
        const auto number = "  (" + std::to_string(at + 1) + ") ";
        out += number + wrap_text(visible(finding.title), width > 8 ? width - 8 : width, "      ") + "\n";
        if (!finding.fix.empty())
            out += "      " +
                   wrap_text("fix: " + visible(finding.fix), width > 8 ? width - 8 : width, "      ") + "\n";
    }
    return out;
}

}  // namespace callchain::timeline
