#include "openai/sideband.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <string>

namespace callchain::openai {
namespace {

using Json = nlohmann::json;

struct PhraseRow {
    const char* name;
    const char* configured;
    const char* phrase;
};

void check(std::initializer_list<PhraseRow> rows) {
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(unwrap_phrase(row.configured), row.phrase);
    }
}

TEST(UnwrapPhrase, KeepsAPlainPhrase) {
    check({
        {"plain", "Olá! Como posso ajudar?", "Olá! Como posso ajudar?"},
        {"blanks around it", "  \tHello \n", "Hello"},
        {"empty", "", ""},
        {"blanks alone", " \n", ""},
        {"quotes stay", "'Olá'", "'Olá'"},
        {"a colon stays", "Atenção: esta chamada é gravada", "Atenção: esta chamada é gravada"},
        {"another word that begins so", "Sayonara: 'x'", "Sayonara: 'x'"},
        {"and in Portuguese", "Digamos: 'x'", "Digamos: 'x'"},
        {"and with an accent", "Digaé: 'x'", "Digaé: 'x'"},
    });
}

TEST(UnwrapPhrase, TakesTheFirstQuotedPart) {
    check({
        {"of the seed", "Diga exatamente o seguinte: 'Olá, aqui é a central.'", "Olá, aqui é a central."},
        {"English", R"(Say: "Hello there")", "Hello there"},
        {"any case", "SAY \"Hello\"", "Hello"},
        {"right behind the word", "say'Hello'", "Hello"},
        {"typographic", "Diga: “Olá”", "Olá"},
        {"typographic, single", "Say: ‘Hello’", "Hello"},
        {"German", "Say: „Guten Tag“", "Guten Tag"},
        {"guillemets", "Diga «Bonjour»", "Bonjour"},
        {"text behind it", "Say 'Hello' in a warm voice", "Hello"},
        {"two parts", "Say 'Hello' and 'Bye'", "Hello"},
        {"a colon before it", "Say: exactly: 'Hello'", "Hello"},
        {"a colon in it", "Say 'Note: hello'", "Note: hello"},
        {"blanks in it", "Say ' Hello '", "Hello"},
        {"an empty pair before it", "Say '' or 'Hello'", "Hello"},
        {"other quotes in it", R"(Say: "Press 'one' now")", "Press 'one' now"},
    });
}

TEST(UnwrapPhrase, TakesAnApostropheForNoQuote) {
    check({
        {"within the quotes", "Say: 'It's a pleasure'", "It's a pleasure"},
        {"typographic within", "Say: ‘It’s a pleasure’", "It’s a pleasure"},
        {"without quotes", "Say: It's Ana's line", "It's Ana's line"},
        {"of Portuguese", "Diga: copo d'água, caixa d'água", "copo d'água, caixa d'água"},
        {"beside an accent", "Diga: 'à l'été'", "à l'été"},
        {"before the quotes", "Say what's next: 'Hello'", "Hello"},
        {"of a plural, before the quotes", "Say the dogs' names: 'Rex'", "Rex"},
    });
}

TEST(UnwrapPhrase, TakesWhatFollowsTheColonOrTheFirstWord) {
    check({
        {"behind the colon", "Diga exatamente: Olá", "Olá"},
        {"behind the first colon", "Say: note: hello", "note: hello"},
        {"a quote that never closes", "Say: \"Hello", "Hello"},
        {"a quote that never opened", "Say: Hello\"", "Hello"},
        {"behind the first word", "Say hello to the caller", "hello to the caller"},
        {"a time has no colon", "Say hello, we open at 10:30", "hello, we open at 10:30"},
        {"a time behind the colon", "Say: it is 10:30", "it is 10:30"},
        {"the word alone", "Diga", ""},
        {"nothing behind the colon", "Say:", ""},
        {"empty quotes", "Say: ''", ""},
    });
}

TEST(UnwrapPhrase, SurvivesBytesThatAreNoText) {
    EXPECT_EQ(unwrap_phrase("Say: '\xff\xfe'"), "\xff\xfe");
    EXPECT_EQ(unwrap_phrase("Say\xff"), "\xff");
    EXPECT_EQ(unwrap_phrase("\xc3"), "\xc3");
}

// Shape: OpenAI Realtime API reference, response.create.
TEST(SpeakMessage, AsksForThePhraseAndNothingElse) {
    const auto message = Json::parse(speak_message("Olá, \"Ana\"!\nTudo bem?"));
    EXPECT_EQ(message.at("type"), "response.create");
    EXPECT_FALSE(message.contains("event_id"));
    const auto& response = message.at("response");
    const auto instructions = response.at("instructions").get<std::string>();
    EXPECT_TRUE(instructions.ends_with("\n\nOlá, \"Ana\"!\nTudo bem?")) << instructions;
    EXPECT_NE(instructions.find("word for word"), std::string::npos);
    EXPECT_EQ(response.at("tool_choice"), "none");
    // A top-level voice is the dead beta form, and nothing else is ours to set.
    EXPECT_EQ(response.size(), 2U);
    EXPECT_EQ(message.size(), 2U);
}

TEST(SpeakMessage, CarriesAnEventId) {
    EXPECT_EQ(Json::parse(speak_message("x", Dialect::realtime, "ours")).at("event_id"), "ours");
    EXPECT_EQ(Json::parse(speak_message("x", Dialect::live, "ours")).at("event_id"), "ours");
}

// Shape: Live API reference, session.instructions.append; delegation_id is required there, null for the
// session.
TEST(SpeakMessage, AppendsInstructionsOnLive) {
    const auto message = Json::parse(speak_message("Olá", Dialect::live));
    EXPECT_EQ(message.at("type"), "session.instructions.append");
    EXPECT_TRUE(message.at("delegation_id").is_null());
    EXPECT_TRUE(message.at("content").get<std::string>().ends_with("\n\nOlá"));
    EXPECT_EQ(message.size(), 3U);
}

TEST(SpeakMessage, IsJsonWhateverThePhraseIs) {
    for (const std::string phrase : {"", "\xff", "\x01\x7f", "\\\"", "</script>"}) {
        EXPECT_FALSE(Json::parse(speak_message(phrase), nullptr, false).is_discarded());
        EXPECT_FALSE(Json::parse(function_result_message(phrase, phrase), nullptr, false).is_discarded());
    }
}

// Shape: OpenAI Realtime API reference, conversation.item.create with a function_call_output.
TEST(FunctionResultMessage, NamesTheCall) {
    EXPECT_EQ(Json::parse(function_result_message("call_1", R"({"a":"b"})")),
              Json::parse(R"({"type":"conversation.item.create","item":{"type":"function_call_output",)"
                          R"("call_id":"call_1","output":"{\"a\":\"b\"}"}})"));
}

}  // namespace
}  // namespace callchain::openai
