// How calls end.
#include "allocated.hpp"
#include "b2bua/call_fixture.hpp"

#include <algorithm>
#include <gtest/gtest.h>

namespace callchain::b2bua {
namespace {

std::string value_of(const sip::Message& message, std::string_view name) {
    return std::string(message.find(name).value_or("none"));
}

// ---- CANCEL ----

TEST(CallEnds, AnswersACancelAndTheInviteAtOnce) {
    CallBench bench;
    bench.begin();
    bench.answer(180);
    const auto happened = bench.cancel_from_a("Reason: SIP;cause=200;text=\"elsewhere\"\n");
    ASSERT_EQ(happened.text(), "a:200 CANCEL, a:487 INVITE, b>CANCEL");
    EXPECT_EQ(happened.responses[0].transaction, bench.last);
    EXPECT_EQ(happened.responses[1].transaction, bench.invite_a);
    // One To tag in both: RFC 3261 section 9.2.
    EXPECT_EQ(value_of(happened.responses[0].response, "To"), value_of(happened.responses[1].response, "To"));
    EXPECT_EQ(happened.cancels[0].number, bench.invite_b.number);
    EXPECT_EQ(bench.call->state(), CallState::ending);
    EXPECT_EQ(bench.answer(487).text(), "over");
    EXPECT_EQ(bench.record().end, CallEnd::cancelled);
    EXPECT_EQ(bench.record().final_status, 487);
    EXPECT_EQ(bench.record().why, "SIP;cause=200;text=\"elsewhere\"");
    EXPECT_EQ(bench.pass(32s).text(), "forget");
}

TEST(CallEnds, AsksForACancelBeforeThe1xxToo) {
    // The transaction holds it back until there is one: RFC 3261 section 9.1.
    CallBench bench;
    bench.begin();
    EXPECT_EQ(bench.cancel_from_a().text(), "a:200 CANCEL, a:487 INVITE, b>CANCEL");
    // Ringing that still comes is nobody's business any more.
    EXPECT_EQ(bench.answer(180).text(), "");
    const auto end = bench.fail(bench.invite_b, RequestFault::timeout);
    EXPECT_EQ(end.text(), "over");
    EXPECT_EQ(end.remarks.size(), 0U);  // that nobody answered is what was asked for
}

TEST(CallEnds, EndsAnAnswerThatCrossesTheCancel) {
    CallBench bench;
    bench.begin();
    bench.answer(180);
    bench.cancel_from_a();
    const With ok{.body = twilio_answer()};
    const auto happened = bench.answer(200, ok);
    ASSERT_EQ(happened.text(), "b>ACK, b>BYE");
    EXPECT_EQ(bench.answer(200, ok).text(), "b>ACK");
    EXPECT_EQ(bench.answer(happened.requests[0], 200).text(), "over");
    EXPECT_EQ(bench.record().end, CallEnd::cancelled);
}

TEST(CallEnds, EndsAnAnswerThatComesWhenAllSeemsOver) {
    CallBench bench;
    bench.begin();
    bench.cancel_from_a();
    bench.fail(bench.invite_b, RequestFault::timeout);
    bench.pass(31s);
    const With ok{.body = twilio_answer()};
    const auto happened = bench.late_answer(ok);
    ASSERT_EQ(happened.text(), "b>ACK, b>BYE");
    // It is waited for what becomes of that BYE, and it may be challenged.
    EXPECT_EQ(bench.pass(31s).text(), "");
    EXPECT_EQ(bench
                  .answer(happened.requests[0], 407,
                          {.headers = "Proxy-Authenticate: Digest realm=\"t\", nonce=\"n\"\n"})
                  .text(),
              "b>BYE");
    EXPECT_EQ(bench.pass(32s).text(), "forget");
}

TEST(CallEnds, AnswersACancelThatComesTooLate) {
    CallBench bench;
    bench.begin();
    bench.answer(200, {.body = twilio_answer()});
    EXPECT_EQ(bench.cancel_from_a().text(), "a:200 CANCEL");
    bench.ack_from_a();
    EXPECT_EQ(bench.call->state(), CallState::up);
    CallBench refused;
    refused.begin();
    refused.answer(486);
    EXPECT_EQ(refused.cancel_from_a().text(), "a:200 CANCEL");
}

// ---- BYE ----

TEST(CallEnds, PassesAByeOfMetaOn) {
    UpCall bench;
    bench.pass(65s);
    const auto happened = bench.from_a("BYE", {.headers = "x-wa-meta-call-duration: 65\n"
                                                          "x-wa-meta-wacid: wacid.1\n"
                                                          "Reason: Q.850;cause=16\n"});
    ASSERT_EQ(happened.text(), "a:200 BYE, b>BYE");
    EXPECT_EQ(happened.responses[0].transaction, bench.last);
    const auto& bye = happened.requests[0];
    EXPECT_EQ(bye.leg, Leg::b);
    EXPECT_EQ(sip::write_uri(bye.message.uri), "sip:media@twilio.example.com:5061;transport=tls");
    EXPECT_EQ(value_of(bye.message, "CSeq"), "2 BYE");
    EXPECT_EQ(value_of(bye.message, "Reason"), "Q.850;cause=16");
    EXPECT_EQ(value_of(bye.message, "x-wa-meta-wacid"), "none");  // they may be personal: by a switch only
    EXPECT_EQ(bench.record().end, CallEnd::hung_up_by_a);
    EXPECT_EQ(bench.record().whatsapp_duration, 65U);
    EXPECT_EQ(bench.record().ended, 65s);
    EXPECT_EQ(bench.call->state(), CallState::ending);
    EXPECT_EQ(bench.answer(bye, 200).text(), "over");
    EXPECT_EQ(bench.call->state(), CallState::over);
    EXPECT_EQ(bench.pass(32s).text(), "forget");
}

TEST(CallEnds, PassesAByeOfTwilioOnByMetasRoutes) {
    UpCall bench;
    const auto happened = bench.from_b("BYE");
    ASSERT_EQ(happened.text(), "b:200 BYE, a>BYE");
    const auto& bye = happened.requests[0];
    EXPECT_EQ(bye.leg, Leg::a);
    EXPECT_EQ(sip::write_uri(bye.message.uri), "sip:+12195550714@wa.meta.vc;transport=tls;ob");
    EXPECT_EQ(sip::write_uri(bye.next_hop), "sip:wa.meta.vc;transport=tls;lr");
    EXPECT_EQ(bye.message.values("Route"),
              (std::vector<std::string_view>{"<sip:wa.meta.vc;transport=tls;lr>",
                                             "<sip:onevc-sip-proxy.fbinfra.net:8191;transport=tls;lr>"}));
    EXPECT_EQ(bench.record().end, CallEnd::hung_up_by_b);
    EXPECT_EQ(bench.answer(bye, 200).text(), "over");
}

TEST(CallEnds, TakesAnyFinalAnswerToAByeForTheEnd) {
    for (const int status : {200, 400, 408, 481, 500, 503, 603}) {
        SCOPED_TRACE(status);
        UpCall bench;
        const auto bye = bench.from_a("BYE").requests.at(0);
        EXPECT_EQ(bench.answer(bye, 100).text(), "");
        EXPECT_EQ(bench.answer(bye, status).text(), "over");
    }
}

TEST(CallEnds, AnswersAChallengeToItsBye) {
    UpCall bench;
    const auto bye = bench.from_a("BYE", {.headers = "Reason: Q.850;cause=16\n"}).requests.at(0);
    const With challenge{.headers = "Proxy-Authenticate: Digest realm=\"sip.twilio.com\", nonce=\"n1\"\n"};
    const auto again = bench.answer(bye, 407, challenge);
    ASSERT_EQ(again.text(), "b>BYE");
    EXPECT_EQ(value_of(again.requests[0].message, "CSeq"), "3 BYE");
    EXPECT_EQ(value_of(again.requests[0].message, "Reason"), "Q.850;cause=16");
    EXPECT_TRUE(again.requests[0].message.find("Proxy-Authorization"));
    // Refused again: the password is wrong, and there is no third one.
    const auto end = bench.answer(again.requests[0], 407, challenge);
    EXPECT_EQ(end.text(), "over");
    EXPECT_NE(end.remark("challenged"), nullptr);
}

TEST(CallEnds, TriesAByeThreeTimesWhereItCannotBeDelivered) {
    UpCall bench;
    auto bye = bench.from_b("BYE").requests.at(0);
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(bench.fail(bye, RequestFault::transport).text(), "");
        const auto again = bench.pass(1s);
        ASSERT_EQ(again.text(), "a>BYE");
        bye = again.requests[0];
    }
    const auto end = bench.fail(bye, RequestFault::transport);
    EXPECT_EQ(end.text(), "over");
    EXPECT_NE(end.remark("could not be delivered"), nullptr);
}

TEST(CallEnds, TriesNoByeAgainThatNobodyAnswers) {
    UpCall bench;
    const auto bye = bench.from_b("BYE").requests.at(0);
    EXPECT_EQ(bench.fail(bye, RequestFault::timeout).text(), "over");
}

TEST(CallEnds, TriesNoByeAgainWhereThePeersCame) {
    UpCall bench;
    const auto bye = bench.from_b("BYE").requests.at(0);
    bench.fail(bye, RequestFault::transport);
    EXPECT_EQ(bench.from_a("BYE").text(), "a:200 BYE, over");
    EXPECT_EQ(bench.pass(10s).text(), "");
}

TEST(CallEnds, TakesAnEarlyByeOfLegAForACancel) {
    CallBench bench;
    bench.begin();
    bench.answer(180);
    EXPECT_EQ(bench.from_a("BYE").text(), "a:200 BYE, a:487 INVITE, b>CANCEL");
    EXPECT_EQ(bench.record().end, CallEnd::cancelled);
    EXPECT_EQ(bench.answer(487).text(), "over");
}

TEST(CallEnds, AnswersLegAWhereTheByeOfLegBOvertakesItsAnswer) {
    CallBench bench;
    bench.begin();
    bench.answer(180);
    EXPECT_EQ(bench.from_b("BYE").text(), "b:200 BYE, a:480 INVITE, b>CANCEL");
    EXPECT_EQ(bench.record().end, CallEnd::hung_up_by_b);
    const auto late = bench.answer(200, {.body = twilio_answer()});
    ASSERT_EQ(late.text(), "b>ACK, b>BYE");
    EXPECT_EQ(bench.answer(late.requests[0], 481).text(), "over");
}

// ---- time ----

TEST(CallEnds, EndsTheLongestCall) {
    CallBench bench;
    bench.settings.most_length = 120s;
    bench.settings.keep_alive = 0s;
    bench.set_up();
    EXPECT_EQ(bench.pass(120s - 1ms).text(), "");
    EXPECT_EQ(bench.pass(1ms).text(), "a>BYE, b>BYE");
    EXPECT_EQ(bench.record().end, CallEnd::too_long);
}

TEST(CallEnds, HasNoLimitWhereNoneIsSet) {
    CallBench bench;
    bench.settings.most_length = 0s;
    bench.settings.keep_alive = 0s;
    bench.set_up();
    EXPECT_EQ(bench.pass(std::chrono::hours(48)).text(), "");
    EXPECT_EQ(bench.call->state(), CallState::up);
}

TEST(CallEnds, KeepsAliveWithOptionsTowardTwilio) {
    for (const int status : {200, 401, 403, 404, 405, 415, 480, 500, 501, 503}) {
        SCOPED_TRACE(status);
        UpCall bench;
        const auto asked = bench.pass(300s);
        ASSERT_EQ(asked.text(), "b>OPTIONS");
        EXPECT_EQ(value_of(asked.requests[0].message, "CSeq"), "2 OPTIONS");
        EXPECT_NE(value_of(asked.requests[0].message, "To").find("tag=twilio-1"), std::string::npos);
        EXPECT_EQ(bench.answer(asked.requests[0], status).text(), "");
        EXPECT_EQ(bench.call->state(), CallState::up);
        // The dialog is as it was.
        EXPECT_EQ(bench.from_b("INFO").text(), "b:200 INFO");
        EXPECT_EQ(bench.pass(300s).text(), "b>OPTIONS");
    }
}

TEST(CallEnds, AsksOnceAtATime) {
    UpCall bench;
    EXPECT_EQ(bench.pass(900s).text(), "b>OPTIONS");
}

TEST(CallEnds, EndsACallThatTwilioDoesNotKnowAnyMore) {
    for (const int status : {408, 481}) {
        SCOPED_TRACE(status);
        UpCall bench;
        const auto asked = bench.pass(300s);
        // RFC 3261 section 12.2.1.2: to terminate a dialog is to send a BYE.
        EXPECT_EQ(bench.answer(asked.requests.at(0), status).text(), "a>BYE, b>BYE");
        EXPECT_EQ(bench.record().end, CallEnd::lost);
    }
}

TEST(CallEnds, EndsACallWhoseOptionsNobodyAnswersButNotOneThatCouldNotAsk) {
    UpCall bench;
    auto asked = bench.pass(300s);
    EXPECT_EQ(bench.fail(asked.requests.at(0), RequestFault::transport).text(), "");
    EXPECT_EQ(bench.call->state(), CallState::up);
    asked = bench.pass(300s);
    EXPECT_EQ(bench.fail(asked.requests.at(0), RequestFault::timeout).text(), "a>BYE, b>BYE");
    EXPECT_EQ(bench.record().end, CallEnd::lost);
}

TEST(CallEnds, AnswersAChallengeToItsOptions) {
    UpCall bench;
    const auto asked = bench.pass(300s);
    const With challenge{.headers = "Proxy-Authenticate: Digest realm=\"sip.twilio.com\", nonce=\"n1\"\n"};
    const auto again = bench.answer(asked.requests.at(0), 407, challenge);
    ASSERT_EQ(again.text(), "b>OPTIONS");
    EXPECT_TRUE(again.requests[0].message.find("Proxy-Authorization"));
    EXPECT_EQ(bench.answer(again.requests[0], 407, challenge).text(), "");
    EXPECT_EQ(bench.call->state(), CallState::up);
}

TEST(CallEnds, KeepsNothingAliveWhereItIsSwitchedOff) {
    CallBench bench;
    bench.settings.keep_alive = 0s;
    bench.set_up();
    EXPECT_EQ(bench.pass(3'000s).text(), "");
}

// ---- the gateway's own end ----

TEST(CallEnds, HangsUpWhileItRings) {
    CallBench bench;
    bench.begin();
    bench.answer(180);
    const auto happened = bench.hang_up();
    ASSERT_EQ(happened.text(), "a:503 INVITE, b>CANCEL");
    EXPECT_TRUE(happened.responses[0].response.find("Retry-After"));
    EXPECT_EQ(bench.record().end, CallEnd::stopped);
    EXPECT_EQ(bench.answer(487).text(), "over");
}

TEST(CallEnds, HangsUpACallThatIsUp) {
    UpCall bench;
    const auto happened = bench.hang_up();
    ASSERT_EQ(happened.text(), "a>BYE, b>BYE");
    EXPECT_EQ(bench.record().end, CallEnd::stopped);
    EXPECT_EQ(bench.answer(happened.requests[1], 200).text(), "");
    EXPECT_EQ(bench.answer(happened.requests[0], 200).text(), "over");
}

TEST(CallEnds, HangsUpOnLegAOnlyAfterItsAck) {
    // RFC 3261 section 15: who was called sends no BYE before the ACK.
    CallBench bench;
    bench.begin();
    bench.answer(200, {.body = twilio_answer()});
    const auto happened = bench.hang_up();
    ASSERT_EQ(happened.text(), "b>BYE");
    EXPECT_EQ(bench.answer(happened.requests[0], 200).text(), "");
    EXPECT_EQ(bench.pass(500ms).text(), "a:200 INVITE");
    EXPECT_EQ(bench.ack_from_a().text(), "a>BYE");
    EXPECT_EQ(bench.pass(4s).text(), "");
}

TEST(CallEnds, HangsUpOnceOnly) {
    UpCall bench;
    bench.from_a("BYE");
    EXPECT_EQ(bench.hang_up().text(), "");
    EXPECT_EQ(bench.record().end, CallEnd::hung_up_by_a);
    CallBench over;
    over.begin(sample("meta-default"));
    EXPECT_EQ(over.hang_up().text(), "");
}

TEST(CallEnds, ForgetsInAnyCase128T1AfterTheEnd) {
    UpCall bench;
    bench.from_a("BYE");  // whose own BYE is answered by nobody, and nothing is told of it
    EXPECT_EQ(bench.pass(64s - 1ms).text(), "");
    EXPECT_EQ(bench.pass(1ms).text(), "over, forget");
}

// ---- from Twilio to Meta ----

struct OutwardBench : CallBench {
    OutwardBench() {
        settings.direction = sdp::Direction::twilio_to_meta;
        settings.domain = "wa.meta.vc";
        settings.destination = {};
        settings.from_user = FromUser::fixed;
        settings.from_name = "12145551869";
    }
    /// As Twilio offers where `secure=true` is set.
    static std::string offer() { return replace_all(twilio_answer(), "RTP/SAVP 0 126", "RTP/SAVP 0 8 126"); }
    static std::string meta_answer() {
        return replace_all(meta_offer(), "RTP/SAVP 111 8 0 126", "RTP/SAVP 0 126");
    }
};

TEST(CallOutward, GoesTheOtherWay) {
    OutwardBench bench;
    ASSERT_EQ(bench.begin(OutwardBench::offer()).text(), "a:100 INVITE, b>INVITE");
    const auto& invite = bench.invite_b.message;
    EXPECT_EQ(sip::write_uri(invite.uri), "sip:+12145551869@wa.meta.vc;transport=tls");
    EXPECT_EQ(value_of(invite, "From").find("<sip:12145551869@gw.example.com>"), 0U)
        << value_of(invite, "From");
    EXPECT_EQ(bench.answer(200, {.body = OutwardBench::meta_answer()}).text(), "b>ACK, a:200 INVITE");
    bench.ack_from_a();
    EXPECT_EQ(bench.call->state(), CallState::up);
}

TEST(CallOutward, RefusesPlainRtp) {
    OutwardBench bench;
    auto offer = replace_all(OutwardBench::offer(), "RTP/SAVP", "RTP/AVP");
    const auto at = offer.find("a=crypto");
    offer.erase(at, offer.find("\r\n", at) + 2 - at);
    const auto happened = bench.begin(offer);
    ASSERT_EQ(happened.text(), "a:100 INVITE, a:488 INVITE, over");
    EXPECT_NE(value_of(happened.responses[1].response, "Warning").find("secure=true"), std::string::npos)
        << value_of(happened.responses[1].response, "Warning");
}

TEST(CallOutward, KeepsAliveTowardLegA) {
    OutwardBench bench;
    bench.begin(OutwardBench::offer());
    bench.answer(200, {.body = OutwardBench::meta_answer()});
    bench.ack_from_a();
    const auto asked = bench.pass(300s);
    ASSERT_EQ(asked.text(), "a>OPTIONS");
    EXPECT_EQ(bench.answer(asked.requests[0], 481).text(), "a>BYE, b>BYE");
    EXPECT_EQ(bench.record().end, CallEnd::lost);
}

TEST(CallOutward, HasNoCredentialsForLegA) {
    OutwardBench bench;
    bench.begin(OutwardBench::offer());
    bench.answer(200, {.body = OutwardBench::meta_answer()});
    bench.ack_from_a();
    const auto asked = bench.pass(300s);
    const auto happened = bench.answer(asked.requests.at(0), 407,
                                       {.headers = "Proxy-Authenticate: Digest realm=\"t\", nonce=\"n\"\n"});
    EXPECT_EQ(happened.text(), "");
    EXPECT_EQ(happened.remarks.size(), 0U);
    EXPECT_EQ(bench.call->state(), CallState::up);
}

TEST(CallOutward, TellsTwilioWhatMetaSays) {
    struct Row {
        int from_meta;
        int to_twilio;
    };
    for (const auto& row : {Row{403, 403}, Row{404, 404}, Row{408, 408}, Row{480, 480}, Row{486, 486},
                            Row{503, 503}, Row{302, 503}}) {
        SCOPED_TRACE(row.from_meta);
        OutwardBench bench;
        bench.begin(OutwardBench::offer());
        const auto happened = bench.answer(
            row.from_meta, {.headers = "Warning: 399 wa.meta.vc \"No approved call permission\"\n"});
        EXPECT_EQ(happened.text(), "a:" + std::to_string(row.to_twilio) + " INVITE, over");
        EXPECT_NE(happened.remark("Meta refused"), nullptr);
    }
}

TEST(CallOutward, Answers503WhereMetaRefusesThePassword) {
    OutwardBench bench;
    bench.begin(OutwardBench::offer());
    const With challenge{.headers =
                             "Proxy-Authenticate: Digest "
                             "realm=\"wa.meta.vc\",nonce=\"n\",opaque=\"o\",algorithm=MD5,qop=\"auth\"\n"};
    EXPECT_EQ(bench.answer(407, challenge).text(), "b>INVITE");
    const auto happened = bench.answer(407, challenge);
    EXPECT_EQ(happened.text(), "a:503 INVITE, over");
    EXPECT_NE(happened.remark("Meta refused our credentials"), nullptr);
    EXPECT_EQ(bench.record().twilio_error, 0);
}

// ---- What is left ----

// Thousands of calls may wait for repetitions at a time.
TEST(CallEnds, KeepsNoDescriptionOfACallThatIsOver) {
    CallBench bench;
    const std::string padding(50'000, 'x');  // in what leg A offers and leg B answers
    bench.begin(meta_offer() + "a=x-padding:" + padding + "\r\n");
    bench.answer(180, {.body = twilio_answer() + "a=x-padding:" + padding + "\r\n"});
    const auto ringing = allocated();
    bench.answer(200, {.body = twilio_answer() + "a=x-padding:" + padding + "\r\n"});
    bench.ack_from_a();
    const auto up = allocated();
    constexpr std::size_t kSlack = 10'000;
    EXPECT_LE(up, ringing + padding.size() + kSlack);  // two are new, and that of the 180 is gone
    const auto bye = bench.from_a("BYE");
    EXPECT_EQ(bench.answer(bye.requests[0], 200).text(), "over");
    EXPECT_LE(allocated(), up - std::min(up, 4 * padding.size() - kSlack));
    // What leg B repeats is acknowledged all the same.
    EXPECT_EQ(bench.answer(bench.invite_b, 200, {.body = twilio_answer()}).text(), "b>ACK");
}

}  // namespace
}  // namespace callchain::b2bua
