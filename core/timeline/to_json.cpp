#include "base/internet_time.hpp"
#include "base/text.hpp"
#include "encoding/json_document.hpp"
#include "timeline/timeline.hpp"

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace callchain::timeline {
namespace {

using Json = nlohmann::ordered_json;

Json ids_of(const std::vector<Id>& ids) {
    Json object = Json::object();
    for (const auto& [name, value] : ids) object[visible(name)] = visible(value);
    return object;
}

Json call_of(const Timeline& timeline) {
    const auto first = timeline.events.empty() ? WallTime{} : timeline.events.front().at;
    Json events = Json::array();
    for (const auto& event : timeline.events)
        events.push_back({{"at_us", (event.at - first).count()},
                          {"from", word_of(event.from)},
                          {"to", word_of(event.to)},
                          {"medium", word_of(event.medium)},
                          {"label", visible(event.label)},
                          {"detail", visible(event.detail)},
                          {"ids", ids_of(event.ids)},
                          {"trouble", event.trouble}});
    Json findings = Json::array();
    for (const auto& finding : timeline.findings)
        findings.push_back({{"code", visible(finding.code)},
                            {"title", visible(finding.title)},
                            {"fix", visible(finding.fix)},
                            {"event", finding.event ? Json(*finding.event) : Json(nullptr)}});
    return {{"began", write_rfc3339(first, TimePrecision::microseconds)},
            {"ids", ids_of({timeline.ids.begin(), timeline.ids.end()})},
            {"events", std::move(events)},
            {"findings", std::move(findings)}};
}

}  // namespace

std::string to_json(const std::vector<Timeline>& calls, std::string_view tool_version) {
    Json list = Json::array();
    for (const auto& timeline : calls) list.push_back(call_of(timeline));
    return encoding::json_document({{"schema", "callchain.timeline/1"},
                                    {"tool_version", tool_version},
                                    {"calls", std::move(list)}}) +
           "\n";
}

}  // namespace callchain::timeline
