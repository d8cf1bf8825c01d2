// One test per row of the table of cases that the filter must decide, named for the behaviour. The rows come
// from RFC 3264, 3551, 4733, 8866 and 9143, from captures of Meta and Twilio, and from faults of other
// gateways.
#include "sdp/filter.hpp"

#include "sdp/sdp_texts.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace callchain::sdp {
namespace {

using Action = MediaOutcome::Action;
using Outcome = Filtered::Outcome;

/// A result with the text that it borrows from.
struct Run {
    std::string input;
    Result<Filtered> result;

    [[nodiscard]] const std::string& text() const { return result->text; }
};

Run filter(std::string input, const std::string& keep = "PCMU,PCMA,telephone-event") {
    Run run{std::move(input), fail(ErrorCode::internal, "not run")};
    run.result = filter_offer(run.input, *parse_keep_list(keep));
    EXPECT_TRUE(run.result.has_value()) << run.result.error().message;
    return run;
}

Run filter_lines(const std::vector<std::string>& lines,
                 const std::string& keep = "PCMU,PCMA,telephone-event") {
    return filter(sdp_of(lines), keep);
}

/// What the filter makes of these lines below the session part.
void expect_lines(const std::vector<std::string>& lines, const std::vector<std::string>& expected,
                  const std::string& keep = "PCMU,PCMA,telephone-event") {
    const auto run = filter_lines(lines, keep);
    ASSERT_TRUE(run.result.has_value());
    EXPECT_EQ(run.text(), sdp_of(expected));
}

std::vector<Rule> rules_of(const Run& run) {
    std::vector<Rule> rules;
    for (const auto& change : run.result->changes) rules.push_back(change.rule);
    return rules;
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t start = 0; start < text.size();) {
        const auto end = std::min(text.find('\n', start), text.size() - 1) + 1;
        lines.push_back(text.substr(start, end - start));
        start = end;
    }
    return lines;
}

// Row 1.
TEST(FilterOffer, TakesStaticNumbersWithoutAnRtpmap) {
    expect_lines({"m=audio 4000 RTP/AVP 18 0 8"}, {"m=audio 4000 RTP/AVP 0 8"});
}

// Row 2.
TEST(FilterOffer, BelievesTheRtpmapOfAStaticNumber) {
    expect_lines({"m=audio 4000 RTP/AVP 0 8", "a=rtpmap:0 G729/8000"}, {"m=audio 4000 RTP/AVP 8"});
    const auto run = filter_lines({"m=audio 4000 RTP/AVP 0 8", "a=rtpmap:0 G729/8000"});
    EXPECT_EQ(rules_of(run), (std::vector<Rule>{Rule::formats_removed, Rule::static_type_remapped}));
    // As in Asterisk's test of odd rtpmaps: 12, 13 and 16 are something else by the table.
    expect_lines({"m=audio 4000 RTP/AVP 12 13 16", "a=rtpmap:12 G722/8000", "a=rtpmap:13 PCMU/8000",
                  "a=rtpmap:16 PCMA/8000"},
                 {"m=audio 4000 RTP/AVP 13 16", "a=rtpmap:13 PCMU/8000", "a=rtpmap:16 PCMA/8000"});
}

// Row 3.
TEST(FilterOffer, KeepsPcmuUnderADynamicNumberAndTheNumber) {
    expect_lines({"m=audio 4000 RTP/AVP 111 96", "a=rtpmap:111 opus/48000/2", "a=rtpmap:96 PCMU/8000"},
                 {"m=audio 4000 RTP/AVP 96", "a=rtpmap:96 PCMU/8000"});
}

// Row 4.
TEST(FilterOffer, TakesPcmuAtEightKilohertzAndOneChannelOnly) {
    expect_lines({"m=audio 4000 RTP/AVP 96 97 98", "a=rtpmap:96 PCMU/16000", "a=rtpmap:97 PCMU/8000/2",
                  "a=rtpmap:98 PCMU/8000/1"},
                 {"m=audio 4000 RTP/AVP 98", "a=rtpmap:98 PCMU/8000/1"});
    const auto run = filter(read_sample("crafted-pcmu-stereo"));
    EXPECT_EQ(rules_of(run), (std::vector<Rule>{Rule::formats_removed, Rule::codec_other_rate}));
}

