/// What a session description says about keys, ICE, codecs and DTMF of its audio stream.
#pragma once

#include "sdp/codec.hpp"
#include "sdp/document.hpp"
#include "sdp/format.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::sdp {

/// How the two ends agree on SRTP keys. Source: RFC 5763 (DTLS-SRTP), RFC 4568 (SDES).
enum class KeyExchange { none, sdes, dtls };

enum class Ice { none, full, lite };  ///< Source: RFC 8839 sections 5.1 and 5.3

/// One a=crypto line. Source: RFC 4568 section 9.1.
struct CryptoLine {
    std::string_view tag;
    std::string_view suite;
    std::string_view keys;  ///< all behind the suite; for comparing only, never to be shown
    bool has_mki = false;
    bool weakened = false;  ///< a session parameter leaves out encryption or authentication
    bool readable = true;   ///< false: no tag, suite and key can be told apart, e.g. where it is masked
};

/// One live audio stream over RTP. Borrows from the text.
struct AudioFacts {
    std::size_t media_index = 0;
    std::size_t line = 0;  ///< 1-based
    std::string_view port_text;
    std::string_view protocol;
    KeyExchange keys = KeyExchange::none;
    Ice ice = Ice::none;
    std::vector<CryptoLine> crypto;
    bool secure_profile = false;  ///< RTP/SAVP(F), with or without UDP/TLS
    bool has_fingerprint = false;
    std::string_view setup;    ///< of DTLS: "actpass", "active", …; empty where it is not written
    std::string_view address;  ///< of c=: "IP4 192.0.2.1"
    bool has_rtcp_mux = false;
    bool on_hold = false;        ///< c=IN IP4 0.0.0.0 without ICE: the old way of hold
    std::string_view direction;  ///< sendrecv where none is written. Source: RFC 8866 section 6.7
    std::vector<Format> formats;
};

/// The first live audio stream over RTP; a peer of this chain takes one. Nothing where there is none.
[[nodiscard]] std::optional<AudioFacts> audio_facts(const Document& document);

/// The same for the m= line with that index, if it is live audio over RTP.
[[nodiscard]] std::optional<AudioFacts> audio_facts(const Document& document, std::size_t media_index);

/// "DTLS", "SDES", "none".
[[nodiscard]] std::string_view word_of(KeyExchange keys);
/// "none", "full", "lite".
[[nodiscard]] std::string_view word_of(Ice ice);

}  // namespace callchain::sdp
