#include "sdp/verdict.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <utility>

namespace callchain::sdp {
namespace {

using Weight = Issue::Weight;

constexpr std::string_view kSetSdes =
    "In Meta's settings of the phone number (POST /PHONE_NUMBER_ID/settings) set "
    "calling.srtp_key_exchange_protocol to "
    "SDES, as the last settings call, and read it back with GET: the member is absent where it is not set.";
constexpr std::string_view kAddCodecs =
    "In Meta's settings of the phone number set calling.audio.additional_codecs to [\"PCMU\",\"PCMA\"].";
constexpr std::string_view kSecureMediaOn =
    "In the Twilio Console switch on Secure Media of the SIP Domain. It then takes TLS with SRTP, and "
    "nothing else.";

/// What stays of the stream, in the three kinds that matter here.
struct Left {
    bool g711 = false;
    bool opus = false;
    bool other = false;
    bool events = false;

    [[nodiscard]] bool voice() const { return g711 || opus || other; }
};

void count(const Codec& codec, Left& left) {
    if (role_of(codec) == CodecRole::event) left.events = true;
    if (role_of(codec) != CodecRole::voice) return;
    const bool g711 = equal_ignoring_case(codec.name, "PCMU") || equal_ignoring_case(codec.name, "PCMA");
    const bool opus = equal_ignoring_case(codec.name, "opus");
    (g711 ? left.g711 : opus ? left.opus : left.other) = true;
}

bool offers(const AudioFacts& offer, std::string_view name) {
    return std::any_of(offer.formats.begin(), offer.formats.end(), [&](const Format& format) {
        return format.codec && equal_ignoring_case(format.codec->name, name);
    });
}

std::string codecs_of(const AudioFacts& offer) {
    std::vector<std::string> texts;
    for (const auto& format : offer.formats) {
        texts.push_back(format.codec ? format.codec->text()
                                     : "an unknown format " + visible_excerpt(format.text, 10));
    }
    return join(texts, ", ");
}

/// Judges one offer; each member function looks at one side of it.
class Judge {
  public:
    Judge(const AudioFacts& offer, const Left& left, const KeepList& keep, const Setting& setting)
        : offer_(offer), left_(left), keep_(keep), setting_(setting) {}

    [[nodiscard]] Verdict judge() {
        judge_keys();
        judge_codecs();
        if (offer_.keys == KeyExchange::sdes) judge_crypto();
        judge_remarks();
        std::stable_sort(verdict_.issues.begin(), verdict_.issues.end(),
                         [](const Issue& a, const Issue& b) { return a.weight < b.weight; });
        conclude();
        return std::move(verdict_);
    }

  private:
    [[nodiscard]] bool to_twilio() const { return setting_.direction == Direction::meta_to_twilio; }

    void add(Weight weight, std::string_view code, std::string detail, std::string_view remedy) {
        verdict_.issues.push_back({weight, code, std::move(detail), std::string(remedy)});
    }

    /// The table of Twilio's Secure Media and of Meta's two modes.
    void judge_keys() {
        const std::string profile(visible_excerpt(offer_.protocol, 40));
        const bool secure_on = setting_.secure_media == SecureMedia::on;
        if (offer_.keys == KeyExchange::dtls) {
            add(Weight::stops, "sdp_dtls_offer",
                "The offer wants SRTP with keys by DTLS (" + profile + ")" +
                    (offer_.ice == Ice::none ? "" : " and ICE") +
                    ", and no gateway of signalling alone can turn that into something else.",
                to_twilio() ? kSetSdes
                            : "Let the sender offer RTP/SAVP with SDES: <Sip>sip:…;secure=true</Sip> in "
                              "Twilio's TwiML.");
        } else if (!to_twilio()) {
            if (offer_.keys == KeyExchange::none)
                add(Weight::stops, "sdp_plain_rtp",
                    "The offer is plain RTP (" + profile + "), and Meta takes SRTP only.",
                    "Write ;secure=true behind the SIP URI in the TwiML that dials, "
                    "<Sip>sip:…;secure=true</Sip>, so that Twilio offers RTP/SAVP with SDES.");
        } else if (offer_.keys == KeyExchange::sdes && !secure_on) {
            add(Weight::stops, "sdp_secure_media_off",
                "The offer is SRTP (" + profile +
                    "), which a Twilio SIP Domain with Secure Media off refuses with error 32207.",
                kSecureMediaOn);
        } else if (offer_.keys == KeyExchange::none && secure_on) {
            add(Weight::stops, "sdp_plain_rtp",
                "The offer is plain RTP (" + profile +
                    "), which a Twilio SIP Domain with Secure Media on refuses with error 32208.",
                "Let the sender offer RTP/SAVP with SDES. For a test in a laboratory, switch off Secure "
                "Media of the SIP Domain.");
        } else if (offer_.keys == KeyExchange::none && !offer_.crypto.empty()) {
            add(Weight::stops, "sdp_crypto_in_plain_profile",
                "a=crypto stands under " + profile +
                    ", which is not encrypted; Twilio refuses it with error 32207.",
                "Let the sender offer RTP/SAVP, or leave a=crypto away.");
        }
    }

