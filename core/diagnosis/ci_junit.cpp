#include "base/redact.hpp"
#include "base/text.hpp"
#include "diagnosis/ci_report.hpp"
#include "encoding/text_codings.hpp"

#include <algorithm>
#include <numeric>

namespace callchain::diagnosis {
namespace {

// One line that XML 1.0 allows within a text or an attribute. Source: XML 1.0 section 2.2.
std::string xml_line(std::string_view text) {
    // visible() leaves no control character; U+FFFE and U+FFFF are the other two that no document may have.
    std::string safe = replace_all(visible(text), "\xEF\xBF\xBE", "\\ufffe");
    safe = replace_all(safe, "\xEF\xBF\xBF", "\\uffff");
    return encoding::html_escape(safe);
}

std::string xml_attribute(std::string_view name, std::string_view value) {
    return " " + std::string(name) + "=\"" + xml_line(withhold_secrets(value)) + "\"";
}

// Line ends stay what they are.
std::string xml_text(std::string_view text) {
    const auto safe = withhold_secrets(text);
    std::string out;
    for (const auto line : split(safe, '\n')) {
        if (line.data() != safe.data()) out += '\n';
        out += xml_line(line);
    }
    return out;
}

// Without a locale's decimal comma.
std::string seconds_text(std::chrono::microseconds duration) {
    constexpr std::int64_t kMicro = 1'000'000;
    const auto count = std::max<std::int64_t>(duration.count(), 0);
    const auto fraction = std::to_string(count % kMicro);
    return std::to_string(count / kMicro) + "." + std::string(6 - fraction.size(), '0') + fraction;
}

std::string wanted_and_got(const CiResult& result) {
    if (result.wanted.empty() && result.got.empty()) return {};
    return "wanted " + result.wanted + ", got " + result.got;
}

// The lines of a failure: what was sent, what came, what to do.
std::string failure_text(const CiResult& result) {
    std::string out;
    for (const auto& line : {result.title, wanted_and_got(result), result.detail}) {
        if (!out.empty() && !line.empty()) out += "\n";
        out += line;
    }
    return out;
}

std::string write_case(const CiResult& result, const std::string& suite) {
    std::string out = "    <testcase" + xml_attribute("name", result.name) +
                      xml_attribute("classname", suite) +
                      xml_attribute("time", seconds_text(result.duration));
    switch (result.state) {
        case CiResult::State::failed:
            return out + ">\n      <failure" +
                   xml_attribute("message",
                                 result.message.empty() ? wanted_and_got(result) : result.message) +
                   xml_attribute("type", "wrong_answer") + ">" + xml_text(failure_text(result)) +
                   "</failure>\n    </testcase>\n";
        case CiResult::State::skipped:
            return out + ">\n      <skipped" + xml_attribute("message", result.message) +
                   "/>\n    </testcase>\n";
        case CiResult::State::passed:
            break;
    }
    if (result.message.empty()) return out + "/>\n";
    return out + ">\n      <system-out>" + xml_text(result.message) + "</system-out>\n    </testcase>\n";
}

std::size_t count_of_state(const CiReport& report, CiResult::State state) {
    return static_cast<std::size_t>(
        std::count_if(report.results.begin(), report.results.end(),
                      [state](const auto& result) { return result.state == state; }));
}

}  // namespace

std::string write_junit(const CiReport& report) {
    const auto total =
        std::accumulate(report.results.begin(), report.results.end(), std::chrono::microseconds{},
                        [](auto sum, const auto& result) { return sum + result.duration; });
    const auto counts =
        xml_attribute("name", report.suite) + xml_attribute("tests", std::to_string(report.results.size())) +
        xml_attribute("failures", std::to_string(count_of_state(report, CiResult::State::failed))) +
        xml_attribute("errors", "0") +
        xml_attribute("skipped", std::to_string(count_of_state(report, CiResult::State::skipped))) +
        xml_attribute("time", seconds_text(total));
    std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites" + counts + ">\n  <testsuite" +
                      counts + ">\n    <properties>\n      <property" + xml_attribute("name", "receiver") +
                      xml_attribute("value", report.subject) + "/>\n    </properties>\n";
    for (const auto& result : report.results) out += write_case(result, report.suite);
    if (!report.remarks.empty())
        out += "    <system-out>" + xml_text(join(report.remarks, "\n")) + "</system-out>\n";
    return out + "  </testsuite>\n</testsuites>\n";
}

}  // namespace callchain::diagnosis
