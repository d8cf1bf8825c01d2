#include "webhook/record.hpp"

#include "crypto/hash.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <rapidcheck.h>

namespace callchain::webhook {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;

// Made up; nothing here verifies a signature. 1750287078 is 2025-06-18T22:51:18Z (by date -u).
constexpr std::int64_t kSentAt = 1750287078;
const std::string kBody = R"({"id": "evt_test_0001", "value": "\"Jos\u00e9 & Co\""})";

WebhookRecord example() {
    WebhookRecord record;
    record.webhook_id = "wh_00000000000000000000000000000002";
    record.webhook_timestamp = std::to_string(kSentAt);
    record.webhook_signature = "v1,CBTrrwrCprSg+So15PJ3z4FzGOdNF92Ubm9/IY7hDlA= v1,AAAA";
    record.body_length = kBody.size();
    record.body_sha256 = crypto::sha256_hex(kBody);
    record.body = kBody;
    record.user_agent = "OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)";
    record.content_type = "application/json; charset=\"utf-8\"";
    record.received_at = std::chrono::sys_time<std::chrono::milliseconds>(kSentAt * 1000ms + 123ms);
    record.verdict = "signature_mismatch";
    record.reason = "no configured secret yields this signature";
    record.secrets = {{"railway", 50, "1a2b3c4d", "whsec_AAEC…wdHh8="}, {"old.env", 12, "", ""}};
    return record;
}

TEST(WriteWebhookRecord, IsOneFlatLineThatNeedsNoEscape) {
    const auto line = write_webhook_record(example());
    EXPECT_EQ(line.find_first_of("\\\r\n\t<>&"), std::string::npos) << line;
    for (const char c : line) EXPECT_TRUE(c >= ' ' && c < 0x7F);
    const auto json = Json::parse(line);
    for (const auto& [name, value] : json.items()) EXPECT_TRUE(value.is_primitive()) << name;
    EXPECT_EQ(json["message"], "callchain webhook record");
    EXPECT_EQ(json["schema"], "callchain.webhook-record/1");
    EXPECT_EQ(json["webhook_id"], "wh_00000000000000000000000000000002");
    EXPECT_EQ(json["webhook_timestamp"], "text:1750287078");  // else a pipeline makes it a number
    EXPECT_EQ(json["content_type"], "b64:YXBwbGljYXRpb24vanNvbjsgY2hhcnNldD0idXRmLTgi");
    EXPECT_EQ(json["received_at"], "2025-06-18T22:51:18.123Z");
    EXPECT_EQ(json["secrets"], "railway:50:1a2b3c4d:whsec_AAEC...wdHh8= old.env:12:-:-");
    EXPECT_EQ(json["body_length"], kBody.size());
    EXPECT_TRUE(line.starts_with("{\"message\":\"callchain webhook record\",\"schema\":")) << line;
}

TEST(WriteWebhookRecord, WritesTheExampleOfItsSpecification) {
    std::ifstream page(TEST_DATA_DIR "/../../docs/webhook-record.md");
    std::string line;
    while (std::getline(page, line) && !line.starts_with('{')) continue;
    const auto record = parse_webhook_record(line);
    ASSERT_TRUE(record.has_value());
    EXPECT_EQ(record->webhook_timestamp, "1750861210");
    EXPECT_EQ(record->body_length, 149U);
    ASSERT_EQ(record->secrets.size(), 1U);
    EXPECT_EQ(record->secrets[0], (RecordedSecret{"railway", 50, "630dcd29", "whsec_AAEC…wdHh8="}));
    EXPECT_EQ(write_webhook_record(*record), line);
}

TEST(ParseWebhookRecord, ReadsWhatWasWritten) {
    const auto record = parse_webhook_record(write_webhook_record(example()));
    ASSERT_TRUE(record.has_value());
    EXPECT_EQ(*record, example());
}

std::string escaped(const std::string& text) {
    const auto quoted = Json(text).dump();
    return quoted.substr(1, quoted.size() - 2);
}

