#include "simulator/conclusion.hpp"

#include <gtest/gtest.h>
#include <map>

namespace callchain::simulator {
namespace {

using namespace std::chrono_literals;

// Answers of our own commands, by their first words; what was asked for is kept.
class Commands {
  public:
    std::map<std::string, Finished> answers;
    std::vector<std::vector<std::string>> asked;
    RunCommand run = [this](const std::vector<std::string>& arguments,
                            const std::map<std::string, std::string>&) -> Result<Finished> {
        asked.push_back(arguments);
        for (const auto& [words, answer] : answers)
            if (words.starts_with(arguments.front()) && (arguments.size() < 2 || words == arguments.front() ||
                                                         words == arguments.front() + " " + arguments[1]))
                return answer;
        return fail(ErrorCode::io, "no such command");
    };
};

MetaCall refused(int status) {
    MetaCall call;
    call.call_id = "m-1";
    call.status = status;
    call.rang = 100ms;
    call.ended = 10'100ms;
    call.end = MetaCall::End::refused;
    return call;
}

MetaCall talked() {
    MetaCall call;
    call.call_id = "m-1";
    call.status = 200;
    call.rang = 100ms;
    call.answered = 400ms;
    call.ended = 2'400ms;
    call.end = MetaCall::End::hung_up;
    return call;
}

CallResult call_of(MetaCall meta) {
    CallResult call;
    call.timeline.ids = {{"call_id_meta", "m-1"}, {"callchain_id", "cc_1"}, {"openai_call_id", "rtc_1"}};
    call.meta = std::move(meta);
    return call;
}

ChainResult result_of(CallResult call) {
    ChainResult result;
    result.calls.push_back(std::move(call));
    return result;
}

TEST(Conclude, SaysNothingOfACallThatWentWell) {
    auto call = call_of(talked());
    call.twilio = TwilioCall{};
    call.twilio->bridged = true;
    call.openai = OpenAiCall{};
    call.openai->greeted = true;
    call.openai->ended_by = "caller";
    Commands commands;
    ASSERT_TRUE(call.good());
    EXPECT_FALSE(conclude(result_of(call), {}, commands.run).has_value());
    EXPECT_TRUE(commands.asked.empty());
}

// However well the others went.
TEST(Conclude, MissesACallThatNobodyToldOf) {
    ChainResult result;
    result.placed = 3;
    Commands commands;
    const auto found = conclude(result, {}, commands.run);
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->cause, "3 calls of 3 had not come to an end when the run did");
}

TEST(Conclude, TakesTheGatewaysVerdictOnTheOffer) {
    auto result = result_of(call_of(refused(488)));
    result.evidence.gateway_log = {
        "no JSON",
        R"({"message":"call summary","call_id_meta":"other","code":"sdp_no_audio","why":"another call"})",
        R"({"message":"call summary","call_id_meta":"m-1","code":"sdp_dtls_offer","why":"DTLS","remedy":"set SDES"})"};
    Commands commands;
    commands.answers["explain sdp_dtls_offer"] = {
        0, R"({"codes":[{"code":"sdp_dtls_offer","title":"t","fix":"f"}]})", ""};
    const auto found = conclude(result, {}, commands.run);
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->caller,
              "the caller heard ringing for 10.0 s, then the call failed (SIP 488 after 10.1 s)");
    EXPECT_EQ(found->cause, "DTLS");
    EXPECT_EQ(found->fix, "set SDES");
    EXPECT_EQ(found->code, "sdp_dtls_offer");
    EXPECT_EQ(found->command, "callchain explain sdp_dtls_offer");
}

TEST(Conclude, ComputesWhyAWebhookWasRefused) {
    auto call = call_of(refused(480));
    call.openai = OpenAiCall{};
    call.openai->webhook_statuses = {401, 401};
    call.twilio = TwilioCall{};
    call.twilio->twilio_error = 13224;
    Commands commands;
    commands.answers["verify-sig"] = {
        1, R"({"findings":[{"code":"a","title":"A","detail":"d","fix":"f","proved":false},
        {"code":"secret_other_label","title":"B","detail":"d","fix":"f","proved":true}]})",
        ""};
    const auto found =
        conclude(result_of(call), {"serve=serve.secret", "endpoint=endpoint.secret"}, commands.run);
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->code, "secret_other_label");
    EXPECT_TRUE(found->proved);
    EXPECT_EQ(found->component, "serve, POST /openai/webhook; Twilio shows it as 13224");
    EXPECT_EQ(found->command,
              "callchain verify-sig --log serve.log --secret-file serve=serve.secret --secret-file "
              "endpoint=endpoint.secret");
    EXPECT_EQ(found->exit_code, 1);
}

