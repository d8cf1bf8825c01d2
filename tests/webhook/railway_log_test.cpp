#include "webhook/railway_log.hpp"

#include "crypto/hash.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

namespace callchain::webhook {
namespace {

using State = LoggedField::State;

// The call event of tests/data/logs: 354 bytes, signed with the key bytes 00 to 1f (computed by Python's
// hmac).
const std::string kBody =
    R"({"id": "evt_test_0001", "object": "event", "created_at": 1750287018, "type": "realtime.call.incoming", )"
    R"("data": {"call_id": "rtc_u1_test0001", "sip_headers": [{"name": "From", "value": "\"Jos\u00e9 & Co\" )"
    R"(<sip:+15550100@sip.example.com>"}, {"name": "To", "value": "sip:proj_test@sip.api.openai.com;transport=tls"}, )"
    R"({"name": "X-Ratio", "value": "1.0/2"}]}})";
const std::string kSha256 = "3b059c272f31e81cacd2dcba34cc8160aa5b248bb3cb86fd7a7635a170c938b1";
const std::string kId = "wh_00000000000000000000000000000002";
const std::string kTimestamp = "1750287078";
const std::string kSignature = "v1,CBTrrwrCprSg+So15PJ3z4FzGOdNF92Ubm9/IY7hDlA=";
const std::string kSecondId = "wh_00000000000000000000000000000003";
const std::string kSecondTimestamp = "1750287140";
const std::string kSecondSignature = "v1,X4GqEhh4+5WjWKOofK60bXscp3xTO3Eot9y9elwJDqk=";
const std::string kUserAgent = "OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)";
const std::string kMismatch =
    "signature validation failed: The given webhook signature does not match the expected signature";

