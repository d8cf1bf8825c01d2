// Where two events cross.
#include "b2bua/call_fixture.hpp"

#include <gtest/gtest.h>

namespace callchain::b2bua {
namespace {

constexpr std::string_view kChallenge =
    "Proxy-Authenticate: Digest realm=\"sip.twilio.com\", nonce=\"n1\", qop=\"auth\"\n";

TEST(CallRace, SendsNoSecondInviteWhereA407CrossesTheCancel) {
    CallBench bench;
    bench.begin();
    bench.cancel_from_a();
    EXPECT_EQ(bench.answer(407, {.headers = std::string(kChallenge)}).text(), "over");
    EXPECT_EQ(bench.record().end, CallEnd::cancelled);
}

TEST(CallRace, CancelsTheSecondInviteWhereTheCancelComesAfterThe407) {
    CallBench bench;
    bench.begin();
    const auto first = bench.invite_b.number;
    bench.answer(407, {.headers = std::string(kChallenge)});
    const auto happened = bench.cancel_from_a();
    ASSERT_EQ(happened.text(), "a:200 CANCEL, a:487 INVITE, b>CANCEL");
    EXPECT_NE(happened.cancels[0].number, first);
    EXPECT_EQ(happened.cancels[0].number, bench.invite_b.number);
}

TEST(CallRace, TakesNoAnswerToTheInviteThatWasChallenged) {
    CallBench bench;
    bench.begin();
    const auto first = bench.invite_b;
    bench.answer(407, {.headers = std::string(kChallenge)});
    EXPECT_EQ(bench.answer(first, 200, {.body = twilio_answer()}).text(), "");
    EXPECT_EQ(bench.answer(first, 180).text(), "");
    EXPECT_EQ(bench.answer(200, {.body = twilio_answer()}).text(), "b>ACK, a:200 INVITE");
}

TEST(CallRace, TakesTheRingTimeoutAfterTheCancelForNothing) {
    CallBench bench;
    bench.begin();
    bench.answer(180);
    bench.pass(59s);
    bench.cancel_from_a();
    EXPECT_EQ(bench.pass(10s).text(), "");
    EXPECT_EQ(bench.record().end, CallEnd::cancelled);
}

TEST(CallRace, LetsBothByesCross) {
    UpCall bench;
    const auto from_a = bench.from_a("BYE");
    EXPECT_EQ(bench.from_b("BYE").text(), "b:200 BYE");
    EXPECT_EQ(bench.answer(from_a.requests.at(0), 481).text(), "over");
    EXPECT_EQ(bench.record().end, CallEnd::hung_up_by_a);
}

TEST(CallRace, LetsItsOwnByeAndAPeersCross) {
    UpCall bench;
    const auto end = bench.hang_up();
    EXPECT_EQ(bench.from_a("BYE", {.headers = "x-wa-meta-call-duration: 7\n"}).text(), "a:200 BYE");
    EXPECT_EQ(bench.from_b("BYE").text(), "b:200 BYE");
    bench.answer(end.requests.at(0), 481);
    EXPECT_EQ(bench.answer(end.requests.at(1), 481).text(), "over");
    EXPECT_EQ(bench.record().whatsapp_duration, 7U);
    EXPECT_EQ(bench.record().end, CallEnd::stopped);
}

TEST(CallRace, WaitsForLegAsAckBeforeItSendsTheByeOfLegB) {
    CallBench bench;
    bench.begin();
    bench.answer(200, {.body = twilio_answer()});
    EXPECT_EQ(bench.from_b("BYE", {.headers = "Reason: Q.850;cause=16\n"}).text(), "b:200 BYE");
    EXPECT_EQ(bench.pass(1'500ms).text(), "a:200 INVITE, a:200 INVITE");
    const auto happened = bench.ack_from_a();
    ASSERT_EQ(happened.text(), "a>BYE");
    EXPECT_EQ(happened.requests[0].message.find("Reason"), "Q.850;cause=16");
    EXPECT_EQ(bench.pass(10s).text(), "");
    EXPECT_EQ(bench.answer(happened.requests[0], 200).text(), "over");
}

TEST(CallRace, SendsTheByeWithoutAnAckOnceTheTimeIsUp) {
    CallBench bench;
    bench.begin();
    bench.answer(200, {.body = twilio_answer()});
    bench.from_b("BYE");
    bench.pass(31'999ms);
    EXPECT_EQ(bench.pass(1ms).text(), "a>BYE");
    EXPECT_EQ(bench.record().end, CallEnd::hung_up_by_b);
}

TEST(CallRace, OwesNoByeToALegThatHungUpInsteadOfTheAck) {
    CallBench bench;
    bench.begin();
    bench.answer(200, {.body = twilio_answer()});
    bench.from_b("BYE");
    EXPECT_EQ(bench.from_a("BYE").text(), "a:200 BYE, over");
    EXPECT_EQ(bench.pass(10s).text(), "");
}

TEST(CallRace, TakesAByeWithoutAnAckForBoth) {
    CallBench bench;
    bench.begin();
    bench.answer(200, {.body = twilio_answer()});
    const auto happened = bench.from_a("BYE");
    ASSERT_EQ(happened.text(), "a:200 BYE, b>BYE");
    EXPECT_EQ(bench.pass(10s).text(), "");  // the 200 is not repeated any more
    EXPECT_EQ(bench.ack_from_a().text(), "");
    EXPECT_EQ(bench.answer(happened.requests[0], 200).text(), "over");
}

TEST(CallRace, AcknowledgesAnOfferlessLegBWhicheverSideHangsUpBeforeTheAck) {
    CallBench of_a;
    of_a.begin("");
    of_a.answer(200, {.body = twilio_answer()});
    EXPECT_EQ(of_a.from_a("BYE").text(), "a:200 BYE, b>ACK, b>BYE");
    CallBench of_b;
    of_b.begin("");
    of_b.answer(200, {.body = twilio_answer()});
    EXPECT_EQ(of_b.from_b("BYE").text(), "b:200 BYE, b>ACK");
    EXPECT_EQ(of_b.answer(200, {.body = twilio_answer()}).text(), "b>ACK");
    EXPECT_EQ(of_b.ack_from_a(twilio_answer()).text(), "a>BYE");
    CallBench of_us;
    of_us.begin("");
    of_us.answer(200, {.body = twilio_answer()});
    EXPECT_EQ(of_us.hang_up().text(), "b>ACK, b>BYE");
    EXPECT_EQ(of_us.ack_from_a(twilio_answer()).text(), "a>BYE");
}

TEST(CallRace, EndsTheSecondAnswerOfAForkAfterTheEndToo) {
    CallBench bench;
    bench.begin();
    bench.answer(200, {.body = twilio_answer()});
    bench.ack_from_a();
    const auto end = bench.from_a("BYE");
    const With second{.body = twilio_answer(), .tag = "twilio-2"};
    const auto extra = bench.answer(200, second);
    ASSERT_EQ(extra.text(), "b>ACK, b>BYE");
    EXPECT_EQ(bench.answer(end.requests.at(0), 200).text(), "");
    EXPECT_EQ(bench.answer(extra.requests[0], 200).text(), "over");
}

TEST(CallRace, EndsTheAnswerThatFollowsAFailure) {
    CallBench bench;
    bench.begin();
    bench.answer(486);
    const auto happened = bench.late_answer({.body = twilio_answer(), .tag = "twilio-2"});
    EXPECT_EQ(happened.text(), "b>ACK, b>BYE");
    EXPECT_EQ(bench.record().final_status, 486);
}

TEST(CallRace, RepeatsNoAnswerToAReInviteBehindItsBye) {
    UpCall bench;
    bench.from_b("INVITE", {.body = twilio_answer()}, 101);
    EXPECT_EQ(bench.from_a("BYE").text(), "a:200 BYE, b>BYE");
    EXPECT_EQ(bench.pass(20s).text(), "");
    EXPECT_EQ(bench.ack_from_b(101).text(), "");
    UpCall other;
    other.from_b("INVITE", {.body = twilio_answer()}, 101);
    EXPECT_EQ(other.from_b("BYE", {}, 102).text(), "b:200 BYE, a>BYE");
    EXPECT_EQ(other.pass(20s).text(), "");
}

TEST(CallRace, AsksForNoSignOfLifeWhileAReInviteIsOpen) {
    UpCall bench;
    bench.pass(299'900ms);
    bench.from_b("INVITE", {.body = twilio_answer()}, 101);
    EXPECT_EQ(bench.pass(100ms).text(), "");
    bench.ack_from_b(101);
    EXPECT_EQ(bench.pass(300s).text(), "b>OPTIONS");
}

TEST(CallRace, TakesTheAnswerToItsOptionsAfterTheEndForNothing) {
    UpCall bench;
    const auto asked = bench.pass(300s);
    const auto end = bench.from_a("BYE");
    EXPECT_EQ(bench.answer(asked.requests.at(0), 481).text(), "");
    EXPECT_EQ(bench.answer(end.requests.at(0), 200).text(), "over");
    EXPECT_EQ(bench.record().end, CallEnd::hung_up_by_a);
}

TEST(CallRace, WaitsForNoAnswerToItsOptionsAtTheEnd) {
    UpCall bench;
    ASSERT_EQ(bench.pass(300s).text(), "b>OPTIONS");
    const auto end = bench.from_a("BYE");
    EXPECT_EQ(bench.answer(end.requests.at(0), 200).text(), "over");
}

TEST(CallRace, TakesWhatIsUnknownForNothing) {
    UpCall bench;
    SendRequest never = bench.invite_b;
    never.number = {99};
    EXPECT_EQ(bench.answer(never, 404).text(), "");
    EXPECT_EQ(bench.fail(never, RequestFault::timeout).text(), "");
    EXPECT_EQ(bench.ack_from_b(7).text(), "");
    EXPECT_EQ(bench.answer(180).text(), "");
    EXPECT_EQ(bench.answer(486).text(), "");
    for (const auto timer :
         {CallTimer::repeat_answer, CallTimer::acknowledge, CallTimer::ring, CallTimer::again})
        EXPECT_EQ(bench.take(bench.call->on_timer(timer, bench.moment())).text(), "");
    EXPECT_NE(bench.take(bench.call->on_not_acknowledged({1}, bench.moment())).remark("acknowledged"),
              nullptr);
    EXPECT_EQ(bench.call->state(), CallState::up);
}

TEST(CallRace, ByeOfASecondBranchOvertakesIts200) {
    CallBench bench;
    bench.begin();
    bench.answer(180, {.tag = "branch-1"});
    bench.answer(180, {.tag = "branch-2"});
    bench.from_b("BYE", {.tag = "branch-2"});
    EXPECT_EQ(bench.record().end, CallEnd::hung_up_by_b);
    EXPECT_EQ(bench.record().final_status, 480);
    // The 200 that was overtaken belongs to nobody: acknowledged, and ended.
    const auto late = bench.answer(200, {.body = twilio_answer(), .tag = "branch-2"}).text();
    EXPECT_NE(late.find("b>ACK"), std::string::npos) << late;
    EXPECT_EQ(bench.call->state() == CallState::up, false);
}

// The first address was given up for another, and answers after all.
TEST(CallRace, LateAnswerOfOneAddressEndsTheInviteAtTheOther) {
    CallBench bench;
    bench.begin();
    const auto text = bench.late_answer({.body = twilio_answer()}).text();
    EXPECT_NE(text.find("b>CANCEL"), std::string::npos) << text;
    EXPECT_NE(text.find("b>ACK"), std::string::npos) << text;
    EXPECT_NE(text.find("a:200 INVITE"), std::string::npos) << text;
}

}  // namespace
}  // namespace callchain::b2bua
