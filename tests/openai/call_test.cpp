#include "openai/call.hpp"

#include "base/text.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace callchain::openai {
namespace {

using Json = nlohmann::ordered_json;
using std::chrono::seconds;
using std::chrono::sys_seconds;

// A call event of our own in the form of OpenAI's.
const std::string kRealtime =
    R"({"id": "evt_test_0001", "object": "event", "created_at": 1750287018, "type": "realtime.call.incoming", )"
    R"("data": {"call_id": "rtc_u1_test0001", "sip_headers": [{"name": "From", "value": )"
    R"("\"Jos\u00e9 & Co\" <sip:+15550100@sip.example.com>"}, {"name": "To", "value": )"
    R"("sip:proj_test@sip.api.openai.com;transport=tls"}, {"name": "X-Ratio", "value": "1.0/2"}]}})";

// An event of `type` with these data.
std::string event_of(std::string_view type, const std::string& data) {
    return R"({"id": "evt_1", "object": "event", "created_at": 1750287018, "type": ")" + std::string(type) +
           R"(", "data": )" + data + "}";
}

TEST(CheckCallId, TakesWhatOpenAiSends) {
    for (const std::string_view id : {"rtc_0123456789abcdef0123456789abcdef", "rtc_u0_x", "rtc_u7_9",
                                      "live_68ab", "x", "a.b", "...", "~!$&'()*+,;=:@-_.", "\"<>^`{|}[]"}) {
        SCOPED_TRACE(id);
        EXPECT_TRUE(check_call_id(id).has_value());
    }
    EXPECT_TRUE(check_call_id(std::string(256, 'a')).has_value());
}

TEST(CheckCallId, RefusesWhatCouldLeadToAnotherAddress) {
    struct Row {
        const char* name;
        std::string id;
        std::string_view part;  // of the message
    };
    for (const auto& row :
         {Row{"empty", "", "is empty"}, Row{"slash", "rtc_1/accept", "'/'"},
          Row{"backslash", "rtc_1\\x", "'\\'"}, Row{"percent", "rtc_1%2Fx", "'%'"},
          Row{"query", "rtc_1?x=1", "'?'"}, Row{"fragment", "rtc_1#x", "'#'"},
          Row{"dot", ".", "step in a path"}, Row{"two dots", "..", "step in a path"},
          Row{"blank", "rtc 1", "blank"}, Row{"line end", "rtc_1\r\nX: y", "blank"},
          Row{"NUL", std::string("rtc\0x", 5), "blank"}, Row{"DEL", "rtc\x7f", "blank"},
          Row{"not ASCII", "rtc_é", "not ASCII"}, Row{"long", std::string(257, 'a'), "257 bytes"},
          Row{"very long", std::string(1U << 20U, '/'), "1,048,576 bytes"}}) {
        SCOPED_TRACE(row.name);
        const auto got = check_call_id(row.id);
        ASSERT_FALSE(got.has_value());
        EXPECT_EQ(got.error().code, ErrorCode::bad_input);
        EXPECT_NE(got.error().message.find(row.part), std::string::npos) << got.error().message;
        EXPECT_LE(got.error().message.size(), 160U);
        EXPECT_EQ(visible(got.error().message), got.error().message);
    }
}

