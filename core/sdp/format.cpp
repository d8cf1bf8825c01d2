#include "sdp/format.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <utility>

namespace callchain::sdp {

bool Format::means(const Codec& wanted) const {
    return (codec && codec->same_as(wanted)) ||
           std::any_of(more_codecs.begin(), more_codecs.end(),
                       [&](const Codec& each) { return each.same_as(wanted); });
}

bool is_rtpmap(const Line& line) {
    // Nearly every a= line is decided by its first letter, and no copy is made.
    if (line.type != 'a') return false;
    if (line.value.starts_with("rtpmap:")) return true;
    const auto start = trim_left(line.value).substr(0, 6);
    return equal_ignoring_case(start, "rtpmap") && equal_ignoring_case(attribute_of(line).name, "rtpmap");
}

std::vector<RtpMapLine> rtpmap_lines(const Document& document, const Media& media) {
    std::vector<RtpMapLine> maps;
    maps.reserve(media.formats.size());
    for (auto i = media.first + 1; i < media.end; ++i) {
        const auto& line = document.lines[i];
        if (!is_rtpmap(line)) continue;
        if (const auto map = parse_rtpmap(attribute_of(line).value)) maps.push_back({i, *map});
    }
    return maps;
}

std::vector<Format> read_formats(const Document& document, const Media& media) {
    const auto maps = rtpmap_lines(document, media);
    std::vector<Format> formats;
    formats.reserve(media.formats.size());
    for (const auto text : media.formats) {
        Format format{text, parse_payload_type(text)};
        for (const auto& each : maps) {
            if (!format.payload_type || each.map.payload_type != *format.payload_type) continue;
            if (format.codec) {
                format.more_codecs.push_back(each.map.codec);
            } else {
                format.codec = each.map.codec;
            }
        }
        if (format.payload_type && !format.codec) format.codec = static_audio_codec(*format.payload_type);
        formats.push_back(std::move(format));
    }
    return formats;
}

}  // namespace callchain::sdp
