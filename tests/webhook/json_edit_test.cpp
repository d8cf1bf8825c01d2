#include "webhook/json_edit.hpp"

#include "base/text.hpp"
#include "encoding/json_text.hpp"
#include "webhook/json_tokens.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <rapidcheck.h>

namespace callchain::webhook {
namespace {

using Json = nlohmann::json;

std::string edited(std::string_view body, std::string_view argument) {
    const auto edit = parse_json_edit(argument);
    if (!edit) return "argument: " + edit.error().message;
    auto result = edit_json(body, *edit);
    return result ? *std::move(result) : "body: " + result.error().message;
}

struct ParseRow {
    const char* argument;
    std::vector<std::string> path;
    JsonEdit::As as;
    const char* value;
};

TEST(ParseJsonEdit, ReadsBothFormsOfAPath) {
    using enum JsonEdit::As;
    for (const auto& row :
         {ParseRow{"data.call_id=rtc_1", {"data", "call_id"}, text, "rtc_1"},
          ParseRow{"/data/call_id=rtc_1", {"data", "call_id"}, text, "rtc_1"},
          ParseRow{"created_at:=1767801600", {"created_at"}, json, "1767801600"},
          ParseRow{"data.sip_headers.0.value=a=b", {"data", "sip_headers", "0", "value"}, text, "a=b"},
          ParseRow{"/a.b/c~1d/~0e=x", {"a.b", "c/d", "~e"}, text, "x"}, ParseRow{"a=", {"a"}, text, ""},
          ParseRow{"a=:=", {"a"}, text, ":="}, ParseRow{"a:b=x", {"a:b"}, text, "x"},
          ParseRow{"/a/-:={\"b\": 1}", {"a", "-"}, json, "{\"b\": 1}"}, ParseRow{"/=x", {""}, text, "x"},
          ParseRow{"/~01=x", {"~1"}, text, "x"}}) {
        SCOPED_TRACE(row.argument);
        const auto edit = parse_json_edit(row.argument);
        ASSERT_TRUE(edit.has_value()) << edit.error().message;
        EXPECT_EQ(edit->path, row.path);
        EXPECT_EQ(edit->as, row.as);
        EXPECT_EQ(edit->value, row.value);
    }
    EXPECT_EQ(parse_json_edit("/data/call_id:=1")->shown, "/data/call_id");
}

TEST(ParseJsonEdit, RefusesWhatIsNoEdit) {
    struct Row {
        const char* argument;
        const char* message;
    };
    for (const auto& row :
         {Row{"data.call_id", "no '='"}, Row{"", "no '='"}, Row{"=x", "no path"}, Row{":=1", "no path"},
          Row{"a..b=x", "empty step"}, Row{".a=x", "empty step"}, Row{"a.=x", "empty step"},
          Row{"/a~2=x", "neither 0 nor 1"}, Row{"/a~=x", "neither 0 nor 1"},
          Row{"a:=nope", "no JSON: \"nope\""}, Row{"a:=", "no JSON"}, Row{"a=\xFF", "not UTF-8"}}) {
        SCOPED_TRACE(row.argument);
        const auto edit = parse_json_edit(row.argument);
        ASSERT_FALSE(edit.has_value());
        EXPECT_EQ(edit.error().code, ErrorCode::usage);
        EXPECT_NE(edit.error().message.find(row.message), std::string::npos) << edit.error().message;
        EXPECT_FALSE(edit.error().hint.empty());
    }
}

TEST(ParseJsonEdit, QuotesNoSecret) {
    for (const auto* argument : {"secret:=whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
                                 "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}) {
        const auto edit = parse_json_edit(argument);
        ASSERT_FALSE(edit.has_value());
        EXPECT_EQ(edit.error().message.find("AAEC"), std::string::npos) << edit.error().message;
    }
}

// RFC 6901 section 5, the document and its pointers; nlohmann's own pointers are the judge.
TEST(EditJson, FollowsThePointersOfRfc6901) {
    const std::string document =
        R"({"foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, "k\"l": 6, )"
        R"(" ": 7, "m~n": 8})";
    struct Row {
        const char* pointer;
        const char* there;
    };
    for (const auto& row : {Row{"/foo", R"(["bar","baz"])"}, Row{"/foo/0", "\"bar\""}, Row{"/", "0"},
                            Row{"/a~1b", "1"}, Row{"/c%d", "2"}, Row{"/e^f", "3"}, Row{"/g|h", "4"},
                            Row{R"(/i\j)", "5"}, Row{"/k\"l", "6"}, Row{"/ ", "7"}, Row{"/m~0n", "8"}}) {
        SCOPED_TRACE(row.pointer);
        const Json::json_pointer pointer(row.pointer);
        auto want = Json::parse(document);
        ASSERT_EQ(want[pointer].dump(), row.there);
        want[pointer] = 99;
        EXPECT_EQ(Json::parse(edited(document, row.pointer + std::string(":=99"))), want);
    }
}

struct EditRow {
    const char* name;
    std::string body;
    const char* argument;
    std::string want;
};

TEST(EditJson, ReplacesAValueAndNothingElse) {
    for (const auto& row : {
             EditRow{"a text", R"({"a": "x", "b": 1})", "a=y", R"({"a": "y", "b": 1})"},
             EditRow{"odd blanks stay", "\n{ \"a\"\t:  \"x\" ,\"b\":1 }\r\n", "a=y",
                     "\n{ \"a\"\t:  \"y\" ,\"b\":1 }\r\n"},
             EditRow{"a number by a number", R"({"a": 1})", "a=2", R"({"a": 2})"},
             EditRow{"a number by a text", R"({"a": 1})", "a=two", R"({"a": "two"})"},
             EditRow{"a text by what looks like a number", R"({"a": "1"})", "a=2", R"({"a": "2"})"},
             EditRow{"a text by a number", R"({"a": "1"})", "a:=2", R"({"a": 2})"},
             EditRow{"a number keeps its token", R"({"a": 1.50, "b": 0})", "b:=1e2",
                     R"({"a": 1.50, "b": 1e2})"},
             EditRow{"an object", R"({"a": {"b": [1, {}]}, "c": null})", "a:= [] ",
                     R"({"a": [], "c": null})"},
             EditRow{"inside of an array", R"([[1, 2], {"b": "x"}])", "1.b=y", R"([[1, 2], {"b": "y"}])"},
             EditRow{"the last of two", R"({"a": 1, "a": 2, "b": 3})", "a=4", R"({"a": 1, "a": 4, "b": 3})"},
             EditRow{"a name with an escape", R"({"\u0061": 1})", "a=2", R"({"\u0061": 2})"},
             EditRow{"brackets in texts", R"({"x": "}]{[\"", "a": 1})", "a=2", R"({"x": "}]{[\"", "a": 2})"},
         }) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(edited(row.body, row.argument), row.want);
    }
}

