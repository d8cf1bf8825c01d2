#include "openai/proof_of_life.hpp"

#include <gtest/gtest.h>

using namespace callchain::openai;
using Life = LifeVerdict::Life;
using Wanted = ProofOfLife::Wanted;

namespace {

ProofOfLife after(Wanted wanted, std::initializer_list<const char*> notes) {
    ProofOfLife proof(wanted);
    for (const char* note : notes) proof.note({note, std::string("about ") + note, {}});
    return proof;
}

}  // namespace

TEST(ProofOfLife, JudgesWhatHasComeSoFar) {
    struct Row {
        const char* name;
        Wanted wanted;
        std::initializer_list<const char*> notes;
        Life now;
        Life in_the_end;
        const char* stage;
    };
    for (const auto& row : {
             Row{"nothing", Wanted::event, {}, Life::pending, Life::dead, "attached"},
             Row{"refused",
                 Wanted::event,
                 {"retry", "session_refused"},
                 Life::pending,
                 Life::dead,
                 "attached"},
             Row{"attached", Wanted::event, {"attached"}, Life::pending, Life::quiet, "first_event"},
             Row{"an event", Wanted::event, {"attached", "first_event"}, Life::alive, Life::alive, ""},
             Row{"nothing but an error",
                 Wanted::event,
                 {"attached", "error_event"},
                 Life::pending,
                 Life::dead,
                 "first_event"},
             Row{"an event behind an error",
                 Wanted::event,
                 {"attached", "error_event", "first_event"},
                 Life::alive,
                 Life::alive,
                 ""},
             Row{"no audio",
                 Wanted::audio,
                 {"attached", "greeted", "first_event"},
                 Life::pending,
                 Life::dead,
                 "first_audio"},
             Row{"audio",
                 Wanted::audio,
                 {"attached", "greeted", "first_event", "first_audio"},
                 Life::alive,
                 Life::alive,
                 ""},
             Row{"audio in spite of an error",
                 Wanted::audio,
                 {"attached", "error_event", "first_audio"},
                 Life::alive,
                 Life::alive,
                 ""},
         }) {
        SCOPED_TRACE(row.name);
        const auto proof = after(row.wanted, row.notes);
        EXPECT_EQ(proof.verdict().life, row.now);
        EXPECT_EQ(proof.verdict_in_the_end().life, row.in_the_end);
        EXPECT_EQ(proof.verdict_in_the_end().stage, row.stage);
    }
}

TEST(ProofOfLife, TakesTheEndBeforeTheProofAsDeath) {
    auto proof = after(Wanted::event, {"retry"});
    proof.end("dead_session", "answered 404 five times");
    EXPECT_EQ(proof.verdict().life, Life::dead);
    EXPECT_EQ(proof.verdict().stage, "attached");
    EXPECT_EQ(proof.verdict().reason, "dead_session");
    EXPECT_EQ(proof.verdict().detail, "answered 404 five times");
}

TEST(ProofOfLife, ExplainsADeathByTheErrorThatCameBefore) {
    auto proof = after(Wanted::event, {"attached", "error_event"});
    proof.end("session_error", "closed with 1000");
    EXPECT_EQ(proof.verdict().life, Life::dead);
    EXPECT_EQ(proof.verdict().detail, "about error_event");
}

TEST(ProofOfLife, NamesTheFindingBehindADeath) {
    struct Row {
        const char* name;
        std::initializer_list<const char*> notes;
        const char* reason;
        const char* code;
    };
    for (const auto& row : {
             Row{"404 again and again", {"retry", "session_refused"}, "dead_session", "call_dead_session"},
             Row{"a proxy, or the key", {"credential_refused"}, "dead_session", "call_sideband_refused"},
             Row{"closed in silence", {"attached"}, "dead_session", "call_dead_session"},
             Row{"closed behind an error", {"attached", "error_event"}, "dead_session", "call_session_error"},
             Row{"hung up", {"attached"}, "caller_hung_up", "call_gone"},
             Row{"expired", {"attached"}, "session_expired", "call_session_expired"},
         }) {
        SCOPED_TRACE(row.name);
        auto proof = after(Wanted::event, row.notes);
        proof.end(row.reason, "");
        EXPECT_EQ(proof.verdict().code, row.code);
    }
}

// A call that was alive and is over was alive: whoever asks wants to know whether the accept worked.
TEST(ProofOfLife, IsNotTakenBackByALaterEnd) {
    auto proof = after(Wanted::event, {"attached", "first_event"});
    proof.end("caller_hung_up", "");
    EXPECT_EQ(proof.verdict().life, Life::alive);
}
