#include "sdp/rules.hpp"

#include <cassert>
#include <cstddef>

namespace callchain::sdp {
namespace {

// In the order of the enumeration: text_of() counts on it.
constexpr RuleText kRules[] = {
    {Rule::codec_removed, "sdp_codec_removed", "this codec is not among those to keep",
     "RFC 3264 section 5.1"},
    {Rule::codec_other_rate, "sdp_codec_other_rate",
     "the name is to be kept, but at another clock rate or number of channels", "RFC 8866 section 6.6"},
    {Rule::static_type_remapped, "sdp_static_type_remapped",
     "its rtpmap makes something else of this static number, and the rtpmap counts", "RFC 8866 section 6.6"},
    {Rule::format_without_rtpmap, "sdp_format_without_rtpmap",
     "a number that has no fixed meaning needs an rtpmap", "RFC 3551 section 3"},
    {Rule::format_not_a_number, "sdp_format_not_a_number", "a format of RTP is a number from 0 to 127",
     "RFC 8866 section 5.14"},
    {Rule::format_repeated, "sdp_format_repeated", "the number stands on the m= line twice; once is enough",
     "RFC 8866 section 6.6"},
    {Rule::format_not_offered, "sdp_format_not_offered", "the offer did not have this format",
     "RFC 3264 section 6.1"},
    {Rule::event_clock_differs, "sdp_event_clock_differs",
     "no voice codec that stays runs at this clock rate", "RFC 4733 section 2.1"},
    {Rule::event_clock_invalid, "sdp_event_clock_invalid",
     "the rtpmap has no usable clock rate or number of channels", "RFC 8866 section 6.6"},
    {Rule::comfort_noise_removed, "sdp_comfort_noise_removed",
     "comfort noise is not among the codecs to keep", "RFC 3551 section 6"},
    {Rule::redundancy_removed, "sdp_redundancy_removed", "it protects or repeats what does not stay",
     "RFC 2198 section 5"},
    {Rule::formats_removed, "sdp_formats_removed",
     "the numbers of the formats that went are taken off the line", "RFC 3264 section 5.1"},
    {Rule::rtpmap_repeated, "sdp_rtpmap_repeated", "another rtpmap of the same number counts",
     "RFC 8866 section 6.6"},
    {Rule::attribute_of_removed_format, "sdp_attribute_of_removed_format", "it describes a format that went",
     "RFC 8866 section 6.15, RFC 4585 section 4.2"},
    {Rule::attribute_without_format, "sdp_attribute_without_format",
     "it describes a number that is not on the m= line", "RFC 8866 sections 6.6 and 6.15"},
    {Rule::rid_removed, "sdp_rid_removed", "it restricts or lists streams of a format that went",
     "RFC 8851 section 4, RFC 8853"},
    {Rule::no_voice_codec, "sdp_no_voice_codec",
     "no voice codec is left, so the stream is refused: port 0, one format", "RFC 3264 section 6"},
    {Rule::media_not_audio, "sdp_media_not_audio",
     "only audio goes on; the stream is refused in its place: port 0, one format", "RFC 3264 section 6"},
    {Rule::transport_not_rtp, "sdp_transport_not_rtp",
     "audio over something else than RTP is refused: port 0", "RFC 3264 section 6"},
    {Rule::bundle_only_refused, "sdp_bundle_only_refused",
     "port 0 with a=bundle-only is an offer, not a refusal; here it becomes one", "RFC 9143 section 6"},
    {Rule::attribute_of_refused_media, "sdp_attribute_of_refused_media",
     "the stream that it describes is refused", "RFC 3264 section 6"},
    {Rule::group_mended, "sdp_group_mended", "streams that are refused leave their group",
     "RFC 9143 sections 7.2 and 7.3.3"},
    {Rule::group_dropped, "sdp_group_dropped", "fewer than two streams are left in the group",
     "RFC 9143 sections 7.2 and 7.3.3"},
    {Rule::empty_line_removed, "sdp_empty_line_removed",
     "an empty line at the end is no part of the description", "RFC 8866 section 9"},
};

}  // namespace

const RuleText& text_of(Rule rule) {
    const auto& text = kRules[static_cast<std::size_t>(rule)];
    assert(text.rule == rule);
    return text;
}

std::span<const RuleText> all_rules() { return kRules; }

}  // namespace callchain::sdp
