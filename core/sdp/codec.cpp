#include "sdp/codec.hpp"

#include "base/text.hpp"
#include "sdp/shown_line.hpp"

#include <algorithm>
#include <array>

namespace callchain::sdp {
namespace {

struct StaticType {
    std::uint8_t payload_type = 0;
    Codec codec;
};
constexpr std::array<StaticType, 17> kStaticTypes{{{0, {"PCMU", 8000, 1}},
                                                   {3, {"GSM", 8000, 1}},
                                                   {4, {"G723", 8000, 1}},
                                                   {5, {"DVI4", 8000, 1}},
                                                   {6, {"DVI4", 16000, 1}},
                                                   {7, {"LPC", 8000, 1}},
                                                   {8, {"PCMA", 8000, 1}},
                                                   {9, {"G722", 8000, 1}},
                                                   {10, {"L16", 44100, 2}},
                                                   {11, {"L16", 44100, 1}},
                                                   {12, {"QCELP", 8000, 1}},
                                                   {13, {"CN", 8000, 1}},
                                                   {14, {"MPA", 90000, 1}},
                                                   {15, {"G728", 8000, 1}},
                                                   {16, {"DVI4", 11025, 1}},
                                                   {17, {"DVI4", 22050, 1}},
                                                   {18, {"G729", 8000, 1}}}};

/// Encoding names that mean one clock and one number of channels wherever telephony uses them.
/// Source: RFC 3551 section 4.5, RFC 7587 section 7 (opus), RFC 4867 section 8 (AMR), RFC 3952 section 4
/// (iLBC).
constexpr std::array<Codec, 10> kRegistered{{{"PCMU", 8000, 1},
                                             {"PCMA", 8000, 1},
                                             {"opus", 48000, 2},
                                             {"G722", 8000, 1},
                                             {"G729", 8000, 1},
                                             {"G723", 8000, 1},
                                             {"GSM", 8000, 1},
                                             {"iLBC", 8000, 1},
                                             {"AMR", 8000, 1},
                                             {"AMR-WB", 16000, 1}}};

const Codec* find_registered(std::string_view name) {
    const auto* found = std::find_if(kRegistered.begin(), kRegistered.end(), [&](const Codec& codec) {
        return equal_ignoring_case(codec.name, name);
    });
    return found == kRegistered.end() ? nullptr : found;
}

std::uint32_t number_or_zero(std::string_view text) {
    const auto number = parse_decimal(text);
    return number && *number <= 10'000'000 ? static_cast<std::uint32_t>(*number) : 0;
}

/// Source: RFC 8866 section 9, token-char.
bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return c > ' ' && c < '\x7f' &&
               std::string_view("\"(),/:;<=>?@[\\]").find(c) == std::string_view::npos;
    });
}

Result<KeepEntry> parse_entry(std::string_view text) {
    constexpr const char* kHint =
        "write names of codecs divided by commas, e.g. PCMU,PCMA,telephone-event or opus/48000/2";
    const auto parts = split(text, '/');
    const auto bad = [&](const std::string& what) {
        return fail(ErrorCode::usage, "\"" + visible_excerpt(text, 40) + "\" " + what, kHint);
    };
    if (!is_token(parts[0])) return bad(parts[0].empty() ? "names no codec" : "is not the name of a codec");
    if (parse_decimal(parts[0])) {
        return fail(ErrorCode::usage,
                    "\"" + visible_excerpt(text, 40) + "\" is a payload type number, not a name",
                    "a number means nothing without its rtpmap; 0 is usually PCMU, 8 PCMA");
    }
    if (parts.size() > 3) return bad("has more than name/clock/channels");
    KeepEntry entry{std::string(parts[0])};
    if (parts.size() > 1) {
        entry.clock = number_or_zero(parts[1]);
        if (*entry.clock == 0) return bad("has no clock rate behind the first '/'");
    }
    if (parts.size() > 2) {
        entry.channels = number_or_zero(parts[2]);
        if (*entry.channels == 0 || *entry.channels > 255)
            return bad("has no number of channels behind the second '/'");
    }
    return entry;
}

}  // namespace

std::string Codec::text() const {
    std::string text = shown_line(name, 60);
    if (clock != 0) text += "/" + std::to_string(clock);
    if (channels != 1) text += "/" + std::to_string(channels);
    return text;
}

