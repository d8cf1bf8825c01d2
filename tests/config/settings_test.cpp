#include "config/settings.hpp"

#include <gtest/gtest.h>
#include <map>

namespace callchain::config {
namespace {

constexpr SettingSpec kSpecs[] = {
    {.name = "PORT", .flag = "--port", .type = "PORT", .meaning = "port", .fallback = "8000"},
    {.name = "CALLER_ID",
     .flag = "--caller-id",
     .type = "NUMBER",
     .meaning = "number",
     .other_name = "CALL_FROM"},
    {.name = "KEY", .flag = {}, .type = {}, .meaning = "key", .secret = true},
};

struct Row {
    const char* name;
    std::map<std::string, std::string> flags;
    std::map<std::string, Variable> variables;
    const char* setting;
    const char* value;
    Origin origin;
    const char* where;
};

const Row kRows[] = {
    {"nothing is set: the default", {}, {}, "PORT", "8000", Origin::fallback, "default"},
    {"nothing is set and there is no default", {}, {}, "KEY", "", Origin::fallback, "not set"},
    {"the environment before the default",
     {},
     {{"PORT", {"81", ""}}},
     "PORT",
     "81",
     Origin::environment,
     "environment: PORT"},
    {"a variable of a file", {}, {{"PORT", {"82", ".env"}}}, "PORT", "82", Origin::file, ".env: PORT"},
    {"a flag before the environment",
     {{"--port", "83"}},
     {{"PORT", {"81", ""}}},
     "PORT",
     "83",
     Origin::flag,
     "--port"},
    {"an empty variable is none", {}, {{"PORT", {"", ""}}}, "PORT", "8000", Origin::fallback, "default"},
    {"the other name where the first is not set",
     {},
     {{"CALL_FROM", {"+1", ""}}},
     "CALLER_ID",
     "+1",
     Origin::environment,
     "environment: CALL_FROM"},
    {"the first name before the other",
     {},
     {{"CALL_FROM", {"+1", ""}}, {"CALLER_ID", {"+2", ""}}},
     "CALLER_ID",
     "+2",
     Origin::environment,
     "environment: CALLER_ID"},
};

TEST(Settings, TakesTheNearestLayerAndSaysWhich) {
    for (const auto& row : kRows) {
        SCOPED_TRACE(row.name);
        const Settings settings(
            kSpecs,
            [&](std::string_view flag) -> std::optional<std::string> {
                const auto found = row.flags.find(std::string(flag));
                return found == row.flags.end() ? std::nullopt : std::optional(found->second);
            },
            [&](const std::string& name) -> std::optional<Variable> {
                const auto found = row.variables.find(name);
                return found == row.variables.end() ? std::nullopt : std::optional(found->second);
            });
        const auto& setting = settings.at(row.setting);
        EXPECT_EQ(setting.value, row.value);
        EXPECT_EQ(setting.origin, row.origin);
        EXPECT_EQ(setting.where, row.where);
        EXPECT_EQ(settings.is_set(row.setting), *row.value != '\0');
    }
}

TEST(Settings, KeepsTheOrderOfTheTable) {
    const Settings settings(
        kSpecs, [](std::string_view) { return std::nullopt; },
        [](const std::string&) { return std::nullopt; });
    ASSERT_EQ(settings.all().size(), 3U);
    EXPECT_EQ(settings.all()[1].spec->name, "CALLER_ID");
    EXPECT_EQ(shown_name(*settings.all()[0].spec), "PORT (--port)");
    EXPECT_EQ(shown_name(*settings.all()[2].spec), "KEY");
}

}  // namespace
}  // namespace callchain::config
