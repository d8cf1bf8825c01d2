#include "diagnosis/receiver_comparison.hpp"

#include "base/text.hpp"
#include "diagnosis/catalogue.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <optional>

namespace callchain::diagnosis {
namespace {

using Kind = ComparedDelivery::Kind;
using Codes = std::vector<std::string>;
using Status = std::optional<int>;

ComparedDelivery sent(Kind kind, const std::string& label, Status a, Status b) {
    ComparedDelivery delivery;
    delivery.kind = kind;
    delivery.label = label;
    delivery.a.status = a;
    delivery.b.status = b;
    return delivery;
}
ComparedDelivery by(const std::string& label, Status a, Status b) {
    return sent(Kind::signed_by_secret, label, a, b);
}
ComparedDelivery control(Status a, Status b) { return sent(Kind::control, "", a, b); }
ComparedDelivery recorded(Status a, Status b) { return sent(Kind::as_recorded, "", a, b); }

Comparison compare(const std::vector<ComparedDelivery>& deliveries) {
    return compare_receivers(deliveries, "A", "B");
}

Codes codes_of(const Comparison& comparison) {
    Codes codes;
    for (const auto& finding : comparison.findings) codes.push_back(finding.code);
    return codes;
}

struct Row {
    const char* name;
    std::vector<ComparedDelivery> deliveries;
    bool same;
    std::vector<const char*> says;  // parts of sentences, in this order
    Codes codes;
};

const std::string kEither = "or its clock is off, or something in front of it alters the body";

void expect(const std::vector<Row>& rows) {
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        const auto got = compare(row.deliveries);
        EXPECT_EQ(got.same, row.same);
        EXPECT_EQ(codes_of(got), row.codes);
        ASSERT_FALSE(got.sentences.empty());
        const auto text = join(got.sentences, "\n");
        std::size_t at = 0;
        for (const auto* part : row.says) {
            const auto found = text.find(part, at);
            EXPECT_NE(found, std::string::npos) << part << "\n  in: " << text;
            if (found != std::string::npos) at = found;
        }
        for (const auto& sentence : got.sentences) {
            EXPECT_TRUE(sentence.ends_with('.')) << sentence;
            EXPECT_EQ(sentence.find("  "), std::string::npos) << sentence;
        }
        for (const auto& finding : got.findings) EXPECT_NE(find_entry(finding.code), nullptr) << finding.code;
    }
}

TEST(CompareReceivers, TellsSecretsApart) {
    expect(
        {{"each its own",
          {by("railway", 200, 401), by("local", 401, 200), control(401, 401)},
          false,
          {R"(A accepts what "railway" signed and refuses "local"; B the other way round: they hold different secrets)"},
          {"receiver_secrets_differ"}},
         {"the same one of two",
          {by("railway", 200, 200), by("local", 401, 401), control(401, 401)},
          true,
          {R"(Both accept what "railway" signed and refuse "local": they hold the same secret.)"},
          {}},
         {"one of them has both",
          {by("old", 200, 401), by("new", 200, 200), control(401, 401)},
          false,
          {R"(A accepts what "old" and "new" signed; B accepts "new" and refuses "old": they hold different)"},
          {"receiver_secrets_differ"}},
         {"three, no two alike",
          {by("x", 200, 401), by("y", 401, 200), by("z", 401, 401)},
          false,
          {R"(A accepts what "x" signed and refuses "y" and "z"; B accepts "y" and refuses "x" and "z")"},
          {"receiver_secrets_differ"}},
         {"the other one has both",
          {by("old", 401, 200), by("new", 200, 200), control(401, 401)},
          false,
          {R"(A accepts what "new" signed and refuses "old"; B accepts "old" and "new": they hold different)"},
          {"receiver_secrets_differ"}},
         {"the same two",
          {by("old", 200, 200), by("new", 200, 200), control(401, 401)},
          true,
          {R"(Both accept what "old" and "new" signed: they hold the same secrets.)"},
          {}},
         {"none of three",
          {by("x", 401, 401), by("y", 401, 401), by("z", 401, 401), control(401, 401)},
          true,
          {R"(Both refuse what "x", "y" and "z" signed: neither holds any of these secrets)"},
          {"receiver_refuses_everything", "receiver_refuses_everything"}},
         {"one secret, both hold it",
          {by("railway", 200, 200), control(401, 401)},
          true,
          {R"(Both accept what "railway" signed: they hold the same secret.)"},
          {}},
         {"no control",
          {by("railway", 200, 200)},
          true,
          {"whether they would accept anything was not tried, so that says nothing about their secrets."},
          {}}});
}

TEST(CompareReceivers, SaysWhatMayBeWhereOneRefusesAll) {
    expect(
        {{"one secret",
          {by("railway", 200, 401), control(401, 401)},
          false,
          {R"(A accepts what "railway" signed, and B refuses it: B does not hold this secret, )",
           kEither.c_str()},
          {"receiver_refuses_everything"}},
         {"one secret, the other way round",
          {by("railway", 400, 204), control(401, 401)},
          false,
          {"and A refuses it: A does not hold this secret", kEither.c_str()},
          {"receiver_refuses_everything"}},
         {"two secrets",
          {by("railway", 200, 401), by("local", 401, 401), control(401, 401)},
          false,
          {R"(A accepts what "railway" signed, and B refuses all that was signed: B does not hold any of these)"},
          {"receiver_refuses_everything"}},
         {"both refuse one",
          {by("railway", 401, 401), control(401, 401)},
          true,
          {R"(Both refuse what "railway" signed: neither holds this secret, or each has a clock)"},
          {"receiver_refuses_everything", "receiver_refuses_everything"}},
         {"both refuse two",
          {by("railway", 401, 400), by("local", 401, 400), control(401, 400)},
          true,
          {R"(Both refuse what "railway" and "local" signed: neither holds any of these secrets)"},
          {"receiver_refuses_everything", "receiver_refuses_everything"}},
         {"the path is wrong",
          {by("railway", 200, 404), control(401, 404)},
          false,
          {"B does not hold this secret", "Of B: 404 means that nothing is at this path"},
          {"receiver_refuses_everything"}},
         {"404 of a receiver that is honest",
          {by("railway", 200, 200), control(404, 404)},
          true,
          {"they hold the same secret"},
          {}}});
    const auto honest = compare({by("railway", 200, 200), control(404, 404)});
    EXPECT_EQ(join(honest.sentences, "\n").find("path"), std::string::npos);
}

TEST(CompareReceivers, TrustsNoAnswerOfAReceiverThatAcceptsTheControl) {
    expect(
        {{"A takes anything",
          {by("railway", 200, 200), by("local", 200, 401), control(200, 401)},
          false,
          {"A accepts what was signed with a secret that nobody has: it answers 2xx to anything",
           R"(B accepts what "railway" signed, so it holds that secret.)"},
          {"receiver_accepts_wrong_secret"}},
         {"both take anything",
          {by("railway", 200, 200), control(200, 200)},
          true,
          {"A accepts what was signed with a secret that nobody has", "B accepts what was signed with"},
          {"receiver_accepts_wrong_secret", "receiver_accepts_wrong_secret"}},
         {"B takes anything, A nothing",
          {by("railway", 401, 200), control(401, 200)},
          false,
          {"B accepts what was signed with a secret that nobody has", R"(A refuses what "railway" signed)"},
          {"receiver_accepts_wrong_secret", "receiver_refuses_everything"}}});
    const auto both = compare({by("railway", 200, 200), control(200, 200)});
    EXPECT_EQ(join(both.sentences, "\n").find("hold the same"), std::string::npos);
    EXPECT_NE(both.findings.front().detail.find("log looks green"), std::string::npos);
}

TEST(CompareReceivers, SaysWhoDidNotDecide) {
    expect({{"B is silent",
             {by("railway", 200, std::nullopt), control(401, std::nullopt)},
             false,
             {"B gave no answer", R"(A accepts what "railway" signed, so it holds that secret.)"},
             {"receiver_silent"}},
            {"both are silent",
             {by("railway", std::nullopt, std::nullopt)},
             false,
             {"A gave no answer", "B gave no answer"},
             {"receiver_silent", "receiver_silent"}},
            {"B redirects",
             {by("railway", 200, 308), by("local", 401, 308), control(401, 308)},
             false,
             {"B answers 308 and redirects. OpenAI does not follow redirects"},
             {"receiver_redirects"}},
            {"both fail alike",
             {by("railway", 500, 500), control(401, 401)},
             false,
             {"A answers 500", "B answers 500"},
             {"receiver_fails", "receiver_fails"}},
            {"B limits the rate for some",
             {by("railway", 200, 200), by("local", 401, 429), control(401, 401)},
             false,
             {"B answers 429", R"(A accepts what "railway" signed)",
              R"(B accepts what "railway" signed, so it holds)"},
             {"receiver_rate_limited"}},
            {"garbled", {by("railway", 999, 200)}, false, {"A answers 999"}, {"receiver_garbled"}}});
}

TEST(CompareReceivers, ReadsADeliveryThatIsSentAsItWasRecorded) {
    expect(
        {{"both accept", {recorded(200, 200)}, true, {"Both accept the delivery as it was recorded."}, {}},
         {"both refuse",
          {recorded(401, 400)},
          true,
          {"A recorded delivery is too old after 300 seconds"},
          {}},
         {"A accepts",
          {recorded(200, 401)},
          false,
          {"A accepts the delivery as it was recorded, and B refuses it"},
          {}},
         {"the path", {recorded(200, 405)}, false, {"Of B: 405 means that this path takes no POST"}, {}},
         {"A is silent", {recorded(std::nullopt, 200)}, false, {"A gave no answer"}, {"receiver_silent"}}});
}

TEST(CompareReceivers, SaysThatStatusesOfOneClassAreNoDifference) {
    expect({{"200 and 204",
             {by("railway", 200, 204), control(401, 401)},
             true,
             {"they hold the same secret",
              R"(To what "railway" signed A answered 200 and B 204: both accept it)"},
             {}},
            {"400 and 401",
             {by("railway", 200, 200), control(400, 401)},
             true,
             {"To what was signed with a secret that nobody has A answered 400 and B 401: both refuse it"},
             {}}});
}

TEST(CompareReceivers, NeverComesWithoutASentence) {
    expect({{"nothing sent", {}, false, {"Nothing was sent"}, {}},
            {"only a control", {control(401, 401)}, true, {"No secret was tried"}, {}}});
    // Every mixture of answers.
    const std::vector<Status> statuses{200, 204, 301, 401, 404, 429, 500, 0, std::nullopt};
    for (const auto& a : statuses) {
        for (const auto& b : statuses) {
            for (const auto& c : statuses) {
                for (const auto kind : {Kind::signed_by_secret, Kind::control, Kind::as_recorded}) {
                    const auto got = compare({sent(kind, "x", a, b), by("y", b, c), control(c, a)});
                    EXPECT_FALSE(got.sentences.empty());
                    EXPECT_FALSE(compare({sent(kind, "x", a, b)}).sentences.empty());
                }
            }
        }
    }
}

TEST(CompareReceivers, ShowsNothingFromOutsideAsItCame) {
    auto moved = by("lab\x1b[2Jel", 302, 200);
    moved.a.location = "https://example.com/\r\n?s=whsec_MDEyMzQ1Njc4OWFiY2RlZg==";
    const auto got = compare_receivers({moved}, "A (http://a/\x07)", "B");
    const auto text = join(got.sentences, "");
    EXPECT_EQ(text, visible(text));
    EXPECT_EQ(text.find("MDEy"), std::string::npos);
    EXPECT_NE(text.find("whsec_[withheld]"), std::string::npos);
    EXPECT_NE(text.find("lab\\x1b[2Jel"), std::string::npos);
}

}  // namespace
}  // namespace callchain::diagnosis
