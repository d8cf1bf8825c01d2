#include "sdp/answer.hpp"

#include "base/text.hpp"
#include "sdp/shown_line.hpp"

#include <algorithm>
#include <utility>

namespace callchain::sdp {
namespace {

using Weight = Issue::Weight;

class Comparison {
  public:
    Comparison(const Document& offer, const Document& answer, Filtered filtered)
        : offer_(offer), answer_(answer) {
        verdict_.filtered = std::move(filtered);
    }

    [[nodiscard]] AnswerVerdict judge() {
        if (offer_.media.size() != answer_.media.size()) {
            add(Weight::stops, "sdp_answer_media_count",
                "The offer has " + count_of(offer_.media.size(), "m= line") + ", the answer " +
                    std::to_string(answer_.media.size()) + ".",
                "An answer has one m= line for each of the offer, in its order; what is refused gets port "
                "0.");
        }
        for (std::size_t i = 0; i < std::min(offer_.media.size(), answer_.media.size()); ++i) judge_media(i);
        judge_sound();
        std::stable_sort(verdict_.issues.begin(), verdict_.issues.end(),
                         [](const Issue& a, const Issue& b) { return a.weight < b.weight; });
        verdict_.good = verdict_.issues.empty() || verdict_.issues.front().weight != Weight::stops;
        return std::move(verdict_);
    }

  private:
    void add(Weight weight, std::string_view code, std::string detail, std::string_view remedy) {
        verdict_.issues.push_back({weight, code, std::move(detail), std::string(remedy)});
    }

    static std::string place(const Media& media) {
        return "Line " + std::to_string(Document::line_number(media)) + ": ";
    }

    [[nodiscard]] bool is_bundle_only(const Media& media) const {
        return std::any_of(offer_.lines.begin() + static_cast<std::ptrdiff_t>(media.first),
                           offer_.lines.begin() + static_cast<std::ptrdiff_t>(media.end),
                           [](const Line& line) { return line.type == 'a' && line.value == "bundle-only"; });
    }

    void judge_media(std::size_t index) {
        const auto& offered = offer_.media[index];
        const auto& answered = answer_.media[index];
        const bool same_type = equal_ignoring_case(offered.type, answered.type);
        if (answered.port == 0 && same_type) return;
        if (offered.port == 0 && answered.port != 0 && !is_bundle_only(offered)) {
            add(Weight::stops, "sdp_answer_revives_stream",
                place(answered) + "the stream has port " + std::string(answered.port_text) +
                    ", but the offer had it at port 0.",
                "A stream that is offered at port 0 is answered at port 0.");
            return;
        }
        if (!same_type || offered.protocol != answered.protocol) {
            add(Weight::stops, "sdp_answer_transport_differs",
                place(answered) + "offered was " + shown_line(offered.type, 20) + " over " +
                    shown_line(offered.protocol, 40) + ", answered is " + shown_line(answered.type, 20) +
                    " over " + shown_line(answered.protocol, 40) + ".",
                "Type and protocol of an answer are those of the offer; an RTP/AVP answer to an RTP/SAVP "
                "offer means that the other side does no SRTP.");
            return;
        }
        judge_formats(index);
        const auto offer = audio_facts(offer_, index);
        const auto answer = audio_facts(answer_, index);
        if (offer && answer) judge_audio(*offer, *answer, answered);
    }

    void judge_formats(std::size_t index) {
        std::vector<std::string> strangers;
        for (const auto& outcome : verdict_.filtered.media[index].formats) {
            if (!outcome.removed_by) continue;
            strangers.push_back(shown_line(outcome.format.text, 10) +
                                (outcome.format.codec ? " " + outcome.format.codec->text() : ""));
        }
        if (strangers.empty()) return;
        add(Weight::warns, "sdp_format_not_offered",
            place(answer_.media[index]) +
                "not in the offer, or there with another meaning: " + join(strangers, ", ") + ".",
            "They are taken out before the answer goes on. If none is left, the other side did not "
            "understand the offer.");
    }