TEST(CallUrl, MakesTheAddressesOfTheReference) {
    struct Row {
        const char* name;
        std::string_view base;
        Dialect dialect;
        std::string_view id;
        CallAction action;
        std::string_view want;
    };
    using enum CallAction;
    constexpr auto kBase = kDefaultBaseUrl;
    for (const auto& row : {
             Row{"accept", kBase, Dialect::realtime, "rtc_u1_a", accept,
                 "https://api.openai.com/v1/realtime/calls/rtc_u1_a/accept"},
             Row{"reject", kBase, Dialect::realtime, "rtc_a", reject,
                 "https://api.openai.com/v1/realtime/calls/rtc_a/reject"},
             Row{"refer", kBase, Dialect::realtime, "rtc_a", refer,
                 "https://api.openai.com/v1/realtime/calls/rtc_a/refer"},
             Row{"hangup", kBase, Dialect::realtime, "rtc_a", hangup,
                 "https://api.openai.com/v1/realtime/calls/rtc_a/hangup"},
             Row{"live", kBase, Dialect::live, "live_a", accept,
                 "https://api.openai.com/v1/live/sessions/live_a/accept"},
             Row{"an id of the other API", kBase, Dialect::live, "rtc_a", hangup,
                 "https://api.openai.com/v1/live/sessions/rtc_a/hangup"},
             Row{"slash at the end", "https://api.openai.com/v1/", Dialect::realtime, "a", accept,
                 "https://api.openai.com/v1/realtime/calls/a/accept"},
             Row{"many slashes", "https://api.openai.com/v1///", Dialect::realtime, "a", accept,
                 "https://api.openai.com/v1/realtime/calls/a/accept"},
             Row{"no path", "http://127.0.0.1:8081", Dialect::realtime, "a", accept,
                 "http://127.0.0.1:8081/realtime/calls/a/accept"},
             Row{"IPv6", "http://[::1]:8081/v1", Dialect::live, "a", accept,
                 "http://[::1]:8081/v1/live/sessions/a/accept"},
             Row{"Azure", "https://r.openai.azure.com/openai/v1", Dialect::realtime, "a", accept,
                 "https://r.openai.azure.com/openai/v1/realtime/calls/a/accept"},
             Row{"scheme in capitals", "HTTPS://api.openai.com/v1", Dialect::realtime, "a", accept,
                 "https://api.openai.com/v1/realtime/calls/a/accept"},
             Row{"odd id", kBase, Dialect::realtime, "a+b&c=d;e:f@g\"h", accept,
                 "https://api.openai.com/v1/realtime/calls/a%2Bb%26c%3Dd%3Be%3Af%40g%22h/accept"},
         }) {
        SCOPED_TRACE(row.name);
        const auto got = call_url(row.base, row.dialect, row.id, row.action);
        ASSERT_TRUE(got.has_value()) << got.error().message;
        EXPECT_EQ(*got, row.want);
    }
}

TEST(CallUrl, RefusesABaseThatIsNone) {
    struct Row {
        const char* name;
        std::string base;
        std::string_view part;
    };
    for (const auto& row :
         {Row{"empty", "", "neither"}, Row{"no scheme", "api.openai.com/v1", "neither"},
          Row{"ws", "wss://api.openai.com/v1", "neither"}, Row{"file", "file:///etc/passwd", "neither"},
          Row{"no host", "https://", "no usable host"},
          Row{"no host but a path", "https:///v1", "no usable host"},
          Row{"port alone", "https://:443/v1", "no usable host"},
          Row{"port 0", "https://h:0", "no usable host"},
          Row{"large port", "https://h:65536", "no usable host"},
          Row{"port of letters", "https://h:x", "no usable host"},
          Row{"empty port", "https://h:/v1", "no usable host"},
          Row{"open bracket", "http://[::1/v1", "no usable host"},
          Row{"query", "https://api.openai.com/v1?x=1", "query"},
          Row{"fragment", "https://api.openai.com/v1#x", "fragment"},
          Row{"blank", "https://api.openai.com/v1 ", "blank"},
          Row{"line end", "https://api.openai.com\r\n", "blank"},
          Row{"backslash", "https://api.openai.com\\v1", "backslash"},
          Row{"password", "https://user:hunter2@api.openai.com/v1", "password"}}) {
        SCOPED_TRACE(row.name);
        for (const auto& got : {call_url(row.base, Dialect::realtime, "rtc_1", CallAction::accept),
                                sideband_url(row.base, Dialect::live, "live_1")}) {
            ASSERT_FALSE(got.has_value()) << *got;
            EXPECT_EQ(got.error().code, ErrorCode::usage);
            EXPECT_NE(got.error().message.find(row.part), std::string::npos) << got.error().message;
            EXPECT_EQ(got.error().message.find("hunter2"), std::string::npos);
            EXPECT_EQ(visible(got.error().message), got.error().message);
        }
    }
}

