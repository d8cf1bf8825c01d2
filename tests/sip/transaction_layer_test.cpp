// Which message belongs to which transaction, and what happens when messages cross.
#include "sip/transaction_layer.hpp"

#include "sip/layer_driver.hpp"
#include "sip/transaction_messages.hpp"

#include <chrono>
#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::sip {
namespace {

using namespace std::chrono_literals;
using T = TransactionTimer;
constexpr Flow kTcp{FlowId{5}, Reliability::reliable};
constexpr Flow kUdp{FlowId{5}, Reliability::unreliable};

RequestText ack_of_invite(std::string_view to_tag) {
    RequestText ack{.method = "ACK"};
    ack.to_tag = to_tag;
    return ack;
}

// Which response belongs to which request. Source: RFC 3261 sections 17.1.3, 18.1.2 and 8.1.3.3.

TEST(MatchResponse, GoesByBranchSentByAndMethod) {
    struct Row {
        std::string_view name;
        std::function<void(Received&)> change;
        std::string_view want;
    };
    const std::vector<Row> rows{
        {"as it was sent", [](Received&) {}, "response 180 #1"},
        {"another branch", [](Received& r) { r.via[0].parameters.set("branch", "z9hG4bK-other"); },
         "stray response 180"},
        {"the branch in another case", [](Received& r) { r.via[0].parameters.set("branch", "z9hG4bK-OWN"); },
         "stray response 180"},
        {"the method of another transaction", [](Received& r) { r.cseq.method = "CANCEL"; },
         "stray response 180"},
        {"the host in another case", [](Received& r) { r.via[0].host = "GW.Example.COM"; },
         "response 180 #1"},
        {"another host", [](Received& r) { r.via[0].host = "gw.example.org"; }, "stray response 180"},
        {"another port", [](Received& r) { r.via[0].port = 5062; }, "stray response 180"},
        {"received and rport added", [](Received& r) { r.via[0].parameters.set("received", "192.0.2.1"); },
         "response 180 #1"},
        {"a second Via: it was for somebody else", [](Received& r) { r.via.push_back(r.via[0]); },
         "stray response 180"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        LayerDriver driver;
        driver.create(client_request("OPTIONS"));
        auto response = answer_to(driver.sent, 180);
        row.change(response);
        EXPECT_EQ(driver.receive(std::move(response)).front(), row.want);
    }
}

// Of a user agent that plays the proxies behind it: their Vias come back below ours.
TEST(MatchResponse, WantsAsManyViasAsWereSent) {
    for (const auto& [vias, want] : std::vector<std::pair<std::size_t, std::string>>{
             {1, "stray response 180"}, {2, "response 180 #1"}, {3, "stray response 180"}}) {
        SCOPED_TRACE(vias);
        LayerDriver driver;
        auto request = client_request("OPTIONS");
        request.message.add("Via", "SIP/2.0/TCP inner.example.com;branch=z9hG4bK-inner");
        driver.create(request);
        auto response = answer_to(driver.sent, 180);
        response.via.resize(vias, response.via.back());
        EXPECT_EQ(driver.receive(std::move(response)).front(), want);
    }
}

TEST(MatchResponse, TellsTheInviteFromItsCancelByTheMethod) {
    LayerDriver driver;
    const auto invite = driver.create(client_request());
    const auto sent_invite = driver.sent;
    driver.receive(answer_to(sent_invite, 180));
    driver.cancel(invite);
    const auto sent_cancel = driver.sent;
    EXPECT_EQ(driver.receive(answer_to(sent_cancel, 200)),
              (Lines{"stop E #2", "stop F #2", "set K 5000 #2"}));
    EXPECT_EQ(driver.receive(answer_to(sent_invite, 487)),
              (Lines{"stop CANCEL #1", "send ACK on 9 #1", "response 487 #1", "set D 32000 #1"}));
}

TEST(MatchResponse, HandsUpWhatIsForNobody) {
    LayerDriver driver;
    driver.create(client_request());
    const auto response = answer_to(driver.sent, 200);
    LayerDriver other;
    EXPECT_EQ(other.receive(response), (Lines{"stray response 200"}));
}

// Which request belongs to which transaction. Source: RFC 3261 section 17.2.3.

TEST(MatchRequest, PassesANewRequestUpAndMakesNoTransaction) {
    LayerDriver driver;
    for (int again = 0; again < 3; ++again)
        EXPECT_EQ(driver.receive(RequestText{}), (Lines{"request INVITE"}));
    EXPECT_EQ(driver.layer.size(), 0U);
}

TEST(MatchRequest, GoesByBranchSentByAndMethod) {
    struct Row {
        std::string_view name;
        RequestText request;
        std::string_view want;
    };
    // The transaction's is INVITE with client.example.com;branch=z9hG4bK-1, and was answered by 180.
    const std::vector<Row> rows{
        {"again", {}, "send 180 on 5 #1"},
        {"the host in another case", {.via = "CLIENT.example.com;branch=z9hG4bK-1"}, "send 180 on 5 #1"},
        {"the cookie is enough of a prefix",
         {.via = "client.example.com;branch=z9hG4bK-12"},
         "request INVITE"},
        {"another host", {.via = "client.example.org;branch=z9hG4bK-1"}, "request INVITE"},
        {"another port", {.via = "client.example.com:5070;branch=z9hG4bK-1"}, "request INVITE"},
        {"another method", {.method = "OPTIONS"}, "request OPTIONS"},
        {"all else differs",
         {.uri = "sip:eve@gw.example.com", .from_tag = "x", .call_id = "y", .cseq = 2},
         "send 180 on 5 #1"},
    };
    for (auto row : rows) {
        SCOPED_TRACE(row.name);
        LayerDriver driver;
        driver.respond(driver.serve(RequestText{}), 180);
        // Else it would be a merged one, which is another test's.
        if (row.want == "request INVITE") row.request.call_id = "call-2";
        EXPECT_EQ(driver.receive(row.request), (Lines{std::string(row.want)}));
    }
}

TEST(MatchRequest, AbsorbsARequestThatComesAgainBeforeItIsAnswered) {
    LayerDriver driver;
    driver.serve(RequestText{});
    EXPECT_EQ(driver.receive(RequestText{}), Lines{});
    driver.serve({.method = "BYE", .to_tag = "st", .cseq = 2});
    EXPECT_EQ(driver.receive({.method = "BYE", .to_tag = "st", .cseq = 2}), Lines{});
}

TEST(MatchRequest, TakesAnyBranchOfAnyLength) {
    // sofia-sip's own matching read beyond branches of less than seven characters.
    for (const std::string branch : {"", "z", "z9hG4b", "z9hG4bK", "Z9HG4BKx"}) {
        SCOPED_TRACE(branch);
        LayerDriver driver;
        const RequestText request{.via = "client.example.com" + (branch.empty() ? "" : ";branch=" + branch)};
        const auto id = driver.serve(request);
        driver.respond(id, 180);
        EXPECT_EQ(driver.receive(request), (Lines{"send 180 on 5 #1"}));
    }
}

TEST(MatchRequest, AnswersWhereTheRequestCameFromThisTime) {
    LayerDriver driver;
    const auto id = driver.serve({.method = "BYE"}, kUdp);
    EXPECT_EQ(driver.respond(id, 200), (Lines{"send 200 on 5 #1", "set J 32000 #1"}));
    EXPECT_EQ(driver.receive({.method = "BYE"}, {FlowId{6}}), (Lines{"send 200 on 6 #1"}));
    EXPECT_EQ(driver.receive({.method = "BYE"}, kUdp), (Lines{"send 200 on 5 #1"}));
}

// The peers of RFC 2543, without the magic cookie.

RequestText old_invite() { return {.via = "client.example.com;branch=1"}; }
RequestText old_ack(std::string_view to_tag) {
    auto ack = old_invite();
    ack.method = "ACK";
    ack.to_tag = to_tag;
    return ack;
}

TEST(MatchOldRequest, GoesByUriTagsCallIdCSeqAndVia) {
    struct Row {
        std::string_view name;
        RequestText request;
        std::string_view want;
    };
    const std::string via = "client.example.com;branch=1";
    const std::vector<Row> rows{
        {"again", old_invite(), "send 180 on 5 #1"},
        {"another Request-URI",
         {.uri = "sip:eve@gw.example.com", .via = via},
         "request INVITE merged with #1"},
        {"the host of the URI in another case",
         {.uri = "sip:bob@GW.example.com", .via = via},
         "send 180 on 5 #1"},
        {"another From tag", {.via = via, .from_tag = "x"}, "request INVITE"},
        {"a To tag", {.via = via, .to_tag = "st"}, "request INVITE"},
        {"another Call-ID", {.via = via, .call_id = "call-2"}, "request INVITE"},
        {"another CSeq", {.via = via, .cseq = 2}, "request INVITE"},
        {"another Via", {.via = "client.example.com;branch=2"}, "request INVITE merged with #1"},
        {"a Via with the cookie",
         {.via = "client.example.com;branch=z9hG4bK-1"},
         "request INVITE merged with #1"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        LayerDriver driver;
        driver.respond(driver.serve(old_invite()), 180);
        EXPECT_EQ(driver.receive(row.request), (Lines{std::string(row.want)}));
    }
}

TEST(MatchOldRequest, TellsTheAckToAFailureByTheToTagOfThatAnswer) {
    LayerDriver driver;
    const auto id = driver.serve(old_invite());
    driver.respond(id, 486, "st");
    EXPECT_EQ(driver.receive(old_ack("other")), (Lines{"ack stray"}));
    EXPECT_EQ(driver.receive(old_ack("st")), (Lines{"stop G #1", "stop H #1", "set I 5000 #1"}));
    EXPECT_EQ(driver.receive(old_ack("st")), Lines{});
}

TEST(MatchOldRequest, FindsTheInviteThatACancelMeans) {
    LayerDriver driver;
    driver.serve(old_invite());
    auto cancel = old_invite();
    cancel.method = "CANCEL";
    EXPECT_EQ(driver.receive(cancel), (Lines{"cancel of #1"}));
    cancel.cseq = 2;
    EXPECT_EQ(driver.receive(cancel), (Lines{"cancel of nothing"}));
}

TEST(MatchOldRequest, HoldsABareCookieForNoIdentity) {
    // RFC 4475 section 3.2.1 (badbranch).
    LayerDriver driver;
    driver.serve({.via = "client.example.com;branch=z9hG4bK"});
    EXPECT_EQ(driver.receive({.via = "client.example.com;branch=z9hG4bK", .call_id = "call-2"}),
              (Lines{"request INVITE"}));
}

TEST(MatchOldRequest, IsNotDisturbedByWhatWasNotedOfItsSource) {
    LayerDriver driver;
    auto first = old_invite().received();
    note_source(first, "192.0.2.1", 4000);
    ASSERT_TRUE(driver.layer.create_server(first, kUdp).has_value());
    auto again = old_invite().received();
    note_source(again, "192.0.2.2", 4000);
    EXPECT_EQ(driver.receive(again), Lines{});
}

// Copies of one request. Source: RFC 3261 section 8.2.2.2.

TEST(MergedRequest, IsOneWithoutToTagAndWithEqualTagCallIdAndCSeqOnAnotherBranch) {
    struct Row {
        std::string_view name;
        RequestText request;
        std::string_view want;
    };
    const std::string other = "proxy.example.com;branch=z9hG4bK-2";
    const std::vector<Row> rows{
        {"the same by another way", {.via = other}, "request INVITE merged with #1"},
        {"Meta's second INVITE after 407: CSeq + 1", {.via = other, .cseq = 2}, "request INVITE"},
        {"another From tag", {.via = other, .from_tag = "x"}, "request INVITE"},
        {"another Call-ID", {.via = other, .call_id = "call-2"}, "request INVITE"},
        {"within a dialog", {.via = other, .to_tag = "st"}, "request INVITE"},
        {"another method", {.method = "OPTIONS", .via = other}, "request OPTIONS"},
        {"a CANCEL", {.method = "CANCEL", .via = other}, "cancel of nothing"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        LayerDriver driver;
        driver.serve(RequestText{});
        EXPECT_EQ(driver.receive(row.request), (Lines{std::string(row.want)}));
    }
}

TEST(MergedRequest, NeedsATransactionThatStillRuns) {
    LayerDriver driver;
    const RequestText copy{.via = "proxy.example.com;branch=z9hG4bK-2"};
    const auto id = driver.serve(RequestText{}, kTcp);
    driver.respond(id, 486);
    EXPECT_EQ(driver.receive(copy), (Lines{"request INVITE merged with #1"}));
    driver.receive(ack_of_invite("st"));
    ASSERT_EQ(driver.state_of(id), "gone");
    EXPECT_EQ(driver.receive(copy), (Lines{"request INVITE"}));
}

// The client's INVITE.

TEST(InviteOfOurs, IsRepeatedOverUdpUntilAnAnswerComes) {
    LayerDriver driver;
    const auto id = driver.create(client_request());
    EXPECT_EQ(driver.lines_of_creation, (Lines{"send INVITE on 9 #1", "set A 500 #1", "set B 32000 #1"}));
    const auto sent = driver.sent;
    EXPECT_EQ(driver.timer(id, T::a), (Lines{"send INVITE on 9 #1", "set A 1000 #1"}));
    EXPECT_EQ(driver.sent, sent);
    EXPECT_EQ(driver.timer(id, T::a), (Lines{"send INVITE on 9 #1", "set A 2000 #1"}));
    EXPECT_EQ(driver.receive(answer_to(sent, 100)), (Lines{"stop A #1", "stop B #1", "response 100 #1"}));
    EXPECT_EQ(driver.timer(id, T::a), Lines{});
}

TEST(InviteOfOurs, IsSentOnceOverTcp) {
    LayerDriver driver;
    const auto id = driver.create(client_request("INVITE", Reliability::reliable));
    EXPECT_EQ(driver.lines_of_creation, (Lines{"send INVITE on 9 #1", "set B 32000 #1"}));
    EXPECT_EQ(driver.timer(id, T::b), (Lines{"timed out #1", "ended #1"}));
    EXPECT_EQ(driver.layer.size(), 0U);
}

TEST(InviteOfOurs, PassesEach1xxUp) {
    LayerDriver driver;
    driver.create(client_request("INVITE", Reliability::reliable));
    const auto sent = driver.sent;
    driver.receive(answer_to(sent, 100));
    EXPECT_EQ(driver.receive(answer_to(sent, 180)), (Lines{"response 180 #1"}));
    EXPECT_EQ(driver.receive(answer_to(sent, 183)), (Lines{"response 183 #1"}));
}

TEST(InviteOfOurs, PassesRepeatedAndForked2xxUpFor64T1) {
    LayerDriver driver;
    const auto id = driver.create(client_request());
    const auto sent = driver.sent;
    EXPECT_EQ(driver.receive(answer_to(sent, 200, "one")),
              (Lines{"stop A #1", "stop B #1", "response 200 #1", "set M 32000 #1"}));
    EXPECT_EQ(driver.receive(answer_to(sent, 200, "one")), (Lines{"response 200 #1"}));
    EXPECT_EQ(driver.receive(answer_to(sent, 200, "two")), (Lines{"response 200 #1"}));
    EXPECT_EQ(driver.receive(answer_to(sent, 486, "three")), Lines{});
    EXPECT_EQ(driver.timer(id, T::m), (Lines{"ended #1"}));
    EXPECT_EQ(driver.receive(answer_to(sent, 200, "one")), (Lines{"stray response 200"}));
}

TEST(InviteOfOurs, AcknowledgesEachRepetitionOfAFailureWithTheSameBytes) {
    LayerDriver driver;
    const auto id = driver.create(client_request());
    const auto sent = driver.sent;
    EXPECT_EQ(driver.receive(answer_to(sent, 486)),
              (Lines{"stop A #1", "stop B #1", "send ACK on 9 #1", "response 486 #1", "set D 32000 #1"}));
    const auto ack = driver.sent;
    driver.sent.clear();
    EXPECT_EQ(driver.receive(answer_to(sent, 486)), (Lines{"send ACK on 9 #1"}));
    EXPECT_EQ(driver.sent, ack);
    EXPECT_EQ(driver.timer(id, T::d), (Lines{"ended #1"}));
}

TEST(InviteOfOurs, EndsWithItsFailureOverTcp) {
    LayerDriver driver;
    driver.create(client_request("INVITE", Reliability::reliable));
    EXPECT_EQ(driver.receive(answer_to(driver.sent, 486), kTcp),
              (Lines{"stop B #1", "send ACK on 9 #1", "response 486 #1", "ended #1"}));
    EXPECT_EQ(driver.layer.size(), 0U);
}

TEST(InviteOfOurs, WritesTheAckOfTheRfcsExample) {
    // RFC 3261 section 17.1.1.3, the INVITE and the ACK that it would look like.
    auto invite = sent(
        "INVITE sip:bob@biloxi.com SIP/2.0\n"
        "Via: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bKkjshdyff\n"
        "To: Bob <sip:bob@biloxi.com>\n"
        "From: Alice <sip:alice@atlanta.com>;tag=88sja8x\n"
        "Max-Forwards: 70\n"
        "Call-ID: 987asjd97y7atg\n"
        "CSeq: 986759 INVITE\n"
        "Content-Length: 0\n\n");
    std::erase_if(invite.headers, [](const auto& field) { return field.name == "Via"; });
    ClientRequest request{{{"UDP", "pc33.atlanta.com"}, FlowId{9}, Reliability::unreliable},
                          std::move(invite)};
    request.via.parameters.set("branch", "z9hG4bKkjshdyff");
    LayerDriver driver;
    driver.create(request);
    driver.receive(answer_to(driver.sent, 486, "99sa0xk"));

    const auto got = parse_message(driver.sent, Carrier::stream);
    ASSERT_TRUE(got.has_value());
    const auto want = received(
        "ACK sip:bob@biloxi.com SIP/2.0\n"
        "Via: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bKkjshdyff\n"
        "To: Bob <sip:bob@biloxi.com>;tag=99sa0xk\n"
        "From: Alice <sip:alice@atlanta.com>;tag=88sja8x\n"
        "Max-Forwards: 70\n"
        "Call-ID: 987asjd97y7atg\n"
        "CSeq: 986759 ACK\n"
        "Content-Length: 0\n\n");
    EXPECT_EQ(got->message.uri, want.message.uri);
    EXPECT_EQ(got->message.headers.size(), want.message.headers.size());
    for (const auto& field : want.message.headers)
        EXPECT_EQ(got->message.values(field.name), (std::vector<std::string_view>{field.value}))
            << field.name;
}

TEST(InviteOfOurs, HasItsRoutesInAckAndCancelAndNothingElse) {
    // RFC 3261 sections 9.1 and 17.1.1.3.
    auto request = client_request();
    request.message.add("Route", "<sip:p1.example.com;lr>");
    request.message.add("Route", "<sip:p2.example.com;lr>, <sip:p3.example.com;lr>");
    request.message.add("Require", "precondition");
    request.message.add("Proxy-Require", "x");
    request.message.add("Proxy-Authorization", "Digest x=1");
    request.message.add("Content-Type", "application/sdp");
    request.message.body = "v=0\r\n";
    LayerDriver driver;
    const auto id = driver.create(request);
    const auto invite = driver.sent;
    driver.receive(answer_to(invite, 180));
    driver.cancel(id);
    const auto cancel = driver.sent;
    driver.receive(answer_to(invite, 487));
    const auto ack = driver.sent;

    const std::string head =
        "sip:carol@twilio.example.com SIP/2.0\r\n"
        "Via: SIP/2.0/UDP gw.example.com:5060;branch=z9hG4bK-own\r\n"
        "Route: <sip:p1.example.com;lr>\r\n"
        "Route: <sip:p2.example.com;lr>, <sip:p3.example.com;lr>\r\n"
        "From: <sip:gw@gw.example.com>;tag=own\r\n"
        "To: <sip:carol@twilio.example.com>";
    EXPECT_EQ(cancel, "CANCEL " + head +
                          "\r\nCall-ID: call-own\r\nCSeq: 7 CANCEL\r\nMax-Forwards: 70\r\n"
                          "Content-Length: 0\r\n\r\n");
    EXPECT_EQ(ack, "ACK " + head +
                       ";tag=tt\r\nCall-ID: call-own\r\nCSeq: 7 ACK\r\nMax-Forwards: 70\r\n"
                       "Content-Length: 0\r\n\r\n");
}

// CANCEL of ours. Source: RFC 3261 section 9.1.

TEST(CancelOfOurs, GoesOutAtOnceAfterA1xx) {
    LayerDriver driver;
    const auto id = driver.create(client_request());
    driver.receive(answer_to(driver.sent, 180));
    EXPECT_EQ(driver.cancel(id),
              (Lines{"send CANCEL on 9 #2", "set E 500 #2", "set F 32000 #2", "set CANCEL 32000 #1"}));
    EXPECT_EQ(driver.cancel(id), Lines{}) << "once";
}

TEST(CancelOfOurs, WaitsForA1xx) {
    LayerDriver driver;
    const auto id = driver.create(client_request());
    const auto invite = driver.sent;
    EXPECT_EQ(driver.cancel(id), Lines{});
    EXPECT_EQ(driver.cancel(id), Lines{});
    EXPECT_EQ(driver.timer(id, T::a), (Lines{"send INVITE on 9 #1", "set A 1000 #1"}));
    EXPECT_EQ(driver.receive(answer_to(invite, 100)),
              (Lines{"stop A #1", "stop B #1", "response 100 #1", "send CANCEL on 9 #2", "set E 500 #2",
                     "set F 32000 #2", "set CANCEL 32000 #1"}));
    EXPECT_EQ(driver.receive(answer_to(invite, 180)), (Lines{"response 180 #1"})) << "once";
}

TEST(CancelOfOurs, IsNeverSentWhenTheFinalAnswerComesFirst) {
    for (const int status : {200, 302, 486, 603}) {
        SCOPED_TRACE(status);
        LayerDriver driver;
        const auto id = driver.create(client_request());
        const auto invite = driver.sent;
        driver.cancel(id);
        driver.receive(answer_to(invite, status));
        EXPECT_EQ(kind_of(driver.sent), status < 300 ? "INVITE" : "ACK");
        EXPECT_EQ(driver.receive(answer_to(invite, 180)), Lines{});
        EXPECT_EQ(driver.cancel(id), Lines{});
        EXPECT_EQ(driver.layer.size(), 1U);
    }
}

TEST(CancelOfOurs, IsNotSentAfterAnAnswerEvenWhenAskedForOnlyThen) {
    LayerDriver driver;
    const auto id = driver.create(client_request());
    driver.receive(answer_to(driver.sent, 200));
    EXPECT_EQ(driver.cancel(id), Lines{});
}

TEST(CancelOfOurs, LosesAgainstA200) {
    LayerDriver driver;
    const auto id = driver.create(client_request());
    const auto invite = driver.sent;
    driver.receive(answer_to(invite, 180));
    driver.cancel(id);
    const auto cancel = driver.sent;
    EXPECT_EQ(driver.receive(answer_to(invite, 200)),
              (Lines{"stop CANCEL #1", "response 200 #1", "set M 32000 #1"}));
    EXPECT_EQ(driver.receive(answer_to(cancel, 481)), (Lines{"stop E #2", "stop F #2", "set K 5000 #2"}));
}

TEST(CancelOfOurs, EndsAnInviteThatStaysWithoutAnswerAfter64T1) {
    LayerDriver driver;
    const auto id = driver.create(client_request());
    const auto invite = driver.sent;
    driver.receive(answer_to(invite, 180));
    driver.cancel(id);
    EXPECT_EQ(driver.timer(id, T::cancel), (Lines{"timed out #1", "ended #1"}));
    EXPECT_EQ(driver.receive(answer_to(invite, 200)), (Lines{"stray response 200"})) << "a late one";
    EXPECT_EQ(driver.receive(answer_to(invite, 487)), (Lines{"stray response 487"}));
}

TEST(CancelOfOurs, IsUnknownToTheUserWhateverBecomesOfIt) {
    const auto cancelled = [](LayerDriver& driver) {
        const auto id = driver.create(client_request());
        driver.receive(answer_to(driver.sent, 180));
        driver.cancel(id);
    };
    const TransactionId cancel{2};
    LayerDriver refused;
    cancelled(refused);
    EXPECT_EQ(refused.receive(answer_to(refused.sent, 481)),
              (Lines{"stop E #2", "stop F #2", "set K 5000 #2"}));
    EXPECT_EQ(refused.timer(cancel, T::k), (Lines{"ended #2"}));
    LayerDriver silent;
    cancelled(silent);
    EXPECT_EQ(silent.timer(cancel, T::e), (Lines{"send CANCEL on 9 #2", "set E 1000 #2"}));
    EXPECT_EQ(silent.timer(cancel, T::f), (Lines{"stop E #2", "ended #2"}));
    LayerDriver broken;
    cancelled(broken);
    EXPECT_EQ(broken.send_failed(cancel), (Lines{"stop E #2", "stop F #2", "ended #2"}));
}

TEST(CancelOfOurs, IsForInvitesOnly) {
    LayerDriver driver;
    const auto id = driver.create(client_request("OPTIONS"));
    EXPECT_EQ(driver.cancel(id), (Lines{"unexpected CANCEL from TU in Trying #1"}));
}

TEST(CancelOfOurs, GoesTheWayOfTheInvite) {
    LayerDriver driver;
    auto request = client_request();
    request.flow.reset();
    const auto id = driver.create(request);
    EXPECT_EQ(driver.lines_of_creation.front(), "send INVITE on a new flow #1");
    const auto invite = driver.sent;
    driver.layer.set_flow(id, FlowId{33});
    driver.receive(answer_to(invite, 180));
    EXPECT_EQ(driver.cancel(id).front(), "send CANCEL on 33 #2");
}

// Other requests of ours.

TEST(RequestOfOurs, PassesOneFinalAnswerUp) {
    LayerDriver driver;
    const auto id = driver.create(client_request("BYE"));
    EXPECT_EQ(driver.lines_of_creation, (Lines{"send BYE on 9 #1", "set E 500 #1", "set F 32000 #1"}));
    const auto sent = driver.sent;
    EXPECT_EQ(driver.timer(id, T::e), (Lines{"send BYE on 9 #1", "set E 1000 #1"}));
    EXPECT_EQ(driver.receive(answer_to(sent, 100)), (Lines{"response 100 #1"}));
    EXPECT_EQ(driver.timer(id, T::e), (Lines{"send BYE on 9 #1", "set E 4000 #1"}));
    EXPECT_EQ(driver.receive(answer_to(sent, 200)),
              (Lines{"stop E #1", "stop F #1", "response 200 #1", "set K 5000 #1"}));
    EXPECT_EQ(driver.receive(answer_to(sent, 200)), Lines{});
    EXPECT_EQ(driver.receive(answer_to(sent, 481)), Lines{});
    EXPECT_EQ(driver.timer(id, T::k), (Lines{"ended #1"}));
}

TEST(RequestOfOurs, EndsWithItsAnswerOverTcp) {
    LayerDriver driver;
    driver.create(client_request("BYE", Reliability::reliable));
    EXPECT_EQ(driver.receive(answer_to(driver.sent, 200), kTcp),
              (Lines{"stop F #1", "response 200 #1", "ended #1"}));
}

TEST(RequestOfOurs, MayWaitForItsConnection) {
    LayerDriver driver;
    auto request = client_request("BYE", Reliability::reliable);
    request.flow.reset();
    const auto id = driver.create(request);
    EXPECT_EQ(driver.lines_of_creation, (Lines{"send BYE on a new flow #1", "set F 32000 #1"}));
    EXPECT_EQ(driver.send_failed(id), (Lines{"transport failed #1", "stop F #1", "ended #1"}));
}

TEST(RequestOfOurs, LearnsItsFlowFromTheAnswer) {
    LayerDriver driver;
    auto request = client_request("INVITE", Reliability::reliable);
    request.flow.reset();
    driver.create(request);
    driver.receive(answer_to(driver.sent, 100), {FlowId{44}, Reliability::reliable});
    EXPECT_EQ(driver.flow_failed(44), (Lines{"transport failed #1", "ended #1"}));
}

TEST(RequestOfOurs, IsRefusedWhereItCannotBeOne) {
    struct Row {
        std::string_view name;
        std::function<void(ClientRequest&)> change;
        std::string_view want;
    };
    const auto drop = [](std::string_view name) {
        return [name](ClientRequest& r) {
            std::erase_if(r.message.headers, [&](const auto& field) { return field.name == name; });
        };
    };
    const std::vector<Row> rows{
        {"a response", [](ClientRequest& r) { r.message.status = 200; }, "a response begins no transaction"},
        {"an ACK", [](ClientRequest& r) { r.message.method = "ACK"; },
         "ACK begins no transaction of the user's"},
        {"a CANCEL", [](ClientRequest& r) { r.message.method = "CANCEL"; },
         "CANCEL begins no transaction of the user's"},
        {"no branch", [](ClientRequest& r) { r.via.parameters.remove("branch"); },
         "the branch of the top Via identifies no transaction"},
        {"a branch without the cookie", [](ClientRequest& r) { r.via.parameters.set("branch", "1"); },
         "the branch of the top Via identifies no transaction"},
        {"a branch in use", [](ClientRequest& r) { r.via.parameters.set("branch", "z9hG4bK-used"); },
         "the branch of the top Via is in use"},
        {"no From", drop("From"), "a request must have From"},
        {"no Call-ID", drop("Call-ID"), "a request must have Call-ID"},
        {"no CSeq", drop("CSeq"), "a request must have CSeq"},
        {"the CSeq of another method", [](ClientRequest& r) { r.message.method = "BYE"; },
         "CSeq does not name the method BYE"},
    };
    LayerDriver driver;
    driver.create(client_request("INVITE", Reliability::reliable, "z9hG4bK-used"));
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        auto request = client_request();
        row.change(request);
        const auto checked = TransactionLayer::check_client(request.message);
        const bool is_of_branch = row.want.find("branch") != std::string::npos;
        EXPECT_EQ(checked ? std::string() : checked.error().message, is_of_branch ? std::string() : row.want);
        const auto created = driver.layer.create_client(request.message, request, driver.now);
        ASSERT_FALSE(created.has_value());
        EXPECT_EQ(created.error().message, row.want);
    }
    auto request = client_request();
    request.message.add("Subject", "one\r\nInjected: yes");
    EXPECT_FALSE(TransactionLayer::check_client(request.message).has_value());
    EXPECT_FALSE(driver.layer.create_client(request.message, request, driver.now).has_value());
    EXPECT_EQ(driver.layer.size(), 1U);
}

// The peer's INVITE.

TEST(InviteOfAPeer, GetsItsLastProvisionalAnswerAgain) {
    LayerDriver driver;
    const auto id = driver.serve(RequestText{});
    EXPECT_EQ(driver.respond(id, 100, ""), (Lines{"send 100 on 5 #1"}));
    EXPECT_EQ(driver.respond(id, 183), (Lines{"send 183 on 5 #1"}));
    const auto sent = driver.sent;
    driver.sent.clear();
    EXPECT_EQ(driver.receive(RequestText{}), (Lines{"send 183 on 5 #1"}));
    EXPECT_EQ(driver.sent, sent);
}

TEST(InviteOfAPeer, GetsAFailureAgainUntilTheAck) {
    LayerDriver driver;
    const auto id = driver.serve(RequestText{});
    EXPECT_EQ(driver.respond(id, 486), (Lines{"send 486 on 5 #1", "set G 500 #1", "set H 32000 #1"}));
    EXPECT_EQ(driver.timer(id, T::g), (Lines{"send 486 on 5 #1", "set G 1000 #1"}));
    EXPECT_EQ(driver.receive(RequestText{}), (Lines{"send 486 on 5 #1"}));
    EXPECT_EQ(driver.receive(ack_of_invite("st")), (Lines{"stop G #1", "stop H #1", "set I 5000 #1"}));
    EXPECT_EQ(driver.receive(ack_of_invite("st")), Lines{});
    EXPECT_EQ(driver.receive(RequestText{}), Lines{}) << "absorbed";
    EXPECT_EQ(driver.timer(id, T::i), (Lines{"ended #1"}));
    EXPECT_EQ(driver.receive(ack_of_invite("st")), (Lines{"ack stray"}));
}

TEST(InviteOfAPeer, EndsWithTheAckToAFailureOverTcp) {
    LayerDriver driver;
    const auto id = driver.serve(RequestText{}, kTcp);
    EXPECT_EQ(driver.respond(id, 486), (Lines{"send 486 on 5 #1", "set H 32000 #1"}));
    EXPECT_EQ(driver.receive(ack_of_invite("st"), kTcp), (Lines{"stop H #1", "ended #1"}));
}

TEST(InviteOfAPeer, TellsThatTheAckWasLost) {
    LayerDriver driver;
    const auto id = driver.serve(RequestText{});
    driver.respond(id, 486);
    EXPECT_EQ(driver.timer(id, T::h), (Lines{"not acknowledged #1", "stop G #1", "ended #1"}));
}

TEST(InviteOfAPeer, IsAbsorbedAfterA2xxWhichTheUserRepeats) {
    // RFC 6026 section 8.7.
    LayerDriver driver;
    const auto id = driver.serve(RequestText{}, kTcp);
    EXPECT_EQ(driver.respond(id, 200), (Lines{"send 200 on 5 #1", "set L 32000 #1"}));
    EXPECT_EQ(driver.receive(RequestText{}), Lines{});
    EXPECT_EQ(driver.respond(id, 200), (Lines{"send 200 on 5 #1"}));
    EXPECT_EQ(driver.timer(id, T::l), (Lines{"ended #1"}));
    EXPECT_EQ(driver.respond(id, 200), Lines{}) << "late, and nothing happens";
    EXPECT_EQ(driver.receive(RequestText{}), (Lines{"request INVITE"}));
}

TEST(InviteOfAPeer, PassesTheAckToA2xxUp) {
    LayerDriver driver;
    const auto id = driver.serve(RequestText{});
    driver.respond(id, 200);
    RequestText ack{.method = "ACK", .via = "client.example.com;branch=z9hG4bK-ack", .to_tag = "st"};
    EXPECT_EQ(driver.receive(ack), (Lines{"ack stray"})) << "a branch of its own: the dialog knows it";
    EXPECT_EQ(driver.receive(ack_of_invite("st")), (Lines{"ack #1"})) << "careless peers use the INVITE's";
    EXPECT_EQ(driver.receive(ack_of_invite("st")), (Lines{"ack #1"}));
}

TEST(InviteOfAPeer, IsAnsweredOnce) {
    LayerDriver driver;
    const auto id = driver.serve(RequestText{});
    driver.respond(id, 200);
    EXPECT_EQ(driver.respond(id, 486), (Lines{"unexpected 300-699 from TU in Accepted #1"}));
    EXPECT_EQ(driver.respond(id, 180), (Lines{"unexpected 1xx from TU in Accepted #1"}));
    EXPECT_EQ(driver.state_of(id), "Accepted");
}

TEST(InviteOfAPeer, LogsAnAckBeforeAnyFinalAnswer) {
    LayerDriver driver;
    driver.serve(RequestText{});
    EXPECT_EQ(driver.receive(ack_of_invite("")), (Lines{"unexpected ACK in Proceeding #1"}));
}

TEST(InviteOfAPeer, LeavesNothingBehindWhenItIsAnsweredWithoutATransaction) {
    LayerDriver driver;
    const auto challenge = make_response(RequestText{}.received(), 407, "", "stateless");
    const auto send = TransactionLayer::answer_statelessly(challenge, kUdp);
    ASSERT_TRUE(send.has_value());
    EXPECT_EQ(LineWriter(driver.now)(*send), "send 407 on 5 stateless");
    EXPECT_EQ(driver.receive(ack_of_invite("stateless")), (Lines{"ack stray"}));
    EXPECT_EQ(driver.layer.size(), 0U);
}

TEST(InviteOfAPeer, RefusesAResponseThatCannotBeWrittenAndStaysAsItWas) {
    LayerDriver driver;
    const auto id = driver.serve(RequestText{});
    auto response = make_response(RequestText{}.received(), 486, "", "st");
    response.add("Warning", "one\nInjected: yes");
    EXPECT_FALSE(driver.layer.respond(id, response, driver.now).has_value());
    EXPECT_FALSE(driver.layer.respond(id, RequestText{}.received().message, driver.now).has_value());
    EXPECT_EQ(driver.state_of(id), "Proceeding");
}

// The peer's CANCEL. Source: RFC 3261 section 9.2.

TEST(CancelOfAPeer, ComesWithTheInviteThatItMeans) {
    LayerDriver driver;
    const auto invite = driver.serve(RequestText{});
    driver.respond(invite, 180);
    EXPECT_EQ(driver.receive({.method = "CANCEL"}), (Lines{"cancel of #1"}));
    const auto cancel = driver.serve({.method = "CANCEL"});
    EXPECT_EQ(driver.respond(cancel, 200), (Lines{"send 200 on 5 #2", "set J 32000 #2"}));
    EXPECT_EQ(driver.respond(invite, 487), (Lines{"send 487 on 5 #1", "set G 500 #1", "set H 32000 #1"}));
    EXPECT_EQ(driver.receive({.method = "CANCEL"}), (Lines{"send 200 on 5 #2"})) << "again";
    EXPECT_EQ(driver.receive(ack_of_invite("st")), (Lines{"stop G #1", "stop H #1", "set I 5000 #1"}));
}

TEST(CancelOfAPeer, MeansNothingOnAnotherBranchOrSentBy) {
    LayerDriver driver;
    driver.serve(RequestText{});
    EXPECT_EQ(driver.receive({.method = "CANCEL", .via = "client.example.com;branch=z9hG4bK-2"}),
              (Lines{"cancel of nothing"}));
    EXPECT_EQ(driver.receive({.method = "CANCEL", .via = "other.example.com;branch=z9hG4bK-1"}),
              (Lines{"cancel of nothing"}));
}

TEST(CancelOfAPeer, CrossingA200FindsTheInviteAccepted) {
    LayerDriver driver;
    const auto invite = driver.serve(RequestText{});
    driver.respond(invite, 200);
    EXPECT_EQ(driver.receive({.method = "CANCEL"}), (Lines{"cancel of #1"}));
    EXPECT_EQ(driver.state_of(invite), "Accepted") << "so the user changes nothing but says 200 to it";
}

TEST(CancelOfAPeer, ThatOvertakesItsInviteMeansNothing) {
    LayerDriver driver;
    EXPECT_EQ(driver.receive({.method = "CANCEL"}), (Lines{"cancel of nothing"}));
    EXPECT_EQ(driver.receive(RequestText{}), (Lines{"request INVITE"}));
}

TEST(CreateServer, RefusesAcksResponsesAndASecondTransaction) {
    LayerDriver driver;
    EXPECT_FALSE(driver.layer.create_server(ack_of_invite("").received(), kUdp).has_value());
    driver.create(client_request());
    EXPECT_FALSE(driver.layer.create_server(answer_to(driver.sent, 200), kUdp).has_value());
    driver.serve(RequestText{});
    EXPECT_FALSE(driver.layer.create_server(RequestText{}.received(), kUdp).has_value());
}

// Transport failures, in each state.

TEST(TransportFailure, OfAClientIsToldAtOnceInEachState) {
    struct Row {
        std::string_view name;
        std::string_view method;
        std::vector<int> answers;
        Lines want;
    };
    const std::vector<Row> rows{
        {"Calling", "INVITE", {}, {"transport failed #1", "stop A #1", "stop B #1", "ended #1"}},
        {"Proceeding", "INVITE", {180}, {"transport failed #1", "ended #1"}},
        {"Completed", "INVITE", {486}, {"not delivered #1", "stop D #1", "ended #1"}},
        {"Accepted", "INVITE", {200}, {}},
        {"Trying", "BYE", {}, {"transport failed #1", "stop E #1", "stop F #1", "ended #1"}},
        {"Proceeding", "BYE", {100}, {"transport failed #1", "stop E #1", "stop F #1", "ended #1"}},
        {"Completed", "BYE", {200}, {}},
    };
    for (const auto& row : rows) {
        for (const bool whole_flow : {true, false}) {
            SCOPED_TRACE(std::string(row.method) + ' ' + std::string(row.name));
            LayerDriver driver;
            const auto id = driver.create(client_request(row.method));
            for (const int status : row.answers) driver.receive(answer_to(driver.sent, status));
            ASSERT_EQ(driver.state_of(id), row.name);
            EXPECT_EQ(whole_flow ? driver.flow_failed(9) : driver.send_failed(id), row.want);
            EXPECT_EQ(driver.flow_failed(9), Lines{}) << "once";
        }
    }
}

TEST(TransportFailure, OfAServerIsToldAndTheTransactionStays) {
    struct Row {
        std::string_view name;
        std::string_view method;
        std::vector<int> answers;
        Lines want;
    };
    const std::vector<Row> rows{
        {"Proceeding", "INVITE", {}, {"not delivered #1"}},
        {"Completed", "INVITE", {486}, {"not delivered #1"}},
        {"Accepted", "INVITE", {200}, {"not delivered #1"}},
        {"Trying", "BYE", {}, {}},
        {"Proceeding", "BYE", {100}, {"not delivered #1"}},
        {"Completed", "BYE", {200}, {"not delivered #1"}},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(std::string(row.method) + ' ' + std::string(row.name));
        LayerDriver driver;
        const auto id = driver.serve({.method = std::string(row.method)});
        for (const int status : row.answers) driver.respond(id, status);
        EXPECT_EQ(driver.flow_failed(5), row.want);
        EXPECT_EQ(driver.state_of(id), row.name);
        EXPECT_EQ(driver.send_failed(id), row.want);
        EXPECT_EQ(driver.state_of(id), row.name);
    }
}

TEST(TransportFailure, OfAnotherFlowIsNobodysConcern) {
    LayerDriver driver;
    const auto first = driver.create(client_request("BYE", Reliability::reliable, "z9hG4bK-a"));
    const auto second = driver.create(client_request("BYE", Reliability::reliable, "z9hG4bK-b"));
    auto request = client_request("BYE", Reliability::reliable, "z9hG4bK-c");
    request.flow = FlowId{10};
    const auto third = driver.create(request);
    driver.layer.set_flow(first, FlowId{11});
    EXPECT_EQ(driver.flow_failed(12), Lines{});
    EXPECT_EQ(driver.flow_failed(9), (Lines{"transport failed #2", "stop F #2", "ended #2"}));
    EXPECT_EQ(driver.state_of(first), "Trying");
    EXPECT_EQ(driver.state_of(second), "gone");
    EXPECT_EQ(driver.state_of(third), "Trying");
    EXPECT_EQ(driver.flow_failed(11), (Lines{"transport failed #1", "stop F #1", "ended #1"}));
}

TEST(TransportFailure, EndsAllTransactionsOfAFlow) {
    LayerDriver driver;
    for (const std::string_view branch : {"z9hG4bK-a", "z9hG4bK-b", "z9hG4bK-c", "z9hG4bK-d"})
        driver.create(client_request("BYE", Reliability::reliable, branch));
    EXPECT_EQ(driver.timer(TransactionId{2}, T::f), (Lines{"timed out #2", "ended #2"}));
    EXPECT_EQ(driver.flow_failed(9).size(), 9U) << "told, stopped and ended, of the three that are left";
    EXPECT_EQ(driver.layer.size(), 0U);
}

TEST(TransportFailure, LeavesAServerWithoutAWayUntilItsRequestComesAgain) {
    LayerDriver driver;
    const auto id = driver.serve(RequestText{}, kTcp);
    EXPECT_EQ(driver.flow_failed(5), (Lines{"not delivered #1"}));
    EXPECT_EQ(driver.respond(id, 180), (Lines{"not delivered #1"}));
    EXPECT_EQ(driver.receive(RequestText{}, {FlowId{6}, Reliability::reliable}), (Lines{"send 180 on 6 #1"}));
    EXPECT_EQ(driver.respond(id, 486), (Lines{"send 486 on 6 #1", "set H 32000 #1"}));
}

// The end of the first connection may be told after the request has come by the next.
TEST(TransportFailure, LeavesAServerItsNewWay) {
    LayerDriver driver;
    const auto id = driver.serve(RequestText{}, kTcp);
    EXPECT_EQ(driver.respond(id, 180), (Lines{"send 180 on 5 #1"}));
    EXPECT_EQ(driver.receive(RequestText{}, {FlowId{6}, Reliability::reliable}), (Lines{"send 180 on 6 #1"}));
    EXPECT_EQ(driver.flow_failed(5), Lines{});
    EXPECT_EQ(driver.respond(id, 486), (Lines{"send 486 on 6 #1", "set H 32000 #1"}));
}

TEST(TransportFailure, IsToldOfAnAnswerThatEndsItsTransactionToo) {
    LayerDriver driver;
    const auto id = driver.serve({.method = "BYE"}, kTcp);
    EXPECT_EQ(driver.flow_failed(5), Lines{});
    EXPECT_EQ(driver.respond(id, 200), (Lines{"not delivered #1", "ended #1"}));
}

TEST(TransactionLayer, TakesLateAndUnknownIdsForWhatTheyAre) {
    LayerDriver driver;
    const TransactionId unknown{77};
    EXPECT_EQ(driver.timer(unknown, T::a), Lines{});
    EXPECT_EQ(driver.cancel(unknown), Lines{});
    EXPECT_EQ(driver.send_failed(unknown), Lines{});
    driver.layer.set_flow(unknown, FlowId{1});
    EXPECT_EQ(driver.flow_failed(1), Lines{});
    const auto id = driver.create(client_request());
    EXPECT_EQ(driver.timer(id, T::m), Lines{}) << "a timer that was never set";
}

TEST(TransactionLayer, TellsItsOwnRequestsFromThoseThatComeBackToIt) {
    // A call to oneself: the same branch and sent-by on both sides.
    LayerDriver driver;
    driver.create(client_request());
    const auto looped = parse_message(driver.sent, Carrier::stream);
    ASSERT_TRUE(looped.has_value());
    EXPECT_EQ(driver.receive(*looped), (Lines{"request INVITE"}));
    ASSERT_TRUE(driver.layer.create_server(*looped, kUdp).has_value());
    EXPECT_EQ(driver.receive(answer_to(driver.sent, 180)),
              (Lines{"stop A #1", "stop B #1", "response 180 #1"}));
}

// Where a request came from. Source: RFC 3261 section 18.2.1, RFC 3581 section 4.

TEST(NoteSource, FillsReceivedAndRport) {
    struct Row {
        std::string_view name;
        std::string via;
        std::string_view address;
        std::string_view want;
    };
    const std::vector<Row> rows{
        {"sent-by is the address", "192.0.2.1;branch=1", "192.0.2.1", "SIP/2.0/UDP 192.0.2.1;branch=1"},
        {"sent-by is a name", "client.example.com;branch=1", "192.0.2.1",
         "SIP/2.0/UDP client.example.com;branch=1;received=192.0.2.1"},
        {"another address", "10.0.0.1:5070;branch=1", "192.0.2.1",
         "SIP/2.0/UDP 10.0.0.1:5070;branch=1;received=192.0.2.1"},
        {"rport asked for, the address the same", "192.0.2.1;rport;branch=1", "192.0.2.1",
         "SIP/2.0/UDP 192.0.2.1;rport=4000;branch=1;received=192.0.2.1"},
        {"a value of rport that the client made up", "192.0.2.1;rport=1;branch=1", "192.0.2.1",
         "SIP/2.0/UDP 192.0.2.1;rport=4000;branch=1;received=192.0.2.1"},
        {"a received that the client made up", "192.0.2.1;branch=1;received=203.0.113.9", "192.0.2.1",
         "SIP/2.0/UDP 192.0.2.1;branch=1;received=192.0.2.1"},
        {"IPv6, the same", "[2001:db8::1];branch=1", "2001:DB8::1", "SIP/2.0/UDP [2001:db8::1];branch=1"},
        {"IPv6, another", "[2001:db8::1];branch=1", "2001:db8::2",
         "SIP/2.0/UDP [2001:db8::1];branch=1;received=2001:db8::2"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        auto request = RequestText{.via = row.via}.received();
        note_source(request, row.address, 4000);
        EXPECT_EQ(write_via(request.via.front()), row.want);
        EXPECT_EQ(make_response(request, 200, "", "t").values("Via").front(), row.want);
    }
}

TEST(NoteSource, LeavesTheLowerViasAlone) {
    auto request =
        RequestText{.via = "p.example.com;branch=1, SIP/2.0/UDP c.example.com;branch=2"}.received();
    ASSERT_EQ(request.via.size(), 2U);
    note_source(request, "192.0.2.1", 4000);
    EXPECT_EQ(write_via(request.via[0]), "SIP/2.0/UDP p.example.com;branch=1;received=192.0.2.1");
    EXPECT_EQ(write_via(request.via[1]), "SIP/2.0/UDP c.example.com;branch=2");
}

}  // namespace
}  // namespace callchain::sip
