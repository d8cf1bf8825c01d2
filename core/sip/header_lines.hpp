/// A head as lines that point into it: where it ends, its start line, and its fields one by one. Internal to
/// core/sip.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace callchain::sip {

/// Whether what stands in front of an LF ends in the only CR that it has: then the LF ends a line, and
/// nothing in the line looks like the end of one to other readers.
[[nodiscard]] constexpr bool is_ended_by_cr(std::string_view line) {
    return line.ends_with('\r') && line.find('\r') == line.size() - 1;
}

/// All views borrow from the bytes.
struct HeadText {
    std::string_view start_line;  ///< without its line end
    std::string_view fields;      ///< every line below it, with line ends, without the empty line
    std::size_t bytes = 0;        ///< the whole head: line ends in front, start line, fields, empty line
    bool is_folded = false;       ///< a field goes on in another line
};

/// Finds the end of the head. Empty lines in front are passed over (RFC 3261 section 7.5). nullopt: no empty
/// line, a CR or LF that is not part of CRLF (other readers might see another line there), or no start line.
[[nodiscard]] std::optional<HeadText> find_head(std::string_view bytes);

/// One field as it stands there; the views borrow.
struct FieldLine {
    std::string_view name;   ///< empty: the line is no header field
    std::string_view value;  ///< without blanks at either end; with line ends inside where it is folded
    bool is_folded = false;
    /// With each line end and the blanks around it made one blank. Source: RFC 3261 section 7.3.1.
    [[nodiscard]] std::string unfolded() const;
};
/// Takes the next field off the front of HeadText::fields; nullopt where nothing is left.
[[nodiscard]] std::optional<FieldLine> take_field(std::string_view& fields);

/// A start line in words. Blanks between and behind them may be several: nothing else can be meant.
struct StartLine {
    std::string_view method;   ///< a token; empty in a response
    std::string_view uri;      ///< as written, with blanks that stand in it
    int status = 0;            ///< 100 to 699; 0 in a request
    std::string_view reason;   ///< may be empty
    std::string_view version;  ///< "SIP/2.0", or another version of SIP
};
/// nullopt: neither a request's nor a response's. Source: RFC 3261 sections 7.1 and 7.2.
[[nodiscard]] std::optional<StartLine> parse_start_line(std::string_view line);

}  // namespace callchain::sip