std::string reordered(const std::string& line) { return Json::parse(line).dump(); }  // nlohmann sorts

std::string with_numbers(const std::string& line) {
    auto json = OrderedJson::parse(line);
    for (auto& [name, value] : json.items()) {
        if (value.is_string() && Json::accept(value.get<std::string>()))
            value = Json::parse(value.get<std::string>());
    }
    return json.dump();
}

OrderedJson envelope() { return {{"timestamp", "2025-06-18T22:51:18.2Z"}, {"level", "error"}}; }

// The members as the platform's interface hands them out: JSON texts in an array.
std::string as_attribute_array(const std::string& line, bool value_first) {
    auto outer = envelope();
    outer["attributes"] = Json::array();
    const auto members = Json::parse(line);
    for (const auto& [name, value] : members.items()) {
        if (name == "message") {
            outer["message"] = value;
        } else if (value_first) {
            outer["attributes"].push_back(OrderedJson{{"value", value.dump()}, {"key", name}});
        } else {
            outer["attributes"].push_back(OrderedJson{{"key", name}, {"value", value.dump()}});
        }
    }
    return outer.dump();
}

std::string as_attribute_object(const std::string& line) {
    auto outer = envelope();
    outer["message"] = "callchain webhook record";
    outer["attributes"] = Json::parse(line);
    return outer.dump();
}

std::string flattened(const std::string& line, bool keep_quotes) {
    auto outer = envelope();
    const auto members = Json::parse(line);
    for (const auto& [name, value] : members.items()) {
        outer[name] = value.is_string() && keep_quotes && name != "message" ? Json(value.dump()) : value;
    }
    return outer.dump();
}

std::string as_message(const std::string& line) {
    auto outer = envelope();
    outer["message"] = line;
    return outer.dump();
}

std::string assigned(const std::string& line, const std::string& colour) {
    std::string out = "2025-06-18T22:51:18.2Z [error] callchain webhook record";
    const auto members = Json::parse(line);
    for (const auto& [name, value] : members.items()) {
        if (name != "message")
            out += " " + colour + name + (colour.empty() ? "" : "\x1b[0m") + "=" + value.dump();
    }
    return out;
}

TEST(ParseWebhookRecord, SurvivesWhatLogPipelinesDo) {
    const auto line = write_webhook_record(example());
    const std::vector<std::pair<const char*, std::string>> rows{
        {"text in front", "2025-06-18T22:51:18.2Z [err] web {x} " + line},
        {"text behind", line + " {\"schema\": 1}\r"},
        {"other order", reordered(line)},
        {"other order, text in front", "app[web.1]: {} " + reordered(line)},
        {"one layer of backslashes", escaped(line)},
        {"two layers of backslashes", escaped(escaped(line))},
        {"three layers of backslashes", escaped(escaped(escaped(line)))},
        {"spaces between", OrderedJson::parse(line).dump(1, ' ')},
        {"digits become numbers", with_numbers(line)},
        {"as message of a JSON line", as_message(line)},
        {"as message, other order", as_message(reordered(line))},
        {"as message, escaped again", escaped(as_message(line))},
        {"attributes as array", as_attribute_array(line, false)},
        {"attributes as array, value first", as_attribute_array(line, true)},
        {"attributes as object", as_attribute_object(line)},
        {"flattened", flattened(line, false)},
        {"flattened with quotes", flattened(line, true)},
        {"name=value", assigned(line, "")},
        {"name=value in colours", assigned(line, "\x1b[35m")},
    };
    for (const auto& [name, damaged] : rows) {
        SCOPED_TRACE(name);
        const auto record = parse_webhook_record(damaged);
        ASSERT_TRUE(record.has_value()) << damaged;
        EXPECT_EQ(*record, example()) << damaged;
    }
}