    void judge_audio(const AudioFacts& offer, const AudioFacts& answer, const Media& media) {
        if (!verdict_.answer) verdict_.answer = answer;
        if (offer.keys == KeyExchange::sdes) judge_crypto(offer, answer, media);
        if (offer.keys == KeyExchange::dtls) judge_dtls(offer, answer, media);
        if (offer.keys == KeyExchange::none && !answer.crypto.empty()) {
            add(Weight::warns, "sdp_crypto_in_plain_profile",
                place(media) + "a=crypto is answered under " + shown_line(media.protocol, 40) + ".",
                "The other side may send SRTP that nobody here decrypts.");
        }
        const auto is_event = [](const Format& format) {
            return format.codec && role_of(*format.codec) == CodecRole::event;
        };
        const auto& outcome = verdict_.filtered.media[answer.media_index];
        // Where no voice is left, that is the news, and not the keys.
        const bool has_events =
            outcome.action == MediaOutcome::Action::refused ||
            std::any_of(outcome.formats.begin(), outcome.formats.end(), [&](const FormatOutcome& format) {
                return !format.removed_by && is_event(format.format);
            });
        if (!has_events && std::any_of(offer.formats.begin(), offer.formats.end(), is_event)) {
            add(Weight::warns, "sdp_no_dtmf",
                place(media) +
                    "telephone-event was offered and is not in the answer, so keys pressed will not arrive.",
                "Nothing to do if the call needs no keys.");
        }
        if (answer.has_rtcp_mux && !offer.has_rtcp_mux) {
            add(Weight::warns, "sdp_answer_rtcp_mux",
                place(media) + "a=rtcp-mux is answered and was not offered.",
                "The other side may send RTCP to the port of RTP, where nobody expects it.");
        }
        judge_direction(offer, answer, media);
    }

    void judge_crypto(const AudioFacts& offer, const AudioFacts& answer, const Media& media) {
        const auto complain = [&](const std::string& what) {
            add(Weight::stops, "sdp_answer_crypto", place(media) + what,
                "An answer takes exactly one of the offered a=crypto lines, with its tag and its suite and a "
                "key "
                "of its own.");
        };
        if (answer.crypto.empty()) return complain("no a=crypto line is answered.");
        if (answer.crypto.size() > 1)
            return complain(count_of(answer.crypto.size(), "a=crypto line") +
                            " are answered instead of one.");
        const auto& taken = answer.crypto.front();
        const bool readable = std::any_of(offer.crypto.begin(), offer.crypto.end(),
                                          [](const CryptoLine& line) { return line.readable; });
        if (!taken.readable || !readable) {
            add(Weight::condition, "sdp_crypto_unreadable",
                place(media) +
                    "the a=crypto lines cannot be compared; samples in documentation are masked like that.",
                "Judge the bodies of a real call.");
            return;
        }
        const auto match =
            std::find_if(offer.crypto.begin(), offer.crypto.end(), [&](const CryptoLine& line) {
                return line.readable && line.tag == taken.tag && line.suite == taken.suite;
            });
        if (match == offer.crypto.end())
            return complain("tag and suite of the a=crypto line were not offered together.");
        if (match->keys == taken.keys) complain("the key is the one that was offered, sent back.");
    }

    /// Source: RFC 5763 section 5.
    void judge_dtls(const AudioFacts& offer, const AudioFacts& answer, const Media& media) {
        std::string what;
        if (!answer.has_fingerprint) {
            what = "the answer has no a=fingerprint, so DTLS cannot begin.";
        } else if (answer.setup != "active" && answer.setup != "passive") {
            what = "a=setup of the answer is " +
                   (answer.setup.empty() ? std::string("missing") : shown_line(answer.setup, 20)) +
                   "; it must be active or passive.";
        } else if (offer.setup == answer.setup) {
            what = "both sides are " + shown_line(answer.setup, 20) + ", so DTLS never begins.";
        }
        if (what.empty()) return;
        add(Weight::stops, "sdp_answer_dtls", place(media) + what,
            "Answer actpass by active: Meta offers actpass and wants the business to be active.");
    }

