#include "webhook/capture_summary.hpp"

#include <gtest/gtest.h>

using namespace callchain;
using namespace callchain::webhook;
using namespace std::chrono_literals;

TEST(SummarizeCapture, ReadsHeadersBodyAndEvent) {
    Capture capture;
    capture.method = "POST";
    capture.target = "/openai/webhook";
    capture.headers.fields = {{"Webhook-Id", "wh_1"},
                              {"webhook-timestamp", "1767801600"},
                              {"Host", "bridge.example.com"},
                              {"webhook-signature", "v1,abc"}};
    capture.body = R"({"id":"evt_1","type":"realtime.call.incoming","data":{"call_id":"rtc_1"}})";
    const auto summary = summarize_capture(capture);
    EXPECT_EQ(summary.webhook_id.value_or(""), "wh_1");
    EXPECT_EQ(summary.event.type.value_or(""), "realtime.call.incoming");
    EXPECT_EQ(summary.event.call_id.value_or(""), "rtc_1");
    EXPECT_EQ(summary.body_length, capture.body.size());
    ASSERT_EQ(summary.signatures.size(), 2U);
    EXPECT_EQ(summary.signatures[1].value, "v1,abc");
}

// Source of the digest: sha256sum(1) of an empty input.
TEST(SummarizeCapture, TakesABodyThatIsNoEvent) {
    const auto summary = summarize_capture({});
    EXPECT_FALSE(summary.webhook_id.has_value());
    EXPECT_FALSE(summary.event.type.has_value());
    EXPECT_EQ(summary.body_sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(TimeOfCaptureName, ReadsNamesOfTheStoreAndNoOthers) {
    using namespace std::chrono;
    const auto time = time_of_capture_name("20261127T225600.123Z-000017.http");
    ASSERT_TRUE(time.has_value());
    EXPECT_EQ(*time, sys_days{2026y / November / 27} + 22h + 56min + 0s + 123ms);
    for (const char* name :
         {"", "capture.http", "20261327T225600.123Z-000017.http", "20261127T245600.123Z-1.http",
          "20261127T225600.123Z", "2026-11-27T22:56:00Z-1.http"})
        EXPECT_FALSE(time_of_capture_name(name).has_value()) << name;
}

TEST(MaskTelephoneNumbers, LeavesTheLastFourDigitsOfNumbersAndAllOtherDigits) {
    struct Row {
        const char* given;
        const char* want;
    };
    for (const auto& row : {
             Row{"+5561999998888", "+…8888"},
             Row{"whatsapp:+5561999998888", "whatsapp:+…8888"},
             Row{"From=whatsapp%3A%2B5561999998888&To=%2b556133334444",
                 "From=whatsapp%3A%2B…8888&To=%2b…4444"},
             Row{"\"x\" <sip:5561999998888@sip.twilio.com>;tag=12345678",
                 "\"x\" <sip:…8888@sip.twilio.com>;tag=12345678"},
             Row{"tel:5561999998888", "tel:…8888"},
             Row{"1767801600", "1767801600"},
             Row{"t=1767801600,v1=abc", "t=1767801600,v1=abc"},
             Row{"rtc_u0_0123456789", "rtc_u0_0123456789"},
             Row{"+123456", "+123456"},
             Row{"", ""},
         }) {
        EXPECT_EQ(mask_telephone_numbers(row.given), row.want);
    }
}

TEST(ShownHeaderValue, WithholdsCredentialsAndSecrets) {
    EXPECT_EQ(shown_header_value({"Authorization", "Bearer abc"}), "[withheld, 10 characters]");
    EXPECT_EQ(shown_header_value({"COOKIE", "a=b"}), "[withheld, 3 characters]");
    EXPECT_EQ(shown_header_value({"X-Note", "whsec_AAECAwQFBgcICQoLDA0ODw=="}), "whsec_[withheld]");
    EXPECT_EQ(shown_header_value({"From", "<sip:+5561999998888@x>"}), "<sip:+…8888@x>");
    EXPECT_EQ(shown_header_value({"webhook-timestamp", "1767801600"}), "1767801600");
}
