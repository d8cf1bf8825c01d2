// Promises of the filter over generated session descriptions, among them odd and malformed ones.
#include "sdp/filter.hpp"
#include "sdp/sdp_texts.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <set>
#include <string>
#include <vector>

namespace callchain::sdp {
namespace {

std::string pick(const std::vector<std::string>& words) { return *rc::gen::elementOf(words); }

std::string random_format() {
    return pick({"0", "8", "9", "13", "18", "63", "96", "97", "101", "111", "126", "127", "128", "x", "00"});
}

std::string random_attribute() {
    const auto number = random_format();
    return pick({"a=rtpmap:" + number + " " +
                     pick({"PCMU", "pcma", "opus", "telephone-event", "CN", "red", "rtx", "G729", "X"}) +
                     pick({"", "/", "/8000", "/16000", "/48000/2", "/8000/1", "/8000/2", "/0"}),
                 "a=fmtp:" + number + " " + pick({"0-15", "apt=0", "0/0", "111/111", "annexb=no"}),
                 "a=rtcp-fb:" + number + " nack", "a=rtcp-fb:* nack", "a=mid:" + pick({"a", "b", "c"}),
                 "a=bundle-only", "a=ptime:20", "a=sendrecv", "a=crypto:1 S inline:k",
                 "a=rid:1 send pt=" + number, "a=simulcast:send 1", "a=rtpmap:", "a=fmtp:", "a=", "b=AS:64",
                 "i=x"});
}

void append(std::string& text, const std::vector<std::string>& parts) {
    for (const auto& part : parts) text += part;
}

std::string random_sdp() {
    const auto end = [] { return pick({"\r\n", "\r\n", "\n"}); };
    std::string text;
    append(text, {"v=0", end(), "c=IN IP4 192.0.2.1", end()});
    if (*rc::gen::arbitrary<bool>())
        append(text, {"a=group:", pick({"BUNDLE", "LS"}), pick({"", " a", " a b", " b a c", " a a"}), end()});
    const auto streams = *rc::gen::inRange(0, 4);
    for (int i = 0; i < streams; ++i) {
        append(text, {"m=", pick({"audio", "audio", "audio", "video", "image"}), " ",
                      pick({"4000", "4000", "0", "9/2"}), " ",
                      pick({"RTP/AVP", "RTP/SAVP", "UDP/TLS/RTP/SAVPF", "udp"})});
        const auto formats = *rc::gen::inRange(1, 6);
        for (int j = 0; j < formats; ++j) append(text, {" ", random_format()});
        text += end();
        const auto attributes = *rc::gen::inRange(0, 8);
        for (int j = 0; j < attributes; ++j) append(text, {random_attribute(), end()});
    }
    return text;
}

KeepList random_keep_list() {
    return *parse_keep_list(
        pick({"PCMU,PCMA,telephone-event", "PCMU", "opus,telephone-event", "opus,telephone-event/8000",
              "PCMA,CN,red,rtx,telephone-event", "X", "G729,PCMU/8000/2"}));
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t start = 0; start < text.size();) {
        const auto newline = text.find('\n', start);
        const auto end = newline == std::string::npos ? text.size() : newline + 1;
        lines.push_back(text.substr(start, end - start));
        start = end;
    }
    return lines;
}

TEST(FilterOfferProperty, ChangesNothingTheSecondTime) {
    EXPECT_TRUE(rc::check([] {
        const auto text = random_sdp();
        const auto keep = random_keep_list();
        const auto once = filter_offer(text, keep);
        RC_ASSERT(once.has_value());
        const auto twice = filter_offer(once->text, keep);
        RC_ASSERT(twice.has_value());
        RC_ASSERT(twice->text == once->text);
        RC_ASSERT(twice->changes.empty());
        const bool left = once->outcome == Filtered::Outcome::audio_left;
        RC_ASSERT((twice->outcome == Filtered::Outcome::audio_left) == left);
    }));
}

TEST(FilterOfferProperty, TouchesOnlyLinesThatItAccountsFor) {
    EXPECT_TRUE(rc::check([] {
        const auto text = random_sdp();
        const auto filtered = filter_offer(text, random_keep_list());
        RC_ASSERT(filtered.has_value());
        auto lines = lines_of(text);
        for (const auto& change : filtered->changes) {
            RC_ASSERT(lines.at(change.line - 1) == change.before);
            lines[change.line - 1] = change.after;
        }
        std::string rebuilt;
        for (const auto& line : lines) rebuilt += line;
        RC_ASSERT(rebuilt == filtered->text);
    }));
}

TEST(FilterOfferProperty, KeepsStreamsInPlaceAndInventsNoFormat) {
    EXPECT_TRUE(rc::check([] {
        const auto text = random_sdp();
        const auto filtered = filter_offer(text, random_keep_list());
        RC_ASSERT(filtered.has_value());
        const auto before = parse_document(text);
        const auto after = parse_document(filtered->text);
        RC_ASSERT(before.has_value() && after.has_value());
        RC_ASSERT(before->media.size() == after->media.size());
        for (std::size_t i = 0; i < before->media.size(); ++i) {
            const auto& from = before->media[i];
            const auto& to = after->media[i];
            RC_ASSERT(from.type == to.type);
            RC_ASSERT(from.protocol == to.protocol);
            RC_ASSERT(to.port == 0 || to.port_text == from.port_text);
            RC_ASSERT(!to.formats.empty());
            // A subsequence: nothing new, and the order of preference as it was.
            auto next = from.formats.begin();
            for (const auto format : to.formats) {
                next = std::find(next, from.formats.end(), format);
                RC_ASSERT(next != from.formats.end());
                ++next;
            }
        }
    }));
}

TEST(FilterOfferProperty, LeavesNoEventWithoutAVoiceCodecAtItsClock) {
    EXPECT_TRUE(rc::check([] {
        const auto text = random_sdp();
        const auto filtered = filter_offer(text, *parse_keep_list("PCMU,PCMA,opus,telephone-event,CN"));
        RC_ASSERT(filtered.has_value());
        const auto after = parse_document(filtered->text);
        for (const auto& media : after->media) {
            if (media.port == 0) continue;
            std::set<std::uint32_t> voice;
            std::set<std::uint32_t> others;
            for (const auto& format : read_formats(*after, media)) {
                RC_ASSERT(format.codec.has_value());
                (role_of(*format.codec) == CodecRole::voice ? voice : others).insert(format.codec->clock);
            }
            RC_ASSERT(!voice.empty());
            RC_ASSERT(std::includes(voice.begin(), voice.end(), others.begin(), others.end()));
        }
    }));
}

TEST(FilterOfferProperty, DescribesOnlyFormatsThatAreThere) {
    EXPECT_TRUE(rc::check([] {
        const auto text = random_sdp();
        const auto filtered = filter_offer(text, random_keep_list());
        const auto after = parse_document(filtered->text);
        for (std::size_t i = 0; i < after->media.size(); ++i) {
            const auto& media = after->media[i];
            if (filtered->media[i].action == MediaOutcome::Action::at_zero) continue;
            std::set<std::string_view> mapped;
            for (auto line = media.first + 1; line < media.end; ++line) {
                const auto attribute = attribute_of(after->lines[line]);
                if (attribute.name != "rtpmap" && attribute.name != "fmtp") continue;
                const auto number = attribute.value.substr(0, attribute.value.find(' '));
                RC_ASSERT(std::find(media.formats.begin(), media.formats.end(), number) !=
                          media.formats.end());
                if (attribute.name == "rtpmap") RC_ASSERT(mapped.insert(number).second);
            }
        }
    }));
}

}  // namespace
}  // namespace callchain::sdp