TEST(Conclude, ReadsWhatServeSaysOfTheAccept) {
    auto call = call_of(talked());
    call.twilio = TwilioCall{};
    call.twilio->bridged = true;
    call.openai = OpenAiCall{};
    auto result = result_of(call);
    result.evidence.serve_log = {
        R"({"message":"call summary","callchain_id":"cc_1","explain":"callchain explain call_gone"})"};
    Commands commands;
    commands.answers["explain call_gone"] = {0, R"({"codes":[{"code":"call_gone","title":"t","fix":"f"}]})",
                                             ""};
    const auto found = conclude(result, {}, commands.run);
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->code, "call_gone");
    EXPECT_EQ(found->caller, "the caller was answered after 400 ms and talked for 2.0 s, and nobody spoke");
}

// A command that fails, or says what nobody can read, is no reason to make a cause up.
TEST(Conclude, AsksWhoElseIsToldOfCallsWhereTheApiIsUpYet) {
    auto call = call_of(talked());
    call.openai = OpenAiCall{};
    auto result = result_of(call);
    result.evidence.serve_log = {
        R"({"message":"call summary","callchain_id":"cc_1","explain":"callchain explain call_decided_elsewhere"})"};
    Commands commands;
    commands.answers["explain call_decided_elsewhere"] = {
        0, R"({"codes":[{"code":"call_decided_elsewhere","title":"It is taken","fix":"f"}]})", ""};
    commands.answers["endpoints list"] = {
        0,
        R"({"findings":[{"code":"endpoint_url_elsewhere","detail":"no"},{"code":"endpoint_several_subscribed","detail":"whe_1; whe_2"}]})",
        ""};
    auto found = conclude(result, {}, commands.run);
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->code, "call_decided_elsewhere");  // everything has ended: nobody can be asked
    EXPECT_EQ(found->cause, "It is taken");

    result.evidence.environment_file = "environment";
    found = conclude(result, {}, commands.run);
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->component, "serve, the accept");
    EXPECT_EQ(found->code, "endpoint_several_subscribed");
    EXPECT_EQ(found->cause, "It is taken, and several endpoints are told of calls: whe_1; whe_2");
    EXPECT_EQ(found->command, "callchain endpoints list --env-file environment");

    commands.answers["endpoints list"] = {0, R"({"findings":[]})", ""};
    found = conclude(result, {}, commands.run);
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->code, "call_decided_elsewhere");
}

TEST(Conclude, AdmitsThatItKnowsNothing) {
    Commands commands;
    for (const char* output : {"", "{", "[]", R"({"codes":{}})", R"({"checks":[]})"}) {
        SCOPED_TRACE(output);
        commands.answers = {{"explain x", {0, output, ""}}, {"gateway check", {1, output, ""}}};
        auto result = result_of(call_of(refused(503)));
        result.calls[0].timeline.ids.erase("callchain_id");
        result.evidence.folder = "/evidence";
        const auto found = conclude(result, {}, commands.run);
        ASSERT_TRUE(found.has_value());
        EXPECT_EQ(found->cause, "nothing in the logs explains it");
        EXPECT_NE(found->fix.find("/evidence"), std::string::npos);
    }
}

TEST(BorneBy, TellsWhatAGoodCallCameThrough) {
    auto call = call_of(talked());
    call.openai = OpenAiCall{};
    call.openai->accepted = true;
    call.openai->accepts = 1;
    call.openai->webhook_statuses = {200, 200, 200};
    timeline::Event event;
    event.from = timeline::Party::openai;
    event.label = "404 Not Found";
    event.detail = "POST accept";
    event.trouble = true;
    call.timeline.events = {event, event};
    auto result = result_of(call);
    result.evidence.serve_exit = 137;
    event.from = event.to = timeline::Party::serve;
    event.label = "webhook secret";
    event.detail = "secret_quoted: 52 bytes with it, 50 bytes without";
    result.others = {event};
    Commands commands;
    commands.answers["explain secret_quoted"] = {
        0, R"({"codes":[{"code":"secret_quoted","title":"quotes","fix":"f"}]})", ""};
    std::vector<std::string> codes;
    for (const auto& one : borne_by(result, commands.run)) codes.push_back(one.code);
    EXPECT_EQ(codes, (std::vector<std::string>{"secret_quoted", "call_gone", "duplicate", "exit 137"}));
    result.others[0].detail = "no code: of any kind";
    result.evidence.serve_exit = 0;
    result.calls[0] = call_of(talked());
    EXPECT_TRUE(borne_by(result, commands.run).empty());
}

