/// Finds webhook bodies in the lines of a log.
#pragma once

#include "webhook/log_json.hpp"
#include "webhook/railway_log.hpp"

#include <optional>
#include <string_view>

namespace callchain::webhook {

/// A webhook event in a line of text: JSON as it is, escaped, in base64, as a Python literal, inside of
/// another object, cut. nullopt: none found.
[[nodiscard]] std::optional<LoggedBody> find_logged_body(std::string_view text);

/// A body that stood alone as the value of a log's JSON attribute.
[[nodiscard]] std::optional<LoggedBody> body_of_attribute(std::string_view name, const LogMember& value);

/// A body that the platform took apart, because it was printed as one line of JSON: the log's JSON line has
/// the event's members beside its own.
[[nodiscard]] std::optional<LoggedBody> body_of_members(const std::vector<LogMember>& members);

}  // namespace callchain::webhook