// Row 5.
TEST(FilterOffer, ComparesNamesWithoutCase) {
    expect_lines({"m=audio 4000 RTP/AVP 96 97 98", "a=rtpmap:96 pcmu/8000", "a=rtpmap:97 PcMa/8000",
                  "a=rtpmap:98 TELEPHONE-EVENT/8000"},
                 {"m=audio 4000 RTP/AVP 96 97 98", "a=rtpmap:96 pcmu/8000", "a=rtpmap:97 PcMa/8000",
                  "a=rtpmap:98 TELEPHONE-EVENT/8000"});
}

// Row 6.
TEST(FilterOffer, DecidesTheSameNumberByItsOwnStream) {
    expect_lines({"m=audio 4000 RTP/AVP 96", "a=rtpmap:96 opus/48000/2", "m=audio 4002 RTP/AVP 96",
                  "a=rtpmap:96 PCMA/8000"},
                 {"m=audio 0 RTP/AVP 96", "m=audio 4002 RTP/AVP 96", "a=rtpmap:96 PCMA/8000"});
}

// Row 7.
TEST(FilterOffer, KeepsARepeatedNumberOnceAndOneRtpmapOfIt) {
    expect_lines({"m=audio 4000 RTP/AVP 0 0 8 0"}, {"m=audio 4000 RTP/AVP 0 8"});
    expect_lines({"m=audio 4000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/16000",
                  "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15"},
                 {"m=audio 4000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15"});
    expect_lines({"m=audio 4000 RTP/AVP 96", "a=rtpmap:96 opus/48000/2", "a=rtpmap:96 PCMU/8000"},
                 {"m=audio 4000 RTP/AVP 96", "a=rtpmap:96 PCMU/8000"});
    expect_lines({"m=audio 4000 RTP/AVP 96", "a=rtpmap:96 PCMU/8000", "a=rtpmap:96 PCMU/8000"},
                 {"m=audio 4000 RTP/AVP 96", "a=rtpmap:96 PCMU/8000"});
}

// Row 8.
TEST(FilterOffer, RemovesTheDescriptionOfRemovedNumbersOnly) {
    expect_lines({"m=audio 4000 RTP/SAVPF 111 0 126", "a=fmtp:111 useinbandfec=1",
                  "a=rtcp-fb:111 transport-cc", "a=rtcp-fb:* ccm fir", "a=rtcp-fb:0 nack",
                  "a=rtpmap:111 opus/48000/2", "a=rtpmap:126 telephone-event/8000", "a=fmtp:126 0-16"},
                 {"m=audio 4000 RTP/SAVPF 0 126", "a=rtcp-fb:* ccm fir", "a=rtcp-fb:0 nack",
                  "a=rtpmap:126 telephone-event/8000", "a=fmtp:126 0-16"});
    const auto run = filter(read_sample("crafted-attributes-before-rtpmap"));
    EXPECT_NE(run.text().find("a=rtcp-fb:* ccm fir\r\n"), std::string::npos);
    EXPECT_EQ(run.text().find(":111"), std::string::npos);
}

// Row 9.
TEST(FilterOffer, RemovesTheDescriptionOfNumbersThatAreNotThere) {
    expect_lines({"m=audio 4000 RTP/AVP 0 8", "a=rtpmap:97 iLBC/8000", "a=fmtp:97 mode=20",
                  "a=fmtp:18 annexb=no", "a=rtpmap:broken", "a=ptime:20"},
                 {"m=audio 4000 RTP/AVP 0 8", "a=ptime:20"});
}

// Row 10.
TEST(FilterOffer, RemovesEventsAtAnotherClockThanTheVoice) {
    const auto run = filter(read_sample("asterisk-opus-amrwb-ulaw-three-te-rates"));
    EXPECT_NE(run.text().find("m=audio 9000 RTP/AVP 0 103\r\n"), std::string::npos) << run.text();
    EXPECT_EQ(run.text().find("48000"), std::string::npos);
    EXPECT_EQ(run.text().find("fmtp:101"), std::string::npos);
    expect_lines(
        {"m=audio 4000 RTP/AVP 111 110 126", "a=rtpmap:111 opus/48000/2",
         "a=rtpmap:110 telephone-event/48000", "a=rtpmap:126 telephone-event/8000"},
        {"m=audio 4000 RTP/AVP 111 110", "a=rtpmap:111 opus/48000/2", "a=rtpmap:110 telephone-event/48000"},
        "opus,telephone-event");
}

