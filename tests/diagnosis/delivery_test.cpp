#include "diagnosis/delivery.hpp"

#include "diagnosis/catalogue.hpp"

#include <gtest/gtest.h>

namespace callchain::diagnosis {
namespace {

// RFC 3875 section 4.1.18: CGI hands a header on as HTTP_…, in capitals, with '_' for '-'.
TEST(FindSignatureHeaders, TakesAHeaderUnderTheNameThatAFrameworkGaveIt) {
    for (const char* name : {"HTTP_WEBHOOK_ID", "http-webhook-id", "webhook_id", "X-Webhook-Id"}) {
        SCOPED_TRACE(name);
        const auto found = find_signature_headers(
            {{{name, "wh_1"}, {"webhook-timestamp", "1750287078"}, {"webhook-signature", "v1,x"}}});
        EXPECT_EQ(found.id, "wh_1");
        EXPECT_TRUE(found.missing.empty());
        ASSERT_EQ(found.remarks.size(), 1U);
        EXPECT_EQ(found.remarks.front().code, "header_renamed");
        EXPECT_EQ(found.remarks.front().proof, Proof::hint);
        EXPECT_TRUE(found.remarks.front().detail.starts_with("webhook-id is not there; "));
    }
    const auto none = find_signature_headers({{{"webhook", "wh_1"}}});
    EXPECT_EQ(none.missing,
              (std::vector<std::string>{"webhook-id", "webhook-timestamp", "webhook-signature"}));
    EXPECT_TRUE(none.remarks.empty());
}

// RFC 9110 section 5.3: lines of one name are one value, joined by ", ".
TEST(FindSignatureHeaders, JoinsAHeaderThatCameTwiceUnlessBothAreTheSame) {
    for (const auto& [second, joined] :
         {std::pair{"wh_2", "wh_1, wh_2"}, std::pair{"wh_1", "wh_1"}, std::pair{"", "wh_1, "}}) {
        SCOPED_TRACE(second);
        const auto found = find_signature_headers({{{"webhook-id", "wh_1"},
                                                    {"webhook-timestamp", "1750287078"},
                                                    {"Webhook-Id", second},
                                                    {"webhook-signature", "v1,x"}}});
        EXPECT_EQ(found.id, joined);
        EXPECT_TRUE(found.missing.empty());
        ASSERT_EQ(found.remarks.size(), 1U);
        EXPECT_EQ(found.remarks.front().code, "header_duplicated");
    }
}

TEST(FindSignatureHeaders, MissesAHeaderThatIsBlank) {
    const auto found = find_signature_headers(
        {{{"webhook-id", "wh_1"}, {"webhook-timestamp", " "}, {"webhook-signature", ""}}});
    EXPECT_EQ(found.missing, (std::vector<std::string>{"webhook-timestamp", "webhook-signature"}));
}

TEST(CaptureFindings, SayWhatIsOddAboutTheBodysLength) {
    const std::string head = "POST /hook HTTP/1.1\r\nContent-Length: 4\r\n\r\n";
    struct Row {
        const char* name;
        std::string body;
        std::string code;
    };
    for (const auto& row :
         {Row{"cut", "{}", "capture_body_shorter"},
          Row{"an editor's line end", "[12]\n", "capture_final_newline"}, Row{"as declared", "[12]", ""}}) {
        SCOPED_TRACE(row.name);
        const auto capture = webhook::parse_capture(head + row.body);
        ASSERT_TRUE(capture.has_value()) << capture.error().message;
        const auto findings = capture_findings(*capture);
        ASSERT_EQ(findings.size(), row.code.empty() ? 0U : 1U);
        if (findings.empty()) continue;
        EXPECT_EQ(findings.front().code, row.code);
        EXPECT_NE(find_entry(row.code), nullptr);
        const auto& detail = findings.front().detail;
        EXPECT_TRUE(detail.front() >= 'A' && detail.front() <= 'Z' && detail.ends_with('.')) << detail;
    }
}

}  // namespace
}  // namespace callchain::diagnosis
