#include "diagnosis/content_forms.hpp"

#include "base/internet_time.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "webhook/event.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <unordered_set>

namespace callchain::diagnosis {
namespace {

class Collector {
  public:
    void add(std::string before, std::string after, Faults faults) {
        if (!seen_.insert(before + '\0' + after).second) return;
        const int cost = static_cast<int>(faults.size());
        forms_.push_back({std::move(before), std::move(after), std::move(faults), cost});
    }
    std::vector<ContentForm> take() {
        std::stable_sort(forms_.begin(), forms_.end(),
                         [](const ContentForm& a, const ContentForm& b) { return a.cost < b.cost; });
        return std::move(forms_);
    }

  private:
    std::unordered_set<std::string> seen_;
    std::vector<ContentForm> forms_;
};

struct IdForm {
    std::string_view code;
    std::string text;
};

std::string without_quotes(std::string_view text) {
    while (!text.empty() && (text.front() == '"' || text.front() == '\'')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == '"' || text.back() == '\'')) text.remove_suffix(1);
    return std::string(text);
}

std::vector<IdForm> id_forms(std::string_view id, const webhook::EventIdentity& event) {
    std::vector<IdForm> forms;
    if (event.id) forms.push_back({"id_is_event_id", *event.id});
    if (event.call_id) forms.push_back({"id_is_call_id", *event.call_id});
    if (event.session_id) forms.push_back({"id_is_call_id", *event.session_id});
    forms.push_back({"id_whitespace", std::string(trim(id))});
    for (const std::string_view blank : {" ", "\n", "\r\n"})
        forms.push_back({"id_whitespace", std::string(id) + std::string(blank)});
    forms.push_back({"id_whitespace", " " + std::string(id)});
    forms.push_back({"id_quoted", without_quotes(id)});
    forms.push_back({"id_quoted", "\"" + std::string(id) + "\""});
    forms.push_back({"id_case_changed", ascii_lower(id)});
    forms.push_back({"id_case_changed", ascii_upper(id)});
    // A proxy that joins two header lines of one name puts ", " between them (RFC 9110 section 5.3).
    if (const auto comma = id.find(','); comma != std::string_view::npos) {
        forms.push_back({"header_joined", std::string(trim(id.substr(0, comma)))});
        forms.push_back({"header_joined", std::string(trim(id.substr(comma + 1)))});
    }
    return forms;
}

std::string iso8601(std::int64_t seconds, std::string_view tail) {
    auto text =
        write_rfc3339(std::chrono::sys_seconds{std::chrono::seconds(seconds)}, TimePrecision::seconds);
    text.pop_back();  // the Z
    return text + std::string(tail);
}

// A time without a zone, or with one in words, is taken as UTC.
std::optional<std::int64_t> parse_iso8601(std::string_view text) {
    constexpr auto kToSeconds = std::string_view("2025-06-25T14:20:10").size();
    auto time = parse_rfc3339(text);
    if (!time) time = parse_rfc3339(std::string(text.substr(0, kToSeconds)) + "Z");
    if (!time) return std::nullopt;
    return std::chrono::floor<std::chrono::seconds>(*time).time_since_epoch().count();
}

// A Unix time of our century has ten digits until the year 2286.
bool is_plausible_seconds(std::int64_t seconds) {
    return seconds >= 1'000'000'000 && seconds <= 9'999'999'999;
}

}  // namespace

