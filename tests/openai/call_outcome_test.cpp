#include "openai/call_outcome.hpp"

#include "base/text.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <rapidcheck.h>
#include <set>

namespace callchain::openai {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::sys_seconds;

const RetryPolicy kPolicy;
const sys_seconds kNow = sys_days{std::chrono::year{1994} / 11 / 6} + 8h + 49min + 37s;

ApiAnswer answer_of(int status, std::string code = {}) {
    ApiAnswer answer;
    answer.status = status;
    answer.error_code = std::move(code);
    return answer;
}

RetryState state_of(int attempts, milliseconds elapsed = 100ms) {
    RetryState state;
    state.attempts = attempts;
    state.elapsed = elapsed;
    return state;
}

ApiAnswer read(std::string_view body) { return read_api_answer(400, body, std::nullopt, std::nullopt, kNow); }

TEST(NameOf, TellsOutcomesApart) {
    // The names that scripts and dashboards are written against.
    struct Row {
        Outcome outcome;
        std::string_view name;
        std::string_view code;
    };
    using enum Outcome;
    std::set<std::string_view> meanings;
    for (const auto& row : {Row{done, "done", ""}, Row{call_gone, "call_gone", "call_gone"},
                            Row{decided_elsewhere, "decided_elsewhere", "call_decided_elsewhere"},
                            Row{conflict, "conflict", "call_conflict"},
                            Row{request_refused, "request_refused", "call_request_refused"},
                            Row{credential_refused, "credential_refused", "call_credential_refused"},
                            Row{rate_limited, "rate_limited", "call_rate_limited"},
                            Row{server_error, "server_error", "call_server_error"},
                            Row{network_failure, "network_failure", "call_network_failure"},
                            Row{deadline_passed, "deadline_passed", "call_deadline_passed"},
                            Row{unexpected_answer, "unexpected_answer", "call_unexpected_answer"}}) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(name_of(row.outcome), row.name);
        EXPECT_EQ(code_of(row.outcome), row.code);
        EXPECT_TRUE(meaning_of(row.outcome).ends_with('.'));
        EXPECT_TRUE(meanings.insert(meaning_of(row.outcome)).second);
    }
}

TEST(ReadApiAnswer, ReadsTheErrorOfTheApi) {
    const auto answer = read_api_answer(
        404,
        R"({"error": {"message": "No call found with id rtc_1.", "type": "invalid_request_error", )"
        R"("code": "call_id_not_found", "param": null}})",
        std::nullopt, std::nullopt, kNow);
    EXPECT_EQ(answer.status, 404);
    EXPECT_EQ(answer.error_code, "call_id_not_found");
    EXPECT_EQ(answer.error_type, "invalid_request_error");
    EXPECT_EQ(answer.error_message, "No call found with id rtc_1.");
    EXPECT_EQ(answer.retry_after, std::nullopt);
    EXPECT_FALSE(answer.nothing_was_sent);
}

