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
/// parameters (Python's dict, MultiDict with tuples or lists, JSON, what Node's console.log prints), or
/// `name=value` words. Colours, line prefixes and layers of JSON around it are taken off. Other parameters
/// are kept; of a name that came twice the last value counts, with a remark. Where the text holds several
/// dictionaries the last one is read.
/// Errors: limit above kMostDialBytes; bad_input where no parameter of a dial is found.
[[nodiscard]] Result<DialResult> parse_dial_parameters(std::string_view text);

/// The same for names and values that are already apart. Never fails: a value that cannot be read stays in
/// `others`, with a remark.
[[nodiscard]] DialResult dial_result_of(const encoding::FormFields& fields);

/// `text` with all but the last four digits of each phone number left out: "+***3636". A phone number is
/// `+` and 7 to 15 digits, or 8 to 15 digits that stand alone.
[[nodiscard]] std::string mask_phone_numbers(std::string_view text);

}  // namespace callchain::twiml
