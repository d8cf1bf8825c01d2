// Requests outside of calls, and those of peers who may not call.
#include "gateway/call_driver.hpp"
#include "gateway/call_driver_fixture.hpp"

#include <functional>
#include <gtest/gtest.h>

namespace callchain::gateway {
namespace {

using b2bua::CallEnd;

void remove(sip::Message& message, const std::string& name) {
    std::erase_if(message.headers, [&](const sip::HeaderField& field) { return field.name == name; });
}
void replace(sip::Message& message, const std::string& name, const std::string& value) {
    for (auto& field : message.headers)
        if (field.name == name) field.value = value;
}

// ---- what is answered ----

TEST_F(CallDriverTest, AnswersOptionsWithItsLoad) {
    settings.admission.most_calls = 7;
    start(Transport::tcp);
    for (const auto* load : {"0/7", "1/7"}) {
        SCOPED_TRACE(load);
        ask_whether_it_lives();
        const auto& answer = meta->last_answer("OPTIONS")->message.message;
        EXPECT_EQ(answer.status, 200);
        EXPECT_EQ(answer.find("X-Callchain-Calls"), load);
        EXPECT_EQ(answer.find("Accept"), "application/sdp");
        EXPECT_EQ(answer.find("Allow"), "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO");
        set_up_call();
    }
}

TEST_F(CallDriverTest, AnswersRequestsOutsideOfCallsAndRemembersNone) {
    struct Row {
        const char* name;
        const char* method;
        int status;  // RFC 3261, the section behind it
        std::function<void(sip::Message&)> change = [](sip::Message&) {};
        const char* header = "";
    };
    const auto rows = {
        Row{"REGISTER", "REGISTER", 405, [](auto&) {}, "Allow"},  // 8.2.1
        Row{"MESSAGE", "MESSAGE", 405, [](auto&) {}, "Allow"},
        Row{"made up", "CALLCHAIN", 405, [](auto&) {}, "Allow"},
        Row{"BYE of no call", "BYE", 481},          // 15.1.2
        Row{"CANCEL of no INVITE", "CANCEL", 481},  // 9.2
        Row{"INFO of no call", "INFO", 481},
        Row{"UPDATE of no call", "UPDATE", 481},
        Row{"INVITE of no call", "INVITE", 481,  // 12.2.2
            [](auto& message) { replace(message, "To", "<sip:gateway@sip.example.com>;tag=nobodys"); }},
        Row{"INVITE without Contact", "INVITE", 400,  // 8.1.1.8
            [](auto& message) { remove(message, "Contact"); }},
        Row{"INVITE with two", "INVITE", 400,
            [](auto& message) { message.add("Contact", "<sip:second@127.0.0.1>"); }},
        Row{"no SIP URI", "OPTIONS", 416,  // 8.2.2.1
            [](auto& message) { message.uri = *sip::parse_uri("mailto:a@example.com"); }},
        Row{"no hop left", "INVITE", 483,  // 16.3
            [](auto& message) { replace(message, "Max-Forwards", "0"); }},
        Row{"an extension", "INVITE", 420,  // 8.2.2.3
            [](auto& message) { message.add("Require", "callchain-probe"); }, "Unsupported"},
    };
    for (const auto transport : {Transport::udp, Transport::tcp}) {
        driver.reset();
        start(transport);
        for (const auto& row : rows) {
            SCOPED_TRACE(std::string(row.name) + " over " + std::string(name_of(transport)));
            answers.clear();
            auto message = outside(row.method);
            row.change(message);
            meta->send(meta_flow, message);
            ASSERT_TRUE(wait([&] { return !meta->statuses(row.method).empty(); }));
            const auto& answer = meta->last_answer(row.method)->message;
            EXPECT_EQ(answer.message.status, row.status);
            EXPECT_TRUE(answer.to.tag().has_value());
            EXPECT_TRUE(*row.header == '\0' || answer.message.find(row.header).has_value());
            ASSERT_EQ(answers.size(), 1U);
            EXPECT_EQ(answers[0].second, row.status);
            EXPECT_TRUE(is_empty());
            meta->node.messages.clear();
        }
    }
    EXPECT_TRUE(admissions.empty()) << "none of them would have begun a call";
}

// Of a second replica, or a process before this one: whoever asks is answered, and the operator is told why.
TEST_F(CallDriverTest, TellsOfARequestWhoseCallIsNotHere) {
    struct Row {
        const char* method;
        const char* tag;
        std::size_t remarks;
        int status;  // RFC 3261 sections 12.2.2 and 15.1.2; 0: none, which nobody is told of either
    };
    for (const auto transport : {Transport::udp, Transport::tcp}) {
        driver.reset();
        start(transport);
        for (const auto& row :
             {Row{"BYE", ";tag=of-another-replica", 1, 481}, Row{"INVITE", ";tag=of-another-replica", 1, 481},
              Row{"OPTIONS", ";tag=of-another-replica", 1, 481}, Row{"ACK", ";tag=of-another-replica", 0, 0},
              Row{"CANCEL", ";tag=of-another-replica", 0, 481}, Row{"BYE", "", 0, 481}}) {
            SCOPED_TRACE(std::string(row.method) + row.tag + " over " + std::string(name_of(transport)));
            meta->node.messages.clear();
            remarks.clear();
            auto message = outside(row.method);
            replace(message, "To", "<sip:gateway@sip.example.com>" + std::string(row.tag));
            meta->send(meta_flow, message);
            ask_whether_it_lives();
            EXPECT_EQ(count_of_remarks("a request of a call that is not here"), row.remarks);
            EXPECT_EQ(remarks.size(), row.remarks);
            EXPECT_TRUE(row.status == 0 || meta->has_heard(row.method, row.status));
        }
        EXPECT_TRUE(is_empty());
    }
}

TEST_F(CallDriverTest, SaysNothingOfLateRequestsOfACallThatIsOver) {
    start(Transport::udp);
    set_up_call();
    auto& call = meta->call();
    ++call.cseq;
    const auto bye = meta->request("BYE", call);
    meta->send(meta_flow, bye);
    ASSERT_TRUE(wait([&] { return !records.empty() && meta->has_heard("BYE", 200); }));
    meta->send(meta_flow, bye);
    twilio->send_within(twilio->call(), "BYE");
    meta->send_within(call, "OPTIONS");
    ASSERT_TRUE(wait([&] {
        return meta->statuses("BYE").size() == 2 && !twilio->statuses("BYE").empty() &&
               !meta->statuses("OPTIONS").empty();
    }));
    EXPECT_FALSE(has_remark("a request of a call that is not here"));
}

TEST_F(CallDriverTest, CountsMethodsByAClosedSet) {
    start(Transport::tcp);
    meta->send(meta_flow, outside("CALLCHAIN"));
    ask_whether_it_lives();
    EXPECT_EQ(answers, (std::vector<std::pair<std::string, int>>{{"other", 405}, {"OPTIONS", 200}}));
}

TEST_F(CallDriverTest, AnswersWhatAKnownPeerGarbles) {
    start(Transport::tcp);
    RawPeer known(gateway.endpoint);
    known.send(
        "OPTIONS sip:gateway@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKx\r\n"
        "From: <sip:a@127.0.0.1>;tag=1\r\nTo: <sip:b@127.0.0.1>\r\nCall-ID: garbled\r\n"
        "CSeq: one OPTIONS\r\nContent-Length: 0\r\n\r\n");
    ASSERT_TRUE(wait([&] { return !known.read().empty() || known.has_ended(); }));
    EXPECT_TRUE(known.read().starts_with("SIP/2.0 400 "));
}

// ---- floods ----

TEST_F(CallDriverTest, RemembersNothingOfWhoProvesNothing) {
    settings.admission.accounts = {{"12145551869", "meta's"}};
    settings.admission.calls_per_second = 1'000'000;
    for (const auto transport : {Transport::udp, Transport::tcp}) {
        SCOPED_TRACE(name_of(transport));
        driver.reset();
        admissions.clear();
        start(transport);
        constexpr std::size_t kRounds = 20;
        constexpr std::size_t kEach = 50;  // in the buffer of a socket at once
        for (std::size_t round = 1; round <= kRounds; ++round) {
            for (std::size_t i = 0; i < kEach; ++i) meta->invite(meta_flow);
            ASSERT_TRUE(wait([&] { return meta->statuses("INVITE").size() >= round * kEach; }));
        }
        ask_whether_it_lives();  // behind the ACKs
        EXPECT_EQ(admitted_as("challenged"), kRounds * kEach);
        EXPECT_TRUE(is_empty());
        EXPECT_EQ(driver->counts().total, 0U);
        EXPECT_EQ(twilio->requests("INVITE"), 0U);
    }
}

TEST_F(CallDriverTest, RefusesAWrongPasswordWithoutAnotherChallenge) {
    settings.admission.accounts = {{"12145551869", "meta's"}};
    start(Transport::tcp);
    meta->credentials.emplace(sip::DigestAccount{"12145551869", "wrong"});
    meta->invite(meta_flow);
    ASSERT_TRUE(wait([&] { return meta->statuses("INVITE").size() == 2; }));
    EXPECT_EQ(meta->statuses("INVITE"), (std::vector{407, 403}));
    EXPECT_TRUE(is_empty());
    EXPECT_EQ(twilio->requests("INVITE"), 0U);
}

TEST_F(CallDriverTest, WritesFewLinesAboutAFlood) {
    settings.admission.accounts = {{"12145551869", "meta's"}};
    settings.admission.calls_per_second = 1;
    start(Transport::tcp);
    for (int i = 0; i < 500; ++i) meta->invite(meta_flow);
    ask_whether_it_lives();
    EXPECT_GT(admitted_as("limited"), 400U);
    // Ten a second, however slow the machine is.
    const auto lines = count_of_remarks("a call was not let in");
    EXPECT_GE(lines, 1U);
    EXPECT_LT(lines, 100U);
    EXPECT_TRUE(is_empty());
}

TEST_F(CallDriverTest, WritesFewLinesAboutCallsThatAreNotHere) {
    start(Transport::tcp);
    auto message = outside("BYE");
    replace(message, "To", "<sip:gateway@sip.example.com>;tag=of-another-replica");
    for (int i = 0; i < 500; ++i) meta->send(meta_flow, message);
    ASSERT_TRUE(wait([&] { return meta->statuses("BYE").size() == 500; }));
    // Ten a second, however slow the machine is.
    const auto lines = count_of_remarks("a request of a call that is not here");
    EXPECT_GE(lines, 1U);
    EXPECT_LT(lines, 100U);
}

TEST_F(CallDriverTest, LetsNoStrangerDrownWhatItSaysOfTheOthers) {
    settings.admission.allow = *config::parse_networks("127.0.0.1/32");
    start(Transport::udp);
    auto message = outside("BYE");
    replace(message, "To", "<sip:gateway@sip.example.com>;tag=of-another-replica");
    Stranger stranger(gateway.endpoint, SOCK_DGRAM);
    for (int i = 0; i < 40; ++i) stranger.send(text_of_message(message));
    ask_whether_it_lives();
    const auto before = count_of_remarks("a request of a call that is not here");
    EXPECT_GE(before, 1U);
    meta->send(meta_flow, message);
    ASSERT_TRUE(wait([&] { return meta->has_heard("BYE", 481); }));
    EXPECT_EQ(count_of_remarks("a request of a call that is not here"), before + 1);
}

TEST_F(CallDriverTest, WritesFewLinesAboutGarbage) {
    start(Transport::udp);
    Stranger stranger(gateway.endpoint, SOCK_DGRAM);
    constexpr int kRounds = 10;
    constexpr int kEach = 50;  // in the buffer of a socket at once
    for (int round = 0; round < kRounds; ++round) {
        for (int i = 0; i < kEach; ++i) stranger.send("INVITE sip:a@b SIP/2.0\r\nVia: x\r\n\r\n");
        ask_whether_it_lives();
    }
    // Ten a second, however slow the machine is.
    const auto lines = count_of_remarks("message that cannot be read");
    EXPECT_GE(lines, 10U);
    EXPECT_LT(lines, 250U);
    EXPECT_TRUE(is_empty());
}

// ---- strangers ----

TEST_F(CallDriverTest, HangsUpOnStrangersWithoutAWord) {
    settings.admission.allow = *config::parse_networks("127.0.0.1/32");
    start(Transport::tcp);
    auto of_no_call = outside("INVITE");
    replace(of_no_call, "To", "<sip:gateway@sip.example.com>;tag=nobodys");
    auto no_contact = outside("INVITE");
    remove(no_contact, "Contact");
    struct Row {
        const char* name;
        std::string bytes;
    };
    for (const auto& row :
         {Row{"INVITE", text_of_message(outside("INVITE"))},
          Row{"INVITE without Contact", text_of_message(no_contact)},
          Row{"OPTIONS", text_of_message(outside("OPTIONS"))},
          Row{"REGISTER", text_of_message(outside("REGISTER"))},
          Row{"CANCEL", text_of_message(outside("CANCEL"))}, Row{"ACK", text_of_message(outside("ACK"))},
          Row{"another's dialog", text_of_message(of_no_call)},
          Row{"rubbish", "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"},
          Row{"almost SIP", "INVITE sip:a@b SIP/2.0\r\nVia: x\r\nContent-Length: 0\r\n\r\n"}}) {
        SCOPED_TRACE(row.name);
        Stranger stranger(gateway.endpoint, SOCK_STREAM);
        stranger.send(row.bytes);
        ASSERT_TRUE(wait([&] { return stranger.has_ended(); }));
        EXPECT_EQ(stranger.read(), "");
        EXPECT_TRUE(is_empty());
    }
    EXPECT_TRUE(answers.empty());
    // Of a call that another replica has, perhaps: that is for the log alone.
    EXPECT_EQ(count_of_remarks("a request of a call that is not here"), 1U);
    ask_whether_it_lives();
    EXPECT_EQ(meta->statuses("OPTIONS"), std::vector{200});
}

TEST_F(CallDriverTest, SaysNothingToStrangersOverUdp) {
    settings.admission.allow = *config::parse_networks("127.0.0.1/32");
    start(Transport::udp);
    Stranger stranger(gateway.endpoint, SOCK_DGRAM);
    for (const auto* method : {"INVITE", "OPTIONS", "REGISTER", "BYE", "CANCEL"})
        stranger.send(text_of_message(outside(method)));
    stranger.send("INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.2;branch=z9hG4bKx\r\n\r\n");
    ask_whether_it_lives();
    EXPECT_EQ(stranger.read(), "");
    EXPECT_EQ(admitted_as("not_allowed"), 5U);
    EXPECT_TRUE(is_empty());
}

TEST_F(CallDriverTest, KeepsAStrangersConnectionOnceADialogSpokeOnIt) {
    settings.admission.allow = *config::parse_networks("127.0.0.1/32");
    start(Transport::tcp);
    set_up_call();
    Stranger edge(gateway.endpoint, SOCK_STREAM);
    auto& call = twilio->call();
    ++call.cseq;
    edge.send(text_of_message(twilio->request("OPTIONS", call)));
    ASSERT_TRUE(wait([&] { return count_in(edge.read(), "SIP/2.0 200 ") == 1; }));
    // A BYE that comes late, of a call that is long forgotten, costs the others nothing.
    edge.send(text_of_message(outside("BYE")));
    ASSERT_TRUE(wait([&] { return count_in(edge.read(), "SIP/2.0 481 ") == 1; }));
    ++call.cseq;
    edge.send(text_of_message(twilio->request("BYE", call)));
    ASSERT_TRUE(wait([&] { return !records.empty(); }));
    EXPECT_EQ(records[0].end, CallEnd::hung_up_by_b);
    EXPECT_FALSE(edge.has_ended());
}

// Twilio is on no list where there are no calls to Meta: what it says outside of a call on the connection
// that we made must not end the other calls that share it.
TEST_F(CallDriverTest, KeepsItsOwnConnectionToTwilioWhateverComesOnIt) {
    settings.admission.allow = *config::parse_networks("127.0.0.1/32");
    start(Transport::tcp, "127.0.0.3");
    twilio->answers = false;
    meta->invite(meta_flow);
    ASSERT_TRUE(wait([&] { return meta->has_heard("INVITE", 180); }));
    const auto ours = twilio->call().flow;
    auto late = outside("BYE");
    replace(late, "To", "<sip:gateway@sip.example.com>;tag=of-a-call-that-is-forgotten");
    twilio->send(ours, late);
    twilio->send(ours, outside("OPTIONS"));
    EXPECT_TRUE(twilio->node.transports->send(
        ours,
        "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.3;branch=z9hG4bKx\r\nCSeq: x\r\n"
        "Content-Length: 0\r\n\r\n"));
    twilio->answer(*twilio->invited, 200);
    ASSERT_TRUE(wait([&] { return !records.empty() || twilio->requests("ACK") == 1; }));
    EXPECT_TRUE(records.empty()) << "the call was lost with the connection";
    EXPECT_TRUE(twilio->node.closed.empty());
    EXPECT_EQ(twilio->statuses("BYE"), std::vector{481});
    EXPECT_TRUE(meta->has_heard("INVITE", 200));
    // That is no way to begin a call.
    twilio->invite(ours);
    ask_whether_it_lives();
    EXPECT_EQ(driver->counts().total, 1U);
    EXPECT_TRUE(twilio->statuses("INVITE").empty());
}

}  // namespace
}  // namespace callchain::gateway
