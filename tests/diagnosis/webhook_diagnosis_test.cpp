#include "diagnosis/webhook_diagnosis.hpp"

#include "crypto/hash.hpp"
#include "diagnosis/catalogue.hpp"
#include "diagnosis/vectors.hpp"
#include "encoding/base64.hpp"
#include "signature/standard_webhooks.hpp"

#include <algorithm>
#include <gtest/gtest.h>

namespace callchain::diagnosis {
namespace {

using namespace std::chrono_literals;
using testing::kCallVector;

constexpr std::chrono::sys_seconds kSentAt{1750287078s};
// Key bytes 20 to 3f.
const std::string kOtherSecret = "whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

WebhookMaterial delivery() {
    WebhookMaterial material;
    material.secrets = {{"railway", kCallVector.secret, 0}};
    material.id = kCallVector.id;
    material.timestamp = kCallVector.timestamp;
    material.signature = kCallVector.signature;
    material.body = kCallVector.body;
    return material;
}

Report judge(const WebhookMaterial& material, std::chrono::sys_seconds now = kSentAt) {
    auto report = diagnose_webhook(material, now, 300s);
    EXPECT_TRUE(report.has_value()) << report.error().message;
    return report.value_or(Report{});
}

const Finding* find(const Report& report, std::string_view code) {
    const auto found = std::find_if(report.findings.begin(), report.findings.end(),
                                    [&](const Finding& f) { return f.code == code; });
    return found == report.findings.end() ? nullptr : &*found;
}

TEST(DiagnoseWebhook, IsValidWithoutAWordWhereNothingIsOdd) {
    const auto report = judge(delivery());
    EXPECT_EQ(report.verdict, Verdict::valid);
    EXPECT_EQ(report.mac, MacVerdict::matches);
    EXPECT_EQ(report.freshness, FreshnessVerdict::fresh);
    EXPECT_TRUE(report.findings.empty());
    ASSERT_TRUE(report.secret.has_value());
    EXPECT_EQ(report.secret->label, "railway");
    EXPECT_EQ(report.body_length, 354U);
    EXPECT_EQ(report.body_sha256, "3b059c272f31e81cacd2dcba34cc8160aa5b248bb3cb86fd7a7635a170c938b1");
    EXPECT_EQ(report.tried, 0U);
}

TEST(DiagnoseWebhook, TellsAStaleDeliveryFromAForgedOne) {
    const auto report = judge(delivery(), kSentAt + 301s);
    EXPECT_EQ(report.verdict, Verdict::invalid);
    EXPECT_EQ(report.mac, MacVerdict::matches);
    EXPECT_EQ(report.freshness, FreshnessVerdict::too_old);
    EXPECT_EQ(report.age, 301s);
    const auto* age = find(report, "timestamp_too_old");
    ASSERT_NE(age, nullptr);
    EXPECT_EQ(age->proof, Proof::proved);
    EXPECT_EQ(judge(delivery(), kSentAt + 300s).verdict, Verdict::valid);
    EXPECT_EQ(judge(delivery(), kSentAt - 301s).freshness, FreshnessVerdict::too_new);
}

TEST(DiagnoseWebhook, NamesTheSecretThatFits) {
    auto material = delivery();
    material.secrets = {{"railway", kOtherSecret, 0}, {"local", kCallVector.secret, 1}};
    const auto report = judge(material);
    EXPECT_EQ(report.verdict, Verdict::valid);  // each secret given counts as configured
    ASSERT_TRUE(report.secret.has_value());
    EXPECT_EQ(report.secret->label, "local");
    const auto* other = find(report, "secret_other_label");
    ASSERT_NE(other, nullptr);
    EXPECT_EQ(other->proof, Proof::proved);
}

TEST(DiagnoseWebhook, SaysNothingOfOrderWithinOneList) {
    auto material = delivery();
    material.secrets = {{"rotation", kOtherSecret, 0}, {"rotation#2", kCallVector.secret, 0}};
    const auto report = judge(material);
    EXPECT_EQ(report.verdict, Verdict::valid);
    EXPECT_EQ(find(report, "secret_other_label"), nullptr);
}

TEST(DiagnoseWebhook, IsInvalidWhereTheProcessHadLoadedAnotherSecret) {
    auto material = delivery();
    material.secrets = {{"railway", kOtherSecret, 0}, {"local", kCallVector.secret, 1}};
    material.loaded_labels = {"railway"};
    const auto report = judge(material);
    EXPECT_EQ(report.verdict, Verdict::invalid);
    EXPECT_EQ(report.mac, MacVerdict::matches);
    ASSERT_NE(find(report, "secret_other_label"), nullptr);
}

struct HintRow {
    const char* name;
    std::string secret;
    const char* code;
};

// Read all the same, as the SDKs do, each with its hint.
TEST(DiagnoseWebhook, AcceptsOddSecretsWithAHint) {
    const std::string raw = "a plain text secret of some length";
    for (const auto& row :
         {HintRow{"padding lost", kCallVector.secret.substr(0, kCallVector.secret.size() - 1),
                  "secret_padding_lost"},
          HintRow{"no prefix: the text itself", raw, "secret_prefix_missing"},
          HintRow{"short", "whsec_Zm9v", "secret_short"}}) {
        SCOPED_TRACE(row.name);
        auto material = delivery();
        material.secrets = testing::labelled(row.secret);
        const crypto::HmacKey key(crypto::HashAlgorithm::sha256,
                                  signature::read_secret(row.secret).value().bytes);
        material.signature = signature::sign_webhook(key, material.id, material.timestamp, material.body);
        const auto report = judge(material);
        EXPECT_EQ(report.verdict, Verdict::valid);
        const auto* hint = find(report, row.code);
        ASSERT_NE(hint, nullptr);
        EXPECT_EQ(hint->proof, Proof::hint);
    }
}

TEST(DiagnoseWebhook, AcceptsABareSignatureAsTheSdksDoAndSaysSo) {
    auto material = delivery();
    material.signature = material.signature.substr(3);
    const auto report = judge(material);
    EXPECT_EQ(report.verdict, Verdict::valid);
    EXPECT_NE(find(report, "signature_version_missing"), nullptr);
}

TEST(DiagnoseWebhook, FindsAListThatWasNotTakenApart) {
    auto material = delivery();
    material.secrets = {{"list", kOtherSecret, 0}, {"list#2", kCallVector.secret, 0}};
    const crypto::HmacKey key(crypto::HashAlgorithm::sha256, kOtherSecret + "," + kCallVector.secret);
    material.computed = signature::sign_webhook(key, material.id, material.timestamp, material.body);
    const auto report = judge(material);
    EXPECT_EQ(report.verdict,
              Verdict::valid);  // the delivery itself is right; the printed value is explained
    const auto* finding = find(report, "secret_list_unsplit");
    ASSERT_NE(finding, nullptr);
    EXPECT_EQ(finding->proof, Proof::proved);
}

TEST(DiagnoseWebhook, JudgesAComputedValueAlone) {
    auto material = delivery();
    material.signature.clear();
    material.computed = kCallVector.signature;
    EXPECT_EQ(judge(material).verdict, Verdict::valid);
    material.computed =
        "v1,qwGLBY43IlXNQdDMqtID5AhVPWAZsQJlXrE/pKjUfCo=";  // the whole text as key, by Python's hmac
    const auto report = judge(material);
    EXPECT_EQ(report.verdict, Verdict::invalid);
    ASSERT_NE(find(report, "secret_raw_text"), nullptr);
}

// That a printed value can be explained says nothing about a received signature that nothing explains.
TEST(DiagnoseWebhook, TakesNoExplainedValueForTheCauseOfAMismatch) {
    auto material = delivery();
    material.secrets = testing::labelled(kOtherSecret);
    const crypto::HmacKey whole_text(crypto::HashAlgorithm::sha256, kOtherSecret);
    material.computed = signature::sign_webhook(whole_text, material.id, material.timestamp, material.body);
    const auto report = judge(material);
    EXPECT_EQ(report.verdict, Verdict::invalid);
    EXPECT_EQ(report.computed, "explained");
    EXPECT_FALSE(has_proof(report));
    EXPECT_NE(find(report, "signature_mismatch"), nullptr);
    EXPECT_FALSE(report.next_steps.empty());
    material.body.resize(200);
    material.computed = signature::sign_webhook(whole_text, material.id, material.timestamp, material.body);
    EXPECT_EQ(judge(material).verdict, Verdict::cannot_tell);
}

// SHA-256 without a key, by coreutils' recipe: anybody can make it, so it points to no secret.
TEST(DiagnoseWebhook, PutsAHashThatNeedsNoKeyDownToNoSecret) {
    auto material = delivery();
    const auto hash = crypto::hash(crypto::HashAlgorithm::sha256,
                                   {material.id, ".", material.timestamp, ".", material.body});
    material.signature = "v1," + encoding::to_base64(hash.view());
    const auto report = judge(material);
    const auto* finding = find(report, "algorithm_unkeyed_sha256");
    ASSERT_NE(finding, nullptr);
    EXPECT_FALSE(report.secret.has_value());
    EXPECT_NE(finding->detail.find("anybody"), std::string::npos);
}

TEST(DiagnoseWebhook, TellsWhichOfSeveralSecretsCannotBeRead) {
    auto material = delivery();
    material.secrets = {{"broken", "whsec_!!!", 0}, {"railway", kCallVector.secret, 1}};
    const auto report = judge(material);
    EXPECT_EQ(report.verdict, Verdict::valid);
    EXPECT_EQ(report.expected_under, "railway");
    EXPECT_NE(find(report, "secret_unreadable"), nullptr);
}

TEST(DiagnoseWebhook, ShowsNoSecretThatWasPastedIntoAHeader) {
    auto material = delivery();
    material.id = kCallVector.secret;
    const auto report = judge(material);
    EXPECT_EQ((render_text(report, Colour::off) + render_json(report, "0")).find("DA0ODxAREhMU"),
              std::string::npos);
}

TEST(DiagnoseWebhook, CannotTellWhereEvidenceIsLost) {
    struct Row {
        const char* name;
        const char* code;
        void (*spoil)(WebhookMaterial& material);
    };
    const Row rows[] = {
        {"shorter than expected", "body_length_differs",
         [](WebhookMaterial& m) {
             m.body = "not json";
             m.expected_length = 354;
         }},
        {"masked", "body_redacted",
         [](WebhookMaterial& m) { m.body.replace(m.body.find("+15550100"), 9, "***"); }},
        {"cut", "body_truncated", [](WebhookMaterial& m) { m.body.resize(200); }},
        {"decoded as the wrong charset", "body_replacement_characters",
         [](WebhookMaterial& m) { m.body.replace(m.body.find("Jos"), 3, "\uFFFD"); }},
        {"signature cut", "signature_truncated", [](WebhookMaterial& m) { m.signature = "v1,CBTrrw…"; }},
        {"said by the reader", "signature_mismatch",
         [](WebhookMaterial& m) {
             m.body = "{}";
             m.evidence_lost = true;
         }},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        auto material = delivery();
        row.spoil(material);
        const auto report = judge(material);
        EXPECT_EQ(report.verdict, Verdict::cannot_tell);
        const auto* finding = find(report, row.code);
        ASSERT_NE(finding, nullptr);
        EXPECT_EQ(finding->proof, Proof::hint);
        EXPECT_FALSE(has_proof(report));
    }
}

TEST(DiagnoseWebhook, UsesTheExpectedHashAsAnOracleForTheBody) {
    auto material = delivery();
    material.secrets = testing::labelled(kOtherSecret);
    material.expected_sha256 = "3B059C272F31E81CACD2DCBA34CC8160AA5B248BB3CB86FD7A7635A170C938B1";
    EXPECT_EQ(find(judge(material), "body_sha256_differs"), nullptr);
    material.body += "\n";
    const auto report = judge(material);
    EXPECT_NE(find(report, "body_sha256_differs"), nullptr);
    const auto* cause = find(report, "body_trailing_newline_added");
    ASSERT_NE(cause, nullptr);
    EXPECT_EQ(cause->proof, Proof::hint);  // nothing is proved without the signature
}

// `date -u -d @1750287078` prints this time; RFC 9110 section 5.3 joins lines of one header.
TEST(DiagnoseWebhook, ProvesWhichTimeAnotherNotationStandsFor) {
    struct Row {
        const char* timestamp;
        const char* code;
    };
    for (const auto& row :
         {Row{"2025-06-18T22:51:18Z", "timestamp_iso8601"},
          Row{"2025-06-18 22:51:18.000+00:00", "timestamp_iso8601"},
          Row{"2025-06-19T00:51:18+02:00", "timestamp_iso8601"},
          Row{"2025-06-18T22:51:18 UTC", "timestamp_iso8601"},
          Row{"2025-06-18T22:51:18", "timestamp_iso8601"}, Row{"1750287078, 1750287078", "header_joined"},
          Row{"1750287070,1750287078", "header_joined"}}) {
        SCOPED_TRACE(row.timestamp);
        auto material = delivery();
        material.timestamp = row.timestamp;
        const auto report = judge(material);
        EXPECT_EQ(report.verdict, Verdict::invalid);
        const auto* found = find(report, row.code);
        ASSERT_NE(found, nullptr);
        EXPECT_EQ(found->proof, Proof::proved);
    }
}

TEST(DiagnoseWebhook, ReadsNoTimeThatNoClockShows) {
    // As a sum of its parts it would be the right one.
    auto material = delivery();
    material.timestamp = "2025-06-17T46:51:18Z";
    const auto report = diagnose_webhook(material, kSentAt, 300s);
    ASSERT_FALSE(report.has_value());
    EXPECT_EQ(report.error().code, ErrorCode::bad_input);
}

TEST(DiagnoseWebhook, TakesNoDotsOfProseForWhatIsLeftOfANumber) {
    auto material = delivery();
    material.secrets = testing::labelled(kOtherSecret);
    for (const auto* body : {"wait… 4321 it is", "…432 and …43210", "and so on…", "…"}) {
        material.body = body;
        EXPECT_EQ(find(judge(material), "body_redacted"), nullptr) << body;
    }
}

// Source: the form of an event, {data{call_id | session_id}}, as OpenAI's API reference has it.
TEST(DiagnoseWebhook, ProvesThatAnIdOfTheEventStoodForThatOfTheDelivery) {
    const std::string body =
        R"({"id":"evt_1","type":"realtime.call.incoming","data":{"call_id":"rtc_1","session_id":"live_1"}})";
    const crypto::HmacKey key(crypto::HashAlgorithm::sha256,
                              signature::read_secret(kCallVector.secret).value().bytes);
    for (const auto& [id, code] : {std::pair{"evt_1", "id_is_event_id"}, std::pair{"rtc_1", "id_is_call_id"},
                                   std::pair{"live_1", "id_is_call_id"}}) {
        SCOPED_TRACE(id);
        auto material = delivery();
        material.body = body;
        material.signature = signature::sign_webhook(key, id, kCallVector.timestamp, body);
        const auto report = judge(material);
        const auto* found = find(report, code);
        ASSERT_NE(found, nullptr);
        EXPECT_EQ(found->proof, Proof::proved);
    }
}

TEST(DiagnoseWebhook, RefusesWhatCannotBeJudged) {
    auto material = delivery();
    // The third and the fourth look like a time and are none.
    for (const char* timestamp : {"12x", "1750287078x", "2025-06-31T22:51:18Z", "2025-06-18T22:5x:18Z"}) {
        SCOPED_TRACE(timestamp);
        material.timestamp = timestamp;
        const auto no_time = diagnose_webhook(material, kSentAt, 300s);
        ASSERT_FALSE(no_time.has_value());
        EXPECT_EQ(no_time.error().code, ErrorCode::bad_input);
    }

    material = delivery();
    material.signature = "";
    const auto unsigned_one = diagnose_webhook(material, kSentAt, 300s);
    ASSERT_FALSE(unsigned_one.has_value());
    EXPECT_EQ(unsigned_one.error().code, ErrorCode::usage);
    EXPECT_EQ(unsigned_one.error().message, "there is no signature to judge");

    material = delivery();
    material.secrets = testing::labelled("whsec_!!!SECRETSECRETSECRET");
    const auto no_key = diagnose_webhook(material, kSentAt, 300s);
    ASSERT_FALSE(no_key.has_value());
    EXPECT_EQ(no_key.error().code, ErrorCode::usage);
    EXPECT_EQ(no_key.error().message.find("SECRETSECRET"), std::string::npos);
}

TEST(ExplainBodyChange, NamesTheAlterationBetweenTwoCaptures) {
    const auto& body = kCallVector.body;
    EXPECT_TRUE(explain_body_change(body, body).empty());
    const auto newline = explain_body_change(body, body + "\r\n");
    ASSERT_EQ(newline.size(), 1U);
    EXPECT_EQ(newline.front().code, "body_trailing_newline_added");
    EXPECT_TRUE(explain_body_change(body, "something else").empty());
}

TEST(DiagnoseWebhook, StaysBoundedOnHostileBodies) {
    const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
    for (const auto& body : {deep, std::string(std::size_t{1} << 20U, '{'),
                             std::string(std::size_t{1} << 20U, '\0'), "\x1f\x8b" + std::string(5000, 'x')}) {
        auto material = delivery();
        material.body = body;
        const auto report = judge(material);
        EXPECT_NE(report.verdict, Verdict::valid);
        EXPECT_FALSE(has_proof(report));
    }
}

// Nothing here fits the secret, so what looks odd is all there is to tell.
TEST(DiagnoseWebhook, RemarksOnWhatLooksOddWhereNothingIsProved) {
    struct Row {
        const char* name;
        void (*change)(WebhookMaterial&);
        const char* code;
    };
    for (const auto& row :
         {Row{"a mark of a log", [](auto& m) { m.body = R"({"name": "[REDACTED]"})"; }, "body_redacted"},
          Row{"stars before a word", [](auto& m) { m.body = "sent by ***4567"; }, "body_redacted"},
          Row{"stars after a word", [](auto& m) { m.body = "a *** rule, and tok*** is cut"; },
              "body_redacted"},
          Row{"what is left of a number", [](auto& m) { m.body = R"({"from": "whatsapp:+…4321"})"; },
              "body_redacted"},
          Row{"what we withheld", [](auto& m) { m.body = R"({"token": "[withheld]"})"; }, "body_redacted"},
          Row{"an object as text", [](auto& m) { m.body = "[object Object]"; }, "body_object_placeholder"},
          Row{"ed25519 only", [](auto& m) { m.signature = "v1a," + m.signature.substr(3); },
              "signature_ed25519_only"},
          Row{"a header of Twilio",
              [](auto& m) {
                  m.headers = {{"X-Twilio-Signature", "x"}};
              },
              "header_is_twilio"},
          Row{"the id of the event", [](auto& m) { m.id = "evt_test_0001"; }, "id_is_event_id"}}) {
        SCOPED_TRACE(row.name);
        auto material = delivery();
        material.secrets = testing::labelled(kOtherSecret);
        EXPECT_EQ(find(judge(material), row.code), nullptr);
        row.change(material);
        const auto report = judge(material);
        EXPECT_NE(report.verdict, Verdict::valid);
        const auto* remark = find(report, row.code);
        ASSERT_NE(remark, nullptr);
        EXPECT_EQ(remark->proof, Proof::hint);
    }
}

TEST(DiagnoseWebhook, TakesStarsBetweenBlanksForEmphasis) {
    auto material = delivery();
    material.secrets = testing::labelled(kOtherSecret);
    material.body = "*** a rule *** and its end ***";
    EXPECT_EQ(find(judge(material), "body_redacted"), nullptr);
}

// The SDKs read the timestamp as a number, so the right MAC does not help.
TEST(DiagnoseWebhook, ProvesABadTimestampThatWasSignedAsItIs) {
    auto material = delivery();
    material.timestamp = "17x";
    const crypto::HmacKey key(crypto::HashAlgorithm::sha256,
                              signature::read_secret(kCallVector.secret).value().bytes);
    material.signature = signature::sign_webhook(key, material.id, material.timestamp, material.body);
    const auto report = judge(material);
    EXPECT_EQ(report.verdict, Verdict::invalid);
    EXPECT_EQ(report.mac, MacVerdict::matches);
    const auto* malformed = find(report, "timestamp_malformed");
    ASSERT_NE(malformed, nullptr);
    EXPECT_EQ(malformed->proof, Proof::proved);
}

TEST(RenderText, TellsHowFarATimestampIsAheadAndWhatBecameOfAPrintedValue) {
    const auto early = render_text(judge(delivery(), kSentAt - 301s), Colour::off);
    EXPECT_NE(early.find("the MAC is right, the timestamp is "), std::string::npos);
    EXPECT_NE(early.find(" ahead of the clock"), std::string::npos) << early;
    auto material = delivery();
    material.computed = kCallVector.signature;
    const auto right = render_text(judge(material), Colour::off);
    EXPECT_NE(right.find("PRINTED VALUE: it is right"), std::string::npos) << right;
}

// As programs rewrite the header: two schemes joined, letters of one case, and the alphabet of URLs.
TEST(DiagnoseWebhook, FindsASignatureThatWasRewritten) {
    const auto mac = kCallVector.signature.substr(3);
    auto url_safe = mac.substr(0, mac.size() - 1);
    std::replace(url_safe.begin(), url_safe.end(), '+', '-');
    std::replace(url_safe.begin(), url_safe.end(), '/', '_');
    std::string capitals = kCallVector.signature;
    for (char& c : capitals) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    for (const auto& [value, code] : {std::pair{"v1=c2hvcnQ=,v1=" + mac, "signature_scheme_name"},
                                      std::pair{capitals, "signature_case_folded"},
                                      std::pair{"v1," + url_safe, "signature_padding_lost"}}) {
        SCOPED_TRACE(value);
        auto material = delivery();
        material.signature = value;
        const auto report = judge(material);
        const auto* finding = find(report, code);
        ASSERT_NE(finding, nullptr);
        EXPECT_EQ(finding->proof, Proof::proved);
    }
}

TEST(DiagnoseWebhook, LooksAtNoMoreThanThirtyTwoPartsOfASignatureAndSaysSo) {
    struct Row {
        const char* name;
        int parts;
        const char* blanks;
        bool too_many;
    };
    for (const auto& row : {Row{"the most, two blanks apart", 32, "  ", false},
                            Row{"one more", 33, " ", true}, Row{"one more, tabs", 33, "\t", true}}) {
        SCOPED_TRACE(row.name);
        auto material = delivery();
        material.signature.clear();
        for (int i = 0; i < row.parts; ++i) material.signature += "v1,x" + std::to_string(i) + row.blanks;
        const auto report = judge(material);
        EXPECT_EQ(find(report, "signature_too_many_parts") != nullptr, row.too_many);
    }
}

// The same MAC twice in one header, each damaged in its own way: either alone explains the refusal.
TEST(DiagnoseWebhook, SaysWhereSeveralExplanationsAreEquallySimple) {
    auto material = delivery();
    material.signature = "v1,CBTrrwrCprSg+So15PJ3z4FzGOdNF92Ubm9/IY7hDlA v1,CBTrrwrCprSg+So15PJ3z4Fz...";
    const auto both = judge(material);
    for (const auto* code : {"signature_padding_lost", "signature_truncated"}) {
        SCOPED_TRACE(code);
        const auto* finding = find(both, code);
        ASSERT_NE(finding, nullptr);
        EXPECT_EQ(finding->proof, Proof::proved);
        EXPECT_TRUE(finding->detail.ends_with(" Equally simple explanations are listed with it."))
            << finding->detail;
    }
    material.signature = "v1,CBTrrwrCprSg+So15PJ3z4FzGOdNF92Ubm9/IY7hDlA";
    const auto one = judge(material);
    ASSERT_NE(find(one, "signature_padding_lost"), nullptr);
    EXPECT_EQ(find(one, "signature_padding_lost")->detail.find("Equally"), std::string::npos);
}

TEST(DiagnoseWebhook, TellsTheOtherSecretFromItsFaultWhereTheProcessHadLoadedAnother) {
    auto material = delivery();
    material.secrets = {{"railway", kOtherSecret, 0}, {"local", "\"" + kCallVector.secret + "\"", 1}};
    material.loaded_labels = {"railway"};
    const auto report = judge(material);
    EXPECT_EQ(report.verdict, Verdict::invalid);
    EXPECT_NE(find(report, "secret_quoted"), nullptr);
    const auto* other = find(report, "secret_other_label");
    ASSERT_NE(other, nullptr);
    EXPECT_EQ(other->proof, Proof::proved);
    EXPECT_NE(other->detail.find("the process had loaded \"railway\""), std::string::npos) << other->detail;
    material.loaded_labels = {"local"};
    EXPECT_EQ(find(judge(material), "secret_other_label"), nullptr);
}

// The signature proves what the hash of the original only hints at.
TEST(DiagnoseWebhook, TellsACauseOnceThatBothTheSignatureAndTheExpectedHashName) {
    auto material = delivery();
    material.body += "\n";
    material.expected_sha256 = "3b059c272f31e81cacd2dcba34cc8160aa5b248bb3cb86fd7a7635a170c938b1";
    const auto report = judge(material);
    EXPECT_NE(find(report, "body_sha256_differs"), nullptr);
    std::vector<Proof> told;
    for (const auto& finding : report.findings) {
        if (finding.code == "body_trailing_newline_added") told.push_back(finding.proof);
    }
    EXPECT_EQ(told, std::vector<Proof>{Proof::proved});
}

// A log may cut both of them at the same character.
TEST(DiagnoseWebhook, ExplainsACutPrintedValueBesideACutSignature) {
    auto material = delivery();
    material.signature = kCallVector.signature.substr(0, 30) + "...";
    material.computed = material.signature;
    const auto report = judge(material);
    EXPECT_EQ(report.computed, "explained");
    std::vector<std::string> details;
    for (const auto& finding : report.findings) {
        if (finding.code == "signature_truncated") details.push_back(finding.detail);
    }
    EXPECT_EQ(details, (std::vector<std::string>{"Every character that is left of the signature is "
                                                 "reproduced under the secret \"railway\".",
                                                 "Every character that is left of the printed value is "
                                                 "reproduced under the secret \"railway\"."}));
}

TEST(RenderText, NamesTheCauseOfThePrintedValueNotThatOfTheSignature) {
    auto material = delivery();
    material.body += "\n";
    const crypto::HmacKey key(crypto::HashAlgorithm::sha256,
                              signature::read_secret(kCallVector.secret).value().bytes);
    material.computed = "v1," + encoding::to_base64(key.sign({material.body}).view());
    const auto report = judge(material);
    const auto text = render_text(report, Colour::off);
    const auto title = [](const char* code) { return std::string(find_entry(code)->title); };
    EXPECT_NE(text.find("INVALID: " + title("body_trailing_newline_added") + "\n"), std::string::npos)
        << text;
    EXPECT_NE(text.find("PRINTED VALUE: explained. " + title("content_body_only") + "\n"), std::string::npos)
        << text;
}

TEST(RenderText, SaysThatAPrintedValueIsExplainedWhereNoFindingSaysHow) {
    Report report;
    report.computed = "explained";
    EXPECT_NE(render_text(report, Colour::off).find("\nPRINTED VALUE: explained\n"), std::string::npos);
}

TEST(RenderText, SaysOfASecretThatIsNoBase64ThatItHasNoFingerprint) {
    auto material = delivery();
    material.secrets = {{"railway", kCallVector.secret, 0}, {"broken", "whsec_!!!", 1}};
    const auto text = render_text(judge(material), Colour::off);
    EXPECT_NE(text.find("  other       broken, 9 characters, no fingerprint (not read as base64)\n"),
              std::string::npos)
        << text;
}

}  // namespace
}  // namespace callchain::diagnosis
