/// Names and values of a dial action in text that a service printed. Internal: everybody else includes
/// dial_parameters.hpp.
#pragma once

#include "encoding/text_codings.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace callchain::twiml {

/// Whether `name` is one of the parameters by which a dial action is known.
[[nodiscard]] bool is_dial_name(std::string_view name);
/// Whether it is one of those, or one of the others that are read from a line `name: value`.
[[nodiscard]] bool is_known_name(std::string_view name);
/// Where the first of the Dial… names stands in `text` from the offset `from` on, or npos.
[[nodiscard]] std::size_t find_dial_name(std::string_view text, std::size_t from = 0);

/// What was read, and from how many dictionaries of the text it is the last one.
struct PrintedParameters {
    encoding::FormFields fields;
    std::size_t dictionaries = 1;
};

/// Reads names and values around the last of the Dial… names in `text`, in whichever way it is printed
/// there. nullopt where there is none in the place of a name.
[[nodiscard]] std::optional<PrintedParameters> read_printed_parameters(std::string_view text);

/// A form body without what stands in front of its first name: a URL up to `?`, or the name under which it
/// was printed (`body=DialCallStatus=failed&…`). Borrows from `form`.
[[nodiscard]] std::string_view without_form_label(std::string_view form);
/// Whether a Dial… name is followed by `=` in percent-encoding: a form that was encoded once more.
[[nodiscard]] bool holds_encoded_form(std::string_view text);

/// `text` without colours and, at the start of each line, without time stamp, level and service name.
[[nodiscard]] std::string without_log_layout(std::string_view text);

/// `text` with one layer of a JSON string's escapes undone; what is no escape stays as it is.
[[nodiscard]] std::string without_escapes(std::string_view text);

}  // namespace callchain::twiml
