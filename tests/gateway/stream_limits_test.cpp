#include "gateway/node.hpp"
#include "gateway/process.hpp"

#include <cstdio>
#include <fstream>
#include <gtest/gtest.h>
#include <memory>

namespace callchain::gateway {
namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// The most memory that this process has had, and from now on has; 0: the kernel does not say.
std::size_t peak_bytes() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmHWM:")) return std::stoul(line.substr(6)) * 1'024;
    }
    return 0;
}
void forget_peak() { std::ofstream("/proc/self/clear_refs") << "5"; }

constexpr bool is_sanitized() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true;
#else
    return false;
#endif
}

std::size_t resident_bytes() {
    std::ifstream status("/proc/self/statm");
    std::size_t pages = 0;
    status >> pages >> pages;
    return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::string invite(int number) {
    const auto id = "call-" + std::to_string(number);
    const std::string body(600, 'x');
    return "INVITE sip:15551234567@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1;branch=z9hG4bK-" + id +
           "\r\nMax-Forwards: 70\r\nFrom: <sip:15557654321@127.0.0.1>;tag=" + id +
           "\r\nTo: <sip:15551234567@127.0.0.1>\r\nCall-ID: " + id + "\r\nCSeq: 1 INVITE\r\n" +
           "Contact: <sip:127.0.0.1>\r\nContent-Type: text/plain\r\nX-Filler: " + std::string(240, 'y') +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// The reader of another stack took 1.1 GB for this, or dropped the connection.
TEST(Streams, TakeTwoMegabytesOfPipelinedInvites) {
    constexpr int kInvites = 2'000;
    for (const auto transport : {Transport::tcp, Transport::tls}) {
        SCOPED_TRACE(name_of(transport));
        Loop loop;
        Node server(loop, tls_settings(), {transport});
        auto settings = tls_settings();
        settings.limits.backlog_bytes = std::size_t{4} << 20U;
        std::size_t answers = 0;
        TransportEvents events;
        events.on_message = [&](const FlowInfo&, const sip::Received&) { ++answers; };
        Transports client(loop, settings, std::move(events));
        std::optional<FlowInfo> flow;
        client.open({transport, server.endpoint(transport), "sip.example.com"},
                    [&](Result<FlowInfo> opened) { flow = *std::move(opened); });
        ASSERT_TRUE(run_until(loop, [&] { return flow.has_value(); }));
        std::size_t framed = 0;
        server.on_message = [&](const Arrived& arrived) {
            ++framed;
            static_cast<void>(
                server.transports->send(arrived.flow.id, options_request(arrived.message.call_id)));
            server.messages.clear();
            server.bytes_received.clear();
            server.bytes_sent.clear();
        };
        std::size_t bytes = 0;
        forget_peak();
        const auto before = peak_bytes();
        for (int i = 0; i < kInvites; ++i) {
            auto one = invite(i);
            bytes += one.size();
            ASSERT_TRUE(client.send(flow->id, std::move(one)));
        }
        ASSERT_GT(bytes, 2'200'000U);
        ASSERT_TRUE(run_until(loop, [&] { return answers == kInvites; }))
            << framed << " framed, " << answers << " answered; "
            << (server.closed.empty() ? "" : server.closed[0].why);
        EXPECT_EQ(framed, static_cast<std::size_t>(kInvites));
        EXPECT_TRUE(server.closed.empty());
        const auto growth = peak_bytes() - before;
        RecordProperty("peak_growth_bytes_" + std::string(name_of(transport)), std::to_string(growth));
        if (!is_sanitized()) {
            EXPECT_LT(growth, std::size_t{40} << 20U);
        }
    }
}

TEST(Soak, TenThousandTlsConnectionsLeaveNothingBehind) {
    // A sanitizer keeps what was freed, so there only that all of them work is worth its time.
    const int connections = is_sanitized() ? 500 : 10'000;
    Loop loop;
    Node server(loop, tls_settings(), {Transport::tls});
    Node client(loop, tls_settings());
    const SendTarget target{Transport::tls, server.endpoint(Transport::tls), "sip.example.com"};
    const auto connect = [&](int times) {
        for (int i = 0; i < times; ++i) {
            const auto flow = open_flow(loop, client, target);
            ASSERT_TRUE(flow.has_value()) << flow.error().message;
            ASSERT_TRUE(client.transports->send(flow->id, options_request("one")));
            ASSERT_TRUE(run_until(loop, [&] { return !server.messages.empty(); }));
            client.transports->close(flow->id, "next");
            ASSERT_TRUE(run_until(loop, [&] { return server.transports->counts().connections == 0; }));
            for (auto* node : {&server, &client}) {
                node->messages.clear();
                node->closed.clear();
                node->bytes_received.clear();
                node->bytes_sent.clear();
            }
        }
    };
    connect(connections / 10);
    const auto before = resident_bytes();
    connect(connections);
    const auto after = resident_bytes();
    std::printf("resident: %zu bytes, and %zu after %d more connections\n", before, after, connections);
    if (!is_sanitized()) {
        EXPECT_LT(after, before + (std::size_t{1} << 20U));
    }
}

TEST(Soak, IdleTlsConnectionsAreSmall) {
    constexpr int kConnections = 1'000;
    Loop loop;
    auto settings = tls_settings();
    settings.limits.connections_per_address = 0;
    Node server(loop, settings, {Transport::tls});
    const auto before = resident_bytes();
    // openssl's own clients, so that only the server's side is measured here.
    std::vector<std::unique_ptr<Process>> clients;
    for (int i = 0; i < kConnections / 100; ++i) {
        clients.push_back(std::make_unique<Process>(
            "python3 -c \"import socket,ssl,sys\nc=ssl.create_default_context(cafile='" +
            Certificates::shared().root() + "')\nl=[c.wrap_socket(socket.create_connection(('127.0.0.1'," +
            std::to_string(server.endpoint(Transport::tls).port) +
            ")),server_hostname='sip.example.com') for _ in range(100)]\n[s.send(b'\\r\\n\\r\\n') for s in "
            "l]\nsys.stdin.read()\""));
    }
    ASSERT_TRUE(run_until(loop, [&] {
        return server.transports->counts().connections == kConnections &&
               server.transports->counts().bytes_out == 2 * kConnections;
    }));
    const auto each = (resident_bytes() - before) / kConnections;
    std::printf("%zu bytes for each idle connection\n", each);
    if (!is_sanitized()) {
        EXPECT_LT(each, std::size_t{32} << 10U);
    }
}

TEST(Streams, DoNotReadFromAPeerThatTakesNoAnswers) {
    Loop loop;
    TransportSettings settings;
    settings.limits.backlog_bytes = 256 << 10U;
    Node server(loop, settings, {Transport::tcp});
    const std::string answer = options_request("answer", std::string(30'000, 'a'));
    std::size_t answered = 0;
    server.on_message = [&](const Arrived& arrived) {
        answered += server.transports->send(arrived.flow.id, answer) ? 1U : 0U;
    };
    RawPeer peer(server.endpoint(Transport::tcp));
    std::string requests;
    constexpr std::size_t kRequests = 1'000;
    for (std::size_t i = 0; i < kRequests; ++i) requests += options_request(std::to_string(i));
    std::string_view rest = requests;
    // All is written before the first answer is read: 30 MB of answers wait for a while, none is lost.
    ASSERT_TRUE(run_until(loop, [&] {
        rest.remove_prefix(peer.send(rest));
        return rest.empty();
    }));
    ASSERT_TRUE(run_until(loop, [&] { return peer.read().size() == kRequests * answer.size(); }));
    EXPECT_EQ(answered, kRequests);
    EXPECT_TRUE(server.closed.empty());
}

TEST(Streams, CloseWhereTheBacklogIsFull) {
    Loop loop;
    TransportSettings settings;
    settings.limits.backlog_bytes = 100'000;
    Node server(loop, settings, {Transport::tcp});
    RawPeer peer(server.endpoint(Transport::tcp));
    peer.send(options_request("one"));
    ASSERT_TRUE(run_until(loop, [&] { return server.messages.size() == 1; }));
    const auto flow = server.messages[0].flow.id;
    const std::string bytes(10'000, 'x');
    std::size_t sent = 0;
    // The system takes some megabytes before it takes no more.
    while (sent < 10'000 && server.transports->send(flow, bytes)) ++sent;
    ASSERT_LT(sent, 10'000U);
    EXPECT_TRUE(server.closed.empty()) << "called from within send()";
    EXPECT_FALSE(server.transports->find(flow).has_value());
    ASSERT_TRUE(run_until(loop, [&] { return server.closed.size() == 1; }));
    EXPECT_TRUE(has(server.closed[0].why, "does not take")) << server.closed[0].why;
    EXPECT_TRUE(run_until(loop, [&] { return peer.has_ended(); }));
}

TEST(Streams, CloseWhereThePeerTakesNothingForLong) {
    Loop loop;
    TransportSettings settings;
    settings.limits.backlog_bytes = 64 << 20U;
    settings.limits.send_time = 50ms;
    Node server(loop, settings, {Transport::tcp});
    RawPeer peer(server.endpoint(Transport::tcp));
    peer.send(options_request("one"));
    ASSERT_TRUE(run_until(loop, [&] { return server.messages.size() == 1; }));
    ASSERT_TRUE(server.transports->send(server.messages[0].flow.id, std::string(32 << 20U, 'x')));
    ASSERT_TRUE(run_until(loop, [&] { return server.closed.size() == 1; }));
    EXPECT_TRUE(has(server.closed[0].why, "does not take")) << server.closed[0].why;
}

TEST(Streams, EndHandshakesThatTakeTooLong) {
    Loop loop;
    auto settings = tls_settings();
    settings.limits.handshake_time = 50ms;
    Node server(loop, settings, {Transport::tls});
    RawPeer silent(server.endpoint(Transport::tls));
    RawPeer half(server.endpoint(Transport::tls));
    half.send(std::string_view("\x16\x03\x01\x02\x00\x01", 6));
    ASSERT_TRUE(run_until(loop, [&] { return silent.has_ended() && half.has_ended(); }));
    ASSERT_EQ(server.refused.size(), 2U);
    EXPECT_TRUE(has(server.refused[0], "handshake")) << server.refused[0];
    EXPECT_EQ(server.transports->counts().handshakes, 0U);
    EXPECT_EQ(server.transports->counts().handshake_failures, 2U);
    EXPECT_TRUE(server.closed.empty());
}

TEST(Streams, EndOutboundHandshakesThatTakeTooLong) {
    Loop loop;
    auto settings = tls_settings();
    settings.limits.handshake_time = 50ms;
    // The system accepts for a socket that nobody reads from.
    const int listening = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(::bind(listening, reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(::listen(listening, 1), 0);
    ::getsockname(listening, reinterpret_cast<sockaddr*>(&address), &size);
    Node client(loop, settings);
    const auto flow =
        open_flow(loop, client, {Transport::tls, {"127.0.0.1", ntohs(address.sin_port)}, "sip.example.com"});
    ASSERT_FALSE(flow.has_value());
    EXPECT_TRUE(has(flow.error().message, "handshake was not over within 50 ms")) << flow.error().message;
    ::close(listening);
}

TEST(Streams, AreLimitedInNumber) {
    struct Row {
        const char* name;
        Transport transport;
        TransportLimits limits;
        const char* words;
    };
    for (const auto& row : {
             Row{"all",
                 Transport::tcp,
                 {.connections = 3, .connections_per_address = 0},
                 "limit of 3 connections is"},
             Row{"of one address",
                 Transport::tcp,
                 {.connections_per_address = 3},
                 "limit of 3 connections of one"},
             Row{"half-open", Transport::tls, {.handshakes = 3}, "limit of 3 handshakes"},
         }) {
        SCOPED_TRACE(row.name);
        Loop loop;
        auto settings = tls_settings();
        settings.limits = row.limits;
        Node server(loop, settings, {row.transport});
        std::vector<std::unique_ptr<RawPeer>> peers;
        const auto connect = [&] {
            peers.push_back(std::make_unique<RawPeer>(server.endpoint(row.transport)));
            const auto seen = server.transports->counts().accepted + server.transports->counts().refused;
            return run_until(loop, [&] {
                return server.transports->counts().accepted + server.transports->counts().refused == seen + 1;
            });
        };
        for (int i = 0; i < 5; ++i) ASSERT_TRUE(connect());
        EXPECT_EQ(server.transports->counts().accepted, 3U);
        ASSERT_EQ(server.refused.size(), 2U);
        EXPECT_TRUE(has(server.refused[0], row.words)) << server.refused[0];
        EXPECT_TRUE(peers[4]->has_ended());
        EXPECT_FALSE(peers[0]->has_ended());
        // One that ends makes room.
        const auto refused = server.refused.size() + (row.transport == Transport::tls ? 1 : 0);
        peers.erase(peers.begin());
        ASSERT_TRUE(run_until(loop, [&] {
            return server.closed.size() + server.refused.size() ==
                   (row.transport == Transport::tls ? refused : 3U);
        }));
        ASSERT_TRUE(connect());
        EXPECT_EQ(server.transports->counts().accepted, 4U);
    }
}

TEST(Streams, EndWhenTheyAreIdleAndNotBefore) {
    Loop loop;
    TransportSettings settings;
    settings.limits.idle_time = 100ms;
    Node server(loop, settings, {Transport::tcp});
    RawPeer idle(server.endpoint(Transport::tcp));
    RawPeer busy(server.endpoint(Transport::tcp));
    const auto start = Loop::now();
    auto next = start;
    ASSERT_TRUE(run_until(loop, [&] {
        if (Loop::now() >= next) {
            busy.send("\r\n\r\n");
            next = Loop::now() + 10ms;
        }
        return idle.has_ended();
    }));
    EXPECT_GE(Loop::now() - start, 90ms);
    EXPECT_FALSE(busy.has_ended());
    // The peer can see its end before the owner is told, which is by a turn of the loop of its own.
    ASSERT_TRUE(run_until(loop, [&] { return busy.has_ended() && server.closed.size() == 2; }));
    EXPECT_TRUE(has(server.closed[0].why, "nothing was heard")) << server.closed[0].why;
}

TEST(Streams, EndWhereAMessageComesTooSlowly) {
    Loop loop;
    TransportSettings settings;
    settings.limits.message_time = 100ms;
    Node server(loop, settings, {Transport::tcp});
    RawPeer slow(server.endpoint(Transport::tcp));
    RawPeer quiet(
        server.endpoint(Transport::tcp));  // between two messages, which may take as long as it likes
    quiet.send(options_request("whole"));
    const auto request = options_request("slow", std::string(100'000, 'x'));
    std::size_t at = 0;
    // Each byte comes in time, the message does not.
    ASSERT_TRUE(run_until(loop, [&] {
        at += slow.send(std::string_view(request).substr(at, 1));
        return slow.has_ended() && !server.closed.empty();
    }));
    ASSERT_EQ(server.closed.size(), 1U);
    EXPECT_TRUE(has(server.closed[0].why, "not complete in time")) << server.closed[0].why;
    EXPECT_EQ(server.messages.size(), 1U);
    EXPECT_FALSE(quiet.has_ended());
}

TEST(Streams, TellWhoseConnectionAProxyPassesOn) {
    const std::string v2(
        "\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0C\xC0\x00\x02\x01\xC0\x00\x02\x02\xDC\x04\x13\xC5", 28);
    struct Row {
        const char* name;
        std::string header;
        std::string peer;
    };
    for (const auto& row : {
             Row{"v1", "PROXY TCP4 192.0.2.1 192.0.2.2 56324 5061\r\n", "192.0.2.1"},
             Row{"v2", v2, "192.0.2.1"},
             Row{"unknown", "PROXY UNKNOWN\r\n", "127.0.0.1"},
         }) {
        for (const bool whole : {true, false}) {
            SCOPED_TRACE(row.name);
            Loop loop;
            TransportSettings settings;
            settings.proxy_protocol_from = *config::parse_networks("127.0.0.0/8");
            Node server(loop, settings, {Transport::tcp});
            const RawPeer peer(server.endpoint(Transport::tcp));
            const auto bytes = row.header + options_request("one");
            for (std::size_t at = 0; at < bytes.size(); at += whole ? bytes.size() : 1) {
                peer.send(std::string_view(bytes).substr(at, whole ? bytes.size() : 1));
                const auto moment = Loop::now() + 1ms;
                if (!whole) run_until(loop, [&] { return Loop::now() >= moment; });
            }
            ASSERT_TRUE(run_until(loop, [&] { return server.messages.size() == 1; }));
            EXPECT_EQ(server.messages[0].flow.peer.address, row.peer);
            EXPECT_EQ(server.messages[0].flow.local, server.endpoint(Transport::tcp));
        }
    }
}

TEST(Streams, RefuseWhatIsNotTheProxyAndWhatHasNoHeader) {
    Loop loop;
    TransportSettings settings;
    settings.proxy_protocol_from = *config::parse_networks("192.0.2.0/24");
    Node elsewhere(loop, settings, {Transport::tcp});
    RawPeer stranger(elsewhere.endpoint(Transport::tcp));
    ASSERT_TRUE(run_until(loop, [&] { return stranger.has_ended(); }));
    EXPECT_EQ(elsewhere.refused, std::vector<std::string>{"it is none of the proxies that may connect here"});

    settings.proxy_protocol_from = *config::parse_networks("127.0.0.1");
    settings.limits.handshake_time = 50ms;
    settings.limits.connections_per_address = 1;
    Node server(loop, settings, {Transport::tcp});
    RawPeer plain(server.endpoint(Transport::tcp));
    plain.send(options_request("one"));
    RawPeer silent(server.endpoint(Transport::tcp));
    silent.send("PROXY TCP4 ");
    ASSERT_TRUE(run_until(loop, [&] { return plain.has_ended() && silent.has_ended(); }));
    ASSERT_EQ(server.refused.size(), 2U);
    EXPECT_TRUE(has(server.refused[0], "does not begin with a PROXY header")) << server.refused[0];
    EXPECT_TRUE(has(server.refused[1], "did not come in time")) << server.refused[1];
    EXPECT_TRUE(server.messages.empty());
    // The limit counts the callers, not the proxy.
    const std::string header = "PROXY TCP4 192.0.2.1 192.0.2.2 56324 5061\r\n";
    RawPeer first(server.endpoint(Transport::tcp));
    RawPeer second(server.endpoint(Transport::tcp));
    RawPeer other(server.endpoint(Transport::tcp));
    first.send(header + options_request("first"));
    ASSERT_TRUE(run_until(loop, [&] { return server.messages.size() == 1; }));
    second.send(header);
    other.send("PROXY TCP4 192.0.2.9 192.0.2.2 56324 5061\r\n" + options_request("other"));
    ASSERT_TRUE(run_until(loop, [&] { return server.messages.size() == 2 && second.has_ended(); }));
    EXPECT_FALSE(first.has_ended());
}

TEST(Streams, ReadTlsBehindAProxyHeader) {
    Loop loop;
    auto settings = tls_settings();
    settings.proxy_protocol_from = *config::parse_networks("127.0.0.1");
    Node server(loop, settings, {Transport::tls});
    // A proxy of one connection: it puts the header in front and passes all bytes on.
    Node client(loop, tls_settings());
    const int listening = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(::bind(listening, reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(::listen(listening, 1), 0);
    ::getsockname(listening, reinterpret_cast<sockaddr*>(&address), &size);
    RawPeer backend(server.endpoint(Transport::tls));
    int front = -1;
    std::string upward = "PROXY TCP4 192.0.2.1 192.0.2.2 56324 5061\r\n";
    std::size_t passed_down = 0;
    bool sent = false;
    client.transports->open({Transport::tls, {"127.0.0.1", ntohs(address.sin_port)}, "sip.example.com"},
                            [&](const Result<FlowInfo>& flow) {
                                ASSERT_TRUE(flow.has_value()) << flow.error().message;
                                sent = client.transports->send(flow->id, options_request("one"));
                            });
    ASSERT_TRUE(run_until(loop, [&] {
        if (front < 0) front = ::accept4(listening, nullptr, nullptr, SOCK_NONBLOCK);
        if (front < 0) return false;
        char buffer[4096];
        if (const auto more = ::recv(front, buffer, sizeof buffer, 0); more > 0)
            upward.append(buffer, static_cast<std::size_t>(more));
        // Nothing is sent on before the beginning of TLS is there: both come in one piece.
        if (upward.size() > 100 || passed_down > 0) upward.erase(0, backend.send(upward));
        const auto& down = backend.read();
        ::send(front, down.data() + passed_down, down.size() - passed_down, MSG_NOSIGNAL);
        passed_down = down.size();
        return server.messages.size() == 1;
    }));
    EXPECT_TRUE(sent);
    EXPECT_EQ(server.messages[0].flow.peer, (Endpoint{"192.0.2.1", 56324}));
    ::close(front);
    ::close(listening);
}

}  // namespace
}  // namespace callchain::gateway