std::string log_file(const std::string& name) {
    std::ifstream file(TEST_DATA_DIR "/logs/" + name, std::ios::binary);
    EXPECT_TRUE(file.good()) << name;
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

LoggedField whole(const std::string& text) { return {State::whole, text}; }

bool lost(const LogReading& reading, LogLoss::Kind kind) {
    for (const auto& loss : reading.losses) {
        if (loss.kind == kind) return true;
    }
    return false;
}

TEST(KnownEvent, HasThePublishedHash) {
    ASSERT_EQ(kBody.size(), 354U);
    ASSERT_EQ(crypto::sha256_hex(kBody), kSha256);
}

// The three lines with which the search for such a fault began.
TEST(ReadRailwayLog, ReadsTheElidedSampleAsOneDeliveryAndOneMask) {
    const auto reading = read_railway_log(log_file("seed-sample.txt"));
    ASSERT_EQ(reading.masks.size(), 1U);
    EXPECT_EQ(reading.masks[0].text, "whsec_16sl…076DY=");
    EXPECT_EQ(reading.masks[0].head, "whsec_16sl");
    EXPECT_EQ(reading.masks[0].tail, "076DY=");
    EXPECT_EQ(reading.masks[0].first_line, 1U);
    ASSERT_EQ(reading.deliveries.size(), 1U);
    const auto& delivery = reading.deliveries[0];
    EXPECT_EQ(delivery.id, (LoggedField{State::cut, "wh_..."}));
    EXPECT_EQ(delivery.timestamp, (LoggedField{State::cut, "..."}));
    EXPECT_EQ(delivery.signature, (LoggedField{State::cut, "v1,..."}));
    EXPECT_EQ(delivery.body_sha256.state, State::absent);
    EXPECT_EQ(delivery.body_length, 1680U);
    EXPECT_FALSE(delivery.body.has_value());
    EXPECT_EQ(delivery.user_agent, "OpenAI/1.0 ...");
    EXPECT_EQ(delivery.content_type, "application/json");
    ASSERT_TRUE(delivery.error.has_value());
    EXPECT_EQ(delivery.error->complaint, SdkComplaint::mismatch);
    EXPECT_EQ(delivery.error->text, kMismatch);
    EXPECT_EQ(delivery.first_line, 2U);
    EXPECT_EQ(delivery.last_line, 3U);
    EXPECT_EQ(reading.losses.size(), 3U);
    for (const auto& loss : reading.losses) EXPECT_EQ(loss.kind, LogLoss::Kind::field_cut);
    EXPECT_EQ(reading.shape.lines, 3U);
    EXPECT_TRUE(reading.clear_secret_lines.empty());
}

struct FileRow {
    const char* name;
    std::size_t deliveries;
    std::optional<LoggedBody::Source> body;  ///< of the first delivery; its first candidate is kBody
    std::optional<BodyChange> change;
};

TEST(ReadRailwayLog, FindsTheDeliveryInEveryShapeOfLog) {
    using Source = LoggedBody::Source;
    const std::vector<FileRow> rows{
        {"first-form-railway-cli.txt", 2, {}, {}},
        {"second-form.txt", 2, Source::preview, {}},
        {"colours-compose-crlf.txt", 1, {}, {}},
        {"dashboard-wrapped.txt", 1, Source::line, BodyChange::joined},
        {"railway-json-string-body.jsonl", 1, Source::text, BodyChange::escapes_removed},
        {"railway-json-object-body.jsonl", 1, Source::object, {}},
        {"railway-json-base64-body.jsonl", 1, Source::base64, BodyChange::decoded},
        {"railway-api-attributes.jsonl", 1, Source::text, BodyChange::none},
        {"railway-text-attributes.txt", 1, Source::line, BodyChange::escapes_removed},
        {"railway-json-taken-apart.jsonl", 1, Source::object, {}},
        {"railway-json-messages.jsonl", 1, Source::line, BodyChange::none},
        {"node-headers-printed.txt", 1, {}, {}},
        {"python-repr.txt", 1, Source::python, BodyChange::decoded},
        {"utf16.txt", 1, {}, {}},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        const auto reading = read_railway_log(log_file(row.name));
        ASSERT_EQ(reading.deliveries.size(), row.deliveries);
        const auto& delivery = reading.deliveries[0];
        EXPECT_EQ(delivery.id, whole(kId));
        EXPECT_EQ(delivery.timestamp, whole(kTimestamp));
        EXPECT_EQ(delivery.signature, whole(kSignature));
        ASSERT_TRUE(delivery.error || std::string(row.name).find("taken-apart") != std::string::npos);
        EXPECT_TRUE(!delivery.error || delivery.error->complaint == SdkComplaint::mismatch);
        ASSERT_EQ(delivery.body.has_value(), row.body.has_value());
        EXPECT_TRUE(!row.body || delivery.body->source == *row.body);
        if (row.change) {
            EXPECT_EQ(delivery.body->candidates[0].bytes, kBody);
            EXPECT_EQ(delivery.body->candidates[0].change, *row.change);
            EXPECT_FALSE(delivery.body->reordered);
            EXPECT_FALSE(delivery.body->truncated);
        }
        EXPECT_LE(delivery.first_line, delivery.last_line);
        EXPECT_LE(delivery.last_line, reading.shape.lines);
    }
}

TEST(ReadRailwayLog, TakesNoCallOfServeForADelivery) {
    const auto reading = read_railway_log(
        R"({"time":"2026-11-28T18:17:47.792Z","level":"error","message":"call not accepted","callchain_id":"cc_1",)"
        R"("call_id":"rtc_u1_1","webhook_id":"wh_b752d38d41ce2fba05a11b4618283197","outcome":"decided_elsewhere"})"
        "\n"
        R"({"time":"2026-11-28T18:17:47.793Z","level":"warn","message":"call summary","callchain_id":"cc_1",)"
        R"("webhook_id":"wh_b752d38d41ce2fba05a11b4618283197","event_id":"evt_1"})"
        "\n");
    EXPECT_TRUE(reading.deliveries.empty());
    EXPECT_EQ(reading.call_lines, 2U);
}

TEST(ReadRailwayLog, KeepsDeliveriesApart) {
    for (const auto* name : {"first-form-railway-cli.txt", "second-form.txt", "raw-headers.txt"}) {
        SCOPED_TRACE(name);
        const auto reading = read_railway_log(log_file(name));
        ASSERT_EQ(reading.deliveries.size(), 2U);
        EXPECT_EQ(reading.deliveries[0].id, whole(kId));
        EXPECT_EQ(reading.deliveries[1].id, whole(kSecondId));
        EXPECT_EQ(reading.deliveries[1].timestamp, whole(kSecondTimestamp));
        EXPECT_EQ(reading.deliveries[1].signature, whole(kSecondSignature));
        EXPECT_LT(reading.deliveries[0].last_line, reading.deliveries[1].first_line);
    }
}

TEST(ReadRailwayLog, ReadsTheRailwayCommandsTextForm) {
    const auto reading = read_railway_log(log_file("first-form-railway-cli.txt"));
    ASSERT_EQ(reading.deliveries.size(), 2U);
    EXPECT_EQ(reading.deliveries[0].logged_at, "2025-06-18T22:51:18.123456789Z");
    EXPECT_EQ(reading.deliveries[0].user_agent, kUserAgent);
    EXPECT_EQ(reading.deliveries[0].body_length, 354U);
    EXPECT_EQ(reading.shape.prefixes, 7U);
    ASSERT_EQ(reading.masks.size(), 2U);
    EXPECT_EQ(reading.masks[0].text, "whsec_AAEC…wdHh8=");
    EXPECT_EQ(reading.masks[1].text, "whsec_RdvaYF…Aj40c=");  // logged with stars
}

TEST(ReadRailwayLog, ReadsTheSecondFormOfTheService) {
    const auto reading = read_railway_log(log_file("second-form.txt"));
    ASSERT_EQ(reading.deliveries.size(), 2U);
    const auto& delivery = reading.deliveries[0];
    EXPECT_EQ(delivery.body_sha256, whole(kSha256));
    EXPECT_EQ(delivery.body_length, 354U);
    EXPECT_EQ(delivery.logged_at, "Jun 18 22:51:18");
    ASSERT_TRUE(delivery.body.has_value());
    EXPECT_TRUE(delivery.body->truncated);
    EXPECT_EQ(delivery.first_line, 1U);
    EXPECT_EQ(delivery.last_line, 6U);
    EXPECT_TRUE(lost(reading, LogLoss::Kind::body_truncated));
}

TEST(ReadRailwayLog, UndoesColoursPrefixesAndCarriageReturns) {
    const auto reading = read_railway_log(log_file("colours-compose-crlf.txt"));
    EXPECT_EQ(reading.shape.colours, 16U);
    EXPECT_EQ(reading.shape.prefixes, 3U);
    EXPECT_EQ(reading.shape.carriage_returns, 3U);
    ASSERT_EQ(reading.deliveries.size(), 1U);
    EXPECT_EQ(reading.deliveries[0].error->text, kMismatch);
}

TEST(ReadRailwayLog, PutsWrappedLinesTogether) {
    const auto reading = read_railway_log(log_file("dashboard-wrapped.txt"));
    ASSERT_EQ(reading.masks.size(), 2U);
    EXPECT_EQ(reading.masks[1].tail, "Aj40c=");
    ASSERT_EQ(reading.deliveries.size(), 1U);
    const auto& delivery = reading.deliveries[0];
    EXPECT_EQ(delivery.user_agent, kUserAgent);
    EXPECT_EQ(delivery.content_type, "application/json");
    EXPECT_EQ(delivery.body_length, 354U);
    EXPECT_EQ(reading.shape.joined, 1U + 1U + 3U + 5U);
    ASSERT_EQ(delivery.body->candidates.size(), 2U);
    EXPECT_EQ(delivery.body->candidates[1].change, BodyChange::joined_with_blanks);
    EXPECT_EQ(delivery.body->candidates[1].bytes.size(), 354U + 5U);
}

TEST(ReadRailwayLog, JoinsHeadersWrappedAtAnyWidth) {
    const std::string line = "webhook headers: id=" + kId + " ts=" + kTimestamp + " sig=" + kSignature +
                             " ua=" + kUserAgent + " content_type=application/json body_len=354";
    for (std::size_t width = 30; width < line.size(); ++width) {
        SCOPED_TRACE(width);
        std::string log = kMismatch + "\n";
        for (std::size_t at = 0; at < line.size(); at += width) log += line.substr(at, width) + "\n";
        const auto reading = read_railway_log(log + "\nGET / 200\n");
        ASSERT_EQ(reading.deliveries.size(), 1U);
        EXPECT_EQ(reading.deliveries[0].id, whole(kId));
        EXPECT_EQ(reading.deliveries[0].timestamp, whole(kTimestamp));
        EXPECT_EQ(reading.deliveries[0].signature, whole(kSignature));
    }
}

TEST(ReadRailwayLog, DoesNotJoinWhatIsNotWrapped) {
    const auto reading = read_railway_log(
        "2025-06-18 22:51:18 Headers: id=wh_1 ts=1750287078\n"
        "2025-06-18 22:51:18 sig of the day\n"
        "Body preview: {\"id\": \"evt_1\", \"obj\n"
        "Headers: id=wh_2 ts=2 sig=" +
        kSignature + "\n");
    EXPECT_EQ(reading.shape.joined, 0U);
    ASSERT_EQ(reading.deliveries.size(), 2U);
    EXPECT_EQ(reading.deliveries[0].id, whole("wh_1"));
    EXPECT_EQ(reading.deliveries[0].signature.state, State::absent);
    EXPECT_EQ(reading.deliveries[1].id, whole("wh_2"));
}

TEST(ReadRailwayLog, DoesNotJoinLinesWithTimesOfTheirOwn) {
    const auto reading = read_railway_log(
        "2025-06-18 22:51:18 Headers: id=wh_1 ts=1\n2025-06-18 22:51:19 ts=2 sig=" + kSignature + "\n");
    EXPECT_EQ(reading.shape.joined, 0U);
    ASSERT_FALSE(reading.deliveries.empty());
    EXPECT_EQ(reading.deliveries[0].signature.state, State::absent);
}

TEST(ReadRailwayLog, CountsElidedHeadersEachTime) {
    const std::string line = "Headers: id=wh_... ts=... sig=v1,...\n";
    EXPECT_EQ(read_railway_log(line + line).deliveries.size(), 2U);
}

// The same headers printed in two manners are one delivery; a retry has its id again and is another one.
TEST(ReadRailwayLog, MergesTwoFormsOfOneDelivery) {
    const std::string dump = "webhook-id: " + kId + "\nwebhook-timestamp: " + kTimestamp +
                             "\nwebhook-signature: " + kSignature + "\n";
    const std::string line = "Headers: id=" + kId + " ts=" + kTimestamp + " sig=" + kSignature + "\n";
    const std::string retry =
        "Headers: id=" + kId + " ts=" + kSecondTimestamp + " sig=" + kSecondSignature + "\n";
    EXPECT_EQ(read_railway_log(dump + line).deliveries.size(), 1U);
    const auto retried = read_railway_log(dump + line + retry);
    ASSERT_EQ(retried.deliveries.size(), 2U);
    EXPECT_EQ(retried.deliveries[1].timestamp, whole(kSecondTimestamp));
}

TEST(ReadRailwayLog, OffersBothReadingsOfBackslashes) {
    const auto surplus = read_railway_log(log_file("railway-json-string-body.jsonl"));
    ASSERT_EQ(surplus.deliveries.size(), 1U);
    EXPECT_EQ(surplus.shape.json_lines, 2U);
    EXPECT_EQ(surplus.masks.size(), 1U);
    EXPECT_EQ(surplus.deliveries[0].logged_at, "2025-06-18T22:51:18.123456789Z");
    EXPECT_EQ(surplus.deliveries[0].timestamp, whole(kTimestamp));  // came as a number
    // A body of which the escapes are the sender's: as logged first, with a layer less second.
    const auto plain = read_railway_log(
        R"({"message":"x","level":"error","body":"{\"id\": \"evt_1\", \"a\": \"\\u0041\"}"})");
    ASSERT_EQ(plain.deliveries.size(), 1U);
    const auto& candidates = plain.deliveries[0].body->candidates;
    ASSERT_EQ(candidates.size(), 2U);
    EXPECT_EQ(candidates[0].bytes, R"({"id": "evt_1", "a": "\u0041"})");
    EXPECT_EQ(candidates[1].bytes, R"({"id": "evt_1", "a": "A"})");
    EXPECT_EQ(candidates[1].change, BodyChange::escapes_removed);
}

TEST(ReadRailwayLog, KeepsALineEndThatTheLoggedBodyHas) {
    const auto reading =
        read_railway_log(R"({"message":"x","level":"error","raw_body":"{\"id\": \"evt_1\"}\n"})");
    ASSERT_EQ(reading.deliveries.size(), 1U);
    const auto& candidates = reading.deliveries[0].body->candidates;
    ASSERT_EQ(candidates.size(), 2U);
    EXPECT_EQ(candidates[0].bytes, "{\"id\": \"evt_1\"}\n");
    EXPECT_EQ(candidates[1].bytes, "{\"id\": \"evt_1\"}");
}

TEST(ReadRailwayLog, MarksBodiesThatCameAsObjects) {
    for (const auto* name : {"railway-json-object-body.jsonl", "railway-json-taken-apart.jsonl"}) {
        SCOPED_TRACE(name);
        const auto reading = read_railway_log(log_file(name));
        ASSERT_EQ(reading.deliveries.size(), 1U);
        EXPECT_TRUE(reading.deliveries[0].body->reordered);
        EXPECT_TRUE(lost(reading, LogLoss::Kind::body_reordered));
    }
    const auto apart = read_railway_log(log_file("railway-json-taken-apart.jsonl"));
    const auto& bytes = apart.deliveries[0].body->candidates[0].bytes;
    EXPECT_EQ(bytes.find(R"({"id": "evt_test_0001", "object": "event", "created_at": 1750287018, "type": )"),
              0U)
        << bytes;
}

TEST(ReadRailwayLog, PutsTheCandidateFirstThatHasTheLoggedHash) {
    // The reading that is less likely by itself.
    const auto reading = read_railway_log(
        "{\"message\":\"x\",\"level\":\"error\",\"body\":\"{\\\"id\\\": \\\"evt_1\\\", \\\"a\\\": "
        "\\\"\\\\u0041\\\"}\",\"body_sha256\":\"" +
        crypto::sha256_hex(R"({"id": "evt_1", "a": "A"})") + "\"}");
    ASSERT_EQ(reading.deliveries.size(), 1U);
    EXPECT_TRUE(reading.deliveries[0].body->confirmed);
    EXPECT_EQ(reading.deliveries[0].body->candidates[0].bytes, R"({"id": "evt_1", "a": "A"})");
}

TEST(ReadRailwayLog, SaysWhichFieldsAreCut) {
    const auto reading = read_railway_log(log_file("cut-fields.txt"));
    ASSERT_EQ(reading.deliveries.size(), 1U);
    const auto& delivery = reading.deliveries[0];
    EXPECT_EQ(delivery.id, whole(kId));
    EXPECT_EQ(delivery.signature, (LoggedField{State::cut, "v1,CBTrrwrCprSg+So15PJ3…"}));
    EXPECT_EQ(delivery.body_sha256, (LoggedField{State::cut, "3b059c27…"}));
    ASSERT_TRUE(delivery.body.has_value());
    EXPECT_TRUE(delivery.body->truncated);
    EXPECT_EQ(delivery.body->candidates[0].bytes, kBody.substr(0, 256));
    EXPECT_TRUE(lost(reading, LogLoss::Kind::field_cut));
}

TEST(ReadRailwayLog, SeesThatASignatureIsTooShortWithoutAnEllipsis) {
    const auto reading = read_railway_log("Headers: id=wh_1 ts=1750287078 sig=v1,CBTrrwrCprSg+So15PJ3\n\n");
    ASSERT_EQ(reading.deliveries.size(), 1U);
    EXPECT_EQ(reading.deliveries[0].signature, (LoggedField{State::cut, "v1,CBTrrwrCprSg+So15PJ3"}));
}

TEST(ReadRailwayLog, TakesNoneForAnAbsentHeader) {
    const auto reading = read_railway_log(log_file("missing-header.txt"));
    ASSERT_EQ(reading.deliveries.size(), 1U);
    EXPECT_EQ(reading.deliveries[0].id, (LoggedField{State::absent, "None"}));
    EXPECT_EQ(reading.deliveries[0].timestamp, whole(kTimestamp));
    EXPECT_EQ(reading.deliveries[0].error->complaint, SdkComplaint::header_missing);
}

TEST(ReadRailwayLog, KnowsWhatTheSdksSay) {
    struct Row {
        const char* line;
        SdkComplaint complaint;
    };
    for (const auto& row :
         {Row{"openai.InvalidWebhookSignatureError: Webhook timestamp is too old", SdkComplaint::too_old},
          Row{"Error: Webhook timestamp is too new", SdkComplaint::too_new},
          Row{"webhook signature verification failed", SdkComplaint::mismatch},
          Row{"Invalid webhook timestamp format", SdkComplaint::timestamp_format},
          Row{"Error: Missing required header: webhook-signature", SdkComplaint::header_missing},
          Row{"signature validation failed: Incorrect padding", SdkComplaint::secret_not_base64},
          Row{"signature validation failed: out of cheese", SdkComplaint::other}}) {
        SCOPED_TRACE(row.line);
        const auto reading = read_railway_log(row.line);
        ASSERT_EQ(reading.deliveries.size(), 1U);
        EXPECT_EQ(reading.deliveries[0].error->complaint, row.complaint);
        EXPECT_EQ(reading.deliveries[0].error->line, 1U);
    }
}

TEST(ReadRailwayLog, ReadsHeadersAndErrorInsideOfAttributes) {
    const auto reading = read_railway_log(
        R"({"message":"signature validation failed","level":"error","time":"2025-06-18T22:51:18Z","error":"Webhook timestamp is too old",)"
        R"("headers":{"user-agent":"OpenAI/1.0","webhook-id":"wh_1","webhook-timestamp":"1750287078","webhook-signature":")" +
        kSignature + R"(, v1,AAAA"}})");
    ASSERT_EQ(reading.deliveries.size(), 1U);
    const auto& delivery = reading.deliveries[0];
    EXPECT_EQ(delivery.error->complaint, SdkComplaint::too_old);
    EXPECT_EQ(delivery.id, whole("wh_1"));
    EXPECT_EQ(delivery.signature, whole(kSignature + ", v1,AAAA"));
    EXPECT_EQ(delivery.user_agent, "OpenAI/1.0");
    EXPECT_EQ(delivery.logged_at, "2025-06-18T22:51:18Z");
    const auto flat = read_railway_log(
        R"({"msg":"refused","level":50,"id":"wh_1","ts":"1750287078","sig":")" + kSignature + "\"}");
    ASSERT_EQ(flat.deliveries.size(), 1U);
    EXPECT_EQ(flat.deliveries[0].id, whole("wh_1"));
    EXPECT_EQ(flat.deliveries[0].timestamp, whole("1750287078"));
}

