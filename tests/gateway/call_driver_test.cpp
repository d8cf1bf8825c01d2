#include "gateway/call_driver.hpp"

#include "gateway/call_driver_fixture.hpp"

#include <filesystem>
#include <gtest/gtest.h>

namespace callchain::gateway {
namespace {

using b2bua::CallEnd;

std::string value_of(const Arrived& arrived, std::string_view name) {
    return std::string(arrived.message.message.find(name).value_or(""));
}

// ---- a call ----

TEST_F(CallDriverTest, CarriesACallWithChallengesOverEachTransport) {
    settings.admission.accounts = {{"12145551869", "meta's"}};
    settings.twilio = {"gateway", "twilio's"};
    for (const auto transport : {Transport::tcp, Transport::tls, Transport::udp}) {
        SCOPED_TRACE(name_of(transport));
        driver.reset();
        records.clear();
        admissions.clear();
        start(transport);
        meta->credentials.emplace(sip::DigestAccount{"12145551869", "meta's"});
        twilio->asks_for = {"gateway", "twilio's"};
        set_up_call();
        EXPECT_EQ(driver->counts().calls, 1U);
        EXPECT_EQ(meta->statuses("INVITE").front(), 407);
        EXPECT_TRUE(meta->has_heard("INVITE", 180));
        EXPECT_EQ(twilio->requests("INVITE"), 2U) << "one without credentials, one with them";

        meta->send_within(meta->call(), "BYE");
        ASSERT_TRUE(wait([&] { return !records.empty(); }));
        EXPECT_EQ(meta->statuses("BYE"), std::vector{200});
        EXPECT_EQ(twilio->requests("BYE"), 1U);
        EXPECT_EQ(records[0].end, CallEnd::hung_up_by_a);
        EXPECT_EQ(records[0].final_status, 200);
        EXPECT_EQ(admissions, (std::vector<std::string_view>{"challenged", "admitted"}));
        EXPECT_TRUE(wait_until_forgotten(transport));
        EXPECT_EQ(driver->counts().total, 1U);
        EXPECT_EQ(records.size(), 1U);
    }
}

TEST_F(CallDriverTest, MakesTwilioAnInviteOfItsOwn) {
    start(Transport::tcp);
    set_up_call();
    const auto& invite = *twilio->last("INVITE");
    const auto port = std::to_string(twilio->node.endpoint(Transport::tcp).port);
    EXPECT_EQ(sip::write_uri(invite.message.message.uri), "sip:agent@sip.example.com:" + port);
    EXPECT_EQ(value_of(invite, "Contact"), "<sip:callchain@" + text_of(gateway.endpoint) + ";transport=tcp>");
    EXPECT_EQ(invite.message.via.size(), 1U);
    EXPECT_NE(invite.message.call_id, meta->last_call);
    EXPECT_EQ(invite.message.max_forwards, 68U) << "one less than Meta's";
    // "cc_" and 24 hex digits, as the webhooks' reader wants it.
    const auto id = value_of(invite, "X-Callchain-Id");
    EXPECT_EQ(id.size(), 27U);
    EXPECT_TRUE(id.starts_with("cc_"));
}

TEST_F(CallDriverTest, AnswersTwilioBeforeItIsAskedInTheNextCall) {
    settings.twilio = {"gateway", "twilio's"};
    start(Transport::tcp);
    twilio->asks_for = {"gateway", "twilio's"};
    set_up_call();
    set_up_call();
    EXPECT_EQ(driver->counts().calls, 2U);
    EXPECT_EQ(twilio->requests("INVITE"), 3U) << "the nonce of the first call was good for the second";
}

TEST_F(CallDriverTest, CarriesACallToMetaWithThePasswordOfItsNumber) {
    settings.admission.accounts = {{"15550001111", "another's"}, {"12195550714", "meta's"}};
    settings.admission.outward = sip::DigestAccount{"outward", "twilio's"};
    settings.meta = settings.admission.accounts;
    settings.outward = settings.inward;
    settings.outward->direction = sdp::Direction::twilio_to_meta;
    settings.outward->destination.clear();
    start(Transport::tls);
    meta->asks_for = {"12195550714", "meta's"};
    twilio->credentials.emplace(sip::DigestAccount{"outward", "twilio's"});
    // RTP/SAVP with SDES, as Twilio offers it, and a key of its own.
    twilio->offer = replace_all(sdp_sample("twilio-answer"), "MDk4NzY1NDMy", "QUJDREVGR0hJ");
    const auto flow = connect(*twilio);
    twilio->invite(flow);
    ASSERT_TRUE(wait([&] { return meta->requests("ACK") == 2; })) << "to its 407 and its 200";
    EXPECT_EQ(meta->last("INVITE")->message.message.uri.user, "+12145551869");
    EXPECT_EQ(twilio->statuses("INVITE").back(), 200);
    meta->send_within(meta->call(), "BYE");
    ASSERT_TRUE(wait([&] { return !records.empty(); }));
    EXPECT_EQ(records[0].direction, sdp::Direction::twilio_to_meta);
    EXPECT_EQ(records[0].end, CallEnd::hung_up_by_b);
    EXPECT_TRUE(wait_until_empty());
}

TEST_F(CallDriverTest, AsksTwilioNoThirdTime) {
    settings.twilio = {"gateway", "wrong"};
    start(Transport::tcp);
    twilio->asks_for = {"gateway", "twilio's"};
    meta->invite(meta_flow);
    ASSERT_TRUE(wait([&] { return !records.empty() && meta->has_heard("INVITE", 503); }));
    EXPECT_EQ(meta->statuses("INVITE").back(), 503) << "never Twilio's own 403";
    EXPECT_EQ(twilio->requests("INVITE"), 2U);
    EXPECT_TRUE(wait_until_empty());
}

// ---- its end ----

TEST_F(CallDriverTest, CancelsTowardTwilioWhatMetaCancels) {
    for (const auto transport : {Transport::tcp, Transport::tls, Transport::udp}) {
        SCOPED_TRACE(name_of(transport));
        driver.reset();
        records.clear();
        start(transport);
        twilio->answers = false;
        meta->invite(meta_flow);
        ASSERT_TRUE(wait([&] { return meta->has_heard("INVITE", 180); }));
        meta->cancel();
        ASSERT_TRUE(wait([&] { return !records.empty() && meta->has_heard("INVITE", 487); }));
        EXPECT_EQ(meta->statuses("CANCEL"), std::vector{200});
        EXPECT_EQ(meta->statuses("INVITE").back(), 487);
        EXPECT_EQ(twilio->requests("CANCEL"), 1U);
        EXPECT_EQ(records[0].end, CallEnd::cancelled);
        EXPECT_TRUE(wait_until_forgotten(transport));
        EXPECT_EQ(twilio->requests("ACK"), 1U) << "to its 487";
    }
}

// Source: RFC 3261 section 9.1, no CANCEL before the first answer.
TEST_F(CallDriverTest, CancelsNothingBeforeTwilioHasAnswered) {
    for (const auto transport : {Transport::tcp, Transport::tls, Transport::udp}) {
        SCOPED_TRACE(name_of(transport));
        driver.reset();
        records.clear();
        start(transport);
        twilio->rings = false;
        twilio->answers = false;
        meta->invite(meta_flow);
        ASSERT_TRUE(wait([&] { return twilio->requests("INVITE") == 1; }));
        meta->cancel();
        ASSERT_TRUE(wait([&] { return meta->has_heard("INVITE", 487); })) << "Meta waits for nobody";
        EXPECT_EQ(meta->statuses("CANCEL"), std::vector{200});
        ask_whether_it_lives();
        EXPECT_EQ(twilio->requests("CANCEL"), 0U);
        twilio->answer(*twilio->invited, 180);
        ASSERT_TRUE(wait([&] { return twilio->requests("CANCEL") == 1; }));
        ASSERT_TRUE(wait_until_forgotten(transport));
        ASSERT_EQ(records.size(), 1U);
        EXPECT_EQ(records[0].end, CallEnd::cancelled);
        EXPECT_EQ(twilio->requests("ACK"), 1U) << "to its 487";
    }
}

TEST_F(CallDriverTest, EndsAnAnswerThatComesLongAfterARefusal) {
    start(Transport::tcp);
    twilio->refuses_with = 486;
    meta->invite(meta_flow);
    ASSERT_TRUE(wait(
        [&] { return !records.empty() && twilio->requests("ACK") == 1 && meta->has_heard("INVITE", 486); }));
    EXPECT_EQ(meta->statuses("INVITE").back(), 486);
    // Another branch of a fork, whose transaction is gone with the 486.
    twilio->answer(*twilio->invited, 200);
    ASSERT_TRUE(wait([&] { return twilio->requests("BYE") == 1; }));
    EXPECT_EQ(twilio->requests("ACK"), 2U);
    EXPECT_TRUE(wait_until_empty());
    EXPECT_EQ(records.size(), 1U);
}

TEST_F(CallDriverTest, TellsMetaThatTwilioHungUp) {
    for (const auto transport : {Transport::tcp, Transport::tls, Transport::udp}) {
        SCOPED_TRACE(name_of(transport));
        driver.reset();
        records.clear();
        start(transport);
        set_up_call();
        twilio->send_within(twilio->call(), "BYE");
        ASSERT_TRUE(wait([&] { return !records.empty(); }));
        EXPECT_EQ(twilio->statuses("BYE"), std::vector{200});
        ASSERT_EQ(meta->requests("BYE"), 1U);
        EXPECT_EQ(meta->last("BYE")->message.call_id, meta->last_call);
        EXPECT_EQ(records[0].end, CallEnd::hung_up_by_b);
        EXPECT_TRUE(wait_until_empty());
    }
}

TEST_F(CallDriverTest, TakesTwiliosByeOnANewConnection) {
    for (const auto transport : {Transport::tcp, Transport::tls, Transport::udp}) {
        SCOPED_TRACE(name_of(transport));
        driver.reset();
        records.clear();
        start(transport);
        set_up_call();
        Party edge(loop, transport, "edge");
        edge.send_within(twilio->call(), "BYE", connect(edge));
        ASSERT_TRUE(wait([&] { return !records.empty(); }));
        EXPECT_EQ(edge.statuses("BYE"), std::vector{200});
        EXPECT_EQ(twilio->requests("BYE"), 0U);
        ASSERT_EQ(meta->requests("BYE"), 1U);
        EXPECT_EQ(records[0].end, CallEnd::hung_up_by_b);
        EXPECT_TRUE(wait_until_empty());
    }
}

TEST_F(CallDriverTest, KnowsNoCallThatItHasForgotten) {
    start(Transport::tcp);
    set_up_call();
    meta->send_within(meta->call(), "BYE");
    ASSERT_TRUE(wait([&] { return !records.empty(); }));
    meta->send_within(meta->call(), "BYE");
    ASSERT_TRUE(wait([&] { return meta->statuses("BYE").size() == 2; }));
    EXPECT_EQ(meta->statuses("BYE").back(), 200) << "of one that is only over, a BYE may cross ours";
    ASSERT_TRUE(wait_until_empty());
    for (auto* party : {meta.get(), twilio.get()}) {
        party->send_within(party->call(), "BYE");
        ASSERT_TRUE(wait([&] { return party->has_heard("BYE", 481); }));
    }
    EXPECT_TRUE(is_empty());
    EXPECT_EQ(records.size(), 1U);
}

// ---- by which connection ----

TEST_F(CallDriverTest, CallsMetaBackWhereItsConnectionIsGone) {
    for (const auto transport : {Transport::tcp, Transport::tls}) {
        SCOPED_TRACE(name_of(transport));
        driver.reset();
        records.clear();
        start(transport);
        set_up_call();
        meta->node.transports->close(meta_flow, "by the test");
        // Twilio's is left.
        ASSERT_TRUE(wait([&] { return driver->counts().transports.connections == 1; }));
        EXPECT_EQ(driver->counts().calls, 1U) << "a call is no connection";
        twilio->send_within(twilio->call(), "BYE");
        ASSERT_TRUE(wait([&] { return !records.empty(); }));
        ASSERT_EQ(meta->requests("BYE"), 1U);
        EXPECT_FALSE(meta->last("BYE")->flow.outbound) << "the gateway connected";
        EXPECT_EQ(records[0].end, CallEnd::hung_up_by_b);
        EXPECT_TRUE(wait_until_empty());
    }
}

TEST_F(CallDriverTest, CallsTwilioBackWhereItsConnectionIsGone) {
    for (const auto transport : {Transport::tcp, Transport::tls}) {
        SCOPED_TRACE(name_of(transport));
        driver.reset();
        records.clear();
        start(transport);
        set_up_call();
        const auto first = twilio->call().flow;
        twilio->node.transports->close(first, "by the test");
        meta->send_within(meta->call(), "BYE");
        ASSERT_TRUE(wait([&] { return !records.empty(); }));
        ASSERT_EQ(twilio->requests("BYE"), 1U);
        EXPECT_NE(twilio->last("BYE")->flow.id, first);
        EXPECT_TRUE(wait_until_empty());
    }
}

// What cannot be sent is a fault of the way, tried again as one: the peer is not called silent for it.
TEST_F(CallDriverTest, SaysWhyAByeHasNoAddress) {
    settings.inward.timers = {100ms, 400ms, 400ms};  // a call that is over is forgotten behind the last try
    start(Transport::tcp);
    twilio->odd_contact = "<tel:+15550100>";
    meta->invite(meta_flow);
    ASSERT_TRUE(wait([&] { return meta->has_heard("INVITE", 200); }));
    EXPECT_TRUE(has_remark("an ACK has no address"));
    const auto before = Loop::now();
    meta->send_within(meta->call(), "BYE");
    ASSERT_TRUE(wait([&] { return has_remark("a BYE could not be delivered"); }));
    EXPECT_GE(Loop::now() - before, 2s) << "three tries, a second apart";
    EXPECT_EQ(twilio->requests("BYE"), 0U);
    ASSERT_EQ(records.size(), 1U);
    EXPECT_EQ(records[0].end, CallEnd::hung_up_by_a);
    EXPECT_TRUE(wait_until_empty());
}

TEST_F(CallDriverTest, SpeaksOnTheConnectionOnWhichThePeerSpokeLast) {
    start(Transport::tcp);
    set_up_call();
    Party moved(loop, Transport::tcp, "moved");
    const auto flow = connect(moved);
    moved.send_within(meta->call(), "OPTIONS", flow);
    ASSERT_TRUE(wait([&] { return moved.has_heard("OPTIONS", 200); }));
    twilio->send_within(twilio->call(), "BYE");
    ASSERT_TRUE(wait([&] { return !records.empty(); }));
    EXPECT_EQ(moved.requests("BYE"), 1U);
    EXPECT_EQ(meta->requests("BYE"), 0U);
}

TEST_F(CallDriverTest, FollowsNobodyWhoHasTheTagAlone) {
    start(Transport::tcp);
    set_up_call();
    Party thief(loop, Transport::tcp, "thief");
    auto guessed = meta->call();
    guessed.call_id = "guessed";
    thief.send_within(guessed, "BYE", connect(thief));
    ASSERT_TRUE(wait([&] { return thief.has_heard("BYE", 481); }));
    EXPECT_EQ(driver->counts().calls, 1U);
    twilio->send_within(twilio->call(), "BYE");
    ASSERT_TRUE(wait([&] { return !records.empty(); }));
    EXPECT_EQ(meta->requests("BYE"), 1U);
    EXPECT_EQ(thief.requests("BYE"), 0U);
}

// Its Call-ID and our tag are in every message of the call; the dialog has a third part.
TEST_F(CallDriverTest, FollowsNobodyOfAnotherDialog) {
    start(Transport::tcp);
    set_up_call();
    Party thief(loop, Transport::tcp, "thief");
    auto other = meta->call();
    other.local = "<sip:+12195550714@wa.meta.vc>;tag=guessed";
    thief.send_within(other, "BYE", connect(thief));
    ASSERT_TRUE(wait([&] { return thief.has_heard("BYE", 481); }));
    EXPECT_EQ(driver->counts().calls, 1U);
    twilio->send_within(twilio->call(), "BYE");
    ASSERT_TRUE(wait([&] { return !records.empty(); }));
    EXPECT_EQ(meta->requests("BYE"), 1U);
    EXPECT_EQ(thief.requests("BYE"), 0U);
}

// Nobody listens at the first address.
TEST_F(CallDriverTest, CallsTwilioAtItsNextAddressWhereOneRefuses) {
    for (const auto transport : {Transport::tcp, Transport::tls}) {
        SCOPED_TRACE(name_of(transport));
        driver.reset();
        records.clear();
        start(transport);
        dns.set(kTypeA, {a_record(kTwilioDomain, "127.0.0.9"), a_record(kTwilioDomain, "127.0.0.1")});
        set_up_call();
        EXPECT_EQ(twilio->requests("INVITE"), 1U);
        meta->send_within(meta->call(), "BYE");
        ASSERT_TRUE(wait([&] { return !records.empty(); }));
        EXPECT_EQ(twilio->requests("BYE"), 1U);
        EXPECT_EQ(records[0].final_status, 200);
        EXPECT_TRUE(wait_until_empty());
    }
}

TEST_F(CallDriverTest, RefusesACallWhereNoAddressOfTwilioAnswers) {
    start(Transport::tcp);
    dns.set(kTypeA, {a_record(kTwilioDomain, "127.0.0.8"), a_record(kTwilioDomain, "127.0.0.9")});
    meta->invite(meta_flow);
    ASSERT_TRUE(wait([&] { return !records.empty() && meta->has_heard("INVITE", 504); }));
    EXPECT_EQ(meta->statuses("INVITE").back(), 504);  // Source: docs/design/gateway.md, faults of the way
    EXPECT_TRUE(twilio->node.messages.empty());
    EXPECT_TRUE(wait_until_empty());
}

// ---- loops ----

TEST_F(CallDriverTest, RefusesACallThatCameBack) {
    start(Transport::tcp);
    set_up_call();
    const auto id = value_of(*twilio->last("INVITE"), "X-Callchain-Id");
    Party back(loop, Transport::tcp, "back");
    back.invite(connect(back), {{"X-Callchain-Id", id}});
    ASSERT_TRUE(wait([&] { return !back.statuses("INVITE").empty(); }));
    EXPECT_EQ(back.statuses("INVITE"), std::vector{482});
    EXPECT_TRUE(has_remark("a loop"));
    EXPECT_EQ(driver->counts().calls, 1U) << "the call itself goes on";
    EXPECT_EQ(driver->counts().total, 1U);
    // An id of nobody's is none of our business.
    back.invite(connect(back), {{"X-Callchain-Id", "cc_000000000000000000000000"}});
    ASSERT_TRUE(wait([&] { return back.has_heard("INVITE", 200); }));
}

TEST_F(CallDriverTest, RefusesAnInviteThatCameByTwoWays) {
    start(Transport::tcp);
    twilio->answers = false;
    meta->invite(meta_flow);
    ASSERT_TRUE(wait([&] { return meta->has_heard("INVITE", 180); }));
    auto other = meta->last_invite;
    for (auto& field : other.headers)
        if (field.name == "Via") field.value += "other";
    Party proxy(loop, Transport::tcp, "proxy");
    proxy.send(connect(proxy), other);
    ASSERT_TRUE(wait([&] { return !proxy.statuses("INVITE").empty(); }));
    EXPECT_EQ(proxy.statuses("INVITE"), std::vector{482});
    EXPECT_EQ(twilio->requests("INVITE"), 1U);
}

// ---- leaving ----

TEST_F(CallDriverTest, IsDrainedAtOnceWithoutCalls) {
    start(Transport::tcp);
    driver->drain();
    driver->drain();
    EXPECT_EQ(drained, 0) << "told from within drain()";
    ASSERT_TRUE(wait([&] { return drained == 1; }));
    ask_whether_it_lives();
    EXPECT_EQ(drained, 1);
}

TEST_F(CallDriverTest, LetsCallsFinishAndTakesNoOtherWhileDraining) {
    start(Transport::tcp);
    set_up_call();
    const auto call = meta->last_call;
    driver->drain();
    meta->invite(meta_flow);
    ASSERT_TRUE(wait([&] { return meta->has_heard("INVITE", 503); }));
    EXPECT_EQ(value_of(*meta->last_answer("INVITE"), "Retry-After"), "10");
    ask_whether_it_lives();
    EXPECT_EQ(meta->statuses("OPTIONS"), std::vector{503});
    EXPECT_EQ(drained, 0);
    meta->send_within(meta->calls.at(call), "BYE");
    ASSERT_TRUE(wait([&] { return drained == 1; }));
    EXPECT_EQ(records.size(), 1U);
    EXPECT_EQ(driver->counts().total, 1U);
}

TEST_F(CallDriverTest, HangsUpWhatIsUpAndWhatRings) {
    start(Transport::tcp);
    set_up_call();
    twilio->answers = false;
    meta->invite(meta_flow);
    ASSERT_TRUE(wait([&] {
        return twilio->requests("INVITE") == 2 && driver->counts().calls == 2 &&
               meta->statuses("INVITE").back() == 180;
    }));
    driver->hang_up_all();
    ASSERT_TRUE(wait([&] { return drained == 1 && meta->has_heard("INVITE", 503); }));
    EXPECT_EQ(meta->requests("BYE"), 1U);
    EXPECT_EQ(twilio->requests("BYE"), 1U);
    EXPECT_EQ(twilio->requests("CANCEL"), 1U);
    EXPECT_EQ(meta->statuses("INVITE").back(), 503);
    ASSERT_EQ(records.size(), 2U);
    for (const auto& record : records) EXPECT_EQ(record.end, CallEnd::stopped);
    EXPECT_TRUE(wait_until_empty());
    EXPECT_EQ(drained, 1);
}

TEST_F(CallDriverTest, MayBeDestroyedInMidCall) {
    start(Transport::tls);
    set_up_call();
    meta->invite(meta_flow);
    driver.reset();
    EXPECT_TRUE(wait([end = Loop::now() + 50ms] { return Loop::now() > end; }));
    EXPECT_TRUE(records.empty());
}

// ---- remarks ----

TEST_F(CallDriverTest, SaysOnceThatARequestIsTooLargeForUdp) {
    settings.inward.destination = std::string(900, '7');  // in the Request-URI and in To
    start(Transport::udp);
    set_up_call();
    set_up_call();
    // Source: RFC 3261 section 18.1.1.
    for (const auto& bytes : twilio->node.bytes_received) {
        const bool is_invite = bytes.starts_with("INVITE");
        EXPECT_TRUE(!is_invite || bytes.size() > 1'300);
    }
    EXPECT_EQ(count_of_remarks("above 1,300 bytes"), 1U);
}

TEST_F(CallDriverTest, SaysNothingOfLargeRequestsOverTcp) {
    settings.inward.destination = std::string(900, '7');
    start(Transport::tcp);
    set_up_call();
    EXPECT_EQ(count_of_remarks("above 1,300 bytes"), 0U);
}

// ---- certificates, trace ----

TEST_F(CallDriverTest, ReadsACertificateAgainInMidCall) {
    const auto& files = Certificates::shared();
    const auto certificate = files.path("changing.pem");
    const auto key = files.path("changing.key");
    const auto install = [&](const std::string& name) {
        const auto overwrite = std::filesystem::copy_options::overwrite_existing;
        std::filesystem::copy_file(files.chain(name), certificate, overwrite);
        std::filesystem::copy_file(files.key(name), key, overwrite);
    };
    install("good");
    settings.stack.transports.tls_server = TlsServerSettings{{certificate, {}}, {key, {}}};
    start(Transport::tls);
    set_up_call();
    const auto first_end = driver->certificate_ends();
    ASSERT_TRUE(first_end.has_value());
    EXPECT_FALSE(driver->tls_files_changed());

    install("renewed");
    EXPECT_TRUE(driver->tls_files_changed());
    ASSERT_TRUE(driver->reload_tls().has_value());
    EXPECT_FALSE(driver->tls_files_changed());
    // By its 60 days in place of 30.
    EXPECT_GT(*driver->certificate_ends(), *first_end + std::chrono::days(20));
    const auto renewed_end = driver->certificate_ends();

    std::ofstream(certificate) << "no certificate";
    EXPECT_TRUE(driver->tls_files_changed());
    EXPECT_FALSE(driver->reload_tls().has_value());
    EXPECT_FALSE(driver->tls_files_changed()) << "it would be told again and again";
    EXPECT_EQ(driver->certificate_ends(), renewed_end);

    // The call on the old connection is untouched, and a new handshake gets the renewed one.
    Party other(loop, Transport::tls, "other");
    connect(other);
    meta->send_within(meta->call(), "BYE");
    ASSERT_TRUE(wait([&] { return !records.empty(); }));
    EXPECT_EQ(meta->statuses("BYE"), std::vector{200});
    EXPECT_EQ(driver->counts().transports.handshake_failures, 0U);
}

TEST_F(CallDriverTest, TracesWhatItIsAskedFor) {
    settings.trace_call = "watched";
    start(Transport::tcp);
    meta->send(meta_flow, outside("OPTIONS", "watched-1"));
    ASSERT_TRUE(wait([&] { return meta->has_heard("OPTIONS", 200); }));
    EXPECT_TRUE(traced.empty()) << "the trace is off";
    driver->set_trace(true);
    meta->send(meta_flow, outside("OPTIONS", "other"));
    meta->send(meta_flow, outside("OPTIONS", "watched-2"));
    ASSERT_TRUE(wait([&] { return meta->statuses("OPTIONS").size() == 3; }));
    ASSERT_EQ(traced.size(), 2U);
    for (const auto& bytes : traced) EXPECT_NE(bytes.find("watched-2"), std::string::npos);
    driver->set_trace(false);
    ask_whether_it_lives();
    EXPECT_EQ(traced.size(), 2U);
}

}  // namespace
}  // namespace callchain::gateway