TEST(FilterOffer, KeepsEventsAtAClockThatTheListNames) {
    // Meta and Twilio use telephone-event/8000 beside Opus, against the letter of RFC 4733.
    expect_lines(
        {"m=audio 4000 RTP/SAVP 111 126", "a=rtpmap:111 opus/48000/2", "a=rtpmap:126 telephone-event/8000"},
        {"m=audio 4000 RTP/SAVP 111 126", "a=rtpmap:111 opus/48000/2", "a=rtpmap:126 telephone-event/8000"},
        "opus,telephone-event/8000");
    const auto run = filter_lines({"m=audio 4000 RTP/SAVP 126", "a=rtpmap:126 telephone-event/8000"},
                                  "opus,telephone-event/8000");
    EXPECT_EQ(run.result->outcome, Outcome::no_codec_left) << "a clock by name makes no voice codec of it";
}

// Row 11.
TEST(FilterOffer, RemovesEventsWithoutAUsableClockAndTheirParameters) {
    for (const auto* encoding : {"telephone-event", "telephone-event/", "telephone-event/0",
                                 "telephone-event/101", "telephone-event/x"}) {
        SCOPED_TRACE(encoding);
        const auto run = filter_lines(
            {"m=audio 4000 RTP/AVP 0 101", std::string("a=rtpmap:101 ") + encoding, "a=fmtp:101 0-15"});
        EXPECT_EQ(run.text(), sdp_of({"m=audio 4000 RTP/AVP 0"}));
        EXPECT_EQ(rules_of(run), (std::vector<Rule>{Rule::formats_removed, Rule::event_clock_invalid,
                                                    Rule::attribute_of_removed_format}));
    }
}

// Row 12.
TEST(FilterOffer, KeepsEveryTelephoneEventAtTheRightClock) {
    const std::vector<std::string> lines{"m=audio 4000 RTP/AVP 0 101 102",
                                         "a=rtpmap:101 telephone-event/8000",
                                         "a=rtpmap:102 telephone-event/8000"};
    expect_lines(lines, lines);
}

// Row 13.
TEST(FilterOffer, RemovesDynamicNumbersWithoutAnRtpmap) {
    expect_lines({"m=audio 4000 RTP/AVP 0 101 19", "a=fmtp:101 0-15"}, {"m=audio 4000 RTP/AVP 0"});
    const auto run = filter(read_sample("crafted-te-without-rtpmap"));
    ASSERT_EQ(run.result->media[0].formats.size(), 2U);
    EXPECT_EQ(run.result->media[0].formats[1].removed_by, Rule::format_without_rtpmap);
}

// Row 14.
TEST(FilterOffer, RemovesComfortNoiseUnlessItIsAsked) {
    const std::vector<std::string> lines{"m=audio 4000 RTP/AVP 0 13 118 119", "a=rtpmap:118 CN/16000",
                                         "a=rtpmap:119 cn/8000"};
    expect_lines(lines, {"m=audio 4000 RTP/AVP 0"});
    expect_lines(lines, {"m=audio 4000 RTP/AVP 0 13 119", "a=rtpmap:119 cn/8000"}, "PCMU,CN");
}

// Row 15.
TEST(FilterOffer, TakesAStreamOfEventsOrNoiseOnlyForEmpty) {
    for (const auto* keep : {"PCMU,telephone-event", "PCMU,CN,telephone-event", "telephone-event", "CN"}) {
        SCOPED_TRACE(keep);
        const auto run =
            filter_lines({"m=audio 4000 RTP/AVP 101 13", "a=rtpmap:101 telephone-event/8000"}, keep);
        EXPECT_EQ(run.result->outcome, Outcome::no_codec_left);
        EXPECT_EQ(run.text(), sdp_of({"m=audio 0 RTP/AVP 101"}));
    }
}

