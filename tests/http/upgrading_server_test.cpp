#include "http/upgrading_server.hpp"

#include "forbidden_call.hpp"
#include "http/client.hpp"
#include "http/web_socket.hpp"
#include "raw_client.hpp"
#include "soft_limit.hpp"

#include <condition_variable>
#include <future>
#include <gtest/gtest.h>
#include <mutex>
#include <thread>

namespace callchain::http {
namespace {

using namespace std::chrono_literals;
using Kind = WebSocketEnd::Kind;
using Answer = std::function<void(Response)>;

// Only of a test that has failed already is this ever waited for.
constexpr auto kLong = 60s;

// Words that several threads note.
class Notes {
  public:
    void add(std::string word) {
        const std::lock_guard lock(mutex_);
        words_.push_back(std::move(word));
        changed_.notify_all();
    }
    bool wait_for(std::size_t count) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, kLong, [&] { return words_.size() >= count; });
    }
    std::vector<std::string> all() {
        const std::lock_guard lock(mutex_);
        return words_;
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> words_;
};

std::unique_ptr<UpgradingServer> start(UpgradingHandlers handlers) {
    if (!handlers.on_request) handlers.on_request = [](const Request&, const Answer&) {};
    if (!handlers.on_upgrade)
        handlers.on_upgrade = [](const Request&, std::optional<SocketEvents>&, std::optional<Response>&) {};
    auto server = UpgradingServer::start("127.0.0.1:0", std::move(handlers));
    if (!server) throw std::runtime_error(server.error().message);
    return *std::move(server);
}

// One that opens every socket with these events.
std::unique_ptr<UpgradingServer> start(SocketEvents events) {
    return start(UpgradingHandlers{
        .on_request = {},
        .on_upgrade = [events = std::move(events)](const Request&, std::optional<SocketEvents>& accepted,
                                                   std::optional<Response>&) { accepted = events; }});
}

std::string url_of(const UpgradingServer& server, const std::string& path,
                   const std::string& scheme = "http") {
    return scheme + "://" + server.address() + path;
}

// A client's end of one socket, on the test's thread.
struct Caller {
    Loop loop;
    std::vector<std::string> texts;
    std::vector<WebSocketEnd> ends;
    std::function<void()> on_open;
    std::function<void()> on_text;
    std::unique_ptr<WebSocket> socket;

