/// Hex, percent-encoding, web forms, HTML entities: the textual layers that transports add and forget.
#pragma once

#include "base/result.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace callchain::encoding {

[[nodiscard]] std::string to_hex(std::string_view bytes);  ///< lower case
[[nodiscard]] std::string to_upper_hex(std::string_view bytes);
/// Errors: bad_input, with offset, for an odd length or a byte that is no hex digit. Both cases are read.
[[nodiscard]] Result<std::string> parse_hex(std::string_view text);

/// What '+' means to a reader of percent-encoded text.
enum class PlusSign { literal, space };
/// `%XX` to bytes; a '%' without two hex digits stays as it is, as browsers and Node's querystring do.
[[nodiscard]] std::string percent_decode(std::string_view text, PlusSign plus);
/// Everything but RFC 3986 unreserved characters becomes `%XX`, upper case.
[[nodiscard]] std::string percent_encode(std::string_view bytes);

/// Name and value, decoded, in the order and number in which they came.
using FormFields = std::vector<std::pair<std::string, std::string>>;
/// application/x-www-form-urlencoded. Pairs without '=' are names with an empty value; empty pairs are
/// skipped; bytes that are not UTF-8 stay as they are. Source: WHATWG URL Standard,
/// "application/x-www-form-urlencoded parsing".
[[nodiscard]] FormFields parse_form(std::string_view body);
/// Source: WHATWG URL Standard, "application/x-www-form-urlencoded serializing" (blank to '+').
[[nodiscard]] std::string write_form(const FormFields& fields);

/// `&amp; &lt; &gt; &quot; &apos; &#39; &#x27; &nbsp;` and numeric references to UTF-8; others stay.
[[nodiscard]] std::string html_unescape(std::string_view text);
/// `& < > " '` as `&amp; &lt; &gt; &quot; &#39;` (the five that template engines escape).
[[nodiscard]] std::string html_escape(std::string_view text);

/// Takes the sizes out of a body in which chunked framing was left. Trailers are dropped.
/// Errors: bad_input, with offset, where it is not one complete chunked body and nothing else. Source: RFC
/// 9112 section 7.1.
[[nodiscard]] Result<std::string> parse_chunked(std::string_view body);

}  // namespace callchain::encoding
