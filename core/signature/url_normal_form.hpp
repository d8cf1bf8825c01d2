/// Two ways in which JavaScript programs write a URL anew before they hash it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace callchain::signature {

/// The text with everything behind its first '?' read by Node's `querystring.parse` and written by its
/// `querystring.stringify`: '+' becomes "%20", "%27" a bare apostrophe, pairs of one name stand together, and
/// names that are array indices come first. The text itself where it has no query. nullopt for more than
/// 1,000 pairs and for values that are not UTF-8: Node drops or replaces those, so nobody can have signed
/// them. Source: Node.js, "Query string".
[[nodiscard]] std::optional<std::string> requote_query(std::string_view url);

}  // namespace callchain::signature
