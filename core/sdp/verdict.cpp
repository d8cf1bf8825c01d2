#include "sdp/verdict.hpp"

#include "base/ipv4.hpp"
#include "base/text.hpp"
#include "sdp/shown_line.hpp"

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

constexpr std::string_view kEarlierSdes =
    "In Meta's settings of the phone number calling.srtp_key_exchange_protocol must be SDES: read it back "
    "with "
    "GET.";
constexpr std::size_t kMostListed = 20;

/// What stays of the stream, in the three kinds that matter here.
struct Left {
    bool g711 = false;
    bool opus = false;
    bool other = false;
    bool events = false;

    [[nodiscard]] bool voice() const { return g711 || opus || other; }
};

bool is_g711(const Codec& codec) {
    return codec.same_as({"PCMU", 8000, 1}) || codec.same_as({"PCMA", 8000, 1});
}

void count(const Codec& codec, Left& left) {
    if (role_of(codec) == CodecRole::event) left.events = true;
    if (role_of(codec) != CodecRole::voice) return;
    (is_g711(codec) ? left.g711 : codec.same_as({"opus", 48000, 2}) ? left.opus : left.other) = true;
}

template <class Predicate>
bool offers(const AudioFacts& offer, Predicate is_it) {
    return std::any_of(offer.formats.begin(), offer.formats.end(), [&](const Format& format) {
        return (format.codec && is_it(*format.codec)) ||
               std::any_of(format.more_codecs.begin(), format.more_codecs.end(), is_it);
    });
}

bool offers_name(const AudioFacts& offer, std::string_view name) {
    return offers(offer, [&](const Codec& codec) { return equal_ignoring_case(codec.name, name); });
}

std::string codecs_of(const AudioFacts& offer) {
    std::vector<std::string> texts;
    for (const auto& format : offer.formats) {
        if (texts.size() == kMostListed) {
            texts.push_back("and " + std::to_string(offer.formats.size() - kMostListed) + " more");
            break;
        }
        texts.push_back(format.codec ? format.codec->text()
                                     : "an unknown format " + shown_line(format.text, 10));
    }
    return join(texts, ", ");
}

/// True for an address that the other side surely does not reach; a name may be anything.
bool is_unreachable(std::string_view address) {
    const auto ip = parse_ipv4(address.substr(0, address.find('/')));
    return ip && is_special_ipv4(*ip);
}

/// Judges one offer; each member function looks at one side of it.
class Judge {
  public:
    Judge(const AudioFacts& offer, const Left& left, const KeepList& keep, const Setting& setting)
        : offer_(offer), left_(left), keep_(keep), setting_(setting) {}

    [[nodiscard]] Verdict judge() {
        judge_profile();
        judge_keys();
        judge_codecs();
        if (offer_.keys == KeyExchange::sdes) judge_crypto();
        judge_address();
        judge_events();
        std::stable_sort(verdict_.issues.begin(), verdict_.issues.end(),
                         [](const Issue& a, const Issue& b) { return a.weight < b.weight; });
        conclude();
        return std::move(verdict_);
    }

  private:
    [[nodiscard]] bool to_twilio() const { return setting_.direction == Direction::meta_to_twilio; }
    [[nodiscard]] bool secure_on() const { return setting_.secure_media == SecureMedia::on; }
    [[nodiscard]] const char* receiver() const { return to_twilio() ? "Twilio" : "Meta"; }
    [[nodiscard]] std::string profile() const { return shown_line(offer_.protocol, 40); }

    void add(Weight weight, std::string_view code, std::string detail, std::string_view remedy) {
        verdict_.issues.push_back({weight, code, std::move(detail), std::string(remedy)});
    }