// Row 16.
TEST(FilterOffer, RemovesRedundancyOfWhatGoes) {
    const auto run = filter(read_sample("crafted-red-of-removed"));
    EXPECT_NE(run.text().find("m=audio 4000 RTP/AVP 0\r\n"), std::string::npos);
    const std::vector<std::string> lines{"m=audio 4000 RTP/AVP 96 97 0 98 99",
                                         "a=rtpmap:96 red/8000",
                                         "a=fmtp:96 0/0",
                                         "a=rtpmap:97 red/8000",
                                         "a=fmtp:97 0/3",
                                         "a=rtpmap:98 rtx/8000",
                                         "a=fmtp:98 rtx-time=30;apt=0",
                                         "a=rtpmap:99 ulpfec/90000"};
    expect_lines(lines, {"m=audio 4000 RTP/AVP 0"});
    expect_lines(lines,
                 {"m=audio 4000 RTP/AVP 96 0 98", "a=rtpmap:96 red/8000", "a=fmtp:96 0/0",
                  "a=rtpmap:98 rtx/8000", "a=fmtp:98 rtx-time=30;apt=0"},
                 "PCMU,red,rtx,ulpfec");
    EXPECT_EQ(filter_lines(lines, "red,rtx,ulpfec").result->outcome, Outcome::no_codec_left);
}

// Row 17.
TEST(FilterOffer, LeavesAnEmptiedStreamInPlaceWithOneFormat) {
    expect_lines(
        {"m=audio 4000 RTP/AVP 9 18", "i=wide", "b=AS:64", "a=mid:a", "a=rtpmap:9 G722/8000", "a=ptime:20",
         "m=audio 4002 RTP/AVP 0 9", "a=sendrecv"},
        {"m=audio 0 RTP/AVP 9", "i=wide", "b=AS:64", "a=mid:a", "m=audio 4002 RTP/AVP 0", "a=sendrecv"});
    EXPECT_EQ(filter_lines({"m=audio 4000 RTP/AVP 9", "m=audio 4002 RTP/AVP 0"}).result->outcome,
              Outcome::audio_left);
}

// Row 18.
TEST(FilterOffer, SaysWhenNoAudioIsLeft) {
    EXPECT_EQ(filter_lines({"m=audio 4000 RTP/AVP 9", "m=audio 4002 RTP/AVP 18"}).result->outcome,
              Outcome::no_codec_left);
    EXPECT_EQ(filter(read_sample("meta-live-2026-10-02")).result->outcome, Outcome::no_codec_left);
    EXPECT_EQ(filter_lines({}).result->outcome, Outcome::no_audio);
    EXPECT_EQ(filter_lines({"m=video 4000 RTP/AVP 31"}).result->outcome, Outcome::no_audio);
    EXPECT_EQ(filter_lines({"m=audio 0 RTP/AVP 0"}).result->outcome, Outcome::no_audio);
}

// Row 19.
TEST(FilterOffer, RefusesOtherMediaInPlace) {
    expect_lines(
        {"m=video 5000 RTP/AVP 96 97", "a=rtpmap:96 VP8/90000", "m=audio 4000 RTP/AVP 0",
         "m=image 4004 udptl t38", "a=T38FaxVersion:0", "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
         "m=text 6000 RTP/AVP 98", "m=message 7000 TCP/MSRP *", "m=audio 4006 udp pcm"},
        {"m=video 0 RTP/AVP 96", "m=audio 4000 RTP/AVP 0", "m=image 0 udptl t38",
         "m=application 0 UDP/DTLS/SCTP webrtc-datachannel", "m=text 0 RTP/AVP 98", "m=message 0 TCP/MSRP *",
         "m=audio 0 udp pcm"});
}

// Row 20.
TEST(FilterOffer, CopiesWhatIsAtPortZeroButRefusesBundleOnly) {
    expect_lines({"m=audio 0 RTP/AVP 9 18", "a=rtpmap:9 G722/8000", "m=audio 4000 RTP/AVP 0"},
                 {"m=audio 0 RTP/AVP 9 18", "a=rtpmap:9 G722/8000", "m=audio 4000 RTP/AVP 0"});
    const auto run = filter(std::string(kSession) +
                            "a=group:BUNDLE 0 1 2\r\nm=audio 4000 RTP/AVP 0\r\na=mid:0\r\nm=video 0 RTP/AVP "
                            "31\r\na=mid:1\r\na=bundle-only\r\n"
                            "m=audio 4002 RTP/AVP 8\r\na=mid:2\r\n");
    EXPECT_EQ(
        run.text(),
        std::string(kSession) +
            "a=group:BUNDLE 0 2\r\nm=audio 4000 RTP/AVP 0\r\na=mid:0\r\nm=video 0 RTP/AVP 31\r\na=mid:1\r\n"
            "m=audio 4002 RTP/AVP 8\r\na=mid:2\r\n");
    EXPECT_EQ(run.result->media[1].reason, Rule::bundle_only_refused);
}

