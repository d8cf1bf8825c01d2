/// A capture: one HTTP request as it was received, as a file. The file is the raw HTTP/1.1 message itself.
#pragma once

#include "base/result.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::webhook {

struct Header {
    std::string name;   ///< as written
    std::string value;  ///< without the blanks around it
};

/// Headers in the order received, duplicates kept; look-up without regard to case.
struct Headers {
    std::vector<Header> fields;
    /// All values of that name, in order. Borrow from this object.
    [[nodiscard]] std::vector<std::string_view> values(std::string_view name) const;
    /// The first value, or nullopt. Borrows from this object.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
};

/// True for what may be a method or the name of a header. Source: RFC 9110 section 5.6.2.
[[nodiscard]] bool is_token(std::string_view text);
/// Visible characters, blanks, tabs and obs-text: no line can be added by such a value.
/// Source: RFC 9110 section 5.5.
[[nodiscard]] bool is_field_value(std::string_view text);

/// What is odd about a capture and yet readable; it goes with the verdict.
struct CaptureRemark {
    enum class Kind {
        shorter_than_declared,  ///< the body has fewer bytes than Content-Length says, or its chunked framing
                                ///< breaks off
        one_line_end_more,      ///< exactly one LF or CRLF behind a body of the declared length: an editor's
                                ///< final newline, left off
    };
    Kind kind;
    std::string detail;
};

struct Capture {
    std::string method;   ///< "POST"
    std::string target;   ///< as in the request line: "/openai/webhook", or an absolute URL
    std::string version;  ///< "HTTP/1.1"
    Headers headers;
    std::string body;  ///< after undoing chunked framing where the headers declare it; content codings are
                       ///< left as they are
    std::vector<CaptureRemark> remarks;
};

/// Most bytes of head (request line and headers) that are read.
inline constexpr std::size_t kMostHeadBytes = std::size_t{256} << 10U;

/// Reads a request line, headers and body; lines end in CRLF or LF. Without Content-Length the body is all
/// the rest. A body that lacks the chunked framing which its headers declare is taken as it is: many
/// recorders store it so.
/// Errors: bad_input with offset for: no request line (a response, a bare body, a curl command, an empty or
/// binary file get their own message and hint), a header line without a colon (line number and text in the
/// message, without what looks like a credential), a folded header, a second request behind the body, a body
/// longer than Content-Length; bad_input without offset for a Content-Length that is contradictory or no
/// number; limit for a head above kMostHeadBytes.
/// Source: RFC 9112 sections 2, 5, 6 and 7.1.
[[nodiscard]] Result<Capture> parse_capture(std::string_view bytes);

/// The message with CRLF line ends. Headers are written as given; Content-Length is the caller's to set.
[[nodiscard]] std::string write_capture(const Capture& capture);

}  // namespace callchain::webhook