    void judge_profile() {
        const auto& protocol = offer_.protocol;
        if (protocol == "RTP/AVP" || protocol == "RTP/SAVP" || offer_.keys == KeyExchange::dtls) return;
        const bool with_feedback = protocol == "RTP/AVPF" || protocol == "RTP/SAVPF";
        add(with_feedback ? Weight::condition : Weight::stops, "sdp_profile_unusual",
            "The profile is " + profile() + "; RTP/AVP and RTP/SAVP are the ones that " + receiver() +
                " is known to take.",
            with_feedback
                ? "Make a test call, or let the sender offer the profile without feedback (the F at its end)."
                : "Let the sender offer RTP/SAVP, or RTP/AVP where nothing is encrypted.");
    }

    /// The table of Twilio's Secure Media and of Meta's two modes.
    void judge_keys() {
        if (offer_.keys == KeyExchange::dtls) {
            judge_dtls();
        } else if (!to_twilio()) {
            judge_keys_to_meta();
        } else if (offer_.keys == KeyExchange::sdes && !secure_on()) {
            add(Weight::stops, "sdp_secure_media_off",
                "The offer is SRTP (" + profile() +
                    "), which a Twilio SIP Domain with Secure Media off refuses with error 32207.",
                kSecureMediaOn);
        } else if (offer_.keys == KeyExchange::none && secure_on()) {
            add(Weight::stops, "sdp_plain_rtp",
                "The offer is plain RTP (" + profile() +
                    "), which a Twilio SIP Domain with Secure Media on refuses with error 32208.",
                "Let the sender offer RTP/SAVP with SDES. For a test in a laboratory, switch off Secure "
                "Media of the SIP Domain.");
        } else if (offer_.keys == KeyExchange::none && !offer_.crypto.empty()) {
            add(Weight::stops, "sdp_crypto_in_plain_profile",
                "a=crypto stands under " + profile() +
                    ", which is not encrypted; Twilio refuses it with error 32207.",
                "Let the sender offer RTP/SAVP, or leave a=crypto away.");
        }
    }

    void judge_dtls() {
        if (!offer_.crypto.empty() && !offer_.has_fingerprint) {
            add(Weight::stops, "sdp_keys_contradict",
                "The profile " + profile() + " says DTLS, and the keys stand in a=crypto, which is SDES.",
                "Look at the sender. At Meta, save SDES once more as the last settings call, and compare the "
                "next "
                "offer.");
        } else {
            add(Weight::stops, "sdp_dtls_offer",
                "The offer wants SRTP with keys by DTLS (" + profile() + ")" +
                    (offer_.ice == Ice::none ? "" : " and ICE") +
                    ", and no gateway of signalling alone can turn that into something else.",
                to_twilio() ? kSetSdes
                            : "Let the sender offer RTP/SAVP with SDES: <Sip>sip:…;secure=true</Sip> in "
                              "Twilio's TwiML.");
        }
        // Else the next call fails at the next gate.
        if (to_twilio() && !secure_on()) {
            add(Weight::stops, "sdp_secure_media_off",
                "With SDES the offer will be SRTP still, which a Twilio SIP Domain with Secure Media off "
                "refuses "
                "with error 32207.",
                kSecureMediaOn);
        }
    }

    void judge_keys_to_meta() {
        if (offer_.keys == KeyExchange::none) {
            add(Weight::stops, "sdp_plain_rtp",
                "The offer is plain RTP (" + profile() + "), and Meta takes SRTP only.",
                "Write ;secure=true behind the SIP URI in the TwiML that dials, "
                "<Sip>sip:…;secure=true</Sip>, so that Twilio offers RTP/SAVP with SDES.");
            return;
        }
        add(Weight::condition, "sdp_meta_sdes_needed",
            "The offer has SDES keys, and Meta takes those only where the phone number is set to SDES; its "
            "default "
            "is DTLS.",
            kEarlierSdes);
    }