// Row 21.
TEST(FilterOffer, MendsGroups) {
    const auto with_group = [](const std::string& group, const std::string& last) {
        return std::string(kSession) + group +
               "m=video 5000 RTP/AVP 31\r\na=mid:v\r\nm=audio 4000 RTP/AVP 0\r\na=mid:a\r\n" + last;
    };
    const std::string refused = "m=video 0 RTP/AVP 31\r\na=mid:v\r\nm=audio 4000 RTP/AVP 0\r\na=mid:a\r\n";
    const std::string second = "m=audio 4002 RTP/AVP 8\r\na=mid:b\r\n";
    // The tag goes: the next one stands first.
    EXPECT_EQ(filter(with_group("a=group:BUNDLE v a b\r\n", second)).text(),
              std::string(kSession) + "a=group:BUNDLE a b\r\n" + refused + second);
    EXPECT_EQ(filter(with_group("a=group:BUNDLE a v\r\na=group:LS a v b\n", second)).text(),
              std::string(kSession) + "a=group:LS a b\n" + refused + second);
    // A name that no stream has.
    EXPECT_EQ(filter(with_group("a=group:BUNDLE v a x b\r\n", second)).text(),
              std::string(kSession) + "a=group:BUNDLE a b\r\n" + refused + second);
    // Nobody left it.
    const auto alone =
        std::string(kSession) + "a=group:BUNDLE audio\r\nm=audio 4000 RTP/AVP 0\r\na=mid:audio\r\n";
    EXPECT_EQ(filter(alone).text(), alone);
    const auto run = filter(read_sample("crafted-bundle-tag-rejected"));
    EXPECT_EQ(run.text().find("a=group"), std::string::npos);
    EXPECT_EQ(run.result->changes.front().rule, Rule::group_dropped);
}

// Row 22.
TEST(FilterOffer, LeavesCryptoLinesAlone) {
    const auto run = filter(read_sample("synthetic-meta-sdes-opus-pcma-pcmu"));
    EXPECT_NE(run.text().find(
                  "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw\r\n"),
              std::string::npos);
    EXPECT_NE(run.text().find("m=audio 3480 RTP/SAVP 8 0 126\r\n"), std::string::npos);
    const std::vector<std::string> lines{"m=audio 4000 RTP/SAVP 0",
                                         "a=crypto:1 AES_AWESOME inline:AAAA|2^20|1:4",
                                         "a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:BBBB"};
    expect_lines(lines, lines);
}

// Row 23.
TEST(FilterOffer, NeverRewritesTheProfile) {
    for (const std::string profile :
         {"RTP/AVP", "RTP/AVPF", "RTP/SAVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF"}) {
        SCOPED_TRACE(profile);
        expect_lines({"m=audio 4000 " + profile + " 18 0"}, {"m=audio 4000 " + profile + " 0"});
        expect_lines({"m=audio 4000 " + profile + " 18"}, {"m=audio 0 " + profile + " 18"});
    }
}

// Row 24.
TEST(FilterOffer, KeepsWhatDescribesTheWholeStream) {
    const std::vector<std::string> rest{
        "a=ptime:20",   "a=maxptime:40", "a=sendrecv",       "b=AS:64",
        "a=mid:audio",  "a=msid:x y",    "a=ssrc:1 cname:x", "a=rtcp:9 IN IP4 0.0.0.0",
        "a=rtcp-mux",   "a=rtcp-rsize",  "a=extmap:1 urn:x", "a=setup:actpass",
        "a=ice-ufrag:x"};
    std::vector<std::string> lines{"m=audio 4000 RTP/SAVPF 9 0"};
    std::vector<std::string> expected{"m=audio 4000 RTP/SAVPF 0"};
    lines.insert(lines.end(), rest.begin(), rest.end());
    expected.insert(expected.end(), rest.begin(), rest.end());
    expect_lines(lines, expected);
}

