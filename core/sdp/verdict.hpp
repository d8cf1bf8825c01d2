/// Will this offer work between Meta and a Twilio SIP Domain without a media engine in between?
#pragma once

#include "base/result.hpp"
#include "sdp/facts.hpp"
#include "sdp/filter.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::sdp {

enum class Direction { meta_to_twilio, twilio_to_meta };

/// The switch of the Twilio SIP Domain: off takes RTP/AVP only, on takes RTP/SAVP with SDES over TLS only.
enum class SecureMedia { off, on };

/// Something that decides the verdict, or that is worth knowing beside it.
struct Issue {
    enum class Weight {
        stops,      ///< the call cannot work
        condition,  ///< it works on a condition that cannot be seen here
        warns,      ///< it works, and something beside it does not
    };
    Weight weight = Weight::stops;
    std::string_view code;  ///< a finding code: "sdp_dtls_offer"
    std::string detail;     ///< about this offer
    std::string remedy;     ///< which setting to change, and where
};

/// A row of the table of what can work by signalling alone.
struct Verdict {
    enum class Answer {
        works,
        works_if,  ///< a condition that cannot be seen here; the issues name it
        fails,
    };
    Answer answer = Answer::fails;
    std::string_view row;                  ///< stable name, e.g. "sdes_g711_secure_media_on"
    std::string summary;                   ///< one sentence
    std::vector<Issue> issues;             ///< those that stop first
    std::optional<AudioFacts> offer = {};  ///< of the offer as it came; nothing where it has no live audio
    std::vector<std::string> left;         ///< codecs that the filter leaves, e.g. "PCMU/8000"

    /// What the gateway answers where it fails: a warn-code and a text that fits a quoted-string.
    /// Source: RFC 3261 sections 20.43 and 21.4.26.
    int warning_code = 0;  ///< 302, 304, 305 or 399; 0 where nothing is refused
    std::string warning_text = {};
};

struct Setting {
    Direction direction = Direction::meta_to_twilio;
    SecureMedia secure_media = SecureMedia::on;
};

/// Judges an offer as it came, and what the filter leaves of it by `keep`.
/// Errors: as parse_document(). Borrows from `offer`.
/// Source: Twilio, "Secure Media"; Meta, "SIP Configuration Guide" (2025-12-15) and "Call settings"
/// (additional_codecs, 2026-03-23). Proved with live calls by neither; the design of both says so.
[[nodiscard]] Result<Verdict> judge_offer(std::string_view offer, const KeepList& keep,
                                          const Setting& setting);
/// Of what was parsed already, and what filter_offer() made of it by `keep`.
[[nodiscard]] Verdict judge_offer(const Document& offer, const Filtered& filtered, const KeepList& keep,
                                  const Setting& setting);

/// "meta-to-twilio", "twilio-to-meta".
[[nodiscard]] std::string_view word_of(Direction direction);

}  // namespace callchain::sdp