TEST(CallUrl, RefusesAnIdThatIsNone) {
    for (const std::string_view id : {"", "a/b", "..", "a%2e"}) {
        SCOPED_TRACE(id);
        const auto url = call_url(kDefaultBaseUrl, Dialect::realtime, id, CallAction::accept);
        ASSERT_FALSE(url.has_value());
        EXPECT_EQ(url.error().code, ErrorCode::bad_input);
        EXPECT_FALSE(sideband_url(kDefaultBaseUrl, Dialect::realtime, id).has_value());
    }
}

TEST(SidebandUrl, MakesTheAddressesOfTheReference) {
    const auto url = [](std::string_view base, Dialect dialect, std::string_view id) {
        return sideband_url(base, dialect, id).value_or("refused");
    };
    EXPECT_EQ(url(kDefaultBaseUrl, Dialect::realtime, "rtc_u1_a"),
              "wss://api.openai.com/v1/realtime?call_id=rtc_u1_a");
    EXPECT_EQ(url(kDefaultBaseUrl, Dialect::live, "live_a"),
              "wss://api.openai.com/v1/live/sessions/live_a/attach");
    EXPECT_EQ(url("http://127.0.0.1:9/v1/", Dialect::realtime, "a&model=x"),
              "ws://127.0.0.1:9/v1/realtime?call_id=a%26model%3Dx");
    EXPECT_EQ(url("http://[::1]:9", Dialect::live, "a:b"), "ws://[::1]:9/live/sessions/a%3Ab/attach");
}

TEST(ReadCallEvent, ReadsARealtimeCall) {
    const auto event = read_call_event(kRealtime);
    ASSERT_TRUE(event.has_value()) << event.error().message;
    EXPECT_EQ(event->kind, CallEvent::Kind::incoming_call);
    EXPECT_EQ(event->dialect, Dialect::realtime);
    EXPECT_EQ(event->type, "realtime.call.incoming");
    EXPECT_EQ(event->event_id, "evt_test_0001");
    EXPECT_EQ(event->created_at, sys_seconds{seconds{1750287018}});
    EXPECT_EQ(event->call_id, "rtc_u1_test0001");
    EXPECT_EQ(event->media_security, "");
    ASSERT_EQ(event->sip_headers.size(), 3U);
    EXPECT_EQ(event->sip_headers[0].value, "\"José & Co\" <sip:+15550100@sip.example.com>");
    EXPECT_EQ(event->header("x-ratio"), "1.0/2");
}

TEST(ReadCallEvent, RoutesByType) {
    struct Row {
        const char* name;
        std::string_view type;
        std::string data;
        Dialect dialect;
        std::string_view id;
    };
    for (const auto& row : {
             Row{"realtime", "realtime.call.incoming", R"({"call_id": "rtc_1"})", Dialect::realtime, "rtc_1"},
             Row{"live", "live.transport.incoming", R"({"type": "sip", "session_id": "live_1"})",
                 Dialect::live, "live_1"},
             Row{"deprecated, without data.type", "live.call.incoming", R"({"session_id": "live_1"})",
                 Dialect::live, "live_1"},
             Row{"the prefix is no matter", "live.transport.incoming",
                 R"({"type": "sip", "session_id": "rtc_1"})", Dialect::live, "rtc_1"},
             Row{"a live id on a realtime event", "realtime.call.incoming", R"({"call_id": "live_1"})",
                 Dialect::realtime, "live_1"},
             Row{"only the other name", "realtime.call.incoming", R"({"session_id": "rtc_1"})",
                 Dialect::realtime, "rtc_1"},
             Row{"only the other name, live", "live.call.incoming", R"({"call_id": "live_1"})", Dialect::live,
                 "live_1"},
             Row{"both, realtime", "realtime.call.incoming",
                 R"({"session_id": "live_2", "call_id": "rtc_2"})", Dialect::realtime, "rtc_2"},
             Row{"both, live", "live.call.incoming", R"({"call_id": "rtc_2", "session_id": "live_2"})",
                 Dialect::live, "live_2"},
             Row{"data.type of another kind does not matter to realtime", "realtime.call.incoming",
                 R"({"type": "webrtc", "call_id": "rtc_1"})", Dialect::realtime, "rtc_1"},
         }) {
        SCOPED_TRACE(row.name);
        const auto event = read_call_event(event_of(row.type, row.data));
        ASSERT_TRUE(event.has_value()) << event.error().message;
        EXPECT_EQ(event->kind, CallEvent::Kind::incoming_call);
        EXPECT_EQ(event->dialect, row.dialect);
        EXPECT_EQ(event->call_id, row.id);
    }
}

