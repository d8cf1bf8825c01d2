#include "diagnosis/twilio_report.hpp"

#include <gtest/gtest.h>

namespace callchain::diagnosis {
namespace {

const std::vector<signature::LabelledSecret> kTokens{{"primary", "0123456789abcdef0123456789abcdef"}};

// Nothing of it fits, and nothing explains it.
TwilioMaterial unexplained() {
    TwilioMaterial material;
    material.tokens = kTokens;
    material.signature = "AAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    material.urls = {{"https://bridge.example.com/voice", "--url"}};
    material.method = "POST";
    material.content_type = "application/x-www-form-urlencoded";
    material.body = "CallStatus=ringing";
    return material;
}

TEST(JudgeTwilio, NeedsATokenAndAUrl) {
    auto no_token = unexplained();
    no_token.tokens = {};
    const auto without_token = judge_twilio(no_token);
    ASSERT_FALSE(without_token.has_value());
    EXPECT_EQ(without_token.error().code, ErrorCode::usage);
    EXPECT_NE(without_token.error().message.find("auth token"), std::string::npos);
    auto no_url = unexplained();
    no_url.urls.clear();
    const auto without_url = judge_twilio(no_url);
    ASSERT_FALSE(without_url.has_value());
    EXPECT_EQ(without_url.error().code, ErrorCode::usage);
    EXPECT_NE(without_url.error().hint.find("--url"), std::string::npos);
}

TEST(AddReaderRemarks, LeavesItOpenWhereEvidenceIsLostAndNothingIsProved) {
    struct Row {
        const char* code;
        Verdict want;
    };
    for (const auto& row :
         {Row{"capture_body_shorter", Verdict::cannot_tell}, Row{"header_not_openai", Verdict::invalid}}) {
        SCOPED_TRACE(row.code);
        auto report = judge_twilio(unexplained());
        ASSERT_TRUE(report.has_value()) << report.error().message;
        EXPECT_EQ(report->verdict, Verdict::invalid);
        add_reader_remarks(*report, {{row.code, Proof::hint, "Read so.", {}}});
        EXPECT_EQ(report->verdict, row.want);
        EXPECT_EQ(report->findings.back().code, row.code);
    }
}

}  // namespace
}  // namespace callchain::diagnosis
