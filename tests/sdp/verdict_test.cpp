// The rows come from Meta's and Twilio's documentation: Secure Media off takes no SRTP (32207), on takes
// nothing else (32208), SDES only; Meta offers DTLS unless SDES is set, and Opus unless additional codecs are
// set.
#include "sdp/verdict.hpp"

#include "sdp/sdp_texts.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace callchain::sdp {
namespace {

using Answer = Verdict::Answer;

struct Case {
    const char* name;
    std::string offer;
    std::string keep;
    Setting setting;
    Answer answer;
    std::string row;
    std::vector<std::string> codes;
    int warning_code = 0;
};

constexpr Setting kOn{Direction::meta_to_twilio, SecureMedia::on};
constexpr Setting kOff{Direction::meta_to_twilio, SecureMedia::off};
constexpr Setting kOutward{Direction::twilio_to_meta, SecureMedia::on};
const std::string kDefault = "PCMU,PCMA,telephone-event";

std::vector<Case> cases() {
    const auto dtls_opus = read_sample("meta-live-2026-10-02");
    const auto dtls_g711 = read_sample("synthetic-meta-dtls-opus-pcma-pcmu");
    const auto sdes_opus = read_sample("synthetic-meta-sdes-opus");
    const auto sdes_g711 = read_sample("synthetic-meta-sdes-opus-pcma-pcmu");
    const auto twilio_offer = read_sample("twilio-to-meta-sdes-offer-doc");
    const auto plain = sdp_of({"m=audio 4000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000"});
    const auto sdes = [](const std::string& crypto) {
        return sdp_of({"m=audio 4000 RTP/SAVP 0 101", "a=rtpmap:101 telephone-event/8000", crypto});
    };
    return {
        {"SDES with G.711, Secure Media on",
         sdes_g711,
         kDefault,
         kOn,
         Answer::works,
         "sdes_g711_secure_media_on",
         {}},
        {"SDES with G.711, Secure Media off",
         sdes_g711,
         kDefault,
         kOff,
         Answer::fails,
         "sdes_secure_media_off",
         {"sdp_secure_media_off"},
         302},
        {"SDES, Opus kept",
         sdes_opus,
         "opus,telephone-event/8000",
         kOn,
         Answer::works_if,
         "sdes_opus_secure_media_on",
         {"sdp_codec_unproved_at_twilio"}},
        {"SDES, Opus kept, its keys not",
         sdes_opus,
         "opus,telephone-event",
         kOn,
         Answer::works_if,
         "sdes_opus_secure_media_on",
         {"sdp_codec_unproved_at_twilio", "sdp_no_dtmf"}},
        {"SDES, Opus not kept",
         sdes_opus,
         kDefault,
         kOn,
         Answer::fails,
         "sdes_no_codec_left",
         {"sdp_no_common_codec"},
         305},
        {"SDES, Opus not kept, Secure Media off",
         sdes_opus,
         kDefault,
         kOff,
         Answer::fails,
         "sdes_secure_media_off",
         {"sdp_secure_media_off", "sdp_no_common_codec"},
         302},
        {"DTLS with G.711", dtls_g711, kDefault, kOn, Answer::fails, "dtls_g711", {"sdp_dtls_offer"}, 302},
        {"DTLS with G.711, Secure Media off",
         dtls_g711,
         kDefault,
         kOff,
         Answer::fails,
         "dtls_g711",
         {"sdp_dtls_offer", "sdp_secure_media_off"},
         302},
        {"DTLS and Opus: Meta's default",
         dtls_opus,
         kDefault,
         kOn,
         Answer::fails,
         "dtls_without_g711",
         {"sdp_dtls_offer", "sdp_no_common_codec"},
         302},
        {"plain RTP, Secure Media off",
         plain,
         kDefault,
         kOff,
         Answer::works,
         "plain_rtp_secure_media_off",
         {}},
        {"plain RTP, Secure Media on",
         plain,
         kDefault,
         kOn,
         Answer::fails,
         "plain_rtp_secure_media_on",
         {"sdp_plain_rtp"},
         302},
        {"plain RTP without a codec in common",
         sdp_of({"m=audio 4000 RTP/AVP 9"}),
         kDefault,
         kOff,
         Answer::fails,
         "plain_rtp_no_codec_left",
         {"sdp_no_common_codec"},
         305},
        {"no audio",
         sdp_of({"m=video 4000 RTP/AVP 31"}),
         kDefault,
         kOn,
         Answer::fails,
         "no_audio",
         {"sdp_no_audio"},
         304},
        {"audio at port 0",
         sdp_of({"m=audio 0 RTP/AVP 0"}),
         kDefault,
         kOn,
         Answer::fails,
         "no_audio",
         {"sdp_no_audio"},
         304},
        {"no DTMF",
         sdp_of({"m=audio 4000 RTP/AVP 0"}),
         kDefault,
         kOff,
         Answer::works,
         "plain_rtp_secure_media_off",
         {"sdp_no_dtmf"}},
        {"on hold",
         "v=0\r\nc=IN IP4 0.0.0.0\r\nm=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n",
         kDefault,
         kOff,
         Answer::works_if,
         "plain_rtp_secure_media_off",
         {"sdp_on_hold"}},
        {"one way",
         plain + "a=sendonly\r\n",
         kDefault,
         kOff,
         Answer::works_if,
         "plain_rtp_secure_media_off",
         {"sdp_on_hold"}},
        {"a=crypto under RTP/AVP",
         plain + "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw\r\n",
         kDefault,
         kOff,
         Answer::fails,
         "plain_rtp_secure_media_off",
         {"sdp_crypto_in_plain_profile"},
         399},
        {"SRTP without a key",
         sdes("a=ptime:20"),
         kDefault,
         kOn,
         Answer::fails,
         "sdes_g711_secure_media_on",
         {"sdp_crypto_missing"},
         399},
        {"the other suite of Twilio",
         sdes("a=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw"),
         kDefault,
         kOn,
         Answer::works,
         "sdes_g711_secure_media_on",
         {}},
        {"a suite that nobody takes",
         sdes("a=crypto:1 AEAD_AES_256_GCM inline:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw"),
         kDefault,
         kOn,
         Answer::fails,
         "sdes_g711_secure_media_on",
         {"sdp_crypto_suite"},
         399},
        {"a suite that nobody takes beside a good one",
         read_sample("asterisk-srtp-unknown-suite-first"),
         kDefault,
         kOn,
         Answer::works,
         "sdes_g711_secure_media_on",
         {"sdp_no_dtmf"}},
        {"an MKI",
         sdes("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw|2^20|1:4"),
         kDefault,
         kOn,
         Answer::fails,
         "sdes_g711_secure_media_on",
         {"sdp_crypto_mki"},
         399},
        {"a lifetime and no MKI",
         sdes("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw|2^20"),
         kDefault,
         kOn,
         Answer::works,
         "sdes_g711_secure_media_on",
         {}},
        {"a masked key",
         sdes("a=crypto:********"),
         kDefault,
         kOn,
         Answer::works_if,
         "sdes_g711_secure_media_on",
         {"sdp_crypto_unreadable"}},
        {"RTP/SAVP with a fingerprint",
         sdp_of({"m=audio 4000 RTP/SAVP 0 101", "a=rtpmap:101 telephone-event/8000",
                 "a=fingerprint:sha-256 00"}),
         kDefault,
         kOn,
         Answer::fails,
         "dtls_g711",
         {"sdp_dtls_offer"},
         302},
        {"Twilio's offer to Meta, Opus kept",
         twilio_offer,
         "opus,PCMU,PCMA,telephone-event",
         kOutward,
         Answer::works_if,
         "twilio_sdes_opus",
         {"sdp_meta_sdes_needed", "sdp_crypto_unreadable"}},
        {"Twilio's offer to Meta, G.711 kept",
         twilio_offer,
         kDefault,
         kOutward,
         Answer::works_if,
         "twilio_sdes_g711",
         {"sdp_meta_sdes_needed", "sdp_additional_codecs_needed", "sdp_crypto_unreadable"}},
        {"Twilio's offer with a codec that nobody keeps",
         twilio_offer,
         "G722",
         kOutward,
         Answer::fails,
         "twilio_sdes_no_codec_left",
         {"sdp_no_common_codec", "sdp_meta_sdes_needed", "sdp_crypto_unreadable"},
         305},
        {"plain RTP to Meta",
         plain,
         kDefault,
         kOutward,
         Answer::fails,
         "twilio_plain_rtp",
         {"sdp_plain_rtp", "sdp_additional_codecs_needed"},
         302},
        {"a suite that Meta does not have",
         sdes("a=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw"),
         kDefault,
         kOutward,
         Answer::fails,
         "twilio_sdes_g711",
         {"sdp_crypto_suite", "sdp_meta_sdes_needed", "sdp_additional_codecs_needed"},
         399},
        {"DTLS and Opus, Secure Media off: three things to change",
         dtls_opus,
         kDefault,
         kOff,
         Answer::fails,
         "dtls_without_g711",
         {"sdp_dtls_offer", "sdp_secure_media_off", "sdp_no_common_codec"},
         302},
        {"SDES to Meta with a readable key, Opus kept",
         sdes_opus,
         "opus,telephone-event/8000",
         kOutward,
         Answer::works_if,
         "twilio_sdes_opus",
         {"sdp_meta_sdes_needed"}},
        {"a codec to Meta that is neither Opus nor G.711",
         sdp_of({"m=audio 4000 RTP/SAVP 9",
                 "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw"}),
         "G722",
         kOutward,
         Answer::fails,
         "twilio_sdes_no_codec_left",
         {"sdp_no_common_codec", "sdp_meta_sdes_needed", "sdp_no_dtmf"},
         305},
        {"a codec to Twilio that is neither Opus nor G.711",
         sdp_of({"m=audio 4000 RTP/SAVP 9",
                 "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw"}),
         "G722",
         kOn,
         Answer::works_if,
         "sdes_other_codec_secure_media_on",
         {"sdp_codec_unproved_at_twilio", "sdp_no_dtmf"}},
        {"events that are offered and not kept",
         plain,
         "PCMU",
         kOff,
         Answer::works,
         "plain_rtp_secure_media_off",
         {"sdp_no_dtmf"}},
        {"G.711 that is offered and not kept",
         plain,
         "G722",
         kOff,
         Answer::fails,
         "plain_rtp_no_codec_left",
         {"sdp_no_common_codec"},
         305},
        {"a key of another length",
         sdes("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:short"),
         kDefault,
         kOn,
         Answer::works_if,
         "sdes_g711_secure_media_on",
         {"sdp_crypto_unreadable"}},
        {"two blanks and a tab in a=crypto",
         sdes("a=crypto:1  AES_CM_128_HMAC_SHA1_80\tinline:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw"),
         kDefault,
         kOn,
         Answer::works,
         "sdes_g711_secure_media_on",
         {}},
        {"two keys without MKI",
         sdes("a=crypto:1 AES_CM_128_HMAC_SHA1_80 "
              "inline:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw|2^31;inline:"
              "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw|2^31"),
         kDefault,
         kOn,
         Answer::works,
         "sdes_g711_secure_media_on",
         {}},
        {"no encryption",
         sdes("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw "
              "UNENCRYPTED_SRTP"),
         kDefault,
         kOn,
         Answer::fails,
         "sdes_g711_secure_media_on",
         {"sdp_crypto_weakened"},
         399},
        {"a DTLS profile with an SDES key",
         sdp_of({"m=audio 4000 UDP/TLS/RTP/SAVPF 0 101", "a=rtpmap:101 telephone-event/8000",
                 "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw"}),
         kDefault,
         kOn,
         Answer::fails,
         "dtls_g711",
         {"sdp_keys_contradict"},
         302},
        {"a profile with feedback",
         sdp_of({"m=audio 4000 RTP/AVPF 0 101", "a=rtpmap:101 telephone-event/8000"}),
         kDefault,
         kOff,
         Answer::works_if,
         "plain_rtp_secure_media_off",
         {"sdp_profile_unusual"}},
        {"a profile that does not exist",
         sdp_of({"m=audio 4000 RTP/FOO 0 101", "a=rtpmap:101 telephone-event/8000"}),
         kDefault,
         kOff,
         Answer::fails,
         "plain_rtp_secure_media_off",
         {"sdp_profile_unusual"},
         302},
        {"a private address",
         "v=0\r\nc=IN IP4 10.0.0.5\r\nm=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n",
         kDefault,
         kOff,
         Answer::works_if,
         "plain_rtp_secure_media_off",
         {"sdp_address_unreachable"}},
        {"an IPv6 address",
         "v=0\r\nc=IN IP6 2001:db8::1\r\nm=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n",
         kDefault,
         kOff,
         Answer::works_if,
         "plain_rtp_secure_media_off",
         {"sdp_address_unreachable"}},
        {"the second of two streams is left",
         sdp_of(
             {"m=audio 4000 RTP/AVP 9", "m=audio 4002 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000"}),
         kDefault,
         kOff,
         Answer::works,
         "plain_rtp_secure_media_off",
         {"sdp_several_audio_streams"}},
    };
}

TEST(JudgeOffer, KnowsEachRowOfTheTable) {
    for (const auto& row : cases()) {
        SCOPED_TRACE(row.name);
        const auto verdict = judge_offer(row.offer, *parse_keep_list(row.keep), row.setting);
        ASSERT_TRUE(verdict.has_value()) << verdict.error().message;
        EXPECT_EQ(verdict->answer, row.answer);
        EXPECT_EQ(verdict->row, row.row);
        std::vector<std::string> codes;
        for (const auto& issue : verdict->issues) codes.emplace_back(issue.code);
        EXPECT_EQ(codes, row.codes);
        EXPECT_EQ(verdict->warning_code, row.warning_code);
    }
}

TEST(JudgeOffer, NamesTheSettingThatHelps) {
    const auto remedy_of = [](const std::string& sample, Setting setting,
                              std::string_view code) -> std::string {
        const auto text = read_sample(sample);
        const auto verdict = judge_offer(text, default_keep_list(), setting);
        for (const auto& issue : verdict->issues) {
            if (issue.code == code) return issue.remedy;
        }
        return "no such issue";
    };
    const auto has = [](const std::string& text, const char* part) {
        return text.find(part) != std::string::npos;
    };
    EXPECT_TRUE(has(remedy_of("meta-live-2026-10-02", kOn, "sdp_dtls_offer"), "srtp_key_exchange_protocol"));
    EXPECT_TRUE(has(remedy_of("meta-live-2026-10-02", kOn, "sdp_no_common_codec"), "additional_codecs"));
    EXPECT_TRUE(
        has(remedy_of("synthetic-meta-sdes-opus-pcma-pcmu", kOff, "sdp_secure_media_off"), "Secure Media"));
    EXPECT_TRUE(has(remedy_of("rfc3264-10-1-1", kOutward, "sdp_plain_rtp"), ";secure=true"));
}

TEST(JudgeOffer, WritesAWarningThatFitsAHeader) {
    for (const auto& row : cases()) {
        SCOPED_TRACE(row.name);
        const auto verdict = judge_offer(row.offer, *parse_keep_list(row.keep), row.setting);
        EXPECT_EQ(verdict->warning_text.empty(), verdict->answer != Answer::fails);
        EXPECT_LE(verdict->warning_text.size(), 300U);
        EXPECT_TRUE(std::all_of(verdict->warning_text.begin(), verdict->warning_text.end(),
                                [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; }));
    }
}

TEST(JudgeOffer, SaysWhatIsLeft) {
    const auto text = read_sample("synthetic-meta-sdes-opus-pcma-pcmu");
    const auto verdict = judge_offer(text, default_keep_list(), kOn);
    EXPECT_EQ(verdict->left, (std::vector<std::string>{"PCMA/8000", "PCMU/8000", "telephone-event/8000"}));
    ASSERT_TRUE(verdict->offer.has_value());
    EXPECT_EQ(verdict->offer->keys, KeyExchange::sdes);
    EXPECT_EQ(verdict->offer->ice, Ice::none);
    EXPECT_TRUE(verdict->offer->has_rtcp_mux);
}

TEST(JudgeOffer, HasNoVerdictOnWhatIsMalformed) {
    EXPECT_FALSE(judge_offer("hello", default_keep_list(), kOn).has_value());
}

TEST(AudioFacts, ReadsMetasDefaultOffer) {
    const auto text = read_sample("meta-live-2026-10-02");
    const auto document = parse_document(text);
    const auto facts = audio_facts(*document);
    ASSERT_TRUE(facts.has_value());
    EXPECT_EQ(facts->keys, KeyExchange::dtls);
    EXPECT_EQ(facts->ice, Ice::lite);
    EXPECT_TRUE(facts->has_fingerprint);
    EXPECT_EQ(facts->direction, "sendrecv");
    EXPECT_FALSE(facts->on_hold);
}

TEST(AudioFacts, TakesAPlaceholderAddressWithIceForNoHold) {
    const auto text = read_sample("chrome-audio-video-bundle");
    const auto document = parse_document(text);
    const auto facts = audio_facts(*document);
    ASSERT_TRUE(facts.has_value());
    EXPECT_EQ(facts->ice, Ice::full);
    EXPECT_FALSE(facts->on_hold);
}

}  // namespace
}  // namespace callchain::sdp
