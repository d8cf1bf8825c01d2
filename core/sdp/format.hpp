/// The formats of one m= line with what its own rtpmap lines say of them.
#pragma once

#include "sdp/codec.hpp"
#include "sdp/document.hpp"

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace callchain::sdp {

/// An a=rtpmap line of one media description.
struct RtpMapLine {
    std::size_t line = 0;  ///< index in Document::lines
    RtpMap map;
};

/// True for an a=rtpmap line, its name in any case and with blanks around it, as lenient readers take it.
[[nodiscard]] bool is_rtpmap(const Line& line);

/// Those below one m= line, in order. Those below other m=
/// lines say nothing about this one. Source: RFC 8866 sections 5.14 and 6.6.
[[nodiscard]] std::vector<RtpMapLine> rtpmap_lines(const Document& document, const Media& media);

/// One entry of an m= line. Borrows from the text.
struct Format {
    std::string_view text;                          ///< as on the m= line
    std::optional<std::uint8_t> payload_type = {};  ///< nothing where it is no number of 0 to 127
    std::optional<Codec> codec = {};      ///< by the first rtpmap, else by RFC 3551's table, else nothing
    std::vector<Codec> more_codecs = {};  ///< by further rtpmaps of the number, of which there should be none

    /// True where one of its rtpmaps says `wanted`.
    [[nodiscard]] bool means(const Codec& wanted) const;
};

/// The formats of an RTP stream, in order.
[[nodiscard]] std::vector<Format> read_formats(const Document& document, const Media& media);

}  // namespace callchain::sdp
