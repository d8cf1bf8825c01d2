#include "openai/sideband.hpp"

#include "openai/sideband_calls.hpp"

#include <gtest/gtest.h>
#include <string>

namespace callchain::openai {
namespace {

// --- the way in ---

TEST(Sideband, ConnectsGreetsAndComesAlive) {
    Call call({.greeting = "Olá", .max_call = std::chrono::seconds{600}});
    EXPECT_EQ(call.start(), (Lines{"connect", "timer max_call 600000"}));
    EXPECT_FALSE(call.machine().is_attached());
    EXPECT_EQ(call.opened(), (Lines{"note attached", "say Olá", "note greeted", "timer settled 10000"}));
    EXPECT_TRUE(call.machine().is_attached());
    EXPECT_EQ(call.event("session.created"), (Lines{"cancel settled", "note first_event"}));
    EXPECT_EQ(call.detail_of("note first_event"), "session.created");
    EXPECT_EQ(call.event("session.updated"), Lines{});
    EXPECT_EQ(call.ended(How::lost), (Lines{"cancel max_call", "note ended", "finished caller_hung_up"}));
    EXPECT_FALSE(call.machine().is_attached());
    EXPECT_TRUE(call.machine().is_finished());
}

TEST(Sideband, StartsOnceAndIgnoresWhatComesBefore) {
    Call call;
    EXPECT_EQ(call.opened(), Lines{});
    EXPECT_EQ(call.ended(How::lost), Lines{});
    EXPECT_EQ(call.timer(Which::max_call), Lines{});
    EXPECT_EQ(call.start(), Lines{"connect"});
    EXPECT_EQ(call.start(), Lines{});
}

TEST(Sideband, MayBeDrainedBeforeItStarts) {
    Call call;
    EXPECT_EQ(call.drain(), (Lines{"note ended", "finished drained"}));
    EXPECT_EQ(call.start(), Lines{});
}

TEST(Sideband, SendsNothingWithoutAGreeting) {
    Call call;
    call.start();
    EXPECT_EQ(call.opened(), (Lines{"note attached", "timer settled 10000"}));
    EXPECT_EQ(call.opened(), Lines{});
}

TEST(Sideband, NotesFirstAudioOnce) {
    for (const std::string type :
         {"output_audio_buffer.started", "response.output_audio.delta",
          "response.output_audio_transcript.delta", "response.audio_transcript.delta"}) {
        SCOPED_TRACE(type);
        Call call;
        call.go_live();
        EXPECT_EQ(call.event("response.created"), Lines{});
        EXPECT_EQ(call.event(type), Lines{"note first_audio"});
        EXPECT_EQ(call.event(type), Lines{});
        EXPECT_EQ(call.event("response.output_audio.delta"), Lines{});
    }
}

TEST(Sideband, TakesALiveStreamsTranscriptForAudio) {
    Call call({.dialect = Dialect::live});
    call.go_live();
    EXPECT_EQ(call.event("session.output_audio.delta"), Lines{});
    EXPECT_EQ(call.event("session.output_transcript.delta"), Lines{"note first_audio"});
}

TEST(Sideband, KeepsTheKeyThatWasPressedToItself) {
    Call call;
    call.go_live();
    const auto lines = call.text(R"({"type":"input_audio_buffer.dtmf_event_received","event":"7"})");
    EXPECT_EQ(lines, Lines{"note dtmf"});
    EXPECT_EQ(call.detail_of("note dtmf").find('7'), std::string::npos);
}

// --- refused and lost before it was alive ---

TEST(Sideband, TriesA404AgainAndAgainThenGivesUp) {
    Call call({.max_call = std::chrono::seconds{60}});
    call.start();
    for (const std::string wait : {"300", "600", "1000", "1000"}) {
        SCOPED_TRACE(wait);
        EXPECT_EQ(call.ended(How::refused, 404), (Lines{"note retry", "timer reconnect " + wait}));
        EXPECT_EQ(call.ended(How::refused, 404), Lines{});
        EXPECT_EQ(call.timer(Which::reconnect), Lines{"connect"});
    }
    EXPECT_EQ(call.ended(How::refused, 404, 0, "call_id_not_found"),
              (Lines{"note session_refused", "cancel max_call", "note ended", "finished dead_session"}));
    EXPECT_NE(call.detail_of("finished dead_session").find("call_id_not_found"), std::string::npos);
}

TEST(Sideband, OpensAfterA404) {
    Call call({.greeting = "Olá"});
    call.start();
    call.ended(How::refused, 404);
    call.timer(Which::reconnect);
    EXPECT_EQ(call.opened(), (Lines{"note attached", "say Olá", "note greeted", "timer settled 10000"}));
}

TEST(Sideband, TriesAsOftenAsItIsTold) {
    for (const int most : {-3, 0, 1}) {
        Call call({.most_attempts = most});
        call.start();
        EXPECT_EQ(call.ended(How::failed), (Lines{"note ended", "finished dead_session"}));
    }
    Call patient({.most_attempts = 7});
    patient.start();
    for (int attempt = 1; attempt < 7; ++attempt) {
        EXPECT_EQ(patient.ended(How::timeout).size(), 2U);
        EXPECT_EQ(patient.timer(Which::reconnect), Lines{"connect"});
    }
    EXPECT_EQ(patient.ended(How::timeout), (Lines{"note ended", "finished dead_session"}));
}

TEST(Sideband, TakesSomeRefusalsAsFinal) {
    struct Row {
        int status;
        Lines want;
    };
    const Lines final_one{"note ended", "finished dead_session"};
    const Lines key{"note credential_refused", "note ended", "finished dead_session"};
    const Lines again{"note retry", "timer reconnect 300"};
    for (const auto& row :
         {Row{401, key}, Row{403, key}, Row{400, final_one}, Row{301, final_one}, Row{410, final_one},
          Row{404, again}, Row{408, again}, Row{429, again}, Row{500, again}, Row{503, again}}) {
        SCOPED_TRACE(row.status);
        Call call;
        call.start();
        EXPECT_EQ(call.ended(How::refused, row.status), row.want);
    }
}

TEST(Sideband, TriesALostConnectionAgainWithoutASecondGreeting) {
    Call call({.greeting = "Olá"});
    call.start();
    call.opened();
    EXPECT_EQ(call.ended(How::lost), (Lines{"cancel settled", "note retry", "timer reconnect 300"}));
    EXPECT_FALSE(call.machine().is_attached());
    EXPECT_EQ(call.timer(Which::reconnect), Lines{"connect"});
    EXPECT_EQ(call.opened(), Lines{"timer settled 10000"});
    EXPECT_EQ(call.event("session.created"), (Lines{"cancel settled", "note first_event"}));
    EXPECT_EQ(call.ended(How::lost), (Lines{"note ended", "finished caller_hung_up"}));
}

TEST(Sideband, IsDeadWhereThePeerClosesBeforeAnyEvent) {
    Call call;
    call.start();
    call.opened();
    EXPECT_EQ(call.ended(How::closed_by_peer, 0, 1000),
              (Lines{"cancel settled", "note ended", "finished dead_session"}));
}

TEST(Sideband, IsDeadWhereOnlyErrorsCame) {
    for (const auto how : {How::closed_by_peer, How::lost}) {
        Call call;
        call.start();
        call.opened();
        EXPECT_EQ(call.error("invalid_value"), Lines{"note error_event"});
        EXPECT_EQ(call.detail_of("note error_event"), "invalid_value: No.");
        // However long it stays open.
        EXPECT_EQ(call.timer(Which::settled), Lines{});
        EXPECT_EQ(call.ended(how), (Lines{"note ended", "finished dead_session"}));
    }
}

TEST(Sideband, NeedsNoEventWhereItStaysOpen) {
    for (const auto how : {How::closed_by_peer, How::lost, How::timeout}) {
        Call call;
        call.start();
        call.opened();
        EXPECT_EQ(call.timer(Which::settled), Lines{});
        EXPECT_EQ(call.ended(how), (Lines{"note ended", "finished caller_hung_up"}));
    }
}

TEST(Sideband, TakesAnActiveResponseForASignOfLife) {
    Call call({.greeting = "Olá"});
    call.start();
    call.opened();
    EXPECT_EQ(call.error("conversation_already_has_active_response", "callchain_greeting"),
              (Lines{"note error_event", "cancel settled"}));
    EXPECT_EQ(call.ended(How::closed_by_peer), (Lines{"note ended", "finished caller_hung_up"}));
}

TEST(Sideband, CountsNoUnreadableTextAsAnEvent) {
    Call call;
    call.start();
    call.opened();
    for (const std::string text : {"", "{", "[1]", R"({"type":7)"}) EXPECT_EQ(call.text(text), Lines{});
    EXPECT_EQ(call.ended(How::closed_by_peer),
              (Lines{"cancel settled", "note ended", "finished dead_session"}));
}

// --- ends that are not ours ---

TEST(Sideband, TellsAnExpiredSession) {
    {
        SCOPED_TRACE("by an error");
        Call call({.max_call = std::chrono::seconds{9000}});
        call.go_live();
        EXPECT_EQ(call.error("session_expired"), (Lines{"note error_event", "cancel max_call", "close"}));
        EXPECT_EQ(call.event("session.updated"), Lines{});
        EXPECT_EQ(call.ended(How::closed_by_peer, 0, 1001),
                  (Lines{"note ended", "finished session_expired"}));
    }
    {
        SCOPED_TRACE("by its close frame");
        Call call;
        call.go_live();
        EXPECT_EQ(
            call.ended(How::closed_by_peer, 0, 1001, "Your session hit the maximum duration of 60 minutes."),
            (Lines{"note ended", "finished session_expired"}));
    }
    {
        SCOPED_TRACE("on Live");
        Call call({.dialect = Dialect::live});
        call.go_live();
        EXPECT_EQ(call.text(R"({"type":"session.closed","event_id":"e9","reason":"expired"})"), Lines{});
        EXPECT_EQ(call.ended(How::closed_by_peer, 0, 1000),
                  (Lines{"note ended", "finished session_expired"}));
    }
}

TEST(Sideband, TellsASessionErrorFromAHangUp) {
    struct Row {
        const char* name;
        const char* error_about;  // nullptr: no error came
        bool event_behind;
        int close_code;
        const char* reason;
    };
    for (const auto& row : {
             Row{"quiet end", nullptr, false, 0, "caller_hung_up"},
             Row{"going away", nullptr, false, 1001, "caller_hung_up"},
             Row{"internal error", nullptr, false, 1011, "session_error"},
             Row{"policy", nullptr, false, 1008, "session_error"},
             Row{"error just before", "", false, 1000, "session_error"},
             Row{"error long before", "", true, 1000, "caller_hung_up"},
             Row{"error about a message of ours", "callchain_greeting", false, 1000, "caller_hung_up"},
         }) {
        SCOPED_TRACE(row.name);
        Call call;
        call.go_live();
        if (row.error_about != nullptr) call.error("server_error", row.error_about);
        if (row.event_behind) call.event("rate_limits.updated");
        EXPECT_EQ(call.ended(How::closed_by_peer, 0, row.close_code),
                  (Lines{"note ended", std::string("finished ") + row.reason}));
    }
}

TEST(Sideband, StopsNotingErrorsThatKeepComing) {
    Call call;
    call.go_live();
    std::size_t notes = 0;
    for (int i = 0; i < 100; ++i) notes += call.error("server_error").size();
    EXPECT_EQ(notes, 16U);
}

TEST(Sideband, ChangesNothingAfterTheEnd) {
    Call call({.greeting = "Olá", .farewell = "Tchau", .max_call = std::chrono::seconds{60}});
    call.go_live();
    call.ended(How::lost);
    EXPECT_EQ(call.start(), Lines{});
    EXPECT_EQ(call.opened(), Lines{});
    EXPECT_EQ(call.text(kEndCallArguments), Lines{});
    EXPECT_EQ(call.error("session_expired"), Lines{});
    EXPECT_EQ(call.ended(How::refused, 404), Lines{});
    for (const auto which : {Which::reconnect, Which::max_call, Which::farewell, Which::settled})
        EXPECT_EQ(call.timer(which), Lines{});
    EXPECT_EQ(call.hung_up(true, "done"), Lines{});
    EXPECT_EQ(call.drain(), Lines{});
}

// --- drain, in every state ---

TEST(Sideband, ClosesAtOnceWhenDrained) {
    Call call({.greeting = "Olá", .max_call = std::chrono::seconds{60}});
    call.go_live();
    EXPECT_EQ(call.drain(), (Lines{"cancel max_call", "close"}));
    EXPECT_EQ(call.text(kEndCallArguments), Lines{});
    EXPECT_EQ(call.ended(How::closed), (Lines{"note ended", "finished drained"}));
}

TEST(Sideband, NeedsNoEndOfTheConnectionWhenDrainedTwice) {
    Call call;
    call.go_live();
    EXPECT_EQ(call.drain(), Lines{"close"});
    EXPECT_EQ(call.drain(), (Lines{"note ended", "finished drained"}));
}

TEST(Sideband, ClosesAnAttemptWhenDrained) {
    Call call;
    call.start();
    EXPECT_EQ(call.drain(), Lines{"close"});
    EXPECT_EQ(call.opened(), Lines{});
    EXPECT_EQ(call.ended(How::refused, 404), (Lines{"note ended", "finished drained"}));
}

TEST(Sideband, GivesUpWaitingWhenDrained) {
    Call call;
    call.start();
    call.ended(How::refused, 404);
    EXPECT_EQ(call.drain(), (Lines{"cancel reconnect", "note ended", "finished drained"}));
}

TEST(Sideband, GreetsBeforeItIsDrained) {
    Call call({.greeting = "Olá"});
    call.start();
    EXPECT_EQ(call.drain(), Lines{});
    EXPECT_EQ(call.ended(How::refused, 404), (Lines{"note retry", "timer reconnect 300"}));
    EXPECT_EQ(call.timer(Which::reconnect), Lines{"connect"});
    EXPECT_EQ(call.opened(), (Lines{"note attached", "say Olá", "note greeted", "close"}));
    EXPECT_EQ(call.ended(How::closed), (Lines{"note ended", "finished drained"}));
}

TEST(Sideband, DoesNotGreetWhenDrainedTwice) {
    Call call({.greeting = "Olá"});
    call.start();
    call.drain();
    EXPECT_EQ(call.drain(), Lines{"close"});
    EXPECT_EQ(call.ended(How::closed), (Lines{"note ended", "finished drained"}));

    Call waiting({.greeting = "Olá"});
    waiting.start();
    waiting.ended(How::failed);
    EXPECT_EQ(waiting.drain(), Lines{});
    EXPECT_EQ(waiting.drain(), (Lines{"cancel reconnect", "note ended", "finished drained"}));
}

TEST(Sideband, HurriesAFarewellWhenDrained) {
    auto call = ending_call();
    EXPECT_EQ(call.drain(), Lines{"timer farewell 3000"});
    EXPECT_EQ(call.drain(), (Lines{"cancel farewell", "hang up"}));
    EXPECT_EQ(call.drain(), (Lines{"close", "note ended", "finished end_call"}));
}

TEST(Sideband, FinishesAHangUpWhenDrained) {
    Call call;
    call.go_live();
    call.text(kEndCallArguments);
    EXPECT_EQ(call.drain(), Lines{});
    call.ended(How::closed_by_peer);
    EXPECT_EQ(call.hung_up(true, "done"), (Lines{"note ended", "finished end_call"}));
}

// --- Live ---

TEST(Sideband, CountsAReplayedEventOnce) {
    Call call({.dialect = Dialect::live});
    call.start();
    call.opened();
    const std::string key = R"({"type":"transport.dtmf.received","event_id":"e1","event":"1"})";
    EXPECT_EQ(call.text(key), (Lines{"cancel settled", "note first_event", "note dtmf"}));
    EXPECT_EQ(call.text(key), Lines{});
    EXPECT_EQ(call.text(R"({"type":"transport.dtmf.received","event_id":"e2","event":"1"})"),
              Lines{"note dtmf"});
    EXPECT_EQ(call.text(R"({"type":"transport.dtmf.received","event":"1"})"), Lines{"note dtmf"});
    EXPECT_EQ(call.text(R"({"type":"transport.dtmf.received","event":"1"})"), Lines{"note dtmf"});
}

TEST(Sideband, RemembersTheLast256Events) {
    Call call({.dialect = Dialect::live});
    call.go_live();
    const auto key = [](int number) {
        return R"({"type":"transport.dtmf.received","event_id":"e)" + std::to_string(number) +
               R"(","event":"1"})";
    };
    for (int i = 0; i < 256; ++i) EXPECT_EQ(call.text(key(i)).size(), 1U);
    for (int i = 0; i < 256; ++i) EXPECT_EQ(call.text(key(i)).size(), 0U);
    EXPECT_EQ(call.text(key(256)).size(), 1U);
    EXPECT_EQ(call.text(key(1)).size(), 0U);
    EXPECT_EQ(call.text(key(0)).size(), 1U);
}

