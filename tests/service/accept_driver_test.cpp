#include "service/accept_driver.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <thread>
#include <variant>

using namespace callchain;
using namespace callchain::service;
using openai::Outcome;
using std::chrono::milliseconds;
using namespace std::chrono_literals;

namespace {

constexpr const char* kNotFound =
    R"({"error":{"message":"No call with that id","type":"invalid_request_error","code":"call_id_not_found"}})";
constexpr const char* kDecided =
    R"({"error":{"message":"Decided","type":"invalid_request_error","code":"decision_already_made"}})";

http::ClientResult answer(int status, std::string body = {}, std::vector<http::Header> headers = {}) {
    http::ClientResponse response;
    response.status = status;
    response.headers.fields = std::move(headers);
    response.body = std::move(body);
    return response;
}

http::ClientResult failure(http::ClientFailure::Kind kind) { return http::ClientFailure{kind, "no luck"}; }

// A sender that answers from a script, on a thread of its own, as a client does.
class ScriptedSender {
  public:
    explicit ScriptedSender(std::vector<http::ClientResult> script) : script_(std::move(script)) {}
    ~ScriptedSender() {
        for (auto& thread : threads_) thread.join();
    }
    [[nodiscard]] ApiSender sender() {
        return [this](http::ClientRequest request, std::function<void(http::ClientResult)> done) {
            const auto index = requests.size();
            requests.push_back(std::move(request));
            ASSERT_LT(index, script_.size()) << "more attempts than the script has";
            threads_.emplace_back([done = std::move(done), result = script_[index]] { done(result); });
        };
    }
    std::vector<http::ClientRequest> requests;

  private:
    std::vector<http::ClientResult> script_;
    std::vector<std::thread> threads_;
};

AcceptSettings quick() {
    AcceptSettings settings;
    settings.policy.first_wait = 1ms;
    settings.policy.most_wait = 2ms;
    settings.random = [] { return 0.5; };
    return settings;
}

http::ClientRequest request() {
    return call_request("https://api.openai.com/v1/realtime/calls/rtc_1/accept", "key",
                        R"({"type":"realtime"})");
}

// Runs one accept to its end.
AcceptResult run(ScriptedSender& script, AcceptSettings settings) {
    http::Loop loop;
    std::optional<AcceptResult> got;
    AcceptDriver driver(loop, script.sender(), request(), std::move(settings), [&](AcceptResult result) {
        got = std::move(result);
        loop.stop();
    });
    auto guard = loop.after(30s, [&] { loop.stop(); });
    driver.start();
    loop.run();
    EXPECT_TRUE(got.has_value()) << "no result";
    return got.value_or(AcceptResult{});
}

}  // namespace

TEST(AcceptDriver, ReportsTheFirstAnswerThatDecides) {
    struct Row {
        const char* name;
        http::ClientResult answer;
        Outcome want;
    };
    for (const auto& row : {Row{"accepted", answer(200), Outcome::done},
                            Row{"decided", answer(409, kDecided), Outcome::decided_elsewhere},
                            Row{"bad body", answer(400), Outcome::request_refused},
                            Row{"bad key", answer(401), Outcome::credential_refused},
                            Row{"odd", answer(302), Outcome::unexpected_answer}}) {
        SCOPED_TRACE(row.name);
        ScriptedSender script({row.answer});
        const auto result = run(script, quick());
        EXPECT_EQ(result.outcome, row.want);
        EXPECT_EQ(result.attempts, 1);
        EXPECT_FALSE(result.perhaps_ours);
    }
}