// Row 25.
TEST(FilterOffer, RemovesRidsAndSimulcastOfRemovedNumbers) {
    expect_lines({"m=audio 4000 RTP/SAVPF 96 0", "a=rtpmap:96 opus/48000/2", "a=rid:1 send pt=96",
                  "a=rid:2 send pt=0", "a=rid:3 send max-br=1;pt=0,96", "a=simulcast:send 1;~2"},
                 {"m=audio 4000 RTP/SAVPF 0", "a=rid:2 send pt=0"});
    const std::vector<std::string> untouched{"m=audio 4000 RTP/SAVPF 0", "a=rid:2 send pt=0", "a=rid:3 send",
                                             "a=simulcast:send 2;3"};
    expect_lines(untouched, untouched);
}

// Row 26.
TEST(FilterOffer, LeavesTheOriginAloneAndGivesTheSameBytesAgain) {
    const auto input = read_sample("synthetic-meta-sdes-opus-pcma-pcmu");
    const auto first = filter(input);
    const auto second = filter(input);
    EXPECT_EQ(first.text(), second.text());
    EXPECT_NE(first.text().find("o=- 1746659966980 2 IN IP4 127.0.0.1\r\n"), std::string::npos);
}

// Row 27.
TEST(FilterOffer, KeepsTheLineEndOfEachLine) {
    const std::string input =
        "v=0\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 9 0\na=ptime:20\r\na=rtpmap:9 G722/8000\na=sendrecv";
    EXPECT_EQ(filter(input).text(),
              "v=0\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\na=ptime:20\r\na=sendrecv");
}

// Row 28; tests/sdp/document_test.cpp has the whole list.
TEST(FilterOffer, RefusesTailsNulAndASecondDescription) {
    for (const auto& text :
         {read_sample("crafted-trailing-garbage"), read_sample("crafted-cr-only"),
          std::string(kSession) + "v=0\r\n", std::string(kSession) + std::string("a=\0\r\n", 5)}) {
        const auto got = filter_offer(text, default_keep_list());
        ASSERT_FALSE(got.has_value());
        EXPECT_EQ(got.error().code, ErrorCode::bad_input);
    }
}

// Row 29.
TEST(FilterOffer, RefusesStreamsWithoutAddressFormatsOrPort) {
    for (const auto& text :
         {read_sample("crafted-empty-fmt-list"), read_sample("gupshup-whatsapp-rtp-avp-masked"),
          read_sample("livekit-to-meta-sdes-g711-offer"), std::string("v=0\r\nm=audio 4000 RTP/AVP 0\r\n")}) {
        const auto got = filter_offer(text, default_keep_list());
        ASSERT_FALSE(got.has_value());
        EXPECT_EQ(got.error().code, ErrorCode::bad_input);
    }
}

// Row 30: the offer then comes in the 200, and is filtered as any other; nothing must take no body for an
// empty offer.
TEST(FilterOffer, TakesNoBodyForNoOffer) {
    const auto got = filter_offer(read_sample("crafted-empty"), default_keep_list());
    ASSERT_FALSE(got.has_value());
    EXPECT_NE(got.error().hint.find("an INVITE without a body carries no offer"), std::string::npos)
        << got.error().hint;
}

// Row 31.
TEST(FilterAnswer, RemovesFormatsThatWereNotOffered) {
    const auto offer_text = sdp_of({"m=audio 4000 RTP/SAVP 111 8 0 126", "a=rtpmap:111 opus/48000/2",
                                    "a=rtpmap:126 telephone-event/8000"});
    const auto offer = parse_document(offer_text);
    ASSERT_TRUE(offer.has_value());
    // What a gateway gets that wrote `0 8 101` into the offer: 101 means nothing to the caller.
    const auto answer = sdp_of({"m=audio 5000 RTP/SAVP 0 101 111 126", "a=rtpmap:0 PCMU/8000",
                                "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-16",
                                "a=rtpmap:111 iLBC/8000", "a=rtpmap:126 telephone-event/8000"});
    const auto filtered = filter_answer(answer, *offer);
    ASSERT_TRUE(filtered.has_value()) << filtered.error().message;
    EXPECT_EQ(filtered->text, sdp_of({"m=audio 5000 RTP/SAVP 0 126", "a=rtpmap:0 PCMU/8000",
                                      "a=rtpmap:126 telephone-event/8000"}));
    EXPECT_EQ(filtered->outcome, Outcome::audio_left);
    EXPECT_EQ(filtered->media[0].formats[1].removed_by, Rule::format_not_offered);
}