std::vector<TimestampForm> timestamp_forms(std::string_view timestamp) {
    std::vector<TimestampForm> forms;
    if (const auto comma = timestamp.find(','); comma != std::string_view::npos) {
        forms.push_back({"header_joined", std::string(trim(timestamp.substr(0, comma)))});
        forms.push_back({"header_joined", std::string(trim(timestamp.substr(comma + 1)))});
    }
    const std::string unquoted = without_quotes(trim(timestamp));
    const std::string_view tidy = trim(unquoted);
    std::string_view digits = tidy;
    if (digits.starts_with('+')) digits.remove_prefix(1);
    digits = digits.substr(std::min(digits.find_first_not_of('0'), digits.size()));
    const auto whole = digits.substr(0, digits.find('.'));
    const auto number = parse_decimal(whole);
    if (number && is_plausible_seconds(*number)) {
        const std::string seconds(whole);
        forms.push_back(
            {digits.size() == whole.size() ? "timestamp_rerendered" : "timestamp_float", seconds});
        forms.push_back({"timestamp_milliseconds", seconds + "000"});
        forms.push_back({"timestamp_microseconds", seconds + "000000"});
        forms.push_back({"timestamp_float", seconds + ".0"});
        forms.push_back({"timestamp_rerendered", "0" + seconds});
        for (const std::string_view tail : {"Z", "+00:00", ".000Z", ""}) {
            forms.push_back({"timestamp_iso8601", iso8601(*number, tail)});
        }
    } else if (number && is_plausible_seconds(*number / 1000)) {
        forms.push_back({"timestamp_milliseconds", std::to_string(*number / 1000)});
    } else if (number && is_plausible_seconds(*number / 1'000'000)) {
        forms.push_back({"timestamp_microseconds", std::to_string(*number / 1'000'000)});
    } else if (const auto seconds = parse_iso8601(tidy)) {
        forms.push_back({"timestamp_iso8601", std::to_string(*seconds)});
    }
    return forms;
}

std::vector<ContentForm> content_forms(const ContentMaterial& material) {
    const std::string id(material.id);
    const std::string timestamp(material.timestamp);
    Collector forms;
    forms.add(id + "." + timestamp + ".", "", {});

    const bool swapped = parse_decimal(id).has_value() && !parse_decimal(timestamp).has_value();
    forms.add(timestamp + "." + id + ".", "",
              {{swapped ? "id_timestamp_swapped" : "content_timestamp_first"}});
    forms.add(timestamp + ".", "", {{"content_no_id"}});
    forms.add("", "", {{"content_body_only"}});
    forms.add(id + ".", "", {{"content_no_timestamp"}});
    forms.add("." + timestamp + ".", "", {{"content_empty_id"}});
    struct Separator {
        const char* text;
        const char* name;
    };
    for (const auto& [text, name] : {Separator{"", "none"},
                                     {":", "colon"},
                                     {"|", "pipe"},
                                     {"\n", "newline"},
                                     {" ", "blank"},
                                     {",", "comma"}}) {
        forms.add(id + text + timestamp + text, "",
                  {{"content_separator", {{"separator", std::string(name)}}}});
    }
    // A line end behind the content is one behind the body, which has rows of its own.
    forms.add(id + "." + timestamp + ".", ".", {{"content_trailing_byte"}});

    const auto event = webhook::read_event_identity(material.body);
    const auto ids = id_forms(material.id, event);
    auto times = timestamp_forms(material.timestamp);
    if (event.created_at) times.insert(times.begin(), {"timestamp_is_created_at", *event.created_at});
    for (const auto& form : ids) forms.add(form.text + "." + timestamp + ".", "", {{form.code}});
    for (const auto& time : times) forms.add(id + "." + time.text + ".", "", {{time.code}});
    for (const auto& [other_id, other_time] : material.others) {
        const Evidence evidence{"webhook_id", safe_excerpt(other_id, 60)};
        forms.add(other_id + "." + other_time + ".", "", {{"id_of_other_delivery", {evidence}}});
        forms.add(other_id + "." + timestamp + ".", "", {{"id_of_other_delivery", {evidence}}});
    }
    for (const auto& time : times) {
        forms.add(time.text + ".", "", {{"content_no_id"}, {time.code}});
        for (const auto& form : ids)
            forms.add(form.text + "." + time.text + ".", "", {{form.code}, {time.code}});
    }
    return forms.take();
}

}  // namespace callchain::diagnosis
