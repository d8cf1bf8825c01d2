#include "webhook/log_json.hpp"

#include <gtest/gtest.h>

namespace callchain::webhook {
namespace {

TEST(ReadLogObject, ReadsMembersWithoutDecodingValues) {
    const auto object = read_log_object(R"({ "a\u0062" : "x\"y" , "n":1.50,"o":{"}":[1]},"e":null } behind)");
    ASSERT_TRUE(object.has_value());
    EXPECT_TRUE(object->complete);
    EXPECT_EQ(object->raw, R"({ "a\u0062" : "x\"y" , "n":1.50,"o":{"}":[1]},"e":null })");
    ASSERT_EQ(object->members.size(), 4U);
    ASSERT_NE(object->find("ab"), nullptr);
    EXPECT_EQ(object->find("ab")->text(), "x\"y");
    EXPECT_EQ(object->find("n")->raw, "1.50");
    EXPECT_EQ(object->find("o")->raw, R"({"}":[1]})");
    EXPECT_TRUE(object->find("o")->is_nested());
    EXPECT_EQ(object->find("absent"), nullptr);
}

TEST(ReadLogObject, KeepsWhatStandsBeforeACut) {
    const auto object = read_log_object(R"({"a":"1","b":"half)");
    ASSERT_TRUE(object.has_value());
    EXPECT_FALSE(object->complete);
    ASSERT_EQ(object->members.size(), 1U);
    ASSERT_TRUE(object->cut.has_value());
    EXPECT_EQ(object->cut->name, "b");
    EXPECT_EQ(object->cut->text(), "half");
}

TEST(ReadLogObject, RefusesWhatIsNoObject) {
    for (const auto* text : {"", "[]", "{a:1}", "{\"a\" 1}", "{\"a\":1 \"b\":2}", "{\\\"a\\\":1}", "{{"}) {
        EXPECT_FALSE(read_log_object(text).has_value()) << text;
    }
    EXPECT_TRUE(read_log_object("{}")->complete);
}

TEST(ReadLogObject, SurvivesDeepNesting) {
    const auto object =
        read_log_object("{\"a\":" + std::string(1'000'000, '[') + std::string(1'000'000, ']') + "}");
    ASSERT_TRUE(object.has_value());
    EXPECT_TRUE(object->complete);
}

TEST(ReadLogObjects, ReadsAnArrayOfObjects) {
    const auto objects = read_log_objects(R"([ {"key":"a","value":"1"}, {"key":"b"} ])");
    ASSERT_EQ(objects.size(), 2U);
    EXPECT_EQ(objects[1].find("key")->text(), "b");
    EXPECT_TRUE(read_log_objects("[1, 2]").empty());
    EXPECT_TRUE(read_log_objects("{}").empty());
}

// Source of the escapes: RFC 8259 section 7.
TEST(RemoveBackslashLayer, UndoesOneLayer) {
    struct Row {
        const char* text;
        const char* want;
    };
    for (const auto& row :
         {Row{R"({\"id\": \"a\\u00e9\\\"\"})", R"({"id": "a\u00e9\""})"},
          Row{R"(\b\f\n\r\t\/)", "\b\f\n\r\t/"}, Row{R"(\u00e9\ud83d\udd11)", "é🔑"},
          Row{R"(\ud83d \udd11 \u12 \x \)", R"(\ud83d \udd11 \u12 \x \)"}, Row{"plain", "plain"}}) {
        EXPECT_EQ(remove_backslash_layer(row.text), row.want);
    }
}

TEST(JsonBalance, FindsTheEndAcrossPieces) {
    JsonBalance balance;
    EXPECT_EQ(balance.feed(R"({"a":"}\)"), std::nullopt);
    EXPECT_EQ(balance.feed(R"("}",[)"), std::nullopt);
    EXPECT_EQ(balance.feed("]} rest"), 2U);
}

}  // namespace
}  // namespace callchain::webhook