TEST(FilterAnswer, LeavesTwiliosAnswersToMetaAlone) {
    for (const auto* name : {"twilio-answer-to-meta-sdes-doc-1", "twilio-answer-to-meta-sdes-doc-2"}) {
        SCOPED_TRACE(name);
        const auto offer_text = read_sample("meta-uic-sdes-offer-doc");
        const auto offer = parse_document(offer_text);
        ASSERT_TRUE(offer.has_value());
        const auto answer = read_sample(name);
        const auto filtered = filter_answer(answer, *offer);
        ASSERT_TRUE(filtered.has_value()) << filtered.error().message;
        EXPECT_EQ(filtered->text, answer);
    }
}

// Row 32.
TEST(FilterAnswer, SaysWhenTheAudioIsRefused) {
    const auto offer_text = sdp_of({"m=audio 4000 RTP/AVP 0"});
    const auto offer = parse_document(offer_text);
    const auto refused = sdp_of({"m=audio 0 RTP/AVP 0"});
    EXPECT_EQ(filter_answer(refused, *offer)->outcome, Outcome::no_audio);
    const auto strange = sdp_of({"m=audio 5000 RTP/AVP 8"});
    EXPECT_EQ(filter_answer(strange, *offer)->outcome, Outcome::no_codec_left);
    const auto more = sdp_of({"m=audio 5000 RTP/AVP 0", "m=audio 5002 RTP/AVP 0"});
    EXPECT_EQ(filter_answer(more, *offer)->text, sdp_of({"m=audio 5000 RTP/AVP 0", "m=audio 0 RTP/AVP 0"}));
}

TEST(FilterOffer, ReadsRtpmapLinesAsLenientReadersDo) {
    for (const auto* line : {"a=rtpmap:0\tG729/8000", "a=RTPMAP:0 G729/8000", "a=rtpmap :0 G729/8000",
                             "a= rtpmap: 0 G729/8000", "a=rtpmap:0"}) {
        SCOPED_TRACE(line);
        expect_lines({"m=audio 4000 RTP/AVP 0 8", line}, {"m=audio 4000 RTP/AVP 8"});
    }
}

TEST(FilterOffer, RemovesEventsWithTwoChannels) {
    expect_lines({"m=audio 4000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000/2"},
                 {"m=audio 4000 RTP/AVP 0"});
}

TEST(FilterOffer, FindsNamesOfStreamsWithBlanksBehindThem) {
    const std::string session = std::string(kSession) + "a=group:BUNDLE audio v x\r\n";
    const std::string audio = "m=audio 4000 RTP/AVP 0\r\na=mid:audio \r\n";
    const std::string second = "m=audio 4002 RTP/AVP 8\r\na=mid:x\r\n";
    EXPECT_EQ(filter(session + audio + "m=video 5000 RTP/AVP 31\r\na=mid:v\r\n" + second).text(),
              std::string(kSession) + "a=group:BUNDLE audio x\r\n" + audio +
                  "m=video 0 RTP/AVP 31\r\na=mid:v\r\n" + second);
}

TEST(FilterOffer, TakesEmptyLinesOffTheEnd) {
    const auto run = filter(sdp_of({"m=audio 4000 RTP/AVP 0"}) + "\r\n\n");
    EXPECT_EQ(run.text(), sdp_of({"m=audio 4000 RTP/AVP 0"}));
    EXPECT_EQ(rules_of(run), (std::vector<Rule>{Rule::empty_line_removed, Rule::empty_line_removed}));
}

TEST(FilterAnswer, KnowsEveryMeaningThatTheOfferGaveANumber) {
    const auto offer_text = sdp_of({"m=audio 4000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/16000",
                                    "a=rtpmap:101 telephone-event/8000"});
    const auto offer = parse_document(offer_text);
    const auto answer = sdp_of({"m=audio 5000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000"});
    EXPECT_EQ(filter_answer(answer, *offer)->text, answer);
}

