#include "openai/sideband.hpp"

#include <gtest/gtest.h>
#include <string>

namespace callchain::openai {
namespace {

// Members as in the OpenAI Realtime API reference, server events; values made up.
TEST(ReadServerEvent, ReadsTypeAndId) {
    const auto event = read_server_event(
        R"({"type":"session.created","event_id":"event_C9","session":{"type":"realtime","id":"sess_1"}})");
    EXPECT_EQ(event.type, "session.created");
    EXPECT_EQ(event.event_id, "event_C9");
    EXPECT_EQ(event.response_id, "");
    EXPECT_EQ(event.function_name, "");
}

TEST(ReadServerEvent, ReadsAnError) {
    // The text of a session's end after an hour, from field reports.
    const auto event = read_server_event(
        R"({"type":"error","event_id":"event_1","error":{"type":"invalid_request_error","code":"session_expired",)"
        R"("message":"Your session hit the maximum duration of 60 minutes.","param":null,"event_id":null}})");
    EXPECT_EQ(event.type, "error");
    EXPECT_EQ(event.event_id, "event_1");
    EXPECT_EQ(event.error_code, "session_expired");
    EXPECT_EQ(event.error_message, "Your session hit the maximum duration of 60 minutes.");
    EXPECT_EQ(event.error_about, "");
}

TEST(ReadServerEvent, TakesTheErrorsTypeWhereThereIsNoCode) {
    const auto event = read_server_event(
        R"({"type":"error","error":{"type":"server_error","code":null,"message":"Sorry"}})");
    EXPECT_EQ(event.error_code, "server_error");
}

TEST(ReadServerEvent, ReadsWhichMessageAnErrorIsAbout) {
    // Realtime calls it event_id, Live client_event_id.
    EXPECT_EQ(read_server_event(R"({"type":"error","event_id":"e","error":{"event_id":"ours"}})").error_about,
              "ours");
    EXPECT_EQ(read_server_event(R"({"type":"error","error":{"client_event_id":"ours"}})").error_about,
              "ours");
}

TEST(ReadServerEvent, MakesErrorsFitToBeShown) {
    const auto event = read_server_event(R"({"type":"error","error":{"code":"a\u001b[31mb","message":"key )"
                                         R"(sk-proj-abcdefghijklmnopqrstuvwx\n)" +
                                         std::string(1000, 'x') + R"("}})");
    EXPECT_EQ(event.error_code, "a\\x1b[31mb");
    EXPECT_EQ(event.error_message.find("abcdefghijkl"), std::string::npos);
    EXPECT_EQ(event.error_message.find('\n'), std::string::npos);
    EXPECT_LT(event.error_message.size(), 320U);
}

TEST(ReadServerEvent, FindsAFunctionCall) {
    struct Row {
        const char* name;
        const char* text;
        const char* function;
        const char* call_id;
    };
    for (
        const auto& row : {
            Row{"its arguments",
                R"({"type":"response.function_call_arguments.done","response_id":"resp_1","item_id":"item_1",)"
                R"("output_index":0,"call_id":"call_1","name":"end_call","arguments":"{}"})",
                "end_call", "call_1"},
            Row{"its item",
                R"({"type":"response.output_item.done","response_id":"resp_1","item":{"id":"item_1",)"
                R"("type":"function_call","status":"completed","name":"end_call","call_id":"call_2","arguments":""}})",
                "end_call", "call_2"},
            Row{"its response",
                R"({"type":"response.done","response":{"id":"resp_1","status":"completed","output":[)"
                R"({"type":"message","role":"assistant","content":[{"type":"output_audio","name":"x"}]},)"
                R"({"type":"function_call","name":"end_call","call_id":"call_3"}]}})",
                "end_call", "call_3"},
            Row{"end_call before others",
                R"({"type":"response.done","response":{"output":[)"
                R"({"type":"function_call","name":"look_up","call_id":"call_4"},)"
                R"({"type":"function_call","name":"end_call","call_id":"call_5"},)"
                R"({"type":"function_call","name":"end_call","call_id":"call_6"}]}})",
                "end_call", "call_5"},
            Row{"the first of others",
                R"({"type":"response.done","response":{"output":[)"
                R"({"type":"function_call","name":"look_up","call_id":"call_4"},)"
                R"({"type":"function_call","name":"transfer","call_id":"call_5"}]}})",
                "look_up", "call_4"},
            Row{"cut by the caller's speech",
                R"({"type":"response.output_item.done","item":{"type":"function_call","status":"incomplete",)"
                R"("name":"end_call","call_id":"call_2"}})",
                "", ""},
            Row{"only begun",
                R"({"type":"response.output_item.added","item":{"type":"function_call","name":"end_call",)"
                R"("call_id":"call_2"}})",
                "", ""},
            Row{"a message of that name",
                R"({"type":"response.output_item.done","item":{"type":"message","name":"end_call"}})", "",
                ""},
            Row{"deeper in the item",
                R"({"type":"response.output_item.done","item":{"type":"message","content":[)"
                R"({"type":"function_call","name":"end_call","call_id":"call_1"}]}})",
                "", ""},
        }) {
        SCOPED_TRACE(row.name);
        const auto event = read_server_event(row.text);
        EXPECT_EQ(event.function_name, row.function);
        EXPECT_EQ(event.function_call_id, row.call_id);
    }
}

