#include "diagnosis/receiver_matrix.hpp"

#include "base/text.hpp"
#include "diagnosis/body_rows.hpp"
#include "diagnosis/catalogue.hpp"
#include "diagnosis/receiver_bodies.hpp"
#include "diagnosis/receiver_cases.hpp"
#include "diagnosis/vectors.hpp"
#include "encoding/json_text.hpp"
#include "signature/standard_webhooks.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>

namespace callchain::diagnosis {
namespace {

using Names = std::vector<std::string>;
using testing::call_event;
using testing::case_of;
using testing::header;
using testing::kMatrixNow;
using testing::matrix_of;
using testing::receiver_key;
using testing::verifies;

struct Base {
    const char* name;
    std::string body;
};
std::vector<Base> bases() {
    return {{"a call event", call_event()},
            {"the event of the SDKs' tests", testing::kSdkVector.body},
            {"escapes", testing::kCallVector.body},
            {"compact", R"({"a":1,"b":"x"})"},
            {"names only", R"({"a":{"b":[]}})"},
            {"an empty object", "{}"},
            {"an array", R"(["a", 1])"},
            {"a number", "7"},
            {"twice the same member", R"({"type":"a","type":"b"})"},
            {"text", "hello"},
            {"no UTF-8", "\xff\xfe\x80\x01"},
            {"NUL bytes", std::string("\0\0\0", 3)},
            {"one byte", "x"},
            {"nothing", ""},
            {"JSON of two MiB", "{\"a\": \"" + std::string(2U << 20U, 'a') + "\"}"},
            {"JSON without its end", R"({"type": "realtime.ca)"},
            {"too deep", std::string(300, '[') + std::string(300, ']')}};
}

// ---- the cases ----

TEST(ReceiverMatrix, HasTheseCasesInThisOrder) {
    Names names;
    for (const auto& one : matrix_of(call_event())) names.push_back(one.name);
    EXPECT_EQ(names, (Names{"valid",
                            "duplicate",
                            "two_signatures_right_first",
                            "two_signatures_right_last",
                            "bare_signature",
                            "header_letter_case",
                            "unknown_event_type",
                            "utf8_body",
                            "compact_body",
                            "large_body",
                            "stale",
                            "from_the_future",
                            "tampered_body",
                            "reserialized_body",
                            "wrong_id",
                            "wrong_timestamp",
                            "timestamp_not_a_number",
                            "no_webhook_id",
                            "no_webhook_timestamp",
                            "no_webhook_signature",
                            "unsigned",
                            "wrong_secret",
                            "other_version_only",
                            "cut_signature",
                            "empty_signature",
                            "empty_body",
                            "not_json"}));
}

TEST(ReceiverMatrix, MakesExactlyTheGoodCasesVerifyWhateverTheBody) {
    // Rightly signed, and yet nothing that a receiver can use.
    const std::set<std::string> genuine{"empty_body", "not_json"};
    for (const auto& base : bases()) {
        SCOPED_TRACE(base.name);
        for (const auto& one : matrix_of(base.body, base.body.size() < 10'000)) {
            SCOPED_TRACE(one.name);
            const bool good = one.right == RightAnswer::accepted || genuine.contains(one.name);
            EXPECT_EQ(verifies(one.delivery), good);
        }
    }
}

TEST(ReceiverMatrix, KeepsTheBodyAndTheHeadersButForWhatTheCaseIsAbout) {
    const std::set<std::string> other_bodies{
        "unknown_event_type", "utf8_body",  "large_body", "tampered_body",
        "reserialized_body",  "empty_body", "not_json"};
    for (const auto& base : bases()) {
        SCOPED_TRACE(base.name);
        for (const auto& one : matrix_of(base.body)) {
            SCOPED_TRACE(one.name);
            if (one.name == "compact_body") continue;  // the same where the body has no blanks
            const bool same = one.delivery.body == base.body;
            if (one.name == "empty_body")
                EXPECT_EQ(one.delivery.body, "");
            else
                EXPECT_EQ(same, !other_bodies.contains(one.name));
            EXPECT_EQ(one.delivery.method, "POST");
            EXPECT_EQ(one.delivery.target, "/openai/webhook");
            EXPECT_EQ(ascii_lower(header(one.delivery, "content-type")), "application/json");
            EXPECT_EQ(header(one.delivery, "user-agent"), "OpenAI/1.0");
        }
    }
}

TEST(ReceiverMatrix, GivesEveryCaseAnIdOfItsOwnButTheDuplicate) {
    const auto cases = matrix_of(call_event(), true);
    EXPECT_EQ(case_of(cases, "duplicate").delivery, case_of(cases, "valid").delivery);
    std::set<std::string> ids;
    for (const auto& one : cases) {
        if (one.name == "duplicate" || one.name == "no_webhook_id" || one.name == "unsigned") continue;
        EXPECT_TRUE(ids.insert(header(one.delivery, "webhook-id")).second) << one.name;
    }
}

TEST(ReceiverMatrix, MakesALargeBodyOfExactlyOneMebibyteOfJson) {
    for (const auto& base : bases()) {
        SCOPED_TRACE(base.name);
        const auto cases = matrix_of(base.body);
        const auto& body = case_of(cases, "large_body").delivery.body;
        EXPECT_EQ(body.size(), 1'048'576U);
        EXPECT_TRUE(encoding::parse_json_text(body).has_value());
    }
}

TEST(ReceiverMatrix, TampersWithOneByteAndLeavesJsonValid) {
    for (const auto& base : bases()) {
        if (base.body.empty()) continue;
        SCOPED_TRACE(base.name);
        const auto cases = matrix_of(base.body);
        const auto& body = case_of(cases, "tampered_body").delivery.body;
        ASSERT_EQ(body.size(), base.body.size());
        std::size_t differences = 0;
        for (std::size_t i = 0; i < body.size(); ++i) differences += body[i] != base.body[i] ? 1U : 0U;
        EXPECT_EQ(differences, 1U);
        const auto document = encoding::parse_json_text(base.body);
        if (document && document->kind == encoding::JsonValue::Kind::object && !document->items.empty() &&
            std::string_view(base.name) != "names only") {
            EXPECT_TRUE(encoding::parse_json_text(body).has_value()) << body;
        }
    }
}

TEST(ReceiverMatrix, TampersInsideOfAStringValueNeverInANameOrAnEscape) {
    struct Row {
        const char* name;
        std::string body;
        std::string want;
    };
    for (const auto& row :
         {Row{"the last value", R"({"a": "x", "b": "abc"})", R"({"a": "x", "b": "abd"})"},
          Row{"a name behind it", R"({"a": "x9", "b": 1})", R"({"a": "x8", "b": 1})"},
          Row{"an escaped letter", R"({"a": "k\n"})", R"({"a": "l\n"})"},
          Row{"an escaped code point", R"({"a": "k\u00e9"})", R"({"a": "l\u00e9"})"},
          Row{"an escaped quote", R"({"a": "k\"\\"})", R"({"a": "l\"\\"})"},
          Row{"a blank before the colon", R"({"a": "k", "b" : 7})", R"({"a": "l", "b" : 7})"},
          Row{"no letter in it", R"({"a": "-", "b": 10})", R"({"a": "-", "b": 11})"},
          Row{"within an array", R"({"a": ["q", {"b": []}]})", R"({"a": ["r", {"b": []}]})"}}) {
        SCOPED_TRACE(row.name);
        const auto cases = matrix_of(row.body);
        EXPECT_EQ(case_of(cases, "tampered_body").delivery.body, row.want);
    }
}

// What JSON.stringify(JSON.parse(…)) of Node 20 prints.
TEST(ReceiverMatrix, ReserializesAsJavaScriptDoesElseIndentsElseAddsALineEnd) {
    struct Row {
        const char* name;
        std::string body;
        std::string want;
    };
    for (const auto& row : {Row{"spaced", R"({"id": "evt_1", "data": {"n": 1.0, "e": "\u00e9"}})",
                                R"({"id":"evt_1","data":{"n":1,"e":"é"}})"},
                            Row{"compact", R"({"id":"evt_1","data":[1,2]})",
                                "{\n  \"id\": \"evt_1\",\n  \"data\": [\n    1,\n    2\n  ]\n}"},
                            Row{"as it is either way", "{}", "{}\n"}, Row{"no JSON", "hello", "hello\n"}}) {
        SCOPED_TRACE(row.name);
        const auto cases = matrix_of(row.body);
        EXPECT_EQ(case_of(cases, "reserialized_body").delivery.body, row.want);
    }
}

TEST(ReceiverMatrix, ChangesTheTypeAndAddsCharactersWithinTheEventItself) {
    const std::string body =
        R"({"id": "evt_1", "type": "realtime.call.incoming", "data": {"call_id": "rtc_1"}})";
    const auto cases = matrix_of(body);
    const auto& unknown = case_of(cases, "unknown_event_type").delivery.body;
    EXPECT_EQ(replace_all(unknown, "callchain.made_up.type", "realtime.call.incoming"), body);
    const auto& wide = case_of(cases, "utf8_body").delivery.body;
    EXPECT_TRUE(is_utf8(wide));
    EXPECT_TRUE(wide.starts_with(body.substr(0, body.size() - 1))) << wide;
    for (const auto* text : {"é", "日本", "📞"}) EXPECT_NE(wide.find(text), std::string::npos) << text;
}

// The second text is what Node 22 prints for JSON.stringify(JSON.parse(…)) of the first.
TEST(ReceiverMatrix, WritesTheCompactBodyAsJavaScriptDoes) {
    const auto cases = matrix_of(R"({"id": "evt_1", "n": 1.0, "name": "Jos\u00e9", "list": [1, 2]})");
    EXPECT_EQ(case_of(cases, "compact_body").delivery.body,
              "{\"id\":\"evt_1\",\"n\":1,\"name\":\"José\",\"list\":[1,2]}");
}

TEST(ReceiverMatrix, MakesUpAnEventInPlainTextWhereTheCaptureIsCompressed) {
    MatrixMaterial material{{}, receiver_key(), kMatrixNow};
    material.base.headers.fields = {{"Content-Encoding", "gzip"}, {"Content-Type", "application/gzip"}};
    material.base.body = "\x1f\x8b\x08";
    webhook::MadeUpIds ids("seed");
    const auto cases = receiver_matrix(material, ids);
    EXPECT_EQ(header(case_of(cases, "valid").delivery, "content-encoding"), "gzip");
    for (const auto* name : {"unknown_event_type", "utf8_body", "compact_body", "large_body"}) {
        SCOPED_TRACE(name);
        const auto& delivery = case_of(cases, name).delivery;
        EXPECT_FALSE(delivery.headers.find("content-encoding"));
        EXPECT_EQ(header(delivery, "content-type"), "application/json");
        EXPECT_TRUE(encoding::parse_json_text(delivery.body).has_value());
    }
    EXPECT_FALSE(case_of(cases, "not_json").delivery.headers.find("content-encoding"));
}

TEST(ReceiverMatrix, MakesUpAnEventWhereTheCaptureIsNoJsonObject) {
    for (const std::string body : {R"({"type": "realtime.ca)", R"(["a"])", "7", ""}) {
        SCOPED_TRACE(body);
        const auto cases = matrix_of(body);
        for (const auto* name : {"unknown_event_type", "utf8_body", "large_body"})
            EXPECT_TRUE(encoding::parse_json_text(case_of(cases, name).delivery.body).has_value()) << name;
    }
}

TEST(ReceiverMatrix, WritesTheHeadersThatTheCasesAreAbout) {
    const auto cases = matrix_of(call_event());
    const auto signature = [&](const char* name) {
        return header(case_of(cases, name).delivery, "webhook-signature");
    };
    const auto timestamp = [&](const char* name) {
        return header(case_of(cases, name).delivery, "webhook-timestamp");
    };
    EXPECT_EQ(timestamp("valid"), "1767801600");
    EXPECT_EQ(timestamp("stale"), "1767801000");
    EXPECT_EQ(timestamp("from_the_future"), "1767802200");
    EXPECT_EQ(timestamp("wrong_timestamp"), "1767801599");
    EXPECT_FALSE(parse_decimal(timestamp("timestamp_not_a_number")));
    EXPECT_EQ(signature("valid").size(), 47U);
    EXPECT_EQ(signature("bare_signature").size(), 44U);
    EXPECT_EQ(signature("other_version_only").size(), 48U);
    EXPECT_TRUE(signature("other_version_only").starts_with("v1a,"));
    EXPECT_EQ(signature("cut_signature").size(), 23U);
    EXPECT_EQ(case_of(cases, "empty_signature").delivery.headers.values("webhook-signature").size(), 1U);
    EXPECT_EQ(signature("empty_signature"), "");
    for (const auto* name : {"two_signatures_right_first", "two_signatures_right_last"}) {
        SCOPED_TRACE(name);
        const auto both = signature(name);
        const auto& delivery = case_of(cases, name).delivery;
        const auto right = signature::sign_webhook(receiver_key(), header(delivery, "webhook-id"),
                                                   header(delivery, "webhook-timestamp"), delivery.body);
        ASSERT_EQ(both.size(), 2 * right.size() + 1);
        EXPECT_EQ(both[right.size()], ' ');
        const bool first = std::string_view(name).ends_with("first");
        EXPECT_EQ(both.starts_with(right), first);
        EXPECT_EQ(both.ends_with(right), !first);
    }
    std::size_t capitals = 0;
    for (const auto& field : case_of(cases, "header_letter_case").delivery.headers.fields)
        capitals += field.name.starts_with("WEBHOOK-") ? 1U : 0U;
    EXPECT_EQ(capitals, 3U);
}

TEST(ReceiverMatrix, LeavesOutOnlyTheHeaderThatIsMissing) {
    const auto cases = matrix_of(call_event());
    const std::vector<std::pair<const char*, std::set<std::string>>> rows{
        {"no_webhook_id", {"webhook-id"}},
        {"no_webhook_timestamp", {"webhook-timestamp"}},
        {"no_webhook_signature", {"webhook-signature"}},
        {"unsigned", {"webhook-id", "webhook-timestamp", "webhook-signature"}}};
    for (const auto& [name, missing] : rows) {
        SCOPED_TRACE(name);
        for (const auto* each : {"webhook-id", "webhook-timestamp", "webhook-signature"}) {
            const bool there = case_of(cases, name).delivery.headers.find(each).has_value();
            EXPECT_EQ(there, !missing.contains(each)) << each;
        }
    }
}

TEST(ReceiverMatrix, NamesCodesOfTheCatalogueAndTitlesOfOneLine) {
    for (const auto& base : bases()) {
        if (base.body.size() > 10'000) continue;
        SCOPED_TRACE(base.name);
        std::set<std::string> names;
        for (const auto& one : matrix_of(base.body, true)) {
            SCOPED_TRACE(one.name);
            EXPECT_TRUE(names.insert(one.name).second);
            if (one.tolerated.empty() || !one.code.empty()) {
                EXPECT_NE(find_entry(one.code), nullptr) << one.code;
            }
            EXPECT_EQ(one.tolerated.empty(), one.why_tolerated.empty());
            EXPECT_FALSE(one.title.empty());
            EXPECT_EQ(one.title, visible(one.title));
        }
    }
}

// ---- the altered bodies ----

std::string cause_of(const MatrixCase& one) { return one.name.substr(0, one.name.find('-')); }

TEST(ReceiverMatrix, AddsEveryAlterationOfTheCatalogueToTheFullOne) {
    const auto body = testing::kCallVector.body;
    const auto short_one = matrix_of(body);
    const auto cases = matrix_of(body, true);
    ASSERT_GT(cases.size(), short_one.size() + 100);
    std::set<std::string> bodies{body};
    std::set<std::string> causes;
    for (std::size_t i = 0; i < cases.size(); ++i) {
        SCOPED_TRACE(cases[i].name);
        EXPECT_EQ(cases[i].optional_case, i >= short_one.size());
        if (!cases[i].optional_case) continue;
        EXPECT_TRUE(bodies.insert(cases[i].delivery.body).second) << "not altered, or the same again";
        EXPECT_NE(find_entry(cause_of(cases[i])), nullptr);
        EXPECT_TRUE(cases[i].name.starts_with("body_"));
        EXPECT_EQ(cases[i].right, RightAnswer::refused);
        EXPECT_EQ(cases[i].code, "receiver_accepts_altered_body");
        causes.insert(cause_of(cases[i]));
    }
    // Everything that any row's doing makes of this body is there.
    const BodyText text(body);
    for (const auto table : {text_body_rows(), json_body_rows(), coding_body_rows()}) {
        for (const auto& row : table) {
            if (row.redo == nullptr) continue;
            for (const auto& variant : row.redo(text))
                EXPECT_TRUE(bodies.contains(variant.bytes)) << row.code;
        }
    }
    for (const auto* cause : {"body_trailing_newline_added", "body_bom_added", "body_gzip_encoded",
                              "body_truncated", "body_empty", "body_json_reserialized",
                              "body_json_unicode_unescaped", "body_data_only", "body_base64_encoded"})
        EXPECT_TRUE(causes.contains(cause)) << cause;
}

TEST(AlteredBodies, KeepTheFirstOutcomesOfEveryCauseWhereThereAreTooMany) {
    const auto body = testing::kCallVector.body;
    const auto all = altered_bodies(body, kMostAlteredBodies);
    ASSERT_LT(all.size(), kMostAlteredBodies) << "some are left out of the full matrix";
    const auto some = altered_bodies(body, 60);
    ASSERT_GT(all.size(), 120U);
    EXPECT_EQ(some.size(), 60U);
    std::set<std::string_view> causes;
    std::size_t at = 0;  // they come in the same order
    for (const auto& one : some) {
        causes.insert(one.fault.code);
        while (at < all.size() && all[at].bytes != one.bytes) ++at;
        EXPECT_LT(at, all.size());
    }
    for (const auto* cause :
         {"body_trailing_newline_added", "body_truncated", "body_json_number_changed", "body_form_encoded",
          "body_html_escaped", "body_multipart", "body_gzip_encoded"})
        EXPECT_TRUE(causes.contains(cause)) << cause;
}

TEST(ReceiverMatrix, BoundsTheBytesOfTheAlterationsOfALargeBody) {
    std::size_t bytes = 0;
    for (const auto& one : matrix_of("{\"a\": \"" + std::string(2U << 20U, 'a') + "\"}", true)) {
        if (one.optional_case) bytes += one.delivery.body.size();
    }
    EXPECT_GT(bytes, std::size_t{8} << 20U);
    EXPECT_LE(bytes, std::size_t{64} << 20U);
}

}  // namespace
}  // namespace callchain::diagnosis