// The right sides are what Python's json.dumps writes (with ensure_ascii=False where the body has such text).
TEST(EditJson, EscapesAsTheBodyDoes) {
    const auto* argument = "a=q\"b\\c\n\u00e9\U0001F600\x7F";
    EXPECT_EQ(edited(R"({"a": ""})", argument), R"({"a": "q\"b\\c\n\u00e9\ud83d\ude00\u007f"})");
    EXPECT_EQ(edited("{\"a\": \"\u00fc\"}", argument), "{\"a\": \"q\\\"b\\\\c\\n\u00e9\U0001F600\x7F\"}");
    EXPECT_EQ(edited(R"({"a": ""})", "n\u00e9=x"), R"({"a": "", "n\u00e9": "x"})");
}

TEST(EditJson, AddsAMemberWithTheSeparatorsOfTheBody) {
    for (const auto& row : {
             EditRow{"Python", R"({"id": "e", "data": {"call_id": "r"}})", "data.x=y",
                     R"({"id": "e", "data": {"call_id": "r", "x": "y"}})"},
             EditRow{"JSON.stringify", R"({"id":"e","data":{"call_id":"r"}})", "data.x=y",
                     R"({"id":"e","data":{"call_id":"r","x":"y"}})"},
             EditRow{"of a sibling", R"({"a" : 1 ,"b" : 2})", "c:=3", R"({"a" : 1 ,"b" : 2 ,"c" : 3})"},
             EditRow{"json.dumps(indent=2)",
                     "{\n  \"id\": \"e\",\n  \"data\": {\n    \"call_id\": \"r\"\n  }\n}", "data.x=y",
                     "{\n  \"id\": \"e\",\n  \"data\": {\n    \"call_id\": \"r\",\n    \"x\": \"y\"\n  }\n}"},
             EditRow{"CRLF and TAB", "{\r\n\t\"a\": 1,\r\n\t\"b\": 2\r\n}\r\n", "c:=3",
                     "{\r\n\t\"a\": 1,\r\n\t\"b\": 2,\r\n\t\"c\": 3\r\n}\r\n"},
             EditRow{"one line in an indented body", "{\n  \"a\": {\"b\": 1},\n  \"c\": 2\n}", "a.d:=3",
                     "{\n  \"a\": {\"b\": 1, \"d\": 3},\n  \"c\": 2\n}"},
             EditRow{"an empty object", R"({"a": {}})", "a.b:=1", R"({"a": {"b": 1}})"},
             EditRow{"an empty body", "{}", "a=1", R"({"a": "1"})"},
             EditRow{"an only member, no blanks", R"({"a":1})", "b:=2", R"({"a":1,"b":2})"},
             EditRow{"separators in texts do not count", R"({"a,:":"x : , y"})", "b:=2",
                     R"({"a,:":"x : , y","b":2})"},
             EditRow{"an item", R"({"a": [1, 2]})", "a.-:=3", R"({"a": [1, 2, 3]})"},
             EditRow{"an item of an empty array", R"({"a": []})", "/a/-=x", R"({"a": ["x"]})"},
             EditRow{"an item on a line of its own", "[\n  1\n]", "-:=2", "[\n  1,\n  2\n]"},
             EditRow{"a member called -", R"({"a": 1})", "-=x", R"({"a": 1, "-": "x"})"},
         }) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(edited(row.body, row.argument), row.want);
    }
}

