#include "b2bua/offer.hpp"

#include "base/text.hpp"
#include "sdp/answer.hpp"
#include "sdp/document.hpp"
#include "sdp/sdp_texts.hpp"

#include <algorithm>
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

// RFC 3261 section 25.1: warn-code SP warn-agent SP DQUOTE *(qdtext) DQUOTE, and all of it UTF-8.
bool is_warning(std::string_view warning) {
    constexpr std::string_view kAgent = " gw.example.com \"";
    if (warning.size() < 3 + kAgent.size() + 2 || warning.back() != '"' || !is_utf8(warning)) return false;
    if (!std::all_of(warning.begin(), warning.begin() + 3, is_ascii_digit)) return false;
    if (warning.substr(3, kAgent.size()) != kAgent) return false;
    const auto text = warning.substr(3 + kAgent.size(), warning.size() - 3 - kAgent.size() - 1);
    return std::none_of(text.begin(), text.end(), [](char c) {
        return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == '\x7F';
    });
}

void expect_warning(const std::string& warning) { EXPECT_TRUE(is_warning(warning)) << warning; }

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

// Its reader is the side that called: Meta takes SRTP alone, whatever the domain of Twilio is set to.
TEST(DecideOffer, OfTheCalledSideIsJudgedForTheCaller) {
    using enum sdp::SecureMedia;
    const auto plain = sdp::read_sample("rfc3264-10-1-1");
    EXPECT_TRUE(decide_offer(plain, std::nullopt, Leg::a, settings(off)).sdp.has_value());
    const auto got = decide_offer(plain, std::nullopt, Leg::b, settings(off));
    ASSERT_TRUE(got.refusal.has_value());
    EXPECT_EQ(got.refusal->status, 488);
    EXPECT_EQ(got.refusal->code, "sdp_plain_rtp");
    auto outward = settings(off);
    outward.direction = sdp::Direction::twilio_to_meta;
    EXPECT_TRUE(decide_offer(plain, std::nullopt, Leg::a, outward).refusal.has_value());
    const auto of_meta = sdp::read_sample("synthetic-meta-sdes-opus-pcma-pcmu");
    EXPECT_EQ(decide_offer(of_meta, std::nullopt, Leg::b, outward).refusal->code, "sdp_secure_media_off");
    outward.secure_media = on;
    EXPECT_TRUE(decide_offer(of_meta, std::nullopt, Leg::b, outward).sdp.has_value());
}

TEST(DecideOffer, OfTwilioIsJudgedForMeta) {
    auto outward = settings();
    outward.direction = sdp::Direction::twilio_to_meta;
    const auto secure =
        decide_offer(sdp::read_sample("twilio-to-meta-sdes-offer-doc"), std::nullopt, Leg::a, outward);
    ASSERT_TRUE(secure.sdp.has_value()) << secure.refusal->detail;
    const auto plain = decide_offer(sdp::read_sample("rfc3264-10-1-1"), std::nullopt, Leg::a, outward);
    ASSERT_TRUE(plain.refusal.has_value());
    EXPECT_EQ(plain.refusal->status, 488);
    EXPECT_EQ(plain.refusal->code, "sdp_plain_rtp");
    expect_warning(plain.refusal->warning);
    EXPECT_NE(plain.refusal->warning.find("secure=true"), std::string::npos) << plain.refusal->warning;
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
    EXPECT_EQ(decide_offer(offer, "multipart/mixed;boundary=x", Leg::a, settings()).refusal->status, 415);
    EXPECT_EQ(decide_offer(offer, "", Leg::a, settings()).refusal->status, 415);
    EXPECT_EQ(decide_offer(offer, "application/sdpx", Leg::a, settings()).refusal->code, "sdp_other_type");
    for (const auto* text : {"nonsense", "", "v=0\r\n\r\nv=0\r\n"}) {
        const auto got = decide_offer(text, "application/sdp", Leg::a, settings());
        ASSERT_TRUE(got.refusal.has_value()) << text;
        EXPECT_EQ(got.refusal->status, 400) << text;
        EXPECT_EQ(got.refusal->code, "sdp_unreadable") << text;
    }
    EXPECT_TRUE(decide_offer(offer, "Application/SDP;charset=utf-8", Leg::a, settings()).sdp.has_value());
    EXPECT_TRUE(decide_offer(offer, " application/sdp ; x=y", Leg::a, settings()).sdp.has_value());
}

CallSettings any_settings() {
    auto any = settings(*rc::gen::element(sdp::SecureMedia::on, sdp::SecureMedia::off));
    any.direction = *rc::gen::element(sdp::Direction::meta_to_twilio, sdp::Direction::twilio_to_meta);
    return any;
}

// A sample with a few bytes of it replaced by any others.
std::string damaged_sample() {
    auto text = sdp::read_sample(*rc::gen::elementOf(sdp::sample_names()));
    for (int times = *rc::gen::inRange(0, 4); times > 0 && !text.empty(); --times)
        text[*rc::gen::inRange<std::size_t>(0, text.size())] = *rc::gen::arbitrary<char>();
    return text;
}

