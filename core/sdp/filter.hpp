/// The codec filter: an editor that removes formats and what describes them, and leaves every other byte
/// alone.
#pragma once

#include "sdp/codec.hpp"
#include "sdp/document.hpp"
#include "sdp/format.hpp"
#include "sdp/rules.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::sdp {

/// One line that went or became another.
struct Change {
    std::size_t line = 0;  ///< 1-based, in the input
    Rule rule = Rule::codec_removed;
    std::string_view before;  ///< borrows from the input, with its line end; show it by shown_line() only
    std::string after;        ///< the new line, with the same line end; empty where the line was removed
};

/// What became of one format of an audio stream.
struct FormatOutcome {
    Format format;
    std::optional<Rule> removed_by = {};  ///< nothing: it stays
};

/// What became of one m= line.
struct MediaOutcome {
    enum class Action {
        kept,     ///< not a byte of its m= line changed
        changed,  ///< some formats went
        refused,  ///< port 0 now
        at_zero,  ///< was at port 0 before and is copied
    };
    std::size_t index = 0;  ///< of the m= line among all, from 0
    std::size_t line = 0;   ///< 1-based
    Action action = Action::kept;
    std::optional<Rule> reason = {};          ///< of what was refused
    std::vector<FormatOutcome> formats = {};  ///< of an audio stream over RTP
};

/// What the filter made of a session description. Borrows from the input.
struct Filtered {
    enum class Outcome {
        audio_left,     ///< at least one audio stream has a voice codec
        no_codec_left,  ///< there was a live audio stream, and none is left: 488
        no_audio,       ///< there was no live audio stream to begin with
    };
    Outcome outcome = Outcome::audio_left;
    std::string text;             ///< the description after the filter, also where no audio is left
    std::vector<Change> changes;  ///< in the order of the lines
    std::vector<MediaOutcome> media;
};

/// Keeps, of every audio stream over RTP, the formats that `keep` names; each decided by the rtpmap lines
/// below its own m= line. telephone-event and CN stay only at the clock rate of a voice codec that stays,
/// unless `keep` names their clock. A stream without a voice codec left, and every stream that is not audio
/// over RTP, stays in its place with port 0, its first format, and its i=, c=, b= and a=mid lines. Payload
/// numbers, profiles, a=crypto and the o= line are never changed, and nothing is added. Filtering the result
/// again changes nothing; lines that are not touched keep every byte and their own line end. Errors: as
/// parse_document(). Source: RFC 3264 sections 5.1, 6 and 8.2; RFC 8866 section 6.6; RFC 4733; RFC 9143
/// section 7.3.
[[nodiscard]] Result<Filtered> filter_offer(std::string_view text, const KeepList& keep);
/// Of what was parsed already.
[[nodiscard]] Filtered filter_offer(const Document& offer, const KeepList& keep);

/// Takes from an answer every format that the offer did not have on the m= line in the same place, with the
/// same codec behind the same number. An answer may add formats, but a peer that takes one stream only cannot
/// use them. Errors: as parse_document(), for either. Source: RFC 3264 section 6.1.
[[nodiscard]] Result<Filtered> filter_answer(std::string_view answer, const Document& offer);
/// Of what was parsed already.
[[nodiscard]] Filtered filter_answer(const Document& answer, const Document& offer);

}  // namespace callchain::sdp