struct WrongRow {
    const char* name;
    std::string body;
    const char* argument;
    const char* message;
    const char* hint;
};

TEST(EditJson, NamesTheStepThatLeadsNowhere) {
    const std::string body = R"({"id": "e", "data": {"call_id": "r", "sip_headers": [{"name": "To"}]}})";
    for (const auto& row : {
             WrongRow{"no such member", body, "dta.call_id=x", "the body has no member \"dta\"", "id, data"},
             WrongRow{"further in", body, "data.sip.0=x", "\"data\" has no member \"sip\"",
                      "call_id, sip_headers"},
             WrongRow{"a text has no members", body, "data.call_id.x=y",
                      "\"data.call_id\" is no object and no array", ":="},
             WrongRow{"no such item", body, "data.sip_headers.1.name=x", "array without an item \"1\"",
                      "0 to 0"},
             WrongRow{"a name in an array", body, "data.sip_headers.name=x", "an item \"name\"", "\"-\""},
             WrongRow{"a leading zero", body, "data.sip_headers.00=x", "an item \"00\"", "0 to 0"},
             WrongRow{"behind the last on the way", body, "data.sip_headers.-.name=x", "an item \"-\"",
                      "0 to 0"},
             WrongRow{"an empty array", R"({"a": []})", "a.0=x", "an item \"0\"", "empty"},
             WrongRow{"an empty object", R"({"a": {}})", "a.b.c=x", "\"a\" has no member \"b\"", "empty"},
             WrongRow{"no JSON", R"({"a": 1)", "a=x", "not JSON", ""},
         }) {
        SCOPED_TRACE(row.name);
        const auto result = edit_json(row.body, parse_json_edit(row.argument).value());
        ASSERT_FALSE(result.has_value());
        EXPECT_EQ(result.error().code, ErrorCode::bad_input);
        EXPECT_NE(result.error().message.find(row.message), std::string::npos) << result.error().message;
        EXPECT_NE(result.error().hint.find(row.hint), std::string::npos) << result.error().hint;
    }
}

