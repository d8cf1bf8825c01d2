#include "sdp/answer.hpp"

#include "sdp/sdp_texts.hpp"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace callchain::sdp {
namespace {

std::vector<std::string> codes_of(const AnswerVerdict& verdict) {
    std::vector<std::string> codes;
    for (const auto& issue : verdict.issues) codes.emplace_back(issue.code);
    return codes;
}

const std::string kKey = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw";
const std::string kOtherKey = "MDk4NzY1NDMyMTA5ODc2NTQzMjEwOTg3NjU0MzIx";
const std::string kCrypto = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + kKey;

std::string srtp(const std::vector<std::string>& more) {
    std::vector<std::string> lines{"m=audio 4000 RTP/SAVP 0 101", "a=rtpmap:101 telephone-event/8000"};
    lines.insert(lines.end(), more.begin(), more.end());
    return sdp_of(lines);
}

std::string plain(const std::vector<std::string>& more = {}) {
    std::vector<std::string> lines{"m=audio 4000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000"};
    lines.insert(lines.end(), more.begin(), more.end());
    return sdp_of(lines);
}

std::string dtls(const std::string& setup, const std::string& more) {
    return sdp_of({"m=audio 4000 UDP/TLS/RTP/SAVPF 0 101", "a=rtpmap:101 telephone-event/8000",
                   "a=setup:" + setup, more});
}

TEST(JudgeAnswer, KnowsWhatStopsACallAndWhatDoesNot) {
    struct Row {
        const char* name;
        std::string offer;
        std::string answer;
        bool good;
        std::vector<std::string> codes;
    };
    const auto video = std::string("m=video 5000 RTP/AVP 31\r\n");
    for (const auto& row : {
             Row{"the same", plain(), plain(), true, {}},
             Row{"one codec and events",
                 plain(),
                 sdp_of({"m=audio 6000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000"}),
                 true,
                 {}},
             Row{"no events", plain(), sdp_of({"m=audio 6000 RTP/AVP 0"}), true, {"sdp_no_dtmf"}},
             Row{"one m= line too few", plain() + video, plain(), false, {"sdp_answer_media_count"}},
             Row{"one m= line too many",
                 plain(),
                 plain() + "m=video 0 RTP/AVP 31\r\n",
                 false,
                 {"sdp_answer_media_count"}},
             Row{"video refused", plain() + video, plain() + "m=video 0 RTP/AVP 31\r\n", true, {}},
             Row{"the only audio refused",
                 plain(),
                 sdp_of({"m=audio 0 RTP/AVP 0"}),
                 false,
                 {"sdp_answer_port_zero"}},
             Row{"one of two audio streams refused",
                 plain() + "m=audio 4002 RTP/AVP 8\r\n",
                 plain() + "m=audio 0 RTP/AVP 8\r\n",
                 true,
                 {}},
             Row{"a refused stream revived",
                 plain() + "m=video 0 RTP/AVP 31\r\n",
                 plain() + video,
                 false,
                 {"sdp_answer_revives_stream"}},
             Row{"a bundle-only stream answered",
                 plain() + "m=video 0 RTP/AVP 31\r\na=bundle-only\r\n",
                 plain() + video,
                 true,
                 {}},
             Row{"plain for SRTP", srtp({kCrypto}), plain(), false, {"sdp_answer_transport_differs"}},
             Row{"another type",
                 plain(),
                 sdp_of({"m=image 4000 udptl t38"}),
                 false,
                 {"sdp_answer_transport_differs", "sdp_no_common_codec"}},
             Row{"a stranger beside a codec in common",
                 plain(),
                 sdp_of({"m=audio 6000 RTP/AVP 0 8 101", "a=rtpmap:101 telephone-event/8000"}),
                 true,
                 {"sdp_format_not_offered"}},
             Row{"only strangers",
                 plain(),
                 sdp_of({"m=audio 6000 RTP/AVP 8 101", "a=rtpmap:101 telephone-event/8000"}),
                 false,
                 {"sdp_no_common_codec", "sdp_format_not_offered"}},
             Row{"the number means something else",
                 sdp_of({"m=audio 4000 RTP/AVP 96", "a=rtpmap:96 PCMU/8000"}),
                 sdp_of({"m=audio 6000 RTP/AVP 96", "a=rtpmap:96 iLBC/8000"}),
                 false,
                 {"sdp_no_common_codec", "sdp_format_not_offered"}},
             Row{"SDES taken",
                 srtp({kCrypto, "a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:" + kKey}),
                 srtp({"a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:" + kOtherKey}),
                 true,
                 {}},
             Row{"the suite under another tag",
                 srtp({kCrypto}),
                 srtp({"a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:" + kOtherKey}),
                 false,
                 {"sdp_answer_crypto"}},
             Row{"another suite",
                 srtp({kCrypto}),
                 srtp({"a=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:" + kOtherKey}),
                 false,
                 {"sdp_answer_crypto"}},
             Row{"two crypto lines",
                 srtp({kCrypto}),
                 srtp({"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + kOtherKey,
                       "a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:" + kOtherKey}),
                 false,
                 {"sdp_answer_crypto"}},
             Row{"no crypto line", srtp({kCrypto}), srtp({}), false, {"sdp_answer_crypto"}},
             Row{"masked crypto lines",
                 srtp({kCrypto}),
                 srtp({"a=crypto:****"}),
                 true,
                 {"sdp_crypto_unreadable"}},
             Row{"rtcp-mux that was not offered",
                 plain(),
                 plain({"a=rtcp-mux"}),
                 true,
                 {"sdp_answer_rtcp_mux"}},
             Row{"rtcp-mux that was", plain({"a=rtcp-mux"}), plain({"a=rtcp-mux"}), true, {}},
             Row{"recvonly for sendonly", plain({"a=sendonly"}), plain({"a=recvonly"}), true, {}},
             Row{"sendonly for sendonly",
                 plain({"a=sendonly"}),
                 plain({"a=sendonly"}),
                 true,
                 {"sdp_answer_direction"}},
             Row{"sendrecv for recvonly", plain({"a=recvonly"}), plain(), true, {"sdp_answer_direction"}},
             Row{"sendonly for inactive",
                 plain({"a=inactive"}),
                 plain({"a=sendonly"}),
                 true,
                 {"sdp_answer_direction"}},
             Row{"inactive for sendrecv", plain(), plain({"a=inactive"}), true, {"sdp_on_hold"}},
             Row{"hold by address",
                 plain(),
                 "v=0\r\nc=IN IP4 0.0.0.0\r\nm=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 "
                 "telephone-event/8000\r\n",
                 true,
                 {"sdp_on_hold"}},
             Row{"an offer without audio",
                 sdp_of({"m=audio 0 RTP/AVP 0"}),
                 sdp_of({"m=audio 0 RTP/AVP 0"}),
                 false,
                 {"sdp_no_audio"}},
             Row{"the offer's own key", srtp({kCrypto}), srtp({kCrypto}), false, {"sdp_answer_crypto"}},
             Row{"a masked offer, and no key in the answer",
                 srtp({"a=crypto:****"}),
                 srtp({}),
                 false,
                 {"sdp_answer_crypto"}},
             Row{"a key where none was offered",
                 plain(),
                 plain({kCrypto}),
                 true,
                 {"sdp_crypto_in_plain_profile"}},
             Row{"refused as another type",
                 plain(),
                 sdp_of({"m=video 0 RTP/AVP 31"}),
                 false,
                 {"sdp_answer_transport_differs", "sdp_answer_port_zero"}},
             Row{"DTLS without a fingerprint",
                 dtls("actpass", "a=fingerprint:sha-256 00"),
                 dtls("active", "a=x"),
                 false,
                 {"sdp_answer_dtls"}},
             Row{"DTLS answered by actpass",
                 dtls("actpass", "a=fingerprint:sha-256 00"),
                 dtls("actpass", "a=fingerprint:sha-256 01"),
                 false,
                 {"sdp_answer_dtls"}},
             Row{"DTLS, both active",
                 dtls("active", "a=fingerprint:sha-256 00"),
                 dtls("active", "a=fingerprint:sha-256 01"),
                 false,
                 {"sdp_answer_dtls"}},
             Row{"DTLS answered by active",
                 dtls("actpass", "a=fingerprint:sha-256 00"),
                 dtls("active", "a=fingerprint:sha-256 01"),
                 true,
                 {}},
             Row{"no rtpmap for a number of the offer",
                 plain(),
                 sdp_of({"m=audio 6000 RTP/AVP 0 101", "a=fmtp:101 0-15"}),
                 true,
                 {}},
         }) {
        SCOPED_TRACE(row.name);
        const auto verdict = judge_answer(row.offer, row.answer);
        ASSERT_TRUE(verdict.has_value()) << verdict.error().message;
        EXPECT_EQ(verdict->good, row.good);
        EXPECT_EQ(codes_of(*verdict), row.codes);
    }
}

TEST(JudgeAnswer, TakesThePublishedAnswers) {
    for (const auto& [offer, answer] : std::vector<std::pair<const char*, const char*>>{
             {"meta-uic-sdes-offer-doc", "twilio-answer-to-meta-sdes-doc-1"},
             {"meta-uic-sdes-digest-offer-doc", "twilio-answer-to-meta-sdes-doc-2"},
             {"twilio-to-meta-sdes-offer-doc", "meta-bic-sdes-answer-doc"},
             {"rfc3264-10-1-1", "rfc3264-10-1-2"}}) {
        SCOPED_TRACE(answer);
        const auto offer_text = read_sample(offer);
        const auto answer_text = read_sample(answer);
        const auto verdict = judge_answer(offer_text, answer_text);
        ASSERT_TRUE(verdict.has_value()) << verdict.error().message;
        EXPECT_TRUE(verdict->good);
    }
}

TEST(JudgeAnswer, SaysWhichTextCannotBeRead) {
    EXPECT_TRUE(judge_answer("x", plain()).error().message.starts_with("offer: "));
    EXPECT_TRUE(judge_answer(plain(), "x").error().message.starts_with("answer: "));
}

}  // namespace
}  // namespace callchain::sdp
