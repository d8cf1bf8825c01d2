#include "simulator/twilio_sdp.hpp"

#include "base/text.hpp"
#include "encoding/base64.hpp"
#include "sdp/facts.hpp"

#include <algorithm>
#include <array>

namespace callchain::simulator {
namespace {

using SecureMedia = TwilioSettings::SecureMedia;

// Source: Twilio, "Secure Media".
constexpr std::array<std::string_view, 2> kSuites{"AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"};
constexpr const char* kPtime = "a=ptime:20\r\na=maxptime:150\r\na=sendrecv\r\n";

bool is_g711(const sdp::Format& format) {
    return format.codec &&
           (format.codec->same_as({"PCMU", 8'000, 1}) || format.codec->same_as({"PCMA", 8'000, 1}));
}
bool is_event(const sdp::Format& format) {
    return format.codec && format.codec->same_as({"telephone-event", 8'000, 1});
}

const sdp::CryptoLine* usable_crypto(const sdp::AudioFacts& audio) {
    const auto found = std::find_if(audio.crypto.begin(), audio.crypto.end(), [](const auto& line) {
        return line.readable && !line.has_mki && !line.weakened &&
               std::find(kSuites.begin(), kSuites.end(), line.suite) != kSuites.end();
    });
    return found == audio.crypto.end() ? nullptr : &*found;
}

std::optional<MediaRefusal> check_security(const sdp::AudioFacts& audio, SecureMedia secure_media) {
    if (audio.keys == sdp::KeyExchange::dtls)
        return MediaRefusal{secure_media == SecureMedia::on ? 32208 : 32207,
                            "The offer wants DTLS, which Twilio's SIP Domains do not speak."};
    const bool secured = audio.secure_profile || !audio.crypto.empty();
    if (secure_media == SecureMedia::off) {
        if (!secured) return std::nullopt;
        return MediaRefusal{32207, "The offer is SRTP, and Secure Media of the SIP Domain is off."};
    }
    if (!audio.secure_profile)
        return MediaRefusal{32208, "The offer is plain RTP, and Secure Media of the SIP Domain is on."};
    if (usable_crypto(audio) == nullptr)
        return MediaRefusal{32208,
                            "The offer has no a=crypto line that Twilio takes: AES_CM_128_HMAC_SHA1_80 or "
                            "_32 without MKI."};
    return std::nullopt;
}

std::string head(const MediaPlace& place) {
    const std::string family = place.address.find(':') == std::string::npos ? "IP4 " : "IP6 ";
    return "v=0\r\no=root 1764324000 1764324000 IN " + family + place.address +
           "\r\ns=Twilio Media Gateway\r\nc=IN " + family + place.address + "\r\nt=0 0\r\n";
}

std::string crypto_line(std::string_view tag, std::string_view suite, const MediaPlace& place) {
    return "a=crypto:" + std::string(tag) + " " + std::string(suite) +
           " inline:" + encoding::to_base64(place.key) + "\r\n";
}

std::string answered_stream(const sdp::AudioFacts& audio, const MediaPlace& place) {
    const auto voice = std::find_if(audio.formats.begin(), audio.formats.end(), is_g711);
    const auto event = std::find_if(audio.formats.begin(), audio.formats.end(), is_event);
    std::string formats;
    std::string maps;
    for (const auto found : {voice, event}) {
        if (found == audio.formats.end()) continue;
        formats += " " + std::string(found->text);
        maps += "a=rtpmap:" + std::string(found->text) + " " + found->codec->text() + "\r\n";
    }
    if (event != audio.formats.end()) maps += "a=fmtp:" + std::string(event->text) + " 0-16\r\n";
    const auto* crypto = usable_crypto(audio);
    return "m=audio " + std::to_string(place.port) + " " + std::string(audio.protocol) + formats + "\r\n" +
           maps + (crypto == nullptr ? "" : crypto_line(crypto->tag, crypto->suite, place)) + kPtime;
}

}  // namespace

std::optional<MediaRefusal> check_media(std::string_view offer, sip::Transport transport,
                                        SecureMedia secure_media) {
    if (secure_media == SecureMedia::on && transport != sip::Transport::tls)
        return MediaRefusal{32209, "The INVITE came by " + std::string(sip::name_of(transport)) +
                                       ", and Secure Media of the SIP Domain is on."};
    if (trim(offer).empty()) return MediaRefusal{32103, "The INVITE has no offer."};
    const auto document = sdp::parse_document(offer);
    if (!document) return MediaRefusal{32102, "The offer cannot be read: " + document.error().message + "."};
    const auto audio = sdp::audio_facts(*document);
    if (!audio) return MediaRefusal{32102, "The offer has no audio stream."};
    if (auto refusal = check_security(*audio, secure_media)) return refusal;
    if (std::none_of(audio->formats.begin(), audio->formats.end(), is_g711))
        return MediaRefusal{0, "The offer has neither PCMU nor PCMA."};
    return std::nullopt;
}

std::optional<std::string> write_answer(std::string_view offer, const MediaPlace& place) {
    const auto document = sdp::parse_document(offer);
    if (!document) return std::nullopt;
    const auto audio = sdp::audio_facts(*document);
    if (!audio || std::none_of(audio->formats.begin(), audio->formats.end(), is_g711)) return std::nullopt;
    std::string answer = head(place);
    for (std::size_t i = 0; i < document->media.size(); ++i) {
        const auto& media = document->media[i];
        answer += i == audio->media_index
                      ? answered_stream(*audio, place)
                      : "m=" + std::string(media.type) + " 0 " + std::string(media.protocol) + " " +
                            std::string(media.formats.front()) + "\r\n";
    }
    return answer;
}

std::string write_offer(const MediaPlace& place, MediaSecurity security) {
    const bool secure = security == MediaSecurity::srtp;
    return head(place) + "m=audio " + std::to_string(place.port) + (secure ? " RTP/SAVP" : " RTP/AVP") +
           " 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
           "a=fmtp:101 0-16\r\n" +
           (secure ? crypto_line("1", kSuites[0], place) : "") + kPtime;
}

}  // namespace callchain::simulator
