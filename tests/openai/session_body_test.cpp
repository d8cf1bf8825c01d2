#include "openai/session_body.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <rapidcheck.h>
#include <set>

namespace callchain::openai {
namespace {

using Json = nlohmann::ordered_json;

// "E path code" per remark, H for hints, in their order.
std::vector<std::string> remarks_on(Dialect dialect, std::string_view body) {
    std::vector<std::string> lines;
    for (const auto& remark : check_accept_body(dialect, body)) {
        constexpr std::string_view kPrefix = "call_accept_body_";
        EXPECT_TRUE(remark.code.starts_with(kPrefix)) << remark.code;
        EXPECT_TRUE(remark.detail.ends_with('.')) << remark.detail;
        EXPECT_EQ(visible(remark.detail), remark.detail);
        EXPECT_EQ(visible(remark.path), remark.path);
        lines.push_back(std::string(remark.severity == BodySeverity::error ? "E " : "H ") + remark.path +
                        " " + std::string(remark.code.substr(kPrefix.size())));
    }
    return lines;
}
using Lines = std::vector<std::string>;

// A Realtime body with one more member, and a Live session with one.
std::string realtime_with(std::string_view member) {
    return R"({"type":"realtime","model":"gpt-realtime",)" + std::string(member) + "}";
}
std::string live_with(std::string_view member) {
    return R"({"session":{"type":"live","model":"gpt-live-1",)" + std::string(member) + "}}";
}

std::string without_errors(Dialect dialect, std::string_view body) {
    for (const auto& remark : check_accept_body(dialect, body)) {
        if (remark.severity == BodySeverity::error) return remark.path + ": " + remark.detail;
    }
    return "";
}

TEST(WriteAcceptBody, WritesTheMembersOfTheReference) {
    EXPECT_EQ(write_accept_body({}), R"({"type":"realtime","model":"gpt-realtime"})");
    EXPECT_EQ(write_accept_body({Dialect::realtime, "gpt-realtime-2", "Fale português.", "marin", false}),
              R"({"type":"realtime","model":"gpt-realtime-2","instructions":"Fale português.",)"
              R"("audio":{"output":{"voice":"marin"}}})");
    EXPECT_EQ(
        write_accept_body({Dialect::live, "", "", "voice_1234", true}),
        R"({"session":{"type":"live","model":"gpt-live-1","audio":{"output":{"voice":{"id":"voice_1234"}}}}})");
}

TEST(WriteAcceptBody, AddsTheToolThatEndsACall) {
    SessionSettings settings;
    settings.end_call_tool = true;
    const auto tools = Json::parse(write_accept_body(settings)).at("tools");
    ASSERT_EQ(tools.size(), 1U);
    EXPECT_EQ(tools[0].at("type"), "function");
    EXPECT_EQ(tools[0].at("name"), "end_call");
    EXPECT_EQ(tools[0].at("parameters").at("type"), "object");
    EXPECT_TRUE(tools[0].at("parameters").at("properties").empty());
}

TEST(WriteAcceptBody, EscapesWhatPeopleWrite) {
    SessionSettings settings;
    settings.instructions = "Diga \"olá\"\r\n\\ \x01 \xff fim";
    const auto body = Json::parse(write_accept_body(settings));
    EXPECT_EQ(body.at("instructions"), "Diga \"olá\"\r\n\\ \x01 \xEF\xBF\xBD fim");
    settings.model = R"(x","voice":"alloy)";
    EXPECT_EQ(Json::parse(write_accept_body(settings)).at("model"), settings.model);
}

TEST(WriteAcceptBody, WritesNothingThatTheCheckFindsWrong) {
    EXPECT_TRUE(rc::check([] {
        SessionSettings settings;
        settings.dialect = *rc::gen::element(Dialect::realtime, Dialect::live);
        settings.model = *rc::gen::oneOf(rc::gen::element(std::string(), std::string("gpt-realtime")),
                                         rc::gen::arbitrary<std::string>());
        settings.instructions = *rc::gen::arbitrary<std::string>();
        settings.voice = *rc::gen::oneOf(rc::gen::element(std::string("marin"), std::string("voice_1")),
                                         rc::gen::arbitrary<std::string>());
        settings.end_call_tool = *rc::gen::arbitrary<bool>();
        RC_ASSERT(without_errors(settings.dialect, write_accept_body(settings)) == "");
    }));
}

TEST(WriteRejectBody, NamesASipStatus) {
    EXPECT_EQ(write_reject_body(Dialect::realtime, 0).value_or("refused"), "{}");
    for (const auto dialect : {Dialect::realtime, Dialect::live}) {
        for (const int status : {300, 486, 603, 699})
            EXPECT_EQ(write_reject_body(dialect, status).value_or("refused"),
                      "{\"status_code\":" + std::to_string(status) + "}");
        for (const int status : {-1, 1, 200, 299, 700, 100'000}) {
            const auto body = write_reject_body(dialect, status);
            ASSERT_FALSE(body.has_value()) << *body;
            EXPECT_EQ(body.error().code, ErrorCode::usage);
        }
    }
    const auto without = write_reject_body(Dialect::live, 0);
    ASSERT_FALSE(without.has_value());
    EXPECT_EQ(without.error().code, ErrorCode::usage);
}

TEST(WriteReferBody, TakesNumbersAndSipAddresses) {
    for (const std::string target :
         {"tel:+5561999998888", "tel:+1234567", "tel:+123456789012345", "TEL:+5561999998888",
          "sip:alice@example.com", "sips:alice@example.com:5061;transport=tls?X-Ref=1", "sip:example.com",
          "sip:+5561999998888@192.0.2.1:5060", "sip:a@[2001:db8::1]:5060", "sip:a:b@h", "SIP:a@h"}) {
        SCOPED_TRACE(target);
        EXPECT_EQ(write_refer_body(target).value_or("refused"), R"({"target_uri":")" + target + "\"}");
    }
    EXPECT_EQ(Json::parse(write_refer_body(R"(sip:"x\y"@h)").value_or("{}")).at("target_uri"),
              R"(sip:"x\y"@h)");
}

TEST(WriteReferBody, RefusesWhatIsNeither) {
    for (const std::string target : {"",
                                     "sip:",
                                     "sip:@",
                                     "sip:a@",
                                     "sip:@h",
                                     "sip:a@:5060",
                                     "sip:a@h:",
                                     "sip:a@h:0",
                                     "sip:a@h:70000",
                                     "sip:a@h_x",
                                     "sip:a@[::1",
                                     "sip:a@[]",
                                     "sip:a@[::1]x",
                                     "sip:;transport=tls",
                                     "tel:",
                                     "tel:+",
                                     "tel:+123456",
                                     "tel:+1234567890123456",
                                     "tel:5561999998888",
                                     "tel:+0123456789",
                                     "tel:+55-61-99999",
                                     "tel:+5561999998888;x=1",
                                     "+5561999998888",
                                     "mailto:a@h",
                                     "https://example.com",
                                     "sip",
                                     "sip:a b@h",
                                     "sip:a@h ",
                                     "sip:a@h\r\nX: y",
                                     "sip:ä@h",
                                     "whatsapp:+5561999998888"}) {
        SCOPED_TRACE(target);
        const auto body = write_refer_body(target);
        ASSERT_FALSE(body.has_value()) << *body;
        EXPECT_EQ(body.error().code, ErrorCode::usage);
        EXPECT_EQ(visible(body.error().message), body.error().message);
    }
}

TEST(KnownVoices, AreThoseOfTheReferenceInOrder) {
    // openai-python, types/realtime/realtime_audio_config_output_param.py.
    const std::vector<std::string_view> realtime{"alloy", "ash",   "ballad", "cedar",   "coral",
                                                 "echo",  "marin", "sage",   "shimmer", "verse"};
    EXPECT_EQ(known_voices(), realtime);
    const auto& live = known_voices(Dialect::live);
    EXPECT_EQ(live.size(), 32U);
    EXPECT_TRUE(std::is_sorted(live.begin(), live.end()));
    EXPECT_TRUE(std::includes(live.begin(), live.end(), realtime.begin(), realtime.end()));
}

TEST(CheckAcceptBody, HasNothingToSayAboutGoodBodies) {
    for (
        const std::string_view body : {
            R"({"type":"realtime"})",
            R"({"type":"realtime","model":"gpt-realtime","instructions":"You are a support agent."})",
            R"({"type":"realtime","model":"gpt-realtime-2025-08-28","output_modalities":["audio"],
                 "audio":{"input":{"noise_reduction":{"type":"near_field"},
                                   "transcription":{"model":"gpt-4o-transcribe","language":"pt","prompt":"x"},
                                   "turn_detection":{"type":"server_vad","threshold":0.5,"prefix_padding_ms":300,
                                                     "silence_duration_ms":500,"idle_timeout_ms":6000,
                                                     "create_response":true,"interrupt_response":false}},
                          "output":{"voice":"cedar","speed":1.0}},
                 "max_output_tokens":"inf","tool_choice":"auto","parallel_tool_calls":true,
                 "reasoning":{"effort":"low"},"tracing":"auto","truncation":"auto",
                 "prompt":{"id":"pmpt_1","version":"2","variables":{"name":"Ana"}},
                 "include":["item.input_audio_transcription.logprobs"]})",
            R"({"type":"realtime","model":"gpt-realtime-2.1-mini","max_output_tokens":4096,"tracing":null,
                 "prompt":null,"audio":{"input":{"turn_detection":null,"noise_reduction":null,
                 "transcription":null},"output":{"voice":{"id":"voice_1234"},"speed":0.25}}})",
            R"({"type":"realtime","audio":{"input":{"turn_detection":{"type":"semantic_vad","eagerness":"low",
                 "create_response":true,"interrupt_response":true}},"output":{"speed":1.5}},
                 "truncation":{"type":"retention_ratio","retention_ratio":0.8,
                 "token_limits":{"post_instructions":5000}},
                 "tracing":{"workflow_name":"w","group_id":"g","metadata":{"a":1}},
                 "tool_choice":{"type":"function","name":"end_call"},"max_output_tokens":1,
                 "tools":[{"type":"function","name":"end_call","description":"d","parameters":{"type":"object"}},
                          {"type":"mcp","server_label":"crm","server_url":"https://mcp.example.com",
                           "require_approval":"never","allowed_tools":["a"],"headers":{"X":"y"}},
                          {"type":"mcp","server_label":"mail","connector_id":"connector_gmail"}]})",
        }) {
        SCOPED_TRACE(body);
        EXPECT_EQ(remarks_on(Dialect::realtime, body), Lines{});
    }
    for (
        const std::string_view body : {
            R"({"session":{"type":"live","model":"gpt-live-1"}})",
            R"({"session":{"type":"live","model":"gpt-live-1","instructions":null,"store":false,"delegation":null,
                 "audio":{"output":{"voice":"willow"}},"input":[]}})",
            R"({"session":{"type":"live","model":"gpt-live-1","delegation":{"type":"client"},
                 "input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"Oi"}]},
                          {"role":"assistant","content":[{"type":"output_text","text":"Oi"}],"id":"m1"}]}})",
            R"({"session":{"type":"live","model":"gpt-live-1","delegation":{"type":"responses","responses":
                 {"model":"gpt-5","instructions":"x","tools":[{"type":"web_search"}],"tool_choice":"auto"}}}})",
        }) {
        SCOPED_TRACE(body);
        EXPECT_EQ(remarks_on(Dialect::live, body), Lines{});
    }
}

