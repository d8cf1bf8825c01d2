#include "either_client.hpp"
#include "forbidden_call.hpp"
#include "peer.hpp"
#include "running_server.hpp"
#include "soft_limit.hpp"

#include <atomic>
#include <cstdlib>
#include <future>
#include <gtest/gtest.h>
#include <stdexcept>
#include <thread>

namespace callchain::http {
namespace {

using namespace std::chrono_literals;
using Kind = ClientFailure::Kind;

// Only of a test that has failed already is this ever waited for.
constexpr auto kLong = 60s;

class ClientTest : public WithPeer, public testing::WithParamInterface<ClientKind> {
  protected:
    static ClientRequest get(const std::string& url) {
        return {.method = "GET", .url = url, .connect_time = kLong, .total_time = kLong};
    }
    static ClientRequest post(const std::string& url, std::string body = {}) {
        return {.url = url, .body = std::move(body), .connect_time = kLong, .total_time = kLong};
    }
    static ClientResponse answer_of(EitherClient& client, ClientRequest request) {
        auto result = client.perform(std::move(request));
        if (const auto* failure = std::get_if<ClientFailure>(&result)) {
            ADD_FAILURE() << name_of(failure->kind) << ": " << failure->message;
            return {};
        }
        return std::get<ClientResponse>(std::move(result));
    }
    static ClientFailure failure_of(EitherClient& client, ClientRequest request) {
        auto result = client.perform(std::move(request));
        if (const auto* response = std::get_if<ClientResponse>(&result)) {
            ADD_FAILURE() << "answered with " << response->status;
            return {};
        }
        return std::get<ClientFailure>(std::move(result));
    }
    // A target that no other test counts, nor this one with the other client.
    static std::string target_of_its_own(const std::string& path) {
        return path + (GetParam() == ClientKind::on_a_loop ? "-loop" : "-thread");
    }
    // How many requests with that target the peer has read.
    static std::string count(EitherClient& client, const std::string& target) {
        return answer_of(client, get(peer().url("raw", "/count" + target))).body;
    }
};

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

// More than are handed to libcurl at once: those behind them have their time as well, and their turn.
TEST_P(ClientTest, AnswersAThousandThatHangAndThoseBehindThem) {
    std::atomic<int> gave_up = 0;
    std::atomic<int> answered = 0;
    EitherClient client(GetParam(), {.user_agent = "callchain/test"});
    auto hanging = get(peer().url("http", "/hang"));
    hanging.total_time = 300ms;
    for (int i = 0; i < 1'000; ++i) {
        client.send(hanging, [&](const ClientResult& result) {
            gave_up += std::holds_alternative<ClientFailure>(result);
        });
    }
    std::vector<std::future<void>> ends;
    for (int i = 0; i < 50; ++i) {
        auto end = std::make_shared<std::promise<void>>();
        ends.push_back(end->get_future());
        client.send(get(peer().url("http", "/echo")), [&, end](const ClientResult& result) {
            answered += std::holds_alternative<ClientResponse>(result);
            end->set_value();
        });
    }
    for (auto& end : ends) ASSERT_EQ(end.wait_for(kLong), std::future_status::ready);
    EXPECT_EQ(gave_up, 1'000);
    EXPECT_EQ(answered, 50);
}

TEST_P(ClientTest, TellsHowLongTheNextOneWaitsForItsTurn) {
    constexpr int kRequests = 600;
    std::atomic<int> closed = 0;
    EitherClient client(GetParam());
    EXPECT_EQ(client.delay(), 0ms);
    for (int i = 0; i < kRequests; ++i) {
        client.send(get(peer().url("http", "/hang")), [&](const ClientResult& result) {
            const auto* failure = std::get_if<ClientFailure>(&result);
            closed += failure != nullptr && failure->kind == Kind::closed;
        });
    }
    const auto limit = std::chrono::steady_clock::now() + kLong;
    while (client.delay() == 0ms && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
    EXPECT_GT(client.delay(), 0ms);
    client.stop();
    EXPECT_EQ(closed, kRequests);
    EXPECT_EQ(client.delay(), 0ms) << "nobody waits any more";
}

TEST_P(ClientTest, SendsWhatItWasGiven) {
    EitherClient client(GetParam(), {.user_agent = "callchain/test"});
    auto request = post(peer().url("http", "/echo/../echo?q=%7E%2f"), std::string("{\"a\":1}\0\xff", 9));
    request.headers = {
        {"Authorization", "Bearer sk-x"}, {"X-B", "1"}, {"x-a", "2"}, {"X-B", ""}, {"Accept", "a/b"}};
    const auto response = answer_of(client, request);
    EXPECT_EQ(response.status, 404) << "the path goes out as it is";
    request.url = peer().url("http", "/echo?q=%7E%2f");
    const auto echoed = answer_of(client, request);
    EXPECT_EQ(echoed.status, 200);
    EXPECT_EQ(echoed.version, "HTTP/1.1");
    EXPECT_GT(echoed.duration.count(), 0);
    EXPECT_EQ(echoed.body,
              "POST /echo?q=%7E%2f HTTP/1.1\nHost: 127.0.0.1:" + peer().value("http") +
                  "\nUser-Agent: callchain/test\nAuthorization: Bearer sk-x\nX-B: 1\nx-a: 2\nX-B: \n"
                  "Accept: a/b\nContent-Length: 9\n\n" +
                  request.body);
}

TEST_P(ClientTest, AddsNothingToWhatIsPassedOn) {
    EitherClient client(GetParam(), {.user_agent = "callchain/test"});
    auto request = post(peer().url("http", "/elsewhere"), "x");
    request.headers = {{"x-b", "1"}, {"Host", "hook.example.com"}, {"X-A", ""}};
    request.target = "/echo?q='|\"\\{}^";
    request.form = ClientRequest::Form::as_given;
    EXPECT_EQ(
        answer_of(client, request).body,
        "POST /echo?q='|\"\\{}^ HTTP/1.1\nHost: hook.example.com\nx-b: 1\nX-A: \nContent-Length: 1\n\nx");
    for (const auto* target : {"/echo x", "/echo\r\nX: 1", "/echo\t"}) {
        SCOPED_TRACE(target);
        request.target = target;
        EXPECT_EQ(failure_of(client, request).kind, Kind::url);
    }
}

TEST_P(ClientTest, FramesEachMethodAsHttpSays) {
    struct Row {
        std::string method, body, want, not_want;
    };
    EitherClient client(GetParam());
    for (const auto& row :
         {Row{"POST", "", "Content-Length: 0\n", "Content-Type"},
          Row{"POST", "abc", "Content-Length: 3\n", "Content-Type"},
          Row{"PUT", "", "Content-Length: 0\n", "Expect"}, Row{"PATCH", "x", "Content-Length: 1\n", "Expect"},
          Row{"GET", "", "GET /echo HTTP/1.1\n", "Content-Length"},
          Row{"DELETE", "", "DELETE /echo HTTP/1.1\n", "Content-Length"},
          Row{"DELETE", "x", "Content-Length: 1\n", "Content-Type"},
          Row{"OPTIONS", "", "OPTIONS /echo HTTP/1.1\n", "Content-Length"},
          Row{"GET", "abc", "Content-Length: 3\n", "Content-Type"}}) {
        SCOPED_TRACE(row.method + ' ' + row.body);
        auto request = post(peer().url("http", "/echo"), row.body);
        request.method = row.method;
        const auto echoed = answer_of(client, request).body;
        EXPECT_TRUE(echoed.starts_with(row.method + " /echo HTTP/1.1\n")) << echoed;
        EXPECT_TRUE(contains(echoed, row.want)) << echoed;
        EXPECT_FALSE(contains(echoed, row.not_want)) << echoed;
        EXPECT_TRUE(echoed.ends_with("\n\n" + row.body)) << echoed;
    }
    auto head = post(peer().url("http", "/echo"), "not sent");
    head.method = "HEAD";
    EXPECT_EQ(answer_of(client, head).status, 200);
    EXPECT_EQ(answer_of(client, head).body, "");
}

TEST_P(ClientTest, PassesOverFramingHeadersOfTheCaller) {
    EitherClient client(GetParam());
    auto request = post(peer().url("http", "/echo"), std::string(2'000'000, 'b'));
    request.headers = {{"content-length", "1"}, {"Transfer-Encoding", "chunked"}, {"Expect", "100-continue"}};
    const auto echoed = answer_of(client, request).body;
    EXPECT_TRUE(contains(echoed, "Content-Length: 2000000\n")) << echoed.substr(0, 300);
    EXPECT_FALSE(contains(echoed, "Transfer-Encoding"));
    EXPECT_FALSE(contains(echoed, "Expect"));
}

TEST_P(ClientTest, KeepsHeadersInOrderWithDuplicates) {
    EitherClient client(GetParam());
    const auto response = answer_of(client, get(peer().url("raw", "/headers")));
    std::string lines;
    for (const auto& field : response.headers.fields) lines += field.name + '=' + field.value + ';';
    EXPECT_EQ(lines,
              "Set-Cookie=a=1;X-Folded=one two;set-cookie=b=2;X-Empty=;X-Blank=padded;Content-Length=0;");
}

TEST_P(ClientTest, DropsHeadersOfInterimResponsesAndTrailers) {
    EitherClient client(GetParam());
    const auto interim = answer_of(client, get(peer().url("raw", "/interim")));
    EXPECT_EQ(interim.status, 201);
    ASSERT_EQ(interim.headers.fields.size(), 2U);
    EXPECT_EQ(interim.headers.fields[0].name, "X-Final");
    const auto trailers = answer_of(client, get(peer().url("raw", "/trailers")));
    EXPECT_EQ(trailers.body, "ok");
    ASSERT_EQ(trailers.headers.fields.size(), 1U);
    EXPECT_EQ(trailers.headers.fields[0].name, "Transfer-Encoding");
}

TEST_P(ClientTest, AnswersWithWhateverStatusTheServerHas) {
    EitherClient client(GetParam());
    for (const int status : {200, 204, 304, 400, 401, 404, 417, 429, 500, 503, 599}) {
        const auto url = peer().url("http", "/status/" + std::to_string(status));
        EXPECT_EQ(answer_of(client, post(url, "x")).status, status);
    }
    const auto redirect = answer_of(client, get(peer().url("http", "/redirect")));
    EXPECT_EQ(redirect.status, 302);
    EXPECT_EQ(redirect.headers.find("location"), "/echo");
    EXPECT_EQ(answer_of(client, post(peer().url("http", "/retry-after"))).headers.find("retry-after"), "7");
    const auto old = answer_of(client, get(peer().url("raw", "/http10")));
    EXPECT_EQ(old.version, "HTTP/1.0");
    EXPECT_EQ(old.body, "until the end");
}

// RFC 9110 section 10.1.1 and RFC 9112 section 9.3: a server may answer before it has read all.
TEST_P(ClientTest, TakesAnAnswerThatComesBeforeTheBodyWasRead) {
    EitherClient client(GetParam());
    const auto answer =
        answer_of(client, post(peer().url("raw", "/early"), std::string(std::size_t{1} << 25U, 'x')));
    EXPECT_EQ(answer.status, 413);
    EXPECT_EQ(answer.body, "nope");
}

TEST_P(ClientTest, CutsABodyBehindItsLimit) {
    EitherClient client(GetParam(), {.body_bytes = 100'000});
    const auto whole = answer_of(client, get(peer().url("http", "/big/100000")));
    EXPECT_EQ(whole.body.size(), 100'000U);
    EXPECT_FALSE(whole.body_cut);
    for (const auto* path : {"/big/100001", "/big/50000000"}) {
        const auto cut = answer_of(client, get(peer().url("http", path)));
        EXPECT_EQ(cut.status, 200);
        EXPECT_EQ(cut.body, std::string(100'000, 'x'));
        EXPECT_TRUE(cut.body_cut);
    }
}

TEST_P(ClientTest, TellsABrokenAnswerFromAWholeOne) {
    EitherClient client(GetParam());
    for (const auto* path :
         {"/reset", "/short", "/nothing", "/garbage", "/long-header", "/no-colon", "/http12"}) {
        SCOPED_TRACE(path);
        const auto failure = failure_of(client, post(peer().url("raw", path), "x"));
        EXPECT_EQ(failure.kind, Kind::broken) << failure.message;
        EXPECT_FALSE(failure.nothing_was_sent());
        EXPECT_TRUE(contains(failure.message, "127.0.0.1:" + peer().value("raw"))) << failure.message;
    }
}

TEST_P(ClientTest, RefusesWhatItCannotSend) {
    EitherClient client(GetParam());
    for (const auto* url :
         {"", "127.0.0.1:1/x", "ftp://127.0.0.1/x", "file:///etc/passwd", "gopher://127.0.0.1:1/x", "http://",
          "http:///x", "http://127.0.0.1:99999/", "http://127.0.0.1/a b", "http://127.0.0.1/\r\nX: y",
          "https:127.0.0.1", "http://[::1/"}) {
        SCOPED_TRACE(url);
        const auto failure = failure_of(client, post(url));
        EXPECT_EQ(failure.kind, Kind::url) << failure.message;
        EXPECT_TRUE(failure.nothing_was_sent());
    }
    auto request = post(peer().url("http", "/echo"));
    request.headers = {{"X-A", "1\r\nX-B: 2"}};
    EXPECT_EQ(failure_of(client, request).kind, Kind::url);
    request.headers = {{"X A", "1"}};
    EXPECT_EQ(failure_of(client, request).kind, Kind::url);
    request.headers = {};
    request.method = "GET /x HTTP/1.1\r\nX:";
    EXPECT_EQ(failure_of(client, request).kind, Kind::url);
}

TEST_P(ClientTest, RefusesWhatIsLongerThanLibcurlTakes) {
    EitherClient client(GetParam());
    const auto url = peer().url("http", "/echo");
    // CURL_MAX_INPUT_LENGTH of 7.88.1 is 8,000,000 bytes, DYN_HTTP_REQUEST 1 MiB for all of a head.
    const auto long_url = failure_of(client, post(url + '?' + std::string(8'000'001, 'a')));
    EXPECT_EQ(long_url.kind, Kind::url) << long_url.message;
    EXPECT_LT(long_url.message.size(), 400U);
    auto request = post(url, "x");
    request.headers = {{"X", std::string(std::size_t{1} << 20U, 'x')}};
    const auto long_head = failure_of(client, request);
    EXPECT_EQ(long_head.kind, Kind::url) << long_head.message;
    EXPECT_TRUE(long_head.nothing_was_sent());
    EXPECT_TRUE(contains(long_head.message, "its header is too long")) << long_head.message;
}

TEST_P(ClientTest, KnowsThatNothingWasSentWithoutAConnection) {
    EitherClient client(GetParam());
    // libcurl refuses this top-level domain by itself (RFC 7686), so that no name server is needed.
    const auto unknown = failure_of(client, post("http://nothing.onion/"));
    EXPECT_EQ(unknown.kind, Kind::resolve) << unknown.message;
    const auto refused = failure_of(client, post("http://127.0.0.1:1/"));
    EXPECT_EQ(refused.kind, Kind::connect) << refused.message;
    EXPECT_TRUE(refused.nothing_was_sent());
    auto handshake = post(peer().url("mute", "/", "https"));
    handshake.connect_time = 100ms;
    const auto mute = failure_of(client, handshake);
    EXPECT_EQ(mute.kind, Kind::connect) << mute.message;
    handshake.connect_time = kLong;
    handshake.total_time = 100ms;
    EXPECT_EQ(failure_of(client, handshake).kind, Kind::connect);
}

TEST_P(ClientTest, VerifiesCertificateAndHostName) {
    struct Row {
        std::string server, host, words;
    };
    EitherClient client(GetParam(), {.ca_file = peer().ca_file()});
    EXPECT_EQ(answer_of(client, get(peer().url("good", "/echo", "https"))).status, 200);
    EXPECT_EQ(answer_of(client, get(peer().url("good", "/echo", "https", "localhost"))).status, 200);
    for (const auto& row : {Row{"wrongname", "127.0.0.1", "name"}, Row{"wrongname", "localhost", "name"},
                            Row{"expired", "localhost", "expired"}, Row{"selfsigned", "localhost", "self"},
                            Row{"http", "127.0.0.1", ""}}) {
        SCOPED_TRACE(row.server);
        const auto failure =
            failure_of(client, post(peer().url(row.server, "/echo", "https", row.host), "x"));
        EXPECT_EQ(failure.kind, Kind::tls) << failure.message;
        EXPECT_TRUE(failure.nothing_was_sent());
        EXPECT_TRUE(contains(failure.message, row.words)) << failure.message;
    }
    EitherClient of_system(GetParam());
    EXPECT_EQ(failure_of(of_system, get(peer().url("good", "/echo", "https"))).kind, Kind::tls);
    EitherClient without_file(GetParam(), {.ca_file = peer().value("folder") + "/none.pem"});
    EXPECT_EQ(failure_of(without_file, get(peer().url("good", "/echo", "https"))).kind, Kind::tls);
}

TEST_P(ClientTest, GivesUpInTimeOnceItIsConnected) {
    EitherClient client(GetParam());
    auto request = post(peer().url("http", "/hang"), "x");
    request.total_time = 100ms;
    const auto failure = failure_of(client, request);
    EXPECT_EQ(failure.kind, Kind::timeout) << failure.message;
    EXPECT_FALSE(failure.nothing_was_sent());
    EXPECT_TRUE(contains(failure.message, "100 ms")) << failure.message;
    EXPECT_EQ(answer_of(client, get(peer().url("http", "/slow/20"))).body, "late");
}

TEST_P(ClientTest, CountsTheTimeInTheQueue) {
    EitherClient client(GetParam(), {.most_connections_per_host = 1});
    std::promise<ClientResult> first;
    client.send(post(peer().url("http", "/hang"), "x"),
                [&](ClientResult result) { first.set_value(std::move(result)); });
    auto waiting = post(peer().url("http", "/echo"));
    waiting.total_time = 100ms;
    const auto failure = failure_of(client, waiting);
    EXPECT_EQ(failure.kind, Kind::connect) << failure.message;
    waiting.total_time = 0ms;
    EXPECT_EQ(failure_of(client, waiting).kind, Kind::connect);
    client.stop();
    EXPECT_EQ(std::get<ClientFailure>(first.get_future().get()).kind, Kind::closed);
}

// Behind those that it hands to libcurl at once.
TEST_P(ClientTest, EndsInTimeWhatHasNotHadItsTurn) {
    constexpr int kAtOnce = 512;
    std::atomic<int> closed = 0;
    EitherClient client(GetParam());
    for (int i = 0; i < kAtOnce; ++i) {
        client.send(get(peer().url("http", "/hang")), [&](const ClientResult& result) {
            const auto* failure = std::get_if<ClientFailure>(&result);
            closed += failure != nullptr && failure->kind == Kind::closed;
        });
    }
    auto waiting = get(peer().url("http", "/echo"));
    waiting.total_time = 500ms;
    const auto failure = failure_of(client, waiting);
    EXPECT_EQ(failure.kind, Kind::connect) << failure.message;
    EXPECT_TRUE(failure.nothing_was_sent());
    EXPECT_TRUE(contains(failure.message, "500 ms")) << failure.message;
    EXPECT_EQ(closed, 0);
    client.stop();
    EXPECT_EQ(closed, kAtOnce);
}

TEST_P(ClientTest, PutsNoSecretIntoMessages) {
    EitherClient client(GetParam(), {.ca_file = peer().ca_file()});
    for (const auto& url :
         {peer().url("raw", "/nothing?key=sk-secret"), peer().url("raw", "/garbage?key=sk-secret"),
          peer().url("expired", "/?key=sk-secret", "https"),
          std::string("http://user:sk-secret@127.0.0.1:1/"), std::string("ftp://user:sk-secret@127.0.0.1:1/"),
          std::string("http://127.0.0.1:1/\nsk-secret"), std::string("sk-secret://x"),
          std::string("http://127.0.0.1:1?sk-secret")}) {
        auto request = post(url, "sk-secret");
        request.headers = {{"Authorization", "Bearer sk-secret"}};
        const auto failure = failure_of(client, request);
        EXPECT_FALSE(contains(failure.message, "secret")) << failure.message;
        EXPECT_NE(failure.message, "");
    }
}

// The peer reads the second request on a kept connection and closes it without an answer: whether it was
// carried out, nobody knows. libcurl by itself would send it again.
TEST_P(ClientTest, NeverSendsAPostTwice) {
    for (const auto* body : {"x", ""}) {
        SCOPED_TRACE(body);
        const auto path = target_of_its_own(std::string("/kept/once/post") + body);
        EitherClient client(GetParam());
        EXPECT_EQ(answer_of(client, post(peer().url("raw", path), body)).body, "ok");
        const auto failure = failure_of(client, post(peer().url("raw", path), body));
        EXPECT_EQ(failure.kind, Kind::broken) << failure.message;
        EXPECT_TRUE(contains(failure.message, "not sent a second time")) << failure.message;
        EXPECT_EQ(count(client, path), "2");
    }
}

TEST_P(ClientTest, SendsAnIdempotentRequestAgain) {
    EitherClient client(GetParam());
    const auto target = target_of_its_own("/kept/once/get");
    EXPECT_EQ(answer_of(client, get(peer().url("raw", target))).body, "ok");
    EXPECT_EQ(answer_of(client, get(peer().url("raw", target))).body, "ok");
    EXPECT_EQ(count(client, target), "3");
}

// Here the peer closes behind its answer. Mostly libcurl sees that before it sends; if not, the request is
// lost.
TEST_P(ClientTest, SurvivesKeptConnectionsThatEndSilently) {
    constexpr int kRequests = 30;
    EitherClient client(GetParam());
    const auto target = target_of_its_own("/kept/idle/post");
    int answered = 0;
    for (int i = 0; i < kRequests; ++i) {
        auto result = client.perform(post(peer().url("raw", target), "x"));
        if (const auto* failure = std::get_if<ClientFailure>(&result)) {
            EXPECT_EQ(failure->kind, Kind::broken) << failure->message;
        } else {
            ++answered;
        }
    }
    EXPECT_GE(answered, 1);
    EXPECT_EQ(count(client, target), std::to_string(answered)) << "none was read twice, or unanswered";
}

TEST_P(ClientTest, ServesManyRequestsFromManyThreads) {
    constexpr int kThreads = 4;
    constexpr int kEach = 100;
    EitherClient client(GetParam(), {.most_connections_per_host = 16});
    std::atomic<int> right{0};
    std::atomic<int> calls{0};
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
        threads.emplace_back([&, thread] {
            for (int i = 0; i < kEach; ++i) {
                const auto body = std::to_string(thread) + '/' + std::to_string(i);
                client.send(post(peer().url("http", "/echo"), body), [&, body](const ClientResult& result) {
                    const auto* response = std::get_if<ClientResponse>(&result);
                    if (response != nullptr && response->body.ends_with("\n\n" + body)) ++right;
                    ++calls;
                    calls.notify_one();
                });
            }
        });
    }
    for (auto& thread : threads) thread.join();
    for (int seen = calls; seen < kThreads * kEach; seen = calls) calls.wait(seen);
    EXPECT_EQ(right, kThreads * kEach);
}

TEST_P(ClientTest, MaySendFromTheCallback) {
    EitherClient client(GetParam());
    std::promise<int> status;
    client.send(get(peer().url("http", "/status/201")), [&](const ClientResult&) {
        client.send(get(peer().url("http", "/status/202")), [&](const ClientResult& result) {
            status.set_value(std::get<ClientResponse>(result).status);
        });
    });
    EXPECT_EQ(status.get_future().get(), 202);
}

TEST_P(ClientTest, SurvivesCallbacksThatThrow) {
    EitherClient client(GetParam());
    client.send(get(peer().url("http", "/echo")),
                [](const ClientResult&) { throw std::runtime_error("mine"); });
    client.send(get(peer().url("http", "/echo")), {});
    EXPECT_EQ(answer_of(client, get(peer().url("http", "/status/200"))).status, 200);
}

TEST_P(ClientTest, EndsWhatIsUnderWayWhenItStops) {
    constexpr int kRequests = 20;
    std::atomic<int> closed{0};
    const auto count_closed = [&](const ClientResult& result) {
        const auto* failure = std::get_if<ClientFailure>(&result);
        if (failure != nullptr && failure->kind == Kind::closed && !failure->nothing_was_sent()) ++closed;
    };
    {
        EitherClient client(GetParam(), {.most_connections_per_host = 4});
        for (int i = 0; i < kRequests; ++i) client.send(post(peer().url("http", "/hang"), "x"), count_closed);
        std::thread other([&] { client.stop(); });
        client.stop();
        other.join();
        EXPECT_EQ(closed, kRequests);
        client.send(get(peer().url("http", "/echo")), count_closed);
        EXPECT_EQ(closed, kRequests + 1);
        EXPECT_EQ(failure_of(client, get(peer().url("http", "/echo"))).kind, Kind::closed);
    }
    {
        EitherClient client(GetParam());
        client.send(post(peer().url("http", "/hang"), "x"), count_closed);
    }
    EXPECT_EQ(closed, kRequests + 2);
}

// Sets a variable of the environment for as long as no client runs beside it.
class Variable {
  public:
    Variable(const char* name, const std::string& value) : name_(name) { setenv(name, value.c_str(), 1); }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;
    ~Variable() { unsetenv(name_); }

  private:
    const char* name_;
};

TEST_P(ClientTest, TakesTheProxyOfTheEnvironmentButForLoopback) {
    const Variable http("http_proxy", peer().url("proxy", ""));
    const Variable https("https_proxy", peer().url("proxy", ""));
    const Variable direct("no_proxy", "direct.onion");
    EitherClient client(GetParam());
    EXPECT_EQ(answer_of(client, get("http://nothing.onion/x")).body,
              "by proxy: GET http://nothing.onion/x HTTP/1.1");
    EXPECT_EQ(failure_of(client, get("http://direct.onion/x")).kind, Kind::resolve);
    EXPECT_EQ(answer_of(client, get(peer().url("http", "/status/200"))).body, "{\"code\": \"200\"}");
    EXPECT_EQ(answer_of(client, get(peer().url("http", "/status/200", "http", "localhost"))).status, 200);
    // The proxy refuses CONNECT: the peer has not seen a byte.
    const auto refused = failure_of(client, post("https://nothing.onion/x", "x"));
    EXPECT_EQ(refused.kind, Kind::connect) << refused.message;
    EXPECT_TRUE(contains(refused.message, "403")) << refused.message;
}

INSTANTIATE_TEST_SUITE_P(Client, ClientTest, testing::Values(ClientKind::on_a_thread, ClientKind::on_a_loop),
                         name_of_kind);

// poll(2): "EINVAL The nfds value exceeds the RLIMIT_NOFILE value."
TEST(ClientOnAThread, AnswersWhatIsUnderWayWherePollingFails) {
    if (has_ubsan()) GTEST_SKIP() << "UBSan needs descriptors of its own";
    Held held;
    const auto server = start_server([hold = held.handler()](Request request, Responder responder) {
        if (request.target == "/held") return hold(std::move(request), std::move(responder));
        echo(request, std::move(responder));
    });
    const auto to = [&](const std::string& target) {
        return ClientRequest{.url = "http://" + server->addresses()[0] + target, .total_time = kLong};
    };
    Client client;
    std::promise<ClientResult> result;
    client.send(to("/held"), [&](ClientResult got) { result.set_value(std::move(got)); });
    ASSERT_TRUE(held.arrived.wait_for());
    {
        const SoftLimit one(RLIMIT_NOFILE, 1);
        ASSERT_TRUE(one.holds());
        client.send(to("/"), {});  // wakes it
        const auto got = result.get_future().get();
        const auto& failure = std::get<ClientFailure>(got);
        EXPECT_EQ(failure.kind, Kind::broken) << failure.message;
        EXPECT_TRUE(contains(failure.message, "poll")) << failure.message;
    }
    EXPECT_EQ(std::get<ClientResponse>(client.perform(to("/"))).status, 200) << "and goes on";
}

TEST(ClientOnLoop, TellsOnceOfWhatItHadNotBegunWhenItStopped) {
    for (const bool destroyed : {false, true}) {
        SCOPED_TRACE(destroyed);
        Loop loop;
        std::vector<ClientResult> results;
        auto client = std::make_unique<ClientOnLoop>(loop, ClientOptions{});
        client->send({.url = "http://127.0.0.1:1/"},
                     [&](ClientResult result) { results.push_back(std::move(result)); });
        client->stop();
        if (destroyed) client.reset();
        loop.post([&] { loop.stop(); });
        loop.run();
        ASSERT_EQ(results.size(), 1U);
        EXPECT_EQ(std::get<ClientFailure>(results[0]).kind, Kind::closed);
    }
}

// epoll_ctl(2), ENOSPC: "The limit imposed by /proc/sys/fs/epoll/max_user_watches was encountered".
TEST(ClientOnLoop, GivesUpInTimeWhatItCannotWatch) {
    Held held;  // libcurl looks at its connection now and then by itself, and may get as far as to send
    const auto server = start_server(held.handler());
    std::thread loop_thread([&] {
        Loop loop;
        std::vector<ClientResult> results;
        const auto note = [&](ClientResult result) {
            results.push_back(std::move(result));
            loop.stop();
        };
        ClientOnLoop client(loop, {});
        const auto watched = loop.after(0ms, [&] {
            if (!forbid(SYS_epoll_ctl, ENOSPC)) return loop.stop();
            client.send({.url = "http://" + server->addresses()[0] + '/', .total_time = 100ms}, note);
        });
        loop.run();
        if (results.empty()) GTEST_SKIP() << "no system call can be forbidden here";
        ASSERT_EQ(results.size(), 1U);
        const auto* failure = std::get_if<ClientFailure>(&results[0]);
        ASSERT_NE(failure, nullptr);
        EXPECT_TRUE(failure->kind == Kind::connect || failure->kind == Kind::timeout) << failure->message;
    });
    loop_thread.join();
}

// The loop is kept busy until both times are over, so that the client's own is up when it is stopped.
TEST(ClientOnLoop, TellsOnceWhereItIsStoppedAtItsDeadline) {
    Held held;
    const auto server = start_server(held.handler());
    Loop loop;
    int results = 0;
    ClientOnLoop client(loop, {});
    const auto begin = std::chrono::steady_clock::now();
    client.send({.url = "http://" + server->addresses()[0] + '/', .total_time = 100ms},
                [&](const ClientResult&) { ++results; });
    const auto busy = loop.after(10ms, [&] { std::this_thread::sleep_until(begin + 120ms); });
    const auto stop = loop.after(20ms, [&] { client.stop(); });
    const auto end = loop.after(130ms, [&] { loop.stop(); });
    loop.run();
    EXPECT_EQ(results, 1);
}

TEST(CurlVersionText, BeginsWithTheVersion) {
    const auto text = curl_version_text();
    EXPECT_TRUE(text.starts_with("7.") || text.starts_with("8.")) << text;
    EXPECT_TRUE(contains(text, "OpenSSL")) << text;
}

}  // namespace
}  // namespace callchain::http