    void judge_direction(const AudioFacts& offer, const AudioFacts& answer, const Media& media) {
        if (answer.on_hold) {
            add(Weight::warns, "sdp_on_hold", place(media) + "the address is 0.0.0.0: the stream is on hold.",
                "Sound will go one way or not at all.");
        }
        const bool sends = answer.direction == "sendrecv" || answer.direction == "sendonly";
        const bool receives = answer.direction == "sendrecv" || answer.direction == "recvonly";
        const bool may_send = offer.direction == "sendrecv" || offer.direction == "recvonly";
        const bool may_receive = offer.direction == "sendrecv" || offer.direction == "sendonly";
        if ((sends && !may_send) || (receives && !may_receive)) {
            add(Weight::warns, "sdp_answer_direction",
                place(media) + "the offer is " + std::string(offer.direction) + ", the answer " +
                    std::string(answer.direction) + ".",
                "sendonly is answered by recvonly, recvonly by sendonly, inactive by inactive.");
        } else if (offer.direction == "sendrecv" && answer.direction != "sendrecv") {
            add(Weight::warns, "sdp_on_hold",
                place(media) + "the answer is " + std::string(answer.direction) + ".",
                "Sound will go one way or not at all.");
        }
    }

    /// Is there one audio stream that was offered live, is answered live, and has a voice codec in common?
    void judge_sound() {
        bool offered = false;
        bool answered = false;
        for (std::size_t i = 0; i < std::min(offer_.media.size(), answer_.media.size()); ++i) {
            const auto& media = offer_.media[i];
            if (!media.is_audio() || !media.is_rtp() || media.port == 0) continue;
            offered = true;
            const auto action = verdict_.filtered.media[i].action;
            const bool live = action == MediaOutcome::Action::kept || action == MediaOutcome::Action::changed;
            answered = answered || live;
            if (answer_.media[i].port == 0) refused_.push_back(i);
        }
        if (!offered) {
            add(Weight::stops, "sdp_no_audio", "The offer has no live audio stream over RTP.",
                "Look at the sender of the offer.");
        } else if (!answered && !refused_.empty()) {
            add(Weight::stops, "sdp_answer_port_zero",
                place(answer_.media[refused_.front()]) + "the audio is answered at port 0: it is refused.",
                "Such a call is ended with BYE, or refused with 488, rather than left without sound. The "
                "other side has no codec or no profile in common with the offer.");
        } else if (!answered) {
            add(Weight::stops, "sdp_no_common_codec",
                "No voice codec of the offer, under the number it was offered with, is left in the answer.",
                "Look at what was sent to the other side. Numbers of an answer may differ (RFC 3264 section "
                "6.1), "
                "but who takes one stream only, as Meta does, expects its own.");
        }
    }

    const Document& offer_;
    const Document& answer_;
    AnswerVerdict verdict_;
    std::vector<std::size_t> refused_;
};

Result<Document> parse_named(std::string_view text, const char* name) {
    auto document = parse_document(text);
    if (document) return document;
    Error error = document.error();
    error.message = std::string(name) + ": " + error.message;
    return tl::unexpected(std::move(error));
}

}  // namespace

Result<AnswerVerdict> judge_answer(std::string_view offer, std::string_view answer) {
    const auto offered = CALLCHAIN_TRY(parse_named(offer, "offer"));
    const auto answered = CALLCHAIN_TRY(parse_named(answer, "answer"));
    return Comparison(offered, answered, filter_answer(answered, offered)).judge();
}

}  // namespace callchain::sdp