TEST(CheckAcceptBody, SaysOneThingAboutWhatIsNoBody) {
    const auto deep = [](std::size_t levels) {
        return R"({"type":"realtime","x":)" + std::string(levels, '[') + std::string(levels, ']') + "}";
    };
    struct Row {
        const char* name;
        std::string body;
        std::string want;
    };
    for (const auto dialect : {Dialect::realtime, Dialect::live}) {
        for (const auto& row :
             {Row{"empty", "", "E  not_json"}, Row{"text", "type=realtime", "E  not_json"},
              Row{"cut", R"({"type":"realtime")", "E  not_json"},
              Row{"single quotes", "{'type':'realtime'}", "E  not_json"},
              Row{"comma at the end", R"({"type":"realtime",})", "E  not_json"},
              Row{"byte order mark", "\xEF\xBB\xBF{}", "E  not_json"}, Row{"array", "[]", "E  not_json"},
              Row{"null", "null", "E  not_json"}, Row{"not UTF-8", "{\"a\":\"\xff\"}", "E  not_json"},
              Row{"deep", deep(1000), "E  too_large"}, Row{"very deep", deep(400'000), "E  too_large"},
              Row{"large", R"({"type":")" + std::string(1U << 20U, 'x') + "\"}", "E  too_large"}}) {
            SCOPED_TRACE(row.name);
            EXPECT_EQ(remarks_on(dialect, row.body), Lines{row.want});
        }
    }
    const auto cut = check_accept_body(Dialect::realtime, R"({"type" "realtime"})");
    ASSERT_EQ(cut.size(), 1U);
    EXPECT_NE(cut[0].detail.find("at byte 8"), std::string::npos) << cut[0].detail;
}

struct Case {
    const char* name;
    std::string body;
    Lines want;
};

void expect_all(Dialect dialect, const std::vector<Case>& cases) {
    for (const auto& row : cases) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(remarks_on(dialect, row.body), row.want);
    }
}

