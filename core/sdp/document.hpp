/// A session description as lines that point into its text: nothing is normalised, so that an editor can
/// leave every line that it does not touch as it is.
#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace callchain::sdp {

/// The largest description that is read: the limit of a whole SIP message at the gateway.
inline constexpr std::size_t kMostBytes = std::size_t{64} << 10U;

/// One line. Both views borrow from the text that was parsed.
struct Line {
    char type = 0;           ///< the letter in front of '='; 0 for an empty line at the very end
    std::string_view value;  ///< behind '=', without the line end
    std::string_view bytes;  ///< the whole line with its own line end: CRLF, LF, or none on the last
};

/// `name` or `name:value` of an a= line; blanks around the name do not count. Borrows.
struct Attribute {
    std::string_view name;
    std::string_view value;  ///< empty for a property attribute
};
[[nodiscard]] Attribute attribute_of(const Line& line);

/// One m= line and what stands below it.
struct Media {
    std::size_t first = 0;       ///< index of the m= line in Document::lines
    std::size_t end = 0;         ///< one behind its last line
    std::string_view type;       ///< "audio"
    std::string_view port_text;  ///< "3480", or "51372/2" for a range of ports
    std::uint16_t port = 0;
    std::string_view protocol;              ///< "RTP/SAVP"
    std::vector<std::string_view> formats;  ///< at least one; payload type numbers where the protocol is RTP

    /// True where the protocol is one of RTP's profiles, over whatever: RTP/AVP, UDP/TLS/RTP/SAVPF, …
    [[nodiscard]] bool is_rtp() const;
    [[nodiscard]] bool is_audio() const;
};

/// Borrows from the text that was parsed.
struct Document {
    std::vector<Line> lines;
    std::vector<Media> media;
    std::size_t session_end = 0;  ///< one behind the last line of the session part

    [[nodiscard]] std::size_t text_bytes() const;  ///< of the text that was parsed

    /// The 1-based number of the line that holds the m= line of `media`.
    [[nodiscard]] static std::size_t line_number(const Media& media) { return media.first + 1; }
};

/// Reads a session description. Tolerant where a peer can still be understood: LF for CRLF, no line end at
/// the end, missing o=, s= and t=, several blanks between the words of m=, empty lines at the very end. What
/// stands in o=, t= and most attributes is not read. Errors: limit above kMostBytes; bad_input, with the
/// offset, for what is malformed and nobody should forward: empty, NUL, bare CR, an empty line with something
/// behind it, a second v=, o= or s=, lines of the session below an m= line, a type letter that does not
/// exist, an m= line without port or formats, an address that is none, a live audio stream without any c=
/// line. Source: RFC 8866 sections 5 and 9.
[[nodiscard]] Result<Document> parse_document(std::string_view text);

}  // namespace callchain::sdp
