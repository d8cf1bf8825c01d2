// How a call is ended by the model or by its time: farewell, hang-up, and what crosses them.
#include "openai/sideband.hpp"
#include "openai/sideband_calls.hpp"

#include <gtest/gtest.h>
#include <string>

namespace callchain::openai {
namespace {

// --- end_call ---

TEST(Sideband, HangsUpAtOnceWithoutAFarewell) {
    for (const auto& text : {kEndCallArguments, kEndCallItem, kEndCallResponse}) {
        SCOPED_TRACE(text);
        Call call({.max_call = std::chrono::seconds{60}});
        call.go_live();
        EXPECT_EQ(call.text(text), (Lines{"note end_call", "answer call_1", "cancel max_call", "hang up"}));
        EXPECT_EQ(call.hung_up(true, "done"), Lines{"close"});
        EXPECT_EQ(call.ended(How::closed), (Lines{"note ended", "finished end_call"}));
    }
}

TEST(Sideband, LetsTheModelFinishWhatItIsSaying) {
    Call call;
    call.go_live();
    call.text(created("r1"));
    call.text(buffer("started", "r1"));
    EXPECT_EQ(call.text(kEndCallArguments), (Lines{"note end_call", "answer call_1", "timer farewell 8000"}));
    EXPECT_EQ(call.text(kEndCallResponse), Lines{});
    EXPECT_EQ(call.text(buffer("stopped", "r1")), (Lines{"cancel farewell", "hang up"}));
}

TEST(Sideband, IgnoresOtherFunctions) {
    Call call(with_farewell());
    call.go_live();
    EXPECT_EQ(call.text(R"({"type":"response.function_call_arguments.done","call_id":"c","name":"look_up"})"),
              Lines{});
}

TEST(Sideband, EndsWithoutAnAnswerWhereTheCallHasNoId) {
    Call call;
    call.go_live();
    EXPECT_EQ(call.text(R"({"type":"response.function_call_arguments.done","name":"end_call"})"),
              (Lines{"note end_call", "hang up"}));
}

TEST(Sideband, SaysTheFarewellWhenTheResponseIsDone) {
    Call call(with_farewell());
    call.go_live();
    call.text(created("r1"));
    EXPECT_EQ(call.text(kEndCallArguments), (Lines{"note end_call", "answer call_1", "timer farewell 8000"}));
    // The same call again, in its other forms.
    EXPECT_EQ(call.text(kEndCallArguments), Lines{});
    EXPECT_EQ(call.text(kEndCallItem), Lines{});
    EXPECT_EQ(call.text(kEndCallResponse), (Lines{"say Tchau", "note farewell"}));
    EXPECT_EQ(call.text(created("r2")), Lines{});
    EXPECT_EQ(call.text(buffer("started", "r2")), Lines{"note first_audio"});
    EXPECT_EQ(call.text(done("r2")), Lines{});
    EXPECT_EQ(call.text(buffer("stopped", "r2")), (Lines{"cancel farewell", "hang up"}));
    EXPECT_EQ(call.text(buffer("stopped", "r2")), Lines{});
    EXPECT_EQ(call.ended(How::closed_by_peer), Lines{});
    EXPECT_EQ(call.hung_up(true, "done"), (Lines{"note ended", "finished end_call"}));
}

TEST(Sideband, SaysTheFarewellAtOnceWhereTheResponseIsDoneAlready) {
    Call call(with_farewell());
    call.go_live();
    EXPECT_EQ(call.text(kEndCallResponse),
              (Lines{"note end_call", "answer call_1", "timer farewell 8000", "say Tchau", "note farewell"}));
}

TEST(Sideband, EndsTheFarewellWithItsResponseWhereNothingTellsOfTheAudio) {
    auto call = ending_call();
    call.text(done("r1"));
    call.text(created("r2"));
    EXPECT_EQ(call.text(done("r1")), Lines{});
    EXPECT_EQ(call.text(done("r2")), (Lines{"cancel farewell", "hang up"}));
}

TEST(Sideband, TakesNoEarlierAudioForTheFarewell) {
    Call call(with_farewell());
    call.go_live();
    call.text(created("r1"));
    call.text(buffer("started", "r1"));
    call.text(kEndCallArguments);
    call.text(kEndCallResponse);
    call.text(created("r2"));
    EXPECT_EQ(call.text(done("r2")), Lines{});
    // What the model said before ends only now; the farewell is next.
    EXPECT_EQ(call.text(buffer("stopped", "r1")), Lines{});
    EXPECT_EQ(call.text(buffer("started", "r2")), Lines{});
    EXPECT_EQ(call.text(buffer("stopped", "r2")), (Lines{"cancel farewell", "hang up"}));
}

TEST(Sideband, FollowsAudioThatNamesNoResponse) {
    auto call = ending_call();
    call.event("output_audio_buffer.started");
    call.text(done("r1"));
    call.event("response.created");
    EXPECT_EQ(call.event("output_audio_buffer.stopped"), Lines{});
    EXPECT_EQ(call.event("output_audio_buffer.started"), Lines{});
    EXPECT_EQ(call.event("output_audio_buffer.cleared"), (Lines{"cancel farewell", "hang up"}));
}

TEST(Sideband, HangsUpWhereTheFarewellIsCut) {
    for (const std::string status : {"cancelled", "failed", "incomplete"}) {
        SCOPED_TRACE(status);
        auto call = ending_call();
        call.text(buffer("started", "r1"));
        call.text(buffer("stopped", "r1"));
        call.text(done("r1"));
        call.text(created("r2"));
        EXPECT_EQ(call.text(done("r2", status)), (Lines{"cancel farewell", "hang up"}));
    }
}

TEST(Sideband, WaitsForAResponseThatCameBetween) {
    auto call = ending_call();
    EXPECT_EQ(call.text(done("r1")), (Lines{"say Tchau", "note farewell"}));
    // The caller spoke: the server made a response of its own before ours arrived.
    EXPECT_EQ(call.text(created("r2")), Lines{});
    EXPECT_EQ(call.error("conversation_already_has_active_response", "callchain_farewell"),
              Lines{"note error_event"});
    EXPECT_EQ(call.text(done("r2")), Lines{"say Tchau"});
    EXPECT_EQ(call.text(created("r3")), Lines{});
    EXPECT_EQ(call.text(done("r3")), (Lines{"cancel farewell", "hang up"}));
}

TEST(Sideband, HangsUpWhereTheFarewellIsRefused) {
    auto call = ending_call();
    call.text(done("r1"));
    EXPECT_EQ(call.error("invalid_value", "something_else"), Lines{"note error_event"});
    EXPECT_EQ(call.error("invalid_value", "callchain_farewell"),
              (Lines{"note error_event", "cancel farewell", "hang up"}));
}

TEST(Sideband, WaitsForTheFarewellNoLongerThanItIsTold) {
    auto settings = with_farewell();
    settings.farewell_time = std::chrono::milliseconds{1500};
    Call call(settings);
    call.go_live();
    EXPECT_EQ(call.text(kEndCallArguments), (Lines{"note end_call", "answer call_1", "timer farewell 1500"}));
    EXPECT_EQ(call.timer(Which::farewell), Lines{"hang up"});
    EXPECT_EQ(call.timer(Which::farewell), Lines{});
}

TEST(Sideband, HangsUpWhereTheConnectionEndsDuringTheFarewell) {
    for (const auto how : {How::lost, How::closed_by_peer, How::timeout}) {
        auto call = ending_call();
        EXPECT_EQ(call.ended(how), (Lines{"cancel farewell", "hang up"}));
        EXPECT_FALSE(call.machine().is_attached());
        EXPECT_EQ(call.hung_up(false, "call_gone"), (Lines{"note ended", "finished end_call"}));
    }
}

TEST(Sideband, GoesOnEndingWhereTheSessionExpires) {
    auto call = ending_call();
    EXPECT_EQ(call.error("session_expired"), Lines{"note error_event"});
    EXPECT_EQ(call.ended(How::closed_by_peer, 0, 1001), (Lines{"cancel farewell", "hang up"}));
    EXPECT_EQ(call.hung_up(false, "call_gone"), (Lines{"note ended", "finished end_call"}));
}

TEST(Sideband, NotesAHangUpThatFailed) {
    struct Row {
        bool done;
        const char* outcome;
        Lines want;
    };
    for (const auto& row : {Row{true, "done", {"close"}}, Row{false, "call_gone", {"close"}},
                            Row{false, "network_failure", {"note hangup_failed", "close"}}}) {
        SCOPED_TRACE(row.outcome);
        Call call;
        call.go_live();
        call.text(kEndCallArguments);
        EXPECT_EQ(call.hung_up(row.done, row.outcome), row.want);
        EXPECT_EQ(call.hung_up(row.done, row.outcome), Lines{});
        EXPECT_EQ(call.ended(How::closed), (Lines{"note ended", "finished end_call"}));
    }
}

// --- the longest call ---

TEST(Sideband, EndsACallWhoseTimeIsUp) {
    Call call({.max_call = std::chrono::seconds{60}});
    call.go_live();
    EXPECT_EQ(call.timer(Which::max_call), (Lines{"note max_call", "hang up"}));
    call.hung_up(true, "done");
    EXPECT_EQ(call.ended(How::closed_by_peer), (Lines{"note ended", "finished max_call_seconds"}));
}

TEST(Sideband, SaysTheFarewellWhenTimeIsUp) {
    Call call({.farewell = "Tchau", .max_call = std::chrono::seconds{60}});
    call.go_live();
    EXPECT_EQ(call.timer(Which::max_call),
              (Lines{"note max_call", "timer farewell 8000", "say Tchau", "note farewell"}));
}

TEST(Sideband, InterruptsTheModelWhenTimeIsUp) {
    Call call({.farewell = "Tchau", .max_call = std::chrono::seconds{60}});
    call.go_live();
    call.text(created("r1"));
    call.text(buffer("started", "r1"));
    EXPECT_EQ(call.timer(Which::max_call), (Lines{"note max_call", "timer farewell 8000", "response.cancel",
                                                  "output_audio_buffer.clear"}));
    EXPECT_EQ(call.text(buffer("cleared", "r1")), Lines{});
    EXPECT_EQ(call.text(done("r1", "cancelled")), (Lines{"say Tchau", "note farewell"}));
}

TEST(Sideband, SaysTheFarewellWhereThereWasNothingToCancel) {
    Call call({.farewell = "Tchau", .max_call = std::chrono::seconds{60}});
    call.go_live();
    call.text(created("r1"));
    call.timer(Which::max_call);
    EXPECT_EQ(call.error("response_cancel_not_active", "callchain_cancel"),
              (Lines{"note error_event", "say Tchau", "note farewell"}));
    // The response.done that had crossed with the cancel is not the farewell's.
    EXPECT_EQ(call.text(done("r1")), Lines{});
    call.text(created("r2"));
    EXPECT_EQ(call.text(done("r2")), (Lines{"cancel farewell", "hang up"}));
}

TEST(Sideband, EndsACallThatWasNeverAttachedWhenTimeIsUp) {
    {
        SCOPED_TRACE("while connecting");
        Call call({.greeting = "Olá", .farewell = "Tchau", .max_call = std::chrono::seconds{1}});
        call.start();
        EXPECT_EQ(call.timer(Which::max_call), (Lines{"note max_call", "close", "hang up"}));
        EXPECT_EQ(call.opened(), Lines{});
        EXPECT_EQ(call.hung_up(true, "done"), Lines{});
        EXPECT_EQ(call.ended(How::closed), (Lines{"note ended", "finished max_call_seconds"}));
    }
    {
        SCOPED_TRACE("while waiting to connect again");
        Call call({.max_call = std::chrono::seconds{1}});
        call.start();
        call.ended(How::failed);
        EXPECT_EQ(call.timer(Which::max_call), (Lines{"note max_call", "cancel reconnect", "hang up"}));
        EXPECT_EQ(call.timer(Which::reconnect), Lines{});
        EXPECT_EQ(call.hung_up(true, "done"), (Lines{"note ended", "finished max_call_seconds"}));
    }
}

TEST(Sideband, TakesTheFirstOfTwoCauses) {
    auto settings = with_farewell();
    settings.max_call = std::chrono::seconds{60};
    auto call = ending_call(settings);
    // Its timer is cancelled; what fires all the same is late.
    EXPECT_EQ(call.timer(Which::max_call), Lines{});
    call.timer(Which::farewell);
    call.ended(How::lost);
    EXPECT_EQ(call.hung_up(true, "done"), (Lines{"note ended", "finished end_call"}));

    Call late({.farewell = "Tchau", .max_call = std::chrono::seconds{60}});
    late.go_live();
    late.timer(Which::max_call);
    EXPECT_EQ(late.text(kEndCallItem), Lines{});
    late.timer(Which::farewell);
    late.ended(How::lost);
    EXPECT_EQ(late.hung_up(true, "done"), (Lines{"note ended", "finished max_call_seconds"}));
}

}  // namespace
}  // namespace callchain::openai
