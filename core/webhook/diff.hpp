/// Two captures of what should be the same request, compared: bodies byte by byte, headers by name. Which
/// known alteration turns one body into the other is for core/diagnosis to find.
#pragma once

#include "webhook/capture.hpp"

#include <bitset>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::webhook {

/// Both from 1. A column counts bytes; lines end at LF.
struct BodyPlace {
    std::size_t line = 1;
    std::size_t column = 1;
    friend bool operator==(const BodyPlace&, const BodyPlace&) = default;
};

inline constexpr std::size_t kHexRowBytes = 16;
/// One row of a hex dump.
struct HexRow {
    std::size_t offset = 0;             ///< of its first byte; a multiple of kHexRowBytes
    std::string bytes;                  ///< 1 to kHexRowBytes
    std::string text;                   ///< one character per byte: printable ASCII, '.' for the rest
    std::bitset<kHexRowBytes> differs;  ///< bytes outside of what both bodies begin and end with
};

/// Where two bodies part.
struct BodyDifference {
    std::size_t length_a = 0;
    std::size_t length_b = 0;
    std::optional<std::size_t> first;  ///< offset of the first byte that differs; the shorter length where
                                       ///< one body begins with the other; nullopt: equal
    BodyPlace place;                   ///< of `first`
    std::size_t common_prefix = 0;     ///< bytes
    std::size_t common_suffix = 0;     ///< bytes, not counting those of the common prefix
    std::vector<HexRow> rows_a;  ///< a window around `first`; empty where equal or where `a` ends before
    std::vector<HexRow> rows_b;
    [[nodiscard]] bool equal() const { return !first; }
};

/// Rows of a window: one before that of the first difference, and as many from it on as make this.
inline constexpr std::size_t kMostHexRows = 4;

/// Linear in the shorter body.
[[nodiscard]] BodyDifference diff_bodies(std::string_view a, std::string_view b);

/// What a header's difference means for the signature.
enum class HeaderRole {  // in the order in which differences are listed
    signed_content,      ///< the id and timestamp, which are signed, and the signature itself
    body_shape,          ///< says how the body was framed or coded: a difference hints at an altered body
    credential,          ///< its value is not shown
    other,
    proxy,  ///< added or changed by a proxy or platform; harmless
};
[[nodiscard]] HeaderRole header_role(std::string_view name);

struct HeaderDifference {
    enum class Kind {
        only_in_a,
        only_in_b,
        values,     ///< other values, or in another order or number
        name_case,  ///< the name is written otherwise; no HTTP reader may care
    };
    Kind kind = Kind::values;
    std::string name;  ///< as in `a`, or as in `b` where `a` has none
    HeaderRole role = HeaderRole::other;
    std::vector<std::string> a;  ///< values (for name_case: names) in order; a credential's value is replaced
                                 ///< by its length
    std::vector<std::string> b;
};

struct HeadersDifference {
    std::vector<HeaderDifference> differences;  ///< by role, then in the order of `a`
    bool order_differs = false;  ///< the headers that both have come in another order; no reader may care
    [[nodiscard]] bool equal() const { return differences.empty() && !order_differs; }
};

[[nodiscard]] HeadersDifference diff_headers(const Headers& a, const Headers& b);

}  // namespace callchain::webhook
