#include "observe/log.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <nlohmann/json.hpp>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace callchain::observe {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

// 2026-11-27T22:56:00Z by `date -u -d @1795820160`.
constexpr std::chrono::sys_time<std::chrono::milliseconds> kTime{1795820160s + 123ms};
// Key bytes 00 to 1f.
const std::string kWebhookSecret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const std::string kApiKey = "sk-proj-0123456789abcdefghijklmnop";

std::string json_line(std::string_view message, const LogFields& fields = {},
                      const LogSecrets& secrets = {}) {
    return format_log_line(LogForm::json, kTime, Level::info, message, fields, secrets);
}

std::string text_line(std::string_view message, const LogFields& fields = {},
                      const LogSecrets& secrets = {}) {
    return format_log_line(LogForm::text, kTime, Level::info, message, fields, secrets);
}

// What nlohmann reads of a value.
std::string read_back(const std::string& value, const LogSecrets& secrets = {}) {
    return Json::parse(json_line("m", {{"value", value}}, secrets)).at("value");
}

std::string repeated(std::string_view unit, std::size_t count) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i) out += unit;
    return out;
}

TEST(FormatLogLine, WritesTimeLevelMessageAndFieldsInOrder) {
    const LogFields fields{{"call_id", "rtc_u0_1"},
                           {"status", std::int64_t{200}},
                           {"seconds", 0.25},
                           {"accepted", true},
                           {"again", false}};
    EXPECT_EQ(json_line("call accepted", fields),
              R"({"time":"2026-11-27T22:56:00.123Z","level":"info","message":"call accepted",)"
              R"("call_id":"rtc_u0_1","status":200,"seconds":0.25,"accepted":true,"again":false})");
    EXPECT_EQ(text_line("call accepted", fields),
              "2026-11-27T22:56:00.123Z info call accepted call_id=rtc_u0_1 status=200 seconds=0.25 "
              "accepted=true again=false");
}

TEST(FormatLogLine, NamesEveryLevel) {
    for (const auto& [level, name] : {std::pair{Level::debug, "debug"},
                                      {Level::info, "info"},
                                      {Level::warn, "warn"},
                                      {Level::error, "error"}}) {
        SCOPED_TRACE(name);
        EXPECT_EQ(name_of(level), name);
        EXPECT_EQ(Json::parse(format_log_line(LogForm::json, kTime, level, "m", {}, {})).at("level"), name);
    }
}

TEST(FormatLogLine, WritesTimesOfTheCalendar) {
    struct Row {
        std::chrono::sys_time<std::chrono::milliseconds> time;
        const char* text = nullptr;
    };
    // Seconds by `date -u -d TEXT +%s`.
    for (const auto& row :
         {Row{std::chrono::sys_time<std::chrono::milliseconds>{0ms}, "1970-01-01T00:00:00.000Z"},
          Row{std::chrono::sys_time<std::chrono::milliseconds>{951782399s + 999ms},
              "2000-02-28T23:59:59.999Z"},
          Row{std::chrono::sys_time<std::chrono::milliseconds>{951782400s + 7ms}, "2000-02-29T00:00:00.007Z"},
          Row{std::chrono::sys_time<std::chrono::milliseconds>{-1ms}, "1970-01-01T00:00:00.000Z"},
          Row{std::chrono::sys_time<std::chrono::milliseconds>::max(), "9999-12-31T23:59:59.999Z"}}) {
        SCOPED_TRACE(row.text);
        EXPECT_EQ(Json::parse(format_log_line(LogForm::json, row.time, Level::info, "m", {}, {})).at("time"),
                  row.text);
    }
}

TEST(FormatLogLine, KeepsFieldsApartFromTheLinesOwn) {
    const auto json = Json::parse(json_line("m", {{"message", "theirs"}, {"level", "x"}, {"time", "y"}}));
    EXPECT_EQ(json.at("message"), "m");
    EXPECT_EQ(json.at("level"), "info");
    EXPECT_EQ(json.at("message_"), "theirs");
    EXPECT_EQ(json.at("level_"), "x");
    EXPECT_EQ(json.at("time_"), "y");
}

TEST(FormatLogLine, WritesNumbersThatJsonHas) {
    constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
    const auto json = Json::parse(json_line("m", {{"least", kLeast},
                                                  {"large", 1e300},
                                                  {"tenth", 0.1},
                                                  {"not_a_number", std::nan("")},
                                                  {"infinite", -std::numeric_limits<double>::infinity()}}));
    EXPECT_EQ(json.at("least").get<std::int64_t>(), kLeast);
    EXPECT_EQ(json.at("large").get<double>(), 1e300);
    EXPECT_EQ(json.at("tenth").get<double>(), 0.1);
    EXPECT_TRUE(json.at("not_a_number").is_null());
    EXPECT_TRUE(json.at("infinite").is_null());
}

struct UnsafeRow {
    const char* name;
    std::string value;
    std::string shown;
};

const std::vector<UnsafeRow> kUnsafe{
    {"line ends", "a\r\n{\"level\":\"error\"}", "a\\r\\n{\"level\":\"error\"}"},
    {"escape", "\x1b[2J\x1b]0;title\x07", "\\x1b[2J\\x1b]0;title\\x07"},
    {"NUL and DEL", std::string("a\0b\x7f", 4), "a\\x00b\\x7f"},
    {"C1 control",
     "a\xc2\x9b"
     "1m",
     "a\\u009b1m"},
    {"line separator",
     "a\xe2\x80\xa8"
     "b",
     "a\\u2028b"},
    {"right-to-left override",
     "a\xe2\x80\xae"
     "b",
     "a\\u202eb"},
    {"lone continuation",
     "a\x80"
     "b",
     "a\\x80b"},
    {"overlong slash", "\xc0\xaf", "\\xc0\\xaf"},
    {"surrogate", "\xed\xa0\x80", "\\xed\\xa0\\x80"},
    {"cut sequence", "caf\xc3", "caf\\xc3"},
    {"quotes and backslash", R"("a\b")", R"("a\b")"},
    {"letters of the world", "José 日本 😀", "José 日本 😀"},
};