TEST(EditJson, NamesTwelveMembersAndCountsTheRest) {
    std::string body = "{";
    for (int i = 10; i < 30; ++i) body += (i > 10 ? ", \"m" : "\"m") + std::to_string(i) + "\": 0";
    const auto result = edit_json(body + "}", parse_json_edit("x.y=1").value());
    ASSERT_FALSE(result.has_value());
    EXPECT_NE(result.error().hint.find("m21 and 8 more"), std::string::npos) << result.error().hint;
}

TEST(EditJson, RefusesNestingThatNoReaderTakes) {
    const std::string deep = std::string(300, '[') + std::string(300, ']');
    EXPECT_EQ(edit_json(deep, parse_json_edit("0:=1").value()).error().code, ErrorCode::limit);
    const std::string full = std::string(256, '[') + std::string(256, ']');
    const auto one_more = edit_json(R"({"a": 1})", parse_json_edit("a:=" + full).value());
    ASSERT_FALSE(one_more.has_value());
    EXPECT_EQ(one_more.error().code, ErrorCode::limit);
    EXPECT_EQ(edited(R"({"a": "x"})", "a=" + full), "{\"a\": \"" + full + "\"}");  // a text, not nested
}

/// A body around one value, with the path to it: every byte outside of the value is known beforehand.
struct Wrapped {
    std::string prefix;
    std::string suffix;
    std::vector<std::string> path;
};

rc::Gen<std::string> blanks() { return rc::gen::element<std::string>("", " ", "\n    ", "\t", "\r\n  "); }

void wrap_in_object(Wrapped& inner) {
    const auto name = *rc::gen::element<std::string>("data", "a.b", "c/d", "m~n", "\u00e9", "q\"x", "");
    const auto before =
        *rc::gen::element<std::string>("", "\"k\": [1, {\"data\": \"}\"}],", "\"data\":\"\\\"\", ");
    const auto after = *rc::gen::element<std::string>("", ", \"later\": {\"data\": 1}", ",\"z\":[]");
    const std::string colon = *blanks() + ":" + *blanks();
    inner.prefix = join({"{", *blanks(), before, encoding::quote_json(name), colon, inner.prefix}, "");
    inner.suffix += *blanks() + after + "}";
    inner.path.insert(inner.path.begin(), name);
}

void wrap_in_array(Wrapped& inner) {
    const auto before = *rc::gen::inRange(0, 3);
    std::string items;
    for (int i = 0; i < before; ++i)
        items += *rc::gen::element<std::string>("1,", "[\"]\"] , ", "{\"a\": 1},\n");
    inner.prefix = "[" + items + *blanks() + inner.prefix;
    inner.suffix += *rc::gen::element<std::string>("]", " ]", ", null]");
    inner.path.insert(inner.path.begin(), std::to_string(before));
}

Wrapped wrapped() {
    Wrapped result;
    const auto levels = *rc::gen::inRange(1, 6);
    for (int i = 0; i < levels; ++i)
        *rc::gen::arbitrary<bool>() ? wrap_in_object(result) : wrap_in_array(result);
    result.prefix = *blanks() + result.prefix;
    result.suffix += *blanks();
    return result;
}

TEST(EditJson, LeavesEveryOtherByteAsItIs) {
    const bool held = rc::check("prefix and suffix stay, and the value is there", [] {
        const auto around = wrapped();
        const auto value =
            rc::gen::element<std::string>("null", "1.0", "\"x\\\"\"", "[1, [2]]", "{\"a\": {}}");
        const std::string old_value = *value;
        JsonEdit edit{around.path, JsonEdit::As::json, *value, ""};
        const auto result = edit_json(around.prefix + old_value + around.suffix, edit);
        RC_ASSERT(result.has_value());
        RC_ASSERT(*result == around.prefix + edit.value + around.suffix);

        auto want = Json::parse(around.prefix + old_value + around.suffix);
        auto* place = &want;
        for (const auto& step : around.path)
            place = place->is_array() ? &(*place)[std::stoul(step)] : &(*place)[step];
        *place = Json::parse(edit.value);
        RC_ASSERT(Json::parse(*result) == want);
    });
    ASSERT_TRUE(held);
}