    void judge_codecs() {
        if (left_.g711 && (to_twilio() || left_.opus)) return;
        if (!left_.voice() || (!to_twilio() && !left_.g711 && !left_.opus)) {
            judge_nothing_in_common();
        } else if (to_twilio()) {
            add(Weight::condition, "sdp_codec_unproved_at_twilio",
                std::string("What is left has no G.711. Twilio documents PCMU and PCMA for SIP Domains") +
                    (left_.opus ? "; Opus was seen where Twilio enabled it for an account."
                                : ", and nothing else."),
                std::string("Ask Twilio whether your account takes it. Else: ") + std::string(kAddCodecs));
        } else if (!left_.opus) {
            add(Weight::condition, "sdp_additional_codecs_needed",
                "What is left has no Opus, and Meta takes G.711 only where the phone number's settings say "
                "so.",
                kAddCodecs);
        }
    }

    void judge_nothing_in_common() {
        auto detail = "The offer has " + codecs_of(offer_) + "; to be kept are " + keep_.text() + ".";
        if (!to_twilio()) {
            add(Weight::stops, "sdp_no_common_codec",
                detail + " Meta takes Opus, and PCMU and PCMA where they are set.",
                "Let Twilio offer one of these, and keep it.");
            return;
        }
        const bool has_g711 = offers(offer_, is_g711);
        const bool can_opus = offers_name(offer_, "opus") && !keep_.has_name("opus");
        add(Weight::stops, "sdp_no_common_codec", std::move(detail),
            has_g711
                ? std::string(
                      "Add PCMU and PCMA to the codecs to keep: the offer has G.711, which Twilio takes.")
                : std::string(kAddCodecs) +
                      (can_opus
                           ? " Or, if Twilio enabled Opus for your account, add opus to the codecs to keep."
                           : ""));
    }

    void judge_crypto() {
        constexpr std::string_view k80 = "AES_CM_128_HMAC_SHA1_80";
        constexpr std::string_view k32 = "AES_CM_128_HMAC_SHA1_32";
        const auto& lines = offer_.crypto;
        const auto none = [&](auto predicate) { return std::none_of(lines.begin(), lines.end(), predicate); };
        const auto is_known = [&](const CryptoLine& line) {
            return line.readable && (line.suite == k80 || (to_twilio() && line.suite == k32));
        };
        if (lines.empty()) {
            add(Weight::stops, "sdp_crypto_missing", "The profile is SRTP, and no a=crypto line has a key.",
                "Look at the sender: RTP/SAVP needs one a=crypto line per suite (RFC 4568).");
        } else if (none([](const CryptoLine& line) { return line.readable; })) {
            add(Weight::condition, "sdp_crypto_unreadable",
                "No a=crypto line has a tag, a suite and a key of its length; samples in documentation are "
                "masked "
                "like that.",
                "Judge the body of a real call.");
        } else if (none(is_known)) {
            add(Weight::stops, "sdp_crypto_suite",
                std::string("None of the suites offered is one that ") + receiver() + " takes.",
                to_twilio() ? "Let the sender offer AES_CM_128_HMAC_SHA1_80 or AES_CM_128_HMAC_SHA1_32."
                            : "Let the sender offer AES_CM_128_HMAC_SHA1_80, the one suite that Meta uses.");
        } else if (none([&](const CryptoLine& line) { return is_known(line) && !line.weakened; })) {
            add(Weight::stops, "sdp_crypto_weakened",
                "Every usable a=crypto line asks to leave out encryption or authentication.",
                "Let the sender offer a line without UNENCRYPTED_… and UNAUTHENTICATED_… behind the key.");
        } else if (none([&](const CryptoLine& line) {
                       return is_known(line) && !line.weakened && !line.has_mki;
                   })) {
            add(Weight::stops, "sdp_crypto_mki",
                std::string("Every key offered in a usable suite has a master key identifier (MKI), which ") +
                    (to_twilio() ? "Twilio does not take." : "Meta was never seen to take."),
                "Let the sender offer a key without an MKI.");
        }
    }

