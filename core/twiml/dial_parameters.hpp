/// Finds the parameters of a dial action in what people have of it: a form body, or what a service logged.
#pragma once

#include "base/result.hpp"
#include "encoding/text_codings.hpp"
#include "twiml/dial_action.hpp"

#include <string_view>

namespace callchain::twiml {

/// The longest text that parse_dial_parameters reads.
inline constexpr std::size_t kMostDialBytes = std::size_t{64} << 10U;

/// Reads a form body (or a request line or capture that holds one), the line in which a service printed the
/// parameters (Python's dict, MultiDict with tuples or lists, JSON, what Node's console.log, Go's %v or PHP's
/// print_r print), or `name=value` and `name: value` words. Colours, line prefixes and layers of JSON or
/// percent-encoding around it are taken off. Other parameters are kept; of a name that came twice the last
/// value counts, with a remark. Where the text holds several sets of parameters the last one is read. Errors:
/// limit above kMostDialBytes; bad_input where no parameter of a dial is found.
[[nodiscard]] Result<DialResult> parse_dial_parameters(std::string_view text);

/// The same for names and values that are already apart. A name that we know and whose value is empty, None,
/// null, undefined, nil or `-` counts as not sent. Never fails: a value that cannot be read stays in
/// `others`, with a remark.
[[nodiscard]] DialResult dial_result_of(const encoding::FormFields& given);

}  // namespace callchain::twiml
