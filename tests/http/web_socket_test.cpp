#include "http/web_socket.hpp"

#include "http/resolve.hpp"
#include "http/upgrading_server.hpp"
#include "peer.hpp"
#include "raw_client.hpp"

#include <array>
#include <gtest/gtest.h>
#include <optional>
#include <unistd.h>

namespace callchain::http {
namespace {

using namespace std::chrono_literals;
using Kind = WebSocketEnd::Kind;

// Only of a test that has failed already is this ever waited for.
constexpr auto kLong = 60s;

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

// A loop with one connection, and what it told.
struct Session {
    Loop loop;
    std::vector<std::string> texts;
    int opened = 0;
    std::vector<WebSocketEnd> ends;
    bool stop_at_end = true;
    std::function<void()> on_open;  // for one test each
    std::function<void(const std::string&)> on_text;
    std::unique_ptr<WebSocket> socket;

    WebSocketEvents events() {
        return {[this] {
                    ++opened;
                    if (on_open) on_open();
                },
                [this](const std::string& text) {
                    texts.push_back(text);
                    if (on_text) on_text(text);
                },
                [this](WebSocketEnd end) {
                    ends.push_back(std::move(end));
                    if (stop_at_end) loop.stop();
                }};
    }
    void connect(WebSocketOptions options) {
        socket = WebSocket::connect(loop, std::move(options), events());
        EXPECT_TRUE(ends.empty()) << "no event from within connect()";
    }
    // Until on_end, or until somebody stops the loop.
    void run() {
        const auto limit = loop.after(kLong, [this] {
            ADD_FAILURE() << "nothing ended in time";
            loop.stop();
        });
        loop.run();
    }
    WebSocketEnd end_of(WebSocketOptions options) {
        connect(std::move(options));
        run();
        EXPECT_EQ(ends.size(), 1U);
        return ends.empty() ? WebSocketEnd{} : ends.back();
    }
};

// A server that opens every socket; null where it cannot listen there.
std::unique_ptr<UpgradingServer> start_upgrading(const std::string& listen) {
    auto server =
        UpgradingServer::start(listen, {.on_request = {},
                                        .on_upgrade = [](const Request&, std::optional<SocketEvents>& events,
                                                         std::optional<Response>&) { events.emplace(); }});
    return server ? *std::move(server) : nullptr;
}

class WebSocketTest : public WithPeer {
  protected:
    static WebSocketOptions to(const std::string& path, const std::string& server = "http",
                               const std::string& scheme = "ws", const std::string& host = "127.0.0.1") {
        return {.url = peer().url(server, path, scheme, host), .connect_time = kLong, .ping_time = kLong};
    }
};

TEST_F(WebSocketTest, EchoesInOrderAndCloses) {
    Session session;
    const std::vector<std::string> sent{"before open", "", "gr\xc3\xbc\xc3\x9f", std::string(1'000'000, 'z'),
                                        "last"};
    session.on_text = [&](const std::string&) {
        if (session.texts.size() == sent.size()) session.socket->close();
    };
    session.connect(to("/ws/echo"));
    for (const auto& text : sent) session.socket->send(text);
    session.run();
    EXPECT_EQ(session.opened, 1);
    EXPECT_EQ(session.texts, sent);
    ASSERT_EQ(session.ends.size(), 1U);
    EXPECT_EQ(session.ends[0].kind, Kind::closed) << session.ends[0].message;
    EXPECT_EQ(session.ends[0].close_code, 1000);
}

TEST_F(WebSocketTest, ClosesBehindWhatIsQueued) {
    Session session;
    session.on_open = [&] {
        for (int i = 0; i < 100; ++i) session.socket->send(std::string(10'000, 'q'));
        session.socket->close(4000);
        session.socket->send("too late");
    };
    const auto end = session.end_of(to("/ws/count"));
    EXPECT_EQ(end.kind, Kind::closed) << end.message;
    EXPECT_EQ(end.close_code, 4001);
    EXPECT_EQ(end.close_reason, "100 messages, then 4000");
}

TEST_F(WebSocketTest, SendsHeadersQueryAndUserAgent) {
    Session session;
    session.on_text = [&](const std::string&) { session.socket->close(); };
    auto options = to("/ws/request?call_id=rtc_1&x=%2F");
    options.headers = {{"Authorization", "Bearer sk-x"}, {"X-A", "1"}, {"X-A", "2"}};
    options.user_agent = "callchain/test";
    EXPECT_EQ(session.end_of(options).kind, Kind::closed);
    ASSERT_EQ(session.texts.size(), 1U);
    const auto& request = session.texts[0];
    EXPECT_TRUE(request.starts_with("/ws/request?call_id=rtc_1&x=%2F\n")) << request;
    for (const auto* line :
         {"\nAuthorization: Bearer sk-x", "\nX-A: 1\nX-A: 2", "\nUser-Agent: callchain/test"})
        EXPECT_TRUE(contains(request, line)) << request;
    EXPECT_TRUE(contains(request, "\nHost: 127.0.0.1:" + peer().value("http"))) << request;
    EXPECT_FALSE(contains(request, "permessage-deflate")) << request;
}

TEST_F(WebSocketTest, ReachesLocalhostByName) {
    Session session;
    session.on_open = [&] { session.socket->close(); };
    EXPECT_EQ(session.end_of(to("/ws/echo", "http", "ws", "LOCALHOST")).kind, Kind::closed);
}

// A name of this host that stands for it, in /etc/hosts mostly; empty: there is none.
std::string name_of_loopback() {
    std::array<char, 256> own{};
    ::gethostname(own.data(), own.size() - 1);
    for (const auto& name :
         {std::string("ip6-localhost"), std::string("ip6-loopback"), std::string(own.data())}) {
        const auto addresses = resolve_host(name);
        if (addresses && (addresses->front() == "::1" || addresses->front().starts_with("127."))) return name;
    }
    return {};
}

TEST(WebSocketAddresses, AreLookedUpForAName) {
    const auto name = name_of_loopback();
    if (name.empty()) GTEST_SKIP() << "no name but localhost stands for loopback here";
    const auto server = start_upgrading("[::]:0");
    if (!server) GTEST_SKIP() << "this host has no IPv6";
    Session session;
    session.on_open = [&] { session.socket->close(); };
    const auto port = server->address().substr(server->address().rfind(':'));
    const auto end = session.end_of({.url = "ws://" + name + port + "/", .connect_time = kLong});
    EXPECT_EQ(end.kind, Kind::closed) << end.message;
}

// A label of 64 characters is in no DNS (RFC 1035 section 2.3.4), so that nobody is asked for it.
TEST(WebSocketAddresses, AreMissedForANameWithoutOne) {
    Session session;
    const auto host = std::string(64, 'a') + ".invalid";
    const auto end = session.end_of({.url = "ws://" + host + "/x?key=sk-secret", .connect_time = kLong});
    EXPECT_EQ(end.kind, Kind::failed);
    EXPECT_TRUE(contains(end.message, "no address for " + host)) << end.message;
    EXPECT_FALSE(contains(end.message, "secret")) << end.message;
}

// Both addresses of localhost, the first of them silent: its queue is full, and the kernel drops what comes.
TEST(WebSocketAddresses, HaveEachTheirShareOfTheTime) {
    const system::Descriptor silent(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    ASSERT_EQ(::bind(silent.number(), generic, size), 0);
    ASSERT_EQ(::listen(silent.number(), 0), 0);
    ASSERT_EQ(::getsockname(silent.number(), generic, &size), 0);
    const auto port = ':' + std::to_string(ntohs(address.sin_port));
    const RawClient in_the_queue("127.0.0.1" + port);
    const auto server = start_upgrading("[::1]" + port);
    if (!server) GTEST_SKIP() << "this host has no IPv6, or the port is another's there";
    Session session;
    session.on_open = [&] { session.socket->close(); };
    const auto end = session.end_of({.url = "ws://localhost" + port + "/", .connect_time = 3s});
    EXPECT_EQ(end.kind, Kind::closed) << end.message;
    EXPECT_EQ(session.opened, 1);
}

TEST_F(WebSocketTest, TellsHowTheUpgradeWasRefused) {
    Session session;
    const auto end = session.end_of(to("/ws/refuse?key=sk-secret"));
    EXPECT_EQ(end.kind, Kind::refused);
    EXPECT_EQ(end.http_status, 404);
    EXPECT_EQ(end.http_body, R"({"error": {"message": "no such call"}})");
    EXPECT_EQ(end.message,
              peer().url("http", "/ws/refuse", "ws") + ": the upgrade was answered with 404 Not Found");
    EXPECT_EQ(session.opened, 0);
    Session other;
    const auto long_one = other.end_of(to("/ws/refuse-at-length"));
    EXPECT_EQ(long_one.http_status, 503);
    EXPECT_EQ(long_one.http_body, std::string(4'096, 'x'));
}

TEST_F(WebSocketTest, TellsHowAnOpenConnectionEnded) {
    Session closing;
    const auto closed = closing.end_of(to("/ws/close/4001"));
    EXPECT_EQ(closed.kind, Kind::closed_by_peer) << closed.message;
    EXPECT_EQ(closed.close_code, 4001);
    EXPECT_EQ(closed.close_reason, "session expired");
    Session dropping;
    const auto lost = dropping.end_of(to("/ws/drop"));
    EXPECT_EQ(lost.kind, Kind::lost) << lost.message;
    EXPECT_EQ(lost.close_code, 0);
    EXPECT_EQ(dropping.opened, 1);
}

TEST_F(WebSocketTest, FailsWithoutAConnection) {
    struct Row {
        WebSocketOptions options;
        std::string words;
    };
    auto bad_header = to("/ws/echo");
    bad_header.headers = {{"X", "a\r\nY: b"}};
    for (const auto& row :
         {Row{{.url = "ws://127.0.0.1:1/"}, "refused"}, Row{{.url = "http://127.0.0.1/"}, "no ws or wss URL"},
          Row{{.url = "ws://user:pw@127.0.0.1/"}, "no ws or wss URL"}, Row{{.url = ""}, "no ws or wss URL"},
          Row{bad_header, "header"}, Row{to("/ws-wrong-key", "raw"), "upgrade"},
          Row{to("/garbage", "raw"), "upgrade"}, Row{to("/nothing", "raw"), "upgrade"}}) {
        SCOPED_TRACE(row.options.url);
        Session session;
        const auto end = session.end_of(row.options);
        EXPECT_EQ(end.kind, Kind::failed);
        EXPECT_TRUE(contains(end.message, row.words)) << end.message;
        EXPECT_EQ(session.opened, 0);
    }
}

TEST_F(WebSocketTest, GivesUpWhatDoesNotOpenInTime) {
    for (auto options : {to("/ws/hang"), to("/", "mute"), to("/", "mute", "wss")}) {
        SCOPED_TRACE(options.url);
        Session session;
        options.connect_time = 100ms;
        const auto end = session.end_of(options);
        EXPECT_EQ(end.kind, Kind::timeout) << end.message;
        EXPECT_TRUE(contains(end.message, "100 ms")) << end.message;
        EXPECT_EQ(session.opened, 0);
    }
}

TEST_F(WebSocketTest, PingsAQuietPeer) {
    Session session;
    session.on_text = [&](const std::string&) {
        if (session.texts.size() == 3) session.socket->close();
    };
    auto options = to("/ws/pings");
    options.ping_time = 50ms;
    // On a busy machine an answer may be late for real, which ends the connection as it should.
    const auto end = session.end_of(options);
    EXPECT_TRUE(end.kind == Kind::closed || end.kind == Kind::timeout) << end.message;
    ASSERT_FALSE(session.texts.empty());
    EXPECT_EQ(session.texts[0], "pinged");
}

TEST_F(WebSocketTest, GivesUpASilentPeer) {
    Session session;
    auto options = to("/ws/silent");
    options.ping_time = 50ms;
    const auto end = session.end_of(options);
    EXPECT_EQ(end.kind, Kind::timeout) << end.message;
    EXPECT_EQ(session.opened, 1);
}

TEST_F(WebSocketTest, WaitsForTheAnswerToACloseFrameNotForever) {
    Session session;
    session.on_open = [&] { session.socket->close(); };
    const auto end = session.end_of(to("/ws/silent"));
    EXPECT_EQ(end.kind, Kind::closed) << end.message;
    EXPECT_EQ(end.close_code, 0);
    EXPECT_TRUE(contains(end.message, "did not answer")) << end.message;
}

// However silent the peer is: once close() was called, its own time counts alone.
TEST_F(WebSocketTest, IsClosedAndNotSilentOnceItWasToClose) {
    Session session;
    std::optional<Timer> quiet;
    auto options = to("/ws/silent");
    options.ping_time = 400ms;
    session.on_open = [&] { quiet = session.loop.after(100ms, [&] { session.socket->close(); }); };
    const auto end = session.end_of(options);
    EXPECT_EQ(end.kind, Kind::closed) << end.message;
}

TEST_F(WebSocketTest, IsClosedByItselfWhereThePeerDropsItThen) {
    Session session;
    session.on_open = [&] { session.socket->close(); };
    const auto end = session.end_of(to("/ws-drop", "raw"));
    EXPECT_EQ(end.kind, Kind::closed) << end.message;
    EXPECT_EQ(end.close_code, 0);
}

TEST_F(WebSocketTest, IsLostWhereThePeerDropsItInTheMidstOfAMessage) {
    Session session;
    session.on_open = [&] { session.socket->send(std::string(std::size_t{64} << 20U, 's')); };
    auto options = to("/ws-drop", "raw");
    options.most_queued_bytes = std::size_t{64} << 20U;
    const auto end = session.end_of(options);
    EXPECT_EQ(end.kind, Kind::lost) << end.message;
    EXPECT_EQ(end.close_code, 0);
}

// A ping waits behind the message that the peer does not read, and there is never more than one.
TEST_F(WebSocketTest, HearsAPeerThatTalksAndDoesNotRead) {
    Session session;
    session.on_open = [&] { session.socket->send(std::string(std::size_t{64} << 20U, 's')); };
    auto options = to("/ws-talk", "raw");
    options.most_queued_bytes = std::size_t{64} << 20U;
    options.ping_time = 200ms;
    const auto end = session.end_of(options);
    // On a busy machine a text may be late for real, which ends the connection as it should.
    EXPECT_TRUE(end.kind == Kind::lost || end.kind == Kind::timeout) << end.message;
    if (end.kind == Kind::lost) {
        EXPECT_EQ(session.texts, std::vector<std::string>(4, "text"));
    }
}

TEST_F(WebSocketTest, TakesMessagesUpToItsLimit) {
    for (const auto& [count, kind] : {std::pair{"500000", Kind::closed}, std::pair{"500001", Kind::lost}}) {
        SCOPED_TRACE(count);
        Session session;
        session.on_text = [&](const std::string&) { session.socket->close(); };
        auto options = to(std::string("/ws/big/") + count);
        options.most_message_bytes = 500'000;
        const auto end = session.end_of(options);
        EXPECT_EQ(end.kind, kind) << end.message;
        if (kind == Kind::closed) {
            ASSERT_EQ(session.texts.size(), 1U);
            EXPECT_EQ(session.texts[0], std::string(500'000, 'y'));
        } else {
            EXPECT_TRUE(contains(end.message, "500,000 bytes")) << end.message;
        }
    }
}

TEST_F(WebSocketTest, PassesOverBinaryMessages) {
    Session session;
    session.on_text = [&](const std::string&) { session.socket->close(); };
    EXPECT_EQ(session.end_of(to("/ws/binary")).kind, Kind::closed);
    EXPECT_EQ(session.texts, std::vector<std::string>{"text"});
}

TEST_F(WebSocketTest, EndsWhenThePeerDoesNotRead) {
    Session session;
    session.on_open = [&] {
        // More than any buffers of sockets take.
        for (int i = 0; i < 200; ++i) session.socket->send(std::string(1'000'000, 's'));
        EXPECT_TRUE(session.ends.empty()) << "no event from within send()";
    };
    auto options = to("/ws-stall", "raw");
    options.most_queued_bytes = 100'000'000;
    const auto end = session.end_of(options);
    EXPECT_EQ(end.kind, Kind::lost) << end.message;
    EXPECT_TRUE(contains(end.message, "does not read")) << end.message;
}

TEST_F(WebSocketTest, ClosesBeforeItIsOpen) {
    Session session;
    session.connect(to("/ws/echo"));
    session.socket->send("never sent");
    session.socket->close();
    session.socket->close();
    EXPECT_TRUE(session.ends.empty()) << "no event from within close()";
    session.run();
    ASSERT_EQ(session.ends.size(), 1U);
    EXPECT_EQ(session.ends[0].kind, Kind::closed);
    EXPECT_EQ(session.opened, 0);
}

// The loop goes on for a while, so that an event of a connection that is gone would be seen.
TEST_F(WebSocketTest, TellsNothingOnceItIsDestroyed) {
    for (const auto* path : {"/ws/echo", "/ws/hang", "/ws/close/4001"}) {
        SCOPED_TRACE(path);
        for (const auto delay : {0ms, 1ms, 5ms, 20ms}) {
            Session session;
            session.connect(to(path));
            session.socket->send("x");
            session.stop_at_end = false;
            const auto drop = session.loop.after(delay, [&] {
                session.socket.reset();
                session.opened = 0;
                session.texts.clear();
                session.ends.clear();
            });
            const auto done = session.loop.after(delay + 50ms, [&] { session.loop.stop(); });
            session.loop.run();
            EXPECT_EQ(session.opened, 0);
            EXPECT_TRUE(session.texts.empty());
            EXPECT_TRUE(session.ends.empty());
        }
    }
}

TEST_F(WebSocketTest, MayBeDestroyedFromEachOfItsEvents) {
    for (const auto* event : {"open", "text", "end"}) {
        SCOPED_TRACE(event);
        Loop loop;
        std::unique_ptr<WebSocket> socket;
        int later = 0;
        // The captured text tells a sanitizer whether the function outlives its own call.
        const auto destroy = [&, owned = std::string(100, 'o')](const std::string& now) {
            if (!socket) ++later;
            if (now != event) return;
            socket.reset();
            EXPECT_EQ(owned, std::string(100, 'o'));
            loop.post([&] { loop.post([&] { loop.stop(); }); });
        };
        socket = WebSocket::connect(
            loop, to(event == std::string("end") ? "/ws/close/4001" : "/ws/echo"),
            {[destroy] { destroy("open"); }, [destroy](const std::string&) { destroy("text"); },
             [destroy](const WebSocketEnd&) { destroy("end"); }});
        socket->send("x");
        loop.run();
        EXPECT_EQ(socket, nullptr);
        EXPECT_EQ(later, 0);
    }
}

TEST_F(WebSocketTest, EndsWithItsLoopInAnyState) {
    for (const auto* path : {"/ws/echo", "/ws/hang", "/ws/silent"}) {
        for (const auto delay : {0ms, 3ms, 30ms}) {
            Session session;
            session.connect(to(path));
            session.socket->send("x");
            const auto stop = session.loop.after(delay, [&] { session.loop.stop(); });
            session.loop.run();
        }
    }
}

TEST_F(WebSocketTest, VerifiesCertificateAndHostName) {
    struct Row {
        std::string server, host, words;
    };
    for (const auto* host : {"127.0.0.1", "localhost"}) {
        Session session;
        session.on_text = [&](const std::string&) { session.socket->close(); };
        auto options = to("/ws/echo", "good", "wss", host);
        options.ca_file = peer().ca_file();
        session.connect(options);
        session.socket->send(std::string(300'000, 't'));
        session.run();
        ASSERT_EQ(session.ends.size(), 1U);
        EXPECT_EQ(session.ends[0].kind, Kind::closed) << session.ends[0].message;
        EXPECT_EQ(session.texts, std::vector<std::string>{std::string(300'000, 't')});
    }
    for (const auto& row :
         {Row{"wrongname", "127.0.0.1", "IP address mismatch"},
          Row{"wrongname", "localhost", "hostname mismatch"}, Row{"expired", "localhost", "expired"},
          Row{"selfsigned", "localhost", "self-signed"}, Row{"http", "127.0.0.1", ""}}) {
        SCOPED_TRACE(row.server + ' ' + row.host);
        Session session;
        auto options = to("/ws/echo?key=sk-secret", row.server, "wss", row.host);
        options.ca_file = peer().ca_file();
        options.headers = {{"Authorization", "Bearer sk-secret"}};
        const auto end = session.end_of(options);
        EXPECT_EQ(end.kind, Kind::failed);
        EXPECT_TRUE(contains(end.message, "no secure connection")) << end.message;
        EXPECT_TRUE(contains(end.message, row.words)) << end.message;
        EXPECT_FALSE(contains(end.message, "secret")) << end.message;
        EXPECT_EQ(session.opened, 0);
    }
    Session of_system;
    EXPECT_EQ(of_system.end_of(to("/ws/echo", "good", "wss")).kind, Kind::failed);
    Session without_file;
    auto options = to("/ws/echo", "good", "wss");
    options.ca_file = peer().value("folder") + "/none.pem";
    const auto end = without_file.end_of(options);
    EXPECT_EQ(end.kind, Kind::failed);
    EXPECT_TRUE(contains(end.message, "none.pem")) << end.message;
}

}  // namespace
}  // namespace callchain::http
