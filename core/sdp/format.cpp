#include "sdp/format.hpp"

#include <algorithm>

namespace callchain::sdp {

std::vector<RtpMapLine> rtpmap_lines(const Document& document, const Media& media) {
    std::vector<RtpMapLine> maps;
    maps.reserve(media.formats.size());
    for (auto i = media.first + 1; i < media.end; ++i) {
        const auto& line = document.lines[i];
        if (line.type != 'a' || !line.value.starts_with("rtpmap:")) continue;
        if (const auto map = parse_rtpmap(line.value.substr(std::string_view("rtpmap:").size())))
            maps.push_back({i, *map});
    }
    return maps;
}

std::vector<Format> read_formats(const Document& document, const Media& media) {
    const auto maps = rtpmap_lines(document, media);
    std::vector<Format> formats;
    formats.reserve(media.formats.size());
    for (const auto text : media.formats) {
        Format format{text, parse_payload_type(text)};
        if (format.payload_type) {
            const auto mapped = std::find_if(maps.begin(), maps.end(), [&](const RtpMapLine& each) {
                return each.map.payload_type == *format.payload_type;
            });
            format.codec = mapped != maps.end() ? std::optional<Codec>(mapped->map.codec)
                                                : static_audio_codec(*format.payload_type);
        }
        formats.push_back(format);
    }
    return formats;
}

}  // namespace callchain::sdp