TEST(ReadRailwayLog, CountsALoggedErrorAndItsTracebackOnce) {
    const auto reading = read_railway_log(log_file("python-repr.txt"));
    ASSERT_EQ(reading.deliveries.size(), 1U);
    EXPECT_EQ(reading.deliveries[0].error->text, kMismatch);
    EXPECT_EQ(read_railway_log(kMismatch + "\n" + kMismatch + "\n").deliveries.size(), 2U);
}

WebhookRecord record() {
    WebhookRecord value;
    value.webhook_id = kId;
    value.webhook_timestamp = kTimestamp;
    value.webhook_signature = kSignature;
    value.body = kBody;
    value.body_length = kBody.size();
    value.body_sha256 = kSha256;
    value.verdict = "signature_mismatch";
    value.received_at = std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::seconds(1750287078));
    value.secrets = {{"railway", 50, "630dcd29", "whsec_AAEC…wdHh8="}};
    return value;
}

TEST(ReadRailwayLog, ReadsOurOwnRecordLine) {
    const auto line = write_webhook_record(record());
    std::string wrapped = "2025-06-18 22:51:18 ";
    for (std::size_t at = 0; at < line.size(); at += 80) wrapped += line.substr(at, 80) + "\n";
    for (const auto& [name, log] :
         {std::pair<const char*, std::string>{"plain", "noise\n" + line + "\nnoise\n"},
          {"wrapped", wrapped + "2025-06-18 22:51:19 done\n"},
          {"behind its error", kMismatch + "\n" + line}}) {
        SCOPED_TRACE(name);
        const auto reading = read_railway_log(log);
        ASSERT_EQ(reading.deliveries.size(), 1U);
        const auto& delivery = reading.deliveries[0];
        EXPECT_EQ(delivery.id, whole(kId));
        EXPECT_EQ(delivery.signature, whole(kSignature));
        EXPECT_EQ(delivery.verdict, "signature_mismatch");
        ASSERT_TRUE(delivery.body.has_value());
        EXPECT_EQ(delivery.body->source, LoggedBody::Source::record);
        EXPECT_EQ(delivery.body->candidates[0].bytes, kBody);
        EXPECT_TRUE(delivery.body->confirmed);
        ASSERT_EQ(reading.masks.size(), 1U);
        EXPECT_EQ(reading.masks[0].label, "railway");
        EXPECT_EQ(reading.masks[0].fingerprint, "630dcd29");
        EXPECT_EQ(reading.masks[0].head, "whsec_AAEC");
    }
    const auto cut = read_railway_log(line.substr(0, line.size() - 100));
    ASSERT_EQ(cut.deliveries.size(), 1U);
    EXPECT_FALSE(cut.deliveries[0].body.has_value());
    EXPECT_TRUE(lost(cut, LogLoss::Kind::line_cut));
}

