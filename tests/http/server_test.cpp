#include "http/server.hpp"

#include "forbidden_call.hpp"
#include "http/raw_client.hpp"
#include "http/running_server.hpp"

#include <gtest/gtest.h>
#include <optional>
#include <stdexcept>
#include <thread>

namespace callchain::http {
namespace {

using namespace std::chrono_literals;

const std::string kPost = "POST /hook?a=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
const std::string kPostEcho = "POST /hook?a=1 [hello]";
const std::string kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

TEST(Server, AnswersRequestsOfOneConnectionOneAfterTheOther) {
    const auto server = start_server(echo);
    RawClient client(server->addresses()[0]);
    for (int i = 0; i < 3; ++i) {
        client.send(kPost);
        const auto answer = client.read_answer();
        EXPECT_EQ(answer.status, 200);
        EXPECT_EQ(answer.body, kPostEcho);
        EXPECT_TRUE(contains(answer.head, "\r\nContent-Type: text/plain\r\n"));
        EXPECT_TRUE(contains(answer.head, " GMT\r\n"));
        EXPECT_FALSE(contains(answer.head, "Connection:"));
    }
    EXPECT_EQ(server->connections(), 1U);
}

TEST(Server, TellsTheHandlerWhoSentTheRequestAndWhen) {
    Held held;
    const auto server = start_server(held.handler(), {.listen = {"[::]:0"}, .fall_back_to_ipv4 = true});
    const auto address = server->addresses()[0];
    // A dual-stack socket sees IPv4 clients as ::ffff:127.0.0.1.
    RawClient client("127.0.0.1" + address.substr(address.rfind(':')));
    const auto before = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    client.send(kPost);
    ASSERT_TRUE(held.arrived.wait_for());
    auto [request, responder] = held.take();
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.path(), "/hook");
    EXPECT_EQ(request.query(), "a=1");
    EXPECT_EQ(request.version, "HTTP/1.1");
    EXPECT_EQ(request.headers.find("content-length"), "5");
    EXPECT_EQ(request.body, "hello");
    EXPECT_EQ(request.peer, "127.0.0.1");
    EXPECT_FALSE(request.encrypted);
    EXPECT_GE(request.received_at, before);
    EXPECT_LE(request.received_at, std::chrono::system_clock::now());
}

TEST(Server, TakesIpv6ClientsOnTheSamePort) {
    auto server = Server::start({.listen = {"[::1]:0"}}, echo);
    if (!server) GTEST_SKIP() << "this host has no IPv6: " << server.error().message;
    EXPECT_TRUE((*server)->addresses()[0].starts_with("[::1]:"));
    RawClient client((*server)->addresses()[0]);
    client.send(kPost);
    EXPECT_EQ(client.read_answer().body, kPostEcho);
}

TEST(Server, TakesARequestCutAtAnyByte) {
    const auto server = start_server(echo);
    RawClient client(server->addresses()[0]);
    for (std::size_t cut = 1; cut < kPost.size(); ++cut) {
        SCOPED_TRACE(cut);
        client.send(kPost.substr(0, cut));
        client.send(kPost.substr(cut));
        ASSERT_EQ(client.read_answer().body, kPostEcho);
    }
}

TEST(Server, Answers200PipelinedRequestsInOrder) {
    const auto server = start_server(echo);
    RawClient client(server->addresses()[0]);
    std::string all;
    for (int i = 0; i < 200; ++i) all += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n";
    client.send(all);
    for (int i = 0; i < 200; ++i) {
        ASSERT_EQ(client.read_answer().body, "GET /" + std::to_string(i) + " []");
    }
}

TEST(Server, HandsOutAPipelinedRequestOnlyAfterTheAnswer) {
    Held held;
    const auto server = start_server(held.handler());
    RawClient client(server->addresses()[0]);
    client.send(kGet + kGet + kPost);
    for (int i = 1; i <= 3; ++i) {
        ASSERT_TRUE(held.arrived.wait_for(i));
        EXPECT_EQ(held.size(), 1U);
        auto [request, responder] = held.take();
        EXPECT_FALSE(client.has_something(0ms));
        responder.send({.body = std::to_string(i)});
        EXPECT_EQ(client.read_answer().body, std::to_string(i));
    }
}

TEST(Server, TakesBytesThatComeWhileItWaitsForTheHandler) {
    Held held;
    const auto server = start_server(held.handler());
    RawClient client(server->addresses()[0]);
    client.send(kGet);
    ASSERT_TRUE(held.arrived.wait_for(1));
    client.send(kPost);  // stays in the socket until the first answer
    held.take().second.send({.body = "first"});
    EXPECT_EQ(client.read_answer().body, "first");
    ASSERT_TRUE(held.arrived.wait_for(2));
    auto [request, responder] = held.take();
    EXPECT_EQ(request.body, "hello");
    responder.send({.body = "second"});
    EXPECT_EQ(client.read_answer().body, "second");
}

TEST(Server, LeavesTheBodyOffTheAnswerToHead) {
    const auto server = start_server(echo);
    RawClient client(server->addresses()[0]);
    client.send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n" + kGet);
    const auto head = client.read_answer(false);
    EXPECT_TRUE(contains(head.head, "\r\nContent-Length: 10\r\n")) << head.head;  // "HEAD /x []"
    EXPECT_EQ(client.read_answer().body, "GET / []");
}

TEST(Server, SpeaksHttp10) {
    const auto server = start_server(echo);
    RawClient closing(server->addresses()[0]);
    closing.send("GET / HTTP/1.0\r\n\r\n");
    EXPECT_TRUE(contains(closing.read_answer().head, "\r\nConnection: close\r\n"));
    EXPECT_EQ(closing.read_to_end(), "");
    RawClient staying(server->addresses()[0]);
    for (int i = 0; i < 2; ++i) {
        staying.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        EXPECT_TRUE(contains(staying.read_answer().head, "\r\nConnection: keep-alive\r\n"));
    }
}

TEST(Server, ClosesWhenTheClientAsksForIt) {
    const auto server = start_server(echo);
    RawClient client(server->addresses()[0]);
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(contains(client.read_answer().head, "\r\nConnection: close\r\n"));
    EXPECT_EQ(client.read_to_end(), "");
    EXPECT_FALSE(client.was_reset());
}

TEST(Server, AnswersAClientThatHasClosedItsSide) {
    const auto server = start_server(echo);
    RawClient client(server->addresses()[0]);
    client.send(kPost);
    client.finish_sending();
    EXPECT_EQ(client.read_answer().body, kPostEcho);
    EXPECT_EQ(client.read_to_end(), "");
}

TEST(Server, AsksForTheBodyThatAClientHoldsBack) {
    const auto server = start_server(echo);
    RawClient client(server->addresses()[0]);
    const std::string head =
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-Continue\r\n\r\n";
    client.send(head);
    EXPECT_EQ(client.read_answer().head, "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("hello");
    EXPECT_EQ(client.read_answer().body, "POST / [hello]");
    client.send(head + "hello");  // nothing to ask for: the body is there
    EXPECT_EQ(client.read_answer().body, "POST / [hello]");
}

// Nobody is left to ask: the connection ends, and the handler has seen nothing of it.
TEST(Server, EndsWithAClientThatIsGoneWhenItsBodyIsAskedFor) {
    Signal asked;
    Signal released;
    Signal closed;
    std::atomic<int> requests = 0;
    const auto server = start_server(
        [&](const Request& request, Responder responder) {
            if (++requests == 1) {
                asked.give();
                EXPECT_TRUE(released.wait_for());
            }
            echo(request, std::move(responder));
        },
        {}, {.on_connection_closed = [&] { closed.give(); }});
    RawClient first(server->addresses()[0]);
    first.send(kGet);
    ASSERT_TRUE(asked.wait_for());  // the server's one thread is busy
    RawClient gone(server->addresses()[0]);
    gone.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    gone.reset();
    released.give();
    EXPECT_EQ(first.read_answer().status, 200);
    EXPECT_TRUE(closed.wait_for());
    first.send(kPost);
    EXPECT_EQ(first.read_answer().body, kPostEcho);
    EXPECT_EQ(requests, 2);
}

// Nobody is left to answer: the connection ends, and the next client is served.
TEST(Server, EndsWithAClientThatIsGoneWhenItsAnswerIsWritten) {
    std::optional<RawClient> gone;
    Signal closed;
    const auto server = start_server(
        [&](const Request& request, Responder responder) {
            // In the server's own thread, so that the answer is written behind the reset.
            if (gone) gone->reset();
            gone.reset();
            echo(request, std::move(responder));
        },
        {}, {.on_connection_closed = [&] { closed.give(); }});
    gone.emplace(server->addresses()[0]);
    gone->send(kGet);
    EXPECT_TRUE(closed.wait_for());
    RawClient next(server->addresses()[0]);
    next.send(kPost);
    EXPECT_EQ(next.read_answer().body, kPostEcho);
}

TEST(Server, RefusesATooLargeBodyBeforeItIsSent) {
    const auto server = start_server(echo, {.limits = {.body_bytes = 4}});
    RawClient client(server->addresses()[0]);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(client.read_answer().status, 413);
    EXPECT_EQ(client.read_to_end(), "");
}

TEST(Server, TakesChunkedBodies) {
    const auto server = start_server(echo);
    RawClient client(server->addresses()[0]);
    client.send(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nX: "
        "y\r\n\r\n");
    EXPECT_EQ(client.read_answer().body, "POST / [hello]");
    client.send(kGet);
    EXPECT_EQ(client.read_answer().body, "GET / []");
}

TEST(Server, RefusesMalformedRequestsAndSaysWhy) {
    Refusals refusals;
    const auto server = start_server(echo, {}, refusals.events());
    RawClient client(server->addresses()[0]);
    client.send("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" +
                kGet);
    const auto answer = client.read_answer();
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.body, "both Content-Length and Transfer-Encoding are given\n");
    EXPECT_TRUE(contains(answer.head, "\r\nContent-Type: text/plain; charset=utf-8\r\n"));
    EXPECT_TRUE(contains(answer.head, "\r\nConnection: close\r\n"));
    EXPECT_EQ(client.read_to_end(), "");  // what stands behind is not taken for a request
    EXPECT_EQ(refusals.statuses(), std::vector<int>{400});
    EXPECT_EQ(refusals.peer(), "127.0.0.1");
}

TEST(Server, RefusesTheHttp2Preface) {
    const auto server = start_server(echo);
    RawClient client(server->addresses()[0]);
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    EXPECT_EQ(client.read_answer().status, 505);
    EXPECT_EQ(client.read_to_end(), "");
}

TEST(Server, PassesAnyMethodAndTargetOn) {
    const auto server = start_server(echo);
    RawClient client(server->addresses()[0]);
    client.send("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n");
    EXPECT_EQ(client.read_answer().body, "CONNECT a.example:443 []");
    client.send("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(client.read_answer().body, "OPTIONS * []");
}

TEST(Server, SendsAnswersLargerThanTheSocketTakes) {
    const std::string large(std::size_t{8} << 20U, 'x');
    const auto server =
        start_server([&](const Request&, Responder responder) { responder.send({.body = large}); });
    RawClient client(server->addresses()[0]);
    client.send(kGet + kGet);
    EXPECT_EQ(client.read_answer().body.size(), large.size());
    EXPECT_EQ(client.read_answer().body, large);
}

TEST(Server, TakesAnswersFromOtherThreads) {
    std::vector<std::thread> threads;
    std::mutex mutex;
    const auto server = start_server(
        [&](Request request, Responder responder) {
            const std::lock_guard lock(mutex);
            threads.emplace_back([request = std::move(request), responder = std::move(responder)]() mutable {
                responder.send(echo_of(request));
                responder.send({.status = 418});  // too late
            });
        },
        {.threads = 2});
    std::vector<std::thread> clients;
    std::atomic<int> right = 0;
    for (int c = 0; c < 4; ++c) {
        clients.emplace_back([&] {
            RawClient client(server->addresses()[0]);
            for (int i = 0; i < 50; ++i) {
                client.send(kPost);
                if (client.read_answer().body == kPostEcho) ++right;
            }
        });
    }
    for (auto& client : clients) client.join();
    EXPECT_EQ(right, 200);
    server->stop();
    for (auto& thread : threads) thread.join();
}

TEST(Server, Answers500ForAResponderThatIsDropped) {
    Held held;
    std::atomic<bool> at_once = true;
    auto holding = held.handler();
    const auto server = start_server([&](Request request, Responder responder) {
        if (!at_once) holding(std::move(request), std::move(responder));
    });
    RawClient client(server->addresses()[0]);
    client.send(kGet);
    EXPECT_EQ(client.read_answer().status, 500);
    at_once = false;
    client.send(kGet);
    ASSERT_TRUE(held.arrived.wait_for());
    { const auto dropped = held.take(); }
    EXPECT_EQ(client.read_answer().status, 500);
}

TEST(Server, SurvivesAHandlerThatThrows) {
    std::vector<Responder> kept;
    const auto server = start_server([&](const Request& request, Responder responder) {
        if (request.path() == "/answered") responder.send({.status = 202});
        if (request.path() == "/kept") kept.push_back(std::move(responder));
        throw std::runtime_error("the handler's fault");
    });
    RawClient client(server->addresses()[0]);
    for (const auto& [path, status] : {std::pair{"/thrown", 500}, {"/answered", 202}, {"/kept", 500}}) {
        SCOPED_TRACE(path);
        client.send("GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n");
        EXPECT_EQ(client.read_answer().status, status);
    }
    kept.clear();  // answers nobody any more
    client.send(kGet);
    EXPECT_EQ(client.read_answer().status, 500);
}

TEST(Server, ServesWhile1000ConnectionsAreIdle) {
    ASSERT_GT(raise_descriptor_limit(), 2100U);  // both ends are in this process
    const auto server = start_server(echo, {.threads = 2});
    std::vector<RawClient> idle;
    for (int i = 0; i < 1000; ++i) {
        idle.emplace_back(server->addresses()[0]);
        ASSERT_TRUE(idle.back().is_connected());
    }
    RawClient client(server->addresses()[0]);
    client.send(kPost);
    EXPECT_EQ(client.read_answer().body, kPostEcho);
    idle[500].send(kPost);
    EXPECT_EQ(idle[500].read_answer().body, kPostEcho);
}

// What forbids is called on the server's thread, with the first request, and holds there alone.
TEST(Server, GoesOnWhereTheKernelDoesNotLetItHaveAnother) {
    struct Row {
        const char* name;
        unsigned call;
        unsigned error;
        bool ends;
    };
    for (const auto& row : {Row{"a descriptor to watch: epoll_ctl(2), ENOSPC", SYS_epoll_ctl, ENOSPC, true},
                            Row{"a connection that is gone: accept(2)", SYS_accept4, ECONNABORTED, false}}) {
        SCOPED_TRACE(row.name);
        std::atomic<bool> forbidden = false;
        std::atomic<int> pauses = 0;
        const auto server = start_server(
            [&](const Request& request, Responder responder) {
                if (request.target == "/forbid") forbidden = forbid(row.call, row.error);
                echo(request, std::move(responder));
            },
            {}, {.on_accept_paused = [&](const std::string&) { ++pauses; }});
        RawClient first(server->addresses()[0]);
        first.send("GET /forbid HTTP/1.1\r\nHost: a\r\n\r\n");
        EXPECT_EQ(first.read_answer().status, 200);
        if (!forbidden) GTEST_SKIP() << "no system call can be forbidden here";
        RawClient second(server->addresses()[0]);
        EXPECT_TRUE(second.is_connected());
        if (row.ends) {
            EXPECT_EQ(second.read_to_end(), "");
        }
        first.send(kPost);
        EXPECT_EQ(first.read_answer().body, kPostEcho);
        EXPECT_EQ(server->connections(), 1U);
        EXPECT_EQ(pauses, 0);
    }
}

TEST(Server, ReportsConnections) {
    Signal opened;
    Signal closed;
    const auto server = start_server(
        echo, {}, {.on_connection = [&] { opened.give(); }, .on_connection_closed = [&] { closed.give(); }});
    {
        RawClient client(server->addresses()[0]);
        client.send(kGet);
        client.read_answer();
        EXPECT_TRUE(opened.wait_for());
        EXPECT_EQ(server->connections(), 1U);
    }
    EXPECT_TRUE(closed.wait_for());
    EXPECT_EQ(server->connections(), 0U);
    RawClient second(server->addresses()[0]);
    EXPECT_TRUE(opened.wait_for(2));
    server->stop();
    EXPECT_TRUE(closed.wait_for(2));
}

TEST(Server, ListensOnSeveralAddressesWithSeveralThreads) {
    const auto server = start_server(echo, {.listen = {"127.0.0.1:0", "localhost:0"}, .threads = 3});
    const auto addresses = server->addresses();
    ASSERT_EQ(addresses.size(), 2U);
    for (const auto& address : addresses) {
        SCOPED_TRACE(address);
        for (int i = 0; i < 10; ++i) {
            RawClient client(address);
            client.send(kPost);
            EXPECT_EQ(client.read_answer().body, kPostEcho);
        }
    }
}

TEST(StartServer, ExplainsAnAddressThatCannotBeBound) {
    const auto running = start_server(echo);
    const auto taken = running->addresses()[0];
    struct Row {
        const char* name;
        std::string address;
        const char* message;
        const char* hint;
    };
    for (const auto& row :
         {Row{"taken", taken, "Address already in use", "another process"},
          Row{"not ours", "192.0.2.1:8000", "Cannot assign requested address", "no interface"},
          Row{"no port", "127.0.0.1", "this is not host:port", "127.0.0.1:8000"},
          Row{"empty port", "127.0.0.1:", "this is not host:port", "127.0.0.1:8000"},
          Row{"port too large", "127.0.0.1:65536", "this is not host:port", "127.0.0.1:8000"},
          Row{"no host", ":8000", "this is not host:port", "[::]:8000"},
          Row{"IPv6 without brackets", "::1:8000", "this is not host:port", "[::]:8000"},
          Row{"empty", "", "this is not host:port", "[::]:8000"},
          Row{"no such host", "a.invalid:8000", "a.invalid:8000", "numeric address"}}) {
        SCOPED_TRACE(row.name);
        for (const unsigned threads : {1U, 2U}) {
            const auto server = Server::start({.listen = {row.address}, .threads = threads}, echo);
            ASSERT_FALSE(server.has_value());
            EXPECT_EQ(server.error().code, ErrorCode::usage);
            EXPECT_TRUE(contains(server.error().message, row.message)) << server.error().message;
            EXPECT_TRUE(contains(server.error().hint, row.hint)) << server.error().hint;
        }
    }
    EXPECT_FALSE(Server::start({.listen = {}}, echo).has_value());
}

// One that has IPv6 and no such address, or no such port, is not to listen elsewhere without a word.
TEST(StartServer, FallsBackToIpv4WhereThereIsNoIpv6AndNowhereElse) {
    const auto running = start_server(echo, {.listen = {"[::]:0"}, .fall_back_to_ipv4 = true});
    const auto taken = running->addresses()[0];
    const auto port = taken.substr(taken.rfind(':'));
    for (const auto& address : {taken, "127.0.0.1" + port, "[2001:db8::1]" + port, "192.0.2.1" + port}) {
        SCOPED_TRACE(address);
        const auto server = Server::start({.listen = {address}, .fall_back_to_ipv4 = true}, echo);
        ASSERT_FALSE(server.has_value()) << (*server)->addresses()[0];
        EXPECT_TRUE(contains(server.error().message, "cannot listen on " + address))
            << server.error().message;
    }
    std::thread without_ipv6([] {
        if (!forbid(SYS_socket, EAFNOSUPPORT, AF_INET6))
            GTEST_SKIP() << "no system call can be forbidden here";
        EXPECT_FALSE(Server::start({.listen = {"[::]:0"}}, echo).has_value());
        for (const unsigned threads : {1U, 2U}) {
            const auto server =
                start_server(echo, {.listen = {"[::]:0"}, .threads = threads, .fall_back_to_ipv4 = true});
            ASSERT_NE(server, nullptr);
            EXPECT_TRUE(server->addresses()[0].starts_with("0.0.0.0:")) << server->addresses()[0];
            RawClient client(server->addresses()[0]);
            client.send(kPost);
            EXPECT_EQ(client.read_answer().body, kPostEcho);
        }
    });
    without_ipv6.join();
}

TEST(StartServer, DoesNotShareAPortWithAnotherServer) {
    const auto first = start_server(echo, {.threads = 2});
    const auto second = Server::start({.listen = first->addresses(), .threads = 2}, echo);
    ASSERT_FALSE(second.has_value());
    EXPECT_TRUE(contains(second.error().message, first->addresses()[0]));
}

TEST(DrainServer, FinishesTheRequestUnderWayAndClosesTheIdleOnes) {
    Held held;
    const auto server = start_server(held.handler(), {.threads = 2});
    RawClient idle(server->addresses()[0]);
    RawClient busy(server->addresses()[0]);
    RawClient half(server->addresses()[0]);
    busy.send(kGet);
    ASSERT_TRUE(held.arrived.wait_for(1));
    half.send(kPost.substr(0, 20));
    while (server->connections() < 3) std::this_thread::yield();
    server->drain();
    server->drain();  // says it twice, means it once
    EXPECT_EQ(idle.read_to_end(), "");
    EXPECT_FALSE(idle.was_reset());
    EXPECT_FALSE(server->wait_until_idle(20ms));
    held.take().second.send({.body = "done"});
    const auto answer = busy.read_answer();
    EXPECT_EQ(answer.body, "done");
    EXPECT_TRUE(contains(answer.head, "\r\nConnection: close\r\n"));
    EXPECT_EQ(busy.read_to_end(), "");
    half.send(kPost.substr(20));
    ASSERT_TRUE(held.arrived.wait_for(2));
    held.take().second.send({.body = "done too"});
    EXPECT_EQ(half.read_answer().body, "done too");
    EXPECT_TRUE(server->wait_until_idle(10s));
    EXPECT_EQ(server->connections(), 0U);
    RawClient late(server->addresses()[0]);
    EXPECT_FALSE(late.is_connected());
}

TEST(DrainServer, AnswersWhatWasSentBefore) {
    Signal opened;
    const auto server = start_server(echo, {}, {.on_connection = [&] { opened.give(); }});
    RawClient client(server->addresses()[0]);
    ASSERT_TRUE(opened.wait_for());
    client.send(kPost);  // in the socket of the server once send() returns: loopback
    server->drain();
    EXPECT_EQ(client.read_answer().body, kPostEcho);
    EXPECT_TRUE(server->wait_until_idle(10s));
}

TEST(StopServer, EndsRequestsUnderWayAndIgnoresTheirAnswers) {
    Held held;
    auto server = start_server(held.handler(), {.threads = 2});
    RawClient client(server->addresses()[0]);
    client.send(kGet);
    RawClient second(server->addresses()[0]);
    second.send(kGet);
    ASSERT_TRUE(held.arrived.wait_for(2));
    server->stop();
    server->stop();
    EXPECT_EQ(client.read_to_end(), "");
    held.take().second.send({.status = 200});
    EXPECT_EQ(server->connections(), 0U);
    EXPECT_TRUE(server->wait_until_idle(0ms));
    server.reset();
    held.take().second.send({.status = 200});  // nobody is left, and nothing happens
}

TEST(StopServer, IsSafeWhileOtherThreadsAnswer) {
    Held held;
    auto server = start_server(held.handler(), {.threads = 2});
    std::atomic<bool> done = false;
    std::thread answering([&] {
        while (!done) {
            while (held.size() == 0 && !done) std::this_thread::yield();
            if (held.size() > 0) held.take().second.send({.body = "late"});
        }
    });
    std::vector<std::thread> clients;
    for (int c = 0; c < 3; ++c) {
        clients.emplace_back([&] {
            RawClient client(server->addresses()[0]);
            while (client.send(kGet) && client.read_answer().status == 200) {
            }
        });
    }
    ASSERT_TRUE(held.arrived.wait_for(100));
    server->stop();
    for (auto& client : clients) client.join();
    done = true;
    answering.join();
}

}  // namespace
}  // namespace callchain::http
