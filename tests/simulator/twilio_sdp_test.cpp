#include "simulator/twilio_sdp.hpp"

#include "sdp/answer.hpp"
#include "sdp/verdict.hpp"

#include <gtest/gtest.h>

namespace callchain::simulator {
namespace {

using SecureMedia = TwilioSettings::SecureMedia;
using sip::Transport;

const std::string kHead = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n";
const std::string kKey = " inline:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw\r\n";
const std::string kPlain = kHead + "m=audio 4000 RTP/AVP 0 126\r\na=rtpmap:126 telephone-event/8000\r\n";
const std::string kSdes = kHead +
                          "m=audio 4000 RTP/SAVP 8 0 126\r\na=rtpmap:126 telephone-event/8000\r\n"
                          "a=crypto:2 AES_CM_128_HMAC_SHA1_80" +
                          kKey;
const std::string kDtls = kHead +
                          "m=audio 4000 UDP/TLS/RTP/SAVPF 0\r\na=setup:actpass\r\na=fingerprint:sha-256 "
                          "AA:BB\r\n";

// Source: Twilio, "Secure Media"; error and warning dictionary, 32102, 32103, 32207, 32208, 32209.
TEST(CheckMedia, GivesTwiliosNumber) {
    struct Row {
        const char* name;
        std::string offer;
        Transport transport;
        SecureMedia secure_media;
        std::optional<int> code;
    };
    const std::string mki = " inline:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw|2^20|1:4\r\n";
    for (const auto& row :
         {Row{"SRTP by TLS", kSdes, Transport::tls, SecureMedia::on, std::nullopt},
          Row{"SRTP by UDP", kSdes, Transport::udp, SecureMedia::on, 32209},
          Row{"plain by TLS", kPlain, Transport::tls, SecureMedia::on, 32208},
          Row{"plain by TCP", kPlain, Transport::tcp, SecureMedia::on, 32209},
          Row{"a key with an MKI",
              kHead + "m=audio 4000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80" + mki, Transport::tls,
              SecureMedia::on, 32208},
          Row{"another suite", kHead + "m=audio 4000 RTP/SAVP 0\r\na=crypto:1 AEAD_AES_256_GCM" + kKey,
              Transport::tls, SecureMedia::on, 32208},
          Row{"DTLS", kDtls, Transport::tls, SecureMedia::on, 32208},
          Row{"plain, off", kPlain, Transport::udp, SecureMedia::off, std::nullopt},
          Row{"plain by TLS, off", kPlain, Transport::tls, SecureMedia::off, std::nullopt},
          Row{"SRTP, off", kSdes, Transport::tls, SecureMedia::off, 32207},
          Row{"DTLS, off", kDtls, Transport::tls, SecureMedia::off, 32207},
          Row{"no offer", "", Transport::tls, SecureMedia::on, 32103},
          Row{"no SDP", "hello", Transport::tls, SecureMedia::on, 32102},
          Row{"Opus alone", kHead + "m=audio 4000 RTP/AVP 111\r\na=rtpmap:111 opus/48000/2\r\n",
              Transport::udp, SecureMedia::off, 0}}) {
        SCOPED_TRACE(row.name);
        const auto refusal = check_media(row.offer, row.transport, row.secure_media);
        EXPECT_EQ(refusal ? std::optional(refusal->code) : std::nullopt, row.code);
    }
}

TEST(WriteAnswer, FitsItsOffer) {
    for (const auto& offer : {kPlain, kSdes, kSdes + "m=video 4002 RTP/AVP 96\r\n"}) {
        SCOPED_TRACE(offer);
        const auto answer = write_answer(offer, {"127.0.0.1", 10'002, std::string(30, 'k')});
        ASSERT_TRUE(answer);
        const auto verdict = sdp::judge_answer(offer, *answer);
        ASSERT_TRUE(verdict.has_value()) << verdict.error().message;
        EXPECT_TRUE(verdict->good) << (verdict->issues.empty() ? "" : verdict->issues[0].detail);
        ASSERT_TRUE(verdict->answer);
        EXPECT_EQ(verdict->answer->formats.size(), 2U);
        EXPECT_EQ(verdict->answer->port_text, "10002");
    }
    EXPECT_FALSE(write_answer(kHead + "m=audio 4000 RTP/AVP 111\r\na=rtpmap:111 opus/48000/2\r\n", {}));
}

// Source: Twilio, "SIP interface": PCMU, PCMA; "Secure Media": AES_CM_128_HMAC_SHA1_80.
TEST(WriteOffer, HasTheCodecsOfTwilio) {
    for (const auto security : {MediaSecurity::none, MediaSecurity::srtp}) {
        const auto text = write_offer({"127.0.0.1", 10'002, std::string(30, 'k')}, security);
        const auto document = sdp::parse_document(text);
        ASSERT_TRUE(document.has_value()) << document.error().message;
        const auto audio = sdp::audio_facts(*document);
        ASSERT_TRUE(audio);
        std::vector<std::string> codecs;
        for (const auto& format : audio->formats) codecs.push_back(format.codec ? format.codec->text() : "");
        EXPECT_EQ(codecs, (std::vector<std::string>{"PCMU/8000", "PCMA/8000", "telephone-event/8000"}));
        EXPECT_EQ(audio->protocol, security == MediaSecurity::none ? "RTP/AVP" : "RTP/SAVP");
        ASSERT_EQ(audio->crypto.size(), security == MediaSecurity::none ? 0U : 1U);
        if (!audio->crypto.empty()) {
            EXPECT_EQ(audio->crypto[0].suite, "AES_CM_128_HMAC_SHA1_80");
        }
    }
}

}  // namespace
}  // namespace callchain::simulator
