#include "diagnosis/log_diagnosis.hpp"

#include "diagnosis/vectors.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace callchain::diagnosis {
namespace {

using testing::kCallVector;

// Key bytes 20 to 3f: the endpoint whose secret the service had loaded.
const std::string kOtherSecret = "whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

const std::string kSeedLog =
    "openai webhook secrets loaded (1): whsec_16sl…076DY=\n"
    "signature validation failed: The given webhook signature does not match the expected signature\n"
    "webhook headers: id=wh_... ts=... sig=v1,... ua=OpenAI/1.0 ... content_type=application/json "
    "body_len=1680\n";

std::string railway_log() {
    return "openai webhook secrets loaded (1): whsec_ICEi…w9Pj8=\n"
           "signature validation failed: The given webhook signature does not match the expected signature\n"
           "webhook headers: id=" +
           kCallVector.id + " ts=" + kCallVector.timestamp + " sig=" + kCallVector.signature +
           " ua=OpenAI/1.0 (+https://platform.openai.com/docs/webhooks) content_type=application/json "
           "body_len=354\n";
}

LogMaterial material_of(const webhook::LogReading& reading, std::vector<signature::LabelledSecret> secrets,
                        std::optional<std::string> body) {
    LogMaterial material{reading, std::move(secrets), std::move(body), {}, {}, {}, {}};
    return material;
}

bool has(const Report& report, std::string_view code, Proof proof) {
    return std::any_of(report.findings.begin(), report.findings.end(),
                       [&](const Finding& f) { return f.code == code && f.proof == proof; });
}

TEST(DiagnoseLog, SaysExactlyWhatTheSeedsOwnLogLacks) {
    const auto reading = webhook::read_railway_log(kSeedLog);
    const auto material = material_of(reading, {}, std::nullopt);
    const auto report = diagnose_log(material);
    ASSERT_EQ(report.deliveries.size(), 1U);
    ASSERT_EQ(report.masks.size(), 1U);
    EXPECT_EQ(report.masks.front().mask, "whsec_16sl…076DY=");
    EXPECT_EQ(report.overall.verdict, Verdict::cannot_tell);
    EXPECT_TRUE(has(report.overall, "log_headers_missing", Proof::hint));
    EXPECT_TRUE(has(report.overall, "log_signature_cut", Proof::hint));
    EXPECT_TRUE(has(report.overall, "log_body_missing", Proof::hint));
    EXPECT_FALSE(has_proof(report.overall));
    EXPECT_EQ(report.deliveries.front().missing.size(), 5U);  // id, timestamp, signature, body, secret
}

TEST(DiagnoseLog, ProvesThatTheOtherEndpointsSecretSigned) {
    const auto reading = webhook::read_railway_log(railway_log());
    const auto material = material_of(
        reading, {{"railway", kOtherSecret, 0}, {"local", kCallVector.secret, 1}}, kCallVector.body);
    const auto report = diagnose_log(material);
    ASSERT_EQ(report.masks.size(), 1U);
    EXPECT_EQ(report.masks.front().labels, (std::vector<std::string>{"railway"}));
    EXPECT_EQ(report.overall.verdict, Verdict::invalid);
    EXPECT_TRUE(has(report.overall, "secret_other_label", Proof::proved));
    ASSERT_TRUE(report.overall.secret.has_value());
    EXPECT_EQ(report.overall.secret->label, "local");
    EXPECT_FALSE(report.overall.age.has_value());  // a log is never fresh, and that is no fault
}

TEST(DiagnoseLog, IsInvalidUnderAMaskThatNoSecretHas) {
    const auto reading = webhook::read_railway_log(railway_log());
    const auto material = material_of(reading, {{"local", kCallVector.secret, 0}}, kCallVector.body);
    const auto report = diagnose_log(material);
    EXPECT_EQ(report.overall.verdict, Verdict::invalid);
    EXPECT_TRUE(has(report.overall, "secret_other_label", Proof::proved));
    EXPECT_TRUE(has(report.overall, "log_secret_mask_differs", Proof::hint));
}

TEST(DiagnoseLog, SaysThatAGivenBodyIsNotTheLoggedOne) {
    const auto reading = webhook::read_railway_log(railway_log());
    const auto material = material_of(reading, {{"local", kOtherSecret, 0}}, kCallVector.body.substr(0, 300));
    const auto report = diagnose_log(material);
    EXPECT_EQ(report.overall.verdict, Verdict::cannot_tell);
    EXPECT_TRUE(has(report.overall, "body_length_differs", Proof::hint));
}

TEST(DiagnoseLog, VerifiesAnIntactRecordLine) {
    webhook::WebhookRecord record;
    record.webhook_id = kCallVector.id;
    record.webhook_timestamp = kCallVector.timestamp;
    record.webhook_signature = kCallVector.signature;
    record.body = kCallVector.body;
    record.body_length = kCallVector.body.size();
    record.received_at = std::chrono::sys_seconds{std::chrono::seconds(1750287080)};
    const auto reading = webhook::read_railway_log(webhook::write_webhook_record(record) + "\n");
    const auto material = material_of(reading, {{"railway", kCallVector.secret, 0}}, std::nullopt);
    const auto report = diagnose_log(material);
    EXPECT_EQ(report.overall.verdict, Verdict::valid);
    EXPECT_EQ(report.overall.freshness, FreshnessVerdict::fresh);
}

TEST(DiagnoseLog, TakesTheLengthThatWasGivenForTheLoggedOne) {
    const auto reading = webhook::read_railway_log(railway_log());
    auto material = material_of(reading, {{"railway", kOtherSecret, 0}}, kCallVector.body);
    EXPECT_FALSE(has(diagnose_log(material).overall, "body_length_differs", Proof::hint));
    material.expected_length = 355;
    EXPECT_TRUE(has(diagnose_log(material).overall, "body_length_differs", Proof::hint));
}

TEST(DiagnoseLog, SaysThatTheLoadedSecretDidNotSign) {
    const auto reading = webhook::read_railway_log(railway_log());
    const auto material = material_of(reading, {{"railway", kOtherSecret, 0}}, kCallVector.body);
    const auto report = diagnose_log(material);
    EXPECT_EQ(report.overall.verdict, Verdict::invalid);
    EXPECT_FALSE(has_proof(report.overall));
    ASSERT_FALSE(report.overall.next_steps.empty());
    EXPECT_TRUE(report.overall.next_steps.front().starts_with(
        "the log shows that the process had loaded \"railway\", and that secret did not sign"))
        << report.overall.next_steps.front();
}

webhook::LoggedField whole(const std::string& text) { return {webhook::LoggedField::State::whole, text}; }

webhook::LoggedDelivery logged_delivery() {
    webhook::LoggedDelivery delivery;
    delivery.id = whole(kCallVector.id);
    delivery.timestamp = whole(kCallVector.timestamp);
    delivery.signature = whole(kCallVector.signature);
    return delivery;
}

TEST(DiagnoseLog, IsValidWhereAnyReadingOfTheLoggedBodyIs) {
    webhook::LogReading reading;
    reading.deliveries = {logged_delivery()};
    reading.deliveries.front().body = webhook::LoggedBody{};
    reading.deliveries.front().body->candidates = {
        {kCallVector.body + " ", webhook::BodyChange::joined_with_blanks},
        {kCallVector.body, webhook::BodyChange::joined}};
    const auto report = diagnose_log(material_of(reading, {{"railway", kCallVector.secret, 0}}, {}));
    EXPECT_EQ(report.overall.verdict, Verdict::valid);
    EXPECT_EQ(report.overall.body_length, kCallVector.body.size());
}

TEST(DiagnoseLog, GivesABodyOnlyToTheDeliveryThatItMayBeOf) {
    webhook::LogReading reading;
    reading.deliveries = {logged_delivery(), logged_delivery()};
    reading.deliveries[0].body_length = kCallVector.body.size();
    reading.deliveries[1].body_length = 10;
    const auto report =
        diagnose_log(material_of(reading, {{"railway", kCallVector.secret, 0}}, kCallVector.body));
    ASSERT_EQ(report.deliveries.size(), 2U);
    EXPECT_EQ(report.deliveries[0].report.verdict, Verdict::valid);
    EXPECT_EQ(report.deliveries[1].report.verdict, Verdict::cannot_tell);
    ASSERT_TRUE(has(report.deliveries[1].report, "log_body_missing", Proof::hint));
    EXPECT_EQ(
        report.deliveries[1].report.findings.back().detail,
        "The body given with --body has another length or SHA-256 than this delivery's; it had 10 bytes.");
}

TEST(DiagnoseLog, SearchesForTheCausesOfTheFirstTwelveDeliveriesOnly) {
    webhook::LogReading reading;
    for (int i = 0; i < 14; ++i) reading.deliveries.push_back(logged_delivery());
    const auto report = diagnose_log(material_of(reading, {{"railway", kOtherSecret, 0}}, "{}"));
    EXPECT_EQ(report.not_searched, 2U);
    ASSERT_EQ(report.deliveries.size(), 14U);
    EXPECT_GT(report.deliveries.front().report.tried, report.deliveries.back().report.tried);
    EXPECT_EQ(report.deliveries.back().report.verdict, Verdict::invalid);
}

TEST(DiagnoseLog, CannotTellWhereTheLoggedTimeIsNone) {
    webhook::LogReading reading;
    reading.deliveries = {logged_delivery()};
    reading.deliveries.front().timestamp = whole("12x");
    const auto report =
        diagnose_log(material_of(reading, {{"railway", kCallVector.secret, 0}}, kCallVector.body));
    EXPECT_EQ(report.overall.verdict, Verdict::cannot_tell);
    ASSERT_TRUE(has(report.overall, "log_headers_missing", Proof::hint));
    EXPECT_NE(report.overall.findings.front().detail.find("12x"), std::string::npos)
        << report.overall.findings.front().detail;
}

TEST(DiagnoseLog, CannotTellFromALogWithoutDeliveries) {
    const auto reading = webhook::read_railway_log("hello\nworld\n");
    const auto material = material_of(reading, {}, std::nullopt);
    const auto report = diagnose_log(material);
    EXPECT_EQ(report.overall.verdict, Verdict::cannot_tell);
    EXPECT_TRUE(has(report.overall, "log_headers_missing", Proof::hint));
}

TEST(DiagnoseLog, SaysThatServeHadVerifiedTheWebhooksOfItsCalls) {
    const std::string line = R"({"time":"2026-11-28T18:17:47.793Z","level":"info","message":"call summary",)"
                             R"("callchain_id":"cc_1","webhook_id":"wh_1"})";
    struct Row {
        std::string log;
        std::string end;
    };
    for (const auto& row : {Row{line + "\n", "in 1 line. 1 line is of calls, "},
                            Row{line + "\n" + line + "\n", "in 2 lines. 2 lines are of calls, "}}) {
        SCOPED_TRACE(row.log);
        const auto reading = webhook::read_railway_log(row.log);
        const auto report = diagnose_log(material_of(reading, {}, std::nullopt));
        EXPECT_EQ(report.overall.verdict, Verdict::cannot_tell);
        ASSERT_FALSE(report.overall.findings.empty());
        EXPECT_NE(report.overall.findings.front().detail.find(row.end), std::string::npos)
            << report.overall.findings.front().detail;
    }
}

webhook::WebhookRecord record_of_the_call() {
    webhook::WebhookRecord record;
    record.webhook_id = kCallVector.id;
    record.webhook_timestamp = kCallVector.timestamp;
    record.webhook_signature = kCallVector.signature;
    record.body_length = kCallVector.body.size();
    return record;
}

TEST(DiagnoseLog, NamesTheLinesOfWhichTheLogLostTheEnd) {
    const auto record = webhook::write_webhook_record(record_of_the_call());
    const std::string log = "started\n" + std::string(webhook::kMostLogLineBytes + 1, '.') + "\n" +
                            record.substr(0, record.size() / 2) + "\n";
    const auto reading = webhook::read_railway_log(log);
    const auto report = diagnose_log(material_of(reading, {{"railway", kCallVector.secret, 0}}, {}));
    std::vector<std::string> details;
    for (const auto& finding : report.overall.findings) {
        if (finding.code == "log_lossy_truncated") details.push_back(finding.detail);
    }
    EXPECT_EQ(details, (std::vector<std::string>{"Line 2: only the first 4 MiB of the line were read.",
                                                 "Line 3: the record's line ends early."}));
    const auto text = render_log_text(report, reading, Colour::off);
    EXPECT_NE(text.find("  lost: line 2: only the first 4 MiB of the line were read\n"
                        "  lost: line 3: the record's line ends early\n"),
              std::string::npos)
        << text;
    EXPECT_EQ(text.find("more (--json lists all)"), std::string::npos);
}

TEST(RenderLogText, SaysOfEachMaskWhichOfTheSecretsGivenHasIt) {
    struct Row {
        const char* name;
        std::vector<signature::LabelledSecret> secrets;
        std::string end;
    };
    for (const auto& row :
         {Row{"no secret", {}, ": no secret was given to compare"},
          Row{"another", {{"local", kCallVector.secret, 0}}, ": none of the secrets given has this mask"},
          Row{"two that have it",
              {{"railway", kOtherSecret, 0}, {"copy", kOtherSecret, 1}},
              ": has the mask of railway, copy"}}) {
        SCOPED_TRACE(row.name);
        const auto reading = webhook::read_railway_log(railway_log());
        const auto report = diagnose_log(material_of(reading, row.secrets, kCallVector.body));
        const auto text = render_log_text(report, reading, Colour::off);
        EXPECT_NE(text.find("\n  secret whsec_ICEi…w9Pj8= (line 1)" + row.end + "\n"), std::string::npos)
            << text;
    }
}

TEST(RenderLogText, ListsTheFirstFiftyDeliveriesAndSaysHowManyMoreThereAre) {
    webhook::LogReading reading;
    for (std::size_t i = 1; i <= 52; ++i) {
        reading.deliveries.push_back(logged_delivery());
        reading.deliveries.back().first_line = reading.deliveries.back().last_line = i;
    }
    reading.deliveries.front().id = {};
    const auto report = diagnose_log(material_of(reading, {{"railway", kOtherSecret, 0}}, "{}"));
    const auto text = render_log_text(report, reading, Colour::off);
    EXPECT_NE(text.find("\n  line 1: cannot tell, no id\n    missing: webhook-id is not in the log\n"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("\n  line 50: INVALID, wh_00000000000000000000000000000002\n"
                        "  and 2 deliveries more (--json lists all)\n"
                        "  of 39 deliveries only the exact recipe was tried\n"),
              std::string::npos)
        << text;
    const auto json = nlohmann::json::parse(render_log_json(report, reading, "0"));
    EXPECT_EQ(json["log"]["deliveries"].size(), 52U);
    EXPECT_EQ(json["log"]["not_searched"], 39);
}

TEST(RenderLogText, ListsTheFirstFiveLossesAndSaysHowManyMoreThereAre) {
    const auto record = webhook::write_webhook_record(record_of_the_call());
    std::string log;
    for (int i = 0; i < 7; ++i) log += record.substr(0, record.size() / 2) + "\n";
    const auto reading = webhook::read_railway_log(log);
    const auto report = diagnose_log(material_of(reading, {{"railway", kCallVector.secret, 0}}, {}));
    const auto text = render_log_text(report, reading, Colour::off);
    EXPECT_NE(
        text.find("  lost: line 5: the record's line ends early\n  and 2 losses more (--json lists all)\n"),
        std::string::npos)
        << text;
    EXPECT_EQ(text.find("lost: line 6"), std::string::npos);
    EXPECT_EQ(nlohmann::json::parse(render_log_json(report, reading, "0"))["log"]["losses"].size(), 7U);
}

TEST(RenderLogJson, LeavesTheLengthOpenWhereNothingIsKnownOfABody) {
    const auto length_of = [](const std::string& log) {
        const auto reading = webhook::read_railway_log(log);
        const auto report = diagnose_log(material_of(reading, {}, std::nullopt));
        return nlohmann::json::parse(render_log_json(report, reading, "0"))["body"]["length"];
    };
    EXPECT_TRUE(length_of("hello\n").is_null());
    EXPECT_EQ(length_of(railway_log()), 354);
}

}  // namespace
}  // namespace callchain::diagnosis