TEST(CheckAcceptBody, KnowsTheDeadForms) {
    // The body of a report of 2025-10-17: accepted with 200, silent, dropped after four seconds.
    const std::string beta =
        R"({"model":"gpt-4o-realtime-preview-2024-12-17","modalities":["text","audio"],"voice":"alloy",)"
        R"("input_audio_format":"g711_ulaw","output_audio_format":"g711_ulaw",)"
        R"("input_audio_transcription":{"model":"whisper-1"},"turn_detection":{"type":"server_vad"},)"
        R"("temperature":0.8,"max_response_output_tokens":4096})";
    expect_all(
        Dialect::realtime,
        {{"the beta form",
          beta,
          {"E type type_missing", "H model model_preview", "E modalities beta_member", "E voice beta_member",
           "E input_audio_format beta_member", "E output_audio_format beta_member",
           "E input_audio_transcription beta_member", "E turn_detection beta_member",
           "H temperature beta_member", "E max_response_output_tokens beta_member"}},
         {"empty", "{}", {"E type type_missing"}},
         {"type null", R"({"type":null})", {"E type value_type"}},
         {"type of another API", R"({"type":"live"})", {"E type type_wrong"}},
         {"transcription", R"({"type":"transcription"})", {"E type type_wrong"}},
         {"capitals", R"({"type":"Realtime"})", {"E type type_wrong"}},
         {"Live's wrapper",
          R"({"session":{"type":"realtime","model":"gpt-realtime"}})",
          {"E session wrapper_wrong"}},
         {"a wrapper beside the type", R"({"type":"realtime","session":{}})", {"H session unknown_member"}},
         {"format of input",
          realtime_with(R"("audio":{"input":{"format":{"type":"audio/pcmu"}}})"),
          {"E audio.input.format audio_format"}},
         {"format of output",
          realtime_with(R"("audio":{"output":{"format":"g711_ulaw","voice":"ash"}})"),
          {"E audio.output.format audio_format"}},
         {"both modalities",
          realtime_with(R"("output_modalities":["audio","text"])"),
          {"E output_modalities modalities"}},
         {"no modality", realtime_with(R"("output_modalities":[])"), {"E output_modalities modalities"}},
         {"another modality",
          realtime_with(R"("output_modalities":["video"])"),
          {"E output_modalities modalities"}},
         {"a bare modality",
          realtime_with(R"("output_modalities":"audio")"),
          {"E output_modalities value_type"}},
         {"text only", realtime_with(R"("output_modalities":["text"])"), {"H output_modalities text_only"}}});
}