// Written by the two functions of docs/webhook-record.md, run under Python 3.11 and Node 20.
TEST(ReadRailwayLog, ReadsRecordsThatOtherServicesWrote) {
    for (const auto* name : {"record-from-flask.txt", "record-from-express.txt"}) {
        SCOPED_TRACE(name);
        const auto reading = read_railway_log(log_file(name));
        ASSERT_EQ(reading.deliveries.size(), 1U);
        const auto& delivery = reading.deliveries[0];
        EXPECT_EQ(delivery.id, whole("wh_685c059ae39c8190af8c71ed1022a24d"));
        EXPECT_EQ(delivery.timestamp, whole("1750861210"));
        EXPECT_EQ(delivery.signature, whole("v1,gUAg4R2hWouRZqRQG4uJypNS8YK885G838+EHb4nKBY="));
        EXPECT_EQ(delivery.user_agent, kUserAgent);
        EXPECT_EQ(delivery.record->reason, "no secret fits");
        EXPECT_EQ(delivery.body_length, 149U);
        EXPECT_TRUE(delivery.body.has_value() && delivery.body->confirmed);
    }
}

TEST(ReadRailwayLog, FindsNothingInOtherLogs) {
    for (const auto& log :
         {log_file("nothing.txt"), std::string(), std::string("\n\n\n"), std::string(1000, '\0'),
          std::string("{\"message\":\"GET /\",\"level\":\"info\",\"id\":\"7\",\"ts\":1}\n")}) {
        const auto reading = read_railway_log(log);
        EXPECT_TRUE(reading.deliveries.empty());
        EXPECT_TRUE(reading.masks.empty());
        EXPECT_TRUE(reading.losses.empty());
    }
}

