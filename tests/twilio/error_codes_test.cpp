#include "twilio/error_codes.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <set>

namespace callchain::twilio {
namespace {

// Twilio's "Error and Warning Dictionary", the list of all codes of 2023-05-15: code and log level. Codes
// that are younger than the list stand in kYounger.
const std::map<int, Level>& listed() {
    constexpr auto e = Level::error;
    constexpr auto w = Level::warning;
    static const std::map<int, Level> levels{
        {10001, e}, {10003, e}, {10004, e}, {11100, e}, {11200, e}, {11202, e}, {11205, e}, {11206, e},
        {11210, e}, {11215, e}, {11220, e}, {11235, e}, {11236, e}, {11237, e}, {11240, e}, {11241, e},
        {11750, e}, {12100, e}, {12101, e}, {12200, w}, {12300, e}, {13201, e}, {13210, w}, {13212, w},
        {13214, w}, {13215, w}, {13216, w}, {13218, w}, {13219, w}, {13223, w}, {13225, w}, {13226, w},
        {13227, w}, {13243, w}, {13244, w}, {13246, w}, {13247, e}, {13248, w}, {13249, w}, {13250, w},
        {13251, w}, {13252, w}, {13253, w}, {13254, w}, {13255, w}, {13520, w}, {13710, w}, {15003, w},
        {20003, e}, {20404, e}, {20429, e}, {21205, e}, {21210, e}, {21211, e}, {21212, e}, {21213, e},
        {21214, e}, {21215, e}, {21216, e}, {21217, e}, {21218, e}, {21220, e}, {21226, w}, {21227, w},
        {21228, w}, {21229, w}, {21230, e}, {21231, e}, {21232, e}, {32001, e}, {32002, w}, {32006, w},
        {32007, w}, {32008, w}, {32009, w}, {32010, e}, {32011, w}, {32012, w}, {32013, e}, {32014, w},
        {32015, w}, {32018, e}, {32019, w}, {32022, e}, {32100, w}, {32101, w}, {32102, w}, {32103, w},
        {32105, w}, {32106, e}, {32110, w}, {32111, w}, {32112, w}, {32113, w}, {32114, w}, {32115, w},
        {32200, e}, {32201, e}, {32202, e}, {32203, e}, {32204, e}, {32205, e}, {32206, e}, {32207, e},
        {32208, e}, {32209, e}, {32210, e}, {32212, w}, {32214, w}, {32215, w}, {32216, e}, {32218, e},
        {32219, e}, {32220, e}, {32221, e}, {32222, e}, {32223, e}, {57012, e}, {64001, e}};
    return levels;
}

// Twilio's own pages of the codes, 2024 to 2026. 13224 was a warning in the list and is an error on its page.
const std::map<int, Level> kYounger{
    {11217, Level::error},   {13224, Level::error},   {37000, Level::error}, {37001, Level::error},
    {37002, Level::unknown}, {37003, Level::unknown}, {37004, Level::error}, {37005, Level::unknown},
    {37006, Level::error},   {37007, Level::unknown}, {37008, Level::error}, {37009, Level::error},
    {64102, Level::error},   {64105, Level::error},   {64106, Level::error}, {64107, Level::error}};

TEST(ErrorPages, KnowEveryCodeOfTheChainAtTwiliosLevel) {
    std::set<int> want;
    for (const auto* table : {&listed(), &kYounger}) {
        for (const auto& [code, level] : *table) {
            SCOPED_TRACE(code);
            want.insert(code);
            const auto* page = find_error(code);
            ASSERT_NE(page, nullptr);
            EXPECT_EQ(page->code, code);
            EXPECT_EQ(level_name(page->level), level_name(level));
        }
    }
    std::set<int> got;
    for (const auto& page : error_pages()) got.insert(page.code);
    EXPECT_EQ(got, want);  // and none that no list vouches for
}

TEST(ErrorPages, AreSortedAndUnique) {
    const auto all = error_pages();
    for (std::size_t i = 1; i < all.size(); ++i) {
        SCOPED_TRACE(all[i].code);
        EXPECT_LT(std::max(all[i - 1].code, all[i - 1].last), all[i].code);
    }
}

bool is_plain_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

TEST(ErrorPages, ArePlainBoundedSentences) {
    for (const auto& page : error_pages()) {
        SCOPED_TRACE(page.code);
        std::string more(page.more);
        std::ranges::replace(more, '\n', ' ');  // between paragraphs
        for (const auto text : {page.title, page.cause, page.fix, page.as_of, std::string_view(more)}) {
            EXPECT_TRUE(is_plain_ascii(text)) << text;
            EXPECT_EQ(text.find("  "), std::string_view::npos) << text;
        }
        EXPECT_GE(page.title.size(), 10U);
        EXPECT_LE(page.title.size(), 110U);
        EXPECT_FALSE(page.title.ends_with('.'));
        EXPECT_GE(page.cause.size(), 20U);
        EXPECT_LE(page.cause.size(), 400U);
        EXPECT_TRUE(page.cause.ends_with('.'));
        EXPECT_GE(page.fix.size(), 15U);
        EXPECT_LE(page.fix.size(), 300U);
        EXPECT_TRUE(page.fix.ends_with('.'));
        EXPECT_LE(page.more.size(), 2000U);
        EXPECT_TRUE(page.more.empty() || page.more.ends_with('.'));
        EXPECT_TRUE(page.as_of.find("20") != std::string_view::npos) << page.as_of;
    }
}

TEST(ErrorPages, SayWhereNothingButTheProductIsKnown) {
    for (const auto code : {37002, 37003, 37005, 37007}) {
        SCOPED_TRACE(code);
        const auto* page = find_error(code);
        ASSERT_NE(page, nullptr);
        EXPECT_EQ(page->level, Level::unknown);
        EXPECT_NE(page->cause.find("not known"), std::string_view::npos);
        EXPECT_NE(page->fix.find("Twilio's page"), std::string_view::npos);
    }
}

TEST(ErrorPages, TellTheCausesOf13224Apart) {
    const auto* page = find_error(13224);
    ASSERT_NE(page, nullptr);
    for (const auto* word :
         {"DialSipResponseCode", "ErrorMessage", "whatsapp:", "400", "accept", "signature"}) {
        EXPECT_NE(page->more.find(word), std::string_view::npos) << word;
    }
}

TEST(FindError, TakesARangeAtBothEdges) {
    EXPECT_EQ(find_error(64000), nullptr);
    ASSERT_NE(find_error(64001), nullptr);
    ASSERT_NE(find_error(64024), nullptr);
    EXPECT_EQ(find_error(64024)->code, 64001);
    EXPECT_EQ(find_error(64025), nullptr);
}

TEST(FindError, KnowsNothingOfOtherNumbers) {
    for (const auto code : {-1, 0, 400, 9999, 13222, 13228, 99999, 2147483647})
        EXPECT_EQ(find_error(code), nullptr) << code;
}

TEST(NearestErrors, AreOfTheSameHundredNearestFirst) {
    EXPECT_EQ(nearest_errors(13222, 3),
              (std::vector<int>{13223, 13224, 13219}));  // 13219 and 13225 are as near: the lower one
    EXPECT_EQ(nearest_errors(15000, 3), (std::vector<int>{15003}));
    EXPECT_TRUE(nearest_errors(90000, 3).empty());
}

TEST(ErrorUrl, IsTwiliosPage) { EXPECT_EQ(error_url(13224), "https://www.twilio.com/docs/api/errors/13224"); }

}  // namespace
}  // namespace callchain::twilio
