#include "diagnosis/catalogue_tables.hpp"
#include "twiml/lint.hpp"

#include <gtest/gtest.h>
#include <set>

namespace callchain::diagnosis {
namespace {

TEST(TwimlCatalogue, HasARowForEveryRuleAndARuleForEveryRow) {
    std::set<std::string_view> rules;
    for (const auto& rule : twiml::lint_rules()) EXPECT_TRUE(rules.insert(rule.code).second) << rule.code;
    std::set<std::string_view> rows;
    for (const auto& entry : twiml_entries()) rows.insert(entry.code);
    EXPECT_EQ(rules, rows);
}

TEST(TwimlCatalogue, NamesTheCodeOfTwilioWhereTheRuleHasOne) {
    for (const auto& rule : twiml::lint_rules()) {
        SCOPED_TRACE(rule.code);
        if (rule.twilio_code == 0) continue;
        const auto* entry = find_entry(rule.code);
        ASSERT_NE(entry, nullptr);
        EXPECT_NE(entry->page.find(std::to_string(rule.twilio_code)), std::string_view::npos);
    }
}

}  // namespace
}  // namespace callchain::diagnosis
