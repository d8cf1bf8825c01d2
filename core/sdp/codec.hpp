/// Codecs as SDP names them: rtpmap values, RTP's static payload types, and the list of those to keep.
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::sdp {

/// What an rtpmap says of a payload type. Borrows from the text, or from a table that lives for ever.
struct Codec {
    std::string_view name;       ///< encoding name, in the spelling found; compare it without regard to case
    std::uint32_t clock = 0;     ///< clock rate in Hz; 0 where it is missing or no number
    std::uint32_t channels = 1;  ///< 1 where it is left out

    /// "opus/48000/2": channels only where they are not 1.
    [[nodiscard]] std::string text() const;
    /// Same name (without regard to case), clock and channels. Source: RFC 4855 section 3.
    [[nodiscard]] bool same_as(const Codec& other) const;
};

/// `111 opus/48000/2`, the value of an a=rtpmap line, or nothing where it does not begin with a payload type
/// number. What cannot be read behind the number gives a codec that is like no other: the number is taken by
/// it. Source: RFC 8866 section 6.6.
struct RtpMap {
    std::uint8_t payload_type = 0;
    Codec codec;
};
[[nodiscard]] std::optional<RtpMap> parse_rtpmap(std::string_view value);

/// 0 to 127, as decimal digits without anything around and without leading zeros.
[[nodiscard]] std::optional<std::uint8_t> parse_payload_type(std::string_view text);

/// The audio codec that a payload type stands for without an rtpmap. Source: RFC 3551 section 6, table 4.
[[nodiscard]] std::optional<Codec> static_audio_codec(std::uint8_t payload_type);

/// What a format does in an audio stream.
enum class CodecRole {
    voice,
    event,          ///< telephone-event, tone: DTMF
    comfort_noise,  ///< CN
    redundancy,     ///< red, rtx and forward error correction: of no use without what they protect
};
[[nodiscard]] CodecRole role_of(const Codec& codec);

/// One entry of --keep.
struct KeepEntry {
    std::string name;
    std::optional<std::uint32_t> clock = {};     ///< nothing: that of the name, else any
    std::optional<std::uint32_t> channels = {};  ///< nothing: those of name and clock, else 1

    /// True where `codec` is what this entry means. `PCMU` means PCMU/8000/1 and nothing else, and likewise
    /// other names of telephony; any other name means one channel and any clock, so that `telephone-event`
    /// means every clock, of which the stream's voice codecs then decide.
    [[nodiscard]] bool matches(const Codec& codec) const;
    /// As it would be given: "PCMU", "opus/48000/2".
    [[nodiscard]] std::string text() const;
};

/// The codecs that the next hop takes.
struct KeepList {
    std::vector<KeepEntry> entries;

    [[nodiscard]] bool takes(const Codec& codec) const;
    /// True where an entry that matches `codec` has a clock rate of its own.
    [[nodiscard]] bool names_clock_of(const Codec& codec) const;
    [[nodiscard]] bool has_name(std::string_view name) const;
    /// "PCMU, PCMA, telephone-event".
    [[nodiscard]] std::string text() const;
};

/// PCMU, PCMA, telephone-event: what a Twilio SIP Domain is documented to take.
[[nodiscard]] const KeepList& default_keep_list();

/// Reads `name[/clock[/channels]]`, divided by commas; blanks around an entry do not count.
/// Errors: usage, naming the entry: empty, not a token, a clock or a number of channels that is none.
[[nodiscard]] Result<KeepList> parse_keep_list(std::string_view text);

}  // namespace callchain::sdp
