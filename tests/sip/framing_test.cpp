#include "sip/framing.hpp"

#include "allocated.hpp"
#include "base/text.hpp"
#include "sip/message_files.hpp"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace callchain::sip {
namespace {

using Kind = Frame::Kind;
using Frames = std::vector<std::pair<Kind, std::string>>;

void take_all(Framer& framer, Frames& frames) {
    while (auto frame = framer.next()) frames.emplace_back(frame->kind, std::move(frame->bytes));
}

Frames frames_of(const std::vector<std::string_view>& reads, Side side = Side::accepted,
                 FramingLimits limits = {}) {
    Framer framer(limits, side);
    Frames frames;
    for (const auto read : reads) {
        framer.feed(read);
        take_all(framer, frames);
    }
    return frames;
}

const std::string kBye =
    "BYE sip:a SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 4\r\n\r\n\r\n\r\n";  // its body is CRLF CRLF
const std::string kOk = "SIP/2.0 200 OK\r\nl\t:\r\n 0\r\n\r\n";

TEST(Framer, CutsMessagesPingsAndAnswers) {
    EXPECT_EQ(frames_of({kBye + "\r\n\r\n" + kOk + "\r\n" + kBye}), (Frames{{Kind::message, kBye},
                                                                            {Kind::ping, ""},
                                                                            {Kind::message, kOk},
                                                                            {Kind::pong, ""},
                                                                            {Kind::message, kBye}}));
}

TEST(Framer, CutsAlikeHoweverTheBytesAreSplit) {
    const auto stream = "\r\n" + kBye + "\r\n\r\n" + kOk + "\r\n\r\n\r\n" + kOk + kBye;
    for (const auto side : {Side::accepted, Side::opened}) {
        const auto whole = frames_of({stream}, side);
        ASSERT_EQ(whole.size(), side == Side::accepted ? 8U : 10U);
        const std::string_view view = stream;
        for (std::size_t i = 0; i <= view.size(); ++i) {
            for (std::size_t j = i; j <= view.size(); ++j) {
                ASSERT_EQ(frames_of({view.substr(0, i), view.substr(i, j - i), view.substr(j)}, side), whole)
                    << i << " and " << j;
            }
        }
    }
}

TEST(Framer, ReportsAnAnswerToOurPingAtOnce) {
    EXPECT_EQ(frames_of({"\r\n"}, Side::opened), (Frames{{Kind::pong, ""}}));
    EXPECT_EQ(frames_of({"\r", "\n", "\r\n"}, Side::opened), (Frames{{Kind::pong, ""}, {Kind::pong, ""}}));
    EXPECT_EQ(frames_of({"\r\n"}), Frames{});
    EXPECT_EQ(frames_of({"\r\n", "\r", "\n"}), (Frames{{Kind::ping, ""}}));
}

TEST(Framer, KnowsWhetherItIsWithinAMessage) {
    Framer framer;
    EXPECT_FALSE(framer.within_message());
    framer.feed("\r\n");
    EXPECT_FALSE(framer.next());
    EXPECT_FALSE(framer.within_message());
    framer.feed("\r\nB");
    EXPECT_EQ(framer.next()->kind, Kind::ping);
    EXPECT_FALSE(framer.next());
    EXPECT_TRUE(framer.within_message());
    EXPECT_EQ(framer.buffered(), 1U);
    framer.feed(kBye.substr(1));
    EXPECT_EQ(framer.next()->bytes, kBye);
    EXPECT_FALSE(framer.within_message());
    EXPECT_EQ(framer.buffered(), 0U);
}

TEST(Framer, LosesTheBoundary) {
    struct Row {
        const char* name;
        std::string bytes;
    };
    const auto with_length = [](const std::string& lines) {
        return "BYE sip:a SIP/2.0\r\n" + lines + "\r\n\r\n";
    };
    for (const auto& row :
         {Row{"no Content-Length", with_length("a: b")}, Row{"two", with_length("l: 1\r\nContent-Length: 2")},
          Row{"no number", with_length("l: x")}, Row{"negative", with_length("l: -1")},
          Row{"signed", with_length("l: +1")}, Row{"a list", with_length("l: 1, 1")},
          Row{"empty", with_length("l:")}, Row{"hex", with_length("l: 0x1")},
          Row{"beyond the limit", with_length("l: 65536")},
          Row{"beyond all numbers", with_length("l: 18446744073709551616")},
          Row{"a lone LF in the head", "BYE sip:a SIP/2.0\nl: 0\r\n\r\n"},
          Row{"a lone CR in the head", "BYE sip:a SIP/2.0\rl: 0\r\n\r\n"},
          Row{"a line of LF alone", "BYE sip:a SIP/2.0\r\nl: 0\r\n\n\r\n"},
          Row{"a lone CR in front", "\rBYE"}, Row{"a lone LF in front", "\nBYE"},
          Row{"a TLS hello", "\x16\x03\x01"}, Row{"a PROXY v2 header", "\r\n\r\n\0"},
          Row{"a head beyond its limit", "BYE sip:a SIP/2.0\r\nX: " + std::string(40'000, 'x')},
          Row{"a head beyond its limit in lines",
              "BYE sip:a SIP/2.0\r\n" + replace_all(std::string(9'000, 'x'), "x", "x: y\r\n")}}) {
        SCOPED_TRACE(row.name);
        // What comes behind it does not matter, be it in the same read or the next.
        Framer framer;
        framer.feed(row.bytes + "\x01");
        std::optional<Frame> last;
        while (auto frame = framer.next()) last = std::move(frame);
        ASSERT_TRUE(last.has_value());
        EXPECT_EQ(last->kind, Kind::lost);
        EXPECT_FALSE(last->why.empty());
        framer.feed(kBye);
        EXPECT_FALSE(framer.next());
        EXPECT_EQ(framer.buffered(), 0U);
        EXPECT_FALSE(framer.within_message());
    }
}

TEST(Framer, TakesTheSameLengthTwice) {
    // The boundary is known; what to make of such a message is for the parser.
    const std::string twice = "BYE sip:a SIP/2.0\r\nl: 0\r\nContent-Length: 00\r\n\r\n";
    EXPECT_EQ(frames_of({twice}), (Frames{{Kind::message, twice}}));
}

TEST(Framer, TakesAMessageOfExactlyTheLimit) {
    const std::string head = "BYE sip:a SIP/2.0\r\nl: 70\r\n\r\n";
    const auto size = head.size() + 70;
    EXPECT_EQ(frames_of({head, std::string(70, 'x')}, Side::accepted, {size, head.size()}),
              (Frames{{Kind::message, head + std::string(70, 'x')}}));
    EXPECT_EQ(frames_of({head}, Side::accepted, {size - 1, head.size()})[0].first, Kind::lost);
    EXPECT_EQ(frames_of({head}, Side::accepted, {size, head.size() - 1})[0].first, Kind::lost);
}

TEST(Framer, CutsTwoMegabytesOfPipelinedInvitesWithBoundedWorkAndMemory) {
    const auto invite = message_file("sip/meta-invite.sip");
    constexpr std::size_t kInvites = 1'600;
    constexpr std::size_t kRead = std::size_t{64} << 10U;
    std::string stream;
    for (std::size_t i = 0; i < kInvites; ++i) stream += invite;
    ASSERT_GT(stream.size(), 2'200'000U);
    Framer framer;
    std::size_t count = 0;
    for (std::size_t i = 0; i < stream.size(); i += kRead) {
        framer.feed(std::string_view(stream).substr(i, kRead));
        EXPECT_LE(framer.buffered(), kRead + invite.size());
        while (const auto frame = framer.next()) {
            ASSERT_EQ(frame->kind, Kind::message);
            ASSERT_EQ(frame->bytes, invite);
            ++count;
        }
        EXPECT_LT(framer.buffered(), invite.size());
    }
    EXPECT_EQ(count, kInvites);
    EXPECT_LE(framer.examined(), 4 * stream.size());
}

TEST(Framer, GivesBackWhatABurstMadeLarge) {
    constexpr std::size_t kMessages = 20'000;
    const auto before = allocated();
    std::string burst;
    for (std::size_t i = 0; i < kMessages; ++i) burst += kBye;
    Framer framer;
    framer.feed(burst);
    std::string().swap(burst);
    std::size_t count = 0;
    while (framer.next()) ++count;
    EXPECT_EQ(count, kMessages);
    EXPECT_LT(allocated(), before + 10'000);  // and no byte has come since
    framer.feed(kBye);
    EXPECT_EQ(framer.next()->bytes, kBye);
    framer.feed("\rno message" + std::string(1'000'000, 'x'));
    EXPECT_EQ(framer.next()->kind, Kind::lost);
    EXPECT_LT(allocated(), before + 10'000);
}

TEST(Framer, LooksAtASlowTrickleOnce) {
    const auto message = "MESSAGE sip:a SIP/2.0\r\nX: " + std::string(20'000, 'x') + "\r\nl: 40000\r\n\r\n" +
                         std::string(40'000, 'y');
    Framer framer;
    for (std::size_t i = 0; i < message.size(); ++i) {
        framer.feed(std::string_view(message).substr(i, 1));
        const auto frame = framer.next();
        ASSERT_EQ(frame.has_value(), i + 1 == message.size());
    }
    EXPECT_LE(framer.examined(), 4 * message.size());
}

}  // namespace
}  // namespace callchain::sip