TEST(CheckAcceptBody, HoldsValuesAgainstTheirRanges) {
    const auto speed = [](std::string_view value) {
        return realtime_with(R"("audio":{"output":{"speed":)" + std::string(value) + "}}");
    };
    const auto tokens = [](std::string_view value) {
        return realtime_with(R"("max_output_tokens":)" + std::string(value));
    };
    const auto vad = [](std::string_view members) {
        return realtime_with(R"("audio":{"input":{"turn_detection":{"type":"server_vad",)" +
                             std::string(members) + "}}}");
    };
    const auto ratio = [](std::string_view value) {
        return realtime_with(R"("truncation":{"type":"retention_ratio","retention_ratio":)" +
                             std::string(value) + "}");
    };
    const std::string vad_path = "E audio.input.turn_detection.";
    expect_all(
        Dialect::realtime,
        {{"speed below", speed("0.24"), {"E audio.output.speed value_range"}},
         {"speed least", speed("0.25"), {}},
         {"speed most", speed("1.5"), {}},
         {"speed most, written otherwise", speed("15e-1"), {}},
         {"speed above", speed("1.51"), {"E audio.output.speed value_range"}},
         {"speed without bounds", speed("1e999"), {"E audio.output.speed value_range"}},
         {"speed as text", speed("\"1.0\""), {"E audio.output.speed value_type"}},
         {"no tokens", tokens("0"), {"E max_output_tokens value_range"}},
         {"one token", tokens("1"), {}},
         {"most tokens", tokens("4096"), {}},
         {"too many tokens", tokens("4097"), {"E max_output_tokens value_range"}},
         {"very many tokens", tokens("99999999999999999999"), {"E max_output_tokens value_range"}},
         {"negative tokens", tokens("-1"), {"E max_output_tokens value_range"}},
         {"half a token", tokens("0.5"), {"E max_output_tokens value_type"}},
         {"tokens with a point", tokens("100.0"), {"E max_output_tokens value_type"}},
         {"inf", tokens("\"inf\""), {}},
         {"infinity", tokens("\"infinity\""), {"E max_output_tokens value_unknown"}},
         {"tokens null", tokens("null"), {"E max_output_tokens value_type"}},
         {"threshold below", vad(R"("threshold":-0.1)"), {vad_path + "threshold value_range"}},
         {"threshold at both ends", vad(R"("threshold":0)"), {}},
         {"threshold one", vad(R"("threshold":1)"), {}},
         {"threshold above", vad(R"("threshold":1.01)"), {vad_path + "threshold value_range"}},
         {"padding", vad(R"("prefix_padding_ms":-1)"), {vad_path + "prefix_padding_ms value_range"}},
         {"silence", vad(R"("silence_duration_ms":0.5)"), {vad_path + "silence_duration_ms value_type"}},
         {"idle null", vad(R"("idle_timeout_ms":null)"), {}},
         {"idle text", vad(R"("idle_timeout_ms":"5000")"), {vad_path + "idle_timeout_ms value_type"}},
         {"ratio above", ratio("1.1"), {"E truncation.retention_ratio value_range"}},
         {"ratio below", ratio("-0.1"), {"E truncation.retention_ratio value_range"}},
         {"ratio one", ratio("1.0"), {}}});
}

