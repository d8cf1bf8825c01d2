#include "config/settings_reader.hpp"

#include "base/redact.hpp"
#include "base/text.hpp"

#include <algorithm>

namespace callchain::config {

void SettingsReader::problem(std::string message, std::string hint) {
    problems_.push_back({ErrorCode::usage, std::move(message), std::nullopt, std::move(hint)});
}

void SettingsReader::refuse(std::string_view name, const std::string& what, std::string hint) {
    problem(shown_name(*settings_.at(name).spec) + ": " + what, std::move(hint));
}

std::optional<std::int64_t> SettingsReader::number(std::string_view name, std::int64_t most) {
    const auto value = parse_decimal(settings_.value(name));
    if (value && *value <= most) return value;
    refuse(name, "\"" + safe_excerpt(settings_.value(name), 40) + "\" is no number from 0 to " +
                     with_thousands(static_cast<std::uint64_t>(most)));
    return std::nullopt;
}

std::optional<std::size_t> SettingsReader::choice(std::string_view name,
                                                  const std::vector<std::string_view>& words) {
    const auto& value = settings_.value(name);
    const auto found = std::find(words.begin(), words.end(), value);
    if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
    refuse(name,
           "\"" + safe_excerpt(value, 40) + "\" is not one of " + join({words.begin(), words.end()}, ", "));
    return std::nullopt;
}

}  // namespace callchain::config
