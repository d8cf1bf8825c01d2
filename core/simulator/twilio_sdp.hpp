/// Twilio's media as its SDP tells of it: what a SIP Domain takes, answers, and offers. Pure; no sound comes
/// out of it.
#pragma once

#include "simulator/twilio.hpp"
#include "sip/resolve.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace callchain::simulator {

/// Why an INVITE to the SIP Domain is refused.
struct MediaRefusal {
    int code = 0;  ///< Twilio's error; 0: it has none for this
    std::string why;
    bool operator==(const MediaRefusal&) const = default;
};

/// What a SIP Domain says to an offer; nullopt: it takes it. Secure Media on takes RTP/SAVP with SDES by TLS
/// and nothing else (32209 for another transport, 32208 for plain RTP); off takes RTP/AVP (32207). 32103 no
/// offer, 32102 one that cannot be read. G.711 is needed; DTLS is not spoken. Source: Twilio, "Secure Media",
/// "Receiving SIP"; error and warning dictionary.
[[nodiscard]] std::optional<MediaRefusal> check_media(std::string_view offer, sip::Transport transport,
                                                      TwilioSettings::SecureMedia secure_media);

/// Where its media would be, and the key that it would send with.
struct MediaPlace {
    std::string address = "127.0.0.1";
    std::uint16_t port = 10'000;
    std::string key = {};  ///< 30 bytes
};
/// The answer to an offer that check_media() has let pass: the first G.711 codec of it, and telephone-event
/// where that was offered; every other stream refused. nullopt where there is none.
[[nodiscard]] std::optional<std::string> write_answer(std::string_view offer, const MediaPlace& place);

enum class MediaSecurity { none, srtp };
/// What goes to a <Sip>: PCMU, PCMA and telephone-event, always by Twilio itself, whatever the caller has
/// offered. Source: Twilio, "SIP interface" (codecs), "Secure Media" (one suite, no MKI).
[[nodiscard]] std::string write_offer(const MediaPlace& place, MediaSecurity security);

}  // namespace callchain::simulator