TEST(CheckAcceptBody, KnowsTheWordsAndShapesOfMembers) {
    const auto input = [](std::string_view member) {
        return realtime_with(R"("audio":{"input":{)" + std::string(member) + "}}");
    };
    const std::string vad_path = "audio.input.turn_detection";
    expect_all(
        Dialect::realtime,
        {{"turn detection without type",
          input(R"("turn_detection":{"threshold":0.5})"),
          {"E " + vad_path + ".type member_missing"}},
         {"turn detection off by a word",
          input(R"("turn_detection":{"type":"none"})"),
          {"E " + vad_path + ".type value_unknown"}},
         {"turn detection as a word",
          input(R"("turn_detection":"server_vad")"),
          {"E " + vad_path + " value_type"}},
         {"eagerness",
          input(R"("turn_detection":{"type":"semantic_vad","eagerness":"very"})"),
          {"E " + vad_path + ".eagerness value_unknown"}},
         {"a member of the other kind",
          input(R"("turn_detection":{"type":"semantic_vad","threshold":0.5})"),
          {"H " + vad_path + ".threshold unknown_member"}},
         {"noise reduction",
          input(R"("noise_reduction":{"type":"far"})"),
          {"E audio.input.noise_reduction.type value_unknown"}},
         {"noise reduction as a word",
          input(R"("noise_reduction":"far_field")"),
          {"E audio.input.noise_reduction value_type"}},
         {"transcription",
          input(R"("transcription":{"model":3,"delay":"low"})"),
          {"E audio.input.transcription.model value_type",
           "H audio.input.transcription.delay unknown_member"}},
         {"truncation", realtime_with(R"("truncation":"off")"), {"E truncation value_unknown"}},
         {"truncation without ratio",
          realtime_with(R"("truncation":{"type":"retention_ratio"})"),
          {"E truncation.retention_ratio member_missing"}},
         {"truncation of another type",
          realtime_with(R"("truncation":{"type":"auto","retention_ratio":1})"),
          {"E truncation.type value_unknown"}},
         {"tracing", realtime_with(R"("tracing":"on")"), {"E tracing value_unknown"}},
         {"tracing true", realtime_with(R"("tracing":true)"), {"E tracing value_type"}},
         {"tracing group", realtime_with(R"("tracing":{"group_id":1})"), {"E tracing.group_id value_type"}},
         {"tools as an object", realtime_with(R"("tools":{})"), {"E tools value_type"}},
         {"tool as a name", realtime_with(R"("tools":["end_call"])"), {"E tools[0] value_type"}},
         {"tool of another API",
          realtime_with(R"("tools":[{"type":"web_search"}])"),
          {"E tools[0].type value_unknown"}},
         {"tool of Chat Completions",
          realtime_with(R"("tools":[{"type":"function","function":{"name":"x"}}])"),
          {"E tools[0].name member_missing", "H tools[0].function unknown_member"}},
         {"tool without type",
          realtime_with(R"("tools":[{"name":"x"}])"),
          {"H tools[0].type member_missing"}},
         {"parameters as text",
          realtime_with(R"("tools":[{"type":"function","name":"","parameters":"{}"}])"),
          {"E tools[0].name value_range", "E tools[0].parameters value_type"}},
         {"mcp",
          realtime_with(R"("tools":[{"type":"function","name":"a"},{"type":"mcp"}])"),
          {"E tools[1].server_label member_missing", "E tools[1].server_url member_missing"}},
         {"tool choice", realtime_with(R"("tool_choice":"any")"), {"E tool_choice value_unknown"}},
         {"tool choice without type",
          realtime_with(R"("tool_choice":{"name":"x"})"),
          {"E tool_choice.type member_missing"}},
         {"effort", realtime_with(R"("reasoning":{"effort":"none"})"), {"H reasoning.effort value_unknown"}},
         {"prompt",
          realtime_with(R"("prompt":{"version":2})"),
          {"E prompt.id member_missing", "E prompt.version value_type"}},
         {"prompt as text", realtime_with(R"("prompt":"pmpt_1")"), {"E prompt value_type"}},
         {"include",
          realtime_with(R"("include":["x",1])"),
          {"H include[0] value_unknown", "E include[1] value_type"}},
         {"parallel", realtime_with(R"("parallel_tool_calls":"true")"), {"E parallel_tool_calls value_type"}},
         {"audio", realtime_with(R"("audio":[])"), {"E audio value_type"}},
         {"instructions", realtime_with(R"("instructions":["x"])"), {"E instructions value_type"}},
         {"instructions null", realtime_with(R"("instructions":null)"), {"E instructions value_type"}}});
}