TEST(ReadApiAnswer, IsEmptyForAnythingElse) {
    for (const std::string_view body :
         {"", "<html><body>nginx 404</body></html>", "null", "[]", R"([{"error": {"code": "x"}}])",
          R"({"error": "text"})", R"({"error": ["code", "x"]})", R"({"error": {"error": {"code": "x"}}})",
          R"({"code": "x", "message": "y", "type": "z"})", R"({"errors": {"code": "x"}})",
          R"({"error": {"code": 7, "message": null, "type": {"code": "x"}}})", R"({"error": {"code": "x")",
          R"({"error": {}, "other": {"code": "x"}})"}) {
        SCOPED_TRACE(body);
        const auto answer = read(body);
        EXPECT_EQ(answer.error_code, "");
        EXPECT_EQ(answer.error_type, "");
        EXPECT_EQ(answer.error_message, "");
    }
    EXPECT_EQ(read(R"({"error": {"code": )" + std::string(100'000, '[')).error_code, "");
}

TEST(ReadApiAnswer, ShowsNoSecretAndNoControlCharacter) {
    const auto answer =
        read(R"({"error": {"message": "Incorrect API key: sk-proj-0123456789abcdefghij\u001b[31m\n", )"
             R"("code": "invalid_api_key\n"}})");
    EXPECT_EQ(answer.error_message.find("0123456789abcdefghij"), std::string::npos);
    EXPECT_NE(answer.error_message.find("Incorrect API key: sk-"), std::string::npos);
    EXPECT_EQ(visible(answer.error_message), answer.error_message);
    EXPECT_EQ(answer.error_code, "invalid_api_key\\n");
    const auto full = read(R"({"error": {"message": ")" + std::string(300, 'm') + "\"}}");
    EXPECT_EQ(full.error_message, std::string(300, 'm'));
    const auto longer = read(R"({"error": {"message": ")" + std::string(1U << 20U, 'm') + "\"}}");
    EXPECT_EQ(longer.error_message, std::string(300, 'm') + "…");
}

TEST(ReadApiAnswer, ReadsRetryAfter) {
    struct Row {
        const char* name;
        std::optional<std::string_view> retry_after;
        std::optional<std::string_view> retry_after_ms;
        std::optional<milliseconds> want;
    };
    constexpr auto kNone = std::nullopt;
    const std::string kVeryHuge(400, '9');
    for (const auto& row : {
             Row{"none", kNone, kNone, kNone},
             Row{"seconds", "2", kNone, 2s},
             Row{"fraction", "0.75", kNone, 750ms},
             Row{"zero", "0", kNone, 0ms},
             Row{"blanks around", " 3 ", kNone, 3s},
             Row{"milliseconds", kNone, "1234", 1234ms},
             Row{"milliseconds with a fraction", kNone, "1234.5", 1234ms},
             Row{"milliseconds go first", "9", "250", 250ms},
             Row{"unreadable milliseconds", "9", "soon", 9s},
             Row{"date", "Sun, 06 Nov 1994 08:49:42 GMT", kNone, 5s},
             Row{"date that is over", "Sun, 06 Nov 1994 08:49:30 GMT", kNone, 0ms},
             Row{"date next year", "Mon, 06 Nov 1995 08:49:37 GMT", kNone, 24h},
             Row{"huge", "99999999999999999999", kNone, 24h},
             Row{"very huge", kVeryHuge, kNone, 24h},
             Row{"negative", "-1", kNone, kNone},
             Row{"exponent", "1e3", kNone, kNone},
             Row{"infinity", "inf", kNone, kNone},
             Row{"hexadecimal", "0x10", kNone, kNone},
             Row{"two points", "1.2.3", kNone, kNone},
             Row{"unit", "5s", kNone, kNone},
             Row{"empty", "", kNone, kNone},
             Row{"another zone", "Sun, 06 Nov 1994 08:49:42 CET", kNone, kNone},
             Row{"no such day", "Sun, 31 Feb 1994 08:49:42 GMT", kNone, kNone},
             Row{"no such month", "Sun, 06 Nob 1994 08:49:42 GMT", kNone, kNone},
             Row{"between months", "Sun, 06 an  1994 08:49:42 GMT", kNone, kNone},
             Row{"no such hour", "Sun, 06 Nov 1994 24:49:42 GMT", kNone, kNone},
             Row{"sign in a number", "Sun, +6 Nov 1994 08:49:42 GMT", kNone, kNone},
         }) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(read_api_answer(429, "", row.retry_after, row.retry_after_ms, kNow).retry_after, row.want);
    }
}

TEST(DecideRetry, NamesWhatIsFinal) {
    struct Row {
        const char* name;
        ApiAnswer answer;
        Outcome want;
    };
    using enum Outcome;
    for (const auto& row : {
             Row{"200", answer_of(200), done},
             Row{"204", answer_of(204), done},
             Row{"decided, 409", answer_of(409, "decision_already_made"), decided_elsewhere},
             Row{"decided, 400", answer_of(400, "decision_already_made"), decided_elsewhere},
             Row{"decided, 404", answer_of(404, "decision_already_made"), decided_elsewhere},
             Row{"409", answer_of(409), conflict},
             Row{"409 with a code", answer_of(409, "call_not_accepted"), conflict},
             Row{"400", answer_of(400, "unknown_parameter"), request_refused},
             Row{"413", answer_of(413), request_refused},
             Row{"422", answer_of(422), request_refused},
             Row{"model not found", answer_of(404, "model_not_found"), request_refused},
             Row{"unknown URL", answer_of(404, "unknown_url"), request_refused},
             Row{"401", answer_of(401, "invalid_api_key"), credential_refused},
             Row{"403", answer_of(403), credential_refused},
             Row{"quota", answer_of(429, "insufficient_quota"), rate_limited},
             Row{"100", answer_of(100), unexpected_answer},
             Row{"301", answer_of(301), unexpected_answer},
             Row{"418", answer_of(418), unexpected_answer},
             Row{"600", answer_of(600), unexpected_answer},
             Row{"negative", answer_of(-1), unexpected_answer},
         }) {
        SCOPED_TRACE(row.name);
        const auto decision = decide_retry(row.answer, state_of(1), kPolicy);
        EXPECT_EQ(decision.outcome, row.want) << name_of(decision.outcome);
        EXPECT_EQ(decision.wait, std::nullopt);
        EXPECT_FALSE(decision.perhaps_ours);
    }
    auto by_type = answer_of(409);
    by_type.error_type = "decision_already_made";
    EXPECT_EQ(decide_retry(by_type, state_of(1), kPolicy).outcome, decided_elsewhere);
}

TEST(DecideRetry, AsksThreeTimesAgainForACallThatIsNotThereYet) {
    for (const std::string code : {"", "call_id_not_found", "session_not_found"}) {
        SCOPED_TRACE(code);
        milliseconds elapsed = 50ms;
        for (int asked = 1; asked <= 4; ++asked) {
            SCOPED_TRACE(asked);
            auto state = state_of(asked, elapsed);
            state.not_found = asked;
            state.random = 1.0;  // no jitter here
            const auto decision = decide_retry(answer_of(404, code), state, kPolicy);
            EXPECT_EQ(decision.outcome, Outcome::call_gone);
            constexpr std::optional<milliseconds> kWant[] = {300ms, 600ms, 1000ms, std::nullopt};
            EXPECT_EQ(decision.wait, kWant[asked - 1]);
            elapsed += decision.wait.value_or(0ms) + 100ms;
        }
    }
}

TEST(DecideRetry, CountsOnlyAnswersWith404ForThat) {
    auto state = state_of(4);
    state.not_found = 1;  // three others were 503
    EXPECT_EQ(decide_retry(answer_of(404), state, kPolicy).wait, 300ms);
}

TEST(DecideRetry, LeavesACallOfAnOldEventAlone) {
    struct Row {
        const char* name;
        std::optional<seconds> age;
        bool asks_again;
    };
    for (const auto& row : {Row{"unknown", std::nullopt, true}, Row{"fresh", 0s, true},
                            Row{"clocks that differ", -5s, true}, Row{"at the limit", 30s, true},
                            Row{"a second later", 31s, false}, Row{"three days", 259'200s, false}}) {
        SCOPED_TRACE(row.name);
        auto state = state_of(1);
        state.not_found = 1;
        state.event_age = row.age;
        const auto decision = decide_retry(answer_of(404, "call_id_not_found"), state, kPolicy);
        EXPECT_EQ(decision.wait.has_value(), row.asks_again);
        EXPECT_EQ(decision.outcome, Outcome::call_gone);
    }
    // The age is about missing calls only.
    auto state = state_of(1);
    state.event_age = 300s;
    EXPECT_TRUE(decide_retry(answer_of(503), state, kPolicy).wait.has_value());
}

TEST(DecideRetry, WaitsAsLongAsTheLimitSays) {
    struct Row {
        const char* name;
        std::optional<milliseconds> retry_after;
        milliseconds elapsed;
        std::optional<milliseconds> want;
    };
    for (const auto& row :
         {Row{"two seconds", 2s, 100ms, 2s}, Row{"longer than any back-off", 9s, 100ms, 9s},
          Row{"just before the deadline", 5s, 4999ms, 5s}, Row{"at the deadline", 5s, 5000ms, std::nullopt},
          Row{"behind the deadline", 60s, 100ms, std::nullopt}, Row{"far behind", 24h, 100ms, std::nullopt},
          Row{"not said", std::nullopt, 100ms, 200ms}, Row{"at once", 0ms, 100ms, 200ms},
          Row{"not said, late", std::nullopt, 9900ms, std::nullopt}}) {
        SCOPED_TRACE(row.name);
        auto answer = answer_of(429, "rate_limit_exceeded");
        answer.retry_after = row.retry_after;
        const auto decision = decide_retry(answer, state_of(1, row.elapsed), kPolicy);
        EXPECT_EQ(decision.wait, row.want);
        EXPECT_EQ(decision.outcome, Outcome::rate_limited);
    }
}

TEST(DecideRetry, BacksOffWithJitter) {
    struct Row {
        int attempts;
        milliseconds middle;
    };
    for (const int status : {500, 502, 503, 504, 599, 0}) {
        for (const auto& row : {Row{1, 200ms}, Row{2, 400ms}, Row{3, 800ms}, Row{4, 1600ms}, Row{5, 2000ms},
                                Row{6, 2000ms}, Row{7, 2000ms}}) {
            SCOPED_TRACE(std::to_string(status) + ", attempt " + std::to_string(row.attempts));
            auto state = state_of(row.attempts);
            const auto wait_at = [&](double random) {
                state.random = random;
                return decide_retry(answer_of(status), state, kPolicy).wait;
            };
            EXPECT_EQ(wait_at(0.0), row.middle / 2);
            EXPECT_EQ(wait_at(0.5), row.middle);
            EXPECT_EQ(wait_at(1.0), row.middle * 3 / 2);
            // What is no number between 0 and 1 must not lengthen a wait.
            EXPECT_EQ(wait_at(7.0), row.middle);
            EXPECT_EQ(wait_at(-1.0), row.middle);
            EXPECT_EQ(wait_at(std::nan("")), row.middle);
        }
    }
}

TEST(DecideRetry, GivesUpAfterTheLastAttempt) {
    EXPECT_TRUE(decide_retry(answer_of(503), state_of(15), kPolicy).wait.has_value());
    for (const int attempts : {16, 17, std::numeric_limits<int>::max()}) {
        const auto decision = decide_retry(answer_of(503), state_of(attempts), kPolicy);
        EXPECT_EQ(decision.wait, std::nullopt);
        EXPECT_EQ(decision.outcome, Outcome::server_error);
    }
    RetryPolicy once;
    once.most_attempts = 1;
    EXPECT_EQ(decide_retry(answer_of(0), state_of(1), once).wait, std::nullopt);
}

TEST(DecideRetry, GivesUpAtTheDeadline) {
    EXPECT_EQ(decide_retry(answer_of(503), state_of(1, 9799ms), kPolicy).wait, 200ms);
    EXPECT_EQ(decide_retry(answer_of(503), state_of(1, 9800ms), kPolicy).wait, std::nullopt);
    EXPECT_EQ(decide_retry(answer_of(503), state_of(1, 20s), kPolicy).outcome, Outcome::server_error);
    const auto late = decide_retry(answer_of(0), state_of(1, 9900ms), kPolicy);
    EXPECT_EQ(late.wait, std::nullopt);
    EXPECT_EQ(late.outcome, Outcome::network_failure);
    EXPECT_EQ(decide_retry(answer_of(0), state_of(1, 10s), kPolicy).outcome, Outcome::deadline_passed);
    EXPECT_EQ(decide_retry(answer_of(200), state_of(1, 20s), kPolicy).outcome, Outcome::done);
}

// A call rings for all of the deadline: no run of short waits may use the attempts up before.
TEST(DecideRetry, AsksUntilTheDeadlineWhateverTheJitter) {
    for (const double random : {0.0, 0.5, 1.0}) {
        SCOPED_TRACE(random);
        auto state = state_of(1);
        state.random = random;
        for (auto wait = decide_retry(answer_of(0), state, kPolicy).wait; wait;
             wait = decide_retry(answer_of(0), state, kPolicy).wait) {
            state.elapsed += *wait;
            state.attempts++;
        }
        EXPECT_GE(state.elapsed, kPolicy.deadline - kPolicy.most_wait * 3 / 2);
        EXPECT_LT(state.elapsed, kPolicy.deadline);
    }
}

TEST(DecideRetry, AsksAgainWhetherOrNotTheRequestWentOut) {
    for (const bool nothing_was_sent : {true, false}) {
        auto answer = answer_of(0);
        answer.nothing_was_sent = nothing_was_sent;
        const auto decision = decide_retry(answer, state_of(1), kPolicy);
        EXPECT_EQ(decision.wait, 200ms);
        EXPECT_EQ(decision.outcome, Outcome::network_failure);
    }
}

TEST(DecideRetry, DoesNotBlameOthersForADecisionThatMayBeOurs) {
    for (const auto& answer :
         {answer_of(409, "decision_already_made"), answer_of(404, "call_id_not_found")}) {
        auto state = state_of(2);
        state.not_found = 4;  // final
        EXPECT_FALSE(decide_retry(answer, state, kPolicy).perhaps_ours);
        state.maybe_done = 1;
        EXPECT_TRUE(decide_retry(answer, state, kPolicy).perhaps_ours);
        EXPECT_EQ(decide_retry(answer, state, kPolicy).wait, std::nullopt);
    }
    auto state = state_of(2);
    state.maybe_done = 1;
    for (const int status : {200, 400, 401, 409, 429, 503})
        EXPECT_FALSE(decide_retry(answer_of(status), state, kPolicy).perhaps_ours) << status;
}

TEST(DecideRetry, NeverWaitsPastTheDeadlineAndAlwaysEnds) {
    EXPECT_TRUE(rc::check([] {
        RetryPolicy policy;
        policy.deadline = milliseconds(*rc::gen::inRange(-100, 20'000));
        policy.first_wait = milliseconds(*rc::gen::inRange(0, 3'000));
        policy.most_wait = milliseconds(*rc::gen::inRange(0, 5'000));
        policy.most_attempts = *rc::gen::inRange(0, 30);
        RetryState state;
        if (*rc::gen::arbitrary<bool>()) state.event_age = seconds(*rc::gen::inRange(-10, 90));
        for (int round = 0;; ++round) {
            RC_ASSERT(round <= policy.most_attempts);
            ApiAnswer answer = answer_of(*rc::gen::element(0, 200, 400, 404, 409, 429, 500, 503),
                                         *rc::gen::element(std::string(), std::string("call_id_not_found")));
            if (*rc::gen::arbitrary<bool>())
                answer.retry_after = milliseconds(*rc::gen::inRange(-10, 90'000));
            state.attempts++;
            if (answer.status == 404) state.not_found++;
            state.elapsed += milliseconds(*rc::gen::inRange(0, 2'000));  // what the answer took
            state.random = *rc::gen::inRange(0, 101) / 100.0;
            const auto decision = decide_retry(answer, state, policy);
            if (!decision.wait) break;
            RC_ASSERT(*decision.wait >= 0ms);
            RC_ASSERT(state.elapsed + *decision.wait < policy.deadline);
            state.elapsed += *decision.wait;
        }
    }));
}

}  // namespace
}  // namespace callchain::openai
