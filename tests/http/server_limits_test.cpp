#include "http/raw_client.hpp"
#include "http/running_server.hpp"
#include "http/server.hpp"
#include "soft_limit.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <optional>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace callchain::http {
namespace {

using namespace std::chrono_literals;

const std::string kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// Everything long but for what a test shortens, so that no other limit can be the one that is met.
ServerOptions with_limits(ServerLimits limits) { return {.limits = limits}; }
constexpr std::chrono::milliseconds kLong{60'000};
constexpr std::chrono::milliseconds kShort{60};

ServerLimits long_limits() {
    return {.header_time = kLong, .request_time = kLong, .idle_time = kLong, .answer_time = kLong};
}

TEST(ServerDeadlines, Answer408ForAHeadThatIsNotComplete) {
    Refusals refusals;
    auto limits = long_limits();
    limits.header_time = kShort;
    const auto server = start_server(echo, with_limits(limits), refusals.events());
    RawClient client(server->addresses()[0]);
    client.send("GET / HTTP/1.1\r\nHo");
    const auto answer = client.read_answer();
    EXPECT_EQ(answer.status, 408);
    EXPECT_EQ(answer.body, "the request did not arrive in time\n");
    EXPECT_EQ(client.read_to_end(), "");
    EXPECT_EQ(refusals.statuses(), std::vector<int>{408});
}

TEST(ServerDeadlines, AreNotExtendedByProgress) {
    auto limits = long_limits();
    limits.header_time = 150ms;
    const auto server = start_server(echo, with_limits(limits));
    RawClient client(server->addresses()[0]);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n");
    // One byte at a time, far below the limit between any two of them.
    for (int i = 0; i < 2000 && !client.has_something(5ms); ++i) client.send("a");
    EXPECT_EQ(client.read_answer().status, 408);
}

TEST(ServerDeadlines, Answer408ForABodyThatIsNotComplete) {
    auto limits = long_limits();
    limits.request_time = kShort;
    const auto server = start_server(echo, with_limits(limits));
    RawClient client(server->addresses()[0]);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell");
    EXPECT_EQ(client.read_answer().status, 408);
    EXPECT_EQ(client.read_to_end(), "");
}

TEST(ServerDeadlines, CloseAnIdleConnectionWithoutAWord) {
    Refusals refusals;
    auto limits = long_limits();
    limits.idle_time = kShort;
    const auto server = start_server(echo, with_limits(limits), refusals.events());
    RawClient fresh(server->addresses()[0]);
    EXPECT_EQ(fresh.read_to_end(), "");
    RawClient used(server->addresses()[0]);
    used.send(kGet);
    EXPECT_EQ(used.read_answer().status, 200);
    EXPECT_EQ(used.read_to_end(), "");
    RawClient blank(server->addresses()[0]);
    blank.send("\r\n");  // not yet a request
    EXPECT_EQ(blank.read_to_end(), "");
    EXPECT_EQ(refusals.statuses(), std::vector<int>{});
}

TEST(ServerDeadlines, Answer503ForAHandlerThatIsTooSlow) {
    Held held;
    Refusals refusals;
    auto limits = long_limits();
    limits.answer_time = kShort;
    const auto server = start_server(held.handler(), with_limits(limits), refusals.events());
    RawClient client(server->addresses()[0]);
    client.send(kGet + kGet);
    const auto answer = client.read_answer();
    EXPECT_EQ(answer.status, 503);
    EXPECT_TRUE(answer.head.find("\r\nConnection: close\r\n") != std::string::npos);
    held.take().second.send({.body = "too late"});
    EXPECT_EQ(client.read_to_end(), "");
    EXPECT_EQ(refusals.statuses(), std::vector<int>{503});
    EXPECT_EQ(held.size(), 0U);  // the pipelined request is not handed out
}

TEST(ServerDeadlines, CloseAConnectionThatDoesNotTakeItsAnswer) {
    auto limits = long_limits();
    limits.answer_time = kShort;
    Signal closed;
    const std::string large(std::size_t{32} << 20U, 'x');
    const auto server =
        start_server([&](const Request&, Responder responder) { responder.send({.body = large}); },
                     with_limits(limits), {.on_connection_closed = [&] { closed.give(); }});
    RawClient client(server->addresses()[0]);
    client.send(kGet);
    EXPECT_TRUE(closed.wait_for());
}

TEST(ServerSizes, Answer413SoThatTheClientSeesIt) {
    const auto server = start_server(echo, {.limits = {.body_bytes = 1000}});
    for (const std::string framing :
         {"Content-Length: 100000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n186A0\r\n"}) {
        SCOPED_TRACE(framing);
        RawClient client(server->addresses()[0]);
        client.send("POST / HTTP/1.1\r\nHost: a\r\n" + framing);
        client.send(std::string(100'000, 'x'));
        const auto answer = client.read_answer();
        EXPECT_EQ(answer.status, 413);
        EXPECT_TRUE(answer.head.find("\r\nConnection: close\r\n") != std::string::npos);
        client.finish_sending();
        EXPECT_EQ(client.read_to_end(), "");
        EXPECT_FALSE(client.was_reset());
    }
}

TEST(ServerSizes, EndAClientThatGoesOnSendingAfterTheRefusal) {
    Signal closed;
    const auto server =
        start_server(echo, {.limits = {.body_bytes = 10}}, {.on_connection_closed = [&] { closed.give(); }});
    RawClient client(server->addresses()[0]);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
    const std::string piece(65536, 'x');
    int sent = 0;
    while (sent < 1500 && client.send(piece)) ++sent;
    EXPECT_LT(sent, 1500);  // it was not read to its end
    EXPECT_TRUE(closed.wait_for());
}

TEST(ServerSizes, TakeABodyOfExactlyTheLimit) {
    const auto server = start_server(echo, {.limits = {.body_bytes = 5}});
    RawClient client(server->addresses()[0]);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    EXPECT_EQ(client.read_answer().body, "POST / [hello]");
    client.send(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n");
    EXPECT_EQ(client.read_answer().body, "POST / [hello]");
}

TEST(ServerSizes, TakeABodyOfOneMebibyteInManyPieces) {
    const auto server = start_server([](const Request& request, Responder responder) {
        responder.send({.body = std::to_string(request.body.size())});
    });
    RawClient client(server->addresses()[0]);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n");
    for (int i = 0; i < 1024; ++i) client.send(std::string(1024, 'x'));
    EXPECT_EQ(client.read_answer().body, "1048576");
}

TEST(ServerSizes, Answer503ForALargeRequestWhereOthersHoldTooMuchThatIsNotWhole) {
    Refusals refusals;
    auto limits = long_limits();
    limits.unfinished_bytes = std::size_t{300} << 10U;
    const auto server = start_server(echo, with_limits(limits), refusals.events());
    const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200001\r\n\r\n";
    const std::string body(200'000, 'x');
    std::optional<RawClient> first(server->addresses()[0]);
    first->send(head + body);
    RawClient small(server->addresses()[0]);
    // Whoever comes second may be read first: one of the two has to give way.
    RawClient second(server->addresses()[0]);
    second.send(head + body);
    auto& refused = [&]() -> RawClient& {
        while (true) {
            if (second.has_something(5ms)) return second;
            if (first->has_something(5ms)) return *first;
        }
    }();
    auto& other = &refused == &second ? *first : second;
    const auto answer = refused.read_answer();
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(answer.body, "too much is being received at once\n");
    EXPECT_EQ(refused.read_to_end(), "");
    EXPECT_EQ(refusals.statuses(), std::vector<int>{503});
    small.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell");
    small.send("o");
    EXPECT_EQ(small.read_answer().status, 200);
    other.send("x");
    EXPECT_EQ(other.read_answer().status, 200);
    // What was whole counts no more.
    RawClient third(server->addresses()[0]);
    third.send(head + body + "x");
    EXPECT_EQ(third.read_answer().status, 200);
}

TEST(ServerSizes, Answer431ForTooManyHeaders) {
    Refusals refusals;
    const auto server = start_server(echo, {}, refusals.events());
    RawClient client(server->addresses()[0]);
    std::string head = "GET / HTTP/1.1\r\nHost: a\r\n";
    while (head.size() < 40'000) head += "X: " + std::string(100, 'x') + "\r\n";
    client.send(head);
    EXPECT_EQ(client.read_answer().status, 431);
    client.finish_sending();
    EXPECT_EQ(client.read_to_end(), "");
    EXPECT_EQ(refusals.statuses(), std::vector<int>{431});
}

/// In a process of its own, since its limit of descriptors is low. The exit code says what went wrong.
[[noreturn]] void run_out_of_descriptors() {
    constexpr rlim_t kDescriptors = 64;
    const rlimit low{kDescriptors, kDescriptors};
    if (::setrlimit(RLIMIT_NOFILE, &low) != 0) ::_exit(2);
    Signal paused;
    std::atomic<int> pauses = 0;
    auto server = start_server(echo, {}, {.on_accept_paused = [&](const std::string& why) {
                                   pauses += why.find("Too many open files") == std::string::npos ? 1000 : 1;
                                   paused.give();
                               }});
    if (!server) ::_exit(3);
    {
        // All descriptors are taken but one, which goes to the client: the server has none for its end.
        std::vector<system::Descriptor> taken;
        do {
            taken.emplace_back(::socket(AF_INET, SOCK_STREAM, 0));
        } while (taken.back());
        taken.resize(taken.size() - 2);
        const RawClient waiting(server->addresses()[0]);
        if (!waiting.is_connected()) ::_exit(9);
        if (!paused.wait_for(3)) ::_exit(4);  // it tries again and again, and says so each time
        rusage before{};
        ::getrusage(RUSAGE_SELF, &before);
        if (!paused.wait_for(8)) ::_exit(5);
        rusage after{};
        ::getrusage(RUSAGE_SELF, &after);
        // Five pauses are half a second; a loop that spins would use most of it.
        if ((after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1'000'000 + after.ru_utime.tv_usec -
                before.ru_utime.tv_usec >
            250'000) {
            ::_exit(6);
        }
    }
    RawClient client(server->addresses()[0]);
    client.send(kGet);
    if (client.read_answer().status != 200) ::_exit(7);
    if (pauses >= 1000) ::_exit(8);
    ::_exit(0);
}

TEST(ServerDescriptors, PauseAcceptingWhereTheyRunOut) {
    const auto child = ::fork();
    if (child == 0) run_out_of_descriptors();
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(ServerDescriptors, AreRaisedToTheHardLimit) {
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    const SoftLimit low(RLIMIT_NOFILE, limit.rlim_max / 2);
    ASSERT_TRUE(low.holds());
    for (int i = 0; i < 2; ++i) EXPECT_EQ(raise_descriptor_limit(), limit.rlim_max);
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    EXPECT_EQ(limit.rlim_cur, limit.rlim_max);
}

TEST(ServerDescriptors, AreNamedWhereTheServerFindsNone) {
    if (has_ubsan()) GTEST_SKIP() << "UBSan needs descriptors of its own";
    struct Row {
        const char* name;
        int left;
        unsigned threads;
        ErrorCode code;
        const char* message;
    };
    for (const auto& row :
         {Row{"for its first socket", 0, 1, ErrorCode::usage, "Too many open files"},
          Row{"for the socket of its second thread", 1, 2, ErrorCode::usage, "Too many open files"},
          Row{"for its loop", 1, 1, ErrorCode::io, "no descriptors are left"}}) {
        SCOPED_TRACE(row.name);
        const SoftLimit low(RLIMIT_NOFILE, descriptors_and(row.left));
        ASSERT_TRUE(low.holds());
        const auto server = Server::start({.listen = {"127.0.0.1:0"}, .threads = row.threads}, echo);
        ASSERT_FALSE(server.has_value());
        EXPECT_EQ(server.error().code, row.code);
        EXPECT_NE(server.error().message.find(row.message), std::string::npos) << server.error().message;
    }
}

constexpr bool is_sanitized() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true;
#else
    return false;
#endif
}

rlim_t address_space_bytes() {
    std::ifstream status("/proc/self/statm");
    rlim_t pages = 0;
    status >> pages;
    return pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE));
}

// The stacks of so many threads do not find room, those of the first few do.
TEST(ServerThreads, AreNamedWhereTheSystemHasNoMore) {
    if (is_sanitized()) GTEST_SKIP() << "sanitizers need more room than may be left";
    const SoftLimit room(RLIMIT_AS, address_space_bytes() + (rlim_t{64} << 20U));
    ASSERT_TRUE(room.holds());
    const auto server = Server::start({.listen = {"127.0.0.1:0"}, .threads = 100}, echo);
    ASSERT_FALSE(server.has_value());
    EXPECT_EQ(server.error().code, ErrorCode::io);
    EXPECT_NE(server.error().message.find("cannot start a server thread"), std::string::npos)
        << server.error().message;
}

}  // namespace
}  // namespace callchain::http