TEST(CheckAcceptBody, HintsAtWhatItDoesNotKnow) {
    const auto voice = [](std::string_view value) {
        return realtime_with(R"("audio":{"output":{"voice":)" + std::string(value) + "}}");
    };
    const std::string voice_path = "audio.output.voice";
    expect_all(
        Dialect::realtime,
        {{"voice", voice(R"("nova")"), {"H " + voice_path + " voice_unknown"}},
         {"voice in capitals", voice(R"("Marin")"), {"H " + voice_path + " voice_unknown"}},
         {"voice of Live", voice(R"("willow")"), {"H " + voice_path + " voice_unknown"}},
         {"custom voice as text", voice(R"("voice_1234")"), {"H " + voice_path + " voice_unknown"}},
         {"voice empty", voice(R"("")"), {"E " + voice_path + " value_range"}},
         {"voice null", voice("null"), {"E " + voice_path + " value_type"}},
         {"voice number", voice("1"), {"E " + voice_path + " value_type"}},
         {"voice array", voice(R"(["marin"])"), {"E " + voice_path + " value_type"}},
         {"voice without id",
          voice(R"({"name":"marin"})"),
          {"E " + voice_path + ".id member_missing", "H " + voice_path + ".name unknown_member"}},
         {"model", R"({"type":"realtime","model":"gpt-4o"})", {"H model model_unknown"}},
         {"model of Live", R"({"type":"realtime","model":"gpt-live-1"})", {"H model model_unknown"}},
         {"dated", R"({"type":"realtime","model":"gpt-realtime-mini-2025-10-06"})", {}},
         {"half a date", R"({"type":"realtime","model":"gpt-realtime-2025-08"})", {"H model model_unknown"}},
         {"preview",
          R"({"type":"realtime","model":"gpt-4o-mini-realtime-preview"})",
          {"H model model_preview"}},
         {"model empty", R"({"type":"realtime","model":""})", {"E model value_range"}},
         {"model null", R"({"type":"realtime","model":null})", {"E model value_type"}},
         {"instructions empty",
          realtime_with(R"("instructions":" \n")"),
          {"H instructions instructions_empty"}},
         {"instructions long", realtime_with(R"("instructions":")" + std::string(49'152, 'x') + "\""), {}},
         {"instructions longer",
          realtime_with(R"("instructions":")" + std::string(49'153, 'x') + "\""),
          {"H instructions instructions_large"}},
         {"unknown",
          realtime_with(R"("instruction":"x","audio":{"voice":"marin","output":{"volume":1}})"),
          {"H instruction unknown_member", "H audio.voice unknown_member",
           "H audio.output.volume unknown_member"}},
         {"repeated", R"({"type":"realtime","type":"realtime"})", {"H type member_repeated"}},
         {"repeated and wrong",
          R"({"type":"realtime","type":"live"})",
          {"H type member_repeated", "E type type_wrong"}}});
}

