#include "gateway/sip_stack.hpp"

#include "gateway/sip_stack_fixture.hpp"

#include <gtest/gtest.h>

namespace callchain::gateway {
namespace {

using Kind = RequestFailure::Kind;

// ---- one request, one answer ----

TEST_F(SipStackTest, CarriesARequestAndItsAnswerOverEachTransport) {
    Node peer(loop, tls_settings(), {Transport::udp, Transport::tcp, Transport::tls});
    answer_all(peer, 200);
    dns.set(kTypeA, {a_record(kDomain, "127.0.0.1")});
    for (const auto transport : {Transport::udp, Transport::tcp, Transport::tls}) {
        SCOPED_TRACE(sip::name_of(transport));
        responses.clear();
        peer.messages.clear();
        const auto id =
            send({request_of("OPTIONS"), {}, {kDomain, false, peer.endpoint(transport).port, transport}});
        ASSERT_TRUE(wait([&] { return !responses.empty(); }));
        EXPECT_EQ(responses[0].id, id);
        EXPECT_EQ(responses[0].message.message.status, 200);
        EXPECT_EQ(responses[0].flow.transport, transport);
        const auto& via = peer.messages.at(0).message.via.at(0);
        EXPECT_EQ(via.transport, sip::name_of(transport));
        EXPECT_EQ(via.host, "127.0.0.1");
        EXPECT_TRUE(via.branch().starts_with("z9hG4bK"));
        EXPECT_TRUE(via.parameters.find("rport").has_value());
        EXPECT_TRUE(wait_until_empty());
    }
    EXPECT_TRUE(failures.empty());
}

TEST_F(SipStackTest, AsksNoDnsForANumericHostAndNamesItselfAsItIsTold) {
    Node peer(loop, {}, {Transport::udp});
    answer_all(peer, 486);
    settings.sent_by = "gateway.example.com";
    send({request_of("INVITE"), {}, numeric(peer, Transport::udp)});
    ASSERT_TRUE(wait([&] { return !responses.empty() && count_of(peer, "ACK") == 1; }));
    EXPECT_EQ(responses[0].message.message.status, 486);
    EXPECT_EQ(peer.messages[0].message.via[0].host, "gateway.example.com");
    EXPECT_EQ(dns.asked(), 0);
}

TEST_F(SipStackTest, RefusesWhatCannotBeSent) {
    start();
    auto without_from = request_of("INVITE");
    std::erase_if(without_from.headers, [](const auto& field) { return field.name == "From"; });
    auto wrong_cseq = request_of("OPTIONS");
    wrong_cseq.method = "INVITE";
    auto two_lines = request_of("INVITE");
    two_lines.add("Subject", "one\r\nVia: two");
    sip::Message response;
    response.status = 200;
    for (const auto& message :
         {without_from, wrong_cseq, two_lines, response, request_of("ACK"), request_of("CANCEL")}) {
        const auto id = stack->send({message, {}, {"127.0.0.1", true, 9, Transport::udp}});
        ASSERT_FALSE(id.has_value()) << message.method;
        EXPECT_EQ(id.error().code, ErrorCode::bad_input);
    }
    EXPECT_EQ(stack->requests(), 0U);
}

TEST_F(SipStackTest, LetsAHandlerSendTheNextRequest) {
    Node peer(loop, {}, {Transport::tcp});
    answer_all(peer, 401);
    auto note = events.on_response;
    events.on_response = [&, note](RequestId id, sip::Received message, const FlowInfo& flow) {
        note(id, std::move(message), flow);
        for (int i = 0; i < 10 && responses.size() < 50; ++i)
            send({request_of("OPTIONS"), flow.id, numeric(peer, Transport::tcp)});
    };
    send({request_of("OPTIONS"), {}, numeric(peer, Transport::tcp)});
    ASSERT_TRUE(wait([&] { return responses.size() >= 50; }));
    EXPECT_TRUE(wait_until_empty());
}

TEST_F(SipStackTest, TellsTheAnswerWhoseConnectionIsGone) {
    Node peer(loop, {}, {Transport::tcp});
    answer_all(peer, 486);
    // By the time that the ACK is to be sent, there is nothing left to send it on.
    events.on_trace = [this](const TracedMessage& message) {
        if (message.received) stack->transports().close(message.flow.id, "by the test");
    };
    send({request_of("INVITE"), {}, numeric(peer, Transport::tcp)});
    ASSERT_TRUE(wait([&] { return !responses.empty() || !failures.empty(); }));
    ASSERT_EQ(responses.size(), 1U);
    EXPECT_EQ(responses[0].message.message.status, 486);
    EXPECT_TRUE(wait_until_empty());
}

TEST_F(SipStackTest, GivesUpANonInviteWithoutAnAnswer) {
    Node peer(loop, {}, {Transport::udp});
    const auto id = send({request_of("BYE"), {}, numeric(peer, Transport::udp)});
    ASSERT_TRUE(wait([&] { return !failures.empty(); }));
    EXPECT_EQ(failures[0].id, id);
    EXPECT_EQ(failures[0].failure.kind, Kind::timeout);
    EXPECT_GT(peer.messages.size(), 1U) << "it is repeated over UDP";
    EXPECT_EQ(count_of(peer, "BYE"), 1U);
    EXPECT_TRUE(wait_until_empty());
    EXPECT_EQ(failures.size(), 1U);
}

// ---- the next address ----

TEST_F(SipStackTest, TriesTheNextAddressWhereOneRefuses) {
    const DeadEnd dead;
    Node good(loop, {}, {Transport::tcp});
    answer_all(good, 200);
    send({request_of("OPTIONS"),
          {},
          in_order(Transport::tcp, {dead.port, good.endpoint(Transport::tcp).port})});
    ASSERT_TRUE(wait([&] { return !responses.empty(); }));
    EXPECT_EQ(responses[0].message.message.status, 200);
    EXPECT_TRUE(wait_until_empty());
    EXPECT_TRUE(failures.empty());
}

TEST_F(SipStackTest, TriesTheNextAddressWhereOneIsSilentAndTellsTheLateAnswer) {
    Node silent(loop, {}, {Transport::udp});
    Node good(loop, {}, {Transport::udp});
    answer_all(good, 200);
    settings.first_answer = 50ms;
    const auto id = send({request_of("INVITE"),
                          {},
                          in_order(Transport::udp, {silent.endpoint(Transport::udp).port,
                                                    good.endpoint(Transport::udp).port})});
    ASSERT_TRUE(wait([&] { return !responses.empty(); }));
    EXPECT_EQ(responses[0].id, id);
    EXPECT_EQ(responses[0].flow.peer, good.endpoint(Transport::udp));
    answer(silent, silent.messages.at(0), 200, "late");
    ASSERT_TRUE(wait([&] { return !late.empty(); }));
    EXPECT_EQ(late[0].to.tag(), "late");
    EXPECT_EQ(responses.size(), 1U);
    EXPECT_TRUE(wait_until_empty());
}

TEST_F(SipStackTest, CancelsTheAttemptThatRingsTooLate) {
    Node slow(loop, {}, {Transport::udp});
    Node second(loop, {}, {Transport::udp});
    settings.first_answer = 50ms;
    const auto id = send({request_of("INVITE"),
                          {},
                          in_order(Transport::udp, {slow.endpoint(Transport::udp).port,
                                                    second.endpoint(Transport::udp).port})});
    ASSERT_TRUE(wait([&] { return !second.messages.empty(); }));
    answer(second, second.messages[0], 180);
    answer(slow, first_of(slow, "INVITE"), 180, "slow");
    ASSERT_TRUE(wait([&] { return count_of(slow, "CANCEL") == 1; }));
    answer(slow, first_of(slow, "CANCEL"), 200);
    answer(slow, first_of(slow, "INVITE"), 487, "slow");
    ASSERT_TRUE(wait([&] { return count_of(slow, "ACK") == 1; }));
    answer(second, second.messages[0], 200);
    ASSERT_TRUE(wait([&] { return responses.size() == 2; }));
    for (const auto& one : responses) {
        EXPECT_EQ(one.id, id);
        EXPECT_EQ(one.message.to.tag(), "b");
    }
    EXPECT_EQ(count_of(second, "CANCEL"), 0U);
    EXPECT_TRUE(late.empty());
}

TEST_F(SipStackTest, TellsAnAnswerBehindTheFailureAsALateOne) {
    Node silent(loop, {}, {Transport::udp});
    settings.first_answer = 50ms;
    send({request_of("INVITE"), {}, numeric(silent, Transport::udp)});
    ASSERT_TRUE(wait([&] { return !failures.empty(); }));
    EXPECT_EQ(failures[0].failure.kind, Kind::timeout);
    answer(silent, silent.messages.at(0), 200);
    ASSERT_TRUE(wait([&] { return !late.empty() || !responses.empty(); }));
    EXPECT_TRUE(responses.empty()) << "the request was given up";
    EXPECT_TRUE(wait_until_empty());
    EXPECT_EQ(failures.size(), 1U);
}

TEST_F(SipStackTest, TriesTheNextAddressBehind503) {
    for (const int before : {0, 100, 180}) {
        SCOPED_TRACE(before);
        responses.clear();
        Node busy(loop, {}, {Transport::tcp});
        Node good(loop, {}, {Transport::tcp});
        busy.on_message = [&](const Arrived& arrived) {
            if (arrived.message.message.method != "INVITE") return;
            if (before != 0) answer(busy, arrived, before);
            answer(busy, arrived, 503);
        };
        answer_all(good, 200);
        // A domain of its own each time, since answers are kept.
        const auto name = numbered("d", before, ".example.com");
        dns.set(kTypeSrv,
                {srv_record("_sip._tcp." + name, {0, 0, busy.endpoint(Transport::tcp).port}, name),
                 srv_record("_sip._tcp." + name, {1, 0, good.endpoint(Transport::tcp).port}, name)});
        dns.set(kTypeA, {a_record(name, "127.0.0.1")});
        send({request_of("INVITE"), {}, {name, false, std::nullopt, Transport::tcp}});
        ASSERT_TRUE(wait([&] {
            return !responses.empty() && responses.back().message.cseq.number == 1 &&
                   responses.back().message.message.status >= 200;
        }));
        EXPECT_EQ(responses.back().message.message.status, 200);
        EXPECT_EQ(responses.size(), before == 180 ? 2U : 1U);
        EXPECT_EQ(count_of(busy, "ACK"), 1U);
        EXPECT_TRUE(wait_until_empty());
    }
    EXPECT_TRUE(failures.empty());
}

TEST_F(SipStackTest, PassesTheLast503Up) {
    Node busy(loop, {}, {Transport::tcp});
    answer_all(busy, 503);
    send({request_of("OPTIONS"), {}, numeric(busy, Transport::tcp)});
    ASSERT_TRUE(wait([&] { return !responses.empty(); }));
    EXPECT_EQ(responses[0].message.message.status, 503);
    EXPECT_TRUE(wait_until_empty());
    EXPECT_TRUE(failures.empty());
}

// As the INVITE that answers Twilio's challenge goes: by the connection of the challenge. Source: RFC 3263
// section 4.3.
TEST_F(SipStackTest, TriesTheNextAddressBehind503OnAFlow) {
    Node busy(loop, {}, {Transport::tcp});
    Node good(loop, {}, {Transport::tcp});
    answer_all(busy, 200);
    answer_all(good, 200);
    const auto both =
        in_order(Transport::tcp, {busy.endpoint(Transport::tcp).port, good.endpoint(Transport::tcp).port});
    send({request_of("OPTIONS"), {}, both});
    ASSERT_TRUE(wait([&] { return responses.size() == 1; }));
    const auto flow = responses[0].flow.id;
    answer_all(busy, 503);
    const auto id = send({request_of("INVITE"), flow, both});
    ASSERT_TRUE(wait([&] { return responses.size() == 2; }));
    EXPECT_EQ(responses[1].id, id);
    EXPECT_EQ(responses[1].message.message.status, 200);
    EXPECT_EQ(responses[1].flow.peer, good.endpoint(Transport::tcp));
    EXPECT_EQ(count_of(busy, "INVITE"), 1U) << "who has answered 503 is not asked again";
    answer_all(good, 503);
    send({request_of("OPTIONS"), flow, both});
    ASSERT_TRUE(wait([&] { return responses.size() == 3; }));
    EXPECT_EQ(responses[2].message.message.status, 503);
    EXPECT_TRUE(failures.empty());
}

TEST_F(SipStackTest, Passes503UpWhereTheOtherAddressesAreDead) {
    Node busy(loop, {}, {Transport::tcp});
    const DeadEnd dead;
    answer_all(busy, 503);
    const auto id = send({request_of("OPTIONS"),
                          {},
                          in_order(Transport::tcp, {busy.endpoint(Transport::tcp).port, dead.port})});
    ASSERT_TRUE(wait([&] { return !responses.empty() || !failures.empty(); }));
    EXPECT_TRUE(failures.empty());
    ASSERT_EQ(responses.size(), 1U);
    EXPECT_EQ(responses[0].id, id);
    EXPECT_EQ(responses[0].message.message.status, 503);
    EXPECT_TRUE(wait_until_empty());
}

TEST_F(SipStackTest, NamesItselfInViaAsItIsReached) {
    Node peer(loop, {}, {Transport::tcp});
    answer_all(peer, 200);
    settings.sent_by = "gw.example.com";
    for (const auto port : {std::optional<std::uint16_t>(15140), std::optional<std::uint16_t>()}) {
        settings.sent_by_port = port;
        stack.reset();
        send({request_of("OPTIONS"), {}, numeric(peer, Transport::tcp)});
        ASSERT_TRUE(wait([&] { return !responses.empty(); }));
        responses.clear();
        EXPECT_EQ(peer.messages.back().message.via.front().host, "gw.example.com");
        EXPECT_EQ(peer.messages.back().message.via.front().port, port);
    }
}

TEST_F(SipStackTest, FailsOnceWithAllThatWasTried) {
    const DeadEnd first;
    const DeadEnd second;
    const auto id = send({request_of("INVITE"), {}, in_order(Transport::tcp, {first.port, second.port})});
    EXPECT_TRUE(failures.empty()) << "told from within send()";
    ASSERT_TRUE(wait([&] { return !failures.empty(); }));
    EXPECT_EQ(failures[0].id, id);
    EXPECT_EQ(failures[0].failure.kind, Kind::transport);
    const auto history =
        numbered("127.0.0.1:", first.port, " connect, ") + numbered("127.0.0.1:", second.port, " connect");
    EXPECT_NE(failures[0].failure.why.find(history), std::string::npos) << failures[0].failure.why;
    EXPECT_TRUE(wait_until_empty());
    EXPECT_EQ(failures.size(), 1U);
}

TEST_F(SipStackTest, FailsWhereANameDoesNotExist) {
    send({request_of("INVITE"), {}, {"nobody.example.com", false, std::nullopt, Transport::tcp}});
    ASSERT_TRUE(wait([&] { return !failures.empty(); }));
    EXPECT_EQ(failures[0].failure.kind, Kind::transport);
    EXPECT_NE(failures[0].failure.why.find("nobody.example.com"), std::string::npos);
    EXPECT_TRUE(wait_until_empty());
}

TEST_F(SipStackTest, TriesNobodyElseOnceItWasAnswered) {
    Node first(loop, {}, {Transport::tcp});
    Node second(loop, {}, {Transport::tcp});
    first.on_message = [&](const Arrived& arrived) {
        answer(first, arrived, 180);
        first.transports->close(arrived.flow.id, "by the test");
    };
    send({request_of("INVITE"),
          {},
          in_order(Transport::tcp,
                   {first.endpoint(Transport::tcp).port, second.endpoint(Transport::tcp).port})});
    ASSERT_TRUE(wait([&] { return !failures.empty(); }));
    EXPECT_EQ(failures[0].failure.kind, Kind::transport);
    EXPECT_EQ(responses.size(), 1U);
    EXPECT_TRUE(second.messages.empty());
    EXPECT_TRUE(wait_until_empty());
}

TEST_F(SipStackTest, LeavesNoTimersOfARequestThatCouldNotBeSent) {
    Node peer(loop, {}, {Transport::udp});
    auto message = request_of("INVITE");
    message.body = std::string(70'000, 'x');  // no datagram is as long
    settings.timers = {};                     // what is left behind would be seen for 32 s
    send({message, {}, numeric(peer, Transport::udp)});
    ASSERT_TRUE(wait([&] { return !failures.empty(); }));
    EXPECT_EQ(failures[0].failure.kind, Kind::transport);
    EXPECT_EQ(stack->transactions(), 0U);
    EXPECT_EQ(loop.timers(), 0U);
}

// ---- the flow by which the peer spoke ----

TEST_F(SipStackTest, PrefersTheFlowAndGoesToTheDestinationWhereItIsGone) {
    Node peer(loop, {}, {Transport::tcp});
    Node other(loop, {}, {Transport::tcp});
    answer_all(peer, 200);
    answer_all(other, 200);
    start();
    const auto flow = flow_from(peer);
    send({request_of("BYE"), flow.id, numeric(other, Transport::tcp)});
    ASSERT_TRUE(wait([&] { return responses.size() == 1; }));
    EXPECT_EQ(responses[0].flow.id, flow.id);
    EXPECT_EQ(count_of(other, "BYE"), 0U);

    peer.transports->close(flow_of_peer, "by the test");
    ASSERT_TRUE(wait([&] { return !closed.empty(); }));
    EXPECT_EQ(closed[0].id, flow.id);
    send({request_of("BYE"), flow.id, numeric(other, Transport::tcp)});
    ASSERT_TRUE(wait([&] { return responses.size() == 2; }));
    EXPECT_EQ(count_of(other, "BYE"), 1U);
    EXPECT_EQ(count_of(peer, "BYE"), 1U);
    EXPECT_TRUE(wait_until_empty());
}

TEST_F(SipStackTest, GoesToTheDestinationWhereTheFlowBreaksUnderTheRequest) {
    Node peer(loop, {}, {Transport::tcp});
    Node other(loop, {}, {Transport::tcp});
    answer_all(other, 200);
    start();
    const auto flow = flow_from(peer);
    peer.on_message = [&](const Arrived& arrived) { peer.transports->close(arrived.flow.id, "by the test"); };
    send({request_of("BYE"), flow.id, numeric(other, Transport::tcp)});
    ASSERT_TRUE(wait([&] { return responses.size() == 1; }));
    EXPECT_EQ(count_of(peer, "BYE"), 1U);
    EXPECT_EQ(count_of(other, "BYE"), 1U);
    EXPECT_TRUE(wait_until_empty());
    EXPECT_TRUE(failures.empty());
}

// ---- cancel ----

TEST_F(SipStackTest, CancelsAtOnceWhatWasNotSentYet) {
    Node peer(loop, {}, {Transport::tcp});
    dns.set(kDomain, kTypeA, {.manner = DnsServer::Manner::silent});
    // Before anything happened; while an address is looked for; and behind its end, when nothing follows.
    for (const bool asks : {false, true}) {
        SCOPED_TRACE(asks);
        failures.clear();
        const auto id = send(
            {request_of("INVITE"), {}, {kDomain, false, peer.endpoint(Transport::tcp).port, Transport::tcp}});
        if (asks) {
            ASSERT_TRUE(wait([&] { return dns.asked(kDomain, kTypeA) > 0; }));
        }
        stack->cancel(id);
        EXPECT_TRUE(failures.empty()) << "told from within cancel()";
        EXPECT_EQ(stack->requests(), 0U);
        ASSERT_TRUE(wait([&] { return !failures.empty(); }));
        EXPECT_EQ(failures[0].id, id);
        EXPECT_EQ(failures[0].failure.why, "cancelled");
        stack->cancel(id);
    }
    const auto id = send({request_of("INVITE"), {}, numeric(peer, Transport::tcp)});
    loop.post([&] { stack->cancel(id); });  // behind the first step: the connection is under way
    ASSERT_TRUE(wait([&] { return failures.size() == 2; }));
    EXPECT_TRUE(peer.messages.empty());
    EXPECT_TRUE(wait_until_empty());
}

TEST_F(SipStackTest, CancelsBehindTheFirstProvisionalAnswer) {
    for (const bool early : {true, false}) {
        SCOPED_TRACE(early);
        responses.clear();
        Node peer(loop, {}, {Transport::tcp});
        const auto id = send({request_of("INVITE"), {}, numeric(peer, Transport::tcp)});
        ASSERT_TRUE(wait([&] { return !peer.messages.empty(); }));
        const auto invite = peer.messages[0];
        if (early) stack->cancel(id);
        answer(peer, invite, 180);
        ASSERT_TRUE(wait([&] { return responses.size() == 1; }));
        if (!early) {
            EXPECT_EQ(count_of(peer, "CANCEL"), 0U);
            stack->cancel(id);
        }
        ASSERT_TRUE(wait([&] { return count_of(peer, "CANCEL") == 1; }));
        // Source: RFC 3261 section 9.1.
        const auto& cancel = first_of(peer, "CANCEL").message;
        EXPECT_EQ(cancel.via, invite.message.via);
        EXPECT_EQ(cancel.cseq.number, invite.message.cseq.number);
        answer(peer, first_of(peer, "CANCEL"), 200);
        answer(peer, invite, 487);
        ASSERT_TRUE(wait([&] { return responses.size() == 2; }));
        EXPECT_EQ(responses[1].message.message.status, 487);
        EXPECT_TRUE(wait_until_empty());
    }
    EXPECT_TRUE(failures.empty());
}

TEST_F(SipStackTest, TriesNoFurtherAddressForACancelledInvite) {
    Node silent(loop, {}, {Transport::udp});
    Node second(loop, {}, {Transport::udp});
    settings.first_answer = 50ms;
    const auto id = send({request_of("INVITE"),
                          {},
                          in_order(Transport::udp, {silent.endpoint(Transport::udp).port,
                                                    second.endpoint(Transport::udp).port})});
    ASSERT_TRUE(wait([&] { return !silent.messages.empty(); }));
    stack->cancel(id);
    ASSERT_TRUE(wait([&] { return !failures.empty(); }));
    EXPECT_EQ(failures[0].failure.kind, Kind::timeout);
    EXPECT_TRUE(second.messages.empty());
    EXPECT_TRUE(wait_until_empty());
    EXPECT_EQ(failures.size(), 1U);
}

TEST_F(SipStackTest, TellsTheAnswerThatCrossesTheCancel) {
    Node peer(loop, {}, {Transport::tcp});
    const auto id = send({request_of("INVITE"), {}, numeric(peer, Transport::tcp)});
    ASSERT_TRUE(wait([&] { return !peer.messages.empty(); }));
    stack->cancel(id);
    answer(peer, peer.messages[0], 200);
    ASSERT_TRUE(wait([&] { return !responses.empty(); }));
    EXPECT_EQ(responses[0].message.message.status, 200);
    EXPECT_TRUE(wait_until_empty());
    EXPECT_EQ(count_of(peer, "CANCEL"), 0U);
}

TEST_F(SipStackTest, CancelsNothingButAnInvite) {
    Node peer(loop, {}, {Transport::tcp});
    const auto id = send({request_of("OPTIONS"), {}, numeric(peer, Transport::tcp)});
    ASSERT_TRUE(wait([&] { return !peer.messages.empty(); }));
    stack->cancel(id);
    answer(peer, peer.messages[0], 200);
    ASSERT_TRUE(wait([&] { return !responses.empty(); }));
    EXPECT_TRUE(remarks.empty()) << remarks[0];
}

// ---- 2xx and ACK ----

TEST_F(SipStackTest, TellsEachFurther2xxOfAForkWithTheSameNumber) {
    Node peer(loop, {}, {Transport::tcp});
    peer.on_message = [&](const Arrived& arrived) {
        if (arrived.message.message.method != "INVITE") return;
        for (const auto* tag : {"one", "two", "one"}) answer(peer, arrived, 200, tag);
    };
    const auto id = send({request_of("INVITE"), {}, numeric(peer, Transport::tcp)});
    ASSERT_TRUE(wait([&] { return responses.size() == 3; }));
    EXPECT_EQ(stack->requests(), 0U);
    for (const auto& one : responses) EXPECT_EQ(one.id, id);
    EXPECT_EQ(responses[1].message.to.tag(), "two");
    EXPECT_TRUE(wait_until_empty());
    EXPECT_TRUE(late.empty());
}

TEST_F(SipStackTest, SendsAnAckWithoutATransaction) {
    const DeadEnd dead;
    Node peer(loop, {}, {Transport::tcp});
    start();
    const auto flow = flow_from(peer);
    stack->send_ack({request_of("ACK", "by-the-flow"), flow.id, {}});
    ASSERT_TRUE(wait([&] { return count_of(peer, "ACK") == 1; }));
    peer.transports->close(flow_of_peer, "by the test");
    ASSERT_TRUE(wait([&] { return !closed.empty(); }));
    // The first address of the destination is of no use.
    stack->send_ack({request_of("ACK", "by-dns"), flow.id,
                     in_order(Transport::tcp, {dead.port, peer.endpoint(Transport::tcp).port})});
    ASSERT_TRUE(wait([&] { return count_of(peer, "ACK") == 2; }));
    EXPECT_EQ(peer.messages.back().message.call_id, "by-dns");
    EXPECT_EQ(stack->transactions(), 0U);

    stack->send_ack({request_of("ACK"), {}, {"127.0.0.1", true, dead.port, Transport::tcp}});
    ASSERT_TRUE(wait([&] { return !remarks.empty(); }));
    EXPECT_EQ(loop.timers(), 0U);
}

// ---- as server ----

TEST_F(SipStackTest, ServesAnInviteItsCancelAndItsAck) {
    Node peer(loop, {}, {Transport::tcp});
    start();
    static_cast<void>(flow_from(peer));
    const auto send_theirs = [&](const std::string& method) {
        auto message = request_of(method);
        message.headers.insert(message.headers.begin(), {"Via", "SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK-1"});
        EXPECT_TRUE(peer.transports->send(flow_of_peer, *sip::write_message(message)));
    };
    send_theirs("INVITE");
    ASSERT_TRUE(wait([&] { return requests.size() == 2; }));
    const auto invite = stack->accept(requests[1]);
    ASSERT_TRUE(invite.has_value());
    EXPECT_EQ(requests[1].request.via[0].parameters.find("received").value_or("127.0.0.1"), "127.0.0.1");
    send_theirs("CANCEL");
    ASSERT_TRUE(wait([&] { return cancels.size() == 1; }));
    EXPECT_EQ(cancels[0].second, *invite);
    const auto refusal = sip::make_response(requests[1].request, 487, "", "b");
    ASSERT_TRUE(stack->respond(*invite, refusal).has_value());
    ASSERT_TRUE(wait([&] { return peer.messages.size() == 1; }));
    EXPECT_EQ(peer.messages[0].message.message.status, 487);
    EXPECT_EQ(stack->state_of(*invite), sip::TransactionState::completed);
    ASSERT_TRUE(wait([&] { return !not_acknowledged.empty(); }));
    EXPECT_EQ(not_acknowledged[0], *invite);
    send_theirs("ACK");
    ASSERT_TRUE(wait([&] { return acks.size() == 1; }));
    EXPECT_TRUE(wait_until_empty());
}

TEST_F(SipStackTest, AnswersARequestThatCannotBeReadFromItsBytes) {
    start();
    RawPeer peer(endpoint(Transport::tcp));
    auto bytes = options_request("unreadable");
    bytes.replace(bytes.find("1 OPTIONS"), 9, "x OPTIONS");
    ASSERT_EQ(peer.send(bytes), bytes.size());
    ASSERT_TRUE(wait([&] { return count_in(peer.read(), "\r\n\r\n") == 1; }));
    EXPECT_TRUE(peer.read().starts_with("SIP/2.0 400 ")) << peer.read();
    EXPECT_EQ(count_in(peer.read(), "branch=z9hG4bK-unreadable"), 1U);
    EXPECT_EQ(remarks.size(), 1U);
    EXPECT_TRUE(requests.empty());
}

// ---- timers and the end ----

TEST_F(SipStackTest, KeepsTheUsersTimersApartFromItsOwn) {
    Node peer(loop, {}, {Transport::udp});
    send({request_of("OPTIONS"), {}, numeric(peer, Transport::udp)});
    ASSERT_TRUE(wait([&] { return peer.messages.size() > 1; }));
    // Every number that the transaction's timers could have; a request of ours is numbered in the same way.
    const auto before = loop.timers();
    for (std::uint32_t which = 0; which < 16; ++which) stack->set_timer({1, which}, Loop::now() + 1h);
    EXPECT_EQ(loop.timers(), before + 16);
    stack->set_timer({1, 3}, Loop::now());
    ASSERT_TRUE(wait([&] { return !timers.empty(); }));
    EXPECT_EQ(timers[0].owner, 1U);
    EXPECT_EQ(timers[0].which, 3U);
    for (std::uint32_t which = 0; which < 16; ++which) stack->stop_timer({1, which});
    ASSERT_TRUE(wait([&] { return !failures.empty(); }));
    EXPECT_TRUE(wait_until_empty());
    EXPECT_EQ(timers.size(), 1U);
}

TEST_F(SipStackTest, CallsNobodyBehindItsDestruction) {
    Node peer(loop, {}, {Transport::udp, Transport::tcp});
    dns.set(kDomain, kTypeA, {.manner = DnsServer::Manner::silent});
    settings.first_answer = 50ms;
    start();
    const auto flow = flow_from(peer);
    const auto server = stack->accept(requests[0]);
    ASSERT_TRUE(server.has_value());
    const auto cancelled = send({request_of("INVITE"), {}, numeric(peer, Transport::udp)});
    send({request_of("OPTIONS"), flow.id, {}});
    send({request_of("OPTIONS"), {}, {kDomain, false, 5060, Transport::tcp}});
    stack->send_ack({request_of("ACK"), {}, {kDomain, false, 5060, Transport::tcp}});
    ASSERT_TRUE(wait([&] { return count_of(peer, "OPTIONS") == 1 && count_of(peer, "INVITE") == 1; }));
    send({request_of("OPTIONS"), {}, numeric(peer, Transport::tcp)});
    stack->cancel(send({request_of("INVITE"), {}, numeric(peer, Transport::tcp)}));
    stack->cancel(cancelled);
    stack->set_timer({7, 7}, Loop::now() + 1ms);
    stack->transports().close(flow.id, "by the test");
    stack.reset();
    const auto told = [this] {
        return responses.size() + failures.size() + late.size() + timers.size() + closed.size() +
               remarks.size() + not_acknowledged.size();
    };
    EXPECT_EQ(told(), 0U);
    // Each timer that was left becomes due; none has anybody to tell.
    EXPECT_TRUE(wait([&] { return loop.timers() == 0; }));
    EXPECT_EQ(told(), 0U);
}

}  // namespace
}  // namespace callchain::gateway