TEST(ReadRailwayLog, NamesLinesWithWholeSecretsAndKeepsNone) {
    const std::string secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const auto reading = read_railway_log(
        "OPENAI_WEBHOOK_SECRET=" + secret + "\nsignature validation failed: bad secret " + secret +
        "\nwebhook headers: id=wh_1 ts=2 sig=" + kSignature + " ua=" + secret + " body_len=3\n");
    EXPECT_EQ(reading.clear_secret_lines, (std::vector<std::size_t>{1, 2, 3}));
    EXPECT_TRUE(reading.masks.empty());
    ASSERT_EQ(reading.deliveries.size(), 1U);
    EXPECT_EQ(reading.deliveries[0].error->text, "signature validation failed: bad secret whsec_[withheld]");
    EXPECT_EQ(reading.deliveries[0].user_agent, "whsec_[withheld]");
}

TEST(ReadRailwayLog, CountsRepeatedMasksOnce) {
    const std::string line = "openai webhook secrets loaded (1): whsec_16sl...076DY=\n";
    const auto reading = read_railway_log(line + "x\n" + line);
    ASSERT_EQ(reading.masks.size(), 1U);
    EXPECT_EQ(reading.masks[0].times, 2U);
    EXPECT_EQ(reading.masks[0].first_line, 1U);
    EXPECT_EQ(reading.masks[0].last_line, 3U);
}