    void judge_address() {
        if (offer_.on_hold || offer_.direction != "sendrecv") {
            add(Weight::condition, "sdp_on_hold",
                offer_.on_hold ? "The address is that of a stream on hold."
                               : "The stream is " + std::string(offer_.direction) + ".",
                "If this is the first offer of a call, look at the sender; sound will go one way or not at "
                "all.");
        }
        if (offer_.ice != Ice::none || offer_.on_hold) return;
        const bool is_ip4 = offer_.address.starts_with("IP4 ");
        const auto address = offer_.address.substr(std::min<std::size_t>(4, offer_.address.size()));
        if (is_ip4 && !is_unreachable(address)) return;
        add(Weight::condition, "sdp_address_unreachable",
            is_ip4 ? "The media address " + shown_line(address, 50) + " is a private or special one."
                   : "The media address is an IPv6 address, and no word of Twilio's says that it takes one.",
            is_ip4 ? "Let the sender put its public address into c=."
                   : "Let the sender offer an IPv4 address.");
    }

    void judge_events() {
        if (!left_.voice() || left_.events) return;
        if (!offers_name(offer_, "telephone-event")) {
            add(Weight::warns, "sdp_no_dtmf",
                "No telephone-event is offered, so keys pressed will not arrive.",
                "Nothing to do if the call needs no keys.");
        } else if (!keep_.has_name("telephone-event")) {
            add(Weight::warns, "sdp_no_dtmf",
                "telephone-event is offered and not among the codecs to keep, so keys pressed will not "
                "arrive.",
                "Add telephone-event to the codecs to keep.");
        } else {
            add(Weight::warns, "sdp_no_dtmf",
                "telephone-event is offered, but not at the clock rate of a codec that stays, so keys "
                "pressed will not arrive.",
                "Let the sender offer telephone-event at the clock rate of the voice codec. Meta sends 8000 "
                "beside Opus: to let that pass, name the clock, telephone-event/8000.");
        }
    }

    void conclude() {
        const auto has = [&](Weight weight) {
            return std::any_of(verdict_.issues.begin(), verdict_.issues.end(),
                               [&](const Issue& issue) { return issue.weight == weight; });
        };
        verdict_.answer = has(Weight::stops)       ? Verdict::Answer::fails
                          : has(Weight::condition) ? Verdict::Answer::works_if
                                                   : Verdict::Answer::works;
        verdict_.row = row();
        verdict_.summary = summary();
        if (verdict_.answer == Verdict::Answer::fails) write_warning();
    }

    [[nodiscard]] std::string_view row() const {
        if (offer_.keys == KeyExchange::dtls)
            return offers(offer_, is_g711) ? "dtls_g711" : "dtls_without_g711";
        if (!to_twilio()) {
            if (offer_.keys == KeyExchange::none) return "twilio_plain_rtp";
            return left_.opus   ? "twilio_sdes_opus"
                   : left_.g711 ? "twilio_sdes_g711"
                                : "twilio_sdes_no_codec_left";
        }
        if (offer_.keys == KeyExchange::sdes) {
            if (!secure_on()) return "sdes_secure_media_off";
            return left_.g711    ? "sdes_g711_secure_media_on"
                   : left_.opus  ? "sdes_opus_secure_media_on"
                   : left_.other ? "sdes_other_codec_secure_media_on"
                                 : "sdes_no_codec_left";
        }
        if (secure_on()) return "plain_rtp_secure_media_on";
        return left_.voice() ? "plain_rtp_secure_media_off" : "plain_rtp_no_codec_left";
    }

    [[nodiscard]] std::string summary() const {
        switch (verdict_.answer) {
            case Verdict::Answer::works:
                return "both ends take what this offer has, and the media goes straight between them";
            case Verdict::Answer::works_if:
                return "nothing in the offer is against it, but it depends on what is named below";
            case Verdict::Answer::fails:
                break;
        }
        return offer_.keys == KeyExchange::dtls
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
        const auto code = verdict_.issues.front().code;
        verdict_.warning_code = code == "sdp_no_common_codec"     ? 305
                                : code.starts_with("sdp_crypto_") ? 399
                                                                  : 302;
    }

