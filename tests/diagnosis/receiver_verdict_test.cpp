/// Verdicts on the answers to the negative matrix, receiver_verdict.cpp.
#include "base/text.hpp"
#include "diagnosis/catalogue.hpp"
#include "diagnosis/receiver_cases.hpp"
#include "diagnosis/receiver_matrix.hpp"
#include "encoding/json_text.hpp"

#include <algorithm>
#include <functional>
#include <gtest/gtest.h>

namespace callchain::diagnosis {
namespace {

using namespace std::chrono_literals;
using webhook::Delivery;
using Names = std::vector<std::string>;
using testing::call_event;
using testing::case_of;
using testing::header;
using testing::kMatrixNow;
using testing::matrix_of;
using testing::receiver_key;
using testing::verifies;

MatrixCase asked(RightAnswer right, const std::string& tolerated = {}) {
    MatrixCase one;
    one.name = "asked";
    one.title = "what was sent";
    one.right = right;
    one.tolerated = tolerated;
    one.why_tolerated = tolerated.empty() ? "" : "the reason";
    one.code = right == RightAnswer::accepted ? "receiver_refuses_valid" : "receiver_accepts_tampered_body";
    return one;
}

ReceiverAnswer answered(std::optional<int> status) {
    ReceiverAnswer answer;
    answer.status = status;
    return answer;
}

TEST(JudgeCase, IsTotalOverStatuses) {
    struct Row {
        std::optional<int> status;
        CaseOutcome accepted;  // where acceptance is right
        const char* code_accepted;
        CaseOutcome refused;
        const char* code_refused;
    };
    using enum CaseOutcome;
    for (const auto& row :
         {Row{200, right, "", wrong, "receiver_accepts_tampered_body"},
          Row{204, right, "", wrong, "receiver_accepts_tampered_body"},
          Row{299, right, "", wrong, "receiver_accepts_tampered_body"},
          Row{400, wrong, "receiver_refuses_valid", right, ""},
          Row{401, wrong, "receiver_refuses_valid", right, ""},
          Row{404, wrong, "receiver_refuses_valid", right, ""},
          Row{499, wrong, "receiver_refuses_valid", right, ""},
          Row{429, unanswered, "receiver_rate_limited", unanswered, "receiver_rate_limited"},
          Row{300, wrong, "receiver_redirects", wrong, "receiver_redirects"},
          Row{308, wrong, "receiver_redirects", wrong, "receiver_redirects"},
          Row{500, wrong, "receiver_fails", wrong, "receiver_fails"},
          Row{502, wrong, "receiver_fails", wrong, "receiver_fails"},
          Row{599, wrong, "receiver_fails", wrong, "receiver_fails"},
          Row{600, wrong, "receiver_garbled", wrong, "receiver_garbled"},
          Row{199, wrong, "receiver_garbled", wrong, "receiver_garbled"},
          Row{100, wrong, "receiver_garbled", wrong, "receiver_garbled"},
          Row{0, wrong, "receiver_garbled", wrong, "receiver_garbled"},
          Row{-1, wrong, "receiver_garbled", wrong, "receiver_garbled"},
          Row{std::nullopt, unanswered, "receiver_silent", unanswered, "receiver_silent"}}) {
        SCOPED_TRACE(row.status ? std::to_string(*row.status) : "none");
        const auto good = judge_case(asked(RightAnswer::accepted), answered(row.status));
        const auto bad = judge_case(asked(RightAnswer::refused), answered(row.status));
        EXPECT_EQ(good.outcome, row.accepted);
        EXPECT_EQ(bad.outcome, row.refused);
        EXPECT_EQ(good.finding ? good.finding->code : "", row.code_accepted);
        EXPECT_EQ(bad.finding ? bad.finding->code : "", row.code_refused);
        for (const auto& verdict : {good, bad}) {
            EXPECT_EQ(verdict.remark.empty(), verdict.outcome == right);
            if (!verdict.finding) continue;
            EXPECT_NE(find_entry(verdict.finding->code), nullptr);
            EXPECT_NE(verdict.finding->detail.find("what was sent"), std::string::npos);
        }
    }
}

TEST(JudgeCase, ToleratesAStatusOrAClassAndSaysWhy) {
    struct Row {
        RightAnswer right;
        const char* tolerated;
        int status;
        CaseOutcome want;
    };
    using enum CaseOutcome;
    for (const auto& row :
         {Row{RightAnswer::accepted, "413", 413, tolerated}, Row{RightAnswer::accepted, "413", 400, wrong},
          Row{RightAnswer::accepted, "413", 200, right}, Row{RightAnswer::accepted, "4", 401, tolerated},
          Row{RightAnswer::accepted, "4", 429, unanswered}, Row{RightAnswer::accepted, "4", 500, wrong},
          Row{RightAnswer::accepted, "4", 302, wrong}, Row{RightAnswer::refused, "2", 204, tolerated},
          Row{RightAnswer::refused, "2", 400, right}, Row{RightAnswer::refused, "2", 500, wrong}}) {
        SCOPED_TRACE(std::string(row.tolerated) + " and " + std::to_string(row.status));
        const auto verdict = judge_case(asked(row.right, row.tolerated), answered(row.status));
        EXPECT_EQ(verdict.outcome, row.want);
        if (row.want == tolerated) {
            EXPECT_NE(verdict.remark.find("the reason"), std::string::npos);
            EXPECT_FALSE(verdict.finding);
        }
    }
}

std::string evidence(const Finding& finding, std::string_view name) {
    for (const auto& each : finding.evidence) {
        if (each.name != name) continue;
        const auto* text = std::get_if<std::string>(&each.value);
        return text != nullptr ? *text : std::to_string(std::get<std::int64_t>(each.value));
    }
    return "(none)";
}

TEST(JudgeCase, SaysWhatItMeansAndHasTheFactsAsEvidence) {
    const auto accepted = judge_case(asked(RightAnswer::refused), answered(200));
    ASSERT_TRUE(accepted.finding);
    EXPECT_NE(accepted.finding->detail.find("its log looks green"), std::string::npos);
    EXPECT_EQ(evidence(*accepted.finding, "case"), "asked");
    EXPECT_EQ(evidence(*accepted.finding, "status"), "200");
    for (const int status : {404, 405}) {
        const auto missing = judge_case(asked(RightAnswer::accepted), answered(status));
        ASSERT_TRUE(missing.finding);
        EXPECT_NE(missing.finding->detail.find("the path of the URL is probably wrong"), std::string::npos);
    }
    auto moved = answered(301);
    moved.location = "https://example.com/\x1b[31m?key=whsec_MDEyMzQ1Njc4OWFiY2RlZg==";
    const auto redirected = judge_case(asked(RightAnswer::accepted), moved);
    ASSERT_TRUE(redirected.finding);
    EXPECT_NE(redirected.finding->detail.find("does not follow redirects"), std::string::npos);
    EXPECT_EQ(evidence(*redirected.finding, "location"),
              "https://example.com/\\x1b[31m?key=whsec_[withheld]");
    EXPECT_EQ(redirected.remark.find("MDEy"), std::string::npos);
    auto silent = answered(std::nullopt);
    silent.failure_kind = "connect";
    silent.failure = "nothing listens\nthere";
    const auto unanswered = judge_case(asked(RightAnswer::refused), silent);
    ASSERT_TRUE(unanswered.finding);
    EXPECT_EQ(evidence(*unanswered.finding, "failure"), "connect");
    EXPECT_NE(unanswered.remark.find("nothing listens\\nthere"), std::string::npos);
}

TEST(JudgeCase, SaysThatItIsWrongWhereTheCaseNamesNoFinding) {
    for (const auto& [right, status, remark] :
         {std::tuple{RightAnswer::refused, 200, "it accepts what it must refuse"},
          std::tuple{RightAnswer::accepted, 401, "it refuses what it must accept"}}) {
        auto one = asked(right);
        one.code.clear();
        const auto verdict = judge_case(one, answered(status));
        EXPECT_EQ(verdict.outcome, CaseOutcome::wrong);
        EXPECT_EQ(verdict.remark, remark);
        EXPECT_FALSE(verdict.finding);
    }
}

TEST(JudgeCase, NamesTheCauseOfAnAlteredBodyWithoutItsNumber) {
    const auto cases = matrix_of(call_event(), true);
    const auto found = std::find_if(cases.begin(), cases.end(), [](const auto& one) {
        return one.name == "body_trailing_newline_added-2";
    });
    ASSERT_NE(found, cases.end());
    const auto verdict = judge_case(*found, answered(200));
    ASSERT_TRUE(verdict.finding);
    EXPECT_EQ(verdict.finding->code, "receiver_accepts_altered_body");
    EXPECT_EQ(evidence(*verdict.finding, "cause"), "body_trailing_newline_added");
}

TEST(NameOf, NamesOutcomes) {
    EXPECT_EQ(name_of(CaseOutcome::right), "right");
    EXPECT_EQ(name_of(CaseOutcome::tolerated), "tolerated");
    EXPECT_EQ(name_of(CaseOutcome::wrong), "wrong");
    EXPECT_EQ(name_of(CaseOutcome::unanswered), "unanswered");
}

// ---- whole receivers ----

bool has_headers(const Delivery& delivery) {
    return !header(delivery, "webhook-id").empty() && !header(delivery, "webhook-timestamp").empty() &&
           !header(delivery, "webhook-signature").empty();
}
bool is_json(const Delivery& delivery) { return encoding::parse_json_text(delivery.body).has_value(); }

// What the receiver signs for itself, of parts that a faulty one takes from somewhere else.
std::string own_signature(const std::string& id, const std::string& timestamp, const std::string& body) {
    return signature::sign_webhook(receiver_key(), id, timestamp, body);
}
bool is_fresh(const Delivery& delivery) {
    const auto at = signature::parse_timestamp(header(delivery, "webhook-timestamp"));
    return at && *at >= kMatrixNow - 300s && *at <= kMatrixNow + 300s;
}
bool has_part(const Delivery& delivery, const std::string& wanted) {
    const auto value = header(delivery, "webhook-signature");
    const auto parts = split(value, ' ');
    return std::find(parts.begin(), parts.end(), wanted) != parts.end();
}
std::string right_signature(const Delivery& delivery) {
    return own_signature(header(delivery, "webhook-id"), header(delivery, "webhook-timestamp"),
                         delivery.body);
}

struct Receiver {
    const char* name;
    std::function<int(const Delivery&)> answer;
    Names wrong;  // cases that it gets wrong
    const char* as_a_whole = "";
};

std::vector<Receiver> receivers() {
    const auto honest = [](const Delivery& d) { return !verifies(d) ? 401 : is_json(d) ? 200 : 400; };
    return {
        {"an honest one", honest, {}},
        {"as OpenAI's SDKs: text is fine", [](const Delivery& d) { return verifies(d) ? 200 : 401; }, {}},
        {"as Standard Webhooks: no bare signature",
         [](const Delivery& d) {
             return is_fresh(d) && has_headers(d) && has_part(d, right_signature(d)) ? 204 : 400;
         },
         {}},
        {"a limit of 1 MB that is told",
         [honest](const Delivery& d) { return d.body.size() > 1'000'000 ? 413 : honest(d); },
         {}},
        {"a limit that is not told",
         [honest](const Delivery& d) { return d.body.size() > 1'000'000 ? 400 : honest(d); },
         {"large_body"}},
        {"age unchecked",
         [](const Delivery& d) { return has_headers(d) && has_part(d, right_signature(d)) ? 200 : 401; },
         {"stale", "from_the_future", "timestamp_not_a_number"}},
        {"age checked on one side",
         [](const Delivery& d) {
             const auto at = signature::parse_timestamp(header(d, "webhook-timestamp"));
             return at && *at >= kMatrixNow - 300s && has_part(d, right_signature(d)) && has_headers(d) ? 200
                                                                                                        : 401;
         },
         {"from_the_future"}},
        {"only the first signature",
         [](const Delivery& d) {
             return is_fresh(d) && has_headers(d) &&
                            header(d, "webhook-signature").starts_with(right_signature(d))
                        ? 200
                        : 401;
         },
         {"two_signatures_right_last"}},
        {"the header as a whole",
         [](const Delivery& d) {
             return is_fresh(d) && has_headers(d) && header(d, "webhook-signature") == right_signature(d)
                        ? 200
                        : 401;
         },
         {"two_signatures_right_first", "two_signatures_right_last"}},
        {"as far as the shorter one goes",
         [](const Delivery& d) {
             const auto given = header(d, "webhook-signature");
             for (const auto part : split(given, ' ')) {
                 if (is_fresh(d) && has_headers(d) && right_signature(d).starts_with(part)) return 200;
             }
             return 401;
         },
         {"cut_signature"}},
        {"throws at another length",
         [honest](const Delivery& d) {
             return header(d, "webhook-signature").size() == 23 ? 500 : honest(d);
         },
         {"cut_signature"}},
        {"any version",
         [honest](const Delivery& d) {
             auto plain = d;
             webhook::set_header(plain.headers, "webhook-signature",
                                 replace_all(header(d, "webhook-signature"), "v1a,", "v1,"));
             return honest(plain);
         },
         {"other_version_only"}},
        {"unsigned passes",
         [honest](const Delivery& d) { return d.headers.find("webhook-signature") ? honest(d) : 200; },
         {"no_webhook_signature", "unsigned"}},
        {"writes the body again as its sender does",
         [honest](const Delivery& d) {
             auto again = d;
             encoding::JsonStyle python;
             python.item_separator = ", ";
             python.name_separator = ": ";
             python.non_ascii = encoding::JsonStyle::NonAscii::escaped;
             if (auto document = encoding::parse_json_text(d.body))
                 again.body = write_json_text(*document, python);
             return honest(again);
         },
         {"utf8_body", "compact_body", "reserialized_body"}},
        {"writes the body again as JSON.stringify does",
         [honest](const Delivery& d) {
             auto again = d;
             if (auto document = encoding::parse_json_text(d.body))
                 again.body = write_json_text(*document, encoding::JsonStyle{});
             return honest(again);
         },
         {"valid", "duplicate", "two_signatures_right_first", "two_signatures_right_last",
          "header_letter_case", "unknown_event_type", "utf8_body", "large_body"},
         "receiver_reserializes_body"},
        {"known types only",
         [honest](const Delivery& d) {
             return d.body.find("made_up") != std::string::npos ? 422 : honest(d);
         },
         {"unknown_event_type"}},
        {"small letters only",
         [honest](const Delivery& d) {
             for (const auto& field : d.headers.fields) {
                 if (field.name == "WEBHOOK-ID") return 400;
             }
             return honest(d);
         },
         {"header_letter_case"}},
        {"the older service: logs the mismatch and answers 200",
         [](const Delivery& d) { return is_json(d) ? 200 : 400; },
         {"stale", "from_the_future", "tampered_body", "reserialized_body", "wrong_id", "wrong_timestamp",
          "timestamp_not_a_number", "no_webhook_id", "no_webhook_timestamp", "no_webhook_signature",
          "unsigned", "wrong_secret", "other_version_only", "cut_signature", "empty_signature"},
         "receiver_accepts_everything"},
        {"another secret",
         [](const Delivery&) { return 401; },
         {"valid", "duplicate", "two_signatures_right_first", "two_signatures_right_last",
          "header_letter_case", "unknown_event_type", "utf8_body", "compact_body", "large_body"},
         "receiver_refuses_everything"},
        {"no such path",
         [](const Delivery&) { return 404; },
         {"valid", "duplicate", "two_signatures_right_first", "two_signatures_right_last",
          "header_letter_case", "unknown_event_type", "utf8_body", "compact_body", "large_body"},
         "receiver_refuses_everything"},
    };
}

TEST(JudgeMatrix, TellsReceiversApart) {
    const auto cases = matrix_of(call_event());
    for (const auto& receiver : receivers()) {
        SCOPED_TRACE(receiver.name);
        Names wrong;
        std::vector<ReceiverAnswer> answers;
        for (const auto& one : cases) {
            answers.push_back(answered(receiver.answer(one.delivery)));
            if (judge_case(one, answers.back()).outcome == CaseOutcome::wrong) wrong.push_back(one.name);
        }
        EXPECT_EQ(wrong, receiver.wrong);
        const auto findings = judge_matrix(cases, answers);
        ASSERT_EQ(findings.size(), receiver.as_a_whole[0] == '\0' ? 0U : 1U);
        if (!findings.empty()) {
            EXPECT_EQ(findings.front().code, receiver.as_a_whole);
        }
    }
}

TEST(JudgeMatrix, SaysThatThePathIsWrongWhereEverythingIsNotFound) {
    const auto cases = matrix_of(call_event());
    const auto findings = judge_matrix(cases, std::vector<ReceiverAnswer>(cases.size(), answered(404)));
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_NE(findings.front().detail.find("the path of the URL is probably wrong"), std::string::npos);
    EXPECT_EQ(evidence(findings.front(), "statuses"), "404");
}

TEST(JudgeMatrix, NamesNoSingleCauseWhereItRefusesEverythingInSeveralWays) {
    const auto cases = matrix_of(call_event());
    std::vector<ReceiverAnswer> answers(cases.size(), answered(401));
    answers.front() = answered(404);
    const auto findings = judge_matrix(cases, answers);
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].code, "receiver_refuses_everything");
    EXPECT_NE(findings[0].detail.find("got 401, 404,"), std::string::npos) << findings[0].detail;
    EXPECT_NE(findings[0].detail.find("It holds another secret, its clock is off"), std::string::npos);
    EXPECT_EQ(findings[0].detail.find("nothing is at this path"), std::string::npos);
}

TEST(JudgeMatrix, NamesTheGreenLogOfAReceiverThatAnswers200ToAnything) {
    const auto cases = matrix_of(call_event(), true);
    const auto findings = judge_matrix(cases, std::vector<ReceiverAnswer>(cases.size(), answered(200)));
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings.front().code, "receiver_accepts_everything");
    EXPECT_NE(findings.front().detail.find("log looks green"), std::string::npos);
}

TEST(JudgeMatrix, SaysNothingOfTheWholeWhereTooLittleWasAnswered) {
    const auto cases = matrix_of(call_event());
    for (const auto& status : {std::optional<int>{}, std::optional<int>{429}, std::optional<int>{500}}) {
        EXPECT_TRUE(judge_matrix(cases, std::vector<ReceiverAnswer>(cases.size(), answered(status))).empty());
    }
    EXPECT_TRUE(judge_matrix({}, {}).empty());
    // One case alone does not make "everything".
    EXPECT_TRUE(judge_matrix({case_of(cases, "stale")}, {answered(200)}).empty());
    EXPECT_TRUE(judge_matrix({case_of(cases, "valid")}, {answered(401)}).empty());
}

}  // namespace
}  // namespace callchain::diagnosis