TEST(Sideband, CountsEveryEventOfRealtime) {
    Call call;
    call.go_live();
    const std::string key =
        R"({"type":"input_audio_buffer.dtmf_event_received","event_id":"e1","event":"1"})";
    EXPECT_EQ(call.text(key), Lines{"note dtmf"});
    EXPECT_EQ(call.text(key), Lines{"note dtmf"});
}

TEST(Sideband, SpeaksTheLiveDialect) {
    Call call({.dialect = Dialect::live,
               .greeting = "Olá",
               .farewell = "Tchau",
               .max_call = std::chrono::seconds{60}});
    call.start();
    EXPECT_EQ(call.opened(), (Lines{"note attached", "say Olá", "note greeted", "timer settled 10000"}));
    call.event("session.started");
    // The delegation's responses are not the speech of the session.
    EXPECT_EQ(call.text(created("r1")), Lines{});
    EXPECT_EQ(call.text(kEndCallArguments), Lines{});
    EXPECT_EQ(call.timer(Which::max_call),
              (Lines{"note max_call", "timer farewell 8000", "say Tchau", "note farewell"}));
    EXPECT_EQ(call.text(done("r1")), Lines{});
    EXPECT_EQ(call.timer(Which::farewell), Lines{"hang up"});
}

}  // namespace
}  // namespace callchain::openai