RC_GTEST_PROP(DecideOffer, EitherSendsOnOrRefusesWithAWarningThatCanBeSent, ()) {
    const auto got =
        decide_offer(damaged_sample(), std::nullopt, *rc::gen::element(Leg::a, Leg::b), any_settings());
    RC_ASSERT(got.sdp.has_value() != got.refusal.has_value());
    if (!got.refusal) return;
    RC_ASSERT(got.refusal->status == 400 || got.refusal->status == 488);
    RC_ASSERT(got.refusal->code.starts_with("sdp_"));
    RC_ASSERT(got.refusal->status == 400 || is_warning(got.refusal->warning));
    RC_ASSERT(is_utf8(got.refusal->detail));
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

TEST(DecideAnswer, LeavesOutWhatWasNotOfferedBesideWhatWas) {
    const auto both = exchange();
    const auto got = decide_answer(both.offer, replace_all(both.answer, "SAVP 0 126", "SAVP 0 9 126"),
                                   std::nullopt, settings());
    ASSERT_TRUE(got.sdp.has_value()) << got.refusal->detail;
    EXPECT_EQ(*got.sdp, both.answer);
}

// What Twilio may write between quotes must not end ours.
TEST(DecideAnswer, RefusesInWordsThatFitAWarning) {
    const auto both = exchange();
    for (const std::string text : {"\"", "\\", "\x7F", "\x01", "\xFF\xFE", "\xC3"}) {
        const auto answer = replace_all(both.answer, "RTP/SAVP 0", "RTP/" + text + " 0");
        const auto got = decide_answer(both.offer, answer, std::nullopt, settings());
        ASSERT_TRUE(got.refusal.has_value());
        expect_warning(got.refusal->warning);
    }
}

RC_GTEST_PROP(DecideAnswer, EitherSendsOnOrRefusesWithAWarningThatCanBeSent, ()) {
    const auto of = any_settings();
    const auto offer = damaged_sample();
    const auto got = decide_answer(offer, damaged_sample(), std::nullopt, of);
    RC_ASSERT(got.sdp.has_value() != got.refusal.has_value());
    if (!got.refusal) return;
    RC_ASSERT(got.refusal->status == 488);
    RC_ASSERT(got.refusal->code.starts_with("sdp_"));
    RC_ASSERT(is_warning(got.refusal->warning));
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
             Row{"another title", changed("s=-", "s=call"), true},
             Row{"bare line feeds", replace_all(standing, "\r\n", "\n"), true},
             Row{"the default said for all streams", changed("t=0 0\r\n", "t=0 0\r\na=sendrecv\r\n"), true},
             Row{"on hold", standing + "a=sendonly\r\n", false},
             Row{"on hold by all streams", changed("t=0 0\r\n", "t=0 0\r\na=inactive\r\n"), false},
             Row{"on hold by address", changed("IN IP4 192.0.2.1\r\nt", "IN IP4 0.0.0.0\r\nt"), false},
             Row{"the other family", changed("c=IN IP4 192.0.2.1", "c=IN IP6 2001:db8::1"), false},
             Row{"another tag of the key", changed("crypto:1", "crypto:2"), false},
             Row{"a second key", standing + "a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:BBBB\r\n", false},
             Row{"another packet time", changed("ptime:20", "ptime:40"), false},
             Row{"another meaning of a format", changed("telephone-event/8000", "telephone-event/16000"),
                 false},
             Row{"refused", changed("audio 4000", "audio 0"), false},
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

// A session-wide direction and the same of the one stream are one thing.
TEST(SameSession, SeesADirectionWhereverItStands) {
    const auto of_session =
        replace_all(sdp::sdp_of({"m=audio 4000 RTP/AVP 0"}), "t=0 0\r\n", "t=0 0\r\na=sendonly\r\n");
    EXPECT_TRUE(same_session(of_session, sdp::sdp_of({"m=audio 4000 RTP/AVP 0", "a=sendonly"})));
    EXPECT_TRUE(same_session(of_session + "a=sendrecv\r\n", sdp::sdp_of({"m=audio 4000 RTP/AVP 0"})));
    EXPECT_FALSE(same_session(of_session, sdp::sdp_of({"m=audio 4000 RTP/AVP 0", "a=recvonly"})));
}

// As RFC 4566 wants it of every new description: the version counts up, and nothing else need.
TEST(SameSession, HoldsForEverySampleUnderANewOriginAndForNoneUnderANewPort) {
    for (const auto& name : sdp::sample_names()) {
        SCOPED_TRACE(name);
        const auto text = sdp::read_sample(name);
        const auto document = sdp::parse_document(text);
        if (!document || document->media.empty()) continue;
        std::string origin;
        std::string port;
        for (std::size_t at = 0; at < document->lines.size(); ++at) {
            const auto& line = document->lines[at];
            origin += line.type == 'o' ? "o=- 7 8 IN IP4 198.51.100.9\r\n" : std::string(line.bytes);
            const auto& media = document->media.front();
            const auto head = join({std::string(media.type), std::string(media.port_text), ""}, " ");
            const auto next = join({std::string(media.type), media.port_text == "9" ? "10" : "9", ""}, " ");
            port += at == media.first ? replace_all(line.bytes, head, next) : std::string(line.bytes);
        }
        EXPECT_TRUE(same_session(text, origin));
        EXPECT_NE(port, text);
        EXPECT_FALSE(same_session(text, port));
    }
}

RC_GTEST_PROP(SameSession, IsTransitiveAndSymmetricUnderDamage, ()) {
    const auto one = damaged_sample();
    const auto two = replace_all(one, "s=-", "s=x");
    const auto three = *rc::gen::element(one, two, damaged_sample());
    RC_ASSERT(same_session(one, two) == same_session(two, one));
    RC_ASSERT(same_session(one, three) == same_session(three, one));
    if (same_session(one, two) && same_session(two, three)) RC_ASSERT(same_session(one, three));
}

RC_GTEST_PROP(SameSession, IsSymmetric, ()) {
    const auto names = sdp::sample_names();
    const auto one = sdp::read_sample(*rc::gen::elementOf(names));
    const auto two = sdp::read_sample(*rc::gen::elementOf(names));
    RC_ASSERT(same_session(one, two) == same_session(two, one));
}

}  // namespace
}  // namespace callchain::b2bua