TEST(ReadCallEvent, IgnoresOtherTypes) {
    for (const std::string_view type : {"response.completed", "batch.failed", "realtime.call.ended",
                                        "live.transport.outgoing", "Realtime.Call.Incoming", "x", ""}) {
        SCOPED_TRACE(type);
        const auto event = read_call_event(event_of(type, R"({"id": "resp_123", "call_id": "no/id"})"));
        ASSERT_TRUE(event.has_value()) << event.error().message;
        EXPECT_EQ(event->kind, CallEvent::Kind::other);
        EXPECT_EQ(event->type, type);
        EXPECT_EQ(event->event_id, "evt_1");
        EXPECT_EQ(event->call_id, "");
        EXPECT_TRUE(event->sip_headers.empty());
    }
    const auto bare = read_call_event(R"({"type": "response.completed"})");
    ASSERT_TRUE(bare.has_value());
    EXPECT_EQ(bare->kind, CallEvent::Kind::other);
    EXPECT_EQ(bare->created_at, std::nullopt);
}

TEST(ReadCallEvent, RefusesACallThatNobodyCanAnswer) {
    struct Row {
        const char* name;
        std::string body;
        std::string_view part;
    };
    const auto realtime = [](const char* data) { return event_of("realtime.call.incoming", data); };
    const auto live = [](const char* data) { return event_of("live.transport.incoming", data); };
    for (const auto& row : {
             Row{"no data", R"({"type": "realtime.call.incoming"})", "neither data.call_id"},
             Row{"data is null", realtime("null"), "neither data.call_id"},
             Row{"data is an array", realtime(R"(["call_id", "rtc_1"])"), "neither data.call_id"},
             Row{"no id", realtime(R"({"sip_headers": []})"), "neither data.call_id"},
             Row{"id is a number", realtime(R"({"call_id": 7})"), "neither data.call_id"},
             Row{"id deeper down", realtime(R"({"x": {"call_id": "rtc_1"}})"), "neither data.call_id"},
             Row{"id in front of data", R"({"call_id": "rtc_1", "type": "realtime.call.incoming"})",
                 "neither data.call_id"},
             Row{"empty id", realtime(R"({"call_id": ""})"), "is empty"},
             Row{"id with a slash", realtime(R"({"call_id": "rtc_1/../../files"})"), "'/'"},
             Row{"id with an escape", realtime(R"({"call_id": "rtc_1%2f"})"), "'%'"},
             Row{"id with a line end", realtime(R"({"call_id": "rtc_1\r\nX: y"})"), "blank"},
             Row{"long id", realtime((R"({"call_id": ")" + std::string(300, 'x') + "\"}").c_str()),
                 "300 bytes"},
             Row{"WebRTC", live(R"({"type": "webrtc", "session_id": "live_1"})"), "\"webrtc\""},
             Row{"no transport", live(R"({"session_id": "live_1"})"), "no data.type"},
             Row{"transport is no text", live(R"({"type": 1, "session_id": "live_1"})"), "no data.type"},
             Row{"no type", R"({"id": "evt_1", "data": {"call_id": "rtc_1"}})", "has no type"},
             Row{"type is no text", R"({"type": ["realtime.call.incoming"]})", "has no type"},
             Row{"type deeper down", R"({"data": {"type": "realtime.call.incoming"}})", "has no type"},
             Row{"array", R"([{"type": "realtime.call.incoming"}])", "no JSON object"},
             Row{"text", R"("realtime.call.incoming")", "no JSON object"},
             Row{"null", "null", "no JSON object"},
             Row{"empty", "", "not JSON"},
             Row{"form", "type=realtime.call.incoming", "not JSON"},
             Row{"cut", kRealtime.substr(0, 256), "not JSON"},
             Row{"something behind it", kRealtime + "{}", "not JSON"},
             Row{"not UTF-8", "{\"type\": \"\xff\"}", "not JSON"},
         }) {
        SCOPED_TRACE(row.name);
        const auto event = read_call_event(row.body);
        ASSERT_FALSE(event.has_value());
        EXPECT_EQ(event.error().code, ErrorCode::bad_input);
        EXPECT_NE(event.error().message.find(row.part), std::string::npos) << event.error().message;
        EXPECT_EQ(visible(event.error().message), event.error().message);
    }
}

