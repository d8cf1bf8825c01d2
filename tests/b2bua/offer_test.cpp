#include "b2bua/offer.hpp"

#include "base/text.hpp"
#include "sdp/answer.hpp"
#include "sdp/document.hpp"
#include "sdp/sdp_texts.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace callchain::b2bua {
namespace {

CallSettings settings(sdp::SecureMedia secure_media = sdp::SecureMedia::on) {
    CallSettings settings;
    settings.secure_media = secure_media;
    settings.advertised_host = "gw.example.com";
    settings.domain = "example.sip.twilio.com";
    return settings;
}

// RFC 3261 section 25.1: warn-code SP warn-agent SP DQUOTE *(qdtext) DQUOTE.
void expect_warning(const std::string& warning) {
    ASSERT_GT(warning.size(), 20U) << warning;
    EXPECT_TRUE(parse_decimal(warning.substr(0, 3)).has_value()) << warning;
    EXPECT_EQ(warning.substr(3, 16), " gw.example.com ") << warning;
    EXPECT_EQ(warning[19], '"') << warning;
    EXPECT_EQ(warning.back(), '"') << warning;
    EXPECT_EQ(warning.substr(20, warning.size() - 21).find_first_of("\"\\\r\n"), std::string::npos)
        << warning;
}

TEST(DecideOffer, SendsOnWhatCanWork) {
    const auto offer = sdp::read_sample("synthetic-meta-sdes-opus-pcma-pcmu");
    const auto got = decide_offer(offer, "application/sdp", Leg::a, settings());
    ASSERT_TRUE(got.sdp.has_value()) << got.refusal->detail;
    EXPECT_FALSE(got.refusal.has_value());
    EXPECT_EQ(got.sdp->find("opus"), std::string::npos);
    EXPECT_NE(got.sdp->find("a=crypto:1 AES_CM_128_HMAC_SHA1_80"), std::string::npos);
    EXPECT_EQ(got.codecs.size(), 3U) << join(got.codecs, " ");
}

TEST(DecideOffer, RefusesWhatCannotWorkAndNamesTheSetting) {
    struct Row {
        const char* name;
        const char* sample;
        sdp::SecureMedia secure_media;
        const char* setting;
    };
    using enum sdp::SecureMedia;
    for (const auto& row : {
             Row{"Meta's default: DTLS", "meta-live-2026-10-02", on, "srtp_key_exchange_protocol"},
             Row{"Opus alone", "synthetic-meta-sdes-opus", on, "additional_codecs"},
             Row{"SDES, Secure Media off", "synthetic-meta-sdes-opus-pcma-pcmu", off, "Secure Media"},
             Row{"plain RTP, Secure Media on", "rfc3264-10-1-1", on, "Secure Media"},
         }) {
        SCOPED_TRACE(row.name);
        const auto got =
            decide_offer(sdp::read_sample(row.sample), std::nullopt, Leg::a, settings(row.secure_media));
        ASSERT_TRUE(got.refusal.has_value());
        EXPECT_FALSE(got.sdp.has_value());
        EXPECT_EQ(got.refusal->status, 488);
        expect_warning(got.refusal->warning);
        EXPECT_NE(got.refusal->warning.find(row.setting), std::string::npos) << got.refusal->warning;
        EXPECT_TRUE(got.refusal->code.starts_with("sdp_")) << got.refusal->code;
        EXPECT_FALSE(got.refusal->remedy.empty());
    }
}

TEST(DecideOffer, NamesEverySettingThatStops) {
    const auto got = decide_offer(sdp::read_sample("meta-live-2026-10-02"), std::nullopt, Leg::a,
                                  settings(sdp::SecureMedia::off));
    ASSERT_TRUE(got.refusal.has_value());
    EXPECT_NE(got.refusal->remedy.find("srtp_key_exchange_protocol"), std::string::npos)
        << got.refusal->remedy;
    EXPECT_NE(got.refusal->remedy.find("Secure Media"), std::string::npos) << got.refusal->remedy;
}

TEST(DecideOffer, OfTheCalledSideNamesItsOwnSetting) {
    const auto plain = sdp::sdp_of({"m=audio 11000 RTP/AVP 0", "a=rtpmap:0 PCMU/8000"});
    const auto got = decide_offer(plain, std::nullopt, Leg::b, settings());
    ASSERT_TRUE(got.refusal.has_value());
    EXPECT_EQ(got.refusal->status, 488);
    expect_warning(got.refusal->warning);
    EXPECT_NE(got.refusal->warning.find("Secure Media"), std::string::npos) << got.refusal->warning;
    EXPECT_EQ(got.refusal->warning.find("TwiML"), std::string::npos) << got.refusal->warning;
}

TEST(DecideOffer, TakesAFewStreamsAndNotThousands) {
    const auto offer = sdp::read_sample("synthetic-meta-sdes-opus-pcma-pcmu");
    std::string streams;
    for (int at = 0; at < 15; ++at) streams += "m=video 0 RTP/AVP 31\r\n";
    EXPECT_TRUE(decide_offer(offer + streams, std::nullopt, Leg::a, settings()).sdp.has_value());
    const auto got =
        decide_offer(offer + streams + "m=video 0 RTP/AVP 31\r\n", std::nullopt, Leg::a, settings());
    ASSERT_TRUE(got.refusal.has_value());
    EXPECT_EQ(got.refusal->status, 400);
}

TEST(DecideOffer, RefusesOtherBodies) {
    const auto offer = sdp::read_sample("synthetic-meta-sdes-opus-pcma-pcmu");
    EXPECT_EQ(decide_offer(offer, "text/plain", Leg::a, settings()).refusal->status, 415);
    EXPECT_EQ(decide_offer("nonsense", "application/sdp", Leg::a, settings()).refusal->status, 400);
    EXPECT_TRUE(decide_offer(offer, "Application/SDP;charset=utf-8", Leg::a, settings()).sdp.has_value());
}

// Meta's offer as it leaves for Twilio, and Twilio's answer to one of Meta's.
struct Exchange {
    std::string offer;
    std::string answer;
};
Exchange exchange() {
    Exchange both;
    both.offer = *decide_offer(sdp::read_sample("synthetic-meta-sdes-opus-pcma-pcmu"), std::nullopt, Leg::a,
                               settings())
                      .sdp;
    both.answer = sdp::sdp_of({"m=audio 11000 RTP/SAVP 0 126",
                               "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + std::string(40, 'B'),
                               "a=rtpmap:0 PCMU/8000", "a=rtpmap:126 telephone-event/8000"});
    return both;
}

TEST(DecideAnswer, TakesOneThatFits) {
    const auto both = exchange();
    const auto got = decide_answer(both.offer, both.answer, "application/sdp", settings());
    ASSERT_TRUE(got.sdp.has_value()) << got.refusal->detail;
    EXPECT_EQ(got.codecs, (std::vector<std::string>{"PCMU/8000", "telephone-event/8000"}));
    EXPECT_EQ(*got.sdp, both.answer);
}

TEST(DecideAnswer, RefusesOneThatDoesNotWith488) {
    const auto both = exchange();
    struct Row {
        const char* name;
        std::string answer;
        std::optional<std::string_view> type;
    };
    for (const auto& row : {
             Row{"another key's tag", replace_all(both.answer, "crypto:1", "crypto:2"), std::nullopt},
             Row{"no key",
                 replace_all(both.answer,
                             "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + std::string(40, 'B') + "\r\n",
                             ""),
                 std::nullopt},
             Row{"plain RTP", replace_all(both.answer, "RTP/SAVP", "RTP/AVP"), std::nullopt},
             Row{"port 0", replace_all(both.answer, "11000", "0"), std::nullopt},
             Row{"a codec that was not offered",
                 replace_all(replace_all(both.answer, "SAVP 0 126", "SAVP 9"), "a=rtpmap:0 PCMU/8000\r\n",
                             ""),
                 std::nullopt},
             Row{"nothing", "", std::nullopt},
             Row{"no SDP", both.answer, "text/plain"},
         }) {
        SCOPED_TRACE(row.name);
        const auto got = decide_answer(both.offer, row.answer, row.type, settings());
        ASSERT_TRUE(got.refusal.has_value());
        EXPECT_EQ(got.refusal->status, 488);
        expect_warning(got.refusal->warning);
        EXPECT_EQ(got.refusal->warning.find(std::string(40, 'B')), std::string::npos);
        EXPECT_EQ(got.refusal->detail.find(std::string(40, 'B')), std::string::npos);
    }
}

TEST(SameSession, IgnoresWhatMovesNoPacket) {
    const auto standing =
        sdp::sdp_of({"m=audio 4000 RTP/SAVP 0 101", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA",
                     "a=rtpmap:101 telephone-event/8000", "a=ptime:20"});
    struct Row {
        const char* name;
        std::string offer;
        bool same;
    };
    const auto changed = [&](std::string_view from, std::string_view to) {
        return replace_all(standing, from, to);
    };
    for (const auto& row : {
             Row{"the same", standing, true},
             Row{"another version in o=", changed("o=- 1 1", "o=- 1 2"), true},
             Row{"the default said", standing + "a=sendrecv\r\n", true},
             Row{"another order of formats", changed("SAVP 0 101", "SAVP 101 0"), true},
             Row{"another order of lines",
                 changed("a=rtpmap:101 telephone-event/8000\r\na=ptime:20",
                         "a=ptime:20\r\na=rtpmap:101 telephone-event/8000"),
                 true},
             Row{"on hold", standing + "a=sendonly\r\n", false},
             Row{"another port", changed("4000", "4002"), false},
             Row{"another key", changed("AAAA", "AAAB"), false},
             Row{"another address", changed("192.0.2.1", "192.0.2.2"), false},
             Row{"another profile", changed("RTP/SAVP", "RTP/AVP"), false},
             Row{"one format less", changed("SAVP 0 101", "SAVP 0"), false},
             Row{"one stream more", standing + "m=video 4004 RTP/AVP 31\r\n", false},
             Row{"no SDP", "nonsense", false},
         }) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(same_session(standing, row.offer), row.same);
    }
}

TEST(SameSession, HoldsForEverySampleAndItself) {
    for (const auto& name : sdp::sample_names()) {
        const auto text = sdp::read_sample(name);
        if (sdp::parse_document(text)) {
            EXPECT_TRUE(same_session(text, text)) << name;
        }
    }
}

RC_GTEST_PROP(SameSession, IsSymmetric, ()) {
    const auto names = sdp::sample_names();
    const auto one = sdp::read_sample(*rc::gen::elementOf(names));
    const auto two = sdp::read_sample(*rc::gen::elementOf(names));
    RC_ASSERT(same_session(one, two) == same_session(two, one));
}

}  // namespace
}  // namespace callchain::b2bua
