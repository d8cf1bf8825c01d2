#include "twiml/caller_id.hpp"

#include <gtest/gtest.h>

namespace callchain::twiml {
namespace {

// Source: Twilio's own expression for E.164, ^\+[1-9]\d{6,14}$; ITU-T E.164 allows 15 digits at most.
TEST(IsE164, TakesSevenToFifteenDigitsBehindAPlus) {
    struct Row {
        const char* text;
        bool want;
    };
    for (const auto& row : {
             Row{"+1234567", true}, Row{"+123456", false}, Row{"+123456789012345", true},
             Row{"+1234567890123456", false}, Row{"+15551230000", true}, Row{"+0551230000", false},
             Row{"+1000000", true}, Row{"15551230000", false}, Row{"", false}, Row{"+", false},
             Row{"++15551230000", false}, Row{"+1555123000a", false}, Row{"+1 5551230000", false},
             Row{"+15551230000\n", false}, Row{" +15551230000", false}, Row{"whatsapp:+15551230000", false},
             Row{"+\xD9\xA1\xD9\xA2\xD9\xA3\xD9\xA4", false},  // Arabic digits
         }) {
        EXPECT_EQ(is_e164(row.text), row.want) << row.text;
    }
}

TEST(BusinessNumber, TakesTheConfiguredNumberThenToThenCalled) {
    using Origin = CallerId::Origin;
    struct Row {
        const char* name;
        CallerIdSources sources;
        const char* number;
        Origin origin;
    };
    const std::string configured = "+15550000001", to = "whatsapp:+15550000002",
                      called = "whatsapp:+15550000003";
    for (const auto& row : {
             Row{"all", {configured, to, called}, "+15550000001", Origin::configured},
             Row{"no configuration", {"", to, called}, "+15550000002", Origin::to},
             Row{"blank configuration", {" \n", to, called}, "+15550000002", Origin::to},
             Row{"Called alone", {"", "", called}, "+15550000003", Origin::called},
             Row{"To that is no number",
                 {"", "sip:support@x.sip.twilio.com", called},
                 "+15550000003",
                 Origin::called},
         }) {
        SCOPED_TRACE(row.name);
        const auto got = business_number(row.sources);
        ASSERT_TRUE(got.has_value()) << got.error().message;
        EXPECT_EQ(got->number, row.number);
        EXPECT_EQ(got->origin, row.origin);
    }
}

TEST(BusinessNumber, ReadsAConfiguredNumberAsPeopleTypeIt) {
    for (const char* text :
         {"+5561999998888", " +5561999998888\n", "whatsapp:+5561999998888", "WhatsApp:+5561999998888",
          "whatsapp: +55 (61) 99999-8888", "+55.61.99999.8888", "+ 55 61 9 9999 8888"}) {
        const auto got = business_number({text});
        ASSERT_TRUE(got.has_value()) << text << ": " << got.error().message;
        EXPECT_EQ(got->number, "+5561999998888") << text;
    }
}

TEST(BusinessNumber, RefusesAConfiguredNumberThatWouldHaveToBeGuessed) {
    struct Row {
        const char* text;
        const char* says;
        const char* hint;
    };
    for (const auto& row : {
             Row{"5561999998888", "no + in front", "no country is guessed"},
             Row{"whatsapp:5561999998888", "no + in front", "no country"},
             Row{"(61) 99999-8888", "no + in front", "no country"},
             Row{"005561999998888", "begins with 00", "write +"},
             Row{"+44 (0)20 7946 0000", "(0)", "leave that 0 out"},
             Row{"sip:+15551230000@example.com", "SIP URI", "the number alone"},
             Row{"\"+15551230000\"", "not a phone number", "E.164"},
             Row{"+15551230000,+15551230001", "not a phone number", ""},
             Row{"+155512", "not a phone number", ""},
             Row{"+0 555 123 0000", "not a phone number", ""},
             Row{"support", "not a phone number", ""},
             Row{"BR.1502576394655843", "not a phone number", ""},
             Row{"tel:+15551230000", "not a phone number", ""},
         }) {
        SCOPED_TRACE(row.text);
        const auto got = business_number({row.text, "whatsapp:+15550000002", "whatsapp:+15550000002"});
        ASSERT_FALSE(got.has_value()) << got->number;
        EXPECT_EQ(got.error().code, ErrorCode::usage);
        EXPECT_NE(got.error().message.find("TWILIO_SIP_CALLER_ID"), std::string::npos);
        EXPECT_NE(got.error().message.find(row.says), std::string::npos) << got.error().message;
        if (*row.hint == '\0') continue;
        EXPECT_NE((got.error().message + got.error().hint).find(row.hint), std::string::npos)
            << got.error().hint;
    }
}

// Both ways into Twilio: WhatsApp directly, and Meta's SIP through a gateway to a SIP Domain.
TEST(BusinessNumber, TakesTheNumberOutOfEveryFormOfTo) {
    struct Row {
        const char* to;
        const char* want;
    };
    for (const auto& row : {
             Row{"whatsapp:+5561999998888", "+5561999998888"},
             Row{"WHATSAPP:+5561999998888", "+5561999998888"},
             Row{"+15551230000", "+15551230000"},
             Row{"sip:+12145551869@x.sip.twilio.com;transport=tls", "+12145551869"},
             Row{"sip:+1234567890;tgrp=wacall;trunk-context=byoc.example.com@sip.example.com", "+1234567890"},
             Row{"SIPS:+12145551869@x.sip.twilio.com:5061", "+12145551869"},
             Row{"sip:%2B12145551869@x.sip.twilio.com", "+12145551869"},
             Row{"sip:+12145551869%3Btgrp=x@h", "+12145551869"},
             Row{"sip:+12145551869:secret@x.sip.twilio.com", "+12145551869"},
             Row{"sip:+12145551869@not_a_host", "+12145551869"},
         }) {
        SCOPED_TRACE(row.to);
        const auto got = business_number({"", row.to});
        ASSERT_TRUE(got.has_value()) << got.error().message;
        EXPECT_EQ(got->number, row.want);
    }
}

TEST(BusinessNumber, NeverPassesOnWhatIsNoNumber) {
    for (const char* to : {
             "BR.1502576394655843",
             "whatsapp:BR.1502576394655843",
             "anonymous",
             "unknown",
             "whatsapp:anonymous",
             "client:alice",
             "sip:support@x.sip.twilio.com",
             "sip:12145551869@x.sip.twilio.com",
             "sip:+12145551869",
             "sip:@x.sip.twilio.com",
             "sip:+1214555%00@h",
             "whatsapp:whatsapp:+15551230000",
             "whatsapp:+155512",
             "whatsapp:+1555123000O",
             "+1 555 123 0000",
             "15551230000",
             "+15551230000;x=y",
             "tel:+15551230000",
             "whatsapp",
             ":",
             "sip:",
             "\xFF",
         }) {
        SCOPED_TRACE(to);
        const auto got = business_number({"", to});
        ASSERT_FALSE(got.has_value()) << got->number;
        EXPECT_EQ(got.error().code, ErrorCode::usage);
        EXPECT_NE(got.error().message.find("TWILIO_SIP_CALLER_ID"), std::string::npos);
        EXPECT_FALSE(got.error().hint.empty());
    }
}

TEST(BusinessNumber, TellsALostPlusFromANumberThatIsNone) {
    for (const char* to :
         {"whatsapp: 5561999998888", " 5561999998888", "sip: 12145551869@x.sip.twilio.com"}) {
        const auto got = business_number({"", to});
        ASSERT_FALSE(got.has_value());
        EXPECT_NE(got.error().hint.find("%2B"), std::string::npos) << got.error().message;
    }
    for (const char* to : {"whatsapp:5561999998888", "whatsapp: 556", "whatsapp:  5561999998888"}) {
        const auto got = business_number({"", to});
        ASSERT_FALSE(got.has_value());
        EXPECT_EQ(got.error().hint.find("%2B"), std::string::npos) << to;
    }
}

TEST(BusinessNumber, SaysWhereItLooked) {
    const auto nothing = business_number({});
    ASSERT_FALSE(nothing.has_value());
    EXPECT_NE(nothing.error().message.find("no To or Called"), std::string::npos);
    const auto to = business_number({"", "anonymous", "unknown"});
    EXPECT_NE(to.error().message.find("To holds no phone number in E.164 form: \"anonymous\""),
              std::string::npos);
    const auto called = business_number({"", "", "unknown"});
    EXPECT_NE(called.error().message.find("Called holds no phone number"), std::string::npos);
}

TEST(BusinessNumber, NeverShowsAWholeNumber) {
    for (const char* text : {"5561999998888", "55 61 99999-8888", "whatsapp:5561999998888", "a5561999998888",
                             "sip:5561999998888@example.com", "(55)61.99999.8888"}) {
        for (const auto& got : {business_number({text}), business_number({"", text})}) {
            ASSERT_FALSE(got.has_value()) << text;
            const auto& message = got.error().message;
            EXPECT_NE(message.find("…8888"), std::string::npos) << message;
            EXPECT_EQ(message.find("99999"), std::string::npos) << message;
        }
    }
}

}  // namespace
}  // namespace callchain::twiml