TEST(CheckAcceptBody, KnowsTheRulesOfLive) {
    const std::string message = R"({"role":"user","content":[{"text":"x"}]})";
    const auto messages = [&](std::size_t count) {
        std::string all;
        for (std::size_t i = 0; i < count; ++i) all += (i == 0 ? "" : ",") + message;
        return live_with("\"input\":[" + all + "]");
    };
    expect_all(Dialect::live,
               {{"no wrapper", R"({"type":"live","model":"gpt-live-1"})", {"E session wrapper_wrong"}},
                {"empty", "{}", {"E session wrapper_wrong"}},
                {"wrapper of text", R"({"session":"live"})", {"E session value_type"}},
                {"empty session",
                 R"({"session":{}})",
                 {"E session.type type_missing", "E session.model member_missing"}},
                {"type of Realtime",
                 R"({"session":{"type":"realtime","model":"gpt-live-1"}})",
                 {"E session.type type_wrong"}},
                {"model of Realtime",
                 R"({"session":{"type":"live","model":"gpt-realtime"}})",
                 {"H session.model model_unknown"}},
                {"beside the session",
                 R"({"session":{"type":"live","model":"gpt-live-1"},"voice":"x"})",
                 {"H voice unknown_member"}},
                {"format",
                 live_with(R"("audio":{"format":{"type":"audio/pcm"},"output":{"format":1}})"),
                 {"E session.audio.format audio_format", "E session.audio.output.format audio_format"}},
                {"voice",
                 live_with(R"("audio":{"output":{"voice":"nova"}})"),
                 {"H session.audio.output.voice voice_unknown"}},
                {"most messages", messages(128), {}},
                {"too many messages", messages(129), {"E session.input value_range"}},
                {"role",
                 live_with(R"("input":[{"role":"system","content":[{"text":"x"}]}])"),
                 {"E session.input[0].role value_unknown"}},
                {"content as text",
                 live_with(R"("input":[{"role":"user","content":"x"}])"),
                 {"E session.input[0].content value_type"}},
                {"no part",
                 live_with(R"("input":[{"role":"user","content":[]}])"),
                 {"E session.input[0].content value_range"}},
                {"two parts",
                 live_with(R"("input":[{"role":"user","content":[{"text":"a"},{"text":"b"}]}])"),
                 {"E session.input[0].content value_range"}},
                {"audio part",
                 live_with(R"("input":[{"role":"user","content":[{"type":"input_audio"}]}])"),
                 {"E session.input[0].content[0].text member_missing",
                  "E session.input[0].content[0].type value_unknown"}},
                {"delegation",
                 live_with(R"("delegation":{"type":"server"})"),
                 {"E session.delegation.type value_unknown"}},
                {"delegation alone",
                 live_with(R"("delegation":{"type":"responses"})"),
                 {"E session.delegation.responses member_missing"}},
                {"delegation without model",
                 live_with(R"("delegation":{"type":"responses","responses":{}})"),
                 {"E session.delegation.responses.model member_missing"}},
                {"store", live_with(R"("store":"no")"), {"E session.store value_type"}},
                {"tools", live_with(R"("tools":[])"), {"H session.tools unknown_member"}}});
}