TEST(ReadRailwayLog, KeepsABoundedNumberOfDeliveriesAndSaysSo) {
    std::string log;
    for (int i = 0; i < 10'050; ++i) {
        log += "webhook headers: id=wh_" + std::to_string(i) + " ts=1750287078 sig=" + kSignature +
               " ua=x content_type=y body_len=1\n";
    }
    const auto reading = read_railway_log(log);
    EXPECT_EQ(reading.deliveries.size(), kMostLoggedDeliveries);
    EXPECT_EQ(reading.deliveries_dropped, 50U);
    EXPECT_TRUE(lost(reading, LogLoss::Kind::deliveries_dropped));
}

// Inputs on which a careless reader needs the square of their length; each is read in well under a second.
TEST(ReadRailwayLog, ReadsHostileLogsInOnePass) {
    const auto repeat = [](std::string_view text) {
        std::string out;
        while (out.size() < std::size_t{1} << 20U) out += text;
        return out;
    };
    for (const auto& piece :
         {"{\"id\": \"evt_", "{\"message\":\"x\",\"level\":{", "{\\\"event\\\":", "[[[[", "{{{{\"event\"",
          "sk-", "whsec_", "eyJ", "\x1b[", "\x1b]", "webhook headers: id=1 \n", "{\"event\":\n",
          "b'{\"event\\", "{\"callchain.webhook-record/1", "callchain.webhook-record/1=\"",
          "webhook-id: ", "secrets loaded (9): \n", "{\n"}) {
        SCOPED_TRACE(piece);
        const auto reading = read_railway_log(repeat(piece));
        EXPECT_LE(reading.deliveries.size(), kMostLoggedDeliveries);
    }
}

TEST(ReadRailwayLog, CutsLinesThatAreTooLong) {
    const auto reading = read_railway_log(std::string(kMostLogLineBytes + 1, 'x') + "\n" + kMismatch);
    EXPECT_EQ(reading.shape.long_lines_cut, 1U);
    EXPECT_EQ(reading.deliveries.size(), 1U);
    EXPECT_TRUE(lost(reading, LogLoss::Kind::line_too_long));
}

}  // namespace
}  // namespace callchain::webhook