TEST(FormatLogLine, ShowsWhatIsUnsafeInsteadOfWritingIt) {
    for (const auto& row : kUnsafe) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(read_back(row.value), row.shown);
        EXPECT_EQ(Json::parse(json_line(row.value)).at("message"), row.shown);
        EXPECT_TRUE(text_line(row.value).ends_with("Z info " + row.shown)) << text_line(row.value);
    }
}

// Whatever comes in, a reader gets one line of JSON, or one line of text, without a control character.
RC_GTEST_PROP(FormatLogLineProperty, IsOneLineWhateverComesIn, (const std::vector<std::uint8_t>& bytes)) {
    const std::string value(bytes.begin(), bytes.end());
    const auto json = json_line(value, {{"value", value}});
    const auto text = text_line(value, {{"value", value}});
    for (const auto& line : {json, text}) {
        for (const char c : line) RC_ASSERT(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
    }
    RC_ASSERT(Json::parse(json).size() == 4U);
    RC_ASSERT(Json::parse(json).at("value") == Json::parse(json).at("message"));
}

TEST(FormatLogLine, QuotesTextValuesThatWouldRunTogether) {
    EXPECT_TRUE(
        text_line("m", {{"a", "two words"}, {"b", "say \"hi\""}, {"c", ""}, {"d", "x=1"}, {"e", "C:\\d"}})
            .ends_with(R"( m a="two words" b="say \"hi\"" c="" d=x=1 e=C:\d)"));
    EXPECT_TRUE(text_line("m", {{"a", "x level=error"}, {"b", "one\ntwo"}})
                    .ends_with(R"( m a="x level=error" b=one\ntwo)"));
}

TEST(FormatLogLine, WithholdsWhatLooksLikeASecret) {
    for (const auto& secret : {kWebhookSecret, kApiKey}) {
        for (const auto& line : {json_line("key " + secret + " end", {{"value", "Bearer " + secret}}),
                                 text_line("key " + secret + " end", {{"value", "Bearer " + secret}})}) {
            SCOPED_TRACE(line);
            EXPECT_EQ(line.find(secret.substr(8, 12)), std::string::npos);
            EXPECT_NE(line.find("[withheld] end"), std::string::npos);
        }
    }
    EXPECT_EQ(read_back(kWebhookSecret), "whsec_[withheld]");
    EXPECT_EQ(read_back("whsec_AAEC…wdHh8="), "whsec_AAEC…wdHh8=");  // a mask stays
}

struct OwnRow {
    const char* name;
    std::string value;
    std::string shown;
};

TEST(FormatLogLine, WithholdsTheSecretsThatItIsGiven) {
    const LogSecrets secrets{"",      "hunter2hunter2", "hunter2", "pass\nword",
                             "abcab", "klmnop",         "ijklm",   kApiKey + ".tail"};
    for (const auto& row : {OwnRow{"alone", "hunter2", "[withheld]"},
                            OwnRow{"the longer one of two", "x hunter2hunter2 y", "x [withheld] y"},
                            OwnRow{"twice", "hunter2 hunter2", "[withheld] [withheld]"},
                            OwnRow{"overlapping itself", "-abcabcab-", "-[withheld]-"},
                            OwnRow{"into one that is listed before", "-ijklmnop-", "-[withheld]-"},
                            OwnRow{"with a line end", "is pass\nword!", "is [withheld]!"},
                            OwnRow{"longer than its pattern", kApiKey + ".tail", "[withheld]"},
                            OwnRow{"a part only", "hunter", "hunter"}}) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(read_back(row.value, secrets), row.shown);
        EXPECT_TRUE(text_line(row.value, {}, secrets).ends_with(" " + row.shown));
    }
}

TEST(FormatLogLine, CutsLongValues) {
    EXPECT_EQ(read_back(std::string(4096, 'a')), std::string(4096, 'a'));
    EXPECT_EQ(read_back(std::string(4097, 'a')), std::string(4096, 'a') + "…");
    EXPECT_EQ(read_back(repeated("😀", 5000)), repeated("😀", 4096) + "…");
    EXPECT_EQ(Json::parse(json_line(std::string(100'000, 'a'))).at("message"), std::string(4096, 'a') + "…");
}

TEST(FormatLogLine, LeavesNoPartOfASecretWhereAValueIsCut) {
    const std::string secret = "9f8e7d6c5b4a39281706";
    for (std::size_t before = 16'384 - 30; before <= 16'384; ++before) {
        SCOPED_TRACE(before);
        // Withheld text takes less room than it had: the cut comes far behind the 4,096th character.
        auto value = repeated(secret + secret + secret + secret + secret, before / 100);
        value += std::string(before - value.size(), '.') + secret + std::string(20'000, 'x');
        const auto shown = read_back(value, {secret});
        EXPECT_EQ(shown.find("9f8e"), std::string::npos) << shown.substr(0, 200);
        EXPECT_TRUE(shown.ends_with("…"));
    }
}

}  // namespace
}  // namespace callchain::observe
