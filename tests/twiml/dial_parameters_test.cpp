#include "twiml/dial_parameters.hpp"

#include <gtest/gtest.h>

namespace callchain::twiml {
namespace {

constexpr const char* kCallSid = "CA00000000000000000000000000000001";

struct Row {
    const char* name;
    std::string text;
};

// One result, as each of these services prints or sends it.
std::vector<Row> same_result() {
    const std::string dict =
        "{'CallSid': 'CA00000000000000000000000000000001', 'From': 'whatsapp:+5561999990000', "
        "'DialCallStatus': "
        "'failed', 'DialBridged': 'false', 'DialSipResponseCode': '400', 'ErrorCode': '13224', "
        "'ErrorMessage': "
        "'invalid phone number format'}";
    const std::string tuples =
        "ImmutableMultiDict([('CallSid', 'CA00000000000000000000000000000001'), ('From', "
        "'whatsapp:+5561999990000'), ('DialCallStatus', 'failed'), ('DialBridged', 'false'), "
        "('DialSipResponseCode', '400'), ('ErrorCode', '13224'), ('ErrorMessage', 'invalid phone number "
        "format')])";
    const std::string json =
        R"({"CallSid":"CA00000000000000000000000000000001","From":"whatsapp:+5561999990000","DialCallStatus":"failed","DialBridged":"false","DialSipResponseCode":"400","ErrorCode":"13224","ErrorMessage":"invalid phone number format"})";
    const std::string form =
        "CallSid=CA00000000000000000000000000000001&From=whatsapp%3A%2B5561999990000&DialCallStatus=failed&"
        "DialBridged=false&DialSipResponseCode=400&ErrorCode=13224&ErrorMessage=invalid+phone+number+format";
    const std::string node =
        "[Object: null prototype] {\n  CallSid: 'CA00000000000000000000000000000001',\n  From: "
        "'whatsapp:+5561999990000',\n  DialCallStatus: 'failed',\n  DialBridged: 'false',\n  "
        "DialSipResponseCode: '400',\n  ErrorCode: '13224',\n  ErrorMessage: 'invalid phone number "
        "format'\n}";
    std::string node_stamped = "2026-01-06T10:00:00.123Z [inf]  dial action " + node;
    for (auto at = node_stamped.find('\n'); at != std::string::npos; at = node_stamped.find('\n', at + 1))
        node_stamped.insert(at + 1, "2026-01-06T10:00:00.124Z [inf]  ");
    std::string node_messages;
    std::string line;
    for (const char c : node + "\n") {
        if (c != '\n') {
            line += c;
            continue;
        }
        node_messages +=
            R"({"message":")" + line + R"(","severity":"info","timestamp":"2026-01-06T10:00:00Z"})" + "\n";
        line.clear();
    }
    return {
        {"form body", form},
        {"form body with a line end", form + "\r\n"},
        {"capture",
         "POST /twilio/dial-action HTTP/1.1\r\nHost: a.example\r\nContent-Length: 300\r\n\r\n" + form},
        {"request line", "GET /twilio/dial-action?" + form + " HTTP/1.1"},
        {"Python bytes", "body: b'" + form + "'"},
        {"Python dict in a log line", "INFO:app:dial action: " + dict + "\n"},
        {"Python dict with a time", "2026-01-06 10:00:00,123 INFO dial action: " + dict},
        {"MultiDict", "dial action: " + tuples},
        {"CombinedMultiDict", "dial action: CombinedMultiDict([ImmutableMultiDict([]), " + tuples + "])"},
        {"JSON", json},
        {"JSON behind text", "dial action " + json + " done"},
        {"JSON within JSON", R"({"level":"info","params":)" + json + "}"},
        {"dict within a JSON log", R"({"message":"dial action: )" + dict + R"(","severity":"info"})"},
        {"form within a JSON log", R"({"message":"body )" + form + R"(","severity":"info"})"},
        {"JSON string in JSON",
         R"({"message":"{\"CallSid\":\"CA00000000000000000000000000000001\",\"From\":\"whatsapp:\u002b5561999990000\",\"DialCallStatus\":\"failed\",\"DialBridged\":\"false\",\"DialSipResponseCode\":\"400\",\"ErrorCode\":\"13224\",\"ErrorMessage\":\"invalid phone number format\"}"})"},
        {"Node", node},
        {"Node with a stamp on each line", node_stamped},
        {"Node, each line a JSON message", node_messages},
        {"Node in colours",
         "{ CallSid: \x1b[32m'CA00000000000000000000000000000001'\x1b[39m, From: "
         "\x1b[32m'whatsapp:+5561999990000'\x1b[39m, DialCallStatus: \x1b[32m'failed'\x1b[39m, DialBridged: "
         "\x1b[32m'false'\x1b[39m, DialSipResponseCode: \x1b[33m400\x1b[39m, ErrorCode: '13224', "
         "ErrorMessage: 'invalid phone number format' }"},
        {"URLSearchParams",
         "URLSearchParams { 'CallSid' => 'CA00000000000000000000000000000001', 'From' => "
         "'whatsapp:+5561999990000', 'DialCallStatus' => 'failed', 'DialBridged' => 'false', "
         "'DialSipResponseCode' => '400', 'ErrorCode' => '13224', 'ErrorMessage' => 'invalid phone number "
         "format' }"},
        {"Ruby",
         R"(Parameters: {"CallSid"=>"CA00000000000000000000000000000001", "From"=>"whatsapp:+5561999990000", "DialCallStatus"=>"failed", "DialBridged"=>"false", "DialSipResponseCode"=>"400", "ErrorCode"=>"13224", "ErrorMessage"=>"invalid phone number format"})"},
        {"PHP",
         "Array\n(\n    [CallSid] => CA00000000000000000000000000000001\n    [From] => "
         "'whatsapp:+5561999990000'\n    [DialCallStatus] => failed\n    [DialBridged] => false\n    "
         "[DialSipResponseCode] => 400\n    [ErrorCode] => 13224\n    [ErrorMessage] => 'invalid phone "
         "number format'\n)\n"},
        {"lists as values",
         "{'CallSid': ['CA00000000000000000000000000000001'], 'From': ['whatsapp:+5561999990000'], "
         "'DialCallStatus': ['failed'], 'DialBridged': ['false'], 'DialSipResponseCode': ['400'], "
         "'ErrorCode': ['13224'], 'ErrorMessage': ['invalid phone number format']}"},
        {"entries",
         R"([ [ 'CallSid', 'CA00000000000000000000000000000001' ], [ 'From', 'whatsapp:+5561999990000' ], [ 'DialCallStatus', 'failed' ], [ 'DialBridged', 'false' ], [ 'DialSipResponseCode', '400' ], [ 'ErrorCode', '13224' ], [ 'ErrorMessage', 'invalid phone number format' ] ])"},
        {"words",
         "dial action CallSid=CA00000000000000000000000000000001 From=whatsapp:+5561999990000 "
         "DialCallStatus=failed DialBridged=false DialSipResponseCode=400 ErrorCode=13224 "
         "ErrorMessage=invalid phone number format"},
        {"words in a logfmt message",
         R"(level=info msg="CallSid=CA00000000000000000000000000000001 From=whatsapp:+5561999990000 DialCallStatus=failed DialBridged=false DialSipResponseCode=400 ErrorCode=13224 ErrorMessage=invalid phone number format")"},
        {"lines",
         "CallSid: CA00000000000000000000000000000001\nFrom: whatsapp:+5561999990000\nDialCallStatus: "
         "failed\nDialBridged: false\nDialSipResponseCode: 400\nErrorCode: 13224\nErrorMessage: invalid "
         "phone number format\n"},
        {"a console's table",
         "CallSid\tCA00000000000000000000000000000001\nFrom\twhatsapp:+"
         "5561999990000\nDialCallStatus\t\"failed\"\nDialBridged\tfalse\nDialSipResponseCode\t400\nErrorCode"
         "\t13224\nErrorMessage\tinvalid phone number format\n"},
        {"no layer left, escapes stay",
         R"(msg {\"CallSid\": \"CA00000000000000000000000000000001\", \"From\": \"whatsapp:+5561999990000\", \"DialCallStatus\": \"failed\", \"DialBridged\": \"false\", \"DialSipResponseCode\": 400, \"ErrorCode\": null, \"ErrorCode\": \"13224\", \"ErrorMessage\": \"invalid phone number format\"})"},
    };
}

TEST(ParseDialParameters, ReadsTheSameResultFromEveryForm) {
    for (const auto& row : same_result()) {
        SCOPED_TRACE(row.name);
        const auto got = parse_dial_parameters(row.text);
        ASSERT_TRUE(got.has_value()) << got.error().message;
        EXPECT_EQ(got->status, "failed");
        EXPECT_EQ(got->bridged, false);
        EXPECT_EQ(got->sip_response_code, 400);
        EXPECT_EQ(got->error_code, 13224);
        EXPECT_EQ(got->error_message, "invalid phone number format");
        EXPECT_EQ(got->call_sid, kCallSid);
        EXPECT_FALSE(got->call_duration);
        const std::pair<std::string, std::string> from{"From", "whatsapp:+5561999990000"};
        EXPECT_NE(std::find(got->others.begin(), got->others.end(), from), got->others.end());
        EXPECT_TRUE(got->remarks.empty()) << got->remarks.front();
    }
}

TEST(ParseDialParameters, ReadsEveryParameter) {
    const auto got = parse_dial_parameters(
        "CallSid=CA1&DialCallSid=CA2&DialSipCallId=abc%400.0.0.0&DialCallDuration=29&DialCallStatus="
        "completed&"
        "DialBridged=true&DialSipResponseCode=200&DialSipHeader_X-Trace=7");
    ASSERT_TRUE(got.has_value());
    EXPECT_EQ(got->call_sid, "CA1");
    EXPECT_EQ(got->dial_call_sid, "CA2");
    EXPECT_EQ(got->dial_sip_call_id, "abc@0.0.0.0");
    EXPECT_EQ(got->call_duration, std::chrono::seconds(29));
    EXPECT_EQ(got->bridged, true);
    EXPECT_EQ(got->others, (encoding::FormFields{{"DialSipHeader_X-Trace", "7"}}));
}

TEST(ParseDialParameters, KeepsUnreadableValuesWithARemark) {
    for (const auto& row :
         {Row{"DialBridged", "maybe"}, Row{"DialSipResponseCode", "99"}, Row{"DialSipResponseCode", "700"},
          Row{"DialCallDuration", "-1"}, Row{"DialCallDuration", "604801"}, Row{"ErrorCode", "9999"},
          Row{"ErrorCode", "100000"}}) {
        SCOPED_TRACE(row.name + row.text);
        const auto got = dial_result_of({{"DialCallStatus", "failed"}, {row.name, row.text}});
        EXPECT_EQ(got.others, (encoding::FormFields{{row.name, row.text}}));
        ASSERT_EQ(got.remarks.size(), 1U);
        EXPECT_NE(got.remarks[0].find(row.text), std::string::npos);
    }
    const auto edges = dial_result_of(
        {{"DialSipResponseCode", "100"}, {"DialCallDuration", "604800"}, {"ErrorCode", "10000"}});
    EXPECT_EQ(edges.sip_response_code, 100);
    EXPECT_EQ(edges.call_duration, std::chrono::seconds(604800));
    EXPECT_EQ(edges.error_code, 10000);
    EXPECT_EQ(dial_result_of({{"DialSipResponseCode", "699"}}).sip_response_code, 699);
    EXPECT_EQ(dial_result_of({{"DialBridged", " TRUE "}}).bridged, true);
    EXPECT_TRUE(dial_result_of({{"DialBridged", ""}}).remarks.empty());
}

TEST(ParseDialParameters, TakesTheLastOfEqualNamesAndSaysSo) {
    const auto got = parse_dial_parameters("DialCallStatus=failed&DialCallStatus=busy&A=1&A=2&A=3");
    ASSERT_TRUE(got.has_value());
    EXPECT_EQ(got->status, "busy");
    EXPECT_EQ(got->others, (encoding::FormFields{{"A", "3"}}));
    EXPECT_EQ(got->remarks,
              (std::vector<std::string>{"DialCallStatus is there more than once; the last value counts.",
                                        "A is there more than once; the last value counts."}));
    const auto listed = parse_dial_parameters("{'DialCallStatus': ['failed', 'busy']}");
    ASSERT_TRUE(listed.has_value());
    EXPECT_EQ(listed->status, "busy");
    EXPECT_EQ(listed->remarks.size(), 1U);
}

TEST(ParseDialParameters, TakesTheLastOfSeveralResultsAndSaysSo) {
    const auto got = parse_dial_parameters(
        "dial action: {'DialCallStatus': 'failed', 'DialSipResponseCode': '400'}\n"
        "dial action: {'DialCallStatus': 'completed', 'DialBridged': 'true'}\n");
    ASSERT_TRUE(got.has_value());
    EXPECT_EQ(got->status, "completed");
    EXPECT_FALSE(got->sip_response_code);  // nothing of the first call
    ASSERT_EQ(got->remarks.size(), 1U);
    EXPECT_NE(got->remarks[0].find("last one"), std::string::npos);
}

TEST(ParseDialParameters, UndoesEscapesOfValues) {
    for (const auto& row :
         {Row{"Python", R"({'DialCallStatus': 'failed', 'ErrorMessage': 'it\'s "a\\b"\nend'})"},
          Row{"JSON", R"({"DialCallStatus":"failed","ErrorMessage":"it's \"a\\b\"\nend"})"},
          Row{"Python with double quotes",
              R"({'DialCallStatus': 'failed', 'ErrorMessage': "it's \"a\\b\"\nend"})"}}) {
        SCOPED_TRACE(row.name);
        const auto got = parse_dial_parameters(row.text);
        ASSERT_TRUE(got.has_value());
        EXPECT_EQ(got->error_message, "it's \"a\\b\"\nend");
    }
}

TEST(ParseDialParameters, RefusesTextWithoutAnyAndShowsWhatALineLooksLike) {
    for (const auto* text :
         {"", "\n", "hello", "{}", "{'CallStatus': 'failed'}", "DialCallStatusX=1&b=2",
          "the DialCallStatus was failed", "XDialCallStatus: failed", "[]", "\"DialCallStatus\"", "a=b&c=d",
          "\\\\\\\\", "{'DialCallStatus'", "DialCallStatus"}) {
        SCOPED_TRACE(text);
        const auto got = parse_dial_parameters(text);
        ASSERT_FALSE(got.has_value());
        EXPECT_EQ(got.error().code, ErrorCode::bad_input);
        EXPECT_NE(got.error().hint.find("'DialCallStatus': 'failed'"), std::string::npos);
    }
}

TEST(ParseDialParameters, IsBounded) {
    const std::string front = "DialCallStatus=failed&a=";
    const auto most = parse_dial_parameters(front + std::string(kMostDialBytes - front.size(), 'x'));
    EXPECT_TRUE(most.has_value());
    const auto over = parse_dial_parameters(front + std::string(kMostDialBytes - front.size() + 1, 'x'));
    ASSERT_FALSE(over.has_value());
    EXPECT_EQ(over.error().code, ErrorCode::limit);
    // What would be slow for a reader that goes back at each name.
    std::string many;
    while (many.size() < kMostDialBytes - 20) many += "{'DialCallSid':[";
    (void)parse_dial_parameters(many);
    many.clear();
    while (many.size() < kMostDialBytes - 20) many += "DialCallSid=&";
    EXPECT_TRUE(parse_dial_parameters(many).has_value());
    EXPECT_FALSE(parse_dial_parameters(std::string(kMostDialBytes, '[')).has_value());
    EXPECT_FALSE(parse_dial_parameters(std::string(kMostDialBytes, '\\')).has_value());
}

// What a failed dial without a SIP status looks like, as services print what is not there.
TEST(ParseDialParameters, DropsAbsentValuesInEveryForm) {
    for (const std::string absent : {"None", "undefined", "null", "nil", "-", "", "NULL"}) {
        const std::string bare = absent.empty() ? "''" : absent;
        for (const auto& text :
             {"DialCallStatus=failed, DialBridged=" + absent + ", DialSipResponseCode=" + absent +
                  ", ErrorCode=" + absent + ", ErrorMessage=" + absent + ", DialCallSid=" + absent,
              "DialCallStatus=failed DialBridged='" + absent + "' DialSipResponseCode=\"" + absent + "\"",
              "DialCallStatus: failed\nDialBridged: " + absent + "\nDialSipResponseCode: " + absent +
                  "\nErrorCode: " + absent + "\nErrorMessage: " + absent + "\nDialCallSid: " + absent + "\n",
              "DialCallStatus: failed, DialBridged: " + absent + ", DialSipResponseCode: " + absent +
                  ", ErrorMessage: " + absent,
              "{'DialCallStatus': 'failed', 'DialBridged': '" + absent + "', 'DialSipResponseCode': " + bare +
                  ", 'ErrorCode': [" + bare + "], 'ErrorMessage': '" + absent + "'}",
              R"({"DialCallStatus": "failed", "DialSipResponseCode": ")" + absent +
                  R"(", "ErrorMessage": null})",
              "DialCallStatus=failed&DialBridged=" + absent + "&DialSipResponseCode=" + absent +
                  "&ErrorMessage=" + absent + "&From=" + absent,
              "map[DialBridged:[" + absent + "] DialCallStatus:[failed] DialSipResponseCode:[" + absent +
                  "]]"}) {
            SCOPED_TRACE(text);
            const auto got = parse_dial_parameters(text);
            ASSERT_TRUE(got.has_value());
            DialResult want;
            want.status = "failed";
            EXPECT_EQ(*got, want);
            EXPECT_EQ(read_dial(*got).name, "invite_never_left");
        }
    }
    // Only whole values are absent, and only those of names that we know.
    const auto got =
        dial_result_of({{"ErrorMessage", "None of them"}, {"DialCallSid", " None "}, {"X", "None"}});
    EXPECT_EQ(got.error_message, "None of them");
    EXPECT_FALSE(got.dial_call_sid);
    EXPECT_EQ(got.others, (encoding::FormFields{{"X", "None"}}));
    EXPECT_EQ(read_dial(*parse_dial_parameters("{'DialCallStatus': None}")).name, "too_few_parameters");
    EXPECT_EQ(read_dial(*parse_dial_parameters(R"({"DialCallStatus": null})")).name, "too_few_parameters");
}

TEST(ParseDialParameters, DoesNotTakeTheNextWordForAnEmptyValue) {
    for (const auto* text : {"DialCallStatus=failed DialSipResponseCode= ErrorCode=",
                             "DialCallStatus=failed DialSipResponseCode= ErrorCode=\n",
                             "DialSipResponseCode= DialCallStatus=failed",
                             "DialCallStatus=failed ErrorMessage= DialSipResponseCode=",
                             "DialSipResponseCode= done, DialCallStatus=failed",
                             "DialCallStatus = failed DialSipResponseCode = ErrorCode = "}) {
        SCOPED_TRACE(text);
        const auto got = parse_dial_parameters(text);
        ASSERT_TRUE(got.has_value());
        DialResult want;
        want.status = "failed";
        EXPECT_EQ(*got, want);
    }
    const auto spaced = parse_dial_parameters("DialCallStatus = 'failed' DialSipResponseCode = 400");
    ASSERT_TRUE(spaced.has_value());
    EXPECT_EQ(spaced->status, "failed");
    EXPECT_EQ(spaced->sip_response_code, 400);
}

// One result of four parameters, in ways that have its pieces on one line.
TEST(ParseDialParameters, ReadsParametersThatShareALine) {
    for (
        const std::string text :
        {"DialCallStatus: failed, DialBridged: false, DialSipResponseCode: 400, ErrorCode: 13224",
         "dial action: DialCallStatus: failed | DialBridged: false | DialSipResponseCode: 400 | ErrorCode: "
         "13224",
         "DialCallStatus: failed DialBridged: false DialSipResponseCode: 400 ErrorCode: 13224",
         "DialCallStatus: failed; DialBridged: false; DialSipResponseCode: 400; ErrorCode: 13224;",
         "DialCallStatus:failed,DialBridged:false,DialSipResponseCode:400,ErrorCode:13224",
         "DialCallStatus: 'failed', DialBridged: False, RecordingUrl: x, DialSipResponseCode: '400', "
         "Direction: "
         "inbound, ErrorCode: '13224'",
         "DialCallStatus: failed, DialBridged: false for the call; DialSipResponseCode: 400 Bad Request, "
         "ErrorCode: 13224 - done",
         "map[DialBridged:[false] DialCallStatus:[failed] DialSipResponseCode:[400] ErrorCode:[13224]]",
         "params map[DialBridged:false DialCallStatus:failed Direction:inbound DialSipResponseCode:400 "
         "ErrorCode:13224]",
         R"(url.Values{"DialBridged":[]string{"false"}, "DialCallStatus":[]string{"failed"}, "DialSipResponseCode":[]string{"400"}, "ErrorCode":[]string{"13224"}})",
         "{DialCallStatus:failed DialBridged:false DialSipResponseCode:400 ErrorCode:13224}",
         "{DialCallStatus=[failed], DialBridged=[false], DialSipResponseCode=[400], ErrorCode=[13224]}",
         "{DialCallStatus=failed, DialBridged=false, DialSipResponseCode=400, ErrorCode=13224}",
         "Array ( [DialCallStatus] => failed [DialBridged] => false [DialSipResponseCode] => 400 [ErrorCode] "
         "=> "
         "13224 )",
         "Array\n(\n    [DialCallStatus] => failed\n    [DialBridged] => false\n    [DialSipResponseCode] => "
         "400\n   "
         " [ErrorCode] => 13224\n)\n",
         "DialCallStatus%3Dfailed%26DialBridged%3Dfalse%26DialSipResponseCode%3D400%26ErrorCode%3D13224",
         "body: "
         "DialCallStatus%3dfailed%26DialBridged%3dfalse%26DialSipResponseCode%3d400%26ErrorCode%3d13224 end",
         "body=DialCallStatus=failed&DialBridged=false&DialSipResponseCode=400&ErrorCode=13224",
         "info body=DialCallStatus=failed&DialBridged=false&DialSipResponseCode=400&ErrorCode=13224 done",
         "body:DialCallStatus=failed&DialBridged=false&DialSipResponseCode=400&ErrorCode=13224",
         "https://a.example/"
         "dial?DialCallStatus=failed&DialBridged=false&DialSipResponseCode=400&ErrorCode=13224",
         "\xEF\xBB\xBF"
         "DialCallStatus=failed&DialBridged=false&DialSipResponseCode=400&ErrorCode=13224"}) {
        SCOPED_TRACE(text);
        const auto got = parse_dial_parameters(text);
        ASSERT_TRUE(got.has_value());
        EXPECT_EQ(got->status, "failed");
        EXPECT_EQ(got->bridged, false);
        EXPECT_EQ(got->sip_response_code, 400);
        EXPECT_EQ(got->error_code, 13224);
        EXPECT_TRUE(got->remarks.empty()) << got->remarks.front();
    }
    const auto account = parse_dial_parameters("raw_body=AccountSid=AC1&DialCallStatus=failed");
    ASSERT_TRUE(account.has_value());
    EXPECT_EQ(account->others, (encoding::FormFields{{"AccountSid", "AC1"}}));
    const auto plain = parse_dial_parameters("Note=From=x&DialCallStatus=failed&a=b=c");
    ASSERT_TRUE(plain.has_value());
    EXPECT_EQ(plain->others, (encoding::FormFields{{"From", "x"}, {"a", "b=c"}}));
}

TEST(ParseDialParameters, KeepsTheMessageWholeInEveryForm) {
    for (const std::string text :
         {"DialCallStatus: failed, ErrorMessage: Error: invalid phone, or none, ErrorCode: 13224",
          "map[DialCallStatus:[failed] ErrorCode:[13224] ErrorMessage:[Error: invalid phone, or none]]",
          "Array ( [DialCallStatus] => failed [ErrorMessage] => Error: invalid phone, or none [ErrorCode] => "
          "13224 )",
          "Array\n(\n [DialCallStatus] => failed\n [ErrorCode] => 13224\n [ErrorMessage] => Error: invalid "
          "phone, or "
          "none\n)\n",
          "{'DialCallStatus': 'failed',\n 'ErrorCode': '13224',\n 'ErrorMessage': 'Error: invalid phone, '\n "
          "          "
          "      'or none'}"}) {
        SCOPED_TRACE(text);
        const auto got = parse_dial_parameters(text);
        ASSERT_TRUE(got.has_value());
        EXPECT_EQ(got->error_message, "Error: invalid phone, or none");
        EXPECT_EQ(got->error_code, 13224);
    }
}

TEST(ParseDialParameters, TakesTheLastOfSeveralLinesAndSaysSo) {
    for (const std::string text :
         {"DialCallStatus=failed&DialSipResponseCode=400\nDialCallStatus=completed&DialBridged=true\n",
          "DialCallStatus=failed DialSipResponseCode=400\nDialCallStatus=completed DialBridged=true\n",
          "DialCallStatus: failed, DialSipResponseCode: 400\nDialCallStatus: completed, DialBridged: true\n",
          "DialCallStatus: failed\nDialSipResponseCode: 400\n\nDialCallStatus: completed\nDialBridged: "
          "true\n",
          "Array\n(\n [DialCallStatus] => failed\n [DialSipResponseCode] => 400\n)\nArray\n(\n "
          "[DialCallStatus] => "
          "completed\n [DialBridged] => true\n)\n"}) {
        SCOPED_TRACE(text);
        const auto got = parse_dial_parameters(text);
        ASSERT_TRUE(got.has_value());
        EXPECT_EQ(got->status, "completed");
        EXPECT_EQ(got->bridged, true);
        EXPECT_FALSE(got->sip_response_code);  // nothing of the first call
        EXPECT_EQ(
            got->remarks,
            (std::vector<std::string>{"There is more than one set of parameters; the last one was read."}));
    }
    // A line that only mentions the status again is no set of its own.
    const auto mention = parse_dial_parameters(
        "DialCallStatus=failed DialSipResponseCode=400\nhanging up, DialCallStatus=failed\n");
    ASSERT_TRUE(mention.has_value());
    EXPECT_EQ(mention->sip_response_code, 400);
}

}  // namespace
}  // namespace callchain::twiml