TEST(ReadCallEvent, SaysWhereItIsNoJson) {
    const auto event = read_call_event(R"({"type": nope})");
    ASSERT_FALSE(event.has_value());
    ASSERT_TRUE(event.error().offset.has_value());
    EXPECT_EQ(*event.error().offset, 9U);  // where the value begins
}

TEST(ReadCallEvent, QuotesNoMoreThanEightyCharacters) {
    const std::string secret = "sk-proj-0123456789abcdefghij";
    for (const auto& body :
         {event_of("live.transport.incoming", R"({"type": ")" + std::string(5000, 'w') + "\"}"),
          event_of("realtime.call.incoming", R"({"call_id": "/)" + std::string(200, 'w') + "\"}"),
          event_of("live.transport.incoming", R"({"type": ")" + secret + "\"}")}) {
        const auto event = read_call_event(body);
        ASSERT_FALSE(event.has_value());
        EXPECT_EQ(event.error().message.find(std::string(81, 'w')), std::string::npos);
        EXPECT_EQ(event.error().message.find(secret), std::string::npos);
        EXPECT_LT(event.error().message.size(), 250U);
    }
}

TEST(ReadCallEvent, KeepsHeadersInOrderWithDuplicates) {
    const auto event =
        read_call_event(event_of("realtime.call.incoming", R"({"call_id": "rtc_1", "sip_headers": [
        {"name": "Via", "value": "first"}, {"name": "X-Callchain-Id", "value": "a"},
        {"name": "via", "value": "second", "more": {"name": "no"}}, {"value": "", "name": "x-callchain-id"}]})"));
    ASSERT_TRUE(event.has_value()) << event.error().message;
    ASSERT_EQ(event->sip_headers.size(), 4U);
    EXPECT_EQ(event->sip_headers[2].name, "via");
    EXPECT_EQ(event->sip_headers[2].value, "second");
    EXPECT_EQ(event->header("VIA"), "first");
    EXPECT_EQ(event->header("x-callchain-id"), "a");
    EXPECT_EQ(event->header("Vi"), std::nullopt);
}

TEST(ReadCallEvent, LeavesOutHeadersThatAreNone) {
    const auto event =
        read_call_event(event_of("realtime.call.incoming", R"({"call_id": "rtc_1", "sip_headers": [
        7, null, "To", ["name", "To"], [{"name": "A", "value": "b"}], {"name": "To"}, {"value": "x"},
        {"name": 1, "value": "x"}, {"name": "C", "value": ["d"]}, {"name": "E", "value": "f"}],
        "other": [{"name": "G", "value": "h"}]})"));
    ASSERT_TRUE(event.has_value()) << event.error().message;
    ASSERT_EQ(event->sip_headers.size(), 1U);
    EXPECT_EQ(event->sip_headers[0].name, "E");
}

TEST(ReadCallEvent, KeepsNoMoreThan256Headers) {
    auto headers = Json::array();
    for (int i = 0; i < 1000; ++i) headers.push_back({{"name", "X-" + std::to_string(i)}, {"value", "v"}});
    const auto event = read_call_event(
        event_of("realtime.call.incoming", Json{{"call_id", "rtc_1"}, {"sip_headers", headers}}.dump()));
    ASSERT_TRUE(event.has_value());
    ASSERT_EQ(event->sip_headers.size(), 256U);
    EXPECT_EQ(event->sip_headers.back().name, "X-255");
}