TEST(EditJson, PutsAnyTextIntoAText) {
    const bool held = rc::check("a text comes back as it was given", [] {
        const auto around = wrapped();
        const auto text = *rc::gen::container<std::string>(rc::gen::inRange('\0', '\x7F'));
        const auto result =
            edit_json(around.prefix + "\"\"" + around.suffix, {around.path, JsonEdit::As::text, text, ""});
        RC_ASSERT(result.has_value());
        auto found = Json::parse(*result);
        for (const auto& step : around.path) {
            auto inner = found.is_array() ? found[std::stoul(step)] : found[step];
            found = std::move(inner);
        }
        RC_ASSERT(found.get<std::string>() == text);
    });
    ASSERT_TRUE(held);
}

TEST(JsonTokens, FindTheFaultsThatAParserFinds) {
    struct Row {
        const char* text;
        std::size_t fault;
    };
    for (const auto& row : {Row{"", 0}, Row{"  ", 2}, Row{"{", 1}, Row{"{\"a\"", 4}, Row{"{\"a\" 1}", 5},
                            Row{"{\"a\": }", 6}, Row{"{\"a\": 1,}", 8}, Row{"[1,]", 3}, Row{"[1 2]", 3},
                            Row{"[1}", 2}, Row{"{]", 1}, Row{"1 1", 2}, Row{"\"a", 2}, Row{"\"a\n\"", 2},
                            Row{"{\"a\": \"\\", 8}, Row{"nul", 0}, Row{"{1: 2}", 1}, Row{"{a: 2}", 1}}) {
        SCOPED_TRACE(row.text);
        JsonTokens tokens(row.text);
        while (tokens.next()) continue;
        EXPECT_EQ(tokens.fault(), row.fault);
        EXPECT_FALSE(Json::accept(row.text));
    }
}

TEST(JsonTokens, StepThroughAText) {
    const std::string_view text = R"( {"a": [1, "\"x"], "b": {}, "c": true} )";
    JsonTokens tokens(text);
    std::vector<std::string> raw;
    while (const auto token = tokens.next()) raw.emplace_back(tokens.raw(*token));
    EXPECT_EQ(raw, (std::vector<std::string>{"{", "\"a\"", "[", "1", R"("\"x")", "]", "\"b\"", "{", "}",
                                             "\"c\"", "true", "}"}));
    EXPECT_EQ(tokens.fault(), std::nullopt);
}

TEST(JsonTokens, SurviveDeepNesting) {
    const std::string text = std::string(1'000'000, '[') + std::string(1'000'000, ']');
    JsonTokens tokens(text);
    std::size_t count = 0;
    while (tokens.next()) ++count;
    EXPECT_EQ(count, 2'000'000U);
    EXPECT_EQ(tokens.fault(), std::nullopt);
}

TEST(AddsMember, TellsAnAdditionFromAReplacement) {
    struct Row {
        const char* argument;
        bool adds;
    };
    for (const auto& row :
         {Row{"data.call_id=x", false}, Row{"data.cal_id=x", true}, Row{"/data/list/0=x", false},
          Row{"/data/list/-=x", true}, Row{"new=x", true}, Row{"data.call_id.deeper=x", false}}) {
        SCOPED_TRACE(row.argument);
        const auto edit = parse_json_edit(row.argument);
        ASSERT_TRUE(edit.has_value());
        EXPECT_EQ(adds_member(R"( {"data": {"call_id": "rtc_1", "list": [1]}})", *edit), row.adds);
    }
    EXPECT_FALSE(adds_member("no JSON", *parse_json_edit("a=b")));
}

}  // namespace
}  // namespace callchain::webhook
