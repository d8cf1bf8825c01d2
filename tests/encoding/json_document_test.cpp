#include "encoding/json_document.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace callchain::encoding {
namespace {

using Json = nlohmann::ordered_json;

TEST(JsonDocument, IsIndentedByTwoInTheOrderOfItsMembers) {
    EXPECT_EQ(json_document({{"b", 1}, {"a", Json::array({true, nullptr})}}),
              "{\n  \"b\": 1,\n  \"a\": [\n    true,\n    null\n  ]\n}");
}

TEST(JsonLine, HasNoLineEndWithin) {
    EXPECT_EQ(json_line({{"b", "one\ntwo"}, {"a", 1}}), R"({"b":"one\ntwo","a":1})");
}

// RFC 8259 section 8.1: JSON that leaves a program is UTF-8.
TEST(JsonDocument, ReplacesWhatIsNotUtf8) {
    const Json json{{"a", "x\xFFy\xC3"}};
    EXPECT_EQ(json_line(json), "{\"a\":\"x\uFFFDy\uFFFD\"}");
    EXPECT_EQ(json_document(json), "{\n  \"a\": \"x\uFFFDy\uFFFD\"\n}");
}

}  // namespace
}  // namespace callchain::encoding