    WebSocketEnd run(const UpgradingServer& server, const std::string& path = "/socket") {
        socket =
            WebSocket::connect(loop,
                               {.url = url_of(server, path, "ws"),
                                .headers = {{"Authorization", "Bearer sk-x"}, {"X-B", "1"}, {"X-A", "2"}},
                                .connect_time = kLong,
                                .ping_time = kLong},
                               {[this] {
                                    if (on_open) on_open();
                                },
                                [this](std::string text) {
                                    texts.push_back(std::move(text));
                                    if (on_text) on_text();
                                },
                                [this](WebSocketEnd end) {
                                    ends.push_back(std::move(end));
                                    loop.stop();
                                }});
        const auto limit = loop.after(kLong, [this] { loop.stop(); });
        loop.run();
        EXPECT_EQ(ends.size(), 1U);
        return ends.empty() ? WebSocketEnd{} : ends.back();
    }
};

TEST(UpgradingServer, GivesTheRequestAsItCame) {
    Request got;
    const auto server = start({.on_request =
                                   [&](Request request, const Answer& answer) {
                                       got = std::move(request);
                                       answer({201, "text/plain", "made", {{"X-Answer", "yes"}}});
                                   },
                               .on_upgrade = {}});
    Client client;
    const auto body = std::string("a\0b\r\n", 5) + std::string(1'000'000, 'z');
    const auto result = client.perform({.url = url_of(*server, "/v1/calls/x?y=%20"),
                                        .headers = {{"X-First", "1"}, {"x-second", " 2 "}, {"X-Third", "3"}},
                                        .body = body});
    const auto& response = std::get<ClientResponse>(result);
    EXPECT_EQ(response.status, 201);
    EXPECT_EQ(response.body, "made");
    EXPECT_EQ(response.headers.find("content-type"), "text/plain");
    EXPECT_EQ(response.headers.find("x-answer"), "yes");
    EXPECT_EQ(got.method, "POST");
    EXPECT_EQ(got.target, "/v1/calls/x?y=%20");
    EXPECT_EQ(got.version, "HTTP/1.1");
    EXPECT_EQ(got.body, body);
    EXPECT_EQ(got.peer, "127.0.0.1");
    std::string names;
    for (const auto& header : got.headers.fields)
        if (header.name[0] == 'X' || header.name[0] == 'x') names += header.name + "=" + header.value + " ";
    EXPECT_EQ(names, "X-First=1 x-second=2 X-Third=3 ");
}

TEST(UpgradingServer, RefusesBodiesAboveOneMebibyteAndWhatIsNoHttp) {
    const auto server =
        start({.on_request = [](const Request&, const Answer& answer) { answer({}); }, .on_upgrade = {}});
    Client client;
    const auto with = [&](std::size_t bytes) {
        return std::get<ClientResponse>(
                   client.perform({.url = url_of(*server, "/"), .body = std::string(bytes, 'b')}))
            .status;
    };
    EXPECT_EQ(with(std::size_t{1} << 20U), 200);
    EXPECT_EQ(with((std::size_t{1} << 20U) + 1), 413);
    RawClient raw(server->address());
    raw.send("INVITE sip:bob SIP/2.0\r\n\r\n");
    EXPECT_EQ(raw.read_to_end().substr(0, 12), "HTTP/1.1 400");
}

TEST(UpgradingServer, AnswersLaterFromAnotherThreadAndOnce) {
    std::thread other;
    const auto server = start({.on_request =
                                   [&](const Request&, Answer answer) {
                                       other = std::thread([answer = std::move(answer)] {
                                           answer({202});
                                           answer({500});
                                       });
                                   },
                               .on_upgrade = {}});
    Client client;
    const auto result = client.perform({.url = url_of(*server, "/")});
    other.join();
    EXPECT_EQ(std::get<ClientResponse>(result).status, 202);
}

TEST(UpgradingServer, AnswersWhatNobodyAnswersWith500) {
    const auto server = start({.on_request = [](const Request&, const Answer&) {}, .on_upgrade = {}});
    Client client;
    EXPECT_EQ(std::get<ClientResponse>(client.perform({.url = url_of(*server, "/")})).status, 500);
}

TEST(UpgradingServer, KeepsAConnectionForPipelinedRequestsUntilToldOtherwise) {
    const auto server = start({.on_request =
                                   [](const Request& request, const Answer& answer) {
                                       answer({200, "text/plain", request.target});
                                   },
                               .on_upgrade = {}});
    RawClient raw(server->address());
    raw.send(
        "GET /one HTTP/1.1\r\nHost: x\r\n\r\nHEAD /two HTTP/1.1\r\nHost: x\r\n\r\n"
        "GET /three HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const auto all = raw.read_to_end();
    const auto one = all.find("\r\n\r\n/oneHTTP/1.1 200 OK");
    EXPECT_NE(one, std::string::npos) << all;
    EXPECT_EQ(all.find("/two"), std::string::npos) << all;
    EXPECT_TRUE(all.ends_with("\r\n\r\n/three")) << all;
    EXPECT_NE(all.find("Connection: close"), std::string::npos) << all;
}

TEST(UpgradingServer, PassesTextsBothWaysInOrder) {
    std::optional<UpgradedSocket> socket;
    Notes heard;
    std::string target;
    std::string key;
    UpgradingHandlers handlers;
    handlers.on_upgrade = [&](const Request& request, std::optional<SocketEvents>& events,
                              std::optional<Response>&) {
        target = request.target;
        key = request.headers.find("authorization").value_or("");
        events = SocketEvents{.on_open =
                                  [&](UpgradedSocket opened) {
                                      socket = std::move(opened);
                                      socket->send("hello");
                                  },
                              .on_text =
                                  [&](std::string text) {
                                      socket->send("echo " + text.substr(0, 20));
                                      socket->send(std::to_string(text.size()));
                                  },
                              .on_end = [&](int code) { heard.add(std::to_string(code)); }};
    };
    const auto server = start(handlers);
    Caller caller;
    caller.on_open = [&] {
        caller.socket->send("a");
        caller.socket->send(std::string(300'000, 'b'));
    };
    caller.on_text = [&] {
        if (caller.texts.size() == 5) caller.socket->close(4001);
    };
    const auto end = caller.run(*server, "/v1/realtime?call_id=rtc_1");
    EXPECT_EQ(end.kind, Kind::closed) << end.message;
    EXPECT_EQ(caller.texts,
              (std::vector<std::string>{"hello", "echo a", "1", "echo " + std::string(20, 'b'), "300000"}));
    EXPECT_EQ(target, "/v1/realtime?call_id=rtc_1");
    EXPECT_EQ(key, "Bearer sk-x");
    ASSERT_TRUE(heard.wait_for(1));
    EXPECT_EQ(heard.all(), std::vector<std::string>{"4001"});
}

TEST(UpgradingServer, RefusesAnUpgradeWithAnAnswer) {
    const auto server = start(
        {.on_request = {},
         .on_upgrade = [](const Request&, std::optional<SocketEvents>&, std::optional<Response>& refusal) {
             refusal = Response{404, "application/json", R"({"error":{}})"};
         }});
    Caller caller;
    const auto end = caller.run(*server);
    EXPECT_EQ(end.kind, Kind::refused);
    EXPECT_EQ(end.http_status, 404);
    EXPECT_EQ(end.http_body, R"({"error":{}})");
}

TEST(UpgradingServer, ClosesBehindWhatIsQueued) {
    Notes ends;
    const auto server = start(SocketEvents{.on_open =
                                               [](UpgradedSocket socket) {
                                                   for (int i = 0; i < 50; ++i)
                                                       socket.send(std::string(10'000, 'q'));
                                                   socket.close(4002, "enough");
                                                   socket.close(4003, "once is enough");
                                                   socket.send("too late");
                                               },
                                           .on_end = [&](int code) { ends.add(std::to_string(code)); }});
    Caller caller;
    const auto end = caller.run(*server);
    EXPECT_EQ(end.kind, Kind::closed_by_peer) << end.message;
    EXPECT_EQ(end.close_code, 4002);
    EXPECT_EQ(end.close_reason, "enough");
    EXPECT_EQ(caller.texts.size(), 50U);
    ASSERT_TRUE(ends.wait_for(1));
    EXPECT_EQ(ends.all(), std::vector<std::string>{"4002"});
}

TEST(UpgradingServer, DropsWithoutACloseFrame) {
    Notes ends;
    std::optional<UpgradedSocket> kept;
    const auto server =
        start(SocketEvents{.on_open = [&](UpgradedSocket socket) { kept = std::move(socket); },
                           .on_text =
                               [&](const std::string&) {
                                   kept->drop();
                                   kept->drop();
                               },
                           .on_end = [&](int code) { ends.add(std::to_string(code)); }});
    Caller caller;
    caller.on_open = [&] { caller.socket->send("drop me"); };
    const auto end = caller.run(*server);
    EXPECT_EQ(end.kind, Kind::lost) << end.message;
    EXPECT_EQ(end.close_code, 0);
    ASSERT_TRUE(ends.wait_for(1));
    kept->send("to nobody");
    kept->close();
    kept->drop();
    EXPECT_EQ(ends.all(), std::vector<std::string>{"0"});
}

TEST(UpgradingServer, TellsOfAClientThatVanishes) {
    Notes ends;
    const auto server = start(SocketEvents{.on_open = [](UpgradedSocket socket) { socket.send("hello"); },
                                           .on_end = [&](int code) { ends.add(std::to_string(code)); }});
    Caller caller;
    caller.on_text = [&] {
        caller.socket.reset();
        caller.loop.stop();
    };
    caller.socket = WebSocket::connect(caller.loop, {.url = url_of(*server, "/", "ws")},
                                       {{}, [&](const std::string&) { caller.on_text(); }, {}});
    caller.loop.run();
    ASSERT_TRUE(ends.wait_for(1));
    EXPECT_EQ(ends.all(), std::vector<std::string>{"0"});
}

// Source: the example of RFC 6455 section 1.3.
const std::string kUpgrade =
    "GET /socket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\n";
const std::string kKey = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

TEST(UpgradingServer, AnswersAnUpgradeAsTheStandardHasIt) {
    Notes events;
    const auto server = start(SocketEvents{.on_open = [&](UpgradedSocket) { events.add("open"); },
                                           .on_end = [&](int) { events.add("end"); }});
    RawClient without_key(server->address());
    without_key.send(kUpgrade + "\r\n");
    EXPECT_EQ(without_key.read_answer().status, 400);
    EXPECT_EQ(without_key.read_to_end(), "");
    EXPECT_EQ(events.all(), std::vector<std::string>{}) << "what never opened has no events";
    RawClient client(server->address());
    client.send(kUpgrade + kKey);
    const auto answer = client.read_answer();
    EXPECT_EQ(answer.status, 101);
    EXPECT_NE(answer.head.find("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
              std::string::npos)
        << answer.head;
    ASSERT_TRUE(events.wait_for(1));
}

// A close frame: 0x88, its length, the code 4002 (RFC 6455 section 5.5.1).
const std::string kClose4002 = "\x88\x02\x0f\xa2";

TEST(UpgradingServer, WaitsForTheAnswerToACloseFrameNotForever) {
    Notes ends;
    const auto server = start(SocketEvents{.on_open = [](UpgradedSocket socket) { socket.close(4002); },
                                           .on_end = [&](int code) { ends.add(std::to_string(code)); }});
    RawClient client(server->address());
    client.send(kUpgrade + kKey);
    EXPECT_EQ(client.read_answer().status, 101);
    EXPECT_EQ(client.read_to_end(), kClose4002);
    ASSERT_TRUE(ends.wait_for(1));
    EXPECT_EQ(ends.all(), std::vector<std::string>{"0"});
}

TEST(UpgradingServer, TellsOnceOfAClientThatGoesWhile) {
    struct Row {
        const char* name;
        std::function<void(UpgradedSocket&)> on_open;
    };
    for (const auto& row : {Row{"its answer to a close frame is waited for",
                                [](UpgradedSocket& socket) { socket.close(4002); }},
                            Row{"it is being sent to", [](UpgradedSocket& socket) {
                                    socket.send(std::string(std::size_t{64} << 20U, 's'));
                                }}}) {
        SCOPED_TRACE(row.name);
        Notes ends;
        const auto server = start(SocketEvents{.on_open = [&](UpgradedSocket socket) { row.on_open(socket); },
                                               .on_end = [&](int code) { ends.add(std::to_string(code)); }});
        RawClient client(server->address());
        client.send(kUpgrade + kKey);
        EXPECT_EQ(client.read_answer().status, 101);
        ASSERT_TRUE(client.has_something(kMostWait));
        client.let_the_server_stall();
        client.reset();
        ASSERT_TRUE(ends.wait_for(1));
        EXPECT_EQ(ends.all(), std::vector<std::string>{"0"});
    }
}

TEST(UpgradingServer, GoesOnWithoutAClientThatIsGoneBeforeItIsAccepted) {
    Notes asked;
    std::promise<void> released;
    const auto server = start({.on_request =
                                   [&](const Request& request, const Answer& answer) {
                                       asked.add(request.target);
                                       if (request.target == "/first") released.get_future().wait();
                                       answer({200});
                                   },
                               .on_upgrade = {}});
    RawClient first(server->address());
    first.send("GET /first HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(asked.wait_for(1));  // the server's one thread is busy
    RawClient gone(server->address());
    gone.reset();
    released.set_value();
    EXPECT_EQ(first.read_answer().status, 200);
    RawClient next(server->address());
    next.send("GET /next HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(next.read_answer().status, 200);
    EXPECT_EQ(asked.all(), (std::vector<std::string>{"/first", "/next"}));
}

TEST(UpgradingServer, SpeaksHttp10) {
    const auto server = start({.on_request =
                                   [](const Request& request, const Answer& answer) {
                                       answer({200, "text/plain", request.version});
                                   },
                               .on_upgrade = {}});
    RawClient client(server->address());
    client.send("GET / HTTP/1.0\r\n\r\n");
    const auto answer = client.read_answer();
    EXPECT_EQ(answer.body, "HTTP/1.0");
    EXPECT_NE(answer.head.find("\r\nConnection: close\r\n"), std::string::npos) << answer.head;
    EXPECT_EQ(client.read_to_end(), "");
}

TEST(UpgradingServer, ServesIpv6) {
    const auto server = UpgradingServer::start(
        "[::1]:0",
        {.on_request = [](const Request&, const Answer& answer) { answer({}); }, .on_upgrade = {}});
    if (!server) GTEST_SKIP() << "this host has no IPv6: " << server.error().message;
    EXPECT_TRUE((*server)->address().starts_with("[::1]:")) << (*server)->address();
    RawClient client((*server)->address());
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(client.read_answer().status, 200);
}

TEST(UpgradingServer, ServesWhoCameWhileDescriptorsHadRunOut) {
    if (has_ubsan()) GTEST_SKIP() << "UBSan needs descriptors of its own";
    const auto server =
        start({.on_request = [](const Request&, const Answer& answer) { answer({}); }, .on_upgrade = {}});
    std::optional<RawClient> client;
    {
        const SoftLimit one(RLIMIT_NOFILE, descriptors_and(1));
        client.emplace(server->address());
        ASSERT_TRUE(client->is_connected());
        client->send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        EXPECT_FALSE(client->has_something(200ms)) << "there was no descriptor for it";
    }
    EXPECT_EQ(client->read_answer().status, 200);
}

TEST(UpgradingServer, SaysThatDescriptorsHaveRunOut) {
    if (has_ubsan()) GTEST_SKIP() << "UBSan needs descriptors of its own";
    const SoftLimit one(RLIMIT_NOFILE, descriptors_and(1));
    const auto server = UpgradingServer::start("127.0.0.1:0", {});
    ASSERT_FALSE(server.has_value());
    EXPECT_EQ(server.error().code, ErrorCode::io);
    EXPECT_NE(server.error().message.find("127.0.0.1:0"), std::string::npos) << server.error().message;
}

TEST(UpgradingServer, SaysThatThreadsHaveRunOut) {
    std::thread without_threads([] {
        if (!forbid(SYS_clone3, EAGAIN) || !forbid(SYS_clone, EAGAIN))
            GTEST_SKIP() << "no system call can be forbidden here";
        const auto server = UpgradingServer::start("127.0.0.1:0", {});
        ASSERT_FALSE(server.has_value());
        EXPECT_EQ(server.error().code, ErrorCode::io);
    });
    without_threads.join();
}

TEST(UpgradingServer, HoldsManySocketsAndEndsWithThemOpen) {
    constexpr std::size_t kSockets = 200;
    Notes ends;
    std::vector<UpgradedSocket> sockets;
    std::optional<Answer> unanswered;
    auto server = start(UpgradingHandlers{
        .on_request = [&](const Request&, Answer answer) { unanswered = std::move(answer); },
        .on_upgrade =
            [&](const Request&, std::optional<SocketEvents>& events, std::optional<Response>&) {
                events = SocketEvents{.on_open =
                                          [&](UpgradedSocket socket) {
                                              sockets.push_back(socket);
                                              socket.send("hello");
                                          },
                                      .on_end = [&](int code) { ends.add(std::to_string(code)); }};
            }});
    Loop loop;
    std::size_t texts = 0;
    std::size_t lost = 0;
    std::vector<std::unique_ptr<WebSocket>> clients;
    RawClient waiting(server->address());
    waiting.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    for (std::size_t i = 0; i < kSockets; ++i)
        clients.push_back(WebSocket::connect(loop, {.url = url_of(*server, "/", "ws"), .connect_time = kLong},
                                             {{},
                                              [&](const std::string&) {
                                                  if (++texts == kSockets) server.reset();
                                              },
                                              [&](const WebSocketEnd& end) {
                                                  EXPECT_EQ(end.kind, Kind::lost) << end.message;
                                                  if (++lost == kSockets) loop.stop();
                                              }}));
    loop.run();
    EXPECT_EQ(ends.all(), std::vector<std::string>(kSockets, "0"));
    EXPECT_EQ(lost, kSockets);
    // Both outlive the server and do nothing any more.
    for (auto& socket : sockets) socket.send("to nobody");
    ASSERT_TRUE(unanswered.has_value());
    (*unanswered)({});
    EXPECT_EQ(waiting.read_to_end(), "");
}

TEST(UpgradingServer, NamesAnAddressThatItCannotHave) {
    const auto first = start(UpgradingHandlers{});
    const auto second = UpgradingServer::start(first->address(), {});
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().code, ErrorCode::usage);
    EXPECT_NE(second.error().message.find(first->address()), std::string::npos) << second.error().message;
}

}  // namespace
}  // namespace callchain::http
