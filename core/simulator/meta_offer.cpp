#include "simulator/meta_offer.hpp"

#include "encoding/base64.hpp"
#include "encoding/text_codings.hpp"

#include <array>
#include <cstring>
#include <utility>
#include <vector>

namespace callchain::simulator {
namespace {

constexpr std::size_t kSrtpKeyBytes = 30;  // key and salt of AES_CM_128_HMAC_SHA1_80. RFC 4568 section 6.1
constexpr std::size_t kFingerprintBytes = 32;
constexpr std::array<std::pair<Offer, std::string_view>, 4> kWords{{{Offer::sdes_g711, "sdes-g711"},
                                                                    {Offer::sdes_opus, "sdes-opus"},
                                                                    {Offer::dtls_opus, "dtls-opus"},
                                                                    {Offer::plain_g711, "plain-g711"}}};

using Random = std::function<std::string(std::size_t)>;

std::uint32_t number_from(const Random& random) {
    std::uint32_t value = 0;
    const auto bytes = random(sizeof value);
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

// As a session of DTLS names the certificate: "75:85:02:…".
std::string fingerprint(const Random& random) {
    std::string text;
    for (const auto byte : random(kFingerprintBytes)) {
        if (!text.empty()) text += ':';
        text += encoding::to_upper_hex(std::string(1, byte));
    }
    return text;
}

bool has_g711(Offer offer) { return offer == Offer::sdes_g711 || offer == Offer::plain_g711; }

std::string_view protocol_of(Offer offer) {
    switch (offer) {
        case Offer::dtls_opus:
            return "UDP/TLS/RTP/SAVPF";
        case Offer::plain_g711:
            return "RTP/AVP";
        case Offer::sdes_g711:
        case Offer::sdes_opus:
            break;
    }
    return "RTP/SAVP";
}

// ICE-lite: one host candidate, and a password with the '=' that RFC 8839 does not know.
void add_ice(std::vector<std::string>& lines, const std::string& port, const Random& random) {
    const auto foundation = std::to_string(number_from(random));
    lines.push_back("a=candidate:" + foundation + " 1 udp 2122260223 127.0.0.1 " + port +
                    " typ host generation 0 network-cost 50");
    lines.push_back("a=ice-ufrag:" + encoding::to_hex(random(8)));
    lines.push_back("a=ice-pwd:" + encoding::to_base64(random(16)));
    lines.push_back("a=fingerprint:sha-256 " + fingerprint(random));
    lines.emplace_back("a=setup:actpass");
}

void add_codecs(std::vector<std::string>& lines, Offer offer) {
    lines.emplace_back("a=rtpmap:111 opus/48000/2");
    if (offer == Offer::dtls_opus) lines.emplace_back("a=rtcp-fb:111 transport-cc");
    lines.emplace_back(
        "a=fmtp:111 "
        "maxaveragebitrate=20000;maxplaybackrate=16000;minptime=20;sprop-maxcapturerate=16000;useinbandfec="
        "1");
    if (has_g711(offer)) {
        lines.emplace_back("a=rtpmap:8 PCMA/8000");
        lines.emplace_back("a=rtpmap:0 PCMU/8000");
    }
    lines.emplace_back("a=rtpmap:126 telephone-event/8000");
}

}  // namespace

std::string_view word_of(Offer offer) {
    for (const auto& [one, word] : kWords)
        if (one == offer) return word;
    return {};
}

std::optional<Offer> find_offer(std::string_view word) {
    for (const auto& [one, name] : kWords)
        if (name == word) return one;
    return std::nullopt;
}

std::string make_offer(Offer offer, std::uint16_t port, const Random& random) {
    const auto port_text = std::to_string(port);
    const auto stream = encoding::to_hex(random(16));
    const bool dtls = offer == Offer::dtls_opus;
    std::vector<std::string> lines{"v=0",
                                   "o=- " + std::to_string(number_from(random)) + " 2 IN IP4 127.0.0.1",
                                   "s=-",
                                   "t=0 0",
                                   "a=group:BUNDLE audio",
                                   "a=msid-semantic: WMS " + stream};
    if (dtls) lines.emplace_back("a=ice-lite");
    lines.push_back("m=audio " + port_text + " " + std::string(protocol_of(offer)) +
                    (has_g711(offer) ? " 111 8 0 126" : " 111 126"));
    lines.emplace_back("c=IN IP4 127.0.0.1");
    lines.emplace_back("a=rtcp:9 IN IP4 0.0.0.0");
    if (dtls) add_ice(lines, port_text, random);
    lines.emplace_back("a=mid:audio");
    lines.emplace_back("a=sendrecv");
    lines.push_back("a=msid:" + stream + " WhatsAppTrack1");
    lines.emplace_back("a=rtcp-mux");
    if (offer == Offer::sdes_g711 || offer == Offer::sdes_opus)
        lines.push_back("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" +
                        encoding::to_base64(random(kSrtpKeyBytes)));
    add_codecs(lines, offer);
    lines.emplace_back("a=maxptime:20");
    lines.emplace_back("a=ptime:20");
    lines.push_back("a=ssrc:" + std::to_string(number_from(random)) + " cname:WhatsAppAudioStream1");
    std::string text;
    for (const auto& line : lines) text += line + "\r\n";
    return text;
}

}  // namespace callchain::simulator