TEST(ParseWebhookRecord, ReadsWhatOtherPeopleWrite) {
    const auto record = parse_webhook_record(
        R"({"schema": "callchain.webhook-record/1", "message": "callchain webhook record",)"
        R"( "webhook_id": "wh_1", "webhook_timestamp": 1750287078, "webhook_signature": null,)"
        R"( "received_at": 1750287078123, "body_sha256": "AB", "user_agent": "a \"b\" \u00e9", "body_length": "12"})");
    ASSERT_TRUE(record.has_value());
    EXPECT_EQ(record->webhook_id, "wh_1");
    EXPECT_EQ(record->webhook_timestamp, "1750287078");
    EXPECT_EQ(record->webhook_signature, std::nullopt);
    EXPECT_EQ(record->received_at, example().received_at);
    EXPECT_EQ(record->body_sha256, std::nullopt);  // no 64 hex digits
    EXPECT_EQ(record->user_agent, "a \"b\" é");
    EXPECT_EQ(record->body_length, 12U);
}

TEST(ParseWebhookRecord, ReadsTimesInTheirForms) {
    struct Row {
        const char* text;
        std::int64_t milliseconds;
    };
    for (const auto& row : {Row{"2025-06-18T22:51:18Z", kSentAt * 1000},
                            Row{"2025-06-18T19:51:18.5-03:00", kSentAt * 1000 + 500},
                            Row{"2025-06-18 22:51:18.123456789Z", kSentAt * 1000 + 123},
                            Row{"1750287078", kSentAt * 1000}, Row{"1750287078123", kSentAt * 1000 + 123}}) {
        SCOPED_TRACE(row.text);
        const auto record = parse_webhook_record(R"({"schema":"callchain.webhook-record/1","received_at":")" +
                                                 std::string(row.text) + "\"}");
        ASSERT_TRUE(record.has_value());
        ASSERT_TRUE(record->received_at.has_value());
        EXPECT_EQ(record->received_at->time_since_epoch().count(), row.milliseconds);
    }
    for (const auto* bad : {"", "2025-13-18T22:51:18Z", "2025-06-18T22:51:18", "2025-06-18T25:51:18Z", "soon",
                            "99999999999999999"}) {
        SCOPED_TRACE(bad);
        const auto record = parse_webhook_record(R"({"schema":"callchain.webhook-record/1","received_at":")" +
                                                 std::string(bad) + "\"}");
        ASSERT_TRUE(record.has_value());
        EXPECT_FALSE(record->received_at.has_value());
    }
}

TEST(ParseWebhookRecord, KeepsWhatACutLineStillHas) {
    const auto line = write_webhook_record(example());
    const auto record = parse_webhook_record(line.substr(0, line.find("\"body_base64\"") + 30));
    ASSERT_TRUE(record.has_value());
    auto want = example();
    want.body = std::nullopt;
    want.cut = true;
    EXPECT_EQ(*record, want);
}

TEST(ParseWebhookRecord, FindsNoneWhereThereIsNone) {
    const std::vector<std::string> lines{"",
                                         "{}",
                                         "callchain.webhook-record/1",
                                         "{\"message\":\"callchain webhook record\"}",
                                         "{\"schema\":\"callchain.webhook-record/2\"}",
                                         "{\"schema\":\"callchain.webhook-record/10\"}",
                                         "{\"text\":\"callchain.webhook-record/1\"}",
                                         "{\"schema\":[\"callchain.webhook-record/1\"]}"};
    for (const auto& line : lines) EXPECT_FALSE(parse_webhook_record(line).has_value()) << line;
}