bool Codec::same_as(const Codec& other) const {
    return clock == other.clock && channels == other.channels && equal_ignoring_case(name, other.name);
}

std::optional<std::uint8_t> parse_payload_type(std::string_view text) {
    if (text.empty() || text.size() > 3 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
    unsigned value = 0;
    for (const char c : text) {
        if (!is_ascii_digit(c)) return std::nullopt;
        value = value * 10 + static_cast<unsigned>(c - '0');
    }
    return value <= 127 ? std::optional<std::uint8_t>(static_cast<std::uint8_t>(value)) : std::nullopt;
}

std::optional<RtpMap> parse_rtpmap(std::string_view value) {
    value = trim(value);
    const auto blank = std::min(value.find_first_of(" \t"), value.size());
    const auto payload_type = parse_payload_type(value.substr(0, blank));
    if (!payload_type) return std::nullopt;
    const auto encoding = trim(value.substr(blank));
    const auto first = encoding.find('/');
    RtpMap map{*payload_type, {encoding.substr(0, first), 0, 1}};
    if (first == std::string_view::npos) return map;
    const auto rest = encoding.substr(first + 1);
    const auto second = rest.find('/');
    map.codec.clock = number_or_zero(rest.substr(0, second));
    // What is no number of channels is kept apart from every real one.
    if (second != std::string_view::npos) map.codec.channels = number_or_zero(rest.substr(second + 1));
    return map;
}

std::optional<Codec> static_audio_codec(std::uint8_t payload_type) {
    for (const auto& each : kStaticTypes) {
        if (each.payload_type == payload_type) return each.codec;
    }
    return std::nullopt;
}

CodecRole role_of(const Codec& codec) {
    if (equal_ignoring_case(codec.name, "telephone-event") || equal_ignoring_case(codec.name, "tone"))
        return CodecRole::event;
    if (equal_ignoring_case(codec.name, "CN")) return CodecRole::comfort_noise;
    for (const std::string_view name : {"red", "rtx", "ulpfec", "flexfec", "flexfec-03", "parityfec",
                                        "1d-interleaved-parityfec", "raptorfec"}) {
        if (equal_ignoring_case(codec.name, name)) return CodecRole::redundancy;
    }
    return CodecRole::voice;
}

bool KeepEntry::matches(const Codec& codec) const {
    if (!equal_ignoring_case(name, codec.name) || codec.clock == 0) return false;
    const auto* registered = find_registered(name);
    const auto usual_clock = registered == nullptr ? codec.clock : registered->clock;
    if (codec.clock != clock.value_or(usual_clock)) return false;
    const bool usual = registered != nullptr && codec.clock == registered->clock;
    // What repeats or protects others has the channels of those.
    if (!channels && role_of(codec) == CodecRole::redundancy) return codec.channels != 0;
    return codec.channels == channels.value_or(usual ? registered->channels : 1);
}

bool KeepList::takes(const Codec& codec) const {
    return std::any_of(entries.begin(), entries.end(),
                       [&](const KeepEntry& entry) { return entry.matches(codec); });
}

bool KeepList::names_clock_of(const Codec& codec) const {
    return std::any_of(entries.begin(), entries.end(),
                       [&](const KeepEntry& entry) { return entry.clock && entry.matches(codec); });
}

bool KeepList::has_name(std::string_view name) const {
    return std::any_of(entries.begin(), entries.end(),
                       [&](const KeepEntry& entry) { return equal_ignoring_case(entry.name, name); });
}

std::string KeepEntry::text() const {
    return name + (clock ? "/" + std::to_string(*clock) : "") +
           (channels ? "/" + std::to_string(*channels) : "");
}

std::string KeepList::text() const {
    std::vector<std::string> texts;
    for (const auto& entry : entries) texts.push_back(entry.text());
    return join(texts, ", ");
}

const KeepList& default_keep_list() {
    static const KeepList list{{{"PCMU"}, {"PCMA"}, {"telephone-event"}}};
    return list;
}

Result<KeepList> parse_keep_list(std::string_view text) {
    KeepList list;
    for (const auto part : split(text, ',')) list.entries.push_back(CALLCHAIN_TRY(parse_entry(trim(part))));
    return list;
}

}  // namespace callchain::sdp
