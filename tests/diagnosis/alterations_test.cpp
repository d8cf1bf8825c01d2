/// For every cause of the catalogue that can be undone: a delivery altered by other people's code must be
/// explained by exactly that cause, proved. The cases and the program that makes them:
/// tests/data/alterations.
#include "crypto/hash.hpp"
#include "diagnosis/vectors.hpp"
#include "diagnosis/webhook_diagnosis.hpp"
#include "encoding/base64.hpp"

#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <set>

namespace callchain::diagnosis {
namespace {

using Json = nlohmann::json;

const Json& cases() {
    static const Json document = Json::parse(std::ifstream(TEST_DATA_DIR "/alterations/alterations.json"));
    return document;
}

std::string bytes_of(const Json& member) { return encoding::parse_base64(member.get<std::string>()).value(); }

WebhookMaterial material_of(const Json& altered) {
    WebhookMaterial material;
    material.secrets = testing::labelled(bytes_of(altered["secret"]));
    material.id = altered["id"];
    material.timestamp = altered["timestamp"];
    material.signature = altered["signature"];
    material.body = bytes_of(altered["body"]);
    for (const auto& other : altered["others"]) material.other_deliveries.emplace_back(other[0], other[1]);
    return material;
}

const std::chrono::sys_seconds kNow{std::chrono::seconds(1750287080)};

std::vector<std::string> proved_codes(const Report& report) {
    std::vector<std::string> codes;
    for (const auto& finding : report.findings) {
        const bool is_age = finding.code == "timestamp_too_old" || finding.code == "timestamp_too_new";
        if (finding.proof == Proof::proved && !is_age) codes.push_back(finding.code);
    }
    std::sort(codes.begin(), codes.end());
    return codes;
}

TEST(DiagnoseWebhook, ProvesTheCauseOfEveryAlteration) {
    for (const auto& altered : cases()) {
        SCOPED_TRACE(altered["name"].get<std::string>());
        const auto report = diagnose_webhook(material_of(altered), kNow, std::chrono::seconds(300));
        ASSERT_TRUE(report.has_value()) << report.error().message;
        EXPECT_EQ(proved_codes(*report), altered["codes"].get<std::vector<std::string>>());
        EXPECT_EQ(report->verdict, Verdict::invalid);
        EXPECT_EQ(report->mac, MacVerdict::differs);
        for (const auto& [name, value] : altered["evidence"].items()) {
            const auto has = [&](const Finding& finding) {
                return std::any_of(
                    finding.evidence.begin(), finding.evidence.end(), [&](const Evidence& evidence) {
                        if (evidence.name != name) return false;
                        if (value.is_boolean()) return std::get<bool>(evidence.value) == value.get<bool>();
                        return std::get<std::string>(evidence.value) == value.get<std::string>();
                    });
            };
            EXPECT_TRUE(std::any_of(report->findings.begin(), report->findings.end(), has))
                << name << "=" << value;
        }
    }
}

// Rows that only ever explain a printed value, or that cannot be undone at all, are tested elsewhere.
TEST(Alterations, CoverEveryCauseThatCanBeUndone) {
    std::set<std::string> covered;
    for (const auto& altered : cases()) {
        for (const auto& code : altered["codes"]) covered.insert(code.get<std::string>());
    }
    const std::set<std::string> elsewhere{"body_data_only",
                                          "body_empty",
                                          "body_object_placeholder",
                                          "body_nfkc",                    // computed values only
                                          "body_json_duplicate_dropped",  // computed values only
                                          "body_length_differs",
                                          "body_sha256_differs",
                                          "body_redacted",
                                          "body_replacement_characters",  // facts, never proved
                                          "secret_other_label",
                                          "secret_is_api_key",
                                          "secret_is_twilio_token",
                                          "secret_list_unsplit",
                                          "secret_not_canonical",
                                          "secret_padding_lost",
                                          "secret_short",
                                          "secret_unexpected_length",
                                          "secret_unreadable",
                                          "secret_case_folded",  // remarks
                                          "content_empty_id"};
    std::ifstream list(TEST_DATA_DIR "/finding-codes.txt");
    for (std::string code; std::getline(list, code);) {
        const bool dimension = code.starts_with("secret_") || code.starts_with("content_") ||
                               code.starts_with("body_json") || code.starts_with("algorithm_");
        if (dimension && !elsewhere.contains(code)) {
            EXPECT_TRUE(covered.contains(code)) << code;
        }
    }
}

// 256 bits do not match by chance: what nobody signed with any of these secrets must never be "proved".
TEST(DiagnoseWebhook, ProvesNothingUnderUnrelatedSecrets) {
    for (int i = 0; i < 50; ++i) {
        SCOPED_TRACE(i);
        auto material = material_of(cases().front());
        const auto key = crypto::hash(crypto::HashAlgorithm::sha256, {"unrelated", std::to_string(i)});
        material.secrets = testing::labelled("whsec_" + encoding::to_base64(key.view()));
        const auto report = diagnose_webhook(material, kNow, std::chrono::seconds(300));
        ASSERT_TRUE(report.has_value());
        EXPECT_TRUE(proved_codes(*report).empty());
        EXPECT_EQ(report->verdict, Verdict::invalid);
        EXPECT_GT(report->tried, 5000U);
    }
}

}  // namespace
}  // namespace callchain::diagnosis