    void judge_codecs() {
        if (!left_.voice()) {
            const bool can_opus = offers(offer_, "opus") && !keep_.has_name("opus");
            add(Weight::stops, "sdp_no_common_codec",
                "The offer has " + codecs_of(offer_) + "; to be kept are " + keep_.text() + ".",
                to_twilio() ? std::string(kAddCodecs) + (can_opus ? " Or, if Twilio enabled Opus for your "
                                                                    "account, add opus to the codecs to keep."
                                                                  : "")
                            : std::string("Let Twilio offer a codec that is kept, or add one of those "
                                          "offered to the codecs to keep."));
        } else if (to_twilio() && !left_.g711) {
            add(Weight::warns, "sdp_codec_unproved_at_twilio",
                "What is left has no G.711. Twilio documents PCMU and PCMA for SIP Domains; Opus was seen "
                "where Twilio enabled it for an account.",
                std::string("Ask Twilio whether your account takes it. Else: ") + std::string(kAddCodecs));
        } else if (!to_twilio() && !left_.opus) {
            add(Weight::warns, "sdp_additional_codecs_needed",
                "What is left has no Opus, and Meta takes G.711 only where the phone number's settings say "
                "so.",
                kAddCodecs);
        }
    }

    void judge_crypto() {
        constexpr std::string_view k80 = "AES_CM_128_HMAC_SHA1_80";
        constexpr std::string_view k32 = "AES_CM_128_HMAC_SHA1_32";
        const auto& lines = offer_.crypto;
        if (lines.empty()) {
            add(Weight::stops, "sdp_crypto_missing", "The profile is SRTP, and no a=crypto line has a key.",
                "Look at the sender: RTP/SAVP needs one a=crypto line per suite (RFC 4568).");
            return;
        }
        if (std::none_of(lines.begin(), lines.end(), [](const CryptoLine& line) { return line.readable; })) {
            add(Weight::warns, "sdp_crypto_unreadable",
                "No a=crypto line has a tag, a suite and a key; samples in documentation are masked like "
                "that.",
                "Judge the body of a real call.");
            return;
        }
        const auto is_known = [&](const CryptoLine& line) {
            return line.readable && (line.suite == k80 || (to_twilio() && line.suite == k32));
        };
        if (std::none_of(lines.begin(), lines.end(), is_known)) {
            add(Weight::stops, "sdp_crypto_suite",
                std::string("None of the suites offered is one that ") + (to_twilio() ? "Twilio" : "Meta") +
                    " takes.",
                to_twilio() ? "Let the sender offer AES_CM_128_HMAC_SHA1_80 or AES_CM_128_HMAC_SHA1_32."
                            : "Let the sender offer AES_CM_128_HMAC_SHA1_80, the one suite that Meta uses.");
        } else if (std::none_of(lines.begin(), lines.end(),
                                [&](const CryptoLine& line) { return is_known(line) && !line.has_mki; })) {
            add(Weight::stops, "sdp_crypto_mki",
                "Every key offered in a usable suite has a master key identifier (MKI), which Twilio does "
                "not take.",
                "Let the sender offer a key without an MKI.");
        }
    }

    void judge_remarks() {
        if (left_.voice() && !left_.events) {
            const bool offered = offers(offer_, "telephone-event");
            add(Weight::warns, "sdp_no_dtmf",
                offered ? "telephone-event is offered, but not at the clock rate of a codec that stays, so "
                          "keys pressed will not arrive."
                        : "No telephone-event is offered, so keys pressed will not arrive.",
                offered ? "Let the sender offer telephone-event at the clock rate of the voice codec. Meta "
                          "sends 8000 beside Opus: to let that pass, name the clock, telephone-event/8000."
                        : "Nothing to do if the call needs no keys.");
        }
        if (offer_.on_hold || offer_.direction != "sendrecv") {
            add(Weight::warns, "sdp_on_hold",
                offer_.on_hold ? "The address is 0.0.0.0: the stream is on hold."
                               : "The stream is " + std::string(offer_.direction) + ".",
                "If this is the first offer of a call, look at the sender; sound will go one way or not at "
                "all.");
        }
    }

    void conclude() {
        const bool stops = !verdict_.issues.empty() && verdict_.issues.front().weight == Weight::stops;
        const bool condition =
            std::any_of(verdict_.issues.begin(), verdict_.issues.end(), [](const Issue& issue) {
                return issue.code == "sdp_codec_unproved_at_twilio" ||
                       issue.code == "sdp_additional_codecs_needed" || issue.code == "sdp_crypto_unreadable";
            });
        verdict_.answer = stops       ? Verdict::Answer::fails
                          : condition ? Verdict::Answer::works_if
                                      : Verdict::Answer::works;
        verdict_.row = row();
        verdict_.summary = summary();
        if (stops) write_warning();
    }

