/// Why the filter removes or changes a line: each rule with its finding code and the RFC that it follows.
#pragma once

#include <span>
#include <string_view>

namespace callchain::sdp {

enum class Rule {
    codec_removed,
    codec_other_rate,
    static_type_remapped,
    format_without_rtpmap,
    format_not_a_number,
    format_repeated,
    format_not_offered,
    event_clock_differs,
    event_clock_invalid,
    comfort_noise_removed,
    redundancy_removed,
    formats_removed,
    rtpmap_repeated,
    attribute_of_removed_format,
    attribute_without_format,
    rid_removed,
    no_voice_codec,
    media_not_audio,
    transport_not_rtp,
    bundle_only_refused,
    attribute_of_refused_media,
    group_mended,
    group_dropped,
    empty_line_removed,
};

/// One row. The page of a code is in the catalogue of findings.
struct RuleText {
    Rule rule;
    std::string_view code;      ///< "sdp_codec_removed"
    std::string_view sentence;  ///< why, for one line of a report; no full stop
    std::string_view source;    ///< "RFC 8866 section 6.6"
};

[[nodiscard]] const RuleText& text_of(Rule rule);
/// Every rule, in the order of the enumeration.
[[nodiscard]] std::span<const RuleText> all_rules();

}  // namespace callchain::sdp
