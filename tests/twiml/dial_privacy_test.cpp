#include "twiml/dial_privacy.hpp"

#include <gtest/gtest.h>

namespace callchain::twiml {
namespace {

struct Row {
    const char* given;
    const char* want;
};

TEST(MaskPhoneNumbers, KeepsTheLastFourDigits) {
    for (const auto& row :
         {Row{"whatsapp:+5561999990000", "whatsapp:+…0000"},
          Row{"+1234567", "+…4567"},
          Row{"+123456", "+123456"},
          Row{"5561999990000", "…0000"},
          Row{"1234567", "…4567"},
          Row{"123456", "123456"},
          Row{"1234567890123456", "…3456"},
          Row{"%2B5561999990000", "%2B…0000"},
          Row{"+55 (61) 99999-8888", "+…8888"},
          Row{"+1-415-555-1212", "+…1212"},
          Row{"(61) 3333.0000 ", "(…0000 "},
          Row{"+55\xC2\xA0"
              "61\xE2\x80\x91"
              "99999\xE2\x80\x93"
              "8888",
              "+…8888"},
          Row{"tel5561999998888x", "tel…8888x"},
          Row{"+5561999990000 +5561333331111", "+…0000 +…1111"},
          Row{"BR.1502576394655843", "BR.…5843"},
          Row{"user BR.12345.", "user BR.…2345."},
          Row{"BR.1234", "BR.1234"},
          Row{"BRA.12345", "BRA.12345"},
          Row{"sip:+5561999990000@a.example", "sip:+…0000@a.example"},
          Row{"CA00000000000000000000000000000001", "CA00000000000000000000000000000001"},
          Row{"PN0000000000000000000000000000000", "PN…0000"},
          Row{"x 12345678-1234-1234-1234-123456789012 y", "x 12345678-1234-1234-1234-123456789012 y"},
          Row{"0123456789abcdef0123456789abcdef@0.0.0.0", "0123456789abcdef0123456789abcdef@0.0.0.0"},
          Row{"ab12345678cd@0.0.0.0", "ab…5678cd@0.0.0.0"},
          Row{"Tue, 06 Jan 2026 10:00:00 +0000", "Tue, 06 Jan 2026 10:00:00 +0000"},
          Row{"2026-01-06T10:00:00Z", "2026-01-06T10:00:00Z"},
          Row{"2026-01-06 10:00:00", "2026-01-06 10:00:00"},
          Row{"2026-01-06-10", "…0610"},
          Row{"", ""}}) {
        EXPECT_EQ(mask_phone_numbers(row.given), row.want);
    }
}

TEST(WithholdCredentials, TakesOutPasswordsOfUrlsAndNamedValues) {
    for (const auto& row :
         {Row{"https://user:hunter2@a.example/x", "https://user:(withheld)@a.example/x"},
          Row{"see sip:user:hunter2@a.example;transport=tls",
              "see sip:user:(withheld)@a.example;transport=tls"},
          Row{"user:hunter2@a.example", "user:(withheld)@a.example"},
          Row{"https://user:p@ss@a.example", "https://user:(withheld)@a.example"},
          Row{"https://a.example:8080/x?to=a@b", "https://a.example:8080/x?to=a@b"},
          Row{"sip:bob@a.example:5061", "sip:bob@a.example:5061"},
          Row{"mailto:bob@a.example", "mailto:bob@a.example"},
          Row{"https://a.example/?token=abc&b=c", "https://a.example/?token=(withheld)&b=c"},
          Row{"X-Api-Key=abc, b=c", "X-Api-Key=(withheld), b=c"}, Row{"token=", "token="}, Row{"a=b", "a=b"},
          Row{"", ""}}) {
        EXPECT_EQ(withhold_credentials(row.given), row.want);
    }
}

TEST(ShowParameter, WithholdsCredentialsAndNames) {
    for (const auto* name :
         {"CallToken", "calltoken", "DialSipHeader_X-Token", "SipHeader_X-Client-Secret", "PASSWORD",
          "SipHeader_Authorization", "X-Auth", "ApiKey", "api_key", "X-Twilio-Signature", "SipUsername",
          "CallerName", "StirPassportToken", "DialSipHeader_X-Pass-Word"}) {
        EXPECT_EQ(show_parameter(name, "Ol\xC3\xA1 12", 200), "(withheld, 6 characters)") << name;
    }
    EXPECT_EQ(show_parameter("CallToken", "x", 200), "(withheld, 1 character)");
    EXPECT_EQ(show_parameter("CallToken", "", 200), "");
    for (const auto* name : {"From", "Direction", "DialSipHeader_X-Trace", "CallStatus"})
        EXPECT_EQ(show_parameter(name, "a b", 200), "a b") << name;
}

TEST(ShowText, FindsASecretThatHoldsDigits) {
    EXPECT_EQ(show_text("k sk-proj-AAAA12345678AAAA12345678 end", 200), "k sk-[withheld] end");
    EXPECT_EQ(show_text("\x1b[31m+5561999990000", 200), "\\x1b[31m+…0000");
    EXPECT_EQ(show_text("abcdef", 3), "abc…");
}

}  // namespace
}  // namespace callchain::twiml
