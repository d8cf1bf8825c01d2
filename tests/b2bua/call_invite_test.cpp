// From the INVITE to the answer.
#include "b2bua/call_fixture.hpp"

#include <gtest/gtest.h>

namespace callchain::b2bua {
namespace {

constexpr std::string_view kChallenge =
    "Proxy-Authenticate: Digest realm=\"sip.twilio.com\", nonce=\"n1\", qop=\"auth\", algorithm=MD5\n";

std::string challenge(const std::string& nonce, const std::string& more = {}) {
    return "Proxy-Authenticate: Digest realm=\"sip.twilio.com\", nonce=\"" + nonce +
           "\", qop=\"auth\", algorithm=MD5" + more + "\n";
}
std::string value_of(const sip::Message& message, std::string_view name) {
    return std::string(message.find(name).value_or("none"));
}

// ---- before leg B knows of it ----

TEST(CallInvite, IsAnswered100AndDials) {
    CallBench bench;
    const auto happened = bench.begin();
    EXPECT_EQ(happened.text(), "a:100 INVITE, b>INVITE");
    const auto& invite = happened.requests[0].message;
    EXPECT_EQ(sip::write_uri(invite.uri), "sip:agent@bridge.sip.twilio.com;transport=tls");
    EXPECT_EQ(value_of(invite, "Max-Forwards"), "68");
    EXPECT_NE(invite.body.find("m=audio 3480 RTP/SAVP 8 0 126"), std::string::npos);
    EXPECT_EQ(bench.call->state(), CallState::dialling);
    EXPECT_EQ(value_of(invite, "Call-ID"), bench.call->call_id(Leg::b));
    EXPECT_EQ(bench.due_in(CallTimer::ring), 60s);
}

TEST(CallInvite, RefusesWhatCannotWorkAndDialsNothing) {
    struct Row {
        std::string name;
        std::string offer;
        std::string headers;
        int status;
        std::string header;  // that the refusal has, with the beginning of its value
        std::string value;
    };
    for (const auto& row :
         {Row{"Meta's default, WebRTC media", sample("meta-default"), "", 488, "Warning", "3"},
          Row{"no SDP at all", "hello\n", "", 400, "Server", "callchain"},
          Row{"another type", "{}", "Content-Type: application/json\n", 415, "Accept", "application/sdp"},
          Row{"an encoded body", meta_offer(), "Content-Encoding: gzip\nContent-Type: application/sdp\n", 415,
              "Accept-Encoding", "identity"}}) {
        SCOPED_TRACE(row.name);
        CallBench bench;
        const auto happened = bench.begin(row.offer, row.headers);
        EXPECT_EQ(happened.text(), "a:100 INVITE, a:" + std::to_string(row.status) + " INVITE, over");
        const auto& refusal = happened.responses.back().response;
        EXPECT_EQ(value_of(refusal, row.header).substr(0, row.value.size()), row.value);
        EXPECT_NE(value_of(refusal, "To").find(";tag=" + bench.call->local_tag(Leg::a)), std::string::npos);
        EXPECT_EQ(bench.record().end, CallEnd::offer_refused);
        EXPECT_EQ(bench.record().final_status, row.status);
        EXPECT_EQ(bench.pass(64s).text(), "forget");
    }
}

TEST(CallInvite, NeedsAContact) {
    CallBench bench;
    auto invite = message_of(
        "INVITE sip:+12145551869@gw.example.com SIP/2.0\nVia: SIP/2.0/TLS wa.meta.vc;branch=z9hG4bK1\n"
        "From: <sip:+1@wa.meta.vc>;tag=1\nTo: <sip:+12145551869@gw.example.com>\nCall-ID: c\nCSeq: 1 "
        "INVITE\n");
    bench.call = std::make_unique<Call>(bench.settings, bench.digest, "cc-1", std::move(invite),
                                        sip::TransactionId{1}, bench.moment());
    EXPECT_EQ(bench.take(bench.call->start(bench.moment())).text(), "a:100 INVITE, a:400 INVITE, over");
}

// ---- ringing ----

TEST(CallInvite, RelaysRingingWithoutSdp) {
    CallBench bench;
    bench.begin();
    const auto happened = bench.answer(180);
    EXPECT_EQ(happened.text(), "a:180 INVITE");
    const auto& ringing = happened.responses[0].response;
    EXPECT_EQ(ringing.body, "");
    EXPECT_EQ(ringing.values("Record-Route").size(), 2U);
    EXPECT_EQ(value_of(ringing, "Contact"), "<sip:callchain@gw.example.com;transport=tls>");
    EXPECT_EQ(value_of(ringing, "Require"), "none");
    EXPECT_TRUE(bench.record().rang.has_value());
}

TEST(CallInvite, RelaysEarlyMediaAsAnAnswerThatIsFiltered) {
    CallBench bench;
    bench.begin();
    const auto happened = bench.answer(183, {.body = twilio_answer()});
    ASSERT_EQ(happened.text(), "a:183 INVITE");
    EXPECT_EQ(happened.responses[0].response.body, twilio_answer());
    EXPECT_EQ(value_of(happened.responses[0].response, "Content-Type"), "application/sdp");
}

TEST(CallInvite, LeavesEarlyMediaOutThatDoNotFit) {
    CallBench bench;
    bench.begin();
    const auto happened = bench.answer(183, {.body = sample("meta-default")});
    ASSERT_EQ(happened.text(), "a:183 INVITE");
    EXPECT_EQ(happened.responses[0].response.body, "");
    EXPECT_NE(happened.remark("early media"), nullptr);
    EXPECT_EQ(bench.answer(200, {.body = twilio_answer()}).text(), "b>ACK, a:200 INVITE");
}

TEST(CallInvite, TakesTheAnswerOfThe200WhereItDiffersFromThe183) {
    CallBench bench;
    bench.begin();
    bench.answer(183, {.body = replace_all(twilio_answer(), "15822", "15000")});
    const auto happened = bench.answer(200, {.body = twilio_answer()});
    ASSERT_EQ(happened.text(), "b>ACK, a:200 INVITE");
    EXPECT_EQ(happened.responses[0].response.body, twilio_answer());
    EXPECT_NE(happened.remark("differs"), nullptr);
}

TEST(CallInvite, TakesTheAnswerOfThe183WhereThe200HasNone) {
    CallBench bench;
    bench.begin();
    bench.answer(183, {.body = twilio_answer()});
    const auto happened = bench.answer(200);
    ASSERT_EQ(happened.text(), "b>ACK, a:200 INVITE");
    EXPECT_EQ(happened.responses[0].response.body, twilio_answer());
    EXPECT_EQ(happened.remark("differs"), nullptr);
}

TEST(CallInvite, TakesNoEarlyAnswerOfAnotherBranch) {
    CallBench bench;
    bench.begin();
    bench.answer(183, {.body = twilio_answer(), .tag = "branch-1"});
    EXPECT_EQ(bench.answer(200, {.tag = "branch-2"}).text(), "b>ACK, b>BYE, a:488 INVITE");
}

TEST(CallInvite, RingsNoLongerThanAllowed) {
    CallBench bench;
    bench.begin();
    bench.pass(20s);
    bench.answer(180);
    EXPECT_EQ(bench.due_in(CallTimer::ring), 60s);
    bench.pass(30s);
    bench.answer(180);  // the first one counts
    EXPECT_EQ(bench.due_in(CallTimer::ring), 30s);
    EXPECT_EQ(bench.pass(30s).text(), "a:480 INVITE, b>CANCEL");
    EXPECT_EQ(bench.record().end, CallEnd::no_answer);
    EXPECT_EQ(bench.record().why, "no answer within 60 s of ringing");
    EXPECT_EQ(bench.answer(487).text(), "over");
}

TEST(CallInvite, RingsNoLongerThanAllowedAfterATryingAlone) {
    // 100 stops the transaction's timer and is not passed up: the ring timer must run all the same.
    CallBench bench;
    bench.begin();
    EXPECT_EQ(bench.pass(60s).text(), "a:480 INVITE, b>CANCEL");
    EXPECT_EQ(bench.record().why, "no answer within 60 s, and no ringing");
}

TEST(CallInvite, EndsAnAnswerAfterTheRingTimeout) {
    CallBench bench;
    bench.begin();
    bench.answer(180);
    bench.pass(60s);
    const auto happened = bench.answer(200, {.body = twilio_answer()});
    ASSERT_EQ(happened.text(), "b>ACK, b>BYE");
    EXPECT_EQ(bench.answer(happened.requests[0], 200).text(), "over");
    EXPECT_EQ(bench.record().final_status, 480);
}

// ---- the answer ----

TEST(CallInvite, AcknowledgesAtOnceAndAnswers) {
    CallBench bench;
    bench.begin();
    bench.answer(180);
    const auto happened = bench.answer(200, {.headers = "X-Twilio-CallSid: CA01\n"
                                                        "Record-Route: <sip:edge.twilio.com;lr>\n",
                                             .body = twilio_answer()});
    ASSERT_EQ(happened.text(), "b>ACK, a:200 INVITE");
    const auto& ack = happened.acks[0];
    EXPECT_EQ(sip::write_uri(ack.message.uri), "sip:media@twilio.example.com:5061;transport=tls");
    EXPECT_EQ(sip::write_uri(ack.next_hop), "sip:edge.twilio.com;lr");
    EXPECT_EQ(value_of(ack.message, "CSeq"), "1 ACK");
    EXPECT_EQ(ack.message.body, "");
    const auto& ok = happened.responses[0].response;
    EXPECT_EQ(ok.body, twilio_answer());
    EXPECT_EQ(value_of(ok, "Allow"), "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO");
    EXPECT_EQ(value_of(ok, "Supported"), "none");
    EXPECT_EQ(bench.call->state(), CallState::answered);
    EXPECT_EQ(bench.ack_from_a().text(), "");
    EXPECT_EQ(bench.call->state(), CallState::up);
    EXPECT_EQ(bench.record().twilio_call_sid, "CA01");
    EXPECT_EQ(bench.record().answered, (std::vector<std::string>{"PCMU/8000", "telephone-event/8000"}));
    EXPECT_FALSE(bench.due_in(CallTimer::ring));
    EXPECT_FALSE(bench.due_in(CallTimer::repeat_answer));
    EXPECT_EQ(bench.due_in(CallTimer::length), 3'600s);
    EXPECT_EQ(bench.due_in(CallTimer::keep_alive), 300s);
}

TEST(CallInvite, AcknowledgesEachRepeatedAnswer) {
    CallBench bench;
    bench.begin();
    const With ok{.body = twilio_answer()};
    const auto first = bench.answer(200, ok);
    for (int i = 0; i < 3; ++i) {
        const auto again = bench.answer(200, ok);
        ASSERT_EQ(again.text(), "b>ACK");
        EXPECT_EQ(again.acks[0].message, first.acks[0].message);
    }
    bench.ack_from_a();
    EXPECT_EQ(bench.late_answer(ok).text(), "b>ACK");
}

TEST(CallInvite, EndsTheSecondAnswerOfAFork) {
    CallBench bench;
    bench.begin();
    bench.answer(200, {.body = twilio_answer()});
    bench.ack_from_a();
    const With second{.body = twilio_answer(), .tag = "twilio-2"};
    const auto happened = bench.answer(200, second);
    ASSERT_EQ(happened.text(), "b>ACK, b>BYE");
    EXPECT_NE(value_of(happened.requests[0].message, "To").find("tag=twilio-2"), std::string::npos);
    EXPECT_EQ(bench.answer(200, second).text(), "b>ACK");
    EXPECT_EQ(bench.late_answer(second).text(), "b>ACK");
    EXPECT_EQ(bench.answer(happened.requests[0], 200).text(), "");
    EXPECT_EQ(bench.call->state(), CallState::up);
    // The call's own BYE goes to the call's own dialog.
    const auto end = bench.from_a("BYE");
    ASSERT_EQ(end.text(), "a:200 BYE, b>BYE");
    EXPECT_NE(value_of(end.requests[0].message, "To").find("tag=twilio-1"), std::string::npos);
    EXPECT_EQ(bench.answer(end.requests[0], 200).text(), "over");
}

TEST(CallInvite, TakesTheByeOfAnEndedForkForNoEnd) {
    CallBench bench;
    bench.begin();
    bench.answer(200, {.body = twilio_answer()});
    bench.ack_from_a();
    bench.answer(200, {.body = twilio_answer(), .tag = "twilio-2"});
    EXPECT_EQ(bench.from_b("BYE", {.tag = "twilio-2"}).text(), "b:200 BYE");
    EXPECT_EQ(bench.call->state(), CallState::up);
}

TEST(CallInvite, EndsACallWhoseAnswerDoesNotFit) {
    struct Row {
        std::string name;
        std::string body;
        std::string type;
    };
    const auto answer = twilio_answer();
    for (const auto& row :
         {Row{"none", "", ""}, Row{"no SDP", "hello\n", ""},
          Row{"another type", "{}", "Content-Type: application/json\n"},
          Row{"formats that were not offered", replace_all(answer, "RTP/SAVP 0 126", "RTP/SAVP 18"), ""},
          Row{"another profile", replace_all(answer, "RTP/SAVP", "RTP/AVP"), ""},
          Row{"another tag of crypto", replace_all(answer, "crypto:1 ", "crypto:2 "), ""},
          Row{"another suite", replace_all(answer, "SHA1_80", "SHA1_32"), ""},
          Row{"no port", replace_all(answer, "audio 15822", "audio 0"), ""},
          Row{"one m= line too many", answer + "m=video 0 RTP/SAVP 96\n", ""}}) {
        SCOPED_TRACE(row.name);
        CallBench bench;
        bench.begin();
        const auto happened = bench.answer(200, {.headers = row.type, .body = row.body});
        ASSERT_EQ(happened.text(), "b>ACK, b>BYE, a:488 INVITE");
        EXPECT_EQ(value_of(happened.responses[0].response, "Warning").substr(0, 19), "399 gw.example.com ");
        EXPECT_EQ(bench.record().end, CallEnd::answer_refused);
        EXPECT_EQ(bench.record().final_status, 488);
        EXPECT_EQ(bench.answer(200, {.headers = row.type, .body = row.body}).text(), "b>ACK");
        EXPECT_EQ(bench.answer(happened.requests[0], 200).text(), "over");
        EXPECT_EQ(bench.pass(64s).text(), "forget");
    }
}

// ---- 200 to leg A: RFC 3261 section 13.3.1.4 ----

TEST(CallInvite, RepeatsItsAnswerUntilTheAck) {
    CallBench bench;
    bench.begin();
    const auto first = bench.answer(200, {.body = twilio_answer()});
    // T1, 2*T1, 4*T1, then every T2.
    for (const auto wait : {500ms, 1'000ms, 2'000ms, 4'000ms, 4'000ms}) {
        EXPECT_EQ(bench.pass(wait - 1ms).text(), "");
        const auto again = bench.pass(1ms);
        ASSERT_EQ(again.text(), "a:200 INVITE");
        EXPECT_EQ(again.responses[0].response, first.responses[0].response);
        EXPECT_EQ(again.responses[0].transaction, bench.invite_a);
    }
    bench.ack_from_a();
    EXPECT_EQ(bench.pass(20s).text(), "");
    EXPECT_EQ(bench.ack_from_a().text(), "");
}

TEST(CallInvite, EndsBothSidesWithoutAnAckIn64T1) {
    CallBench bench;
    bench.begin();
    bench.answer(200, {.body = twilio_answer()});
    const auto before = bench.pass(31'999ms);
    for (const auto& word : before.words) EXPECT_EQ(word, "a:200 INVITE");
    EXPECT_EQ(before.responses.size(), 10U);  // 0.5, 1.5, 3.5, 7.5, 11.5 … 31.5 s
    const auto end = bench.pass(1ms);
    EXPECT_EQ(end.text(), "a>BYE, b>BYE");
    EXPECT_EQ(bench.record().end, CallEnd::not_acknowledged);
    bench.answer(end.requests[0], 200);
    EXPECT_EQ(bench.answer(end.requests[1], 200).text(), "over");
}

TEST(CallInvite, TakesNoAckOfAnotherNumber) {
    CallBench bench;
    bench.begin();
    bench.answer(200, {.body = twilio_answer()});
    bench.ack_from_a({}, 31158);
    EXPECT_EQ(bench.call->state(), CallState::answered);
}

// ---- without an offer ----

std::string twilio_offer() { return replace_all(twilio_answer(), "RTP/SAVP 0 126", "RTP/SAVP 0 8 126"); }
std::string meta_answer() { return replace_all(meta_offer(), "RTP/SAVP 111 8 0 126", "RTP/SAVP 0 126"); }

TEST(CallInvite, TakesTheAnswerOutOfTheAckWhereThereWasNoOffer) {
    CallBench bench;
    EXPECT_EQ(bench.begin("").text(), "a:100 INVITE, b>INVITE");
    EXPECT_EQ(bench.invite_b.message.body, "");
    EXPECT_EQ(value_of(bench.invite_b.message, "Content-Type"), "none");
    const With ok{.body = twilio_offer()};
    const auto answered = bench.answer(200, ok);
    ASSERT_EQ(answered.text(), "a:200 INVITE");
    EXPECT_NE(answered.responses[0].response.body.find("RTP/SAVP 0 8 126"), std::string::npos);
    // Its ACK waits for Meta's answer, however often it repeats.
    EXPECT_EQ(bench.answer(200, ok).text(), "");
    const auto up = bench.ack_from_a(meta_answer());
    ASSERT_EQ(up.text(), "b>ACK");
    EXPECT_NE(up.acks[0].message.body.find("m=audio 3480 RTP/SAVP 0 126"), std::string::npos);
    EXPECT_EQ(bench.call->state(), CallState::up);
    EXPECT_EQ(bench.record().answered, (std::vector<std::string>{"PCMU/8000", "telephone-event/8000"}));
    // Now each repetition gets the same ACK, answer and all.
    const auto again = bench.answer(200, ok);
    ASSERT_EQ(again.text(), "b>ACK");
    EXPECT_EQ(again.acks[0].message, up.acks[0].message);
}

TEST(CallInvite, EndsBothSidesWhereTheAckHasNoAnswerThatFits) {
    for (const auto& body : {std::string(), std::string("hello\n"), sample("meta-default")}) {
        SCOPED_TRACE(body);
        CallBench bench;
        bench.begin("");
        bench.answer(200, {.body = twilio_offer()});
        const auto end = bench.ack_from_a(body);
        EXPECT_EQ(end.text(), "b>ACK, a>BYE, b>BYE");
        EXPECT_EQ(bench.record().end, CallEnd::answer_refused);
    }
}

TEST(CallInvite, EndsBothSidesWhereTheAnswerIsNeverAcknowledgedWithoutAnOffer) {
    CallBench bench;
    bench.begin("");
    bench.answer(200, {.body = twilio_offer()});
    bench.pass(31'999ms);
    EXPECT_EQ(bench.pass(1ms).text(), "b>ACK, a>BYE, b>BYE");
}

TEST(CallInvite, Answers488WhereTheOfferOfThe200CannotWork) {
    for (const auto& row : {With{}, With{.body = "hello\n"}, With{.body = sample("meta-default")},
                            With{.headers = "Content-Type: application/json\n", .body = "{}"}}) {
        SCOPED_TRACE(row.body);
        CallBench bench;
        bench.begin("");
        EXPECT_EQ(bench.answer(200, row).text(), "b>ACK, b>BYE, a:488 INVITE");
    }
}

TEST(CallInvite, LeavesAnOfferInA183Out) {
    CallBench bench;
    bench.begin("");
    const auto happened = bench.answer(183, {.body = twilio_offer()});
    ASSERT_EQ(happened.text(), "a:183 INVITE");
    EXPECT_EQ(happened.responses[0].response.body, "");
}

// ---- credentials ----

TEST(CallInvite, AnswersAChallengeOnce) {
    for (const int status : {401, 407}) {
        SCOPED_TRACE(status);
        CallBench bench;
        bench.begin();
        const auto first = bench.invite_b;
        const auto headers = status == 407
                                 ? std::string(kChallenge)
                                 : replace_all(kChallenge, "Proxy-Authenticate", "WWW-Authenticate");
        const auto happened = bench.answer(status, {.headers = headers});
        ASSERT_EQ(happened.text(), "b>INVITE");
        const auto& second = happened.requests[0].message;
        EXPECT_EQ(value_of(second, "CSeq"), "2 INVITE");
        EXPECT_EQ(value_of(second, "Call-ID"), value_of(first.message, "Call-ID"));
        EXPECT_EQ(value_of(second, "From"), value_of(first.message, "From"));
        EXPECT_EQ(value_of(second, "To"), value_of(first.message, "To"));
        EXPECT_EQ(second.body, first.message.body);
        const auto credentials = value_of(second, status == 407 ? "Proxy-Authorization" : "Authorization");
        EXPECT_NE(credentials.find("uri=\"sip:agent@bridge.sip.twilio.com;transport=tls\""),
                  std::string::npos)
            << credentials;
        // The ACK has the credentials and the number of the INVITE that was answered.
        const auto ok = bench.answer(200, {.body = twilio_answer()});
        ASSERT_EQ(ok.text(), "b>ACK, a:200 INVITE");
        EXPECT_EQ(value_of(ok.acks[0].message, "CSeq"), "2 ACK");
        EXPECT_EQ(value_of(ok.acks[0].message, status == 407 ? "Proxy-Authorization" : "Authorization"),
                  credentials);
    }
}

TEST(CallInvite, AnswersTheNextCallsChallengeBeforeItComes) {
    CallBench first;
    first.begin();
    first.answer(407, {.headers = challenge("n1")});
    CallBench second;
    second.digest = first.digest;
    const auto dialled = second.begin();
    EXPECT_NE(value_of(dialled.requests[0].message, "Proxy-Authorization").find("nc=00000002"),
              std::string::npos);
    // That nonce is old: one more try, and it means nothing about the password.
    const auto again = second.answer(407, {.headers = challenge("n2")});
    ASSERT_EQ(again.text(), "b>INVITE");
    EXPECT_NE(value_of(again.requests[0].message, "Proxy-Authorization").find("nonce=\"n2\""),
              std::string::npos);
    EXPECT_EQ(second.answer(180).text(), "a:180 INVITE");
}

TEST(CallInvite, TriesAgainWhereTheNonceIsStale) {
    CallBench bench;
    bench.begin();
    bench.answer(407, {.headers = challenge("n1")});
    EXPECT_EQ(bench.answer(407, {.headers = challenge("n2", ", stale=true")}).text(), "b>INVITE");
}

// What we add to the time that a caller waits is known only behind the challenge.
TEST(CallInvite, TellsWhenTheLastInviteWentOut) {
    CallBench bench;
    bench.begin();
    EXPECT_EQ(bench.call->record().dialled, 0ms);
    bench.now += 40ms;
    bench.answer(407, {.headers = challenge("n1")});
    EXPECT_EQ(bench.call->record().dialled, 40ms);
}

TEST(CallInvite, Answers503WhereThePasswordIsWrong) {
    CallBench bench;
    bench.begin();
    bench.answer(407, {.headers = challenge("n1")});
    const auto happened = bench.answer(407, {.headers = challenge("n2")});
    EXPECT_EQ(happened.text(), "a:503 INVITE, over");
    const auto* remark = happened.remark("32202");
    ASSERT_NE(remark, nullptr);
    EXPECT_EQ(remark->level, Remark::Level::warn);
    EXPECT_EQ(happened.responses[0].response.find("Proxy-Authenticate"), std::nullopt);
    EXPECT_EQ(bench.record().end, CallEnd::credentials_refused);
    EXPECT_EQ(bench.record().twilio_error, 32202);
    EXPECT_NE(bench.record().remedy.find("TWILIO_SIP_PASSWORD"), std::string::npos);
}

TEST(CallInvite, Answers503ToAChallengeThatCannotBeAnswered) {
    for (const std::string headers :
         {"", "Proxy-Authenticate: Basic realm=\"x\"\n",
          "Proxy-Authenticate: Digest realm=\"x\", nonce=\"n\", algorithm=SHA-3\n"}) {
        SCOPED_TRACE(headers);
        CallBench bench;
        bench.begin();
        EXPECT_EQ(bench.answer(407, {.headers = headers}).text(), "a:503 INVITE, over");
    }
}

TEST(CallInvite, GivesUpOnChallengeUponChallenge) {
    CallBench bench;
    bench.begin();
    std::string text;
    int tries = 0;
    do {
        text = bench.answer(407, {.headers = challenge(std::to_string(++tries), ", stale=true")}).text();
    } while (text == "b>INVITE" && tries < 20);
    EXPECT_EQ(text, "a:503 INVITE, over");
    EXPECT_EQ(tries, sip::DigestClient::kMostChallenges + 1);
}

// ---- failures ----

TEST(CallInvite, PassesFailuresOnByTheMap) {
    struct Row {
        int from_twilio;
        int to_meta;
    };
    for (const auto& row : {Row{300, 503}, Row{302, 503}, Row{400, 480}, Row{403, 503}, Row{404, 404},
                            Row{408, 504}, Row{410, 480}, Row{415, 480}, Row{480, 480}, Row{481, 480},
                            Row{486, 486}, Row{487, 487}, Row{488, 488}, Row{500, 503}, Row{503, 503},
                            Row{504, 503}, Row{600, 603}, Row{603, 603}, Row{604, 603}, Row{606, 603}}) {
        SCOPED_TRACE(row.from_twilio);
        CallBench bench;
        bench.begin();
        bench.answer(180);
        const auto happened =
            bench.answer(row.from_twilio, {.headers = "Reason: Q.850;cause=16\n"
                                                      "Warning: 399 twilio.com \"why\"\n"
                                                      "X-Twilio-Error: 32201 Not on the list\n"
                                                      "Contact: <sip:elsewhere@twilio.com>\n"});
        ASSERT_EQ(happened.text(), "a:" + std::to_string(row.to_meta) + " INVITE, over");
        const auto& failure = happened.responses[0].response;
        EXPECT_EQ(value_of(failure, "Reason"), "Q.850;cause=16");
        EXPECT_EQ(value_of(failure, "Warning"), "399 twilio.com \"why\"");
        EXPECT_EQ(value_of(failure, "X-Twilio-Error"), "none");
        EXPECT_EQ(value_of(failure, "Contact"), "none");
        EXPECT_NE(happened.remark("Twilio refused"), nullptr);
        EXPECT_EQ(bench.record().end, CallEnd::refused);
        EXPECT_EQ(bench.record().twilio_error, 32201);
        EXPECT_EQ(bench.record().leg_b_status, row.from_twilio);
        EXPECT_EQ(bench.record().final_status, row.to_meta);
        EXPECT_EQ(bench.pass(63s).text(), "forget");
    }
}

TEST(CallInvite, NamesTheSettingWhereTwilioWantsAnotherFrom) {
    CallBench bench;
    bench.begin();
    bench.answer(403, {.headers = "X-Twilio-Error: 32106 Invalid From\n"});
    EXPECT_NE(bench.record().remedy.find("CALLCHAIN_TWILIO_FROM"), std::string::npos);
}

TEST(CallInvite, Answers504WhereNobodyCanBeReached) {
    for (const auto fault : {RequestFault::timeout, RequestFault::transport}) {
        CallBench bench;
        bench.begin();
        EXPECT_EQ(bench.fail(bench.invite_b, fault).text(), "a:504 INVITE, over");
        EXPECT_EQ(bench.record().end, CallEnd::unreachable);
    }
}

}  // namespace
}  // namespace callchain::b2bua
