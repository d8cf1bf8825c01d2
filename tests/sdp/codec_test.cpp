#include "sdp/codec.hpp"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace callchain::sdp {
namespace {

TEST(ParseRtpmap, ReadsNameClockAndChannels) {
    struct Row {
        std::string value;
        Codec codec;
    };
    for (const auto& row :
         {Row{"111 opus/48000/2", {"opus", 48000, 2}}, Row{"0 PCMU/8000", {"PCMU", 8000, 1}},
          Row{"0 PCMU/8000/1", {"PCMU", 8000, 1}}, Row{"101 telephone-event", {"telephone-event", 0, 1}},
          Row{"101 telephone-event/", {"telephone-event", 0, 1}},
          Row{"101 telephone-event/x", {"telephone-event", 0, 1}}, Row{"96 X/8000/", {"X", 8000, 0}},
          Row{" 96  X/8000 ", {"X", 8000, 1}}, Row{"96\tX/8000", {"X", 8000, 1}}, Row{"0", {"", 0, 1}},
          Row{"96 X/99999999999999999999", {"X", 0, 1}}}) {
        SCOPED_TRACE(row.value);
        const auto map = parse_rtpmap(row.value);
        ASSERT_TRUE(map.has_value());
        EXPECT_EQ(map->codec.name, row.codec.name);
        EXPECT_EQ(map->codec.clock, row.codec.clock);
        EXPECT_EQ(map->codec.channels, row.codec.channels);
    }
    for (const auto* value : {"", "PCMU/8000", "128 X/8000", "00 PCMU/8000", "-1 X/8000", "1x X/8000"}) {
        EXPECT_FALSE(parse_rtpmap(value).has_value()) << value;
    }
}

// RFC 3551 section 6, table 4.
TEST(StaticAudioCodec, FollowsTheTableOfRfc3551) {
    EXPECT_TRUE(static_audio_codec(0)->same_as({"pcmu", 8000, 1}));
    EXPECT_TRUE(static_audio_codec(8)->same_as({"PCMA", 8000, 1}));
    EXPECT_TRUE(static_audio_codec(9)->same_as({"G722", 8000, 1}));
    EXPECT_TRUE(static_audio_codec(10)->same_as({"L16", 44100, 2}));
    EXPECT_TRUE(static_audio_codec(13)->same_as({"CN", 8000, 1}));
    EXPECT_TRUE(static_audio_codec(18)->same_as({"G729", 8000, 1}));
    for (const int open : {1, 2, 19, 25, 31, 34, 96, 101, 127}) {
        EXPECT_FALSE(static_audio_codec(static_cast<std::uint8_t>(open)).has_value()) << open;
    }
}

TEST(KeepList, MeansByANameWhatTheNameIsRegisteredWith) {
    struct Row {
        std::string list;
        Codec codec;
        bool kept;
    };
    for (const auto& row : {Row{"PCMU", {"pcmu", 8000, 1}, true},
                            Row{"PCMU", {"PCMU", 16000, 1}, false},
                            Row{"PCMU", {"PCMU", 8000, 2}, false},
                            Row{"PCMU/8000", {"PCMU", 8000, 1}, true},
                            Row{"PCMU/8000", {"PCMU", 8000, 2}, false},
                            Row{"PCMU/8000/2", {"PCMU", 8000, 2}, true},
                            Row{"PCMU/16000", {"PCMU", 16000, 1}, true},
                            Row{"opus", {"opus", 48000, 2}, true},
                            Row{"OPUS/48000", {"opus", 48000, 2}, true},
                            Row{"opus/48000/2", {"opus", 48000, 2}, true},
                            Row{"opus/48000/1", {"opus", 48000, 2}, false},
                            Row{"opus", {"opus", 48000, 1}, false},
                            Row{"speex", {"speex", 16000, 1}, true},
                            Row{"speex", {"speex", 8000, 1}, true},
                            Row{"speex/8000", {"speex", 16000, 1}, false},
                            Row{"telephone-event", {"telephone-event", 48000, 1}, true},
                            Row{"telephone-event", {"telephone-event", 0, 1}, false},
                            Row{"L16/44100/2", {"L16", 44100, 2}, true},
                            Row{"X", {"X", 8000, 0}, false},
                            Row{"X", {"X", 8000, 2}, false},
                            Row{"X/8000/2", {"X", 8000, 2}, true},
                            Row{"telephone-event", {"telephone-event", 8000, 2}, false},
                            Row{"red", {"red", 48000, 2}, true},
                            Row{"L16", {"L16", 44100, 2}, false},
                            Row{"L16", {"L16", 44100, 1}, true},
                            Row{" PCMA , PCMU ", {"PCMU", 8000, 1}, true}}) {
        SCOPED_TRACE(row.list + " and " + row.codec.text());
        const auto list = parse_keep_list(row.list);
        ASSERT_TRUE(list.has_value()) << list.error().message;
        EXPECT_EQ(list->takes(row.codec), row.kept);
    }
}

TEST(KeepList, NamesAClockInWhateverOrder) {
    for (const auto* text :
         {"telephone-event,telephone-event/8000", "telephone-event/8000,telephone-event"}) {
        SCOPED_TRACE(text);
        const auto list = parse_keep_list(text);
        EXPECT_TRUE(list->names_clock_of({"telephone-event", 8000, 1}));
        EXPECT_FALSE(list->names_clock_of({"telephone-event", 48000, 1}));
    }
}

TEST(ParseKeepList, SaysWhatIsWrong) {
    for (const auto& [list, message] : std::vector<std::pair<std::string, std::string>>{
             {"", "names no codec"},
             {"PCMU,", "names no codec"},
             {",PCMU", "names no codec"},
             {"PCMU PCMA", "is not the name of a codec"},
             {"PCMU;PCMA", "is not the name of a codec"},
             {"0,8", "is a payload type number"},
             {"PCMU/", "has no clock rate"},
             {"PCMU/fast", "has no clock rate"},
             {"PCMU/0", "has no clock rate"},
             {"PCMU/8000/x", "has no number of channels"},
             {"PCMU/8000/0", "has no number of channels"},
             {"PCMU/8000/1/2", "has more than name/clock/channels"}}) {
        SCOPED_TRACE(list);
        const auto got = parse_keep_list(list);
        ASSERT_FALSE(got.has_value());
        EXPECT_EQ(got.error().code, ErrorCode::usage);
        EXPECT_NE(got.error().message.find(message), std::string::npos) << got.error().message;
    }
}

}  // namespace
}  // namespace callchain::sdp
