#include "encoding/json_reader.hpp"

#include "json_generator.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace callchain::encoding {
namespace {

using Json = nlohmann::json;

TEST(JsonReader, GivesTheMembersThatAreAskedFor) {
    JsonReader json(R"( {"a": {"b": [1, {"id": "no"}], "c": null}, "id": "yes", "n": -1.5e3, "t": true} )");
    std::optional<std::string> id;
    std::string number;
    std::optional<bool> truth;
    ASSERT_TRUE(json.enter_object());
    while (const auto name = json.next_member()) {
        if (*name == "id") {
            id = json.take_string()->text();
        } else if (*name == "n") {
            number = *json.take_number();
        } else if (*name == "t") {
            truth = json.take_boolean();
        } else {
            json.skip();
        }
    }
    EXPECT_TRUE(json.end().has_value());
    EXPECT_EQ(id, "yes");
    EXPECT_EQ(number, "-1.5e3");
    EXPECT_EQ(truth, true);
}

TEST(JsonReader, PassesOverAValueOfAnotherKind) {
    JsonReader json(R"([{"a": 1}, [2], "3", 4, true, null])");
    ASSERT_TRUE(json.enter_array());
    ASSERT_TRUE(json.next_item());
    EXPECT_FALSE(json.take_string().has_value());
    ASSERT_TRUE(json.next_item());
    EXPECT_FALSE(json.enter_object());
    ASSERT_TRUE(json.next_item());
    EXPECT_FALSE(json.take_number().has_value());
    ASSERT_TRUE(json.next_item());
    EXPECT_FALSE(json.enter_array());
    ASSERT_TRUE(json.next_item());
    EXPECT_FALSE(json.take_string().has_value());
    ASSERT_TRUE(json.next_item());
    EXPECT_EQ(json.next_kind(), JsonKind::null);
    EXPECT_FALSE(json.take_boolean().has_value());
    EXPECT_FALSE(json.next_item());
    EXPECT_TRUE(json.end().has_value());
}

TEST(JsonReader, ComparesNamesAsTheyAreMeant) {
    JsonReader json(R"({"\u0069d": 1, "i\\d": 2})");
    ASSERT_TRUE(json.enter_object());
    EXPECT_EQ(json.next_member(), "id");
    json.skip();
    EXPECT_EQ(json.next_member(), "i\\d");
    json.skip();
    EXPECT_FALSE(json.next_member().has_value());
}

TEST(JsonReader, GivesNothingBehindAFault) {
    JsonReader json(R"({"a": nope, "b": "c"})");
    ASSERT_TRUE(json.enter_object());
    EXPECT_EQ(json.next_member(), "a");
    EXPECT_FALSE(json.take_string().has_value());
    EXPECT_FALSE(json.next_member().has_value());
    EXPECT_FALSE(json.next_item());
    EXPECT_EQ(json.next_kind(), std::nullopt);
    json.skip();
    const auto end = json.end();
    ASSERT_FALSE(end.has_value());
    EXPECT_EQ(end.error().offset, 6U);
}

// A byte that needs a look, at each place of the words that are looked at together.
TEST(JsonReader, FindsWhatIsNotPlainAtEveryPlace) {
    for (std::size_t length = 0; length < 40; ++length) {
        for (std::size_t at = 0; at < length; ++at) {
            for (const std::string piece :
                 {"\x1F", "\x01", "\xFF", "\"", "\\x", "é", "\x7F", " ", "\\u00e9"}) {
                std::string text = "\"" + std::string(length, 'x') + "\"";
                text.replace(1 + at, 1, piece);
                JsonReader json(text);
                const auto string = json.take_string();
                const bool is_json = json.end().has_value();
                ASSERT_EQ(is_json, Json::accept(text)) << text;
                if (!is_json) continue;
                ASSERT_EQ(string->text(), Json::parse(text).get<std::string>()) << text;
            }
        }
    }
}

// Takes every value by what it is, or as something else, and passes over it.
void take_all(JsonReader& json, bool by_its_kind) {
    const auto kind = json.next_kind();
    if (!by_its_kind || !kind) return json.skip();
    if (*kind == JsonKind::object && json.enter_object()) {
        while (json.next_member()) take_all(json, by_its_kind);
    } else if (*kind == JsonKind::array && json.enter_array()) {
        while (json.next_item()) take_all(json, by_its_kind);
    } else if (*kind == JsonKind::string) {
        EXPECT_TRUE(json.take_string().has_value());
    } else if (*kind == JsonKind::number) {
        EXPECT_TRUE(json.take_number().has_value());
    } else if (*kind == JsonKind::boolean) {
        EXPECT_TRUE(json.take_boolean().has_value());
    } else {
        json.skip();
    }
}

TEST(JsonReader, ReadsWhateverIsJson) {
    EXPECT_TRUE(rc::check([] {
        const std::string text = write_json_text(arbitrary_json(), {.indent = "  "});
        for (const bool by_its_kind : {false, true}) {
            JsonReader json(text);
            take_all(json, by_its_kind);
            RC_ASSERT(json.end().has_value());
        }
    }));
}

}  // namespace
}  // namespace callchain::encoding