TEST(FilterAnswer, TakesTheMeaningOfANumberFromTheOfferWhereTheAnswerHasNone) {
    const auto offer_text = sdp_of({"m=audio 4000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000"});
    const auto offer = parse_document(offer_text);
    const auto answer = sdp_of({"m=audio 5000 RTP/AVP 0 101", "a=fmtp:101 0-15"});
    EXPECT_EQ(filter_answer(answer, *offer)->text, answer);
}

TEST(FilterOffer, NeverInventsWhatMetaDidNotOffer) {
    const auto run = filter(read_sample("meta-live-2026-10-02"));
    EXPECT_NE(run.text().find("m=audio 0 UDP/TLS/RTP/SAVPF 111\r\n"), std::string::npos) << run.text();
    EXPECT_EQ(run.text().find("RTP/SAVPF 0"), std::string::npos);
    EXPECT_EQ(run.text().find("telephone-event"), std::string::npos);
}

TEST(FilterOffer, LetsTheListDecideWhatPasses) {
    const auto run = filter(read_sample("chrome-audio-video-bundle"), "opus/48000/2,telephone-event");
    EXPECT_NE(run.text().find("m=audio 9 UDP/TLS/RTP/SAVPF 111 110\r\n"), std::string::npos) << run.text();
    const auto none = filter(read_sample("chrome-audio-video-bundle"), "AMR");
    EXPECT_EQ(none.result->outcome, Outcome::no_codec_left);
}

TEST(FilterOffer, NumbersTheLinesThatItChanged) {
    const auto run = filter_lines({"m=audio 4000 RTP/AVP 9 0", "a=rtpmap:9 G722/8000"});
    ASSERT_EQ(run.result->changes.size(), 2U);
    EXPECT_EQ(run.result->changes[0].line, 6U);
    EXPECT_EQ(run.result->changes[0].before, "m=audio 4000 RTP/AVP 9 0\r\n");
    EXPECT_EQ(run.result->changes[0].after, "m=audio 4000 RTP/AVP 0\r\n");
    EXPECT_EQ(run.result->changes[1].line, 7U);
    EXPECT_EQ(run.result->changes[1].after, "");
}

/// What must hold of every run: said of the samples here, of generated texts in property_test.cpp.
void expect_promises(const std::string& input, const std::string& keep) {
    const auto run = filter(input, keep);
    ASSERT_TRUE(run.result.has_value());
    const auto again = filter(run.text(), keep);
    ASSERT_TRUE(again.result.has_value());
    EXPECT_EQ(again.text(), run.text());
    EXPECT_TRUE(again.result->changes.empty());
    const auto before = lines_of(input);
    const auto after = lines_of(run.text());
    // Every line of the result is an untouched line of the input, in order, or one that a change accounts
    // for.
    std::size_t next = 0;
    std::size_t change = 0;
    for (std::size_t i = 0; i < before.size(); ++i) {
        const auto& changes = run.result->changes;
        if (change < changes.size() && changes[change].line == i + 1) {
            EXPECT_EQ(changes[change].before, before[i]);
            if (!changes[change].after.empty()) {
                EXPECT_EQ(after[next++], changes[change].after);
            }
            ++change;
        } else {
            ASSERT_LT(next, after.size());
            EXPECT_EQ(after[next++], before[i]);
        }
    }
    EXPECT_EQ(next, after.size());
    EXPECT_EQ(change, run.result->changes.size());
}

TEST(FilterOffer, KeepsItsPromisesOnEverySample) {
    std::size_t filtered = 0;
    for (const auto& name : sample_names()) {
        const auto input = read_sample(name);
        if (!parse_document(input)) continue;
        ++filtered;
        for (const auto* keep : {"PCMU,PCMA,telephone-event", "opus,telephone-event/8000",
                                 "G722,CN,red,telephone-event", "nothing"}) {
            SCOPED_TRACE(name + " with " + keep);
            expect_promises(input, keep);
        }
    }
    EXPECT_GE(filtered, 45U);
}

}  // namespace
}  // namespace callchain::sdp
