/// The bodies of the negative matrix. Internal: everybody else includes receiver_matrix.hpp.
#pragma once

#include "diagnosis/forms.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::diagnosis {

/// A body that differs from the one it was made from, and what was done, without a subject: "one character
/// of the body changed".
struct ChangedBody {
    std::string bytes;
    std::string what;
};

/// Another character in place of one inside of a string value, the last that has a letter or digit: what it
/// says stays valid JSON of the same shape and length. Where there is no such string a digit of a number is
/// changed; of a body that is no JSON, or has neither, one bit in the middle; an empty body gains a byte.
[[nodiscard]] ChangedBody tamper_with_body(std::string_view body);

/// As JSON.parse and JSON.stringify leave it; where that is the same bytes, indented; where that is, too, or
/// the body is no JSON, with a line end behind it.
[[nodiscard]] ChangedBody reserialize_body(std::string_view body);

/// `body` as JSON.parse and JSON.stringify leave it, which may be the same bytes; nullopt where it is no
/// JSON.
[[nodiscard]] std::optional<std::string> compact_body(std::string_view body);

/// `body` with that member at its top replaced or added; nullopt where it is no JSON object.
/// Units: `json` is the member's value as JSON.
[[nodiscard]] std::optional<std::string> with_member(std::string_view body, const std::string& name,
                                                     const std::string& json);

/// `body` with a member that makes it exactly `size` bytes; nullopt where it is no JSON object, or is larger.
[[nodiscard]] std::optional<std::string> padded_body(std::string_view body, std::size_t size);

/// One alteration of the catalogue.
struct AlteredBody {
    std::string bytes;
    Fault fault;
};
/// Most bytes over all alterations of one body.
inline constexpr std::size_t kMostAlteredBytes = std::size_t{64} << 20U;

/// What the causes of the catalogue make of `body`, in the order of its tables: never the body itself, equal
/// bytes once. Where there are more than `most`, every cause keeps its first outcomes.
[[nodiscard]] std::vector<AlteredBody> altered_bodies(std::string_view body, std::size_t most);

}  // namespace callchain::diagnosis