    [[nodiscard]] std::string_view short_remedy(std::string_view code) const {
        struct Remedy {
            std::string_view code;
            std::string_view to_twilio;
            std::string_view to_meta;
        };
        static constexpr Remedy kRemedies[] = {
            {"sdp_dtls_offer", "DTLS offer: set Meta srtp_key_exchange_protocol to SDES",
             "DTLS offer: RTP/SAVP with SDES is needed"},
            {"sdp_keys_contradict", "DTLS profile with a=crypto", "DTLS profile with a=crypto"},
            {"sdp_no_common_codec", "no codec left: set Meta additional_codecs to PCMU and PCMA",
             "no codec left"},
            {"sdp_secure_media_off", "SRTP: switch on Secure Media of the Twilio SIP Domain", ""},
            {"sdp_plain_rtp", "plain RTP offer, but Secure Media of the Twilio SIP Domain is on",
             "plain RTP offer: add secure=true to the SIP URI in TwiML"},
            {"sdp_profile_unusual", "profile not known here", "profile not known here"},
            {"sdp_crypto_missing", "RTP/SAVP without a=crypto", "RTP/SAVP without a=crypto"},
            {"sdp_crypto_suite", "no SRTP suite in common: AES_CM_128_HMAC_SHA1_80 is needed",
             "no SRTP suite in common: AES_CM_128_HMAC_SHA1_80 is needed"},
            {"sdp_crypto_mki", "SRTP keys with MKI only", "SRTP keys with MKI only"},
            {"sdp_crypto_weakened", "SRTP without encryption or authentication",
             "SRTP without encryption or authentication"},
        };
        for (const auto& remedy : kRemedies) {
            if (remedy.code == code) return to_twilio() ? remedy.to_twilio : remedy.to_meta;
        }
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

/// The stream that a peer will take: the first live one that the filter leaves, else the first live one.
std::optional<AudioFacts> judged_stream(const Document& document, const Filtered& filtered) {
    for (const auto& media : filtered.media) {
        if (media.action != MediaOutcome::Action::kept && media.action != MediaOutcome::Action::changed)
            continue;
        if (auto facts = audio_facts(document, media.index)) return facts;
    }
    return audio_facts(document);
}

}  // namespace

Result<Verdict> judge_offer(std::string_view offer, const KeepList& keep, const Setting& setting) {
    const auto document = CALLCHAIN_TRY(parse_document(offer));
    return judge_offer(document, filter_offer(document, keep), keep, setting);
}

Verdict judge_offer(const Document& document, const Filtered& filtered, const KeepList& keep,
                    const Setting& setting) {
    const auto facts = judged_stream(document, filtered);
    if (!facts) return no_audio();
    Left left;
    std::vector<std::string> texts;
    for (const auto& outcome : filtered.media[facts->media_index].formats) {
        if (outcome.removed_by || !outcome.format.codec) continue;
        count(*outcome.format.codec, left);
        texts.push_back(outcome.format.codec->text());
    }
    auto verdict = Judge(*facts, left, keep, setting).judge();
    std::size_t live = 0;
    for (std::size_t i = 0; i < document.media.size(); ++i) live += audio_facts(document, i) ? 1 : 0;
    if (live > 1) {
        verdict.issues.push_back(
            {Weight::warns, "sdp_several_audio_streams",
             "The offer has " + std::to_string(live) + " live audio streams; judged is that of line " +
                 std::to_string(facts->line) + ".",
             "Let the sender offer one. Which of several the other side takes is its choice."});
    }
    verdict.offer = facts;
    verdict.left = std::move(texts);
    return verdict;
}

std::string_view word_of(Direction direction) {
    return direction == Direction::meta_to_twilio ? "meta-to-twilio" : "twilio-to-meta";
}

}  // namespace callchain::sdp