    [[nodiscard]] std::string_view row() const {
        if (offer_.keys == KeyExchange::dtls)
            return offers(offer_, "PCMU") || offers(offer_, "PCMA") ? "dtls_g711" : "dtls_without_g711";
        if (!to_twilio()) {
            if (offer_.keys == KeyExchange::none) return "twilio_plain_rtp";
            return !left_.voice() ? "twilio_sdes_no_codec_left"
                   : left_.opus   ? "twilio_sdes_opus"
                                  : "twilio_sdes_g711";
        }
        const bool secure_on = setting_.secure_media == SecureMedia::on;
        if (offer_.keys == KeyExchange::sdes) {
            if (!secure_on) return "sdes_secure_media_off";
            return left_.g711      ? "sdes_g711_secure_media_on"
                   : left_.voice() ? "sdes_opus_secure_media_on"
                                   : "sdes_no_codec_left";
        }
        if (secure_on) return "plain_rtp_secure_media_on";
        return left_.voice() ? "plain_rtp_secure_media_off" : "plain_rtp_no_codec_left";
    }

    [[nodiscard]] std::string summary() const {
        switch (verdict_.answer) {
            case Verdict::Answer::works:
                return "both ends take what this offer has, and the media goes straight between them";
            case Verdict::Answer::works_if:
                return "it works by signalling alone on a condition that cannot be seen in the offer";
            case Verdict::Answer::fails:
                break;
        }
        const bool needs_engine = offer_.keys == KeyExchange::dtls;
        return needs_engine
                   ? "it would need a media engine that ends DTLS and ICE; the settings below do without one"
                   : "a call would have no sound, so it is refused before anybody is dialled";
    }

    /// One line for a Warning header: no quotes, no backslash, ASCII.
    void write_warning() {
        std::vector<std::string> parts;
        for (const auto& issue : verdict_.issues) {
            if (issue.weight == Weight::stops) parts.emplace_back(short_remedy(issue.code));
        }
        verdict_.warning_text = join(parts, "; ");
        verdict_.warning_code = verdict_.issues.front().code == "sdp_no_common_codec" ? 305 : 302;
    }

    [[nodiscard]] std::string_view short_remedy(std::string_view code) const {
        if (code == "sdp_dtls_offer")
            return to_twilio() ? "DTLS offer: set Meta srtp_key_exchange_protocol to SDES"
                               : "DTLS offer: RTP/SAVP with SDES is needed";
        if (code == "sdp_no_common_codec")
            return to_twilio() ? "no codec left: set Meta additional_codecs to PCMU and PCMA"
                               : "no codec left";
        if (code == "sdp_secure_media_off")
            return "SRTP offer: switch on Secure Media of the Twilio SIP Domain";
        if (code == "sdp_plain_rtp")
            return to_twilio() ? "plain RTP offer, but Secure Media of the Twilio SIP Domain is on"
                               : "plain RTP offer: add secure=true to the SIP URI in TwiML";
        if (code == "sdp_crypto_missing") return "RTP/SAVP without a=crypto";
        if (code == "sdp_crypto_suite") return "no SRTP suite in common: AES_CM_128_HMAC_SHA1_80 is needed";
        if (code == "sdp_crypto_mki") return "SRTP keys with MKI only";
        return "a=crypto under a profile without SRTP";
    }

    const AudioFacts& offer_;
    const Left& left_;
    const KeepList& keep_;
    const Setting& setting_;
    Verdict verdict_;
};

Verdict no_audio() {
    Verdict verdict;
    verdict.row = "no_audio";
    verdict.summary = "the offer has no live audio stream over RTP";
    verdict.issues.push_back({Weight::stops, "sdp_no_audio",
                              "Every stream is at port 0, is not audio, or does not go over RTP.",
                              "Look at the sender: a call begins with one m=audio line and a port."});
    verdict.warning_code = 304;
    verdict.warning_text = "no audio stream over RTP is offered";
    return verdict;
}

}  // namespace

Result<Verdict> judge_offer(std::string_view offer, const KeepList& keep, const Setting& setting) {
    const auto document = CALLCHAIN_TRY(parse_document(offer));
    const auto facts = audio_facts(document);
    if (!facts) return no_audio();
    const auto filtered = CALLCHAIN_TRY(filter_offer(offer, keep));
    Left left;
    std::vector<std::string> texts;
    for (const auto& outcome : filtered.media[facts->media_index].formats) {
        if (outcome.removed_by || !outcome.format.codec) continue;
        count(*outcome.format.codec, left);
        texts.push_back(outcome.format.codec->text());
    }
    auto verdict = Judge(*facts, left, keep, setting).judge();
    verdict.offer = facts;
    verdict.left = std::move(texts);
    return verdict;
}

std::string_view word_of(Direction direction) {
    return direction == Direction::meta_to_twilio ? "meta-to-twilio" : "twilio-to-meta";
}

}  // namespace callchain::sdp
