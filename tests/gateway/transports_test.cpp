#include "gateway/transports.hpp"

#include "gateway/node.hpp"
#include "system/descriptor.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <gtest/gtest.h>
#include <memory>
#include <netinet/in.h>
#include <string>
#include <sys/resource.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace callchain::gateway {
namespace {

const std::vector<Transport> kAll{Transport::udp, Transport::tcp, Transport::tls};

SendTarget target_of(const Node& node, Transport transport, const std::string& identity = "sip.example.com") {
    return {transport, node.endpoint(transport), transport == Transport::tls ? identity : ""};
}

TEST(Transports, CarryMessagesBothWays) {
    Loop loop;
    Node server(loop, tls_settings(), kAll);
    Node client(loop, tls_settings(), {Transport::udp});
    server.on_message = [&](const Arrived& arrived) {
        ASSERT_TRUE(
            server.transports->send(arrived.flow.id, options_request("back-" + arrived.message.call_id)));
    };
    for (const auto transport : kAll) {
        SCOPED_TRACE(name_of(transport));
        client.messages.clear();
        const auto flow = open_flow(loop, client, target_of(server, transport));
        ASSERT_TRUE(flow.has_value()) << flow.error().message;
        EXPECT_EQ(flow->peer, server.endpoint(transport));
        ASSERT_TRUE(client.transports->send(flow->id, options_request("one", "body")));
        ASSERT_TRUE(run_until(loop, [&] { return client.messages.size() == 1; }));
        const auto& arrived = server.messages.back();
        EXPECT_EQ(arrived.message.call_id, "one");
        EXPECT_EQ(arrived.message.message.body, "body");
        EXPECT_EQ(arrived.flow.transport, transport);
        EXPECT_EQ(arrived.flow.local, server.endpoint(transport));
        EXPECT_EQ(arrived.flow.peer, flow->local);
        EXPECT_FALSE(arrived.flow.outbound && transport != Transport::udp);
        EXPECT_EQ(client.messages[0].message.call_id, "back-one");
        EXPECT_EQ(client.messages[0].flow.id, flow->id);
        EXPECT_EQ(client.bytes_sent.back(), options_request("one", "body"));
        EXPECT_EQ(server.bytes_received.back(), options_request("one", "body"));
    }
    EXPECT_EQ(server.transports->counts().messages_in, 3U);
    EXPECT_EQ(server.transports->counts().messages_out, 3U);
    EXPECT_EQ(server.transports->counts().connections, 2U);
}

TEST(Transports, ServeIPv4AndIPv6OnOneUdpSocket) {
    Loop loop;
    TransportSettings settings;
    settings.listeners = {{Transport::udp, "[::]:0"}};
    Node server(loop, settings);
    if (server.endpoint(Transport::udp).address != "::") GTEST_SKIP() << "this host has no IPv6";
    server.on_message = [&](const Arrived& arrived) {
        ASSERT_TRUE(server.transports->send(arrived.flow.id, options_request("back")));
    };
    const auto port = server.endpoint(Transport::udp).port;
    struct Peer {
        std::unique_ptr<Node> node;
        sip::FlowId seen_there;  // the flow of both, by its number on either side
        sip::FlowId seen_here;
    };
    std::vector<Peer> peers;
    for (const std::string address : {"127.0.0.1", "127.0.0.2", "::1"}) {
        SCOPED_TRACE(address);
        TransportSettings own;
        own.listeners = {{Transport::udp, address == "::1" ? "[::1]:0" : "127.0.0.1:0"}};
        auto node = std::make_unique<Node>(loop, own);
        auto& client = *node;
        const auto flow = open_flow(loop, client, {Transport::udp, {address, port}});
        ASSERT_TRUE(flow.has_value()) << flow.error().message;
        ASSERT_TRUE(client.transports->send(flow->id, options_request("one")));
        ASSERT_TRUE(run_until(loop, [&] { return client.messages.size() == 1; }));
        // The answer left from the address that was asked: it is the same flow.
        EXPECT_EQ(client.messages[0].flow.id, flow->id);
        EXPECT_EQ(server.messages.back().flow.local, (Endpoint{address, port}));
        EXPECT_EQ(server.messages.back().flow.peer, client.endpoint(Transport::udp));
        peers.push_back({std::move(node), flow->id, server.messages.back().flow.id});
    }
    // All in one call of the system, each from its own address.
    loop.post([&] {
        for (const auto& peer : peers)
            EXPECT_TRUE(server.transports->send(peer.seen_here, options_request("again")));
    });
    for (const auto& peer : peers) {
        ASSERT_TRUE(run_until(loop, [&] { return peer.node->messages.size() == 2; }));
        EXPECT_EQ(peer.node->messages[1].message.call_id, "again");
        EXPECT_EQ(peer.node->messages[1].flow.id, peer.seen_there);
    }
}

TEST(Transports, SendLargeDatagramsAsTheyAre) {
    Loop loop;
    Node server(loop, {}, {Transport::udp});
    Node client(loop, {}, {Transport::udp});
    const auto flow = open_flow(loop, client, target_of(server, Transport::udp));
    ASSERT_TRUE(flow.has_value());
    ASSERT_TRUE(client.transports->send(flow->id, options_request("large", std::string(20'000, 'x'))));
    ASSERT_TRUE(run_until(loop, [&] { return !server.messages.empty(); }));
    EXPECT_EQ(server.messages[0].message.message.body.size(), 20'000U);
    EXPECT_FALSE(client.transports->send(flow->id, std::string(70'000, 'x')));
    ASSERT_TRUE(run_until(loop, [&] { return !client.closed.empty(); }));
    EXPECT_EQ(client.closed[0].flow.id, flow->id);
    EXPECT_NE(client.closed[0].why.find("too long"), std::string::npos) << client.closed[0].why;
}

TEST(Transports, SendTheDatagramsOfATurnInOrderAndPassOverWhatCannotBeSent) {
    Loop loop;
    Node first(loop, {}, {Transport::udp});
    Node second(loop, {}, {Transport::udp});
    Node client(loop, {}, {Transport::udp});
    Endpoint gone;
    {
        Node server(loop, {}, {Transport::udp});
        gone = server.endpoint(Transport::udp);
    }
    const auto to_first = open_flow(loop, client, target_of(first, Transport::udp));
    const auto to_second = open_flow(loop, client, target_of(second, Transport::udp));
    const auto to_nobody = open_flow(loop, client, {Transport::udp, gone});
    const auto to_no_port = open_flow(loop, client, {Transport::udp, {"127.0.0.1", 0}});
    ASSERT_TRUE(to_first && to_second && to_nobody && to_no_port);
    constexpr std::size_t kEach = 40;  // more than one call of the system takes
    loop.post([&] {
        for (std::size_t i = 0; i < kEach; ++i) {
            const auto number = std::to_string(i);
            EXPECT_TRUE(client.transports->send(to_first->id, options_request("first-" + number)));
            // Its ICMP error comes while the next ones are sent, and takes the flow away in the end.
            if (i % 10 == 3) static_cast<void>(client.transports->send(to_nobody->id, "lost"));
            if (i == 21) static_cast<void>(client.transports->send(to_no_port->id, "never"));
            EXPECT_TRUE(client.transports->send(to_second->id, options_request("second-" + number)));
        }
    });
    const auto all_came = [&] { return first.messages.size() == kEach && second.messages.size() == kEach; };
    ASSERT_TRUE(run_until(loop, [&] { return all_came() && client.closed.size() == 2; }));
    for (std::size_t i = 0; i < kEach; ++i) {
        EXPECT_EQ(first.messages[i].message.call_id, "first-" + std::to_string(i));
        EXPECT_EQ(second.messages[i].message.call_id, "second-" + std::to_string(i));
    }
    EXPECT_EQ(client.closed[0].flow.id, to_nobody->id);
    EXPECT_NE(client.closed[0].why.find("port unreachable"), std::string::npos) << client.closed[0].why;
    EXPECT_EQ(client.closed[1].flow.id, to_no_port->id);
    EXPECT_NE(client.closed[1].why.find("Invalid argument"), std::string::npos) << client.closed[1].why;
}

TEST(Transports, SendWhatFollowsADatagramThatDidNotArrive) {
    Loop loop;
    Node server(loop, {}, {Transport::udp});
    Node client(loop, {}, {Transport::udp});
    Endpoint gone;
    {
        Node other(loop, {}, {Transport::udp});
        gone = other.endpoint(Transport::udp);
    }
    const auto flow = open_flow(loop, client, target_of(server, Transport::udp));
    const auto to_nobody = open_flow(loop, client, {Transport::udp, gone});
    ASSERT_TRUE(flow && to_nobody);
    loop.post([&] {
        EXPECT_TRUE(client.transports->send(to_nobody->id, "lost"));
        // Behind its own call of the system, and before the loop hears of the ICMP error: the next call does.
        loop.post([&] { EXPECT_TRUE(client.transports->send(flow->id, options_request("next"))); });
    });
    ASSERT_TRUE(run_until(loop, [&] { return server.messages.size() == 1 && client.closed.size() == 1; }));
    EXPECT_EQ(client.closed[0].flow.id, to_nobody->id);
    EXPECT_TRUE(client.transports->find(flow->id).has_value());
}

TEST(Transports, SendDatagramsBehindWhatTheLoopDoesBefore) {
    Loop loop;
    Node client(loop, {}, {Transport::udp});
    const system::Descriptor receiver(::socket(AF_INET, SOCK_DGRAM, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    ASSERT_EQ(::bind(receiver.number(), generic, size), 0);
    ASSERT_EQ(::getsockname(receiver.number(), generic, &size), 0);
    const auto flow = open_flow(loop, client, {Transport::udp, {"127.0.0.1", ntohs(address.sin_port)}});
    ASSERT_TRUE(flow.has_value());
    const auto arrived = [&receiver] {
        std::array<char, 8> bytes{};
        const auto got = ::recv(receiver.number(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        return std::string(bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    };
    std::vector<std::string> found;
    loop.post([&] {
        loop.post([&] {
            found.push_back(arrived());
            loop.post([&] { found.insert(found.end(), {arrived(), arrived(), arrived()}); });
        });
        EXPECT_TRUE(client.transports->send(flow->id, "one"));
        EXPECT_TRUE(client.transports->send(flow->id, "two"));
        found.push_back(arrived());
    });
    ASSERT_TRUE(run_until(loop, [&] { return found.size() == 5; }));
    EXPECT_EQ(found, (std::vector<std::string>{"", "", "one", "two", ""}));
}

TEST(Transports, SendWhatWaitsBeforeTheyEnd) {
    Loop loop;
    Node server(loop, {}, {Transport::udp});
    auto client = std::make_unique<Node>(loop, TransportSettings{}, std::vector{Transport::udp});
    const auto flow = open_flow(loop, *client, target_of(server, Transport::udp));
    ASSERT_TRUE(flow.has_value());
    loop.post([&] {
        EXPECT_TRUE(client->transports->send(flow->id, options_request("last")));
        client.reset();
    });
    ASSERT_TRUE(run_until(loop, [&] { return server.messages.size() == 1; }));
    EXPECT_EQ(server.messages[0].message.call_id, "last");
}

TEST(Transports, ReportAClosedUdpPort) {
    Loop loop;
    Node client(loop, {}, {Transport::udp});
    Endpoint gone;
    {
        Node server(loop, {}, {Transport::udp});
        gone = server.endpoint(Transport::udp);
    }
    const auto flow = open_flow(loop, client, {Transport::udp, gone});
    ASSERT_TRUE(flow.has_value());
    ASSERT_TRUE(client.transports->send(flow->id, options_request("one")));
    ASSERT_TRUE(run_until(loop, [&] { return !client.closed.empty(); }));
    EXPECT_EQ(client.closed[0].flow.id, flow->id);
    EXPECT_NE(client.closed[0].why.find("port unreachable"), std::string::npos) << client.closed[0].why;
    EXPECT_FALSE(client.transports->send(flow->id, options_request("two")));
    EXPECT_FALSE(client.transports->find(flow->id).has_value());
    const auto again = open_flow(loop, client, {Transport::udp, gone});
    ASSERT_TRUE(again.has_value());
    EXPECT_NE(again->id, flow->id);
}

TEST(Transports, PassOverKeepAlivesOfDatagrams) {
    Loop loop;
    Node server(loop, {}, {Transport::udp});
    const RawPeer peer(server.endpoint(Transport::udp), SOCK_DGRAM);
    peer.send("\r\n\r\n");
    peer.send(std::string_view("\0\0\0\0", 4));
    peer.send(std::string_view("\x00\x01\x00\x00\x21\x12\xA4\x42............", 20));  // STUN
    peer.send("nonsense");
    peer.send(options_request("one"));
    ASSERT_TRUE(run_until(loop, [&] { return !server.messages.empty(); }));
    EXPECT_EQ(server.unreadable.size(), 1U);
    EXPECT_EQ(server.transports->counts().messages_in, 2U);
}

TEST(Transports, FrameMessagesHoweverTheyAreCut) {
    Loop loop;
    Node server(loop, {}, {Transport::tcp});
    const RawPeer peer(server.endpoint(Transport::tcp));
    const auto bytes = options_request("one", "body") + options_request("two");
    for (const char c : bytes) {
        ASSERT_EQ(peer.send({&c, 1}), 1U);
        loop.post([&] { loop.stop(); });
        loop.run();
    }
    ASSERT_TRUE(run_until(loop, [&] { return server.messages.size() == 2; }));
    EXPECT_EQ(server.messages[0].message.message.body, "body");
    EXPECT_EQ(server.messages[1].message.call_id, "two");
}

TEST(Transports, CloseWhereTheBoundaryOfMessagesIsLost) {
    Loop loop;
    Node server(loop, {}, {Transport::tcp});
    RawPeer peer(server.endpoint(Transport::tcp));
    server.on_message = [&](const Arrived& arrived) {
        static_cast<void>(server.transports->send(arrived.flow.id, "answer"));
    };
    peer.send(options_request("one") + "OPTIONS sip:a SIP/2.0\r\nCall-ID: x\r\n\r\n");
    ASSERT_TRUE(run_until(loop, [&] { return peer.has_ended() && !server.closed.empty(); }));
    EXPECT_EQ(peer.read(), "answer");  // what was before it still left
    ASSERT_EQ(server.closed.size(), 1U);
    EXPECT_NE(server.closed[0].why.find("Content-Length"), std::string::npos) << server.closed[0].why;
}

TEST(Transports, AnswerPings) {
    Loop loop;
    Node server(loop, {}, {Transport::tcp});
    RawPeer peer(server.endpoint(Transport::tcp));
    peer.send("\r\n\r\n" + options_request("one") + "\r\n\r\n");
    ASSERT_TRUE(run_until(loop, [&] { return peer.read() == "\r\n\r\n"; }));
    EXPECT_EQ(server.messages.size(), 1U);
}

TEST(Transports, PingOutboundConnectionsAndNoticeWhenNobodyAnswersAnyMore) {
    Loop loop;
    TransportSettings settings;
    settings.limits.ping_interval = 20ms;
    settings.limits.pong_time = 40ms;
    Node client(loop, settings);
    Node server(loop, {}, {Transport::tcp});
    const auto flow = open_flow(loop, client, target_of(server, Transport::tcp));
    ASSERT_TRUE(flow.has_value());
    // Two pings of four bytes, each answered with two.
    ASSERT_TRUE(run_until(loop, [&] { return server.transports->counts().bytes_out >= 4; }));
    EXPECT_GE(server.transports->counts().bytes_in, 8U);
    EXPECT_TRUE(server.messages.empty());
    EXPECT_TRUE(client.transports->find(flow->id).has_value());
}

TEST(Transports, GiveUpAPeerThatAnsweredPingsAndStops) {
    Loop loop;
    TransportSettings settings;
    settings.limits.ping_interval = 20ms;
    settings.limits.pong_time = 40ms;
    Node client(loop, settings);
    const int listening = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(::bind(listening, reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(::listen(listening, 1), 0);
    ::getsockname(listening, reinterpret_cast<sockaddr*>(&address), &size);
    const auto flow = open_flow(loop, client, {Transport::tcp, {"127.0.0.1", ntohs(address.sin_port)}});
    ASSERT_TRUE(flow.has_value());
    const int accepted = ::accept(listening, nullptr, nullptr);
    ASSERT_TRUE(run_until(loop, [&] { return client.transports->counts().bytes_out >= 8; }));
    EXPECT_TRUE(client.closed.empty());  // who never answered is not expected to
    ASSERT_EQ(::send(accepted, "\r\n", 2, MSG_NOSIGNAL), 2);
    ASSERT_TRUE(run_until(loop, [&] { return !client.closed.empty(); }));
    EXPECT_NE(client.closed[0].why.find("ping"), std::string::npos) << client.closed[0].why;
    ::close(accepted);
    ::close(listening);
}

TEST(Transports, ReuseALiveConnectionAndNoOther) {
    Loop loop;
    Node server(loop, tls_settings(), kAll);
    Node client(loop, tls_settings());
    for (const auto transport : {Transport::tcp, Transport::tls}) {
        const auto target = target_of(server, transport);
        std::vector<FlowInfo> flows;
        for (int i = 0; i < 3; ++i)
            client.transports->open(target,
                                    [&](Result<FlowInfo> flow) { flows.push_back(*std::move(flow)); });
        ASSERT_TRUE(run_until(loop, [&] { return flows.size() == 3; }));
        EXPECT_EQ(flows[0].id, flows[1].id);
        EXPECT_EQ(flows[0].id, flows[2].id);
        EXPECT_EQ(open_flow(loop, client, target)->id, flows[0].id);
        client.transports->close(flows[0].id, "enough");
        EXPECT_FALSE(client.transports->find(flows[0].id).has_value());
        EXPECT_FALSE(client.transports->send(flows[0].id, "x"));
        EXPECT_NE(open_flow(loop, client, target)->id, flows[0].id);
    }
    ASSERT_TRUE(run_until(
        loop, [&] { return client.closed.size() == 2 && server.transports->counts().connections == 2; }));
    EXPECT_EQ(client.closed[0].why, "enough");
    // Another name is another connection, although the address is the same.
    const auto by_name = open_flow(loop, client, target_of(server, Transport::tls));
    const auto by_address = open_flow(loop, client, target_of(server, Transport::tls, "127.0.0.1"));
    ASSERT_TRUE(by_address.has_value()) << by_address.error().message;
    EXPECT_NE(by_name->id, by_address->id);
    EXPECT_EQ(by_address->identity, "127.0.0.1");
}

TEST(Transports, SayAtOnceThatNobodyListens) {
    Loop loop;
    Node client(loop, tls_settings());
    Endpoint gone;
    {
        Node server(loop, {}, {Transport::tcp});
        gone = server.endpoint(Transport::tcp);
    }
    for (const auto transport : {Transport::tcp, Transport::tls}) {
        const auto flow = open_flow(loop, client, {transport, gone, "sip.example.com"});
        ASSERT_FALSE(flow.has_value());
        EXPECT_EQ(flow.error().code, ErrorCode::io);
        EXPECT_EQ(flow.error().message, "no " + std::string(name_of(transport)) + " connection to " +
                                            text_of(gone) + ": Connection refused");
    }
    EXPECT_FALSE(open_flow(loop, client, {Transport::udp, gone}).has_value());
    EXPECT_TRUE(client.closed.empty());
}

TEST(Transports, SayWhereTheyCannotListen) {
    Loop loop;
    Node first(loop, {}, {Transport::tcp, Transport::udp});
    for (const auto transport : {Transport::tcp, Transport::udp}) {
        TransportSettings settings;
        settings.listeners = {{Transport::tcp, "127.0.0.1:0"}, {transport, first.address(transport)}};
        Transports second(loop, settings, {});
        const auto bound = second.listen();
        ASSERT_FALSE(bound.has_value());
        EXPECT_EQ(bound.error().code, ErrorCode::usage);
        EXPECT_NE(bound.error().message.find(first.address(transport)), std::string::npos);
        EXPECT_NE(bound.error().message.find("Address already in use"), std::string::npos);
        EXPECT_NE(bound.error().hint.find("another process"), std::string::npos);
    }
    TransportSettings settings;
    settings.listeners = {{Transport::tls, "127.0.0.1:0"}};
    EXPECT_FALSE(Transports(loop, settings, {}).listen().has_value());
}

// Who cannot be taken for want of a descriptor waits in the kernel's queue, and is no stranger who was
// refused.
TEST(Transports, TellThatNoDescriptorIsLeft) {
    Loop loop;
    Node server(loop, {}, {Transport::tcp});
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const int lowest_free = ::dup(STDERR_FILENO);
    ::close(lowest_free);
    RawPeer peer(server.endpoint(Transport::tcp));  // takes that number
    const rlimit none_left{static_cast<rlim_t>(lowest_free) + 1, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none_left), 0);
    const bool told = run_until(loop, [&] { return !server.pauses.empty(); });
    EXPECT_EQ(server.transports->counts().accepted, 0U);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    ASSERT_TRUE(told);
    EXPECT_EQ(server.pauses[0], std::generic_category().message(EMFILE));
    EXPECT_TRUE(run_until(loop, [&] { return server.transports->counts().accepted == 1; }));
    EXPECT_GE(server.transports->counts().accept_pauses, 1U);
    EXPECT_TRUE(server.refused.empty());
}

TEST(Transports, MayBeClosedAndStoppedFromTheirOwnEvents) {
    Loop loop;
    Node server(loop, {}, {Transport::tcp});
    server.on_message = [&](const Arrived& arrived) {
        server.transports->close(arrived.flow.id, "not wanted");
        server.transports->close(arrived.flow.id, "not wanted");
        server.transports->stop_accepting();
    };
    RawPeer peer(server.endpoint(Transport::tcp));
    peer.send(options_request("one") + options_request("two"));
    ASSERT_TRUE(run_until(loop, [&] { return peer.has_ended() && !server.closed.empty(); }));
    EXPECT_EQ(server.messages.size(), 1U);
    EXPECT_EQ(server.closed.size(), 1U);
    Node client(loop);
    EXPECT_FALSE(open_flow(loop, client, target_of(server, Transport::tcp)).has_value());
}

}  // namespace
}  // namespace callchain::gateway