TEST(AcceptDriver, AsksAgainAfterServerErrorsAndRateLimits) {
    ScriptedSender script({answer(500), answer(429, {}, {{"Retry-After", "0"}}), answer(503), answer(200)});
    const auto result = run(script, quick());
    EXPECT_EQ(result.outcome, Outcome::done);
    EXPECT_EQ(result.attempts, 4);
    ASSERT_EQ(script.requests.size(), 4U);
    for (const auto& sent : script.requests) {
        EXPECT_EQ(sent.body, R"({"type":"realtime"})");
        EXPECT_LE(sent.total_time, 10'000ms);
    }
}

TEST(AcceptDriver, AsksAgainForACallThatIsNotThereYet) {
    ScriptedSender script({answer(404, kNotFound), answer(200)});
    const auto result = run(script, quick());
    EXPECT_EQ(result.outcome, Outcome::done);
    EXPECT_EQ(result.attempts, 2);
    EXPECT_GE(result.duration, 300ms);
}

TEST(AcceptDriver, TakesNotFoundForAnOldEventAsFinal) {
    ScriptedSender script({answer(404, kNotFound)});
    auto settings = quick();
    settings.event_age = 31s;
    EXPECT_EQ(run(script, settings).outcome, Outcome::call_gone);
}

TEST(AcceptDriver, GivesUpAfterTheMostAttempts) {
    ScriptedSender script({answer(500), answer(502)});
    auto settings = quick();
    settings.policy.most_attempts = 2;
    const auto result = run(script, settings);
    EXPECT_EQ(result.outcome, Outcome::server_error);
    EXPECT_EQ(result.attempts, 2);
    EXPECT_EQ(result.answer.status, 502);
}

TEST(AcceptDriver, SendsNothingBehindTheDeadline) {
    ScriptedSender script({});
    auto settings = quick();
    settings.elapsed = 10s;
    const auto result = run(script, settings);
    EXPECT_EQ(result.outcome, Outcome::deadline_passed);
    EXPECT_EQ(result.attempts, 0);
}

TEST(AcceptDriver, GivesAnAttemptNoMoreTimeThanIsLeft) {
    ScriptedSender script({answer(200)});
    auto settings = quick();
    settings.elapsed = 9s;
    run(script, settings);
    ASSERT_EQ(script.requests.size(), 1U);
    EXPECT_LE(script.requests[0].total_time, 1'000ms);
    EXPECT_LE(script.requests[0].connect_time, 1'000ms);
    EXPECT_GT(script.requests[0].total_time, 0ms);
}

// A timeout says nothing about what was done: the refusal that follows may be of our own making.
TEST(AcceptDriver, SaysThatAnEarlierAttemptMayHaveWorked) {
    struct Row {
        http::ClientFailure::Kind kind;
        bool want;
    };
    for (const auto& row :
         {Row{http::ClientFailure::Kind::broken, true}, Row{http::ClientFailure::Kind::timeout, true},
          Row{http::ClientFailure::Kind::connect, false}, Row{http::ClientFailure::Kind::tls, false}}) {
        SCOPED_TRACE(static_cast<int>(row.kind));
        ScriptedSender script({failure(row.kind), answer(409, kDecided)});
        const auto result = run(script, quick());
        EXPECT_EQ(result.outcome, Outcome::decided_elsewhere);
        EXPECT_EQ(result.perhaps_ours, row.want);
        EXPECT_EQ(result.failure, "");
    }
}

TEST(AcceptDriver, KeepsTheWordsOfTheLastFailure) {
    ScriptedSender script({failure(http::ClientFailure::Kind::resolve)});
    auto settings = quick();
    settings.policy.most_attempts = 1;
    const auto result = run(script, settings);
    EXPECT_EQ(result.outcome, Outcome::network_failure);
    EXPECT_EQ(result.failure, "no luck");
    EXPECT_EQ(result.answer.status, 0);
    EXPECT_TRUE(result.answer.nothing_was_sent);
}

TEST(AcceptDriver, TellsTheRequestIdMadeVisible) {
    ScriptedSender script({answer(200, {}, {{"X-Request-Id", "req_1\x1b[2J"}})});
    EXPECT_EQ(run(script, quick()).request_id, "req_1\\x1b[2J");
}

TEST(AcceptDriver, MayBeDestroyedWhileAnAnswerIsUnderWay) {
    http::Loop loop;
    std::function<void(http::ClientResult)> late;
    bool called = false;
    auto driver = std::make_unique<AcceptDriver>(
        loop, [&](const http::ClientRequest&, auto done) { late = std::move(done); }, request(), quick(),
        [&](const AcceptResult&) { called = true; });
    driver->start();
    driver.reset();
    std::thread client([&] { late(answer(200)); });
    client.join();
    loop.post([&] { loop.stop(); });
    loop.run();
    EXPECT_FALSE(called);
}

TEST(AcceptDriver, MayBeDestroyedByItsOwnCallback) {
    http::Loop loop;
    ScriptedSender script({answer(200)});
    std::unique_ptr<AcceptDriver> driver;
    driver =
        std::make_unique<AcceptDriver>(loop, script.sender(), request(), quick(), [&](const AcceptResult&) {
            driver.reset();
            loop.stop();
        });
    driver->start();
    loop.run();
    EXPECT_EQ(driver, nullptr);
}

TEST(CallRequest, HasAContentTypeOnlyWithABody) {
    const auto value_of = [](const http::ClientRequest& sent, std::string_view name) {
        return std::string(http::Headers{sent.headers}.find(name).value_or("(none)"));
    };
    const auto with = call_request("https://a.example/accept", "key", "{}");
    const auto without = call_request("https://a.example/hangup", "key", "");
    EXPECT_EQ(value_of(with, "content-type"), "application/json");
    EXPECT_EQ(value_of(without, "content-type"), "(none)");
    EXPECT_EQ(value_of(without, "authorization"), "Bearer key");
    EXPECT_EQ(without.method, "POST");
}
