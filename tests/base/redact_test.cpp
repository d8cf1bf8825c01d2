#include "base/redact.hpp"

#include <gtest/gtest.h>

namespace callchain {
namespace {

// Key bytes 00 to 1f.
const std::string kSecret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

TEST(SafeExcerpt, WithholdsSecretsAndShowsControlCharacters) {
    EXPECT_EQ(safe_excerpt("wh_1\x07", 60), "wh_1\\x07");
    EXPECT_EQ(safe_excerpt("id " + kSecret + " end", 60), "id whsec_[withheld] end");
    EXPECT_EQ(safe_excerpt("whsec_AAEC…wdHh8=", 60), "whsec_AAEC…wdHh8=");
}

TEST(SafeExcerpt, KnowsASecretThatBeginsWhereTheExcerptEnds) {
    for (std::size_t before = 0; before < 60; ++before) {
        SCOPED_TRACE(before);
        EXPECT_EQ(safe_excerpt(std::string(before, '.') + kSecret, 60).find("AAEC"), std::string::npos);
    }
}

TEST(FindClearSecret, LooksPastWordsThatOnlyEndLikeAKey) {
    EXPECT_EQ(find_clear_secret("task-runner-of-the-day sk-proj-0123456789abcdef"), 23U);
    EXPECT_EQ(find_clear_secret("disk-usage-of-everything"), std::string::npos);
}

TEST(ShowNumber, KeepsFourDigitsOfSevenOrMore) {
    struct Row {
        const char* text;
        const char* want;
    };
    for (const auto& row : {
             Row{"+5561999998888", "+…8888"},
             Row{"whatsapp: 5561999998888", "whatsapp: …8888"},
             Row{"1234567", "…4567"},
             Row{"123456", "123456"},
             Row{"1-2-3-4-5-6-7-", "…4567-"},
             Row{"+1 555 1230000 or +1 555 1230001", "+…0000 or +…0001"},
             Row{"proj_abc", "proj_abc"},
             Row{"", ""},
             Row{"a\nb", "a\\nb"},
         }) {
        EXPECT_EQ(show_number(row.text), row.want) << row.text;
    }
}

}  // namespace
}  // namespace callchain
