// Requests within the dialogs of a call that is up.
#include "b2bua/call_fixture.hpp"

#include <gtest/gtest.h>

namespace callchain::b2bua {
namespace {

std::string value_of(const sip::Message& message, std::string_view name) {
    return std::string(message.find(name).value_or("none"));
}
std::string offer_to_twilio(const CallBench& bench) { return bench.invite_b.message.body; }

// ---- offers again ----

TEST(CallWithin, AnswersAnOfferOfWhatStandsByItself) {
    for (const std::string method : {"INVITE", "UPDATE"}) {
        SCOPED_TRACE(method);
        UpCall bench;
        // Another o= and another order of the lines ask for nothing new.
        auto offer = replace_all(twilio_answer(), "1353670385 1353670385", "1353670385 1353670386");
        offer = replace_all(offer, "a=ptime:20\r\na=maxptime:20\r\n", "a=maxptime:20\r\na=ptime:20\r\n");
        ASSERT_NE(offer, twilio_answer());
        const auto happened = bench.from_b(method, {.body = offer});
        ASSERT_EQ(happened.text(), "b:200 " + method);  // and nothing toward Meta, which would answer 500
        const auto& ok = happened.responses[0].response;
        EXPECT_EQ(ok.body, offer_to_twilio(bench));  // byte for byte, o= too
        EXPECT_EQ(value_of(ok, "Content-Type"), "application/sdp");
        EXPECT_EQ(value_of(ok, "Contact"), "<sip:callchain@gw.example.com;transport=tls>");
        EXPECT_EQ(bench.call->state(), CallState::up);
    }
}

TEST(CallWithin, RefusesAChange) {
    struct Row {
        std::string name;
        std::string from;
        std::string to;
    };
    for (const auto& row :
         {Row{"on hold", "a=sendrecv", "a=sendonly"}, Row{"another port", "audio 15822", "audio 15824"},
          Row{"another address", "168.86.138.176", "168.86.138.177"},
          Row{"another key", "inline:MDk", "inline:MDl"},
          Row{"another codec", "RTP/SAVP 0 126", "RTP/SAVP 8 126"}}) {
        for (const std::string method : {"INVITE", "UPDATE"}) {
            SCOPED_TRACE(row.name + " by " + method);
            UpCall bench;
            const auto happened =
                bench.from_b(method, {.body = replace_all(twilio_answer(), row.from, row.to)});
            ASSERT_EQ(happened.text(), "b:488 " + method);
            EXPECT_EQ(value_of(happened.responses[0].response, "Warning").substr(0, 19),
                      "399 gw.example.com ");
            EXPECT_NE(happened.remark("change of the session"), nullptr);
            EXPECT_EQ(bench.call->state(), CallState::up);
            // What stood before still does: RFC 3261 section 14.1.
            EXPECT_EQ(bench.from_b(method, {.body = twilio_answer()}).text(), "b:200 " + method);
        }
    }
}

TEST(CallWithin, RefusesAnOfferThatIsNoSdp) {
    UpCall bench;
    const auto happened =
        bench.from_b("INVITE", {.headers = "Content-Type: text/plain\n", .body = "hello\n"});
    ASSERT_EQ(happened.text(), "b:415 INVITE");
    EXPECT_EQ(value_of(happened.responses[0].response, "Accept"), "application/sdp");
}

TEST(CallWithin, RepeatsTheAnswerToAReInviteUntilItsAck) {
    UpCall bench;
    bench.from_b("INVITE", {.body = twilio_answer()}, 101);
    const auto transaction = bench.last;
    const auto again = bench.pass(1'500ms);
    EXPECT_EQ(again.text(), "b:200 INVITE, b:200 INVITE");
    EXPECT_EQ(again.responses[0].transaction, transaction);
    bench.ack_from_b(100);
    EXPECT_NE(bench.due_in(CallTimer::repeat_answer), std::nullopt);
    bench.ack_from_b(101);
    EXPECT_EQ(bench.pass(40s).text(), "");
    EXPECT_EQ(bench.call->state(), CallState::up);
}

TEST(CallWithin, EndsTheCallWhereTheAckToAReInviteNeverComes) {
    UpCall bench;
    bench.from_b("INVITE", {.body = twilio_answer()});
    bench.pass(31'999ms);
    EXPECT_EQ(bench.pass(1ms).text(), "a>BYE, b>BYE");
    EXPECT_EQ(bench.record().end, CallEnd::not_acknowledged);
}

TEST(CallWithin, OffersWhatStandsToAReInviteWithoutAnOffer) {
    UpCall bench;
    const auto happened = bench.from_b("INVITE", {}, 101);
    ASSERT_EQ(happened.text(), "b:200 INVITE");
    EXPECT_EQ(happened.responses[0].response.body, offer_to_twilio(bench));
    EXPECT_EQ(bench.ack_from_b(101, {.body = twilio_answer()}).text(), "");
    EXPECT_EQ(bench.pass(40s).text(), "");
    EXPECT_EQ(bench.call->state(), CallState::up);
}

TEST(CallWithin, GoesOnWhereTheAckToItsOfferHasNoAnswer) {
    UpCall bench;
    bench.from_b("INVITE", {}, 101);
    const auto happened = bench.ack_from_b(101);
    EXPECT_EQ(happened.text(), "");
    EXPECT_NE(happened.remark("no answer"), nullptr);
    EXPECT_EQ(bench.call->state(), CallState::up);
}

TEST(CallWithin, EndsTheCallWhereTheAnswerInTheAckMovesTheStream) {
    for (const auto& [from, to] :
         {std::pair{"audio 15822", "audio 15824"}, std::pair{"168.86.138.176", "168.86.138.177"},
          std::pair{"inline:MDk", "inline:MDl"}, std::pair{"a=sendrecv", "a=inactive"}}) {
        SCOPED_TRACE(to);
        UpCall bench;
        bench.from_b("INVITE", {}, 101);
        EXPECT_EQ(bench.ack_from_b(101, {.body = replace_all(twilio_answer(), from, to)}).text(),
                  "a>BYE, b>BYE");
        EXPECT_EQ(bench.record().end, CallEnd::answer_refused);
    }
}

TEST(CallWithin, TakesAnAnswerWithFewerFormatsThanStoodInTheOffer) {
    // Leg A offered four formats; its answer to our offer of two has those two.
    UpCall bench;
    EXPECT_EQ(bench.from_a("INVITE", {}, 31160).text(), "a:200 INVITE");
    EXPECT_EQ(
        bench.ack_from_a(replace_all(meta_offer(), "RTP/SAVP 111 8 0 126", "RTP/SAVP 0 126"), 31160).text(),
        "");
    EXPECT_EQ(bench.call->state(), CallState::up);
}

TEST(CallWithin, AnswersAnUpdateWithoutAnOffer) {
    UpCall bench;
    const auto happened = bench.from_b("UPDATE");
    ASSERT_EQ(happened.text(), "b:200 UPDATE");
    EXPECT_EQ(happened.responses[0].response.body, "");
    EXPECT_FALSE(bench.due_in(CallTimer::repeat_answer));
}

TEST(CallWithin, MovesTheTargetWithTheContactOfAReInvite) {
    UpCall bench;
    bench.from_b("INVITE", {.body = twilio_answer(), .contact = "<sip:moved@203.0.113.9:5061>"}, 101);
    bench.ack_from_b(101);
    const auto end = bench.from_a("BYE");
    ASSERT_EQ(end.text(), "a:200 BYE, b>BYE");
    EXPECT_EQ(sip::write_uri(end.requests[0].message.uri), "sip:moved@203.0.113.9:5061");
}

TEST(CallWithin, Answers491WhileAnInviteOfItsOwnIsOpen) {
    for (const std::string method : {"INVITE", "UPDATE"}) {
        SCOPED_TRACE(method);
        CallBench bench;
        bench.begin();
        bench.answer(183, {.body = twilio_answer()});
        EXPECT_EQ(bench.from_b(method, {.body = twilio_answer()}).text(), "b:491 " + method);
    }
    // And while the answer to leg B's offer is still to come from leg A.
    CallBench bench;
    bench.begin("");
    bench.answer(200, {.body = twilio_answer()});
    EXPECT_EQ(bench.from_b("INVITE", {.body = twilio_answer()}).text(), "b:491 INVITE");
}

TEST(CallWithin, Answers500WithRetryAfterWhileOneOfTheirsIsOpen) {
    for (const std::string method : {"INVITE", "UPDATE"}) {
        SCOPED_TRACE(method);
        UpCall bench;
        bench.from_b("INVITE", {.body = twilio_answer()}, 101);
        const auto happened = bench.from_b(method, {.body = twilio_answer()}, 102);
        ASSERT_EQ(happened.text(), "b:500 " + method);
        const auto seconds = parse_decimal(value_of(happened.responses[0].response, "Retry-After"));
        ASSERT_TRUE(seconds);
        EXPECT_LE(*seconds, 10);  // RFC 3261 section 14.2
        // The first one still waits for its ACK, which the second has overtaken.
        bench.ack_from_b(101);
        EXPECT_EQ(bench.pass(40s).text(), "");
    }
}

TEST(CallWithin, Answers500ToLegABeforeItsInviteIsAnsweredAndAcknowledged) {
    CallBench bench;
    bench.begin();
    EXPECT_EQ(bench.from_a("UPDATE", {.body = meta_offer()}).text(), "a:500 UPDATE");
    bench.answer(200, {.body = twilio_answer()});
    EXPECT_EQ(bench.from_a("INVITE", {.body = meta_offer()}).text(), "a:500 INVITE");
    // The refused one must not cost the ACK to the first 200.
    bench.ack_from_a();
    EXPECT_EQ(bench.call->state(), CallState::up);
    EXPECT_EQ(bench.pass(40s).text(), "");
}

TEST(CallWithin, AnswersAReInviteOfLegAInTheSameWay) {
    UpCall bench;
    const auto happened = bench.from_a("INVITE", {.body = meta_offer()}, 31160);
    ASSERT_EQ(happened.text(), "a:200 INVITE");
    EXPECT_EQ(happened.responses[0].response.body, twilio_answer());
    EXPECT_EQ(bench.call->state(), CallState::up);
    EXPECT_EQ(bench.pass(500ms).text(), "a:200 INVITE");
    bench.ack_from_a({}, 31160);
    EXPECT_EQ(bench.pass(40s).text(), "");
    EXPECT_EQ(bench.from_a("INVITE", {.body = replace_all(meta_offer(), "3480", "3482")}).text(),
              "a:488 INVITE");
}

// ---- the others ----

TEST(CallWithin, AnswersTheOtherMethodsByItself) {
    struct Row {
        std::string method;
        With with;
        int status;
        std::string header;
    };
    const With dtmf{.headers = "Content-Type: application/dtmf-relay\n", .body = "Signal=5\r\n"};
    for (const auto& row :
         {Row{"INFO", {}, 200, "Server"}, Row{"INFO", dtmf, 415, "Accept"}, Row{"OPTIONS", {}, 200, "Allow"},
          Row{"REFER", {.headers = "Refer-To: <sip:x@example.com>\n"}, 603, "Server"},
          Row{"MESSAGE", {}, 405, "Allow"}, Row{"NOTIFY", {}, 405, "Allow"},
          Row{"SUBSCRIBE", {}, 405, "Allow"}, Row{"PRACK", {}, 405, "Allow"},
          Row{"UNHEARD", {}, 405, "Allow"}}) {
        SCOPED_TRACE(row.method);
        for (const auto leg : {Leg::a, Leg::b}) {
            UpCall bench;
            const auto happened =
                leg == Leg::a ? bench.from_a(row.method, row.with) : bench.from_b(row.method, row.with);
            std::string expected = leg == Leg::a ? "a:" : "b:";
            expected += std::to_string(row.status) + " " + row.method;
            ASSERT_EQ(happened.text(), expected);
            EXPECT_EQ(happened.responses[0].transaction, bench.last);
            EXPECT_TRUE(happened.responses[0].response.find(row.header));
            EXPECT_EQ(bench.call->state(), CallState::up);
        }
    }
    UpCall bench;
    EXPECT_NE(bench.from_b("INFO", dtmf).remark("INFO"), nullptr);
}

TEST(CallWithin, Answers500ToAnOldCseq) {
    UpCall bench;
    EXPECT_EQ(bench.from_b("OPTIONS", {}, 110).text(), "b:200 OPTIONS");
    EXPECT_EQ(bench.from_b("BYE", {}, 110).text(), "b:500 BYE");
    EXPECT_EQ(bench.from_b("INFO", {}, 109).text(), "b:500 INFO");
    EXPECT_EQ(bench.from_a("BYE", {}, 31159).text(), "a:500 BYE");
    EXPECT_EQ(bench.call->state(), CallState::up);
}

TEST(CallWithin, Answers481ToOtherTags) {
    UpCall bench;
    EXPECT_EQ(bench.from_b("BYE", {.tag = "somebody"}).text(), "b:481 BYE");
    EXPECT_EQ(bench.from_b("INVITE", {.body = twilio_answer(), .tag = "somebody"}).text(), "b:481 INVITE");
    EXPECT_EQ(bench.call->state(), CallState::up);
    CallBench early;
    early.begin();
    EXPECT_EQ(early.from_b("BYE").text(), "b:481 BYE");  // of no dialog yet
}

TEST(CallWithin, Answers420ToWhatItDoesNotKnow) {
    UpCall bench;
    const auto happened = bench.from_b("INVITE", {.headers = "Require: timer\n", .body = twilio_answer()});
    ASSERT_EQ(happened.text(), "b:420 INVITE");
    EXPECT_EQ(value_of(happened.responses[0].response, "Unsupported"), "timer");
}

TEST(CallWithin, Answers481AfterTheEndButTakesABye) {
    UpCall bench;
    bench.from_a("BYE");
    EXPECT_EQ(bench.from_b("INVITE", {.body = twilio_answer()}).text(), "b:481 INVITE");
    EXPECT_EQ(bench.from_b("OPTIONS").text(), "b:481 OPTIONS");
    EXPECT_EQ(bench.from_a("INFO").text(), "a:481 INFO");
    EXPECT_EQ(bench.from_b("BYE").text(), "b:200 BYE");
}

}  // namespace
}  // namespace callchain::b2bua
