#include "service/call_journal.hpp"

#include <gtest/gtest.h>

namespace callchain::service {
namespace {

const std::string kSid = "CA00000000000000000000000000000001";
const std::string kId = "cc_000102030405060708090a0b";

TEST(CallchainId, IsMadeOfTwelveBytesAndReadStrictly) {
    EXPECT_EQ(make_callchain_id(std::string("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b", 12)), kId);
    EXPECT_TRUE(is_callchain_id(kId));
    for (const std::string text : {"", "cc_", "cc_000102030405060708090A0B", "cc_000102030405060708090a0",
                                   "xx_000102030405060708090a0b", "cc_000102030405060708090a0b\n"}) {
        SCOPED_TRACE(text);
        EXPECT_FALSE(is_callchain_id(text));
    }
}

TEST(CallSid, HasTheFormOfTwilios) {
    EXPECT_TRUE(is_call_sid(kSid));
    EXPECT_FALSE(is_call_sid("AC00000000000000000000000000000001"));
    EXPECT_FALSE(is_call_sid("CA1"));
}

TEST(CallJournal, GivesARepeatedVoiceRequestTheSameId) {
    CallJournal journal;
    EXPECT_EQ(journal.id_of_call_sid(kSid, kId), kId);
    EXPECT_EQ(journal.id_of_call_sid(kSid, "cc_ffffffffffffffffffffffff"), kId);
}

TEST(CallJournal, JoinsTheIdsOfOneCall) {
    CallJournal journal;
    EXPECT_EQ(journal.id_of_call_sid(kSid, kId), kId);
    journal.link({.callchain_id = kId, .call_id = "rtc_1"});
    const auto links = journal.find_call_sid(kSid);
    EXPECT_EQ(links.callchain_id, kId);
    EXPECT_EQ(links.call_id, "rtc_1");
}

TEST(CallJournal, LearnsTheCallSidFromTheWebhook) {
    CallJournal journal;
    journal.link({.callchain_id = kId, .call_sid = kSid, .call_id = "rtc_1"});
    EXPECT_EQ(journal.find_call_sid(kSid).call_id, "rtc_1");
    EXPECT_TRUE(journal.find_call_sid("CA00000000000000000000000000000002").callchain_id.empty());
}

TEST(CallJournal, ForgetsTheOldestBeyondItsSize) {
    CallJournal journal(2);
    for (int i = 0; i < 5; ++i) {
        auto sid = kSid;
        sid.back() = static_cast<char>('0' + i);
        auto id = kId;
        id.back() = static_cast<char>('0' + i);
        EXPECT_EQ(journal.id_of_call_sid(sid, id), id);
    }
    EXPECT_EQ(journal.size(), 2U);
    EXPECT_TRUE(journal.find_call_sid("CA00000000000000000000000000000000").callchain_id.empty());
    EXPECT_FALSE(journal.find_call_sid("CA00000000000000000000000000000004").callchain_id.empty());
}

// The headers of a call are its caller's to write: another CallSid for an id that is known.
TEST(CallJournal, IsFoundByBothSidsOfACallUntilItIsForgotten) {
    CallJournal journal(2);
    const std::string other = "CA00000000000000000000000000000009";
    EXPECT_EQ(journal.id_of_call_sid(kSid, kId), kId);
    for (const char last : {'7', '8', '9'}) {
        auto sid = other;
        sid.back() = last;
        journal.link({.callchain_id = kId, .call_sid = sid, .call_id = "rtc_1"});
        EXPECT_EQ(journal.find_call_sid(kSid).call_id, "rtc_1") << "what Twilio itself has told stays";
        EXPECT_EQ(journal.find_call_sid(sid).callchain_id, kId);
    }
    EXPECT_TRUE(journal.find_call_sid("CA00000000000000000000000000000008").callchain_id.empty());
    for (const char last : {'1', '2', '3'}) {
        auto id = kId;
        id.back() = last;
        journal.link(
            {.callchain_id = id, .call_sid = "CA0000000000000000000000000000000" + std::string(1, last)});
    }
    // Gone with its entry, by whatever name; under ASan a name left behind would be read from freed memory.
    EXPECT_TRUE(journal.find_call_sid(kSid).callchain_id.empty());
    EXPECT_TRUE(journal.find_call_sid(other).callchain_id.empty());
    EXPECT_EQ(journal.id_of_call_sid(kSid, kId), kId);
    EXPECT_EQ(journal.size(), 2U);
}

TEST(CallJournal, LetsNoCallTakeTheSidOfAnother) {
    CallJournal journal;
    const std::string stranger = "cc_ffffffffffffffffffffffff";
    EXPECT_EQ(journal.id_of_call_sid(kSid, kId), kId);
    journal.link({.callchain_id = stranger, .call_sid = kSid, .call_id = "rtc_2"});
    EXPECT_EQ(journal.find_call_sid(kSid).callchain_id, kId);
    EXPECT_EQ(journal.id_of_call_sid(kSid, stranger), kId);
}

}  // namespace
}  // namespace callchain::service