TEST(CheckAcceptBody, ShowsNoSecretAndNothingLong) {
    const std::string secret = "sk-proj-0123456789abcdefghij";
    for (const auto& body :
         {realtime_with(R"("truncation":")" + secret + "\""), realtime_with("\"" + secret + R"(":1)"),
          R"({"type":")" + secret + "\"}", realtime_with(R"("tracing":")" + std::string(5000, 'w') + "\""),
          realtime_with("\"" + std::string(5000, 'w') + R"(":1)"),
          realtime_with(R"("max_output_tokens":1)" + std::string(5000, '0'))}) {
        const auto remarks = check_accept_body(Dialect::realtime, body);
        ASSERT_EQ(remarks.size(), 1U);
        const auto shown = remarks[0].path + remarks[0].detail;
        EXPECT_EQ(shown.find(secret), std::string::npos) << shown;
        EXPECT_LE(shown.size(), 250U) << shown;
    }
}

TEST(CheckAcceptBody, FindsTheErrorBehindManyHints) {
    auto body = Json{{"type", "realtime"}};
    for (int i = 0; i < 5000; ++i) body[std::string("x").append(std::to_string(i))] = i;
    body["voice"] = "alloy";
    for (int i = 0; i < 100; ++i) body["tools"].push_back(i);
    const auto remarks = check_accept_body(Dialect::realtime, body.dump());
    EXPECT_EQ(remarks.size(), 64U);
    EXPECT_EQ(std::count_if(remarks.begin(), remarks.end(),
                            [](const auto& remark) { return remark.severity == BodySeverity::error; }),
              32);
}

TEST(CheckAcceptBody, NamesOnlyPublishedCodes) {
    std::ifstream file(TEST_DATA_DIR "/finding-codes.txt", std::ios::binary);
    std::set<std::string, std::less<>> published;
    for (std::string line; std::getline(file, line);) published.insert(line);
    ASSERT_FALSE(published.empty());
    for (const auto& body :
         {std::string("x"), std::string(1000, '['), std::string("{}"),
          std::string(R"({"type":"live","session":{}})"), std::string(R"({"session":{}})"),
          realtime_with(
              R"("voice":1,"instructions":"","output_modalities":["text"],"truncation":"x","tools":[{}],)"
              R"("audio":{"input":{"format":1},"output":{"voice":"x","speed":9}},"model":"x",)"
              R"("max_output_tokens":null,"output_modalities":[],"model":"a-preview")"),
          realtime_with(R"("instructions":")" + std::string(60'000, 'x') + "\"")}) {
        for (const auto& remark : check_accept_body(Dialect::realtime, body))
            EXPECT_TRUE(published.contains(remark.code)) << remark.code;
    }
}

}  // namespace
}  // namespace callchain::openai