TEST(ReadServerEvent, ReadsWhichResponseItIsOf) {
    const auto done = read_server_event(
        R"({"type":"response.done","response":{"id":"resp_1","status":"cancelled","status_details":{"id":"x"}}})");
    EXPECT_EQ(done.response_id, "resp_1");
    EXPECT_EQ(done.response_status, "cancelled");
    const auto stopped =
        read_server_event(R"({"type":"output_audio_buffer.stopped","event_id":"e","response_id":"resp_2"})");
    EXPECT_EQ(stopped.response_id, "resp_2");
    EXPECT_EQ(read_server_event(R"({"type":"response.created","response":{"status":"in_progress"}})")
                  .response_status,
              "");
}

TEST(ReadServerEvent, ReadsKeysAndTheEndOfALiveSession) {
    EXPECT_EQ(read_server_event(
                  R"({"type":"input_audio_buffer.dtmf_event_received","event":"9","received_at":1763605109})")
                  .dtmf,
              "9");
    EXPECT_EQ(read_server_event(R"({"type":"transport.dtmf.received","event_id":"e","event":"#"})").dtmf,
              "#");
    EXPECT_EQ(read_server_event(R"({"type":"transport.dtmf.received","event":5})").dtmf, "5");
    EXPECT_EQ(read_server_event(R"({"type":"session.updated","event":"9"})").dtmf, "");
    EXPECT_EQ(read_server_event(R"({"type":"session.closed","reason":"expired","usage":{"seconds":3600}})")
                  .close_reason,
              "expired");
}

TEST(ReadServerEvent, HasNoTypeForWhatIsNoEvent) {
    for (const std::string text :
         {"", " ", "null", "7", "\"type\"", "[]", R"([{"type":"error"}])", "{}", R"({"type":null})",
          R"({"type":7} x)", R"({"type":"error")", R"({"type":{"type":"error"}})", R"({"type":["error"]})",
          R"({"session":{"type":"realtime"}})", "{\"type\":\"\xff\"}", R"({"a":1e999999,"type":"error"})"}) {
        SCOPED_TRACE(text);
        EXPECT_EQ(read_server_event(text).type, "");
    }
}

TEST(ReadServerEvent, LeavesOutIdsThatAreTooLong) {
    const std::string fits(256, 'a');
    EXPECT_EQ(read_server_event(R"({"type":"x","event_id":")" + fits + R"("})").event_id, fits);
    EXPECT_EQ(read_server_event(R"({"type":"x","event_id":")" + fits + R"(a"})").event_id, "");
}

TEST(ReadServerEvent, SurvivesDeepNesting) {
    const auto nested = [](std::size_t depth) {
        return R"({"type":"x","a":)" + std::string(depth, '[') + std::string(depth, ']') + '}';
    };
    EXPECT_EQ(read_server_event(nested(255)).type, "x");
    EXPECT_EQ(read_server_event(nested(256)).type, "");
    EXPECT_EQ(read_server_event(nested(1'000'000)).type, "");
    EXPECT_EQ(read_server_event(R"({"type":"x","a":)" + std::string(1'000'000, '[')).type, "");
}

}  // namespace
}  // namespace callchain::openai
