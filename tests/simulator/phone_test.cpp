#include "simulator/phone.hpp"

#include "crypto/hash.hpp"
#include "gateway/sip_stack_fixture.hpp"
#include "simulator/partner.hpp"
#include "sip/digest_server.hpp"

namespace callchain::simulator {
namespace {

using gateway::FlowInfo;
using sip::Transport;

// Of a server that lets one user in.
class Doorkeeper {
  public:
    PhoneEvents events() {
        PhoneEvents events;
        events.on_screen = [this](const sip::Received& invite,
                                  const FlowInfo&) -> std::optional<sip::Message> {
            const auto now = gateway::Loop::now();
            const auto verdict = server_.judge(
                invite,
                [](std::string_view user) {
                    return user == "alice" ? std::optional<std::string>("right") : std::nullopt;
                },
                now);
            using Kind = sip::DigestVerdict::Kind;
            if (verdict.kind == Kind::accepted) return std::nullopt;
            if (verdict.kind == Kind::no_credentials)
                return server_.refusal(invite, now, ++challenges_, sip::Stale::no);
            return sip::make_response(invite, 403, {}, "door");
        };
        return events;
    }

  private:
    sip::DigestServer server_{{.realm = "sip.example.com"},
                              crypto::HmacKey(crypto::HashAlgorithm::sha256, std::string(32, 'k'))};
    std::uint64_t challenges_ = 0;
};

class PhoneOver : public testing::TestWithParam<Transport> {};

TEST_P(PhoneOver, CallsRingsAnswersAndHangsUp) {
    Partner* called = nullptr;
    PhoneEvents rings;
    rings.on_invite = [&](CallNumber number, const sip::Received&, const FlowInfo&) {
        called->phone->ring(number);
        called->phone->answer(number, kAnswer);
    };
    Partner bob(GetParam(), rings);
    called = &bob;
    Partner alice(GetParam());
    const auto number = alice.call(bob);
    ASSERT_TRUE(alice.saw("ringing 180"));
    ASSERT_TRUE(alice.saw("answered"));
    ASSERT_TRUE(bob.saw("acknowledged"));
    EXPECT_EQ(alice.in_loop([&] { return alice.phone->remote_sdp(number); }), kAnswer);
    EXPECT_EQ(bob.in_loop([&] { return bob.phone->remote_sdp(bob.number()); }), kOffer);
    EXPECT_EQ(bob.in_loop([&] { return bob.phone->call_id(bob.number()); }), "call-of-a-test");
    alice.in_loop([&] { alice.phone->hang_up(number, {{"X-Why", "done"}}); });
    ASSERT_TRUE(bob.saw("ended by BYE"));
    ASSERT_TRUE(alice.saw("hung up 200"));
    EXPECT_EQ(bob.message("ended by BYE").message.find("X-Why"), "done");
    EXPECT_EQ(alice.calls() + bob.calls(), 0U);
}

TEST_P(PhoneOver, IsHungUpByTheCalledOne) {
    Partner bob(GetParam());
    Partner alice(GetParam());
    alice.call(bob);
    ASSERT_TRUE(bob.saw("acknowledged"));
    bob.in_loop([&] { bob.phone->hang_up(bob.number()); });
    ASSERT_TRUE(alice.saw("ended by BYE"));
    ASSERT_TRUE(bob.saw("hung up 200"));
    EXPECT_EQ(alice.calls() + bob.calls(), 0U);
}

TEST_P(PhoneOver, CancelsWhatRings) {
    Partner* called = nullptr;
    PhoneEvents rings;
    rings.on_invite = [&](CallNumber number, const sip::Received&, const FlowInfo&) {
        called->phone->ring(number, 183);
    };
    Partner bob(GetParam(), rings);
    called = &bob;
    Partner alice(GetParam());
    const auto number = alice.call(bob);
    ASSERT_TRUE(alice.saw("ringing 183"));
    alice.in_loop([&] { alice.phone->hang_up(number); });
    ASSERT_TRUE(bob.saw("ended by CANCEL"));
    ASSERT_TRUE(alice.saw("failed 487"));
    EXPECT_EQ(alice.calls() + bob.calls(), 0U);
}

TEST_P(PhoneOver, RefusesWithStatusReasonAndHeaders) {
    Partner* called = nullptr;
    PhoneEvents refuses;
    refuses.on_invite = [&](CallNumber number, const sip::Received&, const FlowInfo&) {
        called->phone->refuse(number, 486, "Not Today", {{"Warning", "399 x \"busy\""}});
    };
    Partner bob(GetParam(), refuses);
    called = &bob;
    Partner alice(GetParam());
    alice.call(bob);
    ASSERT_TRUE(alice.saw("failed 486"));
    const auto response = alice.message("failed 486").message;
    EXPECT_EQ(response.reason, "Not Today");
    EXPECT_EQ(response.find("Warning"), "399 x \"busy\"");
    EXPECT_EQ(alice.calls() + bob.calls(), 0U);
}

INSTANTIATE_TEST_SUITE_P(EachTransport, PhoneOver,
                         testing::Values(Transport::udp, Transport::tcp, Transport::tls),
                         [](const auto& one) { return std::string(sip::name_of(one.param)); });

TEST(Phone, AnswersAChallenge) {
    Doorkeeper door;
    Partner bob(Transport::tls, door.events());
    Partner alice(Transport::tls);
    alice.call(bob, [](OutgoingCall& call) {
        call.account = sip::DigestAccount{"alice", "right"};
        call.digest_uri = "sip:bob@127.0.0.1";  // as Meta leaves the parameters out
    });
    ASSERT_TRUE(alice.saw("answered"));
    const auto invite = bob.message("invite");
    const auto credentials = sip::parse_credentials(invite.message.find("Proxy-Authorization").value());
    ASSERT_TRUE(credentials.has_value());
    EXPECT_EQ(credentials->uri, "sip:bob@127.0.0.1");
    EXPECT_EQ(alice.count("> INVITE sip:bob@" + text_of(bob.endpoint) + ";transport=tcp"), 2U);
}

TEST(Phone, FailsWithAWrongPassword) {
    Doorkeeper door;
    Partner bob(Transport::tls, door.events());
    Partner alice(Transport::tls);
    alice.call(bob, [](OutgoingCall& call) { call.account = sip::DigestAccount{"alice", "wrong"}; });
    ASSERT_TRUE(alice.saw("failed 403"));
    EXPECT_EQ(bob.count("invite"), 0U);
    EXPECT_EQ(bob.calls(), 0U);
}

TEST(Phone, FailsWithoutCredentials) {
    Doorkeeper door;
    Partner bob(Transport::tls, door.events());
    Partner alice(Transport::tls);
    alice.call(bob);
    ASSERT_TRUE(alice.saw("failed 407"));
}

// The offer is in the 200, the answer in the ACK. Source: RFC 3261 section 13.2.1.
TEST(Phone, CallsWithoutAnOffer) {
    Partner bob(Transport::tcp);
    Partner alice(Transport::tcp);
    alice.call(bob, [](OutgoingCall& call) {
        call.sdp.clear();
        call.answer_in_ack = kOffer;
    });
    ASSERT_TRUE(bob.saw("acknowledged"));
    EXPECT_EQ(bob.message("acknowledged").message.body, kOffer);
    EXPECT_EQ(bob.in_loop([&] { return bob.phone->remote_sdp(bob.number()); }), kOffer);
}

TEST(Phone, AnswersWhatComesWithinACall) {
    Partner* called = nullptr;
    PhoneEvents within;
    within.on_request_within = [&](CallNumber number, const sip::Received& request) {
        called->note(number, "within " + request.message.method, &request);
        return request.message.method == "INFO" ? 405 : 200;
    };
    Partner bob(Transport::tcp, within);
    called = &bob;
    Partner alice(Transport::tcp);
    const auto number = alice.call(bob);
    ASSERT_TRUE(bob.saw("acknowledged"));
    const auto send = [&](const std::string& method, const std::string& body) {
        alice.in_loop([&] {
            alice.phone->send_within(number, method, {}, body, [&alice, method](int status) {
                alice.note(method + " " + std::to_string(status));
            });
        });
    };
    send("INVITE", kOffer);
    ASSERT_TRUE(alice.saw("INVITE 200"));
    EXPECT_EQ(bob.message("within INVITE").message.body, kOffer);
    // The 200 carries what stands, and its ACK comes.
    EXPECT_EQ(alice.in_loop([&] { return alice.phone->remote_sdp(number); }), kAnswer);
    ASSERT_TRUE(bob.saw("< ACK sip:partner@" + text_of(bob.endpoint) + ";transport=tcp", 2));
    send("INFO", "");
    ASSERT_TRUE(alice.saw("INFO 405"));
    send("OPTIONS", "");
    ASSERT_TRUE(alice.saw("OPTIONS 200"));
    EXPECT_EQ(bob.count("acknowledged"), 1U);
}

// As core/simulator/phone.hpp has it where nobody decides.
TEST(Phone, RefusesAReInviteWithoutAHook) {
    Partner bob(Transport::tcp);
    Partner alice(Transport::tcp);
    const auto number = alice.call(bob);
    ASSERT_TRUE(bob.saw("acknowledged"));
    for (const auto& [method, status] :
         std::map<std::string, int>{{"INVITE", 488}, {"UPDATE", 488}, {"INFO", 405}, {"OPTIONS", 200}}) {
        SCOPED_TRACE(method);
        const auto& name = method;
        alice.in_loop([&] {
            alice.phone->send_within(number, name, {}, {}, [&alice, name](int got) {
                alice.note(name + " " + std::to_string(got));
            });
        });
        EXPECT_TRUE(alice.saw(method + " " + std::to_string(status)));
    }
}

TEST(Phone, HangsUpOnANewConnectionWhenTheOldOneDropped) {
    Partner bob(Transport::tls);
    Partner alice(Transport::tls);
    const auto number = alice.call(bob);
    ASSERT_TRUE(bob.saw("acknowledged"));
    alice.in_loop([&] {
        alice.phone->drop_connection(number);
        alice.phone->hang_up(number);
    });
    ASSERT_TRUE(bob.saw("ended by BYE"));
    EXPECT_TRUE(alice.saw("hung up 200"));
}

TEST(Phone, IsFoundByItsContactOnANewConnection) {
    gateway::FlowInfo first;
    gateway::FlowInfo last;
    PhoneEvents traced;
    traced.on_trace = [&](const gateway::TracedMessage& message) {
        if (message.received && message.bytes.starts_with("BYE")) last = message.flow;
        if (!message.received && message.bytes.starts_with("INVITE")) first = message.flow;
    };
    Partner bob(Transport::tls);
    Partner alice(Transport::tls, traced);
    alice.call(bob);
    ASSERT_TRUE(bob.saw("acknowledged"));
    bob.in_loop([&] {
        bob.phone->forget_connection(bob.number());
        bob.phone->hang_up(bob.number());
    });
    ASSERT_TRUE(alice.saw("ended by BYE"));
    ASSERT_TRUE(bob.saw("hung up 200"));
    EXPECT_TRUE(first.outbound);
    EXPECT_FALSE(last.outbound);
}

TEST(Phone, TellsThatNobodyIsThere) {
    const gateway::DeadEnd nobody;
    Partner bob(Transport::tcp);
    Partner alice(Transport::tcp);
    alice.call(bob, [&](OutgoingCall& call) { call.destination.port = nobody.port; });
    ASSERT_TRUE(alice.saw("failed 503"));
    EXPECT_EQ(alice.calls(), 0U);
}

// Over UDP nobody refuses a datagram to a socket that nobody reads.
TEST(Phone, TellsThatNobodyAnswers) {
    const system::Descriptor silent(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(::bind(silent.number(), reinterpret_cast<const sockaddr*>(&address), size), 0);
    ASSERT_EQ(::getsockname(silent.number(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    PhoneSettings fast;
    fast.stack.timers = {5ms, 20ms, 20ms};
    Partner bob(Transport::udp);
    Partner alice(Transport::udp, {}, fast);
    alice.call(bob, [&](OutgoingCall& call) { call.destination.port = ntohs(address.sin_port); });
    ASSERT_TRUE(alice.saw("failed 408"));
}

TEST(Phone, RefusesWithoutAHookForCalls) {
    gateway::LoopThread thread;
    PhoneSettings settings;
    settings.stack.transports.listeners = {{Transport::tcp, "127.0.0.1:0"}};
    auto bob = std::make_unique<Phone>(thread.loop(), settings, PhoneEvents{});
    const auto bound = thread.in_loop([&] { return bob->listen(); });
    ASSERT_TRUE(bound.has_value());
    Partner other(Transport::tcp);
    Partner alice(Transport::tcp);
    alice.call(other, [&](OutgoingCall& call) { call.destination.port = bound->front().endpoint.port; });
    EXPECT_TRUE(alice.saw("failed 480"));
    thread.in_loop([&] { bob.reset(); });
}

// Source: RFC 3261 section 13.3.1.4.
TEST(Phone, RepeatsItsAnswerUntilTheAckAndThenEndsTheCall) {
    PhoneSettings fast;
    fast.stack.timers = {5ms, 20ms, 20ms};
    Partner bob(Transport::udp, {}, fast);
    gateway::Loop loop;
    gateway::Node deaf(loop, {}, {Transport::udp});
    const auto flow = gateway::open_flow(loop, deaf, {Transport::udp, bob.endpoint});
    ASSERT_TRUE(flow.has_value());
    auto invite = gateway::request_of("INVITE");
    invite.headers.insert(invite.headers.begin(),
                          {"Via", "SIP/2.0/UDP " + deaf.address(Transport::udp) + ";branch=z9hG4bK1"});
    for (auto& field : invite.headers)
        if (field.name == "Contact") field.value = "<sip:alice@" + deaf.address(Transport::udp) + ">";
    deaf.on_message = [&](const gateway::Arrived& arrived) {
        if (arrived.message.message.method == "BYE") gateway::answer(deaf, arrived, 200);
    };
    ASSERT_TRUE(deaf.transports->send(flow->id, *sip::write_message(invite)));
    ASSERT_TRUE(gateway::run_until(loop, [&] { return gateway::count_of(deaf, "BYE") != 0; }));
    std::size_t answers = 0;
    for (const auto& one : deaf.messages) answers += one.message.message.status == 200 ? 1 : 0;
    EXPECT_GT(answers, 3U);
    EXPECT_TRUE(bob.saw("hung up 200"));
    EXPECT_EQ(bob.calls(), 0U);
}

TEST(Phone, WaitsForTheAckBeforeItHangsUp) {
    Partner* called = nullptr;
    PhoneEvents hasty;
    hasty.on_invite = [&](CallNumber number, const sip::Received&, const FlowInfo&) {
        called->phone->answer(number, kAnswer);
        called->phone->hang_up(number);
    };
    Partner bob(Transport::tcp, hasty);
    called = &bob;
    Partner alice(Transport::tcp);
    alice.call(bob);
    ASSERT_TRUE(alice.saw("ended by BYE"));
    ASSERT_TRUE(bob.saw("hung up 200"));
    const auto seen = bob.seen();
    EXPECT_LT(std::find(seen.begin(), seen.end(), "acknowledged"),
              std::find(seen.begin(), seen.end(), "hung up 200"));
}

// Vias and Record-Routes of proxies that it plays go out as they are, and lead none of its own requests.
TEST(Phone, PlaysProxiesBeforeItself) {
    Partner bob(Transport::tcp);
    Partner alice(Transport::tcp);
    alice.call(bob, [&](OutgoingCall& call) {
        call.headers = {{"Record-Route", "<sip:" + text_of(alice.endpoint) + ";transport=tcp;lr>"},
                        {"Record-Route", "<sip:private.invalid:8191;transport=tcp;lr>"},
                        {"Via", "SIP/2.0/TCP [2001:db8::1]:5061;branch=z9hG4bKinner"}};
    });
    ASSERT_TRUE(bob.saw("acknowledged"));
    const auto invite = bob.message("invite");
    ASSERT_EQ(invite.via.size(), 2U);
    EXPECT_EQ(invite.via[1].branch(), "z9hG4bKinner");
    ASSERT_EQ(invite.record_route.size(), 2U);
    EXPECT_EQ(bob.message("acknowledged").route.size(), 0U);
    // Bob's way leads by the first of them.
    bob.in_loop([&] {
        bob.phone->forget_connection(bob.number());
        bob.phone->hang_up(bob.number());
    });
    ASSERT_TRUE(alice.saw("ended by BYE"));
    EXPECT_EQ(alice.message("ended by BYE").route.size(), 2U);
}

// Whether the answer, or its repetition over another connection, is quicker than the BYE is open.
TEST(Phone, TellsWhoeverWaitsWithinACallThatEnds) {
    Partner* called = nullptr;
    PhoneEvents leaves;
    leaves.on_request_within = [&](CallNumber number, const sip::Received&) {
        called->phone->hang_up(number);
        called->phone->drop_connection(number);
        return 200;
    };
    Partner bob(Transport::tcp, leaves);
    called = &bob;
    Partner alice(Transport::tcp);
    const auto number = alice.call(bob);
    ASSERT_TRUE(bob.saw("acknowledged"));
    alice.in_loop(
        [&] { alice.phone->send_within(number, "INFO", {}, {}, [&](int) { alice.note("INFO is over"); }); });
    EXPECT_TRUE(alice.saw("ended by BYE"));
    EXPECT_TRUE(alice.saw("INFO is over"));
    EXPECT_EQ(alice.count("INFO is over"), 1U);
}

TEST(Phone, RunsWorkLater) {
    Partner alice(Transport::tcp);
    alice.in_loop([&] { alice.phone->after(1ms, [&] { alice.note("later"); }); });
    EXPECT_TRUE(alice.saw("later"));
    EXPECT_EQ(alice.count("later"), 1U);
}

TEST(Phone, PassesOverUnknownNumbers) {
    Partner alice(Transport::tcp);
    alice.in_loop([&] {
        const CallNumber unknown{77};
        alice.phone->ring(unknown);
        alice.phone->answer(unknown, {});
        alice.phone->refuse(unknown, 486);
        alice.phone->hang_up(unknown);
        alice.phone->send_within(unknown, "OPTIONS", {}, {}, {});
        alice.phone->drop_connection(unknown);
        alice.phone->forget_connection(unknown);
        EXPECT_EQ(alice.phone->remote_sdp(unknown), "");
        EXPECT_EQ(alice.phone->call_id(unknown), "");
    });
    EXPECT_TRUE(alice.seen().empty());
}

TEST(Phone, RefusesAnInviteThatCannotBeWritten) {
    Partner alice(Transport::tcp);
    OutgoingCall call;
    call.target = *sip::parse_uri("sip:bob@127.0.0.1");
    call.from = *sip::parse_name_address("<sip:alice@example.com>");
    call.headers = {{"X-Bad", "a\r\nb"}};
    alice.in_loop([&] {
        const auto number = alice.phone->call(call);
        ASSERT_FALSE(number.has_value());
        EXPECT_EQ(number.error().code, ErrorCode::bad_input);
        EXPECT_EQ(alice.phone->calls(), 0U);
    });
}

}  // namespace
}  // namespace callchain::simulator