TEST(WriteWebhookRecord, KeepsBodiesOutThatDoNotBelongIntoALog) {
    struct Row {
        const char* name;
        void (*change)(WebhookRecord&);
        const char* reason;
    };
    const std::vector<Row> rows{
        {"too large", [](WebhookRecord& r) { r.body = std::string(kMostRecordedBodyBytes + 1, 'x'); },
         "larger than 16384 bytes"},
        {"no id", [](WebhookRecord& r) { r.webhook_id.reset(); }, "a webhook header is missing"},
        {"no signature", [](WebhookRecord& r) { r.webhook_signature.reset(); },
         "a webhook header is missing"},
        {"timestamp no number", [](WebhookRecord& r) { r.webhook_timestamp = "12x"; },
         "a webhook header is malformed"},
        {"id empty", [](WebhookRecord& r) { r.webhook_id = ""; }, "a webhook header is malformed"},
        {"id with control characters", [](WebhookRecord& r) { r.webhook_id = "a\nb"; },
         "a webhook header is malformed"},
        {"an hour and a second old",
         [](WebhookRecord& r) { r.webhook_timestamp = std::to_string(kSentAt - 3601); },
         "the timestamp is more than an hour from the arrival"},
        {"an hour and a second early",
         [](WebhookRecord& r) { r.webhook_timestamp = std::to_string(kSentAt + 3601); },
         "the timestamp is more than an hour from the arrival"},
        {"arrival unknown", [](WebhookRecord& r) { r.received_at.reset(); },
         "the time of arrival is not known"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        auto record = example();
        row.change(record);
        const auto line = write_webhook_record(record);
        EXPECT_EQ(line.find("body_base64"), std::string::npos);
        const auto again = parse_webhook_record(line);
        ASSERT_TRUE(again.has_value());
        EXPECT_EQ(again->body, std::nullopt);
        EXPECT_EQ(again->body_left_out, row.reason);
        EXPECT_EQ(again->body_length, record.body_length);
    }
    for (const auto seconds : {-3600, 3600}) {
        auto record = example();
        record.webhook_timestamp = std::to_string(kSentAt + seconds);
        record.body = std::string(kMostRecordedBodyBytes, '\0');
        EXPECT_EQ(why_body_stays_out(record), std::nullopt);
    }
}

TEST(WriteWebhookRecord, LeavesOutHeadersThatAreLongerThanAnyReader) {
    auto record = example();
    record.body.reset();
    record.user_agent = std::string(30'000, 'x');
    const auto line = write_webhook_record(record);
    EXPECT_LT(line.size(), 2'000U);
    EXPECT_EQ(Json::parse(line)["too_long"], "user_agent");
}

// Texts that pipelines and readers trip over.
rc::Gen<std::string> hostile_text() {
    return rc::gen::oneOf(
        rc::gen::arbitrary<std::string>(),
        rc::gen::container<std::string>(rc::gen::elementOf(std::string("0123456789e.-\"\\{}:=, %…"))),
        rc::gen::elementOf(std::vector<std::string>{"", "true", "null", "1e5", "b64:", "text:1", " x", "x ",
                                                    "callchain.webhook-record/1", "-", "...", "…"}));
}

TEST(ParseWebhookRecord, ReadsAnyRecordBackThroughAnyDamage) {
    const bool held = rc::check("any record, damaged", [] {
        WebhookRecord record = example();
        for (auto* field : {&record.webhook_id, &record.webhook_signature, &record.user_agent,
                            &record.content_type, &record.verdict, &record.reason}) {
            if (const auto text = *rc::gen::maybe(hostile_text())) *field = *text;
        }
        record.body = *hostile_text();
        record.secrets = {{*hostile_text(), std::nullopt, *hostile_text(), *hostile_text()}};
        const auto line = write_webhook_record(record);
        if (const auto reason = why_body_stays_out(record)) {
            record.body.reset();
            record.body_left_out = std::string(*reason);
        }
        const std::vector<std::string> forms{line,
                                             reordered(line),
                                             with_numbers(line),
                                             escaped(line),
                                             as_message(line),
                                             as_attribute_array(line, false),
                                             flattened(line, true),
                                             assigned(line, "")};
        const auto again = parse_webhook_record(*rc::gen::elementOf(forms));
        RC_ASSERT(again.has_value());
        RC_ASSERT(*again == record);
    });
    ASSERT_TRUE(held);
}

}  // namespace
}  // namespace callchain::webhook