TEST(ReadCallEvent, PassesMediaSecurityOnAsItIs) {
    for (const std::string value : {"srtp", "rtp", "zrtp", ""}) {
        SCOPED_TRACE(value);
        const auto event = read_call_event(
            event_of("live.transport.incoming",
                     R"({"type": "sip", "session_id": "live_1", "sip_media_security": ")" + value + "\"}"));
        ASSERT_TRUE(event.has_value());
        EXPECT_EQ(event->media_security, value);
    }
    const auto odd = read_call_event(
        event_of("realtime.call.incoming", R"({"call_id": "rtc_1", "sip_media_security": {"a": 1}})"));
    ASSERT_TRUE(odd.has_value());
    EXPECT_EQ(odd->media_security, "");
}

TEST(ReadCallEvent, CountsTheLastOfTwoMembers) {
    const auto event = read_call_event(
        R"({"type": "response.completed", "data": {"call_id": "rtc_1", "sip_headers": [{"name":"A","value":"b"}]},)"
        R"( "type": "realtime.call.incoming", "data": {"call_id": "rtc_2", "call_id": "rtc_3"}})");
    ASSERT_TRUE(event.has_value()) << event.error().message;
    EXPECT_EQ(event->call_id, "rtc_3");
    EXPECT_TRUE(event->sip_headers.empty());
    EXPECT_FALSE(
        read_call_event(event_of("realtime.call.incoming", R"({"call_id": "rtc_1", "call_id": null})"))
            .has_value());
}

TEST(ReadCallEvent, TakesTimesThatAreTimes) {
    struct Row {
        const char* token;
        std::optional<std::int64_t> want;
    };
    for (const auto& row : {Row{"1750287018", 1750287018}, Row{"0", 0}, Row{"1750287018.9", 1750287018},
                            Row{"1.750287018e9", 1750287018}, Row{"-1", std::nullopt},
                            Row{"1e300", std::nullopt}, Row{"18446744073709551615", std::nullopt},
                            Row{"\"1750287018\"", std::nullopt}, Row{"null", std::nullopt}}) {
        SCOPED_TRACE(row.token);
        const auto event = read_call_event(std::string(R"({"type": "x", "created_at": )") + row.token + "}");
        ASSERT_TRUE(event.has_value());
        ASSERT_EQ(event->created_at.has_value(), row.want.has_value());
        if (!row.want) continue;
        EXPECT_EQ(event->created_at->time_since_epoch().count(), *row.want);
    }
}

TEST(ReadCallEvent, SurvivesDeepNesting) {
    std::string deep = R"({"type": "realtime.call.incoming", "data": {"call_id": "rtc_1", "x": )";
    deep.append(100'000, '[');
    const auto cut = read_call_event(deep);
    ASSERT_FALSE(cut.has_value());
    EXPECT_NE(cut.error().message.find("too deeply"), std::string::npos);
    deep.append(100'000, ']');
    EXPECT_FALSE(read_call_event(deep + "}}").has_value());

    std::string shallow = R"({"type": "realtime.call.incoming", "data": {"call_id": "rtc_1", "x": )";
    shallow.append(200, '[').append(200, ']');
    EXPECT_TRUE(read_call_event(shallow + "}}").has_value());
}

TEST(ReadCallEvent, ReadsOneMebibyte) {
    const auto event =
        read_call_event(event_of("realtime.call.incoming",
                                 R"({"pad": ")" + std::string(1U << 20U, 'x') + R"(", "call_id": "rtc_1"})"));
    ASSERT_TRUE(event.has_value());
    EXPECT_EQ(event->call_id, "rtc_1");
}

TEST(NameOf, IsWhatTheAddressesHave) {
    EXPECT_EQ(name_of(Dialect::realtime), "realtime");
    EXPECT_EQ(name_of(Dialect::live), "live");
    EXPECT_EQ(name_of(CallAction::accept), "accept");
    EXPECT_EQ(name_of(CallAction::reject), "reject");
    EXPECT_EQ(name_of(CallAction::refer), "refer");
    EXPECT_EQ(name_of(CallAction::hangup), "hangup");
}

}  // namespace
}  // namespace callchain::openai
