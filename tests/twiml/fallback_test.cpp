#include "twiml/fallback.hpp"

#include <gtest/gtest.h>

namespace callchain::twiml {
namespace {

using Verb = Fallback::Verb;

// Bytes of npm twilio 6.2.0 for the same calls, run on its own.
TEST(WriteFallback, WritesTheBytesOfTwiliosOwnLibrary) {
    struct Row {
        const char* name;
        Fallback fallback;
        const char* want;
    };
    const std::vector<Row> rows{
        {"hang up", {}, "<Hangup/>"},
        {"say", {.verb = Verb::say, .text = "Bye"}, "<Say>Bye</Say><Hangup/>"},
        {"say in a language",
         {.verb = Verb::say, .text = "Olá & \"tchau\" <b>", .language = "pt-BR", .voice = "Polly.Camila"},
         "<Say voice=\"Polly.Camila\" language=\"pt-BR\">Olá &amp; \"tchau\" &lt;b&gt;</Say><Hangup/>"},
        {"reject", {.verb = Verb::reject}, "<Reject reason=\"rejected\"/>"},
        {"busy", {.verb = Verb::reject, .reason = Fallback::Reason::busy}, "<Reject reason=\"busy\"/>"},
        {"redirect",
         {.verb = Verb::redirect, .url = "https://e.example/x?a=1&b=2"},
         "<Redirect>https://e.example/x?a=1&amp;b=2</Redirect>"},
        {"redirect by GET",
         {.verb = Verb::redirect, .url = "HTTP://e.example", .method = "GET"},
         "<Redirect method=\"GET\">HTTP://e.example</Redirect>"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        const auto got = write_fallback(row.fallback);
        ASSERT_TRUE(got.has_value()) << got.error().message;
        EXPECT_EQ(*got, std::string("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>") + row.want +
                            "</Response>");
    }
}

// Source: Twilio, "TwiML Voice: <Say>": 4,096 characters.
TEST(WriteFallback, CountsCharactersNotBytes) {
    std::string most;
    for (int i = 0; i < 4096; ++i) most += "ã";
    EXPECT_TRUE(write_fallback({.verb = Verb::say, .text = most}).has_value());
    const auto got = write_fallback({.verb = Verb::say, .text = most + "o"});
    ASSERT_FALSE(got.has_value());
    EXPECT_EQ(got.error().code, ErrorCode::usage);
    EXPECT_NE(got.error().message.find("4,097 characters"), std::string::npos) << got.error().message;
}

TEST(WriteFallback, RefusesWhatTwilioCouldNotDo) {
    struct Row {
        const char* name;
        Fallback fallback;
        const char* says;
    };
    const std::vector<Row> rows{
        {"nothing to say", {.verb = Verb::say}, "text to say"},
        {"blanks to say", {.verb = Verb::say, .text = " \n"}, "text to say"},
        {"a control character", {.verb = Verb::say, .text = "a\x01"}, "<Say>"},
        {"a voice that XML cannot carry", {.verb = Verb::say, .text = "a", .voice = "\xFF"}, "voice"},
        {"a language that XML cannot carry",
         {.verb = Verb::say, .text = "a", .language = "\x02"},
         "language"},
        {"no URL", {.verb = Verb::redirect}, "missing"},
        {"a relative URL", {.verb = Verb::redirect, .url = "/twilio/voice"}, "absolute"},
        {"another scheme", {.verb = Verb::redirect, .url = "ftp://e.example"}, "absolute"},
        {"no host", {.verb = Verb::redirect, .url = "https:///x"}, "absolute"},
        {"only a scheme", {.verb = Verb::redirect, .url = "https://"}, "absolute"},
        {"blank for a host", {.verb = Verb::redirect, .url = "https:// e.example"}, "absolute"},
        {"NUL in the URL", {.verb = Verb::redirect, .url = std::string("https://e\0", 10)}, "control"},
        {"a line end in the URL", {.verb = Verb::redirect, .url = "https://e/\n"}, "control"},
        {"bytes that are no text", {.verb = Verb::redirect, .url = "https://e/\xFF"}, "<Redirect>"},
        {"another method", {.verb = Verb::redirect, .url = "https://e.example", .method = "PUT"}, "method"},
        {"a method in small letters",
         {.verb = Verb::redirect, .url = "https://e.example", .method = "get"},
         "method"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        const auto got = write_fallback(row.fallback);
        ASSERT_FALSE(got.has_value()) << *got;
        EXPECT_EQ(got.error().code, ErrorCode::usage);
        EXPECT_NE(got.error().message.find(row.says), std::string::npos) << got.error().message;
    }
}

}  // namespace
}  // namespace callchain::twiml