// A call that the model ended, while the caller listened on for so long.
CallResult untold_call(std::chrono::milliseconds caller_hangs_up) {
    using timeline::Party;
    auto call = call_of(talked());
    call.meta->ended = 4'000ms;
    call.timeline.ids["call_id_twilio"] = "t-1";
    call.twilio = TwilioCall{};
    call.twilio->bridged = true;
    call.twilio->bye_status = 481;
    call.openai = OpenAiCall{};
    call.openai->greeted = true;
    call.openai->ended_by = "model";
    const auto message = [&call](Party from, Party to, const char* label, std::chrono::milliseconds at) {
        call.timeline.events.push_back({.at = timeline::WallTime(at),
                                        .from = from,
                                        .to = to,
                                        .medium = timeline::Medium::sip,
                                        .label = label});
    };
    message(Party::openai, Party::twilio, "BYE", 990ms);
    message(Party::twilio, Party::gateway, "BYE", 1'000ms);
    message(Party::gateway, Party::twilio, "481 Call/Transaction Does Not Exist", 1'010ms);
    message(Party::whatsapp, Party::gateway, "BYE", 1'000ms + caller_hangs_up);
    message(Party::gateway, Party::twilio, "BYE", 1'010ms + caller_hangs_up);
    return call;
}

TEST(Conclude, FindsTheReplicaThatDoesNotHaveTheCall) {
    auto result = result_of(untold_call(2'000ms));
    const std::vector<std::string> log{
        R"({"message":"a request of a call that is not here","method":"BYE","sip_call_id":"another"})",
        R"({"message":"a request of a call that is not here","method":"BYE","sip_call_id":"t-1"})"};
    struct Row {
        const char* name;
        std::vector<std::string> first;
        std::vector<std::string> second;
        const char* component;
        const char* place;
        const char* command;
    };
    Commands commands;
    for (const auto& row :
         {Row{"second",
              {},
              log,
              "gateway, a second replica",
              " by a gateway that does not have the call (gateway-2.log)",
              "grep 'not here' gateway-2.log"},
          Row{"first",
              log,
              {log[0]},
              "gateway, the BYE of a call",
              " by a gateway that does not have the call (gateway.log)",
              "grep 'not here' gateway.log"},
          Row{"neither", {}, {}, "gateway, the BYE of a call", "", "callchain explain sip 481"}}) {
        SCOPED_TRACE(row.name);
        result.evidence.gateway_log = row.first;
        result.evidence.second_gateway_log = row.second;
        const auto found = conclude(result, {}, commands.run);
        ASSERT_TRUE(found.has_value());
        EXPECT_EQ(found->component, row.component);
        EXPECT_EQ(found->code, "sip 481");
        EXPECT_EQ(found->cause, "Twilio's BYE was answered 481" + std::string(row.place) +
                                    ", and WhatsApp's side was not told for 2.0 s");
        EXPECT_EQ(found->command, row.command);
        EXPECT_EQ(found->caller,
                  "the caller was answered after 400 ms, talked for 1.6 s, and then heard nothing for 2.0 s "
                  "until they hung up");
    }
    // As in production, where it is WhatsApp that gives up.
    result.calls[0].meta->end = MetaCall::End::silence;
    const auto found = conclude(result, {}, commands.run);
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->code, "sip 481");
    EXPECT_TRUE(found->caller.ends_with("for 2.0 s until WhatsApp hung up")) << found->caller;
}

// Twilio is a stranger to a replica that does not have its call, where CALLCHAIN_ALLOW is meta.
TEST(Conclude, FindsAByeThatNobodyAnswered) {
    auto result = result_of(untold_call(2'000ms));
    result.calls[0].twilio->bye_status = 0;
    Commands commands;
    const std::string known =
        R"({"message":"a request of a call that is not here","method":"BYE","sip_call_id":"t-1"})";
    for (const bool is_known : {true, false}) {
        SCOPED_TRACE(is_known);
        result.evidence.second_gateway_log = {is_known ? known : "no JSON"};
        const auto found = conclude(result, {}, commands.run);
        ASSERT_TRUE(found.has_value());
        EXPECT_EQ(found->component, is_known ? "gateway, a second replica" : "gateway, the BYE of a call");
        EXPECT_EQ(found->code, "");
        EXPECT_EQ(found->cause, "Twilio's BYE was not answered" +
                                    std::string(is_known ? " by a gateway that does not have the call "
                                                           "(gateway-2.log)"
                                                         : "") +
                                    ", and WhatsApp's side was not told for 2.0 s");
        EXPECT_EQ(found->command,
                  is_known ? "grep 'not here' gateway-2.log" : "grep 'call summary' gateway.log");
    }
    // One that was told sends none.
    for (auto& event : result.calls[0].timeline.events)
        if (event.from == timeline::Party::twilio) std::swap(event.from, event.to);
    EXPECT_TRUE(result.calls[0].good());
}

TEST(Conclude, FindsThatTwiliosSideWasNotTold) {
    auto call = untold_call(10s);
    std::swap(call.meta->bye_status, call.twilio->bye_status);
    for (auto& event : call.timeline.events) {
        if (event.from == timeline::Party::twilio)
            event.from = timeline::Party::whatsapp;
        else if (event.from == timeline::Party::whatsapp)
            event.from = timeline::Party::twilio;
    }
    Commands commands;
    const auto found = conclude(result_of(call), {}, commands.run);
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->cause,
              "WhatsApp's BYE was answered 481, and Twilio's side was "
              "not told for 10.0 s");
    EXPECT_EQ(found->caller, "the caller was answered after 400 ms and talked for 3.6 s");
}

// Both hang up at once, and each BYE meets the end of the call.
TEST(CallResult, IsCleanWhereTwoByesHaveCrossed) {
    for (const auto behind : {-1'500ms, -5ms, 0ms, 5ms}) {
        SCOPED_TRACE(behind.count());
        auto call = untold_call(behind);
        call.meta->bye_status = 200;
        EXPECT_TRUE(call.good());
        EXPECT_FALSE(call.untold().has_value());
    }
    EXPECT_FALSE(untold_call(4s).good());
    // Nor is it known to be clean where the run saw too little.
    auto call = untold_call(0ms);
    call.timeline.events.clear();
    EXPECT_FALSE(call.good());
    ASSERT_TRUE(call.untold().has_value());
    EXPECT_FALSE(call.untold()->time.has_value());
}

TEST(BorneBy, TellsOfAByeByANewConnectionThatWasTaken) {
    auto call = call_of(talked());
    call.twilio = TwilioCall{};
    timeline::Event event;
    event.from = event.to = timeline::Party::twilio;
    event.label = "BYE by a new connection";
    call.timeline.events = {event};
    Commands commands;
    for (const auto& [status, count] : std::map<int, std::size_t>{{200, 1}, {481, 0}, {0, 0}}) {
        SCOPED_TRACE(status);
        call.twilio->bye_status = status;
        EXPECT_EQ(borne_by(result_of(call), commands.run).size(), count);
    }
}

// OpenAI's own delay is none of serve's faults.
TEST(Conclude, TellsALateWebhookFromALateAnswer) {
    auto call = call_of(refused(603));
    call.openai = OpenAiCall{};
    call.openai->ended_by = "deadline";
    call.openai->ended = 1'000ms;
    Commands commands;
    for (const auto after : {200ms, 1'500ms}) {
        call.openai->webhook_after = after;
        const auto found = conclude(result_of(call), {}, commands.run);
        ASSERT_TRUE(found.has_value());
        EXPECT_EQ(found->component.starts_with("OpenAI, the webhook"), after > 1'000ms);
    }
}

TEST(RemarksOf, CountsThoseThatAreAlike) {
    auto call = call_of(talked());
    timeline::Event event;
    event.from = event.to = timeline::Party::serve;
    event.label = "sideband: retry";
    event.trouble = true;
    call.timeline.events = {event, event};
    event.trouble = false;
    call.timeline.events.push_back(event);
    EXPECT_EQ(remarks_of(result_of(call)), (std::vector<std::string>{"serve: sideband: retry (2 times)"}));
}

}  // namespace
}  // namespace callchain::simulator
